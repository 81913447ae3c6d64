//! What can be done in the console is done over REST too: a table with both ways of each. A form that has no row is a failure.

use std::collections::BTreeSet;

use serde_json::json;

use super::console::{CONSOLE, operator};
use crate::support::mailbox::mailbox;
use crate::support::people::{PASSWORD, unused};
use crate::support::visitor::Form;
use crate::support::{Person, Project, Server, Visitor};
use crate::world::reset_by_mail;

/// Which way something is done.
#[derive(Clone, Copy, Debug)]
enum Way {
    Console,
    Rest,
}

/// What is done, and whether it came of it.
type Does = fn(&Server, Way);

/// Every action: the part of the console, the button or field that it is known by, and what does it both ways.
const ACTIONS: [(&str, &str, Does); 6] = [
    ("outbox", "retry", a_mail_is_sent_again),
    ("outbox", "to", a_mail_is_tested),
    ("sessions", "end", a_session_is_ended),
    ("limits", "network", limits_of_a_network_are_ended),
    ("limits", "person", limits_of_a_person_are_ended),
    ("configuration", "restore", a_file_is_gone_back_to),
];

fn server() -> Server {
    let settings =
        "[limits]\nsubmissions_per_client_minute = 3\nsignin_failures_per_account_hour = 4\n[proxies]\ntrusted = [\"127.0.0.1\"]\n";
    Server::on(Project::new().process("reset", &reset_by_mail()).file("vestibule.toml", settings)).start()
}

/// The form that has a button or a field of this name.
#[track_caller]
fn form(visitor: &Visitor, name: &str) -> Form {
    let of = |form: &Form| form.buttons.iter().any(|(known, _)| known == name) || form.fields.iter().any(|(known, _)| known == name);
    let posts = |form: &Form| form.fields.iter().any(|(known, _)| known == "form_token");
    let found = visitor.page.forms().into_iter().filter(posts).find(of);
    found.unwrap_or_else(|| panic!("no form has {name}: {}", visitor.page.html))
}

/// Presses the button of this name and value.
#[track_caller]
fn press(visitor: &mut Visitor, name: &str, value: &str) {
    let form = form(visitor, name);
    let button = form.buttons.iter().find(|(known, of)| known == name && of.contains(value)).cloned();
    assert!(button.is_some(), "{:?}", form.buttons);
    visitor.send_form(&form, &[], button);
}

fn a_mail_is_sent_again(server: &Server, way: Way) {
    let mail = format!("refuse-{}@example.test", unused("again"));
    let person = Person::with(server, "again", &json!({ "mail": mail }));
    let (mark, log) = (mailbox().mark(), server.log_mark());
    server.anonymous().with("X-Forwarded-For", "198.51.100.77").goes_on("reset", None, &person.query());
    mailbox().said(mark, "refused", &mail);
    server.logged(log, "given_up=true");
    let id = server.mails_to(&mail).into_keys().next().unwrap();
    let mark = mailbox().mark();
    match way {
        Way::Rest => _ = server.admin().post_empty(&format!("outbox/{id}?_action=retry")).expect(200),
        Way::Console => {
            let mut operator = operator(server);
            operator.open(&format!("{CONSOLE}/outbox"));
            press(&mut operator, "retry", &id);
        }
    }
    mailbox().said(mark, "refused", &mail);
}

fn a_mail_is_tested(server: &Server, way: Way) {
    let (mark, to) = (mailbox().mark(), format!("{}@example.test", unused("tested")));
    match way {
        Way::Rest => {
            let mail =
                json!({ "to": to, "subject": "Test of a mail", "type": "text/plain", "body": "An administrator has asked for this mail." });
            _ = server.admin().post("external/email?_action=send", &mail).expect(200);
        }
        Way::Console => {
            let mut operator = operator(server);
            operator.open(&format!("{CONSOLE}/outbox"));
            operator.send_form(&form(&operator, "to"), &[("to", &to)], None).says("The mail server took the mail.");
        }
    }
    assert_eq!(mailbox().after(mark, &to).subject(), "Test of a mail");
}

fn a_session_is_ended(server: &Server, way: Way) {
    let person = Person::create(server, "inside");
    let session = server.nobody().session(&person.name, PASSWORD);
    session.get("info/login").expect(200);
    match way {
        Way::Rest => {
            let owner = format!("owner=managed/user/{}", person.id);
            let listed = server.admin().get(&format!("vestibule/sessions?_queryFilter=true&{owner}")).ok();
            let id = listed["result"][0]["_id"].as_str().unwrap();
            _ = server.admin().delete(&format!("vestibule/sessions/{id}?{owner}")).expect(200);
        }
        Way::Console => {
            let mut operator = operator(server);
            operator.open(&format!("{CONSOLE}/sessions?of={}", person.name));
            press(&mut operator, "end", "managed/user");
        }
    }
    assert_eq!(session.get("info/login").status, 401);
}

