//! Security questions are a proof, so whoever sets them proves more than a session (SEC-20), and every rule of the stage that defines them holds
//! wherever they are set.

use serde_json::{Value, json};

use crate::support::people::PASSWORD;
use crate::support::profile::signed_in;
use crate::support::stages::{email_validation, kba, reset_stage, user_query};
use crate::support::{Client, Person, Project, Server};

/// Two answers of three characters at least, to questions of the administrator's or one's own of five.
fn project() -> Project {
    let questions = json!({ "1": { "en": "Which street?" }, "2": { "en": "Which employer?" } });
    Project::new()
        .json(
            "conf/selfservice.kba.json",
            &json!({
                "kbaPropertyName": "kbaInfo", "minimumAnswersToDefine": 2, "minimumAnswersToVerify": 1, "questions": questions,
                "vestibule": { "minimumAnswerLength": 3, "minimumQuestionLength": 5 },
            }),
        )
        .process("reset", &[user_query(), kba(), reset_stage()])
        .process("mailed", &[user_query(), email_validation(), kba(), reset_stage()])
        .process("kbaUpdate", &[json!({ "name": "kbaUpdateStage", "kbaConfig": null, "identityServiceUrl": "managed/user" })])
}

fn set(value: &Value) -> Value {
    json!([{ "operation": "replace", "field": "/kbaInfo", "value": value }])
}

fn two(answer: &str) -> Value {
    json!([{ "questionId": "1", "answer": answer }, { "customQuestion": "Which tea?", "answer": answer }])
}

/// Lists that no process would take.
fn refused() -> Vec<Value> {
    let good = json!({ "questionId": "1", "answer": "street" });
    let with = |entry: Value| json!([good, entry]);
    vec![
        json!([]),
        json!([good]),
        with(json!({ "questionId": "2", "answer": "ab" })),
        with(json!({ "questionId": "2", "answer": "  " })),
        with(json!({ "questionId": "1", "answer": "twice" })),
        with(json!({ "questionId": "9", "answer": "unknown" })),
        with(json!({ "customQuestion": "Tea?", "answer": "oolong" })),
        with(json!({ "customQuestion": "which STREET", "answer": "oolong" })),
        with(json!({ "customQuestion": "Which\ntea?", "answer": "oolong" })),
        with(json!({ "customQuestion": "?!", "answer": "oolong" })),
        with(json!({ "customQuestion": "x".repeat(600), "answer": "oolong" })),
        with(json!({ "questionId": "2", "customQuestion": "Which tea?", "answer": "oolong" })),
    ]
}

fn answers(client: &Client, person: &Person, text: &str) -> u16 {
    let (_, token) = client.goes_on("reset", None, &person.query());
    client.submit("reset", Some(&token), &json!({ "answer1": text })).status
}

#[test]
fn sec_20_questions_on_the_managed_object_need_the_password_and_keep_every_rule_of_the_definition() {
    let server = Server::on(project()).start();
    let person = Person::create(&server, "questions");
    let own = format!("managed/user/{}", person.id);
    let session = signed_in(&server, &person);
    let proven = session.clone().with("X-OpenIDM-Reauth-Password", PASSWORD);
    let append = json!([{ "operation": "add", "field": "/kbaInfo/-", "value": { "questionId": "1", "answer": "street" } }]);
    let whole = |questions: &Value| {
        let mut object = session.get(&own).expect(200).json();
        object["kbaInfo"] = questions.clone();
        object
    };
    // A session alone, and a wrong password, change nothing in any form.
    for client in [&session, &session.clone().with("X-OpenIDM-Reauth-Password", "Wr0ngPassword")] {
        client.patch(&own, &set(&two("street"))).refused(403);
        client.patch(&own, &append).refused(403);
        client.patch(&own, &json!([{ "operation": "remove", "field": "/kbaInfo" }])).refused(403);
        client.post(&format!("{own}?_action=patch"), &set(&two("street"))).refused(403);
        client.put(&own, &whole(&two("street"))).refused(403);
    }
    for list in refused() {
        for answer in [
            proven.patch(&own, &set(&list)),
            proven.post(&format!("{own}?_action=patch"), &set(&list)),
            proven.put(&own, &whole(&list)),
            session.patch(&format!("selfservice/user/{}", person.id), &set(&list)),
        ] {
            assert_eq!(answer.status, 400, "{list}: {}", answer.text());
        }
        // The stage that updates asks again where there are too few, and refuses the rest.
        let answer = session.submit("kbaUpdate", None, &json!({ "kba": list }));
        assert!(answer.status == 400 || answer.json()["tag"] == "initial", "{list}: {}", answer.text());
    }
    proven.patch(&own, &append).refused(400);
    assert_eq!(answers(&server.anonymous(), &person, "street"), 400, "nothing was kept");
    proven.patch(&own, &set(&two("street"))).expect(200);
    assert_eq!(answers(&server.anonymous(), &person, "street"), 200, "given with the password, they count at once");
    proven.put(&own, &whole(&two("avenue"))).expect(200);
    assert_eq!(answers(&server.anonymous(), &person, "avenue"), 200);
    proven.patch(&own, &json!([{ "operation": "remove", "field": "/kbaInfo" }])).refused(400);
    // Everything else goes on with a session alone.
    session.patch(&own, &json!([{ "operation": "replace", "field": "/givenName", "value": "Other" }])).expect(200);
    session.put(&own, &session.get(&own).expect(200).json()).expect(200);
    // An administrator brings one answer, and none that a process would not take.
    let admin = server.admin();
    for list in refused().into_iter().skip(2).filter(|list| list[1]["questionId"] != "9" && list[1]["answer"] != "twice") {
        assert_eq!(admin.patch(&own, &set(&list)).status, 400, "{list}");
    }
    admin.patch(&own, &set(&json!([{ "questionId": "1", "answer": "alone" }]))).expect(200);
    assert_eq!(answers(&server.anonymous(), &person, "alone"), 200);
}

#[test]
fn sec_20_questions_set_by_a_session_alone_prove_nothing_by_themselves_for_as_long_as_is_configured() {
    for (settings, seconds) in
        [("", 86_400), ("[profile]\nquestions_settle_hours = 2\n", 7_200), ("[profile]\nquestions_settle_hours = 0\n", 0)]
    {
        let server = Server::on(project().file("vestibule.toml", settings)).clock_stands().start();
        let person = Person::create(&server, "fresh");
        let session = signed_in(&server, &person);
        session.patch(&format!("selfservice/user/{}", person.id), &set(&two("street"))).expect(200);
        let client = server.anonymous();
        if seconds > 0 {
            assert_eq!(answers(&client, &person, "street"), 400);
            server.advance(seconds - 1);
            assert_eq!(answers(&client, &person, "street"), 400);
            server.advance(1);
        }
        assert_eq!(answers(&client, &person, "street"), 200, "{settings}");
        assert_eq!(client.goes_on("reset", None, &person.query()).0["type"], "kbaSecurityAnswerVerificationStage");
    }
}
