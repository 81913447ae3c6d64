//! Writes to managed objects, inside the transaction of their submission.
//!
//! Easiest to break: revisions. They are numbers that grow with every write of an object; a new object begins above every object
//! that was ever deleted, so no object, and no later one of the same id, has a revision twice.

use crest::{Change, Resource, ResourceError};
use process::CommitError;
use serde_json::Value;

use crate::Collections;
use crate::identifiers;
use crate::objects::{resource, revision, revision_number};
use crate::sqlite::{self, Connection, Violation};

pub(crate) fn unavailable(error: impl std::fmt::Display) -> CommitError {
    CommitError::Unavailable(error.to_string())
}

/// Applies a change and gives the object as it is now; for a deletion as it was.
pub(crate) fn apply(connection: &Connection, collections: &Collections, now: i64, change: Change) -> Result<Resource, CommitError> {
    let keep = |collection: &str, resource: Resource| {
        identifiers::keep(connection, collections, collection, &resource.id, &resource.content).map_err(unavailable)?;
        Ok(resource)
    };
    match change {
        Change::Create { collection, id, content } => keep(&collection, create(connection, now, &collection, id, content)?),
        Change::Replace { collection, id, content, expected } => {
            let object = Object { collection: &collection, id: &id };
            keep(&collection, object.replace(connection, now, content, expected.as_deref())?)
        }
        Change::Patch { collection, id, patch, expected, guard } => {
            let object = Object { collection: &collection, id: &id };
            let mut current = object.current(connection, expected.as_deref())?;
            if guard.is_some_and(|guard| !guard.holds(&current.content)) {
                return Err(CommitError::GuardFailed);
            }
            let before = identifiers::of(collections, &collection, &current.content);
            if !patch.apply(&mut current.content).map_err(CommitError::Patch)? {
                return Ok(current);
            }
            let same = before == identifiers::of(collections, &collection, &current.content);
            let written = object.replace(connection, now, current.content, Some(&current.revision))?;
            if same { Ok(written) } else { keep(&collection, written) }
        }
        Change::Delete { collection, id, expected } => {
            let gone = Object { collection: &collection, id: &id }.delete(connection, expected.as_deref())?;
            identifiers::forget(connection, collections, &collection, &id).map_err(unavailable)?;
            Ok(gone)
        }
    }
}

fn create(connection: &Connection, now: i64, collection: &str, id: String, content: Value) -> Result<Resource, CommitError> {
    // An object that is there already has its unique values too; which constraint an engine meets first must not decide the answer.
    if (Object { collection, id: &id }).current(connection, None).is_ok() {
        return Err(CommitError::IdTaken { collection: collection.to_owned(), id });
    }
    let query = connection.query(
        "INSERT INTO managed_object (collection, id, rev, doc, created, changed) \
         VALUES ($1, $2, (SELECT rev + 1 FROM revision_floor), $3, $4, $4) RETURNING rev",
    );
    let query = query.bind(collection).bind(storable_text(&id)?).bind(storable(&content)?).bind(now);
    let revision = query.one(|row| row.get("rev")).map(revision).map_err(|error| taken(error, collection, &id))?;
    Ok(Resource { id, revision, content })
}

fn taken(error: sqlite::Error, collection: &str, id: &str) -> CommitError {
    match sqlite::violation(&error) {
        Some(Violation::Id) => CommitError::IdTaken { collection: collection.to_owned(), id: id.to_owned() },
        Some(Violation::Property { collection, property }) => CommitError::Taken { collection, property },
        None => unavailable(error),
    }
}

/// An object by its name.
struct Object<'a> {
    collection: &'a str,
    id: &'a str,
}

impl Object<'_> {
    /// The object as it is, if it has the expected revision.
    fn current(&self, connection: &Connection, expected: Option<&str>) -> Result<Resource, CommitError> {
        let text = format!("SELECT id, rev, doc FROM managed_object WHERE collection = $1 AND id = $2{}", sqlite::FOR_UPDATE);
        let found = connection.query(text).bind(self.collection).bind(self.id).first(resource).map_err(unavailable)?;
        let missing = || CommitError::Missing { collection: self.collection.to_owned(), id: self.id.to_owned() };
        let current = found.ok_or_else(missing)?;
        if expected.is_some_and(|expected| expected != current.revision) {
            return Err(CommitError::Stale);
        }
        Ok(current)
    }

    fn replace(&self, connection: &Connection, now: i64, content: Value, expected: Option<&str>) -> Result<Resource, CommitError> {
        let query = connection.query(
            "UPDATE managed_object SET doc = $1, rev = rev + 1, changed = $2 \
             WHERE collection = $3 AND id = $4 AND ($5 IS NULL OR rev = $5) RETURNING rev",
        );
        let query = query.bind(storable(&content)?).bind(now).bind(self.collection).bind(self.id).bind(wanted(expected)?);
        let done = query.first(|row| row.get("rev")).map_err(|error| taken(error, self.collection, self.id))?;
        let Some(revision) = done.map(revision) else { return Err(self.refusal(connection)) };
        Ok(Resource { id: self.id.to_owned(), revision, content })
    }

    fn delete(&self, connection: &Connection, expected: Option<&str>) -> Result<Resource, CommitError> {
        let query = connection
            .query("DELETE FROM managed_object WHERE collection = $1 AND id = $2 AND ($3 IS NULL OR rev = $3) RETURNING id, rev, doc");
        let query = query.bind(self.collection).bind(self.id).bind(wanted(expected)?);
        let Some(gone) = query.first(resource).map_err(unavailable)? else { return Err(self.refusal(connection)) };
        let floor = connection.query("UPDATE revision_floor SET rev = $1 WHERE rev < $1").bind(revision_number(&gone.revision));
        floor.execute().map_err(unavailable)?;
        Ok(gone)
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
fn storable(content: &Value) -> Result<String, CommitError> {
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

fn storable_text(text: &str) -> Result<&str, CommitError> {
    if text.contains('\0') {
        Err(CommitError::Patch(ResourceError::bad_request("Text must not contain the character NUL")))
    } else {
        Ok(text)
    }
}
