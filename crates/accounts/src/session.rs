//! Sessions on cookies (decision 14). The cookie of a person holds 256 random bits; the store knows only their hash, so a stolen
//! database opens nothing.
//!
//! Easiest to get wrong: a session of everybody's account needs no row and must never outrank real credentials, or a visitor's cookie
//! would lock the person out of their own sign-in. It is a sealed date and proves nothing else.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::ResourceError;
use jose::KeyRing;
use process::{Effect, Session, Topic, Unit};
use project::{SecurityScript, Session as Settings};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use crate::attempt::{Actor, Attempt};
use crate::error::AccountError;
use crate::principal::{self, Principal};
use crate::roles::managed_roles;
use identity::is_active;

/// Marks the cookie of everybody's account.
const ANONYMOUS_PREFIX: &str = "anonymous.";
/// Longest time, in seconds, in which a use need not be written down.
const TOUCH_EVERY: i64 = 60;

/// After how many seconds a use is written down again: every one where the longest rest is less than a minute, so that activity keeps a session
/// open however short its rest is, and of a longer rest at most a sixtieth is lost.
fn touch_every(settings: &Settings) -> i64 {
    (seconds(settings.idle) / 60).min(TOUCH_EVERY)
}

/// Most cookies of our name that are looked at (SEC-52).
pub const MAX_COOKIES: usize = 4;

/// Where a session was begun, for its owner to recognise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// What the browser calls itself.
    pub browser: String,
    /// The client's address.
    pub address: String,
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
fn key_of(cookie: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, cookie.as_bytes()))
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// Finds the session of a request.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn find(attempt: &Attempt<'_>, cookies: &[Option<&str>]) -> Result<Presented, ResourceError> {
    let settings = &attempt.runtime.project.authentication.session;
    let mut presented = Presented::default();
    for value in cookies.iter().flatten() {
        if value.starts_with(ANONYMOUS_PREFIX) {
            presented.anonymous |= anonymous_holds(&attempt.accounts.keys, value, attempt.now);
            continue;
        }
        let Some(session) = attempt.accounts.sessions.find(&key_of(value)).await? else { continue };
        if !is_live(settings, &session, attempt.now) {
            continue;
        }
        if let Some(principal) = owner(attempt, session).await? {
            presented.principal = Some(principal);
            break;
        }
    }
    Ok(presented)
}

/// Whether a session has neither ended nor been idle for too long. Times are whole seconds, so the last of them counts whole.
fn is_live(settings: &Settings, session: &Session, now: i64) -> bool {
    session.expires > now && session.last_used.saturating_add(seconds(settings.idle)) >= now
}

/// The owner of a live session, unless the account is gone, not active any more or not configured any more.
async fn owner(attempt: &Attempt<'_>, session: Session) -> Result<Option<Principal>, ResourceError> {
    let Attempt { accounts, runtime, now, .. } = *attempt;
    let authentication = &runtime.project.authentication;
    let mut now_worth = None;
    let principal = Principal::of_session(session.clone());
    if session.component == principal::INTERNAL {
        let administers = session.owner == authentication.admin.username && !authentication.admin.switched_off;
        if !administers && authentication.static_user(&session.owner).is_none() {
            return Ok(None);
        }
    } else {
        let Some(user) = runtime.managed.objects.read(&session.component, &session.owner).await? else { return Ok(None) };
        if !is_active(&user.content) {
            return Ok(None);
        }
        let (now_has, script) = if let Some(acting) = &principal.acting {
            // Whoever may not act for the person any more does not go on, nor when the right comes back.
            let Some(now_has) = attempt.still_acting(acting, &session.component, &user).await? else {
                accounts.sessions.end(&session.key).await?;
                return Ok(None);
            };
            (now_has, runtime.run_as(&acting.component, &acting.id).map(|run_as| &run_as.script))
        } else {
            // Nobody signs in through a module that is switched off, and nobody stays.
            let Some(module) = runtime.module_of(&session.component, &principal.module.id) else { return Ok(None) };
            (managed_roles(runtime, module, &session.component, &user).await?, Some(&module.script))
        };
        if authentication.session.dynamic_roles {
            let before = Principal { roles: now_has, augmented: None, ..principal.clone() };
            let script = script.unwrap_or(&SecurityScript::None);
            // What the script made of the roles of then is made of those of now.
            let Some(let_in) = attempt.augmented(script, before, Some(&user)).await? else {
                accounts.sessions.end(&session.key).await?;
                return Ok(None);
            };
            now_worth = Some((let_in.roles, let_in.augmented));
        }
    }
    if now.saturating_sub(session.last_used) >= touch_every(&authentication.session) {
        accounts.sessions.touch(&session.key, now).await?;
    }
    let mut principal = principal;
    if let Some((roles, augmented)) = now_worth {
        principal.augmented = augmented;
        principal.have(roles);
    }
    Ok(Some(principal))
}

/// A session that is about to begin: it exists once its effect is committed.
pub struct Draft {
    /// The cookie's value. A new sign-in always gets a new one (SEC-50).
    pub cookie: String,
    /// What of it the store keeps; everybody's account needs nothing kept.
    row: Option<Session>,
}

