//! One browser, known by a cookie that proves nothing but that a form went to the same browser it comes from. With it, and with the session
//! where there is one, every form carries a token: another site can make a browser send a form, but not know the token, and not even sign the
//! browser in as somebody else (login CSRF, SEC-50).

use accounts::Accounts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use subtle::ConstantTimeEq as _;
use wire::cookie;

/// The cookie's name; with the prefix that no other host can set it under, where the connection allows that.
const COOKIE: &str = "vestibule-browser";
/// Length of its value: 128 random bits, base64url.
const LENGTH: usize = 22;
/// What a token is made for.
const LABEL: &str = "form token";
/// What its second part is made for.
const WHOSE: &str = "person of a form";

/// One browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Browser {
    /// The value of its cookie.
    pub(crate) id: String,
    /// It had none until now.
    pub(crate) is_new: bool,
    secure: bool,
}

impl Browser {
    /// The browser that sent these headers.
    pub(crate) fn of(accounts: &Accounts, headers: &HeaderMap, secure: bool) -> Self {
        let name = name(secure);
        let is_one =
            |value: &&str| value.len() == LENGTH && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let known = cookie::values(headers, &name).take(4).find(is_one).map(str::to_owned);
        let is_new = known.is_none();
        Self { id: known.unwrap_or_else(|| random_name(accounts)), is_new, secure }
    }

    /// The token of its forms on this session, with what tells later whether a form was this person's.
    pub(crate) fn token(&self, accounts: &Accounts, session: Option<&str>, person: Option<&str>) -> String {
        let form = URL_SAFE_NO_PAD.encode(accounts.keys.keyed(LABEL, &[self.id.as_bytes(), session.unwrap_or_default().as_bytes()]));
        let Some(person) = person else { return form };
        format!("{form}.{}", URL_SAFE_NO_PAD.encode(accounts.keys.keyed(WHOSE, &[self.id.as_bytes(), person.as_bytes()])))
    }

    /// Whether the second part of a token says that its form was shown to this person here.
    pub(crate) fn shown_to(&self, accounts: &Accounts, person: &str, whose: &str) -> bool {
        let each = accounts.keys.keyed_by_each(WHOSE, &[self.id.as_bytes(), person.as_bytes()]);
        each.iter().any(|own| bool::from(URL_SAFE_NO_PAD.encode(own).as_bytes().ct_eq(whose.as_bytes())))
    }

    /// Whether a form with this token was made for it, on this session.
    pub(crate) fn made(&self, accounts: &Accounts, session: Option<&str>, token: &str) -> bool {
        let parts = [self.id.as_bytes(), session.unwrap_or_default().as_bytes()];
        let each = accounts.keys.keyed_by_each(LABEL, &parts);
        let token = token.split('.').next().unwrap_or_default();
        !self.is_new && each.iter().any(|own| bool::from(URL_SAFE_NO_PAD.encode(own).as_bytes().ct_eq(token.as_bytes())))
    }

    /// Its cookie, where it does not have it yet.
    pub(crate) fn cookie(&self) -> Option<HeaderValue> {
        self.is_new.then(|| set(&name(self.secure), &self.id, self.secure, None)).flatten()
    }
}

fn name(secure: bool) -> String {
    named(COOKIE, secure)
}

/// The name of a cookie; over https with the prefix that no other host can set it under.
pub(crate) fn named(cookie: &str, secure: bool) -> String {
    if secure { format!("__Host-{cookie}") } else { cookie.to_owned() }
}

/// A cookie that scripts and other sites do not see.
pub(crate) fn set(name: &str, value: &str, secure: bool, max_age: Option<i64>) -> Option<HeaderValue> {
    cookie::CookieStyle { name, secure, max_age, domain: None }.set(value)
}

/// 128 random bits as a name that fits an address.
pub(crate) fn random_name(accounts: &Accounts) -> String {
    URL_SAFE_NO_PAD.encode(crest::random_bytes::<16>(accounts.random.as_ref()))
}
