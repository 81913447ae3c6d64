//! Processes that ask security questions of whoever was named: a decoy's questions behave like an account's, however often and in whatever
//! words a caller asks.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::accounts::{cost, face};
use crate::support::people::{query, unused};
use crate::support::stages::{kba, parameters, reset_stage, user_query};
use crate::support::{Client, Person, Project, Server};

/// Four questions, of which everybody must define two.
fn project(verify: u32) -> Project {
    let questions: serde_json::Map<String, Value> = (1..=4)
        .map(|id| {
            (id.to_string(), json!({ "en": format!("Question {id}?"), "fr": format!("Question {id} ?"), "de": format!("Frage {id}?") }))
        })
        .collect();
    Project::new()
        .json(
            "conf/selfservice.kba.json",
            &json!({
                "kbaPropertyName": "kbaInfo", "minimumAnswersToDefine": 2, "minimumAnswersToVerify": verify, "questions": questions,
                "numberOfAttemptsAllowed": 3, "kbaAttemptsPropertyName": "tries",
            }),
        )
        .process("reset", &[user_query(), kba(), reset_stage()])
        .process("returning", &[parameters(), user_query(), kba(), reset_stage()])
}

/// Somebody who answered these questions with `elm street`, and maybe one of their own.
fn person(server: &Server, ids: &[u32], own: Option<&str>) -> Person {
    let system = ids.iter().map(|id| json!({ "questionId": id.to_string(), "answer": "elm street" }));
    let own = own.map(|text| json!({ "customQuestion": text, "answer": "elm street" }));
    Person::with(server, "asked", &json!({ "kbaInfo": system.chain(own).collect::<Value>() }))
}

fn filter(text: &str) -> Value {
    json!({ "queryFilter": text })
}

/// What instances of a filter ask.
fn asked(client: &Client, filter: &Value) -> BTreeSet<String> {
    (0..40).map(|_| client.goes_on("reset", None, filter).0["requirements"]["properties"].to_string()).collect()
}

/// The same name in other words.
fn spellings(name: &str) -> Vec<Value> {
    vec![
        filter(&format!("/userName EQ '{name}'")),
        filter(&format!("  ( userName eq \"{name}\" )  ")),
        filter(&format!("userName eq \"{name}\" or userName eq \"{name}\"")),
        filter(&format!("userName eq \"{name}\" and (userName eq \"{name}\" or sn eq \"{name}\")")),
        filter(&format!("userName eq \"{name}\" or mail eq \"{name}\"")),
    ]
}

#[test]
fn sec_01_a_decoys_questions_vary_like_an_accounts_and_are_the_same_in_every_spelling() {
    let server = Server::on(project(1)).start();
    let client = server.anonymous();
    let known = [person(&server, &[1, 3], None), person(&server, &[1, 2, 3, 4], None), person(&server, &[2, 4], Some("Whose boat?"))];
    let unknown: Vec<String> = (0..3).map(|_| unused("nobody")).collect();
    let asleep = Person::with(&server, "asleep", &json!({ "accountStatus": "inactive" }));
    let answerless = Person::create(&server, "answerless");
    let names = known.iter().map(|person| &person.name).chain(&unknown).chain([&asleep.name, &answerless.name]);
    for name in names {
        let plain = asked(&client, &query("userName", name));
        assert_eq!(plain.len(), 2, "{name}: as many as somebody defines, drawn anew by every instance");
        assert!(plain.iter().all(|question| question.contains("systemQuestion") && question.contains("Frage")), "all locales: {plain:?}");
        for same in spellings(name) {
            assert_eq!(asked(&client, &same), plain, "{same}");
        }
    }
}

