//! Stages that a project brings itself. The example is the one in the documentation, taken from it.

use serde_json::{Value, json};

use crate::support::peer::Peer;
use crate::support::people::{PASSWORD, unused};
use crate::support::{Person, Project, Server};

/// The files that a page of the documentation shows, `file=…` behind the fence.
fn files_of(page: &str) -> Vec<(String, String)> {
    let path = format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut files = Vec::new();
    for block in text.split("\n```").skip(1) {
        let (head, body) = block.split_once('\n').unwrap_or((block, ""));
        if let Some((_, name)) = head.split_once("file=") {
            files.push((name.trim().to_owned(), body.to_owned()));
        }
    }
    assert_eq!(files.len(), 4, "the page shows a process, two declarations and two scripts: {files:?}");
    files
}

fn documented() -> Project {
    let limits = "\n[limits]\nenabled = false\n";
    files_of("custom-stages.md").into_iter().fold(Project::new(), |project, (name, text)| {
        let text = if name == "vestibule.toml" { text + limits } else { text };
        project.file(&name, text)
    })
}

#[test]
fn the_documented_example_runs() {
    let server = Server::on(documented()).start();
    let client = server.anonymous();
    assert!(!server.log().contains("ERROR") && !server.log().contains("WARN"), "{}", server.log());
    let (asked, token) = client.goes_on("sum", None, &json!({}));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("MathProblem"), &json!("initial")));
    assert_eq!(
        asked["requirements"],
        json!({
            "$schema": "http://json-schema.org/draft-04/schema#", "description": "Math Problem", "type": "object", "required": ["answer"],
            "properties": { "answer": { "type": "string", "description": "What is 12 + 4?" } },
        })
    );
    for (input, message) in [
        (json!({}), "Required answer is missing"),
        (json!({ "answer": "sixteen" }), "Supplied answer is not a number"),
        (json!({ "answer": "17" }), "Supplied answer is wrong"),
    ] {
        assert_eq!(client.submit("sum", Some(&token), &input).refused(400), message);
    }
    let (survey, token) = client.goes_on("sum", Some(&token), &json!({ "answer": "16" }));
    assert_eq!((&survey["type"], &survey["requirements"]["description"]), (&json!("survey"), &json!("Survey")));
    for wrong in [json!({}), json!({ "answer": 1 }), json!({ "answer": "x".repeat(201) })] {
        client.submit("sum", Some(&token), &wrong).refused(400);
    }
    let (again, token) = client.goes_on("sum", Some(&token), &json!({ "answer": "again" }));
    assert_eq!(again["type"], "survey", "what is not done is asked again");
    let end = client.submit("sum", Some(&token), &json!({ "answer": "a friend" })).ok();
    assert_eq!((&end["tag"], &end["additions"]), (&json!("end"), &json!({ "solved": "yes", "survey": "a friend" })));
}

/// A process of one stage named `mine`, which is this script with this declaration.
fn mine(declaration: &str, script: &str) -> Project {
    let toml = format!("[limits]\nenabled = false\n[stages.mine]\nkind = \"script\"\nfile = \"script/mine.js\"\n{declaration}\n");
    Project::new().file("vestibule.toml", toml).file("script/mine.js", script).process("mine", &[json!({ "name": "mine", "leftValue": 1 })])
}

#[test]
fn sec_31_no_stage_of_a_project_proves_who_somebody_is() {
    for fact in ["controlsMail", "knowsAnswers", "signedIn", "named", "created", "accepted"] {
        let server = Server::on(mine(&format!("gives = [\"{fact}\"]"), "({done: true})")).start();
        server.logged(0, "nobody but the server's own stages can vouch for it");
        assert!([403, 404].contains(&server.anonymous().get("selfservice/mine").status));
    }
    for claimed in ["controlsMail", "signedIn", "human", "newUser"] {
        let server = Server::on(mine("", &format!("({{done: true, gives: ['{claimed}']}})"))).start();
        server.anonymous().submit("mine", None, &json!({})).refused(503);
        server.logged(0, "a fact that it does not declare");
    }
}

#[test]
fn a_stage_that_fails_or_says_nothing_never_ends() {
    for script in [
        "({})",
        "null",
        "true",
        "'done'",
        "({done: 'true'})",
        "({done: 1})",
        "while (true) {}",
        "throw new Error('x')",
        "({done: true, user: {userName: 'x'}})",
        "({done: true, attributes: {city: 'x'}})",
    ] {
        let server = Server::on(mine("time_limit_ms = 50", script)).start();
        let answer = server.anonymous().submit("mine", None, &json!({}));
        assert!(answer.status == 503, "{script}: {} {}", answer.status, answer.text());
    }
}

