//! Scripts at events of managed objects: they run around every write and read, see what the product's scripts see, write within the same
//! unit of work, and refuse what they guard where they cannot be run (IDM scripting guide, "Script triggers").

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::support::mailbox::mailbox;
use crate::support::newcomer::Newcomer;
use crate::support::people::PASSWORD;
use crate::support::people::unused;
use crate::support::server::check;
use crate::support::stages::{email_validation, parameters, reset_stage, user_query};
use crate::support::{Person, Project, Server};

const NAMING: &str = "
var glue = require('./lib/glue').glue;
exports.full = function (object) {
    return object.givenName + glue + object.sn;
};
";

/// Counts in another object what happens to people, and mails.
const AFTER: &str = "
var counter = openidm.read('managed/tally/people');
if (object.sn === 'Unlucky') {
    openidm.patch('managed/tally/people', null, [{operation: 'replace', field: 'count', value: counter.count + 1}]);
    throw {code: 418, message: 'too late'};
}
openidm.patch('managed/tally/people', counter._rev, [{operation: 'replace', field: 'count', value: counter.count + 1}]);
if (object.description === 'mail me') {
    openidm.action('external/email', 'send', {to: object.mail, subject: 'Hello ' + object.cn, type: 'text/plain', body: 'from a script'});
}
";

const ON_CREATE: &str = "
object.description = object.description || identityServer.getProperty('no.such.name', 'none');
if (object.sn === 'Refused') {
    throw {code: 403, message: 'no such people', detail: {sn: object.sn}};
}
if (object.sn === 'Paired') {
    openidm.create('managed/tally', object.userName, {count: 1, owner: object._id});
    if (object.givenName === 'Fails') { throw 'after all'; }
}
if (object.sn === 'Endless') { for (;;) {} }
if (object.sn === 'Greedy') { var all = []; for (;;) { all.push(new Array(10000).join('x')); } }
if (object.sn === 'Deep') {
    openidm.create('managed/user', null, {userName: object.userName + 'x', givenName: 'x', sn: 'Deep', mail: object.mail});
}
logger.info('{} is created by {}', object.userName, context.security.authenticationId);
";

fn property(more: &Value) -> Value {
    let mut property = json!({ "type": "string", "viewable": true, "userEditable": true, "searchable": true });
    for (name, value) in more.as_object().into_iter().flatten() {
        property[name] = value.clone();
    }
    property
}

fn script(source: &str) -> Value {
    json!({ "type": "text/javascript", "source": source })
}

fn user(events: &Value) -> Value {
    let mut user = json!({
        "name": "user",
        "schema": { "type": "object", "required": ["userName", "givenName", "sn", "mail"], "properties": {
            "userName": property(&json!({ "policies": [{ "policyId": "unique" }] })),
            "givenName": property(&json!({})),
            "sn": property(&json!({})),
            "mail": property(&json!({})),
            "description": property(&json!({})),
            "cn": property(&json!({ "userEditable": false, "onStore": script("require('naming').full(object)") })),
            "motto": property(&json!({ "onValidate": script("if (property === 'bad') { throw {message: 'no such motto'}; }") })),
            "initials": property(&json!({ "userEditable": false, "isVirtual": true, "returnByDefault": true, "onRetrieve": script("object.givenName.charAt(0) + object.sn.charAt(0)") })),
            "password": property(&json!({ "viewable": false, "scope": "private", "encryption": { "purpose": "idm.password.encryption" } })),
        } },
    });
    for (name, event) in events.as_object().into_iter().flatten() {
        user[name] = event.clone();
    }
    user
}

fn tally() -> Value {
    json!({ "name": "tally", "schema": { "type": "object", "properties": { "count": { "type": "number" }, "owner": property(&json!({})) } } })
}

fn registration() -> [Value; 2] {
    [
        json!({
            "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": "managed/user",
            "registrationProperties": ["userName", "givenName", "sn", "mail"], "registrationPreferences": [],
        }),
        json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" }),
    ]
}

fn project(events: &Value) -> Project {
    Project::new()
        .json("conf/managed.json", &json!({ "objects": [user(events), tally()] }))
        .file("script/naming.js", NAMING)
        .file("script/lib/glue.js", "exports.glue = ' ';")
        .process("registration", &registration())
        .process("reset", &[parameters(), user_query(), email_validation(), reset_stage()])
}

