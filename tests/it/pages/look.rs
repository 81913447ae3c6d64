//! Whose pages they are: brand, a project's own templates, messages and assets, languages, and what `check` says of them.

use serde_json::json;

use super::{project, visitor};
use crate::support::http::Request;
use crate::support::people::PASSWORD;
use crate::support::server::run;
use crate::support::{Person, Project, Server, Visitor};

fn home(server: &Server) -> String {
    Visitor::new(server.address()).open("/").html.clone()
}

#[test]
fn a_project_puts_its_name_colours_logo_and_links_on_the_pages() {
    let toml = "[limits]\nenabled = false\n[pages]\nname = \"Exämple & Co\"\nlogo = \"logo.svg\"\ncolor = \"#0b5\"\ncolor_dark = \"#d4b3ff\"\nlinks = { \"Privacy\" = \"https://example.test/privacy\" }\n";
    let branded =
        Server::on(project().file("vestibule.toml", toml).file("pages/assets/logo.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"))
            .start();
    let page = home(&branded);
    assert!(page.contains("<title>Welcome – Exämple &amp; Co</title>") && page.contains("https://example.test/privacy"), "{page}");
    let logo = page.split("<img src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let logo = Request::new("GET", &logo).send(branded.address()).expect(200);
    assert_eq!(logo.header("content-type"), Some("image/svg+xml"));
    assert!(logo.header("content-security-policy").unwrap().contains("sandbox"));
    let style = page.split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let style = Request::new("GET", &style).send(branded.address()).text();
    assert!(style.contains("--accent:#00"), "the colour is made readable");
    assert!(style.contains("(prefers-color-scheme:dark){:root{--accent:#d4b3ff"), "and on a dark ground it is another");
    let theme =
        r#"{"settings": {"logo": {"src": "images/logo.png", "title": "Themed", "alt": "T"}, "footer": {"mailto": "help@example.test"}}}"#;
    let themed = home(&Server::on(project().file("conf/ui-themeconfig.json", theme)).start());
    assert!(themed.contains("– Themed</title>") && themed.contains("mailto:help@example.test") && !themed.contains("<img"), "{themed}");
}

#[test]
fn templates_messages_and_styles_are_overridden_while_the_server_runs() {
    let server = Server::on(project()).start();
    assert!(home(&server).contains("<h1>Welcome</h1>"));
    for folder in ["templates", "messages/en", "assets"] {
        std::fs::create_dir_all(server.project().join("pages").join(folder)).unwrap();
    }
    let shows = |words: &str| {
        for _ in 0..400 {
            if home(&server).contains(words) {
                return;
            }
            server.advance(2);
        }
        panic!("never shown: {words}\n{}\n{}", home(&server), server.log());
    };
    server.write("pages/messages/en/own.ftl", "landing-title = Good day\n");
    shows("<h1>Good day</h1>");
    server.write("pages/templates/landing.html", "{% extends \"layout.html\" %}{% block title %}x{% endblock %}{% block main %}<h1>Own {{ t(\"landing-title\") }}</h1>{% endblock %}");
    shows("<h1>Own Good day</h1>");
    let mark = server.log_mark();
    server.write("pages/templates/landing.html", "line one\n{% if %}");
    shows("<h1>Good day</h1>");
    let said = server.logged(mark, "pages/templates/landing.html");
    assert!(said.contains("line=2"), "{said}");
    let mark = server.log_mark();
    server.write("pages/templates/landing.html", "a\n{% for i in range(10000) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}");
    server.advance(2);
    assert!(home(&server).contains("<h1>Good day</h1>"), "a template has limits");
    server.logged(mark, "pages/templates/landing.html");
    server.write("pages/templates/landing.html", "{% extends \"layout.html\" %}{% block main %}<h1>Short</h1>{% endblock %}");
    shows("<h1>Short</h1>");
    server.write("pages/assets/style.css", "body{color:red}");
    for _ in 0..400 {
        server.advance(2);
        let style = home(&server).split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        if Request::new("GET", &style).send(server.address()).text().starts_with("body{color:red}") {
            return;
        }
    }
    panic!("the style was never read again: {}", server.log());
}

#[test]
fn check_renders_an_operators_templates_and_says_what_is_wrong_with_them() {
    let page = "{% extends \"layout.html\" %}{% block title %}x{% endblock %}{% block main %}<form method=\"post\"><input id=\"a\" name=\"user\"><input id=\"a\" name=\"password\" type=\"password\"></form>{{ brand.name | safe }}{% endblock %}";
    let files = project()
        .file("pages/templates/sign-in.html", page)
        .file("pages/messages/en/own.ftl", "broken = { $\n")
        .file("pages/messages/ar/own.ftl", "sign-out = Out\nsingin = In\n");
    let directory = tempfile::tempdir().unwrap();
    files.write_to(directory.path());
    let output = run(&["check", "--project", directory.path().to_str().unwrap()], "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    for part in [
        "pages/templates/sign-in.html",
        "the id 'a' stands twice",
        "has no label",
        "no form token",
        "lost autocomplete",
        "was not escaped",
        "pages/messages/en/own.ftl:1",
        "pages/messages/ar/own.ftl:2",
        "no page says the message 'singin'",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    assert_eq!(output.status.code(), Some(1), "{said}");
}

#[test]
fn our_pages_can_be_switched_off_and_stand_beside_another_clients() {
    let off = Server::on(project().file("vestibule.toml", "[pages]\nbuiltin = false\n")).start();
    for path in ["/", "/sign-in", "/reset", "/selfservice/reset"] {
        let answer = Request::new("GET", path).send(off.address());
        assert_eq!((answer.status, answer.header("content-type")), (404, Some("application/json;charset=utf-8")), "{path}");
    }
    let files = project()
        .file("vestibule.toml", "[pages]\ndir = \"ui\"\n")
        .file("ui/index.html", "<!DOCTYPE html><p>theirs")
        .file("ui/js/app.js", "1");
    let beside = Server::on(files).start();
    assert!(Request::new("GET", "/").send(beside.address()).text().contains("theirs"));
    assert_eq!(Request::new("GET", "/js/app.js").send(beside.address()).status, 200);
    assert!(Request::new("GET", "/reset").send(beside.address()).text().contains("Which account is it?"));
}

#[test]
fn a_project_without_a_process_does_not_offer_it_and_one_that_is_off_says_so() {
    let switched = r#"{"configuration": {"selfRegistration": false, "passwordReset": true, "forgotUsername": true}}"#;
    let server = Server::on(project().file("conf/ui-configuration.json", switched)).start();
    let mut here = Visitor::new(server.address());
    assert!(!here.open("/").html.contains("/registration"));
    here.open("/registration").is(403, "This is not available");
    let bare = Server::on(Project::new()).start();
    assert!(!home(&bare).contains("/reset"));
}

#[test]
fn the_language_of_a_page_is_the_persons() {
    for (accepted, language, direction) in [
        ("tlh, en;q=0.5", "en", "ltr"),
        ("de-AT, en;q=0.5", "de", "ltr"),
        ("fr-CA", "fr", "ltr"),
        ("es-MX, de;q=0.1", "es", "ltr"),
        ("ja", "ja", "ltr"),
        ("ar-EG, en;q=0.9", "ar", "rtl"),
    ] {
        let mut here = visitor().with("Accept-Language", accepted);
        let page = here.open("/sign-in").html.clone();
        assert!(page.contains(&format!("<html lang=\"{language}\" dir=\"{direction}\">")), "{page}");
        assert!(page.contains("lang=\"ar\" dir=\"rtl\">العربية<"), "each language is offered by its own name: {page}");
    }
}

#[test]
fn whoever_chooses_a_language_stays_where_they_were_and_goes_where_they_were_going() {
    let mut here = visitor();
    for path in ["/sign-in?to=%2Faccount%2Fprofile", "/reset?returnParams=a%26b", "/", "/username"] {
        let page = here.open(path).html.clone();
        // The form at the foot is the last one.
        let last = |name: &str| page.rsplit(&format!("name=\"{name}\" value=\"")).next().unwrap().split('"').next().unwrap().to_owned();
        let fields = vec![("form_token".to_owned(), last("form_token")), ("to".to_owned(), last("to"))];
        let form = crate::support::visitor::Form { action: "/language".into(), fields, ..Default::default() };
        here.send_form(&form, &[("language", if path == "/" { "en" } else { "de" })], None);
        assert_eq!(here.page.path, path);
    }
    for elsewhere in ["//evil.example", "/sign-in\\x", "/sign-inx"] {
        let token = here.page.html.rsplit("name=\"form_token\" value=\"").next().unwrap().split('"').next().unwrap().to_owned();
        let form =
            crate::support::visitor::Form { action: "/language".into(), fields: vec![("form_token".into(), token)], ..Default::default() };
        here.send_form(&form, &[("language", "en"), ("to", elsewhere)], None);
        assert_eq!(here.page.path, "/sign-in", "{elsewhere}");
    }
}

#[test]
fn a_chosen_language_stays_with_the_browser_and_with_the_profile() {
    let text = || json!({ "type": "string", "viewable": true, "userEditable": true });
    let schema = json!({ "type": "object", "required": ["userName"], "order": ["userName", "givenName", "sn", "mail", "preferredLanguage", "password"], "properties": {
        "userName": text(), "givenName": text(), "sn": text(), "mail": text(), "preferredLanguage": text(),
        "password": { "type": "string", "viewable": false, "userEditable": true, "isProtected": true } } });
    let server = Server::on(project().json("conf/managed.json", &json!({ "objects": [{ "name": "user", "schema": schema }] }))).start();
    let person = Person::with(&server, "reads", &json!({ "preferredLanguage": "ja-JP" }));
    let speaks = |page: &str, language: &str| assert!(page.contains(&format!("<html lang=\"{language}\"")), "{language}: {page}");

    let mut here = Visitor::new(server.address()).with("Accept-Language", "fr");
    speaks(&here.open("/sign-in").html, "fr");
    speaks(&here.sign_in(&person.name, PASSWORD).html, "ja");
    let mut form = here.open("/account/personal").form();
    form.action = "/language".to_owned();
    form.fields.retain(|(name, _)| name == "form_token");
    speaks(&here.send_form(&form, &[("language", "ar"), ("to", "/account")], None).html, "ar");
    assert_eq!(person.read(&server)["preferredLanguage"], "ar");
    speaks(&Visitor::new(server.address()).sign_in(&person.name, PASSWORD).html, "ar");
    assert_eq!(here.send_form(&form, &[("language", "tlh"), ("to", "/account")], None).status, 404);
}
