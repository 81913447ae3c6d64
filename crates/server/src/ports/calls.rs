//! Calls to other systems over HTTP: one way to connect, one way to read an answer.
//!
//! Easiest to break: the address that is asked is the one the operator named. So redirects are not followed, no answer is read past its
//! limit (SEC-52), and no error repeats the address, which may hold a secret.

use std::time::Duration;

use serde::de::DeserializeOwned;

/// How long a call may take, the reading of its answer included, where the request sets no limit of its own.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client with a connection pool of its own.
///
/// # Errors
/// When no TLS set-up is possible.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()
}

/// The JSON of an answer of at most `limit` bytes.
///
/// # Errors
/// Why it cannot be used, for the log.
pub(super) async fn json<T: DeserializeOwned>(answer: reqwest::Response, limit: usize) -> Result<T, String> {
    serde_json::from_slice(&bytes(answer, limit).await?).map_err(|error| format!("its answer is no JSON: {error}"))
}

/// An answer of at most `limit` bytes.
///
/// # Errors
/// Why it cannot be used, for the log.
pub(super) async fn bytes(mut answer: reqwest::Response, limit: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failure)? {
        if bytes.len() + chunk.len() > limit {
            return Err("its answer is too long".to_owned());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What went wrong, without the address.
pub(super) fn failure(error: reqwest::Error) -> String {
    error.without_url().to_string()
}
