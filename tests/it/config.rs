//! `config/*`: administrators read, replace and patch the project's files.

use serde_json::{Value, json};

use crate::support::http::Response;
use crate::support::profile::{project, signed_in};
use crate::support::stages::{captcha, email_validation, reset_stage, user_query};
use crate::support::{Person, Project, Server};

fn start() -> Server {
    let mail = json!({ "host": "127.0.0.1", "port": 1, "from": "a@example.test", "auth": { "enable": true, "username": "u", "password": "hunter2" }, "starttls": { "enable": false } });
    Server::on(
        project()
            .json("conf/external.email.json", &mail)
            .process("captcha", &[captcha("http://127.0.0.1:1/"), user_query(), email_validation(), reset_stage()]),
    )
    .start()
}

#[track_caller]
fn diagnostics(answer: &Response) -> Vec<Value> {
    answer.refused(400);
    let list = answer.json()["detail"]["diagnostics"].as_array().cloned().unwrap_or_default();
    assert!(!list.is_empty(), "{}", answer.text());
    list
}

#[test]
fn an_administrator_reads_replaces_and_patches_what_is_served_at_once() {
    let server = start();
    let admin = server.admin();
    for id in [
        "selfservice/reset",
        "selfservice.kba",
        "selfservice.terms",
        "external.email",
        "ui/configuration",
        "ui/themeconfig",
        "sync",
        "repo.init",
    ] {
        let body = admin.get(&format!("config/{id}")).ok();
        assert_eq!(body["_id"], json!(id));
    }
    let mut kba = admin.get("config/selfservice.kba").ok();
    kba["questions"]["9"] = json!({ "en": "Which colour?" });
    let body = admin.put("config/selfservice.kba", &kba).expect(200).json();
    assert_eq!(body["questions"]["9"]["en"], "Which colour?");
    let person = Person::create(&server, "cfg");
    assert_eq!(signed_in(&server, &person).get("selfservice/kba").ok()["questions"]["9"]["en"], "Which colour?", "it is served at once");
    let previous = std::fs::read_to_string(server.project().join("conf/selfservice.kba.json.previous")).unwrap();
    assert!(!previous.contains("Which colour?") && previous.contains("Which street?"), "the version before is kept");
    let patched = admin
        .patch("config/ui/configuration", &json!([{ "operation": "replace", "field": "/configuration/passwordReset", "value": false }]))
        .ok();
    assert_eq!(patched["configuration"]["passwordReset"], false);
    server.anonymous().get("selfservice/reset").refused(403);
    admin.patch("config/selfservice.terms", &json!([{ "operation": "replace", "field": "/versions", "value": [{ "version": "3.0", "termsTranslations": { "en": "New" }, "createDate": "2026-02-01T00:00:00.000Z" }] }, { "operation": "replace", "field": "/active", "value": "3.0" }])).expect(200);
    assert_eq!(signed_in(&server, &person).get("selfservice/terms").ok()["version"], "3.0");
    let made = admin.put("config/ui/dashboard", &json!({ "dashboard": { "widgets": [] } })).expect(201);
    assert!(made.header("location").unwrap().ends_with("/openidm/config/ui/dashboard"), "{made:?}");
    assert_eq!(signed_in(&server, &person).get("config/ui/dashboard").ok()["dashboard"]["widgets"], json!([]));
    let written = std::fs::read_to_string(server.project().join("conf/ui-dashboard.json")).unwrap();
    assert!(!written.contains("_id"), "{written}");
}

