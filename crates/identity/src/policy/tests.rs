//! Golden `policy-validate`, `registration-required`, `registration-policy` and the loose forms of
//! docs/protocol/project-files.md, cases 5 and 7.

#![expect(clippy::needless_pass_by_value, reason = "helpers take what json! makes, so that a case reads as one line")]

use serde_json::{Value, json};

use super::*;
use crate::fixtures::{NOW, USER, World, ann, now, of, with_properties, world};
use crate::{Severity, failed_value};

fn failures(world: &World, object: &Value, which: Which<'_>) -> Value {
    let request = Validation { which, ..Validation::new(USER, object, NOW) };
    let managed = &world.managed;
    failed_value(&now(managed.policies.validate(request, managed.objects.as_ref(), managed.hasher.as_ref())).unwrap())
}

/// `property REQUIREMENT` of each failure.
fn names(failed: &Value) -> Vec<String> {
    let entries = failed["failedPolicyRequirements"].as_array().unwrap();
    let name = |entry: &Value| {
        format!("{} {}", entry["property"].as_str().unwrap(), entry["policyRequirements"][0]["policyRequirement"].as_str().unwrap())
    };
    entries.iter().map(name).collect()
}

fn with(key: &str, value: Value) -> Value {
    let mut object = ann();
    object[key] = value;
    object
}

fn of_property(declaration: Value, value: Value) -> Vec<String> {
    names(&failures(&with_properties(&json!({"x": declaration})), &json!({"x": value}), Which::All))
}

fn policy(id: &str, params: Value) -> Value {
    json!({"type": "string", "policies": [{"policyId": id, "params": params}]})
}

#[test]
fn a_good_object_passes() {
    assert_eq!(failures(&world(), &ann(), Which::All), json!({"result": true, "failedPolicyRequirements": []}));
}

#[test]
fn an_empty_object_lacks_what_is_required_and_nothing_else() {
    let expected = ["userName REQUIRED", "givenName REQUIRED", "sn REQUIRED", "mail REQUIRED"];
    assert_eq!(names(&failures(&world(), &json!({}), Which::All)), expected);
}

#[test]
fn properties_that_were_not_sent_are_not_reported() {
    assert_eq!(names(&failures(&world(), &json!({"city": "Bonn"}), Which::Present)), Vec::<String>::new());
    assert_eq!(failures(&world(), &json!({"password": ""}), Which::Present)["result"], json!(false));
}

#[test]
fn every_failed_policy_is_an_entry_of_its_own() {
    let expected = json!({"result": false, "failedPolicyRequirements": [
        {"policyRequirements": [{"policyRequirement": "MIN_LENGTH", "params": {"minLength": 8}}], "property": "password"},
        {"policyRequirements": [{"policyRequirement": "AT_LEAST_X_CAPITAL_LETTERS", "params": {"numCaps": 1}}], "property": "password"},
        {"policyRequirements": [{"policyRequirement": "AT_LEAST_X_NUMBERS", "params": {"numNums": 1}}], "property": "password"},
    ]});
    assert_eq!(failures(&world(), &with("password", json!("x")), Which::All), expected);
}

#[test]
fn a_password_must_not_contain_the_names_in_any_case() {
    for (password, field) in [("ANNs-Str0ng", "userName"), ("xOTHERx123A", "sn")] {
        let failed = failures(&world(), &with("password", json!(password)), Which::All);
        assert_eq!(
            failed["failedPolicyRequirements"][0]["policyRequirements"][0],
            json!({
                "policyRequirement": "CANNOT_CONTAIN_OTHERS", "params": {"disallowedFields": field}
            })
        );
    }
}

#[test]
fn what_a_person_typed_is_text_and_never_a_pattern() {
    let mut object = with("sn", json!(".*"));
    assert_eq!(names(&failures(&world(), &object, Which::All)), Vec::<String>::new());
    object["sn"] = json!("(unclosed");
    assert_eq!(names(&failures(&world(), &object, Which::All)), Vec::<String>::new());
    object["password"] = json!("A1(UNCLOSED!");
    assert_eq!(names(&failures(&world(), &object, Which::All)), ["password CANNOT_CONTAIN_OTHERS"]);
}

