//! Who a request acts for: `X-OpenIDM-RunAs`, modules that are switched off, scripts that have a say in a sign-in, and how long a session
//! and its cookie live and reach.

use serde_json::{Value, json};

use crate::support::client::{Client, cookie};
use crate::support::people::PASSWORD;
use crate::support::{Person, Project, Server};

const AUTHORIZED: &str = "internal/role/openidm-authorized";
const GATEWAY: &str = "gateway";
const SECRET: &str = "Gateway-secret-1";

fn static_user(name: &str, password: &str, roles: &[&str]) -> Value {
    json!({ "name": "STATIC_USER", "enabled": true, "properties": {
        "queryOnResource": "internal/user", "username": name, "password": password, "defaultUserRoles": roles } })
}

fn run_as(more: &Value) -> Value {
    let mut run_as = json!({
        "adminRoles": ["internal/role/gateway"], "disallowedRunAsRoles": ["internal/role/openidm-admin"],
        "defaultUserRoles": [AUTHORIZED], "queryId": "credential-query", "queryOnResource": "managed/user",
        "propertyMapping": { "authenticationId": "username", "userRoles": "authzRoles" },
        "augmentSecurityContext": { "type": "text/javascript", "source": "require('auth/customAuthz').setProtectedAttributes(security)" },
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        run_as[key] = value.clone();
    }
    run_as
}

fn managed(enabled: bool) -> Value {
    json!({ "name": "MANAGED_USER", "enabled": enabled, "properties": { "queryId": "credential-query", "queryOnResource": "managed/user",
        "propertyMapping": { "authenticationId": "username", "userCredential": "password", "userRoles": "authzRoles" },
        "defaultUserRoles": [AUTHORIZED] } })
}

fn authentication(project: Project, modules: &[Value], session: &Value) -> Project {
    let context = json!({ "sessionModule": { "name": "JWT_SESSION", "properties": session }, "authModules": modules });
    project.json("conf/authentication.json", &json!({ "serverAuthContext": context }))
}

fn behind_a_gateway(project: Project, more: &Value) -> Project {
    let mut gateway = static_user(GATEWAY, SECRET, &["internal/role/gateway", AUTHORIZED]);
    gateway["properties"]["runAsProperties"] = run_as(more);
    let modules = [
        static_user("anonymous", "anonymous", &["internal/role/openidm-reg"]),
        gateway,
        static_user("monitor", "Monitor-1", &[]),
        managed(true),
    ];
    authentication(project, &modules, &json!({}))
}

/// The gateway's request for somebody, without a session of its own.
fn acting_for(server: &Server, name: &str) -> Client {
    server.user(GATEWAY, SECRET).with("X-OpenIDM-NoSession", "true").with("X-OpenIDM-RunAs", name)
}

fn owing() -> Project {
    let form = json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": "city", "isRequired": true }],
        "uiConfig": { "displayName": "D", "purpose": "P", "buttonText": "B" } });
    let stage = json!({ "name": "conditionaluser", "identityServiceUrl": "managed/user", "evaluateConditionOnField": "user",
        "condition": { "type": "queryFilter", "filter": "!(/city pr)" }, "onConditionTrue": form });
    Project::new()
        .json("conf/auth.profile.json", &json!({ "profileEnhancementProcesses": ["selfservice/profile"], "authorizationRole": AUTHORIZED }))
        .process("profile", &[stage])
}

#[test]
fn a_request_made_as_somebody_is_theirs_alone() {
    let server = Server::on(behind_a_gateway(Project::new(), &json!({}))).start();
    let (person, other) = (Person::create(&server, "masked"), Person::create(&server, "elsewhere"));
    let client = acting_for(&server, &person.name);
    for body in [client.get("info/login").ok(), client.post_empty("authentication?_action=login").ok()] {
        assert_eq!((&body["authenticationId"], &body["authorization"]["id"]), (&json!(person.name), &json!(person.id)));
        assert_eq!((&body["authorization"]["component"], &body["authorization"]["roles"]), (&json!("managed/user"), &json!([AUTHORIZED])));
        assert_eq!(body["authorization"]["protectedAttributeList"], json!(["password"]));
    }
    let own = format!("managed/user/{}", person.id);
    client.get(&own).expect(200);
    client.patch(&own, &json!([{ "operation": "replace", "field": "/city", "value": "Ulm" }])).expect(200);
    client.get(&format!("managed/user/{}", other.id)).refused(403);
    client.get("managed/user?_queryFilter=true").refused(403);
    client.get("config/authentication").refused(403);
    let changed = json!([{ "operation": "replace", "field": "/password", "value": "Ch4nged-all" }]);
    client.patch(&own, &changed).refused(403);
    client.clone().with("X-OpenIDM-Reauth-Password", SECRET).patch(&own, &changed).refused(403);
    client.with("X-OpenIDM-Reauth-Password", PASSWORD).patch(&own, &changed).expect(200);
    assert_eq!(server.user(GATEWAY, SECRET).get("info/login").ok()["authenticationId"], GATEWAY, "without the header it is itself");
}

