//! Progressive profile without HTTP: stages of signed-in people, and nested stages.

use identity::metadata::Metadatum;
use process::{Caller, Subject};
use serde_json::{Value, json};

use crate::harness::*;

#[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
pub(crate) fn conditional(condition: &Value, on_true: Option<Value>, on_false: Option<Value>) -> Value {
    json!({
        "name": "conditionaluser", "identityServiceUrl": "managed/user", "evaluateConditionOnField": "user", "condition": condition,
        "onConditionTrue": on_true, "onConditionFalse": on_false,
    })
}

pub(crate) fn form(attribute: &str, required: bool) -> Value {
    json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": attribute, "isRequired": required }] })
}

pub(crate) fn patch_object() -> Value {
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
    world_of(&[])
}

/// A world whose people owe these processes at sign-in.
pub(crate) fn world_of(listed: &[&str]) -> World {
    let mut world = World::with(|services| {
        services.needed_metadata = vec![Metadatum::LoginCount, Metadatum::LastLogin, Metadatum::StagesCompleted];
        services.listed = listed.iter().map(|name| (*name).to_owned()).collect();
    });
    world.person("bjensen");
    signed_in(&mut world, "bjensen");
    world
}

/// Goes through one process as a person does: every form is filled in, or skipped. Gives the attributes of the forms, in order.
pub(crate) fn walk(world: &mut World, name: &str, fills: bool) -> Vec<String> {
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
            last = world.step(name, None, json!({ "input": {} }))["token"].as_str().map(str::to_owned);
        }
        asked.push(attribute);
        body = world.step(name, last.as_deref(), input);
        last = body["token"].as_str().map(str::to_owned);
    }
    world.caller.settled = world.ledger.rows().settled.iter().map(|(_, what)| what.clone()).collect();
    asked
}

fn attribute(world: &World, name: &str) -> Option<Value> {
    world.objects.stored(USER, "bjensen").unwrap().content.get(name).cloned()
}

