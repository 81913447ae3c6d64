//! Sessions on cookies (decision 14). The cookie of a person holds 256 random bits; the store knows only their hash, so a stolen
//! database opens nothing.
//!
//! Easiest to get wrong: a session of everybody's account needs no row and must never outrank real credentials, or a visitor's cookie
//! would lock him out of his own sign-in. It is a sealed date and proves nothing else.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::ResourceError;
use http::HeaderMap;
use identity::{Session, Sessions};
use jose::KeyRing;
use process::{Effect, NewSession};
use project::{ModuleKind, Session as Settings};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use wire::client::Client;
use wire::cookie;

use super::principal::{self, Principal, is_active, managed_roles};
use crate::app::App;
use crate::runtime::Runtime;

/// Marks the cookie of everybody's account.
const ANONYMOUS_PREFIX: &str = "anonymous.";
/// A use is written down at most this often, in seconds.
const TOUCH_EVERY: i64 = 60;
/// Most cookies of our name that are looked at (SEC-52).
const MAX_COOKIES: usize = 4;

/// Where a session was begun, for its owner to recognise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// What the browser calls itself.
    pub(crate) browser: String,
    /// The client's address.
    pub(crate) address: String,
}

impl Origin {
    /// That of a request.
    pub(crate) fn of(client: &Client, headers: &HeaderMap) -> Self {
        Self { browser: wire::client::browser(headers), address: client.text() }
    }
}

/// What a request's cookies say.
#[derive(Debug, Default)]
pub(crate) struct Presented {
    /// The person whose session it is.
    pub(crate) principal: Option<Principal>,
    /// A good cookie of everybody's account.
    pub(crate) anonymous: bool,
}

/// What the store knows a cookie by.
pub(crate) fn key_of(cookie: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, cookie.as_bytes()))
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// Finds the session of a request.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn find(app: &App, runtime: &Runtime, headers: &HeaderMap, now: i64) -> Result<Presented, ResourceError> {
    let settings = &runtime.project.authentication.session;
    let mut presented = Presented::default();
    for value in cookie::values(headers, &settings.cookie_name).take(MAX_COOKIES) {
        if value.starts_with(ANONYMOUS_PREFIX) {
            presented.anonymous |= anonymous_holds(&app.keys, value, now);
            continue;
        }
        let Some(session) = app.db.find(&key_of(value)).await? else { continue };
        if !is_live(settings, &session, now) {
            continue;
        }
        if let Some(principal) = owner(app, runtime, session, now).await? {
            presented.principal = Some(principal);
            break;
        }
    }
    Ok(presented)
}

/// Whether a session has neither ended nor been idle for too long.
pub(crate) fn is_live(settings: &Settings, session: &Session, now: i64) -> bool {
    session.expires > now && session.last_used.saturating_add(seconds(settings.idle)) > now
}

/// The owner of a live session, unless the account is gone, not active any more or not configured any more.
async fn owner(app: &App, runtime: &Runtime, session: Session, now: i64) -> Result<Option<Principal>, ResourceError> {
    let authentication = &runtime.project.authentication;
    let mut roles = None;
    if session.component == principal::INTERNAL {
        let named =
            |module: &project::Module| matches!(&module.kind, ModuleKind::StaticUser { username, .. } if *username == session.owner);
        if session.owner != authentication.admin.username && !authentication.enabled().any(named) {
            return Ok(None);
        }
    } else {
        let Some(user) = runtime.managed.objects.read(&session.component, &session.owner).await? else { return Ok(None) };
        if !is_active(&user.content) {
            return Ok(None);
        }
        if authentication.session.dynamic_roles {
            let module = authentication.enabled().find(|module| module.kind == ModuleKind::ManagedUser);
            roles = module.map(|module| managed_roles(module, &user.content));
        }
    }
    if now.saturating_sub(session.last_used) >= TOUCH_EVERY {
        app.db.touch(&session.key, now).await?;
    }
    let mut principal = Principal::of_session(session);
    if let Some(roles) = roles {
        principal.have(roles);
    }
    Ok(Some(principal))
}

/// A session that is about to begin: it exists once its effect is committed.
pub(crate) struct Draft {
    /// The cookie's value. A new sign-in always gets a new one (SEC-50).
    pub(crate) cookie: String,
    /// What of it the store keeps; everybody's account needs nothing kept.
    row: Option<NewSession>,
}

