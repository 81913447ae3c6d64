//! docs/protocol/clients.md, "Points worth a test", line by line.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::own;
use crate::support::client::{Link, cookie};
use crate::support::http::Response;
use crate::support::mailbox::mailbox;
use crate::support::newcomer::{Newcomer, signs_in_with};
use crate::support::people::{NEW_PASSWORD, PASSWORD, unused};
use crate::support::profile::{signed_in, with_anonymous_headers};
use crate::support::stages::{definition, email_username, email_validation, jwt, reset_stage, retrieve_username, user_query, with};
use crate::support::{Client, Person, Project, Server};

fn conditional(condition: &Value, then: &Value) -> Value {
    json!({ "name": "conditionaluser", "identityServiceUrl": "managed/user", "condition": condition, "evaluateConditionOnField": "user", "onConditionTrue": then })
}

fn telephone(required: bool) -> Value {
    json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": "telephoneNumber", "isRequired": required }],
        "uiConfig": { "displayName": "Telephone", "purpose": "So that we can call", "buttonText": "Save" } })
}

fn terms(active: &str) -> Value {
    let version =
        |name: &str, text: &str| json!({ "version": name, "termsTranslations": { "en": text }, "createDate": "2026-01-01T00:00:00.000Z" });
    json!({ "versions": [version("1", "<b>One</b><script>alert(1)</script><img src=x onerror=alert(1)>"), version("2", "Two")], "active": active,
        "uiConfig": { "displayName": "Terms", "purpose": "Accept", "buttonText": "Accept" } })
}

fn registration() -> Vec<Value> {
    let details = json!({ "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": false, "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"], "registrationPreferences": ["updates"] });
    vec![
        json!({ "name": "parameters", "parameterNames": ["returnParams"] }),
        details,
        json!({ "name": "termsAndConditions" }),
        with(email_validation(), "verificationLink", json!("https://id.example.test/#/registration/")),
        json!({ "name": "selfRegistration", "identityServiceUrl": "managed/user" }),
        json!({ "name": "localAutoLogin", "successUrl": "", "identityUsernameField": "userName", "identityPasswordField": "password" }),
    ]
}

/// What an operator's project has: the documented processes, and a form at the fourth sign-in.
fn project() -> Project {
    let fourth = json!({ "type": "loginCount", "interval": "at", "amount": 4 });
    Project::new()
        .definition("registration", &with(definition(&registration(), &jwt(300), "stateless"), "allInOneRegistration", json!(true)))
        .process("reset", &[user_query(), email_validation(), reset_stage()])
        .process("username", &[user_query(), email_username(), retrieve_username()])
        .process("profile", &[conditional(&fourth, &telephone(false))])
        .json("conf/selfservice.terms.json", &terms("1"))
        .json(
            "conf/auth.profile.json",
            &json!({ "profileEnhancementProcesses": ["selfservice/profile"], "authorizationRole": "internal/role/openidm-authorized" }),
        )
}

fn server() -> &'static Server {
    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::on(project()).start());
    &SERVER
}

/// Signs in as the stock page does: the session, as the page uses it, and what was answered.
#[track_caller]
fn sign_in(server: &Server, person: &Person) -> (Client, Value) {
    let client = server.nobody().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", PASSWORD);
    let answer = client.post_empty("authentication?_action=login").expect(200);
    let session = server.nobody().with("Cookie", &cookie(&answer).unwrap()).with("X-Requested-With", "XMLHttpRequest");
    (session, answer.json())
}

fn owed(login: &Value) -> Vec<Value> {
    login["authorization"]["requiredProfileProcesses"].as_array().cloned().unwrap_or_default()
}

/// Somebody whose next sign-in is the fourth.
#[track_caller]
fn before_the_fourth(server: &Server) -> Person {
    Person::with(server, "fourth", &json!({ "_meta": { "loginCount": 3 } }))
}

/// Walks a reset to the mail, and hands out its token and link.
#[track_caller]
fn mailed(server: &Server, person: &Person) -> (String, Link) {
    let mark = mailbox().mark();
    let (body, token) = server.anonymous().goes_on("reset", None, &person.query());
    assert_eq!(body["type"], "emailValidation");
    let link = Link::in_text(&mailbox().with(mark, &person.mail, &token).body);
    (token, link)
}