fn server() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(|| {
        let events = json!({
            "onCreate": { "type": "text/javascript", "file": "onCreate.js" },
            "onUpdate": script("if (oldObject.sn === 'Fixed' && newObject.sn !== oldObject.sn) { throw {code: 409, message: resourceName + ' is fixed'}; }"),
            "onDelete": script("if (object.sn === 'Kept') { throw {code: 403, message: 'kept'}; }"),
            "postCreate": script(AFTER),
            "postDelete": script("openidm.create('managed/tally', 'gone-' + oldObject.userName, {count: 0, owner: oldObject._id});"),
        });
        let server = Server::on(project(&events).file("script/onCreate.js", ON_CREATE)).start();
        server.admin().put("managed/tally/people", &json!({ "count": 0 })).expect(201);
        server
    });
    &SERVER
}

fn person(more: &Value) -> Value {
    let name = unused("event");
    let mut object = json!({ "userName": name, "givenName": "Ann", "sn": "Other", "mail": format!("{name}@example.test") });
    for (name, value) in more.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    object
}

fn create(object: &Value) -> crate::support::Response {
    server().admin().post("managed/user?_action=create", object)
}

fn count() -> u64 {
    server().admin().get("managed/tally/people").ok()["count"].as_u64().unwrap()
}

#[test]
fn a_stored_value_is_computed_by_a_script_and_its_modules_on_every_write() {
    let created = create(&person(&json!({}))).expect(201).json();
    assert_eq!((&created["cn"], &created["description"]), (&json!("Ann Other"), &json!("none")));
    let path = format!("managed/user/{}", created["_id"].as_str().unwrap());
    let patch = json!([{ "operation": "replace", "field": "/givenName", "value": "Beth" }]);
    assert_eq!(server().admin().patch(&path, &patch).ok()["cn"], "Beth Other");
    let mut object = server().admin().get(&path).ok();
    object["sn"] = json!("Smith");
    server().admin().put(&path, &object).ok();
    let read = server().admin().get(&path).ok();
    assert_eq!((&read["cn"], &read["initials"]), (&json!("Beth Smith"), &json!("BS")), "stored, and computed when read");
    let filter = format!("cn eq \"Beth Smith\" and _id eq \"{}\"", created["_id"].as_str().unwrap());
    let found = server().admin().get(&format!("managed/user?_queryFilter={}", filter.replace(' ', "%20").replace('"', "%22"))).ok();
    assert_eq!((found["result"][0]["cn"].clone(), found["result"][0]["initials"].clone()), (json!("Beth Smith"), json!("BS")));
}

#[test]
fn registration_and_reset_run_the_same_scripts() {
    let newcomer = Newcomer::new("scripted");
    newcomer.register(&server().anonymous(), "registration");
    assert_eq!(newcomer.account(server())["cn"], "New Comer");
    let fixed = Newcomer::new("refusedperson");
    let answer = server().anonymous().submit("registration", None, &json!({ "user": fixed.user_with(&json!({ "sn": "Refused" })) }));
    assert_eq!(answer.refused(403), "no such people");
    assert!(fixed.accounts(server()).is_empty());
}

#[test]
fn an_on_script_refuses_with_its_own_code_message_and_detail() {
    let answer = create(&person(&json!({ "sn": "Refused" })));
    assert_eq!(answer.refused(403), "no such people");
    assert_eq!(answer.json()["detail"], json!({ "sn": "Refused" }));
    let created = create(&person(&json!({ "sn": "Fixed" }))).expect(201).json();
    let path = format!("managed/user/{}", created["_id"].as_str().unwrap());
    let patch = json!([{ "operation": "replace", "field": "/sn", "value": "Moved" }]);
    assert_eq!(server().admin().patch(&path, &patch).refused(409), format!("{path} is fixed"));
    assert_eq!(server().admin().get(&path).ok()["sn"], "Fixed");
    let kept = create(&person(&json!({ "sn": "Kept" }))).expect(201).json();
    let path = format!("managed/user/{}", kept["_id"].as_str().unwrap());
    assert_eq!(server().admin().delete(&path).refused(403), "kept");
    assert_eq!(create(&person(&json!({ "motto": "bad" }))).refused(403), "no such motto");
    assert_eq!(create(&person(&json!({ "motto": "good" }))).status, 201);
}

#[test]
fn what_an_on_script_writes_stands_or_falls_with_the_write() {
    let paired = person(&json!({ "sn": "Paired" }));
    let name = paired["userName"].as_str().unwrap();
    let created = create(&paired).expect(201).json();
    let other = server().admin().get(&format!("managed/tally/{name}")).ok();
    assert_eq!(other["owner"], created["_id"]);
    let failing = person(&json!({ "sn": "Paired", "givenName": "Fails" }));
    let answer = create(&failing);
    assert_eq!(answer.refused(500), "after all");
    assert_eq!(server().admin().get(&format!("managed/tally/{}", failing["userName"].as_str().unwrap())).status, 404);
    // The name is taken, so the account is not made, and neither is what the script wrote.
    let again = json!({ "userName": name, "givenName": "Ann", "sn": "Paired", "mail": "x@example.test" });
    server().admin().delete(&format!("managed/tally/{name}")).ok();
    create(&again).refused(403);
    assert_eq!(server().admin().get(&format!("managed/tally/{name}")).status, 404);
}

