//! Nobody gets an account by a provider that is not theirs.

use serde_json::{Value, json};

use super::{World, bind, processes, stock, unbind, world};
use crate::support::client::cookie;
use crate::support::identity_provider::Account;
use crate::support::people::PASSWORD;
use crate::support::server::check;
use crate::support::{Person, Project, Response};

/// Attempts to get an account that is somebody else's. Each is tried, and the account is as it was.
#[test]
fn nobody_takes_over_an_account_by_a_provider() {
    let world = world();
    let (victim, account) = world.linked("acme", "victim");
    let attacker = Person::create(&world.server, "attacker");
    let session = world.server.nobody().session(&attacker.name, PASSWORD);
    let of_victim = world.server.nobody().session(&victim.name, PASSWORD);
    let before = (world.links(&victim), victim.read(&world.server)["_rev"].clone());
    let untouched = |what: &str| assert_eq!((world.links(&victim), victim.read(&world.server)["_rev"].clone()), before, "{what}");
    let denied = |answer: Response, what: &str| {
        assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
        assert!(cookie(&answer).is_none(), "{what}");
        untouched(what);
    };

    let same_mail = Account::with_mail("same", &victim.mail);
    denied(world.signs_in(&world.client_token("acme", &same_mail)), "the victim's address, which the provider calls verified");
    denied(world.signs_in(&world.client_token("other", &same_mail)), "the same at another provider");
    let same_subject = Account { subject: account.subject.clone(), mail: account.mail.clone() };
    denied(world.signs_in(&world.client_token("other", &same_subject)), "the victim's subject at another provider");
    denied(world.signs_in(""), "no token");
    denied(world.signs_in("x.y.z"), "nonsense");
    let (url, kept) = world.sent("acme");
    denied(world.signs_in(&kept), "what a browser keeps is no proof");
    let stolen = world.client_token("acme", &account);
    denied(world.signs_in(&stolen[..stolen.len() - 2]), "a token cut short");

    // The answer of one request with what was kept of another: a code that was slipped to the victim, and the other way round.
    let (_, kept_of_victim) = world.sent("acme");
    let slipped = world.acme.answer(&url, &Account::new("slipped"));
    denied(world.back(&kept_of_victim, &slipped), "an answer to another browser's request");
    denied(world.back("", &slipped), "an answer nobody waits for");
    let (_, of_other) = world.sent("other");
    denied(world.back(&of_other, &slipped), "an answer of another provider");
    let mut without = slipped.clone();
    without.as_object_mut().unwrap().remove("state");
    denied(world.back(&kept, &without), "no state");
    let mut mixed = slipped.clone();
    mixed["iss"] = json!([world.other.issuer()]);
    denied(world.back(&kept, &mixed), "the issuer of another provider");
    assert_eq!(
        world.back(&kept, &json!({"state": slipped["state"], "error": ["access_denied"]})).refused(403),
        "The identity provider refused the sign-in: access_denied"
    );
    let mut replayed = slipped.clone();
    let (again, kept_again) = world.sent("acme");
    replayed["state"] = world.acme.answer(&again, &account)["state"].clone();
    denied(world.back(&kept_again, &replayed), "a code of another request: its verifier and nonce are others");

    for (what, changes) in [
        ("issuer", json!({"iss": "https://other.example"})),
        ("audience", json!({"aud": "somebody else"})),
        ("nonce", json!({"nonce": "x"})),
        ("no nonce", json!({"nonce": null})),
        ("expired", json!({"exp": 1_000_000_000})),
        ("the victim's subject, while the profile is the attacker's", json!({"sub": account.subject})),
    ] {
        world.acme.claims(&changes);
        let (url, kept) = world.sent("acme");
        denied(world.back(&kept, &world.acme.answer(&url, &Account::new("forged"))), what);
    }
    world.acme.claims(&json!({}));

    // Linking.
    let theirs = world.client_token("acme", &account);
    denied(bind(&session, &attacker, "acme", &theirs), "an account that is linked to somebody else");
    let own = world.client_token("acme", &Account::new("own"));
    denied(bind(&session, &victim, "acme", &own), "one's own account to somebody else");
    denied(unbind(&session, &victim, "acme"), "somebody else's link taken away");
    denied(bind(&session, &attacker, "other", &own), "a token of another provider");
    let from_elsewhere = session.clone().post(&format!("managed/user/{}?_action=bind&provider=acme", attacker.id), &json!(own));
    denied(from_elsewhere, "a form of another site");
    denied(
        world.server.anonymous().post(&format!("managed/user/{}?_action=bind&provider=acme", victim.id), &json!(own)),
        "without a session",
    );
    bind(&session, &attacker, "acme", &own).ok();
    denied(bind(&session, &attacker, "acme", &own), "a token that was used");
    denied(bind(&session, &attacker, "acme", &world.client_token("acme", &Account::new("more"))), "a second account of one provider");
    let forged = json!({"idps": [{"_ref": format!("managed/acme/{}", account.subject)}]});
    denied(
        stock(&session)
            .patch(&format!("managed/user/{}", attacker.id), &json!([{"operation": "replace", "field": "/idps", "value": forged["idps"]}])),
        "links written by hand",
    );
    denied(
        stock(&session)
            .put(&format!("managed/acme/{}", account.subject), &json!({"user": {"_ref": format!("managed/user/{}", attacker.id)}})),
        "a link overwritten",
    );
    denied(
        stock(&session)
            .post("managed/acme?_action=create", &json!({"_id": "forged", "user": {"_ref": format!("managed/user/{}", victim.id)}})),
        "a link made by hand",
    );
    denied(stock(&session).get(&format!("managed/acme/{}", account.subject)), "a linked account read");

    // The victim's session with the attacker's account: a sign-in that would change whose session it is.
    let own = world.client_token("acme", &Account::new("third"));
    let swap = of_victim.with("X-OpenIDM-OAuth-Login", "true").with("X-OpenIDM-DataStoreToken", &own).with("X-Requested-With", "x");
    denied(swap.post_empty("authentication?_action=login"), "a session is not turned into somebody else's");

    // An account that is no longer active.
    let status = json!([{"operation": "replace", "field": "/accountStatus", "value": "inactive"}]);
    world.server.admin().patch(&format!("managed/user/{}", victim.id), &status).ok();
    world.signs_in(&world.client_token("acme", &account)).refused(401);
}

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

