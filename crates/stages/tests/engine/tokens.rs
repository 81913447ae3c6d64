//! Tokens across changes: of the definition, of the process, of the time.

use crest::Clock as _;
use serde_json::{Value, json};

use crate::harness::*;

fn file(extra: Value) -> Value {
    let mut file = extra;
    file["stageConfigs"] = json!([parameters(), user_query(), email(), reset()]);
    file
}

fn message(world: &World, process: &str, token: &str, input: &Value) -> String {
    let error = world.submit(process, Some(token), input).unwrap_err();
    assert_eq!(error.code, 400);
    error.message
}

#[test]
fn people_in_flight_finish_on_the_definition_they_began_with() {
    let world = World::new();
    world.person("bjensen");
    world.serve_file("reset", &file(json!({})));
    let asked = world.step("reset", None, json!({}));
    // The operator takes the mail out and puts the questions in.
    world.serve("reset", &[parameters(), user_query(), kba(), reset()]);
    let old = world.step("reset", Some(token(&asked)), query("userName eq \"bjensen\""));
    assert_eq!(old["type"], "emailValidation");
    let fresh = world.step("reset", None, json!({}));
    let new = world.step("reset", Some(token(&fresh)), query("userName eq \"bjensen\""));
    assert_eq!(new["type"], "kbaSecurityAnswerVerificationStage");
    world.table.revoke("reset");
    world.serve_file("reset", &file(json!({})));
    assert_eq!(message(&world, "reset", token(&new), &answers(&new)), "Invalid token");
}

#[test]
fn a_changed_form_of_tokens_leaves_the_old_ones_good() {
    let world = World::new();
    world.person("bjensen");
    let forms = [
        json!({"snapshotToken": {"type": "jwt", "jweAlgorithm": "RSAES_PKCS1_V1_5", "encryptionMethod": "A128CBC_HS256", "jwsAlgorithm": "HS256"}}),
        json!({"snapshotToken": {"type": "uuid"}, "storage": "local"}),
        json!({}),
    ];
    for form in &forms {
        world.serve_file("reset", &file(form.clone()));
        let asked = world.step("reset", None, json!({}));
        for other in &forms {
            world.serve_file("reset", &file(other.clone()));
            assert_eq!(
                world.step("reset", Some(token(&asked)), query("userName eq \"bjensen\""))["type"],
                "emailValidation",
                "{form} then {other}"
            );
        }
    }
}

#[test]
fn short_tokens_have_sixteen_characters_and_keep_nothing_with_the_client() {
    let world = World::new();
    world.person("bjensen");
    world.serve_file("reset", &file(json!({"snapshotToken": {"type": "uuid"}, "storage": "local"})));
    let asked = world.step("reset", None, json!({}));
    assert_eq!(token(&asked).len(), 16);
    for unknown in ["AAAAAAAAAAAAAAAA", "../../etc/passwd", "", "x"] {
        assert_eq!(message(&world, "reset", unknown, &json!({})), "Invalid snapshot token", "{unknown}");
    }
}

#[test]
fn sec_08_a_token_expires_with_its_lifetime_and_every_step_begins_a_new_one() {
    for extra in
        [json!({"snapshotToken": {"type": "jwt", "tokenExpiry": "300"}}), json!({"snapshotToken": {"type": "uuid"}, "storage": "local"})]
    {
        let world = World::new();
        world.person("bjensen");
        let lifetime = if extra.get("storage").is_some() { 1800 } else { 300 };
        world.serve_file("reset", &file(extra));
        let asked = world.step("reset", None, json!({}));
        world.clock.pass(lifetime);
        let later = world.step("reset", Some(token(&asked)), query("userName eq \"bjensen\""));
        world.clock.pass(1);
        assert_eq!(message(&world, "reset", token(&asked), &json!({})), "Snapshot token has expired");
        world.clock.pass(lifetime - 1);
        let code = json!({"code": link_of(&world.last_mail()).1});
        let last = world.step("reset", Some(token(&later)), code);
        world.clock.pass(lifetime + 1);
        assert_eq!(message(&world, "reset", token(&last), &json!({"password": "N3wPassword"})), "Snapshot token has expired");
        assert!(world.has_password("bjensen", "Passw0rd"));
    }
}

#[test]
fn sec_07_what_was_issued_before_the_store_was_put_back_has_ended() {
    let world = World::new();
    world.person("bjensen");
    world.serve_file("reset", &file(json!({})));
    let asked = world.step("reset", None, json!({}));
    world.clock.pass(10);
    world.ledger.rows().not_before = world.clock.unix_seconds();
    assert_eq!(message(&world, "reset", token(&asked), &query("userName eq \"bjensen\"")), "Snapshot token has expired");
    assert!(world.mails().is_empty());
    let asked = world.step("reset", None, json!({}));
    assert_eq!(world.step("reset", Some(token(&asked)), query("userName eq \"bjensen\""))["type"], "emailValidation");
}

#[test]
fn a_token_is_good_for_its_own_process_only() {
    let world = World::new();
    world.person("bjensen");
    world.serve_file("reset", &file(json!({})));
    world.serve_file("other", &file(json!({})));
    let asked = world.step("reset", None, json!({}));
    assert_eq!(message(&world, "other", token(&asked), &query("userName eq \"bjensen\"")), "Invalid snapshot token");
}

#[test]
fn starting_leaves_nothing_behind() {
    let world = World::new();
    world.serve_file("reset", &file(json!({})));
    let cost = world.cost(|| {
        for _ in 0..3 {
            world.initial("reset");
            world.step("reset", None, json!({}));
        }
    });
    assert_eq!(cost, (0, 0, 0));
}

#[test]
fn a_bad_token_wins_over_missing_input_and_input_is_an_object() {
    let world = World::new();
    world.serve_file("reset", &file(json!({})));
    assert_eq!(message(&world, "reset", "x", &Value::Null), "Invalid snapshot token");
    for (input, expected) in [
        (json!(null), "No input provided"),
        (json!([]), "The input must be a JSON object"),
        (json!("x"), "The input must be a JSON object"),
    ] {
        assert_eq!(world.submit("reset", None, &input).unwrap_err().message, expected);
    }
}

#[test]
fn tokens_of_usual_accounts_fit_one_size_class() {
    let world = World::new();
    world.person("bjensen");
    world.person_with("x", &json!({"mail": "a.rather.long.name@department.example.test", "userName": "a.rather.long.name"}));
    world.serve_file("reset", &file(json!({})));
    let asked = world.step("reset", None, json!({}));
    let length = |filter: &str| token(&world.step("reset", Some(token(&asked)), query(filter))).len();
    let known = length("userName eq \"bjensen\"");
    assert_eq!(length("userName eq \"a.rather.long.name\""), known);
    assert_eq!(length("userName eq \"nobody\""), known);
    assert_eq!(length("mail eq \"nobody.with.a.rather.long.name@department.example.test\""), known);
}
