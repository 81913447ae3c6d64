//! Watches the project's files. Editors save in several steps and in several ways, so a change is taken up when the directory has
//! been quiet for a moment, and the directories are watched rather than the files.
//!
//! Easiest to get wrong: other programs write beside the project's files, a log or an editor's backup. What lies at the top and is not
//! read never wakes anybody; below the watched folders, whoever is woken compares what was read ([`crate::reread::Read`]).

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, DebouncedEvent, Debouncer, RecommendedCache, new_debouncer};
use tokio::sync::mpsc;

/// How long the directory must be quiet, and how often that is looked at: an idle server hardly ever wakes.
const QUIET: Duration = Duration::from_millis(300);
/// The folders that are read.
const FOLDERS: [&str; 3] = ["conf", "resolver", "script"];
/// The only file at the top that is read.
const SETTINGS: &str = "vestibule.toml";

/// A watch; it ends when dropped.
pub(crate) struct Watch {
    debouncer: Debouncer<RecommendedWatcher, RecommendedCache>,
    root: PathBuf,
    /// Another folder of a watched name may be there.
    moved: Arc<AtomicBool>,
}

/// Watches `conf`, `resolver`, `script` and `vestibule.toml` of a project; each batch of changes puts one message into the returned
/// queue.
///
/// # Errors
/// When the system cannot watch the directory.
pub(crate) fn watch(root: &Path) -> notify::Result<(Watch, mpsc::Receiver<()>)> {
    let (sender, receiver) = mpsc::channel(1);
    let moved = Arc::new(AtomicBool::new(false));
    let (top, noticed) = (root.to_owned(), Arc::clone(&moved));
    let mut debouncer = new_debouncer(QUIET, Some(QUIET), move |result: DebounceEventResult| match result {
        Ok(events) => {
            let changes: Vec<&DebouncedEvent> = events.iter().filter(|event| !event.kind.is_access()).collect();
            let paths = || changes.iter().flat_map(|event| &event.paths).map(|path| Place::of(&top, path));
            if paths().any(|place| place == Place::Folder) {
                noticed.store(true, Ordering::Release);
            }
            if paths().any(|place| place != Place::Other) {
                // A full queue means that a reload is due anyway.
                let _ = sender.try_send(());
            }
        }
        Err(errors) => {
            for error in errors {
                tracing::warn!(%error, "the project directory cannot be watched");
            }
        }
    })?;
    debouncer.watch(root, RecursiveMode::NonRecursive)?;
    let mut watch = Watch { debouncer, root: root.to_owned(), moved };
    watch.folders()?;
    Ok((watch, receiver))
}

impl Watch {
    fn folders(&mut self) -> notify::Result<()> {
        for folder in FOLDERS.map(|folder| self.root.join(folder)) {
            if folder.is_dir() {
                self.debouncer.watch(&folder, RecursiveMode::Recursive)?;
            }
        }
        Ok(())
    }

    /// Looks at the folders that are there now: one may have been put in another's place. To be called before the files are read, so
    /// that nothing is missed in between.
    pub(crate) fn follow(&mut self) {
        if !self.moved.swap(false, Ordering::AcqRel) {
            return;
        }
        for folder in FOLDERS {
            // The watch of a folder that is gone has ended by itself.
            let _ = self.debouncer.unwatch(self.root.join(folder));
        }
        if let Err(error) = self.folders() {
            tracing::warn!(%error, "the project is not watched any more; changes need a restart");
        }
    }
}

/// What a changed path is to the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Something that is read, or lies among what is.
    Within,
    /// A watched folder itself, or the link that a mounted volume's files lie behind.
    Folder,
    /// Nothing that is ever read.
    Other,
}

impl Place {
    fn of(root: &Path, path: &Path) -> Self {
        // A path that is not below the root is one of a folder behind a link.
        let Ok(below) = path.strip_prefix(root) else { return Self::Within };
        let mut parts = below.components();
        let Some(Component::Normal(first)) = parts.next() else { return Self::Other };
        let (first, deeper) = (first.to_string_lossy(), parts.next().is_some());
        match (FOLDERS.contains(&&*first), deeper) {
            (true, true) => Self::Within,
            (true, false) => Self::Folder,
            (false, false) if first == SETTINGS => Self::Within,
            // Kubernetes swaps the files of a volume by renaming `..data`.
            (false, _) if first.starts_with("..") => Self::Folder,
            (false, _) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_read_counts() {
        let root = Path::new("/srv/idm");
        let place = |path: &str| Place::of(root, &root.join(path));
        for path in
            ["conf/selfservice-reset.json", "conf/boot/boot.properties", "resolver/boot.properties", "script/a.js", "vestibule.toml"]
        {
            assert_eq!(place(path), Place::Within, "{path}");
        }
        for path in ["conf", "resolver", "script", "..data"] {
            assert_eq!(place(path), Place::Folder, "{path}");
        }
        for path in ["", "server.log", "logs/openidm0.log", "confx", "vestibule.toml~", "vestibule-data/vestibule.db-wal"] {
            assert_eq!(place(path), Place::Other, "{path}");
        }
    }
}
