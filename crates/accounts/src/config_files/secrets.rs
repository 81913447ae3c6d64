//! Secrets in configuration never leave; in their place stands a marker that means "keep it" when it comes back.
//!
//! Easiest to get wrong: a marker is good only where its secret stood, beside the addresses that it stood beside. Otherwise a patch could
//! move it to a place that is shown, or have it sent to somebody else.

use crest::ResourceError;
use serde_json::{Map, Value, json};

/// The marker's type; clients of IDM know `$crypto` objects as values that cannot be read.
const WITHHELD: &str = "withheld";
const CRYPTO: &str = "$crypto";
/// How the names of keys end whose values are secrets. A connector of IDM has its password in `credentials`.
const SECRETS: [&str; 11] = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "secretkey",
    "passphrase",
    "privatekey",
    "apikey",
    "accesstoken",
    "refreshtoken",
    "credentials",
];

/// Whether the value of a key is a secret.
fn is_secret(key: &str) -> bool {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    SECRETS.iter().any(|end| key.ends_with(end))
}

/// A property in a list, `mail.smtp.password=…`, whose name says that its value is a secret.
fn has_secret(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, value)| is_secret(name.trim()) && !value.trim().is_empty() && !is_reference(value.trim()))
}

/// Whether the value of a secret's key says the secret itself: a text, a number, or a typed expression, `{"$string": "…"}`.
fn says_it(value: &Value) -> bool {
    match value {
        // `allowCredentials` of a filter is a switch, also where it is a text.
        Value::String(text) => !text.is_empty() && !is_reference(text) && !matches!(text.as_str(), "true" | "false"),
        Value::Number(_) => true,
        Value::Object(members) => {
            let mut members = members.iter();
            matches!((members.next(), members.next()), (Some((name, inner)), None) if name.starts_with('$') && name != CRYPTO && says_it(inner))
        }
        _ => false,
    }
}

/// A text that names a secret of the environment is none itself, unless it carries a default.
fn is_reference(text: &str) -> bool {
    text.strip_prefix("&{").and_then(|rest| rest.strip_suffix('}')).is_some_and(|name| !name.contains(['{', '}', '|']))
}

/// The content with every secret replaced by its marker.
pub fn mask(content: &Value) -> Value {
    masked(content, "")
}

fn masked(content: &Value, pointer: &str) -> Value {
    let withheld = |below: &str| json!({CRYPTO: {"type": WITHHELD, "value": below}});
    let encrypted = |value: &Value| value.as_object().is_some_and(|members| members.contains_key(CRYPTO));
    match content {
        Value::Object(members) => {
            let mask = |(key, value): (&String, &Value)| {
                let below = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                let hidden = encrypted(value) || (is_secret(key) && says_it(value));
                (key.clone(), if hidden { withheld(&below) } else { masked(value, &below) })
            };
            Value::Object(members.iter().map(mask).collect())
        }
        Value::Array(elements) => {
            let mask = |(index, value): (usize, &Value)| {
                let below = format!("{pointer}/{index}");
                let hidden = encrypted(value) || value.as_str().is_some_and(has_secret);
                if hidden { withheld(&below) } else { masked(value, &below) }
            };
            elements.iter().enumerate().map(mask).collect()
        }
        other => other.clone(),
    }
}

/// The secrets of a content, by the places where their markers stand.
pub(super) fn withheld(content: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    find_markers(&masked(content, ""), &mut found);
    found.into_iter().filter_map(|pointer| Some((content.pointer(&pointer)?, pointer))).map(|(value, pointer)| (pointer, value)).collect()
}

fn find_markers(shown: &Value, found: &mut Vec<String>) {
    if let Some(pointer) = marker(shown) {
        found.push(pointer.to_owned());
        return;
    }
    match shown {
        Value::Object(members) => members.values().for_each(|value| find_markers(value, found)),
        Value::Array(elements) => elements.iter().for_each(|value| find_markers(value, found)),
        _ => {}
    }
}

/// The content with every marker replaced by what it stands for in `stored`.
///
/// # Errors
/// 400 for a marker that stands for no secret, that was moved to another place, or beside which an address has changed: a secret is sent
/// to the address that it was given for and to no other.
pub fn unmask(content: Value, stored: &Value) -> Result<Value, ResourceError> {
    let whole = Whole { wanted: content.clone(), stored };
    whole.unmasked(content, &mut Vec::new())
}

