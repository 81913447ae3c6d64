//! The console: who gets in and from where, and what can be done there.

use serde_json::json;

use crate::support::http::Request;
use crate::support::mailbox::mailbox;
use crate::support::people::{Answers, NEW_PASSWORD, PASSWORD, query, walk};
use crate::support::server::ADMIN_PASSWORD;
use crate::support::{Person, Project, Server, Visitor};
use crate::world::reset_by_mail;

pub(super) const CONSOLE: &str = "/vestibule/console";

fn server(settings: &str) -> Server {
    Server::on(Project::new().process("reset", &reset_by_mail()).file("vestibule.toml", format!("[limits]\nenabled = false\n{settings}")))
        .start()
}

/// The administrator before a browser, at the console.
pub(super) fn operator(server: &Server) -> Visitor {
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
    for path in
        ["", "/outbox", "/people", "/sessions", "/limits", "/configuration", "/explained?rule=unknown-key", "/process/reset", "/map/reset"]
    {
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
    let told = json!({ "person": path, "network": null });
    let cleared = || server.admin().get("audit/activity?_queryFilter=eventName%20eq%20%22limits-cleared%22").ok();
    let is_told = |_| cleared()["result"].as_array().unwrap().iter().any(|event| event["detail"] == told);
    assert!((0..10_000).any(is_told), "{}", cleared());
}

/// What each part of the page's differences holds, by its element.
fn lines(visitor: &Visitor, element: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let parts = visitor.page.html.split(&open).skip(1);
    parts.map(|part| crate::support::visitor::text(part.split(&close).next().unwrap())).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_file_is_gone_back_to_after_its_difference_was_read_and_confirmed() {
    let server = server("");
    let admin = server.admin();
    let mut reset = admin.get("config/selfservice/reset").ok();
    let first = reset["stageConfigs"].as_array().unwrap().len();
    reset["stageConfigs"].as_array_mut().unwrap().insert(0, crate::support::stages::parameters());
    admin.put("config/selfservice/reset", &reset).expect(200);
    let mut operator = operator(&server);
    operator.open("/vestibule/console/configuration").is(200, "Configuration");
    assert_eq!(row(&operator, "selfservice/reset")[1..3], ["conf/selfservice-reset.json", "2"]);
    assert_eq!(row(&operator, "selfservice/reset")[4], "openidm-admin");
    let file = operator.page.link("selfservice/reset");
    operator.open(&file).is(200, "selfservice/reset");
    let newest = operator.page.html.split("Version ").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(row(&operator, &format!("Version {newest}"))[2..], ["openidm-admin", "what it says now"]);
    let of_newest = operator.page.link(&format!("Version {newest}"));
    operator.open(&of_newest).is(200, &format!("Version {newest} of selfservice/reset"));
    assert!(lines(&operator, "ins").contains("\"name\": \"parameters\"") && lines(&operator, "del").is_empty(), "{}", operator.page.html);
    assert!(operator.page.forms().is_empty(), "it is what the file says already");
    operator.open(&file);
    let older: i64 = operator.page.html.split("Version ").nth(2).unwrap().split('<').next().unwrap().parse().unwrap();
    let of_older = operator.page.link(&format!("Version {older}"));
    operator.open(&of_older).says("in its directory");
    assert!(lines(&operator, "del").contains("\"name\": \"parameters\""), "{}", operator.page.html);
    // One question, with the difference, and nothing before its answer.
    assert!(operator.page.html.contains("<form method=\"get\" action=\"/vestibule/console/configuration\">"), "{}", operator.page.html);
    let asking = operator.page.form().fields.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    operator.open(&format!("/vestibule/console/configuration?{asking}")).is(200, &format!("Version {older} of selfservice/reset"));
    assert!(lines(&operator, "del").contains("\"name\": \"parameters\""));
    let asked = operator.page.form();
    operator.send_form(&asked, &[("form_token", "of-another-time")], None).says("Nothing was changed");
    assert_eq!(admin.get("config/selfservice/reset").ok()["stageConfigs"].as_array().unwrap().len(), first + 1);
    // Somebody was quicker: what was compared is not what is there.
    reset["stageConfigs"][0] =
        crate::support::stages::with(crate::support::stages::parameters(), "parameterNames", json!(["returnUrl", "other"]));
    admin.put("config/selfservice/reset", &reset).expect(200);
    operator.open(&format!("{of_older}&back=1"));
    let stale: Vec<(String, String)> = asked.fields.iter().filter(|(name, _)| name == "revision").cloned().collect();
    let form = operator.page.form();
    let refused = operator.send_form(&form, &[("revision", &stale[0].1)], None).clone();
    assert_eq!(refused.status, 412, "{}", refused.text());
    refused.says("It was not gone back").says("has changed since it was read").says("Nothing was changed.");
    operator.open(&format!("{of_older}&back=1"));
    operator.submit(&[], None).says("The file says again what it said then, and is served.");
    assert_eq!(admin.get("config/selfservice/reset").ok()["stageConfigs"].as_array().unwrap().len(), first);
    assert_eq!(row(&operator, "Version")[2..], ["openidm-admin", "what it says now"]);
    for nowhere in
        ["?of=nosuch/x", "?of=../x", "?of=selfservice/reset&version=9999", "?of=selfservice/reset&version=x", "?of=policy&version=1"]
    {
        assert_eq!(operator.open(&format!("/vestibule/console/configuration{nowhere}")).status, 404, "{nowhere}");
    }
}

#[test]
fn what_would_not_load_is_not_gone_back_to_and_the_page_says_why() {
    let server = server("");
    let admin = server.admin();
    let written = std::fs::read_to_string(server.project().join("vestibule.toml")).unwrap();
    let asks_more = [
        crate::support::stages::user_query(),
        crate::support::stages::email_validation(),
        crate::support::stages::kba(),
        crate::support::stages::reset_stage(),
    ];
    let questions = json!({ "kbaPropertyName": "kbaInfo", "minimumAnswersToVerify": 1, "questions": { "1": { "en": "Which street?" } } });
    admin.put("config/selfservice.kba", &questions).expect(200);
    admin.put("config/selfservice/reset", &json!({ "stageConfigs": asks_more })).expect(200);
    let mark = server.log_mark();
    server.write("vestibule.toml", &format!("{written}\n[prove]\ncredential = [\"mail+answers\"]\n"));
    server.logged(mark, "the project was read again");
    let listed = admin.get("vestibule/config/versions?name=selfservice/reset").ok();
    let weak = listed["result"][1]["_id"].as_str().unwrap().to_owned();
    let mut operator = operator(&server);
    operator.open(&format!("/vestibule/console/configuration?of=selfservice/reset&version={weak}&back=1"));
    let answer = operator.submit(&[], None).clone();
    assert_eq!(answer.status, 400, "{}", answer.text());
    answer.says("It was not gone back").says("The configuration is not valid. Nothing was changed.");
    assert_eq!(row(&operator, "error")[1], "refuted");
}

#[test]
fn what_check_says_is_at_the_stages_and_each_rule_is_explained() {
    let misspelt = crate::support::stages::with(crate::support::stages::user_query(), "validQuerryFields", json!(["mail"]));
    let mut stages = reset_by_mail().clone();
    let at = stages.iter().position(|stage| stage["name"] == "userQuery").unwrap();
    stages[at] = misspelt;
    let project = Project::new().definition("reset", &json!({ "stageConfigs": stages, "nobodyReadsThis": 1 }));
    let server = Server::on(project.file("vestibule.toml", "[limits]\nenabled = false\n")).start();
    let mut operator = operator(&server);
    assert_eq!(row(&operator, "▲ warning")[1], "unknown-key");
    operator.open("/vestibule/console/process/reset").is(200, "reset");
    let name = format!("{} userQuery", at + 1);
    assert!(row(&operator, &name)[8].starts_with("▲ 1 warning"), "{:?}", row(&operator, &name));
    assert_eq!(row(&operator, &name)[2..6], ["0", "0", "0", "0"], "nobody came, and it is there");
    let about = |operator: &Visitor| operator.page.html.split("<h2 id=\"section-2\">What check says</h2>").nth(1).unwrap().to_owned();
    let said = about(&operator);
    assert!(said.contains(&format!("<bdi>{name}</bdi>")) && said.contains("<bdi>the whole process</bdi>"), "{said}");
    assert!(said.contains("<span class=\"sign\" aria-hidden=\"true\">▲</span> <bdi>warning</bdi>"), "{said}");
    let map = operator.send(Request::new("GET", "/vestibule/console/map/reset")).text();
    assert_eq!(map.matches("<path class=\"shape warning\"").count(), 2, "{map}");
    assert!(
        map.contains("<a href=\"/vestibule/console/explained?rule=unknown%2Dkey\">") && map.contains(">warning: unknown-key</text>"),
        "{map}"
    );
    let explained = operator.page.link("unknown-key");
    operator.open(&explained).is(200, "unknown-key");
    operator.page.says("Fix");
    assert!(operator.page.html.contains("<pre class=\"lines\""), "{}", operator.page.html);
    assert_eq!(operator.open("/vestibule/console/explained?rule=nosuch").status, 404);
}
