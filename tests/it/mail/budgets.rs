//! Mails for nobody stand in nobody's way, and nobody's mailbox is flooded.
#![expect(clippy::disallowed_methods, reason = "a limit on how long the real world may take")]

use serde_json::json;

use crate::support::people::{PASSWORD, query, unused};
use crate::support::sink::{Answer, Sink, Taken};
use crate::support::stages::{email_validation, with};
use crate::support::{Person, Project, Server};
use crate::world::reset_by_mail;

fn on(sink: &Sink, settings: &str) -> Server {
    let confirm = [with(email_validation(), "identityEmailField", json!("mail"))];
    let project = Project::new().process("reset", &reset_by_mail()).process("confirm", &confirm);
    Server::on(project.json("conf/external.email.json", &sink.config()).file("vestibule.toml", settings)).start()
}

/// Each delivery takes its time, and hundreds of mails for nobody were asked for first.
#[test]
fn sec_02_mails_for_nobody_take_no_place_in_the_queue() {
    use std::time::Duration;
    let sink = Sink::start(|at| if at.name == "text" { Answer::After(Duration::from_millis(300)) } else { Answer::Usual });
    let server = on(&sink, "[limits]\nenabled = false\n[mail]\nconnections = 1\n");
    let (warm, person) = (Person::create(&server, "warm"), Person::create(&server, "real"));
    server.anonymous().goes_on("reset", None, &warm.query());
    sink.mail(&warm.mail);
    for number in 0..200 {
        server.anonymous().goes_on("reset", None, &query("userName", &format!("nobody{number}")));
    }
    let begun = std::time::Instant::now();
    server.anonymous().goes_on("reset", None, &person.query());
    let came = sink.mail(&person.mail);
    assert!(came.at.duration_since(begun) < Duration::from_secs(3), "{:?}", came.at.duration_since(begun));
    assert_eq!(sink.mails().len(), 2);
    assert!(server.metric("vestibule_mail_total", &["withheld"]) >= 200.0);
    let pending = || server.admin().get("outbox?_queryFilter=state+eq+%22pending%22").ok()["resultCount"] != 0;
    assert!((0..10_000).any(|_| !pending()), "and leave nothing behind");
}

#[test]
fn sec_04_a_mailbox_is_one_recipient_in_every_spelling() {
    let sink = Sink::start(|_| Answer::Usual);
    let server = on(&sink, "[limits]\nmails_per_recipient_hour = 5\n");
    let name = unused("bomb");
    for number in 0..40 {
        let spelling = if number % 2 == 0 { name.clone() } else { name.to_uppercase() };
        server.anonymous().goes_on("confirm", None, &json!({ "mail": format!("{spelling}+{number}@example.test") }));
    }
    let other = format!("{}@example.test", unused("other"));
    server.anonymous().goes_on("confirm", None, &json!({ "mail": other }));
    sink.mail(&other);
    let bombs = |mails: &[Taken]| mails.iter().filter(|mail| mail.to.to_lowercase().starts_with(&name)).count();
    let came = sink.wait(|mails| (bombs(mails) >= 5).then(|| bombs(mails)));
    assert_eq!(came, Some(5));
    assert_eq!(server.metric("vestibule_mail_over_budget_total", &["recipient_hour"]), 35.0, "silently, but counted");
}

/// The key of `vestibule.toml` each budget has, and what it bounds.
#[test]
fn every_budget_withholds_silently_what_is_over_it() {
    for (key, budget, to) in [
        ("mails_per_recipient_day", "recipient_day", "one@alone.test"),
        ("mails_per_domain_hour", "domain_hour", "@one.test"),
        ("mails_per_client_hour", "client_hour", "@many"),
        ("mails_per_process_hour", "process_hour", "@many"),
        ("mails_per_hour", "all_hour", "@many"),
    ] {
        let sink = Sink::start(|_| Answer::Usual);
        let server = on(&sink, &format!("[limits]\n{key} = 3\n"));
        for number in 0..6 {
            let address = match to.strip_prefix('@') {
                None => to.to_owned(),
                Some("many") => format!("{}@d{number}.test", unused("b")),
                Some(domain) => format!("{}@{domain}", unused("b")),
            };
            let (body, _) = server.anonymous().goes_on("confirm", None, &json!({ "mail": address }));
            assert_eq!(body["tag"], "validateCode", "{key}");
        }
        assert_eq!(sink.wait(|mails| (mails.len() >= 3).then_some(mails.len())), Some(3), "{key}");
        assert_eq!(server.metric("vestibule_mail_over_budget_total", &[budget]), 3.0, "{key}");
    }
}

