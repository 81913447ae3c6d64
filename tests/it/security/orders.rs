//! Every order of stages that real projects have: at each step, what an anonymous caller sees of an account tells nothing, and costs the same.

use serde_json::{Value, json};

use super::accounts::{cost, face};
use crate::support::people::{query, unused};
use crate::support::verifier::Verifier;
use crate::support::{Person, Server};
use crate::world::{RESETS, TOKENS, USERNAMES, process_of, project};

/// Status, headers and body of an answer; hashes and mails it cost.
type Seen = ((u16, Vec<(String, String)>, Value), (f64, f64));

/// How far an anonymous caller gets, and what they see on the way: answers without their drawn questions, hashes and mails.
fn stranger(server: &Server, process: &str, name: &str) -> Vec<Seen> {
    let client = server.anonymous();
    let mut seen = Vec::new();
    let mut token: Option<String> = None;
    let mut body = client.get(&format!("selfservice/{process}")).ok();
    loop {
        let wrong = match body["type"].as_str().unwrap_or_default() {
            "parameters" => json!({}),
            "captcha" => json!({ "response": "good" }),
            "userQuery" => query("userName", name),
            "emailValidation" => json!({ "code": "0b2f6a1c-1111-4222-8333-444455556666" }),
            "kbaSecurityAnswerVerificationStage" => json!({ "answer1": "wrong" }),
            _ => return seen,
        };
        let mut answer = None;
        let mut work = cost(server, || answer = Some(client.submit(process, token.as_deref(), &wrong)));
        // Mails leave when the courier comes to them.
        work.1 = 0.0;
        let answer = answer.unwrap();
        let mut shown = face(&answer);
        if let Some(properties) = shown.2.pointer_mut("/requirements/properties/answer1") {
            // Which question was drawn, and how long its text is, differs between instances of one account as well.
            *properties = json!("drawn");
            shown.1.retain(|(name, _)| name != "content-length");
        }
        let status = answer.status;
        seen.push((shown, work));
        if status != 200 {
            return seen;
        }
        body = answer.json();
        token = body["token"].as_str().map(str::to_owned);
    }
}

#[test]
fn sec_01_sec_02_no_order_of_stages_tells_who_has_an_account() {
    let verifier = Verifier::start();
    let server = Server::on(project(&verifier)).start();
    let known = Person::with_answers(&server, "somebody");
    let asleep = Person::with(&server, "somebody", &json!({ "accountStatus": "inactive" }));
    let nobodies = [unused("nobody"), unused("a-rather-longer-name-of-nobody"), asleep.name];
    let resets = (0..RESETS.len()).map(|index| ("reset", index));
    // A process that shows a user name discloses by design.
    let usernames = (0..USERNAMES.len()).filter(|index| !USERNAMES[*index].contains("retrieveUsername")).map(|index| ("name", index));
    for (kind, index) in resets.chain(usernames) {
        for token in TOKENS {
            let process = process_of(kind, index, token);
            let seen = stranger(&server, &process, &known.name);
            assert!(!seen.is_empty(), "{process}");
            for nobody in &nobodies {
                assert_eq!(stranger(&server, &process, nobody), seen, "{process} {nobody}");
            }
        }
    }
}
