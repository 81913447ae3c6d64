//! Secrets are nowhere but where they must be: not in the data directory, not in logs, not in answers.

use std::path::Path;

use serde_json::json;

use super::{asks, password, up_to_the_password};
use crate::support::people::{NEW_PASSWORD, PASSWORD, right_answers, typable_code};
use crate::support::stages::{captcha, definition, email_username, kba, retrieve_username, user_query};
use crate::support::verifier::Verifier;
use crate::support::{Person, Project, Server, mailbox};
use crate::world::{reset_by_mail, world};

/// Every file below a directory that contains one of these texts.
fn containing(directory: &Path, texts: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        found.extend(texts.iter().filter(|(_, text)| holds(text)).map(|(what, _)| format!("{what} in {}", path.display())));
    }
    found
}

#[test]
fn sec_06_sec_43_no_secret_is_stored_or_logged_in_clear() {
    let project = Project::new()
        .process("reset", &reset_by_mail())
        .definition("local", &definition(&reset_by_mail(), &json!({ "type": "uuid" }), "local"))
        .process("questions", &[user_query(), kba(), crate::support::stages::reset_stage()]);
    let mut server = Server::on(project).env("VESTIBULE_LOG", "debug").start();
    let client = server.anonymous();
    let person = Person::with_answers(&server, "clear");
    let session = server
        .nobody()
        .with("X-OpenIDM-Username", &person.name)
        .with("X-OpenIDM-Password", PASSWORD)
        .post_empty("authentication?_action=login");
    let cookie = crate::support::client::cookie(&session).unwrap().replace("session-jwt=", "");
    let (token, link) = asks(&client, "reset", &person);
    let code = typable_code(&mailbox().with(0, &person.mail, &token).body);
    client.submit("reset", Some(&token), &json!({ "code": "99999999" })).refused(400);
    let (local, local_link) = asks(&client, "local", &person);
    let (body, questions) = client.goes_on("questions", None, &person.query());
    let answers = right_answers(&body);
    client.submit("questions", Some(&questions), &json!({ "answer1": "a-wrong-answer-to-find" })).refused(400);
    let (_, last) = client.goes_on("questions", Some(&questions), &serde_json::Value::Object(answers));
    assert_eq!(client.submit("questions", Some(&last), &password("short-but-remarkable")).ok()["type"], "resetStage");
    let (_, last) = client.goes_on("reset", None, &person.query());
    let last_link = crate::support::Link::in_text(&mailbox().with(0, &person.mail, &last).body);
    let (_, last) = client.goes_on("reset", Some(&last), &last_link.input());
    assert_eq!(client.submit("reset", Some(&last), &password(NEW_PASSWORD)).ok()["tag"], "end");

    assert_eq!(server.stop(), Some(0));
    let log = server.last_log();
    let secrets = [
        ("the old password", PASSWORD),
        ("the new password", NEW_PASSWORD),
        ("a refused password", "short-but-remarkable"),
        ("an answer", "Elm Street"),
        ("a normalised answer", "elm street"),
        ("a wrong answer", "a-wrong-answer-to-find"),
        ("a link's code", link.code.as_str()),
        ("a typable code", code.as_str()),
        ("a local token", local.as_str()),
        ("a local link's code", local_link.code.as_str()),
        ("a token", token.as_str()),
        ("a session", cookie.as_str()),
        ("the administrator's password", crate::support::server::ADMIN_PASSWORD),
    ];
    assert_eq!(containing(&server.data(), &secrets), Vec::<String>::new());
    for (what, secret) in secrets {
        assert!(!log.contains(secret), "{what} is in the log");
    }
    assert!(!log.contains(&person.mail), "an address is in the log");
    let audit = std::fs::read_dir(server.data().join("audit")).unwrap().count();
    assert!(audit > 0, "there is an audit trail to look at");
}

#[test]
fn sec_08_an_expired_code_is_dead_whatever_the_sweep_did() {
    let project = Project::new()
        .definition("long", &definition(&reset_by_mail(), &crate::support::stages::jwt(100_000), "stateless"))
        .json("conf/jsonstore.json", &json!({ "entryExpireSeconds": 60, "cleanupDwellSeconds": 86400 }))
        .definition("local", &definition(&reset_by_mail(), &json!({ "type": "uuid" }), "local"));
    let server = Server::on(project).start();
    let (client, person) = (server.anonymous(), Person::create(&server, "expired"));
    let (token, link) = asks(&client, "local", &person);
    server.advance(61);
    client.submit("local", Some(&token), &link.input()).refused(400);
}

