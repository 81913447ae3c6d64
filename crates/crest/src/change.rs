//! A write to a managed object, as data. Whoever decides on a write produces a [`Change`]; the store applies it inside the
//! transaction that also holds the mail and the audit event of the same submission.

use serde_json::Value;

use crate::{Patch, Pointer};

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

/// A value that must be unchanged inside the transaction: the compare of a compare-and-set.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// What is compared.
    pub pointer: Pointer,
    /// The value it must have; `None` means absent or null.
    pub value: Option<Value>,
}

impl Guard {
    /// Whether `object` satisfies the guard.
    #[must_use]
    pub fn holds(&self, object: &Value) -> bool {
        let current = self.pointer.get(object).filter(|value| !value.is_null());
        current == self.value.as_ref().filter(|value| !value.is_null())
    }
}
