//! What an attacker knows and can send. They know whom they are after, as people are known; they read their own mailbox, and have what their set
//! of proofs says.

use process::{Mail, Process};
use project::Proofs;
use serde_json::{Map, Value, json};
use stages::Services;

use super::{Prover, Shape};
use crate::person::{ANSWER, NEW_PASSWORD, Person, code_in};
use crate::ports::HUMAN;
use crate::rehearsal::collection;

/// The address that the attacker reads.
pub(crate) const OWN_ADDRESS: &str = "mallory@example.net";
/// The id of the account that the attacker has themselves.
pub(crate) const OWN_ACCOUNT: &str = "mallory";
/// The answer to its security questions.
const OWN_ANSWER: &str = "Mallory Lane";
/// The id of the account they are after.
pub(crate) const VICTIM: &str = "victim";
/// Most inputs that one question is tried with.
const MOST_INPUTS: usize = 48;

/// The account that somebody is after, in clear.
pub(crate) fn victim(prover: &Prover, process: &Process<Services>, shape: Shape) -> Map<String, Value> {
    let project = &prover.setting.project;
    let path = collection(process);
    let kba = &project.questions;
    let mut content = Person::new(&path, project.schemas.get(&path), kba, &Map::new()).content;
    // A name that nobody would guess: whoever says it was told.
    content.insert("userName".to_owned(), "owl-7423-quill".into());
    if !shape.mail {
        content.remove("mail");
    }
    if !shape.answers {
        content.remove(&kba.property);
    }
    if !shape.active {
        content.insert("accountStatus".to_owned(), "inactive".into());
    }
    content
}

/// The account that the attacker has themselves, as anybody may have one.
pub(crate) fn own(prover: &Prover, process: &Process<Services>) -> Map<String, Value> {
    let project = &prover.setting.project;
    let path = collection(process);
    let mut content = Person::new(&path, project.schemas.get(&path), &project.questions, &Map::new()).content;
    content.insert("userName".to_owned(), OWN_ACCOUNT.into());
    content.insert("mail".to_owned(), OWN_ADDRESS.into());
    for answer in content.get_mut(&project.questions.property).and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(text) = answer.get_mut("answer") {
            *text = OWN_ANSWER.into();
        }
    }
    content
}

/// Somebody who is after an account.
pub(crate) struct Attacker<'a> {
    pub(crate) victim: &'a Map<String, Value>,
    pub(crate) has: Proofs,
}

