//! Links of mails: opening one does nothing, the token leaves the address at once, and whatever is wrong with one is a page that says what to do.

use serde_json::json;

use super::{asked, project, server, visitor};
use crate::support::http::Request;
use crate::support::mailbox::mailbox;
use crate::support::people::{NEW_PASSWORD, PASSWORD, unused};
use crate::support::stages::{email_validation, reset_stage, user_query, with};
use crate::support::{Person, Server, Visitor};

#[test]
fn a_scanner_that_opens_a_link_and_sends_its_form_changes_nothing() {
    let person = Person::create(server(), "link");
    let (_, link, _) = asked(&person);
    for _ in 0..2 {
        let mut scanner = visitor();
        let path = link.split_once("://").unwrap().1;
        let path = &path[path.find('/').unwrap()..];
        assert_eq!(scanner.send(Request::new("HEAD", path)).status, 303);
        scanner.open(&link).is(200, "One step left");
        let form = scanner.page.form();
        scanner.send_form(&form, &[], None).is(200, "One step left");
    }
    let mut person_there = visitor();
    person_there.open(&link).is(200, "One step left");
    person_there.submit(&[], None).is(200, "Choose a new password");
    person_there.submit(&[("password", NEW_PASSWORD)], None).is(200, "Your password is changed");
    assert!(server().signs_in(&person.name, NEW_PASSWORD));
    let mut late = visitor();
    late.open(&link).is(410, "This is already done");
    late.page.link("Begin again");
}

#[test]
fn the_token_is_in_no_address_but_the_links_own_and_in_no_log() {
    let person = Person::create(server(), "link");
    let (_, link, _) = asked(&person);
    let token = link.split("token=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    for form in [link.clone(), link.replace("?&token", "?token"), link.replace("/selfservice/reset", "/reset")] {
        let mut there = visitor();
        there.open(&form).is(200, "One step left");
        assert!(there.page.way[1..].iter().all(|path| !path.contains(&token)), "{:?}", there.page.way);
        assert!(!there.page.html.contains(&token), "the page does not hold it either");
        assert_eq!(there.page.header("referrer-policy"), "no-referrer");
    }
    let mut there = visitor();
    there.open(&format!("/code?link=%23/passwordreset/%26token={token}")).is(200, "One step left");
    assert!(there.page.way[1..].iter().all(|path| !path.contains(&token)), "{:?}", there.page.way);
    assert!(!server().log().contains(&token[..60]), "the log holds no token");
}

#[test]
fn a_link_that_is_not_good_says_what_to_do() {
    let person = Person::create(server(), "link");
    let (_, link, _) = asked(&person);
    let token = link.split("token=").nth(1).unwrap().split('&').next().unwrap();
    let cut = &token[..token.len() - 20];
    for (path, heading) in [
        (format!("/reset?token={cut}&code=x"), "This link is not valid"),
        ("/reset?token=nonsense&code=x".to_owned(), "This link is not valid"),
        (format!("/registration?token={token}&code=x"), "This link is not valid"),
        (format!("/reset?token={}", "x".repeat(40_000)), "Please begin again"),
    ] {
        let mut there = visitor();
        there.open(&path).is(400, heading);
        let again = there.page.link(if heading == "This link is not valid" { "Send me a new link" } else { "Begin again" });
        there.open(&again).is(200, if path.starts_with("/registration") { "Create an account" } else { "Which account is it?" });
    }
    let mut swapped = visitor();
    swapped.open(&format!("/reset?token={token}&code=00000000-0000-4000-8000-000000000000")).is(200, "One step left");
    swapped.submit(&[], None).is(400, "One step left").says("This code is wrong or too old");
    assert!(swapped.page.html.contains("href=\"#f-code\"") && swapped.page.html.contains("aria-invalid=\"true\""), "{}", swapped.page.html);
    swapped.submit(&[], None).is(400, "One step left").says("Enter the code from the email");
}