#[test]
fn whoever_may_not_act_for_somebody_is_refused_and_never_answered_as_themselves() {
    let server = Server::on(behind_a_gateway(Project::new(), &json!({}))).start();
    let person = Person::create(&server, "target");
    let boss = Person::with(&server, "boss", &json!({ "authzRoles": [{ "_ref": "internal/role/openidm-admin" }] }));
    let closed = Person::with(&server, "closed", &json!({ "accountStatus": "inactive" }));
    for name in ["nobody-at-all", boss.name.as_str(), closed.name.as_str(), "openidm-admin", "anonymous", GATEWAY, "monitor", ""] {
        acting_for(&server, name).get("info/login").refused(403);
    }
    let asks = |client: Client| client.with("X-OpenIDM-RunAs", &person.name);
    for client in [
        asks(server.admin()),
        asks(server.anonymous()),
        asks(server.user("monitor", "Monitor-1")),
        asks(server.user(&person.name, PASSWORD)),
        asks(server.nobody().session(&person.name, PASSWORD)).with("X-Requested-With", "x"),
        acting_for(&server, &person.name).with("X-OpenIDM-RunAs", &boss.name),
    ] {
        client.get("info/login").refused(403);
        client.get(&format!("managed/user/{}", person.id)).refused(403);
        client.delete(&format!("managed/user/{}", boss.id)).refused(403);
    }
    asks(server.nobody()).get("info/login").refused(401);
    asks(server.user(GATEWAY, "wrong")).get("info/login").refused(401);
}

#[test]
fn a_session_begun_for_somebody_is_theirs_and_ends_with_the_right_to_act() {
    let server = Server::on(behind_a_gateway(owing(), &json!({}))).start();
    let person = Person::create(&server, "session");
    let gateway = server.nobody().with("X-OpenIDM-Username", GATEWAY).with("X-OpenIDM-Password", SECRET);
    let began = gateway.with("X-OpenIDM-RunAs", &person.name).post_empty("authentication?_action=login").expect(200);
    assert_eq!(began.json()["authorization"]["requiredProfileProcesses"], json!(["selfservice/profile"]));
    let cookie = cookie(&began).unwrap();
    let client = server.nobody().with("Cookie", &cookie).with("X-Requested-With", "x");
    let own = format!("managed/user/{}", person.id);
    client.get(&own).refused(403);
    client.submit("profile", None, &json!({ "attributes": { "city": "Ulm" } })).expect(200);
    assert_eq!(client.get(&own).ok()["city"], "Ulm");
    // A gateway that keeps cookies sends the one of somebody else along.
    let other = Person::create(&server, "another");
    let mixed = acting_for(&server, &other.name).with("Cookie", &cookie);
    assert_eq!(mixed.get("info/login").ok()["authorization"]["id"], json!(other.id));
    assert_eq!(acting_for(&server, &person.name).with("Cookie", &cookie).get("info/login").ok()["authorization"]["id"], json!(person.id));
    // The gateway's own session is one more way to ask.
    let gateway = server.nobody().session(GATEWAY, SECRET);
    assert_eq!(gateway.clone().with("X-OpenIDM-RunAs", &person.name).get("info/login").ok()["authorization"]["id"], json!(person.id));
    assert_eq!(gateway.get("info/login").ok()["authenticationId"], GATEWAY);
    let mark = server.log_mark();
    let without = authentication(Project::new(), &[static_user(GATEWAY, SECRET, &["internal/role/gateway"]), managed(true)], &json!({}));
    server.write("conf/authentication.json", &without.text("conf/authentication.json"));
    server.logged(mark, "the project was read again");
    client.get("info/login").refused(401);
    acting_for(&server, &person.name).get("info/login").refused(403);
}

