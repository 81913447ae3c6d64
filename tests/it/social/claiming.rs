//! Claiming an account with a provider that tells its address.

use serde_json::{Value, json};

use super::{processes, world};
use crate::support::Person;
use crate::support::identity_provider::Account;
use crate::support::people::PASSWORD;

#[test]
fn an_account_is_claimed_by_its_password_and_not_by_its_address() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let person = Person::create(&world.server, "claims");
    let account = Account::with_mail("claimed", &person.mail);
    let token = world.client_token("acme", &account);
    world.signs_in(&token).refused(401);
    let (asked, first) = client.goes_on("socialUserClaim", None, &json!({}));
    assert_eq!((&asked["type"], &asked["tag"]), (&json!("socialUserClaim"), &json!("initial")));
    let (asked, step) = client.goes_on("socialUserClaim", Some(&first), &json!({"clientToken": token}));
    assert_eq!(
        (&asked["tag"], &asked["requirements"]["mail"], &asked["requirements"]["required"]),
        (&json!("verifyProfile"), &json!(person.mail), &json!(["password"]))
    );
    let (asked, _) = client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": token, "password": "wrong"}));
    assert_eq!((&asked["tag"], &asked["requirements"]["error"]["message"]), (&json!("verifyProfile"), &json!("The password is wrong")));
    let (asked, _) = client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": token}));
    assert!(asked["requirements"]["error"].is_object(), "the same token is no proof of the account here: {asked}");
    assert_eq!(world.links(&person), Vec::<Value>::new());
    let end = client.submit("socialUserClaim", Some(&step), &json!({"clientToken": token, "password": PASSWORD})).ok();
    assert_eq!(
        end["additions"],
        json!({"claimedProfile": format!("managed/acme/{}", account.subject), "oauthLogin": true, "successUrl": "/welcome"})
    );
    assert_eq!(world.signs_in(&token).ok()["authorization"]["id"], json!(person.id));
}

#[test]
fn guesses_at_a_claim_are_counted_before_they_are_looked_at() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let person = Person::create(&world.server, "guessed");
    let token = world.client_token("acme", &Account::with_mail("guesser", &person.mail));
    let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
    let (_, step) = client.goes_on("socialUserClaim", Some(&first), &json!({"clientToken": token}));
    for _ in 0..5 {
        client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": token, "password": "wrong"}));
    }
    let (asked, _) = client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": token, "password": PASSWORD}));
    assert_eq!(asked["requirements"]["error"]["message"], json!("The password is wrong"), "the right one comes too late");
    assert_eq!(world.links(&person), Vec::<Value>::new());
}

#[test]
fn whoever_matches_nobody_goes_on_to_register_and_several_are_nobody() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let claims = |token: &str| {
        let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
        client.submit("socialUserClaim", Some(&first), &json!({"clientToken": token}))
    };
    let end = claims(&world.client_token("acme", &Account::new("nobody"))).ok();
    assert_eq!((&end["type"], &end["additions"]), (&json!("localAutoLogin"), &json!({"oauthLogin": false, "successUrl": "/welcome"})));
    let twins = [
        Person::with(&world.server, "twin", &json!({"mail": "twins@example.test"})),
        Person::with(&world.server, "twin", &json!({"mail": "twins@example.test"})),
    ];
    let of_twins = world.client_token("acme", &Account::with_mail("twins", "twins@example.test"));
    claims(&of_twins).refused(400);
    let injected = world.client_token("acme", &Account::with_mail("inject", "x\" or /userName pr or /mail eq \""));
    let end = claims(&injected).ok();
    assert_eq!(end["additions"]["oauthLogin"], json!(false), "an address is a value, whatever is in it: {end}");
    assert!(twins.iter().all(|twin| world.links(twin).is_empty()));
    claims("nonsense").refused(400);
}

