//! The way there and back: real providers, those that answer with a form, and those that do not answer.

use jose::signature::SigningKey;
use serde_json::json;

use super::{project, stock, world};
use crate::support::client::cookie;
use crate::support::identity_provider::{Account, IdentityProvider, signing_in};
use crate::support::people::PASSWORD;
use crate::support::real_provider::RealProvider;
use crate::support::{Person, Server};

#[test]
fn a_provider_that_is_down_hurts_nobody_else() {
    let world = world();
    let mut gone = world.acme.file("gone");
    gone["wellKnownEndpoint"] = json!("http://127.0.0.1:9/.well-known/openid-configuration");
    let files = project(&world.acme, &world.other).json("conf/identityProvider-gone.json", &gone);
    let server = Server::on(files).start();
    let asked = |name: &str| server.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({"provider": name}));
    asked("gone").refused(503);
    assert_eq!(asked("acme").status, 200);
    let person = Person::create(&server, "other-way");
    assert!(server.signs_in(&person.name, PASSWORD));
    let url = server.anonymous().post("identityProviders?_action=getLogoutUrl", &json!({"provider": "acme"})).ok();
    assert!(url["redirect"].as_str().unwrap().contains("/end?client_id=vestibule"), "{url}");
}

/// A key on P-256 of nobody.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\nOF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n-----END PRIVATE KEY-----\n";

#[test]
fn a_real_openid_provider_is_signed_in_with_by_every_method_of_a_client() {
    let secret = "0123456789abcdef0123456789abcdef";
    let public = SigningKey::from_pem(KEY).unwrap().public_jwk(Some("own")).unwrap();
    let methods = ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];
    let client = |method: &&str| {
        let mut client = json!({"client_id": method, "redirect_uris": ["http://localhost/back"], "token_endpoint_auth_method": method});
        match *method {
            "private_key_jwt" => {
                client["jwks"] = json!({"keys": [public]});
                client["token_endpoint_auth_signing_alg"] = json!("ES256");
            }
            "none" => {}
            _ => client["client_secret"] = json!(secret),
        }
        client
    };
    let mut provider = RealProvider::start(&methods.iter().map(client).collect::<Vec<_>>());
    let mut files = signing_in();
    for method in methods {
        let name = method.replace('_', "-");
        let mut file = json!({
            "provider": name, "type": "OPENID_CONNECT", "clientId": method, "scope": ["openid", "email"], "redirectUri": "http://localhost/back",
            "wellKnownEndpoint": format!("{}/.well-known/openid-configuration", provider.issuer), "vestibule": {"tokenEndpointAuthMethod": method},
        });
        match method {
            "private_key_jwt" => file["vestibule"] = json!({"tokenEndpointAuthMethod": method, "privateKey": KEY, "keyId": "own"}),
            "none" => {}
            _ => file["clientSecret"] = json!(secret),
        }
        files = files.json(&format!("conf/identityProvider-{name}.json"), &file);
    }
    let server = Server::on(files).start();
    let anonymous = server.anonymous();
    let person = Person::create(&server, "really");
    let session = server.nobody().session(&person.name, PASSWORD);
    for method in methods {
        let name = method.replace('_', "-");
        let mut token = || {
            let sent = anonymous.post("identityProviders?_action=getAuthRedirect", &json!({"provider": name})).ok();
            let answer = provider.visit(sent["redirect"].as_str().unwrap(), &person.name);
            assert!(answer["iss"].is_array(), "it names itself: {answer}");
            let kept = anonymous.clone().with("X-OpenIDM-DataStoreToken", sent["token"].as_str().unwrap());
            let first = kept.post("identityProviders?_action=handlePostAuth", &answer);
            assert_eq!(first.status, 200, "{method}: {}", first.text());
            // A code is good once.
            kept.post("identityProviders?_action=handlePostAuth", &answer).refused(403);
            first.json()["token"].as_str().unwrap().to_owned()
        };
        stock(&session).post(&format!("managed/user/{}?_action=bind&provider={name}", person.id), &json!(token())).ok();
        let login = server.nobody().with("X-OpenIDM-OAuth-Login", "true").with("X-OpenIDM-DataStoreToken", &token());
        assert_eq!(login.post_empty("authentication?_action=login").ok()["authorization"]["id"], json!(person.id), "{method}");
    }
}

