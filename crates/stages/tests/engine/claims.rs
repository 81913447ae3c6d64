//! Claiming an account by a code that is mailed to the address which the store has of it (ADR 58).

use std::sync::atomic::Ordering;

use crest::Clock as _;
use process::FactKind;
use serde_json::{Value, json};

use crate::harness::*;
use crate::newcomer::context;

fn claim(by_mail: bool) -> Value {
    let stage = json!({"name": "socialUserClaim", "identityServiceUrl": USER, "claimQueryFilter": "/userName eq \"{{mail}}\""});
    if by_mail { changed(stage, &json!({"vestibule": {"claimByMail": true}})) } else { stage }
}

fn changed(mut stage: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        stage[key] = value.clone();
    }
    stage
}

/// People are found by a name here, so that what a provider tells is no address of theirs.
fn world() -> World {
    let world = World::new();
    world.person("bjensen");
    world.person_with("silent", &json!({"mail": null}));
    world.person_with("keyless", &json!({"password": null}));
    world.serve("claim", &[claim(true)]);
    world
}

/// The question for a proof, to somebody whom a provider calls by this name.
fn asked(world: &World, subject: &str, name: &str) -> Value {
    let proof = client_token(subject, name, world.clock.unix_seconds());
    let first = world.step("claim", None, json!({}));
    world.step("claim", first["token"].as_str(), json!({ "clientToken": proof }))
}

fn mailed(world: &World, asked: &Value) -> Value {
    world.step("claim", Some(token(asked)), json!({ "sendCode": true }))
}

fn code(world: &World) -> String {
    digits(&world.last_mail()).unwrap()
}

