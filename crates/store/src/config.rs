//! Files of the project that were changed over REST, for the other nodes. A store that no other node shares keeps none.

use process::LedgerError;

use crate::Db;
use crate::engine::{Lock, Row};
use crate::job::Kept;

/// A file as an administrator left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFile {
    /// Its path in the project.
    pub path: String,
    /// Its content, sealed; none where it was removed.
    pub sealed: Option<String>,
    /// Grows with every change of any file.
    pub number: i64,
    /// When it was changed, in seconds since 1970.
    pub changed: i64,
}

pub(crate) const ALL_CONFIG: &str = "SELECT path, sealed, number, changed FROM config_file WHERE number > $1 ORDER BY number";

pub(crate) fn kept_file(row: &Row<'_>) -> Result<KeptFile, crate::engine::Error> {
    Ok(KeptFile { path: row.get("path")?, sealed: row.get("sealed")?, number: row.get("number")?, changed: row.get("changed")? })
}

impl Db {
    /// Keeps a file for the other nodes.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn keep_config(&self, path: String, sealed: Option<String>, changed: i64) -> Result<(), LedgerError> {
        if !self.is_shared() {
            return Ok(());
        }
        self.run(Kept::Always, move |connection| {
            // Numbers grow in the order of the commits, so that nobody who has seen one misses a smaller one.
            connection.lock(&Lock::Definitions)?;
            let query = connection.query(
                "INSERT INTO config_file (path, sealed, number, changed) \
                 VALUES ($1, $2, (SELECT coalesce(max(number), 0) + 1 FROM config_file), $3) \
                 ON CONFLICT (path) DO UPDATE SET sealed = excluded.sealed, number = excluded.number, changed = excluded.changed",
            );
            query.bind(&path).bind(sealed.as_deref()).bind(changed).execute().map(drop)
        })
        .await
    }

    /// The files that were changed after this change, in their order.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn config_after(&self, number: i64) -> Result<Vec<KeptFile>, LedgerError> {
        if !self.is_shared() {
            return Ok(Vec::new());
        }
        self.look(move |connection| connection.query(ALL_CONFIG).bind(number).all(kept_file)).await
    }
}