#[test]
fn an_account_without_a_password_is_claimed_by_another_that_is_linked_to_it() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let (person, linked) = world.linked("other", "second");
    world.server.admin().patch(&format!("managed/user/{}", person.id), &json!([{"operation": "remove", "field": "/password"}])).ok();
    let new = world.client_token("acme", &Account::with_mail("fresh", &person.mail));
    let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
    let (asked, step) = client.goes_on("socialUserClaim", Some(&first), &json!({"clientToken": new}));
    assert_eq!(asked["requirements"]["required"], json!(["clientToken"]));
    assert_eq!(asked["requirements"]["definitions"]["providers"]["items"]["oneOf"][0]["provider"], json!("other"));
    let strangers = world.client_token("other", &Account::with_mail("stranger", &person.mail));
    let (asked, _) = client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": strangers}));
    assert_eq!(asked["requirements"]["error"]["message"], json!("That account is not linked to this person"));
    assert_eq!(world.links(&person).len(), 1);
    let end = client.submit("socialUserClaim", Some(&step), &json!({"clientToken": world.client_token("other", &linked)})).ok();
    assert_eq!(end["additions"]["oauthLogin"], json!(true), "{end}");
    assert_eq!(world.links(&person).len(), 2);
}

/// The page of the stock client is left for the provider, so it begins anew with what it came back with, and sends what it had before.
#[test]
fn of_two_accounts_that_show_who_somebody_is_either_comes_first() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let (person, linked) = world.linked("other", "either");
    world.server.admin().patch(&format!("managed/user/{}", person.id), &json!([{"operation": "remove", "field": "/password"}])).ok();
    let new = world.client_token("acme", &Account::new("new"));
    let theirs = world.client_token("other", &linked);
    let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
    let (asked, step) = client.goes_on("socialUserClaim", Some(&first), &json!({"clientToken": theirs}));
    assert_eq!((&asked["tag"], &asked["requirements"]["required"]), (&json!("verifyProfile"), &json!(["clientToken"])));
    // An account of somebody else's proves nothing, and is not taken from them.
    let (another, of_another) = world.linked("acme", "another");
    let (asked, _) = client.goes_on("socialUserClaim", Some(&step), &json!({"clientToken": world.client_token("acme", &of_another)}));
    assert_eq!(asked["requirements"]["error"]["message"], json!("That account is not linked to this person"));
    assert_eq!((world.links(&person).len(), world.links(&another).len()), (1, 1));
    let end = client.submit("socialUserClaim", Some(&step), &json!({"clientToken": new})).ok();
    assert!(end["additions"]["claimedProfile"].as_str().unwrap().starts_with("managed/acme/"), "{end}");
    assert_eq!(world.links(&person).len(), 2);
    assert_eq!(world.signs_in(&new).ok()["authorization"]["id"], json!(person.id));
}

/// Whoever finds a token that somebody signed in with has nothing by it: neither their account, nor a person of its own.
#[test]
fn a_token_that_was_used_proves_no_account_in_a_claim_or_a_registration() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let (person, linked) = world.linked("other", "spent");
    world.server.admin().patch(&format!("managed/user/{}", person.id), &json!([{"operation": "remove", "field": "/password"}])).ok();
    let found = world.client_token("other", &linked);
    assert_eq!(world.signs_in(&found).ok()["authorization"]["id"], json!(person.id));
    let own = world.client_token("acme", &Account::with_mail("finder", &person.mail));
    let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
    let said = client.submit("socialUserClaim", Some(&first), &json!({"clientToken": found})).refused(400);
    assert_eq!(said, "The token of the identity provider is not valid");
    let (asked, step) = client.goes_on("socialUserClaim", Some(&first), &json!({"clientToken": own}));
    assert_eq!(asked["tag"], json!("verifyProfile"));
    client.submit("socialUserClaim", Some(&step), &json!({"clientToken": found})).refused(400);
    assert_eq!(world.links(&person).len(), 1);
    let (_, step) = client.goes_on("registration", None, &json!({}));
    client.submit("registration", Some(&step), &json!({"clientToken": found, "oauthRegister": "true"})).refused(400);
    // One that was not used still does.
    let unused = world.client_token("other", &linked);
    let (_, step) = client.goes_on("socialUserClaim", Some(&first), &json!({"clientToken": own}));
    client.submit("socialUserClaim", Some(&step), &json!({"clientToken": unused})).ok();
    assert_eq!(world.links(&person).len(), 2);
}