/// What an account's owner must hear passes the budget of their mailbox, and is no way to flood it.
#[test]
fn sec_04_what_somebody_is_owed_is_bounded_as_well() {
    let sink = Sink::start(|_| Answer::Usual);
    let server = on(&sink, "[limits]\nmails_per_recipient_hour = 3\n");
    let person = Person::create(&server, "owed");
    let session = server.nobody().session(&person.name, PASSWORD).with("X-Requested-With", "x");
    let questions = json!([{ "operation": "replace", "field": "/kbaInfo", "value": [
        { "answer": "elm street", "questionId": "1" }, { "answer": "oolong tea", "questionId": "2" }] }]);
    for _ in 0..15 {
        session.patch(&format!("selfservice/user/{}", person.id), &questions).expect(200);
    }
    assert_eq!(sink.wait(|mails| (mails.len() >= 10).then_some(mails.len())), Some(10));
    assert_eq!(server.metric("vestibule_mail_over_budget_total", &["owed_hour"]), 5.0, "silently, but counted");
}

/// Mails about changes of addresses are mails that a client asks for.
#[test]
fn sec_04_confirmations_of_addresses_count_for_the_client_that_asks() {
    let sink = Sink::start(|_| Answer::Usual);
    let server = on(&sink, "[limits]\nmails_per_client_hour = 3\n");
    let person = Person::create(&server, "asks");
    let session = server.nobody().session(&person.name, PASSWORD).with("X-Requested-With", "x");
    for _ in 0..6 {
        let address = json!([{ "operation": "replace", "field": "/mail", "value": format!("{}@many.test", unused("new")) }]);
        session.patch(&format!("managed/user/{}", person.id), &address).expect(200);
    }
    let to_new = |mails: &[Taken]| mails.iter().filter(|mail| mail.to.ends_with("@many.test")).count();
    let to_own = |mails: &[Taken]| mails.iter().filter(|mail| mail.to == person.mail).count();
    assert_eq!(sink.wait(|mails| (to_own(mails) >= 6).then(|| to_new(mails))), Some(2), "each change writes to the former address as well");
}

/// Somebody asked for hundreds of mails before; others need not wait for them.
#[test]
fn clients_take_turns() {
    use std::time::Duration;
    let sink = Sink::start(|at| if at.name == "text" { Answer::After(Duration::from_millis(100)) } else { Answer::Usual });
    let server = on(&sink, "[limits]\nenabled = false\n[mail]\nconnections = 1\n[proxies]\ntrusted = [\"127.0.0.0/8\"]\n");
    let from = |client: &str| server.anonymous().with("X-Forwarded-For", client);
    for _ in 0..60 {
        from("203.0.113.7").goes_on("confirm", None, &json!({ "mail": format!("{}@greedy.test", unused("g")) }));
    }
    let modest = format!("{}@example.test", unused("modest"));
    from("198.51.100.9").goes_on("confirm", None, &json!({ "mail": modest }));
    let place = sink.wait(|mails| mails.iter().position(|mail| mail.to == modest)).expect("it came");
    assert!(place < 55, "before what was asked for before it: place {place}");
}

/// Who waits for a mail that nobody reads hears what who waits for a real one hears, also when the mail server is down.
#[test]
fn sec_01_a_withheld_mail_that_is_waited_for_fails_as_a_real_one_does() {
    let waiting = with(email_validation(), "emailServiceParameters", json!({ "waitForCompletion": true }));
    let stages = [crate::support::stages::user_query(), waiting, crate::support::stages::reset_stage()];
    let sink = Sink::start(|_| Answer::Usual);
    let down =
        json!({ "host": "127.0.0.1", "port": 1, "from": "x@example.test", "auth": { "enable": false }, "starttls": { "enable": false } });
    for (config, status) in [(sink.config(), 200), (down, 503)] {
        let project = Project::new().process("reset", &stages).json("conf/external.email.json", &config);
        let server = Server::on(project).start();
        let person = Person::create(&server, "known");
        let unknown = server.anonymous().submit("reset", None, &query("userName", "nobody"));
        let known = server.anonymous().submit("reset", None, &person.query());
        let again = server.anonymous().submit("reset", None, &query("userName", "nobody"));
        assert_eq!([unknown.status, known.status, again.status], [status; 3]);
        if status != 200 {
            assert_eq!([unknown.message(), again.message()], [known.message(), known.message()]);
        }
    }
}
