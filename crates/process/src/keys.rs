//! The keys of a stage's configuration: which of them a stage cannot do without, and what the texts at them name. The types of the
//! configuration's fields say it, so that reading, diagnostics, schema and reference cannot differ.
//!
//! Easiest to break: a key that takes the name of a property as a plain [`Text`]. Nothing could compare it with `managed.json` then.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, schema_for};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::Issue;
use crate::loose;

/// What the text at a key names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// A collection of managed objects, `managed/user`.
    Collection,
    /// A property of the objects of the stage's collection.
    Property,
    /// A property that accounts are searched by.
    QueryField,
    /// The property that holds mail addresses.
    MailField,
    /// The property that holds ids: `_id`, or a unique text.
    IdField,
    /// The property that holds user names; its values are shown.
    UserNameField,
    /// The property that holds the status of an account.
    StatusField,
    /// The property that holds passwords.
    PasswordField,
    /// One of the properties below `preferences`.
    Preference,
    /// A file of the project.
    File,
    /// Not a name: the configuration of a stage inside this one.
    Stage,
}

impl Role {
    const ALL: [(&str, Self); 11] = [
        ("collection", Self::Collection),
        ("property", Self::Property),
        ("queryField", Self::QueryField),
        ("mailField", Self::MailField),
        ("idField", Self::IdField),
        ("userNameField", Self::UserNameField),
        ("statusField", Self::StatusField),
        ("passwordField", Self::PasswordField),
        ("preference", Self::Preference),
        ("file", Self::File),
        ("stage", Self::Stage),
    ];

    fn read(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, role)| *role)
    }
}

/// Annotation of a schema: what the text names.
const NAMES: &str = "x-names";
/// Annotation of a schema: the stage cannot do without it. Becomes `required` of the object around it.
const NEEDED: &str = "x-needed";
/// In a path, every element of a list.
const EACH: &str = "*";

/// A key of a stage's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where it is: names of members, and `*` for every element of a list.
    pub path: Vec<String>,
    /// The stage cannot do without it.
    pub needed: bool,
    /// What the text at it names.
    pub role: Option<Role>,
    /// What it means, for the reference.
    pub meaning: String,
}

/// A name that a configuration holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Where it is, as a JSON pointer below the stage's configuration: `/registrationProperties/0`.
    pub pointer: String,
    /// What it names.
    pub role: Role,
    /// The name, without blanks around it; never empty.
    pub text: String,
}

/// The keys that a schema describes, in its order; those of the elements of a list follow the list.
pub(crate) fn of_schema(schema: &Schema) -> Vec<Key> {
    let mut keys = Vec::new();
    collect(schema.as_value(), schema.as_value(), &mut Vec::new(), &mut keys);
    keys
}

fn collect(root: &Value, schema: &Value, path: &mut Vec<String>, keys: &mut Vec<Key>) {
    let schema = resolved(root, schema);
    if let Some(elements) = schema.get("items") {
        path.push(EACH.to_owned());
        collect(root, elements, path, keys);
        path.pop();
    }
    let required = |name: &str| schema.get("required").and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == name));
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let annotated = |key: &str| property.get(key).or_else(|| property.get("items")?.get(key));
        path.push(name.clone());
        keys.push(Key {
            path: path.clone(),
            needed: required(name),
            role: annotated(NAMES).and_then(Value::as_str).and_then(Role::read),
            meaning: property.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
        });
        collect(root, property, path, keys);
        path.pop();
    }
}

/// The schema behind a reference, and behind "this or null".
fn resolved<'v>(root: &'v Value, schema: &'v Value) -> &'v Value {
    let schema = schema.get("anyOf").and_then(|choices| choices.get(0)).unwrap_or(schema);
    let reference = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

/// The schema of a configuration; `required` names the keys a stage cannot do without.
pub(crate) fn schema_of<T: JsonSchema>() -> Schema {
    let mut value = schema_for!(T).to_value();
    require(&mut value);
    Schema::try_from(value).unwrap_or_default()
}

/// Turns the annotations of [`Needed`] fields into `required` of the object they belong to.
fn require(schema: &mut Value) {
    let Value::Object(members) = schema else {
        if let Value::Array(elements) = schema {
            elements.iter_mut().for_each(require);
        }
        return;
    };
    members.values_mut().for_each(require);
    let mut needed = Vec::new();
    for (name, property) in members.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        if property.as_object_mut().is_some_and(|property| property.shift_remove(NEEDED).is_some()) {
            needed.push(Value::from(name.as_str()));
        }
    }
    if !needed.is_empty() {
        members.insert("required".to_owned(), needed.into());
    }
}

