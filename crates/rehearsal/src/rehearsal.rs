//! A rehearsal: a plan carried out in a world of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use identity::{ObjectSchema, Property, Scope};
use process::{ProcessMap, Subject};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::definition::{collection, makes_accounts};
use crate::expect;
use crate::person::Person;
use crate::plan::{Plan, PlanError};
use crate::transcript::{AccountElsewhere, Outcome, Sessions, Transcript};
use crate::walk::{Walk, moment};
use crate::world::{Ground, NoKeys, Setting, World, caller};

/// Submissions after which somebody gives up.
const MOST: usize = 60;
/// The same question so often, and nobody gets any further.
const PATIENCE: usize = 3;
/// When a rehearsal begins that does not say so: 2026-01-01T00:00:00Z.
const DEFAULT_MOMENT: i64 = 1_767_225_600;

/// Carries plans out.
pub struct Rehearsal {
    setting: Setting,
    ground: OnceLock<Ground>,
}

/// A plan that was carried out and compared with what it expects.
#[derive(Clone, Debug)]
pub struct Tested {
    /// What happened.
    pub transcript: Transcript,
    /// What is not as it was to be; empty where everything is.
    pub failures: Vec<String>,
}

/// Why nothing was rehearsed.
#[derive(Debug, Error)]
pub enum RehearsalError {
    /// The process is not served, or not there.
    #[error("the project serves no process '{0}'")]
    NoProcess(String),
    /// The plan cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Somebody has an account at a provider that the project does not have.
    #[error("the project has no identity provider '{0}'")]
    NoProvider(String),
    /// A step names a token that no answer gave.
    #[error("step {step} wants token {token}, and there are {given} so far")]
    NoToken {
        /// Which step, from 1.
        step: usize,
        /// Which token.
        token: usize,
        /// How many answers gave one.
        given: usize,
    },
    /// A person cannot be put there.
    #[error("the people of the plan cannot be put there: {0}")]
    People(String),
    /// There are no keys.
    #[error(transparent)]
    Keys(#[from] NoKeys),
}

/// Gives the input of a submission, where somebody is asked; nothing to end it there. The first argument is the body of the last answer,
/// the second what the person would answer by themselves.
pub type Asks<'a> = &'a mut dyn FnMut(&Value, &Value) -> Option<Value>;

impl Rehearsal {
    /// On a project.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        Self { setting, ground: OnceLock::new() }
    }

    /// The maps of the processes, by which coverage is counted.
    #[must_use]
    pub fn maps(&self) -> Vec<ProcessMap> {
        self.setting.processes.iter().map(|process| ProcessMap::of(process)).collect()
    }

    fn ground(&self) -> Result<&Ground, NoKeys> {
        if let Some(ground) = self.ground.get() {
            return Ok(ground);
        }
        let drawn = Ground::new()?;
        Ok(self.ground.get_or_init(|| drawn))
    }

    /// The names of the processes that can be rehearsed, in order.
    pub fn processes(&self) -> impl Iterator<Item = &str> {
        self.setting.processes.iter().map(|process| process.name.as_str())
    }

    /// [`Setting::why_not`].
    #[must_use]
    pub fn why_not(&self, name: &str) -> Option<String> {
        self.setting.why_not(name)
    }

    /// Carries out a plan. `asks` is asked for every input that the plan does not say; without it, the person answers by themselves.
    ///
    /// # Errors
    /// [`RehearsalError`], before anything was done.
    pub fn run(&self, name: &str, plan: &Plan, asks: Option<Asks<'_>>) -> Result<Transcript, RehearsalError> {
        Ok(self.carry_out(name, plan, asks)?.transcript)
    }

    /// Carries out a plan and compares what happens with what it expects.
    ///
    /// # Errors
    /// [`RehearsalError`], before anything was done.
    pub fn test(&self, name: &str, plan: &Plan) -> Result<Tested, RehearsalError> {
        self.carry_out(name, plan, None)
    }

