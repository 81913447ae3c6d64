//! The text of an inline script.

use serde_json::Value;

use crate::loose;

/// `source` is a text, or a list of lines in newer files.
pub(crate) fn source(script: &Value) -> Option<String> {
    match loose::member(script, "source")? {
        Value::Array(lines) => Some(lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")),
        other => loose::as_text(other).filter(|text| !text.trim().is_empty()),
    }
}
