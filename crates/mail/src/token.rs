//! Access tokens by client credentials (RFC 6749 §4.4), kept until shortly before they end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::http;

/// A token is asked for anew this long before it ends.
const AHEAD: Duration = Duration::from_mins(1);
/// What a token lives where the answer does not say.
const UNSAID: u64 = 300;

/// A client and where it gets tokens.
#[derive(Clone)]
pub struct Credentials {
    /// `auth.clientId`.
    pub client_id: String,
    /// `auth.clientSecret`.
    pub client_secret: Zeroizing<String>,
    /// `auth.tokenEndpoint`.
    pub endpoint: String,
    /// `auth.scope`; empty for none.
    pub scope: String,
}

/// The tokens of one client.
pub struct Tokens {
    credentials: Credentials,
    client: reqwest::Client,
    kept: Mutex<Option<Kept>>,
    /// One asks, the others wait for what it gets.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Kept {
    token: Arc<Zeroizing<String>>,
    until: Instant,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    token_type: String,
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
}

impl Tokens {
    /// Tokens for these credentials; `client` bounds one question, and follows no redirect: a redirected secret would go to somebody nobody
    /// chose.
    #[must_use]
    pub fn new(credentials: Credentials, client: reqwest::Client) -> Self {
        Self { credentials, client, kept: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }

    /// A token that is good now.
    ///
    /// # Errors
    /// What the token endpoint said, its secrets left out.
    pub async fn current(&self) -> Result<Arc<Zeroizing<String>>, String> {
        if let Some(kept) = self.kept() {
            return Ok(kept);
        }
        let _turn = self.asking.lock().await;
        if let Some(kept) = self.kept() {
            return Ok(kept);
        }
        let fresh = self.ask().await?;
        let token = Arc::clone(&fresh.token);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
        Ok(token)
    }

    /// Somebody refused this token, or whichever is kept: the next one is a new one.
    pub fn forget(&self, refused: Option<&Arc<Zeroizing<String>>>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Another one may have been got meanwhile.
        if refused.is_none_or(|refused| kept.as_ref().is_some_and(|kept| Arc::ptr_eq(&kept.token, refused))) {
            *kept = None;
        }
    }

    fn kept(&self) -> Option<Arc<Zeroizing<String>>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|kept| kept.until > Instant::now()).map(|kept| Arc::clone(&kept.token))
    }

    async fn ask(&self) -> Result<Kept, String> {
        let Credentials { client_id, client_secret, endpoint, scope } = &self.credentials;
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", client_id), ("client_secret", client_secret.as_str())];
        if !scope.is_empty() {
            form.push(("scope", scope));
        }
        let failed = |error: reqwest::Error| format!("the token endpoint cannot be used: {}", error.without_url());
        let mut reply = self.client.post(endpoint).form(&form).send().await.map_err(failed)?;
        let status = reply.status();
        let text = Zeroizing::new(http::text(&mut reply).await.map_err(|error| format!("the token endpoint cannot be used: {error}"))?);
        if !status.is_success() {
            return Err(format!("the token endpoint gives no token: {status}{}", http::reason(&text)));
        }
        let answer: Answer = serde_json::from_str(&text).map_err(|_| "the token endpoint's answer has no token".to_owned())?;
        if !(answer.token_type.is_empty() || answer.token_type.eq_ignore_ascii_case("bearer")) {
            return Err(format!("the token endpoint gives a token of the type '{}'", answer.token_type));
        }
        if answer.access_token.is_empty() || answer.access_token.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("the token endpoint's answer has no usable token".to_owned());
        }
        // Some servers write the number as a text.
        let lifetime = answer.expires_in.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok())).unwrap_or(UNSAID);
        let lives = Duration::from_secs(lifetime.min(24 * 3600)).saturating_sub(AHEAD);
        Ok(Kept { token: Arc::new(Zeroizing::new(answer.access_token)), until: Instant::now() + lives })
    }
}
