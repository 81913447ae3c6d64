//! Whoever registered with a provider has no password. Before they change what they could be locked out by they show there once more that it is them,
//! and a session that was found open shows nothing (SEC-20).

use serde_json::json;

use super::{away, back, links, pressed};
use crate::support::identity_provider::{Account, IdentityProvider};
use crate::support::people::PASSWORD;
use crate::support::visitor::Form;
use crate::support::{Person, Server, Visitor};

/// A word that no policy minds.
const NEW: &str = "Brand9newAndLong";
/// Where the ways to a provider are, and nothing to be typed.
const CLOSED: &str = "Your account has no password. Show once more that it is you";

/// Somebody without a password, signed in with their account at the provider.
fn keyless(acme: &IdentityProvider, server: &Server) -> (Person, Account, Visitor) {
    let person = Person::create(server, "keyless");
    let account = Account::new("keyless");
    let mut here = Visitor::new(server.address());
    here.sign_in(&person.name, PASSWORD).is(200, "Hello Given");
    let url = away(&mut here, "/sign-in/acme?for=link");
    here.open(&back(&acme.answer(&url, &account)));
    here.submit(&[], None).is(200, "Accounts elsewhere");
    server.admin().patch(&format!("managed/user/{}", person.id), &json!([{"operation": "remove", "field": "/password"}])).ok();
    (person, Account { subject: account.subject.clone(), mail: account.mail.clone() }, enters(acme, server, &account))
}

/// A browser in which the owner of an account at the provider has signed in.
fn enters(acme: &IdentityProvider, server: &Server, account: &Account) -> Visitor {
    let mut here = Visitor::new(server.address());
    here.open("/sign-in");
    let url = pressed(&mut here, "Continue with Acme & Co");
    here.open(&back(&acme.answer(&url, account))).is(200, "Hello Given");
    here
}

/// A form that the page does not show.
fn made_up(here: &Visitor, what: &str, more: &[(&str, &str)]) -> Form {
    let token = here.page.html.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut fields = vec![("form_token".to_owned(), token.to_owned())];
    fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Form { action: format!("/account/{what}"), fields, ..Form::default() }
}

/// Goes to the provider by the page's button, as this account, and comes back.
fn confirms<'v>(here: &'v mut Visitor, acme: &IdentityProvider, account: &Account) -> &'v mut Visitor {
    let url = pressed(here, "Confirm with Acme & Co");
    assert!(url.contains("max_age=0"), "a session there does not do: {url}");
    here.open(&back(&acme.answer(&url, account)));
    here
}

#[test]
fn sec_20_who_has_no_password_sets_one_after_a_way_to_their_provider() {
    let (acme, server) = super::world();
    let (person, account, mut here) = keyless(&acme, &server);
    here.open("/account/profile").says("Set a password");
    for (what, heading) in [("password", "Set a password"), ("mail", "Your email address")] {
        here.open(&format!("/account/{what}")).is(200, heading).says(CLOSED);
        assert!(here.page.forms().is_empty(), "{}", here.page.html);
        for current in ["", PASSWORD] {
            let form = made_up(&here, what, &[("form_current", current), ("password", NEW), ("mail", "new@elsewhere.example.test")]);
            here.send_form(&form, &[], None).is(403, heading).says("Show first that it is you").says(CLOSED);
        }
    }
    assert!(!server.signs_in(&person.name, NEW));
    here.open("/account/password");
    confirms(&mut here, &acme, &account).page.is(200, "Set a password").says("You have shown that it is you");
    assert_eq!(here.page.path, "/account/password", "the code of the provider is in no address that stays");
    assert!(!here.page.form().controls.contains_key("form_current"));
    here.submit(&[("password", "short")], None).is(400, "Set a password");
    here.submit(&[("password", NEW)], None).is(200, "Profile").says("Change your password");
    assert!(server.signs_in(&person.name, NEW));
    // Whoever has a password gives that.
    here.open("/account/mail").is(200, "Your email address");
    assert!(here.page.form().controls.contains_key("form_current"), "{}", here.page.html);
    let form = made_up(&here, "mail", &[("mail", "new@elsewhere.example.test")]);
    here.send_form(&form, &[], None).is(400, "Your email address").says("Enter a password");
    // And now they can do without the provider.
    here.open("/account/providers");
    here.submit(&[], Some("unlink")).is(200, "Accounts elsewhere").says("is no longer linked");
    assert!(links(&server, &person.id).is_empty());
}

