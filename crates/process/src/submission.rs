//! A submission, and what became of it.

use crest::ResourceError;
use serde_json::{Value, json};

use crate::{Caller, InstanceId, MailId, Passage, Reason, Version};

/// A `submitRequirements` request.
#[derive(Clone, Debug)]
pub struct Submission<'a> {
    /// The token, if the body had one.
    pub token: Option<&'a str>,
    /// `input`, if the body had one.
    pub input: Option<&'a Value>,
    /// Who asks.
    pub caller: &'a Caller,
}

/// What became of one stage in a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// It was entered.
    Entered,
    /// It is through.
    Completed,
    /// It refused the input.
    Failed,
}

impl StepOutcome {
    /// As it stands in the audit trail, in labels and in spans.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Entered => "entered",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// A stage that was touched, for metrics and the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The stage's type.
    pub stage: &'static str,
    /// Its place in the process.
    pub index: usize,
    /// What became of it.
    pub outcome: StepOutcome,
}

impl Step {
    /// As it stands in the audit trail.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "stage": self.stage, "index": self.index, "outcome": self.outcome.word() })
    }
}

/// A successful submission.
#[derive(Clone, Debug, PartialEq)]
pub struct Submitted {
    /// The body of the answer.
    pub body: Value,
    /// The instance, for the audit trail.
    pub instance: InstanceId,
    /// The version of the definition that it runs on.
    pub version: Version,
    /// What happened to which stage.
    pub steps: Vec<Step>,
    /// Mails whose delivery the answer must wait for.
    pub await_mails: Vec<MailId>,
    /// Mails were written: the outbox has something to do.
    pub mailed: bool,
    /// The process ended.
    pub finished: bool,
    /// What was decided, and why.
    pub reasons: Vec<Reason>,
    /// Who is named, `managed/user/<id>`; empty for nobody.
    pub object: String,
    /// How far the instance has come, where nothing was written that would say so.
    pub passage: Option<Box<Passage>>,
}

/// A submission that failed. Nothing was written, the token is still good.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What the client is told.
    pub error: ResourceError,
    /// What happened to which stage until then.
    pub steps: Vec<Step>,
    /// The instance it happened to, where somebody holds a token of it.
    pub of: Option<Box<Refused>>,
}

/// The instance that a submission was refused for.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// Which one.
    pub instance: InstanceId,
    /// The version of the definition that it runs on.
    pub version: Version,
    /// What was decided, and why.
    pub reasons: Vec<Reason>,
    /// Who is named, `managed/user/<id>`; empty for nobody.
    pub object: String,
    /// What is counted of it; nothing of an instance that is over.
    pub passage: Option<Box<Passage>>,
}

impl From<ResourceError> for Failure {
    fn from(error: ResourceError) -> Self {
        Self { error, steps: Vec::new(), of: None }
    }
}
