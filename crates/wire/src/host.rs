//! The host that an address names.

/// The host of a URL, without its port; an IPv6 address without its brackets.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    name_of(rest.split(['/', '?', '#']).next().unwrap_or_default())
}

/// The same of what `Host` says: a name or an address, perhaps with a port.
pub fn name_of(authority: &str) -> &str {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => authority,
    };
    name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name)
}

/// Whether a host is this machine, and no other one can be reached by it.
pub fn is_here(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: std::net::IpAddr| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_without_its_port_and_brackets_and_known_as_this_machine() {
        for (url, host, here) in [
            ("http://localhost:8080", "localhost", true),
            ("http://127.0.0.1", "127.0.0.1", true),
            ("http://[::1]:8080/x", "::1", true),
            ("http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1", true),
            ("https://id.example.com:8443/x:1", "id.example.com", false),
            ("https://id.example.com?x", "id.example.com", false),
            ("http://localhost.example.com", "localhost.example.com", false),
            ("https://[2001:db8::7]", "2001:db8::7", false),
            ("http://10.0.0.1:8080", "10.0.0.1", false),
        ] {
            assert_eq!((host_of(url), is_here(host_of(url))), (host, here), "{url}");
        }
    }
}
