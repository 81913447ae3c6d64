//! The fields of a stage, from the requirements that every client reads (docs/protocol/stages.md). Members that stages have in common are
//! known by their names; whatever else a stage asks is a form made from its JSON Schema.
//!
//! Easiest to break: no stage is asked for by its type here. One that nobody has heard of, and a conditional one that shows whatever is nested
//! in it, are answered like any other.

use identity::{ObjectSchema, html};
use serde_json::{Map, Value, json};

use crate::by_provider::SEND_CODE;
use crate::captcha::WIDGETS;
use crate::field::{Becomes, Choice, Field, Kind, OWN_QUESTION};
use crate::property::{label, new_password, of_object, of_schema, with_value, written};
use crate::words::Words;

/// What the fields of a stage depend on besides its requirements.
pub(crate) struct Known<'a> {
    /// The languages of the person, best first.
    pub(crate) locales: &'a [String],
    /// The project's own language.
    pub(crate) default_locale: &'a str,
    /// The properties an account is found by in this process.
    pub(crate) query_fields: Vec<String>,
    /// The type of the people of this process.
    pub(crate) schema: Option<&'a ObjectSchema>,
    /// What the policies of the process ask of a password; only who sets one asks.
    pub(crate) password: &'a dyn Fn() -> Value,
}

/// The text that comes with a question: terms, a declaration of consent.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Document {
    /// The text: HTML, with nothing in it that acts.
    pub html: String,
    /// The member it is of: `terms`, `consent`.
    pub name: String,
}

/// Controls of ours in a form that asks what a stage asks, besides those that begin with `form_`.
const OURS: [&str; 6] = ["at", "again", "skip", "confirm", SEND_CODE, "who"];

/// Properties that are one person's name among others; any of them finds an account.
const IDENTIFIERS: [&str; 6] = ["userName", "mail", "email", "telephoneNumber", "employeeNumber", "uid"];

/// The fields that requirements ask for.
pub(crate) fn fields(requirements: &Value, known: &Known<'_>) -> Vec<Field> {
    let mut fields = Vec::new();
    let registration = requirements.get("registrationProperties");
    if let Some(registration) = registration {
        registered(&mut fields, requirements, registration, known);
    }
    if let Some(attributes) = requirements.get("attributes").and_then(Value::as_array) {
        fields.extend(attributes.iter().filter_map(attribute));
    }
    let properties = requirements.get("properties").and_then(Value::as_object);
    let has = |name: &str| properties.is_some_and(|all| all.contains_key(name));
    // What a client fetched from an identity provider, and nobody types.
    let by_provider = has("provider") && has("redirect_uri");
    for (name, schema) in properties.into_iter().flatten() {
        let required = requires(requirements, name);
        // A stage of the project's own may call anything as ours call theirs: these are known where they have the shape of ours, too.
        let is = |kind: &str| schema.get("type").is_none_or(|given| given == kind);
        let is_bare = is("string") && ["title", "enum", "oneOf", "default"].iter().all(|member| schema.get(member).is_none());
        match name.as_str() {
            "user" if registration.is_some() => {}
            "user" if is("object") && schema.get("properties").is_none() => person(&mut fields, schema, known),
            "kba" if schema.get("questions").is_some() => questions(&mut fields, schema, known),
            "accept" if is_bare => fields.push(agreement(name, "accept-terms")),
            "consentGiven" if is_bare => fields.push(agreement(name, "give-consent")),
            "response" if schema.get("recaptchaSiteKey").is_some() => fields.push(captcha(schema)),
            "queryFilter" if is_bare => query(&mut fields, known),
            "provider" | "code" | "nonce" | "redirect_uri" if by_provider => {}
            "code" if is_bare && required => fields.push(code()),
            "mail" if is_bare && required => fields.push(mail()),
            // Beside an account elsewhere, which nobody types, it is that of an account which is there already.
            "password" if is_bare && has("clientToken") => {
                fields.push(Field::new(name, Kind::Password, Words::message("password")).required().autocomplete("current-password"));
            }
            "password" if is_bare => fields.push(new_password("password", &(known.password)())),
            "clientToken" => {}
            SEND_CODE if has("clientToken") => {}
            _ if schema.get("systemQuestion").is_some() || schema.get("userQuestion").is_some() => fields.push(answer(name, schema, known)),
            _ => generic(&mut fields, name, schema, required, ""),
        }
    }
    let preferences = requirements.get("registrationPreferences").and_then(Value::as_object);
    for (at, (name, schema)) in preferences.into_iter().flatten().enumerate() {
        let title = schema.get("description").and_then(Value::as_str).unwrap_or(name);
        let mut field = Field::new(&format!("preferences.{name}"), Kind::Checkbox, preference_label(name, title)).becomes(Becomes::Boolean);
        if at == 0 {
            field.group = Words::message("preferences");
        }
        fields.push(field.place(&format!("user/preferences/{name}")));
    }
    // Terms and consent are agreed to at the end, and a captcha is solved last.
    fields.sort_by_key(|field| match (field.kind, &field.becomes) {
        (Kind::Captcha, _) => 2,
        (_, Becomes::Agreement) => 1,
        _ => 0,
    });
    fields
}

