//! What happened in a rehearsal, for people and for programs: requests and answers, stages, what tokens carry, mails, decisions with their
//! reasons.
//!
//! Easiest to break: tokens are drawn anew each time, so their text never stands in a transcript; `{token 2}` is the token of the second
//! answer that had one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// The processes that were due at their sign-in, as paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub due: Vec<String>,
    /// Requests and their answers, in order.
    pub exchanges: Vec<Exchange>,
    /// What came of it.
    pub outcome: Outcome,
    /// The person's object afterwards, as it is stored.
    pub object: Option<Value>,
    /// What it came past.
    #[serde(skip)]
    pub reached: Reached,
}

/// What a walk came past, for coverage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Places of stages, from 0.
    pub stages: BTreeSet<usize>,
    /// Places of stages and the tags they asked under.
    pub tags: BTreeSet<(usize, String)>,
    /// Places of stages and the branches that were taken.
    pub branches: BTreeSet<(usize, String)>,
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
    pub stages: Vec<String>,
    /// What the token of the answer carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carries: Option<Value>,
    /// The mails that were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mails: Vec<Value>,
    /// What was decided, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<String>,
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
        };
        let _ = writeln!(out, "\n{outcome}");
        if let Some(object) = &self.object {
            let _ = writeln!(out, "stored: {object}");
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
        for line in self.stages.iter().chain(&self.decisions) {
            let _ = writeln!(out, "  {line}");
        }
        if let Some(carries) = &self.carries {
            let _ = writeln!(out, "  the token carries {carries}");
        }
        for mail in &self.mails {
            let text = |key: &str| mail.get(key).and_then(Value::as_str).unwrap_or_default();
            let withheld = if mail.get("withheld") == Some(&Value::Bool(true)) { ", withheld" } else { "" };
            let _ = writeln!(out, "  mail to {}{withheld}: {}", text("to"), text("subject"));
            for line in text("body").lines() {
                let _ = writeln!(out, "  | {line}");
            }
        }
    }
}
