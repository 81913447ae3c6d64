//! Reading values as loosely as real files are written (docs/protocol/project-files.md, cases 1, 3 and 5).
//!
//! `"true"` for `true`, `"300"` for `300`, null for absent, one string for a list, a `$crypto` object for any string. A reader takes
//! what it can and leaves a diagnostic for what it cannot; it never fails as a whole. The rule easiest to break: ask [`Node`] for the
//! value, not the document, or an unresolved `&{name}` goes unnoticed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, Severity, Sink, suggestion};
use crate::secret::{Secret, SecretText};
use crate::source::{Location, SourceFile, join};
use crate::substitution::{Flaw, Names, substitute};

/// A parsed file with its substitutions made.
#[derive(Clone, Debug)]
pub struct Document {
    /// The text it came from.
    pub file: Arc<SourceFile>,
    /// Content after substitution.
    pub value: Value,
    /// Content as written.
    pub raw: Value,
    flaws: BTreeMap<String, Flaw>,
}

impl Document {
    /// Parses and substitutes; duplicate keys are warnings.
    ///
    /// Nothing comes back from a file that is no JSON; then an error was noted.
    #[must_use]
    pub fn read(file: SourceFile, names: &dyn Names, sink: &Sink) -> Option<Self> {
        let parsed = match file.parse() {
            Ok(parsed) => parsed,
            Err(fault) => {
                sink.push(Diagnostic::new(
                    Severity::Error,
                    "not-readable",
                    file.at(fault.position),
                    format!("the file cannot be read: {fault}"),
                ));
                return None;
            }
        };
        for pointer in &parsed.duplicates {
            let lines: Vec<String> = file.earlier_keys(pointer).iter().map(|at| at.line.to_string()).collect();
            let message = match lines.as_slice() {
                [] => "this key is given more than once; the last one counts".to_owned(),
                [line] => format!("this key is given in line {line} already; the last one counts"),
                _ => format!("this key is given in lines {} already; the last one counts", lines.join(", ")),
            };
            sink.push(Diagnostic::new(Severity::Warning, "duplicate-key", file.locate_key(pointer), message));
        }
        if parsed.trailing.is_some() {
            let message = "what stands behind the end of the value is not read";
            sink.push(Diagnostic::new(Severity::Warning, "trailing-text", file.at(parsed.trailing), message));
        }
        let substituted = substitute(&parsed.value, names);
        Some(Self { file: Arc::new(file), value: substituted.value, raw: parsed.value, flaws: substituted.flaws })
    }

    /// Parses and substitutes nothing: for what does not come from a file.
    pub(crate) fn as_written(file: SourceFile, sink: &Sink) -> Option<Self> {
        let document = Self::read(file, &|_: &str| None, sink)?;
        Some(Self { value: document.raw.clone(), flaws: BTreeMap::new(), ..document })
    }

    /// A document whose content was computed: `file` is what computed it.
    pub(crate) fn made(file: SourceFile, value: Value) -> Self {
        Self { file: Arc::new(file), raw: value.clone(), value, flaws: BTreeMap::new() }
    }

    /// The reader of the whole document.
    #[must_use]
    pub fn root<'a>(&'a self, sink: &'a Sink) -> Node<'a> {
        Node { document: self, value: Some(&self.value), pointer: String::new(), sink }
    }

    /// Path relative to the project.
    #[must_use]
    pub fn path(&self) -> &str {
        self.file.path()
    }

    /// What could not be substituted at or below a pointer.
    pub fn flaws_under(&self, pointer: &str) -> impl Iterator<Item = (&str, &Flaw)> {
        let prefix = pointer.to_owned();
        self.flaws
            .iter()
            .map(|(at, flaw)| (at.as_str(), flaw))
            .filter(move |(at, _)| at.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

    /// Notes every flaw at or below a pointer; for parts of a file that somebody else reads.
    pub fn report_flaws(&self, pointer: &str, sink: &Sink) {
        for (at, flaw) in self.flaws_under(pointer) {
            sink.push(flaw_diagnostic(flaw, self.file.locate(at)));
        }
    }
}

fn flaw_diagnostic(flaw: &Flaw, location: Location) -> Diagnostic {
    let rule = match flaw {
        Flaw::Unresolved(_) => "unresolved-name",
        Flaw::Endless(_) => "endless-substitution",
        Flaw::NotConvertible(_) => "not-convertible",
    };
    let mut diagnostic = Diagnostic::new(Severity::Error, rule, location, flaw.message());
    diagnostic.help = flaw.help();
    diagnostic
}

/// Something is said that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread;

/// One value of a document, or the place where it would stand.
#[derive(Clone)]
pub struct Node<'a> {
    document: &'a Document,
    value: Option<&'a Value>,
    pointer: String,
    sink: &'a Sink,
}

impl<'a> Node<'a> {
    /// The member of an object; an absent one can be asked, too, and answers nothing.
    #[must_use]
    pub fn get(&self, key: &str) -> Node<'a> {
        self.child(key, self.value.and_then(|value| value.get(key)))
    }

