//! Which project a command is about. A directory that is no project is refused before anything is opened: served, it would answer
//! every request with 404, and that is noticed by the people who need the server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::runtime::Source;

/// Why there is no project to work on.
#[derive(Debug, thiserror::Error)]
pub enum NoProject {
    /// Nothing is there, or it is a file.
    #[error("'{}' is no directory", .0.display())]
    NoDirectory(PathBuf),
    /// It has no `conf`.
    #[error("'{}' has no directory 'conf', so it is no IDM project: --project names the directory that holds 'conf'{}", root.display(), meant(root))]
    NoConf {
        /// The directory named.
        root: PathBuf,
    },
    /// Its `conf` has no files.
    #[error("'{}' has no files, so there is no project to serve", .0.display())]
    Empty(PathBuf),
    /// It cannot be looked at.
    #[error("'{}' cannot be read: {error}", path.display())]
    Unreadable {
        /// What cannot.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// The directory around or within that was probably meant.
fn meant(root: &Path) -> String {
    let named_conf = root.file_name().is_some_and(|name| name == "conf");
    let around = root.parent().filter(|_| named_conf).map(Path::to_path_buf);
    let within = || {
        let mut found: Vec<PathBuf> =
            fs::read_dir(root).ok()?.flatten().map(|entry| entry.path()).filter(|path| path.join("conf").is_dir()).collect();
        found.pop().filter(|_| found.is_empty())
    };
    around.or_else(within).map(|path| format!("; did you mean '{}'?", path.display())).unwrap_or_default()
}

/// The project in this directory, or the embedded one.
///
/// # Errors
/// [`NoProject`], when the directory cannot be served whatever its files say.
pub(crate) fn open(project: Option<&Path>) -> Result<Source, NoProject> {
    let Some(root) = project else { return Ok(Source::Embedded) };
    if !is_directory(root)? {
        return Err(NoProject::NoDirectory(root.to_owned()));
    }
    let conf = root.join("conf");
    if !is_directory(&conf)? {
        return Err(NoProject::NoConf { root: root.to_owned() });
    }
    let mut entries = fs::read_dir(&conf).map_err(|error| NoProject::Unreadable { path: conf.clone(), error })?;
    if entries.next().is_none() {
        return Err(NoProject::Empty(conf));
    }
    Ok(Source::Directory(root.to_owned()))
}

/// A directory that may not be looked at is told from one that is not there.
fn is_directory(path: &Path) -> Result<bool, NoProject> {
    match fs::metadata(path) {
        Ok(facts) => Ok(facts.is_dir()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(NoProject::Unreadable { path: path.to_owned(), error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_project_is_refused_and_what_was_meant_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("idm");
        let refusal = |path: &Path| open(Some(path)).unwrap_err().to_string();
        assert!(refusal(&root).contains("is no directory"));
        fs::create_dir_all(root.join("conf")).unwrap();
        assert!(refusal(&root).contains("conf' has no files"));
        assert!(refusal(directory.path()).ends_with(&format!("did you mean '{}'?", root.display())));
        fs::write(root.join("conf/selfservice-reset.json"), "{}").unwrap();
        assert!(refusal(&root.join("conf")).ends_with(&format!("did you mean '{}'?", root.display())));
        assert!(refusal(&root.join("conf/selfservice-reset.json")).contains("is no directory"));
        assert!(matches!(open(Some(&root)), Ok(Source::Directory(_))));
        assert!(matches!(open(None), Ok(Source::Embedded)));
    }
}
