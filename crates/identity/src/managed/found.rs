//! What an object is related to: the references that it keeps, and those that others keep of it (docs/adr/0031-relationships.md).
//!
//! Easiest to get wrong: there may be a hundred thousand. Whoever needs a few takes a few; whoever goes on takes up where they were by a
//! [`Mark`], and whoever passes over some has the store count them.

use std::collections::VecDeque;

use crest::{Resource, ResourceError, reference};
use serde_json::{Map, Value, json};

use super::Managed;
use crate::ports::Referring;
use crate::references;
use crate::schema::{ObjectSchema, Pair, Property, Relationship};

/// References that are looked up together.
pub(super) const BATCH: u32 = 500;

pub(super) fn relationship<'s>(schema: &'s ObjectSchema, name: &str) -> Option<&'s Relationship> {
    schema.property(name)?.relationship.as_ref()
}

pub(super) fn related(schema: &ObjectSchema) -> impl Iterator<Item = (&Property, &Relationship)> {
    schema.properties.iter().filter_map(|property| Some((property, property.relationship.as_ref()?)))
}

/// One reference of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Its id.
    pub id: String,
    /// The revision of the object that keeps it.
    pub revision: String,
    /// The reference, as this side reads it.
    pub reference: Value,
    /// The object that keeps it, where that is the other side.
    pub other: Option<Resource>,
    /// Its place among those that the object which keeps it keeps in this property.
    pub place: usize,
}

/// Where a walk was. It names the reference that came last, so that others may come and go meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The id of the reference.
    pub reference: String,
    /// The path of the object that keeps it, where that is the other side; its place otherwise.
    pub at: Result<String, usize>,
}

impl Held {
    /// Where a walk is that has come to this reference.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let target = self.other.as_ref().and_then(|_| reference::target(&self.reference));
        Mark { reference: self.id.clone(), at: target.map(str::to_owned).ok_or(self.place) }
    }

    /// The reference in full, as a value of the property.
    #[must_use]
    pub fn value(&self) -> Value {
        if self.reference.is_object() {
            Value::Object(references::shown(&self.id, &self.revision, &self.reference))
        } else {
            self.reference.clone()
        }
    }
}

/// References that objects of a collection keep in a property, and that lead to one place; or values of a list that name one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The collection.
    pub collection: String,
    /// The property, a relationship of its objects or a list that the store finds names in.
    pub property: String,
    /// Where they lead, as they are kept: `managed/user/<id>`; or the name.
    pub target: String,
}

impl Side {
    /// Those of one of its objects, as the place sees them to which they lead.
    #[must_use]
    pub fn of(&self, object: &Resource) -> Vec<Held> {
        let back = format!("{}/{}", self.collection, object.id);
        let kept = Managed::references_kept(&self.collection, object, &self.property);
        let turned = kept.into_iter().filter(|one| reference::named(&one.reference) == Some(self.target.as_str()));
        turned.map(|one| Held { reference: turned_to(&back, &one.reference), other: Some(object.clone()), ..one }).collect()
    }
}

/// A walk through references: first those that an object keeps itself, then those that are found.
#[derive(Clone)]
pub struct Walk<'m> {
    managed: &'m Managed,
    kept: VecDeque<Held>,
    sides: VecDeque<Side>,
    after: String,
}

