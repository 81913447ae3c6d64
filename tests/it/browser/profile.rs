//! The profile page (docs/protocol/clients.md, "Profile page").

use serde_json::{Value, json};

use super::{headers_to, modern, sign_in, signed_in, somebody};
use crate::support::Person;
use crate::support::people::{NEW_PASSWORD, PASSWORD};

#[test]
fn a_person_changes_details_password_and_questions() {
    let server = modern();
    let (person, profile) = (Person::create(server, "details"), somebody());
    let other = signed_in(server, &somebody(), &person.name, PASSWORD);
    let tab = signed_in(server, &profile, &person.name, PASSWORD);
    tab.click("#to-profile");
    tab.screen("profile");
    tab.fill("#personal-telephoneNumber", "555-0100");
    tab.click("#personal-go");
    tab.says("Updated your profile.");
    assert_eq!(tab.eval("window.probe.store.profile.telephoneNumber"), "555-0100");
    assert_eq!(person.read(server)["telephoneNumber"], "555-0100");
    // The bell has heard of it.
    tab.wait("Number(document.body.dataset.bell) > 0");

    tab.fill("#secret-currentPassword", "wr@ng pass");
    tab.fill("#secret-newPassword", NEW_PASSWORD);
    tab.click("#secret-go");
    tab.says("Reauthentication failed");
    tab.screen("profile");
    tab.fill("#secret-currentPassword", PASSWORD);
    tab.click("#secret-go");
    tab.wait("document.querySelectorAll('#toasts p').length === 3");
    assert!(server.signs_in(&person.name, NEW_PASSWORD));
    let sent = headers_to(&tab, &format!("managed/user/{}", person.id), "x-openidm-reauth-password");
    assert!(sent.contains(&Some("UTF-8''wr%40ng%20pass".to_owned())), "{sent:?}");

    tab.fill("#kba input", "Elm");
    tab.fill("#kba label:nth-of-type(2) input", "Oolong");
    tab.click("#kba-go");
    tab.says("Answers saved.");
    tab.reload();
    tab.screen("profile");
    // Elsewhere the old password's session has ended.
    other.screen("login");
    tab.is_content();
    other.is_content();
}

#[test]
fn a_download_is_a_file_and_a_deleted_account_is_signed_out() {
    let server = modern();
    let (person, profile) = (Person::create(server, "leaving"), somebody());
    let place = tempfile::Builder::new().prefix("vestibule-download-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let tab = signed_in(server, &profile, &person.name, PASSWORD);
    tab.open(&format!("{}/#/profile", server.url()));
    tab.screen("profile");
    tab.saves_to(place.path());
    tab.click("#download");
    let file: Value = serde_json::from_slice(&std::fs::read(tab.saved(place.path())).unwrap()).unwrap();
    assert_eq!((&file["userName"], &file["mail"]), (&json!(person.name), &json!(person.mail)));
    assert!(file.get("password").is_none() && file.get("kbaInfo").is_none(), "{file}");

    tab.click("#delete");
    tab.screen("login");
    sign_in(&tab, &person.name, PASSWORD);
    tab.says("Invalid username or password.");
    tab.is_content();
}
