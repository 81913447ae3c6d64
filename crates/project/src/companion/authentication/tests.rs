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
    let text = |path: &str| (path == "script/mine.js").then(|| "security.authorization.roles = []".to_owned());
    let files = ScriptFiles::gather([&document.value], &text);
    let read = Authentication::read(&document, settings, &names, &environment, &files, &sink);
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
fn anonymous_is_added_where_the_repository_held_it_and_not_where_it_is_refused() {
    assert_eq!(anonymous(&read(&json!([managed()])).0).as_deref(), Some("anonymous"));
    let refused = json!([{"name": "STATIC_USER", "enabled": false, "properties": {"username": "anonymous", "password": "x"}}, managed()]);
    assert_eq!(anonymous(&read(&refused).0), None);
}

#[test]
fn who_signs_in_with_a_password_kept_here_is_what_the_file_says_unless_vestibule_toml_says_otherwise() {
    let off = json!({"name": "MANAGED_USER", "enabled": false});
    let signs_in = |read: &Authentication| read.enabled().any(|module| module.kind == ModuleKind::ManagedUser);
    let said = |wanted: Option<bool>, modules: &Value| {
        let settings = Settings { managed_sign_in: wanted, ..Settings::default() };
        let (read, found) = read_with(modules, &settings, &Variables::new(), &[]);
        (signs_in(&read), found.len())
    };
    assert_eq!(said(None, &json!([off])), (false, 1), "switched off is off, and said");
    assert_eq!(said(Some(true), &json!([off])), (true, 1), "and on where vestibule.toml says so, which is said, too");
    assert_eq!(said(Some(false), &json!([off])), (false, 0));
    assert_eq!(said(None, &json!([])), (true, 1), "a project without the module keeps local sign-in, with a warning");
    assert_eq!(said(Some(true), &json!([])), (true, 0));
    assert_eq!(said(Some(false), &json!([])), (false, 0));
    assert_eq!(said(None, &json!([managed()])), (true, 0));
    assert_eq!(said(Some(false), &json!([managed()])), (false, 0));
    assert_eq!(read(&json!([])).1, [(Severity::Warning, "managed-sign-in")]);
}

/// The product's way to switch its administrator off.
#[test]
fn an_administrator_who_is_switched_off_has_no_password_but_that_of_the_environment() {
    let off = json!([{"name": "STATIC_USER", "enabled": false, "properties": {"username": "openidm-admin", "password": "x"}}, managed()]);
    let boot = [("openidm.admin.password", "boot")];
    let (read, _) = read_with(&off, &Settings::default(), &Variables::new(), &boot);
    assert!(read.admin.switched_off && read.admin.sources.is_empty());
    let variables = Variables::from([("OPENIDM_ADMIN_PASSWORD", "variable")]);
    let (read, _) = read_with(&off, &Settings::default(), &variables, &boot);
    assert!(!read.admin.switched_off && read.admin.password().is_some());
    let other = json!([off[0], {"name": "STATIC_USER", "properties": {"username": "root", "password": "y",
        "defaultUserRoles": ["internal/role/openidm-admin"]}}, managed()]);
    let (read, _) = read_with(&other, &Settings::default(), &Variables::new(), &[]);
    assert_eq!((read.admin.switched_off, read.admin.username.as_str()), (false, "root"));
}

#[test]
fn for_whom_users_may_act_is_read_with_what_would_let_nobody() {
    let with = |run_as: &Value| {
        let mut module = managed();
        module["properties"]["runAsProperties"] = run_as.clone();
        read(&json!([module]))
    };
    let (made, found) = with(&json!({"adminRoles": ["internal/role/openidm-admin"], "disallowedRunAsRoles": ["boss"],
        "defaultUserRoles": ["internal/role/openidm-authorized"], "queryId": "credential-query", "queryOnResource": "managed/customer",
        "propertyMapping": {"authenticationId": "mail", "userRoles": "roles"}}));
    let run_as = made.modules[0].run_as.as_ref().unwrap();
    assert_eq!((run_as.resource.as_str(), run_as.mapping.authentication_id.as_str(), found.len()), ("managed/customer", "mail", 0));
    for flawed in [json!({"disallowedRunAsRoles": []}), json!({"adminRoles": ["a"], "queryOnResource": "internal/user"})] {
        assert_eq!(with(&flawed).1, [(Severity::Warning, "run-as")], "{flawed}");
    }
}

