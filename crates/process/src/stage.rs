//! The stage contract. A stage declares its name, its typed configuration and its facts; it asks and it advances. What it sees
//! meanwhile is its [`StageContext`].

use std::any::Any;

use async_trait::async_trait;
use crest::ResourceError;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    AnyStage, Compiling, Example, FactKind, FormerToken, Issue, Joined, Placed, Progress, Requirements, StageContext, StageFacts, Tag,
    TakenOver,
};

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
    /// Keys of the configuration that a companion stands in for where they are left out or null: the companion, and the key.
    const OVERRIDES: &'static [(&'static str, &'static str)] = &[];
    /// Whether it is of no use without a mail service.
    const MAILS: bool = false;
    /// What it writes about a person, a word or two each: `account`, `attributes`, `session`.
    const WRITES: &'static [&'static str] = &[];
    /// The tags it asks under, in order.
    const TAGS: &'static [Tag] = &[Tag::INITIAL];
    /// Keys of older generations that mean nothing any more and are ignored without a word.
    const IGNORED: &'static [&'static str] = &[];
    /// The product's own configuration class, by which files of the administration pages of 4.5 and 5.0 name the stage.
    const CLASS: Option<&'static str> = None;
    /// Members of the shared state that the stage keeps and no client may set: no parameter can have these names.
    const STATE: &'static [&'static str] = &[];
    /// Facts for which this stage is the usual one: whoever lacks one is told to put it in front.
    const USUAL_FOR: &'static [FactKind] = &[];
    /// Whether `allInOneRegistration` shows it in its form.
    const JOINED: Joined = Joined::Never;

    /// The stage's configuration.
    type Config: DeserializeOwned + JsonSchema + Send + Sync;

    /// A configuration that works, and the right answers to what it asks. The reference shows it; the tests of all stages run it.
    fn example() -> Example;

    /// Whether a stage configured like this sends mail: one that always does is of no use without a mail service, and says so by
    /// [`Stage::MAILS`] alone.
    fn mails_as(_: &Self::Config) -> bool {
        Self::MAILS
    }

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

    /// Whether the stage ever asks somebody something. One that does not can never be due.
    fn asks(&self) -> bool {
        true
    }

    /// Whether the first requirements depend on the configuration alone, so that a GET may be answered from memory.
    fn is_static(&self) -> bool {
        false
    }

    /// Whether this one sends mail, as [`Stage::mails_as`] said of its configuration.
    fn mails(&self) -> bool {
        Self::MAILS
    }

    /// What this one writes; see [`Stage::WRITES`].
    fn writes(&self) -> &'static [&'static str] {
        Self::WRITES
    }

    /// The stages inside it, of which one is gone through: the key in the file, whether the condition holds there, and the stage, or
    /// nothing where nothing is asked.
    fn branches(&self) -> Vec<(&'static str, bool, Option<&Placed<S>>)> {
        Vec::new()
    }

    /// The stage's first question; `None` when it has nothing to ask and can run at once.
    async fn requirements(&self, cx: &mut StageContext<'_, S>) -> Result<Option<Requirements>, ResourceError>;

    /// Takes an answer. Input that is unknown, early, empty or repeated must never lead to [`Progress::Done`] by itself (SEC-32).
    async fn advance(&self, cx: &mut StageContext<'_, S>, tag: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError>;

    /// What becomes of this stage where somebody brings a token of the server that the project comes from: the stage finds out anew what it
    /// had found out there, by what the token carries, and writes nothing. Most stages cannot, and such a token is none here.
    ///
    /// # Errors
    /// 503 where the store does not answer. What else is wrong is [`TakenOver::Never`].
    async fn take_over(&self, _: &mut StageContext<'_, S>, _: &FormerToken) -> Result<TakenOver, ResourceError> {
        Ok(TakenOver::Never)
    }
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

    fn joined(&self) -> Joined {
        T::JOINED
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_static(&self) -> bool {
        Stage::is_static(self)
    }

    fn tags(&self) -> &'static [Tag] {
        T::TAGS
    }

    fn mails(&self) -> bool {
        Stage::mails(self)
    }

    fn writes(&self) -> &'static [&'static str] {
        Stage::writes(self)
    }

    fn branches(&self) -> Vec<(&'static str, bool, Option<&Placed<S>>)> {
        Stage::branches(self)
    }

    async fn requirements(&self, cx: &mut StageContext<'_, S>) -> Result<Option<Requirements>, ResourceError> {
        Stage::requirements(self, cx).await
    }

    async fn advance(&self, cx: &mut StageContext<'_, S>, tag: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        Stage::advance(self, cx, tag, input).await
    }

    async fn take_over(&self, cx: &mut StageContext<'_, S>, former: &FormerToken) -> Result<TakenOver, ResourceError> {
        Stage::take_over(self, cx, former).await
    }
}
