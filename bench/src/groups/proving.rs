//! What it costs to try what an attacker can submit: `vestibule prove` on an operator's machine, and the trial when a server loads a project.
//!
//! Easiest to get wrong: what a command costs before it tries anything. It reads and compiles the project first, as `vestibule map` does, so that is
//! measured in turns with it and taken off.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::Failure;
use crate::account::cpu_of_family;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::Bench;

/// The real-shaped projects of the repository.
const PROJECTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/projects");

/// Times that one project is tried in a sample: CPU time comes in ticks of ten milliseconds.
const TIMES: u32 = 20;

#[expect(clippy::unused_async, reason = "a subject is asked to wait")]
pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let mut projects: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(PROJECTS)? {
        projects.extend(Some(entry?.path()).filter(|path| path.is_dir()));
    }
    projects.sort();
    let ten = bench.data();
    std::fs::create_dir_all(ten.join("conf"))?;
    std::fs::write(ten.join("conf/selfservice-ten.json"), ten_stages().to_string())?;
    let (mut whole, mut long, mut loaded) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.extent.rounds {
        let binary = &bench.launch.binary;
        let all: Vec<Option<&Path>> = projects.iter().map(|path| Some(path.as_path())).collect();
        whole.push(beyond(binary, "prove", &all, 1)?);
        long.push(beyond(binary, "prove", &[Some(&ten)], TIMES)?);
        loaded.push(beyond(binary, "check", &[None], TIMES)?);
    }
    Ok(Group {
        title: "Trying what an attacker can submit, beyond reading and compiling",
        figures: vec![
            Figure::new(format!("prove, {} projects", projects.len()), Unit::CpuMilliseconds, whole).target(Target::AtMost(1000.0)),
            Figure::new("prove, one process of ten stages", Unit::CpuMilliseconds, long).target(Target::AtMost(20.0)),
            Figure::new("at load, default project", Unit::CpuMilliseconds, loaded).target(Target::AtMost(50.0)),
        ],
    })
}

/// What a command costs on some projects beyond what drawing them does, in milliseconds of CPU for one time.
fn beyond(binary: &Path, command: &str, projects: &[Option<&Path>], times: u32) -> Result<f64, Failure> {
    let (mut tried, mut drawn) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..times {
        for project in projects {
            tried += cost(binary, command, *project)?;
            drawn += cost(binary, "map", *project)?;
        }
    }
    Ok(tried.saturating_sub(drawn).as_secs_f64() * 1e3 / f64::from(times))
}

/// What a command cost, whatever it found.
fn cost(binary: &Path, command: &str, project: Option<&Path>) -> Result<Duration, Failure> {
    let before = cpu_of_family(std::process::id())?;
    let mut tried = Command::new(binary);
    tried.arg(command).env_remove("VESTIBULE_PROJECT").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if command == "map" {
        tried.args(["--format", "json"]);
    }
    if let Some(project) = project {
        tried.arg("--project").arg(project);
    }
    tried.status()?;
    Ok(cpu_of_family(std::process::id())?.saturating_sub(before))
}

/// A password reset by mail and questions with everything around it.
fn ten_stages() -> Value {
    let mail = |name: &str| {
        json!({
            "name": name, "identityEmailField": "mail", "emailServiceUrl": "external/email", "from": "accounts@example.com", "mimeType": "text/plain",
            "subjectTranslations": { "en": "Choose a new password" }, "messageTranslations": { "en": "%link% %username%" },
            "verificationLinkToken": "%link%", "verificationLink": "https://id.example.com/#/passwordreset/", "usernameToken": "%username%",
        })
    };
    json!({ "stageConfigs": [
        { "name": "parameters", "parameterNames": ["returnParams"] },
        { "name": "captcha", "recaptchaSiteKey": "site", "recaptchaSecretKey": "secret", "recaptchaUri": "https://captcha.example.com/siteverify" },
        {
            "name": "userQuery", "validQueryFields": ["userName", "mail", "givenName", "sn"], "identityIdField": "_id", "identityEmailField": "mail",
            "identityUsernameField": "userName", "identityServiceUrl": "managed/user", "identityAccountStatusField": "accountStatus",
        },
        { "name": "validateActiveAccount", "accountStatusField": "accountStatus", "validStatusValue": "active" },
        mail("emailValidation"),
        { "name": "kbaSecurityAnswerVerificationStage", "kbaPropertyName": "kbaInfo", "identityServiceUrl": "managed/user", "kbaConfig": null },
        mail("emailUsername"),
        { "name": "parameters", "parameterNames": ["goto"] },
        { "name": "resetStage", "identityServiceUrl": "managed/user", "identityPasswordField": "password" },
        mail("emailUsername"),
    ] })
}