#[test]
fn a_post_script_counts_mails_and_fails_without_undoing_anything() {
    let mark = mailbox().mark();
    let before = count();
    let object = person(&json!({ "description": "mail me" }));
    create(&object).expect(201);
    let mail = mailbox().after(mark, object["mail"].as_str().unwrap());
    assert_eq!(mail.subject(), "Hello Ann Other");
    assert!(count() > before);
    let log = server().log_mark();
    let created = create(&person(&json!({ "sn": "Unlucky" }))).expect(201).json();
    server().logged(log, "postCreate");
    server().admin().get(&format!("managed/user/{}", created["_id"].as_str().unwrap())).ok();
    let gone = person(&json!({}));
    let created = create(&gone).expect(201).json();
    server().admin().delete(&format!("managed/user/{}", created["_id"].as_str().unwrap())).ok();
    let note = server().admin().get(&format!("managed/tally/gone-{}", gone["userName"].as_str().unwrap())).ok();
    assert_eq!(note["owner"], created["_id"]);
}

#[test]
fn time_memory_and_depth_of_a_script_are_bounded() {
    for sn in ["Endless", "Greedy", "Deep"] {
        let object = person(&json!({ "sn": sn }));
        let answer = create(&object);
        assert!([403, 500].contains(&answer.status), "{sn}: {} {}", answer.status, answer.text());
        let filter = format!("userName%20sw%20%22{}%22", object["userName"].as_str().unwrap());
        let found = server().admin().get(&format!("managed/user?_queryFilter={filter}")).ok();
        assert_eq!(found["resultCount"], 0, "{sn}: nothing of it was written");
    }
}

#[test]
fn a_script_that_cannot_be_run_is_an_error_and_refuses_its_writes_until_it_is_waived() {
    let sync = "var a = 1;\nopenidm.action('sync', 'performAction', {});";
    for (hook, event, said) in [
        ("onCreate", script(sync), "line 2: openidm.action of 'sync'"),
        ("postCreate", script(sync), "line 2: openidm.action of 'sync'"),
        ("onUpdate", json!({ "type": "groovy", "source": "println 'x'" }), "Groovy"),
        ("onDelete", json!({ "type": "text/javascript", "file": "nowhere.js" }), "no such file"),
        ("postDelete", script("java.lang.System.exit(1)"), "Java"),
        ("onStore", script("var a = ;"), "line 1"),
        ("onRead", script("openidm.read('system/ldap/account/1')"), "openidm.read of 'system/ldap/account/1'"),
        (
            "postCreate",
            script("require('provision').go(object)"),
            "'script/provision.js', of which line 2: openidm.create of 'system/ldap'",
        ),
        ("onCreate", script("require('torn')"), "'script/torn.js', of which line 1"),
        ("onUpdate", script("openidm['action']('sync', 'x')"), "openidm.action of 'sync'"),
        ("postCreate", script("var o = openidm; o.action(`sync`, 'x')"), "'openidm' is handed on"),
        ("postCreate", script("openidm.action('managed/user/' + object._id, 'resetPassword', {})"), "the action 'resetPassword'"),
        ("onCreate", json!("throw {code: 403}"), "neither a 'source' nor a 'file'"),
        ("onCreate", json!([script("throw {code: 403}")]), "neither a 'source' nor a 'file'"),
        ("postCreate", json!({ "type": "text/javascript", "sourc": "throw {code: 403}" }), "neither a 'source' nor a 'file'"),
        ("onDelete", json!({ "type": "text/javascript", "name": "mine.js" }), "neither a 'source' nor a 'file'"),
        ("onCreate", json!({ "source": "1", "resourceBindings": { "x": "managed/user" } }), "'resourceBindings' are not offered"),
    ] {
        let with_modules = |project: Project| {
            let provision = "// out\nexports.go = function (object) { openidm.create('system/ldap', null, object); };";
            project.file("script/provision.js", provision).file("script/torn.js", "var a = ;")
        };
        let broken = with_modules(project(&json!({ hook: event })));
        let (code, text) = check(&broken);
        assert!(code == Some(1) && text.contains(hook) && text.contains(said), "{hook}: {code:?} {text}");
        let server = Server::on(broken).start();
        let done = server.admin().post("managed/user?_action=create", &person(&json!({})));
        if matches!(hook, "onCreate" | "postCreate" | "onStore") {
            assert_eq!(done.refused(403), format!("'{hook}' of 'managed/user' cannot be run here"));
            let filter = server.admin().get("managed/user?_queryFilter=true").ok();
            assert_eq!(filter["resultCount"], 0);
        } else {
            let path = format!("managed/user/{}", done.expect(201).json()["_id"].as_str().unwrap());
            let refused = match hook {
                "onUpdate" => server.admin().patch(&path, &json!([{ "operation": "replace", "field": "/sn", "value": "New" }])),
                "onRead" => server.admin().get(&path),
                _ => server.admin().delete(&path),
            };
            assert_eq!(refused.refused(403), format!("'{hook}' of 'managed/user' cannot be run here"));
        }
        let waived = with_modules(project(&json!({ hook: event, "vestibule": { "waive": [hook] } })));
        let (code, text) = check(&waived);
        assert!(code == Some(0) && text.contains(&format!("waived by the project: '{hook}'")), "{hook}: {code:?} {text}");
        let server = Server::on(waived).start();
        server.admin().post("managed/user?_action=create", &person(&json!({}))).expect(201);
    }
}

