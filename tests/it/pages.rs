//! The pages that the server writes itself, as somebody without scripts sees them, over HTTP.

mod account;
mod asking;
mod browsers;
mod captcha;
mod console;
mod console_and_rest;
mod forms;
mod links;
mod look;
mod providers;
mod scripts;
mod whole;

use std::sync::LazyLock;

use serde_json::json;

use crate::support::mailbox::mailbox;
use crate::support::stages::{email_username, email_validation, reset_stage, retrieve_username, user_query, with};
use crate::support::{Person, Project, Server, Visitor};

/// A project whose links lead to our pages.
fn project() -> Project {
    let mail =
        |process: &str| with(email_validation(), "verificationLink", json!(format!("&{{vestibule.public.url}}/selfservice/{process}?")));
    let details = json!({ "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"], "registrationPreferences": ["updates"] });
    let terms = json!({ "versions": [{ "version": "1", "termsTranslations": { "en": "<p>Be <b>kind</b></p><script>x</script>", "fr": "<p>Soyez gentils</p>" },
        "createDate": "2026-01-01T00:00:00.000Z" }], "active": "1", "uiConfig": { "displayName": "Our terms", "purpose": "Please read", "buttonText": "Accept" } });
    let owed = json!({ "name": "conditionaluser", "identityServiceUrl": "managed/user", "condition": { "type": "queryFilter", "filter": "/city eq \"Owing\"" },
        "evaluateConditionOnField": "user", "onConditionTrue": { "name": "attributecollection", "identityServiceUrl": "managed/user",
            "uiConfig": { "displayName": "Where do you live?", "purpose": "We ask once", "buttonText": "Save" },
            "attributes": [{ "name": "city", "isRequired": true }, { "name": "postalCode", "isRequired": false }] } });
    Project::new()
        .process("reset", &[json!({ "name": "parameters", "parameterNames": ["returnParams"] }), user_query(), mail("reset"), reset_stage()])
        .process("username", &[user_query(), email_username(), retrieve_username()])
        .process("registration", &[
            details, json!({ "name": "termsAndConditions" }), mail("registration"),
            json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" }),
            json!({ "name": "localAutoLogin", "successUrl": "", "identityUsernameField": "userName", "identityPasswordField": "password" }),
        ])
        .process("home", &[owed])
        .json("conf/auth.profile.json", &json!({ "profileEnhancementProcesses": ["selfservice/home"], "authorizationRole": "internal/role/openidm-authorized" }))
        .json("conf/selfservice.terms.json", &terms)
        .file("resolver/boot.properties", "openidm.notifications=true\nopenidm.notifications.passwordUpdate=true\nopenidm.notifications.profileUpdate=true\n")
}

/// The server that most tests share.
fn server() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::on(project()).start());
    &SERVER
}

fn visitor() -> Visitor {
    Visitor::new(server().address())
}

/// The link and the typable code of the mail to an address.
#[track_caller]
fn mailed(mark: usize, address: &str) -> (String, String) {
    let body = mailbox().after(mark, address).body.replace("&amp;", "&");
    let start = body.find("http").expect("no link");
    let link = body[start..].chars().take_while(|letter| !"\"'<> \n".contains(*letter)).collect();
    let code = body.split(|letter: char| !letter.is_ascii_digit()).rfind(|digits| digits.len() == 8).expect("no code").to_owned();
    (link, code)
}

/// Somebody who has asked for a new password: the page that waits for the code, the link and the code.
#[track_caller]
fn asked(person: &Person) -> (Visitor, String, String) {
    let mark = mailbox().mark();
    let mut here = visitor();
    here.open("/reset").is(200, "Which account is it?");
    here.submit(&[("who", &person.name)], None).is(200, "Check your email");
    let (link, code) = mailed(mark, &person.mail);
    (here, link, code)
}
