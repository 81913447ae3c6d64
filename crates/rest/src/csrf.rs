//! Cross-site requests. A form on another site can make a browser send our cookie, but none of our own headers (decision 16, SEC-50).
//!
//! Easiest to get wrong: what counts is where the authority comes from. Header credentials prove that the client wrote the request
//! itself; a cookie proves nothing.

use http::{HeaderMap, HeaderName, header};

/// Whether the request carries a header that no plain form of another site can send. Its value is of no interest.
pub(crate) fn has_own_header(headers: &HeaderMap) -> bool {
    let own = |name: &HeaderName| name == "x-requested-with" || name == header::AUTHORIZATION || name.as_str().starts_with("x-openidm-");
    headers.keys().any(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "session-jwt=x".parse().unwrap());
        headers.insert(name, value.parse().unwrap());
        has_own_header(&headers)
    }

    #[test]
    fn any_header_of_our_own_will_do_whatever_its_value() {
        for name in ["x-requested-with", "x-openidm-username", "x-openidm-nosession", "x-openidm-reauth-password", "authorization"] {
            assert!(with(name, ""), "{name}");
        }
    }

    #[test]
    fn what_a_form_can_send_will_not() {
        for name in ["content-type", "accept-language", "origin", "referer", "x-forwarded-for"] {
            assert!(!with(name, "application/json"), "{name}");
        }
    }
}