/// What a script says of a query is in force or thrown, and what is changed meanwhile has its place among the rest.
#[test]
fn a_query_of_a_script_is_sorted_and_paged_and_never_cut_off_in_silence() {
    let number = "var last = openidm.query('managed/tally', {_queryFilter: 'count pr', _sortKeys: '-count', _pageSize: 1}).result[0];
        object.description = String(last.count + 1);
        if (object.sn === 'Second') { openidm.create('managed/tally', null, {count: 50}); }
        var second = openidm.query('managed/tally', {_queryFilter: 'true', _sortKeys: 'count', _pagedResultsOffset: 1, _pageSize: 1, _fields: 'count'});
        object.givenName = JSON.stringify(second.result.map(function (one) { return one.count; }));
        if (object.sn === 'Cookie') { openidm.query('managed/tally', {_queryFilter: 'true', _pagedResultsCookie: 'x'}); }
        if (object.sn === 'Expression') { openidm.query('managed/tally', {_queryFilter: 'true', _queryExpression: 'x'}); }";
    let server = Server::on(project(&json!({ "onCreate": script(number) }))).start();
    for count in [7, 9, 8, 100] {
        server.admin().put(&format!("managed/tally/t{count}"), &json!({ "count": count })).expect(201);
    }
    let create = |sn: &str| server.admin().post("managed/user?_action=create", &person(&json!({ "sn": sn })));
    let first = create("First").expect(201).json();
    assert_eq!((&first["description"], &first["givenName"]), (&json!("101"), &json!("[8]")));
    server.admin().delete("managed/tally/t7").ok();
    server.admin().delete("managed/tally/t8").ok();
    let second = create("Second").expect(201).json();
    assert_eq!(second["givenName"], "[50]", "what is not committed yet is sorted in");
    assert!(create("Cookie").refused(400).contains("cookie"));
    assert!(create("Expression").refused(500).contains("'_queryExpression' is not offered"));
}

#[test]
fn actions_of_scripts_on_managed_objects_are_those_of_rest() {
    let after = "openidm.action('managed/tally/one', 'patch', [{operation: 'increment', field: 'count', value: 1}]);
        openidm.action('managed/tally', 'patch', [{operation: 'increment', field: 'count', value: 10}], {_queryFilter: 'owner eq \"two\"'});
        openidm.action('managed/tally', 'create', {count: 1000, owner: object._id});";
    let project = project(&json!({ "onCreate": script(after) }));
    assert_eq!(check(&project).0, Some(0));
    let server = Server::on(project).start();
    for name in ["one", "two"] {
        server.admin().put(&format!("managed/tally/{name}"), &json!({ "count": 0, "owner": name })).expect(201);
    }
    server.admin().post("managed/user?_action=create", &person(&json!({}))).expect(201);
    let count = |name: &str| server.admin().get(&format!("managed/tally/{name}")).ok()["count"].clone();
    assert_eq!((count("one"), count("two")), (json!(1), json!(10)));
    assert_eq!(server.admin().get("managed/tally?_queryFilter=count+eq+1000").ok()["resultCount"], 1);
}

