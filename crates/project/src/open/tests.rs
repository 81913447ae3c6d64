use serde_json::json;

use super::*;
use crate::access::AccessRules;
use crate::companion::ui::Feature;
use crate::files::EmbeddedFiles;

const RESET: &str = r#"{"stageConfigs": [{"name": "userQuery"}, {"name": "resetStage"}]}"#;

fn open(files: &[(&str, &str)]) -> Project {
    Project::open(&EmbeddedFiles::new(files.iter().map(|(path, text)| (*path, *text))), &|_: &str| None)
}

fn rules(project: &Project) -> Vec<(&'static str, &str)> {
    project.diagnostics.iter().map(|found| (found.rule, found.location.file.as_str())).collect()
}

#[test]
fn a_directory_without_conf_is_no_project() {
    let project = open(&[]);
    assert_eq!(rules(&project), [("no-project", "conf")]);
    assert!(project.has_errors());
}

#[test]
fn a_project_of_one_file_loads_without_a_word_over_the_documented_defaults() {
    let project = open(&[("conf/selfservice-reset.json", RESET)]);
    assert_eq!(rules(&project), []);
    assert_eq!((project.access.clone(), project.external_email.clone()), (AccessRules::builtin(), None));
    assert_eq!(project.jsonstore, JsonStore::default());
    assert!(project.schemas.get("managed/user").is_some());
    assert!(!project.questions.questions.is_empty());
    assert!(project.feature_enabled(Feature::PasswordReset) && !project.feature_enabled(Feature::Registration));
}

#[test]
fn a_process_whose_file_cannot_be_read_is_none_that_is_not_there() {
    let switches = r#"{"configuration": {"passwordReset": true, "userName": true}}"#;
    let project = open(&[
        ("conf/selfservice-reset.json", "{\n  \"stageConfigs\": ["),
        ("conf/selfservice-username.json", RESET),
        ("conf/selfservice-kba.json", "{}"),
        ("conf/ui-configuration.json", switches),
    ]);
    assert!(project.process("reset").is_none() && project.process("username").is_some());
    let unread: Vec<(&str, &str)> = project.unread.iter().map(|(name, why)| (name.as_str(), why.as_str())).collect();
    assert!(matches!(unread.as_slice(), [("reset", why)] if why.starts_with("conf/selfservice-reset.json:2:")), "{unread:?}");
    assert!(!rules(&project).iter().any(|(rule, _)| *rule == "switch-without-process"), "{:?}", project.diagnostics);
}

#[test]
fn a_broken_companion_is_an_error_and_the_rest_serves() {
    for (file, closed) in [
        ("conf/access.json", true),
        ("conf/authentication.json", false),
        ("conf/external.email.json", false),
        ("conf/ui-configuration.json", false),
        ("conf/managed.json", false),
        ("conf/policy.json", false),
        ("conf/selfservice.kba.json", false),
        ("conf/selfservice.terms.json", false),
        ("conf/jsonstore.json", false),
        ("conf/auth.profile.json", false),
        ("conf/consent.json", false),
        ("conf/sync.json", false),
        ("conf/emailTemplate-welcome.json", false),
        ("vestibule.toml", false),
    ] {
        for text in ["{\"a\": ", "[]"] {
            let project = open(&[("conf/selfservice-reset.json", RESET), (file, text)]);
            assert!(project.has_errors(), "{file} {text}");
            assert!(
                project.diagnostics.iter().filter(|found| found.is_error()).all(|found| found.location.file == file),
                "{:?}",
                project.diagnostics
            );
            assert!(!project.process("reset").unwrap().broken);
            assert_eq!(project.access == AccessRules::administrators_only(), closed, "{file}");
        }
    }
}

