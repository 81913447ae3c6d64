//! Breadth first, so that the first way found is the shortest: from every state everything is submitted, with the newest token and with
//! older ones, and what comes of it is compared with what was there.
//!
//! Easiest to break: two states that are taken for one although the engine would tell them apart. What counts is where a token leads, what was
//! earned, what it holds, and what is stored; only what is drawn or sealed anew each time is left out.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use crest::Resource;
use process::{Caller, Mail, Process, Subject};
use project::Proofs;
use serde_json::{Value, json};
use stages::Services;

use super::attacker::{Attacker, OWN_ACCOUNT, OWN_ADDRESS, VICTIM, own, victim};
use super::{AttackStep, Goal, Prover, Shape};
use crate::ledger::Rows;
use crate::rehearsal::collection;
use crate::world::{NoKeys, World, caller};

/// What an exploration may cost.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// States of one kind of account with one set of proofs.
    pub states: usize,
    /// Submissions in a row.
    pub depth: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { states: 600, depth: 24 }
    }
}

/// What came of one exploration.
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) inputs: usize,
    pub(crate) depth: usize,
    pub(crate) cut_off: bool,
    /// The shortest way to each goal that was reached.
    pub(crate) reached: Vec<(Goal, Vec<AttackStep>)>,
}

/// Everything stored.
#[derive(Clone)]
struct Stored {
    objects: BTreeMap<String, BTreeMap<String, Resource>>,
    rows: Rows,
}

/// A token, what it was given with, the stage it leads to, and what it carries as far as that tells states apart.
#[derive(Clone)]
struct Held {
    /// The submission that gave it, from 1.
    number: usize,
    token: String,
    asked: Value,
    stage: usize,
    carries: String,
}

#[derive(Clone)]
struct State {
    stored: Arc<Stored>,
    held: Vec<Held>,
    path: Vec<AttackStep>,
    /// The attacker has used the user name themselves.
    knows_name: bool,
}

pub(crate) fn explore(
    prover: &Prover,
    process: &Arc<Process<Services>>,
    shape: Shape,
    has: Proofs,
    wanted: &[Goal],
    forbidden: &[Goal],
) -> Result<Explored, NoKeys> {
    let setting = crate::world::Setting { processes: vec![Arc::clone(process)], ..prover.setting.clone() };
    let world = World::new(setting, &prover.keys, 1, 1_767_225_600, BTreeMap::new())?;
    let path = collection(process);
    let whom = victim(prover, process, shape);
    let mut explored = Explored { states: 0, inputs: 0, depth: 0, cut_off: false, reached: Vec::new() };
    let settled = world.settle(&path, OWN_ACCOUNT, &own(prover, process));
    if settled.is_err() || (shape.exists && world.settle(&path, VICTIM, &whom).is_err()) {
        explored.cut_off = true;
        return Ok(explored);
    }
    if has.contains(Proofs::SESSION) && !shape.exists {
        return Ok(explored);
    }
    let subject = has.contains(Proofs::SESSION).then(|| Subject { collection: path.clone(), id: VICTIM.to_owned(), decoy: false });
    if subject.is_some() && world.sign_in(&path, VICTIM).is_err() {
        explored.cut_off = true;
        return Ok(explored);
    }
    let login = whom.get("userName").and_then(Value::as_str).unwrap_or_default();
    let search = Search {
        world: &world,
        process,
        collection: path,
        attacker: Attacker { victim: &whom, has },
        caller: caller(subject, login, has.contains(Proofs::PASSWORD)),
        before: world.stored(&collection(process), VICTIM),
        forbidden,
        bounds: Bounds { depth: prover.bounds.depth.max(process.stages.len() * 2 + 4), ..prover.bounds },
    };
    search.run(wanted, &mut explored);
    Ok(explored)
}

struct Search<'a> {
    world: &'a World,
    process: &'a Process<Services>,
    collection: String,
    attacker: Attacker<'a>,
    caller: Caller,
    before: Option<Value>,
    /// Where a way ends: whatever of these is reached.
    forbidden: &'a [Goal],
    bounds: Bounds,
}

