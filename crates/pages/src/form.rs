//! What a browser sends with a form (`application/x-www-form-urlencoded`, URL Standard §5).
//!
//! Easiest to get wrong: nothing that somebody typed is a fault. What is no UTF-8 is read with replacement characters, as a browser would have
//! written it; only the number of fields has an end (SEC-52).

use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::percent_decode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most fields of a form.
const MAX_FIELDS: usize = 500;

/// The fields of a form, by name, each with its values in order.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Form(BTreeMap<String, Vec<String>>);

impl fmt::Debug for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.keys()).finish()
    }
}

impl Form {
    /// Reads a body or a query. A pair without a name is none.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).take(MAX_FIELDS) {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(at);
            let (name, value) = (decode(name), decode(value.get(1..).unwrap_or_default()));
            if !name.is_empty() {
                fields.entry(name).or_default().push(value);
            }
        }
        Self(fields)
    }

    /// Texts by their names; what is no text is left out.
    pub(crate) fn of_texts(texts: &Map<String, Value>) -> Self {
        Self(texts.iter().filter_map(|(name, value)| Some((name.clone(), vec![value.as_str()?.to_owned()]))).collect())
    }

    /// The first value of a field; empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// The first value of a field that is there and not empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// All values of a field.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flatten().map(String::as_str)
    }

    /// Every field with its values.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().flat_map(|(name, values)| values.iter().map(|value| (name.clone(), value.clone())))
    }

    /// Whether a field was sent, empty or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Of the same fields only these.
    pub(crate) fn only(&self, keeps: impl Fn(&str) -> bool) -> Self {
        let kept = self.0.iter().filter(|(name, _)| keeps(name));
        Self(kept.map(|(name, values)| (name.clone(), values.clone())).collect())
    }

    /// Characters of all values.
    pub(crate) fn len(&self) -> usize {
        self.0.values().flatten().map(String::len).sum()
    }
}

fn decode(bytes: &[u8]) -> String {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    // A browser writes each line end as two characters.
    percent_decode(&spaced).decode_utf8_lossy().replace("\r\n", "\n").replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_typed_is_read() {
        let form = Form::parse(b"a=1&b=x+y%21&a=2&&=z&c&d=%ED%A0%80&e=%zz&f=a%0D%0Ab%00");
        assert_eq!((form.get("a"), form.all("a").count(), form.get("b")), ("1", 2, "x y!"));
        assert!(form.has("c") && !form.has("") && form.filled("c").is_none());
        assert_eq!(form.get("d"), "\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!((form.get("e"), form.get("f")), ("%zz", "a\nb\u{fffd}"));
    }

    #[test]
    fn fields_have_an_end() {
        let many: Vec<String> = (0..MAX_FIELDS + 10).map(|number| format!("n{number}=1&")).collect();
        let many = many.concat();
        assert_eq!(Form::parse(many.as_bytes()).0.len(), MAX_FIELDS);
    }
}