/// What a preference is called: in our own words where the project left it as it usually is.
pub(crate) fn preference_label(name: &str, title: &str) -> Words {
    match (name, title) {
        ("updates", "Send me news and updates") => Words::message("preference-updates"),
        ("marketing", "Send me special offers and services") => Words::message("preference-marketing"),
        _ => Words::theirs(title),
    }
}

/// Texts that come with the questions.
pub(crate) fn documents(requirements: &Value) -> Vec<Document> {
    let text = |name: &str| requirements.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let document = |name: &str| text(name).map(|text| Document { html: html::sanitise(text), name: name.to_owned() });
    ["terms", "consent"].iter().filter_map(|name| document(name)).collect()
}

fn requires(schema: &Value, name: &str) -> bool {
    schema.get("required").and_then(Value::as_array).is_some_and(|required| required.iter().any(|one| one == name))
}

/// The details of a new person, and their password.
fn registered(fields: &mut Vec<Field>, requirements: &Value, registration: &Value, known: &Known<'_>) {
    let given = requirements.pointer("/properties/user/default");
    for (name, schema) in registration.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let mut field = of_schema(&format!("user.{name}"), name, schema).place(&format!("user/{name}"));
        field.required = requires(registration, name) && field.kind != Kind::Checkbox;
        if let Some(value) = given.and_then(|given| given.get(name)) {
            field = with_value(field, value);
        }
        fields.push(field);
    }
    fields.push(new_password("password", &(known.password)()).place("user/password"));
}

/// A person whose details no requirement lists: what an object of theirs must have, and a password.
fn person(fields: &mut Vec<Field>, schema: &Value, known: &Known<'_>) {
    let given = schema.get("default");
    let wanted = known.schema.into_iter().flat_map(|schema| schema.properties.iter().map(move |property| (schema, property)));
    for (object, property) in wanted.filter(|(object, property)| object.requires(&property.name) && property.user_editable) {
        if property.is_credential() {
            continue;
        }
        let mut field = of_object(object, property);
        field.name = format!("user.{}", property.name);
        field = field.place(&format!("user/{}", property.name));
        if let Some(value) = given.and_then(|given| given.get(&property.name)) {
            field = with_value(field, value);
        }
        fields.push(field);
    }
    fields.push(new_password("password", &(known.password)()).place("user/password"));
}

/// One property of a form for somebody who is signed in.
fn attribute(attribute: &Value) -> Option<Field> {
    let name = attribute.get("name")?.as_str()?;
    let schema = attribute.get("schema").cloned().unwrap_or_else(|| json!({}));
    let mut field = of_schema(&format!("attributes.{name}"), name.rsplit('/').next().unwrap_or(name), &schema);
    field = Field { place: format!("attributes/{}", name.replace('/', "\u{1}")), ..field };
    field.required = attribute.get("isRequired").and_then(Value::as_bool).unwrap_or(false) && field.kind != Kind::Checkbox;
    Some(with_value(field, attribute.get("value").unwrap_or(&Value::Null)))
}

