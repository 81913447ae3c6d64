//! Which property a column of a table, or an attribute of a directory, becomes.
//!
//! A mapping is a JSON object:
//!
//! ```json
//! {
//!   "collection": "managed/user",
//!   "separator": ";",
//!   "columns": {
//!     "Login": "userName",
//!     "E-mail": {"to": "mail"},
//!     "Active": {"to": "accountStatus", "values": {"1": "active", "0": "inactive"}},
//!     "Groups": {"to": "roles", "split": "|", "reference": "managed/role"},
//!     "Password": {"to": "password", "before": "{SSHA}"},
//!     "Internal number": null
//!   },
//!   "constants": {"country": "NO"}
//! }
//! ```
//!
//! `"to": ["a/b"]` names the property `a/b`, where `"to": "a/b"` is the member `b` of the property `a`. A column that it does not name is the
//! property of its own name. `null` leaves a column out. Of files that hold whole objects (JSON lines, a
//! repository), the members of objects of `collection` are its columns.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use identity::PEOPLE;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// How names become properties.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// The collection of objects that do not say to which they belong.
    pub collection: String,
    /// Names and values of a table that a spreadsheet would run as formulas have a `'` before them ([`crest::harmless`]), which is taken away. The
    /// names of its columns are as they stand, spaces and all.
    pub quoted: bool,
    /// What stands between the values of a table; `,` without it, and a tab in a file named `.tsv`.
    pub separator: Option<char>,
    /// The columns or attributes; `null` leaves one out.
    pub columns: BTreeMap<String, Option<Column>>,
    /// Properties that every object of `collection` gets where it has none.
    pub constants: Map<String, Value>,
}

impl Default for Mapping {
    fn default() -> Self {
        Self { collection: PEOPLE.to_owned(), quoted: false, separator: None, columns: BTreeMap::new(), constants: Map::new() }
    }
}

/// What one column or attribute becomes.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(from = "Written")]
pub struct Column {
    /// The property, or the names on the way to a member of one: `preferences`, `updates`.
    pub to: Vec<String>,
    /// Other words for its values; a value that is none of them stays as it is.
    pub values: BTreeMap<String, Value>,
    /// What stands between several values.
    pub split: Option<String>,
    /// The collection that its values are ids of.
    pub reference: Option<String>,
    /// What is put before a value: the scheme of a hash that the table leaves out.
    pub before: String,
    /// Whether values are JSON texts.
    pub json: bool,
    /// Whether several values are kept, as a list.
    pub many: bool,
}

/// A text with a `/` between names, or the names as they are.
#[derive(Deserialize)]
#[serde(untagged)]
enum To {
    Path(String),
    Names(Vec<String>),
}

