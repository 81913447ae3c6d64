//! Budgets of guesses, whatever is guessed and under whichever name, and who ends them (SEC-47).

use serde_json::{Value, json};

use crate::support::people::{PASSWORD, query, right_answers};
use crate::support::server::ADMIN_PASSWORD;
use crate::support::stages::{kba, reset_stage, user_query};
use crate::support::{Client, Person, Project, Server, mailbox};
use crate::world::reset_by_mail;

/// A server that believes what a proxy on this machine says about addresses.
fn server(project: Project, limits: &str) -> Server {
    let toml = format!("[limits]\n{limits}\n[proxies]\ntrusted = [\"127.0.0.1\"]\n[prove]\nat_load = \"off\"\n");
    Server::on(project.file("vestibule.toml", toml)).clock_stands().start()
}

fn managed(name: &str) -> Value {
    json!({ "name": "MANAGED_USER", "properties": { "queryOnResource": "managed/user", "defaultUserRoles": ["internal/role/openidm-authorized"],
        "propertyMapping": { "authenticationId": name, "userCredential": "password", "userRoles": "authzRoles" } } })
}

fn from(client: Client, address: &str) -> Client {
    client.with("X-Forwarded-For", address)
}

#[test]
fn sec_47_the_names_of_one_person_are_one_budget() {
    let anonymous = json!({ "name": "STATIC_USER", "properties": { "queryOnResource": "internal/user", "username": "anonymous",
        "password": "anonymous", "defaultUserRoles": ["internal/role/openidm-reg"] } });
    let modules = json!([anonymous, managed("userName"), managed("mail")]);
    let context = json!({ "serverAuthContext": { "sessionModule": { "name": "JWT_SESSION" }, "authModules": modules } });
    let server = server(Project::new().json("conf/authentication.json", &context), "signin_failures_per_account_hour = 5");
    let (person, other) = (Person::create(&server, "named"), Person::create(&server, "other"));
    let sign_in = |number: usize, name: &str, password: &str| {
        from(server.user(name, password), &format!("203.0.113.{number}")).get("info/login").status
    };
    assert_eq!(sign_in(1, &other.mail, PASSWORD), 200, "both are names");
    let statuses: Vec<u16> =
        (0..10).map(|number| sign_in(number, if number.is_multiple_of(2) { &person.name } else { &person.mail }, "guess")).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429, 429, 429, 429]);
    assert_eq!(sign_in(20, &person.mail, PASSWORD), 429, "and none is compared any more");
    let nobody: Vec<u16> = (0..7).map(|number| sign_in(number, "nobody-here", "guess")).collect();
    assert_eq!(nobody, [401, 401, 401, 401, 401, 429, 429]);
    server.admin().post("vestibule/limits?_action=clear", &json!({ "person": person.name })).expect(200);
    assert_eq!(sign_in(21, &person.mail, PASSWORD), 200);
}

/// The password of an account of the configuration is compared before the rate of sign-ins is asked, which goes by people.
#[test]
fn sec_47_a_guess_that_was_compared_counts_whatever_refuses_it_afterwards() {
    let server = server(Project::new(), "signins_per_client_minute = 1\nsignin_failures_per_account_hour = 5");
    let admin = |password: &str| from(server.user("openidm-admin", password), "203.0.113.1").get("info/login").status;
    assert_eq!((0..5).map(|_| admin("guess")).collect::<Vec<_>>(), [401, 429, 429, 429, 429]);
    assert_eq!(admin(ADMIN_PASSWORD), 429, "and the sixth is not compared");
}

