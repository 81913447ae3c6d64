//! Secrets in configuration never leave; in their place stands a marker that means "keep it" when it comes back.
//!
//! Easiest to get wrong: a marker is good only where a secret may stand. Otherwise a patch could move it to a place that is shown.

use crest::ResourceError;
use serde_json::{Map, Value, json};

/// The marker's type; clients of IDM know `$crypto` objects as values that cannot be read.
const WITHHELD: &str = "withheld";
const CRYPTO: &str = "$crypto";

/// Whether the value of a key is a secret.
fn is_secret(key: &str) -> bool {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    ["password", "secret", "secretkey", "passphrase", "privatekey", "apikey"].iter().any(|end| key.ends_with(end))
}

/// A text that names a secret of the environment is none itself, unless it carries a default.
fn is_reference(text: &str) -> bool {
    text.strip_prefix("&{").and_then(|rest| rest.strip_suffix('}')).is_some_and(|name| !name.contains(['{', '}', '|']))
}

/// The content with every secret replaced by its marker.
pub(crate) fn mask(content: &Value) -> Value {
    masked(content, "")
}

fn masked(content: &Value, pointer: &str) -> Value {
    match content {
        Value::Object(members) => {
            let mask = |(key, value): (&String, &Value)| {
                let below = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                let hidden = match value {
                    Value::String(text) => is_secret(key) && !text.is_empty() && !is_reference(text),
                    Value::Object(members) => members.contains_key(CRYPTO),
                    _ => false,
                };
                (key.clone(), if hidden { json!({CRYPTO: {"type": WITHHELD, "value": below}}) } else { masked(value, &below) })
            };
            Value::Object(members.iter().map(mask).collect())
        }
        Value::Array(elements) => elements.iter().enumerate().map(|(index, value)| masked(value, &format!("{pointer}/{index}"))).collect(),
        other => other.clone(),
    }
}

/// The content with every marker replaced by what it stands for in `stored`.
///
/// # Errors
/// 400 for a marker where no secret stands, or that stands for none.
pub(crate) fn unmask(content: Value, stored: &Value) -> Result<Value, ResourceError> {
    match content {
        Value::Object(members) => {
            let mut result = Map::new();
            for (key, value) in members {
                let value = match marker(&value) {
                    None => unmask(value, stored)?,
                    Some(pointer) => kept(&key, pointer, stored)?,
                };
                result.insert(key, value);
            }
            Ok(Value::Object(result))
        }
        Value::Array(elements) => {
            if elements.iter().any(|element| marker(element).is_some()) {
                return Err(ResourceError::bad_request("A value that is withheld cannot stand in a list"));
            }
            elements.into_iter().map(|element| unmask(element, stored)).collect()
        }
        other => Ok(other),
    }
}

fn marker(value: &Value) -> Option<&str> {
    let crypto = value.get(CRYPTO)?;
    if crypto.get("type")?.as_str()? == WITHHELD { crypto.get("value").and_then(Value::as_str) } else { None }
}

fn kept(key: &str, pointer: &str, stored: &Value) -> Result<Value, ResourceError> {
    let refused = || ResourceError::bad_request(format!("There is no withheld value to keep at '{key}'"));
    let found = stored.pointer(pointer).ok_or_else(refused)?;
    let own = pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
    let encrypted = found.get(CRYPTO).is_some();
    if (is_secret(key) && is_secret(&own)) || (encrypted && own == key) { Ok(found.clone()) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stored() -> Value {
        json!({
            "host": "mail.example.test",
            "auth": {"username": "u", "password": "hunter2"},
            "other": {"password": "&{mail.password}", "clientSecret": "&{x|hunter2}", "recaptchaSecretKey": ""},
            "stageConfigs": [{"name": "captcha", "recaptchaSecretKey": "hunter2"}, {"identityPasswordField": "password"}],
            "x": {"$crypto": {"type": "x-simple-encryption", "value": {}}},
        })
    }

    #[test]
    fn secrets_are_withheld_and_come_back_where_they_were() {
        let shown = mask(&stored());
        assert!(!shown.to_string().contains("hunter2"), "{shown}");
        assert_eq!(shown["other"]["password"], "&{mail.password}");
        assert_eq!(shown["stageConfigs"][1]["identityPasswordField"], "password");
        assert_eq!(unmask(shown.clone(), &stored()).unwrap(), stored());
        let mut moved = shown;
        moved["stageConfigs"].as_array_mut().unwrap().reverse();
        assert_eq!(unmask(moved, &stored()).unwrap()["stageConfigs"][1]["recaptchaSecretKey"], "hunter2");
    }

    #[test]
    fn a_marker_gives_no_secret_to_a_place_that_is_shown() {
        let marker = |pointer: &str| json!({CRYPTO: {"type": WITHHELD, "value": pointer}});
        for (key, pointer) in
            [("message", "/auth/password"), ("password", "/host"), ("password", "/nothing"), ("host", "/x"), ("password", "")]
        {
            assert_eq!(unmask(json!({ key: marker(pointer) }), &stored()).unwrap_err().code, 400, "{key} {pointer}");
        }
        assert_eq!(unmask(json!({ "a": [marker("/auth/password")] }), &stored()).unwrap_err().code, 400);
    }

    proptest! {
        #[test]
        fn what_is_masked_is_unmasked_to_itself(host in ".{0,8}", password in "[a-z]{1,8}", depth in 0_usize..4) {
            let value = (0..depth).fold(json!({"host": host, "password": password}), |inner, _| json!({"a/b~": inner, "list": [1, inner]}));
            prop_assert_eq!(unmask(mask(&value), &value).unwrap(), value);
        }
    }
}
