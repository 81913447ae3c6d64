//! `identityProviders`: the way to an identity provider and back, and linked accounts (docs/protocol/social.md, docs/protocol/clients.md,
//! "Sign-in and sign-out").
//!
//! Easiest to get wrong: nobody is told a secret. What everybody may see of a provider is what its button needs; the rest is for who is
//! signed in.

use ::social::{Answered, ByCode};
use accounts::{ByProvider, NAME_COOKIE};
use async_trait::async_trait;
use crest::ResourceError;
use http::HeaderMap;
use identity::PEOPLE;
use serde_json::{Map, Value, json};
use wire::cookie;

use crate::context::Context;
use crate::related;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Body, Route, Who, action, found, get};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "identityProviders",
    chapter: "Authentication",
    resource: |_, _| found(IdentityProviders),
    operations: &[
        get("/identityProviders", Who::SignedIn, "The social identity providers, for who is signed in."),
        action(
            "/identityProviders",
            "getAuthRedirect",
            Who::Everybody,
            "Where a browser goes to sign in with a provider, and what it keeps meanwhile.",
        )
        .carries(Body::Object),
        action("/identityProviders", "handlePostAuth", Who::Everybody, "What a browser that came back proves, as a client token.")
            .carries(Body::Object),
        action("/identityProviders", "getLogoutUrl", Who::Everybody, "Where the session at a provider ends.").carries(Body::Object),
        action("/identityProviders", "normalizeProfile", Who::SignedIn, "The profile of a linked account in common words.")
            .carries(Body::Object),
        action(
            "/identityProviders",
            "availableProviders",
            Who::Administrators,
            "The providers of the project's files, templates included.",
        ),
    ],
}];

/// What a client keeps, and sends with the answer of a provider and with a sign-in.
const KEPT: &str = "x-openidm-datastoretoken";
/// Says that a sign-in is one with a provider.
const OAUTH_LOGIN: &str = "x-openidm-oauth-login";

/// The header of clients of 5.0 and 5.5 for what `getAuthToken` gave them, beside `provider`.
const AUTH_TOKEN: &str = "authtoken";

/// The header for what `handlePostAuth` gave, of clients that send it by its name.
const CLIENT_TOKEN: &str = "clienttoken";

/// The text with which a request signs in with an identity provider, if it does.
pub(crate) fn sign_in(headers: &HeaderMap) -> Option<ByProvider<'_>> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    if let (Some(token), Some(of)) = (text(AUTH_TOKEN), text("provider")) {
        return Some(ByProvider { text: token, of: Some(of) });
    }
    let asks = headers.get(OAUTH_LOGIN).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    let found = text(CLIENT_TOKEN).or_else(|| asks.then(|| kept(headers).unwrap_or_default()));
    found.map(|text| ByProvider { text, of: None })
}

fn kept(headers: &HeaderMap) -> Option<&str> {
    headers.get(KEPT)?.to_str().ok().filter(|text| !text.is_empty())
}

/// `getAuthToken`: the code of a client that asked the provider itself (5.0).
pub(super) async fn auth_token(cx: &Context<'_>) -> Answer {
    let none = Map::new();
    let brought = ByCode::read(cx.body().as_object().unwrap_or(&none))
        .ok_or_else(|| ResourceError::bad_request("'provider', 'code', 'nonce' and 'redirect_uri' are wanted"))?;
    let text = cx.attempt().by_code(&brought).await?;
    Ok(Reply::Action(Some(json!({ "auth_token": text }))))
}

/// The providers, each as its button needs it.
pub(super) fn buttons(cx: &Context<'_>) -> Value {
    json!({ "providers": cx.runtime.social.iter().map(::social::Provider::button).collect::<Vec<_>>() })
}

/// The resource.
pub(super) struct IdentityProviders;

