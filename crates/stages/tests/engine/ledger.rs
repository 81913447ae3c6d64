//! A ledger in memory. One lock makes every call a transaction: guards and single use are checked before anything is written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use crest::{Change, Filter, Query};
use identity::{MemoryObjects, Objects};
use process::{
    AuditEvent, CommitError, Effect, InstanceId, Ledger, LedgerError, Mail, MailId, NewSession, Receipt, StoredContext, StoredDefinition,
    Unit,
};

use crate::harness::now;

#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) spent: HashMap<InstanceId, u32>,
    pub(crate) counters: HashMap<String, (u32, i64)>,
    pub(crate) challenges: HashMap<String, String>,
    pub(crate) contexts: HashMap<String, StoredContext>,
    pub(crate) definitions: Vec<StoredDefinition>,
    pub(crate) mails: Vec<Mail>,
    pub(crate) audit: Vec<AuditEvent>,
    pub(crate) begun: Vec<NewSession>,
    pub(crate) ended: Vec<String>,
    /// Session, and what is settled on it.
    pub(crate) settled: Vec<(String, String)>,
    /// Properties a database would keep unique.
    pub(crate) unique: Vec<&'static str>,
    /// Counts and commits, for comparing the work of two submissions.
    pub(crate) writes: u32,
}

pub(crate) struct MemoryLedger {
    objects: Arc<MemoryObjects>,
    rows: Mutex<Rows>,
}

impl MemoryLedger {
    pub(crate) fn new(objects: Arc<MemoryObjects>) -> Self {
        Self { objects, rows: Mutex::default() }
    }

    pub(crate) fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap()
    }

    /// The properties that a database would keep unique.
    pub(crate) fn keep_unique(&self, property: &'static str) {
        self.rows().unique.push(property);
    }

    fn check(&self, change: &Change, unique: &[&'static str]) -> Result<(), CommitError> {
        if let Change::Create { collection, content, .. } = change {
            for property in unique.iter().filter(|property| content.get(**property).is_some()) {
                let filter = Filter::equals(property, content[*property].clone());
                if now(self.objects.query(collection, &Query::first(filter, 1))).is_ok_and(|page| !page.result.is_empty()) {
                    return Err(CommitError::Taken { collection: collection.clone(), property: (*property).to_owned() });
                }
            }
        }
        if let Change::Patch { collection, id, guard, .. } = change {
            let missing = || CommitError::Missing { collection: collection.clone(), id: id.clone() };
            let current = self.objects.stored(collection, id).ok_or_else(missing)?;
            if guard.as_ref().is_some_and(|guard| !guard.holds(&current.content)) {
                return Err(CommitError::GuardFailed);
            }
        }
        Ok(())
    }
}

impl MemoryLedger {
    /// Whether the names that are to be distinct are, once the change is made.
    fn check_names(&self, change: &Change, effects: &[Effect]) -> Result<(), CommitError> {
        let (collection, id, content) = match change {
            Change::Create { collection, id, content } => (collection, id, content.clone()),
            Change::Patch { collection, id, patch, .. } => {
                let Some(mut stored) = self.objects.stored(collection, id) else { return Ok(()) };
                patch.apply(&mut stored.content).map_err(CommitError::Patch)?;
                (collection, id, stored.content)
            }
            _ => return Ok(()),
        };
        for effect in effects {
            if let Effect::Distinct { property, id: of, .. } = effect
                && of == id
                && let Some(name) = content.get(property).and_then(serde_json::Value::as_str)
                && let Ok(name) = identity::names::check_name::<&str>(name, &[])
                && now(self.objects.named(collection, property, &name)).is_ok_and(|holders| holders.iter().any(|holder| holder != id))
            {
                return Err(CommitError::Taken { collection: collection.clone(), property: property.clone() });
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn commit(&self, unit: Unit) -> Result<Receipt, CommitError> {
        let mut rows = self.rows();
        if let Some(spend) = &unit.spend
            && rows.spent.get(&spend.instance).is_some_and(|below| *below >= spend.below)
        {
            return Err(CommitError::Spent);
        }
        let changes: Vec<&Change> =
            unit.effects.iter().filter_map(|effect| if let Effect::Change(change) = effect { Some(change) } else { None }).collect();
        // This ledger undoes nothing, so whatever could fail is tried first.
        for change in &changes {
            self.check(change, &rows.unique)?;
            self.check_names(change, &unit.effects)?;
        }
        for change in changes {
            self.objects.commit(change).map_err(CommitError::Patch)?;
        }
        rows.writes += 1;
        if let Some(spend) = unit.spend {
            rows.spent.insert(spend.instance, spend.below);
        }
        let mut receipt = Receipt::default();
        for effect in unit.effects {
            match effect {
                Effect::Change(_) | Effect::Distinct { .. } => {}
                Effect::Mail(mail) => {
                    receipt.mails.push(MailId(i64::try_from(rows.mails.len()).unwrap()));
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
                Effect::Challenge { purpose, instance, .. } => {
                    rows.challenges.insert(purpose, instance);
                }
                Effect::Audit(event) => rows.audit.push(event),
            }
        }
        Ok(receipt)
    }

    async fn spent_below(&self, instance: &InstanceId) -> Result<u32, LedgerError> {
        Ok(self.rows().spent.get(instance).copied().unwrap_or(0))
    }

    async fn count(&self, counter: &str, now: i64, expires: i64) -> Result<u32, LedgerError> {
        let mut rows = self.rows();
        rows.writes += 1;
        let entry = rows.counters.entry(counter.to_owned()).or_insert((0, expires));
        if entry.1 < now {
            *entry = (0, expires);
        }
        entry.0 += 1;
        Ok(entry.0)
    }

    async fn counted(&self, counter: &str, now: i64) -> Result<u32, LedgerError> {
        Ok(self.rows().counters.get(counter).filter(|(_, expires)| *expires >= now).map_or(0, |(count, _)| *count))
    }

    async fn challenge(&self, purpose: &str) -> Result<Option<String>, LedgerError> {
        Ok(self.rows().challenges.get(purpose).cloned())
    }

    async fn context(&self, token: &str) -> Result<Option<StoredContext>, LedgerError> {
        Ok(self.rows().contexts.get(token).cloned())
    }

    async fn remember_definition(&self, definition: StoredDefinition) -> Result<(), LedgerError> {
        self.rows().definitions.push(definition);
        Ok(())
    }

    async fn definitions(&self, process: &str) -> Result<Vec<StoredDefinition>, LedgerError> {
        Ok(self.rows().definitions.iter().rev().filter(|known| known.process == process).cloned().collect())
    }

    async fn sweep(&self, _: i64) -> Result<u64, LedgerError> {
        Ok(0)
    }
}
