//! One configuration file as text, and where in it a value stands.
//!
//! A file is parsed once, with the plain JSON reader; positions are looked up only when there is something to say about the file.
//! The rule easiest to break: every offset is counted in the text *after* its byte order mark was dropped, so both readers must be
//! given that text.

mod comments;
mod locate;
mod parse;

use std::fmt;
use std::ops::Range;

use serde_json::Value;

/// The largest configuration file that is read, in bytes. Real ones stay below one megabyte.
pub(crate) const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// JSON, as every IDM file.
    Json,
    /// TOML, as `vestibule.toml`.
    Toml,
}

/// A place in a text, both counted from one; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// What a diagnostic points at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Path relative to the project, with `/` between its parts.
    pub file: String,
    /// Absent when the file as a whole is meant, or when it does not exist.
    pub position: Option<Position>,
    /// JSON pointer (RFC 6901) of the value; empty for the whole document.
    pub pointer: String,
}

impl Location {
    /// The whole file.
    #[must_use]
    pub fn file(path: impl Into<String>) -> Self {
        Self { file: path.into(), position: None, pointer: String::new() }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        // Tools that read `file:line:column` also find what concerns a file as a whole; a directory has no lines.
        let is_file = self.file.rsplit('/').next().is_some_and(|name| name.contains('.'));
        let position = self.position.or(is_file.then_some(Position { line: 1, column: 1 }));
        position.map_or(Ok(()), |at| write!(f, ":{}:{}", at.line, at.column))
    }
}

/// Why a text is not a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseFault {
    /// Where reading stopped.
    pub position: Option<Position>,
    /// What was found there.
    pub message: String,
}

/// A parsed document.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// Its content; of a key given twice the last one counts, as in IDM.
    pub value: Value,
    /// Pointers of the keys that were given more than once.
    pub duplicates: Vec<String>,
    /// Where something follows the first value; it is not read, as IDM does not read it.
    pub trailing: Option<Position>,
}

/// One file of the project.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceFile {
    path: String,
    text: String,
    syntax: Syntax,
}

