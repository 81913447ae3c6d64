//! From files to documents, one at a time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::files::Files;
use crate::loose::Document;
use crate::properties;
use crate::source::{Location, SourceFile};
use crate::substitution::{Environment, ProjectNames};

/// Properties files, the strongest first.
const PROPERTIES: [&str; 2] = ["resolver/boot.properties", "conf/boot/boot.properties"];

/// What became of a file.
pub(super) enum Presence {
    /// There is none: its default counts.
    Absent,
    /// It cannot be read; an error was noted.
    Broken,
    /// It is read.
    Present(Document),
}

impl Presence {
    pub(super) fn present(self) -> Option<Document> {
        if let Self::Present(document) = self { Some(document) } else { None }
    }

    pub(super) fn read<T>(self, reader: impl FnOnce(&Document) -> T) -> Option<T> {
        self.present().as_ref().map(reader)
    }
}

/// The names a project may use.
pub(super) fn names<'a>(files: &dyn Files, environment: &'a dyn Environment, sink: &Sink) -> ProjectNames<'a> {
    let layers = PROPERTIES
        .iter()
        .map(|path| bytes(files, path, sink).ok().flatten().map_or_else(BTreeMap::new, |bytes| properties::parse_bytes(&bytes)));
    ProjectNames::new(environment, layers.collect(), &files.home())
}

/// The bytes of a file; `Err` when it exists and cannot be read, and that is noted.
fn bytes(files: &dyn Files, path: &str, sink: &Sink) -> Result<Option<Vec<u8>>, ()> {
    files.read(path).map_err(|error| {
        sink.push(Diagnostic::new(Severity::Error, "not-readable", Location::file(path), format!("the file cannot be read: {error}")));
    })
}

pub(super) struct Loader<'a> {
    files: &'a dyn Files,
    names: &'a ProjectNames<'a>,
    sink: &'a Sink,
    sources: RefCell<BTreeMap<String, Arc<SourceFile>>>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(files: &'a dyn Files, names: &'a ProjectNames<'a>, sink: &'a Sink) -> Self {
        Self { files, names, sink, sources: RefCell::default() }
    }

    /// Names of the files in `conf`; a project without any is most likely a mistyped path.
    pub(super) fn conf(&self) -> Vec<String> {
        let listed = self.files.list("conf");
        let message = match &listed {
            Ok(names) if names.is_empty() => format!("there is no project here: '{}' has no conf directory with files", self.files.home()),
            Ok(_) => return listed.unwrap_or_default(),
            Err(error) => format!("the directory cannot be listed: {error}"),
        };
        let help = "name the directory that holds conf/";
        self.sink.push(Diagnostic::new(Severity::Error, "no-project", Location::file("conf"), message).with_help(help));
        Vec::new()
    }

    /// The text of a file that a configuration names, within the project only.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let home = format!("{}/", self.files.home());
        let inside = path.strip_prefix(&home).unwrap_or(path);
        if inside.starts_with('/') || inside.split(['/', '\\']).any(|part| part == "..") {
            return None;
        }
        bytes(self.files, inside, self.sink).ok()?.and_then(|bytes| String::from_utf8(bytes).ok())
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        matches!(self.files.read(path), Ok(Some(_)))
    }

    /// A file in `conf`.
    pub(super) fn companion(&self, name: &str) -> Presence {
        self.document(&format!("conf/{name}"))
    }

    /// A file in `conf` that somebody else reads, so that everything in it counts as used.
    pub(super) fn whole(&self, name: &str) -> Option<Document> {
        let document = self.companion(name).present()?;
        document.report_flaws("", self.sink);
        Some(document)
    }

    /// A file that holds an object.
    pub(super) fn document(&self, path: &str) -> Presence {
        let bytes = match bytes(self.files, path, self.sink) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Presence::Absent,
            Err(()) => return Presence::Broken,
        };
        let file = match SourceFile::from_bytes(path, &bytes) {
            Ok(file) => file,
            Err(fault) => {
                let location = Location { position: fault.position, ..Location::file(path) };
                self.sink.push(Diagnostic::new(Severity::Error, "not-readable", location, format!("the file cannot be read: {fault}")));
                return Presence::Broken;
            }
        };
        let Some(document) = Document::read(file, self.names, self.sink) else { return Presence::Broken };
        self.sources.borrow_mut().insert(path.to_owned(), Arc::clone(&document.file));
        if !document.value.is_object() {
            let message = "an object is wanted here";
            self.sink.push(Diagnostic::new(Severity::Error, "wrong-type", document.file.locate(""), message));
            return Presence::Broken;
        }
        Presence::Present(document)
    }

    /// Every document that was read, by path.
    pub(super) fn into_sources(self) -> BTreeMap<String, Arc<SourceFile>> {
        self.sources.into_inner()
    }
}
