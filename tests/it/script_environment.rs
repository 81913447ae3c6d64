//! What scripts of a project find around them: the product's own modules beside lines of the operator's, methods of Rhino, references as
//! resources, errors that they can catch, and their own values for what is computed.

use serde_json::{Value, json};

use crate::support::people::{PASSWORD, unused};
use crate::support::server::check;
use crate::support::{Project, Server};

fn script(source: &str) -> Value {
    json!({ "type": "text/javascript", "source": source })
}

fn property() -> Value {
    json!({ "type": "string", "viewable": true, "userEditable": true, "searchable": true })
}

fn relationship(path: &str, back: &str, many: bool) -> Value {
    let one = json!({ "type": "relationship", "reverseRelationship": true, "reversePropertyName": back, "validate": true,
        "properties": { "_ref": { "type": "string" } }, "resourceCollection": [{ "path": path, "label": "L" }] });
    if many { json!({ "type": "array", "viewable": true, "items": one }) } else { one }
}

/// A user with these events and these properties beside the usual ones, and roles.
fn project(events: &Value, more: &Value) -> Project {
    let mut user = json!({ "name": "user", "schema": { "type": "object", "required": ["userName", "givenName", "sn", "mail"], "properties": {
        "userName": property(), "givenName": property(), "sn": property(), "mail": property(), "description": property(),
        "accountStatus": property(),
        "password": { "type": "string", "viewable": false, "scope": "private", "encryption": { "purpose": "idm.password.encryption" } },
        "roles": relationship("managed/role", "members", true),
        "manager": relationship("managed/user", "reports", false),
        "reports": relationship("managed/user", "manager", true),
        "authzRoles": { "type": "array", "viewable": true, "items": { "type": "relationship", "resourceCollection": [{ "path": "internal/role" }] } },
    } } });
    for (name, value) in more.as_object().into_iter().flatten() {
        user["schema"]["properties"][name] = value.clone();
    }
    for (name, event) in events.as_object().into_iter().flatten() {
        user[name] = event.clone();
    }
    let role = json!({ "name": "role", "schema": { "type": "object", "properties": {
        "name": property(), "members": relationship("managed/user", "roles", true) } } });
    Project::new().json("conf/managed.json", &json!({ "objects": [user, role] }))
}

fn person(server: &Server, more: &Value) -> Value {
    let name = unused("environment");
    let mut object =
        json!({ "userName": name, "givenName": "Ann", "sn": "Other", "mail": format!("{name}@example.test"), "password": PASSWORD });
    for (name, value) in more.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    server.admin().post("managed/user?_action=create", &object).expect(201).json()
}

fn path(object: &Value) -> String {
    format!("managed/user/{}", object["_id"].as_str().unwrap())
}

#[test]
fn calls_of_the_products_and_lines_of_the_operators_stand_side_by_side() {
    let shipped = "require('ui/onCreateUser').setDefaultFields(object);require('ui/onCreateUser').createIdpRelationships(object);\
        require('roles/conditionalRoles').updateConditionalGrantsForUser(object, 'roles');require('ui/onCreateUser').emailUser(object);\
        require('ui/lastChanged').updateLastChanged(object);";
    let update = "require('ui/onUpdateUser').createNotification(object, oldObject); require('roles/conditionalRoles').roleUpdate(oldObject, object);\
        require('ui/lastChanged').updateLastChanged(object); object.description = 'changed';";
    let after = "require('roles/postOperation-roles').manageTemporalConstraints(resourceName);";
    let events = json!({ "onCreate": { "type": "text/javascript", "file": "mine.js" }, "onUpdate": script(update), "postCreate": script(after),
        "onDelete": { "type": "text/javascript", "file": "&{idm.instance.dir}/script/farewell.js" }, "postUpdate": { "type": "text/javascript", "file": "late.js" } });
    let dated = json!({ "lastChanged": { "type": "object", "viewable": false, "properties": { "date": { "type": "string" } }, "returnByDefault": true } });
    let project = project(&events, &dated)
        .file("script/mine.js", format!("{shipped}\nobject.description = 'made';"))
        .file(
            "script/farewell.js",
            "throw {code: 403, message: 'stays: ' + resourceName.head(1) + ' ' + resourceName.leaf().equals(object._id)};",
        )
        .json(
            "conf/script.json",
            &json!({ "sources": { "mine": { "directory": "&{idm.instance.dir}/custom", "subdirectories": "auto-true" } } }),
        )
        .file("custom/late.js", "logger.info('late')");
    let (code, text) = check(&project);
    assert_eq!(code, Some(0), "{text}");
    let server = Server::on(project).start();
    let made = person(&server, &json!({}));
    assert_eq!((&made["description"], &made["accountStatus"]), (&json!("made"), &json!("active")));
    assert!(made["lastChanged"]["date"].is_string(), "{made}");
    let patch = json!([{ "operation": "replace", "field": "/sn", "value": "New" }]);
    assert_eq!(server.admin().patch(&path(&made), &patch).ok()["description"], "changed");
    assert_eq!(server.admin().delete(&path(&made)).refused(403), "stays: managed true");
}

