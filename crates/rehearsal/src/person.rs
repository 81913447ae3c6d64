//! Somebody who answers what they are asked: with their own name, address and answers, with what their mails say, and with whatever fits where
//! they are asked for something else.
//!
//! Easiest to break: an answer that knows more than a person would. What is in somebody's mailbox comes out of it, and nowhere else.

use identity::ObjectSchema;
use identity::kba::KbaConfig;
use process::Mail;
use serde_json::{Map, Value, json};

use crate::names::Names;
use crate::ports::HUMAN;
use crate::transcript::AccountElsewhere;
use crate::values::{Fitting, declaration, of_schema};

/// The answer to every security question.
pub(crate) const ANSWER: &str = "Elm Street";
/// The password that somebody has.
pub(crate) const PASSWORD: &str = "Former-Lantern-46";

/// Somebody.
pub(crate) struct Person {
    /// Collection path.
    pub(crate) collection: String,
    /// The id of their account.
    pub(crate) id: String,
    /// Their object, in clear.
    pub(crate) content: Map<String, Value>,
    names: Names,
    /// Their accounts at identity providers.
    pub(crate) elsewhere: Vec<AccountElsewhere>,
}

impl Person {
    /// Somebody of a collection; what `special` says is stronger than what they would be.
    pub(crate) fn new(
        collection: &str,
        schema: Option<&ObjectSchema>,
        kba: &KbaConfig,
        names: &Names,
        special: &Map<String, Value>,
    ) -> Self {
        let mut content = Map::new();
        for (name, value) in [
            ("userName", "bjensen"),
            ("givenName", "Barbara"),
            ("sn", "Jensen"),
            ("mail", "bjensen@example.com"),
            ("accountStatus", "active"),
            ("password", PASSWORD),
        ] {
            content.insert(name.to_owned(), value.into());
        }
        let answers = answers(kba, names);
        content.insert(kba.property.clone(), answers.into());
        for name in schema.into_iter().flat_map(|schema| &schema.required) {
            if !content.contains_key(name)
                && let Some(property) = schema.and_then(|schema| schema.property(name))
            {
                content.insert(name.clone(), of_schema(&declaration(property)));
            }
        }
        names.fill(&mut content);
        for (name, value) in special {
            if value.is_null() {
                content.remove(name);
            } else {
                content.insert(name.clone(), value.clone());
            }
        }
        let id = special.get("_id").and_then(Value::as_str).unwrap_or("person").to_owned();
        content.remove("_id");
        Self { collection: collection.to_owned(), id, content, names: names.clone(), elsewhere: Vec::new() }
    }

    /// What an identity provider says of them, unless it is said otherwise.
    pub(crate) fn profile(&self) -> Map<String, Value> {
        let mut profile = Map::from_iter([("sub".to_owned(), "elsewhere".into()), ("email_verified".to_owned(), true.into())]);
        for (name, property) in [("email", "mail"), ("given_name", "givenName"), ("family_name", "sn")] {
            profile.extend(self.content.get(property).map(|value| (name.to_owned(), value.clone())));
        }
        profile
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.content.get(name).and_then(Value::as_str)
    }

