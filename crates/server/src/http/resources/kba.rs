//! `selfservice/kba`: the predefined security questions (openidm-wire §7.1).

use async_trait::async_trait;
use crest::ResourceError;

use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource};

/// The resource.
pub(super) struct Kba;

#[async_trait]
impl Resource for Kba {
    fn kind(&self) -> &'static str {
        "selfservice"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        if cx.runtime.project.kba.is_none() {
            // Clients hide the panel on 404 (client-contract §11.2).
            return Err(ResourceError::not_found("Resource 'selfservice/kba' not found").into());
        }
        Ok(Reply::resource(cx.runtime.kba.to_client_value()))
    }
}