#[test]
fn what_would_not_load_is_refused_with_the_loaders_own_diagnostics_and_nothing_changes() {
    let server = start();
    let admin = server.admin();
    let before = std::fs::read_to_string(server.project().join("conf/selfservice-reset.json")).unwrap();
    let misspelt = admin.patch(
        "config/selfservice/reset",
        &json!([{ "operation": "replace", "field": "/stageConfigs", "value": [{ "name": "userQuerry" }] }]),
    );
    let found = diagnostics(&misspelt);
    let error = found.iter().find(|found| found["severity"] == "error").unwrap();
    assert_eq!(error["rule"], "unknown-stage");
    assert_eq!(error["file"], "conf/selfservice-reset.json");
    assert!(error["line"].is_u64() && error["pointer"].as_str().unwrap().starts_with("/stageConfigs/0"), "{error}");
    assert!(error["help"].as_str().unwrap().contains("userQuery"), "{error}");
    diagnostics(&admin.put("config/selfservice/reset", &json!({ "stageConfigs": [user_query(), reset_stage()] })));
    diagnostics(&admin.put("config/access", &json!({ "nothing": true })));
    diagnostics(&admin.put("config/selfservice/fresh", &json!({ "stageConfigs": [{ "name": "nosuch" }] })));
    assert_eq!(std::fs::read_to_string(server.project().join("conf/selfservice-reset.json")).unwrap(), before);
    assert!(
        !server.project().join("conf/selfservice-reset.json.previous").exists()
            && !server.project().join("conf/selfservice-fresh.json").exists()
    );
    server.anonymous().get("selfservice/reset").expect(200);
    admin.put("config/selfservice/fresh", &json!({ "stageConfigs": [user_query(), email_validation(), reset_stage()] })).expect(201);
    server.anonymous().get("selfservice/fresh").expect(200);
}

#[test]
fn a_process_is_made_by_its_future_id_removed_and_made_again() {
    let server = start();
    let admin = server.admin();
    let file = server.project().join("conf/selfservice-two-words.json");
    let process = json!({ "stageConfigs": [user_query(), email_validation(), reset_stage()] });
    let made = admin.clone().with("If-None-Match", "*").put("config/selfservice/two-words", &process).expect(201);
    admin.clone().with("If-None-Match", "*").put("config/selfservice/two-words", &process).refused(412);
    let (_, token) = server.anonymous().goes_on("two-words", None, &json!({ "queryFilter": "userName eq \"nobody\"" }));
    admin.clone().with("If-Match", "\"other\"").delete("config/selfservice/two-words").refused(412);
    assert!(file.exists());
    let gone = admin.clone().with("If-Match", made.header("etag").unwrap()).delete("config/selfservice/two-words").ok();
    assert_eq!((gone["_id"].clone(), gone["stageConfigs"][0]["name"].clone()), (json!("selfservice/two-words"), json!("userQuery")));
    assert!(!file.exists());
    let previous = std::fs::read_to_string(server.project().join("conf/selfservice-two-words.json.previous")).unwrap();
    assert!(previous.contains("userQuery"), "the version before is kept");
    for answer in [
        admin.get("config/selfservice/two-words"),
        admin.delete("config/selfservice/two-words"),
        admin.get("selfservice/two-words"),
        admin.submit("two-words", Some(&token), &json!({ "code": "x" })),
    ] {
        answer.refused(404);
    }
    admin.put("config/selfservice/two-words", &process).expect(201);
    server.anonymous().get("selfservice/two-words").expect(200);
}

#[test]
fn what_the_server_or_another_file_needs_is_not_removed() {
    let server = Server::on(project().json(
        "conf/access.json",
        &json!({ "configs": [{ "pattern": "*", "roles": "internal/role/openidm-admin", "methods": "*", "actions": "*" }] }),
    ))
    .start();
    let admin = server.admin();
    for id in ["access", "repo.init"] {
        let message = admin.delete(&format!("config/{id}")).refused(403);
        assert!(message.contains("replace it instead"), "{message}");
        assert_eq!(admin.get(&format!("config/{id}")).status, 200);
    }
    admin.delete("config/authentication").refused(404);
    admin.delete("config/nosuch").refused(404);
    admin.delete("config").refused(404);
    server.anonymous().delete("config/selfservice/reset").refused(403);
    admin.delete("config/selfservice.terms").expect(200);
    admin.get("config/selfservice.terms").refused(404);
    admin.get("selfservice/terms").refused(404);
    let embedded = Server::default_project().start();
    embedded.admin().delete("config/selfservice.kba").refused(403);
}

