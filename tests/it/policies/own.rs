//! Policies that a project adds by script: `additionalFiles`, `conditionalPolicies` and `fallbackPolicies` (IDM objects guide, "Add
//! custom scripted policies"). They are asked at every door, and one that cannot be asked refuses.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{failed, managed, project, refused, user_name};
use crate::support::people::unused;
use crate::support::server::{check, run};
use crate::support::{Project, Server};

const HARBOUR: &str = "
addPolicy({
    'policyId': 'no-harbour',
    'policyExec': 'noHarbour',
    'clientValidation': true,
    'validateOnlyIfPresent': true,
    'policyRequirements': ['NO_HARBOUR']
});

policyImpl.noHarbour = function (fullObject, value, params, propName) {
    var failures = [];
    if (typeof value === 'string' && value.indexOf(params.word) >= 0) {
        failures.push({'policyRequirement': 'NO_HARBOUR', 'params': {'word': params.word, 'of': propName, 'for': fullObject.userName}});
    }
    return failures;
};

addPolicy({'policyId': 'has-city', 'policyExec': 'hasCity', 'policyRequirements': ['CITY']});

function hasCity(fullObject, value, params, property) {
    return value === undefined ? [{'policyRequirement': 'CITY'}] : [];
}

addPolicy({'policyId': 'first-free', 'policyExec': 'firstFree', 'validateOnlyIfPresent': true, 'policyRequirements': ['FREE']});

function firstFree(fullObject, value) {
    var found = openidm.query('managed/user', {'_queryFilter': 'nick eq \"' + value + '\"'}, ['_id']);
    return found.result.length > 0 ? [{'policyRequirement': 'FREE'}] : [];
}

addPolicy({'policyId': 'calls-java', 'policyExec': 'callsJava', 'validateOnlyIfPresent': true, 'policyRequirements': ['JAVA']});
function callsJava(fullObject, value) { return unknownThing(value); }

addPolicy({'policyId': 'endless', 'policyExec': 'endless', 'validateOnlyIfPresent': true, 'policyRequirements': ['ENDLESS']});
function endless() { for (;;) {} }
";

fn text(policies: &Value) -> Value {
    json!({ "type": "string", "viewable": true, "userEditable": true, "searchable": true, "policies": policies })
}

fn harbour() -> Project {
    let properties = json!({
        "town": text(&json!([{ "policyId": "no-harbour", "params": { "word": "port" } }])),
        "nick": text(&json!([{ "policyId": "first-free" }])),
        "java": text(&json!([{ "policyId": "calls-java" }])),
        "endless": text(&json!([{ "policyId": "endless" }])),
        "org": text(&json!([])),
        "phone": {
            "type": "string", "viewable": true, "userEditable": true,
            "conditionalPolicies": [{
                "condition": { "type": "text/javascript", "source": "(fullObject.org === 'sales')" },
                "dependencies": ["org"],
                "policies": [{ "policyId": "minimum-length", "params": { "minLength": 6 } }],
            }],
            "fallbackPolicies": [{ "policyId": "maximum-length", "params": { "maxLength": 4 } }],
        },
    });
    project(&managed(&user_name(&json!([])), &properties)).file("script/policies/harbour.js", HARBOUR).json(
        "conf/policy.json",
        &json!({ "type": "text/javascript", "file": "policy.js", "additionalFiles": ["script/policies/harbour.js"], "resources": [] }),
    )
}

fn server() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::on(harbour()).start());
    &SERVER
}

fn person(more: &Value) -> Value {
    let mut object = json!({ "userName": unused("own") });
    for (name, value) in more.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    object
}

