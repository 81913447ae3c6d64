//! Objects that a repository keeps in several places (themselves, their metadata, their notifications, and references that are seen from both
//! ends), put together: what belongs together is sorted together.
//!
//! Easiest to break: order. What refers to others comes before or behind them, so nothing can be told before the end of a source.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek as _, Write as _};
use std::sync::Arc;

use crest::reference;
use identity::Lost;
use identity::notifications::{self, COLLECTION as NOTIFICATIONS, MOST};
use serde_json::{Map, Value, json};

use crate::record::{Fault, Place, Read, Record};
use crate::sorting::{Aside, Sorter};

const OF_NOBODY: &str = "a notification of nobody";
const WITHOUT_TEXT: &str = "a notification without a text";
const OLDER: &str = "a notification that is older than the newest 200 of somebody";

/// The records of a source, in a file, from which they are read as often as it takes.
#[derive(Debug)]
pub(crate) struct Prepared {
    file: File,
    name: Arc<str>,
}

/// What stands in a sorted file.
mod kind {
    pub(super) const OBJECT: u8 = b'o';
    pub(super) const REFERENCE: u8 = b'r';
    pub(super) const META: u8 = b'm';
    pub(super) const NOTE: u8 = b'n';
    pub(super) const OWNER: u8 = b'u';
}

/// What became of a row or an entry: why it cannot be read, or why what is put aside cannot be.
pub(crate) type Taken = io::Result<Result<(), String>>;

/// An object, without what stands elsewhere.
pub(crate) struct Whole {
    pub(crate) line: u64,
    pub(crate) revision: Option<String>,
    pub(crate) content: Map<String, Value>,
    pub(crate) lost: Vec<Lost>,
}

/// One side of a reference.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct End {
    pub(crate) collection: String,
    pub(crate) id: String,
    /// The property that holds it there, where there is one.
    pub(crate) property: Option<String>,
}

/// A reference between two objects.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Relationship {
    pub(crate) first: End,
    pub(crate) second: End,
    pub(crate) properties: Option<Value>,
}

impl Relationship {
    /// Reads one. Up to version 5, both ends stand as paths in the object; later, in members, or in columns of their own.
    pub(crate) fn of<'c>(whole: &Value, column: impl Fn(&str) -> Option<&'c str>) -> Option<Self> {
        let text = |name: &str| {
            let value = column(&name.to_ascii_lowercase()).map(str::to_owned);
            value.or_else(|| whole.get(name)?.as_str().map(str::to_owned)).filter(|text| !text.is_empty())
        };
        let end = |which: &str| {
            let both = text(&format!("{which}ResourceCollection")).zip(text(&format!("{which}ResourceId")));
            let path = whole.get(format!("{which}Id")).and_then(Value::as_str).and_then(|path| path.rsplit_once('/'));
            let (collection, id) = both.or_else(|| path.map(|(collection, id)| (collection.to_owned(), id.to_owned())))?;
            Some(End { collection, id, property: text(&format!("{which}PropertyName")) })
        };
        let own: Value = column("properties").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let properties = [own, whole.get("properties").cloned().unwrap_or_default()]
            .into_iter()
            .find(|properties| properties.as_object().is_some_and(|members| !members.is_empty()));
        Some(Self { first: end("first")?, second: end("second")?, properties })
    }
}

/// Whether objects of a collection are metadata of people.
pub(crate) fn is_meta(collection: &str) -> bool {
    collection.rsplit('/').next().is_some_and(|name| name == "usermeta" || name.ends_with("_usermeta"))
}

fn key(collection: &str, id: &str) -> String {
    format!("{collection}\u{0}{id}")
}

fn tagged(kind: u8, value: &Value) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(value.to_string().into_bytes());
    bytes
}

fn untagged(bytes: &[u8]) -> Option<(u8, Value)> {
    let (kind, text) = bytes.split_first()?;
    Some((*kind, serde_json::from_slice(text).ok()?))
}

