//! A changed mail address counts when it is confirmed, the old one is told and can undo it (SEC-21); notices of what changed (SEC-14,
//! SEC-20); a browser's sessions.

use serde_json::{Value, json};

use crate::support::client::Link;
use crate::support::http::Request;
use crate::support::mailbox::mailbox;
use crate::support::people::{NEW_PASSWORD, PASSWORD, unused};
use crate::support::profile::{server, signed_in};
use crate::support::stages::{email_validation, reset_stage, user_query};
use crate::support::{Client, Person, Project, Server, Visitor};

fn own(person: &Person) -> String {
    format!("managed/user/{}", person.id)
}

fn new_address() -> String {
    format!("{}@new.example.test", unused("addr"))
}

fn change(address: &str) -> Value {
    json!([{ "operation": "add", "field": "/mail", "value": address }, { "operation": "add", "field": "/city", "value": "Ulm" }])
}

/// The path of the link in a mail.
#[track_caller]
fn link(text: &str) -> String {
    let start = text.find("/vestibule/mail/").unwrap_or_else(|| panic!("no link in {text}"));
    text[start..].split_whitespace().next().unwrap().to_owned()
}

fn code(text: &str) -> String {
    text.split(|letter: char| !letter.is_ascii_digit()).find(|digits| digits.len() == 8).expect("no code").to_owned()
}

/// The page of a link, in a browser that has never been here.
fn open(server: &Server, path: &str) -> Visitor {
    let mut here = Visitor::new(server.address());
    here.open(path);
    here
}

/// Opens a link and presses its button, where there is one.
fn press(server: &Server, path: &str, password: &str) -> Visitor {
    let mut here = open(server, path);
    if here.page.status == 200 {
        let asks = here.page.html.contains("type=\"password\"");
        let typed = [("form_current", password)];
        here.submit(if asks { &typed } else { &[] }, None);
    }
    here
}

fn mail_of(person: &Person) -> String {
    person.read(server())["mail"].as_str().unwrap_or_default().to_owned()
}

/// Asks for a change and hands out the mails to the new and the old address.
#[track_caller]
fn asked(client: &Client, person: &Person, address: &str) -> (String, String) {
    let mark = mailbox().mark();
    let body = client.patch(&own(person), &change(address)).ok();
    assert_eq!(body["city"], "Ulm", "everything else is changed at once");
    assert_ne!(body["mail"], json!(address), "the address is not");
    (mailbox().after(mark, address).body, mailbox().after(mark, &person.mail).body)
}

#[test]
fn sec_21_the_new_address_counts_when_it_is_confirmed_with_the_password() {
    let person = Person::create(server(), "mail");
    let client = signed_in(server(), &person);
    let address = new_address();
    let (to_new, to_old) = asked(&client, &person, &address);
    assert!(to_old.contains("@new.example.test") && !to_old.contains(&address), "the old address learns no more than it must: {to_old}");
    let path = link(&to_new);
    assert_eq!(mail_of(&person), person.mail);
    let page = open(server(), &path).page;
    page.is(200, "Use this email address for your account?");
    assert!(page.html.contains("type=\"password\""), "{}", page.html);
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let token = path.rsplit('/').next().unwrap();
    assert!(!page.path.contains(token) && !page.html.contains(token), "the token leaves the address: {}", page.path);
    assert_eq!(mail_of(&person), person.mail, "opening a link does nothing");
    assert_eq!(press(server(), &path, "").page.status, 403);
    assert_eq!(press(server(), &path, "wrong").page.status, 403);
    assert_eq!(mail_of(&person), person.mail, "a stolen session is not enough");
    press(server(), &path, PASSWORD).page.is(200, "Your email address has been changed");
    assert_eq!(mail_of(&person), address);
    assert_eq!(press(server(), &path, PASSWORD).page.status, 404, "a link works once");
    assert_eq!(open(server(), &path).page.status, 404);
}

/// SEC-17.
#[test]
fn sec_21_with_the_password_at_the_change_a_press_of_the_button_is_enough() {
    let person = Person::create(server(), "mail");
    let client = signed_in(server(), &person).with("X-OpenIDM-Reauth-Password", PASSWORD);
    let address = new_address();
    let (to_new, _) = asked(&client, &person, &address);
    assert!(!open(server(), &link(&to_new)).page.html.contains("type=\"password\""));
    press(server(), &link(&to_new), "").page.is(200, "Your email address has been changed");
    assert_eq!(mail_of(&person), address);
    let wrong = signed_in(server(), &person).with("X-OpenIDM-Reauth-Password", "wrong");
    wrong.patch(&own(&person), &change(&new_address())).refused(403);
}