#[test]
fn c_13_01_signing_out_without_a_session_is_2xx() {
    for client in [server().anonymous(), server().nobody()] {
        let status = client.with("X-OpenIDM-NoSession", "true").post_empty("authentication?_action=logout").status;
        assert!(status == 200 || status == 401, "{status}");
    }
    server().anonymous().post_empty("authentication?_action=logout").expect(200);
}

#[test]
fn c_13_02_the_session_wins_over_anonymous_headers_even_on_login() {
    let person = Person::create(server(), "wins");
    let (session, _) = sign_in(server(), &person);
    let login = with_anonymous_headers(&session).post_empty("authentication?_action=login").expect(200);
    assert_eq!(login.json()["authorization"]["id"], json!(person.id));
    assert_eq!(cookie(&login), None, "the session is neither dropped nor begun anew");
    assert_eq!(with_anonymous_headers(&session).get(&own(&person)).ok()["_id"], json!(person.id));
}

#[test]
fn c_13_03_nothing_but_missing_authentication_says_401() {
    let person = Person::create(server(), "never401");
    let (session, _) = sign_in(server(), &person);
    let wrong = session.clone().with("X-OpenIDM-Reauth-Password", "wrong");
    let answers: Vec<Response> = vec![
        wrong.patch(&own(&person), &json!([{ "operation": "add", "field": "/password", "value": NEW_PASSWORD }])),
        session.get("selfservice/nosuch"),
        session.get("config/nosuch"),
        session.get("internal/role"),
        session.get("managed/user?_queryFilter=true"),
        session.get("nosuch/at/all"),
        session.get("managed/user/nosuch"),
        session.submit("reset", None, &json!({ "queryFilter": "x" })),
        session.post_empty("identityProviders?_action=nosuch"),
    ];
    for answer in answers {
        assert!(answer.status >= 400 && answer.status != 401, "{}", answer.text());
        assert_eq!(answer.json()["code"], json!(answer.status));
    }
}

#[test]
fn c_13_04_the_policy_of_the_own_object_answers() {
    let person = Person::create(server(), "policy");
    let (session, _) = sign_in(server(), &person);
    assert!(with_anonymous_headers(&session).get(&format!("policy/{}", own(&person))).ok()["properties"].is_array());
}

#[test]
fn c_13_05_a_weak_password_is_200_in_a_reset_and_403_in_a_registration() {
    let person = Person::create(server(), "weak");
    let anonymous = server().anonymous();
    let (token, link) = mailed(server(), &person);
    let (body, token) = anonymous.goes_on("reset", Some(&token), &link.input());
    assert_eq!(body["type"], "resetStage");
    let (weak, next) = anonymous.goes_on("reset", Some(&token), &json!({ "password": "short" }));
    assert_eq!((weak["type"].clone(), weak["requirements"]["error"]["code"].clone()), (json!("resetStage"), json!(403)));
    assert_eq!(weak["requirements"]["error"]["detail"]["failedPolicyRequirements"][0]["property"], "password");
    assert_eq!(anonymous.submit("reset", Some(&next), &json!({ "password": NEW_PASSWORD })).ok()["tag"], "end");

    let newcomer = Newcomer::new("weak");
    let (form, token) = newcomer.until(&anonymous, "registration", "allInOneRegistration");
    let mut input = newcomer.form(&form);
    input["user"]["password"] = json!("short");
    let refused = anonymous.submit("registration", token.as_deref(), &input);
    refused.refused(403);
    let failed = &refused.json()["detail"]["failedPolicyRequirements"];
    assert!(failed[0]["property"].as_str().unwrap().contains("password"), "{failed}");
    assert!(failed[0]["policyRequirements"][0]["policyRequirement"].is_string(), "{failed}");
}

#[test]
fn c_13_06_a_token_survives_a_failed_submit_the_first_has_none_and_a_link_brings_it_twice() {
    let person = Person::create(server(), "token");
    let (token, link) = mailed(server(), &person);
    let anonymous = server().anonymous();
    for _ in 0..2 {
        anonymous.submit("reset", Some(&token), &json!({ "code": "wrong" })).refused(400);
    }
    assert_eq!(link.input()["token"], json!(link.token), "the page sends the token inside the input too");
    let (body, _) = anonymous.goes_on("reset", Some(&token), &link.input());
    assert_eq!(body["type"], "resetStage");
}

