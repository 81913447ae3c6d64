//! Who asks, as policies and scripts of a project see it, and what is asked of them before: one caller at every door, the real one.

use serde_json::{Value, json};

use super::{managed, project, refused, user_name};
use crate::support::people::{PASSWORD, unused};
use crate::support::{Client, Project, Server};

/// Refuses addresses of the staff, but to those with one of its `exceptRoles`, and tells whom it sees.
const STAFF: &str = "
addPolicy({policyId: 'staff-only', policyExec: 'staffOnly', policyRequirements: ['STAFF_ONLY'], validateOnlyIfPresent: 'true'});
function staffOnly(fullObject, value, params, property) {
    var roles = context.security.authorization.roles;
    var excepted = _.some(params.exceptRoles, function (role) { return _.contains(roles, role); });
    if (excepted || !/@staff[.]example[.]test$/.test(value)) { return []; }
    return [{policyRequirement: 'STAFF_ONLY', params: {seen: context.security.authorization, id: fullObject._id, path: request.resourcePath}}];
}
";

const ADMINISTRATOR: &str = "internal/role/openidm-admin";

fn text(policies: &Value) -> Value {
    json!({ "type": "string", "viewable": true, "userEditable": true, "searchable": true, "policies": policies })
}

fn of_staff(more: &Value, events: &Value) -> Project {
    let mut properties = json!({ "city": text(&json!([{ "policyId": "staff-only", "params": { "exceptRoles": [ADMINISTRATOR] } }])) });
    for (name, declaration) in more.as_object().into_iter().flatten() {
        properties[name] = declaration.clone();
    }
    let mut all = managed(&user_name(&json!([])), &properties);
    for (name, event) in events.as_object().into_iter().flatten() {
        all["objects"][0][name] = event.clone();
    }
    let policy = json!({ "type": "text/javascript", "file": "policy.js", "additionalFiles": ["script/staff.js"], "resources": [] });
    project(&all).file("script/staff.js", STAFF).json("conf/policy.json", &policy)
}

fn person(server: &Server) -> (Client, String) {
    let name = unused("asker");
    let object = json!({ "userName": name, "givenName": "A", "sn": "B", "mail": format!("{name}@example.test"), "password": PASSWORD });
    let id = server.admin().post("managed/user?_action=create", &object).expect(201).json()["_id"].as_str().unwrap().to_owned();
    (server.user(&name, PASSWORD), id)
}

fn replaces(field: &str, value: &str) -> Value {
    json!([{ "operation": "replace", "field": format!("/{field}"), "value": value }])
}

#[test]
fn a_policy_sees_at_the_form_whom_it_sees_at_the_write() {
    let server = Server::on(of_staff(&json!({}), &json!({}))).start();
    let newcomer = json!({ "user": { "userName": unused("new"), "givenName": "A", "sn": "B", "mail": "a@example.test", "password": PASSWORD, "city": "x@staff.example.test" } });
    let (_, token) = server.anonymous().goes_on("registration", None, &json!({ "input": {} }));
    let answer = server.anonymous().submit("registration", Some(&token), &newcomer);
    assert_eq!(refused(&answer), ["city STAFF_ONLY"], "everybody's account is no administrator");
    let seen = &answer.json()["detail"]["failedPolicyRequirements"][0]["policyRequirements"][0]["params"];
    let expected = json!({ "id": "anonymous", "component": "internal/user", "roles": ["internal/role/openidm-reg"] });
    assert_eq!(seen["seen"], expected, "as info/login says");
    let (client, id) = person(&server);
    let answer = client.patch(&format!("managed/user/{id}"), &replaces("city", "y@staff.example.test"));
    assert_eq!(refused(&answer), ["city STAFF_ONLY"]);
    let seen = &answer.json()["detail"]["failedPolicyRequirements"][0]["policyRequirements"][0]["params"];
    assert_eq!((&seen["id"], &seen["path"], &seen["seen"]["id"]), (&json!(id), &json!(format!("managed/user/{id}")), &json!(id)));
    let given = json!({ "userName": unused("given"), "mail": "a@example.test", "city": "z@staff.example.test" });
    server.admin().post("managed/user?_action=create", &given).expect(201);
}

