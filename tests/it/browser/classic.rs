//! The older client: modules by script tags, templates compiled while it runs, sign-in by `info/login`, `#passwordReset/&token=…` links.

use super::{classic, headers_to, link_for, somebody};
use crate::support::Person;
use crate::support::mailbox::mailbox;
use crate::support::people::{NEW_PASSWORD, PASSWORD, unused};

#[test]
fn a_newcomer_registers_with_the_older_client_and_is_signed_in() {
    let (server, profile) = (classic(), somebody());
    let name = unused("classic");
    let address = format!("{name}@example.test");
    let tab = profile.open(&format!("{}/#register/", server.url()));
    for (field, value) in [("userName", name.as_str()), ("givenName", "New"), ("sn", "Comer"), ("mail", &address), ("password", PASSWORD)] {
        tab.fill(&format!("#{field}"), value);
    }
    tab.click("#stageGo");
    tab.wait("document.querySelector('#mailed')");
    assert_eq!(tab.eval("window.lang"), "en");
    assert_eq!(tab.eval("getComputedStyle(document.body).color"), "rgb(1, 2, 3)");

    let second = profile.open(&link_for(server, 0, &address));
    assert_eq!(second.text("#who"), name);
    // The page of the first tab learns it by being loaded anew.
    tab.open(&format!("{}/?again#profile/", server.url()));
    assert_eq!(tab.text("#who"), name);
    second.click("#logout");
    second.wait("document.querySelector('#login')");
    tab.reload();
    tab.wait("document.querySelector('#login')");
    tab.is_content();
    second.is_content();
}

#[test]
fn a_reset_with_the_older_client_ends_with_the_new_password() {
    let (server, profile) = (classic(), somebody());
    let person = Person::create(server, "oldreset");
    let tab = profile.open(&format!("{}/#passwordReset/", server.url()));
    let mark = mailbox().mark();
    tab.fill("#mail", &person.mail);
    tab.click("#stageGo");
    tab.wait("document.querySelector('#mailed')");
    let second = somebody().open(&link_for(server, mark, &person.mail));
    second.fill("#password", NEW_PASSWORD);
    second.click("#stageGo");
    assert_eq!(second.text("#end"), "resetStage");
    assert!(server.signs_in(&person.name, NEW_PASSWORD));
    tab.is_content();
    second.is_content();
}

#[test]
fn a_profile_is_patched_by_revision_after_the_password_was_given_again() {
    let server = classic();
    let person = Person::create(server, "revised");
    let tab = somebody().open(&server.url());
    tab.fill("#user", &person.name);
    tab.fill("#password", "wrong");
    tab.click("#loginGo");
    tab.says("Login/password combination is invalid.");
    tab.fill("#user", &person.name);
    tab.fill("#password", PASSWORD);
    tab.click("#loginGo");
    assert_eq!(tab.text("#who"), person.name);
    tab.fill("#telephoneNumber", "555-0101");
    tab.click("#personalGo");
    tab.says("Profile has been updated");
    let matches = headers_to(&tab, &format!("managed/user/{}", person.id), "if-match");
    assert!(matches.iter().flatten().any(|value| value.starts_with('"')), "{matches:?}");

    tab.fill("#current", "wrong");
    tab.fill("#wanted", NEW_PASSWORD);
    tab.click("#secretGo");
    tab.says("Reauthentication failed");
    tab.fill("#current", PASSWORD);
    tab.click("#secretGo");
    tab.wait("[...document.querySelectorAll('#message')].filter(one => one.innerText.includes('has been updated')).length === 2");
    assert!(server.signs_in(&person.name, NEW_PASSWORD));

    // Somebody else changes the object: the client's revision is an old one, and it is told so.
    server
        .admin()
        .patch(&format!("managed/user/{}", person.id), &serde_json::json!([{ "operation": "replace", "field": "/sn", "value": "Other" }]))
        .ok();
    tab.fill("#telephoneNumber", "555-0102");
    tab.click("#personalGo");
    tab.says("412 ");
    tab.is_content();
}
