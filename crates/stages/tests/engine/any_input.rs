//! SEC-32, SEC-33: whatever order, repetition or subset of inputs arrives, an account exists only when every configured stage was passed,
//! in order, each by its own answer. Registrations are made of whatever stages of the catalogue collect something.

use process::{FactKind, Joined};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use crate::declared::{NAME, Walk, members};
use crate::harness::token;
use crate::newcomer::{account, opened};
use crate::types;

/// Stages that ask an anonymous caller something and need nothing before them.
fn collecting() -> Vec<&'static str> {
    let catalogue = types();
    let collects = |walk: &Walk<'_>| {
        let stages = walk.world.served(NAME);
        !stages.binds_session() && stages.stages.len() == 1 && !stages.stages[0].facts.gives.contains(&FactKind::Named)
    };
    let asking = catalogue.iter().filter(|declared| !declared.example().answers.is_empty());
    asking.filter(|declared| collects(&Walk::of(&catalogue, *declared))).map(process::StageType::name).collect()
}

/// What a client may send: what is right somewhere, all of that at once, and what is wrong everywhere.
fn inputs(walk: &Walk<'_>, stages: &[&str]) -> Vec<Value> {
    let asking: Vec<Value> = stages
        .iter()
        .filter_map(|name| walk.catalogue.find(name))
        .flat_map(|declared| declared.example().answers.into_iter().map(|answer| (declared.name(), answer.tag.0)))
        .flat_map(|(name, tag)| walk.right(&json!({ "type": name, "tag": tag })))
        .collect();
    let all: Map<String, Value> =
        asking.iter().filter_map(Value::as_object).flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
    let wrong = [
        json!({}),
        json!({"user": {"userName": "newbie"}}),
        json!({"accept": "false"}),
        json!({"kba": []}),
        json!({"code": "0b2f6a1c-1111-4222-8333-444455556666"}),
        json!({"response": "robot"}),
    ];
    std::iter::once(Value::Object(all)).chain(asking).chain(wrong).collect()
}

/// Whether a question is answered by an input.
fn answers(walk: &Walk<'_>, body: &Value, input: &Value) -> bool {
    let within = |right: &Value| right.as_object().unwrap().iter().all(|(name, value)| input.get(name) == Some(value));
    walk.asking(body).example().anything_passes || walk.right(body).iter().any(within)
}

fn assert_no_secret(what: &str, text: &str) {
    for secret in ["Passw0rd1", "\"green\"", "\"street\""] {
        assert!(!text.contains(secret), "{what} contains {secret}: {text}");
    }
}

/// Inputs, and how far back the token is taken from: often all good answers to the newest question, so that many runs come to an end.
fn steps() -> impl Strategy<Value = Vec<(Option<Index>, usize)>> {
    let input = prop_oneof![1 => Just(None), 1 => any::<Index>().prop_map(Some)];
    let back = prop_oneof![4 => Just(0_usize), 1 => 0_usize..4];
    prop::collection::vec((input, back), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn sec_33_an_account_means_that_every_stage_was_passed(
        order in Just(collecting()).prop_shuffle(), count in 1_usize..8, joined in any::<bool>(), steps in steps(),
    ) {
        let catalogue = types();
        // Of stages that ask for the same, one: a second form of details is answered with less, because the first one's count.
        let mut asked_for = Vec::new();
        let mut stages: Vec<&'static str> = order.into_iter().take(count).collect();
        stages.retain(|name| {
            let names = members(&catalogue.find(name).unwrap().example().answers[0].input);
            let is_new = !asked_for.contains(&names);
            asked_for.push(names);
            is_new
        });
        stages.push("selfRegistration");
        let mut walk = Walk::through(&catalogue, stages);
        if joined {
            walk.join();
        }
        let is_part = |name: &&str| joined && catalogue.find(name).is_some_and(|declared| declared.joined() != Joined::Never);
        let joins = walk.stages.iter().filter(|name| is_part(name)).count() > 1;
        let asking = walk.stages.iter().filter(|name| !catalogue.find(name).unwrap().example().answers.is_empty());
        let mut wanted: Vec<&str> = asking.map(|name| if joins && is_part(name) { "allInOneRegistration" } else { *name }).collect();
        let place = wanted.iter().position(|name| *name == "allInOneRegistration");
        let mut position = 0;
        wanted.retain(|name| {
            position += 1;
            *name != "allInOneRegistration" || place == Some(position - 1)
        });
        let wanted: Vec<String> = wanted.into_iter().map(str::to_owned).collect();
        // Every answer with the stages that were passed on the way to it.
        let mut held: Vec<(Value, Vec<String>)> = vec![(walk.initial(), Vec::new())];
        let mut accounts = 0;
        for (which, back) in steps {
            let (body, passed) = held[held.len() - 1 - back.min(held.len() - 1)].clone();
            let inputs = inputs(&walk, &walk.stages);
            let input = which.map_or(&inputs[0], |which| &inputs[which.index(inputs.len())]);
            // Said before it is sent: the next stage may send another mail.
            let stage = body["type"].as_str().unwrap();
            let is_answer = stage == "allInOneRegistration" || answers(&walk, &body, input);
            let Ok(submitted) = walk.send(&body, input) else { continue };
            let next = submitted.body["type"].as_str().unwrap();
            let mut passed = passed.clone();
            if next != stage || submitted.finished {
                prop_assert!(is_answer, "{stage} passed with {input}");
                passed.push(stage.to_owned());
            }
            if submitted.finished {
                accounts += 1;
                prop_assert_eq!(passed, wanted.clone());
            } else {
                assert_no_secret("an opened token", &opened(token(&submitted.body)));
                held.push((submitted.body, passed));
            }
            prop_assert_eq!(account(&walk.world, "newbie").is_some(), accounts == 1);
            prop_assert!(accounts < 2);
        }
        for event in &walk.world.ledger.rows().audit {
            assert_no_secret("the audit trail", &format!("{event:?}"));
        }
    }
}
