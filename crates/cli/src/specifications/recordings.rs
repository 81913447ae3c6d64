//! Specifications of what a real server was asked and answered: a HAR file, or JSON lines, as `vestibule compare` reads them.
//!
//! Easiest to break: whose run it was. Nothing that somebody typed is kept but what says yes or no: the person of the specification answers with their own
//! name, address, code, answers and password. A refusal of something that was left out is left out with it, since the person would not be refused.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use moving::{Exchange, Recording};
use serde_json::Value;

/// A run of a process: the submissions that hang together by their tokens.
#[derive(Default)]
struct Run<'r> {
    process: String,
    steps: Vec<Step<'r>>,
}

/// One submission.
struct Step<'r> {
    /// The number of the answer whose token came along; 0 for none.
    token: usize,
    input: Option<&'r Value>,
    answer: &'r Value,
}

/// A specification for each run of a recording, as text.
pub(super) fn of(recording: &Recording) -> Vec<String> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    // Where a token was given: the run, and the number of the answer among those that gave one.
    let mut given: HashMap<&str, (usize, usize)> = HashMap::new();
    let mut counts: Vec<usize> = Vec::new();
    for exchange in recording.exchanges.iter().filter(|exchange| exchange.method == "POST") {
        let Some(process) = process_of(exchange) else { continue };
        let sent = exchange.body.get("token").and_then(Value::as_str);
        let (place, sent_with) = match sent.map(|token| given.get(token).copied()) {
            None => {
                runs.push(Run { process: process.to_owned(), steps: Vec::new() });
                counts.push(0);
                (runs.len() - 1, 0)
            }
            Some(Some(known)) => known,
            // It hangs on an answer that was not recorded, or that was left out.
            Some(None) => continue,
        };
        let input = exchange.body.get("input").filter(|input| says_only_yes_or_no(input));
        let is_error = is_error(&exchange.answer);
        let refused = is_error || exchange.answer.get("token").is_none() && exchange.answer.get("status").is_none();
        let asked_again = exchange.answer.pointer("/requirements/error").is_some();
        let left_out = input.is_none() && (refused || asked_again);
        let (Some(run), Some(count)) = (runs.get_mut(place), counts.get_mut(place)) else { continue };
        if !left_out {
            run.steps.push(Step { token: sent_with, input, answer: &exchange.answer });
        }
        let Some(token) = exchange.answer.get("token").and_then(Value::as_str) else { continue };
        // No step can name the token of a refusal, or of what was left out: whoever goes on with it goes on from where they were.
        if left_out || is_error {
            given.insert(token, (place, sent_with));
        } else {
            *count += 1;
            given.insert(token, (place, *count));
        }
    }
    runs.iter().filter(|run| !run.steps.is_empty()).map(Run::text).collect()
}

/// Whether an answer is an error: it says a code, and asks nothing.
fn is_error(answer: &Value) -> bool {
    answer.get("type").is_none() && answer.get("code").is_some_and(Value::is_u64)
}

/// The process that is submitted to.
fn process_of(exchange: &Exchange) -> Option<&str> {
    let (path, query) = exchange.path.split_once('?')?;
    query.split('&').any(|part| part == "_action=submitRequirements").then_some(())?;
    path.strip_prefix("selfservice/").filter(|name| !name.is_empty() && !name.contains('/'))
}

/// Whether nothing of an input is about somebody: nothing at all, or consent.
fn says_only_yes_or_no(input: &Value) -> bool {
    let Some(members) = input.as_object() else { return false };
    members.values().all(|value| value.is_boolean() || value.is_null() || matches!(value.as_str(), Some("true" | "false")))
}

impl Run<'_> {
    fn text(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string();
        let mut out = format!("process = {}\nstop = true\n", quoted(&self.process));
        for Step { token, input, answer } in &self.steps {
            let _ = writeln!(out, "\n[[step]]\ntoken = {token}");
            if let Some(members) = input.and_then(Value::as_object) {
                let members: BTreeMap<&String, &Value> = members.iter().filter(|(_, value)| !value.is_null()).collect();
                let members: Vec<String> = members.iter().map(|(name, value)| format!("{} = {value}", quoted(name))).collect();
                let _ = writeln!(out, "input = {{ {} }}", members.join(", "));
            }
            let status = answer.get("code").and_then(Value::as_u64).filter(|_| is_error(answer)).unwrap_or(200);
            let _ = writeln!(out, "\n[step.expect]\nstatus = {status}");
            for key in ["type", "tag"] {
                if let Some(said) = answer.get(key).and_then(Value::as_str) {
                    let _ = writeln!(out, "{key} = {}", quoted(said));
                }
            }
        }
        let completed = self.steps.last().is_some_and(|step| step.answer.get("tag").and_then(Value::as_str) == Some("end"));
        let _ = writeln!(out, "\n[expect]\ncompleted = {completed}");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use server::Plan;

    #[test]
    fn a_run_is_told_without_anything_that_somebody_typed() {
        let line = |body: &Value, answer: &Value| {
            let request =
                serde_json::json!({ "method": "POST", "url": "/openidm/selfservice/reset?_action=submitRequirements", "body": body });
            format!("{}\n", serde_json::json!({ "request": request, "answer": { "body": answer } }))
        };
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let lines = [
            line(&json(r#"{"input":{}}"#), &json(r#"{"type":"parameters","tag":"initial","token":"one"}"#)),
            line(
                &json(r#"{"token":"one","input":{"queryFilter":"mail eq \"real@example.com\""}}"#),
                &json(r#"{"type":"emailValidation","tag":"validateCode","token":"two"}"#),
            ),
            line(&json(r#"{"token":"two","input":{"code":"11111111"}}"#), &json(r#"{"code":400,"message":"Invalid code"}"#)),
            // A refusal that gives a token all the same, with which the client goes on.
            line(&json(r#"{"token":"two","input":{}}"#), &json(r#"{"code":400,"message":"Invalid code","token":"other"}"#)),
            line(
                &json(r#"{"token":"other","input":{"code":"22222222"}}"#),
                &json(r#"{"type":"resetStage","tag":"initial","token":"three"}"#),
            ),
            // One that is asked again, as a weak password is.
            line(
                &json(r#"{"token":"three","input":{"password":"weak"}}"#),
                &json(r#"{"type":"resetStage","tag":"initial","token":"four","requirements":{"error":{"code":403}}}"#),
            ),
            line(
                &json(r#"{"token":"four","input":{"password":"Real-Secret-1"}}"#),
                &json(r#"{"type":"resetStage","tag":"end","status":{"success":true}}"#),
            ),
        ];
        let file = std::env::temp_dir().join(format!("vestibule-recording-{}.jsonl", std::process::id()));
        std::fs::write(&file, lines.concat()).unwrap();
        let recording = Recording::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let texts = of(&recording);
        let [text] = texts.as_slice() else { panic!("{texts:#?}") };
        let plan = Plan::read(text).unwrap();
        assert_eq!(
            plan.steps.iter().map(|step| step.token.unwrap()).collect::<Vec<_>>(),
            [0, 1, 2, 2, 3],
            "the wrong code is left out: {text}"
        );
        for typed in ["real@example.com", "22222222", "Real-Secret-1", "queryFilter"] {
            assert!(!text.contains(typed), "{text}");
        }
        assert_eq!(plan.expect.unwrap().completed, Some(true));
    }
}
