//! What was found out about a process.

use std::collections::BTreeSet;
use std::fmt;

use project::Proofs;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Bounds, Goal, Shape};

/// Why an exploration is not the whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// There are more states than the bound.
    States,
    /// There are longer ways than the bound.
    Depth,
    /// There are more submissions than the bound.
    Submissions,
    /// A question has more combinations of answers than were tried.
    Inputs,
    /// A stage could not be played: it failed, as a server that lacks something does, or its scripts run out of time. Which one, and why.
    Failed(String),
    /// A service gives the details of a new person, which only it knows.
    Service,
    /// An identity provider is asked with a code, or a script of its file fails on a profile that is played.
    Provider,
    /// The people cannot be put there.
    People,
    /// Not even whoever has every proof got through a stage, or into a branch of it, so what it guards was never tried. Which one, and why.
    NotReached(String),
}

impl Cut {
    /// Whether something could still have been submitted.
    pub(crate) fn leaves_untried(&self) -> bool {
        matches!(self, Self::States | Self::Depth | Self::Submissions | Self::Inputs | Self::Failed(_))
    }

    /// A word for it.
    fn word(&self) -> &'static str {
        match self {
            Self::States => "states",
            Self::Depth => "depth",
            Self::Submissions => "submissions",
            Self::Inputs => "inputs",
            Self::Failed(_) => "failed",
            Self::Service => "service",
            Self::Provider => "provider",
            Self::People => "people",
            Self::NotReached(_) => "notReached",
        }
    }
}

impl Serialize for Cut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::States => "there are more states",
            Self::Depth => "there are longer ways",
            Self::Submissions => "there is more to submit",
            Self::Inputs => "a question has more combinations of answers",
            Self::Service => "a service gives details of a new person, which it alone knows",
            Self::Provider => {
                "an identity provider would be asked with a code, or a script of its file fails, as nothing here can play the provider"
            }
            Self::People => "the people cannot be put there",
            Self::Failed(which) | Self::NotReached(which) => which,
        })
    }
}

/// What is answered to a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Said {
    /// A question, or the end.
    Asked {
        /// The `type`.
        #[serde(rename = "type")]
        kind: String,
        /// The `tag`; `end` at the end.
        tag: String,
    },
    /// A refusal.
    Refused {
        /// The status.
        code: u16,
        /// The message.
        message: String,
    },
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked { kind, tag } => write!(f, "{kind} {tag}"),
            Self::Refused { code, message } => write!(f, "{code} {message}"),
        }
    }
}

/// One submission of an attack.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttackStep {
    /// The number of the answer whose token comes along, from 1; nothing for none.
    pub token: Option<usize>,
    /// What is sent. `{code}` is the code that was mailed last, to a mailbox that the attacker reads; `{clientToken …}` is what proves an
    /// account of theirs at an identity provider, and says which.
    pub input: Value,
    /// What is answered.
    pub answer: Said,
}

/// A way to something that the policy does not let anybody have with what they have.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attack {
    /// What is reached.
    pub goal: Goal,
    /// Of what kind of account.
    pub shape: Shape,
    /// What the attacker has.
    pub has: Proofs,
    /// The collection that the account is in, `managed/user`.
    pub collection: String,
    /// Whose account it is, in clear.
    pub victim: Value,
    /// The attacker's own account, in clear: anybody may have one.
    pub own: Value,
    /// The submissions, in order.
    pub steps: Vec<AttackStep>,
    /// The smallest edit of the file that was found to close it.
    pub fix: Option<Edit>,
    /// There are more edits of one stage than were tried.
    pub edits_left: bool,
}

/// A change of a process file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// What to do.
    pub says: String,
    /// The file then.
    pub file: Value,
}

/// What was found out about one process.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Its name.
    pub process: String,
    /// It would be served; otherwise it was explored as if its proofs had been waived.
    pub served: bool,
    /// Kinds of accounts and sets of proofs that were tried together.
    pub settings: usize,
    /// Different states that were reached.
    pub states: usize,
    /// Submissions that were tried.
    pub inputs: usize,
    /// The most submissions in a row.
    pub depth: usize,
    /// How much of each would have been tried.
    pub bounds: Bounds,
    /// Why the exploration is not the whole: what it did not find may be there. Empty for a whole one.
    pub cut_off: BTreeSet<Cut>,
    /// Ways that the policy forbids, one for each goal.
    pub attacks: Vec<Attack>,
}

impl Finding {
    /// Whether there is nothing to say of it yet.
    pub(crate) fn is_silent(&self) -> bool {
        self.attacks.is_empty() && self.cut_off.is_empty()
    }
}

/// The least that somebody needs for a new credential, for one kind of account.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// Of what kind of account.
    pub shape: Shape,
    /// The least, as far as it was found; nothing where no way was.
    pub needs: Option<Proofs>,
    /// A way with it.
    pub steps: Vec<AttackStep>,
    /// Why it is not sure that nothing less is enough. Empty where it is.
    pub cut_off: BTreeSet<Cut>,
}
