//! The policies that are known, one line each: the id of `managed.json`, the requirement a client is told, how its parameters are
//! read. Sources: `reference/idm-docs.md` §6.8, `reference/openidm-wire.md` §6.4, `reference/projects.md` ranked 7.
//!
//! Easiest to break: parameters are loose (`{"numCaps":"1"}`, `null`, a string for a list). One that cannot be read makes the policy
//! unusable and is reported; it never silently becomes zero.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Companions;
use super::pattern::Pattern;
use super::rule::{Policy, Rule, shown_type};
use super::text;
use crate::loose;
use crate::schema::JsonType;

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
type Read = Result<(Rule, Option<Value>), String>;

struct Definition {
    id: &'static str,
    requirement: &'static str,
    read: fn(&Value, &Companions) -> Read,
}

const fn line(id: &'static str, requirement: &'static str, read: fn(&Value, &Companions) -> Read) -> Definition {
    Definition { id, requirement, read }
}

/// The table.
const POLICIES: [Definition; 26] = [
    line("required", "REQUIRED", |_, _| Ok((Rule::Required, None))),
    line("not-empty", "REQUIRED", |_, _| Ok((Rule::NotEmpty, None))),
    line("unique", "UNIQUE", |_, _| Ok((Rule::Unique, None))),
    line("no-internal-user-conflict", "UNIQUE", |_, _| Ok((Rule::NoInternalUser, None))),
    line("regexpMatches", "MATCH_REGEXP", |params, _| regexp(params)),
    line("valid-type", "VALID_TYPE", |params, _| types(params)),
    line("valid-date", "VALID_DATE", |_, _| Ok((Rule::Format(text::is_date), None))),
    line("valid-datetime", "VALID_DATETIME", |_, _| Ok((Rule::Format(text::is_date_time), None))),
    line("valid-email-address-format", "VALID_EMAIL_ADDRESS_FORMAT", |_, _| Ok((Rule::Format(text::is_mail_address), None))),
    line("valid-name-format", "VALID_NAME_FORMAT", |_, _| Ok((Rule::Format(text::is_name), None))),
    line("valid-phone-format", "VALID_PHONE_FORMAT", |_, _| Ok((Rule::Format(text::is_phone), None))),
    line("valid-username", "VALID_USERNAME", |_, _| Ok((Rule::Format(text::is_user_name), None))),
    line("valid-query-filter", "VALID_QUERY_FILTER", |_, _| Ok((Rule::QueryFilter, None))),
    line("at-least-X-capitals", "AT_LEAST_X_CAPITAL_LETTERS", |params, _| counted(params, "numCaps", Rule::Capitals)),
    line("at-least-X-numbers", "AT_LEAST_X_NUMBERS", |params, _| counted(params, "numNums", Rule::Numbers)),
    line("minimum-length", "MIN_LENGTH", |params, _| counted(params, "minLength", Rule::Shortest)),
    line("maximum-length", "MAX_LENGTH", |params, _| counted(params, "maxLength", Rule::Longest)),
    line("cannot-contain-others", "CANNOT_CONTAIN_OTHERS", |params, _| others(params)),
    line("cannot-contain-characters", "CANNOT_CONTAIN_CHARACTERS", |params, _| characters(params)),
    line("cannot-contain-duplicates", "CANNOT_CONTAIN_DUPLICATES", |_, _| Ok((Rule::WithoutDuplicates, None))),
    line("mapping-exists", "MAPPING_EXISTS", |_, _| Ok((Rule::Mapping, None))),
    line("is-new", "IS_NEW", |params, _| Ok((Rule::New, history(params)))),
    line("enumValue", "ENUM_VALUE", |params, _| values(params)),
    line("id-must-equal-property", "ID_MUST_EQUAL_PROPERTY", |params, _| id_property(params)),
    line("max-attempts-triggers-lock-cooldown", "NO_MORE_THAN_X_ATTEMPTS_WITHIN_Y_MINUTES", |params, _| attempts(params)),
    line("password-blacklisted", "PASSWORD_BLACKLISTED", words),
];

