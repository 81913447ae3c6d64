//! How long a process lasts: an instance ends a day after it began, a definition that would not be served today is revoked, and one whose
//! file is broken at start is served as it was last.

use serde_json::{Value, json};

use crate::support::people::NEW_PASSWORD;
use crate::support::server::run;
use crate::support::stages::{jwt, kba, parameters, reset_stage, retrieve_username, user_query};
use crate::support::{Person, Project, Server};

fn file(stages: &[Value], more: &Value) -> String {
    let mut file = json!({ "stageConfigs": stages });
    file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    file.to_string()
}

fn first_type(server: &Server, process: &str) -> String {
    server.anonymous().get(&format!("selfservice/{process}")).json()["type"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn an_instance_ends_however_often_its_token_is_renewed() {
    let project = Project::new()
        .definition("reset", &json!({ "stageConfigs": [user_query(), kba(), reset_stage()], "snapshotToken": jwt(3600) }))
        .file("vestibule.toml", "[tokens]\nmax_instance_hours = 2\n");
    let server = Server::on(project).start();
    let person = Person::with_answers(&server, "slow");
    let client = server.anonymous();
    let (_, mut token) = client.goes_on("reset", None, &person.query());
    // Wrong answers keep the token alive, an hour at a time.
    for _ in 0..2 {
        server.advance(3500);
        let body = client.submit("reset", Some(&token), &json!({ "answer1": "wrong" }));
        if let Some(next) = body.json()["token"].as_str() {
            token = next.to_owned();
        }
    }
    server.advance(300);
    assert_eq!(client.submit("reset", Some(&token), &json!({ "answer1": "wrong" })).refused(400), "Snapshot token has expired");
}

#[test]
fn check_warns_of_lifetimes_that_outlast_the_instance() {
    let project = Project::new()
        .definition("lookup", &json!({ "stageConfigs": [user_query(), retrieve_username()], "snapshotToken": jwt(172_800) }))
        .json("conf/jsonstore.json", &json!({ "entryExpireSeconds": 90_000, "cleanupDwellSeconds": 600 }));
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    project.write_to(directory.path());
    let ran = run(&["check", "--project", directory.path().to_str().unwrap()], "");
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert_eq!(ran.status.code(), Some(0), "{out}");
    for words in ["[instance-ends-first] /snapshotToken/tokenExpiry: ", "[instance-ends-first] /entryExpireSeconds: "] {
        assert!(out.contains(words), "{out}");
    }
}

#[test]
fn a_repaired_weak_definition_ends_for_those_who_are_on_it() {
    let weak = file(&[user_query(), reset_stage()], &json!({ "vestibule": { "allowUnproven": true } }));
    let server = Server::on(Project::new().file("conf/selfservice-reset.json", weak.clone())).start();
    let person = Person::create(&server, "weak");
    let client = server.anonymous();
    let (_, token) = client.goes_on("reset", None, &person.query());
    let mark = server.log_mark();
    server.write("conf/selfservice-reset.json", &file(&[user_query(), kba(), reset_stage()], &json!({})));
    server.logged(mark, "the project was read again");
    assert_eq!(client.submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).refused(400), "Invalid token");
    assert!(!server.signs_in(&person.name, NEW_PASSWORD));
    server.logged(mark, "is revoked");
    // Whoever writes it again has decided again.
    let mark = server.log_mark();
    server.write("conf/selfservice-reset.json", &weak);
    server.logged(mark, "the project was read again");
    let (_, token) = client.goes_on("reset", None, &person.query());
    assert_eq!(client.submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).status, 200);
}

