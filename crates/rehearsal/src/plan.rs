//! What somebody does in a rehearsal, as a file says it, and what is to come of it.
//!
//! Easiest to break: a key that nothing reads. A file that asks for more than can be done is refused as a whole.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::transcript::{AccountElsewhere, Sessions};

/// A plan: TOML, or nothing at all, for somebody who answers what they are asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What it shows, for reports.
    pub description: Option<String>,
    /// The process, `reset`.
    pub process: Option<String>,
    /// When it begins, RFC 3339.
    #[serde(default, deserialize_with = "a_time")]
    pub at: Option<String>,
    /// From which everything is drawn.
    pub seed: Option<u64>,
    /// Whether the person has an account; where it is not said, they have one unless the process makes one.
    pub account: Option<bool>,
    /// Whether they are signed in; where it is not said, they are if the process belongs to a session.
    pub signed_in: Option<bool>,
    /// The present password comes along with every request, and is right.
    #[serde(default)]
    pub reauthenticated: bool,
    /// What is special about the person: members of their object, credentials and answers in clear.
    #[serde(default)]
    pub person: Map<String, Value>,
    /// Others who have accounts.
    #[serde(default)]
    pub people: Vec<Map<String, Value>>,
    /// Their accounts at identity providers. Where none is named, they have one at each provider of the project, with their own address.
    #[serde(default)]
    pub elsewhere: Vec<AccountElsewhere>,
    /// What HTTP services that are stages answer, by address.
    #[serde(default)]
    pub services: BTreeMap<String, Value>,
    /// What they do, a submission each. What is not planned they do by themselves.
    #[serde(default, rename = "step")]
    pub steps: Vec<PlannedStep>,
    /// Nothing is done after the last planned step.
    #[serde(default)]
    pub stop: bool,
    /// What is to come of it.
    pub expect: Option<Expected>,
}

/// One submission.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// How much time passes before it: `2 days`.
    #[serde(default, deserialize_with = "a_span")]
    pub later: Option<String>,
    /// What is sent; without it the person answers what they were asked. `{code}` stands for the code that was mailed last,
    /// `{clientToken acme}` for what proves the account at the identity provider `acme`.
    pub input: Option<Value>,
    /// Which token comes along: that of the answer with this number, 1 for the first; 0 for none. Without it, the last.
    pub token: Option<usize>,
    /// What the answer is to be.
    pub expect: Option<ExpectedAnswer>,
}

/// What an answer is to be. What is not said may be anything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedAnswer {
    /// The status.
    pub status: Option<u16>,
    /// The `type` of the question.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The `tag` of the question; `end` at the end.
    pub tag: Option<String>,
    /// What stands in the message of a refusal.
    pub message: Option<String>,
    /// Properties that are asked for.
    #[serde(default)]
    pub asks: Vec<String>,
}

/// What is to come of it all. What is not said may be anything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Whether the process is through at the end.
    pub completed: Option<bool>,
    /// The mails that leave, in order, all of them. Withheld ones do not leave.
    pub mails: Option<Vec<ExpectedMail>>,
    /// Members of the person's object afterwards; credentials in clear.
    #[serde(default)]
    pub object: Map<String, Value>,
    /// Whether the person has an account afterwards.
    pub account: Option<bool>,
    /// The members of the person's object that are not what they were, all of them, secrets among them.
    pub changed: Option<BTreeSet<String>>,
    /// What became of sessions.
    pub sessions: Option<Sessions>,
    /// Members of the `additions` at the end.
    #[serde(default)]
    pub additions: Map<String, Value>,
}

/// A mail.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedMail {
    /// To whom.
    pub to: Option<String>,
    /// What stands in its subject.
    pub subject: Option<String>,
    /// What stands in its text. `{code}` stands for its own code.
    pub body: Option<String>,
}

/// Why a plan is none.
#[derive(Debug, Error)]
pub enum PlanError {
    /// It is no TOML, or holds what is not known.
    #[error("line {line}: {message}")]
    Unreadable {
        /// Where, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// A time is none.
    #[error("'{0}' is no time; write it as 2026-12-01T09:00:00Z")]
    NoTime(String),
    /// A span is none.
    #[error("'{0}' is no span of time; write it as '2 days', '15 minutes'")]
    NoSpan(String),
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`PlanError`], with its place.
    pub fn read(text: &str) -> Result<Self, PlanError> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start).min(text.len());
            let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            PlanError::Unreadable { line, message: error.message().replace('`', "'") }
        })
    }

    /// When it begins, in seconds since 1970, where it says.
    ///
    /// # Errors
    /// [`PlanError::NoTime`].
    pub fn begins(&self) -> Result<Option<i64>, PlanError> {
        self.at.as_deref().map(moment).transpose()
    }
}

impl PlannedStep {
    /// Seconds that pass before it.
    ///
    /// # Errors
    /// [`PlanError::NoSpan`].
    pub fn passes(&self) -> Result<i64, PlanError> {
        self.later.as_deref().map_or(Ok(0), span)
    }
}

/// The text of a time. Judged where it is read, so that its line is known.
fn a_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    moment(&text).map_err(de::Error::custom)?;
    Ok(Some(text))
}

/// The same of a span of time.
fn a_span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    span(&text).map_err(de::Error::custom)?;
    Ok(Some(text))
}

/// A moment of RFC 3339, in seconds since 1970.
///
/// # Errors
/// [`PlanError::NoTime`].
fn moment(text: &str) -> Result<i64, PlanError> {
    let parsed = OffsetDateTime::parse(text.trim(), &Rfc3339).map_err(|_| PlanError::NoTime(text.to_owned()))?;
    Some(parsed.unix_timestamp()).filter(|seconds| *seconds >= 0).ok_or_else(|| PlanError::NoTime(text.to_owned()))
}

/// `2 days`, in seconds.
fn span(text: &str) -> Result<i64, PlanError> {
    let wrong = || PlanError::NoSpan(text.to_owned());
    let text_of = text.trim().trim_end_matches("later").trim();
    let (number, unit) = text_of.split_once(' ').ok_or_else(wrong)?;
    let number: i64 = number.parse().ok().filter(|number| *number >= 0).ok_or_else(wrong)?;
    let seconds = match unit.trim().trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        _ => return Err(wrong()),
    };
    number.checked_mul(seconds).filter(|seconds| *seconds <= 100 * 366 * 86_400).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_whole_or_not_at_all() {
        let plan =
            Plan::read("process = \"reset\"\nat = \"2026-12-01T09:00:00Z\"\n[[step]]\nlater = \"2 days\"\ninput = { code = \"{code}\" }\n")
                .unwrap();
        assert_eq!((plan.begins().unwrap(), plan.steps[0].passes().unwrap()), (Some(1_796_115_600), 172_800));
        for (text, said) in [
            ("process = 5", "line 1: invalid type"),
            ("\n[[step]]\nlatr = \"2 days\"", "line 3: unknown field 'latr'"),
            ("\nat = \"tomorrow\"", "line 2: 'tomorrow' is no time"),
            ("[[step]]\n[[step]]\nlater = \"2 moons\"", "line 3: '2 moons' is no span of time"),
            ("[[step]]\nlater = \"99999999999 weeks\"", "is no span of time"),
        ] {
            let error = Plan::read(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
