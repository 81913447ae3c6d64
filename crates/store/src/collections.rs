//! Which properties of which collections are unique, or looked up, or name people, as the configuration declares them. Any name will do:
//! collections, properties and values alike are bound, never written into a statement.

use std::collections::{BTreeMap, BTreeSet};

use crest::Pointer;
use crest::reference::REF;

/// The declared properties of every collection.
///
/// ```
/// # use vestibule_store as store;
/// use store::Collections;
///
/// let collections = Collections::new()
///     .with("managed/user", ["userName"], ["mail", "sn"])
///     .with("managed/büro", ["straße.nr"], []);
/// assert_eq!(collections.unique().count(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collections {
    places: BTreeMap<String, BTreeMap<Pointer, Uses>>,
    /// Properties whose values are sealed in the rows.
    sealed: BTreeMap<String, BTreeSet<String>>,
}

/// What a property is for, apart from being looked up by its value, or walked along in its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uses {
    /// No two objects may have the same value. Absent and null are no values.
    pub(crate) unique: bool,
    /// It is also found by the form in which all spellings of a name are one.
    pub(crate) spelled: bool,
    /// It holds references, and is found by where they lead, and by their ids.
    pub(crate) reference: bool,
}

impl Uses {
    pub(crate) fn and(self, other: Self) -> Self {
        Self { unique: self.unique || other.unique, spelled: self.spelled || other.spelled, reference: self.reference || other.reference }
    }
}

impl Collections {
    /// Nothing is declared.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// [`Self::declare`], for a chain of them.
    #[must_use]
    pub fn with<U, L>(mut self, collection: &str, unique: U, lookups: L) -> Self
    where
        U: IntoIterator,
        U::Item: Into<String>,
        L: IntoIterator<Item = U::Item>,
    {
        self.declare(collection, unique, lookups);
        self
    }

    /// Declares properties of a collection by their names, in addition to those declared before: some that are unique, and are found in
    /// every spelling too, and some that are looked up or sorted by.
    pub fn declare<U, L>(&mut self, collection: &str, unique: U, lookups: L)
    where
        U: IntoIterator,
        U::Item: Into<String>,
        L: IntoIterator<Item = U::Item>,
    {
        for name in unique {
            self.add(collection, Pointer::from_tokens([name]), Uses { unique: true, spelled: true, reference: false });
        }
        for name in lookups {
            self.add(collection, Pointer::from_tokens([name]), Uses::default());
        }
    }

    /// Declares properties whose values must not lie in the clear. They cannot be unique or looked up.
    pub fn seal(&mut self, collection: &str, properties: impl IntoIterator<Item = String>) {
        let sealed = self.sealed.entry(collection.to_owned()).or_default();
        sealed.extend(properties);
        if let Some(places) = self.places.get_mut(collection) {
            places.retain(|place, _| !place.top().is_some_and(|name| sealed.contains(name)));
        }
    }

    /// The collections with sealed properties.
    pub(crate) fn sealed(&self) -> impl Iterator<Item = (&String, &BTreeSet<String>)> {
        self.sealed.iter().filter(|(_, sealed)| !sealed.is_empty())
    }

    /// The sealed properties of a collection, where it has some.
    pub(crate) fn sealed_of(&self, collection: &str) -> Option<&BTreeSet<String>> {
        self.sealed.get(collection).filter(|sealed| !sealed.is_empty())
    }

    /// Declares a place by which people are found, in any spelling.
    pub fn declare_spelled(&mut self, collection: &str, place: Pointer) {
        self.add(collection, place, Uses { spelled: true, ..Uses::default() });
    }

    /// Declares a property that holds references to other objects: they are found by where they lead, and go with the object they lead to.
    pub fn declare_references(&mut self, collection: &str, property: &str) {
        self.add(collection, Pointer::from_tokens([property]), Uses { reference: true, ..Uses::default() });
    }

    /// Declares a property that lists names or references and is no relationship: objects are found by what they list, and nothing goes with anything.
    pub fn declare_listed(&mut self, collection: &str, property: &str) {
        self.add(collection, Pointer::from_tokens([property, REF]), Uses { reference: true, ..Uses::default() });
    }

    /// Every unique property, with its collection.
    pub fn unique(&self) -> impl Iterator<Item = (&str, &Pointer)> {
        self.all().filter(|(_, _, uses)| uses.unique).map(|(collection, pointer, _)| (collection, pointer))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Pointer, Uses)> {
        self.places.iter().flat_map(|(collection, places)| places.iter().map(|(pointer, uses)| (collection.as_str(), pointer, *uses)))
    }

    fn add(&mut self, collection: &str, place: Pointer, uses: Uses) {
        let is_sealed = place.top().is_some_and(|name| self.sealed.get(collection).is_some_and(|sealed| sealed.contains(name)));
        if place.is_root() || is_sealed {
            return;
        }
        let known = self.places.entry(collection.to_owned()).or_default().entry(place).or_default();
        *known = known.and(uses);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_may_be_declared_for_several_uses() {
        let mut collections = Collections::new().with("managed/user", ["userName"], ["userName", "mail"]);
        collections.declare_spelled("managed/user", Pointer::from_tokens(["mail"]));
        collections.declare_spelled("managed/user", Pointer::root());
        let uses: Vec<_> = collections.all().map(|(_, pointer, uses)| (pointer.to_string(), uses.unique, uses.spelled)).collect();
        assert_eq!(uses, [("/mail".to_owned(), false, true), ("/userName".to_owned(), true, true)]);
    }
}
