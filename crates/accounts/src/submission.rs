//! A step of a process, with what surrounds it: limits, audit, metrics, mails that are waited for, and the role that comes back with the
//! last process a person had to go through.

use crest::ResourceError;
use process::{Caller, FactKind, Failure, Process, Reason, Step, StepOutcome, Submission, Submitted, Topic};
use serde_json::{Value, json};
use stages::Services;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::attempt::Actor;
use crate::error::AccountError;
use crate::limits::Limited;
use crate::pace::{Pace, goes_by_account};

impl Actor<'_> {
    /// Submits `input` to a process. `token` is the one of the last answer, as it was sent; there is none at the beginning. `password` is the
    /// present one of the signed-in person, where it came along: a process of theirs may need it.
    ///
    /// # Errors
    /// [`AccountError::Limited`] for too many submissions or accounts, [`AccountError::NotReauthenticated`] for a wrong password, 400 for a
    /// token or input that is not good, and what the stages refuse.
    pub async fn submit(
        &self,
        process: &Process<Services>,
        token: Option<&Value>,
        input: Option<&Value>,
        (caller, password): (&Caller, Option<&str>),
    ) -> Result<Submitted, AccountError> {
        let pace = self.pace();
        let caller = self.counted(process, caller, password).await?;
        self.step(process, token, input, &caller, pace).await
    }

    /// Begins a process with what a link brought along, `given`, and goes on with what was typed into the form that it led to: one submission,
    /// as one press of a button is. Where the process ends before, that is its end.
    ///
    /// # Errors
    /// As [`Actor::submit`].
    pub async fn begin(
        &self,
        process: &Process<Services>,
        given: &Value,
        input: &Value,
        (caller, password): (&Caller, Option<&str>),
    ) -> Result<Submitted, AccountError> {
        let pace = self.pace();
        let caller = self.counted(process, caller, password).await?;
        let begun = self.step(process, None, Some(given), &caller, pace).await?;
        if begun.finished {
            return Ok(begun);
        }
        self.step(process, begun.body.get("token"), Some(input), &caller, pace).await
    }

    fn pace(&self) -> Pace {
        Pace::new(self.attempt.accounts.limits.finding())
    }

    /// Counts a submission, and compares the present password where one came along and the process is the person's own.
    async fn counted(&self, process: &Process<Services>, caller: &Caller, password: Option<&str>) -> Result<Caller, AccountError> {
        let limits = &self.attempt.accounts.limits;
        limits.submission(self.attempt.address, self.attempt.now).map_err(|limited| self.limited(process, limited))?;
        let mut caller = caller.clone();
        if password.is_some() && process.binds_session() && self.principal.is_managed() {
            let judged = self.attempt.reauthenticate(self.principal, password).await;
            judged.map_err(|error| match error {
                AccountError::Limited(limited) => self.limited(process, limited).into(),
                other => other,
            })?;
            caller.reauthenticated = true;
        }
        Ok(caller)
    }

    async fn step(
        &self,
        process: &Process<Services>,
        token: Option<&Value>,
        input: Option<&Value>,
        caller: &Caller,
        pace: Pace,
    ) -> Result<Submitted, AccountError> {
        let (accounts, address, now) = (self.attempt.accounts, self.attempt.address, self.attempt.now);
        let token = match token {
            None | Some(Value::Null) => None,
            Some(Value::String(token)) => Some(token.as_str()),
            Some(_) => return Err(ResourceError::bad_request("Invalid snapshot token").into()),
        };
        let makers = makers(process);
        if !makers.is_empty() {
            accounts.limits.registration(address, now).map_err(|limited| self.limited(process, limited))?;
        }
        let submission = Submission { token, input, caller };
        let span = tracing::info_span!(target: "vestibule::spans", "step", process = process.name, stage = Empty, outcome = Empty);
        let submitted = self.attempt.runtime.engine.submit(accounts.definitions.as_ref(), &process.name, submission);
        let submitted = submitted.instrument(span.clone()).await;
        told_of(&span, submitted.as_ref().map_or_else(|failure| &failure.steps, |submitted| &submitted.steps));
        drop(span);
        let made = |step: &Step| step.outcome == StepOutcome::Completed && makers.contains(&step.stage);
        if !makers.is_empty() && !submitted.as_ref().is_ok_and(|submitted| submitted.steps.iter().any(made)) {
            accounts.limits.not_registered(address);
        }
        self.carry(process, submitted, pace).await
    }

    /// Sends once more what a person waits for, the mail with a code, on behalf of whoever holds the token of that step.
    ///
    /// # Errors
    /// As [`Actor::submit`].
    pub async fn send_again(&self, process: &Process<Services>, token: &str, caller: &Caller) -> Result<Submitted, AccountError> {
        let pace = self.pace();
        let limits = &self.attempt.accounts.limits;
        limits.submission(self.attempt.address, self.attempt.now).map_err(|limited| self.limited(process, limited))?;
        let definitions = self.attempt.accounts.definitions.as_ref();
        let submitted = self.attempt.runtime.engine.again(definitions, &process.name, token, caller).await;
        let carried = self.follow(process, submitted).await;
        pace.hold().await;
        carried
    }

    /// What follows from a submission, and the answer in its time.
    async fn carry(
        &self,
        process: &Process<Services>,
        submitted: Result<Submitted, Failure>,
        pace: Pace,
    ) -> Result<Submitted, AccountError> {
        let steps = submitted.as_ref().map_or_else(|failure| &failure.steps, |submitted| &submitted.steps);
        // Whoever began on the next definition has gone its way.
        let next = self.attempt.runtime.canaries.get(&process.name).and_then(|trial| trial.next.as_ref());
        let by_account = goes_by_account(process, steps) || next.is_some_and(|next| goes_by_account(next, steps));
        let carried = self.follow(process, submitted).await;
        if by_account {
            pace.hold().await;
        }
        carried
    }

    /// What follows from a submission, whatever became of it.
    async fn follow(&self, process: &Process<Services>, submitted: Result<Submitted, Failure>) -> Result<Submitted, AccountError> {
        let accounts = self.attempt.accounts;
        match submitted {
            Ok(mut submitted) => {
                let detail = json!({
                    "instance": submitted.instance,
                    "version": submitted.version,
                    "finished": submitted.finished,
                    "asks": submitted.body.get("tag").filter(|_| !submitted.finished),
                });
                self.record_steps(process, &submitted.steps, true, (&submitted.object, &submitted.reasons), detail);
                if let Some(passage) = submitted.passage.take() {
                    accounts.meter.on_the_way(*passage);
                }
                if submitted.finished {
                    accounts.meter.completed(&process.name);
                    // The role is there as soon as nothing is due, whether or not the client asks again.
                    if let Err(error) = self.attempt.look_again(&mut self.principal.clone()).await {
                        // What was completed is in the store; the next sign-in on this session looks again.
                        let transaction = self.attempt.transaction;
                        tracing::warn!(transaction.id = transaction, %error, "a session could not be told that its process has ended");
                    }
                }
                // Looking into the outbox takes the store's one writer; it is asked only where there is something.
                if submitted.mailed {
                    accounts.delivery.wake();
                }
                accounts.delivery.wait(&submitted.await_mails).await?;
                Ok(submitted)
            }
            Err(failure) => {
                // What was committed before the failure may have been a mail.
                accounts.delivery.wake();
                let mut detail = json!({ "code": failure.error.code, "refusal": failure.error.kind });
                match failure.of {
                    None => self.record_steps(process, &failure.steps, false, ("", &[]), detail),
                    Some(of) => {
                        if let Value::Object(detail) = &mut detail {
                            detail.insert("instance".to_owned(), json!(of.instance));
                            detail.insert("version".to_owned(), json!(of.version));
                        }
                        self.record_steps(process, &failure.steps, false, (&of.object, &of.reasons), detail);
                        if let Some(passage) = of.passage {
                            accounts.meter.on_the_way(*passage);
                        }
                    }
                }
                match Limited::of(&failure.error) {
                    Some(limited) => Err(self.limited(process, limited).into()),
                    None => Err(failure.error.into()),
                }
            }
        }
    }

    /// Records that a limit refused a submission, unless the trail is told of enough of them.
    fn limited(&self, process: &Process<Services>, limited: Limited) -> Limited {
        let Some(times) = self.attempt.accounts.limits.told(self.attempt.address, limited, self.attempt.now) else { return limited };
        let detail = json!({ "limit": limited.limit, "client": self.attempt.address(), "times": times });
        let mut event = self.event(Topic::Process, "limited", format!("selfservice/{}", process.name), detail);
        event.successful = false;
        self.attempt.accounts.trail.record(event);
        limited
    }

    fn record_steps(
        &self,
        process: &Process<Services>,
        steps: &[Step],
        successful: bool,
        (object, reasons): (&str, &[Reason]),
        detail: Value,
    ) {
        let accounts = self.attempt.accounts;
        // What was done on the way to a failure was not committed: only the failure happened.
        let happened = |step: &&Step| successful || step.outcome == StepOutcome::Failed;
        let steps: Vec<Step> = steps.iter().filter(happened).copied().collect();
        accounts.meter.steps(&process.name, &steps);
        let mut event = self.event(Topic::Process, "submitRequirements", format!("selfservice/{}", process.name), detail);
        event.successful = successful;
        if let Value::Object(detail) = &mut event.detail {
            let mut insert = |name: &str, value: Value| detail.insert(name.to_owned(), value);
            insert("steps", steps.iter().map(Step::to_value).collect());
            if !object.is_empty() {
                insert("object", object.into());
            }
            if !reasons.is_empty() {
                insert("reasons", reasons.iter().map(Reason::to_value).collect());
            }
        }
        accounts.trail.record(event);
    }
}

/// Notes in the span of a submission which stages it touched: never what was typed there.
fn told_of(span: &Span, steps: &[Step]) {
    if span.is_disabled() {
        return;
    }
    for step in steps {
        let outcome = step.outcome.word();
        span.record("stage", step.stage).record("outcome", outcome);
        tracing::info!(target: "vestibule::spans", parent: span, stage = step.stage, outcome, "stage");
    }
}

/// The stages of a process that make accounts.
fn makers(process: &Process<Services>) -> Vec<&'static str> {
    let makers = process.stages.iter().filter(|placed| placed.facts.gives.contains(&FactKind::Created));
    makers.map(|placed| placed.stage.name()).collect()
}
