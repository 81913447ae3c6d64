//! Browsers a person has signed in from (SEC-14). A browser carries a cookie that proves it was there before, and for whom; the store only
//! counts browsers, so that the first one, and with it everybody on the day of a migration, is no news.
//!
//! Easiest to get wrong: the cookie gives nothing. Whoever loses it is told of his own sign-in, and whoever steals it is spared a mail.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::ResourceError;
use http::{HeaderMap, HeaderValue};
use identity::timestamp;
use process::{Effect, Ledger, Unit};
use subtle::ConstantTimeEq;
use wire::cookie::{self, CookieStyle};

use super::authenticate::Attempt;
use super::mail_change::address;
use super::notices::{self, Notice};
use super::principal::Principal;

/// The cookie's name.
const COOKIE: &str = "vestibule-device";
/// A browser is remembered for so long after its last sign-in, in seconds: 400 days, the most a browser keeps.
const REMEMBERED: i64 = 400 * 24 * 3600;
/// At most one mail a day tells of new browsers, in seconds.
const QUIET: i64 = 24 * 3600;
/// People one browser can prove; a sixth forgets the first.
const PEOPLE: usize = 5;

/// Notes a sign-in, tells the person if the browser is new, and gives the cookie to set.
///
/// # Errors
/// 503 when the store does not answer.
pub(crate) async fn seen(
    attempt: &Attempt<'_>,
    principal: &Principal,
    headers: &HeaderMap,
    style: &CookieStyle<'_>,
) -> Result<Option<HeaderValue>, ResourceError> {
    if !principal.is_managed() || !attempt.runtime.project.settings.profile.notify_new_device {
        return Ok(None);
    }
    let app = attempt.app;
    let person = principal.own_path();
    let proof = |device: &str| URL_SAFE_NO_PAD.encode(app.keys.keyed("device", &[device.as_bytes(), person.as_bytes()]));
    let carried = cookie::values(headers, COOKIE).next().unwrap_or_default();
    let mut parts = carried.split('.');
    let device = parts.next().filter(|device| device.len() == 22).map(str::to_owned);
    let mut proofs: Vec<String> = parts.take(PEOPLE).map(str::to_owned).collect();
    let known = device.as_deref().is_some_and(|device| {
        let expected = proof(device);
        proofs.iter().any(|proof| bool::from(proof.as_bytes().ct_eq(expected.as_bytes())))
    });
    if !known {
        let count = app.db.count(&format!("devices/{person}"), attempt.now, attempt.now.saturating_add(REMEMBERED)).await?;
        if count > 1 && app.db.count(&format!("device-notice/{person}"), attempt.now, attempt.now.saturating_add(QUIET)).await? == 1 {
            tell(attempt, principal, headers).await?;
        }
    }
    let device = device.unwrap_or_else(|| URL_SAFE_NO_PAD.encode(crest::random_bytes::<16>(app.random.as_ref())));
    let own = proof(&device);
    proofs.retain(|proof| *proof != own);
    proofs.push(own);
    let from = proofs.len().saturating_sub(PEOPLE);
    let value = std::iter::once(device.as_str()).chain(proofs.iter().skip(from).map(String::as_str)).collect::<Vec<_>>().join(".");
    Ok(CookieStyle { name: COOKIE, secure: style.secure, max_age: Some(REMEMBERED) }.set(&value))
}

async fn tell(attempt: &Attempt<'_>, principal: &Principal, headers: &HeaderMap) -> Result<(), ResourceError> {
    let app = attempt.app;
    let user = attempt.runtime.managed.objects.read(&principal.component, &principal.id).await?;
    let Some(to) = user.as_ref().and_then(|user| address(&user.content)) else { return Ok(()) };
    let (browser, from, time) = (wire::client::browser(headers), attempt.client.text(), timestamp(app.clock.now()));
    let values = [("browser", browser.as_str()), ("address", from.as_str()), ("time", time.as_str())];
    let Some(mail) = notices::written(attempt.runtime, headers, attempt.now, Notice::NewDevice, to, &values) else { return Ok(()) };
    app.db.commit(Unit { now: attempt.now, spend: None, effects: vec![Effect::Mail(mail)] }).await?;
    app.mail.wake();
    Ok(())
}
