//! `[tracing]`: where spans are sent that say how long requests and their parts took. Off unless a collector is named.

use crate::diagnostic::Severity;
use crate::loose::Node;
use crate::secret::Secret;

/// The section.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracing {
    /// The address of a collector that takes OTLP over HTTP, without `/v1/traces`; none where nothing is sent.
    pub otlp: Option<String>,
    /// How many of the traces that begin here are sent: from 0, none, to 1, all.
    pub sample: f64,
    /// Headers of what is sent, such as `authorization`.
    pub headers: Vec<(String, Secret)>,
}

impl Default for Tracing {
    fn default() -> Self {
        Self { otlp: None, sample: 1.0, headers: Vec::new() }
    }
}

/// Keys of the section.
pub(super) const KEYS: [&str; 3] = ["otlp", "sample", "headers"];

impl Tracing {
    pub(super) fn read(node: &Node<'_>) -> Self {
        let default = Self::default();
        Self {
            otlp: address(&node.get("otlp")),
            sample: share(&node.get("sample")).unwrap_or(default.sample),
            headers: node.get("headers").members().iter().filter_map(|(name, value)| header(name, value)).collect(),
        }
    }
}

fn address(node: &Node<'_>) -> Option<String> {
    let text = node.filled_text()?;
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = host.and_then(|rest| rest.split('/').next());
    let plain = host.is_some_and(|host| !host.is_empty() && !host.starts_with(':') && !host.contains('@'));
    if !plain || text.contains(|letter: char| letter.is_whitespace() || letter == '?' || letter == '#') {
        // It may hold a password, so it is not repeated.
        let help = "what a collector asks for goes into [tracing.headers]".to_owned();
        node.report(Severity::Error, "wrong-value", "this is not an address like 'http://collector:4318'; nothing is sent", Some(help));
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

fn share(node: &Node<'_>) -> Option<f64> {
    let written = node.value()?;
    let share = written.as_f64().or_else(|| node.text()?.trim().parse().ok()).filter(|share| (0.0..=1.0).contains(share));
    if share.is_none() {
        node.report(Severity::Error, "wrong-value", format!("{written} is not a share from 0 to 1"), None);
    }
    share
}

fn header(name: &str, node: &Node<'_>) -> Option<(String, Secret)> {
    let value = node.filled_text()?;
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        node.report(Severity::Error, "wrong-value", format!("'{name}' is no name of a header"), None);
        return None;
    }
    if !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        node.report(Severity::Error, "wrong-value", format!("what '{name}' is to say does not fit into a header"), None);
        return None;
    }
    Some((name.to_ascii_lowercase(), Secret::new(value)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn nothing_is_sent_unless_a_collector_is_named() {
        assert_eq!(read("").0.tracing, Tracing::default());
        let (settings, found) = read(
            "[tracing]\notlp = \"http://collector:4318/\"\nsample = 0.25\n[tracing.headers]\nAuthorization = \"Bearer &{db.password}\"\n",
        );
        assert!(found.is_empty(), "{found:?}");
        let tracing = settings.tracing;
        assert_eq!((tracing.otlp.as_deref(), tracing.sample), (Some("http://collector:4318"), 0.25));
        assert_eq!((tracing.headers[0].0.as_str(), tracing.headers[0].1.expose()), ("authorization", "Bearer secret"));
        assert!(!format!("{tracing:?}").contains("Bearer secret"));
    }

    #[test]
    fn what_cannot_be_used_is_said_and_not_used() {
        for text in [
            "otlp = \"collector:4318\"",
            "otlp = \"http://user:geheim@collector:4318\"",
            "otlp = \"http://collector:4318?token=geheim\"",
            "sample = 1.5",
            "sample = \"half\"",
            "headers = { \"a b\" = \"geheim\" }",
            "headers = { a = \"geheim\\n\" }",
            "oltp = \"http://collector:4318\"",
        ] {
            let (settings, found) = read(&format!("[tracing]\n{text}"));
            assert_eq!(settings.tracing, Tracing::default(), "{text}");
            assert!(found.len() == 1 && found[0].is_error() && !found[0].message.contains("geheim"), "{text}: {found:?}");
        }
    }
}
