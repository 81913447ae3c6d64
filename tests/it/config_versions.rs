//! `vestibule/config/versions`: what the project's files said before, and going back. `vestibule/processes` and `vestibule/diagnostics`: what the
//! console shows of the project, over REST.

use serde_json::{Value, json};
use store::testing::Postgres;

use crate::support::people::{Answers, query, walk};
use crate::support::profile::project;
use crate::support::stages::{email_validation, kba, parameters, reset_stage, user_query};
use crate::support::{Client, Person, Project, Server};

/// Numbers of the versions of a configuration with who made them, newest first.
fn versions(admin: &Client, name: &str) -> Vec<Value> {
    admin.get(&format!("vestibule/config/versions?name={name}")).ok()["result"].as_array().unwrap().clone()
}

fn id(version: &Value) -> &str {
    version["_id"].as_str().unwrap()
}

fn mail(from: &str, password: &str) -> Value {
    json!({ "host": "127.0.0.1", "port": 1, "from": from, "auth": { "enable": true, "username": "u", "password": password },
        "starttls": { "enable": false } })
}

#[test]
fn a_change_over_rest_is_a_version_with_its_difference_and_who_made_it() {
    let server = Server::on(project()).start();
    let admin = server.admin();
    let before = versions(&admin, "selfservice.kba");
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!((&before[0]["who"], &before[0]["current"], &before[0]["removed"]), (&json!(null), &json!(true), &json!(false)));
    let mut kba = admin.get("config/selfservice.kba").ok();
    kba["questions"]["9"] = json!({ "en": "Which colour?" });
    let changed = admin.put("config/selfservice.kba", &kba).expect(200).json();
    // The same once more is no change.
    admin.put("config/selfservice.kba", &kba).expect(200);
    let after = versions(&admin, "selfservice.kba");
    assert_eq!(after.len(), 2, "{after:?}");
    assert_eq!((&after[0]["who"], &after[0]["current"], &after[1]["current"]), (&json!("openidm-admin"), &json!(true), &json!(false)));
    let one = admin.get(&format!("vestibule/config/versions/{}", id(&after[0]))).ok();
    let difference = one["difference"].as_str().unwrap();
    assert!(difference.starts_with("--- conf/selfservice.kba.json\n+++ conf/selfservice.kba.json\n@@ -"), "{difference}");
    assert!(difference.contains("\n+      \"en\": \"Which colour?\"\n"), "{difference}");
    assert_eq!((&one["content"]["questions"]["9"]["en"], &one["against"]), (&json!("Which colour?"), &json!(id(&after[1]))));
    let back = admin.get(&format!("vestibule/config/versions/{}?against=current", id(&after[1]))).ok();
    assert!(back["difference"].as_str().unwrap().contains("\n-      \"en\": \"Which colour?\"\n"), "{back}");
    let none = admin.get(&format!("vestibule/config/versions/{}?against={}", id(&after[0]), id(&after[0]))).ok();
    assert_eq!((&none["difference"], &none["onlyLayoutDiffers"]), (&json!(""), &json!(false)));

    // Back to it: not over what somebody else has changed since, and to the letter.
    let restore = format!("vestibule/config/versions/{}?_action=restore", id(&after[1]));
    admin.post(&restore, &json!({ "revision": "of-another-time" })).refused(412);
    admin.post(&restore, &json!({ "revision": 7 })).refused(400);
    let done = admin.post(&restore, &json!({ "revision": changed["_rev"] })).ok();
    assert_eq!(done, json!({ "status": "OK", "name": "selfservice.kba" }));
    assert_eq!(admin.get("config/selfservice.kba").ok()["questions"].get("9"), None, "it is served at once");
    let now = versions(&admin, "selfservice.kba");
    assert_eq!((now.len(), &now[0]["who"], &now[0]["current"]), (3, &json!("openidm-admin"), &json!(true)));
    let again = admin.post(&format!("vestibule/config/versions/{}?_action=restore", id(&now[0])), &json!({})).refused(409);
    assert!(again.contains("says already"), "{again}");
    // What was refused, too; it is written into a file soon.
    let told = || {
        let events = admin.get("audit/config?_queryFilter=eventName+eq+\"restore\"").ok();
        let of = |event: &Value| (event["status"].as_str().unwrap().to_owned(), event["detail"]["file"].as_str().unwrap().to_owned());
        let mut told: Vec<_> = events["result"].as_array().unwrap().iter().map(of).collect();
        told.sort_unstable();
        told
    };
    let expected = ["FAILED", "FAILED", "SUCCESSFUL"].map(|status| (status.to_owned(), "conf/selfservice.kba.json".to_owned()));
    assert!((0..400).any(|_| told() == expected), "{:?}", told());
}

