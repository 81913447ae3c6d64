//! Signing a new person in at an access manager, with the REST call its documentation shows for `json/…/authenticate`.

use async_trait::async_trait;
use crest::ResourceError;
use serde::Deserialize;
use stages::{AutoLogin, SignedInElsewhere};

use super::calls;

/// How much of an answer is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Asks over HTTP.
pub(crate) struct HttpAutoLogin {
    client: reqwest::Client,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    token_id: String,
    #[serde(default)]
    success_url: String,
}

impl HttpAutoLogin {
    /// With its own connection pool.
    ///
    /// # Errors
    /// When no TLS set-up is possible.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        Ok(Self { client: calls::client()? })
    }
}

fn unusable(what: &dyn std::fmt::Display) -> ResourceError {
    tracing::warn!(error = %what, "the access manager cannot be used");
    ResourceError::unavailable("Signing in is not possible at the moment")
}

#[async_trait]
impl AutoLogin for HttpAutoLogin {
    async fn sign_in(&self, url: &str, user_name: &str, password: &str) -> Result<SignedInElsewhere, ResourceError> {
        let request = self
            .client
            .post(url)
            .header("X-OpenAM-Username", encoded(user_name))
            .header("X-OpenAM-Password", encoded(password))
            .header("Accept-API-Version", "resource=2.0, protocol=1.0")
            .header("Content-Type", "application/json");
        let reply = request.send().await.map_err(|error| unusable(&calls::failure(error)))?;
        match reply.status().as_u16() {
            200..=299 => {}
            401 | 403 => return Err(ResourceError::unauthorized("The access manager refuses to sign the person in")),
            status => return Err(unusable(&format!("it answers {status}"))),
        }
        let answer: Answer = calls::json(reply, MAX_ANSWER).await.map_err(|error| unusable(&error))?;
        if answer.token_id.is_empty() {
            return Err(unusable(&"its answer has no tokenId"));
        }
        Ok(SignedInElsewhere { token_id: answer.token_id, success_url: answer.success_url })
    }
}

/// Header values beyond ASCII are sent as RFC 2047 encoded words, which access managers decode.
fn encoded(text: &str) -> String {
    use base64::Engine as _;
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text.to_owned();
    }
    format!("=?UTF-8?B?{}?=", base64::engine::general_purpose::STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_header_cannot_hold_is_encoded() {
        assert_eq!(encoded("Passw0rd!"), "Passw0rd!");
        assert_eq!(encoded("Grüße"), "=?UTF-8?B?R3LDvMOfZQ==?=");
    }
}
