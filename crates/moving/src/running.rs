//! The import itself: a survey, and, where somebody has signed what is lost, the objects of the source in the store.
//!
//! Easiest to break: once. Objects are stored in batches, each in one transaction, and what is there is left as it is. Whoever ends the process
//! at any moment begins the same import again, and it goes on.

use crest::Change;
use identity::Objects as _;
use process::{Effect, Ledger as _, Unit};
use serde_json::Value;

use crate::hashing::{Job, hash_all};
use crate::import::{Import, ImportError};
use crate::report::Report;
use crate::resolution::Resolution;
use crate::survey::{Known, Next, Ready};

/// Objects of one transaction. A batch with passwords in clear is hashed on every core first.
const BATCH: usize = 256;
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
}

impl Import<'_> {
    /// What an import would do, and what is proposed about names that several have. Nothing is written.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn dry_run(&self) -> Result<(Report, Resolution), ImportError> {
        self.survey(&self.know()).await
    }

    /// Imports what the report says. `signed` is the signature of the report, where it needs one; `skip_faulty` leaves out what cannot be read or
    /// stored. `surveyed` is handed the report before anything is written.
    ///
    /// # Errors
    /// As the variants of [`ImportError`] say: of the first four, nothing was written.
    pub async fn run(&self, signed: Option<&str>, skip_faulty: bool, surveyed: impl FnOnce(&Report)) -> Result<Imported, ImportError> {
        let known = self.know();
        let (report, _) = self.survey(&known).await?;
        surveyed(&report);
        if report.faults > 0 && !skip_faulty {
            return Err(ImportError::Faults(report.faults));
        }
        if report.doubles.to_resolve > 0 {
            return Err(ImportError::Doubles(report.doubles.to_resolve));
        }
        match signed {
            Some(signed) if signed != report.signature => {
                return Err(ImportError::SignedOther { signed: signed.to_owned(), signature: report.signature });
            }
            None if report.needs_signature() => return Err(ImportError::NotSigned(report.signature)),
            _ => {}
        }
        let (mut imported, mut links) = (Imported::default(), false);
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
            links |= !ready.kept_there.is_empty();
            heavy += weight(&ready.incoming.content);
            batch.push(ready);
            if batch.len() == BATCH || heavy > HEAVIEST {
                self.store(&mut batch, &mut imported).await?;
                heavy = 0;
            }
        }
        self.store(&mut batch, &mut imported).await?;
        if order != known.order {
            return Err(ImportError::Changed);
        }
        if links {
            self.link(&known).await?;
        }
        Ok(imported)
    }

    /// Stores a batch: what is not there yet.
    async fn store(&self, batch: &mut Vec<Ready>, imported: &mut Imported) -> Result<(), ImportError> {
        let names = batch.iter().map(|ready| (ready.incoming.collection.clone(), ready.incoming.id.clone())).collect();
        let there = self.db.are_there(names).await?;
        imported.there += there.iter().filter(|there| **there).count() as u64;
        let mut there = there.into_iter();
        batch.retain(|_| !there.next().unwrap_or(false));
        let taken = BATCH.min(batch.len());
        let mut objects = Vec::with_capacity(taken);
        let mut secrets = Vec::with_capacity(taken);
        for ready in batch.drain(..) {
            secrets.push(ready.taken.clear);
            objects.push(ready.incoming);
        }
        let jobs = objects.iter_mut().zip(secrets).filter(|(_, clear)| !clear.is_empty());
        let jobs: Vec<Job<'_>> = jobs.map(|(object, clear)| Job { content: &mut object.content, clear }).collect();
        if !jobs.is_empty() {
            hash_all(jobs, self.managed.random.as_ref(), &self.parameters)?;
        }
        let stored = self.db.take_in(self.managed.clock.unix_seconds(), objects).await?;
        imported.stored += stored.iter().filter(|stored| **stored).count() as u64;
        imported.there += stored.iter().filter(|stored| !**stored).count() as u64;
        Ok(())
    }

    /// Writes the references that are kept by the objects they lead to, where these do not say otherwise themselves.
    async fn link(&self, known: &Known) -> Result<(), ImportError> {
        for (number, next) in self.numbered() {
            let Next::Record(record) = next else { continue };
            let Ok(ready) = self.ready(known, number, *record).await? else { continue };
            for link in ready.kept_there {
                let Some(there) = self.db.read(&link.collection, &link.id).await? else { continue };
                let present = crest::reference::of_property(there.content.get(&link.property));
                let is_said = present.iter().any(|one| crest::reference::same(one, &link.reference)) || (!link.many && !present.is_empty());
                if is_said {
                    continue;
                }
                let (collection, id, property, many, reference) = (link.collection, link.id, link.property, link.many, link.reference);
                let change = Change::Link { collection, id, property, many, reference, replaces: false };
                let unit = Unit { now: self.managed.clock.unix_seconds(), spend: None, effects: vec![Effect::Change(change)] };
                self.db.commit(unit).await?;
            }
        }
        Ok(())
    }
}
