//! The new password: what is refused and how, what a reset is bound to, and that it happens once.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use crest::ResourceError;
use identity::MemoryObjects;
use identity::secret::{Hasher, Secret, Verdict};
use serde_json::{Value, json};

use crate::harness::*;

fn world() -> World {
    let world = World::new();
    world.person("bjensen");
    world.person("scarter");
    world.serve("reset", &[user_query(), email(), reset()]);
    world
}

/// As far as the question for the new password.
fn proven(world: &World, name: &str) -> Value {
    let asked = world.step("reset", None, query(&format!("userName eq \"{name}\"")));
    let code = link_of(&world.last_mail()).1;
    let asked = world.step("reset", Some(token(&asked)), json!({ "code": code }));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("resetStage"), &json!("initial")));
    asked
}

fn finish(world: &World, asked: &Value, password: &str) -> Result<Value, String> {
    world.submit("reset", Some(token(asked)), &json!({ "password": password })).map_err(|error| format!("{} {}", error.code, error.message))
}

#[test]
fn missing_and_mistyped_passwords_are_named() {
    let world = world();
    let asked = proven(&world, "bjensen");
    for (input, message) in [
        (json!({}), "password is missing from input"),
        (json!({"password": ""}), "password is missing from input"),
        (json!({"password": null}), "password is missing from input"),
        (json!({"password": 12_345_678}), "password must be a text"),
        (json!({"password": {"$crypto": {"type": "salted-hash"}}}), "password must be a text"),
        (json!({"code": "x", "Password": "N3wPassword"}), "password is missing from input"),
    ] {
        let error = world.submit("reset", Some(token(&asked)), &input).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (400, message), "{input}");
    }
    assert!(world.has_password("bjensen", "Passw0rd"));
}

#[test]
fn a_password_that_fails_its_policies_is_asked_for_again_with_the_reasons() {
    let world = world();
    let asked = proven(&world, "bjensen");
    let again = finish(&world, &asked, "short").unwrap();
    assert_eq!((&again["type"], &again["tag"]), (&json!("resetStage"), &json!("initial")));
    let error = &again["requirements"]["error"];
    assert_eq!(
        (&error["code"], &error["message"], &error["detail"]["result"]),
        (&json!(403), &json!("Policy validation failed"), &json!(false))
    );
    let failed: Vec<&str> = error["detail"]["failedPolicyRequirements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| {
            assert_eq!(failure["property"], "password");
            failure["policyRequirements"][0]["policyRequirement"].as_str().unwrap()
        })
        .collect();
    assert!(failed.contains(&"MIN_LENGTH"), "{failed:?}");
    assert_eq!(again["requirements"]["required"], json!(["password"]));
    let long = finish(&world, &again, &format!("Aa1{}", "x".repeat(1025))).unwrap();
    let failure = &long["requirements"]["error"]["detail"]["failedPolicyRequirements"][0]["policyRequirements"][0];
    assert_eq!(failure, &json!({"policyRequirement": "MAX_LENGTH", "params": {"maxLength": 1024}}));
    assert_eq!(world.ledger.rows().ended.len(), 0);
    assert_eq!(finish(&world, &asked, "N3wPassword").unwrap()["tag"], "end", "the older token may be used as well");
}

#[test]
fn sec_07_an_instance_completes_once() {
    let world = world();
    let asked = proven(&world, "bjensen");
    finish(&world, &asked, "N3wPassword").unwrap();
    assert_eq!(finish(&world, &asked, "0therPassword"), Err("400 Invalid snapshot token".into()));
    assert!(world.has_password("bjensen", "N3wPassword"));
}

#[test]
fn sec_07_single_use_under_100_parallel() {
    let world = world();
    let asked = proven(&world, "bjensen");
    let outcomes: Vec<Result<Value, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..100).map(|_| scope.spawn(|| finish(&world, &asked, "N3wPassword"))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.as_ref().is_ok_and(|body| body["tag"] == "end") || outcome == &Err("400 Invalid snapshot token".into()))
    );
    assert_eq!(world.mails().iter().filter(|mail| mail.subject == "Your password was changed").count(), 1);
}

#[test]
fn a_changed_password_ends_older_resets() {
    let world = world();
    let (first, second) = (proven(&world, "bjensen"), proven(&world, "bjensen"));
    finish(&world, &second, "N3wPassword").unwrap();
    assert_eq!(finish(&world, &first, "0therPassword"), Err("400 Invalid snapshot token".into()));
    assert!(world.has_password("bjensen", "N3wPassword"));
}

#[test]
fn a_changed_address_ends_older_resets() {
    let world = world();
    let asked = proven(&world, "bjensen");
    let mut content = world.objects.stored(USER, "bjensen").unwrap().content;
    content["mail"] = json!("moved@example.test");
    world.objects.put(USER, "bjensen", content);
    assert_eq!(finish(&world, &asked, "N3wPassword"), Err("400 Invalid snapshot token".into()));
}

