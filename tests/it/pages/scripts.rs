//! What scripts add, in a real browser.

use super::{asked, server};
use crate::support::Person;
use crate::support::browser::browser;
use crate::support::people::{NEW_PASSWORD, PASSWORD};

#[test]
fn a_link_of_a_mail_from_before_arrives_at_its_page() {
    let person = Person::create(server(), "script");
    let (_, link, _) = asked(&person);
    let parameters = link.split_once('?').unwrap().1;
    let tab = browser().profile().open(&format!("{}/#/passwordreset/{parameters}", server().url()));
    tab.says("One step left");
    let address = tab.eval("location.href");
    assert!(!address.as_str().unwrap().contains("token"), "{address}");
    tab.click("main button");
    tab.says("Choose a new password");
    tab.fill("#f-password", "weak");
    tab.wait("document.querySelectorAll('[data-rule].met').length === 0");
    tab.fill("#f-password", NEW_PASSWORD);
    tab.wait("[...document.querySelectorAll('[data-rule]')].every(rule => rule.classList.contains('met') || rule.querySelector('small'))");
    tab.click(".password button");
    tab.wait("document.querySelector('#f-password').type === 'text'");
    tab.double_click("main form button:not([type=button])");
    tab.says("Your password is changed");
    assert!(server().signs_in(&person.name, NEW_PASSWORD));
    tab.is_content();
}

#[test]
fn back_and_reload_show_what_was_there() {
    let person = Person::create(server(), "script");
    let tab = browser().profile().open(&format!("{}/sign-in", server().url()));
    tab.says("Sign in");
    tab.fill("#f-user", &person.name);
    tab.fill("#f-password", "wrong");
    tab.click("main button:not([type=button])");
    tab.says("The user name or the password is wrong");
    assert_eq!(tab.eval("document.querySelector('#f-user').value"), person.name.as_str());
    assert_eq!(tab.eval("document.activeElement.id"), "problems");
    tab.reload();
    assert_eq!(tab.eval("document.querySelector('#f-user').value"), person.name.as_str());
    tab.fill("#f-password", PASSWORD);
    tab.click("main button:not([type=button])");
    tab.says("Hello Given");
    tab.go(-1);
    tab.says("Hello Given");
}

#[test]
fn the_first_browser_notices_what_another_completed() {
    let person = Person::create(server(), "script");
    let here = browser().profile().open(&format!("{}/reset", server().url()));
    let mark = crate::support::mailbox().mark();
    here.fill("#f-who", &person.name);
    here.click("main button");
    here.says("Check your email");
    let (link, _) = super::mailed(mark, &person.mail);
    let mut there = super::visitor();
    there.open(&link);
    there.submit(&[], None);
    there.submit(&[("password", NEW_PASSWORD)], None).is(200, "Your password is changed");
    here.says("This is already done");
}
