//! Mail: language, headers, waiting for delivery, refusals, retries, dead letters.

mod budgets;
mod encrypted;
mod hanging;
mod services;

use serde_json::{Value, json};

use crate::support::people::{NEW_PASSWORD, unused};
use crate::support::stages::{email_validation, reset_stage, user_query, with};
use crate::support::{Link, Person, Project, Server, mailbox};
use crate::world::{reset_by_mail, world};

/// Somebody whose address the mail server treats as its first letters say.
fn treated(server: &Server, how: &str) -> Person {
    Person::with(server, "treated", &json!({ "mail": format!("{how}-{}@example.test", unused("m")) }))
}

#[test]
fn the_mail_follows_the_language_of_the_request_that_sends_it() {
    let server = &world().server;
    for (languages, subject) in [
        ("fr", "Réinitialiser"),
        ("fr-CA", "Réinitialiser"),
        ("de, fr;q=0.8, en;q=0.3", "Réinitialiser"),
        ("en;q=0.2, fr;q=0.9", "Réinitialiser"),
        ("de", "Reset"),
        ("", "Reset"),
        ("*", "Reset"),
        ("fr;q=0", "Reset"),
        ("nonsense;;;q=,,", "Reset"),
    ] {
        let person = Person::create(server, "lang");
        server.anonymous().with("Accept-Language", languages).goes_on("reset", None, &person.query());
        let mail = mailbox().wait_for(&person.mail);
        assert_eq!(mail.subject(), subject, "'{languages}'");
        assert_eq!(mail.body.contains("continuer"), subject == "Réinitialiser", "'{languages}'");
    }
}

#[test]
fn a_mail_has_one_recipient_the_configured_sender_and_the_link_as_configured() {
    let server = &world().server;
    let person = Person::create(server, "form");
    let (_, token) = server.anonymous().goes_on("reset", None, &person.query());
    let mail = mailbox().wait_for(&person.mail);
    assert_eq!(mail.to, std::slice::from_ref(&person.mail));
    assert_eq!(mail.from, "reset@example.test");
    assert_eq!((mail.header("From"), mail.header("To")), ("reset@example.test", person.mail.as_str()));
    assert!(mail.header("Content-Type").starts_with("text/html"), "{}", mail.header("Content-Type"));
    for header in ["Date", "Message-ID", "MIME-Version"] {
        assert!(!mail.header(header).is_empty(), "{header}");
    }
    let link = Link::in_text(&mail.body);
    assert_eq!(link.url, format!("https://id.example.test/#/passwordreset/&token={token}&code={}", link.code));
    assert!(mail.raw.split(|byte| *byte == b'\n').all(|line| line.len() <= 998), "lines a mail server takes");
}

#[test]
fn a_submission_that_waits_reports_what_the_mail_server_said() {
    let server = &world().server;
    let client = server.anonymous();
    let good = Person::create(server, "wait");
    let mark = mailbox().mark();
    client.goes_on("waiting", None, &good.query());
    let states: Vec<String> = server.mails_to(&good.mail).into_values().collect();
    assert_eq!(states, ["delivered"], "before the answer");
    mailbox().so_many(mark, &good.mail, 1);
    let refused = treated(server, "refuse");
    assert_eq!(client.submit("waiting", None, &refused.query()).refused(400), "The mail server refuses to deliver the mail");
    let deferred = treated(server, "defer");
    assert_eq!(client.submit("waiting", None, &deferred.query()).status, 503);
    client.goes_on("waiting", None, &crate::support::people::query("userName", "nobody-is-told"));
}

#[test]
fn a_refused_mail_is_a_dead_letter_that_only_the_administrator_sees() {
    let server = &world().server;
    let person = treated(server, "refuse");
    let stranger = treated(server, "refuse");
    let mark = mailbox().mark();
    let (body, _) = server.anonymous().goes_on("reset", None, &stranger.query());
    assert_eq!(body["type"], "emailValidation", "nobody learns of the refusal who does not wait for it");
    mailbox().said(mark, "refused", &stranger.mail);
    server.anonymous().submit("waiting", None, &person.query()).refused(400);
    let letters = server.admin().get("outbox?_queryFilter=state+eq+%22dead%22").ok();
    let letter = letters["result"]
        .as_array()
        .unwrap()
        .iter()
        .find(|mail| mail["to"] == json!(person.mail))
        .unwrap_or_else(|| panic!("{letters}"))
        .clone();
    assert!(letter["lastError"].as_str().unwrap().contains("550"), "{letter}");
    assert!(letter.get("body").is_none(), "a dead letter holds a link; it is not shown: {letter}");
    let again = format!("outbox/{}?_action=retry", letter["_id"].as_str().unwrap());
    let mark = mailbox().mark();
    assert_eq!(server.admin().post_empty(&again).ok()["status"], "OK");
    mailbox().said(mark, "refused", &person.mail);
    assert_eq!(server.anonymous().get("outbox?_queryFilter=true").status, 403);
    assert_eq!(server.user(&Person::create(server, "nosy").name, "Str0ngEnough!").get("outbox?_queryFilter=true").status, 403);
}

