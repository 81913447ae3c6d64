//! `selfservice/<process>`: the two calls of a process (docs/protocol/processes.md, "The two calls").
//!
//! Easiest to get wrong: a GET has no effect and gives no token, and is the call that comes most often; what it answers is kept as text.

use std::sync::Arc;

use async_trait::async_trait;
use process::Process;
use stages::Services;

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Body, Route, Who, action, get, perhaps};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "selfservice/{process}",
    chapter: "Processes",
    resource: |cx, at| perhaps(at.first().and_then(|name| SelfService::find(cx, name))),
    operations: &[
        get("/selfservice/{process}", Who::Everybody, "What the first stage of a process asks. Has no effect and gives no token."),
        action(
            "/selfservice/{process}",
            "submitRequirements",
            Who::Everybody,
            "Submits what was asked, with the token of the last answer; the answer asks again, or ends the process.",
        )
        .carries(Body::Submission),
    ],
}];

/// A process.
pub(super) struct SelfService {
    process: Arc<Process<Services>>,
}

impl SelfService {
    /// The process of a name, unless it is switched off or broken.
    pub(super) fn find(cx: &Context<'_>, name: &str) -> Option<Self> {
        Some(Self { process: Arc::clone(cx.runtime.processes.get(name)?) })
    }
}

#[async_trait]
impl Resource for SelfService {
    fn kind(&self) -> &'static str {
        "selfservice"
    }

    async fn read(&self, cx: &Context<'_>, known: Option<&str>) -> Answer {
        let initial = cx.runtime.engine.initial(&self.process, &cx.caller()).await?;
        if known == Some(initial.revision.as_str()) {
            return Ok(Reply::NotModified(initial.revision.clone()));
        }
        Ok(Reply::Initial(initial))
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        if name != "submitRequirements" {
            return Err(unknown_action(name));
        }
        let (token, input) = (cx.body().get("token"), cx.body().get("input"));
        let (caller, password) = (cx.caller(), cx.password());
        let given = (&caller, password.as_ref().map(|password| password.as_str()));
        let submitted = cx.actor().submit(&self.process, token, input, given).await?;
        Ok(Reply::Action(Some(submitted.body)))
    }
}
