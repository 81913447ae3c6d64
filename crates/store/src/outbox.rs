//! The outbox: mails wait here until the mail server took them.
//!
//! Easiest to break: a claimed mail belongs to nobody else until its lease ends. The lease is the time of the next attempt, so a node
//! that dies in the middle gives its mails back without anybody noticing. The attempt is counted with the claim: a mail that kills the
//! process each time would otherwise be tried for ever. A mail that is handed over at its commit is written as claimed.

mod handover;
mod numbers;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use process::{CommitError, Effect, LedgerError, Mail, MailId, Outbox, OutboxEntry, OutboxState, UndeliveredMails, Unit};
use serde_json::{Value, json};

pub(crate) use handover::Courier;
pub(crate) use numbers::Numbers;

use crate::engine::{self, Connection, Dialect, Row};
use crate::job::Kept;
use crate::{Db, sweep};

/// A state, as it is stored. All have the same length, see the migration.
fn number(state: OutboxState) -> i64 {
    match state {
        OutboxState::Pending => 2,
        OutboxState::Delivered => 3,
        OutboxState::Dead => 4,
    }
}

fn entry(row: &Row<'_>) -> Result<OutboxEntry, engine::Error> {
    let state = match row.get("state")? {
        2_i64 => OutboxState::Pending,
        3 => OutboxState::Delivered,
        _ => OutboxState::Dead,
    };
    let delivered: i64 = row.get("delivered")?;
    Ok(OutboxEntry {
        id: MailId(row.get("id")?),
        mail: Mail {
            to: row.get("recipient")?,
            from: row.get("sender")?,
            subject: row.get("subject")?,
            mime_type: row.get("mime_type")?,
            body: String::new(),
            wait: row.get("waited_for")?,
            withheld: row.get("withheld")?,
            client: row.get("client")?,
        },
        state,
        attempts: u32::try_from(row.get::<_, i64>("attempts")?).unwrap_or(u32::MAX),
        unfinished: u32::try_from(row.get::<_, i64>("unfinished")?).unwrap_or(u32::MAX),
        created: row.get("created")?,
        next_attempt: row.get("next_attempt")?,
        last_error: row.get("last_error")?,
        detail: if state == OutboxState::Delivered { json!({ "delivered": delivered }) } else { Value::Null },
    })
}

/// Why a mail is given up whose text cannot be read.
const UNREADABLE: &str = "the text cannot be read: the keys it was sealed with are gone";

/// For so many seconds, a mail waits for a node that can read it, where there are several.
const GIVEN_UP: i64 = 86_400;
/// After so many seconds, whoever asks first is asked again.
const ELSEWHERE: i64 = 10;

/// Mails at which at most two attempts never ended.
const UNSUSPECTED: &str = "unfinished <= 2";
/// Mails at which more attempts never ended.
const SUSPECTED: &str = "unfinished > 2";

/// Takes mails that are due. Who takes some at the same time takes others.
fn take(dialect: Dialect, which: &str) -> String {
    let unless_taken = dialect.unless_taken();
    format!(
        "UPDATE outbox SET next_attempt = $2, attempts = attempts + 1, unfinished = unfinished + 1 WHERE id IN \
         (SELECT id FROM outbox WHERE state = 2 AND NOT withheld AND next_attempt <= $1 AND {which} \
         ORDER BY next_attempt, id LIMIT $3{unless_taken}) RETURNING *"
    )
}

/// Rows that one statement removes: the writer serves others in between.
const SLICE: u32 = 256;

/// Seals the texts of mails while they are in the store. They hold links and codes (SEC-06).
pub trait TextSeal: Send + Sync {
    /// A text as it is stored.
    ///
    /// # Errors
    /// What the keys say.
    fn seal(&self, text: &str) -> Result<Vec<u8>, String>;

    /// The text again; nothing when it was sealed with other keys.
    fn open(&self, sealed: &[u8]) -> Option<String>;
}

/// A text as it is stored.
pub(crate) type Sealed = Vec<u8>;

/// The numbers of mails, to be bound as a JSON array ([`Dialect::numbers`]).
fn listed(ids: &[MailId]) -> String {
    json!(ids.iter().map(|id| id.0).collect::<Vec<_>>()).to_string()
}

/// The mails among effects in their order, those that are only attempted included.
pub(crate) fn mails_among(effects: &[Effect]) -> Vec<&Mail> {
    let mut mails = Vec::new();
    for effect in effects {
        match effect {
            Effect::Mail(mail) => mails.push(mail),
            Effect::Attempt(effects) => mails.extend(mails_among(effects)),
            _ => {}
        }
    }
    mails
}