#[test]
fn a_script_that_cannot_be_run_lets_nobody_in() {
    let with = |script: Value| {
        let mut module = managed();
        module["properties"]["augmentSecurityContext"] = script;
        let (read, found) = read(&json!([module]));
        (read.modules[0].script.clone(), found)
    };
    for product in [
        json!({"type": "text/javascript", "source": "require('auth/customAuthz').setProtectedAttributes(security)"}),
        json!({"file": "auth/populateAsManagedUser.js"}),
        json!({"type": "text/javascript", "source": ""}),
        json!({"type": "text/javascript", "source": ["", " "]}),
        json!({"type": "text/javascript", "globals": {}, "source":
            "var augmentYield = require('auth/customAuthz').setProtectedAttributes(security);require('auth/orgPrivileges').\
             assignPrivilegesToUser(resource, security, properties, subjectMapping, privileges, 'privileges', 'privilegeAssignments', augmentYield);"}),
        json!({"type": "text/javascript", "source": "require('auth/orgPrivileges').\
             assignPrivilegesToUser(resource, security, properties, subjectMapping, privileges, 'privileges', 'privilegeAssignments');"}),
        json!({"file": "auth/populateAsManagedUserFromRelationship.js"}),
        json!({"file": "auth/populateRolesFromRelationship.js"}),
        json!({"file": "auth/managedAuthnPopulateContext.js"}),
        json!({"file": "auth/mapUserFromClientCert.js"}),
        json!({"file": "auth/amSessionCheck.js"}),
    ] {
        assert_eq!(with(product), (SecurityScript::None, vec![]));
    }
    for own in [
        json!({"type": "text/javascript", "source": "security.authorization.roles = []"}),
        json!({"type": "text/javascript", "file": "mine.js", "wanted": 1}),
        json!({"type": "text/javascript", "source": ["var none = [];", "security.authorization.roles = none"]}),
    ] {
        let (script, found) = with(own);
        assert!(matches!(script, SecurityScript::Own(..)) && found.is_empty());
    }
    for lost in [
        json!({"type": "groovy", "source": "security"}),
        json!({"file": "none.js"}),
        json!({"file": "auth/deny-contractors.js"}),
        json!({"source": "if ("}),
        json!({}),
        json!({"type": "text/javascript", "name": "mine.js"}),
        json!({"source": "require('mine-too')"}),
        json!({"source": "openidm.action('external/email', 'send', {})"}),
        json!({"source": "openidm.patch(x, null, [])"}),
        // It makes anybody of whoever asks, by a header that is not known here.
        json!({"source": "var value = httpRequest.getHeaders().getFirst(header);\nif (value) { security.authorization = JSON.parse(value); }"}),
        json!({"source": "if (context.http.remoteAddress) { throw {code: 401}; }"}),
    ] {
        assert_eq!(with(lost), (SecurityScript::Refused, vec![(Severity::Error, "security-script")]));
    }
}

/// What lowers what somebody may do and cannot be read closes the way that it stands at.
#[test]
fn what_lowers_authority_and_cannot_be_read_is_not_as_if_it_were_not_there() {
    type Closed = fn(&Module) -> bool;
    let refused: Closed = |module| module.script == SecurityScript::Refused;
    let refuses_to_act: Closed = |module| module.run_as.as_ref().is_none_or(|run_as| run_as.script == SecurityScript::Refused);
    let run_as = |key: &str, value: Value| {
        let mut run_as = json!({"adminRoles": ["a"]});
        run_as[key] = value;
        json!({ "runAsProperties": run_as })
    };
    for (properties, closed) in [
        (json!({"augmentSecurityContext": "x"}), refused),
        (json!({"augmentSecurityContext": "&{nowhere}"}), refused),
        (json!({"augmentSecurityContext": {"file": "&{nowhere}"}}), refused),
        (json!({"augmentSecurityContext": {"source": {"a": 1}}}), refused),
        (json!({"augmentSecurityContext": {"source": ["var a = 1;", {"a": 1}]}}), refused),
        (json!({"augmentSecurityContext": {"source": ["var a = 1;", "&{nowhere}"]}}), refused),
        (json!({"queryId": "&{nowhere}"}), refused),
        (json!({"queryOnResource": "&{nowhere}"}), refused),
        (run_as("disallowedRunAsRoles", json!("&{nowhere}")), refuses_to_act),
        (run_as("disallowedRunAsRoles", json!(["boss", {"a": 1}])), refuses_to_act),
        (run_as("queryOnResource", json!("&{nowhere}")), refuses_to_act),
        (run_as("queryId", json!(["x"])), refuses_to_act),
        (run_as("augmentSecurityContext", json!("&{nowhere}")), refuses_to_act),
        (json!({"runAsProperties": "&{nowhere}"}), refuses_to_act),
    ] {
        let mut module = managed();
        module["properties"].as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
        let (read, found) = read(&json!([module]));
        assert!(closed(&read.modules[0]), "{properties}");
        assert!(found.iter().any(|(severity, _)| *severity == Severity::Error), "{properties}: {found:?}");
    }
    for enabled in [json!("&{nowhere}"), json!("off"), json!([])] {
        let mut module = managed();
        module["enabled"] = enabled.clone();
        let (read, _) = read(&json!([module]));
        assert!(read.enabled().all(|module| module.kind != ModuleKind::ManagedUser), "{enabled}");
    }
}

