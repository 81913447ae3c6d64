//! The mark of a value that is in its stored form already, while it travels in the state of a process.

use serde_json::{Map, Value, json};

use crate::secret::CRYPTO;

/// The type of `$crypto` that only a process of this server makes.
const SEALED: &str = "stored-form";

/// Marks a value as already in its stored form: a password from [`crate::secret::Hasher::hash`], answers from
/// [`crate::kba::hash_answers`]. Accepted from [`Writer::Process`] for the properties it owns, and from nobody else.
#[must_use]
pub fn sealed(stored: Value) -> Value {
    let crypto = Map::from_iter([("type".to_owned(), json!(SEALED)), ("value".to_owned(), stored)]);
    Value::Object(Map::from_iter([(CRYPTO.to_owned(), Value::Object(crypto))]))
}

/// Whether a value was made by [`sealed`].
pub(super) fn is_sealed(value: &Value) -> bool {
    unsealed(value).is_some()
}

/// What [`sealed`] was given.
pub(super) fn unsealed(value: &Value) -> Option<&Value> {
    let crypto = value.get(CRYPTO)?;
    if crypto.get("type").and_then(Value::as_str) == Some(SEALED) { crypto.get("value") } else { None }
}

/// Takes the mark from values for a script: what a process hashed early is a hash like any other to it. What was marked comes back.
pub(super) fn open(members: &mut Map<String, Value>) -> Vec<(String, Value)> {
    let marked: Vec<(String, Value)> =
        members.iter().filter(|(_, value)| is_sealed(value)).map(|(name, value)| (name.clone(), value.clone())).collect();
    for (name, value) in &marked {
        members.insert(name.clone(), unsealed(value).cloned().unwrap_or_default());
    }
    marked
}

/// Marks again what a script left as it was.
pub(super) fn close(members: &mut Map<String, Value>, marked: Vec<(String, Value)>) {
    for (name, value) in marked {
        if members.get(&name) == unsealed(&value) {
            members.insert(name, value);
        }
    }
}
