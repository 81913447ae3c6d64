//! What a project says of its providers: read, judged, shown and changed, and never the secrets.

use serde_json::{Value, json};

use super::{World, project, stock, world};
use crate::support::identity_provider::{Account, IdentityProvider, authentication, modules, signing_in};
use crate::support::people::PASSWORD;
use crate::support::server::check;
use crate::support::{Person, Project, Server};

#[test]
fn providers_are_shown_as_far_as_the_asker_may_see_and_never_their_secrets() {
    let world = world();
    let buttons = world.server.anonymous().get("authentication").ok();
    let names = |list: &Value| {
        list["providers"].as_array().unwrap().iter().map(|one| one["provider"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&buttons), ["other", "acme"]);
    assert_eq!(buttons["providers"][1]["uiConfig"], json!({"buttonDisplayName": "acme", "iconClass": "fa-key"}));
    assert!(buttons["providers"][1].get("propertyMap").is_none() && buttons["providers"][1].get("clientId").is_none());
    world.server.anonymous().get("identityProviders").refused(403);
    let person = Person::create(&world.server, "sees");
    let session = world.server.nobody().session(&person.name, PASSWORD);
    let shown = stock(&session).get("identityProviders").ok();
    assert_eq!(names(&shown), ["other", "acme"]);
    assert_eq!(shown["providers"][1]["scope"], json!(["openid", "email"]));
    assert!(shown["providers"][1]["propertyMap"].is_array());
    let available = world.server.admin().post_empty("identityProviders?_action=availableProviders").ok();
    assert_eq!(names(&available), ["other", "google", "acme"]);
    for answer in [&buttons, &shown, &available] {
        let text = answer.to_string();
        assert!(!text.contains("clientSecret") && !text.contains("shared-secret"), "{text}");
    }
    stock(&session).post_empty("identityProviders?_action=availableProviders").refused(403);
    world.server.anonymous().post("identityProviders?_action=normalizeProfile", &json!({"rawProfile": {}})).refused(403);
}

#[test]
fn a_module_that_is_off_lets_nobody_in_and_a_file_that_is_wrong_keeps_out_its_provider_alone() {
    let (acme, other) = (IdentityProvider::start(), IdentityProvider::start());
    let mut modules = modules();
    modules[3]["enabled"] = json!(false);
    let mut wrong = other.file("other");
    wrong["redirectUri"] = json!("http://example.test/");
    let files = project(&acme, &other)
        .json("conf/authentication.json", &authentication(&modules))
        .json("conf/identityProviders.json", &json!({"providers": [wrong]}));
    let world = World { server: Server::on(files).start(), acme, other };
    let shown = world.server.anonymous().get("authentication").ok();
    assert_eq!(shown["providers"].as_array().unwrap().len(), 1, "7.5 shows them also while the module is off");
    let (_, account) = world.linked("acme", "off");
    world.signs_in(&world.client_token("acme", &account)).refused(401);
    world.server.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({"provider": "other"})).refused(404);
    world.server.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({})).refused(400);
}

#[test]
fn nothing_of_a_provider_is_in_the_data() {
    let world = world();
    let (_, account) = world.linked("acme", "kept");
    let token = world.client_token("acme", &account);
    assert_eq!(world.signs_in(&token).status, 200);
    let mut files = Vec::new();
    let mut folders = vec![world.server.data()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() { folders.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        for secret in ["shared-secret-of-the-client", token.as_str()] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{} holds {secret}", file.display());
        }
    }
}

