//! Breadth first: from every state everything is submitted, with the newest token and with older ones, and what comes of it is compared with
//! what was there.
//!
//! Easiest to break: two states that are taken for one although the engine would tell them apart. What counts is where a token leads, what was
//! earned, what it holds, and what is stored; only what is drawn or sealed anew each time is left out. Randomness is put back with what is stored,
//! so every way is one of the same instance, and what came of a submission once comes of it again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use crest::Resource;
use identity::Everything;
use process::{Caller, FactKind, Process, Subject};
use project::Proofs;
use serde_json::{Value, json};
use stages::Services;

use super::attacker::{Attacker, OTHER_ADDRESS, OWN_ACCOUNT, OWN_ADDRESS, VICTIM, own, their_address, their_addresses, victim};
use super::bounds::Bounds;
use super::finding::{AttackStep, Cut, Said};
use super::patience::Patience;
use super::reach::Reach;
use super::states::{Came, Carried, State, Stored, Tried, Way, key, settle};
use super::{Goal, Prover, Shape};
use crate::definition::collection;
use crate::ledger::Rows;
use crate::world::{Elsewhere, NoKeys, World, caller};

/// What came of one exploration.
#[derive(Default)]
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) inputs: usize,
    pub(crate) depth: usize,
    pub(crate) cut_off: BTreeSet<Cut>,
    /// A way to each goal that was reached.
    pub(crate) reached: Vec<(Goal, Vec<AttackStep>)>,
    /// How far it came.
    pub(crate) reach: Reach,
}

/// What an exploration is for.
#[derive(Clone, Copy)]
pub(crate) enum Aim<'a> {
    /// Ways to what is wanted. A way ends where anything is reached that is forbidden.
    Goals { wanted: &'a [Goal], forbidden: &'a [Goal] },
    /// To be through with every stage. Ways that have come far are followed first.
    Stages,
}

/// A process in a world of its own, in which one exploration after the other begins anew.
pub(crate) struct Played<'p> {
    process: Arc<Process<Services>>,
    world: World,
    empty: (Everything, Arc<Rows>, u64),
    patience: &'p Patience,
}

impl Drop for Played<'_> {
    fn drop(&mut self) {
        self.patience.wear(self.world.slow_scripts());
    }
}

impl<'p> Played<'p> {
    pub(crate) fn new(prover: &Prover, process: &Arc<Process<Services>>, patience: &'p Patience) -> Result<Self, NoKeys> {
        let world = World::new(prover.setting_of(process), &prover.ground, 1, 1_767_225_600, prover.played())?;
        let empty = (world.objects.everything(), world.ledger.all(), world.random.drawn());
        Ok(Self { process: Arc::clone(process), world, empty, patience })
    }

    /// Why no more is tried; nothing while there is time.
    fn given_up(&self) -> Option<Cut> {
        self.patience.given_up(self.world.slow_scripts())
    }

    /// The world as it was made: nobody is there, nothing was done, and what is drawn is drawn again.
    fn anew(&self) -> &World {
        let (objects, rows, drawn) = &self.empty;
        self.world.objects.become_all(Arc::clone(objects));
        self.world.ledger.become_all(Arc::clone(rows));
        self.world.random.draw_from(*drawn);
        &self.world
    }
}

