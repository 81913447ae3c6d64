//! Showing that an account is one's own by a code that is mailed to its address, without scripts.

use serde_json::json;

use super::{away, back, claimed_by_mail, links, ours, project};
use crate::support::identity_provider::{Account, IdentityProvider};
use crate::support::mailbox::mailbox;
use crate::support::people::{PASSWORD, digits_of};
use crate::support::visitor::Page;
use crate::support::{Person, Server, Visitor};

/// A server whose claim takes a code.
fn world() -> (IdentityProvider, Server) {
    let acme = IdentityProvider::start();
    let files = claimed_by_mail(project(&[ours(acme.file("acme"))]));
    let server = Server::on(files).start();
    (acme, server)
}

/// The page that asks somebody who comes with this account.
fn comes<'v>(here: &'v mut Visitor, acme: &IdentityProvider, account: &Account) -> &'v mut Visitor {
    here.open("/sign-in");
    let url = away(here, "/sign-in/acme");
    here.open(&back(&acme.answer(&url, account)));
    here
}

/// Presses the button of the form that has no field.
#[track_caller]
fn press<'v>(here: &'v mut Visitor, name: &str) -> &'v Page {
    let form = here.page.forms().into_iter().find(|form| form.buttons.iter().any(|(known, _)| known == name));
    here.send_form(&form.unwrap_or_else(|| panic!("no button {name}: {}", here.page.html)), &[], Some((name.to_owned(), "yes".to_owned())))
}

#[test]
fn an_account_is_claimed_by_a_code_without_scripts() {
    let (acme, server) = world();
    let person = Person::create(&server, "by-code");
    let account = Account::with_mail("by-code", &person.mail);
    let mut here = Visitor::new(server.address());
    comes(&mut here, &acme, &account).page.is(200, "You already have an account").says("Or show that it is yours with a code");
    let mark = mailbox().mark();
    press(&mut here, "sendCode").is(200, "Check your email").says("an email to the address of the account");
    let mail = mailbox().after(mark, &person.mail);
    assert!(mail.body.contains("Someone who signed in with Acme & Co wants"), "{}", mail.body);
    assert!(here.page.path.starts_with("/selfservice/socialUserClaim?at="), "{}", here.page.path);
    here.submit(&[("code", "00000000")], None).is(400, "Check your email").says("This code is wrong or too old");
    assert!(links(&server, &person.id).is_empty());
    let mark = mailbox().mark();
    press(&mut here, "again").is(200, "Check your email").says("We have sent the email again");
    let code = digits_of(&mailbox().after(mark, &person.mail).body);
    here.submit(&[("code", &code)], None).is(200, "Hello Given");
    assert_eq!(links(&server, &person.id).len(), 1);
    assert!(server.signs_in(&person.name, PASSWORD));
}

#[test]
fn who_has_no_password_is_asked_for_none() {
    let (acme, server) = world();
    let person = Person::create(&server, "keyless");
    server.admin().patch(&format!("managed/user/{}", person.id), &json!([{"operation": "remove", "field": "/password"}])).ok();
    let account = Account::with_mail("keyless", &person.mail);
    let mut here = Visitor::new(server.address());
    let page = comes(&mut here, &acme, &account).page.is(200, "You already have an account").clone();
    assert!(!page.text().contains("password") && page.forms().len() == 1, "{}", page.html);
    let mark = mailbox().mark();
    press(&mut here, "sendCode").is(200, "Check your email");
    let code = digits_of(&mailbox().after(mark, &person.mail).body);
    here.submit(&[("code", &code)], None).is(200, "Hello Given");
    assert_eq!(links(&server, &person.id).len(), 1);
}

#[test]
fn where_the_project_does_not_say_so_there_is_no_button_and_a_form_that_is_made_up_sends_nothing() {
    let (acme, server) = super::world();
    let person = Person::create(&server, "no-code");
    let mut here = Visitor::new(server.address());
    let page = comes(&mut here, &acme, &Account::with_mail("no-code", &person.mail)).page.is(200, "You already have an account").clone();
    assert!(!page.html.contains("sendCode"));
    let mark = mailbox().mark();
    here.send_form(&page.form(), &[("password", PASSWORD), ("sendCode", "yes")], None).is(200, "Hello Given");
    assert_eq!(mailbox().count(mark, &person.mail), 0);
}
