//! Findings about a configuration. An [`Issue`] knows the JSON pointer; whoever read the file adds line and column.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Hint,
    /// Works, but probably not as meant, or weaker than it should be.
    Warning,
    /// The process cannot be served.
    Error,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Where in the file, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// How bad.
    pub severity: Severity,
    /// The rule's stable name, `unknown-stage`.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Issue {
    /// A finding that keeps the process from being served.
    #[must_use]
    pub fn error(pointer: impl Into<String>, rule: &'static str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), severity: Severity::Error, rule, message: message.into(), help: None }
    }

    /// A finding that weakens or surprises.
    #[must_use]
    pub fn warning(pointer: impl Into<String>, rule: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(pointer, rule, message) }
    }

    /// A finding worth knowing.
    #[must_use]
    pub fn hint(pointer: impl Into<String>, rule: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Hint, ..Self::error(pointer, rule, message) }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Reads a typed configuration; failures name the member they are about.
pub(crate) fn read<T: DeserializeOwned>(pointer: &str, value: &Value) -> Result<T, Issue> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path: String = error
            .path()
            .iter()
            .filter_map(|segment| match segment {
                serde_path_to_error::Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
                serde_path_to_error::Segment::Seq { index } => Some(format!("/{index}")),
                _ => None,
            })
            .collect();
        let message = error.inner().to_string();
        let rule = if message.starts_with("missing field") { "missing-key" } else { "wrong-type" };
        let message = message.replace("missing field", "missing key").replace('`', "'");
        Issue::error(format!("{pointer}{path}"), rule, message)
    })
}
