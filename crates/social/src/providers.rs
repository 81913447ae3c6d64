//! The providers of a project, and what is known of each: its addresses and its keys, read when they are needed and kept for an hour.
//!
//! Easiest to break: keys turn over. A token with an unknown key makes the set be read anew, once, and not more often than every half minute:
//! else whoever sends nonsense makes us ask the provider for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jose::signature::{PublishedKeys, SignatureAlgorithm, SignatureFault, Verified};
use serde_json::{Map, Value};

use crate::address;
use crate::fetch::{Fetch, Request};
use crate::profile::TransformScript;
use crate::provider::Provider;

/// Seconds for which a document is kept.
const KEPT: i64 = 3600;
/// Seconds between two readings of a set of keys.
const BETWEEN: i64 = 30;

/// Why something with a provider came to nothing. What a person may know is the kind; the text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SocialError {
    /// There is no provider of that name, or it is switched off.
    #[error("there is no identity provider of that name")]
    Unknown,
    /// What came back does not belong to what was begun: another browser, another provider, an old page.
    #[error("what came back does not belong to what was begun")]
    State,
    /// The provider says no (RFC 6749 §4.1.2.1), in its own word: `access_denied` where the person cancelled.
    #[error("the provider says {0}")]
    Said(String),
    /// The provider does not answer, or not as it should.
    #[error("the provider cannot be used: {0}")]
    Down(String),
    /// What the provider says is not believed.
    #[error("the provider's answer is refused: {0}")]
    Refused(String),
}

impl SocialError {
    pub(crate) fn down(why: impl Into<String>) -> Self {
        Self::Down(why.into())
    }

    pub(crate) fn refused(why: impl std::fmt::Display) -> Self {
        Self::Refused(format!("{why}"))
    }
}

/// What a discovery document says (OpenID Connect Discovery 1.0 §3), or the file in its place.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    pub(crate) authorization_endpoint: String,
    pub(crate) token_endpoint: String,
    pub(crate) user_info_endpoint: Option<String>,
    pub(crate) jwks: Option<String>,
    pub(crate) end_session: Option<String>,
    pub(crate) issuer: Option<String>,
    /// Whether answers name the issuer (RFC 9207 §3).
    pub(crate) answers_name_issuer: bool,
}

struct Known<T> {
    what: Arc<T>,
    since: i64,
}

impl<T> Known<T> {
    fn fresh(&self, now: i64, for_seconds: i64) -> Option<Arc<T>> {
        let age = now.saturating_sub(self.since);
        (0..for_seconds).contains(&age).then(|| Arc::clone(&self.what))
    }
}

#[derive(Default)]
struct Cache {
    documents: HashMap<String, Known<Metadata>>,
    keys: HashMap<String, Known<PublishedKeys>>,
}

/// The providers of a project.
pub struct Providers {
    all: Vec<Arc<Provider>>,
    fetch: Arc<dyn Fetch>,
    pub(crate) scripts: Arc<dyn TransformScript>,
    cache: Mutex<Cache>,
}

