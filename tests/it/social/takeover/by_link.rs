//! Links made, taken away and outlived.

use serde_json::{Value, json};

use super::super::{bind, stock, unbind};
use super::Attempt;
use crate::support::Person;
use crate::support::identity_provider::Account;

pub(super) fn link_by_a_form_of_another_site(attempt: &mut Attempt) {
    let world = attempt.world;
    let own = json!(world.client_token("other", &Account::new("own")));
    let victim = attempt.victim.id.clone();
    let at = |action: &str, name: &str| format!("managed/user/{victim}?_action={action}&provider={name}");
    // The browser sends the session's cookie, and the form of another site has no header of ours.
    let browser = attempt.session(&attempt.victim);
    attempt.is_as_now();
    attempt.denied(&browser.clone().post(&at("bind", "other"), &own));
    let form = browser.clone().with("Content-Type", "text/plain").with("Origin", "https://elsewhere.example.test");
    attempt.denied(&form.send(&form.request("POST", &at("bind", "other")).body(own.to_string())));
    attempt.denied(&browser.post_empty(&at("unbind", "acme")));
}

pub(super) fn link_while_signed_in_as_another(attempt: &mut Attempt) {
    let world = attempt.world;
    let own = world.client_token("other", &Account::new("own"));
    attempt.denied(&bind(&attempt.session(&attempt.attacker), &attempt.victim, "other", &own));
    attempt.denied(&bind(&world.server.anonymous(), &attempt.victim, "other", &own));
}

pub(super) fn link_of_an_account_of_somebody_else(attempt: &mut Attempt) {
    let theirs = attempt.world.client_token("acme", &attempt.account);
    let session = attempt.session(&attempt.attacker);
    assert!(bind(&session, &attempt.attacker, "acme", &theirs).refused(409).contains("is linked already"));
    assert!(attempt.world.links(&attempt.attacker).is_empty());
}

pub(super) fn second_account_of_a_provider(attempt: &mut Attempt) {
    let session = attempt.session(&attempt.victim);
    attempt.is_as_now();
    let own = attempt.world.client_token("acme", &Account::new("own"));
    attempt.denied(&bind(&session, &attempt.victim, "acme", &own));
}

pub(super) fn links_written_by_hand(attempt: &mut Attempt) {
    let session = stock(&attempt.session(&attempt.attacker));
    let (subject, attacker, victim) = (&attempt.account.subject, &attempt.attacker.id, &attempt.victim.id);
    let user = |id: &str| json!({"user": {"_ref": format!("managed/user/{id}")}});
    let link = json!({"_ref": format!("managed/acme/{subject}")});
    let patch = |field: &str, value: &Value| json!([{"operation": "add", "field": field, "value": value}]);
    attempt.denied(&session.patch(&format!("managed/user/{attacker}"), &patch("/idps", &json!([link]))));
    attempt.denied(&session.patch(&format!("managed/user/{attacker}"), &patch("/idps/-", &link)));
    attempt.denied(&session.patch(&format!("managed/user/{victim}"), &patch("/idps/-", &json!({"_ref": "managed/acme/own"}))));
    attempt.denied(&session.put(&format!("managed/acme/{subject}"), &user(attacker)));
    attempt.denied(&session.patch(&format!("managed/acme/{subject}"), &patch("/user", &user(attacker)["user"])));
    let mut made = user(victim);
    made["_id"] = json!("forged");
    attempt.denied(&session.post("managed/acme?_action=create", &made));
    attempt.denied(&session.get(&format!("managed/acme/{subject}")));
    attempt.denied(&session.post(&format!("managed/user/{victim}/idps?_action=create"), &link));
    attempt.denied(&session.post(&format!("managed/user/{attacker}/idps?_action=create"), &link));
}

pub(super) fn link_of_somebody_else_taken_away(attempt: &mut Attempt) {
    attempt.denied(&unbind(&attempt.session(&attempt.attacker), &attempt.victim, "acme"));
    attempt.denied(&unbind(&attempt.world.server.anonymous(), &attempt.victim, "acme"));
}

pub(super) fn last_way_in_taken_away(attempt: &mut Attempt) {
    let session = attempt.session(&attempt.victim);
    let take_password = json!([{"operation": "remove", "field": "/password"}]);
    attempt.world.server.admin().patch(&format!("managed/user/{}", attempt.victim.id), &take_password).ok();
    attempt.is_as_now();
    attempt.ways.0 = false;
    // A change of the password ends sessions, so they come by the provider.
    attempt.denied(&unbind(&session, &attempt.victim, "acme"));
    let answer = attempt.world.signs_in(&attempt.world.client_token("acme", &attempt.account));
    let session = attempt.world.server.nobody().with("Cookie", &crate::support::client::cookie(&answer).unwrap());
    attempt.is_as_now();
    unbind(&session, &attempt.victim, "acme").refused(403);
}

pub(super) fn disabled_account(attempt: &mut Attempt) {
    let status = json!([{"operation": "replace", "field": "/accountStatus", "value": "inactive"}]);
    attempt.world.server.admin().patch(&format!("managed/user/{}", attempt.victim.id), &status).ok();
    attempt.is_as_now();
    attempt.ways = (false, false);
    let token = attempt.world.client_token("acme", &attempt.account);
    attempt.denied(&attempt.world.signs_in(&token));
    attempt.world.server.anonymous().submit("socialUserClaim", None, &json!({ "clientToken": token })).refused(409);
    // By another account with their address they are nobody to be asked.
    let other = attempt.world.client_token("other", &Account::with_mail("same", &attempt.victim.mail));
    let end = attempt.world.server.anonymous().submit("socialUserClaim", None, &json!({ "clientToken": other })).ok();
    assert_eq!(end["additions"]["oauthLogin"], json!(false), "{end}");
}

pub(super) fn deleted_account_made_again(attempt: &mut Attempt) {
    let admin = attempt.world.server.admin();
    admin.delete(&format!("managed/user/{}", attempt.victim.id)).ok();
    let again = admin.post("managed/user?_action=create", &Person::object(&attempt.victim.name)).expect(201).json();
    again["_id"].as_str().unwrap().clone_into(&mut attempt.victim.id);
    attempt.is_as_now();
    attempt.ways.1 = false;
    assert_eq!(attempt.before.0, Vec::<Value>::new(), "what was linked is linked to nobody");
    let token = attempt.world.client_token("acme", &attempt.account);
    attempt.denied(&attempt.world.signs_in(&token));
    // Nor does it lead in where the address there is the one here.
    let same = Account { mail: attempt.victim.mail.clone(), ..attempt.account.clone() };
    let token = attempt.world.client_token("acme", &same);
    attempt.denied(&attempt.world.signs_in(&token));
    assert_eq!(attempt.claims(&token).0["requirements"]["required"], json!(["password"]));
}
