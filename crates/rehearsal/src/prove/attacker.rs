//! What an attacker knows and can send. They know whom they are after, as people are known; they read their own mailbox, have an account of their
//! own, here and at each identity provider, and have what their set of proofs says.

use std::collections::{BTreeMap, BTreeSet};

use process::{Mail, Process};
use project::Proofs;
use serde_json::{Map, Value, json};
use stages::Services;

use super::{Cut, Prover, Shape};
use crate::definition::collection;
use crate::person::{ANSWER, CODE, NEW_PASSWORD, PASSWORD, Person, code_in};
use crate::ports::HUMAN;

/// The address that the attacker reads.
pub(crate) const OWN_ADDRESS: &str = "mallory@example.net";
/// An address that nobody's account here has.
pub(crate) const OTHER_ADDRESS: &str = "nobody@example.org";
/// The id of the account that the attacker has themselves.
pub(crate) const OWN_ACCOUNT: &str = "mallory";
/// The answer to its security questions.
const OWN_ANSWER: &str = "Mallory Lane";
/// Its password.
const OWN_PASSWORD: &str = "Former-Candle-57";
/// The id of the account they are after.
pub(crate) const VICTIM: &str = "victim";
/// Most inputs that one question is tried with.
const MOST_INPUTS: usize = 96;

