//! The providers of a project, and what is known of each: its addresses and its keys, read when they are needed and kept for an hour.
//!
//! Easiest to break: keys turn over, and whoever comes first afterwards is believed at once. A token with an unknown key makes the set be read anew, a few times
//! in half a minute: else a provider that sends nonsense is asked for its keys with every sign-in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jose::signature::{PublishedKeys, SignatureAlgorithm, SignatureFault, Verified};
use serde_json::Value;

use crate::address;
use crate::fetch::{Fetch, Request};
use crate::profile::TransformScript;
use crate::provider::Provider;

/// Seconds for which a document is kept.
const KEPT: i64 = 3600;
/// How often a set of keys is read in [`SPAN`] because of keys that are not in it.
const READINGS: usize = 4;
/// Seconds.
const SPAN: i64 = 30;
/// Seconds before a document is asked for again that could not be read and can be done without.
const SPARED: i64 = 300;

/// Why something with a provider came to nothing. What a person may know is the kind; the text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SocialError {
    /// Clients ask it themselves: its file does not say where people come back to.
    #[error("its file has no redirectUri, so that a client asks it by itself and brings the code")]
    NoReturn,
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
    pub(crate) issuer: Option<String>,
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
    documents: HashMap<String, Known<Value>>,
    /// When a document could not be read that can be done without.
    unread: HashMap<String, i64>,
    keys: HashMap<String, Known<PublishedKeys>>,
    /// When a set was read anew because of a key that was not in it.
    readings: HashMap<String, Vec<i64>>,
}

impl Cache {
    /// Whether the keys of a provider are read anew, which is counted.
    fn may_read(&mut self, provider: &str, now: i64) -> bool {
        let readings = self.readings.entry(provider.to_owned()).or_default();
        readings.retain(|since| (0..SPAN).contains(&now.saturating_sub(*since)));
        let may = readings.len() < READINGS;
        if may {
            readings.push(now);
        }
        may
    }
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

    /// Where a provider is asked what. The file comes before the discovery document, which is not read where the file names all of it.
    pub(crate) async fn metadata(&self, provider: &Provider, now: i64) -> Result<Metadata, SocialError> {
        let needs_document = provider.authorization_endpoint.is_none()
            || provider.token_endpoint.is_none()
            || (provider.openid && (provider.jwks.is_none() || provider.issuer.is_none() || provider.user_info_endpoint.is_none()));
        let document = if needs_document { self.document(provider, now).await? } else { Arc::default() };
        merged(provider, &document)
    }

    /// A provider's discovery document; null for one that has none.
    async fn document(&self, provider: &Provider, now: i64) -> Result<Arc<Value>, SocialError> {
        let Some(place) = &provider.well_known else { return Ok(Arc::default()) };
        let known = self.cache().documents.get(&provider.name).and_then(|known| known.fresh(now, KEPT));
        if let Some(known) = known {
            return Ok(known);
        }
        let document = Arc::new(self.json(provider.asks(place), "the discovery document").await?);
        self.cache().documents.insert(provider.name.clone(), Known { what: Arc::clone(&document), since: now });
        Ok(document)
    }

