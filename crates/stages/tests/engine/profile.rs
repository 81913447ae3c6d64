//! Progressive profile without HTTP: stages of signed-in people, nested stages, and what is owed against a model of the rules.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use identity::metadata::{Keeper, Metadatum, Tracked};
use process::{Caller, Definitions as _, Subject};
use proptest::prelude::*;
use serde_json::{Value, json};
use vestibule_stages::profile::{Asking, Profile};

use crate::harness::*;

#[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
fn conditional(condition: &Value, on_true: Option<Value>, on_false: Option<Value>) -> Value {
    json!({
        "name": "conditionaluser", "identityServiceUrl": "managed/user", "evaluateConditionOnField": "user", "condition": condition,
        "onConditionTrue": on_true, "onConditionFalse": on_false,
    })
}

fn form(attribute: &str, required: bool) -> Value {
    json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": attribute, "isRequired": required }] })
}

fn patch_object() -> Value {
    json!({ "name": "patchObject", "identityServiceUrl": "managed/user" })
}

fn always() -> Value {
    json!({ "type": "queryFilter", "filter": "true" })
}

fn never() -> Value {
    json!({ "type": "queryFilter", "filter": "false" })
}

fn signed_in(world: &mut World, id: &str) {
    let subject = Subject { collection: USER.into(), id: id.into(), decoy: false };
    world.caller = Caller { user: id.into(), subject: Some(subject), session: Some("session".into()), ..Caller::default() };
}

fn world() -> World {
    let mut world = World::with(|services| services.needed_metadata = vec![Metadatum::LoginCount, Metadatum::LastLogin]);
    world.person("bjensen");
    signed_in(&mut world, "bjensen");
    world
}

fn attribute(world: &World, name: &str) -> Option<Value> {
    world.objects.stored(USER, "bjensen").unwrap().content.get(name).cloned()
}

/// SEC-48: a form that asks for the name is no way around what a registration cannot get past.
#[test]
fn nobody_renames_himself_to_another_person_s_name_in_other_letters() {
    let world = world();
    world.person("scarter");
    world.serve("profile", &[form("userName", true)]);
    let rename = |name: &str| world.submit("profile", None, &json!({ "attributes": { "userName": name } }));
    for taken in ["SCarter", "SCARTER"] {
        let refused = rename(taken).unwrap_err();
        assert_eq!((refused.code, attribute(&world, "userName")), (403, Some(json!("bjensen"))), "{taken}");
    }
    assert_eq!(rename("BJensen").unwrap()["tag"], "end", "his own in other letters");
    assert_eq!(attribute(&world, "userName"), Some(json!("BJensen")));
}

#[test]
fn a_condition_that_selects_nothing_shows_empty_requirements_and_passes() {
    let world = world();
    world
        .serve("profile", &[conditional(&never(), Some(form("city", true)), None), conditional(&always(), None, Some(form("city", true)))]);
    let first = world.initial("profile");
    assert_eq!((&first["type"], &first["tag"], &first["requirements"]), (&json!("conditionaluser"), &json!("initial"), &json!({})));
    assert_eq!(world.step("profile", None, json!({ "input": {} }))["tag"], "end");
}

#[test]
fn an_empty_first_stage_leads_to_the_first_real_form_and_none_is_empty_in_the_middle() {
    let world = world();
    let stages = [never(), always(), never(), always()].map(|condition| conditional(&condition, Some(form("city", false)), None));
    world.serve("profile", &stages);
    assert_eq!(world.initial("profile")["requirements"], json!({}));
    let form = world.step("profile", None, json!({ "input": {} }));
    assert_eq!(form["requirements"]["attributes"][0]["name"], "city");
    let next = world.step("profile", Some(token(&form)), json!({ "attributes": { "city": "Ulm" } }));
    assert_eq!(next["requirements"]["attributes"][0]["value"], "Ulm", "the next form, with what the one before wrote");
    assert_eq!(world.step("profile", Some(token(&next)), json!({}))["tag"], "end");
}