/// One wrong answer of each of many people is as many guesses of a network as many of one.
#[test]
fn sec_47_answers_and_codes_have_a_budget_per_network() {
    let project = Project::new().process("reset", &[user_query(), kba(), reset_stage()]).process("mailed", &reset_by_mail());
    let server = server(project, "signin_failures_per_client_hour = 5");
    let client = from(server.anonymous(), "203.0.113.1");
    let answer = |client: &Client, query: &Value, right: bool| {
        let (asked, token) = client.goes_on("reset", None, query);
        let wrong = json!({ "answer1": "wrong" });
        client.submit("reset", Some(&token), &if right { json!(right_answers(&asked)) } else { wrong })
    };
    let people: Vec<Person> = (0..3).map(|_| Person::with_answers(&server, "answers")).collect();
    for person in &people {
        answer(&client, &person.query(), true).expect(200);
    }
    for query in people.iter().map(Person::query).chain([query("userName", "nobody-here"), query("userName", "nobody-either")]) {
        answer(&client, &query, false).refused(400);
    }
    let refused = answer(&client, &people[0].query(), true);
    refused.refused(429);
    assert_eq!(refused.header("retry-after"), Some("3600"));
    answer(&client, &query("userName", "nobody-here"), false).refused(429);
    let (_, token) = client.goes_on("mailed", None, &people[0].query());
    client.submit("mailed", Some(&token), &json!({ "code": "12345678" })).refused(429);
    assert!(server.metric("vestibule_limited_total", &["limit=\"answers\""]) >= 3.0);
    let told = || std::fs::read_to_string(server.data().join("audit/process.audit.json")).unwrap_or_default();
    let is_told = |_| server.admin().get("info/ping").status == 200 && told().contains("\"limit\":\"answers\"");
    assert!((0..400).any(is_told), "{}", told());
    answer(&from(server.anonymous(), "198.51.100.1"), &people[0].query(), true).expect(200);
    server.admin().post("vestibule/limits?_action=clear", &json!({ "network": "203.0.113.1" })).expect(200);
    answer(&client, &people[0].query(), true).expect(200);
}

/// What is counted at a name is ended by the name, whoever has it: nobody, a person, an account of the configuration.
#[test]
fn sec_47_a_budget_is_ended_by_a_name_whether_anybody_has_it_or_not() {
    let server = server(Project::new(), "signin_failures_per_account_hour = 3\nsignin_failures_per_client_hour = 100");
    let desk = Person::with(&server, "desk", &json!({ "authzRoles": [{ "_ref": "internal/role/openidm-admin" }] }));
    let person = Person::create(&server, "known");
    let guess = |number: usize, name: &str| from(server.user(name, "guess"), &format!("203.0.113.{number}")).get("info/login").status;
    let clear = |name: &str| {
        let told = server.user(&desk.name, PASSWORD).post("vestibule/limits?_action=clear", &json!({ "person": name }));
        told.ok()
    };
    let mut bodies = Vec::new();
    for (name, spelled) in
        [("Nobody-Here", "nobody-here"), (person.name.as_str(), person.name.as_str()), ("openidm-admin", "openidm-admin")]
    {
        for attempt in 0..2 {
            assert_eq!((0..5).map(|number| guess(number, name)).collect::<Vec<_>>(), [401, 401, 401, 429, 429], "{name}: {attempt}");
            bodies.push(clear(spelled));
        }
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "nothing tells which of them is there: {bodies:?}");
    let told = || std::fs::read_to_string(server.data().join("audit/activity.audit.json")).unwrap_or_default();
    let is_told = |_| server.admin().get("info/ping").status == 200 && told().contains("\"person\":\"nobody-here\"");
    assert!((0..400).any(is_told), "{}", told());
}

#[test]
fn an_administrator_ends_what_is_counted_of_answers_and_mails_of_a_person() {
    let questions = json!({ "kbaPropertyName": "kbaInfo", "minimumAnswersToDefine": 2, "minimumAnswersToVerify": 1,
        "numberOfAttemptsAllowed": 3, "kbaAttemptsPropertyName": "tries",
        "questions": { "1": { "en": "Which street?" }, "2": { "en": "Which pet?" }, "3": { "en": "Which city?" } } });
    let project = Project::new().json("conf/selfservice.kba.json", &questions);
    let project = project.process("reset", &[user_query(), kba(), reset_stage()]).process("mailed", &reset_by_mail());
    let server = server(project, "mails_per_recipient_hour = 1");
    let person = Person::with_answers(&server, "counted");
    let client = server.anonymous();
    let answer = |right: bool| {
        let (asked, token) = client.goes_on("reset", None, &person.query());
        let input = if right { json!(right_answers(&asked)) } else { json!({ "answer1": "wrong" }) };
        client.submit("reset", Some(&token), &input).status
    };
    let clear = |person: &str| server.admin().post("vestibule/limits?_action=clear", &json!({ "person": person })).expect(200);
    for named in [person.name.clone(), format!("managed/user/{}", person.id)] {
        assert_eq!([answer(false), answer(false), answer(false), answer(true)], [400; 4]);
        clear(&named);
        assert_eq!(answer(true), 200, "{named}");
    }
    let mark = mailbox().mark();
    let asks = || client.goes_on("mailed", None, &person.query()).1;
    let first = asks();
    mailbox().with(mark, &person.mail, &first);
    let withheld = asks();
    clear(&person.name);
    let third = asks();
    mailbox().with(mark, &person.mail, &third);
    assert_eq!(mailbox().count(mark, &person.mail), 2, "{withheld} was over the budget");
}