#[test]
fn sec_12_no_request_header_reaches_a_link() {
    let server = &world().server;
    let headers = [
        ("Host", "evil.test"),
        ("Host", "evil.test:80"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-Port", "6666"),
        ("X-Forwarded-Prefix", "/evil"),
        ("Forwarded", "for=1.2.3.4;host=evil.test;proto=gopher"),
        ("X-Original-URL", "http://evil.test/"),
        ("Origin", "http://evil.test"),
        ("Referer", "http://evil.test/x"),
        ("X-OpenIDM-Host", "evil.test"),
    ];
    for (name, value) in headers {
        let person = Person::create(server, "host");
        let mark = mailbox().mark();
        let client = server.anonymous().with(name, value);
        let body = json!({ "input": { "queryFilter": format!("userName eq \"{}\"", person.name), "querystringParams": "next=http://evil.test", "verificationLink": "http://evil.test/" } });
        let answer = client.post("selfservice/reset?_action=submitRequirements&next=http%3A%2F%2Fevil.test", &body);
        let token = answer.ok()["token"].as_str().unwrap().to_owned();
        let mail = mailbox().with(mark, &person.mail, &token);
        let raw = String::from_utf8_lossy(&mail.raw).into_owned();
        assert!(!raw.contains("evil") && !raw.contains("gopher"), "{name}: {raw}");
        assert!(mail.body.contains("https://id.example.test/#/passwordreset/&token="), "{name}: {}", mail.body);
    }
}

#[test]
fn sec_12_the_default_projects_link_is_the_configured_address_not_the_requests() {
    let server = Server::default_project().start();
    let person = Person::create(&server, "public");
    let client = server.anonymous().with("Host", "evil.test").with("X-Forwarded-Host", "evil.test");
    let (_, token) = client.goes_on("reset", None, &json!({}));
    client.goes_on("reset", Some(&token), &person.query());
    let mails = server.nobody().with("Accept", "application/json").get(&server.mail_page()).ok().to_string();
    assert!(mails.contains(&server.url()) && !mails.contains("evil"), "{mails}");
}

#[test]
fn sec_42_a_code_is_in_no_answer() {
    let server = &world().server;
    let (client, person) = (server.anonymous(), Person::create(server, "echo"));
    let answer = client.submit("reset", None, &person.query()).expect(200);
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let mail = mailbox().with(0, &person.mail, &token);
    let (link, code) = (crate::support::Link::in_text(&mail.body), typable_code(&mail.body));
    let seen = format!("{:?}{}", answer.headers, answer.text());
    assert!(!seen.contains(&link.code) && !seen.contains(&code));
    let refused = client.submit("reset", Some(&token), &json!({ "code": "wrong" }));
    assert!(!refused.text().contains(&link.code) && !refused.text().contains(&code));
    let _ = up_to_the_password(&client, "reset", &Person::create(server, "echo"));
}

#[test]
fn sec_45_what_is_not_public_needs_a_credential() {
    let verifier = Verifier::start();
    let project = Project::new()
        .process("reset", &reset_by_mail())
        .process("username", &[user_query(), email_username(), retrieve_username()])
        .process("captcha", &[captcha(&verifier.uri()), user_query(), retrieve_username()])
        .definition("people", &json!({ "stageConfigs": [user_query(), retrieve_username()], "vestibule": { "audience": "user" } }));
    let server = Server::on(project).start();
    let person = Person::create(&server, "inventory");
    let closed = [
        "managed/user?_queryFilter=true",
        "managed/user",
        "managed/role?_queryFilter=true",
        "internal/user?_queryFilter=true",
        "repo/managed/user?_queryFilter=true",
        "config",
        "config/managed",
        "config/selfservice/captcha",
        "config/selfservice/reset",
        "config/external.email",
        "config/authentication",
        "config/selfservice.kba",
        "audit/access?_queryFilter=true",
        "system?_queryFilter=true",
        "recon",
        "sync",
        "scheduler",
        "script",
        "maintenance",
        "endpoint/x",
        "file",
        "health",
        "metrics/api",
        "metrics/prometheus",
        "outbox?_queryFilter=true",
        "schema/managed/user",
        "selfservice/kba",
        "selfservice/people",
        "policy",
        "policy/managed/user",
        "external/email",
        "nosuch",
    ];
    for path in closed
        .iter()
        .map(|path| (*path).to_owned())
        .chain([format!("managed/user/{}", person.id), format!("selfservice/user/{}", person.id)])
    {
        assert_eq!(server.nobody().get(&path).refused(401), "Access Denied", "{path}");
        assert_eq!(server.anonymous().get(&path).refused(403), "Access denied", "{path}");
    }
    for path in [
        "info/ping",
        "info/uiconfig",
        "info/features?_queryFilter=true",
        "info/login",
        "authentication",
        "selfservice/reset",
        "selfservice/username",
        "selfservice/captcha",
    ] {
        let answer = server.anonymous().get(path).expect(200);
        for secret in ["the-secret-key", "argon2", "127.0.0.1:0", "$crypto", "private"] {
            assert!(!answer.text().contains(secret), "{path}: {secret}");
        }
    }
    for (method, path) in [
        ("TRACE", "info/ping"),
        ("OPTIONS", "managed/user"),
        ("PUT", "info/ping"),
        ("DELETE", "selfservice/reset"),
        ("POST", "managed/user?_action=create"),
    ] {
        let answer = server.anonymous().request(method, path).send(server.address());
        assert!((400..=501).contains(&answer.status) && answer.status != 500, "{method} {path}: {}", answer.status);
    }
}
