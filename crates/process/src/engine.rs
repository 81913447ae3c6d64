//! The advance loop. A submission runs stages until one asks or the last is through; what they did is committed once, at the end.
//! A page also wants to know the first question without any effect, and how a token stands.
//! The rule that is easiest to break: nothing is written before the loop has ended, except counters, which are counted first, and what
//! a stage that says `after_commit` must find in the store.

mod taking_over;
mod telling;

use std::sync::Arc;

use crest::{Clock, Random, ResourceError};
use jose::KeyRing;
use serde_json::{Map, Value, json};

use crate::effect::mails_that_leave;
use crate::overtaken::Overtaken;
use crate::token::Opened;
use crate::{
    Caller, CommitError, Definitions, Delivery, Effect, Fact, FactKind, Facts, Failure, Initial, InstanceId, Ledger, MailId, Passage,
    Placed, Process, ProcessContext, Progress, Reason, Refused, Requirements, Spend, StageContext, Step, StepOutcome, Submission,
    Submitted, Tag, Unit, passage, token,
};

/// The stage that keeps what a link brings along, and asks nothing of a person.
const PARAMETERS: &str = "parameters";

/// How a snapshot token stands. Only whoever holds a token of ours learns more than that it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A submission with it would be taken.
    Open,
    /// It is no token, one of another process, cut off, or bound to somebody else.
    Foreign,
    /// Its time is over.
    Expired,
    /// Its instance went past it: it was completed.
    Spent,
    /// The definition it was begun with is not served any more.
    Changed,
}

/// What a token leads to.
enum Seen<S> {
    Good(Arc<Process<S>>, Box<ProcessContext>),
    Not(Standing, Option<Box<ProcessContext>>),
}

/// Runs processes. `S` is what their stages share.
pub struct Engine<S> {
    services: Arc<S>,
    ledger: Arc<dyn Ledger>,
    keys: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    longest: i64,
}

/// Seconds an instance lives at most, however often its token is renewed, where nobody says otherwise.
const DAY: i64 = 86_400;

/// Everything one submission works on.
struct Run<'a, S> {
    process: &'a Process<S>,
    context: ProcessContext,
    effects: Vec<Effect>,
    steps: Vec<Step>,
    caller: &'a Caller,
    now: i64,
    /// Stages below this one wrote something and must not run again in this instance.
    written_below: u32,
    /// Mails of what was committed before the end.
    await_mails: Vec<MailId>,
    mailed: bool,
    /// How many were committed that leave.
    sent: u32,
    /// Something was committed before the end.
    committed: bool,
    /// Where the instance is by what was committed: where the submission began, or behind what it committed before its end.
    kept: usize,
    /// What was decided, and why.
    reasons: Vec<Reason>,
    /// When the question was asked that is answered now, in seconds since 1970.
    asked: Option<i64>,
    /// A stage that was completed, and the seconds that took.
    took: Option<(usize, i64)>,
}

