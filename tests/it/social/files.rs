//! What a project says of its providers: read, judged, shown and changed, and never the secrets.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
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

/// Rules of old projects let everybody read the resource. Whoever is not signed in sees what a button needs.
#[test]
fn whoever_is_not_signed_in_sees_buttons_whatever_the_rules_say() {
    let (acme, other) = (IdentityProvider::start(), IdentityProvider::start());
    let rule = |pattern: &str, roles: &str, methods: &str, actions: &str| json!({"pattern": pattern, "roles": roles, "methods": methods, "actions": actions});
    let rules = json!({"configs": [
        rule("identityProviders", "*", "read", ""), rule("info/*", "*", "read", ""), rule("authentication", "*", "read,action", "login,logout"),
        rule("*", "internal/role/openidm-admin", "*", "*"),
    ]});
    let server = Server::on(project(&acme, &other).json("conf/access.json", &rules)).start();
    let shown = server.anonymous().get("identityProviders").ok();
    assert_eq!(shown["providers"], server.anonymous().get("authentication").ok()["providers"]);
    assert!(!shown.to_string().contains("clientId"), "{shown}");
    let person = Person::create(&server, "reads");
    let own = stock(&server.nobody().session(&person.name, PASSWORD)).get("identityProviders").ok();
    assert!(own["providers"][0]["propertyMap"].is_array(), "{own}");
}

/// A release, providers of its time, what `check` says of them, and what an address has in which one of them is asked.
type Epoch<'a> = (&'a str, Vec<Value>, &'a [&'a str], &'a [(&'a str, &'a str)]);

