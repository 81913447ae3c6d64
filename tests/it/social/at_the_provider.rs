//! The way there and back: real providers, those that answer with a form, and those that do not answer.

use jose::signature::SigningKey;
use serde_json::json;

use super::{project, stock, world};
use crate::support::client::cookie;
use crate::support::identity_provider::{Account, IdentityProvider, signing_in};
use crate::support::people::PASSWORD;
use crate::support::real_provider::RealProvider;
use crate::support::{Person, Response, Server};

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
            // An answer is good once.
            kept.post("identityProviders?_action=handlePostAuth", &answer).refused(400);
            first.json()["token"].as_str().unwrap().to_owned()
        };
        stock(&session).post(&format!("managed/user/{}?_action=bind&provider={name}", person.id), &json!(token())).ok();
        let login = server.nobody().with("X-OpenIDM-OAuth-Login", "true").with("X-OpenIDM-DataStoreToken", &token());
        assert_eq!(login.post_empty("authentication?_action=login").ok()["authorization"]["id"], json!(person.id), "{method}");
    }
}

/// A server with a provider that posts its answers.
fn posting(idp: &IdentityProvider, by_own_member: bool) -> Server {
    let mut apple = idp.file("apple");
    apple["issuer"] = json!(idp.issuer());
    apple["redirectUri"] = json!("http://localhost/oauthReturn/");
    // By the member of the standard, by Apple's own, and by a script over the whole.
    apple["propertyMap"] = json!([{"source": "sub", "target": "id"}, {"source": "family_name", "target": "familyName"}, {"source": "email", "target": "email"}]);
    if by_own_member {
        apple["propertyMap"][1]["source"] = json!("name/lastName");
        apple["normalizationScript"] = json!({"type": "text/javascript", "source": "({ givenName: rawProfile.name.firstName })"});
    }
    let details = json!({"name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "registrationProperties": ["userName", "givenName", "sn", "mail"]});
    let files = signing_in()
        .json("conf/identityProvider-apple.json", &apple)
        .process("registration", &[details, json!({"name": "selfRegistration"})]);
    Server::on(files).start()
}

/// The form of an answer, as another site posts it.
fn posted(server: &Server, form: &str, path: &str) -> Response {
    let browser = server.nobody().with("Content-Type", "application/x-www-form-urlencoded").with("Origin", "https://appleid.apple.com");
    browser.send(&browser.request("POST", path).body(form))
}

#[test]
fn an_answer_that_is_posted_comes_back_as_a_get_with_the_name_that_is_told_once() {
    let idp = IdentityProvider::start();
    let server = posting(&idp, false);
    let client = server.anonymous();
    let sent = client.post("identityProviders?_action=getAuthRedirect", &json!({"provider": "apple"})).ok();
    let url = sent["redirect"].as_str().unwrap();
    assert!(url.contains("&response_mode=form_post"), "{url}");
    let account = Account::new("fruit");
    let answer = idp.answer(url, &account);
    let (state, code) = (answer["state"][0].as_str().unwrap(), answer["code"][0].as_str().unwrap());
    let post = |form: &str, path: &str| posted(&server, form, path);
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

    // Once is once, and another way is begun for the rest.
    kept.post("identityProviders?_action=handlePostAuth", &json!({"state": [state], "code": [sealed]})).refused(400);
    let sent = client.post("identityProviders?_action=getAuthRedirect", &json!({"provider": "apple"})).ok();
    let answer = idp.answer(sent["redirect"].as_str().unwrap(), &account);
    let state = answer["state"][0].as_str().unwrap();
    let kept = client.clone().with("X-OpenIDM-DataStoreToken", sent["token"].as_str().unwrap());
    let cancelled = post(&format!("state={state}&error=user_cancelled_authorize"), "/oauthReturn/");
    let sealed = cancelled.header("location").unwrap().split("code=").nth(1).unwrap().to_owned();
    let said = kept.post("identityProviders?_action=handlePostAuth", &json!({"state": [state], "code": [sealed]})).refused(403);
    assert!(said.ends_with("user_cancelled_authorize"), "{said}");
    let of_another = post("state=another&code=c", "/oauthReturn/");
    let sealed = of_another.header("location").unwrap().split("code=").nth(1).unwrap().to_owned();
    kept.post("identityProviders?_action=handlePostAuth", &json!({"state": [state], "code": [sealed]})).refused(400);
    let lost = post("code=c", "/oauthReturn/");
    assert_eq!(lost.status, 400);
    assert!(lost.text().contains("Please begin again"), "a browser is told so on a page: {}", lost.text());
    assert_eq!(post("state=%0d%0aX&code=c", "/oauthReturn/").status, 400);
    assert_eq!(post(&format!("state=a&code={}", "c".repeat(20_000)), "/oauthReturn/").status, 413);
    assert_ne!(post("state=a&code=c", "/").status, 303, "other addresses take no forms of providers");
}

/// The name comes with the first consent. What goes wrong behind it does not lose it.
#[test]
fn a_name_that_is_told_once_is_there_after_a_failure_and_for_that_account_alone() {
    for by_own_member in [false, true] {
        let idp = IdentityProvider::start();
        let server = posting(&idp, by_own_member);
        let client = server.anonymous();
        let account = Account::new("once");
        // One way there and back: what `handlePostAuth` says, and the cookie that the form was answered with.
        let goes = |account: &Account, user: &str, cookie: Option<&str>| {
            let sent = client.post("identityProviders?_action=getAuthRedirect", &json!({"provider": "apple"})).ok();
            let answer = idp.answer(sent["redirect"].as_str().unwrap(), account);
            let form = format!("state={}&code={}{user}", answer["state"][0].as_str().unwrap(), answer["code"][0].as_str().unwrap());
            let returned = posted(&server, &form, "/oauthReturn/");
            let set = returned.header("set-cookie").map(|set| {
                assert!(set.contains("; Max-Age=604800; HttpOnly; SameSite=Lax") && !set.contains("Doe"), "{set}");
                set.split(';').next().unwrap().to_owned()
            });
            let sealed = returned.header("location").unwrap().split("code=").nth(1).unwrap().to_owned();
            let mut kept = client.clone().with("X-OpenIDM-DataStoreToken", sent["token"].as_str().unwrap());
            if let Some(cookie) = cookie {
                kept = kept.with("Cookie", cookie);
            }
            (kept.post("identityProviders?_action=handlePostAuth", &json!({"state": answer["state"], "code": [sealed]})), set)
        };
        let user = format!(
            "&user=%7B%22name%22%3A%7B%22firstName%22%3A%22Jo%22%2C%22lastName%22%3A%22Doe%22%7D%2C%22email%22%3A%22{}%22%7D",
            account.mail.replace('@', "%40")
        );
        idp.token_fails(Some("503 Service Unavailable"));
        let (failed, cookie) = goes(&account, &user, None);
        failed.refused(503);
        idp.token_fails(None);
        let cookie = cookie.expect("the name is kept in the browser");
        let (proven, none) = goes(&account, "", Some(&cookie));
        assert_eq!(none, None, "nothing is told, and nothing is kept");
        let offered = |proven: Response| {
            let asked = client.submit("registration", None, &json!({"clientToken": proven.ok()["token"], "oauthRegister": "true"})).ok();
            asked["requirements"]["properties"]["user"]["default"].clone()
        };
        let shown = offered(proven);
        assert_eq!((&shown["sn"], &shown["mail"]), (&json!("Doe"), &json!(account.mail)), "{shown}");
        assert_eq!(shown.get("givenName"), by_own_member.then(|| json!("Jo")).as_ref());
        // Somebody else at the same machine is called otherwise.
        let another = Account::new("another");
        let shown = offered(goes(&another, "", Some(&cookie)).0);
        assert_eq!((shown.get("sn"), &shown["mail"]), (None, &json!(another.mail)), "{shown}");
        let shown = offered(goes(&account, "", Some("vestibule-name=nonsense")).0);
        assert_eq!(shown.get("sn"), None, "{shown}");
    }
}

#[test]
fn keys_that_turn_over_are_believed_at_once() {
    let world = world();
    world.client_token("acme", &Account::new("before"));
    for _ in 0..3 {
        world.acme.rotate();
        world.client_token("acme", &Account::new("after"));
    }
}