#[test]
fn sec_21_the_old_address_undoes_it_before_and_after_and_ends_all_sessions() {
    for confirmed in [false, true] {
        let person = Person::create(server(), "undo");
        let client = signed_in(server(), &person);
        let (to_new, to_old) = asked(&client, &person, &new_address());
        if confirmed {
            press(server(), &link(&to_new), PASSWORD).page.is(200, "Your email address has been changed");
            assert_ne!(mail_of(&person), person.mail);
        }
        let undo = link(&to_old);
        open(server(), &undo).page.is(200, "Keep your email address?");
        assert_eq!(client.get("info/login").status, 200, "opening does nothing");
        press(server(), &undo, "").page.is(200, "Your email address stays as it was");
        assert_eq!(mail_of(&person), person.mail);
        assert_eq!(client.get("info/login").status, 401);
        assert_eq!(press(server(), &link(&to_new), PASSWORD).page.status, 404, "what was undone cannot be confirmed");
        assert_eq!(press(server(), &undo, "").page.status, 404);
        assert_eq!(mail_of(&person), person.mail);
    }
}

/// A scanner opens every link, follows where it leads and sends the form that is there; it presses no button.
#[test]
fn sec_10_a_machine_that_opens_a_link_and_sends_its_form_confirms_and_undoes_nothing() {
    let person = Person::create(server(), "machine");
    let client = signed_in(server(), &person).with("X-OpenIDM-Reauth-Password", PASSWORD);
    let address = new_address();
    let (to_new, to_old) = asked(&client, &person, &address);
    for (text, heading) in [(&to_new, "Use this email address for your account?"), (&to_old, "Keep your email address?")] {
        let mut machine = open(server(), &link(text));
        let form = machine.page.form();
        for _ in 0..2 {
            machine.send_form(&form, &[], None).is(200, heading);
        }
    }
    assert_eq!((mail_of(&person), client.get("info/login").status), (person.mail.clone(), 200), "nobody is signed out");
    press(server(), &link(&to_new), "").page.is(200, "Your email address has been changed");
    assert_eq!(mail_of(&person), address);
}

#[test]
fn the_token_of_a_link_is_written_down_nowhere() {
    let mut fresh = Server::on(Project::new()).start();
    let person = Person::create(&fresh, "written");
    let (to_new, to_old) = asked(&signed_in(&fresh, &person), &person, &new_address());
    let paths = [link(&to_new), link(&to_old)];
    for path in &paths {
        open(&fresh, path)
            .page
            .is(200, if path == &paths[0] { "Use this email address for your account?" } else { "Keep your email address?" });
        Request::new("HEAD", path).send(fresh.address());
        Request::new("GET", &format!("{path}/x")).send(fresh.address()).expect(404);
    }
    fresh.stop();
    let mut files = Vec::new();
    let mut folders = vec![fresh.data()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { folders.push(entry) } else { files.push(entry) }
        }
    }
    let texts: Vec<String> = files.iter().map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned()).collect();
    let audit: Vec<&String> = texts.iter().filter(|text| text.contains("vestibule/mail/{token}")).collect();
    assert_eq!(audit.len(), 1, "the access log says that a link was opened");
    for path in &paths {
        // How it begins is the same in all tokens.
        let token = path.rsplit('/').next().unwrap();
        let token = &token[token.len() - 100..];
        assert!(texts.iter().chain([&fresh.last_log()]).all(|text| !text.contains(token)), "{token} is written down");
    }
}

