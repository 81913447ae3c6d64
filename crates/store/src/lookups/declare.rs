//! Brings the table of terms in line with a declaration, while the store is served.
//!
//! A property that is declared is *filled*: whoever writes an object keeps its terms from the first moment, those of the objects that are there
//! are made in slices, and only then is anything found by it. One that is declared otherwise than before is filled beside its former self. What
//! is declared no longer is *forgotten*: its terms are removed in slices too.
//!
//! Easiest to break: terms that are there and wrong. Whoever makes some holds the lock of the declaration, so nobody writes objects meanwhile;
//! and a slice is so small that nobody notices.

use std::collections::BTreeMap;

use crest::Pointer;
use serde_json::Value;

use super::{Lookup, insert, name_of, term};
use crate::collections::Uses;
use crate::engine::{self, Connection, Lock};
use crate::{Collections, Doubled};

/// Grows when an object has other terms than before: all are made again at the next start.
const RULE: i64 = 1;
/// Objects whose terms are made in one go: others write in between.
const BATCH: usize = 250;
/// Terms that are removed in one go.
const SLICE: i64 = 1000;
/// Before the pointer of a property that is being filled. A pointer itself begins with a bracket.
const FILLING: char = '+';
/// Before the number of one that is being forgotten.
const FORGOTTEN: char = '-';

/// What is to become of the properties that are declared and not named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// They are declared no longer.
    Forgotten,
    /// They stay declared.
    Kept,
}

/// A declaration that was begun.
#[derive(Default)]
pub(crate) struct Begun {
    /// Properties that are being filled, by their collection, and the last object whose terms were made.
    pub(crate) filling: BTreeMap<String, Filling>,
    /// Unique properties of which stored objects may have values twice.
    pub(crate) suspected: Vec<(String, Lookup)>,
}

/// The properties of a collection that are being filled.
#[derive(Clone)]
pub(crate) struct Filling {
    pub(crate) lookups: Vec<Lookup>,
    pub(crate) after: String,
}

/// Where a slice came to.
pub(crate) enum Slice {
    /// There may be more objects behind this one.
    More(String),
    /// All have their terms, and things are found by them now.
    Done,
    /// Somebody else has declared something else meanwhile.
    Superseded,
}

/// What is being done with a property.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Served,
    Filling,
    Forgotten,
}

/// A property as the store has it.
struct Stored {
    number: i64,
    phase: Phase,
    uses: Uses,
    doubled: bool,
    rule: i64,
}

/// A collection, and a property of its objects.
type Place = (String, Pointer);
type Places = BTreeMap<Place, Uses>;

/// Begins to declare something. What takes one slice is done at once.
pub(crate) fn begin(connection: &Connection, wanted: &Collections, others: Others) -> Result<Begun, engine::Error> {
    connection.lock(&Lock::Declaration)?;
    let stored = stored(connection)?;
    let mut wanted = places(wanted);
    if others == Others::Kept {
        for (place, stored) in stored.iter().filter(|(_, stored)| stored.phase == Phase::Served) {
            let uses = wanted.entry(place.clone()).or_default();
            *uses = uses.and(stored.uses);
        }
    }
    let mut begun = Begun::default();
    let mut changed = false;
    let (served, other): (Vec<_>, Vec<_>) = stored.into_iter().partition(|(_, stored)| stored.phase == Phase::Served);
    for (place, stored) in served {
        match wanted.get(&place).copied() {
            Some(uses) if stored.rule == RULE && uses == stored.uses => {
                wanted.remove(&place);
                if stored.doubled {
                    begun.suspected.push((place.0, stored.lookup(place.1)));
                }
            }
            // Things are found by it until its successor is filled.
            Some(_) => {}
            None => {
                forget(connection, stored.number)?;
                changed = true;
            }
        }
    }
    for (place, stored) in other.into_iter().filter(|(_, stored)| stored.phase == Phase::Filling) {
        match wanted.get(&place).copied() {
            // Whoever began with it has gone, or is at it still: the same terms are made twice, and are there once.
            Some(uses) if stored.rule == RULE && uses == stored.uses => {
                wanted.remove(&place);
                begun.fills(place.0, stored.lookup(place.1));
            }
            None if others == Others::Kept => {}
            _ => {
                forget(connection, stored.number)?;
                changed = true;
            }
        }
    }
    for ((collection, pointer), uses) in wanted {
        let query = connection.query(
            "INSERT INTO lookup_property (collection, pointer, is_unique, is_spelled, is_reference, is_doubled, rule) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING number",
        );
        let filling = format!("{FILLING}{}", write_pointer(&pointer));
        let query = query.bind(&collection).bind(filling).bind(uses.unique).bind(uses.spelled).bind(uses.reference);
        // Of what is unique, values may be there twice until somebody has looked, which whoever comes next does where this one is gone.
        let number = query.bind(uses.unique).bind(RULE).one(|row| row.get("number"))?;
        begun.fills(collection, Lookup { pointer, uses, number, ready: false });
        changed = true;
    }
    if changed {
        grow_epoch(connection)?;
    }
    let mut longer = BTreeMap::new();
    for (collection, mut filling) in std::mem::take(&mut begun.filling) {
        match fill(connection, &collection, &filling)? {
            Slice::More(last) => {
                filling.after = last;
                longer.insert(collection, filling);
            }
            Slice::Done | Slice::Superseded => begun.suspect(&collection, filling.lookups),
        }
    }
    begun.filling = longer;
    Ok(begun)
}