#[test]
fn an_empty_name_is_not_contained_in_every_password() {
    assert_eq!(names(&failures(&world(), &with("sn", json!("")), Which::All)), Vec::<String>::new());
}

#[test]
fn null_and_other_types_are_told_as_the_old_server_did() {
    let expected = ["userName REQUIRED", "userName MIN_LENGTH", "userName VALID_TYPE"];
    for wrong in [json!(null), json!(17)] {
        let failed = failures(&world(), &with("userName", wrong), Which::All);
        assert_eq!(names(&failed).into_iter().filter(|name| name != "userName VALID_USERNAME").collect::<Vec<_>>(), expected);
    }
    let failed = failures(&world(), &with("mail", json!(null)), Which::All);
    assert_eq!(
        failed["failedPolicyRequirements"][0]["policyRequirements"][0],
        json!({
            "policyRequirement": "VALID_TYPE", "params": {"invalidType": "null", "validTypes": ["string"]}
        })
    );
    assert_eq!(names(&failures(&world(), &with("preferences", json!("x")), Which::All)), ["preferences VALID_TYPE"]);
    assert_eq!(names(&failures(&world(), &with("preferences", json!({"updates": "yes"})), Which::All)), ["preferences/updates VALID_TYPE"]);
    assert_eq!(names(&failures(&world(), &with("unknown", json!(1)), Which::All)), Vec::<String>::new());
}

#[test]
fn a_pattern_failure_names_the_pattern_twice() {
    let failed = failures(&world(), &with("telephoneNumber", json!("call me")), Which::All);
    let regexp = r"^\+?([0-9\- \(\)])*$";
    assert_eq!(
        failed["failedPolicyRequirements"][0]["policyRequirements"][0],
        json!({
            "policyRequirement": "MATCH_REGEXP", "params": {"regexp": regexp}, "regexp": regexp, "flags": null
        })
    );
}

#[test]
fn a_taken_name_is_unique_for_others_only_and_tells_its_property() {
    let world = World::with_ann();
    let failed = failures(&world, &ann(), Which::All);
    assert_eq!(
        failed["failedPolicyRequirements"],
        json!([
            {"policyRequirements": [{"policyRequirement": "UNIQUE", "params": {"property": "userName"}}], "property": "userName"}
        ])
    );
    let object = ann();
    let own = Validation { id: Some("ann"), ..Validation::new(USER, &object, NOW) };
    let managed = &world.managed;
    assert_eq!(now(managed.policies.validate(own, managed.objects.as_ref(), managed.hasher.as_ref())).unwrap(), []);
    let silent = Validation { undisclosed: &["userName"], ..Validation::new(USER, &object, NOW) };
    assert_eq!(now(managed.policies.validate(silent, managed.objects.as_ref(), managed.hasher.as_ref())).unwrap(), []);
}

/// As where the write is committed.
#[test]
fn the_service_decides_unique_names_in_every_spelling_unless_the_write_does_not() {
    let schema = json!({"objects": [{"name": "user", "schema": {"properties": {
        "userName": {"type": "string", "policies": [{"policyId": "unique"}]},
    }}}]});
    let world = of(Schemas::read(&schema).0, None);
    world.objects.put(USER, "same", json!({"userName": "same"}));
    let managed = &world.managed;
    for action in [PolicyAction::ValidateObject, PolicyAction::ValidateProperty] {
        for name in ["same", "Same", "SAME", "ｓame", "same ", "other"] {
            let body = json!({"userName": name});
            let ask = |every_spelling| {
                let found = now(managed.validate_resource("managed/user/*", action, &body, (None, true, every_spelling))).unwrap();
                names(&failed_value(&found))
            };
            let taken = ["userName UNIQUE"];
            assert_eq!(ask(true), if name == "other" { &taken[..0] } else { &taken[..] }, "{name}");
            assert_eq!(ask(false), if name == "same" { &taken[..] } else { &taken[..0] }, "{name}");
        }
        let own = now(managed.objects.read(USER, "same")).unwrap().unwrap();
        let body = json!({"userName": "SAME"});
        assert_eq!(now(managed.validate_resource("managed/user/same", action, &body, (Some(&own), true, true))).unwrap(), []);
    }
}

