//! Which properties of which collections are unique or looked up, as the configuration declares them.
//!
//! Easiest to break: names that pass [`Collections::index`] become part of SQL text (an expression index needs its label as a
//! literal). Only letters, digits and `_` pass, in collections also `/` and `-`; whatever else is looked up without an index.

use std::collections::{BTreeMap, BTreeSet};

use crate::IndexError;

/// The indexed properties of every collection.
///
/// ```
/// # use vestibule_store as store;
/// use store::Collections;
///
/// let collections = Collections::new()
///     .with("managed/user", ["userName"], ["mail", "sn"])
///     .with("managed/role", ["name"], []);
/// assert!(collections.get("managed/user").is_some());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collections(BTreeMap<String, Indexed>);

/// The indexed properties of one collection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Properties of which no two objects may have the same value. Text is compared exactly; absent and null are no values.
    pub unique: BTreeSet<String>,
    /// Properties that are searched for: those of `userQuery`, `_sortKeys`, login names.
    pub lookups: BTreeSet<String>,
}

/// An index over one property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Index<'a> {
    pub(crate) collection: &'a str,
    pub(crate) label: &'a str,
    pub(crate) unique: bool,
}

impl Collections {
    /// No collection has an index.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares properties of a collection, in addition to those declared before.
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

    /// Declares properties of a collection, in addition to those declared before.
    pub fn declare<U, L>(&mut self, collection: &str, unique: U, lookups: L)
    where
        U: IntoIterator,
        U::Item: Into<String>,
        L: IntoIterator<Item = U::Item>,
    {
        let indexed = self.0.entry(collection.to_owned()).or_default();
        indexed.unique.extend(unique.into_iter().map(Into::into));
        indexed.lookups.extend(lookups.into_iter().map(Into::into));
    }

    /// What is declared for a collection.
    #[must_use]
    pub fn get(&self, collection: &str) -> Option<&Indexed> {
        self.0.get(collection)
    }

    /// Every unique property, with its collection.
    pub(crate) fn unique(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().flat_map(|(collection, indexed)| indexed.unique.iter().map(|property| (collection.clone(), property.clone())))
    }

    /// The index over a property, where there is one.
    pub(crate) fn index<'a>(&'a self, collection: &str, property: &str) -> Option<Index<'a>> {
        let (collection, indexed) = self.0.get_key_value(collection).filter(|(collection, _)| is_plain_path(collection))?;
        let unique = indexed.unique.get(property);
        let label = unique.or_else(|| indexed.lookups.get(property)).filter(|label| is_plain_label(label))?;
        Some(Index { collection, label, unique: unique.is_some() })
    }

    /// All indexes that can be made, and the first unique property whose uniqueness no index can guard.
    pub(crate) fn indexes(&self) -> (Vec<Index<'_>>, Option<IndexError>) {
        let mut indexes = Vec::new();
        let mut refused = None;
        for (collection, indexed) in &self.0 {
            for property in &indexed.unique {
                match self.index(collection, property) {
                    Some(index) => indexes.push(index),
                    None => {
                        refused.get_or_insert(IndexError::Name { collection: collection.clone(), property: property.clone() });
                    }
                }
            }
            let lookups = indexed.lookups.difference(&indexed.unique);
            indexes.extend(lookups.filter_map(|property| self.index(collection, property)));
        }
        (indexes, refused)
    }

    /// Takes the uniqueness from a property that stays a lookup.
    pub(crate) fn relax(&mut self, collection: &str, property: &str) {
        if let Some(indexed) = self.0.get_mut(collection)
            && let Some(property) = indexed.unique.take(property)
        {
            indexed.lookups.insert(property);
        }
    }
}

/// Whether a property's label may stand in SQL text.
pub(crate) fn is_plain_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_plain_path(collection: &str) -> bool {
    !collection.is_empty() && collection.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_reach_sql_text() {
        let collections = Collections::new().with("managed/user", ["userName"], ["mail", "x'; --", "", "a b", "é"]);
        let labels: Vec<_> = collections.indexes().0.iter().map(|index| index.label).collect();
        assert_eq!(labels, ["userName", "mail"]);
        assert_eq!(collections.index("managed/user", "x'; --"), None);
        assert_eq!(Collections::new().with("a'b", [], ["mail"]).index("a'b", "mail"), None);
    }

    #[test]
    fn a_unique_property_that_cannot_be_guarded_is_reported() {
        let collections = Collections::new().with("managed/user", ["e-mail", "userName"], []);
        let (indexes, error) = collections.indexes();
        assert_eq!(indexes.len(), 1);
        assert!(matches!(error, Some(IndexError::Name { property, .. }) if property == "e-mail"));
    }
}