impl Search<'_> {
    fn run(&self, wanted: &[Goal], explored: &mut Explored) {
        let mut seen: HashSet<String> = HashSet::new();
        let mut queue: VecDeque<State> = VecDeque::new();
        queue.push_back(State { stored: Arc::new(self.store()), held: Vec::new(), path: Vec::new(), knows_name: false });
        while let Some(state) = queue.pop_front() {
            explored.states += 1;
            explored.depth = explored.depth.max(state.path.len());
            for (token, input) in self.moves(&state) {
                explored.inputs += 1;
                self.restore(&state.stored);
                let next = self.submit(&state, token, &input, wanted, explored);
                if wanted.iter().all(|goal| explored.reached.iter().any(|(known, _)| known == goal)) {
                    return;
                }
                let Some(next) = next.filter(|next| seen.insert(self.key(next))) else { continue };
                if next.path.len() >= self.bounds.depth || seen.len() > self.bounds.states {
                    explored.cut_off = true;
                    continue;
                }
                queue.push_back(next);
            }
        }
    }

    /// Every token that may come along, none included, with every class of input for its question.
    fn moves(&self, state: &State) -> Vec<(Option<usize>, Value)> {
        let mut moves = Vec::new();
        for (place, held) in state.held.iter().enumerate().rev() {
            let inputs = self.attacker.inputs(&held.asked, &self.configuration(held.stage));
            moves.extend(inputs.into_iter().map(|input| (Some(place), input)));
        }
        // Whoever has a token has begun; to begin again is to be where one was.
        if state.held.is_empty()
            && let Ok(asked) = self.world.initial(&self.process.name, &self.caller)
        {
            moves.extend(self.attacker.inputs(&asked, &self.configuration(0)).into_iter().map(|input| (None, input)));
        }
        moves
    }

    fn configuration(&self, stage: usize) -> Value {
        let Some(placed) = self.process.stages.get(stage) else { return Value::Null };
        self.process.source.get("file").and_then(|file| file.pointer(&placed.pointer)).cloned().unwrap_or_default()
    }

    /// The state after a submission; nothing where it was refused.
    fn submit(&self, state: &State, token: Option<usize>, input: &Value, wanted: &[Goal], explored: &mut Explored) -> Option<State> {
        let held = token.and_then(|place| state.held.get(place));
        let mails = self.world.mails();
        let sent = filled(input, &self.attacker, &mails)?;
        let submitted = self.world.submit(&self.process.name, held.map(|held| held.token.as_str()), &sent, &self.caller);
        let name = self.attacker.victim.get("userName").and_then(Value::as_str).unwrap_or_default();
        let knows_name = state.knows_name || sent.to_string().contains(name);
        let (body, good) = match &submitted {
            Ok(submitted) => (submitted.body.clone(), true),
            Err(failure) => (failure.error.to_value(), false),
        };
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        let code = body.get("code").unwrap_or(&Value::Null);
        let answer = if good { format!("{} {}", text("type"), text("tag")) } else { format!("{code} {}", text("message")) };
        let mut path = state.path.clone();
        path.push(AttackStep { token: held.map(|held| held.number), input: input.clone(), answer });
        let reached = self.reached(&body, knows_name);
        let arrived = reached.iter().any(|goal| self.forbidden.contains(goal));
        for goal in reached {
            if wanted.contains(&goal) && !explored.reached.iter().any(|(known, _)| *known == goal) {
                explored.reached.push((goal, path.clone()));
            }
        }
        // What can be done with an account that was taken is no further way to it.
        let submitted = submitted.ok().filter(|_| !arrived)?;
        let mut next = state.held.clone();
        if let Some(token) = submitted.body.get("token").and_then(Value::as_str) {
            let held = self.held(path.len(), token, body);
            // A token that carries the same is the same to whoever holds it; the newer one stays.
            next.retain(|known| known.carries != held.carries);
            next.push(held);
        }
        Some(State { stored: Arc::new(self.store()), held: next, path, knows_name })
    }

    /// What was reached, by what is stored and said now.
    fn reached(&self, body: &Value, knows_name: bool) -> Vec<Goal> {
        let mut goals = Vec::new();
        let project = &self.world.setting.project;
        let schema = project.schemas.get(&self.collection);
        let meta = schema.map_or("_meta", |schema| schema.meta_property());
        if let Some(before) = &self.before {
            let now = self.world.stored(&self.collection, VICTIM).unwrap_or_default();
            let credentials: Vec<&str> =
                schema.into_iter().flat_map(identity::ObjectSchema::credentials).map(|property| property.name.as_str()).collect();
            let names = before.as_object().into_iter().chain(now.as_object()).flat_map(|object| object.keys());
            for name in names.filter(|name| before.get(*name) != now.get(*name)) {
                // Answers where there were none prove nothing until they have settled (docs/adr/0026-questions-set-by-a-session.md); others are replaced.
                let answers =
                    *name == project.questions.property && before.get(name).and_then(Value::as_array).is_some_and(|all| !all.is_empty());
                let goal = if credentials.contains(&name.as_str()) || name == "password" || answers {
                    Goal::Credential
                } else if name == "mail" {
                    Goal::Address
                } else if name == meta || project.questions.attempts_property.as_ref() == Some(name) {
                    // What the server notes about them, failures among it.
                    continue;
                } else {
                    Goal::Profile
                };
                goals.push(goal);
            }
            let rows = self.world.ledger.rows();
            goals.extend(rows.begun.iter().any(|session| session.owner == VICTIM).then_some(Goal::Credential));
            drop(rows);
            let name = self.attacker.victim.get("userName").and_then(Value::as_str).unwrap_or_default();
            if !knows_name && !self.attacker.has.contains(Proofs::SESSION) && body.to_string().contains(name) {
                goals.push(Goal::Name);
            }
        }
        let others = self.world.all(&self.collection).into_iter().filter(|object| object.id != VICTIM && object.id != OWN_ACCOUNT);
        for object in others {
            let address = object.content.get("mail").and_then(Value::as_str).unwrap_or_default();
            if address != OWN_ADDRESS {
                goals.push(Goal::Account);
            }
        }
        goals.sort_unstable();
        goals.dedup();
        goals
    }

    fn store(&self) -> Stored {
        Stored { objects: self.world.objects.everything(), rows: self.world.ledger.rows().clone() }
    }

    fn restore(&self, stored: &Stored) {
        self.world.objects.become_all(stored.objects.clone());
        self.world.ledger.rows().clone_from(&stored.rows);
    }

    fn held(&self, number: usize, token: &str, asked: Value) -> Held {
        let carried = self.world.carried(&self.process.name, token, &self.caller);
        let stage = carried.as_ref().map_or(0, |context| context.stage);
        let mut value = carried.map_or(Value::Null, |context| {
            let facts: Vec<Value> = context.facts.iter().map(|fact| serde_json::to_value(fact).unwrap_or_default()).collect();
            json!([context.stage, context.tag, facts, context.state, context.additions])
        });
        settle(&mut value);
        Held { number, token: token.to_owned(), asked, stage, carries: value.to_string() }
    }

    /// What tells states apart: what the tokens carry that are held, what is stored, what is used up, and whether there is a mail to read.
    fn key(&self, state: &State) -> String {
        // Of older tokens it is the question they lead to that counts: to tell all sets of them apart would be to try the same over and over.
        let newest = state.held.last().map(|held| held.carries.as_str());
        let older: BTreeSet<(usize, &str)> =
            state.held.iter().map(|held| (held.stage, held.asked.get("tag").and_then(Value::as_str).unwrap_or_default())).collect();
        let mut objects: Vec<String> = state
            .stored
            .objects
            .iter()
            .flat_map(|(path, objects)| objects.values().map(move |object| (path, object)))
            .map(|(path, object)| {
                let mut content = object.content.clone();
                settle(&mut content);
                json!([path, content]).to_string()
            })
            .collect();
        objects.sort_unstable();
        let rows = &state.stored.rows;
        let spent: BTreeSet<u32> = rows.spent.values().map(|(below, _)| *below).collect();
        let code = self.attacker.code(&rows.mails).is_some();
        json!([newest, older, objects, spent, code, state.knows_name]).to_string()
    }
}

/// `{code}` is the code that the attacker reads; without one, this is no move.
fn filled(input: &Value, attacker: &Attacker<'_>, mails: &[Mail]) -> Option<Value> {
    let mut sent = input.clone();
    if let Some(code) = sent.get_mut("code").filter(|code| *code == "{code}") {
        *code = attacker.code(mails)?.into();
    }
    Some(sent)
}

/// Leaves out what is drawn or sealed anew each time: hashes with their salts, sealed texts, filling.
fn settle(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("eyJ") || text.starts_with("$argon2") => "…".clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(members) => {
            members.retain(|name, _| name != "filler" && name != "credential");
            members.values_mut().for_each(settle);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_anew_does_not_tell_states_apart() {
        let mut value: Value = json!({ "password": "$argon2id$x", "filler": "xx", "list": ["eyJa.b", "kept"], "mail": "a" });
        settle(&mut value);
        assert_eq!(value, json!({ "password": "…", "list": ["…", "kept"], "mail": "a" }));
    }
}