#[test]
fn c_13_07_tokens_and_codes_are_of_letters_that_a_link_can_carry() {
    let person = Person::create(server(), "letters");
    let (token, link) = mailed(server(), &person);
    for text in [token.as_str(), link.token.as_str(), link.code.as_str()] {
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{text}");
    }
}

#[test]
fn c_13_08_username_has_no_parameters_and_registration_ends_in_a_sign_in_that_is_taken() {
    assert_eq!(server().anonymous().get("selfservice/username").ok()["type"], "userQuery");
    let newcomer = Newcomer::new("endsin");
    let registered = newcomer.register(&server().anonymous(), "registration");
    assert_eq!((registered.end["type"].clone(), registered.end["tag"].clone()), (json!("localAutoLogin"), json!("end")));
    let login = signs_in_with(server(), registered.credential()).expect(200);
    assert_eq!(login.json()["authenticationId"], json!(newcomer.name));
    assert!(cookie(&login).is_some());
}

#[test]
fn c_13_09_conditionaluser_is_lower_case_and_its_end_says_success() {
    let person = before_the_fourth(server());
    let (session, login) = sign_in(server(), &person);
    assert_eq!(owed(&login), ["selfservice/profile"]);
    let page = with_anonymous_headers(&session);
    assert_eq!(page.get("selfservice/profile").ok()["type"], "conditionaluser");
    let (form, token) = page.goes_on("profile", None, &json!({ "input": {} }));
    assert_eq!(form["type"], "conditionaluser");
    assert!(form["requirements"]["uiConfig"]["displayName"].is_string());
    let end = session.submit("profile", Some(&token), &json!({ "attributes": { "telephoneNumber": "555" } })).ok();
    assert_eq!((end["tag"].clone(), end["status"]["success"].clone()), (json!("end"), json!(true)));
}

#[test]
fn c_13_10_what_is_required_exists_every_schema_has_an_order_and_people_have_preferences() {
    let anonymous = server().anonymous();
    let (form, _) = Newcomer::new("required").until(&anonymous, "registration", "allInOneRegistration");
    let asked = &form["requirements"]["registrationProperties"];
    for name in asked["required"].as_array().unwrap() {
        assert!(asked["properties"].get(name.as_str().unwrap()).is_some(), "{name} in {asked}");
    }
    let person = Person::create(server(), "order");
    let (session, _) = sign_in(server(), &person);
    for (client, path) in
        [(&session, "schema/managed/user"), (&server().admin(), "schema/managed/role"), (&server().admin(), "schema/internal/user")]
    {
        let schema = client.get(path);
        if schema.status != 404 {
            assert!(schema.ok()["order"].is_array(), "{path}");
        }
    }
    assert!(session.get("schema/managed/user").ok()["properties"]["preferences"]["properties"].is_object());
}

#[test]
fn c_13_11_validation_is_silent_about_what_was_not_submitted() {
    let person = Person::create(server(), "silent");
    let (session, _) = sign_in(server(), &person);
    let path = format!("policy/{}?_action=validateObject", own(&person));
    assert_eq!(session.post(&path, &json!({ "givenName": "G" })).ok()["failedPolicyRequirements"], json!([]));
    assert_eq!(session.post(&path, &json!({})).ok()["result"], true);
}

#[test]
fn c_13_12_a_patch_is_answered_with_the_profile_and_remove_comes_with_and_without_a_value() {
    let person = Person::with(server(), "remove", &json!({ "city": "Bonn", "telephoneNumber": "1" }));
    let (session, _) = sign_in(server(), &person);
    let patch = |operation: Value| session.patch(&own(&person), &json!([operation])).ok();
    let body = patch(json!({ "operation": "remove", "field": "/city" }));
    assert!(body.get("city").is_none());
    let body = patch(json!({ "operation": "remove", "field": "/telephoneNumber", "value": "1" }));
    assert!(body.get("telephoneNumber").is_none());
    assert_eq!((body["userName"].clone(), body["mail"].clone()), (json!(person.name), json!(person.mail)));
}

