//! What submissions and commits come to, each asked of the real engine and the real ledger once.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use identity::Everything;
use process::{CommitError, Effect, Engine, FactKind, InstanceId, Ledger as _, LedgerError, Process, Receipt, Submission, Unit};
use rehearsal::{MemoryLedger, Rows};
use serde_json::{Value, json};
use vestibule_stages::Services;

use crate::harness::*;
use crate::newcomer::context;

/// Who submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Client {
    /// Whose account it is: reads the mailbox.
    Owner,
    /// Somebody who knows the name, and sees the owner's tokens until something is proved.
    Stranger,
}

impl Client {
    pub(super) const ALL: [Self; 2] = [Self::Owner, Self::Stranger];

    /// What they choose.
    fn password(self) -> &'static str {
        match self {
            Self::Owner => "N3wPassword",
            Self::Stranger => "St0lenAccount",
        }
    }
}

/// What is wrong with the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// It keeps no mark of instances that are spent.
    ForgetsSpent,
    /// It looks whether an instance is spent when a submission is read for, and not when it is committed.
    ChecksSpentTooEarly,
    /// It says that it committed what it did not.
    LosesCommits,
    /// A commit takes the place of what others committed since it was read for.
    ForgetsOthers,
    /// Whoever is asked for a code is taken to have given it.
    TakesAnyCode,
}

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// An instance completes once.
    CompletesOnce,
    /// A credential changes where its mailbox was shown, and to what its owner chose.
    NothingWithoutProof,
    /// What was acknowledged is there, and stays.
    NothingIsLost,
}

/// What a submission comes to before anything is committed.
#[derive(Clone, Copy)]
pub(super) enum Prepared {
    /// Something is to be committed. What was counted is counted.
    Unit { store: u32, unit: u32 },
    /// It was refused. What was counted is counted.
    Refused { store: u32 },
}

/// What a commit comes to.
#[derive(Clone, Copy)]
pub(super) enum Committed {
    /// The store then.
    Done(u32),
    /// Somebody was faster.
    Refused,
}

impl Committed {
    pub(super) fn store(self, before: u32) -> u32 {
        match self {
            Self::Done(store) => store,
            Self::Refused => before,
        }
    }
}

/// What the client is told once a unit is committed.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    pub(super) token: Option<u16>,
    pub(super) proved: bool,
}

/// A unit that was held back.
struct Held {
    unit: Unit,
    answer: Answer,
    instance: InstanceId,
    /// It ends its process.
    finishes: bool,
    /// The mailbox was shown to the instance before.
    proved: bool,
    /// The store that was read.
    read: u32,
}

/// Everything stored.
struct Stored {
    objects: Everything,
    rows: Rows,
    completed: Vec<String>,
    /// Whose choice the password is; nobody's where it is what it was.
    chosen: Option<Client>,
}

/// A ledger that hands out what it should commit.
struct Holding {
    inner: Arc<MemoryLedger>,
    held: Mutex<Option<Unit>>,
    forgets: bool,
}

ledger_around!(Holding, inner, {
    async fn commit(&self, unit: Unit) -> Result<Receipt, CommitError> {
        *self.held.lock().unwrap() = Some(unit.clone());
        let unit = Unit { spend: unit.spend.filter(|_| !self.forgets), ..unit };
        self.inner.commit(unit).await
    }

    async fn count(&self, counter: &str, now: i64, expires: i64) -> Result<u32, LedgerError> {
        self.inner.count(counter, now, expires).await
    }
});

const PROCESS: &str = "modelled";
const OWNER: &str = "bjensen";

/// What a token is good for: the inputs of each client.
struct Token {
    text: String,
    inputs: [Vec<Value>; 2],
}

/// What is known of the engine so far.
pub(super) struct Moves {
    world: World,
    ledger: Arc<Holding>,
    definitions: [Arc<Process<Services>>; 2],
    fault: Fault,
    stores: Vec<Stored>,
    names: HashMap<String, u32>,
    tokens: Vec<Token>,
    /// Sets of tokens, of which a state holds the number: the first one is empty.
    sets: Vec<Arc<[u16]>>,
    numbers: HashMap<Arc<[u16]>, u32>,
    units: Vec<Held>,
    begun: HashMap<(u32, u8, Client, u8), Prepared>,
    submitted: HashMap<(u32, u8, u16, u8, Client), Prepared>,
    committed: HashMap<(u32, u32), Result<Committed, Rule>>,
}

