//! No stage can be skipped: not by empty, unknown, early or repeated input, not by the proof of another stage or another person. Driven by
//! the catalogue: what a stage asks, and what answers it, its declaration says.

use process::StepOutcome;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::declared::{Walk, asked, members};
use crate::harness::*;
use crate::newcomer::opened;
use crate::types;

/// Inputs that answer no question of any stage.
fn nonsense(stage: &str) -> Vec<Value> {
    vec![
        json!({}),
        json!({"unknown": "x"}),
        json!({"token": "x", "input": {"code": "x", "password": "x"}}),
        json!({"status": {"success": true}, "type": stage, "tag": "end"}),
        json!({"facts": [{"f": "controlsMail"}], "userId": "scarter", "subject": {"c": "managed/user", "i": "scarter"}}),
    ]
}

/// Every kind of input that must not get past the question of `body`: nonsense, odd values of whatever any stage asks for, and what is
/// right elsewhere. `before` was right earlier in this process.
fn wrong(walk: &Walk<'_>, body: &Value, before: &[Value]) -> Vec<Value> {
    let answers: Vec<Value> = walk
        .catalogue
        .iter()
        .flat_map(|declared| declared.example().answers)
        .map(|answer| answer.input)
        .chain(before.iter().cloned())
        .collect();
    let (right, here) = (walk.right(body), asked(body));
    let mut inputs = nonsense(body["type"].as_str().unwrap());
    let mut names: Vec<String> = answers.iter().flat_map(members).chain(here.iter().cloned()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let values = [json!(null), json!(""), json!(" "), json!(true), json!(0), json!([]), json!({}), json!(["human"]), json!("\u{0}")];
        inputs.extend(values.into_iter().map(|value| json!({ &name: value })));
    }
    // The same member with a value that is right somewhere else may well be right here.
    inputs.extend(
        answers.into_iter().filter(|answer| !members(answer).iter().any(|name| here.contains(name) || right[0].get(name).is_some())),
    );
    inputs.retain(|input| !right.contains(input));
    inputs
}

/// Tries everything wrong on one question. Nothing may complete the stage, or change anything.
fn attack(walk: &Walk<'_>, body: &Value, before: &[Value]) {
    let stage = walk.asking(body);
    let stored = walk.stored();
    if stage.example().anything_passes {
        let done = walk.send(body, &json!({})).unwrap_or_else(|error| panic!("{}: {error}", stage.name()));
        assert_ne!((&done.body["type"], &done.body["tag"]), (&body["type"], &body["tag"]), "whatever is sent, it goes on");
        return;
    }
    for input in wrong(walk, body, before) {
        // Codes and answers die of five attempts; what is tried here is whether any of them passes.
        walk.world.ledger.rows().counters.clear();
        match walk.send(body, &input) {
            Err(error) => assert!((400..500).contains(&error.code), "{} {input}: {error}", stage.name()),
            Ok(answer) => {
                assert_eq!((&answer.body["type"], &answer.body["tag"]), (&body["type"], &body["tag"]), "{} {input}", stage.name());
                let completed = answer.steps.iter().any(|step| step.outcome == StepOutcome::Completed);
                assert!(!completed && !answer.finished, "{} {input} {:?}", stage.name(), answer.steps);
            }
        }
    }
    walk.world.ledger.rows().counters.clear();
    assert_eq!(walk.stored(), stored, "{}", stage.name());
}

#[test]
fn sec_32_nothing_but_the_right_answer_advances_any_stage() {
    let catalogue = types();
    for declared in catalogue.iter() {
        let walk = Walk::of(&catalogue, declared);
        let mut seen = Vec::new();
        let mut before = Vec::new();
        let end = walk.to_the_end(|body| {
            attack(&walk, body, &before);
            before.push(walk.right(body).remove(0));
            if body["type"] == declared.name() {
                seen.push(body["tag"].as_str().unwrap().to_owned());
            }
        });
        assert_eq!(end["tag"], "end");
        let questions: Vec<&str> = declared.example().answers.iter().map(|answer| answer.tag.0).collect();
        assert_eq!(seen, questions, "{} asks what its example answers", declared.name());
    }
}