/// A session that `actor` begins for `person`, and keeps.
fn session_for(server: &Server, actor: &Person, person: &Person) -> Client {
    let sender = server.nobody().with("X-OpenIDM-Username", &actor.name).with("X-OpenIDM-Password", PASSWORD);
    let began = sender.with("X-OpenIDM-RunAs", &person.name).post_empty("authentication?_action=login").expect(200);
    let client = server.nobody().with("Cookie", &cookie(&began).unwrap());
    assert_eq!(client.get("info/login").ok()["authorization"]["id"], json!(person.id));
    client
}

#[test]
fn a_session_begun_for_somebody_ends_with_the_rights_of_whoever_began_it() {
    let script = "if (resource.city === 'Ulm') { security.authorization.roles.push('internal/role/gateway'); }";
    let mut module = managed(true);
    module["properties"]["runAsProperties"] = run_as(&json!({}));
    module["properties"]["augmentSecurityContext"] = json!({ "type": "text/javascript", "source": script });
    let server = Server::on(authentication(Project::new(), &[module], &json!({}))).start();
    let person = Person::create(&server, "served");
    let role = json!({ "authzRoles": [{ "_ref": "internal/role/gateway" }] });
    let replace = |field: &str, value: Value| json!([{ "operation": "replace", "field": field, "value": value }]);
    let give_back = |actor: &Person, field: &str, value: &Value| {
        server.admin().patch(&format!("managed/user/{}", actor.id), &replace(field, value.clone())).expect(200);
    };
    let ways: [(&str, Value, &str, Value, Value); 3] = [
        ("stripped", role.clone(), "/authzRoles", json!([]), role["authzRoles"].clone()),
        ("closed", role.clone(), "/accountStatus", json!("inactive"), json!("active")),
        ("moved", json!({ "city": "Ulm" }), "/city", json!("Bonn"), json!("Ulm")),
    ];
    for (name, more, field, lost, had) in ways {
        let actor = Person::with(&server, name, &more);
        let client = session_for(&server, &actor, &person);
        server.admin().patch(&format!("managed/user/{}", actor.id), &replace(field, lost)).expect(200);
        client.get("info/login").refused(401);
        give_back(&actor, field, &had);
        client.get("info/login").refused(401);
        session_for(&server, &actor, &person);
    }
    let gone = Person::with(&server, "removed", &role);
    let client = session_for(&server, &gone, &person);
    server.admin().delete(&format!("managed/user/{}", gone.id)).expect(200);
    client.get("info/login").refused(401);
    // The person's own session is theirs, whoever acted for them.
    server.nobody().session(&person.name, PASSWORD).get("info/login").expect(200);
}

#[test]
fn a_session_begun_by_a_configured_account_ends_when_its_role_is_taken_away() {
    let server = Server::on(behind_a_gateway(Project::new(), &json!({}))).start();
    let person = Person::create(&server, "behind");
    let gateway = server.nobody().with("X-OpenIDM-Username", GATEWAY).with("X-OpenIDM-Password", SECRET);
    let began = gateway.with("X-OpenIDM-RunAs", &person.name).post_empty("authentication?_action=login").expect(200);
    let client = server.nobody().with("Cookie", &cookie(&began).unwrap());
    client.get("info/login").expect(200);
    let mut weaker = static_user(GATEWAY, SECRET, &[AUTHORIZED]);
    weaker["properties"]["runAsProperties"] = run_as(&json!({}));
    let mark = server.log_mark();
    let project = authentication(Project::new(), &[weaker, managed(true)], &json!({}));
    server.write("conf/authentication.json", &project.text("conf/authentication.json"));
    server.logged(mark, "the project was read again");
    client.get("info/login").refused(401);
}

