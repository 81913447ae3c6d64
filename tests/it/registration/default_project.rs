//! An anonymous caller and the embedded project: nothing configured, mails at `/mail`.

use serde_json::{Value, json};

use crate::support::newcomer::{Newcomer, SECRET, signs_in_with};
use crate::support::{Client, Link, Server};

/// Mails kept for an address, newest first. They are written with the submission that was answered.
fn mails(server: &Server, address: &str) -> Vec<Value> {
    let list = server.nobody().with("Accept", "application/json").get(&server.mail_page()).ok();
    let mut mails: Vec<Value> = list["result"].as_array().unwrap().iter().filter(|mail| mail["to"] == address).cloned().collect();
    mails.sort_by_key(|mail| std::cmp::Reverse(mail["id"].as_i64()));
    mails
}

fn asks(client: &Client, newcomer: &Newcomer) -> (Value, String) {
    let (form, token) = client.goes_on("registration", None, &json!({ "input": {} }));
    assert_eq!(form["requirements"]["stages"], json!(["idmUserDetails", "termsAndConditions", "kbaSecurityAnswerDefinitionStage"]));
    let mut input = newcomer.form(&form);
    input["user"]["preferences"] = json!({ "updates": true });
    let (sent, token) = client.goes_on("registration", Some(&token), &input);
    assert_eq!((&sent["type"], &sent["tag"]), (&json!("emailValidation"), &json!("validateCode")));
    (form, token)
}

#[test]
fn a_new_person_registers_by_link_and_by_code_and_is_welcomed() {
    let server = Server::default_project().start();
    let client = server.anonymous();
    assert_eq!(client.get("info/uiconfig").ok()["configuration"]["selfRegistration"], true);
    assert_eq!(client.get("selfservice/registration").ok()["type"], "parameters");

    let by_link = Newcomer::new("link");
    let (form, _) = asks(&client, &by_link);
    assert_eq!(form["requirements"]["registrationPreferences"]["updates"]["type"], "boolean");
    let mail = mails(&server, &by_link.mail).remove(0);
    let link = Link::in_text(mail["body"].as_str().unwrap());
    assert!(link.url.starts_with(&format!("{}/selfservice/registration?&token=", server.url())), "{}", link.url);
    let end = client.submit("registration", Some(&link.token), &link.input()).ok();
    assert_eq!(end["type"], "localAutoLogin");
    let signed_in = signs_in_with(&server, end["additions"]["credentialJwt"].as_str().unwrap()).expect(200);
    assert_eq!(signed_in.json()["authenticationId"], by_link.name);
    let session = server.nobody().with("Cookie", &crate::support::client::cookie(&signed_in).unwrap());
    assert_eq!(session.get("selfservice/terms").ok()["version"], "1.0");
    let welcome = mails(&server, &by_link.mail).remove(0);
    assert_eq!(welcome["subject"], "Your account has been created");
    assert!(welcome["body"].as_str().unwrap().contains(&format!("<strong>{}</strong>", by_link.name)), "{welcome}");

    for (language, word) in [("de", "Bestätigen"), ("fr", "Confirmez"), ("es", "Confirme"), ("ja", "メールアドレス"), ("ar", "تأكيد")]
    {
        let by_code = Newcomer::new("code");
        let client = server.anonymous().with("Accept-Language", language);
        let (form, token) = asks(&client, &by_code);
        assert!(!form["requirements"]["terms"].as_str().unwrap().contains("Keep your password"), "{form}");
        let mail = mails(&server, &by_code.mail).remove(0);
        assert!(mail["subject"].as_str().unwrap().starts_with(word), "{mail}");
        let body = mail["body"].as_str().unwrap();
        let code = &body[body.find("<strong>").unwrap() + 8..body.find("</strong>").unwrap()];
        client.submit("registration", Some(&token), &json!({ "code": code })).ok();
        assert!(server.signs_in(&by_code.name, SECRET));
        assert_ne!(mails(&server, &by_code.mail).remove(0)["subject"], "Your account has been created", "in {language}");
    }
}
