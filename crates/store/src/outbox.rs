//! The outbox: mails wait here until the mail server took them.
//!
//! Easiest to break: a claimed mail belongs to nobody else until its lease ends. The lease is the time of the next attempt, so a node
//! that dies in the middle gives its mails back without anybody noticing. The attempt is counted with the claim: a mail that kills the
//! process each time would otherwise be tried for ever.

use std::sync::Arc;

use async_trait::async_trait;
use process::{CommitError, Effect, LedgerError, Mail, MailId, Outbox, OutboxEntry, OutboxState, Unit};
use serde_json::{Value, json};

use crate::Db;
use crate::sqlite::{self, Connection, Row};
use crate::writer::Kept;

fn name(state: OutboxState) -> &'static str {
    match state {
        OutboxState::Pending => "pending",
        OutboxState::Delivered => "delivered",
        OutboxState::Dead => "dead",
    }
}

fn entry(row: &Row<'_>) -> Result<OutboxEntry, sqlite::Error> {
    let state = match row.get_ref("state")?.as_str().unwrap_or_default() {
        "pending" => OutboxState::Pending,
        "delivered" => OutboxState::Delivered,
        _ => OutboxState::Dead,
    };
    let delivered: Option<i64> = row.get("delivered")?;
    Ok(OutboxEntry {
        id: MailId(row.get("id")?),
        mail: Mail {
            to: row.get("recipient")?,
            from: row.get("sender")?,
            subject: row.get("subject")?,
            mime_type: row.get("mime_type")?,
            body: row.get("body")?,
            wait: row.get("waited_for")?,
            withheld: row.get("withheld")?,
        },
        state,
        attempts: u32::try_from(row.get::<_, i64>("attempts")?).unwrap_or(u32::MAX),
        unfinished: u32::try_from(row.get::<_, i64>("unfinished")?).unwrap_or(u32::MAX),
        created: row.get("created")?,
        next_attempt: row.get("next_attempt")?,
        last_error: row.get("last_error")?,
        detail: delivered.map_or(Value::Null, |delivered| json!({ "delivered": delivered })),
    })
}

/// Why a mail is given up whose text cannot be read.
const UNREADABLE: &str = "the text cannot be read: the keys it was sealed with are gone";

/// Takes mails that are due; every attempt at them so far ended.
const TAKE_UNSUSPECTED: &str = "UPDATE outbox SET next_attempt = $2, attempts = attempts + 1, unfinished = 1 WHERE id IN \
     (SELECT id FROM outbox WHERE state = 'pending' AND next_attempt <= $1 AND unfinished = 0 ORDER BY next_attempt, id LIMIT $3) \
     RETURNING *";
/// Takes mails that are due and of which an attempt never ended.
const TAKE_SUSPECTED: &str = "UPDATE outbox SET next_attempt = $2, attempts = attempts + 1, unfinished = unfinished + 1 WHERE id IN \
     (SELECT id FROM outbox WHERE state = 'pending' AND next_attempt <= $1 AND unfinished > 0 ORDER BY next_attempt, id LIMIT $3) \
     RETURNING *";

/// Seals the texts of mails while they are in the store. They hold links and codes (SEC-06).
pub trait TextSeal: Send + Sync {
    /// A text as it is stored.
    ///
    /// # Errors
    /// What the keys say.
    fn seal(&self, text: &str) -> Result<String, String>;

    /// The text again; nothing when it was sealed with other keys.
    fn open(&self, sealed: &str) -> Option<String>;
}

impl Db {
    /// Seals the texts of all mails from now on. To be called once, before the first mail.
    pub fn seal_mails(&self, seal: Arc<dyn TextSeal>) {
        // A second call finds it set, by a clone of the same handle.
        let _ = self.seal().set(seal);
    }

    /// The unit with the texts of its mails as they are stored.
    pub(crate) fn sealed(&self, mut unit: Unit) -> Result<Unit, CommitError> {
        let Some(seal) = self.seal().get() else { return Ok(unit) };
        for effect in &mut unit.effects {
            if let Effect::Mail(mail) = effect {
                mail.body = seal.seal(&mail.body).map_err(CommitError::Unavailable)?;
            }
        }
        Ok(unit)
    }

    /// The rows of a statement that changes them.
    async fn take(&self, statement: &'static str, now: i64, lease_until: i64, limit: u32) -> Result<Vec<OutboxEntry>, LedgerError> {
        let db = self.clone();
        let query = move |connection: &Connection| {
            let query = connection.query(statement).bind(now).bind(lease_until).bind(i64::from(limit));
            query.all(|row| db.entry(row))
        };
        self.run(Kept::ByProcess, query).await
    }

