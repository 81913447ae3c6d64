//! What must not happen twice at once at this node follows one another: the sign-ins of one person, so that each finds the count of the one
//! before; the two requests of a double click.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tokio::sync::{Mutex, MutexGuard};

/// Locks; two people may share one.
const SHARDS: usize = 64;

/// Whose turn it is.
pub struct Turns([Mutex<()>; SHARDS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    /// Waits for the turn of whatever has this id.
    pub async fn turn(&self, id: &str) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let shard = usize::try_from(hasher.finish() % SHARDS as u64).unwrap_or(0);
        match self.0.get(shard) {
            Some(shard) => Some(shard.lock().await),
            None => None,
        }
    }
}
