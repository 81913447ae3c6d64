//! What the columns of a table become whose columns are properties: found once for a table, and used for every row of it.
//!
//! Easiest to break: whose word counts. The operator's mapping before `conf/repo.jdbc.json`, and that before the schema, which names and types the rest.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::layout::{Explicit, Layout, Shape};
use crate::mapping::{Column, Mapping, USUAL_PROPERTIES};
use crate::sources::dump::Row;
use crate::tables::TEXTS;

/// What one column becomes.
enum Becomes<'m> {
    /// Nothing: the mapping leaves it out, or it is the id or the revision.
    Nothing,
    /// What the mapping says, of texts of this shape.
    Mapped(&'m Column, Option<Shape>),
    /// The value at this place.
    Placed(Vec<String>, Option<Shape>),
}

/// The columns of a table.
pub(super) struct Columns<'m> {
    /// The collection of its objects.
    pub(super) collection: String,
    names: Arc<[String]>,
    id: String,
    revision: String,
    becomes: Vec<Becomes<'m>>,
}

/// An object that a row holds.
pub(super) struct Held {
    pub(super) id: String,
    pub(super) revision: Option<String>,
    pub(super) content: Map<String, Value>,
}

impl<'m> Columns<'m> {
    pub(super) fn of(explicit: &Explicit, names: &Arc<[String]>, mapping: &'m Mapping, layout: &Layout) -> Self {
        let named = |member: &str, usual: &str| explicit.column_of(member).unwrap_or(usual).to_owned();
        Self {
            collection: explicit.collection.clone(),
            names: Arc::clone(names),
            id: named("_id", "objectid"),
            revision: named("_rev", "rev"),
            becomes: names.iter().map(|column| Becomes::of(column, explicit, mapping, layout)).collect(),
        }
    }

    /// Whether these are they.
    pub(super) fn are(&self, names: &Arc<[String]>) -> bool {
        Arc::ptr_eq(&self.names, names) || self.names == *names
    }

    /// The object in a row, or why there is none.
    pub(super) fn held(&self, row: &Row) -> Result<Held, String> {
        let id = row.get(&self.id).ok_or_else(|| format!("a row of '{}' without '{}'", row.table, self.id))?;
        let mut content = Map::new();
        for ((column, becomes), value) in self.names.iter().zip(&self.becomes).zip(&row.values) {
            if let Some(text) = value {
                becomes.put(column, text, &mut content).map_err(|what| format!("{what} of the object '{id}'"))?;
            }
        }
        Ok(Held { id: id.to_owned(), revision: row.get(&self.revision).map(str::to_owned), content })
    }
}

impl<'m> Becomes<'m> {
    fn of(column: &str, explicit: &Explicit, mapping: &'m Mapping, layout: &Layout) -> Self {
        let collection = explicit.collection.as_str();
        let placed = explicit.place(column);
        let is_own = |path: &[String]| path.first().is_some_and(|name| name == "_id" || name == "_rev");
        if placed.is_some_and(|(path, _)| is_own(path)) || (placed.is_none() && matches!(column, "objectid" | "rev" | "id")) {
            return Self::Nothing;
        }
        let of_path = |path: &[String]| match path {
            [name] => layout.shape(collection, name),
            _ => None,
        };
        let known = layout.property(collection, column);
        let shape = match placed {
            Some((path, shape)) => shape.or_else(|| of_path(path)),
            None => known.map(|(_, shape)| shape),
        };
        // As of whole objects, the members of those of one collection are what a mapping names.
        let mut mapped = mapping.columns.iter().filter(|_| mapping.collection == collection);
        if let Some((_, mapped)) = mapped.find(|(name, _)| name.eq_ignore_ascii_case(column)) {
            return mapped.as_ref().map_or(Self::Nothing, |to| Self::Mapped(to, of_path(&to.to).or(shape)));
        }
        if let Some((path, _)) = placed {
            return Self::Placed(path.to_vec(), shape);
        }
        let bare = column.replace('_', "");
        let usual = || USUAL_PROPERTIES.iter().find(|name| name.eq_ignore_ascii_case(&bare)).copied();
        let name = known.map(|(name, _)| name).or_else(usual).unwrap_or(column);
        Self::Placed(vec![name.to_owned()], shape)
    }

    /// Puts what the text in this column is into an object.
    fn put(&self, column: &str, text: &str, content: &mut Map<String, Value>) -> Result<(), String> {
        match self {
            Self::Nothing => Ok(()),
            Self::Mapped(to, shape) => Mapping::put(content, to, to.value_of(text, value_of(column, text, *shape))?),
            Self::Placed(path, shape) => {
                let value = value_of(column, text, *shape);
                let none = || format!("'{column}' is no {}, as the project says it is,", shape.map_or("value", Shape::name));
                put(content, path, value.ok_or_else(none)?)
            }
        }
    }
}

