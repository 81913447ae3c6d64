//! What a provider says of a person: addresses, names, subjects.

use serde_json::{Value, json};

use super::super::unbind;
use super::Attempt;
use crate::support::Person;
use crate::support::identity_provider::{Account, Forged};
use crate::support::mailbox::mailbox;
use crate::support::people::{PASSWORD, unused};

/// Somebody at the other provider has the victim's address, of which it says this.
fn comes_with_the_address(attempt: &Attempt, said: &Value) {
    let (world, client) = (attempt.world, attempt.world.server.anonymous());
    let claims = json!({"email": attempt.victim.mail, "email_verified": said});
    let account = Account::with_mail("same", &attempt.victim.mail);
    world.other.forges(&account, Forged { claims: claims.clone(), ..Forged::default() });
    let token = world.client_token("other", &account);
    attempt.denied(&world.signs_in(&token));
    let (asked, step) = attempt.claims(&token);
    assert_eq!((&asked["tag"], &asked["requirements"]["required"]), (&json!("verifyProfile"), &json!(["password"])));
    let second = Account::with_mail("second", &attempt.victim.mail);
    world.acme.forges(&second, Forged { claims, ..Forged::default() });
    let own = attempt.own("acme");
    for proof in [
        json!({}),
        json!({"clientToken": token}),
        json!({"clientToken": token, "password": ""}),
        json!({"clientToken": token, "password": "Wr0ngPassword!"}),
        json!({"password": [PASSWORD]}),
        json!({"clientToken": world.client_token("acme", &own)}),
        json!({"clientToken": world.client_token("acme", &second)}),
    ] {
        let answer = client.submit("socialUserClaim", Some(&step), &proof);
        assert!(answer.status != 200 || answer.json()["tag"] == "verifyProfile", "{proof}: {}", answer.text());
        attempt.untouched();
    }
    attempt.denied(&world.signs_in(&token));
}

pub(super) fn unverified_mail(attempt: &mut Attempt) {
    comes_with_the_address(attempt, &json!(false));
}

pub(super) fn mail_verified_of_another_account(attempt: &mut Attempt) {
    comes_with_the_address(attempt, &json!(true));
}

pub(super) fn mail_verified_as_a_text(attempt: &mut Attempt) {
    comes_with_the_address(attempt, &json!("true"));
}

pub(super) fn mail_of_an_account_at_another_provider(attempt: &mut Attempt) {
    let same = Account::with_mail("same", &attempt.account.mail);
    let token = attempt.world.client_token("other", &same);
    attempt.denied(&attempt.world.signs_in(&token));
    let end = attempt.world.server.anonymous().submit("socialUserClaim", None, &json!({ "clientToken": token })).ok();
    assert_eq!(end["additions"]["oauthLogin"], json!(false), "the address of an account elsewhere is nobody's here: {end}");
}

pub(super) fn subject_of_an_account_at_another_provider(attempt: &mut Attempt) {
    let same = attempt.account.clone();
    attempt.denied(&attempt.world.signs_in(&attempt.world.client_token("other", &same)));
}

pub(super) fn changed_mail_at_the_provider(attempt: &mut Attempt) {
    let own = attempt.own("other");
    let renamed = Account { mail: attempt.victim.mail.clone(), ..own };
    let token = attempt.world.client_token("other", &renamed);
    let end = attempt.world.server.anonymous().submit("socialUserClaim", None, &json!({ "clientToken": token })).ok();
    assert_eq!(end["additions"]["oauthLogin"], json!(true), "it is the attacker's, and claims nothing: {end}");
    let answer = attempt.world.signs_in(&token).ok();
    assert_eq!(answer["authorization"]["id"], json!(attempt.attacker.id), "the account is still its owner's");
}

pub(super) fn recycled_subject(attempt: &mut Attempt) {
    let session = attempt.session(&attempt.victim);
    unbind(&session, &attempt.victim, "acme").ok();
    attempt.is_as_now();
    attempt.ways.1 = false;
    let recycled = Account { mail: attempt.victim.mail.clone(), ..attempt.account.clone() };
    let token = attempt.world.client_token("acme", &recycled);
    attempt.denied(&attempt.world.signs_in(&token));
    let (asked, _) = attempt.claims(&token);
    assert_eq!(asked["requirements"]["required"], json!(["password"]));
}

pub(super) fn subject_spelled_otherwise(attempt: &mut Attempt) {
    let own = &attempt.account.subject;
    for subject in [own.to_uppercase(), format!("{own} "), format!("{own}%00"), format!("../user/{}", attempt.victim.id)] {
        let other = Account { subject: subject.clone(), mail: attempt.victim.mail.clone() };
        let (url, kept) = attempt.world.sent("acme");
        let answer = attempt.world.back(&kept, &attempt.world.acme.answer(&url, &other));
        if answer.status == 200 {
            attempt.denied(&attempt.world.signs_in(answer.json()["token"].as_str().unwrap()));
        } else {
            attempt.denied(&answer);
        }
    }
}