    /// Whether a provider says that its answers name their issuer (RFC 9207 §3). Its document alone says so: while that cannot be read, what
    /// it said last counts.
    pub(crate) async fn names_issuer(&self, provider: &Provider, now: i64) -> bool {
        let says = |document: &Value| document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true));
        let spared = self.cache().unread.get(&provider.name).is_some_and(|since| (0..SPARED).contains(&now.saturating_sub(*since)));
        if !spared {
            match self.document(provider, now).await {
                Ok(document) => return says(&document),
                Err(_) => drop(self.cache().unread.insert(provider.name.clone(), now)),
            }
        }
        self.cache().documents.get(&provider.name).is_some_and(|known| says(&known.what))
    }

    /// Who a provider is, by its file or its document.
    pub(crate) async fn issuer(&self, provider: &Provider, now: i64) -> Result<Option<String>, SocialError> {
        match &provider.issuer {
            Some(own) => Ok(Some(own.clone())),
            None => issuer(provider, &*self.document(provider, now).await?),
        }
    }

    /// Where sessions at a provider end, by its file or its document.
    pub(crate) async fn end_session(&self, provider: &Provider, now: i64) -> Result<Option<String>, SocialError> {
        match &provider.end_session {
            Some(own) => Ok(Some(own.clone())),
            None => endpoint(provider, None, &*self.document(provider, now).await?, "end_session_endpoint"),
        }
    }

    /// The claims of an ID token whose signature is good.
    pub(crate) async fn verified(&self, provider: &Provider, jwks: &str, token: &str, now: i64) -> Result<Verified, SocialError> {
        let kept = self.cache().keys.get(&provider.name).and_then(|known| known.fresh(now, KEPT));
        if let Some(keys) = kept {
            match keys.verify(token, &SignatureAlgorithm::ALL) {
                Err(SignatureFault::UnknownKey | SignatureFault::Wrong) if self.cache().may_read(&provider.name, now) => {}
                other => return other.map_err(SocialError::refused),
            }
        }
        let set = self.json(provider.asks(jwks), "the set of keys").await?;
        let keys = Arc::new(PublishedKeys::read(&set));
        self.cache().keys.insert(provider.name.clone(), Known { what: Arc::clone(&keys), since: now });
        keys.verify(token, &SignatureAlgorithm::ALL).map_err(SocialError::refused)
    }
}

fn merged(provider: &Provider, document: &Value) -> Result<Metadata, SocialError> {
    let address = |own: &Option<String>, key: &str| endpoint(provider, own.as_deref(), document, key);
    let needed =
        |value: Option<String>, what: &str| value.ok_or_else(|| SocialError::down(format!("the discovery document has no {what}")));
    Ok(Metadata {
        authorization_endpoint: needed(address(&provider.authorization_endpoint, "authorization_endpoint")?, "authorization_endpoint")?,
        token_endpoint: needed(address(&provider.token_endpoint, "token_endpoint")?, "token_endpoint")?,
        user_info_endpoint: address(&provider.user_info_endpoint, "userinfo_endpoint")?,
        jwks: address(&provider.jwks, "jwks_uri")?,
        issuer: issuer(provider, document)?,
    })
}

/// A text of a discovery document.
fn text<'d>(document: &'d Value, key: &str) -> Option<&'d str> {
    document.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// An address of the file, else of the document.
fn endpoint(provider: &Provider, own: Option<&str>, document: &Value, key: &str) -> Result<Option<String>, SocialError> {
    match (own, text(document, key)) {
        (Some(own), _) => Ok(Some(own.to_owned())),
        (None, None) => Ok(None),
        (None, Some(named)) => match address::discovered(named, provider.addresses()) {
            Ok(()) => Ok(Some(named.to_owned())),
            Err(unfit) => Err(SocialError::refused(format!("the discovery document's {key}: {unfit}"))),
        },
    }
}

/// The issuer of the file, else of the document.
fn issuer(provider: &Provider, document: &Value) -> Result<Option<String>, SocialError> {
    let named = match (&provider.issuer, text(document, "issuer")) {
        (Some(own), _) => return Ok(Some(own.clone())),
        (None, None) => return Ok(None),
        (None, Some(named)) => named,
    };
    let place = provider.well_known.as_deref().unwrap_or_default();
    // OpenID Connect Discovery 1.0 §4.3: who speaks for an issuer is whoever answers at its address.
    let own = place.strip_suffix("/.well-known/openid-configuration").map(|base| base.trim_end_matches('/'));
    if own != Some(named.trim_end_matches('/')) {
        let message = format!(
            "the discovery document speaks for '{named}', whose address it is not; \"issuer\" in the provider's file says which is meant"
        );
        return Err(SocialError::refused(message));
    }
    Ok(Some(named.to_owned()))
}
