//! Grants of roles: for a time (IDM objects guide, "Use temporal constraints to restrict effective roles"), and of roles that are there.

use serde_json::{Value, json};

use crate::support::people::{PASSWORD, unused};
use crate::support::profile::privilege;
use crate::support::{Client, Person, Project, Server};

const PAST: &str = "2001-01-01T00:00:00.000Z/2002-01-01T00:00:00.000Z";
const PRESENT: &str = "2001-01-01T00:00:00.000Z/2901-01-01T00:00:00.000Z";
const FUTURE: &str = "2900-01-01T00:00:00.000Z/2901-01-01T00:00:00.000Z";

fn grant(role: &str, duration: &str) -> Value {
    json!({ "_ref": role, "_refProperties": { "temporalConstraints": [{ "duration": duration }] } })
}

fn managed(validate: bool) -> Value {
    let text = json!({ "type": "string", "viewable": true, "searchable": true, "userEditable": true });
    let roles = |collection: &str, validate: bool| {
        json!({ "type": "array", "viewable": true, "returnByDefault": false, "items": {
            "type": "relationship", "validate": validate, "resourceCollection": [{ "path": collection }] } })
    };
    json!({ "objects": [
        { "name": "user", "schema": { "type": "object", "required": ["userName"], "properties": {
            "userName": text, "givenName": text, "sn": text, "mail": text, "city": text,
            "password": { "type": "string", "scope": "private", "userEditable": true },
            "authzRoles": roles("internal/role", validate), "roles": roles("managed/role", false),
            "effectiveAssignments": { "type": "array", "viewable": true, "isVirtual": true, "returnByDefault": true, "items": { "type": "object" },
                "queryConfig": { "referencedRelationshipFields": ["roles", "assignments"] } },
            "effectiveRoles": { "type": "array", "viewable": true, "isVirtual": true, "returnByDefault": true, "items": { "type": "object" } },
        } } },
        { "name": "role", "schema": { "type": "object", "properties": { "name": text } } },
    ] })
}

fn project(validate: bool) -> Project {
    let desk = privilege(&["VIEW"], None, &[], &["userName"]);
    let roles = json!({ "insert": { "internal/role": [
        { "id": "desk", "privileges": [desk] },
        { "id": "seasonal", "privileges": [desk], "temporalConstraints": [{ "duration": PRESENT }] },
    ] } });
    let rule = |pattern: &str, roles: &str| json!({ "pattern": pattern, "roles": roles, "methods": "*", "actions": "*" });
    let rules = json!({ "configs": [
        rule("*", "internal/role/openidm-admin"),
        rule("info/*", "*"),
        rule("authentication", "*"),
        rule("privilege", "internal/role/openidm-authorized"),
        rule("managed/role", "internal/role/desk,internal/role/seasonal"),
    ] });
    Project::new()
        .json("conf/managed.json", &managed(validate))
        .json("conf/repo.init.json", &roles)
        .json("conf/access.json", &rules)
        .file("vestibule.toml", "[limits]\nenabled = false\n")
}

fn holder(server: &Server, grants: &Value) -> (Person, Client) {
    let person = Person::with(server, "holder", &json!({ "authzRoles": grants }));
    let client = server.user(&person.name, PASSWORD).with("X-OpenIDM-NoSession", "true");
    (person, client)
}

#[test]
fn a_role_is_had_while_its_grant_lasts() {
    let server = Server::on(project(false)).start();
    for (duration, counts) in [(PRESENT, true), (PAST, false), (FUTURE, false), ("for ever", false)] {
        let (_, client) = holder(&server, &json!([grant("internal/role/desk", duration), grant("internal/role/openidm-admin", PAST)]));
        let roles = client.get("info/login").ok()["authorization"]["roles"].clone();
        let expected = if counts {
            json!(["internal/role/openidm-authorized", "internal/role/desk"])
        } else {
            json!(["internal/role/openidm-authorized"])
        };
        assert_eq!(roles, expected, "{duration}");
        let menu = client.post_empty("privilege?_action=listPrivileges").ok();
        assert_eq!(menu.as_array().unwrap().len(), usize::from(counts), "{duration}");
        let refused = client.get("managed/role?_queryFilter=true").status == 403;
        assert_eq!(refused, !counts, "{duration}: a rule asks for the role");
        client.get("config/authentication").refused(403);
    }
}

#[test]
fn a_role_with_a_limit_of_its_own_is_had_by_nobody() {
    let server = Server::on(project(false)).start();
    assert!(server.log().contains("'temporalConstraints' is not supported"), "{}", server.log());
    let (_, client) = holder(&server, &json!([{ "_ref": "internal/role/seasonal" }]));
    assert_eq!(client.get("info/login").ok()["authorization"]["roles"], json!(["internal/role/openidm-authorized"]));
    client.get("managed/role?_queryFilter=true").refused(403);
}

#[test]
fn effective_roles_are_those_whose_grant_lasts() {
    let server = Server::on(project(false)).start();
    server.admin().put("managed/role/c", &json!({ "name": "c", "temporalConstraints": [{ "duration": PAST }] })).expect(201);
    server.admin().put("managed/role/all", &json!({ "name": "all", "condition": "true" })).expect(201);
    let roles = json!([grant("managed/role/a", PAST), grant("managed/role/b", PRESENT), { "_ref": "managed/role/c" }]);
    let person = Person::with(&server, "effective", &json!({ "roles": roles }));
    let shown = server.admin().get(&format!("managed/user/{}?_fields=effectiveRoles", person.id)).ok();
    let paths: Vec<&str> = shown["effectiveRoles"].as_array().unwrap().iter().map(|role| role["_ref"].as_str().unwrap()).collect();
    assert_eq!(paths, ["managed/role/b", "managed/role/c"], "whatever the role itself says of its time");
    assert_eq!(server.admin().get(&format!("managed/user/{}", person.id)).ok()["effectiveAssignments"], json!([]));
}

#[test]
fn a_grant_of_a_role_that_nobody_declares_is_refused_where_the_project_says_so() {
    let server = Server::on(project(true)).start();
    let admin = server.admin();
    let grants = |role: &str| json!({ "userName": unused("granted"), "authzRoles": [{ "_ref": format!("internal/role/{role}") }] });
    for role in ["desk", "openidm-admin"] {
        admin.post("managed/user?_action=create", &grants(role)).expect(201);
    }
    assert!(admin.post("managed/user?_action=create", &grants("dsek")).refused(400).contains("does not exist"));
    let person = Person::with(&server, "late", &json!({ "authzRoles": [] }));
    let add = json!([{ "operation": "add", "field": "/authzRoles/-", "value": { "_ref": "internal/role/made" } }]);
    let path = format!("managed/user/{}", person.id);
    admin.patch(&path, &add).refused(400);
    admin.put("internal/role/made", &json!({ "name": "made", "privileges": [] })).expect(201);
    admin.patch(&path, &add).expect(200);
    // One that was declared and is taken away does not come back by itself.
    admin.delete("internal/role/seasonal").expect(200);
    admin.post("managed/user?_action=create", &grants("seasonal")).refused(400);
}