/// As the product looks into a project's scripts first.
#[test]
fn a_script_of_the_projects_own_runs_in_the_place_of_the_products_of_that_name() {
    let kept = "throw {code: 403, message: 'kept'}";
    let project = project(&json!({ "onDelete": { "type": "text/javascript", "file": "onDelete-user-cleanup.js" },
        "onUpdate": script("require('onUpdateUser').preserveLastSync(object, oldObject, request)") }))
    .file("script/onDelete-user-cleanup.js", kept)
    .file("script/onUpdateUser.js", "exports.preserveLastSync = function () { throw {code: 409, message: 'fixed'}; };");
    assert_eq!(check(&project).0, Some(0));
    let server = Server::on(project).start();
    let created = server.admin().post("managed/user?_action=create", &person(&json!({}))).expect(201).json();
    let path = format!("managed/user/{}", created["_id"].as_str().unwrap());
    assert_eq!(server.admin().delete(&path).refused(403), "kept");
    let patch = json!([{ "operation": "replace", "field": "/sn", "value": "New" }]);
    assert_eq!(server.admin().patch(&path, &patch).refused(409), "fixed");
}

/// A person's own password is in a script's hands when it is set, and nowhere when the object is read.
#[test]
fn a_script_sees_a_new_password_and_the_store_a_hash() {
    let source = "if (object.password === 'Sh0rt!') { throw {code: 403, message: 'known'}; } object.description = openidm.isHashed(object.password) ? 'hashed' : 'plain';";
    let server = Server::on(project(&json!({ "onCreate": script(source) }))).start();
    let refused = server.admin().post("managed/user?_action=create", &person(&json!({ "password": "Sh0rt!" })));
    assert_eq!(refused.refused(403), "known");
    let object = person(&json!({ "password": PASSWORD }));
    assert_eq!(server.admin().post("managed/user?_action=create", &object).expect(201).json()["description"], "plain");
    assert!(server.signs_in(object["userName"].as_str().unwrap(), PASSWORD));
    let someone = Person::create(&server, "plain");
    assert!(server.signs_in(&someone.name, PASSWORD));
}

/// What a script hashes counts as its client's: one request is not let more of it than any other, whoever computes it.
#[test]
fn sec_52_the_hashes_of_a_script_are_bounded_with_those_of_its_request() {
    let source = "for (var i = 0; i < Number(object.sn); i++) { openidm.matches('x', object.description); }";
    let stored = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$1YpVUWbzQ9Ulr3n0VNuLwf8TL3wGwpOLEFhVNkKw4lk";
    let server = Server::on(project(&json!({ "onCreate": script(source) }))).start();
    let create = |times: &str| {
        let object = person(&json!({ "sn": times, "description": stored }));
        server.admin().post("managed/user?_action=create", &object).status
    };
    assert_eq!((create("20"), create("33")), (201, 400));
}

/// The funnel counts what was committed: a step that was done on the way to a refusal was not.
#[test]
fn steps_are_counted_when_they_are_committed() {
    let refusing = json!({ "type": "text/javascript", "source": "if (object.sn === 'Refused') { throw {code: 403, message: 'no'}; }" });
    let schema = json!({ "type": "object", "required": ["userName"], "properties": {
        "userName": property(&json!({})), "givenName": property(&json!({})), "sn": property(&json!({})), "mail": property(&json!({})),
        "password": property(&json!({ "scope": "private" })),
    } });
    let details = json!({ "name": "idmUserDetails", "identityEmailField": "mail", "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"] });
    let project = Project::new()
        .json("conf/managed.json", &json!({ "objects": [{ "name": "user", "onCreate": refusing, "schema": schema }] }))
        .process("registration", &[details, json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" })]);
    let server = Server::on(project).start();
    let count = |outcome: &str, stage: &str| {
        let labels = ["process=\"registration\"", &format!("stage=\"{stage}\""), &format!("outcome=\"{outcome}\"")];
        server.metric("vestibule_stage_total", &labels)
    };
    let all = || [count("completed", "idmUserDetails"), count("completed", "selfRegistration"), count("failed", "selfRegistration")];
    let submit = |sn: &str| {
        let name = unused("funnel");
        let user = json!({ "userName": name, "givenName": "A", "sn": sn, "mail": format!("{name}@example.test"), "password": PASSWORD });
        server.anonymous().submit("registration", None, &json!({ "user": user })).status
    };
    let before = all();
    assert_eq!(submit("Refused"), 403);
    assert_eq!(all(), [before[0], before[1], before[2] + 1.0]);
    assert_eq!(submit("Welcome"), 200);
    assert_eq!(all(), [before[0] + 1.0, before[1] + 1.0, before[2] + 1.0]);
}
