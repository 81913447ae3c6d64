//! Keys of stages that name a property, a collection, a preference or a mail field: each is read against the object types and against
//! its neighbours, and a wrong one is an error of `check` at the key, with the spelling that was meant. The process is not served.

use serde_json::{Value, json};

use crate::support::server::run;
use crate::support::stages::{email_validation, kba, reset_stage, retrieve_username, user_query, with};
use crate::support::{Project, Server};

fn check(project: &Project) -> (Option<i32>, String) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    project.write_to(directory.path());
    let ran = run(&["check", "--project", directory.path().to_str().unwrap()], "");
    (ran.status.code(), String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// Stages as the product's classes name them; what has no class is as it was.
fn by_class(stages: &[Value]) -> Vec<Value> {
    const CLASSES: [(&str, &str); 5] = [
        ("userQuery", "org.forgerock.selfservice.stages.user.UserQueryConfig"),
        ("emailValidation", "org.forgerock.selfservice.stages.email.VerifyEmailAccountConfig"),
        ("resetStage", "org.forgerock.selfservice.stages.reset.ResetStageConfig"),
        ("retrieveUsername", "org.forgerock.selfservice.stages.user.RetrieveUsernameConfig"),
        ("kbaSecurityAnswerVerificationStage", "org.forgerock.selfservice.stages.kba.SecurityAnswerVerificationConfig"),
    ];
    let renamed = |stage: &Value| {
        let class = CLASSES.iter().find(|(name, _)| stage["name"] == *name).map(|(_, class)| *class);
        let mut stage = stage.clone();
        if let (Some(class), Some(members)) = (class, stage.as_object_mut()) {
            members.remove("name");
            members.insert("class".to_owned(), class.into());
        }
        stage
    };
    stages.iter().map(renamed).collect()
}

/// The error a process of these stages has at this pointer, with its help, whether they say their name or their class.
#[track_caller]
fn error_at(stages: &[Value], pointer: &str, words: &[&str]) {
    named_error_at(stages, pointer, words);
    let by_class = by_class(stages);
    if by_class != stages {
        named_error_at(&by_class, pointer, words);
    }
}

#[track_caller]
fn named_error_at(stages: &[Value], pointer: &str, words: &[&str]) {
    let (code, out) = check(&Project::new().process("tried", stages));
    assert_eq!(code, Some(1), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("conf/selfservice-tried.json:") && line.contains(&format!("] {pointer}: ")));
    let at = at.unwrap_or_else(|| panic!("nothing at {pointer}:\n{out}"));
    assert!(lines[at].contains(" error["), "{out}");
    let said = lines[at..lines.len().min(at + 2)].join("\n");
    for word in words {
        assert!(said.contains(word), "{word}:\n{out}");
    }
}

#[test]
fn a_property_that_is_not_there_is_an_error_at_its_key_with_the_spelling_that_was_meant() {
    let by_mail = |query: Value, reset: Value| [query, email_validation(), reset];
    error_at(
        &by_mail(user_query(), with(reset_stage(), "identityPasswordField", json!("pasword"))),
        "/stageConfigs/2/identityPasswordField",
        &["there is no property 'pasword' in managed/user", "did you mean 'password'?"],
    );
    error_at(
        &by_mail(with(user_query(), "validQueryFields", json!(["userName", "Mail"])), reset_stage()),
        "/stageConfigs/0/validQueryFields/1",
        &["'Mail'", "did you mean 'mail'?"],
    );
    error_at(
        &by_mail(with(user_query(), "identityUsernameField", json!("username")), reset_stage()),
        "/stageConfigs/0/identityUsernameField",
        &["did you mean 'userName'?"],
    );
    let form = json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": "telephone", "isRequired": true }] });
    error_at(&[form], "/stageConfigs/0/attributes/0/name", &["there is no property 'telephone'"]);
    let nested = json!({
        "name": "conditionaluser", "identityServiceUrl": "managed/user", "condition": { "type": "queryFilter", "filter": "/contry pr" },
        "onConditionTrue": { "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": "citty" }] },
    });
    error_at(std::slice::from_ref(&nested), "/stageConfigs/0/condition/filter", &["'contry'", "did you mean 'country'?"]);
    error_at(&[nested], "/stageConfigs/0/onConditionTrue/attributes/0/name", &["'citty'", "did you mean 'city'?"]);
}

#[test]
fn a_property_that_holds_something_else_is_an_error_at_its_key() {
    error_at(
        &[user_query(), email_validation(), with(reset_stage(), "identityPasswordField", json!("authzRoles"))],
        "/stageConfigs/2/identityPasswordField",
        &["holds no password", "did you mean 'password'?"],
    );
    error_at(
        &[user_query(), email_validation(), with(reset_stage(), "identityPasswordField", json!("description"))],
        "/stageConfigs/2/identityPasswordField",
        &["holds no password"],
    );
    error_at(
        &[with(user_query(), "validQueryFields", json!(["password"])), retrieve_username()],
        "/stageConfigs/0/validQueryFields/0",
        &["nobody can be found by 'password'"],
    );
    error_at(
        &[with(user_query(), "identityEmailField", json!("manager")), retrieve_username()],
        "/stageConfigs/0/identityEmailField",
        &["holds no mail address"],
    );
}

