//! What the loader reports to the operator, at a terminal or in the log.
//!
//! The rule easiest to break: a diagnostic never carries a secret. Messages name keys, files and names of variables, not values of
//! passwords.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

pub use crest::Severity;
use serde_json::{Value, json};

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
    /// Further places that say the same for the same reason, see [`once`].
    pub also: Vec<Location>,
}

impl Diagnostic {
    /// A finding without help.
    #[must_use]
    pub fn new(severity: Severity, rule: &'static str, location: Location, message: impl Into<String>) -> Self {
        debug_assert!(crate::explain(rule).is_some(), "docs/diagnostics.md says nothing about '{rule}'");
        Self { severity, rule, location, message: message.into(), help: None, also: Vec::new() }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// `error`, `warning` or `hint`.
    #[must_use]
    pub fn severity_name(&self) -> &'static str {
        match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        }
    }

    /// The finding as JSON: `severity`, `rule`, `file`, `line`, `column`, `pointer`, `message`, `help`, and `also` with further places.
    /// What is not known is null.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let place = |at: &Location| {
            json!({
                "file": at.file,
                "line": at.position.map(|position| position.line),
                "column": at.position.map(|position| position.column),
                "pointer": at.pointer,
            })
        };
        let mut value = place(&self.location);
        if let Some(members) = value.as_object_mut() {
            members.insert("severity".to_owned(), self.severity_name().into());
            members.insert("rule".to_owned(), self.rule.into());
            members.insert("message".to_owned(), self.message.clone().into());
            members.insert("help".to_owned(), self.help.clone().into());
            members.insert("also".to_owned(), self.also.iter().map(place).collect());
        }
        value
    }

    /// Is it an error?
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Diagnostic {
    /// What is wrong and where, within a sentence.
    #[must_use]
    pub fn with_place(&self) -> String {
        format!("{}: {}", on_one_line(&self.location.to_string()), on_one_line(&self.message))
    }
}

/// `file:line:column severity[rule] pointer: message` on one line, the help on a line of its own.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}[{}] ", on_one_line(&self.location.to_string()), self.severity_name(), self.rule)?;
        if !self.location.pointer.is_empty() {
            write!(f, "{}: ", on_one_line(&self.location.pointer))?;
        }
        f.write_str(&on_one_line(&self.message))?;
        match self.also.len() {
            0 => {}
            1 => f.write_str(" (and at one more place)")?,
            more => write!(f, " (and at {more} more places)")?,
        }
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\n  help: {}", on_one_line(help)))
    }
}

/// A parser's message may have lines of its own, and names in files may have whatever moves a terminal about or turns its text round.
fn on_one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprinted) {
        return text.into();
    }
    let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    let shown = |line: &str| line.chars().map(|letter| if is_unprinted(letter) { '\u{fffd}' } else { letter }).collect::<String>();
    lines.map(shown).collect::<Vec<_>>().join(" ").into()
}