impl Moves {
    pub(super) fn new(fault: Fault) -> Self {
        let world = World::new();
        world.person(OWNER);
        let ledger = Arc::new(Holding {
            inner: world.ledger.clone(),
            held: Mutex::default(),
            forgets: matches!(fault, Fault::ForgetsSpent | Fault::ChecksSpentTooEarly),
        });
        let definitions = [0, 1].map(|text| {
            let mut mailed = email();
            mailed["subjectTranslations"]["en"] = json!(format!("Choose a new password ({text})"));
            let proof = if fault == Fault::TakesAnyCode { Vec::new() } else { vec![mailed] };
            let stages: Vec<Value> = [user_query()].into_iter().chain(proof).chain([reset()]).collect();
            let waived = fault == Fault::TakesAnyCode;
            world.serve_file(PROCESS, &json!({ "stageConfigs": stages, "comment": text, "vestibule": { "allowUnproven": waived } }));
            world.served(PROCESS)
        });
        let mut moves = Self {
            world,
            ledger,
            definitions,
            fault,
            stores: Vec::new(),
            names: HashMap::new(),
            tokens: Vec::new(),
            sets: vec![Arc::default()],
            numbers: HashMap::from([(Arc::default(), 0)]),
            units: Vec::new(),
            begun: HashMap::new(),
            submitted: HashMap::new(),
            committed: HashMap::new(),
        };
        moves.store();
        moves
    }

    /// How often the engine was really asked.
    pub(super) fn asked(&self) -> usize {
        self.begun.len() + self.submitted.len()
    }

    pub(super) fn answer(&self, unit: u32) -> Answer {
        self.units[unit as usize].answer
    }

    /// The tokens of a set.
    pub(super) fn held(&self, set: u32) -> Arc<[u16]> {
        Arc::clone(&self.sets[set as usize])
    }

    /// A set with one token more.
    pub(super) fn holding(&mut self, set: u32, token: u16) -> u32 {
        let known = &self.sets[set as usize];
        let Err(place) = known.binary_search(&token) else { return set };
        let more: Arc<[u16]> = known[..place].iter().chain(&[token]).chain(&known[place..]).copied().collect();
        let next = u32::try_from(self.sets.len()).unwrap();
        let number = *self.numbers.entry(Arc::clone(&more)).or_insert(next);
        if number == next {
            self.sets.push(more);
        }
        number
    }

    /// How many inputs there are for a token of a client; each is known by its number.
    pub(super) fn inputs(&self, client: Client, token: u16) -> impl Iterator<Item = (Client, u8)> + use<> {
        let count = self.tokens[usize::from(token)].inputs[client as usize].len();
        (0..u8::try_from(count).unwrap()).map(move |input| (client, input))
    }

    /// Begins an instance. Two that are begun are never the same, whoever begins them.
    pub(super) fn begin(&mut self, store: u32, text: u8, client: Client, number: u8) -> Prepared {
        let place = (store, text, client, number);
        if let Some(known) = self.begun.get(&place) {
            return *known;
        }
        let seed = 1_000 * (1 + client as u64) + u64::from(number);
        let came = self.ask(store, text, None, &query(&format!("userName eq \"{OWNER}\"")), seed);
        self.begun.insert(place, came);
        came
    }

    pub(super) fn submit(&mut self, store: u32, text: u8, token: u16, (client, input): (Client, u8)) -> Prepared {
        let place = (store, text, token, input, client);
        if let Some(known) = self.submitted.get(&place) {
            return *known;
        }
        let held = &self.tokens[usize::from(token)];
        let (text_of, sent) = (held.text.clone(), held.inputs[client as usize][usize::from(input)].clone());
        let came = self.ask(store, text, Some(&text_of), &sent, 1_000_000 + u64::from(token));
        self.submitted.insert(place, came);
        came
    }

    /// Asks the engine, and puts everything back but what was counted.
    fn ask(&mut self, store: u32, text: u8, token: Option<&str>, input: &Value, seed: u64) -> Prepared {
        self.become_as(store);
        self.world.serve_again(PROCESS, &self.definitions[usize::from(text)]);
        let random = Arc::new(Seeded(AtomicU64::new(seed)));
        let engine: Engine<Services> =
            Engine::new(self.world.services.clone(), self.ledger.clone(), keys(), self.world.clock.clone(), random);
        let submission = Submission { token, input: Some(input), caller: &self.world.caller };
        let told = now(engine.submit(&self.world.table, PROCESS, submission));
        let unit = self.ledger.held.lock().unwrap().take();
        let Ok(submitted) = told else { return Prepared::Refused { store: self.counted(store) } };
        let mails = self.world.mails();
        let given = submitted.body.get("token").and_then(Value::as_str).map(str::to_owned);
        let proved = token.is_some_and(is_proved);
        let finishes = submitted.finished;
        let counted = self.counted(store);
        let answer = Answer {
            token: given.map(|given| self.token(given, &submitted.body, &mails)),
            proved: proved || submitted.body["type"] == "resetStage",
        };
        let number = u32::try_from(self.units.len()).unwrap();
        let unit = unit.unwrap_or_default();
        self.units.push(Held { unit, answer, instance: submitted.instance, finishes, proved, read: store });
        Prepared::Unit { store: counted, unit: number }
    }

    /// A store with what was counted beside what it held: counting is committed at once.
    fn counted(&mut self, store: u32) -> u32 {
        let counters = self.world.ledger.rows().counters.clone();
        self.become_as(store);
        self.world.ledger.rows().counters = counters;
        self.store()
    }