#[test]
fn an_answer_that_is_posted_comes_back_as_a_get_and_the_name_that_is_told_once_is_not_lost() {
    let idp = IdentityProvider::start();
    let mut apple = idp.file("apple");
    apple["issuer"] = json!(idp.issuer());
    apple["redirectUri"] = json!("http://localhost/oauthReturn/");
    apple["propertyMap"] = json!([{"source": "sub", "target": "id"}, {"source": "family_name", "target": "familyName"}, {"source": "email", "target": "email"}]);
    let details = json!({"name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "registrationProperties": ["userName", "givenName", "sn", "mail"]});
    let files = signing_in()
        .json("conf/identityProvider-apple.json", &apple)
        .process("registration", &[details, json!({"name": "selfRegistration"})]);
    let server = Server::on(files).start();
    let client = server.anonymous();
    let sent = client.post("identityProviders?_action=getAuthRedirect", &json!({"provider": "apple"})).ok();
    let url = sent["redirect"].as_str().unwrap();
    assert!(url.contains("&response_mode=form_post"), "{url}");
    let account = Account::new("fruit");
    let answer = idp.answer(url, &account);
    let (state, code) = (answer["state"][0].as_str().unwrap(), answer["code"][0].as_str().unwrap());
    let post = |form: &str, path: &str| {
        let browser = server.nobody().with("Content-Type", "application/x-www-form-urlencoded").with("Origin", "https://appleid.apple.com");
        browser.send(&browser.request("POST", path).body(form))
    };
    let user =
        "%7B%22name%22%3A%7B%22firstName%22%3A%22Jo%22%2C%22lastName%22%3A%22Doe%22%7D%2C%22email%22%3A%22not%40signed.example%22%7D";
    let returned = post(&format!("state={state}&code={code}&user={user}"), "/oauthReturn/");
    assert_eq!((returned.status, cookie(&returned)), (303, None), "{}", returned.text());
    let location = returned.header("location").unwrap();
    assert!(
        location.starts_with(&format!("/oauthReturn/?state={state}&code=")) && !location.contains(code) && !location.contains("Doe"),
        "{location}"
    );
    let sealed = location.split("code=").nth(1).unwrap();
    let kept = client.clone().with("X-OpenIDM-DataStoreToken", sent["token"].as_str().unwrap());
    kept.post("identityProviders?_action=handlePostAuth", &json!({"state": ["x"], "code": [code]})).refused(400);
    let token = kept.post("identityProviders?_action=handlePostAuth", &json!({"state": [state], "code": [sealed]})).ok();
    let asked = client.submit("registration", None, &json!({"clientToken": token["token"], "oauthRegister": "true"})).ok();
    assert_eq!(asked["requirements"]["properties"]["user"]["default"], json!({"sn": "Doe", "mail": account.mail}), "{asked}");

    let cancelled = post(&format!("state={state}&error=user_cancelled_authorize"), "/oauthReturn/");
    let sealed = cancelled.header("location").unwrap().split("code=").nth(1).unwrap().to_owned();
    let said = kept.post("identityProviders?_action=handlePostAuth", &json!({"state": [state], "code": [sealed]})).refused(403);
    assert!(said.ends_with("user_cancelled_authorize"), "{said}");
    let of_another = post("state=another&code=c", "/oauthReturn/");
    let sealed = of_another.header("location").unwrap().split("code=").nth(1).unwrap().to_owned();
    kept.post("identityProviders?_action=handlePostAuth", &json!({"state": [state], "code": [sealed]})).refused(400);
    assert_eq!(post("code=c", "/oauthReturn/").status, 400);
    assert_eq!(post("state=%0d%0aX&code=c", "/oauthReturn/").status, 400);
    assert_eq!(post(&format!("state=a&code={}", "c".repeat(20_000)), "/oauthReturn/").status, 413);
    assert_ne!(post("state=a&code=c", "/").status, 303, "other addresses take no forms of providers");
}
