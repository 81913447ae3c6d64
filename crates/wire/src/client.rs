//! Where a request comes from: the client's address and whether it reached us by https.
//!
//! Easiest to get wrong: `X-Forwarded-For` and `Forwarded` are anybody's text. They count only when the peer is a trusted proxy, and
//! only as far back as the proxies are trusted: the list is read from its end (SEC-12, SEC-47).

use std::net::IpAddr;

use http::{HeaderMap, header};

use crate::direct::looks_forwarded;

/// The other end of a connection, as far as the connection itself tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address, or the one that a trusted proxy named in the PROXY protocol.
    pub address: IpAddr,
    /// The connection is encrypted up to this server, or was up to that proxy.
    pub https: bool,
    /// What a proxy that speaks the PROXY protocol said of it.
    pub passed: PassedOn,
}

/// What the PROXY protocol says of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassedOn {
    /// Nobody passed it on: the peer, or the proxy itself, opened it.
    No,
    /// A trusted proxy passed it on, and named who opened it.
    Named,
    /// A trusted proxy passed it on and does not know for whom: the address is the proxy's own.
    Unnamed,
}

/// A request's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address of the client, as far as it can be known.
    pub address: IpAddr,
    /// The client's own connection was encrypted: up to this server, or as a trusted proxy says.
    pub https: bool,
    /// The address is the client's own: nothing says that the request was passed on, or trusted proxies name who sent it. Where somebody
    /// passed it on whose word does not count, or who names nobody, it is the address of that one.
    pub believed: bool,
}

/// Most entries of a forwarding list that are looked at (SEC-52).
pub const MAX_HOPS: usize = 32;
/// Longest name of a browser that is shown to a person, in characters.
pub const MAX_BROWSER: usize = 160;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

impl Client {
    /// Reads a request's origin; `trusts` says of an address whether it is a proxy of ours.
    pub fn of(peer: Peer, headers: &HeaderMap, trusts: impl Fn(IpAddr) -> bool) -> Self {
        let peer = Peer { address: peer.address.to_canonical(), ..peer };
        // Who comes by the PROXY protocol has the address that the proxy named: it is their own headers that may say more.
        let mut believed = peer.passed != PassedOn::Unnamed && !looks_forwarded(headers);
        if !trusts(peer.address) {
            return Self { address: peer.address, https: peer.https, believed };
        }
        let mut address = peer.address;
        for (passed, hop) in hops(headers).into_iter().enumerate() {
            // What is no address ends what can be known.
            let Some(hop) = hop.filter(|_| passed < MAX_HOPS) else {
                believed = false;
                break;
            };
            (address, believed) = (hop, true);
            if !trusts(hop) {
                break;
            }
        }
        // A proxy that says nothing of its client's connection is taken to have passed on what it got.
        let https = protocol(headers).map_or(peer.https, |protocol| protocol.eq_ignore_ascii_case("https"));
        Self { address, https, believed }
    }

    /// The address as a client reads it in `authorization.ipAddress`.
    pub fn text(&self) -> String {
        self.address.to_string()
    }
}

/// The forwarding list, last hop first. `Forwarded` (RFC 7239) is taken where there is no `X-Forwarded-For` at all; a proxy that writes
/// one and passes the other on must not let a client choose, not even by making the first unreadable.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    if headers.contains_key(FORWARDED_FOR) {
        return elements(headers, FORWARDED_FOR).iter().rev().map(|element| node(element)).collect();
    }
    let list = elements(headers, header::FORWARDED.as_str());
    list.iter().rev().map(|element| parameter(element, "for").and_then(|value| node(&value))).collect()
}

/// What the nearest proxy says about the client's own connection.
fn protocol(headers: &HeaderMap) -> Option<String> {
    if headers.contains_key(FORWARDED_PROTO) {
        return elements(headers, FORWARDED_PROTO).pop();
    }
    elements(headers, header::FORWARDED.as_str()).pop().and_then(|element| parameter(&element, "proto"))
}

/// All elements of a comma list, over all lines of the header. What is no text stays an element: it is no address, but it has a place.
fn elements(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let elements = lines.iter().flat_map(|line| line.split(','));
    elements.map(|element| element.trim().to_owned()).filter(|element| !element.is_empty()).collect()
}

