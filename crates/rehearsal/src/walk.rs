//! One walk through a process: somebody submits, and everything that follows is written down.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use process::{Caller, MapStep, Process, ProcessContext, ProcessMap, StepOutcome, Submitted};
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
    /// The stage that asked.
    stage: usize,
    /// The one that had asked before.
    stage_before: usize,
    mails: usize,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) finished: bool,
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
            stage: 0,
            stage_before: 0,
            mails: world.mails().len(),
            exchanges: Vec::new(),
            finished: false,
            reached: Reached::default(),
        };
        let (status, body) = match world.initial(&walk.process.name, &walk.caller) {
            Ok(body) => (200, body),
            Err(error) => (error.code, error.to_value()),
        };
        if status == 200 {
            walk.asked = body.clone();
            walk.reached.stages.insert(0);
            walk.asks_under(0, &body);
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
        person.answer(&self.asked, &crate::definition::configuration(&self.process, self.stage, &self.asked), &self.world.mails())
    }

    /// Submits with the token of an answer, 0 for none. False when it was refused.
    pub(crate) fn submit(&mut self, token: usize, input: Value) -> bool {
        let text = token.checked_sub(1).and_then(|at| self.tokens.get(at)).cloned();
        let submitted = self.world.submit(&self.process.name, text.as_deref(), &input, &self.caller);
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
                exchange.body = failure.error.to_value();
                exchange.stages = failure.steps.iter().map(Touched::from).collect();
                false
            }
        };
        exchange.mails = new.iter().map(SeenMail::from).collect();
        exchange.decisions.extend(new.iter().filter(|mail| mail.withheld).map(|mail| Decision::Withheld { to: mail.to.clone() }));
        self.exchanges.push(exchange);
        good
    }

    fn asks_under(&mut self, stage: usize, body: &Value) {
        if let Some(tag) = body.get("tag").and_then(Value::as_str) {
            self.reached.tags.insert((stage, tag.to_owned()));
        }
    }

    fn take(&mut self, submitted: &Submitted, exchange: &mut Exchange) {
        exchange.stages = submitted.steps.iter().map(Touched::from).collect();
        exchange.body = submitted.body.clone();
        self.finished |= submitted.finished;
        let token = submitted.body.get("token").and_then(Value::as_str);
        let carried = token.and_then(|token| self.world.carried(&self.process.name, token, &self.caller));
        self.stage_before = self.stage;
        if let Some(context) = &carried {
            self.stage = context.stage;
            exchange.carries = Some(carries(context));
            let decoy = context.facts.iter().any(|fact| matches!(fact, process::Fact::Named { subject } if subject.decoy));
            exchange.decisions.extend(decoy.then_some(Decision::Decoy));
        }
        let asking = (!submitted.finished).then_some(&submitted.body);
        let (before, answered) = (self.stage_before, is_asking(&self.asked).then(|| self.asked.clone()));
        self.reached.stages.extend(submitted.steps.iter().map(|step| step.index));
        if !submitted.finished {
            self.asks_under(self.stage, &submitted.body);
        }
        for step in &submitted.steps {
            let Some(on_map) = self.map.steps.get(step.index).filter(|on_map| !on_map.branches.is_empty()) else { continue };
            let asks = asking.filter(|_| step.outcome == StepOutcome::Entered && Some(step) == submitted.steps.last());
            let through = step.outcome == StepOutcome::Completed;
            // Whoever has answered was asked by the branch that they were asked by before.
            let asked_before = answered.as_ref().filter(|_| through && step.index == before);
            if asks.is_some() || through {
                let taken = self.why(step.index, on_map, asks.or(asked_before));
                if let Decision::Branch { branch: Some(branch), .. } = &taken {
                    self.reached.branches.insert((step.index, branch.clone()));
                }
                exchange.decisions.push(taken);
            }
        }
        if let Some(token) = token {
            self.tokens.push(token.to_owned());
        }
        self.asked = submitted.body.clone();
    }

    /// Which branch was taken, with the condition in the words of the file and what it was compared with.
    fn why(&self, place: usize, step: &MapStep, asked: Option<&Value>) -> Decision {
        let kind = asked.and_then(|body| body.get("type")).and_then(Value::as_str);
        let of_kind = |inner: &MapStep| Some(inner.shown_as.as_deref().unwrap_or(&inner.stage)) == kind;
        let asking: Vec<_> = step.branches.iter().filter(|branch| !branch.steps.is_empty()).collect();
        let of_kind: Vec<_> = asking.iter().copied().filter(|branch| branch.steps.iter().any(of_kind)).collect();
        let candidates: Vec<_> = match asked {
            Some(_) if of_kind.is_empty() => asking,
            Some(_) => of_kind,
            None => step.branches.iter().filter(|branch| branch.steps.is_empty()).collect(),
        };
        let only = match candidates.as_slice() {
            [branch] => Some(*branch),
            _ => None,
        };
        Decision::Branch {
            place,
            stage: step.stage.clone(),
            due: asked.is_some(),
            branch: only.map(|branch| branch.name.clone()),
            when: only.map(|branch| branch.when.clone()),
            compared: self.compared(&step.pointer),
        }
    }

    /// What a condition about the metadata of the signed-in person was compared with.
    fn compared(&self, pointer: &str) -> Option<String> {
        let file = self.process.source.get("file");
        let kind = file.and_then(|file| file.pointer(&format!("{pointer}/condition/type"))).and_then(Value::as_str).unwrap_or_default();
        let subject = self.caller.subject.as_ref()?;
        let meta = self.world.setting.project.schemas.get(&subject.collection).map_or("_meta", |schema| schema.meta_property());
        let stored = self.world.stored(&subject.collection, &subject.id).unwrap_or_default();
        let of_meta = |name: &str| stored.get(meta).and_then(|meta| meta.get(name)).cloned().unwrap_or(Value::Null);
        match kind.to_ascii_lowercase().as_str() {
            "logincount" => Some(format!("loginCount is {}", of_meta("loginCount"))),
            "timesincelogin" => Some(format!("lastLogin is {}", of_meta("lastLogin"))),
            _ => None,
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

/// Whether something is wanted. A conditional stage may show that nothing is, yet.
fn is_asking(body: &Value) -> bool {
    body.get("requirements").and_then(Value::as_object).is_some_and(|requirements| !requirements.is_empty())
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
