//! Sessions in a browser: begun by the sign-in page and by a registration, ended by the button.
//!
//! Easiest to get wrong: a browser that signs in gets a new session, whatever it had before, and the one before ends (SEC-50).

use accounts::devices::{self, Device};
use accounts::session::{self, Draft, MAX_COOKIES, Origin};
use accounts::{AccountError, Actor, ByProvider, Evidence, Identified};
use wire::client;
use wire::cookie::{self, CookieStyle};

use crate::browser;
use crate::preferred_language;
use crate::visit::Visit;

/// The values of the session's cookie.
pub(crate) fn cookies<'v>(settings: &'v project::Session, headers: &'v http::HeaderMap) -> [Option<&'v str>; MAX_COOKIES] {
    let mut values = cookie::values(headers, &settings.cookie_name);
    std::array::from_fn(|_| values.next())
}

/// Begins a session of whoever was identified. Returns its cookie's value.
///
/// # Errors
/// As [`accounts::Attempt::sign_in`].
pub(crate) async fn begin(visit: &Visit, mut identified: Identified) -> Result<String, AccountError> {
    let attempt = visit.attempt();
    let settings = &visit.runtime.project.authentication.session;
    let headers = &visit.parts.headers;
    let origin = Origin { browser: client::browser(headers), address: visit.client.text() };
    let draft = Draft::of(&attempt, &mut identified.principal, &origin);
    attempt.sign_in(&mut identified, Some(&draft)).await?;
    session::end(&attempt, &cookies(settings, headers)).await?;
    set(visit, &draft.cookie);
    preferred_language::recall(visit, &identified.principal).await;
    let device = Device {
        carried: cookie::values(headers, devices::COOKIE).next().unwrap_or_default(),
        browser: &origin.browser,
        locales: &|| visit.locales.clone(),
    };
    let seen = Actor { attempt, principal: &identified.principal }.seen_on(&device).await?;
    visit.set_cookie(seen.and_then(|value| browser::set(devices::COOKIE, &value, visit.secure, Some(devices::REMEMBERED))));
    Ok(draft.cookie)
}

/// Begins a session of whoever an account at an identity provider is linked to. Returns its cookie's value; nothing where that is nobody.
///
/// # Errors
/// As [`begin`].
pub(crate) async fn begin_by_provider(visit: &Visit, text: &str) -> Result<Option<String>, AccountError> {
    let evidence = Evidence {
        cookies: [None; MAX_COOKIES],
        newcomer: None,
        provider: Some(ByProvider { text, of: None }),
        password: None,
        run_as: None,
    };
    match visit.attempt().identify(evidence).await {
        Ok(identified) if identified.principal.is_anonymous() => Ok(None),
        Ok(identified) => begin(visit, identified).await.map(Some),
        Err(AccountError::Denied) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sets the session's cookie.
pub(crate) fn set(visit: &Visit, value: &str) {
    visit.set_cookie(style(visit).set(value));
}

/// Ends the session of the browser, and clears its cookie.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn end(visit: &Visit) -> Result<(), AccountError> {
    let settings = &visit.runtime.project.authentication.session;
    session::end(&visit.attempt(), &cookies(settings, &visit.parts.headers)).await?;
    visit.set_cookie(style(visit).clear());
    Ok(())
}

fn style(visit: &Visit) -> CookieStyle<'_> {
    let settings = &visit.runtime.project.authentication.session;
    let domain = client::host(&visit.parts.headers).and_then(|host| session::domain(settings, host));
    CookieStyle { name: &settings.cookie_name, secure: visit.secure, max_age: session::max_age(settings), domain }
}
