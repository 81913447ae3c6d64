//! Exhaustive exploration of a process on the real engine: everything an attacker can submit, by classes of input, for every shape of account,
//! and with every set of proofs that the policy says is not enough.
//!
//! Easiest to break: a class of input that is missing is an attack that is not found. And an exploration that was cut off proves nothing, which
//! it must say.

mod attacker;
mod explore;
mod mend;
mod script;

use std::fmt;
use std::sync::{Arc, OnceLock};

use jose::TokenForm;
use process::{Companions, Process, SnapshotToken};
use project::{Proofs, Prove};
use serde::Serialize;
use serde_json::{Map, Value};
use stages::Services;

pub use crate::world::NoKeys;
use crate::world::{Keys, Setting};

pub use explore::Bounds;

/// What must not be reached without proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Goal {
    /// The account's credential is replaced, its security questions are, or a session of it begins.
    Credential,
    /// Its mail address is replaced.
    Address,
    /// Something else of it is changed.
    Profile,
    /// Its user name is told.
    Name,
    /// An account is made with an address that nobody has shown to be theirs.
    Account,
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credential => "a new credential",
            Self::Address => "another mail address",
            Self::Profile => "a changed account",
            Self::Name => "the user name",
            Self::Account => "an account with somebody else's address",
        })
    }
}

impl Goal {
    /// Every goal.
    pub(crate) const ALL: [Self; 5] = [Self::Credential, Self::Address, Self::Profile, Self::Name, Self::Account];

    /// Whether the policy lets somebody with these proofs have it.
    fn is_permitted(self, policy: &Prove, reveals: bool, has: Proofs) -> bool {
        match self {
            Self::Credential => Prove::permits(&policy.credential, has),
            Self::Address => Prove::permits(&policy.address, has),
            Self::Profile => Prove::permits(&policy.profile, has),
            Self::Account => Prove::permits(&policy.account, has),
            Self::Name => match &policy.name {
                Some(asked) => Prove::permits(asked, has),
                // By default a process that says it tells may tell; others need what a changed account needs.
                None => reveals || Prove::permits(&policy.profile, has),
            },
        }
    }
}

/// An account as far as it matters to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    name: &'static str,
    exists: bool,
    mail: bool,
    answers: bool,
    active: bool,
}

const SHAPES: [Shape; 6] = [
    Shape { name: "an account with an address and answered questions", exists: true, mail: true, answers: true, active: true },
    Shape { name: "an account with an address and no questions", exists: true, mail: true, answers: false, active: true },
    Shape { name: "an account with answered questions and no address", exists: true, mail: false, answers: true, active: true },
    Shape { name: "an account with neither address nor questions", exists: true, mail: false, answers: false, active: true },
    Shape { name: "an account that is switched off", exists: true, mail: true, answers: true, active: false },
    Shape { name: "nobody", exists: false, mail: true, answers: false, active: true },
];

/// One submission of an attack.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttackStep {
    /// The number of the answer whose token comes along, from 1; nothing for none.
    pub token: Option<usize>,
    /// What is sent. `{code}` is the code that was mailed last, to a mailbox that the attacker reads.
    pub input: Value,
    /// What is answered: `type` and `tag`.
    pub answer: String,
}

/// A way to something that the policy does not let anybody have with what they have.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attack {
    /// What is reached.
    pub goal: Goal,
    /// Of what kind of account.
    pub shape: &'static str,
    /// What the attacker has: `nothing`, `an open session`.
    pub has: String,
    /// They are signed in as the account's owner.
    pub signed_in: bool,
    /// Their requests carry the present password.
    pub reauthenticated: bool,
    /// Whose account it is, in clear.
    pub victim: Value,
    /// The attacker's own account, in clear: anybody may have one.
    pub own: Value,
    /// The submissions, in order: none is needless, for shorter ways were tried before.
    pub steps: Vec<AttackStep>,
    /// The smallest edit of the file that was found to close it.
    pub fix: Option<Edit>,
}

/// A change of a process file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// What to do.
    pub says: String,
    /// The file then.
    pub file: Value,
}

/// What was found out about one process.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Its name.
    pub process: String,
    /// It would be served; otherwise it was explored as if its proofs had been waived.
    pub served: bool,
    /// Kinds of accounts and sets of proofs that were tried together.
    pub settings: usize,
    /// Different states that were reached.
    pub states: usize,
    /// Submissions that were tried.
    pub inputs: usize,
    /// The most submissions in a row.
    pub depth: usize,
    /// The exploration was cut off: what it did not find may be there.
    pub cut_off: bool,
    /// Ways that the policy forbids, the shortest for each goal.
    pub attacks: Vec<Attack>,
}

