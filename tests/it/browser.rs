//! Clients in the manner of the two stock ones in a real Chromium, against the real server: what only a browser does to them.
//!
//! Easiest to get wrong: a page that works says little, a browser that complains says much. Every walk ends with the tab being content:
//! nothing refused by a policy, nothing thrown, nothing missing.

mod classic;
mod contexts;
mod hostile;
mod modern;
mod origin;
mod profile;

use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::browser::{Tab, browser};
use crate::support::mailbox::{mailbox, repository};
use crate::support::stages::{email_username, email_validation, kba, parameters, reset_stage, retrieve_username, user_query, with};
use crate::support::{Link, Project, Server};

/// The smallest module of WebAssembly there is.
const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A build below `tests/browser` as the project's `pages.dir`.
fn with_build(project: Project, name: &str) -> Project {
    fn add(mut project: Project, directory: &Path, prefix: &str) -> Project {
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
            project = if entry.path().is_dir() {
                add(project, &entry.path(), &name)
            } else {
                project.file(&name, std::fs::read(entry.path()).unwrap())
            };
        }
        project
    }
    let project = project
        .file("ui/favicon.ico", b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\0;".to_vec())
        .file("ui/fonts/plain.3c4d5e6f.woff2", b"wOF2".to_vec())
        .file("ui/js/empty.77889900.wasm", EMPTY_MODULE);
    add(
        project.file("vestibule.toml", "[limits]\nenabled = false\n[pages]\ndir = \"ui\"\n"),
        &repository().join("tests/browser").join(name),
        "ui",
    )
}

/// Every process a stock client walks through, ending where it wants them to. The mails' links lead to a host that is not there.
fn processes() -> Project {
    let details = json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"], "registrationPreferences": ["updates"],
    });
    let create = json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" });
    let sign_in =
        json!({ "name": "localAutoLogin", "successUrl": "", "identityUsernameField": "userName", "identityPasswordField": "password" });
    let mail = with(email_validation(), "verificationLink", json!("https://id.example.test/#/registration/"));
    let owed = json!({
        "name": "conditionaluser", "identityServiceUrl": "managed/user", "evaluateConditionOnField": "user",
        "condition": { "type": "queryFilter", "filter": "/city eq \"Nowhere\"" },
        "onConditionTrue": {
            "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": "telephoneNumber", "isRequired": true }],
            "uiConfig": { "displayName": "Your number", "purpose": "So that we can reach you", "buttonText": "Save" },
        },
    });
    Project::new()
        .process("registration", &[parameters(), details, mail, create, sign_in])
        .process("reset", &[parameters(), user_query(), email_validation(), kba(), reset_stage()])
        .process("username", &[user_query(), email_username(), retrieve_username()])
        .process("profile", &[owed])
        .json(
            "conf/auth.profile.json",
            &json!({ "profileEnhancementProcesses": ["selfservice/profile"], "authorizationRole": "internal/role/openidm-authorized" }),
        )
        .file("resolver/boot.properties", "openidm.notifications=true\nopenidm.notifications.profileUpdate=true\n")
}

/// The server with the build in the newer manner.
fn modern() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::on(with_build(processes(), "modern")).start());
    &SERVER
}

/// The server with the build in the older manner, whose links have other words.
fn classic() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(|| {
        let link = |route: &str| with(email_validation(), "verificationLink", json!(format!("https://id.example.test/#{route}/")));
        let details = json!({
            "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": "managed/user",
            "registrationProperties": ["userName", "givenName", "sn", "mail"],
        });
        let create = json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" });
        let sign_in =
            json!({ "name": "localAutoLogin", "successUrl": "", "identityUsernameField": "userName", "identityPasswordField": "password" });
        let project = processes()
            .process("registration", &[details, link("register"), create, sign_in])
            .process("reset", &[user_query(), link("passwordReset"), reset_stage()]);
        Server::on(with_build(project, "classic")).start()
    });
    &SERVER
}

/// The address in a mail, on the server where it would have led.
fn link_for(server: &Server, mark: usize, address: &str) -> String {
    let link = Link::in_text(&mailbox().after(mark, address).body);
    link.url.replace("https://id.example.test", &server.url())
}

/// Fills in the modern client's form to sign in, and sends it.
#[track_caller]
fn sign_in(tab: &Tab, name: &str, password: &str) {
    tab.screen("login");
    tab.fill("#login-user", name);
    tab.fill("#login-password", password);
    tab.click("#login-go");
}

/// A tab on the modern client's dashboard.
#[track_caller]
fn signed_in(server: &Server, profile: &crate::support::browser::Profile, name: &str, password: &str) -> Tab {
    let tab = profile.open(&format!("{}/", server.url()));
    sign_in(&tab, name, password);
    tab.screen("dashboard");
    tab
}

/// The values of a tab's requests to a path, as the header says them.
fn headers_to(tab: &Tab, path: &str, header: &str) -> Vec<Option<String>> {
    tab.sent().iter().filter(|sent| sent.url.contains(path)).map(|sent| sent.header(header).map(str::to_owned)).collect()
}

/// A profile of its own.
fn somebody() -> crate::support::browser::Profile {
    browser().profile()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
