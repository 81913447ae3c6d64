//! Stores that were put back from a copy. They do not know what was spent after the copy was made, so whatever was issued before they were put
//! back ends: tokens and credentials by the moment that is noted here, sessions and kept contexts by their rows.
//!
//! Easiest to break: the note and the rows go together, and a store is served only after both.

use process::LedgerError;

use crate::Db;
use crate::engine::{self, Connection};
use crate::job::Kept;

/// Notes a moment.
pub(crate) const NOTE: &str = "INSERT INTO put_back (only_row, at) VALUES (1, $1) ON CONFLICT (only_row) DO UPDATE SET at = excluded.at";

/// The first second that is good, where the store was put back at `now`: the same second held both.
pub(crate) const fn after(now: i64) -> i64 {
    now.saturating_add(1)
}

/// Ends what stands in rows.
pub(crate) const ENDED: [&str; 2] = ["DELETE FROM session", "DELETE FROM jsonstorage"];

/// When the store was put back, in seconds since 1970.
fn read(connection: &Connection) -> Result<Option<i64>, engine::Error> {
    connection.query("SELECT at FROM put_back").first(|row| row.get("at"))
}

impl Db {
    /// Looks when the store was put back.
    pub(crate) async fn read_not_before(&self) -> Result<(), LedgerError> {
        if let Some(moment) = self.look::<_, LedgerError, _>(read).await? {
            self.set_not_before(moment);
        }
        Ok(())
    }

    /// Notes that the store was put back from a copy at `now`, in seconds since 1970: nothing that was issued before is good any more. Servers that
    /// run on it know within the time between two sweeps.
    ///
    /// # Errors
    /// When the store does not answer; nothing was done.
    pub async fn was_put_back(&self, now: i64) -> Result<(), LedgerError> {
        self.run::<_, LedgerError, _>(Kept::Always, move |connection| {
            connection.query(NOTE).bind(after(now)).execute()?;
            ENDED.iter().try_for_each(|ended| connection.query(*ended).execute().map(drop))
        })
        .await?;
        self.set_not_before(after(now));
        Ok(())
    }
}
