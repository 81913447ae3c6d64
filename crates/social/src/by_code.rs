//! A client that has asked the provider itself and brings the code, as those of 5.0 do (docs/protocol/social.md, "Clients of 5.0").
//!
//! Easiest to break: such a request has no verifier, and nothing of it is bound to the browser. What binds the code to whoever asked for it is the
//! nonce, which the ID token repeats; so a provider without ID tokens cannot be used in this way.

use crest::Random;
use serde_json::{Map, Value, json};

use crate::address;
use crate::exchange::{MAX_CODE, Proven};
use crate::provider::Provider;
use crate::providers::{Providers, SocialError};

/// What a client brings.
#[derive(Clone, Copy, Debug)]
pub struct ByCode<'a> {
    /// The provider's name.
    pub provider: &'a str,
    /// The code.
    pub code: &'a str,
    /// The nonce of the client's request.
    pub nonce: &'a str,
    /// Where the provider sent the code.
    pub redirect_uri: &'a str,
}

impl<'a> ByCode<'a> {
    /// The members of a body, where each is a text with something in it.
    #[must_use]
    pub fn read(body: &'a Map<String, Value>) -> Option<Self> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        Some(Self { provider: text("provider")?, code: text("code")?, nonce: text("nonce")?, redirect_uri: text("redirect_uri")? })
    }
}

impl Providers {
    /// What a code proves that the client asked for itself. `now` in seconds since 1970.
    ///
    /// # Errors
    /// [`SocialError::Unknown`]; [`SocialError::State`] for another `redirect_uri` than that of the provider's file, or, where the file has none, for one
    /// that is neither https nor an address of this machine (the provider compares it with those that it knows of the client);
    /// [`SocialError::Refused`] for a provider that gives no ID token; and what the provider's answers are refused for.
    pub async fn by_code(&self, brought: &ByCode<'_>, now: i64, random: &dyn Random) -> Result<Proven, SocialError> {
        let provider = self.get(brought.provider).ok_or(SocialError::Unknown)?;
        if !provider.openid {
            return Err(SocialError::refused("a code without verifier is bound to nobody where there is no ID token"));
        }
        let back = brought.redirect_uri;
        let is_ours = if provider.redirect_uri.is_empty() { address::named(back).is_ok() } else { back == provider.redirect_uri };
        if !is_ours || back.len() > MAX_CODE || brought.code.len() > MAX_CODE {
            return Err(SocialError::State);
        }
        let metadata = self.metadata(provider, now).await?;
        let tokens = self.tokens(provider, &metadata, (brought.code, back, None), now, random).await?;
        let claims = self.claims(provider, &metadata, &tokens, (brought.nonce, false), now).await?;
        self.proven(provider, claims, &tokens).await
    }
}

impl Provider {
    /// Whether it gives ID tokens.
    #[must_use]
    pub const fn is_openid(&self) -> bool {
        self.openid
    }

    /// What a client of 5.0 asks it with; nothing where it cannot be asked in this way.
    #[must_use]
    pub fn for_clients(&self) -> Option<Value> {
        let endpoint = self.authorization_endpoint.as_deref().filter(|_| self.openid)?;
        let shown = self.shown();
        Some(json!({
            "name": self.name, "type": shown.get("type"), "icon": shown.get("icon"), "client_id": self.client_id,
            "scope": self.scope.join(self.dialect.between_scopes), "authorization_endpoint": endpoint,
        }))
    }
}
