//! The project's files on several nodes: what an administrator changed over REST (`config/*`) at one of them is kept in the store that they
//! share, and written into the project of every other one.
//!
//! Easiest to get wrong: which of two outranks the other. A change over REST outranks a file that is older than it, also at a node that starts
//! later; a file that was written after it outranks the change, because somebody meant it.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use crest::Clock;
use jose::KeyRing;
use process::LedgerError;
use store::{Db, KeptFile};
use tokio::sync::watch;

use crate::project_writes::{Reloads, keep, reload};
use crate::runtime::Source;
use crate::sealed;

/// How often a node asks what others have changed.
const LOOK: Duration = Duration::from_secs(2);

/// Files that several nodes have.
pub(crate) struct SharedConfig {
    db: Db,
    keys: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    root: PathBuf,
    reloads: Reloads,
    /// The last change that was taken.
    seen: AtomicI64,
    /// The last one that could not be, and was reported.
    failed: AtomicI64,
}

impl SharedConfig {
    /// Those of a project, where its store has room for other nodes and its files are in a directory.
    pub(crate) fn of(db: &Db, keys: &Arc<KeyRing>, clock: &Arc<dyn Clock>, source: &Source, reloads: &Reloads) -> Option<Arc<Self>> {
        let root = source.root().filter(|_| db.is_shared())?.to_owned();
        let (db, keys, clock, reloads) = (db.clone(), Arc::clone(keys), Arc::clone(clock), reloads.clone());
        Some(Arc::new(Self { db, keys, clock, root, reloads, seen: AtomicI64::new(0), failed: AtomicI64::new(0) }))
    }

    /// Keeps a file as it was written here, or that it was removed.
    pub(crate) async fn keep(&self, path: &str, text: Option<&str>) -> Result<(), LedgerError> {
        let sealed = text.map(|text| sealed::seal(&self.keys, text.as_bytes())).transpose();
        let sealed = sealed.map_err(|error| LedgerError(error.to_string()))?;
        let changed = written(&self.root.join(path)).unwrap_or_else(|| self.clock.unix_seconds());
        self.db.keep_config(path.to_owned(), sealed, changed).await
    }

    /// Takes what others have changed, before the first request.
    pub(crate) async fn catch_up(&self) {
        match self.take().await {
            Ok(true) => {
                if !reload(&self.reloads).await {
                    tracing::error!("files that another node changed were written here, and could not be taken up");
                }
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "what other nodes changed of the project could not be read"),
        }
    }

    /// Takes what others change, until the end.
    pub(crate) async fn follow(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => self.catch_up().await,
                _ = stop.changed() => return,
            }
        }
    }

    /// Writes what was changed since; says whether a file was. What cannot be written is tried again the next time, and what came behind it waits.
    async fn take(&self) -> Result<bool, LedgerError> {
        let mut wrote = false;
        for file in self.db.config_after(self.seen.load(Ordering::Acquire)).await? {
            let number = file.number;
            let (root, keys) = (self.root.clone(), Arc::clone(&self.keys));
            let written = tokio::task::spawn_blocking(move || write(&root, &keys, &file)).await;
            match written.map_err(|error| error.to_string()).and_then(|written| written) {
                Ok(now) => wrote |= now,
                Err(reason) => {
                    if self.failed.swap(number, Ordering::AcqRel) != number {
                        tracing::error!(
                            "a file that another node changed cannot be written here: {reason}; it is tried again until it can"
                        );
                    }
                    return Ok(wrote);
                }
            }
            self.seen.store(number, Ordering::Release);
        }
        Ok(wrote)
    }
}

/// When a file was written last, in seconds since 1970.
pub(crate) fn written(place: &Path) -> Option<i64> {
    let modified = place.metadata().ok()?.modified().ok()?;
    i64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// Writes a file as another node has it, unless it says the same or is younger.
fn write(root: &Path, keys: &KeyRing, file: &KeptFile) -> Result<bool, String> {
    let relative = Path::new(&file.path);
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        // Nothing changes that.
        tracing::error!("another node changed '{}', which is no file of a project", file.path);
        return Ok(false);
    }
    let place = root.join(relative);
    let text = match &file.sealed {
        Some(sealed) => {
            let opened = sealed::open(keys, sealed).and_then(|bytes| String::from_utf8(bytes).ok());
            Some(opened.ok_or_else(|| format!("{} was sealed with other keys than those of this node", file.path))?)
        }
        None => None,
    };
    let on_disk = std::fs::read_to_string(&place).ok();
    if on_disk == text {
        return Ok(false);
    }
    if written(&place).is_some_and(|written| written > file.changed) {
        tracing::warn!(file = file.path, "a file was written here after it was changed over REST at another node: the file counts");
        return Ok(false);
    }
    keep(&place, on_disk.as_deref(), text.as_deref()).map_err(|error| format!("{}: {error}", file.path))?;
    tracing::info!(file = file.path, "a file of the project was changed at another node");
    Ok(true)
}