impl Draft {
    /// A session of this account, begun here.
    pub(crate) fn of(app: &App, settings: &Settings, principal: &mut Principal, now: i64, origin: &Origin) -> Self {
        let expires = now.saturating_add(seconds(settings.max_life));
        if principal.is_anonymous() {
            return Self { cookie: anonymous_cookie(&app.keys, expires), row: None };
        }
        let cookie = URL_SAFE_NO_PAD.encode(crest::random_bytes::<32>(app.random.as_ref()));
        principal.origin = json!({ "browser": origin.browser, "address": origin.address });
        let row = NewSession {
            key: key_of(&cookie),
            id: URL_SAFE_NO_PAD.encode(crest::random_bytes::<12>(app.random.as_ref())),
            component: principal.component.clone(),
            owner: principal.id.clone(),
            authentication_id: principal.authentication_id.clone(),
            claims: Value::Null,
            expires,
        };
        Self { cookie, row: Some(row) }
    }

    /// Begins it, with what the account owes by now.
    pub(crate) fn effect(&self, principal: &Principal) -> Option<Effect> {
        self.row.clone().map(|row| Effect::BeginSession(NewSession { claims: principal.claims(), ..row }))
    }

    /// What the store knows it by, once it has begun.
    pub(crate) fn key(&self) -> Option<&str> {
        self.row.as_ref().map(|row| row.key.as_str())
    }
}

/// Ends every session whose cookie the request carries, whoever sends it.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn end(app: &App, settings: &Settings, headers: &HeaderMap) -> Result<(), ResourceError> {
    for value in cookie::values(headers, &settings.cookie_name).take(MAX_COOKIES) {
        app.db.end(&key_of(value)).await?;
    }
    Ok(())
}

/// How the cookie is written for this client.
pub(crate) fn style<'a>(settings: &'a Settings, public_url: &str, client: &Client) -> cookie::CookieStyle<'a> {
    let https = client.https || public_url.starts_with("https:");
    cookie::CookieStyle {
        name: &settings.cookie_name,
        secure: https || settings.secure == Some(true),
        max_age: (!settings.session_only).then(|| seconds(settings.max_life)),
    }
}

fn anonymous_cookie(keys: &KeyRing, expires: i64) -> String {
    let mac = keys.keyed("anonymous-session", &[&expires.to_be_bytes()]);
    format!("{ANONYMOUS_PREFIX}{expires}.{}", URL_SAFE_NO_PAD.encode(mac))
}

fn anonymous_holds(keys: &KeyRing, cookie: &str, now: i64) -> bool {
    let parts = cookie.strip_prefix(ANONYMOUS_PREFIX).and_then(|rest| rest.split_once('.'));
    let Some(expires) = parts.and_then(|(expires, _)| expires.parse::<i64>().ok()) else { return false };
    expires > now && bool::from(anonymous_cookie(keys, expires).as_bytes().ct_eq(cookie.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybodys_cookie_is_a_date_that_cannot_be_moved() {
        let keys = KeyRing::generate().unwrap();
        let cookie = anonymous_cookie(&keys, 1000);
        assert!(anonymous_holds(&keys, &cookie, 999));
        assert!(!anonymous_holds(&keys, &cookie, 1000));
        assert!(!anonymous_holds(&keys, &cookie.replace("1000", "2000"), 999));
        assert!(!anonymous_holds(&keys, &format!("{cookie}A"), 999));
        assert!(!anonymous_holds(&KeyRing::generate().unwrap(), &cookie, 999));
        for text in ["anonymous.", "anonymous.x.y", "anonymous.1000", ""] {
            assert!(!anonymous_holds(&keys, text, 0));
        }
    }

    #[test]
    fn a_cookie_is_secure_behind_https_however_that_is_known() {
        let client = |https| Client { address: [127, 0, 0, 1].into(), https, direct: true };
        let secure = |settings: &Settings, url: &str, https| style(settings, url, &client(https)).secure;
        let default = Settings::default();
        assert!(!secure(&default, "http://127.0.0.1:8080", false));
        assert!(secure(&default, "https://id.example.test", false));
        assert!(secure(&default, "http://127.0.0.1:8080", true));
        assert!(secure(&Settings { secure: Some(true), ..default.clone() }, "http://x", false));
        // A file that says otherwise does not make an encrypted site's cookie readable on the wire.
        assert!(secure(&Settings { secure: Some(false), ..default }, "https://id.example.test", false));
    }

    #[test]
    fn the_store_never_sees_the_cookie() {
        assert_eq!(key_of("value").len(), 43);
        assert_ne!(key_of("value"), key_of("valuf"));
    }
}