#[test]
fn a_broken_file_on_which_nothing_depends_is_a_warning() {
    for text in ["{\"a\": ", "[]"] {
        let project = open(&[("conf/selfservice-reset.json", RESET), ("conf/identityProviders.json", text)]);
        let found: Vec<_> = project.diagnostics.iter().map(|found| (found.severity, found.location.file.as_str())).collect();
        assert!(found.contains(&(Severity::Warning, "conf/identityProviders.json")) && !project.has_errors(), "{found:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told_once() {
    let files = [
        "access.json",
        "auth.profile.json",
        "authentication.json",
        "consent.json",
        "emailTemplate-welcome.json",
        "external.email.json",
        "identityProviders.json",
        "jsonstore.json",
        "managed.json",
        "mapping-a_b.json",
        "notification-mine.json",
        "notificationFactory.json",
        "policy.json",
        "repo.init.json",
        "selfservice-other.json",
        "selfservice.kba.json",
        "selfservice.terms.json",
        "servletfilter-cors.json",
        "sync.json",
        "ui-configuration.json",
        "ui-dashboard.json",
        "ui-themeconfig.json",
        "ui-themerealm.json",
        "ui.context-enduser.json",
    ];
    let served = "[pages]\ndir = \"build\"\n";
    for file in files {
        let path = format!("conf/{file}");
        for text in ["{\"a\": ", "[]", "", "{\"a\": 1"] {
            let project = open(&[("conf/selfservice-reset.json", RESET), ("vestibule.toml", served), (&path, text)]);
            let said: Vec<String> = project.diagnostics.iter().map(ToString::to_string).filter(|said| said.contains(file)).collect();
            assert_eq!(said.len(), 1, "{file} {text}: {said:?} of {:?}", project.diagnostics);
        }
    }
}

#[test]
fn a_broken_process_takes_only_itself_away() {
    let project = open(&[
        ("conf/selfservice-reset.json", RESET),
        ("conf/selfservice-other.json", "{"),
        ("conf/selfservice-third.json", "{\"stageConfigs\": \"&{nobody}\"}"),
    ]);
    let names: Vec<_> = project.processes.iter().map(|process| (process.name.as_str(), process.broken)).collect();
    assert_eq!(names, [("reset", false), ("third", true)]);
    assert_eq!(rules(&project), [("not-readable", "conf/selfservice-other.json"), ("unresolved-name", "conf/selfservice-third.json")]);
}

#[test]
fn names_resolve_from_the_product_s_sources_in_its_order() {
    let process = r#"{"stageConfigs": [{"a": "&{one}", "b": "&{two}", "c": "&{three}", "d": "&{launcher.project.location}",
        "e": "&{four}", "f": "&{five.six}&{five.seven}", "g": "&{eight}"}]}"#;
    let files = EmbeddedFiles::new([
        ("conf/selfservice-x.json", process),
        ("resolver/boot.properties", "one = resolver\ntwo = resolver\n"),
        ("conf/boot/boot.properties", "one=boot\ntwo=boot\nthree=boot\n"),
        ("conf/system.properties", "one=system\nfour=system\n"),
        ("resolver/a.json", r#"{"two": "json", "five": {"six": 6, "seven": true, "none": null}, "four": 4}"#),
        ("resolver/notes.txt", "eight=notes"),
        ("conf/config.properties", "three=framework\neight=framework"),
    ]);
    let project = Project::open(&files, &|name: &str| (name == "ONE").then(|| "environment".to_owned()));
    let stage = &project.processes[0].value["stageConfigs"][0];
    assert_eq!(
        *stage,
        serde_json::json!({"a": "environment", "b": "resolver", "c": "boot", "d": ".", "e": "system", "f": "6true", "g": "framework"})
    );
    assert_eq!(project.processes[0].raw["stageConfigs"][0]["a"], "&{one}");
}

