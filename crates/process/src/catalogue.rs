//! The table of stage types. Parsing, diagnostics, the configuration schema, the reference and metric labels come from here.

use std::marker::PhantomData;
use std::sync::Arc;

use schemars::{Schema, schema_for};
use serde_json::Value;

use crate::compile::Compiling;
use crate::{AnyStage, Issue, Placed, Stage, StageFacts, config};

/// What a configuration compiles to: the stage, and what it needs and gives; or every reason why not.
type Made<S> = Result<(Arc<dyn AnyStage<S>>, StageFacts), Vec<Issue>>;

/// A declared stage type, without its Rust type.
pub trait StageType<S: Send + Sync + 'static>: Send + Sync {
    /// See [`Stage::NAME`].
    fn name(&self) -> &'static str;
    /// See [`Stage::ALIASES`].
    fn aliases(&self) -> &'static [&'static str];
    /// See [`Stage::SUMMARY`].
    fn summary(&self) -> &'static str;
    /// See [`Stage::COMPANIONS`].
    fn companions(&self) -> &'static [&'static str];
    /// See [`Stage::IGNORED`].
    fn ignored(&self) -> &'static [&'static str];
    /// JSON Schema of the configuration.
    fn config_schema(&self) -> Schema;
    /// Reads and compiles one stage configuration.
    ///
    /// # Errors
    /// Every reason why the stage cannot be made.
    fn compile(&self, value: &Value, cx: &mut Compiling<'_, S>) -> Made<S>;
}

/// The declaration of `T`, as a value.
pub struct Declared<T>(PhantomData<fn() -> T>);

impl<T> Declared<T> {
    /// The declaration.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Declared<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Send + Sync + 'static, T: Stage<S>> StageType<S> for Declared<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn aliases(&self) -> &'static [&'static str] {
        T::ALIASES
    }

    fn summary(&self) -> &'static str {
        T::SUMMARY
    }

    fn companions(&self) -> &'static [&'static str] {
        T::COMPANIONS
    }

    fn ignored(&self) -> &'static [&'static str] {
        T::IGNORED
    }

    fn config_schema(&self) -> Schema {
        schema_for!(T::Config)
    }

    fn compile(&self, value: &Value, cx: &mut Compiling<'_, S>) -> Made<S> {
        let config: T::Config = config::read(cx.pointer(), value).map_err(|issue| vec![issue])?;
        let facts = T::facts(&config);
        let stage = T::compile(config, cx)?;
        let facts = stage.compiled_facts(facts);
        Ok((Arc::new(stage), facts))
    }
}

/// How several stages become one form (`allInOneRegistration`).
pub struct Merger<S> {
    /// Names of the stage types that are joined.
    pub members: &'static [&'static str],
    /// Makes the joined stage; gets at least two.
    pub merge: fn(Vec<Placed<S>>) -> Placed<S>,
}

/// All stage types a server knows.
pub struct Catalogue<S> {
    types: Vec<Box<dyn StageType<S>>>,
    classes: &'static [(&'static str, &'static str)],
    foreign: Option<Box<dyn StageType<S>>>,
    merger: Option<Merger<S>>,
}

impl<S: Send + Sync + 'static> Catalogue<S> {
    /// A catalogue of these types.
    #[must_use]
    pub fn new(types: Vec<Box<dyn StageType<S>>>) -> Self {
        Self { types, classes: &[], foreign: None, merger: None }
    }

    /// Adds the configuration classes of the product's own stages, which a file may name in place of the stage: class, stage.
    #[must_use]
    pub fn with_classes(mut self, classes: &'static [(&'static str, &'static str)]) -> Self {
        self.classes = classes;
        self
    }

    /// Adds what `allInOneRegistration` does.
    #[must_use]
    pub fn with_merger(mut self, merger: Merger<S>) -> Self {
        self.merger = Some(merger);
        self
    }

    /// Adds the type of stages that a project declares itself. It serves every name or class for which there is a companion
    /// [`declaration_companion`](crate::declaration_companion).
    #[must_use]
    pub fn with_foreign(mut self, declared: Box<dyn StageType<S>>) -> Self {
        self.foreign = Some(declared);
        self
    }

    /// The type of stages that a project declares itself.
    pub(crate) fn foreign(&self) -> Option<&dyn StageType<S>> {
        self.foreign.as_deref()
    }

    /// What `allInOneRegistration` does.
    pub(crate) fn merger(&self) -> Option<&Merger<S>> {
        self.merger.as_ref()
    }

    /// The type that loads under a name or alias.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&dyn StageType<S>> {
        self.types.iter().map(AsRef::as_ref).find(|declared| declared.name() == name || declared.aliases().contains(&name))
    }

    /// The type whose configuration class this is.
    pub(crate) fn find_class(&self, class: &str) -> Option<&dyn StageType<S>> {
        let (_, name) = self.classes.iter().find(|(known, _)| *known == class)?;
        self.find(name)
    }

    /// Every type, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = &dyn StageType<S>> {
        self.types.iter().map(AsRef::as_ref)
    }

    /// The names and aliases, for suggestions.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.types.iter().flat_map(|declared| std::iter::once(declared.name()).chain(declared.aliases().iter().copied()))
    }
}
