//! REST as scripts and clients use it, in its details: what a path can be asked, `HEAD`, the language of the pages, notifications that a
//! project declares, values that are too long.

use serde_json::{Value, json};

use crate::support::http::Request;
use crate::support::people::{PASSWORD, unused};
use crate::support::profile::{server as shared, signed_in};
use crate::support::{Person, Project, Server};
use crate::world::world;

#[test]
fn a_path_says_what_can_be_asked_there_to_administrators() {
    let server = &world().server;
    let whole = server.admin().get("?_api").ok();
    assert!(whole["openapi"].as_str().unwrap().starts_with("3.") && whole["paths"].as_object().unwrap().len() > 20);
    let part = server.admin().get("managed/user?_api").ok();
    let paths: Vec<&String> = part["paths"].as_object().unwrap().keys().collect();
    assert!(!paths.is_empty() && paths.iter().all(|path| path.starts_with("/openidm/managed/")), "{paths:?}");
    server.admin().get("nosuch?_api").refused(404);
    server.anonymous().get("managed/user?_api").refused(403);
    server.anonymous().get("info/ping?_api").refused(403);
}

#[test]
fn head_is_get_without_a_body() {
    let server = &world().server;
    for (path, status) in [("info/ping", 200), ("managed/user?_queryFilter=true", 403), ("nosuch", 403)] {
        let request = |method: &str| {
            Request::new(method, &format!("/openidm/{path}"))
                .header("X-OpenIDM-Username", "anonymous")
                .header("X-OpenIDM-Password", "anonymous")
                .header("X-OpenIDM-NoSession", "true")
                .send(server.address())
        };
        let (get, head) = (request("GET"), request("HEAD"));
        assert_eq!((head.status, get.status), (status, status), "{path}");
        assert_eq!(head.text(), "", "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
    }
}

#[test]
fn the_pages_are_told_the_language_of_the_request_as_the_projects_texts_spell_it() {
    let texts = json!({ "kbaPropertyName": "kbaInfo", "minimumAnswersToDefine": 1, "minimumAnswersToVerify": 1,
        "questions": { "1": { "en": "Colour?", "en_GB": "Colour, please?", "fr": "Couleur ?" } } });
    let server = Server::on(Project::new().json("conf/selfservice.kba.json", &texts)).start();
    let language = |wanted: &str| {
        let answer = server.anonymous().with("Accept-Language", wanted).get("info/uiconfig").ok();
        answer["configuration"]["lang"].as_str().unwrap().to_owned()
    };
    for (wanted, expected) in [
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,en;q=0.9", "en_GB"),
        ("en-US", "en"),
        ("de-DE,de;q=0.9", "en"),
        ("de,fr;q=0.5", "fr"),
    ] {
        assert_eq!(language(wanted), expected, "{wanted}");
    }
    assert_eq!(server.anonymous().get("info/uiconfig").ok()["configuration"]["lang"], "en");
}

#[test]
fn the_columns_of_a_list_are_in_the_order_of_the_access_flags() {
    let desk = signed_in(shared(), &crate::support::profile::with_role(shared(), "desk", "bonn-desk"));
    let all = desk.get("privilege/managed/user").ok();
    let expected =
        json!(["userName", "givenName", "sn", "mail", "city", "password", "telephoneNumber", "manager", "accountStatus", "reports"]);
    assert_eq!(all["VIEW"]["properties"], expected);
}

#[test]
fn a_delegate_sees_who_a_reference_leads_to_and_reaches_nobody_by_it() {
    let desk = signed_in(shared(), &crate::support::profile::with_role(shared(), "desk", "bonn-desk"));
    let person = |city: &str| Person::with(shared(), "rel", &json!({ "city": city }));
    let (near, boss, far) = (person("Bonn"), person("Bonn"), person("Ulm"));
    let path = |person: &Person| format!("managed/user/{}", person.id);
    let manager = |to: &Person| json!([{ "operation": "replace", "field": "/manager", "value": { "_ref": path(to) } }]);
    desk.patch(&path(&near), &manager(&boss)).expect(200);
    let seen = desk.get(&format!("{}?_fields=*,manager/*", path(&near))).ok();
    assert_eq!((seen["userName"].clone(), seen["manager"]["userName"].clone()), (json!(near.name), json!(boss.name)));
    assert!(seen["manager"].get("description").is_none(), "{seen}");
    let there = desk.patch(&path(&near), &manager(&far));
    let nobody =
        desk.patch(&path(&near), &json!([{ "operation": "replace", "field": "/manager", "value": { "_ref": "managed/user/nosuch" } }]));
    assert_eq!((there.refused(400).replace(&far.id, "nosuch"), there.status), (nobody.refused(400), nobody.status));
    let found =
        desk.get(&format!("managed/user?_queryFilter=manager/_ref+eq+%22{}%22&_fields=userName,manager/userName", path(&boss))).ok();
    assert_eq!((found["resultCount"].clone(), found["result"][0]["manager"]["userName"].clone()), (json!(1), json!(boss.name)));
    desk.get("managed/user?_queryFilter=manager/userName+eq+%22x%22").refused(403);
}

#[test]
fn a_notification_is_made_as_the_projects_file_says() {
    let rule = |properties: Value, script: &str, message: &str| {
        json!({
            "enabled": { "$bool": "&{no.such.property|true}" }, "path": "managed/user/*", "methods": ["update", "patch"],
            "condition": { "type": "groovy", "globals": { "propertiesToCheck": properties }, "file": script },
            "target": { "resource": "managed/user/{{response/_id}}" },
            "notification": { "notificationType": "warning", "message": message },
        })
    };
    let project = Project::new()
        .json("conf/notificationFactory.json", &json!({ "enabled": true, "threadPool": { "steadyPoolThreads": 1 } }))
        .json(
            "conf/notification-moved.json",
            &rule(json!(["city", "postalCode"]), "propertiesModifiedFilter.groovy", "{{response/userName}} moved."),
        )
        .json("conf/notification-own.json", &rule(json!(["sn"]), "mine.groovy", "never"))
        .json("conf/notification-leaves.json", &{
            let mut own = rule(json!([]), "leaves.js", "{{response/userName}} has left {{response/stateProvince}}.");
            own["condition"] = json!({ "type": "text/javascript", "file": "leaves.js", "globals": { "states": ["NRW", "fails"] } });
            own
        })
        .file(
            "script/leaves.js",
            "var left = require('places').left; \
             if (object.stateProvince === 'fails') { throw 'of no matter'; } \
             left(states, oldObject, newObject) && method === 'patch' && patchOperations[0].field === '/stateProvince' \
                 && content.password === undefined && request.resourcePath === 'managed/user/' + object._id;",
        )
        .file("script/places.js", "exports.left = function (all, was, is) { return is.stateProvince !== was.stateProvince && all.indexOf(is.stateProvince) >= 0; };");
    let server = Server::on(project).start();
    assert!(server.log().contains("notification-own.json"), "what is not made is said");
    assert!(!server.log().contains("notification-leaves.json"), "{}", server.log());
    let person = Person::create(&server, "moved");
    let path = format!("managed/user/{}", person.id);
    let set = |field: &str, value: &str| json!([{ "operation": "replace", "field": format!("/{field}"), "value": value }]);
    let notes = || server.admin().get(&format!("{path}?_fields=_notifications/*")).ok()["_notifications"].clone();
    server.admin().patch(&path, &set("sn", "Other")).expect(200);
    assert_eq!(notes(), json!([]));
    server.admin().patch(&path, &set("city", "Bonn")).expect(200);
    assert_eq!(
        (notes()[0]["message"].clone(), notes()[0]["notificationType"].clone()),
        (json!(format!("{} moved.", person.name)), json!("warning"))
    );
    // By a script of the project's own; one that fails makes none and refuses nothing.
    for (state, count) in [("Hessen", 1), ("fails", 1), ("NRW", 2), ("NRW", 2)] {
        server.admin().patch(&path, &set("stateProvince", state)).expect(200);
        let notes = notes();
        assert_eq!(notes.as_array().unwrap().len(), count, "{state}: {notes}");
    }
    assert!(notes().as_array().unwrap().iter().any(|note| note["message"] == json!(format!("{} has left NRW.", person.name))));
    assert!(server.log().contains("the condition of a notification failed"), "{}", server.log());
}

#[test]
fn a_value_that_is_too_long_names_its_property_by_a_policy_clients_know() {
    let server = &world().server;
    let person = Person::create(server, "long");
    let path = format!("managed/user/{}", person.id);
    let patch = json!([{ "operation": "replace", "field": "/description", "value": "x".repeat(64 * 1024 + 1) }]);
    let own = server.user(&person.name, PASSWORD);
    let answer = own.patch(&path, &patch);
    answer.refused(403);
    let failure = answer.json()["detail"]["failedPolicyRequirements"][0].clone();
    assert_eq!(failure["property"], "description");
    assert_eq!(failure["policyRequirements"][0]["policyRequirement"], "LENGTH_BASED", "{failure}");
}

#[test]
fn scripts_encrypt_hash_and_send_what_templates_say() {
    let source = "
        object.sealed = openidm.encrypt({pin: object.description}, 'AES/CBC/PKCS5Padding', 'openidm-sym-default');
        if (!openidm.isEncrypted(object.sealed) || openidm.isEncrypted(object.description)) { throw 'not encrypted'; }
        if (openidm.decrypt(object.sealed).pin !== object.description) { throw 'not opened'; }
        var hashed = openidm.hash(object.description, 'SHA-256');
        if (!openidm.isHashed(hashed) || !openidm.matches(object.description, hashed) || openidm.matches('other', hashed)) { throw 'not hashed'; }
        openidm.action('external/email', 'sendTemplate', {templateName: 'greeting', to: object.mail, _locale: 'fr', object: {name: object.userName}});
        object.description = 'done';
    ";
    let text = json!({ "type": "string", "viewable": true });
    let user = json!({ "name": "user", "onCreate": { "type": "text/javascript", "source": source }, "schema": { "type": "object",
        "properties": { "userName": text, "mail": text, "description": text, "sealed": { "type": "object", "viewable": true } } } });
    let template = json!({ "enabled": true, "from": "desk@example.test", "subject": { "en": "Hello", "fr": "Bonjour" },
        "message": { "en": "<p>Hello {{object.name}}</p>", "fr": "<p>Bonjour {{object.name}}</p>" }, "defaultLocale": "en", "mimeType": "text/html" });
    let project =
        Project::new().json("conf/managed.json", &json!({ "objects": [user] })).json("conf/emailTemplate-greeting.json", &template);
    let server = Server::on(project).start();
    let name = unused("scripted");
    let mail = format!("{name}@example.test");
    let mark = crate::support::mailbox().mark();
    let made = server
        .admin()
        .post("managed/user?_action=create", &json!({ "userName": name, "mail": mail, "description": "4711-pin" }))
        .expect(201);
    assert_eq!(made.json()["description"], "done");
    let letter = crate::support::mailbox().after(mark, &mail);
    assert!(letter.body.contains(&format!("Bonjour {name}")), "{}", letter.body);
    assert!(!std::fs::read(server.data().join("vestibule.db")).unwrap().windows(8).any(|part| part == b"4711-pin"));
}
