//! `selfservice/terms`: the terms in force (docs/protocol/companions.md, "Terms and conditions").

use async_trait::async_trait;
use crest::ResourceError;

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{Route, Who, found, get};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "selfservice/terms",
    chapter: "Processes",
    resource: |_, _| found(Terms),
    operations: &[get("/selfservice/terms", Who::SignedIn, "The terms in force.")],
}];

/// The resource.
pub(super) struct Terms;

#[async_trait]
impl Resource for Terms {
    fn kind(&self) -> &'static str {
        "selfservice"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let body = cx.runtime.terms.to_client_value();
        Ok(Reply::resource(body.ok_or_else(|| ResourceError::not_found("Resource 'selfservice/terms' not found"))?))
    }
}
