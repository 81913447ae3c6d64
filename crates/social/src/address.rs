//! Which addresses may be asked, and where a browser may be sent.
//!
//! Easiest to break: the operator names addresses, nobody else does. What a discovery document names is taken only where it is https and no
//! address of this machine or its network, unless the operator's own file names the same host (SEC-52).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// It does not begin with `https://`, and is no loopback address.
    #[error("it begins with https://, or with http:// and an address of this machine (127.0.0.1, [::1], localhost)")]
    Scheme,
    /// It has no host, a user name in it, white space or control characters.
    #[error("it is no address of a host")]
    Shape,
    /// It leads into this machine or its network, and the provider's file does not name that host.
    #[error("it leads into this machine or its network, and the provider's file does not name that host")]
    Inside,
}

/// An address taken apart as far as is needed to judge it.
struct Parts<'a> {
    is_https: bool,
    host: &'a str,
    authority: &'a str,
}

fn parts(address: &str) -> Result<Parts<'_>, Unfit> {
    let (is_https, rest) = match (strip(address, "https://"), strip(address, "http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err(Unfit::Scheme),
    };
    if address.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '\\' | '"' | '<' | '>')) {
        return Err(Unfit::Shape);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(Unfit::Shape);
    }
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split_once(']').map(|(host, _)| host).ok_or(Unfit::Shape)?,
        None => authority.split(':').next().unwrap_or_default(),
    };
    if host.is_empty() { Err(Unfit::Shape) } else { Ok(Parts { is_https, host, authority }) }
}

fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    if head.eq_ignore_ascii_case(prefix) { text.get(prefix.len()..) } else { None }
}

/// The address a host name spells, in the forms that clients accept: `127.1` and `0x7f.1` are numbers as well, and so refused as names.
fn literal(host: &str) -> Option<IpAddr> {
    host.parse::<Ipv4Addr>()
        .map(IpAddr::V4)
        .or_else(|_| host.parse::<Ipv6Addr>().map(IpAddr::V6))
        .ok()
        .map(|address| address.to_canonical())
}

/// The IPv4 addresses that an IPv6 address carries: mapped and compatible ones (RFC 4291 §2.5.5), those behind a translator (RFC 6052, RFC 8215),
/// of 6to4 (RFC 3056) and of Teredo, whose client is written inverted (RFC 4380 §4).
fn carried(address: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let s = address.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match s {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] | [0x64, 0xff9b, _, _, _, _, high, low] => {
            [v4(high, low), None]
        }
        [0x2002, high, low, ..] => [v4(high, low), None],
        [0x2001, 0, high, low, _, _, client_high, client_low] => [v4(high, low), v4(!client_high, !client_low)],
        _ => [None, None],
    }
}

/// Whether an address is one of this machine or its network, or one that nobody in public has.
#[must_use]
pub fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_multicast()
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (b & 0xfe) == 18)
                || (a, b, c) == (192, 0, 0)
                || a == 0
                || a >= 240
        }
        IpAddr::V6(v6) => {
            let s = v6.segments();
            let own = [0xfc00, 0xfd00].contains(&(s[0] & 0xff00)) || [0xfe80, 0xfec0].contains(&(s[0] & 0xffc0));
            // What a network's own translator stands before is known to that network alone.
            let translated = (s[0], s[1], s[2]) == (0x64, 0xff9b, 1);
            own || translated
                || v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || carried(v6).into_iter().flatten().any(|v4| is_inside(v4.into()))
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || literal(host).is_some_and(|address| address.is_loopback())
}

/// Whether a host's name or number leads into this machine or its network. Where a name leads that says nothing of it, is looked at when it is
/// resolved.
fn leads_inside(host: &str) -> bool {
    let name = host.trim_end_matches('.');
    let numeric = name.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
    match literal(host) {
        Some(address) => is_inside(address),
        // A number in another spelling, and names that cannot be public.
        None => {
            numeric
                || is_loopback(name)
                || !name.contains('.')
                || [".localhost", ".local", ".internal"].iter().any(|end| name.to_ascii_lowercase().ends_with(end))
        }
    }
}

