//! Brings the table of terms in line with a declaration.
//!
//! Easiest to break: all of it is one transaction. Whoever reads sees the old declaration with its terms or the new one with its own.

use std::collections::BTreeMap;

use crest::Pointer;
use serde_json::Value;

use super::{Declared, Lookup, insert, name_of, term};
use crate::collections::Uses;
use crate::engine::{self, Connection, Lock};
use crate::{Collections, Doubled};

/// Grows when an object has other terms than before: all are made again at the next start.
const RULE: i64 = 1;
/// Objects that are looked at in one go when terms are made.
const BATCH: i64 = 1000;

/// What became of a declaration.
pub(crate) struct Made {
    pub(crate) declared: Declared,
    /// Unique properties that stored objects contradict.
    pub(crate) doubled: Vec<Doubled>,
}

/// A property as the store has it.
struct Stored {
    number: i64,
    uses: Uses,
    doubled: bool,
    rule: i64,
}

/// A collection, and a property of its objects.
type Place = (String, Pointer);
type Places = BTreeMap<Place, Uses>;

/// Declares exactly this.
pub(crate) fn declare(connection: &Connection, wanted: &Collections) -> Result<Made, engine::Error> {
    connection.lock(&Lock::Declaration)?;
    let wanted = places(wanted);
    bring(connection, wanted)
}

/// Declares this in addition to what is declared.
pub(crate) fn declare_at_least(connection: &Connection, wanted: &Collections) -> Result<Made, engine::Error> {
    connection.lock(&Lock::Declaration)?;
    let mut all: Places = stored(connection)?.into_iter().map(|(place, stored)| (place, stored.uses)).collect();
    for (place, uses) in places(wanted) {
        let known = all.entry(place).or_default();
        *known = known.and(uses);
    }
    bring(connection, all)
}

fn places(collections: &Collections) -> Places {
    collections.all().map(|(collection, pointer, uses)| ((collection.to_owned(), pointer.clone()), uses)).collect()
}

fn bring(connection: &Connection, mut wanted: Places) -> Result<Made, engine::Error> {
    let mut changed = false;
    let mut kept = BTreeMap::new();
    for (place, stored) in stored(connection)? {
        if stored.rule == RULE && wanted.get(&place) == Some(&stored.uses) {
            wanted.remove(&place);
            kept.insert(place, stored);
        } else {
            forget(connection, stored.number)?;
            changed = true;
        }
    }
    let mut fresh = BTreeMap::<String, Vec<Lookup>>::new();
    for ((collection, pointer), uses) in wanted {
        let query = connection.query(
            "INSERT INTO lookup_property (collection, pointer, is_unique, is_spelled, is_reference, is_doubled, rule) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING number",
        );
        let query = query.bind(&collection).bind(write_pointer(&pointer)).bind(uses.unique).bind(uses.spelled).bind(uses.reference);
        let query = query.bind(false).bind(RULE);
        let number = query.one(|row| row.get("number"))?;
        fresh.entry(collection).or_default().push(Lookup { pointer, uses, number });
        changed = true;
    }
    let mut doubled = Vec::new();
    for (collection, lookups) in &fresh {
        fill(connection, collection, lookups)?;
        for lookup in lookups.iter().filter(|lookup| lookup.uses.unique) {
            doubled.extend(note_doubled(connection, collection, lookup)?);
        }
    }
    for ((collection, pointer), stored) in kept.into_iter().filter(|(_, stored)| stored.doubled) {
        let lookup = Lookup { pointer, uses: stored.uses, number: stored.number };
        doubled.extend(note_doubled(connection, &collection, &lookup)?);
    }
    if changed {
        connection.query("UPDATE lookup_epoch SET epoch = epoch + 1").execute()?;
    }
    Ok(Made { declared: Declared::load(connection)?, doubled })
}

fn stored(connection: &Connection) -> Result<Vec<(Place, Stored)>, engine::Error> {
    connection.query("SELECT * FROM lookup_property ORDER BY number").all(|row| {
        let pointer = read_pointer(&row.get::<_, String>("pointer")?);
        let uses = Uses { unique: row.get("is_unique")?, spelled: row.get("is_spelled")?, reference: row.get("is_reference")? };
        let stored = Stored { number: row.get("number")?, uses, doubled: row.get("is_doubled")?, rule: row.get("rule")? };
        Ok(((row.get("collection")?, pointer), stored))
    })
}

/// A pointer as it is kept: its names as a JSON array, which needs no rule of its own for what a name may hold.
fn write_pointer(pointer: &Pointer) -> String {
    Value::from(pointer.tokens()).to_string()
}

pub(super) fn read_pointer(text: &str) -> Pointer {
    Pointer::from_tokens(serde_json::from_str::<Vec<String>>(text).unwrap_or_default())
}

fn forget(connection: &Connection, number: i64) -> Result<(), engine::Error> {
    let first = number * super::KINDS;
    let query = connection.query("DELETE FROM lookup_key WHERE space >= $1 AND space < $2");
    query.bind(first).bind(first + super::KINDS).execute()?;
    connection.query("DELETE FROM lookup_property WHERE number = $1").bind(number).execute().map(drop)
}

/// Makes the terms of all objects of a collection.
fn fill(connection: &Connection, collection: &str, lookups: &[Lookup]) -> Result<(), engine::Error> {
    let mut last = String::new();
    loop {
        let query = connection.query("SELECT id, doc FROM managed_object WHERE collection = $1 AND id > $2 ORDER BY id LIMIT $3");
        let batch: Vec<(String, Value)> =
            query.bind(collection).bind(&last).bind(BATCH).all(|row| Ok((row.get("id")?, engine::json(row, "doc")?)))?;
        for (id, content) in &batch {
            for (space, term) in lookups.iter().flat_map(|lookup| lookup.terms(collection, id, content)) {
                insert(connection, space, &term, id)?;
            }
        }
        let Some((id, _)) = batch.into_iter().next_back() else { return Ok(()) };
        last = id;
    }
}

/// Looks for values of a unique property that several objects have, and keeps whether there are any.
fn note_doubled(connection: &Connection, collection: &str, lookup: &Lookup) -> Result<Option<Doubled>, engine::Error> {
    let query = connection.query(
        "SELECT min(object) AS first, max(object) AS second FROM lookup_key WHERE space = $1 AND term <> $2 \
         GROUP BY term HAVING count(*) > 1 ORDER BY term LIMIT 1",
    );
    let pair: Option<(String, String)> =
        query.bind(lookup.whole()).bind(term::MISSING).first(|row| Ok((row.get("first")?, row.get("second")?)))?;
    let query = connection.query("UPDATE lookup_property SET is_doubled = $2 WHERE number = $1 AND is_doubled <> $2");
    query.bind(lookup.number).bind(pair.is_some()).execute()?;
    let Some((first, second)) = pair else { return Ok(None) };
    let query = connection.query(
        "SELECT count(*) AS several FROM \
         (SELECT term FROM lookup_key WHERE space = $1 AND term <> $2 GROUP BY term HAVING count(*) > 1) AS doubled",
    );
    let values: i64 = query.bind(lookup.whole()).bind(term::MISSING).one(|row| row.get("several"))?;
    let values = u64::try_from(values).unwrap_or_default();
    Ok(Some(Doubled { collection: collection.to_owned(), property: name_of(&lookup.pointer), values, first, second }))
}
