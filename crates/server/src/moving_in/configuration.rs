//! What a project says of the server that its people come from: how the repository keeps objects, and which secrets of the configuration were
//! encrypted.

use std::path::Path;

use identity::{JsonType, ObjectSchema, Schemas};
use jose::Keystore;
use moving::{ConfigurationSecret, Layout, Shape};
use project::{SecretText, SourceFile};
use serde_json::Value;

use crate::runtime::Source;

/// A file of the project, as far as it can be read: whatever is wrong with it, `check` says.
fn content(source: &Source, path: &str) -> Option<Value> {
    let bytes = source.files().read(path).ok()??;
    SourceFile::from_bytes(path, &bytes).ok()?.parse().ok().map(|parsed| parsed.value)
}

/// The tables of `conf/repo.jdbc.json`.
pub(super) fn tables(source: &Source) -> Layout {
    content(source, "conf/repo.jdbc.json").map_or_else(Layout::default, |repo| Layout::read(&repo))
}

/// The same with the types of properties.
pub(super) fn layout(source: &Source, schemas: &Schemas) -> Layout {
    schemas.iter().fold(tables(source), |layout, schema| layout.with_shapes(&schema.collection(), shapes(schema)))
}

/// What the texts of columns are: as the schema types a property. One that may be text is text.
fn shapes(schema: &ObjectSchema) -> Vec<(String, Shape)> {
    let shape = |types: &[JsonType]| {
        let is = |kind: JsonType| types.contains(&kind);
        match types {
            _ if is(JsonType::String) => Some(Shape::Text),
            _ if is(JsonType::Number) || is(JsonType::Integer) => Some(Shape::Number),
            _ if is(JsonType::Boolean) => Some(Shape::Boolean),
            _ if is(JsonType::Array) || is(JsonType::Object) => Some(Shape::Structure),
            _ => None,
        }
    };
    schema.properties.iter().filter_map(|property| Some((property.name.clone(), shape(&property.types)?))).collect()
}

/// The secrets in `conf` that an IDM encrypted, and whether the keystore opens them.
pub(super) fn secrets(source: &Source, keystore: Option<&Keystore>) -> Vec<ConfigurationSecret> {
    let names = source.files().list("conf").unwrap_or_default();
    let mut found = Vec::new();
    let is_json = |name: &&String| Path::new(name.as_str()).extension().is_some_and(|ending| ending == "json");
    for name in names.iter().filter(is_json) {
        let path = format!("conf/{name}");
        if let Some(content) = content(source, &path) {
            encrypted(&content, &path, "", keystore, &mut found);
        }
    }
    found
}

fn encrypted(value: &Value, path: &str, pointer: &str, keystore: Option<&Keystore>, found: &mut Vec<ConfigurationSecret>) {
    let inside = |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(members) => {
            let is_encrypted = value.pointer("/$crypto/type").is_none_or(|kind| kind == "x-simple-encryption");
            if let Some(SecretText::Encrypted { key, crypto }) = SecretText::from_crypto(value).filter(|_| is_encrypted) {
                let opened = keystore.map(|keystore| jose::decrypt_idm_crypto(keystore, &crypto).map_err(|error| error.to_string()));
                let why = opened.unwrap_or_else(|| Err("there is no keystore to open it with".to_owned())).err();
                found.push(ConfigurationSecret { place: format!("{path}{pointer}"), key, why });
                return;
            }
            for (name, value) in members {
                encrypted(value, path, &inside(name), keystore, found);
            }
        }
        Value::Array(elements) => {
            for (at, value) in elements.iter().enumerate() {
                encrypted(value, path, &inside(&at.to_string()), keystore, found);
            }
        }
        _ => {}
    }
}
