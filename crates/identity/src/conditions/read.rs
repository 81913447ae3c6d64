//! Reading conditions as files have them. The shape of a script condition was never written down: its script stands in the condition
//! itself or under `script`.

use std::num::NonZeroU64;

use crest::{Filter, nearest};
use serde_json::{Map, Value};

use super::{Condition, ConditionError, Interval, ScriptCondition, ScriptSource, Span};
use crate::loose;
use crate::problem::below;
use crate::scripting::source::{TORN, Torn, source};

pub(super) const KBA_QUESTIONS: &str = "kbaQuestions";
pub(super) const TERMS: &str = "terms";
pub(super) const LOGIN_COUNT: &str = "loginCount";
pub(super) const TIME_SINCE_LOGIN: &str = "timesincelogin";
pub(super) const QUERY_FILTER: &str = "queryFilter";
pub(super) const SCRIPT: &str = "script";

const TYPES: [&str; 6] = [KBA_QUESTIONS, TERMS, LOGIN_COUNT, TIME_SINCE_LOGIN, QUERY_FILTER, SCRIPT];

/// Members of a script that are not variables for it.
const SCRIPT_MEMBERS: [&str; 5] = ["type", "source", "file", "globals", SCRIPT];

pub(super) fn condition(condition: &Value) -> Result<Condition, ConditionError> {
    if !condition.is_object() {
        return Err(problem("", "a condition is an object with a 'type'"));
    }
    let Some(name) = loose::member(condition, "type").and_then(Value::as_str).map(str::trim) else {
        return Err(ConditionError { help: Some(one_of_types()), ..problem("", "the condition has no 'type'") });
    };
    match name {
        KBA_QUESTIONS => Ok(Condition::KbaQuestions),
        TERMS => Ok(Condition::Terms),
        LOGIN_COUNT => login_count(condition),
        TIME_SINCE_LOGIN => time_since_login(condition),
        QUERY_FILTER => query_filter(condition),
        SCRIPT => {
            let (script, at) = match loose::member(condition, SCRIPT) {
                Some(nested) if nested.is_object() => (nested, below("", SCRIPT)),
                Some(Value::String(source)) => return inline(source, "/script", condition),
                Some(_) => return Err(problem("/script", "'script' must be an object with 'source' or 'file'")),
                None => (condition, String::new()),
            };
            script_condition(script, &at)
        }
        // A script written as scripts are everywhere else in a project, its language in the place of the condition's type.
        language if is_javascript(language) || is_groovy(language) => script_condition(condition, ""),
        unknown => {
            let help = nearest(unknown, TYPES).map_or_else(one_of_types, |near| format!("did you mean '{near}'?"));
            Err(ConditionError { help: Some(help), ..problem("/type", format!("there is no condition '{unknown}'")) })
        }
    }
}

fn login_count(condition: &Value) -> Result<Condition, ConditionError> {
    let interval = match loose::text(condition, "interval").map(|text| text.trim().to_ascii_lowercase()).as_deref() {
        Some("at") => Interval::At,
        Some("every") => Interval::Every,
        Some(other) => return Err(problem("/interval", format!("'interval' is 'at' or 'every', not '{other}'"))),
        None => return Err(problem("", "the condition 'loginCount' needs an 'interval': 'at' or 'every'")),
    };
    let Some(raw) = loose::member(condition, "amount") else {
        return Err(problem("", "the condition 'loginCount' needs an 'amount' of sign-ins"));
    };
    let amount = loose::as_count(raw).and_then(NonZeroU64::new);
    let amount = amount.ok_or_else(|| problem("/amount", format!("'amount' must be a whole number from 1, not {raw}")))?;
    Ok(Condition::LoginCount { interval, amount })
}

fn time_since_login(condition: &Value) -> Result<Condition, ConditionError> {
    let mut span = Span::default();
    for unit in Span::UNITS {
        let Some(raw) = loose::member(condition, unit) else { continue };
        let more = loose::as_count(raw).and_then(|amount| span.plus(amount, unit));
        span = more.ok_or_else(|| problem(&below("", unit), format!("'{unit}' must be a whole number, not {raw}")))?;
    }
    if !span.is_empty() {
        return Ok(Condition::TimeSinceLogin(span));
    }
    let mut misspelt =
        condition.as_object().into_iter().flat_map(Map::keys).filter(|key| *key != "type" && !Span::UNITS.contains(&key.as_str()));
    let help = misspelt.find_map(|key| nearest(key, Span::UNITS)).map(|near| format!("did you mean '{near}'?"));
    let message = "the condition 'timesincelogin' needs a length of time: years, months, weeks, days, hours or minutes";
    Err(ConditionError { help, ..problem("", message) })
}

