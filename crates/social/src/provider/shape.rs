//! What each key of a provider's file is to be: a value of another type is named where it stands, and never taken for one that is not there.
//!
//! Easiest to break: a key that the reader reads has its row here. Without it `5` for a list of scopes asks for none, and nobody is told.

use serde_json::Value;

/// What a value is to be.
#[derive(Clone, Copy)]
enum Shape {
    /// A text.
    Text,
    /// A text, or a number that stands for one: ids of clients are numbers at some providers.
    Name,
    /// A text, or what IDM writes in the place of one that it encrypted.
    Secret,
    /// `true` or `false`, also as a text.
    Flag,
    /// `true` or `false`, and no text.
    Strict,
    /// A list of texts, or one text with spaces or commas between them.
    Scopes,
    /// A script: `{type, source}`, whose source is a text or a list of lines.
    Script,
    /// An object with these members among others.
    Object(&'static [Row]),
    /// A list of objects with these members among others.
    Rows(&'static [Row]),
    /// An object, whatever is in it.
    Members,
}

/// What a wrong value does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    /// The provider could not work without it, or would be weaker.
    Refused,
    /// What it says is left out.
    LeftOut,
}

use Means::{LeftOut, Refused};

/// A key, and what it is to be.
struct Row(&'static str, Shape, Means);

const SCRIPT: &[Row] = &[Row("type", Shape::Text, Refused)];
const MAPPED: &[Row] =
    &[Row("source", Shape::Text, Refused), Row("target", Shape::Text, Refused), Row("transform", Shape::Script, Refused)];
const BUTTON: &[Row] = &[
    Row("buttonDisplayName", Shape::Text, LeftOut),
    Row("buttonImage", Shape::Text, LeftOut),
    Row("iconClass", Shape::Text, LeftOut),
    Row("iconBackground", Shape::Text, LeftOut),
    Row("iconFontColor", Shape::Text, LeftOut),
    Row("buttonClass", Shape::Text, LeftOut),
    Row("buttonCustomStyle", Shape::Text, LeftOut),
    Row("buttonCustomStyleHover", Shape::Text, LeftOut),
];
const SCHEMA: &[Row] = &[Row("properties", Shape::Members, LeftOut)];
/// Keys that may also stand beside `vestibule`.
const OWN: &[Row] = &[
    Row("tokenEndpointAuthMethod", Shape::Text, Refused),
    Row("privateKey", Shape::Secret, Refused),
    Row("keyId", Shape::Text, Refused),
    Row("teamId", Shape::Text, Refused),
];
const OPTIONS: &[Row] = &[Row("confirmsMail", Shape::Strict, LeftOut)];

const FILE: &[Row] = &[
    Row("provider", Shape::Text, Refused),
    Row("name", Shape::Text, Refused),
    Row("enabled", Shape::Flag, Refused),
    Row("type", Shape::Text, Refused),
    Row("configClass", Shape::Text, Refused),
    Row("icon", Shape::Text, LeftOut),
    Row("displayIcon", Shape::Text, LeftOut),
    Row("uiConfig", Shape::Object(BUTTON), LeftOut),
    Row("authorizationEndpoint", Shape::Text, Refused),
    Row("authorization_endpoint", Shape::Text, Refused),
    Row("tokenEndpoint", Shape::Text, Refused),
    Row("token_endpoint", Shape::Text, Refused),
    Row("userInfoEndpoint", Shape::Text, Refused),
    Row("userinfo_endpoint", Shape::Text, Refused),
    Row("user_info_endpoint", Shape::Text, Refused),
    Row("wellKnownEndpoint", Shape::Text, Refused),
    Row("well-known", Shape::Text, Refused),
    Row("well_known_endpoint", Shape::Text, Refused),
    Row("discovery_url", Shape::Text, Refused),
    Row("jwksUriEndpoint", Shape::Text, Refused),
    Row("jwks_uri", Shape::Text, Refused),
    Row("endSessionEndpoint", Shape::Text, Refused),
    Row("end_session_endpoint", Shape::Text, Refused),
    Row("issuer", Shape::Text, Refused),
    Row("clientId", Shape::Name, Refused),
    Row("client_id", Shape::Name, Refused),
    Row("clientSecret", Shape::Secret, Refused),
    Row("client_secret", Shape::Secret, Refused),
    Row("scope", Shape::Scopes, Refused),
    Row("redirectUri", Shape::Text, Refused),
    Row("redirect_uri", Shape::Text, Refused),
    Row("basicAuth", Shape::Flag, Refused),
    Row("clientAuthenticationMethod", Shape::Text, Refused),
    Row("authenticationIdKey", Shape::Text, Refused),
    Row("authenticationId", Shape::Text, Refused),
    Row("apiVersion", Shape::Name, Refused),
    Row("schema", Shape::Object(SCHEMA), LeftOut),
    Row("propertyMap", Shape::Rows(MAPPED), Refused),
    Row("normalizationScript", Shape::Script, Refused),
    Row("vestibule", Shape::Object(OPTIONS), Refused),
];

/// A value of another type than is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// JSON pointer of the value inside of the file.
    pub pointer: String,
    /// The key of the file that it is, or is inside of; empty for the file.
    pub key: &'static str,
    /// What is wanted, and what is there.
    pub message: String,
    /// Whether nobody can sign in with the provider because of it; else what it says is left out.
    pub refuses: bool,
}

/// Every value of a provider's file that is of another type than its reader wants. A value that is null is not there.
pub(super) fn misfits(file: &Value) -> Vec<Misfit> {
    let mut found = Vec::new();
    if file.is_object() {
        let own = file.get("vestibule").unwrap_or(&Value::Null);
        members(file, "", FILE, None, &mut found);
        members(file, "", OWN, None, &mut found);
        members(own, "/vestibule", OWN, Some("vestibule"), &mut found);
    } else {
        found.push(misfit("", "", "an object", file, Refused));
    }
    found
}

fn misfit(pointer: &str, key: &'static str, wanted: &str, value: &Value, means: Means) -> Misfit {
    let there = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text that says something else",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Misfit { pointer: pointer.to_owned(), key, message: format!("{wanted} is wanted here, not {there}"), refuses: means == Refused }
}

/// Looks at the members of an object that stands at `pointer`, inside of the file's `key`.
fn members(object: &Value, pointer: &str, rows: &[Row], key: Option<&'static str>, found: &mut Vec<Misfit>) {
    for Row(name, shape, means) in rows {
        if let Some(value) = object.get(*name).filter(|value| !value.is_null()) {
            look(value, &format!("{pointer}/{name}"), (*shape, *means), key.unwrap_or(name), found);
        }
    }
}

fn look(value: &Value, pointer: &str, (shape, means): (Shape, Means), key: &'static str, found: &mut Vec<Misfit>) {
    let wanted = match shape {
        Shape::Text => (!value.is_string()).then_some("a text"),
        Shape::Name => (!value.is_string() && !value.is_number()).then_some("a text"),
        Shape::Secret => (!value.is_string() && value.get("$crypto").is_none()).then_some("a text, or an encrypted one"),
        Shape::Flag => as_flag(value).is_none().then_some("true or false"),
        Shape::Strict => (!value.is_boolean()).then_some("true or false, and no text of it,"),
        Shape::Scopes => match value {
            Value::Array(list) => return texts(list, pointer, means, key, found),
            other => (!other.is_string()).then_some("a list of texts"),
        },
        Shape::Script => {
            if value.is_object() {
                members(value, pointer, SCRIPT, Some(key), found);
                let given = |name: &str| value.get(name).filter(|given| !given.is_null());
                let at = |name: &str| format!("{pointer}/{name}");
                match (given("source").unwrap_or(&Value::Null), given("file")) {
                    (Value::String(_), _) | (Value::Null, Some(Value::String(_))) => {}
                    (Value::Null, Some(file)) => found.push(misfit(&at("file"), key, "a text", file, means)),
                    (Value::Array(lines), _) => texts(lines, &at("source"), means, key, found),
                    (other, _) => found.push(misfit(&at("source"), key, "a text, or a list of lines", other, means)),
                }
                return;
            }
            Some("a script {\"type\": \"text/javascript\", \"source\": …}")
        }
        Shape::Object(rows) => {
            if value.is_object() {
                return members(value, pointer, rows, Some(key), found);
            }
            Some("an object")
        }
        Shape::Members => (!value.is_object()).then_some("an object"),
        Shape::Rows(rows) => match value {
            Value::Array(list) => {
                for (index, row) in list.iter().enumerate() {
                    look(row, &format!("{pointer}/{index}"), (Shape::Object(rows), means), key, found);
                }
                return;
            }
            _ => Some("a list of {source, target}"),
        },
    };
    if let Some(wanted) = wanted {
        found.push(misfit(pointer, key, wanted, value, means));
    }
}

fn texts(list: &[Value], pointer: &str, means: Means, key: &'static str, found: &mut Vec<Misfit>) {
    for (index, value) in list.iter().enumerate().filter(|(_, value)| !value.is_string()) {
        found.push(misfit(&format!("{pointer}/{index}"), key, "a text", value, means));
    }
}

/// `true` or `false`, also as a text; nothing for what is neither.
pub(super) fn as_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::super::Provider;
    use super::*;