/// What a provider says of an address, and accounts that change hands. The victim signs in with a password and has nothing linked.
#[test]
fn no_account_changes_hands_by_what_a_provider_says_of_it() {
    let world = processes(world(), false);
    let client = world.server.anonymous();
    let victim = Person::create(&world.server, "victim");
    let (attacker, own) = world.linked("other", "attacker");
    let session = world.server.nobody().session(&attacker.name, PASSWORD);
    let before = (world.links(&victim), victim.read(&world.server)["_rev"].clone());
    let untouched = |what: &str| {
        assert_eq!((world.links(&victim), victim.read(&world.server)["_rev"].clone()), before, "{what}");
        assert!(world.server.signs_in(&victim.name, PASSWORD), "{what}");
    };
    let is_not_victim = |answer: &Response, what: &str| {
        assert!(answer.status != 200 || answer.json()["authorization"]["id"] != json!(victim.id), "{what}: {}", answer.text());
        untouched(what);
    };
    // How far a claim with a token gets: the token of its next step.
    let claims = |token: &str| {
        let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
        client.goes_on("socialUserClaim", Some(&first), &json!({ "clientToken": token }))
    };

    for (what, said) in
        [("verified", json!(true)), ("not verified", json!(false)), ("verified as a text", json!("true")), ("nothing", Value::Null)]
    {
        // Beside the address, or it would count for nothing.
        world.acme.claims(&json!({ "email": victim.mail, "email_verified": said }));
        let token = world.client_token("acme", &Account::with_mail("claims", &victim.mail));
        let (asked, step) = claims(&token);
        assert_eq!((&asked["tag"], &asked["requirements"]["required"]), (&json!("verifyProfile"), &json!(["password"])), "{what}");
        for proof in [
            json!({}),
            json!({"clientToken": token}),
            json!({"clientToken": token, "password": ""}),
            json!({"password": [PASSWORD]}),
            json!({"clientToken": world.client_token("other", &own)}),
            json!({"clientToken": world.client_token("other", &Account::with_mail("second", &victim.mail))}),
        ] {
            let answer = client.submit("socialUserClaim", Some(&step), &proof);
            assert!(answer.status != 200 || answer.json()["tag"] == json!("verifyProfile"), "{what}, {proof}: {}", answer.text());
            untouched(&format!("{what}, {proof}"));
        }
        is_not_victim(&world.signs_in(&token), what);
    }
    world.acme.claims(&json!({}));

    let renamed = Account { mail: victim.mail.clone(), subject: own.subject.clone() };
    let answer = world.signs_in(&world.client_token("other", &renamed));
    assert_eq!(answer.json()["authorization"]["id"], json!(attacker.id), "the address was changed there: the account is still its owner's");
    untouched("a changed address");

    // A subject that the provider gives to somebody else, once its link is gone.
    let (former, theirs) = world.linked("acme", "former");
    let of_former = world.server.nobody().session(&former.name, PASSWORD);
    unbind(&of_former, &former, "acme").ok();
    let recycled = Account { mail: victim.mail.clone(), subject: theirs.subject.clone() };
    world.signs_in(&world.client_token("acme", &recycled)).refused(401);
    assert!(world.links(&former).is_empty());
    untouched("a recycled subject");

    // Spellings of a subject, and one that would lead elsewhere.
    let (_, linked) = world.linked("acme", "Spelled");
    for subject in
        [linked.subject.to_uppercase(), format!("{} ", linked.subject), format!("{}%00", linked.subject), format!("../user/{}", victim.id)]
    {
        let other = Account { subject: subject.clone(), mail: victim.mail.clone() };
        let (url, kept) = world.sent("acme");
        let answer = world.back(&kept, &world.acme.answer(&url, &other));
        if answer.status == 200 {
            world.signs_in(answer.json()["token"].as_str().unwrap()).refused(401);
        }
        untouched(&subject);
    }

    registered_before(&world);
    untouched("accounts that were there before");

    // A text that was used, for something else.
    let used = world.client_token("other", &own);
    assert_eq!(world.signs_in(&used).status, 200);
    bind(&session, &attacker, "other", &used).refused(409);
    let fresh = world.client_token("acme", &Account::with_mail("fresh", &victim.mail));
    bind(&session, &attacker, "acme", &fresh).ok();
    world.signs_in(&fresh).refused(401);
    untouched("a text that was used");
    let without_header = session.clone().post_empty(&format!("managed/user/{}?_action=unbind&provider=acme", attacker.id));
    assert_eq!((without_header.status, world.links(&attacker).len()), (403, 2), "a form of another site takes no link away");
}

