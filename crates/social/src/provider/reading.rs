//! A provider out of its file: today's names, what the file leaves to the provider's dialect, and everything that is wrong with it.

use jose::signature::SigningKey;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::shape::{self, as_flag};
use super::{Flaw, Provider, SECRET};
use crate::authentication::{Has, Method};
use crate::profile::{self, PropertyMap};
use crate::{address, dialect, id_token};

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

/// What the first releases wrote in the place of a client that is not there yet.
const TO_BE_FILLED_IN: &str = "configure_me";

/// Members of a profile that are addresses, or names that are given to somebody else when their holder has gone.
const CHANGES_HANDS: [&str; 9] =
    ["email", "emails", "mail", "emailaddress", "email_address", "upn", "userprincipalname", "preferred_username", "login"];

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
    for key in ["apiVersion", "clientId"] {
        if let Some(text) = file.get(key).filter(|value| value.is_number()).and_then(name) {
            file.insert(key.to_owned(), json!(text));
        }
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
        Some(Value::Null) | None => without,
        Some(value) => as_flag(value).unwrap_or(false),
    }
}

/// A text, or a number that stands for one.
fn name(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.is_number().then(|| value.to_string()))
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
        let is_client = |id: String| !id.trim().is_empty() && id.trim() != TO_BE_FILLED_IN;
        let client = ["clientId", "client_id"].iter().any(|key| file.get(key).and_then(name).is_some_and(is_client));
        client && flag(file.get("enabled"), true)
    }

    /// Reads a file that names no files of scripts. Encrypted values were opened before.
    ///
    /// # Errors
    /// As [`Provider::read_with`].
    pub fn read(file: &Value) -> Result<Self, Vec<Flaw>> {
        Self::read_with(file, &|_| None)
    }

    /// Reads a file. `script` gives the text of a script's file.
    ///
    /// # Errors
    /// Everything that is wrong with it; such a provider cannot be used.
    pub fn read_with(file: &Value, script: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<Flaw>> {
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
        let misfits: Vec<_> = shape::misfits(file).into_iter().filter(|misfit| misfit.refuses).collect();
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
        let private_key = file.get("privateKey").or_else(|| own.get("privateKey"));
        for (key, value) in [("clientSecret", file.get("clientSecret")), ("privateKey", private_key)] {
            if value.is_some_and(Value::is_object) {
                flaws.push(flaw(
                    key,
                    "the secret is encrypted, and could not be opened here: the keystore of [keys] in vestibule.toml has to be the one it was encrypted with; or write &{…}".to_owned(),
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
        let map = PropertyMap::read(file.get("propertyMap"), script).unwrap_or_else(|message| {
            flaws.push(flaw("propertyMap", message));
            PropertyMap::empty()
        });
        let declared = file.get("normalizationScript").filter(|declared| !declared.is_null());
        let script = declared.map(|declared| profile::script(declared, script)).transpose().unwrap_or_else(|message| {
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
        // What a value of another type leaves undone is no flaw of its own.
        let today = |key: &'static str| RENAMED.iter().find(|(old, _)| *old == key).map_or(key, |(_, new)| *new);
        flaws.retain(|flaw| misfits.iter().all(|misfit| misfit.key != flaw.key && today(misfit.key) != flaw.key));
        flaws.extend(misfits.into_iter().map(|misfit| flaw(misfit.key, misfit.message)));
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
    if !shown.get("uiConfig").is_some_and(Value::is_object) {
        shown.insert("uiConfig".to_owned(), json!({ "buttonDisplayName": name }));
    }
    shown
}
