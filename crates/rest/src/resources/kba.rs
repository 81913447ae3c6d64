//! `selfservice/kba`: the predefined security questions (docs/protocol/companions.md, "Changing one's questions").

use async_trait::async_trait;
use crest::ResourceError;

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{Route, Who, found, get};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "selfservice/kba",
    chapter: "Processes",
    resource: |_, _| found(Kba),
    operations: &[get("/selfservice/kba", Who::SignedIn, "The security questions a person can choose from.")],
}];

/// The resource.
pub(super) struct Kba;

#[async_trait]
impl Resource for Kba {
    fn kind(&self) -> &'static str {
        "selfservice"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        if cx.runtime.project.kba.is_none() {
            // Clients hide the panel on 404 (docs/protocol/clients.md, "What is not there").
            return Err(ResourceError::not_found("Resource 'selfservice/kba' not found").into());
        }
        Ok(Reply::resource(cx.runtime.kba.to_client_value()))
    }
}
