//! `managed.json` into [`Schemas`]. Old files keep per-property settings in an array `properties` beside or instead of `schema`
//! (up to 5.0); both are merged by name.

use serde_json::Value;

use super::object::{Meta, ObjectSchema};
use super::property::{ConditionalPolicies, DeclaredPolicy, JsonType, Property, Relationship, Scope};
use super::{Schemas, nested, pairs};
use crate::events::{self, Events};
use crate::loose;
use crate::problem::{MANAGED, Problem, Problems, Severity, below};
use crate::scripting::waiver::Waivers;
use crate::scripting::{Script, ScriptFiles};

/// Nested `properties` and `items` beyond this are ignored.
const MAX_NESTING: usize = 16;

/// `default` gives the types of a project that declares none.
pub(super) fn schemas(managed: &Value, files: &ScriptFiles, default: fn() -> Schemas) -> (Schemas, Vec<Problem>) {
    let mut problems = Problems::of(MANAGED);
    let mut objects: Vec<ObjectSchema> = Vec::new();
    match managed.get("objects").and_then(Value::as_array) {
        None => problems.add(Severity::Error, "/objects", "there is no list 'objects', so no managed object type is defined"),
        Some(declared) => {
            for (index, value) in declared.iter().enumerate() {
                let pointer = format!("/objects/{index}");
                let Some(name) = loose::text(value, "name").filter(|name| !name.is_empty()) else {
                    problems.add(Severity::Error, &pointer, "a managed object type needs a 'name'; it is left out");
                    continue;
                };
                if objects.iter().any(|object| object.name == name) {
                    problems.add(Severity::Warning, &pointer, format!("'{name}' is defined a second time; the first definition counts"));
                    continue;
                }
                objects.push(object(name, value, &pointer, (files, default), &mut problems));
            }
        }
    }
    pairs::find(&mut objects, &mut problems);
    (Schemas { objects }, problems.into_vec())
}

fn object(
    name: String,
    raw: &Value,
    pointer: &str,
    (files, default): (&ScriptFiles, fn() -> Schemas),
    problems: &mut Problems,
) -> ObjectSchema {
    let waivers = Waivers::read(raw, pointer, problems);
    let schema = raw.get("schema").filter(|schema| schema.is_object());
    let schema_pointer = below(pointer, "schema");
    let mut object = ObjectSchema { name, pointer: pointer.to_owned(), raw: raw.clone(), ..ObjectSchema::default() };
    object.title = schema.and_then(|schema| loose::text(schema, "title")).or_else(|| loose::text(raw, "title"));
    object.icon = schema.and_then(|schema| loose::text(schema, "icon")).or_else(|| loose::text(raw, "iconClass"));
    object.meta = raw.get("meta").filter(|meta| meta.is_object()).map(meta);

    match schema {
        Some(schema) => {
            let declared = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            for (name, value) in declared {
                let pointer = below(&below(&schema_pointer, "properties"), name);
                object.properties.push(property(name, value, &pointer, 0, files, problems));
            }
            required(schema, &schema_pointer, &mut object, problems);
            order(schema, &mut object);
        }
        None if object.name == "user" => {
            problems.add(Severity::Hint, pointer, "the user object has no 'schema'; IDM's default one stands in its place");
            if let Some(default) = default().get("managed/user") {
                object.properties.clone_from(&default.properties);
                object.required.clone_from(&default.required);
            }
        }
        None => {}
    }
    separate_settings(raw, pointer, &mut object, files, problems);
    for property in &mut object.properties {
        nested::settle(property, problems);
    }
    for property in &mut object.properties {
        property.waive(&waivers);
    }
    let of_properties: Vec<_> = object.properties.iter().flat_map(|property| &property.events).cloned().collect();
    object.events = Events::read(raw, pointer, of_properties, (files, &waivers), problems);
    waivers.report(&format!("'{}'", object.collection()), problems);
    for property in object.properties.iter().filter(|property| property.is_sealed()) {
        let of = |id: &str| property.policies.iter().find(|policy| !policy.waived && policy.id == id);
        if let Some(policy) = of("unique").or_else(|| of("valid-username")) {
            let message = format!(
                "'{}' is encrypted, so no two of its values can be compared: the policy '{}' refuses every value of it",
                property.name, policy.id
            );
            problems.add(Severity::Error, &policy.pointer, message);
        }
    }
    object
}

fn required(schema: &Value, pointer: &str, object: &mut ObjectSchema, problems: &mut Problems) {
    for name in schema.get("required").map(loose::texts).unwrap_or_default() {
        if object.property(&name).is_none() {
            let message = format!("'{name}' is required but not declared; the requirement is ignored");
            problems.add(Severity::Warning, &below(pointer, "required"), message);
        } else if !object.requires(&name) {
            object.required.push(name);
        }
    }
}

