//! One walk through a process: somebody submits, and everything that follows is written down.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use process::{Caller, Process, ProcessContext, ProcessMap, Reason, Submitted};
use serde_json::{Value, json};
use stages::Services;

use crate::person::Person;
use crate::transcript::{Decision, Exchange, Reached, SeenMail, Touched};
use crate::world::World;

/// A walk as far as it came.
pub(crate) struct Walk<'w> {
    world: &'w World,
    process: std::sync::Arc<Process<Services>>,
    map: ProcessMap,
    pub(crate) caller: Caller,
    /// The tokens of the answers, in order.
    pub(crate) tokens: Vec<String>,
    /// The body of the last answer that was none of a refusal.
    pub(crate) asked: Value,
    /// The stage that asked, a pointer into the file: one inside of others, where that asked.
    asking: String,
    mails: usize,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) finished: bool,
    /// The stage that failed last, and why.
    pub(crate) fault: Option<String>,
    pub(crate) reached: Reached,
}

impl<'w> Walk<'w> {
    /// Begins with what a page asks before anything is submitted.
    pub(crate) fn begin(world: &'w World, process: std::sync::Arc<Process<Services>>, caller: Caller) -> Self {
        let map = ProcessMap::of(&process);
        let mut walk = Self {
            world,
            map,
            process,
            caller,
            tokens: Vec::new(),
            asked: Value::Null,
            asking: String::new(),
            mails: world.mails().len(),
            exchanges: Vec::new(),
            finished: false,
            fault: None,
            reached: Reached::default(),
        };
        let (status, body) = match world.initial(&walk.process.name, &walk.caller) {
            Ok(body) => (200, body),
            Err(error) => (error.code, error.to_value()),
        };
        if status == 200 {
            walk.asked = body.clone();
            walk.asking = crate::definition::asking(&walk.process, 0, &body, None);
            walk.asks_under(&body);
        }
        walk.exchanges.push(Exchange {
            at: moment(world.now()),
            method: "GET".to_owned(),
            token: None,
            input: None,
            status,
            body,
            stages: Vec::new(),
            carries: None,
            mails: Vec::new(),
            decisions: Vec::new(),
        });
        walk
    }

    /// What the person answers by themselves.
    pub(crate) fn answer_of(&self, person: &Person) -> Value {
        let stage = crate::definition::configuration(&self.process, &self.asking);
        person.answer(&self.asked, &stage, &self.world.mails(), &self.world.fitting(&person.collection))
    }

    /// Submits with the token of an answer, 0 for none. False when it was refused. `proofs` stand in the place of what is written for them, and only
    /// that is shown.
    pub(crate) fn submit(&mut self, token: usize, input: Value, proofs: &BTreeMap<String, String>) -> bool {
        let mut sent = input.clone();
        put(&mut sent, proofs);
        let text = token.checked_sub(1).and_then(|at| self.tokens.get(at)).cloned();
        let submitted = self.world.submit(&self.process.name, text.as_deref(), &sent, &self.caller);
        let mails = self.world.mails();
        let new = mails.get(self.mails..).unwrap_or_default().to_vec();
        self.mails = mails.len();
        let mut exchange = Exchange {
            at: moment(self.world.now()),
            method: "POST".to_owned(),
            token: text.is_some().then_some(token),
            input: Some(input),
            status: 200,
            body: Value::Null,
            stages: Vec::new(),
            carries: None,
            mails: Vec::new(),
            decisions: Vec::new(),
        };
        let good = match submitted {
            Ok(submitted) => {
                self.take(&submitted, &mut exchange);
                true
            }
            Err(failure) => {
                exchange.status = failure.error.code;
                if failure.error.code >= 500 {
                    let stage = failure.steps.last().map_or_else(String::new, |step| {
                        // A stage that the project declares is known by the name it has there.
                        let placed = self.process.stages.get(step.index);
                        format!("stage {} ({}): ", step.index, placed.map_or(step.stage, |placed| placed.stage.shown_as()))
                    });
                    let why = self.world.fault().unwrap_or_else(|| failure.error.message.clone());
                    self.fault = Some(format!("{stage}{why}"));
                }
                exchange.body = failure.error.to_value();
                exchange.stages = failure.steps.iter().map(Touched::from).collect();
                let reasons = failure.of.map(|of| of.reasons).unwrap_or_default();
                exchange.decisions = self.decisions(&reasons);
                false
            }
        };
        exchange.mails = new.iter().map(SeenMail::from).collect();
        exchange.decisions.extend(new.iter().filter(|mail| mail.withheld).map(|mail| Decision::Withheld { to: mail.to.clone() }));
        self.exchanges.push(exchange);
        good
    }

    fn asks_under(&mut self, body: &Value) {
        // Whoever is asked by a branch is at the stage that has it.
        let top: Vec<&str> = self.asking.split('/').take(3).collect();
        self.reached.stages.insert(top.join("/"));
        self.reached.stages.insert(self.asking.clone());
        if let Some(tag) = body.get("tag").and_then(Value::as_str) {
            self.reached.tags.insert((self.asking.clone(), tag.to_owned()));
        }
    }