/// Control characters, and those by which text runs the other way (Unicode Standard Annex 9, section 2).
fn is_unprinted(letter: char) -> bool {
    letter.is_control() && letter != '\t' || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Rules whose findings have one cause outside of the places they name: a file that is not there, a name that nothing defines.
const ONE_CAUSE: [&str; 7] =
    ["no-mail-service", "default-questions", "no-consent-needed", "no-terms", "unresolved-name", "not-offered", "unsupported-module"];

/// Files that say what protects people's data. Where one of them cannot be read, nobody knows, and what stands in its place without it is weaker.
const PROTECTING: [&str; 3] = ["vestibule.toml", "conf/managed.json", "conf/policy.json"];

/// Why a project cannot be served: a file that says what protects people's data is there and cannot be read.
#[must_use]
pub fn unreadable(found: &[Diagnostic]) -> Option<&Diagnostic> {
    let whole = |one: &Diagnostic| one.rule == "not-readable" || one.rule == "wrong-type" && one.location.pointer.is_empty();
    found.iter().find(|one| one.is_error() && PROTECTING.contains(&one.location.file.as_str()) && whole(one))
}

/// Says the same cause once: further findings of the same words become places of the first one. An error is said once in each file,
/// because each file is refused on its own.
#[must_use]
pub fn once(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut kept: Vec<Diagnostic> = Vec::with_capacity(found.len());
    for diagnostic in found {
        let same = |known: &&mut Diagnostic| {
            let of_file = !diagnostic.is_error() || known.location.file == diagnostic.location.file;
            of_file && (known.severity, known.rule, &known.message) == (diagnostic.severity, diagnostic.rule, &diagnostic.message)
        };
        let known = ONE_CAUSE.contains(&diagnostic.rule).then(|| kept.iter_mut().find(same)).flatten();
        match known {
            Some(known) if known.location != diagnostic.location => known.also.push(diagnostic.location),
            Some(_) => {}
            None => kept.push(diagnostic),
        }
    }
    kept
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

    /// Is anything noted about `file`?
    #[must_use]
    pub fn tells_of(&self, file: &str) -> bool {
        self.found.borrow().iter().any(|found| found.location.file == file)
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
    fn a_message_of_several_lines_prints_on_one() {
        let found = Diagnostic::new(Severity::Error, "pages", Location::file("vestibule.toml"), "bad\n  |\n1 | a\n").with_help("b\nc");
        assert_eq!(found.to_string(), "vestibule.toml:1:1 error[pages] bad | 1 | a\n  help: b c");
    }

    #[test]
    fn what_moves_a_terminal_about_is_not_printed() {
        let location = Location { pointer: "/a\n\u{1b}[31mb".into(), ..Location::file("conf/selfservice-re\u{1b}]0;x\u{7}set\n.json") };
        let found = Diagnostic::new(Severity::Error, "unknown-key", location, "the key 'a\u{202e}b\u{9b}2J' says 'a\tb'");
        assert_eq!(
            found.to_string(),
            "conf/selfservice-re\u{fffd}]0;x\u{fffd}set .json:1:1 error[unknown-key] /a \u{fffd}[31mb: the key 'a\u{fffd}b\u{fffd}2J' says 'a\tb'"
        );
        assert_eq!(found.with_place().lines().count(), 1);
    }

    #[test]
    fn one_cause_is_said_once_and_errors_once_in_each_file() {
        let at = |file: &str, pointer: &str| Location { pointer: pointer.to_owned(), ..Location::file(file) };
        let hint = |file: &str| Diagnostic::new(Severity::Hint, "no-mail-service", at(file, "/stageConfigs/1"), "no mail service");
        let error =
            |file: &str, pointer: &str| Diagnostic::new(Severity::Error, "unresolved-name", at(file, pointer), "nothing defines 'x'");
        let other = Diagnostic::new(Severity::Warning, "unknown-key", at("a", "/k"), "nothing reads the key 'k'");
        let again = Diagnostic { location: at("b", "/k"), ..other.clone() };
        let found = vec![hint("a"), hint("b"), hint("c"), error("a", "/1"), error("a", "/2"), error("b", "/1"), other, again];
        let said: Vec<String> = once(found).iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "a hint[no-mail-service] /stageConfigs/1: no mail service (and at 2 more places)",
                "a error[unresolved-name] /1: nothing defines 'x' (and at one more place)",
                "b error[unresolved-name] /1: nothing defines 'x'",
                "a warning[unknown-key] /k: nothing reads the key 'k'",
                "b warning[unknown-key] /k: nothing reads the key 'k'",
            ]
        );
    }

    #[test]
    fn findings_come_out_by_place_and_once() {
        let sink = Sink::default();
        for file in ["b", "a", "b"] {
            sink.push(Diagnostic::new(Severity::Hint, "pages", Location::file(file), "m"));
        }
        assert!(!sink.has_errors_in("a"));
        let files: Vec<_> = sink.into_sorted().into_iter().map(|found| found.location.file).collect();
        assert_eq!(files, ["a", "b"]);
    }
}
