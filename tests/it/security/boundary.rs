//! What comes in and what goes out: filters, templates, transport, sizes, audiences.

use serde_json::json;

use super::password;
use crate::support::people::{PASSWORD, query, unused};
use crate::support::stages::{email_username, jwt, reset_stage, retrieve_username, user_query, with};
use crate::support::{Person, Project, Server, mailbox};
use crate::world::{reset_by_mail, world};

#[test]
fn sec_32_empty_repeated_and_early_submissions_never_reach_the_end() {
    let server = &world().server;
    let (client, person) = (server.anonymous(), Person::create(server, "early"));
    for input in [json!({}), json!({ "queryFilter": "" }), password("N3wPassword!"), json!({ "code": "" })] {
        assert_ne!(client.submit("reset", None, &input).json()["tag"], "end");
    }
    let (_, token) = client.goes_on("reset", None, &person.query());
    for _ in 0..3 {
        for input in [json!({}), json!({ "code": "" }), json!({ "code": null }), person.query(), password("N3wPassword!")] {
            client.submit("reset", Some(&token), &input).refused(400);
        }
    }
    assert!(server.signs_in(&person.name, PASSWORD));
}

#[test]
fn sec_33_the_stages_of_a_finished_process_are_the_compiled_ones() {
    let server = &world().server;
    let person = Person::with_answers(server, "path");
    let client = server.anonymous();
    let count = |outcome: &str, stage: &str| {
        server
            .metric("vestibule_stage_total", &["process=\"reset10jwt\"", &format!("stage=\"{stage}\""), &format!("outcome=\"{outcome}\"")])
    };
    let stages = ["userQuery", "kbaSecurityAnswerVerificationStage", "emailValidation", "resetStage"];
    let before: Vec<f64> = stages.iter().map(|stage| count("completed", stage)).collect();
    crate::support::people::walk(&client, "reset10jwt", &person, crate::support::people::Answers::Link);
    let after: Vec<f64> = stages.iter().map(|stage| count("completed", stage)).collect();
    let done: Vec<f64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    assert!(done.iter().all(|done| *done >= 1.0), "each stage of the order was completed: {done:?}");
}

#[test]
fn sec_34_the_audience_is_checked_before_the_first_stage() {
    let server = &world().server;
    let person = Person::create(server, "audience");
    let figures = || server.admin().get("/metrics").expect(200).text();
    let of_process = |text: &str| text.lines().filter(|line| line.contains("process=\"clerks\"")).map(str::to_owned).collect::<Vec<_>>();
    let before = of_process(&figures());
    for client in [server.anonymous(), server.user(&person.name, PASSWORD)] {
        assert_eq!(client.submit("clerks", None, &person.query()).refused(403), "Access denied");
        assert_eq!(client.submit("clerks", Some("abc"), &json!({})).refused(403), "Access denied", "before the token is looked at");
    }
    assert_eq!(of_process(&figures()), before, "no stage was entered");
}

#[test]
fn sec_44_a_client_sends_values_only() {
    let server = &world().server;
    let client = server.anonymous();
    let person = Person::create(server, "inject");
    let name = &person.name;
    for filter in [
        "userName sw \"\"",
        "userName co \"a\"",
        "userName pr",
        "true",
        "!(userName eq \"x\")",
        "_id pr",
        "password sw \"a\"",
        "password eq \"x\"",
        "accountStatus eq \"active\"",
        "kbaInfo/0/answer sw \"$\"",
        "authzRoles eq \"x\"",
        "userName/x eq \"y\"",
        "userName gt \"\"",
        "userName in \"[]\"",
        "userName eq \"x\" or userName sw \"\"",
        "userName eq \"x\" or true",
        "userName eq \"x\"; drop table x",
        "userName eq x",
        "",
    ] {
        assert_eq!(client.submit("reset", None, &json!({ "queryFilter": filter })).refused(400), "Invalid query filter", "{filter}");
    }
    // The stock pages do not escape what was typed: a quote makes a broken filter, or one that is refused, never a wider one.
    for typed in ["x\" or userName sw \"", "x\" or true or mail eq \"", "\" pr or \""] {
        let answer = client.submit("reset", None, &query("mail", typed));
        assert_eq!(answer.refused(400), "Invalid query filter", "{typed}");
    }
    let mark = mailbox().mark();
    for literal in ["%", "_", "*", &format!("{}%", &name[..3])] {
        client.submit("reset", None, &query("userName", literal)).expect(200);
    }
    let sentinel = Person::create(server, "sentinel");
    client.goes_on("reset", None, &sentinel.query());
    mailbox().after(mark, &sentinel.mail);
    assert_eq!(mailbox().count(mark, &person.mail), 0, "no wildcard finds anybody");
}

#[test]
fn sec_46_a_mail_is_not_sent_in_clear_where_tls_is_wanted() {
    let tls = json!({ "host": "127.0.0.1", "port": mailbox().port, "auth": { "enable": false }, "starttls": { "enable": true }, "from": "x@example.test" });
    let server = Server::on(Project::new().process("reset", &reset_by_mail()).json("conf/external.email.json", &tls)).start();
    let person = Person::create(&server, "tls");
    let mark = mailbox().mark();
    server.anonymous().goes_on("reset", None, &person.query());
    server.logged(0, "a mail was not delivered");
    assert_eq!(mailbox().count(mark, &person.mail), 0);
}

