//! Exhaustive exploration of a process on the real engine: everything an attacker can submit, by classes of input, for every shape of account,
//! and with every set of proofs that the policy says is not enough.
//!
//! Easiest to break: a class of input that is missing is an attack that is not found. And an exploration that was cut off proves nothing, which
//! it must say.

mod attacker;
mod explore;
mod finding;
mod goal;
mod mend;
mod script;
mod shape;
mod states;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use jose::TokenForm;
use process::{Companions, Process, SnapshotToken};
use project::{Project, Proofs, StageKind};
use serde_json::{Map, Value, json};
use stages::Services;

pub use crate::world::NoKeys;
use crate::world::{Ground, Setting};

pub use explore::Bounds;
use explore::Played;
pub use finding::{Attack, AttackStep, Cut, Edit, Finding, Recovery, Said};
pub use goal::Goal;
pub use shape::Shape;

/// Explores the processes of a project.
pub struct Prover {
    pub(crate) setting: Setting,
    pub(crate) ground: Ground,
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
        Ok(Self::on(setting, Ground::new()?))
    }

    /// The same with what many worlds are made with.
    #[must_use]
    pub fn on(setting: Setting, ground: Ground) -> Self {
        // Whether mail can leave may change at any time; a process that cannot run today is explored as it will run.
        let setting = Setting { mail_configured: true, ..setting };
        Self { setting, ground, companions: OnceLock::new(), bounds: Bounds::default() }
    }

    /// The same project with the next definitions (`canary`) in the places of the present ones.
    #[must_use]
    pub fn with_next(&self) -> Self {
        let mut project = Project::clone(&self.setting.project);
        for process in &mut project.processes {
            if let Some(next) = process.canary.take().and_then(|canary| canary.next) {
                *process = *next;
            }
        }
        let setting = Setting { project: Arc::new(project), processes: Vec::new(), ..self.setting.clone() };
        Self { setting, ground: self.ground.clone(), companions: OnceLock::new(), bounds: self.bounds }
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
        let mut finding = self.explored(name, &process, served, self.bounds)?;
        for attack in &mut finding.attacks {
            attack.fix = mend::smallest_edit(self, name, file, attack)?;
        }
        Ok(Some(finding))
    }

    /// Explores a process as far as a server can afford when it starts. Nothing for one that is not served, or whose proofs were waived: that is
    /// known. What closes an attack is not looked for.
    ///
    /// # Errors
    /// When there are no keys.
    pub fn refute(&self, name: &str) -> Result<Option<Finding>, NoKeys> {
        let process = self.file(name).and_then(|file| self.compiled(name, file)).filter(|process| !process.options.allow_unproven);
        process.map(|process| self.explored(name, &process, true, Bounds::AT_LOAD)).transpose()
    }

    /// The least that is needed for a new credential of each kind of account.
    ///
    /// # Errors
    /// When there are no keys.
    pub fn recovery(&self, name: &str) -> Result<Option<Vec<Recovery>>, NoKeys> {
        let Some(file) = self.file(name) else { return Ok(None) };
        let Some((process, _)) = self.runnable(name, file) else { return Ok(None) };
        let played = Played::new(self, &process)?;
        let mut found = Vec::new();
        for shape in Shape::ALL.into_iter().filter(|shape| shape.exists()) {
            let mut recovery = Recovery { shape, needs: None, steps: Vec::new(), cut_off: BTreeSet::new() };
            for has in Proofs::all() {
                let explored = explore::explore(self, &played, shape, has, &[Goal::Credential], &[Goal::Credential], self.bounds);
                if let Some((_, steps)) = explored.reached.into_iter().next() {
                    (recovery.needs, recovery.steps) = (Some(has), steps);
                    break;
                }
                recovery.cut_off.extend(explored.cut_off);
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

    /// The project with one process alone.
    fn setting_of(&self, process: &Arc<Process<Services>>) -> Setting {
        Setting { processes: vec![Arc::clone(process)], ..self.setting.clone() }
    }

    /// What HTTP services that are stages answer: that they are through, with everything they may vouch for.
    fn played(&self) -> BTreeMap<String, Value> {
        let declared = self.setting.project.settings.stages.values();
        let played = declared.filter_map(|stage| match &stage.kind {
            StageKind::Http { url, .. } => Some((url.clone(), json!({ "done": true, "gives": stage.gives }))),
            StageKind::Script { .. } => None,
        });
        played.collect()
    }

    /// Whether a service says who a new person is: what it would say is not known here.
    fn leaves_details_to_a_service(&self, process: &Process<Services>) -> bool {
        let declared = self.setting.project.settings.stages.iter();
        let mut services = declared.filter(|(_, stage)| matches!(stage.kind, StageKind::Http { .. }));
        services.any(|(name, stage)| stage.gives.iter().any(|fact| fact == "newUser") && places(&process.source, name))
    }

    pub(crate) fn compiled(&self, name: &str, file: &Value) -> Option<Arc<Process<Services>>> {
        let mut process = process::compile(name, file, self.companions(), &stages::catalogue()).process?;
        // What a sealed token looks like, and whether it is kept in the store, lets nobody in; RSA would be half of what an exploration costs, and with
        // tokens that are kept no two states would be the same.
        process.token.kind = SnapshotToken::Stateless(TokenForm::DEFAULT);
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
        let shapes = Shape::ALL.into_iter().filter(|shape| shape.exists() == attack.shape.exists() && shape.is_active());
        let played = Played::new(self, process)?;
        for shape in shapes {
            if !explore::explore(self, &played, shape, has, &[attack.goal], &[attack.goal], self.bounds).reached.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the goal of an attack is reached in another process, by whoever has no more: first as the attack did, then every other way. An
    /// exploration that is cut off counts as a way.
    pub(crate) fn still_reached(&self, process: &Arc<Process<Services>>, attack: &Attack) -> Result<bool, NoKeys> {
        let mut shapes = Shape::ALL;
        shapes.sort_by_key(|shape| *shape != attack.shape);
        let (sets, played) = (self.settings_of(process), Played::new(self, process)?);
        for (shape, (has, _)) in
            shapes.iter().flat_map(|shape| sets.iter().filter(|(_, goals)| goals.contains(&attack.goal)).map(move |set| (*shape, set)))
        {
            let explored = explore::explore(self, &played, shape, *has, &[attack.goal], &[attack.goal], self.bounds);
            if !explored.cut_off.is_empty() || !explored.reached.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The sets of proofs that are tried with a process, and what must not be reached with each.
    fn settings_of(&self, process: &Process<Services>) -> Vec<(Proofs, Vec<Goal>)> {
        let reveals = process.disclosure() == process::Disclosure::Reveal;
        let sessions = process.binds_session() || process.stages.iter().any(|placed| placed.facts.wants_session);
        goal::forbidden(&self.setting.project.settings.prove, reveals, sessions)
    }

    fn explored(&self, name: &str, process: &Arc<Process<Services>>, served: bool, bounds: Bounds) -> Result<Finding, NoKeys> {
        let mut finding = Finding {
            process: name.to_owned(),
            served,
            settings: 0,
            states: 0,
            inputs: 0,
            depth: 0,
            cut_off: BTreeSet::new(),
            attacks: Vec::new(),
        };
        let (sets, played) = (self.settings_of(process), Played::new(self, process)?);
        for (shape, (has, goals)) in Shape::ALL.into_iter().flat_map(|shape| sets.iter().map(move |set| (shape, set))) {
            // What a session is enough for says nothing of those without one.
            let is_inside = |set: &Proofs| set.contains(Proofs::SESSION);
            let is_new = |goal: &Goal| {
                !finding.attacks.iter().any(|known: &Attack| known.goal == *goal && (is_inside(has) || !is_inside(&known.has)))
            };
            let wanted: Vec<Goal> = goals.iter().copied().filter(is_new).collect();
            // Nobody has a session of an account that is not there.
            if wanted.is_empty() || is_inside(has) && !shape.exists() {
                continue;
            }
            let left = Bounds { submissions: bounds.submissions.saturating_sub(finding.inputs), ..bounds };
            if left.submissions == 0 {
                finding.cut_off.insert(Cut::Submissions);
                break;
            }
            let explored = explore::explore(self, &played, shape, *has, &wanted, goals, left);
            finding.settings += 1;
            finding.states += explored.states;
            finding.inputs += explored.inputs;
            finding.depth = finding.depth.max(explored.depth);
            finding.cut_off.extend(explored.cut_off);
            for (goal, steps) in explored.reached {
                finding.attacks.push(Attack {
                    goal,
                    shape,
                    has: *has,
                    collection: crate::definition::collection(process),
                    victim: Value::Object(attacker::victim(self, process, shape)),
                    own: Value::Object(attacker::own(self, process)),
                    steps,
                    fix: None,
                });
            }
        }
        Ok(finding)
    }
}

/// Whether a stage of this name or class stands anywhere in a definition, in a branch for example.
fn places(definition: &Value, stage: &str) -> bool {
    match definition {
        Value::Object(members) => {
            ["name", "class"].iter().any(|key| members.get(*key).and_then(Value::as_str) == Some(stage))
                || members.values().any(|member| places(member, stage))
        }
        Value::Array(items) => items.iter().any(|item| places(item, stage)),
        _ => false,
    }
}
