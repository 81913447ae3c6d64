//! SEC-33 over HTTP: whatever order, repetition or subset of inputs arrives, an account exists only when every configured stage was passed,
//! in order, each by its own answer; and the audit trail of every instance that made one says the same.
//!
//! Easiest to get wrong: counting what the client saw is half of it. A stage that is skipped inside one submission shows in no answer,
//! only in the steps that the server wrote down.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::{create, details, mail, parameters, project, questions, sign_in, terms};
use crate::support::Server;
use crate::support::mailbox::mailbox;
use crate::support::newcomer::{ANSWERS, Newcomer};
use crate::support::stages::captcha;
use crate::support::verifier::Verifier;

/// The processes with the stages that are executed, in order.
const SHAPES: [(&str, &[&str]); 3] = [
    (
        "first",
        &[
            "termsAndConditions",
            "captcha",
            "idmUserDetails",
            "emailValidation",
            "kbaSecurityAnswerDefinitionStage",
            "selfRegistration",
            "localAutoLogin",
        ],
    ),
    (
        "second",
        &["parameters", "idmUserDetails", "kbaSecurityAnswerDefinitionStage", "termsAndConditions", "emailValidation", "selfRegistration"],
    ),
    ("joined", &["allInOneRegistration", "emailValidation", "selfRegistration", "localAutoLogin"]),
];
/// Stages that ask nothing.
const SILENT: [&str; 2] = ["selfRegistration", "localAutoLogin"];
/// Kinds of input.
const KINDS: usize = 13;

fn input(kind: usize, newcomer: &Newcomer, code: &str) -> Value {
    let kba = json!([{ "questionId": "1", "answer": ANSWERS[0] }, { "customQuestion": "What do I like on toast?", "answer": ANSWERS[1] }]);
    match kind {
        0 => json!({}),
        1 => json!({ "user": newcomer.user() }),
        2 => json!({ "user": { "userName": newcomer.name } }),
        3 => json!({ "accept": "true" }),
        4 => json!({ "accept": "false" }),
        5 => json!({ "kba": kba }),
        6 => json!({ "kba": [] }),
        7 => json!({ "code": code }),
        8 => json!({ "code": "0b2f6a1c-1111-4222-8333-444455556666" }),
        9 => json!({ "response": "good" }),
        10 => json!({ "response": "bad" }),
        11 => json!({ "input": {} }),
        _ => json!({ "user": newcomer.user(), "accept": "true", "kba": kba, "response": "good", "code": code }),
    }
}

/// Whether a stage may be passed with an input.
fn passes(stage: &str, kind: usize) -> bool {
    let whole = kind == KINDS - 1;
    match stage {
        "idmUserDetails" => kind == 1 || whole,
        "termsAndConditions" => kind == 3 || whole,
        "kbaSecurityAnswerDefinitionStage" => kind == 5 || whole,
        "emailValidation" => kind == 7 || whole,
        "captcha" => kind == 9 || whole,
        _ => true,
    }
}

/// A token, the question that came with it, and the stages that were passed until then.
#[derive(Clone)]
struct Held {
    token: Option<String>,
    stage: String,
    passed: Vec<String>,
}

/// One newcomer's attempts; whether they made an account.
fn tries(server: &Server, shape: usize, steps: &[(usize, usize)]) -> bool {
    let (process, stages) = SHAPES[shape];
    let (client, newcomer) = (server.anonymous(), Newcomer::new("anyinput"));
    let first = client.get(&format!("selfservice/{process}")).ok()["type"].as_str().unwrap().to_owned();
    let mut held = vec![Held { token: None, stage: first, passed: Vec::new() }];
    let (mut code, mut ends) = ("none".to_owned(), 0);
    for (kind, back) in steps {
        // Mostly the newest token, sometimes an older one.
        let Held { token, stage, mut passed } = held[held.len() - 1 - back.min(&(held.len() - 1))].clone();
        let answer = client.submit(process, token.as_deref(), &input(*kind, &newcomer, &code));
        assert!([200, 400, 403].contains(&answer.status), "{} {}", answer.status, answer.text());
        if answer.status != 200 {
            continue;
        }
        let body = answer.json();
        let (next, end) = (body["type"].as_str().unwrap().to_owned(), body["tag"] == "end");
        if next != stage || end {
            assert!(passes(&stage, *kind), "{stage} passed with input {kind}");
            passed.push(stage);
        }
        if end {
            ends += 1;
            let asking: Vec<&str> = stages.iter().copied().filter(|name| !SILENT.contains(name)).collect();
            assert_eq!(passed, asking, "{process}");
        } else {
            let token = body["token"].as_str().unwrap().to_owned();
            if next == "emailValidation" {
                code = newcomer.link(mailbox(), &token).code;
            }
            held.push(Held { token: Some(token), stage: next, passed });
        }
        assert_eq!(newcomer.accounts(server).len(), ends, "{process}");
        assert!(ends < 2, "{process}");
    }
    assert_eq!(newcomer.accounts(server).len(), ends, "{process}");
    ends == 1
}

