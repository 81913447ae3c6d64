//! Tokens of the server that a project comes from, of the generation 4.5 to 5.0, made with the keys that were imported
//! (docs/protocol/processes.md, "Tokens of the server before").
//!
//! Easiest to break: such a token says neither of which process it is nor by which definition it was made, and its maker took it as often as it was
//! brought. What it carries is believed, because it is sealed by a key that nobody else had; what it proves is found out anew.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Tag;

/// The content of such a token.
#[derive(Clone, Debug, PartialEq)]
pub struct FormerToken {
    /// The place of the stage that answers next.
    pub(crate) stage: usize,
    /// What that stage asked for last.
    pub(crate) tag: String,
    /// What its stages kept: `userId`, `mail`, `code`, `user`.
    pub state: Map<String, Value>,
    /// The context as its maker wrote it.
    pub(crate) text: String,
    /// Seconds since 1970, when the token was made; the process's lifetime before its end.
    pub issued: i64,
    /// Seconds since 1970; valid through this second.
    pub(crate) expires: i64,
}

/// What becomes of a stage that such a token was past, or stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenOver {
    /// Nobody gets past it or to it with such a token.
    Never,
    /// Whoever has the token was past it.
    Passed,
    /// It asks, under this tag.
    Asks(Tag),
}

#[derive(Deserialize)]
struct Claims {
    state: String,
    exp: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    stage_index: usize,
    /// A fingerprint that only its maker can compute; that it is there is all that is asked.
    #[serde(rename = "versionKey")]
    _version_key: i64,
    #[serde(default)]
    stage_tag: Option<String>,
    #[serde(default)]
    process_state: Map<String, Value>,
}

impl FormerToken {
    /// Reads what was sealed. [`FormerToken::issued`] is not known yet, and as late as the token's end.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let Claims { state: text, exp } = serde_json::from_slice(bytes).ok()?;
        let Snapshot { stage_index, stage_tag, process_state, .. } = serde_json::from_str(&text).ok()?;
        let tag = stage_tag.unwrap_or_else(|| Tag::INITIAL.0.to_owned());
        Some(Self { stage: stage_index, tag, state: process_state, text, issued: exp, expires: exp })
    }

    /// A text that its stages kept; none where it is empty.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.state.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_generation_before_wrote_is_read_as_such() {
        let read = |text: &str| FormerToken::from_bytes(text.as_bytes());
        let state = r#"{\"stageIndex\":1,\"versionKey\":-12,\"stageTag\":\"validateCode\",\"processState\":{\"code\":\"c\"}}"#;
        let former = read(&format!(r#"{{"state":"{state}","exp":1700000000}}"#)).unwrap();
        assert_eq!((former.stage, former.tag.as_str(), former.text("code"), former.expires), (1, "validateCode", Some("c"), 1_700_000_000));
        for other in [
            r#"{"exp":1}"#.to_owned(),
            format!(r#"{{"state":"{state}"}}"#),
            r#"{"state":{"stageIndex":1,"versionKey":1},"exp":1}"#.to_owned(),
            r#"{"state":"{\"stageIndex\":1}","exp":1}"#.to_owned(),
            r#"{"state":"{\"stageIndex\":-1,\"versionKey\":1}","exp":1}"#.to_owned(),
            r#"{"state":"","exp":1}"#.to_owned(),
        ] {
            assert_eq!(read(&other), None, "{other}");
        }
    }
}
