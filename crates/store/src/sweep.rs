//! Removing what has expired: in slices, between which others write, and by one node at a time.

use std::sync::Arc;

use crate::Db;
use crate::engine::{self, Connection};
use crate::error::Unavailable;
use crate::job::Kept;

/// Rows that one transaction of a sweep removes: others write in between.
pub(crate) const SLICE: i64 = 1000;

impl Db {
    /// Removes rows in slices until there are no more. Where several nodes share the store, one of them does it.
    pub(crate) async fn sweep_slices<E, F>(&self, what: &'static str, slice: F) -> Result<u64, E>
    where
        F: Fn(&Connection) -> Result<u64, engine::Error> + Send + Sync + 'static,
        E: From<Unavailable>,
    {
        let slice = Arc::new(slice);
        let mut all = 0;
        loop {
            let slice = Arc::clone(&slice);
            let removed: u64 = self
                .run::<_, E, _>(Kept::ByProcess, move |connection| if connection.may_sweep(what)? { slice(connection) } else { Ok(0) })
                .await?;
            all += removed;
            if removed < SLICE.unsigned_abs() {
                return Ok(all);
            }
        }
    }
}
