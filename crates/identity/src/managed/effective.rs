//! Which roles an object has at this moment, and which assignments follow from them (IDM objects guide, "Managed roles", "Use temporal
//! constraints to restrict effective roles", "Grant roles based on a condition").
//!
//! Easiest to get wrong: a role counts when its grant does *and* the role itself does. What cannot be judged gives nothing: a role that is not
//! there, a limit of time or a condition that cannot be read.

use std::collections::BTreeSet;

use crest::{Fields, Filter, Pointer, Query, Resource, ResourceError, reference};
use serde_json::{Map, Value, json};

use super::Managed;
use super::computed::{self, Computed};
use super::found::relationship;
use super::view::{Audience, referenced};
use crate::grants;
use crate::schema::{ObjectSchema, Property, Schemas};

/// The relationship of a role to what it assigns.
const ASSIGNMENTS: &str = "assignments";
/// What a role says of whom it is for.
const CONDITION: &str = "condition";
/// Among the properties of a reference: how it came to be.
const GRANT_TYPE: &str = "_grantType";
/// The kind of a grant that follows from a condition.
const CONDITIONAL: &str = "conditional";
/// Roles that are looked at together.
const BATCH: u64 = 500;

/// A role that whoever meets its condition has.
struct Conditional {
    collection: String,
    role: Resource,
    condition: Filter,
}

/// The collections whose objects may have a condition, and the property that holds it: a store finds those that have one.
pub fn conditional_properties(schemas: &Schemas) -> BTreeSet<(String, &'static str)> {
    let related = schemas.iter().flat_map(|schema| &schema.properties).filter_map(|property| property.relationship.as_ref());
    let led_to = related.flat_map(|relationship| &relationship.collections).filter(|collection| has_condition(schemas, collection));
    led_to.map(|collection| (collection.clone(), CONDITION)).collect()
}

fn has_condition(schemas: &Schemas, collection: &str) -> bool {
    let condition = schemas.get(collection).and_then(|schema| schema.property(CONDITION));
    condition.is_some_and(|condition| condition.relationship.is_none())
}

/// A role that counts: the reference by which it is had, and the role, where its type is one of ours.
struct Counting {
    grant: Value,
    role: Option<(String, Resource)>,
}

impl Managed {
    /// The object with its effective roles and assignments, where `fields` asks for them, for [`Managed::view`].
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn with_effective(
        &self,
        collection: &str,
        object: Resource,
        audience: Audience,
        fields: &Fields,
    ) -> Result<Resource, ResourceError> {
        let all = self.all_with_effective(collection, vec![object], audience, fields).await?;
        all.into_iter().next().ok_or_else(|| ResourceError::internal("The object is lost"))
    }

