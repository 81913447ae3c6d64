//! What stages ask about consequences, and what they do with the answer. The answers themselves are the server's.

use async_trait::async_trait;
use crest::ResourceError;
use process::{Caller, Effect, Mail, Subject};
use serde_json::{Value, json};
use vestibule_stages::{Consequences, MAIL, Written};

use crate::harness::*;

/// Answers like the server, in few words.
#[derive(Default)]
pub(crate) struct Told {
    /// A changed mail address counts at once.
    pub(crate) trusting: bool,
}

fn address(content: &Value) -> Option<&str> {
    content.get(MAIL).and_then(Value::as_str)
}

fn mail(to: &str, subject: &str, body: String) -> Effect {
    let mime_type = "text/plain".to_owned();
    Effect::Mail(Mail { to: to.into(), from: None, subject: subject.into(), mime_type, body, wait: false, withheld: false, client: None })
}

#[async_trait]
impl Consequences for Told {
    fn waits(&self, written: &Written<'_>) -> bool {
        let before = written.prepared.previous.as_ref().and_then(|previous| address(&previous.content));
        !self.trusting && before != address(&written.prepared.content)
    }

    async fn ask(&self, written: &Written<'_>, proven: bool) -> Result<Vec<Effect>, ResourceError> {
        assert!(!proven, "a form asks for no password");
        let to = address(&written.prepared.content).ok_or_else(|| ResourceError::forbidden("only replaced"))?;
        Ok(vec![mail(to, "Confirm", String::new())])
    }

    async fn of(&self, written: &Written<'_>) -> Result<Vec<Effect>, ResourceError> {
        let before = written.prepared.previous.as_ref().and_then(|previous| address(&previous.content));
        let mut effects = Vec::new();
        if written.credential {
            effects.push(Effect::EndSessions { collection: written.collection.into(), id: written.prepared.id.clone(), except: None });
        }
        let told = written.told.or(before).filter(|_| !written.silent);
        let what = [(written.credential, "Your password was changed"), (self.waits(written), "Your address was changed")];
        for (_, subject) in what.into_iter().filter(|(is, _)| *is) {
            effects.extend(told.map(|to| mail(to, subject, written.caller.locales.join(","))));
        }
        if written.prepared.changed.contains(&"kbaInfo".to_owned()) {
            effects.extend(told.map(|to| mail(to, "Your questions were changed", String::new())));
        }
        Ok(effects)
    }
}

fn signed_in(world: &mut World) {
    world.person("bjensen");
    let subject = Subject { collection: USER.into(), id: "bjensen".into(), decoy: false };
    world.caller = Caller { user: "bjensen".into(), subject: Some(subject), session: Some("session".into()), ..Caller::default() };
}

fn form() -> Value {
    json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": "mail" }, { "name": "city" }] })
}

fn stored(world: &World, name: &str) -> Value {
    world.objects.stored(USER, "bjensen").unwrap().content.get(name).cloned().unwrap_or_default()
}

fn answered(mail: &str) -> Value {
    json!({ "attributes": { "mail": mail, "city": "Ulm" } })
}

#[test]
fn sec_21_a_form_does_not_get_a_new_address_past_its_owner() {
    let mut world = World::new();
    signed_in(&mut world);
    world.serve("profile", &[form()]);
    let end = world.step("profile", None, answered("new@example.test"));
    assert_eq!(end["tag"], "end");
    assert_eq!((stored(&world, "mail"), stored(&world, "city")), (json!("bjensen@example.test"), json!("Ulm")), "the rest counts at once");
    let asked: Vec<(String, String)> = world.mails().into_iter().map(|mail| (mail.to, mail.subject)).collect();
    assert_eq!(asked, [("new@example.test".to_owned(), "Confirm".to_owned())]);
    let refused = world.submit("profile", None, &json!({ "attributes": { "mail": "" } })).unwrap_err();
    assert_eq!((refused.code, stored(&world, "mail")), (403, json!("bjensen@example.test")));
}

#[test]
fn sec_21_an_address_that_the_process_itself_confirms_is_not_confirmed_twice() {
    let mut world = World::new();
    signed_in(&mut world);
    world.serve("profile", &[form(), email()]);
    let asked = world.step("profile", None, answered("new@example.test"));
    assert_eq!((asked["type"].clone(), stored(&world, "mail")), (json!("emailValidation"), json!("bjensen@example.test")));
    let sent = world.last_mail();
    assert_eq!((sent.to.as_str(), world.mails().len()), ("new@example.test", 1));
    assert_eq!(world.submit("profile", Some(token(&asked)), &json!({ "code": "wrong" })).unwrap_err().message, "Invalid code");
    assert_eq!(stored(&world, "mail"), "bjensen@example.test");
    let end = world.step("profile", Some(token(&asked)), json!({ "code": link_of(&sent).1 }));
    assert_eq!((end["tag"].clone(), stored(&world, "mail")), (json!("end"), json!("new@example.test")));
    let told = world.last_mail();
    assert_eq!((told.to.as_str(), told.subject.as_str()), ("bjensen@example.test", "Your address was changed"));
}

