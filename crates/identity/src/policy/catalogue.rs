//! The policies that are known, one line each: the id of `managed.json`, the requirement a client is told, how its parameters are
//! read. Sources: docs/protocol/policies.md, "Effective policies", docs/protocol/project-files.md, case 7.
//!
//! Easiest to break: parameters are loose (`{"numCaps":"1"}`, `null`, a string for a list). One that cannot be read makes the policy
//! unusable and is reported; it never silently becomes zero.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Companions;
use super::pattern::Pattern;
use super::rule::{Policy, Rule, shown_type};
use super::text::{self, DateForm};
use crate::loose;
use crate::schema::JsonType;

/// Most values that are remembered: each costs a slow hash when a new one comes.
pub(super) const MAX_HISTORY: usize = 24;

/// What became of a declared policy.
pub(super) enum Understood {
    /// It holds.
    Policy(Policy),
    /// It holds, but not as the operator may think.
    Weaker(Policy, String),
    /// It cannot work: what it guards is refused.
    Broken(Policy, String),
    /// It has no effect here, for this reason.
    Without(String),
}

/// A rule and the parameters a client reads, or why there is none.
type Read = Result<(Rule, Option<Value>), Unread>;

/// Why parameters make no rule.
enum Unread {
    /// They ask for nothing.
    Missing(String),
    /// Nobody can say what they ask for.
    Broken(String),
}

impl From<String> for Unread {
    fn from(reason: String) -> Self {
        Self::Broken(reason)
    }
}

impl From<&str> for Unread {
    fn from(reason: &str) -> Self {
        Self::Broken(reason.to_owned())
    }
}

struct Definition {
    id: &'static str,
    requirement: &'static str,
    read: fn(&Value, &Companions) -> Read,
}

const fn line(id: &'static str, requirement: &'static str, read: fn(&Value, &Companions) -> Read) -> Definition {
    Definition { id, requirement, read }
}

/// What a user name fails that is none, or is somebody's already.
pub(super) const VALID_USERNAME: &str = "VALID_USERNAME";

/// The table.
const POLICIES: &[Definition] = &[
    line("required", "REQUIRED", |_, _| Ok((Rule::Required, None))),
    line("not-empty", "REQUIRED", |_, _| Ok((Rule::NotEmpty, None))),
    line("not-null", "REQUIRED", |_, _| Ok((Rule::NotNull, None))),
    line("unique", "UNIQUE", |_, _| Ok((Rule::Unique, None))),
    line("no-internal-user-conflict", "UNIQUE", |_, _| Ok((Rule::NoInternalUser, None))),
    line("regexpMatches", "MATCH_REGEXP", |params, _| regexp(params)),
    line("valid-type", "VALID_TYPE", |params, _| types(params)),
    line("valid-date", "VALID_DATE", |_, _| Ok((Rule::Format(text::is_date), None))),
    line("valid-datetime", "VALID_DATETIME", |_, _| Ok((Rule::Format(text::is_date_time), None))),
    line("valid-email-address-format", "VALID_EMAIL_ADDRESS_FORMAT", |_, _| Ok((Rule::Format(text::is_mail_address), None))),
    line("valid-name-format", "VALID_NAME_FORMAT", |_, _| Ok((Rule::Format(text::is_name), None))),
    line("valid-phone-format", "VALID_PHONE_FORMAT", |_, _| Ok((Rule::Format(text::is_phone), None))),
    line("valid-username", VALID_USERNAME, |_, _| Ok((Rule::UserName, None))),
    line("valid-formatted-date", "VALID_FORMATTED_DATE", |params, _| formatted_date(params)),
    line("valid-time", "VALID_TIME", |_, _| Ok((Rule::Format(text::is_time), None))),
    line("valid-duration", "VALID_DURATION", |_, _| Ok((Rule::Format(text::is_duration), None))),
    line("valid-number", "VALID_NUMBER", |_, _| Ok((Rule::Number, None))),
    line("minimum-number-value", "MINIMUM_NUMBER_VALUE", |params, _| bound(params, "min", Rule::AtLeast)),
    line("maximum-number-value", "MAXIMUM_NUMBER_VALUE", |params, _| bound(params, "max", Rule::AtMost)),
    line("valid-array-items", "VALID_ARRAY_ITEMS", |_, _| Ok((Rule::Items, None))),
    line("valid-query-filter", "VALID_QUERY_FILTER", |_, _| Ok((Rule::QueryFilter, None))),
    line("valid-temporal-constraints", "TEMPORAL_CONSTRAINT_FORMAT", |_, _| Ok((Rule::Limits, None))),
    line("at-least-X-capitals", "AT_LEAST_X_CAPITAL_LETTERS", |params, _| counted(params, "numCaps", Rule::Capitals)),
    line("at-least-X-numbers", "AT_LEAST_X_NUMBERS", |params, _| counted(params, "numNums", Rule::Numbers)),
    line("minimum-length", "MIN_LENGTH", |params, _| counted(params, "minLength", Rule::Shortest)),
    line("maximum-length", "MAX_LENGTH", |params, _| counted(params, "maxLength", Rule::Longest)),
    line("cannot-contain-others", "CANNOT_CONTAIN_OTHERS", |params, _| others(params)),
    line("cannot-contain-characters", "CANNOT_CONTAIN_CHARACTERS", |params, _| characters(params)),
    line("cannot-contain-duplicates", "CANNOT_CONTAIN_DUPLICATES", |_, _| Ok((Rule::WithoutDuplicates, None))),
    line("mapping-exists", "MAPPING_EXISTS", |_, _| Ok((Rule::Mapping, None))),
    line("is-new", "IS_NEW", |params, _| history(params)),
    line("enumValue", "ENUM_VALUE", |params, _| values(params)),
    line("id-must-equal-property", "ID_MUST_EQUAL_PROPERTY", |params, _| id_property(params)),
    line("max-attempts-triggers-lock-cooldown", "NO_MORE_THAN_X_ATTEMPTS_WITHIN_Y_MINUTES", |params, _| attempts(params)),
    line("password-blacklisted", "PASSWORD_BLACKLISTED", words),
];