#[test]
fn a_script_at_an_event_of_a_process_sees_who_runs_it() {
    let note = "object.sn = JSON.stringify(context.security.authorization);";
    let event = json!({ "type": "text/javascript", "source": note });
    let server = Server::on(of_staff(&json!({}), &json!({ "onCreate": event }))).start();
    let name = unused("noted");
    let newcomer = json!({ "user": { "userName": name, "givenName": "A", "sn": "B", "mail": "n@example.test", "password": PASSWORD } });
    let (_, token) = server.anonymous().goes_on("registration", None, &json!({ "input": {} }));
    server.anonymous().submit("registration", Some(&token), &newcomer).expect(200);
    let found = server.admin().get(&format!("managed/user?_queryFilter=userName%20eq%20%22{name}%22")).ok();
    let seen: Value = serde_json::from_str(found["result"][0]["sn"].as_str().unwrap()).unwrap();
    assert_eq!(seen, json!({ "id": "anonymous", "component": "internal/user", "roles": ["internal/role/openidm-reg"] }));
}

#[test]
fn the_present_password_is_asked_for_where_a_policy_asks_for_it() {
    let asks = |roles: Value| text(&json!([{ "policyId": "re-auth-required", "params": { "exceptRoles": roles } }]));
    let properties = json!({ "phone": asks(json!([ADMINISTRATOR])), "nick": asks(json!(["internal/role/openidm-authorized"])) });
    let server = Server::on(of_staff(&properties, &json!({}))).start();
    let (client, id) = person(&server);
    let path = format!("managed/user/{id}");
    client.patch(&path, &replaces("phone", "1")).refused(403);
    client.clone().with("X-OpenIDM-Reauth-Password", "wrong").patch(&path, &replaces("phone", "1")).refused(403);
    client.clone().with("X-OpenIDM-Reauth-Password", PASSWORD).patch(&path, &replaces("phone", "1")).expect(200);
    client.patch(&path, &replaces("nick", "n")).expect(200);
    client.patch(&path, &replaces("givenName", "n")).expect(200);
    server.admin().patch(&path, &replaces("phone", "2")).expect(200);
    let listed = client.get("info/login").ok()["authorization"]["protectedAttributeList"].clone();
    assert!(listed.as_array().unwrap().contains(&json!("phone")) && !listed.as_array().unwrap().contains(&json!("nick")), "{listed}");
}

/// The product's filter, and one of the project's own.
fn router(own: Value) -> Value {
    let external = "context.caller.external === true || context.current.name === 'selfservice'";
    let mut filter = json!({ "pattern": "managed/user.*", "methods": ["create", "update"] });
    let Value::Object(own) = own else { panic!("{own} is no filter") };
    filter.as_object_mut().unwrap().extend(own);
    json!({ "filters": [
        { "condition": { "type": "text/javascript", "source": external },
          "onRequest": { "type": "text/javascript", "source": "require('router-authz').testAccess()" } },
        filter,
    ] })
}

fn newcomer() -> Value {
    json!({ "userName": unused("filtered"), "givenName": "A", "sn": "B", "mail": "a@example.test", "password": PASSWORD })
}

#[test]
fn a_filter_that_is_not_run_refuses_what_it_guards_at_every_door_until_it_is_waived() {
    let groovy = json!({ "type": "groovy", "source": "request.content.sn == 'Evil'" });
    let guarded = of_staff(&json!({}), &json!({})).json("conf/router.json", &router(json!({ "onRequest": groovy })));
    let (code, said) = crate::support::server::check(&guarded);
    assert!(code == Some(1) && said.contains("error[own-filter] /filters/1/onRequest") && said.contains("Groovy"), "{said}");
    let server = Server::on(guarded).start();
    server.admin().post("managed/user?_action=create", &newcomer()).refused(403);
    server.admin().get("managed/user?_queryFilter=true").expect(200);
    let (_, token) = server.anonymous().goes_on("registration", None, &json!({ "input": {} }));
    server.anonymous().submit("registration", Some(&token), &json!({ "user": newcomer() })).refused(403);
    assert!(server.log().contains("a filter of the project's own is not run"), "{}", server.log());
    let waived = router(json!({ "onRequest": groovy, "vestibule": { "waive": ["onRequest"] } }));
    let waived = of_staff(&json!({}), &json!({})).json("conf/router.json", &waived);
    let (code, said) = crate::support::server::check(&waived);
    assert!(code == Some(0) && said.contains("waived by the project: 'onRequest'"), "{said}");
    let server = Server::on(waived).start();
    server.admin().post("managed/user?_action=create", &newcomer()).expect(201);
}

