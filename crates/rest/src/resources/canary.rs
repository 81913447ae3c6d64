//! `vestibule/canary`: next definitions of processes that are or were tried, and what was counted, for administrators. An extension; IDM has
//! nothing like it.

use accounts::canary;
use async_trait::async_trait;
use crest::ResourceError;
use serde_json::Value;
use wire::request::QueryRequest;

use crate::context::Context;
use crate::listing;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{Route, Who, found, get};

/// Its rows.
pub(super) const ROUTES: &[Route] =
    &[Route {
        path: "vestibule/canary",
        chapter: "Server",
        resource: |_, _| found(Canaries),
        operations: &[get("/vestibule/canary", Who::AdministratorsAlone, "The next definitions of processes that are or were tried.")
            .with(&["_queryFilter", "_fields", "_sortKeys", "_pageSize", "_prettyPrint"])],
    }];

/// All of them.
pub(super) struct Canaries;

impl Canaries {
    async fn rows(cx: &Context<'_>) -> Result<Vec<Value>, ResourceError> {
        let kept = cx.app.accounts.history.canaries().await?;
        Ok(canary::rows(cx.runtime, &kept, cx.now))
    }
}

#[async_trait]
impl Resource for Canaries {
    fn kind(&self) -> &'static str {
        "canary"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        Ok(Reply::list(Self::rows(cx).await?))
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        Ok(listing::answer(Self::rows(cx).await?, request, &cx.presentation.fields)?)
    }
}
