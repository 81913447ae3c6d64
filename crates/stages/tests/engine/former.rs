//! Tokens of the server that a project comes from: links that are in mailboxes when it moves in.

use crest::Clock as _;
use jose::TokenForm;
use serde_json::{Value, json};

use crate::harness::*;
use crate::newcomer::{create, define, idm_user_details, newcomer, terms, unique_mail, user_details, world_with};

const CODE: &str = "0b2f6a1c-1111-4222-8333-444455556666";

/// Such a token as its maker wrote it; `lives` seconds from now.
fn former(world: &World, stage: usize, tag: &str, state: &Value, lives: i64) -> String {
    let context = json!({ "stageIndex": stage, "versionKey": -1_234_567, "stageTag": tag, "processState": state });
    let claims = json!({ "state": context.to_string(), "exp": world.clock.unix_seconds() + lives });
    jose::seal(&keys(), TokenForm::DEFAULT, claims.to_string().as_bytes()).unwrap()
}

fn at_the_code(world: &World, stage: usize, state: &Value) -> String {
    former(world, stage, "validateCode", state, 200)
}

/// What its stages knew of somebody.
fn of(id: &str) -> Value {
    json!({ "userId": id, "mail": format!("{id}@example.test"), "username": id, "querystringParams": "", "code": CODE })
}

fn with(mut state: Value, key: &str, value: Value) -> Value {
    state[key] = value;
    state
}

fn without(mut state: Value, key: &str) -> Value {
    state.as_object_mut().unwrap().remove(key);
    state
}

fn code(code: &str) -> Value {
    json!({ "code": code })
}

fn world() -> World {
    let world = World::new();
    world.person("bjensen");
    world.serve("reset", &[captcha(), user_query(), email(), kba(), reset()]);
    world.serve("registration", &[email(), user_details(), define(), create()]);
    world
}

fn message(world: &World, process: &str, token: &str, input: &Value) -> String {
    let error = world.submit(process, Some(token), input).unwrap_err();
    assert_eq!(error.code, 400);
    error.message
}

#[test]
fn somebody_with_a_mail_of_the_server_before_resets_their_password_once() {
    let world = world();
    let token_there = at_the_code(&world, 2, &of("bjensen"));
    assert_eq!(message(&world, "reset", &token_there, &code("0b2f6a1c-1111-4222-8333-444455556667")), "Invalid code");
    let asked = world.step("reset", Some(&token_there), code(&CODE.to_uppercase()));
    assert_eq!(asked["type"], "kbaSecurityAnswerVerificationStage", "what comes behind the mail is asked here");
    let asked = world.step("reset", Some(token(&asked)), answers(&asked));
    assert_eq!(world.step("reset", Some(token(&asked)), json!({ "password": "N3w-Passw0rd" }))["tag"], "end");
    assert!(world.has_password("bjensen", "N3w-Passw0rd"));
    assert_eq!(message(&world, "reset", &token_there, &code(CODE)), "Invalid snapshot token", "it is spent");
    // The same content in another seal is the same instance; another mail of that server is another.
    assert_eq!(message(&world, "reset", &at_the_code(&world, 2, &of("bjensen")), &code(CODE)), "Invalid snapshot token");
    let other = "1b2f6a1c-1111-4222-8333-444455556666";
    let second = at_the_code(&world, 2, &with(of("bjensen"), "code", json!(other)));
    assert!(["Invalid code", "Invalid snapshot token"].contains(&message(&world, "reset", &second, &code(other)).as_str()));
    let rows = world.ledger.rows();
    let names = rows.counters.keys().chain(rows.challenges.keys()).chain(rows.challenges.values().map(|(instance, _)| instance));
    assert!(!names.into_iter().any(|text| text.contains(CODE)), "SEC-06");
}

#[test]
fn no_token_of_this_server_carries_the_code_on() {
    let world = world();
    let asked = world.step("reset", Some(&at_the_code(&world, 2, &of("bjensen"))), code(CODE));
    let opened = jose::open(&keys(), TokenForm::DEFAULT, token(&asked)).unwrap();
    assert!(!String::from_utf8(opened).unwrap().contains(CODE));
    // Whoever asks for another mail gets a code of this server; the one before is over.
    let again = world.again("reset", &at_the_code(&world, 2, &of("bjensen")));
    let (fresh, code_here) = link_of(&world.last_mail());
    assert_eq!(token(&again), fresh);
    assert_eq!(message(&world, "reset", &fresh, &code(CODE)), "Invalid code");
    assert_eq!(world.step("reset", Some(&fresh), code(&code_here))["type"], "kbaSecurityAnswerVerificationStage");
}

#[test]
fn somebody_registers_with_a_mail_of_the_server_before() {
    let user = newcomer("newbie");
    let alone = json!({ "mail": "newbie@example.test", "code": CODE });
    let known = json!({ "mail": "newbie@example.test", "code": CODE, "user": user });
    for (stages, at, state, rest) in [
        (vec![email(), user_details(), create()], 0, &alone, Some(json!({ "user": user }))),
        (vec![terms(), captcha(), user_details(), email(), create()], 3, &known, None),
        (vec![idm_user_details(), email(), create()], 1, &known, None),
    ] {
        let world = crate::newcomer::world();
        world.serve("registration", &stages);
        let token_there = at_the_code(&world, at, state);
        let mut body = world.step("registration", Some(&token_there), code(CODE));
        if let Some(rest) = &rest {
            body = world.step("registration", Some(token(&body)), rest.clone());
        }
        assert_eq!(body["tag"], "end", "{stages:?}: {body}");
        assert_eq!(message(&world, "registration", &token_there, &code(CODE)), "Invalid snapshot token");
    }
}

