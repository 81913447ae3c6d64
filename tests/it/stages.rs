//! Stages with rules of their own: security questions, captcha, policies at the reset, the shape of every requirement.

use serde_json::{Value, json};

use crate::support::people::{NEW_PASSWORD, PASSWORD, query, right_answers};
use crate::support::stages::{captcha, kba, reset_stage, retrieve_username, user_query, with};
use crate::support::{Client, Person, Project, Server};
use crate::world::world;

fn questions(client: &Client, process: &str, person: &Person) -> (Value, String) {
    let (body, token) = client.goes_on(process, None, &person.query());
    assert_eq!((&body["type"], &body["tag"]), (&json!("kbaSecurityAnswerVerificationStage"), &json!("initial")));
    (body, token)
}

#[test]
fn a_question_is_asked_in_every_language_and_its_answer_read_generously() {
    let server = &world().server;
    let (client, person) = (server.anonymous(), Person::with_answers(server, "kba"));
    let (body, token) = questions(&client, "resetkba", &person);
    let requirements = &body["requirements"];
    assert_eq!((&requirements["description"], &requirements["required"]), (&json!("Answer security questions"), &json!(["answer1"])));
    let question = &requirements["properties"]["answer1"];
    assert_eq!(question["type"], "string");
    assert!(question["systemQuestion"]["en"].is_string() && question["systemQuestion"]["fr"].is_string(), "{question}");
    let right = right_answers(&body)["answer1"].as_str().unwrap().to_owned();
    let generous = json!({ "answer1": format!("  {} ", right.to_uppercase()) });
    assert_eq!(client.goes_on("resetkba", Some(&token), &generous).0["type"], "resetStage");
}

#[test]
fn own_questions_are_asked_too_and_as_many_as_the_file_wants() {
    let kba_file = json!({ "kbaPropertyName": "kbaInfo", "minimumAnswersToDefine": 2, "minimumAnswersToVerify": 2, "questions": { "1": { "en": "Which street?" } } });
    let server =
        Server::on(Project::new().process("reset", &[user_query(), kba(), reset_stage()]).json("conf/selfservice.kba.json", &kba_file))
            .start();
    let answers = json!([{ "questionId": "1", "answer": "Elm Street" }, { "customQuestion": "Favourite tea?", "answer": "Oolong" }]);
    let person = Person::with(&server, "own", &json!({ "kbaInfo": answers }));
    let client = server.anonymous();
    let (body, token) = client.goes_on("reset", None, &person.query());
    let asked = body["requirements"]["properties"].as_object().unwrap();
    let key = |wanted: &dyn Fn(&Value) -> bool| asked.iter().find(|(_, question)| wanted(question)).unwrap().0.clone();
    let system = key(&|question| question["systemQuestion"]["en"] == "Which street?");
    let own = key(&|question| question["userQuestion"] == "Favourite tea?");
    assert_eq!(body["requirements"]["required"].as_array().unwrap().len(), 2);
    client.submit("reset", Some(&token), &json!({ &system: "elm street" })).refused(400);
    client.submit("reset", Some(&token), &json!({ &system: "oolong", &own: "elm street" })).refused(400);
    assert_eq!(client.goes_on("reset", Some(&token), &json!({ &system: "elm street", &own: "oolong" })).0["type"], "resetStage");
}

#[test]
fn a_replayed_token_does_not_draw_other_questions() {
    let server = &world().server;
    let (client, person) = (server.anonymous(), Person::with_answers(server, "draw"));
    let (body, token) = client.goes_on("reset12jwt", None, &person.query());
    assert_eq!(body["type"], "emailValidation");
    let link = crate::support::Link::in_text(&crate::support::mailbox().wait_for(&person.mail).body);
    let (_, token) = client.goes_on("reset12jwt", Some(&token), &link.input());
    let asked = || client.goes_on("reset12jwt", Some(&token), &json!({ "response": "good" })).0["requirements"]["properties"].clone();
    let first = asked();
    assert!(first["answer1"]["systemQuestion"].is_object(), "{first}");
    for _ in 0..6 {
        assert_eq!(asked(), first, "one of three questions would come up otherwise sooner or later");
    }
}