pub(crate) fn explore(prover: &Prover, played: &Played<'_>, shape: Shape, has: Proofs, aim: Aim<'_>, bounds: Bounds) -> Explored {
    let mut explored = Explored::default();
    if has.contains(Proofs::SESSION) && !shape.exists() {
        return explored;
    }
    if let Some(cut) = played.given_up() {
        explored.cut_off.insert(cut);
        return explored;
    }
    let (process, world) = (played.process.as_ref(), played.anew());
    let path = collection(process);
    let whom = victim(prover, process, shape);
    let settled = world.settle(&path, OWN_ACCOUNT, &own(prover, process));
    let subject = has.contains(Proofs::SESSION).then(|| Subject { collection: path.clone(), id: VICTIM.to_owned(), decoy: false });
    if settled.is_err()
        || (shape.exists() && world.settle(&path, VICTIM, &whom).is_err())
        || (subject.is_some() && world.sign_in(&path, VICTIM).is_err())
    {
        explored.cut_off.insert(Cut::People);
        return explored;
    }
    if prover.leaves_details_to_a_service(process) {
        explored.cut_off.insert(Cut::Service);
    }
    let theirs = their_addresses(&world.names, &whom);
    // A provider says that an address was seen to be read of the one alone that the attacker reads.
    let addresses = [
        Elsewhere { said: "", address: OWN_ADDRESS.into(), is_seen: true },
        Elsewhere { said: " that names their address", address: their_address(&theirs).into(), is_seen: false },
        Elsewhere { said: " that names another address", address: OTHER_ADDRESS.into(), is_seen: false },
    ];
    let elsewhere = world.client_tokens(&addresses);
    if takes_providers(process) && world.transforms.failed() {
        explored.cut_off.insert(Cut::Provider);
    }
    let login = whom.get("userName").and_then(Value::as_str).unwrap_or_default();
    let search = Search {
        process,
        attacker: Attacker { victim: &whom, has, elsewhere, names: &world.names, addresses: theirs, fitting: world.fitting(&path) },
        caller: caller(subject, login, has.contains(Proofs::PASSWORD)),
        login,
        before: world.stored(&path, VICTIM),
        played,
        world,
        collection: path,
        aim,
        bounds: bounds.of(process.stages.len()),
        names: RefCell::default(),
        objects: RefCell::default(),
        asked: RefCell::default(),
        known: RefCell::default(),
        at: RefCell::default(),
    };
    search.run(&mut explored);
    if !shape.exists() || !shape.is_active() {
        explored.reach.forget_who_was_asked_nothing();
    }
    explored
}

/// Whether a stage takes what proves an account at an identity provider.
fn takes_providers(process: &Process<Services>) -> bool {
    let mut facts = process.stages.iter().map(|placed| &placed.facts);
    facts.any(|facts| [&facts.gives, &facts.may_give].into_iter().any(|kinds| kinds.contains(&FactKind::OwnsExternal)))
}

struct Search<'a> {
    played: &'a Played<'a>,
    world: &'a World,
    process: &'a Process<Services>,
    collection: String,
    attacker: Attacker<'a>,
    caller: Caller,
    login: &'a str,
    before: Option<Value>,
    aim: Aim<'a>,
    bounds: Bounds,
    /// Numbers for what is the same.
    names: RefCell<HashMap<String, usize>>,
    /// Numbers for objects that are the same, by where they lie in memory. Kept with them, so that nothing else lies there later.
    objects: RefCell<HashMap<*const Resource, (Arc<Resource>, usize)>>,
    /// What is tried with a question, by a number for it.
    asked: RefCell<HashMap<usize, Arc<Tried>>>,
    /// What came of what was submitted: what is stored, the token, and the input.
    known: RefCell<HashMap<(usize, usize, usize), Arc<Came>>>,
    /// What the world holds.
    at: RefCell<Option<Arc<Stored>>>,
}

/// The token of whoever has none.
const NO_TOKEN: usize = usize::MAX;

