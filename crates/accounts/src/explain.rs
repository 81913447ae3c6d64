//! What happened: the events of the audit trail that belong to one run of a process, stage by stage, with the reason of each decision and a
//! sentence for whoever has the person on the telephone.
//!
//! Easiest to get wrong: it says to an administrator who was meant, also where nobody was, so it is for administrators alone; and it repeats
//! what the trail holds, which is never what somebody typed.

use std::collections::{BTreeMap, HashMap};

use crest::{Filter, Pointer, ResourceError};
use identity::{Objects, PEOPLE};
use process::{OutboxEntry, OutboxState};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Which runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    /// That of an instance, or of a transaction.
    Named(String),
    /// Those of a person, `managed/user/<id>`.
    Person(String),
}

/// What is said of a decision: its word in the trail, the sentence, and what it means for somebody who waits for a mail or a way on.
/// `{by}` and the like stand for members of the reason.
const SAID: &[(&str, &str, &str)] = &[
    ("person-found", "one active account has what was typed", ""),
    ("nobody-found", "no account has what was typed", "They got no mail because no account has what they typed."),
    (
        "several-found",
        "several accounts have what was typed",
        "They got no mail because several accounts have what they typed, so none is meant.",
    ),
    (
        "person-inactive",
        "the account {object} has what was typed, and is not active",
        "They got no mail because their account is not active.",
    ),
    ("mail-written", "a mail was written", ""),
    ("mail-for-nobody", "no mail is sent: there is nobody to get it", "They got no mail because no account with an address was found."),
    (
        "mail-over-budget",
        "the mail is not sent: the budget {by} is used up",
        "They got no mail because so many had been asked for already: the budget {by} was used up.",
    ),
    (
        "address-has-account",
        "the address belongs to an account already",
        "They could not register because their address belongs to an account; its owner was told by mail.",
    ),
    (
        "mail-confirmed-elsewhere",
        "no mail is sent: an identity provider has confirmed the address",
        "They got no mail because none was needed: their identity provider has confirmed their address.",
    ),
    (
        "address-unconfirmed",
        "nobody has shown that the address of the account is theirs",
        "They got a mail without a code because nobody had confirmed the address of the account.",
    ),
    ("code-expired", "the code is older than a day", "Their code was not taken because it was older than a day."),
    ("code-differs", "the code is another one", "Their code was not taken because it was not the one of the mail."),
    ("too-many-codes", "too many codes were tried", "Their code was not taken because too many had been tried."),
    (
        "newer-mail",
        "a newer mail was asked for meanwhile",
        "Their code was not taken because a newer mail had been asked for: only its code counts.",
    ),
    (
        "address-changed",
        "the account has another address by now",
        "Their code was not taken because the account has another address by now.",
    ),
    (
        "policy",
        "what was typed does not keep to the policies: {failed}",
        "They did not get on because what they typed does not keep to the policies: {failed}.",
    ),
    ("too-few-answers", "too few questions were answered", "They did not get on because they answered too few questions."),
    ("answers-differ", "the answers are others", "They did not get on because their answers were not those of the account."),
    ("too-many-answers", "too many answers were tried", "They did not get on because too many answers had been tried."),
    ("condition", "the condition {condition} chose the branch {branch}; compared with {is}", ""),
    ("token-expired", "the token had expired", "They did not get on because they came back when the process had expired."),
    ("token-spent", "the process was past this step already", "They did not get on because this step had been completed already."),
    ("token-of-another", "the token belongs to another session", "They did not get on because somebody else had begun the process."),
    (
        "definition-gone",
        "the definition it began with is not served any more",
        "They did not get on because the process was changed meanwhile.",
    ),
    (
        "limited",
        "the limit {limit} refused the request of {client}",
        "They did not get on because of the limit {limit}: too many requests came from their network.",
    ),
];

/// A decision in a sentence, as it stands in the audit trail; nothing for one that nothing is said of.
#[must_use]
pub fn said(reason: &Value) -> Option<String> {
    let (_, sentence, _) = SAID.iter().find(|(what, ..)| *what == text(reason, "/what"))?;
    Some(filled(sentence, reason))
}

