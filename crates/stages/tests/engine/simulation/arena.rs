//! One process on ports in memory, and what must hold in it after every submission.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use crest::{Filter, Query, ResourceError};
use identity::Objects as _;
use process::{CommitError, Effect, Engine, InstanceId, LedgerError, Process, ProcessMap, Receipt, Submission, Submitted, Unit};
use serde_json::{Value, json};
use vestibule_stages::Services;

use super::plan::{Act, Client, Crash, Plan, Step, Then};
use crate::harness::*;
use crate::newcomer::{context, create, user_details};
use crate::on_the_map::keeps_to;
use rehearsal::{MemoryLedger, Rows};

/// Processes that are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Mail,
    Questions,
    Both,
    Local,
    UserName,
    Registration,
    /// Not sound, by the operator's choice.
    Unproven,
    /// Not silent, by the operator's choice.
    Revealing,
}

impl Kind {
    /// Those that keep every promise.
    pub(super) const ALL: [Self; 6] = [Self::Mail, Self::Questions, Self::Both, Self::Local, Self::UserName, Self::Registration];

    fn definition(self, text: u32) -> Value {
        let mut mailed = email();
        mailed["subjectTranslations"]["en"] = json!(format!("Choose a new password ({text})"));
        let mut named = email_username();
        named["subjectTranslations"]["en"] = json!(format!("Your user name ({text})"));
        let stages = match self {
            Self::Mail | Self::Local | Self::Revealing => json!([user_query(), mailed, reset()]),
            Self::Questions => json!([user_query(), kba(), reset()]),
            Self::Both => json!([user_query(), active(), mailed, kba(), reset()]),
            Self::UserName => json!([user_query(), named]),
            Self::Registration => json!([user_details(), mailed, create()]),
            Self::Unproven => json!([user_query(), reset()]),
        };
        let mut file = json!({ "stageConfigs": stages });
        match self {
            Self::Local => {
                file["snapshotToken"] = json!({ "type": "uuid" });
                file["storage"] = json!("local");
            }
            Self::Unproven => file["vestibule"] = json!({ "allowUnproven": true }),
            Self::Revealing => file["vestibule"] = json!({ "accountDisclosure": "reveal" }),
            _ => {}
        }
        // Another text of the process is another version, also where no mail is written.
        file["comment"] = json!(text);
        file
    }
}

/// What is wrong with the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// It keeps no mark of instances that are spent.
    ForgetsSpent,
    /// It says that it committed what it did not.
    LosesCommits,
    /// A crash before a commit leaves its changes behind.
    CommitsHalf,
    /// Every attempt is the first.
    CountsNothing,
}

/// A ledger that a crash may interrupt.
pub(super) struct Crashing {
    inner: Arc<MemoryLedger>,
    fault: Fault,
    crash: Mutex<Crash>,
}

ledger_around!(Crashing, inner, {
    async fn commit(&self, unit: Unit) -> Result<Receipt, CommitError> {
        let dead = || CommitError::Unavailable("the server is gone".into());
        let crash = std::mem::replace(&mut *self.crash.lock().unwrap(), Crash::No);
        if crash == Crash::Before {
            if self.fault == Fault::CommitsHalf {
                let effects = unit.effects.into_iter().filter(|effect| matches!(effect, Effect::Change(_))).collect();
                self.inner.commit(Unit { now: unit.now, spend: None, effects }).await?;
            }
            return Err(dead());
        }
        let changes = unit.effects.iter().any(|effect| matches!(effect, Effect::Change(_)));
        if self.fault == Fault::LosesCommits && changes {
            return Ok(Receipt::default());
        }
        let receipt = self.inner.commit(unit).await?;
        if self.fault == Fault::ForgetsSpent {
            self.inner.rows().spent.clear();
        }
        if crash == Crash::After { Err(dead()) } else { Ok(receipt) }
    }

    async fn count(&self, counter: &str, now: i64, expires: i64) -> Result<u32, LedgerError> {
        let count = self.inner.count(counter, now, expires).await?;
        Ok(if self.fault == Fault::CountsNothing { 1 } else { count })
    }
});

/// The name of the process.
pub(super) const PROCESS: &str = "simulated";
/// Whose account it is.
pub(super) const OWNER: &str = "bjensen";
const NEWCOMER: &str = "newbie";
/// What anybody chooses who may.
const CHOSEN: &str = "N3wPassword";

/// A rule that was broken, and what happened until then.
pub(super) type Verdict = Result<(), (&'static str, Vec<String>)>;

/// An answer that a client holds.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) body: Value,
    instance: InstanceId,
}

