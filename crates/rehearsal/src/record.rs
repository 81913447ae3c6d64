//! A plan made of a transcript: the same inputs, and what was answered then as what is expected.
//!
//! Easiest to break: a secret in it. Codes become `{code}`; what holds a password or an answer to a question is left to the person of the
//! plan, and of the object that was stored nothing is kept that is hashed, sealed or secret: that it changed is said by name.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::expect::without_code;
use crate::person::{CODE, codes_in};
use crate::transcript::{Outcome, SeenMail, Transcript};

/// The plan, as TOML that [`crate::Plan::read`] reads.
#[must_use]
pub fn recorded(transcript: &Transcript) -> String {
    let mut out = String::new();
    let secrets = Secrets(&transcript.secrets);
    let text = |value: &str| Value::from(value).to_string();
    let _ = writeln!(out, "process = {}\nat = {}\nseed = {}", text(&transcript.process), text(&transcript.at), transcript.seed);
    let _ = writeln!(out, "account = {}\nsigned_in = {}", transcript.account, transcript.signed_in);
    let _ = writeln!(out, "reauthenticated = {}\nstop = true", transcript.reauthenticated);
    if let Value::Object(person) = &transcript.person {
        let _ = writeln!(out, "\n[person]");
        secrets.write_members(&mut out, person);
    }
    for other in &transcript.people {
        let _ = writeln!(out, "\n[[people]]");
        secrets.write_members(&mut out, other);
    }
    for account in &transcript.elsewhere {
        let _ = writeln!(
            out,
            "\n[[elsewhere]]\nprovider = {}\nprofile = {}",
            text(&account.provider),
            inline(&Value::Object(account.profile.clone()))
        );
    }
    if !transcript.services.is_empty() {
        let _ = writeln!(out, "\n[services]");
        for (address, answer) in &transcript.services {
            let _ = writeln!(out, "{} = {}", text(address), inline(answer));
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
            if !secrets.are_in(input) {
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
        codes.extend(exchange.mails.iter().flat_map(|mail| codes_in(&mail.body)));
    }
    let _ = writeln!(out, "\n[expect]\ncompleted = {}", transcript.outcome == Outcome::Completed);
    write_consequences(&mut out, transcript, secrets);
    out
}

/// What came of it: the account, sessions, mails, and the object as far as it is no secret.
fn write_consequences(out: &mut String, transcript: &Transcript, secrets: Secrets<'_>) {
    let text = |value: &str| Value::from(value).to_string();
    let changed: Vec<String> = transcript.changed.iter().map(|name| text(name)).collect();
    let _ = writeln!(out, "account = {}\nchanged = [{}]", transcript.object.is_some(), changed.join(", "));
    let _ = writeln!(out, "sessions = {{ begun = {}, ended = {} }}", transcript.sessions.begun, transcript.sessions.ended);
    let leaving: Vec<&SeenMail> = transcript.exchanges.iter().flat_map(|exchange| &exchange.mails).filter(|mail| !mail.withheld).collect();
    if leaving.is_empty() {
        let _ = writeln!(out, "mails = []");
    }
    if let Some(Value::Object(object)) = &transcript.object {
        let _ = writeln!(out, "\n[expect.object]");
        secrets.write_members(out, object);
    }
    for mail in leaving {
        let _ = writeln!(out, "\n[[expect.mails]]\nto = {}\nsubject = {}", text(&mail.to), text(&mail.subject));
        let _ = writeln!(out, "body = {}", text(&without_code(&mail.body)));
    }
}

/// What must not be written down: what is called like a secret, and what the project's schema says is one.
#[derive(Clone, Copy)]
struct Secrets<'a>(&'a BTreeSet<String>);

impl Secrets<'_> {
    /// Members without secrets, a line each.
    fn write_members(self, out: &mut String, members: &Map<String, Value>) {
        for (name, value) in members.iter().filter(|(name, value)| self.permit(name, value)) {
            let _ = writeln!(out, "{} = {}", Value::from(name.as_str()), inline(value));
        }
    }

    /// Whether a member may be written down. That there are no answers is no secret.
    fn permit(self, name: &str, value: &Value) -> bool {
        let is_empty = value.as_array().is_some_and(Vec::is_empty);
        (!self.name(name) || is_empty) && !value.is_null() && !self.are_in(value) && !is_sealed(value)
    }

    /// Whether this is the name of one; a pointer names what it ends with.
    fn name(self, name: &str) -> bool {
        let known = name.split('/').any(|part| self.0.contains(part));
        let name = name.to_ascii_lowercase();
        known || ["password", "kba", "answer", "secret"].iter().any(|word| name.contains(word))
    }

    /// Whether one is somewhere in a value.
    fn are_in(self, value: &Value) -> bool {
        match value {
            Value::Object(members) => members.iter().any(|(name, value)| self.name(name) || self.are_in(value)),
            Value::Array(items) => items.iter().any(|item| self.are_in(item)),
            _ => false,
        }
    }
}

/// Whether something of it is hashed or sealed.
fn is_sealed(value: &Value) -> bool {
    let text = value.to_string();
    ["$argon2", "$crypto", "eyJ", "{sealed}"].iter().any(|mark| text.contains(mark))
}

fn seconds(moment: &str) -> Option<i64> {
    let parsed = time::OffsetDateTime::parse(moment, &time::format_description::well_known::Rfc3339).ok()?;
    Some(parsed.unix_timestamp())
}

fn hide(value: &mut Value, codes: &[String]) {
    match value {
        Value::String(text) if codes.contains(text) => CODE.clone_into(text),
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
