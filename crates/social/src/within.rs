//! What of a provider's profile is kept, and offered as somebody's details: what can travel, and what can be stored.
//!
//! Easiest to break: a profile fills in a form, so nobody is refused for what stands in it. An address of several lines is a good value (OpenID Connect
//! Core 1.0 §5.1.1) and becomes one line; what cannot be stored at all is left out. What names the account itself is never among it.

use serde_json::{Map, Value};

/// Longest profile that is kept, in bytes of JSON: it travels in a header.
const MAX_PROFILE: usize = 2048;
/// Longest text of a profile, in bytes.
const MAX_TEXT: usize = 512;
/// Longest name of a member, in bytes: what managed objects take.
const MAX_NAME: usize = 255;
/// Levels of nesting, far below what managed objects take.
const MAX_DEPTH: usize = 8;

/// A profile within what can travel and be stored: long values are left out, the longest first.
pub(crate) fn within(profile: Map<String, Value>) -> Map<String, Value> {
    let mut profile = members(profile, MAX_DEPTH);
    profile.retain(|_, value| match value {
        Value::String(text) => text.len() <= MAX_TEXT,
        Value::Array(_) | Value::Object(_) => value.to_string().len() <= MAX_TEXT,
        Value::Null => false,
        _ => true,
    });
    let size = |profile: &Map<String, Value>| profile.iter().map(|(name, value)| name.len() + value.to_string().len() + 4).sum::<usize>();
    while size(&profile) > MAX_PROFILE {
        let longest = profile.iter().max_by_key(|(_, value)| value.to_string().len()).map(|(name, _)| name.clone());
        let Some(longest) = longest else { break };
        profile.shift_remove(&longest);
    }
    profile
}

fn members(members: Map<String, Value>, depth: usize) -> Map<String, Value> {
    let is_name = |name: &str| !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control);
    members.into_iter().filter(|(name, _)| is_name(name)).filter_map(|(name, value)| Some((name, storable(value, depth)?))).collect()
}

fn storable(value: Value, depth: usize) -> Option<Value> {
    match value {
        Value::String(text) => one_line(text).map(Value::String),
        Value::Array(_) | Value::Object(_) if depth == 0 => None,
        Value::Array(list) => Some(list.into_iter().filter_map(|one| storable(one, depth - 1)).collect()),
        Value::Object(object) => Some(Value::Object(self::members(object, depth - 1))),
        other => Some(other),
    }
}

/// A text without control characters: its line ends and tabs are spaces. Nothing where it has others: what such a text was meant to say is not guessed.
fn one_line(text: String) -> Option<String> {
    if !text.chars().any(char::is_control) {
        return Some(text);
    }
    let words: Vec<&str> =
        text.split(|c: char| c.is_control() && c.is_whitespace()).map(str::trim).filter(|word| !word.is_empty()).collect();
    Some(words.join(" ")).filter(|line| !line.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kept(profile: &Value) -> Value {
        within(profile.as_object().cloned().unwrap()).into()
    }

    #[test]
    fn several_lines_are_one_and_what_cannot_be_stored_is_left_out() {
        let profile = json!({
            "given_name": "Jo\t", "bio": "one\r\ntwo\n\nthree", "odd": "a\u{0}b", "bell": "\u{7}", "sub": "  7 ",
            "address": {"street_address": "1 Main St\nApt 2", "": "x", "a\nb": "y", "nothing": "\u{1b}[31m"}, "list": ["a\nb", "\u{8}", 7],
            "persian": "علی\u{200c}رضا",
        });
        let expected = json!({
            "given_name": "Jo", "bio": "one two three", "sub": "  7 ", "address": {"street_address": "1 Main St Apt 2"}, "list": ["a b", 7],
            "persian": "علی\u{200c}رضا",
        });
        assert_eq!(kept(&profile), expected);
    }

    #[test]
    fn what_is_too_deep_or_too_long_is_left_out() {
        let mut deep = json!("x");
        for _ in 0..40 {
            deep = json!([deep]);
        }
        let shown = kept(&json!({"deep": {"list": deep, "a": 1}, "long": "x".repeat(513), "nothing": null, "name": "n"}));
        assert!(shown["name"] == "n" && shown.get("long").is_none() && shown.get("nothing").is_none(), "{shown}");
        assert!(shown["deep"]["a"] == 1 && shown["deep"]["list"].to_string().len() < 40, "{shown}");
        let many: Map<String, Value> = (0..9).map(|n| (format!("m{n}"), json!("x".repeat(300 + n)))).collect();
        let left = within(many);
        assert!(left.contains_key("m0") && !left.contains_key("m8") && Value::Object(left).to_string().len() <= MAX_PROFILE);
    }
}
