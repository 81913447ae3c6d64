//! The stage contract. A stage declares its name, its typed configuration and its facts; it asks and it advances. It sees its own
//! input, the shared state, the facts and its services, never another stage's workings (SEC-31).

use std::any::Any;
use std::fmt;

use async_trait::async_trait;
use crest::{Change, ResourceError};
use jose::KeyRing;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    AuditEvent, Caller, Compiling, Disclosure, Effect, Fact, FactKind, Facts, InstanceId, Issue, Ledger, Placed, Requirements, StageFacts,
    Subject,
};

/// What a stage asked for: `initial` first, then names of the stage's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub &'static str);

impl Tag {
    /// A stage's first question.
    pub const INITIAL: Self = Self("initial");
    /// The process has ended.
    pub const END: Self = Self("end");
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Makes effects that need the token of the answer, such as a mail with a link. Runs after the token exists.
pub type Delivery = Box<dyn FnOnce(&str) -> Vec<Effect> + Send>;

/// What became of a submission to one stage.
#[expect(clippy::large_enum_variant, reason = "made once per stage of a submission and taken apart at once")]
pub enum Progress {
    /// The stage asks (again).
    Ask {
        /// Which question.
        tag: Tag,
        /// What is asked.
        requirements: Requirements,
        /// Effects made with the token.
        delivery: Option<Delivery>,
    },
    /// The stage is through.
    Done,
}

impl Progress {
    /// Asks under the first tag, with nothing to deliver.
    #[must_use]
    pub fn ask(requirements: Requirements) -> Self {
        Self::Ask { tag: Tag::INITIAL, requirements, delivery: None }
    }
}

/// A type of stage: one file, one line in the table of stages. `S` is what the stages of a server share: identities, captcha, ….
#[async_trait]
pub trait Stage<S: Send + Sync + 'static>: Sized + Send + Sync + 'static {
    /// The `name` in `stageConfigs`, also the `type` in answers.
    const NAME: &'static str;
    /// Other spellings that load as this stage.
    const ALIASES: &'static [&'static str] = &[];
    /// One sentence for the reference.
    const SUMMARY: &'static str;
    /// Companion files whose content is part of the definition: `kba`, `terms`, ….
    const COMPANIONS: &'static [&'static str] = &[];
    /// Keys of older generations that mean nothing any more and are ignored without a word.
    const IGNORED: &'static [&'static str] = &[];

    /// The stage's configuration.
    type Config: DeserializeOwned + JsonSchema + Send + Sync;

    /// What a stage configured like this needs and gives.
    fn facts(config: &Self::Config) -> StageFacts;

    /// Makes the stage, or says why not.
    ///
    /// # Errors
    /// Every reason at once.
    fn compile(config: Self::Config, cx: &mut Compiling<'_, S>) -> Result<Self, Vec<Issue>>;

    /// What the compiled stage needs and gives, where that is known only then: a stage around other stages, or one whose declaration
    /// stands in a companion. `declared` is what [`Stage::facts`] said.
    fn compiled_facts(&self, declared: StageFacts) -> StageFacts {
        declared
    }

    /// The `type` in answers.
    fn shown_as(&self) -> &str {
        Self::NAME
    }

    /// Whether the stage ever asks somebody something. One that does not is nothing a person could owe.
    fn asks(&self) -> bool {
        true
    }

    /// Whether the first requirements depend on the configuration alone, so that a GET may be answered from memory.
    fn is_static(&self) -> bool {
        false
    }

    /// The stage's first question; `None` when it has nothing to ask and can run at once.
    async fn requirements(&self, cx: &mut StageContext<'_, S>) -> Result<Option<Requirements>, ResourceError>;

    /// Takes an answer. Input that is unknown, early, empty or repeated must never lead to [`Progress::Done`] by itself (SEC-32).
    async fn advance(&self, cx: &mut StageContext<'_, S>, tag: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError>;
}

/// A compiled stage, whatever its type.
#[async_trait]
pub trait AnyStage<S: Send + Sync + 'static>: Send + Sync {
    /// The type's name: a metric label, the vocabulary of diagnostics.
    fn name(&self) -> &'static str;

    /// See [`Stage::shown_as`].
    fn shown_as(&self) -> &str;

    /// See [`Stage::asks`].
    fn asks(&self) -> bool;

    /// The stage itself, for whoever knows its type.
    fn as_any(&self) -> &dyn Any;

    /// See [`Stage::is_static`].
    fn is_static(&self) -> bool;

    /// See [`Stage::requirements`].
    async fn requirements(&self, cx: &mut StageContext<'_, S>) -> Result<Option<Requirements>, ResourceError>;

    /// See [`Stage::advance`].
    async fn advance(&self, cx: &mut StageContext<'_, S>, tag: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError>;
}

#[async_trait]
impl<S: Send + Sync + 'static, T: Stage<S>> AnyStage<S> for T {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn shown_as(&self) -> &str {
        Stage::shown_as(self)
    }

    fn asks(&self) -> bool {
        Stage::asks(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_static(&self) -> bool {
        Stage::is_static(self)
    }

    async fn requirements(&self, cx: &mut StageContext<'_, S>) -> Result<Option<Requirements>, ResourceError> {
        Stage::requirements(self, cx).await
    }

    async fn advance(&self, cx: &mut StageContext<'_, S>, tag: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        Stage::advance(self, cx, tag, input).await
    }
}

/// What a stage may see and do while it runs.
pub struct StageContext<'a, S> {
    /// What the stages of this server share.
    pub services: &'a S,
    /// Who asks.
    pub caller: &'a Caller,
    /// Seconds since 1970.
    pub now: i64,
    pub(crate) answers: bool,
    pub(crate) process: &'a str,
    pub(crate) disclosure: Disclosure,
    pub(crate) lifetime: i64,
    pub(crate) allow_unproven: bool,
    pub(crate) stages: &'a [Placed<S>],
    pub(crate) instance: &'a InstanceId,
    pub(crate) index: usize,
    pub(crate) granted: &'a StageFacts,
    pub(crate) state: &'a mut Map<String, Value>,
    pub(crate) facts: &'a mut Facts,
    pub(crate) additions: &'a mut Map<String, Value>,
    pub(crate) effects: &'a mut Vec<Effect>,
    pub(crate) ledger: &'a dyn Ledger,
    pub(crate) keys: &'a KeyRing,
}

impl<S> StageContext<'_, S> {
    /// The process's name.
    #[must_use]
    pub fn process(&self) -> &str {
        self.process
    }

    /// Whether the input answers a question that was put in this instance. A first submission comes without a token: whoever sends it may
    /// have seen nothing, so that nothing can be concluded from what it leaves out.
    #[must_use]
    pub fn answers_a_question(&self) -> bool {
        self.answers
    }

    /// Whether the process hides which accounts exist (decision 5).
    #[must_use]
    pub fn disclosure(&self) -> Disclosure {
        self.disclosure
    }

    /// Whether the operator waived proof of identity before a credential is changed (`"allowUnproven": true`).
    #[must_use]
    pub fn allow_unproven(&self) -> bool {
        self.allow_unproven
    }

    /// Whether some stage of the process gives facts of this kind.
    #[must_use]
    pub fn process_gives(&self, kind: FactKind) -> bool {
        self.stages.iter().any(|placed| placed.facts.gives.contains(&kind))
    }

    /// Whether a stage after this one gives facts of this kind, whatever way the process takes.
    #[must_use]
    pub fn later_gives(&self, kind: FactKind) -> bool {
        self.stages.iter().skip(self.index.saturating_add(1)).any(|placed| placed.facts.gives.contains(&kind))
    }

    /// Whether the process proves this before it creates an account.
    #[must_use]
    pub fn proved_before_creation(&self, kind: FactKind) -> bool {
        let before = self.stages.iter().take_while(|placed| !placed.facts.gives.contains(&FactKind::Created));
        before.into_iter().any(|placed| placed.facts.gives.contains(&kind))
    }

    /// Whether a stage of the process needs the password once more.
    #[must_use]
    pub fn password_is_used(&self) -> bool {
        self.stages.iter().any(|placed| placed.facts.uses_password)
    }

    /// Seconds until the token of this answer expires.
    #[must_use]
    pub fn lifetime(&self) -> i64 {
        self.lifetime
    }

    /// The run.
    #[must_use]
    pub fn instance(&self) -> &InstanceId {
        self.instance
    }

    /// What was proved so far.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        self.facts
    }

    /// The named subject.
    ///
    /// # Errors
    /// 400 when no stage named one.
    pub fn subject(&self) -> Result<Subject, ResourceError> {
        self.facts
            .named()
            .or_else(|| self.facts.signed_in())
            .cloned()
            .ok_or_else(|| ResourceError::bad_request("The process names no account yet"))
    }

    /// Grants a fact the stage's declaration promised.
    ///
    /// # Errors
    /// 500 when the declaration did not: a fault of the stage, never of a client.
    pub fn grant(&mut self, fact: Fact) -> Result<(), ResourceError> {
        if !self.granted.gives.contains(&fact.kind()) && !self.granted.may_give.contains(&fact.kind()) {
            tracing::error!(process.name = self.process, fact = ?fact.kind(), "a stage granted a fact it does not declare");
            return Err(ResourceError::internal("The stage is not declared to prove this"));
        }
        self.facts.earn(self.index, fact);
        Ok(())
    }

    /// Puts a decoy in the subject's place: from here on this instance is about nobody, and nothing can prove otherwise. Needs no
    /// declaration, because it only takes away.
    pub fn disown(&mut self, subject: Subject) {
        self.facts.earn(self.index, Fact::Named { subject: Subject { decoy: true, ..subject } });
    }

    /// A text of the shared state.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.state.get(key).and_then(Value::as_str)
    }

    /// A value of the shared state.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.state.get(key)
    }

    /// Puts a value into the shared state.
    pub fn put(&mut self, key: &str, value: Value) {
        self.state.insert(key.to_owned(), value);
    }

    /// Takes a value out of the shared state.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.state.remove(key)
    }

    /// The whole shared state, for conditions that are evaluated on it.
    #[must_use]
    pub fn state(&self) -> &Map<String, Value> {
        self.state
    }

    /// Adds a member to what the client reads at the end.
    pub fn add(&mut self, key: &str, value: Value) {
        self.additions.insert(key.to_owned(), value);
    }

    /// Whether a form, or a whole process, was completed or skipped on this session before ([`Effect::Settle`]).
    #[must_use]
    pub fn is_settled(&self, what: &str) -> bool {
        self.caller.settled.iter().any(|settled| settled == what)
    }

    /// Remembers for the rest of the session that a form was completed or skipped; nothing without a session.
    pub fn settle(&mut self, what: &str) {
        if let Some(session) = self.caller.session.clone() {
            self.effects.push(Effect::Settle { session, what: what.to_owned() });
        }
    }

    /// Collects an effect; it happens when the whole submission is committed.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The changes of an object that stages before this one collected in the same submission, in order. They are not in the store yet.
    pub fn changes_of<'c>(&'c self, collection: &'c str, id: &'c str) -> impl Iterator<Item = &'c Change> {
        let changes = self.effects.iter().filter_map(|effect| if let Effect::Change(change) = effect { Some(change) } else { None });
        changes.filter(move |change| match change {
            Change::Create { collection: of, id: object, .. }
            | Change::Replace { collection: of, id: object, .. }
            | Change::Patch { collection: of, id: object, .. }
            | Change::Delete { collection: of, id: object, .. } => of == collection && object == id,
        })
    }

    /// Collects an event for the audit trail.
    pub fn audit(&mut self, event: &str, object: String, successful: bool, detail: Value) {
        let event = AuditEvent {
            topic: "process",
            event: event.to_owned(),
            time: self.now,
            transaction: self.caller.transaction.clone(),
            user: self.caller.user.clone(),
            object,
            successful,
            detail,
        };
        self.effects.push(Effect::Audit(event));
    }

    /// The stage's own name for things it keeps outside the token: counters, challenges.
    #[must_use]
    pub fn own_name(&self, what: &str) -> String {
        format!("{what}:{}:{}", self.instance, self.index)
    }

    /// A keyed function of the server, the instance, the stage and `parts`: the same at every repetition, unpredictable to everybody
    /// else. Codes and the choice of questions come from it, so that a replayed token cannot draw anew.
    #[must_use]
    pub fn keyed(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let index = self.index.to_be_bytes();
        let mut all: Vec<&[u8]> = vec![self.instance.as_str().as_bytes(), &index];
        all.extend_from_slice(parts);
        self.keys.keyed(label, &all)
    }

    /// What [`Self::keyed`] gives now and gave under each former generation of keys that is still held, newest first: keys may be
    /// rotated while a code is on its way.
    #[must_use]
    pub fn keyed_by_each(&self, label: &str, parts: &[&[u8]]) -> Vec<[u8; 32]> {
        let index = self.index.to_be_bytes();
        let mut all: Vec<&[u8]> = vec![self.instance.as_str().as_bytes(), &index];
        all.extend_from_slice(parts);
        self.keys.keyed_by_each(label, &all)
    }

    /// A keyed function of the server and `parts` only, the same for every instance: by the current generation of keys and by each
    /// former one that is still held, newest first.
    #[must_use]
    pub fn keyed_globally_by_each(&self, label: &str, parts: &[&[u8]]) -> Vec<[u8; 32]> {
        self.keys.keyed_by_each(label, parts)
    }

    /// The same by the oldest generation held, so that a rotation of keys does not change it: for decoys, whom everybody may ask again
    /// after any time.
    #[must_use]
    pub fn keyed_for_long(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.keys.keyed_by_each(label, parts).pop().unwrap_or_else(|| self.keys.keyed(label, parts))
    }

    /// The ledger: counters are counted at once, before anything is compared.
    #[must_use]
    pub fn ledger(&self) -> &dyn Ledger {
        self.ledger
    }
}
