//! A proof is good for one person, one purpose, one process, one time.

use serde_json::json;

use super::{asks, password, up_to_the_password};
use crate::support::people::{NEW_PASSWORD, PASSWORD, right_answers, typable_code};
use crate::support::stages::jwt;
use crate::support::{Person, Project, Server, mailbox};
use crate::world::{reset_by_mail, world};

const INVALID: &str = "Invalid snapshot token";

#[test]
fn sec_05_codes_and_tokens_are_long_and_never_repeat() {
    let server = &world().server;
    let client = server.anonymous();
    let (mut links, mut codes, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..12 {
        let person = Person::create(server, "random");
        let (_, token) = client.goes_on("reset6uuid", None, &person.query());
        let mail = mailbox().with(0, &person.mail, &token);
        links.push(crate::support::Link::in_text(&mail.body).code);
        codes.push(typable_code(&mail.body));
        tokens.push(token);
    }
    for code in &codes {
        assert!(code.len() >= 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    }
    assert!(links.iter().all(|code| code.len() >= 32), "at least 120 bits in hexadecimal: {links:?}");
    for list in [&mut links, &mut codes, &mut tokens] {
        let count = list.len();
        list.sort();
        list.dedup();
        assert_eq!(list.len(), count);
    }
}

#[test]
fn sec_07_single_use_under_100_parallel_completions() {
    let server = &world().server;
    for process in ["reset", "reset6uuid"] {
        let person = Person::create(server, "parallel");
        let token = up_to_the_password(&server.anonymous(), process, &person);
        let answers: Vec<_> = std::thread::scope(|scope| {
            let submit = |number: usize| {
                let client = server.anonymous();
                let token = &token;
                move || (number, client.submit(process, Some(token), &password(&format!("Passw0rd-{number}"))))
            };
            let threads: Vec<_> = (0..100).map(|number| scope.spawn(submit(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let winners: Vec<usize> = answers.iter().filter(|(_, answer)| answer.status == 200).map(|(number, _)| *number).collect();
        assert_eq!(winners.len(), 1, "{process}: {winners:?}");
        for (_, answer) in answers.iter().filter(|(_, answer)| answer.status != 200) {
            assert_eq!(answer.refused(400), INVALID, "{process}");
        }
        assert!(server.signs_in(&person.name, &format!("Passw0rd-{}", winners[0])), "the one that was told so");
    }
}

#[test]
fn sec_07_sec_38_every_older_token_of_a_finished_instance_is_dead() {
    let server = &world().server;
    for process in ["reset", "reset6uuid"] {
        let (client, person) = (server.anonymous(), Person::create(server, "spent"));
        let (first, link) = asks(&client, process, &person);
        let (_, second) = client.goes_on(process, Some(&first), &link.input());
        assert_eq!(client.submit(process, Some(&second), &password(NEW_PASSWORD)).ok()["tag"], "end");
        assert_eq!(client.submit(process, Some(&second), &password("An0therPassword!")).refused(400), INVALID, "{process}");
        assert_eq!(client.submit(process, Some(&first), &link.input()).refused(400), INVALID, "{process}: the mailed link");
        assert!(server.signs_in(&person.name, NEW_PASSWORD));
    }
}

#[test]
fn sec_07_opening_a_link_consumes_nothing_until_the_process_ends() {
    let server = &world().server;
    let (client, person) = (server.anonymous(), Person::create(server, "reload"));
    let (token, link) = asks(&client, "reset", &person);
    let mut last = String::new();
    for _ in 0..8 {
        let (body, fresh) = client.goes_on("reset", Some(&token), &link.input());
        assert_eq!(body["type"], "resetStage", "a reload, a scanner, a second browser");
        last = fresh;
    }
    assert_eq!(client.submit("reset", Some(&last), &password(NEW_PASSWORD)).ok()["tag"], "end");
}

#[test]
fn sec_09_a_new_code_ends_the_earlier_one() {
    let server = &world().server;
    let (client, person) = (server.anonymous(), Person::create(server, "newer"));
    let (first, old) = asks(&client, "reset", &person);
    let (second, new) = asks(&client, "reset", &person);
    assert_eq!(client.submit("reset", Some(&first), &old.input()).refused(400), "Invalid code");
    assert_eq!(client.goes_on("reset", Some(&second), &new.input()).0["type"], "resetStage");
}

#[test]
fn sec_10_a_code_is_good_in_its_own_instance_person_and_process_only() {
    let server = &world().server;
    let client = server.anonymous();
    let (one, other) = (Person::create(server, "bound"), Person::create(server, "bound"));
    let (own, code_of_one) = asks(&client, "reset", &one);
    let (foreign, code_of_other) = asks(&client, "reset", &other);
    let (elsewhere, _) = asks(&client, "reset6jwt", &one);
    assert_eq!(client.submit("reset", Some(&own), &json!({ "code": code_of_other.code })).refused(400), "Invalid code");
    assert_eq!(client.submit("reset", Some(&foreign), &json!({ "code": code_of_one.code })).refused(400), "Invalid code");
    assert_eq!(client.submit("reset6jwt", Some(&own), &code_of_one.input()).refused(400), INVALID);
    assert_eq!(client.submit("reset6jwt", Some(&elsewhere), &code_of_one.input()).refused(400), "Invalid code");
}

#[test]
fn sec_11_five_wrong_codes_end_the_challenge_even_with_an_older_token() {
    let server = &world().server;
    for process in ["reset", "reset6uuid"] {
        let (client, person) = (server.anonymous(), Person::create(server, "guess"));
        let (token, link) = asks(&client, process, &person);
        for number in 0..5 {
            client.submit(process, Some(&token), &json!({ "code": format!("0000000{number}") })).refused(400);
        }
        assert_eq!(client.submit(process, Some(&token), &link.input()).refused(400), "Invalid code", "{process}");
        let (token, link) = asks(&client, process, &person);
        assert_eq!(client.goes_on(process, Some(&token), &link.input()).0["type"], "resetStage", "a new request is a new challenge");
    }
}

#[test]
fn sec_47_guesses_are_counted_before_they_are_compared_and_all_of_them() {
    let server = &world().server;
    let person = Person::create(server, "flood");
    let (token, link) = asks(&server.anonymous(), "reset", &person);
    let wrong = |number: usize| json!({ "code": format!("{number:08}") });
    std::thread::scope(|scope| {
        for number in 0..200 {
            let (client, token) = (server.anonymous(), &token);
            let forwarded = format!("203.0.113.{number}");
            scope.spawn(move || client.with("X-Forwarded-For", &forwarded).submit("reset", Some(token), &wrong(number)).refused(400));
        }
    });
    assert_eq!(server.anonymous().submit("reset", Some(&token), &link.input()).refused(400), "Invalid code");
    assert!(server.signs_in(&person.name, PASSWORD));
}

#[test]
fn sec_47_answers_are_counted_per_person_across_instances() {
    let kba = json!({ "kbaPropertyName": "kbaInfo", "minimumAnswersToVerify": 1, "numberOfAttemptsAllowed": 3, "kbaAttemptsPropertyName": "tries", "questions": { "1": { "en": "Which street?" } } });
    let stages = [crate::support::stages::user_query(), crate::support::stages::kba(), crate::support::stages::reset_stage()];
    let server = Server::on(Project::new().process("reset", &stages).json("conf/selfservice.kba.json", &kba)).start();
    let person = Person::with(&server, "tries", &json!({ "kbaInfo": [{ "questionId": "1", "answer": "Elm Street" }] }));
    let client = server.anonymous();
    std::thread::scope(|scope| {
        for _ in 0..20 {
            let (client, query) = (client.clone(), person.query());
            scope.spawn(move || {
                let (_, token) = client.goes_on("reset", None, &query);
                client.submit("reset", Some(&token), &json!({ "answer1": "wrong" })).refused(400);
            });
        }
    });
    let (body, token) = client.goes_on("reset", None, &person.query());
    client.submit("reset", Some(&token), &serde_json::Value::Object(right_answers(&body))).refused(400);
}

#[test]
fn sec_31_a_stage_takes_only_its_own_proof() {
    let server = &world().server;
    let client = server.anonymous();
    let person = Person::with_answers(server, "ownproof");
    // Mail was proven, the questions were not: the answer stage takes no code, the last stage is not reached.
    let (token, link) = asks(&client, "reset7jwt", &person);
    let (body, token) = client.goes_on("reset7jwt", Some(&token), &link.input());
    assert_eq!(body["type"], "kbaSecurityAnswerVerificationStage");
    for input in
        [link.input(), password(NEW_PASSWORD), json!({ "code": link.code, "password": NEW_PASSWORD }), json!({ "answer1": link.code })]
    {
        client.submit("reset7jwt", Some(&token), &input).refused(400);
    }
    let (body, token) = client.goes_on("reset7jwt", Some(&token), &serde_json::Value::Object(right_answers(&body)));
    assert_eq!(body["type"], "resetStage");
    assert_eq!(client.submit("reset7jwt", Some(&token), &password(NEW_PASSWORD)).ok()["tag"], "end");
}

#[test]
fn sec_39_no_changed_token_and_no_algorithm_from_a_token_is_accepted() {
    let server = Server::on(
        Project::new()
            .process("plain", &reset_by_mail())
            .definition("rsa", &json!({ "stageConfigs": reset_by_mail(), "snapshotToken": jwt(300) })),
    )
    .start();
    let client = server.anonymous();
    let person = Person::create(&server, "bits");
    for process in ["plain", "rsa"] {
        let (_, token) = client.goes_on(process, None, &person.query());
        let step = (token.len() / 40).max(1);
        for at in (0..token.len()).step_by(step).chain(token.len() - 3..token.len()) {
            let changed: String = token
                .char_indices()
                .map(|(index, c)| {
                    if index != at {
                        c
                    } else if c == 'A' {
                        'B'
                    } else {
                        'A'
                    }
                })
                .collect();
            if changed != token {
                assert_eq!(client.submit(process, Some(&changed), &json!({ "code": "x" })).refused(400), INVALID, "{process} {at}");
            }
        }
        let parts: Vec<&str> = token.split('.').collect();
        // {"alg":"none"} and {"alg":"HS512"} instead of what the file says, with the old signature and without.
        for header in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzUxMiJ9", "eyJ0eXAiOiJKV1QiLCJjdHkiOiJKV1QiLCJhbGciOiJub25lIn0"] {
            for signature in ["", parts[2]] {
                let forged = format!("{header}.{}.{signature}", parts[1]);
                assert_eq!(client.submit(process, Some(&forged), &json!({ "code": "x" })).refused(400), INVALID);
            }
        }
    }
}

#[test]
fn sec_50_a_reset_needs_its_token_in_the_body_and_a_session_its_own_cookie() {
    let server = &world().server;
    let person = Person::create(server, "fix");
    let chosen = "session-jwt=chosen-by-somebody-else";
    let login = server.nobody().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", PASSWORD).with("X-Requested-With", "x");
    let first = crate::support::client::cookie(&login.post_empty("authentication?_action=login")).unwrap();
    let second = crate::support::client::cookie(&login.post_empty("authentication?_action=login")).unwrap();
    assert!(first != second && first != chosen, "every sign-in is a new session");
    let fixed = login.with("Cookie", chosen).post_empty("authentication?_action=login");
    assert_ne!(crate::support::client::cookie(&fixed).as_deref(), Some(chosen));
    let token = up_to_the_password(&server.anonymous(), "reset", &person);
    let in_cookie = server.anonymous().with("Cookie", &format!("token={token}")).with("X-OpenIDM-Token", &token);
    in_cookie.submit("reset", None, &password(NEW_PASSWORD)).refused(400);
    let in_address = server
        .anonymous()
        .post(&format!("selfservice/reset?_action=submitRequirements&token={token}"), &json!({ "input": password(NEW_PASSWORD) }));
    in_address.refused(400);
    assert!(server.signs_in(&person.name, PASSWORD));
}
