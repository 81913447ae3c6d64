//! What is wrong, or weaker than it looks, in a project's identity files. Reading never fails: it yields what could be read and a
//! list of [`Problem`]s, because real files are loose and a single bad property must not take everybody's accounts away.

use std::fmt;

pub(crate) use crest::Severity;

/// A finding about one place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file's name below `conf/`.
    pub file: &'static str,
    /// Where in the file, as an RFC 6901 pointer.
    pub pointer: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong and what follows from it, for the operator.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}", self.file, self.pointer, self.message)
    }
}

/// `managed.json`.
pub(crate) const MANAGED: &str = "managed.json";
/// `policy.json`.
pub(crate) const POLICY: &str = "policy.json";

/// Collects problems below one file.
#[derive(Debug)]
pub(crate) struct Problems {
    file: &'static str,
    found: Vec<Problem>,
}

impl Problems {
    pub(crate) fn of(file: &'static str) -> Self {
        Self { file, found: Vec::new() }
    }

    pub(crate) fn add(&mut self, severity: Severity, pointer: &str, message: impl Into<String>) {
        self.found.push(Problem { file: self.file, pointer: pointer.to_owned(), severity, message: message.into() });
    }

    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.found
    }
}

/// One more step of an RFC 6901 pointer.
pub(crate) fn below(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
