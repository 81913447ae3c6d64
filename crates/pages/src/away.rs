//! `/sign-in/<provider>`: to an identity provider, and what the browser keeps until it comes back.
//!
//! Easiest to get wrong: the way back counts in the browser that began it, and for what it was begun for; so all of that is sealed in a cookie, with
//! the browser's own name in it, and the address of the answer has nothing but `state`. The cookie goes over with a link of another site (`SameSite=Lax`),
//! as the answer comes from one.

use accounts::{Accounts, Runtime};
use http::Method;
use http::request::Parts;
use process::{mint, open_minted};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wire::cookie;

use crate::answer::see_other;
use crate::browser;
use crate::dead_end::{DeadEnd, Why};
use crate::form::Form;
use crate::self_service;
use crate::trouble::{self, Trouble};
use crate::visit::{Outcome, Visit};
use crate::way::{CONFIRMABLE, HOME, Purpose, encoded, path};

/// The cookie's name.
const COOKIE: &str = "vestibule-provider";
/// Purpose of what is in it.
const AWAY: &str = "page of an identity provider";
/// Seconds that somebody may spend there.
const SECONDS: i64 = 900;

/// A browser that is at a provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Away {
    /// Which one.
    pub(crate) provider: String,
    /// What for.
    pub(crate) purpose: Purpose,
    /// `state`.
    pub(crate) state: String,
    /// What its answer is judged by.
    pub(crate) challenge: String,
    /// The browser.
    browser: String,
}

/// What the address is asked for.
fn purpose(visit: &Visit) -> Purpose {
    match (visit.query.get("for"), visit.query.filled("process")) {
        ("link", _) => Purpose::Link,
        ("confirm", _) => {
            let what = visit.query.get("what");
            Purpose::Confirm { what: CONFIRMABLE.into_iter().find(|known| *known == what).unwrap_or("password").to_owned() }
        }
        (_, Some(process)) => Purpose::Step { process: process.to_owned(), at: visit.query.get("at").to_owned() },
        _ => Purpose::Enter { to: path(visit.query.get("to")) },
    }
}

/// GET: to the provider.
pub(crate) async fn begin(visit: &Visit) -> Outcome {
    if visit.is_post() {
        return Err(DeadEnd { allow: "GET, HEAD", ..DeadEnd::new(Why::Method) });
    }
    let Some(provider) = visit.provider(visit.segment()) else { return Err(DeadEnd::new(Why::NotFound)) };
    let purpose = purpose(visit);
    match &purpose {
        Purpose::Link | Purpose::Confirm { .. } if visit.is_signed_in() => {}
        Purpose::Link | Purpose::Confirm { .. } => return Ok(see_other(&format!("/sign-in?to={}", encoded(&purpose.back())))),
        _ if visit.is_signed_in() => return Ok(see_other(HOME)),
        _ => {}
    }
    let purpose = match purpose {
        Purpose::Step { process, at } => Purpose::Step { at: self_service::left(visit, &process, at).await?, process },
        other => other,
    };
    let attempt = visit.attempt();
    let sent = match purpose {
        Purpose::Confirm { .. } => attempt.sent_anew(&provider.name).await,
        _ => attempt.sent_to(&provider.name).await,
    };
    let sent = match sent {
        Ok(sent) => sent,
        Err(error) => return trouble::told(&purpose, &provider.name, Trouble::of(error)?),
    };
    let away =
        Away { provider: provider.name.clone(), purpose, state: sent.state, challenge: sent.token, browser: visit.browser.id.clone() };
    let sealed = mint(&visit.accounts.keys, visit.accounts.random.as_ref(), AWAY, json!(away), visit.now, SECONDS)?;
    visit.set_cookie(browser::set(&browser::named(COOKIE, visit.secure), &sealed, visit.secure, Some(SECONDS)));
    Ok(see_other(&sent.url))
}

/// Whether a request may be that of a browser which comes back: nothing but its address is looked at.
pub(crate) fn may_return(runtime: &Runtime, parts: &Parts) -> bool {
    parts.method == Method::GET
        && parts.uri.query().is_some()
        && runtime.social.iter().any(|provider| provider.returns_to(parts.uri.path()))
}

/// What a browser was sent away with that comes back now, as the `query` of its request says, and whether with the answer to it. The address may be
/// another client's too. Without a `state`, though every answer has one (RFC 6749 §4.1.2), nothing says to which way an answer belongs: it is to none,
/// and only from the provider that the browser was sent to.
pub(crate) fn returning(accounts: &Accounts, runtime: &Runtime, parts: &Parts, query: &Form, secure: bool) -> Option<(Away, bool)> {
    if !may_return(runtime, parts) || !is_answer(query) {
        return None;
    }
    let away = kept(accounts, parts, secure)?;
    let is_answered = query.has("state");
    let is_meant = if is_answered {
        away.state == query.get("state")
    } else {
        runtime.social.get(&away.provider).is_some_and(|provider| provider.returns_to(parts.uri.path()))
    };
    is_meant.then_some((away, is_answered))
}

/// Whether an address is that of an answer of a provider, whatever it is an answer to.
pub(crate) fn is_answer(query: &Form) -> bool {
    ["state", "code", "error"].into_iter().any(|name| query.has(name))
}

/// What the cookie of a browser says.
fn kept(accounts: &Accounts, parts: &Parts, secure: bool) -> Option<Away> {
    let sealed = cookie::values(&parts.headers, &browser::named(COOKIE, secure)).next()?.to_owned();
    let minted = open_minted(&accounts.keys, AWAY, &sealed, accounts.now(), accounts.ledger.not_before())?;
    serde_json::from_value(minted.payload).ok()
}

impl Away {
    /// Whether this is the browser that went.
    pub(crate) fn is_of(&self, visit: &Visit) -> bool {
        self.browser == visit.browser.id
    }
}

/// It came back: nothing more is kept.
pub(crate) fn forget(visit: &Visit) {
    let name = browser::named(COOKIE, visit.secure);
    visit.set_cookie(cookie::CookieStyle { name: &name, secure: visit.secure, max_age: None, domain: None }.clear());
}