#[test]
fn the_page_of_a_link_is_the_projects_own_where_our_pages_are_switched_off() {
    let template = "{% extends \"layout.html\" %}{% block title %}Own{% endblock %}{% block main %}<h1>Own page: {{ \"done\" if page.done else page.does }}</h1>\
        {% include \"_problems.html\" %}{% if not page.done %}<form method=\"post\" action=\"/vestibule/mail\">{% include \"_form-token.html\" %}\
        <input type=\"hidden\" name=\"at\" value=\"{{ page.at }}\">{% for field in page.fields %}{% include \"_field.html\" %}{% endfor %}\
        <button name=\"confirm\" value=\"yes\">{{ t(\"mail-link-confirm-button\") }}</button></form>{% endif %}{% endblock %}";
    let project = Project::new()
        .file("vestibule.toml", "[pages]\nbuiltin = false\n")
        .file("pages/templates/mail-link.html", template)
        .file("pages/messages/en/own.ftl", "mail-link-confirm-button = Take it\n")
        .file("pages/assets/style.css", "h1 { color: teal }");
    let own = Server::on(project).start();
    let person = Person::create(&own, "own");
    let (to_new, _) = asked(&signed_in(&own, &person), &person, &new_address());
    let page = open(&own, &link(&to_new)).page;
    page.is(200, "Own page: confirm");
    assert!(page.html.contains(">Take it</button>") && page.html.contains("<label for=\"f-form_current\">"), "{}", page.html);
    let style = page.html.split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(Request::new("GET", style).send(own.address()).expect(200).text().contains("teal"));
    press(&own, &link(&to_new), "wrong").page.is(403, "Own page: confirm");
    press(&own, &link(&to_new), PASSWORD).page.is(200, "Own page: done");
    press(&own, &link(&to_new), PASSWORD).page.is(404, "Own page: nothing");
    assert_eq!(Request::new("GET", "/sign-in").send(own.address()).status, 404, "and no other page is there");
}

#[test]
fn sec_10_a_later_request_a_new_password_and_time_end_an_earlier_one() {
    let fresh = Server::on(Project::new()).start();
    let person = Person::create(&fresh, "later");
    let client = signed_in(&fresh, &person);
    let (first, _) = asked(&client, &person, &new_address());
    let (second, _) = asked(&client, &person, &new_address());
    assert_eq!(press(&fresh, &link(&first), PASSWORD).page.status, 404);
    let reauth = client.clone().with("X-OpenIDM-Reauth-Password", PASSWORD);
    reauth.patch(&own(&person), &json!([{ "operation": "replace", "field": "/password", "value": NEW_PASSWORD }])).expect(200);
    assert_eq!(
        press(&fresh, &link(&second), NEW_PASSWORD).page.status,
        400,
        "whoever asked before the password was changed may have been another"
    );
    let (third, _) = asked(&client, &person, &new_address());
    fresh.advance(25 * 3600);
    assert_eq!(press(&fresh, &link(&third), NEW_PASSWORD).page.status, 404, "a day is enough");
    assert_eq!(person.read(&fresh)["mail"], json!(person.mail));
    for broken in ["x", "a.b.c", &format!("{}x", link(&third).rsplit('/').next().unwrap())] {
        assert_eq!(open(&fresh, &format!("/vestibule/mail/{broken}")).page.status, 404);
    }
}

#[test]
fn sec_11_the_code_is_typed_where_the_change_was_asked_for_and_guesses_are_counted() {
    let person = Person::create(server(), "code");
    let client = signed_in(server(), &person);
    client.get("vestibule/mailChange").refused(404);
    let address = new_address();
    let (to_new, _) = asked(&client, &person, &address);
    let shown = client.get("vestibule/mailChange").ok();
    assert_eq!((shown["mail"].clone(), shown["passwordRequired"].clone()), (json!(address), json!(true)));
    let confirm = |client: &Client, code: &str| client.post("vestibule/mailChange?_action=confirm", &json!({ "code": code }));
    confirm(&client, "00000000").refused(400);
    confirm(&client, &code(&to_new)).refused(403);
    confirm(&client.clone().with("X-OpenIDM-Reauth-Password", PASSWORD), &code(&to_new)).expect(200);
    assert_eq!(mail_of(&person), address);
    let other = Person::create(server(), "code");
    let client = signed_in(server(), &other).with("X-OpenIDM-Reauth-Password", PASSWORD);
    let (to_new, _) = asked(&client, &other, &new_address());
    for _ in 0..5 {
        confirm(&client, "12345678").refused(400);
    }
    confirm(&client, &code(&to_new)).refused(400);
    client.post_empty("vestibule/mailChange?_action=cancel").expect(200);
    client.post_empty("vestibule/mailChange?_action=cancel").refused(404);
    assert_eq!(press(server(), &link(&to_new), "").page.status, 404);
    server().anonymous().get("vestibule/mailChange").refused(403);
}

