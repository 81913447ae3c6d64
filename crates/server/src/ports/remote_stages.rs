//! HTTP services that a project declares as stages.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use stages::RemoteStages;

/// How much of an answer is read.
const MAX_ANSWER: usize = 256 * 1024;

/// Asks them.
pub(crate) struct HttpStages {
    client: reqwest::Client,
}

impl HttpStages {
    /// With a connection pool of its own.
    ///
    /// # Errors
    /// When no TLS set-up is possible.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        Ok(Self { client: reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()? })
    }
}

#[async_trait]
impl RemoteStages for HttpStages {
    async fn call(&self, url: &str, token: Option<&str>, request: &Value, limit: Duration) -> Result<Value, String> {
        let plain = |error: reqwest::Error| error.without_url().to_string();
        let mut post = self.client.post(url).timeout(limit).json(request);
        if let Some(token) = token {
            post = post.bearer_auth(token);
        }
        let mut reply = post.send().await.map_err(plain)?;
        if reply.status() != reqwest::StatusCode::OK {
            return Err(format!("it answered {}", reply.status()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = reply.chunk().await.map_err(plain)? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err("its answer is too long".to_owned());
            }
            bytes.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&bytes).map_err(|error| format!("its answer is no JSON: {error}"))
    }
}