/// The account that somebody is after, in clear.
pub(crate) fn victim(prover: &Prover, process: &Process<Services>, shape: Shape) -> Map<String, Value> {
    let project = &prover.setting.project;
    let path = collection(process);
    let kba = &project.questions;
    let mut content = Person::new(&path, project.schemas.get(&path), kba, &Map::new()).content;
    // A name that nobody would guess: whoever says it was told.
    content.insert("userName".to_owned(), "owl-7423-quill".into());
    if !shape.has_mail() {
        content.remove("mail");
    }
    if !shape.has_answers() {
        content.remove(&kba.property);
    }
    if !shape.is_active() {
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
    content.insert("password".to_owned(), OWN_PASSWORD.into());
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
    /// What proves accounts of their own at identity providers, by what stands for it in an input.
    pub(crate) elsewhere: BTreeMap<String, String>,
}

/// What may be sent to a question.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// One of each class.
    pub(crate) all: Vec<Value>,
    /// Why there are more than were made.
    pub(crate) cut: BTreeSet<Cut>,
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

    /// An input as it is sent: with the code that they read, and with what proves their accounts elsewhere. Nothing where there is no code yet.
    pub(crate) fn filled(&self, input: &Value, mails: &[Mail]) -> Option<Value> {
        let mut sent = input.clone();
        if let Some(code) = sent.get_mut("code").filter(|code| *code == CODE) {
            *code = self.code(mails)?.into();
        }
        if let Some(token) = sent.get_mut("clientToken")
            && let Some(proof) = token.as_str().and_then(|name| self.elsewhere.get(name))
        {
            *token = proof.as_str().into();
        }
        Some(sent)
    }

    /// What they may send to a question.
    pub(crate) fn inputs(&self, asked: &Value, stage: &Value) -> Inputs {
        let requirements = asked.get("requirements").cloned().unwrap_or_default();
        let mut made = Inputs::default();
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
            if more.len() > MOST_INPUTS {
                made.cut.insert(Cut::Inputs);
                more.truncate(MOST_INPUTS);
            }
            inputs = more;
        }
        if asks_for_code_of_provider(&requirements) {
            made.cut.insert(Cut::Provider);
        }
        // A form that may be filled in by a provider does not say that it takes the proof of an account there.
        if properties.contains_key("user") && !properties.contains_key("clientToken") {
            let with = |input: &Map<String, Value>, token: &String| {
                let mut input = input.clone();
                input.insert("clientToken".to_owned(), token.as_str().into());
                input
            };
            let alone = self.elsewhere.keys().map(|token| with(&Map::new(), token));
            let both = inputs.iter().flat_map(|input| self.elsewhere.keys().map(move |token| with(input, token)));
            let more: Vec<_> = alone.chain(both).collect();
            inputs.extend(more);
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
        made.all = inputs.into_iter().map(Value::Object).collect();
        // Nothing at all is a class of its own.
        if !made.all.contains(&json!({})) {
            made.all.push(json!({}));
        }
        made
    }

    fn classes(&self, name: &str, schema: &Value, requirements: &Value, stage: &Value) -> Vec<Option<Value>> {
        let of = |values: &[Value]| values.iter().cloned().map(Some).collect::<Vec<_>>();
        match name {
            "queryFilter" => self.queries(stage).into_iter().map(|text| Some(text.into())).collect(),
            // A provider's code and its companions, where a form of 5.0 asks for them: nobody answers for the provider here.
            "provider" | "nonce" | "redirect_uri" => vec![None],
            "code" if requirements.pointer("/properties/redirect_uri").is_some() => vec![None],
            "code" => of(&[CODE.into(), "00000000".into(), "".into()]),
            "clientToken" => {
                let mut classes: Vec<Option<Value>> = self.elsewhere.keys().map(|token| Some(token.as_str().into())).collect();
                let required = requirements.get("required").and_then(Value::as_array);
                if classes.is_empty() || !required.is_some_and(|names| names.iter().any(|one| one == name)) {
                    classes.push(None);
                }
                classes
            }
            "password" if self.has.contains(Proofs::PASSWORD) => of(&[NEW_PASSWORD.into(), PASSWORD.into()]),
            "password" => of(&[NEW_PASSWORD.into()]),
            "response" => of(&[HUMAN.into(), "machine".into()]),
            "accept" | "consentGiven" => of(&["true".into(), "false".into()]),
            "mail" => {
                let theirs = self.victim.get("mail").filter(|mail| mail.is_string()).cloned();
                [Some(OWN_ADDRESS.into()), theirs].into_iter().flatten().map(Some).collect()
            }
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
        let mut queries: Vec<String> = Vec::new();
        for field in fields {
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
        vec![base(&own, "mallet"), base(&their_address(self.victim), "mallet")]
    }
}

/// Whether a form of 5.0 takes the code of an identity provider.
fn asks_for_code_of_provider(requirements: &Value) -> bool {
    let asks = requirements.pointer("/properties/redirect_uri").is_some();
    let usable = requirements.pointer("/definitions/providers/items/oneOf").and_then(Value::as_array);
    asks && usable.is_some_and(|usable| !usable.is_empty())
}

/// The address of the account, or one that it might have.
pub(crate) fn their_address(victim: &Map<String, Value>) -> Value {
    victim.get("mail").cloned().unwrap_or_else(|| "bjensen@example.com".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(properties: &Value) -> Value {
        json!({ "requirements": { "properties": properties } })
    }

    #[test]
    fn what_is_left_out_of_a_question_is_said() {
        let victim = Map::new();
        let attacker = Attacker { victim: &victim, has: Proofs::NONE, elsewhere: BTreeMap::new() };
        let flags = |count: usize| {
            let flags = (0..count).map(|number| (format!("flag{number}"), json!({ "type": "boolean" })));
            attacker.inputs(&asked(&flags.collect::<Map<_, _>>().into()), &Value::Null)
        };
        let few = flags(3);
        assert_eq!((few.all.len(), few.cut), (9, BTreeSet::new()), "every combination, and nothing at all");
        let many = flags(8);
        assert_eq!((many.all.len(), many.cut), (MOST_INPUTS + 1, BTreeSet::from_iter([Cut::Inputs])));
    }

    #[test]
    fn a_form_that_a_provider_may_fill_in_is_sent_with_proofs_of_own_accounts_there() {
        let victim = Map::from_iter([("mail".to_owned(), json!("bjensen@example.com"))]);
        let elsewhere = BTreeMap::from_iter([("{clientToken acme}".to_owned(), "eyJ…".to_owned())]);
        let attacker = Attacker { victim: &victim, has: Proofs::NONE, elsewhere };
        let all = attacker.inputs(&asked(&json!({ "user": {} })), &Value::Null).all;
        assert_eq!(all.iter().filter(|input| input["clientToken"] == "{clientToken acme}").count(), 3, "{all:?}");
        let optional = attacker.inputs(&asked(&json!({ "clientToken": {}, "password": {} })), &Value::Null).all;
        assert!(optional.contains(&json!({ "clientToken": "{clientToken acme}", "password": NEW_PASSWORD })), "{optional:?}");
        assert!(optional.contains(&json!({ "password": NEW_PASSWORD })), "{optional:?}");
        assert_eq!(attacker.filled(&json!({ "clientToken": "{clientToken acme}" }), &[]), Some(json!({ "clientToken": "eyJ…" })));
    }
}
