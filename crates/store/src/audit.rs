//! The audit trail. Events enter it through [`process::Ledger::commit`] only, in the transaction of what they tell.

use process::{AuditEvent, LedgerError, MailId, Topic};

use crate::Db;
use crate::engine::{self, Connection, Row};
use crate::job::Kept;
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
const SEARCHED: i64 = 1_000_000;

/// Slices of events that one call of [`Db::forget_steps`] looks at.
const MOST_SLICES: u32 = 100;

/// Which events to read, newest first. What is `None` does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Events of this topic.
    pub topic: Option<Topic>,
    /// Events of this request. Without an object they are looked for among the newest million alone.
    pub transaction: Option<String>,
    /// Events of this user.
    pub user: Option<String>,
    /// Events about this object.
    pub object: Option<String>,
    /// Events with a smaller number: the next page.
    pub before: Option<i64>,
    /// Events of any of these instances of processes; no matter which where there is none. Looked for among the newest million alone.
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

    /// Removes the events of topic `process` named `step` before a time, in seconds since 1970: strangers write them. Begins behind the event of
    /// number `after`, and says where the next call begins; a call looks at 100 000 events at most, in slices between which others write. Where
    /// several nodes share the store, one of them does it at a time; another one begins next time where it would have begun now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_steps(&self, mut after: i64, before: i64) -> Result<i64, LedgerError> {
        for _ in 0..MOST_SLICES {
            let (looked, behind) =
                self.run::<_, LedgerError, _>(Kept::ByProcess, move |connection| forget_slice(connection, after, before)).await?;
            after = behind;
            if looked < SLICE.unsigned_abs() {
                break;
            }
        }
        Ok(after)
    }
}

/// Removes the steps among the next events behind `after` that are older than `before`: how many events were that old, and the last of them.
fn forget_slice(connection: &Connection, after: i64, before: i64) -> Result<(u64, i64), engine::Error> {
    if !connection.may_sweep("steps")? {
        return Ok((0, after));
    }
    // Numbers grow with time, so what is old comes first, and looking ends at the first that is not.
    let query = connection.query("SELECT number, time, topic, event FROM audit WHERE number > $1 ORDER BY number LIMIT $2");
    let rows = query.bind(after).bind(SLICE).all(|row| {
        let step = row.get::<_, String>("event")? == "step" && row.get::<_, String>("topic")? == Topic::Process.as_str();
        Ok((row.get::<_, i64>("number")?, row.get::<_, i64>("time")?, step))
    })?;
    let old: Vec<(i64, i64, bool)> = rows.into_iter().take_while(|(_, time, _)| *time < before).collect();
    let gone: Vec<i64> = old.iter().filter(|(.., step)| *step).map(|(number, ..)| *number).collect();
    if !gone.is_empty() {
        let text = format!("DELETE FROM audit WHERE number IN ({})", connection.dialect().numbers("$1"));
        connection.query(text).bind(serde_json::Value::from(gone).to_string()).execute()?;
    }
    Ok((old.len() as u64, old.last().map_or(after, |(number, ..)| *number)))
}