/// SEC-48: a form that asks for the name is no way around what a registration cannot get past.
#[test]
fn nobody_takes_another_person_s_name_in_other_letters() {
    let world = world();
    world.person("scarter");
    world.serve("profile", &[form("userName", true)]);
    let rename = |name: &str| world.submit("profile", None, &json!({ "attributes": { "userName": name } }));
    for taken in ["SCarter", "SCARTER"] {
        let refused = rename(taken).unwrap_err();
        assert_eq!((refused.code, attribute(&world, "userName")), (403, Some(json!("bjensen"))), "{taken}");
    }
    assert_eq!(rename("BJensen").unwrap()["tag"], "end", "their own in other letters");
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

/// The stock page begins with a member (docs/protocol/clients.md, "Progressive profile in the client"), which shows the form; whoever
/// sends nothing at all has pressed "Skip this", and on a form that came with the first answer there is no token to send along.
#[test]
fn an_optional_form_is_skipped_by_nothing_at_all_with_and_without_a_token() {
    let world = world();
    let optional = |name: &str| conditional(&always(), Some(form(name, false)), None);
    world.serve("profile", &[optional("city"), optional("country")]);
    let mut asked = Value::Null;
    for empty in [json!({ "input": {} }), json!({ "attributes": null })] {
        for _ in 0..2 {
            asked = world.step("profile", None, empty.clone());
            assert_eq!((&asked["tag"], &asked["requirements"]["attributes"][0]["name"]), (&json!("initial"), &json!("city")), "{empty}");
            assert_eq!(world.ledger.rows().settled, []);
        }
    }
    for first in [Some(token(&asked)), None] {
        world.ledger.rows().settled.clear();
        let next = world.step("profile", first, json!({}));
        assert_eq!(next["requirements"]["attributes"][0]["name"], "country", "one form is skipped, the next one is asked");
        assert_eq!(world.ledger.rows().settled.len(), 1);
        assert_eq!(world.step("profile", Some(token(&next)), json!({}))["tag"], "end");
    }
    world.serve("needed", &[conditional(&always(), Some(form("city", true)), None)]);
    assert_eq!(world.step("needed", None, json!({}))["requirements"]["attributes"][0]["name"], "city", "what is required is not skipped");
    // Behind a stage that asks nothing it was not shown yet, whatever a page sends after an error.
    world.serve("behind", &[conditional(&never(), Some(form("city", false)), None), optional("country")]);
    world.ledger.rows().settled.clear();
    assert_eq!(world.step("behind", None, json!({}))["requirements"]["attributes"][0]["name"], "country");
    assert_eq!(world.ledger.rows().settled, []);
    // An answer is one, whether or not anything was asked (docs/protocol/progressive-profile.md).
    assert_eq!(world.step("profile", None, json!({ "attributes": { "city": "Ulm" } }))["requirements"]["attributes"][0]["name"], "country");
    assert_eq!(attribute(&world, "city"), Some(json!("Ulm")));
}

#[test]
fn a_nested_stage_that_needs_what_nobody_gives_is_refused_when_it_is_read() {
    let world = world();
    let nested = conditional(&always(), Some(json!({ "name": "selfRegistration" })), None);
    let compiled = world.compile("profile", &json!({ "stageConfigs": [nested] }));
    assert!(compiled.process.is_none() && compiled.issues.iter().any(|issue| issue.rule == "unmet-need"), "{:?}", compiled.issues);
}

#[test]
fn sec_20_a_session_that_lies_open_sets_no_password_without_the_present_one() {
    let typed = json!({ "password": "Correct9Horse" });
    let nested = |stage: Value| conditional(&always(), Some(stage), None);
    for stages in [
        vec![nested(reset())],
        vec![nested(nested(reset()))],
        vec![conditional(&never(), None, Some(reset()))],
        vec![form("city", true), reset()],
        vec![form("city", true), nested(reset())],
    ] {
        let mut world = world();
        world.serve("profile", &stages);
        let begun = (stages.len() > 1).then(|| world.step("profile", None, json!({ "attributes": { "city": "Ulm" } })));
        let at = begun.as_ref().map(token);
        let refused = world.submit("profile", at, &typed).unwrap_err();
        assert_eq!((refused.code, refused.message.as_str()), (403, "Reauthentication failed, missing or empty headers"), "{stages:?}");
        assert!(
            world.has_password("bjensen", "Passw0rd") && world.mails().is_empty() && world.ledger.rows().ended.is_empty(),
            "{stages:?}"
        );
        world.caller.reauthenticated = true;
        assert_eq!(world.step("profile", at, typed.clone())["tag"], "end", "{stages:?}");
        assert!(world.has_password("bjensen", "Correct9Horse"));
    }
    // With more than the session nothing is asked for.
    let compiled = world().compile("profile", &json!({ "stageConfigs": [form("city", true), kba(), reset()] }));
    assert!(compiled.process.is_some(), "{:?}", compiled.issues);
    // The present password is one's own: it proves nothing about somebody who was named.
    let compiled = world().compile("profile", &json!({ "stageConfigs": [form("city", true), user_query(), reset()] }));
    let unproven = compiled.issues.iter().any(|issue| issue.rule == "unproven-credential-change");
    assert!(compiled.process.is_none() && unproven, "{:?}", compiled.issues);
    // Nor does it open anything without a session.
    let mut world = world();
    world.serve("profile", &[nested(reset())]);
    world.caller = Caller { reauthenticated: true, ..Caller::default() };
    let refused = world.submit("profile", None, &typed).unwrap_err();
    assert_eq!((refused.code, refused.message.as_str()), (400, "This step needs a named account or a signed-in person"));
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
    // Each branch proves by its own means, so every path is proven.
    let each = conditional(&always(), Some(kba()), Some(crate::harness::email()));
    let compiled = world.compile("reset", &reset(each));
    assert!(compiled.process.is_some(), "{:?}", compiled.issues);
    let help = world.compile("reset", &json!({ "stageConfigs": [user_query(), json!({ "name": "resetStage" })] })).issues;
    assert!(help.iter().all(|issue| issue.help.as_ref().is_none_or(|help| !help.contains("allowUnproven"))), "{help:?}");
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