/// `order` may omit properties and name some that do not exist (docs/protocol/project-files.md, case 14).
fn order(schema: &Value, object: &mut ObjectSchema) {
    let order = schema.get("order").map(loose::texts).unwrap_or_default();
    let place = |property: &Property| order.iter().position(|name| *name == property.name).unwrap_or(usize::MAX);
    object.properties.sort_by_key(place);
}

/// The array `properties` of old files.
fn separate_settings(raw: &Value, pointer: &str, object: &mut ObjectSchema, files: &ScriptFiles, problems: &mut Problems) {
    let settings = raw.get("properties").and_then(Value::as_array).into_iter().flatten().enumerate();
    for (index, value) in settings {
        let Some(name) = loose::text(value, "name") else { continue };
        let pointer = format!("{pointer}/properties/{index}");
        let read = property(&name, value, &pointer, 0, files, problems);
        match object.properties.iter_mut().find(|property| property.name == name) {
            None => object.properties.push(read),
            Some(known) => {
                known.encrypted |= read.encrypted;
                known.secure_hash = known.secure_hash.take().or(read.secure_hash);
                known.is_virtual |= read.is_virtual;
                known.is_protected |= read.is_protected;
                known.events.extend(read.events);
                known.policies.extend(read.policies);
                if read.scope == Scope::Private {
                    known.scope = Scope::Private;
                }
            }
        }
    }
}

fn property(name: &str, raw: &Value, pointer: &str, depth: usize, files: &ScriptFiles, problems: &mut Problems) -> Property {
    let waivers = Waivers::read(raw, pointer, problems);
    let flag = |key: &str, problems: &mut Problems| {
        let read = loose::flag(raw, key);
        if read.is_none() && loose::member(raw, key).is_some() {
            problems.add(Severity::Warning, &below(pointer, key), format!("'{key}' is neither true nor false; it counts as false"));
        }
        read.unwrap_or(false)
    };
    let (types, types_listed) = types(raw, pointer, problems);
    let mut property = Property {
        name: name.to_owned(),
        title: loose::text(raw, "title"),
        description: loose::text(raw, "description"),
        types,
        types_listed,
        viewable: flag("viewable", problems),
        user_editable: flag("userEditable", problems),
        searchable: flag("searchable", problems),
        is_protected: guard(raw, "isProtected", pointer, problems),
        is_personal: flag("isPersonal", problems),
        usage_description: loose::text(raw, "usageDescription"),
        scope: scope(raw, pointer, problems),
        is_virtual: flag("isVirtual", problems) || loose::text(raw, "type").as_deref() == Some("virtual"),
        return_by_default: loose::flag(raw, "returnByDefault"),
        relationship: relationship(raw, pointer, problems),
        encrypted: loose::member(raw, "encryption").is_some(),
        secure_hash: loose::member(raw, "secureHash").map(|hash| loose::text(hash, "algorithm").unwrap_or_default()),
        policies: policies(raw.get("policies"), &below(pointer, "policies"), problems),
        fallback_policies: policies(raw.get("fallbackPolicies"), &below(pointer, "fallbackPolicies"), problems),
        pattern: loose::text(raw, "pattern").filter(|pattern| !pattern.is_empty()),
        min_length: count(raw, "minLength", pointer, problems),
        default: loose::member(raw, "default").cloned(),
        enumeration: raw.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
        events: events::of_property(name, raw, pointer, files, &waivers),
        conditional_policies: conditional(raw.get("conditionalPolicies"), &below(pointer, "conditionalPolicies"), files, problems),
        pointer: pointer.to_owned(),
        raw: raw.clone(),
        ..Property::default()
    };
    property.default = property.default.take().map(|default| typed(default, &property.types));
    property.waive(&waivers);
    waivers.report(&format!("'{name}'"), problems);
    if depth < MAX_NESTING {
        for (name, value) in raw.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let pointer = below(&below(pointer, "properties"), name);
            property.properties.push(self::property(name, value, &pointer, depth + 1, files, problems));
        }
        if let Some(items) = raw.get("items").filter(|items| items.is_object()) {
            property.items = Some(Box::new(self::property(name, items, &below(pointer, "items"), depth + 1, files, problems)));
        }
    }
    property
}

/// What is not said to be public in a word that we know leaves through no read.
fn scope(raw: &Value, pointer: &str, problems: &mut Problems) -> Scope {
    let Some(said) = loose::member(raw, "scope") else { return Scope::Public };
    match loose::as_text(said).unwrap_or_else(|| "?".to_owned()).trim().to_ascii_lowercase().as_str() {
        "public" | "" => Scope::Public,
        "private" => Scope::Private,
        _ => {
            let message = "the scope is neither 'private' nor 'public'; the property leaves through no read";
            problems.add(Severity::Error, &below(pointer, "scope"), message);
            Scope::Private
        }
    }
}