#[test]
fn a_filter_on_requests_is_run_at_every_door_and_what_it_makes_of_a_request_is_done() {
    let own = "if (request.content.sn === 'Evil') { throw { code: 409, message: 'no evil', detail: { sn: false } }; }
        for (var i in copies) { if (request.content.givenName) { request.content[copies[i]] = request.content.givenName + ' ' + request.method; } }";
    let condition = json!({ "type": "text/javascript", "source": "request.content.description !== 'unfiltered'" });
    let filter = json!({ "condition": condition, "onRequest": { "type": "text/javascript", "file": "script/copies.js", "copies": ["description"] } });
    let project = of_staff(&json!({}), &json!({})).file("script/copies.js", own).json("conf/router.json", &router(filter));
    let (code, said) = crate::support::server::check(&project);
    assert!(code == Some(0) && !said.contains("own-filter"), "{said}");
    let server = Server::on(project).start();
    let admin = server.admin();
    let with = |name: &str, value: &str| {
        let mut made = newcomer();
        made[name] = json!(value);
        made
    };
    let made = admin.post("managed/user?_action=create", &newcomer()).expect(201).json();
    assert_eq!(made["description"], "A create", "{made}");
    assert_eq!(
        admin.post("managed/user?_action=create", &with("description", "unfiltered")).expect(201).json()["description"],
        "unfiltered"
    );
    let evil = admin.post("managed/user?_action=create", &with("sn", "Evil"));
    assert_eq!(evil.refused(409), "no evil");
    assert_eq!(evil.json()["detail"], json!({ "sn": false }));
    let path = format!("managed/user/{}", made["_id"].as_str().unwrap());
    let replaced =
        admin.put(&path, &json!({ "userName": made["userName"], "givenName": "B", "sn": "C", "mail": "a@example.test" })).expect(200);
    assert_eq!(replaced.json()["description"], "B update");
    // A patch is no update to a filter.
    admin.patch(&path, &json!([{ "operation": "replace", "field": "/sn", "value": "Evil" }])).expect(200);
    let (_, token) = server.anonymous().goes_on("registration", None, &json!({ "input": {} }));
    server.anonymous().submit("registration", Some(&token), &json!({ "user": with("sn", "Evil") })).refused(409);
    let registered = newcomer();
    let (_, token) = server.anonymous().goes_on("registration", None, &json!({ "input": {} }));
    server.anonymous().submit("registration", Some(&token), &json!({ "user": registered })).ok();
    let filter = format!("managed/user?_queryFilter=userName+eq+%22{}%22", registered["userName"].as_str().unwrap());
    assert_eq!(admin.get(&filter).ok()["result"][0]["description"], "A create");
}

#[test]
fn filters_see_patches_policies_and_reads_and_one_that_changes_what_cannot_be_changed_refuses() {
    let js = |source: &str| json!({ "type": "text/javascript", "source": source });
    let filters = json!({ "filters": [
        { "pattern": "^managed/user/.+", "methods": ["patch"],
          "onRequest": js("request.patchOperations.push({operation: 'replace', field: '/description', value: 'patched'});") },
        { "pattern": "^policy/managed/user", "methods": ["action"], "onRequest": js("request.content.mail = 'no address';") },
        { "pattern": "^managed/user$", "methods": ["query"], "onRequest": js("if (context.security.authorization.id !== 'openidm-admin' || request.queryFilter === 'false') { throw {code: 400, message: 'not this one'}; }") },
        { "pattern": "^info/ping", "onRequest": js("request.additionalParameters.x = 'y';") },
        { "pattern": "^managed/user/.+", "methods": ["delete"], "onRequest": js("var one = openidm.read(request.resourcePath); if (one.description === 'patched') { throw {code: 403, message: 'kept'}; }") },
    ] });
    let server = Server::on(of_staff(&json!({}), &json!({})).json("conf/router.json", &filters)).start();
    let admin = server.admin();
    let made = admin.post("managed/user?_action=create", &newcomer()).expect(201).json();
    let path = format!("managed/user/{}", made["_id"].as_str().unwrap());
    let city = json!([{ "operation": "replace", "field": "/givenName", "value": "Z" }]);
    let patched = admin.patch(&path, &city).expect(200).json();
    assert_eq!((&patched["givenName"], &patched["description"]), (&json!("Z"), &json!("patched")), "{patched}");
    let judged = admin.post(&format!("policy/{path}?_action=validateObject"), &json!({ "mail": "a@example.test" })).ok();
    assert_eq!(judged["failedPolicyRequirements"][0]["property"], "mail", "{judged}");
    admin.get("managed/user?_queryFilter=true").expect(200);
    assert_eq!(admin.get("managed/user?_queryFilter=false").refused(400), "not this one");
    admin.get("info/ping").refused(403);
    admin.get("info/login").expect(200);
    assert_eq!(admin.delete(&path).refused(403), "kept");
    let other = admin.post("managed/user?_action=create", &newcomer()).expect(201).json();
    admin.delete(&format!("managed/user/{}", other["_id"].as_str().unwrap())).expect(200);
}
