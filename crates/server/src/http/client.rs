//! Where a request comes from: the client's address and whether it reached us by https.
//!
//! Easiest to get wrong: `X-Forwarded-For` and `Forwarded` are anybody's text. They count only when the peer is a trusted proxy, and
//! only as far back as the proxies are trusted: the list is read from its end (SEC-12, SEC-47).

use std::net::IpAddr;

use http::{HeaderMap, header};
use project::Network;

/// A request's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    /// The address of the client, as far as it can be known.
    pub(crate) address: IpAddr,
    /// The client's own connection was encrypted, as a trusted proxy says.
    pub(crate) https: bool,
    /// Nobody stands between the client and us.
    pub(crate) direct: bool,
}

/// Most entries of a forwarding list that are looked at (SEC-52).
const MAX_HOPS: usize = 32;

impl Client {
    /// Reads a request's origin.
    pub(crate) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let peer = peer.to_canonical();
        let trusts = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
        let forwarded = ["x-forwarded-for", "forwarded", "x-forwarded-proto"].iter().any(|name| headers.contains_key(*name));
        if !trusts(peer) {
            return Self { address: peer, https: false, direct: !forwarded };
        }
        let mut address = peer;
        for hop in hops(headers).into_iter().take(MAX_HOPS) {
            // What is no address ends what can be known.
            let Some(hop) = hop else { break };
            address = hop;
            if !trusts(hop) {
                break;
            }
        }
        Self { address, https: protocol(headers).is_some_and(|protocol| protocol.eq_ignore_ascii_case("https")), direct: !forwarded }
    }

    /// The address as a client reads it in `authorization.ipAddress`.
    pub(crate) fn text(&self) -> String {
        self.address.to_string()
    }
}

/// The forwarding list, last hop first. `Forwarded` (RFC 7239) is taken where there is no `X-Forwarded-For`; a proxy that writes one and
/// passes the other on must not let a client choose.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let mut list = elements(headers, "x-forwarded-for");
    if list.is_empty() {
        list = elements(headers, header::FORWARDED.as_str());
        return list.iter().rev().map(|element| parameter(element, "for").and_then(|value| node(&value))).collect();
    }
    list.iter().rev().map(|element| node(element)).collect()
}

/// What the nearest proxy says about the client's own connection.
fn protocol(headers: &HeaderMap) -> Option<String> {
    elements(headers, "x-forwarded-proto")
        .pop()
        .or_else(|| elements(headers, header::FORWARDED.as_str()).pop().and_then(|element| parameter(&element, "proto")))
}

/// All elements of a comma list, over all lines of the header.
fn elements(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|element| element.trim().to_owned()).filter(|element| !element.is_empty()).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[(&'static str, &str)], trusted: &[&str]) -> Client {
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Client::of(peer.parse().unwrap(), &map, &trusted)
    }

    fn address(peer: &str, headers: &[(&'static str, &str)], trusted: &[&str]) -> String {
        client(peer, headers, trusted).text()
    }

    #[test]
    fn sec_12_nobody_is_believed_unless_he_is_trusted() {
        let headers = [("x-forwarded-for", "192.0.2.9"), ("forwarded", "for=192.0.2.8;proto=https"), ("x-forwarded-proto", "https")];
        let stranger = client("203.0.113.1", &headers, &["10.0.0.0/8"]);
        assert_eq!((stranger.text().as_str(), stranger.https, stranger.direct), ("203.0.113.1", false, false));
        assert!(client("127.0.0.1", &[], &[]).direct);
    }

    #[test]
    fn the_list_is_read_from_its_end_past_trusted_proxies_only() {
        let spoofed = [("x-forwarded-for", "1.1.1.1, 192.0.2.9, 10.0.0.2")];
        assert_eq!(address("10.0.0.1", &spoofed, &["10.0.0.0/8"]), "192.0.2.9");
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "192.0.2.9")];
        assert_eq!(address("10.0.0.1", &lines, &["10.0.0.0/8"]), "192.0.2.9");
        assert_eq!(address("10.0.0.1", &[("x-forwarded-for", "10.0.0.3")], &["10.0.0.0/8"]), "10.0.0.3");
        assert_eq!(address("10.0.0.1", &[("x-forwarded-for", "192.0.2.9, nonsense")], &["10.0.0.0/8"]), "10.0.0.1");
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
        let found = client("::ffff:10.0.0.1", &forwarded, &["10.0.0.0/8"]);
        assert_eq!((found.text().as_str(), found.https), ("2001:db8::7", true));
    }

    #[test]
    fn the_nearest_proxy_tells_the_protocol() {
        assert!(client("10.0.0.1", &[("x-forwarded-proto", "http, HTTPS")], &["10.0.0.1"]).https);
        assert!(!client("10.0.0.1", &[("x-forwarded-proto", "https, http")], &["10.0.0.1"]).https);
    }
}