/// The stages that were completed, with the process, of every instance that made an account.
fn executed(server: &Server) -> Vec<(String, BTreeSet<(u64, String)>)> {
    let text = std::fs::read_to_string(server.data().join("audit/process.audit.json")).unwrap();
    let mut instances: BTreeMap<String, (String, BTreeSet<(u64, String)>)> = BTreeMap::new();
    for event in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let (Some(instance), Some(path)) = (event["detail"]["instance"].as_str(), event["objectId"].as_str()) else { continue };
        let (_, completed) =
            instances.entry(instance.to_owned()).or_insert_with(|| (path.replacen("selfservice/", "", 1), BTreeSet::new()));
        let steps = event["detail"]["steps"].as_array().into_iter().flatten().filter(|step| step["outcome"] == "completed");
        completed.extend(steps.map(|step| (step["index"].as_u64().unwrap(), step["stage"].as_str().unwrap().to_owned())));
    }
    instances.into_values().filter(|(_, completed)| completed.iter().any(|(_, stage)| stage == "selfRegistration")).collect()
}

fn steps() -> impl Strategy<Value = Vec<(usize, usize)>> {
    let kind = prop_oneof![3 => Just(KINDS - 1), 2 => 0..KINDS];
    let back = prop_oneof![5 => Just(0_usize), 1 => 0_usize..4];
    proptest::collection::vec((kind, back), 1..24)
}

#[test]
fn sec_33_the_executed_stages_of_every_created_account_are_the_configured_ones() {
    let verifier = Verifier::start();
    let joined = [captcha(&verifier.uri()), terms(), questions(), details(), mail(), create(), sign_in()];
    let project = project(&verifier)
        .process("first", &[terms(), captcha(&verifier.uri()), details(), mail(), questions(), create(), sign_in()])
        .process("second", &[parameters(), details(), questions(), terms(), mail(), create()])
        .definition("joined", &json!({ "allInOneRegistration": true, "stageConfigs": joined }));
    let mut server = Server::on(project).start();
    let made = Cell::new(0);
    let seen = RefCell::new(BTreeSet::new());
    // The same cases everywhere.
    let config = ProptestConfig { cases: 48, max_shrink_iters: 64, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let done = runner.run(&(0..SHAPES.len(), steps()), |(shape, steps)| {
        if tries(&server, shape, &steps) {
            made.set(made.get() + 1);
            seen.borrow_mut().insert(shape);
        }
        Ok(())
    });
    done.unwrap_or_else(|error| panic!("{error}"));
    assert!(
        made.get() >= 6 && seen.borrow().len() == SHAPES.len(),
        "{} accounts of {:?}: too few to say anything",
        made.get(),
        seen.borrow()
    );

    assert_eq!(server.stop(), Some(0));
    let executed = executed(&server);
    assert_eq!(executed.len(), made.get(), "every account was made by an instance that says so, and no other does");
    for (process, stages) in executed {
        let configured = SHAPES.iter().find(|(name, _)| *name == process).unwrap().1;
        let configured: BTreeSet<(u64, String)> = (0..).zip(configured.iter().map(|name| (*name).to_owned())).collect();
        assert_eq!(stages, configured, "{process}");
    }
}
