//! From files to documents, one at a time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::files::Files;
use crate::loose::Document;
use crate::properties;
use crate::source::{Location, SourceFile};
use crate::substitution::{Environment, ProjectNames};

/// Where expression files lie.
const RESOLVER: &str = "resolver";
/// The expression file every installation has; it outranks others beside it.
const BOOT: &str = "boot.properties";

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

/// The names a project may use, from the strongest source to the weakest as the product orders them (setup guide, "Property value
/// substitution"): system properties, expression files, the file that older releases had in their place, framework properties.
pub(super) fn names<'a>(files: &dyn Files, environment: &'a dyn Environment, sink: &Sink) -> ProjectNames<'a> {
    let mut paths = vec!["conf/system.properties".to_owned()];
    let mut expressions = files.list(RESOLVER).unwrap_or_default();
    expressions.sort_by_key(|name| name != BOOT);
    paths.extend(expressions.iter().map(|name| format!("{RESOLVER}/{name}")));
    paths.extend(["conf/boot/boot.properties".to_owned(), "conf/config.properties".to_owned()]);
    let layers = paths.iter().map(|path| {
        let read = || bytes(files, path, sink).ok().flatten();
        match path.rsplit_once('.') {
            Some((_, "properties")) => read().map_or_else(BTreeMap::new, |bytes| properties::parse_bytes(&bytes)),
            Some((_, "json")) => read().map_or_else(BTreeMap::new, |bytes| expressions_of(path, &bytes, sink)),
            _ => BTreeMap::new(),
        }
    });
    ProjectNames::new(environment, layers.collect(), &files.home())
}

/// The names a JSON expression file defines: those of nested objects are joined by dots.
fn expressions_of(path: &str, bytes: &[u8], sink: &Sink) -> BTreeMap<String, String> {
    let parsed = SourceFile::from_bytes(path, bytes).and_then(|file| file.parse());
    let mut names = BTreeMap::new();
    match parsed {
        Ok(parsed) => flatten("", &parsed.value, &mut names),
        Err(fault) => {
            let location = Location { position: fault.position, ..Location::file(path) };
            sink.push(Diagnostic::new(Severity::Error, "not-readable", location, format!("the file cannot be read: {fault}")));
        }
    }
    names
}

fn flatten(prefix: &str, value: &Value, names: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&name, member, names);
            }
        }
        Value::Null => {}
        Value::String(text) => {
            names.insert(prefix.to_owned(), text.clone());
        }
        other => {
            names.insert(prefix.to_owned(), other.to_string());
        }
    }
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

    /// What scripts may ask for by name.
    pub(super) fn properties(&self) -> BTreeMap<String, String> {
        self.names.for_scripts()
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

    /// A file in `conf` on which nothing depends that is served: what is wrong with it is a warning.
    pub(super) fn minor(&self, name: &str) -> Option<Document> {
        let found = Sink::default();
        let document = Loader::new(self.files, self.names, &found).companion(name).present();
        for diagnostic in found.into_sorted() {
            let severity = if diagnostic.is_error() { Severity::Warning } else { diagnostic.severity };
            self.sink.push(Diagnostic { severity, ..diagnostic });
        }
        if let Some(document) = &document {
            self.sources.borrow_mut().insert(format!("conf/{name}"), Arc::clone(&document.file));
        }
        document
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
            Err(fault) if path.starts_with("conf/") => {
                // IDM reads its files in the platform's encoding, which need not be UTF-8.
                let location = Location { position: fault.position, ..Location::file(path) };
                let message = "the file is not UTF-8 text; it is read as ISO 8859-1";
                self.sink.push(Diagnostic::new(Severity::Warning, "not-utf-8", location, message).with_help("save it as UTF-8"));
                SourceFile::from_latin_1(path, &bytes)
            }
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
