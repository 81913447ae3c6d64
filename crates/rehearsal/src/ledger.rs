//! A ledger in memory, for rehearsals and for the tests of the engine. One lock makes every call a transaction; a unit that fails puts back the objects it changed, and what it would have
//! done beside them was not begun. It keeps the contract of every store (`store::contract`) as far as it goes.

use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use crest::{Change, Filter, Query, Resource};
use identity::{MemoryObjects, Objects, PEOPLE};
use process::{
    AuditEvent, CommitError, Effect, InstanceId, Ledger, LedgerError, Mail, MailId, Passage, Receipt, Session, Spend, StoredContext,
    StoredDefinition, Unit, Version,
};
use serde_json::Value;

fn unavailable(error: &identity::ObjectsError) -> CommitError {
    CommitError::Unavailable(error.to_string())
}

/// An object before a change: collection, id, what it was.
type Undo = (String, String, Option<Resource>);

/// What the ledger keeps.
#[derive(Clone, Default)]
pub struct Rows {
    /// The stage below which an instance is spent, and until when that is kept.
    pub spent: HashMap<InstanceId, (u32, i64)>,
    /// Counts, and until when they are kept.
    pub counters: HashMap<String, (u32, i64)>,
    /// The instance that owns a challenge, and until when.
    pub challenges: HashMap<String, (String, i64)>,
    /// Contexts that are kept on the server.
    pub contexts: HashMap<String, StoredContext>,
    /// Definitions, the one that was served last at the end.
    pub definitions: Vec<StoredDefinition>,
    /// Mails, withheld ones included.
    pub mails: Vec<Mail>,
    /// Events of the audit trail.
    pub audit: Vec<AuditEvent>,
    /// How far instances have come.
    pub passages: Vec<Passage>,
    /// Sessions that began.
    pub begun: Vec<Session>,
    /// Whose sessions ended.
    pub ended: Vec<String>,
    /// Session, and what is settled on it.
    pub settled: Vec<(String, String)>,
    /// Properties a database would keep unique, with their collection.
    pub unique: Vec<(String, String)>,
    /// Before it nothing that was issued is good.
    pub not_before: i64,
    /// Counts and commits, for comparing the work of two submissions.
    pub writes: u32,
}

impl Rows {
    /// How many rows a sweep could free.
    fn kept(&self) -> usize {
        self.spent.len() + self.counters.len() + self.challenges.len() + self.contexts.len()
    }
}

/// A ledger whose rows are in memory, on objects that are.
pub struct MemoryLedger {
    objects: Arc<MemoryObjects>,
    rows: Mutex<Arc<Rows>>,
}

/// What a ledger keeps, for as long as it is looked at. Whatever changes it copies it first where somebody remembers it ([`MemoryLedger::all`]).
pub struct Kept<'a>(MutexGuard<'a, Arc<Rows>>);

impl Deref for Kept<'_> {
    type Target = Rows;

    fn deref(&self) -> &Rows {
        &self.0
    }
}

impl DerefMut for Kept<'_> {
    fn deref_mut(&mut self) -> &mut Rows {
        Arc::make_mut(&mut self.0)
    }
}

impl MemoryLedger {
    /// An empty one.
    #[must_use]
    pub fn new(objects: Arc<MemoryObjects>) -> Self {
        Self { objects, rows: Mutex::default() }
    }

