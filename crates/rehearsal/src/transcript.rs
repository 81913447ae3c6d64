//! What happened in a rehearsal, for people and for programs: requests and answers, stages, what tokens carry, mails, decisions with their
//! reasons.
//!
//! Easiest to break: tokens are drawn anew each time, so their text never stands in a transcript; `{token 2}` is the token of the second
//! answer that had one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use process::{Mail, Step, StepOutcome};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An account at an identity provider, proved as one is whose owner has just signed in there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountElsewhere {
    /// The provider, by the name in its file.
    pub provider: String,
    /// What the provider says of them: `sub`, `email`, `given_name`, … What it does not say here is said of the person of the plan.
    #[serde(default)]
    pub profile: Map<String, Value>,
}

/// A rehearsal, written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transcript {
    /// The process.
    pub process: String,
    /// The version of its definition.
    pub version: String,
    /// From which everything was drawn.
    pub seed: u64,
    /// When it began, as IDM writes times.
    pub at: String,
    /// Who it was, in clear: nobody but these files has ever heard of them.
    pub person: Value,
    /// Whether they had an account when it began.
    pub account: bool,
    /// Whether they were signed in.
    pub signed_in: bool,
    /// Whether their present password came along with every request.
    #[serde(default)]
    pub reauthenticated: bool,
    /// Others who had accounts, in clear.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Map<String, Value>>,
    /// Properties of the person that are secret by the project's schema: they are not written down by whoever makes a plan of this.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub secrets: BTreeSet<String>,
    /// Accounts that they had at identity providers, where they were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<AccountElsewhere>,
    /// What HTTP services that are stages answered, by address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, Value>,
    /// The processes that were due at their sign-in, as paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub due: Vec<String>,
    /// Requests and their answers, in order.
    pub exchanges: Vec<Exchange>,
    /// What came of it.
    pub outcome: Outcome,
    /// The stage that failed last, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The person's object afterwards, as it is stored.
    pub object: Option<Value>,
    /// The members of it that are not what they were; all of them where there was none.
    #[serde(default)]
    pub changed: BTreeSet<String>,
    /// What became of sessions.
    #[serde(default)]
    pub sessions: Sessions,
    /// What it came past.
    #[serde(skip)]
    pub reached: Reached,
}

/// What became of sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// How many began.
    pub begun: usize,
    /// How often somebody's were ended.
    pub ended: usize,
}

/// What a walk came past, for coverage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Stages, by their pointers into the file; those inside of others among them.
    pub stages: BTreeSet<String>,
    /// Stages and the tags they asked under.
    pub tags: BTreeSet<(String, String)>,
    /// Stages and the branches that were taken.
    pub branches: BTreeSet<(String, String)>,
}

/// How a rehearsal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The process is through.
    Completed,
    /// The last submission was refused.
    Refused,
    /// The same question came again and again.
    Stuck,
    /// The plan ended before the process.
    Stopped,
    /// A stage could not be played: it failed, as a server that lacks something does.
    Broken,
}

/// One request and its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// When, as IDM writes times.
    pub at: String,
    /// `GET` or `POST`.
    pub method: String,
    /// Which token came along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<usize>,
    /// What was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// The status of the answer.
    pub status: u16,
    /// The body of the answer.
    pub body: Value,
    /// What became of the stages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Touched>,
    /// What the token of the answer carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carries: Option<Value>,
    /// The mails that were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mails: Vec<SeenMail>,
    /// What was decided, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
}

/// What became of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Its place, from 0.
    pub place: usize,
    /// Its type.
    pub stage: String,
    /// What became of it.
    pub outcome: Became,
}

/// What became of a stage in a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Became {
    /// It was entered.
    Entered,
    /// It is through.
    Through,
    /// It refused the input.
    Refused,
}

impl From<&Step> for Touched {
    fn from(step: &Step) -> Self {
        let outcome = match step.outcome {
            StepOutcome::Entered => Became::Entered,
            StepOutcome::Completed => Became::Through,
            StepOutcome::Failed => Became::Refused,
        };
        Self { place: step.index, stage: step.stage.to_owned(), outcome }
    }
}

impl fmt::Display for Touched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Became::Entered => "entered",
            Became::Through => "through",
            Became::Refused => "refused",
        };
        write!(f, "stage {} {}: {outcome}", self.place, self.stage)
    }
}

/// A mail that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenMail {
    /// To whom.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// It never leaves.
    pub withheld: bool,
}

