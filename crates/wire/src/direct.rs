//! Whether a request reached this server directly, under a name of its own.
//!
//! A connection from a loopback address proves nothing: a proxy on the same machine opens it for the whole world, and a page on any site can make a
//! browser on this machine open it under a name that resolves here (DNS rebinding). What must not be reached in these ways asks both functions
//! and, beside them, for a secret or a right.

use std::net::IpAddr;

use http::HeaderMap;
use http::header::{self, HeaderName};

use crate::host::{host_of, name_of};

/// Headers that proxies add. One of them is enough.
const PROXIES: [HeaderName; 8] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-client-ip"),
];

/// Whether anything says that the request was passed on.
pub fn looks_forwarded(headers: &HeaderMap) -> bool {
    PROXIES.iter().any(|name| headers.contains_key(name))
}

/// Whether `Host` is an address, `localhost`, or the host of `public_url`: a name that a stranger cannot let resolve to this machine.
pub fn names_this_server(headers: &HeaderMap, public_url: &str) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let Ok(host) = host.to_str() else { return false };
    let (name, public) = (name_of(host), host_of(public_url));
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok() || (!public.is_empty() && name.eq_ignore_ascii_case(public))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_name_that_anybody_may_let_resolve_here_is_none_of_ours() {
        let named = |host: &str| names_this_server(&headers(&[("host", host)]), "https://id.example.test:8443/x");
        for own in [
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "localhost",
            "[::1]",
            "LOCALHOST",
            "192.0.2.7:1",
            "id.example.test",
            "ID.example.test:1",
        ] {
            assert!(named(own), "{own}");
        }
        for foreign in
            ["evil.example", "evil.example:8080", "", "localhost.evil.example:80", "id.example.test.evil.example", "127.0.0.1.nip.example"]
        {
            assert!(!named(foreign), "{foreign}");
        }
        assert!(!names_this_server(&HeaderMap::new(), ""));
        let mut twice = headers(&[("host", "localhost")]);
        twice.append(header::HOST, "evil.example".parse().unwrap());
        assert!(!names_this_server(&twice, ""));
    }

    #[test]
    fn one_header_of_a_proxy_is_enough() {
        assert!(!looks_forwarded(&headers(&[("host", "localhost"), ("user-agent", "x")])));
        for name in ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"] {
            assert!(looks_forwarded(&headers(&[(name, "")])), "{name}");
        }
    }
}
