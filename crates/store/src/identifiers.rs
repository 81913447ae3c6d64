//! The forms in which unique names are compared: what differs in its spelling alone, or only looks different, is found by these
//! (SEC-48). They stand beside the objects and are written with them.
//!
//! Easiest to break: they refuse nothing by themselves. Objects that an administrator brings from elsewhere may have names that differ
//! in case; only who asks for it ([`process::Effect::Distinct`]) is refused for looking like another.

use std::collections::BTreeSet;

use identity::names::{self, Canonical};
use process::CommitError;
use serde_json::Value;

use crate::Collections;
use crate::change::unavailable;
use crate::sqlite::{self, Connection, Row};

/// Grows when [`names::check_name`] gives other forms than before: all are made again at the next start.
const RULE: i64 = 1;
/// Objects that are looked at in one go when forms are made again.
const BATCH: i64 = 1000;

/// The names of an object as it is written, to see whether a write changes them.
pub(crate) fn of(collections: &Collections, collection: &str, content: &Value) -> Vec<Option<String>> {
    properties(collections, collection).map(|property| content.get(property).and_then(Value::as_str).map(str::to_owned)).collect()
}

fn properties<'a>(collections: &'a Collections, collection: &str) -> impl Iterator<Item = &'a String> {
    collections.get(collection).into_iter().flat_map(|indexed| &indexed.unique)
}

/// Writes the forms of an object's names.
pub(crate) fn keep(
    connection: &Connection,
    collections: &Collections,
    collection: &str,
    id: &str,
    content: &Value,
) -> Result<(), sqlite::Error> {
    for property in properties(collections, collection) {
        keep_one(connection, collection, property, id, content.get(property).and_then(Value::as_str))?;
    }
    Ok(())
}

fn keep_one(connection: &Connection, collection: &str, property: &str, id: &str, name: Option<&str>) -> Result<(), sqlite::Error> {
    // A name that nobody could register has no form: nothing can be mistaken for it.
    let Some(form) = name.and_then(|name| names::check_name::<&str>(name, &[]).ok()) else {
        let query = connection.query("DELETE FROM identifier WHERE collection = $1 AND property = $2 AND object = $3");
        return query.bind(collection).bind(property).bind(id).execute().map(drop);
    };
    let query = connection.query(
        "INSERT INTO identifier (collection, property, object, canonical, skeleton) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (collection, property, object) DO UPDATE SET canonical = excluded.canonical, skeleton = excluded.skeleton \
         WHERE identifier.canonical <> excluded.canonical OR identifier.skeleton <> excluded.skeleton",
    );
    query.bind(collection).bind(property).bind(id).bind(form.as_str()).bind(form.skeleton()).execute().map(drop)
}

/// Forgets an object.
pub(crate) fn forget(connection: &Connection, collections: &Collections, collection: &str, id: &str) -> Result<(), sqlite::Error> {
    for property in properties(collections, collection) {
        keep_one(connection, collection, property, id, None)?;
    }
    Ok(())
}

/// Fails when another object has the same name, or one that looks like it.
pub(crate) fn distinct(connection: &Connection, collection: &str, property: &str, id: &str) -> Result<(), CommitError> {
    let query =
        connection.query("SELECT object, canonical, skeleton FROM identifier WHERE collection = $1 AND property = $2 AND object = $3");
    let own = query.bind(collection).bind(property).bind(id).first(holder).map_err(unavailable)?;
    let Some((_, own)) = own else { return Ok(()) };
    let others = holders(connection, collection, property, &own).map_err(unavailable)?;
    if others.iter().all(|other| other == id) {
        Ok(())
    } else {
        Err(CommitError::Taken { collection: collection.to_owned(), property: property.to_owned() })
    }
}

/// The ids of the objects whose name is the same as this one, or looks like it.
pub(crate) fn holders(connection: &Connection, collection: &str, property: &str, name: &Canonical) -> Result<Vec<String>, sqlite::Error> {
    // Two searches and no OR: each goes through its own index, whatever a planner thinks.
    let query = connection.query(
        "SELECT object, canonical, skeleton FROM identifier WHERE collection = $1 AND property = $2 AND canonical = $3 UNION ALL \
         SELECT object, canonical, skeleton FROM identifier WHERE collection = $1 AND property = $2 AND skeleton = $4 AND canonical <> $3",
    );
    let found = query.bind(collection).bind(property).bind(name.as_str()).bind(name.skeleton()).all(holder)?;
    Ok(found.into_iter().filter(|(_, other)| other.collides_with(name)).map(|(id, _)| id).collect())
}

fn holder(row: &Row<'_>) -> Result<(String, Canonical), sqlite::Error> {
    Ok((row.get("object")?, Canonical::from_stored(row.get("canonical")?, row.get("skeleton")?)))
}

/// Brings the forms in line with the declaration: those of a property that has become unique are made, others are forgotten.
pub(crate) fn ensure(connection: &Connection, declared: &Collections) -> Result<(), sqlite::Error> {
    let query = connection.query("SELECT collection, property FROM identifier_property WHERE rule = $1").bind(RULE);
    let known = query.all(|row| Ok((row.get("collection")?, row.get("property")?)))?;
    let known: BTreeSet<(String, String)> = known.into_iter().collect();
    let wanted: BTreeSet<(String, String)> = declared.unique().collect();
    for (collection, property) in known.symmetric_difference(&wanted) {
        let query = connection.query("DELETE FROM identifier WHERE collection = $1 AND property = $2");
        query.bind(collection).bind(property).execute()?;
        let query = connection.query("DELETE FROM identifier_property WHERE collection = $1 AND property = $2");
        query.bind(collection).bind(property).execute()?;
    }
    for (collection, property) in wanted.difference(&known) {
        make(connection, collection, property)?;
        let query = connection.query("INSERT INTO identifier_property (collection, property, rule) VALUES ($1, $2, $3)");
        query.bind(collection).bind(property).bind(RULE).execute()?;
    }
    Ok(())
}

fn make(connection: &Connection, collection: &str, property: &str) -> Result<(), sqlite::Error> {
    let mut last = String::new();
    loop {
        let query = connection.query("SELECT id, doc FROM managed_object WHERE collection = $1 AND id > $2 ORDER BY id LIMIT $3");
        let batch: Vec<(String, Value)> =
            query.bind(collection).bind(&last).bind(BATCH).all(|row| Ok((row.get("id")?, sqlite::json(row, "doc")?)))?;
        for (id, content) in &batch {
            keep_one(connection, collection, property, id, content.get(property).and_then(Value::as_str))?;
        }
        let Some((id, _)) = batch.into_iter().next_back() else { return Ok(()) };
        last = id;
    }
}
