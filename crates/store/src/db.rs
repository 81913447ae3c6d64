//! The handle to a store. Clones share it.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use process::LedgerError;

use crate::sqlite::{self, Pool, Transaction};
use crate::{Collections, IndexError, OpenError, TextSeal, indexes};

/// A store: one connection that writes, a few that read. It implements [`process::Ledger`], [`process::Outbox`],
/// [`identity::Objects`] and [`identity::Sessions`].
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
}

struct Shared {
    file: PathBuf,
    writer: Pool,
    readers: Pool,
    collections: RwLock<Arc<Collections>>,
    seal: OnceLock<Arc<dyn TextSeal>>,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("file", &self.shared.file).finish_non_exhaustive()
    }
}

impl Db {
    /// Opens the store at a path or URL (`sqlite:PATH`), making the file (mode 0600) and its tables where they are missing. The
    /// directory must exist.
    ///
    /// # Errors
    /// As the variants of [`OpenError`] say.
    pub async fn open(location: &str, collections: Collections) -> Result<Self, OpenError> {
        let file = sqlite::file(location)?;
        let unreachable = |error: std::io::Error| OpenError::Unreachable { file: file.display().to_string(), cause: error.to_string() };
        sqlite::create_private(&file).await.map_err(unreachable)?;
        let writer = sqlite::writer(&file).await.map_err(|error| sqlite::open_error(&file, &error))?;
        sqlite::migrate(&writer).await.map_err(|error| sqlite::migrate_error(&file, &error))?;
        let readers = sqlite::readers(&file);
        let db = Self { shared: Arc::new(Shared { file, writer, readers, collections: RwLock::default(), seal: OnceLock::new() }) };
        db.ensure_indexes(&collections).await?;
        Ok(db)
    }

    pub(crate) fn seal(&self) -> &OnceLock<Arc<dyn TextSeal>> {
        &self.shared.seal
    }

    /// Makes the indexes that `collections` declares and drops those it does not, in one transaction. Objects stay readable
    /// meanwhile; writes wait.
    ///
    /// # Errors
    /// [`IndexError::Duplicate`] when stored objects contradict a uniqueness, [`IndexError::Name`] when no index can guard it; all
    /// other indexes are in force then. [`IndexError::Unavailable`] when nothing was done.
    pub async fn ensure_indexes(&self, collections: &Collections) -> Result<(), IndexError> {
        let unavailable = |error: sqlx::Error| IndexError::Unavailable(error.to_string());
        let mut transaction = self.write().await.map_err(unavailable)?;
        let made = match indexes::ensure(&mut transaction, collections).await {
            Ok(made) => made,
            Err(error) => {
                roll_back(transaction).await;
                return Err(error);
            }
        };
        transaction.commit().await.map_err(unavailable)?;
        *self.shared.collections.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(made.collections);
        made.refused.map_or(Ok(()), Err)
    }

    /// Asks the store for an answer.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<(), LedgerError> {
        sqlx::query("SELECT 1").execute(self.readers()).await.map(drop).map_err(unavailable)
    }

    /// Waits for what is under way, writes everything back into the main file and closes it. The handle and its clones are of no
    /// use afterwards.
    ///
    /// # Errors
    /// When the log could not be written back; it is read at the next opening, and nothing is lost.
    pub async fn close(&self) -> Result<(), LedgerError> {
        self.shared.readers.close().await;
        let done = sqlx::query(sqlite::CHECKPOINT).fetch_all(self.writer()).await;
        self.shared.writer.close().await;
        done.map(drop).map_err(unavailable)
    }

    pub(crate) fn readers(&self) -> &Pool {
        &self.shared.readers
    }

    pub(crate) fn writer(&self) -> &Pool {
        &self.shared.writer
    }

    /// Begins a transaction that writes.
    pub(crate) async fn write(&self) -> Result<Transaction, sqlx::Error> {
        self.writer().begin_with(sqlite::BEGIN_WRITE).await
    }

    pub(crate) fn collections(&self) -> Arc<Collections> {
        Arc::clone(&self.shared.collections.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Gives up a transaction. Should this fail, dropping the connection's transaction does the same.
pub(crate) async fn roll_back(transaction: Transaction) {
    if let Err(error) = transaction.rollback().await {
        tracing::warn!(%error, "a transaction could not be rolled back");
    }
}

pub(crate) fn unavailable(error: impl fmt::Display) -> LedgerError {
    LedgerError(error.to_string())
}

#[cfg(test)]
mod tests;
