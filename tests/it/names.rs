//! Names: of properties and object types, and those by which people are found.

use serde_json::{Value, json};

use crate::support::{Project, Server};
use crate::world::reset_by_mail;

/// An object type with a unique property of a name that no index over an expression could carry.
fn object_type(name: &str, unique: &[&str]) -> Value {
    let properties = unique.iter().map(|name| ((*name).to_owned(), json!({ "type": "string", "policies": [{ "policyId": "unique" }] })));
    let properties: serde_json::Map<String, Value> = properties.chain([("label".to_owned(), json!({ "type": "string" }))]).collect();
    json!({ "name": name, "schema": { "type": "object", "order": properties.keys().collect::<Vec<_>>(), "properties": properties } })
}

/// Uniqueness does not depend on what a property is called, or on what another one is called that only looks alike.
#[test]
fn a_property_of_any_name_is_unique_under_parallel_creation() {
    let long = "n".repeat(200);
    let names = ["userName", "Mail", "mail", "e-mail", "personal.nr", "straße", long.as_str()];
    let project = Project::new()
        .json("conf/managed.json", &json!({ "objects": [object_type("user", &names), object_type("büro-1", &["straße.nr"])] }))
        .process("reset", &[json!({ "name": "userQuery", "validQueryFields": ["userName", "Mail", "e-mail"] })]);
    let server = Server::on(project).start();
    let admin = server.admin();
    for (number, name) in names.iter().enumerate() {
        let mut object = json!({ "label": "x" });
        object[*name] = format!("taken{number}").into();
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let creations: Vec<_> = (0..12).map(|_| scope.spawn(|| admin.post("managed/user?_action=create", &object).status)).collect();
            creations.into_iter().map(|creation| creation.join().unwrap()).collect()
        });
        let made = statuses.iter().filter(|status| **status == 201).count();
        assert!(made == 1 && statuses.iter().all(|status| [201, 403].contains(status)), "{name}: {statuses:?}");
    }
    admin.post("managed/b%C3%BCro-1?_action=create", &json!({ "straße.nr": "Elm 1" })).expect(201);
    let twin = admin.post("managed/b%C3%BCro-1?_action=create", &json!({ "straße.nr": "Elm 1" })).refused(403);
    assert!(twin.contains("Policy validation failed"), "{twin}");
    let found = admin.get("managed/b%C3%BCro-1?_queryFilter=%2Fstra%C3%9Fe.nr+eq+%22Elm+1%22").ok();
    assert_eq!(found["resultCount"], 1);
}

const PASSWORD: &str = "Str0ngEnough!";

/// People with a unique user name and an address that is not, who reset by mail and register without a confirmed address.
fn people() -> Project {
    let text = || json!({ "type": "string", "userEditable": true });
    let schema = json!({ "type": "object", "required": ["userName"], "order": ["_id", "userName", "password", "mail", "sn"], "properties": {
        "_id": { "type": "string" },
        "userName": { "type": "string", "userEditable": true, "policies": [{ "policyId": "unique" }] },
        "password": { "type": "string", "scope": "private", "secureHash": { "algorithm": "SHA-256" } },
        "mail": text(), "sn": text(), "givenName": text(),
    } });
    let registration = json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" });
    let details =
        json!({ "name": "idmUserDetails", "identityServiceUrl": "managed/user", "registrationProperties": ["userName", "mail", "sn"] });
    Project::new()
        .json("conf/managed.json", &json!({ "objects": [{ "name": "user", "schema": schema }] }))
        .process("registration", &[details, registration])
        .process("reset", &reset_by_mail())
}

fn create(server: &Server, name: &str, mail: &str) -> u16 {
    let person = json!({ "userName": name, "mail": mail, "sn": "Jensen", "password": PASSWORD });
    server.admin().post("managed/user?_action=create", &person).status
}

/// Where people are found is where uniqueness is decided (SEC-48).
#[test]
fn people_sign_in_by_any_spelling_of_their_name_and_an_exact_match_wins() {
    let server = Server::on(people().file("vestibule.toml", "[limits]\nenabled = false\n[names]\nseveral_spellings = true\n")).start();
    assert_eq!(create(&server, "Ann", "Joshua.Stanley@example.test"), 201);
    assert!(server.signs_in("Ann", PASSWORD) && server.signs_in("ann", PASSWORD) && server.signs_in("ANN", PASSWORD));
    assert!(!server.signs_in("ann", "wrong") && !server.signs_in("anne", PASSWORD));
    // Two spellings, where the project allows them: each is found by its own, and by no third one.
    assert_eq!(create(&server, "bob", "bob@example.test"), 201);
    assert_eq!(create(&server, "BOB", "other@example.test"), 201);
    assert!(server.signs_in("bob", PASSWORD) && server.signs_in("BOB", PASSWORD));
    assert!(!server.signs_in("Bob", PASSWORD));
    assert!(server.metric("vestibule_ambiguous_names_total", &[]) >= 1.0);
}

