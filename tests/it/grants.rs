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
        { "name": "role", "schema": { "type": "object", "properties": {
            "name": text, "condition": text, "temporalConstraints": { "type": "array", "items": { "type": "object" } },
            "assignments": { "type": "array", "items": { "type": "relationship", "resourceCollection": [{ "path": "managed/assignment" }] } },
        } } },
        { "name": "assignment", "schema": { "type": "object", "properties": { "name": text } } },
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

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|role| role["_refResourceId"].as_str().unwrap()).collect()
}

#[test]
fn effective_roles_are_those_whose_grant_and_role_last() {
    let server = Server::on(project(false)).start();
    let admin = server.admin();
    let role = |id: &str, more: &Value| {
        let mut role = json!({ "name": id });
        role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.put(&format!("managed/role/{id}"), &role).expect(201);
    };
    admin.put("managed/assignment/post", &json!({ "name": "post" })).expect(201);
    for id in ["a", "b"] {
        role(id, &json!({ "assignments": [{ "_ref": "managed/assignment/post" }] }));
    }
    role("c", &json!({ "temporalConstraints": [{ "duration": PAST }] }));
    role("d", &json!({ "temporalConstraints": [{ "duration": PRESENT }] }));
    let grants = [grant("managed/role/a", PAST), grant("managed/role/b", PRESENT)];
    let roles: Vec<Value> = grants.into_iter().chain(["c", "d"].map(|id| json!({ "_ref": format!("managed/role/{id}") }))).collect();
    let person = Person::with(&server, "effective", &json!({ "roles": roles }));
    let path = format!("managed/user/{}", person.id);
    let shown = admin.get(&format!("{path}?_fields=effectiveRoles")).ok();
    assert_eq!(ids(&shown["effectiveRoles"]), ["b", "d"]);
    let shown = admin.get(&path).ok();
    assert_eq!((ids(&shown["effectiveRoles"]), ids(&shown["effectiveAssignments"])), (vec!["b", "d"], vec!["post"]));
    let found = admin.get(&format!("managed/user?_queryFilter=_id+eq+%22{}%22", person.id)).ok();
    assert_eq!(ids(&found["result"][0]["effectiveRoles"]), ["b", "d"]);
    // A role that ends takes what it gave with it.
    admin
        .patch("managed/role/d", &json!([{ "operation": "replace", "field": "/temporalConstraints", "value": [{ "duration": PAST }] }]))
        .expect(200);
    assert_eq!(ids(&admin.get(&path).ok()["effectiveRoles"]), ["b"]);
}

#[test]
fn a_role_with_a_condition_is_had_while_the_person_meets_it() {
    let server = Server::on(project(false)).start();
    let admin = server.admin();
    let person = Person::with(&server, "conditional", &json!({ "city": "Bonn" }));
    let path = format!("managed/user/{}", person.id);
    let effective = || ids(&admin.get(&path).ok()["effectiveRoles"]).into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(effective(), Vec::<String>::new());
    admin.put("managed/role/bonn", &json!({ "name": "bonn", "condition": "/city eq \"Bonn\"" })).expect(201);
    assert_eq!(effective(), ["bonn"], "when the role is written");
    admin.patch(&path, &json!([{ "operation": "replace", "field": "/city", "value": "Cologne" }])).expect(200);
    assert_eq!(effective(), Vec::<String>::new(), "when the person is written");
    admin.patch("managed/role/bonn", &json!([{ "operation": "replace", "field": "/condition", "value": "/city sw \"Co\"" }])).expect(200);
    let shown = admin.get(&path).ok();
    assert_eq!(shown["effectiveRoles"][0]["_refProperties"], json!({ "_grantType": "conditional" }));
    // A person who puts back what they read changes nothing.
    let own = server.user(&person.name, PASSWORD).with("X-OpenIDM-NoSession", "true");
    let read = own.get(&path);
    if read.status == 200 {
        own.put(&path, &read.json()).expect(200);
    }
}

/// Where a project takes the roles of a sign-in from managed roles, what limits them limits these.
#[test]
fn managed_roles_that_decide_what_somebody_may_count_while_they_last() {
    let module = json!({ "name": "MANAGED_USER", "enabled": true, "properties": { "queryId": "credential-query", "queryOnResource": "managed/user",
        "propertyMapping": { "authenticationId": "username", "userCredential": "password", "userRoles": "roles" },
        "defaultUserRoles": ["internal/role/openidm-authorized"] } });
    let authentication = json!({ "serverAuthContext": { "authModules": [module] } });
    let rule = |pattern: &str, roles: &str| json!({ "pattern": pattern, "roles": roles, "methods": "*", "actions": "*" });
    let rules = json!({ "configs": [
        rule("*", "internal/role/openidm-admin"), rule("info/*", "*"), rule("managed/role", "managed/role/desk"),
    ] });
    let project = project(false).json("conf/authentication.json", &authentication).json("conf/access.json", &rules);
    let server = Server::on(project).start();
    let admin = server.admin();
    let desk = json!({ "name": "desk", "temporalConstraints": [{ "duration": PRESENT }], "condition": "/city eq \"Bonn\"" });
    admin.put("managed/role/desk", &desk).expect(201);
    let held = Person::with(&server, "held", &json!({ "roles": [{ "_ref": "managed/role/desk" }] }));
    let meets = Person::with(&server, "meets", &json!({ "city": "Bonn" }));
    let neither = Person::with(&server, "neither", &json!({ "city": "Cologne" }));
    let may = |person: &Person| {
        let client = server.user(&person.name, PASSWORD).with("X-OpenIDM-NoSession", "true");
        client.get("managed/role?_queryFilter=true").status == 200
    };
    assert_eq!([may(&held), may(&meets), may(&neither)], [true, true, false]);
    admin
        .patch("managed/role/desk", &json!([{ "operation": "replace", "field": "/temporalConstraints", "value": [{ "duration": PAST }] }]))
        .expect(200);
    assert_eq!([may(&held), may(&meets), may(&neither)], [false, false, false]);
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