/// The code stands last in a link, so it is what gets cut off.
#[test]
fn a_link_whose_code_is_cut_can_be_gone_on_with_by_another_mail_or_the_typed_code() {
    let person = Person::create(server(), "cut");
    let (_, link, code) = asked(&person);
    let mut there = visitor();
    there.open(&link[..link.len() - 4]).is(200, "One step left");
    there.submit(&[], None).is(400, "One step left").says("This code is wrong or too old");
    let mut other = there.clone();
    there.submit(&[("code", &code)], None).is(200, "Choose a new password");
    let mark = mailbox().mark();
    let again = other.page.forms().into_iter().find(|form| form.buttons.iter().any(|(name, _)| name == "again")).unwrap();
    other.send_form(&again, &[], Some(("again".into(), "yes".into()))).is(200, "Check your email").says("We have sent the email again");
    let (fresh, _) = super::mailed(mark, &person.mail);
    let mut last = visitor();
    last.open(&fresh).is(200, "One step left");
    last.submit(&[], None).is(200, "Choose a new password");
}

/// What a link brought, where a step is, and what a page was opened with are there after the sign-in.
#[test]
fn a_link_for_somebody_who_is_signed_in_works_on_a_device_where_they_are_not() {
    let form = json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": "mail" }] });
    let validation = with(email_validation(), "verificationLink", json!("&{vestibule.public.url}/selfservice/checked?"));
    let server = Server::on(project().process("checked", &[form, validation])).start();
    let person = Person::create(&server, "device");
    let mut here = Visitor::new(server.address());
    here.sign_in(&person.name, PASSWORD).is(200, "Hello Given");
    here.open("/selfservice/checked").is(200, "Complete your profile");
    let (mark, address) = (mailbox().mark(), format!("{}@new.example.test", unused("device")));
    here.submit(&[("attributes.mail", &address)], None).is(200, "Check your email");
    let (link, _) = super::mailed(mark, &address);
    for (link, signs_in) in [(link.clone(), true), (format!("/code?link=%23/profilecompletion/checked{}", encoded(&link)), false)] {
        let mut there = Visitor::new(server.address());
        there.open(&link).is(200, "Sign in");
        assert!(there.page.way[1..].iter().all(|path| !path.contains("token")), "{:?}", there.page.way);
        if signs_in {
            there.submit(&[("user", &person.name), ("password", PASSWORD)], None).is(200, "One step left");
            there.submit(&[], None).is(200, "Hello Given");
            assert_eq!(person.read(&server)["mail"], address.as_str());
        }
    }
}

/// The parameters of a link as they stand within another address.
fn encoded(link: &str) -> String {
    link.split_once('?').unwrap().1.replace('&', "%26").replace('=', "%3D")
}

#[test]
fn a_route_of_the_stock_client_leads_where_it_did() {
    let opened = |route: &str| {
        let mut there = visitor();
        there.open(&format!("/code?link={}", route.replace('#', "%23").replace('&', "%26")));
        (there.page.path.clone(), there.page.status)
    };
    for (route, path) in [
        ("#/passwordreset", "/selfservice/reset"),
        ("#/registration", "/selfservice/registration"),
        ("#/forgotUsername", "/selfservice/username"),
        ("#/login", "/sign-in"),
        ("#/list/managed/user", "/"),
    ] {
        assert_eq!(opened(route), (path.to_owned(), 200), "{route}");
    }
    assert_eq!(opened("#/profile").0, "/sign-in?to=%2Faccount%2Fprofile");
    // There is no process of that name here: the page says what to do, and its address has nothing of the link.
    assert_eq!(opened("#/profilecompletion/&token=T&code=C"), ("/code?unread=".to_owned(), 400));
}

#[test]
fn an_expired_link_says_so_and_offers_a_new_one() {
    let server = Server::on(project()).clock_stands().start();
    let person = Person::create(&server, "old");
    let mark = mailbox().mark();
    let mut here = Visitor::new(server.address());
    here.open("/reset");
    here.submit(&[("who", &person.name)], None).is(200, "Check your email");
    let (link, code) = super::mailed(mark, &person.mail);
    server.advance(301);
    here.submit(&[("code", &code)], None).is(410, "This link has expired");
    let mut there = Visitor::new(server.address());
    there.open(&link).is(410, "This link has expired");
    let again = there.page.link("Send me a new link");
    there.open(&again).is(200, "Which account is it?");
}