/// Policies that guard other resources, or that something else does here.
const ELSEWHERE: [(&str, &str); 10] = [
    ("re-auth-required", "the present password is asked for wherever a property is protected"),
    ("required-if-configured", "it looks at the configuration of an identity provider"),
    ("valid-temporal-constraints", "there are no temporal constraints on roles"),
    ("valid-array-items", "elements are checked by the policies of 'items'"),
    ("valid-event-scripts", "scripts are never run"),
    ("valid-object-name-format", "managed object types are checked when the project is loaded"),
    ("valid-accessFlags-object", "privileges are checked when the project is loaded"),
    ("valid-permissions", "privileges are checked when the project is loaded"),
    ("valid-privilege-path", "privileges are checked when the project is loaded"),
    ("valid-cron", "there is no scheduler"),
];

/// Reads a policy of that id. `None` for an id nobody knows.
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
    let policy = |rule, shown| Policy { id: id.to_owned(), requirement: definition.requirement, params: shown, rule };
    Some(match (definition.read)(params.unwrap_or(&none), companions) {
        Ok((rule @ Rule::New, shown)) => {
            let why = "a value is compared with the present one and with what the object's 'fieldHistory' holds; no longer history is kept";
            if renamed || history_length(params) > 1 {
                Understood::Weaker(policy(rule, shown), why.into())
            } else {
                Understood::Policy(policy(rule, shown))
            }
        }
        Ok((rule, shown)) => Understood::Policy(policy(rule, shown)),
        Err(reason) if known == "regexpMatches" => Understood::Broken(policy(Rule::Matches(None), params.cloned()), reason),
        Err(reason) => Understood::Without(reason),
    })
}

/// Policies that follow from the schema.
pub(super) fn required() -> Policy {
    Policy { id: "required".into(), requirement: "REQUIRED", params: None, rule: Rule::Required }
}

pub(super) fn not_empty() -> Policy {
    Policy { id: "not-empty".into(), requirement: "REQUIRED", params: None, rule: Rule::NotEmpty }
}

pub(super) fn minimum_length(least: u64) -> Policy {
    Policy {
        id: "minimum-length".into(),
        requirement: "MIN_LENGTH",
        params: Some(json!({"minLength": least})),
        rule: Rule::Shortest(least),
    }
}

pub(super) fn one_of(values: Vec<Value>) -> Policy {
    Policy { id: "enumValue".into(), requirement: "ENUM_VALUE", params: Some(json!({"values": values})), rule: Rule::OneOf(values) }
}

pub(super) fn valid_type(types: &[JsonType]) -> Policy {
    let names: Vec<_> = types.iter().map(|kind| shown_type(*kind)).collect();
    Policy { id: "valid-type".into(), requirement: "VALID_TYPE", params: Some(json!({"types": names})), rule: Rule::Type(types.to_vec()) }
}

fn counted(params: &Value, key: &str, rule: fn(u64) -> Rule) -> Read {
    match loose::member(params, key).map(loose::as_count) {
        Some(Some(number)) => {
            let mut shown = Map::new();
            shown.insert(key.into(), json!(number));
            Ok((rule(number), Some(Value::Object(shown))))
        }
        Some(None) => Err(format!("its parameter '{key}' is no whole number")),
        None => Err(format!("its parameter '{key}' is missing")),
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
        return Err("its parameter 'disallowedFields' names no property".into());
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
        return Err("its parameter 'forbiddenChars' names no character".into());
    }
    let shown = json!({"forbiddenChars": forbidden});
    Ok((Rule::Without(forbidden), Some(shown)))
}

fn history(params: &Value) -> Option<Value> {
    loose::member(params, "historyLength").and_then(loose::as_count).map(|length| json!({"historyLength": length}))
}

fn history_length(params: Option<&Value>) -> u64 {
    params.and_then(|params| loose::member(params, "historyLength")).and_then(loose::as_count).unwrap_or(1)
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
        loose::member(params, key).and_then(loose::as_count).ok_or_else(|| format!("its parameter '{key}' is missing or no whole number"))
    };
    let (max, minutes) = (number("max")?, number("numMinutes")?);
    let at = loose::text(params, "dateTimeField").ok_or("its parameter 'dateTimeField' is missing")?;
    Ok((Rule::Attempts { max, minutes, at }, Some(json!({"max": max, "numMinutes": minutes}))))
}

fn words(params: &Value, companions: &Companions) -> Read {
    let path = loose::text(params, "filePath").ok_or("its parameter 'filePath' is missing")?;
    let words: &Arc<HashSet<String>> = companions.word_lists.get(&path).ok_or_else(|| format!("the file '{path}' could not be read"))?;
    Ok((Rule::NotListed(Arc::clone(words)), None))
}
