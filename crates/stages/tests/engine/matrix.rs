//! No stage can be skipped: not by empty, unknown, early or repeated input, not by the proof of another stage or another person.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::*;

fn world() -> World {
    let world = World::new();
    world.person("bjensen");
    world.person("scarter");
    world.serve("reset", &ORDER.map(stage));
    world
}

const ORDER: [&str; 6] =
    ["captcha", "userQuery", "validateActiveAccount", "emailValidation", "kbaSecurityAnswerVerificationStage", "resetStage"];
const ASKING: [&str; 5] = ["captcha", "userQuery", "emailValidation", "kbaSecurityAnswerVerificationStage", "resetStage"];

fn stage(name: &str) -> Value {
    match name {
        "captcha" => captcha(),
        "userQuery" => user_query(),
        "validateActiveAccount" => active(),
        "emailValidation" => email(),
        "kbaSecurityAnswerVerificationStage" => kba(),
        _ => reset(),
    }
}

/// The right input for the stage that `body` asks for.
fn right(world: &World, body: &Value) -> Value {
    match body["type"].as_str().unwrap() {
        "captcha" => json!({"response": "human"}),
        "userQuery" => query("userName eq \"bjensen\""),
        "emailValidation" => json!({"code": link_of(&world.last_mail()).1}),
        "kbaSecurityAnswerVerificationStage" => answers(body),
        _ => json!({"password": "N3wPassword"}),
    }
}

/// Every kind of input that must not get past `stage`; `others` are right inputs of other stages.
fn wrong(stage: &str, others: &[Value]) -> Vec<Value> {
    let mut inputs = vec![
        json!({}),
        json!({"unknown": "x"}),
        json!({"token": "x", "input": {"code": "x", "password": "x"}}),
        json!({"status": {"success": true}, "type": stage, "tag": "end"}),
        json!({"facts": [{"f": "controlsMail"}], "userId": "scarter", "subject": {"c": "managed/user", "i": "scarter"}}),
    ];
    for name in ["response", "queryFilter", "mail", "code", "answer1", "answer2", "password"] {
        let values = [json!(null), json!(""), json!(" "), json!(true), json!(0), json!([]), json!({}), json!(["human"]), json!("\u{0}")];
        // A blank is a wrong value of any stage but a password, which its policies judge.
        inputs.extend(values.into_iter().map(|value| json!({ name: value })));
    }
    inputs.extend(others.iter().cloned());
    inputs
}

#[test]
fn sec_32_nothing_but_the_right_answer_advances_any_stage() {
    let world = world();
    let samples = [
        ("captcha", json!({"response": "human"})),
        ("userQuery", query("userName eq \"bjensen\"")),
        ("emailValidation", json!({"code": "0b2f6a1c-1111-4222-8333-444455556666"})),
        ("resetStage", json!({"password": "N3wPassword"})),
    ];
    let mut body = world.initial("reset");
    let mut at: Option<String> = None;
    for expected in ASKING {
        assert_eq!(body["type"], expected);
        let others: Vec<Value> = samples.iter().filter(|(name, _)| *name != expected).map(|(_, input)| input.clone()).collect();
        let limit = if ["emailValidation", "kbaSecurityAnswerVerificationStage"].contains(&expected) { 4 } else { usize::MAX };
        let mut counted = 0;
        for input in wrong(expected, &others) {
            // Codes and answers die of five attempts: past four, only what is not counted is tried.
            let counts =
                input.get("code").or(input.get("answer1")).is_some_and(|value| value.as_str().is_some_and(|text| !text.is_empty()));
            if counts && counted >= limit {
                continue;
            }
            counted += usize::from(counts);
            match world.submit("reset", at.as_deref(), &input) {
                Err(error) => assert_eq!(error.code, 400, "{expected} {input}: {error}"),
                Ok(answer) => assert_eq!(
                    (&answer["type"], answer["requirements"].get("error").is_some()),
                    (&json!(expected), true),
                    "{expected} {input}"
                ),
            }
        }
        let input = right(&world, &body);
        body = world.step("reset", at.as_deref(), input);
        at = body["token"].as_str().map(str::to_owned);
    }
    assert_eq!(body["tag"], "end");
}

