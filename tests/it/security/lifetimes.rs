//! How long what was handed out is good: codes, keys, mails that cannot be delivered, passwords that were verified.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::accounts::cost;
use super::{asks, password};
use crate::support::people::{NEW_PASSWORD, PASSWORD, typable_code};
use crate::support::stages::{jwt, parameters};
use crate::support::{Link, Person, Project, Server, mailbox};
use crate::world::reset_by_mail;

const TWO_DAYS: u64 = 172_800;
const DAY: u64 = 86_400;

#[test]
fn sec_08_a_mailed_code_dies_after_a_day_and_its_token_does_not() {
    let mut stages = reset_by_mail();
    stages.insert(0, parameters());
    let project = Project::new().definition("reset", &json!({ "stageConfigs": stages, "snapshotToken": jwt(TWO_DAYS) }));
    let server = Server::on(project.file("vestibule.toml", "[tokens]\nmax_instance_hours = 48\n")).start();
    let (client, person) = (server.anonymous(), Person::create(&server, "late-reader"));
    let (_, begun) = client.goes_on("reset", None, &json!({}));
    let ask = || {
        let mark = mailbox().mark();
        let (_, token) = client.goes_on("reset", Some(&begun), &person.query());
        let mail = mailbox().with(mark, &person.mail, &token).body;
        (token, Link::in_text(&mail), typable_code(&mail))
    };
    let (token, link, typed) = ask();
    server.advance(DAY - 60);
    assert_eq!(client.goes_on("reset", Some(&token), &link.input()).0["type"], "resetStage", "within a day");
    server.advance(120);
    for input in [link.input(), json!({ "code": typed }), json!({ "code": "00000000" })] {
        assert_eq!(client.submit("reset", Some(&token), &input).refused(400), "The code has expired");
    }
    let (token, link, _) = ask();
    let (_, token) = client.goes_on("reset", Some(&token), &link.input());
    assert_eq!(client.submit("reset", Some(&token), &password(NEW_PASSWORD)).ok()["tag"], "end", "the instance lives its two days");
    assert!(server.signs_in(&person.name, NEW_PASSWORD));
}

/// The key file of a server that was never used for anything else.
fn other_keys() -> Value {
    let server = Server::default_project().own_keys().start();
    serde_json::from_slice(&std::fs::read(server.data().join("keys.json")).unwrap()).unwrap()
}