#[test]
fn sec_35_an_account_that_was_closed_after_its_proof_is_a_decoy() {
    let world = world();
    world.serve("reset", &[user_query(), email(), active(), reset()]);
    let asked = world.step("reset", None, query("userName eq \"bjensen\""));
    let mut content = world.objects.stored(USER, "bjensen").unwrap().content;
    content["accountStatus"] = json!("inactive");
    world.objects.put(USER, "bjensen", content);
    let asked = world.step("reset", Some(token(&asked)), json!({"code": link_of(&world.last_mail()).1}));
    assert_eq!(asked["type"], "resetStage");
    assert_eq!(finish(&world, &asked, "N3wPassword"), Err("400 The account was not proven to be yours".into()));
    assert!(world.has_password("bjensen", "Passw0rd"));
}

/// Nothing may be said to have been done for somebody who is not there any more.
#[test]
fn a_person_deleted_or_disabled_after_their_proof_changes_no_credential() {
    let world = world();
    for (name, gone) in [("bjensen", true), ("scarter", false)] {
        let asked = proven(&world, name);
        let mut content = world.objects.stored(USER, name).unwrap().content;
        if gone {
            world.objects.commit(&crest::Change::Delete { collection: USER.into(), id: name.into(), expected: None }).unwrap();
        } else {
            content["accountStatus"] = json!("inactive");
            world.objects.put(USER, name, content);
        }
        let spent = world.ledger.rows().ended.len();
        let mails = world.mails().len();
        assert_eq!(finish(&world, &asked, "N3wPassword"), Err("400 Invalid snapshot token".into()), "{name}");
        assert_eq!(world.ledger.rows().ended.len(), spent);
        assert_eq!(world.mails().len(), mails);
        assert!(gone || world.has_password(name, "Passw0rd"));
    }
}

/// What an operator's own property says of an account counts as much.
#[test]
fn a_status_of_the_project_s_own_that_changes_after_the_proof_ends_the_reset() {
    let world = World::new();
    world.person_with("bjensen", &json!({ "description": "open" }));
    let mut named = user_query();
    named["identityAccountStatusField"] = json!("description");
    world.serve("reset", &[named, email(), reset()]);
    let asked = proven(&world, "bjensen");
    let mut content = world.objects.stored(USER, "bjensen").unwrap().content;
    content["description"] = json!("closed");
    world.objects.put(USER, "bjensen", content.clone());
    assert_eq!(finish(&world, &asked, "N3wPassword"), Err("400 Invalid snapshot token".into()));
    content["description"] = json!("open");
    world.objects.put(USER, "bjensen", content);
    assert_eq!(finish(&world, &asked, "N3wPassword").unwrap()["tag"], "end");
}

/// Changes the stored password while another one is being hashed.
struct Meddler(Arc<dyn Hasher>, Arc<OnceLock<Arc<MemoryObjects>>>);

#[async_trait]
impl Hasher for Meddler {
    async fn hash(&self, secret: Secret) -> Result<Value, ResourceError> {
        let objects = self.1.get().unwrap();
        let mut content = objects.stored(USER, "bjensen").unwrap().content;
        content["password"] = self.0.hash(Secret::password("Meanwh1le").unwrap()).await?;
        objects.put(USER, "bjensen", content);
        self.0.hash(secret).await
    }

    async fn verify(&self, secret: Secret, stored: Option<Value>) -> Result<Verdict, ResourceError> {
        self.0.verify(secret, stored).await
    }
}

#[test]
fn a_password_that_changes_under_a_reset_ends_it_without_effect() {
    let objects = Arc::new(OnceLock::new());
    let world = World::with(|services| {
        let mut managed = (*services.managed).clone();
        managed.hasher = Arc::new(Meddler(managed.hasher, objects.clone()));
        services.managed = Arc::new(managed);
    });
    world.person("bjensen");
    assert!(objects.set(world.objects.clone()).is_ok());
    world.serve("reset", &[user_query(), email(), reset()]);
    let asked = proven(&world, "bjensen");
    assert_eq!(finish(&world, &asked, "N3wPassword"), Err("400 Invalid snapshot token".into()));
    assert!(world.has_password("bjensen", "Meanwh1le"));
    assert_eq!(world.ledger.rows().ended.len(), 0, "no session ended");
    assert_eq!(world.mails().len(), 1, "no notice");
}

#[test]
fn a_reset_of_one_ends_nothing_of_another() {
    let world = world();
    let (first, second) = (proven(&world, "bjensen"), proven(&world, "scarter"));
    finish(&world, &first, "N3wPassword").unwrap();
    finish(&world, &second, "N3wPassword").unwrap();
    assert_eq!(world.ledger.rows().ended, ["bjensen", "scarter"]);
}

#[test]
fn sec_43_no_password_and_no_code_is_in_what_is_stored() {
    let world = world();
    world.serve_file(
        "reset",
        &json!({"stageConfigs": [user_query(), email(), reset()], "snapshotToken": {"type": "uuid"}, "storage": "local"}),
    );
    let asked = proven(&world, "bjensen");
    finish(&world, &asked, "N3wPassword").unwrap();
    let rows = world.ledger.rows();
    assert!(!format!("{:?}{:?}{:?}", rows.audit, rows.counters, rows.challenges).contains("N3wPassword"));
    let stored = world.objects.stored(USER, "bjensen").unwrap().content;
    assert!(stored["password"].as_str().unwrap().starts_with("$argon2id$"));
}
