//! The access rules of a project, `conf/access.json` or `script/access.js`: every condition that rules of the product are made of, and the
//! sandbox for any other. What cannot be decided refuses.

use serde_json::{Value, json};

use crate::support::mailbox::repository;
use crate::support::people::PASSWORD;
use crate::support::server::{check, run};
use crate::support::stages::{email_validation, reset_stage, user_query};
use crate::support::{Client, Person, Project, Server};

const PEOPLE: &str = "internal/role/openidm-authorized";

fn sample(name: &str) -> Server {
    Server::on(Project::from_directory(&repository().join("tests/projects").join(name))).start()
}

fn session(server: &Server, person: &Person) -> Client {
    server.user(&person.name, PASSWORD)
}

/// A project whose people have these rules besides what everybody needs.
fn project(rules: &[Value]) -> Project {
    let mut configs = vec![
        json!({ "pattern": "info/*", "roles": "*", "methods": "read" }),
        json!({ "pattern": "authentication", "roles": "*", "methods": "read,action", "actions": "login,logout" }),
        json!({ "pattern": "*", "roles": "internal/role/openidm-admin", "methods": "*", "actions": "*" }),
    ];
    configs.extend_from_slice(rules);
    Project::new().json("conf/access.json", &json!({ "configs": configs }))
}

fn rule(pattern: &str, methods: &str, condition: &str) -> Value {
    json!({ "pattern": pattern, "roles": PEOPLE, "methods": methods, "actions": "*", "customAuthz": condition })
}

fn set(field: &str, value: &str) -> Value {
    json!([{ "operation": "replace", "field": format!("/{field}"), "value": value }])
}

#[test]
fn shipped_rules_let_people_at_their_own_and_at_nothing_else() {
    let server = sample("shipped-01-access-rules");
    let (ann, bob) = (Person::create(&server, "ann"), Person::create(&server, "bob"));
    let client = session(&server, &ann);
    let own = |person: &Person| format!("managed/user/{}", person.id);
    assert_eq!(client.get(&own(&ann)).status, 200);
    client.get(&own(&bob)).refused(403);
    assert_eq!(client.patch(&own(&ann), &set("givenName", "Anna")).status, 200);
    client.patch(&own(&ann), &set("accountStatus", "inactive")).refused(403);
    // A protected property asks for the password, which is not given.
    client.patch(&own(&ann), &set("password", "Another1Strong")).refused(403);
    // `request.resourcePath === 'selfservice/user/' + context.security.authorization.id`
    let questions = json!([{ "operation": "replace", "field": "/kbaInfo", "value": [] }]);
    assert_ne!(client.patch(&format!("selfservice/user/{}", ann.id), &questions).status, 403);
    client.patch(&format!("selfservice/user/{}", bob.id), &questions).refused(403);
    // `request.additionalParameters.target === (… component + '/' + … id)`
    let clear = |query: &str| client.post_empty(&format!("notification?_action=deleteNotificationsForTarget{query}"));
    assert_eq!(clear(&format!("&target={}", own(&ann))).status, 200);
    clear(&format!("&target={}", own(&bob))).refused(403);
    clear("").refused(403);
    // What a workflow, a social identity or the process itself would have to decide.
    for path in ["workflow/taskinstance/1", "managed/google/1", "notification/1"] {
        client.get(path).refused(403);
    }
    let validate = server.anonymous().post("policy/managed/user/*?_action=validateObject", &json!({ "mail": "a" }));
    validate.refused(403);
    assert_eq!(client.post("policy/managed/user/*?_action=validateObject", &json!({ "mail": "a" })).status, 200);
}

#[test]
fn a_stored_query_is_allowed_by_name_and_no_other() {
    let rules = [rule("managed/user", "query", "isQueryOneOf({'managed/user': ['query-all-ids']})")];
    let server = Server::on(project(&rules)).start();
    let client = session(&server, &Person::create(&server, "query"));
    assert_eq!(client.get("managed/user?_queryId=query-all-ids").status, 200);
    client.get("managed/user?_queryId=query-all").refused(403);
    client.get("managed/user?_queryFilter=true").refused(403);
}

