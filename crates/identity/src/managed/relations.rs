//! Relationships (docs/adr/0031-relationships.md): what a write of one side means for the other.
//!
//! Easiest to get wrong: a reference is kept once, by one of the two sides; the other *finds* it. What is found is never written into the
//! object that finds it, however it was sent.

use std::collections::HashSet;

use crest::{Change, Operation, Patch, PatchOperation, Pointer, Resource, ResourceError, reference};
use serde_json::{Map, Value, json};

use super::Managed;
use super::found::{BATCH, related, relationship, turned_to};
use super::steps::{Refers, Step};
use crate::grants;
use crate::people::{LINKED_ACCOUNTS, PEOPLE};
use crate::ports::Referring;
use crate::schema::{ObjectSchema, Pair, Relationship};

/// A change of a relationship that needs no look at the rest of it.
pub(super) struct Delta {
    property: String,
    reference: Value,
    joins: bool,
}

/// Makes the references of an object what is kept of them.
pub(super) fn as_kept(schema: &ObjectSchema, content: &mut Map<String, Value>) -> Result<(), ResourceError> {
    for (property, relationship) in related(schema) {
        let Some(value) = content.get_mut(&property.name) else { continue };
        let wrong = |value: &Value| ResourceError::bad_request(format!("'{value}' is invalid as a relationship reference"));
        let one = |value: &Value| match reference::kept(value) {
            kept if reference::place(&kept).is_some() => Ok(kept),
            _ => Err(wrong(value)),
        };
        *value = match &*value {
            Value::Null => Value::Null,
            Value::Array(list) if relationship.many => {
                let mut kept: Vec<Value> = Vec::with_capacity(list.len());
                let mut seen = HashSet::new();
                for sent in list {
                    let reference = one(sent)?;
                    if seen.insert(reference.to_string()) {
                        kept.push(reference);
                    }
                }
                Value::Array(kept)
            }
            single @ (Value::Object(_) | Value::String(_)) if !relationship.many => one(single)?,
            other => return Err(wrong(other)),
        };
    }
    Ok(())
}

/// Operations in which references are as they are kept: one that is added has nothing of a list's, one that is taken away is the one that
/// is there, whatever was sent beside `_ref`, and none is added twice.
pub(super) fn patch_as_kept(schema: &ObjectSchema, content: &Value, operations: Vec<PatchOperation>) -> Vec<PatchOperation> {
    operations.into_iter().flat_map(|operation| one_as_kept(schema, content, operation)).collect()
}

fn one_as_kept(schema: &ObjectSchema, content: &Value, operation: PatchOperation) -> Vec<PatchOperation> {
    let Some(relationship) = operation.field.top().and_then(|name| relationship(schema, name)) else { return vec![operation] };
    let Some(name) = operation.field.top().map(str::to_owned) else { return vec![operation] };
    let Some(value) = &operation.value else { return vec![operation] };
    let present = reference::of_property(content.get(&name));
    match operation.operation {
        Operation::Add | Operation::Replace => {
            let value = match value {
                Value::Array(references) => references.iter().map(reference::kept).collect(),
                one => reference::kept(one),
            };
            if operation.field.leaf() == Some("-") && present.iter().any(|one| reference::same(one, &value)) {
                return Vec::new();
            }
            vec![PatchOperation { value: Some(value), ..operation }]
        }
        Operation::Remove if operation.field.tokens().len() == 1 && !relationship.is_only_found() => {
            let wanted: Vec<Value> = reference::of_property(Some(value)).iter().map(reference::kept).collect();
            let gone = present.iter().filter(|one| wanted.iter().any(|wanted| reference::means(wanted, one)));
            match content.get(&name) {
                Some(Value::Array(_)) => gone.map(|one| PatchOperation { value: Some(one.clone()), ..operation.clone() }).collect(),
                _ => gone.map(|_| PatchOperation::remove(Pointer::from_tokens([name.as_str()]))).collect(),
            }
        }
        _ => vec![operation],
    }
}