/// Somebody registers with an address before its owner comes with a provider.
fn registered_before(world: &World) {
    let client = world.server.anonymous();
    let mail = format!("{}@example.test", crate::support::people::unused("early"));
    let early = Person::with(&world.server, "early", &json!({ "mail": mail }));
    let owner = Account::with_mail("late", &mail);
    let token = world.client_token("acme", &owner);
    world.signs_in(&token).refused(401);
    let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
    let (asked, _) = client.goes_on("socialUserClaim", Some(&first), &json!({ "clientToken": token }));
    assert_eq!(asked["requirements"]["required"], json!(["password"]), "they are not led into an account that somebody else made");
    assert!(world.links(&early).is_empty());
    // With a provider it is no other: the account there is the attacker's, and stays.
    let (_, step) = client.goes_on("registration", None, &json!({}));
    let theirs = world.client_token("other", &Account::new("squats"));
    let (_, step) = client.goes_on("registration", Some(&step), &json!({"clientToken": theirs, "oauthRegister": "true"}));
    let second = format!("{}@example.test", crate::support::people::unused("squat"));
    let user = json!({"user": {"userName": second, "sn": "Doe", "mail": second}});
    client.submit("registration", Some(&step), &user).ok();
    let came = world.client_token("acme", &Account::with_mail("owner", &second));
    world.signs_in(&came).refused(401);
    let (_, first) = client.goes_on("socialUserClaim", None, &json!({}));
    let (asked, _) = client.goes_on("socialUserClaim", Some(&first), &json!({ "clientToken": came }));
    assert_eq!(asked["requirements"]["required"], json!(["clientToken"]), "by the account that it was made with, or not at all");
}