    /// The first of several spellings that is present.
    #[must_use]
    pub fn get_any(&self, keys: &[&str]) -> Node<'a> {
        let found = keys.iter().map(|key| self.get(key)).find(Node::is_present);
        found.unwrap_or_else(|| self.get(keys.first().copied().unwrap_or_default()))
    }

    /// The elements of an array; a single value stands for an array of one, null and absence for none.
    #[must_use]
    pub fn items(&self) -> Vec<Node<'a>> {
        match self.value {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().enumerate().map(|(index, item)| self.child(&index.to_string(), Some(item))).collect(),
            Some(_) => vec![self.clone()],
        }
    }

    /// The members of an object in file order; anything else but null is noted.
    #[must_use]
    pub fn members(&self) -> Vec<(&'a str, Node<'a>)> {
        self.object()
            .map(|object| object.iter().map(|(key, value)| (key.as_str(), self.child(key, Some(value)))).collect())
            .unwrap_or_default()
    }

    /// The object itself; anything else but null is noted.
    #[must_use]
    pub fn object(&self) -> Option<&'a Map<String, Value>> {
        match self.used()? {
            Value::Object(object) => Some(object),
            other => self.wrong("an object", other),
        }
    }

    /// The value as it stands, without any check.
    #[must_use]
    pub fn value(&self) -> Option<&'a Value> {
        self.value.filter(|value| !value.is_null())
    }

    /// Is there a value other than null?
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.value().is_some()
    }

    /// Is the value undefined because of an unresolved name or a failed conversion? Nothing is noted.
    #[must_use]
    pub fn is_flawed(&self) -> bool {
        self.document.flaws.contains_key(&self.pointer)
    }

    /// Does the file say something here, though it may be nothing that can be read?
    #[must_use]
    pub fn is_said(&self) -> bool {
        self.is_flawed() || self.value().is_some_and(|value| value.as_str().is_none_or(|text| !text.trim().is_empty()))
    }

    /// A value whose absence is weaker than what it may say: what is said and cannot be read is an error of its own, and not as if nothing
    /// were said.
    ///
    /// # Errors
    /// [`Unread`].
    pub fn strictly<T>(&self, read: impl FnOnce(&Self) -> Option<T>) -> Result<Option<T>, Unread> {
        match read(self) {
            None if self.is_said() => Err(Unread),
            read => Ok(read),
        }
    }

    /// Texts of which none may be lost; one string stands for a list of one.
    ///
    /// # Errors
    /// [`Unread`], where one of them cannot be read.
    pub fn all_texts(&self) -> Result<Vec<String>, Unread> {
        if self.is_flawed() {
            return self.text().map(|text| vec![text]).ok_or(Unread);
        }
        let read: Vec<Option<String>> = self.items().iter().map(Node::text).collect();
        read.into_iter().collect::<Option<_>>().ok_or(Unread)
    }

    /// The text of a script, or its lines in a list; the empty one is nothing.
    ///
    /// # Errors
    /// [`Unread`], where a line of it cannot be read: what is left would be another script.
    pub fn script_text(&self) -> Result<Option<String>, Unread> {
        let text = self.all_texts()?.join("\n");
        Ok(Some(text).filter(|text| !text.trim().is_empty()))
    }

    /// JSON pointer of the value.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// `true`, `"true"` and `"TRUE"`; null and absence are nothing.
    #[must_use]
    pub fn boolean(&self) -> Option<bool> {
        match self.used()? {
            Value::Bool(value) => Some(*value),
            Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            Value::String(text) if text.trim().is_empty() => None,
            other => self.wrong("true or false", other),
        }
    }

    /// A whole number or its text; the empty text is nothing.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match self.used()? {
            Value::Number(number) => match number.as_i64().or_else(|| whole(number.as_f64()?)) {
                Some(integer) => Some(integer),
                None => self.wrong("a whole number", &Value::Number(number.clone())),
            },
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => match text.trim().parse() {
                Ok(integer) => Some(integer),
                Err(_) => self.wrong("a whole number", &Value::Null),
            },
            other => self.wrong("a whole number", other),
        }
    }

    /// A whole number within a range; outside of it the value is noted and not used.
    #[must_use]
    pub fn integer_in(&self, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let integer = self.integer()?;
        if range.contains(&integer) {
            return Some(integer);
        }
        self.report(Severity::Error, "out-of-range", format!("{integer} is not between {} and {}", range.start(), range.end()), None);
        None
    }

    /// A text; numbers and booleans are taken as their text.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self.used()? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            other => self.wrong("a text", other),
        }
    }

    /// A text that says something: the empty one is nothing.
    #[must_use]
    pub fn filled_text(&self) -> Option<String> {
        self.text().filter(|text| !text.trim().is_empty())
    }

    /// Texts; one string stands for a list of one.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.items().iter().filter_map(Node::text).collect()
    }

    /// Texts from an array or from one string with commas, as access rules write them.
    #[must_use]
    pub fn comma_texts(&self) -> Vec<String> {
        parted(&self.texts())
    }

    /// The same, of which none may be lost.
    ///
    /// # Errors
    /// [`Unread`], where one of them cannot be read.
    pub fn all_comma_texts(&self) -> Result<Vec<String>, Unread> {
        self.all_texts().map(|texts| parted(&texts))
    }

    /// A map of texts, such as translations.
    #[must_use]
    pub fn text_map(&self) -> BTreeMap<String, String> {
        self.members().into_iter().filter_map(|(key, node)| Some((key.to_owned(), node.text()?))).collect()
    }

    /// A secret, in the clear or encrypted.
    #[must_use]
    pub fn secret(&self) -> Option<SecretText> {
        SecretText::from_crypto(self.used()?).or_else(|| self.text().map(|text| SecretText::Plain(Secret::new(text))))
    }

    /// Tells of members that have no effect, with the nearest spelling; `ignored` names keys of old versions that mean nothing today.
    /// Keys that start with `_` or `#` are disabled by custom.
    pub fn expect_keys(&self, severity: Severity, known: &[&str], ignored: &[&str]) {
        let Some(Value::Object(object)) = self.value else { return };
        for key in
            object.keys().filter(|key| !known.contains(&key.as_str()) && !ignored.contains(&key.as_str()) && !key.starts_with(['_', '#']))
        {
            let location = self.document.file.locate_key(&join(&self.pointer, key));
            let mut diagnostic = Diagnostic::new(severity, "unknown-key", location, format!("nothing reads the key '{key}'"));
            diagnostic.help = suggestion(key, known.iter().copied());
            self.sink.push(diagnostic);
        }
    }

    /// Where the value stands.
    #[must_use]
    pub fn location(&self) -> Location {
        self.document.file.locate(&self.pointer)
    }

    /// Notes something about this value.
    pub fn report(&self, severity: Severity, rule: &'static str, message: impl Into<String>, help: Option<String>) {
        let mut diagnostic = Diagnostic::new(severity, rule, self.location(), message);
        diagnostic.help = help;
        self.sink.push(diagnostic);
    }

    fn child(&self, token: &str, value: Option<&'a Value>) -> Node<'a> {
        Node { document: self.document, value, pointer: join(&self.pointer, token), sink: self.sink }
    }

    /// The value, now that somebody needs it: a flaw becomes an error.
    fn used(&self) -> Option<&'a Value> {
        if let Some(flaw) = self.document.flaws.get(&self.pointer) {
            self.sink.push(flaw_diagnostic(flaw, self.location()));
            return None;
        }
        self.value()
    }

    fn wrong<T>(&self, wanted: &str, found: &Value) -> Option<T> {
        let found = match found {
            Value::Null | Value::String(_) => "another text",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.report(Severity::Error, "wrong-type", format!("{wanted} is wanted here, not {found}"), None);
        None
    }
}

fn parted(texts: &[String]) -> Vec<String> {
    let parts = texts.iter().flat_map(|text| text.split(','));
    parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// `300.0` is a whole number, too.
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and far inside the range of i64")]
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

#[cfg(test)]
mod tests;
