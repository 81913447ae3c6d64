//! SEC-32, SEC-33: whatever order, repetition or subset of inputs arrives, an account exists only when every configured stage was passed,
//! in order, each by its own answer.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::*;
use crate::newcomer::*;

/// What a client may send, good or bad.
fn input(kind: usize, world: &World) -> Value {
    let code = || world.mails().last().filter(|mail| mail.body.contains("&code=")).map_or_else(|| "none".into(), |mail| link_of(mail).1);
    match kind {
        0 => json!({}),
        1 => json!({"user": newcomer("newbie")}),
        2 => json!({"user": {"userName": "newbie"}}),
        3 => json!({"accept": "true"}),
        4 => json!({"accept": "false"}),
        5 => json!({"kba": two_answers()}),
        6 => json!({"kba": []}),
        7 => json!({ "code": code() }),
        8 => json!({"code": "0b2f6a1c-1111-4222-8333-444455556666"}),
        9 => json!({"response": "human"}),
        10 => json!({"response": "robot"}),
        11 => json!({"consentGiven": "true"}),
        _ => {
            json!({"user": newcomer("newbie"), "accept": "true", "kba": two_answers(), "response": "human", "consentGiven": "true", "code": code()})
        }
    }
}

/// The answer a stage passes with.
fn passes(stage: &str, kind: usize) -> bool {
    match stage {
        "userDetails" | "idmUserDetails" => kind == 1 || kind == 12,
        "termsAndConditions" => kind == 3 || kind == 12,
        "kbaSecurityAnswerDefinitionStage" => kind == 5 || kind == 12,
        "emailValidation" => kind == 7 || kind == 12,
        "captcha" => kind == 9 || kind == 12,
        "consent" => kind == 11 || kind == 12,
        _ => true,
    }
}

fn shapes() -> Vec<(bool, Vec<Value>)> {
    vec![
        (false, vec![terms(), captcha(), user_details(), email(), define(), create(), auto_login()]),
        (false, vec![consent(), idm_user_details(), define(), terms(), email(), create()]),
        (true, vec![captcha(), terms(), define(), consent(), idm_user_details(), email(), create(), auto_login()]),
    ]
}

/// Inputs, and how far back the token is taken from: often a good answer to the newest question, so that many runs come to an end.
fn steps() -> impl Strategy<Value = Vec<(usize, usize)>> {
    let kind = prop_oneof![2 => Just(12_usize), 3 => 0_usize..13];
    let back = prop_oneof![4 => Just(0_usize), 1 => 0_usize..4];
    prop::collection::vec((kind, back), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn sec_33_an_account_means_that_every_stage_was_passed(shape in 0_usize..3, steps in steps()) {
        let world = world();
        let (joined, stages) = shapes().swap_remove(shape);
        world.serve_file("registration", &json!({"allInOneRegistration": joined, "stageConfigs": stages}));
        // Every token with the stages that were passed on the way to it.
        let mut held: Vec<(Option<String>, String, Vec<String>)> = vec![(None, world.initial("registration")["type"].as_str().unwrap().to_owned(), Vec::new())];
        let mut accounts = 0;
        for (kind, back) in steps {
            // Mostly the newest token, sometimes an older one.
            let (issued, stage, passed) = held[held.len() - 1 - back.min(held.len() - 1)].clone();
            let Ok(body) = world.submit("registration", issued.as_deref(), &input(kind, &world)) else { continue };
            let mut passed = passed.clone();
            let next = body["type"].as_str().unwrap().to_owned();
            let end = body["tag"] == "end";
            if next != stage || end {
                prop_assert!(stage == "allInOneRegistration" || passes(&stage, kind), "{stage} passed with {kind}");
                passed.push(stage);
            }
            if end {
                accounts += 1;
                let asking: Vec<String> = if joined {
                    vec!["allInOneRegistration".into(), "emailValidation".into()]
                } else {
                    let names = stages.iter().map(|stage| stage["name"].as_str().unwrap().to_owned());
                    names.filter(|name| !["selfRegistration", "localAutoLogin"].contains(&name.as_str())).collect()
                };
                prop_assert_eq!(passed, asking);
            } else {
                let issued = token(&body).to_owned();
                assert_no_secret("an opened token", &opened(&issued));
                held.push((Some(issued), next, passed));
            }
            prop_assert_eq!(account(&world, "newbie").is_some(), accounts == 1);
            prop_assert!(accounts < 2);
        }
        for event in &world.ledger.rows().audit {
            assert_no_secret("the audit trail", &format!("{event:?}"));
        }
    }
}