impl From<To> for Vec<String> {
    fn from(to: To) -> Self {
        match to {
            To::Path(path) => path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            To::Names(names) => names,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    Whole(Whole),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    to: To,
    #[serde(default)]
    values: BTreeMap<String, Value>,
    split: Option<String>,
    reference: Option<String>,
    #[serde(default)]
    before: String,
    #[serde(default)]
    json: bool,
    #[serde(default)]
    many: bool,
}

impl From<Written> for Column {
    fn from(written: Written) -> Self {
        match written {
            Written::Name(to) => Self::to(&to),
            Written::Whole(Whole { to, values, split, reference, before, json, many }) => {
                Self { to: to.into(), values, split, reference, before, json, many }
            }
        }
    }
}

impl Column {
    /// The place of its values, for people.
    pub(crate) fn place(&self) -> String {
        self.to.join("/")
    }

    /// The column of a property or, with a `/`, of a member of one, its values as they are.
    #[must_use]
    pub fn to(name: &str) -> Self {
        let (values, before) = (BTreeMap::new(), String::new());
        Self { to: To::Path(name.to_owned()).into(), values, split: None, reference: None, before, json: false, many: false }
    }

    /// The value of a text.
    pub(crate) fn value(&self, text: &str) -> Result<Value, String> {
        match &self.split {
            Some(between) if !between.is_empty() => {
                text.split(between.as_str()).map(str::trim).filter(|part| !part.is_empty()).map(|part| self.single(part)).collect()
            }
            _ => self.single(text),
        }
    }

    /// The value of a text of which something else says, too, what it is (`typed`). That counts where nothing is said here but of words, and for lists
    /// and objects, whose texts are read as those of a table.
    pub(crate) fn value_of(&self, text: &str, typed: Option<Value>) -> Result<Value, String> {
        let only_words = self.split.is_none() && self.reference.is_none() && self.before.is_empty();
        match typed {
            Some(typed) if !self.json && !self.values.contains_key(text) && (only_words || typed.is_array() || typed.is_object()) => {
                self.of_json(typed)
            }
            _ => self.value(text),
        }
    }

    /// The value of a value that is JSON already: texts are read as those of a table, also within a list.
    fn of_json(&self, value: Value) -> Result<Value, String> {
        match value {
            Value::String(text) => self.value(&text),
            Value::Array(elements) => elements.into_iter().map(|element| self.of_json(element)).collect(),
            Value::Object(_) => Ok(value),
            other => Ok(self.values.get(&other.to_string()).cloned().unwrap_or(other)),
        }
    }

    fn single(&self, text: &str) -> Result<Value, String> {
        if let Some(value) = self.values.get(text) {
            return Ok(value.clone());
        }
        if let Some(collection) = &self.reference {
            return Ok(json!({ crest::reference::REF: format!("{}/{text}", collection.trim_matches('/')) }));
        }
        if self.json {
            return serde_json::from_str(text).map_err(|_| format!("'{}' holds no JSON", self.place()));
        }
        Ok(json!(format!("{}{text}", self.before)))
    }
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the mapping cannot be used: {0}")]
pub struct MappingError(String);

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// [`MappingError`], which names what is wrong.
    pub fn read(text: &str) -> Result<Self, MappingError> {
        let read: Self = serde_json::from_str(text).map_err(|error| MappingError(error.to_string()))?;
        match read.separator {
            Some(separator) if !separator.is_ascii() || matches!(separator, '"' | '\r' | '\n') => {
                Err(MappingError(format!("'{separator}' cannot stand between values")))
            }
            _ => Ok(read),
        }
    }

    /// Puts a value at the place that a column names. Several values of one place are a list.
    pub(crate) fn put(content: &mut Map<String, Value>, column: &Column, value: Value) -> Result<(), String> {
        let Some((first, rest)) = column.to.split_first() else { return Err("a column without a property".to_owned()) };
        let mut place = content.entry(first.clone()).or_insert(Value::Null);
        for name in rest {
            if place.is_null() {
                *place = json!({});
            }
            let Value::Object(members) = place else { return Err(format!("'{}' is beside a value, not inside one", column.place())) };
            place = members.entry(name.clone()).or_insert(Value::Null);
        }
        match place {
            Value::Null if column.many && !value.is_array() => *place = json!([value]),
            Value::Null => *place = value,
            Value::Array(list) if column.many || column.split.is_some() => match value {
                Value::Array(more) => list.extend(more),
                one => list.push(one),
            },
            _ => return Err(format!("more than one value of '{}'", column.place())),
        }
        Ok(())
    }

    /// What the members of a whole object become that belongs to [`Mapping::collection`]: each as its column says, and with the constants.
    pub(crate) fn of_object(&self, collection: &str, content: &mut Map<String, Value>) -> Result<(), String> {
        if collection != self.collection {
            return Ok(());
        }
        let named = self.columns.iter().filter_map(|(name, column)| Some((content.shift_remove(name)?, column.as_ref())));
        let named: Vec<(Value, Option<&Column>)> = named.collect();
        for (value, column) in named {
            if let Some(column) = column
                && !value.is_null()
            {
                Self::put(content, column, column.of_json(value)?)?;
            }
        }
        self.complete(collection, content);
        Ok(())
    }

    /// Adds what every object of [`Mapping::collection`] gets.
    pub(crate) fn complete(&self, collection: &str, content: &mut Map<String, Value>) {
        if collection != self.collection {
            return;
        }
        for (name, value) in &self.constants {
            content.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// Properties of the stock types, as their columns are named without their capitals.
pub(crate) const USUAL_PROPERTIES: [&str; 29] = [
    "userName",
    "accountStatus",
    "postalCode",
    "stateProvince",
    "postalAddress",
    "address2",
    "givenName",
    "telephoneNumber",
    "kbaInfo",
    "lastSync",
    "consentedMappings",
    "effectiveRoles",
    "effectiveAuthzRoles",
    "effectiveAssignments",
    "effectiveGroups",
    "effectiveApplications",
    "aliasList",
    "memberOfOrgIDs",
    "ownerOfOrg",
    "preferredLocale",
    "profileImage",
    "displayName",
    "passwordLastChangedTime",
    "passwordExpirationTime",
    "fieldHistory",
    "termsAccepted",
    "lastChanged",
    "temporalConstraints",
    "privileges",
];

/// The id of an object whose source has none: made of its user name, and so the same in every run.
pub(crate) fn derived_id(collection: &str, content: &Map<String, Value>) -> Option<String> {
    let name = content.get("userName").or_else(|| content.get("name"))?.as_str()?;
    Some(id_of(collection, name))
}

/// The id of what has this name: a UUID of version 8.
pub(crate) fn id_of(collection: &str, name: &str) -> String {
    let hash = digest(&SHA256, format!("{}:{collection}/{name}", collection.len()).as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.as_ref()).for_each(|(byte, hashed)| *byte = *hashed);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_names_what_is_wrong_with_it() {
        let read = |text: &str| Mapping::read(text).map_err(|error| error.to_string());
        assert!(read("{\"colums\":{}}").unwrap_err().contains("colums"));
        assert!(read("{\"separator\":\"\\\"\"}").is_err());
        let mapping =
            read("{\"columns\":{\"A\":\"userName\",\"B\":{\"to\":\"roles\",\"split\":\"|\",\"reference\":\"managed/role\"},\"C\":null}}")
                .unwrap();
        let column = mapping.columns["B"].as_ref().unwrap();
        assert_eq!(column.value("x | y").unwrap(), json!([{"_ref": "managed/role/x"}, {"_ref": "managed/role/y"}]));
        assert_eq!(mapping.columns["C"], None);
    }

    #[test]
    fn members_of_whole_objects_are_columns_too() {
        let mapping = Mapping::read(
            r#"{"columns":{"login":"userName","on":{"to":"accountStatus","values":{"true":"active","false":"inactive"}},"secret":null,
                "groups":{"to":"roles","reference":"managed/role"}},"constants":{"country":"NO","city":"Oslo"}}"#,
        )
        .unwrap();
        let read = |collection: &str| {
            let mut content = json!({"login": "ann", "on": false, "secret": 1, "groups": ["a", "b"], "city": "Bergen"});
            mapping.of_object(collection, content.as_object_mut().unwrap()).unwrap();
            content
        };
        assert_eq!(
            read("managed/user"),
            json!({"userName": "ann", "accountStatus": "inactive", "roles": [{"_ref": "managed/role/a"}, {"_ref": "managed/role/b"}],
                "city": "Bergen", "country": "NO"})
        );
        assert_eq!(read("managed/role")["login"], "ann", "what belongs to another collection stays as it is");
    }

    #[test]
    fn values_are_put_into_members_and_never_over_each_other() {
        let mut content = Map::new();
        Mapping::put(&mut content, &Column::to("preferences/updates"), json!(true)).unwrap();
        Mapping::put(&mut content, &Column::to("preferences/marketing"), json!(false)).unwrap();
        assert_eq!(json!(content), json!({"preferences": {"updates": true, "marketing": false}}));
        assert!(Mapping::put(&mut content, &Column::to("preferences"), json!(1)).is_err());
        let many = Column { many: true, ..Column::to("aliasList") };
        Mapping::put(&mut content, &many, json!("a")).unwrap();
        Mapping::put(&mut content, &many, json!("b")).unwrap();
        assert_eq!(content["aliasList"], json!(["a", "b"]));
    }
}
