//! Whether files that changed say anything new. A folder that is watched holds more than is read (an editor's backup, a log), and a file
//! may be written as it was; neither is a reason to compile a project again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use project::{Files, Project};

use crate::runtime::Source;

/// What a file said: nothing where it is missing, the reason where it cannot be read.
type Said = Result<Option<u64>, io::ErrorKind>;

/// What every file that was asked for said, and every variable of the environment, by its name after a `$`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Read(BTreeMap<String, Said>);

/// Files that write down what is read of them. A listing is not: a name that matters is read.
struct Noting<'f> {
    files: &'f dyn Files,
    read: RefCell<Read>,
}

impl Files for Noting<'_> {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let outcome = self.files.read(path);
        let said = outcome.as_ref().map(|bytes| bytes.as_deref().map(digest)).map_err(io::Error::kind);
        self.read.borrow_mut().0.insert(path.to_owned(), said);
        outcome
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.files.list(directory)
    }

    fn home(&self) -> String {
        self.files.home()
    }
}

impl Noting<'_> {
    /// A variable of the environment, which files may name. Only its digest is kept.
    fn variable(&self, name: &str) -> Option<String> {
        let value = std::env::var(name).ok();
        self.read.borrow_mut().0.insert(format!("${name}"), Ok(value.as_deref().map(|value| digest(value.as_bytes()))));
        value
    }
}

impl Read {
    /// A mark of everything but these files, and of what they are `known` by: what is read again as it was has it again, in the same build.
    pub(crate) fn mark_besides(&self, files: &BTreeSet<String>, known: &str) -> String {
        let rest: Vec<_> = self.0.iter().filter(|(name, _)| !files.contains(*name)).collect();
        URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{rest:?} {known}").as_bytes()))
    }
}

/// Not against anybody: whoever writes these files needs no collision.
fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// Reads the project as it would be served at `listen`, and says what was read.
pub(crate) fn read(source: &Source, listen: SocketAddr) -> (Project, Read) {
    read_from(source.files().as_ref(), source, listen)
}

/// [`read`] from files that somebody has changed in memory.
pub(crate) fn read_from(files: &dyn Files, source: &Source, listen: SocketAddr) -> (Project, Read) {
    let noting = Noting { files, read: RefCell::default() };
    let project = Project::open_at(&noting, &|name: &str| noting.variable(name), Some(listen));
    if let Some(keystore) = &project.settings.keys.keystore {
        // It is opened when the project is compiled, and says what is wrong with it there.
        let path = source.place(keystore);
        let said = std::fs::read(path).map(|bytes| Some(digest(&bytes))).map_err(|error| error.kind());
        noting.read.borrow_mut().0.insert(keystore.clone(), said);
    }
    let read = noting.read.take();
    (project, read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_changes_nothing_and_what_is_read_does() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        std::fs::create_dir_all(directory.path().join("conf")).unwrap();
        write("conf/selfservice-reset.json", "{\"stageConfigs\": []}");
        let source = Source::Directory(directory.path().to_owned());
        let look = || read(&source, SocketAddr::from(([127, 0, 0, 1], 1))).1;
        let first = look();
        write("conf/server.log", "a line");
        write("conf/selfservice-reset.json~", "a backup");
        write("conf/selfservice-reset.json", "{\"stageConfigs\": []}");
        assert_eq!(look(), first);
        for (name, text) in [
            ("conf/selfservice-reset.json", "{\"stageConfigs\": [ ]}"),
            ("conf/selfservice-other.json", "{\"stageConfigs\": []}"),
            ("conf/jetty.xml", "<Configure/>"),
            ("vestibule.toml", "# nothing"),
        ] {
            let before = look();
            write(name, text);
            assert_eq!(look() != before, name != "conf/jetty.xml", "{name}");
        }
        let mark = |read: Read| read.mark_besides(&BTreeSet::from(["conf/selfservice-reset.json".to_owned()]), "");
        let rest = mark(look());
        write("conf/selfservice-reset.json", "{}");
        assert_eq!(mark(look()), rest);
        std::fs::create_dir_all(directory.path().join("resolver")).unwrap();
        let before = look();
        write("resolver/boot.properties", "a=b");
        assert_ne!(look(), before);
        assert_ne!(mark(look()), rest);
    }
}
