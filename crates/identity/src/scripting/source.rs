//! The text of an inline script.
//!
//! Easiest to break: a script of which a line is lost is another script. It is not run.

use serde_json::Value;

use crate::loose;

/// Why a list of lines is no script.
pub(crate) const TORN: &str = "something among the lines of its 'source' is no text";

/// A list of lines that holds something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Torn;

/// Whether this is a script: a file, or a text of its own, which may be empty.
pub(crate) fn is_script(declared: &Value) -> bool {
    let says = |key: &str| loose::member(declared, key).and_then(loose::as_text);
    let text = loose::member(declared, "source").is_some_and(|source| source.is_array() || source.is_string());
    text || says("file").is_some_and(|file| !file.trim().is_empty())
}

/// `source` is a text, or a list of lines in newer files. Nothing where it is neither.
///
/// # Errors
/// [`Torn`], which is not as if nothing stood there.
pub(crate) fn source(script: &Value) -> Result<Option<String>, Torn> {
    match loose::member(script, "source") {
        Some(Value::Array(lines)) => {
            let lines: Option<Vec<String>> = lines.iter().map(loose::as_text).collect();
            lines.map(|lines| Some(lines.join("\n"))).ok_or(Torn)
        }
        source => Ok(source.and_then(loose::as_text).filter(|text| !text.trim().is_empty())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_of_lines_is_whole_or_no_script() {
        let of = |text: Value| source(&json!({ "source": text }));
        assert_eq!(of(json!("a")), Ok(Some("a".to_owned())));
        assert_eq!(of(json!(["a", "", 1])), Ok(Some("a\n\n1".to_owned())));
        assert_eq!(of(json!(" ")), Ok(None));
        assert_eq!(of(json!({"a": 1})), Ok(None));
        for torn in [json!(["a", null]), json!(["a", ["b"]]), json!([{"a": 1}])] {
            assert_eq!(of(torn.clone()), Err(Torn), "{torn}");
        }
    }
}
