//! The session module: how long a session lives, and its cookie.
//!
//! The rule easiest to break: a time is taken as it is written. One that is shorter than anybody would want is still what the file says.

use std::time::Duration;

use serde_json::Value;

use crate::diagnostic::Severity;
use crate::keys;
use crate::loose::Node;

/// The session cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Longest life.
    pub max_life: Duration,
    /// Longest rest.
    pub idle: Duration,
    /// Does the cookie end with the browser?
    pub session_only: bool,
    /// Is it sent over TLS only? Without a word in the file, the public address decides.
    pub secure: Option<bool>,
    /// Its name, `session-jwt`.
    pub cookie_name: String,
    /// Domains it is sent to, without a dot before them.
    pub cookie_domains: Vec<String>,
    /// Are roles looked up at every request instead of once?
    pub dynamic_roles: bool,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            max_life: Duration::from_hours(2),
            idle: Duration::from_mins(30),
            session_only: true,
            secure: None,
            cookie_name: "session-jwt".to_owned(),
            cookie_domains: Vec::new(),
            dynamic_roles: false,
        }
    }
}

impl Session {
    pub(super) fn read(properties: &Node<'_>) -> Self {
        properties.expect(&keys::SESSION);
        let default = Self::default();
        let span = |seconds: &str, minutes: &str, default: Duration| {
            let seconds = duration(&properties.get(seconds), 1.0);
            seconds.or_else(|| duration(&properties.get(minutes), 60.0)).unwrap_or(default)
        };
        let domains = properties.get("cookieDomains");
        let listed = domains.value().is_some_and(|value| !matches!(value, Value::Object(_)));
        Self {
            max_life: span("maxTokenLifeSeconds", "maxTokenLifeMinutes", default.max_life),
            idle: span("tokenIdleTimeSeconds", "tokenIdleTimeMinutes", default.idle),
            session_only: properties.get("sessionOnly").boolean().unwrap_or(default.session_only),
            // What cannot be read is the stricter of the two.
            secure: properties.get("isSecure").strictly(Node::boolean).unwrap_or(Some(true)),
            cookie_name: properties
                .get_any(&["sessionCookieName", "cookieName", "jwtTokenCookieName"])
                .filled_text()
                .unwrap_or(default.cookie_name),
            cookie_domains: if listed {
                domains.comma_texts().iter().filter_map(|domain| plain_domain(&domains, domain)).collect()
            } else {
                Vec::new()
            },
            dynamic_roles: properties.get("enableDynamicRoles").strictly(Node::boolean).map_or(true, Option::unwrap_or_default),
        }
    }
}

/// A time in units of so many seconds; parts of a unit count. `None` where nothing is said.
fn duration(node: &Node<'_>, unit: f64) -> Option<Duration> {
    const YEAR: f64 = 366.0 * 24.0 * 3600.0;
    let number = match node.value()? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.trim().is_empty() => return None,
        Value::String(text) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    let Some(seconds) = number.filter(|number| number.is_finite()).map(|number| number * unit) else {
        // What cannot be read must not become more than was meant.
        node.report(Severity::Error, "wrong-value", "this is no number, so nobody keeps a session", None);
        return Some(Duration::ZERO);
    };
    if seconds <= 0.0 {
        node.report(Severity::Error, "out-of-range", "with a time of nothing, nobody keeps a session", None);
        return Some(Duration::ZERO);
    }
    if seconds > YEAR {
        node.report(Severity::Warning, "out-of-range", "this is more than a year; a year counts", None);
    }
    Some(Duration::from_secs_f64(seconds.min(YEAR)))
}

/// A domain as a cookie names it; one that no browser would take is left out.
fn plain_domain(node: &Node<'_>, written: &str) -> Option<String> {
    let domain = written.trim().trim_start_matches('.').to_ascii_lowercase();
    let fits = domain.contains('.') && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    if !fits && !domain.is_empty() {
        let message = format!("'{written}' is no domain that a browser takes a cookie for; the cookie goes back to its own host alone");
        node.report(Severity::Warning, "cookie-domain", message, None);
    }
    fits.then_some(domain)
}