impl Search<'_> {
    fn run(&self, explored: &mut Explored) {
        let mut seen: HashSet<String> = HashSet::new();
        let mut queue: VecDeque<State> = VecDeque::new();
        let first = Arc::new(self.store());
        *self.at.borrow_mut() = Some(Arc::clone(&first));
        let asked = self.world.initial(&self.process.name, &self.caller);
        if let Err(error) = &asked {
            self.failed(0, error.code, &error.message, explored);
            explored.reach.refuse(0, &error.to_value());
        }
        // Whoever is not asked anything can still send nothing.
        let asked = asked.unwrap_or_default();
        let begins = self.tried(&asked, &crate::definition::asking(self.process, 0, &asked, None), explored);
        queue.push_back(State { stored: first, held: Vec::new(), way: None, depth: 0, knows_name: false });
        while let Some(state) = self.next(&mut queue) {
            explored.states += 1;
            explored.depth = explored.depth.max(state.depth);
            // Whoever has a token has begun; to begin again is to be where one was.
            let begins = begins.inputs.iter().filter(|_| state.held.is_empty()).map(|input| (None, input));
            let held = state
                .held
                .iter()
                .rev()
                .flat_map(|(number, held)| held.tried.inputs.iter().map(move |input| (Some((*number, held)), input)));
            for (held, input) in held.chain(begins) {
                if explored.inputs >= self.bounds.submissions {
                    explored.cut_off.insert(Cut::Submissions);
                    return;
                }
                if let Some(cut) = self.played.given_up() {
                    explored.cut_off.insert(cut);
                    return;
                }
                let Some(came) = self.submit(&state, held.map(|(_, held)| held), input, explored) else { continue };
                let next = self.follow(&state, held.map(|(number, _)| number), &input.0, came, explored);
                if self.is_done(explored) {
                    return;
                }
                let Some((named, next)) = next.map(|next| (key(&next), next)).filter(|(named, _)| !seen.contains(named)) else { continue };
                if next.depth >= self.bounds.depth {
                    explored.cut_off.insert(Cut::Depth);
                } else if seen.len() >= self.bounds.states {
                    explored.cut_off.insert(Cut::States);
                } else {
                    seen.insert(named);
                    queue.push_back(next);
                }
            }
        }
    }

    /// The state that is gone on from: the first one, or that which has come furthest.
    fn next(&self, queue: &mut VecDeque<State>) -> Option<State> {
        if matches!(self.aim, Aim::Goals { .. }) {
            return queue.pop_front();
        }
        let far = |state: &State| state.held.last().map_or(0, |(_, held)| held.stage + 1);
        let (place, _) = queue.iter().enumerate().max_by_key(|(place, state)| (far(state), usize::MAX - place))?;
        queue.remove(place)
    }

    fn is_done(&self, explored: &Explored) -> bool {
        match self.aim {
            Aim::Goals { wanted, .. } => wanted.iter().all(|goal| explored.reached.iter().any(|(known, _)| known == goal)),
            Aim::Stages => explored.reach.is_whole(self.process.stages.len()),
        }
    }

    /// Notes that a stage failed. A server that has what is missing here would have gone on.
    fn failed(&self, stage: usize, code: u16, message: &str, explored: &mut Explored) {
        if code >= 500 {
            let name = self.process.stages.get(stage).map_or_else(String::new, |placed| format!(" ({})", placed.stage.shown_as()));
            let why = self.world.fault().unwrap_or_else(|| message.to_owned());
            explored
                .cut_off
                .insert(Cut::Failed(format!("a stage failed, as nothing here can play what it needs: stage {stage}{name}: {why}")));
        }
    }

    fn name(&self, text: String) -> usize {
        let mut names = self.names.borrow_mut();
        let next = names.len();
        *names.entry(text).or_insert(next)
    }

    fn tried(&self, asked: &Value, stage: &str, explored: &mut Explored) -> Arc<Tried> {
        let of = |key: &str| asked.get(key).unwrap_or(&Value::Null);
        let question = self.name(format!("{stage} {} {}", of("type"), of("requirements")));
        if let Some(known) = self.asked.borrow().get(&question) {
            return Arc::clone(known);
        }
        let made = self.attacker.inputs(asked, &crate::definition::configuration(self.process, stage));
        explored.cut_off.extend(made.cut);
        let named = made.all.into_iter().map(|input| (self.name(input.to_string()), input));
        let inputs: Vec<_> = named.map(|(name, input)| (Arc::new(input), name)).collect();
        let name = self.name(json!(inputs.iter().map(|(_, name)| *name).collect::<Vec<_>>()).to_string());
        let tried = Arc::new(Tried { inputs, name });
        self.asked.borrow_mut().insert(question, Arc::clone(&tried));
        tried
    }

    /// What a submission comes to; nothing where it cannot be made yet.
    fn submit(
        &self,
        state: &State,
        held: Option<&Arc<Carried>>,
        input: &(Arc<Value>, usize),
        explored: &mut Explored,
    ) -> Option<Arc<Came>> {
        let place = (state.stored.name, held.map_or(NO_TOKEN, |held| held.name), input.1);
        if let Some(known) = self.known.borrow().get(&place) {
            return Some(Arc::clone(known));
        }
        let sent = self.attacker.filled(&input.0, &state.stored.rows.mails)?;
        explored.inputs += 1;
        self.become_as(&state.stored);
        let submitted = self.world.submit(&self.process.name, held.map(|held| held.token.as_str()), &sent, &self.caller);
        explored.reach.note(&submitted, &sent);
        let (body, submitted) = match submitted {
            Ok(submitted) => (submitted.body.clone(), Some(submitted)),
            Err(failure) => {
                let stage = failure.steps.last().map_or(0, |step| step.index);
                self.failed(stage, failure.error.code, &failure.error.message, explored);
                (failure.error.to_value(), None)
            }
        };
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let said = if submitted.is_some() {
            Said::Asked { kind: text("type"), tag: text("tag") }
        } else {
            let code = body.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
            Said::Refused { code: code.unwrap_or_default(), message: text("message") }
        };
        let written = self.world.ledger.rows().writes != state.stored.rows.writes;
        let goals = if written { self.reached() } else { Vec::new() };
        let stored = if written && submitted.is_some() { Arc::new(self.store()) } else { Arc::clone(&state.stored) };
        *self.at.borrow_mut() = (submitted.is_some() || !written).then(|| Arc::clone(&stored));
        let names = body.to_string().contains(self.login);
        let next: Option<(Arc<Stored>, Option<Arc<Carried>>)> = submitted.map(|_| {
            let token = body.get("token").and_then(Value::as_str).map(str::to_owned);
            (stored, token.map(|token| Arc::new(self.carried(token, &body, explored))))
        });
        if let Some((error, (_, Some(asks)))) = body.pointer("/requirements/error").zip(next.as_ref()) {
            explored.reach.refuse(asks.stage, error);
        }
        let came = Arc::new(Came { said, next, goals, names });
        self.known.borrow_mut().insert(place, Arc::clone(&came));
        Some(came)
    }

    /// The state behind a submission, and what was reached by it; nothing where it was refused, or where a way ends.
    fn follow(&self, state: &State, token: Option<usize>, input: &Arc<Value>, came: Arc<Came>, explored: &mut Explored) -> Option<State> {
        let (wanted, forbidden): (&[Goal], &[Goal]) = match self.aim {
            Aim::Goals { wanted, forbidden } => (wanted, forbidden),
            Aim::Stages => (&[], &[]),
        };
        let knows_name = state.knows_name || input.to_string().contains(self.login);
        let is_told = came.names && !knows_name && self.before.is_some() && !self.attacker.has.contains(Proofs::SESSION);
        let goals: Vec<Goal> = came.goals.iter().copied().chain(is_told.then_some(Goal::Name)).collect();
        let next = came.next.clone();
        let way = Arc::new(Way { before: state.way.clone(), token, input: Arc::clone(input), came });
        for goal in &goals {
            if wanted.contains(goal) && !explored.reached.iter().any(|(known, _)| known == goal) {
                explored.reached.push((*goal, way.steps()));
            }
        }
        // What can be done with an account that was taken is no further way to it.
        let arrived = goals.iter().any(|goal| forbidden.contains(goal));
        let (stored, given) = next.filter(|_| !arrived)?;
        let (mut held, depth) = (state.held.clone(), state.depth + 1);
        if let Some(given) = given {
            // A token that carries the same is the same to whoever holds it; the newer one stays.
            held.retain(|(_, known)| known.name != given.name);
            held.push((depth, given));
        }
        Some(State { stored, held, way: Some(way), depth, knows_name })
    }

    /// What is reached by what is stored now.
    fn reached(&self) -> Vec<Goal> {
        let mut goals = Vec::new();
        let project = &self.world.setting.project;
        let schema = project.schemas.get(&self.collection);
        let meta = schema.map_or("_meta", |schema| schema.meta_property());
        let everything = self.world.objects.everything();
        let people = everything.get(&self.collection);
        if let Some(before) = &self.before {
            let now = people.and_then(|people| people.get(VICTIM)).map_or(&Value::Null, |object| &object.content);
            let credentials: Vec<&str> =
                schema.into_iter().flat_map(identity::ObjectSchema::credentials).map(|property| property.name.as_str()).collect();
            let names = before.as_object().into_iter().chain(now.as_object()).flat_map(|object| object.keys());
            for name in names.filter(|name| before.get(*name) != now.get(*name)) {
                // Answers where there were none prove nothing until they have settled (docs/adr/0026-questions-set-by-a-session.md); others are replaced.
                let answers =
                    *name == project.questions.property && before.get(name).and_then(Value::as_array).is_some_and(|all| !all.is_empty());
                let goal = if credentials.contains(&name.as_str()) || name == "password" || answers {
                    Goal::Credential
                } else if self.attacker.names.holds_mail(name) {
                    Goal::Address
                } else if name == meta || project.questions.attempts_property.as_ref() == Some(name) {
                    // What the server notes about them, failures among it.
                    continue;
                } else {
                    Goal::Profile
                };
                goals.push(goal);
            }
            let whole = format!("{}/{VICTIM}", self.collection);
            let is_theirs = |object: &Arc<Resource>| {
                let owner = object.content.get(social::LINKED_PROPERTY);
                owner.and_then(|owner| owner.get(crest::reference::REF)).and_then(Value::as_str) == Some(whole.as_str())
            };
            let linked = everything.iter().any(|(_, objects)| objects.values().any(is_theirs));
            let begun = self.world.ledger.rows().begun.iter().any(|session| session.owner == VICTIM);
            goals.extend((linked || begun).then_some(Goal::Credential));
        }
        let others = people.into_iter().flat_map(BTreeMap::values).filter(|object| object.id != VICTIM && object.id != OWN_ACCOUNT);
        for object in others {
            let mut addresses = self.attacker.names.mails_of(&object.content).peekable();
            if addresses.peek().is_none() || addresses.any(|address| address != OWN_ADDRESS) {
                goals.push(Goal::Account);
            }
        }
        goals.sort_unstable();
        goals.dedup();
        goals
    }

    /// What is stored now: what tells it apart is what is stored, what is used up, and the code that the attacker reads.
    fn store(&self) -> Stored {
        let (objects, rows) = (self.world.objects.everything(), self.world.ledger.all());
        let all = objects.iter().flat_map(|(path, objects)| objects.values().map(move |object| (path, object)));
        let content: Vec<usize> = all.map(|(path, object)| self.object(path, object)).collect();
        let spent: BTreeSet<u32> = rows.spent.values().map(|(below, _)| *below).collect();
        let name = self.name(json!([content, spent, self.attacker.code(&rows.mails)]).to_string());
        Stored { objects, rows, drawn: self.world.random.drawn(), name }
    }

    /// A number for an object as it is stored.
    fn object(&self, path: &str, object: &Arc<Resource>) -> usize {
        if let Some((_, known)) = self.objects.borrow().get(&Arc::as_ptr(object)) {
            return *known;
        }
        let mut settled = object.content.clone();
        settle(&mut settled);
        // Ids are drawn, and so the same where the same was done.
        let name = self.name(json!([path, object.id, settled]).to_string());
        self.objects.borrow_mut().insert(Arc::as_ptr(object), (Arc::clone(object), name));
        name
    }

    fn become_as(&self, stored: &Arc<Stored>) {
        self.world.random.draw_from(stored.drawn);
        if self.at.borrow().as_ref().is_some_and(|at| Arc::ptr_eq(at, stored)) {
            return;
        }
        self.world.objects.become_all(Arc::clone(&stored.objects));
        self.world.ledger.become_all(Arc::clone(&stored.rows));
        *self.at.borrow_mut() = Some(Arc::clone(stored));
    }

    fn carried(&self, token: String, asked: &Value, explored: &mut Explored) -> Carried {
        let context = self.world.carried(&self.process.name, &token, &self.caller);
        let stage = context.as_ref().map_or(0, |context| context.stage);
        let asking = crate::definition::asking(self.process, stage, asked, context.as_ref().map(|context| &context.state));
        let mut value = context.map_or(Value::Null, |context| {
            let facts: Vec<Value> = context.facts.iter().map(|fact| serde_json::to_value(fact).unwrap_or_default()).collect();
            json!([context.stage, context.tag, facts, context.state, context.additions])
        });
        settle(&mut value);
        let tried = self.tried(asked, &asking, explored);
        let tag = asked.get("tag").and_then(Value::as_str).unwrap_or_default().to_owned();
        // What was asked counts too: a refusal inside of a question changes nothing that is carried.
        let name = self.name(json!([value, tried.name]).to_string());
        Carried { token, stage, tag, name, tried }
    }
}
