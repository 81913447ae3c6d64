//! Who is in the middle of a definition that was revoked, where several nodes share a store: each node notes what its own trail holds, as marks
//! that expire.
//!
//! Easiest to break: a person may begin at one node and end at another. Whoever ended somewhere has ended, whichever node says so first.

use std::collections::BTreeSet;

use process::LedgerError;

use crate::Db;
use crate::engine::{self, Connection};
use crate::job::Kept;

/// An instance that took a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// The version of its definition.
    pub version: String,
    /// The instance.
    pub instance: String,
    /// It has ended.
    pub ended: bool,
}

/// The value of a mark whose instance has ended.
const ENDED: i64 = -1;
/// Marks of one transaction.
const TOGETHER: usize = 500;

fn of_version(version: &str) -> String {
    format!("in-flight:{version}:")
}

/// Definitions that are kept and refused, as processes and versions.
pub(crate) fn revoked(connection: &Connection) -> Result<Vec<(String, String)>, engine::Error> {
    let query = connection.query("SELECT process, version FROM definition WHERE revoked ORDER BY process, number DESC");
    query.all(|row| Ok((row.get("process")?, row.get("version")?)))
}

/// The instances of a version that were noted and have not expired: those in flight, and those that ended.
pub(crate) fn noted(connection: &Connection, version: &str, now: i64) -> Result<(BTreeSet<String>, BTreeSet<String>), engine::Error> {
    let prefix = of_version(version);
    // What the pattern finds besides is no mark of this version.
    let query = connection.query("SELECT name, value FROM counter WHERE name LIKE $1 AND expires >= $2");
    let marks: Vec<(String, i64)> = query.bind(format!("{prefix}%")).bind(now).all(|row| Ok((row.get("name")?, row.get("value")?)))?;
    let (mut open, mut ended) = (BTreeSet::new(), BTreeSet::new());
    for (name, value) in marks {
        let Some(instance) = name.strip_prefix(&prefix) else { continue };
        if value == ENDED {
            ended.insert(instance.to_owned())
        } else {
            open.insert(instance.to_owned())
        };
    }
    Ok((open, ended))
}

impl Db {
    /// Definitions that are kept and refused, as processes and versions.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn revoked(&self) -> Result<Vec<(String, String)>, LedgerError> {
        self.look(revoked).await
    }

    /// What was noted of a version; see [`Inspection::in_flight`](crate::Inspection::in_flight).
    #[cfg(any(test, feature = "testing"))]
    pub(crate) async fn noted_in_flight(&self, version: &str, now: i64) -> Result<(BTreeSet<String>, BTreeSet<String>), LedgerError> {
        let version = version.to_owned();
        self.look(move |connection| noted(connection, &version, now)).await
    }

    /// Notes instances until `expires`, in seconds since 1970. Noting one twice is no fault.
    ///
    /// # Errors
    /// When the store does not answer; some may be noted.
    pub async fn note_in_flight(&self, instances: &[InFlight], expires: i64) -> Result<(), LedgerError> {
        for some in instances.chunks(TOGETHER) {
            let some = some.to_vec();
            let work = move |connection: &Connection| {
                some.iter().try_for_each(|one| {
                    let query = connection.query(
                        "INSERT INTO counter (name, value, expires) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET \
                         value = CASE WHEN counter.value < excluded.value THEN counter.value ELSE excluded.value END, \
                         expires = excluded.expires",
                    );
                    let name = format!("{}{}", of_version(&one.version), one.instance);
                    query.bind(name).bind(if one.ended { ENDED } else { 0 }).bind(expires).execute().map(drop)
                })
            };
            self.run::<_, LedgerError, _>(Kept::ByProcess, work).await?;
        }
        Ok(())
    }
}
