//! The declaration of a stage type: everything that its [`Stage`] says about itself, as values. Reading, diagnostics, the schema, the
//! reference, metric labels and the tests of all stages come from here.

use std::marker::PhantomData;
use std::sync::Arc;

use schemars::Schema;
use serde_json::Value;

use crate::compiling::Made;
use crate::keys::{self, Key};
use crate::{Compiling, Example, FactKind, Joined, Stage, StageType, config};

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

    fn class(&self) -> Option<&'static str> {
        T::CLASS
    }

    fn summary(&self) -> &'static str {
        T::SUMMARY
    }

    fn companions(&self) -> &'static [&'static str] {
        T::COMPANIONS
    }

    fn overrides(&self) -> &'static [(&'static str, &'static str)] {
        T::OVERRIDES
    }

    fn mails(&self, stage: &Value) -> bool {
        T::MAILS || config::read::<T::Config>("", stage).is_ok_and(|config| T::mails_as(&config))
    }

    fn ignored(&self) -> &'static [&'static str] {
        T::IGNORED
    }

    fn state(&self) -> &'static [&'static str] {
        T::STATE
    }

    fn usual_for(&self) -> &'static [FactKind] {
        T::USUAL_FOR
    }

    fn joined(&self) -> Joined {
        T::JOINED
    }

    fn example(&self) -> Example {
        T::example()
    }

    fn config_schema(&self) -> Schema {
        keys::schema_of::<T::Config>()
    }

    fn keys(&self) -> Vec<Key> {
        keys::of_schema(&self.config_schema())
    }

    fn compile(&self, value: &Value, cx: &mut Compiling<'_, S>) -> Made<S> {
        let mut missing = keys::missing(&self.keys(), value, cx.pointer(), &self.example().config);
        let made = config::read::<T::Config>(cx.pointer(), value).map_err(|issue| vec![issue]).and_then(|config| {
            let facts = T::facts(&config);
            T::compile(config, cx).map(|stage| (stage, facts))
        });
        match made {
            Ok((stage, facts)) if missing.is_empty() => {
                let facts = stage.compiled_facts(facts);
                Ok((Arc::new(stage), facts))
            }
            Ok(_) => Err(missing),
            Err(issues) => {
                missing.extend(issues);
                Err(missing)
            }
        }
    }
}