/// Security questions to be chosen and answered.
fn questions(fields: &mut Vec<Field>, schema: &Value, known: &Known<'_>) {
    let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).clamp(1, 20);
    let offered = schema.get("questions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    fields.extend(question_fields(least, offered, known.locales, known.default_locale));
}

/// Fields for so many questions out of these: `{id, question: {<locale>: text}}`.
pub(crate) fn question_fields(least: u64, offered: &[Value], locales: &[String], default_locale: &str) -> Vec<Field> {
    let choice = |question: &Value| {
        let id = written(question.get("id")?);
        let label = Words::of_translations(question.get("question")?, locales, default_locale)?;
        Some(Choice { value: id, label, chosen: false })
    };
    let mut choices: Vec<Choice> = offered.iter().filter_map(choice).collect();
    choices.push(Choice { value: OWN_QUESTION.to_owned(), label: Words::message("own-question"), chosen: false });
    (0..least)
        .map(|at| {
            let label = Words::message("security-question").with("number", at + 1).with("count", least);
            let mut field = Field::new(&format!("kba.{at}"), Kind::Question, label).required().becomes(Becomes::Answer).place("kba");
            field.choices.clone_from(&choices);
            field
        })
        .collect()
}

fn answer(name: &str, schema: &Value, known: &Known<'_>) -> Field {
    let system = schema.get("systemQuestion").and_then(|texts| Words::of_translations(texts, known.locales, known.default_locale));
    let own = || schema.get("userQuestion").and_then(Value::as_str).map(Words::theirs);
    let label = system.or_else(own).unwrap_or_else(|| Words::message("security-answer"));
    // An answer is a secret of its person: a browser must not offer it to the next one.
    Field::new(name, Kind::Text, label).required().autocomplete("off").secret()
}

fn agreement(name: &str, message: &str) -> Field {
    Field::new(name, Kind::Checkbox, Words::message(message)).required().becomes(Becomes::Agreement)
}

fn captcha(schema: &Value) -> Field {
    let mut field = Field::new("response", Kind::Captcha, Words::message("captcha")).required().becomes(Becomes::Captcha);
    field.site_key = schema.get("recaptchaSiteKey").map(written).unwrap_or_default();
    field
}

fn code() -> Field {
    Field::new("code", Kind::Code, Words::message("code")).required().autocomplete("one-time-code").hint(Words::message("code-hint"))
}

fn mail() -> Field {
    Field::new("mail", Kind::Email, Words::message("property-mail")).required().autocomplete("email")
}

/// One field where any of some names finds an account, else one for each property.
fn query(fields: &mut Vec<Field>, known: &Known<'_>) {
    let names: Vec<String> = known.query_fields.iter().filter(|name| IDENTIFIERS.contains(&name.as_str())).cloned().collect();
    let has = |name: &str| names.iter().any(|known| known == name);
    if !names.is_empty() || known.query_fields.is_empty() {
        let names = if names.is_empty() { vec!["mail".to_owned()] } else { names.clone() };
        let (message, kind, token) = match (has("userName") || has("uid"), has("mail") || has("email") || known.query_fields.is_empty()) {
            (true, true) => ("user-name-or-mail", Kind::Text, "username"),
            (true, false) => ("property-userName", Kind::Text, "username"),
            (false, true) if names.len() == 1 => ("property-mail", Kind::Email, "email"),
            _ => ("account-identifier", Kind::Text, "username"),
        };
        let field = Field::new("who", kind, Words::message(message)).required().autocomplete(token);
        fields.push(field.becomes(Becomes::Filter(names)).place("queryFilter"));
        return;
    }
    for name in &known.query_fields {
        let title = known.schema.and_then(|schema| schema.property(name)).and_then(|property| property.title.as_deref());
        let field = Field::new(&format!("who.{name}"), Kind::Text, label(name, title)).required();
        fields.push(field.autocomplete(crate::property::autocomplete(name)).becomes(Becomes::Comparison(name.clone())));
    }
}

