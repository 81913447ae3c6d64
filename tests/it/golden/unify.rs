//! Comparing a recorded value, which has placeholders, with a real one. A placeholder stands for the same value wherever it appears in a
//! case, so that a replayed token and an unchanged revision are recognised.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value};

/// What the placeholders of a case stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Bindings {
    values: BTreeMap<String, String>,
    /// Which of our questions is the recorded `answer1`; the order in which they are asked is drawn, here and there.
    pub(super) questions: BTreeMap<String, String>,
}

/// Placeholders that stand for anything, each time for something else.
const ANYTHING: [&str; 6] = ["base64", "function", "message-id", "date", "record", "id-of-node"];

fn placeholders() -> &'static Regex {
    static PATTERN: std::sync::LazyLock<Regex> = std::sync::LazyLock::new(|| {
        Regex::new(r"<(?:(?:token|code|id|rev):\d+(?:, [^<>]*)?|session(?:, altered)?|origin|admin|message-id|date|function|record|base64(?: of \d+ bytes)?)>").unwrap()
    });
    &PATTERN
}

impl Bindings {
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A recorded text with its placeholders filled in; the first that stands for nothing yet is the error.
    pub(super) fn fill(&self, text: &str) -> Result<String, String> {
        let mut missing = None;
        let filled = placeholders().replace_all(text, |found: &regex::Captures<'_>| {
            let inner = found[0].trim_matches(['<', '>']);
            let (name, how) = inner.split_once(", ").unwrap_or((inner, ""));
            if let Some(value) = self.get(name) {
                return altered(value, how);
            }
            missing.get_or_insert_with(|| format!("<{name}>"));
            String::new()
        });
        let filled = filled.into_owned();
        let cookie = filled
            .split_once("_pagedResultsCookie=")
            .and_then(|(_, cookie)| self.get(&format!("cookie {cookie}")).map(|real| (cookie, real)));
        let filled =
            cookie.map_or(filled.clone(), |(recorded, real)| filled.replace(&format!("Cookie={recorded}"), &format!("Cookie={real}")));
        missing.map_or(Ok(filled), Err)
    }

    /// A recorded JSON value, filled in.
    pub(super) fn fill_json(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text)?),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.fill_json(item)).collect::<Result<_, _>>()?),
            Value::Object(members) => {
                let filled = members.iter().map(|(key, value)| {
                    let key = self.questions.get(key).unwrap_or(key).clone();
                    self.fill_json(value).map(|value| (key, value))
                });
                Value::Object(filled.collect::<Result<Map<_, _>, _>>()?)
            }
            other => other.clone(),
        })
    }

    /// Our text with what the placeholders stand for taken out again, so that it can be listed.
    pub(super) fn conceal(&self, text: &str) -> String {
        let mut known: Vec<_> = self.values.iter().filter(|(name, value)| value.len() > 5 && *name != "admin").collect();
        known.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        known.retain(|(name, _)| ["token", "code", "id:", "origin", "session"].iter().any(|kind| name.starts_with(kind)));
        known.into_iter().fold(text.to_owned(), |text, (name, value)| text.replace(value.as_str(), &format!("<{name}>")))
    }

    /// Whether the real value is the recorded one. New placeholders are bound when it is.
    pub(super) fn unify(&mut self, recorded: &Value, real: &Value) -> bool {
        let mut tried = self.clone();
        let same = tried.same(recorded, real);
        if same {
            *self = tried;
        }
        same
    }

    fn same(&mut self, recorded: &Value, real: &Value) -> bool {
        match (recorded, real) {
            (Value::String(recorded), Value::String(real)) => self.same_text(recorded, real),
            (Value::Number(recorded), Value::Number(real)) => recorded.as_f64() == real.as_f64(),
            (Value::Object(recorded), Value::Object(real)) => self.same_members(recorded, real),
            (Value::Array(recorded), Value::Array(real)) => self.same_items(recorded, real),
            (recorded, real) => recorded == real,
        }
    }

    fn same_members(&mut self, recorded: &Map<String, Value>, real: &Map<String, Value>) -> bool {
        let asked = recorded.get("type").and_then(Value::as_str) == Some("kbaSecurityAnswerVerificationStage");
        let real = if asked { self.in_recorded_order(recorded, real) } else { real.clone() };
        recorded.len() == real.len()
            && recorded.iter().all(|(key, value)| {
                real.get(key).is_some_and(|found| match key.as_str() {
                    "_rev" => self.same_revision(value, found, real.get("_id")),
                    "pagedResultsCookie" => self.same_cookie(value, found),
                    _ => not_contractual(key, value, found) || self.same(value, found),
                })
            })
    }

    /// Revisions are the store's own; what counts is whether an object's has changed. The name alone stands for the one seen last.
    fn same_revision(&mut self, recorded: &Value, real: &Value, id: Option<&Value>) -> bool {
        let (Some(recorded), Some(real)) = (recorded.as_str(), real.as_str()) else { return recorded == real };
        let name = recorded.trim_matches(['<', '>']);
        let of_object = format!("{name} of {}", id.and_then(Value::as_str).unwrap_or_default());
        if self.get(&of_object).is_some_and(|known| known != real) {
            return false;
        }
        self.set(&of_object, real);
        self.set(name, real);
        true
    }

    /// A cookie is opaque: the recorded one stands for ours.
    fn same_cookie(&mut self, recorded: &Value, real: &Value) -> bool {
        if let (Some(recorded), Some(real)) = (recorded.as_str(), real.as_str()) {
            self.set(&format!("cookie {recorded}"), real);
        }
        recorded.is_null() == real.is_null()
    }

    /// The questions under the names they were recorded with.
    fn in_recorded_order(&mut self, recorded: &Map<String, Value>, real: &Map<String, Value>) -> Map<String, Value> {
        let mut renamed = real.clone();
        let of = |body: &Map<String, Value>| body.get("requirements")?.get("properties")?.as_object().cloned();
        let (Some(recorded), Some(real)) = (of(recorded), of(real)) else { return renamed };
        let mut properties = Map::new();
        for (name, question) in &recorded {
            if let Some((ours, question)) = real.iter().find(|(_, real)| *real == question) {
                self.questions.insert(name.clone(), ours.clone());
                properties.insert(name.clone(), question.clone());
            }
        }
        if properties.len() == real.len() {
            renamed["requirements"]["properties"] = Value::Object(properties);
        }
        renamed
    }

    /// The recorded order, or any other: the lists of the old server come in the order of its store.
    fn same_items(&mut self, recorded: &[Value], real: &[Value]) -> bool {
        if recorded.len() != real.len() {
            return false;
        }
        let mut tried = self.clone();
        if recorded.iter().zip(real).all(|(recorded, real)| tried.same(recorded, real)) {
            *self = tried;
            return true;
        }
        let mut left: Vec<&Value> = real.iter().collect();
        recorded.iter().all(|recorded| {
            let found = left.iter().position(|real| self.unify(recorded, real));
            found.is_some_and(|index| {
                left.swap_remove(index);
                true
            })
        })
    }

    fn same_text(&mut self, recorded: &str, real: &str) -> bool {
        let (mut pattern, mut names, mut last) = (String::from("(?s)^"), Vec::new(), 0);
        for found in placeholders().find_iter(recorded) {
            pattern.push_str(&regex::escape(&recorded[last..found.start()]));
            last = found.end();
            let name = found.as_str().trim_matches(['<', '>']);
            match self.get(name) {
                _ if ANYTHING.iter().any(|any| name.starts_with(any)) => pattern.push_str(".+?"),
                Some(value) => pattern.push_str(&regex::escape(value)),
                None => {
                    pattern.push_str(if name.starts_with("rev") || name.starts_with("id") { r"([^\s&?/]+)" } else { r"([A-Za-z0-9._-]+)" });
                    names.push(name.to_owned());
                }
            }
        }
        pattern.push_str(&regex::escape(&recorded[last..]));
        pattern.push('$');
        let Some(captures) = Regex::new(&pattern).unwrap().captures(real) else { return false };
        for (name, value) in names.iter().zip(captures.iter().skip(1).flatten()) {
            // Two names are two values: a token that was recorded as fresh must be fresh.
            if name.starts_with("token") && self.values.values().any(|known| known == value.as_str()) {
                return false;
            }
            self.set(name, value.as_str());
        }
        true
    }
}