/// What was read, on its way.
pub(crate) struct Joiner {
    objects: Sorter,
    /// Metadata and notifications, and whose they are, by their own ids.
    parts: Sorter,
    passed: BTreeMap<String, u64>,
    faults: Vec<Fault>,
    name: Arc<str>,
    aside: Aside,
}

impl Joiner {
    pub(crate) fn new(name: &Arc<str>, aside: &Aside) -> Self {
        let (objects, parts) = (Sorter::new(aside.clone()), Sorter::new(aside.clone()));
        Self { objects, parts, passed: BTreeMap::new(), faults: Vec::new(), name: Arc::clone(name), aside: aside.clone() }
    }

    /// Counts what is no object of a project.
    pub(crate) fn pass(&mut self, what: &str) {
        self.pass_all(what, 1);
    }

    fn pass_all(&mut self, what: &str, count: usize) {
        if count > 0 {
            *self.passed.entry(what.to_owned()).or_default() += count as u64;
        }
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// A fault of this source, at a line of it.
    pub(crate) fn fault_at(&mut self, line: u64, what: impl Into<String>) {
        let place = Place { file: Arc::clone(&self.name), line };
        self.fault(Fault::new(&place, what));
    }

    pub(crate) fn object(&mut self, collection: &str, id: &str, whole: Whole) -> io::Result<()> {
        let Whole { line, revision, mut content, lost } = whole;
        content.shift_remove("_id");
        content.shift_remove("_rev");
        let lost: Vec<(&str, &str)> = lost.iter().map(|lost| (lost.property.as_str(), lost.why.as_ref())).collect();
        let object = json!({ "line": line, "rev": revision, "content": content, "lost": lost });
        self.objects.push(key(collection, id), tagged(kind::OBJECT, &object))
    }

    /// Metadata of somebody whom a relationship names.
    pub(crate) fn meta(&mut self, id: &str, content: Map<String, Value>) -> io::Result<()> {
        self.parts.push(key("meta", id), tagged(kind::META, &Value::Object(content)))
    }

    /// A notification of somebody whom a relationship names.
    pub(crate) fn notification(&mut self, id: &str, content: &Map<String, Value>) -> io::Result<()> {
        self.parts.push(key("note", id), tagged(kind::NOTE, &json!([id, content])))
    }

    /// A notification of somebody.
    pub(crate) fn notification_of(&mut self, (collection, owner): (&str, &str), id: &str, content: &Map<String, Value>) -> io::Result<()> {
        self.objects.push(key(collection, owner), tagged(kind::NOTE, &json!([id, content])))
    }

    /// A reference, for each object that holds it.
    pub(crate) fn relationship(&mut self, relationship: &Relationship) -> io::Result<()> {
        let Relationship { first, second, properties } = relationship;
        for (from, to) in [(first, second), (second, first)] {
            let Some(property) = &from.property else { continue };
            let owner = json!([from.collection, from.id]);
            if is_meta(&to.collection) {
                self.parts.push(key("meta", &to.id), tagged(kind::OWNER, &owner))?;
            } else if notifications::are(&to.collection) {
                self.parts.push(key("note", &to.id), tagged(kind::OWNER, &owner))?;
            } else if from.collection.starts_with("managed/") {
                // Who has a role of the product is said by the person's side.
                let mut one = json!({ reference::REF: format!("{}/{}", to.collection, to.id) });
                if let (Some(properties), Value::Object(members)) = (properties, &mut one) {
                    members.insert(reference::PROPERTIES.to_owned(), properties.clone());
                }
                self.objects.push(key(&from.collection, &from.id), tagged(kind::REFERENCE, &json!([property, one])))?;
            }
        }
        Ok(())
    }

    /// Puts together what belongs together, one record on each line of a file.
    pub(crate) fn finish(mut self) -> io::Result<Prepared> {
        self.join_parts()?;
        let mut to = BufWriter::new(self.aside.file()?);
        for Fault { place, what, ends } in std::mem::take(&mut self.faults) {
            writeln!(to, "{}", json!({ "line": place.line, "fault": what, "ends": ends }))?;
        }
        let mut current: Option<(String, Joined)> = None;
        for entry in std::mem::take(&mut self.objects).sorted()? {
            let (of, _, bytes) = entry?;
            let Some((kind, value)) = untagged(&bytes) else { continue };
            if current.as_ref().is_none_or(|(known, _)| *known != of)
                || (kind == kind::OBJECT && current.as_ref().is_some_and(|(_, joined)| joined.record.place.line > 0))
            {
                self.write(&mut to, current.take())?;
            }
            let (_, joined) = current.get_or_insert_with(|| (of.clone(), Joined::of(&of, &self.name)));
            joined.take(kind, value);
        }
        self.write(&mut to, current.take())?;
        for (what, count) in &self.passed {
            writeln!(to, "{}", json!({ "passed": what, "count": count }))?;
        }
        let file = to.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Prepared { file, name: self.name })
    }

