//! `selfservice/<process>`: the two calls of a process (openidm-wire §1).
//!
//! Easiest to get wrong: a GET has no effect and gives no token, and is the call that comes most often; what it answers is kept as text.

use std::sync::Arc;

use async_trait::async_trait;
use crest::ResourceError;
use process::{FactKind, Process, Step, StepOutcome, Submission};
use serde_json::{Value, json};
use stages::Services;

use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource, unknown_action};

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
        cx.app.limits.submission(cx.client.address, cx.now)?;
        let body = cx.body();
        let token = match body.get("token") {
            None | Some(Value::Null) => None,
            Some(Value::String(token)) => Some(token.as_str()),
            Some(_) => return Err(ResourceError::bad_request("Invalid snapshot token").into()),
        };
        let caller = cx.caller();
        let submission = Submission { token, input: body.get("input"), caller: &caller };
        let makers = self.makers();
        if !makers.is_empty() {
            cx.app.limits.registration(cx.client.address, cx.now)?;
        }
        let submitted = cx.runtime.engine.submit(&cx.app.definitions, &self.process.name, submission).await;
        let made = |step: &Step| step.outcome == StepOutcome::Completed && makers.contains(&step.stage);
        if !makers.is_empty() && !submitted.as_ref().is_ok_and(|submitted| submitted.steps.iter().any(made)) {
            cx.app.limits.not_registered(cx.client.address);
        }
        match submitted {
            Ok(submitted) => {
                self.record(cx, &submitted.steps, true, json!({ "instance": submitted.instance }));
                if submitted.finished {
                    cx.app.metrics.completed(&self.process.name);
                    // The role is there as soon as nothing is owed, whether or not the client asks again.
                    if let Err(refusal) = cx.attempt().look_again(&mut cx.principal.clone()).await {
                        // What was completed is in the store; the next sign-in on this session looks again.
                        tracing::warn!(transaction.id = cx.transaction, error = %refusal.error, "a session could not be told that its process has ended");
                    }
                }
                // Looking into the outbox takes the store's one writer; it is asked only where there is something.
                if submitted.mailed {
                    cx.app.mail.wake();
                }
                cx.app.mail.wait(&submitted.await_mails).await?;
                Ok(Reply::Action(Some(submitted.body)))
            }
            Err(failure) => {
                // What was committed before the failure may have been a mail.
                cx.app.mail.wake();
                self.record(cx, &failure.steps, false, json!({ "code": failure.error.code }));
                Err(failure.error.into())
            }
        }
    }
}

impl SelfService {
    /// The stages of the process that make accounts.
    fn makers(&self) -> Vec<&'static str> {
        let makers = self.process.stages.iter().filter(|placed| placed.facts.gives.contains(&FactKind::Created));
        makers.map(|placed| placed.stage.name()).collect()
    }

    fn record(&self, cx: &Context<'_>, steps: &[Step], successful: bool, detail: Value) {
        cx.app.metrics.steps(&self.process.name, steps);
        let shown: Vec<Value> = steps
            .iter()
            .map(|step| {
                let outcome = match step.outcome {
                    StepOutcome::Entered => "entered",
                    StepOutcome::Completed => "completed",
                    StepOutcome::Failed => "failed",
                };
                json!({ "stage": step.stage, "index": step.index, "outcome": outcome })
            })
            .collect();
        let mut event = cx.event("process", "submitRequirements", format!("selfservice/{}", self.process.name), detail);
        event.successful = successful;
        if let Value::Object(detail) = &mut event.detail {
            detail.insert("steps".into(), Value::Array(shown));
        }
        cx.app.audit.record(event);
    }
}