/// Policies that guard other resources, or that something else does here.
const ELSEWHERE: [(&str, &str); 7] = [
    ("required-if-configured", "it looks at the configuration of an identity provider"),
    ("valid-event-scripts", "scripts are checked when the project is loaded"),
    ("valid-object-name-format", "managed object types are checked when the project is loaded"),
    ("valid-accessFlags-object", "privileges are checked when the project is loaded"),
    ("valid-permissions", "privileges are checked when the project is loaded"),
    ("valid-privilege-path", "privileges are checked when the project is loaded"),
    ("valid-cron", "there is no scheduler"),
];

/// The policy that asks for the present password, of everybody without one of its `exceptRoles`. No value says whether it came along, so access
/// rules ask for it, as for what is protected.
pub(super) const REAUTHENTICATES: &str = "re-auth-required";

/// Reads a policy of that id. `None` for an unknown id.
pub(super) fn understand(id: &str, params: Option<&Value>, companions: &Companions) -> Option<Understood> {
    if let Some((_, reason)) = ELSEWHERE.iter().find(|(known, _)| *known == id) {
        return Some(Understood::Without((*reason).to_owned()));
    }
    let (known, renamed) = match id {
        "passwordHistory" => ("is-new", true),
        _ => (id, false),
    };
    let definition = POLICIES.iter().find(|definition| definition.id == known)?;
    let none = Value::Null;
    let policy = |rule, shown| Policy { id: id.to_owned(), requirements: vec![definition.requirement.into()], params: shown, rule };
    Some(match (definition.read)(params.unwrap_or(&none), companions) {
        Ok((rule @ Rule::New(_), None)) if renamed => {
            let why =
                "it says no 'historyLength', so a value is compared with the present one and with what the object's 'fieldHistory' holds";
            Understood::Weaker(policy(rule, None), why.into())
        }
        Ok((rule, shown)) => Understood::Policy(policy(rule, shown)),
        // As in the product, where no length is shorter, or longer, than nothing.
        Err(Unread::Missing(reason)) => Understood::Without(reason),
        Err(Unread::Broken(reason)) => {
            let rule = if known == "regexpMatches" { Rule::Matches(None) } else { Rule::Broken(reason.clone()) };
            Understood::Broken(policy(rule, params.cloned()), reason)
        }
    })
}

/// The known id that is most like this one.
pub(super) fn nearest(id: &str) -> Option<&'static str> {
    let known = POLICIES.iter().map(|definition| definition.id).chain(ELSEWHERE.iter().map(|(known, _)| *known)).chain([REAUTHENTICATES]);
    crest::nearest(id, known)
}