#[test]
fn sec_01_another_case_or_a_made_up_addition_names_a_decoy() {
    let server = Server::on(project(1)).start();
    let client = server.anonymous();
    let known = person(&server, &[1, 3], None).name;
    let mut alone = Vec::new();
    for name in [known, unused("nobody")] {
        let plain = asked(&client, &query("userName", &name));
        let noise = (0..4).map(|_| filter(&format!("userName eq \"{name}\" or userName eq \"{}\"", unused("noise"))));
        let others = [
            query("userName", &name.to_uppercase()),
            query("userName", &format!("{name} ")),
            filter(&format!("userName eq \"{name}\" or (userName eq \"{name}\" and sn eq \"{}\")", unused("noise"))),
        ];
        let sets: Vec<BTreeSet<String>> = others.into_iter().chain(noise).map(|other| asked(&client, &other)).collect();
        assert!(sets.iter().all(|set| set.len() == 2), "{sets:?}");
        // One agreement is chance, one set of six; every one of them agreeing would be knowledge.
        alone.push(sets.iter().all(|set| *set == plain));
    }
    assert_eq!(alone, [false, false], "neither the known nor the unknown name shows through");
}

#[test]
fn sec_01_one_instance_asks_the_same_however_often_it_is_asked() {
    let server = Server::on(project(2)).start();
    let client = server.anonymous();
    for name in [person(&server, &[1, 2, 3], None).name, unused("nobody")] {
        let (_, token) = client.goes_on("returning", None, &json!({}));
        let ask = || client.goes_on("returning", Some(&token), &query("userName", &name));
        let (first, second) = ask();
        assert_eq!(first["requirements"]["required"], json!(["answer1", "answer2"]), "{name}");
        assert!((0..10).all(|_| ask().0["requirements"] == first["requirements"]), "{name}");
        client.submit("returning", Some(&second), &json!({ "answer1": "x", "answer2": "y" })).refused(400);
        assert_eq!(ask().0["requirements"], first["requirements"], "{name}: after a wrong answer");
        let french = client.clone().with("Accept-Language", "fr").submit("returning", Some(&token), &query("userName", &name)).ok();
        assert_eq!(french["requirements"], first["requirements"], "{name}: the client chooses the language");
    }
}

#[test]
fn sec_01_sec_47_being_locked_out_is_the_same_answer_and_work_for_a_decoy() {
    let server = Server::on(project(2)).start();
    let client = server.anonymous();
    let asleep = Person::with(&server, "asleep", &json!({ "accountStatus": "inactive" }));
    let names = [person(&server, &[1, 3], None).name, unused("nobody"), asleep.name, Person::create(&server, "answerless").name];
    let walks: Vec<Vec<_>> = names
        .iter()
        .map(|name| {
            let mut seen = Vec::new();
            for round in 0..3 {
                let start = client.submit("reset", None, &query("userName", name));
                let token = start.json()["token"].as_str().unwrap().to_owned();
                let mut shown = face(&start);
                shown.2["requirements"]["properties"] = json!(null);
                seen.push((shown, (0.0, 0.0)));
                for input in [
                    json!({}),
                    json!({ "answer1": "wrong" }),
                    json!({ "answer1": "wrong", "answer2": 5 }),
                    json!({ "answer1": "wrong", "answer2": "wrong" }),
                    // The right ones, once the wrong ones have locked the account.
                    json!({ "answer1": if round > 0 { "elm street" } else { "wrong" }, "answer2": "elm street" }),
                    json!({ "answer1": "x".repeat(2000), "answer2": "" }),
                ] {
                    let mut answer = None;
                    let work = cost(&server, || answer = Some(client.submit("reset", Some(&token), &input)));
                    seen.push((face(&answer.unwrap()), work));
                }
            }
            seen
        })
        .collect();
    for (name, walk) in names.iter().zip(&walks) {
        assert_eq!(walk, &walks[0], "{name}");
    }
    assert!(walks[0].iter().any(|(_, work)| work.0 >= 2.0), "each answer is hashed: {:?}", walks[0]);
}

/// Whoever has proved to read the account's mail is asked everything the account has; before that, only the administrator's questions.
#[test]
fn sec_01_a_question_of_ones_own_is_shown_before_a_proof_only_where_there_is_no_other() {
    let server = Server::on(project(1)).start();
    let client = server.anonymous();
    let both = person(&server, &[2], Some("Whose boat?"));
    assert!(asked(&client, &both.query()).iter().all(|question| question.contains("systemQuestion")));
    let only = person(&server, &[], Some("Whose boat?"));
    assert!(asked(&client, &only.query()).iter().all(|question| question.contains("Whose boat?")), "the person must be able to go on");
}