    /// What it keeps.
    pub fn rows(&self) -> Kept<'_> {
        Kept(self.rows.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All that it keeps now. Taking it and going back to it ([`Self::become_all`]) copies nothing.
    pub fn all(&self) -> Arc<Rows> {
        Arc::clone(&self.rows().0)
    }

    /// Goes back to what it kept.
    pub fn become_all(&self, rows: Arc<Rows>) {
        *self.rows().0 = rows;
    }

    /// The properties of people that a database would keep unique.
    pub fn keep_unique(&self, property: &str) {
        self.keep_unique_in(PEOPLE, property);
    }

    /// The same for any collection.
    pub fn keep_unique_in(&self, collection: &str, property: &str) {
        self.rows().unique.push((collection.to_owned(), property.to_owned()));
    }

    /// Makes one change; the object as it is then, or as it was when it is gone.
    fn change(&self, change: &Change, unique: &[(String, String)], undo: &mut Vec<Undo>) -> Result<Resource, CommitError> {
        let (collection, id) = change.object();
        let former = self.objects.stored(collection, id);
        let (expected, guard) = match change {
            Change::Create { .. } if former.is_some() => {
                return Err(CommitError::IdTaken { collection: collection.to_owned(), id: id.to_owned() });
            }
            Change::Create { .. } | Change::Link { .. } | Change::Unlink { .. } => (None, None),
            Change::Replace { expected, .. } | Change::Delete { expected, .. } => (expected.as_ref(), None),
            Change::Patch { expected, guard, .. } => (expected.as_ref(), guard.as_ref()),
        };
        if let (None, false) = (&former, matches!(change, Change::Create { .. })) {
            return Err(CommitError::Missing { collection: collection.to_owned(), id: id.to_owned() });
        }
        if let Some(former) = &former {
            if expected.is_some_and(|expected| *expected != former.revision) {
                return Err(CommitError::Stale);
            }
            if guard.is_some_and(|guard| !guard.holds(&former.content)) {
                return Err(CommitError::GuardFailed);
            }
        }
        undo.push((collection.to_owned(), id.to_owned(), former.clone()));
        self.objects.commit(change).map_err(CommitError::Patch)?;
        let Some(stored) = self.objects.stored(collection, id).or(former) else {
            return Err(CommitError::Missing { collection: collection.to_owned(), id: id.to_owned() });
        };
        for (_, property) in unique.iter().filter(|(of, _)| of == collection) {
            let Some(value) = stored.content.get(property).filter(|value| !value.is_null()) else { continue };
            let holders = Query::first(Filter::equals(property, value.clone()), 2);
            if script::wait(self.objects.query(collection, &holders)).is_ok_and(|page| page.result.len() > 1) {
                return Err(CommitError::Taken {
                    collection: collection.to_owned(),
                    property: property.clone(),
                    requirement: process::UNIQUE,
                });
            }
        }
        Ok(stored)
    }

    /// Whether a name, as it was just written, is its object's alone.
    fn distinct(&self, collection: &str, id: &str, property: &str) -> Result<(), CommitError> {
        let stored = self.objects.stored(collection, id);
        let name = stored.as_ref().and_then(|stored| stored.content.get(property)?.as_str());
        let name = name.and_then(|name| identity::names::check_name::<&str>(name, &[]).ok());
        let others = name.map(|name| script::wait(self.objects.named(collection, property, &name)));
        let others = others.transpose().map_err(|error| unavailable(&error))?;
        if others.is_some_and(|holders| holders.iter().any(|holder| holder != id)) {
            return Err(CommitError::Taken {
                collection: collection.to_owned(),
                property: property.to_owned(),
                requirement: process::UNIQUE,
            });
        }
        Ok(())
    }

    /// What of a unit can fail: its changes, its distinct names and what it takes once.
    fn attempt(&self, rows: &mut Rows, unit: &Unit, undo: &mut Vec<Undo>) -> Result<Vec<Resource>, CommitError> {
        let mut changed = Vec::new();
        let mut taken = Vec::new();
        for effect in &unit.effects {
            match effect {
                Effect::Change(change) => changed.push(self.change(change, &rows.unique, undo)?),
                Effect::Distinct { collection, id, property, .. } => self.distinct(collection, id, property)?,
                Effect::Refers { target, exists: true, .. } => {
                    let there = target.rsplit_once('/').and_then(|(collection, id)| self.objects.stored(collection, id));
                    if there.is_none() {
                        return Err(CommitError::Patch(crest::reference::dangling(target)));
                    }
                }
                Effect::TakeOnce { what, key } => {
                    let thing = InstanceId::of_thing(what, key);
                    if rows.spent.contains_key(&thing) || taken.contains(&thing) {
                        return Err(CommitError::Used { what: what.clone() });
                    }
                    taken.push(thing);
                }
                Effect::KeepNewest { collection, property, value, made, most } => {
                    let own = Query::all(Filter::equals(property, value.as_str()));
                    let mut own = script::wait(self.objects.query(collection, &own)).map_err(|error| unavailable(&error))?.result;
                    own.sort_by_key(|found| std::cmp::Reverse(found.content.get(made).and_then(Value::as_str).map(str::to_owned)));
                    for found in own.into_iter().skip(usize::try_from(*most).unwrap_or(usize::MAX)) {
                        let change = Change::Delete { collection: collection.clone(), id: found.id, expected: None };
                        self.change(&change, &rows.unique, undo)?;
                    }
                }
                _ => {}
            }
        }
        rows.spent.extend(taken.into_iter().map(|thing| (thing, (Spend::WHOLE, i64::MAX))));
        Ok(changed)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn commit(&self, unit: Unit) -> Result<Receipt, CommitError> {
        let mut rows = self.rows();
        if let Some(spend) = &unit.spend
            && rows.spent.get(&spend.instance).is_some_and(|(below, _)| *below >= spend.below)
        {
            return Err(CommitError::Spent);
        }
        let mut undo = Vec::new();
        let changed = match self.attempt(&mut rows, &unit, &mut undo) {
            Ok(changed) => changed,
            Err(error) => {
                for (collection, id, former) in undo.into_iter().rev() {
                    self.objects.restore(&collection, &id, former);
                }
                return Err(error);
            }
        };
        rows.writes += 1;
        if let Some(spend) = unit.spend {
            rows.spent.insert(spend.instance, (spend.below, spend.expires));
        }
        let mut receipt = Receipt { changed, ..Receipt::default() };
        for effect in unit.effects {
            match effect {
                Effect::Change(_)
                | Effect::Distinct { .. }
                | Effect::Refers { .. }
                | Effect::TakeOnce { .. }
                | Effect::KeepNewest { .. }
                | Effect::Attempt(_)
                | Effect::Address { .. } => {}
                Effect::Mail(mail) => {
                    receipt.mails.push(MailId(i64::try_from(rows.mails.len()).unwrap_or(i64::MAX)));
                    rows.mails.push(mail);
                }
                Effect::BeginSession(session) => rows.begun.push(session),
                Effect::EndSessions { id, .. } => rows.ended.push(id),
                Effect::Settle { session, what } => rows.settled.push((session, what)),
                Effect::StoreContext { token, sealed, expires } => {
                    rows.contexts.insert(token, StoredContext { sealed, expires });
                }
                Effect::ResetCounter(name) => {
                    rows.counters.remove(&name);
                }
                Effect::Challenge { purpose, instance, expires } => {
                    rows.challenges.insert(purpose, (instance, expires));
                }
                Effect::Audit(event) => rows.audit.push(event),
                Effect::Passage(passage) => rows.passages.push(*passage),
            }
        }
        Ok(receipt)
    }

    fn not_before(&self) -> i64 {
        self.rows().not_before
    }

    async fn spent_below(&self, instance: &InstanceId) -> Result<u32, LedgerError> {
        Ok(self.rows().spent.get(instance).map_or(0, |(below, _)| *below))
    }

    async fn count(&self, counter: &str, now: i64, expires: i64) -> Result<u32, LedgerError> {
        let mut rows = self.rows();
        rows.writes += 1;
        let entry = rows.counters.entry(counter.to_owned()).or_insert((0, expires));
        if entry.1 < now {
            *entry = (0, expires);
        }
        entry.1 = entry.1.min(expires);
        entry.0 += 1;
        Ok(entry.0)
    }

    async fn counted(&self, counter: &str, now: i64) -> Result<u32, LedgerError> {
        Ok(self.rows().counters.get(counter).filter(|(_, expires)| *expires >= now).map_or(0, |(count, _)| *count))
    }

    async fn challenge(&self, purpose: &str) -> Result<Option<String>, LedgerError> {
        Ok(self.rows().challenges.get(purpose).map(|(instance, _)| instance.clone()))
    }

    async fn context(&self, token: &str) -> Result<Option<StoredContext>, LedgerError> {
        Ok(self.rows().contexts.get(token).cloned())
    }

    async fn remember_definition(&self, definition: StoredDefinition) -> Result<(), LedgerError> {
        let mut rows = self.rows();
        let known =
            rows.definitions.iter().position(|known| (&known.process, &known.version) == (&definition.process, &definition.version));
        let sealed = known.map(|at| rows.definitions.remove(at).sealed);
        rows.definitions.push(StoredDefinition { sealed: sealed.unwrap_or(definition.sealed), ..definition });
        Ok(())
    }

    async fn revoke_definition(&self, process: &str, version: &Version) -> Result<(), LedgerError> {
        for known in self.rows().definitions.iter_mut().filter(|known| known.process == process && known.version == *version) {
            known.revoked = true;
        }
        Ok(())
    }

    async fn definitions(&self, process: &str) -> Result<Vec<StoredDefinition>, LedgerError> {
        Ok(self.rows().definitions.iter().rev().filter(|known| known.process == process).cloned().collect())
    }

    async fn sweep(&self, now: i64) -> Result<u64, LedgerError> {
        let mut rows = self.rows();
        let before = rows.kept();
        rows.spent.retain(|_, (_, expires)| *expires >= now);
        rows.counters.retain(|_, (_, expires)| *expires >= now);
        rows.challenges.retain(|_, (_, expires)| *expires >= now);
        rows.contexts.retain(|_, context| context.expires >= now);
        Ok((before - rows.kept()) as u64)
    }
}
