//! A small identity provider: OpenID Connect with one key, and codes that hold the person they were given to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jose::signature::{SigningKey, s256, sign_with_secret};
use serde_json::{Map, Value, json};

use super::Project;
use super::http::decoded;
use super::peer::{Asked, Peer};
use super::people::unused;

/// The client's id and secret.
const CLIENT: (&str, &str) = ("vestibule", "shared-secret-of-the-client");

/// The modules of a project in which people sign in with providers as well.
pub(crate) fn modules() -> Value {
    let module = |name: &str, properties: Value| json!({"name": name, "properties": properties, "enabled": true});
    let fixed = |name: &str, roles: Value| {
        module("STATIC_USER", json!({"username": name, "password": name, "queryOnResource": "internal/user", "defaultUserRoles": roles}))
    };
    let (everybody, person) = (json!(["internal/role/openidm-reg"]), json!(["internal/role/openidm-authorized"]));
    let own = json!({
        "queryId": "credential-query", "queryOnResource": "managed/user", "defaultUserRoles": person,
        "propertyMapping": {"authenticationId": "username", "userCredential": "password", "userRoles": "authzRoles"},
    });
    json!([
        fixed("anonymous", everybody),
        fixed("openidm-admin", json!(["internal/role/openidm-authorized", "internal/role/openidm-admin"])),
        module("MANAGED_USER", own),
        module("SOCIAL_PROVIDERS", json!({"defaultUserRoles": person, "propertyMapping": {"userRoles": "authzRoles"}})),
    ])
}

/// `authentication.json` with these modules.
pub(crate) fn authentication(modules: &Value) -> Value {
    let session = json!({"name": "JWT_SESSION", "properties": {"maxTokenLifeMinutes": "120", "tokenIdleTimeMinutes": "30"}});
    json!({"serverAuthContext": {"sessionModule": session, "authModules": modules}})
}

/// A project in which people sign in with providers as well.
pub(crate) fn signing_in() -> Project {
    Project::new().json("conf/authentication.json", &authentication(&modules()))
}

/// Signs the claims of an ID token.
pub(crate) type Signs = fn(&SigningKey, &str, &Value) -> String;

/// What a test changes of what the provider does.
struct Changes {
    /// Claims of ID tokens.
    claims: Map<String, Value>,
    key: SigningKey,
    kid: String,
    /// Keys that are published beside it.
    others: Vec<Value>,
    /// Whether the published key has a name.
    is_named: bool,
    signs: Signs,
    /// The token endpoint answers so.
    token: Option<&'static str>,
    /// The secret that the client shares with it.
    secret: String,
    /// What is told of single accounts, by their subjects.
    of: HashMap<String, Forged>,
}

impl Changes {
    fn new() -> Self {
        let key = SigningKey::generate().unwrap();
        Self {
            claims: Map::new(),
            key,
            kid: "k".to_owned(),
            others: Vec::new(),
            is_named: true,
            signs: signed,
            token: None,
            secret: CLIENT.1.to_owned(),
            of: HashMap::new(),
        }
    }
}

/// What a test changes of what the provider tells of one account.
#[derive(Clone, Default)]
pub(crate) struct Forged {
    /// Claims of ID tokens; null leaves one out.
    pub(crate) claims: Value,
    /// How they are signed.
    pub(crate) signs: Option<Signs>,
    /// Whom the profile is about.
    pub(crate) about: Option<String>,
}

/// As it should be.
pub(crate) fn signed(key: &SigningKey, kid: &str, claims: &Value) -> String {
    key.sign(Some(kid), claims).unwrap()
}

/// The provider.
pub(crate) struct IdentityProvider {
    peer: Peer,
    changes: Arc<Mutex<Changes>>,
}

/// Somebody's account at the provider.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) subject: String,
    pub(crate) mail: String,
}

impl Account {
    pub(crate) fn new(tag: &str) -> Self {
        let subject = unused(tag);
        Self { mail: format!("{subject}@elsewhere.example.test"), subject }
    }

