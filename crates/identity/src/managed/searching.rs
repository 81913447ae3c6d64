//! Queries by relationships: by where they lead (`manager/_ref`, `manager/_refResourceId`), and by what they lead to
//! (`manager/userName`).
//!
//! Easiest to break: the store knows what objects keep, not what they find. Whatever asks for what is found is answered by the other side
//! first, and what cannot be answered so is refused, never taken to find nobody.

use std::pin::Pin;

use crest::{Comparison, Filter, Pointer, Query, Resource, ResourceError, reference};
use serde_json::{Value, json};

use super::Managed;
use super::view::Audience;
use crate::schema::{ObjectSchema, Property, Relationship};

/// Objects that a search by what a relationship leads to may find on its way.
const MOST: u64 = 1000;

type Rewritten<'a> = Pin<Box<dyn Future<Output = Result<Filter, ResourceError>> + Send + 'a>>;

impl Managed {
    /// A filter in terms of what the objects of a collection keep.
    ///
    /// # Errors
    /// 400 for what cannot be searched by, 403 for a search by what `audience` may not see, 503 when the store does not answer.
    pub async fn relational(&self, collection: &str, filter: &Filter, audience: Audience) -> Result<Filter, ResourceError> {
        let Some(schema) = self.schemas.get(collection) else { return Ok(filter.clone()) };
        let related = |name: &str| schema.property(name).is_some_and(|property| property.relationship.is_some());
        if !filter.pointers().filter_map(Pointer::top).any(related) {
            return Ok(filter.clone());
        }
        self.rewritten(schema, filter, audience).await
    }

