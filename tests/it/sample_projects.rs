//! Every project of `tests/projects` is started as it is, and whoever can be served by its reset and username is.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::mailbox::repository;
use crate::support::people::{Answers, NEW_PASSWORD, walk};
use crate::support::server::{ADMIN_PASSWORD, run};
use crate::support::verifier::Verifier;
use crate::support::{Person, Project, Server, mailbox};

/// Projects whose reset cannot be walked to its end, and why.
const RESETS_THAT_STOP: [(&str, &str); 0] = [];

/// Projects whose people sign in elsewhere: `MANAGED_USER` is switched off.
const NO_LOCAL_SIGN_IN: [&str; 1] = ["case-02-no-administrator"];

fn projects() -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(repository().join("tests/projects")).unwrap().map(Result::unwrap);
    let mut projects: Vec<_> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect();
    projects.sort();
    assert!(projects.len() >= 40, "{}", projects.len());
    projects
}

/// The stages of a process file, by name. The server reads the file, which may hold what plain JSON may not; nothing is expected of one
/// that nobody can read.
fn stages(server: &Server, project: &Project, process: &str) -> Vec<String> {
    if !project.has(&format!("conf/selfservice-{process}.json")) {
        return Vec::new();
    }
    let file = server.admin().get(&format!("config/selfservice/{process}")).json();
    let stages = file["stageConfigs"].as_array().into_iter().flatten();
    stages.map(|stage| stage["name"].as_str().unwrap_or_else(|| of_class(&stage["class"])).to_owned()).collect()
}

/// The stages that `odd-09-class-names` names by their classes.
fn of_class(class: &Value) -> &'static str {
    match class.as_str().and_then(|class| class.rsplit('.').next()) {
        Some("VerifyEmailAccountConfig") => "emailValidation",
        Some("EmailUsernameConfig") => "emailUsername",
        Some("ResetStageConfig") => "resetStage",
        Some("RetrieveUsernameConfig") => "retrieveUsername",
        _ => "custom",
    }
}

/// What `check` says about a process file: are there errors in it?
fn is_broken(root: &std::path::Path, process: &str) -> bool {
    let checked = run(&["check", "--project", root.to_str().unwrap()], "");
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    text.lines().any(|line| line.starts_with(&format!("conf/selfservice-{process}.json")) && line.contains("error["))
}

/// Somebody a project's own data model takes, with answers to its own questions.
fn person(server: &Server, questions: &Value) -> Person {
    let answers: Vec<Value> =
        questions.as_object().into_iter().flatten().map(|(id, _)| json!({ "questionId": id, "answer": "elm street" })).collect();
    let more = if answers.is_empty() { json!({}) } else { json!({ "kbaInfo": answers }) };
    Person::with(server, "sample", &more)
}

fn walk_in(name: &str, root: &std::path::Path) {
    let verifier = Verifier::start();
    let project = Project::from_directory(root);
    let server = Server::on(project.clone())
        .env("SMTP_HOST", "127.0.0.1")
        .env("SMTP_PORT", &mailbox().port.to_string())
        .env("PUBLIC_URL", "https://id.example.test")
        .env("CAPTCHA_URI", &verifier.uri())
        .env("OPENIDM_ADMIN_PASSWORD", ADMIN_PASSWORD)
        .start();
    assert_eq!(server.admin().get("info/ping").ok()["state"], "ACTIVE_READY", "{name}");
    // The administrator may ask whatever a project's own access rules say.
    let features = server.admin().get("info/features?_queryFilter=true").ok();
    let enabled =
        |feature: &str| features["result"].as_array().unwrap().iter().any(|found| found["name"] == feature && found["enabled"] == true);
    let has_mail = project.has("conf/external.email.json");
    for (process, feature) in [("reset", "passwordReset"), ("username", "retrieveUsername")] {
        let order = stages(&server, &project, process);
        let first = server.anonymous().get(&format!("selfservice/{process}"));
        if order.is_empty() || !enabled(feature) || is_broken(root, process) {
            assert!([403, 404].contains(&first.status), "{name}/{process} {order:?}: {} {}", first.status, first.text());
            continue;
        }
        assert_eq!(first.status, 200, "{name}/{process}: {}", first.text());
        if RESETS_THAT_STOP.iter().any(|(stops, _)| *stops == name)
            || order.iter().any(|stage| stage == "emailValidation" || stage == "emailUsername") && !has_mail
        {
            continue;
        }
        let questions = server.admin().get("selfservice/kba").json()["questions"].clone();
        let somebody = person(&server, &questions).named_by_mail();
        let walked = walk(&server.anonymous(), process, &somebody, Answers::Link);
        assert_eq!(walked.end["type"], json!(order.last().unwrap()), "{name}/{process}");
        if process == "reset" {
            let local = !NO_LOCAL_SIGN_IN.contains(&name);
            assert_eq!(server.signs_in(&somebody.name, NEW_PASSWORD), local, "{name}");
        }
    }
}

#[test]
fn every_sample_project_starts_and_serves_its_reset_and_its_user_names_first_half() {
    for (name, root) in projects().iter().step_by(2) {
        walk_in(name, root);
    }
}

#[test]
fn every_sample_project_starts_and_serves_its_reset_and_its_user_names_second_half() {
    for (name, root) in projects().iter().skip(1).step_by(2) {
        walk_in(name, root);
    }
}
