//! The server most tests share: one project with every process they need, no rate limits, its own captcha verifier. A test that moves the
//! clock, stops the server or changes its files starts one of its own.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::stages::{
    captcha, definition, email_username, email_validation, jwt, kba, parameters, reset_stage, retrieve_username, user_query,
    user_query_with_status, validate_active_account, with,
};
use crate::support::verifier::Verifier;
use crate::support::{Project, Server};

/// A stage by the first letters of its name, as the tables below write orders.
fn stage(name: &str, verifier: &Verifier) -> Value {
    match name {
        "parameters" => parameters(),
        "captcha" => captcha(&verifier.uri()),
        "userQuery" => user_query(),
        "validateActiveAccount" => validate_active_account(),
        "emailValidation" => email_validation(),
        "kba" => kba(),
        "resetStage" => reset_stage(),
        "emailUsername" => email_username(),
        "retrieveUsername" => retrieve_username(),
        other => panic!("no stage '{other}'"),
    }
}

/// Orders of a reset that real projects have, and those the documentation allows beside them ("captcha, email and KBA may be permuted").
pub(crate) const RESETS: [&str; 13] = [
    "parameters userQuery kba resetStage",
    "userQuery kba resetStage",
    "parameters userQuery emailValidation resetStage",
    "parameters userQuery validateActiveAccount emailValidation kba resetStage",
    "userQuery validateActiveAccount emailValidation resetStage",
    "parameters userQuery emailValidation kba resetStage",
    "userQuery emailValidation resetStage",
    "userQuery emailValidation kba resetStage",
    "userQuery validateActiveAccount emailValidation kba resetStage",
    "captcha parameters userQuery validateActiveAccount emailValidation kba resetStage",
    "userQuery kba emailValidation resetStage",
    "parameters userQuery captcha emailValidation resetStage",
    "userQuery emailValidation captcha kba resetStage",
];

/// Orders of a forgotten user name.
pub(crate) const USERNAMES: [&str; 6] = [
    "userQuery emailUsername retrieveUsername",
    "userQuery retrieveUsername",
    "captcha userQuery emailUsername retrieveUsername",
    "captcha userQuery retrieveUsername",
    "userQuery emailUsername",
    "userQuery retrieveUsername emailUsername",
];

/// Both kinds of token a process file can ask for.
pub(crate) const TOKENS: [&str; 2] = ["jwt", "uuid"];

/// The name of the process with this order and this kind of token.
pub(crate) fn process_of(kind: &str, index: usize, token: &str) -> String {
    format!("{kind}{index}{token}")
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) verifier: Verifier,
}

/// Stages of the plain reset, which most tests use.
pub(crate) fn reset_by_mail() -> Vec<Value> {
    vec![user_query(), email_validation(), reset_stage()]
}

pub(crate) fn project(verifier: &Verifier) -> Project {
    let mut project = Project::new();
    for (kind, orders) in [("reset", RESETS.as_slice()), ("name", USERNAMES.as_slice())] {
        for (index, order) in orders.iter().enumerate() {
            let mut stages: Vec<Value> = order.split(' ').map(|name| stage(name, verifier)).collect();
            if order.contains("validateActiveAccount") {
                stages.iter_mut().filter(|stage| stage["name"] == "userQuery").for_each(|stage| *stage = user_query_with_status());
            }
            project = project
                .definition(&process_of(kind, index, "jwt"), &definition(&stages, &jwt(300), "stateless"))
                .definition(&process_of(kind, index, "uuid"), &definition(&stages, &json!({ "type": "uuid" }), "local"));
        }
    }
    let waiting = with(email_validation(), "emailServiceParameters", json!({ "waitForCompletion": true }));
    project
        .process("reset", &reset_by_mail())
        .process("username", &[user_query(), email_username(), retrieve_username()])
        .process("resetkba", &[user_query(), kba(), reset_stage()])
        .process("captcha", &[captcha(&verifier.uri()), user_query(), retrieve_username()])
        .process("waiting", &[user_query(), waiting, reset_stage()])
        .process("myprocess", &[parameters(), user_query(), email_validation(), reset_stage()])
        .definition("people", &json!({ "stageConfigs": [user_query(), retrieve_username()], "vestibule": { "audience": "user" } }))
        .definition("clerks", &json!({ "stageConfigs": [user_query(), retrieve_username()], "vestibule": { "audience": "admin" } }))
        .definition("frank", &json!({ "stageConfigs": reset_by_mail(), "vestibule": { "accountDisclosure": "reveal" } }))
}

/// The shared world.
pub(crate) fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let verifier = Verifier::start();
        World { server: Server::on(project(&verifier)).start(), verifier }
    });
    &WORLD
}
