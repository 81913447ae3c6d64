//! The import itself: a survey, and, where somebody has signed what is lost, the objects of the source in the store.
//!
//! Easiest to break: once. Objects are stored in batches, each in one transaction, and what is there is left as it is. Whoever ends the process
//! at any moment begins the same import again, and it goes on.

use std::collections::{BTreeMap, HashMap};

use crest::{Change, Patch, PatchOperation, Pointer, reference};
use identity::notifications::{COLLECTION as NOTIFICATIONS, TARGET};
use identity::{KeptThere, Objects as _};
use process::{CommitError, Effect, Ledger as _, Unit};
use serde_json::{Value, json};
use store::{Incoming, Renewal, TakenIn};

use crate::hashing::{Job, hash_all};
use crate::import::{Import, ImportError};
use crate::record::Fault;
use crate::report::{LISTED, Report, SignedKinds};
use crate::resolution::Resolution;
use crate::sorting::Sorter;
use crate::survey::{Known, Next, Ready};

/// Objects of one transaction. A batch with passwords in clear is hashed on every core first.
const BATCH: usize = 256;
/// How often an object is looked at that others write meanwhile.
const ATTEMPTS: u32 = 16;
/// Bytes of text in one, about: records may be long.
const HEAVIEST: usize = 8 << 20;

/// Bytes of text in a value.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(elements) => elements.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + weight(value)).sum(),
        _ => 8,
    }
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Objects that were stored.
    pub stored: u64,
    /// Objects that were there already, and were left as they are.
    pub there: u64,
    /// Notifications that came with people.
    pub notifications: u64,
    /// Objects that were there, and were replaced.
    pub renewed: u64,
    /// Objects that were not stored, because another one was given a name meanwhile that must be unique.
    pub doubled: u64,
    /// The first of them.
    pub first_doubled: Vec<Fault>,
}

/// What somebody has agreed to lose.
#[derive(Clone, Copy, Debug)]
pub enum SignOff<'s> {
    /// Nothing.
    Nothing,
    /// What the report with this signature says.
    Report(&'s str),
    /// Whatever is of kinds that were signed before.
    Kinds(&'s SignedKinds),
}

impl<'s> From<Option<&'s str>> for SignOff<'s> {
    fn from(signature: Option<&'s str>) -> Self {
        signature.map_or(Self::Nothing, Self::Report)
    }
}

impl Imported {
    fn doubles(&mut self, fault: Fault) {
        self.doubled += 1;
        if self.first_doubled.len() < LISTED {
            self.first_doubled.push(fault);
        }
    }
}