#[test]
fn what_cannot_be_found_out_anew_is_no_token_here() {
    let world = world();
    world.person_with("gone-off", &json!({ "accountStatus": "inactive" }));
    let date = |seconds: i64| identity::timestamp(std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(seconds).unwrap()));
    let now = world.clock.unix_seconds();
    let meta = |made: i64, changed: i64| json!({ "_meta": { "createDate": date(made), "lastChanged": { "date": date(changed) } } });
    world.person_with("changed", &meta(now - 86_400, now - 1));
    world.serve("skips", &[user_query(), kba(), email(), reset()]);
    world.serve("own", &[crate::stages::parameters(), user_query(), email(), reset()]);
    for (what, process, token_there) in [
        ("another place", "reset", at_the_code(&world, 1, &of("bjensen"))),
        ("behind the end", "reset", at_the_code(&world, 5, &of("bjensen"))),
        ("another question", "reset", former(&world, 2, "initial", &of("bjensen"), 200)),
        ("a later stage", "reset", former(&world, 4, "initial", &of("bjensen"), 200)),
        ("no code", "reset", at_the_code(&world, 2, &without(of("bjensen"), "code"))),
        ("an empty code", "reset", at_the_code(&world, 2, &with(of("bjensen"), "code", json!("")))),
        ("no address", "reset", at_the_code(&world, 2, &without(of("bjensen"), "mail"))),
        ("nobody named", "reset", at_the_code(&world, 2, &without(of("bjensen"), "userId"))),
        ("nobody of that id", "reset", at_the_code(&world, 2, &of("nobody"))),
        ("an inactive person", "reset", at_the_code(&world, 2, &of("gone-off"))),
        ("a person who was changed since", "reset", at_the_code(&world, 2, &of("changed"))),
        ("a proof before the mail", "skips", at_the_code(&world, 2, &of("bjensen"))),
        ("a stage that server had not", "own", at_the_code(&world, 2, &of("bjensen"))),
        ("a reset's for a registration", "registration", at_the_code(&world, 0, &of("bjensen"))),
        ("no mailbox", "registration", at_the_code(&world, 0, &json!({ "mail": "newbie", "code": CODE }))),
        ("a longer life than any", "reset", former(&world, 2, "validateCode", &of("bjensen"), 301)),
    ] {
        assert_eq!(message(&world, process, &token_there, &code(CODE)), "Invalid snapshot token", "{what}");
    }
    assert_eq!(message(&world, "reset", &former(&world, 2, "validateCode", &of("bjensen"), -1), &code(CODE)), "Snapshot token has expired");
    assert!(world.mails().is_empty());
    // Whoever came with an import is as old here as the import, and was not changed by it.
    world.person_with("imported", &meta(now - 1, now - 1));
    world.step("reset", Some(&at_the_code(&world, 2, &of("imported"))), code(CODE));
}

#[test]
fn codes_of_the_server_before_are_guessed_at_as_little_and_end_with_a_mail_of_this_one() {
    let world = world();
    let token_there = at_the_code(&world, 2, &of("bjensen"));
    for _ in 0..5 {
        assert_eq!(message(&world, "reset", &token_there, &code("0b2f6a1c-1111-4222-8333-444455556667")), "Invalid code");
    }
    assert_eq!(message(&world, "reset", &at_the_code(&world, 2, &of("bjensen")), &code(CODE)), "Invalid code", "SEC-11");

    world.person("scarter");
    let token_there = at_the_code(&world, 2, &of("scarter"));
    let asked = world.step("reset", None, json!({ "response": "human" }));
    world.step("reset", Some(token(&asked)), query("userName eq \"scarter\""));
    assert_eq!(message(&world, "reset", &token_there, &code(CODE)), "Invalid code", "SEC-09");

    // A changed address is not the one that the mail went to.
    world.person_with("moved", &json!({ "mail": "elsewhere@example.test" }));
    assert_eq!(message(&world, "reset", &at_the_code(&world, 2, &of("moved")), &code(CODE)), "Invalid code");

    // A registration with the address of somebody who has an account ends as with a mail of this server.
    let world = world_with(unique_mail);
    world.person("scarter");
    world.serve("registration", &[email(), user_details(), define(), create()]);
    let theirs = at_the_code(&world, 0, &json!({ "mail": "scarter@example.test", "code": CODE }));
    assert_eq!(message(&world, "registration", &theirs, &code(CODE)), "Invalid code", "SEC-01");
}

#[test]
fn a_restored_store_takes_no_token_that_is_older_than_the_restoring() {
    let world = world();
    let token_there = at_the_code(&world, 2, &of("bjensen"));
    world.ledger.rows().not_before = world.clock.unix_seconds();
    assert_eq!(message(&world, "reset", &token_there, &code(CODE)), "Snapshot token has expired");
}
