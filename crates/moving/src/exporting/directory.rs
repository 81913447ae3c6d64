//! People as entries for a directory: the attributes of `inetOrgPerson` (RFC 2798), and passwords in the schemes that directories know.
//!
//! Easiest to break: somebody who may not sign in. Each directory has another attribute that says so; their entry has no password instead.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use store::Db;

use super::{ExportError, Exported, each, members};

/// Properties, and the attributes that they become; more than one value where the property has more.
const ATTRIBUTES: [(&str, &str); 12] = [
    ("userName", "uid"),
    ("givenName", "givenName"),
    ("sn", "sn"),
    ("displayName", "displayName"),
    ("mail", "mail"),
    ("telephoneNumber", "telephoneNumber"),
    ("postalAddress", "street"),
    ("city", "l"),
    ("stateProvince", "st"),
    ("postalCode", "postalCode"),
    ("description", "description"),
    ("preferredLocale", "preferredLanguage"),
];

/// Of these, the properties whose attribute has one value (RFC 2798 section 2).
const SINGLE: [&str; 2] = ["displayName", "preferredLocale"];

/// Hashes that a directory knows by a scheme of its own.
const SCHEMES: [(&str, &str); 6] =
    [("$argon2", "{ARGON2}"), ("$2", "{CRYPT}"), ("$5$", "{CRYPT}"), ("$6$", "{CRYPT}"), ("$1$", "{CRYPT}"), ("{", "")];

pub(super) async fn export(db: &Db, collection: &str, base: &str, to: &mut (impl Write + Send)) -> Result<Exported, ExportError> {
    if !is_name(base) {
        return Err(ExportError::Base(base.to_owned()));
    }
    let mut exported = Exported::default();
    to.write_all(b"version: 1\n")?;
    let people = each(db, collection, |object| {
        let (entry, left_out) = entry(&Value::Object(members(object)), base);
        for what in left_out {
            *exported.left_out.entry(format!("{collection}/{what}")).or_default() += 1;
        }
        Ok(to.write_all(entry.as_bytes())?)
    });
    exported.objects = people.await?;
    Ok(exported)
}

/// Whether this is a name as RFC 4514 section 3 writes it: parts with a `=`, and between them commas that are not escaped.
fn is_name(base: &str) -> bool {
    let bare = base.replace("\\\\", "__").replace("\\,", "__");
    let mut parts = bare.split(',').map(|part| part.split_once('='));
    parts.all(|part| part.is_some_and(|(name, value)| !name.trim().is_empty() && !value.trim().is_empty()))
        && !bare.ends_with('\\')
        && !base.chars().any(char::is_control)
}

/// The texts of a list that has nothing else.
fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

/// The entry of a person, and what of them it has no place for.
fn entry(person: &Value, base: &str) -> (String, Vec<String>) {
    let is_active = identity::is_active(person);
    let members = person.as_object();
    let text = |name: &str| person.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("_id").unwrap_or_default();
    let uid = text("userName").unwrap_or(id);
    let sn = text("sn").unwrap_or(uid);
    let cn = text("displayName")
        .map_or_else(|| [text("givenName"), Some(sn)].into_iter().flatten().collect::<Vec<_>>().join(" "), str::to_owned);
    let mut lines = "\n".to_owned();
    let mut add = |name: &str, value: &str| {
        lines += name;
        lines += &written(value);
    };
    add("dn", &format!("uid={},{base}", escaped(uid)));
    for class in ["top", "person", "organizationalPerson", "inetOrgPerson"] {
        add("objectClass", class);
    }
    add("cn", &cn);
    for (required, value) in [("userName", uid), ("sn", sn)] {
        if text(required).is_none() {
            add(if required == "sn" { "sn" } else { "uid" }, value);
        }
    }
    let mut left_out = Vec::new();
    for (name, value) in members.into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let attribute = ATTRIBUTES.iter().find(|(property, _)| property == name);
        match (attribute, value, name.as_str()) {
            (_, Value::String(text), _) if text.is_empty() => {}
            (Some((_, attribute)), Value::String(text), _) => add(attribute, text),
            (Some((property, attribute)), Value::Array(values), _)
                if texts(value).is_some() && (values.len() < 2 || !SINGLE.contains(property)) =>
            {
                texts(value).unwrap_or_default().into_iter().filter(|text| !text.is_empty()).for_each(|text| add(attribute, text));
            }
            (None, Value::String(hash), "password") => match SCHEMES.iter().find(|(begins, _)| hash.starts_with(begins)) {
                _ if !is_active => {
                    left_out.push("password: of somebody who may not sign in".to_owned());
                }
                Some((_, scheme)) => add("userPassword", &format!("{scheme}{hash}")),
                None => left_out.push("password: a form that directories do not know".to_owned()),
            },
            (None, _, "password") => left_out.push("password: a form that directories do not know".to_owned()),
            (_, _, "_id" | "_rev" | "accountStatus") => {}
            _ => left_out.push(name.clone()),
        }
    }
    (lines, left_out)
}