#[test]
fn a_file_that_somebody_wrote_or_removed_in_the_directory_is_a_version_too() {
    let mut server = Server::on(project().process("second", &[user_query(), email_validation(), reset_stage()])).start();
    let admin = server.admin();
    let file = server.project().join("conf/selfservice-second.json");
    let first = std::fs::read_to_string(&file).unwrap();
    let written = format!(
        "// Without a beginning of its own.\n{}",
        json!({ "stageConfigs": [parameters(), user_query(), email_validation(), reset_stage()] })
    );
    let mark = server.log_mark();
    server.write("conf/selfservice-second.json", &written);
    server.logged(mark, "the project was read again");
    // Broken: it is served as it was, and nobody could go back to it.
    let mark = server.log_mark();
    server.write("conf/selfservice-second.json", "{ \"stageConfigs\": [ {");
    server.logged(mark, "the project was read again");
    let mark = server.log_mark();
    std::fs::remove_file(&file).unwrap();
    server.logged(mark, "the project was read again");
    let all = versions(&admin, "selfservice/second");
    let shape: Vec<_> =
        all.iter().map(|one| (one["removed"].as_bool().unwrap(), one["who"].is_null(), one["current"].as_bool().unwrap())).collect();
    assert_eq!(shape, [(true, true, true), (false, true, false), (false, true, false)], "{all:?}");
    let gone = admin.get(&format!("vestibule/config/versions/{}", id(&all[0]))).ok();
    assert!(gone["content"].is_null() && gone["difference"].as_str().unwrap().contains("\n-"), "{gone}");
    // To the letter, comments too.
    admin.post(&format!("vestibule/config/versions/{}?_action=restore", id(&all[1])), &json!({ "revision": "" })).expect(200);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    assert_eq!(server.anonymous().get("selfservice/second").ok()["type"], "parameters");
    // Back to a version in which it was gone removes it.
    admin.post(&format!("vestibule/config/versions/{}?_action=restore", id(&all[0])), &json!({})).expect(200);
    assert!(!file.exists());
    // What was changed while nobody served is seen at the next start, and what was not is not.
    assert_eq!(server.stop(), Some(0));
    std::fs::write(&file, &first).unwrap();
    server.start();
    let admin = server.admin();
    let now = versions(&admin, "selfservice/second");
    assert_eq!((now.len(), &now[0]["removed"], &now[0]["who"]), (6, &json!(false), &json!(null)), "{now:?}");
    assert_eq!(versions(&admin, "selfservice/reset").len(), 1);
}