#[test]
fn the_address_cannot_be_changed_past_the_safety_net() {
    let person = Person::create(server(), "past");
    let client = signed_in(server(), &person);
    let address = new_address();
    let mut whole = client.get(&own(&person)).ok();
    whole["mail"] = json!(address);
    whole["sn"] = json!("Changed");
    let body = client.put(&own(&person), &whole).ok();
    assert_eq!((body["mail"].clone(), body["sn"].clone()), (json!(person.mail), json!("Changed")));
    for operations in [
        json!([{ "operation": "replace", "field": "mail", "value": address }]),
        json!([{ "operation": "add", "field": "/city", "value": address }, { "operation": "copy", "from": "/city", "field": "/mail" }]),
        json!([{ "operation": "add", "field": "/city", "value": address }, { "operation": "move", "from": "/city", "field": "/mail" }]),
    ] {
        client.patch(&own(&person), &operations).expect(200);
        assert_eq!(mail_of(&person), person.mail, "{operations}");
    }
    client.patch(&own(&person), &json!([{ "operation": "remove", "field": "/mail" }])).refused(403);
    client.patch(&own(&person), &json!([{ "operation": "replace", "field": "/mail", "value": "no address" }])).refused(403);
    client
        .post(&format!("{}?_action=patch", own(&person)), &json!([{ "operation": "replace", "field": "/mail", "value": address }]))
        .expect(200);
    assert_eq!(mail_of(&person), person.mail);
}

#[test]
fn sec_12_links_stand_on_the_configured_address_whatever_the_request_says() {
    let person = Person::create(server(), "host");
    let address = new_address();
    let client = signed_in(server(), &person)
        .with("Host", "evil.example")
        .with("X-Forwarded-Host", "evil.example")
        .with("Forwarded", "host=evil.example");
    let (to_new, to_old) = asked(&client, &person, &address);
    for text in [to_new, to_old] {
        assert!(!text.contains("evil.example") && text.contains(&server().url()), "{text}");
    }
}

#[test]
fn both_can_be_switched_to_the_old_behaviour() {
    let settings = "[limits]\nenabled = false\n[profile]\nconfirm_mail = false\nnotify_changes = false\nnotify_new_device = false\n";
    let old = Server::on(Project::new().file("vestibule.toml", settings)).start();
    let person = Person::create(&old, "old");
    let client = signed_in(&old, &person);
    signed_in(&old, &person);
    let address = new_address();
    let mark = mailbox().mark();
    assert_eq!(client.patch(&own(&person), &change(&address)).ok()["mail"], json!(address));
    let reauth = client.with("X-OpenIDM-Reauth-Password", PASSWORD);
    reauth.patch(&own(&person), &json!([{ "operation": "replace", "field": "/password", "value": NEW_PASSWORD }])).expect(200);
    old.admin().post("external/email?_action=send", &json!({ "to": address, "subject": "last", "body": "last" })).expect(200);
    mailbox().with(mark, &address, "last");
    assert_eq!((mailbox().count(mark, &person.mail), mailbox().count(mark, &address)), (0, 1));
}

/// A server whose processes write the address and the questions themselves.
fn with_processes(settings: &str) -> Server {
    let form = json!({ "name": "attributecollection", "identityServiceUrl": "managed/user", "attributes": [{ "name": "mail" }, { "name": "city" }] });
    let questions = json!({ "name": "kbaUpdateStage", "kbaConfig": null, "identityServiceUrl": "managed/user" });
    let project = Project::new()
        .process("contact", std::slice::from_ref(&form))
        .process("checked", &[form, email_validation()])
        .process("kbaUpdate", &[questions])
        .process("reset", &[user_query(), email_validation(), reset_stage()])
        .file("vestibule.toml", format!("[limits]\nenabled = false\n{settings}"));
    Server::on(project).start()
}

fn typed(address: &str) -> Value {
    json!({ "attributes": { "mail": address, "city": "Ulm" } })
}

fn new_questions() -> Value {
    json!({ "kba": [{ "answer": "x", "questionId": "1" }, { "answer": "y", "questionId": "2" }] })
}

