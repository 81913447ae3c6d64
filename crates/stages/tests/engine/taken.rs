//! A mail address that somebody has: its owner learns that somebody typed it, whoever typed it learns nothing (SEC-01, SEC-48).

use process::Mail;
use serde_json::{Value, json};

use crate::harness::*;
use crate::newcomer::*;

fn world() -> World {
    let world = world_with(unique_mail);
    world.person_with("owner", &json!({"userName": "owner", "mail": "owner@example.test"}));
    world
}

fn user(mail: &str) -> Value {
    let mut user = newcomer("newbie");
    user["mail"] = json!(mail);
    user
}

fn shapes() -> Vec<(&'static str, Value, Vec<Value>)> {
    let details = |details: Value| vec![details, email(), define(), create()];
    vec![
        ("details", json!({}), details(user_details())),
        ("form", json!({}), details(idm_user_details())),
        ("joined", json!({"allInOneRegistration": true}), vec![idm_user_details(), define(), email(), create()]),
        ("mail", json!({}), vec![email(), user_details(), create()]),
    ]
}

fn serve(world: &World, extra: &Value, stages: &[Value]) {
    let mut file = extra.clone();
    file["stageConfigs"] = json!(stages);
    world.serve_file("registration", &file);
}

fn first_input(shape: &str, mail: &str) -> Value {
    match shape {
        "mail" => json!({ "mail": mail }),
        _ => json!({"user": user(mail), "kba": two_answers()}),
    }
}

fn ask(world: &World, shape: &str, mail: &str) -> (Value, Mail) {
    let body = world.step("registration", None, first_input(shape, mail));
    (body, world.last_mail())
}

#[test]
fn sec_01_a_taken_address_is_answered_like_a_free_one_and_its_owner_is_told() {
    for (shape, extra, stages) in shapes() {
        let world = world();
        serve(&world, &extra, &stages);
        let (mut free, to_free) = ask(&world, shape, "other@example.test");
        let (mut taken, to_owner) = ask(&world, shape, "owner@example.test");
        assert_eq!(token(&free).len(), token(&taken).len(), "{shape}");
        for body in [&mut free, &mut taken] {
            body.as_object_mut().unwrap().remove("token");
        }
        assert_eq!(free, taken, "{shape}");
        assert_eq!((to_owner.to.as_str(), to_owner.withheld), ("owner@example.test", false));
        assert_eq!(to_owner.subject, "You already have an account");
        assert!(!to_owner.body.contains("token=") && !to_owner.body.contains("code"), "{}", to_owner.body);
        assert_eq!((to_owner.from, to_owner.wait), (to_free.from, to_free.wait));
        assert!(to_free.body.contains("&code="));
        let cost = |mail: &str| {
            let input = first_input(shape, mail);
            world.cost(|| drop(world.step("registration", None, input)))
        };
        assert_eq!(cost("third@example.test"), cost("owner@example.test"), "reads, hashes and writes");
    }
}

#[test]
fn no_code_confirms_an_address_that_is_taken() {
    for (shape, extra, stages) in shapes() {
        let world = world();
        serve(&world, &extra, &stages);
        let (asked, _) = ask(&world, shape, "owner@example.test");
        // The secret that a stranger cannot know, made by the same function: even it does not help.
        let instance = context(token(&asked)).instance;
        let index = context(token(&asked)).stage;
        let bytes = keys().keyed("mailed code", &[instance.as_str().as_bytes(), &index.to_be_bytes(), b"owner@example.test"]);
        let code = uuid::Builder::from_random_bytes(bytes[..16].try_into().unwrap()).into_uuid().to_string();
        let error = world.submit("registration", Some(token(&asked)), &json!({ "code": code })).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (400, "Invalid code"), "{shape}");
        assert!(account(&world, "newbie").is_none());
        let (asked, mail) = ask(&world, shape, "other@example.test");
        let next = world.step("registration", Some(token(&asked)), json!({"code": link_of(&mail).1}));
        assert!(next["tag"] == "initial" || next["tag"] == "end", "the same with a free address goes on: {next}");
    }
}