#[test]
fn a_script_catches_what_it_runs_into_and_writes_references_with_its_write() {
    let source = "var seen = [];
        try { openidm.create('managed/role', 'desk', {name: 'again'}); } catch (e) { seen.push(e.code, e.javaException.getCode(), e.message.contains('same ID')); }
        var boss = openidm.query('managed/user', {_queryFilter: 'sn eq \"Boss\"', _pageSize: 1, _totalPagedResultsPolicy: 'EXACT'});
        if (boss.totalPagedResults === 1) {
            var id = boss.result[0]._id;
            seen.push(openidm.create('managed/user/' + id + '/roles', null, {_ref: 'managed/role/desk'})._refResourceId);
            var listed = openidm.query('managed/role/desk/members', {_queryFilter: 'true'}).result;
            seen.push(listed.length, openidm.read('managed/role/desk/members/' + listed[0]._id)._refResourceId === id);
            if (object.sn === 'Parting') { openidm['delete']('managed/user/' + id + '/roles/' + openidm.read('managed/user/' + id, null, ['roles']).roles[0]._refProperties._id, null); }
        }
        seen.push(openidm.read('internal/role/openidm-authorized').name, openidm.read('internal/user/openidm-admin').userName);
        seen.push(openidm.read('schema/' + resourceName.head(2).toString()).properties.sn.type, openidm.hash(undefined, 'SHA-256'));
        if (object.manager) { seen.push(object.manager._refResourceCollection, object.manager._refResourceId.size()); }
        object.description = JSON.stringify(seen);";
    let project = project(&json!({ "onCreate": script(source) }), &json!({}));
    let (code, text) = check(&project);
    assert_eq!(code, Some(0), "{text}");
    let server = Server::on(project).start();
    server.admin().put("managed/role/desk", &json!({ "name": "desk" })).expect(201);
    let description = |made: &Value| serde_json::from_str::<Vec<Value>>(made["description"].as_str().unwrap()).unwrap();
    let boss = person(&server, &json!({ "sn": "Boss" }));
    let common = [json!("openidm-authorized"), json!("openidm-admin"), json!("string"), Value::Null];
    let caught = [json!(412), json!(412), json!(true), json!("desk"), json!(1), json!(true)];
    assert_eq!(description(&boss), [&caught[..3], common.as_slice()].concat());
    let first = person(&server, &json!({ "sn": "Parting", "manager": { "_ref": path(&boss) } }));
    let whole = [json!("managed/user"), json!(1)];
    assert_eq!(description(&first), [&caught[..], &common, &whole].concat());
    let members = || server.admin().get("managed/role/desk/members?_queryFilter=true").ok()["resultCount"].clone();
    assert_eq!(members(), 0, "made and removed again in one write");
    person(&server, &json!({ "sn": "Staying" }));
    assert_eq!(members(), 1);
    let manager = server.admin().get(&format!("{}?_fields=manager", path(&first))).ok();
    assert_eq!(manager["manager"]["_ref"], path(&boss), "what a script sees whole is kept as it was");
}

#[test]
fn effective_roles_are_the_operators_where_they_say_them_and_of_the_property_that_is_named() {
    let own = "var direct = object[rolesPropName]; (direct ? direct : []).concat([{_ref: 'managed/role/human-resources'}]);";
    let computed = |on_retrieve: Value| json!({ "type": "array", "isVirtual": true, "returnByDefault": true, "viewable": true, "onRetrieve": on_retrieve, "items": { "type": "object" } });
    let more = json!({
        "effectiveRoles": computed(json!({ "type": "text/javascript", "source": own, "rolesPropName": "roles" })),
        "effectiveAuthzRoles": computed(script("require('roles/effectiveRoles').calculateEffectiveRoles(object, 'authzRoles');")),
    });
    let mapping = json!({ "authenticationId": "username", "userCredential": "password", "effectiveUserRoles": "effectiveAuthzRoles" });
    let module = |name: &str, properties: Value| json!({ "name": name, "properties": properties, "enabled": true });
    let authentication = json!({ "serverAuthContext": {
        "sessionModule": { "name": "JWT_SESSION", "properties": { "maxTokenLifeMinutes": 120, "tokenIdleTimeMinutes": 30, "sessionOnly": true } },
        "authModules": [module("MANAGED_USER", json!({ "queryId": "credential-query", "queryOnResource": "managed/user", "propertyMapping": mapping, "defaultUserRoles": [] }))],
        "noAuthFallback": { "enabled": true, "properties": { "authenticationId": "nobody", "allowedEndpoints": ["openidm/metrics/prometheus"] } },
    } });
    let project = project(&json!({ "onCreate": script("require('onCreateUser').setDefaultFields(object);") }), &more)
        .json("conf/authentication.json", &authentication);
    let (code, text) = check(&project);
    assert!(code == Some(0) && !text.contains("noAuthFallback"), "{text}");
    let server = Server::on(project).start();
    let made = person(&server, &json!({}));
    let read = server.admin().get(&path(&made)).ok();
    assert_eq!(read["effectiveRoles"], json!([{ "_ref": "managed/role/human-resources" }]), "{read}");
    assert_eq!(read["effectiveAuthzRoles"][0]["_ref"], "internal/role/openidm-authorized", "{read}");
    let name = made["userName"].as_str().unwrap();
    let login = server.user(name, PASSWORD).get("info/login").ok();
    assert_eq!(login["authorization"]["roles"], json!(["internal/role/openidm-authorized"]), "{login}");
}