impl Walk<'_> {
    /// The sides whose references are found, where none is kept by the object itself.
    #[must_use]
    pub fn only_found(&self) -> Option<Vec<&Side>> {
        self.kept.is_empty().then(|| self.sides.iter().collect())
    }

    /// How many references are still to come.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn count(&self) -> Result<u64, ResourceError> {
        let mut count = self.kept.len() as u64;
        for side in &self.sides {
            count += self.managed.objects.referrers(&side.collection, &side.property, &side.target).await?;
        }
        Ok(count)
    }

    /// The reference that has this id, of those still to come.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn by_id(&self, wanted: &str) -> Result<Option<Held>, ResourceError> {
        if let Some(kept) = self.kept.iter().find(|one| one.id == wanted) {
            return Ok(Some(kept.clone()));
        }
        for side in &self.sides {
            for id in self.managed.objects.referring(&side.collection, &side.property, Referring::By(wanted), "", 2).await? {
                let found = self.managed.found_in(side, &id).await?.into_iter().find(|one| one.id == wanted);
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// The next references, about `limit` of them; none at the end.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn next(&mut self, limit: u32) -> Result<Vec<Held>, ResourceError> {
        if !self.kept.is_empty() {
            let taken = self.kept.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
            return Ok(self.kept.drain(..taken).collect());
        }
        loop {
            let Some((side, ids)) = self.ids(limit).await? else { return Ok(Vec::new()) };
            let mut held = Vec::with_capacity(ids.len());
            for id in &ids {
                held.extend(self.managed.found_in(&side, id).await?);
            }
            if !held.is_empty() {
                return Ok(held);
            }
        }
    }

    /// Passes over so many references, at the beginning of a walk. Those that are found are counted by the store.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn skip(&mut self, mut passed: u64) -> Result<(), ResourceError> {
        while passed > 0 && self.kept.pop_front().is_some() {
            passed -= 1;
        }
        while passed > 0
            && let Some(Side { collection, property, target }) = self.sides.front()
        {
            let objects = &self.managed.objects;
            if let Some(last) = objects.passed(collection, property, target, passed).await? {
                self.after = last;
                break;
            }
            passed -= passed.min(objects.referrers(collection, property, target).await?);
            self.sides.pop_front();
        }
        Ok(())
    }

    /// Takes up where a walk through the same references was; `false` for a mark that belongs to none such.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn resume(&mut self, mark: &Mark) -> Result<bool, ResourceError> {
        let path = match &mark.at {
            Err(place) => {
                let known = self.kept.iter().find(|one| one.id == mark.reference).map(|one| one.place);
                // Where it has gone, the next one has its place.
                self.kept.retain(|one| known.map_or(one.place >= *place, |known| one.place > known));
                return Ok(true);
            }
            Ok(path) => path,
        };
        let Some((collection, id)) = path.rsplit_once('/') else { return Ok(false) };
        let mut taken_up = None;
        for (number, side) in self.sides.iter().enumerate().filter(|(_, side)| side.collection == collection) {
            // An object may refer to this one several times.
            let beside = self.managed.found_in(side, id).await?;
            let place = beside.iter().find(|one| one.id == mark.reference).map(|one| one.place);
            if place.is_some() || taken_up.is_none() {
                taken_up = Some((number, beside, place));
            }
            if place.is_some() {
                break;
            }
        }
        let Some((gone, beside, place)) = taken_up else { return Ok(false) };
        self.sides.drain(..gone);
        self.kept = beside.into_iter().filter(|one| place.is_some_and(|place| one.place > place)).collect();
        id.clone_into(&mut self.after);
        Ok(true)
    }

    /// The next objects that refer to this one by another side.
    async fn ids(&mut self, limit: u32) -> Result<Option<(Side, Vec<String>)>, ResourceError> {
        while let Some(side) = self.sides.front() {
            let (objects, wanted) = (&self.managed.objects, Referring::To(&side.target));
            let ids = objects.referring(&side.collection, &side.property, wanted, &self.after, limit).await?;
            if let Some(last) = ids.last() {
                self.after.clone_from(last);
                return Ok(Some((side.clone(), ids)));
            }
            self.sides.pop_front();
            self.after.clear();
        }
        Ok(None)
    }
}