/// Members whose value is no part of the contract: the parser's words in `detail`, and the escaping of messages (decision 4).
fn not_contractual(key: &str, recorded: &Value, real: &Value) -> bool {
    match key {
        "detail" => recorded.is_string() && real.is_string(),
        "message" => recorded.as_str().map(unescaped) == real.as_str().map(str::to_owned),
        _ => false,
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// A value with one thing about it changed, as the name of its placeholder says.
fn altered(value: &str, how: &str) -> String {
    let other = |c: char| if c == 'A' { 'B' } else { 'A' };
    let change = |at: usize| value.char_indices().map(|(index, c)| if index == at { other(c) } else { c }).collect::<String>();
    let parts: Vec<&str> = value.split('.').collect();
    let start_of_last = value.rfind('.').map_or(0, |dot| dot + 1);
    match how {
        "" => value.to_owned(),
        "altered" | "last character of the signature" => change(value.len() - 1),
        "first character of the signature" => change(start_of_last),
        "a character in the middle of the payload" => change(parts[0].len() + 1 + parts[1].len() / 2),
        "a character of the header" => change(5),
        "signature removed" => value[..start_of_last].to_owned(),
        "signature part missing" => value[..start_of_last - 1].to_owned(),
        "one character appended" => format!("{value}A"),
        "a blank appended" => format!("{value} "),
        "a padding sign appended" => format!("{value}="),
        "one character cut off" => value[..value.len() - 1].to_owned(),
        "upper case" => value.to_uppercase(),
        other => panic!("how is a value altered by '{other}'?"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_placeholder_is_one_value_and_two_placeholders_are_two() {
        let mut bindings = Bindings::default();
        assert!(bindings.unify(&json!({"token": "<token:1>"}), &json!({"token": "abc"})));
        assert!(bindings.unify(&json!({"link": "x&token=<token:1>&code=<code:1>"}), &json!({"link": "x&token=abc&code=17"})));
        assert_eq!(bindings.get("code:1"), Some("17"));
        assert!(!bindings.unify(&json!({"token": "<token:1>"}), &json!({"token": "abd"})));
        assert!(!bindings.unify(&json!({"token": "<token:2>"}), &json!({"token": "abc"})));
        assert_eq!(bindings.fill("<token:1, one character appended>"), Ok("abcA".to_owned()));
        assert_eq!(bindings.fill("<token:7>"), Err("<token:7>".to_owned()));
    }

    #[test]
    fn lists_are_sets_and_more_or_less_is_different() {
        let mut bindings = Bindings::default();
        assert!(bindings.unify(&json!([{"a": 1}, {"b": "<id:1>"}]), &json!([{"b": "x"}, {"a": 1.0}])));
        assert!(!bindings.unify(&json!([1, 2]), &json!([1, 2, 3])));
        assert!(!bindings.unify(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
        assert!(!bindings.unify(&json!([1, 1]), &json!([1, 2])));
    }

    #[test]
    fn messages_are_compared_without_their_escaping() {
        assert!(Bindings::default().unify(&json!({"message": "&quot;x&#39;s&quot;"}), &json!({"message": "\"x's\""})));
        assert!(!Bindings::default().unify(&json!({"message": "x"}), &json!({"message": "y"})));
    }
}
