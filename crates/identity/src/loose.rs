//! Values as real project files hold them: numbers and booleans as strings, `null` for absent, one string for a list
//! (docs/protocol/project-files.md, case 5). Easiest to break: a string that is no number is *absent and wrong*, never zero.

use serde_json::Value;

/// The member, unless it is absent or null.
pub(crate) fn member<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| !value.is_null())
}

/// A string member; numbers and booleans are spelled out.
pub(crate) fn text(object: &Value, key: &str) -> Option<String> {
    member(object, key).and_then(as_text)
}

pub(crate) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A boolean member, `"true"` included; anything else is `None`.
pub(crate) fn flag(object: &Value, key: &str) -> Option<bool> {
    match member(object, key)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A whole number that is not negative, `"8"` and `8.0` included.
pub(crate) fn as_count(value: &Value) -> Option<u64> {
    match value {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole, not negative and small")]
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_f64().filter(|float| float.fract() == 0.0 && (0.0..1e15).contains(float)).map(|float| float as u64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A number, `"8.5"` included.
pub(crate) fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// A list of strings: an array of them, or one string. Elements that are no text are left out.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(as_text).collect(),
        other => as_text(other).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_booleans_may_be_strings_and_null_is_absent() {
        let object = json!({"a": "8", "b": 8, "c": "true", "d": null, "e": "eight", "f": 8.0, "g": -1});
        assert_eq!(member(&object, "a").and_then(as_count), Some(8));
        assert_eq!(member(&object, "b").and_then(as_count), Some(8));
        assert_eq!(member(&object, "f").and_then(as_count), Some(8));
        assert_eq!(member(&object, "e").and_then(as_count), None);
        assert_eq!(member(&object, "g").and_then(as_count), None);
        assert_eq!(flag(&object, "c"), Some(true));
        assert_eq!(flag(&object, "d"), None);
        assert_eq!(text(&object, "d"), None);
    }

    #[test]
    fn one_string_is_a_list_of_one() {
        assert_eq!(texts(&json!("/")), ["/"]);
        assert_eq!(texts(&json!(["a", 1, null])), ["a", "1"]);
        assert!(texts(&json!(null)).is_empty());
    }
}