#[test]
fn any_other_expression_is_decided_in_the_sandbox() {
    let rules = [
        rule("managed/user/*", "read", "['desk', 'help'].indexOf(request.additionalParameters.because) >= 0"),
        rule("managed/user", "query", "openidm.read('managed/user/' + context.security.authorization.id).sn === 'Allowed'"),
        rule(
            "schema/*",
            "read",
            "context.security.authorization.roles.some(function (role) { return role === 'internal/role/openidm-authorized'; })",
        ),
        rule("*", "patch", "[ownDataOnly(), reauthIfProtectedAttributeChange()].every(Boolean)"),
        rule("consent", "query", "(function () { for (;;) {} }())"),
        rule("managed/assignment", "query", "request.additionalParameters.nothing.length > 0 || true"),
    ];
    let server = Server::on(project(&rules)).start();
    let (ann, bob) = (Person::with(&server, "ann", &json!({ "sn": "Allowed" })), Person::with(&server, "bob", &json!({ "sn": "Other" })));
    let client = session(&server, &ann);
    let path = |person: &Person| format!("managed/user/{}", person.id);
    assert_eq!(client.get(&format!("{}?because=desk", path(&bob))).status, 200);
    client.get(&format!("{}?because=fun", path(&bob))).refused(403);
    client.get(&path(&bob)).refused(403);
    assert_eq!(client.get("managed/user?_queryFilter=userName+pr&_pageSize=1").status, 200);
    session(&server, &bob).get("managed/user?_queryFilter=userName+pr&_pageSize=1").refused(403);
    assert_eq!(client.get("schema/managed/user").status, 200);
    assert_eq!(client.patch(&path(&ann), &set("givenName", "Anna")).status, 200);
    client.patch(&path(&bob), &set("givenName", "Anna")).refused(403);
    // What never ends, and what throws, refuses.
    client.get("consent?_queryFilter=true").refused(403);
    client.get("managed/assignment?_queryFilter=true").refused(403);
    server.logged(0, "a condition of the access rules failed");
    // The password is asked for in the sandbox, too.
    let change = set("password", "Another1Strong");
    client.patch(&path(&ann), &change).refused(403);
    assert_eq!(client.clone().with("X-OpenIDM-Reauth-Password", PASSWORD).patch(&path(&ann), &change).status, 200);
}

#[test]
fn a_condition_has_the_properties_of_its_project() {
    let rules = [
        rule("managed/user/*", "read", "identityServer.getProperty('maintenance') !== 'true' && request.resourcePath !== ''"),
        rule("schema/*", "read", "identityServer.getProperty('maintenance', 'none') === 'true' && Math.random() < 1"),
    ];
    let server = Server::on(project(&rules).file("resolver/boot.properties", "maintenance=true\n")).start();
    let (ann, bob) = (Person::create(&server, "ann"), Person::create(&server, "bob"));
    session(&server, &ann).get(&format!("managed/user/{}", bob.id)).refused(403);
    session(&server, &ann).get("schema/managed/user").expect(200);
}

#[test]
fn what_javascript_would_throw_at_is_no_permission_when_it_is_denied() {
    let rules = [rule("managed/user/*", "read", "!(request.additionalParameters.nothing.name === 'x')")];
    let server = Server::on(project(&rules)).start();
    let (ann, bob) = (Person::create(&server, "ann"), Person::create(&server, "bob"));
    session(&server, &ann).get(&format!("managed/user/{}", bob.id)).refused(403);
}

#[test]
fn rules_in_code_are_in_force_with_the_functions_of_their_file() {
    let server = sample("case-17-access-in-code");
    let (ann, bob) = (Person::create(&server, "ann"), Person::create(&server, "bob"));
    let client = session(&server, &ann);
    let path = |person: &Person| format!("managed/user/{}", person.id);
    assert_eq!(client.get(&path(&ann)).status, 200);
    assert_eq!(client.patch(&path(&ann), &set("givenName", "Anna")).status, 200);
    // The house lets people change three properties; the product would let them change their city.
    client.patch(&path(&ann), &set("city", "Bonn")).refused(403);
    client.get(&path(&bob)).refused(403);
    assert_eq!(client.get(&format!("{}?because=colleague", path(&bob))).status, 200);
    server.anonymous().get(&format!("{}?because=colleague", path(&bob))).refused(403);
}

