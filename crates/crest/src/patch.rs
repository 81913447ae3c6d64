//! Patches: the operations of a `PATCH` body, as data, and what they do to an object.
//!
//! Easiest to get wrong: a patch is applied whole or not at all, and it comes from outside. Whoever applies one asks first which
//! properties it writes ([`Patch::touched`]) and which it reads ([`Patch::sources`]): a copy of `/password` into a readable property is
//! a disclosure, not a write of the password.

mod apply;
mod parse;

use std::collections::HashSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::error::ResourceError;
use crate::pointer::Pointer;

/// Operations, applied in order.
///
/// ```
/// # use vestibule_crest as crest;
/// use crest::Patch;
/// use serde_json::json;
///
/// let patch = Patch::parse(&json!([
///     {"operation": "replace", "field": "/city", "value": "Lyon"},
///     {"operation": "add", "field": "/tags/-", "value": "new"},
/// ]))?;
/// let mut object = json!({"city": "Bonn", "tags": ["old"]});
/// assert!(patch.apply(&mut object)?);
/// assert_eq!(object, json!({"city": "Lyon", "tags": ["old", "new"]}));
/// # Ok::<(), crest::ResourceError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch(Vec<PatchOperation>);

/// One operation of a patch.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchOperation {
    /// What is done.
    pub operation: Operation,
    /// Where.
    pub field: Pointer,
    /// The operand; never null in a parsed patch.
    pub value: Option<Value>,
    /// The source of [`Operation::Copy`] and [`Operation::Move`].
    pub from: Option<Pointer>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Sets the field, with its parents; an array onto an array adds the elements that are not there yet.
    Add,
    /// Removes the field, or only what equals the value.
    Remove,
    /// Sets the field, with its parents.
    Replace,
    /// Adds the value to a number, or to every number of an array.
    Increment,
    /// Sets the field to what another one holds.
    Copy,
    /// The same, and removes the other one.
    Move,
    /// Runs a script on the field. IDM offers it on its configuration only; applying it here is an error.
    Transform,
}

impl Operation {
    const ALL: [Self; 7] = [Self::Add, Self::Remove, Self::Replace, Self::Increment, Self::Copy, Self::Move, Self::Transform];

    /// The name as a patch writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
            Self::Increment => "increment",
            Self::Copy => "copy",
            Self::Move => "move",
            Self::Transform => "transform",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PatchOperation {
    /// Sets `field` to `value`.
    #[must_use]
    pub fn replace(field: Pointer, value: impl Into<Value>) -> Self {
        Self { operation: Operation::Replace, field, value: Some(value.into()), from: None }
    }

    /// Adds `value` at `field`.
    #[must_use]
    pub fn add(field: Pointer, value: impl Into<Value>) -> Self {
        Self { operation: Operation::Add, field, value: Some(value.into()), from: None }
    }

    /// Removes `field`.
    #[must_use]
    pub fn remove(field: Pointer) -> Self {
        Self { operation: Operation::Remove, field, value: None, from: None }
    }

    /// Adds `value` to the number at `field`.
    #[must_use]
    pub fn increment(field: Pointer, value: i64) -> Self {
        Self { operation: Operation::Increment, field, value: Some(value.into()), from: None }
    }

    /// The places this operation may change.
    fn written(&self) -> impl Iterator<Item = &Pointer> {
        let source = self.from.as_ref().filter(|_| self.operation == Operation::Move);
        std::iter::once(&self.field).chain(source)
    }
}

impl PatchOperation {
    /// The names of the properties that this operation may change.
    pub fn written_tops(&self) -> impl Iterator<Item = &str> {
        self.written().filter_map(Pointer::top)
    }
}

impl Patch {
    /// A patch of these operations.
    #[must_use]
    pub fn new(operations: Vec<PatchOperation>) -> Self {
        Self(operations)
    }

    /// Reads the body of a patch request: at most 10 000 operations.
    ///
    /// # Errors
    /// 400 when the body is no patch, 413 when it has too many operations.
    pub fn parse(body: &Value) -> Result<Self, ResourceError> {
        parse::parse(body).map(Self)
    }

    /// The operations, in order.
    #[must_use]
    pub fn operations(&self) -> &[PatchOperation] {
        &self.0
    }

    /// Applies every operation, or none, and says whether `object` is another one now.
    ///
    /// * `_id` and `_rev` are not content: an operation that writes them does nothing (measured on the older generation).
    /// * Array elements have no position in a patch: an index where an array is, is refused. `-` is the place after the last one.
    /// * Removing, copying or moving what is not there does nothing. What stands at the target of a copy or move is replaced.
    ///
    /// # Errors
    /// 400 when an operation cannot be applied, 413 when the operations together copy or search too much (SEC-52); `object` is untouched
    /// then.
    pub fn apply(&self, object: &mut Value) -> Result<bool, ResourceError> {
        let patched = apply::apply(&self.0, object)?;
        let changed = patched != *object;
        if changed {
            *object = patched;
        }
        Ok(changed)
    }

    /// The names of the properties that the patch writes, each once, the source of a move included.
    pub fn touched(&self) -> impl Iterator<Item = &str> {
        let mut seen = HashSet::new();
        self.0.iter().flat_map(PatchOperation::written).filter_map(Pointer::top).filter(move |name| seen.insert(*name))
    }

    /// The names of the properties whose values the patch puts elsewhere (copy, move), each once. The caller must be allowed to read them.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        let mut seen = HashSet::new();
        self.0.iter().filter_map(|operation| operation.from.as_ref()?.top()).filter(move |name| seen.insert(*name))
    }

    /// The operations that leave a property as it is: none that write it, and no move out of it.
    #[must_use]
    pub fn without(&self, property: &str) -> Self {
        let leaves = |operation: &&PatchOperation| operation.written().all(|pointer| pointer.top() != Some(property));
        self.0.iter().filter(leaves).cloned().collect()
    }

    /// The body of the request that would carry this patch.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let operation = |operation: &PatchOperation| {
            let mut members = Map::new();
            members.insert("operation".into(), operation.operation.as_str().into());
            members.insert("field".into(), operation.field.to_string().into());
            if let Some(value) = &operation.value {
                members.insert("value".into(), value.clone());
            }
            if let Some(from) = &operation.from {
                members.insert("from".into(), from.to_string().into());
            }
            Value::Object(members)
        };
        self.0.iter().map(operation).collect()
    }
}

impl FromIterator<PatchOperation> for Patch {
    fn from_iter<I: IntoIterator<Item = PatchOperation>>(operations: I) -> Self {
        Self(operations.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