/// Both versions of a file, from their roots.
struct Whole<'s> {
    wanted: Value,
    stored: &'s Value,
}

impl Whole<'_> {
    fn unmasked(&self, content: Value, at: &mut Vec<String>) -> Result<Value, ResourceError> {
        if let Some(pointer) = marker(&content) {
            return self.kept(at, pointer);
        }
        match content {
            Value::Object(members) => {
                let mut result = Map::new();
                for (key, value) in members {
                    at.push(key.clone());
                    result.insert(key, self.unmasked(value, at)?);
                    at.pop();
                }
                Ok(Value::Object(result))
            }
            Value::Array(elements) => {
                let mut result = Vec::with_capacity(elements.len());
                for (index, value) in elements.into_iter().enumerate() {
                    at.push(index.to_string());
                    result.push(self.unmasked(value, at)?);
                    at.pop();
                }
                Ok(Value::Array(result))
            }
            other => Ok(other),
        }
    }

    fn kept(&self, at: &[String], pointer: &str) -> Result<Value, ResourceError> {
        let key = at.last().map(String::as_str).unwrap_or_default();
        let refused = || ResourceError::bad_request(format!("There is no withheld value to keep at '{key}'"));
        let found = self.stored.pointer(pointer).ok_or_else(refused)?;
        let from: Vec<String> = pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
        let told = found.get(CRYPTO).is_some() || found.as_str().is_some_and(has_secret);
        if !told && !from.last().is_some_and(|own| is_secret(own)) {
            return Err(refused());
        }
        let (wanted, stored) = (way(&self.wanted, at), way(self.stored, &from));
        // An element may stand at another place of its list.
        let same_place = at.len() == from.len()
            && at
                .iter()
                .zip(&from)
                .zip(wanted.iter().zip(&stored))
                .all(|((here, there), (wanted, stored))| here == there || (wanted.is_array() && stored.is_array()));
        if !same_place {
            return Err(ResourceError::bad_request(format!("The withheld value of '{pointer}' cannot be moved to another place")));
        }
        let unchanged = wanted.iter().zip(&stored).all(|(wanted, stored)| wanted.is_array() || addresses(wanted) == addresses(stored));
        if !unchanged {
            return Err(ResourceError::bad_request(format!(
                "An address beside the withheld value of '{pointer}' has changed, so it is not kept: send the value itself"
            )));
        }
        Ok(found.clone())
    }
}

/// What holds a place, from the root inwards.
fn way<'v>(root: &'v Value, tokens: &[String]) -> Vec<&'v Value> {
    let mut place = Some(root);
    let mut way = Vec::with_capacity(tokens.len());
    for token in tokens {
        let Some(holder) = place else { break };
        way.push(holder);
        place = match holder {
            Value::Array(elements) => token.parse::<usize>().ok().and_then(|index| elements.get(index)),
            other => other.get(token),
        };
    }
    way
}

/// The names of keys that say where something is.
const ADDRESSES: [&str; 9] = ["host", "hostname", "url", "uri", "endpoint", "server", "address", "port", "issuer"];

/// Everything in a value that says where something is, but for what stands in lists of objects: these have secrets of their own.
fn addresses(value: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    gather(value, "", &mut found);
    found.sort_by(|left, right| left.0.cmp(&right.0).then_with(|| left.1.to_string().cmp(&right.1.to_string())));
    found
}

