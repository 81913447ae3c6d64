use super::*;
use crate::source::SourceFile;
use proptest::prelude::*;
use serde_json::json;

fn read(value: &Value) -> (AccessRules, Vec<(Severity, &'static str, String)>) {
    let sink = Sink::default();
    let document = Document::read(SourceFile::new("conf/access.json", &value.to_string()), &|_: &str| None, &sink).unwrap();
    let rules = AccessRules::read(&document, &sink);
    (rules, sink.into_sorted().into_iter().map(|found| (found.severity, found.rule, found.location.pointer)).collect())
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_rule_is_read_with_its_commas_and_conditions() {
    let (rules, found) = read(
        &json!({"configs": [{"pattern": "managed/user", "roles": "internal/role/openidm-reg", "methods": "create, read", "actions": "*",
        "customAuthz": "checkIfAnyFeatureEnabled('registration') && isSelfServiceRequest() && onlyEditableManagedObjectProperties('user', ['kbaInfo'])",
        "excludePatterns": "managed/user/x"}]}),
    );
    assert!(found.is_empty(), "{found:?}");
    let rule = &rules.rules[0];
    assert_eq!(
        (rule.methods.as_slice(), rule.exclude.as_slice()),
        (texts(&["create", "read"]).as_slice(), texts(&["managed/user/x"]).as_slice())
    );
    assert_eq!(
        rule.conditions,
        [
            Condition::FeatureEnabled(texts(&["registration"])),
            Condition::SelfServiceRequest,
            Condition::OnlyEditableProperties { object: "user".into(), also: texts(&["kbaInfo"]) }
        ]
    );
}

#[test]
fn a_rule_whose_exceptions_cannot_be_read_allows_nothing() {
    for except in [json!("&{nowhere}"), json!(["managed/user/x", "&{nowhere}"]), json!([{"a": 1}])] {
        let (rules, found) =
            read(&json!({"configs": [{"pattern": "managed/*", "roles": "*", "methods": "read", "excludePatterns": except}]}));
        assert!(rules.rules.is_empty() && found.len() == 1, "{except}: {found:?}");
    }
}

#[test]
fn the_products_conditions_are_known_in_every_generation() {
    for (text, expected) in [
        ("ownDataOnly()", Condition::OwnDataOnly),
        ("checkIfUIIsEnabled('selfRegistration')", Condition::FeatureEnabled(texts(&["registration"]))),
        ("checkIfUIIsEnabled(\"securityQuestions\");", Condition::UiFlag("securityQuestions".into())),
        (
            "checkIfAnyFeatureEnabled(['registration', 'passwordReset'])",
            Condition::FeatureEnabled(texts(&["registration", "passwordReset"])),
        ),
        (
            "checkIfUIIsEnabled('selfRegistration') || checkIfUIIsEnabled('passwordReset')",
            Condition::Any(vec![Condition::FeatureEnabled(texts(&["registration"])), Condition::FeatureEnabled(texts(&["passwordReset"]))]),
        ),
        ("ownRelationshipProperty('_notifications', false)", Condition::OwnRelationshipCollection(texts(&["_notifications"]))),
        (
            "(isMyTask() || canUpdateTask()) && restrictPatchToFields(['password'])",
            Condition::All(vec![
                Condition::Any(vec![Condition::Never, Condition::Never]),
                Condition::PatchOnlyFields(texts(&["password"])),
            ]),
        ),
        ("!isSelfServiceRequest()", Condition::Not(Box::new(Condition::SelfServiceRequest))),
        ("false", Condition::Never),
    ] {
        assert_eq!(condition::parse(text, None), Ok(expected), "{text}");
    }
}

#[test]
fn an_unknown_condition_closes_the_rule() {
    for text in [
        "isSameType()",
        "ownDataOnly() && request.x = 1",
        "ownDataOnly",
        "ownDataOnly(",
        "'x",
        "isSelfServiceRequest() isSelfServiceRequest()",
    ] {
        let (rules, found) =
            read(&json!({"configs": [{"pattern": "*", "roles": "*", "methods": "*", "actions": "*", "customAuthz": text}]}));
        assert!(rules.rules.is_empty(), "{text}");
        assert_eq!(found, [(Severity::Error, "unknown-condition", "/configs/0/customAuthz".to_owned())]);
    }
    let (rules, found) = read(
        &json!({"configs": [{"pattern": "*", "roles": "*", "methods": "*", "customAuthz": ["x", {}]}, {"pattern": "a", "customAuthz": "&{nobody}"}]}),
    );
    assert!(rules.rules.is_empty());
    assert_eq!(found.len(), 2);
}

#[test]
fn an_empty_condition_is_none_and_a_rule_without_pattern_nothing() {
    let (rules, found) =
        read(&json!({"configs": [{"pattern": "info/*", "roles": "*", "methods": "red", "customAuthz": ""}, {"roles": "*"}]}));
    assert_eq!((rules.rules.len(), rules.rules[0].conditions.len()), (1, 0));
    assert_eq!(found.iter().map(|found| found.1).collect::<Vec<_>>(), ["unknown-method", "missing-key"]);
}

#[test]
fn a_file_without_rules_leaves_administrators_only() {
    let (rules, found) = read(&json!({"config": []}));
    assert_eq!(rules, AccessRules::administrators_only());
    assert!(found.iter().any(|found| found.1 == "no-access-rules"));
    assert_eq!(rules.matching("managed/user/1", "read", None, &["internal/role/openidm-authorized"]).count(), 0);
    assert_eq!(rules.matching("managed/user/1", "read", None, &["openidm-admin"]).count(), 1);
}

#[test]
fn what_the_builtin_rules_do_not_list_needs_a_credential() {
    let rules = AccessRules::builtin();
    let open = |path: &str, method: &str, action: Option<&str>| {
        rules
            .matching(path, method, action, &["internal/role/openidm-reg"])
            .any(|rule| !rule.conditions.contains(&Condition::SelfServiceRequest))
    };
    assert!(open("info/ping", "read", None));
    assert!(open("authentication", "action", Some("login")));
    assert!(!open("authentication", "action", Some("reauthenticate")));
    assert!(open("selfservice/reset", "action", Some("submitRequirements")));
    for (path, method, action) in [
        ("managed/user", "query", None),
        ("managed/user/1", "read", None),
        ("config/managed", "read", None),
        ("external/email", "action", Some("send")),
        ("selfservice/kba", "read", None),
        ("selfservice/reset", "action", Some("other")),
        ("selfservice/myprocess", "read", None),
        ("policy/managed/user", "read", None),
    ] {
        assert!(!open(path, method, action), "{method} {path}");
    }
}

#[test]
fn patterns_cover_themselves_or_everything_below() {
    for (pattern, path, expected) in [
        ("*", "a/b", true),
        ("a/*", "a/b/c", true),
        ("a/*", "a", false),
        ("a/*", "a/", false),
        ("a/*", "ab/c", false),
        ("a", "a", true),
        ("a", "a/b", false),
        ("a*", "ab", false),
    ] {
        assert_eq!(covers(pattern, path), expected, "{pattern} {path}");
    }
}

proptest! {
    #[test]
    fn no_condition_makes_it_panic(text in "(ownDataOnly\\(|'a'|\\)|\\[|\\]|,|!|&&|\\|\\||true|é| ){0,40}") {
        let _ = condition::parse(&text, None);
    }
}