#[test]
fn a_policy_of_a_project_is_asked_with_the_whole_object_the_value_its_parameters_and_the_property() {
    let object = person(&json!({ "town": "Newport" }));
    let answer = server().admin().post("managed/user?_action=create", &object);
    assert_eq!(refused(&answer), ["town NO_HARBOUR"]);
    let told = &answer.json()["detail"]["failedPolicyRequirements"][0]["policyRequirements"][0]["params"];
    assert_eq!(told, &json!({ "word": "port", "of": "town", "for": object["userName"] }));
    let created = server().admin().post("managed/user?_action=create", &person(&json!({ "town": "Bonn" }))).expect(201).json();
    let path = format!("managed/user/{}", created["_id"].as_str().unwrap());
    let patch = json!([{ "operation": "replace", "field": "/town", "value": "Southport" }]);
    assert_eq!(refused(&server().admin().patch(&path, &patch)), ["town NO_HARBOUR"]);
    let asked = server().admin().post("policy/managed/user/*?_action=validateProperty", &json!({ "town": "Port" }));
    assert_eq!(failed(&asked.ok()), Vec::<String>::new(), "the case of letters is the script's own affair");
    let asked = server().admin().post("policy/managed/user/*?_action=validateObject", &json!({ "town": "port" }));
    assert_eq!(failed(&asked.ok()), ["town NO_HARBOUR"]);
    let described = server().admin().get("policy/managed/user/*").ok();
    let town = described["properties"].as_array().unwrap().iter().find(|property| property["name"] == "town").cloned().unwrap();
    assert_eq!(town["policyRequirements"], json!(["VALID_TYPE", "NO_HARBOUR"]));
}

#[test]
fn a_policy_of_a_project_reads_the_store() {
    let nick = unused("nick");
    server().admin().post("managed/user?_action=create", &person(&json!({ "nick": nick }))).expect(201);
    let answer = server().admin().post("managed/user?_action=create", &person(&json!({ "nick": nick })));
    assert_eq!(refused(&answer), ["nick FREE"]);
}

#[test]
fn a_policy_that_fails_or_never_ends_refuses_the_write_and_says_so_in_the_log() {
    for (property, policy) in [("java", "calls-java"), ("endless", "endless")] {
        let mark = server().log_mark();
        let answer = server().admin().post("managed/user?_action=create", &person(&json!({ property: "x" })));
        assert_eq!(answer.refused(403), format!("The policy '{policy}' of '{property}' cannot be evaluated"));
        server().logged(mark, "a policy cannot be evaluated");
    }
}

#[test]
fn conditions_decide_by_script_which_policies_hold() {
    let create = |more: &Value| server().admin().post("managed/user?_action=create", &person(more));
    assert_eq!(refused(&create(&json!({ "org": "sales", "phone": "12345" }))), ["phone MIN_LENGTH"]);
    assert_eq!(create(&json!({ "org": "sales", "phone": "1234567" })).status, 201);
    assert_eq!(refused(&create(&json!({ "org": "other", "phone": "12345" }))), ["phone MAX_LENGTH"]);
    assert_eq!(create(&json!({ "phone": "123" })).status, 201);
}

#[test]
fn a_policy_may_ask_for_a_property_that_is_not_there() {
    let city = json!({ "city": text(&json!([{ "policyId": "has-city" }])) });
    let project = project(&managed(&user_name(&json!([])), &city)).file("script/policies/harbour.js", HARBOUR).json(
        "conf/policy.json",
        &json!({ "type": "text/javascript", "file": "policy.js", "additionalFiles": ["script/policies/harbour.js"], "resources": [] }),
    );
    let server = Server::on(project).start();
    assert_eq!(refused(&server.admin().post("managed/user?_action=create", &person(&json!({})))), ["city CITY"]);
    assert_eq!(server.admin().post("managed/user?_action=create", &person(&json!({ "city": "Bonn" }))).status, 201);
}

#[test]
fn check_lists_for_each_property_what_will_be_asked() {
    let directory = tempfile::tempdir().unwrap();
    harbour().write_to(directory.path());
    let done = run(&["check", "--policies", "--project", directory.path().to_str().unwrap()], "");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    for line in [
        "managed/user/town: valid-type, no-harbour",
        "managed/user/phone: valid-type, minimum-length, maximum-length",
        "managed/user/mail: valid-type, valid-email-address-format",
    ] {
        assert!(said.lines().any(|said| said == line), "{line}: {said}");
    }
}