#[test]
fn a_key_whose_values_are_shown_or_compared_names_nothing_that_nobody_may_see() {
    let shown = |key: &str, property: &str, words: &[&str]| {
        error_at(&[with(user_query(), key, json!(property)), retrieve_username()], &format!("/stageConfigs/0/{key}"), words);
    };
    for key in ["identityUsernameField", "identityIdField", "identityAccountStatusField"] {
        shown(key, "password", &["'password' of managed/user is shown to nobody"]);
    }
    shown("identityUsernameField", "manager", &["holds no user name"]);
    shown("identityIdField", "kbaInfo", &["'kbaInfo'"]);
    shown("identityEmailField", "password", &["holds no mail address"]);
    shown("identityAccountStatusField", "manager", &["holds no status"]);
    shown("identityAccountStatusField", "mail", &["'mail' holds no status", "/stageConfigs/0/identityEmailField"]);
    shown("identityEmailField", "preferences/updatez", &["there is no property 'updatez' in 'preferences'", "did you mean 'updates'?"]);
    let active = json!({ "name": "validateActiveAccount", "accountStatusField": "userName" });
    error_at(&[user_query(), active, retrieve_username()], "/stageConfigs/1/accountStatusField", &["'userName' holds no status"]);
}

#[test]
fn nobody_is_found_by_a_private_property_whatever_the_other_fields_are() {
    let managed = json!({ "objects": [{ "name": "user", "schema": { "type": "object", "properties": {
        "userName": { "type": "string" }, "mail": { "type": "string" }, "password": { "type": "string" },
        "ssn": { "type": "string", "encryption": { "purpose": "x" } }, "plan": { "type": "string", "scope": "private" },
    } } }] });
    let with_key = |key: &str, value: Value| {
        let project = Project::new().json("conf/managed.json", &managed);
        check(&project.process("tried", &[with(with(user_query(), "validQueryFields", json!(["mail"])), key, value), retrieve_username()]))
    };
    for (key, value) in
        [("identityUsernameField", json!("ssn")), ("identityUsernameField", json!("plan")), ("validQueryFields", json!(["mail", "plan"]))]
    {
        let (code, out) = with_key(key, value);
        assert_eq!(code, Some(1), "{out}");
        assert!(out.contains("error[unfit-property]"), "{out}");
    }
    let served = Project::new()
        .json("conf/managed.json", &managed)
        .process("tried", &[with(user_query(), "validQueryFields", json!(["mail", "plan"])), retrieve_username()]);
    let server = Server::on(served).start();
    server.admin().get("selfservice/tried").refused(404);
}

#[test]
fn a_password_that_a_class_names_is_looked_at_as_one_that_a_name_does() {
    let stages = by_class(&[user_query(), email_validation(), with(reset_stage(), "identityPasswordField", json!("description"))]);
    let server = Server::on(Project::new().process("reset", &stages)).start();
    server.admin().get("selfservice/reset").refused(404);
    server.logged(0, "'description' of managed/user holds no password");
}

#[test]
fn a_collection_that_is_not_there_is_an_error() {
    error_at(
        &[with(user_query(), "identityServiceUrl", json!("managed/usr")), retrieve_username()],
        "/stageConfigs/0/identityServiceUrl",
        &["'managed/usr'", "did you mean 'managed/user'?"],
    );
}

#[test]
fn stages_that_disagree_name_each_other() {
    let elsewhere = with(user_query(), "identityEmailField", json!("description"));
    error_at(
        &[elsewhere.clone(), email_validation(), reset_stage()],
        "/stageConfigs/1/identityEmailField",
        &["'mail' here, but 'description' in 'userQuery' at /stageConfigs/0/identityEmailField"],
    );
    // One that says nothing means `mail`; the key that does say something is where it can be mended.
    let mut silent = email_validation();
    silent.as_object_mut().unwrap().remove("identityEmailField");
    error_at(&[elsewhere, silent, reset_stage()], "/stageConfigs/0/identityEmailField", &["'description'", "'mail'", "'emailValidation'"]);
    error_at(
        &[user_query(), email_validation(), with(reset_stage(), "identityServiceUrl", json!("managed/role"))],
        "/stageConfigs/2/identityServiceUrl",
        &["'managed/role' here, but 'managed/user' in 'userQuery' at /stageConfigs/0/identityServiceUrl"],
    );
}

#[test]
fn a_process_with_a_wrong_name_is_not_served_and_the_others_are() {
    let project = Project::new()
        .process("wrong", &[user_query(), email_validation(), with(reset_stage(), "identityPasswordField", json!("passwd"))])
        .process("right", &[user_query(), email_validation(), reset_stage()]);
    let server = Server::on(project).start();
    assert_eq!(server.admin().get("selfservice/wrong").status, 404);
    assert_eq!(server.anonymous().get("selfservice/right").status, 200);
    server.logged(0, "there is no property 'passwd'");
}

#[test]
fn what_needs_no_declaration_is_no_error() {
    let project =
        Project::new().process("reset", &[with(user_query(), "identityAccountStatusField", json!("accountStatus")), kba(), reset_stage()]);
    let (code, out) = check(&project);
    assert_eq!(code, Some(0), "{out}");
}
