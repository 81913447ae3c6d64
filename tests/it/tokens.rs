//! Snapshot tokens over time: lifetimes, storage, restarts, crashes, changed definitions.

use serde_json::{Value, json};

use crate::support::people::{NEW_PASSWORD, PASSWORD, query};
use crate::support::stages::{definition, email_validation, jwt, kba, reset_stage, user_query, with};
use crate::support::{Client, Link, Person, Project, Server, mailbox};
use crate::world::reset_by_mail;

const EXPIRED: &str = "Snapshot token has expired";
const INVALID: &str = "Invalid snapshot token";

/// Names the person and opens the mailed link: the next thing asked for is the password.
#[track_caller]
fn up_to_the_password(client: &Client, process: &str, person: &Person) -> String {
    let mark = mailbox().mark();
    let (_, token) = client.goes_on(process, None, &person.query());
    let link = Link::in_text(&mailbox().after(mark, &person.mail).body);
    let (body, token) = client.goes_on(process, Some(&token), &link.input());
    assert_eq!(body["type"], "resetStage");
    token
}

fn ends(client: &Client, process: &str, token: &str) -> Value {
    client.submit(process, Some(token), &json!({ "password": NEW_PASSWORD })).ok()
}

#[test]
fn every_step_has_a_full_lifetime_and_then_the_token_is_expired() {
    let project = Project::new()
        .definition("text", &definition(&reset_by_mail(), &with(jwt(0), "tokenExpiry", json!("60")), "stateless"))
        .definition("plain", &json!({ "stageConfigs": reset_by_mail() }))
        .definition("days", &definition(&reset_by_mail(), &jwt(172_800), "stateless"))
        .definition("local", &definition(&reset_by_mail(), &json!({ "type": "uuid" }), "local"))
        .json("conf/jsonstore.json", &json!({ "entryExpireSeconds": 60, "cleanupDwellSeconds": 600 }))
        .file("vestibule.toml", "[tokens]\nmax_instance_hours = 72\n");
    let server = Server::on(project).clock_stands().start();
    let client = server.anonymous();
    let person = Person::create(&server, "life");
    for (process, lifetime) in [("text", 60), ("plain", 300), ("local", 60)] {
        let mark = mailbox().mark();
        let (_, first) = client.goes_on(process, None, &person.query());
        let link = Link::in_text(&mailbox().after(mark, &person.mail).body);
        server.advance(lifetime - 5);
        let (_, second) = client.goes_on(process, Some(&first), &link.input());
        server.advance(lifetime - 5);
        assert_eq!(
            client.submit(process, Some(&second), &json!({ "password": "x" })).ok()["type"],
            "resetStage",
            "{process}: a fresh lifetime"
        );
        server.advance(10);
        for token in [&first, &second] {
            assert_eq!(client.submit(process, Some(token), &json!({ "password": NEW_PASSWORD })).refused(400), EXPIRED, "{process}");
        }
        assert_eq!(
            client.post(&format!("selfservice/{process}?_action=submitRequirements"), &json!({ "token": first })).refused(400),
            EXPIRED
        );
    }
    assert!(server.signs_in(&person.name, PASSWORD), "nothing was changed");
    let token = up_to_the_password(&client, "days", &person);
    server.advance(172_800 - 60);
    assert_eq!(ends(&client, "days", &token)["tag"], "end");
}