/// The least that somebody needs for a new credential, for one kind of account.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// Of what kind of account.
    pub shape: &'static str,
    /// The least: `the mailbox`; nothing where there is no way.
    pub needs: Option<String>,
    /// The shortest way with it.
    pub steps: Vec<AttackStep>,
}

/// Explores the processes of a project.
pub struct Prover {
    pub(crate) setting: Setting,
    pub(crate) keys: Keys,
    companions: OnceLock<Companions>,
    /// What an exploration may cost.
    pub bounds: Bounds,
}

impl Prover {
    /// Of a project.
    ///
    /// # Errors
    /// When the system gives no randomness for keys.
    pub fn new(setting: Setting) -> Result<Self, NoKeys> {
        Ok(Self { setting, keys: Keys::generate()?, companions: OnceLock::new(), bounds: Bounds::default() })
    }

    /// Every process of the project, served or not, by name.
    #[must_use]
    pub fn processes(&self) -> Vec<&str> {
        self.setting.project.processes.iter().map(|process| process.name.as_str()).collect()
    }

    /// Explores a process. Nothing for one that cannot be run at all; `check` says why.
    ///
    /// # Errors
    /// When there are no keys.
    pub fn prove(&self, name: &str) -> Result<Option<Finding>, NoKeys> {
        let Some(file) = self.file(name) else { return Ok(None) };
        let Some((process, served)) = self.runnable(name, file) else { return Ok(None) };
        let mut finding = self.explored(name, &process, served)?;
        for attack in &mut finding.attacks {
            attack.fix = mend::smallest_edit(self, name, file, attack)?;
        }
        Ok(Some(finding))
    }

    /// The least that is needed for a new credential of each kind of account.
    ///
    /// # Errors
    /// When there are no keys.
    pub fn recovery(&self, name: &str) -> Result<Option<Vec<Recovery>>, NoKeys> {
        let Some(file) = self.file(name) else { return Ok(None) };
        let Some((process, _)) = self.runnable(name, file) else { return Ok(None) };
        let mut found = Vec::new();
        for shape in SHAPES.into_iter().filter(|shape| shape.exists) {
            let mut recovery = Recovery { shape: shape.name, needs: None, steps: Vec::new() };
            for has in Proofs::all() {
                let explored = explore::explore(self, &process, shape, has, &[Goal::Credential], &[Goal::Credential])?;
                if let Some((_, steps)) = explored.reached.into_iter().next() {
                    (recovery.needs, recovery.steps) = (Some(has.to_string()), steps);
                    break;
                }
            }
            found.push(recovery);
        }
        Ok(Some(found))
    }

    /// The attack as a script for a shell, against a server that nobody else uses.
    #[must_use]
    pub fn script(&self, process: &str, attack: &Attack) -> String {
        script::of(process, attack)
    }

    fn file(&self, name: &str) -> Option<&Value> {
        Some(&self.setting.project.process(name)?.value)
    }

    fn companions(&self) -> &Companions {
        self.companions.get_or_init(|| self.setting.project.companions())
    }

    pub(crate) fn compiled(&self, name: &str, file: &Value) -> Option<Arc<Process<Services>>> {
        let mut process = process::compile(name, file, self.companions(), &stages::catalogue()).process?;
        // What a sealed token looks like lets nobody in; RSA would be half of what an exploration costs.
        if let SnapshotToken::Stateless(form) = &mut process.token.kind {
            *form = TokenForm::DEFAULT;
        }
        Some(Arc::new(process))
    }

    /// The process as it would be served; else as it would run if its proofs were waived, and false.
    fn runnable(&self, name: &str, file: &Value) -> Option<(Arc<Process<Services>>, bool)> {
        if let Some(process) = self.compiled(name, file) {
            return Some((process, true));
        }
        let mut waived = file.clone();
        let options = waived.as_object_mut()?.entry("vestibule").or_insert_with(|| Value::Object(Map::new()));
        options.as_object_mut()?.insert("allowUnproven".to_owned(), true.into());
        Some((self.compiled(name, &waived)?, false))
    }