#[test]
fn a_link_without_its_code_asks_for_the_one_of_the_mail() {
    let person = Person::create(server(), "link");
    let (_, link, code) = asked(&person);
    let mut there = visitor();
    there.open(link.split("&code").next().unwrap()).is(200, "One step left").says("The link contains no code");
    there.submit(&[("code", &code)], None).is(200, "Choose a new password");
}

#[test]
fn a_pasted_link_of_the_stock_client_leads_to_its_page() {
    let person = Person::create(server(), "link");
    let (_, link, _) = asked(&person);
    let parameters = link.split_once('?').unwrap().1;
    let mut there = visitor();
    there.open("/code").is(200, "The link from an email");
    there.submit(&[("link", "12345678")], None).is(400, "The link from an email").says("This is not a link from one of our emails");
    let stale = crate::support::visitor::Form { fields: Vec::new(), ..there.page.form() };
    there.send_form(&stale, &[("link", "https://id.example.test/#/x")], None).is(403, "The link from an email").says("open for too long");
    assert!(there.page.html.contains("https://id.example.test/#/x"), "what was pasted is there");
    there.submit(&[("link", &format!("https://id.example.test/#/passwordreset/{parameters}"))], None).is(200, "One step left");
    there.submit(&[], None).is(200, "Choose a new password");
}

#[test]
fn back_reload_and_a_double_click_are_harmless() {
    let person = Person::create(server(), "link");
    let (mut here, _, code) = asked(&person);
    let waiting = here.page.path.clone();
    here.submit(&[("code", &code)], None).is(200, "Choose a new password");
    let choosing = here.page.path.clone();
    here.open(&waiting).is(200, "Check your email");
    here.submit(&[("code", &code)], None).is(200, "Choose a new password");
    here.open(&choosing).is(200, "Choose a new password");
    let form = here.page.form();
    let mut other_tab = here.clone();
    let first = std::thread::spawn({
        let form = form.clone();
        move || other_tab.send_form(&form, &[("password", NEW_PASSWORD)], None).heading()
    });
    let second = here.send_form(&form, &[("password", NEW_PASSWORD)], None).heading();
    assert_eq!((first.join().unwrap().as_str(), second.as_str()), ("Your password is changed", "Your password is changed"));
    here.open(&choosing).is(410, "This is already done");
    let mut stranger = visitor();
    stranger.open(&choosing).is(400, "Please begin again");
}

#[test]
fn the_mail_can_be_asked_for_again() {
    let person = Person::create(server(), "link");
    let (mut here, _, code) = asked(&person);
    let mark = mailbox().mark();
    let form = here.page.forms().into_iter().find(|form| form.buttons.iter().any(|(name, _)| name == "again")).unwrap();
    here.send_form(&form, &[], Some(("again".into(), "yes".into()))).is(200, "Check your email").says("We have sent the email again");
    let (_, again) = super::mailed(mark, &person.mail);
    assert_eq!(again, code, "of several mails each is good");
    here.submit(&[("code", &again)], None).is(200, "Choose a new password");
}

#[test]
fn whoever_is_signed_in_is_asked_to_sign_out_first() {
    let person = Person::create(server(), "link");
    let (_, link, _) = asked(&person);
    let mut there = visitor();
    there.sign_in(&person.name, PASSWORD);
    there.open("/registration").is(200, "You are signed in");
    there.open(&link).is(200, "You are signed in").says("Change your password");
    there.submit(&[], None).is(200, "One step left");
    there.submit(&[], None).is(200, "Choose a new password");
    // A process of another name is for the same people.
    let server = Server::on(project().process("recover", &[user_query(), email_validation(), reset_stage()])).start();
    let person = Person::create(&server, "other");
    let mut here = Visitor::new(server.address());
    here.sign_in(&person.name, PASSWORD).is(200, "Hello Given");
    here.open("/selfservice/recover").is(200, "You are signed in");
}