#[test]
fn sec_21_a_process_does_not_get_a_new_address_past_the_safety_net() {
    let server = with_processes("");
    let person = Person::create(&server, "form");
    let client = signed_in(&server, &person);
    let address = new_address();
    let mark = mailbox().mark();
    assert_eq!(client.submit("contact", None, &typed(&address)).ok()["tag"], "end");
    let stored = person.read(&server);
    assert_eq!((stored["mail"].clone(), stored["city"].clone()), (json!(person.mail), json!("Ulm")));
    let (to_new, to_old) = (mailbox().after(mark, &address).body, mailbox().after(mark, &person.mail).body);
    assert_eq!(client.get("vestibule/mailChange").ok()["passwordRequired"], true, "a form asks for no password, so the confirmation does");
    press(&server, &link(&to_new), "wrong").page.is(403, "Use this email address for your account?");
    press(&server, &link(&to_new), PASSWORD).page.is(200, "Your email address has been changed");
    assert_eq!(person.read(&server)["mail"], json!(address));
    press(&server, &link(&to_old), "").page.is(200, "Your email address stays as it was");
    assert_eq!(person.read(&server)["mail"], json!(person.mail));
    let again = signed_in(&server, &person);
    again.submit("contact", None, &json!({ "attributes": { "mail": "" } })).refused(403);
}

#[test]
fn sec_21_an_address_that_a_process_validated_counts_at_once_and_the_old_one_can_undo_it() {
    let server = with_processes("");
    let person = Person::create(&server, "checked");
    let client = signed_in(&server, &person);
    let address = new_address();
    let mark = mailbox().mark();
    let (body, token) = client.goes_on("checked", None, &typed(&address));
    assert_eq!((body["type"].clone(), person.read(&server)["mail"].clone()), (json!("emailValidation"), json!(person.mail)));
    let mailed = Link::in_text(&mailbox().after(mark, &address).body);
    client.submit("checked", Some(&token), &json!({ "code": "wrong" })).refused(400);
    assert_eq!(person.read(&server)["mail"], json!(person.mail));
    assert_eq!(server.mails_to(&person.mail).len(), 0, "nothing has happened yet");
    assert_eq!(client.submit("checked", Some(&token), &mailed.input()).ok()["tag"], "end");
    assert_eq!(person.read(&server)["mail"], json!(address));
    client.get("vestibule/mailChange").refused(404);
    let to_old = mailbox().after(mark, &person.mail).body;
    assert!(!to_old.contains(&address), "{to_old}");
    press(&server, &link(&to_old), "").page.is(200, "Your email address stays as it was");
    assert_eq!(person.read(&server)["mail"], json!(person.mail));
    assert_eq!(client.get("info/login").status, 401, "whoever changed it is signed out");
}

/// SEC-20.
#[test]
fn sec_14_and_20_processes_tell_of_new_questions_and_passwords_like_a_patch() {
    let server = with_processes("");
    let person = Person::create(&server, "told");
    let mark = mailbox().mark();
    signed_in(&server, &person).with("Accept-Language", "de").submit("kbaUpdate", None, &new_questions()).expect(200);
    assert!(mailbox().after(mark, &person.mail).body.contains("Sicherheitsfragen"));
    let anonymous = server.anonymous().with("Accept-Language", "fr");
    let mark = mailbox().mark();
    let (_, token) = anonymous.goes_on("reset", None, &person.query());
    let mailed = Link::in_text(&mailbox().with(mark, &person.mail, &token).body);
    let (_, token) = anonymous.goes_on("reset", Some(&token), &mailed.input());
    let mark = mailbox().mark();
    anonymous.submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).expect(200);
    let told = mailbox().after(mark, &person.mail);
    assert!(told.body.contains("mot de passe") && !told.body.contains(NEW_PASSWORD) && !told.body.contains("http"), "{}", told.body);
}

#[test]
fn processes_follow_the_same_switches_back_to_the_old_behaviour() {
    let old = with_processes("[profile]\nconfirm_mail = false\nnotify_changes = false\nnotify_new_device = false\n");
    let person = Person::create(&old, "old");
    let client = signed_in(&old, &person);
    let address = new_address();
    let mark = mailbox().mark();
    client.submit("kbaUpdate", None, &new_questions()).expect(200);
    client.submit("contact", None, &typed(&address)).expect(200);
    assert_eq!(person.read(&old)["mail"], json!(address));
    old.admin().post("external/email?_action=send", &json!({ "to": address, "subject": "last", "body": "last" })).expect(200);
    mailbox().with(mark, &address, "last");
    assert_eq!((mailbox().count(mark, &person.mail), mailbox().count(mark, &address)), (0, 1));
}