impl SourceFile {
    /// A file from its text; a byte order mark is dropped. A path that ends in `.toml` is TOML, any other JSON.
    #[must_use]
    pub fn new(path: impl Into<String>, text: &str) -> Self {
        let path = path.into();
        let toml = path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("toml"));
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        Self { path, text, syntax: if toml { Syntax::Toml } else { Syntax::Json } }
    }

    /// A file from its bytes, which must be UTF-8.
    ///
    /// # Errors
    /// The position of the first byte that is not UTF-8.
    pub fn from_bytes(path: impl Into<String>, bytes: &[u8]) -> Result<Self, ParseFault> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(path, text)),
            Err(error) => {
                let good = bytes.get(..error.valid_up_to()).map(String::from_utf8_lossy).unwrap_or_default();
                let position = Some(locate::position(good.strip_prefix('\u{feff}').unwrap_or(&good), usize::MAX));
                Err(ParseFault { position, message: "the file is not UTF-8 text".to_owned() })
            }
        }
    }

    /// A file from bytes that are not UTF-8, read as ISO 8859-1: every byte is a letter, so nothing is lost.
    #[must_use]
    pub fn from_latin_1(path: impl Into<String>, bytes: &[u8]) -> Self {
        Self::new(path, &bytes.iter().map(|byte| char::from(*byte)).collect::<String>())
    }

    /// Path relative to the project.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The text, without byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads the document.
    ///
    /// # Errors
    /// The first place that is no JSON (or TOML).
    pub fn parse(&self) -> Result<Parsed, ParseFault> {
        match self.syntax {
            Syntax::Json => parse::json(&self.text),
            Syntax::Toml => parse::toml(&self.text),
        }
    }

    /// Where the value of `pointer` stands; the nearest existing parent if it does not exist.
    #[must_use]
    pub fn locate(&self, pointer: &str) -> Location {
        self.location(pointer, locate::Target::Value)
    }

    /// Where the key that `pointer` ends with stands, which is what an unknown key's diagnostic shows.
    #[must_use]
    pub fn locate_key(&self, pointer: &str) -> Location {
        self.location(pointer, locate::Target::Key)
    }

    /// The location of a place found while parsing.
    #[must_use]
    pub fn at(&self, position: Option<Position>) -> Location {
        Location { file: self.path.clone(), position, pointer: String::new() }
    }

    /// Where keys of the same name stand in the same object before the one that counts.
    #[must_use]
    pub fn earlier_keys(&self, pointer: &str) -> Vec<Position> {
        let mut members = self.members(pointer);
        members.pop();
        members.iter().map(|member| locate::position(&self.text, member.key.start)).collect()
    }

    /// The bytes of the key that `pointer` ends with, quotes included.
    pub(crate) fn key_range(&self, pointer: &str) -> Option<Range<usize>> {
        match self.syntax {
            Syntax::Json => self.members(pointer).pop().map(|member| member.key),
            Syntax::Toml => {
                let key = pointer.rsplit_once('/')?.1;
                let start = locate::offset(&self.text, self.syntax, pointer, locate::Target::Key)?;
                let range = start..start + key.len();
                (self.text.get(range.clone())? == key).then_some(range)
            }
        }
    }

    /// A key as it is written in this file; a name that would need quotes in TOML is none.
    pub(crate) fn as_key(&self, name: &str) -> Option<String> {
        let bare = |name: &str| name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
        match self.syntax {
            Syntax::Json => Some(Value::from(name).to_string()),
            Syntax::Toml => bare(name).then(|| name.to_owned()),
        }
    }

    /// The bytes of a member's value in a JSON file.
    pub(crate) fn value_range(&self, pointer: &str) -> Option<Range<usize>> {
        self.members(pointer).pop().map(|member| member.value)
    }

    /// The bytes that go when a member of a JSON file goes: with one comma, and with its line where nothing else stands there.
    pub(crate) fn member_range(&self, pointer: &str) -> Option<Range<usize>> {
        self.members(pointer).pop().map(|member| self.with_comma(member.key.start..member.value.end))
    }

    /// [`Self::member_range`] of an earlier member of the same name that says the same.
    pub(crate) fn repeated_member(&self, pointer: &str) -> Option<Range<usize>> {
        let mut members = self.members(pointer);
        let content = |member: &locate::Member| {
            let plain = comments::without_comments(&self.text);
            serde_json::from_str::<Value>(plain.get(member.value.clone())?).ok()
        };
        let counts = content(&members.pop()?)?;
        let same = members.into_iter().find(|member| content(member).as_ref() == Some(&counts))?;
        Some(self.with_comma(same.key.start..same.value.end))
    }

    fn members(&self, pointer: &str) -> Vec<locate::Member> {
        if self.syntax == Syntax::Json { locate::member_ranges(&self.text, pointer) } else { Vec::new() }
    }

    /// A comma behind the member goes with it, else the one in front; comments stay, so a comma behind one is left to the one in front.
    fn with_comma(&self, member: Range<usize>) -> Range<usize> {
        let before = self.text.get(..member.start).unwrap_or_default();
        let after = self.text.get(member.end..).unwrap_or_default();
        let behind = after.trim_start();
        if let Some(rest) = behind.strip_prefix(',') {
            let rest = rest.trim_start_matches([' ', '\t']);
            let line = before.trim_end_matches([' ', '\t']);
            // A line of its own goes whole.
            if line.ends_with('\n')
                && let Some(rest) = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))
            {
                return line.len()..self.text.len() - rest.len();
            }
            return member.start..self.text.len() - rest.len();
        }
        match before.trim_end().strip_suffix(',') {
            Some(kept) => kept.len()..member.end,
            None => member,
        }
    }

    fn location(&self, pointer: &str, target: locate::Target) -> Location {
        let position = locate::offset(&self.text, self.syntax, pointer, target).map(|offset| locate::position(&self.text, offset));
        Location { file: self.path.clone(), position, pointer: pointer.to_owned() }
    }
}