impl Import<'_> {
    /// What an import would do, and what is proposed about names that several have. Nothing is written.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn dry_run(&self) -> Result<(Report, Resolution), ImportError> {
        self.survey(&self.know()).await
    }

    /// Imports what the report says. `signed` is what somebody agreed to lose, where the report needs that; `skip_faulty` leaves out what cannot be read or
    /// stored. `surveyed` is handed the report before anything is written.
    ///
    /// # Errors
    /// As the variants of [`ImportError`] say: of the first six, nothing was written.
    pub async fn run(&self, signed: SignOff<'_>, skip_faulty: bool, surveyed: impl FnOnce(&Report)) -> Result<Imported, ImportError> {
        let known = self.know();
        self.agreed(&known, signed, skip_faulty, surveyed).await?;
        let mut imported = Imported::default();
        let (mut links, mut notes) = (Sorter::new(self.source.aside()), Sorter::new(self.source.aside()));
        let mut order = 0_u64;
        let (mut batch, mut heavy): (Vec<Ready>, usize) = (Vec::with_capacity(BATCH), 0);
        for (number, next) in self.numbered() {
            let record = match next {
                Next::Record(record) => record,
                Next::Fault(_) if !skip_faulty => return Err(ImportError::Changed),
                Next::Passed(_) | Next::LeftOut | Next::Fault(_) => continue,
            };
            order = order.rotate_left(5) ^ crate::fingerprints::fingerprint(&[&record.collection, &record.id]);
            let Ok(ready) = self.ready(&known, number, *record).await? else { continue };
            if ready.incoming.collection == NOTIFICATIONS {
                put_aside_notification(&mut notes, &ready.incoming)?;
                continue;
            }
            heavy += weight(&ready.incoming.content);
            batch.push(ready);
            if batch.len() == BATCH || heavy > HEAVIEST {
                self.store(&mut batch, &mut links, &mut imported).await?;
                heavy = 0;
            }
        }
        self.store(&mut batch, &mut links, &mut imported).await?;
        if order != known.order {
            return Err(ImportError::Changed);
        }
        self.link(links).await?;
        self.notify(notes, &mut imported).await?;
        Ok(imported)
    }

    /// Whether what the report says may be done, as [`Import::run`] takes it. Nothing is written.
    ///
    /// # Errors
    /// The first six variants of [`ImportError`], and when the store does not answer.
    pub async fn sign(&self, signed: SignOff<'_>, skip_faulty: bool, surveyed: impl FnOnce(&Report)) -> Result<(), ImportError> {
        self.agreed(&self.know(), signed, skip_faulty, surveyed).await
    }

    async fn agreed(
        &self,
        known: &Known,
        signed: SignOff<'_>,
        skip_faulty: bool,
        surveyed: impl FnOnce(&Report),
    ) -> Result<(), ImportError> {
        let (report, _) = self.survey(known).await?;
        surveyed(&report);
        if report.not_read > 0 {
            return Err(ImportError::NotRead(report.not_read));
        }
        if report.faults > 0 && !skip_faulty {
            return Err(ImportError::Faults(report.faults));
        }
        if report.doubles.to_resolve > 0 && !self.leaves_doubles {
            return Err(ImportError::Doubles(report.doubles.to_resolve));
        }
        match signed {
            SignOff::Report(signed) if signed != report.signature => {
                Err(ImportError::SignedOther { signed: signed.to_owned(), signature: report.signature })
            }
            SignOff::Nothing if report.needs_signature() => Err(ImportError::NotSigned(report.signature)),
            SignOff::Kinds(kinds) => report.beyond(kinds).map_or(Ok(()), |what| Err(ImportError::OtherLosses(what))),
            _ => Ok(()),
        }
    }

    /// Stores a batch: what is not there yet. References that other objects keep are put aside.
    async fn store(&self, batch: &mut Vec<Ready>, links: &mut Sorter, imported: &mut Imported) -> Result<(), ImportError> {
        let names = batch.iter().map(|ready| (ready.incoming.collection.clone(), ready.incoming.id.clone())).collect();
        let there = self.db.are_there(names).await?;
        let (mut objects, mut secrets, mut others) = (Vec::with_capacity(batch.len()), Vec::new(), Vec::new());
        for (Ready { place, incoming, taken, kept_there }, is_there) in batch.drain(..).zip(there) {
            let seen = self.renews.get(&(incoming.collection.clone(), incoming.id.clone())).filter(|_| is_there);
            if is_there && seen.is_none() {
                imported.there += 1;
                put_aside(links, kept_there)?;
                continue;
            }
            secrets.push(taken.clear);
            objects.push(incoming);
            others.push((place, kept_there, seen));
        }
        let jobs = objects.iter_mut().zip(secrets).filter(|(_, clear)| !clear.is_empty());
        let jobs: Vec<Job<'_>> = jobs.map(|(object, clear)| Job { content: &mut object.content, clear }).collect();
        if !jobs.is_empty() {
            hash_all(jobs, self.managed.random.as_ref(), &self.parameters)?;
        }
        let (mut new, mut renewals) = (Vec::with_capacity(objects.len()), Vec::new());
        for (object, (_, _, seen)) in objects.into_iter().zip(&others) {
            match seen {
                Some(seen) => {
                    let keeps = self.private(&object.collection);
                    renewals.push(Renewal { object, seen: (*seen).clone(), keeps });
                }
                None => new.push(object),
            }
        }
        let now = self.managed.clock.unix_seconds();
        let mut stored = self.db.take_in(now, new).await?.into_iter();
        let mut renewed = if renewals.is_empty() { Vec::new() } else { self.db.take_anew(now, renewals).await? }.into_iter();
        for (place, kept_there, seen) in others {
            match (if seen.is_some() { renewed.next() } else { stored.next() }).unwrap_or(TakenIn::There) {
                TakenIn::Stored if seen.is_some() => imported.renewed += 1,
                TakenIn::Stored => imported.stored += 1,
                TakenIn::There => imported.there += 1,
                TakenIn::Doubled { property } => {
                    imported.doubles(Fault::new(&place, format!("another object has its '{property}', which must be unique")));
                    continue;
                }
            }
            put_aside(links, kept_there)?;
        }
        Ok(())
    }

    /// Stores the notifications of whoever is there: who was left out has none.
    async fn notify(&self, notes: Sorter, imported: &mut Imported) -> Result<(), ImportError> {
        let (mut batch, mut heavy) = (Vec::with_capacity(BATCH), 0);
        for note in notes.sorted()? {
            let (target, _, bytes) = note?;
            let Some((of, whose)) = target.rsplit_once('/') else { continue };
            let Ok((id, content)) = serde_json::from_slice::<(String, Value)>(&bytes) else { continue };
            heavy += bytes.len();
            let note = Incoming { collection: NOTIFICATIONS.to_owned(), id, revision: None, content };
            batch.push(((of.to_owned(), whose.to_owned()), note));
            if batch.len() == BATCH || heavy > HEAVIEST {
                self.notify_some(std::mem::take(&mut batch), imported).await?;
                heavy = 0;
            }
        }
        self.notify_some(batch, imported).await
    }

    async fn notify_some(&self, notes: Vec<((String, String), Incoming)>, imported: &mut Imported) -> Result<(), ImportError> {
        if notes.is_empty() {
            return Ok(());
        }
        let (targets, notes): (Vec<_>, Vec<_>) = notes.into_iter().unzip();
        let there = self.db.are_there(targets).await?;
        let notes = notes.into_iter().zip(there).filter_map(|(note, is_there)| is_there.then_some(note)).collect();
        let stored = self.db.take_in(self.managed.clock.unix_seconds(), notes).await?;
        imported.notifications += stored.iter().filter(|taken| **taken == TakenIn::Stored).count() as u64;
        Ok(())
    }

    /// Writes the references that are kept by the objects they lead to, where these do not say otherwise themselves.
    async fn link(&self, links: Sorter) -> Result<(), ImportError> {
        let mut of_one: Option<Kept> = None;
        for link in links.sorted()? {
            let (_, _, bytes) = link?;
            let Ok((collection, id, property, many, reference)) = serde_json::from_slice::<(String, String, String, bool, Value)>(&bytes)
            else {
                continue;
            };
            let kept = match of_one.take() {
                Some(kept) if kept.collection == collection && kept.id == id => of_one.insert(kept),
                before => {
                    if let Some(before) = before {
                        self.link_one(&before).await?;
                    }
                    of_one.insert(Kept { collection, id, references: Vec::new() })
                }
            };
            kept.references.push((property, many, reference));
        }
        match of_one {
            Some(last) => self.link_one(&last).await,
            None => Ok(()),
        }
    }

    /// Writes the references of one object, in one write of the object that was looked at: whoever writes it meanwhile, it is looked at again.
    async fn link_one(&self, kept: &Kept) -> Result<(), ImportError> {
        let Kept { collection, id, .. } = kept;
        let mut attempts = 0;
        loop {
            let Some(there) = self.db.read(collection, id).await? else { return Ok(()) };
            let Some((came, written)) = self.db.times(collection, id).await? else { return Ok(()) };
            let patch = kept.added_to(&there.content);
            if patch.operations().is_empty() {
                return Ok(());
            }
            // The object is as it came: this is no write that was made here.
            let now = if written == came { came } else { self.managed.clock.unix_seconds() };
            let (collection, id) = (collection.clone(), id.clone());
            let change = Change::Patch { collection, id, patch, expected: Some(there.revision), guard: None };
            attempts += 1;
            match self.db.commit(Unit { now, spend: None, effects: vec![Effect::Change(change)] }).await {
                Err(CommitError::Stale) if attempts < ATTEMPTS => {}
                Err(CommitError::Missing { .. }) => return Ok(()),
                done => return Ok(done.map(drop)?),
            }
        }
    }
}