/// Judges an address that the operator's own file names: https, or plain http to an address of this machine.
///
/// # Errors
/// Why it is not used.
pub(crate) fn named(address: &str) -> Result<(), Unfit> {
    let parts = parts(address)?;
    if parts.is_https || is_loopback(parts.host) { Ok(()) } else { Err(Unfit::Scheme) }
}

/// Judges an address that a discovery document names; `file` are the addresses of the operator's own file.
///
/// # Errors
/// Why it is not used.
pub(crate) fn discovered<'f>(address: &str, file: impl IntoIterator<Item = &'f str>) -> Result<(), Unfit> {
    let wanted = parts(address)?;
    if is_named(address, file) {
        return named(address);
    }
    if leads_inside(wanted.host) {
        return Err(Unfit::Inside);
    }
    if wanted.is_https { Ok(()) } else { Err(Unfit::Scheme) }
}

/// Whether an address is at a host that the operator's own file names.
pub(crate) fn is_named<'f>(address: &str, file: impl IntoIterator<Item = &'f str>) -> bool {
    let Ok(wanted) = parts(address) else { return false };
    let same =
        |own: &str| parts(own).is_ok_and(|own| own.authority.eq_ignore_ascii_case(wanted.authority) && own.is_https == wanted.is_https);
    file.into_iter().any(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for good in ["https://a.example/x", "HTTPS://a.example", "http://127.0.0.1:1/x", "http://localhost:8080", "http://[::1]:1/"] {
            assert_eq!(named(good), Ok(()), "{good}");
        }
        for bad in ["http://a.example", "ftp://a", "a.example", "", "http://127.0.0.1.a.example/", "http://10.0.0.1/"] {
            assert_eq!(named(bad), Err(Unfit::Scheme), "{bad}");
        }
        for bad in ["https://", "https://u@a.example/", "https://a.example/\nx", "https:///x", "https://a b/"] {
            assert_eq!(named(bad), Err(Unfit::Shape), "{bad}");
        }
    }

    #[test]
    fn what_a_document_names_leads_out_of_the_house() {
        let file = ["https://idp.example/.well-known/openid-configuration", "http://127.0.0.1:9000/x"];
        for good in [
            "https://tokens.example/t",
            "https://idp.example/t",
            "http://127.0.0.1:9000/token",
            "https://[64:ff9b::808:808]/",
            "https://8.8.8.8/",
            "https://[2606:4700::1]/",
        ] {
            assert_eq!(discovered(good, file), Ok(()), "{good}");
        }
        for bad in [
            "https://127.0.0.1/t",
            "https://169.254.169.254/latest",
            "https://10.1.2.3/",
            "https://192.168.1.1",
            "https://localhost/",
            "https://[::1]/",
            "https://[fd00::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://intranet/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://a.internal/",
            "http://127.0.0.1:9001/token",
            "https://100.64.0.1/",
            "https://[64:ff9b::7f00:1]/",
            "https://[64:ff9b::10.0.0.1]/",
            "https://[64:ff9b:1::808:808]/",
            "https://[2002:7f00:1::]/",
            "https://[2002:a00:1::1]/",
            "https://[::7f00:1]/",
            "https://[::ffff:0:10.0.0.1]/",
            "https://[2001:0:a00:1::]/",
            "https://[2001:0:808:808:0:0:80ff:fffe]/",
            "https://[fec0::1]/",
            "https://198.18.0.1/",
            "https://192.0.0.8/",
            "https://240.0.0.1/",
        ] {
            assert_eq!(discovered(bad, file), Err(Unfit::Inside), "{bad}");
        }
        assert_eq!(discovered("http://tokens.example/t", file), Err(Unfit::Scheme));
        assert_eq!(discovered("http://idp.example/t", file), Err(Unfit::Scheme));
    }
}