#[test]
fn configurations_are_listed_as_idm_lists_them_and_searched() {
    let server = start();
    let admin = server.admin();
    let all = admin.get("config").ok();
    assert_eq!(all["_id"], "");
    let named = |id: &str| all["configurations"].as_array().unwrap().iter().find(|one| one["_id"] == id).cloned().unwrap();
    assert_eq!(named("external.email"), json!({ "_id": "external.email", "pid": "external.email", "factoryPid": null }));
    let reset = named("selfservice/reset");
    assert_eq!(reset["factoryPid"], "selfservice");
    assert!(reset["pid"].as_str().unwrap().starts_with("selfservice."));
    let searched = |query: &str| admin.get(&format!("config?_queryFilter={query}")).ok();
    let found = searched("true");
    assert_eq!(found["resultCount"], json!(all["configurations"].as_array().unwrap().len()));
    assert!(!found.to_string().contains("hunter2"), "secrets are withheld here too");
    let processes = searched("factoryPid+eq+%22selfservice%22&_fields=_id,pid&_sortKeys=-_id&_pageSize=1&_totalPagedResultsPolicy=EXACT");
    assert_eq!((processes["totalPagedResults"].clone(), processes["resultCount"].clone()), (json!(2), json!(1)));
    assert_eq!(processes["result"][0]["pid"], reset["pid"]);
    assert!(processes["result"][0].get("stageConfigs").is_none());
    let cookie = processes["pagedResultsCookie"].as_str().unwrap();
    let second = searched(&format!("factoryPid+eq+%22selfservice%22&_sortKeys=-_id&_pageSize=1&_pagedResultsCookie={cookie}"));
    assert_eq!(second["result"][0]["_id"], "selfservice/captcha");
    assert_eq!(searched("stageConfigs+pr+and+_id+sw+%22selfservice/c%22")["resultCount"], 1);
    assert_eq!(searched("auth/password+co+%22hunter%22")["resultCount"], 0, "what is withheld cannot be guessed");
    let mut listed = second["result"][0].clone();
    listed["snapshotToken"] = json!({ "type": "jwt" });
    admin.put("config/selfservice/captcha", &listed).expect(200);
    let written = std::fs::read_to_string(server.project().join("conf/selfservice-captcha.json")).unwrap();
    assert!(!written.contains("factoryPid") && !written.contains("_rev"), "{written}");
    let person = Person::create(&server, "cfg");
    for path in ["config", "config?_queryFilter=true"] {
        signed_in(&server, &person).get(path).refused(403);
        server.anonymous().get(path).refused(403);
    }
    admin.get("config/managed?_queryFilter=true").refused(400);
}

#[test]
fn a_reader_with_the_current_revision_is_told_so() {
    let server = start();
    let admin = server.admin();
    let tag = admin.get("config/selfservice.kba").expect(200).header("etag").unwrap().to_owned();
    assert_eq!(admin.with("If-None-Match", &tag).get("config/selfservice.kba").status, 304);
}

#[test]
fn secrets_never_leave_and_stay_when_they_come_back_as_they_were() {
    let server = start();
    let admin = server.admin();
    let mail = admin.get("config/external.email").ok();
    assert!(!mail.to_string().contains("hunter2"), "{mail}");
    assert_eq!(mail["auth"]["username"], "u");
    let mut changed = mail;
    changed["from"] = json!("b@example.test");
    let body = admin.put("config/external.email", &changed).expect(200).json();
    assert!(!body.to_string().contains("hunter2"));
    let written = std::fs::read_to_string(server.project().join("conf/external.email.json")).unwrap();
    assert!(written.contains("hunter2") && written.contains("b@example.test"), "{written}");
    admin.patch("config/external.email", &json!([{ "operation": "replace", "field": "/from", "value": "c@example.test" }])).expect(200);
    assert!(std::fs::read_to_string(server.project().join("conf/external.email.json")).unwrap().contains("hunter2"));
    for steal in [
        json!([{ "operation": "copy", "from": "/auth/password", "field": "/from" }]),
        json!([{ "operation": "move", "from": "/auth/password", "field": "/auth/username" }]),
    ] {
        admin.patch("config/external.email", &steal).refused(400);
    }
    let captcha = admin.get("config/selfservice/captcha").ok();
    assert!(captcha["stageConfigs"][0]["recaptchaSecretKey"]["$crypto"].is_object(), "{captcha}");
    {
        let other = server.project().join("conf/external.email.json");
        assert!(std::fs::read_to_string(other).unwrap().contains("c@example.test"));
    }
}