fn types(raw: &Value, pointer: &str, problems: &mut Problems) -> (Vec<JsonType>, bool) {
    let Some(declared) = loose::member(raw, "type") else { return (Vec::new(), false) };
    let mut types = Vec::new();
    for name in loose::texts(declared) {
        match JsonType::named(&name) {
            Some(kind) => types.push(kind),
            None if name == "virtual" => {}
            None => problems.add(Severity::Warning, &below(pointer, "type"), format!("'{name}' is no JSON type; it is not checked")),
        }
    }
    if loose::flag(raw, "nullable") == Some(true) && !types.is_empty() && !types.contains(&JsonType::Null) {
        types.push(JsonType::Null);
    }
    (types, declared.is_array())
}

/// A switch whose *no* is the weaker answer: what is neither counts as a yes.
fn guard(raw: &Value, key: &str, pointer: &str, problems: &mut Problems) -> bool {
    let read = loose::flag(raw, key);
    let unread = read.is_none() && loose::member(raw, key).is_some_and(|said| said.as_str().is_none_or(|text| !text.trim().is_empty()));
    if unread {
        problems.add(Severity::Error, &below(pointer, key), format!("'{key}' is neither true nor false; it counts as true"));
    }
    read.unwrap_or(unread)
}

fn relationship(raw: &Value, pointer: &str, problems: &mut Problems) -> Option<Relationship> {
    let items = raw.get("items").filter(|items| items.is_object());
    let is_reference = |value: &Value| value.get("type").map(loose::texts).unwrap_or_default().iter().any(|name| name == "relationship");
    let many = items.is_some_and(is_reference);
    if !many && !is_reference(raw) {
        return None;
    }
    let holder = if many { items? } else { raw };
    let pointer = if many { below(pointer, "items") } else { pointer.to_owned() };
    let collections = match loose::member(holder, "resourceCollection").or_else(|| loose::member(raw, "resourceCollection")) {
        Some(Value::Array(list)) => list.iter().filter_map(|entry| loose::text(entry, "path")).collect(),
        Some(entry) => loose::text(entry, "path").into_iter().collect(),
        None => Vec::new(),
    };
    Some(Relationship {
        many,
        reverse: guard(holder, "reverseRelationship", &pointer, problems),
        validate: guard(holder, "validate", &pointer, problems),
        pairs: Vec::new(),
        reverse_property: loose::text(holder, "reversePropertyName").filter(|name| !name.is_empty()),
        collections,
    })
}

/// A list of policies; also read from `policy.json`, whose form is the same.
pub(crate) fn policies(declared: Option<&Value>, pointer: &str, problems: &mut Problems) -> Vec<DeclaredPolicy> {
    let list = match declared {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let mut policies = Vec::new();
    for (index, value) in list.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        match loose::text(value, "policyId") {
            Some(id) => {
                let waivers = Waivers::read(value, &pointer, problems);
                let waived = waivers.covers_policy(&id);
                waivers.report(&format!("the policy '{id}'"), problems);
                policies.push(DeclaredPolicy { id, params: loose::member(value, "params").cloned(), pointer, waived });
            }
            None => problems.add(Severity::Warning, &pointer, "a policy needs a 'policyId'; it is ignored"),
        }
    }
    policies
}

/// Policies that hold where a condition does; also read from `policy.json`.
pub(crate) fn conditional(
    declared: Option<&Value>,
    pointer: &str,
    files: &ScriptFiles,
    problems: &mut Problems,
) -> Vec<ConditionalPolicies> {
    let list = match declared {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let mut found = Vec::new();
    for (index, value) in list.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        let condition = value.get("condition").and_then(|condition| Script::read(condition, files));
        match condition.as_ref().map(Script::obstacle) {
            Some(None) => {}
            Some(Some(reason)) => {
                let message = format!("the condition cannot be run: {reason}; every write of the property is refused");
                problems.add(Severity::Error, &below(&pointer, "condition"), message);
            }
            None => problems.add(Severity::Error, &pointer, "there is no 'condition'; every write of the property is refused"),
        }
        let policies = policies(value.get("policies"), &below(&pointer, "policies"), problems);
        found.push(ConditionalPolicies { condition, policies, pointer });
    }
    found
}

fn count(raw: &Value, key: &str, pointer: &str, problems: &mut Problems) -> Option<u64> {
    let value = loose::member(raw, key)?;
    let read = loose::as_count(value);
    if read.is_none() {
        problems.add(Severity::Warning, &below(pointer, key), format!("'{key}' is no whole number; it is ignored"));
    }
    read
}

/// Defaults are often strings where the type is another (`"default":"0"`).
fn typed(default: Value, types: &[JsonType]) -> Value {
    let Value::String(text) = &default else { return default };
    if types.is_empty() || types.contains(&JsonType::String) {
        return default;
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value) if types.iter().any(|kind| kind.holds(&value)) => value,
        _ => default,
    }
}

fn meta(raw: &Value) -> Meta {
    let default = Meta::default();
    Meta {
        property: loose::text(raw, "property").unwrap_or(default.property),
        resource_collection: loose::text(raw, "resourceCollection").unwrap_or(default.resource_collection),
        tracked: raw.get("trackedProperties").map_or(default.tracked, loose::texts),
    }
}