/// Takes additions to what is only found, and removals from it, out of a patch: they need not know the rest, which may be many.
///
/// # Errors
/// 400 for what is no reference.
pub(super) fn split(schema: &ObjectSchema, operations: Vec<PatchOperation>) -> Result<(Vec<Delta>, Vec<PatchOperation>), ResourceError> {
    let mut deltas = Vec::new();
    let mut rest = Vec::new();
    for operation in operations {
        let name = operation.field.top().unwrap_or_default();
        let is_found = |name: &str| relationship(schema, name).is_some_and(Relationship::is_found);
        let source = operation.from.as_ref().and_then(Pointer::top);
        if source.is_some_and(|source| is_found(source) || is_found(name)) {
            return Err(ResourceError::bad_request(format!("The relationship '{name}' can be neither copied nor moved")));
        }
        // The rest of a reference follows from these; a change of it would be answered 200 and lead nowhere.
        if let [_, part, ..] = operation.field.tokens()
            && relationship(schema, name).is_some_and(|relationship| !relationship.many)
            && !matches!(part.as_str(), reference::REF | reference::PROPERTIES)
        {
            return Err(ResourceError::bad_request(format!("Of the reference '{name}', '_ref' and '_refProperties' can be changed")));
        }
        let found = relationship(schema, name).is_some_and(|relationship| relationship.many && relationship.is_only_found());
        let joins = match (operation.operation, operation.field.tokens()) {
            (Operation::Add, [_]) if operation.value.as_ref().is_some_and(Value::is_array) => true,
            (Operation::Add, [_, end]) if end == "-" => true,
            (Operation::Remove, [_]) if operation.value.is_some() => false,
            _ => {
                rest.push(operation);
                continue;
            }
        };
        if !found {
            rest.push(operation);
            continue;
        }
        for sent in reference::of_property(operation.value.as_ref()) {
            let kept = reference::kept(sent);
            if reference::place(&kept).is_none() {
                return Err(ResourceError::bad_request(format!("'{sent}' is invalid as a relationship reference")));
            }
            deltas.push(Delta { property: name.to_owned(), reference: kept, joins });
        }
    }
    Ok((deltas, rest))
}

/// Operations without those on what is found; what is kept here of such a property is replaced whole, as `members` have it.
pub(super) fn without_found(schema: &ObjectSchema, operations: Vec<PatchOperation>, members: &Map<String, Value>) -> Vec<PatchOperation> {
    let is_found = |name: &str| relationship(schema, name).is_some_and(Relationship::is_found);
    let mut replaced: Vec<String> = Vec::new();
    let mut kept = Vec::with_capacity(operations.len());
    for operation in operations {
        let found = operation.written_tops().find(|name| is_found(name)).map(str::to_owned);
        let Some(name) = found else {
            kept.push(operation);
            continue;
        };
        if !replaced.contains(&name) {
            replaced.push(name);
        }
    }
    for name in replaced {
        let field = Pointer::from_tokens([name.as_str()]);
        match members.get(&name) {
            Some(value) => kept.push(PatchOperation::replace(field, value.clone())),
            None => kept.push(PatchOperation::remove(field)),
        }
    }
    kept
}

impl Managed {
    /// The content of an object for a patch: with what is found of the properties that it touches.
    pub(super) async fn with_found(&self, schema: &ObjectSchema, id: &str, stored: &Value, patch: &Patch) -> Result<Value, ResourceError> {
        let mut content = stored.clone();
        let object = Resource { id: id.to_owned(), revision: String::new(), content: stored.clone() };
        let touched: Vec<&str> = patch.touched().chain(patch.sources()).collect();
        for (property, relationship) in related(schema).filter(|(_, relationship)| relationship.is_found()) {
            if !touched.contains(&property.name.as_str()) {
                continue;
            }
            let held = self.references_of(&schema.collection(), &object, &property.name).await?;
            let mut values = held.into_iter().map(|one| reference::kept(&one.reference));
            let value = if relationship.many { Some(Value::Array(values.collect())) } else { values.next() };
            if let (Value::Object(members), Some(value)) = (&mut content, value) {
                members.insert(property.name.clone(), value);
            }
        }
        Ok(content)
    }

