//! What an attacker knows and can send. They know whom they are after, as people are known; they read their own mailbox, have an account of their
//! own, here and at each identity provider, and have what their set of proofs says.

use std::collections::{BTreeMap, BTreeSet};

use process::{Mail, Process};
use project::Proofs;
use serde_json::{Map, Value, json};
use stages::Services;

use super::bounds::MOST_INPUTS;
use super::{Cut, Prover, Shape};
use crate::definition::collection;
use crate::names::Names;
use crate::person::{ANSWER, CODE, PASSWORD, Person, code_in, password_property};
use crate::ports::HUMAN;
use crate::values::{Fitting, listed, of_schema};

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

/// The account that somebody is after, in clear.
pub(crate) fn victim(prover: &Prover, process: &Process<Services>, shape: Shape) -> Map<String, Value> {
    let project = &prover.setting.project;
    let path = collection(process);
    let (kba, names) = (&project.questions, prover.names());
    let mut content = Person::new(&path, project.schemas.get(&path), kba, names, &Map::new()).content;
    // A name that nobody would guess: whoever says it was told.
    names.set_login(&mut content, "owl-7423-quill");
    if !shape.has_mail() {
        names.set_mail(&mut content, None);
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
    let names = prover.names();
    let mut content = Person::new(&path, project.schemas.get(&path), &project.questions, names, &Map::new()).content;
    names.set_login(&mut content, OWN_ACCOUNT);
    names.set_mail(&mut content, Some(OWN_ADDRESS));
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
    /// What the project calls addresses and user names.
    pub(crate) names: &'a Names,
    /// The addresses of the account.
    pub(crate) addresses: Vec<String>,
    /// Values that the project takes.
    pub(crate) fitting: Fitting<'a>,
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
        let theirs = self.has.contains(Proofs::MAIL) && self.addresses.contains(&mail.to);
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
            let forms = self.attributes(attributes);
            let with = |input: &Map<String, Value>, answers: &Map<String, Value>| {
                let mut input = input.clone();
                input.insert("attributes".to_owned(), Value::Object(answers.clone()));
                input
            };
            inputs = inputs.iter().flat_map(|input| forms.iter().map(move |answers| with(input, answers))).collect();
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
            "password" => {
                let new = Value::from(self.fitting.password(password_property(stage)));
                if self.has.contains(Proofs::PASSWORD) { of(&[new, PASSWORD.into()]) } else { of(&[new]) }
            }
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
            _ => {
                let known = self.victim.get(name).filter(|value| value.is_string()).cloned();
                of(&listed(schema).unwrap_or_else(|| vec![known.unwrap_or_else(|| of_schema(schema))]))
            }
        }
    }

    /// What a form for attributes is sent: all of them; and, since a form is refused as a whole, each that is guarded alone, and the others without them.
    fn attributes(&self, asked: &[Value]) -> Vec<Map<String, Value>> {
        struct Filled<'v> {
            name: &'v str,
            value: Value,
            required: bool,
            guarded: bool,
        }
        let filled = asked.iter().filter_map(|attribute| {
            let name = attribute.get("name")?.as_str()?;
            let is_mail = self.names.is_mail(name);
            // Another than there is, or nothing is changed by it.
            let present = self.victim.get(name.trim_start_matches('/'));
            let made = || self.fitting.value(name, attribute.get("schema").unwrap_or(&Value::Null), present);
            let value = if is_mail { OWN_ADDRESS.into() } else { made() };
            let required = attribute.get("isRequired") == Some(&Value::Bool(true));
            Some(Filled { name, value, required, guarded: is_mail || self.fitting.is_guarded(name) })
        });
        let filled: Vec<Filled<'_>> = filled.collect();
        let form = |wanted: &dyn Fn(&Filled<'_>) -> bool| {
            let wanted = filled.iter().filter(|one| one.required || wanted(one));
            wanted.map(|one| (one.name.to_owned(), one.value.clone())).collect::<Map<_, _>>()
        };
        let mut forms = vec![form(&|_| true), form(&|one| !one.guarded)];
        forms.extend(filled.iter().filter(|one| one.guarded).map(|one| form(&|other| other.name == one.name)));
        let mut different: Vec<Map<String, Value>> = Vec::new();
        for form in forms.into_iter().filter(|form| !form.is_empty()) {
            if !different.contains(&form) {
                different.push(form);
            }
        }
        different
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
            if self.names.is_mail(field) && field.trim_start_matches('/') != "mail" {
                queries.push(format!("{field} eq {}", Value::from(OWN_ADDRESS)));
            }
        }
        queries.push(format!("mail eq {}", Value::from(OWN_ADDRESS)));
        queries
    }

    /// The details of a new person: with the attacker's address, with that of the account they are after, with its name.
    fn details(&self, requirements: &Value) -> Vec<Option<Value>> {
        let base = |mail: &str| {
            let mut user = Map::new();
            let asked = requirements.pointer("/registrationProperties/properties").and_then(Value::as_object);
            for (property, schema) in asked.into_iter().flatten() {
                user.insert(property.clone(), self.fitting.value(property, schema, None));
            }
            for property in self.fitting.required() {
                user.entry(property).or_insert_with(|| self.fitting.value(property, &Value::Null, None));
            }
            for (name, value) in [("givenName", "Mallory"), ("sn", "Mallet"), ("userName", "mallet"), ("mail", mail)] {
                user.insert(name.to_owned(), value.into());
            }
            self.names.set_login(&mut user, "mallet");
            self.names.set_mail(&mut user, Some(mail));
            user.retain(|name, _| self.fitting.is_settable(name));
            user.insert("password".to_owned(), self.fitting.password("password").into());
            Some(Value::Object(user))
        };
        vec![base(OWN_ADDRESS), base(their_address(&self.addresses))]
    }
}

