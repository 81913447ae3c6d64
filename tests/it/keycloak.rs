//! Keycloak as an identity provider: discovery, registration, sign-in, linking, the end of the session there, and its errors. `make test-keycloak`.

use serde_json::{Value, json};

use crate::support::identity_provider::signing_in;
use crate::support::keycloak::{Browser, Keycloak};
use crate::support::people::PASSWORD;
use crate::support::{Client, Person, Response, Server};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const BACK: &str = "http://localhost/oauthReturn/";

/// The clients of the realm: one as most are, one whose ID tokens are signed by another key, and one that asks people whether they agree.
fn clients() -> [Value; 3] {
    let client = |id: &str, attributes: Value, asks: bool| {
        json!({
            "clientId": id, "enabled": true, "protocol": "openid-connect", "publicClient": false, "secret": SECRET, "standardFlowEnabled": true,
            "redirectUris": [BACK], "consentRequired": asks, "attributes": attributes,
        })
    };
    [
        client("plain", json!({ "pkce.code.challenge.method": "S256", "post.logout.redirect.uris": BACK }), false),
        client("elliptic", json!({ "id.token.signed.response.alg": "ES256" }), false),
        client("asks", json!({}), true),
    ]
}

/// The provider's file for a client.
fn file(name: &str, client: &str, secret: &str, issuer: &str) -> Value {
    json!({
        "provider": name, "type": "OPENID_CONNECT", "clientId": client, "clientSecret": secret, "scope": ["openid", "email", "profile"],
        "redirectUri": BACK, "wellKnownEndpoint": format!("{issuer}/.well-known/openid-configuration"), "authenticationIdKey": "sub",
        "propertyMap": [
            { "source": "sub", "target": "id" }, { "source": "email", "target": "email" }, { "source": "preferred_username", "target": "username" },
            { "source": "given_name", "target": "givenName" }, { "source": "family_name", "target": "familyName" },
        ],
    })
}

/// The address a browser is sent to, and what it keeps.
fn sent(client: &Client, provider: &str) -> (String, String) {
    let sent = client.post("identityProviders?_action=getAuthRedirect", &json!({ "provider": provider })).ok();
    (sent["redirect"].as_str().unwrap().to_owned(), sent["token"].as_str().unwrap().to_owned())
}

fn back(client: &Client, kept: &str, answer: &Value) -> Response {
    client.clone().with("X-OpenIDM-DataStoreToken", kept).post("identityProviders?_action=handlePostAuth", answer)
}

