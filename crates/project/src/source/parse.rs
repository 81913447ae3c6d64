//! Text to value, as IDM reads its files: comments are skipped, of two equal keys the last wins, and what follows the first value is not
//! looked at. An operator wants to hear of the latter two.
//!
//! Easiest to break: `serde_json` silently lets the last of two equal keys win, so the visitor is our own.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use super::comments::without_comments;
use super::{ParseFault, Parsed, Position, join, locate};

pub(super) fn json(text: &str) -> Result<Parsed, ParseFault> {
    let duplicates = RefCell::new(Vec::new());
    let plain = without_comments(text);
    let mut reader = serde_json::Deserializer::from_str(&plain);
    let value = Node { pointer: String::new(), duplicates: &duplicates }.deserialize(&mut reader);
    let value = value.map_err(|error| {
        let full = error.to_string();
        let message = full.rsplit_once(" at line ").map_or(full.as_str(), |(message, _)| message);
        ParseFault { position: Some(place(text, &error)), message: message.to_owned() }
    })?;
    let trailing = reader.end().err().map(|error| place(text, &error));
    Ok(Parsed { value, duplicates: duplicates.into_inner(), trailing })
}

fn place(text: &str, error: &serde_json::Error) -> Position {
    Position { line: error.line().max(1), column: column_in_characters(text, error.line(), error.column()) }
}

/// `serde_json` counts bytes.
fn column_in_characters(text: &str, line: usize, column: usize) -> usize {
    let bytes = text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default().as_bytes();
    let before = bytes.get(..column.saturating_sub(1).min(bytes.len())).unwrap_or_default();
    String::from_utf8_lossy(before).chars().count() + 1
}

struct Node<'a> {
    pointer: String,
    duplicates: &'a RefCell<Vec<String>>,
}

impl Node<'_> {
    fn child(&self, token: &str) -> Self {
        Self { pointer: join(&self.pointer, token), duplicates: self.duplicates }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self.child(&array.len().to_string()))? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(self.child(&key))?;
            if object.contains_key(&key) {
                self.duplicates.borrow_mut().push(join(&self.pointer, &key));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

pub(super) fn toml(text: &str) -> Result<Parsed, ParseFault> {
    let table = DeTable::parse(text).map_err(|error| ParseFault {
        position: error.span().map(|span| locate::position(text, span.start)),
        message: error.message().to_owned(),
    })?;
    Ok(Parsed { value: from_table(table.get_ref()), duplicates: Vec::new(), trailing: None })
}

fn from_table(table: &DeTable<'_>) -> Value {
    Value::Object(table.iter().map(|(key, value)| (key.get_ref().to_string(), from_toml(value.get_ref()))).collect())
}

fn from_toml(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).map_or_else(|_| Value::from(integer.to_string()), Value::from)
        }
        DeValue::Float(float) => float.as_str().parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number),
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| from_toml(item.get_ref())).collect(),
        DeValue::Table(table) => from_table(table),
    }
}
