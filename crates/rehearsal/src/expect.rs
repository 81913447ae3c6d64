//! What a plan expects, compared with what happened.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::person::{CODE, codes_in};
use crate::plan::{ExpectedAnswer, ExpectedMail, Plan};
use crate::transcript::{Exchange, Outcome, SeenMail, Transcript};
use crate::world::World;

/// What is not as it was to be, a sentence each.
pub(crate) fn failures(plan: &Plan, transcript: &Transcript, world: &World) -> Vec<String> {
    let mut found = Vec::new();
    let submissions: Vec<&Exchange> = transcript.exchanges.iter().filter(|exchange| exchange.input.is_some()).collect();
    for (number, step) in plan.steps.iter().enumerate() {
        let said = |what: String| format!("step {}: {what}", number + 1);
        match (submissions.get(number), &step.expect) {
            (Some(exchange), Some(expected)) => found.extend(answer(expected, exchange).into_iter().map(said)),
            (Some(_), None) => {}
            (None, _) => found.push(said("it never came to this".to_owned())),
        }
    }
    let Some(expected) = &plan.expect else { return found };
    if let Some(completed) = expected.completed
        && completed != (transcript.outcome == Outcome::Completed)
    {
        let last = submissions.last().map(|exchange| said(&exchange.body)).unwrap_or_default();
        found.push(format!("completed is {}, not {completed}: the last answer is {last}", !completed));
    }
    if let Some(mails) = &expected.mails {
        found.extend(of_mails(mails, transcript));
    }
    if let Some(account) = expected.account
        && account != transcript.object.is_some()
    {
        found.push(format!("afterwards there is {} account", if account { "no" } else { "an" }));
    }
    for (name, wanted) in &expected.object {
        let stored = transcript.object.as_ref().and_then(|object| object.get(name));
        let hashed = stored.is_some_and(|stored| wanted.as_str().is_some_and(|text| text != stored && world.matches(text, stored)));
        if stored != Some(wanted) && !hashed && !(wanted.is_null() && stored.is_none()) {
            found.push(format!("afterwards '{name}' is {}, not {}", stored.unwrap_or(&Value::Null), wanted));
        }
    }
    if let Some(changed) = expected.changed.as_ref().filter(|changed| **changed != transcript.changed) {
        let listed = |names: &BTreeSet<String>| match names.len() {
            0 => "nothing".to_owned(),
            _ => names.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        };
        found.push(format!("{} is changed of the object, not {}", listed(&transcript.changed), listed(changed)));
    }
    if let Some(sessions) = expected.sessions.filter(|sessions| *sessions != transcript.sessions) {
        let now = transcript.sessions;
        found.push(format!(
            "{} sessions begin and sessions are ended {} times, not {} and {}",
            now.begun, now.ended, sessions.begun, sessions.ended
        ));
    }
    let additions = submissions.last().and_then(|exchange| exchange.body.get("additions"));
    for (name, wanted) in &expected.additions {
        let given = additions.and_then(|additions| additions.get(name)).unwrap_or(&Value::Null);
        if given != wanted {
            found.push(format!("the addition '{name}' is {given}, not {wanted}"));
        }
    }
    found
}

fn answer(expected: &ExpectedAnswer, exchange: &Exchange) -> Vec<String> {
    let mut found = Vec::new();
    let text = |key: &str| exchange.body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(status) = expected.status
        && status != exchange.status
    {
        found.push(format!("the status is {}, not {status}: {}", exchange.status, said(&exchange.body)));
    }
    for (key, wanted) in [("type", &expected.kind), ("tag", &expected.tag)] {
        if let Some(wanted) = wanted
            && text(key) != *wanted
        {
            found.push(format!("the {key} is '{}', not '{wanted}': {}", text(key), said(&exchange.body)));
        }
    }
    if let Some(wanted) = &expected.message
        && !text("message").contains(wanted)
    {
        found.push(format!("the message is '{}', without '{wanted}'", text("message")));
    }
    let asked = exchange.body.pointer("/requirements/properties").and_then(Value::as_object);
    for name in &expected.asks {
        let attribute = |one: &Value| one.get("name").and_then(Value::as_str) == Some(name);
        let attributes = exchange.body.pointer("/requirements/attributes").and_then(Value::as_array);
        if !asked.is_some_and(|asked| asked.contains_key(name)) && !attributes.is_some_and(|all| all.iter().any(attribute)) {
            found.push(format!("'{name}' is not asked for"));
        }
    }
    found
}

fn of_mails(expected: &[ExpectedMail], transcript: &Transcript) -> Vec<String> {
    let left: Vec<&SeenMail> = transcript.exchanges.iter().flat_map(|exchange| &exchange.mails).filter(|mail| !mail.withheld).collect();
    if left.len() != expected.len() {
        let subjects: Vec<String> = left.iter().map(|mail| format!("'{}' to {}", mail.subject, mail.to)).collect();
        return vec![format!("{} mails leave, not {}: {}", left.len(), expected.len(), subjects.join(", "))];
    }
    let mut found = Vec::new();
    for (number, (wanted, mail)) in expected.iter().zip(left).enumerate() {
        if let Some(to) = &wanted.to
            && mail.to != *to
        {
            found.push(format!("mail {} goes to {}, not to {to}", number + 1, mail.to));
        }
        let body = without_code(&mail.body);
        for (key, wanted, text) in [("subject", &wanted.subject, &mail.subject), ("body", &wanted.body, &body)] {
            if let Some(wanted) = wanted
                && !text.contains(wanted)
                && !(key == "body" && mail.body.contains(wanted))
            {
                found.push(format!("the {key} of mail {} is '{text}', without '{wanted}'", number + 1));
            }
        }
    }
    found
}

/// A mail's text with `{code}` in the place of its codes.
pub(crate) fn without_code(body: &str) -> String {
    codes_in(body).iter().fold(body.to_owned(), |body, code| body.replace(code, CODE))
}

/// An answer in short: what it asks, or why it refuses.
fn said(body: &Value) -> String {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    if body.get("message").is_some() {
        format!("{} {}", body.get("code").unwrap_or(&Value::Null), text("message"))
    } else {
        format!("{} {}", text("type"), text("tag"))
    }
}
