//! What one policy asks of one value. Rules that need more than the value (other objects, the stored secret) are decided in
//! [`super::evaluate`].

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::failure::PolicyFailure;
use super::own::OwnPolicy;
use super::pattern::Pattern;
use super::text::DateForm;
use crate::loose;
use crate::schema::JsonType;

/// A policy with its parameters understood.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    /// The property is there.
    Required,
    /// It is not null and has a length.
    NotEmpty,
    /// It is not null.
    NotNull,
    /// A user name in one spelling, which no other object of the collection and no internal user has in any.
    UserName,
    /// No other object of the collection has the same value.
    Unique,
    /// No internal user has that name.
    NoInternalUser,
    /// The text matches; `None` for a pattern that cannot be read; nothing matches it.
    Matches(Option<Pattern>),
    /// The value is of one of these types.
    Type(Vec<JsonType>),
    /// The text has a format.
    Format(fn(&str) -> bool),
    /// The text is a date of this form.
    DateForm(DateForm),
    /// A number, or a text that is one.
    Number,
    /// A number that is not smaller.
    AtLeast(f64),
    /// A number that is not larger.
    AtMost(f64),
    /// A list without empty places.
    Items,
    /// Nobody can say what is asked for: refuses.
    Broken(String),
    /// The same, where a file of the project that may have added the policy cannot be run: what it asks of a value that is not there is
    /// unknown, too.
    Lost(String),
    /// A script of the project decides.
    Script(OwnPolicy),
    /// At least so many capital letters.
    Capitals(u64),
    /// At least so many digits.
    Numbers(u64),
    /// At least so many characters or elements.
    Shortest(u64),
    /// At most so many characters or elements.
    Longest(u64),
    /// Contains the value of none of these properties.
    WithoutOthers(Vec<String>),
    /// Contains none of these texts.
    Without(Vec<String>),
    /// No character or element twice.
    WithoutDuplicates,
    /// Names a mapping of `sync.json`.
    Mapping,
    /// Is none of the last so many values, the present one included.
    New(usize),
    /// Is one of these.
    OneOf(Vec<Value>),
    /// The object's id is the value of that property.
    IdEquals(String),
    /// Not more attempts than this within so many minutes of the time in that property.
    Attempts { max: u64, minutes: u64, at: String },
    /// Is none of these words, in any case.
    NotListed(Arc<HashSet<String>>),
    /// The text can be read as a query filter.
    QueryFilter,
    /// A list of limits of time.
    Limits,
}

/// A policy as it holds for a property.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) id: String,
    /// What it asks for, as clients know it; only scripts may have several.
    pub(super) requirements: Vec<Cow<'static, str>>,
    /// As a client reads them.
    pub(super) params: Option<Value>,
    pub(super) rule: Rule,
}

impl Policy {
    /// A policy that nobody can ask, and that therefore refuses.
    pub(super) fn broken(id: &str, reason: &str) -> Self {
        Self { id: id.to_owned(), requirements: Vec::new(), params: None, rule: Rule::Broken(reason.to_owned()) }
    }

    fn requirement(&self) -> &str {
        self.requirements.first().map_or("", |first| first)
    }

    pub(super) fn failure(&self, property: &str) -> PolicyFailure {
        let (params, more) = match &self.rule {
            Rule::Matches(_) => {
                let params = self.params.clone().unwrap_or_else(|| json!({}));
                let mut more = Map::new();
                more.insert("regexp".into(), params.get("regexp").cloned().unwrap_or_default());
                more.insert("flags".into(), params.get("flags").cloned().unwrap_or_default());
                (Some(params), more)
            }
            // The client's text for UNIQUE names the property and takes the name from here (docs/protocol/clients.md, "Registration").
            Rule::Unique | Rule::NoInternalUser => return PolicyFailure::unique(property),
            Rule::Without(texts) => (Some(json!({"forbiddenChars": texts.join(", ")})), Map::new()),
            _ => (self.params.clone().filter(|params| params.as_object().is_none_or(|params| !params.is_empty())), Map::new()),
        };
        PolicyFailure { property: property.to_owned(), requirement: self.requirement().to_owned(), params, more }
    }

    /// The policy as `GET policy/…` shows it.
    pub(super) fn to_value(&self) -> Value {
        let mut value = Map::new();
        value.insert("policyId".into(), json!(self.id));
        if let Some(params) = &self.params {
            value.insert("params".into(), params.clone());
        }
        value.insert("policyRequirements".into(), json!(self.requirements));
        Value::Object(value)
    }