#[test]
fn revisions_guard_and_unknown_names_lead_nowhere() {
    let server = start();
    let admin = server.admin();
    let read = admin.get("config/selfservice.kba").expect(200);
    let tag = read.header("etag").unwrap().to_owned();
    let patch = json!([{ "operation": "replace", "field": "/minimumAnswersToDefine", "value": 1 }]);
    admin.clone().with("If-Match", "\"other\"").patch("config/selfservice.kba", &patch).refused(412);
    admin.clone().with("If-Match", &tag).patch("config/selfservice.kba", &patch).expect(200);
    admin.clone().with("If-Match", &tag).patch("config/selfservice.kba", &patch).refused(412);
    admin.clone().with("If-None-Match", "*").put("config/selfservice.kba", &json!({})).refused(412);
    for id in ["nosuch", "../vestibule", "selfservice/..", "boot", "ui", "selfservice.kba.json", "selfservice/reset/x"] {
        let status = admin.get(&format!("config/{id}")).status;
        assert!([400, 404].contains(&status), "{id}: {status}");
        let status = admin.put(&format!("config/{id}"), &json!({ "a": 1 })).status;
        assert!([400, 404].contains(&status), "{id}: {status}");
    }
    admin.patch("config/jsonstore", &json!([{ "operation": "add", "field": "/entryExpireSeconds", "value": 5 }])).refused(404);
}

#[test]
fn only_administrators_and_never_the_embedded_project() {
    let server = start();
    let person = Person::create(&server, "cfg");
    let client = signed_in(&server, &person);
    for id in ["selfservice.kba", "external.email", "authentication", "selfservice/reset"] {
        client.get(&format!("config/{id}")).refused(403);
        client.put(&format!("config/{id}"), &json!({})).refused(403);
        server.anonymous().get(&format!("config/{id}")).refused(403);
    }
    client.patch("config/ui/dashboard", &json!([])).refused(403);
    let embedded = Server::default_project().start();
    let message = embedded
        .admin()
        .patch("config/selfservice.kba", &json!([{ "operation": "replace", "field": "/minimumAnswersToDefine", "value": 1 }]))
        .refused(403);
    assert!(message.contains("--project"), "{message}");
    assert!(embedded.admin().get("config/selfservice.kba").ok()["questions"].is_object());
}

#[test]
fn a_file_somebody_edits_at_the_same_time_is_not_overwritten() {
    let server = Server::on(Project::new()).start();
    let path = server.project().join("conf/selfservice.kba.json");
    let edited = std::fs::read_to_string(&path).unwrap().replace("Which street?", "{ broken");
    std::fs::write(&path, format!("{edited}}}}}")).unwrap();
    server
        .admin()
        .patch("config/selfservice.kba", &json!([{ "operation": "replace", "field": "/minimumAnswersToDefine", "value": 1 }]))
        .refused(409);
    assert!(std::fs::read_to_string(&path).unwrap().contains("broken"));
}

/// The rules that a project may have a condition of its own in, which nobody here knows.
fn tolerated(extra: usize) -> Value {
    let rule = |condition: &str| json!({ "pattern": "endpoint/own", "roles": "internal/role/openidm-authorized", "methods": "read", "actions": "", "customAuthz": condition });
    let mut rules =
        vec![json!({ "pattern": "*", "roles": "internal/role/openidm-admin", "methods": "*", "actions": "*" }), rule("nobody.knows(")];
    rules.extend((0..extra).map(|number| rule(&format!("nobody.knows{number}("))));
    json!({ "configs": rules })
}