/// Policies that follow from the schema.
pub(super) fn required() -> Policy {
    Policy { id: "required".into(), requirements: vec!["REQUIRED".into()], params: None, rule: Rule::Required }
}

pub(super) fn not_empty() -> Policy {
    Policy { id: "not-empty".into(), requirements: vec!["REQUIRED".into()], params: None, rule: Rule::NotEmpty }
}

pub(super) fn minimum_length(least: u64) -> Policy {
    Policy {
        id: "minimum-length".into(),
        requirements: vec!["MIN_LENGTH".into()],
        params: Some(json!({"minLength": least})),
        rule: Rule::Shortest(least),
    }
}

pub(super) fn one_of(values: Vec<Value>) -> Policy {
    Policy {
        id: "enumValue".into(),
        requirements: vec!["ENUM_VALUE".into()],
        params: Some(json!({"values": values})),
        rule: Rule::OneOf(values),
    }
}

pub(super) fn valid_type(types: &[JsonType]) -> Policy {
    let names: Vec<_> = types.iter().map(|kind| shown_type(*kind)).collect();
    Policy {
        id: "valid-type".into(),
        requirements: vec!["VALID_TYPE".into()],
        params: Some(json!({"types": names})),
        rule: Rule::Type(types.to_vec()),
    }
}

/// A parameter. A list of one element stands for it, as in the documentation's own examples (`{"numNums": ["1"]}`): JavaScript compares both alike.
fn parameter<'p>(params: &'p Value, key: &str) -> Option<&'p Value> {
    loose::member(params, key).map(only)
}

fn only(value: &Value) -> &Value {
    match value {
        Value::Array(list) => {
            if let [one] = list.as_slice() {
                only(one)
            } else {
                value
            }
        }
        _ => value,
    }
}

fn counted(params: &Value, key: &str, rule: fn(u64) -> Rule) -> Read {
    match parameter(params, key).map(loose::as_count) {
        Some(Some(number)) => {
            let mut shown = Map::new();
            shown.insert(key.into(), json!(number));
            Ok((rule(number), Some(Value::Object(shown))))
        }
        Some(None) => Err(format!("its parameter '{key}' is no whole number").into()),
        None => Err(Unread::Missing(format!("its parameter '{key}' is missing, so it asks for nothing"))),
    }
}

/// The pattern, as operators write it: text, or text between slashes with flags behind.
fn regexp(params: &Value) -> Read {
    let pattern = loose::text(params, "regexp").ok_or("its parameter 'regexp' is missing")?;
    let flags = loose::text(params, "flags").unwrap_or_default();
    let compiled = Pattern::compile(&pattern, &flags).map_err(|reason| format!("its pattern cannot be read: {reason}"))?;
    let mut shown = Map::new();
    shown.insert("regexp".into(), json!(pattern));
    if !flags.is_empty() {
        shown.insert("flags".into(), json!(flags));
    }
    Ok((Rule::Matches(Some(compiled)), Some(Value::Object(shown))))
}

fn types(params: &Value) -> Read {
    let types: Vec<JsonType> =
        params.get("types").map(loose::texts).unwrap_or_default().iter().filter_map(|name| JsonType::named(name)).collect();
    if types.is_empty() {
        return Err("its parameter 'types' names no type".into());
    }
    let shown = valid_type(&types).params;
    Ok((Rule::Type(types), shown))
}

/// `disallowedFields` is a list, or names parted by commas.
fn others(params: &Value) -> Read {
    let listed = params.get("disallowedFields").map(loose::texts).unwrap_or_default();
    let fields: Vec<String> =
        listed.iter().flat_map(|names| names.split(',')).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    if fields.is_empty() {
        return Err(nothing(params, "disallowedFields"));
    }
    let shown = json!({"disallowedFields": fields});
    Ok((Rule::WithoutOthers(fields), Some(shown)))
}

/// `forbiddenChars` is a list of texts; one text stands for each of its characters.
fn characters(params: &Value) -> Read {
    let forbidden: Vec<String> = match params.get("forbiddenChars") {
        Some(Value::String(text)) => text.chars().map(String::from).collect(),
        Some(Value::Array(list)) => list.iter().filter_map(loose::as_text).filter(|text| !text.is_empty()).collect(),
        _ => Vec::new(),
    };
    if forbidden.is_empty() {
        return Err(nothing(params, "forbiddenChars"));
    }
    let shown = json!({"forbiddenChars": forbidden});
    Ok((Rule::Without(forbidden), Some(shown)))
}