impl Held {
    pub(super) fn of(submitted: Submitted) -> Self {
        Self { body: submitted.body, instance: submitted.instance }
    }
}

/// What the model knows of an instance.
#[derive(Clone, Copy, Default)]
struct Known {
    proved: bool,
    completed: bool,
    wrong_codes: u32,
}

/// A process that is played through.
pub(super) struct Arena {
    pub(super) kind: Kind,
    pub(super) world: World,
    pub(super) ledger: Arc<Crashing>,
    person: Value,
    /// Two texts of one process.
    definitions: [Arc<Process<Services>>; 2],
    /// That of both.
    map: ProcessMap,
}

/// The ports after a restart: everything that is not in the store is new.
pub(super) struct Server {
    pub(super) engine: Engine<Services>,
}

/// What can be seen of the store: the person's password, who else there is, and how many rows of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    password: Value,
    people: Vec<String>,
    completed: Vec<String>,
    rows: (usize, usize, usize),
}

impl Arena {
    pub(super) fn new(kind: Kind, fault: Fault) -> Self {
        let world = World::new();
        world.person(OWNER);
        let person = world.objects.stored(USER, OWNER).unwrap().content;
        let ledger = Arc::new(Crashing { inner: world.ledger.clone(), fault, crash: Mutex::new(Crash::No) });
        // Both are known from the start, as to a server that served both.
        let definitions = [0, 1].map(|text| {
            world.serve_file(PROCESS, &kind.definition(text));
            world.served(PROCESS)
        });
        let map = ProcessMap::of(&definitions[0]);
        Self { kind, world, ledger, person, definitions, map }
    }

    /// A server on an empty store with one person.
    pub(super) fn fresh(&self, seed: u64) -> Server {
        *self.world.ledger.rows() = Rows::default();
        for id in self.people() {
            self.world.objects.restore(USER, &id, None);
        }
        self.world.objects.put(USER, OWNER, self.person.clone());
        // Whoever is found is read twice, and so is somebody else where nobody is: there must be somebody else.
        for other in ["other1", "other2"] {
            let mut person = self.person.clone();
            person["userName"] = json!(other);
            person["mail"] = json!(format!("{other}@example.test"));
            self.world.objects.put(USER, other, person);
        }
        self.world.serve_again(PROCESS, &self.definitions[0]);
        self.server(seed)
    }

    pub(super) fn server(&self, seed: u64) -> Server {
        let random = Arc::new(Seeded(AtomicU64::new(seed)));
        let services = self.world.services.clone();
        Server { engine: Engine::new(services, self.ledger.clone(), keys(), self.world.clock.clone(), random) }
    }

    fn people(&self) -> Vec<String> {
        let all = now(self.world.objects.query(USER, &Query::all(Filter::True))).unwrap();
        all.result.into_iter().map(|resource| resource.id).collect()
    }

    pub(super) fn submit(&self, server: &Server, token: Option<&str>, input: &Value, crash: Crash) -> Result<Submitted, ResourceError> {
        *self.ledger.crash.lock().unwrap() = crash;
        let submission = Submission { token, input: Some(input), caller: &self.world.caller };
        let told = now(server.engine.submit(&self.world.table, PROCESS, submission)).map_err(|failure| failure.error);
        *self.ledger.crash.lock().unwrap() = Crash::No;
        told
    }

    pub(super) fn then(&self, then: Then, text: &mut usize) {
        match then {
            Then::Reload => {
                *text = 1 - *text;
                self.world.serve_again(PROCESS, &self.definitions[*text]);
            }
            Then::Pass(seconds) => self.world.clock.pass(seconds),
            Then::Nothing | Then::Restart => {}
        }
    }

    fn seen(&self) -> Seen {
        let stored = self.world.objects.stored(USER, OWNER);
        let password = stored.map(|stored| stored.content["password"].clone()).unwrap_or_default();
        let rows = self.world.ledger.rows();
        let completed = rows.audit.iter().filter(|event| event.event == "completed");
        let completed = completed.map(|event| event.detail["instance"].as_str().unwrap_or_default().to_owned()).collect();
        let kept = (rows.spent.len(), rows.mails.len(), rows.ended.len());
        drop(rows);
        // Nothing else makes anybody.
        let people = if self.kind == Kind::Registration { self.people() } else { Vec::new() };
        Seen { password, people, completed, rows: kept }
    }

    /// What is first asked for: the person of that name, or the details of somebody new.
    pub(super) fn first(&self, name: &str) -> Value {
        if self.kind == Kind::Registration {
            let mail = format!("{name}@example.test");
            return json!({ "user": { "userName": NEWCOMER, "givenName": "New", "sn": "Bie", "mail": mail, "password": "Passw0rd1" } });
        }
        query(&format!("userName eq \"{name}\""))
    }