/// The path of the person that somebody means, who is named by it, `managed/user/<id>`, by the name they sign in with, or by their mail address, in
/// this order. Nothing where that is nobody.
///
/// # Errors
/// When the store does not answer.
pub async fn person(objects: &dyn Objects, named: &str) -> Result<Option<String>, ResourceError> {
    let named = named.trim().trim_matches('/');
    if named.starts_with("managed/") {
        return Ok(Some(named.to_owned()));
    }
    let mail = Pointer::from_tokens([stages::MAIL]);
    for field in ["userName", stages::MAIL] {
        let found = identity::find::person(objects, PEOPLE, &Filter::equals(field, named), &mail).await?;
        if let Some(found) = found.person {
            return Ok(Some(format!("{PEOPLE}/{}", found.id)));
        }
    }
    Ok(None)
}

/// The runs that events tell of, the one that began last first. Events are as the audit trail shows them, in any order; `mails` are those whose
/// numbers stand in them, as far as they are still there.
#[must_use]
pub fn runs(mut events: Vec<Value>, mails: &[OutboxEntry]) -> Vec<Value> {
    // Within a second steps go forward, and what was refused was tried again.
    events.sort_by_cached_key(|event| {
        let index = event.pointer("/detail/steps/0/index").and_then(Value::as_u64).unwrap_or(u64::MAX);
        (text(event, "/timestamp").to_owned(), index, text(event, "/status") != "FAILED")
    });
    let mut grouped: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    // Where the first event of a run, a request and its steps is, of units and of requests each.
    let mut told: HashMap<(&str, &str, String, bool), usize> = HashMap::new();
    for event in &events {
        let instance = text(event, "/detail/instance");
        let id = if instance.is_empty() { text(event, "/transactionId") } else { instance };
        let of_run = grouped.entry(id).or_default();
        // What a unit wrote stands in the store, and once more among all requests in a file: the store's is told.
        let (transaction, of_request) = (text(event, "/transactionId"), text(event, "/eventName") == "submitRequirements");
        let steps = event.pointer("/detail/steps").map(Value::to_string).unwrap_or_default();
        let kept = match told.get(&(id, transaction, steps.clone(), !of_request)).copied() {
            Some(_) if of_request => continue,
            Some(place) => {
                told.remove(&(id, transaction, steps.clone(), true));
                if let Some(kept) = of_run.get_mut(place) {
                    *kept = event;
                }
                place
            }
            None => {
                of_run.push(event);
                of_run.len() - 1
            }
        };
        told.entry((id, transaction, steps, of_request)).or_insert(kept);
    }
    let mut runs: Vec<Value> = grouped.iter().map(|(id, events)| run(id, events, mails)).collect();
    runs.sort_by(|one, other| text(other, "/began").cmp(text(one, "/began")));
    runs
}

fn run(id: &str, events: &[&Value], mails: &[OutboxEntry]) -> Value {
    let first_of = |pointers: &[&str]| {
        let found = events.iter().flat_map(|event| pointers.iter().map(|pointer| text(event, pointer)));
        found.map(|found| found.trim_start_matches("selfservice/").to_owned()).find(|found| !found.is_empty())
    };
    let person = events.iter().flat_map(|event| [text(event, "/objectId"), text(event, "/detail/object")]);
    let person = person.into_iter().find(|object| !object.is_empty() && !object.starts_with("selfservice/"));
    let completed =
        events.iter().any(|event| text(event, "/eventName") == "completed" || event.pointer("/detail/finished") == Some(&json!(true)));
    let mut because = None;
    let mut steps = Vec::new();
    for event in events {
        let (says, means) = says(event, mails);
        // Whoever got through a stage since is kept by nothing that was said before.
        because = if is_on(event) { means } else { means.or(because) };
        steps.push(json!({
            "at": event.get("timestamp"),
            "transaction": event.get("transactionId"),
            "refused": text(event, "/status") == "FAILED",
            "says": says,
        }));
    }
    let summary = match because {
        _ if completed => "They completed the process.".to_owned(),
        Some(because) => because,
        None => "They were asked, and have not gone on.".to_owned(),
    };
    json!({
        "_id": id,
        "process": first_of(&["/detail/process", "/objectId"]).filter(|process| !process.contains('/')),
        "version": first_of(&["/detail/version"]),
        "person": person,
        "began": events.first().and_then(|event| event.get("timestamp")),
        "last": events.last().and_then(|event| event.get("timestamp")),
        "completed": completed,
        "summary": summary,
        "steps": steps,
    })
}

/// Whether somebody got on with an event: a stage is through.
fn is_on(event: &Value) -> bool {
    let steps = event.pointer("/detail/steps").and_then(Value::as_array);
    text(event, "/status") != "FAILED" && steps.into_iter().flatten().any(|step| text(step, "/outcome") == "completed")
}

