//! What the stock client demands: docs/protocol/clients.md, "Least server" (here), "What is not there" and "Points worth a test"
//! (below), line by line, and the client's sequences of calls as it makes them.

mod missing;
mod surprises;

use serde_json::{Value, json};

use crate::support::client::cookie;
use crate::support::http::Response;
use crate::support::people::{NEW_PASSWORD, PASSWORD, unused};
use crate::support::profile::{server, signed_in, with_anonymous_headers};
use crate::support::{Client, Person, Project, Server};

fn own(person: &Person) -> String {
    format!("managed/user/{}", person.id)
}

#[test]
fn c_11_1_1_and_2_bootstrap_answers_anonymous_callers() {
    let anonymous = server().anonymous();
    assert_eq!(anonymous.get("info/uiconfig").ok()["configuration"]["lang"], "en");
    let features = anonymous.get("info/features?_queryFilter=true").ok();
    let feature = |name: &str| features["result"].as_array().unwrap().iter().find(|item| item["name"] == name).cloned().unwrap_or_default();
    assert_eq!(
        (feature("passwordReset")["enabled"].clone(), feature("passwordReset")["endpoints"].clone()),
        (json!(true), json!(["selfservice/reset"]))
    );
    assert_eq!(feature("registration")["enabled"], false, "there is no such process");
    assert_eq!(feature("workflow")["enabled"], false);
    assert_eq!(feature("kba")["enabled"], true);
}

#[test]
fn c_11_1_3_there_are_no_social_providers() {
    let person = Person::create(server(), "social");
    assert_eq!(server().anonymous().get("authentication").ok()["providers"], json!([]));
    assert_eq!(with_anonymous_headers(&signed_in(server(), &person)).get("identityProviders").ok()["providers"], json!([]));
}

#[test]
fn c_11_1_4_signing_in_takes_a_cookie_a_password_or_nothing_and_says_who_one_is() {
    let person = Person::create(server(), "signin");
    let nothing = server().nobody().with("X-Requested-With", "XMLHttpRequest").post_empty("authentication?_action=login");
    nothing.refused(401);
    assert_eq!(nothing.json()["code"], 401);
    let client = server().nobody().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", PASSWORD);
    let login = client.post_empty("authentication?_action=login").expect(200);
    let session = server().nobody().with("Cookie", &cookie(&login).unwrap()).with("X-Requested-With", "XMLHttpRequest");
    for body in [login.json(), session.post_empty("authentication?_action=login").ok()] {
        let authorization = &body["authorization"];
        assert_eq!((authorization["id"].clone(), authorization["component"].clone()), (json!(person.id), json!("managed/user")));
        assert!(authorization["roles"].as_array().unwrap().contains(&json!("internal/role/openidm-authorized")), "{body}");
    }
    server().nobody().with("X-OpenIDM-Jwt", "worthless").post_empty("authentication?_action=login").refused(401);
}

#[test]
fn c_11_1_5_signing_out_is_2xx_with_and_without_a_session_and_clears_the_cookie() {
    let person = Person::create(server(), "signout");
    server().anonymous().post_empty("authentication?_action=logout").expect(200);
    let session = signed_in(server(), &person);
    let answer = with_anonymous_headers(&session).post_empty("authentication?_action=logout").expect(200);
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(session.get("info/login").status, 401);
}

#[test]
fn c_11_1_12_and_13_processes_are_read_and_submitted_with_and_without_a_session() {
    let person = Person::create(server(), "process");
    let page = with_anonymous_headers(&signed_in(server(), &person));
    for client in [server().anonymous(), page] {
        let first = client.get("selfservice/reset").ok();
        assert_eq!((first["type"].clone(), first["tag"].clone(), first.get("token")), (json!("userQuery"), json!("initial"), None));
        let (body, _) = client.goes_on("reset", None, &person.query());
        assert_eq!(body["type"], "emailValidation");
    }
}

#[test]
fn c_11_1_15_identity_providers_are_listed_and_none() {
    let person = Person::create(server(), "idp");
    assert_eq!(with_anonymous_headers(&signed_in(server(), &person)).get("identityProviders").ok()["providers"], json!([]));
}

