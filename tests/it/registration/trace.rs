//! Step by step what the documentation and the stock client do (docs/protocol/stages.md, "allInOneRegistration" and "Stock
//! orders", docs/protocol/clients.md, "Registration").

use serde_json::json;

use super::{project, server};
use crate::support::client::cookie;
use crate::support::mailbox::mailbox;
use crate::support::newcomer::{Newcomer, SECRET, answers, signs_in_with};
use crate::support::verifier::Verifier;
use crate::support::{Client, Link, Server};

#[test]
fn the_stock_client_registers_a_person() {
    let server = server();
    let (client, newcomer) = (server.anonymous(), Newcomer::new("trace"));

    let features = server.anonymous().get("info/features?_queryFilter=true").ok();
    let registration = features["result"].as_array().unwrap().iter().find(|feature| feature["name"] == "registration").unwrap().clone();
    assert_eq!(
        (&registration["enabled"], &registration["endpoints"]),
        (&json!(true), &json!(["selfservice/registration"])),
        "{registration}"
    );
    assert_eq!(client.get("info/uiconfig").ok()["configuration"]["selfRegistration"], true);

    let first = client.get("selfservice/registration").ok();
    assert_eq!((&first["_id"], &first["type"], &first["tag"]), (&json!("1"), &json!("parameters"), &json!("initial")));
    let returned = first["requirements"]["properties"]["returnParams"].clone();
    assert_eq!(returned, json!({ "description": "Parameter named 'returnParams'", "type": "string" }));

    let (form, token) = client.goes_on("registration", None, &json!({ "input": {} }));
    assert_eq!((&form["type"], &form["tag"]), (&json!("allInOneRegistration"), &json!("initial")));
    let asked = &form["requirements"];
    assert_eq!(asked["stages"], json!(["idmUserDetails", "termsAndConditions", "kbaSecurityAnswerDefinitionStage"]));
    assert_eq!((&asked["terms"], &asked["consentEnabled"]), (&json!("Be <b>kind</b>"), &json!(false)));
    assert_eq!(asked["uiConfig"], json!({ "displayName": "Terms", "purpose": "Please", "buttonText": "Accept" }));
    let shown: Vec<&String> = asked["registrationProperties"]["properties"].as_object().unwrap().keys().collect();
    assert_eq!(shown, ["userName", "givenName", "sn", "mail"]);
    assert_eq!(asked["registrationProperties"]["required"], json!(["userName", "givenName", "sn", "mail"]));
    let preferences: Vec<&String> = asked["registrationPreferences"].as_object().unwrap().keys().collect();
    assert_eq!(preferences, ["updates", "marketing"]);
    assert_eq!(asked["properties"]["kba"]["minItems"], 2);
    assert!(asked["definitions"]["systemQuestion"].is_object() && asked["definitions"]["userQuestion"].is_object());

    let policies = client.get("policy/selfservice/registration").ok();
    let named = policies["properties"].as_array().unwrap().iter().find(|property| property["name"].as_str().unwrap().contains("password"));
    assert_eq!(named.unwrap()["name"], "/user/password");
    assert_eq!(client.get("authentication").ok()["providers"], json!([]));
    let judged = client.post("policy/selfservice/registration/?_action=validateObject", &json!({ "user": { "password": "" } })).ok();
    assert_eq!(judged["result"], false, "{judged}");
    for failed in judged["failedPolicyRequirements"].as_array().unwrap() {
        assert!(failed["property"].as_str().unwrap().contains("password"), "{judged}");
        assert_eq!(failed["policyRequirements"].as_array().unwrap().len(), 1, "one entry per failed policy");
    }
    let judged = client.post("policy/selfservice/registration/?_action=validateObject", &json!({ "user": { "password": SECRET } })).ok();
    assert_eq!(judged, json!({ "result": true, "failedPolicyRequirements": [] }));

    let mut input = newcomer.form(&form);
    input["user"]["preferences"] = json!({ "updates": false, "marketing": true });
    let (sent, token) = client.goes_on("registration", Some(&token), &input);
    assert_eq!((&sent["type"], &sent["tag"]), (&json!("emailValidation"), &json!("validateCode")));
    assert_eq!(sent["requirements"]["required"], json!(["code"]));
    assert!(newcomer.accounts(server).is_empty() && !server.signs_in(&newcomer.name, SECRET), "nothing exists before the mail is answered");

    // The link is opened on a page that knows nothing of the first one.
    let mail = mailbox().with(0, &newcomer.mail, &token);
    let link = Link::in_text(&mail.body);
    assert!(link.url.starts_with("https://id.example.test/#/registration/&token="), "{}", link.url);
    let elsewhere = server.anonymous();
    let end = elsewhere.submit("registration", Some(&link.token), &link.input()).ok();
    assert_eq!((&end["type"], &end["tag"], &end["status"]), (&json!("localAutoLogin"), &json!("end"), &json!({ "success": true })));
    assert_eq!((&end["additions"]["oauthLogin"], &end["additions"]["successUrl"]), (&json!(false), &json!("")));
    let credential = end["additions"]["credentialJwt"].as_str().unwrap();

    let signed_in = signs_in_with(server, credential).expect(200);
    assert_eq!(signed_in.json()["authenticationId"], newcomer.name);
    let account = newcomer.account(server);
    assert_eq!(account["preferences"], json!({ "updates": false, "marketing": true }));
    let roles = server.admin().get(&format!("managed/user/{}?_fields=authzRoles/*", account["_id"].as_str().unwrap())).ok();
    assert_eq!(roles["authzRoles"][0]["_ref"], "internal/role/openidm-authorized", "{roles}");
    assert_eq!(roles["authzRoles"].as_array().unwrap().len(), 1, "{roles}");
    let session = server.nobody().with("Cookie", &cookie(&signed_in).unwrap());
    assert_eq!(session.get("info/login").ok()["authorization"]["id"], account["_id"]);
}