#[test]
fn what_a_file_was_served_with_it_may_keep_and_only_what_is_new_is_refused() {
    let server = Server::on(Project::new().json("conf/access.json", &tolerated(0))).start();
    let admin = server.admin();
    for id in ["access", "selfservice/reset", "selfservice.kba", "ui/configuration"] {
        let answer = admin.get(&format!("config/{id}"));
        if answer.status == 200 {
            admin.put(&format!("config/{id}"), &answer.json()).expect(200);
        }
    }
    let mut access = admin.get("config/access").ok();
    access["configs"].as_array_mut().unwrap().insert(0, json!({ "pattern": "info/ping", "roles": "*", "methods": "read", "actions": "" }));
    admin.put("config/access", &access).expect(200);
    diagnostics(&admin.put("config/access", &tolerated(1)));
    assert_eq!(admin.get("config/access").ok()["configs"].as_array().unwrap().len(), 3);
}

#[test]
fn every_file_of_the_configuration_is_one_whether_something_here_reads_it_or_not() {
    let connector = json!({ "configurationProperties": { "host": "ldap.example.test", "credentials": "hunter2" } });
    let server = Server::on(
        Project::new()
            .json("conf/router.json", &json!({ "filters": [] }))
            .json("conf/notificationFactory.json", &json!({ "enabled": { "$bool": "&{openidm.notifications|false}" } }))
            .json("conf/internal.json", &json!({ "objects": [] }))
            .json("conf/provisioner.openicf-ldap.json", &connector),
    )
    .start();
    let admin = server.admin();
    let listed = admin.get("config?_queryFilter=true&_fields=_id").ok();
    let listed: Vec<&str> = listed["result"].as_array().unwrap().iter().filter_map(|one| one["_id"].as_str()).collect();
    for id in ["router", "notificationFactory", "internal", "provisioner.openicf/ldap"] {
        assert!(listed.contains(&id), "{id}: {listed:?}");
        let read = admin.get(&format!("config/{id}")).ok();
        assert!(!read.to_string().contains("hunter2"), "{read}");
        assert_eq!(admin.put(&format!("config/{id}"), &read).expect(200).json(), read);
    }
    let written = std::fs::read_to_string(server.project().join("conf/provisioner.openicf-ldap.json")).unwrap();
    assert!(written.contains("hunter2"), "{written}");
    admin.delete("config/router").refused(403);
    // What nothing here reads is not made.
    admin.put("config/scheduler", &json!({})).refused(404);
    admin
        .put(
            "config/notification/own",
            &json!({ "enabled": false, "path": "managed/user/*", "methods": ["update"],
        "target": { "resource": "managed/user/{{response/_id}}" }, "notification": { "notificationType": "info", "message": "x" } }),
        )
        .expect(201);
    let person = Person::create(&server, "cfg");
    for id in ["router", "internal", "provisioner.openicf/ldap"] {
        signed_in(&server, &person).get(&format!("config/{id}")).refused(403);
        server.anonymous().get(&format!("config/{id}")).refused(403);
    }
}

#[test]
fn a_withheld_secret_is_not_carried_to_another_place_or_address() {
    let server = start();
    let admin = server.admin();
    let mail = admin.get("config/external.email").ok();
    let mut moved = mail.clone();
    moved["host"] = json!("127.0.0.2");
    assert!(admin.put("config/external.email", &moved).refused(400).contains("address"));
    admin.patch("config/external.email", &json!([{ "operation": "replace", "field": "/host", "value": "127.0.0.2" }])).refused(400);
    moved["auth"]["password"] = json!("another");
    admin.put("config/external.email", &moved).expect(200);
    let captcha = admin.get("config/selfservice/captcha").ok();
    let secret = captcha["stageConfigs"][0]["recaptchaSecretKey"].clone();
    for change in [
        json!([{ "operation": "add", "field": "/uiConfig", "value": { "recaptchaSecretKey": secret } }]),
        json!([{ "operation": "replace", "field": "/stageConfigs", "value": [captcha_elsewhere(&captcha), user_query(), email_validation(), reset_stage()] }]),
    ] {
        admin.patch("config/selfservice/captcha", &change).refused(400);
    }
}

fn captcha_elsewhere(process: &Value) -> Value {
    let mut stage = process["stageConfigs"][0].clone();
    stage["recaptchaUri"] = json!("https://elsewhere.example.test/");
    stage
}
