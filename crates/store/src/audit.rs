//! The audit trail. Events enter it through [`process::Ledger::commit`] only, in the transaction of what they tell.

use process::{AuditEvent, LedgerError, MailId, Topic};

use crate::Db;
use crate::engine::{self, Connection, Row};
use crate::sql::{Bound, Values, join};
use crate::sweep::SLICE;

/// An event as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// Grows with every event; where the next page of [`AuditQuery`] begins.
    pub number: i64,
    /// What happened.
    pub event: AuditEvent,
}

/// Of events that no index finds, so many are looked at, the newest.
pub const SEARCHED: i64 = 1_000_000;

/// Which events to read, newest first. What is `None` does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Events of this topic.
    pub topic: Option<Topic>,
    /// Events of this request.
    pub transaction: Option<String>,
    /// Events of this user.
    pub user: Option<String>,
    /// Events about this object.
    pub object: Option<String>,
    /// Events with a smaller number: the next page.
    pub before: Option<i64>,
    /// Events of any of these instances of processes; no matter which where there is none. Looked for among the newest [`SEARCHED`] alone.
    pub instances: Vec<String>,
    /// How many at most.
    pub limit: u32,
}

/// Appends an event. One that tells the steps of a process tells the mails of its unit too, by their numbers.
pub(crate) fn insert(connection: &Connection, mut event: AuditEvent, mails: &[MailId]) -> Result<(), engine::Error> {
    if let Some(detail) = event.detail.as_object_mut().filter(|detail| !mails.is_empty() && detail.contains_key("steps")) {
        detail.insert("mails".to_owned(), mails.iter().map(|mail| mail.0).collect());
    }
    let query = connection.query(
        "INSERT INTO audit (time, topic, event, transaction_id, user_id, object, successful, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    );
    let query = query.bind(event.time).bind(event.topic.as_str()).bind(event.event).bind(event.transaction).bind(event.user);
    query.bind(event.object).bind(event.successful).bind(event.detail.to_string()).send()
}

fn record(row: &Row<'_>) -> Result<AuditRecord, engine::Error> {
    let event = AuditEvent {
        topic: topic(&row.get::<_, String>("topic")?)?,
        event: row.get("event")?,
        time: row.get("time")?,
        transaction: row.get("transaction_id")?,
        user: row.get("user_id")?,
        object: row.get("object")?,
        successful: row.get("successful")?,
        detail: engine::json(row, "detail")?,
    };
    Ok(AuditRecord { number: row.get("number")?, event })
}

fn topic(name: &str) -> Result<Topic, engine::Error> {
    Topic::of_name(name).ok_or_else(|| engine::Error::Undecodable(format!("there is no topic '{name}'")))
}

impl Db {
    /// Reads the audit trail.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, LedgerError> {
        let mut values = Values::default();
        let topic = query.topic.map(|topic| topic.as_str().to_owned());
        let columns = [("topic", &topic), ("transaction_id", &query.transaction), ("user_id", &query.user), ("object", &query.object)];
        let mut conditions = Vec::new();
        for (column, wanted) in columns {
            if let Some(wanted) = wanted {
                conditions.push(format!("{column} = {}", values.text(wanted.as_str())));
            }
        }
        let by_transaction = query.transaction.is_some() && query.object.is_none();
        if by_transaction || !query.instances.is_empty() {
            conditions.push(format!("number > (SELECT coalesce(max(number), 0) FROM audit) - {SEARCHED}"));
        }
        if !query.instances.is_empty() {
            let named: Vec<String> = query
                .instances
                .iter()
                .map(|instance| format!("detail LIKE {}", values.text(format!("%\"instance\":\"{instance}\"%"))))
                .collect();
            conditions.push(format!("({})", join(&named, "OR", "FALSE")));
        }
        if let Some(before) = query.before {
            conditions.push(format!("number < {}", values.bind(Bound::Integer(before))));
        }
        let limit = values.bind(Bound::Integer(query.limit.into()));
        let text = format!("SELECT * FROM audit WHERE {} ORDER BY number DESC LIMIT {limit}", join(&conditions, "AND", "TRUE"));
        self.walk(move |connection| values.clone().query(connection, text.clone()).all(record)).await
    }

    /// Removes events before a time, in seconds since 1970, and says how many. They go in slices, between which others write.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_audit(&self, before: i64) -> Result<u64, LedgerError> {
        self.sweep_slices("audit", move |connection| {
            // Numbers grow with time: the oldest events have the smallest.
            let query = connection.query(
                "DELETE FROM audit WHERE time < $1 AND number <= \
                 (SELECT max(number) FROM (SELECT number FROM audit ORDER BY number LIMIT $2) AS oldest)",
            );
            query.bind(before).bind(SLICE).execute()
        })
        .await
    }
}