#[test]
fn return_params_come_back_at_the_end() {
    let (client, newcomer) = (server().anonymous(), Newcomer::new("params"));
    let goto = "?goto=https%3A%2F%2Fapp.example.test%2F";
    let (form, token) = client.goes_on("registration", None, &json!({ "returnParams": goto, "other": "x" }));
    let (_, token) = client.goes_on("registration", Some(&token), &newcomer.form(&form));
    let end = client.submit("registration", Some(&token), &newcomer.link(mailbox(), &token).input()).ok();
    assert_eq!(end["additions"]["returnParams"], goto);
    assert_eq!(end["additions"].get("other"), None);
}

#[test]
fn parts_that_are_missing_are_asked_again_and_a_wrong_one_loses_nothing() {
    let (client, newcomer) = (server().anonymous(), Newcomer::new("rounds"));
    let (form, token) = client.goes_on("everything", None, &json!({}));
    let whole = newcomer.form(&form);
    let mut wrong = whole.clone();
    wrong["user"]["password"] = json!("short");
    wrong["accept"] = json!("false");
    let refused = client.submit("everything", Some(&token), &wrong).expect(403).json();
    assert_eq!(refused["message"], "Policy validation failed");
    assert_eq!(refused["detail"]["result"], false, "{refused}");
    assert!(
        refused["detail"]["failedPolicyRequirements"].as_array().unwrap().iter().all(|failed| failed["property"] == "password"),
        "{refused}"
    );
    assert_eq!(refused["detail"]["parts"].as_array().unwrap().len(), 2, "{refused}");
    assert!(!refused.to_string().contains("short\""), "{refused}");

    let (again, token) = client.goes_on("everything", Some(&token), &json!({ "user": whole["user"], "response": "good" }));
    assert_eq!(again["requirements"]["stages"], json!(["termsAndConditions", "kbaSecurityAnswerDefinitionStage"]));
    let (again, token) = client.goes_on("everything", Some(&token), &json!({ "accept": true }));
    assert_eq!(again["requirements"]["stages"], json!(["kbaSecurityAnswerDefinitionStage"]));
    let (sent, _) = client.goes_on("everything", Some(&token), &json!({ "kba": answers(&again) }));
    assert_eq!(sent["type"], "emailValidation");
}

