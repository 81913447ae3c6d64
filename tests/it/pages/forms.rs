//! Forms: their token, what is typed, what nobody types, and the headers of every page.

use super::{asked, server, visitor};
use crate::support::http::Request;
use crate::support::people::{PASSWORD, unused};
use crate::support::visitor::{Form, encode};
use crate::support::{Person, Server, Visitor};

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn a_form_that_this_browser_was_not_given_is_refused_before_signing_in_too() {
    let person = Person::create(server(), "form");
    let (mut here, mut foreign) = (visitor(), visitor());
    here.open("/sign-in");
    foreign.open("/sign-in");
    let (own, other) = (here.page.form(), foreign.page.form());
    let credentials = [("user", person.name.as_str()), ("password", PASSWORD)];
    here.send_form(&other, &credentials, None).is(403, "Sign in").says("This page was open for too long");
    assert!(
        here.page.html.contains(&format!("value=\"{}\"", person.name)) && !here.page.html.contains(PASSWORD),
        "typed text stays, secrets do not"
    );
    let bare = Form { fields: Vec::new(), ..own.clone() };
    here.send_form(&bare, &credentials, None).is(403, "Sign in");
    let mut cross = here.clone().with("Sec-Fetch-Site", "cross-site");
    cross.send_form(&own, &credentials, None).is(403, "Sign in");
    let mut cross = here.clone().with("Origin", "https://evil.example");
    cross.send_form(&own, &credentials, None).is(403, "Sign in");
    let mut opaque = here.clone().with("Origin", "null").with("Sec-Fetch-Site", "same-origin");
    opaque.send_form(&own, &credentials, None).is(200, "Hello Given");
    let stale = own;
    opaque.open("/account/personal");
    let before_session = Form { action: "/account/personal".into(), ..stale };
    opaque.send_form(&before_session, &[("givenName", "Forged")], None);
    assert_eq!(opaque.page.status, 403);
    assert_eq!(person.read(server())["givenName"], "Given");
}

#[test]
fn typed_text_survives_an_error_and_secrets_do_not() {
    let mut here = visitor();
    here.open("/registration");
    let odd = "a\u{202e}b <b>&\"' \u{0}c";
    here.submit(
        &[("user.userName", "x/y"), ("user.givenName", odd), ("user.sn", ""), ("user.mail", "no address"), ("password", "s3cretWord")],
        None,
    );
    here.page.is(400, "Create an account").says("Fill this in");
    for part in
        ["value=\"x/y\"", "value=\"no address\"", "a\u{202e}b &lt;b&gt;&amp;&quot;&#39;", "href=\"#f-user.sn\"", "aria-invalid=\"true\""]
    {
        assert!(here.page.html.contains(part), "{part}: {}", here.page.html);
    }
    assert!(!here.page.html.contains("s3cretWord"));
    let path = here.page.path.clone();
    here.open(&path);
    assert!(here.page.html.contains("value=\"x/y\""), "a reload loses nothing");
    here.submit(&[("user.sn", "Do"), ("password", "weak")], None);
    assert_eq!(here.page.status, 400);
    here.page.says("There is a problem");
}

/// SEC-27.
#[test]
fn every_field_has_a_label_and_its_autocomplete() {
    let person = Person::create(server(), "form");
    let (code, _, typed) = asked(&person);
    let mut here = visitor();
    let of = |form: Form| form.controls.into_iter().collect::<Vec<_>>();
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, token)| ((*name).to_owned(), (*token).to_owned())).collect::<Vec<_>>();
    here.open("/sign-in");
    assert_eq!(of(here.page.form()), pairs(&[("password", "current-password"), ("user", "username")]));
    here.open("/registration");
    let registration = [
        ("password", "new-password"),
        ("preferences.updates", ""),
        ("user.givenName", "given-name"),
        ("user.mail", "email"),
        ("user.sn", "family-name"),
        ("user.userName", "username"),
    ];
    assert_eq!(of(here.page.form()), pairs(&registration));
    assert_eq!(of(code.page.form()), pairs(&[("code", "one-time-code")]));
    let mut code = code;
    code.submit(&[("code", &typed)], None);
    assert_eq!(of(code.page.form()), pairs(&[("password", "new-password")]));
    for page in [&here.page, &code.page] {
        for name in page.form().controls.keys() {
            assert!(page.html.contains(&format!("<label for=\"f-{name}\"")), "{name}");
        }
    }
}

