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
