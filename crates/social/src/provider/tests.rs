//! What a file makes of a provider, and what is shown of one.

use super::*;

fn file() -> Value {
    json!({
        "provider": "acme", "type": "OPENID_CONNECT", "clientId": "me", "clientSecret": "hidden", "enabled": true,
        "wellKnownEndpoint": "https://idp.example/.well-known/openid-configuration", "redirectUri": "https://id.example/", "scope": ["openid"],
        "uiConfig": {"buttonDisplayName": "Acme"}, "propertyMap": [{"source": "sub", "target": "id"}], "vestibule": {"keyId": "hidden"},
    })
}

/// A key on P-256 of nobody.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\nOF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n-----END PRIVATE KEY-----\n";

#[test]
fn a_key_is_no_secret_wherever_it_stands() {
    let methods =
        [json!({}), json!({"clientAuthenticationMethod": "client_secret_post"}), json!({"tokenEndpointAuthMethod": "CLIENT_SECRET_POST"})];
    for method in methods {
        for place in [
            json!({"clientSecret": KEY}),
            json!({"clientSecret": "", "vestibule": {"privateKey": KEY}}),
            json!({"vestibule": {"privateKey": KEY}}),
        ] {
            let mut file = with(&json!({"provider": "apple"}));
            let own = json!({"keyId": "k", "teamId": "t"});
            for part in [&method, &place, &json!({"vestibule": own})] {
                for (name, value) in part.as_object().unwrap() {
                    let mut value = value.clone();
                    if let (Some(value), Some(before)) = (value.as_object_mut(), file[name].as_object()) {
                        value.extend(before.clone());
                    }
                    file[name] = value;
                }
            }
            let provider = Provider::read(&file).unwrap();
            assert_eq!(provider.method, Method::Apple, "{method} {place}");
            assert!(!provider.secret.contains("PRIVATE"), "{method} {place}");
        }
    }
}

fn with(changes: &Value) -> Value {
    let mut file = file();
    for (name, value) in changes.as_object().unwrap() {
        file[name] = value.clone();
    }
    file
}

#[test]
fn no_secret_is_shown() {
    let provider = Provider::read(&file()).unwrap();
    assert_eq!(
        provider.button(),
        json!({"provider": "acme", "type": "OPENID_CONNECT", "enabled": true, "uiConfig": {"buttonDisplayName": "Acme"}})
    );
    for shown in [provider.button(), provider.shown(), json!(format!("{provider:?}"))] {
        assert!(!shown.to_string().contains("hidden") && !shown.to_string().contains("clientSecret"), "{shown}");
    }
    assert_eq!(
        (provider.shown()["scope"].clone(), provider.shown()["propertyMap"].clone()),
        (json!(["openid"]), file()["propertyMap"].clone())
    );
}

#[test]
fn the_first_releases_wrote_other_names() {
    let old = json!({
        "name": "google", "type": "OPENID_CONNECT", "icon": "google", "client_id": "me", "client_secret": "s", "scope": "openid email",
        "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth", "token_endpoint": "https://www.googleapis.com/oauth2/v4/token",
        "redirect_uri": "https://id.example/", "authenticationId": "sub",
    });
    let provider = Provider::read(&old).unwrap();
    assert_eq!((provider.name.as_str(), provider.client_id.as_str(), provider.id_key.as_str()), ("google", "me", "sub"));
    assert_eq!(provider.scope, ["openid", "email"]);
    assert_eq!(provider.token_endpoint.as_deref(), Some("https://oauth2.googleapis.com/token"));
    assert_eq!(provider.lifted.len(), 1);
}

/// The file as 5.0 ships it, with a client.
#[test]
fn a_file_of_5_0_has_no_address_to_come_back_to_and_shows_what_its_clients_need() {
    let shipped = |client: &str| {
        json!({
            "name": "google", "type": "openid_connect", "icon": "", "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
            "token_endpoint": "https://www.googleapis.com/oauth2/v4/token", "userinfo_endpoint": "https://www.googleapis.com/oauth2/v3/userinfo",
            "discovery_url": "https://accounts.google.com/.well-known/openid-configuration", "client_id": client, "client_secret": client,
        })
    };
    assert!(!Provider::is_meant(&shipped("configure_me")) && Provider::is_meant(&shipped("me")));
    let provider = Provider::read(&shipped("me")).unwrap();
    assert_eq!(provider.well_known.as_deref(), Some("https://accounts.google.com/.well-known/openid-configuration"));
    assert!(!provider.returns_to("/") && !provider.posts_to("/"), "it is no address of ours");
    let button = provider.button();
    assert_eq!(
        (&button["client_id"], &button["scope"], &button["authorization_endpoint"]),
        (&json!("me"), &json!(["openid"]), &json!("https://accounts.google.com/o/oauth2/v2/auth"))
    );
    assert!(button.get("client_secret").is_none(), "{button}");
    // Where nothing says whose code it is, nobody can bring one.
    let mut unbound = shipped("me");
    (unbound["name"], unbound["type"]) = (json!("acme"), json!("oauth"));
    assert_eq!(Provider::read(&unbound).unwrap_err()[0].key, "redirectUri");
}

