//! What the engine and the policies refuse, as sentences at the fields they are about.
//!
//! Easiest to break: a refusal that nobody knows must still say something, and never a word that tells known from unknown people: the texts
//! are those of the REST answer, or ours.

use accounts::Limited;
use crest::ResourceError;
use identity::UNUSABLE_CHARACTERS;
use serde_json::Value;
use stages::{Refusal, claim_refusal};

use crate::field::{Field, Kind, Problem};
use crate::present::CURRENT;
use crate::property::{label, requirement_words};
use crate::visit::Visit;
use crate::words::Words;

/// Says when to come back, to whoever sent too much. A form that is shown again is a refusal of the limit like any other, and is counted.
pub(crate) fn too_often(visit: &Visit, limited: &Limited) -> Problem {
    visit.accounts.meter.limited(limited.limit);
    later(limited.retry_after)
}

/// Says when to come back.
pub(crate) fn later(seconds: u64) -> Problem {
    Problem::whole(Words::message("error-too-many").with("minutes", seconds.div_ceil(60).max(1)))
}

/// The sentence for a refusal, and the field it belongs to.
fn sentence(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::CodeWrong => ("code", "error-code-wrong"),
        Refusal::CodeMissing => ("code", "error-code-missing"),
        Refusal::MailMissing => ("mail", "error-missing"),
        Refusal::NoMailAddress => ("mail", "error-no-mail-address"),
        Refusal::MailMismatch => ("mail", "error-mail-mismatch"),
        Refusal::AnswersWrong => ("", "error-answers-wrong"),
        Refusal::AgreementMissing => ("accept", "error-agreement-missing"),
        Refusal::CaptchaWrong => ("response", "error-captcha-wrong"),
        Refusal::PasswordMissing => ("password", "error-password-missing"),
        Refusal::NoAccount => ("who", "error-no-account"),
        Refusal::NoAccountName => ("who", "error-no-account-name"),
        Refusal::PresentPasswordMissing => (CURRENT, "error-current-password-missing"),
    }
}

/// The problems that a refusal is about.
pub(crate) fn problems(error: &ResourceError, fields: &[Field]) -> Vec<Problem> {
    if error.code == 413 {
        return vec![Problem::whole(Words::message("error-too-long-in-all"))];
    }
    let mut problems = Vec::new();
    gather(&error.to_value(), fields, &mut problems);
    if problems.is_empty() {
        problems.push(of_kind(error.kind.unwrap_or_default(), error.detail.as_ref(), &error.message, fields));
    }
    problems
}

/// The problems of requirements that came back with what was wrong (decision 10).
pub(crate) fn of_requirements(requirements: &Value, fields: &[Field]) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(error) = requirements.get("error") {
        gather(error, fields, &mut problems);
        if problems.is_empty() {
            problems.push(of_claim(text(error, "message"), fields).unwrap_or_else(|| of_kind("", None, text(error, "message"), fields)));
        }
    }
    problems
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn gather(error: &Value, fields: &[Field], problems: &mut Vec<Problem>) {
    for part in error.pointer("/detail/parts").and_then(Value::as_array).into_iter().flatten() {
        let Some(error) = part.get("error") else { continue };
        let before = problems.len();
        gather(error, fields, problems);
        if problems.len() == before {
            problems.push(of_kind(text(part, "kind"), error.get("detail"), text(error, "message"), fields));
        }
    }
    for failed in error.pointer("/detail/failedPolicyRequirements").and_then(Value::as_array).into_iter().flatten() {
        let property = failed.get("property").and_then(Value::as_str).unwrap_or_default().trim_start_matches('/');
        let requirements = failed.get("policyRequirements").and_then(Value::as_array).into_iter().flatten();
        for requirement in requirements {
            let says = match (requirement.get("policyRequirement").and_then(Value::as_str), text(requirement, "message")) {
                (Some(name), _) => requirement_words(name, requirement.get("params").unwrap_or(&Value::Null)),
                // A script of the project's own may say it in words instead.
                (None, message) if !message.is_empty() => Words::theirs(message),
                (None, _) => Words::message("error-unknown"),
            };
            let problem = match of_property(property, fields) {
                Some(field) => Problem::of(&field.name, says),
                // What the form does not show is called what the project calls it.
                None => Problem { label: Box::new(label(property.rsplit('/').next().unwrap_or(property), None)), ..Problem::whole(says) },
            };
            // A form that shows several questions names the same requirement once.
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
}

/// The field of a property, however the answer names it: `password`, `user/password`, `kbaInfo`, `tags[2]`.
fn of_property<'f>(property: &str, fields: &'f [Field]) -> Option<&'f Field> {
    let bare = property.split('[').next().unwrap_or(property);
    let leaf = bare.strip_prefix("user/").unwrap_or(bare);
    let at = |place: &str| fields.iter().find(|field| field.place == place || field.name == place);
    at(bare).or_else(|| at(&format!("user/{leaf}"))).or_else(|| at(&format!("attributes/{leaf}"))).or_else(|| at(leaf))
}

/// Why an account is not claimed.
fn of_claim(message: &str, fields: &[Field]) -> Option<Problem> {
    let (field, key) = match message {
        claim_refusal::WRONG_PASSWORD => ("password", "claim-wrong-password"),
        claim_refusal::UNCLAIMABLE => ("", "claim-unclaimable"),
        claim_refusal::SAME_ACCOUNT => ("", "claim-same"),
        claim_refusal::NOT_LINKED => ("", "claim-not-linked"),
        claim_refusal::LINKED_ANOTHER => ("", "claim-linked-another"),
        _ => return None,
    };
    let shown = fields.iter().any(|shown| shown.name == field);
    Some(Problem::of(if shown { field } else { "" }, Words::message(key)))
}

