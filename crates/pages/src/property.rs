//! Properties of objects as fields: how one looks, what it is called, which token of `autocomplete` it has.

use identity::{ObjectSchema, Policies};
use serde_json::{Value, json};

use crate::field::{Becomes, Choice, Field, Kind, Rule};
use crate::words::Words;

/// Tokens of `autocomplete` by the usual names of properties (HTML, "Autofill").
const AUTOCOMPLETE: [(&str, &str); 14] = [
    ("userName", "username"),
    ("givenName", "given-name"),
    ("sn", "family-name"),
    ("mail", "email"),
    ("telephoneNumber", "tel"),
    ("mobilePhone", "tel"),
    ("postalAddress", "street-address"),
    ("city", "address-level2"),
    ("stateProvince", "address-level1"),
    ("postalCode", "postal-code"),
    ("country", "country-name"),
    ("displayName", "name"),
    ("birthDate", "bday"),
    ("preferredLanguage", "language"),
];

/// The titles of the built-in user object. A project that left one has it in every language of ours.
const USUAL: [(&str, &str); 12] = [
    ("userName", "Username"),
    ("givenName", "First Name"),
    ("sn", "Last Name"),
    ("mail", "Email Address"),
    ("description", "Description"),
    ("displayName", "Display Name"),
    ("telephoneNumber", "Telephone Number"),
    ("postalAddress", "Address 1"),
    ("city", "City"),
    ("postalCode", "Postal Code"),
    ("country", "Country"),
    ("stateProvince", "State/Province"),
];

/// Most characters of a text that is shown in one line.
const ONE_LINE: i64 = 300;

/// The token of `autocomplete` for a property.
pub(crate) fn autocomplete(name: &str) -> &'static str {
    AUTOCOMPLETE.iter().find(|(known, _)| *known == name).map_or("", |(_, token)| token)
}

/// What a property is called: in our own words where the project left it its usual title, else as the project says.
pub(crate) fn label(name: &str, title: Option<&str>) -> Words {
    let usual = USUAL.iter().find(|(known, _)| *known == name).map(|(_, title)| *title);
    match (usual, title.filter(|title| !title.trim().is_empty())) {
        (Some(usual), title) if title.is_none_or(|title| title == usual) => Words::message(&format!("property-{name}")),
        (_, Some(title)) => Words::theirs(title),
        (_, None) => Words::theirs(name),
    }
}

/// A property as a field of this name. `schema` is its declaration, as clients read it.
pub(crate) fn of_schema(name: &str, property: &str, schema: &Value) -> Field {
    let text = |member: &str| schema.get(member).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let title = text("title").or_else(|| text("description"));
    let is = |kind: &str| schema.get("type").and_then(first) == Some(kind);
    let choices = choices(schema);
    let (kind, becomes) = if !choices.is_empty() && !is("array") {
        (Kind::Radios, if is("integer") || is("number") { Becomes::Json } else { Becomes::Text })
    } else if is("boolean") {
        (Kind::Checkbox, Becomes::Boolean)
    } else if is("integer") {
        (Kind::Number, Becomes::Integer)
    } else if is("number") {
        (Kind::Number, Becomes::Number)
    } else if is("array") {
        let inner = self::choices(schema.get("items").unwrap_or(&Value::Null));
        let of = schema.pointer("/items/type").map_or("string", |kind| first(kind).unwrap_or_default());
        match (inner.is_empty(), of) {
            (false, "integer" | "number") => (Kind::Checkboxes, Becomes::ChosenNumbers),
            (false, _) => (Kind::Checkboxes, Becomes::Chosen),
            (true, "string") => (Kind::Lines, Becomes::Lines),
            (true, "integer") => (Kind::Lines, Becomes::Integers),
            (true, "number") => (Kind::Lines, Becomes::Numbers),
            (true, _) => (Kind::Lines, Becomes::Json),
        }
    } else if is("object") {
        (Kind::Lines, Becomes::Json)
    } else {
        (text_kind(property, schema), Becomes::Text)
    };
    let mut field = Field::new(name, kind, label(property, title)).becomes(becomes).autocomplete(autocomplete(property));
    field.choices = if kind == Kind::Checkboxes { self::choices(schema.get("items").unwrap_or(&Value::Null)) } else { choices };
    if let Some(default) = schema.get("default") {
        field = with_value(field, default);
    }
    field
}

/// The type that a `type` names first, besides `null`.
fn first(types: &Value) -> Option<&str> {
    let some = types.as_array().map_or(std::slice::from_ref(types), Vec::as_slice);
    some.iter().filter_map(Value::as_str).find(|kind| *kind != "null")
}

fn text_kind(property: &str, schema: &Value) -> Kind {
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let is_long = schema.get("maxLength").and_then(Value::as_i64).is_some_and(|most| most > ONE_LINE) && property == "description";
    let policies = schema.get("policies").and_then(Value::as_array).into_iter().flatten();
    let policies: Vec<&str> = policies.filter_map(|policy| policy.get("policyId")?.as_str()).collect();
    match property {
        _ if property == "password" || format == "password" => Kind::Password,
        _ if property == "mail" || format == "email" || policies.contains(&"valid-email-address-format") => Kind::Email,
        _ if autocomplete(property) == "tel" || policies.contains(&"valid-phone-format") => Kind::Tel,
        _ if is_long || format == "textarea" => Kind::Lines,
        _ => Kind::Text,
    }
}

