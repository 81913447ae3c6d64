//! Sources: files in the forms that exports have, read from the beginning as often as it takes, a record at a time.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use identity::notifications::{COLLECTION as NOTIFICATIONS, TARGET};
use serde_json::Value;

use crate::entries;
use crate::joining::Prepared;
use crate::layout::Layout;
use crate::mapping::Mapping;
use crate::record::{Fault, Place, Read, Record};
use crate::repository;
use crate::sorting::Aside;
use crate::sources::{csv, json_lines, ldif};

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON object on each line, as REST answers them.
    JsonLines,
    /// Comma-separated values (RFC 4180) below a line with the names of the columns.
    Csv,
    /// Entries of a directory (RFC 2849).
    Ldif,
    /// The repository of an IDM: what `pg_dump` or `mysqldump` write as text.
    Dump,
}

impl Form {
    /// The form that a file's name ends with.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        Some(match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "jsonl" | "ndjson" | "json" => Self::JsonLines,
            "csv" | "tsv" => Self::Csv,
            "ldif" => Self::Ldif,
            "sql" | "dump" => Self::Dump,
            _ => return None,
        })
    }
}

/// Why a source cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Nothing says what it is.
    #[error("{0}: what form is this? Name it with --form: json-lines, csv, ldif or dump")]
    Form(PathBuf),
}

/// What is read of a source, in order. Behind a fault the next record is read, where one can be found.
pub type Reads = Box<dyn Iterator<Item = Result<Read, Fault>> + Send>;

/// Files of one form, read one after the other.
#[derive(Clone, Debug)]
pub struct Source {
    files: Vec<Export>,
    mapping: Arc<Mapping>,
    layout: Arc<Layout>,
    aside: Aside,
    /// Objects by collection and id, where no others are read.
    only: Option<Arc<BTreeSet<(String, String)>>>,
}

#[derive(Clone, Debug)]
struct Export {
    path: PathBuf,
    form: Form,
    /// What was put together of a repository, once; none of what is read as it stands.
    prepared: Arc<OnceLock<Option<Prepared>>>,
}

impl Source {
    /// Files of an export. Without `form`, their names say what they are; `mapping` says which properties columns and attributes are.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn new(files: &[PathBuf], form: Option<Form>, mapping: Mapping) -> Result<Self, SourceError> {
        let of = |path: &PathBuf| {
            File::open(path).map_err(|error| SourceError::Io { path: path.clone(), error })?;
            let form = form.or_else(|| Form::of(path)).ok_or_else(|| SourceError::Form(path.clone()))?;
            Ok(Export { path: path.clone(), form, prepared: Arc::default() })
        };
        Ok(Self {
            files: files.iter().map(of).collect::<Result<_, _>>()?,
            mapping: Arc::new(mapping),
            layout: Arc::default(),
            aside: Aside::default(),
            only: None,
        })
    }

    /// The same, but that of all objects only these are read, each by its collection and id, with the notifications that are for them.
    #[must_use]
    pub fn only(self, objects: BTreeSet<(String, String)>) -> Self {
        Self { only: Some(Arc::new(objects)), ..self }
    }

    /// The same, but that what does not fit into memory is put aside in files of this directory, which have no name there, and not of that for
    /// temporary ones.
    #[must_use]
    pub fn putting_aside(self, directory: &Path) -> Self {
        Self { aside: Aside(Some(directory.into())), ..self }
    }

    /// The same, but that a repository keeps its objects so.
    #[must_use]
    pub fn laid_out(self, layout: Layout) -> Self {
        Self { layout: Arc::new(layout), ..self }
    }

    /// Where files are put aside.
    pub(crate) fn aside(&self) -> Aside {
        self.aside.clone()
    }

    /// The names of the files.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.files.iter().map(|export| export.path.display().to_string())
    }

    /// Everything in it, from the beginning.
    #[must_use]
    pub fn read(&self) -> Reads {
        let (files, only) = (self.files.clone(), self.only.clone());
        let is_meant = move |read: &Result<Read, Fault>| match (read, &only) {
            (Ok(Read::Record(record)), Some(only)) => is_of(record, only),
            _ => true,
        };
        let (mapping, layout, aside) = (Arc::clone(&self.mapping), Arc::clone(&self.layout), self.aside());
        let read = files.into_iter().flat_map(move |export| {
            let name: Arc<str> = export.path.display().to_string().into();
            export.read(&name, (&mapping, &layout), &aside).unwrap_or_else(|error| {
                let place = Place { file: Arc::clone(&name), line: 0 };
                Box::new(std::iter::once(Err(Fault::ending(&place, error.to_string()))))
            })
        });
        Box::new(read.filter(is_meant))
    }
}

/// Whether a record is one of these objects, or a notification for one.
fn is_of(record: &Record, only: &BTreeSet<(String, String)>) -> bool {
    if record.collection != NOTIFICATIONS {
        return only.contains(&(record.collection.clone(), record.id.clone()));
    }
    let target = record.content.get(TARGET).and_then(Value::as_str).and_then(|target| target.rsplit_once('/'));
    target.is_some_and(|(collection, id)| only.contains(&(collection.to_owned(), id.to_owned())))
}

impl Export {
    /// Opens the file behind the mark of its encoding, which in front of a statement or a name would be taken for a part of it.
    fn open(&self) -> io::Result<BufReader<File>> {
        let mut reader = BufReader::with_capacity(1 << 16, File::open(&self.path)?);
        let head = reader.fill_buf()?;
        if let Some(what) = no_text(head) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        if head.starts_with(&[0xef, 0xbb, 0xbf]) {
            reader.consume(3);
        }
        Ok(reader)
    }

