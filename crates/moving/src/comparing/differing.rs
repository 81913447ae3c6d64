//! What two answers to one request differ in, by kind.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::carried::Needed;

/// Members whose value is each server's own; which questions are asked is drawn.
const OWN: [&str; 9] = ["token", "tokenId", "credentialJwt", "_id", "_rev", "transactionId", "code", "systemQuestion", "userQuestion"];
/// Headers that a client goes by.
const HEADERS: [&str; 6] = ["cache-control", "content-api-version", "content-type", "location", "retry-after", "www-authenticate"];
/// Characters of a value that are shown.
const SHOWN: usize = 80;

/// What a server answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers that are compared, with names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; a text where it is no JSON.
    pub body: Value,
}

impl Answer {
    /// Whether a header is compared.
    #[must_use]
    pub fn compares(header: &str) -> bool {
        HEADERS.contains(&header)
    }
}

/// In which way two answers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// The status.
    Status,
    /// A member that one of them lacks.
    Member,
    /// A value of another type.
    Type,
    /// The words of a message.
    Message,
    /// Any other value.
    Value,
    /// A header.
    Header,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "status",
            Self::Member => "members",
            Self::Type => "types",
            Self::Message => "messages",
            Self::Value => "values",
            Self::Header => "headers",
        })
    }
}

/// A difference, and how often it was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Notice {
    /// In which way.
    kind: Kind,
    /// The request, and where in its answer.
    what: String,
    /// How often.
    count: u64,
    /// The exchange where it was first, by its line or entry.
    first: usize,
    /// What the old server said there.
    old: String,
    /// What the new one said.
    new: String,
}

/// What a replay has found.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// Exchanges that both servers answered.
    pub compared: u64,
    /// Those of them that were answered alike.
    pub alike: u64,
    /// Exchanges that need the code of a mail.
    pub without_code: u64,
    /// Exchanges that need answers to security questions that were drawn otherwise than when the recording was made.
    pub without_answers: u64,
    /// Exchanges that follow one that was not made, or was refused.
    pub behind: u64,
    /// Requests of the recording that are no self-service.
    pub others: usize,
    /// The differences, by kind and place.
    #[serde(serialize_with = "listed")]
    differences: BTreeMap<(Kind, String), Notice>,
}

fn listed<S: serde::Serializer>(differences: &BTreeMap<(Kind, String), Notice>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(differences.values())
}

impl Compared {
    /// Nothing yet; so many requests of the recording are no self-service.
    #[must_use]
    pub fn of(others: usize) -> Self {
        Self { others, ..Self::default() }
    }

    /// Counts an exchange that is not made.
    pub fn pass(&mut self, needed: Needed) {
        match needed {
            Needed::Nothing => {}
            Needed::Code => self.without_code += 1,
            Needed::Answers => self.without_answers += 1,
            Needed::Earlier => self.behind += 1,
        }
    }