    fn token(&mut self, text: String, body: &Value, mails: &[process::Mail]) -> u16 {
        if let Some(known) = self.tokens.iter().position(|known| context(&known.text) == context(&text)) {
            return u16::try_from(known).unwrap();
        }
        let code = mails.iter().rev().filter(|mail| mail.body.contains("&token=")).map(link_of).find(|(token, _)| *token == text);
        let inputs = match (body["type"].as_str().unwrap_or_default(), code) {
            ("emailValidation", Some((_, code))) => [vec![json!({ "code": code })], vec![json!({ "code": "00000000" })]],
            ("resetStage", _) => Client::ALL.map(|client| vec![json!({ "password": client.password() })]),
            (other, _) => panic!("nobody knows what to answer to '{other}'"),
        };
        self.tokens.push(Token { text, inputs });
        u16::try_from(self.tokens.len() - 1).unwrap()
    }

    /// Commits to whatever store there is by now, and judges what came of it.
    pub(super) fn commit(&mut self, store: u32, unit: u32) -> Result<Committed, Rule> {
        if let Some(known) = self.committed.get(&(store, unit)) {
            return *known;
        }
        let came = self.judged(store, unit);
        self.committed.insert((store, unit), came);
        came
    }

    fn judged(&mut self, store: u32, unit: u32) -> Result<Committed, Rule> {
        let held = &self.units[unit as usize];
        let (mut effects, spend, proved) = (held.unit.clone(), held.unit.spend.clone(), held.proved);
        let forgets = self.fault == Fault::ForgetsOthers;
        let base = if forgets { held.read } else { store };
        if self.fault == Fault::LosesCommits && effects.effects.iter().any(|effect| matches!(effect, Effect::Change(_))) {
            return Ok(Committed::Done(store));
        }
        effects.spend = spend.filter(|_| !matches!(self.fault, Fault::ForgetsSpent | Fault::ChecksSpentTooEarly));
        let guarded = effects.spend.is_some() || self.fault == Fault::None;
        if !guarded {
            // What the mark of an instance would have stopped is not stopped by anything else either.
            for effect in &mut effects.effects {
                if let Effect::Change(crest::Change::Patch { guard, expected, .. }) = effect {
                    (*guard, *expected) = (None, None);
                }
            }
        }
        self.become_as(base);
        if now(self.world.ledger.commit(effects)).is_err() {
            return Ok(Committed::Refused);
        }
        if self.fault == Fault::ChecksSpentTooEarly
            && let Some(spend) = self.units[unit as usize].unit.spend.clone()
        {
            self.world.ledger.rows().spent.insert(spend.instance, (spend.below, spend.expires));
        }
        let then = self.store();
        let (before, after) = (&self.stores[store as usize], &self.stores[then as usize]);
        let mut once = after.completed.clone();
        once.dedup();
        if once.len() != after.completed.len() {
            return Err(Rule::CompletesOnce);
        }
        if before.completed.iter().any(|completed| !after.completed.contains(completed)) {
            return Err(Rule::NothingIsLost);
        }
        if before.chosen != after.chosen && (!proved || after.chosen != Some(Client::Owner)) {
            return Err(Rule::NothingWithoutProof);
        }
        Ok(Committed::Done(then))
    }

    /// Whether what is told is there.
    pub(super) fn acknowledged(&self, store: u32, unit: u32) -> Result<(), Rule> {
        let held = &self.units[unit as usize];
        let there = self.stores[store as usize].completed.iter().any(|completed| completed == held.instance.as_str());
        if held.finishes && !there { Err(Rule::NothingIsLost) } else { Ok(()) }
    }

    fn become_as(&self, store: u32) {
        let stored = &self.stores[store as usize];
        self.world.objects.become_all(stored.objects.clone());
        self.world.ledger.rows().clone_from(&stored.rows);
    }

    /// The number of what is stored now.
    fn store(&mut self) -> u32 {
        let (objects, rows) = (self.world.objects.everything(), self.world.ledger.rows().clone());
        // Each time it is hashed, it is hashed anew.
        let chosen = Client::ALL.into_iter().find(|client| self.world.has_password(OWNER, client.password()));
        let of = |event: &process::AuditEvent| event.detail["instance"].as_str().unwrap_or_default().to_owned();
        let mut completed: Vec<String> = rows.audit.iter().filter(|event| event.event == "completed").map(of).collect();
        completed.sort_unstable();
        let spent: BTreeMap<&str, u32> = rows.spent.iter().map(|(instance, (below, _))| (instance.as_str(), *below)).collect();
        let counters: BTreeMap<&String, u32> = rows.counters.iter().map(|(name, (count, _))| (name, *count)).collect();
        let challenges: BTreeMap<&String, &String> = rows.challenges.iter().map(|(purpose, (instance, _))| (purpose, instance)).collect();
        let name = json!([chosen.map(|client| client as u8), completed, spent, counters, challenges]).to_string();
        let next = u32::try_from(self.stores.len()).unwrap();
        let number = *self.names.entry(name).or_insert(next);
        if number == next {
            self.stores.push(Stored { objects, rows, completed, chosen });
        }
        number
    }
}

/// Whether the mailbox was shown to the instance that a token carries.
fn is_proved(token: &str) -> bool {
    context(token).facts.iter().any(|fact| fact.kind() == FactKind::ControlsMail)
}
