//! Reading members of an input. Wrong and missing members are the client's mistakes: 400 with what is missing (decision 2).

use crest::ResourceError;
use serde_json::{Map, Value};

/// A text that must be there.
///
/// # Errors
/// 400 when it is absent, null or empty, or of another type.
pub(super) fn text<'i>(input: &'i Map<String, Value>, name: &str) -> Result<&'i str, ResourceError> {
    text_or(input, name, &format!("{name} is missing from input"))
}

/// The same with another message for its absence.
///
/// # Errors
/// 400 when it is absent, null or empty, or of another type.
pub(super) fn text_or<'i>(input: &'i Map<String, Value>, name: &str, missing: &str) -> Result<&'i str, ResourceError> {
    match input.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        None | Some(Value::Null | Value::String(_)) => Err(ResourceError::bad_request(missing)),
        Some(_) => Err(ResourceError::bad_request(format!("{name} must be a text"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_missing_and_what_is_of_the_wrong_type_is_named() {
        let input = json!({"a": "x", "b": "", "c": null, "d": 1, "e": ["x"]});
        let input = input.as_object().unwrap();
        assert_eq!(text(input, "a"), Ok("x"));
        for (name, message) in [("b", "b is missing from input"), ("c", "c is missing from input"), ("z", "z is missing from input"), ("d", "d must be a text"), ("e", "e must be a text")] {
            assert_eq!(text(input, name), Err(ResourceError::bad_request(message)));
        }
    }
}