/// The choices of an enumeration, with the titles that the schema gives them.
fn choices(schema: &Value) -> Vec<Choice> {
    let values = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let titles = schema.pointer("/options/enum_titles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let choice = |(at, value): (usize, &Value)| {
        let sent = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let title = titles.get(at).and_then(Value::as_str).unwrap_or(&sent).to_owned();
        Choice { value: sent, label: Words::theirs(title), chosen: false }
    };
    values.iter().filter(|value| !value.is_null()).enumerate().map(|(at, value)| choice((at, value))).collect()
}

/// A field with a value that is there already.
pub(crate) fn with_value(mut field: Field, value: &Value) -> Field {
    match (field.kind, value) {
        (_, Value::Null) => {}
        (Kind::Checkbox, value) => {
            field.value = if *value == json!(true) || *value == json!("true") { "true".into() } else { String::new() }
        }
        (Kind::Radios | Kind::Checkboxes, value) => {
            let held: Vec<String> = match value {
                Value::Array(held) => held.iter().map(written).collect(),
                one => vec![written(one)],
            };
            for choice in &mut field.choices {
                choice.chosen = held.contains(&choice.value);
            }
        }
        (Kind::Lines, Value::Array(lines)) if matches!(field.becomes, Becomes::Lines | Becomes::Integers | Becomes::Numbers) => {
            field.value = lines.iter().map(written).collect::<Vec<_>>().join("\n");
        }
        // A field of one line would lose the others.
        (Kind::Text, Value::String(text)) if text.contains(['\n', '\r']) => {
            field.kind = Kind::Lines;
            field.value.clone_from(text);
        }
        (_, value) if !field.is_secret() => field.value = written(value),
        _ => {}
    }
    field
}

/// A value as it is read.
pub(crate) fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

/// The field of a property of an object that its owner may edit.
pub(crate) fn of_object(schema: &ObjectSchema, property: &identity::Property) -> Field {
    let mut field = of_schema(&property.name, &property.name, &property.raw);
    field.required = schema.requires(&property.name);
    field
}

/// What the policies ask of a password, as clients read it of a resource of the policy service: of the first property whose name has `password` in it, as
/// clients take it.
pub(crate) fn of_password(policies: &Policies, resource: &str) -> Value {
    policies.describe_first(resource, |name| name.contains("password")).unwrap_or_default()
}

/// The field of a new password, with what the server's policies ask of it ([`of_password`]).
pub(crate) fn new_password(name: &str, described: &Value) -> Field {
    let mut field = Field::new(name, Kind::Password, Words::message("new-password")).required().autocomplete("new-password");
    field.rules = rules(described);
    field
}

/// The requirements of a password.
fn rules(described: &Value) -> Vec<Rule> {
    let policies = described.get("policies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut rules: Vec<Rule> = Vec::new();
    for policy in policies {
        let params = policy.get("params").unwrap_or(&Value::Null);
        for requirement in policy.get("policyRequirements").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            let hidden = ["VALID_TYPE", "NOT_NULL", "REQUIRED", "UNKNOWN"].contains(&requirement);
            if !hidden && !rules.iter().any(|rule| rule.name == requirement) {
                rules.push(Rule { name: requirement.to_owned(), says: requirement_words(requirement, params) });
            }
        }
    }
    rules
}

/// What a requirement of a policy says. `params` are its own.
pub(crate) fn requirement_words(requirement: &str, params: &Value) -> Words {
    let mut words = Words::message(&format!("policy-{requirement}"));
    for (name, value) in params.as_object().into_iter().flatten() {
        let shown = match value {
            Value::Number(number) => Value::Number(number.clone()),
            // Numbers stand as texts in many files.
            Value::String(text) => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
            Value::Array(list) => json!(list.iter().map(written).collect::<Vec<_>>().join(" ")),
            other => json!(written(other)),
        };
        words.values.insert(name.clone(), shown);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_typed_as_what_is_in_it() {
        for (items, kind, becomes) in [
            (json!({"type": "string"}), Kind::Lines, Becomes::Lines),
            (json!({}), Kind::Lines, Becomes::Lines),
            (json!({"type": "number"}), Kind::Lines, Becomes::Numbers),
            (json!({"type": ["integer", "null"]}), Kind::Lines, Becomes::Integers),
            (json!({"type": "object"}), Kind::Lines, Becomes::Json),
            (json!({"type": "number", "enum": [1, 2]}), Kind::Checkboxes, Becomes::ChosenNumbers),
            (json!({"type": "string", "enum": ["1", "2"]}), Kind::Checkboxes, Becomes::Chosen),
        ] {
            let field = of_schema("x", "x", &json!({"type": "array", "items": items}));
            assert_eq!((field.kind, &field.becomes), (kind, &becomes), "{items}");
            let held = with_value(field, &json!([1, 2]));
            let shown = (becomes != Becomes::Json).then_some("1\n2").filter(|_| held.choices.is_empty());
            assert!(shown.is_none_or(|shown| held.value == shown) && held.choices.iter().all(|choice| choice.chosen), "{held:?}");
        }
    }

    #[test]
    fn a_text_that_has_lines_is_shown_with_all_of_them() {
        let of = |schema: Value| of_schema("x", "description", &schema);
        assert_eq!(of(json!({"type": "string", "maxLength": 2000})).kind, Kind::Lines);
        assert_eq!(of(json!({"type": "string", "format": "textarea"})).kind, Kind::Lines);
        let plain = || of(json!({"type": "string"}));
        assert_eq!((plain().kind, with_value(plain(), &json!("one")).kind), (Kind::Text, Kind::Text));
        let held = with_value(plain(), &json!("one\ntwo"));
        assert_eq!((held.kind, held.value.as_str()), (Kind::Lines, "one\ntwo"));
    }
}
