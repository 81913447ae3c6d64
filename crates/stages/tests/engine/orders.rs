//! Whole processes, in every order of stages that real projects have (docs/protocol/project-files.md), with both kinds of token.

use serde_json::{Value, json};

use crate::harness::*;

fn reset_orders() -> Vec<Vec<Value>> {
    vec![
        vec![parameters(), user_query(), kba(), reset()],
        vec![user_query(), kba(), reset()],
        vec![parameters(), user_query(), email(), reset()],
        vec![parameters(), user_query(), active(), email(), kba(), reset()],
        vec![user_query(), active(), email(), reset()],
        vec![parameters(), user_query(), email(), kba(), reset()],
        vec![user_query(), email(), reset()],
        vec![user_query(), email(), kba(), reset()],
        vec![user_query(), active(), email(), kba(), reset()],
        // Not counted there, but documented: a captcha first, questions before mail.
        vec![captcha(), user_query(), kba(), email(), reset()],
        vec![captcha(), parameters(), user_query(), active(), email(), kba(), reset()],
    ]
}

fn username_orders() -> Vec<Vec<Value>> {
    vec![
        vec![user_query(), email_username(), retrieve_username()],
        vec![user_query(), retrieve_username()],
        vec![captcha(), user_query(), email_username(), retrieve_username()],
        vec![user_query(), email_username()],
    ]
}

fn tokens() -> Vec<Value> {
    vec![
        json!({}),
        json!({"snapshotToken": {"type": "jwt", "jweAlgorithm": "RSAES_PKCS1_V1_5", "encryptionMethod": "A128CBC_HS256", "jwsAlgorithm": "HS256", "tokenExpiry": "1800"}, "storage": "stateless"}),
        json!({"snapshotToken": {"type": "uuid"}, "storage": "local"}),
    ]
}

/// Answers whatever is asked until the end, as a person would; the code comes from the mail.
fn walk(world: &World, process: &str, password: &str) -> (Value, Vec<String>) {
    let mut body = world.initial(process);
    assert_eq!((&body["_id"], body.get("token")), (&json!("1"), None));
    let mut asked = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..12 {
        asked.push(body["type"].as_str().unwrap().to_owned());
        let input = match (body["type"].as_str().unwrap(), body["tag"].as_str().unwrap()) {
            (_, "end") => return (body, asked),
            ("parameters", _) => json!({"returnParams": "x=1", "input": {}}),
            ("captcha", _) => json!({"response": "human", "g-recaptcha-response": "human"}),
            ("userQuery", _) => query("userName eq \"bjensen\""),
            ("emailValidation", "validateCode") => {
                let (mailed, code) = link_of(&world.last_mail());
                assert_eq!(Some(&mailed), token.as_ref(), "the mailed token is the one in the answer");
                json!({"token": mailed, "code": code})
            }
            ("kbaSecurityAnswerVerificationStage", _) => answers(&body),
            ("resetStage", _) => json!({ "password": password }),
            other => panic!("asked {other:?}"),
        };
        body = world.step(process, token.as_deref(), input);
        token = body["token"].as_str().map(str::to_owned);
    }
    panic!("no end after {asked:?}");
}

#[test]
fn every_order_of_reset_runs_with_every_kind_of_token() {
    for extra in tokens() {
        for stages in reset_orders() {
            let world = World::new();
            world.person("bjensen");
            let mut file = extra.clone();
            file["stageConfigs"] = json!(stages);
            world.serve_file("reset", &file);
            let (end, asked) = walk(&world, "reset", "N3wPassword");
            let with_parameters = stages.iter().any(|stage| stage["name"] == "parameters");
            let additions = if with_parameters { json!({"returnParams": "x=1"}) } else { json!({}) };
            assert_eq!(end, json!({"type": "resetStage", "tag": "end", "status": {"success": true}, "additions": additions}));
            let asking: Vec<&str> =
                stages.iter().map(|stage| stage["name"].as_str().unwrap()).filter(|name| *name != "validateActiveAccount").collect();
            assert_eq!(asked[..asked.len() - 1], asking, "every stage that asks was asked once, in order");
            assert!(world.has_password("bjensen", "N3wPassword") && !world.has_password("bjensen", "Passw0rd"));
            let rows = world.ledger.rows();
            assert_eq!(rows.ended, ["bjensen"]);
            let events: Vec<_> = rows
                .audit
                .iter()
                .filter(|event| event.event != "step")
                .map(|event| (event.event.as_str(), event.object.as_str()))
                .collect();
            assert_eq!(events, [("resetPassword", "managed/user/bjensen"), ("completed", "managed/user/bjensen")]);
        }
    }
}

#[test]
fn every_order_of_username_runs_with_every_kind_of_token() {
    for extra in tokens() {
        for stages in username_orders() {
            let world = World::new();
            world.person("bjensen");
            let mut file = extra.clone();
            file["stageConfigs"] = json!(stages);
            world.serve_file("username", &file);
            let (end, _) = walk(&world, "username", "");
            let has = |name: &str| stages.iter().any(|stage| stage["name"] == name);
            let last = stages.last().unwrap()["name"].clone();
            let additions = if has("retrieveUsername") { json!({"userName": "bjensen"}) } else { json!({}) };
            assert_eq!(end, json!({"type": last, "tag": "end", "status": {"success": true}, "additions": additions}));
            let mails = world.mails();
            assert_eq!(mails.len(), usize::from(has("emailUsername")));
            for mail in mails {
                assert_eq!((mail.to.as_str(), mail.withheld), ("bjensen@example.test", false));
                assert_eq!(mail.body, "<h3>Username is:</h3><br />bjensen");
            }
        }
    }
}

#[test]
fn a_custom_process_is_a_process_like_any_other() {
    let world = World::new();
    world.person("bjensen");
    world.serve("myprocess", &[parameters(), captcha(), parameters()]);
    let (end, asked) = walk(&world, "myprocess", "");
    assert_eq!(asked, ["parameters", "captcha", "parameters", "parameters"]);
    assert_eq!(end["additions"], json!({"returnParams": "x=1"}));
}

#[test]
fn requirements_are_the_documented_ones() {
    let world = World::new();
    world.serve("a", &[parameters(), retrieve_like()]);
    world.serve("b", &[captcha(), parameters()]);
    world.serve("c", &[user_query(), retrieve_username()]);
    let requirements = |name: &str| world.initial(name)["requirements"].clone();
    let schema = "http://json-schema.org/draft-04/schema#";
    assert_eq!(
        requirements("a").to_string(),
        json!({"$schema": schema, "description": "Parameters", "type": "object", "properties": {"returnParams": {"description": "Parameter named 'returnParams'", "type": "string"}}}).to_string()
    );
    assert_eq!(
        requirements("b").to_string(),
        json!({"$schema": schema, "description": "Captcha stage", "type": "object", "required": ["response"], "properties": {"response": {"recaptchaSiteKey": "site", "description": "Captcha response", "type": "string"}}}).to_string()
    );
    assert_eq!(
        requirements("c").to_string(),
        json!({"$schema": schema, "description": "Find your account", "type": "object", "required": ["queryFilter"], "properties": {"queryFilter": {"description": "filter string to find account", "type": "string"}}}).to_string()
    );
}

fn retrieve_like() -> Value {
    parameters()
}
