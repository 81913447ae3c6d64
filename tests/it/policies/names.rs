//! `valid-username`: uniqueness and internal user conflicts, as its documentation says, wherever a name is written and however it is
//! spelled (SEC-48).

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{failed, managed, refused, user_name};
use crate::support::newcomer::Newcomer;
use crate::support::people::PASSWORD;
use crate::support::{Person, Response, Server};

/// The policy alone, as 25 of 94 real projects have it.
fn server() -> &'static Server {
    static SERVER: LazyLock<Server> =
        LazyLock::new(|| super::server(&managed(&user_name(&json!([{ "policyId": "valid-username" }])), &json!({}))));
    &SERVER
}

/// The same name with other letters, and one that only looks the same.
fn spellings(name: &str) -> [String; 4] {
    let mut capital = name.to_owned();
    capital[..1].make_ascii_uppercase();
    [name.to_owned(), name.to_uppercase(), capital, name.replace('c', "\u{441}")]
}

fn rename(to: &str) -> Value {
    json!([{ "operation": "replace", "field": "/userName", "value": to }])
}

#[test]
fn sec_48_a_taken_name_is_no_valid_user_name_for_a_newcomer_an_administrator_or_the_policy_service() {
    let person = Person::create(server(), "victim");
    for name in spellings(&person.name) {
        let newcomer = Newcomer { name: name.clone(), ..Newcomer::new("second") };
        let answer = server().anonymous().submit("registration", None, &json!({ "user": newcomer.user() }));
        assert_eq!(refused(&answer), ["userName VALID_USERNAME"], "{name}: {}", answer.text());
        let answer = server().admin().post("managed/user?_action=create", &Person::object(&name));
        assert_eq!(refused(&answer), ["userName VALID_USERNAME"], "{name}: {}", answer.text());
        let answer = server().admin().put("managed/user/another", &Person::object(&name));
        assert_eq!(refused(&answer), ["userName VALID_USERNAME"], "{name}: {}", answer.text());
        let asked = server().admin().post("policy/managed/user/*?_action=validateObject", &json!({ "userName": name })).ok();
        assert_eq!((&asked["result"], failed(&asked)), (&json!(false), vec!["userName VALID_USERNAME".to_owned()]), "{name}");
        let asked =
            server().anonymous().post("policy/selfservice/registration?_action=validateObject", &json!({ "user": { "userName": name } }));
        assert_eq!(failed(&asked.ok()), ["/user/userName VALID_USERNAME"], "{name}");
    }
    assert!(server().signs_in(&person.name, PASSWORD), "the owner of the name is still the only one who has it");
}

#[test]
fn sec_48_nobody_is_renamed_to_a_name_that_somebody_has() {
    let (owner, other) = (Person::create(server(), "racer"), Person::create(server(), "rename"));
    let themselves = server().nobody().session(&other.name, PASSWORD).with("X-Requested-With", "XMLHttpRequest");
    let path = format!("managed/user/{}", other.id);
    for name in spellings(&owner.name) {
        for client in [&themselves, &server().admin()] {
            let answer = client.patch(&path, &rename(&name));
            assert_eq!(refused(&answer), ["userName VALID_USERNAME"], "{name}: {}", answer.text());
        }
        let mut object = other.read(server());
        object["userName"] = json!(name);
        assert_eq!(refused(&server().admin().put(&path, &object)), ["userName VALID_USERNAME"], "{name}");
    }
    let own = other.name.to_uppercase();
    assert_eq!(themselves.patch(&path, &rename(&own)).status, 200, "another spelling of one's own name is free");
}

#[test]
fn sec_48_names_of_internal_users_are_taken_in_every_spelling() {
    for name in ["openidm-admin", "OpenIDM-Admin", "anonymous", "ANONYMOUS", "anonym\u{43e}us"] {
        let answer = server().admin().post("managed/user?_action=create", &Person::object(name));
        assert_eq!(refused(&answer), ["userName VALID_USERNAME"], "{name}");
        let newcomer = Newcomer { name: name.to_owned(), ..Newcomer::new("internal") };
        let answer = server().anonymous().submit("registration", None, &json!({ "user": newcomer.user() }));
        assert_eq!(refused(&answer), ["userName VALID_USERNAME"], "{name}");
    }
}

#[test]
fn an_object_that_comes_back_as_it_was_read_is_no_conflict_with_itself() {
    let person = Person::create(server(), "itself");
    let mut object = person.read(server());
    object["sn"] = json!("Other");
    server().admin().put(&format!("managed/user/{}", person.id), &object).ok();
    let asked =
        server().admin().post(&format!("policy/managed/user/{}?_action=validateObject", person.id), &json!({ "userName": person.name }));
    assert_eq!(asked.ok()["result"], true);
}

fn at_once(all: &[String], one: impl Fn(usize, &str) -> Response + Sync) -> Vec<Response> {
    std::thread::scope(|scope| {
        let one = &one;
        let tries: Vec<_> = all.iter().enumerate().map(|(at, name)| scope.spawn(move || one(at, name))).collect();
        tries.into_iter().map(|each| each.join().unwrap()).collect()
    })
}

/// One is let through, and everybody else hears of the name and of nothing else.
#[track_caller]
fn one_of(answers: &[Response], done: u16) {
    assert_eq!(answers.iter().filter(|answer| answer.status == done).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != done) {
        assert_eq!(refused(answer), ["userName VALID_USERNAME"], "{}", answer.text());
    }
}

#[test]
fn sec_48_of_a_hundred_requests_for_one_name_in_many_spellings_one_succeeds_at_every_door() {
    let spelled = |tag: &str| -> Vec<String> {
        let name = Newcomer::new(tag).name;
        let letter = |bits: usize, at: usize, c: char| if bits >> (at % 5) & 1 == 1 { c.to_ascii_uppercase() } else { c };
        (0..100).map(|bits| name.chars().enumerate().map(|(at, c)| letter(bits, at, c)).collect()).collect()
    };
    let registered = at_once(&spelled("crowd"), |_, name| {
        let newcomer = Newcomer { name: name.to_owned(), ..Newcomer::new("crowdmail") };
        server().anonymous().submit("registration", None, &json!({ "user": newcomer.user() }))
    });
    one_of(&registered, 200);
    let created = at_once(&spelled("admin"), |_, name| server().admin().post("managed/user?_action=create", &Person::object(name)));
    one_of(&created, 201);
    let people: Vec<Person> = (0..10).map(|_| Person::create(server(), "mover")).collect();
    let names = &spelled("moved")[..10];
    let renamed = at_once(names, |at, name| server().admin().patch(&format!("managed/user/{}", people[at].id), &rename(name)));
    one_of(&renamed, 200);
}
