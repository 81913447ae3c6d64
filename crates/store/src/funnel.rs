//! How far instances have come: one row each while a token of it may live, and then counts.
//!
//! Easiest to break: an instance is counted once. Whatever is noted of it, by units and from the memory of several nodes, meets in its one row,
//! and the row becomes counts when nothing more can be noted.

use std::collections::BTreeMap;

use process::{Counted, LedgerError, Passage};

use crate::Db;
use crate::canary::Canaries;
use crate::engine::{self, Connection, Row};
use crate::job::Kept;
use crate::sweep::SLICE;

/// Seconds that a row stays after its last token has ended: what a node has in memory is noted meanwhile.
const AFTER: i64 = 180;
const DAY: i64 = 86_400;
/// What is noted of one instance at most, in bytes of either list.
const LONGEST: i64 = 400;

/// Notes how far an instance has come. What is known already is not taken back.
pub(crate) fn note(connection: &Connection, passage: &Passage) -> Result<(), engine::Error> {
    let query = connection.query(format!(
        "INSERT INTO passage (instance, process, version, path, language, began, expires, reached, ended, took, failed, mails) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (instance) DO UPDATE SET \
         expires = CASE WHEN passage.expires < excluded.expires THEN excluded.expires ELSE passage.expires END, \
         reached = CASE WHEN passage.reached < excluded.reached THEN excluded.reached ELSE passage.reached END, \
         ended = passage.ended OR excluded.ended, \
         mails = passage.mails + excluded.mails, \
         took = CASE WHEN length(passage.took) < {LONGEST} THEN passage.took || excluded.took ELSE passage.took END, \
         failed = CASE WHEN length(passage.failed) < {LONGEST} THEN passage.failed || excluded.failed ELSE passage.failed END"
    ));
    let took = passage.took.map(|(place, seconds)| format!("{place}:{};", bucket(seconds))).unwrap_or_default();
    let failed = passage.failed.map(|(place, why)| format!("{place}:{why};")).unwrap_or_default();
    let query = query.bind(passage.instance.as_str()).bind(passage.process.as_str()).bind(passage.version.0.as_str());
    let query = query.bind(&*passage.path).bind(passage.language).bind(passage.began).bind(passage.expires);
    query
        .bind(i64::try_from(passage.reached).unwrap_or(i64::MAX))
        .bind(passage.ended)
        .bind(took)
        .bind(failed)
        .bind(i64::from(passage.mails))
        .send()
}

/// The first bucket that such a time fits into.
fn bucket(seconds: i64) -> &'static str {
    Counted::WITHIN.into_iter().find(|(most, _)| seconds <= *most).map_or("more", |(_, name)| name)
}

/// What rows count for. Those whose time is not over are on their way, unless they have ended.
#[derive(Default)]
struct Counts(BTreeMap<Counted, u64>);

impl Counts {
    fn take(&mut self, row: &Row<'_>, now: i64) -> Result<(), engine::Error> {
        let number = u64::try_from(row.get::<_, i64>("number")?).unwrap_or_default();
        let reached = usize::try_from(row.get::<_, i64>("reached")?).unwrap_or_default();
        let (ended, path): (bool, String) = (row.get("ended")?, row.get("path")?);
        let (took, failed): (String, String) = (row.get("took")?, row.get("failed")?);
        let over = row.get::<_, i64>("expires")?.saturating_add(AFTER) < now;
        let (day, process, version): (i64, String, String) = (row.get("day")?, row.get("process")?, row.get("version")?);
        let language: String = row.get("language")?;
        for (place, stage) in path.split(',').enumerate() {
            let mut count = |what: &str| {
                let cell = Counted {
                    day,
                    process: process.clone(),
                    version: version.clone(),
                    language: language.clone(),
                    place,
                    stage: stage.to_owned(),
                    what: what.to_owned(),
                };
                *self.0.entry(cell).or_default() += number;
            };
            // A stage may have refused what came to it in a submission that was not kept: nobody has entered it.
            if ended || place <= reached {
                count("entered");
            }
            if ended || place < reached {
                count("completed");
            } else if place == reached {
                count(if over { "abandoned" } else { "open" });
            }
            // Of what was noted twice, the first counts.
            if let Some(within) = noted(&took, place).next() {
                count(&format!("within:{within}"));
            }
            let mut reasons: Vec<&str> = noted(&failed, place).collect();
            reasons.sort_unstable();
            reasons.dedup();
            for reason in reasons {
                count(&format!("failed:{reason}"));
            }
        }
        Ok(())
    }
}

