//! What objects are found by: for every declared property of an object, its value as a *term*, in the table `lookup_key`. A write adds and
//! removes the terms that it changes and no others; searching, sorting, uniqueness and the spellings of names (SEC-48) all read this one
//! table.
//!
//! Easiest to break: terms are written by what the *store* says is declared, never by what a process believes. Another process may have
//! declared more; the epoch tells ([`Cache`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use crest::{Pointer, reference};
use identity::names::{self, Canonical};
use identity::references;
use process::{CommitError, UNIQUE};
use serde_json::Value;

use crate::collections::Uses;
use crate::engine::{self, Connection, Later, Lock};
use crate::error::unavailable;
use crate::rows;

mod declare;
pub(crate) mod term;

pub(crate) use declare::{Begun, Others, Slice, begin, fill, note_doubled, remove_forgotten};

/// A declared property, and where its terms are.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(crate) pointer: Pointer,
    pub(crate) uses: Uses,
    number: i64,
    /// Every object has its terms. Until then they are kept, and nothing is found by them.
    ready: bool,
}

/// The kinds of terms of one property.
const KINDS: i64 = 4;

impl Lookup {
    /// The space of values as a whole: exactly one term for each object, also where the value is missing. What is unique is unique here,
    /// and a walk along this space has the order of the property.
    pub(crate) fn whole(&self) -> i64 {
        self.number * KINDS
    }

    /// The space of elements, where the value is an array.
    pub(crate) fn elements(&self) -> i64 {
        self.number * KINDS + 1
    }

    fn canonical(&self) -> i64 {
        self.number * KINDS + 2
    }

    fn skeleton(&self) -> i64 {
        self.number * KINDS + 3
    }

    /// The space of what references lead to.
    pub(crate) fn targets(&self) -> i64 {
        self.elements()
    }

    /// The space of the ids of references.
    pub(crate) fn references(&self) -> i64 {
        self.canonical()
    }

    /// All terms of an object, by their space.
    fn terms(&self, collection: &str, id: &str, content: &Value) -> BTreeSet<(i64, String)> {
        let value = self.value(content).unwrap_or(&Value::Null);
        if self.uses.reference {
            return self.terms_of_references(&format!("{collection}/{id}"), value);
        }
        let mut terms = BTreeSet::from([(self.whole(), term::of(value))]);
        if let Value::Array(elements) = value {
            let scalars = elements.iter().filter(|element| !element.is_null() && !element.is_array() && !element.is_object());
            terms.extend(scalars.map(|element| (self.elements(), term::of(element))));
        }
        if self.uses.spelled
            && let Some(form) = value.as_str().and_then(names::form)
        {
            terms.insert((self.canonical(), term::text(form.as_str())));
            if self.uses.unique {
                terms.insert((self.skeleton(), look(&form)));
            }
        }
        terms
    }
}

impl Lookup {
    /// What the terms are made of.
    fn value<'c>(&self, content: &'c Value) -> Option<&'c Value> {
        if self.is_of_names() { content.get(self.pointer.top()?) } else { self.pointer.get(content) }
    }

    /// The property lists names or references and is no relationship ([`Collections::declare_listed`](crate::Collections::declare_listed)). It is found by
    /// what is listed and by nothing else, so it stands at a place of its own.
    pub(crate) fn is_of_names(&self) -> bool {
        self.uses.reference && self.pointer.tokens().len() > 1
    }

    /// The property is a relationship: what is listed goes with the object it leads to.
    pub(crate) fn is_of_references(&self) -> bool {
        self.uses.reference && !self.is_of_names()
    }

    fn terms_of_references(&self, owner: &str, value: &Value) -> BTreeSet<(i64, String)> {
        let references = reference::of_property(Some(value));
        let whole = match value {
            Value::Array(_) => term::MISSING.to_owned(),
            one => reference::target(one).map_or_else(|| term::MISSING.to_owned(), term::text),
        };
        let mut terms = BTreeSet::from([(self.whole(), whole)]);
        terms.extend(references.iter().filter_map(reference::named).map(|target| (self.targets(), term::text(target))));
        let ids = references::ids(owner, self.pointer.top().unwrap_or_default(), references);
        terms.extend(ids.iter().map(|id| (self.references(), term::text(id))));
        terms
    }
}

/// Looking alike is no fault between two names in plain ASCII ([`Canonical::collides_with`]), so the term says which they are.
fn look(form: &Canonical) -> String {
    term::text(&format!("{}{}", if form.is_plain() { 'p' } else { 'x' }, form.skeleton()))
}

/// What is declared, as the store has it.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    epoch: i64,
    collections: BTreeMap<String, Vec<Lookup>>,
}

impl Declared {
    /// The declared properties of a collection, with those that are being filled.
    pub(crate) fn of(&self, collection: &str) -> &[Lookup] {
        self.collections.get(collection).map(Vec::as_slice).unwrap_or_default()
    }

