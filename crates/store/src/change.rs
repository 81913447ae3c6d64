//! Writes to managed objects, inside the transaction of their submission, with what they are found by.
//!
//! Easiest to break: whatever writes an object keeps its terms ([`lookups::keep`]), or it is found where it is not any more.

use crest::{Change, Resource};
use process::CommitError;
use serde_json::Value;

use crate::engine::{Connection, Lock};
use crate::error::unavailable;
use crate::object::{Kinds, Object, storable, storable_text};
use crate::rows::revision;
use crate::{confirmations, lookups, references};

/// Applies a change and gives the object as it is now; for a deletion as it was.
pub(crate) fn apply(connection: &Connection, kinds: Kinds<'_>, now: i64, change: Change) -> Result<Resource, CommitError> {
    let declared = kinds.declared;
    match change {
        Change::Create { collection, id, content } => {
            references::settle(connection, kinds, now, &collection, &id)?;
            let made = insert(connection, kinds, now, (&collection, &id), &content, 0)?;
            let Some(number) = made else { return Err(CommitError::IdTaken { collection, id }) };
            lookups::keep(connection, declared, &collection, &id, None, Some(&content))?;
            Ok(Resource { id, revision: revision(number), content })
        }
        Change::Replace { collection, id, content, expected } => {
            let object = Object { collection: &collection, id: &id, kinds };
            let before = object.current(connection, expected.as_deref())?;
            let written = object.replace(connection, now, content, Some(&before.revision))?;
            lookups::keep(connection, declared, &collection, &id, Some(&before.content), Some(&written.content))?;
            Ok(written)
        }
        Change::Patch { collection, id, patch, expected, guard } => {
            let object = Object { collection: &collection, id: &id, kinds };
            let mut current = object.current(connection, expected.as_deref())?;
            if guard.is_some_and(|guard| !guard.holds(&current.content)) {
                return Err(CommitError::GuardFailed);
            }
            let before = current.content.clone();
            if !patch.apply(&mut current.content).map_err(CommitError::Patch)? {
                return Ok(current);
            }
            let written = object.replace(connection, now, current.content, Some(&current.revision))?;
            lookups::keep(connection, declared, &collection, &id, Some(&before), Some(&written.content))?;
            Ok(written)
        }
        Change::Link { collection, id, property, many, reference, replaces } => {
            let object = Object { collection: &collection, id: &id, kinds };
            let mut current = object.current(connection, None).map_err(|refusal| match refusal {
                CommitError::Missing { .. } => CommitError::Patch(crest::reference::dangling(&format!("{collection}/{id}"))),
                other => other,
            })?;
            let before = current.content.clone();
            references::hide(connection, declared, &collection, std::iter::once(&mut current)).map_err(unavailable)?;
            let linked = crest::reference::link(&mut current.content, &id, &property, many, &reference, replaces);
            if !linked.map_err(CommitError::Patch)? {
                return Ok(current);
            }
            let written = object.replace(connection, now, current.content, Some(&current.revision))?;
            lookups::keep(connection, declared, &collection, &id, Some(&before), Some(&written.content))?;
            Ok(written)
        }
        Change::Unlink { collection, id, property, reference } => {
            let done = references::unlink(connection, kinds, now, (&collection, &id), &property, &reference)?;
            Ok(done.unwrap_or(Resource { id, revision: String::new(), content: Value::Null }))
        }
        Change::Delete { collection, id, expected } => {
            let gone = Object { collection: &collection, id: &id, kinds }.delete(connection, expected.as_deref())?;
            lookups::keep(connection, declared, &collection, &id, Some(&gone.content), None)?;
            confirmations::forget(connection, &collection, &id).map_err(unavailable)?;
            references::forget(connection, kinds, now, &collection, &id)?;
            Ok(gone)
        }
    }
}

/// A new object, whose revision is `least`, or a higher one where an object was deleted that had that; nothing where there is one of this id.
pub(crate) fn insert(
    connection: &Connection,
    kinds: Kinds<'_>,
    now: i64,
    (collection, id): (&str, &str),
    content: &Value,
    least: i64,
) -> Result<Option<i64>, CommitError> {
    let query = connection.query(
        "INSERT INTO managed_object (collection, id, rev, doc, created, changed) \
         VALUES ($1, $2, (SELECT CASE WHEN rev >= $5 THEN rev + 1 ELSE $5 END FROM revision_floor), $3, $4, $4) \
         ON CONFLICT DO NOTHING RETURNING rev",
    );
    let closed = kinds.values.close(kinds.collections, collection, id, content.clone())?;
    // Whoever removes an object of this name raises the floor first.
    connection.lock(&Lock::Name(collection, id)).map_err(unavailable)?;
    let query = query.bind(collection).bind(storable_text(id)?).bind(storable(&closed)?).bind(now).bind(least);
    query.first(|row| row.get("rev")).map_err(unavailable)
}
