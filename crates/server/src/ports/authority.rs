//! Calls to an authority that certificates are ordered from (RFC 8555).
//!
//! Easiest to break: an authority that says when to come again means it, whatever was asked.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;

use super::calls;

/// How much of an answer is read: a chain of certificates is the longest.
const MAX_ANSWER: usize = 256 * 1024;

/// Asks one authority.
#[derive(Clone)]
pub(crate) struct AuthorityCalls {
    client: reqwest::Client,
    /// Seconds that it wants to be left alone.
    patience: Arc<AtomicU64>,
}

impl AuthorityCalls {
    /// With a connection pool of its own. The authority's certificate is judged by those in `pem`, or as this machine judges.
    ///
    /// # Errors
    /// When `pem` cannot be used, or no TLS set-up is possible.
    pub(crate) fn new(pem: Option<&[u8]>) -> Result<Self, String> {
        let certificates = pem.map(reqwest::Certificate::from_pem_bundle).transpose().map_err(calls::reasons)?;
        let client = calls::client_believing(certificates).map_err(calls::reasons)?;
        Ok(Self { client, patience: Arc::default() })
    }

    /// Seconds that the authority wants to be left alone, as it said with a refusal (`Retry-After`); 0 where it did not.
    pub(crate) fn patience(&self) -> u64 {
        self.patience.load(Ordering::Relaxed)
    }

    async fn ask(self, request: http::Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        let other = |text: String| Error::Other(text.into());
        let (parts, body) = request.into_parts();
        let url = reqwest::Url::parse(&parts.uri.to_string()).map_err(|error| other(format!("the authority names no address: {error}")))?;
        let mut asked = reqwest::Request::new(parts.method, url);
        *asked.headers_mut() = parts.headers;
        *asked.body_mut() = Some(to_bytes(Body::new(body), MAX_ANSWER).await.map_err(|error| Error::Other(error.into()))?.into());
        let answer = self.client.execute(asked).await.map_err(|error| other(calls::reasons(error)))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status) {
            let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
            self.patience.store(seconds.unwrap_or_default(), Ordering::Relaxed);
        }
        let bytes = Bytes::from(calls::bytes(answer, MAX_ANSWER).await.map_err(other)?);
        let mut response = http::Response::new(());
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(BytesResponse { parts: response.into_parts().0, body: Box::new(bytes) })
    }
}

impl HttpClient for AuthorityCalls {
    fn request(&self, request: http::Request<BodyWrapper<Bytes>>) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        Box::pin(self.clone().ask(request))
    }
}