    /// Gives metadata and notifications to whose they are.
    fn join_parts(&mut self) -> io::Result<()> {
        let mut waiting: Option<(String, u8, Value)> = None;
        for entry in std::mem::take(&mut self.parts).sorted()? {
            let (of, _, bytes) = entry?;
            let Some((kind, value)) = untagged(&bytes) else { continue };
            // Whichever comes first, the part or whose it is, waits for the other.
            let (owner, part, content) = match waiting.take() {
                Some((key, kind::OWNER, owner)) if key == of && kind != kind::OWNER => (owner, kind, value),
                Some((key, part, content)) if key == of && part != kind::OWNER && kind == kind::OWNER => (value, part, content),
                before => {
                    self.unowned(before.as_ref());
                    waiting = Some((of, kind, value));
                    continue;
                }
            };
            if let (Some(collection), Some(id)) = (owner.get(0).and_then(Value::as_str), owner.get(1).and_then(Value::as_str)) {
                self.objects.push(key(collection, id), tagged(part, &content))?;
            }
        }
        self.unowned(waiting.as_ref());
        Ok(())
    }

    fn unowned(&mut self, part: Option<&(String, u8, Value)>) {
        if part.is_some_and(|(_, kind, _)| *kind == kind::NOTE) {
            self.pass(OF_NOBODY);
        }
    }

    /// Writes a record and its notifications; what refers to others and is itself not there is none.
    fn write(&mut self, to: &mut impl io::Write, joined: Option<(String, Joined)>) -> io::Result<()> {
        let Some((_, Joined { record, mut notes, older })) = joined else { return Ok(()) };
        let Record { place, collection, id, revision, content, lost } = record;
        if place.line == 0 {
            self.pass_all(OF_NOBODY, notes.len() + older);
            return Ok(());
        }
        let lost: Vec<(&str, &str)> = lost.iter().map(|lost| (lost.property.as_str(), lost.why.as_ref())).collect();
        let line = json!({ "line": place.line, "collection": collection, "id": id, "rev": revision, "content": content, "lost": lost });
        writeln!(to, "{line}")?;
        let older = older + notifications::newest(&mut notes, |(_, content)| content);
        self.pass_all(OLDER, older);
        let target = format!("{collection}/{id}");
        for (id, content) in notes {
            match notifications::kept(&content, &target) {
                Some(content) => {
                    writeln!(to, "{}", json!({ "line": place.line, "collection": NOTIFICATIONS, "id": id, "content": content }))?;
                }
                None => self.pass(WITHOUT_TEXT),
            }
        }
        Ok(())
    }
}

/// An object with what belongs to it.
struct Joined {
    record: Record,
    notes: Vec<(String, Map<String, Value>)>,
    /// Notifications that are older than the newest.
    older: usize,
}

