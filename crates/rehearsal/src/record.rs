//! A plan made of a transcript: the same inputs, and what was answered then as what is expected.
//!
//! Easiest to break: a secret in it. Codes become `{code}`; what holds a password or an answer to a question is left to the person of the
//! plan, and nothing of the object that was stored is kept.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::person::code_in;
use crate::transcript::{Outcome, Transcript};

/// The plan, as TOML that [`crate::Plan::read`] reads.
#[must_use]
pub fn recorded(transcript: &Transcript) -> String {
    let mut out = String::new();
    let text = |value: &str| Value::from(value).to_string();
    let _ = writeln!(out, "process = {}\nat = {}\nseed = {}", text(&transcript.process), text(&transcript.at), transcript.seed);
    let _ = writeln!(out, "account = {}\nsigned_in = {}\nstop = true", transcript.account, transcript.signed_in);
    if let Value::Object(person) = &transcript.person {
        let public: Map<String, Value> = person
            .iter()
            .filter(|(name, value)| !is_secret(name) && value.is_string())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let _ = writeln!(out, "\n[person]");
        for (name, value) in &public {
            let _ = writeln!(out, "{} = {}", text(name), inline(value));
        }
    }
    let mut codes: Vec<String> = Vec::new();
    let mut moment = transcript.at.as_str();
    for exchange in &transcript.exchanges {
        if let Some(input) = &exchange.input {
            let _ = writeln!(out, "\n[[step]]");
            let later = seconds(&exchange.at).zip(seconds(moment)).map_or(0, |(now, before)| now - before);
            if later > 0 {
                let _ = writeln!(out, "later = \"{later} seconds\"");
            }
            if !holds_secret(input) {
                let mut input = input.clone();
                hide(&mut input, &codes);
                let _ = writeln!(out, "input = {}", inline(&input));
            }
            let token = exchange.token.unwrap_or(0);
            let _ = writeln!(out, "token = {token}\n\n[step.expect]\nstatus = {}", exchange.status);
            for key in ["type", "tag", "message"] {
                if let Some(said) = exchange.body.get(key).and_then(Value::as_str) {
                    let _ = writeln!(out, "{key} = {}", text(said));
                }
            }
        }
        moment = &exchange.at;
        codes.extend(exchange.mails.iter().filter_map(|mail| code_in(mail.get("body")?.as_str()?)));
    }
    let _ = writeln!(out, "\n[expect]\ncompleted = {}", transcript.outcome == Outcome::Completed);
    out
}

fn seconds(moment: &str) -> Option<i64> {
    let parsed = time::OffsetDateTime::parse(moment, &time::format_description::well_known::Rfc3339).ok()?;
    Some(parsed.unix_timestamp())
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "kba", "answer", "secret"].iter().any(|word| name.contains(word))
}

fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| is_secret(name) || holds_secret(value)),
        Value::Array(items) => items.iter().any(holds_secret),
        _ => false,
    }
}

fn hide(value: &mut Value, codes: &[String]) {
    match value {
        Value::String(text) if codes.contains(text) => "{code}".clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, codes)),
        Value::Object(members) => members.values_mut().for_each(|member| hide(member, codes)),
        _ => {}
    }
}

/// A value on one line of TOML. What TOML has no word for is left out.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| format!("{} = {}", Value::from(name.as_str()), inline(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().filter(|item| !item.is_null()).map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