#[test]
fn c_13_13_no_answer_challenges_with_basic() {
    for answer in [
        server().nobody().post_empty("authentication?_action=login"),
        server().nobody().with("Authorization", "Basic !!!").get("info/login"),
        server().user("nobody-here", "x").get("info/login"),
        server().nobody().with("Cookie", "session-jwt=abc").get("info/login"),
    ] {
        answer.refused(401);
        assert!(!answer.header("www-authenticate").unwrap_or_default().to_ascii_lowercase().contains("basic"), "{answer:?}");
    }
}

#[test]
fn c_13_14_polling_for_notifications_changes_nothing() {
    let person = Person::create(server(), "poll");
    let (session, _) = sign_in(server(), &person);
    let before = person.read(server())["_rev"].clone();
    for _ in 0..100 {
        session.clone().without("X-Requested-With").get(&format!("{}?_fields=_notifications/*", own(&person))).expect(200);
    }
    assert_eq!(person.read(server())["_rev"], before);
}

#[test]
fn c_13_15_header_values_come_percent_encoded() {
    let person =
        Person::with(server(), "enc", &json!({ "userName": format!("{}@example.test", unused("enc")), "password": "wr@ng Paß1!" }));
    let name = person.read(server())["userName"].as_str().unwrap().replace('@', "%40");
    let client = server().nobody().with("X-OpenIDM-Username", &format!("UTF-8''{name}"));
    client.clone().with("X-OpenIDM-Password", "UTF-8''wr%40ng%20Pa%C3%9F1%21").post_empty("authentication?_action=login").expect(200);
    client.with("X-OpenIDM-Password", "UTF-8''wr%40ng").post_empty("authentication?_action=login").refused(401);
}

#[test]
fn c_13_16_acceptance_is_the_text_true() {
    let anonymous = server().anonymous();
    for (accept, status) in [(json!("true"), 200), (json!("false"), 400), (json!(""), 400)] {
        let newcomer = Newcomer::new("accept");
        let (form, token) = newcomer.until(&anonymous, "registration", "allInOneRegistration");
        let mut input = newcomer.form(&form);
        input["accept"] = accept.clone();
        let answer = anonymous.submit("registration", token.as_deref(), &input);
        let goes_on = answer.status == 200 && answer.json()["type"] == "emailValidation";
        assert_eq!(goes_on, status == 200, "{accept}: {}", answer.text());
    }
}

#[test]
fn c_13_17_a_quote_in_the_mail_box_is_400_and_only_configured_fields_are_searched() {
    let person = Person::create(server(), "quote");
    for filter in
        [format!("mail eq \"{}\"\"", person.mail), "mail eq \"a\"b\"".to_owned(), "mail eq".to_owned(), "mail sw \"a\"".to_owned()]
    {
        for process in ["reset", "username"] {
            server().anonymous().submit(process, None, &json!({ "queryFilter": filter })).refused(400);
        }
    }
    for field in ["_id", "accountStatus", "password"] {
        server().anonymous().submit("reset", None, &json!({ "queryFilter": format!("{field} eq \"active\"") })).refused(400);
    }
}

#[test]
fn c_13_18_and_24_terms_carry_no_script_and_a_new_version_is_due_at_the_next_sign_in() {
    let accept = [
        conditional(&json!({ "type": "terms" }), &json!({ "name": "termsAndConditions" })),
        json!({ "name": "patchObject", "identityServiceUrl": "managed/user" }),
    ];
    let project = project().process("terms", &accept).json(
        "conf/auth.profile.json",
        &json!({ "profileEnhancementProcesses": ["selfservice/terms"], "authorizationRole": "internal/role/openidm-authorized" }),
    );
    let project = project.process("termsAndConditions", &accept).json(
        "conf/auth.profile.json",
        &json!({ "profileEnhancementProcesses": ["selfservice/termsAndConditions"], "authorizationRole": "internal/role/openidm-authorized" }),
    );
    let server = Server::on(project).start();
    let person = Person::create(&server, "terms");
    let (session, login) = sign_in(&server, &person);
    assert_eq!(owed(&login), ["selfservice/termsAndConditions"]);
    let (form, token) = with_anonymous_headers(&session).goes_on("termsAndConditions", None, &json!({}));
    let text = form["requirements"]["terms"].as_str().unwrap();
    assert!(text.contains("<b>One</b>") && !text.contains("script") && !text.contains("onerror"), "{text}");
    session.submit("termsAndConditions", Some(&token), &json!({ "accept": "true" })).expect(200);
    assert_eq!(owed(&sign_in(&server, &person).1), Vec::<Value>::new());
    let mark = server.log_mark();
    server.write("conf/selfservice.terms.json", &terms("2").to_string());
    server.logged(mark, "the project was read again");
    assert_eq!(owed(&sign_in(&server, &person).1), ["selfservice/termsAndConditions"]);
}

