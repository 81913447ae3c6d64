//! What of an object may be seen. Easiest to break: nothing hashed, nothing private and no security answer leaves, whoever asks and
//! whatever `_fields` says.

use crest::{Fields, Filter, Pointer, Resource, ResourceError, SortKey};
use serde_json::{Map, Value, json};

use super::Managed;
use crate::schema::{ObjectSchema, Property};
use crate::secret::is_crypto_object;

/// For whom an object is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Somebody with the role of an administrator.
    Administrator,
    /// The person whose object it is.
    Owner,
    /// Anybody else: only what the schema calls viewable.
    Other,
}

impl Managed {
    /// The object as `audience` may see it, with `_id` and `_rev`. Relationships, computed properties that are not returned by
    /// default, and metadata are there when `fields` names them; the caller selects with [`Fields::select`] afterwards, or calls
    /// [`Managed::show`]. An unknown collection shows as identity alone.
    #[must_use]
    pub fn view(&self, collection: &str, resource: &Resource, audience: Audience, fields: &Fields) -> Value {
        let mut members = Map::new();
        members.insert("_id".into(), json!(resource.id));
        members.insert("_rev".into(), json!(resource.revision));
        let Some(schema) = self.schemas.get(collection) else { return Value::Object(members) };
        for (name, value) in resource.content.as_object().into_iter().flatten() {
            if name != schema.meta_property() && self.is_shown(schema, name, audience, fields) && !super::writer::is_identity(name) {
                let relationship = schema.property(name).is_some_and(|property| property.relationship.is_some());
                let value = if relationship { referenced(value) } else { without_crypto(value) };
                members.insert(name.clone(), value);
            }
        }
        for property in &schema.properties {
            if !members.contains_key(&property.name)
                && self.is_shown(schema, &property.name, audience, fields)
                && let Some(value) = computed(schema, property, &resource.content, fields)
            {
                members.insert(property.name.clone(), value);
            }
        }
        if fields.mentions(schema.meta_property()) && audience != Audience::Other {
            members.insert(schema.meta_property().to_owned(), metadata(schema, resource));
        }
        Value::Object(members)
    }

    /// Whether a property may be shown when it is asked for.
    #[must_use]
    pub fn may_show(&self, collection: &str, property: &str, audience: Audience) -> bool {
        let fields = Fields::parse(property).unwrap_or_default();
        fields.mentions(property) && self.schemas.get(collection).is_some_and(|schema| self.is_shown(schema, property, audience, &fields))
    }

    /// [`Managed::view`], with the selection done.
    #[must_use]
    pub fn show(&self, collection: &str, resource: &Resource, audience: Audience, fields: &Fields) -> Value {
        let seen = self.view(collection, resource, audience, fields);
        let relationships = self.schemas.get(collection).into_iter().flat_map(|schema| &schema.properties);
        let names = relationships.filter(|property| property.relationship.is_some()).map(|property| property.name.as_str());
        fields.naming_relationships(names).select(&seen)
    }

    /// Refuses a query that would tell about what is not shown, by its filter or its order.
    ///
    /// # Errors
    /// 403 naming the property; 404 for an unknown collection.
    pub fn check_query(&self, collection: &str, filter: &Filter, sort: &[SortKey], audience: Audience) -> Result<(), ResourceError> {
        let schema = self.schema(collection)?;
        let sorted = sort.iter().map(|key| &key.pointer);
        for name in filter.pointers().chain(sorted).filter_map(Pointer::top) {
            let viewable = schema.property(name).is_some_and(|property| property.viewable) || super::writer::is_identity(name);
            let sealed = schema.property(name).is_some_and(Property::is_sealed);
            let hidden =
                sealed || self.is_hidden(schema, name) || name == schema.meta_property() || (audience == Audience::Other && !viewable);
            if hidden {
                return Err(super::writer::denied(&[name.to_owned()], "the property cannot be searched"));
            }
        }
        Ok(())
    }

    /// Refuses a query by a value that is sealed at rest, by its filter or its order: whoever asks, the store could not tell.
    pub(super) fn check_sealed(&self, collection: &str, filter: &Filter, sort: &[SortKey]) -> Result<(), ResourceError> {
        let schema = self.schema(collection)?;
        let sealed = |name: &&str| schema.property(name).is_some_and(Property::is_sealed);
        let sorted = sort.iter().map(|key| &key.pointer);
        match filter.pointers().chain(sorted).filter_map(Pointer::top).find(sealed) {
            Some(name) => Err(super::writer::denied(&[name.to_owned()], "the property cannot be searched")),
            None => Ok(()),
        }
    }

