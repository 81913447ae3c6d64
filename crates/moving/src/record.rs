//! What a source holds: records with their place in it.

use std::fmt;
use std::sync::Arc;

use identity::Lost;
use serde_json::{Map, Value};

/// A record may have so many bytes: more is no record of a person, but a file that is something else.
pub(crate) const LONGEST_RECORD: usize = 16 << 20;

/// The member that says to which collection an object belongs, where a file holds several.
pub(crate) const COLLECTION: &str = "_collection";

/// A place in a source: a file and a line of it, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file's name as it was given.
    pub file: Arc<str>,
    /// The line a record begins at.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// An object as a source holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Where it stands.
    pub place: Place,
    /// The collection it belongs to here.
    pub collection: String,
    /// Its id.
    pub id: String,
    /// Its revision, where the source has one.
    pub revision: Option<String>,
    /// Its content.
    pub content: Map<String, Value>,
    /// What of it the source's form could not bring, and why.
    pub lost: Vec<Lost>,
}

/// Something that cannot be read, or not be stored: what, and where, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// Whether nothing is read behind it: nobody can tell what is missing.
    pub ends: bool,
}

impl Fault {
    pub(crate) fn new(place: &Place, what: impl Into<String>) -> Self {
        Self { place: place.clone(), what: one_line(what.into()), ends: false }
    }

    /// One behind which the source is not read.
    pub(crate) fn ending(place: &Place, what: impl Into<String>) -> Self {
        Self { ends: true, ..Self::new(place, what) }
    }
}

/// A message names things of the source; whatever they hold, it stays one line, and a readable one.
fn one_line(what: String) -> String {
    const LONGEST: usize = 400;
    let is_plain = what.len() <= LONGEST && !what.chars().any(char::is_control);
    if is_plain {
        return what;
    }
    what.chars().take(LONGEST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// One thing that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// An object.
    Record(Box<Record>),
    /// Something that is no object of the project's, and is passed over: what it is.
    Passed(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_one_line_whatever_the_source_holds() {
        let fault = Fault::new(&Place { file: "a.csv".into(), line: 3 }, format!("no such column 'x\ny\u{1b}[31m{}'", "z".repeat(9999)));
        let text = fault.to_string();
        assert!(text.starts_with("a.csv:3: no such column 'x\u{fffd}y") && !text.contains('\n') && text.len() < 450, "{text}");
    }
}