    fn entry(&self, row: &Row<'_>) -> Result<OutboxEntry, sqlite::Error> {
        let mut entry = entry(row)?;
        if let Some(seal) = self.seal().get() {
            if let Some(text) = seal.open(&entry.mail.body) {
                entry.mail.body = text;
            } else {
                entry.mail.body.clear();
                entry.detail = json!({ "unreadable": true });
            }
        }
        Ok(entry)
    }
}

/// Puts a mail into the outbox, due at once.
pub(crate) fn insert(connection: &Connection, now: i64, mail: Mail) -> Result<MailId, sqlite::Error> {
    let query = connection.query(
        "INSERT INTO outbox (state, recipient, sender, subject, mime_type, body, waited_for, withheld, attempts, created, next_attempt) \
         VALUES ('pending', $1, $2, $3, $4, $5, $6, $7, 0, $8, $8) RETURNING id",
    );
    let query = query.bind(mail.to).bind(mail.from).bind(mail.subject).bind(mail.mime_type).bind(mail.body);
    query.bind(mail.wait).bind(mail.withheld).bind(now).one(|row| Ok(MailId(row.get("id")?)))
}

#[async_trait]
impl Outbox for Db {
    async fn claim(&self, now: i64, lease_until: i64, limit: u32) -> Result<Vec<OutboxEntry>, LedgerError> {
        // Asking costs next to nothing, and mostly nothing is due.
        if self.next_due().await?.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let mut claimed = self.take(TAKE_UNSUSPECTED, now, lease_until, limit).await?;
        if claimed.is_empty() {
            claimed = self.take(TAKE_SUSPECTED, now, lease_until, limit.min(1)).await?;
        }
        let (unreadable, mut claimed): (Vec<_>, Vec<_>) = claimed.into_iter().partition(|entry| entry.detail.get("unreadable").is_some());
        for entry in unreadable {
            self.failed(entry.id, UNREADABLE, None).await?;
        }
        claimed.sort_by_key(|entry| entry.id.0);
        Ok(claimed)
    }

    async fn delivered(&self, id: MailId, now: i64) -> Result<(), LedgerError> {
        self.run(Kept::ByProcess, move |connection| {
            let query = connection.query(
                "UPDATE outbox SET state = 'delivered', delivered = $2, unfinished = 0, last_error = NULL WHERE id = $1 AND NOT withheld",
            );
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
                 state = CASE WHEN $3 IS NULL THEN 'dead' ELSE 'pending' END WHERE id = $1 AND state = 'pending'",
            );
            query.bind(id.0).bind(error).bind(next_attempt).execute().map(drop)
        })
        .await
    }

    async fn next_due(&self) -> Result<Option<i64>, LedgerError> {
        self.look(|connection| {
            connection.query("SELECT min(next_attempt) AS due FROM outbox WHERE state = 'pending'").one(|row| row.get("due"))
        })
    }

    async fn list(&self, state: Option<OutboxState>, limit: u32) -> Result<Vec<OutboxEntry>, LedgerError> {
        let db = self.clone();
        let list = move |connection: &Connection| {
            let query = match state {
                Some(state) => connection.query("SELECT * FROM outbox WHERE state = $1 ORDER BY id DESC LIMIT $2").bind(name(state)),
                None => connection.query("SELECT * FROM outbox ORDER BY id DESC LIMIT $1"),
            };
            query.bind(i64::from(limit)).all(|row| db.entry(row))
        };
        self.walk(list).await
    }

    async fn mail(&self, id: MailId) -> Result<Option<OutboxEntry>, LedgerError> {
        self.look(|connection| connection.query("SELECT * FROM outbox WHERE id = $1").bind(id.0).first(|row| self.entry(row)))
    }

    /// A mail that is put back has all its attempts before it again.
    async fn retry(&self, id: MailId, now: i64) -> Result<bool, LedgerError> {
        self.run(Kept::Always, move |connection| {
            let query = connection.query(
                "UPDATE outbox SET state = 'pending', attempts = 0, unfinished = 0, next_attempt = $2 WHERE id = $1 AND state = 'dead'",
            );
            Ok(query.bind(id.0).bind(now).execute()? > 0)
        })
        .await
    }

    async fn forget_delivered(&self, before: i64) -> Result<u64, LedgerError> {
        self.run(Kept::ByProcess, move |connection| {
            connection.query("DELETE FROM outbox WHERE state = 'delivered' AND created < $1").bind(before).execute()
        })
        .await
    }
}