    /// What has to be put together before anything of it can be told.
    fn prepared(&self, name: &Arc<str>, (mapping, layout): (&Mapping, &Arc<Layout>), aside: &Aside) -> io::Result<Option<&Prepared>> {
        if self.prepared.get().is_none() {
            let made = match self.form {
                Form::Dump => Some(repository::prepare(|| self.open(), name, (mapping, layout), aside)?),
                Form::Ldif if ldif::is_repository(self.open()?)? => Some(entries::prepare(self.open()?, name, mapping, aside)?),
                _ => None,
            };
            self.prepared.get_or_init(|| made);
        }
        Ok(self.prepared.get().and_then(Option::as_ref))
    }

    fn read(&self, name: &Arc<str>, (mapping, layout): (&Arc<Mapping>, &Arc<Layout>), aside: &Aside) -> io::Result<Reads> {
        if let Some(prepared) = self.prepared(name, (mapping, layout), aside)? {
            return Ok(Box::new(prepared.read()?));
        }
        let (file, mapped) = (Arc::clone(name), Arc::clone(mapping));
        Ok(match self.form {
            Form::JsonLines => Box::new(json_lines::read(self.open()?, file, mapped)),
            Form::Csv => Box::new(csv::read(self.open()?, file, mapped)),
            // A dump is always put together.
            Form::Ldif | Form::Dump => Box::new(ldif::read(self.open()?, file, mapped)),
        })
    }
}

/// What a file is that is no text in UTF-8, by its first bytes, and what to do about it.
fn no_text(head: &[u8]) -> Option<&'static str> {
    const COMPRESSED: [&[u8]; 5] = [&[0x1f, 0x8b], b"PK\x03\x04", &[0x28, 0xb5, 0x2f, 0xfd], b"\xfd7zXZ\0", b"BZh91AY&SY"];
    if COMPRESSED.iter().any(|magic| head.starts_with(magic)) {
        return Some("a compressed file; unpack it first");
    }
    // What a shell of Windows makes of the output of a program.
    let is_wide = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    is_wide.then_some("a text in UTF-16; make it UTF-8 first, as with iconv -f UTF-16 -t UTF-8")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a form reads of bytes.
    fn read(form: Form, bytes: &[u8]) -> Vec<Result<Read, Fault>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        let source = Source::new(&[file.path().to_owned()], Some(form), Mapping::default()).unwrap();
        let first: Vec<_> = source.read().collect();
        assert_eq!(source.read().collect::<Vec<_>>(), first, "a source is read as often as it takes");
        first
    }

    /// Pieces that mean something to one of the forms, in any order.
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            "{\"_id\":\"1\",",
            "\"userName\":\"a\"}",
            "{",
            "}",
            "\"",
            "'",
            "`",
            "\\",
            "\n",
            "\r\n",
            ",",
            ";",
            "(",
            ")",
            "\t",
            "\\.\n",
            "\\N",
            "$$",
            "$a$",
            "-- ",
            "/*",
            "*/",
            "COPY managedobjects (id, objecttypes_id, objectid, fullobject) FROM stdin;\n",
            "1\t1\ta\t{}\n",
            "INSERT INTO `objecttypes` VALUES ",
            "(1,'managed/user')",
            "CREATE TABLE objecttypes (id bigint, objecttype text);\n",
            "dn: uid=a\n",
            "objectClass: person\n",
            "uid:: ",
            "YQ==",
            "sn:< x\n",
            " ",
            "userName,sn\n",
            "\u{feff}",
            "ü",
        ]);
        let bytes = prop_oneof![8 => piece.prop_map(|piece| piece.as_bytes().to_vec()), 1 => prop::collection::vec(any::<u8>(), 0..4)];
        prop::collection::vec(bytes, 0..24).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn the_mark_of_an_encoding_belongs_to_nothing_and_what_is_no_text_is_named() {
        for (form, text) in [
            (Form::JsonLines, "{\"userName\":\"ann\"}\n"),
            (Form::Csv, "\"userName\",sn\nann,x\n"),
            (Form::Ldif, "dn: uid=ann\nobjectClass: person\nuid: ann\n"),
            (Form::Dump, "INSERT INTO managed_user (objectid, rev, username) VALUES ('a', '0', 'ann');\n"),
        ] {
            let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
            assert!(matches!(read(form, &marked).as_slice(), [Ok(Read::Record(ann))] if ann.content["userName"] == "ann"), "{form:?}");
            let wide: Vec<u8> = "\u{feff}".chars().chain(text.chars()).flat_map(|one| u16::try_from(one).unwrap().to_le_bytes()).collect();
            for (bytes, words) in [(wide.as_slice(), "UTF-16"), (&[0x1f, 0x8b, 8], "unpack"), (b"PK\x03\x04x", "unpack")] {
                let found = read(form, bytes);
                assert!(matches!(found.as_slice(), [Err(fault)] if fault.ends && fault.what.contains(words)), "{form:?}: {found:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_a_file_holds_is_read_to_its_end_and_each_fault_is_one_line(bytes in pieces()) {
            for form in [Form::JsonLines, Form::Csv, Form::Ldif, Form::Dump] {
                for fault in read(form, &bytes).into_iter().filter_map(Result::err) {
                    let text = fault.to_string();
                    prop_assert!(!text.chars().any(char::is_control) && text.len() < 2000, "{text}");
                }
            }
        }
    }
}
