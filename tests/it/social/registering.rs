//! Registering with the profile of a provider.

use serde_json::json;

use super::{processes, world};
use crate::support::Server;
use crate::support::identity_provider::{Account, IdentityProvider, signing_in};
use crate::support::stages::email_validation;

#[test]
fn somebody_registers_with_the_profile_of_a_provider_and_without_a_password() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let account = Account::new("new");
    let token = world.client_token("acme", &account);
    world.signs_in(&token).refused(401);
    let (_, step) = client.goes_on("registration", None, &json!({}));
    let (asked, step) = client.goes_on("registration", Some(&step), &json!({"clientToken": token, "oauthRegister": "true"}));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("idmUserDetails"), &json!("validateUserProfile")));
    let offered = &asked["requirements"]["properties"]["user"]["default"];
    assert_eq!(offered, &json!({"givenName": "Jo", "mail": account.mail, "userName": account.mail}));
    let refused = client.submit("registration", Some(&step), &json!({"user": {"userName": account.subject}}));
    refused.refused(403);
    let end = client.submit("registration", Some(&step), &json!({"user": {"userName": account.subject, "sn": "Doe"}})).ok();
    assert_eq!(
        (&end["tag"], &end["additions"]["oauthLogin"], &end["additions"]["successUrl"]),
        (&json!("end"), &json!(true), &json!("/welcome"))
    );
    let body = world.signs_in(&token).ok();
    assert_eq!(body["authenticationId"], json!(account.subject));
    let made = world.server.admin().get(&format!("managed/user/{}?_fields=*,idps/*", body["authorization"]["id"].as_str().unwrap())).ok();
    assert_eq!((&made["givenName"], &made["sn"], &made["mail"]), (&json!("Jo"), &json!("Doe"), &json!(account.mail)));
    assert_eq!(made["idps"][0]["_refResourceId"], json!(account.subject));

    // The same account registers nobody else.
    let again = world.client_token("acme", &account);
    let (_, step) = client.goes_on("registration", None, &json!({}));
    client.submit("registration", Some(&step), &json!({"clientToken": again, "oauthRegister": "true"})).refused(409);
    client.submit("registration", Some(&step), &json!({"clientToken": "nonsense", "oauthRegister": "true"})).refused(400);
}

#[test]
fn the_joined_form_is_filled_in_by_a_provider_as_well() {
    let world = processes(world(), true);
    let client = world.server.anonymous();
    let account = Account::new("joined");
    let token = world.client_token("other", &account);
    let (_, step) = client.goes_on("registration", None, &json!({}));
    let (asked, step) = client.goes_on("registration", Some(&step), &json!({"clientToken": token, "oauthRegister": "true"}));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("allInOneRegistration"), &json!("validateUserProfile")));
    assert_eq!(asked["requirements"]["properties"]["user"]["default"]["mail"], json!(account.mail));
    let end =
        client.submit("registration", Some(&step), &json!({"user": {"userName": account.subject, "sn": "Doe"}, "accept": "true"})).ok();
    assert_eq!(end["additions"]["oauthLogin"], json!(true), "{end}");
    assert_eq!(world.signs_in(&token).status, 200);
}

#[test]
fn a_providers_confirmation_stands_for_ours_where_the_project_says_so_and_is_strictly_true() {
    let (trusted, other) = (IdentityProvider::start(), IdentityProvider::start());
    let mut file = trusted.file("acme");
    file["vestibule"] = json!({"confirmsMail": true});
    let mut loose = other.file("other");
    loose["vestibule"] = json!({"confirmsMail": "true"});
    let details = json!({"name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "registrationProperties": ["userName", "givenName", "sn", "mail"]});
    let files = signing_in()
        .json("conf/identityProvider-acme.json", &file)
        .json("conf/identityProvider-other.json", &loose)
        .process("registration", &[details, email_validation(), json!({"name": "selfRegistration", "identityServiceUrl": "managed/user"})]);
    let server = Server::on(files).start();
    let client = server.anonymous();
    // What the process says after the details, typed with this address.
    let behind = |name: &str, idp: &IdentityProvider, account: &Account, mail: &str| {
        let sent = client.post("identityProviders?_action=getAuthRedirect", &json!({"provider": name})).ok();
        let kept = client.clone().with("X-OpenIDM-DataStoreToken", sent["token"].as_str().unwrap());
        let answer = idp.answer(sent["redirect"].as_str().unwrap(), account);
        let token = kept.post("identityProviders?_action=handlePostAuth", &answer).ok();
        let asked = client.submit("registration", None, &json!({"clientToken": token["token"], "oauthRegister": "true"})).ok();
        let user = json!({"user": {"userName": account.subject, "givenName": "Jo", "sn": "Doe", "mail": mail}});
        client.submit("registration", asked["token"].as_str(), &user).ok()["tag"].clone()
    };
    let of = |name: &str, idp: &IdentityProvider| {
        let account = Account::new("confirmed");
        behind(name, idp, &account, &account.mail)
    };
    let known = Account::new("confirmed");
    assert_eq!(behind("acme", &trusted, &known, &known.mail), json!("end"));
    let told = server.admin().get(&format!("audit/process?person={}", known.subject)).ok().to_string();
    assert!(told.contains("no mail is sent: an identity provider has confirmed the address"), "{told}");
    assert_eq!(of("other", &other), json!("validateCode"), "a text is no true");
    let account = Account::new("another");
    assert_eq!(behind("acme", &trusted, &account, "another@example.test"), json!("validateCode"), "another address than the one it knows");
    for said in [json!("true"), json!(1), json!(false)] {
        trusted.claims(&json!({"email_verified": said}));
        assert_eq!(of("acme", &trusted), json!("validateCode"), "{said}");
    }
}
