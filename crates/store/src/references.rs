//! References between objects: who refers to what, and that references go with the object they lead to
//! (docs/adr/0031-relationships.md).
//!
//! Easiest to break: an object that a hundred thousand refer to is removed as fast as any other. What one transaction does not take away is
//! hidden from whoever reads until it is gone ([`hide`]), and a new object of the same id waits for none of it: it takes away the rest first.

use std::collections::HashSet;

use crest::{Resource, ResourceError, reference};
use identity::Referring;
use process::CommitError;
use serde_json::{Value, json};

use crate::engine::{self, Connection, Lock};
use crate::error::unavailable;
use crate::lookups::{self, Declared, Lookup, term};
use crate::object::{Kinds, Object};
use crate::rows;

/// References that one transaction takes away.
const BATCH: u32 = 200;

/// The objects of a collection that refer by a property to what is wanted.
pub(crate) fn referring(
    connection: &Connection,
    declared: &Declared,
    (collection, property): (&str, &str),
    wanted: Referring<'_>,
    after: &str,
    limit: u32,
) -> Result<Vec<String>, engine::Error> {
    let Some(lookup) = of(declared, collection, property) else { return Ok(Vec::new()) };
    let (space, term) = match wanted {
        Referring::To(target) => (lookup.targets(), term::text(target)),
        Referring::By(id) => (lookup.references(), term::text(id)),
    };
    let query = connection.query("SELECT object FROM lookup_key WHERE space = $1 AND term = $2 AND object > $3 ORDER BY object LIMIT $4");
    query.bind(space).bind(term).bind(after).bind(i64::from(limit)).all(|row| row.get("object"))
}

/// The id of the `number`th object of a collection, from 1, that refers by a property to `target`.
pub(crate) fn passed(
    connection: &Connection,
    declared: &Declared,
    (collection, property): (&str, &str),
    target: &str,
    number: u64,
) -> Result<Option<String>, engine::Error> {
    let (Some(lookup), Some(before)) = (of(declared, collection, property), number.checked_sub(1)) else { return Ok(None) };
    let query = connection.query("SELECT object FROM lookup_key WHERE space = $1 AND term = $2 ORDER BY object LIMIT 1 OFFSET $3");
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    query.bind(lookup.targets()).bind(term::text(target)).bind(before).first(|row| row.get("object"))
}

/// How many objects of a collection refer by a property to `target`.
pub(crate) fn count(
    connection: &Connection,
    declared: &Declared,
    collection: &str,
    property: &str,
    target: &str,
) -> Result<u64, engine::Error> {
    let Some(lookup) = of(declared, collection, property) else { return Ok(0) };
    let query = connection.query("SELECT count(*) AS several FROM lookup_key WHERE space = $1 AND term = $2");
    let several: i64 = query.bind(lookup.targets()).bind(term::text(target)).one(|row| row.get("several"))?;
    Ok(u64::try_from(several).unwrap_or_default())
}

fn of<'d>(declared: &'d Declared, collection: &str, property: &str) -> Option<&'d Lookup> {
    declared.listed(collection, property)
}

/// Fails unless a reference that was just written leads to somebody, and is the only one where it must be.
pub(crate) fn check(
    connection: &Connection,
    declared: &Declared,
    (collection, property): (&str, &str),
    target: &str,
    exists: bool,
    alone: Option<&str>,
) -> Result<(), CommitError> {
    let refused = |error: ResourceError| Err(CommitError::Patch(error));
    let Some((other, id)) = target.rsplit_once('/') else { return refused(reference::dangling(target)) };
    // Whoever removes the object, or refers to it at the same time, waits until this is committed.
    connection.lock(&Lock::Name(other, id)).map_err(unavailable)?;
    if exists && !rows::exists(connection, other, id).map_err(unavailable)? {
        return refused(reference::dangling(target));
    }
    if let Some(back) = alone
        && count(connection, declared, collection, property, target).map_err(unavailable)? > 1
    {
        return refused(reference::occupied(back, id));
    }
    Ok(())
}

/// Takes away the references to an object that was just removed, or marks that some are left.
pub(crate) fn forget(connection: &Connection, kinds: Kinds<'_>, now: i64, collection: &str, id: &str) -> Result<(), CommitError> {
    if take_away(connection, kinds, now, collection, id)? {
        return Ok(());
    }
    let query = connection.query("INSERT INTO gone_object (collection, object) VALUES ($1, $2) ON CONFLICT DO NOTHING");
    query.bind(collection).bind(id).execute().map(drop).map_err(unavailable)
}

