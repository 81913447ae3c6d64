//! The header that a proxy of the transport layer puts before a connection: version 2 of the PROXY protocol (HAProxy, "The PROXY protocol, Versions 1 & 2",
//! section 2.2).
//!
//! Easiest to get wrong: the header is anybody's bytes. Only a trusted proxy's is read at all, and there it must stand; a header that is not
//! whole, longer than anybody needs, or of a kind that no stream has ends the connection, because nothing that follows it could be told from it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What every header begins with.
pub const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes before the addresses: the signature, version and command, family and protocol, and the length of the rest.
pub const FIXED: usize = 16;
/// Longest header that is read, in bytes. The longest in use carry a client's certificate.
pub const LONGEST: usize = FIXED + 8 * 1024;

/// A header that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Bytes of the header; what follows is the client's.
    pub length: usize,
    /// The proxy passes somebody on, and does not speak for itself.
    pub passed_on: bool,
    /// Who the client is; `None` where the proxy speaks for itself or cannot say.
    pub client: Option<IpAddr>,
    /// The client's connection to the proxy was encrypted, as its `PP2_TYPE_SSL` says.
    pub https: bool,
}

/// What bytes at the beginning of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// A header may begin so; its length will be known, or it will be whole, with this many bytes.
    Needs(usize),
    /// A whole header.
    Whole(Passed),
}

/// The bytes are no header, or one that cannot be honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoHeader(pub &'static str);

/// Reads the header at the beginning of `bytes`.
///
/// # Errors
/// [`NoHeader`] as soon as it is certain that no whole header can come of the bytes.
pub fn parse(bytes: &[u8]) -> Result<Header, NoHeader> {
    let common = bytes.len().min(SIGNATURE.len());
    if bytes.get(..common) != SIGNATURE.get(..common) {
        return Err(NoHeader("it does not begin with the signature of version 2"));
    }
    if let Some(version) = bytes.get(12)
        && version >> 4 != 2
    {
        return Err(NoHeader("its version is not 2"));
    }
    let Some((&[.., command, kind, high, low], rest)) = bytes.split_first_chunk::<FIXED>() else { return Ok(Header::Needs(FIXED)) };
    let length = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST {
        return Err(NoHeader("it is longer than any that is in use"));
    }
    let is_local = match command & 0x0f {
        0 => true,
        1 => false,
        _ => return Err(NoHeader("its command is neither LOCAL nor PROXY")),
    };
    let addresses = match kind {
        0x00 => 0,
        0x11 => 12,
        0x21 => 36,
        0x31 => 216,
        _ => return Err(NoHeader("its addresses are of no stream")),
    };
    let Some(rest) = rest.get(..length - FIXED) else { return Ok(Header::Needs(length)) };
    if is_local {
        // A check of the proxy's own; whatever else it carries is to be skipped.
        return Ok(Header::Whole(Passed { length, passed_on: false, client: None, https: false }));
    }
    let (Some(ends), Some(values)) = (rest.get(..addresses), rest.get(addresses..)) else {
        return Err(NoHeader("it ends within its addresses"));
    };
    let client = match kind {
        0x11 => ends.first_chunk::<4>().map(|octets| IpAddr::V4(Ipv4Addr::from(*octets))),
        0x21 => ends.first_chunk::<16>().map(|octets| IpAddr::V6(Ipv6Addr::from(*octets))),
        _ => None,
    };
    // Of a connection whose addresses the proxy does not know, nothing else is known either.
    let https = kind != 0x00 && values_say_https(values, bytes.get(..length).unwrap_or_default())?;
    Ok(Header::Whole(Passed { length, passed_on: true, client: client.map(|address| address.to_canonical()), https }))
}

/// A checksum over the header (section 2.2.3).
const PP2_TYPE_CRC32C: u8 = 0x03;
/// What the proxy knows of the client's TLS (section 2.2.6).
const PP2_TYPE_SSL: u8 = 0x20;
/// In the first byte of [`PP2_TYPE_SSL`]: the client connected over TLS.
const PP2_CLIENT_SSL: u8 = 0x01;