#[test]
fn a_local_token_has_sixteen_characters_and_takes_its_lifetime_from_either_spelling() {
    for key in ["cleanupDwellSeconds", "cleanupDwellSecondsliteral"] {
        let project = Project::new()
            .definition("local", &definition(&[user_query(), kba(), reset_stage()], &json!({ "type": "uuid" }), "local"))
            .json("conf/jsonstore.json", &json!({ "entryExpireSeconds": "120", key: 1 }));
        let server = Server::on(project).clock_stands().start();
        let (_, token) = server.anonymous().goes_on("local", None, &query("userName", "nobody"));
        assert_eq!(token.len(), 16, "{token}");
        assert!(token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'), "{token}");
        server.advance(110);
        assert_ne!(server.anonymous().submit("local", Some(&token), &json!({})).refused(400), EXPIRED, "{key}");
        server.advance(20);
        let told = server.anonymous().submit("local", Some(&token), &json!({})).refused(400);
        assert!([EXPIRED, INVALID].contains(&told.as_str()), "{key}: {told}");
    }
}

#[test]
fn people_in_flight_survive_a_restart_a_crash_and_a_changed_definition() {
    let process = |token: &Value, storage: &str| definition(&reset_by_mail(), token, storage);
    let files = [
        ("stateless", process(&jwt(1800), "stateless")),
        ("local", process(&json!({ "type": "uuid" }), "local")),
        ("plain", json!({ "stageConfigs": reset_by_mail() })),
    ];
    let project = files.iter().fold(Project::new(), |project, (name, file)| project.definition(name, file));
    let mut server = Server::on(project).start();
    let people: Vec<(&str, Person)> = files.iter().map(|(name, _)| (*name, Person::create(&server, "flight"))).collect();
    let others: Vec<Person> = files.iter().map(|_| Person::create(&server, "flight")).collect();

    let tokens: Vec<String> = people.iter().map(|(process, person)| up_to_the_password(&server.anonymous(), process, person)).collect();
    let waiting: Vec<String> =
        files.iter().zip(&others).map(|((process, _), person)| server.anonymous().goes_on(process, None, &person.query()).1).collect();

    assert_eq!(server.stop(), Some(0));
    server.start();
    for (process, token) in [files[0].0, files[1].0, files[2].0].iter().zip(&tokens) {
        assert_eq!(
            server.anonymous().submit(process, Some(token), &json!({ "password": "x" })).ok()["type"],
            "resetStage",
            "{process} after a restart"
        );
    }
    server.kill();
    server.start();

    // The stages change under their feet: new people get a question first, those in flight go on as they began.
    for (name, file) in &files {
        let mut changed = file.clone();
        changed["stageConfigs"] = json!([user_query(), kba(), email_validation(), reset_stage()]);
        let mark = server.log_mark();
        server.write(&format!("conf/selfservice-{name}.json"), &changed.to_string());
        server.logged(mark, "the project was read again");
        let (body, _) = server.anonymous().goes_on(name, None, &query("userName", "nobody"));
        assert_eq!(body["type"], "kbaSecurityAnswerVerificationStage", "{name}: the change took effect");
    }
    for ((process, person), token) in people.iter().zip(&tokens) {
        assert_eq!(ends(&server.anonymous(), process, token)["tag"], "end", "{process} after a change");
        assert!(server.signs_in(&person.name, NEW_PASSWORD), "{process}");
    }
    server.kill();
    server.start();
    for ((process, _), token) in people.iter().zip(&tokens) {
        let again = server.anonymous().submit(process, Some(token), &json!({ "password": PASSWORD })).refused(400);
        assert_eq!(again, INVALID, "{process}: what is spent stays spent across a crash");
    }
    for (((process, _), token), person) in files.iter().zip(&waiting).zip(&others) {
        let link = Link::in_text(&mailbox().wait_for(&person.mail).body);
        let (body, _) = server.anonymous().goes_on(process, Some(token), &link.input());
        assert_eq!(body["type"], "resetStage", "{process}: the old version after two crashes");
    }
}

#[test]
fn a_failed_submission_leaves_its_token_usable() {
    let server = &crate::world::world().server;
    let (client, person) = (server.anonymous(), Person::create(server, "again"));
    let token = up_to_the_password(&client, "reset", &person);
    for bad in [json!({}), json!({ "password": "" }), json!({ "password": 17 }), json!({ "password": null })] {
        client.submit("reset", Some(&token), &bad).refused(400);
    }
    let weak = client.submit("reset", Some(&token), &json!({ "password": "weak" })).ok();
    assert_eq!((&weak["type"], &weak["tag"]), (&json!("resetStage"), &json!("initial")));
    let fresh = weak["token"].as_str().unwrap();
    assert_ne!(fresh, token);
    assert_eq!(ends(&client, "reset", fresh)["tag"], "end");
}

#[test]
fn a_changed_password_kills_older_resets() {
    let server = &crate::world::world().server;
    let (client, person) = (server.anonymous(), Person::create(server, "older"));
    let token = up_to_the_password(&client, "reset", &person);
    let change = json!([{ "operation": "replace", "field": "/password", "value": "An0therPassword!" }]);
    server.admin().patch(&format!("managed/user/{}", person.id), &change).expect(200);
    assert_eq!(client.submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).refused(400), INVALID);
    assert!(server.signs_in(&person.name, "An0therPassword!"));
}