#[test]
fn people_are_found_where_the_file_says() {
    let schema = json!({ "objects": [
        { "name": "user", "schema": { "type": "object", "properties": { "userName": { "type": "string" }, "password": { "type": "string" } }, "required": [] } },
        { "name": "customer", "schema": { "type": "object", "order": ["number"], "required": [], "properties": {
            "number": { "type": "string", "viewable": true }, "grants": { "type": "array", "items": { "type": "string" } } } } },
    ] });
    let more = json!({ "queryOnResource": "managed/customer", "propertyMapping": { "authenticationId": "number", "userRoles": "grants" },
        "defaultUserRoles": [AUTHORIZED], "disallowedRunAsRoles": ["openidm-admin"] });
    let server = Server::on(behind_a_gateway(Project::new().json("conf/managed.json", &schema), &more)).start();
    let create = |object: Value| server.admin().post("managed/customer?_action=create", &object).expect(201).json()["_id"].clone();
    let id = create(json!({ "number": "4711", "grants": ["internal/role/reader"] }));
    create(json!({ "number": "1", "grants": ["internal/role/openidm-admin"] }));
    let body = acting_for(&server, "4711").get("info/login").ok();
    assert_eq!((&body["authorization"]["component"], &body["authorization"]["id"]), (&json!("managed/customer"), &id));
    assert_eq!(body["authorization"]["roles"], json!([AUTHORIZED, "internal/role/reader"]));
    acting_for(&server, "1").get("info/login").refused(403);
}

#[test]
fn nobody_signs_in_with_a_local_password_where_managed_user_is_switched_off() {
    let modules = [static_user("anonymous", "anonymous", &["internal/role/openidm-reg"]), managed(false)];
    let project = authentication(Project::new(), &modules, &json!({}));
    let mut server = Server::on(project).start();
    let person = Person::create(&server, "local");
    assert!(!server.signs_in(&person.name, PASSWORD));
    assert!(server.log().contains("MANAGED_USER is switched off"), "{}", server.log());
    server.write("vestibule.toml", "[limits]\nenabled = false\n[signin]\nmanaged = true\n");
    server.kill();
    server.start();
    assert!(server.signs_in(&person.name, PASSWORD), "vestibule.toml says so expressly");
    let client = server.nobody().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", PASSWORD);
    let session = cookie(&client.post_empty("authentication?_action=login").expect(200)).unwrap();
    server.nobody().with("Cookie", &session).get("info/login").expect(200);
    server.write("vestibule.toml", "[limits]\nenabled = false\n");
    server.kill();
    server.start();
    server.nobody().with("Cookie", &session).get("info/login").refused(401);
}

#[test]
fn a_script_has_its_say_in_every_sign_in() {
    let script = "if (security.authenticationId.indexOf('barred') === 0) { throw {code: 401, message: 'no'}; }\n\
        security.authorization.site = resource.city || wanted;\n\
        if (resource.city === 'Ulm') { security.authorization.roles = []; }";
    let mut module = managed(true);
    module["properties"]["augmentSecurityContext"] =
        json!({ "type": "text/javascript", "source": script, "globals": { "wanted": "nowhere" } });
    let rules = json!({ "configs": [
        { "pattern": "*", "roles": "internal/role/openidm-admin", "methods": "*", "actions": "*" },
        { "pattern": "authentication", "roles": "*", "methods": "read,action", "actions": "login,logout" },
        { "pattern": "info/*", "roles": "*", "methods": "read", "actions": "" },
        { "pattern": "managed/user/*", "roles": AUTHORIZED, "methods": "read", "actions": "", "customAuthz": "ownDataOnly() && context.security.authorization.site === 'Bonn'" },
    ] });
    let server = Server::on(authentication(Project::new().json("conf/access.json", &rules), &[module], &json!({}))).start();
    let barred = Person::create(&server, "barred");
    assert!(!server.signs_in(&barred.name, PASSWORD));
    let login = |person: &Person| server.nobody().session(&person.name, PASSWORD).get("info/login").ok()["authorization"].clone();
    let (ulm, bonn) = (Person::with(&server, "u", &json!({ "city": "Ulm" })), Person::with(&server, "b", &json!({ "city": "Bonn" })));
    assert_eq!((&login(&ulm)["roles"], &login(&ulm)["site"]), (&json!([]), &json!("Ulm")));
    assert_eq!((&login(&bonn)["roles"], &login(&bonn)["site"]), (&json!([AUTHORIZED]), &json!("Bonn")));
    assert_eq!(login(&Person::create(&server, "n"))["site"], "nowhere");
    server.nobody().session(&bonn.name, PASSWORD).get(&format!("managed/user/{}", bonn.id)).expect(200);
    server.nobody().session(&ulm.name, PASSWORD).get(&format!("managed/user/{}", ulm.id)).refused(403);
}

