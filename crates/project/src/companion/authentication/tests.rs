use super::*;
use crate::source::SourceFile;
use serde_json::json;
use std::collections::BTreeMap;

type Variables = BTreeMap<&'static str, &'static str>;

fn read_with(
    modules: &Value,
    settings: &Settings,
    variables: &Variables,
    boot: &[(&str, &str)],
) -> (Authentication, Vec<(Severity, &'static str)>) {
    let sink = Sink::default();
    let environment = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    let boot = boot.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let names = ProjectNames::new(&environment, vec![boot], "/project");
    let value = json!({"serverAuthContext": {
        "sessionModule": {"name": "JWT_SESSION", "properties": {"maxTokenLifeMinutes": "120", "tokenIdleTimeMinutes": 30, "sessionOnly": "true", "keyAlias": "x"}},
        "authModules": modules}});
    let document = Document::read(SourceFile::new("conf/authentication.json", &value.to_string()), &names, &sink).unwrap();
    let read = Authentication::read(&document, settings, &names, &environment, &sink);
    (read, sink.into_sorted().iter().map(|found| (found.severity, found.rule)).collect())
}

fn read(modules: &Value) -> (Authentication, Vec<(Severity, &'static str)>) {
    read_with(modules, &Settings::default(), &Variables::new(), &[])
}

fn anonymous(read: &Authentication) -> Option<String> {
    read.enabled().find_map(|module| match &module.kind {
        ModuleKind::StaticUser { username, password } if username == ANONYMOUS => {
            password.as_ref()?.plain().map(|secret| secret.expose().to_owned())
        }
        _ => None,
    })
}

fn managed() -> Value {
    json!({"name": "MANAGED_USER", "enabled": true, "properties": {"queryId": "credential-query", "queryOnResource": "managed/user",
        "defaultUserRoles": ["internal/role/openidm-authorized"], "propertyMapping": {"authenticationId": "username", "userCredential": "password", "userRoles": "authzRoles"}}})
}

#[test]
fn an_encrypted_anonymous_password_falls_back_with_one_warning() {
    let crypto = json!({"$crypto": {"value": {"key": "openidm-sym-default"}}});
    let modules = json!([{"name": "STATIC_USER", "properties": {"username": "anonymous", "password": crypto, "defaultUserRoles": ["openidm-reg"]}}, managed()]);
    let (read, found) = read(&modules);
    assert_eq!(anonymous(&read).as_deref(), Some("anonymous"));
    assert_eq!(found, [(Severity::Warning, "encrypted-value")]);
    assert_eq!(read.modules[0].roles, ["openidm-reg"]);
    assert_eq!(read.session, Session::default());
}

#[test]
fn an_undefined_anonymous_password_falls_back_with_one_warning() {
    let modules =
        json!([{"name": "STATIC_USER", "properties": {"username": "anonymous", "password": "&{openidm.anonymous.password}"}}, managed()]);
    let (read, found) = read_with(&modules, &Settings::default(), &Variables::new(), &[]);
    assert_eq!((anonymous(&read).as_deref(), found), (Some("anonymous"), vec![(Severity::Warning, "undefined-password")]));
    let defined = Variables::from([("OPENIDM_ANONYMOUS_PASSWORD", "other")]);
    let (read, found) = read_with(&modules, &Settings::default(), &defined, &[]);
    assert_eq!((anonymous(&read).as_deref(), found), (Some("other"), vec![]));
}

#[test]
fn anonymous_is_added_where_the_repository_held_him_and_not_where_he_is_refused() {
    assert_eq!(anonymous(&read(&json!([managed()])).0).as_deref(), Some("anonymous"));
    let refused = json!([{"name": "STATIC_USER", "enabled": false, "properties": {"username": "anonymous", "password": "x"}}, managed()]);
    assert_eq!(anonymous(&read(&refused).0), None);
}

#[test]
fn people_sign_in_unless_vestibule_toml_refuses() {
    let off = json!({"name": "MANAGED_USER", "enabled": false});
    let signs_in = |read: &Authentication| read.enabled().any(|module| module.kind == ModuleKind::ManagedUser);
    for (modules, expected) in [(json!([off]), Severity::Warning), (json!([]), Severity::Hint)] {
        let (read, found) = read(&modules);
        assert!(signs_in(&read));
        assert_eq!(found, [(expected, "managed-sign-in")]);
    }
    let settings = Settings { managed_sign_in: false, ..Settings::default() };
    let (read, found) = read_with(&json!([managed()]), &settings, &Variables::new(), &[]);
    assert!(!signs_in(&read) && found.is_empty());
}

#[test]
fn the_administrator_is_searched_in_three_places() {
    let declared = json!([{"name": "STATIC_USER", "properties": {"username": "openidm-admin", "password": "&{openidm.admin.password}",
        "defaultUserRoles": ["internal/role/openidm-authorized", "internal/role/openidm-admin"]}}, managed()]);
    let passwords = |read: &Authentication| {
        read.admin
            .sources
            .iter()
            .map(|source| source.password().map(Secret::expose))
            .map(|text| text.unwrap_or("?").to_owned())
            .collect::<Vec<_>>()
    };
    let (none, found) = read(&declared);
    assert_eq!((passwords(&none), found), (vec![], vec![]));
    let (boot, _) = read_with(&declared, &Settings::default(), &Variables::new(), &[("openidm.admin.password", "boot")]);
    assert_eq!(passwords(&boot), ["boot", "boot"]);
    let variables = Variables::from([("OPENIDM_ADMIN_PASSWORD", "variable")]);
    let (all, _) = read_with(&json!([managed()]), &Settings::default(), &variables, &[("openidm.admin.password", "boot")]);
    assert!(matches!(all.admin.sources[..], [AdminSource::Environment(_), AdminSource::BootProperties(_)]));
    assert_eq!(all.admin.password().unwrap().expose(), "variable");
    assert!(
        all.modules.iter().all(|module| !matches!(&module.kind, ModuleKind::StaticUser { username, .. } if username == "openidm-admin"))
    );
}

#[test]
fn a_published_administrator_password_is_warned_of() {
    let modules = json!([{"name": "STATIC_USER", "properties": {"username": "openidm-admin", "password": "openidm-admin"}}, managed()]);
    assert_eq!(read(&modules).1, [(Severity::Warning, "published-password")]);
}

#[test]
fn other_static_users_are_kept_and_undefined_ones_are_hints() {
    let modules = json!([
        {"name": "STATIC_USER", "properties": {"username": "&{openidm.prometheus.username}", "password": "x"}},
        {"name": "STATIC_USER", "properties": {"username": "metrics", "password": "&{openidm.prometheus.password}"}},
        {"name": "STATIC_USER", "properties": {"username": "sync", "password": "s", "defaultRoles": "internal/role/openidm-cert"}},
        managed()
    ]);
    let (read, found) = read(&modules);
    assert_eq!(found, [(Severity::Hint, "unusable-user"), (Severity::Hint, "unusable-user")]);
    let sync =
        read.modules.iter().find(|module| matches!(&module.kind, ModuleKind::StaticUser { username, .. } if username == "sync")).unwrap();
    assert_eq!(sync.roles, ["internal/role/openidm-cert"]);
}

#[test]
fn modules_that_do_not_exist_here_are_named() {
    let modules = json!([{"name": "PASSTHROUGH", "properties": {}}, {"name": "CLIENT_CERT"}, {"name": "IWA", "enabled": false}, managed()]);
    let (read, mut found) = read(&modules);
    found.sort_unstable();
    assert_eq!(found, [(Severity::Hint, "unsupported-module"), (Severity::Warning, "unsupported-module")]);
    assert!(read.modules.iter().any(|module| module.kind == ModuleKind::Unsupported("IWA".into())));
}

#[test]
fn a_file_for_am_tokens_gets_the_default_modules() {
    let sink = Sink::default();
    let environment = |_: &str| None;
    let names = ProjectNames::new(&environment, Vec::new(), "/project");
    let document =
        Document::read(SourceFile::new("conf/authentication.json", "{\"rsFilter\": {\"x\": \"&{nobody}\"}}"), &names, &sink).unwrap();
    let read = Authentication::read(&document, &Settings::default(), &names, &environment, &sink);
    assert_eq!((anonymous(&read).as_deref(), read.enabled().count()), (Some("anonymous"), 2));
    assert_eq!(sink.into_sorted()[0].rule, "no-sign-in-modules");
}

#[test]
fn an_empty_password_lets_nobody_in() {
    let modules = json!([{"name": "STATIC_USER", "properties": {"username": "metrics", "password": "&{nobody|}"}},
        {"name": "STATIC_USER", "properties": {"username": "openidm-admin", "password": " "}}, managed()]);
    let (read, found) = read(&modules);
    assert_eq!(found, [(Severity::Hint, "unusable-user")]);
    assert!(read.admin.sources.is_empty());
    assert!(matches!(&read.modules[0].kind, ModuleKind::StaticUser { password: None, .. }));
}