#[test]
fn c_13_19_a_form_that_was_skipped_is_not_due_again_in_the_session() {
    let always = json!({ "type": "queryFilter", "filter": "!(telephoneNumber pr)" });
    let server = Server::on(project().process("profile", &[conditional(&always, &telephone(false))])).start();
    let person = Person::create(&server, "skip");
    let (session, login) = sign_in(&server, &person);
    assert_eq!(owed(&login), ["selfservice/profile"]);
    let page = with_anonymous_headers(&session);
    let (_, token) = page.goes_on("profile", None, &json!({ "input": {} }));
    page.submit("profile", Some(&token), &json!({})).expect(200);
    assert_eq!(owed(&page.post_empty("authentication?_action=login").ok()), Vec::<Value>::new());
    assert_eq!(owed(&sign_in(&server, &person).1), ["selfservice/profile"], "but at the next sign-in");
}

#[test]
fn c_13_20_only_sign_ins_are_counted_and_at_four_is_the_fourth() {
    let person = Person::create(server(), "count");
    for sign_ins in 1..=4 {
        let (session, login) = sign_in(server(), &person);
        for probe in [session.clone(), with_anonymous_headers(&session)] {
            probe.post_empty("authentication?_action=login").expect(200);
        }
        assert_eq!(!owed(&login).is_empty(), sign_ins == 4, "sign-in {sign_ins}");
    }
}

#[test]
fn c_13_21_while_something_is_due_the_role_is_missing_and_the_rest_is_403() {
    let person = before_the_fourth(server());
    let (session, login) = sign_in(server(), &person);
    let authorized = json!("internal/role/openidm-authorized");
    assert!(!login["authorization"]["roles"].as_array().unwrap().contains(&authorized), "{login}");
    session.get("config/ui/dashboard").refused(403);
    session.patch(&own(&person), &json!([{ "operation": "add", "field": "/city", "value": "Ulm" }])).refused(403);
    let page = with_anonymous_headers(&session);
    let (_, token) = page.goes_on("profile", None, &json!({ "input": {} }));
    session.submit("profile", Some(&token), &json!({ "attributes": { "telephoneNumber": "5" } })).expect(200);
    let again = page.post_empty("authentication?_action=login").ok();
    assert!(again["authorization"]["roles"].as_array().unwrap().contains(&authorized), "{again}");
    session.get("config/ui/dashboard").expect(200);
}

#[test]
fn c_13_22_a_removed_property_is_absent_from_the_answer() {
    let person = Person::with(server(), "absent", &json!({ "city": "Bonn" }));
    let (session, _) = sign_in(server(), &person);
    let body = session.patch(&own(&person), &json!([{ "operation": "remove", "field": "/city" }])).ok();
    assert!(body.get("city").is_none() && body["sn"] == "Family", "{body}");
}

#[test]
fn c_13_23_a_mailed_link_works_again_until_its_process_is_completed() {
    let person = Person::create(server(), "again");
    let (_, link) = mailed(server(), &person);
    let anonymous = server().anonymous();
    let mut last = String::new();
    for _ in 0..3 {
        let (body, token) = anonymous.goes_on("reset", Some(&link.token), &link.input());
        assert_eq!(body["type"], "resetStage", "opening it consumes nothing");
        last = token;
    }
    assert_eq!(anonymous.submit("reset", Some(&last), &json!({ "password": NEW_PASSWORD })).ok()["tag"], "end");
    anonymous.submit("reset", Some(&link.token), &link.input()).refused(400);
    assert!(server().signs_in(&person.name, NEW_PASSWORD));
}

