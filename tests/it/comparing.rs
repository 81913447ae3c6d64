//! Recorded self-service is replayed at two servers, each with its own tokens, codes and questions; what they answer differently is listed by kind.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::http::Response;
use crate::support::mailbox::Mailbox;
use crate::support::people::{NEW_PASSWORD, Person, right_answers, typable_code};
use crate::support::project::QUESTIONS;
use crate::support::server::run;
use crate::support::stages::{email_validation, kba, reset_stage, user_query, with};
use crate::support::{Project, Server};

const NAME: &str = "replayed";
/// What a mail with a code has, and the notice of a new password has not.
const CODE: &str = "id=\"code\"";
const MAIL: &str = "replayed@example.test";

fn server(mailbox: &Mailbox, stages: &[Value]) -> Server {
    let mail = json!({ "host": "127.0.0.1", "port": mailbox.port, "from": "test@example.test", "auth": { "enable": false }, "starttls": { "enable": false } });
    // Every question is asked, in whatever order; which of several are asked is drawn.
    let mut questions: Value = serde_json::from_str(&Project::new().text("conf/selfservice.kba.json")).unwrap();
    questions["minimumAnswersToVerify"] = json!(QUESTIONS.len());
    let project =
        Project::new().process("reset", stages).json("conf/selfservice.kba.json", &questions).json("conf/external.email.json", &mail);
    let server = Server::on(project.file("vestibule.toml", "[limits]\nenabled = false\n")).start();
    let answers: Vec<Value> = QUESTIONS.iter().map(|(id, _, answer)| json!({ "questionId": id, "answer": answer })).collect();
    let mut object = Person::object(NAME);
    object["kbaInfo"] = json!(answers);
    server.admin().post("managed/user?_action=create", &object).expect(201);
    server
}

/// Somebody's reset, as a proxy in front of this server would write it down: JSON lines.
fn recorded(server: &Server, mailbox: &Mailbox) -> String {
    let client = server.anonymous();
    let mut lines =
        json!({ "request": { "method": "GET", "url": "/openidm/info/login" }, "answer": { "status": 200, "body": {} } }).to_string();
    let mut note = |method: &str, query: &str, body: Option<&Value>, answer: &Response| {
        let headers = json!({ "X-OpenIDM-Username": "anonymous", "X-OpenIDM-Password": "anonymous", "Content-Type": "application/json", "Cookie": "s=1" });
        let url = format!("https://idm.example.com/openidm/selfservice/reset{query}");
        let line = json!({
            "request": { "method": method, "url": url, "headers": headers, "body": body },
            "answer": { "status": answer.status, "body": answer.json() },
        });
        lines.extend(["\n", &line.to_string()]);
    };
    let first = client.get("selfservice/reset");
    note("GET", "", None, &first);
    let mut body = first.ok();
    let mut mark = mailbox.mark();
    while body["tag"] != "end" {
        let input = match body["type"].as_str().unwrap() {
            "userQuery" => json!({ "queryFilter": format!("userName eq \"{NAME}\"") }),
            "emailValidation" => json!({ "code": typable_code(&mailbox.with(mark, MAIL, CODE).body) }),
            "kbaSecurityAnswerVerificationStage" => Value::Object(right_answers(&body)),
            _ => json!({ "password": NEW_PASSWORD }),
        };
        mark = mailbox.mark();
        let mut asked = json!({ "input": input });
        if body["token"].is_string() {
            asked["token"] = body["token"].clone();
        }
        let answer = client.post("selfservice/reset?_action=submitRequirements", &asked);
        note("POST", "?_action=submitRequirements", Some(&asked), &answer);
        body = answer.ok();
    }
    lines
}