    fn take(&mut self, submitted: &Submitted, exchange: &mut Exchange) {
        exchange.stages = submitted.steps.iter().map(Touched::from).collect();
        exchange.body = submitted.body.clone();
        self.finished |= submitted.finished;
        let token = submitted.body.get("token").and_then(Value::as_str);
        let carried = token.and_then(|token| self.world.carried(&self.process.name, token, &self.caller));
        exchange.decisions = self.decisions(&submitted.reasons);
        self.reached.stages.extend(submitted.steps.iter().filter_map(|step| Some(self.map.steps.get(step.index)?.pointer.clone())));
        if let Some(context) = &carried {
            exchange.carries = Some(carries(context));
            let decoy = context.facts.iter().any(|fact| matches!(fact, process::Fact::Named { subject } if subject.decoy));
            exchange.decisions.extend(decoy.then_some(Decision::Decoy));
            self.asking = crate::definition::asking(&self.process, context.stage, &submitted.body, Some(&context.state));
            self.asks_under(&submitted.body);
        }
        if let Some(token) = token {
            self.tokens.push(token.to_owned());
        }
        self.asked = submitted.body.clone();
    }

    /// What the engine said that it decided, and why.
    fn decisions(&mut self, reasons: &[Reason]) -> Vec<Decision> {
        let mut decisions = Vec::new();
        for reason in reasons {
            if reason.what == "condition" {
                decisions.push(self.branch(reason));
            } else if let Some(says) = accounts::explain::said(&reason.to_value()) {
                let stage = self.map.steps.get(reason.stage).map(|step| step.stage.clone()).unwrap_or_default();
                decisions.push(Decision::Said { place: reason.stage, stage, what: reason.what.to_owned(), says });
            }
        }
        decisions
    }

    /// Which branch was taken, with the condition in the words of the file and what it was compared with.
    fn branch(&mut self, reason: &Reason) -> Decision {
        let text = |key: &str| reason.detail.get(key).and_then(Value::as_str).unwrap_or_default();
        let step = self.map.find(text("at"));
        let stage = step.map(|step| step.stage.clone()).unwrap_or_default();
        let holds = match text("branch") {
            "true" => Some("onConditionTrue"),
            "false" => Some("onConditionFalse"),
            _ => None,
        };
        let branches = step.map(|step| step.branches.as_slice()).unwrap_or_default();
        let mut empty = branches.iter().filter(|branch| branch.steps.is_empty());
        // Where nothing is taken, it is the way that asks nothing; of two that ask something it is neither.
        let taken = match holds {
            Some(name) => branches.iter().find(|branch| branch.name == name),
            None => empty.next().filter(|_| empty.next().is_none()),
        };
        if let Some(taken) = taken {
            self.reached.branches.insert((text("at").to_owned(), taken.name.clone()));
            self.reached.stages.extend(taken.steps.iter().map(|step| step.pointer.clone()));
        }
        let condition = text("condition");
        let is = reason.detail.get("is").filter(|is| !is.is_null());
        let compared = is.map(|is| match is.as_i64().filter(|_| condition.eq_ignore_ascii_case("timesincelogin")) {
            Some(seconds) => format!("lastLogin is {}", Value::from(moment(seconds))),
            None => format!("{} is {is}", condition.split(' ').next().unwrap_or_default()),
        });
        Decision::Branch {
            place: reason.stage,
            stage,
            due: holds.is_some(),
            branch: taken.map(|branch| branch.name.clone()),
            when: taken.map(|branch| branch.when.clone()),
            compared,
        }
    }

    /// Tokens as transcripts name them.
    pub(crate) fn without_tokens(&self) -> Vec<Exchange> {
        let numbered: BTreeMap<&str, String> =
            self.tokens.iter().enumerate().map(|(at, token)| (token.as_str(), format!("{{token {}}}", at + 1))).collect();
        let mut exchanges = self.exchanges.clone();
        for exchange in &mut exchanges {
            let members = [Some(&mut exchange.body), exchange.input.as_mut(), exchange.carries.as_mut()];
            for value in members.into_iter().flatten() {
                replace(value, &numbered);
            }
            for text in exchange.mails.iter_mut().flat_map(|mail| [&mut mail.subject, &mut mail.body]) {
                name_tokens(text, &numbered);
            }
        }
        exchanges
    }
}

/// Proofs of accounts at identity providers, where they are to stand.
fn put(value: &mut Value, proofs: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(proof) = proofs.get(text.as_str()) {
                text.clone_from(proof);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| put(item, proofs)),
        Value::Object(members) => members.values_mut().for_each(|member| put(member, proofs)),
        _ => {}
    }
}

fn replace(value: &mut Value, numbered: &BTreeMap<&str, String>) {
    match value {
        // Whatever else is sealed is sealed anew each time.
        Value::String(text) if text.starts_with("eyJ") && text.contains('.') && !numbered.contains_key(text.as_str()) => {
            "{sealed}".clone_into(text);
        }
        Value::String(text) => name_tokens(text, numbered),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, numbered)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, numbered)),
        _ => {}
    }
}

fn name_tokens(text: &mut String, numbered: &BTreeMap<&str, String>) {
    for (token, name) in numbered {
        if text.contains(token) {
            *text = text.replace(token, name);
        }
    }
}

/// What a token carries: where it leads, what was proved, and the state.
fn carries(context: &ProcessContext) -> Value {
    let mut proved: Vec<&str> = Vec::new();
    for phrase in context.facts.iter().map(|fact| fact.kind().phrase()) {
        if !proved.contains(&phrase) {
            proved.push(phrase);
        }
    }
    let mut state = context.state.clone();
    // It is there for the size of the token.
    state.remove("filler");
    json!({
        "stage": context.stage,
        "tag": context.tag,
        "facts": proved,
        "state": state,
        "expires": moment(context.expires),
    })
}

/// Seconds since 1970 as IDM writes times.
pub(crate) fn moment(seconds: i64) -> String {
    identity::timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs()))
}