#[test]
fn a_switch_turns_its_processes_off() {
    let project = open(&[
        ("conf/selfservice-reset.json", RESET),
        ("conf/selfservice-profile.json", RESET),
        ("conf/ui-configuration.json", r#"{"configuration": {"passwordReset": "false"}}"#),
    ]);
    assert!(project.process("reset").unwrap().switched_off && !project.process("profile").unwrap().switched_off);
    assert!(!project.feature_enabled(Feature::PasswordReset));
}

#[test]
fn word_lists_are_read_within_the_project_only() {
    let managed = |path: &str| {
        serde_json::json!({"objects": [{"name": "user", "schema": {"type": "object", "properties": {
            "password": {"type": "string", "policies": [{"policyId": "password-blacklisted", "params": {"filePath": path}}]}}}}]})
        .to_string()
    };
    let silent = |path: &str| {
        let managed = managed(path);
        let project = open(&[
            ("conf/selfservice-reset.json", RESET),
            ("conf/managed.json", &managed),
            ("conf/words.txt", "secret\n"),
            ("words.txt", "x"),
        ]);
        !project.diagnostics.iter().any(|found| found.rule == "policies")
    };
    assert!(silent("conf/words.txt") && silent("&{idm.install.dir}/conf/words.txt"));
    assert!(!silent("/etc/passwd") && !silent("conf/../../words.txt") && !silent("conf/nothing.txt"));
}

#[test]
fn terms_need_an_active_version_that_exists() {
    let terms = |active: &str| {
        open(&[
            ("conf/selfservice-reset.json", RESET),
            ("conf/selfservice.terms.json", &format!("{{\"versions\": [{{\"version\": 1.5}}], \"active\": {active}}}")),
        ])
    };
    assert_eq!(rules(&terms("\"1.5\"")), []);
    assert_eq!(rules(&terms("\"1.6\"")), [("unknown-terms", "conf/selfservice.terms.json")]);
    assert_eq!(rules(&terms("null")), [("no-terms", "conf/selfservice.terms.json")]);
}

#[test]
fn companions_carry_what_stages_declare_and_no_secret() {
    let project = open(&[
        ("conf/selfservice-reset.json", RESET),
        ("conf/selfservice.kba.json", r#"{"questions": {"1": {"en": "?"}}}"#),
        ("conf/external.email.json", r#"{"host": "h", "auth": {"enable": true, "username": "u", "password": "hunter2"}}"#),
    ]);
    let companions = project.companions();
    assert_eq!(companions.get("kba")["questions"]["1"]["en"], "?");
    assert_eq!(companions.get("jsonstore")["entryExpireSeconds"], 1800);
    assert!(companions.get("terms").is_null());
    assert!(!format!("{companions:?} {project:?}").contains("hunter2"));
}

#[test]
fn the_public_address_is_a_name_the_files_may_use() {
    let link = |files: &[(&str, &str)], listen: Option<&str>| {
        let stage = ("conf/selfservice-x.json", r#"{"stageConfigs": [{"verificationLink": "&{vestibule.public.url}/#/x/"}]}"#);
        let files = EmbeddedFiles::new(files.iter().copied().chain([stage]));
        let project = Project::open_at(&files, &|_: &str| None, listen.map(|address| address.parse().unwrap()));
        project.processes[0].value["stageConfigs"][0]["verificationLink"].as_str().unwrap().to_owned()
    };
    assert_eq!(link(&[], Some("127.0.0.1:9000")), "http://127.0.0.1:9000/#/x/");
    let settings = ("vestibule.toml", "[server]\npublic_url = \"https://id.example.test\"");
    assert_eq!(link(&[settings], Some("127.0.0.1:9000")), "https://id.example.test/#/x/");
    let boot = ("conf/boot/boot.properties", "vestibule.public.url=https://other.example.test");
    assert_eq!(link(&[settings, boot], None), "https://other.example.test/#/x/");
}

/// What is said about one listed process whose file holds this, and whether it can be due.
fn listed(name: &str, text: Option<&str>) -> (Vec<String>, bool) {
    let list = format!("{{\n  \"profileEnhancementProcesses\": [\n    \"selfservice/profile\",\n    \"selfservice/{name}\"\n  ]\n}}");
    let nested = r#"{"name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{"name": "city"}]}"#;
    let condition = r#"{"type": "queryFilter", "filter": "true"}"#;
    let good =
        format!("{{\"stageConfigs\": [{{\"name\": \"conditionaluser\", \"condition\": {condition}, \"onConditionTrue\": {nested}}}]}}");
    let file = format!("conf/selfservice-{name}.json");
    let mut files = vec![
        ("conf/auth.profile.json", list.as_str()),
        ("conf/selfservice-profile.json", good.as_str()),
        ("conf/ui-configuration.json", r#"{"configuration": {"passwordReset": "false"}}"#),
    ];
    files.extend(text.map(|text| (file.as_str(), text)));
    let project = open(&files);
    let (catalogue, companions) = (stages::catalogue(), project.companions());
    let mut compiled = BTreeMap::new();
    let mut found = project.diagnostics.clone();
    for process in &project.processes {
        let (made, more) = process.compile(&companions, &catalogue);
        found.extend(more);
        compiled.insert(process.name.as_str(), made);
    }
    let process = |name: &str| compiled.get(name).and_then(Option::as_ref);
    assert_eq!(check::listed::Unfit::of(&project, true, "profile", process("profile")), None);
    let said = check::listed::check(&project, true, &found, process);
    assert!(said.iter().all(|said| said.location.to_string() == "conf/auth.profile.json:4:5"), "{said:?}");
    (said.iter().map(ToString::to_string).collect(), check::listed::Unfit::of(&project, true, name, process(name)).is_none())
}

#[test]
fn every_reason_why_a_listed_process_counts_as_done_is_said_at_its_place_with_what_to_do() {
    let form = r#"{"name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{"name": "city"}]}"#;
    let process = |stages: &str, more: &str| format!("{{\"stageConfigs\": [{stages}]{more}}}");
    let admin = process(form, r#", "vestibule": {"audience": "admin"}"#);
    let user = process(form, r#", "vestibule": {"audience": "user"}"#);
    let lookup = process(
        r#"{"name": "userQuery", "validQueryFields": ["userName"], "identityServiceUrl": "managed/user"}, {"name": "retrieveUsername"}"#,
        "",
    );
    let personal = |stage: &str| {
        process(&format!("{{\"name\": \"conditionaluser\", \"condition\": {{\"type\": \"terms\"}}, \"onConditionTrue\": {stage}}}"), "")
    };
    let closed = personal(r#"{"name": "attributecollection", "attributes": [{"name": "accountStatus", "isRequired": "true"}]}"#);
    let cases: [(&str, Option<&str>, &str, &str, &str); 11] = [
        (
            "more",
            None,
            "hint[profile-process-missing]",
            "there is no process 'more'; it counts as done",
            "write conf/selfservice-more.json, or take it off the list",
        ),
        ("porfile", None, "hint[profile-process-missing]", "there is no process 'porfile'", "did you mean 'profile'?"),
        ("notes", Some("{}"), "warning[profile-process-missing]", "conf/selfservice-notes.json has no 'stageConfigs'", "write its stages"),
        (
            "torn",
            Some("{"),
            "warning[profile-process-broken]",
            "the process 'torn' has errors and is not served",
            "correct conf/selfservice-torn.json",
        ),
        (
            "slip",
            Some(r#"{"stageConfigs": [{"name": "nosuch"}]}"#),
            "warning[profile-process-broken]",
            "the process 'slip' has errors",
            "correct conf/selfservice-slip.json",
        ),
        (
            "lookup",
            Some(&lookup),
            "warning[profile-process-not-personal]",
            "('userQuery' at /stageConfigs/0 of conf/selfservice-lookup.json)",
            "take 'userQuery' out of it",
        ),
        (
            "captcha",
            Some(r#"{"stageConfigs": [{"name": "parameters", "parameterNames": ["a"]}]}"#),
            "warning[profile-process-not-personal]",
            "no stage of the process 'captcha' works on the signed-in person",
            "put its stages into 'conditionaluser'",
        ),
        ("reset", Some(&user), "warning[profile-process-switched-off]", "is switched off in conf/ui-configuration.json", "switch it on"),
        (
            "staff",
            Some(&admin),
            "warning[profile-process-closed]",
            "the audience of the process 'staff' is 'admin'",
            "say \"vestibule\": {\"audience\": \"user\"} in conf/selfservice-staff.json",
        ),
        (
            "kba",
            Some(&user),
            "warning[profile-process-taken]",
            "'selfservice/kba' is a resource of its own and not the process 'kba'",
            "rename conf/selfservice-kba.json",
        ),
        (
            "status",
            Some(&closed),
            "warning[profile-process-unanswerable]",
            "wants an answer for 'accountStatus' (at /stageConfigs/0/onConditionTrue/attributes/0/name of conf/selfservice-status.json)",
            "make 'accountStatus' 'userEditable'",
        ),
    ];
    for (name, text, rule, reason, help) in cases {
        let (said, owed) = listed(name, text);
        assert_eq!((said.len(), owed), (1, false), "{name}: {said:?}");
        for part in [rule, "/profileEnhancementProcesses/1: ", reason, help] {
            assert!(said[0].contains(part), "{part} in {}", said[0]);
        }
    }
    assert_eq!(listed("city", Some(&user)), (Vec::new(), true));
}

#[test]
fn questions_are_kept_and_counted_where_nothing_else_is() {
    let counter = r#"{"objects": [{"name": "user", "schema": {"properties": {
        "password": {"type": "string", "scope": "private"}, "mail": {"type": "string"}, "manager": {"type": "relationship"},
        "answers": {"type": "array"}, "tries": {"type": "number"}, "free": {}, "effectiveRoles": {"type": "array", "isVirtual": true}}}}]}"#;
    let kept = |property: &str, attempts: &str| {
        let text = format!(
            r#"{{"kbaPropertyName": "{property}", "numberOfAttemptsAllowed": 2, "kbaAttemptsPropertyName": "{attempts}", "questions": {{"1": {{"en": "?"}}}}}}"#
        );
        let project = open(&[("conf/selfservice-reset.json", RESET), ("conf/managed.json", counter), ("conf/selfservice.kba.json", &text)]);
        let mut pointers: Vec<String> =
            project.diagnostics.iter().filter(|found| found.rule == "unfit-property").map(|found| found.location.pointer.clone()).collect();
        pointers.sort();
        (project.questions.property, project.questions.attempts_property, pointers)
    };
    let named = |text: &str| Some(text.to_owned());
    for (property, attempts) in [("answers", "tries"), ("free", "KBA_lockout"), ("kbaInfo", "free"), ("elsewhere", "tries")] {
        assert_eq!(kept(property, attempts), (property.to_owned(), named(attempts), vec![]));
    }
    for property in ["authzRoles", "password", "mail", "manager", "effectiveRoles", "accountStatus", "_id", "_meta", "tries"] {
        assert_eq!(
            kept(property, "KBA_lockout"),
            ("kbaInfo".to_owned(), named("KBA_lockout"), vec!["/kbaPropertyName".to_owned()]),
            "{property}"
        );
    }
    for attempts in ["mail", "password", "manager", "answers", "authzRoles", "_rev", "kbaInfo"] {
        assert_eq!(kept("kbaInfo", attempts), ("kbaInfo".to_owned(), None, vec!["/kbaAttemptsPropertyName".to_owned()]), "{attempts}");
    }
}

#[test]
fn what_a_stage_inside_another_takes_for_a_password_is_one_of_that_stage_s_objects() {
    let object = |name: &str| {
        format!(r#"{{"name": "{name}", "schema": {{"properties": {{"pin": {{"type": "string", "encryption": {{"purpose": "x"}}}}}}}}}}"#)
    };
    let managed = format!(r#"{{"objects": [{}, {}]}}"#, object("user"), object("customer"));
    let process = r#"{"stageConfigs": [{"name": "conditionaluser", "identityServiceUrl": "managed/user",
        "condition": {"type": "queryFilter", "filter": "true"},
        "onConditionTrue": {"name": "resetStage", "identityServiceUrl": "managed/customer", "identityPasswordField": "pin"}}]}"#;
    let project = open(&[("conf/managed.json", &managed), ("conf/selfservice-mine.json", process)]);
    let is_password = |collection: &str| project.schemas.get(collection).unwrap().property("pin").unwrap().is_password;
    assert_eq!(["managed/customer", "managed/user"].map(is_password), [true, false]);
}

/// However little the project says of a type.
#[test]
fn both_ends_of_a_link_are_there_whatever_schema_the_project_declares() {
    let provider = r#"{"provider": "acme", "clientId": "me", "clientSecret": "s"}"#;
    for schema in [
        json!({}),
        json!({"schema": null}),
        json!({"schema": "x"}),
        json!({"schema": {}}),
        json!({"schema": {"type": "object", "properties": null}}),
        json!({"schema": {"properties": {}}, "properties": [{"name": "user", "scope": "private"}, {"name": "idps", "scope": "private"}]}),
        json!({"properties": [{"name": "sub", "type": "string"}]}),
        json!({"properties": {}}),
    ] {
        let object = |name: &str| {
            let mut object = schema.clone();
            object["name"] = json!(name);
            object
        };
        let managed = json!({"objects": [object("user"), object("acme")]}).to_string();
        let project = open(&[("conf/identityProvider-acme.json", provider), ("conf/managed.json", &managed)]);
        for (collection, name, many) in [("managed/user", "idps", true), ("managed/acme", "user", false)] {
            let property = project.schemas.get(collection).unwrap().property(name).unwrap();
            let found = property.relationship.as_ref().map(|relationship| relationship.many);
            assert_eq!((found, property.scope == identity::Scope::Private), (Some(many), false), "{collection} of {schema}");
        }
        assert_eq!(identity::LINKED_ACCOUNTS, social::LINKS);
        let has_name = project.schemas.get("managed/user").unwrap().property("userName").is_some();
        assert_eq!(has_name, !schema["schema"].is_object(), "without a schema the default one stands there: {schema}");
    }
}

#[test]
fn the_scripts_of_a_provider_may_be_files_of_the_project() {
    let provider = r#"{"provider": "acme", "clientId": "me", "normalizationScript": {"type": "text/javascript", "file": "norm.js"},
        "propertyMap": [{"source": "a", "target": "b", "transform": {"type": "text/javascript", "file": "&{idm.instance.dir}/script/map.js"}}]}"#;
    let listed = r#"{"providers": [{"provider": "other", "clientId": "me", "normalizationScript": {"file": "norm.js"}}]}"#;
    let project = open(&[
        ("conf/identityProvider-acme.json", provider),
        ("conf/identityProviders.json", listed),
        ("script/norm.js", "({a: 1})"),
        ("script/map.js", "source"),
    ]);
    for file in &project.providers {
        assert_eq!(file.scripts.text("norm.js"), Some("({a: 1})"), "{:?}", file.name());
    }
    let acme = project.providers.iter().find(|file| file.name() == Some("acme")).unwrap();
    let named = acme.value.pointer("/propertyMap/0/transform/file").and_then(serde_json::Value::as_str).unwrap();
    assert_eq!(acme.scripts.text(named), Some("source"), "{named}");
}
