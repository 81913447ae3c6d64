//! Any headers are credentials, cookies, an origin, languages and conditions, or none; a header counts as a proxy's only if a trusted
//! proxy sent it.
#![no_main]

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use wire::body::{self, Wanted};
use wire::client::{self, Client, Peer};
use wire::conditions::{Conditions, Expected, Put};
use wire::cookie;
use wire::credentials::{self, Credentials};
use wire::language;
use wire::traceparent::Parent;
use wire::version::Protocol;

/// What a header of the input is called: its first byte chooses.
const NAMES: [&str; 20] = [
    "accept-api-version",
    "accept-encoding",
    "accept-language",
    "authorization",
    "content-type",
    "cookie",
    "forwarded",
    "host",
    "if-match",
    "if-none-match",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-openidm-nosession",
    "x-openidm-password",
    "x-openidm-reauth-password",
    "x-openidm-username",
    "if-modified-since",
    "if-unmodified-since",
    "traceparent",
];

/// The proxy that requests come through.
const PROXY: &str = "10.0.0.1";

fuzz_target!(|input: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n') {
        let Some((choice, value)) = line.split_first() else { continue };
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        headers.append(NAMES[usize::from(*choice) % NAMES.len()], value);
    }
    who(&headers);
    from_where(&headers);
    if let Some(parent) = Parent::of(&headers) {
        assert_eq!(Parent::read(&parent.to_string()), Some(parent));
    }
    for tag in language::locales(&headers) {
        assert!(tag.len() <= language::MAX_LENGTH && tag.is_ascii());
    }
    let tags = language::locales(&headers);
    assert!(tags.len() <= language::MAX_TAGS);
    if let Ok(again) = HeaderValue::from_str(&tags.join(",")) {
        assert_eq!(language::locales(&one("accept-language", again)), tags);
    }
    expected(&headers);
    if let Ok(protocol) = Protocol::of(&headers) {
        assert!(protocol <= Protocol::CURRENT && (protocol.put_creates() || !protocol.post_creates()));
    }
    if body::check_content_type(&headers, Wanted::Object).is_ok() {
        assert!(body::check_content_type(&headers, Wanted::Anything).is_ok());
    }
});

fn one(name: &'static str, value: HeaderValue) -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static(name), value)])
}

/// Whoever is read can be written and read again; what is secret is not printed.
fn who(headers: &HeaderMap) {
    assert!(Credentials::reauth_password(headers).is_none_or(|password| !password.trim().is_empty()));
    for value in cookie::values(headers, "session-jwt") {
        assert!(!value.is_empty() && !value.contains(';'));
    }
    let _ = credentials::wants_no_session(headers);
    let Some(found) = Credentials::of(headers) else { return };
    assert!(!found.user.is_empty() && !found.password.is_empty());
    assert_eq!(format!("{found:?}"), "Credentials(…)");
    assert!(credentials::user_name(headers).is_some());
    let extended = |text: &str| HeaderValue::from_str(&format!("UTF-8''{}", utf8_percent_encode(text, NON_ALPHANUMERIC))).expect("ASCII");
    let mut again = one("x-openidm-username", extended(&found.user));
    again.insert("x-openidm-password", extended(&found.password));
    let again = Credentials::of(&again).expect("both are there");
    assert_eq!((&again.user, &again.password), (&found.user, &found.password));
}

/// Proxies are believed, and nobody else is.
fn from_where(headers: &HeaderMap) {
    let address: IpAddr = PROXY.parse().expect("an address");
    let peer = Peer { address, https: false, passed_on: false };
    let stranger = Client::of(peer, headers, |_| false);
    assert!(stranger.address == address && !stranger.https);

    let trusts = |address: IpAddr| matches!(address, IpAddr::V4(address) if address.octets()[0] == 10);
    let found = Client::of(peer, headers, trusts);
    assert_eq!(found.text().parse(), Ok(found.address));
    if headers.contains_key("x-forwarded-for") {
        let mut longer = headers.clone();
        longer.insert("forwarded", HeaderValue::from_static("for=192.0.2.66"));
        assert_eq!(Client::of(peer, &longer, trusts).address, found.address, "the other list was believed");
    }
    if !trusts(found.address) {
        for name in ["x-forwarded-for", "forwarded"] {
            let mut spoofed = headers.clone();
            let Some(first) = spoofed.remove(name) else { continue };
            let written = if name == "forwarded" { "for=192.0.2.66, " } else { "192.0.2.66, " };
            let joined = [written.as_bytes(), first.as_bytes()].concat();
            spoofed.append(name, HeaderValue::from_bytes(&joined).expect("two values of headers"));
            for more in headers.get_all(name).iter().skip(1) {
                spoofed.append(name, more.clone());
            }
            assert_eq!(Client::of(peer, &spoofed, trusts).address, found.address, "what the client wrote in front was believed");
        }
    }
    if let Some(host) = client::host(headers) {
        assert!(!host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_control() || "/\\@?#\"<>".contains(c)));
    }
    let browser = client::browser(headers);
    assert!(!browser.is_empty() && browser.len() <= client::MAX_BROWSER && !browser.contains(char::is_control));
}

/// A revision that was read is the one that is compared.
fn expected(headers: &HeaderMap) {
    let Ok(conditions) = Conditions::of(headers) else { return };
    let revisions = [
        conditions.clone().for_patch().ok().and_then(|expected| expected.revision().map(str::to_owned)),
        match conditions.for_put(true) {
            Ok(Put::Replace(Expected::Revision(revision))) => Some(revision),
            _ => None,
        },
    ];
    for revision in revisions.into_iter().flatten() {
        let quoted = one("if-match", HeaderValue::from_str(&format!("\"{revision}\"")).expect("it came in a header"));
        let again = Conditions::of(&quoted).and_then(Conditions::for_patch);
        assert_eq!(again, Ok(Expected::Revision(revision)));
    }
}
