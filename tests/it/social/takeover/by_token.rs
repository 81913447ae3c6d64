//! Client tokens, which show that somebody has an account at a provider.

use serde_json::json;

use super::super::bind;
use super::Attempt;
use crate::support::identity_provider::Account;

pub(super) fn token_made_up(attempt: &mut Attempt) {
    let world = attempt.world;
    let stolen = world.client_token("acme", &attempt.account);
    let (_, kept) = world.sent("acme");
    for token in ["", "x.y.z", &stolen[..stolen.len() - 2], &kept] {
        attempt.denied(&world.signs_in(token));
        let session = attempt.session(&attempt.attacker);
        attempt.denied(&bind(&session, &attempt.attacker, "acme", token));
        if !token.is_empty() {
            attempt.denied(&world.server.anonymous().submit("socialUserClaim", None, &json!({ "clientToken": token })));
        }
    }
}

pub(super) fn token_used_before(attempt: &mut Attempt) {
    let (world, client) = (attempt.world, attempt.world.server.anonymous());
    let found = world.client_token("acme", &attempt.account);
    assert_eq!(world.signs_in(&found).ok()["authorization"]["id"], json!(attempt.victim.id));
    attempt.is_as_now();
    attempt.denied(&world.signs_in(&found));
    attempt.denied(&client.submit("socialUserClaim", None, &json!({ "clientToken": found })));
    attempt.denied(&client.submit("registration", None, &json!({"clientToken": found, "oauthRegister": "true"})));
    attempt.denied(&bind(&attempt.session(&attempt.attacker), &attempt.attacker, "acme", &found));
    // As the second account of a claim of theirs.
    let own = world.client_token("other", &Account::with_mail("finder", &attempt.victim.mail));
    let (_, step) = attempt.claims(&own);
    attempt.denied(&client.submit("socialUserClaim", Some(&step), &json!({ "clientToken": found })));
}

pub(super) fn token_of_another_provider(attempt: &mut Attempt) {
    let session = attempt.session(&attempt.attacker);
    let of_other = attempt.world.client_token("other", &attempt.account);
    attempt.denied(&bind(&session, &attempt.attacker, "acme", &of_other));
    let of_acme = attempt.world.client_token("acme", &attempt.account);
    attempt.denied(&bind(&session, &attempt.attacker, "other", &of_acme));
    assert!(attempt.world.links(&attempt.attacker).is_empty());
}

pub(super) fn token_in_a_session_of_somebody_else(attempt: &mut Attempt) {
    let own = attempt.own("other");
    let token = attempt.world.client_token("other", &own);
    let session = attempt.session(&attempt.victim).with("X-Requested-With", "XMLHttpRequest");
    attempt.is_as_now();
    let swap = session.clone().with("X-OpenIDM-OAuth-Login", "true").with("X-OpenIDM-DataStoreToken", &token);
    attempt.denied(&swap.post_empty("authentication?_action=login"));
    let still = session.get("info/login").ok();
    assert_eq!(still["authorization"]["id"], json!(attempt.victim.id), "the session is whose it was");
}
