//! Identity providers over HTTP, and the scripts of their property maps.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use crest::{Clock, Random, random_bytes};
use script::{Bindings, NoHost, Program, Sandbox};
use serde_json::Value;
use social::{Answer, Fetch, Request, Scripted, TransformScript};

use super::calls;

/// How much of an answer is read.
const MAX_ANSWER: usize = 256 * 1024;

/// Asks identity providers.
pub(crate) struct HttpProviders {
    client: reqwest::Client,
    outside: reqwest::Client,
}

impl HttpProviders {
    /// With connection pools of its own.
    ///
    /// # Errors
    /// When no TLS set-up is possible.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        Ok(Self { client: calls::client()?, outside: calls::outside_client()? })
    }
}

#[async_trait]
impl Fetch for HttpProviders {
    async fn fetch(&self, request: Request) -> Result<Answer, String> {
        let client = if request.outside { &self.outside } else { &self.client };
        let mut asking = match &request.form {
            Some(form) => client.post(&request.url).form(&form.iter().map(|(name, value)| (name, value.as_str())).collect::<Vec<_>>()),
            None => client.get(&request.url),
        };
        if let Some((name, secret)) = &request.basic {
            asking = asking.basic_auth(name, Some(secret.as_str()));
        }
        if let Some(token) = &request.bearer {
            asking = asking.bearer_auth(token.as_str());
        }
        // Some providers refuse whoever does not say who they are.
        let asking = asking.header("accept", "application/json").header("user-agent", "vestibule");
        let answer = asking.send().await.map_err(calls::failure)?;
        let status = answer.status().as_u16();
        Ok(Answer { status, body: calls::bytes(answer, MAX_ANSWER).await? })
    }
}

/// The scripts of property maps, by their texts.
pub(crate) type Transforms = HashMap<String, Program>;

/// Runs the scripts of property maps. They see the value they are given, and nothing else.
pub(crate) struct SandboxTransforms {
    pub(crate) programs: Transforms,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

#[async_trait]
impl TransformScript for SandboxTransforms {
    async fn run(&self, scripted: Scripted) -> Result<Value, String> {
        let program = self.programs.get(&scripted.script).ok_or("the script was not compiled")?;
        let now = self.clock.unix_seconds().saturating_mul(1000);
        let bindings =
            Bindings::new(now, random_bytes(self.random.as_ref())).with_all(scripted.globals).with(scripted.name, scripted.source);
        self.sandbox.run(program, bindings, Arc::new(NoHost)).await.map_err(|error| error.to_string())
    }
}