/// SEC-15.
#[test]
fn sec_14_and_20_the_person_is_told_of_a_new_password_and_of_new_questions() {
    let person = Person::create(server(), "told");
    let client = signed_in(server(), &person).with("X-OpenIDM-Reauth-Password", PASSWORD).with("Accept-Language", "de");
    let mark = mailbox().mark();
    client.patch(&format!("selfservice/user/{}", person.id), &json!([{ "operation": "replace", "field": "/kbaInfo", "value": [{ "answer": "x", "questionId": "1" }, { "answer": "y", "questionId": "2" }] }])).expect(200);
    let mail = mailbox().after(mark, &person.mail);
    assert!(mail.body.contains("Sicherheitsfragen"), "{}", mail.body);
    let mark = mailbox().mark();
    client.patch(&own(&person), &json!([{ "operation": "replace", "field": "/password", "value": NEW_PASSWORD }])).expect(200);
    let mail = mailbox().after(mark, &person.mail);
    assert!(mail.body.contains("Passwort") && !mail.body.contains(NEW_PASSWORD) && !mail.body.contains("http"), "{}", mail.body);
}

#[test]
fn sec_14_a_browser_that_was_never_used_is_told_of_and_a_known_one_is_not() {
    let person = Person::create(server(), "device");
    let sign_in = |device: Option<&str>| {
        let client = server()
            .nobody()
            .with("X-OpenIDM-Username", &person.name)
            .with("X-OpenIDM-Password", PASSWORD)
            .with("User-Agent", "Browser\tOne");
        let client = device.map_or(client.clone(), |device| client.with("Cookie", device));
        let answer = client.post_empty("authentication?_action=login").expect(200);
        let set = answer
            .headers
            .iter()
            .filter(|(name, value)| name == "set-cookie" && value.starts_with("vestibule-device="))
            .map(|(_, value)| value.clone())
            .next();
        set.unwrap().split(';').next().unwrap().to_owned()
    };
    let mark = mailbox().mark();
    let first = sign_in(None);
    sign_in(Some(&first));
    sign_in(None);
    let mail = mailbox().with(mark, &person.mail, "Browser");
    assert!(mail.body.contains("127.0.0.1"), "{}", mail.body);
    sign_in(Some("vestibule-device=AAAAAAAAAAAAAAAAAAAAAA.forged"));
    sign_in(Some("vestibule-device=..;x"));
    server().admin().post("external/email?_action=send", &json!({ "to": person.mail, "subject": "last", "body": "last" })).expect(200);
    mailbox().with(mark, &person.mail, "last");
    assert_eq!(mailbox().count(mark, &person.mail), 2, "the first browser is no news, a known one neither, and one mail a day is enough");
}

