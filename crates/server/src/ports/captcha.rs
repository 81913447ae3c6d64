//! Captcha verification over HTTP. reCAPTCHA v2, hCaptcha and Turnstile take the same form and answer `{"success": …}`.

use async_trait::async_trait;
use crest::ResourceError;
use serde::Deserialize;
use stages::{CaptchaVerdict, CaptchaVerifier};

use super::calls;

/// How much of its answer is read.
const MAX_ANSWER: usize = 64 * 1024;

/// Asks the verifier named by `recaptchaUri`.
pub(crate) struct HttpCaptcha {
    client: reqwest::Client,
}

#[derive(Deserialize)]
struct Answer {
    success: bool,
    #[serde(default, rename = "error-codes")]
    error_codes: Vec<String>,
}

impl HttpCaptcha {
    /// A verifier with its own connection pool.
    ///
    /// # Errors
    /// When no TLS set-up is possible.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        Ok(Self { client: calls::client()? })
    }
}

fn unreachable(what: &dyn std::fmt::Display) -> ResourceError {
    tracing::warn!(error = %what, "the captcha verifier cannot be used");
    ResourceError::unavailable("The captcha cannot be verified at the moment, try again later")
}

#[async_trait]
impl CaptchaVerifier for HttpCaptcha {
    async fn verify(&self, uri: &str, secret: &str, response: &str, client_address: &str) -> Result<CaptchaVerdict, ResourceError> {
        let mut form = vec![("secret", secret), ("response", response)];
        if !client_address.is_empty() {
            form.push(("remoteip", client_address));
        }
        let reply = self.client.post(uri).form(&form).send().await.map_err(|error| unreachable(&calls::failure(error)))?;
        if !reply.status().is_success() {
            return Err(unreachable(&reply.status()));
        }
        let answer: Answer = calls::json(reply, MAX_ANSWER).await.map_err(|error| unreachable(&error))?;
        Ok(CaptchaVerdict { solved: answer.success, reasons: answer.error_codes })
    }
}
