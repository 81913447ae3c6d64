//! No password, no answer and no code in clear, seen from outside with the server's own keys: every token of a registration and of a reset
//! is opened by another implementation, as are the contexts that the store keeps; files, log and audit trail are searched as they lie
//! after `kill -9` (SEC-06, SEC-43).

use std::path::Path;

use serde_json::{Value, json};

use super::project;
use super::secrets::{contains, files};
use crate::support::jwcrypto::{form, kept, open};
use crate::support::mailbox::mailbox;
use crate::support::newcomer::{ANSWERS, Newcomer, SECRET};
use crate::support::people::{NEW_PASSWORD, PASSWORD, right_answers, typable_code};
use crate::support::project::QUESTIONS;
use crate::support::stages::{definition, email_validation, jwt, kba, reset_stage, user_query};
use crate::support::verifier::Verifier;
use crate::support::{Link, Person, Server};

/// A password that policies refuse, and a wrong answer.
const REFUSED: &str = "remarkable-but-plain";
const WRONG: &str = "Gooseberry Dirigible";

/// What was seen on the way.
#[derive(Default)]
struct Seen {
    /// Tokens, each with how it was made and whom it must be about.
    tokens: Vec<(Value, String, String)>,
    /// Codes of mails.
    codes: Vec<String>,
}

impl Seen {
    fn token(&mut self, made: &Value, body: &Value, name: &str) -> Option<String> {
        let token = body["token"].as_str()?.to_owned();
        // A short token is a name, not a context.
        if token.contains('.') {
            self.tokens.push((made.clone(), token.clone(), name.to_owned()));
        }
        Some(token)
    }

    /// The mail with this token.
    fn mail(&mut self, address: &str, token: &str) -> Link {
        let mail = mailbox().with(0, address, token);
        let link = Link::in_text(&mail.body);
        self.codes.push(link.code.clone());
        if mail.body.contains("id=\"code\"") {
            self.codes.push(typable_code(&mail.body));
        }
        link
    }

    /// Registers somebody, or stops when the mail was sent.
    fn registers(&mut self, server: &Server, process: &str, made: &Value, to_the_end: bool) {
        let (client, newcomer) = (server.anonymous(), Newcomer::new("opened"));
        let mut body = client.get(&format!("selfservice/{process}")).ok();
        let mut token: Option<String> = None;
        while body["tag"] != "end" {
            let mailed = body["type"] == "emailValidation" && body["tag"] == "validateCode";
            let input = if mailed {
                let link = self.mail(&newcomer.mail, token.as_deref().unwrap());
                if !to_the_end {
                    return;
                }
                link.input()
            } else {
                newcomer.answer(&body)
            };
            body = client.submit(process, token.as_deref(), &input).ok();
            token = self.token(made, &body, if body["type"] == "parameters" { "" } else { &newcomer.name });
        }
    }

    /// Resets somebody's password by questions and mail, with mistakes on the way.
    fn resets(&mut self, server: &Server, process: &str, made: &Value) {
        let (client, person) = (server.anonymous(), Person::with_answers(server, "opened"));
        let body = client.submit(process, None, &person.query()).ok();
        let asked = self.token(made, &body, &person.name).unwrap();
        let answers = Value::Object(right_answers(&body));
        client.submit(process, Some(&asked), &json!({ "answer1": WRONG, "answer0": WRONG })).refused(400);
        let body = client.submit(process, Some(&asked), &answers).ok();
        let mailed = self.token(made, &body, &person.name).unwrap();
        client.submit(process, Some(&mailed), &json!({ "code": "00000000" })).refused(400);
        let link = self.mail(&person.mail, &mailed);
        let body = client.submit(process, Some(&mailed), &link.input()).ok();
        let last = self.token(made, &body, &person.name).unwrap();
        let body = client.submit(process, Some(&last), &json!({ "password": REFUSED })).ok();
        assert_eq!(body["type"], "resetStage", "refused by the policies: {body}");
        let again = self.token(made, &body, &person.name).unwrap();
        assert_eq!(client.submit(process, Some(&again), &json!({ "password": NEW_PASSWORD })).ok()["tag"], "end");
    }
}

#[test]
fn sec_06_sec_43_an_opened_token_and_a_kept_context_hold_no_password_answer_or_code() {
    let by_both = [user_query(), kba(), email_validation(), reset_stage()];
    let project = project(&Verifier::start())
        .definition("reset", &definition(&by_both, &jwt(300), "stateless"))
        .definition("resetplain", &json!({ "stageConfigs": by_both }))
        .definition("resetlocal", &definition(&by_both, &json!({ "type": "uuid" }), "local"));
    let mut server = Server::on(project).env("VESTIBULE_LOG", "debug").start();
    let (stock, plain) = (form("RSA1_5", "A128CBC-HS256", "HS256"), form("dir", "A256GCM", "HS256"));
    let mut seen = Seen::default();
    for (process, made) in [("registration", &stock), ("everything", &stock), ("separate", &plain), ("short", &plain)] {
        seen.registers(&server, process, made, false);
        seen.registers(&server, process, made, true);
    }
    for (process, made) in [("reset", &stock), ("resetplain", &plain), ("resetlocal", &plain)] {
        seen.resets(&server, process, made);
    }
    let log = server.log();
    let rows = kept(&server);
    // Nothing is written back or tidied up: the write-ahead log is looked at as it is.
    server.kill();

    let mut secrets: Vec<&str> = vec![SECRET, ANSWERS[0], ANSWERS[1], PASSWORD, NEW_PASSWORD, REFUSED, WRONG];
    secrets.extend(QUESTIONS.iter().map(|(_, _, answer)| *answer));
    secrets.extend(seen.codes.iter().map(String::as_str));
    let clean = |what: &str, bytes: &[u8]| {
        for secret in &secrets {
            // What is shorter than this is found by accident in base64.
            let found =
                if secret.len() < 12 { bytes.windows(secret.len()).any(|part| part == secret.as_bytes()) } else { contains(bytes, secret) };
            assert!(!found, "{what} contains {secret:?}");
        }
    };
    assert!(seen.codes.len() >= 11 && seen.tokens.len() >= 15, "{} codes, {} tokens", seen.codes.len(), seen.tokens.len());
    let tokens: Vec<(Value, String)> = seen.tokens.iter().map(|(made, token, _)| (made.clone(), token.clone())).collect();
    let mut named = 0;
    for (content, (_, _, name)) in open(&server, &tokens).iter().zip(&seen.tokens) {
        let text = String::from_utf8(content.clone()).unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_ok_and(|context| context.is_object()), "{text}");
        named += usize::from(text.contains(name.as_str()));
        clean("an opened token", content);
    }
    assert!(named >= 15, "the search looks into contexts that say whom they are about: {named}");

    let sealed: Vec<(Value, String)> = rows.into_iter().map(|row| (plain.clone(), row)).collect();
    assert!(sealed.len() >= 6, "{} contexts are kept", sealed.len());
    for content in open(&server, &sealed) {
        clean("a kept context", &content);
    }

    clean("the log", log.as_bytes());
    let mut files_seen = Vec::new();
    files(&server.data(), &mut |path: &Path, bytes: Vec<u8>| {
        clean(&path.display().to_string(), &bytes);
        files_seen.push(path.file_name().unwrap().to_string_lossy().into_owned());
    });
    for part in ["vestibule.db", "vestibule.db-wal", "process.audit.json"] {
        assert!(files_seen.iter().any(|name| name == part), "{part} of {files_seen:?}");
    }
}
