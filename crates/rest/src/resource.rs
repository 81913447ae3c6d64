//! What a resource is: one file that answers the operations it supports. The others are 501, as the older generation says.

use async_trait::async_trait;
use crest::ResourceError;
use wire::conditions::{Expected, Put};
use wire::request::{Operation, QueryRequest};

use crate::context::Context;
use crate::reply::{Refusal, Reply};

/// What a resource answers.
pub(crate) type Answer = Result<Reply, Refusal>;

/// A resource of the REST API.
#[async_trait]
pub(crate) trait Resource: Send + Sync {
    /// Its kind, a metric's label.
    fn kind(&self) -> &'static str;

    /// GET. `known` is the revision the client has.
    async fn read(&self, _cx: &Context<'_>, _known: Option<&str>) -> Answer {
        Err(unsupported())
    }

    /// GET with a query.
    async fn query(&self, _cx: &Context<'_>, _request: &QueryRequest) -> Answer {
        Err(unsupported())
    }

    /// POST with `_action`.
    async fn action(&self, _cx: &Context<'_>, _name: &str) -> Answer {
        Err(unsupported())
    }

    /// POST without.
    async fn create(&self, _cx: &Context<'_>) -> Answer {
        Err(unsupported())
    }

    /// PUT.
    async fn put(&self, _cx: &Context<'_>, _put: &Put) -> Answer {
        Err(unsupported())
    }

    /// PATCH.
    async fn patch(&self, _cx: &Context<'_>, _expected: &Expected) -> Answer {
        Err(unsupported())
    }

    /// DELETE.
    async fn delete(&self, _cx: &Context<'_>, _expected: &Expected) -> Answer {
        Err(unsupported())
    }
}

/// 501, as the older generation words it.
fn unsupported() -> Refusal {
    ResourceError::not_implemented("Not Implemented").into()
}

/// 501 for an unknown action.
pub(crate) fn unknown_action(name: &str) -> Refusal {
    ResourceError::not_implemented(format!("Unknown action {name}")).into()
}

/// Sends a request to its resource.
pub(crate) async fn answer(resource: &dyn Resource, cx: &Context<'_>) -> Answer {
    match &cx.call.operation {
        Operation::Read { known } => resource.read(cx, known.as_deref()).await,
        Operation::Query(request) => resource.query(cx, request).await,
        Operation::Action(name) => resource.action(cx, name).await,
        Operation::Create => resource.create(cx).await,
        Operation::Put(put) => resource.put(cx, put).await,
        Operation::Patch(expected) => resource.patch(cx, expected).await,
        Operation::Delete(expected) => resource.delete(cx, expected).await,
    }
}