impl Db {
    /// Seals the texts of all mails from now on. To be called once, before the first mail.
    pub fn seal_mails(&self, seal: Arc<dyn TextSeal>) {
        // A second call finds it set, by a clone of the same handle.
        let _ = self.seal().set(seal);
    }

    /// Removes mails that were given up and are older than `before`, in seconds since 1970. Gives how many.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_dead(&self, before: i64) -> Result<u64, LedgerError> {
        let slice = move |connection: &Connection| {
            // A literal, so that the index that holds only these can be used.
            let text = "DELETE FROM outbox WHERE id IN \
                 (SELECT id FROM outbox WHERE state = 4 AND NOT withheld AND created < $1 ORDER BY id LIMIT $2)";
            connection.query(text).bind(before).bind(sweep::SLICE).execute()
        };
        self.sweep_slices("dead mails", slice).await
    }

    /// The mails of these numbers, as far as they are there.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn mails(&self, numbers: impl IntoIterator<Item = MailId>) -> Result<Vec<OutboxEntry>, LedgerError> {
        let numbers: Vec<MailId> = numbers.into_iter().collect();
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let (db, numbers) = (self.clone(), listed(&numbers));
        let read = move |connection: &Connection| {
            let text = format!("SELECT * FROM outbox WHERE id IN ({}) ORDER BY id", connection.dialect().numbers("$1"));
            connection.query(text).bind(&numbers).all(|row| db.entry(row))
        };
        self.walk(read).await
    }

    /// The texts of a unit's mails as they are stored, in their order.
    pub(crate) fn sealed(&self, unit: &Unit) -> Result<Vec<Sealed>, CommitError> {
        let mails = mails_among(&unit.effects).into_iter();
        let seal = self.seal().get();
        mails
            .map(|mail| match seal {
                Some(seal) => seal.seal(&mail.body).map_err(CommitError::Unavailable),
                None => Ok(mail.body.clone().into_bytes()),
            })
            .collect()
    }

    /// Gives back claimed mails that this node cannot read and another one may: no attempt was made.
    async fn put_back(&self, ids: &[MailId], next_attempt: i64) -> Result<(), LedgerError> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids = listed(ids);
        tracing::warn!(mails = ids, "mails were sealed with keys that are not here, and are left to another node");
        self.run(Kept::ByProcess, move |connection| {
            let text = format!(
                "UPDATE outbox SET next_attempt = $2, attempts = attempts - 1, unfinished = unfinished - 1 \
                 WHERE id IN ({}) AND state = 2 AND unfinished > 0",
                connection.dialect().numbers("$1")
            );
            connection.query(text).bind(&ids).bind(next_attempt).execute().map(drop)
        })
        .await
    }

    /// The rows of a statement that changes them.
    async fn take(&self, which: &'static str, now: i64, lease_until: i64, limit: u32) -> Result<Vec<OutboxEntry>, LedgerError> {
        let db = self.clone();
        let query = move |connection: &Connection| {
            let query = connection.query(take(connection.dialect(), which)).bind(now).bind(lease_until).bind(i64::from(limit));
            query.all(|row| db.entry(row))
        };
        self.run(Kept::ByProcess, query).await
    }

    fn entry(&self, row: &Row<'_>) -> Result<OutboxEntry, engine::Error> {
        let mut entry = entry(row)?;
        // Texts of former releases are stored as text.
        let stored = row.bytes("body")?;
        let text = match self.seal().get() {
            Some(seal) => seal.open(&stored),
            None => String::from_utf8(stored).ok(),
        };
        match text {
            Some(text) => entry.mail.body = text,
            None => entry.detail = json!({ "unreadable": true }),
        }
        Ok(entry)
    }
}

/// Puts a mail into the outbox: due at once, or claimed until `lease_until` by who takes it over.
pub(crate) fn insert(
    connection: &Connection,
    numbers: &Numbers,
    now: i64,
    mail: &Mail,
    sealed: Sealed,
    lease_until: Option<i64>,
) -> Result<MailId, engine::Error> {
    let id = numbers.next(connection)?;
    let query = connection.query(
        "INSERT INTO outbox (id, state, withheld, waited_for, attempts, unfinished, created, next_attempt, delivered, client, \
         recipient, sender, mime_type, subject, body) VALUES ($1, 2, $2, $3, $4, $4, $5, $6, $5, $7, $8, $9, $10, $11, $12)",
    );
    let query = query.bind(id.0).bind(mail.withheld).bind(mail.wait).bind(i64::from(lease_until.is_some())).bind(now);
    let query = query.bind(lease_until.unwrap_or(now)).bind(mail.client).bind(mail.to.as_str());
    let query = query.bind(mail.from.as_deref()).bind(mail.mime_type.as_str()).bind(mail.subject.as_str()).bind_bytes(sealed);
    query.send()?;
    Ok(id)
}

