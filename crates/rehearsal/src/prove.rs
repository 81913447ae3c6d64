//! Exhaustive exploration of a process on the real engine: everything an attacker can submit, by classes of input, for every shape of account,
//! and with every set of proofs that the policy says is not enough.
//!
//! Easiest to break: a class of input that is missing is an attack that is not found. And an exploration that was cut off proves nothing, which
//! it must say.

mod attacker;
mod bounds;
mod branches;
mod explore;
mod finding;
mod goal;
mod mend;
mod patience;
mod reach;
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

use crate::names::Names;
pub use crate::world::NoKeys;
use crate::world::{Ground, Setting};

pub use bounds::Bounds;
use explore::{Aim, Explored, Played};
pub use finding::{Attack, AttackStep, Cut, Edit, Finding, Recovery, Said};
pub use goal::Goal;
use patience::Patience;
use reach::Reach;
pub use shape::Shape;

/// Most submissions for finding out whether every stage can be got through at all.
const TO_REACH: usize = 2_000;
/// The same at load.
const TO_REACH_AT_LOAD: usize = 300;
/// How deep branches lie inside of branches.
const DEEPEST_BRANCH: usize = 3;

/// Explores the processes of a project.
pub struct Prover {
    pub(crate) setting: Setting,
    pub(crate) ground: Ground,
    companions: OnceLock<Companions>,
    names: OnceLock<Names>,
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
        Self { setting, ground, companions: OnceLock::new(), names: OnceLock::new(), bounds: Bounds::default() }
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
        Self { setting, ground: self.ground.clone(), companions: OnceLock::new(), names: OnceLock::new(), bounds: self.bounds }
    }

    /// Every process of the project, served or not, by name; those included whose files cannot be read.
    #[must_use]
    pub fn processes(&self) -> Vec<&str> {
        let project = &self.setting.project;
        let mut all: Vec<&str> = project.processes.iter().map(|process| process.name.as_str()).collect();
        all.extend(project.unread.keys().map(String::as_str));
        all.sort_unstable();
        all
    }

    /// [`Setting::why_not`].
    #[must_use]
    pub fn why_not(&self, name: &str) -> Option<String> {
        self.setting.why_not(name)
    }

    /// Explores a process. Nothing for one that cannot be run at all; `check` says why.
    ///
    /// # Errors
    /// When there are no keys.
    pub fn prove(&self, name: &str) -> Result<Option<Finding>, NoKeys> {
        let Some(file) = self.file(name) else { return Ok(None) };
        let Some((process, served)) = self.runnable(name, file) else { return Ok(None) };
        let patience = Patience::of_one();
        let (mut finding, reach) = self.explored(name, &process, served, self.bounds, &patience)?;
        if finding.is_silent() {
            finding.cut_off.extend(self.not_reached(&process, reach, &BTreeSet::new(), DEEPEST_BRANCH, &patience)?);
        }
        let patience = Patience::of_edits();
        for attack in &mut finding.attacks {
            (attack.fix, attack.edits_left) = mend::smallest_edit(self, name, file, attack, &patience)?;
        }
        Ok(Some(finding))
    }

    /// Explores a process as far as a server can afford when it starts. Nothing for one that is not served, or whose proofs were waived: that is
    /// known. What closes an attack is not looked for.
    ///
    /// # Errors
    /// When there are no keys.
    pub fn refute(&self, name: &str) -> Result<Option<Finding>, NoKeys> {
        self.refuted(name, Bounds::AT_LOAD, TO_REACH_AT_LOAD)
    }

    /// The same for what can wait: where that is not enough, it is explored further, as far as [`Bounds::AT_LOAD_FURTHER`].
    ///
    /// # Errors
    /// When there are no keys.
    pub fn refute_further(&self, name: &str) -> Result<Option<Finding>, NoKeys> {
        let found = self.refute(name)?;
        let is_larger = |finding: &Finding| finding.attacks.is_empty() && finding.cut_off.contains(&Cut::Submissions);
        if found.as_ref().is_some_and(is_larger) { self.refuted(name, Bounds::AT_LOAD_FURTHER, TO_REACH) } else { Ok(found) }
    }

    fn refuted(&self, name: &str, bounds: Bounds, to_reach: usize) -> Result<Option<Finding>, NoKeys> {
        let process = self.file(name).and_then(|file| self.compiled(name, file)).filter(|process| !process.options.allow_unproven);
        let Some(process) = process else { return Ok(None) };
        let patience = Patience::of_one();
        let (mut finding, reach) = self.explored(name, &process, true, bounds, &patience)?;
        if finding.is_silent() {
            finding.cut_off.extend(self.stages_not_reached(&process, reach, to_reach, &patience)?.1);
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
        let patience = Patience::of_one();
        let (played, mut reach) = (Played::new(self, &process, &patience)?, Reach::default());
        let mut found = Vec::new();
        for shape in Shape::ALL.into_iter().filter(|shape| shape.exists()) {
            let mut recovery = Recovery { shape, needs: None, steps: Vec::new(), cut_off: BTreeSet::new() };
            for has in Proofs::all() {
                let explored = self.way(&played, shape, has, Goal::Credential);
                reach.join(explored.reach);
                if let Some((_, steps)) = explored.reached.into_iter().next() {
                    (recovery.needs, recovery.steps) = (Some(has), steps);
                    break;
                }
                recovery.cut_off.extend(explored.cut_off);
            }
            found.push(recovery);
        }
        // That there is no way says something only where somebody could have gone it.
        if found.iter().any(|recovery| recovery.needs.is_none() && recovery.cut_off.is_empty()) {
            let cut = self.stages_not_reached(&process, reach, TO_REACH, &patience)?.1;
            for recovery in found.iter_mut().filter(|recovery| recovery.needs.is_none()) {
                recovery.cut_off.extend(cut.iter().cloned());
            }
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
    pub(crate) fn is_of_use(&self, process: &Arc<Process<Services>>, attack: &Attack, patience: &Patience) -> Result<bool, NoKeys> {
        let all = Proofs::MAIL.and(Proofs::ANSWERS);
        let has = if process.binds_session() { all.and(Proofs::PASSWORD) } else { all };
        let shapes = Shape::ALL.into_iter().filter(|shape| shape.exists() == attack.shape.exists() && shape.is_active());
        let played = Played::new(self, process, patience)?;
        for shape in shapes {
            if !self.way(&played, shape, has, attack.goal).reached.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the goal of an attack is reached in another process, by whoever has no more: first as the attack did, then every other way. An
    /// exploration that is cut off counts as a way.
    pub(crate) fn still_reached(&self, process: &Arc<Process<Services>>, attack: &Attack, patience: &Patience) -> Result<bool, NoKeys> {
        let mut shapes = Shape::ALL;
        shapes.sort_by_key(|shape| *shape != attack.shape);
        let (sets, played) = (self.settings_of(process), Played::new(self, process, patience)?);
        for (shape, (has, _)) in
            shapes.iter().flat_map(|shape| sets.iter().filter(|(_, goals)| goals.contains(&attack.goal)).map(move |set| (*shape, set)))
        {
            let explored = self.way(&played, shape, *has, attack.goal);
            if !explored.cut_off.is_empty() || !explored.reached.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The sets of proofs that are tried with a process, and what must not be reached with each.
    fn settings_of(&self, process: &Process<Services>) -> Vec<(Proofs, Vec<Goal>)> {
        let reveals = process.disclosure() == process::Disclosure::Reveal;
        goal::forbidden(&self.setting.project.settings.prove, reveals, Self::looks_at_sessions(process))
    }

    /// What the project calls addresses and user names.
    pub(crate) fn names(&self) -> &Names {
        self.names.get_or_init(|| Names::of(self.setting.project.processes.iter().map(|process| &process.value)))
    }

    /// Looks for a way to one goal.
    fn way(&self, played: &Played<'_>, shape: Shape, has: Proofs, goal: Goal) -> Explored {
        explore::explore(self, played, shape, has, Aim::Goals { wanted: &[goal], forbidden: &[goal] }, self.bounds)
    }

    /// Stages that not even somebody with every proof is through with: of what lies behind them nothing is known. Where not all was submitted, nobody
    /// knows whether they could be.
    fn stages_not_reached(
        &self,
        process: &Arc<Process<Services>>,
        mut reach: Reach,
        most: usize,
        patience: &Patience,
    ) -> Result<(Reach, Vec<Cut>), NoKeys> {
        let stages = process.stages.len();
        let (played, mut left, mut spent) = (Played::new(self, process, patience)?, most, BTreeSet::new());
        let all = Proofs::MAIL.and(Proofs::ANSWERS);
        let mut sets = vec![all];
        if Self::looks_at_sessions(process) {
            sets.insert(0, all.and(Proofs::PASSWORD));
        }
        let shapes = [Shape::Whole, Shape::Nobody, Shape::NoQuestions, Shape::NoAddress, Shape::Bare];
        for (shape, has) in shapes.into_iter().flat_map(|shape| sets.iter().map(move |has| (shape, *has))) {
            if reach.is_whole(stages) {
                break;
            }
            if left == 0 {
                spent.insert(Cut::Submissions);
                break;
            }
            let bounds = Bounds { submissions: left.min(most.div_ceil(2)), ..self.bounds };
            let explored = explore::explore(self, &played, shape, has, Aim::Stages, bounds);
            left = left.saturating_sub(explored.inputs.max(1));
            reach.join(explored.reach);
            spent.extend(explored.cut_off.into_iter().filter(Cut::leaves_untried));
        }
        let Some((place, answered)) = reach.ends_at(stages) else { return Ok((reach, Vec::new())) };
        let name = process.stages.get(place).map_or("", |placed| placed.stage.shown_as());
        let cut = if spent.is_empty() {
            let why = answered.map_or_else(|| "it takes no answer that was tried".to_owned(), |said| format!("it answers '{said}'"));
            let behind = if place + 1 < stages { ", so nothing behind it was tried" } else { "" };
            Cut::NotReached(format!("nobody gets through stage {place} ({name}), whatever they can prove: {why}{behind}"))
        } else {
            Cut::NotReached(format!("nobody came through stage {place} ({name}) until then"))
        };
        spent.insert(cut);
        Ok((reach, spent.into_iter().collect()))
    }

    fn looks_at_sessions(process: &Process<Services>) -> bool {
        process.binds_session() || process.stages.iter().any(|placed| placed.facts.wants_session)
    }

    fn explored(
        &self,
        name: &str,
        process: &Arc<Process<Services>>,
        served: bool,
        bounds: Bounds,
        patience: &Patience,
    ) -> Result<(Finding, Reach), NoKeys> {
        let mut reach = Reach::default();
        let mut finding = Finding {
            process: name.to_owned(),
            served,
            settings: 0,
            states: 0,
            inputs: 0,
            depth: 0,
            bounds: bounds.of(process.stages.len()),
            cut_off: BTreeSet::new(),
            attacks: Vec::new(),
        };
        let (sets, played) = (self.settings_of(process), Played::new(self, process, patience)?);
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
            let explored = explore::explore(self, &played, shape, *has, Aim::Goals { wanted: &wanted, forbidden: goals }, left);
            reach.join(explored.reach);
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
                    edits_left: false,
                });
            }
        }
        Ok((finding, reach))
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

#[cfg(test)]
mod tests {
    use super::*;
    use project::EmbeddedFiles;
    use stages::HandlebarsTemplates;

    struct NoMails;

    impl stages::OwnMails for NoMails {
        fn mail(&self, _: &str, _: &[String], _: &[(&str, &str)]) -> (String, String) {
            Default::default()
        }
    }

    fn of_files(files: impl IntoIterator<Item = (&'static str, String)>) -> Prover {
        let project = Project::open(&EmbeddedFiles::new(files), &|_: &str| None);
        let templates = Arc::new(HandlebarsTemplates::new(&project.email_templates, "en").0);
        let setting =
            Setting { project: Arc::new(project), processes: Vec::new(), templates, own_mails: Arc::new(NoMails), mail_configured: true };
        Prover::new(setting).unwrap()
    }

    /// Every edit meets a script that loops, and none is enough: the policy asks for two proofs, and an edit adds one.
    #[test]
    fn edits_wear_one_patience_together() {
        let word = "if (request.input.word === undefined) { while (true) {} } ({ done: true });";
        let settings = "[prove]\ncredential = [\"mail+answers\"]\n[stages.word]\nkind = \"script\"\nfile = \"script/word.js\"\ntime_limit_ms = 20\n\
                        requirements = { properties = { word = { type = \"string\" } } }\n";
        let query = json!({ "name": "userQuery", "validQueryFields": ["mail"], "identityIdField": "_id", "identityEmailField": "mail" });
        let reset = json!({ "name": "resetStage", "identityServiceUrl": "managed/user", "identityPasswordField": "password" });
        // A proof fits in anywhere between the two; each edit costs two worlds, and each world two scripts.
        let between = (0..5).map(|number| json!({ "name": "parameters", "parameterNames": [format!("p{number}")] }));
        let stages: Vec<Value> =
            [json!({ "name": "word" }), json!({ "name": "word" }), query].into_iter().chain(between).chain([reset]).collect();
        let file = json!({ "stageConfigs": stages, "vestibule": { "allowUnproven": true } });
        let files = [
            ("vestibule.toml", settings.to_owned()),
            ("script/word.js", word.to_owned()),
            ("conf/selfservice-tried.json", file.to_string()),
        ];
        let prover = of_files(files);
        let attack = Attack {
            goal: Goal::Credential,
            shape: Shape::Whole,
            has: Proofs::MAIL,
            collection: "managed/user".to_owned(),
            victim: Value::Null,
            own: Value::Null,
            steps: Vec::new(),
            fix: None,
            edits_left: false,
        };
        let patience = Patience::of_edits();
        let (fix, left) = mend::smallest_edit(&prover, "tried", &file, &attack, &patience).unwrap();
        assert_eq!(fix.map(|edit| edit.says), None);
        assert!(left && patience.is_over(0), "edits are left that were not tried");
        let (fix, left) = mend::smallest_edit(&prover, "tried", &file, &attack, &patience).unwrap();
        assert!(fix.is_none() && left, "nor are those of the next attack");
    }

    #[test]
    fn that_nobody_gets_through_a_stage_is_said_only_where_everything_was_submitted() {
        let word = "if (request.phase === 'ask') ({ requirements: { properties: { word: { type: 'string' } } } }); else ({ error: 'Another word' });";
        let stages = json!([{ "name": "word" }, { "name": "userQuery", "validQueryFields": ["mail"] }]);
        let files = [
            ("vestibule.toml", "[stages.word]\nkind = \"script\"\nfile = \"script/word.js\"\n".to_owned()),
            ("script/word.js", word.to_owned()),
            ("conf/selfservice-tried.json", json!({ "stageConfigs": stages }).to_string()),
        ];
        let prover = of_files(files);
        let process = prover.compiled("tried", prover.file("tried").unwrap()).unwrap();
        let said = |most: usize| {
            let cuts = prover.stages_not_reached(&process, Reach::default(), most, &Patience::of_one()).unwrap().1;
            cuts.iter().map(Cut::to_string).collect::<Vec<_>>().join("; ")
        };
        let why = "it answers '400 Another word', so nothing behind it was tried";
        assert_eq!(said(TO_REACH), format!("nobody gets through stage 0 (word), whatever they can prove: {why}"));
        for few in [1, 3] {
            assert_eq!(said(few), "there is more to submit; nobody came through stage 0 (word) until then");
        }
    }
}