    /// Input and token of an act. A stranger has neither the mailbox nor the answers.
    pub(super) fn input(&self, step: &Step, held: Option<&Held>, name: &str) -> (Option<String>, Value) {
        let text = held.map(|held| token(&held.body).to_owned());
        let stage = held.and_then(|held| held.body["type"].as_str()).unwrap_or_default();
        let owner = step.client == Client::Owner;
        let mails = self.world.mails();
        let mailbox = format!("{OWNER}@example.test");
        let mut links = mails.iter().rev().filter(|mail| !mail.withheld && mail.to == mailbox && mail.body.contains("&token="));
        match step.act {
            Act::Begin => (None, self.first(name)),
            Act::Link if owner => match links.next().map(link_of) {
                Some((link, code)) => (Some(link), json!({ "code": code })),
                None => (text, json!({ "code": "nothing came" })),
            },
            Act::Right => match stage {
                "emailValidation" if owner => {
                    let code = links.map(link_of).find(|(link, _)| Some(link) == text.as_ref()).map(|(_, code)| code);
                    (text, json!({ "code": code.unwrap_or_else(|| "none for this token".into()) }))
                }
                "kbaSecurityAnswerVerificationStage" if owner => (text, held.map(|held| answers(&held.body)).unwrap_or_default()),
                "emailValidation" => (text, json!({ "code": "12345678" })),
                "kbaSecurityAnswerVerificationStage" => (text, json!({ "answer1": "a guess" })),
                "resetStage" => (text, json!({ "password": CHOSEN })),
                _ => (None, self.first(name)),
            },
            Act::Link | Act::Guesses => (text, json!({ "code": "00000000" })),
            Act::Wrong => (text, json!({ "code": "wrong", "answer1": "wrong", "queryFilter": "userName eq", "user": 5 })),
            Act::Weak => (text, json!({ "password": "x" })),
            Act::Password => (text, json!({ "password": CHOSEN, "code": "", "answer1": "" })),
            Act::Empty => (text, json!({})),
        }
    }

    /// Plays a plan and judges the store after every submission.
    pub(super) fn play(&self, plan: &Plan) -> Verdict {
        let mut server = self.fresh(plan.seed);
        let mut text = 0;
        let mut held: [Vec<Held>; 2] = [Vec::new(), Vec::new()];
        let mut known: HashMap<InstanceId, Known> = HashMap::new();
        let mut lines = Vec::new();
        let mut before = self.seen();
        for step in &plan.steps {
            let who = step.client as usize;
            let back = held[who].len().checked_sub(1 + step.back).and_then(|at| held[who].get(at)).or(held[who].last()).cloned();
            for _ in 0..if step.act == Act::Guesses { 5 } else { 1 } {
                // Anybody may ask for the owner; who registers gives an address of their own.
                let name = if self.kind == Kind::Registration && step.client == Client::Stranger { "stranger" } else { OWNER };
                let (token, input) = self.input(step, back.as_ref(), name);
                let instance = token.as_deref().and_then(|token| self.instance_of(&held, token));
                if token.is_some() && instance.is_none() {
                    continue;
                }
                let told = self.submit(&server, token.as_deref(), &input, step.crash);
                let after = self.seen();
                lines.push(line(step, token.as_deref(), &input, &told));
                let judged = self.judge(step, &input, instance.as_ref(), &before, &after, &told, &mut known);
                judged.map_err(|rule| (rule, lines.clone()))?;
                before = after;
                if let Ok(submitted) = told
                    && !submitted.finished
                {
                    let proved = known.get(&submitted.instance).is_some_and(|known| known.proved);
                    let answer = Held::of(submitted);
                    // Until something is proved, whoever looks over a shoulder has the token as well.
                    if step.client == Client::Owner && !proved {
                        held[1].push(answer.clone());
                    }
                    held[who].push(answer);
                }
            }
            self.then(step.then, &mut text);
            if step.then == Then::Restart {
                server = self.server(plan.seed.wrapping_add(u64::try_from(lines.len()).unwrap_or(0)));
            }
            if step.then != Then::Nothing {
                lines.push(format!("… {:?}", step.then));
            }
        }
        Ok(())
    }

    /// Whose token it is; a link may hold one whose answer never came. A local token that nobody holds says nothing.
    fn instance_of(&self, held: &[Vec<Held>; 2], text: &str) -> Option<InstanceId> {
        let known = held.iter().flatten().find(|held| token(&held.body) == text).map(|held| held.instance.clone());
        known.or_else(|| (self.kind != Kind::Local).then(|| context(text).instance))
    }