    /// What objects are found by at this place.
    pub(crate) fn find(&self, collection: &str, pointer: &Pointer) -> Option<&Lookup> {
        self.of(collection).iter().find(|lookup| lookup.ready && lookup.pointer == *pointer && !lookup.is_of_names())
    }

    /// Where what a property refers to is found, or what it lists.
    pub(crate) fn listed(&self, collection: &str, property: &str) -> Option<&Lookup> {
        let mut ready = self.of(collection).iter().filter(|lookup| lookup.ready && lookup.uses.reference);
        ready.find(|lookup| lookup.pointer.top() == Some(property))
    }

    /// Whether this is its epoch.
    pub(crate) fn has(&self, epoch: Option<i64>) -> bool {
        epoch == Some(self.epoch)
    }

    /// The properties that hold references, of every collection.
    pub(crate) fn references(&self) -> impl Iterator<Item = (&str, &Lookup)> {
        let all = self.collections.iter().flat_map(|(collection, lookups)| lookups.iter().map(|lookup| (collection.as_str(), lookup)));
        all.filter(|(_, lookup)| lookup.ready && lookup.is_of_references())
    }

    /// Whether the store still has it so.
    pub(crate) fn is_current(&self, connection: &Connection) -> Result<bool, engine::Error> {
        Ok(epoch(connection)? == self.epoch)
    }

    /// Reads it from the store.
    pub(crate) fn load(connection: &Connection) -> Result<Self, engine::Error> {
        let epoch = epoch(connection)?;
        let mut collections = BTreeMap::<String, Vec<Lookup>>::new();
        for (collection, lookup) in declare::lookups(connection)? {
            collections.entry(collection).or_default().push(lookup);
        }
        Ok(Self { epoch, collections })
    }
}

const EPOCH: &str = "SELECT epoch FROM lookup_epoch WHERE only_row = 1";

fn epoch(connection: &Connection) -> Result<i64, engine::Error> {
    connection.query(EPOCH).one(|row| row.get("epoch"))
}

/// The epoch, which stays what it is to the end of the transaction.
pub(crate) fn hold_epoch(connection: &Connection) -> Result<Later, engine::Error> {
    connection.lock(&Lock::Objects)?;
    connection.query(EPOCH).number_later("epoch")
}

/// The declaration as this process knows it.
#[derive(Debug, Default)]
pub(crate) struct Cache(RwLock<Arc<Declared>>);

impl Cache {
    pub(crate) fn get(&self) -> Arc<Declared> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes what was read from the store, outside of any transaction that writes.
    pub(crate) fn set(&self, declared: Declared) -> Arc<Declared> {
        let declared = Arc::new(declared);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&declared);
        declared
    }
}

/// Brings the terms of an object in line with its content; `None` where there is no object, before or after.
pub(crate) fn keep(
    connection: &Connection,
    declared: &Declared,
    collection: &str,
    id: &str,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), CommitError> {
    for lookup in declared.of(collection) {
        if let (Some(before), Some(after)) = (before, after)
            && lookup.value(before) == lookup.value(after)
        {
            continue;
        }
        let gone = before.map(|content| lookup.terms(collection, id, content)).unwrap_or_default();
        let come = after.map(|content| lookup.terms(collection, id, content)).unwrap_or_default();
        for (space, term) in gone.difference(&come) {
            let query = connection.query("DELETE FROM lookup_key WHERE space = $1 AND term = $2 AND object = $3");
            query.bind(*space).bind(term).bind(id).send().map_err(unavailable)?;
        }
        for (space, term) in come.difference(&gone) {
            if lookup.uses.unique && *space == lookup.whole() && term != term::MISSING && is_taken(connection, *space, term, id)? {
                return Err(CommitError::Taken {
                    collection: collection.to_owned(),
                    property: name_of(&lookup.pointer),
                    requirement: UNIQUE,
                });
            }
            insert(connection, *space, term, id).map_err(unavailable)?;
        }
    }
    Ok(())
}

/// The property as the declaration of the object type has it.
fn name_of(pointer: &Pointer) -> String {
    match pointer.tokens() {
        [name] => name.clone(),
        _ => pointer.to_string(),
    }
}