#[test]
fn wrong_answers_lock_the_questions_until_the_administrator_clears_the_counter() {
    let kba_file = json!({
        "kbaPropertyName": "kbaInfo", "minimumAnswersToDefine": 1, "minimumAnswersToVerify": 1, "numberOfAttemptsAllowed": "2", "kbaAttemptsPropertyName": "KBA_lockout",
        "questions": { "1": { "en": "Which street?" } },
    });
    let server =
        Server::on(Project::new().process("reset", &[user_query(), kba(), reset_stage()]).json("conf/selfservice.kba.json", &kba_file))
            .start();
    let answers = json!([{ "questionId": "1", "answer": "Elm Street" }]);
    let person = Person::with(&server, "lock", &json!({ "kbaInfo": answers }));
    let client = server.anonymous();
    let (_, token) = questions(&client, "reset", &person);
    let wrong: Vec<String> = (0..3).map(|_| client.submit("reset", Some(&token), &json!({ "answer1": "wrong" })).refused(400)).collect();
    let right = json!({ "answer1": "elm street" });
    let locked = client.submit("reset", Some(&token), &right).refused(400);
    assert_eq!(wrong[0], locked, "a locked person and a wrong answer read alike");
    let (_, fresh) = questions(&client, "reset", &person);
    assert_eq!(client.submit("reset", Some(&fresh), &right).refused(400), locked, "another instance is no way round");
    let counter = person.read(&server)["KBA_lockout"].clone();
    assert!(counter.as_u64().is_some_and(|count| count >= 2), "the administrator sees the counter: {counter}");
    let clear = json!([{ "operation": "replace", "field": "/KBA_lockout", "value": 0 }]);
    server.admin().patch(&format!("managed/user/{}", person.id), &clear).expect(200);
    let (_, fresh) = questions(&client, "reset", &person);
    assert_eq!(client.goes_on("reset", Some(&fresh), &right).0["type"], "resetStage");
    assert!(server.signs_in(&person.name, PASSWORD), "only the questions were locked");
}

#[test]
fn a_captcha_is_verified_where_the_file_says() {
    let world = world();
    let client = world.server.anonymous();
    let first = client.get("selfservice/captcha").ok();
    assert_eq!(
        first["requirements"]["properties"]["response"],
        json!({ "recaptchaSiteKey": "the-site-key", "description": "Captcha response", "type": "string" })
    );
    assert!(!first.to_string().contains("the-secret-key"));
    let (body, _) = client.goes_on("captcha", None, &json!({ "response": "good", "g-recaptcha-response": "good" }));
    assert_eq!(body["type"], "userQuery");
    let asked = world.verifier.asked();
    let last = asked.iter().rfind(|asked| asked.body.contains("response=good")).unwrap();
    assert_eq!(last.line, "POST /siteverify HTTP/1.1");
    assert!(last.body.contains("secret=the-secret-key"), "{}", last.body);
    for response in ["bad", "", "good&response=x"] {
        let refused = client.submit("captcha", None, &json!({ "response": response })).refused(400);
        assert!(!refused.contains("the-secret-key"), "{refused}");
    }
    for missing in [json!({}), json!({ "response": null }), json!({ "response": 17 }), json!({ "response": ["good"] })] {
        client.submit("captcha", None, &missing).refused(400);
    }
    for response in ["babble", "fail"] {
        client.submit("captcha", None, &json!({ "response": response })).refused(503);
    }
}

#[test]
fn a_captcha_whose_verifier_is_down_lets_nobody_through() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let project = Project::new().process("lookup", &[captcha(&format!("http://{closed}/siteverify")), user_query(), retrieve_username()]);
    let server = Server::on(project).start();
    server.anonymous().submit("lookup", None, &json!({ "response": "good" })).refused(503);
}