/// A property that nobody here knows, by its schema alone. The members of an object are fields of their own.
fn generic(fields: &mut Vec<Field>, name: &str, schema: &Value, required: bool, above: &str) {
    let escaped = name.replace('/', "\u{1}");
    let path = if above.is_empty() { escaped } else { format!("{above}/{escaped}") };
    if let Some(members) = schema.get("properties").and_then(Value::as_object).filter(|members| !members.is_empty() && depth(&path) < 4) {
        for (member, inner) in members {
            generic(fields, member, inner, required && requires(schema, member), &path);
        }
        return;
    }
    let mut field = of_schema(&control(&path, fields.len()), name, schema).place(&path);
    let (title, description) = (schema.get("title"), schema.get("description").and_then(Value::as_str));
    if let (Some(Value::String(_)), Some(description)) = (title, description)
        && field.label.text != description
    {
        field.hint = Words::theirs(description);
    }
    if field.choices.is_empty()
        && let Some(listed) = schema.get("oneOf").and_then(Value::as_array)
    {
        field = one_of(field, listed);
    }
    field.required = required && field.kind != Kind::Checkbox;
    fields.push(field);
}

/// What a control is called: as its property is, or by a number where that is the name of something of ours, or makes no id.
fn control(path: &str, number: usize) -> String {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let is_ours = OURS.contains(&path)
        || WIDGETS.iter().any(|widget| widget.answer == path)
        || ["form_", "ask/"].iter().any(|start| path.starts_with(start));
    if path.split('/').all(plain) && !is_ours { path.replace('/', ".") } else { format!("ask.{number}") }
}

/// `oneOf` with a constant each is a choice (JSON Schema, "Annotated enumerations").
fn one_of(mut field: Field, listed: &[Value]) -> Field {
    let choice = |one: &Value| {
        let value = one.get("const").or_else(|| one.get("enum")?.get(0))?;
        let label = one.get("title").or_else(|| one.get("description")).and_then(Value::as_str).map(str::to_owned);
        Some(Choice { value: written(value), label: Words::theirs(label.unwrap_or_else(|| written(value))), chosen: false })
    };
    let choices: Vec<Choice> = listed.iter().filter_map(choice).collect();
    if choices.len() == listed.len() && !choices.is_empty() {
        (field.kind, field.choices) = (Kind::Radios, choices);
    }
    field
}

fn depth(path: &str) -> usize {
    path.split('/').count()
}