/// The places of a configuration that a path leads to: the object around the last member, its pointer, and the member.
fn places<'v>(value: &'v Value, path: &[String], pointer: &str, visit: &mut dyn FnMut(&str, &str, Option<&'v Value>)) {
    let [first, rest @ ..] = path else { return };
    if first == EACH {
        for (index, element) in value.as_array().into_iter().flatten().enumerate() {
            places(element, rest, &format!("{pointer}/{index}"), visit);
        }
    } else if let Value::Object(members) = value {
        match members.get(first) {
            member if rest.is_empty() => visit(pointer, first, member),
            Some(member) => places(member, rest, &format!("{pointer}/{first}"), visit),
            None => {}
        }
    }
}

/// Every name that a configuration with these keys holds, in the order of the keys.
pub(crate) fn named_in(keys: &[Key], configuration: &Value) -> Vec<Named> {
    let mut found = Vec::new();
    for key in keys {
        let Some(role) = key.role.filter(|role| *role != Role::Stage) else { continue };
        places(configuration, &key.path, "", &mut |pointer, name, member| {
            let at = format!("{pointer}/{name}");
            let mut add = |pointer: String, value: &Value| {
                if let Some(text) = value.as_str().map(str::trim).filter(|text| !text.is_empty()) {
                    found.push(Named { pointer, role, text: text.to_owned() });
                }
            };
            match member {
                Some(Value::Array(elements)) => {
                    elements.iter().enumerate().for_each(|(index, element)| add(format!("{at}/{index}"), element));
                }
                Some(value) => add(at, value),
                None => {}
            }
        });
    }
    found
}

/// The configurations of stages inside this one, with their pointers below it.
pub(crate) fn nested_in<'v>(keys: &[Key], configuration: &'v Value) -> Vec<(String, &'v Value)> {
    let mut found = Vec::new();
    for key in keys.iter().filter(|key| key.role == Some(Role::Stage)) {
        places(configuration, &key.path, "", &mut |pointer, name, member| {
            found.extend(member.filter(|member| member.is_object()).map(|member| (format!("{pointer}/{name}"), member)));
        });
    }
    found
}

/// An error for every needed key that is absent or empty, with what it means, and how `example` has it.
pub(crate) fn missing(keys: &[Key], configuration: &Value, pointer: &str, example: &Value) -> Vec<Issue> {
    let mut issues = Vec::new();
    for key in keys.iter().filter(|key| key.needed) {
        places(configuration, &key.path, pointer, &mut |around, name, member| {
            let at = match member {
                Some(member) if is_empty(member) => format!("{around}/{name}"),
                Some(_) => return,
                None => around.to_owned(),
            };
            let issue = Issue::error(at, "missing-key", format!("missing key '{name}': {}", clause(&key.meaning)));
            let shown = if key.path.len() == 1 { example.get(name) } else { None };
            issues.push(match shown {
                Some(shown) => issue.with_help(format!("\"{name}\": {shown}")),
                None => issue,
            });
        });
    }
    issues
}

/// Null, a blank text, an empty list or object: all of them say nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The first sentence of a description, to be read after a colon.
fn clause(description: &str) -> String {
    let first = description.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let mut letters = first.chars();
    letters.next().map(|letter| letter.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// A value that the stage cannot do without. What is absent reads as the default all the same: that it is missing is said once, by
/// whoever compiles the stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needed<T>(pub T);

impl<T> Deref for Needed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Needed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::deserialize(deserializer)?.unwrap_or_default()))
    }
}

impl<T: JsonSchema> JsonSchema for Needed<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<T>();
        schema.insert(NEEDED.to_owned(), Value::Bool(true));
        schema
    }

    fn inline_schema() -> bool {
        true
    }
}