/// A refusal of this kind, else in the words of whoever refused: a stage of the project's own says what is wrong itself.
fn of_kind(kind: &str, detail: Option<&Value>, message: &str, fields: &[Field]) -> Problem {
    if let Some((field, key)) = Refusal::named(kind).map(sentence) {
        let found = fields.iter().find(|shown| shown.name.split('.').next() == Some(field));
        return Problem::of(found.map_or("", |found| found.name.as_str()), Words::message(key));
    }
    let detail = detail.unwrap_or(&Value::Null);
    if let Some((part, says)) = of_question(kind, detail) {
        let entry = detail.get("entry").and_then(Value::as_u64).and_then(|entry| usize::try_from(entry).ok());
        let found = entry.and_then(|entry| fields.iter().filter(|field| field.kind == Kind::Question).nth(entry));
        return Problem::of(&found.map_or(String::new(), |found| format!("{}.{part}", found.name)), says);
    }
    if kind == UNUSABLE_CHARACTERS {
        let found = of_property(text(detail, "property"), fields);
        return Problem::of(found.map_or("", |found| found.name.as_str()), Words::message("error-characters"));
    }
    let theirs = Words { lang: "en".to_owned(), ..Words::theirs(message) };
    Problem::whole(if message.is_empty() { Words::message("error-unknown") } else { theirs })
}

/// What is wrong with a security question, and in which part of it. A form of ours sends nothing that is refused otherwise.
fn of_question(kind: &str, detail: &Value) -> Option<(&'static str, Words)> {
    let short = || Words::message("policy-MIN_LENGTH").with("minLength", detail.get("least").and_then(Value::as_u64).unwrap_or(1));
    Some(match kind {
        "question-missing" | "question-unknown" => ("question", Words::message("error-question-missing")),
        "question-twice" => ("question", Words::message("error-question-twice")),
        "question-listed" => ("own", Words::message("error-question-listed")),
        "question-empty" => ("own", Words::message("error-own-question-missing")),
        "question-broken" => ("own", Words::message("error-characters")),
        "question-long" => ("own", Words::message("error-too-long")),
        "question-short" => ("own", short()),
        "answer-missing" | "answer-empty" => ("answer", Words::message("error-answer-missing")),
        "answer-long" => ("answer", Words::message("error-too-long")),
        "answer-short" => ("answer", short()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use identity::kba::{KbaError, KbaErrorKind};

    use super::*;

    #[test]
    fn a_refusal_is_said_at_the_field_it_is_about() {
        let field = |name: &str, place: &str| Field::new(name, Kind::Text, Words::message("x")).place(place);
        let fields = [field("user.userName", "user/userName"), field("password", "user/password"), field("who", "queryFilter")];
        let failed =
            |property: &str, requirement: &str| json!({"property": property, "policyRequirements": [{"policyRequirement": requirement}]});
        let detail =
            json!({"failedPolicyRequirements": [failed("userName", "UNIQUE"), failed("/user/password", "REQUIRED"), failed("x", "A")]});
        let error = ResourceError::forbidden("Policy validation failed").with_detail(detail);
        let named: Vec<(String, String)> = problems(&error, &fields).into_iter().map(|problem| (problem.field, problem.says.key)).collect();
        let pair = |field: &str, key: &str| (field.to_owned(), key.to_owned());
        assert_eq!(named, [pair("user.userName", "policy-UNIQUE"), pair("password", "policy-REQUIRED"), pair("", "policy-A")]);
        let own =
            json!({"failedPolicyRequirements": [{"property": "userName", "policyRequirements": [{"message": "of 1 to 10"}, {"x": 1}]}]});
        let told = problems(&ResourceError::forbidden("Policy validation failed").with_detail(own), &fields);
        assert_eq!((told[0].field.as_str(), told[0].says.text.as_str()), ("user.userName", "of 1 to 10"));
        assert_eq!(told[1].says.key, "error-unknown");
        let problem = &problems(&Refusal::NoAccount.into(), &fields)[0];
        assert_eq!((problem.field.as_str(), problem.says.key.as_str()), ("who", "error-no-account"));
        let own = &problems(&ResourceError::bad_request("No such invitation"), &fields)[0];
        assert_eq!((own.field.as_str(), own.says.text.as_str()), ("", "No such invitation"));
    }

    #[test]
    fn what_is_wrong_with_a_question_is_said_at_its_part_in_words_of_ours() {
        let question = |name: &str| Field::new(name, Kind::Question, Words::message("x")).place("kba");
        let fields = [question("kba.0"), question("kba.1")];
        let said = |reason: KbaErrorKind| {
            let problem = problems(&KbaError { entry: Some(1), reason }.into(), &fields).remove(0);
            (problem.field, problem.says.key)
        };
        use KbaErrorKind as Why;
        for (reason, part, key) in [
            (Why::Question, "question", "error-question-missing"),
            (Why::UnknownQuestion, "question", "error-question-missing"),
            (Why::Duplicate, "question", "error-question-twice"),
            (Why::SystemQuestion, "own", "error-question-listed"),
            (Why::EmptyQuestion, "own", "error-own-question-missing"),
            (Why::BrokenQuestion, "own", "error-characters"),
            (Why::LongQuestion, "own", "error-too-long"),
            (Why::ShortQuestion { least: 3 }, "own", "policy-MIN_LENGTH"),
            (Why::Answer, "answer", "error-answer-missing"),
            (Why::EmptyAnswer, "answer", "error-answer-missing"),
            (Why::LongAnswer, "answer", "error-too-long"),
            (Why::ShortAnswer { least: 3 }, "answer", "policy-MIN_LENGTH"),
        ] {
            assert_eq!(said(reason), (format!("kba.1.{part}"), key.to_owned()));
        }
    }
}