#[test]
fn a_query_of_the_project_s_own_lets_nobody_in_until_it_is_waived() {
    let with = |query: &str, waive: Value, run_as: bool| {
        let mut module = managed();
        let own = json!({"adminRoles": ["a"], "queryId": query, "vestibule": waive});
        if run_as {
            module["properties"]["runAsProperties"] = own;
        } else {
            module["properties"].as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
            module["properties"].as_object_mut().unwrap().remove("adminRoles");
        }
        let (read, found) = read(&json!([module]));
        let module = &read.modules[0];
        (module.run_as.as_ref().map_or(&module.script, |run_as| &run_as.script).clone(), found)
    };
    for run_as in [false, true] {
        for known in ["credential-query", "for-userName", "credential-internaluser-query", ""] {
            assert_eq!(with(known, Value::Null, run_as), (SecurityScript::None, vec![]), "{known}");
        }
        assert_eq!(with("active-staff", Value::Null, run_as), (SecurityScript::Refused, vec![(Severity::Error, "own-query")]));
        let waived = with("active-staff", json!({"waive": ["queryId"]}), run_as);
        assert_eq!(waived, (SecurityScript::None, vec![(Severity::Warning, "own-query")]));
        // What is waived must be there, and be spelled right.
        let nothing = with("credential-query", json!({"waive": ["queryId"]}), run_as);
        assert_eq!(nothing, (SecurityScript::None, vec![(Severity::Error, "unknown-waiver")]));
        let (script, mut found) = with("active-staff", json!({"waive": ["query"]}), run_as);
        found.sort_unstable();
        assert_eq!((script, found), (SecurityScript::Refused, vec![(Severity::Error, "own-query"), (Severity::Error, "unknown-waiver")]));
    }
}

/// A time is never more than what is written.
#[test]
fn the_times_of_a_session_are_what_the_file_says() {
    let read = |properties: Value| {
        let sink = Sink::default();
        let document = Document::as_written(SourceFile::new("x.json", &properties.to_string()), &sink).unwrap();
        let session = Session::read(&document.root(&sink));
        (session.max_life.as_secs_f64(), session.idle.as_secs_f64(), sink.into_sorted().len())
    };
    assert_eq!(read(json!({})), (7200.0, 1800.0, 0));
    assert_eq!(read(json!({"maxTokenLifeMinutes": "0.5", "tokenIdleTimeSeconds": 5})), (30.0, 5.0, 0));
    assert_eq!(read(json!({"maxTokenLifeMinutes": 120, "maxTokenLifeSeconds": "7", "tokenIdleTimeMinutes": ""})), (7.0, 1800.0, 0));
    assert_eq!(read(json!({"maxTokenLifeMinutes": 0, "tokenIdleTimeMinutes": "soon"})), (0.0, 0.0, 2));
    assert_eq!(read(json!({"maxTokenLifeMinutes": 9_999_999})), (366.0 * 86_400.0, 1800.0, 1));
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
    let read = Authentication::read(&document, &Settings::default(), &names, &environment, &ScriptFiles::default(), &sink);
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