fn gather(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) if members.contains_key(CRYPTO) => {}
        Value::Object(members) => {
            for (key, value) in members {
                gather(value, &format!("{path}/{key}"), found);
            }
        }
        Value::Array(elements) => {
            let told = |element: &Value| element.as_str().is_some_and(has_secret);
            let plain = elements.iter().filter(|element| !element.is_object() && !element.is_array() && !told(element));
            plain.for_each(|element| gather(element, path, found));
        }
        Value::String(_) | Value::Number(_) => {
            let key = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
            let text = value.as_str().unwrap_or_default();
            let named = ADDRESSES.iter().any(|end| key.ends_with(end));
            // A property in a list, `mail.smtp.proxy.host=…`, or a whole address in a text.
            if named
                || text.contains("://")
                || ["host=", "port=", "proxy", "socks"].iter().any(|part| text.to_ascii_lowercase().contains(part))
            {
                found.push((path.to_owned(), value.clone()));
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn marker(value: &Value) -> Option<&str> {
    let crypto = value.get(CRYPTO)?;
    if crypto.get("type")?.as_str()? == WITHHELD { crypto.get("value").and_then(Value::as_str) } else { None }
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
    fn a_secret_is_withheld_in_every_form_that_a_file_may_give_it() {
        let stored = json!({
            "smtpProperties": ["mail.smtp.proxy.host=proxy.example.test", "mail.smtp.proxy.password=hunter2", "mail.smtp.password=&{name}"],
            "auth": {"password": {"$string": "hunter2"}, "clientSecret": {"$string": "&{named}"}, "pwd": 4711},
            "configurationProperties": {"credentials": "hunter2", "principal": "cn=idm"},
            "initParams": {"allowCredentials": "true"},
        });
        let shown = mask(&stored);
        assert!(!shown.to_string().contains("hunter2") && !shown.to_string().contains("4711"), "{shown}");
        assert_eq!(
            (&shown["smtpProperties"][0], &shown["smtpProperties"][2]),
            (&stored["smtpProperties"][0], &stored["smtpProperties"][2])
        );
        assert_eq!((&shown["auth"]["clientSecret"], &shown["initParams"]), (&stored["auth"]["clientSecret"], &stored["initParams"]));
        assert_eq!(unmask(shown.clone(), &stored).unwrap(), stored);
        let mut elsewhere = shown.clone();
        elsewhere["smtpProperties"][0] = json!("mail.smtp.proxy.host=elsewhere.example.test");
        assert_eq!(unmask(elsewhere, &stored).unwrap_err().code, 400);
        let mut moved = shown;
        moved["note"] = moved["smtpProperties"][1].clone();
        assert_eq!(unmask(moved, &stored).unwrap_err().code, 400);
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

    #[test]
    fn a_secret_stays_where_it_is_and_with_its_address() {
        let shown = mask(&stored());
        let change = |change: &dyn Fn(&mut Value)| {
            let mut wanted = shown.clone();
            change(&mut wanted);
            unmask(wanted, &stored())
        };
        let marker = || json!({CRYPTO: {"type": WITHHELD, "value": "/auth/password"}});
        for refused in [
            change(&|wanted| wanted["host"] = json!("other.example.test")),
            change(&|wanted| wanted["proxy"] = json!({"url": "https://other.example.test"})),
            change(&|wanted| wanted["smtpProperties"] = json!(["mail.smtp.proxy.host=other.example.test"])),
            change(&|wanted| wanted["uiConfig"] = json!({"password": marker()})),
            change(&|wanted| wanted["other"]["password"] = marker()),
            change(&|wanted| wanted["stageConfigs"][0]["recaptchaUri"] = json!("https://other.example.test")),
        ] {
            assert_eq!(refused.unwrap_err().code, 400);
        }
        for allowed in [
            change(&|wanted| wanted["auth"]["username"] = json!("v")),
            change(&|wanted| wanted["stageConfigs"][1]["verificationLink"] = json!("https://other.example.test")),
            change(&|wanted| {
                wanted["host"] = json!("other.example.test");
                wanted["auth"]["password"] = json!("new");
                wanted["stageConfigs"][0]["recaptchaSecretKey"] = json!("new");
                wanted["other"]["clientSecret"] = json!("new");
                wanted["x"] = json!("new");
            }),
        ] {
            allowed.unwrap();
        }
        let list = json!({"values": [{CRYPTO: {"type": "x", "value": 1}}]});
        assert!(!mask(&list).to_string().contains("\"x\""));
        assert_eq!(unmask(mask(&list), &list).unwrap(), list);
    }

    proptest! {
        #[test]
        fn what_is_masked_is_unmasked_to_itself(host in ".{0,8}", password in "[a-z]{1,8}", depth in 0_usize..4) {
            let value = (0..depth).fold(json!({"host": host, "password": password}), |inner, _| json!({"a/b~": inner, "list": [1, inner]}));
            prop_assert_eq!(unmask(mask(&value), &value).unwrap(), value);
        }
    }
}