/// SEC-48: not only where a policy asks, and not only the product's own.
#[test]
fn names_of_static_and_internal_users_are_reserved_in_every_spelling() {
    let monitor =
        json!({ "name": "STATIC_USER", "properties": { "username": "monitor", "password": "M0nitor-secret", "defaultUserRoles": [] } });
    let managed = json!({ "name": "MANAGED_USER", "properties": { "queryOnResource": "managed/user", "defaultUserRoles": ["openidm-authorized"],
        "propertyMapping": { "authenticationId": "userName", "userCredential": "password", "userRoles": "authzRoles" } } });
    let users = json!({ "insert": { "internal/user": [{ "id": "idm-provisioning", "password": "x" }] } });
    let project = people()
        .json(
            "conf/authentication.json",
            &json!({ "serverAuthContext": { "sessionModule": { "name": "JWT_SESSION" }, "authModules": [monitor, managed] } }),
        )
        .json("conf/repo.init.json", &users);
    let server = Server::on(project).start();
    for name in
        ["openidm-admin", "OpenIDM-Admin", "Anonymous", "MONITOR", " monitor", "m\u{43e}nitor", "IDM-Provisioning", "\u{ff4d}onitor"]
    {
        assert_eq!(create(&server, name, "x@example.test"), 403, "{name}");
    }
    assert_eq!(create(&server, "monitors", "x@example.test"), 201);
    let id =
        server.admin().get("managed/user?_queryFilter=userName+eq+%22monitors%22").ok()["result"][0]["_id"].as_str().unwrap().to_owned();
    let rename = json!([{ "operation": "replace", "field": "userName", "value": "Monitor" }]);
    server.admin().patch(&format!("managed/user/{id}"), &rename).refused(403);
}

#[test]
fn administrators_make_one_spelling_of_a_name_unless_the_project_says_otherwise() {
    let server = Server::on(people()).start();
    assert_eq!(create(&server, "Smith", "a@example.test"), 201);
    assert_eq!(create(&server, "smith", "b@example.test"), 403);
    assert_eq!(create(&server, "SMITH ", "c@example.test"), 403);
    assert_eq!(create(&server, "smithy", "d@example.test"), 201);
    let id = server.admin().get("managed/user?_queryFilter=userName+eq+%22smithy%22").ok()["result"][0]["_id"].as_str().unwrap().to_owned();
    let rename = json!([{ "operation": "replace", "field": "userName", "value": "sMith" }]);
    server.admin().patch(&format!("managed/user/{id}"), &rename).refused(403);
    let respell = json!([{ "operation": "replace", "field": "userName", "value": "Smithy" }]);
    assert_eq!(
        server.admin().patch(&format!("managed/user/{id}"), &respell).ok()["userName"],
        "Smithy",
        "one's own name in another spelling"
    );
}

/// Somebody registers with an address that is taken, and never confirms it: the owner's reset goes on.
#[test]
fn a_registration_without_mail_does_not_disarm_the_owner_of_an_address() {
    let mut server = Server::on(people()).start();
    let address = crate::support::people::unused("owner") + "@example.test";
    assert_eq!(create(&server, "owner", &address), 201);
    let (client, mut token) = (server.anonymous(), None);
    for input in [json!({}), json!({ "user": { "userName": "stranger", "mail": address, "sn": "X", "password": PASSWORD } })] {
        let answer = client.submit("registration", token.as_deref(), &input).ok();
        token = answer["token"].as_str().map(str::to_owned);
        if answer["type"] == "selfRegistration" || answer["tag"] == "end" {
            assert_eq!(answer["status"]["success"], true, "{answer}");
        }
    }
    client.goes_on("reset", None, &json!({ "queryFilter": format!("mail eq \"{}\"", address.to_uppercase()) }));
    crate::support::mailbox::mailbox().wait_for(&address);
    let project = server.project();
    let data = server.data();
    let check = |arguments: &[&str]| {
        let mut all = vec!["check", "--project", project.to_str().unwrap()];
        all.extend_from_slice(arguments);
        crate::support::server::run(&all, "")
    };
    let url = format!("sqlite:{}", data.join("vestibule.db").display());
    let checked = check(&["--store", &url]);
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success() && text.contains("warning[store-shared]"), "{text}");
    // A second one of whom nothing is known either: now nobody is found, and the operator is told.
    assert_eq!(create(&server, "second", &address), 201);
    let checked = check(&["--store", "--data", data.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.code() == Some(1) && text.contains("error[store-ambiguous]"), "{text}");
    server.stop();
}
