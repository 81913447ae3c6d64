//! Readers for values as loose as real project files hold them: numbers and booleans as strings, one string where a list belongs,
//! `$crypto` objects where a text stands. Used as `#[serde(deserialize_with = "…")]` in stage configurations.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub use crate::config::shared_keys;

/// A number, or a text that holds one; null and absent are the default.
///
/// # Errors
/// When it is neither.
pub fn number<'de, D: Deserializer<'de>, T: TryFrom<i64> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(optional_number(deserializer)?.unwrap_or_default())
}

/// A number, or a text that holds one; null is none.
///
/// # Errors
/// When it is neither.
pub fn optional_number<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = match &value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| D::Error::custom(format!("expected a whole number, found {value}")))?;
    T::try_from(number).map(Some).map_err(|_| D::Error::custom(format!("{number} is out of range")))
}

/// `3.0` is 3, `3.5` is not a whole number.
fn whole(float: f64) -> Option<i64> {
    format!("{float}").parse().ok()
}

/// A boolean, or a text that holds one; null and absent are false.
///
/// # Errors
/// When it is neither.
pub fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(optional_boolean(deserializer)?.unwrap_or_default())
}

/// A boolean, or a text that holds one; null is none.
///
/// # Errors
/// When it is neither.
pub fn optional_boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match &value {
        Value::Null => Ok(None),
        Value::Bool(boolean) => Ok(Some(*boolean)),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") || text.trim().is_empty() => Ok(Some(false)),
        _ => Err(D::Error::custom(format!("expected true or false, found {value}"))),
    }
}

/// A list of texts, or one text; null is the empty list.
///
/// # Errors
/// When it is neither.
pub fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![text]),
        Value::Array(items) => items
            .into_iter()
            .map(|item| match item {
                Value::String(text) => Ok(text),
                other => Err(D::Error::custom(format!("expected a list of texts, found {other} in it"))),
            })
            .collect(),
        other => Err(D::Error::custom(format!("expected a list of texts, found {other}"))),
    }
}

/// A text; null is the empty one.
///
/// # Errors
/// When it is neither.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(boolean) => Ok(boolean.to_string()),
        other => Err(D::Error::custom(format!("expected a text, found {other}"))),
    }
}

/// A secret in a configuration: plain, or an IDM `$crypto` object that only the operator's keystore can open (decision 22).
#[derive(Clone, PartialEq, Eq, Default)]
pub enum SecretText {
    /// Not configured.
    #[default]
    Absent,
    /// Readable.
    Plain(String),
    /// Encrypted under the named key.
    Encrypted {
        /// The key's alias or purpose.
        key: String,
    },
}

impl SecretText {
    /// The text, where it can be read.
    #[must_use]
    pub fn plain(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Plain(_) => "Plain(…)",
            Self::Encrypted { .. } => "Encrypted(…)",
        })
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match &value {
            Value::Null => Ok(Self::Absent),
            Value::String(text) => Ok(Self::Plain(text.clone())),
            Value::Object(object) => {
                let crypto = object.get("$crypto").and_then(|crypto| crypto.get("value"));
                let crypto = crypto.ok_or_else(|| D::Error::custom("expected a text or a $crypto object"))?;
                let named = |member: &str| crypto.get(member).and_then(Value::as_str).map(str::to_owned);
                Ok(Self::Encrypted { key: named("key").or_else(|| named("purpose")).unwrap_or_else(|| "unknown".into()) })
            }
            other => Err(D::Error::custom(format!("expected a text, found {other}"))),
        }
    }
}

impl Serialize for SecretText {
    /// Never writes the secret.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

impl JsonSchema for SecretText {
    fn schema_name() -> Cow<'static, str> {
        "SecretText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A secret: a text, or an encrypted $crypto object.",
            "type": ["string", "object", "null"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Deserialize)]
    struct Probe {
        #[serde(default, deserialize_with = "optional_number")]
        expiry: Option<u32>,
        #[serde(default, deserialize_with = "boolean")]
        flag: bool,
        #[serde(default, deserialize_with = "texts")]
        fields: Vec<String>,
        #[serde(default)]
        secret: SecretText,
    }

    #[test]
    fn strings_stand_for_numbers_booleans_and_lists() {
        let probe: Probe = serde_json::from_value(json!({"expiry": " 1800", "flag": "True ", "fields": "mail"})).unwrap();
        assert_eq!((probe.expiry, probe.flag, probe.fields), (Some(1800), true, vec!["mail".to_owned()]));
    }

    #[test]
    fn null_is_absent() {
        let probe: Probe = serde_json::from_value(json!({"expiry": null, "flag": null, "fields": null, "secret": null})).unwrap();
        assert_eq!((probe.expiry, probe.flag, probe.fields.len(), probe.secret), (None, false, 0, SecretText::Absent));
    }

    #[test]
    fn a_crypto_object_names_its_key() {
        let crypto = json!({"secret": {"$crypto": {"type": "x-simple-encryption", "value": {"key": "openidm-sym-default"}}}});
        let probe: Probe = serde_json::from_value(crypto).unwrap();
        assert_eq!(probe.secret, SecretText::Encrypted { key: "openidm-sym-default".into() });
    }

    #[test]
    fn fractions_and_words_are_no_numbers() {
        assert!(serde_json::from_value::<Probe>(json!({"expiry": 1.5})).is_err());
        assert!(serde_json::from_value::<Probe>(json!({"expiry": "soon"})).is_err());
        assert!(serde_json::from_value::<Probe>(json!({"expiry": -1})).is_err());
    }
}