/// The texts that the product's own files have, 5.0 to 7.5, and one that does something besides.
#[test]
fn everybody_signs_in_with_the_scripts_that_the_product_ships() {
    let both = "var augmentYield = require('auth/customAuthz').setProtectedAttributes(security);require('auth/orgPrivileges').\
        assignPrivilegesToUser(resource, security, properties, subjectMapping, privileges, 'privileges', 'privilegeAssignments', augmentYield);";
    let more = format!("{both}security.authorization.site = 'Bonn';");
    for (script, site) in [(both, Value::Null), (more.as_str(), json!("Bonn"))] {
        let mut module = managed(true);
        module["properties"]["augmentSecurityContext"] = json!({ "type": "text/javascript", "source": script });
        let server = Server::on(authentication(Project::new(), &[module], &json!({}))).start();
        let person = Person::create(&server, "shipped");
        let login = server.nobody().session(&person.name, PASSWORD).get("info/login").ok();
        assert_eq!((&login["authorization"]["id"], &login["authorization"]["site"]), (&json!(person.id), &site), "{script}");
    }
}

#[test]
fn a_script_at_a_sign_in_has_the_modules_and_properties_of_its_project() {
    let script = "require('auth/customAuthz').setProtectedAttributes(security);\n\
        if (require('sites').closed(identityServer.getProperty('closed.site'), resource.city)) { throw {code: 401}; }";
    let mut module = managed(true);
    module["properties"]["augmentSecurityContext"] = json!({ "type": "text/javascript", "source": script });
    let project = authentication(Project::new(), &[module], &json!({}))
        .file("script/sites.js", "exports.closed = function (site, city) { return site === city; };")
        .file("resolver/boot.properties", "closed.site=Ulm\n");
    let server = Server::on(project).start();
    let (ulm, bonn) = (Person::with(&server, "u", &json!({ "city": "Ulm" })), Person::with(&server, "b", &json!({ "city": "Bonn" })));
    assert!(!server.signs_in(&ulm.name, PASSWORD) && server.signs_in(&bonn.name, PASSWORD));
}

#[test]
fn a_script_of_the_projects_own_below_auth_has_its_say() {
    for name in ["auth/deny.js", "auth/customAuthz.js"] {
        let mut module = managed(true);
        module["properties"]["augmentSecurityContext"] = json!({ "type": "text/javascript", "file": name });
        let project = authentication(Project::new(), &[module], &json!({}));
        let server = Server::on(project.file(&format!("script/{name}"), "throw {code: 401}")).start();
        let person = Person::create(&server, "denied");
        assert!(!server.signs_in(&person.name, PASSWORD), "{name}");
    }
}

#[test]
fn a_script_that_cannot_be_run_lets_nobody_in_and_says_so() {
    for script in [
        json!({ "type": "groovy", "file": "script/augment.groovy" }),
        json!({ "type": "text/javascript", "source": "openidm.action('external/email', 'send', {})" }),
        json!({ "type": "text/javascript", "source": "require('nowhere')" }),
    ] {
        let mut module = managed(true);
        module["properties"]["augmentSecurityContext"] = script.clone();
        let project = authentication(Project::new(), &[module], &json!({})).file("script/augment.groovy", "security");
        let server = Server::on(project).start();
        let person = Person::create(&server, "groovy");
        assert!(!server.signs_in(&person.name, PASSWORD), "{script}");
        assert!(server.log().contains("security-script"), "{}", server.log());
    }
}

#[test]
fn nobody_is_found_by_a_query_that_is_not_run() {
    let own = |waived: bool| {
        let vestibule = if waived { json!({ "waive": ["queryId"] }) } else { json!({}) };
        let mut module = managed(true);
        module["properties"]["queryId"] = json!("staff-only");
        module["properties"]["vestibule"] = vestibule.clone();
        let mut gateway = static_user(GATEWAY, SECRET, &["internal/role/gateway"]);
        gateway["properties"]["runAsProperties"] = run_as(&json!({ "queryId": "staff-only", "vestibule": vestibule }));
        authentication(Project::new(), &[gateway, module], &json!({}))
    };
    let server = Server::on(own(false)).start();
    assert!(server.log().contains("the query 'staff-only' is the project's own"), "{}", server.log());
    let person = Person::create(&server, "sought");
    assert!(!server.signs_in(&person.name, PASSWORD));
    acting_for(&server, &person.name).get("info/login").refused(403);
    let mark = server.log_mark();
    server.write("conf/authentication.json", &own(true).text("conf/authentication.json"));
    server.logged(mark, "the project was read again");
    assert!(server.signs_in(&person.name, PASSWORD));
    assert_eq!(acting_for(&server, &person.name).get("info/login").ok()["authorization"]["id"], json!(person.id));
}

