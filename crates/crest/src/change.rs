//! A write to a managed object, as data. Whoever decides on a write produces a [`Change`]; the store applies it inside the
//! transaction that also holds the mail and the audit event of the same submission.

use serde_json::Value;

use crate::patch::Patch;
use crate::pointer::Pointer;
use crate::query::Resource;
use crate::reference;

/// One write. `collection` is the collection's path without slashes at its ends (`managed/user`).
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Stores a new object. Fails when the id, or a unique property's value, is taken.
    Create {
        /// Collection path.
        collection: String,
        /// The object's id.
        id: String,
        /// The stored form, without `_id` and `_rev`.
        content: Value,
    },
    /// Replaces the whole object.
    Replace {
        /// Collection path.
        collection: String,
        /// The object's id.
        id: String,
        /// The stored form, without `_id` and `_rev`.
        content: Value,
        /// The revision that must still be current; `None` replaces whatever is there.
        expected: Option<String>,
    },
    /// Applies operations to the object as it is inside the transaction.
    Patch {
        /// Collection path.
        collection: String,
        /// The object's id.
        id: String,
        /// The operations, on the stored form.
        patch: Patch,
        /// The revision that must still be current; `None` patches whatever is there.
        expected: Option<String>,
        /// A condition on the object that must hold inside the transaction.
        guard: Option<Guard>,
    },
    /// Adds a reference to a property of the object, as it is inside the transaction ([`crate::reference::link`]).
    Link {
        /// Collection path.
        collection: String,
        /// The object's id.
        id: String,
        /// The property.
        property: String,
        /// Whether it is a list.
        many: bool,
        /// What is added, as it is kept.
        reference: Value,
        /// Whether the one that is there gives way.
        replaces: bool,
    },
    /// Takes a reference away from a property of the object ([`crate::reference::unlink`]). Where the object has gone, so has the reference.
    Unlink {
        /// Collection path.
        collection: String,
        /// The object's id.
        id: String,
        /// The property.
        property: String,
        /// What is taken away.
        reference: Value,
    },
    /// Removes the object.
    Delete {
        /// Collection path.
        collection: String,
        /// The object's id.
        id: String,
        /// The revision that must still be current; `None` deletes whatever is there.
        expected: Option<String>,
    },
}

impl Change {
    /// The collection and the id of the object that is written.
    #[must_use]
    pub fn object(&self) -> (&str, &str) {
        match self {
            Self::Create { collection, id, .. }
            | Self::Replace { collection, id, .. }
            | Self::Patch { collection, id, .. }
            | Self::Link { collection, id, .. }
            | Self::Unlink { collection, id, .. }
            | Self::Delete { collection, id, .. } => (collection, id),
        }
    }

    /// The object as it will be. A change that cannot be applied fails the commit; here it changes nothing.
    #[must_use]
    pub fn preview(&self, stored: Option<Resource>) -> Option<Resource> {
        let changed = |mut stored: Resource, change: &dyn Fn(&mut Value)| {
            let mut content = stored.content.clone();
            change(&mut content);
            stored.content = content;
            stored
        };
        match self {
            Self::Create { id, content, .. } | Self::Replace { id, content, .. } => {
                let revision = stored.map(|stored| stored.revision).unwrap_or_default();
                Some(Resource { id: id.clone(), revision, content: content.clone() })
            }
            Self::Patch { patch, .. } => stored.map(|stored| {
                changed(stored, &|content| {
                    let mut patched = content.clone();
                    if patch.apply(&mut patched).is_ok() {
                        *content = patched;
                    }
                })
            }),
            Self::Link { id, property, many, reference, replaces, .. } => {
                stored.map(|stored| changed(stored, &|content| drop(reference::link(content, id, property, *many, reference, *replaces))))
            }
            Self::Unlink { property, reference, .. } => stored.map(|stored| {
                changed(stored, &|content| {
                    reference::unlink(content, property, reference);
                })
            }),
            Self::Delete { .. } => None,
        }
    }
}

/// A value that must be unchanged inside the transaction: the compare of a compare-and-set.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// What is compared.
    pub pointer: Pointer,
    /// The value it must have; `None` means absent or null.
    pub value: Option<Value>,
    /// What must hold as well.
    pub and: Option<Box<Guard>>,
}

impl Guard {
    /// Holds while `pointer` has `value`; `None` means absent or null.
    #[must_use]
    pub fn new(pointer: Pointer, value: Option<Value>) -> Self {
        Self { pointer, value, and: None }
    }

    /// Holds while both do.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let behind = match self.and {
            Some(more) => more.and(other),
            None => other,
        };
        Self { and: Some(Box::new(behind)), ..self }
    }

    /// Whether `object` satisfies the guard.
    #[must_use]
    pub fn holds(&self, object: &Value) -> bool {
        let current = self.pointer.get(object).filter(|value| !value.is_null());
        let same = current == self.value.as_ref().filter(|value| !value.is_null());
        same && self.and.as_ref().is_none_or(|more| more.holds(object))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_guard_holds_while_every_part_of_it_does() {
        let is = |name: &str, value: Option<Value>| Guard::new(Pointer::from_tokens([name]), value);
        let guard = is("a", Some(json!(1))).and(is("b", None)).and(is("c", Some(json!("x"))));
        assert!(guard.holds(&json!({"a": 1, "b": null, "c": "x", "d": 2})));
        for other in [json!({"a": 2, "c": "x"}), json!({"a": 1, "b": 0, "c": "x"}), json!({"a": 1, "c": "y"}), json!({"a": 1})] {
            assert!(!guard.holds(&other), "{other}");
        }
    }
}