impl Begun {
    fn fills(&mut self, collection: String, lookup: Lookup) {
        let filling = self.filling.entry(collection).or_insert_with(|| Filling { lookups: Vec::new(), after: String::new() });
        filling.lookups.push(lookup);
    }

    /// These are filled: of those that are unique, values may be there twice.
    pub(crate) fn suspect(&mut self, collection: &str, lookups: Vec<Lookup>) {
        self.suspected.extend(lookups.into_iter().filter(|lookup| lookup.uses.unique).map(|lookup| (collection.to_owned(), lookup)));
    }
}

impl Stored {
    fn lookup(&self, pointer: Pointer) -> Lookup {
        Lookup { pointer, uses: self.uses, number: self.number, ready: self.phase == Phase::Served }
    }
}

fn places(collections: &Collections) -> Places {
    collections.all().map(|(collection, pointer, uses)| ((collection.to_owned(), pointer.clone()), uses)).collect()
}

/// What is declared, without what is being forgotten.
pub(super) fn lookups(connection: &Connection) -> Result<Vec<(String, Lookup)>, engine::Error> {
    let stored = stored(connection)?.into_iter().filter(|(_, stored)| stored.phase != Phase::Forgotten);
    Ok(stored.map(|((collection, pointer), stored)| (collection, stored.lookup(pointer))).collect())
}

fn stored(connection: &Connection) -> Result<Vec<(Place, Stored)>, engine::Error> {
    connection.query("SELECT * FROM lookup_property ORDER BY number").all(|row| {
        let text: String = row.get("pointer")?;
        let (phase, pointer) = match text.strip_prefix(FILLING) {
            Some(pointer) => (Phase::Filling, pointer),
            None if text.starts_with(FORGOTTEN) => (Phase::Forgotten, "[]"),
            None => (Phase::Served, text.as_str()),
        };
        let uses = Uses { unique: row.get("is_unique")?, spelled: row.get("is_spelled")?, reference: row.get("is_reference")? };
        let stored = Stored { number: row.get("number")?, phase, uses, doubled: row.get("is_doubled")?, rule: row.get("rule")? };
        Ok(((row.get("collection")?, read_pointer(pointer)), stored))
    })
}

fn grow_epoch(connection: &Connection) -> Result<(), engine::Error> {
    connection.query("UPDATE lookup_epoch SET epoch = epoch + 1").execute().map(drop)
}

/// A pointer as it is kept: its names as a JSON array, which needs no rule of its own for what a name may hold.
fn write_pointer(pointer: &Pointer) -> String {
    Value::from(pointer.tokens()).to_string()
}

