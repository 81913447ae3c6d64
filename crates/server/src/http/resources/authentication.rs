//! `authentication`: signing in and out (client-contract §4, idm-docs §6.1).
//!
//! Easiest to get wrong: signing out without a session must succeed, or stock clients cannot sign in (client-contract §13.1).

use async_trait::async_trait;
use serde_json::json;

use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource, unknown_action};
use crate::http::session;

/// The resource.
pub(super) struct Authentication;

#[async_trait]
impl Resource for Authentication {
    fn kind(&self) -> &'static str {
        "authentication"
    }

    /// The ways to sign in besides a password. There are no social ones, which clients read as an empty list.
    async fn read(&self, _cx: &Context<'_>, _known: Option<&str>) -> Answer {
        Ok(Reply::resource(json!({ "providers": [] })))
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        match name {
            // Whoever got here is signed in; the session was begun on the way.
            "login" => Ok(Reply::Action(Some(signed_in(cx)))),
            "logout" => {
                session::end(cx.app, &cx.runtime.project.authentication.session, cx.headers()).await?;
                Ok(Reply::Action(Some(json!({ "success": true }))))
            }
            "reauthenticate" => {
                cx.attempt().reauthenticate(cx.principal, cx.headers()).await?;
                Ok(Reply::Action(Some(json!({ "reauthenticated": true }))))
            }
            other => Err(unknown_action(other)),
        }
    }
}

/// What a client learns about who it is.
pub(super) fn signed_in(cx: &Context<'_>) -> serde_json::Value {
    json!({
        "_id": "login",
        "authorization": cx.principal.authorization(cx.runtime, &cx.client.text()),
        "authenticationId": cx.principal.authentication_id,
    })
}

/// `identityProviders`: none (client-contract §11.2).
pub(super) struct IdentityProviders;

#[async_trait]
impl Resource for IdentityProviders {
    fn kind(&self) -> &'static str {
        "identityProviders"
    }

    async fn read(&self, _cx: &Context<'_>, _known: Option<&str>) -> Answer {
        Ok(Reply::resource(json!({ "providers": [] })))
    }
}