#[test]
fn the_branch_that_asked_gets_the_answer_though_the_condition_has_turned() {
    let world = world();
    let turning = json!({ "type": "queryFilter", "filter": "!(/city pr)" });
    world.serve(
        "profile",
        &[
            conditional(&never(), Some(form("city", true)), None),
            conditional(&turning, Some(form("city", true)), Some(form("country", true))),
        ],
    );
    let asked = world.step("profile", None, json!({ "input": {} }));
    assert_eq!(asked["requirements"]["attributes"][0]["name"], "city");
    let mut person = world.objects.stored(USER, "bjensen").unwrap().content;
    person["city"] = json!("Bonn");
    world.objects.put(USER, "bjensen", person);
    assert_eq!(world.step("profile", Some(token(&asked)), json!({ "attributes": { "city": "Ulm" } }))["tag"], "end");
    assert_eq!((attribute(&world, "city"), attribute(&world, "country")), (Some(json!("Ulm")), None));
}

#[test]
fn stages_nest_to_any_depth_and_answer_as_conditionaluser() {
    let world = world();
    let inner = conditional(&never(), None, Some(form("city", true)));
    let middle = conditional(&always(), Some(inner), Some(form("country", true)));
    world.serve("profile", &[conditional(&always(), Some(middle), None)]);
    let first = world.initial("profile");
    assert_eq!((&first["type"], &first["requirements"]["attributes"][0]["name"]), (&json!("conditionaluser"), &json!("city")));
    let again = world.step("profile", None, json!({ "attributes": {} }));
    assert_eq!(again["type"], "conditionaluser");
    assert_eq!(world.step("profile", Some(token(&again)), json!({ "attributes": { "city": "Ulm" } }))["tag"], "end");
    let settled: Vec<String> = world.ledger.rows().settled.iter().map(|(_, what)| what.clone()).collect();
    let (process, forms) = settled.split_last().unwrap();
    assert_eq!((process.as_str(), forms.len()), ("profile", 3));
    assert!(forms.iter().all(|form| form.starts_with("profile/") && forms.iter().filter(|other| *other == form).count() == 1), "{forms:?}");
}

/// What a form of this process is settled as, first to last; every one is skipped.
fn names(stages: &[Value]) -> Vec<String> {
    let mut world = world();
    world.serve("profile", stages);
    walk(&mut world, "profile", false);
    world.caller.settled.pop();
    world.caller.settled.clone()
}

#[test]
fn a_forms_name_is_what_it_asks_of_whom_and_neither_its_place_nor_its_texts() {
    let telephone = conditional(&always(), Some(form("telephoneNumber", false)), None);
    let city = conditional(&always(), Some(form("city", false)), None);
    let [of_telephone, of_city] = names(&[telephone.clone(), city.clone()]).try_into().unwrap();
    assert_ne!(of_telephone, of_city);
    let again = names(&[city.clone(), city.clone(), telephone.clone()]);
    assert_eq!(again, [of_city.clone(), format!("{of_city}.2"), of_telephone.clone()], "the second that is the same is another");
    let mut worded = telephone.clone();
    worded["onConditionTrue"]["uiConfig"] = json!({ "displayName": "Ring ring", "purpose": "x", "buttonText": "y" });
    worded["onConditionFalse"] = Value::Null;
    worded["vestibule"] = json!({ "onScriptError": "require" });
    assert_eq!(names(&[worded]), std::slice::from_ref(&of_telephone));
    for other in [
        conditional(&always(), Some(form("telephoneNumber", true)), None),
        conditional(&never(), None, Some(form("telephoneNumber", false))),
        conditional(&json!({ "type": "queryFilter", "filter": "/userName pr" }), Some(form("telephoneNumber", false)), None),
    ] {
        let world = world();
        world.serve("profile", &[other]);
        world.step("profile", None, json!({ "attributes": { "telephoneNumber": "1" } }));
        let settled = world.ledger.rows().settled.first().unwrap().1.clone();
        assert!(settled != of_telephone && settled != of_city, "{settled}");
    }
}