#[test]
fn the_present_password_is_asked_for_where_a_policy_says_so() {
    let asks = |except: Value| json!({"policyId": "re-auth-required", "params": {"exceptRoles": except}});
    let waived = json!({"policyId": "re-auth-required", "vestibule": {"waive": ["policy:re-auth-required"]}});
    let schema = json!({"objects": [{"name": "user", "schema": {"properties": {
        "a": {"type": "string", "policies": [asks(json!(["internal/role/clerk", "boss"]))]},
        "b": {"type": "string", "policies": [{"policyId": "re-auth-required"}]},
        "c": {"type": "string", "policies": [waived]},
        "d": {"type": "string"},
        "e": {"type": "string", "fallbackPolicies": [asks(json!("boss"))]},
    }}}]});
    let policy = json!({"resources": [{"resource": "managed/user/*", "properties": [{"name": "d", "policies": [asks(json!([]))]}]}]});
    let (policies, problems) = Policies::read(Some(&policy), &Schemas::read(&schema).0, Companions::default());
    let found: Vec<(&str, Vec<&str>)> =
        policies.reauthenticated(USER).map(|(name, roles)| (name, roles.iter().map(String::as_str).collect())).collect();
    assert_eq!(
        found,
        [("a", vec!["internal/role/clerk", "internal/role/boss"]), ("b", vec![]), ("d", vec![]), ("e", vec!["internal/role/boss"])]
    );
    assert!(policies.asks_password(USER, "a", &["internal/role/openidm-authorized"]) && !policies.asks_password(USER, "c", &[]));
    assert!(!policies.asks_password(USER, "a", &["internal/role/openidm-authorized", "internal/role/boss"]));
    let told: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert!(told.iter().all(|message| message.contains("waived")), "{told:?}");
}

#[test]
fn names_of_internal_users_are_taken_in_any_case() {
    for name in ["openidm-admin", "anonymous", "OpenIDM-Admin"] {
        assert_eq!(names(&failures(&world(), &with("userName", json!(name)), Which::All)), ["userName UNIQUE"]);
    }
}

#[test]
fn parameters_are_loose() {
    assert_eq!(of_property(policy("at-least-X-capitals", json!({"numCaps": "2"})), json!("Abc")), ["x AT_LEAST_X_CAPITAL_LETTERS"]);
    assert_eq!(of_property(policy("minimum-length", json!({"minLength": "4"})), json!("abc")), ["x MIN_LENGTH"]);
    // As the documentation's own example of conditional policies has it.
    assert_eq!(of_property(policy("at-least-X-numbers", json!({"numNums": ["2"]})), json!("a1")), ["x AT_LEAST_X_NUMBERS"]);
    assert_eq!(of_property(policy("at-least-X-capitals", json!({"numCaps": [2]})), json!("Abc")), ["x AT_LEAST_X_CAPITAL_LETTERS"]);
    assert_eq!(of_property(policy("minimum-length", json!({"minLength": ["4"]})), json!("abcd")), Vec::<String>::new());
    assert_eq!(of_property(policy("maximum-length", json!({"maxLength": [["2"]]})), json!("abc")), ["x MAX_LENGTH"]);
    assert_eq!(of_property(policy("maximum-length", json!({"maxLength": "2"})), json!("abc")), ["x MAX_LENGTH"]);
    assert_eq!(of_property(policy("valid-email-address-format", json!(null)), json!("abc")), ["x VALID_EMAIL_ADDRESS_FORMAT"]);
    assert_eq!(of_property(policy("not-empty", json!({"notEmpty": null})), json!("")), ["x REQUIRED"]);
    assert_eq!(
        of_property(policy("cannot-contain-characters", json!({"forbiddenChars": " "})), json!("a b")),
        ["x CANNOT_CONTAIN_CHARACTERS"]
    );
    assert_eq!(
        of_property(policy("cannot-contain-characters", json!({"forbiddenChars": "*()&!%;/"})), json!("a%b")),
        ["x CANNOT_CONTAIN_CHARACTERS"]
    );
    assert_eq!(of_property(json!({"type": ["string", "null"], "minLength": "8"}), json!(null)), Vec::<String>::new());
}