#[test]
fn sec_51_values_are_escaped_by_where_they_stand_and_headers_are_one_line() {
    let server = &world().server;
    let managed = json!({ "objects": [{ "name": "user", "schema": { "order": ["userName", "mail"], "properties": { "userName": { "type": "string", "viewable": true }, "mail": { "type": "string", "viewable": true } } } }] });
    let subject = with(email_username(), "subjectTranslations", json!({ "en": "Name: %username%\r\nBcc: thief@evil.test" }));
    let own =
        Server::on(Project::new().json("conf/managed.json", &managed).process("username", &[user_query(), subject, retrieve_username()]))
            .start();
    let mail = format!("{}@example.test", unused("esc"));
    let name = "<img src=x onerror=alert(1)>\"'&";
    own.admin().post("managed/user?_action=create", &json!({ "userName": name, "mail": mail })).expect(201);
    let end = own.anonymous().submit("username", None, &query("mail", &mail)).ok();
    assert_eq!(end["additions"]["userName"], name, "JSON needs no escaping");
    let got = mailbox().wait_for(&mail);
    assert!(!got.body.contains("<img") && got.body.contains("&lt;img"), "{}", got.body);
    assert_eq!(got.to, std::slice::from_ref(&mail));
    assert!(got.header("Bcc").is_empty() && !String::from_utf8_lossy(&got.raw).contains("\nBcc:"), "{}", String::from_utf8_lossy(&got.raw));

    for address in [
        "x@example.test\r\nBcc: y@example.test",
        "x@example.test,y@example.test",
        "x@example.test y@example.test",
        "Name\r\nBcc: y@example.test <x@example.test>",
        "x@example.test> <y@example.test>",
        "x@exa\nmple.test",
    ] {
        let mail = json!({ "from": "a@example.test", "to": "ok@example.test", "subject": "s", "body": "b", "type": "text/plain" });
        let mut bad = mail.clone();
        bad["from"] = json!(address);
        server.admin().post("external/email?_action=send", &bad).refused(400);
    }
    let header = json!({ "from": "a@example.test", "to": "ok@example.test", "subject": "s\r\nBcc: y@example.test", "body": "b" });
    server.admin().post("external/email?_action=send", &header).refused(400);
}

#[test]
fn sec_52_sizes_and_queues_are_bounded() {
    let limits = "[limits]\nenabled = false\nmax_body_bytes = 4096\n";
    let server = Server::on(Project::new().process("reset", &reset_by_mail()).file("vestibule.toml", limits)).start();
    let client = server.anonymous();
    let long = |length: usize| client.submit("reset", None, &query("userName", &"x".repeat(length))).status;
    assert_eq!((long(1_000), long(5_000)), (200, 413));
    let person = Person::create(&server, "long");
    let endless = "Aa1".repeat(500);
    assert!([400, 401].contains(&server.user(&person.name, &endless).get("info/login").status), "a password past 1024 bytes is not hashed");
    let patch = json!([{ "operation": "replace", "field": "/password", "value": endless }]);
    assert!([400, 403].contains(&server.admin().patch(&format!("managed/user/{}", person.id), &patch).status));
}

#[test]
fn sec_52_a_flood_of_sign_ins_is_answered_and_the_server_stays_up() {
    let server = Server::on(Project::new().file("vestibule.toml", "[limits]\nenabled = false\nhash_queue = 4\n")).start();
    let person = Person::create(&server, "flood");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..40).map(|_| scope.spawn(|| server.user(&person.name, "wrong").get("info/login").status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| [401, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&401), "{statuses:?}");
    assert!(server.signs_in(&person.name, PASSWORD));
}

#[test]
fn sec_40_published_keys_are_no_keys_of_ours() {
    let shared = json!({ "type": "jwt", "jweAlgorithm": "RSAES_PKCS1_V1_5", "encryptionMethod": "A128CBC_HS256", "jwsAlgorithm": "HS256", "tokenExpiry": 300, "keyPairAlgorithm": "RSA", "keyPairSize": 1024, "sharedKey": "!tHiSsOmEsHaReDkEy!" });
    let stages = [user_query(), crate::support::stages::kba(), reset_stage()];
    let project = || {
        Project::new()
            .definition("old", &json!({ "stageConfigs": stages, "snapshotToken": shared }))
            .definition("new", &json!({ "stageConfigs": stages, "snapshotToken": jwt(300) }))
    };
    let (one, other) = (Server::on(project()).own_keys().start(), Server::on(project()).own_keys().start());
    let (_, token) = one.anonymous().goes_on("old", None, &query("userName", "x"));
    assert_eq!(
        other.anonymous().submit("old", Some(&token), &json!({})).refused(400),
        "Invalid snapshot token",
        "two servers with one published key have different keys"
    );
    let keys = |server: &Server| std::fs::read(server.data().join("keys.json")).unwrap();
    assert_ne!(keys(&one), keys(&other));
}