impl<S: Send + Sync + 'static> Engine<S> {
    /// An engine on these ports.
    #[must_use]
    pub fn new(services: Arc<S>, ledger: Arc<dyn Ledger>, keys: Arc<KeyRing>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { services, ledger, keys, clock, random, longest: DAY }
    }

    /// Ends every instance `seconds` after it began, however often its token is renewed; a day where this is not said. So a person in
    /// flight is on a definition that was served within that time.
    #[must_use]
    pub fn with_longest_instance(self, seconds: i64) -> Self {
        Self { longest: seconds, ..self }
    }

    /// The first stage's requirements. Has no effect and gives no token.
    ///
    /// # Errors
    /// What the stage says.
    pub async fn initial(&self, process: &Process<S>, caller: &Caller) -> Result<Arc<Initial>, ResourceError> {
        if let Some(known) = process.initial.get() {
            return Ok(Arc::clone(known));
        }
        let first = process.stages.first().ok_or_else(|| ResourceError::internal("The process has no stages"))?;
        let mut run = self.begin(process, caller);
        Self::ready(&run, first)?;
        let requirements = self.requirements(&mut run, first).await?.unwrap_or_else(Requirements::none);
        let initial = Arc::new(Initial::new(first.stage.shown_as(), &requirements));
        if first.stage.is_static() {
            return Ok(Arc::clone(process.initial.get_or_init(|| initial)));
        }
        Ok(initial)
    }

    /// Takes a submission as far as it goes.
    ///
    /// # Errors
    /// What a stage, the token or the store refuses; nothing was written then.
    pub async fn submit(&self, definitions: &dyn Definitions<S>, name: &str, submission: Submission<'_>) -> Result<Submitted, Failure> {
        let Some(current) = definitions.current(name) else {
            return Err(ResourceError::not_found(format!("Resource 'selfservice/{name}' not found")).into());
        };
        let opened = match submission.token {
            None => None,
            Some(text) => Some(self.resume(definitions, name, text, submission.caller).await?),
        };
        let input = match submission.input {
            None | Some(Value::Null) => return Err(ResourceError::bad_request("No input provided").into()),
            Some(Value::Object(input)) => input,
            Some(_) => return Err(ResourceError::bad_request("The input must be a JSON object").into()),
        };
        let instance = InstanceId::draw(self.random.as_ref());
        let (process, context) = match opened {
            Some((process, context)) => (process, Some(context)),
            None => (definitions.begins(name, &instance).unwrap_or(current), None),
        };
        let mut run = self.begin_as(instance, &process, submission.caller);
        let is_known = context.is_some();
        if let Some(context) = context {
            run.asked = Some(context.issued);
            run.context = context;
        }
        let began = run.context.stage;
        run.kept = began;
        match self.advance(&mut run, input).await {
            Ok(submitted) => Ok(submitted),
            Err(error) => {
                let error = if self.was_overtaken(&run, began).await { token::invalid() } else { error };
                let mut steps = std::mem::take(&mut run.steps);
                let index = Self::failed_at(&run);
                if let Some(placed) = process.stages.get(index) {
                    steps.push(Step { stage: placed.stage.name(), index, outcome: StepOutcome::Failed });
                }
                let of = is_known.then(|| Box::new(Self::refused(&mut run, &error)));
                Err(Failure { error, steps, of })
            }
        }
    }

    /// The first question that a person is asked, as a submission would answer it but without a token: `type`, `tag`, `requirements`. A
    /// `parameters` stage at the beginning takes `given` and is passed. Nothing where the process asks nothing at its beginning. Has no
    /// effect.
    ///
    /// # Errors
    /// What a stage says.
    pub async fn opening(&self, process: &Process<S>, caller: &Caller, given: &Map<String, Value>) -> Result<Option<Value>, ResourceError> {
        let mut run = self.begin(process, caller);
        while let Some(placed) = process.stages.get(run.context.stage) {
            Self::ready(&run, placed)?;
            if placed.stage.name() == PARAMETERS {
                let mut cx = self.stage_context(&mut run, placed);
                if let Progress::Ask { .. } = placed.stage.advance(&mut cx, Tag::INITIAL.0, given).await? {
                    return Ok(None);
                }
                run.context.stage += 1;
                continue;
            }
            let asked = self.requirements(&mut run, placed).await?.filter(|asked| !asked.is_none());
            let shown_as = placed.stage.shown_as();
            return Ok(asked.map(|asked| json!({ "type": shown_as, "tag": Tag::INITIAL.0, "requirements": asked.to_value() })));
        }
        Ok(None)
    }

    /// Does once more what brought the bearer of a token to its question, as sending a mail: the stage begins again.
    ///
    /// # Errors
    /// As [`Engine::submit`]; 400 where the token's stage asked at its beginning, and there is nothing to repeat.
    pub async fn again(&self, definitions: &dyn Definitions<S>, name: &str, text: &str, caller: &Caller) -> Result<Submitted, Failure> {
        let (process, context) = self.resume(definitions, name, text, caller).await?;
        if context.tag == Tag::INITIAL.0 {
            return Err(ResourceError::bad_request("There is nothing to repeat").into());
        }
        let mut run = self.begin(&process, caller);
        run.context = context;
        run.kept = run.context.stage;
        Tag::INITIAL.0.clone_into(&mut run.context.tag);
        let advanced = self.advance(&mut run, &Map::new()).await;
        advanced.map_err(|error| Failure { of: Some(Box::new(Self::refused(&mut run, &error))), error, steps: run.steps })
    }

    /// How a token of a process stands.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn standing(
        &self,
        definitions: &dyn Definitions<S>,
        name: &str,
        text: &str,
        caller: &Caller,
    ) -> Result<Standing, ResourceError> {
        Ok(match self.look(definitions, name, text, caller).await? {
            Seen::Good(..) => Standing::Open,
            Seen::Not(standing, _) => standing,
        })
    }

    /// What a token carries, for whoever holds the keys of this engine: rehearsals show it. Nothing for a token that a submission would not
    /// be taken with.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn context(
        &self,
        definitions: &dyn Definitions<S>,
        name: &str,
        text: &str,
        caller: &Caller,
    ) -> Result<Option<ProcessContext>, ResourceError> {
        Ok(match self.look(definitions, name, text, caller).await? {
            Seen::Good(_, context) => Some(*context),
            Seen::Not(..) => None,
        })
    }

    /// Opens a token and finds the definition its bearer began with.
    async fn look(&self, definitions: &dyn Definitions<S>, name: &str, text: &str, caller: &Caller) -> Result<Seen<S>, ResourceError> {
        let forms = definitions.forms(name).await?;
        let context = match token::open(text, &forms, &self.keys, self.ledger.as_ref()).await {
            Ok(Opened::Own(context)) if context.process == name => context,
            Ok(Opened::Former(former)) => return self.take_over(definitions, name, former, caller).await,
            Err(error) if error.code >= 500 => return Err(error),
            Ok(_) | Err(_) => return Ok(Seen::Not(Standing::Foreign, None)),
        };
        let now = self.clock.unix_seconds();
        let is_old = context.issued < self.ledger.not_before();
        if is_old || context.expires < now || context.began_at().saturating_add(self.longest) < now {
            return Ok(Seen::Not(Standing::Expired, Some(context)));
        }
        if context.owner.is_some() && context.owner != caller.subject {
            return Ok(Seen::Not(Standing::Foreign, Some(context)));
        }
        let spent_below = self.ledger.spent_below(&context.instance).await?;
        if u32::try_from(context.stage).unwrap_or(Spend::WHOLE) < spent_below {
            return Ok(Seen::Not(Standing::Spent, Some(context)));
        }
        let process = definitions.version(name, &context.version).await?;
        Ok(match process {
            Some(process) => Seen::Good(process, context),
            None => Seen::Not(Standing::Changed, Some(context)),
        })
    }

    /// Whether the same instance got past where this submission began meanwhile: what it was refused for is its own work, the name that
    /// is taken its own account's.
    async fn was_overtaken(&self, run: &Run<'_, S>, began: usize) -> bool {
        let began = u32::try_from(began).unwrap_or(Spend::WHOLE);
        !run.committed && self.ledger.spent_below(&run.context.instance).await.is_ok_and(|below| began < below)
    }

    fn begin<'a>(&self, process: &'a Process<S>, caller: &'a Caller) -> Run<'a, S> {
        self.begin_as(InstanceId::draw(self.random.as_ref()), process, caller)
    }

    fn begin_as<'a>(&self, instance: InstanceId, process: &'a Process<S>, caller: &'a Caller) -> Run<'a, S> {
        let now = self.clock.unix_seconds();
        let owner = if process.binds_session() { caller.subject.clone() } else { None };
        let mut facts = Facts::default();
        if let Some(subject) = &owner {
            facts.earn(0, Fact::SignedIn { subject: subject.clone() });
        }
        let context = ProcessContext {
            instance,
            process: process.name.clone(),
            version: process.version.clone(),
            stage: 0,
            tag: Tag::INITIAL.0.to_owned(),
            state: Map::new(),
            facts,
            additions: Map::new(),
            taking: Vec::new(),
            owner,
            began: now,
            issued: now,
            expires: now.saturating_add(process.token.lifetime.min(self.longest)),
        };
        Run {
            process,
            context,
            effects: Vec::new(),
            steps: Vec::new(),
            caller,
            now,
            written_below: 0,
            await_mails: Vec::new(),
            mailed: false,
            sent: 0,
            committed: false,
            kept: 0,
            reasons: Vec::new(),
            asked: None,
            took: None,
        }
    }

    /// Opens a token and finds the definition its bearer began with.
    async fn resume(
        &self,
        definitions: &dyn Definitions<S>,
        name: &str,
        text: &str,
        caller: &Caller,
    ) -> Result<(Arc<Process<S>>, ProcessContext), Failure> {
        let (standing, context) = match self.look(definitions, name, text, caller).await? {
            Seen::Good(process, context) => return Ok((process, *context)),
            Seen::Not(standing, context) => (standing, context),
        };
        let (error, what) = match standing {
            Standing::Expired => (ResourceError::bad_request("Snapshot token has expired"), "token-expired"),
            Standing::Changed => (ResourceError::bad_request("Invalid token"), "definition-gone"),
            Standing::Spent => (token::invalid(), "token-spent"),
            Standing::Open | Standing::Foreign => (token::invalid(), "token-of-another"),
        };
        let of = context.map(|context| {
            let reasons = vec![Reason { stage: context.stage, what, detail: Value::Null }];
            let (object, ProcessContext { instance, version, .. }) = (context.facts.object(), *context);
            Box::new(Refused { instance, version, reasons, object, passage: None })
        });
        Err(Failure { error, steps: Vec::new(), of })
    }

    async fn advance(&self, run: &mut Run<'_, S>, input: &Map<String, Value>) -> Result<Submitted, ResourceError> {
        let empty = Map::new();
        let mut input = input;
        loop {
            let process = run.process;
            let placed = process.stages.get(run.context.stage).ok_or_else(token::invalid)?;
            Self::ready(run, placed)?;
            let tag = run.context.tag.clone();
            let before = run.effects.len();
            let progress = {
                let mut cx = self.stage_context(run, placed);
                placed.stage.advance(&mut cx, &tag, input).await?
            };
            match progress {
                Progress::Ask { tag, requirements, delivery } => return self.ask(run, placed, tag, &requirements, delivery).await,
                Progress::Done => {
                    let index = run.context.stage;
                    run.steps.push(Step { stage: placed.stage.name(), index, outcome: StepOutcome::Completed });
                    if let Some(asked) = run.asked.take() {
                        run.took = Some((index, run.now.saturating_sub(asked)));
                    }
                    if run.effects.iter().skip(before).any(|effect| matches!(effect, Effect::Change(_))) {
                        run.written_below = u32::try_from(index + 1).unwrap_or(Spend::WHOLE);
                    }
                }
            }
            run.context.stage += 1;
            Tag::INITIAL.0.clone_into(&mut run.context.tag);
            let Some(next) = process.stages.get(run.context.stage) else {
                return self.finish(run).await;
            };
            run.steps.push(Step { stage: next.stage.name(), index: run.context.stage, outcome: StepOutcome::Entered });
            Self::ready(run, next)?;
            if next.facts.after_commit {
                self.commit_written(run).await?;
            }
            if let Some(requirements) = self.requirements(run, next).await? {
                return self.ask(run, next, Tag::INITIAL, &requirements, None).await;
            }
            input = &empty;
        }
    }

    /// A stage whose needs are not met does not run, whatever the definition looked like when it was proved.
    fn ready(run: &Run<'_, S>, placed: &Placed<S>) -> Result<(), ResourceError> {
        // A stage that changes a credential of the signed-in person asks for the present password itself (SEC-20).
        let of_session = run.context.facts.named().is_none() && run.context.facts.signed_in().is_some();
        let asked = |need: &&crate::Need| !(need.proof && (run.process.options.allow_unproven || of_session));
        match run.context.facts.missing(placed.facts.needs.iter().filter(asked)) {
            None => Ok(()),
            Some(need) if need.any_of == [FactKind::SignedIn] => Err(ResourceError::forbidden("Access denied")),
            Some(need) => Err(ResourceError::bad_request(format!("This step needs {}", need.phrase()))),
        }
    }

    async fn requirements(&self, run: &mut Run<'_, S>, placed: &Placed<S>) -> Result<Option<Requirements>, ResourceError> {
        let mut cx = self.stage_context(run, placed);
        placed.stage.requirements(&mut cx).await
    }

    fn stage_context<'r>(&'r self, run: &'r mut Run<'_, S>, placed: &'r Placed<S>) -> StageContext<'r, S> {
        StageContext {
            services: &self.services,
            caller: run.caller,
            now: run.now,
            process: &run.process.name,
            disclosure: run.process.disclosure(),
            lifetime: run.process.token.lifetime,
            allow_unproven: run.process.options.allow_unproven,
            stages: &run.process.stages,
            instance: &run.context.instance,
            index: run.context.stage,
            granted: &placed.facts,
            state: &mut run.context.state,
            facts: &mut run.context.facts,
            additions: &mut run.context.additions,
            effects: &mut run.effects,
            reasons: &mut run.reasons,
            taking: &mut run.context.taking,
            ledger: self.ledger.as_ref(),
            keys: &self.keys,
        }
    }

    async fn ask(
        &self,
        run: &mut Run<'_, S>,
        placed: &Placed<S>,
        tag: Tag,
        requirements: &Requirements,
        delivery: Option<Delivery>,
    ) -> Result<Submitted, ResourceError> {
        if run.written_below > 0 {
            Self::take(run);
        }
        tag.0.clone_into(&mut run.context.tag);
        run.context.began = run.context.began_at();
        run.context.issued = run.now;
        let end = run.context.began.saturating_add(self.longest);
        run.context.expires = run.now.saturating_add(run.process.token.lifetime).min(end);
        let (token, store) = token::issue(run.process.token, &run.context, &self.keys, self.random.as_ref())?;
        run.effects.extend(store);
        if let Some(delivery) = delivery {
            run.effects.extend(delivery(&token));
        }
        let spend = (run.written_below > 0).then(|| Self::spend(run, run.written_below));
        let again = |reason: &&Reason| reason.stage == run.context.stage && passage::ASKS_AGAIN.contains(&reason.what);
        let failed = run.reasons.iter().find(again).map(|reason| (reason.stage, reason.what));
        let mut passage = Some(Passage { failed, ..Self::passage(run) });
        if spend.is_some() || !run.effects.is_empty() {
            run.effects.push(Effect::Audit(Self::event(run, "step", json!({ "asks": tag.0 }))));
            run.effects.extend(passage.take().map(|passage| Effect::Passage(Box::new(passage))));
        }
        let await_mails = self.commit(run, spend).await?;
        let body = json!({
            "type": placed.stage.shown_as(),
            "tag": tag.0,
            "requirements": requirements.to_value(),
            "token": token,
        });
        Ok(Submitted { passage: passage.map(Box::new), ..Self::submitted(run, body, await_mails, false) })
    }

    async fn finish(&self, run: &mut Run<'_, S>) -> Result<Submitted, ResourceError> {
        let last = run.process.stages.last().ok_or_else(token::invalid)?;
        let event = Self::event(run, "completed", json!({}));
        run.effects.push(Effect::Audit(event));
        run.effects.push(Effect::Passage(Box::new(Passage { ended: true, ..Self::passage(run) })));
        if run.context.owner.is_some()
            && let Some(session) = run.caller.session.clone()
        {
            run.effects.push(Effect::Settle { session, what: run.process.name.clone() });
        }
        Self::take(run);
        let spend = Some(Self::spend(run, Spend::WHOLE));
        let await_mails = self.commit(run, spend).await?;
        let body = json!({
            "type": last.stage.shown_as(),
            "tag": Tag::END.0,
            "status": { "success": true },
            "additions": Value::Object(std::mem::take(&mut run.context.additions)),
        });
        Ok(Self::submitted(run, body, await_mails, true))
    }

    /// What stages take once is taken with the first write behind them, or at the end. It comes first: nothing else fails for it.
    fn take(run: &mut Run<'_, S>) {
        let taken = run.context.taking.drain(..).map(|taken| Effect::TakeOnce { what: taken.what, key: taken.key });
        run.effects.splice(0..0, taken);
    }

    fn spend(run: &Run<'_, S>, below: u32) -> Spend {
        // No token of the instance, older or newer, outlives one lifetime from now; a minute more forgives clocks that differ.
        let expires = run.now.saturating_add(run.process.token.lifetime).saturating_add(60);
        Spend { instance: run.context.instance.clone(), below, expires }
    }

    /// Commits what stages wrote before the loop has ended, for a stage that runs on the result.
    async fn commit_written(&self, run: &mut Run<'_, S>) -> Result<(), ResourceError> {
        if run.written_below > 0 {
            Self::take(run);
            let spend = Some(Self::spend(run, run.written_below));
            let mails = self.commit(run, spend).await?;
            run.await_mails.extend(mails);
            run.written_below = 0;
            run.committed = true;
            run.kept = run.context.stage;
        }
        Ok(())
    }

    async fn commit(&self, run: &mut Run<'_, S>, spend: Option<Spend>) -> Result<Vec<MailId>, ResourceError> {
        let effects = std::mem::take(&mut run.effects);
        if effects.is_empty() && spend.is_none() {
            return Ok(Vec::new());
        }
        let waits: Vec<bool> =
            effects.iter().filter_map(|effect| if let Effect::Mail(mail) = effect { Some(mail.wait) } else { None }).collect();
        let sent = mails_that_leave(&effects);
        let overtaken = Overtaken::of(&effects);
        let committed = self.ledger.commit(Unit { now: run.now, spend, effects }).await;
        let receipt = committed.map_err(|error| match overtaken.tell(error) {
            // What the instance was about to replace has changed under it: its tokens belong to a past that is gone.
            CommitError::GuardFailed => token::invalid(),
            other => other.into(),
        })?;
        run.mailed |= !receipt.mails.is_empty();
        run.sent = run.sent.saturating_add(sent);
        Ok(receipt.mails.into_iter().zip(waits).filter_map(|(id, wait)| wait.then_some(id)).collect())
    }
}
