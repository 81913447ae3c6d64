//! Every usual way from its first page to its last.

use super::{asked, mailed, server, visitor};
use crate::support::mailbox::mailbox;
use crate::support::people::{NEW_PASSWORD, PASSWORD, unused};
use crate::support::{Person, Server, Visitor};
use serde_json::json;

#[test]
fn a_new_person_registers_on_one_device_confirms_on_another_and_is_signed_in() {
    let (name, mark) = (unused("page"), mailbox().mark());
    let mail = format!("{name}@example.test");
    let mut here = visitor();
    here.open("/").is(200, "Welcome");
    let link = here.page.link("Create an account");
    here.open(&link).is(200, "Create an account");
    here.submit(
        &[
            ("user.userName", &name),
            ("user.givenName", "<b>Jo"),
            ("user.sn", "D'Or"),
            ("user.mail", &mail),
            ("password", PASSWORD),
            ("preferences.updates", "true"),
        ],
        None,
    );
    here.page.is(200, "Our terms").says("Be kind");
    assert!(here.page.html.contains("<p>Be <b>kind</b></p>") && !here.page.html.contains("<script>x"), "terms are shown without what acts");
    here.submit(&[], None).is(400, "Our terms").says("Tick the box to continue");
    here.submit(&[("accept", "true")], None).is(200, "Check your email");
    let (link, _) = mailed(mark, &mail);

    let mut there = visitor();
    there.open(&link).is(200, "One step left");
    assert!(there.page.path.starts_with("/selfservice/registration?at=") && !there.page.path.contains("token"), "{}", there.page.path);
    there.submit(&[], None).is(200, "Hello <b>Jo").says("Sign out");
    assert!(there.cookies.contains_key("session-jwt"));
    let stored = server().admin().get(&format!("managed/user?_queryFilter=userName+eq+%22{name}%22")).ok();
    assert_eq!(stored["result"][0]["preferences"]["updates"], json!(true), "{stored}");
    assert!(server().signs_in(&name, PASSWORD));

    let path = here.page.path.clone();
    here.open(&path).is(410, "This is already done");
    there.send_form(&sign_out(&there), &[], None).is(200, "Sign in").says("You have signed out");
    there.open("/account").is(200, "Sign in");
}

/// The form at the top of a page.
fn sign_out(visitor: &Visitor) -> crate::support::visitor::Form {
    let token = visitor.page.html.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    crate::support::visitor::Form { action: "/sign-out".into(), fields: vec![("form_token".into(), token)], ..Default::default() }
}

#[test]
fn a_forgotten_password_is_replaced_with_the_typed_code() {
    let person = Person::create(server(), "page");
    let (mut here, _, code) = asked(&person);
    here.submit(&[("code", "00000000")], None).is(400, "Check your email").says("This code is wrong or too old");
    assert!(here.page.html.starts_with("<!DOCTYPE html>") && here.page.html.contains("<title>Error: "), "{}", here.page.html);
    here.submit(&[("code", &code)], None).is(200, "Choose a new password").says("At least 8 characters");
    here.submit(&[("password", "weak")], None).is(400, "Choose a new password").says("There is a problem");
    here.submit(&[("password", NEW_PASSWORD)], None).is(200, "Your password is changed");
    assert!(!server().signs_in(&person.name, PASSWORD) && server().signs_in(&person.name, NEW_PASSWORD));
    here.sign_in(&person.name, PASSWORD).is(401, "Sign in").says("The user name or the password is wrong");
    assert!(here.page.html.contains(&format!("value=\"{}\"", person.name)), "the name is there still");
    here.submit(&[("password", NEW_PASSWORD)], None).is(200, "Hello Given");
}

#[test]
fn a_forgotten_user_name_is_found() {
    let person = Person::create(server(), "page");
    let mut here = visitor();
    here.open("/username").is(200, "Which account is it?");
    here.submit(&[("who", &person.mail)], None).is(200, "Your user name").says(&person.name);
}

#[test]
fn nobody_learns_who_has_an_account() {
    let person = Person::create(server(), "page");
    let answer = |who: &str| {
        let mut here = visitor();
        here.open("/reset");
        here.submit(&[("who", who)], None);
        let shown = here.page.text();
        (here.page.status, shown)
    };
    assert_eq!(answer(&person.name), answer("nobody-of-this-name"));
}

#[test]
fn what_is_due_is_done_in_pages_before_anything_else() {
    let person = Person::with(server(), "owing", &json!({ "city": "Owing" }));
    let mut here = visitor();
    here.sign_in(&person.name, PASSWORD).says("one thing needs your attention");
    for path in ["/account/profile", "/account/password", "/account/sessions"] {
        here.open(path).says("one thing needs your attention");
    }
    let link = here.page.link("Home");
    here.open(&link).is(200, "Where do you live?").says("We ask once");
    here.submit(&[("attributes.city", "")], None).is(400, "Where do you live?").says("Fill this in");
    here.submit(&[("attributes.city", "Ulm")], None).is(200, "Hello Given");
    assert_eq!(person.read(server())["city"], "Ulm");
    here.open("/account/profile").is(200, "Profile").says("Ulm");
}

#[test]
fn the_first_minutes_of_a_newcomer_are_in_the_browser() {
    let server = Server::default_project().start();
    let mut here = Visitor::new(server.address());
    here.open("/registration").is(200, "Create an account");
    let name = unused("newcomer");
    let mail = format!("{name}@example.test");
    here.submit(
        &[
            ("user.userName", &name),
            ("user.givenName", "Jo"),
            ("user.sn", "Do"),
            ("user.mail", &mail),
            ("password", PASSWORD),
            ("accept", "true"),
            ("kba.0.question", "1"),
            ("kba.0.answer", "Rex"),
            ("kba.1.question", "own"),
            ("kba.1.own", "Which tea?"),
            ("kba.1.answer", "Assam"),
        ],
        None,
    )
    .is(200, "Check your email");
    let mails = server.nobody().with("Accept", "application/json").get(&server.mail_page()).ok();
    let body = mails["result"][0]["body"].as_str().unwrap().replace("&amp;", "&");
    let link: String = body[body.find("http").unwrap()..].chars().take_while(|letter| *letter != '"').collect();
    assert!(link.contains("/selfservice/registration?&token="), "{link}");
    here.open(&link).is(200, "One step left");
    here.submit(&[], None).is(200, "Hello Jo");
    here.open("/account/questions").is(200, "Your security questions");
}
