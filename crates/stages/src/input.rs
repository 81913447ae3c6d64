//! Reading members of an input. Wrong and missing members are the client's mistakes: 400 with what is missing (decision 2).

use std::time::{Duration, SystemTime};

use crest::ResourceError;
use serde_json::{Map, Value};

/// A text that must be there.
///
/// # Errors
/// 400 when it is absent, null or empty, or of another type.
pub fn text<'i>(input: &'i Map<String, Value>, name: &str) -> Result<&'i str, ResourceError> {
    text_or(input, name, || ResourceError::bad_request(format!("{name} is missing from input")))
}

/// The same with another refusal for its absence.
///
/// # Errors
/// That refusal when it is absent, null or empty; 400 when it is of another type.
pub fn text_or<'i, E: Into<ResourceError>>(
    input: &'i Map<String, Value>,
    name: &str,
    missing: impl FnOnce() -> E,
) -> Result<&'i str, ResourceError> {
    match input.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        None | Some(Value::Null | Value::String(_)) => Err(missing().into()),
        Some(_) => Err(ResourceError::bad_request(format!("{name} must be a text"))),
    }
}

/// A yes or no: the text `true` in any case, or the boolean. `None` when nothing was said; everything else is a no.
pub fn consent(input: &Map<String, Value>, name: &str) -> Option<bool> {
    match input.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::Bool(yes)) => Some(*yes),
        Some(Value::String(text)) => Some(text.eq_ignore_ascii_case("true")),
        Some(_) => Some(false),
    }
}

/// A point in time; what lies before 1970 is 1970.
pub fn moment(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
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
        for (name, message) in [
            ("b", "b is missing from input"),
            ("c", "c is missing from input"),
            ("z", "z is missing from input"),
            ("d", "d must be a text"),
            ("e", "e must be a text"),
        ] {
            assert_eq!(text(input, name), Err(ResourceError::bad_request(message)));
        }
    }

    #[test]
    fn only_true_is_a_yes_and_nothing_said_is_neither() {
        let input = json!({"a": "true", "b": "TRUE", "c": true, "d": "true ", "e": "", "f": 1, "g": false, "h": ["true"], "n": null});
        let input = input.as_object().unwrap();
        let said = |name| consent(input, name);
        assert_eq!(["a", "b", "c"].map(said), [Some(true); 3]);
        assert_eq!(["d", "e", "f", "g", "h"].map(said), [Some(false); 5]);
        assert_eq!(["n", "z"].map(said), [None; 2]);
    }
}
