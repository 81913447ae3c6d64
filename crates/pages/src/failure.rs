//! What the engine and the policies refuse, as sentences at the fields they are about.
//!
//! Easiest to break: a refusal that nobody knows must still say something, and never a word that tells known from unknown people: the texts
//! are those of the REST answer, or ours.

use crest::ResourceError;
use serde_json::Value;

use crate::field::{Field, Problem};
use crate::property::{label, requirement_words};
use crate::words::Words;

/// Says when to come back, to whoever sent too much.
pub(crate) fn too_often(seconds: u64) -> Problem {
    Problem::whole(Words::message("error-too-many").with("minutes", seconds.div_ceil(60).max(1)))
}

/// Sentences for messages of stages, and the field they belong to.
const KNOWN: [(&str, &str, &str); 12] = [
    ("Invalid code", "code", "error-code-wrong"),
    ("Input code is missing", "code", "error-code-missing"),
    ("mail should not be empty", "mail", "error-missing"),
    ("mail is not a mail address", "mail", "error-no-mail-address"),
    ("Email address mismatch", "mail", "error-mail-mismatch"),
    ("Answers are not matched", "", "error-answers-wrong"),
    ("Must accept terms and conditions", "accept", "error-agreement-missing"),
    ("Recaptcha verification is unsuccessful.", "response", "error-captcha-wrong"),
    ("password is missing from input", "password", "error-password-missing"),
    ("Unable to find account", "who", "error-no-account"),
    ("Invalid query filter", "who", "error-no-account-name"),
    ("What was entered so far is too long to go on with", "", "error-too-long-in-all"),
];

/// The problems that a refusal is about.
pub(crate) fn problems(error: &ResourceError, fields: &[Field]) -> Vec<Problem> {
    let mut problems = Vec::new();
    gather(&error.to_value(), fields, &mut problems);
    if problems.is_empty() {
        problems.push(of_message(&error.message, fields));
    }
    problems
}

/// The problems of requirements that came back with what was wrong (decision 10).
pub(crate) fn of_requirements(requirements: &Value, fields: &[Field]) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(error) = requirements.get("error") {
        gather(error, fields, &mut problems);
        if problems.is_empty() {
            problems.push(of_message(error.get("message").and_then(Value::as_str).unwrap_or_default(), fields));
        }
    }
    problems
}

fn gather(error: &Value, fields: &[Field], problems: &mut Vec<Problem>) {
    for part in error.pointer("/detail/parts").and_then(Value::as_array).into_iter().flatten() {
        let Some(error) = part.get("error") else { continue };
        let before = problems.len();
        gather(error, fields, problems);
        if problems.len() == before {
            problems.push(of_message(error.get("message").and_then(Value::as_str).unwrap_or_default(), fields));
        }
    }
    for failed in error.pointer("/detail/failedPolicyRequirements").and_then(Value::as_array).into_iter().flatten() {
        let property = failed.get("property").and_then(Value::as_str).unwrap_or_default().trim_start_matches('/');
        let requirements = failed.get("policyRequirements").and_then(Value::as_array).into_iter().flatten();
        for requirement in requirements {
            let Some(name) = requirement.get("policyRequirement").and_then(Value::as_str) else { continue };
            let says = requirement_words(name, requirement.get("params").unwrap_or(&Value::Null));
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

fn of_message(message: &str, fields: &[Field]) -> Problem {
    let known = KNOWN.iter().find(|(text, ..)| *text == message);
    let Some((_, field, key)) = known else {
        // A stage of the project's own says what is wrong in its own words.
        let theirs = Words { lang: "en".to_owned(), ..Words::theirs(message) };
        return Problem::whole(if message.is_empty() { Words::message("error-unknown") } else { theirs });
    };
    let found = fields.iter().find(|shown| shown.name.split('.').next() == Some(field));
    Problem::of(found.map_or("", |found| found.name.as_str()), Words::message(key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::field::Kind;

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
        let problem = &problems(&ResourceError::bad_request("Unable to find account"), &fields)[0];
        assert_eq!((problem.field.as_str(), problem.says.key.as_str()), ("who", "error-no-account"));
        let own = &problems(&ResourceError::bad_request("No such invitation"), &fields)[0];
        assert_eq!((own.field.as_str(), own.says.text.as_str()), ("", "No such invitation"));
    }
}