/// The value of a text in a column; `None` where it is not what the project says.
fn value_of(column: &str, text: &str, shape: Option<Shape>) -> Option<Value> {
    // Structures stand in columns as JSON.
    let structured: Option<Value> = text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok()).flatten();
    // What was encrypted or hashed stands in the place of a value of any type.
    if let Some(crypto) = structured.as_ref().filter(|value| value.get("$crypto").is_some()) {
        return Some(crypto.clone());
    }
    match shape {
        Some(shape) => shape.value(text),
        // A text that looks like one stays a text.
        None => Some(structured.filter(|_| !TEXTS.contains(&column)).unwrap_or_else(|| json!(text))),
    }
}

/// Puts a value at a place inside an object.
fn put(content: &mut Map<String, Value>, path: &[String], value: Value) -> Result<(), String> {
    let Some((last, parents)) = path.split_last() else { return Ok(()) };
    let mut members = content;
    for name in parents {
        let inside = members.entry(name.clone()).or_insert_with(|| json!({}));
        members = inside.as_object_mut().ok_or_else(|| format!("'{}' is beside a value, not inside one,", path.join("/")))?;
    }
    members.insert(last.clone(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(mapping: &str, layout: &Layout, table: &str, row: &[(&str, &str)]) -> Value {
        let mapping = Mapping::read(mapping).unwrap();
        let names: Arc<[String]> = row.iter().map(|(name, _)| (*name).to_owned()).collect();
        let columns = Columns::of(&layout.explicit(table).unwrap(), &names, &mapping, layout);
        let values = row.iter().map(|(_, text)| Some((*text).to_owned())).collect();
        Value::Object(columns.held(&Row { line: 1, table: table.to_owned(), columns: names, values }).unwrap().content)
    }

    fn layout() -> Layout {
        let shapes = [
            ("enabled", Shape::Boolean),
            ("vip", Shape::Boolean),
            ("badge", Shape::Number),
            ("code", Shape::Text),
            ("groups", Shape::Structure),
            ("sn", Shape::Text),
        ];
        Layout::default().with_shapes("managed/user", shapes.map(|(name, shape)| (name.to_owned(), shape)))
    }

    #[test]
    fn what_the_mapping_says_of_values_counts_before_the_types_of_the_schema() {
        let words = r#"{"columns":{"enabled":{"to":"accountStatus","values":{"t":"active","f":"inactive"}},"badge":{"to":"number","before":"N-"},
            "groups":{"to":"roles","reference":"managed/role"},"code":{"to":"codes","split":"|"}}}"#;
        let row = [("objectid", "a"), ("enabled", "f"), ("badge", "41"), ("groups", "[\"x\",\"y\"]"), ("code", "1|2")];
        assert_eq!(
            held(words, &layout(), "managed_user", &row),
            json!({"accountStatus": "inactive", "number": "N-41", "roles": [{"_ref": "managed/role/x"}, {"_ref": "managed/role/y"}], "codes": ["1", "2"]})
        );
        let said_of_what_it_is = r#"{"columns":{"enabled":{"to":"accountStatus","values":{"true":"active"}}}}"#;
        for (text, expected) in [("t", json!("active")), ("1", json!("active"))] {
            assert_eq!(
                held(said_of_what_it_is, &layout(), "managed_user", &[("objectid", "a"), ("enabled", text)])["accountStatus"],
                expected
            );
        }
    }

    #[test]
    fn a_column_that_a_mapping_only_renames_is_what_the_schema_says_of_where_it_goes() {
        let renamed = r#"{"columns":{"flag":"vip","badge":"code","score":"badge","enabled":"unknown","login":"sn"}}"#;
        let row = [("objectid", "a"), ("flag", "t"), ("badge", "041"), ("score", "7"), ("enabled", "f"), ("login", "{\"$crypto\":1}")];
        assert_eq!(
            held(renamed, &layout(), "managed_user", &row),
            json!({"vip": true, "code": "041", "badge": 7, "unknown": false, "sn": {"$crypto": 1}})
        );
    }

    #[test]
    fn a_mapping_is_for_objects_of_its_collection_alone() {
        let mapping = r#"{"columns":{"name":"userName","description":null}}"#;
        let row = [("objectid", "chief"), ("name", "Chief"), ("description", "All of it")];
        assert_eq!(held(mapping, &layout(), "managed_role", &row), json!({"name": "Chief", "description": "All of it"}));
        assert_eq!(held(mapping, &layout(), "managed_user", &row), json!({"userName": "Chief"}));
    }
}