/// The input as a stage takes it: names of members may hold slashes, which places do not.
pub(crate) fn restore(input: Map<String, Value>) -> Map<String, Value> {
    let member = |(name, value): (String, Value)| match value {
        Value::Object(members) => (name.replace('\u{1}', "/"), Value::Object(restore(members))),
        other => (name.replace('\u{1}', "/"), other),
    };
    input.into_iter().map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Form;

    fn known() -> Known<'static> {
        let query_fields = vec!["userName".to_owned(), "mail".to_owned(), "givenName".to_owned()];
        Known { locales: &[], default_locale: "en", query_fields, schema: None, password: &|| Value::Null }
    }

    fn names(requirements: &Value) -> Vec<String> {
        fields(requirements, &known()).into_iter().map(|field| field.name).collect()
    }

    #[test]
    fn every_question_of_every_stage_has_a_field() {
        let exchanges: Value = serde_json::from_str(include_str!("../../../docs/reference/exchanges.json")).unwrap();
        for (stage, exchange) in exchanges.as_object().unwrap() {
            for question in exchange["questions"].as_array().unwrap() {
                let shown = names(&question["requirements"]);
                assert!(
                    !shown.is_empty()
                        || stage == "parameters"
                        || question["requirements"]["required"] == json!(["clientToken"])
                        || question["requirements"] == json!({}),
                    "{stage}: {question}"
                );
            }
        }
    }

    #[test]
    fn a_stage_nobody_has_heard_of_is_a_form_of_its_schema() {
        let requirements = json!({"type": "object", "required": ["colour", "address"], "properties": {
            "colour": {"type": "string", "enum": ["red", "green"], "title": "Colour", "description": "Of the badge"},
            "size": {"type": "integer", "default": 3}, "fragile": {"type": "boolean"},
            "address": {"type": "object", "required": ["street"], "properties": {"street": {"type": "string"}, "zip": {"type": "string"}}},
            "tags": {"type": "array", "items": {"type": "string"}},
        }});
        let fields = fields(&requirements, &known());
        let shown: Vec<(&str, Kind, bool)> = fields.iter().map(|field| (field.name.as_str(), field.kind, field.required)).collect();
        let expected = [
            ("colour", Kind::Radios, true),
            ("size", Kind::Number, false),
            ("fragile", Kind::Checkbox, false),
            ("address.street", Kind::Text, true),
            ("address.zip", Kind::Text, false),
            ("tags", Kind::Lines, false),
        ];
        assert_eq!(shown, expected);
        assert_eq!(fields[1].value, "3");
        let form = Form::parse(b"colour=red&size=4&address.street=Main&tags=a%0Ab");
        let input = crate::field::read(&fields, &form).unwrap();
        let wanted = json!({"colour": "red", "size": 4, "fragile": false, "address": {"street": "Main"}, "tags": ["a", "b"]});
        assert_eq!(Value::Object(input), wanted);
    }

    /// Every name that something of ours has, and every shape that is not ours.
    #[test]
    fn a_stage_of_the_projects_own_may_call_its_properties_as_it_likes() {
        let text = || json!({"type": "string"});
        let requirements = json!({"type": "object", "required": ["skip", "kba"], "properties": {
            "skip": text(), "at": text(), "again": text(), "form_token": text(), "provider": text(), "nonce": text(), "sendCode": text(),
            "g-recaptcha-response": text(), "two words": text(), "a/b": text(), "a": {"type": "object", "properties": {"b": text()}},
            "accept": {"type": "boolean"}, "code": {"type": "integer", "default": 7}, "mail": text(), "kba": text(), "user": text(),
        }});
        let fields = fields(&requirements, &known());
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let by_number = |at: usize| format!("ask.{at}");
        assert_eq!(names[..4], [by_number(0), by_number(1), by_number(2), by_number(3)]);
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 16, "each has a name of its own: {names:?}");
        assert!(names.iter().all(|name| !name.contains([' ', '/'])), "{names:?}");
        let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.place.as_str()).collect();
        assert_eq!(required, ["skip", "kba"], "nothing is required that the stage does not require");
        let typed: Vec<String> = fields.iter().filter(|field| field.name != "code").map(|field| format!("{}=true", field.name)).collect();
        let form = Form::parse(format!("at=step&skip=yes&form_token=x&code=8&{}", typed.join("&")).as_bytes());
        let input = Value::Object(restore(crate::field::read(&fields, &form).unwrap()));
        let wanted = json!({
            "skip": "true", "at": "true", "again": "true", "form_token": "true", "provider": "true", "nonce": "true", "sendCode": "true",
            "g-recaptcha-response": "true", "two words": "true", "a/b": "true", "a": {"b": "true"},
            "accept": true, "code": 8, "mail": "true", "kba": "true", "user": "true",
        });
        assert_eq!(input, wanted);
    }

    #[test]
    fn an_account_is_found_by_what_the_project_allows() {
        let requirements = json!({"properties": {"queryFilter": {"type": "string"}}});
        assert_eq!(names(&requirements), ["who"]);
        let known = Known { query_fields: vec!["sn".into(), "badge".into()], ..known() };
        let fields = fields(&requirements, &known);
        let input = crate::field::read(&fields, &Form::parse(b"who.sn=a&who.badge=7")).unwrap();
        assert_eq!(input["queryFilter"], "sn eq \"a\" and badge eq \"7\"");
    }

    #[test]
    fn names_of_attributes_may_be_paths() {
        let fields = fields(&json!({"attributes": [{"name": "a/b", "schema": {"type": "string"}}]}), &known());
        let input = restore(crate::field::read(&fields, &Form::parse(b"attributes.a/b=1")).unwrap());
        assert_eq!(Value::Object(input), json!({"attributes": {"a/b": "1"}}));
    }
}
