//! One managed object inside a transaction that writes: as it is, replaced, removed.
//!
//! Easiest to break: revisions. They are numbers that grow with every write of an object; a new object begins above every object
//! that was ever deleted, so no object, and no later one of the same id, has a revision twice.

use crest::{Resource, ResourceError};
use process::CommitError;
use serde_json::Value;

use crate::Collections;
use crate::engine::{Connection, Lock};
use crate::error::unavailable;
use crate::lookups::Declared;
use crate::rows::{resource, revision, revision_number};
use crate::values::{BEHIND, Values};

/// What is declared of collections, and what seals their values.
#[derive(Clone, Copy)]
pub(crate) struct Kinds<'a> {
    /// What objects are found by, as the store has it.
    pub(crate) declared: &'a Declared,
    /// What this process declared: which values are sealed.
    pub(crate) collections: &'a Collections,
    /// What seals them.
    pub(crate) values: &'a Values,
}

/// An object by its name.
pub(crate) struct Object<'a> {
    pub(crate) collection: &'a str,
    pub(crate) id: &'a str,
    pub(crate) kinds: Kinds<'a>,
}

impl Object<'_> {
    /// The object as it is, if it has the expected revision.
    pub(crate) fn current(&self, connection: &Connection, expected: Option<&str>) -> Result<Resource, CommitError> {
        let text =
            format!("SELECT id, rev, doc FROM managed_object WHERE collection = $1 AND id = $2{}", connection.dialect().for_update());
        let found = connection.query(text).bind(self.collection).bind(self.id).first(resource).map_err(unavailable)?;
        let missing = || CommitError::Missing { collection: self.collection.to_owned(), id: self.id.to_owned() };
        let mut current = found.ok_or_else(missing)?;
        self.open(connection, &mut current.content)?;
        if expected.is_some_and(|expected| expected != current.revision) {
            return Err(CommitError::Stale);
        }
        Ok(current)
    }

    pub(crate) fn replace(
        &self,
        connection: &Connection,
        now: i64,
        content: Value,
        expected: Option<&str>,
    ) -> Result<Resource, CommitError> {
        let query = connection.query(
            "UPDATE managed_object SET doc = $1, rev = rev + 1, changed = $2 \
             WHERE collection = $3 AND id = $4 AND ($5 IS NULL OR rev = $5) RETURNING rev",
        );
        let closed = self.kinds.values.close(self.kinds.collections, self.collection, self.id, content.clone())?;
        let query = query.bind(storable(&closed)?).bind(now).bind(self.collection).bind(self.id).bind(wanted(expected)?);
        let done = query.first(|row| row.get("rev")).map_err(unavailable)?;
        let Some(revision) = done.map(revision) else { return Err(self.refusal(connection)) };
        Ok(Resource { id: self.id.to_owned(), revision, content })
    }

    pub(crate) fn delete(&self, connection: &Connection, expected: Option<&str>) -> Result<Resource, CommitError> {
        connection.lock(&Lock::Name(self.collection, self.id)).map_err(unavailable)?;
        let query = connection
            .query("DELETE FROM managed_object WHERE collection = $1 AND id = $2 AND ($3 IS NULL OR rev = $3) RETURNING id, rev, doc");
        let query = query.bind(self.collection).bind(self.id).bind(wanted(expected)?);
        let Some(mut gone) = query.first(resource).map_err(unavailable)? else { return Err(self.refusal(connection)) };
        self.open(connection, &mut gone.content)?;
        let floor = connection.query("UPDATE revision_floor SET rev = $1 WHERE rev < $1").bind(revision_number(&gone.revision));
        floor.send().map_err(unavailable)?;
        Ok(gone)
    }

    /// Opens what is sealed of its content. Fails where that needs keys that another node has, and this one does not.
    fn open(&self, connection: &Connection, content: &mut Value) -> Result<(), CommitError> {
        let values = self.kinds.values;
        let is_whole = values.open(self.collection, self.id, content).is_whole;
        if !is_whole && values.are_behind(connection).map_err(unavailable)? {
            return Err(unavailable(BEHIND));
        }
        Ok(())
    }

    /// Why no row had the expected revision.
    fn refusal(&self, connection: &Connection) -> CommitError {
        match self.current(connection, None) {
            Ok(_) => CommitError::Stale,
            Err(error) => error,
        }
    }
}

/// A revision that no object can have is stale without asking.
fn wanted(expected: Option<&str>) -> Result<Option<i64>, CommitError> {
    expected.map(|expected| revision_number(expected).ok_or(CommitError::Stale)).transpose()
}

/// The text of an object. It must be an object, and free of NUL, which PostgreSQL cannot hold and where some of SQLite's functions
/// stop reading.
pub(crate) fn storable(content: &Value) -> Result<String, CommitError> {
    let refused = |message: &str| CommitError::Patch(ResourceError::bad_request(message));
    if !content.is_object() {
        return Err(refused("The content of an object must be a JSON object"));
    }
    let mut open = vec![content];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => drop(storable_text(text)?),
            Value::Array(elements) => open.extend(elements),
            Value::Object(members) => {
                for (name, value) in members {
                    storable_text(name)?;
                    open.push(value);
                }
            }
            _ => {}
        }
    }
    serde_json::to_string(content).map_err(unavailable)
}

pub(crate) fn storable_text(text: &str) -> Result<&str, CommitError> {
    if text.contains('\0') {
        Err(CommitError::Patch(ResourceError::bad_request("Text must not contain the character NUL")))
    } else {
        Ok(text)
    }
}
