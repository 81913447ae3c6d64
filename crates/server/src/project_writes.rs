//! Writing files of the project, and asking for them to be read.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tokio::sync::{mpsc, oneshot};

use crate::private_file;

/// Asks the task that reads the project to read it now, and hears whether it is being served.
pub(crate) type Reloads = mpsc::Sender<oneshot::Sender<bool>>;

/// Has the project read, and says whether it is being served.
pub(crate) async fn reload(reloads: &Reloads) -> bool {
    let (answer, done) = oneshot::channel();
    reloads.send(answer).await.is_ok() && done.await.unwrap_or(false)
}

/// Writes the new text, or removes the file, the old one kept as `<file>.previous`.
pub(crate) fn keep(place: &Path, before: Option<&str>, text: Option<&str>) -> io::Result<()> {
    if let Some(before) = before {
        let mut previous = place.as_os_str().to_owned();
        previous.push(".previous");
        write(&PathBuf::from(previous), before)?;
    }
    text.map_or_else(|| remove(place), |text| write(place, text))
}

/// Removes a file, for good when this returns.
pub(crate) fn remove(place: &Path) -> io::Result<()> {
    match std::fs::remove_file(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    private_file::sync_directory(place)
}

/// Replaces a file in one step, so that a reader finds the old one or the new one. It stays as readable as it was.
pub(crate) fn write(place: &Path, text: &str) -> io::Result<()> {
    let mut beside = private_file::begin(place)?;
    beside.write_all(text.as_bytes())?;
    if let Ok(facts) = place.metadata() {
        beside.as_file().set_permissions(facts.permissions())?;
    }
    private_file::finish(beside, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_the_version_before_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("a.json");
        keep(&place, None, Some("1")).unwrap();
        keep(&place, Some("1"), Some("2")).unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "2");
        assert_eq!(std::fs::read_to_string(directory.path().join("a.json.previous")).unwrap(), "1");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2, "nothing else is left");
        keep(&place, Some("2"), None).unwrap();
        assert!(!place.exists());
        assert_eq!(std::fs::read_to_string(directory.path().join("a.json.previous")).unwrap(), "2");
    }
}
