//! Registration: from the first form to the signed-in person, in every documented shape, against everybody who means harm.

mod any_input;
mod assignment;
mod default_project;
mod disclosure;
mod hostile;
mod opened;
mod races;
mod samples;
mod secrets;
mod sign_in;
mod trace;

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::stages::{captcha, definition, jwt, with};
use crate::support::verifier::Verifier;
use crate::support::{Project, Server};

fn details() -> Value {
    json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"], "registrationPreferences": ["updates", "marketing"],
    })
}

fn terms() -> Value {
    json!({ "name": "termsAndConditions" })
}

fn questions() -> Value {
    json!({ "name": "kbaSecurityAnswerDefinitionStage", "kbaConfig": null })
}

fn mail() -> Value {
    with(crate::support::stages::email_validation(), "verificationLink", json!("https://id.example.test/#/registration/"))
}

fn create() -> Value {
    json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" })
}

fn sign_in() -> Value {
    json!({ "name": "localAutoLogin", "successUrl": "", "identityUsernameField": "userName", "identityPasswordField": "password" })
}

fn parameters() -> Value {
    json!({ "name": "parameters", "parameterNames": ["returnParams"] })
}

/// Processes that several tests use: `registration` as the documentation shows it, the same on separate pages, a form and an account,
/// and the two older stages of details.
fn project(verifier: &Verifier) -> Project {
    let all = [parameters(), details(), terms(), questions(), mail(), create(), sign_in()];
    let terms_file = json!({
        "versions": [
            { "version": "2.0", "termsTranslations": { "en": "Be <b>kinder</b>" }, "createDate": "2017-12-19T03:54:16.865Z" },
            { "version": "1.5", "termsTranslations": { "en": "Be <b>kind</b>", "fr": "Soyez <b>aimable</b>" }, "createDate": "2017-11-20T04:20:11.320Z" },
        ],
        "active": "1.5",
        "uiConfig": { "displayName": "Terms", "purpose": "Please", "buttonText": "Accept" },
    });
    let joined = |stages: &[Value]| with(definition(stages, &jwt(300), "stateless"), "allInOneRegistration", json!(true));
    let every = [parameters(), captcha(&verifier.uri()), details(), terms(), questions(), mail(), create(), sign_in()];
    Project::new()
        .json("conf/selfservice.terms.json", &terms_file)
        .definition("registration", &joined(&all))
        .definition("everything", &joined(&every))
        .process("separate", &all)
        .process("plain", &[details(), create(), sign_in()])
        .definition("short", &definition(&[details(), mail(), create(), sign_in()], &json!({ "type": "uuid" }), "local"))
        .process("old", &[json!({ "name": "userDetails", "identityEmailField": "mail" }), create()])
        .process("social", &[json!({ "name": "socialUserDetails", "identityEmailField": "mail" }), create()])
}

/// The server most of these tests share.
fn server() -> &'static Server {
    static SERVER: LazyLock<(Server, Verifier)> = LazyLock::new(|| {
        let verifier = Verifier::start();
        (Server::on(project(&verifier)).start(), verifier)
    });
    &SERVER.0
}
