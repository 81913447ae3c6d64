//! What a hostile caller tries against the running server that no other requirement names.

use serde_json::{Value, json};

use super::accounts::face;
use super::asks;
use crate::support::people::{PASSWORD, query};
use crate::support::server::ADMIN_PASSWORD;
use crate::support::stages::{email_validation, parameters, reset_stage, retrieve_username, user_query};
use crate::support::{Client, Person, Project, Server, mailbox};
use crate::world::{reset_by_mail, world};

/// A server that believes what a proxy on this machine says about addresses, and whose accounts wait after five failures.
fn behind_a_proxy() -> Server {
    let toml = "[limits]\nsignin_failures_per_account_hour = 5\nsubmissions_per_client_minute = 20\n[proxies]\ntrusted = [\"127.0.0.1\"]\n";
    Server::on(Project::new().process("reset", &reset_by_mail()).file("vestibule.toml", toml)).clock_stands().start()
}

fn from(server: &Server, address: &str, name: &str, password: &str) -> u16 {
    server.user(name, password).with("X-Forwarded-For", address).get("info/login").status
}

#[test]
fn sec_04_failures_elsewhere_cannot_keep_the_owner_out_where_they_usually_sign_in() {
    let server = behind_a_proxy();
    let person = Person::create(&server, "wanted");
    assert_eq!(from(&server, "198.51.100.7", &person.name, PASSWORD), 200);
    let mut refused = 0;
    for number in 0..20 {
        match from(&server, &format!("203.0.113.{number}"), &person.name, "guess") {
            429 => refused += 1,
            status => assert_eq!(status, 401),
        }
    }
    assert_eq!(refused, 15, "five guesses in all, from however many addresses");
    assert_eq!(from(&server, "203.0.113.200", &person.name, PASSWORD), 429, "a stranger's address waits");
    assert_eq!(from(&server, "198.51.100.7", &person.name, PASSWORD), 200, "the owner's does not");
    let guesses: Vec<u16> = (0..7).map(|_| from(&server, "198.51.100.7", &person.name, "guess")).collect();
    assert_eq!(guesses, [401, 401, 401, 401, 401, 429, 429], "and its own guesses are counted");
    let nobody: Vec<u16> = (0..7).map(|_| from(&server, "203.0.113.1", "nobody-here", "guess")).collect();
    assert_eq!(nobody, guesses, "an account that does not exist is limited alike");
}

#[test]
fn sec_47_the_administrator_s_right_password_is_not_told_from_a_wrong_one_once_the_budget_is_used_up() {
    let server = behind_a_proxy();
    let admin = |address: &str, password: &str| from(&server, address, "openidm-admin", password);
    let guesses: Vec<u16> = (0..8).map(|number| admin(&format!("203.0.113.{number}"), "guess")).collect();
    assert_eq!(guesses, [401, 401, 401, 401, 401, 429, 429, 429], "five in all, from however many addresses");
    assert_eq!(admin("198.51.100.9", ADMIN_PASSWORD), 429, "a refused attempt is not compared");
    assert_eq!(from(&server, "203.0.113.1", "OPENIDM-ADMIN", "guess"), 429, "nor is one in another spelling");
}

#[test]
fn sec_47_two_hundred_parallel_guesses_are_five() {
    let server = behind_a_proxy();
    let person = Person::create(&server, "parallel");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let guess = |number: usize| {
            let (server, name) = (&server, &person.name);
            scope.spawn(move || from(server, &format!("203.0.113.{number}"), name, "guess"))
        };
        let running: Vec<_> = (0..200).map(guess).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 195, "{statuses:?}");
}

