//! The console: who gets in and from where, and what can be done there.

use serde_json::json;

use crate::support::http::Request;
use crate::support::mailbox::mailbox;
use crate::support::people::{Answers, NEW_PASSWORD, PASSWORD, query, walk};
use crate::support::server::ADMIN_PASSWORD;
use crate::support::{Person, Project, Server, Visitor};
use crate::world::reset_by_mail;

const CONSOLE: &str = "/vestibule/console";

fn server(settings: &str) -> Server {
    Server::on(Project::new().process("reset", &reset_by_mail()).file("vestibule.toml", format!("[limits]\nenabled = false\n{settings}")))
        .start()
}

/// The administrator before a browser, at the console.
fn operator(server: &Server) -> Visitor {
    let mut operator = Visitor::new(server.address());
    operator.open(CONSOLE).is(200, "Sign in");
    operator.submit(&[("user", "openidm-admin"), ("password", ADMIN_PASSWORD)], None).is(200, "Console");
    assert_eq!(operator.page.path, CONSOLE);
    operator
}

/// The cells of the table's row that begins so.
#[track_caller]
fn row(visitor: &Visitor, begins: &str) -> Vec<String> {
    let html = &visitor.page.html;
    let rows = html.split("<tr>").map(|row| row.split("</tr>").next().unwrap());
    let cells = |row: &str| -> Vec<String> {
        row.split("<td>").skip(1).map(|cell| crate::support::visitor::text(cell.split("</td>").next().unwrap())).collect()
    };
    let found = rows.map(cells).find(|cells| cells.first().is_some_and(|first| first.starts_with(begins)));
    found.unwrap_or_else(|| panic!("no row begins with {begins}:\n{}", visitor.page.text()))
}

/// The token of the page's forms.
fn token(visitor: &Visitor) -> String {
    visitor.page.form().fields.into_iter().find(|(name, _)| name == "form_token").unwrap().1
}

