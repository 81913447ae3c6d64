//! The connections that read. A look into an index takes microseconds, less than handing it to another thread would, and is done on
//! the caller's own; what walks over a collection goes to a thread that may be kept waiting.
//!
//! Easiest to break: whoever uses [`Readers::look`] promises reading whose cost does not grow with the store, or does it
//! [`briefly`](Connection::briefly) and walks when that was not enough.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use crate::engine::Connection;
use crate::error::Unavailable;
use crate::sqlite;

/// Connections that are kept open, each with a page cache of its own, and walks that are done at a time.
const READERS: usize = 4;
/// How long a walk waits for its turn before its caller hears that the store is not available.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Readers {
    file: PathBuf,
    /// `None` when the store is closed.
    idle: Mutex<Option<Vec<Connection>>>,
    walks: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(file: PathBuf) -> Arc<Self> {
        Arc::new(Self { file, idle: Mutex::new(Some(Vec::new())), walks: Arc::new(Semaphore::new(READERS)) })
    }

    /// Reads on this thread.
    pub(crate) fn look<T, E: From<Unavailable>>(&self, mut read: impl FnMut(&Connection) -> Result<T, E>) -> Result<T, E> {
        let connection = self.take()?;
        let found = read(&connection);
        self.put(connection);
        found
    }

    /// Reads on another thread, a few at a time, and after whatever else wants a processor. The thread goes on when the caller has gone, unless
    /// what it reads looks at a [`Limit`](crate::limit::Limit).
    pub(crate) async fn walk<T, E, F>(self: &Arc<Self>, read: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        let turn = tokio::time::timeout(TURN_TIMEOUT, Arc::clone(&self.walks).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or_else(|| Unavailable("too many long searches are under way".to_owned()))?;
        let readers = Arc::clone(self);
        let (found, answer) = oneshot::channel();
        let walk = move || {
            step_back();
            let read = readers.look(read);
            drop(turn);
            // Whoever asked may have gone.
            drop(found.send(read));
        };
        std::thread::Builder::new().name("store-walk".to_owned()).spawn(walk).map_err(|error| Unavailable(error.to_string()))?;
        answer.await.unwrap_or_else(|_| Err(Unavailable("reading ended without an answer".to_owned()).into()))
    }

    /// Closes the connections that nobody uses: their caches are given back, and the next reader opens a new one.
    pub(crate) fn rest(&self) {
        if let Some(idle) = &mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner) {
            idle.clear();
        }
    }

    /// No connection is lent any more; those that are out end when they come back.
    pub(crate) fn close(&self) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn take(&self) -> Result<Connection, Unavailable> {
        let idle = match &mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner) {
            None => return Err(Unavailable::closed()),
            Some(idle) => idle.pop(),
        };
        idle.map_or_else(|| Ok(Connection::Sqlite(sqlite::reader(&self.file)?)), Ok)
    }

    fn put(&self, connection: Connection) {
        if let Some(idle) = &mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner)
            && idle.len() < READERS
        {
            idle.push(connection);
        }
    }
}

/// Lets every other thread of this process go first. Where that is not allowed, this one is as good as they are.
#[cfg(target_os = "linux")]
fn step_back() {
    /// As `nice` has it: for a tenth of what others get where there is not enough for all.
    const NICE: i32 = 10;
    // On Linux it is the calling thread that is meant (setpriority(2), "BUGS"). Where it is not allowed, nothing else is to be done.
    let _ = rustix::process::setpriority_process(None, NICE);
}

#[cfg(not(target_os = "linux"))]
fn step_back() {}