#[test]
fn a_scanner_that_opens_the_link_first_changes_nothing_and_the_second_opening_is_refused() {
    let (server, newcomer) = (server(), Newcomer::new("scanner"));
    let (_, token) = newcomer.until(&server.anonymous(), "registration", "emailValidation");
    let link = newcomer.link(mailbox(), &token.unwrap());
    // A scanner asks for everything it finds, with and without the fragment, and never submits.
    for path in [
        "/".to_owned(),
        format!("/?token={}&code={}", link.token, link.code),
        format!("/openidm/selfservice/registration?token={}&code={}", link.token, link.code),
        "/openidm/selfservice/registration".to_owned(),
    ] {
        for method in ["GET", "HEAD"] {
            let status = server.anonymous().send(&server.anonymous().request(method, &path)).status;
            assert!([200, 404, 501].contains(&status), "{status} {method} {path}");
        }
    }
    assert!(newcomer.accounts(server).is_empty());
    let phone = server.anonymous().with("User-Agent", "a phone").with("Accept-Language", "fr");
    assert_eq!(phone.submit("registration", Some(&link.token), &link.input()).ok()["type"], "localAutoLogin");
    assert_eq!(server.anonymous().submit("registration", Some(&link.token), &link.input()).refused(400), "Invalid snapshot token");
    newcomer.account(server);
}

#[test]
fn the_form_follows_the_language_of_the_browser() {
    let client = server().anonymous().with("Accept-Language", "fr-CA,fr;q=0.9,en;q=0.5");
    let newcomer = Newcomer::new("langue");
    let (form, token) = client.goes_on("registration", None, &json!({}));
    assert_eq!(form["requirements"]["terms"], "Soyez <b>aimable</b>");
    let (_, token) = client.goes_on("registration", Some(&token), &newcomer.form(&form));
    let mail = mailbox().with(0, &newcomer.mail, &token);
    assert!(mail.subject().contains("initialiser") && mail.body.contains("continuer"), "{} {}", mail.subject(), mail.body);
}

#[test]
fn a_new_person_is_welcomed_by_mail_where_the_project_has_a_text() {
    let verifier = Verifier::start();
    let template = json!({
        "enabled": true, "from": "", "subject": { "en": "Welcome", "fr": "Bienvenue" },
        "message": { "en": "<p id=\"welcome\">Hello {{object.givenName}}, you are {{object.userName}}.</p>", "fr": "<p>Bonjour</p>" },
        "defaultLocale": "en", "mimeType": "text/html",
    });
    let server = Server::on(project(&verifier).json("conf/emailTemplate-welcome.json", &template)).start();
    let newcomer = Newcomer::new("welcome");
    newcomer.register(&server.anonymous(), "registration");
    let mail = mailbox().with(0, &newcomer.mail, "id=\"welcome\"");
    assert!(mail.body.contains(&format!("Hello New, you are {}.", newcomer.name)), "{}", mail.body);
    assert_eq!(mail.subject(), "Welcome");
    // A name is text, not markup.
    let other = Newcomer::new("markup");
    let (_, token) =
        server.anonymous().goes_on("short", None, &json!({ "user": other.user_with(&json!({ "givenName": "<a href=x>free</a>" })) }));
    server.anonymous().submit("short", Some(&token), &other.link(mailbox(), &token).input()).ok();
    let mail = mailbox().with(0, &other.mail, "id=\"welcome\"");
    assert!(!mail.body.contains("<a href") && mail.body.contains("&lt;a href"), "{}", mail.body);
}

#[test]
fn registrations_of_one_client_are_limited_by_the_day_and_the_caller_is_told_when_to_come_back() {
    let verifier = Verifier::start();
    let limits = "[limits]\nregistrations_per_client_day = 2\n";
    let server = Server::on(project(&verifier).file("vestibule.toml", limits)).clock_stands().start();
    let submit = |client: &Client, newcomer: &Newcomer| client.submit("plain", None, &json!({ "user": newcomer.user() }));
    let client = server.anonymous();
    for _ in 0..5 {
        client.submit("plain", None, &json!({ "user": { "userName": "x" } })).refused(403);
    }
    let (one, two, three) = (Newcomer::new("daily"), Newcomer::new("daily"), Newcomer::new("daily"));
    submit(&client, &one).ok();
    submit(&client, &two).ok();
    let limited = submit(&client, &three);
    limited.refused(429);
    let seconds: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=12 * 3600).contains(&seconds), "{seconds}");
    assert!(three.accounts(&server).is_empty());
    assert!(server.metric("vestibule_limited_total", &["limit=\"registrations\""]) >= 1.0);
    server.advance(seconds);
    submit(&client, &three).ok();
}