#[test]
fn bad_input_is_a_page_with_the_status_that_belongs_to_it() {
    let long = "x".repeat(1 << 20);
    let mut here = visitor();
    for path in ["/reset", "/username", "/registration", "/sign-in", "/code"] {
        here.open(path);
        let form = here.page.form();
        for value in [long.as_str(), "\u{0}\u{7}\r\n\t", "<script>alert(1)</script>", "\u{202e}\u{2066}abc", "' or 1=1 -- \"", "%", ""] {
            let values: Vec<(&str, &str)> = form.controls.keys().map(|name| (name.as_str(), value)).collect();
            here.send_form(&form, &values, None);
            assert!(
                (200..500).contains(&here.page.status) || here.page.status == 503,
                "{path} {} {}",
                here.page.status,
                &value[..value.len().min(20)]
            );
            assert!(here.page.html.contains("</html>") && !here.page.html.contains("<script>alert"), "{path}");
        }
        let fields = form.fields.clone();
        let raw = |body: String, kind: &str| Request::new("POST", &form.action).header("Content-Type", kind).body(body);
        let surrogate = format!("{}&who=%ED%A0%80&user=%ED%A0%80&link=%ff", encode(&fields));
        assert!(here.send(raw(surrogate, FORM)).status < 500, "{path}");
        assert_eq!(here.send(raw("{}".into(), "application/json")).status, 415, "{path}");
        assert_eq!(here.send(raw("x".into(), "multipart/form-data; boundary=x")).status, 415, "{path}");
        assert_eq!(here.send(raw("x=y".repeat(4 << 20), FORM)).status, 413, "{path}");
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"] {
            let answer = here.send(Request::new(method, path));
            assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, POST")), "{method} {path}");
            assert!(answer.text().contains("<h1>"), "{method}");
        }
        for at in ["x", "../..", "%00", &"y".repeat(3000)] {
            let answer = here.send(Request::new("GET", &format!("{path}?at={at}")));
            assert!(answer.status < 500, "{path} {at} {}", answer.status);
        }
    }
}

/// The forms of whoever is signed in, and those that a link or a process leads to.
#[test]
fn bad_input_is_a_page_on_every_other_form_too() {
    let person = Person::create(server(), "bad");
    let (code, link, typed) = asked(&person);
    let mut opened = visitor();
    opened.open(link.split("&code").next().unwrap()).is(200, "One step left");
    let mut choosing = code.clone();
    choosing.submit(&[("code", &typed)], None).is(200, "Choose a new password");
    let mut pages = vec![code, opened, choosing];
    for path in ["personal", "mail", "password", "questions", "preferences", "delete", "sessions", "notifications"] {
        let mut here = visitor();
        here.sign_in(&person.name, PASSWORD).is(200, "Hello Given");
        if here.open(&format!("/account/{path}")).status == 200 && !here.page.forms().is_empty() {
            pages.push(here);
        }
    }
    assert!(pages.len() >= 9, "{}", pages.len());
    let long = "x".repeat(1 << 20);
    for mut here in pages {
        let form = here.page.form();
        for value in [long.as_str(), "\u{0}\u{7}\r\n\t", "<script>alert(1)</script>", "\u{202e}\u{2066}abc", "' or 1=1 -- \"", "%", ""] {
            let names = form.controls.keys().filter(|name| !name.ends_with(".question")).chain([&form.action]);
            let values: Vec<(&str, &str)> = names.map(|name| (name.as_str(), value)).collect();
            here.send_form(&form, &values, None);
            let (status, html) = (here.page.status, &here.page.html);
            assert!((200..500).contains(&status) || status == 503, "{} {status} {}", form.action, &value[..value.len().min(20)]);
            assert!(html.contains("</html>") && !html.contains("<script>alert"), "{}: {html}", form.action);
        }
        let raw = |body: String, kind: &str| Request::new("POST", &form.action).header("Content-Type", kind).body(body);
        let surrogate = format!("{}&code=%ED%A0%80&password=%ff&givenName=%ED%A0%80", encode(&form.fields));
        assert!(here.send(raw(surrogate, FORM)).status < 500, "{}", form.action);
        assert_eq!(here.send(raw("{}".into(), "application/json")).status, 415, "{}", form.action);
        assert_eq!(here.send(raw("x=y".repeat(4 << 20), FORM)).status, 413, "{}", form.action);
    }
    assert_eq!(person.read(server())["mail"], person.mail.as_str());
}