#[test]
fn c_11_1_17_the_clients_build_is_served_at_the_root_of_the_same_origin() {
    let index = server().nobody().get("/").expect(200);
    assert!(index.header("content-type").unwrap().starts_with("text/html") && index.text().contains("id=\"app\""));
    for (path, kind) in [
        ("/index.html", "text/html"),
        ("/js/app.js", "javascript"),
        ("/css/app.css", "text/css"),
        ("/img/logo.svg", "image/svg"),
        ("/fonts/a.woff2", "font"),
        ("/favicon.ico", "image"),
    ] {
        let answer = server().nobody().get(path).expect(200);
        assert!(answer.header("content-type").unwrap().contains(kind), "{path}: {answer:?}");
    }
}

#[test]
fn c_11_1_6_the_own_object_is_read_with_every_list_of_fields_the_client_sends() {
    let person = Person::create(server(), "ownread");
    let client = signed_in(server(), &person);
    for fields in [
        "",
        "?_fields=idps/*",
        "?_fields=_notifications/*",
        "?_fields=*,idps/*,_meta/*,_notifications/*",
        "?_fields=*,idps/*,_meta/createDate,_meta/lastChanged,_meta/termsAccepted,_meta/loginCount",
    ] {
        let body = client.get(&format!("{}{fields}", own(&person))).ok();
        assert_eq!(body["_id"], json!(person.id), "{fields}");
        for secret in ["password", "kbaInfo", "fieldHistory"] {
            assert!(body.get(secret).is_none(), "{fields}: {body}");
        }
    }
    let whole = client.get(&format!("{}?_fields=*,idps/*,_meta/*,_notifications/*", own(&person))).ok();
    assert_eq!(whole["userName"], json!(person.name));
    assert!(whole.get("idps").is_none_or(|idps| *idps == json!([])), "{whole}");
    assert!(whole["_meta"]["createDate"].is_string(), "{whole}");
    assert!(whole["_notifications"].is_array(), "{whole}");
}

#[test]
fn c_11_1_7_and_delegated_endpoints_say_nothing_to_ordinary_people() {
    let person = Person::create(server(), "plain");
    let client = signed_in(server(), &person);
    assert_eq!(client.post_empty("privilege?_action=listPrivileges").ok(), json!([]));
    for path in ["privilege/managed/user", &format!("privilege/managed/user/{}", person.id)] {
        let body = client.get(path).ok();
        for permission in ["VIEW", "CREATE", "UPDATE"] {
            assert_eq!(body[permission], json!({ "allowed": false, "properties": [] }), "{path}");
        }
        assert_eq!(body["DELETE"]["allowed"], false);
    }
}

#[test]
fn c_11_1_8_every_schema_has_an_order_of_known_properties_and_preferences() {
    let person = Person::create(server(), "schema");
    let client = with_anonymous_headers(&signed_in(server(), &person));
    let admin = server().admin();
    for (client, path) in [(&client, "schema/managed/user"), (&admin, "schema/internal/user")] {
        let schema = client.get(path).ok();
        let properties = schema["properties"].as_object().unwrap();
        for name in schema["order"].as_array().unwrap() {
            assert!(properties.contains_key(name.as_str().unwrap()), "{path}: {name}");
        }
        assert!(schema["properties"]["preferences"]["properties"].is_object(), "{path}");
        assert!(schema["required"].is_array() && schema["icon"].is_string(), "{path}");
    }
}

#[test]
fn c_11_1_9_ordinary_people_read_dashboard_and_theme() {
    let person = Person::create(server(), "dash");
    let client = signed_in(server(), &person);
    assert_eq!(client.get("config/ui/dashboard").ok()["dashboard"]["widgets"][0]["type"], "Welcome");
    assert_eq!(server().anonymous().get("config/ui/themeconfig").ok()["icon"], "own.ico", "the project's own file");
    server().anonymous().get("config/ui/dashboard").refused(403);
}