    /// Whether somebody who has every proof reaches the goal of an attack in another process: what nobody gets through closes everything.
    pub(crate) fn is_of_use(&self, process: &Arc<Process<Services>>, attack: &Attack) -> Result<bool, NoKeys> {
        let all = Proofs::MAIL.and(Proofs::ANSWERS);
        let has = if process.binds_session() { all.and(Proofs::PASSWORD) } else { all };
        let shapes = SHAPES.into_iter().filter(|shape| shape.exists == (attack.shape != "nobody") && shape.active);
        for shape in shapes {
            if !explore::explore(self, process, shape, has, &[attack.goal], &[attack.goal])?.reached.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the goal of an attack is reached in another process, by whoever has no more: first as the attack did, then every other way. An
    /// exploration that is cut off counts as a way.
    pub(crate) fn still_reached(&self, process: &Arc<Process<Services>>, attack: &Attack) -> Result<bool, NoKeys> {
        let policy = &self.setting.project.settings.prove;
        let reveals = process.disclosure() == process::Disclosure::Reveal;
        let sets: Vec<Proofs> =
            forbidden(policy, reveals).into_iter().filter(|(_, goals)| goals.contains(&attack.goal)).map(|(has, _)| has).collect();
        let mut shapes = SHAPES;
        shapes.sort_by_key(|shape| shape.name != attack.shape);
        for shape in shapes {
            for has in &sets {
                let explored = explore::explore(self, process, shape, *has, &[attack.goal], &[attack.goal])?;
                if explored.cut_off || !explored.reached.is_empty() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn explored(&self, name: &str, process: &Arc<Process<Services>>, served: bool) -> Result<Finding, NoKeys> {
        let policy = &self.setting.project.settings.prove;
        let reveals = process.disclosure() == process::Disclosure::Reveal;
        let mut finding =
            Finding { process: name.to_owned(), served, settings: 0, states: 0, inputs: 0, depth: 0, cut_off: false, attacks: Vec::new() };
        for shape in SHAPES {
            for (has, goals) in settings_of(process, forbidden(policy, reveals)) {
                let wanted: Vec<Goal> =
                    goals.iter().copied().filter(|goal| !finding.attacks.iter().any(|known| known.goal == *goal)).collect();
                if wanted.is_empty() {
                    continue;
                }
                let explored = explore::explore(self, process, shape, has, &wanted, &goals)?;
                finding.settings += 1;
                finding.states += explored.states;
                finding.inputs += explored.inputs;
                finding.depth = finding.depth.max(explored.depth);
                finding.cut_off |= explored.cut_off;
                for (goal, steps) in explored.reached {
                    finding.attacks.push(Attack {
                        goal,
                        shape: shape.name,
                        has: has.to_string(),
                        signed_in: has.contains(Proofs::SESSION),
                        reauthenticated: has.contains(Proofs::PASSWORD),
                        victim: Value::Object(attacker::victim(self, process, shape)),
                        own: Value::Object(attacker::own(self, process)),
                        steps,
                        fix: None,
                    });
                }
            }
        }
        Ok(finding)
    }
}

/// The same for one process: where nothing of it looks at a session, having one makes no difference.
fn settings_of(process: &Process<Services>, sets: Vec<(Proofs, Vec<Goal>)>) -> Vec<(Proofs, Vec<Goal>)> {
    if process.binds_session() || process.stages.iter().any(|placed| placed.facts.wants_session) {
        return sets;
    }
    let mut merged: Vec<(Proofs, Vec<Goal>)> = Vec::new();
    for (has, goals) in sets {
        let has = has.without_session();
        match merged.iter_mut().find(|(known, _)| *known == has) {
            Some((_, known)) => known.extend(goals.into_iter().filter(|goal| !known.contains(goal)).collect::<Vec<_>>()),
            None => merged.push((has, goals)),
        }
    }
    merged
}

/// The sets of proofs with the goals that the policy does not let them have. Whoever has less can do less, so of these sets the largest are
/// enough.
fn forbidden(policy: &Prove, reveals: bool) -> Vec<(Proofs, Vec<Goal>)> {
    let mut sets: Vec<(Proofs, Vec<Goal>)> = Vec::new();
    for goal in Goal::ALL {
        let short: Vec<Proofs> = Proofs::all().into_iter().filter(|has| !goal.is_permitted(policy, reveals, *has)).collect();
        for has in &short {
            let larger = short.iter().any(|other| other != has && other.contains(*has));
            // A session is another way in, not only more of the same: who has none is tried, too.
            if larger && *has != Proofs::NONE {
                continue;
            }
            match sets.iter_mut().find(|(known, _)| known == has) {
                Some((_, goals)) => goals.push(goal),
                None => sets.push((*has, vec![goal])),
            }
        }
    }
    sets
}