/// Replaces the key file of a stopped server by these generations, newest first.
fn write_keys(server: &Server, generations: &[Value]) {
    let path = server.data().join("keys.json");
    std::fs::write(&path, json!({ "version": 1, "keys": generations }).to_string()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_rotation_of_keys_in_the_middle_of_a_reset_loses_nobody_until_the_former_keys_are_dropped() {
    let uuid = json!({ "stageConfigs": reset_by_mail(), "snapshotToken": { "type": "uuid" }, "storage": "local" });
    let rsa = json!({ "stageConfigs": reset_by_mail(), "snapshotToken": jwt(300) });
    let project = Project::new().process("reset", &reset_by_mail()).definition("local", &uuid).definition("rsa", &rsa);
    let mut server = Server::on(project).start();
    let document: Value = serde_json::from_slice(&std::fs::read(server.data().join("keys.json")).unwrap()).unwrap();
    let (old, new) = (document["keys"][0].clone(), other_keys()["keys"][0].clone());
    assert_ne!(old, new);
    let walkers: Vec<_> = ["reset", "local", "rsa"]
        .into_iter()
        .map(|process| {
            let (asking, typing) = (Person::create(&server, "rotated"), Person::create(&server, "rotated"));
            let (token, link) = asks(&server.anonymous(), process, &asking);
            let (second, _) = asks(&server.anonymous(), process, &typing);
            let typed = typable_code(&mailbox().with(0, &typing.mail, &second).body);
            (process, asking, token, link, typing, second, typed)
        })
        .collect();
    let replaced = Person::create(&server, "rotated");
    let (stale, stale_link) = asks(&server.anonymous(), "reset", &replaced);

    assert_eq!(server.stop(), Some(0));
    write_keys(&server, &[new.clone(), old]);
    server.start();
    let client = server.anonymous();
    for (process, asking, token, link, typing, second, typed) in &walkers {
        let (body, token) = client.goes_on(process, Some(token), &link.input());
        assert_eq!(body["type"], "resetStage", "{process}");
        assert_eq!(client.submit(process, Some(&token), &password(NEW_PASSWORD)).ok()["tag"], "end", "{process}");
        assert!(server.signs_in(&asking.name, NEW_PASSWORD), "{process}");
        client.submit(process, Some(second), &json!({ "code": "00000000" })).refused(400);
        let (_, token) = client.goes_on(process, Some(second), &json!({ "code": typed }));
        assert_eq!(client.submit(process, Some(&token), &password(NEW_PASSWORD)).ok()["tag"], "end", "{process}");
        assert!(server.signs_in(&typing.name, NEW_PASSWORD), "{process}");
    }
    // A code of the new keys ends the one of the old keys (SEC-09).
    let (token, link) = asks(&client, "reset", &replaced);
    assert_eq!(client.submit("reset", Some(&stale), &stale_link.input()).refused(400), "Invalid code");
    assert_eq!(client.goes_on("reset", Some(&token), &link.input()).0["type"], "resetStage");

    let late = Person::create(&server, "rotated");
    let (token, link) = asks(&client, "reset", &late);
    assert_eq!(server.stop(), Some(0));
    // A store is not served without the keys that sealed it: the next ones are there before the former ones go.
    let next = other_keys()["keys"][0].clone();
    for generations in [vec![next.clone(), new], vec![next]] {
        write_keys(&server, &generations);
        server.start();
        assert_eq!(server.stop(), Some(0));
    }
    server.start();
    assert_eq!(server.anonymous().submit("reset", Some(&token), &link.input()).refused(400), "Invalid snapshot token");
}

/// The mail server never answers to `slow-` addresses, and the process dies meanwhile, as it would of a mail that kills it.
#[test]
fn a_mail_whose_attempts_never_end_is_given_up_and_others_arrive() {
    let mut server = Server::on(Project::new().process("reset", &reset_by_mail())).start();
    let poison = Person::create(&server, "slow-poison");
    let mark = mailbox().mark();
    server.anonymous().goes_on("reset", None, &poison.query());
    mailbox().said(mark, "waiting", &poison.mail);
    let innocent = Person::create(&server, "innocent");
    for _ in 0..4 {
        server.kill();
        server.advance(125);
        let mark = mailbox().mark();
        server.start();
        mailbox().said(mark, "waiting", &poison.mail);
    }
    server.kill();
    server.advance(125);
    server.start();
    server.logged(0, "given_up=true");
    let letters = server.admin().get("outbox?_queryFilter=state+eq+%22dead%22").ok();
    let letter = &letters["result"][0];
    assert_eq!((letter["to"].as_str(), letter["attempts"].as_u64()), (Some(poison.mail.as_str()), Some(6)), "{letters}");
    assert!(letter["lastError"].as_str().unwrap().contains("never ended"), "{letter}");
    asks(&server.anonymous(), "reset", &innocent);
}

#[test]
fn a_mail_that_waited_behind_a_deadly_one_arrives_after_the_crash() {
    let mut server = Server::on(Project::new().process("reset", &reset_by_mail())).start();
    let (deadly, behind) = (Person::create(&server, "slow-deadly"), Person::create(&server, "slow-behind"));
    let mark = mailbox().mark();
    for person in [&deadly, &behind] {
        server.anonymous().goes_on("reset", None, &person.query());
        mailbox().said(mark, "waiting", &person.mail);
    }
    server.kill();
    mailbox().admit(&behind.mail);
    server.advance(125);
    let mark = mailbox().mark();
    server.start();
    mailbox().after(mark, &behind.mail);
    mailbox().said(mark, "waiting", &deadly.mail);
}

#[test]
fn the_generated_administrators_password_costs_one_hash_and_a_wrong_one_always_one() {
    let server = Server::default_project().own_keys().without_env("OPENIDM_ADMIN_PASSWORD").start();
    let line = server.output_line("administrator: openidm-admin, password: ").expect("the password is printed");
    let generated = line.split_whitespace().next().unwrap().to_owned();
    let admin = server.user("openidm-admin", &generated);
    let hashes = || {
        let text = admin.get("/metrics").expect(200).text();
        let line = text.lines().find(|line| line.starts_with("vestibule_hash_total") && line.contains("done")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let before = hashes();
    assert!((1.5..2.5).contains(&before), "one made the password, and the first request costs one: {before}");
    for _ in 0..20 {
        admin.get("managed/user?_queryFilter=true").expect(200);
    }
    let credentials = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("openidm-admin:{generated}"));
    server.nobody().with("Authorization", &format!("Basic {credentials}")).get("managed/user?_queryFilter=true").expect(200);
    assert!(hashes() - before < 0.5, "what was accepted once costs no hash for a while");
    for number in 0..3 {
        let before = hashes();
        assert_eq!(server.user("openidm-admin", &format!("{generated}{number}")).get("info/login").status, 401);
        assert!(hashes() - before > 0.5, "a wrong password costs a hash");
    }
    let before = hashes();
    server.advance(601);
    for _ in 0..5 {
        admin.get("info/login").expect(200);
    }
    let after = hashes() - before;
    assert!((0.5..1.5).contains(&after), "ten minutes later once more: {after}");
}

#[test]
fn a_persons_password_is_remembered_for_a_while_and_never_longer_than_it_is_the_password() {
    let server = Server::on(Project::new().process("reset", &reset_by_mail())).start();
    let person = Person::create(&server, "remembered");
    let login = |password: &str| server.user(&person.name, password).get("info/login").status;
    let hashes = |request: &dyn Fn() -> u16, status: u16| cost(&server, || assert_eq!(request(), status)).0;
    assert_eq!(hashes(&|| login(PASSWORD), 200).to_bits(), 1.0_f64.to_bits());
    assert_eq!(hashes(&|| login(PASSWORD), 200).to_bits(), 0.0_f64.to_bits());
    assert_eq!(hashes(&|| login("wrong"), 401).to_bits(), 1.0_f64.to_bits());
    assert_eq!(
        hashes(&|| server.user(&person.name, PASSWORD).get(&format!("managed/user/{}", person.id)).status, 200).to_bits(),
        0.0_f64.to_bits()
    );

    // Deactivated: refused, and at the cost of any refusal.
    let path = format!("managed/user/{}", person.id);
    let status =
        |value: &str| server.admin().patch(&path, &json!([{ "operation": "replace", "field": "/accountStatus", "value": value }])).ok();
    status("inactive");
    assert_eq!(
        hashes(&|| login(PASSWORD), 401).to_bits(),
        1.0_f64.to_bits(),
        "a right password of an inactive account is not told by its time"
    );
    status("active");

    server.admin().patch(&path, &json!([{ "operation": "replace", "field": "/password", "value": NEW_PASSWORD }])).ok();
    assert_eq!(hashes(&|| login(PASSWORD), 401).to_bits(), 1.0_f64.to_bits(), "the former password opens nothing");
    assert_eq!(hashes(&|| login(NEW_PASSWORD), 200).to_bits(), 1.0_f64.to_bits());
    assert_eq!(hashes(&|| login(NEW_PASSWORD), 200).to_bits(), 0.0_f64.to_bits());
    server.advance(601);
    assert_eq!(hashes(&|| login(NEW_PASSWORD), 200).to_bits(), 1.0_f64.to_bits(), "ten minutes at most");
    server.admin().delete(&path).ok();
    assert_eq!(login(NEW_PASSWORD), 401);
}
