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
        assert_eq!(to_owner.subject, "noticeAccountExists");
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
        // The secret that no caller can know, made by the same function: even it does not help.
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

/// A user name in the form of an address tells nobody whether that address, or that name, is somebody's: not where addresses are unique, nor
/// where they are not; not at the form, nor at the policy service (ADR 24).
#[test]
fn sec_01_a_user_name_in_the_form_of_an_address_tells_nothing_about_it() {
    for unique in [true, false] {
        let world = if unique { world() } else { crate::newcomer::world() };
        world.person_with("owner", &json!({"userName": "owner", "mail": "owner@example.test"}));
        world.person_with("called", &json!({"userName": "called@example.test", "mail": "elsewhere@example.test"}));
        serve(&world, &json!({}), &[user_details(), email(), create()]);
        let tries = |name: &str, mail: &str| {
            let mut user = user(mail);
            user["userName"] = json!(name);
            let mut seen = Value::Null;
            let cost = world.cost(|| {
                seen = match world.submit("registration", None, &json!({ "user": user })) {
                    Ok(mut body) => {
                        let length = token(&body).len();
                        body["token"] = json!(length);
                        body
                    }
                    Err(error) => json!({"code": error.code, "detail": error.detail}),
                };
            });
            (seen, cost)
        };
        // Another's address, and one's own.
        for mail in ["mine@example.test", ""] {
            let of = |name: &str| tries(name, if mail.is_empty() { name } else { mail });
            let free = of("nobody@example.test");
            assert_eq!(free.0["code"] == 403, !mail.is_empty(), "no address but one's own is a name: {}", free.0);
            for name in ["owner@example.test", "OWNER@example.test", "called@example.test", "Called@example.test"] {
                let seen = of(name);
                assert_eq!(seen, free, "{name} with the address {mail:?}, unique: {unique}");
            }
        }
        // A name that is none of these is told as ever.
        assert_eq!(tries("owner", "mine@example.test").0["code"], 403);
        assert_eq!(tries("fresh", "mine@example.test").0["type"], "emailValidation");
    }
}

#[test]
fn sec_48_a_name_that_somebody_signs_in_with_is_told_to_the_reader_of_the_address_alone() {
    let world = crate::newcomer::world();
    world.person_with("called", &json!({"userName": "called@example.test", "mail": "elsewhere@example.test"}));
    serve(&world, &json!({}), &[user_details(), email(), create()]);
    let mut user = user("called@example.test");
    user["userName"] = json!("called@example.test");
    let asked = world.step("registration", None, json!({ "user": user }));
    assert_eq!((asked["tag"].as_str(), world.last_mail().subject.as_str()), (Some("validateCode"), "noticeAccountExists"));
    user["userName"] = json!("free@example.test");
    user["mail"] = json!("free@example.test");
    let asked = world.step("registration", None, json!({ "user": user }));
    world.step("registration", Some(token(&asked)), json!({"code": link_of(&world.last_mail()).1}));
    assert_eq!(account(&world, "free@example.test").unwrap().content["mail"], "free@example.test", "one's own address is a good name");
}

#[test]
fn a_name_that_is_an_address_is_the_one_that_is_confirmed_later() {
    let world = crate::newcomer::world();
    world.person_with("called", &json!({"userName": "called@example.test"}));
    serve(&world, &json!({}), &[user_details(), email(), create()]);
    for name in ["called@example.test", "nobody@example.test"] {
        let mut user = user("x");
        user.as_object_mut().unwrap().remove("mail");
        user["userName"] = json!(name);
        let asked = world.step("registration", None, json!({ "user": user }));
        let error = world.submit("registration", Some(token(&asked)), &json!({"mail": "mine@example.test"})).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (400, "Email address mismatch"), "{name}");
        assert_eq!(world.step("registration", Some(token(&asked)), json!({ "mail": name }))["tag"], "validateCode", "{name}");
    }
}

/// A second address is no name: where the schema wants it to be one person's alone, that is told as ever.
#[test]
fn a_unique_second_address_is_no_name() {
    let world = world_with(|properties| {
        unique_mail(properties);
        properties["other"] = json!({
            "type": "string", "viewable": true, "userEditable": true,
            "policies": [{"policyId": "valid-email-address-format"}, {"policyId": "unique"}],
        });
    });
    world.person_with("owner", &json!({"userName": "owner", "mail": "owner@example.test", "other": "second@example.test"}));
    serve(&world, &json!({}), &[user_details(), email(), create()]);
    let tries = |other: &str| {
        let mut user = user("mine@example.test");
        user["other"] = json!(other);
        world
            .submit("registration", None, &json!({ "user": user }))
            .map_err(|error| error.detail.unwrap()["failedPolicyRequirements"][0].clone())
    };
    for free in ["free@example.test", "owner@example.test"] {
        assert_eq!(tries(free).unwrap()["tag"], "validateCode", "{free}");
    }
    let failed = tries("second@example.test").unwrap_err();
    assert_eq!((&failed["property"], &failed["policyRequirements"][0]["policyRequirement"]), (&json!("other"), &json!("UNIQUE")));
}