fn insert(connection: &Connection, space: i64, term: &str, id: &str) -> Result<(), engine::Error> {
    let query = connection.query("INSERT INTO lookup_key (space, term, object) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
    query.bind(space).bind(term).bind(id).send()
}

/// Whether another object has this term. What is free here stays free until the commit: nobody else gets it while this transaction has its
/// lock.
fn is_taken(connection: &Connection, space: i64, term: &str, id: &str) -> Result<bool, CommitError> {
    connection.lock(&Lock::Term(space, term)).map_err(unavailable)?;
    let query = connection.query("SELECT object FROM lookup_key WHERE space = $1 AND term = $2 AND object <> $3 LIMIT 1");
    let other = query.bind(space).bind(term).bind(id).first(|row| row.get::<_, String>("object"));
    Ok(other.map_err(unavailable)?.is_some())
}

/// The first objects that have a term.
pub(crate) fn holders_of(connection: &Connection, space: i64, term: &str, limit: u32) -> Result<Vec<String>, engine::Error> {
    let query = connection.query("SELECT object FROM lookup_key WHERE space = $1 AND term = $2 ORDER BY object LIMIT $3");
    query.bind(space).bind(term).bind(i64::from(limit)).all(|row| row.get("object"))
}

/// The ids of up to `limit` objects that have a spelling of this name there.
pub(crate) fn spelled(
    connection: &Connection,
    declared: &Declared,
    collection: &str,
    place: &Pointer,
    name: &Canonical,
    limit: u32,
) -> Result<Vec<String>, engine::Error> {
    match declared.find(collection, place).filter(|lookup| lookup.uses.spelled) {
        Some(lookup) => holders_of(connection, lookup.canonical(), &term::text(name.as_str()), limit),
        None => Ok(Vec::new()),
    }
}

/// Objects that have one name at a place, by its canonical form where it has one, up to `limit` names with up to `listed` objects each.
pub(crate) fn shared_terms(connection: &Connection, lookup: &Lookup, limit: u32, listed: u32) -> Result<Vec<Vec<String>>, engine::Error> {
    let space = if lookup.uses.spelled { lookup.canonical() } else { lookup.whole() };
    let query = connection
        .query("SELECT term FROM lookup_key WHERE space = $1 AND term <> $2 GROUP BY term HAVING count(*) > 1 ORDER BY term LIMIT $3");
    let terms: Vec<String> = query.bind(space).bind(term::MISSING).bind(i64::from(limit)).all(|row| row.get("term"))?;
    terms.iter().map(|term| holders_of(connection, space, term, listed)).collect()
}

/// Whoever asks wants to know whether there is somebody, and perhaps whether it is somebody else.
const HOLDERS: u32 = 16;

/// The ids of objects whose name is a spelling of this one, or looks like it; not all of them where they are many.
pub(crate) fn holders(
    connection: &Connection,
    declared: &Declared,
    collection: &str,
    property: &str,
    name: &Canonical,
) -> Result<Vec<String>, engine::Error> {
    let place = Pointer::from_tokens([property]);
    let mut found = spelled(connection, declared, collection, &place, name, HOLDERS)?;
    if let Some(lookup) = declared.find(collection, &place).filter(|lookup| lookup.uses.unique) {
        let mut looks = vec!['x'];
        looks.extend((!name.is_plain()).then_some('p'));
        for kind in looks {
            found.extend(holders_of(connection, lookup.skeleton(), &term::text(&format!("{kind}{}", name.skeleton())), HOLDERS)?);
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Fails when another object has the same name, or one that looks like it.
pub(crate) fn distinct(
    connection: &Connection,
    declared: &Declared,
    collection: &str,
    property: &str,
    id: &str,
    requirement: &'static str,
) -> Result<(), CommitError> {
    let content = rows::kept(connection, collection, id).map_err(unavailable)?;
    let own = content.as_ref().and_then(|content| content.get(property)).and_then(Value::as_str).and_then(names::form);
    match own {
        Some(own) if is_held(connection, declared, (collection, id), property, &own)? => {
            Err(CommitError::Taken { collection: collection.to_owned(), property: property.to_owned(), requirement })
        }
        _ => Ok(()),
    }
}

/// Whether an object other than `id` has this name, or one that looks like it. Whoever takes such a name waits until this is committed.
fn is_held(
    connection: &Connection,
    declared: &Declared,
    (collection, id): (&str, &str),
    property: &str,
    name: &Canonical,
) -> Result<bool, CommitError> {
    if let Some(lookup) = declared.find(collection, &Pointer::from_tokens([property])) {
        connection.lock(&Lock::Term(lookup.skeleton(), name.skeleton())).map_err(unavailable)?;
    }
    let others = holders(connection, declared, collection, property, name).map_err(unavailable)?;
    Ok(others.iter().any(|other| other != id))
}

/// The first property of an object whose value must be unique, and is another object's: as a name in every spelling, and as it is.
pub(crate) fn doubled(
    connection: &Connection,
    declared: &Declared,
    collection: &str,
    id: &str,
    content: &Value,
) -> Result<Option<String>, CommitError> {
    for lookup in declared.of(collection).iter().filter(|lookup| lookup.uses.unique) {
        let Some(value) = lookup.pointer.get(content) else { continue };
        let term = term::of(value);
        if term == term::MISSING {
            continue;
        }
        let property = name_of(&lookup.pointer);
        let name = value.as_str().and_then(names::form);
        let is_held = match &name {
            Some(name) => is_held(connection, declared, (collection, id), &property, name)?,
            None => false,
        };
        if is_held || is_taken(connection, lookup.whole(), &term, id)? {
            return Ok(Some(property));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