#[test]
fn dynamic_roles_are_looked_up_at_each_request_and_a_script_has_its_say_in_them() {
    let script = "if (resource.city === 'Barred') { throw {code: 401}; } security.authorization.site = resource.city;";
    let mut module = managed(true);
    module["properties"]["augmentSecurityContext"] = json!({ "type": "text/javascript", "source": script });
    let server = Server::on(authentication(Project::new(), &[module], &json!({ "enableDynamicRoles": true }))).start();
    let roles = json!([{ "_ref": "internal/role/openidm-admin" }]);
    let person = Person::with(&server, "dynamic", &json!({ "city": "Ulm", "authzRoles": roles }));
    let session = server.nobody().session(&person.name, PASSWORD);
    session.get("managed/user?_queryFilter=true").expect(200);
    let path = format!("managed/user/{}", person.id);
    let set = |field: &str, value: Value| json!([{ "operation": "replace", "field": field, "value": value }]);
    server.admin().patch(&path, &set("/authzRoles", json!([]))).expect(200);
    session.get("managed/user?_queryFilter=true").refused(403);
    server.admin().patch(&path, &set("/city", json!("Bonn"))).expect(200);
    assert_eq!(session.get("info/login").ok()["authorization"]["site"], "Bonn");
    server.admin().patch(&path, &set("/city", json!("Barred"))).expect(200);
    session.get("info/login").refused(401);
    server.admin().patch(&path, &set("/city", json!("Bonn"))).expect(200);
    session.get("info/login").refused(401);
}

/// A script that had no time has refused nobody.
#[test]
fn a_session_outlives_a_script_that_could_not_be_run_in_time() {
    let mut module = managed(true);
    module["properties"]["augmentSecurityContext"] =
        json!({ "type": "text/javascript", "source": "while (resource.city === 'Slow') {} security.authorization.site = resource.city;" });
    let server = Server::on(authentication(Project::new(), &[module], &json!({ "enableDynamicRoles": true }))).start();
    let person = Person::with(&server, "slow", &json!({ "city": "Ulm" }));
    let session = server.nobody().session(&person.name, PASSWORD);
    let lives_in = |city: &str| {
        let patch = json!([{ "operation": "replace", "field": "/city", "value": city }]);
        server.admin().patch(&format!("managed/user/{}", person.id), &patch).expect(200);
    };
    lives_in("Slow");
    let busy = session.get("info/login");
    busy.refused(503);
    assert!(busy.header("retry-after").is_some());
    server.user(&person.name, PASSWORD).get("info/login").refused(503);
    lives_in("Ulm");
    assert_eq!(session.get("info/login").ok()["authorization"]["site"], "Ulm");
}

#[test]
fn activity_keeps_a_session_open_however_short_its_rest_is() {
    let session = json!({ "tokenIdleTimeSeconds": 5, "maxTokenLifeSeconds": "20", "cookieDomains": [".example.test"] });
    let server = Server::on(authentication(Project::new(), &[managed(true)], &session)).clock_stands().start();
    let person = Person::create(&server, "rests");
    let client = server.nobody().session(&person.name, PASSWORD);
    for seconds in [0, 4, 4, 4, 4] {
        server.advance(seconds);
        client.get("info/login").expect(200);
    }
    server.advance(5);
    client.get("info/login").refused(401);
    // The last second counts whole, whenever in the one before it the last request came.
    let last = server.nobody().session(&person.name, PASSWORD);
    server.advance(5);
    last.get("info/login").expect(200);
    let idle = server.nobody().session(&person.name, PASSWORD);
    server.advance(6);
    idle.get("info/login").refused(401);
    let at = |host: &str| {
        let client = server.nobody().with("Host", host).with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", PASSWORD);
        client.post_empty("authentication?_action=login").expect(200).header("set-cookie").unwrap().to_owned()
    };
    assert!(at("id.example.test").contains("; Domain=example.test"), "{}", at("id.example.test"));
    assert!(!at("id.example.org").contains("Domain="), "a browser would refuse it");
}
