//! Asking about an account tells nobody whether it exists, and changes nothing about it.

use serde_json::{Value, json};

use super::{asks, password, up_to_the_password};
use crate::support::people::{NEW_PASSWORD, PASSWORD, query, unused};
use crate::support::stages::{email_validation, reset_stage, user_query};
use crate::support::visitor::Visitor;
use crate::support::{Client, Person, Project, Response, Server, mailbox};
use crate::world::{reset_by_mail, world};

/// Everything a client sees of an answer, but for the token's text and the time.
pub(super) fn face(answer: &Response) -> (u16, Vec<(String, String)>, Value) {
    let mut body = answer.json();
    if let Some(token) = body.get_mut("token") {
        *token = json!(token.as_str().unwrap().len());
    }
    let headers =
        answer.headers.iter().filter(|(name, _)| !["date", "x-request-id", "transaction-id"].contains(&name.as_str())).cloned().collect();
    (answer.status, headers, body)
}

/// Identifiers of every kind that name nobody who could reset a password.
fn nobodies(server: &Server) -> Vec<Value> {
    let asleep = Person::with(server, "asleep", &json!({ "accountStatus": "inactive" }));
    let twins = unused("Twin");
    for _ in 0..2 {
        Person::with(server, "twin", &json!({ "sn": twins }));
    }
    let filter = |text: &str| json!({ "queryFilter": text });
    vec![
        query("userName", &unused("nobody")),
        query("mail", "nobody@example.test"),
        asleep.query(),
        query("sn", &twins),
        query("userName", &"x".repeat(40)),
        query("userName", "' or 1=1 --"),
        query("userName", "\u{0}\u{202e}ÿ😀"),
        query("mail", "not an address"),
        query("mail", "a@b\\r\\nBcc: c@d"),
        query("userName", ""),
        filter("userName eq 17"),
        filter("userName eq true"),
        filter("userName eq \"a\" and userName eq \"b\""),
    ]
}

