//! What the loader has to say, and to whom: the operator, at his terminal or in the log.
//!
//! The rule easiest to break: a diagnostic never carries a secret. Messages name keys, files and names of variables, not values of
//! passwords.

use std::cell::RefCell;
use std::fmt;

pub use process::Severity;

use crate::source::Location;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Identifier of the rule, in kebab case: `unknown-stage`.
    pub rule: &'static str,
    /// What it is about.
    pub location: Location,
    /// What is wrong, one sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A finding without help.
    #[must_use]
    pub fn new(severity: Severity, rule: &'static str, location: Location, message: impl Into<String>) -> Self {
        Self { severity, rule, location, message: message.into(), help: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Is it an error?
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `file:line:column severity[rule] pointer: message`, the help on a line of its own.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        write!(f, "{} {severity}[{}] ", self.location, self.rule)?;
        if !self.location.pointer.is_empty() {
            write!(f, "{}: ", self.location.pointer)?;
        }
        f.write_str(&self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\n  help: {help}"))
    }
}

/// Where readers leave their findings while they read on.
#[derive(Debug, Default)]
pub struct Sink {
    found: RefCell<Vec<Diagnostic>>,
}

impl Sink {
    /// Notes one finding.
    pub fn push(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().push(diagnostic);
    }

    /// Is anything noted about `file` an error?
    #[must_use]
    pub fn has_errors_in(&self, file: &str) -> bool {
        self.found.borrow().iter().any(|found| found.is_error() && found.location.file == file)
    }

    /// Everything noted, by file and place, each finding once.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Diagnostic> {
        let mut found = self.found.into_inner();
        found.sort_by(|left, right| (&left.location, left).cmp(&(&right.location, right)));
        found.dedup();
        found
    }
}

/// `did you mean …?` for a misspelling.
pub(crate) fn suggestion<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    process::nearest(written, candidates).map(|candidate| format!("did you mean '{candidate}'?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Position;

    #[test]
    fn a_diagnostic_prints_place_rule_pointer_and_help() {
        let location = Location {
            file: "conf/selfservice-reset.json".into(),
            position: Some(Position { line: 12, column: 9 }),
            pointer: "/stageConfigs/2/name".into(),
        };
        let found = Diagnostic::new(Severity::Error, "unknown-stage", location, "no stage is called 'userQuerry'")
            .with_help(suggestion("userQuerry", ["parameters", "userQuery", "resetStage"]).unwrap());
        assert_eq!(
            found.to_string(),
            "conf/selfservice-reset.json:12:9 error[unknown-stage] /stageConfigs/2/name: no stage is called 'userQuerry'\n  help: did you mean 'userQuery'?"
        );
    }

    #[test]
    fn findings_come_out_by_place_and_once() {
        let sink = Sink::default();
        for file in ["b", "a", "b"] {
            sink.push(Diagnostic::new(Severity::Hint, "x", Location::file(file), "m"));
        }
        assert!(!sink.has_errors_in("a"));
        let files: Vec<_> = sink.into_sorted().into_iter().map(|found| found.location.file).collect();
        assert_eq!(files, ["a", "b"]);
    }
}