#[test]
fn a_groovy_policy_is_an_error_and_refuses_its_property_until_the_project_waives_it() {
    let groovy = |waive: Value| {
        let entry = json!({ "policyId": "no-harbour", "params": { "word": "port" }, "vestibule": waive });
        project(&managed(&user_name(&json!([])), &json!({ "town": text(&json!([entry])) })))
            .file("script/policies/harbour.groovy", "def x = 1; println \"${x}\"\nclass A {}\n")
            .json("conf/policy.json", &json!({ "type": "text/javascript", "file": "policy.js", "additionalFiles": ["script/policies/harbour.groovy"], "resources": [] }))
    };
    let (code, said) = check(&groovy(Value::Null));
    assert!(code == Some(1) && said.contains("script/policies/harbour.groovy") && said.contains("'no-harbour'"), "{said}");
    let server = Server::on(groovy(Value::Null)).start();
    let answer = server.admin().post("managed/user?_action=create", &person(&json!({ "town": "Bonn" })));
    assert_eq!(answer.refused(403), "The policy 'no-harbour' of 'town' cannot be evaluated");
    // The file may ask for a town.
    let answer = server.admin().post("managed/user?_action=create", &person(&json!({})));
    assert_eq!(answer.refused(403), "The policy 'no-harbour' of 'town' cannot be evaluated");
    let waived = groovy(json!({ "waive": ["policy:no-harbour"] }));
    let server = Server::on(waived.clone()).start();
    assert_eq!(server.admin().post("managed/user?_action=create", &person(&json!({ "town": "Newport" }))).status, 201);
    let (_, said) = check(&waived);
    assert!(said.contains("waived by the project: 'policy:no-harbour'"), "{said}");
    let (code, said) = check(&groovy(json!({ "waive": ["policy:no-harbor"] })));
    assert!(code == Some(1) && said.contains("'policy:no-harbor' is waived, but nothing of that name stands"), "{said}");
}

/// What a file adds that cannot be run is unknown; what no file can add is an id that is wrong, and asks nothing of what is not there.
#[test]
fn a_value_that_is_not_there_is_refused_where_a_file_that_may_ask_for_it_cannot_be_run() {
    let add = |id: &str, more: &str| format!("addPolicy({{policyId: '{id}', policyExec: 'missing', policyRequirements: ['X']{more}}});");
    let broken = "nothing();".to_owned();
    let cases: [(&str, Option<String>, &str, bool); 8] = [
        ("own", Some(broken.clone()), "own", false),
        ("own", Some("var a = ;".to_owned()), "own", false),
        ("own", None, "own", false),
        ("own", Some(add("own", "")), "own", false),
        ("own", Some(add("own", ", validateOnlyIfPresent: true")), "own", true),
        ("other than the one whose function is missing", Some(add("another", "")), "own", true),
        (
            "one of the product's that the file may replace",
            Some(format!("addPolicy({{policyId: 'valid-name-format'}}); {broken}")),
            "valid-name-format",
            false,
        ),
        ("one of the product's", Some(broken), "valid-name-format", true),
    ];
    for (case, file, id, absent) in cases {
        let town = json!({ "town": text(&json!([{ "policyId": id }])) });
        let mut project = project(&managed(&user_name(&json!([])), &town)).json(
            "conf/policy.json",
            &json!({ "type": "text/javascript", "file": "policy.js", "additionalFiles": ["script/policies/own.js"], "resources": [] }),
        );
        if let Some(file) = &file {
            project = project.file("script/policies/own.js", file.clone());
        }
        let server = Server::on(project).start();
        let create = |more: &Value| server.admin().post("managed/user?_action=create", &person(more));
        let answer = create(&json!({}));
        assert_eq!(answer.status, if absent { 201 } else { 403 }, "{case}: {file:?}: {}", server.log());
        assert_eq!(create(&json!({ "town": "Bonn" })).status == 201, absent && id == "valid-name-format", "{case}: {file:?}");
    }
}

/// A value may take all the time that a policy's script has. Whoever sends such values waits for themselves.
#[test]
fn sec_52_scripts_that_one_client_keeps_busy_keep_no_other_waiting() {
    let settings = "[limits]\nenabled = false\n[proxies]\ntrusted = [\"127.0.0.1\"]\n[prove]\nat_load = \"off\"\n";
    let server = Server::on(harbour().file("vestibule.toml", settings)).start();
    let asks = |from: &str, values: &Value| {
        server.admin().with("X-Forwarded-For", from).post("policy/managed/user/*?_action=validateObject", values)
    };
    let busy = std::sync::atomic::AtomicUsize::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                asks("203.0.113.1", &json!({ "endless": "x" })).refused(403);
                busy.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
            });
        }
        while busy.load(std::sync::atomic::Ordering::Relaxed) > 0 {
            assert_eq!(failed(&asks("198.51.100.1", &json!({ "town": "port" })).ok()), ["town NO_HARBOUR"]);
        }
    });
}