#[async_trait]
impl Resource for IdentityProviders {
    fn kind(&self) -> &'static str {
        "identityProviders"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        if cx.principal.is_anonymous() {
            // Rules of old projects let everybody read it.
            return Ok(Reply::resource(buttons(cx)));
        }
        Ok(Reply::resource(json!({ "providers": cx.runtime.social.iter().map(::social::Provider::shown).collect::<Vec<_>>() })))
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        match name {
            "getAuthRedirect" => {
                let sent = cx.attempt().sent_to(provider(cx)?).await?;
                Ok(Reply::Action(Some(json!({ "redirect": sent.url, "token": sent.token }))))
            }
            "handlePostAuth" => {
                let body = cx.body();
                let in_body = || body.get("token").or_else(|| body.get("dataStoreToken")).and_then(Value::as_str);
                let token =
                    kept(cx.headers()).or_else(in_body).ok_or_else(|| ResourceError::bad_request("X-OpenIDM-DataStoreToken is missing"))?;
                let answered = Answered::from_lists(body.as_object().unwrap_or(&Map::new()));
                let name = cookie::values(cx.headers(), NAME_COOKIE).next();
                let token = cx.attempt().came_back(token, &answered, name).await?;
                Ok(Reply::Action(Some(json!({ "token": token }))))
            }
            "getLogoutUrl" => {
                let url = cx.attempt().end_of_session_at(provider(cx)?).await?;
                Ok(Reply::Action(Some(json!({ "redirect": url }))))
            }
            "normalizeProfile" => Ok(Reply::Action(Some(normalised(cx).await?))),
            "availableProviders" => {
                let all = cx.runtime.project.providers.iter().map(|file| ::social::without_secrets(&file.value));
                Ok(Reply::Action(Some(json!({ "providers": all.collect::<Vec<_>>() }))))
            }
            other => Err(unknown_action(other)),
        }
    }
}

/// The provider a body names.
fn provider<'a>(cx: &Context<'a>) -> Result<&'a str, ResourceError> {
    let named = cx.body().get("provider").and_then(Value::as_str);
    let named = match named {
        Some(named) => Some(named),
        None => cx.call.parameters.single("provider")?,
    };
    named.filter(|name| !name.is_empty()).ok_or_else(|| ResourceError::bad_request("'provider' is missing"))
}

/// `normalizeProfile`: one profile or several, as the panel of linked accounts has them. Each names its provider by `provider`, or by where the
/// link leads.
async fn normalised(cx: &Context<'_>) -> Result<Value, ResourceError> {
    let raw = cx.body().get("rawProfile").ok_or_else(|| ResourceError::bad_request("'rawProfile' is missing"))?;
    let profiles: Vec<&Value> = match raw {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    let mut common = Vec::new();
    for profile in profiles.into_iter().take(100) {
        let Some(members) = profile.as_object() else { return Err(ResourceError::bad_request("A profile is an object")) };
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let of_link = text("_refResourceCollection").and_then(|path| path.strip_prefix("managed/"));
        let name = text("provider").or(of_link).or_else(|| cx.body().get("provider").and_then(Value::as_str));
        let words = match name {
            Some(name) => cx.actor().in_common_words(name, members).await,
            None => None,
        };
        common.push(Value::Object(words.unwrap_or_default()));
    }
    Ok(Value::Array(common))
}

/// `bind` and `unbind` of one's own object.
pub(super) async fn linking(cx: &Context<'_>, id: &str, name: &str) -> Answer {
    let provider = cx.call.parameters.single("provider")?.ok_or_else(|| ResourceError::bad_request("'provider' is missing"))?;
    let person = if name == "bind" {
        let text = match cx.body() {
            Value::String(text) => Some(text.as_str()),
            other => ["clientToken", "token", "authToken"].iter().find_map(|name| other.get(name)?.as_str()),
        };
        let text = text
            .or_else(|| kept(cx.headers()))
            .ok_or_else(|| ResourceError::bad_request("The token of the identity provider is missing"))?;
        cx.actor().link(id, provider, text).await?
    } else {
        cx.actor().unlink(id, provider).await?
    };
    Ok(related::show_written(cx, PEOPLE, &person).await?)
}
