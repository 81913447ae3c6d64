//! The table of stage types.

use crate::compiling::Types;
use crate::keys::{self, Named};
use crate::{FactKind, Joined, Placed, StageType};
use serde_json::Value;

/// How several stages become one form (`allInOneRegistration`); which do says [`crate::Stage::JOINED`].
pub struct Merger<S> {
    /// Makes the joined stage; gets at least two.
    pub merge: fn(Vec<Placed<S>>) -> Placed<S>,
    /// Members of the shared state that the joined stage keeps, see [`crate::Stage::STATE`].
    pub state: &'static [&'static str],
}

/// All stage types a server knows.
pub struct Catalogue<S> {
    types: Vec<Box<dyn StageType<S>>>,
    later: &'static [&'static str],
    foreign: Option<Box<dyn StageType<S>>>,
    merger: Option<Merger<S>>,
}

impl<S: Send + Sync + 'static> Catalogue<S> {
    /// A catalogue of these types.
    #[must_use]
    pub fn new(types: Vec<Box<dyn StageType<S>>>) -> Self {
        Self { types, later: &[], foreign: None, merger: None }
    }

    /// Adds a type behind the others.
    #[must_use]
    pub fn with(mut self, declared: Box<dyn StageType<S>>) -> Self {
        self.types.push(declared);
        self
    }

    /// Adds the names of documented stages that are not offered yet. A process with one of them is not served, which is said of the stage
    /// and is no error of its file.
    #[must_use]
    pub fn with_later(mut self, later: &'static [&'static str]) -> Self {
        self.later = later;
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

    /// What `allInOneRegistration` does.
    pub(crate) fn merger(&self) -> Option<&Merger<S>> {
        self.merger.as_ref()
    }

    /// The type that loads under a name or alias.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&dyn StageType<S>> {
        self.types.iter().map(AsRef::as_ref).find(|declared| declared.name() == name || declared.aliases().contains(&name))
    }

    /// The type of a stage configuration, by its `name` or `class`; `None` for one that is unknown or that the project declares itself.
    #[must_use]
    pub fn of(&self, configuration: &Value) -> Option<&dyn StageType<S>> {
        let text = |key: &str| configuration.get(key).and_then(Value::as_str);
        text("name").and_then(|name| self.find(name)).or_else(|| self.find_class(text("class")?))
    }

    /// Every name that a stage configuration holds, of collections, properties and the like, with its place; those of stages inside it
    /// as well. `pointer` is the configuration's own place.
    #[must_use]
    pub fn named_in(&self, pointer: &str, configuration: &Value) -> Vec<Named> {
        let mut found = self.own_names_in(pointer, configuration);
        for (below, nested) in self.nested_in(configuration) {
            found.extend(self.named_in(&format!("{pointer}{below}"), nested));
        }
        found
    }

    /// The same without those of stages inside it, which may be about something else.
    #[must_use]
    pub fn own_names_in(&self, pointer: &str, configuration: &Value) -> Vec<Named> {
        let mut found = self.of(configuration).map(|declared| keys::named_in(&declared.keys(), configuration)).unwrap_or_default();
        for named in &mut found {
            named.pointer.insert_str(0, pointer);
        }
        found
    }

    /// The stages inside a stage configuration, such as those of `onConditionTrue`, with their pointers below it.
    #[must_use]
    pub fn nested_in<'v>(&self, configuration: &'v Value) -> Vec<(String, &'v Value)> {
        self.of(configuration).map(|declared| keys::nested_in(&declared.keys(), configuration)).unwrap_or_default()
    }

    /// Every type, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = &dyn StageType<S>> {
        self.types.iter().map(AsRef::as_ref)
    }

    /// The stage usually put before one that needs a fact.
    #[must_use]
    pub fn usual_for(&self, kind: FactKind) -> Option<&dyn StageType<S>> {
        self.iter().find(|declared| declared.usual_for().contains(&kind))
    }

    /// The names of the types that become one form.
    pub(crate) fn joined(&self) -> impl Iterator<Item = &'static str> {
        self.iter().filter(|declared| declared.joined() != Joined::Never).map(StageType::name)
    }
}

impl<S: Send + Sync + 'static> Types<S> for Catalogue<S> {
    fn find(&self, name: &str) -> Option<&dyn StageType<S>> {
        Catalogue::find(self, name)
    }

    fn find_class(&self, class: &str) -> Option<&dyn StageType<S>> {
        self.iter().find(|declared| declared.class() == Some(class))
    }

    fn foreign(&self) -> Option<&dyn StageType<S>> {
        self.foreign.as_deref()
    }

    fn names(&self) -> Vec<&'static str> {
        let offered = self.types.iter().flat_map(|declared| std::iter::once(declared.name()).chain(declared.aliases().iter().copied()));
        offered.chain(self.later.iter().copied()).collect()
    }

    fn is_later(&self, name: &str) -> bool {
        self.later.contains(&name)
    }

    fn keeps(&self, name: &str) -> bool {
        let kept = self.iter().map(StageType::state).chain(self.merger.iter().map(|merger| merger.state));
        kept.flatten().any(|kept| *kept == name)
    }
}