/// Takes away all that is left of references to an object that was removed, before one of the same id is made.
pub(crate) fn settle(connection: &Connection, kinds: Kinds<'_>, now: i64, collection: &str, id: &str) -> Result<(), CommitError> {
    if kinds.declared.references().next().is_none() {
        return Ok(());
    }
    let query = connection.query("DELETE FROM gone_object WHERE collection = $1 AND object = $2");
    if query.bind(collection).bind(id).execute().map_err(unavailable)? > 0 {
        while !take_away(connection, kinds, now, collection, id)? {}
    }
    Ok(())
}

/// Takes away some of what is left of references to objects that were removed. Says whether there may be more.
pub(crate) fn sweep(connection: &Connection, kinds: Kinds<'_>, now: i64) -> Result<bool, CommitError> {
    // Who makes an object of this id waits until this is done; another node takes another one.
    let text = format!("SELECT collection, object FROM gone_object LIMIT 1{}", connection.dialect().unless_taken());
    let query = connection.query(text);
    let gone: Option<(String, String)> = query.first(|row| Ok((row.get("collection")?, row.get("object")?))).map_err(unavailable)?;
    let Some((collection, id)) = gone else { return Ok(false) };
    if take_away(connection, kinds, now, &collection, &id)? {
        let query = connection.query("DELETE FROM gone_object WHERE collection = $1 AND object = $2");
        query.bind(&collection).bind(&id).execute().map_err(unavailable)?;
    }
    Ok(true)
}

/// Takes a batch of references to an object away; says whether these were all.
fn take_away(connection: &Connection, kinds: Kinds<'_>, now: i64, collection: &str, id: &str) -> Result<bool, CommitError> {
    let target = format!("{collection}/{id}");
    let unwanted = json!({ reference::REF: target });
    let mut left = BATCH;
    for (owner, lookup) in kinds.declared.references() {
        let Some(property) = lookup.pointer.top() else { continue };
        let holders = lookups::holders_of(connection, lookup.targets(), &term::text(&target), left).map_err(unavailable)?;
        for holder in &holders {
            unlink(connection, kinds, now, (owner, holder), property, &unwanted)?;
        }
        left = left.saturating_sub(u32::try_from(holders.len()).unwrap_or(left));
        if left == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether some references to objects that were removed are left.
pub(crate) fn any_gone(connection: &Connection) -> Result<bool, engine::Error> {
    connection.query("SELECT EXISTS (SELECT 1 FROM gone_object) AS several").one(|row| row.get("several"))
}

/// Takes what `unwanted` means away from a property of an object; `None` where the object has gone.
pub(crate) fn unlink(
    connection: &Connection,
    kinds: Kinds<'_>,
    now: i64,
    (collection, id): (&str, &str),
    property: &str,
    unwanted: &Value,
) -> Result<Option<Resource>, CommitError> {
    let object = Object { collection, id, kinds };
    let mut current = match object.current(connection, None) {
        Err(CommitError::Missing { .. }) => return Ok(None),
        found => found?,
    };
    let before = current.content.clone();
    if !reference::unlink(&mut current.content, property, unwanted) {
        return Ok(Some(current));
    }
    let written = object.replace(connection, now, current.content, Some(&current.revision))?;
    lookups::keep(connection, kinds.declared, collection, id, Some(&before), Some(&written.content))?;
    Ok(Some(written))
}

/// Hides what is left of references to objects that were removed. Nothing is asked where objects of this collection hold none.
pub(crate) fn hide<'r>(
    connection: &Connection,
    declared: &Declared,
    collection: &str,
    found: impl Iterator<Item = &'r mut Resource>,
) -> Result<(), engine::Error> {
    let holding: Vec<&Lookup> = declared.of(collection).iter().filter(|lookup| lookup.is_of_references()).collect();
    if holding.is_empty() {
        return Ok(());
    }
    let query = connection.query("SELECT collection, object FROM gone_object");
    let gone: Vec<(String, String)> = query.all(|row| Ok((row.get("collection")?, row.get("object")?)))?;
    let gone: HashSet<(&str, &str)> = gone.iter().map(|(collection, id)| (collection.as_str(), id.as_str())).collect();
    if gone.is_empty() {
        return Ok(());
    }
    for object in found {
        for property in holding.iter().filter_map(|lookup| lookup.pointer.top()) {
            let references = reference::of_property(object.content.get(property));
            let is_gone = |one: &&Value| reference::place(one).is_some_and(|place| gone.contains(&place));
            let hidden: Vec<Value> = references.iter().filter(is_gone).cloned().collect();
            for one in hidden {
                reference::unlink(&mut object.content, property, &one);
            }
        }
    }
    Ok(())
}
