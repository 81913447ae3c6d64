//! One server per data directory and per store: two would each think that sessions, limits and the outbox are theirs. The lock is the
//! system's own on an open file, so it ends with the process, however that ends, and nothing stale is ever left to remove. Commands that
//! work beside a running server do not take it; the store is made for them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// The file in a data directory. What is written in it is for people: the process that holds it.
const NAME: &str = "server.lock";

/// Why the lock is not ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// A server is running on it.
    #[error("a server is running on '{}' already{}; stop it first, or give this one another directory with --data", what.display(), holder(*.process))]
    Taken {
        /// The directory, or the store.
        what: PathBuf,
        /// The process, as far as it is known.
        process: Option<u32>,
    },
    /// The file cannot be made or locked.
    #[error("'{}' cannot be locked: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

fn holder(process: Option<u32>) -> String {
    process.map(|process| format!(" (process {process})")).unwrap_or_default()
}

/// Held as long as the server runs.
pub(crate) struct DataLock {
    _files: Vec<File>,
}

impl DataLock {
    /// Takes the directory, and the store where that is a file, wherever it lies.
    ///
    /// # Errors
    /// [`LockError`].
    pub(crate) fn take(data: &Path, store: Option<&Path>) -> Result<Self, LockError> {
        let mut files = vec![lock(&data.join(NAME), data)?];
        if let Some(store) = store {
            files.push(lock_store(store)?);
        }
        Ok(Self { _files: files })
    }

    /// Takes a store that is a file, whatever else its directory is for.
    ///
    /// # Errors
    /// [`LockError`].
    pub(crate) fn beside(store: &Path) -> Result<Self, LockError> {
        Ok(Self { _files: vec![lock_store(store)?] })
    }
}

fn lock_store(store: &Path) -> Result<File, LockError> {
    let mut beside = resolved(store).into_os_string();
    beside.push(".lock");
    lock(Path::new(&beside), store)
}

/// Most links that are followed one after the other.
const MAX_LINKS: usize = 40;

/// The one name of a file, whatever links lead to it. The file need not be there yet.
fn resolved(file: &Path) -> PathBuf {
    let mut file = file.to_owned();
    for _ in 0..MAX_LINKS {
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        match std::fs::read_link(&file) {
            Ok(target) => file = directory.join(target),
            Err(_) => return file.file_name().map_or_else(|| file.clone(), |name| directory.join(name)),
        }
    }
    file
}

fn lock(path: &Path, what: &Path) -> Result<File, LockError> {
    let io = |error| LockError::Io { path: path.to_owned(), error };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let process = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(LockError::Taken { what: what.to_owned(), process });
        }
        Err(TryLockError::Error(error)) => return Err(io(error)),
    }
    let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(io)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_refused_until_the_first_has_ended() {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path().join("elsewhere.db");
        let first = DataLock::take(directory.path(), Some(&store)).unwrap();
        let refused = DataLock::take(directory.path(), None).err().unwrap().to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())) && refused.contains("--data"), "{refused}");
        let other = tempfile::tempdir().unwrap();
        let refused = DataLock::take(other.path(), Some(&store)).err().unwrap().to_string();
        assert!(refused.contains("elsewhere.db"), "{refused}");
        drop(first);
        DataLock::take(directory.path(), Some(&store)).unwrap();
    }

    #[test]
    fn a_store_has_one_lock_whatever_it_is_called() {
        let directory = tempfile::tempdir().unwrap();
        let inside = directory.path().join("data");
        std::fs::create_dir(&inside).unwrap();
        let store = inside.join("vestibule.db");
        let (link, folder) = (directory.path().join("link.db"), directory.path().join("folder"));
        std::os::unix::fs::symlink("data/vestibule.db", &link).unwrap();
        std::os::unix::fs::symlink(&inside, &folder).unwrap();
        for there in [false, true] {
            if there {
                std::fs::write(&store, "").unwrap();
            }
            let _first = DataLock::beside(&store).unwrap();
            for other in [link.clone(), folder.join("vestibule.db"), directory.path().join("data/../data/vestibule.db")] {
                assert!(matches!(DataLock::beside(&other), Err(LockError::Taken { .. })), "{}", other.display());
            }
        }
    }
}
