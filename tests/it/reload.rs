//! Files are watched: a good change is taken up whole, a bad one is reported and what served before keeps serving.

use serde_json::{Value, json};

use crate::support::people::{NEW_PASSWORD, query, right_answers};
use crate::support::stages::{jwt, kba, parameters, reset_stage, retrieve_username, user_query, with};
use crate::support::{Person, Project, Server};

fn first_type(server: &Server, process: &str) -> String {
    server.anonymous().get(&format!("selfservice/{process}")).json()["type"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_changed_process_a_new_one_and_a_removed_one_are_taken_up_without_restart() {
    let server = Server::on(Project::new().process("lookup", &[user_query(), retrieve_username()])).start();
    assert_eq!(first_type(&server, "lookup"), "userQuery");
    let file = |stages: serde_json::Value| json!({ "stageConfigs": stages }).to_string();

    let mark = server.log_mark();
    server.write("conf/selfservice-lookup.json", &file(json!([parameters(), user_query(), retrieve_username()])));
    server.logged(mark, "the project was read again");
    assert_eq!(first_type(&server, "lookup"), "parameters");

    let mark = server.log_mark();
    server.write("conf/selfservice-second.json", &file(json!([user_query(), retrieve_username()])));
    server.logged(mark, "the project was read again");
    assert_eq!(first_type(&server, "second"), "userQuery");

    let mark = server.log_mark();
    std::fs::remove_file(server.project().join("conf/selfservice-second.json")).unwrap();
    server.logged(mark, "the project was read again");
    assert_eq!(server.admin().get("selfservice/second").refused(404), "Resource 'selfservice/second' not found");
}

#[test]
fn a_broken_change_is_reported_with_its_place_and_the_last_good_one_keeps_serving() {
    let server = Server::on(Project::new().process("lookup", &[user_query(), retrieve_username()])).start();
    for (broken, place) in [
        ("{ \"stageConfigs\": [ {", "conf/selfservice-lookup.json:1:"),
        ("{\n \"stageConfigs\": [\n  { \"name\": \"userQeury\" }\n ]\n}", "conf/selfservice-lookup.json:3:"),
        ("{ \"stageConfigs\": [ { \"name\": \"resetStage\" } ] }", "conf/selfservice-lookup.json:1:"),
    ] {
        let mark = server.log_mark();
        server.write("conf/selfservice-lookup.json", broken);
        let line = server.logged(mark, place);
        assert!(line.contains("ERROR"), "{line}");
        server.logged(mark, "the project was read again");
        assert_eq!(first_type(&server, "lookup"), "userQuery", "{broken}");
        server.anonymous().submit("lookup", None, &query("userName", "nobody-at-all")).refused(400);
    }
    let mark = server.log_mark();
    server.write("conf/selfservice-lookup.json", &json!({ "stageConfigs": [parameters(), user_query(), retrieve_username()] }).to_string());
    server.logged(mark, "the project was read again");
    assert_eq!(first_type(&server, "lookup"), "parameters", "it recovers");
}

/// A file that is served with an error in it is no excuse for half a file, or for another error.
#[test]
fn a_file_with_an_error_is_not_replaced_by_one_that_cannot_be_read_or_has_another() {
    let managed = |more: &Value| {
        let mut user = json!({ "name": "user", "onUpdate": { "type": "groovy", "source": "object.sn = 'x'" }, "schema": { "type": "object",
            "properties": { "userName": { "type": "string" }, "ssn": { "type": "string", "encryption": { "purpose": "x" } } } } });
        for (key, value) in more.as_object().into_iter().flatten() {
            user[key] = value.clone();
        }
        json!({ "objects": [user] }).to_string()
    };
    let server = Server::on(Project::new().file("conf/managed.json", managed(&json!({})))).start();
    let refused = |content: &str| {
        let mark = server.log_mark();
        server.write("conf/managed.json", content);
        server.logged(mark, "a changed file is not taken up");
    };
    refused("{ \"objects\": [");
    refused("[]");
    refused(&managed(&json!({ "onDelete": { "type": "groovy", "source": "other()" } })));
    let mark = server.log_mark();
    server.write("conf/managed.json", &managed(&json!({ "title": "Person" })));
    server.logged(mark, "the project was read again");
}

#[test]
fn a_process_that_is_broken_at_start_is_missing_and_the_rest_serves() {
    let project = Project::new()
        .process("good", &[user_query(), kba(), reset_stage()])
        .process("misspelt", &[with(user_query(), "name", json!("userQeury")), retrieve_username()])
        .process("unproven", &[user_query(), reset_stage()])
        .file("conf/selfservice-torn.json", "{ \"stageConfigs\": [")
        .file("conf/selfservice-notes.json.patch", "not json")
        .json("conf/selfservice-kbaConfig.json", &json!({ "questions": {} }));
    let server = Server::on(project).start();
    assert_eq!(first_type(&server, "good"), "userQuery");
    for process in ["misspelt", "unproven", "torn", "notes", "kbaConfig"] {
        assert_eq!(server.admin().get(&format!("selfservice/{process}")).status, 404, "{process}");
        let stranger = server.anonymous().get(&format!("selfservice/{process}")).status;
        assert!([403, 404].contains(&stranger), "{process}: {stranger}");
    }
    for words in ["userQuery", "selfservice-misspelt.json", "selfservice-unproven.json", "selfservice-torn.json"] {
        server.logged(0, words);
    }
}

#[test]
fn a_reload_tries_and_keeps_what_changed_and_nothing_else() {
    let lookup = [user_query(), retrieve_username()];
    let project = Project::new().process("one", &lookup).process("two", &lookup).process("three", &lookup);
    let project = project.file("vestibule.toml", "[limits]\nenabled = false\n");
    let server = Server::on(project).start();
    let file = |stages: serde_json::Value| json!({ "stageConfigs": stages });
    let changed = file(json!([parameters(), user_query(), retrieve_username()]));
    let again = |name: &str, text: &str| {
        let mark = server.log_mark();
        server.write(name, text);
        server.logged(mark, "the project was read again")
    };
    let line = again("conf/selfservice-two.json", &changed.to_string());
    assert!(line.contains("tried=1") && line.contains("kept=1"), "{line}");
    // The same definition, written otherwise.
    let line = again("conf/selfservice-two.json", &serde_json::to_string_pretty(&changed).unwrap());
    assert!(line.contains("tried=0") && line.contains("kept=0"), "{line}");
    // What processes stand on: each is tried again, and none is another definition.
    let line = again("vestibule.toml", "[limits]\nenabled = false\n[profile]\nquestions_settle_hours = 1\n");
    assert!(line.contains("tried=3") && line.contains("kept=0"), "{line}");
    // Over REST it is tried before it is written, and not once more.
    let mark = server.log_mark();
    server.admin().put("config/selfservice/three", &changed).expect(200);
    let line = server.logged(mark, "the project was read again");
    assert!(line.contains("tried=0") && line.contains("kept=1"), "{line}");
}

#[test]
fn whoever_began_many_versions_ago_goes_on_under_their_own() {
    let definition = |expiry: u64| json!({ "stageConfigs": [user_query(), kba(), reset_stage()], "snapshotToken": jwt(expiry) });
    let server = Server::on(Project::new().definition("reset", &definition(3600))).start();
    let (first, second) = (Person::with_answers(&server, "versions"), Person::with_answers(&server, "versions"));
    let client = server.anonymous();
    let begun = [(first, 0), (second, 1)].map(|(person, version)| {
        server.admin().put("config/selfservice/reset", &definition(3600 + version)).expect(200);
        let (asked, token) = client.goes_on("reset", None, &person.query());
        (person, asked, token)
    });
    // More than are held ready.
    for version in 2..14 {
        server.admin().put("config/selfservice/reset", &definition(3600 + version)).expect(200);
    }
    for (person, asked, token) in begun {
        let (_, token) = client.goes_on("reset", Some(&token), &right_answers(&asked).into());
        assert_eq!(client.submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).status, 200);
        assert!(server.signs_in(&person.name, NEW_PASSWORD));
    }
}
