//! For random projects of conditional stages, what is due in a session equals the evaluation of the definitions, and the role is there exactly
//! when nothing is due: the whole server, against the rules written once more as plainly as they can be.
//!
//! Easiest to get wrong: the rules here must not be those of the server called again. They know no names of forms, no metadata and no
//! tokens, only what was declared and what a person did.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::{AUTHORIZED, SignedIn, attributes, lists, owed, roles, terms};
use crate::support::people::PASSWORD;
use crate::support::project::QUESTIONS;
use crate::support::{Person, Project, Server};

/// What a filter or a script asks about a person.
#[derive(Clone, Debug)]
enum Test {
    Is(&'static str, &'static str),
    Has(&'static str),
    Not(Box<Test>),
    Both(Box<Test>, Box<Test>),
    Either(Box<Test>, Box<Test>),
}

/// The condition of a stage.
#[derive(Clone, Debug)]
enum When {
    At(u64),
    Every(u64),
    /// Hours.
    Away(u64),
    Terms,
    Answers,
    Filter(Test),
    Script(Test),
    Broken {
        require: bool,
    },
}

/// A branch.
#[derive(Clone, Debug)]
enum Then {
    Nothing,
    Silent,
    Ask(&'static str),
    Accept,
    Answer,
    Judge(Box<Stage>),
}

#[derive(Clone, Debug)]
struct Stage {
    when: When,
    on_true: Then,
    on_false: Then,
}

/// A person, before they sign in for the first time here.
#[derive(Clone, Debug)]
struct Somebody {
    city: Option<&'static str>,
    country: Option<&'static str>,
    accepted: Option<&'static str>,
    answers: usize,
    sign_ins: u64,
}

/// What happens at one sign-in.
#[derive(Clone, Debug)]
struct Visit {
    hours_later: u64,
    /// Goes through what is due, filling forms in or skipping them; else only looks.
    goes_through: Option<bool>,
}

#[derive(Clone, Debug)]
struct Case {
    processes: Vec<Vec<Stage>>,
    people: Vec<Somebody>,
    visits: Vec<Visit>,
}

impl Test {
    fn filter(&self) -> String {
        match self {
            Self::Is(name, value) => format!("/{name} eq \"{value}\""),
            Self::Has(name) => format!("/{name} pr"),
            Self::Not(inner) => format!("!({})", inner.filter()),
            Self::Both(one, other) => format!("({}) and ({})", one.filter(), other.filter()),
            Self::Either(one, other) => format!("({}) or ({})", one.filter(), other.filter()),
        }
    }

    fn script(&self) -> String {
        match self {
            Self::Is(name, value) => format!("object.{name} === '{value}'"),
            Self::Has(name) => format!("object.{name} !== undefined"),
            Self::Not(inner) => format!("!({})", inner.script()),
            Self::Both(one, other) => format!("({}) && ({})", one.script(), other.script()),
            Self::Either(one, other) => format!("({}) || ({})", one.script(), other.script()),
        }
    }
}

impl When {
    fn to_value(&self) -> Value {
        match self {
            Self::At(amount) => json!({ "type": "loginCount", "interval": "at", "amount": amount }),
            Self::Every(amount) => json!({ "type": "loginCount", "interval": "every", "amount": amount }),
            Self::Away(hours) if hours % 24 == 0 => json!({ "type": "timesincelogin", "days": hours / 24 }),
            Self::Away(hours) => json!({ "type": "timesincelogin", "hours": hours }),
            Self::Terms => json!({ "type": "terms" }),
            Self::Answers => json!({ "type": "kbaQuestions" }),
            Self::Filter(test) => json!({ "type": "queryFilter", "filter": test.filter() }),
            Self::Script(test) => json!({ "type": "script", "script": { "type": "text/javascript", "source": test.script() } }),
            Self::Broken { .. } => json!({ "type": "script", "source": "nobody.knows.this" }),
        }
    }

    /// What was completed under it is completed for good.
    fn is_once(&self) -> bool {
        matches!(self, Self::Filter(_) | Self::Script(_) | Self::Broken { .. })
    }

