//! The text of an inline script.

use serde_json::Value;

use crate::loose;

/// Whether this is a script: a file, or a text of its own, which may be empty.
pub(crate) fn is_script(declared: &Value) -> bool {
    let says = |key: &str| loose::member(declared, key).and_then(loose::as_text);
    let text = loose::member(declared, "source").is_some_and(|source| source.is_array() || source.is_string());
    text || says("file").is_some_and(|file| !file.trim().is_empty())
}

/// `source` is a text, or a list of lines in newer files.
pub(crate) fn source(script: &Value) -> Option<String> {
    match loose::member(script, "source")? {
        Value::Array(lines) => Some(lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")),
        other => loose::as_text(other).filter(|text| !text.trim().is_empty()),
    }
}