/// Mails that are not delivered. Literals, so that the indexes that hold only these can be used.
pub(crate) fn undelivered(connection: &Connection) -> Result<UndeliveredMails, engine::Error> {
    let text = "SELECT (SELECT count(*) FROM outbox WHERE state = 2 AND NOT withheld) AS waiting, \
         (SELECT min(created) FROM outbox WHERE state = 2 AND NOT withheld) AS oldest, \
         (SELECT count(*) FROM outbox WHERE state = 4 AND NOT withheld) AS dead";
    connection
        .query(text)
        .one(|row| Ok(UndeliveredMails { waiting: row.get("waiting")?, oldest: row.get("oldest")?, dead: row.get("dead")? }))
}

#[async_trait]
impl Outbox for Db {
    async fn claim(&self, now: i64, lease_until: i64, limit: u32) -> Result<Vec<OutboxEntry>, LedgerError> {
        // Asking costs next to nothing, and mostly nothing is due.
        if self.next_due().await?.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let mut claimed = self.take(UNSUSPECTED, now, lease_until, limit).await?;
        if claimed.is_empty() {
            claimed = self.take(SUSPECTED, now, lease_until, limit.min(1)).await?;
        }
        let (unreadable, mut claimed): (Vec<_>, Vec<_>) = claimed.into_iter().partition(|entry| entry.detail.get("unreadable").is_some());
        let (elsewhere, lost): (Vec<_>, Vec<_>) =
            unreadable.into_iter().partition(|entry| self.is_shared() && entry.created > now - GIVEN_UP);
        self.put_back(&elsewhere.iter().map(|entry| entry.id).collect::<Vec<_>>(), now + ELSEWHERE).await?;
        for entry in lost {
            self.failed(entry.id, UNREADABLE, None).await?;
        }
        claimed.sort_by_key(|entry| entry.id.0);
        Ok(claimed)
    }

    async fn renew(&self, ids: &[MailId], lease_until: i64) -> Result<(), LedgerError> {
        for slice in ids.chunks(SLICE as usize) {
            let ids = listed(slice);
            self.run::<_, LedgerError, _>(Kept::ByProcess, move |connection| {
                let ids_of = connection.dialect().numbers("$1");
                let text = format!("UPDATE outbox SET next_attempt = $2 WHERE id IN ({ids_of}) AND state = 2 AND NOT withheld");
                connection.query(text).bind(&ids).bind(lease_until).execute().map(drop)
            })
            .await?;
        }
        Ok(())
    }

    async fn release(&self, now: i64) -> Result<u64, LedgerError> {
        // Other nodes are at work on what is claimed; their leases end by themselves.
        let Some(last) = self.numbers().found() else { return Ok(0) };
        self.run(Kept::ByProcess, move |connection| {
            let freed = connection.query(
                "UPDATE outbox SET next_attempt = $1 WHERE state = 2 AND NOT withheld AND next_attempt > $1 AND unfinished > 0 AND id <= $2",
            );
            freed.bind(now).bind(last).execute()
        })
        .await
    }

    async fn bring_forward(&self, now: i64, latest: i64) -> Result<u64, LedgerError> {
        self.run(Kept::ByProcess, move |connection| {
            let due = connection.query("UPDATE outbox SET next_attempt = $1 WHERE state = 2 AND NOT withheld AND next_attempt > $2");
            due.bind(now).bind(latest).execute()
        })
        .await
    }

    async fn delivered(&self, id: MailId, now: i64) -> Result<(), LedgerError> {
        self.run(Kept::ByProcess, move |connection| {
            let query = connection
                .query("UPDATE outbox SET state = 3, delivered = $2, unfinished = 0, last_error = NULL WHERE id = $1 AND NOT withheld");
            if query.bind(id.0).bind(now).execute()? == 0 {
                connection.query("DELETE FROM outbox WHERE id = $1 AND withheld").bind(id.0).execute()?;
            }
            Ok(())
        })
        .await
    }