macro_rules! key_type {
    ($(#[$meta:meta])* $name:ident($inner:ty), $read:path, $schema:tt) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl Deref for $name {
            type Target = $inner;

            fn deref(&self) -> &$inner {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $read(deserializer).map(Self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }

            fn inline_schema() -> bool {
                true
            }
        }
    };
}

key_type! {
    /// A text, as loose as [`loose::text`] reads it; absent and null are the empty one.
    Text(String), loose::text, { "type": "string" }
}
key_type! {
    /// The path of a collection of managed objects; empty for the usual one.
    Collection(String), loose::text, { "type": "string", "x-names": "collection" }
}
key_type! {
    /// The name of a property, or a pointer to a deeper one; empty for the usual one.
    PropertyName(String), loose::text, { "type": "string", "x-names": "property" }
}
key_type! {
    /// The property that holds mail addresses; empty for the usual one.
    MailField(String), loose::text, { "type": "string", "x-names": "mailField" }
}
key_type! {
    /// The property that holds ids; empty for the usual one.
    IdField(String), loose::text, { "type": "string", "x-names": "idField" }
}
key_type! {
    /// The property that holds user names; empty for the usual one.
    UserNameField(String), loose::text, { "type": "string", "x-names": "userNameField" }
}
key_type! {
    /// The property that holds the status of an account; empty for the usual one.
    StatusField(String), loose::text, { "type": "string", "x-names": "statusField" }
}
key_type! {
    /// The property that holds passwords; empty for the usual one.
    PasswordField(String), loose::text, { "type": "string", "x-names": "passwordField" }
}
key_type! {
    /// The path of a file in the project, for [`crate::Compiling::file`].
    FileName(String), loose::text, { "type": "string", "x-names": "file" }
}
key_type! {
    /// Names of properties that accounts are searched by.
    QueryFields(Vec<String>), loose::texts, { "type": "array", "items": { "type": "string", "x-names": "queryField" } }
}
key_type! {
    /// Names of properties.
    PropertyNames(Vec<String>), loose::texts, { "type": "array", "items": { "type": "string", "x-names": "property" } }
}
key_type! {
    /// Names of preferences.
    PreferenceNames(Vec<String>), loose::texts, { "type": "array", "items": { "type": "string", "x-names": "preference" } }
}
key_type! {
    /// Texts, as loose as [`loose::texts`] reads them.
    Texts(Vec<String>), loose::texts, { "type": "array", "items": { "type": "string" } }
}
key_type! {
    /// Yes or no, as loose as [`loose::boolean`] reads it; absent and null are a no.
    Flag(bool), loose::boolean, { "type": "boolean" }
}
/// The configuration of a stage inside this one, for [`crate::Compiling::nested`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct NestedStage(Value);

impl NestedStage {
    /// The configuration; `None` where there is none, or null.
    #[must_use]
    pub fn get(&self) -> Option<&Value> {
        Some(&self.0).filter(|value| !value.is_null())
    }
}

impl JsonSchema for NestedStage {
    fn schema_name() -> Cow<'static, str> {
        "NestedStage".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["object", "null"], "x-names": "stage" })
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Default, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", default)]
    #[expect(dead_code, reason = "read for its schema")]
    struct Probe {
        /// By what is searched. More.
        fields: Needed<QueryFields>,
        /// Whose.
        collection: Collection,
        /// The list.
        list: Needed<Vec<Element>>,
        /// Inside.
        inside: NestedStage,
        #[serde(flatten)]
        more: More,
    }

    #[derive(Default, Deserialize, JsonSchema)]
    #[serde(default)]
    struct More {
        /// An address.
        mail: Needed<MailField>,
    }

    #[derive(Default, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Element {
        /// The property.
        name: Needed<PropertyName>,
    }

    fn keys() -> Vec<Key> {
        of_schema(&schema_of::<Probe>())
    }

    #[test]
    fn the_types_of_the_fields_say_what_is_needed_and_what_is_named() {
        let keys = keys();
        let told: Vec<_> = keys.iter().map(|key| (key.path.join("/"), key.needed, key.role)).collect();
        let wanted = [
            ("fields", true, Some(Role::QueryField)),
            ("collection", false, Some(Role::Collection)),
            ("list", true, None),
            ("list/*/name", true, Some(Role::Property)),
            ("inside", false, Some(Role::Stage)),
            ("mail", true, Some(Role::MailField)),
        ];
        assert_eq!(told, wanted.map(|(path, needed, role)| (path.to_owned(), needed, role)));
    }

    #[test]
    fn every_name_is_found_at_its_place() {
        let configuration = json!({
            "fields": ["userName", " mail ", ""], "collection": "managed/user", "list": [{"name": "a"}, {}, {"name": "b"}],
            "mail": null, "inside": {"name": "x"},
        });
        let found: Vec<_> = named_in(&keys(), &configuration).into_iter().map(|named| (named.pointer, named.text)).collect();
        let wanted = [
            ("/fields/0", "userName"),
            ("/fields/1", "mail"),
            ("/collection", "managed/user"),
            ("/list/0/name", "a"),
            ("/list/2/name", "b"),
        ];
        assert_eq!(found, wanted.map(|(pointer, text)| (pointer.to_owned(), text.to_owned())));
        assert_eq!(nested_in(&keys(), &configuration), [("/inside".to_owned(), &json!({"name": "x"}))]);
    }

    #[test]
    fn a_needed_key_that_is_absent_or_empty_is_named_where_it_should_stand() {
        let missing = |configuration: Value| {
            let issues = missing(&keys(), &configuration, "/stageConfigs/1", &json!({"fields": ["mail"]}));
            issues.into_iter().map(|issue| (issue.pointer, issue.message, issue.help)).collect::<Vec<_>>()
        };
        let told = missing(json!({"fields": [], "list": [{"name": "a"}, {"name": " "}]}));
        let at = |pointer: &str, message: &str, help: Option<&str>| (pointer.to_owned(), message.to_owned(), help.map(str::to_owned));
        assert_eq!(
            told,
            [
                at("/stageConfigs/1/fields", "missing key 'fields': by what is searched", Some("\"fields\": [\"mail\"]")),
                at("/stageConfigs/1/list/1/name", "missing key 'name': the property", None),
                at("/stageConfigs/1", "missing key 'mail': an address", None),
            ]
        );
        assert_eq!(missing(json!({"fields": "mail", "list": [{"name": "a"}], "mail": "x"})), []);
    }
}