#[test]
fn a_form_that_was_settled_on_the_session_is_not_asked_again_there() {
    let mut world = world();
    world.serve("profile", &[conditional(&always(), Some(form("city", false)), None)]);
    assert_eq!(walk(&mut world, "profile", false), ["city"]);
    assert_eq!(attribute(&world, "city"), None);
    let form = world.ledger.rows().settled.first().unwrap().1.clone();
    for name in [form, "profile/0".into()] {
        world.caller.settled = vec![name.clone()];
        assert_eq!(world.initial("profile")["requirements"], json!({}), "{name}, and as it was called before forms had names");
    }
    world.caller.settled.clear();
    assert_ne!(world.initial("profile")["requirements"], json!({}));
}

/// A page that has lost its place sends an empty first submission of its own (client-contract §8): it must not stand for the person.
#[test]
fn a_form_is_skipped_by_whoever_was_asked_and_by_no_first_submission() {
    let world = world();
    let optional = |name: &str| conditional(&always(), Some(form(name, false)), None);
    world.serve("profile", &[optional("city"), optional("country")]);
    let mut asked = Value::Null;
    for empty in [json!({}), json!({ "input": {} }), json!({ "attributes": null })] {
        for _ in 0..2 {
            asked = world.step("profile", None, empty.clone());
            assert_eq!((&asked["tag"], &asked["requirements"]["attributes"][0]["name"]), (&json!("initial"), &json!("city")), "{empty}");
            assert_eq!(world.ledger.rows().settled, []);
        }
    }
    let next = world.step("profile", Some(token(&asked)), json!({}));
    assert_eq!(next["requirements"]["attributes"][0]["name"], "country", "one form is skipped, the next one is asked");
    assert_eq!(world.ledger.rows().settled.len(), 1);
    assert_eq!(world.step("profile", Some(token(&next)), json!({}))["tag"], "end");
    // An answer is one, whether or not anything was asked (seed 004).
    assert_eq!(world.step("profile", None, json!({ "attributes": { "city": "Ulm" } }))["requirements"]["attributes"][0]["name"], "country");
    assert_eq!(attribute(&world, "city"), Some(json!("Ulm")));
}

#[test]
fn a_nested_stage_that_needs_what_nobody_gives_is_refused_when_it_is_read() {
    let world = world();
    let nested = conditional(&always(), Some(json!({ "name": "resetStage" })), None);
    let compiled = world.compile("profile", &json!({ "stageConfigs": [nested] }));
    assert!(compiled.process.is_some(), "a session proves its owner: {:?}", compiled.issues);
    let nested = conditional(&always(), Some(json!({ "name": "selfRegistration" })), None);
    let compiled = world.compile("profile", &json!({ "stageConfigs": [nested] }));
    assert!(compiled.process.is_none() && compiled.issues.iter().any(|issue| issue.rule == "unmet-need"), "{:?}", compiled.issues);
}

#[test]
fn sec_31_what_is_proved_on_one_branch_only_proves_nothing() {
    let world = world();
    let reset = |proof: Value| json!({ "stageConfigs": [user_query(), proof, reset()] });
    let sometimes = conditional(&always(), Some(kba()), None);
    let compiled = world.compile("reset", &reset(sometimes));
    assert!(
        compiled.process.is_none() && compiled.issues.iter().any(|issue| issue.rule == "unproven-credential-change"),
        "{:?}",
        compiled.issues
    );
    let either = conditional(&always(), Some(kba()), Some(kba()));
    assert!(world.compile("reset", &reset(either)).process.is_some());
}

#[test]
fn sec_34_a_process_at_sign_in_is_for_nobody_without_a_session() {
    let mut world = world();
    world.serve("profile", &[conditional(&always(), Some(form("city", false)), None)]);
    world.serve(
        "terms",
        &[conditional(
            &always(),
            Some(
                json!({ "name": "captcha", "recaptchaSiteKey": "a", "recaptchaSecretKey": "b", "recaptchaUri": "https://c.example.test" }),
            ),
            None,
        )],
    );
    world.caller = Caller::default();
    for name in ["profile", "terms"] {
        assert_eq!(world.submit(name, None, &json!({})).unwrap_err().code, 403, "{name}");
    }
    assert_eq!(world.objects.stored(USER, "bjensen").unwrap().content.get("_meta"), None);
}