    /// How complete a profile is, in percent (decision 18): of the properties that are viewable and editable by their owner, those
    /// that hold something. 100 where there are none. Write it with [`percentage`].
    ///
    /// # Errors
    /// 404 for an unknown collection.
    pub fn completeness(&self, collection: &str, resource: &Resource) -> Result<f32, ResourceError> {
        let schema = self.schema(collection)?;
        let universe = schema.properties.iter().filter(|property| property.counts_for_completeness());
        let (mut filled, mut all) = (0.0_f32, 0.0_f32);
        for property in universe {
            all += 1.0;
            if resource.content.get(&property.name).is_some_and(is_filled) {
                filled += 1.0;
            }
        }
        // In this order single precision gives the documented 42.857143 for 6 of 14.
        Ok(if all == 0.0 { 100.0 } else { filled / all * 100.0 })
    }

    fn is_shown(&self, schema: &ObjectSchema, name: &str, audience: Audience, fields: &Fields) -> bool {
        if self.is_hidden(schema, name) {
            return false;
        }
        let Some(property) = schema.property(name) else { return audience == Audience::Administrator };
        let asked = fields.mentions(name) || (fields.wants_relationships() && property.relationship.is_some());
        // What is sealed at rest is opened for those whose it is and who keep it, and for nobody else.
        (property.returned_by_default() || asked) && (audience != Audience::Other || (property.viewable && !property.is_sealed()))
    }
}

/// A percentage as JSON, with the digits that single precision has: a JSON number is a double, and would show more.
#[must_use]
pub fn percentage(percent: f32) -> Value {
    percent.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

/// Present, and neither null nor empty.
fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// What is not stored: relationships that are not set, and what nobody has who has no roles. Whatever follows from roles needs a look at them
/// ([`Managed::with_effective`]); without one nothing is said of it.
fn computed(schema: &ObjectSchema, property: &Property, content: &Value, fields: &Fields) -> Option<Value> {
    if property.is_virtual {
        let without_roles = crest::reference::of_property(content.get("roles")).is_empty();
        return super::computed::of_property(schema, property).filter(|_| without_roles).map(|_| json!([]));
    }
    let asked = fields.wants_relationships() || fields.mentions(&property.name);
    let relationship = property.relationship.as_ref().filter(|_| asked)?;
    Some(if relationship.many { json!([]) } else { Value::Null })
}

/// References with the parts that newer clients read beside `_ref`.
pub(super) fn referenced(value: &Value) -> Value {
    match value {
        Value::Array(references) => Value::Array(references.iter().map(referenced).collect()),
        Value::Object(members) => {
            let mut members = members.clone();
            if let Some((collection, id)) = members.get("_ref").and_then(Value::as_str).and_then(|path| path.rsplit_once('/')) {
                let (collection, id) = (json!(collection), json!(id));
                members.entry("_refResourceCollection").or_insert(collection);
                members.entry("_refResourceId").or_insert(id);
                members.entry("_refProperties").or_insert_with(|| json!({}));
            }
            Value::Object(members)
        }
        other => other.clone(),
    }
}

fn metadata(schema: &ObjectSchema, resource: &Resource) -> Value {
    let collection = schema.meta.as_ref().map_or("internal/usermeta", |meta| meta.resource_collection.as_str());
    let mut members = Map::new();
    members.insert("_ref".into(), json!(format!("{collection}/{}", resource.id)));
    members.insert("_refResourceCollection".into(), json!(collection));
    members.insert("_refResourceId".into(), json!(resource.id));
    members.insert("_refProperties".into(), json!({}));
    members.insert("_id".into(), json!(resource.id));
    members.insert("_rev".into(), json!(resource.revision));
    let stored = resource.content.get(schema.meta_property()).and_then(Value::as_object);
    members.extend(stored.into_iter().flatten().map(|(name, value)| (name.clone(), without_crypto(value))));
    Value::Object(members)
}

/// Imported objects may hold `$crypto` at any place.
fn without_crypto(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let shown =
                members.iter().filter(|(_, value)| !is_crypto_object(value)).map(|(name, value)| (name.clone(), without_crypto(value)));
            if is_crypto_object(value) { Value::Null } else { Value::Object(shown.collect()) }
        }
        Value::Array(elements) => Value::Array(elements.iter().filter(|value| !is_crypto_object(value)).map(without_crypto).collect()),
        other => other.clone(),
    }
}