/// Only path and size: a configuration file may hold passwords.
impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFile").field("path", &self.path).field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// Appends one reference token to a JSON pointer, escaped (RFC 6901 section 3).
pub(crate) fn join(pointer: &str, token: &str) -> String {
    let mut joined = String::with_capacity(pointer.len() + token.len() + 1);
    joined.push_str(pointer);
    joined.push('/');
    for character in token.chars() {
        match character {
            '~' => joined.push_str("~0"),
            '/' => joined.push_str("~1"),
            other => joined.push(other),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn place(file: &SourceFile, pointer: &str) -> (usize, usize) {
        let at = file.locate(pointer).position.unwrap();
        (at.line, at.column)
    }

    #[test]
    fn a_pointer_is_found_past_crlf_tabs_and_byte_order_mark() {
        let file = SourceFile::new("conf/a.json", "\u{feff}{\r\n\t\"a\": [\r\n\t\t{\"name\": \"é\", \"b\": 1}\r\n\t]\r\n}");
        assert_eq!(file.parse().unwrap().value, json!({"a": [{"name": "é", "b": 1}]}));
        assert_eq!(place(&file, "/a/0/name"), (3, 12));
        assert_eq!(place(&file, "/a/0/b"), (3, 22));
        let key = file.locate_key("/a/0/b").position.unwrap();
        assert_eq!((key.line, key.column), (3, 17));
    }

    #[test]
    fn a_missing_value_is_shown_at_its_nearest_parent() {
        let file = SourceFile::new("conf/a.json", "{\n  \"a\": {}\n}");
        assert_eq!(place(&file, "/a/b/c"), (2, 8));
        assert_eq!(place(&file, "/nothing"), (1, 1));
    }

    #[test]
    fn of_a_key_given_twice_the_last_counts_and_is_reported() {
        let file = SourceFile::new("conf/a.json", "{\"a\": 1,\n\"a\": 2, \"b\": [{\"c~/\": 1, \"c~/\": 1}]}");
        let parsed = file.parse().unwrap();
        assert_eq!(parsed.value, json!({"a": 2, "b": [{"c~/": 1}]}));
        assert_eq!(parsed.duplicates, ["/a", "/b/0/c~0~1"]);
        assert_eq!(place(&file, "/a"), (2, 6));
    }

    #[test]
    fn comments_are_blanks_and_move_nothing() {
        let text = "// ünter \"{\n{ /* a\n * b */ \"a\": \"// no /* comment\", // \"x\": 1,\r\n  \"b\": [1, /**/ 2]\n}\n/* open";
        let file = SourceFile::new("conf/a.json", text);
        let parsed = file.parse().unwrap();
        assert_eq!((parsed.value, parsed.trailing), (json!({"a": "// no /* comment", "b": [1, 2]}), None));
        assert_eq!((place(&file, "/a"), place(&file, "/b/1")), ((3, 14), (4, 17)));
        assert!(SourceFile::new("conf/a.json", "{\"a\": 1 / 2}").parse().is_err());
    }

    #[test]
    fn what_follows_the_value_is_not_read_and_shown() {
        let file = SourceFile::new("conf/a.json", "{\"a\":\n 1}\n }, nonsense");
        let parsed = file.parse().unwrap();
        assert_eq!((parsed.value, parsed.trailing), (json!({"a": 1}), Some(Position { line: 3, column: 2 })));
        assert_eq!(place(&file, "/a"), (2, 2));
    }

    #[test]
    fn toml_values_and_keys_have_positions_too() {
        let file = SourceFile::new("vestibule.toml", "[server]\nlisten = \"127.0.0.1:1\"\n\n[limits]\nenabled = true\n");
        assert_eq!(file.parse().unwrap().value["limits"]["enabled"], json!(true));
        assert_eq!(place(&file, "/server/listen"), (2, 10));
        assert_eq!(file.locate_key("/limits/enabled").position, Some(Position { line: 5, column: 1 }));
    }

    #[test]
    fn a_fault_names_its_place() {
        let fault = SourceFile::new("conf/a.json", "{\"a\": 1 /* ü */,\n trailing").parse().unwrap_err();
        assert_eq!(fault.position, Some(Position { line: 2, column: 2 }));
        let fault = SourceFile::from_bytes("conf/a.json", b"{\n \xff}").unwrap_err();
        assert_eq!(fault.position, Some(Position { line: 2, column: 2 }));
        let fault = SourceFile::new("vestibule.toml", "[server]\nlisten 5").parse().unwrap_err();
        assert_eq!(fault.position.unwrap().line, 2);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(".{0,6}", inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn pointers(value: &Value, at: &str, found: &mut Vec<(String, Value)>) {
        found.push((at.to_owned(), value.clone()));
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| pointers(value, &join(at, key), found)),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, value)| pointers(value, &join(at, &index.to_string()), found));
            }
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn every_pointer_of_a_document_leads_to_its_own_text(value in any_json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let file = SourceFile::new("conf/any.json", &text);
            prop_assert_eq!(&file.parse().unwrap().value, &value);
            let mut found = Vec::new();
            pointers(&value, "", &mut found);
            for (pointer, expected) in found {
                let at = file.locate(&pointer).position.unwrap();
                let line = text.split('\n').nth(at.line - 1).unwrap();
                let column: usize = line.chars().take(at.column - 1).map(char::len_utf8).sum();
                let start: usize = text.split('\n').take(at.line - 1).map(|line| line.len() + 1).sum::<usize>() + column;
                let first = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>().next();
                prop_assert_eq!(first.unwrap().unwrap(), expected, "{}", pointer);
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[\\PC\\[\\]{}\",:\\\\0-9\n]{0,60}", pointer in "(/[a-z0-9~]{0,3}){0,3}") {
            for path in ["conf/a.json", "vestibule.toml"] {
                let file = SourceFile::new(path, &text);
                let _ = file.parse();
                let _ = file.locate(&pointer);
            }
        }
    }
}
