//! Credentials in headers: `X-OpenIDM-Username` and `X-OpenIDM-Password`, raw or percent-encoded as RFC 5987, else `Authorization: Basic`.
//!
//! Easiest to get wrong: a value is decoded exactly when it begins like an encoded one, and an undecodable one is taken as it stands
//! (docs/protocol/authentication.md, "Credentials"); browsers send what is not ASCII as Latin-1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// A name and a password, both not empty.
#[derive(Clone)]
pub struct Credentials {
    /// The login name.
    pub user: String,
    /// The password as typed.
    pub password: Zeroizing<String>,
}

/// The header of re-authentication.
const REAUTH_PASSWORD: &str = "x-openidm-reauth-password";

impl Credentials {
    /// The credentials of a request; `None` when it carries none that are complete.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let own = || {
            let user = text(headers, "x-openidm-username")?;
            let password = Zeroizing::new(text(headers, "x-openidm-password")?);
            (!user.is_empty() && !password.is_empty()).then_some(Self { user, password })
        };
        own().or_else(|| basic(headers))
    }

    /// The password of `X-OpenIDM-Reauth-Password`, unless it is blank.
    pub fn reauth_password(headers: &HeaderMap) -> Option<Zeroizing<String>> {
        text(headers, REAUTH_PASSWORD).filter(|password| !password.trim().is_empty()).map(Zeroizing::new)
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// The name that a request says it comes from, with or without a password.
pub fn user_name(headers: &HeaderMap) -> Option<String> {
    let own = || text(headers, "x-openidm-username").filter(|name| !name.is_empty());
    own().or_else(|| basic(headers).map(|credentials| credentials.user))
}

/// As whom a request is to be made (`X-OpenIDM-RunAs`), where it says so. One that says it twice names nobody.
pub fn run_as(headers: &HeaderMap) -> Option<String> {
    const NAME: &str = "x-openidm-runas";
    let mut given = headers.get_all(NAME).iter();
    given.next()?;
    Some(if given.next().is_some() { String::new() } else { text(headers, NAME).unwrap_or_default() })
}

/// `X-OpenIDM-NoSession: true`: neither begin a session nor touch one (docs/protocol/clients.md, "Transport").
pub fn wants_no_session(headers: &HeaderMap) -> bool {
    headers.get("x-openidm-nosession").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// A header's value as text, decoded if it is encoded.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let raw = latin1_or_utf8(headers.get(name)?.as_bytes());
    Some(decode_extended(&raw).unwrap_or(raw))
}

/// `charset'language'value` of RFC 5987 §3.2, with the two charsets it demands.
fn decode_extended(raw: &str) -> Option<String> {
    let (charset, rest) = raw.split_once('\'')?;
    let (language, value) = rest.split_once('\'')?;
    if !language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return None;
    }
    if charset.eq_ignore_ascii_case("UTF-8") {
        percent_decode_str(value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    } else if charset.eq_ignore_ascii_case("ISO-8859-1") {
        Some(percent_decode_str(value).map(char::from).collect())
    } else {
        None
    }
}

fn basic(headers: &HeaderMap) -> Option<Credentials> {
    /// Clients disagree about the padding.
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = STANDARD.decode(encoded.trim()).or_else(|_| LENIENT.decode(encoded.trim())).ok().map(Zeroizing::new)?;
    let text = Zeroizing::new(latin1_or_utf8(&bytes));
    let (user, password) = text.split_once(':')?;
    if user.is_empty() || password.is_empty() {
        return None;
    }
    Some(Credentials { user: user.to_owned(), password: Zeroizing::new(password.to_owned()) })
}

fn latin1_or_utf8(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())).collect()
    }

    fn read(user: &[u8], password: &[u8]) -> Option<(String, String)> {
        let headers = headers(&[("x-openidm-username", user), ("x-openidm-password", password)]);
        Credentials::of(&headers).map(|found| (found.user, found.password.to_string()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "compared with what a request yields")]
    fn pair(user: &str, password: &str) -> Option<(String, String)> {
        Some((user.to_owned(), password.to_owned()))
    }

    #[test]
    fn raw_and_encoded_values_are_the_same() {
        assert_eq!(read(b"bjensen", b"Passw0rd"), pair("bjensen", "Passw0rd"));
        assert_eq!(read(b"UTF-8''b%40example.test", b"utf-8'de'wr%40ng%20p%C3%A4ss"), pair("b@example.test", "wr@ng päss"));
        assert_eq!(read(b"iso-8859-1'en'p%E4ss", b"x"), pair("päss", "x"));
        assert_eq!(read("päss".as_bytes(), b"p\xe4ss"), pair("päss", "päss"));
    }

    #[test]
    fn what_cannot_be_decoded_is_taken_as_it_stands() {
        assert_eq!(read(b"UTF-8''%ff", b"it's"), pair("UTF-8''%ff", "it's"));
        assert_eq!(read(b"koi8-r''x", b"a'b c'd"), pair("koi8-r''x", "a'b c'd"));
        assert_eq!(read(b"100%", b"%41"), pair("100%", "%41"));
    }

    #[test]
    fn half_of_the_credentials_are_none() {
        assert_eq!(read(b"", b"x"), None);
        assert_eq!(read(b"x", b""), None);
        assert!(Credentials::of(&headers(&[("x-openidm-username", b"x")])).is_none());
    }

    #[test]
    fn basic_is_the_second_choice() {
        let encode = |text: &str| format!("bAsIc {}", STANDARD.encode(text));
        let own = [("authorization", encode("a:b:c"))];
        let found = Credentials::of(&headers(&[("authorization", own[0].1.as_bytes())])).unwrap();
        assert_eq!((found.user.as_str(), found.password.as_str()), ("a", "b:c"));
        let both = headers(&[("authorization", own[0].1.as_bytes()), ("x-openidm-username", b"u"), ("x-openidm-password", b"p")]);
        assert_eq!(Credentials::of(&both).unwrap().user, "u");
        for bad in ["Basic", "Basic ***", "Bearer YTpi", "Basic YQ==", "Basic Og=="] {
            assert!(Credentials::of(&headers(&[("authorization", bad.as_bytes())])).is_none(), "{bad}");
        }
        assert!(Credentials::of(&headers(&[("authorization", b"Basic YTpi")])).is_some());
    }

    #[test]
    fn as_whom_a_request_is_made_is_said_once_or_names_nobody() {
        assert_eq!(run_as(&headers(&[])), None);
        assert_eq!(run_as(&headers(&[("x-openidm-runas", b"UTF-8''b%40x")])).as_deref(), Some("b@x"));
        assert_eq!(run_as(&headers(&[("x-openidm-runas", b"")])).as_deref(), Some(""));
        let mut twice = HeaderMap::new();
        twice.append("x-openidm-runas", HeaderValue::from_static("a"));
        twice.append("x-openidm-runas", HeaderValue::from_static("b"));
        assert_eq!(run_as(&twice).as_deref(), Some(""));
    }

    #[test]
    fn flags_and_other_secrets() {
        assert!(wants_no_session(&headers(&[("x-openidm-nosession", b"TRUE")])));
        assert!(!wants_no_session(&headers(&[("x-openidm-nosession", b"false")])));
        assert_eq!(Credentials::reauth_password(&headers(&[("x-openidm-reauth-password", b"  ")])), None);
        let reauth = Credentials::reauth_password(&headers(&[("x-openidm-reauth-password", b"UTF-8''a%20b")]));
        assert_eq!(reauth.unwrap().as_str(), "a b");
    }

    proptest! {
        #[test]
        fn every_name_and_password_travels_encoded(user in ".{1,20}", password in ".{1,20}") {
            let encode = |text: &str| format!("UTF-8''{}", utf8_percent_encode(text, NON_ALPHANUMERIC));
            prop_assert_eq!(read(encode(&user).as_bytes(), encode(&password).as_bytes()), pair(&user, &password));
        }

        #[test]
        fn no_header_is_fatal(value in proptest::collection::vec(32_u8..=255, 0..40)) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                for name in ["x-openidm-username", "x-openidm-password", "authorization"] {
                    let mut map = HeaderMap::new();
                    map.insert(name, value.clone());
                    let _ = Credentials::of(&map);
                }
            }
        }
    }
}