#[test]
fn going_back_is_refused_for_what_would_not_load_today_and_for_what_the_server_needs() {
    let server = Server::on(project()).start();
    let admin = server.admin();
    let process = |stages: &[Value]| json!({ "stageConfigs": stages });
    let by_mail = [user_query(), email_validation(), reset_stage()];
    admin.put("config/selfservice/fresh", &process(&by_mail)).expect(201);
    let weak = versions(&admin, "selfservice/fresh");
    admin.put("config/selfservice/fresh", &process(&[user_query(), email_validation(), kba(), reset_stage()])).expect(200);
    // What proved enough then does not any more.
    let settings = std::fs::read_to_string(server.project().join("vestibule.toml")).unwrap_or_default();
    let mark = server.log_mark();
    server.write("vestibule.toml", &format!("{settings}\n[prove]\ncredential = [\"mail+answers\"]\n"));
    server.logged(mark, "the project was read again");
    let refused = admin.post(&format!("vestibule/config/versions/{}?_action=restore", id(&weak[0])), &json!({}));
    refused.refused(400);
    let found = refused.json()["detail"]["diagnostics"].as_array().cloned().unwrap();
    assert!(found.iter().any(|one| one["rule"] == "refuted" && one["file"] == "conf/selfservice-fresh.json"), "{found:?}");
    assert_eq!(admin.get("config/selfservice/fresh").ok()["stageConfigs"][2]["name"], "kbaSecurityAnswerVerificationStage");
    assert_eq!(versions(&admin, "selfservice/fresh").len(), 2, "nothing was taken up");

    let rules = json!({ "configs": [{ "pattern": "*", "roles": "internal/role/openidm-admin", "methods": "*", "actions": "*" }] });
    admin.put("config/access", &rules).expect(201);
    let mark = server.log_mark();
    std::fs::remove_file(server.project().join("conf/access.json")).unwrap();
    server.logged(mark, "the project was read again");
    admin.put("config/access", &rules).expect(201);
    let gone = versions(&admin, "access");
    assert_eq!(gone[1]["removed"], true, "{gone:?}");
    let needed = admin.post(&format!("vestibule/config/versions/{}?_action=restore", id(&gone[1])), &json!({})).refused(403);
    assert!(needed.contains("replace it instead"), "{needed}");
}

#[test]
fn secrets_are_never_shown_and_come_back_with_their_version() {
    let server = Server::on(project().json("conf/external.email.json", &mail("a@example.test", "hunter2"))).start();
    let admin = server.admin();
    let all = || versions(&admin, "external.email");
    let first = id(&all()[0]).to_owned();
    admin.put("config/external.email", &mail("b@example.test", "hunter3")).expect(200);
    admin.put("config/external.email", &mail("b@example.test", "hunter4")).expect(200);
    let listed = all();
    assert_eq!(listed.len(), 3);
    for version in &listed {
        for against in ["", "?against=current", &format!("?against={first}")] {
            let text = admin.get(&format!("vestibule/config/versions/{}{against}", id(version))).expect(200).text();
            assert!(!text.contains("hunter"), "{text}");
        }
    }
    let secret_alone = admin.get(&format!("vestibule/config/versions/{}", id(&listed[0]))).ok();
    assert_eq!((&secret_alone["difference"], &secret_alone["secretsThatDiffer"]), (&json!(""), &json!(["/auth/password"])));
    admin.post(&format!("vestibule/config/versions/{first}?_action=restore"), &json!({})).expect(200);
    let file = std::fs::read_to_string(server.project().join("conf/external.email.json")).unwrap();
    assert!(file.contains("hunter2") && file.contains("a@example.test"), "{file}");
    // Nor in the store.
    for name in std::fs::read_dir(server.data()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let bytes = std::fs::read(&name).unwrap();
        assert!(!bytes.windows(7).any(|part| part.starts_with(b"hunter")), "{}", name.display());
    }
}

#[test]
fn versions_are_asked_for_in_the_words_of_rest() {
    let server = Server::on(project()).start();
    let admin = server.admin();
    let page = admin.get("vestibule/config/versions?_queryFilter=name+eq+\"access\"&_fields=name,file").ok();
    assert_eq!(page["result"].as_array().unwrap().len(), 0, "the project has none");
    let page = admin.get("vestibule/config/versions?_queryFilter=true&_pageSize=1&_sortKeys=name").ok();
    assert_eq!(page["resultCount"], 1, "{page}");
    for (path, status) in [
        ("vestibule/config/versions?name=../x", 404),
        ("vestibule/config/versions?name=nosuch/x", 404),
        ("vestibule/config/versions/0", 404),
        ("vestibule/config/versions/x", 404),
        ("vestibule/config/versions/1?against=x", 400),
        ("vestibule/config/versions/1?against=2", 400),
        ("vestibule/config/versions/1?against=9999", 404),
    ] {
        admin.get(path).refused(status);
    }
    admin.post_empty("vestibule/config/versions/1?_action=other").refused(501);
    admin.post("vestibule/config/versions/9999?_action=restore", &json!({})).refused(404);
    let embedded = Server::default_project().start();
    assert_eq!(embedded.admin().get("vestibule/config/versions").ok()["result"], json!([]), "nobody can change it");
}