/// The references of a source that one object keeps.
struct Kept {
    collection: String,
    id: String,
    /// Their property, whether that is a list, and what is kept.
    references: Vec<(String, bool, Value)>,
}

impl Kept {
    /// What they add to the object. A property that has one reference keeps the one that it has.
    fn added_to(&self, content: &Value) -> Patch {
        let mut properties: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        let mut by_target: HashMap<(&str, Option<&str>), Vec<&Value>> = HashMap::new();
        let mut changed: BTreeMap<&str, bool> = BTreeMap::new();
        for (property, many, reference) in &self.references {
            let present = properties.entry(property).or_insert_with(|| {
                let present = reference::of_property(content.get(property));
                for one in present {
                    by_target.entry((property, reference::target(one))).or_default().push(one);
                }
                present.iter().collect()
            });
            let alike = by_target.entry((property, reference::target(reference))).or_default();
            if (!many && !present.is_empty()) || alike.iter().any(|one| reference::same(one, reference)) {
                continue;
            }
            alike.push(reference);
            present.push(reference);
            changed.insert(property, *many);
        }
        let value = |property: &str, many: bool| match properties.get(property).map(Vec::as_slice) {
            Some([one]) if !many => (*one).clone(),
            references => json!(references.unwrap_or_default()),
        };
        let place = |property: &str| Pointer::from_tokens([property]);
        changed.into_iter().map(|(property, many)| PatchOperation::replace(place(property), value(property, many))).collect()
    }
}

