//! What a request's headers bring to say whose it is, and how a session goes back as a cookie.

use accounts::devices;
use accounts::session::{self, MAX_COOKIES};
use accounts::{AccountError, Attempt, Evidence, Identified, Newcomer, Password, Runtime};
use http::{HeaderMap, HeaderValue};
use wire::cookie::{self, CookieStyle};
use wire::credentials::{self, Credentials};

/// The header of somebody who just became a person here.
const NEWCOMER: &str = "x-openidm-jwt";

/// Finds out who makes a request, by its headers.
///
/// # Errors
/// As [`Attempt::identify`].
pub async fn identify(attempt: &Attempt<'_>, headers: &HeaderMap) -> Result<Identified, AccountError> {
    let text = headers.get(NEWCOMER).map(HeaderValue::as_bytes).filter(|text| !text.is_empty());
    let password = Credentials::of(headers).map(|Credentials { user, password }| Password { user, password, device: device(headers) });
    let evidence = Evidence {
        cookies: cookies(attempt.runtime, headers),
        provider: crate::resources::sign_in(headers),
        newcomer: text.map(|text| Newcomer { text, user: credentials::user_name(headers) }),
        password,
        run_as: credentials::run_as(headers),
    };
    attempt.identify(evidence).await
}

/// What proves the device.
fn device(headers: &HeaderMap) -> String {
    cookie::values(headers, devices::COOKIE).next().unwrap_or_default().to_owned()
}

/// The values of the session's cookie.
pub(crate) fn cookies<'a>(runtime: &'a Runtime, headers: &'a HeaderMap) -> [Option<&'a str>; MAX_COOKIES] {
    let mut values = cookie::values(headers, &runtime.project.authentication.session.cookie_name);
    std::array::from_fn(|_| values.next())
}

/// How the session's cookie is written for this client. `https` says that the client's own connection is; `host` is the name the client
/// knows the server by, and the configured domain that it belongs to, if any, gets the cookie as a whole.
pub(crate) fn style<'a>(runtime: &'a Runtime, https: bool, host: Option<&str>) -> CookieStyle<'a> {
    let settings = &runtime.project.authentication.session;
    CookieStyle {
        name: &settings.cookie_name,
        secure: session::is_secure(settings, &runtime.public_url, https),
        max_age: session::max_age(settings),
        domain: host.and_then(|host| session::domain(settings, host)),
    }
}
