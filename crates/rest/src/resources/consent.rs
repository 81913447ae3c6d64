//! `consent`: the mappings a person may agree to (docs/protocol/companions.md, "Consent").

use async_trait::async_trait;
use crest::Filter;
use serde_json::Value;
use wire::request::QueryRequest;

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{QUERY, Route, Who, action, found, get};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "consent",
    chapter: "Profile",
    resource: |_, _| found(Consent),
    operations: &[
        get("/consent", Who::SignedIn, "The mappings one may agree to.").with(QUERY),
        action("/consent", "getConsentMappings", Who::SignedIn, "The same without a query."),
    ],
}];

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
