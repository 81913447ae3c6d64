//! A collector of spans, which takes OTLP over HTTP in JSON.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::calls;

/// How long a collector may take for one request.
const WITHIN: Duration = Duration::from_secs(10);

/// The collector of `[tracing]`.
pub(crate) struct Collector {
    client: reqwest::Client,
    url: String,
    headers: HeaderMap,
}

impl Collector {
    /// At `address`, with a connection pool of its own.
    ///
    /// # Errors
    /// When no TLS set-up is possible, or a header cannot be sent.
    pub(crate) fn new(address: &str, headers: &[(String, project::Secret)]) -> Result<Self, String> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let wrong = |_| format!("[tracing.headers] {name} cannot be sent");
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| format!("[tracing.headers] {name} cannot be sent"))?;
            value.set_sensitive(true);
            all.insert(HeaderName::from_bytes(name.as_bytes()).map_err(wrong)?, value);
        }
        all.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let client = calls::client().map_err(calls::reasons)?;
        Ok(Self { client, url: format!("{address}/v1/traces"), headers: all })
    }

    /// Hands a request over.
    ///
    /// # Errors
    /// Why it was not taken, for the log.
    pub(crate) async fn send(&self, body: String) -> Result<(), String> {
        let asked = self.client.post(&self.url).headers(self.headers.clone()).timeout(WITHIN).body(body);
        let answer = asked.send().await.map_err(calls::reasons)?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
    }
}
