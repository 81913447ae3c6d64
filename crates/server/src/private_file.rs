//! Files that are whole or not there: written beside their name, for nobody but their owner, and renamed.
//!
//! Easiest to break: a crash. What was written is on the disk before the file has its name, and the name is before anybody is told.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

/// The directory that a file is in.
fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Has what became of the names in the directory of `path` on the disk.
///
/// # Errors
/// What the system says.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

/// A file beside `path` that has no name yet, with mode 0600.
///
/// # Errors
/// What the system says.
pub(crate) fn begin(path: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".vestibule-").tempfile_in(directory_of(path))
}

/// Gives a file that is whole its name; one that has it is replaced.
///
/// # Errors
/// What the system says; whatever has the name keeps it then.
pub(crate) fn finish(file: NamedTempFile, path: &Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_directory(path)
}

/// Writes a file; one that has the name is replaced.
///
/// # Errors
/// What the system says; whatever has the name keeps it then.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = begin(path)?;
    file.write_all(content)?;
    finish(file, path)
}

/// Writes a file of a name that nothing has yet.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], or what else the system says.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = begin(path)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    sync_directory(path)
}