#[test]
fn every_right_answer_is_taken_in_every_spelling() {
    let catalogue = types();
    for declared in catalogue.iter() {
        let spellings = declared.example().answers.iter().map(|answer| answer.also.len()).max().unwrap_or(0);
        for spelling in 0..=spellings {
            let walk = Walk { spelling, ..Walk::of(&catalogue, declared) };
            assert_eq!(walk.to_the_end(|_| {})["tag"], "end", "{} {spelling}", declared.name());
        }
    }
}

/// A client's parameters share the state with the stages, so what a stage keeps there must be declared. An address and a user name are
/// also what somebody types, and a nested or foreign stage keeps its own under its place.
#[test]
fn what_a_stage_keeps_in_the_state_is_declared() {
    let catalogue = types();
    let declared: Vec<&str> =
        catalogue.iter().flat_map(process::StageType::state).copied().chain(["mail", "userName", "returnParams"]).collect();
    for stage in catalogue.iter() {
        let walk = Walk::of(&catalogue, stage);
        walk.to_the_end(|body| {
            let Some(token) = body["token"].as_str() else { return };
            let context: Value = serde_json::from_str(&opened(token)).unwrap();
            for name in members(&context["d"]) {
                assert!(declared.contains(&name.as_str()) || name.contains("/stageConfigs/"), "{} keeps '{name}'", stage.name());
            }
        });
    }
}

#[test]
fn sec_31_a_proof_of_one_person_is_no_proof_of_another() {
    let world = World::new();
    world.person("bjensen");
    world.person("scarter");
    // Whoever proves their own account first cannot name another one afterwards.
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
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is sent, with whichever token, to the process of any stage: what was executed when it ends is the definition, in its order,
    /// and nothing changes before.
    #[test]
    fn sec_33_the_stages_before_the_end_are_the_definitions_own(
        which in any::<prop::sample::Index>(),
        moves in prop::collection::vec((0_usize..8, any::<prop::sample::Index>(), 0_u8..3), 5..60),
    ) {
        let catalogue = types();
        let types: Vec<_> = catalogue.iter().collect();
        // The longer way to a new password, besides the examples.
        let long = vec!["captcha", "userQuery", "validateActiveAccount", "emailValidation", "kbaSecurityAnswerVerificationStage", "resetStage"];
        let place = which.index(types.len() + 1);
        let walk = types.get(place).map_or_else(|| Walk::through(&catalogue, long), |declared| Walk::of(&catalogue, *declared));
        let pool: Vec<Value> = types.iter().flat_map(|declared| declared.example().answers).map(|answer| answer.input).collect();
        let before = walk.stored();
        let mut bodies: Vec<Value> = vec![walk.initial()];
        let mut passed: Vec<Vec<&'static str>> = vec![Vec::new()];
        for (back, from_pool, kind) in moves {
            let from = bodies.len() - 1 - back.min(bodies.len() - 1);
            let body = bodies[from].clone();
            let answered = walk.asking(&body).example().answers.iter().any(|answer| body["tag"] == answer.tag.0);
            let input = match kind {
                0 => pool[from_pool.index(pool.len())].clone(),
                1 => json!({}),
                // Mostly what gets on, or nothing would ever end.
                _ if answered => walk.right(&body).remove(0),
                _ => json!({}),
            };
            let Ok(submitted) = walk.send(&body, &input) else { continue };
            let mut done = passed[from].clone();
            done.extend(submitted.steps.iter().filter(|step| step.outcome == StepOutcome::Completed).map(|step| step.stage));
            prop_assert_eq!(&done[..], &walk.stages[..done.len()], "each stage completes in its place");
            if submitted.finished {
                prop_assert_eq!(&done[..], &walk.stages[..]);
                return Ok(());
            }
            prop_assert!(done.len() < walk.stages.len());
            prop_assert_eq!(walk.stored(), before.clone(), "nothing changes before the end");
            bodies.push(submitted.body);
            passed.push(done);
        }
        prop_assert_eq!(walk.stored(), before);
    }
}