fn limits_of_a_network_are_ended(server: &Server, way: Way) {
    let network = match way {
        Way::Rest => "198.51.100.9",
        Way::Console => "198.51.100.10",
    };
    let far = server.anonymous().with("X-Forwarded-For", network);
    let person = Person::create(server, "far");
    let submit = || far.submit("reset", None, &person.query()).status;
    assert!((0..40).any(|_| submit() == 429));
    match way {
        Way::Rest => _ = server.admin().post("vestibule/limits?_action=clear", &json!({ "network": network })).expect(200),
        Way::Console => {
            let mut operator = operator(server);
            let seen = (0..400).any(|_| operator.open(&format!("{CONSOLE}/limits")).text().contains(&format!("End for {network}")));
            assert!(seen);
            press(&mut operator, "network", network);
        }
    }
    assert_ne!(submit(), 429);
}

fn limits_of_a_person_are_ended(server: &Server, way: Way) {
    let person = Person::create(server, "guessed");
    let guess = || server.nobody().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", "wrong").get("info/login").status;
    assert!((0..40).any(|_| guess() == 429));
    match way {
        Way::Rest => _ = server.admin().post("vestibule/limits?_action=clear", &json!({ "person": person.name })).expect(200),
        Way::Console => {
            let mut operator = operator(server);
            operator.open(&format!("{CONSOLE}/limits"));
            operator.send_form(&form(&operator, "person"), &[("person", &person.name)], None).says("The limits were ended.");
        }
    }
    assert_eq!(guess(), 401);
}

fn a_file_is_gone_back_to(server: &Server, way: Way) {
    let admin = server.admin();
    let mut reset = admin.get("config/selfservice/reset").ok();
    let before = reset["stageConfigs"].as_array().unwrap().len();
    reset["stageConfigs"].as_array_mut().unwrap().insert(0, crate::support::stages::parameters());
    admin.put("config/selfservice/reset", &reset).expect(200);
    let listed = admin.get("vestibule/config/versions?name=selfservice/reset").ok();
    let former = listed["result"][1]["_id"].as_str().unwrap();
    match way {
        Way::Rest => _ = admin.post_empty(&format!("vestibule/config/versions/{former}?_action=restore")).expect(200),
        Way::Console => {
            let mut operator = operator(server);
            operator.open(&format!("{CONSOLE}/configuration?of=selfservice/reset&version={former}&back=1"));
            let form = form(&operator, "restore");
            operator.send_form(&form, &[], form.buttons.first().cloned()).says("is served");
        }
    }
    assert_eq!(admin.get("config/selfservice/reset").ok()["stageConfigs"].as_array().unwrap().len(), before);
}

#[test]
fn whatever_is_done_in_the_console_is_done_over_rest_too() {
    let server = server();
    for (part, name, does) in ACTIONS {
        for way in [Way::Rest, Way::Console] {
            println!("{part} {name} {way:?}");
            does(&server, way);
        }
    }
    // Every page, after all of that was done: there is something to press on each.
    let mail = format!("refuse-{}@example.test", unused("dead"));
    let person = Person::with(&server, "present", &json!({ "mail": mail }));
    let (mark, log) = (mailbox().mark(), server.log_mark());
    server.anonymous().with("X-Forwarded-For", "198.51.100.78").goes_on("reset", None, &person.query());
    mailbox().said(mark, "refused", &mail);
    server.logged(log, "given_up=true");
    let _session = server.nobody().session(&person.name, PASSWORD);
    let listed = server.admin().get("vestibule/config/versions?name=selfservice/reset").ok();
    let former = listed["result"][1]["_id"].as_str().unwrap();
    let mut operator = operator(&server);
    let mut forms = BTreeSet::new();
    for page in [
        String::new(),
        "/outbox".to_owned(),
        format!("/people?of={}", person.name),
        format!("/sessions?of={}", person.name),
        "/limits".to_owned(),
        "/configuration".to_owned(),
        "/configuration?of=selfservice/reset".to_owned(),
        format!("/configuration?of=selfservice/reset&version={former}"),
        format!("/configuration?of=selfservice/reset&version={former}&back=1"),
        "/explained?rule=unknown-key".to_owned(),
        "/process/reset".to_owned(),
    ] {
        assert_eq!(operator.open(&format!("{CONSOLE}{page}")).status, 200, "{page}");
        let part = page.trim_start_matches('/').split('?').next().unwrap().to_owned();
        for form in operator.page.forms().iter().filter(|form| form.fields.iter().any(|(name, _)| name == "form_token")) {
            let named = form.buttons.iter().map(|(name, _)| name).filter(|name| !name.is_empty()).chain(form.controls.keys());
            forms.extend(named.map(|name| (part.clone(), name.clone())));
            forms.extend(form.fields.iter().filter(|(name, _)| name == "restore").map(|(name, _)| (part.clone(), name.clone())));
        }
    }
    let known: BTreeSet<(String, String)> = ACTIONS.iter().map(|(part, name, _)| ((*part).to_owned(), (*name).to_owned())).collect();
    assert_eq!(forms, known, "each has a row, and each row is there");
}