    /// Compares the answers to the `number`th exchange of a recording, which asked for `what`.
    pub fn add(&mut self, number: usize, what: &str, old: &Answer, new: &Answer) {
        let mut found = Vec::new();
        if old.status == new.status {
            walk(&mut Vec::new(), &old.body, &new.body, &mut found);
        } else {
            found.push((Kind::Status, String::new(), json!(old.status), json!(new.status)));
            let message = |answer: &Answer| answer.body.get("message").cloned().unwrap_or_default();
            if message(old) != message(new) {
                found.push((Kind::Message, "/message".to_owned(), message(old), message(new)));
            }
        }
        for name in HEADERS {
            let value =
                |answer: &Answer| answer.headers.get(name).map_or(Value::Null, |value| json!(value.to_ascii_lowercase().replace(' ', "")));
            if value(old) != value(new) {
                found.push((Kind::Header, name.to_owned(), value(old), value(new)));
            }
        }
        self.compared += 1;
        self.alike += u64::from(found.is_empty());
        for (kind, place, old, new) in found {
            let what = format!("{what} {place}").trim_end().to_owned();
            let notice = self.differences.entry((kind, what.clone()));
            let (old, new) = (shown(&old), shown(&new));
            notice.or_insert_with(|| Notice { kind, what, count: 0, first: number, old, new }).count += 1;
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect(),
        other => other.to_string().chars().take(SHOWN).collect(),
    }
}

type Found = (Kind, String, Value, Value);

/// Steps into two bodies side by side.
fn walk<'v>(path: &mut Vec<&'v str>, old: &'v Value, new: &'v Value, found: &mut Vec<Found>) {
    let last = path.last().copied().unwrap_or_default();
    let at = |path: &[&str]| path.iter().fold(String::new(), |text, name| text + "/" + name);
    let mut differ = |kind: Kind| found.push((kind, at(path), old.clone(), new.clone()));
    match (old, new) {
        (Value::Object(left), Value::Object(right)) => {
            let names: Vec<&str> = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name))).map(String::as_str).collect();
            for name in names {
                path.push(name);
                match (left.get(name), right.get(name)) {
                    (Some(old), Some(new)) if !OWN.contains(&name) || old.is_object() != new.is_object() => walk(path, old, new, found),
                    (Some(_), Some(_)) => {}
                    (old, new) => {
                        let what = |side: Option<&Value>| side.map_or(Value::Null, |_| json!("there"));
                        found.push((Kind::Member, at(path), what(old), what(new)));
                    }
                }
                path.pop();
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (old, new) in left.iter().zip(right) {
                path.push("*");
                walk(path, old, new, found);
                path.pop();
            }
        }
        (Value::Array(_), Value::Array(_)) => differ(Kind::Value),
        _ if std::mem::discriminant(old) != std::mem::discriminant(new) => differ(Kind::Type),
        _ if old == new => {}
        _ => differ(if last == "message" { Kind::Message } else { Kind::Value }),
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "compared: {} exchanges; answered alike: {}", self.compared, self.alike)?;
        for (count, why) in [
            (self.without_code, "they need the code of a mail, which --code-from gives"),
            (self.without_answers, "their security questions were drawn otherwise when they were recorded"),
            (self.behind, "they go on behind one that was not made, or was refused"),
        ] {
            if count > 0 {
                writeln!(f, "not compared: {count}; {why}")?;
            }
        }
        if self.others > 0 {
            writeln!(f, "no self-service, and left out: {}", self.others)?;
        }
        let mut kind = None;
        for notice in self.differences.values() {
            if kind.replace(notice.kind) != Some(notice.kind) {
                writeln!(f, "{}:", notice.kind)?;
            }
            let Notice { what, count, first, old, new, .. } = notice;
            writeln!(f, "  {count} times {what} (first in {first}): {old} there, {new} here")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: Value) -> Answer {
        Answer { status, headers: BTreeMap::from([("content-type".to_owned(), "application/json; charset=UTF-8".to_owned())]), body }
    }

    #[test]
    fn differences_are_counted_by_kind_and_place_and_tokens_are_none() {
        let mut compared = Compared::default();
        let old =
            answer(200, json!({ "token": "a", "type": "x", "requirements": { "a": 1, "b": [{ "c": "x" }] }, "message": "Old &quot;" }));
        compared.add(
            1,
            "POST selfservice/reset",
            &old,
            &answer(200, json!({ "token": "b", "type": "x", "requirements": { "a": 1, "b": [{ "c": "x" }] }, "message": "Old &quot;" })),
        );
        assert_eq!((compared.compared, compared.alike, compared.differences.values().count()), (1, 1, 0));
        let session = |secret: &str| answer(200, json!({ "tokenId": secret, "additions": { "credentialJwt": secret, "tokenId": secret } }));
        let mut opened = Compared::default();
        opened.add(1, "POST selfservice/reset", &session("a"), &session("b"));
        assert_eq!(opened.alike, 1, "what opens a session is shown to nobody: {opened}");
        let new = answer(200, json!({ "token": "b", "type": 7, "requirements": { "b": [{ "c": "y" }], "d": 2 }, "message": "New" }));
        compared.add(2, "POST selfservice/reset", &old, &new);
        compared.add(3, "POST selfservice/reset", &old, &new);
        compared.add(4, "POST selfservice/reset", &old, &Answer { headers: BTreeMap::new(), ..answer(400, json!({ "message": "No" })) });
        let found: Vec<(Kind, &str, u64)> =
            compared.differences.values().map(|one| (one.kind, one.what.trim_start_matches("POST selfservice/reset"), one.count)).collect();
        assert_eq!(
            found,
            [
                (Kind::Status, "", 1),
                (Kind::Member, " /requirements/a", 2),
                (Kind::Member, " /requirements/d", 2),
                (Kind::Type, " /type", 2),
                (Kind::Message, " /message", 3),
                (Kind::Value, " /requirements/b/*/c", 2),
                (Kind::Header, " content-type", 1),
            ]
        );
        let text = compared.to_string();
        assert!(text.contains("status:\n  1 times POST selfservice/reset (first in 4): 200 there, 400 here\n"), "{text}");
    }
}