impl From<&Mail> for SeenMail {
    fn from(mail: &Mail) -> Self {
        Self { to: mail.to.clone(), subject: mail.subject.clone(), body: mail.body.clone(), withheld: mail.withheld }
    }
}

/// What was decided, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Decision {
    /// Nobody is meant, or not exactly one account that is active.
    Decoy,
    /// A mail never leaves: its account is not there, or was not to be had.
    Withheld {
        /// To whom it is written.
        to: String,
    },
    /// What the engine notes for the audit trail.
    Said {
        /// The place of the stage, from 0.
        place: usize,
        /// Its type.
        stage: String,
        /// The word for it, `nobody-found`.
        what: String,
        /// A sentence.
        says: String,
    },
    /// A stage went one way.
    Branch {
        /// Its place, from 0.
        place: usize,
        /// Its type.
        stage: String,
        /// Whether a form is due on it.
        due: bool,
        /// The key of the file, where only one way of it asks what was asked.
        branch: Option<String>,
        /// When it is taken, as the file says it.
        when: Option<String>,
        /// What the condition was compared with.
        compared: Option<String>,
    },
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decoy => f.write_str("nobody is meant, or not exactly one account that is active: a decoy is named, and treated alike"),
            Self::Withheld { to } => {
                write!(f, "the mail to {to} is written and never sent: it is for an account that is not there, or was not to be had")
            }
            Self::Said { stage, says, .. } => write!(f, "{stage}: {says}"),
            Self::Branch { stage, due, branch, when, compared, .. } => {
                match (branch, when) {
                    (Some(branch), Some(when)) => write!(f, "{stage}: {branch} ({when})")?,
                    _ if *due => write!(f, "{stage}: a form is due")?,
                    _ => write!(f, "{stage}: no form is due")?,
                }
                compared.as_ref().map_or(Ok(()), |compared| write!(f, "; {compared}"))
            }
        }
    }
}

impl Transcript {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let account = if self.account { "has an account" } else { "has no account" };
        let session = if self.signed_in { ", signed in" } else { "" };
        let _ = writeln!(out, "{} {}, seed {}\nsomebody who {account}{session}: {}", self.process, self.version, self.seed, self.person);
        if !self.due.is_empty() {
            let _ = writeln!(out, "due at the sign-in: {}", self.due.join(", "));
        }
        let mut before: Option<&str> = None;
        for exchange in &self.exchanges {
            out.push('\n');
            if before != Some(&exchange.at) {
                let _ = writeln!(out, "{}", exchange.at);
            }
            before = Some(&exchange.at);
            exchange.write(&self.process, &mut out);
        }
        let outcome = match self.outcome {
            Outcome::Completed => "completed",
            Outcome::Refused => "refused",
            Outcome::Stuck => "stuck: the same question comes again",
            Outcome::Stopped => "stopped",
            Outcome::Broken => "broken",
        };
        let _ = writeln!(out, "\n{outcome}");
        if let Some(fault) = &self.fault {
            let _ = writeln!(out, "failed: {fault}");
        }
        if let Some(object) = &self.object {
            let _ = writeln!(out, "stored: {object}");
        }
        if !self.changed.is_empty() {
            let _ = writeln!(out, "changed: {}", self.changed.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
        }
        if self.sessions != Sessions::default() {
            let _ = writeln!(out, "sessions: {} begun, {} times ended", self.sessions.begun, self.sessions.ended);
        }
        out
    }
}

impl Exchange {
    fn write(&self, process: &str, out: &mut String) {
        let path = format!("/openidm/selfservice/{process}");
        match &self.input {
            None => {
                let _ = writeln!(out, "> {} {path}", self.method);
            }
            Some(input) => {
                let token = self.token.map(|number| format!("\"token\":\"{{token {number}}}\",")).unwrap_or_default();
                let _ = writeln!(out, "> {} {path}?_action=submitRequirements\n> {{{token}\"input\":{input}}}", self.method);
            }
        }
        let _ = writeln!(out, "< {} {}", self.status, self.body);
        for stage in &self.stages {
            let _ = writeln!(out, "  {stage}");
        }
        for decision in &self.decisions {
            let _ = writeln!(out, "  {decision}");
        }
        if let Some(carries) = &self.carries {
            let _ = writeln!(out, "  the token carries {carries}");
        }
        for mail in &self.mails {
            let withheld = if mail.withheld { ", withheld" } else { "" };
            let _ = writeln!(out, "  mail to {}{withheld}: {}", mail.to, mail.subject);
            for line in mail.body.lines() {
                let _ = writeln!(out, "  | {line}");
            }
        }
    }
}