impl Managed {
    /// The references of a property, those that are found included: first those that the object keeps, then the others in the order of the
    /// objects that keep them.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn references_of(&self, collection: &str, object: &Resource, property: &str) -> Result<Vec<Held>, ResourceError> {
        let mut walk = self.references_walk(collection, object, property)?;
        let mut held = Vec::new();
        loop {
            let batch = walk.next(BATCH).await?;
            if batch.is_empty() {
                return Ok(held);
            }
            held.extend(batch);
        }
    }

    /// The same, a few at a time.
    ///
    /// # Errors
    /// 404 for an unknown collection.
    pub fn references_walk(&self, collection: &str, object: &Resource, property: &str) -> Result<Walk<'_>, ResourceError> {
        let relationship = relationship(self.schema(collection)?, property);
        let mut kept = Self::references_kept(collection, object, property);
        if let Some(relationship) = relationship {
            kept.retain(|one| is_kept_here(relationship, &one.reference));
        }
        let pairs = relationship.map(|relationship| relationship.pairs.as_slice()).unwrap_or_default();
        let target = format!("{collection}/{}", object.id);
        let sides = pairs.iter().filter(|pair| pair.there).map(|pair| side(pair, &target)).collect();
        Ok(Walk { kept: kept.into(), ..self.sides_walk(sides) })
    }

    /// The references of some sides, in the order of the objects that keep them.
    #[must_use]
    pub fn sides_walk(&self, sides: Vec<Side>) -> Walk<'_> {
        Walk { managed: self, kept: VecDeque::new(), sides: sides.into(), after: String::new() }
    }

    /// The references of a property that the object keeps itself.
    #[must_use]
    pub fn references_kept(collection: &str, object: &Resource, property: &str) -> Vec<Held> {
        let kept = reference::of_property(object.content.get(property));
        let ids = references::ids(&format!("{collection}/{}", object.id), property, kept);
        let held = kept.iter().zip(ids).enumerate();
        held.map(|(place, (one, id))| Held { id, revision: object.revision.clone(), reference: one.clone(), other: None, place }).collect()
    }

    /// The references of one object of a side.
    async fn found_in(&self, side: &Side, id: &str) -> Result<Vec<Held>, ResourceError> {
        Ok(self.objects.read(&side.collection, id).await?.map(|object| side.of(&object)).unwrap_or_default())
    }

    /// The reference of a property that is the same as `wanted`.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn reference_like(
        &self,
        collection: &str,
        object: &Resource,
        property: &str,
        wanted: &Value,
    ) -> Result<Option<Held>, ResourceError> {
        let is_it = |one: &Held| reference::same(&one.reference, wanted);
        let kept = Self::references_kept(collection, object, property).into_iter().find(is_it);
        let pair = reference::place(wanted)
            .and_then(|(other, id)| Some((relationship(self.schema(collection).ok()?, property)?.pair(other)?, id)));
        match pair.filter(|(pair, _)| kept.is_none() && pair.there) {
            Some((pair, id)) => {
                let side = side(pair, &format!("{collection}/{}", object.id));
                Ok(self.found_in(&side, id).await?.into_iter().find(is_it))
            }
            None => Ok(kept),
        }
    }

    /// The reference of a property that has this id.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn reference_by_id(
        &self,
        collection: &str,
        object: &Resource,
        property: &str,
        wanted: &str,
    ) -> Result<Option<Held>, ResourceError> {
        let kept = Self::references_kept(collection, object, property).into_iter().find(|one| one.id == wanted);
        if kept.is_some() { Ok(kept) } else { self.references_walk(collection, object, property)?.by_id(wanted).await }
    }

    /// The object with the relationships that `fields` asks for, in full, for [`Managed::view`].
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn with_references(&self, collection: &str, object: Resource, fields: &crest::Fields) -> Result<Resource, ResourceError> {
        let Some(schema) = self.schemas.get(collection) else { return Ok(object) };
        let mut content = object.content.clone();
        for (property, relationship) in related(schema) {
            let asked = fields.mentions(&property.name) || fields.wants_relationships() || property.returned_by_default();
            if !asked || (!relationship.is_found() && object.content.get(&property.name).is_none_or(Value::is_null)) {
                continue;
            }
            let held = self.references_of(collection, &object, &property.name).await?;
            let mut values = held.iter().map(Held::value);
            let value = if relationship.many { Value::Array(values.collect()) } else { values.next().unwrap_or_default() };
            if let Value::Object(members) = &mut content {
                members.insert(property.name.clone(), value);
            }
        }
        Ok(Resource { content, ..object })
    }
}

fn side(pair: &Pair, target: &str) -> Side {
    Side { collection: pair.collection.clone(), property: pair.property.clone(), target: target.to_owned() }
}

fn is_kept_here(relationship: &Relationship, one: &Value) -> bool {
    let pair = reference::place(one).and_then(|(other, _)| relationship.pair(other));
    pair.is_none_or(|pair| pair.here)
}

/// The same reference, leading to `target`.
pub(super) fn turned_to(target: &str, one: &Value) -> Value {
    let mut turned = Map::from_iter([(reference::REF.to_owned(), json!(target))]);
    let properties = reference::own_properties(one);
    if !properties.is_empty() {
        turned.insert(reference::PROPERTIES.to_owned(), Value::Object(properties));
    }
    Value::Object(turned)
}

#[cfg(test)]
mod tests;
