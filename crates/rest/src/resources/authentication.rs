//! `authentication`: signing in and out (docs/protocol/clients.md, "Sign-in and sign-out", docs/protocol/authentication.md).
//!
//! Easiest to get wrong: signing out without a session must succeed, or stock clients cannot sign in (docs/protocol/clients.md, point 1).

use accounts::session;
use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::identity_providers;
use crate::context::Context;
use crate::evidence::cookies;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Body, Route, Who, action, found, get};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "authentication",
    chapter: "Authentication",
    resource: |_, _| found(Authentication),
    operations: &[
        get("/authentication", Who::Everybody, "The social identity providers."),
        action("/authentication", "login", Who::Everybody, "Signs in, by whatever credentials the request carries."),
        action("/authentication", "logout", Who::Everybody, "Signs out."),
        action(
            "/authentication",
            "getAuthToken",
            Who::Administrators,
            "What the code of a client that asked a provider itself proves (5.0).",
        )
        .carries(Body::Object),
        action("/authentication", "reauthenticate", Who::SignedIn, "Gives the password of a person who is signed in again."),
    ],
}];

/// The resource.
pub(super) struct Authentication;

#[async_trait]
impl Resource for Authentication {
    fn kind(&self) -> &'static str {
        "authentication"
    }

    /// The ways to sign in besides a password.
    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        Ok(Reply::resource(identity_providers::buttons(cx)))
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        match name {
            // Whoever got here is signed in; the session was begun on the way.
            "login" => Ok(Reply::Action(Some(signed_in(cx)))),
            "getAuthToken" => identity_providers::auth_token(cx).await,
            "logout" => {
                session::end(&cx.attempt(), &cookies(cx.runtime, cx.headers())).await?;
                Ok(Reply::Action(Some(json!({ "success": true }))))
            }
            "reauthenticate" => {
                let password = cx.password();
                cx.attempt().reauthenticate(cx.principal, password.as_ref().map(|password| password.as_str())).await?;
                Ok(Reply::Action(Some(json!({ "reauthenticated": true }))))
            }
            other => Err(unknown_action(other)),
        }
    }
}

/// What a client learns about who it is.
pub(super) fn signed_in(cx: &Context<'_>) -> Value {
    json!({
        "_id": "login",
        "authorization": authorization(cx),
        "authenticationId": cx.principal.authentication_id,
    })
}

/// `authorization` in the answers of `authentication?_action=login` and `info/login` (docs/protocol/progressive-profile.md,
/// "Sign-in reply").
fn authorization(cx: &Context<'_>) -> Value {
    let principal = cx.principal;
    let mut facts = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), value);
        }
    };
    let roles: Vec<&str> = principal.roles.iter().map(String::as_str).collect();
    let protected = cx.runtime.schemas.get(&principal.component).map(|schema| {
        let mut names: Vec<&str> = schema.protected().collect();
        for (name, _) in cx.runtime.policies.reauthenticated(&principal.component) {
            if !names.contains(&name) && cx.runtime.policies.asks_password(&principal.component, name, &roles) {
                names.push(name);
            }
        }
        names
    });
    put("userRolesProperty", principal.module.user_roles_property.clone().map(Value::from));
    put("processesRequired", principal.pending.as_ref().map(|_| json!(true)));
    put("component", Some(json!(principal.component)));
    put("authLogin", principal.is_managed().then_some(json!(true)));
    put("authenticationIdProperty", principal.module.authentication_id_property.clone().map(Value::from));
    put("roles", Some(json!(principal.roles)));
    put("ipAddress", Some(json!(cx.client.text())));
    put("protectedAttributeList", protected.map(|names| json!(names)));
    put("requiredProfileProcesses", principal.pending.as_ref().map(|pending| json!(pending.processes)));
    put("id", Some(json!(principal.id)));
    put("moduleId", Some(json!(principal.module.id)));
    put("queryId", principal.module.query_id.clone().map(Value::from));
    for (name, value) in principal.augmented.iter().flatten() {
        facts.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Value::Object(facts)
}
