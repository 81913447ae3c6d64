//! The pages in real browsers: `tests/pages` drives them, on servers that are started here.
//!
//! Easiest to get wrong: what must be clicked by somebody is a way there, in `tests/pages/ways`; what can be said over HTTP is a test here.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use super::providers;
use crate::support::mailbox::mailbox;
use crate::support::real_provider::RealProvider;
use crate::support::server::{ADMIN_PASSWORD, binary};
use crate::support::stages::{kba, reset_stage, user_query};
use crate::support::{Project, Server, browser};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The embedded project, with what it leaves to a project of one's own: a process without a name of ours, recovery by questions alone, data that
/// are shared.
fn project() -> Project {
    let embedded = Project::from_directory(&root().join("conf"));
    let over = |project: Project, name: &str| project.file(&format!("conf/{name}"), embedded.text(name));
    let project = embedded.names().fold(Project::new(), over);
    let home = json!({ "name": "attributecollection", "identityServiceUrl": "managed/user",
        "uiConfig": { "displayName": "Where do you live?", "purpose": "We ask once", "buttonText": "Save" },
        "attributes": [{ "name": "city", "isRequired": true }] });
    let where_city = |city: &str, stage: &Value| {
        json!({ "name": "conditionaluser", "identityServiceUrl": "managed/user", "evaluateConditionOnField": "user",
            "condition": { "type": "queryFilter", "filter": format!("/city eq \"{city}\"") }, "onConditionTrue": stage })
    };
    let listed = ["termsAndConditions", "kbaUpdate", "profile", "newHome", "newPassword"].map(|name| format!("selfservice/{name}"));
    project
        .process("recover", &[user_query(), kba(), reset_stage()])
        .process("newHome", &[where_city("Unknown", &home)])
        .process("newPassword", &[where_city("Unsafe", &reset_stage())])
        .json(
            "conf/auth.profile.json",
            &json!({ "profileEnhancementProcesses": listed, "authorizationRole": "internal/role/openidm-authorized" }),
        )
        .json(
            "conf/sync.json",
            &json!({ "mappings": [{ "name": "newsletter", "displayName": "Our newsletter", "source": "managed/user",
            "target": "system/news/account", "consentRequired": true, "properties": [{ "source": "mail", "target": "mail" }] }] }),
        )
        .file("resolver/boot.properties", "openidm.notifications=true\nopenidm.notifications.passwordUpdate=true\n")
}

/// What the browsers go to.
struct World {
    /// By name, and whether it shows the mails that it sends.
    servers: Vec<(&'static str, Server, bool)>,
    /// The identity provider that people have accounts at.
    provider: Option<RealProvider>,
}

/// One whose clock goes, one whose clock stands, one as a newcomer starts it, and one with identity providers.
fn world() -> World {
    let on = || Server::on(project());
    let (social, provider) = with_providers();
    let servers = vec![
        ("open", on().start(), false),
        ("still", on().clock_stands().start(), false),
        ("first", Server::default_project().start(), true),
        ("social", social, false),
    ];
    World { servers, provider: Some(provider) }
}

/// No server at all: pages of samples.
fn nobody() -> World {
    World { servers: Vec::new(), provider: None }
}

/// A server with a provider that is there, the same as one that answers with a form and from another site, and one that is not there. Where they come back
/// to is known when it runs, so their files come then.
fn with_providers() -> (Server, RealProvider) {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let server = Server::on(providers::claimed_by_mail(providers::project(&[]).file("vestibule.toml", ""))).start();
    let redirect = format!("{}/oauthReturn/", server.url());
    let client = |name: &str| json!({ "client_id": name, "client_secret": SECRET, "redirect_uris": [redirect] });
    let provider = RealProvider::start(&[client("acme"), client("apple")]);
    let there = provider.issuer.as_str();
    for (name, shown, issuer) in [("acme", "Acme", there), ("apple", "Apple", there), ("gone", "Gone", "http://127.0.0.1:9")] {
        let mut file = providers::ours(json!({
            "provider": name, "type": "OPENID_CONNECT", "clientId": name, "clientSecret": SECRET, "scope": ["openid", "email"],
            "wellKnownEndpoint": format!("{issuer}/.well-known/openid-configuration"), "vestibule": { "tokenEndpointAuthMethod": "client_secret_basic" },
        }));
        file["redirectUri"] = json!(redirect);
        file["uiConfig"] = json!({ "buttonDisplayName": shown });
        if name == "apple" {
            file["issuer"] = json!(issuer);
            // To a browser this is another site than 127.0.0.1, where we are.
            file["authorizationEndpoint"] = json!(format!("{}/auth", issuer.replace("127.0.0.1", "localhost")));
        }
        let mark = server.log_mark();
        server.write(&format!("conf/identityProvider-{name}.json"), &file.to_string());
        server.logged(mark, "the project was read again");
    }
    (server, provider)
}

/// Runs a script of `tests/pages` to its end, and fails with what it said. Mails come to it on standard input, as they arrive.
#[track_caller]
fn run(script: &[&str], World { servers, provider }: &World) {
    let tools = std::env::var_os("VESTIBULE_NODE_MODULES").map_or_else(|| root().join("target/tools/pages/node_modules"), PathBuf::from);
    assert!(tools.join("playwright-core").is_dir(), "there are no browser tools in {}: run `make tools`", tools.display());
    let of = |(name, server, shows_mails): &(&str, Server, bool)| {
        let mails = shows_mails.then(|| server.mail_page());
        ((*name).to_owned(), json!({ "url": server.url(), "mail": mails, "clock": server.clock() }))
    };
    let given = json!({
        "servers": servers.iter().map(of).collect::<Map<String, Value>>(),
        "provider": provider.as_ref().map(|provider| provider.issuer.as_str()),
        "password": ADMIN_PASSWORD,
        "chromium": browser::binary(),
        "firefox": browser::firefox(),
        "vestibule": binary(),
    });
    let mut child = Command::new("node")
        .current_dir(root().join("tests/pages"))
        .args(script)
        .env("VESTIBULE_NODE_MODULES", &tools)
        .env("VESTIBULE_PAGES_TESTS", given.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("node does not start ({error}): run `make tools`"));
    let mut input = child.stdin.take().unwrap();
    let mut mark = 0;
    std::thread::spawn(move || {
        while let Some(mail) = mailbox().next(&mut mark) {
            // It ends when it has seen enough.
            if writeln!(input, "{}", json!({ "to": mail.to, "subject": mail.subject(), "body": mail.body })).is_err() {
                return;
            }
        }
    });
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{script:?}:\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
}

#[test]
fn every_way_through_the_pages_is_gone_in_a_browser() {
    run(&["main.mjs"], &world());
}

#[test]
fn every_page_in_every_state_and_language_can_be_read_by_everybody() {
    run(&["samples.mjs"], &nobody());
}

#[test]
fn every_page_in_every_state_and_language_is_valid_html() {
    run(&["valid.mjs"], &nobody());
}

#[test]
#[ignore = "it needs Firefox: `make test-firefox`"]
fn the_main_ways_are_gone_in_firefox() {
    run(&["main.mjs", "firefox"], &world());
}