#[test]
fn reveal_says_what_the_older_generations_said() {
    let reveal = json!({"vestibule": {"accountDisclosure": "reveal"}});
    for (shape, extra, stages) in shapes().into_iter().filter(|(shape, ..)| *shape != "mail") {
        let world = world();
        let mut file = extra;
        file["vestibule"] = reveal["vestibule"].clone();
        serve(&world, &file, &stages);
        let error = world.submit("registration", None, &first_input(shape, "owner@example.test")).unwrap_err();
        let failure = &error.detail.as_ref().unwrap()["failedPolicyRequirements"][0];
        assert_eq!(
            (error.code, &failure["property"], &failure["policyRequirements"][0]["policyRequirement"]),
            (403, &json!("mail"), &json!("UNIQUE"))
        );
        assert_eq!(world.mails(), []);
    }
}

#[test]
fn a_process_that_confirms_no_address_has_to_tell() {
    let world = world();
    for stages in [vec![user_details(), create()], vec![user_details(), create(), email()]] {
        serve(&world, &json!({}), &stages);
        let error = world.submit("registration", None, &first_input("details", "owner@example.test")).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (403, "Policy validation failed"));
    }
}

#[test]
fn where_an_address_may_have_two_accounts_it_gets_two() {
    let world = crate::newcomer::world();
    world.person_with("owner", &json!({"userName": "owner", "mail": "owner@example.test"}));
    serve(&world, &json!({}), &[user_details(), email(), create()]);
    let (asked, mail) = ask(&world, "details", "owner@example.test");
    world.step("registration", Some(token(&asked)), json!({"code": link_of(&mail).1}));
    assert_eq!(account(&world, "newbie").unwrap().content["mail"], "owner@example.test");
}

#[test]
fn an_address_that_is_taken_meanwhile_is_told_to_its_owner_alone() {
    let world = world();
    world.ledger.keep_unique("mail");
    serve(&world, &json!({}), &[user_details(), email(), create()]);
    let (asked, mail) = ask(&world, "details", "late@example.test");
    world.person_with("faster", &json!({"userName": "faster", "mail": "late@example.test"}));
    let error = world.submit("registration", Some(token(&asked)), &json!({"code": link_of(&mail).1})).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (403, "Policy validation failed"), "who has the code reads the mailbox");
    assert!(account(&world, "newbie").is_none());
}

#[test]
fn the_owners_mailbox_is_not_flooded() {
    let world = world();
    serve(&world, &json!({}), &[user_details(), email(), create()]);
    world.budget.limit.store(2, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..4 {
        ask(&world, "details", "owner@example.test");
    }
    assert_eq!(world.mails().iter().map(|mail| mail.withheld).collect::<Vec<_>>(), [false, false, true, true]);
}

#[test]
fn sec_48_another_spelling_of_a_taken_name_is_taken() {
    let world = world();
    serve(&world, &json!({}), &[idm_user_details(), create()]);
    for spelling in ["owner", "OWNER", "Owner", "\u{ff4f}wner", " owner "] {
        let mut user = user("other@example.test");
        user["userName"] = json!(spelling);
        let error = world.submit("registration", None, &json!({ "user": user })).unwrap_err();
        let detail = error.detail.unwrap();
        let failed = &detail["failedPolicyRequirements"][0];
        assert_eq!(
            (error.code, &failed["property"], &failed["policyRequirements"][0]["policyRequirement"]),
            (403, &json!("userName"), &json!("UNIQUE")),
            "{spelling}"
        );
    }
    let mut user = user("other@example.test");
    user["userName"] = json!("owners");
    world.step("registration", None, json!({ "user": user }));
}

#[test]
fn sec_01_another_spelling_of_a_taken_address_is_told_to_its_owner() {
    for (shape, extra, stages) in shapes() {
        let world = world();
        serve(&world, &extra, &stages);
        let (_, to_owner) = ask(&world, shape, "owner@example.test");
        let (_, to_other_spelling) = ask(&world, shape, "OWNER@Example.Test");
        assert_eq!(to_other_spelling.subject, to_owner.subject, "{shape}");
    }
}
