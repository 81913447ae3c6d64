//! How the repository of a project keeps its objects: the tables of `conf/repo.jdbc.json`, and the types of the properties in `conf/managed.json`.
//!
//! Easiest to break: what a project does not say. Without the file, the tables are those of the product's own scripts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::tables;

/// Tables, columns and types.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// Tables that hold an object in each row, beside the product's own.
    generic: BTreeSet<String>,
    /// Tables whose columns are properties.
    explicit: BTreeMap<String, Explicit>,
    /// What the properties of a collection are.
    shapes: BTreeMap<String, BTreeMap<String, Shape>>,
}

/// A table of one collection.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Explicit {
    pub(crate) collection: String,
    /// The properties of columns, by the name of the column in lower case.
    columns: BTreeMap<String, (Vec<String>, Option<Shape>)>,
}

/// What the text in a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text, whatever it looks like.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list or an object, as JSON.
    Structure,
}

impl Shape {
    /// The value of a text in a column; `None` where it is none of this kind.
    pub(crate) fn value(self, text: &str) -> Option<Value> {
        match self {
            Self::Text => Some(json!(text)),
            Self::Number => {
                let text = text.trim();
                let whole = text.parse::<i64>().ok().map(Value::from);
                whole.or_else(|| text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from))
            }
            Self::Boolean => match text.to_ascii_lowercase().as_str() {
                "t" | "true" | "1" | "\u{1}" => Some(json!(true)),
                "f" | "false" | "0" | "\u{0}" => Some(json!(false)),
                _ => None,
            },
            Self::Structure => Some(serde_json::from_str(text).unwrap_or_else(|_| json!(text))),
        }
    }

    /// What it is called where a text is none.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Structure => "JSON",
        }
    }
}

impl Layout {
    /// What `conf/repo.jdbc.json` says of tables; whatever of it means nothing here is left out.
    #[must_use]
    pub fn read(repo: &Value) -> Self {
        let mut layout = Self::default();
        let members = |name: &str| repo.pointer(&format!("/resourceMapping/{name}")).and_then(Value::as_object).into_iter().flatten();
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_ascii_lowercase);
        let is_of_objects = |kind: &str| kind.starts_with("managed/") || kind.starts_with("internal/");
        layout
            .generic
            .extend(members("genericMapping").filter(|(kind, _)| is_of_objects(kind)).filter_map(|(_, how)| text(how, "mainTable")));
        for (kind, how) in members("explicitMapping").filter(|(kind, _)| kind.starts_with("managed/")) {
            let Some(table) = text(how, "table") else { continue };
            let columns = how.get("objectToColumn").and_then(Value::as_object).into_iter().flatten();
            let column = |(property, column): (&String, &Value)| {
                let named = column.as_str().or_else(|| column.get("column")?.as_str())?.to_ascii_lowercase();
                let shape = match column.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase().as_str() {
                    "NUMBER" => Some(Shape::Number),
                    "BOOLEAN" => Some(Shape::Boolean),
                    "JSON_MAP" | "JSON_LIST" => Some(Shape::Structure),
                    "STRING" => Some(Shape::Text),
                    _ => None,
                };
                Some((named, (property.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect(), shape)))
            };
            layout.explicit.insert(table, Explicit { collection: kind.clone(), columns: columns.filter_map(column).collect() });
        }
        layout
    }

    /// The same with what the properties of a collection are.
    #[must_use]
    pub fn with_shapes(mut self, collection: &str, shapes: impl IntoIterator<Item = (String, Shape)>) -> Self {
        self.shapes.insert(collection.to_owned(), shapes.into_iter().collect());
        self
    }

    /// Whether rows of a table mean something, by its name in lower case.
    #[must_use]
    pub fn is_read(&self, table: &str) -> bool {
        tables::is_read(table) || self.generic.contains(table) || self.explicit.contains_key(table)
    }

    /// Whether rows of a table hold an object each, as JSON.
    pub(crate) fn is_generic(&self, table: &str) -> bool {
        tables::GENERIC.contains(&table) || self.generic.contains(table)
    }

    /// Whether the columns of a table are properties.
    pub(crate) fn is_explicit(&self, table: &str) -> bool {
        self.explicit.contains_key(table) || table.starts_with("managed_")
    }

    /// The table of one collection: as the project names it, or as the product's samples do.
    pub(crate) fn explicit(&self, table: &str) -> Option<Explicit> {
        let named = || Some(Explicit { collection: format!("managed/{}", table.strip_prefix("managed_")?), ..Explicit::default() });
        self.explicit.get(table).cloned().or_else(named)
    }

    /// The property that is named like a column, and what it is.
    pub(crate) fn property(&self, collection: &str, column: &str) -> Option<(&str, Shape)> {
        let bare = column.replace('_', "");
        let shapes = self.shapes.get(collection)?;
        let exact = shapes.iter().find(|(name, _)| name.eq_ignore_ascii_case(column));
        let found = exact.or_else(|| shapes.iter().find(|(name, _)| name.eq_ignore_ascii_case(&bare)));
        found.map(|(name, shape)| (name.as_str(), *shape))
    }

    /// What a property is.
    pub(crate) fn shape(&self, collection: &str, property: &str) -> Option<Shape> {
        self.shapes.get(collection)?.get(property).copied()
    }
}