    /// Judged at a sign-in alone.
    fn is_moment(&self) -> bool {
        matches!(self, Self::At(_) | Self::Every(_) | Self::Away(_))
    }
}

impl Then {
    fn to_value(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Silent => json!({ "name": "patchObject", "identityServiceUrl": "managed/user" }),
            Self::Ask(name) => attributes(&[(name, false)]),
            Self::Accept => json!({ "name": "termsAndConditions" }),
            Self::Answer => json!({ "name": "kbaUpdateStage", "kbaConfig": null, "identityServiceUrl": "managed/user" }),
            Self::Judge(stage) => stage.to_value(),
        }
    }
}

impl Stage {
    fn to_value(&self) -> Value {
        let mut value = json!({
            "name": "conditionaluser", "identityServiceUrl": "managed/user", "evaluateConditionOnField": "user",
            "condition": self.when.to_value(), "onConditionTrue": self.on_true.to_value(), "onConditionFalse": self.on_false.to_value(),
        });
        if let When::Broken { require: true } = self.when {
            value["vestibule"] = json!({ "onScriptError": "require" });
        }
        value
    }

    fn branch(&self, holds: bool) -> &Then {
        if holds { &self.on_true } else { &self.on_false }
    }

    fn has(&self, holds: bool) -> bool {
        !matches!(self.branch(holds), Then::Nothing)
    }
}

/// A form: where it stands and on which branch.
type Form = (String, bool);

/// What is true of somebody.
#[derive(Clone, Debug)]
struct Model {
    is: Somebody,
    now: u64,
    last: Option<u64>,
    /// Begun by a moment, neither completed nor skipped.
    marks: BTreeSet<Form>,
    /// Done or skipped on this session.
    settled: BTreeSet<Form>,
    ended: BTreeSet<usize>,
    /// Completed once, whenever that was.
    completed: BTreeSet<Form>,
    /// Accepted in the process that is going on, and not yet written down.
    accepting: bool,
}

impl Model {
    fn passes(&self, test: &Test) -> bool {
        let value = |name: &str| if name == "city" { self.is.city } else { self.is.country };
        match test {
            Test::Is(name, wanted) => value(name) == Some(wanted),
            Test::Has(name) => value(name).is_some(),
            Test::Not(inner) => !self.passes(inner),
            Test::Both(one, other) => self.passes(one) && self.passes(other),
            Test::Either(one, other) => self.passes(one) || self.passes(other),
        }
    }

    /// `None` when nobody can know.
    fn holds(&self, when: &When) -> Option<bool> {
        Some(match when {
            When::At(amount) => self.is.sign_ins == *amount,
            When::Every(amount) => self.is.sign_ins.is_multiple_of(*amount),
            When::Away(hours) => self.last.is_some_and(|last| self.now - last >= *hours),
            When::Terms => self.is.accepted != Some("2"),
            When::Answers => self.is.answers >= 2,
            When::Filter(test) | When::Script(test) => self.passes(test),
            When::Broken { .. } => return None,
        })
    }

    /// The branch of a condition that is about the person and not about a moment.
    fn lasting(&self, stage: &Stage) -> Option<bool> {
        match &stage.when {
            When::Broken { require: false } => None,
            When::Broken { require: true } => Some(stage.has(true)),
            when => self.holds(when),
        }
    }

    fn open(&self, stage: &Stage, form: &Form) -> bool {
        stage.has(form.1) && !self.settled.contains(form) && !(stage.when.is_once() && self.completed.contains(form))
    }

    fn marked(&self, stage: &Stage, at: &str) -> Option<bool> {
        [true, false].into_iter().find(|branch| {
            let form = (at.to_owned(), *branch);
            self.marks.contains(&form) && self.open(stage, &form)
        })
    }

