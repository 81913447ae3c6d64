//! A collection as a table. A column whose values are all texts holds them as they are; any other holds JSON, and the mapping says so.
//!
//! Easiest to break: whoever opens it in a spreadsheet runs what begins like a formula. Such a value has a `'` before it, and the mapping has that
//! taken away again.

use std::collections::BTreeMap;
use std::io::Write;

use crest::{cell, harmless};
use serde_json::{Map, Value, json};
use store::Db;

use super::{ExportError, Exported, each, members};

/// Where a column stands, and whether it holds texts.
type Columns = BTreeMap<String, (usize, bool)>;

/// An empty value is none in a table.
fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

pub(super) async fn export(db: &Db, collection: &str, to: &mut (impl Write + Send)) -> Result<Exported, ExportError> {
    let mut columns = Columns::new();
    each(db, collection, |object| {
        note(&mut columns, &members(object));
        Ok(())
    })
    .await?;
    let mut names: Vec<(&String, &(usize, bool))> = columns.iter().collect();
    names.sort_by_key(|(_, (place, _))| *place);
    let header: Vec<String> = names.iter().map(|(name, _)| cell(name)).collect();
    write!(to, "{}\r\n", header.join(","))?;
    let objects = each(db, collection, |object| {
        let row = row(&columns, members(object)).ok_or(ExportError::Changed)?;
        Ok(write!(to, "{}\r\n", row.join(","))?)
    });
    let objects = objects.await?;
    Ok(Exported { objects, mapping: Some(mapping(collection, &names)), ..Exported::default() })
}

fn note(columns: &mut Columns, object: &Map<String, Value>) {
    for (name, value) in object {
        let place = columns.len();
        let (_, texts) = columns.entry(name.clone()).or_insert((place, true));
        *texts &= is_text(value);
    }
}

/// The values of an object; none where one of them has no place.
fn row(columns: &Columns, object: Map<String, Value>) -> Option<Vec<String>> {
    let mut row = vec![String::new(); columns.len()];
    for (name, value) in object {
        let (place, texts) = columns.get(&name)?;
        let text = match &value {
            Value::String(text) if *texts => text.clone(),
            _ if *texts => return None,
            value => value.to_string(),
        };
        *row.get_mut(*place)? = cell(&text);
    }
    Some(row)
}

/// A property of any name is one here, also with a `/` in it: a column named as its property needs no entry.
fn mapping(collection: &str, names: &[(&String, &(usize, bool))]) -> Value {
    let structured = names.iter().filter(|(_, (_, texts))| !texts);
    let columns: Map<String, Value> =
        structured.map(|(name, _)| (harmless(name).into_owned(), json!({ "to": name, "json": true }))).collect();
    json!({ "collection": collection, "quoted": true, "separator": ",", "columns": columns })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::mapping::Mapping;
    use crate::record::Read;
    use crate::sources::csv;

    /// A table of these objects, read again with its mapping.
    fn again(objects: &[Map<String, Value>]) -> Vec<Map<String, Value>> {
        let mut columns = Columns::new();
        for object in objects {
            note(&mut columns, object);
        }
        let mut names: Vec<(&String, &(usize, bool))> = columns.iter().collect();
        names.sort_by_key(|(_, (place, _))| *place);
        let mut text = names.iter().map(|(name, _)| cell(name)).collect::<Vec<_>>().join(",") + "\r\n";
        for object in objects {
            text += &(row(&columns, object.clone()).unwrap().join(",") + "\r\n");
        }
        let mapping = Mapping::read(&mapping("managed/user", &names).to_string()).unwrap();
        let read = csv::read(text.as_bytes(), "people.csv".into(), Arc::new(mapping));
        let read = read.map(|one| match one {
            Ok(Read::Record(record)) => {
                let mut content = Map::from_iter([("_id".to_owned(), json!(record.id))]);
                content.extend(record.content);
                content
            }
            other => panic!("{other:?} in {text}"),
        });
        read.collect()
    }

    fn value() -> impl Strategy<Value = Value> {
        let text = "([=+@'\t-]|[a-z,\"\n ü]){0,6}";
        prop_oneof![4 => text.prop_map(Value::String), 1 => any::<i32>().prop_map(|number| json!(number)), 1 => Just(Value::Null),
            1 => Just(json!(true)), 1 => text.prop_map(|text| json!({ "a": [text] }))]
    }

    proptest! {
        #[test]
        fn a_table_is_read_again_as_it_was_and_no_value_is_a_formula(
            objects in prop::collection::vec(prop::collection::btree_map("[a-e]", value(), 0..5), 1..6)
        ) {
            let objects: Vec<Map<String, Value>> = objects.into_iter().enumerate().map(|(number, members)| {
                let mut object = Map::from_iter([("_id".to_owned(), json!(format!("id-{number}")))]);
                object.extend(members);
                object
            }).collect();
            prop_assert_eq!(again(&objects).into_iter().map(Value::Object).collect::<Vec<_>>(), objects.iter().cloned().map(Value::Object).collect::<Vec<_>>());
        }
    }
}
