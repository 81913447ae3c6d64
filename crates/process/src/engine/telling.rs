//! What is told of a submission: to whoever sent it, to the audit trail, to the funnel.

use crest::ResourceError;
use serde_json::{Value, json};

use super::{Engine, Run};
use crate::effect::mails_that_leave;
use crate::{AuditEvent, MailId, Passage, Reason, Refused, Step, Submitted, Topic, passage};

impl<S: Send + Sync + 'static> Engine<S> {
    pub(super) fn submitted(run: &mut Run<'_, S>, body: Value, await_mails: Vec<MailId>, finished: bool) -> Submitted {
        let await_mails = run.await_mails.drain(..).chain(await_mails).collect();
        let (instance, version, steps) = (run.context.instance.clone(), run.context.version.clone(), std::mem::take(&mut run.steps));
        let (reasons, object) = (std::mem::take(&mut run.reasons), run.context.facts.object());
        Submitted { body, instance, version, steps, await_mails, mailed: run.mailed, finished, reasons, object, passage: None }
    }

    /// What the audit trail says of this submission.
    pub(super) fn event(run: &Run<'_, S>, event: &str, mut detail: Value) -> AuditEvent {
        if let Value::Object(detail) = &mut detail {
            detail.insert("process".to_owned(), json!(run.process.name));
            detail.insert("instance".to_owned(), json!(run.context.instance));
            detail.insert("version".to_owned(), json!(run.process.version));
            detail.insert("steps".to_owned(), run.steps.iter().map(Step::to_value).collect());
            detail.insert("reasons".to_owned(), run.reasons.iter().map(Reason::to_value).collect());
        }
        AuditEvent {
            topic: Topic::Process,
            event: event.to_owned(),
            time: run.now,
            transaction: run.caller.transaction.clone(),
            user: run.caller.user.clone(),
            object: run.context.facts.object(),
            successful: true,
            detail,
        }
    }

    pub(super) fn passage(run: &Run<'_, S>) -> Passage {
        Passage {
            instance: run.context.instance.clone(),
            process: run.process.name.clone(),
            version: run.process.version.clone(),
            path: run.process.path.clone(),
            language: passage::language(&run.caller.locales),
            began: run.context.began_at(),
            expires: run.context.expires,
            reached: run.context.stage,
            ended: false,
            took: run.took,
            failed: None,
            mails: run.sent.saturating_add(mails_that_leave(&run.effects)),
        }
    }

    /// The place of the stage that a submission failed at: the last one where its end could not be committed.
    pub(super) fn failed_at(run: &Run<'_, S>) -> usize {
        run.context.stage.min(run.process.stages.len().saturating_sub(1))
    }

    /// What is known of the instance that a submission was refused for. Stages that were through in memory alone are not.
    pub(super) fn refused(run: &mut Run<'_, S>, error: &ResourceError) -> Refused {
        let took = run.took.filter(|(place, _)| *place < run.kept);
        let failed = Some((Self::failed_at(run), passage::why(error)));
        let passage = Passage { reached: run.kept, took, failed, mails: run.sent, ..Self::passage(run) };
        Refused {
            instance: run.context.instance.clone(),
            version: run.context.version.clone(),
            reasons: std::mem::take(&mut run.reasons),
            object: run.context.facts.object(),
            passage: Some(Box::new(passage)),
        }
    }
}
