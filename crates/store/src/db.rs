//! The handle to a store. Clones share it.

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use process::LedgerError;

use crate::error::Unavailable;
use crate::readers::Readers;
use crate::sqlite::{self, Connection};
use crate::writer::{Kept, Writer};
use crate::{Collections, IndexError, OpenError, TextSeal, indexes};

/// A store: one connection that writes, a few that read. It implements [`process::Ledger`], [`process::Outbox`],
/// [`identity::Objects`] and [`identity::Sessions`].
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
}

struct Shared {
    file: String,
    writer: Writer,
    readers: Arc<Readers>,
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
        let name = file.display().to_string();
        let unreachable = |cause: String| OpenError::Unreachable { file: name.clone(), cause };
        let path = file.clone();
        let opened = tokio::task::spawn_blocking(move || {
            sqlite::create_private(&path)
                .map_err(|error| OpenError::Unreachable { file: path.display().to_string(), cause: error.to_string() })?;
            let mut connection = sqlite::writer(&path).map_err(|error| sqlite::open_error(&path, &error))?;
            sqlite::migrate(&path, &mut connection)?;
            Ok::<_, OpenError>(connection)
        });
        let connection = opened.await.map_err(|error| unreachable(error.to_string()))??;
        let writer = Writer::start(connection).map_err(|error| unreachable(error.to_string()))?;
        let shared = Shared { file: name, writer, readers: Readers::new(file), collections: RwLock::default(), seal: OnceLock::new() };
        let db = Self { shared: Arc::new(shared) };
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
        let declared = collections.clone();
        let made = self.write(move |connection| indexes::ensure(connection, &declared)).await?;
        *self.shared.collections.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(made.collections);
        made.refused.map_or(Ok(()), Err)
    }

    /// Asks the store for an answer.
    ///
    /// # Errors
    /// When it gives none.
    pub fn ping(&self) -> Result<(), LedgerError> {
        self.look(|connection| connection.run("SELECT 1"))
    }

    /// Waits for what is under way, writes everything back into the main file and closes it. The handle and its clones are of no
    /// use afterwards.
    ///
    /// # Errors
    /// When the log could not be written back; it is read at the next opening, and nothing is lost.
    pub async fn close(&self) -> Result<(), LedgerError> {
        self.shared.readers.close();
        self.shared.writer.close().await.map_err(LedgerError::from)
    }

    /// Does work in a transaction that writes. The transaction is committed unless the work fails.
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        self.shared.writer.run(Kept::Always, work).await
    }

    /// [`Self::write`] for work that fails for no other reason than the store.
    pub(crate) async fn run<T, E, F>(&self, kept: Kept, work: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, sqlite::Error> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable>,
    {
        self.shared.writer.run(kept, move |connection| work(connection).map_err(Unavailable::from)).await.map_err(E::from)
    }

    /// Looks something up on this thread. The cost of the statement must not grow with the store.
    pub(crate) fn look<T, E: From<Unavailable>>(&self, read: impl FnOnce(&Connection) -> Result<T, sqlite::Error>) -> Result<T, E> {
        self.shared.readers.look(|connection| read(connection).map_err(Unavailable::from)).map_err(E::from)
    }

    /// Reads on a thread that may be kept waiting.
    pub(crate) async fn walk<T, E, F>(&self, read: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, sqlite::Error> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable>,
    {
        self.readers().walk(move |connection| read(connection).map_err(Unavailable::from)).await.map_err(E::from)
    }

    pub(crate) fn readers(&self) -> &Arc<Readers> {
        &self.shared.readers
    }

    pub(crate) fn collections(&self) -> Arc<Collections> {
        Arc::clone(&self.shared.collections.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