    /// An account of which no address is told.
    pub(crate) fn without_mail(tag: &str) -> Self {
        Self::with_mail(tag, "")
    }

    /// An account that says it has this address.
    pub(crate) fn with_mail(tag: &str, mail: &str) -> Self {
        Self { subject: unused(tag), mail: mail.to_owned() }
    }
}

fn parameter(text: &str, name: &str) -> Option<String> {
    let pairs = text.split(['?', '&', ' ']).filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
}

impl IdentityProvider {
    pub(crate) fn start() -> Self {
        let changes = Arc::new(Mutex::new(Changes::new()));
        let changed = Arc::clone(&changes);
        let peer = Peer::start(move |asked| {
            let issuer = format!("http://{}", asked.header("host").unwrap());
            match asked.line.split(' ').nth(1).unwrap_or_default() {
                "/.well-known/openid-configuration" => ("200 OK", discovery(&issuer).to_string()),
                "/jwks" => ("200 OK", keys(&changed.lock().unwrap()).to_string()),
                "/token" => token(asked, &issuer, &changed.lock().unwrap()),
                "/me" => match asked.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).and_then(opened) {
                    Some(grant) => ("200 OK", profile(&grant, &changed.lock().unwrap()).to_string()),
                    None => ("401 Unauthorized", "{}".to_owned()),
                },
                _ => ("404 Not Found", "{}".to_owned()),
            }
        });
        Self { peer, changes }
    }

    pub(crate) fn issuer(&self) -> String {
        self.peer.url("")
    }

    /// The provider's file.
    pub(crate) fn file(&self, name: &str) -> Value {
        json!({
            "provider": name, "type": "OPENID_CONNECT", "enabled": true, "clientId": CLIENT.0, "clientSecret": CLIENT.1, "scope": ["openid", "email"],
            "wellKnownEndpoint": self.peer.url("/.well-known/openid-configuration"), "redirectUri": "http://localhost/back",
            "authenticationIdKey": "sub", "uiConfig": {"buttonDisplayName": name, "iconClass": "fa-key"},
            "propertyMap": [
                {"source": "sub", "target": "id"}, {"source": "email", "target": "email"}, {"source": "email", "target": "username"},
                {"source": "given_name", "target": "givenName"},
                {"source": "given_name", "target": "displayName", "transform": {"type": "text/javascript", "source": "source.toUpperCase()"}},
            ],
        })
    }

    /// What a browser comes back with that was sent to `url`, once this person signed in there.
    pub(crate) fn answer(&self, url: &str, account: &Account) -> Value {
        let of = |name: &str| parameter(url, name).unwrap_or_else(|| panic!("no {name} in {url}"));
        assert!(url.starts_with(&self.peer.url("/auth?")), "{url}");
        let grant = json!({"sub": account.subject, "mail": account.mail, "nonce": of("nonce"), "challenge": of("code_challenge")});
        json!({"state": [of("state")], "code": [URL_SAFE_NO_PAD.encode(grant.to_string())]})
    }

    /// The code that a client of 5.0 gets, which asked by itself with this nonce and without a verifier.
    pub(crate) fn code_for(account: &Account, nonce: &str) -> String {
        URL_SAFE_NO_PAD.encode(json!({"sub": account.subject, "mail": account.mail, "nonce": nonce, "challenge": s256("")}).to_string())
    }

    /// From now on claims of ID tokens are so; null leaves one out.
    pub(crate) fn claims(&self, changes: &Value) {
        self.changes.lock().unwrap().claims = changes.as_object().cloned().unwrap();
    }

    /// From now on it signs with another key, and the one before is not published any more.
    pub(crate) fn rotate(&self) {
        let mut changes = self.changes.lock().unwrap();
        changes.key = SigningKey::generate().unwrap();
        changes.kid.push('k');
    }

    /// From now on ID tokens are signed so.
    pub(crate) fn signs(&self, signs: Signs) {
        self.changes.lock().unwrap().signs = signs;
    }

    /// From now on two keys are published, and neither has a name.
    pub(crate) fn names_no_keys(&self) {
        let mut changes = self.changes.lock().unwrap();
        changes.others = vec![SigningKey::generate().unwrap().public_jwk(None).unwrap()];
        changes.is_named = false;
    }

    /// From now on the token endpoint answers with this status, or as it should.
    pub(crate) fn token_fails(&self, status: Option<&'static str>) {
        self.changes.lock().unwrap().token = status;
    }

    /// From now on this is told of an account, and of no other.
    pub(crate) fn forges(&self, account: &Account, forged: Forged) {
        self.changes.lock().unwrap().of.insert(account.subject.clone(), forged);
    }

    /// From now on the client's secret is this one.
    pub(crate) fn shares(&self, secret: &str) {
        secret.clone_into(&mut self.changes.lock().unwrap().secret);
    }

    /// The address of something of it.
    pub(crate) fn url(&self, path: &str) -> String {
        self.peer.url(path)
    }
}

