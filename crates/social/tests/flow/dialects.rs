//! Every row of the dialects, from a file of its time to an account that is proven: what the provider's own documentation says that it asks and
//! answers, as of 2026. The shapes are written by hand; nothing of them is anybody's.

use jose::signature::{SigningKey, proof_of_secret};
use serde_json::{Map, Value, json};
use social::{Answered, Provider, Providers, SocialError};

use crate::idp::{Counting, Idp, NOW};
use crate::social;

/// One provider.
struct Recorded {
    name: &'static str,
    /// Its file, as releases from 5.0 to 7.5 have it, beside the client.
    file: Value,
    /// What is behind its discovery document, its token endpoint, its keys and its profile: address, and answer. In a token's answer "ID" stands
    /// for an ID token with these claims.
    answers: Vec<(&'static str, Value)>,
    claims: Value,
    /// What the browser brings beside state and code.
    brings: Value,
    /// Parts of the address that the browser is sent to.
    sent: &'static [&'static str],
    /// Parts of the question for the profile.
    asked: &'static [&'static str],
    /// The account, and the profile in common words.
    subject: &'static str,
    common: Value,
}

impl Default for Recorded {
    fn default() -> Self {
        Self {
            name: "",
            file: json!({}),
            answers: Vec::new(),
            claims: Value::Null,
            brings: json!({}),
            sent: &[],
            asked: &[],
            subject: "",
            common: json!({}),
        }
    }
}

fn map(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(source, target)| json!({ "source": source, "target": target })).collect()
}