    fn file() -> Value {
        json!({
            "provider": "acme", "type": "OPENID_CONNECT", "clientId": "me", "clientSecret": "s", "redirectUri": "https://id.example/",
            "wellKnownEndpoint": "https://idp.example/.well-known/openid-configuration", "scope": ["openid"],
            "propertyMap": [{"source": "sub", "target": "id"}],
        })
    }

    /// The file with this value at this place; a last index of a list is appended.
    fn with(pointer: &str, value: &Value) -> Value {
        let mut file = file();
        let (parent, last) = pointer.rsplit_once('/').unwrap();
        let mut place = &mut file;
        for token in parent.split('/').skip(1) {
            place = match token.parse::<usize>() {
                Ok(index) => &mut place[index],
                Err(_) => &mut place[token],
            };
        }
        match (place, last.parse::<usize>()) {
            (Value::Array(list), Ok(_)) => list.push(value.clone()),
            (place, _) => place[last] = value.clone(),
        }
        file
    }

    /// Where a wrong value may stand, values that are wrong there, and what is said.
    fn table() -> Vec<(String, Vec<Value>, &'static str, bool)> {
        let mut rows = Vec::new();
        let (no_text, no_name) = (vec![json!(5), json!(true), json!([]), json!({})], vec![json!(true), json!([]), json!({})]);
        let texts = [
            "provider",
            "type",
            "configClass",
            "authorizationEndpoint",
            "authorization_endpoint",
            "tokenEndpoint",
            "token_endpoint",
            "userInfoEndpoint",
            "userinfo_endpoint",
            "user_info_endpoint",
            "wellKnownEndpoint",
            "well-known",
            "well_known_endpoint",
            "discovery_url",
            "jwksUriEndpoint",
            "jwks_uri",
            "endSessionEndpoint",
            "end_session_endpoint",
            "issuer",
            "redirectUri",
            "redirect_uri",
            "clientAuthenticationMethod",
            "authenticationIdKey",
            "authenticationId",
            "name",
            "tokenEndpointAuthMethod",
            "keyId",
            "teamId",
            "vestibule/tokenEndpointAuthMethod",
            "vestibule/keyId",
            "vestibule/teamId",
            "propertyMap/0/source",
            "propertyMap/0/target",
            "propertyMap/0/transform/type",
            "normalizationScript/type",
        ];
        rows.extend(texts.map(|key| (format!("/{key}"), no_text.clone(), "a text is wanted here", true)));
        let names = ["clientId", "client_id", "apiVersion"];
        rows.extend(names.map(|key| (format!("/{key}"), no_name.clone(), "a text is wanted here", true)));
        let secrets = ["clientSecret", "client_secret", "privateKey", "vestibule/privateKey"];
        rows.extend(secrets.map(|key| (format!("/{key}"), no_text.clone(), "a text, or an encrypted one is wanted here", true)));
        let no_flag = vec![json!(1), json!("yes"), json!("maybe"), json!(""), json!([]), json!({})];
        rows.extend(["enabled", "basicAuth"].map(|key| (format!("/{key}"), no_flag.clone(), "true or false is wanted here", true)));
        let no_strict = vec![json!("true"), json!("false"), json!(1), json!([true])];
        rows.push(("/vestibule/confirmsMail".to_owned(), no_strict, "true or false, and no text of it, is wanted here", false));
        let no_list = vec![json!(5), json!(true), json!({})];
        rows.push(("/scope".to_owned(), no_list, "a list of texts is wanted here", true));
        for list in ["/scope/1", "/normalizationScript/source/0", "/propertyMap/0/transform/source/0"] {
            rows.push((list.to_owned(), vec![json!(5), json!(["x"]), json!({}), Value::Null], "a text is wanted here", true));
        }
        let no_object = vec![json!(5), json!("x"), json!([]), json!(false)];
        rows.push(("/vestibule".to_owned(), no_object.clone(), "an object is wanted here", true));
        rows.push(("/propertyMap/1".to_owned(), no_object.clone(), "an object is wanted here", true));
        for decoration in ["/uiConfig", "/schema", "/schema/properties"] {
            rows.push((decoration.to_owned(), no_object.clone(), "an object is wanted here", false));
        }
        rows.push(("/propertyMap".to_owned(), vec![json!(5), json!("x"), json!({})], "a list of {source, target} is wanted here", true));
        for script in ["/normalizationScript", "/propertyMap/0/transform"] {
            rows.push((script.to_owned(), no_object.clone(), "a script {\"type\"", true));
        }
        for source in ["/normalizationScript/source", "/propertyMap/0/transform/source"] {
            rows.push((source.to_owned(), vec![json!(5), json!({}), Value::Null], "a text, or a list of lines is wanted here", true));
        }
        let looks = BUTTON.iter().map(|Row(name, ..)| format!("/uiConfig/{name}"));
        let looks = looks.chain(["/icon".to_owned(), "/displayIcon".to_owned()]);
        rows.extend(looks.map(|pointer| (pointer, no_text.clone(), "a text is wanted here", false)));
        rows
    }

