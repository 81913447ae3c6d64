//! The answer of a provider that comes as a form (*OAuth 2.0 Form Post Response Mode*), as Apple's does: a POST of another site, to the address
//! that the provider's file names.
//!
//! Easiest to get wrong: a browser sends no `SameSite=Lax` cookie with that POST, so it may not begin, end or mean a session. It is taken as it is,
//! sealed, and answered with a GET of our own, to which the cookies come. The one cookie that is set keeps a name that the provider tells once; it fills in a form,
//! and only that of the account whose address it was told with.

use accounts::{Attempt, NAME_COOKIE, NAME_KEPT};
use axum::body::Body;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use wire::body::is_form;
use wire::client::{Client, Peer};
use wire::cookie::CookieStyle;
use wire::parameters::Parameters;

use crate::app::App;
use crate::body::collect;
use crate::evidence::style;
use crate::reply::Refusal;

/// Bytes of the longest form.
const MAX_FORM: usize = 16 * 1024;

/// The answer to a provider's form, or why it is refused: a browser sent it, so a page may say so.
///
/// # Errors
/// The body of any other request, for whoever it is meant for.
pub async fn posted(app: &App, parts: &Parts, body: Body, peer: Peer) -> Result<Result<Response<Body>, Refusal>, Body> {
    let accounts = app.accounts.as_ref();
    let runtime = accounts.runtime.load_full();
    let path = parts.uri.path();
    if parts.method != Method::POST || !is_form(&parts.headers) || !runtime.social.iter().any(|provider| provider.posts_to(path)) {
        return Err(body);
    }
    let client = Client::of(peer, &parts.headers, |address| runtime.trusts(address));
    let transaction = accounts.transaction();
    let attempt = Attempt { accounts, runtime: &runtime, address: client.address, transaction: &transaction, now: accounts.now() };
    let form = match collect(body, &parts.headers, MAX_FORM).await {
        Ok(bytes) => Parameters::parse(&String::from_utf8_lossy(&bytes)),
        Err(error) => Err(error),
    };
    let passed = form.map_err(Refusal::from).and_then(|form| {
        let query = attempt.passed_on(form.as_slice()).map_err(Refusal::from)?;
        Ok((query, attempt.name_to_keep(form.as_slice()).map_err(Refusal::from)?))
    });
    let sealed = passed.map(|(query, name)| {
        let secure = style(&runtime, client.https, None).secure;
        let cookie = CookieStyle { name: NAME_COOKIE, secure, max_age: Some(NAME_KEPT), domain: None };
        see_other(&format!("{path}?{query}"), name.and_then(|name| cookie.set(&name)))
    });
    Ok(sealed.inspect_err(|refusal| {
        if let Some(limit) = refusal.limit {
            accounts.meter.limited(limit);
        }
    }))
}

fn see_other(to: &str, cookie: Option<HeaderValue>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    if let Ok(to) = HeaderValue::from_str(to) {
        headers.insert(header::LOCATION, to);
    }
    response
}