/// What an event says, line by line, and what it means for the person, where it keeps them from getting on.
fn says(event: &Value, mails: &[OutboxEntry]) -> (Vec<String>, Option<String>) {
    let (mut lines, mut means) = (Vec::new(), Vec::new());
    let list = |pointer: &str| event.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let (steps, mut reasons) = (list("/detail/steps"), list("/detail/reasons"));
    if text(event, "/eventName") == "limited" {
        reasons.push(json!({ "what": "limited", "limit": event.pointer("/detail/limit"), "client": event.pointer("/detail/client") }));
    } else if event.pointer("/detail/steps").is_none() {
        lines.push(format!("{} is done", text(event, "/eventName")));
    }
    let called = |step: &Value| format!("{} ({})", text(step, "/stage"), number(step, "/index") + 1);
    for step in &steps {
        lines.push(match text(step, "/outcome") {
            "entered" => format!("{} begins", called(step)),
            "completed" => format!("{} is through", called(step)),
            _ => format!("{} refuses: {}", called(step), refusal(event)),
        });
    }
    for reason in &reasons {
        let Some((_, sentence, meaning)) = SAID.iter().find(|(what, ..)| *what == text(reason, "/what")) else { continue };
        lines.push(filled(sentence, reason));
        means.extend((!meaning.is_empty()).then(|| filled(meaning, reason)));
    }
    let withheld = reasons.iter().any(|reason| matches!(text(reason, "/what"), "mail-for-nobody" | "mail-over-budget"));
    for id in list("/detail/mails").iter().filter_map(Value::as_i64).filter(|_| !withheld) {
        let (line, meaning) = mail(id, mails.iter().find(|entry| entry.id.0 == id));
        lines.push(line);
        means.extend(meaning);
    }
    let failed = steps.iter().filter(|step| text(step, "/outcome") == "failed");
    means.extend(failed.map(|step| format!("They did not get on because {} refused what came: {}.", called(step), refusal(event))));
    match text(event, "/detail/asks") {
        _ if text(event, "/eventName") == "completed" => lines.push("the process is completed".to_owned()),
        "" => {}
        "initial" => lines.push("the question is asked".to_owned()),
        tag => lines.push(format!("the question {tag} is asked")),
    }
    (lines, means.into_iter().next())
}

fn refusal(event: &Value) -> String {
    match text(event, "/detail/refusal") {
        "" => format!("status {}", number(event, "/detail/code")),
        kind => kind.to_owned(),
    }
}

/// What became of a mail.
fn mail(id: i64, entry: Option<&OutboxEntry>) -> (String, Option<String>) {
    let Some(entry) = entry else {
        return (format!("mail {id} is in the outbox no more: it was delivered more than a week ago, or withheld"), None);
    };
    let error =
        entry.last_error.as_deref().map_or_else(|| "no attempt has ended yet".to_owned(), |said| without_addresses(said, &entry.mail.to));
    match entry.state {
        OutboxState::Delivered => (format!("mail {id} was taken by the mail server"), None),
        OutboxState::Dead => (
            format!("mail {id} was given up (attempts: {}): {error}", entry.attempts),
            Some(format!("They got no mail because the mail server did not take it, and it was given up: {error}.")),
        ),
        OutboxState::Pending => {
            let next = OffsetDateTime::from_unix_timestamp(entry.next_attempt)
                .ok()
                .and_then(|time| time.format(&Rfc3339).ok())
                .unwrap_or_default();
            (
                format!("mail {id} waits for its next attempt at {next}: {error}"),
                Some(format!("They have got no mail yet because the mail server has not taken it: {error}. It is tried again at {next}.")),
            )
        }
    }
}