fn read_pointer(text: &str) -> Pointer {
    Pointer::from_tokens(serde_json::from_str::<Vec<String>>(text).unwrap_or_default())
}

/// Nothing is found by it any more, and nobody keeps its terms.
fn forget(connection: &Connection, number: i64) -> Result<(), engine::Error> {
    let query = connection.query("UPDATE lookup_property SET pointer = $2 WHERE number = $1");
    query.bind(number).bind(format!("{FORGOTTEN}{number}")).execute().map(drop)
}

/// Removes some terms of what is being forgotten; whether there may be more.
pub(crate) fn remove_forgotten(connection: &Connection) -> Result<bool, engine::Error> {
    if !connection.may_sweep("terms")? {
        return Ok(false);
    }
    let mut left = SLICE;
    for (_, stored) in stored(connection)?.into_iter().filter(|(_, stored)| stored.phase == Phase::Forgotten) {
        let first = stored.number * super::KINDS;
        let query = connection.query(
            "DELETE FROM lookup_key WHERE (space, term, object) IN \
             (SELECT space, term, object FROM lookup_key WHERE space >= $1 AND space < $2 ORDER BY space, term, object LIMIT $3)",
        );
        let removed = query.bind(first).bind(first + super::KINDS).bind(left).execute()?;
        left -= i64::try_from(removed).unwrap_or(left);
        if left <= 0 {
            return Ok(true);
        }
        connection.query("DELETE FROM lookup_property WHERE number = $1").bind(stored.number).execute()?;
    }
    Ok(false)
}

/// Makes the terms of some more objects of a collection; with the last of them things are found by these properties.
pub(crate) fn fill(connection: &Connection, collection: &str, filling: &Filling) -> Result<Slice, engine::Error> {
    connection.lock(&Lock::Declaration)?;
    let stored = stored(connection)?;
    let phase = |lookup: &Lookup| stored.iter().find(|(_, stored)| stored.number == lookup.number).map(|(_, stored)| stored.phase);
    let mut open = Vec::new();
    for lookup in &filling.lookups {
        match phase(lookup) {
            Some(Phase::Filling) => open.push(lookup),
            // Somebody else was at it too.
            Some(Phase::Served) => {}
            Some(Phase::Forgotten) | None => return Ok(Slice::Superseded),
        }
    }
    if open.is_empty() {
        return Ok(Slice::Done);
    }
    let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let query = connection.query("SELECT id, doc FROM managed_object WHERE collection = $1 AND id > $2 ORDER BY id LIMIT $3");
    let batch: Vec<(String, Value)> =
        query.bind(collection).bind(&filling.after).bind(limit).all(|row| Ok((row.get("id")?, engine::json(row, "doc")?)))?;
    for (id, content) in &batch {
        for (space, term) in open.iter().flat_map(|lookup| lookup.terms(collection, id, content)) {
            insert(connection, space, &term, id)?;
        }
    }
    let full = batch.len() >= BATCH;
    if let Some((last, _)) = batch.into_iter().next_back().filter(|_| full) {
        return Ok(Slice::More(last));
    }
    for lookup in open {
        serve(connection, collection, lookup, &stored)?;
    }
    grow_epoch(connection)?;
    Ok(Slice::Done)
}

/// Things are found by this one from now on, in the place of its former self.
fn serve(connection: &Connection, collection: &str, lookup: &Lookup, stored: &[(Place, Stored)]) -> Result<(), engine::Error> {
    let former = stored.iter().filter(|((of, pointer), stored)| {
        of == collection && *pointer == lookup.pointer && stored.phase == Phase::Served && stored.number != lookup.number
    });
    for (_, former) in former {
        forget(connection, former.number)?;
    }
    let query = connection.query("UPDATE lookup_property SET pointer = $2 WHERE number = $1");
    query.bind(lookup.number).bind(write_pointer(&lookup.pointer)).execute().map(drop)
}

/// Looks for values of a unique property that several objects have, and keeps whether there are any.
pub(crate) fn note_doubled(connection: &Connection, collection: &str, lookup: &Lookup) -> Result<Option<Doubled>, engine::Error> {
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