#[test]
fn patch_object_writes_for_nobody_who_was_only_named() {
    let mut world = world();
    world.companions.insert("terms".into(), json!({ "versions": [{ "version": "1", "termsTranslations": { "en": "T" } }], "active": "1" }));
    world.serve("steal", &[user_query(), json!({ "name": "termsAndConditions" }), patch_object()]);
    world.caller = Caller::default();
    let asked = world.step("steal", None, query("userName eq \"bjensen\""));
    let error = world.submit("steal", Some(token(&asked)), &json!({ "accept": "true" })).unwrap_err();
    assert_eq!(error.code, 403);
    assert_eq!(attribute(&world, "_meta"), None);
}

#[test]
fn booleans_numbers_lists_and_nested_members_are_written_and_null_clears() {
    let world = world();
    let asked = json!([{ "name": "preferences/marketing" }, { "name": "description" }]);
    world.serve("profile", &[json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": asked })]);
    let first = world.initial("profile");
    assert_eq!(first["requirements"]["attributes"][0]["schema"]["type"], "boolean");
    assert_eq!(first["requirements"]["uiConfig"]["buttonText"], "Save", "without texts the stock client shows nothing");
    let input = json!({ "attributes": { "preferences/marketing": true, "description": "x" } });
    assert_eq!(world.step("profile", None, input)["tag"], "end");
    assert_eq!(
        (attribute(&world, "preferences"), attribute(&world, "description")),
        (Some(json!({ "marketing": true })), Some(json!("x")))
    );
    assert_eq!(world.step("profile", None, json!({ "attributes": { "description": null } }))["tag"], "end");
    assert_eq!(attribute(&world, "description"), None);
    for wrong in [json!({ "preferences/marketing": "yes" }), json!({ "preferences": { "marketing": true } })] {
        let refused = world.submit("profile", None, &json!({ "attributes": wrong })).map_err(|error| error.code);
        assert_eq!(refused, Err(403), "{wrong}");
    }
}

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
        let open = branches
            .into_iter()
            .find(|branch| !self.settled.contains(&(process, place, *branch)) && stage.of(*branch) != Nested::Nothing)?;
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
    assert_eq!(owed.processes, owes(world, profile), "what is owed at the sign-in is owed right after it");
}

fn owes(world: &World, profile: &Profile) -> Vec<String> {
    let person = world.objects.stored(USER, "bjensen").unwrap();
    let asking = Asking { services: &world.services, collection: USER, person: &person, now: 0 };
    now(profile.later(asking, &world.caller.settled)).processes
}

/// Goes through one process as a person does: every form is filled in, or skipped. Gives the attributes of the forms, in order.
fn walk(world: &mut World, name: &str, fills: bool) -> Vec<String> {
    let mut body = world.initial(name);
    let mut asked = Vec::new();
    let mut last: Option<String> = None;
    if body["requirements"] == json!({}) {
        body = world.step(name, None, json!({ "input": {} }));
        last = body["token"].as_str().map(str::to_owned);
    }
    while body["tag"] != "end" {
        let attribute = body["requirements"]["attributes"][0]["name"].as_str().unwrap().to_owned();
        let input = if fills { json!({ "attributes": { &attribute: "x" } }) } else { json!({}) };
        if !fills && last.is_none() {
            last = world.step(name, None, json!({}))["token"].as_str().map(str::to_owned);
        }
        asked.push(attribute);
        body = world.step(name, last.as_deref(), input);
        last = body["token"].as_str().map(str::to_owned);
    }
    world.caller.settled = world.ledger.rows().settled.iter().map(|(_, what)| what.clone()).collect();
    asked
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_a_session_owes_is_what_the_definitions_say(projects in projects(), acts in acts()) {
        let mut world = world();
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
