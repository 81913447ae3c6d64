//! What a submission did to its instance, as the audit trail and the funnel keep it.
//!
//! Easiest to get wrong: it says what was decided and why, and never what somebody typed, or what they were to type.

use std::sync::Arc;

use crest::ResourceError;
use serde_json::{Map, Value};

use crate::{InstanceId, Version};

/// Why something was decided on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// The place of the stage that decided.
    pub stage: usize,
    /// What was decided, a word of a closed list: `nobody-found`, `mail-over-budget`, ….
    pub what: &'static str,
    /// What decided it, as members: `{"by": "recipient_hour"}`. Null for nothing.
    pub detail: Value,
}

impl Reason {
    /// As it stands in the audit trail.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut members = Map::new();
        members.insert("index".to_owned(), self.stage.into());
        members.insert("what".to_owned(), self.what.into());
        if let Value::Object(more) = &self.detail {
            members.extend(more.clone());
        }
        Value::Object(members)
    }
}

/// Reasons for which a stage asks once more instead of refusing, so that a client keeps its form open. They are counted as refusals.
pub(crate) const ASKS_AGAIN: [&str; 2] = ["policy", "too-few-answers"];

/// Reasons that are kept of one submission.
pub(crate) const MOST_REASONS: usize = 32;

/// How far an instance has come. Everything that is counted of it stands in one row, so that nothing is counted twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// Which one.
    pub instance: InstanceId,
    /// Its process.
    pub process: String,
    /// The definition it runs on.
    pub version: Version,
    /// The types of its stages in their order, with commas between.
    pub path: Arc<str>,
    /// The language of the person, [`language`].
    pub language: &'static str,
    /// Seconds since 1970, when it began.
    pub began: i64,
    /// Seconds since 1970, when its last token ends.
    pub expires: i64,
    /// The place of the stage that answers next; the number of stages at the end.
    pub reached: usize,
    /// It was completed.
    pub ended: bool,
    /// A stage that was completed, and the seconds from its last question to its answer.
    pub took: Option<(usize, i64)>,
    /// A stage that refused what came, and the word for why.
    pub failed: Option<(usize, &'static str)>,
    /// The mails that left with it, those left out that are withheld.
    pub mails: u32,
}

/// The word for why a submission was refused.
pub(crate) fn why(error: &ResourceError) -> &'static str {
    error.kind.unwrap_or(match error.code {
        400 => "refused",
        401 | 403 if error.detail.is_some() => "policy",
        401 | 403 => "denied",
        code if code >= 500 => "fault",
        _ => "conflict",
    })
}

/// What instances are counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// The process.
    pub process: String,
    /// Its version.
    pub version: String,
    /// Days since 1970 (UTC), when the instance began.
    pub day: i64,
    /// [`language`].
    pub language: String,
    /// The place of the stage.
    pub place: usize,
    /// Its type.
    pub stage: String,
    /// `entered`, `completed`, `abandoned`, `open`, `failed:<reason>`, `within:<bucket>`.
    pub what: String,
}

impl Counted {
    /// The buckets of times, in seconds, with their names; what is above the last one is in `more`.
    pub const WITHIN: [(i64, &'static str); 8] =
        [(5, "5"), (15, "15"), (30, "30"), (60, "60"), (120, "120"), (300, "300"), (900, "900"), (3600, "3600")];
}

/// Languages that are counted by themselves (ISO 639-1); what a client sends is not bounded.
const LANGUAGES: [&str; 40] = [
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it", "ja", "ko",
    "lt", "lv", "ms", "nb", "nl", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "th", "tr", "uk", "vi", "zh",
];

/// The language that somebody reads best, as it is counted; `other` for any that is not counted by itself.
#[must_use]
pub fn language(locales: &[String]) -> &'static str {
    let first = locales.first().and_then(|locale| locale.split(['-', '_']).next()).unwrap_or_default();
    LANGUAGES.into_iter().find(|known| known.eq_ignore_ascii_case(first)).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_one_of_a_closed_list() {
        let of = |locale: &str| language(&[locale.to_owned(), "fr".to_owned()]);
        assert_eq!((of("de-CH"), of("PT_br"), of("tlh"), of("")), ("de", "pt", "other", "other"));
        assert_eq!(language(&[]), "other");
    }
}
