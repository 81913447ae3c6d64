//! `consent`: the mappings a person may agree to (idm-docs §5.4).

use async_trait::async_trait;
use crest::Filter;
use serde_json::Value;
use wire::request::QueryRequest;

use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource, unknown_action};

/// The resource.
pub(super) struct Consent;

#[async_trait]
impl Resource for Consent {
    fn kind(&self) -> &'static str {
        "consent"
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        let matching = cx.runtime.consents.list(&request.query.filter, &cx.runtime.schemas);
        Ok(Reply::list(matching.iter().map(|mapping| cx.presentation.fields.select(mapping)).collect()))
    }

    /// How clients of 5.5 to 6.5 asked.
    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        match name {
            "getConsentMappings" => Ok(Reply::Action(Some(Value::Array(cx.runtime.consents.list(&Filter::True, &cx.runtime.schemas))))),
            other => Err(unknown_action(other)),
        }
    }
}