/// Whether a form of 5.0 takes the code of an identity provider.
fn asks_for_code_of_provider(requirements: &Value) -> bool {
    let asks = requirements.pointer("/properties/redirect_uri").is_some();
    let usable = requirements.pointer("/definitions/providers/items/oneOf").and_then(Value::as_array);
    asks && usable.is_some_and(|usable| !usable.is_empty())
}

/// The addresses of the account.
pub(crate) fn their_addresses(names: &Names, victim: &Map<String, Value>) -> Vec<String> {
    names.mails_of(&Value::Object(victim.clone())).map(str::to_owned).collect()
}

/// The address of the account, or one that it might have.
pub(crate) fn their_address(addresses: &[String]) -> &str {
    addresses.first().map_or("bjensen@example.com", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attacker<'a>(victim: &'a Map<String, Value>, names: &'a Names, elsewhere: BTreeMap<String, String>) -> Attacker<'a> {
        let addresses = their_addresses(names, victim);
        Attacker { victim, has: Proofs::NONE, elsewhere, names, addresses, fitting: Fitting::default() }
    }

    fn asked(properties: &Value) -> Value {
        json!({ "requirements": { "properties": properties } })
    }

    #[test]
    fn what_is_left_out_of_a_question_is_said() {
        let (victim, names) = (Map::new(), Names::default());
        let attacker = attacker(&victim, &names, BTreeMap::new());
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
        let names = Names::default();
        let attacker = attacker(&victim, &names, elsewhere);
        let all = attacker.inputs(&asked(&json!({ "user": {} })), &Value::Null).all;
        assert_eq!(all.iter().filter(|input| input["clientToken"] == "{clientToken acme}").count(), 3, "{all:?}");
        let new = crate::values::NEW_PASSWORD;
        let optional = attacker.inputs(&asked(&json!({ "clientToken": {}, "password": {} })), &Value::Null).all;
        assert!(optional.contains(&json!({ "clientToken": "{clientToken acme}", "password": new })), "{optional:?}");
        assert!(optional.contains(&json!({ "password": new })), "{optional:?}");
        assert_eq!(attacker.filled(&json!({ "clientToken": "{clientToken acme}" }), &[]), Some(json!({ "clientToken": "eyJ…" })));
    }

    #[test]
    fn a_form_is_sent_with_what_it_lists_and_what_is_guarded_alone_too() {
        let victim = Map::from_iter([("newsletter".to_owned(), json!(true))]);
        let names = Names::default();
        let attacker = attacker(&victim, &names, BTreeMap::new());
        let colour = json!({ "colour": { "type": "string", "enum": ["red", "blue"] } });
        assert_eq!(attacker.inputs(&asked(&colour), &Value::Null).all.len(), 3, "both, and nothing at all");
        let attributes = json!([
            { "name": "newsletter", "schema": { "type": "boolean" } },
            { "name": "mail", "schema": { "type": "string" } },
        ]);
        let all = attacker.inputs(&json!({ "requirements": { "attributes": attributes } }), &Value::Null).all;
        let (flag, mail) = (json!({ "newsletter": false }), json!({ "mail": OWN_ADDRESS }));
        let both = json!({ "newsletter": false, "mail": OWN_ADDRESS });
        let forms: Vec<Value> = [both, flag, mail].into_iter().map(|form| json!({ "attributes": form })).collect();
        assert_eq!(all, [forms.as_slice(), &[json!({})]].concat());
    }
}
