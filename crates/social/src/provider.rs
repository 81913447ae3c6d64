//! One identity provider, as its file says (`identityProviders.json` and `identityProvider-<name>.json` of 5.0 to 7.5).
//!
//! Easiest to break: what a file says and cannot be honoured refuses the provider, and says so; nobody signs in by a guess.

mod reading;
mod shape;
#[cfg(test)]
mod tests;

use jose::signature::SigningKey;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::address;
use crate::authentication::{Client, Method};
use crate::dialect::{Dialect, Lifted};
use crate::fetch::Request;
use crate::profile::PropertyMap;

pub use shape::Misfit;

/// What is wrong with a provider's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The key, or empty for the file.
    pub key: &'static str,
    /// What is wrong, and what is wanted.
    pub message: String,
}

/// Members that everybody may see, who is not signed in included.
const SHOWN: [&str; 7] = ["provider", "name", "type", "icon", "enabled", "displayIcon", "uiConfig"];
/// Members that nobody may see.
const SECRET: [&str; 5] = ["clientSecret", "client_secret", "vestibule", "privateKey", "configClass"];

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

impl Provider {
    /// Every value of a provider's file, of a template too, that is of another type than is wanted.
    #[must_use]
    pub fn misfits(file: &Value) -> Vec<Misfit> {
        shape::misfits(file)
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
        !self.redirect_uri.is_empty() && path.strip_prefix('/').is_some_and(|path| as_sent(path) == as_sent(own))
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

/// What browsers write as escapes in a path, beside everything that is no ASCII (WHATWG URL, "path percent-encode set").
const IN_PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'^').add(b'`').add(b'{').add(b'}');

/// A path as browsers send it, its escapes in one spelling.
fn as_sent(path: &str) -> String {
    let mut sent = utf8_percent_encode(path, IN_PATH).to_string();
    let escapes: Vec<usize> = sent.match_indices('%').map(|(at, _)| at).collect();
    for at in escapes {
        if let Some(digits) = sent.get_mut(at..at + 3) {
            digits.make_ascii_uppercase();
        }
    }
    sent
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