#[test]
fn a_form_that_changes_no_address_validates_the_stored_one() {
    let mut world = World::new();
    signed_in(&mut world);
    world.serve("profile", &[form(), email()]);
    world.step("profile", None, answered("bjensen@example.test"));
    assert_eq!(world.last_mail().to, "bjensen@example.test");
}

#[test]
fn the_old_behaviour_writes_the_address_at_once() {
    let mut world = World::with(|services| services.consequences = std::sync::Arc::new(Told { trusting: true }));
    signed_in(&mut world);
    world.serve("profile", &[form()]);
    world.step("profile", None, answered("new@example.test"));
    assert_eq!((stored(&world, "mail"), world.mails().len()), (json!("new@example.test"), 0));
}

#[test]
fn sec_20_new_questions_from_a_process_are_told() {
    let mut world = World::new();
    signed_in(&mut world);
    world.serve("kbaUpdate", &[json!({ "name": "kbaUpdateStage", "identityServiceUrl": "managed/user" })]);
    world.step("kbaUpdate", None, json!({ "kba": [{ "answer": "a", "questionId": "1" }, { "answer": "b", "questionId": "2" }] }));
    assert_eq!(world.last_mail().subject, "Your questions were changed");
}

/// A session alone must not become a proof: new questions are none by themselves for a day, and beside a proved address they are.
#[test]
fn sec_20_questions_from_a_session_alone_are_no_sole_proof_for_a_day() {
    let mut world = World::new();
    signed_in(&mut world);
    let update = json!({ "name": "kbaUpdateStage", "identityServiceUrl": "managed/user" });
    let known = |text: &str| json!({ "kba": [{ "answer": text, "questionId": "1" }, { "answer": text, "questionId": "2" }] });
    world.serve("kbaUpdate", std::slice::from_ref(&update));
    world.serve("proved", &[user_query(), email(), update]);
    world.serve("sole", &[user_query(), kba(), reset()]);
    world.serve("after", &[user_query(), kba(), email(), reset()]);
    world.serve("before", &[user_query(), email(), kba(), reset()]);
    let person = world.caller.clone();
    let answered = |world: &World, process: &str, text: &str| {
        let mut body = world.step(process, None, query("userName eq \"bjensen\""));
        if process == "before" {
            body = world.step(process, Some(token(&body)), json!({"code": link_of(&world.last_mail()).1}));
        }
        world.submit(process, Some(token(&body)), &json!({ "answer1": text })).map_err(|error| error.message)
    };
    world.step("kbaUpdate", None, known("mine"));
    world.caller = process::Caller { user: "anonymous".into(), ..process::Caller::default() };
    for process in ["before", "after"] {
        assert!(answered(&world, process, "mine").is_ok(), "{process}");
    }
    assert_eq!(answered(&world, "sole", "mine").unwrap_err(), "Answers are not matched");
    world.clock.pass(86_399);
    assert_eq!(answered(&world, "sole", "mine").unwrap_err(), "Answers are not matched");
    world.clock.pass(1);
    assert_eq!(answered(&world, "sole", "mine").unwrap()["type"], "resetStage");
    // Set by somebody who has shown that they read the stored address, they count at once.
    world.caller = person;
    let asked = world.step("proved", None, query("userName eq \"bjensen\""));
    let shown = world.step("proved", Some(token(&asked)), json!({"code": link_of(&world.last_mail()).1}));
    world.step("proved", Some(token(&shown)), known("proved"));
    world.caller = process::Caller { user: "anonymous".into(), ..process::Caller::default() };
    assert_eq!(answered(&world, "sole", "proved").unwrap()["type"], "resetStage");
}

#[test]
fn sec_31_a_form_shows_and_changes_nobody_who_was_merely_named() {
    let mut world = World::new();
    signed_in(&mut world);
    world.person("other");
    for (name, stage, input) in [
        ("form", form(), answered("new@example.test")),
        (
            "questions",
            json!({ "name": "kbaUpdateStage", "identityServiceUrl": "managed/user" }),
            json!({ "kba": [{ "answer": "a", "questionId": "1" }, { "answer": "b", "questionId": "2" }] }),
        ),
    ] {
        world.serve(name, &[user_query(), stage]);
        let refused = match world.submit(name, None, &query("userName eq \"other\"")) {
            Err(refused) => refused,
            Ok(asked) => world.submit(name, Some(token(&asked)), &input).unwrap_err(),
        };
        assert_eq!((refused.code, refused.message.as_str()), (403, "Access denied"), "{name}");
    }
    assert_eq!(world.objects.stored(USER, "other").unwrap().content["mail"], "other@example.test");
}
