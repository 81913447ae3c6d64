//! Relationships of an object as resources of their own: `managed/user/<id>/roles`, `managed/user/<id>/manager`, and single references below
//! them, as over REST.
//!
//! Easiest to get wrong: a relationship is part of its object. What is made, replaced or removed here is a patch of it, within the unit of work
//! of the script.

use crest::{Fields, Patch, PatchOperation, Pointer, Resource, ResourceError, reference};
use script::{Call, Operation, Thrown};
use serde_json::{Map, Value};

use super::{Work, thrown};
use crate::managed::found::{Held, relationship};
use crate::managed::{Expect, Writer};
use crate::references;

/// A relationship of an object, or one reference of it.
pub(super) struct Place<'p> {
    collection: &'p str,
    id: &'p str,
    property: &'p str,
    reference: Option<&'p str>,
}

impl<'p> Place<'p> {
    /// The place that a path names, where it goes beyond an object.
    pub(super) fn of(path: &'p str) -> Option<Self> {
        let below = path.strip_prefix("managed/")?;
        let mut parts = below.splitn(4, '/');
        let (name, id, property) = (parts.next()?, parts.next()?, parts.next()?);
        let collection = path.get(.."managed/".len() + name.len())?;
        Some(Self { collection, id, property, reference: parts.next() })
    }

    fn path(&self) -> String {
        format!("{}/{}/{}", self.collection, self.id, self.property)
    }

    fn missing(&self) -> Thrown {
        thrown(ResourceError::not_found(format!("Object {} not found in {}", self.reference.unwrap_or_default(), self.path())))
    }
}

impl Work {
    /// Whether the relationship holds several references.
    fn is_many(&self, place: &Place<'_>) -> Result<bool, Thrown> {
        let found = relationship(self.managed.schema(place.collection).map_err(thrown)?, place.property);
        let none = || ResourceError::not_found(format!("'{}' of {} is no relationship", place.property, place.collection));
        found.map(|relationship| relationship.many).ok_or_else(|| thrown(none()))
    }

    async fn owner(&self, place: &Place<'_>) -> Result<Option<Resource>, Thrown> {
        self.managed.objects.read(place.collection, place.id).await.map_err(|error| thrown(error.into()))
    }

    /// The reference that is named, or the only one.
    async fn held(&self, place: &Place<'_>, owner: &Resource) -> Result<Option<Held>, Thrown> {
        let many = self.is_many(place)?;
        let found = match place.reference {
            Some(id) => self.managed.reference_by_id(place.collection, owner, place.property, id).await,
            None if many => Err(ResourceError::bad_request("The resource collection  cannot be read")),
            None => match self.managed.references_walk(place.collection, owner, place.property) {
                Ok(mut walk) => walk.next(1).await.map(|all| all.into_iter().next()),
                Err(error) => Err(error),
            },
        };
        found.map_err(thrown)
    }

    /// A reference, or null where there is none.
    pub(super) async fn read_reference(&self, place: &Place<'_>, fields: &Fields) -> Result<Value, Thrown> {
        self.is_many(place)?;
        let Some(owner) = self.owner(place).await? else { return Ok(Value::Null) };
        let Some(held) = self.held(place, &owner).await? else { return Ok(Value::Null) };
        let beside = if fields.is_all() { Map::new() } else { self.led_to(&held).await? };
        Ok(references::listed(&held.id, &held.revision, &held.reference, beside))
    }

    /// Makes, replaces, changes or removes a reference.
    pub(super) async fn write_reference(&self, place: &Place<'_>, call: &Call) -> Result<Value, Thrown> {
        let many = self.is_many(place)?;
        let none = || thrown(ResourceError::not_found(format!("Object {} not found in {}", place.id, place.collection)));
        let owner = self.owner(place).await?.ok_or_else(none)?;
        if call.operation == Operation::Create {
            return self.add_reference(place, &owner, many, call).await;
        }
        let present = self.held(place, &owner).await?.ok_or_else(|| place.missing())?;
        let whole = Value::Object(references::shown(&present.id, &present.revision, &present.reference));
        let wanted = match call.operation {
            Operation::Update => Some(sent(place, &call.content)?),
            Operation::Patch => {
                let mut changed = whole;
                Patch::parse(&call.content).and_then(|patch| patch.apply(&mut changed)).map_err(thrown)?;
                Some(reference::kept(&changed))
            }
            _ => None,
        };
        let pointer = Pointer::from_tokens([place.property]);
        let removed = PatchOperation { value: many.then(|| present.reference.clone()), ..PatchOperation::remove(pointer) };
        let Some(wanted) = wanted else {
            self.change(place, vec![removed]).await?;
            return Ok(references::listed(&present.id, &present.revision, &present.reference, Map::new()));
        };
        let mut operations = if many { vec![removed] } else { Vec::new() };
        operations.push(added(place, many, wanted.clone()));
        self.change(place, operations).await?;
        self.made(place, &wanted).await
    }

    async fn add_reference(&self, place: &Place<'_>, owner: &Resource, many: bool, call: &Call) -> Result<Value, Thrown> {
        if place.reference.is_some() || !call.name.is_empty() {
            return Err(thrown(ResourceError::bad_request("References are made in the relationship, and the server names them")));
        }
        let wanted = sent(place, &call.content)?;
        if many {
            let there = self.managed.reference_like(place.collection, owner, place.property, &wanted).await.map_err(thrown)?;
            if there.is_some() {
                let (owner, other) = (format!("{}/{}", place.collection, place.id), reference::target(&wanted).unwrap_or_default());
                let message = format!("Managed object '{owner}' has already been assigned relationship '{other}'.");
                return Err(thrown(ResourceError::precondition_failed(message)));
            }
        }
        self.change(place, vec![added(place, many, wanted.clone())]).await?;
        self.made(place, &wanted).await
    }

    async fn change(&self, place: &Place<'_>, operations: Vec<PatchOperation>) -> Result<(), Thrown> {
        let patch = Patch::new(operations);
        let prepared = self.managed.patch(place.collection, place.id, &patch, Writer::Administrator, &Expect::any()).await;
        self.keep(place.collection, prepared.map_err(thrown)?);
        Ok(())
    }

    /// The reference that was just written.
    async fn made(&self, place: &Place<'_>, wanted: &Value) -> Result<Value, Thrown> {
        let owner = self.owner(place).await?.ok_or_else(|| place.missing())?;
        let held = self.managed.reference_like(place.collection, &owner, place.property, wanted).await.map_err(thrown)?;
        let held = held.ok_or_else(|| place.missing())?;
        Ok(references::listed(&held.id, &held.revision, &held.reference, Map::new()))
    }
}

fn added(place: &Place<'_>, many: bool, wanted: Value) -> PatchOperation {
    if many {
        PatchOperation::add(Pointer::from_tokens([place.property, "-"]), wanted)
    } else {
        PatchOperation::replace(Pointer::from_tokens([place.property]), wanted)
    }
}

fn sent(place: &Place<'_>, content: &Value) -> Result<Value, Thrown> {
    let kept = reference::kept(content);
    if content.is_object() && reference::place(&kept).is_some() {
        return Ok(kept);
    }
    Err(thrown(ResourceError::bad_request(format!("An entry of '{}' is named by '_ref', the path of an object", place.property))))
}