    /// The failure of a rule that only looks at the value. `required` says that the value was already found missing: then an empty or
    /// mistyped value fails the checks of text, too (measured on the older generation).
    pub(super) fn check(&self, property: &str, value: &Value, required: bool) -> Option<PolicyFailure> {
        let text = value.as_str();
        let of_text = |holds: &dyn Fn(&str) -> bool| {
            let checked = required || text.is_some_and(|text| !text.is_empty());
            !checked || holds(text.unwrap_or(""))
        };
        let holds = match &self.rule {
            Rule::NotEmpty => match value {
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                Value::Object(members) => !members.is_empty(),
                Value::Null | Value::Bool(_) | Value::Number(_) => false,
            },
            Rule::Matches(pattern) => of_text(&|text| pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))),
            Rule::Type(types) => {
                if types.iter().any(|kind| kind.holds(value)) {
                    true
                } else {
                    let names: Vec<_> = types.iter().map(|kind| shown_type(*kind)).collect();
                    let params = json!({"invalidType": JsonType::name_of(value), "validTypes": names});
                    return Some(PolicyFailure { params: Some(params), ..self.failure(property) });
                }
            }
            Rule::NotNull => !value.is_null(),
            Rule::Format(format) => of_text(format),
            Rule::DateForm(form) => of_text(&|text| form.holds(text)),
            Rule::Number => value == "" || loose::as_number(value).is_some(),
            Rule::AtLeast(least) => value == "" || loose::as_number(value).is_some_and(|number| number >= *least),
            Rule::AtMost(most) => value == "" || loose::as_number(value).is_some_and(|number| number <= *most),
            Rule::Items => value.as_array().is_none_or(|items| items.iter().all(|item| !item.is_null() && item != "")),
            Rule::Capitals(least) => of_text(&|text| count(text, char::is_uppercase) >= *least),
            Rule::Numbers(least) => of_text(&|text| count(text, |c| c.is_ascii_digit()) >= *least),
            Rule::Shortest(least) => match value {
                Value::Array(items) => items.len() as u64 >= *least,
                _ => of_text(&|text| text.chars().count() as u64 >= *least),
            },
            Rule::Longest(most) => match value {
                Value::Array(items) => items.len() as u64 <= *most,
                _ => text.is_none_or(|text| text.chars().count() as u64 <= *most),
            },
            Rule::Without(texts) => text.is_none_or(|text| !texts.iter().any(|forbidden| text.contains(forbidden.as_str()))),
            Rule::WithoutDuplicates => match duplicate(value) {
                None => true,
                Some(twice) => {
                    return Some(PolicyFailure { params: Some(json!({"duplicateValue": twice})), ..self.failure(property) });
                }
            },
            Rule::OneOf(values) => value.is_null() || values.contains(value),
            Rule::NotListed(words) => text.is_none_or(|text| !words.contains(&text.trim().to_lowercase())),
            Rule::QueryFilter => of_text(&|text| crest::Filter::parse(text).is_ok()),
            Rule::Limits => value.is_null() || crate::grants::are_limits(value),
            Rule::Required
            | Rule::Broken(_)
            | Rule::Lost(_)
            | Rule::Script(_)
            | Rule::UserName
            | Rule::Unique
            | Rule::NoInternalUser
            | Rule::WithoutOthers(_)
            | Rule::Mapping
            | Rule::New(_)
            | Rule::IdEquals(_)
            | Rule::Attempts { .. } => true,
        };
        (!holds).then(|| self.failure(property))
    }
}

/// In lists of types a relationship shows as the object it is.
pub(super) fn shown_type(kind: JsonType) -> &'static str {
    if kind == JsonType::Relationship { JsonType::Object.name() } else { kind.name() }
}

fn count(text: &str, kind: impl Fn(char) -> bool) -> u64 {
    text.chars().filter(|c| kind(*c)).count() as u64
}

fn duplicate(value: &Value) -> Option<Value> {
    match value {
        Value::Array(items) => {
            let mut seen = HashSet::new();
            items.iter().find(|item| !seen.insert(*item)).cloned()
        }
        Value::String(text) => {
            let mut seen = HashSet::new();
            text.chars().find(|c| !seen.insert(*c)).map(|c| json!(c))
        }
        _ => None,
    }
}