    /// What they answer. `asked` is the body of the last answer, `stage` the configuration of the stage that asked, `mails` what came for
    /// them so far, `fitting` the values that the project takes.
    pub(crate) fn answer(&self, asked: &Value, stage: &Value, mails: &[Mail], fitting: &Fitting<'_>) -> Value {
        let requirements = asked.get("requirements").cloned().unwrap_or_default();
        let question = Question { requirements: &requirements, stage, mails, fitting };
        let mut input = Map::new();
        for (name, schema) in requirements.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let Some(value) = self.member(name, schema, &question) {
                input.insert(name.clone(), value);
            }
        }
        if let Some(attributes) = requirements.get("attributes").and_then(Value::as_array) {
            let mut answers = Map::new();
            for attribute in attributes {
                let Some(name) = attribute.get("name").and_then(Value::as_str) else { continue };
                let known = attribute.get("value").filter(|value| !value.is_null()).or_else(|| self.content.get(name));
                let made = || fitting.value(name, attribute.get("schema").unwrap_or(&Value::Null), None);
                answers.insert(name.to_owned(), known.cloned().unwrap_or_else(made));
            }
            input.insert("attributes".to_owned(), Value::Object(answers));
        }
        Value::Object(input)
    }

    fn member(&self, name: &str, schema: &Value, question: &Question<'_>) -> Option<Value> {
        let Question { requirements, stage, mails, fitting } = *question;
        match name {
            "queryFilter" => self.query(stage).map(Value::from),
            "code" if requirements.get("definitions").and_then(|all| all.get("providers")).is_none() => {
                Some(self.code(mails).unwrap_or_default().into())
            }
            "provider" | "code" | "nonce" | "redirect_uri" => None,
            "clientToken" => {
                let names = requirements.get("required").and_then(Value::as_array);
                let account = self.elsewhere.first().filter(|_| names.is_some_and(|names| names.iter().any(|one| one == name)));
                account.map(|account| format!("{{clientToken {}}}", account.provider).into())
            }
            // There it is the present one that shows whose the account is.
            "password" if stage.get("name").and_then(Value::as_str) == Some("socialUserClaim") => self.content.get("password").cloned(),
            "password" => Some(fitting.password(password_property(stage)).into()),
            "response" => Some(HUMAN.into()),
            "accept" | "consentGiven" => Some("true".into()),
            "user" => Some(self.details(requirements, fitting)),
            "kba" => Some(kba(schema)),
            _ if schema.get("systemQuestion").is_some() || schema.get("userQuestion").is_some() => Some(ANSWER.into()),
            _ => {
                let required =
                    requirements.get("required").and_then(Value::as_array).is_some_and(|names| names.iter().any(|one| one == name));
                self.content.get(name).cloned().or_else(|| required.then(|| of_schema(schema)))
            }
        }
    }

    /// A query by the first field that the stage takes and that the person has.
    fn query(&self, stage: &Value) -> Option<String> {
        let fields = match stage.get("validQueryFields") {
            Some(Value::Array(fields)) => fields.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(field)) => vec![field.as_str()],
            _ => vec!["userName", "mail"],
        };
        let of = |field: &str| {
            let value = self.text(field.trim_start_matches('/'))?;
            Some(format!("{field} eq {}", Value::from(value)))
        };
        // An address rather than a name: it is what people know.
        fields.iter().find(|field| **field == "mail").and_then(|field| of(field)).or_else(|| fields.iter().find_map(|field| of(field)))
    }

    /// The code of the last mail that came for them.
    pub(crate) fn code(&self, mails: &[Mail]) -> Option<String> {
        let person = Value::Object(self.content.clone());
        let own = |mail: &&Mail| !mail.withheld && self.names.mails_of(&person).any(|address| address == mail.to);
        let mail = mails.iter().rev().find(own)?;
        code_in(&mail.body)
    }

    fn details(&self, requirements: &Value, fitting: &Fitting<'_>) -> Value {
        let mut user = Map::new();
        let asked = requirements.pointer("/registrationProperties/properties").and_then(Value::as_object);
        if let Some(asked) = asked {
            for (name, schema) in asked {
                let known = self.content.get(name).cloned();
                user.insert(name.clone(), known.unwrap_or_else(|| fitting.value(name, schema, None)));
            }
        } else {
            let required = fitting.required().filter(|name| *name != "accountStatus");
            for name in ["userName", "givenName", "sn", "mail"].into_iter().chain(required).filter(|name| fitting.is_settable(name)) {
                user.extend(self.content.get(name).map(|value| (name.to_owned(), value.clone())));
            }
        }
        user.insert("password".to_owned(), fitting.password("password").into());
        Value::Object(user)
    }
}

/// What somebody is asked, and by what they answer.
struct Question<'a> {
    requirements: &'a Value,
    stage: &'a Value,
    mails: &'a [Mail],
    fitting: &'a Fitting<'a>,
}

/// The property that a stage keeps a new password in.
pub(crate) fn password_property(stage: &Value) -> &str {
    let named = stage.get("identityPasswordField").and_then(Value::as_str).map(|field| field.trim().trim_start_matches('/'));
    named.filter(|field| !field.is_empty()).unwrap_or("password")
}

/// Stands for the code that was mailed last.
pub(crate) const CODE: &str = "{code}";

/// The code of a link, else one that can be typed.
pub(crate) fn code_in(text: &str) -> Option<String> {
    codes_in(text).into_iter().next()
}

/// The code of a link, and one that can be typed.
pub(crate) fn codes_in(text: &str) -> Vec<String> {
    let of_link = text.split_once("&code=").or_else(|| text.split_once("&amp;code=")).map(|(_, rest)| {
        rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')).collect::<String>()
    });
    let typed = || {
        let is_code = |word: &&str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit());
        text.split(|letter: char| !letter.is_ascii_alphanumeric()).find(is_code).map(str::to_owned)
    };
    of_link.filter(|code| !code.is_empty()).into_iter().chain(typed()).collect()
}

/// The answers that somebody has: as many as each stage asks for, to its own questions where it has any.
fn answers(project: &KbaConfig, names: &Names) -> Vec<Value> {
    let mut answered: Vec<&str> = Vec::new();
    for kba in names.questions(project) {
        let least = kba.answers_to_define(None).max(kba.minimum_to_verify.unwrap_or(1)).max(2);
        let least = usize::try_from(least).unwrap_or(usize::MAX).max(names.most_answers());
        for question in kba.questions.iter().take(least) {
            if !answered.contains(&question.id.as_str()) {
                answered.push(&question.id);
            }
        }
    }
    let own = (answered.len()..names.most_answers().max(1)).map(|number| match number {
        0 => json!({ "customQuestion": "Which street did you grow up in?", "answer": ANSWER }),
        _ => json!({ "customQuestion": format!("Which street number {number} did you live in?"), "answer": ANSWER }),
    });
    answered.iter().map(|id| json!({ "questionId": id, "answer": ANSWER })).chain(own).collect()
}

/// As many answers as are wanted, to the administrator's questions first.
fn kba(schema: &Value) -> Value {
    let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).max(1);
    let questions = schema.get("questions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut answers: Vec<Value> = Vec::new();
    for number in 0..usize::try_from(least).unwrap_or(1) {
        answers.push(match questions.get(number).and_then(|question| question.get("id")) {
            Some(id) => json!({ "questionId": id, "answer": format!("{ANSWER} {number}") }),
            None => json!({ "customQuestion": format!("What is on shelf number {number}?"), "answer": format!("{ANSWER} {number}") }),
        });
    }
    answers.into()
}
