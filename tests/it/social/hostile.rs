//! What a provider's answer is worth: once, and nothing to a process that changes a credential. Attempts to get an account by it are in `takeover`.

use serde_json::json;

use super::world;
use crate::support::Project;
use crate::support::identity_provider::Account;
use crate::support::server::check;

/// The provider here lets a code through as often as it is brought.
#[test]
fn an_answer_counts_once() {
    let world = world();
    let (_, account) = world.linked("acme", "replayed");
    let (url, kept) = world.sent("acme");
    let answer = world.acme.answer(&url, &account);
    // What failed may be tried again.
    world.acme.token_fails(Some("503 Service Unavailable"));
    world.back(&kept, &answer).refused(503);
    world.acme.token_fails(None);
    let token = world.back(&kept, &answer).ok()["token"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        world.back(&kept, &answer).refused(400);
    }
    assert_eq!(world.signs_in(&token).status, 200);
    world.back(&kept, &answer).refused(400);
}

#[test]
fn an_account_at_a_provider_proves_nothing_to_a_reset() {
    let claim = json!({"name": "socialUserClaim", "identityServiceUrl": "managed/user"});
    let query = json!({"name": "userQuery", "validQueryFields": ["userName"], "identityIdField": "_id", "identityEmailField": "mail", "identityUsernameField": "userName", "identityServiceUrl": "managed/user"});
    let reset = json!({"name": "resetStage", "identityServiceUrl": "managed/user", "identityPasswordField": "password"});
    let (code, out) = check(&Project::new().process("reset", &[claim, query, reset]));
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("resetStage"), "{out}");
}

/// Words of the provider are told, and no more than words.
#[test]
fn what_a_provider_refuses_is_told_in_its_word() {
    let world = world();
    let (url, kept) = world.sent("acme");
    let state = world.acme.answer(&url, &Account::new("refused"))["state"].clone();
    assert_eq!(
        world.back(&kept, &json!({"state": state, "error": ["access_denied"]})).refused(403),
        "The identity provider refused the sign-in: access_denied"
    );
}
