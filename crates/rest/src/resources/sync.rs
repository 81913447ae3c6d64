//! `sync`: there is no synchronisation here, so nothing is ever linked (docs/protocol/clients.md, "What is not there").
//! Administrators alone get that far; to others access rules say 403, which stock clients take in silence.

use async_trait::async_trait;
use serde_json::json;

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Route, Who, action, found};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "sync",
    chapter: "Server",
    resource: |_, _| found(Sync),
    operations: &[action("/sync", "getLinkedResources", Who::Administrators, "What an object is linked to; always nothing.")],
}];

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