    /// Takes what others keep out of the content of an object, and says what else has to be written, and to be true, so that both sides
    /// agree. `before` is the object as it is stored; properties that `content` lacks stay as they are.
    pub(super) async fn relate(
        &self,
        schema: &ObjectSchema,
        id: &str,
        before: &Value,
        content: &mut Map<String, Value>,
    ) -> Result<Vec<Step>, ResourceError> {
        let mut steps = Vec::new();
        let collection = schema.collection();
        let object = Resource { id: id.to_owned(), revision: String::new(), content: before.clone() };
        for (property, relationship) in related(schema) {
            let name = property.name.as_str();
            let Some(value) = content.get(name) else { continue };
            if before.get(name) == Some(value) && !relationship.is_found() {
                continue;
            }
            let wanted = reference::of_property(Some(value)).to_vec();
            let found = if relationship.is_found() && !before.is_null() {
                let held = self.references_of(&collection, &object, name).await?;
                held.into_iter().filter(|one| one.other.is_some()).map(|one| one.reference).collect()
            } else {
                Vec::new()
            };
            let present = reference::of_property(before.get(name));
            // What gives way is taken away first, so that its place is free.
            for gone in found.iter().filter(|one| !wanted.iter().any(|wanted| reference::same(wanted, one))) {
                steps.extend(unlinked(relationship, &collection, id, gone));
            }
            let mut here = Vec::new();
            for one in wanted {
                if found.iter().any(|found| reference::same(found, &one)) {
                    continue;
                }
                let pair = reference::place(&one).and_then(|(other, _)| relationship.pair(other));
                match pair {
                    Some(pair) if !pair.here => steps.extend(self.linked(relationship, pair, &collection, id, &one).await?),
                    _ => {
                        if !present.iter().any(|present| reference::same(present, &one)) {
                            steps.extend(self.refers(relationship, &collection, id, name, &one).await?);
                        }
                        here.push(one);
                    }
                }
            }
            if relationship.is_only_found() {
                content.shift_remove(name);
            } else if relationship.is_found() {
                let value = if relationship.many { Value::Array(here) } else { here.pop().unwrap_or_default() };
                content.insert(name.to_owned(), value);
            }
        }
        Ok(steps)
    }

    /// What additions to what is only found, and removals from it, mean for the objects that keep it.
    pub(super) async fn by_deltas(&self, schema: &ObjectSchema, id: &str, deltas: &[Delta]) -> Result<Vec<Step>, ResourceError> {
        let mut steps = Vec::new();
        let collection = schema.collection();
        for delta in deltas {
            let Some(relationship) = relationship(schema, &delta.property) else { continue };
            let pair = reference::place(&delta.reference).and_then(|(other, _)| relationship.pair(other));
            let Some(pair) = pair else {
                let target = reference::target(&delta.reference).unwrap_or_default();
                return Err(ResourceError::bad_request(format!("'{target}' is invalid as a reference of '{}'", delta.property)));
            };
            if delta.joins {
                steps.extend(self.linked(relationship, pair, &collection, id, &delta.reference).await?);
            } else {
                steps.extend(unlinked(relationship, &collection, id, &delta.reference));
            }
        }
        Ok(steps)
    }

    /// A new reference that the other side keeps.
    async fn linked(
        &self,
        relationship: &Relationship,
        pair: &Pair,
        collection: &str,
        id: &str,
        one: &Value,
    ) -> Result<Vec<Step>, ResourceError> {
        let Some((other, target)) = reference::place(one) else { return Ok(Vec::new()) };
        let own = format!("{collection}/{id}");
        let back = turned_to(&own, one);
        let Some(mut present) = self.objects.read(other, target).await? else {
            return Err(reference::dangling(&format!("{other}/{target}")));
        };
        let replaces = !relationship.validate && !pair.validate;
        reference::link(&mut present.content, target, &pair.property, pair.many, &back, replaces)?;
        Ok(vec![Step::Change(Change::Link {
            collection: other.to_owned(),
            id: target.to_owned(),
            property: pair.property.clone(),
            many: pair.many,
            reference: back,
            replaces,
        })])
    }