#[test]
fn an_administrator_ends_an_exhausted_budget_of_a_person_or_a_network() {
    let server = behind_a_proxy();
    let person = Person::create(&server, "cleared");
    let admin = server.admin();
    admin.get("info/login").expect(200);
    let spend = || (0..6).map(|_| from(&server, "203.0.113.1", &person.name, "guess")).collect::<Vec<_>>();
    let clear = |body: &Value| admin.post("vestibule/limits?_action=clear", body);
    for body in [json!({ "person": person.name.to_uppercase() }), json!({ "person": format!("managed/user/{}", person.id) })] {
        assert_eq!(spend(), [401, 401, 401, 401, 401, 429]);
        assert_eq!(clear(&body).ok(), json!({ "status": "OK" }));
        assert_eq!(from(&server, "203.0.113.7", &person.name, PASSWORD), 200);
    }
    let guesses = (0..6).map(|_| server.nobody().with("X-Forwarded-For", "192.0.2.1").get("info/ping").status).collect::<Vec<_>>();
    assert_eq!(guesses, [401; 6], "no credentials, no guess");
    assert_eq!(clear(&json!({ "network": "192.0.2.1" })).ok(), json!({ "status": "OK" }));
    for (body, status) in [
        (json!({}), 400),
        (json!({ "network": "everywhere" }), 400),
        (json!({ "person": 7 }), 400),
        (json!({ "person": "managed/user/nosuch" }), 404),
    ] {
        clear(&body).refused(status);
    }
    server.anonymous().post("vestibule/limits?_action=clear", &json!({ "person": "x" })).refused(403);
    assert_eq!(admin.post("vestibule/limits?_action=nosuch", &json!({})).status, 501);
}

#[test]
fn sec_47_no_header_of_a_client_evades_a_limit_where_no_proxy_is_trusted() {
    let toml = "[limits]\nsubmissions_per_client_minute = 10\nsignin_failures_per_account_hour = 5\n";
    let server = Server::on(Project::new().process("reset", &reset_by_mail()).file("vestibule.toml", toml)).clock_stands().start();
    let client = |number: usize| {
        let address = format!("203.0.113.{number}");
        let headers = ["X-Forwarded-For", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Cluster-Client-IP"];
        let client = headers.iter().fold(server.anonymous(), |client, header| client.with(header, &address));
        client.with("Forwarded", &format!("for={address}"))
    };
    let statuses: Vec<u16> = (0..20).map(|number| client(number).submit("reset", None, &query("userName", "x")).status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 10, "{statuses:?}");
}

#[test]
fn sec_47_wrong_passwords_of_one_network_are_limited_whatever_the_names() {
    let toml = "[limits]\nsignin_failures_per_client_hour = 4\n[proxies]\ntrusted = [\"127.0.0.1\"]\n";
    let server = Server::on(Project::new().file("vestibule.toml", toml)).clock_stands().start();
    let person = Person::create(&server, "elsewhere");
    let statuses: Vec<u16> = (0..8).map(|number| from(&server, "203.0.113.7", &format!("nobody{number}"), "wrong")).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 429, 429, 429, 429]);
    assert_eq!(from(&server, "198.51.100.7", &person.name, PASSWORD), 200, "another network has its own");
}

#[test]
fn sec_47_asking_whether_a_name_is_free_is_limited_like_a_submission() {
    let details = json!({ "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": "managed/user", "registrationProperties": ["userName", "givenName", "sn", "mail"] });
    let stages = [parameters(), details, email_validation(), json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" })];
    let toml = "[limits]\nsubmissions_per_client_minute = 10\n";
    let server = Server::on(Project::new().process("registration", &stages).file("vestibule.toml", toml)).clock_stands().start();
    let person = Person::create(&server, "probed");
    let ask = |client: &Client| {
        client.post("policy/selfservice/registration?_action=validateObject", &json!({ "user": { "userName": person.name } })).status
    };
    let anonymous = server.anonymous();
    let statuses: Vec<u16> = (0..20).map(|_| ask(&anonymous)).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 10, "{statuses:?}");
    assert!((0..20).all(|_| ask(&server.admin()) == 200), "an administrator's scripts are not slowed down");
    assert_eq!(anonymous.submit("registration", None, &json!({})).status, 200, "submissions have a share of their own");
}

#[test]
fn one_parameter_twice_and_headers_that_rename_the_method_change_nothing() {
    let server = &world().server;
    let (client, person) = (server.anonymous(), Person::create(server, "polluted"));
    let body = json!({ "input": person.query() });
    for parameters in [
        "_action=submitRequirements&_action=submitRequirements",
        "_action=submitRequirements&_action=create",
        "_action=create&_action=submitRequirements",
        "_action=submitRequirements&_ACTION=create",
        "_ACTION=create&_action=submitRequirements",
    ] {
        client.post(&format!("selfservice/reset?{parameters}"), &body).refused(400);
    }
    for parameters in ["_action[]=submitRequirements", "_action=submitRequirements%00", "_action=submitRequirements;_action=create"] {
        client.post(&format!("selfservice/reset?{parameters}"), &body).refused(403);
    }
    let admin = server.admin();
    for header in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        admin.clone().with(header, "DELETE").get(&format!("managed/user/{}", person.id)).expect(200);
        let denied = client.clone().with(header, "GET").post(&format!("managed/user/{}", person.id), &json!({}));
        denied.refused(403);
    }
    for header in ["X-Original-URL", "X-Rewrite-URL"] {
        client.clone().with(header, "/openidm/info/ping").get("managed/user?_queryFilter=true").refused(403);
    }
    assert!(server.signs_in(&person.name, PASSWORD));
}