#[test]
fn a_password_that_fails_the_policy_is_answered_200_with_the_requirements_and_a_fresh_token() {
    let server = &world().server;
    let (client, person) = (server.anonymous(), Person::with_answers(server, "policy"));
    let (body, token) = questions(&client, "resetkba", &person);
    let (_, mut token) = client.goes_on("resetkba", Some(&token), &Value::Object(right_answers(&body)));
    for (password, requirement) in [
        ("Sh0rt", "MIN_LENGTH"),
        ("n0capitals", "AT_LEAST_X_CAPITAL_LETTERS"),
        ("NoNumbersHere", "AT_LEAST_X_NUMBERS"),
        ("xFamily01y", "CANNOT_CONTAIN_OTHERS"),
    ] {
        let answer = client.submit("resetkba", Some(&token), &json!({ "password": password })).expect(200).json();
        assert_eq!((&answer["type"], &answer["tag"]), (&json!("resetStage"), &json!("initial")), "{password}");
        let error = &answer["requirements"]["error"];
        assert_eq!(error["code"], 403, "{answer}");
        assert!(error["message"].is_string(), "{answer}");
        let failed = error["detail"]["failedPolicyRequirements"].as_array().unwrap();
        let named = failed
            .iter()
            .any(|failure| failure["property"] == "password" && failure["policyRequirements"][0]["policyRequirement"] == requirement);
        assert!(named, "{password}: {error}");
        assert!(!answer.to_string().contains(password), "the password comes back: {answer}");
        let fresh = answer["token"].as_str().unwrap().to_owned();
        assert_ne!(fresh, token);
        token = fresh;
    }
    assert!(server.signs_in(&person.name, PASSWORD));
    assert_eq!(client.submit("resetkba", Some(&token), &json!({ "password": NEW_PASSWORD })).ok()["tag"], "end");
}

#[test]
fn an_inactive_account_is_a_decoy_and_one_that_is_not_validated_too() {
    let server = &world().server;
    let asleep = Person::with(server, "asleep", &json!({ "accountStatus": "inactive" }));
    for process in ["reset", "reset4jwt"] {
        let mark = crate::support::mailbox().mark();
        let (body, _) = server.anonymous().goes_on(process, None, &asleep.query());
        assert_eq!(body["type"], "emailValidation");
        let sentinel = Person::create(server, "sentinel");
        server.anonymous().goes_on(process, None, &sentinel.query());
        crate::support::mailbox().after(mark, &sentinel.mail);
        assert_eq!(crate::support::mailbox().count(mark, &asleep.mail), 0, "{process}");
    }
    assert_eq!(server.user(&asleep.name, PASSWORD).get("info/login").status, 401);
}

#[test]
fn a_process_may_disclose_and_one_that_shows_names_does() {
    let server = &world().server;
    assert_eq!(server.anonymous().submit("frank", None, &query("userName", "nobody")).refused(400), "Unable to find account");
    assert_eq!(server.anonymous().submit("username", None, &query("mail", "nobody@example.test")).refused(400), "Unable to find account");
    let person = Person::create(server, "frank");
    assert_eq!(server.anonymous().goes_on("frank", None, &person.query()).0["type"], "emailValidation");
}

#[test]
fn fields_with_other_names_are_used_throughout() {
    let stages = [
        with(with(user_query(), "validQueryFields", json!(["/telephoneNumber"])), "identityEmailField", json!("/mail")),
        with(crate::support::stages::email_validation(), "identityEmailField", json!("mail")),
        reset_stage(),
    ];
    let server = Server::on(Project::new().process("byphone", &stages)).start();
    let person = Person::with(&server, "phone", &json!({ "telephoneNumber": "555-0100" }));
    let (body, _) = server.anonymous().goes_on("byphone", None, &query("telephoneNumber", "555-0100"));
    assert_eq!(body["type"], "emailValidation");
    crate::support::mailbox().wait_for(&person.mail);
    assert_eq!(server.anonymous().submit("byphone", None, &person.query()).refused(400), "Invalid query filter");
}