#[test]
fn every_other_policy_of_the_table_refuses_what_it_should() {
    for (id, params, bad, requirement) in [
        ("valid-date", json!({}), json!("soon"), "VALID_DATE"),
        ("valid-datetime", json!(null), json!("2024-01-01"), "VALID_DATETIME"),
        ("valid-name-format", json!({}), json!("R2D2"), "VALID_NAME_FORMAT"),
        ("valid-phone-format", json!({}), json!("call"), "VALID_PHONE_FORMAT"),
        ("valid-username", json!({}), json!(" ann"), "VALID_USERNAME"),
        ("valid-query-filter", json!({}), json!("a eq"), "VALID_QUERY_FILTER"),
        ("valid-temporal-constraints", json!(null), json!("soon"), "TEMPORAL_CONSTRAINT_FORMAT"),
        ("at-least-X-numbers", json!({"numNums": 1}), json!("abc"), "AT_LEAST_X_NUMBERS"),
        ("cannot-contain-duplicates", json!({}), json!("aa"), "CANNOT_CONTAIN_DUPLICATES"),
        ("mapping-exists", json!({}), json!("nosuch"), "MAPPING_EXISTS"),
        ("enumValue", json!({"values": ["a", "b"]}), json!("c"), "ENUM_VALUE"),
        ("regexpMatches", json!({"regexp": "^(?=.*[A-Z])x", "flags": "i"}), json!("y"), "MATCH_REGEXP"),
        ("valid-type", json!({"types": ["boolean"]}), json!("y"), "VALID_TYPE"),
        ("required", json!({}), json!(null), "VALID_TYPE"),
    ] {
        assert_eq!(of_property(policy(id, params), bad), [format!("x {requirement}")], "{id}");
    }
    let elements = json!({"type": "array", "items": {"type": "string", "policies": [{"policyId": "valid-email-address-format"}]}});
    assert_eq!(of_property(elements, json!(["a@b.test", "x"])), ["x[1] VALID_EMAIL_ADDRESS_FORMAT"]);
}

#[test]
fn limits_of_time_are_lists_of_beginnings_and_ends() {
    let limits = json!({"type": ["array", "null"], "policies": [{"policyId": "valid-temporal-constraints"}]});
    let duration = |duration: &str| json!([{ "duration": duration }]);
    for good in [json!(null), json!([]), duration("2026-03-01T00:00:00.000Z/2026-09-01T00:00:00.000Z")] {
        assert_eq!(of_property(limits.clone(), good), Vec::<String>::new());
    }
    for bad in [json!([{}]), duration("2026-03-01T00:00:00Z"), duration("2026-09-01T00:00:00Z/2026-03-01T00:00:00Z")] {
        assert_eq!(of_property(limits.clone(), bad), ["x TEMPORAL_CONSTRAINT_FORMAT"]);
    }
}

#[test]
fn attempts_lock_only_within_their_window() {
    let params = json!({"max": "2", "numMinutes": 10, "dateTimeField": "last"});
    let declared = json!({"x": {"type": "number", "policies": [{"policyId": "max-attempts-triggers-lock-cooldown", "params": params}]}});
    let world = with_properties(&declared);
    let at = |last: &str, count: u64| names(&failures(&world, &json!({"x": count, "last": last}), Which::All));
    assert_eq!(at("2023-11-14T22:10:00Z", 3), ["x NO_MORE_THAN_X_ATTEMPTS_WITHIN_Y_MINUTES"]);
    assert_eq!(at("2023-11-14T22:10:00Z", 2), Vec::<String>::new());
    assert_eq!(at("2023-11-14T21:00:00Z", 3), Vec::<String>::new());
}