/// What a list says of a place.
fn noted(list: &str, place: usize) -> impl Iterator<Item = &str> {
    list.split(';').filter_map(move |entry| entry.split_once(':').filter(|(at, _)| at.parse() == Ok(place)).map(|(_, what)| what))
}

/// What a row is called by: a key of one column is found as fast on either engine.
fn cell(counted: &Counted) -> String {
    let Counted { day, process, version, language, place, what, .. } = counted;
    format!("{day}/{process}/{version}/{language}/{place}/{what}")
}

impl Db {
    /// Counts the instances whose time is over, and says what was counted. Where several nodes share the store, one of them does it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn fold_passages(&self, now: i64) -> Result<Vec<(Counted, u64)>, LedgerError> {
        let mut all = Counts::default();
        loop {
            let slice = move |connection: &Connection| {
                if !connection.may_sweep("passage")? {
                    return Ok((0, BTreeMap::new()));
                }
                let mut counts = Counts::default();
                let mut canaries = Canaries::read(connection)?;
                let taken = connection.query(format!(
                    "DELETE FROM passage WHERE instance IN (SELECT instance FROM passage WHERE expires < $1 ORDER BY instance LIMIT $2) \
                     RETURNING process, version, path, language, began / {DAY} AS day, began, expires, reached, ended, took, failed, mails, \
                     CAST(1 AS BIGINT) AS number"
                ));
                let taken = taken
                    .bind(now.saturating_sub(AFTER))
                    .bind(SLICE)
                    .all(|row| canaries.take(row).and_then(|()| counts.take(row, now)))?
                    .len();
                canaries.write(connection)?;
                for (counted, number) in &counts.0 {
                    let query = connection.query(
                        "INSERT INTO funnel (cell, day, process, version, language, place, stage, what, number) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                         ON CONFLICT (cell) DO UPDATE SET number = funnel.number + excluded.number",
                    );
                    let query = query.bind(cell(counted)).bind(counted.day).bind(counted.process.as_str()).bind(counted.version.as_str());
                    let query = query.bind(counted.language.as_str()).bind(i64::try_from(counted.place).unwrap_or(i64::MAX));
                    let query = query.bind(counted.stage.as_str()).bind(counted.what.as_str());
                    query.bind(i64::try_from(*number).unwrap_or(i64::MAX)).send()?;
                }
                Ok((taken, counts.0))
            };
            let (taken, counts) = self.run::<_, LedgerError, _>(Kept::Always, slice).await?;
            for (counted, number) in counts {
                *all.0.entry(counted).or_default() += number;
            }
            if i64::try_from(taken).unwrap_or(i64::MAX) < SLICE {
                return Ok(all.0.into_iter().collect());
            }
        }
    }

    /// The funnel of the days since `day` (days since 1970), of everybody who has begun until now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn funnel(&self, since: i64, now: i64) -> Result<Vec<(Counted, u64)>, LedgerError> {
        let read = move |connection: &Connection| {
            let mut counts = Counts::default();
            let folded = connection.query("SELECT * FROM funnel WHERE day >= $1");
            folded.bind(since).all(|row| {
                let counted = Counted {
                    day: row.get("day")?,
                    process: row.get("process")?,
                    version: row.get("version")?,
                    language: row.get("language")?,
                    place: usize::try_from(row.get::<_, i64>("place")?).unwrap_or_default(),
                    stage: row.get("stage")?,
                    what: row.get("what")?,
                };
                *counts.0.entry(counted).or_default() += u64::try_from(row.get::<_, i64>("number")?).unwrap_or_default();
                Ok(())
            })?;
            let open = connection.query(format!(
                "SELECT process, version, path, language, began / {DAY} AS day, expires, reached, ended, took, failed, count(*) AS number \
                 FROM passage WHERE began >= $1 GROUP BY process, version, path, language, began / {DAY}, expires, reached, ended, took, failed"
            ));
            open.bind(since.saturating_mul(DAY)).all(|row| counts.take(row, now))?;
            Ok(counts.0)
        };
        Ok(self.walk::<_, LedgerError, _>(read).await?.into_iter().collect())
    }

    /// Removes the counts of days before `day` (days since 1970). It looks at all of them, so once a day is often enough.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_funnel(&self, day: i64) -> Result<(), LedgerError> {
        let slice = move |connection: &Connection| {
            let text = "DELETE FROM funnel WHERE cell IN (SELECT cell FROM funnel WHERE day < $1 LIMIT $2)";
            connection.query(text).bind(day).bind(SLICE).execute()
        };
        self.sweep_slices::<LedgerError, _>("funnel", slice).await.map(drop)
    }
}