#[test]
fn nodes_that_share_a_store_note_a_change_once() {
    let url = Postgres::shared().store_named("versions");
    let (first, second) = (crate::postgres::node(&url), crate::postgres::node(&url));
    let count = |node: &Server| versions(&node.admin(), "selfservice.kba").len();
    assert_eq!((count(&first), count(&second)), (1, 1));
    let mut kba = first.admin().get("config/selfservice.kba").ok();
    kba["questions"]["9"] = json!({ "en": "Which colour?" });
    let mark = second.log_mark();
    first.admin().put("config/selfservice.kba", &kba).expect(200);
    second.logged(mark, "the project was read again");
    for node in [&first, &second] {
        let all = versions(&node.admin(), "selfservice.kba");
        assert_eq!((all.len(), &all[0]["who"], &all[0]["current"]), (2, &json!("openidm-admin"), &json!(true)), "{all:?}");
    }
}

/// One with a finding at a stage and one that is about the whole process.
fn with_findings() -> Project {
    let misspelt = crate::support::stages::with(user_query(), "validQuerryFields", json!(["mail"]));
    Project::new().definition("reset", &json!({ "stageConfigs": [misspelt, email_validation(), reset_stage()], "nobodyReadsThis": 1 }))
}

#[test]
fn processes_are_told_with_their_map_what_is_wrong_and_who_came_how_far() {
    let server = Server::on(with_findings()).start();
    let person = Person::create(&server, "told");
    walk(&server.anonymous(), "reset", &person, Answers::Code);
    server.anonymous().goes_on("reset", None, &query("mail", "nobody@example.test"));
    let admin = server.admin();
    let all = admin.get("vestibule/processes").ok();
    let reset = &all["result"][0];
    assert_eq!(
        (&reset["_id"], &reset["state"], &reset["file"]),
        (&json!("reset"), &json!("served"), &json!("conf/selfservice-reset.json"))
    );
    assert_eq!(reset["open"], json!({ reset["version"].as_str().unwrap(): 1 }));
    let one = admin.get("vestibule/processes/reset").ok();
    let steps = one["map"]["steps"].as_array().unwrap();
    assert_eq!(steps[0]["findings"][0]["rule"], "unknown-key", "{one}");
    assert_eq!((&steps[1]["findings"], &one["map"]["findings"][0]["rule"]), (&json!(null), &json!("unknown-key")));
    assert!(steps[1]["note"].as_str().unwrap().starts_with("2 entered, 1 completed, 0 left"), "{one}");
    let picture = admin.get("vestibule/processes/reset?_fields=picture&_mimeType=image/svg%2Bxml").expect(200);
    assert!(picture.text().starts_with("<svg ") && picture.text().contains("warning: unknown-key"), "{}", picture.text());
    admin.get("vestibule/processes/nosuch").refused(404);

    let found = admin.get("vestibule/diagnostics?_queryFilter=rule+eq+\"unknown-key\"").ok();
    assert_eq!(found["result"].as_array().unwrap().len(), 2, "{found}");
    let explained = admin.get("vestibule/diagnostics/unknown-key").ok();
    assert!(explained["text"].as_str().unwrap().contains("**Fix.**") && explained["fix"].is_string(), "{explained}");
    admin.get("vestibule/diagnostics/nosuch").refused(404);
}