fn compare(file: &str, old: &Server, new: &Server, more: &[&str]) -> (Option<i32>, String) {
    let (old, new) = (format!("{}/openidm", old.url()), format!("{}/openidm", new.url()));
    let output = run(&[&["compare", file, "--old", &old, "--new", &new, "--per-second", "50"], more].concat(), "");
    (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_recorded_reset_is_replayed_with_each_servers_own_tokens_codes_and_questions() {
    let (there, here) = (Mailbox::start(), Mailbox::start());
    let stages = [user_query(), email_validation(), kba(), reset_stage()];
    let (old, same) = (server(&there, &stages), server(&here, &stages));
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("recording.jsonl"), recorded(&old, &there)).unwrap();
    // Without a code, what needs one and what follows is left out.
    let marks = [there.mark(), here.mark()];
    let (code, said) = compare(&at("recording.jsonl"), &old, &same, &[]);
    assert_eq!(code, Some(0), "{said}");
    for words in
        ["compared: 2 exchanges; answered alike: 2", "not compared: 1; they need the code of a mail", "not compared: 2; they go on behind"]
    {
        assert!(said.contains(words), "{said}");
    }
    assert!(said.contains("no self-service, and left out: 1"), "{said}");
    for (mailbox, mark) in [&there, &here].into_iter().zip(marks) {
        mailbox.with(mark, MAIL, CODE);
    }
    // A program that waits for the code of the mail: it reads what this test writes.
    for side in ["old", "new"] {
        assert!(Command::new("mkfifo").arg(at(side)).status().unwrap().success());
    }
    std::fs::write(at("code"), format!("#!/bin/sh\nexec cat \"{}/$1\"\n", directory.path().display())).unwrap();
    std::fs::set_permissions(at("code"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let replay = |new: &Server, report: &str| {
        std::thread::scope(|scope| {
            for (side, mailbox) in [("old", &there), ("new", &here)] {
                let (mark, pipe) = (mailbox.mark(), at(side));
                scope.spawn(move || std::fs::write(pipe, typable_code(&mailbox.with(mark, MAIL, CODE).body)).unwrap());
            }
            compare(&at("recording.jsonl"), &old, new, &["--code-from", &at("code"), "--report", &at(report)])
        })
    };
    let (code, said) = replay(&same, "same.json");
    assert!(code == Some(0) && said.contains("compared: 5 exchanges; answered alike: 5"), "{said}");
    assert!(old.signs_in(NAME, NEW_PASSWORD) && same.signs_in(NAME, NEW_PASSWORD));
    drop(same);
    // Another text, and a stage that is gone.
    let other = with(user_query(), "validQueryFields", json!(["userName"]));
    let other = server(&here, &[other, email_validation(), reset_stage()]);
    let (code, said) = replay(&other, "other.json");
    assert_eq!(code, Some(1), "{said}");
    let report: Value = serde_json::from_slice(&std::fs::read(at("other.json")).unwrap()).unwrap();
    assert_eq!(std::fs::metadata(at("other.json")).unwrap().permissions().mode() & 0o777, 0o600);
    let found = |kind: &str, place: &str| {
        let differences = report["differences"].as_array().unwrap().iter();
        differences.filter(|one| one["kind"] == kind && one["what"].as_str().unwrap().ends_with(place)).count()
    };
    assert!(found("value", "POST selfservice/reset /type") == 1, "{said}");
    assert!(!said.contains(NEW_PASSWORD), "{said}");
}

#[test]
fn what_cannot_be_compared_is_said_in_one_line() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = directory.path().join("recording.har");
    let refused = |content: &str, old: &str, words: &str| {
        std::fs::write(&file, content).unwrap();
        let output = run(&["compare", file.to_str().unwrap(), "--old", old, "--new", "http://127.0.0.1:9/openidm"], "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(words) && said.lines().count() == 1, "{said}");
    };
    let get = "{\"request\":{\"url\":\"selfservice/reset\"}}";
    refused("{\"log\":{\"entries\":[{}]}}", "http://127.0.0.1:9/openidm", "recording.har, entry 1: there is no 'request'");
    refused("{", "http://127.0.0.1:9/openidm", "recording.har:1: no JSON");
    refused("{\"request\":{\"url\":\"/\"}}", "http://127.0.0.1:9/openidm", "nothing was compared");
    refused(get, "http://idm.example.test/openidm", "is not encrypted");
    refused(
        "{\"request\":{\"url\":\"/openidm/selfservice/../managed/user\"}}",
        "http://127.0.0.1:9/openidm",
        "'selfservice/../managed/user' of the recording",
    );
    refused(get, "http://127.0.0.1:9/openidm", "http://127.0.0.1:9/openidm/: ");
}