/// A file of each time, as its documentation prints it, with a client: what `check` says, and where people are sent.
#[test]
fn files_of_every_time_lead_to_the_providers_of_today() {
    let provider = |changes: Value| {
        let mut file = json!({
            "enabled": true, "clientId": "me", "clientSecret": "s", "redirectUri": "https://id.example.test/", "uiConfig": {"buttonDisplayName": "x"},
        });
        file.as_object_mut().unwrap().extend(changes.as_object().cloned().unwrap());
        file
    };
    let google_of_2017 = provider(json!({
        "provider": "google", "type": "OPENID_CONNECT", "authorizationEndpoint": "https://accounts.google.com/o/oauth2/v2/auth",
        "tokenEndpoint": "https://www.googleapis.com/oauth2/v4/token", "userInfoEndpoint": "https://www.googleapis.com/oauth2/v3/userinfo",
        "wellKnownEndpoint": "https://accounts.google.com/.well-known/openid-configuration", "scope": ["openid", "profile", "email"], "authenticationIdKey": "sub",
        "propertyMap": [{"source": "sub", "target": "id"}, {"source": "given_name", "target": "givenName"}],
    }));
    let facebook = provider(json!({
        "provider": "facebook", "type": "OAUTH", "authorizationEndpoint": "https://www.facebook.com/dialog/oauth", "tokenEndpoint": "https://graph.facebook.com/v2.7/oauth/access_token",
        "userInfoEndpoint": "https://graph.facebook.com/me?fields=id,name,picture,email,first_name,last_name,locale", "wellKnownEndpoint": "", "scope": ["email", "user_birthday"],
        "authenticationIdKey": "id", "propertyMap": [{"source": "id", "target": "id"}],
    }));
    let linked_in_of_2016 = provider(json!({
        "provider": "linkedIn", "type": "OAUTH", "authorizationEndpoint": "https://www.linkedin.com/oauth/v2/authorization",
        "tokenEndpoint": "https://www.linkedin.com/oauth/v2/accessToken",
        "userInfoEndpoint": "https://api.linkedin.com/v1/people/~:(id,formatted-name,first-name,last-name,email-address,location)?format=json",
        "scope": ["r_basicprofile", "r_emailaddress"], "authenticationIdKey": "id", "propertyMap": [{"source": "emailAddress", "target": "email"}],
    }));
    let linked_in_of_2019 = provider(json!({
        "provider": "linkedIn", "type": "OAUTH", "authorizationEndpoint": "https://www.linkedin.com/oauth/v2/authorization",
        "tokenEndpoint": "https://www.linkedin.com/oauth/v2/accessToken", "userInfoEndpoint": "https://api.linkedin.com/v2/me?projection=(id,firstName,lastName)",
        "scope": ["r_liteprofile", "r_emailaddress"], "authenticationIdKey": "id", "propertyMap": [{"source": "firstName/localized/en_US", "target": "givenName"}],
    }));
    let yahoo = provider(json!({
        "provider": "yahoo", "type": "OPENID_CONNECT", "authorizationEndpoint": "https://api.login.yahoo.com/oauth2/request_auth",
        "tokenEndpoint": "https://api.login.yahoo.com/oauth2/get_token", "wellKnownEndpoint": "https://login.yahoo.com/.well-known/openid-configuration",
        "jwksUriEndpoint": "https://api.login.yahoo.com/openid/v1/certs", "userInfoEndpoint": "https://social.yahooapis.com/v1/user/me/profile?format=json",
        "scope": ["openid", "sdpp-w"], "authenticationIdKey": "guid", "propertyMap": [{"source": "guid", "target": "id"}],
    }));
    let vkontakte = provider(json!({
        "provider": "vkontakte", "type": "OAUTH", "configClass": "org.forgerock.oauth.clients.vk.VKClientConfiguration", "authorizationEndpoint": "https://oauth.vk.com/authorize",
        "tokenEndpoint": "https://oauth.vk.com/access_token", "userInfoEndpoint": "https://api.vk.com/method/users.get", "scope": ["email"], "apiVersion": "5.73",
        "authenticationIdKey": "id", "propertyMap": [{"source": "id", "target": "id"}],
    }));
    let instagram = provider(json!({
        "provider": "instagram", "type": "OAUTH", "authorizationEndpoint": "https://api.instagram.com/oauth/authorize/", "tokenEndpoint": "https://api.instagram.com/oauth/access_token",
        "userInfoEndpoint": "https://api.instagram.com/v1/users/self/", "scope": ["basic"], "authenticationIdKey": "id",
    }));
    let of_5_0 = json!({
        "name": "google", "type": "openid_connect", "icon": "", "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
        "token_endpoint": "https://www.googleapis.com/oauth2/v4/token", "userinfo_endpoint": "https://www.googleapis.com/oauth2/v3/userinfo",
        "discovery_url": "https://accounts.google.com/.well-known/openid-configuration", "client_id": "me", "client_secret": "s",
    });
    let epochs: [Epoch<'_>; 5] = [
        ("5.0", vec![of_5_0], &["google: redirectUri is missing", "'https://oauth2.googleapis.com/token' is used"], &[]),
        (
            "5.5",
            vec![google_of_2017, linked_in_of_2016, facebook.clone()],
            &[
                "'https://openidconnect.googleapis.com/v1/userinfo' is used",
                "linkedIn: 'emailAddress' of propertyMap",
                "'https://graph.facebook.com/oauth/access_token' is used",
            ],
            &[("facebook", "https://www.facebook.com/dialog/oauth?")],
        ),
        (
            "6.5",
            vec![linked_in_of_2019.clone(), yahoo.clone()],
            &[
                "linkedIn: 'firstName/localized/en_US' of propertyMap",
                "linkedIn: 'r_liteprofile r_emailaddress' of scope",
                "yahoo: 'openid sdpp-w' of scope",
                "yahoo: 'guid' of authenticationIdKey",
                "yahoo: 'https://login.yahoo.com/.well-known/openid-configuration' of wellKnownEndpoint",
            ],
            &[("yahoo", "scope=openid%20profile%20email")],
        ),
        (
            "7.3",
            vec![vkontakte.clone(), instagram],
            &["vkontakte: '5.73' of apiVersion", "instagram cannot be used"],
            &[("vkontakte", "https://oauth.vk.com/authorize?response_type=code&client_id=me")],
        ),
        (
            "7.5",
            vec![linked_in_of_2019, yahoo, vkontakte, facebook],
            &[],
            &[("facebook", "&code_challenge_method=S256&scope=email%2Cuser_birthday")],
        ),
    ];
    for (epoch, providers, said, sent) in epochs {
        let files = || signing_in().json("conf/identityProviders.json", &json!({ "providers": providers }));
        let (code, out) = check(&files());
        assert_eq!(code, Some(0), "{epoch}: {out}");
        for said in said {
            assert!(out.contains(said), "{epoch}: {said}\n{out}");
        }
        let server = Server::on(files()).start();
        for (name, part) in sent {
            let url = server.anonymous().post("identityProviders?_action=getAuthRedirect", &json!({ "provider": name })).ok();
            assert!(url["redirect"].as_str().unwrap().contains(part), "{epoch}: {url}");
        }
    }
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
    let (url, kept) = world.sent("acme");
    let answer = world.acme.answer(&url, &account);
    // This provider's access token is its code; its ID tokens begin with who it is.
    let code = answer["code"][0].as_str().unwrap().to_owned();
    let claims = format!("{{\"iss\":\"{}", world.acme.issuer());
    let id_token = URL_SAFE_NO_PAD.encode(&claims[..claims.len() / 3 * 3]);
    let token = world.back(&kept, &answer).ok()["token"].as_str().unwrap().to_owned();
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
        for secret in ["shared-secret-of-the-client", &token, &code, &id_token] {
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

/// What is of another type is an error at the value where the provider could not work without it, and keeps that provider out and no other.
#[test]
fn a_value_of_another_type_is_said_where_it_stands_and_is_not_taken_for_none() {
    let (acme, other) = (IdentityProvider::start(), IdentityProvider::start());
    let mut wrong = acme.file("acme");
    (wrong["scope"], wrong["basicAuth"], wrong["vestibule"]) =
        (json!(5), json!("yes"), json!({"confirmMail": true, "confirmsMail": "true"}));
    let mut looks = other.file("other");
    (looks["uiConfig"], looks["schema"], looks["enabled"]) = (json!(5), json!(5), json!("true"));
    let off = json!({"provider": "off", "clientId": "me", "enabled": "maybe"});
    let files = signing_in()
        .json("conf/identityProvider-acme.json", &wrong)
        .json("conf/identityProvider-acme2.json", &acme.file("acme"))
        .json("conf/identityProvider-other.json", &looks)
        .json("conf/identityProvider-off.json", &off);
    let (code, out) = check(&files);
    assert_eq!(code, Some(1), "{out}");
    for said in [
        "error[wrong-type] /scope: a list of texts is wanted here, not a number: nobody can sign in with acme",
        "error[wrong-type] /basicAuth: true or false is wanted here, not a text that says something else: nobody can sign in with acme",
        "warning[wrong-type] /vestibule/confirmsMail: true or false, and no text of it, is wanted here",
        "warning[unknown-key] /vestibule/confirmMail: nothing reads the key 'confirmMail'",
        "warning[wrong-type] /uiConfig: an object is wanted here, not a number: it is left out",
        "warning[wrong-type] /schema: an object is wanted here, not a number: it is left out",
        "error[wrong-type] /enabled: true or false is wanted here, not a text that says something else: nobody can sign in with off",
        "there is a provider 'acme' already, at conf/identityProvider-acme.json",
    ] {
        assert!(out.contains(said), "{said}\n{out}");
    }
    assert!(!out.contains("nobody can sign in with acme: "), "once is enough: {out}");
    let server = Server::on(files).start();
    let shown = server.anonymous().get("authentication").ok();
    let providers = shown["providers"].as_array().unwrap();
    assert_eq!((providers.len(), &providers[0]["provider"]), (1, &json!("other")), "{shown}");
    assert_eq!(providers[0]["uiConfig"], json!({"buttonDisplayName": "other"}), "what cannot be drawn is not shown");
}