fn links(world: &World) -> Vec<String> {
    let rows = now(identity::Objects::query(world.objects.as_ref(), "managed/example", &crest::Query::all(crest::Filter::True))).unwrap();
    rows.result.into_iter().map(|link| link.content["user"]["_ref"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_code_goes_to_the_stored_address_and_claims_the_account() {
    let world = world();
    let proof = asked(&world, "1", "bjensen");
    assert_eq!((&proof["tag"], &proof["requirements"]["required"]), (&json!("verifyProfile"), &json!(["password"])));
    assert!(proof["requirements"]["properties"]["sendCode"].is_object(), "{proof}");
    let sent = mailed(&world, &proof);
    assert_eq!((&sent["type"], &sent["tag"]), (&json!("socialUserClaim"), &json!("validateCode")));
    assert_eq!(sent["requirements"]["required"], json!(["code"]));
    let mail = world.last_mail();
    assert_eq!((mail.to.as_str(), mail.withheld, mail.subject.as_str()), ("bjensen@example.test", false, "claimCode"));
    assert!(links(&world).is_empty());
    let end = world.submit_whole("claim", Some(token(&sent)), &json!({ "code": code(&world) })).unwrap();
    assert_eq!((&end.body["tag"], &end.body["additions"]["claimedProfile"]), (&json!("end"), &json!("managed/example/1")));
    assert_eq!(links(&world), ["managed/user/bjensen"]);
}

#[test]
fn without_the_option_nothing_is_new_and_a_wish_for_a_code_is_not_heard() {
    let world = world();
    world.serve("claim", &[claim(false)]);
    let proof = asked(&world, "1", "bjensen");
    assert!(proof["requirements"]["properties"].get("sendCode").is_none(), "{proof}");
    let answer = mailed(&world, &proof);
    assert_eq!((&answer["tag"], &answer["requirements"]), (&json!("verifyProfile"), &proof["requirements"]));
    let keyless = asked(&world, "1", "keyless");
    assert!(keyless["requirements"]["error"]["message"].as_str().unwrap().starts_with("This account cannot be claimed"), "{keyless}");
    assert!(world.mails().is_empty());
    let facts = &world.served("claim").stages[0].facts;
    assert!(!facts.may_give.contains(&FactKind::ControlsMail));
}

#[test]
fn an_account_with_nothing_to_prove_it_is_claimed_by_its_mailbox() {
    let world = world();
    let proof = asked(&world, "1", "keyless");
    assert!(proof["requirements"].get("error").is_none() && proof["requirements"]["properties"]["sendCode"].is_object(), "{proof}");
    let sent = mailed(&world, &proof);
    world.step("claim", Some(token(&sent)), json!({ "code": code(&world) }));
    assert_eq!(links(&world), ["managed/user/keyless"]);
}

#[test]
fn sec_02_an_account_without_an_address_is_asked_for_the_code_like_any_other() {
    let world = world();
    let cost = |subject: &str, name: &str| {
        let proof = asked(&world, subject, name);
        let mut sent = Value::Null;
        let cost = world.cost(|| sent = mailed(&world, &proof));
        (cost, sent["tag"].clone(), sent["requirements"].clone())
    };
    assert_eq!(cost("1", "bjensen"), cost("2", "silent"));
    let mail = world.last_mail();
    assert!(mail.withheld && !mail.to.contains('@'), "{mail:?}");
    // Not even the code that was never sent.
    let sent = mailed(&world, &asked(&world, "2", "silent"));
    let error = world.submit("claim", Some(token(&sent)), &json!({ "code": code(&world) })).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (400, "Invalid code"));
    assert!(links(&world).is_empty());
}

#[test]
fn sec_11_five_wrong_codes_end_the_challenge() {
    let world = world();
    let sent = mailed(&world, &asked(&world, "1", "bjensen"));
    let right = code(&world);
    for input in [json!({}), json!({"code": ""}), json!({"code": null}), json!({"password": "Passw0rd"}), json!({"sendCode": true})] {
        assert_eq!(world.submit("claim", Some(token(&sent)), &input).unwrap_err().message, "Input code is missing", "{input}");
    }
    for _ in 0..5 {
        assert_eq!(world.submit("claim", Some(token(&sent)), &json!({"code": "00000000"})).unwrap_err().message, "Invalid code");
    }
    assert_eq!(world.submit("claim", Some(token(&sent)), &json!({ "code": right })).unwrap_err().message, "Invalid code");
    assert!(links(&world).is_empty());
}

#[test]
fn sec_09_and_sec_10_a_code_is_good_in_its_own_instance_for_its_own_account_and_the_newest_alone() {
    let world = world();
    let first = mailed(&world, &asked(&world, "1", "bjensen"));
    let first_code = code(&world);
    let other = mailed(&world, &asked(&world, "2", "keyless"));
    let other_code = code(&world);
    let refused = |body: &Value, code: &str| {
        assert_eq!(world.submit("claim", Some(token(body)), &json!({ "code": code })).unwrap_err().message, "Invalid code");
    };
    refused(&first, &other_code);
    refused(&other, &first_code);
    let newer = mailed(&world, &asked(&world, "3", "bjensen"));
    let newer_code = code(&world);
    refused(&first, &first_code);
    world.step("claim", Some(token(&newer)), json!({ "code": newer_code }));
    assert_eq!(links(&world), ["managed/user/bjensen"]);
    // And once.
    world.submit("claim", Some(token(&newer)), &json!({ "code": newer_code })).unwrap_err();
}

#[test]
fn sec_36_an_address_that_changes_while_the_code_is_on_its_way_ends_it() {
    let world = world();
    let sent = mailed(&world, &asked(&world, "1", "bjensen"));
    let right = code(&world);
    world.person_with("bjensen", &json!({"mail": "other@example.test"}));
    assert_eq!(world.submit("claim", Some(token(&sent)), &json!({ "code": right })).unwrap_err().message, "Invalid code");
    assert!(links(&world).is_empty());
}

#[test]
fn sec_04_a_mail_over_the_budget_is_withheld_and_answered_alike() {
    let world = world();
    world.budget.limit.store(1, Ordering::SeqCst);
    let sent = mailed(&world, &asked(&world, "1", "bjensen"));
    let right = code(&world);
    let over = mailed(&world, &asked(&world, "2", "bjensen"));
    assert_eq!((&over["tag"], &over["requirements"]), (&sent["tag"], &sent["requirements"]));
    assert!(world.last_mail().withheld);
    world.step("claim", Some(token(&sent)), json!({ "code": right }));
}

#[test]
fn nothing_is_mailed_to_whoever_comes_with_an_account_that_is_linked_already() {
    let world = world();
    let sent = mailed(&world, &asked(&world, "1", "keyless"));
    world.step("claim", Some(token(&sent)), json!({ "code": code(&world) }));
    let mails = world.mails().len();
    // Its owner has no password: asked for the new account that is theirs as well.
    let proof = asked(&world, "1", "keyless");
    assert_eq!(proof["tag"], "verifyProfile");
    assert!(proof["requirements"]["properties"].get("sendCode").is_none(), "{proof}");
    assert_eq!(mailed(&world, &proof)["tag"], "verifyProfile");
    assert_eq!(world.mails().len(), mails);
}

#[test]
fn the_code_proves_the_mailbox_of_the_account_and_it_is_asked_for_again() {
    let world = world();
    let terms = json!({"name": "termsAndConditions", "termsTranslations": {"en": "Be kind."}});
    world.serve("claim", &[claim(true), terms]);
    let facts = &world.served("claim").stages[0].facts;
    assert_eq!((facts.gives.as_slice(), facts.may_give.as_slice()), (&[FactKind::OwnsExternal][..], &[FactKind::ControlsMail][..]));
    let sent = mailed(&world, &asked(&world, "1", "bjensen"));
    let before = world.last_mail();
    let again = world.again("claim", token(&sent));
    assert_eq!((&again["tag"], world.mails().len()), (&json!("validateCode"), 2));
    assert_eq!(world.last_mail(), before, "the same code");
    let next = world.step("claim", Some(token(&again)), json!({ "code": code(&world) }));
    let facts = serde_json::to_value(&context(token(&next)).facts).unwrap().to_string();
    assert!(facts.contains("\"controlsMail\"") && facts.contains("\"i\":\"bjensen\"") && facts.contains("ownsExternal"), "{facts}");
}

/// What is said of a claim whose stage is changed so: the one error, and that nothing is served.
fn refused(changes: &Value) -> (&'static str, String, String) {
    let compiled = World::new().compile("claim", &json!({ "stageConfigs": [changed(claim(false), changes)] }));
    assert!(compiled.process.is_none(), "{changes}");
    let errors: Vec<_> = compiled.issues.into_iter().filter(|issue| issue.severity == process::Severity::Error).collect();
    let [error] = errors.as_slice() else { panic!("{changes}: {errors:#?}") };
    (error.rule, error.pointer.clone(), error.message.clone())
}

#[test]
fn a_claim_of_anybody_else_than_people_is_refused() {
    for collection in ["managed/customer", "internal/user", "managed/user/more"] {
        let (rule, pointer, message) = refused(&json!({ "identityServiceUrl": collection }));
        assert_eq!((rule, pointer.as_str()), ("wrong-value", "/stageConfigs/0/identityServiceUrl"));
        assert!(message.contains(&format!("to nobody of '{collection}'")), "{message}");
    }
}

#[test]
fn a_claim_in_what_is_no_collection_is_refused() {
    for path in ["managed//user", "managed/../user", "."] {
        let (rule, pointer, message) = refused(&json!({ "identityServiceUrl": path }));
        assert_eq!((rule, pointer.as_str()), ("wrong-value", "/stageConfigs/0/identityServiceUrl"));
        assert!(message.contains("is no path of a collection"), "{message}");
    }
}

#[test]
fn a_filter_that_names_nothing_of_the_profile_is_refused() {
    let open = [
        "true",
        "/mail pr",
        "/userName eq \"admin\"",
        "/mail eq \"{{mail\"",
        // Who is not the person is anybody.
        "!(/mail eq \"{{mail}}\")",
        // One part of it finds somebody whatever the profile says.
        "/mail eq \"{{mail}}\" or /userName eq \"admin\"",
        "/userName eq \"admin\" and (/sn pr or /mail eq \"{{mail}}\")",
    ];
    for filter in open {
        let (rule, pointer, message) = refused(&json!({ "claimQueryFilter": filter }));
        assert_eq!((rule, pointer.as_str()), ("wrong-value", "/stageConfigs/0/claimQueryFilter"), "{filter}");
        assert!(message.contains("it would find anybody"), "{filter}: {message}");
    }
    for filter in ["/mail eq \"{{mail}}\" and /accountStatus eq \"active\"", "/mail eq \"{{mail}}\" or /userName eq \"{{{mail}}}\"", ""] {
        let file = json!({ "stageConfigs": [changed(claim(false), &json!({ "claimQueryFilter": filter }))] });
        assert!(World::new().compile("claim", &file).process.is_some(), "{filter}");
    }
}

#[test]
fn a_filter_that_cannot_be_read_is_refused() {
    for filter in ["/mail eq", "((", "/mail eq {{mail}}", "/mail is \"{{mail}}\""] {
        let (rule, pointer, message) = refused(&json!({ "claimQueryFilter": filter }));
        assert_eq!((rule, pointer.as_str()), ("query-filter", "/stageConfigs/0/claimQueryFilter"), "{filter}");
        assert!(message.contains("the filter cannot be read"), "{filter}: {message}");
    }
}
