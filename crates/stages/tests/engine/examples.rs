//! The stages of `docs/contributing`, as they stand there: what is special about each. What every stage must do, they are tried with by
//! the tests of all stages.

use process::InstanceId;
use serde_json::{Value, json};

use crate::declared::{NAME, Walk, configuration};
use crate::harness::*;
use crate::newcomer::*;
use crate::{race, types};

const CODE: &str = "5f1c9a0e7b3d4c26";

/// A registration of these stages of the catalogue, in a world where both examples work.
fn serving(stages: &[Value]) -> World {
    let mut world = world();
    world
        .companions
        .extend(types().iter().flat_map(|declared| declared.example().companions).filter(|(name, _)| name.starts_with("file:")));
    world.serve_with("registration", &json!({ "stageConfigs": stages }), &types());
    world
}

fn of(name: &str) -> Value {
    configuration(types().find(name).unwrap())
}

fn typed(world: &World) -> Value {
    world.step("registration", None, json!({ "invitationCode": CODE }))
}

fn is_taken(world: &World) -> bool {
    world.ledger.rows().spent.contains_key(&InstanceId::of_thing("invitation code", &process::sha256_hex(CODE)))
}

#[test]
fn the_lines_of_the_table_are_those_that_are_compiled() {
    let page = include_str!("../../../../docs/contributing/adding-a-stage.md");
    let blocks: Vec<&str> = page.split("```rust\n").skip(1).filter_map(|block| block.split("```").next()).map(str::trim).collect();
    let lines: Vec<&str> = blocks.into_iter().filter(|block| !block.starts_with("{{#include")).collect();
    assert_eq!(lines, crate::LINES);
}

#[test]
fn sec_07_of_a_hundred_who_finish_at_once_with_one_code_one_has_an_account() {
    let world = serving(&[of("invitationCode"), user_details(), create()]);
    let forms: Vec<Value> = (0..100).map(|_| typed(&world)).collect();
    let outcomes = race(100, |n| world.submit("registration", Some(token(&forms[n])), &json!({"user": newcomer(&format!("person{n}"))})));
    let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert_eq!(refused.len(), 99);
    for error in refused {
        assert_eq!((error.code, error.message.as_str()), (400, "This invitation code was used already"));
    }
    let accounts = (0..100).filter(|n| account(&world, &format!("person{n}")).is_some()).count();
    assert_eq!(accounts, 1);
}

#[test]
fn a_code_is_used_when_the_account_exists_and_not_when_it_was_typed() {
    let world = serving(&[of("invitationCode"), user_details(), create()]);
    let left = typed(&world);
    assert!(!is_taken(&world));
    world.step("registration", Some(token(&typed(&world))), json!({"user": newcomer("first")}));
    assert!(is_taken(&world));
    let late = world.submit("registration", Some(token(&left)), &json!({"user": newcomer("second")})).unwrap_err();
    assert_eq!((late.code, late.message.as_str()), (400, "This invitation code was used already"));
    let again = world.submit("registration", None, &json!({ "invitationCode": CODE })).unwrap_err();
    assert_eq!((again.code, again.message.as_str()), (400, "The invitation code is not valid"));
    assert!(account(&world, "second").is_none());
    world.step("registration", None, json!({ "invitationCode": "a90b7d2e4f6c8135" }));
}

#[test]
fn a_registration_that_fails_leaves_the_code() {
    let world = serving(&[of("invitationCode"), user_details(), create()]);
    world.step(
        "registration",
        Some(token(&world.step("registration", None, json!({ "invitationCode": "a90b7d2e4f6c8135" })))),
        json!({"user": newcomer("first")}),
    );
    let form = typed(&world);
    assert_eq!(world.submit("registration", Some(token(&form)), &json!({"user": newcomer("first")})).unwrap_err().code, 403);
    assert!(!is_taken(&world));
    world.step("registration", Some(token(&form)), json!({"user": newcomer("second")}));
    assert!(is_taken(&world));
}

/// The account may be stored before the process ends: when a stage behind it asks, or runs on what is stored.
#[test]
fn a_code_is_used_in_the_transaction_that_makes_the_account_wherever_that_is() {
    let asks = serving(&[of("invitationCode"), user_details(), create(), terms()]);
    let body = asks.step("registration", Some(token(&typed(&asks))), json!({"user": newcomer("newbie")}));
    assert_eq!((&body["type"], account(&asks, "newbie").is_some(), is_taken(&asks)), (&json!("termsAndConditions"), true, true));
    assert_eq!(context(token(&body)).taking, []);
    asks.step("registration", Some(token(&body)), json!({"accept": "true"}));

    let signs_in = serving(&[of("invitationCode"), user_details(), create(), am_auto_login()]);
    let forms = [typed(&signs_in), typed(&signs_in)];
    signs_in.step("registration", Some(token(&forms[0])), json!({"user": newcomer("newbie")}));
    assert!(is_taken(&signs_in) && account(&signs_in, "newbie").is_some());
    signs_in.submit("registration", Some(token(&forms[1])), &json!({"user": newcomer("second")})).unwrap_err();
    assert!(account(&signs_in, "second").is_none());
}

#[test]
fn who_types_another_code_takes_the_last_one() {
    let world = serving(&[of("invitationCode"), user_details(), create()]);
    let first = typed(&world);
    assert_eq!(context(token(&first)).taking.len(), 1);
    assert!(opened(token(&first)).contains(&process::sha256_hex(CODE)) && !opened(token(&first)).contains(CODE));
    for wrong in ["", "5f1c", "5f1c9a0e7b3d4c26x", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"] {
        assert_eq!(world.submit("registration", None, &json!({ "invitationCode": wrong })).unwrap_err().code, 400, "{wrong}");
    }
}

#[test]
fn an_address_of_another_domain_registers_nobody() {
    let world = serving(&[idm_user_details(), of("emailDomain"), create()]);
    for (name, address, fits) in [
        ("willow", "willow@example.test", true),
        ("poplar", "Poplar@EXAMPLE.Test", true),
        ("walnut", "walnut@example.test.evil.test", false),
        ("linden", "linden@sub.example.test", false),
        ("laurel", "\"x@example.test\"@evil.test", false),
    ] {
        let mut user = newcomer(name);
        user["mail"] = json!(address);
        let done = world.submit("registration", None, &json!({ "user": user }));
        assert_eq!(done.is_ok(), fits, "{address} {done:?}");
        assert_eq!(account(&world, name).is_some(), fits, "{address}");
    }
}

#[test]
fn the_examples_are_found_wrong_where_they_are() {
    let world = serving(&[user_details(), create()]);
    for (stage, rule, pointer) in [
        (json!({"name": "emailDomain", "domains": ["@example.test"]}), "wrong-value", "/stageConfigs/0/domains/0"),
        (json!({"name": "emailDomain"}), "missing-key", "/stageConfigs/0"),
        (json!({"name": "invitationCode", "file": "conf/nowhere.txt"}), "missing-file", "/stageConfigs/0/file"),
    ] {
        let issues = world.compile_with(NAME, &json!({ "stageConfigs": [stage] }), &types()).issues;
        assert!(issues.iter().any(|issue| issue.rule == rule && issue.pointer == pointer), "{issues:#?}");
    }
    let catalogue = types();
    let names = Walk::of(&catalogue, catalogue.find("emailDomain").unwrap()).stages;
    assert_eq!(names, ["emailValidation", "emailDomain"]);
}
