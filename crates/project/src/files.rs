//! Where a project's files come from: a directory, or a set carried in the binary.
//!
//! The rule easiest to break: only files that are asked for by name are read. A `conf` directory holds migration scraps, backups and
//! broken files nobody needs (docs/protocol/project-files.md, cases 15 and 16).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::source::MAX_FILE_BYTES;

/// A readable set of files; paths are relative, with `/` between their parts.
pub trait Files {
    /// The bytes of a file, nothing if there is none.
    ///
    /// # Errors
    /// It exists and cannot be read, or is larger than 16 MiB.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// Names of the plain files in a directory; none if it does not exist.
    ///
    /// # Errors
    /// It exists and cannot be listed.
    fn list(&self, directory: &str) -> io::Result<Vec<String>>;

    /// Where the set lies, for `&{idm.install.dir}` and its kin.
    fn home(&self) -> String;
}

/// A project directory.
#[derive(Clone, Debug)]
pub struct DirectoryFiles {
    root: PathBuf,
}

impl DirectoryFiles {
    /// The directory that holds `conf/`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn place(&self, path: &str) -> PathBuf {
        path.split('/').fold(self.root.clone(), |place, part| place.join(part))
    }
}

fn absent<T: Default>(error: io::Error) -> io::Result<T> {
    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) { Ok(T::default()) } else { Err(error) }
}

impl Files for DirectoryFiles {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let place = self.place(path);
        match fs::metadata(&place) {
            // Whoever opens a pipe waits, and a device has no end.
            Ok(found) if !found.is_file() => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(&place).is_ok() => {
                return Err(io::Error::new(io::ErrorKind::NotFound, "it is a link to what is not there"));
            }
            Err(error) => return absent(error),
            Ok(_) => {}
        }
        let file = match fs::File::open(place) {
            Ok(file) => file,
            Err(error) => return absent(error),
        };
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 16 MiB"));
        }
        Ok(Some(bytes))
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.place(directory)) {
            Ok(entries) => entries,
            Err(error) => return absent(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            // A file whose name is not Unicode is none of ours; a link counts as what it leads to, as mounted volumes need. What cannot be read is
            // listed, so that it is said and not taken for a file that is not there.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.strip_suffix(".json").is_some() || !entry.path().is_dir() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn home(&self) -> String {
        self.root.display().to_string()
    }
}

/// Files held in memory: the default project, and tests.
#[derive(Clone, Debug, Default)]
pub struct EmbeddedFiles {
    files: BTreeMap<String, Vec<u8>>,
}

impl EmbeddedFiles {
    /// A set from paths and contents.
    #[must_use]
    pub fn new<P: Into<String>, C: Into<Vec<u8>>>(files: impl IntoIterator<Item = (P, C)>) -> Self {
        Self { files: files.into_iter().map(|(path, content)| (path.into(), content.into())).collect() }
    }
}

impl Files for EmbeddedFiles {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.get(path).cloned())
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let prefix = format!("{}/", directory.trim_end_matches('/'));
        Ok(self.files.keys().filter_map(|path| path.strip_prefix(&prefix)).filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }

    fn home(&self) -> String {
        ".".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_there_and_cannot_be_read_is_listed_and_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let conf = directory.path().join("conf");
        fs::create_dir_all(conf.join("a.json")).unwrap();
        fs::create_dir(conf.join("boot")).unwrap();
        std::os::unix::fs::symlink("nowhere", conf.join("b.json")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", conf.join("c.json")).unwrap();
        let _pipe = std::os::unix::net::UnixListener::bind(conf.join("d.json")).unwrap();
        let files = DirectoryFiles::new(directory.path());
        assert_eq!(files.list("conf").unwrap(), ["a.json", "b.json", "c.json", "d.json"]);
        for (name, why) in [("a", "regular"), ("b", "link"), ("c", "regular"), ("d", "regular")] {
            let error = files.read(&format!("conf/{name}.json")).unwrap_err();
            assert!(error.to_string().contains(why), "{name}: {error}");
        }
        assert_eq!(files.read("conf/e.json").unwrap(), None);
    }

    #[test]
    fn directory_and_embedded_set_answer_alike() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("conf/sub")).unwrap();
        fs::write(directory.path().join("conf/b.json"), "{}").unwrap();
        fs::write(directory.path().join("conf/a.json"), "[]").unwrap();
        fs::write(directory.path().join("conf/sub/c.json"), "1").unwrap();
        let set = EmbeddedFiles::new([("conf/b.json", "{}"), ("conf/a.json", "[]"), ("conf/sub/c.json", "1")]);
        let directory = DirectoryFiles::new(directory.path());
        for files in [&directory as &dyn Files, &set] {
            assert_eq!(files.list("conf").unwrap(), ["a.json", "b.json"]);
            assert!(files.list("nothing").unwrap().is_empty());
            assert_eq!(files.read("conf/sub/c.json").unwrap().as_deref(), Some(&b"1"[..]));
            assert_eq!(files.read("conf/c.json").unwrap(), None);
            assert_eq!(files.read("conf/a.json/x").unwrap(), None);
        }
    }

    #[test]
    fn a_file_too_large_is_an_error_and_not_half_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = fs::File::create(directory.path().join("big.json")).unwrap();
        file.set_len(MAX_FILE_BYTES + 1).unwrap();
        assert!(DirectoryFiles::new(directory.path()).read("big.json").is_err());
    }
}
