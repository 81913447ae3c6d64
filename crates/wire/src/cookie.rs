//! Cookies: finding the session's value in a request, writing and clearing it in an answer (decision 14).

use http::{HeaderMap, HeaderValue, header};

/// The values of all cookies of this name, in the order sent. A browser may send two of different paths.
pub fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let named = pairs.filter_map(|pair| pair.split_once('=')).filter(move |(key, _)| key.trim() == name);
    named.map(|(_, value)| value.trim().trim_matches('"')).filter(|value| !value.is_empty())
}

/// How the session cookie is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieStyle<'a> {
    /// Its name, `session-jwt`.
    pub name: &'a str,
    /// Only sent back over https.
    pub secure: bool,
    /// Seconds it outlives the browser; `None` ends it with the browser.
    pub max_age: Option<i64>,
    /// The domain it is sent to; `None` is the host alone.
    pub domain: Option<&'a str>,
}

impl CookieStyle<'_> {
    /// The header that sets `value`; nothing when name or value cannot stand in a header.
    pub fn set(&self, value: &str) -> Option<HeaderValue> {
        let age = self.max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        self.write(value, &age)
    }

    /// The header that makes a browser forget the cookie.
    pub fn clear(&self) -> Option<HeaderValue> {
        self.write("", "; Max-Age=0")
    }

    fn write(&self, value: &str, age: &str) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let domain = self.domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
        HeaderValue::from_str(&format!("{}={value}; Path=/{domain}{age}; HttpOnly; SameSite=Lax{secure}", self.name)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; session-jwt=x=y ;session-jwt=\"z\"; session-jwtx=n".parse().unwrap());
        headers.append(header::COOKIE, "session-jwt=; b".parse().unwrap());
        assert_eq!(values(&headers, "session-jwt").collect::<Vec<_>>(), ["x=y", "z"]);
    }

    #[test]
    fn a_session_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let style = CookieStyle { name: "session-jwt", secure: false, max_age: None, domain: None };
        assert_eq!(style.set("v").unwrap(), "session-jwt=v; Path=/; HttpOnly; SameSite=Lax");
        let style = CookieStyle { secure: true, max_age: Some(60), ..style };
        assert_eq!(style.set("v").unwrap(), "session-jwt=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(style.clear().unwrap(), "session-jwt=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
        let style = CookieStyle { domain: Some("example.test"), ..style };
        assert_eq!(style.set("v").unwrap(), "session-jwt=v; Path=/; Domain=example.test; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
    }
}