#[test]
fn check_says_what_is_lifted_and_what_is_gone() {
    let file = |name: &str, authorization: &str, token: &str, profile: &str| {
        json!({
            "provider": name, "clientId": "me", "clientSecret": "s", "redirectUri": "https://id.example.test/", "scope": ["x"], "authorizationEndpoint": authorization,
            "tokenEndpoint": token, "userInfoEndpoint": profile,
        })
    };
    let mut linked_in = file(
        "linkedIn",
        "https://www.linkedin.com/oauth/v2/authorization",
        "https://www.linkedin.com/oauth/v2/accessToken",
        "https://api.linkedin.com/v2/me",
    );
    linked_in["scope"] = json!(["r_liteprofile", "r_emailaddress"]);
    let facebook = file(
        "facebook",
        "https://www.facebook.com/dialog/oauth",
        "https://graph.facebook.com/v2.7/oauth/access_token",
        "https://graph.facebook.com/me?fields=id,name",
    );
    let instagram = file(
        "instagram",
        "https://api.instagram.com/oauth/authorize",
        "https://api.instagram.com/oauth/access_token",
        "https://api.instagram.com/v1/users/self",
    );
    let twitter = file(
        "twitter",
        "https://api.twitter.com/oauth/authenticate",
        "https://api.twitter.com/oauth/access_token",
        "https://api.twitter.com/1.1/account/verify_credentials.json",
    );
    let mut inside = file("inside", "http://idp.internal.test/auth", "https://idp.example.test/token", "https://idp.example.test/me");
    inside["clientSecret"] = json!({"$crypto": {"type": "x-simple-encryption", "value": {"key": "k", "data": "x", "cipher": "AES/CBC/PKCS5Padding", "iv": "x"}}});
    let files =
        Project::new().json("conf/identityProviders.json", &json!({"providers": [linked_in, facebook, instagram, twitter, inside]}));
    let (code, out) = check(&files);
    assert_eq!(code, Some(0), "other ways to sign in still work: {out}");
    for said in [
        "linkedIn: 'r_liteprofile r_emailaddress' of scope is not answered any more",
        "'openid profile email' is used",
        "linkedIn: 'https://api.linkedin.com/v2/me' of userInfoEndpoint",
        "'https://api.linkedin.com/v2/userinfo' is used",
        "facebook: 'https://graph.facebook.com/v2.7/oauth/access_token' of tokenEndpoint",
        "'https://graph.facebook.com/oauth/access_token' is used",
        "instagram cannot be used: Instagram's Basic Display API was switched off on 4 December 2024",
        "twitter cannot be used: this is OAuth 1.0a",
        "inside: authorizationEndpoint: 'http://idp.internal.test/auth' is not used",
        "inside: clientSecret: the secret is encrypted",
    ] {
        assert!(out.contains(said), "{said}\n{out}");
    }
    let server = Server::on(files).start();
    let shown = server.anonymous().get("authentication").ok();
    let names: Vec<&Value> = shown["providers"].as_array().unwrap().iter().map(|one| &one["provider"]).collect();
    assert_eq!(names, [&json!("linkedIn"), &json!("facebook")]);
    let sent = server.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({"provider": "facebook"})).ok();
    assert!(
        sent["redirect"].as_str().unwrap().starts_with("https://www.facebook.com/dialog/oauth?response_type=code&client_id=me&"),
        "{sent}"
    );
    let file = server.admin().get("config/identityProviders").ok();
    assert!(!file.to_string().contains("\"clientSecret\":\"s\""), "{file}");
}

#[test]
fn a_provider_is_added_while_the_server_runs_and_its_secret_does_not_leave() {
    let world = world();
    let admin = world.server.admin();
    admin.put("config/identityProvider/late", &world.other.file("late")).expect(201);
    let shown = world.server.anonymous().get("authentication").ok();
    assert!(shown["providers"].as_array().unwrap().iter().any(|one| one["provider"] == "late"), "{shown}");
    let file = admin.get("config/identityProvider/late").ok();
    assert_eq!(file["clientId"], json!("vestibule"));
    assert!(!file.to_string().contains("shared-secret"), "{file}");
    let (_, account) = (Person::create(&world.server, "late"), Account::new("late"));
    let (url, kept) = world.sent("late");
    assert_eq!(world.back(&kept, &world.other.answer(&url, &account)).status, 200);
}

#[test]
fn a_script_that_cannot_be_compiled_is_said_at_the_start_and_keeps_its_provider_out() {
    let idp = IdentityProvider::start();
    let mut file = idp.file("acme");
    file["propertyMap"][4]["transform"]["source"] = json!("source.toUpperCase(");
    let files = signing_in().json("conf/identityProvider-acme.json", &file).json("conf/identityProvider-other.json", &idp.file("other"));
    let (_, out) = check(&files);
    assert!(out.contains("nobody can sign in with acme: propertyMap: a script cannot be compiled"), "{out}");
    assert!(!out.contains("nobody can sign in with other"), "{out}");
    let shown = Server::on(files).start().anonymous().get("authentication").ok();
    let names: Vec<&Value> = shown["providers"].as_array().unwrap().iter().map(|one| &one["provider"]).collect();
    assert_eq!(names, [&json!("other")]);
}

#[test]
fn a_script_of_the_whole_profile_counts_more_than_the_map() {
    let idp = IdentityProvider::start();
    let mut file = idp.file("acme");
    let script = "({ displayName: rawProfile.given_name + ' of ' + rawProfile.email.split('@')[1], email: null })";
    file["normalizationScript"] = json!({"type": "text/javascript", "source": script});
    let server = Server::on(signing_in().json("conf/identityProvider-acme.json", &file)).start();
    let session = server.nobody().session(&Person::create(&server, "script").name, PASSWORD);
    let raw = json!({"rawProfile": {"provider": "acme", "sub": "1", "email": "jo@example.test", "given_name": "Jo"}});
    let common = stock(&session).post("identityProviders?_action=normalizeProfile", &raw).ok();
    assert_eq!(
        common[0],
        json!({"id": "1", "email": "jo@example.test", "username": "jo@example.test", "givenName": "Jo", "displayName": "Jo of example.test"})
    );
}
