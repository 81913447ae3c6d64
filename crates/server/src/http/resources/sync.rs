//! `sync`: there is no synchronisation here, so nothing is ever linked (client-contract §11.2). Administrators alone get that far; to
//! others access rules say 403, which stock clients take in silence.

use async_trait::async_trait;
use serde_json::json;

use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource, unknown_action};

/// The resource.
pub(super) struct Sync;

#[async_trait]
impl Resource for Sync {
    fn kind(&self) -> &'static str {
        "sync"
    }

    async fn action(&self, _cx: &Context<'_>, name: &str) -> Answer {
        match name {
            "getLinkedResources" => Ok(Reply::Action(Some(json!([])))),
            other => Err(unknown_action(other)),
        }
    }
}