#[test]
#[ignore = "it needs Keycloak: `make test-keycloak`"]
fn people_register_sign_in_link_and_sign_out_with_keycloak() {
    let keycloak = Keycloak::start(&clients(), &["ada", "charles", "mary"]);
    let issuer = keycloak.issuer();
    let details = json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "registrationProperties": ["userName", "givenName", "sn", "mail"],
    });
    let files = signing_in()
        .json("conf/identityProvider-keycloak.json", &file("keycloak", "plain", SECRET, &issuer))
        .json("conf/identityProvider-elliptic.json", &file("elliptic", "elliptic", SECRET, &issuer))
        .json("conf/identityProvider-asks.json", &file("asks", "asks", SECRET, &issuer))
        .json("conf/identityProvider-wrong.json", &file("wrong", "plain", "another secret", &issuer))
        .process("registration", &[details, json!({ "name": "selfRegistration" }), json!({ "name": "localAutoLogin", "successUrl": "" })]);
    let server = Server::on(files).start();
    let client = server.anonymous();
    let token = |browser: &mut Browser, provider: &str, name: &str| {
        let (url, kept) = sent(&client, provider);
        back(&client, &kept, &keycloak.visit(browser, &url, name)).ok()["token"].as_str().unwrap().to_owned()
    };
    let signs_in = |token: &str| {
        let client = server.nobody().with("X-OpenIDM-OAuth-Login", "true").with("X-OpenIDM-DataStoreToken", token);
        client.post_empty("authentication?_action=login")
    };

    // Discovery, and what it led to.
    let (url, kept) = sent(&client, "keycloak");
    assert!(url.starts_with(&format!("{issuer}/protocol/openid-connect/auth?")), "{url}");
    assert!(url.contains("code_challenge_method=S256") && url.contains("&nonce="), "{url}");
    let mut ada = Browser::default();
    let answer = keycloak.visit(&mut ada, &url, "ada");
    assert_eq!(answer["iss"], json!([issuer]), "it says who it is");

    // Registration, by the profile alone; what is answered is good once.
    let proven = back(&client, &kept, &answer).ok()["token"].as_str().unwrap().to_owned();
    back(&client, &kept, &answer).refused(400);
    signs_in(&proven).refused(401);
    let end = client.submit("registration", None, &json!({ "clientToken": proven, "oauthRegister": "true" })).ok();
    assert_eq!((&end["tag"], &end["additions"]["oauthLogin"]), (&json!("end"), &json!(true)), "{end}");
    let id = signs_in(&proven).ok()["authorization"]["id"].as_str().unwrap().to_owned();
    let made = server.admin().get(&format!("managed/user/{id}")).ok();
    let expected = ["ada", "Ada", "Byron", "ada@example.test"].map(|text| json!(text));
    assert_eq!(["userName", "givenName", "sn", "mail"].map(|name| made[name].clone()), expected);

    // A sign-in in the session there, and one in another browser.
    assert_eq!(signs_in(&token(&mut ada.clone(), "keycloak", "nobody at all")).ok()["authorization"]["id"], json!(id));
    assert_eq!(signs_in(&token(&mut Browser::default(), "keycloak", "ada")).ok()["authorization"]["id"], json!(id));
    // Who is not known there stays there.
    let (url, _) = sent(&client, "keycloak");
    let mut stranger = Browser::default();
    let page = keycloak.open(&mut stranger, &url).page();
    let still = keycloak.submit(&mut stranger, &page, &[("username", "ada"), ("password", "wrong")]).page();
    assert!(still.html.contains("Invalid username or password"), "{}", still.html);

    // Linking, by ID tokens of another algorithm and key, and taking the link away.
    let person = Person::create(&server, "keycloak");
    let session = server.nobody().session(&person.name, PASSWORD).with("X-Requested-With", "XMLHttpRequest");
    let linked = |action: &str, body: &Value| session.post(&format!("managed/user/{}?_action={action}&provider=elliptic", person.id), body);
    linked("bind", &json!(token(&mut Browser::default(), "elliptic", "charles"))).ok();
    linked("bind", &json!(token(&mut Browser::default(), "elliptic", "mary"))).refused(409);
    let signed_in = signs_in(&token(&mut Browser::default(), "elliptic", "charles")).ok();
    assert_eq!(signed_in["authorization"]["id"], json!(person.id));
    linked("unbind", &json!({})).ok();
    signs_in(&token(&mut Browser::default(), "elliptic", "charles")).refused(401);

    // The end of the session there: the person is asked, and then has to sign in again.
    let end = client.post("identityProviders?_action=getLogoutUrl", &json!({ "provider": "keycloak" })).ok();
    let end = end["redirect"].as_str().unwrap();
    assert!(end.starts_with(&format!("{issuer}/protocol/openid-connect/logout?")) && end.contains("client_id=plain"), "{end}");
    let page = keycloak.open(&mut ada, end).page();
    assert!(page.html.contains("Do you want to log out?"), "{}", page.html);
    let done = keycloak.submit(&mut ada, &page, &[("confirmLogout", "yes")]).page();
    assert!(done.html.contains("You are logged out"), "{}", done.html);
    let (url, _) = sent(&client, "keycloak");
    assert!(keycloak.open(&mut ada, &url).page().html.contains("kc-form-login"), "the session there is over");

    // Errors: one who does not agree, a secret that is not the client's, a code of another client, an answer of another issuer.
    let (url, kept) = sent(&client, "asks");
    let mut mary = Browser::default();
    let page = keycloak.open(&mut mary, &url).page();
    let asked = keycloak.submit(&mut mary, &page, &[("username", "mary"), ("password", crate::support::keycloak::PASSWORD)]).page();
    let refused = keycloak.submit(&mut mary, &asked, &[("cancel", "No")]).away();
    assert_eq!(refused["error"], json!(["access_denied"]), "{refused}");
    let said = back(&client, &kept, &refused).refused(403);
    assert_eq!(said, "The identity provider refused the sign-in: access_denied");
    let (url, kept) = sent(&client, "wrong");
    let answer = keycloak.visit(&mut Browser::default(), &url, "mary");
    let said = back(&client, &kept, &answer).refused(503);
    assert!(said.starts_with("The identity provider does not answer"), "a file that is wrong is nothing that they did: {said}");
    let (url, kept) = sent(&client, "keycloak");
    let (other, _) = sent(&client, "elliptic");
    let mut mixed = keycloak.visit(&mut Browser::default(), &url, "mary");
    mixed["code"] = keycloak.visit(&mut Browser::default(), &other, "mary")["code"].clone();
    back(&client, &kept, &mixed).refused(403);
    let (url, kept) = sent(&client, "keycloak");
    let mut foreign = keycloak.visit(&mut Browser::default(), &url, "mary");
    foreign["iss"] = json!(["http://127.0.0.1:9/realms/other"]);
    let answer = back(&client, &kept, &foreign);
    assert!((400..500).contains(&answer.status), "{}", answer.text());

    // It goes away: that is said, and passwords still count.
    drop(keycloak);
    let gone = back(&client, &kept, &foreign);
    assert!((400..=503).contains(&gone.status), "{}", gone.text());
    assert!(server.signs_in(&person.name, PASSWORD));
}