#[test]
fn sec_32_a_right_answer_is_not_one_for_the_stage_after() {
    let world = world();
    let mut body = world.initial("reset");
    let mut at: Option<String> = None;
    let mut previous: Vec<Value> = Vec::new();
    for expected in ASKING {
        for input in &previous {
            let again = world.submit("reset", at.as_deref(), input);
            assert!(again.is_err(), "{expected} {input}");
        }
        let input = right(&world, &body);
        previous.push(input.clone());
        body = world.step("reset", at.as_deref(), input);
        at = body["token"].as_str().map(str::to_owned);
    }
}

#[test]
fn sec_31_a_proof_of_one_person_is_no_proof_of_another() {
    let world = World::new();
    world.person("bjensen");
    world.person("scarter");
    // Whoever proves his own account first cannot name another one afterwards.
    let renamed = json!({"stageConfigs": [user_query(), email(), user_query(), reset()]});
    assert!(world.compile("reset", &renamed).process.is_none());
    let twice = [user_query(), email(), user_query(), kba(), reset()];
    world.serve("twice", &twice);
    let asked = world.step("twice", None, query("userName eq \"scarter\""));
    let asked = world.step("twice", Some(token(&asked)), json!({"code": link_of(&world.last_mail()).1}));
    let asked = world.step("twice", Some(token(&asked)), query("userName eq \"bjensen\""));
    assert_eq!(asked["type"], "kbaSecurityAnswerVerificationStage");
    let error = world.submit("twice", Some(token(&asked)), &json!({"answer1": "guess"})).unwrap_err();
    assert_eq!(error.message, "Answers are not matched");
}

#[test]
fn sec_31_going_back_to_name_another_person_loses_the_proof() {
    let world = World::new();
    world.person("bjensen");
    world.person("scarter");
    world.serve("reset", &[parameters(), user_query(), email(), reset()]);
    let start = world.step("reset", None, json!({}));
    let mine = world.step("reset", Some(token(&start)), query("userName eq \"scarter\""));
    let my_code = link_of(&world.last_mail()).1;
    world.step("reset", Some(token(&mine)), json!({ "code": my_code }));
    let hers = world.step("reset", Some(token(&start)), query("userName eq \"bjensen\""));
    assert_eq!(world.submit("reset", Some(token(&hers)), &json!({ "code": my_code })).unwrap_err().message, "Invalid code");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever is sent, with whichever token: what was executed when the process ends is the definition, in its order.
    #[test]
    fn sec_33_the_stages_before_the_end_are_the_definitions_own(moves in prop::collection::vec((0_usize..8, 0_usize..9), 5..60)) {
        let world = world();
        let mut bodies: Vec<Value> = Vec::new();
        let mut passed: Vec<Vec<&'static str>> = Vec::new();
        for (which, what) in moves {
            let from = if bodies.is_empty() { None } else { bodies.len().checked_sub(1 + which % bodies.len()) };
            let body = from.map_or_else(|| world.initial("reset"), |index| bodies[index].clone());
            let input = match what {
                0 => json!({}),
                1 => json!({"response": "human"}),
                2 => query("userName eq \"bjensen\""),
                3 => json!({"code": "wrong", "answer1": "wrong"}),
                4 => json!({"password": "N3wPassword"}),
                // Mostly what gets on, or nothing would ever end.
                _ if body["type"] == "emailValidation" && world.mails().is_empty() => json!({}),
                _ => right(&world, &body),
            };
            let Ok(submitted) = world.submit_whole("reset", body["token"].as_str(), &input) else { continue };
            let mut done = from.map_or_else(Vec::new, |index| passed[index].clone());
            done.extend(submitted.steps.iter().filter(|step| step.outcome == process::StepOutcome::Completed).map(|step| step.stage));
            prop_assert_eq!(&done[..], &ORDER[..done.len()], "each stage completes in its place");
            if submitted.finished {
                prop_assert_eq!(&done[..], &ORDER[..]);
                prop_assert_eq!(world.has_password("bjensen", "N3wPassword"), true);
                return Ok(());
            }
            prop_assert!(done.len() < ORDER.len());
            prop_assert!(world.has_password("bjensen", "Passw0rd"), "nothing changes before the end");
            bodies.push(submitted.body);
            passed.push(done);
        }
        prop_assert!(world.has_password("bjensen", "Passw0rd"));
    }
}