/// What stands behind the name of an attribute (RFC 2849, `value-spec`): the text, or its base64 where it is none that every reader takes.
fn written(value: &str) -> String {
    let is_safe = value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !value.starts_with([' ', ':', '<']) && !value.ends_with(' ');
    if is_safe { format!(": {value}\n") } else { format!(":: {}\n", STANDARD.encode(value)) }
}

/// A value within a name (RFC 4514 section 2.4).
fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::with_capacity(value.len());
    for (at, character) in value.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '=' => text.extend(['\\', character]),
            ' ' | '#' if at == 0 => text.extend(['\\', character]),
            ' ' if at == last => text.push_str("\\ "),
            '\0' => text.push_str("\\00"),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::mapping::Mapping;
    use crate::record::Read;
    use crate::sources::ldif;

    fn person(more: &Value) -> Value {
        let mut person = json!({ "_id": "1", "_rev": "2", "userName": "a,nn=", "sn": "Östby", "givenName": "Ann", "mail": "ann@example.test",
            "accountStatus": "active", "password": "$argon2id$v=19$x", "kbaInfo": [{}], "description": " <two\nlines" });
        for (name, value) in more.as_object().unwrap() {
            person[name] = value.clone();
        }
        person
    }

    #[test]
    fn an_entry_says_what_it_can_and_names_the_rest() {
        let (text, left_out) = entry(&person(&json!({})), "ou=people,dc=example");
        assert!(text.starts_with("\ndn: uid=a\\,nn\\=,ou=people,dc=example\nobjectClass: top\n"), "{text}");
        assert!(text.contains("\nuserPassword: {ARGON2}$argon2id$v=19$x\n") && text.contains("\nsn:: w5ZzdGJ5\n"), "{text}");
        assert_eq!(left_out, ["kbaInfo"]);
        let (read, rest) = {
            let mut read = ldif::read(text.as_bytes(), "people.ldif".into(), Arc::new(Mapping::default()));
            (read.next(), read.next())
        };
        let Some(Ok(Read::Record(record))) = read else { panic!("{read:?} of {text}") };
        assert!(rest.is_none());
        for name in ["userName", "sn", "givenName", "mail", "description"] {
            assert_eq!(record.content.get(name), person(&json!({})).get(name), "{name}");
        }
    }

    #[test]
    fn lists_are_several_values_where_an_attribute_has_them() {
        let more = json!({ "telephoneNumber": ["1", "2"], "displayName": ["A", "B"], "city": ["Oslo", 1], "kbaInfo": null });
        let (text, left_out) = entry(&person(&more), "dc=example");
        assert!(text.contains("\ntelephoneNumber: 1\ntelephoneNumber: 2\n"), "{text}");
        assert_eq!(left_out, ["displayName", "city"], "{text}");
    }

    #[test]
    fn a_base_may_have_escaped_commas() {
        for good in ["dc=example", "ou=people,dc=example", "o=Example\\, Inc.,c=NO", "o=a\\\\,c=NO", "o=a\\2cb,c=NO"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "people", "ou=people,", "o=a\\\\,b", "ou=,dc=x", "o=a\\", "o=a\nb=c"] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn nobody_who_may_not_sign_in_has_a_password() {
        for status in [json!("inactive"), json!(""), json!("1"), json!(1), json!(false), json!(["active"])] {
            let (text, left_out) = entry(&person(&json!({ "accountStatus": status, "kbaInfo": null })), "dc=example");
            assert!(!text.contains("userPassword") && left_out == ["password: of somebody who may not sign in"], "{text} {left_out:?}");
        }
        for status in [json!("active"), json!("Active"), json!(null)] {
            let (text, left_out) = entry(&person(&json!({ "accountStatus": status, "kbaInfo": null })), "dc=example");
            assert!(text.contains("\nuserPassword: {ARGON2}") && left_out.is_empty(), "{text} {left_out:?}");
        }
        let hash = json!({ "$crypto": { "type": "salted-hash", "value": {} } });
        let (_, left_out) = entry(&person(&json!({ "password": hash, "kbaInfo": null })), "dc=example");
        assert_eq!(left_out, ["password: a form that directories do not know"]);
    }
}