#[test]
fn a_deferred_mail_is_tried_again_and_arrives_and_outlives_a_crash() {
    let mut server = Server::on(Project::new().process("reset", &reset_by_mail())).start();
    let person = treated(&server, "defer");
    let (mark, log) = (mailbox().mark(), server.log_mark());
    let (_, token) = server.anonymous().goes_on("reset", None, &person.query());
    mailbox().said(mark, "deferred", &person.mail);
    server.logged(log, "a mail was not delivered");
    server.kill();
    mailbox().admit(&person.mail);
    // The attempt may not have been written down before the crash; its lease is two minutes.
    server.advance(125);
    server.start();
    let link = Link::in_text(&mailbox().after(mark, &person.mail).body);
    assert_eq!(link.token, token);
    let (_, token) = server.anonymous().goes_on("reset", Some(&token), &link.input());
    assert_eq!(server.anonymous().submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).ok()["tag"], "end");
}

#[test]
fn a_day_of_failures_makes_a_dead_letter() {
    let mut server = Server::on(Project::new().process("reset", &reset_by_mail())).start();
    let person = treated(&server, "defer");
    let (mark, log) = (mailbox().mark(), server.log_mark());
    server.anonymous().goes_on("reset", None, &person.query());
    mailbox().said(mark, "deferred", &person.mail);
    server.logged(log, "given_up=false");
    assert_eq!(server.stop(), Some(0));
    server.advance(24 * 3600);
    server.start();
    server.logged(0, "given_up=true");
    assert!(server.metric("vestibule_mail_total", &["dead"]) >= 1.0);
    mailbox().admit(&person.mail);
    assert_eq!(mailbox().count(mark, &person.mail), 0);
}

#[test]
fn without_a_mail_service_a_mail_stage_fails_at_submission_and_the_project_serves() {
    let project = Project::new().process("reset", &reset_by_mail()).without("conf/external.email.json");
    let server = Server::on(project).start();
    let person = Person::create(&server, "none");
    let known = server.anonymous().submit("reset", None, &person.query());
    let unknown = server.anonymous().submit("reset", None, &crate::support::people::query("userName", "nobody"));
    assert_eq!((known.status, known.message()), (unknown.status, unknown.message()));
    assert_eq!(known.status, 503);
    assert_eq!(server.anonymous().get("selfservice/reset").status, 200);
}

#[test]
fn an_empty_sender_takes_the_mail_services_own() {
    let project = Project::new().process("reset", &[user_query(), with(email_validation(), "from", json!("")), reset_stage()]);
    let server = Server::on(project).start();
    let person = Person::create(&server, "from");
    server.anonymous().goes_on("reset", None, &person.query());
    assert_eq!(mailbox().wait_for(&person.mail).from, "project@example.test");
}

#[test]
fn the_mail_service_sends_for_the_administrator_and_for_nobody_else() {
    let server = &world().server;
    let to = format!("{}@example.test", unused("direct"));
    let mail = json!({ "from": "x@example.test", "to": to, "subject": "Direct", "type": "text/plain", "body": "Hello" });
    for client in [server.anonymous(), server.user(&Person::create(server, "mailer").name, "Str0ngEnough!")] {
        client.post("external/email?_action=send", &mail).refused(403);
    }
    assert_eq!(server.admin().post("external/email?_action=send", &mail).ok()["status"], "OK");
    assert_eq!(mailbox().wait_for(&to).body.trim(), "Hello");
    let missing: Value = json!({ "from": "x@example.test", "subject": "Direct", "body": "Hello" });
    server.admin().post("external/email?_action=send", &missing).refused(400);
}