/// One parameter of an element of `Forwarded`.
fn parameter(element: &str, name: &str) -> Option<String> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// The host and port a client asked for, if they are plain. Good for pointing the same client back here, and for nothing else (SEC-12).
pub fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let plain = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    plain.then_some(host)
}

/// A browser's name for a person to recognise: no control characters, and short.
pub fn browser(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let clean: String = agent.chars().filter(|letter| letter.is_ascii_graphic() || *letter == ' ').take(MAX_BROWSER).collect();
    if clean.trim().is_empty() { "?".to_owned() } else { clean }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn plain(address: &str) -> Peer {
        Peer { address: address.parse().unwrap(), https: false, passed: PassedOn::No }
    }

    fn client(peer: &str, headers: &[(&'static str, &str)], trusted: &[&str]) -> Client {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Client::of(plain(peer), &map, |address| trusted.iter().any(|start| address.to_string().starts_with(start)))
    }

    fn address(peer: &str, headers: &[(&'static str, &str)], trusted: &[&str]) -> String {
        client(peer, headers, trusted).text()
    }

    #[test]
    fn sec_12_only_trusted_proxies_are_believed() {
        let headers = [("x-forwarded-for", "192.0.2.9"), ("forwarded", "for=192.0.2.8;proto=https"), ("x-forwarded-proto", "https")];
        let stranger = client("203.0.113.1", &headers, &["10."]);
        assert_eq!((stranger.text().as_str(), stranger.https, stranger.believed), ("203.0.113.1", false, false));
        assert!(client("127.0.0.1", &[], &[]).believed);
        for name in ["via", "x-real-ip", "x-forwarded-host", "x-forwarded-server", "x-client-ip"] {
            for trusted in [&[][..], &["127."]] {
                let passed_on = client("127.0.0.1", &[(name, "1.1 proxy")], trusted);
                assert!(!passed_on.believed, "{name}: it is the proxy that is on this machine, trusted or not");
            }
        }
    }

    #[test]
    fn sec_12_a_trusted_proxy_is_believed_as_far_as_it_names_somebody() {
        let believed = |headers: &[(&'static str, &str)]| {
            let found = client("127.0.0.1", headers, &["127."]);
            (found.text(), found.believed)
        };
        let own = |believed| ("127.0.0.1".to_owned(), believed);
        assert_eq!(believed(&[]), own(true), "somebody on the machine of the proxy");
        assert_eq!(believed(&[("x-forwarded-for", "192.0.2.9"), ("via", "1.1 proxy")]), ("192.0.2.9".to_owned(), true));
        assert_eq!(believed(&[("x-forwarded-for", "192.0.2.9, 127.0.0.2")]), ("192.0.2.9".to_owned(), true));
        assert_eq!(believed(&[("x-forwarded-for", "nonsense, 127.0.0.2")]), ("127.0.0.2".to_owned(), false));
        for (name, value) in [
            ("x-forwarded-for", ""),
            ("x-forwarded-for", "unknown"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "proto=https"),
            ("forwarded", "for=_hidden"),
            ("forwarded", "for=unknown"),
        ] {
            assert_eq!(believed(&[(name, value)]), own(false), "{name}: {value}");
        }
        let endless = vec!["127.0.0.2"; MAX_HOPS + 1].join(", ");
        assert_eq!(believed(&[("x-forwarded-for", &endless)]), ("127.0.0.2".to_owned(), false));
    }

    #[test]
    fn sec_12_whom_the_proxy_protocol_names_is_believed_and_nobody_else() {
        let of = |address: &str, passed: PassedOn, headers: &[(&'static str, &str)]| {
            let map = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
            let found = Client::of(Peer { passed, ..plain(address) }, &map, |address| address.is_loopback());
            (found.text(), found.believed)
        };
        assert_eq!(of("192.0.2.7", PassedOn::Named, &[]), ("192.0.2.7".to_owned(), true));
        let spoofed = [("x-forwarded-for", "127.0.0.1")];
        assert_eq!(of("192.0.2.7", PassedOn::Named, &spoofed), ("192.0.2.7".to_owned(), false));
        // Before the proxy of connections another one that speaks HTTP and is trusted.
        assert_eq!(of("127.0.0.2", PassedOn::Named, &[("x-forwarded-for", "192.0.2.8")]), ("192.0.2.8".to_owned(), true));
        assert_eq!(of("127.0.0.1", PassedOn::No, &[]), ("127.0.0.1".to_owned(), true));
        assert_eq!(of("127.0.0.1", PassedOn::Unnamed, &[]), ("127.0.0.1".to_owned(), false));
        assert_eq!(of("192.0.2.1", PassedOn::Unnamed, &[]), ("192.0.2.1".to_owned(), false), "trusted no more");
    }

    #[test]
    fn the_list_is_read_from_its_end_past_trusted_proxies_only() {
        let spoofed = [("x-forwarded-for", "1.1.1.1, 192.0.2.9, 10.0.0.2")];
        assert_eq!(address("10.0.0.1", &spoofed, &["10."]), "192.0.2.9");
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "192.0.2.9")];
        assert_eq!(address("10.0.0.1", &lines, &["10."]), "192.0.2.9");
        assert_eq!(address("10.0.0.1", &[("x-forwarded-for", "10.0.0.3")], &["10."]), "10.0.0.3");
        assert_eq!(address("10.0.0.1", &[("x-forwarded-for", "192.0.2.9, nonsense")], &["10."]), "10.0.0.1");
    }

    #[test]
    fn sec_12_an_unreadable_list_does_not_give_way_to_one_the_client_wrote() {
        let mut map = HeaderMap::new();
        map.insert("forwarded", "for=9.9.9.9;proto=https".parse().unwrap());
        for (line, expected) in [(&b"\xff, 192.0.2.9"[..], "192.0.2.9"), (b"192.0.2.9, \xff", "10.0.0.1"), (b"", "10.0.0.1")] {
            map.insert("x-forwarded-for", HeaderValue::from_bytes(line).unwrap());
            map.insert("x-forwarded-proto", HeaderValue::from_bytes(line).unwrap());
            let found = Client::of(plain("10.0.0.1"), &map, |address| address.to_string().starts_with("10."));
            assert_eq!((found.text().as_str(), found.https), (expected, false));
        }
    }

    #[test]
    fn a_host_is_plain_and_a_browser_is_one_short_line() {
        let with = |name: &'static str, value: &[u8]| {
            let mut map = HeaderMap::new();
            map.insert(name, HeaderValue::from_bytes(value).unwrap());
            map
        };
        assert_eq!(host(&with("host", b"[::1]:8080")), Some("[::1]:8080"));
        for value in [&b""[..], b"a/b", b"a\"b", b"a@b", b"\xff"] {
            assert_eq!(host(&with("host", value)), None);
        }
        assert_eq!(browser(&with("user-agent", b"Firefox\t1")), "Firefox1");
        assert_eq!(browser(&with("user-agent", b"\xff")), "?");
        assert_eq!(browser(&with("user-agent", "x".repeat(500).as_bytes())).len(), MAX_BROWSER);
    }

    #[test]
    fn both_spellings_and_all_forms_of_addresses_are_read() {
        for (text, expected) in [
            ("192.0.2.1:80", "192.0.2.1"),
            ("[2001:db8::1]:80", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(address("::1", &[("x-forwarded-for", text)], &["::1"]), expected);
        }
        let forwarded = [("forwarded", "for=1.1.1.1, for=\"[2001:db8::7]:4711\";proto=https;by=10.0.0.1")];
        let found = client("::ffff:10.0.0.1", &forwarded, &["10."]);
        assert_eq!((found.text().as_str(), found.https), ("2001:db8::7", true));
    }

    #[test]
    fn the_nearest_proxy_tells_the_protocol() {
        assert!(client("10.0.0.1", &[("x-forwarded-proto", "http, HTTPS")], &["10.0.0.1"]).https);
        assert!(!client("10.0.0.1", &[("x-forwarded-proto", "https, http")], &["10.0.0.1"]).https);
    }

    #[test]
    fn an_encrypted_connection_is_https_unless_a_trusted_proxy_knows_better() {
        let https = |headers: &[(&'static str, &str)], trusted: bool| {
            let map = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
            Client::of(Peer { https: true, ..plain("10.0.0.1") }, &map, |_| trusted).https
        };
        assert!(https(&[], false) && https(&[("x-forwarded-proto", "http")], false), "a stranger's word does not make it less");
        assert!(https(&[], true) && https(&[("x-forwarded-proto", "https")], true));
        assert!(!https(&[("x-forwarded-proto", "http")], true) && !https(&[("forwarded", "for=192.0.2.1;proto=http")], true));
    }
}
