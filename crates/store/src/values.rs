//! Values that must not lie in the clear: properties that a project declares to be encrypted are sealed in the rows, and so in the log
//! and in every copy of the file.
//!
//! Easiest to break: a value that cannot be sealed is not stored. One that cannot be opened, because its keys are gone, stays as it is
//! and is shown to nobody; where another node has them, the object is not given out at all.

use std::sync::Arc;

use process::CommitError;
use serde_json::{Value, json};

use crate::Collections;
use crate::engine::{self, Connection};

/// Marks a sealed value. It has the form of the product's encrypted values, so nothing that hides those shows this one.
const TYPE: &str = "vestibule-at-rest";
/// Objects that are looked at in one go when values are sealed again.
const BATCH: i64 = 500;

/// A value that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedValue {
    /// Its JSON text.
    pub text: String,
    /// Whether the present keys sealed it.
    pub is_current: bool,
}

/// Seals single values of objects, each for its place.
pub trait ValueSeal: Send + Sync {
    /// A value as it is stored.
    ///
    /// # Errors
    /// What the keys say.
    fn seal(&self, place: &str, text: &str) -> Result<String, String>;

    /// The value again; nothing when it was sealed with other keys, or for another place.
    fn open(&self, place: &str, sealed: &str) -> Option<OpenedValue>;

    /// Whether these keys say this of themselves, or said it before they were made anew (see [`Db::sealed_by`](crate::Db::sealed_by)).
    fn has_mark(&self, _mark: &str) -> bool {
        true
    }
}

/// What became of the sealed values of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    /// All of them were opened.
    pub(crate) is_whole: bool,
    /// The present keys sealed all of them.
    pub(crate) is_current: bool,
}

/// Why an object is not given out.
pub(crate) const BEHIND: &str = "a value was sealed with keys that another node has, and this one does not";

/// What seals the values of a store, where something does.
#[derive(Clone, Default)]
pub(crate) struct Values(pub(crate) Option<Arc<dyn ValueSeal>>);

impl Values {
    /// The content as it is stored.
    pub(crate) fn close(&self, collections: &Collections, collection: &str, id: &str, mut content: Value) -> Result<Value, CommitError> {
        let Some(sealed) = collections.sealed_of(collection) else { return Ok(content) };
        for property in sealed {
            let Some(value) = content.get_mut(property).filter(|value| !value.is_null() && sealed_text(value).is_none()) else { continue };
            let lost = |reason: String| CommitError::Unavailable(format!("'{property}' cannot be sealed: {reason}"));
            let seal = self.0.as_ref().ok_or_else(|| lost("there are no keys".to_owned()))?;
            let sealed = seal.seal(&place(collection, id, property), &value.to_string()).map_err(lost)?;
            *value = json!({ "$crypto": { "type": TYPE, "value": sealed } });
        }
        Ok(content)
    }

    /// Whether the store was sealed last with keys that are not here: another node has them.
    pub(crate) fn are_behind(&self, connection: &Connection) -> Result<bool, engine::Error> {
        let mark = connection.query("SELECT mark FROM sealing").first(|row| row.get::<_, String>("mark"))?;
        Ok(mark.is_some_and(|mark| self.0.as_ref().is_some_and(|seal| !seal.has_mark(&mark))))
    }

    /// Opens what is sealed of an object.
    pub(crate) fn open(&self, collection: &str, id: &str, content: &mut Value) -> Opening {
        let mut opening = Opening { is_whole: true, is_current: true };
        let Some(members) = content.as_object_mut() else { return opening };
        for (property, value) in members {
            let Some(sealed) = sealed_text(value) else { continue };
            let opened = self.0.as_ref().and_then(|seal| seal.open(&place(collection, id, property), sealed));
            let opened = opened.and_then(|opened| Some((serde_json::from_str(&opened.text).ok()?, opened.is_current)));
            if let Some((plain, is_current)) = opened {
                *value = plain;
                opening.is_current &= is_current;
            } else {
                opening.is_whole = false;
                tracing::warn!(collection, id, property, "a value cannot be opened: the keys it was sealed with are not here");
            }
        }
        opening
    }
}

fn sealed_text(value: &Value) -> Option<&str> {
    let crypto = value.get("$crypto").filter(|crypto| crypto.get("type").and_then(Value::as_str) == Some(TYPE))?;
    crypto.get("value")?.as_str()
}

fn place(collection: &str, id: &str, property: &str) -> String {
    // The parts cannot be moved into each other: a length stands before each.
    format!("{}:{collection}/{}:{id}/{property}", collection.len(), id.len())
}

/// Seals what the declaration newly asks for and what former keys sealed. Revisions stay as they are: nothing has changed.
pub(crate) fn seal_again(connection: &Connection, collections: &Collections, values: &Values) -> Result<u64, CommitError> {
    let lost = |error: engine::Error| CommitError::Unavailable(error.to_string());
    let mut changed = 0;
    for (collection, declared) in collections.sealed() {
        let mut last = String::new();
        loop {
            let query = connection.query("SELECT id, rev, doc FROM managed_object WHERE collection = $1 AND id > $2 ORDER BY id LIMIT $3");
            let query = query.bind(collection).bind(&last).bind(BATCH);
            let batch: Vec<(String, i64, Value)> =
                query.all(|row| Ok((row.get("id")?, row.get("rev")?, engine::json(row, "doc")?))).map_err(lost)?;
            for (id, rev, stored) in &batch {
                let in_clear =
                    declared.iter().any(|name| stored.get(name).is_some_and(|value| !value.is_null() && sealed_text(value).is_none()));
                let mut content = stored.clone();
                let is_current = values.open(collection, id, &mut content).is_current;
                if in_clear || !is_current {
                    let content = values.close(collections, collection, id, content)?;
                    let text = serde_json::to_string(&content).map_err(|error| CommitError::Unavailable(error.to_string()))?;
                    // Whoever wrote it meanwhile has sealed it too.
                    let update = connection.query("UPDATE managed_object SET doc = $1 WHERE collection = $2 AND id = $3 AND rev = $4");
                    update.bind(text).bind(collection).bind(id).bind(*rev).send().map_err(lost)?;
                    changed += 1;
                }
            }
            let Some((id, ..)) = batch.into_iter().next_back() else { break };
            last = id;
        }
    }
    Ok(changed)
}
