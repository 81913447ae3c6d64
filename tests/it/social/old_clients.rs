//! Clients of 5.0, which ask a provider themselves and bring the code: signing in by `authToken`, and the form `socialUserDetails`.

use serde_json::{Value, json};

use super::{bind, world};
use crate::support::client::cookie;
use crate::support::identity_provider::{Account, IdentityProvider, signing_in};
use crate::support::people::PASSWORD;
use crate::support::server::check;
use crate::support::{Person, Server, Visitor};

/// The file of a provider as 5.0 has it: with its endpoints, and other names.
fn file(idp: &IdentityProvider) -> Value {
    let mut file = idp.file("acme");
    file["name"] = json!("acme");
    file["icon"] = json!("acme");
    file["authorization_endpoint"] = json!(format!("{}/auth", idp.issuer()));
    file
}

/// The built-in rules, and the one of 5.0 for `getAuthToken`.
fn access() -> Value {
    let rule = |pattern: &str, roles: &str, methods: &str, actions: &str| json!({"pattern": pattern, "roles": roles, "methods": methods, "actions": actions});
    json!({"configs": [
        rule("info/*", "*", "read", ""), rule("authentication", "*", "read,action", "login,logout,getAuthToken"),
        rule("managed/*", "internal/role/openidm-authorized", "read,action", "bind"), rule("*", "internal/role/openidm-admin", "*", "*"),
        rule("identityProviders", "*", "action", "getAuthRedirect,handlePostAuth"), rule("selfservice/registration", "*", "read,action", "submitRequirements"),
    ]})
}

#[test]
fn the_code_of_a_clients_own_request_signs_in_whom_the_account_is_linked_to() {
    let mut world = world();
    let files = signing_in().json("conf/identityProvider-acme.json", &file(&world.acme)).json("conf/access.json", &access());
    world.server = Server::on(files).start();
    let (person, account) = world.linked("acme", "old");
    let ask = |code: &str, nonce: &str, back: &str| {
        let body = json!({"provider": "acme", "code": code, "nonce": nonce, "redirect_uri": back});
        world.server.anonymous().post("authentication?_action=getAuthToken", &body)
    };
    let back = "http://localhost/back";
    let code = IdentityProvider::code_for(&account, "once");
    let token = ask(&code, "once", back).ok()["auth_token"].as_str().unwrap().to_owned();
    let signs_in = |token: &str| world.server.nobody().with("authToken", token).with("provider", "acme").get("info/login");
    let answer = signs_in(&token);
    assert!(cookie(&answer).is_some());
    assert_eq!(answer.ok()["authorization"]["id"], json!(person.id));
    signs_in(&token).refused(401);
    world.server.nobody().with("authToken", &token).get("info/login").refused(401);
    ask(&code, "another", back).refused(403);
    ask(&code, "once", "http://localhost/elsewhere").refused(400);
    ask(&code, "", back).refused(400);
    let unknown = json!({"provider": "nobody", "code": "c", "nonce": "n", "redirect_uri": back});
    world.server.anonymous().post("authentication?_action=getAuthToken", &unknown).refused(404);
    // A stranger's account proves itself and nobody here.
    let stranger = ask(&IdentityProvider::code_for(&Account::with_mail("stranger", &person.mail), "n"), "n", back).ok();
    signs_in(stranger["auth_token"].as_str().unwrap()).refused(401);
    let session = world.server.nobody().session(&person.name, PASSWORD);
    bind(&session, &person, "acme", stranger["auth_token"].as_str().unwrap()).refused(409);
    // Nobody may ask by the rules of later releases.
    let later = Server::on(signing_in().json("conf/identityProvider-acme.json", &file(&world.acme))).start();
    later.anonymous().post("authentication?_action=getAuthToken", &unknown).refused(403);
}

#[test]
fn the_form_of_5_0_is_filled_in_by_the_code_of_a_provider() {
    let idp = IdentityProvider::start();
    let files = signing_in().json("conf/identityProvider-acme.json", &file(&idp)).process(
        "registration",
        &[
            json!({"name": "socialUserDetails", "identityEmailField": "mail"}),
            json!({"name": "selfRegistration", "identityServiceUrl": "managed/user"}),
        ],
    );
    let server = Server::on(files).start();
    let client = server.anonymous();
    let account = Account::new("fifty");
    let first = client.get("selfservice/registration").ok();
    let offered = &first["requirements"]["definitions"]["providers"]["items"]["oneOf"][0];
    assert_eq!(
        offered,
        &json!({
            "name": "acme", "type": "OPENID_CONNECT", "icon": "acme", "client_id": "vestibule", "scope": "openid email",
            "authorization_endpoint": format!("{}/auth", idp.issuer()),
        })
    );
    let mut brought = json!({"provider": "acme", "code": IdentityProvider::code_for(&account, "n"), "nonce": "other", "redirect_uri": "http://localhost/back"});
    let submit = |token: Option<&str>, input: &Value| client.submit("registration", token, input);
    let refused = submit(None, &brought).refused(400);
    assert_eq!(refused, "Unable to reach social provider or unknown provider given");
    submit(None, &json!({"provider": "acme"})).refused(400);
    brought["nonce"] = json!("n");
    let asked = submit(None, &brought).ok();
    assert_eq!((&asked["tag"], &asked["requirements"]["description"]), (&json!("validateUserProfile"), &json!("Verify user profile")));
    let shown = &asked["requirements"]["properties"];
    assert_eq!(shown["user"]["default"], json!({"givenName": "Jo", "mail": account.mail, "userName": account.mail}));
    assert!(shown.get("code").is_none(), "{shown}");
    let user = json!({"user": {"userName": account.subject, "sn": "Doe"}});
    submit(asked["token"].as_str(), &user).ok();
    let link = server.admin().get(&format!("managed/acme/{}?_fields=user", account.subject)).ok();
    assert!(link["user"]["_ref"].as_str().unwrap().starts_with("managed/user/"), "{link}");
    brought["code"] = json!(IdentityProvider::code_for(&account, "n"));
    submit(None, &brought).refused(409);
}