/// A file is written by people, a path is sent by browsers.
#[test]
fn people_come_back_to_the_path_that_the_file_means_however_it_is_spelled() {
    let returns = |uri: &str, path: &str| Provider::read(&with(&json!({ "redirectUri": uri }))).unwrap().returns_to(path);
    for (uri, path) in [
        ("https://id.example/ü/", "/%C3%BC/"),
        ("https://id.example/%c3%bc/", "/%C3%BC/"),
        ("https://id.example/a%20b?x=1#y", "/a%20b"),
        ("https://id.example", "/"),
    ] {
        assert!(returns(uri, path), "{uri} {path}");
    }
    for (uri, path) in [
        ("https://id.example/a%2Fb", "/a/b"),
        ("https://id.example/Back", "/back"),
        ("https://id.example/ü", "/u"),
        ("https://id.example/a", "/a/"),
    ] {
        assert!(!returns(uri, path), "{uri} {path}");
    }
}

#[test]
fn an_account_is_named_by_what_lasts_and_by_no_address() {
    for key in [
        "email",
        "mail",
        "/emails/0/value",
        "emails.0.value",
        "upn",
        "userPrincipalName",
        "preferred_username",
        "EMail",
        "emailAddress",
        "profile/email",
        "login",
    ] {
        for (name, kind) in [("acme", "OPENID_CONNECT"), ("microsoft", "OAUTH"), ("google", "OPENID_CONNECT"), ("linkedIn", "OAUTH")] {
            let file = with(&json!({
                "provider": name, "type": kind, "authenticationIdKey": key, "authorizationEndpoint": "https://idp.example/a", "tokenEndpoint": "https://idp.example/t",
                "userInfoEndpoint": "https://idp.example/m",
            }));
            let flaws = Provider::read(&file).unwrap_err();
            assert_eq!(flaws.iter().map(|flaw| flaw.key).collect::<Vec<_>>(), ["authenticationIdKey"], "{name} {key}");
        }
    }
    for key in ["sub", "id", "/data/id", "user_id", "ID", "oid"] {
        assert!(Provider::read(&with(&json!({ "authenticationIdKey": key }))).is_ok(), "{key}");
    }
}

#[test]
fn a_file_of_one_tenant_takes_the_tokens_of_that_one() {
    let issuer = |place: &str| {
        let file = with(
            &json!({"provider": "microsoft", "wellKnownEndpoint": format!("https://login.microsoftonline.com/{place}/v2.0/.well-known/openid-configuration")}),
        );
        Provider::read(&file).unwrap().issuer.unwrap()
    };
    let own = "9122040d-6c67-4c5b-b112-36a304b66dad";
    assert_eq!(issuer(own), format!("https://login.microsoftonline.com/{own}/v2.0"));
    for several in ["common", "organizations", "consumers"] {
        assert_eq!(issuer(several), "https://login.microsoftonline.com/{tenantid}/v2.0");
    }
}

#[test]
fn what_cannot_be_honoured_refuses_the_provider() {
    let flaws = |changes: &Value| Provider::read(&with(changes)).unwrap_err().into_iter().map(|flaw| flaw.key).collect::<Vec<_>>();
    assert_eq!(flaws(&json!({"wellKnownEndpoint": "http://idp.example/x"})), ["wellKnownEndpoint"]);
    assert_eq!(flaws(&json!({"redirectUri": ""})), ["redirectUri"]);
    assert_eq!(flaws(&json!({"clientId": ""})), ["clientId"]);
    assert_eq!(flaws(&json!({"clientSecret": {"$crypto": {}}})), ["clientSecret"]);
    assert_eq!(flaws(&json!({"propertyMap": {}})), ["propertyMap"]);
    assert_eq!(flaws(&json!({"normalizationScript": {"type": "groovy", "source": "x"}})), ["normalizationScript"]);
    assert_eq!(flaws(&json!({"provider": "a/b"})), ["provider"]);
    assert_eq!(flaws(&json!({"provider": "user"})), ["provider"]);
    assert_eq!(flaws(&json!({"vestibule": {"privateKey": "x"}})), ["privateKey"]);
    assert_eq!(flaws(&json!({"clientSecret": KEY})), ["tokenEndpointAuthMethod"], "a key is not taken for a secret");
    assert_eq!(flaws(&json!({"clientSecret": "", "vestibule": {"privateKey": KEY}})), ["tokenEndpointAuthMethod"]);
    assert_eq!(flaws(&json!({"clientSecret": KEY, "vestibule": {"tokenEndpointAuthMethod": "client_secret_basic"}})), ["clientSecret"]);
    assert_eq!(
        flaws(&json!({"provider": "apple", "clientSecret": KEY, "clientAuthenticationMethod": "client_secret_post"})),
        ["clientSecret"]
    );
    assert_eq!(flaws(&json!({"vestibule": {"tokenEndpointAuthMethod": "tls_client_auth"}})), ["tokenEndpointAuthMethod"]);
    assert_eq!(flaws(&json!({"vestibule": {"tokenEndpointAuthMethod": "private_key_jwt"}})), ["clientSecret"]);
    assert_eq!(flaws(&json!({"wellKnownEndpoint": ""})), ["authorizationEndpoint", "tokenEndpoint", "jwksUriEndpoint", "issuer"]);
    assert_eq!(flaws(&json!({"type": "OAUTH"})), ["userInfoEndpoint"]);
}

#[test]
fn a_template_without_client_means_nothing() {
    assert!(Provider::is_meant(&file()));
    for changes in [json!({"clientId": ""}), json!({"clientId": null}), json!({"enabled": false}), json!({"enabled": "false"})] {
        assert!(!Provider::is_meant(&with(&changes)), "{changes}");
    }
}
