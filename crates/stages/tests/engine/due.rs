//! What is due at sign-in and after it, against a model of the rules.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use identity::metadata::{Keeper, Tracked};
use process::Definitions as _;
use proptest::prelude::*;
use serde_json::{Value, json};
use vestibule_stages::profile::{Asking, Profile};

use crate::harness::*;
use crate::profile::{conditional, form, patch_object, walk, world_of};

/// A condition of the model.
#[derive(Clone, Debug)]
enum Judged {
    At(u64),
    Every(u64),
    Away(u64),
    Has(&'static str),
    Script(&'static str),
    Broken { require: bool },
}

/// What a branch holds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Nested {
    Nothing,
    Form(&'static str),
    Silent,
}

#[derive(Clone, Debug)]
struct Stage {
    judged: Judged,
    on_true: Nested,
    on_false: Nested,
}

#[derive(Clone, Debug)]
enum Act {
    SignIn { days_later: u64 },
    Complete,
    Skip,
    Forget(&'static str),
}

impl Stage {
    fn to_value(&self) -> Value {
        let nested = |nested: Nested| match nested {
            Nested::Nothing => None,
            Nested::Form(attribute) => Some(form(attribute, false)),
            Nested::Silent => Some(patch_object()),
        };
        let condition = match &self.judged {
            Judged::At(amount) => json!({ "type": "loginCount", "interval": "at", "amount": amount }),
            Judged::Every(amount) => json!({ "type": "loginCount", "interval": "every", "amount": amount }),
            Judged::Away(days) => json!({ "type": "timesincelogin", "days": days }),
            Judged::Has(name) => json!({ "type": "queryFilter", "filter": format!("/{name} pr") }),
            Judged::Script(name) => json!({ "type": "script", "source": format!("object.{name} !== undefined") }),
            Judged::Broken { .. } => json!({ "type": "script", "source": "throw 1" }),
        };
        let mut stage = conditional(&condition, nested(self.on_true), nested(self.on_false));
        if let Judged::Broken { require } = self.judged {
            stage["vestibule"] = json!({ "onScriptError": if require { "require" } else { "skip" } });
        }
        stage
    }

    fn of(&self, branch: bool) -> Nested {
        if branch { self.on_true } else { self.on_false }
    }
}

/// The rules once more, as plainly as they can be said.
#[derive(Default)]
struct Model {
    sign_ins: u64,
    last_day: Option<u64>,
    day: u64,
    attributes: BTreeSet<&'static str>,
    /// Process, stage, branch: started by a moment, not yet settled.
    owed: BTreeSet<(usize, usize, bool)>,
    /// Settled on this session.
    settled: BTreeSet<(usize, usize, bool)>,
    ended: BTreeSet<usize>,
    /// Completed once.
    completed: BTreeSet<(usize, usize, bool)>,
}

impl Model {
    /// What holds at a sign-in; momentary conditions are known then only.
    fn moment(&self, judged: &Judged) -> Option<bool> {
        match judged {
            Judged::At(amount) => Some(self.sign_ins == *amount),
            Judged::Every(amount) => Some(self.sign_ins.is_multiple_of(*amount)),
            Judged::Away(days) => Some(self.last_day.is_some_and(|last| self.day - last >= *days)),
            _ => None,
        }
    }

    fn sign_in(&mut self, projects: &[Vec<Stage>]) {
        self.sign_ins += 1;
        self.settled.clear();
        self.ended.clear();
        for (process, stages) in projects.iter().enumerate() {
            for (place, stage) in stages.iter().enumerate() {
                if let Some(branch) = self.moment(&stage.judged)
                    && matches!(stage.of(branch), Nested::Form(_))
                {
                    self.owed.insert((process, place, branch));
                }
            }
        }
        self.last_day = Some(self.day);
    }

    /// The form that a stage asks now.
    fn asks(&self, process: usize, place: usize, stage: &Stage) -> Option<(bool, &'static str)> {
        let branches: Vec<bool> = match &stage.judged {
            Judged::Has(name) | Judged::Script(name) => vec![self.attributes.contains(name)],
            Judged::Broken { require: false } => vec![],
            Judged::Broken { require: true } => vec![stage.on_true != Nested::Nothing],
            _ => [true, false].into_iter().filter(|branch| self.owed.contains(&(process, place, *branch))).collect(),
        };
        let once = matches!(stage.judged, Judged::Has(_) | Judged::Script(_) | Judged::Broken { .. });
        let done = |form: &(usize, usize, bool)| self.settled.contains(form) || (once && self.completed.contains(form));
        let open = branches.into_iter().find(|branch| !done(&(process, place, *branch)) && stage.of(*branch) != Nested::Nothing)?;
        match stage.of(open) {
            Nested::Form(attribute) => Some((open, attribute)),
            _ => None,
        }
    }

    fn owes(&self, projects: &[Vec<Stage>]) -> Vec<usize> {
        let owed =
            |process: &usize| projects[*process].iter().enumerate().any(|(place, stage)| self.asks(*process, place, stage).is_some());
        (0..projects.len()).filter(|process| !self.ended.contains(process)).filter(owed).collect()
    }
}

fn nested() -> impl Strategy<Value = Nested> {
    prop_oneof![Just(Nested::Nothing), Just(Nested::Form("city")), Just(Nested::Form("country")), Just(Nested::Silent)]
}

fn judged() -> impl Strategy<Value = Judged> {
    prop_oneof![
        (1..5_u64).prop_map(Judged::At),
        (1..4_u64).prop_map(Judged::Every),
        (1..3_u64).prop_map(Judged::Away),
        prop_oneof![Just("city"), Just("country")].prop_map(Judged::Has),
        prop_oneof![Just("city"), Just("country")].prop_map(Judged::Script),
        any::<bool>().prop_map(|require| Judged::Broken { require }),
    ]
}

fn projects() -> impl Strategy<Value = Vec<Vec<Stage>>> {
    let stage = (judged(), nested(), nested()).prop_map(|(judged, on_true, on_false)| Stage { judged, on_true, on_false });
    proptest::collection::vec(proptest::collection::vec(stage, 1..4), 1..4)
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0..4_u64).prop_map(|days_later| Act::SignIn { days_later }),
        Just(Act::Complete),
        Just(Act::Skip),
        prop_oneof![Just("city"), Just("country")].prop_map(Act::Forget),
    ];
    proptest::collection::vec(act, 1..12)
}

/// The server's part of a sign-in.
fn sign_in(world: &mut World, profile: &Profile) {
    world.ledger.rows().settled.clear();
    world.caller.settled.clear();
    let person = world.objects.stored(USER, "bjensen").unwrap();
    let time = crest::Clock::now(world.clock.as_ref());
    let seconds = i64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()).unwrap();
    let asking = Asking { services: &world.services, collection: USER, person: &person, now: seconds };
    let owed = now(profile.at_sign_in(asking));
    let schema = world.services.managed.schema(USER).unwrap();
    let tracked = Tracked::of(schema, profile.needs());
    if let Some(change) = (Keeper { schema, tracked: &tracked }).sign_in(&person, time, &owed.begins, &owed.renamed) {
        world.objects.commit(&change).unwrap();
    }
    assert_eq!(owed.processes, owes(world, profile), "what is due at the sign-in is due right after it");
}

