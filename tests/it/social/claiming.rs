//! Claiming an account with a provider that tells its address.

use serde_json::{Value, json};

use super::{World, processes, project, world};
use crate::support::identity_provider::Account;
use crate::support::mailbox::mailbox;
use crate::support::people::{PASSWORD, digits_of, unused};
use crate::support::{Person, Server};

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
fn whoever_is_not_active_claims_nothing_with_the_account_that_is_linked_to_them() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let (person, account) = world.linked("acme", "inactive");
    let status = json!([{"operation": "replace", "field": "/accountStatus", "value": "inactive"}]);
    world.server.admin().patch(&format!("managed/user/{}", person.id), &status).ok();
    let token = world.client_token("acme", &account);
    let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
    client.submit("socialUserClaim", Some(&first), &json!({"clientToken": token})).refused(409);
    world.signs_in(&token).refused(401);
}

/// What the profile offers, and by what the filter finds somebody, is the project's own map.
#[test]
fn the_projects_map_says_what_a_profile_offers_and_whom_it_means() {
    let World { acme, other, server } = world();
    drop(server);
    let details = json!({
        "name": "idmUserDetails", "identityEmailField": "mail", "socialRegistrationEnabled": true, "identityServiceUrl": "managed/user",
        "registrationProperties": ["userName", "givenName", "sn", "mail"],
    });
    let claim =
        json!({"name": "socialUserClaim", "identityServiceUrl": "managed/user", "claimQueryFilter": "/description eq \"{{description}}\""});
    let map = json!({"properties": [
        {"source": "givenName", "target": "sn"}, {"source": "email", "target": "mail"}, {"source": "email", "target": "description"},
        {"source": "displayName", "target": "givenName", "condition": "/object/displayName eq \"JO\""},
        {"source": "displayName", "target": "userName", "condition": "/object/displayName eq \"somebody else\""},
    ]});
    let files = project(&acme, &other)
        .process("registration", &[details, json!({"name": "selfRegistration", "identityServiceUrl": "managed/user"})])
        .process("socialUserClaim", &[claim, json!({"name": "localAutoLogin", "successUrl": ""})])
        .json("conf/selfservice.propertymap.json", &map);
    let world = World { server: Server::on(files).start(), acme, other };
    let client = world.server.anonymous();
    let account = Account::new("mapped");
    let token = world.client_token("acme", &account);
    let asked = client.submit("registration", None, &json!({"clientToken": token, "oauthRegister": "true"})).ok();
    let shown = &asked["requirements"]["properties"]["user"]["default"];
    assert_eq!(
        (&shown["sn"], &shown["givenName"], &shown["mail"], shown.get("userName")),
        (&json!("Jo"), &json!("JO"), &json!(account.mail), None),
        "{shown}"
    );
    let person = Person::with(&world.server, "mapped", &json!({"description": account.mail}));
    let asked = client.submit("socialUserClaim", None, &json!({"clientToken": token})).ok();
    assert_eq!((&asked["tag"], &asked["requirements"]["mail"]), (&json!("verifyProfile"), &json!(person.mail)));
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

/// A claim that takes a code, and a registration that asks for none.
fn by_mail() -> World {
    let World { acme, other, server } = world();
    drop(server);
    let claim = json!({
        "name": "socialUserClaim", "identityServiceUrl": "managed/user", "claimQueryFilter": "/userName eq \"{{mail}}\"", "vestibule": {"claimByMail": true},
    });
    let details =
        json!({"name": "idmUserDetails", "identityEmailField": "mail", "registrationProperties": ["userName", "givenName", "sn", "mail"]});
    let files = project(&acme, &other)
        .process("registration", &[details, json!({"name": "selfRegistration"})])
        .process("socialUserClaim", &[claim, json!({"name": "localAutoLogin", "successUrl": ""})]);
    World { server: Server::on(files).start(), acme, other }
}

/// The question for the code, of somebody who is called so at a provider.
fn asks_for_code(world: &World, token: &str) -> String {
    let client = world.server.anonymous();
    let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
    let (asked, step) = client.goes_on("socialUserClaim", Some(&first), &json!({"clientToken": token}));
    assert!(asked["requirements"]["properties"]["sendCode"].is_object(), "{asked}");
    let (asked, step) = client.goes_on("socialUserClaim", Some(&step), &json!({"sendCode": true}));
    assert_eq!((&asked["tag"], &asked["requirements"]["required"]), (&json!("validateCode"), &json!(["code"])));
    step
}

#[test]
fn sec_36_a_code_goes_to_the_mailbox_that_is_stored_and_whoever_reads_it_signs_in() {
    let world = by_mail();
    let client = world.server.anonymous();
    let person = Person::create(&world.server, "mailbox");
    // The provider calls them by their name, and tells that as their address.
    let account = Account::with_mail("reads", &person.name);
    let token = world.client_token("acme", &account);
    let mark = mailbox().mark();
    let step = asks_for_code(&world, &token);
    let mail = mailbox().after(mark, &person.mail);
    assert_eq!((mail.subject(), mailbox().count(mark, &person.name)), ("Your code", 0));
    assert!(mail.body.contains("Someone who signed in with acme"), "{}", mail.body);
    client.submit("socialUserClaim", Some(&step), &json!({"code": "00000000"})).refused(400);
    let end = client.submit("socialUserClaim", Some(&step), &json!({"code": digits_of(&mail.body)})).ok();
    assert_eq!(end["additions"]["claimedProfile"], json!(format!("managed/acme/{}", account.subject)));
    client.submit("socialUserClaim", Some(&step), &json!({"code": digits_of(&mail.body)})).refused(400);
    assert_eq!(world.signs_in(&token).ok()["authorization"]["id"], json!(person.id));
    assert!(world.server.signs_in(&person.name, PASSWORD), "the password is as it was");
}

/// Somebody registers with an address that is not theirs, and waits for its owner to come with a provider.
#[test]
fn an_account_whose_address_nobody_confirmed_is_claimed_by_no_code() {
    let world = by_mail();
    let client = world.server.anonymous();
    let name = unused("early");
    let mail = format!("{name}@example.test");
    let user = json!({"user": {"userName": name, "givenName": "Ear", "sn": "Lye", "mail": mail, "password": PASSWORD}});
    client.submit("registration", None, &user).ok();
    let token = world.client_token("acme", &Account::with_mail("owner", &name));
    let mark = mailbox().mark();
    let step = asks_for_code(&world, &token);
    let told = mailbox().after(mark, &mail);
    assert_eq!(told.subject(), "Confirm your email address first");
    assert!(!told.body.split(|letter: char| !letter.is_ascii_digit()).any(|digits| digits.len() >= 6), "no code: {}", told.body);
    assert_eq!(client.submit("socialUserClaim", Some(&step), &json!({"code": "00000000"})).refused(400), "Invalid code");
    world.signs_in(&token).refused(401);
}
