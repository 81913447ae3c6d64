//! The typed forms: an object whose one key says what its text becomes.
//!
//! `$array`, `$bool`, `$base64:decode`, `$base64:encode`, `$int`, `$list`, `$number`, `$object`, `$string`, as the products document
//! them ("Transforming data types"). An argument is a text, another typed form, or already of the wanted type.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde_json::{Map, Number, Value};

use super::{Flaw, Names, expand};

const CHARSET: &str = "$charset";
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// The value a typed form stands for; `None` if the object is no typed form.
pub(super) fn apply(object: &Map<String, Value>, names: &dyn Names) -> Option<Result<Value, Flaw>> {
    let (form, argument) = object.iter().find(|(key, _)| *key != CHARSET)?;
    let convert: fn(&Value, &str) -> Option<Value> = match form.as_str() {
        "$array" => array,
        "$bool" => boolean,
        "$base64:decode" => decode,
        "$base64:encode" => encode,
        "$int" => integer,
        "$list" => list,
        "$number" => number,
        "$object" => record,
        "$string" => string,
        _ => return None,
    };
    let charset = object.get(CHARSET).and_then(Value::as_str);
    if object.len() != 1 + usize::from(charset.is_some()) {
        return None;
    }
    let argument = match argument_of(argument, names) {
        Ok(argument) => argument,
        Err(flaw) => return Some(Err(flaw)),
    };
    Some(
        convert(&argument, charset.unwrap_or("UTF-8"))
            .ok_or_else(|| Flaw::NotConvertible(format!("the value cannot be converted by '{form}'"))),
    )
}

fn argument_of(argument: &Value, names: &dyn Names) -> Result<Value, Flaw> {
    match argument {
        Value::String(text) => {
            let expanded = expand(text, names);
            expanded.flaws.into_iter().next().map_or(Ok(Value::String(expanded.text)), Err)
        }
        Value::Object(inner) => apply(inner, names).unwrap_or_else(|| Ok(argument.clone())),
        other => Ok(other.clone()),
    }
}

fn array(argument: &Value, _: &str) -> Option<Value> {
    match argument {
        Value::Array(_) => Some(argument.clone()),
        Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_array),
        _ => None,
    }
}

fn record(argument: &Value, _: &str) -> Option<Value> {
    match argument {
        Value::Object(_) => Some(argument.clone()),
        Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_object),
        _ => None,
    }
}

/// Anything but `true`, whatever its case, is false.
fn boolean(argument: &Value, _: &str) -> Option<Value> {
    match argument {
        Value::Bool(_) => Some(argument.clone()),
        Value::String(text) => Some(Value::Bool(text.trim().eq_ignore_ascii_case("true"))),
        _ => None,
    }
}

fn integer(argument: &Value, _: &str) -> Option<Value> {
    match argument {
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(argument.clone()),
        Value::String(text) => text.trim().parse::<i64>().ok().map(Value::from),
        _ => None,
    }
}

fn number(argument: &Value, form: &str) -> Option<Value> {
    integer(argument, form).or_else(|| match argument {
        Value::Number(_) => Some(argument.clone()),
        Value::String(text) => text.trim().parse().ok().and_then(Number::from_f64).map(Value::Number),
        _ => None,
    })
}

fn string(argument: &Value, _: &str) -> Option<Value> {
    Some(match argument {
        Value::String(text) => Value::from(text.as_str()),
        Value::Null => return None,
        other => Value::from(other.to_string()),
    })
}

/// A comma separated list; white space round an element does not belong to it.
fn list(argument: &Value, form: &str) -> Option<Value> {
    let Value::String(text) = argument else { return array(argument, form) };
    if text.trim().is_empty() {
        return Some(Value::Array(Vec::new()));
    }
    array(argument, form).or_else(|| Some(text.split(',').map(|element| Value::from(element.trim())).collect()))
}

fn decode(argument: &Value, charset: &str) -> Option<Value> {
    let compact: String = argument.as_str()?.split_ascii_whitespace().collect();
    let bytes = LENIENT.decode(compact).ok()?;
    match charset.to_ascii_uppercase().as_str() {
        "UTF-8" | "US-ASCII" => String::from_utf8(bytes).ok().map(Value::from),
        "ISO-8859-1" => Some(Value::from(bytes.iter().map(|byte| char::from(*byte)).collect::<String>())),
        _ => None,
    }
}

fn encode(argument: &Value, charset: &str) -> Option<Value> {
    let text = argument.as_str()?;
    let bytes = match charset.to_ascii_uppercase().as_str() {
        "UTF-8" | "US-ASCII" => text.as_bytes().to_vec(),
        "ISO-8859-1" => text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect::<Option<_>>()?,
        _ => return None,
    };
    Some(Value::from(STANDARD.encode(bytes)))
}