    #[test]
    fn a_script_in_a_file_is_named_by_a_text() {
        for script in ["/normalizationScript", "/propertyMap/0/transform"] {
            let file = with(script, &json!({"type": "text/javascript", "file": 5}));
            let found = Provider::misfits(&file);
            assert_eq!(found.iter().map(|one| one.pointer.as_str()).collect::<Vec<_>>(), [format!("{script}/file")], "{found:?}");
        }
    }

    #[test]
    fn every_key_that_is_read_says_what_it_wants_where_something_else_stands() {
        let mut tried = BTreeSet::new();
        for (pointer, values, wanted, refuses) in table() {
            tried.insert(pointer.clone());
            for value in values {
                let mut file = with(&pointer, &value);
                if pointer.ends_with("/transform/type") || pointer.ends_with("Script/type") {
                    let script = pointer.strip_suffix("/type").unwrap();
                    file.pointer_mut(script).unwrap()["source"] = json!("({})");
                }
                let (script, line) = pointer.strip_suffix("/source/0").map_or(("", false), |script| (script, true));
                if line {
                    file.pointer_mut(script).unwrap()["source"] = json!([value]);
                }
                let found = Provider::misfits(&file);
                let [one] = found.as_slice() else { panic!("{pointer} {value}: {found:?}") };
                assert!(one.message.starts_with(wanted), "{pointer} {value}: {one:?}");
                assert_eq!((&one.pointer, one.refuses), (&pointer, refuses), "{value}");
                assert!(pointer[1..].starts_with(one.key), "{pointer}: {}", one.key);
                match Provider::read(&file) {
                    Ok(_) => assert!(!refuses, "{pointer} {value} is used"),
                    Err(flaws) => assert_eq!((refuses, flaws.iter().filter(|flaw| flaw.key == one.key).count()), (true, 1), "{flaws:?}"),
                }
                if refuses && ["/enabled", "/clientId"].contains(&pointer.as_str()) {
                    assert!(!Provider::is_meant(&file), "{pointer} {value}");
                }
            }
        }
        // Every row of the tables is tried.
        let under = |prefix: &str, rows: &[Row]| rows.iter().map(|Row(name, ..)| format!("{prefix}/{name}")).collect::<Vec<_>>();
        let rows = [
            under("", FILE),
            under("", OWN),
            under("/vestibule", OWN),
            under("/vestibule", OPTIONS),
            under("/uiConfig", BUTTON),
            under("/schema", SCHEMA),
            under("/propertyMap/0", MAPPED),
            under("/propertyMap/0/transform", SCRIPT),
            under("/normalizationScript", SCRIPT),
        ];
        let rows: BTreeSet<String> = rows.into_iter().flatten().collect();
        assert_eq!(rows.difference(&tried).collect::<Vec<_>>(), Vec::<&String>::new());
        for no_file in [json!(5), json!([]), json!("x"), Value::Null] {
            assert_eq!(Provider::misfits(&no_file).len(), 1, "{no_file}");
        }
    }