#[test]
fn a_condition_nobody_knows_refuses_and_check_says_where() {
    let project = project(&[rule("managed/user/*", "read", "isSameTeam() || ownDataOnly()")]);
    let server = Server::on(project.clone()).start();
    let ann = Person::create(&server, "ann");
    session(&server, &ann).get(&format!("managed/user/{}", ann.id)).refused(403);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    project.write_to(directory.path());
    let ran = run(&["check", "--project", directory.path().to_str().unwrap()], "");
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert_eq!(ran.status.code(), Some(1), "{text}");
    assert!(text.contains("error[unknown-condition] /configs/3/customAuthz: ") && text.contains("'isSameTeam' is not known"), "{text}");
}

#[test]
fn rules_in_code_that_cannot_be_run_leave_administrators_only() {
    let server = Server::on(Project::new().file("script/access.js", "load('rules.js');\nvar httpAccessConfig = rules();\n")).start();
    server.anonymous().get("info/ping").refused(403);
    assert_eq!(server.admin().get("info/ping").status, 200);
}

/// A process that is read by nobody of the project's rules is read by administrators, whoever else it would be for.
#[test]
fn a_process_that_no_rule_of_the_project_speaks_of_is_for_administrators_alone() {
    let open = json!({ "pattern": "selfservice/reset", "roles": "*", "methods": "read,action", "actions": "submitRequirements" });
    let shut = json!({ "pattern": "selfservice/shut", "roles": "*", "methods": "read,action", "actions": "*", "excludePatterns": "selfservice/shut" });
    let stages = [user_query(), email_validation(), reset_stage()];
    let says = |audience: Value| json!({ "stageConfigs": stages, "vestibule": { "audience": audience } });
    let with = |project: Project| {
        let served = ["reset", "other", "shut"].iter().fold(project, |project, name| project.process(name, &stages));
        served.definition("said", &says(json!("anonymous"))).definition("theirs", &says(json!("admin")))
    };
    let rules = [open, shut];
    let script = format!("var httpAccessConfig = {{ configs: {} }};", json!([rules[0], rules[1]]));
    let broken = "var httpAccessConfig = {";
    for (what, project, may) in [
        ("a file", with(project(&rules)), ["reset", "said"].as_slice()),
        ("a script", with(Project::new().file("script/access.js", script)), &["reset", "said"]),
        ("a script that cannot be run", with(Project::new().file("script/access.js", broken)), &["said"]),
        ("the product's own rules", with(Project::new()), &["reset", "said", "other", "shut"]),
    ] {
        let checked = check(&project).1;
        let server = Server::on(project).start();
        for name in ["reset", "other", "shut", "said", "theirs"] {
            let wanted = if may.contains(&name) { 200 } else { 403 };
            let path = format!("selfservice/{name}");
            assert_eq!(server.anonymous().get(&path).status, wanted, "{what}: GET {name}");
            let query = json!({ "queryFilter": "userName eq \"nobody\"" });
            assert_eq!(server.anonymous().submit(name, None, &query).status, wanted, "{what}: POST {name}");
            let page = server.nobody().get(&format!("/selfservice/{name}")).status;
            assert_eq!(page == 200, wanted == 200, "{what}: page {name}, {page}");
            let said = checked.contains(&format!("no access rule of the project speaks of 'selfservice/{name}'"));
            // What cannot be run is said at the script, with what it means.
            let closed = wanted == 403 && name != "theirs" && what != "a script that cannot be run";
            assert_eq!(said, closed, "{what}: {name}: {checked}");
        }
        if what == "a file" {
            assert_eq!(server.admin().get("selfservice/other").status, 200);
        }
    }
}
