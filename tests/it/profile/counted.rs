//! `vestibule check --store` counts who owes what, and every sign-in agrees.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{SignedIn, attributes, lists, owed, when};
use crate::relationships;
use crate::support::people::PASSWORD;
use crate::support::server::run;
use crate::support::{Person, Project, Server};

fn filter(text: &str) -> Value {
    json!({ "type": "queryFilter", "filter": text })
}

/// Processes that are due by what is sealed, by how often somebody has signed in, by a script that reads, and for nobody: one that the rules keep from
/// people, one whose script fails, and one whose file is broken.
fn project() -> Project {
    let mut managed: Value = serde_json::from_str(&relationships::project().text("conf/managed.json")).unwrap();
    let users = managed["objects"].as_array_mut().unwrap().iter_mut().find(|object| object["name"] == "user").unwrap();
    let property = json!({ "type": "string", "viewable": true, "userEditable": true });
    users["schema"]["properties"]["telephoneNumber"] = property.clone();
    users["schema"]["properties"]["city"] = property;
    users["schema"]["properties"]["city"]["encryption"] = json!({ "purpose": "idm.password.encryption" });
    let script = |source: &str| json!({ "type": "script", "script": { "type": "text/javascript", "source": source } });
    let reads = "openidm.query('managed/user', {_queryFilter: 'userName eq \"' + object.userName + '\"'}).result[0].country === 'CH'";
    let rules = json!({ "configs": [
        { "pattern": "authentication", "roles": "*", "methods": "read,action", "actions": "login,logout" },
        { "pattern": "info/*", "roles": "*", "methods": "read", "actions": "" },
        { "pattern": "selfservice/desk", "roles": "internal/role/desk", "methods": "read,action", "actions": "submitRequirements" },
        { "pattern": "selfservice/ulm", "roles": "*", "methods": "read,action", "actions": "submitRequirements" },
        { "pattern": "selfservice/second", "roles": "*", "methods": "read,action", "actions": "submitRequirements" },
        { "pattern": "selfservice/fails", "roles": "*", "methods": "read,action", "actions": "submitRequirements" },
        { "pattern": "selfservice/reads", "roles": "*", "methods": "read,action", "actions": "submitRequirements" },
        { "pattern": "*", "roles": "internal/role/openidm-admin", "methods": "*", "actions": "*" },
    ] });
    let second = json!({ "type": "loginCount", "interval": "at", "amount": 2 });
    let asked = attributes(&[("telephoneNumber", false)]);
    lists(Project::new(), &["ulm", "second", "reads", "desk", "fails", "torn"])
        .json("conf/managed.json", &managed)
        .json("conf/access.json", &rules)
        .process("ulm", &[when(&filter("/city eq \"Ulm\""), &asked)])
        .process("second", &[when(&second, &asked)])
        .process("reads", &[when(&script(reads), &asked)])
        .process("desk", &[when(&filter("true"), &asked)])
        .process("fails", &[when(&script("throw new Error('no')"), &asked)])
        .file("conf/selfservice-torn.json", "{")
}

fn check(server: &Server, more: &[&str]) -> (Option<i32>, String) {
    let (project, data) = (server.project(), server.data());
    let named = ["check", "--store", "--project", project.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let ran = run(&[&named[..], more].concat(), "");
    (ran.status.code(), String::from_utf8(ran.stdout).unwrap())
}

fn counted_as_signed_in(project: Project, is_file: bool) {
    let mut server = Server::on(project).start();
    let people = [json!({}), json!({ "city": "Ulm" }), json!({ "city": "Ulm", "country": "CH" }), json!({ "country": "CH" })]
        .map(|more| Person::with(&server, "owing", &more));
    let gone = Person::with(&server, "gone", &json!({ "accountStatus": "inactive", "city": "Ulm" }));
    SignedIn::of(&server, &people[3]);
    assert!(!server.signs_in(&gone.name, PASSWORD));
    server.stop();
    let store = || is_file.then(|| std::fs::read(server.data().join("vestibule.db")).unwrap());
    let before = store();
    let (code, said) = check(&server, &["--format", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert!(code == Some(1) && before == store(), "one file is broken, and the store is as it was: {said}");
    let (_, lines) = check(&server, &[]);
    server.start();
    let mut counts = BTreeMap::from(["ulm", "second", "reads", "desk", "fails"].map(|name| (format!("selfservice/{name}"), 0)));
    for person in &people {
        for path in owed(&SignedIn::of(&server, person).body) {
            *counts.get_mut(&path).unwrap() += 1;
        }
    }
    assert_eq!(counts.values().copied().collect::<Vec<u64>>(), [0, 0, 2, 1, 2], "{counts:?}");
    assert_eq!(said["owed"], json!({ "people": 4, "refused": 1, "failed": 4, "processes": counts }));
    for line in [
        "owed: selfservice/second by 1 of 4 people who can sign in",
        "owed: selfservice/desk by 0 of 4",
        "because they cannot sign in: 1",
        "failed, and selects nothing: 4",
    ] {
        assert!(lines.contains(line), "{lines}");
    }
    assert!(!check(&server, &["--quiet"]).1.contains("owed: "));
}

#[test]
fn who_owes_what_is_counted_as_sign_ins_say() {
    counted_as_signed_in(project(), true);
}

#[test]
fn who_owes_what_is_counted_on_postgres_as_sign_ins_say() {
    let url = store::testing::Postgres::shared().store_named("owing");
    counted_as_signed_in(project().file("vestibule.toml", format!("[store]\nurl = \"{url}\"\n")), false);
}

#[test]
fn what_other_keys_sealed_is_not_guessed_at() {
    let mut server = Server::on(project()).start();
    Person::with(&server, "sealed", &json!({ "city": "Ulm" }));
    server.stop();
    let (store, elsewhere) = (format!("sqlite:{}", server.data().join("vestibule.db").display()), tempfile::tempdir().unwrap());
    let project = server.project();
    let named = ["check", "--store", &store, "--project", project.to_str().unwrap(), "--data", elsewhere.path().to_str().unwrap()];
    let ran = run(&[&named[..], &["--format", "json"]].concat(), "");
    let said: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(said.get("owed"), None);
    let found = said["diagnostics"].as_array().unwrap().iter().find(|one| one["rule"] == "store-owed").unwrap();
    assert!(found["message"].as_str().unwrap().contains("the keys that open them are not in"), "{found}");
    assert!(std::fs::read_dir(elsewhere.path()).unwrap().next().is_none(), "nothing is made");
}
