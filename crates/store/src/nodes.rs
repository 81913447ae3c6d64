//! The nodes that share a store, by what each of them said lately.

use process::LedgerError;

use crate::Db;
use crate::job::Kept;

/// A node that has said nothing for so long, in seconds, is not there.
const SILENT: i64 = 180;
/// Their rows are counters, which are swept when their time has passed.
pub(crate) const PREFIX: &str = "node ";
/// What comes behind all of them.
pub(crate) const BEHIND: &str = "node!";

/// What nodes tell one another is heard for so long, in seconds: whoever comes later has nothing of what it is about.
const HEARD: i64 = 24 * 3600;
/// Its rows are counters as well.
const TOLD: &str = "told ";
/// What comes behind all of them.
const BEHIND_TOLD: &str = "told!";

impl Db {
    /// Says that the node `id` is there at `now`, in seconds since 1970, and how many there are: 1 where no other one can be. Nobody waits for it, so
    /// it does not wait for a server either: one that is looked for is found by the next time.
    ///
    /// # Errors
    /// When the store does not answer; at once while no server can be written to.
    pub async fn nodes(&self, id: &str, now: i64) -> Result<u32, LedgerError> {
        if !self.is_shared() {
            return Ok(1);
        }
        self.has_writer()?;
        let name = format!("{PREFIX}{id}");
        let alive: i64 = self
            .run::<_, LedgerError, _>(Kept::ByProcess, move |connection| {
                let said = connection.query(
                    "INSERT INTO counter (name, value, expires) VALUES ($1, 1, $2) ON CONFLICT (name) DO UPDATE SET expires = excluded.expires",
                );
                said.bind(&name).bind(now.saturating_add(SILENT)).send()?;
                let alive = connection.query("SELECT count(*) AS alive FROM counter WHERE name > $1 AND name < $2 AND expires > $3");
                alive.bind(PREFIX).bind(BEHIND).bind(now).one(|row| row.get("alive"))
            })
            .await?;
        Ok(u32::try_from(alive).unwrap_or(u32::MAX).max(1))
    }

    /// Says that the node `id` goes.
    ///
    /// # Errors
    /// When the store does not answer; the node is missed after a while.
    pub async fn leave(&self, id: &str) -> Result<(), LedgerError> {
        if !self.is_shared() {
            return Ok(());
        }
        let name = format!("{PREFIX}{id}");
        self.run(Kept::ByProcess, move |connection| connection.query("DELETE FROM counter WHERE name = $1").bind(&name).execute().map(drop))
            .await
    }

    /// Tells the other nodes something, all of it at once, at `now` in seconds since 1970.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tell(&self, what: &[String], now: i64) -> Result<(), LedgerError> {
        if !self.is_shared() {
            return Ok(());
        }
        let mut names: Vec<_> = what.iter().map(|what| format!("{TOLD}{what}")).collect();
        // Two that say the same wait for one another in the same order.
        names.sort();
        self.run(Kept::ByProcess, move |connection| {
            names.iter().try_for_each(|name| {
                let told = connection.query(
                    "INSERT INTO counter (name, value, expires) VALUES ($1, 1, $2) \
                     ON CONFLICT (name) DO UPDATE SET value = counter.value + 1, expires = excluded.expires",
                );
                told.bind(name).bind(now.saturating_add(HEARD)).execute().map(drop)
            })
        })
        .await
    }

    /// What nodes have told one another lately, and how often they have.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn told(&self) -> Result<Vec<(String, i64)>, LedgerError> {
        if !self.is_shared() {
            return Ok(Vec::new());
        }
        self.look(move |connection| {
            let told = connection.query("SELECT name, value FROM counter WHERE name > $1 AND name < $2");
            told.bind(TOLD).bind(BEHIND_TOLD).all(|row| {
                let mut name: String = row.get("name")?;
                Ok((name.split_off(TOLD.len()), row.get("value")?))
            })
        })
        .await
    }
}
