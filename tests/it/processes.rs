//! Password reset and forgotten user name, in every order and with both kinds of token.

use serde_json::{Value, json};

use crate::support::people::{Answers, NEW_PASSWORD, PASSWORD, query, walk};
use crate::support::stages::{definition, kba, reset_stage, user_query};
use crate::support::{Person, Project, Server, mailbox};
use crate::world::{RESETS, TOKENS, USERNAMES, process_of, world};

/// What a client sees of an order: the stages that ask for something, then the last stage's name.
fn visible(order: &str) -> Vec<&str> {
    const SILENT: [&str; 3] = ["validateActiveAccount", "emailUsername", "retrieveUsername"];
    let wire = |name| if name == "kba" { "kbaSecurityAnswerVerificationStage" } else { name };
    let mut seen: Vec<&str> = order.split(' ').filter(|name| !SILENT.contains(name)).map(wire).collect();
    seen.extend(order.rsplit(' ').next().map(wire));
    seen
}

fn resets_in(orders: std::ops::Range<usize>) {
    let server = &world().server;
    for index in orders {
        let order = RESETS[index];
        let person = if order.contains("kba") { Person::with_answers(server, "reset") } else { Person::create(server, "reset") };
        for (token, answers) in [("jwt", Answers::Link), ("uuid", Answers::Code), ("uuid", Answers::Link)] {
            let walked = walk(&server.anonymous(), &process_of("reset", index, token), &person, answers);
            assert_eq!(walked.types, visible(order), "{order}, {token}");
            assert_eq!(walked.end["additions"], json!({}), "{order}, {token}");
        }
        assert!(server.signs_in(&person.name, NEW_PASSWORD), "{order}");
        assert!(!server.signs_in(&person.name, PASSWORD), "{order}");
    }
}

#[test]
fn every_order_of_reset_ends_with_the_new_password_first_half() {
    resets_in(0..6);
}

#[test]
fn every_order_of_reset_ends_with_the_new_password_second_half() {
    resets_in(6..RESETS.len());
}

#[test]
fn every_order_of_forgotten_user_name_mails_or_shows_it() {
    let server = &world().server;
    for (index, order) in USERNAMES.iter().enumerate() {
        let person = Person::create(server, "name");
        for token in TOKENS {
            let mark = mailbox().mark();
            let walked = walk(&server.anonymous(), &process_of("name", index, token), &person, Answers::Link);
            assert_eq!(walked.types, visible(order), "{order}, {token}");
            let shown = if order.contains("retrieveUsername") { json!({ "userName": person.name }) } else { json!({}) };
            assert_eq!(walked.end["additions"], shown, "{order}, {token}");
            if order.contains("emailUsername") {
                let mail = mailbox().after(mark, &person.mail);
                assert!(mail.body.contains(&format!("<b>{}</b>", person.name)), "{}", mail.body);
                assert_eq!(mail.subject(), "Your user name");
            }
        }
    }
}

#[test]
fn a_first_answer_has_id_and_revision_and_an_etag_and_no_token() {
    let answer = world().server.anonymous().get("selfservice/reset").expect(200);
    let body = answer.json();
    let revision = body["_rev"].as_str().unwrap();
    assert!(revision.parse::<i64>().is_ok(), "a decimal hash: {revision}");
    assert_eq!(answer.header("etag"), Some(format!("\"{revision}\"").as_str()));
    assert_eq!(
        body,
        json!({
            "_id": "1", "_rev": revision, "type": "userQuery", "tag": "initial",
            "requirements": {
                "$schema": "http://json-schema.org/draft-04/schema#", "description": "Find your account", "type": "object", "required": ["queryFilter"],
                "properties": { "queryFilter": { "description": "filter string to find account", "type": "string" } },
            },
        })
    );
    let again = world().server.anonymous().with("If-None-Match", &format!("\"{revision}\"")).get("selfservice/reset");
    assert_eq!(again.status, 304);
}

#[test]
fn parameters_are_copied_to_the_additions_and_others_ignored() {
    let server = &world().server;
    let person = Person::create(server, "params");
    let client = server.anonymous();
    let input = json!({ "returnParams": "goto=%2Fhome", "unknown": 1, "g-recaptcha-response": "x" });
    let (body, token) = client.goes_on("myprocess", None, &input);
    assert_eq!(body["type"], "userQuery");
    let (body, token) = client.goes_on("myprocess", Some(&token), &person.query());
    assert_eq!(body["type"], "emailValidation");
    let link = crate::support::Link::in_text(&mailbox().wait_for(&person.mail).body);
    let (_, token) = client.goes_on("myprocess", Some(&token), &link.input());
    let end = client.submit("myprocess", Some(&token), &json!({ "password": NEW_PASSWORD })).ok();
    assert_eq!(end["additions"], json!({ "returnParams": "goto=%2Fhome" }));
}