#[test]
fn a_password_that_is_not_new_is_refused_the_remembered_ones_too() {
    let declared = json!({"password": {"type": "string", "policies": [{"policyId": "is-new", "params": {"historyLength": 4}}]}});
    let world = with_properties(&declared);
    let hash = |text: &str| now(world.managed.hasher.hash(crate::secret::Secret::password(text).unwrap())).unwrap();
    let stored = json!({"password": hash("present"), "fieldHistory": {"password": [hash("earlier")]}});
    let check = |text: &str| {
        let object = json!({"password": text});
        let request = Validation { stored: Some(&stored), ..Validation::new(USER, &object, NOW) };
        let managed = &world.managed;
        now(managed.policies.validate(request, managed.objects.as_ref(), managed.hasher.as_ref())).unwrap()
    };
    for old in ["present", "earlier"] {
        let failed = check(old);
        assert_eq!((failed.len(), failed[0].requirement.as_str()), (1, "IS_NEW"));
        assert_eq!(failed[0].params, Some(json!({"historyLength": 4})));
    }
    assert_eq!(check("never seen"), []);
}

#[test]
fn how_much_is_remembered_is_what_the_policy_says_in_each_spelling() {
    let read = |id: &str, params: Value| {
        let declared = json!({"objects": [{"name": "user", "schema": {"properties": {"password": {
            "type": "string", "policies": [{"policyId": id, "params": params}]}}}}]});
        let schemas = Schemas::read(&declared).0;
        let (policies, problems) = Policies::read(None, &schemas, Companions::default());
        (policies.remembered(USER).map(|(_, length)| length).next(), problems.first().map(|problem| problem.severity))
    };
    for (id, params, expected) in [
        ("is-new", json!({"historyLength": 4}), (Some(3), None)),
        ("is-new", json!({}), (None, None)),
        ("is-new", json!({"historyLength": 1}), (None, None)),
        ("passwordHistory", json!({"historyCount": "3"}), (Some(2), None)),
        ("passwordHistory", json!({}), (None, Some(Severity::Warning))),
        ("is-new", json!({"historyLength": 25}), (None, Some(Severity::Error))),
        ("is-new", json!({"historyLength": "many"}), (None, Some(Severity::Error))),
    ] {
        assert_eq!(read(id, params.clone()), expected, "{id} {params}");
    }
}

/// SEC-26.
#[test]
fn listed_words_are_refused_and_a_missing_list_is_an_error() {
    let managed = json!({"objects": [{"name": "user", "schema": {"properties": {"password": {
        "type": "string", "policies": [{"policyId": "password-blacklisted", "params": {"filePath": "conf/blacklist.txt"}}]}}}}]});
    let schemas = Schemas::read(&managed).0;
    assert_eq!(Policies::word_files(&schemas, None), ["conf/blacklist.txt"]);
    let lists = BTreeMap::from([("conf/blacklist.txt".to_owned(), word_list("#!comment: list\nPassword1\n\nqwertz\r\n"))]);
    let (policies, problems) = Policies::read(None, &schemas, Companions { word_lists: lists, ..Companions::default() });
    assert_eq!(problems, []);
    let mut world = of(schemas.clone(), None);
    world.managed.policies = Arc::new(policies);
    assert_eq!(names(&failures(&world, &json!({"password": "PASSWORD1"}), Which::All)), ["password PASSWORD_BLACKLISTED"]);
    assert_eq!(names(&failures(&world, &json!({"password": "#!comment: list"}), Which::All)), Vec::<String>::new());
    let (_, problems) = Policies::read(None, &schemas, Companions::default());
    assert_eq!(problems[0].severity, Severity::Error);
    assert!(problems[0].message.contains("conf/blacklist.txt"), "{}", problems[0].message);
}