    fn carry_out(&self, name: &str, plan: &Plan, mut asks: Option<Asks<'_>>) -> Result<Tested, RehearsalError> {
        let seed = plan.seed.unwrap_or(1);
        let at = plan.begins()?.unwrap_or(DEFAULT_MOMENT);
        let world = World::new(self.setting.clone(), self.ground()?, seed, at, plan.services.clone())?;
        let process = world.process(name).ok_or_else(|| RehearsalError::NoProcess(name.to_owned()))?;
        let collection = collection(&process);
        let project = &self.setting.project;
        let mut person = Person::new(&collection, project.schemas.get(&collection), &project.questions, &world.names, &plan.person);
        person.elsewhere = if plan.elsewhere.is_empty() {
            world.providers().map(|provider| AccountElsewhere { provider: provider.to_owned(), profile: Map::new() }).collect()
        } else {
            plan.elsewhere.clone()
        };
        if let Some(unknown) = person.elsewhere.iter().find(|account| !world.providers().any(|known| known == account.provider)) {
            return Err(RehearsalError::NoProvider(unknown.provider.clone()));
        }
        let signed_in = plan.signed_in.unwrap_or(process.binds_session());
        let account = plan.account.unwrap_or(signed_in || !makes_accounts(&process));
        Self::people(&world, &person, account, plan)?;
        let due = if signed_in {
            world.sign_in(&person.collection, &person.id).map_err(|error| RehearsalError::People(error.message))?
        } else {
            Vec::new()
        };
        let before = world.stored(&person.collection, &person.id);
        let subject = signed_in.then(|| Subject { collection: person.collection.clone(), id: person.id.clone(), decoy: false });
        let login = person.content.get("userName").and_then(Value::as_str).unwrap_or(&person.id);
        let reauthenticated = plan.reauthenticated && signed_in;
        let version = process.version.to_string();
        let mut walk = Walk::begin(&world, process, caller(subject, login, reauthenticated));
        let outcome = act(&mut walk, &world, &person, plan, &mut asks)?;
        let object = if account { world.stored(&person.collection, &person.id) } else { made(&world, &person) };
        let sessions = {
            let rows = world.ledger.rows();
            Sessions { begun: rows.begun.len(), ended: rows.ended.len() }
        };
        let mut shown = person.content.clone();
        shown.insert("_id".to_owned(), person.id.clone().into());
        let transcript = Transcript {
            process: name.to_owned(),
            version,
            seed,
            at: moment(at),
            person: Value::Object(shown),
            account,
            signed_in,
            reauthenticated,
            people: plan.people.clone(),
            secrets: project.schemas.get(&collection).map(secrets).unwrap_or_default(),
            elsewhere: plan.elsewhere.clone(),
            services: plan.services.clone(),
            due,
            exchanges: walk.without_tokens(),
            outcome,
            fault: walk.fault.clone(),
            changed: changed(before.as_ref(), object.as_ref()),
            object,
            sessions,
            reached: walk.reached.clone(),
        };
        let failures = expect::failures(plan, &transcript, &world);
        Ok(Tested { transcript, failures })
    }

    fn people(world: &World, person: &Person, account: bool, plan: &Plan) -> Result<(), RehearsalError> {
        let refused = |error: crest::ResourceError| RehearsalError::People(error.message);
        if account {
            world.settle(&person.collection, &person.id, &person.content).map_err(refused)?;
        }
        for (number, other) in plan.people.iter().enumerate() {
            let id = other.get("_id").and_then(Value::as_str).map_or_else(|| format!("other{}", number + 1), str::to_owned);
            let mut content: Map<String, Value> = other.clone();
            content.remove("_id");
            content.entry("accountStatus").or_insert_with(|| "active".into());
            world.settle(&person.collection, &id, &content).map_err(refused)?;
        }
        Ok(())
    }
}