#[test]
fn sec_12_no_header_and_no_target_changes_what_a_mail_says() {
    let server = &world().server;
    let person = Person::create(server, "poisoned");
    let plain = asks(&server.anonymous(), "reset", &person).1;
    let (begins, _) = plain.url.split_once("&token=").unwrap();
    let headers = [
        ("Host", "evil.test"),
        ("Forwarded", "host=evil.test;proto=http;by=evil.test"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Server", "evil.test"),
        ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-Prefix", "/evil.test"),
        ("X-Host", "evil.test"),
        ("Origin", "https://evil.test"),
        ("Referer", "https://evil.test/"),
    ];
    let client = headers.iter().fold(server.anonymous(), |client, (name, value)| client.with(name, value));
    let mut input = person.query();
    input["querystringParams"] = json!("a=https://evil.test&verificationLink=https://evil.test");
    input["verificationLink"] = json!("https://evil.test");
    for target in
        ["/openidm/selfservice/reset?_action=submitRequirements", "http://evil.test/openidm/selfservice/reset?_action=submitRequirements"]
    {
        let mark = mailbox().mark();
        let request = client.request("POST", "/").json(&json!({ "input": input }));
        let request = crate::support::http::Request { target: target.to_owned(), ..request };
        let answer = client.send(&request).ok();
        let mail = mailbox().with(mark, &person.mail, answer["token"].as_str().unwrap());
        assert!(!String::from_utf8_lossy(&mail.raw).contains("evil.test"), "{target}");
        assert!(crate::support::Link::in_text(&mail.body).url.starts_with(begins));
    }
}

/// A token is good where it was made, and a later stage's state cannot be brought along.
#[test]
fn sec_10_no_token_of_one_process_is_one_of_another_even_of_the_same_stages() {
    let project = Project::new()
        .process("one", &reset_by_mail())
        .process("two", &reset_by_mail())
        .process("names", &[parameters(), user_query(), retrieve_username()])
        .definition("open", &json!({ "stageConfigs": [user_query(), reset_stage()], "vestibule": { "allowUnproven": true } }));
    let server = Server::on(project).start();
    let (client, person) = (server.anonymous(), Person::create(&server, "elsewhere"));
    let (_, named) = client.goes_on("open", None, &person.query());
    let (sent, link) = asks(&client, "two", &person);
    let (_, begun) = client.goes_on("names", None, &json!({}));
    for (token, input) in [(&named, json!({ "password": "Intrud3rPassword" })), (&sent, link.input()), (&begun, person.query())] {
        assert_eq!(client.submit("one", Some(token), &input).refused(400), "Invalid snapshot token");
    }
    assert_eq!(client.submit("open", Some(&sent), &json!({ "password": "Intrud3rPassword" })).refused(400), "Invalid snapshot token");
    assert!(server.signs_in(&person.name, PASSWORD));
}

#[test]
fn credentials_with_line_breaks_twice_or_in_other_forms_are_just_wrong() {
    let server = &world().server;
    let wrong = face(&server.user("nobody-here", "wrong").get("info/login"));
    for name in [
        "UTF-8''a%0d%0aSet-Cookie:%20session-jwt=x",
        "UTF-8''%00",
        "UTF-8''openidm-admin%00",
        "ISO-8859-1''%0a",
        "ＯＰＥＮＩＤＭ－ＡＤＭＩＮ",
    ] {
        assert_eq!(face(&server.user(name, "wrong").get("info/login")), wrong, "{name}");
    }
    let twice = server.user("anonymous", "anonymous").with("X-OpenIDM-Username", "openidm-admin");
    assert_ne!(twice.get("info/login").json()["authenticationId"], json!("openidm-admin"), "the first of two names counts");
    twice.get("managed/user?_queryFilter=true").refused(403);
    let value: Value = server.user("anonymous", "anonymous").get("info/login").ok();
    assert_eq!(value["authorization"]["roles"], json!(["internal/role/openidm-reg"]));
}