/// A policy that nobody knows refuses what it guards, and nothing else.
#[test]
fn an_unknown_policy_is_an_error_and_refuses_its_property_until_it_is_waived() {
    let declared = |waived: Value| {
        json!({"objects": [{"name": "user", "schema": {"properties": {
            "password": {"type": "string", "policies": [{"policyId": "addsPasswordComplexity"}]},
            "city": {"type": "string", "policies": [{"policyId": "minimum-lenght", "vestibule": waived}, {"params": {}}]},
        }}}]})
    };
    let read = |waived: Value| {
        let (schemas, mut problems) = Schemas::read(&declared(waived));
        problems.extend(Policies::read(None, &schemas, Companions::default()).1);
        (of(schemas, None), problems)
    };
    let (world, problems) = read(json!(null));
    let found = |pointer: &str| problems.iter().find(|problem| problem.pointer.ends_with(pointer)).unwrap();
    assert_eq!(found("password/policies/0").severity, Severity::Error);
    assert!(found("city/policies/0").message.contains("'minimum-length' meant"), "{}", found("city/policies/0").message);
    assert!(found("city/policies/1").message.contains("policyId"));
    let ask = |world: &World, object: Value| {
        let managed = &world.managed;
        let request = Validation::new(USER, &object, NOW);
        now(managed.policies.validate(request, managed.objects.as_ref(), managed.hasher.as_ref()))
    };
    assert_eq!(ask(&world, json!({"city": "Bonn"})).unwrap_err().message, "The policy 'minimum-lenght' of 'city' cannot be evaluated");
    assert_eq!(ask(&world, json!({})).unwrap(), []);
    let (world, problems) = read(json!({"waive": ["policy:minimum-lenght"]}));
    assert_eq!(ask(&world, json!({"city": "Bonn"})).unwrap(), []);
    let waived: Vec<_> = problems.iter().filter(|problem| problem.message.starts_with("waived by the project")).collect();
    assert_eq!((waived.len(), waived[0].severity), (1, Severity::Warning));
    let (_, problems) = read(json!({"waive": ["policy:minimum-length"], "extra": 1}));
    let errors: Vec<&str> =
        problems.iter().filter(|problem| problem.severity == Severity::Error).map(|problem| problem.message.as_str()).collect();
    assert!(errors.iter().any(|error| error.contains("'policy:minimum-length' is waived, but nothing")), "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("'extra' means nothing here")), "{errors:?}");
}

#[test]
fn a_pattern_that_cannot_be_read_refuses_every_value_and_is_an_error() {
    let schemas =
        Schemas::read(&json!({"objects": [{"name": "user", "schema": {"properties": {"x": {"type": "string", "pattern": "(open"}}}}]})).0;
    let (_, problems) = Policies::read(None, &schemas, Companions::default());
    assert_eq!((problems[0].severity, problems[0].pointer.as_str()), (Severity::Error, "/objects/0/schema/properties/x/pattern"));
    assert_eq!(names(&failures(&of(schemas, None), &json!({"x": "anything"}), Which::All)), ["x MATCH_REGEXP"]);
}

#[test]
fn policy_json_overrides_by_id_and_its_own_scripts_are_told() {
    let policy = json!({
        "type": "text/javascript", "file": "policy.js", "additionalFiles": ["script/mine.js"],
        "resources": [
            {"resource": "managed/user/*", "properties": [
                {"name": "password", "policies": [{"policyId": "minimum-length", "params": {"minLength": 12}}]},
                {"name": "tags[*]", "policies": [{"policyId": "valid-phone-format"}]},
            ]},
            {"resource": "selfservice/registration", "calculatedProperties": {"source": "require('selfServicePolicies').getRegistrationProperties()"}},
            {"resource": "selfservice/other", "calculatedProperties": {"source": "mine()"}},
            {"resource": "selfservice/reset", "calculatedProperties": {"source": "require('selfServicePolicies').getResetProperties().concat(mine)"}},
            {"resource": "selfservice/third", "calculatedProperties": {"source": "mine()"}, "vestibule": {"waive": ["calculatedProperties"]}},
        ],
    });
    let (_, problems) = Policies::read(Some(&policy), &Schemas::builtin(), Companions::default());
    let pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    let expected =
        ["/additionalFiles/0", "/resources/2/calculatedProperties", "/resources/3/calculatedProperties", "/resources/4/vestibule/waive/0"];
    assert_eq!(pointers, expected);
    assert!(problems[1].severity == Severity::Error && problems[2].severity == Severity::Error, "{problems:?}");
    let world = of(Schemas::builtin(), Some(&policy));
    let ports = (world.managed.objects.as_ref(), world.managed.hasher.as_ref(), None);
    let asked = |resource: &str| {
        let body = json!({"password": "Sh0rtOnly!"});
        now(world.managed.policies.validate_resource(resource, PolicyAction::ValidateObject, &body, (None, true, true), NOW, ports))
            .map(drop)
    };
    assert_eq!(asked("selfservice/reset").unwrap_err().code, 403, "nobody knows what the script would ask");
    assert!(asked("selfservice/registration").is_ok());
    assert!(asked("selfservice/other/x").is_err() && asked("selfservice").is_ok());
    let failed = failures(&world, &with("password", json!("Sh0rtOnly!")), Which::All);
    assert_eq!(failed["failedPolicyRequirements"][0]["policyRequirements"][0]["params"], json!({"minLength": 12}));
    assert_eq!(names(&failures(&world, &with("tags", json!(["1", "x"])), Which::All)), ["tags[1] VALID_PHONE_FORMAT"]);
}

/// As `policy.json` names resources: one entry for a collection and for each of its objects.
#[test]
fn policies_that_a_script_computes_refuse_whatever_they_are_about() {
    for named in ["managed/user/*", "managed/user", "/managed/user/*", "repo/managed/user/*", "managed/*/*"] {
        let policy = json!({"resources": [{"resource": named, "calculatedProperties": {"source": ["mine()"]}}]});
        let world = of(Schemas::builtin(), Some(&policy));
        let managed = &world.managed;
        let asked = |resource: &str| {
            let body = json!({"sn": "Other"});
            now(managed.validate_resource(resource, PolicyAction::ValidateObject, &body, (None, true, true)))
                .map(drop)
                .map_err(|error| error.code)
        };
        for resource in ["managed/user", "managed/user/*", "managed/user/-", "managed/user/ann", "managed/user/ann/"] {
            assert_eq!(asked(resource), Err(403), "{named}: {resource}");
        }
        assert_eq!((asked("selfservice/other"), asked("internal/role")), (Ok(()), Ok(())), "{named}");
        let written = now(managed.create(USER, None, ann(), crate::Writer::Administrator));
        assert_eq!(written.unwrap_err().code, 403, "{named}: what is stored is asked no less");
    }
    let one = json!({"resources": [{"resource": "managed/user/ann", "calculatedProperties": {"source": "mine()"}}]});
    let world = of(Schemas::builtin(), Some(&one));
    let create = |id: &str| now(world.managed.create(USER, Some(id.into()), ann(), crate::Writer::Administrator));
    assert!(create("bob").is_ok() && create("ann").is_err());
}

#[test]
fn a_policy_script_that_is_not_the_products_is_told_whatever_its_name() {
    let told = |file: &str, own: &str| {
        let policy = json!({"type": "text/javascript", "file": file, "resources": []});
        let scripts = crate::ScriptFiles::gather([&policy], &|path| (path == own).then(|| "1".to_owned()));
        let companions = Companions { scripts, ..Companions::default() };
        let (_, problems) = Policies::read(Some(&policy), &Schemas::builtin(), companions);
        problems.iter().any(|problem| problem.pointer == "/file" && problem.severity == Severity::Error)
    };
    for (file, own, expected) in [
        ("policy.js", "", false),
        ("bin/defaults/script/policy.js", "bin/defaults/script/policy.js", false),
        ("acme-policy.js", "script/acme-policy.js", true),
        ("policy.js", "script/policy.js", true),
        ("script/policy.js", "", true),
    ] {
        assert_eq!(told(file, own), expected, "{file} {own}");
    }
}

#[test]
fn resources_are_described_as_clients_read_them() {
    let policies = &world().managed.policies;
    let property =
        |described: &Value, name: &str| described["properties"].as_array().unwrap().iter().find(|p| p["name"] == name).cloned().unwrap();
    for (resource, id) in [("managed/user", "user"), ("managed/user/*", "*"), ("managed/user/ann", "ann")] {
        let described = policies.describe(resource);
        assert_eq!((&described["_id"], &described["resource"]), (&json!(id), &json!(resource)));
        assert_eq!(
            property(&described, "mail"),
            json!({
                "name": "mail",
                "policies": [
                    {"policyId": "required", "policyRequirements": ["REQUIRED"]},
                    {"policyId": "valid-type", "params": {"types": ["string"]}, "policyRequirements": ["VALID_TYPE"]},
                    {"policyId": "valid-email-address-format", "policyRequirements": ["VALID_EMAIL_ADDRESS_FORMAT"]},
                ],
                "policyRequirements": ["REQUIRED", "VALID_TYPE", "VALID_EMAIL_ADDRESS_FORMAT"],
                "conditionalPolicies": null,
                "fallbackPolicies": null,
            })
        );
    }
    let password = property(&policies.describe("selfservice/reset"), "password");
    assert_eq!(
        password["policyRequirements"],
        json!(["REQUIRED", "MIN_LENGTH", "VALID_TYPE", "AT_LEAST_X_CAPITAL_LETTERS", "AT_LEAST_X_NUMBERS", "CANNOT_CONTAIN_OTHERS"])
    );
    assert_eq!(policies.describe("selfservice/registration")["properties"][0]["name"], json!("/user/password"));
    for resource in ["selfservice/reset", "selfservice/registration", "managed/user/ann"] {
        let all = policies.describe(resource)["properties"].as_array().unwrap().clone();
        let of_password = all.into_iter().find(|property| property["name"].as_str().unwrap().contains("password"));
        assert_eq!(policies.describe_first(resource, |name| name.contains("password")), of_password, "{resource}");
        assert_eq!(policies.describe_first(resource, |_| false), None);
    }
    assert_eq!(policies.describe("managed/nosuch"), json!({"_id": "nosuch", "resource": "managed/nosuch", "properties": []}));
}

#[test]
fn the_service_answers_under_the_name_the_client_knows() {
    let world = World::with_ann();
    let ask = |resource: &str, action, body: Value| {
        let managed = &world.managed;
        let ports = (managed.objects.as_ref(), managed.hasher.as_ref(), None);
        now(managed.policies.validate_resource(resource, action, &body, (None, true, true), NOW, ports))
            .map(|failures| names(&failed_value(&failures)))
    };
    let object = PolicyAction::ValidateObject;
    let registration = ask("selfservice/registration", object, json!({"user": {"password": "x1Xx"}})).unwrap();
    assert_eq!(registration, ["/user/password MIN_LENGTH"]);
    assert_eq!(ask("selfservice/reset/", object, json!({"password": "Xxxxxxxx"})).unwrap(), ["password AT_LEAST_X_NUMBERS"]);
    assert_eq!(ask("selfservice/reset", object, json!({"userName": ""})).unwrap(), Vec::<String>::new());
    assert_eq!(ask("managed/user/ann", object, json!({"userName": "ann", "city": "Bonn"})).unwrap(), Vec::<String>::new());
    assert_eq!(ask("managed/user/*", object, json!({"userName": "ann"})).unwrap(), ["userName UNIQUE"]);
    let property = PolicyAction::ValidateProperty;
    assert_eq!(
        ask("managed/user/*", property, json!({"object": {"sn": "Other"}, "properties": {"password": "Other123"}})).unwrap(),
        ["password CANNOT_CONTAIN_OTHERS"]
    );
    assert_eq!(ask("managed/user/*", property, json!({"mail": "x"})).unwrap(), ["mail VALID_EMAIL_ADDRESS_FORMAT"]);
    assert_eq!(ask("managed/user/*", property, json!({})).unwrap_err().code, 400);
    assert_eq!(ask("managed/user/*", object, json!("x")).unwrap_err().code, 400);
}