fn values_say_https(mut values: &[u8], whole: &[u8]) -> Result<bool, NoHeader> {
    let mut https = false;
    while !values.is_empty() {
        let cut = NoHeader("it ends within one of its values");
        let Some((&[kind, high, low], rest)) = values.split_first_chunk::<3>() else { return Err(cut) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some((value, rest)) = rest.split_at_checked(length) else { return Err(cut) };
        match kind {
            PP2_TYPE_SSL => {
                // A byte and the result of a verification come first; what else is known of the client's TLS does not matter here.
                let Some((&[client, ..], _)) = value.split_first_chunk::<5>() else { return Err(cut) };
                https = client & PP2_CLIENT_SSL != 0;
            }
            PP2_TYPE_CRC32C => {
                let Ok(written) = <[u8; 4]>::try_from(value) else { return Err(cut) };
                let after = rest.len();
                let hole = whole.len() - after - 4..whole.len() - after;
                let bytes = whole.iter().enumerate().map(|(at, byte)| if hole.contains(&at) { 0 } else { *byte });
                if crc32c(bytes) != u32::from_be_bytes(written) {
                    return Err(NoHeader("its checksum is another"));
                }
            }
            _ => {}
        }
        values = rest;
    }
    Ok(https)
}

/// CRC-32C (RFC 9260 appendix A).
fn crc32c(bytes: impl Iterator<Item = u8>) -> u32 {
    !bytes.fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(command: u8, kind: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, kind], &length, rest].concat()
    }

    fn from(address: &str) -> Vec<u8> {
        match address.parse().unwrap() {
            IpAddr::V4(address) => [&address.octets()[..], &[10, 0, 0, 1], &[0x12, 0x34, 0x01, 0xbb]].concat(),
            IpAddr::V6(address) => [&address.octets()[..], &[0; 16], &[0x12, 0x34, 0x01, 0xbb]].concat(),
        }
    }

    fn value(kind: u8, value: &[u8]) -> Vec<u8> {
        [&[kind][..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat()
    }

    fn passed(bytes: &[u8]) -> Passed {
        match parse(bytes) {
            Ok(Header::Whole(passed)) => passed,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_header_names_the_client() {
        for (address, kind) in [("192.0.2.7", 0x11), ("2001:db8::7", 0x21)] {
            let bytes = header(0x21, kind, &from(address));
            let expected = Passed { length: bytes.len(), passed_on: true, client: Some(address.parse().unwrap()), https: false };
            assert_eq!(passed(&bytes), expected);
        }
        let mapped = header(0x21, 0x21, &from("::ffff:192.0.2.7"));
        assert_eq!(passed(&mapped).client, Some("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn a_proxy_that_speaks_for_itself_names_nobody() {
        for bytes in [header(0x20, 0x00, &[]), header(0x20, 0x11, &from("192.0.2.7")), header(0x20, 0x11, b"x")] {
            assert_eq!(passed(&bytes), Passed { length: bytes.len(), passed_on: false, client: None, https: false });
        }
    }

    #[test]
    fn a_client_whose_address_the_proxy_does_not_know_is_none_of_its_own_checks() {
        for bytes in [header(0x21, 0x00, b"??"), header(0x21, 0x31, &[0; 216])] {
            assert_eq!(passed(&bytes), Passed { length: bytes.len(), passed_on: true, client: None, https: false });
        }
    }

    #[test]
    fn the_clients_own_tls_is_told_by_its_first_bit() {
        for (first, https) in [(0x01, true), (0x07, true), (0x00, false), (0x06, false)] {
            let tls = value(PP2_TYPE_SSL, &[first, 0, 0, 0, 0, 0x21, 0, 3, b'1', b'.', b'3']);
            assert_eq!(passed(&header(0x21, 0x11, &[from("192.0.2.7"), tls].concat())).https, https);
        }
    }

    #[test]
    fn a_checksum_is_held_to() {
        // The check value of the CRC catalogue.
        assert_eq!(crc32c(b"123456789".iter().copied()), 0xe306_9283);
        let with = |sum: u32| header(0x21, 0x11, &[from("192.0.2.7"), value(PP2_TYPE_CRC32C, &sum.to_be_bytes()), value(4, b"x")].concat());
        let right = crc32c(with(0).into_iter());
        assert!(matches!(parse(&with(right)), Ok(Header::Whole(_))));
        assert!(parse(&with(right ^ 1)).is_err());
    }

    #[test]
    fn what_is_no_header_is_known_as_early_as_possible() {
        assert!(parse(b"GET / HTTP/1.1\r\n").is_err());
        assert!(parse(b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n").is_err(), "version 1 is not spoken");
        assert!(parse(&[0x16, 3, 1]).is_err(), "TLS without a header");
        assert!(parse(b"\r\n\r\nX").is_err());
        for bytes in [
            header(0x11, 0x11, &from("192.0.2.7")),
            header(0x22, 0x11, &from("192.0.2.7")),
            header(0x21, 0x12, &from("192.0.2.7")),
            header(0x21, 0x22, &from("2001:db8::7")),
            header(0x21, 0x41, &[]),
            header(0x21, 0x11, b"short"),
            header(0x21, 0x21, &from("192.0.2.7")),
            header(0x21, 0x11, &[from("192.0.2.7"), vec![0x20, 0, 9, 1]].concat()),
            header(0x21, 0x11, &[from("192.0.2.7"), vec![0x20, 0]].concat()),
            header(0x21, 0x11, &[from("192.0.2.7"), value(PP2_TYPE_SSL, b"x")].concat()),
            header(0x21, 0x11, &vec![0; LONGEST]),
        ] {
            assert!(parse(&bytes).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn a_beginning_of_a_header_asks_for_more_and_never_for_more_than_there_is(cut in 0_usize..40, more in "[a-z]{0,9}") {
            let bytes = header(0x21, 0x11, &[from("192.0.2.7"), value(2, more.as_bytes())].concat());
            let cut = cut.min(bytes.len() - 1);
            match parse(&bytes[..cut]) {
                Ok(Header::Needs(length)) => prop_assert!(length > cut && length <= bytes.len()),
                other => prop_assert!(false, "{other:?}"),
            }
            let followed = [bytes.as_slice(), b"GET /"].concat();
            prop_assert_eq!(passed(&followed).length, bytes.len());
        }

        #[test]
        fn no_bytes_are_fatal(rest in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&[&SIGNATURE[..], &rest].concat());
            let _ = parse(&rest);
        }
    }
}