/// The owner of an address comes with a provider, and is not led into the account of whoever was there before them.
fn owner_comes(attempt: &Attempt, early: &str, mail: &str, proof: &str) {
    let came = attempt.world.client_token("acme", &Account::with_mail("owner", mail));
    attempt.denied(&attempt.world.signs_in(&came));
    let (asked, _) = attempt.claims(&came);
    assert_eq!(asked["requirements"]["required"], json!([proof]), "by what it was made with, or not at all");
    let links = attempt.world.server.admin().get(&format!("managed/user/{early}?_fields=idps/*")).ok();
    assert!(!links.to_string().contains("managed/acme"), "{links}");
}

pub(super) fn registered_before_with_a_password(attempt: &mut Attempt) {
    let mail = format!("{}@example.test", unused("early"));
    let early = Person::with(&attempt.world.server, "early", &json!({ "mail": mail }));
    owner_comes(attempt, &early.id, &mail, "password");
}

pub(super) fn registered_before_with_a_provider(attempt: &mut Attempt) {
    let client = attempt.world.server.anonymous();
    let squats = Account::new("squats");
    let theirs = attempt.world.client_token("other", &squats);
    let (_, step) = client.goes_on("registration", None, &json!({"clientToken": theirs, "oauthRegister": "true"}));
    let mail = format!("{}@example.test", unused("squat"));
    client.submit("registration", Some(&step), &json!({"user": {"userName": mail, "sn": "Doe", "mail": mail}})).ok();
    let early = attempt.world.signs_in(&theirs).ok()["authorization"]["id"].as_str().unwrap().to_owned();
    owner_comes(attempt, &early, &mail, "clientToken");
}

pub(super) fn registering_with_the_victims_address(attempt: &mut Attempt) {
    let client = attempt.world.server.anonymous();
    let account = Account::with_mail("same", &attempt.victim.mail);
    attempt
        .world
        .other
        .forges(&account, Forged { claims: json!({"email": attempt.victim.mail, "email_verified": true}), ..Forged::default() });
    let token = attempt.world.client_token("other", &account);
    let (_, step) = client.goes_on("registration", None, &json!({"clientToken": token, "oauthRegister": "true"}));
    let taken = json!({"user": {"userName": attempt.victim.name, "sn": "Doe"}});
    attempt.denied(&client.submit("registration", Some(&step), &taken));
    let answer = client.submit("registration", Some(&step), &json!({"user": {"userName": account.subject, "sn": "Doe"}}));
    attempt.untouched();
    if answer.status == 200 {
        let id = attempt.world.signs_in(&token).ok()["authorization"]["id"].clone();
        assert_ne!(id, json!(attempt.victim.id), "it is somebody else who was made");
    }
}

pub(super) fn wrong_passwords_at_a_claim(attempt: &mut Attempt) {
    let client = attempt.world.server.anonymous();
    let token = attempt.world.client_token("other", &Account::with_mail("guesses", &attempt.victim.mail));
    let guess = |step: &str, password: &str| {
        let asked = client.goes_on("socialUserClaim", Some(step), &json!({"clientToken": token, "password": password})).0;
        assert_eq!(asked["requirements"]["error"]["message"], json!("The password is wrong"), "{password}");
        attempt.untouched();
    };
    // Five of an instance, twenty of an account in a day; then the right one comes too late.
    for _ in 0..4 {
        let (_, step) = attempt.claims(&token);
        (0..5).for_each(|_| guess(&step, "Wr0ngPassword!"));
        guess(&step, PASSWORD);
    }
    let (_, step) = attempt.claims(&token);
    guess(&step, PASSWORD);
}

pub(super) fn mailed_code_of_a_claim(attempt: &mut Attempt) {
    let client = attempt.world.server.anonymous();
    // They call themselves by the victim's name, and tell an address of their own.
    let account = Account::new("mailbox");
    attempt.world.other.forges(&account, Forged { claims: json!({"given_name": attempt.victim.name}), ..Forged::default() });
    let token = attempt.world.client_token("other", &account);
    let mark = mailbox().mark();
    let (asked, step) = attempt.claims(&token);
    assert_eq!(asked["tag"], json!("verifyProfile"));
    let (asked, step) = client.goes_on("socialUserClaim", Some(&step), &json!({"sendCode": true}));
    assert_eq!(asked["tag"], json!("validateCode"));
    mailbox().after(mark, &attempt.victim.mail);
    assert_eq!(mailbox().count(mark, &account.mail), 0, "no code goes to an address that a provider tells");
    for _ in 0..6 {
        attempt.denied(&client.submit("socialUserClaim", Some(&step), &json!({"code": "00000000"})));
    }
    attempt.denied(&attempt.world.signs_in(&token));
}