#[test]
fn what_only_the_script_sends_says_how() {
    let answer = visitor().send(Request::new("GET", "/vestibule/policy"));
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}

#[test]
fn an_unknown_path_is_a_page_and_below_openidm_it_is_json() {
    for path in ["/nosuch", "/selfservice/nosuch", "/account/nosuch/x", "/..%2f", "/selfservice/..", "/a/b/c?d=e"] {
        let answer = Request::new("GET", path).send(server().address());
        assert_eq!((answer.status, answer.header("content-type")), (404, Some("text/html; charset=utf-8")), "{path}");
        assert!(answer.text().contains("Page not found"), "{path}");
    }
    assert_eq!(
        Request::new("GET", "/openidm/nosuch").send(server().address()).header("content-type"),
        Some("application/json;charset=utf-8")
    );
}

/// SEC-13.
#[test]
fn every_page_keeps_to_itself() {
    let mut here = visitor();
    for path in ["/", "/sign-in", "/reset", "/nosuch"] {
        here.open(path);
        let policy = here.page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        for (name, value) in [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff")] {
            assert_eq!(here.page.header(name), value, "{path}");
        }
        assert!(
            !here.page.html.contains(" style=") && !here.page.html.contains(" onclick") && !here.page.html.contains("<script>"),
            "{path}"
        );
        assert!(!here.page.html.contains("http://") || here.page.html.contains("w3.org/2000/svg"), "nothing comes from elsewhere");
    }
    here.open("/");
    let assets: Vec<String> = here
        .page
        .html
        .split("/vestibule/assets/")
        .skip(1)
        .map(|rest| format!("/vestibule/assets/{}", rest.split('"').next().unwrap()))
        .collect();
    assert_eq!(assets.len(), 2, "a page, a style sheet and a script are a first visit");
    let mut size = here.page.html.len();
    for asset in &assets {
        let answer = Request::new("GET", asset).send(server().address()).expect(200);
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
        size += answer.body.len();
        assert_eq!(Request::new("GET", &asset.replace(".css", "x.css").replace(".js", "x.js")).send(server().address()).status, 404);
    }
    assert!(size <= 20 * 1024, "{size} bytes, before anything is compressed");
    let cookie = Request::new("GET", "/").send(server().address()).header("set-cookie").unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
}

#[test]
fn too_many_attempts_say_when_to_come_back() {
    let files = super::project().file("vestibule.toml", "[limits]\nsubmissions_per_client_minute = 2\n");
    let server = Server::on(files).clock_stands().start();
    let mut here = Visitor::new(server.address());
    let mut statuses = Vec::new();
    for _ in 0..40 {
        here.open("/reset");
        here.submit(&[("who", &unused("nobody"))], None);
        statuses.push(here.page.status);
        if here.page.status == 429 {
            break;
        }
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    here.page.says("Too many attempts. Try again in").is(429, "Which account is it?");
    assert!(here.page.header("retry-after").parse::<u32>().unwrap() > 0);
    assert!(here.page.html.contains("value=\"nobody"), "what was typed stays");
    assert_eq!(server.metric("vestibule_limited_total", &["limit=\"submissions\""]), 1.0, "a form that is shown again is a refusal, too");
}

/// Rows that a stranger makes without any submission count like one: a link that was opened, a pasted one, a form with a fault in it.
#[test]
fn sec_52_what_is_kept_for_strangers_is_limited_before_it_is_kept() {
    let limits = "[limits]\nsubmissions_per_client_minute = 3\n";
    for way in ["opened", "pasted", "faulty form", "faulty sign-in"] {
        let server = Server::on(super::project().file("vestibule.toml", limits)).clock_stands().start();
        let mut statuses = Vec::new();
        for _ in 0..5 {
            let mut here = Visitor::new(server.address());
            match way {
                "opened" => {
                    here.open("/selfservice/reset?token=made.up&code=1");
                }
                "pasted" => {
                    here.open("/code");
                    here.submit(&[("link", "https://x/selfservice/reset?token=made.up&code=1")], None);
                }
                "faulty form" => {
                    here.open("/registration");
                    here.submit(&[("user.sn", "Doe")], None);
                }
                _ => {
                    here.open("/sign-in");
                    here.submit(&[("user", "somebody")], None);
                }
            }
            statuses.push(here.page.status);
        }
        assert_eq!(statuses[..3], [400; 3], "{way}: the page says what is wrong");
        assert_eq!(statuses[3..], [429; 2], "{way}: nothing more is kept");
    }
}