    /// Whether a stage asks something; at a sign-in its moments are judged, and begin what they begin.
    fn asks(&mut self, stage: &Stage, at: &str, signing_in: bool) -> bool {
        if !stage.when.is_moment() {
            let branch = self.lasting(stage).filter(|branch| self.open(stage, &(at.to_owned(), *branch)));
            return branch.is_some_and(|branch| self.then_asks(stage.branch(branch), at, branch, signing_in));
        }
        let marked = self.marked(stage, at);
        let mut asks = marked.is_some_and(|branch| self.then_asks(stage.branch(branch), at, branch, signing_in));
        if signing_in {
            let form = (at.to_owned(), self.holds(&stage.when) == Some(true));
            if self.open(stage, &form) && !self.marks.contains(&form) && self.then_asks(stage.branch(form.1), at, form.1, signing_in) {
                self.marks.insert(form);
                asks = true;
            }
        }
        asks
    }

    fn then_asks(&mut self, then: &Then, at: &str, branch: bool, signing_in: bool) -> bool {
        match then {
            Then::Nothing | Then::Silent => false,
            Then::Ask(_) | Then::Accept | Then::Answer => true,
            Then::Judge(inner) => self.asks(inner, &format!("{at}/{branch}"), signing_in),
        }
    }

    fn owes(&mut self, processes: &[Vec<Stage>], signing_in: bool) -> Vec<usize> {
        let mut owes = Vec::new();
        for (number, stages) in processes.iter().enumerate().filter(|(number, _)| !self.ended.contains(number)).collect::<Vec<_>>() {
            let mut any = false;
            for (place, stage) in stages.iter().enumerate() {
                any |= self.asks(stage, &format!("{number}/{place}"), signing_in);
            }
            if any {
                owes.push(number);
            }
        }
        owes
    }

    fn signs_in(&mut self, processes: &[Vec<Stage>]) -> Vec<usize> {
        self.is.sign_ins += 1;
        self.settled.clear();
        self.ended.clear();
        let owes = self.owes(processes, true);
        self.last = Some(self.now);
        owes
    }

    /// Goes through one stage: what it asks, in order, with what the answers change.
    fn goes_through(&mut self, stage: &Stage, at: &str, fills: bool, asked: &mut Vec<&'static str>) {
        let branch = if stage.when.is_moment() { self.marked(stage, at) } else { self.lasting(stage) };
        let Some(branch) = branch.filter(|branch| self.open(stage, &(at.to_owned(), *branch))) else { return };
        match stage.branch(branch) {
            Then::Nothing => {}
            Then::Silent => self.writes_terms(),
            Then::Ask(name) => {
                asked.push(name);
                if fills {
                    *(if *name == "city" { &mut self.is.city } else { &mut self.is.country }) = Some("Ulm");
                }
            }
            Then::Accept => {
                asked.push("terms");
                self.accepting = true;
            }
            Then::Answer => {
                asked.push("kba");
                self.is.answers = 2;
            }
            Then::Judge(inner) => self.goes_through(inner, &format!("{at}/{branch}"), fills, asked),
        }
        if matches!(stage.branch(branch), Then::Accept | Then::Answer) || (fills && matches!(stage.branch(branch), Then::Ask(_))) {
            self.completed.insert((at.to_owned(), branch));
        }
        self.marks.remove(&(at.to_owned(), branch));
        self.settled.insert((at.to_owned(), branch));
    }

    fn writes_terms(&mut self) {
        if self.accepting {
            self.is.accepted = Some("2");
        }
    }

    fn completes(&mut self, number: usize, stages: &[Stage], fills: bool) -> Vec<&'static str> {
        let mut asked = Vec::new();
        for (place, stage) in stages.iter().enumerate() {
            self.goes_through(stage, &format!("{number}/{place}"), fills, &mut asked);
        }
        self.writes_terms();
        self.accepting = false;
        self.ended.insert(number);
        asked
    }
}

fn project(processes: &[Vec<Stage>]) -> Project {
    let names: Vec<String> = (0..processes.len()).map(|number| format!("p{number}")).collect();
    let listed = lists(Project::new(), &names.iter().map(String::as_str).collect::<Vec<_>>());
    let listed = listed.json("conf/selfservice.terms.json", &terms("2"));
    names.iter().zip(processes).fold(listed, |project, (name, stages)| {
        // The last one writes down which terms were accepted.
        let stages: Vec<Value> = stages.iter().map(Stage::to_value).chain([Then::Silent.to_value()]).collect();
        project.process(name, &stages)
    })
}