/// What a mail server said, with `…` for every address: it repeats whom a mail was for, or whom it would rather have sent it to.
fn without_addresses(said: &str, to: &str) -> String {
    let said = if to.is_empty() { said.to_owned() } else { said.replace(to, "…") };
    let is_around = |one: char| one.is_whitespace() || matches!(one, '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '"');
    let (mut told, mut rest) = (String::new(), said.as_str());
    while let Some(at) = rest.find('@') {
        let (before, behind) = rest.split_at(at);
        // What stands in quotes before the sign is of the address (RFC 5321, section 4.1.2).
        let own = match before.strip_suffix('"').and_then(|before| before.rfind('"')) {
            Some(quote) => quote,
            None => before.char_indices().rev().find(|(_, one)| is_around(*one)).map_or(0, |(place, one)| place + one.len_utf8()),
        };
        let end = match behind.strip_prefix("@[").and_then(|literal| literal.find(']')) {
            Some(closed) => closed + "@[]".len(),
            None => behind.find(is_around).unwrap_or(behind.len()),
        };
        told.push_str(before.get(..own).unwrap_or_default());
        told.push('…');
        rest = behind.get(end..).unwrap_or_default();
    }
    told + rest
}

/// A sentence with the members of a reason in it.
fn filled(sentence: &str, reason: &Value) -> String {
    let Some(members) = reason.as_object() else { return sentence.to_owned() };
    members.iter().fold(sentence.to_owned(), |sentence, (name, value)| {
        let shown = match value {
            Value::String(text) => text.clone(),
            Value::Null => "nothing that is kept".to_owned(),
            other => other.to_string(),
        };
        sentence.replace(&format!("{{{name}}}"), &shown)
    })
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, transaction: usize) -> Value {
        let detail = json!({ "instance": "one", "steps": [{ "index": 0, "stage": "userQuery", "outcome": "completed" }] });
        json!({ "eventName": name, "transactionId": transaction.to_string(), "timestamp": "2024-05-31T10:00:00Z", "detail": detail })
    }

    #[test]
    fn whoever_got_past_a_refusal_is_not_said_to_be_kept_by_it() {
        let told = |events: &[(&str, Value)]| {
            let event = |(number, (status, detail)): (usize, &(&str, Value))| {
                let mut detail = detail.clone();
                detail["instance"] = json!("one");
                json!({ "eventName": "step", "transactionId": number.to_string(), "status": status, "detail": detail,
                    "timestamp": format!("2024-05-31T10:00:{number:02}Z") })
            };
            runs(events.iter().enumerate().map(event).collect(), &[])[0]["summary"].as_str().unwrap().to_owned()
        };
        let through = |what: &str| {
            (
                "SUCCESSFUL",
                json!({ "steps": [{ "index": 1, "stage": "emailValidation", "outcome": "completed" }],
            "reasons": [{ "index": 1, "what": what }] }),
            )
        };
        let wrong = || {
            (
                "FAILED",
                json!({ "steps": [{ "index": 1, "stage": "emailValidation", "outcome": "failed" }],
            "reasons": [{ "index": 1, "what": "code-differs" }] }),
            )
        };
        let asked = || ("SUCCESSFUL", json!({ "steps": [{ "index": 1, "stage": "emailValidation", "outcome": "entered" }] }));
        assert!(told(&[wrong()]).contains("the one of the mail"));
        assert!(told(&[wrong(), asked()]).contains("the one of the mail"), "who only asked again is still there");
        assert_eq!(told(&[wrong(), through("")]), "They were asked, and have not gone on.");
        assert!(told(&[wrong(), through("mail-for-nobody")]).contains("no account with an address"));
        assert!(told(&[through("mail-for-nobody"), wrong()]).contains("the one of the mail"));
    }

    #[test]
    fn what_a_mail_server_said_names_no_address() {
        for (said, told) in [
            ("550 5.1.1 <ann@example.com>: Recipient address rejected", "550 5.1.1 <…>: Recipient address rejected"),
            ("550 'ann@example.com' unknown; try o'neill+x@sub.example.org.", "550 … unknown; try …"),
            ("550 to:ann@[192.0.2.1] (bob@[IPv6:2001:db8::7])", "550 to:… (…)"),
            ("550 \"ann b\"@example.com is away", "550 … is away"),
            ("550 no such mailbox", "550 no such mailbox"),
            ("550 @", "550 …"),
            ("550 no mailbox jörg@bücher.example here", "550 no mailbox … here"),
            ("550 mailbox local is full", "550 mailbox … is full"),
        ] {
            assert_eq!(without_addresses(said, "local"), told, "{said}");
        }
        assert_eq!(without_addresses("550 full", ""), "550 full");
    }

    #[test]
    fn what_stands_in_the_store_and_in_a_file_is_told_once() {
        for names in [["step", "submitRequirements"], ["submitRequirements", "step"]] {
            // As many as one person may cause, and some: comparing each with each took minutes.
            let events: Vec<Value> = (0..20_000).flat_map(|of| names.map(|name| event(name, of))).collect();
            let found = runs(events, &[]);
            assert_eq!((found.len(), found[0]["steps"].as_array().unwrap().len()), (1, 20_000), "{names:?}");
        }
        let twice = runs(vec![event("submitRequirements", 1), event("submitRequirements", 1)], &[]);
        assert_eq!(twice[0]["steps"].as_array().unwrap().len(), 2, "two requests of a file are two");
    }
}