    /// The same of several objects of a collection.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn all_with_effective(
        &self,
        collection: &str,
        objects: Vec<Resource>,
        audience: Audience,
        fields: &Fields,
    ) -> Result<Vec<Resource>, ResourceError> {
        let Some(schema) = self.schemas.get(collection) else { return Ok(objects) };
        let asked = |property: &&Property| property.returned_by_default() || fields.mentions(&property.name);
        let wanted: Vec<(&str, Computed<'_>)> = schema
            .properties
            .iter()
            .filter(asked)
            .filter_map(|property| Some((property.name.as_str(), computed::of_property(schema, property)?)))
            .collect();
        if wanted.is_empty() || objects.is_empty() {
            return Ok(objects);
        }
        let mut conditional: Vec<(&str, Vec<Conditional>)> = Vec::new();
        for (_, computed) in &wanted {
            if conditional.iter().all(|(property, _)| *property != computed.out_of()) {
                conditional.push((computed.out_of(), self.conditional(schema, computed.out_of()).await?));
            }
        }
        let mut done = Vec::with_capacity(objects.len());
        for mut object in objects {
            let mut values = Vec::with_capacity(wanted.len());
            for (property, conditional) in &conditional {
                let counting = self.counting(schema, &object, property, conditional).await?;
                for (name, computed) in wanted.iter().filter(|(_, computed)| computed.out_of() == *property) {
                    let value = match computed {
                        Computed::Roles(_) => Value::Array(counting.iter().map(|one| referenced(&one.grant)).collect()),
                        Computed::Assignments(_) => self.assigned(&counting, audience).await?,
                    };
                    values.push(((*name).to_owned(), value));
                }
            }
            if let Value::Object(members) = &mut object.content {
                members.extend(values);
            }
            done.push(object);
        }
        Ok(done)
    }

    /// The references to roles of a property that count at this moment: those whose grant and whose role are in force, and those to roles whose
    /// condition the object meets.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn roles_in_force(&self, collection: &str, object: &Resource, property: &str) -> Result<Vec<Value>, ResourceError> {
        let Some(schema) = self.schemas.get(collection) else {
            let now = self.clock.unix_seconds();
            let granted = reference::of_property(object.content.get(property)).iter();
            return Ok(granted.filter(|grant| grants::in_force(grant, now)).cloned().collect());
        };
        let conditional = self.conditional(schema, property).await?;
        Ok(self.counting(schema, object, property, &conditional).await?.into_iter().map(|one| one.grant).collect())
    }

    async fn counting(
        &self,
        schema: &ObjectSchema,
        object: &Resource,
        property: &str,
        conditional: &[Conditional],
    ) -> Result<Vec<Counting>, ResourceError> {
        let now = self.clock.unix_seconds();
        let relationship = relationship(schema, property);
        let granted: Vec<Value> = match relationship {
            Some(relationship) if relationship.is_found() => {
                let held = self.references_of(&schema.collection(), object, property).await?;
                held.into_iter().map(|one| one.reference).collect()
            }
            _ => reference::of_property(object.content.get(property)).to_vec(),
        };
        let mut counting: Vec<Counting> = Vec::new();
        for grant in granted.into_iter().filter(|grant| grants::in_force(grant, now)) {
            // Other roles have a judge of their own: those of the project, and those of types that are not here.
            let Some((collection, id)) = reference::place(&grant).filter(|(collection, _)| self.schemas.get(collection).is_some()) else {
                counting.push(Counting { grant, role: None });
                continue;
            };
            let (collection, role) = (collection.to_owned(), self.objects.read(collection, id).await?);
            if let Some(role) = role.filter(|role| grants::within_limits(&role.content, now)) {
                counting.push(Counting { grant, role: Some((collection, role)) });
            }
        }
        let judged = if conditional.is_empty() { Value::Null } else { judged(schema, object) };
        for Conditional { collection, role, condition } in conditional {
            let path = format!("{collection}/{}", role.id);
            let known = counting.iter().any(|one| reference::target(&one.grant) == Some(path.as_str()));
            if !known && condition.matches(&judged) && grants::within_limits(&role.content, now) {
                let grant = json!({ reference::REF: path, reference::PROPERTIES: { GRANT_TYPE: CONDITIONAL } });
                counting.push(Counting { grant, role: Some((collection.clone(), role.clone())) });
            }
        }
        Ok(counting)
    }

    /// The roles that a property may refer to and that have a condition that can be read. They are read once for all objects that are shown
    /// together, and found by their conditions ([`conditional_properties`]): a read costs nothing for roles that have none.
    async fn conditional(&self, schema: &ObjectSchema, property: &str) -> Result<Vec<Conditional>, ResourceError> {
        let mut found = Vec::new();
        let collections = relationship(schema, property).into_iter().flat_map(|relationship| &relationship.collections);
        for collection in collections.filter(|collection| has_condition(&self.schemas, collection)) {
            let mut query = Query::first(Filter::Present(Pointer::from_tokens([CONDITION])), BATCH);
            loop {
                let page = self.objects.query(collection, &query).await?;
                found.extend(page.result.into_iter().filter_map(|role| read(collection, role)));
                let Some(cookie) = page.cookie else { break };
                query.paging = crest::Paging::Cookie(cookie);
            }
        }
        Ok(found)
    }

    /// What the roles assign, each once, in their order.
    async fn assigned(&self, counting: &[Counting], audience: Audience) -> Result<Value, ResourceError> {
        let audience = if audience == Audience::Administrator { audience } else { Audience::Other };
        let mut paths: Vec<String> = Vec::new();
        let mut assigned = Vec::new();
        for (collection, role) in counting.iter().filter_map(|one| one.role.as_ref()) {
            for held in self.references_of(collection, role, ASSIGNMENTS).await? {
                let Some((of, id)) = reference::place(&held.reference) else { continue };
                let path = format!("{of}/{id}");
                if paths.contains(&path) {
                    continue;
                }
                let found = match held.other {
                    Some(ref other) => Some(other.clone()),
                    None => self.objects.read(of, id).await?,
                };
                let Some(found) = found else { continue };
                let mut shown = self.view(of, &found, audience, &Fields::all());
                if let (Value::Object(shown), Value::Object(lead)) = (&mut shown, referenced(&json!({ reference::REF: path }))) {
                    shown.extend(lead.into_iter().filter(|(name, _)| name != reference::PROPERTIES));
                }
                assigned.push(shown);
                paths.push(path);
            }
        }
        Ok(Value::Array(assigned))
    }
}

/// The object as conditions see it: no secret and nothing sealed, and references with where they lead.
fn judged(schema: &ObjectSchema, object: &Resource) -> Value {
    let members = object.content.as_object().into_iter().flatten().filter(|(name, _)| {
        let property = schema.property(name);
        property.is_none_or(|property| !property.is_credential() && !property.is_sealed()) && *name != schema.meta_property()
    });
    let seen = members.map(|(name, value)| {
        let leads = schema.property(name).is_some_and(|property| property.relationship.is_some());
        (name.clone(), if leads { referenced(value) } else { value.clone() })
    });
    let content: Map<String, Value> = seen.collect();
    Resource { content: Value::Object(content), ..object.clone() }.to_value()
}

/// A role with its condition; nobody meets one that cannot be read.
fn read(collection: &str, role: Resource) -> Option<Conditional> {
    let condition = role.content.get(CONDITION).and_then(Value::as_str).map(str::trim).filter(|condition| !condition.is_empty());
    let condition = Filter::parse(condition?).ok()?;
    Some(Conditional { collection: collection.to_owned(), role, condition })
}

#[cfg(test)]
mod tests;