#[test]
fn check_counts_who_is_on_a_revoked_definition() {
    let weak = file(&[user_query(), reset_stage()], &json!({ "vestibule": { "allowUnproven": true } }));
    let mut server = Server::on(Project::new().file("conf/selfservice-reset.json", weak)).start();
    let person = Person::create(&server, "weak");
    let client = server.anonymous();
    client.goes_on("reset", None, &person.query());
    client.goes_on("reset", None, &person.query());
    let (_, token) = client.goes_on("reset", None, &person.query());
    assert_eq!(client.submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).json()["tag"], "end");
    let found = |server: &Server| {
        let (project, data) = (server.project(), server.data());
        let ran = run(&["check", "--store", "--project", project.to_str().unwrap(), "--data", data.to_str().unwrap()], "");
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    assert!(!found(&server).contains("store-revoked"), "{}", found(&server));
    let mark = server.log_mark();
    server.write("conf/selfservice-reset.json", &file(&[user_query(), kba(), reset_stage()], &json!({})));
    server.logged(mark, "is revoked");
    // What was recorded is written down when the server has stopped.
    server.stop();
    let out = found(&server);
    let line = out.lines().find(|line| line.contains("[store-revoked]")).unwrap_or_else(|| panic!("{out}"));
    assert!(
        line.starts_with("conf/selfservice-reset.json") && line.contains("warning") && line.contains(" 2 instances of 'reset' are"),
        "{line}"
    );
}

#[test]
fn a_weak_definition_is_revoked_by_a_repair_that_comes_with_a_restart() {
    let weak = file(&[user_query(), reset_stage()], &json!({ "vestibule": { "allowUnproven": true } }));
    let mut server = Server::on(Project::new().file("conf/selfservice-reset.json", weak)).start();
    let person = Person::create(&server, "weak");
    let (_, token) = server.anonymous().goes_on("reset", None, &person.query());
    server.stop();
    server.write("conf/selfservice-reset.json", &file(&[user_query(), kba(), reset_stage()], &json!({})));
    server.start();
    assert_eq!(server.anonymous().submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).refused(400), "Invalid token");
}

#[test]
fn a_strengthened_definition_that_was_proven_before_lets_people_finish() {
    let mut server = Server::on(Project::new().process("lookup", &[parameters(), user_query(), retrieve_username()])).start();
    let person = Person::create(&server, "flight");
    let (_, token) = server.anonymous().goes_on("lookup", None, &json!({}));
    server.stop();
    server.write("conf/selfservice-lookup.json", &file(&[user_query(), retrieve_username()], &json!({})));
    server.start();
    assert_eq!(server.anonymous().submit("lookup", Some(&token), &person.query()).status, 200);
}

#[test]
fn a_restart_with_a_broken_file_serves_the_last_good_definition() {
    for broken in [
        "{ \"stageConfigs\": [ {",
        "{ \"stageConfigs\": [ { \"name\": \"userQeury\" } ] }",
        "{ \"stageConfigs\": [ { \"name\": \"resetStage\" } ] }",
    ] {
        let mut server = Server::on(Project::new().process("lookup", &[user_query(), retrieve_username()])).start();
        let person = Person::create(&server, "restart");
        // Two versions were served, the shorter one again at last.
        for stages in [[parameters(), user_query(), retrieve_username()].as_slice(), [user_query(), retrieve_username()].as_slice()] {
            let mark = server.log_mark();
            server.write("conf/selfservice-lookup.json", &file(stages, &json!({})));
            server.logged(mark, "the project was read again");
        }
        server.write("conf/selfservice-lookup.json", broken);
        server.stop();
        server.start();
        assert_eq!(first_type(&server, "lookup"), "userQuery", "{broken}");
        assert_eq!(server.anonymous().submit("lookup", None, &person.query()).json()["tag"], "end", "{broken}");
        server.logged(0, "selfservice-lookup.json");
        // What never was good is not there, and a file that is gone is a process that is gone.
        server.stop();
        std::fs::remove_file(server.project().join("conf/selfservice-lookup.json")).unwrap();
        server.start();
        assert_eq!(server.admin().get("selfservice/lookup").status, 404, "{broken}");
    }
}

#[test]
fn a_switch_that_is_off_stays_off_while_the_file_is_broken() {
    let switched = |on: bool| json!({ "configuration": { "passwordReset": on } });
    let project =
        Project::new().process("reset", &[user_query(), kba(), reset_stage()]).json("conf/ui-configuration.json", &switched(true));
    let mut server = Server::on(project).start();
    assert_eq!(server.anonymous().get("selfservice/reset").status, 200);
    server.stop();
    server.write("conf/ui-configuration.json", &switched(false).to_string());
    server.write("conf/selfservice-reset.json", "{");
    server.start();
    server.anonymous().get("selfservice/reset").refused(403);
}