    /// What a new reference that is kept here asks of the other side.
    async fn refers(
        &self,
        relationship: &Relationship,
        collection: &str,
        id: &str,
        property: &str,
        one: &Value,
    ) -> Result<Vec<Step>, ResourceError> {
        let Some((other, target)) = reference::place(one) else { return Ok(Vec::new()) };
        let path = format!("{other}/{target}");
        let pair = relationship.pair(other);
        if relationship.validate && other == grants::ROLES && !self.has_role(target).await? {
            return Err(reference::dangling(&path));
        }
        // Roles of the project are no managed objects.
        let exists = (relationship.validate || pair.is_some()) && other.starts_with("managed/");
        let itself = other == collection && target == id;
        if exists && !itself && self.objects.read(other, target).await?.is_none() {
            return Err(reference::dangling(&path));
        }
        let mut steps = Vec::new();
        let single = pair.filter(|pair| !pair.many);
        if let Some(pair) = single {
            let others = self.objects.referring(collection, property, Referring::To(&path), "", BATCH).await?;
            for holder in others.into_iter().filter(|holder| holder != id) {
                if relationship.validate || pair.validate {
                    return Err(reference::occupied(&pair.property, target));
                }
                let (collection, property) = (collection.to_owned(), property.to_owned());
                steps.push(Step::Change(Change::Unlink { collection, id: holder, property, reference: json!({ reference::REF: path }) }));
            }
        }
        // One that is its own other side holds at most one, whoever wrote it.
        if let Some(pair) = single.filter(|pair| pair.there && !itself)
            && let Some(there) = self.objects.read(other, target).await?
        {
            let own = format!("{collection}/{id}");
            let kept = reference::of_property(there.content.get(&pair.property)).iter();
            for gone in kept.filter(|one| reference::target(one) != Some(own.as_str())) {
                if relationship.validate {
                    return Err(reference::occupied(&pair.property, target));
                }
                let (collection, id, property) = (other.to_owned(), target.to_owned(), pair.property.clone());
                steps.push(Step::Change(Change::Unlink { collection, id, property, reference: gone.clone() }));
            }
        }
        if exists || single.is_some() {
            steps.push(Step::Refers(Refers {
                collection: collection.to_owned(),
                property: property.to_owned(),
                target: path,
                exists,
                alone: single.map(|pair| pair.property.clone()),
            }));
        }
        Ok(steps)
    }

    /// What is kept of a person's accounts at identity providers goes with the person. Whatever went meanwhile is gone as well.
    pub(super) async fn of_linked_accounts(&self, schema: &ObjectSchema, person: &Resource) -> Result<Vec<Step>, ResourceError> {
        let leads = schema.property(LINKED_ACCOUNTS).is_some_and(|property| property.relationship.is_some());
        if schema.collection() != PEOPLE || !leads {
            return Ok(Vec::new());
        }
        let linked = self.linked_accounts(person).await?.into_iter().filter(|(of, _)| of != PEOPLE);
        let gone = |(collection, id)| Change::Delete { collection, id, expected: None };
        Ok(linked.map(|account| Step::Attempt(vec![Step::Change(gone(account))])).collect())
    }

    /// What is kept of a person's accounts at identity providers: collection and id of each.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn linked_accounts(&self, person: &Resource) -> Result<Vec<(String, String)>, ResourceError> {
        let held = self.references_of(PEOPLE, person, LINKED_ACCOUNTS).await?;
        let places = held.iter().filter_map(|one| reference::place(&one.reference));
        Ok(places.map(|(collection, id)| (collection.to_owned(), id.to_owned())).collect())
    }

    /// Whether there is an internal role of this id: one that the store keeps and that was not deleted, or the project's.
    async fn has_role(&self, id: &str) -> Result<bool, ResourceError> {
        let kept = self.objects.read(grants::ROLES, id).await?;
        Ok(kept.map_or_else(|| self.policies.knows_role(id), |kept| kept.content.get(grants::DELETED).is_none()))
    }
}

/// The end of a reference that the other side keeps.
fn unlinked(relationship: &Relationship, collection: &str, id: &str, one: &Value) -> Option<Step> {
    let (other, target) = reference::place(one)?;
    let pair = relationship.pair(other)?;
    Some(Step::Change(Change::Unlink {
        collection: other.to_owned(),
        id: target.to_owned(),
        property: pair.property.clone(),
        reference: turned_to(&format!("{collection}/{id}"), one),
    }))
}
