//! Findings about a configuration. An [`Issue`] knows the JSON pointer; whoever read the file adds line and column.

use crest::{Severity, nearest};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

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

/// `_id` and `_rev` of an exported file, and keys somebody switched off by a sign in front of them.
pub(crate) fn is_disabled(key: &str) -> bool {
    key.starts_with(['_', '#'])
}

/// A key of the object at `pointer` that is none of the `known` ones.
pub(crate) fn unknown_key<'c>(pointer: &str, key: &str, known: impl IntoIterator<Item = &'c str>) -> Issue {
    let escaped = key.replace('~', "~0").replace('/', "~1");
    let issue = Issue::warning(format!("{pointer}/{escaped}"), "unknown-key", format!("the key '{key}' is not known and has no effect"));
    match nearest(key, known) {
        Some(candidate) => issue.with_help(format!("did you mean '{candidate}'?")),
        None => issue,
    }
}

/// Stands between place and message in a failure of [`shared_keys`]. Values are shown escaped, so no message holds one by itself.
const PLACE_END: char = '\0';

/// Reads a typed configuration; failures name the member they are about.
pub(crate) fn read<T: DeserializeOwned>(pointer: &str, value: &Value) -> Result<T, Issue> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = place(error.path());
        let message = error.inner().to_string();
        let (inner, message) = message.split_once(PLACE_END).unwrap_or(("", &message));
        let path = path + inner;
        let rule = if message.starts_with("missing field") { "missing-key" } else { "wrong-type" };
        let message = message.replace("missing field", "missing key").replace('`', "'");
        Issue::error(format!("{pointer}{path}"), rule, message)
    })
}

/// Reads the keys that several stages have in common, `#[serde(flatten, deserialize_with = "shared_keys")]`. Plain flattening forgets
/// which member a failure is about.
///
/// # Errors
/// When the keys cannot be read; the failure carries the member's place.
pub fn shared_keys<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    serde_path_to_error::deserialize(&value)
        .map_err(|error| D::Error::custom(format!("{}{PLACE_END}{}", place(error.path()), error.inner())))
}

/// A place as a JSON pointer.
fn place(path: &Path) -> String {
    let segments = path.iter().filter_map(|segment| match segment {
        Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
        Segment::Seq { index } => Some(format!("/{index}")),
        _ => None,
    });
    segments.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[serde(flatten, deserialize_with = "shared_keys")]
        shared: Shared,
        own: u8,
    }

    #[derive(Debug, Deserialize)]
    struct Shared {
        names: Vec<String>,
    }

    #[test]
    fn failures_name_their_member_in_shared_keys_as_in_own_ones() {
        let at = |value: Value| {
            let issue = read::<Outer>("/stageConfigs/2", &value).unwrap_err();
            (issue.pointer, issue.rule, issue.message)
        };
        let (pointer, rule, message) = at(json!({"own": 1, "names": ["a", {}]}));
        assert_eq!(
            (pointer.as_str(), rule, message.as_str()),
            ("/stageConfigs/2/names/1", "wrong-type", "invalid type: map, expected a string")
        );
        let (pointer, rule, message) = at(json!({"own": "\0/x", "names": []}));
        assert_eq!((pointer.as_str(), rule), ("/stageConfigs/2/own", "wrong-type"));
        assert!(message.starts_with("invalid type: string"), "{message}");
        assert_eq!(at(json!({"own": 1})), ("/stageConfigs/2".to_owned(), "missing-key", "missing key 'names'".to_owned()));
        let read = read::<Outer>("", &json!({"own": 1, "names": ["a"], "other": 2})).unwrap();
        assert_eq!((read.own, read.shared.names), (1, vec!["a".to_owned()]));
    }
}
