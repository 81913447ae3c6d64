//! What comes back from a provider: codes, states, ID tokens, profiles.

use serde_json::{Value, json};

use super::Attempt;
use crate::support::identity_provider::{Account, Forged, by_another_key, by_public_key, unsigned};

pub(super) fn code_of_another_session(attempt: &mut Attempt) {
    let world = attempt.world;
    let (of_victim, _) = world.sent("acme");
    let stolen = world.acme.answer(&of_victim, &attempt.account)["code"].clone();
    let (own, kept) = world.sent("acme");
    let mut injected = world.acme.answer(&own, &Account::new("own"));
    injected["code"] = stolen;
    attempt.denied(&world.back(&kept, &injected));
}

pub(super) fn code_used_before(attempt: &mut Attempt) {
    let world = attempt.world;
    let (of_victim, kept_of_victim) = world.sent("acme");
    let answer = world.acme.answer(&of_victim, &attempt.account);
    world.back(&kept_of_victim, &answer).ok();
    let (own, kept) = world.sent("acme");
    let mut replayed = world.acme.answer(&own, &Account::new("own"));
    replayed["code"] = answer["code"].clone();
    attempt.denied(&world.back(&kept, &replayed));
}

pub(super) fn attackers_code_in_the_victims_browser(attempt: &mut Attempt) {
    let world = attempt.world;
    let own = attempt.own("other");
    let (url, _) = world.sent("other");
    let slipped = world.other.answer(&url, &own);
    let (_, kept_of_victim) = world.sent("other");
    attempt.denied(&world.back(&kept_of_victim, &slipped));
    attempt.denied(&world.back("", &slipped));
}

pub(super) fn state_of_another_browser(attempt: &mut Attempt) {
    let world = attempt.world;
    let (url, kept) = world.sent("acme");
    let (elsewhere, kept_elsewhere) = world.sent("acme");
    let answer = world.acme.answer(&url, &attempt.account);
    attempt.denied(&world.back(&kept_elsewhere, &answer));
    let mut mixed = answer.clone();
    mixed["state"] = world.acme.answer(&elsewhere, &attempt.account)["state"].clone();
    attempt.denied(&world.back(&kept, &mixed));
    let mut without = answer.clone();
    without.as_object_mut().unwrap().remove("state");
    attempt.denied(&world.back(&kept, &without));
    let mut twice = answer;
    twice["state"] = json!([twice["state"][0], "another"]);
    attempt.denied(&world.back(&kept, &twice));
}

pub(super) fn answer_of_another_provider(attempt: &mut Attempt) {
    let world = attempt.world;
    let (url, kept) = world.sent("acme");
    let (_, kept_of_other) = world.sent("other");
    let answer = world.acme.answer(&url, &attempt.account);
    attempt.denied(&world.back(&kept_of_other, &answer));
    // The state is the right one, and another provider answers.
    let mut mixed = answer;
    mixed["iss"] = json!([world.other.issuer()]);
    attempt.denied(&world.back(&kept, &mixed));
    let refused = json!({"state": mixed["state"], "error": ["access_denied"], "iss": [world.other.issuer()]});
    attempt.denied(&world.back(&kept, &refused));
}

/// The provider here lets a code through as often as it is brought.
pub(super) fn answer_brought_twice(attempt: &mut Attempt) {
    let world = attempt.world;
    let (url, kept) = world.sent("acme");
    let answer = world.acme.answer(&url, &attempt.account);
    let token = world.back(&kept, &answer).ok()["token"].as_str().unwrap().to_owned();
    attempt.denied(&world.back(&kept, &answer));
    assert_eq!(world.signs_in(&token).status, 200);
    attempt.is_as_now();
    attempt.denied(&world.back(&kept, &answer));
}

/// ID tokens about the victim, each with these claims: whoever has a provider make one for another purpose brings it here.
fn told(attempt: &Attempt, all: &[Value]) {
    for claims in all {
        attempt.forged(&attempt.account, Forged { claims: claims.clone(), ..Forged::default() });
    }
}

pub(super) fn nonce_of_another(attempt: &mut Attempt) {
    told(attempt, &[json!({"nonce": "another"}), json!({"nonce": null}), json!({"nonce": 5})]);
}

pub(super) fn id_token_for_another_client(attempt: &mut Attempt) {
    told(attempt, &[json!({"aud": "another"}), json!({"aud": ["another"]}), json!({"aud": []}), json!({"aud": null})]);
}

pub(super) fn id_token_given_to_another_client(attempt: &mut Attempt) {
    let several = json!(["vestibule", "another"]);
    told(attempt, &[json!({"azp": "another"}), json!({"aud": several, "azp": "another"}), json!({"aud": several})]);
}

pub(super) fn id_token_of_another_issuer(attempt: &mut Attempt) {
    let other = attempt.world.other.issuer();
    told(attempt, &[json!({ "iss": other }), json!({"iss": "https://other.example"}), json!({"iss": null})]);
}

pub(super) fn id_token_that_expired(attempt: &mut Attempt) {
    told(attempt, &[json!({"exp": 1_000_000_000}), json!({"iat": 1_000_000_000}), json!({"exp": null}), json!({"iat": null})]);
}

pub(super) fn id_token_without_a_signature(attempt: &mut Attempt) {
    attempt.forged(&attempt.account, Forged { signs: Some(unsigned), ..Forged::default() });
}

pub(super) fn id_token_signed_with_the_public_key(attempt: &mut Attempt) {
    attempt.forged(&attempt.account, Forged { signs: Some(by_public_key), ..Forged::default() });
}

pub(super) fn id_token_signed_by_another_key(attempt: &mut Attempt) {
    attempt.forged(&attempt.account, Forged { signs: Some(by_another_key), ..Forged::default() });
}

pub(super) fn profile_of_another_subject(attempt: &mut Attempt) {
    let own = Account::new("own");
    let subject = &attempt.account.subject;
    attempt.forged(&own, Forged { about: Some(subject.clone()), ..Forged::default() });
    attempt.forged(&own, Forged { claims: json!({ "sub": subject }), ..Forged::default() });
}