/// A list that is there and empty asks for nothing; one that is not there was meant to ask for something.
fn nothing(params: &Value, key: &str) -> Unread {
    match params.get(key) {
        Some(Value::Array(list)) if list.is_empty() => Unread::Missing(format!("its parameter '{key}' is empty, so it asks for nothing")),
        Some(Value::String(text)) if text.is_empty() => Unread::Missing(format!("its parameter '{key}' is empty, so it asks for nothing")),
        _ => Unread::Broken(format!("its parameter '{key}' is no list of texts")),
    }
}

/// How many values a new one must differ from, the present one included.
fn history(params: &Value) -> Read {
    let said = ["historyLength", "historyCount", "historySize"].into_iter().find_map(|key| Some((key, parameter(params, key)?)));
    let Some((key, value)) = said else { return Ok((Rule::New(1), None)) };
    match loose::as_count(value).and_then(|length| usize::try_from(length).ok()) {
        Some(length) if length <= MAX_HISTORY => Ok((Rule::New(length.max(1)), Some(json!({"historyLength": length})))),
        Some(_) => Err(Unread::Broken(format!("at most {MAX_HISTORY} values are remembered"))),
        None => Err(Unread::Broken(format!("its parameter '{key}' is no number"))),
    }
}

fn values(params: &Value) -> Read {
    match params.get("values") {
        Some(Value::Array(values)) if !values.is_empty() => Ok((Rule::OneOf(values.clone()), Some(json!({"values": values})))),
        Some(Value::String(text)) if !text.is_empty() => {
            let values: Vec<Value> = text.split(',').map(|value| json!(value.trim())).collect();
            let shown = json!({"values": values});
            Ok((Rule::OneOf(values), Some(shown)))
        }
        _ => Err("its parameter 'values' lists nothing".into()),
    }
}

fn id_property(params: &Value) -> Read {
    let names = ["propertyName", "property", "propertyToCheck"];
    let name = names.iter().find_map(|key| loose::text(params, key)).ok_or("its parameter 'propertyName' is missing")?;
    let shown = Some(params.clone());
    Ok((Rule::IdEquals(name), shown))
}

fn attempts(params: &Value) -> Read {
    let number = |key: &str| {
        parameter(params, key).and_then(loose::as_count).ok_or_else(|| format!("its parameter '{key}' is missing or no whole number"))
    };
    let (max, minutes) = (number("max")?, number("numMinutes")?);
    let at = loose::text(params, "dateTimeField").ok_or("its parameter 'dateTimeField' is missing")?;
    Ok((Rule::Attempts { max, minutes, at }, Some(json!({"max": max, "numMinutes": minutes}))))
}

/// A bound on numbers. Its key differs between releases (`minValue`, `minimum`, `minNumber`): what begins with the right word counts.
fn bound(params: &Value, word: &str, rule: fn(f64) -> Rule) -> Read {
    let members = params.as_object().ok_or("its parameters are missing")?;
    let (key, value) = members
        .iter()
        .find(|(key, _)| key.to_ascii_lowercase().starts_with(word))
        .or_else(|| members.iter().find(|(key, _)| key.eq_ignore_ascii_case("value")))
        .ok_or_else(|| format!("none of its parameters is a {word}imum"))?;
    let number = loose::as_number(only(value)).ok_or_else(|| format!("its parameter '{key}' is no number"))?;
    let mut shown = Map::new();
    shown.insert(key.clone(), json!(number));
    Ok((rule(number), Some(Value::Object(shown))))
}

/// A date in one form; without a form in any that is known.
fn formatted_date(params: &Value) -> Read {
    let Some(form) = ["format", "dateFormat", "pattern"].iter().find_map(|key| loose::text(params, key)) else {
        return Ok((Rule::Format(text::is_date), None));
    };
    let read = DateForm::read(&form).ok_or_else(|| format!("the form of dates '{form}' cannot be read"))?;
    Ok((Rule::DateForm(read), Some(params.clone())))
}

fn words(params: &Value, companions: &Companions) -> Read {
    let path = loose::text(params, "filePath").ok_or("its parameter 'filePath' is missing")?;
    let words: &Arc<HashSet<String>> = companions.word_lists.get(&path).ok_or_else(|| format!("the file '{path}' could not be read"))?;
    Ok((Rule::NotListed(Arc::clone(words)), None))
}
