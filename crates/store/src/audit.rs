//! The audit trail. Events enter it through [`process::Ledger::commit`] only, in the transaction of what they tell.

use process::{AuditEvent, LedgerError};
use serde_json::Value;

use crate::Db;
use crate::sql::{Bound, Values, join};
use crate::sqlite::{self, Connection, Row};
use crate::writer::Kept;

/// An event as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// Grows with every event; where the next page of [`AuditQuery`] begins.
    pub number: i64,
    /// `process`, `activity`, `authentication`, `access` or `config`.
    pub topic: String,
    /// What happened.
    pub event: String,
    /// Seconds since 1970.
    pub time: i64,
    /// Joins events of one request.
    pub transaction: String,
    /// Who did it; empty for nobody.
    pub user: String,
    /// What it was done to; empty for nothing.
    pub object: String,
    /// Whether it succeeded.
    pub successful: bool,
    /// Further facts.
    pub detail: Value,
}

/// Which events to read, newest first. What is `None` does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Events of this topic.
    pub topic: Option<String>,
    /// Events of this request.
    pub transaction: Option<String>,
    /// Events of this user.
    pub user: Option<String>,
    /// Events about this object.
    pub object: Option<String>,
    /// Events with a smaller number: the next page.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: u32,
}

/// Appends an event.
pub(crate) fn insert(connection: &Connection, event: &AuditEvent) -> Result<(), sqlite::Error> {
    let query = connection.query(
        "INSERT INTO audit (time, topic, event, transaction_id, user_id, object, successful, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    );
    let query = query.bind(event.time).bind(event.topic).bind(&event.event).bind(&event.transaction).bind(&event.user);
    query.bind(&event.object).bind(event.successful).bind(event.detail.to_string()).execute().map(drop)
}

fn record(row: &Row<'_>) -> Result<AuditRecord, sqlite::Error> {
    Ok(AuditRecord {
        number: row.get("number")?,
        topic: row.get("topic")?,
        event: row.get("event")?,
        time: row.get("time")?,
        transaction: row.get("transaction_id")?,
        user: row.get("user_id")?,
        object: row.get("object")?,
        successful: row.get("successful")?,
        detail: sqlite::json(row, "detail")?,
    })
}

impl Db {
    /// Reads the audit trail.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, LedgerError> {
        let mut values = Values::default();
        let columns =
            [("topic", &query.topic), ("transaction_id", &query.transaction), ("user_id", &query.user), ("object", &query.object)];
        let mut conditions = Vec::new();
        for (column, wanted) in columns {
            if let Some(wanted) = wanted {
                conditions.push(format!("{column} = {}", values.text(wanted.as_str())));
            }
        }
        if let Some(before) = query.before {
            conditions.push(format!("number < {}", values.bind(Bound::Integer(before))));
        }
        let limit = values.bind(Bound::Integer(query.limit.into()));
        let text = format!("SELECT * FROM audit WHERE {} ORDER BY number DESC LIMIT {limit}", join(&conditions, "AND", "TRUE"));
        self.walk(move |connection| values.query(connection, text).all(record)).await
    }

    /// Removes events before a time, in seconds since 1970, and says how many.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_audit(&self, before: i64) -> Result<u64, LedgerError> {
        self.run(Kept::ByProcess, move |connection| {
            // Numbers grow with time: the walk ends at the first event that stays.
            let first = connection.query("SELECT number FROM audit WHERE time >= $1 ORDER BY number LIMIT 1").bind(before);
            match first.first(|row| row.get::<_, i64>("number"))? {
                Some(stays) => connection.query("DELETE FROM audit WHERE number < $1").bind(stays).execute(),
                None => connection.query("DELETE FROM audit").execute(),
            }
        })
        .await
    }
}