fn keys(changes: &Changes) -> Value {
    let own = changes.key.public_jwk(changes.is_named.then_some(changes.kid.as_str())).unwrap();
    json!({ "keys": changes.others.iter().cloned().chain([own]).collect::<Vec<_>>() })
}

fn profile(grant: &Value, changes: &Changes) -> Value {
    let forged = grant["sub"].as_str().and_then(|subject| changes.of.get(subject));
    let subject = forged.and_then(|forged| forged.about.as_ref()).map_or_else(|| grant["sub"].clone(), |about| json!(about));
    let mut profile = json!({"sub": subject, "email_verified": true, "given_name": "Jo"});
    if grant["mail"] != "" {
        profile["email"] = grant["mail"].clone();
    }
    profile
}

fn opened(code: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(code).ok()?).ok()
}

fn discovery(issuer: &str) -> Value {
    json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"), "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/me"), "jwks_uri": format!("{issuer}/jwks"), "end_session_endpoint": format!("{issuer}/end"),
    })
}

fn token(asked: &Asked, issuer: &str, changes: &Changes) -> (&'static str, String) {
    if let Some(status) = changes.token {
        return (status, "{}".to_owned());
    }
    let refused = |error: &str| ("400 Bad Request", json!({ "error": error }).to_string());
    let of = |name: &str| parameter(&asked.body, name).unwrap_or_default();
    if of("client_id") != CLIENT.0 || decoded(&of("client_secret")) != changes.secret {
        return refused("invalid_client");
    }
    let Some(grant) = opened(&of("code")).filter(|grant| grant["challenge"] == s256(&of("code_verifier"))) else {
        return refused("invalid_grant");
    };
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec;
    let mut claims = json!({"iss": issuer, "aud": CLIENT.0, "sub": grant["sub"], "nonce": grant["nonce"], "iat": now, "exp": now + 300});
    let forged = grant["sub"].as_str().and_then(|subject| changes.of.get(subject)).cloned().unwrap_or_default();
    for (name, value) in changes.claims.iter().chain(forged.claims.as_object().into_iter().flatten()) {
        claims.as_object_mut().unwrap().remove(name);
        if !value.is_null() {
            claims[name] = value.clone();
        }
    }
    let access = of("code");
    let id_token = forged.signs.unwrap_or(changes.signs)(&changes.key, &changes.kid, &claims);
    ("200 OK", json!({"access_token": access, "token_type": "Bearer", "id_token": id_token}).to_string())
}

/// An ID token without a signature (`"alg": "none"`).
pub(crate) fn unsigned(_: &SigningKey, _: &str, claims: &Value) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&claims.to_string()))
}

/// One with an HMAC by the text of the public key: the confusion of keys.
pub(crate) fn by_public_key(key: &SigningKey, kid: &str, claims: &Value) -> String {
    sign_with_secret(&key.public_jwk(Some(kid)).unwrap().to_string(), claims)
}

/// One by a key that is not the provider's.
pub(crate) fn by_another_key(_: &SigningKey, kid: &str, claims: &Value) -> String {
    SigningKey::generate().unwrap().sign(Some(kid), claims).unwrap()
}
