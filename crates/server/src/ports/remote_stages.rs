//! HTTP services that a project declares as stages.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use stages::RemoteStages;

use super::calls;

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
        Ok(Self { client: calls::client()? })
    }
}

#[async_trait]
impl RemoteStages for HttpStages {
    async fn call(&self, url: &str, token: Option<&str>, request: &Value, limit: Duration) -> Result<Value, String> {
        let mut post = self.client.post(url).timeout(limit).json(request);
        if let Some(token) = token {
            post = post.bearer_auth(token);
        }
        let reply = post.send().await.map_err(calls::failure)?;
        if reply.status() != reqwest::StatusCode::OK {
            return Err(format!("it answered {}", reply.status()));
        }
        calls::json(reply, MAX_ANSWER).await
    }
}