fn created(server: &Server, is: &Somebody) -> Person {
    let answers: Vec<Value> =
        QUESTIONS.iter().take(is.answers).map(|(id, _, answer)| json!({ "questionId": id, "answer": answer })).collect();
    let mut meta = json!({ "loginCount": is.sign_ins });
    if let Some(version) = is.accepted {
        meta["termsAccepted"] = json!({ "termsVersion": version, "acceptDate": "2026-01-01T00:00:00.000Z" });
    }
    let mut object = json!({ "_meta": meta });
    for (name, value) in [("city", is.city), ("country", is.country)] {
        if let Some(value) = value {
            object[name] = json!(value);
        }
    }
    if !answers.is_empty() {
        object["kbaInfo"] = json!(answers);
    }
    Person::with(server, "random", &object)
}

/// Goes through a process as the stock page does, and says what was asked.
fn walk(signed_in: &SignedIn, process: &str, fills: bool) -> Vec<String> {
    let page = signed_in.page();
    let mut body = page.submit(process, None, &json!({ "input": {} })).ok();
    let mut asked = Vec::new();
    while body["tag"] != "end" {
        assert!(asked.len() < 20, "{process} does not end: {asked:?}");
        let asks = &body["requirements"];
        let (name, input) = if asks.get("terms").is_some() {
            ("terms".to_owned(), json!({ "accept": "true" }))
        } else if asks["properties"].get("kba").is_some() {
            let answers: Vec<Value> = QUESTIONS[..2].iter().map(|(id, _, answer)| json!({ "questionId": id, "answer": answer })).collect();
            ("kba".to_owned(), json!({ "kba": answers }))
        } else {
            let name = asks["attributes"][0]["name"].as_str().unwrap().to_owned();
            let input = if fills { json!({ "attributes": { &name: "Ulm" } }) } else { json!({}) };
            (name, input)
        };
        body = page.submit(process, body["token"].as_str(), &input).ok();
        asked.push(name);
    }
    asked
}

#[track_caller]
fn agree(login: &Value, expected: &[usize], what: &str) {
    let paths: Vec<String> = expected.iter().map(|number| format!("selfservice/p{number}")).collect();
    assert_eq!(owed(login), paths, "{what}");
    assert_eq!(roles(login).contains(&AUTHORIZED), paths.is_empty(), "{what}: {login}");
    assert_eq!(login["authorization"].get("processesRequired").is_some(), !paths.is_empty(), "{what}: {login}");
}

fn runs(case: &Case) {
    let Case { processes, people, visits } = case;
    let server = Server::on(project(processes)).start();
    assert!(!server.log().contains("ERROR"), "{}", server.log());
    let mut everybody: Vec<(Person, Model)> = people
        .iter()
        .map(|is| {
            let model = Model {
                is: is.clone(),
                now: 0,
                last: None,
                marks: BTreeSet::new(),
                settled: BTreeSet::new(),
                ended: BTreeSet::new(),
                completed: BTreeSet::new(),
                accepting: false,
            };
            (created(&server, is), model)
        })
        .collect();
    for (number, visit) in visits.iter().enumerate() {
        server.advance(visit.hours_later * 3600);
        for (person, model) in &mut everybody {
            model.now += visit.hours_later;
            let mut expected = model.signs_in(processes);
            let signed_in = SignedIn::of(&server, person);
            agree(&signed_in.body, &expected, &format!("{}, visit {number}", person.name));
            agree(&signed_in.again(), &expected, "asked again at once");
            let Some(fills) = visit.goes_through else { continue };
            while let Some(first) = expected.first().copied() {
                let asked = walk(&signed_in, &format!("p{first}"), fills);
                assert_eq!(asked, model.completes(first, &processes[first], fills), "{}, p{first}", person.name);
                let left = model.owes(processes, false);
                expected.retain(|number| left.contains(number));
                agree(&signed_in.again(), &expected, &format!("{}, after p{first}", person.name));
            }
            // What the answer to the sign-in says is what the session may do.
            let own = signed_in.cookie.get(&format!("managed/user/{}", person.id)).status;
            assert_eq!(own, 200, "{}", person.name);
        }
    }
    for (person, model) in &mut everybody {
        // Without a session there is nothing that anything could be settled on.
        model.settled.clear();
        model.ended.clear();
        let expected = if model.owes(processes, false).is_empty() { 200 } else { 403 };
        let status = server.user(&person.name, PASSWORD).get(&format!("managed/user/{}", person.id)).status;
        assert_eq!(status, expected, "{} with every request", person.name);
    }
}