fn recorded() -> Vec<Recorded> {
    let oidc = map(&[("sub", "id"), ("given_name", "givenName"), ("family_name", "familyName"), ("email", "email")]);
    let bearer = json!({"access_token": "at", "token_type": "Bearer", "expires_in": 3600});
    let with_id = json!({"access_token": "at", "token_type": "Bearer", "expires_in": 3599, "id_token": "ID"});
    let profile = json!({"sub": "10769150350006150715113082367", "name": "Jo Doe", "given_name": "Jo", "family_name": "Doe", "email": "jo@example.com", "email_verified": true});
    let common = json!({"id": profile["sub"], "givenName": "Jo", "familyName": "Doe", "email": "jo@example.com"});
    let apple = vec![
        (
            "https://appleid.apple.com/.well-known/openid-configuration",
            json!({
                "issuer": "https://appleid.apple.com", "authorization_endpoint": "https://appleid.apple.com/auth/authorize",
                "token_endpoint": "https://appleid.apple.com/auth/token", "jwks_uri": "https://appleid.apple.com/auth/keys",
            }),
        ),
        ("https://appleid.apple.com/auth/token", with_id.clone()),
        ("https://appleid.apple.com/auth/keys", json!("KEYS")),
    ];
    let name_of_apple = json!({"user": r#"{"name":{"firstName":"Jo","lastName":"Doe"},"email":"other@example.com"}"#});
    vec![
        Recorded {
            name: "google",
            file: json!({
                "type": "OPENID_CONNECT", "scope": ["openid", "profile", "email"], "authenticationIdKey": "sub", "propertyMap": oidc,
                "authorizationEndpoint": "https://accounts.google.com/o/oauth2/auth", "tokenEndpoint": "https://www.googleapis.com/oauth2/v4/token",
                "userInfoEndpoint": "https://www.googleapis.com/oauth2/v3/userinfo", "wellKnownEndpoint": "https://accounts.google.com/.well-known/openid-configuration",
            }),
            answers: vec![
                (
                    "https://accounts.google.com/.well-known/openid-configuration",
                    json!({"issuer": "https://accounts.google.com", "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs"}),
                ),
                ("https://oauth2.googleapis.com/token", with_id.clone()),
                ("https://openidconnect.googleapis.com/v1/userinfo", profile.clone()),
                ("https://www.googleapis.com/oauth2/v3/certs", json!("KEYS")),
            ],
            claims: json!({"iss": "accounts.google.com", "azp": "me", "sub": profile["sub"], "hd": "example.com"}),
            sent: &["https://accounts.google.com/o/oauth2/v2/auth?", "scope=openid%20profile%20email"],
            subject: "10769150350006150715113082367",
            common: common.clone(),
            ..Recorded::default()
        },
        Recorded {
            name: "google",
            file: json!({
                "type": "OPENID_CONNECT", "scope": ["openid", "profile", "email"], "authenticationIdKey": "id",
                "authorizationEndpoint": "https://accounts.google.com/o/oauth2/auth", "tokenEndpoint": "https://accounts.google.com/o/oauth2/token",
                "userInfoEndpoint": "https://www.googleapis.com/plus/v1/people/me", "wellKnownEndpoint": "https://accounts.google.com/.well-known/openid-configuration",
                "propertyMap": map(&[("id", "id"), ("name/givenName", "givenName"), ("name.familyName", "familyName"), ("emails/0/value", "email")]),
            }),
            answers: vec![
                (
                    "https://accounts.google.com/.well-known/openid-configuration",
                    json!({"issuer": "https://accounts.google.com", "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs"}),
                ),
                ("https://oauth2.googleapis.com/token", with_id.clone()),
                ("https://openidconnect.googleapis.com/v1/userinfo", profile.clone()),
                ("https://www.googleapis.com/oauth2/v3/certs", json!("KEYS")),
            ],
            claims: json!({"iss": "https://accounts.google.com", "sub": profile["sub"]}),
            subject: "10769150350006150715113082367",
            common: common.clone(),
            ..Recorded::default()
        },
        Recorded {
            name: "apple",
            file: json!({
                "type": "OPENID_CONNECT", "scope": ["openid", "name", "email"],
                "propertyMap": map(&[("sub", "id"), ("name/firstName", "givenName"), ("name/lastName", "familyName")]),
            }),
            answers: apple.clone(),
            claims: json!({"iss": "https://appleid.apple.com", "sub": "001234.abc.0456"}),
            brings: name_of_apple.clone(),
            subject: "001234.abc.0456",
            common: json!({"id": "001234.abc.0456", "givenName": "Jo", "familyName": "Doe"}),
            ..Recorded::default()
        },
        Recorded {
            name: "apple",
            file: json!({"type": "OPENID_CONNECT", "scope": ["openid", "name", "email"], "propertyMap": oidc}),
            answers: apple,
            claims: json!({"iss": "https://appleid.apple.com", "sub": "001234.abc.0456", "email": "x1@privaterelay.appleid.com", "email_verified": "true", "is_private_email": "true", "nonce_supported": true}),
            brings: name_of_apple,
            sent: &["https://appleid.apple.com/auth/authorize?", "response_mode=form_post"],
            subject: "001234.abc.0456",
            common: json!({"id": "001234.abc.0456", "givenName": "Jo", "familyName": "Doe", "email": "x1@privaterelay.appleid.com"}),
            ..Recorded::default()
        },
        Recorded {
            name: "microsoft",
            file: json!({
                "type": "OAUTH", "scope": ["User.Read"], "authenticationIdKey": "id",
                "authorizationEndpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
                "tokenEndpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/token", "userInfoEndpoint": "https://graph.microsoft.com/v1.0/me",
                "propertyMap": map(&[("id", "id"), ("givenName", "givenName"), ("surname", "familyName"), ("userPrincipalName", "email")]),
            }),
            answers: vec![
                ("https://login.microsoftonline.com/common/oauth2/v2.0/token", bearer.clone()),
                (
                    "https://graph.microsoft.com/v1.0/me",
                    json!({
                        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity", "id": "87d349ed-44d7-43e1-9a83-5f2406dee5bd", "displayName": "Jo Doe",
                        "givenName": "Jo", "surname": "Doe", "mail": null, "userPrincipalName": "jo@contoso.example", "businessPhones": [],
                    }),
                ),
            ],
            subject: "87d349ed-44d7-43e1-9a83-5f2406dee5bd",
            common: json!({"id": "87d349ed-44d7-43e1-9a83-5f2406dee5bd", "givenName": "Jo", "familyName": "Doe", "email": "jo@contoso.example"}),
            ..Recorded::default()
        },
        Recorded {
            name: "microsoft",
            file: json!({"type": "OPENID_CONNECT", "scope": ["openid", "email"], "wellKnownEndpoint": "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration", "propertyMap": oidc}),
            answers: vec![
                (
                    "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration",
                    json!({
                        "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0", "authorization_endpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
                        "token_endpoint": "https://login.microsoftonline.com/common/oauth2/v2.0/token", "jwks_uri": "https://login.microsoftonline.com/common/discovery/v2.0/keys",
                        "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
                    }),
                ),
                ("https://login.microsoftonline.com/common/oauth2/v2.0/token", with_id.clone()),
                ("https://login.microsoftonline.com/common/discovery/v2.0/keys", json!("KEYS")),
                (
                    "https://graph.microsoft.com/oidc/userinfo",
                    json!({"sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", "name": "Jo Doe", "family_name": "Doe", "given_name": "Jo", "email": "jo@contoso.example"}),
                ),
            ],
            claims: json!({"iss": "https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0", "tid": "9122040d-6c67-4c5b-b112-36a304b66dad", "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", "ver": "2.0"}),
            subject: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
            common: json!({"id": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", "givenName": "Jo", "familyName": "Doe", "email": "jo@contoso.example"}),
            ..Recorded::default()
        },
        Recorded {
            name: "facebook",
            file: json!({
                "type": "OAUTH", "scope": ["email", "public_profile"], "authenticationIdKey": "id", "authorizationEndpoint": "https://www.facebook.com/v2.7/dialog/oauth",
                "tokenEndpoint": "https://graph.facebook.com/v2.7/oauth/access_token", "userInfoEndpoint": "https://graph.facebook.com/v2.7/me?fields=id,name,picture,email,first_name,last_name",
                "propertyMap": map(&[("id", "id"), ("first_name", "givenName"), ("last_name", "familyName"), ("email", "email"), ("picture/data/url", "photoUrl")]),
            }),
            answers: vec![
                ("https://graph.facebook.com/oauth/access_token", bearer.clone()),
                (
                    "https://graph.facebook.com/me",
                    json!({"id": "10152", "name": "Jo Doe", "first_name": "Jo", "last_name": "Doe", "email": "jo@example.com", "picture": {"data": {"height": 50, "is_silhouette": false, "url": "https://platform-lookaside.fbsbx.com/x", "width": 50}}}),
                ),
            ],
            sent: &["https://www.facebook.com/dialog/oauth?", "scope=email%2Cpublic_profile"],
            asked: &["?fields=id,name,picture,email,first_name,last_name&appsecret_proof=", "PROOF"],
            subject: "10152",
            common: json!({"id": "10152", "givenName": "Jo", "familyName": "Doe", "email": "jo@example.com", "photoUrl": "https://platform-lookaside.fbsbx.com/x"}),
            ..Recorded::default()
        },
        Recorded {
            name: "linkedIn",
            file: json!({
                "type": "OAUTH", "scope": ["r_liteprofile", "r_emailaddress"], "authenticationIdKey": "id", "authorizationEndpoint": "https://www.linkedin.com/uas/oauth2/authorization",
                "tokenEndpoint": "https://www.linkedin.com/oauth/v2/accessToken", "userInfoEndpoint": "https://api.linkedin.com/v2/me",
                "propertyMap": map(&[("id", "id"), ("firstName", "givenName"), ("lastName", "familyName"), ("emailAddress", "email")]),
            }),
            answers: vec![
                (
                    "https://www.linkedin.com/oauth/.well-known/openid-configuration",
                    json!({"issuer": "https://www.linkedin.com/oauth", "jwks_uri": "https://www.linkedin.com/oauth/openid/jwks"}),
                ),
                ("https://www.linkedin.com/oauth/v2/accessToken", with_id.clone()),
                ("https://www.linkedin.com/oauth/openid/jwks", json!("KEYS")),
                (
                    "https://api.linkedin.com/v2/userinfo",
                    json!({"sub": "782bbtaQ", "name": "Jo Doe", "given_name": "Jo", "family_name": "Doe", "email": "jo@example.com", "email_verified": true, "locale": {"country": "US", "language": "en"}}),
                ),
            ],
            claims: json!({"iss": "https://www.linkedin.com/oauth", "sub": "782bbtaQ", "nonce": null}),
            sent: &["https://www.linkedin.com/oauth/v2/authorization?", "scope=openid%20profile%20email"],
            subject: "782bbtaQ",
            common: json!({"id": "782bbtaQ", "givenName": "Jo", "familyName": "Doe", "email": "jo@example.com"}),
            ..Recorded::default()
        },
        Recorded {
            name: "amazon",
            file: json!({
                "type": "OAUTH", "scope": ["profile"], "authenticationIdKey": "user_id", "authorizationEndpoint": "https://www.amazon.com/ap/oa",
                "tokenEndpoint": "https://api.amazon.com/auth/o2/token", "userInfoEndpoint": "https://api.amazon.com/user/profile",
                "propertyMap": map(&[("user_id", "id"), ("name", "displayName"), ("email", "email")]),
            }),
            answers: vec![
                ("https://api.amazon.com/auth/o2/token", bearer.clone()),
                (
                    "https://api.amazon.com/user/profile",
                    json!({"user_id": "amzn1.account.K2LI23KL2LK2", "email": "jo@example.com", "name": "Jo Doe", "postal_code": "98052"}),
                ),
            ],
            subject: "amzn1.account.K2LI23KL2LK2",
            common: json!({"id": "amzn1.account.K2LI23KL2LK2", "displayName": "Jo Doe", "email": "jo@example.com"}),
            ..Recorded::default()
        },
        Recorded {
            name: "yahoo",
            file: json!({
                "type": "OPENID_CONNECT", "scope": ["openid", "sdpp-w"], "authenticationIdKey": "guid", "authorizationEndpoint": "https://api.login.yahoo.com/oauth2/request_auth",
                "tokenEndpoint": "https://api.login.yahoo.com/oauth2/get_token", "wellKnownEndpoint": "https://login.yahoo.com/.well-known/openid-configuration",
                "userInfoEndpoint": "https://social.yahooapis.com/v1/user/me/profile?format=json",
                "propertyMap": map(&[("guid", "id"), ("givenName", "givenName"), ("familyName", "familyName"), ("email", "email")]),
            }),
            answers: vec![
                (
                    "https://api.login.yahoo.com/.well-known/openid-configuration",
                    json!({"issuer": "https://api.login.yahoo.com", "jwks_uri": "https://api.login.yahoo.com/openid/v1/certs"}),
                ),
                ("https://api.login.yahoo.com/oauth2/get_token", with_id.clone()),
                ("https://api.login.yahoo.com/openid/v1/certs", json!("KEYS")),
                (
                    "https://api.login.yahoo.com/openid/v1/userinfo",
                    json!({"sub": "JEF4XX", "name": "Jo Doe", "given_name": "Jo", "family_name": "Doe", "locale": "en-US", "email": "jo@yahoo.example", "email_verified": true}),
                ),
            ],
            claims: json!({"iss": "https://api.login.yahoo.com", "sub": "JEF4XX"}),
            sent: &["scope=openid%20profile%20email"],
            subject: "JEF4XX",
            common: json!({"id": "JEF4XX", "givenName": "Jo", "familyName": "Doe", "email": "jo@yahoo.example"}),
            ..Recorded::default()
        },
        Recorded {
            name: "salesforce",
            file: json!({
                "type": "OAUTH", "scope": ["id", "api", "web"], "authenticationIdKey": "user_id", "authorizationEndpoint": "https://login.salesforce.com/services/oauth2/authorize",
                "tokenEndpoint": "https://login.salesforce.com/services/oauth2/token", "userInfoEndpoint": "https://login.salesforce.com/services/oauth2/userinfo",
                "propertyMap": map(&[("user_id", "id"), ("given_name", "givenName"), ("family_name", "familyName"), ("email", "email"), ("photos/thumbnail", "photoUrl")]),
            }),
            answers: vec![
                (
                    "https://login.salesforce.com/services/oauth2/token",
                    json!({"access_token": "at", "instance_url": "https://x.my.salesforce.com", "id": "https://login.salesforce.com/id/00D/005", "token_type": "Bearer", "issued_at": "1"}),
                ),
                (
                    "https://login.salesforce.com/services/oauth2/userinfo",
                    json!({"sub": "https://login.salesforce.com/id/00D/005", "user_id": "005", "organization_id": "00D", "given_name": "Jo", "family_name": "Doe", "email": "jo@example.com", "email_verified": true, "photos": {"picture": "p", "thumbnail": "t"}}),
                ),
            ],
            subject: "005",
            common: json!({"id": "005", "givenName": "Jo", "familyName": "Doe", "email": "jo@example.com", "photoUrl": "t"}),
            ..Recorded::default()
        },
        Recorded {
            name: "wordpress",
            file: json!({
                "type": "OAUTH", "scope": ["auth"], "authenticationIdKey": "ID", "authorizationEndpoint": "https://public-api.wordpress.com/oauth2/authorize",
                "tokenEndpoint": "https://public-api.wordpress.com/oauth2/token", "userInfoEndpoint": "https://public-api.wordpress.com/rest/v1.1/me/",
                "propertyMap": map(&[("ID", "id"), ("display_name", "displayName"), ("email", "email"), ("username", "username")]),
            }),
            answers: vec![
                (
                    "https://public-api.wordpress.com/oauth2/token",
                    json!({"access_token": "at", "token_type": "bearer", "blog_id": "0", "blog_url": null, "scope": "auth"}),
                ),
                (
                    "https://public-api.wordpress.com/rest/v1.1/me/",
                    json!({"ID": 78_972_699, "display_name": "Jo", "username": "jodoe", "email": "jo@example.com", "primary_blog": 1, "avatar_URL": "a", "verified": true}),
                ),
            ],
            subject: "78972699",
            common: json!({"id": 78_972_699, "displayName": "Jo", "email": "jo@example.com", "username": "jodoe"}),
            ..Recorded::default()
        },
        Recorded {
            name: "vkontakte",
            file: json!({
                "type": "OAUTH", "scope": ["email"], "authenticationIdKey": "id", "apiVersion": "5.73", "authorizationEndpoint": "https://oauth.vk.com/authorize",
                "tokenEndpoint": "https://oauth.vk.com/access_token", "userInfoEndpoint": "https://api.vk.com/method/users.get",
                "propertyMap": map(&[("id", "id"), ("first_name", "givenName"), ("last_name", "familyName"), ("email", "email"), ("photo_50", "photoUrl")]),
            }),
            answers: vec![
                (
                    "https://oauth.vk.com/access_token",
                    json!({"access_token": "at", "expires_in": 43200, "user_id": 210_700_286, "email": "jo@example.com"}),
                ),
                (
                    "https://api.vk.com/method/users.get",
                    json!({"response": [{"id": 210_700_286, "first_name": "Jo", "last_name": "Doe", "photo_50": "p", "is_closed": false}]}),
                ),
            ],
            asked: &["https://api.vk.com/method/users.get?access_token=at&v=5.199"],
            subject: "210700286",
            common: json!({"id": 210_700_286, "givenName": "Jo", "familyName": "Doe", "email": "jo@example.com", "photoUrl": "p"}),
            ..Recorded::default()
        },
        Recorded {
            name: "wechat",
            file: json!({
                "type": "OAUTH", "scope": ["snsapi_login"], "authenticationIdKey": "openid", "authorizationEndpoint": "https://open.weixin.qq.com/connect/qrconnect",
                "tokenEndpoint": "https://api.weixin.qq.com/sns/oauth2/access_token", "userInfoEndpoint": "https://api.weixin.qq.com/sns/userinfo",
                "propertyMap": map(&[("openid", "id"), ("nickname", "displayName"), ("headimgurl", "photoUrl")]),
            }),
            answers: vec![
                (
                    "https://api.weixin.qq.com/sns/oauth2/access_token",
                    json!({"access_token": "at", "expires_in": 7200, "refresh_token": "rt", "openid": "oLVPpjq", "scope": "snsapi_login", "unionid": "o6_bmasd"}),
                ),
                (
                    "https://api.weixin.qq.com/sns/userinfo",
                    json!({"openid": "oLVPpjq", "nickname": "Jo", "sex": 1, "province": "P", "city": "C", "country": "CN", "headimgurl": "h", "privilege": [], "unionid": "o6_bmasd"}),
                ),
            ],
            sent: &["https://open.weixin.qq.com/connect/qrconnect?", "appid=me", "scope=snsapi_login#wechat_redirect"],
            asked: &["?access_token=at&openid=oLVPpjq"],
            subject: "oLVPpjq",
            common: json!({"id": "oLVPpjq", "displayName": "Jo", "photoUrl": "h"}),
            ..Recorded::default()
        },
        Recorded {
            name: "twitter",
            file: json!({
                "type": "OAUTH", "scope": ["users.read", "tweet.read"], "authenticationIdKey": "data/id", "basicAuth": true, "authorizationEndpoint": "https://x.com/i/oauth2/authorize",
                "tokenEndpoint": "https://api.x.com/2/oauth2/token", "userInfoEndpoint": "https://api.x.com/2/users/me",
                "propertyMap": map(&[("data/id", "id"), ("data/name", "displayName"), ("data/username", "username")]),
            }),
            answers: vec![
                (
                    "https://api.x.com/2/oauth2/token",
                    json!({"token_type": "bearer", "expires_in": 7200, "access_token": "at", "scope": "users.read tweet.read"}),
                ),
                ("https://api.x.com/2/users/me", json!({"data": {"id": "2244994945", "name": "Jo", "username": "jodoe"}})),
            ],
            subject: "2244994945",
            common: json!({"id": "2244994945", "displayName": "Jo", "username": "jodoe"}),
            ..Recorded::default()
        },
    ]
}

/// A key on P-256 of nobody.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\nOF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n-----END PRIVATE KEY-----\n";

#[tokio::test]
async fn every_dialect_leads_from_a_file_of_its_time_to_an_account() {
    for one in recorded() {
        let what = one.name;
        let mut file = one.file.clone();
        file["provider"] = json!(what);
        file["clientId"] = json!("me");
        file["clientSecret"] = json!(if what == "apple" { KEY } else { "s" });
        file["redirectUri"] = json!("https://id.example/back");
        file["vestibule"] = json!({"keyId": "K", "teamId": "T"});
        let key = SigningKey::generate().unwrap();
        let keys = json!({"keys": [key.public_jwk(Some("k")).unwrap()]});
        let idp = std::sync::Arc::new(Idp::default());
        for (address, answer) in &one.answers {
            idp.answers_at(address, 200, if *answer == json!("KEYS") { &keys } else { answer });
        }
        let providers: Providers = idp.providers(&file);
        let random = Counting(std::sync::Mutex::new(0));
        let redirect = providers.begin(what, NOW, &random).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        for part in
            ["state=", "nonce=", "code_challenge_method=S256", "redirect_uri=https%3A%2F%2Fid.example%2Fback"].iter().chain(one.sent)
        {
            assert!(redirect.url.contains(part), "{what}: {part} in {}", redirect.url);
        }
        for (address, answer) in one.answers.iter().filter(|(_, answer)| answer["id_token"] == "ID") {
            let mut claims = json!({"aud": "me", "iat": NOW, "exp": NOW + 300, "nonce": redirect.challenge.nonce});
            for (name, value) in one.claims.as_object().unwrap() {
                claims[name] = value.clone();
            }
            claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            let mut answer = answer.clone();
            answer["id_token"] = json!(key.sign(Some("k"), &claims).unwrap());
            idp.answers_at(address, 200, &answer);
        }
        let mut answered: Map<String, Value> = one.brings.as_object().cloned().unwrap();
        answered.insert("state".to_owned(), json!([redirect.challenge.state]));
        answered.insert("code".to_owned(), json!(["c"]));
        let proven = providers.finish(&redirect.challenge, &Answered::from_lists(&answered), NOW, &random).await;
        let proven = proven.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((proven.subject.as_str(), Value::Object(proven.common)), (one.subject, one.common), "{what}");
        let asked: Vec<String> = idp.asked.lock().unwrap().iter().map(|request| request.url.clone()).collect();
        let proof = proof_of_secret("s", "at");
        for part in one.asked {
            let part = if *part == "PROOF" { proof.as_str() } else { part };
            assert!(asked.iter().any(|url| url.contains(part)), "{what}: {part} in {asked:?}");
        }
        let verifier = idp
            .asked
            .lock()
            .unwrap()
            .iter()
            .flat_map(|request| request.form.clone().unwrap_or_default())
            .any(|(name, _)| name == "code_verifier");
        assert_eq!(verifier, what != "linkedIn", "{what}: LinkedIn refuses a client that sends its secret and a verifier");
    }
}

#[test]
fn what_is_gone_is_refused_with_the_reason() {
    let refused = |name: &str, endpoint: &str| {
        let file = json!({
            "provider": name, "clientId": "me", "clientSecret": "s", "redirectUri": "https://id.example/back", "type": "OAUTH", "authorizationEndpoint": endpoint,
            "tokenEndpoint": "https://a.example/t", "userInfoEndpoint": "https://a.example/m",
        });
        Provider::read(&file).unwrap_err().remove(0).message
    };
    assert!(refused("instagram", "https://api.instagram.com/oauth/authorize").contains("4 December 2024"));
    assert!(refused("twitter", "https://api.twitter.com/oauth/authenticate").contains("OAuth 1.0a"));
}

#[tokio::test]
async fn a_code_of_a_clients_own_request_counts_where_its_nonce_comes_back() {
    let world = crate::world();
    let (_, challenge) = world.begin().await;
    let brought = social::ByCode { provider: "acme", code: "c", nonce: &challenge.nonce, redirect_uri: "https://id.example/back" };
    let by_code = async |brought: &social::ByCode<'_>| world.providers.by_code(brought, NOW, &world.random).await;
    world.gives_claims(&crate::World::claims(&challenge));
    assert_eq!(by_code(&brought).await.unwrap().subject, "7");
    assert!(!world.posted().contains_key("code_verifier"));
    let with = |change: fn(&mut social::ByCode<'static>)| {
        let mut other = social::ByCode { provider: "acme", code: "c", nonce: "n", redirect_uri: "https://id.example/back" };
        change(&mut other);
        other
    };
    assert!(matches!(by_code(&with(|_| ())).await, Err(SocialError::Refused(_))), "another nonce");
    assert_eq!(by_code(&with(|other| other.redirect_uri = "https://evil.example/")).await, Err(SocialError::State));
    assert_eq!(by_code(&with(|other| other.provider = "other")).await, Err(SocialError::Unknown));
    let unbound = world.idp.providers(&json!({
        "provider": "acme", "type": "OAUTH", "clientId": "me", "clientSecret": "s", "redirectUri": "https://id.example/back", "authorizationEndpoint": "https://a.example/a",
        "tokenEndpoint": "https://a.example/t", "userInfoEndpoint": "https://a.example/m",
    }));
    let asked = world.idp.asked.lock().unwrap().len();
    assert!(matches!(unbound.by_code(&brought, NOW, &world.random).await, Err(SocialError::Refused(_))));
    assert_eq!(world.idp.asked.lock().unwrap().len(), asked, "no code is sent anywhere");
}

/// LinkedIn's tokens have no nonce. The way that this server begins is bound to the browser by the sealed state; a code that a client brings is bound by nothing else.
#[tokio::test]
async fn a_code_of_a_clients_own_request_needs_the_nonce_of_a_provider_that_may_leave_it_out() {
    let linked_in = recorded().into_iter().find(|one| one.name == "linkedIn").unwrap();
    let key = SigningKey::generate().unwrap();
    let keys = json!({"keys": [key.public_jwk(Some("k")).unwrap()]});
    let mut file = linked_in.file.clone();
    for (name, value) in [("provider", "linkedIn"), ("clientId", "me"), ("clientSecret", "s"), ("redirectUri", "https://id.example/back")] {
        file[name] = json!(value);
    }
    let idp = std::sync::Arc::new(Idp::default());
    for (address, answer) in &linked_in.answers {
        idp.answers_at(address, 200, if *answer == json!("KEYS") { &keys } else { answer });
    }
    let providers = idp.providers(&file);
    let random = Counting(std::sync::Mutex::new(0));
    let challenge = providers.begin("linkedIn", NOW, &random).await.unwrap().challenge;
    let gives = |nonce: Option<&str>| {
        let mut claims = json!({"iss": linked_in.claims["iss"], "sub": linked_in.claims["sub"], "aud": "me", "iat": NOW, "exp": NOW + 300});
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        let answer = json!({"access_token": "at", "token_type": "Bearer", "id_token": key.sign(Some("k"), &claims).unwrap()});
        idp.answers_at("https://www.linkedin.com/oauth/v2/accessToken", 200, &answer);
    };
    let brought = social::ByCode { provider: "linkedIn", code: "c", nonce: &challenge.nonce, redirect_uri: "https://id.example/back" };
    let answered = Answered::from_lists(json!({"state": [challenge.state], "code": ["c"]}).as_object().unwrap());
    gives(None);
    assert!(providers.finish(&challenge, &answered, NOW, &random).await.is_ok(), "the browser's own way");
    assert!(matches!(providers.by_code(&brought, NOW, &random).await, Err(SocialError::Refused(_))));
    gives(Some(&challenge.nonce));
    assert_eq!(providers.by_code(&brought, NOW, &random).await.unwrap().subject, linked_in.subject);
}
