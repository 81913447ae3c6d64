//! Mails that are handed to the courier in the moment they are committed.
//!
//! Easiest to break: whoever commits may go away in the middle, when the client hangs up. The mails are then in the store, claimed for a
//! courier that never heard of them; they are made due.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use process::{Effect, Handover, LedgerError, Mail, MailId, OutboxEntry, OutboxState, Unit};

use crate::Db;
use crate::engine::Connection;
use crate::job::Kept;

/// Who takes mails over, once somebody does.
#[derive(Default)]
pub(crate) struct Courier(RwLock<Option<Arc<dyn Handover>>>);

/// The numbers under which mails were written, once they are.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<MailId>>>);

impl Written {
    pub(crate) fn set(&self, ids: &[MailId]) {
        // A unit that is done again takes other numbers.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ids.to_vec();
    }
}

/// The mails of a unit that will be taken over.
pub(crate) struct Handed {
    courier: Arc<dyn Handover>,
    db: Db,
    now: i64,
    /// For each mail of the unit, the end of its lease and the mail, if it will be taken over.
    taken: Vec<Option<(i64, Mail)>>,
    written: Written,
}

/// [`Handed`], where there is anything to hand over.
#[derive(Default)]
pub(crate) struct MaybeHanded(Option<Handed>);

impl Db {
    /// Hands mails over in the moment they are committed, from now on; nothing ends it.
    pub fn hand_mails_to(&self, courier: Option<Arc<dyn Handover>>) {
        *self.courier().0.write().unwrap_or_else(PoisonError::into_inner) = courier;
    }

    /// Asks for room for the mails of a unit that is about to be committed.
    pub(crate) fn hand_over(&self, unit: &Unit) -> MaybeHanded {
        let mails: Vec<&Mail> =
            unit.effects.iter().filter_map(|effect| if let Effect::Mail(mail) = effect { Some(mail) } else { None }).collect();
        if mails.is_empty() {
            return MaybeHanded::default();
        }
        let courier = self.courier().0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(courier) = courier else { return MaybeHanded::default() };
        let lease = unit.now.saturating_add(courier.lease());
        let taken = mails.into_iter().map(|mail| courier.reserve(mail).then(|| (lease, mail.clone()))).collect();
        MaybeHanded(Some(Handed { courier, db: self.clone(), now: unit.now, taken, written: Written::default() }))
    }
}

impl MaybeHanded {
    /// For each mail of the unit, the end of its lease.
    pub(crate) fn leases(&self) -> Vec<Option<i64>> {
        let taken = self.0.iter().flat_map(|handed| &handed.taken);
        taken.map(|taken| taken.as_ref().map(|(lease, _)| *lease)).collect()
    }

    /// Where the numbers are put when the mails are written.
    pub(crate) fn written(&self) -> Written {
        self.0.as_ref().map(|handed| handed.written.clone()).unwrap_or_default()
    }

    /// The unit was committed, its mails under these numbers, or it was not.
    pub(crate) fn end(mut self, committed: Option<&[MailId]>) {
        let Some(mut handed) = self.0.take() else { return };
        let taken = std::mem::take(&mut handed.taken);
        let Some(ids) = committed else {
            taken.iter().flatten().for_each(|(_, mail)| handed.courier.release(mail));
            return;
        };
        let left = taken.iter().any(Option::is_none);
        for (taken, id) in taken.into_iter().zip(ids) {
            let Some((next_attempt, mail)) = taken else { continue };
            Arc::clone(&handed.courier).take(OutboxEntry {
                id: *id,
                mail,
                state: OutboxState::Pending,
                attempts: 1,
                unfinished: 1,
                created: handed.now,
                next_attempt,
                last_error: None,
                detail: serde_json::Value::Null,
            });
        }
        if left {
            handed.courier.look();
        }
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        if taken.is_empty() {
            return;
        }
        // Nobody waited for the end. What was written after all is behind us in the writer's queue, and then no more.
        taken.iter().flatten().for_each(|(_, mail)| self.courier.release(mail));
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (db, courier, written, now) = (self.db.clone(), Arc::clone(&self.courier), self.written.clone(), self.now);
        runtime.spawn(async move {
            let due = move |connection: &Connection| {
                let ids = written.0.lock().unwrap_or_else(PoisonError::into_inner);
                if ids.is_empty() {
                    return Ok(());
                }
                let ids = super::listed(&ids);
                let ids_of = connection.dialect().numbers("$1");
                let text =
                    format!("UPDATE outbox SET next_attempt = $2, attempts = 0, unfinished = 0 WHERE id IN ({ids_of}) AND state = 2");
                connection.query(text).bind(ids).bind(now).execute().map(drop)
            };
            match db.run::<_, LedgerError, _>(Kept::ByProcess, due).await {
                Ok(()) => courier.look(),
                Err(error) => tracing::warn!(%error, "mails of a request that was given up go out when their lease has ended"),
            }
        });
    }
}