fn owes(world: &World, profile: &Profile) -> Vec<String> {
    let person = world.objects.stored(USER, "bjensen").unwrap();
    let asking = Asking { services: &world.services, collection: USER, person: &person, now: 0 };
    now(profile.later(asking, &world.caller.settled)).processes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_due_in_a_session_is_what_the_definitions_say(projects in projects(), acts in acts()) {
        let mut world = world_of(&["p0", "p1", "p2"]);
        let mut model = Model::default();
        let mut listed = Vec::new();
        for (index, stages) in projects.iter().enumerate() {
            let name = format!("p{index}");
            world.serve(&name, &stages.iter().map(Stage::to_value).collect::<Vec<_>>());
            listed.push((format!("selfservice/{name}"), world.table.current(&name).unwrap()));
        }
        let profile = Profile::new(listed);
        let first = Act::SignIn { days_later: 0 };
        for act in std::iter::once(&first).chain(&acts) {
            match act {
                Act::SignIn { days_later } => {
                    world.clock.pass(i64::try_from(days_later * 86_400).unwrap());
                    model.day += days_later;
                    model.sign_in(&projects);
                    sign_in(&mut world, &profile);
                }
                Act::Complete | Act::Skip => {
                    let fills = matches!(act, Act::Complete);
                    let Some(process) = model.owes(&projects).first().copied() else { continue };
                    let asked = walk(&mut world, &format!("p{process}"), fills);
                    let mut expected = Vec::new();
                    for (place, stage) in projects[process].iter().enumerate() {
                        if let Some((branch, attribute)) = model.asks(process, place, stage) {
                            expected.push(attribute.to_owned());
                            model.owed.remove(&(process, place, branch));
                            model.settled.insert((process, place, branch));
                            if fills {
                                model.attributes.insert(attribute);
                                model.completed.insert((process, place, branch));
                            }
                        }
                    }
                    model.ended.insert(process);
                    prop_assert_eq!(asked, expected);
                }
                Act::Forget(name) => {
                    model.attributes.remove(name);
                    let mut person = world.objects.stored(USER, "bjensen").unwrap().content;
                    person.as_object_mut().unwrap().shift_remove(*name);
                    world.objects.put(USER, "bjensen", person);
                }
            }
            let mut expected: Vec<String> = model.owes(&projects).iter().map(|process| format!("selfservice/p{process}")).collect();
            expected.sort();
            prop_assert_eq!(owes(&world, &profile), expected);
        }
    }
}