impl Explicit {
    /// The column of a member that every object has: `_id`, `_rev`.
    pub(crate) fn column_of(&self, member: &str) -> Option<&str> {
        self.columns
            .iter()
            .find(|(_, (path, _))| path.len() == 1 && path.first().is_some_and(|name| name == member))
            .map(|(column, _)| column.as_str())
    }

    /// The place of the values of a column, and what they are, where the project says so.
    pub(crate) fn place(&self, column: &str) -> Option<(&[String], Option<Shape>)> {
        self.columns.get(column).map(|(path, shape)| (path.as_slice(), *shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_says_where_its_objects_are() {
        let layout = Layout::read(&json!({"resourceMapping": {
            "default": {"mainTable": "genericobjects"},
            "genericMapping": {"managed/*": {"mainTable": "ManagedObjects"}, "managed/device": {"mainTable": "devices"}, "scheduler": {"mainTable": "schedulerobjects"}},
            "explicitMapping": {
                "managed/user": {"table": "People", "objectToColumn": {"_id": "person", "age": {"column": "YEARS", "type": "NUMBER"}, "address/city": "town"}},
                "audit/access": {"table": "auditaccess", "objectToColumn": {}},
            },
        }}));
        for (table, is_read) in
            [("devices", true), ("people", true), ("managed_role", true), ("schedulerobjects", false), ("auditaccess", false)]
        {
            assert_eq!(layout.is_read(table), is_read, "{table}");
        }
        let people = layout.explicit("people").unwrap();
        assert_eq!((people.collection.as_str(), people.column_of("_id"), people.column_of("_rev")), ("managed/user", Some("person"), None));
        assert_eq!(people.place("years"), Some((["age".to_owned()].as_slice(), Some(Shape::Number))));
        assert_eq!(people.place("town").unwrap().0, ["address", "city"]);
        assert_eq!(layout.explicit("managed_role").unwrap().collection, "managed/role");
        assert_eq!(Layout::read(&json!([])), Layout::default());
    }

    #[test]
    fn the_texts_of_columns_become_what_the_schema_says() {
        assert_eq!(Shape::Number.value(" 3 "), Some(json!(3)));
        assert_eq!(Shape::Number.value("-1.50"), Some(json!(-1.5)));
        assert_eq!((Shape::Number.value("x"), Shape::Number.value("NaN"), Shape::Boolean.value("yes")), (None, None, None));
        for (text, value) in [("t", true), ("1", true), ("TRUE", true), ("\u{1}", true), ("f", false), ("0", false)] {
            assert_eq!(Shape::Boolean.value(text), Some(json!(value)), "{text}");
        }
        assert_eq!(Shape::Text.value("[1]"), Some(json!("[1]")));
        assert_eq!(Shape::Structure.value("[1]"), Some(json!([1])));
    }
}
