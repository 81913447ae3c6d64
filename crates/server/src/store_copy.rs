//! `vestibule store copy`: which stores are meant, and whether servers are running on them.

use std::path::Path;

use crest::Clock as _;
use store::{Db, MoveError, Moved};

use crate::data_lock::{DataLock, LockError};
use crate::ports::SystemClock;
use crate::project_directory::{self, NoProject};

/// Why a store was not copied.
#[derive(Debug, thiserror::Error)]
pub enum StoreCopyError {
    /// There is no project of that name.
    #[error(transparent)]
    Project(#[from] NoProject),
    /// A server is running on the target, or it cannot be told.
    #[error("{0}")]
    Locked(String),
    /// What the stores said.
    #[error(transparent)]
    Store(#[from] MoveError),
}

/// Copies a store into another one; one that is not named is the project's own, with its data below `data`. It waits for disks and networks, so
/// it is not for a task.
///
/// # Errors
/// As the variants of [`StoreCopyError`] say; what was copied stays, and the next run goes on from it.
pub fn copy_store(project: Option<&Path>, data: &Path, from: Option<&str>, to: Option<&str>) -> Result<Moved, StoreCopyError> {
    let own = crate::serve::store_url(&project_directory::open(project)?.read(None).settings, data);
    let (from, to) = (from.unwrap_or(&own), to.unwrap_or(&own));
    let locked = |error: LockError| StoreCopyError::Locked(error.to_string());
    // Held to the end: no server begins on either of them meanwhile.
    let (mut alone, mut _held) = (false, None);
    if let Some(file) = Db::file(from).filter(|file| file.exists()) {
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match DataLock::take(directory, Some(&file)) {
            Ok(lock) => (alone, _held) = (true, Some(lock)),
            Err(LockError::Taken { .. }) => {}
            Err(error) => return Err(locked(error)),
        }
    }
    let _target = Db::file(to).filter(|_| to != from).map(|file| DataLock::beside(&file)).transpose().map_err(locked)?;
    Ok(store::move_store(from, to, alone, SystemClock::new().unix_seconds())?)
}