impl Draft {
    /// A session of this account, begun here.
    #[must_use]
    pub fn of(attempt: &Attempt<'_>, principal: &mut Principal, origin: &Origin) -> Self {
        let (accounts, settings, now) = (attempt.accounts, &attempt.runtime.project.authentication.session, attempt.now);
        let expires = now.saturating_add(seconds(settings.max_life));
        if principal.is_anonymous() {
            return Self { cookie: anonymous_cookie(&accounts.keys, expires), row: None };
        }
        let cookie = URL_SAFE_NO_PAD.encode(crest::random_bytes::<32>(accounts.random.as_ref()));
        principal.origin = json!({ "browser": origin.browser, "address": origin.address });
        let row = Session {
            key: key_of(&cookie),
            id: URL_SAFE_NO_PAD.encode(crest::random_bytes::<12>(accounts.random.as_ref())),
            component: principal.component.clone(),
            owner: principal.id.clone(),
            authentication_id: principal.authentication_id.clone(),
            claims: Value::Null,
            created: now,
            last_used: now,
            expires,
        };
        Self { cookie, row: Some(row) }
    }

    /// Begins it, with what is due for the account now.
    pub(crate) fn effect(&self, principal: &Principal) -> Option<Effect> {
        self.row.clone().map(|row| Effect::BeginSession(Session { claims: principal.claims(), ..row }))
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
pub async fn end(attempt: &Attempt<'_>, cookies: &[Option<&str>]) -> Result<(), ResourceError> {
    for value in cookies.iter().flatten() {
        attempt.accounts.sessions.end(&key_of(value)).await?;
    }
    Ok(())
}

/// Whether a session's cookie is only ever sent back over https. `https` says that the client's own connection is.
#[must_use]
pub fn is_secure(settings: &Settings, public_url: &str, https: bool) -> bool {
    https || public_url.starts_with("https:") || settings.secure == Some(true)
}

/// The configured domain that a host belongs to, the narrowest of several. A cookie for any other would be refused by the browser.
#[must_use]
pub fn domain<'s>(settings: &'s Settings, host: &str) -> Option<&'s str> {
    let host = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(host, |(name, _)| name);
    let host = host.to_ascii_lowercase();
    let covers = |domain: &&String| host == **domain || host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'));
    settings.cookie_domains.iter().filter(covers).max_by_key(|domain| domain.len()).map(String::as_str)
}

/// Seconds for which the cookie outlives the browser; `None` where it ends with it.
#[must_use]
pub fn max_age(settings: &Settings) -> Option<i64> {
    (!settings.session_only).then(|| seconds(settings.max_life))
}

impl Actor<'_> {
    /// The sessions of somebody that have not ended, newest first, and in the same order every time.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn sessions_of(&self, collection: &str, id: &str) -> Result<Vec<Session>, ResourceError> {
        let Attempt { accounts, runtime, now, .. } = self.attempt;
        let settings = &runtime.project.authentication.session;
        let mut live = accounts.sessions.of(collection, id, now).await?;
        live.retain(|session| is_live(settings, session, now));
        live.sort_by(|left, right| (right.created, &right.id).cmp(&(left.created, &left.id)));
        Ok(live)
    }

    /// Ends one of somebody's sessions by its public id; returns it as it was, or `None` where there is no such one.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn end_session(&self, collection: &str, id: &str, session: &str) -> Result<Option<Session>, ResourceError> {
        let found = self.sessions_of(collection, id).await?.into_iter().find(|found| found.id == session);
        if let Some(found) = &found {
            let accounts = self.attempt.accounts;
            accounts.sessions.end_one(&found.component, &found.owner, session).await?;
            accounts.trail.record(self.event(Topic::Activity, "session-ended", format!("{}/{}", found.component, found.owner), json!({})));
        }
        Ok(found)
    }

    /// Ends all sessions of somebody, but the present one where `but_this` says so. `event` names it in the audit trail.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn end_sessions(&self, collection: &str, id: &str, but_this: bool, event: &str) -> Result<(), AccountError> {
        let except = self.principal.session.clone().filter(|_| but_this);
        let event = self.event(Topic::Activity, event, format!("{collection}/{id}"), json!({}));
        let effects = vec![Effect::EndSessions { collection: collection.to_owned(), id: id.to_owned(), except }, Effect::Audit(event)];
        let unit = Unit { now: self.attempt.now, spend: None, effects };
        self.attempt.accounts.ledger.commit(unit).await.map_err(ResourceError::from)?;
        Ok(())
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
    fn a_cookie_goes_to_the_configured_domain_that_the_host_belongs_to() {
        let settings = Settings { cookie_domains: vec!["example.test".into(), "id.example.test".into()], ..Settings::default() };
        assert_eq!(domain(&settings, "ID.example.test:8443"), Some("id.example.test"));
        assert_eq!(domain(&settings, "www.example.test"), Some("example.test"));
        for other in ["example.test.evil.test", "badexample.test", "127.0.0.1:8080", "[::1]:8080", ""] {
            assert_eq!(domain(&settings, other), None, "{other}");
        }
        assert_eq!(domain(&Settings::default(), "example.test"), None);
    }

    #[test]
    fn a_use_is_written_down_often_enough_for_the_shortest_rest() {
        let of = |seconds: u64| touch_every(&Settings { idle: std::time::Duration::from_secs(seconds), ..Settings::default() });
        assert_eq!([of(1), of(5), of(59), of(600), of(36_000)], [0, 0, 0, 10, 60]);
    }

    #[test]
    fn a_cookie_is_secure_behind_https_however_that_is_known() {
        let secure = is_secure;
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