/// Whoever signed in on a device is let in there, from wherever, and after a restart too; guesses there are counted.
#[test]
fn sec_04_strangers_do_not_keep_the_owner_out_of_their_device() {
    let limits = "signin_failures_per_account_hour = 5\nsignin_failures_per_client_hour = 8";
    let mut server = server(Project::new(), limits);
    let person = Person::create(&server, "device");
    let browser = server.nobody().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", PASSWORD);
    let begins = from(browser, "198.51.100.7").post_empty("authentication?_action=login").expect(200);
    let devices = begins.headers.iter().filter(|(name, value)| name == "set-cookie" && value.starts_with("vestibule-device="));
    let device = devices.map(|(_, value)| value.split(';').next().unwrap().to_owned()).next().unwrap();
    server.kill();
    server.start();
    let sign_in = |device: &str, password: &str| {
        let client = from(server.user(&person.name, password), "203.0.113.1").with("Cookie", device);
        client.get("info/login").status
    };
    for name in [&person.name, &"another".to_owned()] {
        for _ in 0..5 {
            from(server.user(name, "guess"), "203.0.113.1").get("info/login");
        }
    }
    assert_eq!(sign_in("a=b", PASSWORD), 429, "a stranger's browser, whose network has nothing left");
    assert_eq!(sign_in("vestibule-device=AAAAAAAAAAAAAAAAAAAAAA.forged", PASSWORD), 429);
    assert_eq!(sign_in(&device, PASSWORD), 200);
    let guesses: Vec<u16> = (0..7).map(|_| sign_in(&device, "guess")).collect();
    assert_eq!(guesses, [401, 401, 401, 401, 401, 429, 429]);
    let other = Person::create(&server, "device");
    let stranger = from(server.user(&other.name, PASSWORD), "203.0.113.1").with("Cookie", &device);
    assert_eq!(stranger.get("info/login").status, 429, "it is a device of its person's alone");
}

/// Whether a password is a new one is whether it is the present one: asked of the policy service with a session alone, it is a guess.
#[test]
fn sec_47_whether_a_password_was_theirs_is_told_no_more_often_than_one_may_guess() {
    let text = || json!({ "type": "string", "viewable": true, "userEditable": true });
    let password = json!({ "type": "string", "viewable": false, "userEditable": true, "isProtected": true, "scope": "private",
        "secureHash": { "algorithm": "SHA-256" }, "policies": [{ "policyId": "is-new", "params": { "historyLength": 2 } }] });
    let properties = json!({ "userName": text(), "givenName": text(), "sn": text(), "mail": text(), "city": text(), "password": password });
    let schema = json!({ "type": "object", "required": ["userName"], "order": ["userName", "password"], "properties": properties });
    let project = Project::new().json("conf/managed.json", &json!({ "objects": [{ "name": "user", "schema": schema }] }));
    let server = server(project, "signin_failures_per_account_hour = 5");
    let person = Person::create(&server, "recalled");
    let client = server.anonymous().session(&person.name, PASSWORD).with("X-Requested-With", "x");
    let asks = |action: &str, body: &Value| client.post(&format!("policy/managed/user/{}?_action={action}", person.id), body);
    let guess = |number: usize, word: &str| {
        let of_one = json!({ "object": { "city": "Bonn" }, "properties": { "password": word } });
        if number.is_multiple_of(2) { asks("validateObject", &json!({ "password": word })) } else { asks("validateProperty", &of_one) }
    };
    let statuses: Vec<u16> = (0..7).map(|number| guess(number, "guess").status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
    assert_eq!(guess(0, PASSWORD).status, 429, "and the right one is not told from them");
    asks("validateObject", &json!({ "city": "Bonn" })).expect(200);
    let mut here = crate::support::Visitor::new(server.address());
    here.sign_in(&person.name, PASSWORD);
    here.open("/account/password").is(200, "Change your password");
    let form = here.page.form();
    let mut fields: Vec<(String, String)> = form.fields.iter().filter(|(name, _)| name == "form_token").cloned().collect();
    fields.push(("password".into(), PASSWORD.into()));
    let body = crate::support::visitor::encode(&fields);
    let request =
        crate::support::http::Request::new("POST", "/vestibule/policy").header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(here.send(request.body(body)).status, 429, "at whichever door");
    server.admin().post("vestibule/limits?_action=clear", &json!({ "person": person.name })).expect(200);
    guess(0, PASSWORD).expect(200);
}