    fn rewritten<'a>(&'a self, schema: &'a ObjectSchema, filter: &'a Filter, audience: Audience) -> Rewritten<'a> {
        Box::pin(async move {
            Ok(match filter {
                Filter::And(parts) => Filter::And(self.all(schema, parts, audience).await?),
                Filter::Or(parts) => Filter::Or(self.all(schema, parts, audience).await?),
                Filter::Not(inner) => Filter::Not(Box::new(self.rewritten(schema, inner, audience).await?)),
                Filter::Present(pointer) => match of_pointer(schema, pointer) {
                    Some((property, relationship)) if relationship.is_found() => return Err(only_by_reference(property)),
                    _ => filter.clone(),
                },
                Filter::Compare { pointer, comparison, value } => match of_pointer(schema, pointer) {
                    Some((property, relationship)) => {
                        self.compared(schema, (property, relationship), (pointer, *comparison, value), audience).await?
                    }
                    None => filter.clone(),
                },
                Filter::True | Filter::False => filter.clone(),
            })
        })
    }

    async fn all(&self, schema: &ObjectSchema, parts: &[Filter], audience: Audience) -> Result<Vec<Filter>, ResourceError> {
        let mut all = Vec::with_capacity(parts.len());
        for part in parts {
            all.push(self.rewritten(schema, part, audience).await?);
        }
        Ok(all)
    }

    async fn compared(
        &self,
        schema: &ObjectSchema,
        (property, relationship): (&Property, &Relationship),
        (pointer, comparison, value): (&Pointer, Comparison, &Value),
        audience: Audience,
    ) -> Result<Filter, ResourceError> {
        let as_it_is = || Filter::Compare { pointer: pointer.clone(), comparison, value: value.clone() };
        let Some(member) = pointer.tokens().get(1) else {
            return if relationship.is_found() { Err(only_by_reference(property)) } else { Ok(as_it_is()) };
        };
        let place = Pointer::from_tokens([property.name.as_str(), reference::REF]);
        match (member.as_str(), comparison) {
            ("_ref", Comparison::Equals | Comparison::In) => {
                let paths = texts(value).map(|path| path.trim_matches('/').to_owned()).collect();
                self.leads_to(schema, property, relationship, paths).await
            }
            ("_refResourceId", Comparison::Equals | Comparison::In) => {
                let collections = self.targets(relationship);
                let paths = texts(value).flat_map(|id| collections.iter().map(move |collection| format!("{collection}/{id}"))).collect();
                self.leads_to(schema, property, relationship, paths).await
            }
            _ if relationship.is_found() && member.starts_with("_ref") => Err(only_by_reference(property)),
            ("_refResourceCollection", Comparison::Equals) => {
                let begin = texts(value).next().unwrap_or_default();
                Ok(Filter::Compare { pointer: place, comparison: Comparison::StartsWith, value: json!(format!("{begin}/")) })
            }
            (member, _) if member.starts_with("_ref") => Ok(as_it_is()),
            _ => {
                let inner =
                    Filter::Compare { pointer: Pointer::from_tokens(pointer.tokens().iter().skip(1)), comparison, value: value.clone() };
                self.leads_to_matching(schema, (property, relationship), &inner, audience).await
            }
        }
    }

    /// The collections that references of a property lead to.
    pub(super) fn targets(&self, relationship: &Relationship) -> Vec<String> {
        if relationship.collections.is_empty() {
            return self.schemas.iter().map(ObjectSchema::collection).collect();
        }
        relationship.collections.clone()
    }

    /// Objects with a reference to one of these.
    async fn leads_to(
        &self,
        schema: &ObjectSchema,
        property: &Property,
        relationship: &Relationship,
        paths: Vec<String>,
    ) -> Result<Filter, ResourceError> {
        let own = schema.collection();
        let mut found = Vec::new();
        for path in paths.iter().filter(|_| relationship.is_found()) {
            let Some((collection, id)) = path.rsplit_once('/') else { continue };
            let Some(pair) = relationship.pair(collection).filter(|pair| pair.there) else { continue };
            let Some(other) = self.objects.read(collection, id).await? else { continue };
            let back = reference::of_property(other.content.get(&pair.property)).iter().filter_map(reference::place);
            found.extend(back.filter(|(collection, _)| *collection == own).map(|(_, id)| json!(id)));
        }
        let among = |name: [&str; 1], list: Vec<Value>| in_list(Pointer::from_tokens(name), list);
        let found = relationship.is_found().then(|| among(["_id"], found));
        if relationship.is_only_found() {
            return Ok(found.unwrap_or(Filter::False));
        }
        let place = Pointer::from_tokens([property.name.as_str(), reference::REF]);
        let kept = in_list(place, paths.into_iter().map(Value::from).collect());
        Ok(match found {
            Some(found) => Filter::Or(vec![kept, found]),
            None => kept,
        })
    }

    /// Objects with a reference to one that matches.
    async fn leads_to_matching(
        &self,
        schema: &ObjectSchema,
        (property, relationship): (&Property, &Relationship),
        inner: &Filter,
        audience: Audience,
    ) -> Result<Filter, ResourceError> {
        if audience != Audience::Administrator {
            return Err(super::writer::denied(std::slice::from_ref(&property.name), "the property cannot be searched by what it leads to"));
        }
        let mut paths = Vec::new();
        for collection in self.targets(relationship) {
            let Some(other) = self.schemas.get(&collection) else { continue };
            self.check_query(&collection, inner, &[], audience)?;
            let filter = self.rewritten(other, inner, audience).await?;
            let found: Vec<Resource> = self.objects.query(&collection, &Query::first(filter, MOST + 1)).await?.result;
            paths.extend(found.iter().map(|object| format!("{collection}/{}", object.id)));
        }
        if paths.len() as u64 > MOST {
            let message = format!("The relationship '{}' leads to more than {MOST} objects that match; narrow the filter", property.name);
            return Err(ResourceError::bad_request(message));
        }
        self.leads_to(schema, property, relationship, paths).await
    }
}

fn in_list(pointer: Pointer, mut list: Vec<Value>) -> Filter {
    match (list.pop(), list.is_empty()) {
        (None, _) => Filter::False,
        (Some(value), true) => Filter::Compare { pointer, comparison: Comparison::Equals, value },
        (Some(last), false) => {
            list.push(last);
            Filter::Compare { pointer, comparison: Comparison::In, value: Value::Array(list) }
        }
    }
}

fn of_pointer<'s>(schema: &'s ObjectSchema, pointer: &Pointer) -> Option<(&'s Property, &'s Relationship)> {
    let property = schema.property(pointer.top()?)?;
    Some((property, property.relationship.as_ref()?))
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Value::as_str)
}

fn only_by_reference(property: &Property) -> ResourceError {
    let name = &property.name;
    ResourceError::bad_request(format!(
        "The relationship '{name}' is searched by '{name}/_ref', '{name}/_refResourceId' or a member of what it leads to"
    ))
}
