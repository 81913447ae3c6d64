//! A collection as a table. A column whose values are all texts holds them as they are; any other holds JSON, and the mapping says so.
//!
//! Easiest to break: whoever opens it in a spreadsheet runs what begins like a formula. Such a value has a `'` before it, and the mapping has that
//! taken away again.

use std::collections::BTreeMap;
use std::io::Write;

use crest::cell;
use serde_json::{Map, Value, json};
use store::Db;

use super::{ExportError, Exported, each, members};

/// Where a column stands, and whether it holds texts.
type Columns = BTreeMap<String, (usize, bool)>;

/// An empty value is none in a table.
fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

pub(super) async fn export(db: &Db, collection: &str, separator: char, to: &mut (impl Write + Send)) -> Result<Exported, ExportError> {
    let mut columns = Columns::new();
    each(db, collection, |object| {
        note(&mut columns, &members(object));
        Ok(())
    })
    .await?;
    let mut names: Vec<(&String, &(usize, bool))> = columns.iter().collect();
    names.sort_by_key(|(_, (place, _))| *place);
    let line = |values: Vec<String>| values.join(separator.encode_utf8(&mut [0; 4])) + "\r\n";
    to.write_all(line(names.iter().map(|(name, _)| cell(name, separator)).collect()).as_bytes())?;
    let objects = each(db, collection, |object| {
        let row = row(&columns, members(object), separator).ok_or(ExportError::Changed)?;
        Ok(to.write_all(line(row).as_bytes())?)
    });
    let objects = objects.await?;
    Ok(Exported { objects, mapping: Some(mapping(collection, &names, separator)), ..Exported::default() })
}

fn note(columns: &mut Columns, object: &Map<String, Value>) {
    for (name, value) in object {
        let place = columns.len();
        let (_, texts) = columns.entry(name.clone()).or_insert((place, true));
        *texts &= is_text(value);
    }
}

/// The values of an object; none where one of them has no place.
fn row(columns: &Columns, object: Map<String, Value>, separator: char) -> Option<Vec<String>> {
    let mut row = vec![String::new(); columns.len()];
    for (name, value) in object {
        let (place, texts) = columns.get(&name)?;
        let text = match &value {
            Value::String(text) if *texts => text.clone(),
            _ if *texts => return None,
            value => value.to_string(),
        };
        *row.get_mut(*place)? = cell(&text, separator);
    }
    Some(row)
}

/// A column of texts that is named as its property needs no entry, unless its name would be taken for the way to a member.
fn mapping(collection: &str, names: &[(&String, &(usize, bool))], separator: char) -> Value {
    let told = names.iter().filter(|(name, (_, texts))| !texts || name.is_empty() || name.contains('/'));
    let columns: Map<String, Value> = told.map(|(name, (_, texts))| ((*name).clone(), json!({ "to": [name], "json": !texts }))).collect();
    json!({ "collection": collection, "quoted": true, "separator": separator, "columns": columns })
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
    fn again(objects: &[Map<String, Value>], separator: char) -> Vec<Map<String, Value>> {
        let mut columns = Columns::new();
        for object in objects {
            note(&mut columns, object);
        }
        let mut names: Vec<(&String, &(usize, bool))> = columns.iter().collect();
        names.sort_by_key(|(_, (place, _))| *place);
        let line = |values: Vec<String>| values.join(&separator.to_string()) + "\r\n";
        let header: Vec<String> = names.iter().map(|(name, _)| cell(name, separator)).collect();
        for name in &header {
            assert!(
                !name.strip_prefix('"').unwrap_or(name).starts_with(['=', '+', '-', '@', '\t', '\r', '\n']),
                "a header is a formula: {name}"
            );
        }
        let mut text = line(header);
        for object in objects {
            text += &line(row(&columns, object.clone(), separator).unwrap());
        }
        let mapping = Mapping::read(&mapping("managed/user", &names, separator).to_string()).unwrap();
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
            objects in prop::collection::vec(prop::collection::btree_map("[a-e=/ ]{0,2}|['+@\t,\"~-]{1,2}", value(), 0..5), 1..6),
            separator in prop::sample::select(&[',', '\t', ';'])
        ) {
            let objects: Vec<Map<String, Value>> = objects.into_iter().enumerate().map(|(number, members)| {
                let mut object = Map::from_iter([("_id".to_owned(), json!(format!("id-{number}")))]);
                object.extend(members);
                object
            }).collect();
            prop_assert_eq!(again(&objects, separator).into_iter().map(Value::Object).collect::<Vec<_>>(), objects.iter().cloned().map(Value::Object).collect::<Vec<_>>());
        }
    }
}
