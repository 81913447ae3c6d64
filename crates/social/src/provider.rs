//! One identity provider, as its file says (`identityProviders.json` and `identityProvider-<name>.json` of 5.0 to 7.5).
//!
//! Easiest to break: what a file says and cannot be honoured refuses the provider, and says so; nobody signs in by a guess.

use jose::signature::SigningKey;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::address;
use crate::authentication::{Client, Has, Method};
use crate::dialect::{self, Dialect, Lifted};
use crate::fetch::Request;
use crate::id_token;
use crate::profile::{self, PropertyMap};

/// What is wrong with a provider's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The key, or empty for the file.
    pub key: &'static str,
    /// What is wrong, and what is wanted.
    pub message: String,
}

/// Keys of the first releases, and what they are called since.
const RENAMED: [(&str, &str); 14] = [
    ("name", "provider"),
    ("client_id", "clientId"),
    ("client_secret", "clientSecret"),
    ("authorization_endpoint", "authorizationEndpoint"),
    ("token_endpoint", "tokenEndpoint"),
    ("userinfo_endpoint", "userInfoEndpoint"),
    ("user_info_endpoint", "userInfoEndpoint"),
    ("well-known", "wellKnownEndpoint"),
    ("discovery_url", "wellKnownEndpoint"),
    ("well_known_endpoint", "wellKnownEndpoint"),
    ("redirect_uri", "redirectUri"),
    ("jwks_uri", "jwksUriEndpoint"),
    ("end_session_endpoint", "endSessionEndpoint"),
    ("authenticationId", "authenticationIdKey"),
];

/// Members that everybody may see, who is not signed in included.
const SHOWN: [&str; 7] = ["provider", "name", "type", "icon", "enabled", "displayIcon", "uiConfig"];
/// Members that nobody may see.
const SECRET: [&str; 5] = ["clientSecret", "client_secret", "vestibule", "privateKey", "configClass"];

/// What the first releases wrote in the place of a client that is not there yet.
const TO_BE_FILLED_IN: &str = "configure_me";

/// Members of a profile that are addresses, or names that are given to somebody else when their holder has gone.
const CHANGES_HANDS: [&str; 9] =
    ["email", "emails", "mail", "emailaddress", "email_address", "upn", "userprincipalname", "preferred_username", "login"];

/// An identity provider that can be used.
pub struct Provider {
    /// Its name, which is also that of its linked accounts' type.
    pub name: String,
    /// Values of its file that it no longer answers, and those used instead.
    pub lifted: Vec<Lifted>,
    pub(crate) dialect: &'static Dialect,
    pub(crate) openid: bool,
    pub(crate) authorization_endpoint: Option<String>,
    pub(crate) token_endpoint: Option<String>,
    pub(crate) user_info_endpoint: Option<String>,
    pub(crate) well_known: Option<String>,
    pub(crate) jwks: Option<String>,
    pub(crate) end_session: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) client_id: String,
    pub(crate) secret: Zeroizing<String>,
    pub(crate) key: Option<SigningKey>,
    pub(crate) key_id: Option<String>,
    pub(crate) team: Option<String>,
    pub(crate) method: Method,
    pub(crate) scope: Vec<String>,
    /// Empty where clients ask the provider themselves, and say where it sends the code.
    pub(crate) redirect_uri: String,
    /// The file has the names of the first releases, whose clients ask the provider themselves.
    is_of_first: bool,
    pub(crate) id_key: String,
    /// By which version of its interface the profile is asked for.
    pub(crate) version: Option<String>,
    pub(crate) map: PropertyMap,
    /// Members of the profile that are kept with a linked account.
    pub(crate) kept: Vec<String>,
    /// `confirmsMail`.
    pub(crate) confirms_mail: bool,
    shown: Map<String, Value>,
}

/// The values of a provider's file under today's names.
fn renamed(value: &Map<String, Value>) -> Map<String, Value> {
    let mut file = value.clone();
    for (old, new) in RENAMED {
        if !file.contains_key(new)
            && let Some(value) = file.get(old).cloned()
        {
            file.insert(new.to_owned(), value);
        }
    }
    if let Some(version) = file.get("apiVersion").filter(|version| version.is_number()).map(ToString::to_string) {
        file.insert("apiVersion".to_owned(), json!(version));
    }
    if let Some(scope) = file.get("scope").and_then(Value::as_str) {
        let scopes: Vec<&str> = scope.split([' ', ',']).filter(|scope| !scope.is_empty()).collect();
        let scopes = json!(scopes);
        file.insert("scope".to_owned(), scopes);
    }
    file
}