    async fn failed(&self, id: MailId, error: &str, next_attempt: Option<i64>) -> Result<(), LedgerError> {
        let error = error.to_owned();
        self.run(Kept::ByProcess, move |connection| {
            let query = connection.query(
                "UPDATE outbox SET last_error = $2, unfinished = 0, next_attempt = COALESCE($3, next_attempt), \
                 state = CASE WHEN $3 IS NULL THEN 4 ELSE 2 END WHERE id = $1 AND state = 2",
            );
            query.bind(id.0).bind(&error).bind(next_attempt).execute().map(drop)
        })
        .await
    }

    async fn next_due(&self) -> Result<Option<i64>, LedgerError> {
        self.look(|connection| {
            let by_due = connection.dialect().by_due();
            let text = format!("SELECT min(next_attempt) AS due FROM outbox{by_due} WHERE state = 2 AND NOT withheld");
            connection.query(text).one(|row| row.get("due"))
        })
        .await
    }

    async fn list(&self, state: Option<OutboxState>, limit: u32) -> Result<Vec<OutboxEntry>, LedgerError> {
        let db = self.clone();
        let list = move |connection: &Connection| {
            let query = match state {
                // Literals, so that the indexes that hold only these can be used.
                Some(OutboxState::Dead) => {
                    connection.query("SELECT * FROM outbox WHERE state = 4 AND NOT withheld ORDER BY id DESC LIMIT $1")
                }
                Some(OutboxState::Pending) => {
                    connection.query("SELECT * FROM outbox WHERE state = 2 AND NOT withheld ORDER BY id DESC LIMIT $1")
                }
                Some(OutboxState::Delivered) => {
                    connection.query("SELECT * FROM outbox WHERE state = 3 AND NOT withheld ORDER BY id DESC LIMIT $1")
                }
                None => connection.query("SELECT * FROM outbox ORDER BY id DESC LIMIT $1"),
            };
            query.bind(i64::from(limit)).all(|row| db.entry(row))
        };
        self.walk(list).await
    }

    async fn undelivered(&self) -> Result<UndeliveredMails, LedgerError> {
        self.walk(undelivered).await
    }

    async fn mail(&self, id: MailId) -> Result<Option<OutboxEntry>, LedgerError> {
        let db = self.clone();
        self.look(move |connection| connection.query("SELECT * FROM outbox WHERE id = $1").bind(id.0).first(|row| db.entry(row))).await
    }

    /// A mail that is put back has all its attempts before it again.
    async fn retry(&self, id: MailId, now: i64) -> Result<bool, LedgerError> {
        self.run(Kept::Always, move |connection| {
            let query = connection.query(
                "UPDATE outbox SET state = 2, attempts = 0, unfinished = 0, next_attempt = $2 WHERE id = $1 AND state = 4 AND NOT withheld",
            );
            Ok(query.bind(id.0).bind(now).execute()? > 0)
        })
        .await
    }

    async fn forget_delivered(&self, before: i64) -> Result<u64, LedgerError> {
        let (mut after, mut forgotten) = (i64::MIN, 0);
        loop {
            // Numbers grow with time, so what is old comes first, and looking ends at the first that is not.
            let slice = move |connection: &Connection| {
                let query = connection.query("SELECT id, state, withheld, created FROM outbox WHERE id > $1 ORDER BY id LIMIT $2");
                query.bind(after).bind(i64::from(SLICE)).all(|row| {
                    let gone = row.get::<_, i64>("state")? == number(OutboxState::Delivered) || row.get("withheld")?;
                    Ok((row.get::<_, i64>("id")?, gone, row.get::<_, i64>("created")?))
                })
            };
            let rows: Vec<(i64, bool, i64)> = self.walk::<_, LedgerError, _>(slice).await?;
            let old: Vec<_> = rows.iter().take_while(|(_, _, created)| *created < before).collect();
            let gone: Vec<i64> = old.iter().filter(|(_, gone, _)| *gone).map(|(id, ..)| *id).collect();
            let done = old.len() < SLICE as usize;
            after = rows.last().map_or(after, |(id, ..)| *id);
            if !gone.is_empty() {
                forgotten += gone.len() as u64;
                let ids = json!(gone).to_string();
                self.run::<_, LedgerError, _>(Kept::ByProcess, move |connection| {
                    let text = format!("DELETE FROM outbox WHERE id IN ({})", connection.dialect().numbers("$1"));
                    connection.query(text).bind(&ids).execute()
                })
                .await?;
            }
            if done {
                return Ok(forgotten);
            }
        }
    }
}