impl Attacker<'_> {
    /// The mails that they read.
    fn reads(&self, mail: &Mail) -> bool {
        let own = mail.to == OWN_ADDRESS;
        let theirs = self.has.contains(Proofs::MAIL) && Some(mail.to.as_str()) == self.victim.get("mail").and_then(Value::as_str);
        !mail.withheld && (own || theirs)
    }

    /// The code of the last mail that they read.
    pub(crate) fn code(&self, mails: &[Mail]) -> Option<String> {
        code_in(&mails.iter().rev().find(|mail| self.reads(mail))?.body)
    }

    /// What they may send to a question, one of each class. `{code}` stands for the code that they read.
    pub(crate) fn inputs(&self, asked: &Value, stage: &Value) -> Vec<Value> {
        let requirements = asked.get("requirements").cloned().unwrap_or_default();
        let mut inputs = vec![Map::new()];
        let none = Map::new();
        let properties = requirements.get("properties").and_then(Value::as_object).unwrap_or(&none);
        for (name, schema) in properties {
            let classes = self.classes(name, schema, &requirements, stage);
            let mut more = Vec::new();
            for input in &inputs {
                for class in &classes {
                    let mut with = input.clone();
                    if let Some(value) = class {
                        with.insert(name.clone(), value.clone());
                    }
                    more.push(with);
                }
            }
            more.truncate(MOST_INPUTS);
            inputs = more;
        }
        if let Some(attributes) = requirements.get("attributes").and_then(Value::as_array) {
            let mut answers = Map::new();
            for name in attributes.iter().filter_map(|attribute| attribute.get("name")?.as_str()) {
                let value = if name.trim_start_matches('/') == "mail" { OWN_ADDRESS } else { "+47 555 0199" };
                answers.insert(name.to_owned(), value.into());
            }
            for input in &mut inputs {
                input.insert("attributes".to_owned(), Value::Object(answers.clone()));
            }
        }
        // Nothing at all is a class of its own.
        let mut all: Vec<Value> = inputs.into_iter().map(Value::Object).collect();
        if !all.contains(&json!({})) {
            all.push(json!({}));
        }
        all
    }

    fn classes(&self, name: &str, schema: &Value, requirements: &Value, stage: &Value) -> Vec<Option<Value>> {
        let of = |values: &[Value]| values.iter().cloned().map(Some).collect::<Vec<_>>();
        match name {
            "queryFilter" => self.queries(stage).into_iter().map(|text| Some(text.into())).collect(),
            "code" if requirements.get("definitions").and_then(|all| all.get("providers")).is_none() => {
                of(&["{code}".into(), "00000000".into(), "".into()])
            }
            "provider" | "code" | "nonce" | "redirect_uri" => vec![None],
            "password" => of(&[NEW_PASSWORD.into()]),
            "response" => of(&[HUMAN.into(), "machine".into()]),
            "accept" | "consentGiven" => of(&["true".into(), "false".into()]),
            "mail" => of(&[OWN_ADDRESS.into(), self.victim.get("mail").cloned().unwrap_or_else(|| OWN_ADDRESS.into())]),
            "user" => self.details(requirements),
            "kba" => {
                let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).max(1);
                let answers = (0..least).map(|number| {
                    json!({ "customQuestion": format!("What did the attacker write on wall {number}?"), "answer": format!("graffiti {number}") })
                });
                of(&[answers.collect()])
            }
            _ if schema.get("systemQuestion").is_some() || schema.get("userQuestion").is_some() => {
                let known = if self.has.contains(Proofs::ANSWERS) { ANSWER } else { "a guess" };
                of(&[known.into(), OWN_ANSWER.into(), "".into()])
            }
            _ => match schema.get("type").and_then(Value::as_str) {
                Some("boolean") => of(&[true.into(), false.into()]),
                Some("number" | "integer") => of(&[1.into()]),
                _ => {
                    let known = self.victim.get(name).filter(|value| value.is_string()).cloned();
                    of(&[known.unwrap_or_else(|| "something".into())])
                }
            },
        }
    }

    /// The account they are after by every field that the stage takes, and their own address.
    fn queries(&self, stage: &Value) -> Vec<String> {
        let fields: Vec<&str> = match stage.get("validQueryFields") {
            Some(Value::Array(fields)) => fields.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(field)) => vec![field.as_str()],
            _ => vec!["userName", "mail"],
        };
        let mut queries = Vec::new();
        // By two fields, names rather than others: whom a third one finds they find, too.
        let mut fields = fields;
        fields.sort_by_key(|field| !matches!(field.trim_start_matches('/'), "userName" | "mail"));
        for field in fields.into_iter().filter(|field| self.victim.contains_key(field.trim_start_matches('/'))).take(2) {
            let known = self.victim.get(field.trim_start_matches('/')).filter(|value| value.is_string());
            queries.extend(known.map(|value| format!("{field} eq {value}")));
        }
        queries.push(format!("mail eq {}", Value::from(OWN_ADDRESS)));
        queries
    }

    /// The details of a new person: with the attacker's address, with that of the account they are after, with its name.
    fn details(&self, requirements: &Value) -> Vec<Option<Value>> {
        let base = |mail: &Value, name: &str| {
            let mut user = Map::new();
            let asked = requirements.pointer("/registrationProperties/properties").and_then(Value::as_object);
            for (property, schema) in asked.into_iter().flatten() {
                let text =
                    if schema.get("type").and_then(Value::as_str) == Some("boolean") { true.into() } else { Value::from("Something") };
                user.insert(property.clone(), text);
            }
            user.insert("userName".to_owned(), name.into());
            user.insert("givenName".to_owned(), "Mallory".into());
            user.insert("sn".to_owned(), "Mallet".into());
            user.insert("mail".to_owned(), mail.clone());
            user.insert("password".to_owned(), NEW_PASSWORD.into());
            Some(Value::Object(user))
        };
        let own = Value::from(OWN_ADDRESS);
        let theirs = self.victim.get("mail").cloned().unwrap_or_else(|| "bjensen@example.com".into());
        vec![base(&own, "mallet"), base(&theirs, "mallet")]
    }
}