impl Providers {
    /// The providers that can be used, in the order of the buttons.
    #[must_use]
    pub fn new(all: Vec<Provider>, fetch: Arc<dyn Fetch>, scripts: Arc<dyn TransformScript>) -> Self {
        Self { all: all.into_iter().map(Arc::new).collect(), fetch, scripts, cache: Mutex::default() }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.all.iter().map(Arc::as_ref)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// One, by its name as it is written.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Provider> {
        self.iter().find(|provider| provider.name == name)
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A document of a provider.
    pub(crate) async fn json(&self, request: Request, what: &str) -> Result<Value, SocialError> {
        let answer = self.fetch.fetch(request).await.map_err(|error| SocialError::down(format!("{what}: {error}")))?;
        if answer.status != 200 {
            return Err(SocialError::down(format!("{what} answers {}", answer.status)));
        }
        serde_json::from_slice(&answer.body).map_err(|_| SocialError::down(format!("{what} answers something else than JSON")))
    }

    /// An answer as it came.
    pub(crate) async fn answer(&self, request: Request, what: &str) -> Result<(u16, Value), SocialError> {
        let answer = self.fetch.fetch(request).await.map_err(|error| SocialError::down(format!("{what}: {error}")))?;
        Ok((answer.status, serde_json::from_slice(&answer.body).unwrap_or_default()))
    }

    /// Where a provider is asked what. The file comes before the discovery document.
    pub(crate) async fn metadata(&self, provider: &Provider, now: i64) -> Result<Arc<Metadata>, SocialError> {
        let known = self.cache().documents.get(&provider.name).and_then(|known| known.fresh(now, KEPT));
        if let Some(known) = known {
            return Ok(known);
        }
        let needs_document = provider.authorization_endpoint.is_none()
            || provider.token_endpoint.is_none()
            || provider.end_session.is_none()
            || (provider.openid && (provider.jwks.is_none() || provider.issuer.is_none() || provider.user_info_endpoint.is_none()));
        let document = match &provider.well_known {
            Some(url) if needs_document => self.json(provider.asks(url), "the discovery document").await?,
            _ => Value::Null,
        };
        let metadata = Arc::new(merged(provider, document.as_object())?);
        self.cache().documents.insert(provider.name.clone(), Known { what: Arc::clone(&metadata), since: now });
        Ok(metadata)
    }

    /// The claims of an ID token whose signature is good.
    pub(crate) async fn verified(&self, provider: &Provider, jwks: &str, token: &str, now: i64) -> Result<Verified, SocialError> {
        let known = self.cache().keys.get(&provider.name).map(|known| (known.fresh(now, KEPT), known.fresh(now, BETWEEN).is_some()));
        let (kept, was_read_just_now) = known.unwrap_or_default();
        if let Some(keys) = kept {
            match keys.verify(token, &SignatureAlgorithm::ALL) {
                Err(SignatureFault::UnknownKey | SignatureFault::Wrong) if !was_read_just_now => {}
                other => return other.map_err(SocialError::refused),
            }
        }
        let set = self.json(provider.asks(jwks), "the set of keys").await?;
        let keys = Arc::new(PublishedKeys::read(&set));
        self.cache().keys.insert(provider.name.clone(), Known { what: Arc::clone(&keys), since: now });
        keys.verify(token, &SignatureAlgorithm::ALL).map_err(SocialError::refused)
    }
}

fn merged(provider: &Provider, document: Option<&Map<String, Value>>) -> Result<Metadata, SocialError> {
    let text = |key: &str| document?.get(key)?.as_str().filter(|text| !text.is_empty());
    let address = |own: &Option<String>, key: &str| match (own, text(key)) {
        (Some(own), _) => Ok(Some(own.clone())),
        (None, None) => Ok(None),
        (None, Some(named)) => match address::discovered(named, provider.addresses()) {
            Ok(()) => Ok(Some(named.to_owned())),
            Err(unfit) => Err(SocialError::refused(format!("the discovery document's {key}: {unfit}"))),
        },
    };
    let needed =
        |value: Option<String>, what: &str| value.ok_or_else(|| SocialError::down(format!("the discovery document has no {what}")));
    let issuer = match (&provider.issuer, text("issuer")) {
        (Some(own), _) => Some(own.clone()),
        (None, Some(named)) => {
            let place = provider.well_known.as_deref().unwrap_or_default();
            // OpenID Connect Discovery 1.0 §4.3: who speaks for an issuer is whoever answers at its address.
            let own = place.strip_suffix("/.well-known/openid-configuration").map(|base| base.trim_end_matches('/'));
            if own != Some(named.trim_end_matches('/')) {
                let message = format!(
                    "the discovery document speaks for '{named}', whose address it is not; \"issuer\" in the provider's file says which is meant"
                );
                return Err(SocialError::refused(message));
            }
            Some(named.to_owned())
        }
        (None, None) => None,
    };
    Ok(Metadata {
        authorization_endpoint: needed(address(&provider.authorization_endpoint, "authorization_endpoint")?, "authorization_endpoint")?,
        token_endpoint: needed(address(&provider.token_endpoint, "token_endpoint")?, "token_endpoint")?,
        user_info_endpoint: address(&provider.user_info_endpoint, "userinfo_endpoint")?,
        jwks: address(&provider.jwks, "jwks_uri")?,
        end_session: address(&provider.end_session, "end_session_endpoint")?,
        issuer,
        answers_name_issuer: document
            .is_some_and(|document| document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true))),
    })
}