fn act(walk: &mut Walk<'_>, world: &World, person: &Person, plan: &Plan, asks: &mut Option<Asks<'_>>) -> Result<Outcome, RehearsalError> {
    let mut planned = plan.steps.iter().enumerate();
    let mut before: Option<(Value, usize)> = None;
    for _ in 0..MOST {
        let next = planned.next();
        let given = walk.tokens.len();
        let (token, input) = match next {
            Some((number, step)) => {
                world.pass(step.passes()?);
                let token = step.token.unwrap_or(given);
                if token > given && plan.expect.is_some() {
                    // What came of it until then is compared, and this step with what never was.
                    return Ok(Outcome::Stopped);
                }
                if token > given {
                    return Err(RehearsalError::NoToken { step: number + 1, token, given });
                }
                let input = step.input.clone().map_or_else(|| walk.answer_of(person), |input| filled(input, person, world));
                (token, input)
            }
            None if plan.stop => return Ok(Outcome::Stopped),
            None => {
                let own = walk.answer_of(person);
                let input = match asks.as_mut() {
                    Some(asks) => asks(&walk.asked, &own),
                    None => Some(own),
                };
                let Some(input) = input else { return Ok(Outcome::Stopped) };
                (given, input)
            }
        };
        let more_planned = planned.len() > 0;
        let proofs = proofs(person, world, &input);
        let good = walk.submit(token, input, &proofs);
        if walk.finished && !more_planned {
            return Ok(Outcome::Completed);
        }
        if !good && !more_planned && asks.is_none() {
            let is_broken = walk.exchanges.last().is_some_and(|exchange| exchange.status >= 500);
            return Ok(if is_broken { Outcome::Broken } else { Outcome::Refused });
        }
        let question = |body: &Value| Value::Array(["type", "tag"].map(|key| body.get(key).cloned().unwrap_or_default()).into());
        let now = question(&walk.asked);
        let times = before.filter(|(last, _)| *last == now).map_or(1, |(_, times)| times + 1);
        if times > PATIENCE && next.is_none() && asks.is_none() {
            return Ok(Outcome::Stuck);
        }
        before = Some((now, times));
    }
    Ok(Outcome::Stuck)
}

/// What proves their accounts at identity providers, by what is written for it.
fn proofs(person: &Person, world: &World, input: &Value) -> BTreeMap<String, String> {
    let text = input.to_string();
    let proof = |account: &AccountElsewhere| {
        let name = format!("{{clientToken {}}}", account.provider);
        let mut profile = person.profile();
        profile.extend(account.profile.clone());
        let token = text.contains(&name).then(|| world.client_token(&account.provider, profile)).flatten()?;
        Some((name, token))
    };
    person.elsewhere.iter().filter_map(proof).collect()
}

/// `{code}` is the code that was mailed last.
fn filled(mut input: Value, person: &Person, world: &World) -> Value {
    fn fill(value: &mut Value, code: &str) {
        match value {
            Value::String(text) if text.contains("{code}") => *text = text.replace("{code}", code),
            Value::Array(items) => items.iter_mut().for_each(|item| fill(item, code)),
            Value::Object(members) => members.values_mut().for_each(|member| fill(member, code)),
            _ => {}
        }
    }
    fill(&mut input, &person.code(&world.mails()).unwrap_or_default());
    input
}

/// The properties that are secret beside the password and the answers, which are so everywhere.
fn secrets(schema: &ObjectSchema) -> BTreeSet<String> {
    let is_secret = |property: &&Property| property.is_credential() || property.is_sealed() || property.scope == Scope::Private;
    let usual = |name: &str| ["password", "kbaInfo"].contains(&name);
    let secret = schema.properties.iter().filter(is_secret).map(|property| property.name.clone());
    secret.filter(|name| !usual(name)).collect()
}

/// The members of an object that are not what they were.
fn changed(before: Option<&Value>, after: Option<&Value>) -> BTreeSet<String> {
    let members = |object: Option<&Value>| object.and_then(Value::as_object).cloned().unwrap_or_default();
    let (before, after) = (members(before), members(after));
    before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// The account that was made for somebody who had none: the one with their name.
fn made(world: &World, person: &Person) -> Option<Value> {
    let name = person.content.get("userName")?;
    world.all(&person.collection).into_iter().find(|object| object.content.get("userName") == Some(name)).map(|object| object.content)
}