#[test]
fn sec_20_only_a_fresh_way_to_the_linked_account_on_this_session_counts_and_not_for_long() {
    let (acme, server) = super::world();
    let (person, account, mut here) = keyless(&acme, &server);
    let is_closed = |here: &mut Visitor| {
        let page = here.open("/account/password").is(200, "Set a password").says(CLOSED).clone();
        assert!(page.forms().is_empty(), "{}", page.html);
    };
    is_closed(&mut here);
    // Another account at the same provider.
    confirms(&mut here, &acme, &Account::new("other")).page.says("This account at Acme & Co is not linked to yours").says(CLOSED);
    is_closed(&mut here);
    // One who was signed in there long ago.
    acme.claims(&json!({"auth_time": 1}));
    confirms(&mut here, &acme, &account).page.is(200, "Set a password").says("could not be verified");
    acme.claims(&json!({}));
    is_closed(&mut here);
    // Whose session it is counts, and whose browser.
    confirms(&mut here, &acme, &account).page.says("You have shown that it is you");
    let mut there = enters(&acme, &server, &account);
    there.cookies.insert("vestibule-confirmed".to_owned(), here.cookies["vestibule-confirmed"].clone());
    is_closed(&mut there);
    let stranger = Person::create(&server, "stranger");
    let mut other = Visitor::new(server.address());
    other.sign_in(&stranger.name, PASSWORD);
    other.cookies.insert("vestibule-confirmed".to_owned(), here.cookies["vestibule-confirmed"].clone());
    other.open("/account/password").is(200, "Change your password");
    let form = made_up(&other, "password", &[("password", NEW)]);
    other.send_form(&form, &[], None).is(400, "Change your password");
    // It is over after five minutes, whatever the browser keeps.
    here.open("/account/password").says("You have shown that it is you");
    server.advance(301);
    is_closed(&mut here);
    let form = made_up(&here, "password", &[("password", NEW)]);
    here.send_form(&form, &[], None).is(403, "Set a password");
    assert!(!server.signs_in(&person.name, NEW) && !server.signs_in(&stranger.name, NEW));
    // Nobody is sent to confirm who is not signed in.
    Visitor::new(server.address()).open("/sign-in/acme?for=confirm&what=mail").is(200, "Sign in");
}

#[test]
fn who_has_no_password_changes_their_address_after_a_way_to_their_provider() {
    let (acme, server) = super::world();
    let (person, account, mut here) = keyless(&acme, &server);
    here.open("/account/mail").says(CLOSED);
    confirms(&mut here, &acme, &account).page.is(200, "Your email address").says("You have shown that it is you");
    let mail = format!("{}.new@elsewhere.example.test", person.name);
    here.submit(&[("mail", &mail)], None).is(200, "Profile");
    here.open("/account/mail").is(200, "Your email address");
    let waits = here.page.html.contains("name=\"code\"");
    let stored = server.admin().get(&format!("managed/user/{}", person.id)).ok()["mail"].clone();
    assert!(waits || stored == json!(mail), "{stored}: {}", here.page.html);
    assert!(!here.page.html.contains("form_current"), "nobody is asked for what they have not: {}", here.page.html);
}

/// Whoever does not know the password of the account that they seem to have goes on another way.
#[test]
fn the_page_of_a_claim_leads_on() {
    let acme = IdentityProvider::start();
    let reset = [
        json!({"name": "userQuery", "validQueryFields": ["userName", "mail"], "identityIdField": "_id", "identityEmailField": "mail",
            "identityUsernameField": "userName", "identityServiceUrl": "managed/user"}),
        json!({"name": "emailValidation", "identityEmailField": "mail", "emailServiceUrl": "external/email", "from": "a@example.test", "subjectTranslations": {"en": "x"},
            "messageTranslations": {"en": "<a href=\"%link%\">x</a>"}, "verificationLinkToken": "%link%", "verificationLink": "http://localhost:8099/reset?"}),
        json!({"name": "resetStage", "identityServiceUrl": "managed/user", "identityPasswordField": "password"}),
    ];
    let files = super::project(&[super::ours(acme.file("acme"))]);
    let with = Server::on(files.process("reset", &reset)).start();
    let without = Server::on(super::project(&[super::ours(acme.file("acme"))])).start();
    for (server, resets) in [(&with, true), (&without, false)] {
        let person = Person::create(server, "forgot");
        let mut here = Visitor::new(server.address());
        here.open("/sign-in");
        let url = pressed(&mut here, "Continue with Acme & Co");
        here.open(&back(&acme.answer(&url, &Account::with_mail("forgot", &person.mail)))).is(200, "You already have an account");
        let main = here.page.html.split("<main").nth(1).unwrap().split("</main>").next().unwrap().to_owned();
        assert_eq!(main.contains("href=\"/reset\""), resets, "{main}");
        assert!(main.contains("href=\"/sign-in\"") && main.contains("href=\"/registration\""), "{main}");
    }
}