fn test() -> impl Strategy<Value = Test> {
    let name = || prop_oneof![Just("city"), Just("country")];
    let leaf = prop_oneof![
        (name(), prop_oneof![Just("Ulm"), Just("Bonn")]).prop_map(|(name, value)| Test::Is(name, value)),
        name().prop_map(Test::Has)
    ];
    leaf.prop_recursive(2, 5, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|inner| Test::Not(Box::new(inner))),
            pair.clone().prop_map(|(one, other)| Test::Both(Box::new(one), Box::new(other))),
            pair.prop_map(|(one, other)| Test::Either(Box::new(one), Box::new(other))),
        ]
    })
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        (1..6_u64).prop_map(When::At),
        (1..4_u64).prop_map(When::Every),
        prop_oneof![Just(24_u64), Just(48), Just(36)].prop_map(When::Away),
        Just(When::Terms),
        Just(When::Answers),
        test().prop_map(When::Filter),
        test().prop_map(When::Script),
        any::<bool>().prop_map(|require| When::Broken { require }),
    ]
}

fn stage() -> impl Strategy<Value = Stage> {
    let leaf = || {
        prop_oneof![
            2 => Just(Then::Nothing),
            1 => Just(Then::Silent),
            3 => prop_oneof![Just("city"), Just("country")].prop_map(Then::Ask),
            1 => Just(Then::Accept),
            1 => Just(Then::Answer),
        ]
    };
    let plain = (when(), leaf(), leaf()).prop_map(|(when, on_true, on_false)| Stage { when, on_true, on_false }).boxed();
    let inner = plain.clone().prop_map(|stage| Then::Judge(Box::new(stage)));
    let nested = (when(), inner, leaf(), any::<bool>()).prop_map(|(when, inner, other, on_true)| {
        if on_true { Stage { when, on_true: inner, on_false: other } } else { Stage { when, on_true: other, on_false: inner } }
    });
    prop_oneof![4 => plain, 1 => nested]
}

fn somebody() -> impl Strategy<Value = Somebody> {
    let value = || prop_oneof![Just(None), Just(Some("Ulm")), Just(Some("Bonn"))];
    let accepted = prop_oneof![Just(None), Just(Some("1")), Just(Some("2"))];
    (value(), value(), accepted, 0..3_usize, 0..5_u64).prop_map(|(city, country, accepted, answers, sign_ins)| Somebody {
        city,
        country,
        accepted,
        answers,
        sign_ins,
    })
}

fn case() -> impl Strategy<Value = Case> {
    // On both sides of every length of time, with room for the run of the test itself.
    let hours = prop_oneof![3 => Just(0_u64), 1 => Just(23), 1 => Just(25), 1 => Just(35), 1 => Just(37), 1 => Just(47), 1 => Just(49)];
    let goes_through = prop_oneof![Just(None), Just(Some(true)), Just(Some(false))];
    let visit = (hours, goes_through).prop_map(|(hours_later, goes_through)| Visit { hours_later, goes_through });
    let processes = proptest::collection::vec(proptest::collection::vec(stage(), 1..4), 1..4);
    (processes, proptest::collection::vec(somebody(), 2), proptest::collection::vec(visit, 2..4))
        .prop_map(|(processes, people, visits)| Case { processes, people, visits })
}

#[test]
fn for_random_projects_what_the_definitions_say_is_due_and_the_role_is_there_when_nothing_is() {
    // The same cases everywhere: every one starts a server.
    let config = ProptestConfig { cases: 24, max_shrink_iters: 48, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let done = runner.run(&case(), |case| {
        runs(&case);
        Ok(())
    });
    done.unwrap_or_else(|error| panic!("{error}"));
}