#[test]
fn sessions_are_listed_and_ended_one_by_one_all_but_one_and_all() {
    let (person, other) = (Person::create(server(), "list"), Person::create(server(), "list"));
    let sessions: Vec<Client> = (0..4).map(|_| signed_in(server(), &person)).collect();
    let list = |client: &Client| client.get("vestibule/sessions?_queryFilter=true").ok()["result"].as_array().unwrap().clone();
    let found = list(&sessions[0]);
    assert_eq!(found.len(), 4);
    assert_eq!(found.iter().filter(|session| session["current"] == true).count(), 1);
    assert!(
        found.iter().all(|session| session["address"] == "127.0.0.1" && session["created"].is_string() && session["expires"].is_string())
    );
    let mine = found.iter().find(|session| session["current"] == true).unwrap()["_id"].as_str().unwrap().to_owned();
    let gone = found.iter().find(|session| session["current"] == false).unwrap()["_id"].as_str().unwrap().to_owned();
    for path in [format!("vestibule/sessions/{gone}"), format!("vestibule/sessions/{gone}?owner={}", own(&person))] {
        let status = signed_in(server(), &other).delete(&path).status;
        assert!([403, 404].contains(&status), "{path}: {status}");
    }
    sessions[0].clone().without("X-Requested-With").delete(&format!("vestibule/sessions/{gone}")).refused(403);
    sessions[0].delete(&format!("vestibule/sessions/{gone}")).expect(200);
    sessions[0].delete(&format!("vestibule/sessions/{gone}")).refused(404);
    assert_eq!(sessions.iter().filter(|client| client.get("info/login").status == 200).count(), 3);
    sessions[0].post_empty("vestibule/sessions?_action=endOthers").expect(200);
    assert_eq!(list(&sessions[0]).iter().map(|session| session["_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), [mine]);
    let admin = server().admin();
    assert_eq!(admin.get(&format!("vestibule/sessions?_queryFilter=true&owner={}", own(&person))).ok()["resultCount"], 1);
    signed_in(server(), &other).get(&format!("vestibule/sessions?_queryFilter=true&owner={}", own(&person))).refused(403);
    admin.post_empty(&format!("vestibule/sessions?_action=endAll&owner={}", own(&person))).expect(200);
    assert_eq!(sessions[0].get("info/login").status, 401);
    server().anonymous().get("vestibule/sessions?_queryFilter=true").refused(403);
}

#[test]
fn sessions_are_paged_sorted_selected_and_counted_like_everything_else() {
    let person = Person::create(server(), "pages");
    let sessions: Vec<Client> = (0..5).map(|_| signed_in(server(), &person)).collect();
    let client = &sessions[0];
    let page = |query: &str| client.get(&format!("vestibule/sessions?_queryFilter=true{query}")).ok();
    let all = page("&_totalPagedResultsPolicy=EXACT");
    assert_eq!((all["resultCount"].clone(), all["totalPagedResults"].clone()), (json!(5), json!(5)));
    let mut seen = Vec::new();
    let mut cookie = String::new();
    loop {
        let one = page(&format!("&_pageSize=2&_fields=current&_totalPagedResultsPolicy=EXACT{cookie}"));
        assert_eq!(one["totalPagedResults"], 5);
        for session in one["result"].as_array().unwrap() {
            assert_eq!(session.as_object().unwrap().keys().collect::<Vec<_>>(), ["_id", "current"], "{session}");
            seen.push(session["_id"].as_str().unwrap().to_owned());
        }
        match one["pagedResultsCookie"].as_str() {
            Some(next) => cookie = format!("&_pagedResultsCookie={next}"),
            None => break,
        }
    }
    let listed: Vec<String> = all["result"].as_array().unwrap().iter().map(|one| one["_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(seen, listed, "no session is told twice or left out");
    assert_eq!(page("&_pageSize=2&_pagedResultsOffset=4")["result"][0]["_id"], json!(listed[4]));
    let current = client.get("vestibule/sessions?_queryFilter=current+eq+true").ok();
    assert_eq!(current["resultCount"], 1);
    client.get("vestibule/sessions?_queryFilter=true&_pagedResultsCookie=none").refused(400);
    client.get("vestibule/sessions?_queryFilter=true&_pagedResultsCookie=1&_pagedResultsOffset=1").refused(400);
    assert_eq!(client.get(&format!("vestibule/sessions/{}?_fields=browser", listed[0])).ok().as_object().unwrap().len(), 2);
}

#[test]
fn an_address_that_was_taken_meanwhile_is_not_confirmed() {
    let managed = json!({ "objects": [{ "name": "user", "schema": { "type": "object", "order": ["userName", "mail", "city", "password"], "required": ["userName"], "properties": {
        "userName": { "type": "string", "viewable": true, "userEditable": true, "policies": [{ "policyId": "unique" }] },
        "mail": { "type": "string", "viewable": true, "userEditable": true, "policies": [{ "policyId": "unique" }] },
        "city": { "type": "string", "viewable": true, "userEditable": true },
        "password": { "type": "string", "viewable": false, "userEditable": true, "isProtected": true } } } }] });
    let server = Server::on(Project::new().json("conf/managed.json", &managed)).start();
    let create = |tag: &str, mail: &str| Person::with(&server, tag, &json!({ "mail": mail }));
    let person = create("taken", &new_address());
    let client = signed_in(&server, &person);
    let address = new_address();
    let (to_new, _) = asked(&client, &person, &address);
    create("other", &address);
    press(&server, &link(&to_new), PASSWORD).page.is(400, "Use this email address for your account?").says("This is already taken");
    assert_eq!(person.read(&server)["mail"], json!(person.mail));
    // Whoever is signed in is not told that somebody has it (SEC-01).
    client.patch(&own(&person), &change(&address)).ok();
    assert_eq!(person.read(&server)["mail"], json!(person.mail));
}