/// Keeps links for the end of the import, by the object that keeps them. They may be as many as objects, so not in memory.
fn put_aside(links: &mut Sorter, kept_there: Vec<KeptThere>) -> std::io::Result<()> {
    kept_there.into_iter().try_for_each(|KeptThere { collection, id, property, many, reference }| {
        let key = format!("{collection}/{id}");
        links.push(key, json!([collection, id, property, many, reference]).to_string().into_bytes())
    })
}

/// Keeps a notification for the end of the import: it may come before whose it is, and what comes with nobody is none.
fn put_aside_notification(notes: &mut Sorter, note: &Incoming) -> std::io::Result<()> {
    let target = note.content.get(TARGET).and_then(Value::as_str).unwrap_or_default().to_owned();
    notes.push(target, json!([note.id, note.content]).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_added_once_and_the_one_that_is_there_stays() {
        let to = |id: &str| json!({ "_ref": format!("managed/user/{id}") });
        let since = json!({ "_ref": "managed/user/a", "_refProperties": { "since": 1 } });
        let (collection, id) = ("managed/role".to_owned(), "chief".to_owned());
        let references =
            [("members", true, to("a")), ("members", true, since.clone()), ("members", true, since.clone()), ("members", true, to("b"))];
        let one = [("owner", false, to("c")), ("owner", false, to("d")), ("boss", false, to("e"))];
        let references = references.into_iter().chain(one).map(|(property, many, one)| (property.to_owned(), many, one)).collect();
        let kept = Kept { collection, id, references };
        let mut content = json!({ "name": "Chief", "members": [to("a")], "boss": to("x") });
        assert!(kept.added_to(&content).apply(&mut content).unwrap());
        let members = json!([to("a"), since, to("b")]);
        assert_eq!(content, json!({ "name": "Chief", "members": members, "boss": to("x"), "owner": to("c") }));
        assert!(kept.added_to(&content).operations().is_empty(), "twice is once");
    }
}
