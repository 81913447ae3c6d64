//! `selfservice/terms`: the terms in force (idm-docs §5.2).

use async_trait::async_trait;
use crest::ResourceError;

use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource};

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