/// The file as 5.0 ships it, with a client: there is no `redirect_uri` in it, because the client says where it was sent back to.
#[test]
fn a_file_of_5_0_as_it_was_shipped_signs_in_clients_of_5_0() {
    let mut world = world();
    let at = |path: &str| world.acme.url(path);
    let shipped = json!({"providers": [
        {
            "name": "acme", "type": "openid_connect", "icon": "", "authorization_endpoint": at("/auth"), "token_endpoint": at("/token"), "userinfo_endpoint": at("/me"),
            "discovery_url": at("/.well-known/openid-configuration"), "client_id": "vestibule", "client_secret": "shared-secret-of-the-client",
        },
        {
            "name": "google", "type": "openid_connect", "icon": "", "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
            "token_endpoint": "https://www.googleapis.com/oauth2/v4/token", "userinfo_endpoint": "https://www.googleapis.com/oauth2/v3/userinfo",
            "discovery_url": "https://accounts.google.com/.well-known/openid-configuration", "client_id": "configure_me", "client_secret": "configure_me",
        },
    ]});
    let files = || signing_in().json("conf/identityProviders.json", &shipped).json("conf/access.json", &access());
    let (_, out) = check(&files());
    assert!(out.contains("acme: redirectUri is missing") && !out.contains("google"), "{out}");
    let login = at("/auth");
    world.server = Server::on(files()).start();
    let anonymous = world.server.anonymous();
    let shown = anonymous.get("authentication").ok();
    assert_eq!(
        shown["providers"],
        json!([{
            "provider": "acme", "name": "acme", "type": "openid_connect", "icon": "", "enabled": true, "uiConfig": {"buttonDisplayName": "acme"},
            "client_id": "vestibule", "scope": ["openid"], "authorization_endpoint": login,
        }])
    );
    let (person, account) = (Person::create(&world.server, "shipped"), Account::new("shipped"));
    let ask = |back: &str| {
        let body = json!({"provider": "acme", "code": IdentityProvider::code_for(&account, "n"), "nonce": "n", "redirect_uri": back});
        anonymous.post("authentication?_action=getAuthToken", &body)
    };
    for not_taken in
        ["http://openidm.example.test:8080/oauthReturn.html", "https://u@openidm.example.test/", "javascript:x", "/oauthReturn.html"]
    {
        ask(not_taken).refused(400);
    }
    let back = "https://openidm.example.test/oauthReturn.html";
    let token = ask(back).ok()["auth_token"].as_str().unwrap().to_owned();
    let session = world.server.nobody().session(&person.name, PASSWORD);
    bind(&session, &person, "acme", &token).ok();
    let token = ask(back).ok()["auth_token"].as_str().unwrap().to_owned();
    let answer = world.server.nobody().with("authToken", &token).with("provider", "acme").get("info/login").ok();
    assert_eq!(answer["authorization"]["id"], json!(person.id));
    // Nobody is sent there without an address to come back to, and the pages have no button.
    let said = anonymous.post("identityProviders?_action=getAuthRedirect", &json!({"provider": "acme"})).refused(400);
    assert!(said.contains("no redirectUri"), "{said}");
    let mut visitor = Visitor::new(world.server.address());
    assert!(!visitor.open("/sign-in").text().contains("Continue with"));
    assert_eq!(visitor.open("/sign-in/acme").status, 404);
}

#[test]
fn a_client_token_signs_in_under_its_own_name() {
    let world = world();
    let (person, account) = world.linked("acme", "named");
    let token = world.client_token("acme", &account);
    let answer = world.server.nobody().with("clientToken", &token).post_empty("authentication?_action=login").ok();
    assert_eq!(answer["authorization"]["id"], json!(person.id));
    world.server.nobody().with("clientToken", &token).post_empty("authentication?_action=login").refused(401);
}
