//! A compiled stage in its place, whatever its type, and what becomes of a submission to it.

mod context;

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use crest::ResourceError;
use serde_json::{Map, Value};

pub use self::context::StageContext;
use crate::{Effect, FormerToken, Requirements, StageFacts, Tag, TakenOver};

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

/// Whether `allInOneRegistration` shows a stage in its form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Joined {
    /// It stays a step of its own.
    #[default]
    Never,
    /// It is a part of the form.
    InOrder,
    /// It is a part of the form, and its answer can be used once: it is looked at when everything else that came is right.
    Last,
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

    /// See [`Stage::JOINED`].
    fn joined(&self) -> Joined {
        Joined::Never
    }

    /// The stage itself, for whoever knows its type.
    fn as_any(&self) -> &dyn Any;

    /// See [`Stage::is_static`].
    fn is_static(&self) -> bool;

    /// See [`Stage::TAGS`].
    fn tags(&self) -> &'static [Tag] {
        &[Tag::INITIAL]
    }

    /// See [`Stage::mails`].
    fn mails(&self) -> bool {
        false
    }

    /// See [`Stage::writes`].
    fn writes(&self) -> &'static [&'static str] {
        &[]
    }

    /// See [`Stage::branches`].
    fn branches(&self) -> Vec<(&'static str, bool, Option<&Placed<S>>)> {
        Vec::new()
    }

    /// The types of stages whose questions it puts into one form.
    fn parts(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// See [`Stage::requirements`].
    async fn requirements(&self, cx: &mut StageContext<'_, S>) -> Result<Option<Requirements>, ResourceError>;

    /// See [`Stage::advance`].
    async fn advance(&self, cx: &mut StageContext<'_, S>, tag: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError>;

    /// See [`Stage::take_over`](crate::Stage::take_over).
    async fn take_over(&self, _: &mut StageContext<'_, S>, _: &FormerToken) -> Result<TakenOver, ResourceError> {
        Ok(TakenOver::Never)
    }
}

/// A stage in its place.
pub struct Placed<S> {
    /// The stage with its typed configuration.
    pub stage: Arc<dyn AnyStage<S>>,
    /// What it needs and gives.
    pub facts: StageFacts,
    /// Where it stands in the file.
    pub pointer: String,
}
