//! `vestibule compare`: a recording replayed at two servers.
//!
//! Easiest to break: whoever answers is a server that people use. Exchanges go in their order, to both at the same time, so many in a second and no
//! more, and one that would need what nobody knows is not made.

use std::path::{Path, PathBuf};
use std::time::Duration;

use moving::{Answer, Carried, Compared, Exchange, Needed, Recording};
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::Value;

use crate::ports;
use crate::reaching::{self, ReachError};

/// Bytes of an answer.
const LONGEST: usize = 4 << 20;
/// How often a server that asks to be given time is asked.
const ATTEMPTS: u32 = 4;
/// The longest time that one is given.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Two servers that are compared.
pub struct Comparison {
    /// The address of the old one, up to `/openidm`.
    pub old: String,
    /// The address of the new one.
    pub new: String,
    /// Exchanges in a second, at most.
    pub per_second: f64,
    /// A program that says the code of a mail: it is called with `old` or `new`, and writes the code of the last mail of that server.
    pub code_from: Option<PathBuf>,
}

/// Why two servers are not compared.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonError {
    /// A server cannot be asked.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// A server does not answer.
    #[error("{address}: {cause}")]
    Away {
        /// Which.
        address: String,
        /// Why.
        cause: String,
    },
    /// The program says no code.
    #[error("{program}: {cause}")]
    Code {
        /// Which program.
        program: String,
        /// Why.
        cause: String,
    },
    /// There is nothing to compare.
    #[error("nothing was compared: the recording holds no exchange of self-service that could be made")]
    Nothing,
}

/// One of the servers, and what its answers have given.
struct Side {
    name: &'static str,
    base: Url,
    client: Client,
    carried: Carried,
}

impl Comparison {
    /// Replays a recording at both servers.
    ///
    /// # Errors
    /// [`ComparisonError`].
    pub async fn run(&self, recording: &Recording) -> Result<Compared, ComparisonError> {
        let side = |name, address: &str| {
            let base = reaching::base(address)?;
            let client = reaching::client()?;
            Ok::<_, ReachError>(Side { name, base, client, carried: Carried::default() })
        };
        let (mut old, mut new) = (side("old", &self.old)?, side("new", &self.new)?);
        let mut pace = reaching::pace(self.per_second)?;
        let mut compared = Compared::of(recording.others);
        for exchange in &recording.exchanges {
            let needed = [&old, &new].map(|side| side.carried.needs(exchange));
            let needs_code = needed.contains(&Needed::Code);
            let lacks = |needed: &Needed| !matches!(needed, Needed::Nothing) && (*needed != Needed::Code || self.code_from.is_none());
            if let Some(lacking) = needed.into_iter().find(lacks) {
                compared.pass(lacking);
                old.carried.passes(exchange);
                new.carried.passes(exchange);
                continue;
            }
            pace.tick().await;
            let code_from = self.code_from.as_deref().filter(|_| needs_code);
            let (there, here) = tokio::join!(old.ask(exchange, code_from), new.ask(exchange, code_from));
            let process = exchange.path.split('?').next().unwrap_or_default();
            compared.add(exchange.number, &format!("{} {process}", exchange.method), &there?, &here?);
        }
        if compared.compared == 0 { Err(ComparisonError::Nothing) } else { Ok(compared) }
    }
}

impl Side {
    async fn ask(&mut self, exchange: &Exchange, code_from: Option<&Path>) -> Result<Answer, ComparisonError> {
        let code = match code_from {
            Some(program) => Some(code(program, self.name).await?),
            None => None,
        };
        let (path, body) = self.carried.request(exchange, code.as_deref());
        let mut attempt = 1;
        let answer = loop {
            let asked = self.once(exchange, &path, &body).await;
            let (answer, wait) = asked.map_err(|cause| ComparisonError::Away { address: self.base.to_string(), cause })?;
            match wait {
                Some(wait) if attempt < ATTEMPTS => tokio::time::sleep(wait.min(LONGEST_WAIT)).await,
                _ => break answer,
            }
            attempt += 1;
        };
        self.carried.learn(exchange, &answer.body);
        Ok(answer)
    }

    /// The answer, and how long the server wants to be left alone, where it says so.
    async fn once(&self, exchange: &Exchange, path: &str, body: &Value) -> Result<(Answer, Option<Duration>), String> {
        let url = below(&self.base, path)?;
        let method = Method::from_bytes(exchange.method.as_bytes()).map_err(|_| format!("'{}' is no method", exchange.method))?;
        let mut request = self.client.request(method, url);
        for (name, value) in &exchange.headers {
            request = request.header(name, value);
        }
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let reply = request.send().await.map_err(ports::failure)?;
        let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = reply.headers().iter().filter(|(name, _)| Answer::compares(name.as_str()));
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let is_busy = matches!(reply.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let wait = reply.headers().get("retry-after").filter(|_| is_busy).and_then(|value| value.to_str().ok()?.parse().ok());
        let status = reply.status().as_u16();
        let bytes = ports::within(reply, LONGEST).await?;
        let bytes = bytes.ok_or_else(|| format!("an answer has more than {} MiB", LONGEST >> 20))?;
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Ok((Answer { status, headers, body }, wait.map(Duration::from_secs)))
    }
}

/// Where a path leads that begins with `selfservice/`. One that leads out of it, as whoever made the recording may have written it, goes nowhere; nor does
/// one that another reader of addresses might take for such a one.
fn below(base: &Url, path: &str) -> Result<Url, String> {
    let url = base.join(path).map_err(|error| error.to_string())?;
    let is_below = url.origin() == base.origin() && url.path().starts_with(&format!("{}selfservice/", base.path()));
    let asked = path.split('?').next().unwrap_or_default();
    if is_below && !asked.to_ascii_lowercase().replace("%2e", ".").contains("..") {
        Ok(url)
    } else {
        Err(format!("'{asked}' of the recording is not below selfservice/, and is sent nowhere"))
    }
}

/// What the operator's program says.
async fn code(program: &Path, side: &'static str) -> Result<String, ComparisonError> {
    let failed = |cause: String| ComparisonError::Code { program: program.display().to_string(), cause };
    let mut command = std::process::Command::new(program);
    command.arg(side).stdin(std::process::Stdio::null()).stderr(std::process::Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output()).await.map_err(|error| failed(error.to_string()))?;
    let output = output.map_err(|error| failed(error.to_string()))?;
    let code = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !code.is_empty() { Ok(code) } else { Err(failed(format!("no code for '{side}' ({})", output.status))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out_of_self_service() {
        let base = Url::parse("https://idm.example.com/openidm/").unwrap();
        let good = below(&base, "selfservice/reset?_action=submitRequirements").unwrap();
        assert_eq!(good.as_str(), "https://idm.example.com/openidm/selfservice/reset?_action=submitRequirements");
        for bad in [
            "selfservice/../managed/user?_action=create",
            "selfservice/%2e%2E/managed/user",
            "selfservice/..%2fmanaged/user",
            "selfservice/..;/managed/user",
            "selfservice/../../selfservice/x",
            "selfservice",
            "//other.example.com/openidm/selfservice/reset",
            "https://other.example.com/openidm/selfservice/reset",
            "\\\\other.example.com/openidm/selfservice/reset",
        ] {
            let said = below(&base, bad).unwrap_err();
            assert!(said.contains("is sent nowhere") && !said.contains("_action"), "{said}");
        }
    }
}