#[test]
fn sec_01_known_unknown_inactive_ambiguous_and_odd_identifiers_look_alike() {
    let server = &world().server;
    let client = server.anonymous();
    for process in ["reset", "reset6uuid", "reset4jwt"] {
        let known = face(&client.submit(process, None, &Person::create(server, "known").query()));
        for nobody in nobodies(server) {
            assert_eq!(face(&client.submit(process, None, &nobody)), known, "{process} {nobody}");
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long an answer took in the real world is what is asked")]
fn sec_02_an_answer_that_goes_by_an_account_takes_a_least_time() {
    let project = Project::new().process("reset", &[user_query(), email_validation(), reset_stage()]);
    let project = project.file("vestibule.toml", "[limits]\nfinding_milliseconds = 400\n");
    let server = Server::on(project).start();
    let client = server.anonymous();
    let person = Person::create(&server, "paced");
    let least = std::time::Duration::from_millis(400);
    for (asked, input, expected) in [
        ("somebody", person.query(), 200),
        ("nobody", query("userName", &unused("nobody")), 200),
        ("no filter", json!({ "queryFilter": "userName pr (" }), 400),
    ] {
        let begun = std::time::Instant::now();
        let answer = client.submit("reset", None, &input);
        assert!(begun.elapsed() >= least, "{asked}: {:?}", begun.elapsed());
        assert_eq!(answer.status, expected, "{asked}: {}", answer.text());
    }
    // In a browser it is the same, and for the mail that is sent once more.
    for name in [person.name.clone(), unused("nobody")] {
        let mut browser = Visitor::new(server.address());
        browser.open("/selfservice/reset").is(200, "Which account is it?");
        let begun = std::time::Instant::now();
        browser.submit(&[("who", &name)], None).is(200, "Check your email");
        assert!(begun.elapsed() >= least, "{name} in a browser: {:?}", begun.elapsed());
        let again = browser.page.forms().into_iter().find(|form| form.buttons.iter().any(|(button, _)| button == "again")).unwrap();
        let begun = std::time::Instant::now();
        browser.send_form(&again, &[], Some(("again".into(), "yes".into()))).is(200, "Check your email");
        assert!(begun.elapsed() >= least, "{name} once more: {:?}", begun.elapsed());
    }
}

#[test]
fn sec_01_later_stages_of_a_decoy_look_like_those_of_a_person() {
    let server = &world().server;
    let client = server.anonymous();
    let person = Person::with_answers(server, "later");
    let wrong =
        [json!({}), json!({ "code": "00000000" }), json!({ "code": 17 }), json!({ "answer1": "wrong" }), json!({ "answer1": null })];
    for process in ["reset", "resetkba"] {
        let (known_body, known) = client.goes_on(process, None, &person.query());
        for nobody in nobodies(server) {
            let (body, decoy) = client.goes_on(process, None, &nobody);
            assert_eq!(body["requirements"]["required"], known_body["requirements"]["required"], "{nobody}");
            for input in &wrong {
                let (ours, theirs) = (client.submit(process, Some(&known), input), client.submit(process, Some(&decoy), input));
                assert_eq!(face(&ours), face(&theirs), "{process} {nobody} {input}");
            }
        }
    }
}

#[test]
fn sec_01_signing_in_tells_a_wrong_password_from_a_wrong_name_by_nothing() {
    let server = &world().server;
    let person = Person::create(server, "login");
    let asleep = Person::with(server, "asleep", &json!({ "accountStatus": "inactive" }));
    let known = face(&server.user(&person.name, "wrong").get("info/login"));
    assert_eq!(known.0, 401);
    for (name, password) in [("nobody-here", "wrong"), (&asleep.name, "wrong"), (&asleep.name, PASSWORD), ("", "wrong")] {
        assert_eq!(face(&server.user(name, password).get("info/login")), known, "{name}");
    }
}

/// What a request costs: hashing jobs done, and mails put into the outbox and taken out of it, delivered or withheld.
pub(super) fn cost(server: &Server, request: impl FnOnce()) -> (f64, f64) {
    let mails = || server.metric("vestibule_mail_total", &["delivered"]) + server.metric("vestibule_mail_total", &["withheld"]);
    let figures = || (server.metric("vestibule_hash_total", &["done"]), mails());
    let before = figures();
    request();
    let after = figures();
    (after.0 - before.0, after.1 - before.1)
}

#[test]
fn sec_02_the_work_for_a_known_and_an_unknown_account_is_the_same() {
    let waiting = crate::support::stages::with(email_validation(), "emailServiceParameters", json!({ "waitForCompletion": true }));
    let project = Project::new()
        .process("reset", &[user_query(), waiting, reset_stage()])
        .process("questions", &[user_query(), crate::support::stages::kba(), reset_stage()]);
    let server = Server::on(project).start();
    let person = Person::with_answers(&server, "work");
    let asleep = Person::with(&server, "work", &json!({ "accountStatus": "inactive" }));
    let client = server.anonymous();
    let names = [&person.name, &asleep.name, "nobody"];

    let asked: Vec<_> = names.iter().map(|name| cost(&server, || drop(client.goes_on("reset", None, &query("userName", name))))).collect();
    assert!(asked.iter().all(|cost| *cost == (0.0, 1.0)), "one mail each, sent or withheld: {asked:?}");
    let guessed: Vec<_> = names
        .iter()
        .map(|name| {
            let (_, token) = client.goes_on("questions", None, &query("userName", name));
            cost(&server, || drop(client.submit("questions", Some(&token), &json!({ "answer1": "wrong" }))))
        })
        .collect();
    assert!(guessed.iter().all(|cost| *cost == guessed[0] && cost.0 >= 1.0), "an answer is hashed for a decoy too: {guessed:?}");
    let signed: Vec<_> = names.iter().map(|name| cost(&server, || drop(server.user(name, "wrong").get("info/login")))).collect();
    assert!(signed.iter().all(|cost| *cost == (1.0, 0.0)), "one hash each: {signed:?}");
}

#[test]
fn sec_03_nothing_about_the_account_changes_before_a_proof() {
    let server = &world().server;
    let person = Person::with_answers(server, "still");
    let before = person.read(server);
    let client = server.anonymous();
    let (token, _) = asks(&client, "reset", &person);
    client.submit("reset", Some(&token), &json!({ "code": "wrong" })).refused(400);
    let (_, token) = client.goes_on("resetkba", None, &person.query());
    client.submit("resetkba", Some(&token), &json!({ "answer1": "wrong" })).refused(400);
    assert_eq!(person.read(server), before);
    assert!(server.signs_in(&person.name, PASSWORD));
}

#[test]
fn sec_04_asking_for_resets_never_locks_the_account_and_limits_are_told_alike() {
    let project = Project::new()
        .process("reset", &reset_by_mail())
        .file("vestibule.toml", "[limits]\nmails_per_recipient_hour = 3\nsubmissions_per_client_minute = 60\n");
    let server = Server::on(project).clock_stands().start();
    let (person, client) = (Person::create(&server, "many"), server.anonymous());
    let mark = mailbox().mark();
    let faces: Vec<_> = (0..10).map(|_| face(&client.submit("reset", None, &person.query()))).collect();
    assert!(faces.iter().all(|face| *face == faces[0]), "the fourth request looks like the first");
    assert!(server.signs_in(&person.name, PASSWORD));
    let refused: Vec<Response> =
        (0..60).map(|_| client.submit("reset", None, &query("userName", "x"))).filter(|answer| answer.status != 200).collect();
    assert!(!refused.is_empty(), "the client's own limit");
    for answer in &refused {
        answer.refused(429);
        assert!(answer.header("retry-after").unwrap().parse::<u32>().is_ok_and(|seconds| (1..=60).contains(&seconds)), "{answer:?}");
    }
    assert!(server.signs_in(&person.name, PASSWORD), "the limit is for processes, the account is free");
    assert_eq!(client.get("selfservice/reset").status, 200);
    let sentinel = Person::create(&server, "sentinel");
    server.advance(120);
    mailbox().so_many(mark, &person.mail, 3);
    asks(&client, "reset", &sentinel);
    assert_eq!(mailbox().count(mark, &person.mail), 3, "three mails an hour to one recipient");
}

/// SEC-29.
#[test]
fn sec_14_the_owner_is_told_nobody_is_signed_in_and_other_sessions_end() {
    let server = &world().server;
    let person = Person::create(server, "told");
    let session = server.nobody().session(&person.name, PASSWORD);
    let client = server.nobody().with("X-OpenIDM-Username", "anonymous").with("X-OpenIDM-Password", "anonymous");
    let token = up_to_the_password(&client, "reset", &person);
    let mark = mailbox().mark();
    let end = client.submit("reset", Some(&token), &password(NEW_PASSWORD)).expect(200);
    assert!(!end.text().contains(NEW_PASSWORD));
    let notice = mailbox().after(mark, &person.mail);
    assert!(!notice.body.contains(NEW_PASSWORD) && !notice.body.contains("code="), "{}", notice.body);
    assert_eq!(session.get("info/login").status, 401, "whoever was signed in is not any more");
    if let Some(cookie) = crate::support::client::cookie(&end) {
        let who = server.nobody().with("Cookie", &cookie).get("info/login").ok();
        assert_eq!(who["authenticationId"], "anonymous", "a reset signs nobody in");
    }
}

#[test]
fn sec_35_the_subject_is_the_one_the_proof_was_made_for() {
    let server = &world().server;
    let (one, other) = (Person::create(server, "subject"), Person::create(server, "subject"));
    let client: Client = server.anonymous();
    let token = up_to_the_password(&client, "reset", &one);
    let input = json!({ "password": NEW_PASSWORD, "userId": other.id, "_id": other.id, "userName": other.name, "mail": other.mail, "queryFilter": format!("userName eq \"{}\"", other.name) });
    assert_eq!(client.submit("reset", Some(&token), &input).ok()["tag"], "end");
    assert!(server.signs_in(&one.name, NEW_PASSWORD) && server.signs_in(&other.name, PASSWORD));
}

#[test]
fn sec_36_mail_goes_to_the_stored_address_whatever_the_request_says() {
    let server = &world().server;
    let person = Person::create(server, "stored");
    let thief = format!("{}@evil.test", unused("thief"));
    let client = server.anonymous();
    let mark = mailbox().mark();
    let mut input = person.query();
    for key in ["mail", "email", "to", "address"] {
        input[key] = json!(thief);
    }
    let (_, token) = client.goes_on("reset", None, &input);
    let mail = mailbox().with(mark, &person.mail, &token);
    assert_eq!(mail.to, std::slice::from_ref(&person.mail));
    client.submit("reset", Some(&token), &json!({ "mail": thief })).refused(400);
    assert_eq!((server.mails_to(&thief).len(), server.mails_to(&person.mail).len()), (0, 1));
}
