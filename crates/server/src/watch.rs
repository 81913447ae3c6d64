//! Watches the project's files. Editors save in several steps and in several ways, so a change is taken up when the directory has
//! been quiet for a moment, and the directories are watched rather than the files.

use std::path::Path;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};
use tokio::sync::mpsc;

/// How long the directory must be quiet, and how often that is looked at: an idle server hardly ever wakes.
const QUIET: Duration = Duration::from_millis(300);

/// A watch; it ends when dropped.
pub(crate) struct Watch {
    _debouncer: Debouncer<RecommendedWatcher, RecommendedCache>,
}

/// Watches `conf`, `resolver`, `script` and the top of a project; each batch of changes puts one message into the returned queue.
///
/// # Errors
/// When the system cannot watch the directory.
pub(crate) fn watch(root: &Path) -> notify::Result<(Watch, mpsc::Receiver<()>)> {
    let (sender, receiver) = mpsc::channel(1);
    let mut debouncer = new_debouncer(QUIET, Some(QUIET), move |result: DebounceEventResult| match result {
        Ok(events) if events.iter().any(|event| !event.kind.is_access()) => {
            // A full queue means that a reload is due anyway.
            let _ = sender.try_send(());
        }
        Ok(_) => {}
        Err(errors) => {
            for error in errors {
                tracing::warn!(%error, "the project directory cannot be watched");
            }
        }
    })?;
    debouncer.watch(root, RecursiveMode::NonRecursive)?;
    for folder in ["conf", "resolver", "script"] {
        let folder = root.join(folder);
        if folder.is_dir() {
            debouncer.watch(&folder, RecursiveMode::Recursive)?;
        }
    }
    Ok((Watch { _debouncer: debouncer }, receiver))
}