#[test]
fn a_stage_sees_the_signed_in_person_without_secrets_and_writes_what_they_may_edit() {
    let script = "request.phase === 'ask' ? {requirements: {properties: {city: {type: 'string'}}}} \
        : request.input.steal ? {done: true, attributes: {accountStatus: 'inactive'}} \
        : {done: true, attributes: {city: request.input.city}, additions: {seen: request.user}}";
    let server = Server::on(mine("needs = [\"signedIn\"]", script)).start();
    let person = Person::create(&server, &unused("seen"));
    server.anonymous().get("selfservice/mine").refused(403);
    let session = server.nobody().session(&person.name, PASSWORD).with("X-Requested-With", "x");
    session.submit("mine", None, &json!({ "steal": true })).refused(403);
    let end = session.submit("mine", None, &json!({ "city": "Ulm" })).ok();
    let seen = &end["additions"]["seen"];
    assert_eq!((&seen["userName"], seen.get("password")), (&json!(person.name), None));
    assert!(!seen.to_string().contains("argon2"), "{seen}");
    assert_eq!(person.read(&server)["city"], "Ulm");
}

#[test]
fn declarations_are_read_strictly() {
    for (declaration, said) in [
        ("[stages.mine]\nkind = \"skript\"\nfile = \"x.js\"", "did you mean 'script'?"),
        ("[stages.mine]\nkind = \"script\"", "missing key 'file'"),
        ("[stages.mine]\nkind = \"http\"\nurl = \"risk\"", "missing key 'url'"),
        ("[stages.mine]\nkind = \"script\"\nfile = \"script/none.js\"", "which is no file of the project"),
        ("[stages.mine]\nkind = \"script\"\nfile = \"../none.js\"", "which is no file of the project"),
        ("[stages.mine]\nkind = \"script\"\nfile = \"script/mine.js\"\nneed = []", "there is no key 'need'"),
    ] {
        let project =
            Project::new().file("vestibule.toml", format!("[limits]\nenabled = false\n{declaration}\n")).file("script/mine.js", "1");
        let server = Server::on(project).start();
        server.logged(0, said);
    }
    let wrong = [
        ("needs = [\"signedin\"]", "did you mean 'signedIn'?"),
        ("requirements = { type = \"nonsense\" }", "are no JSON Schema"),
        ("", "cannot be read: line 1"),
    ];
    for (declaration, said) in wrong {
        let server = Server::on(mine(declaration, if declaration.is_empty() { "if (" } else { "1" })).start();
        server.logged(0, said);
    }
}

#[test]
fn an_http_service_is_a_stage_and_its_failure_is_503() {
    let service = Peer::start(|asked| {
        let body = if asked.body.contains("\"phase\":\"ask\"") {
            json!({ "requirements": { "properties": { "x": {} } } })
        } else {
            json!({ "done": true, "gives": ["human"] })
        };
        let status = if asked.body.contains("\"x\":\"fail\"") { "500 Internal Server Error" } else { "200 OK" };
        (status, body.to_string())
    });
    let url = service.url("/stage");
    let toml = format!(
        "[limits]\nenabled = false\n[stages.remote]\nkind = \"http\"\nurl = \"{url}\"\ntoken = \"secret-token\"\ngives = [\"human\"]\ntype = \"risk\"\n"
    );
    let server = Server::on(Project::new().file("vestibule.toml", toml).process("remote", &[json!({ "name": "remote" })])).start();
    let first = server.anonymous().get("selfservice/remote").ok();
    assert_eq!((&first["type"], &first["requirements"]["properties"]), (&json!("risk"), &json!({ "x": {} })));
    assert_eq!(
        server.anonymous().submit("remote", None, &json!({ "x": "fail" })).refused(503),
        "This step cannot be taken at the moment, try again later"
    );
    assert_eq!(server.anonymous().submit("remote", None, &json!({ "x": 1 })).ok()["tag"], "end");
    let sent = service.asked().pop().unwrap();
    assert_eq!(sent.header("authorization"), Some("Bearer secret-token"), "{sent:?}");
    let body: Value = serde_json::from_str(&sent.body).unwrap();
    assert_eq!((&body["phase"], &body["input"], &body["process"]), (&json!("advance"), &json!({ "x": 1 }), &json!("remote")));
    assert!(!server.log().contains("secret-token"));
}