    #[test]
    fn what_real_files_hold_is_no_misfit() {
        let crypto = json!({"$crypto": {"type": "x-simple-encryption", "value": {}}});
        for (pointer, value) in [
            ("/clientId", json!(4_711)),
            ("/apiVersion", json!(5.73)),
            ("/clientSecret", crypto.clone()),
            ("/client_secret", crypto.clone()),
            ("/vestibule", json!({"privateKey": crypto, "confirmsMail": true})),
            ("/basicAuth", json!("False")),
            ("/enabled", json!("TRUE ")),
            ("/scope", json!("openid email")),
            ("/scope", json!([])),
            ("/uiConfig", json!({"buttonDisplayName": "x", "more": 5})),
            ("/schema", json!({"icon": 5})),
            ("/propertyMap", json!([])),
            ("/normalizationScript", json!({"type": "text/javascript", "source": ["a", "b"]})),
            ("/normalizationScript", json!({"type": "text/javascript", "file": "norm.js"})),
            ("/propertyMap/0/transform", json!({"type": "text/javascript", "source": null, "file": "upper.js"})),
            ("/pkceMethod", json!(5)),
        ] {
            assert_eq!(Provider::misfits(&with(pointer, &value)), [], "{pointer} {value}");
        }
        for Row(name, ..) in FILE {
            assert_eq!(Provider::misfits(&with(&format!("/{name}"), &Value::Null)), [], "{name} is not there");
        }
        // An id that is a number is that number.
        let provider = Provider::read(&with("/clientId", &json!(4_711))).unwrap();
        assert!(provider.client_id == "4711" && Provider::is_meant(&with("/clientId", &json!(4_711))));
    }
}