fn flag(value: Option<&Value>, without: bool) -> bool {
    match value {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        Some(Value::Null) | None => without,
        Some(_) => false,
    }
}

impl Provider {
    /// The name in a file, of either shape.
    #[must_use]
    pub fn name_of(file: &Value) -> Option<&str> {
        ["provider", "name"].iter().find_map(|key| file.get(key)?.as_str()).map(str::trim).filter(|name| !name.is_empty())
    }

    /// Whether a type of linked accounts can have this name: letters, digits, `-`, `_` and `.`, and none that people's types have.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        name.bytes().all(plain)
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !["user", "role", "assignment", "organization"].contains(&name)
    }

    /// Whether a file means a provider that is used: it is not switched off, and has a client.
    #[must_use]
    pub fn is_meant(file: &Value) -> bool {
        let is_client = |id: &str| !id.is_empty() && id != TO_BE_FILLED_IN;
        let client =
            ["clientId", "client_id"].iter().any(|key| file.get(key).and_then(Value::as_str).map(str::trim).is_some_and(is_client));
        client && flag(file.get("enabled"), true)
    }

    /// Reads a file. Encrypted values were opened before.
    ///
    /// # Errors
    /// Everything that is wrong with it; such a provider cannot be used.
    pub fn read(file: &Value) -> Result<Self, Vec<Flaw>> {
        let flaw = |key: &'static str, message: String| Flaw { key, message };
        let Some(members) = file.as_object() else { return Err(vec![flaw("", "an object is wanted here".to_owned())]) };
        let Some(name) = Self::name_of(file).map(str::to_owned) else {
            return Err(vec![flaw("provider", "the provider has no name".to_owned())]);
        };
        if !Self::is_name(&name) {
            return Err(vec![flaw(
                "provider",
                format!("'{name}' cannot name a type of linked accounts: letters, digits, '-', '_' and '.' can"),
            )]);
        }
        let is_of_first = members.contains_key("client_id") || members.contains_key("authorization_endpoint");
        let mut file = renamed(members);
        let dialect = dialect::dialect(&name);
        if let Some(why) = dialect.gone(&file) {
            return Err(vec![flaw("provider", format!("{name} cannot be used: {why}"))]);
        }
        let lifted = dialect.lift(&mut file);
        let own = file.get("vestibule").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut flaws = Vec::new();
        let text = |key: &str| {
            let found = file.get(key).or_else(|| own.get(key)).and_then(Value::as_str);
            found.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        for (key, value) in [("clientSecret", file.get("clientSecret")), ("privateKey", own.get("privateKey"))] {
            if value.is_some_and(Value::is_object) {
                flaws.push(flaw(
                    key,
                    "the secret is encrypted, and cannot be read here: name the keystore in vestibule.toml, or write &{…}".to_owned(),
                ));
            }
        }
        let mut endpoint = |key: &'static str| {
            let found = text(key)?;
            if let Err(unfit) = address::named(&found) {
                flaws.push(flaw(key, format!("'{found}' is not used: {unfit}")));
            }
            Some(found)
        };
        let authorization_endpoint = endpoint("authorizationEndpoint");
        let token_endpoint = endpoint("tokenEndpoint");
        let user_info_endpoint = endpoint("userInfoEndpoint");
        let well_known = endpoint("wellKnownEndpoint");
        let jwks = endpoint("jwksUriEndpoint");
        let end_session = endpoint("endSessionEndpoint");
        let redirect_uri = endpoint("redirectUri").unwrap_or_default();
        let openid = dialect.is_openid(&file);
        let well_known = well_known.or_else(|| dialect.well_known.filter(|_| openid).map(str::to_owned));
        let needed = [("authorizationEndpoint", &authorization_endpoint), ("tokenEndpoint", &token_endpoint)];
        for (key, _) in needed.into_iter().filter(|(_, value)| value.is_none() && well_known.is_none()) {
            flaws.push(flaw(key, "it is missing, and there is no wellKnownEndpoint where it could be read".to_owned()));
        }
        if redirect_uri.is_empty() && !(is_of_first && openid) {
            flaws.push(flaw("redirectUri", "it is missing: where people come back to, as the provider knows it".to_owned()));
        }
        if openid && jwks.is_none() && well_known.is_none() {
            flaws.push(flaw(
                "jwksUriEndpoint",
                "it is missing, and there is no wellKnownEndpoint: ID tokens could not be verified".to_owned(),
            ));
        }
        if !openid && user_info_endpoint.is_none() {
            flaws.push(flaw("userInfoEndpoint", "it is missing: nobody could say who somebody is".to_owned()));
        }
        let named = [&well_known, &authorization_endpoint, &token_endpoint].into_iter().flatten();
        let issuer = text("issuer").or_else(|| dialect.issuer.map(|issuer| id_token::of_tenant(issuer, named.map(String::as_str))));
        if openid && issuer.is_none() && well_known.is_none() {
            flaws.push(flaw("issuer", "it is missing, and there is no wellKnownEndpoint: ID tokens could not be verified".to_owned()));
        }
        let client_id = text("clientId").unwrap_or_default();
        if client_id.is_empty() {
            flaws.push(flaw("clientId", "it is missing".to_owned()));
        }
        let mut secret = Zeroizing::new(file.get("clientSecret").and_then(Value::as_str).unwrap_or_default().to_owned());
        // A key in the place of the secret is no secret: it is never sent.
        let own_key = secret.contains("-----BEGIN").then(|| std::mem::take(&mut secret));
        let pem = text("privateKey").map(Zeroizing::new).or(own_key);
        let key = pem.as_ref().and_then(|pem| SigningKey::from_pem(pem));
        if pem.is_some() && key.is_none() {
            flaws.push(flaw("privateKey", "it is no PEM text of an unencrypted RSA or P-256 key (PKCS #8)".to_owned()));
        }
        let (key_id, team) = (text("keyId"), text("teamId"));
        let named = text("tokenEndpointAuthMethod").or_else(|| text("clientAuthenticationMethod"));
        let has = Has {
            key: pem.is_some(),
            secret: !secret.is_empty(),
            basic: flag(file.get("basicAuth"), false),
            signs_secret: dialect.signs_secret,
        };
        let method = match Method::of(named.as_deref(), &has) {
            Ok(method) => method,
            Err(message) => {
                flaws.push(flaw("tokenEndpointAuthMethod", message));
                Method::None
            }
        };
        if let Some(message) = method.lacks(key.as_ref(), &secret, team.as_deref(), key_id.as_deref()) {
            flaws.push(flaw("clientSecret", message));
        }
        let map = PropertyMap::read(file.get("propertyMap")).unwrap_or_else(|message| {
            flaws.push(flaw("propertyMap", message));
            PropertyMap::empty()
        });
        let script = file.get("normalizationScript").filter(|script| !script.is_null()).map(profile::script).transpose();
        let script = script.unwrap_or_else(|message| {
            flaws.push(flaw("normalizationScript", message));
            None
        });
        let map = map.with_script(script);
        let scope = scopes(&file, openid);
        let id_key = text("authenticationIdKey").unwrap_or_else(|| if openid { "sub" } else { "id" }.to_owned());
        if let Some(part) = id_key.split(['/', '.']).find(|part| CHANGES_HANDS.contains(&part.to_ascii_lowercase().as_str())) {
            let message = format!(
                "'{part}' changes, and is given to somebody else, who would then sign in as whoever had it: name what lasts, as '{}' does",
                if openid { "sub" } else { "id" }
            );
            flaws.push(flaw("authenticationIdKey", message));
        }
        let mut kept: Vec<String> = file
            .get("schema")
            .and_then(|schema| schema.get("properties"))
            .and_then(Value::as_object)
            .map(|properties| properties.keys().cloned().collect())
            .unwrap_or_default();
        kept.extend(map.sources().map(str::to_owned));
        kept.extend([
            id_key.split(['/', '.']).find(|part| !part.is_empty()).unwrap_or_default().to_owned(),
            "email".to_owned(),
            "email_verified".to_owned(),
        ]);
        kept.sort_unstable();
        kept.dedup();
        if !flaws.is_empty() {
            return Err(flaws);
        }
        let shown = shown(&file, &name);
        Ok(Self {
            name,
            lifted,
            dialect,
            openid,
            authorization_endpoint,
            token_endpoint,
            user_info_endpoint,
            well_known,
            jwks,
            end_session,
            issuer,
            client_id,
            secret,
            key,
            key_id,
            team,
            method,
            scope,
            redirect_uri,
            is_of_first,
            id_key,
            version: text("apiVersion").or_else(|| dialect.version.map(|(_, version)| version.to_owned())),
            map,
            kept,
            confirms_mail: own.get("confirmsMail") == Some(&Value::Bool(true)),
            shown,
        })
    }

    /// The texts of its scripts, each with the key it stands under. They are compiled before it is used.
    pub fn scripts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.map.scripts()
    }

    /// What it is called: `buttonDisplayName`, else its name.
    #[must_use]
    pub fn label(&self) -> &str {
        let ui = self.shown.get("uiConfig").and_then(|ui| ui.get("buttonDisplayName"));
        ui.and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).unwrap_or(&self.name)
    }

    /// What everybody may know of it: what a button needs.
    #[must_use]
    pub fn button(&self) -> Value {
        self.shown
            .iter()
            .filter(|(name, _)| SHOWN.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .chain(self.for_first())
            .collect::<Map<_, _>>()
            .into()
    }

    /// What the clients of the first releases make the provider's address of: of a file of that time, as those releases showed it.
    fn for_first(&self) -> impl Iterator<Item = (String, Value)> {
        let endpoint = self.authorization_endpoint.as_deref().filter(|_| self.is_of_first && self.openid);
        let members = endpoint.map(|endpoint| {
            [("client_id", json!(self.client_id)), ("scope", json!(self.scope)), ("authorization_endpoint", json!(endpoint))]
        });
        members.into_iter().flatten().map(|(name, value)| (name.to_owned(), value))
    }

    /// What a person who is signed in may know of it: everything but secrets.
    #[must_use]
    pub fn shown(&self) -> Value {
        Value::Object(self.shown.clone())
    }

    /// Where it sends people back to, as the operator told it; empty where clients ask it themselves.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Whether the provider answers with a form, posted to this path of ours.
    #[must_use]
    pub fn posts_to(&self, path: &str) -> bool {
        self.is_posted() && self.returns_to(path)
    }

    /// Whether people come back from it to this path, on whatever host.
    #[must_use]
    pub fn returns_to(&self, path: &str) -> bool {
        let own = self.redirect_uri.split_once("://").map_or("", |(_, rest)| rest).split_once('/').map_or("", |(_, path)| path);
        let own = own.split(['?', '#']).next().unwrap_or_default();
        !self.redirect_uri.is_empty() && path.strip_prefix('/') == Some(own)
    }

    /// Whether it answers with a form: Apple does as soon as it is asked for more than the account itself.
    pub(crate) fn is_posted(&self) -> bool {
        self.dialect.form_post && self.scope.iter().any(|scope| scope != "openid")
    }

    /// The client, as the token endpoint knows it.
    pub(crate) fn client<'a>(&'a self, token_endpoint: &'a str) -> Client<'a> {
        Client {
            method: self.method,
            id: &self.client_id,
            secret: &self.secret,
            key: self.key.as_ref(),
            key_id: self.key_id.as_deref(),
            team: self.team.as_deref(),
            names: self.dialect.client,
            audience: self.issuer.as_deref().filter(|issuer| !issuer.contains('{')).unwrap_or(token_endpoint),
        }
    }

    /// A question to one of its addresses.
    pub(crate) fn asks(&self, url: &str) -> Request {
        Request { url: url.to_owned(), outside: !address::is_named(url, self.addresses()), ..Request::default() }
    }

    /// The addresses that the operator's file names.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        let all =
            [&self.authorization_endpoint, &self.token_endpoint, &self.user_info_endpoint, &self.well_known, &self.jwks, &self.end_session];
        all.into_iter().flatten().map(String::as_str)
    }
}

