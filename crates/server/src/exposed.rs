//! A server that is reached from elsewhere without anybody who encrypts: passwords and sessions travel in the clear.

use std::net::SocketAddr;

/// Tells the operator at start. `proxies` is how many are trusted; the server itself has no certificate.
pub(crate) fn tell(address: SocketAddr, proxies: usize) {
    if is_exposed(address, proxies) {
        tracing::warn!(
            %address,
            "the server listens beyond this machine without TLS, and trusts no proxy that would encrypt; see [tls] and [proxies] trusted in \
             vestibule.toml"
        );
    }
}

/// Whether others reach the server, and nobody encrypts.
pub(crate) fn is_exposed(address: SocketAddr, proxies: usize) -> bool {
    !address.ip().to_canonical().is_loopback() && proxies == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_exposed_beyond_loopback_unless_a_proxy_is_trusted() {
        for (address, proxies, exposed) in [
            ("127.0.0.1:8080", 0, false),
            ("[::1]:8080", 0, false),
            ("[::ffff:127.0.0.1]:8080", 0, false),
            ("0.0.0.0:8080", 0, true),
            ("[::]:8080", 0, true),
            ("10.0.0.1:8080", 0, true),
            ("0.0.0.0:8080", 1, false),
        ] {
            assert_eq!(is_exposed(address.parse().unwrap(), proxies), exposed, "{address}");
        }
    }
}