    #[expect(clippy::too_many_arguments, reason = "the rules look at everything that happened")]
    fn judge(
        &self,
        step: &Step,
        input: &Value,
        instance: Option<&InstanceId>,
        before: &Seen,
        after: &Seen,
        told: &Result<Submitted, ResourceError>,
        known: &mut HashMap<InstanceId, Known>,
    ) -> Result<(), &'static str> {
        let former = instance.and_then(|instance| known.get(instance).copied()).unwrap_or_default();
        if told.as_ref().is_ok_and(|submitted| !keeps_to(&self.map, submitted)) {
            return Err("what happens is on the map");
        }
        if former.completed && told.is_ok() {
            return Err("no token of a completed instance is good");
        }
        let changed = before.password != after.password || before.people != after.people;
        let new: Vec<&String> = after.completed.iter().skip(before.completed.len()).collect();
        let all: std::collections::BTreeSet<&String> = after.completed.iter().collect();
        if all.len() != after.completed.len() {
            return Err("an instance completes once");
        }
        let alters = self.kind != Kind::UserName;
        if alters && changed != (new.len() == 1) && self.ledger.fault != Fault::LosesCommits {
            return Err("a credential changes with its completion and not otherwise");
        }
        if told.is_err() && step.crash != Crash::After && before != after {
            return Err("what was refused has changed nothing");
        }
        if let Ok(submitted) = told
            && submitted.finished
        {
            let there = if alters { changed } else { after.rows.1 > before.rows.1 };
            if !there || new.len() != 1 {
                return Err("what was acknowledged is there");
            }
        }
        // What proves something: the owner's code or answers, taken by the stage that asked.
        let stage = match told {
            Ok(submitted) => submitted.body["type"].as_str().unwrap_or_default(),
            Err(_) => "",
        };
        let code = input.get("code").and_then(Value::as_str).is_some_and(|code| code.len() == 36);
        let right = step.client == Client::Owner && (code || (step.act == Act::Right && input.get("answer1").is_some()));
        if let Some(instance) = instance {
            let entry = known.entry(instance.clone()).or_default();
            if code && former.wrong_codes >= 5 && told.is_ok() && !former.proved {
                return Err("five wrong codes end an instance");
            }
            if input.get("code").is_some_and(|code| code == "00000000") && told.as_ref().is_err_and(|error| error.message == "Invalid code")
            {
                entry.wrong_codes += 1;
            }
            if code && told.is_ok() {
                entry.wrong_codes = 0;
            }
            // A crash after the commit says nothing to the client, who may find that it counted.
            entry.proved |= right && (told.is_ok() || step.crash == Crash::After);
            entry.completed |= new.iter().any(|completed| completed.as_str() == instance.as_str());
        }
        let proved = instance.and_then(|instance| known.get(instance)).is_some_and(|known| known.proved);
        let needs = matches!(
            self.kind,
            Kind::Mail | Kind::Questions | Kind::Both | Kind::Local | Kind::Registration | Kind::Unproven | Kind::Revealing
        );
        if needs && (changed || stage == "resetStage") && !proved {
            return Err("nothing is changed without its proof");
        }
        Ok(())
    }
}

/// A line of the transcript.
pub(super) fn line(step: &Step, token: Option<&str>, input: &Value, told: &Result<Submitted, ResourceError>) -> String {
    let tail =
        token.map_or("no token".to_owned(), |token| format!("token …{}", token.get(token.len().saturating_sub(6)..).unwrap_or(token)));
    let told = match told {
        Ok(submitted) if submitted.finished => format!("200 {} end", submitted.instance.as_str()),
        Ok(submitted) => {
            let issued = token_tail(&submitted.body);
            format!("200 {} {} {} …{issued}", submitted.instance.as_str(), submitted.body["type"], submitted.body["tag"])
        }
        Err(error) => format!("{} {}", error.code, error.message),
    };
    format!("{:?} {:?} {tail} {input} crash {:?} → {told}", step.client, step.act, step.crash)
}

fn token_tail(body: &Value) -> &str {
    let token = token(body);
    token.get(token.len().saturating_sub(6)..).unwrap_or(token)
}

/// So many reads, hashes and writes, and so many objects that were read.
pub(super) fn cost<T>(world: &World, work: impl FnOnce() -> T) -> (T, Cost) {
    let (mut result, mut cost) = (None, (0, 0, 0));
    let rows = world.rows(|| cost = world.cost(|| result = Some(work())));
    (result.expect("it was done"), Cost { reads: cost.0, hashes: cost.1, writes: cost.2, rows })
}

/// What a submission cost.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cost {
    reads: u32,
    hashes: u32,
    writes: u32,
    rows: u32,
}