fn scopes(file: &Map<String, Value>, openid: bool) -> Vec<String> {
    let mut scope: Vec<String> =
        file.get("scope").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if openid && !scope.iter().any(|scope| scope == "openid") {
        scope.insert(0, "openid".to_owned());
    }
    scope
}

fn shown(file: &Map<String, Value>, name: &str) -> Map<String, Value> {
    let mut shown: Map<String, Value> =
        file.iter().filter(|(key, _)| !SECRET.contains(&key.as_str())).map(|(key, value)| (key.clone(), value.clone())).collect();
    shown.insert("provider".to_owned(), json!(name));
    shown.insert("enabled".to_owned(), json!(true));
    shown.entry("uiConfig").or_insert_with(|| json!({ "buttonDisplayName": name }));
    shown
}

/// A provider's file without its secrets, whether it can be used or not.
#[must_use]
pub fn without_secrets(file: &Value) -> Value {
    let shown = |(key, _): &(&String, &Value)| !SECRET.contains(&key.as_str());
    file.as_object()
        .map(|file| file.iter().filter(shown).map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>())
        .unwrap_or_default()
        .into()
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("name", &self.name).field("openid", &self.openid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
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
        let methods = [
            json!({}),
            json!({"clientAuthenticationMethod": "client_secret_post"}),
            json!({"tokenEndpointAuthMethod": "CLIENT_SECRET_POST"}),
        ];
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
}
