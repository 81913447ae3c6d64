//! Next definitions that are tried beside present ones: what is counted of both, and how it ended.
//!
//! Easiest to break: an instance is counted once, in the unit that takes its row away, and a canary ends once, in the unit that says so in the
//! audit trail.

use process::{AuditEvent, CanaryOutcome, CanaryPair, KeptCanary, LedgerError, MOST_MAILS, Tally, Version};

use crate::engine::{self, Connection, Row};
use crate::job::Kept;
use crate::{Db, audit};

/// Those that go on, while instances are counted.
pub(crate) struct Canaries(Vec<(KeptCanary, bool)>);

impl Canaries {
    pub(crate) fn read(connection: &Connection) -> Result<Self, engine::Error> {
        let rows = connection.query("SELECT * FROM canary WHERE outcome IS NULL").all(kept)?;
        Ok(Self(rows.into_iter().map(|kept| (kept, false)).collect()))
    }

    /// Counts the instance of a row, if it began with one of these.
    pub(crate) fn take(&mut self, row: &Row<'_>) -> Result<(), engine::Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (process, version): (String, String) = (row.get("process")?, row.get("version")?);
        let (began, ended, failed): (i64, bool, String) = (row.get("began")?, row.get("ended")?, row.get("failed")?);
        let mails = number(row, "mails")?.min(MOST_MAILS.into());
        for (canary, counted) in self.0.iter_mut().filter(|(canary, _)| canary.pair.process == process && began >= canary.began) {
            let tally = match &version {
                version if *version == canary.pair.present.0 => &mut canary.present,
                version if *version == canary.pair.next.0 => &mut canary.next,
                _ => continue,
            };
            tally.instances += 1;
            tally.completed += u64::from(ended);
            tally.failed += u64::from(!failed.is_empty());
            tally.mails += if ended { mails } else { 0 };
            *counted = true;
        }
        Ok(())
    }

    pub(crate) fn write(&self, connection: &Connection) -> Result<(), engine::Error> {
        for (canary, _) in self.0.iter().filter(|(_, counted)| *counted) {
            // Whoever counts is alone: the numbers are those that were read in this transaction, and more. One that ended meanwhile keeps its own.
            let query = connection.query(
                "UPDATE canary SET present_instances = $1, present_completed = $2, present_failed = $3, present_mails = $4, \
                 next_instances = $5, next_completed = $6, next_failed = $7, next_mails = $8 \
                 WHERE process = $9 AND present = $10 AND next = $11 AND began = $12 AND outcome IS NULL",
            );
            let numbers = [canary.present, canary.next].into_iter().flat_map(|of| [of.instances, of.completed, of.failed, of.mails]);
            let query = numbers.fold(query, |query, number| query.bind(i64::try_from(number).unwrap_or(i64::MAX)));
            let CanaryPair { process, present, next } = &canary.pair;
            query.bind(process.as_str()).bind(present.0.as_str()).bind(next.0.as_str()).bind(canary.began).send()?;
        }
        Ok(())
    }
}

fn number(row: &Row<'_>, column: &str) -> Result<u64, engine::Error> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default())
}

fn kept(row: &Row<'_>) -> Result<KeptCanary, engine::Error> {
    let tally = |of: &str| {
        Ok::<_, engine::Error>(Tally {
            instances: number(row, &format!("{of}_instances"))?,
            completed: number(row, &format!("{of}_completed"))?,
            failed: number(row, &format!("{of}_failed"))?,
            mails: number(row, &format!("{of}_mails"))?,
        })
    };
    let outcome: Option<String> = row.get("outcome")?;
    let unknown = || engine::Error::Undecodable("a canary ended in a way that is not known".to_owned());
    Ok(KeptCanary {
        pair: CanaryPair { process: row.get("process")?, present: Version(row.get("present")?), next: Version(row.get("next")?) },
        began: row.get("began")?,
        present: tally("present")?,
        next: tally("next")?,
        outcome: outcome.map(|name| CanaryOutcome::of_name(&name).ok_or_else(unknown)).transpose()?,
        ended: row.get("ended")?,
    })
}

impl Db {
    /// Begins a canary at `now` (seconds since 1970), unless it goes on or has ended already; one that was withdrawn begins anew. Others of
    /// its process that go on are withdrawn.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn begin_canary(&self, pair: &CanaryPair, now: i64) -> Result<(), LedgerError> {
        let pair = pair.clone();
        self.run(Kept::Always, move |connection| {
            withdraw(connection, &pair.process, Some(&pair), now)?;
            let begin = connection.query(
                "INSERT INTO canary (process, present, next, began, present_instances, present_completed, present_failed, present_mails, \
                 next_instances, next_completed, next_failed, next_mails) VALUES ($1, $2, $3, $4, 0, 0, 0, 0, 0, 0, 0, 0) \
                 ON CONFLICT (process, present, next) DO UPDATE SET began = excluded.began, outcome = NULL, ended = NULL, \
                 present_instances = 0, present_completed = 0, present_failed = 0, present_mails = 0, \
                 next_instances = 0, next_completed = 0, next_failed = 0, next_mails = 0 WHERE canary.outcome = $5",
            );
            let begin = begin.bind(pair.process.as_str()).bind(pair.present.0.as_str()).bind(pair.next.0.as_str());
            begin.bind(now).bind(CanaryOutcome::Withdrawn.as_str()).execute().map(drop)
        })
        .await
    }

    /// Withdraws what goes on of a process whose files say nothing of it any more.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn withdraw_canaries(&self, process: &str, now: i64) -> Result<(), LedgerError> {
        let process = process.to_owned();
        self.run(Kept::Always, move |connection| withdraw(connection, &process, None, now)).await
    }

    /// Ends a canary that goes on, with `event` in the audit trail; whether it was this call that did.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn end_canary(&self, pair: &CanaryPair, outcome: CanaryOutcome, event: AuditEvent) -> Result<bool, LedgerError> {
        let pair = pair.clone();
        let keeps_trail = self.keeps_audit();
        self.run(Kept::Always, move |connection| {
            let end = connection
                .query("UPDATE canary SET outcome = $1, ended = $2 WHERE process = $3 AND present = $4 AND next = $5 AND outcome IS NULL");
            let end = end.bind(outcome.as_str()).bind(event.time).bind(pair.process.as_str());
            let ended = end.bind(pair.present.0.as_str()).bind(pair.next.0.as_str()).execute()? == 1;
            if ended && keeps_trail {
                audit::insert(connection, event.clone(), &[])?;
            }
            Ok(ended)
        })
        .await
    }

    /// All canaries, those that began last first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn canaries(&self) -> Result<Vec<KeptCanary>, LedgerError> {
        self.walk(|connection| connection.query("SELECT * FROM canary ORDER BY began DESC, process, present, next").all(kept)).await
    }
}

fn withdraw(connection: &Connection, process: &str, except: Option<&CanaryPair>, now: i64) -> Result<(), engine::Error> {
    let (present, next) = except.map_or(("", ""), |pair| (pair.present.0.as_str(), pair.next.0.as_str()));
    let query = connection
        .query("UPDATE canary SET outcome = $1, ended = $2 WHERE process = $3 AND NOT (present = $4 AND next = $5) AND outcome IS NULL");
    query.bind(CanaryOutcome::Withdrawn.as_str()).bind(now).bind(process).bind(present).bind(next).execute().map(drop)
}