#[test]
fn a_custom_process_has_the_audience_its_file_names() {
    let server = &world().server;
    let person = Person::create(server, "audience");
    for (process, anonymous, user, admin) in [("myprocess", 200, 200, 200), ("people", 403, 200, 200), ("clerks", 403, 403, 200)] {
        let path = format!("selfservice/{process}");
        assert_eq!(server.anonymous().get(&path).status, anonymous, "{process}");
        assert_eq!(server.user(&person.name, PASSWORD).get(&path).status, user, "{process}");
        assert_eq!(server.admin().get(&path).status, admin, "{process}");
        assert_eq!(server.nobody().get(&path).status, 401, "{process}");
    }
    assert_eq!(server.anonymous().submit("people", None, &person.query()).refused(403), "Access denied");
    let end = server.user(&person.name, PASSWORD).submit("people", None, &person.query()).ok();
    assert_eq!(end["additions"]["userName"], person.name);
}

#[test]
fn a_feature_that_is_switched_off_is_denied_and_said_to_be_off() {
    let flags = json!({ "configuration": { "passwordReset": false, "forgotUsername": "false", "selfRegistration": false } });
    let stages = [user_query(), kba(), reset_stage()];
    let project = Project::new()
        .process("reset", &stages)
        .process("username", &[user_query(), crate::support::stages::retrieve_username()])
        .process("other", &stages)
        .json("conf/ui-configuration.json", &flags);
    let server = Server::on(project).start();
    for process in ["reset", "username", "registration"] {
        let path = format!("selfservice/{process}");
        assert_eq!(server.anonymous().get(&path).refused(403), "Access denied");
        assert_eq!(server.anonymous().submit(process, None, &query("userName", "x")).refused(403), "Access denied");
    }
    assert_eq!(server.anonymous().get("selfservice/other").status, 200);
    let features = server.anonymous().get("info/features?_queryFilter=true").ok();
    for feature in features["result"].as_array().unwrap() {
        assert_eq!(feature["enabled"], feature["name"] == "kba" && feature["enabled"] == true, "{feature}");
    }
}

#[test]
fn every_documented_token_configuration_loads_and_runs_a_step() {
    let keys = ["RSAES_PKCS1_V1_5", "RSA_OAEP", "RSA_OAEP_256", "DIRECT", "A128KW", "A192KW", "A256KW"];
    let contents = ["A128CBC_HS256", "A192CBC_HS384", "A256CBC_HS512", "A128GCM", "A192GCM", "A256GCM"];
    let mut project = Project::new();
    let mut names = Vec::new();
    for (k, key) in keys.iter().enumerate() {
        for (c, content) in contents.iter().enumerate() {
            for signature in ["HS256", "HS384", "HS512"] {
                let token = json!({ "type": "jwt", "jweAlgorithm": key, "encryptionMethod": content, "jwsAlgorithm": signature, "tokenExpiry": "300" });
                let name = format!("t{k}x{c}{}", signature.to_lowercase());
                project = project.definition(&name, &definition(&[user_query(), kba(), reset_stage()], &token, "stateless"));
                names.push((name, signature));
            }
        }
    }
    let server = Server::on(project).start();
    let client = server.anonymous();
    assert_eq!(names.len(), 126);
    for (name, signature) in names {
        let (body, token) = client.goes_on(&name, None, &query("userName", "nobody"));
        assert_eq!(body["type"], "kbaSecurityAnswerVerificationStage", "{name}");
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(parts.len(), 3, "{name}: a signed token around an encrypted one");
        let header: Value = serde_json::from_slice(&decode(parts[0])).unwrap();
        assert_eq!(header["alg"], signature, "{name}");
        assert!(decode(parts[1]).split(|byte| *byte == b'.').count() == 5, "{name}");
        // Wrong answers are told only when the token could be opened.
        let refused = client.submit(&name, Some(&token), &json!({})).refused(400);
        assert_ne!(refused, "Invalid snapshot token", "{name}");
    }
}

fn decode(part: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()
}
