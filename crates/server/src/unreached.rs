//! People whom the processes of a project cannot help, in a store that is looked at (`vestibule check --store`): nobody finds them by what a process asks
//! for, or they have nothing that it takes for a proof.
//!
//! Easiest to break: what a process asks for. It is read from the definitions that would be served, and people are read a page at a time.

use std::collections::BTreeMap;

use crest::{Filter, Paging, Pointer, Query, TotalPolicy};
use identity::{MailAddress, Objects as _};
use process::Catalogue;
use project::{Diagnostic, Location, Severity};
use serde_json::Value;
use stages::{MAIL, Services};
use store::Db;

use crate::looks_up::{is_id, looks_up, place};
use crate::runtime::Material;

/// People who are read at once.
const PAGE: u64 = 200;

/// What a process needs of whoever it is to help.
struct Asks {
    process: String,
    pointer: String,
    /// They are found by one of these.
    fields: Vec<Pointer>,
    /// Where their address is, if a code is mailed to it.
    address: Option<Pointer>,
    /// Where their answers are, if they are asked for.
    answers: Option<Pointer>,
    unfound: u64,
    unproved: u64,
}

/// How many people each process cannot help, where there are any.
///
/// # Errors
/// When the store does not answer.
pub(crate) fn unreached(material: &Material, db: &Db) -> Result<Vec<Diagnostic>, String> {
    let mut collections: BTreeMap<String, Vec<Asks>> = BTreeMap::new();
    let catalogue = stages::catalogue();
    for (name, process) in &material.processes {
        let file = process.as_ref().and_then(|process| process.source.get("file")?.get("stageConfigs")?.as_array());
        if let Some((collection, asks)) = file.and_then(|stages| asks(name, (&catalogue, stages), &material.project.questions.property)) {
            collections.entry(collection).or_default().push(asks);
        }
    }
    for (collection, asks) in &mut collections {
        script::wait(count(collection, asks, db))?;
    }
    let mut found = Vec::new();
    for (collection, asks) in &collections {
        for Asks { process, pointer, fields, unfound, unproved, .. } in asks {
            let location = || -> Location { material.project.locate(&format!("conf/selfservice-{process}.json"), pointer) };
            let people = |count: u64| if count == 1 { "one person".to_owned() } else { format!("{count} people") };
            if *unfound > 0 {
                let fields: Vec<String> = fields.iter().map(|field| field.tokens().join("/")).collect();
                let message =
                    format!("{} of {collection} cannot be found by '{process}': they have none of {}", people(*unfound), fields.join(", "));
                found.push(Diagnostic::new(Severity::Hint, "store-unfindable", location(), message));
            }
            if *unproved > 0 {
                let message =
                    format!("{} of {collection} are found by '{process}', and have nothing that it takes for a proof", people(*unproved));
                found.push(Diagnostic::new(Severity::Hint, "store-unprovable", location(), message));
            }
        }
    }
    Ok(found)
}

/// What a process asks for, and of whom; nothing for one that looks for nobody.
fn asks(process: &str, (catalogue, stages): (&Catalogue<Services>, &[Value]), answers: &str) -> Option<(String, Asks)> {
    // A stage may be named, or have its class, or an earlier name.
    let is = |stage: &Value, name: &str| catalogue.of(stage).is_some_and(|declared| declared.name() == name);
    let at = stages.iter().position(|stage| is(stage, "userQuery"))?;
    let query = stages.get(at)?;
    let (collection, fields) = looks_up(query)?;
    let mail = query.get("identityEmailField").and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let has = |name: &str| stages.iter().skip(at).any(|stage| is(stage, name));
    let asks = Asks {
        process: process.to_owned(),
        pointer: format!("/stageConfigs/{at}"),
        fields,
        address: has("emailValidation").then(|| place(mail.unwrap_or(MAIL))).flatten(),
        answers: has("kbaSecurityAnswerVerificationStage").then(|| Pointer::from_tokens([answers])),
        unfound: 0,
        unproved: 0,
    };
    Some((collection, asks))
}

async fn count(collection: &str, asks: &mut [Asks], db: &Db) -> Result<(), String> {
    let mut paging = Paging::Start;
    loop {
        let query = Query { filter: Filter::True, sort: Vec::new(), page_size: Some(PAGE), paging, totals: TotalPolicy::None };
        let page = db.query(collection, &query).await.map_err(|error| error.to_string())?;
        for person in &page.result {
            for asks in asks.iter_mut() {
                asks.look(&person.content);
            }
        }
        match page.cookie {
            Some(cookie) => paging = Paging::Cookie(cookie),
            None => return Ok(()),
        }
    }
}

impl Asks {
    fn look(&mut self, person: &Value) {
        let text = |field: &Pointer| field.get(person).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        if !self.fields.iter().any(|field| is_id(field) || text(field).is_some()) {
            self.unfound += 1;
            return;
        }
        let has_address = |field: &Pointer| text(field).is_some_and(|text| text.parse::<MailAddress>().is_ok());
        let has_answers = |field: &Pointer| field.get(person).and_then(Value::as_array).is_some_and(|answers| !answers.is_empty());
        let lacks = self.address.as_ref().is_some_and(|field| !has_address(field))
            || self.answers.as_ref().is_some_and(|field| !has_answers(field));
        self.unproved += u64::from(lacks);
    }
}

#[cfg(test)]
mod tests {
    use identity::PEOPLE;
    use serde_json::json;

    use super::*;

    fn of(stages: &Value) -> Option<(String, Asks)> {
        asks("reset", (&stages::catalogue(), stages.as_array().unwrap()), "kbaInfo")
    }

    #[test]
    fn whoever_has_no_field_is_not_found_and_whoever_lacks_a_proof_does_not_get_through() {
        let stages = json!([{ "name": "userQuery", "validQueryFields": ["mail", "/userName"], "identityEmailField": "mail" }, { "name": "emailValidation" },
            { "name": "kbaSecurityAnswerVerificationStage" }, { "name": "resetStage" }]);
        let (collection, mut asks) = of(&stages).unwrap();
        assert_eq!(collection, PEOPLE);
        for person in [
            json!({ "mail": "a@example.com", "kbaInfo": [{ "questionId": "1" }] }),
            json!({ "userName": "b", "kbaInfo": [{ "questionId": "1" }] }),
            json!({ "mail": "no address", "kbaInfo": [{ "questionId": "1" }] }),
            json!({ "mail": "c@example.com", "kbaInfo": [] }),
            json!({ "userName": " ", "givenName": "D" }),
        ] {
            asks.look(&person);
        }
        assert_eq!((asks.unfound, asks.unproved), (1, 3));
        assert!(of(&json!([{ "name": "idmUserDetails" }])).is_none());
    }

    #[test]
    fn a_stage_is_the_one_that_its_class_says() {
        let stages = json!([{ "class": "org.forgerock.selfservice.stages.user.UserQueryConfig", "validQueryFields": "mail", "identityServiceUrl": " managed/staff/ " },
            { "class": "org.forgerock.selfservice.stages.email.VerifyEmailAccountConfig" }]);
        let (collection, mut asks) = of(&stages).unwrap();
        assert_eq!(collection, "managed/staff");
        for person in [json!({ "mail": "no address" }), json!({ "userName": "b" })] {
            asks.look(&person);
        }
        assert_eq!((asks.unfound, asks.unproved), (1, 1));
        let (_, mut asks) = of(&json!([{ "name": "userQuery", "validQueryFields": ["mail", "_id"] }])).unwrap();
        asks.look(&json!({ "userName": "b" }));
        assert_eq!(asks.unfound, 0, "everybody has an id");
    }
}