#[test]
fn it_is_for_administrators_from_the_networks_of_the_project() {
    let here = server("");
    operator(&here);
    let person = Person::create(&here, "curious");
    let mut visitor = Visitor::new(here.address());
    visitor.sign_in(&person.name, PASSWORD);
    for path in ["", "/outbox", "/people", "/sessions", "/limits", "/process/reset", "/map/reset"] {
        assert_eq!(visitor.open(&format!("{CONSOLE}{path}")).status, 403, "{path}");
    }
    for (settings, forwarded, status) in [
        ("[console]\nnetworks = [\"192.0.2.0/24\"]\n", None, 404),
        ("[console]\nnetworks = []\n", None, 404),
        ("[proxies]\ntrusted = [\"127.0.0.1\"]\n", Some("198.51.100.7"), 404),
        ("[proxies]\ntrusted = [\"127.0.0.1\"]\n[console]\nnetworks = [\"198.51.100.0/24\"]\n", Some("198.51.100.7"), 200),
        // Behind a proxy that is not trusted everybody would be on this machine.
        ("", Some("198.51.100.7"), 404),
        ("", Some("127.0.0.1"), 404),
        ("[console]\nnetworks = [\"198.51.100.0/24\"]\n", Some("198.51.100.7"), 404),
    ] {
        let server = server(settings);
        let mut visitor = Visitor::new(server.address());
        if let Some(from) = forwarded {
            visitor = visitor.with("X-Forwarded-For", from);
        }
        assert_eq!(visitor.open(CONSOLE).status, status, "{settings}");
        visitor.sign_in("openidm-admin", ADMIN_PASSWORD);
        assert_eq!(visitor.open(CONSOLE).status, status, "{settings}");
    }
    // What any proxy adds, and a name that anybody may let resolve here.
    for (name, value) in [("Via", "1.1 proxy"), ("X-Real-IP", "127.0.0.1"), ("X-Forwarded-Host", "id.example"), ("Host", "evil.example")] {
        let mut visitor = Visitor::new(here.address()).with(name, value);
        assert_eq!(visitor.open(CONSOLE).status, 404, "{name}");
    }
    // A proxy that is trusted, and says nothing of who asks.
    let trusting = server("[proxies]\ntrusted = [\"127.0.0.1\"]\n");
    for (name, value) in
        [("Via", "1.1 proxy"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=unknown"), ("X-Forwarded-For", "127.0.0.1, ?")]
    {
        let mut visitor = Visitor::new(trusting.address()).with(name, value);
        assert_eq!(visitor.open(CONSOLE).status, 404, "{name}: {value}");
    }
    let off = server("[pages]\nbuiltin = false\n");
    assert_eq!(Visitor::new(off.address()).open(CONSOLE).status, 404);
}

#[test]
fn it_shows_whether_all_is_well_and_each_process_with_its_map_and_funnel() {
    let server = server("");
    let person = Person::create(&server, "shown");
    walk(&server.anonymous(), "reset", &person, Answers::Code);
    server.anonymous().goes_on("reset", None, &query("mail", "nobody@example.test"));
    let mut operator = operator(&server);
    assert_eq!(row(&operator, "Requests are served")[1], "yes");
    assert_eq!(row(&operator, "reset")[1..], ["served", "1", "1"]);
    let reset = operator.page.link("reset");
    operator.open(&reset).is(200, "reset");
    assert_eq!(row(&operator, "2 emailValidation")[2..6], ["2", "1", "0", "1"]);
    let answer = operator.send(Request::new("GET", "/vestibule/console/map/reset"));
    let (kind, map) = (answer.header("content-type").unwrap().to_owned(), answer.text());
    assert_eq!(kind, "image/svg+xml");
    assert!(map.contains("2 entered, 1 completed, 0 left"), "{map}");
    assert!(operator.page.html.contains("src=\"/vestibule/console/map/reset\""));
    assert_eq!(operator.open("/vestibule/console/process/nosuch").status, 404);
    assert_eq!(operator.open("/vestibule/console/map/nosuch").status, 404);
    assert_eq!(operator.open("/vestibule/console/nosuch").status, 404);
}

#[test]
fn a_dead_letter_is_sent_again_and_a_stale_form_changes_nothing() {
    let server = server("");
    let mail = format!("refuse-{}@example.test", crate::support::people::unused("console"));
    let person = Person::with(&server, "lettered", &json!({ "mail": mail }));
    let (mark, log) = (mailbox().mark(), server.log_mark());
    server.anonymous().goes_on("reset", None, &person.query());
    mailbox().said(mark, "refused", &mail);
    server.logged(log, "given_up=true");
    let mut operator = operator(&server);
    assert_eq!((row(&operator, "Mails that were given up")[1].as_str(), row(&operator, "Mails that wait")[1].as_str()), ("1", "0"));
    operator.open("/vestibule/console/outbox?done=nosuch").is(200, "Outbox");
    assert!(!operator.page.text().contains("did not take the mail"), "a link says what was done, and nothing else");
    let dead = operator.page.html.clone();
    assert!(dead.contains(&mail) && operator.page.text().contains("550"), "{dead}");
    // A form of another browser or another time.
    let (form, mark) = (operator.page.form(), mailbox().mark());
    let stale = operator.send_form(&form, &[("form_token", "of-another-time"), ("retry", &form.buttons[0].1)], None).clone();
    assert_eq!((stale.status, stale.way.len()), (403, 1), "{}", stale.text());
    stale.says("This page was open for too long").says("Nothing was changed");
    assert!(server.mails_to(&mail).into_values().eq(["dead"]), "{:?}", server.mails_to(&mail));
    operator.open("/vestibule/console/outbox");
    operator.submit(&[], Some("retry")).says("The mail is sent once more.");
    mailbox().said(mark, "refused", &mail);
    // There is no such dead letter.
    let gone = operator.send_form(&form, &[("form_token", &token(&operator)), ("retry", "999999")], None).clone();
    assert_eq!(gone.status, 409, "{}", gone.text());

    let mark = mailbox().mark();
    let to = format!("{}@example.test", crate::support::people::unused("tested"));
    operator.open("/vestibule/console/outbox");
    let test = |operator: &Visitor| operator.page.forms().pop().unwrap();
    operator.send_form(&test(&operator), &[("to", "no address")], None).says("That is no mail address");
    operator.send_form(&test(&operator), &[("to", &to)], None).says("The mail server took the mail.");
    assert_eq!(mailbox().after(mark, &to).subject(), "Test of a mail");
}

#[test]
fn people_are_looked_for_their_sessions_ended_and_limits_seen() {
    let project = Project::new().process("reset", &reset_by_mail()).file(
        "vestibule.toml",
        "[limits]\nsubmissions_per_client_minute = 3\nsignin_failures_per_account_hour = 4\n[proxies]\ntrusted = [\"127.0.0.1\"]\n",
    );
    let server = Server::on(project).start();
    let person = Person::create(&server, "sought");
    let session = server.nobody().session(&person.name, PASSWORD);
    let far = server.anonymous().with("X-Forwarded-For", "198.51.100.9");
    far.goes_on("reset", None, &person.query());
    let refused = (0..40).any(|_| far.submit("reset", None, &person.query()).status == 429);
    assert!(refused);

    let mut operator = operator(&server);
    operator.open(&format!("/vestibule/console/people?of={}", person.name)).says("one active account has what was typed");
    operator.open("/vestibule/console/people?of=nosuch").says("The audit trail tells of no such run.");
    operator.open(&format!("/vestibule/console/sessions?of={}", person.name)).is(200, "Sessions");
    session.get("info/login").expect(200);
    operator.page.says("127.0.0.1");
    let form = operator.page.forms().into_iter().find(|form| form.buttons.iter().any(|(name, _)| name == "end")).unwrap();
    let end = form.buttons[0].clone();
    operator.send_form(&form, &[], Some(end)).says("The session was ended.");
    assert_eq!(session.get("info/login").status, 401);

    // What was refused is written into a file soon.
    let seen = (0..400).any(|_| operator.open("/vestibule/console/limits").text().contains("198.51.100.9"));
    assert!(seen);
    assert_eq!(row(&operator, "198.51.100.9")[1], "submissions");
    operator.submit(&[], Some("network")).says("The limits were ended.");
    assert_ne!(far.submit("reset", None, &person.query()).status, 429);
    people_are_named_by_their_path_too(&server, &mut operator);
    assert!(!server.signs_in(&person.name, NEW_PASSWORD));
}

/// As over REST: whoever has used up the guesses of an account is named by their login name, or by the path of their object.
fn people_are_named_by_their_path_too(server: &Server, operator: &mut Visitor) {
    let person = Person::create(server, "guessed");
    let path = format!("managed/user/{}", person.id);
    let guess = || server.nobody().with("X-OpenIDM-Username", &person.name).with("X-OpenIDM-Password", "wrong").get("info/login").status;
    assert!((0..40).any(|_| guess() == 429));
    operator.open("/vestibule/console/limits");
    let form = |operator: &Visitor| operator.page.forms().pop().unwrap();
    let gone = operator.send_form(&form(operator), &[("person", "managed/user/nosuch")], None).clone();
    assert_eq!(gone.status, 404, "{}", gone.text());
    assert_eq!(guess(), 429);
    operator.open("/vestibule/console/limits");
    operator.send_form(&form(operator), &[("person", &path)], None).says("The limits were ended.");
    assert_eq!(guess(), 401);
    // The trail is written into a file soon.
    let cleared = || server.admin().get("audit/activity?_queryFilter=eventName%20eq%20%22limits-cleared%22&_pageSize=1").ok();
    assert!((0..400).any(|_| cleared()["result"][0]["detail"] == json!({ "person": path, "network": null })));
}