impl Joined {
    fn of(key: &str, name: &Arc<str>) -> Self {
        let (collection, id) = key.split_once('\u{0}').unwrap_or_default();
        let place = Place { file: Arc::clone(name), line: 0 };
        let record =
            Record { place, collection: collection.to_owned(), id: id.to_owned(), revision: None, content: Map::new(), lost: Vec::new() };
        Self { record, notes: Vec::new(), older: 0 }
    }

    fn take(&mut self, kind: u8, value: Value) {
        let record = &mut self.record;
        match kind {
            kind::OBJECT => {
                record.place.line = value.get("line").and_then(Value::as_u64).unwrap_or(1);
                record.revision = value.get("rev").and_then(Value::as_str).map(str::to_owned);
                record.lost = lost_of(&value);
                let own = value.get("content").and_then(Value::as_object).cloned().unwrap_or_default();
                // References came first where the source has them first; what the object says of itself stays beside them.
                for (name, value) in own {
                    record.content.entry(name).or_insert(value);
                }
            }
            kind::META => drop(record.content.insert("_meta".to_owned(), value)),
            kind::NOTE => {
                if let (Some(id), Some(content)) = (value.get(0).and_then(Value::as_str), value.get(1).and_then(Value::as_object)) {
                    self.notes.push((id.to_owned(), content.clone()));
                }
                if self.notes.len() >= 2 * MOST {
                    self.older += notifications::newest(&mut self.notes, |(_, content)| content);
                }
            }
            _ => {
                if let (Some(property), Some(one)) = (value.get(0).and_then(Value::as_str), value.get(1)) {
                    let list = record.content.entry(property.to_owned()).or_insert_with(|| json!([]));
                    if !list.is_array() {
                        *list = json!([]);
                    }
                    list.as_array_mut().into_iter().for_each(|list| list.push(one.clone()));
                }
            }
        }
    }
}

fn lost_of(value: &Value) -> Vec<Lost> {
    let listed = value.get("lost").and_then(Value::as_array).into_iter().flatten();
    let one = |pair: &Value| {
        let text = |at: usize| pair.get(at).and_then(Value::as_str).map(str::to_owned);
        Some(Lost { property: text(0)?, why: text(1)?.into() })
    };
    listed.filter_map(one).collect()
}

impl Prepared {
    /// The records.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(crate) fn read(&self) -> io::Result<impl Iterator<Item = Result<Read, Fault>> + Send + use<>> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        let name = Arc::clone(&self.name);
        let mut lines = BufReader::new(file).lines();
        let mut passed: Option<(String, u64)> = None;
        Ok(std::iter::from_fn(move || {
            if let Some((what, left)) = passed.take().filter(|(_, left)| *left > 0) {
                passed = Some((what.clone(), left - 1));
                return Some(Ok(Read::Passed(what)));
            }
            loop {
                let at = |line: u64| Place { file: Arc::clone(&name), line };
                let mut value: Value = match lines.next()? {
                    Ok(line) => serde_json::from_str(&line).unwrap_or_default(),
                    Err(error) => return Some(Err(Fault::ending(&at(0), error.to_string()))),
                };
                let line = value.get("line").and_then(Value::as_u64).unwrap_or_default();
                let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
                if let Some(what) = text("fault") {
                    let ends = value.get("ends") == Some(&Value::Bool(true));
                    return Some(Err(if ends { Fault::ending(&at(line), what) } else { Fault::new(&at(line), what) }));
                }
                if let Some(what) = text("passed") {
                    let count = value.get("count").and_then(Value::as_u64).unwrap_or_default();
                    passed = Some((what.clone(), count.saturating_sub(1)));
                    return Some(Ok(Read::Passed(what)));
                }
                let (Some(collection), Some(id), revision) = (text("collection"), text("id"), text("rev")) else { continue };
                let lost = lost_of(&value);
                let content = value.get_mut("content").map(Value::take).and_then(|content| match content {
                    Value::Object(members) => Some(members),
                    _ => None,
                });
                let content = content.unwrap_or_default();
                return Some(Ok(Read::Record(Box::new(Record { place: at(line), collection, id, revision, content, lost }))));
            }
        }))
    }
}