#[test]
fn c_13_25_a_registration_records_the_version_of_the_terms() {
    let newcomer = Newcomer::new("version");
    newcomer.register(&server().anonymous(), "registration");
    let found = server().admin().get(&format!("managed/user?_queryFilter=userName+eq+%22{}%22&_fields=*,_meta/*", newcomer.name)).ok();
    let accepted = &found["result"][0]["_meta"]["termsAccepted"];
    assert_eq!(accepted["termsVersion"], "1", "{found}");
    assert!(accepted["acceptDate"].is_string(), "{accepted}");
}

#[test]
fn c_13_26_an_unknown_or_disabled_process_is_never_401_for_anonymous_callers() {
    let off = json!({ "configuration": { "passwordReset": false, "lang": "en" } });
    let disabled = Server::on(project().json("conf/ui-configuration.json", &off)).start();
    for answer in [
        server().anonymous().get("selfservice/nosuch"),
        server().anonymous().submit("nosuch", None, &json!({})),
        disabled.anonymous().get("selfservice/reset"),
        disabled.anonymous().submit("reset", None, &json!({})),
    ] {
        assert!([403, 404].contains(&answer.status), "{}", answer.status);
    }
}

#[test]
fn c_13_27_substitution_happens_inside_longer_texts_and_where_a_number_stands() {
    let validation = with(email_validation(), "verificationLink", json!("&{public.url}/#/passwordreset/"));
    let mail = json!({ "host": "&{smtp.host|127.0.0.1}", "port": "&{smtp.port}", "from": "project@example.test", "auth": { "enable": "false" }, "starttls": { "enable": false } });
    let project = project()
        .process("reset", &[user_query(), validation, reset_stage()])
        .json("conf/external.email.json", &mail)
        .file("resolver/boot.properties", format!("public.url=https://own.example.test\nsmtp.port={}\n", mailbox().port));
    let server = Server::on(project).start();
    let person = Person::create(&server, "substituted");
    let (_, link) = mailed(&server, &person);
    assert!(link.url.starts_with("https://own.example.test/#/passwordreset/&token="), "{}", link.url);
}

#[test]
fn c_13_28_consent_is_on_for_mappings_that_need_it_and_kept_with_the_person() {
    let mapping = |name: &str, required: bool| {
        json!({ "name": name, "source": "managed/user", "target": "system/absent/account", "consentRequired": required,
        "displayName": name, "icon": "", "properties": [{ "source": "mail", "target": "mail" }] })
    };
    let sync = json!({ "mappings": [mapping("needed", true), mapping("ignored", false)] });
    let agree =
        [registration()[1].clone(), json!({ "name": "consent", "consentTranslations": { "en": "We share." } }), registration()[4].clone()];
    let consent = json!({ "enabled": true });
    let server = Server::on(project().process("agree", &agree).json("conf/sync.json", &sync).json("conf/consent.json", &consent)).start();
    let newcomer = Newcomer::new("agree");
    newcomer.register(&server.anonymous(), "agree");
    let account = newcomer.account(&server);
    assert_eq!(account["consentedMappings"][0]["mapping"], "needed", "{account}");
    assert_eq!(account["consentedMappings"].as_array().unwrap().len(), 1);
    let person = Person::create(&server, "agree");
    let listed = signed_in(&server, &person).get("consent?_queryFilter=true").ok();
    assert_eq!((listed["resultCount"].clone(), listed["result"][0]["name"].clone()), (json!(1), json!("needed")));
}

#[test]
fn c_13_29_the_default_limits_leave_room_for_an_office_behind_one_address() {
    let server = Server::on(project().file("vestibule.toml", "")).start();
    let people: Vec<Person> = (0..15).map(|_| Person::create(&server, "office")).collect();
    for person in &people {
        server.anonymous().submit("reset", None, &person.query()).expect(200);
    }
    std::thread::scope(|scope| {
        let signing = people.iter().cycle().take(100).map(|person| {
            let client = server.user(&person.name, PASSWORD).with("X-OpenIDM-NoSession", "true");
            scope.spawn(move || client.post_empty("authentication?_action=login").status)
        });
        let statuses: Vec<u16> = signing.collect::<Vec<_>>().into_iter().map(|one| one.join().unwrap()).collect();
        assert!(statuses.iter().all(|status| *status == 200 || *status == 503), "{statuses:?}");
        assert!(!statuses.contains(&429), "{statuses:?}");
    });
}
