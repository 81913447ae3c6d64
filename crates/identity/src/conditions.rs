//! The conditions of `conditionaluser` (docs/protocol/progressive-profile.md, "Conditions", decision 17): reading them, and
//! whether they hold. Pure; a script is handed back to whoever can run it.
//!
//! Easiest to break: a condition that says *when* a form is due ([`Condition::is_momentary`]) holds at one sign-in and not at the next.
//! It is evaluated once, at the sign-in, and what it starts is remembered in the metadata ([`crate::metadata::Keeper::sign_in`]); from
//! then on the record decides, or a form would be lost at the 26th sign-in and asked again right after it was skipped.

mod read;
mod span;
#[cfg(test)]
mod tests;

use std::num::NonZeroU64;
use std::time::SystemTime;

use crest::Filter;
use serde_json::{Map, Value};

pub use span::Span;

use crate::kba::{KbaConfig, read_answers};
use crate::metadata::{Metadata, Metadatum};
use crate::terms::Terms;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `kbaQuestions`: the person has defined as many usable answers as the file demands.
    KbaQuestions,
    /// `terms`: the person must accept the terms in force.
    Terms,
    /// `loginCount`: at one sign-in, or at every so many.
    LoginCount {
        /// At or every.
        interval: Interval,
        /// The number.
        amount: NonZeroU64,
    },
    /// `timesincelogin`: at least so much time lies between the last sign-in and this one.
    TimeSinceLogin(Span),
    /// `queryFilter`: the object matches.
    QueryFilter(Filter),
    /// `script`: a script says so.
    Script(ScriptCondition),
}

/// How [`Condition::LoginCount`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// At the sign-in of that number.
    At,
    /// At every multiple of it.
    Every,
}

/// A JavaScript condition, not yet run.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptCondition {
    /// Where the text is.
    pub source: ScriptSource,
    /// Variables it finds.
    pub globals: Map<String, Value>,
}

/// Where the text of a script is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptSource {
    /// In the condition itself.
    Inline(String),
    /// In a file of the project: a relative path that stays inside it.
    File(String),
}

/// What a condition is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The object that `evaluateConditionOnField` names, in its stored form, with `_id` where a filter may ask for it.
    pub object: &'a Value,
    /// Its metadata, as before this sign-in.
    pub metadata: Metadata<'a>,
    /// The number of this sign-in: one more than the metadata says while it is not counted yet.
    pub sign_in: u64,
    /// The time at which it is judged.
    pub now: SystemTime,
    /// The project's terms.
    pub terms: &'a Terms,
    /// The project's security questions.
    pub kba: &'a KbaConfig,
}

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome<'a> {
    /// It holds, or not.
    Known(bool),
    /// Ask this script.
    Ask(&'a ScriptCondition),
}

/// Why a condition cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    /// Where, from the condition on, as an RFC 6901 pointer.
    pub pointer: String,
    /// What is wrong, for the operator.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Condition {
    /// Reads `condition` of a `conditionaluser` stage. Numbers may be strings and `null` is absent.
    ///
    /// # Errors
    /// The first thing that makes it unusable: an unknown type, a missing or impossible number, a filter that is none, a script in
    /// another language.
    pub fn read(condition: &Value) -> Result<Self, ConditionError> {
        read::condition(condition)
    }

    /// Its `type`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::KbaQuestions => read::KBA_QUESTIONS,
            Self::Terms => read::TERMS,
            Self::LoginCount { .. } => read::LOGIN_COUNT,
            Self::TimeSinceLogin(_) => read::TIME_SINCE_LOGIN,
            Self::QueryFilter(_) => read::QUERY_FILTER,
            Self::Script(_) => read::SCRIPT,
        }
    }

    /// What must be tracked for it.
    #[must_use]
    pub fn needs(&self) -> Option<Metadatum> {
        match self {
            Self::LoginCount { .. } => Some(Metadatum::LoginCount),
            Self::TimeSinceLogin(_) => Some(Metadatum::LastLogin),
            Self::Terms => Some(Metadatum::TermsAccepted),
            Self::QueryFilter(_) | Self::Script(_) => Some(Metadatum::StagesCompleted),
            Self::KbaQuestions => None,
        }
    }

    /// Whether a form that was completed under it stays so for good, although it still holds: what it looks at need not be what the form
    /// asks for. Terms and questions say for themselves what is done.
    #[must_use]
    pub fn is_once(&self) -> bool {
        matches!(self, Self::QueryFilter(_) | Self::Script(_))
    }

    /// Whether it tells about one sign-in and not about the person: what it starts must be remembered.
    #[must_use]
    pub fn is_momentary(&self) -> bool {
        matches!(self, Self::LoginCount { .. } | Self::TimeSinceLogin(_))
    }

    /// Whether it holds. Fields that are missing or of a wrong type make it false, never an error; who never signed in, or not since it
    /// is tracked, has no last sign-in to be away from.
    #[must_use]
    pub fn evaluate(&self, situation: &Situation<'_>) -> Outcome<'_> {
        Outcome::Known(match self {
            Self::KbaQuestions => has_enough_answers(situation),
            Self::Terms => !situation.terms.accepted(situation.metadata.as_value()),
            Self::LoginCount { interval: Interval::At, amount } => situation.sign_in == amount.get(),
            Self::LoginCount { interval: Interval::Every, amount } => {
                situation.sign_in > 0 && situation.sign_in.is_multiple_of(amount.get())
            }
            Self::TimeSinceLogin(span) => situation.metadata.last_login().is_some_and(|last| span.has_passed(last, situation.now)),
            Self::QueryFilter(filter) => filter.matches(situation.object),
            Self::Script(script) => return Outcome::Ask(script),
        })
    }
}

fn has_enough_answers(situation: &Situation<'_>) -> bool {
    let needed = situation.kba.answers_to_define(None);
    let answers = situation.object.get(&situation.kba.property).map(|property| read_answers(property, situation.kba));
    answers.is_some_and(|answers| u32::try_from(answers.len()).unwrap_or(u32::MAX) >= needed)
}