#[test]
fn c_11_1_10_and_11_policies_are_told_and_checked_in_every_form() {
    let person = Person::create(server(), "policy");
    let client = with_anonymous_headers(&signed_in(server(), &person));
    for path in ["policy/managed/user".to_owned(), format!("policy/{}", own(&person))] {
        let properties = client.get(&path).ok()["properties"].clone();
        let password = properties.as_array().unwrap().iter().find(|property| property["name"] == "password").cloned().unwrap();
        assert!(password["policyRequirements"].as_array().unwrap().contains(&json!("MIN_LENGTH")), "{password}");
        assert!(password["policies"].as_array().unwrap().iter().all(|policy| policy["policyId"].is_string()), "{password}");
    }
    let failures = |path: &str, body: Value| {
        let answer = client.post(path, &body).ok();
        assert_eq!(answer["result"], json!(answer["failedPolicyRequirements"].as_array().unwrap().is_empty()));
        let list = answer["failedPolicyRequirements"].as_array().unwrap().clone();
        list.iter().map(|one| one["policyRequirements"][0]["policyRequirement"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for path in [
        format!("policy/{}/?_action=validateObject", own(&person)),
        format!("policy/{}?_action=validateObject", own(&person)),
        format!("policy/{}?_action=validateProperty", own(&person)),
        "policy/managed/user/policyTest?_action=validateObject".into(),
        "policy/managed/user/policy/?_action=validateObject".into(),
        "policy/selfservice/reset/?_action=validateObject".into(),
    ] {
        let found = failures(&path, json!({ "password": "short" }));
        assert!(found.contains(&"MIN_LENGTH".to_owned()), "{path}: {found:?}");
        assert_eq!(failures(&path, json!({ "password": PASSWORD })), Vec::<String>::new(), "{path}");
    }
    let form = json!({ "userName": person.name, "givenName": "G", "sn": "S", "mail": person.mail });
    assert_eq!(
        failures(&format!("policy/{}?_action=validateObject", own(&person)), form),
        Vec::<String>::new(),
        "what was not submitted is not reported (13.11)"
    );
}

#[test]
fn c_11_1_14_questions_are_read_and_replaced() {
    let person = Person::create(server(), "kba");
    let client = signed_in(server(), &person);
    let kba = with_anonymous_headers(&client).get("selfservice/kba").ok();
    assert_eq!((kba["minimumAnswersToDefine"].clone(), kba["questions"]["1"]["en"].clone()), (json!(2), json!("Which street?")));
    let path = format!("selfservice/user/{}", person.id);
    let replace = |value: Value| json!([{ "operation": "replace", "field": "/kbaInfo", "value": value }]);
    let body =
        client.patch(&path, &replace(json!([{ "answer": "Elm", "questionId": "1" }, { "answer": "Max", "customQuestion": "Who?" }]))).ok();
    assert_eq!(body["userName"], json!(person.name), "the whole object comes back");
    assert!(body.get("kbaInfo").is_none());
    for bad in [
        json!([]),
        json!({}),
        json!([{ "operation": "replace", "field": "/city", "value": [] }]),
        replace(json!([{ "questionId": "1" }])),
        replace(json!("x")),
    ] {
        client.patch(&path, &bad).refused(400);
    }
    let other = Person::create(server(), "kba");
    client.patch(&format!("selfservice/user/{}", other.id), &replace(json!([{ "answer": "a", "questionId": "1" }]))).refused(403);
    assert!(server().admin().get("selfservice/kba").ok()["questions"].is_object());
}

#[test]
fn c_11_1_16_consent_is_listed_given_and_taken_back() {
    let person = Person::create(server(), "consent");
    let client = signed_in(server(), &person);
    let list = client.get("consent?_queryFilter=/source%20eq%20%22managed/user%22").ok();
    assert_eq!(list["resultCount"], 1);
    let one = &list["result"][0];
    assert_eq!(
        (one["name"].clone(), one["displayName"].clone(), one["fields"][0]["name"].clone()),
        (json!("toDirectory"), json!("Directory"), json!("mail"))
    );
    let value = json!({ "consentDate": "2026-11-21T10:00:00.000Z", "mapping": "toDirectory" });
    let given = client.patch(&own(&person), &json!([{ "operation": "add", "field": "/consentedMappings/-", "value": value }])).ok();
    assert_eq!(given["consentedMappings"], json!([value]));
    assert_eq!(given["userName"], json!(person.name));
    let taken = client.patch(&own(&person), &json!([{ "operation": "remove", "field": "/consentedMappings", "value": value }])).ok();
    assert_eq!(taken.get("consentedMappings").cloned().unwrap_or(json!([])), json!([]));
}

#[test]
fn c_11_the_terms_are_told_without_scripts() {
    let person = Person::create(server(), "terms");
    let terms = signed_in(server(), &person).get("selfservice/terms").ok();
    assert_eq!((terms["version"].clone(), terms["termsTranslations"]["en"].clone()), (json!("2.0"), json!("<p>Be kind</p>")));
    assert!(terms["uiConfig"]["buttonText"].is_string());
    server().anonymous().get("selfservice/terms").refused(403);
}

#[test]
fn c_4_an_administrator_signs_in_at_the_stock_client() {
    let admin =
        server().nobody().session("openidm-admin", crate::support::server::ADMIN_PASSWORD).with("X-Requested-With", "XMLHttpRequest");
    let login = admin.post_empty("authentication?_action=login").ok();
    let (component, id) =
        (login["authorization"]["component"].as_str().unwrap().to_owned(), login["authorization"]["id"].as_str().unwrap().to_owned());
    assert_eq!(component, "internal/user");
    assert_eq!(admin.get(&format!("{component}/{id}")).ok()["_id"], json!(id));
    admin.get(&format!("schema/{component}")).expect(200);
    assert!(admin.post_empty("privilege?_action=listPrivileges").ok().is_array());
    assert!(admin.get(&format!("policy/{component}/{id}")).ok()["properties"].is_array());
    admin.patch(&format!("{component}/{id}"), &json!([{ "operation": "add", "field": "/x", "value": 1 }])).refused(403);
    admin.delete(&format!("{component}/{id}")).refused(403);
}

#[test]
fn c_9_every_form_of_patch_answers_with_the_whole_object() {
    let person = Person::with(server(), "forms", &json!({ "city": "Bonn", "preferences": { "updates": false } }));
    let client = signed_in(server(), &person);
    let patch = |operations: Value| client.patch(&own(&person), &operations).ok();
    let body = patch(
        json!([{ "operation": "add", "field": "/telephoneNumber", "value": "555-0100" }, { "operation": "add", "field": "/city", "value": "Ulm" }]),
    );
    assert_eq!(
        (body["telephoneNumber"].clone(), body["city"].clone(), body["sn"].clone()),
        (json!("555-0100"), json!("Ulm"), json!("Family"))
    );
    let body = patch(json!([{ "operation": "remove", "field": "/city" }]));
    assert!(body.get("city").is_none(), "a removed property is absent (13.22): {body}");
    assert_eq!(body["userName"], json!(person.name));
    let body = patch(json!([{ "operation": "replace", "field": "/preferences/updates", "value": true }]));
    assert_eq!(body["preferences"]["updates"], true);
    let body = patch(json!([{ "operation": "remove", "field": "/city" }]));
    assert_eq!(body["userName"], json!(person.name), "a patch that changes nothing answers with the whole object too");
}

#[test]
fn c_9_a_list_the_edit_form_adds_is_the_list_as_it_is_now() {
    let managed = json!({ "objects": [{ "name": "user", "schema": { "type": "object", "order": ["userName", "mail", "hobbies", "password"], "required": ["userName"], "properties": {
        "userName": { "type": "string", "viewable": true, "userEditable": true, "policies": [{ "policyId": "unique" }] },
        "mail": { "type": "string", "viewable": true, "userEditable": true },
        "password": { "type": "string", "viewable": false, "userEditable": true, "isProtected": true },
        "hobbies": { "type": "array", "viewable": true, "userEditable": true, "items": { "type": "string" } } } } }] });
    for (setting, expected) in [("", json!(["b"])), ("[profile]\nadd_lists = \"merge\"\n", json!(["a", "b"]))] {
        let project =
            Project::new().json("conf/managed.json", &managed).file("vestibule.toml", format!("[limits]\nenabled = false\n{setting}"));
        let server = Server::on(project).start();
        let name = unused("hobby");
        let created = server
            .admin()
            .post("managed/user?_action=create", &json!({ "userName": name, "password": PASSWORD, "hobbies": ["a", "b"] }))
            .expect(201)
            .json();
        let path = format!("managed/user/{}", created["_id"].as_str().unwrap());
        let client = server.nobody().session(&name, PASSWORD).with("X-Requested-With", "XMLHttpRequest");
        let body = client.patch(&path, &json!([{ "operation": "add", "field": "/hobbies", "value": ["b"] }])).ok();
        assert_eq!(body["hobbies"], expected, "{setting}");
        let admin = server.admin().patch(&path, &json!([{ "operation": "add", "field": "/hobbies", "value": ["c"] }])).ok();
        assert!(admin["hobbies"].as_array().unwrap().len() > 1, "for everybody else lists are merged, as documented");
    }
}

#[test]
fn c_9_the_password_needs_the_present_one_and_refuses_with_403() {
    let person = Person::create(server(), "reauth");
    let client = signed_in(server(), &person);
    let change = |value: &str| json!([{ "operation": "add", "field": "/password", "value": value }]);
    for wrong in [None, Some("wrong"), Some("UTF-8''wr%40ng%20pass"), Some(" ")] {
        let client = wrong.map_or(client.clone(), |wrong| client.clone().with("X-OpenIDM-Reauth-Password", wrong));
        let message = client.patch(&own(&person), &change(NEW_PASSWORD)).refused(403);
        assert!(message.starts_with("Reauthentication failed"), "{message}");
    }
    let right = client.clone().with("X-OpenIDM-Reauth-Password", "UTF-8''Str0ngEnough%21");
    let weak = right.patch(&own(&person), &change("short"));
    weak.refused(403);
    assert_eq!(weak.json()["detail"]["failedPolicyRequirements"][0]["property"], "password");
    let other = server().nobody().session(&person.name, PASSWORD);
    right.patch(&own(&person), &change(NEW_PASSWORD)).expect(200);
    assert_eq!(other.get("info/login").status, 401, "other sessions end");
    assert_eq!(client.get("info/login").status, 200, "this one stays");
}

#[test]
fn c_9_ones_own_account_is_deleted_and_signing_out_works_afterwards() {
    let person = Person::create(server(), "gone");
    let client = signed_in(server(), &person);
    let other = server().nobody().session(&person.name, PASSWORD);
    client.patch(&own(&person), &json!([{ "operation": "add", "field": "/city", "value": "Ulm" }])).expect(200);
    assert_eq!(client.delete(&own(&person)).expect(200).json()["_id"], json!(person.id));
    assert_eq!(other.get("info/login").status, 401);
    let answer = with_anonymous_headers(&client).post_empty("authentication?_action=logout").expect(200);
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert!(!server().signs_in(&person.name, PASSWORD));
}

#[test]
fn c_9_notifications_come_are_dismissed_one_by_one_and_all_at_once() {
    let (person, other) = (Person::create(server(), "bell"), Person::create(server(), "bell"));
    let client = signed_in(server(), &person);
    let poll = || {
        client.clone().without("X-Requested-With").get(&format!("{}?_fields=_notifications/*", own(&person))).ok()["_notifications"]
            .as_array()
            .unwrap()
            .clone()
    };
    assert!(poll().is_empty());
    for city in ["Ulm", "Köln", "Bonn"] {
        client.patch(&own(&person), &json!([{ "operation": "add", "field": "/city", "value": city }])).expect(200);
    }
    let found = poll();
    assert_eq!(found.len(), 3);
    for part in ["_id", "notificationType", "message", "createDate"] {
        assert!(found[0][part].is_string(), "{}", found[0]);
    }
    let path = format!("internal/notification/{}", found[0]["_id"].as_str().unwrap());
    signed_in(server(), &other).delete(&path).refused(404);
    signed_in(server(), &other).get(&path).refused(404);
    client.get(&path).expect(200);
    client.delete(&path).expect(200);
    client.delete(&path).refused(404);
    assert_eq!(poll().len(), 2);
    let all = |client: &Client, target: &Person| {
        client
            .clone()
            .without("X-Requested-With")
            .with("X-OpenIDM-NoSession", "true")
            .post_empty(&format!("notification?_action=deleteNotificationsForTarget&target={}", own(target)))
    };
    all(&signed_in(server(), &other), &person).refused(403);
    all(&client, &person).expect(200);
    assert!(poll().is_empty());
}

#[test]
fn c_2_4_9_the_clients_sequences_run_as_it_makes_them() {
    let person = Person::create(server(), "replay");
    let nobody = server().nobody();
    let anonymous = server().anonymous();
    parallel(&[(&anonymous, "GET", "info/uiconfig", None), (&anonymous, "GET", "info/features?_queryFilter=true", None)]);
    let probe = nobody.clone().with("X-Requested-With", "XMLHttpRequest").post_empty("authentication?_action=login");
    assert_eq!(probe.refused(401), "Access Denied");
    anonymous.get("authentication").expect(200);
    anonymous.post_empty("authentication?_action=logout").expect(200);
    let credentials = nobody.clone().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", PASSWORD);
    let login = credentials.post_empty("authentication?_action=login").expect(200);
    let session = nobody.with("Cookie", &cookie(&login).unwrap());
    let both = session.clone().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", PASSWORD);
    let hidden = with_anonymous_headers(&session);
    let own = own(&person);
    let answers = parallel(&[
        (&both, "GET", &own, None),
        (&both, "POST", "privilege?_action=listPrivileges", None),
        (&hidden, "GET", "schema/managed/user", None),
    ]);
    assert_eq!(answers[0].json()["_id"], json!(person.id));
    let ajax = session.with("X-Requested-With", "XMLHttpRequest");
    ajax.get("config/ui/dashboard").expect(200);
    let password = json!({ "password": "" });
    parallel(&[
        (&hidden, "GET", &format!("policy/{own}"), None),
        (&hidden, "GET", "selfservice/kba", None),
        (&hidden, "GET", "identityProviders", None),
        (&ajax, "GET", "consent?_queryFilter=/source%20eq%20%22managed/user%22", None),
        (&hidden, "GET", &format!("{own}?_fields=idps/*"), None),
        (&hidden, "POST", &format!("policy/{own}/?_action=validateObject"), Some(&password)),
    ]);
    ajax.patch(&own, &json!([{ "operation": "add", "field": "/city", "value": "Ulm" }])).expect(200);
    hidden.post_empty("authentication?_action=logout").expect(200);
    assert_eq!(ajax.get(&own).status, 401);
}

/// Sends requests at the same time; all must succeed.
#[track_caller]
fn parallel(calls: &[(&Client, &str, &str, Option<&Value>)]) -> Vec<Response> {
    let answers: Vec<Response> = std::thread::scope(|scope| {
        let sent: Vec<_> = calls
            .iter()
            .map(|(client, method, path, body)| {
                let request = client.request(method, path);
                let request = body.map_or(request.clone(), |body| request.json(body));
                scope.spawn(move || client.send(&request))
            })
            .collect();
        sent.into_iter().map(|call| call.join().unwrap()).collect()
    });
    for (answer, (_, method, path, _)) in answers.iter().zip(calls) {
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
    }
    answers
}

#[test]
fn sessions_live_as_long_as_authentication_json_says() {
    let authentication = json!({ "serverAuthContext": {
        "sessionModule": { "name": "JWT_SESSION", "properties": { "maxTokenLifeMinutes": "10", "tokenIdleTimeMinutes": 4 } },
        "authModules": [
            { "name": "STATIC_USER", "enabled": true, "properties": { "queryOnResource": "internal/user", "username": "anonymous", "password": "anonymous", "defaultUserRoles": ["internal/role/openidm-reg"] } },
            { "name": "MANAGED_USER", "enabled": true, "properties": { "queryId": "credential-query", "queryOnResource": "managed/user", "defaultUserRoles": ["internal/role/openidm-authorized"],
                "propertyMapping": { "authenticationId": "username", "userCredential": "password", "userRoles": "authzRoles" } } }] } });
    let server = Server::on(Project::new().json("conf/authentication.json", &authentication)).clock_stands().start();
    let person = Person::create(&server, "life");
    let (idle, used) = (signed_in(&server, &person), signed_in(&server, &person));
    for _ in 0..3 {
        server.advance(150);
        used.get(&format!("{}?_fields=_notifications/*", own(&person))).expect(200);
    }
    assert_eq!(idle.get("info/login").status, 401, "idle for four minutes");
    server.advance(160);
    assert_eq!(used.get("info/login").status, 401, "ten minutes, used or not");
}