fn query_filter(condition: &Value) -> Result<Condition, ConditionError> {
    let Some(text) = loose::member(condition, "filter") else {
        return Err(problem("", "the condition 'queryFilter' needs a 'filter'"));
    };
    let Value::String(text) = text else { return Err(problem("/filter", "'filter' must be a string")) };
    Filter::parse(text).map(Condition::QueryFilter).map_err(|error| problem("/filter", format!("the filter cannot be read: {error}")))
}

fn script_condition(script: &Value, at: &str) -> Result<Condition, ConditionError> {
    let text = |key| loose::member(script, key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let language = text("type").filter(|language| *language != SCRIPT).map(str::trim);
    let inline = match loose::member(script, "source") {
        Some(Value::Array(_)) => source(script).map_err(|Torn| problem(&below(at, "source"), TORN))?.filter(|text| !text.trim().is_empty()),
        _ => text("source").map(str::to_owned),
    };
    let source = match (inline, text("file")) {
        (Some(source), _) => ScriptSource::Inline(source),
        (None, Some(file)) => ScriptSource::File(
            project_file(file.trim())
                .ok_or_else(|| problem(&below(at, "file"), "'file' must be a path inside the project, without '..'"))?,
        ),
        (None, None) => return Err(problem(at, "a script needs its text in 'source', or a 'file' of the project")),
    };
    let is_groovy_file = matches!(&source, ScriptSource::File(file) if file.to_ascii_lowercase().ends_with(".groovy"));
    if is_groovy_file || language.is_some_and(is_groovy) {
        let help = "write it in JavaScript, or as a 'queryFilter' if it only looks at the person";
        let place = if is_groovy_file { below(at, "file") } else { below(at, "type") };
        return Err(ConditionError { help: Some(help.to_owned()), ..problem(&place, "scripts in Groovy cannot be run here") });
    }
    if let Some(other) = language.filter(|language| !is_javascript(language)) {
        let help = Some("'text/javascript' is".to_owned());
        return Err(ConditionError { help, ..problem(&below(at, "type"), format!("'{other}' is no language of scripts")) });
    }
    Ok(Condition::Script(ScriptCondition { source, globals: globals(script, at)? }))
}

fn inline(source: &str, at: &str, condition: &Value) -> Result<Condition, ConditionError> {
    if source.trim().is_empty() {
        return Err(problem(at, "the script is empty"));
    }
    Ok(Condition::Script(ScriptCondition { source: ScriptSource::Inline(source.to_owned()), globals: globals(condition, "")? }))
}

/// `globals`, and every other member: IDM hands both to a script as variables, the former first.
fn globals(script: &Value, at: &str) -> Result<Map<String, Value>, ConditionError> {
    let members = script.as_object().into_iter().flatten().filter(|(key, _)| !SCRIPT_MEMBERS.contains(&key.as_str()));
    let mut variables: Map<String, Value> = members.map(|(key, value)| (key.clone(), value.clone())).collect();
    match loose::member(script, "globals") {
        None => {}
        Some(Value::Object(globals)) => variables.extend(globals.clone()),
        Some(_) => return Err(problem(&below(at, "globals"), "'globals' must be an object: variables by name")),
    }
    Ok(variables)
}

fn project_file(path: &str) -> Option<String> {
    let escapes = path.starts_with(['/', '\\']) || path.contains([':', '\0']) || path.split(['/', '\\']).any(|part| part == "..");
    (!escapes).then(|| path.to_owned())
}

fn is_javascript(language: &str) -> bool {
    let language = language.to_ascii_lowercase();
    ["text/javascript", "application/javascript", "javascript", "text/ecmascript", "application/ecmascript", "ecmascript"]
        .contains(&language.as_str())
}

fn is_groovy(language: &str) -> bool {
    language.to_ascii_lowercase().contains("groovy")
}

fn one_of_types() -> String {
    format!("known types: {}", TYPES.join(", "))
}

fn problem(pointer: &str, message: impl Into<String>) -> ConditionError {
    ConditionError { pointer: pointer.to_owned(), message: message.into(), help: None }
}
