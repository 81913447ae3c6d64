//! The first two minutes of a new user: the embedded project, a person added on the command line, mails at `/mail`.

use serde_json::{Value, json};

use crate::support::people::{NEW_PASSWORD, PASSWORD, query};
use crate::support::server::run;
use crate::support::{Link, Server};

fn add(server: &Server, name: &str) {
    let data = server.data();
    let mail = format!("{name}@example.test");
    let output = run(
        &[
            "user",
            "add",
            name,
            "--mail",
            &mail,
            "--given-name",
            "Barbara",
            "--surname",
            "Jensen",
            "--password-stdin",
            "--data",
            data.to_str().unwrap(),
        ],
        PASSWORD,
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The newest mail to an address at `/mail`; the submission that wrote it has been answered, so it is there.
fn newest_mail(server: &Server, address: &str) -> Value {
    let list = server.nobody().with("Accept", "application/json").get(&server.mail_page()).ok();
    let mails = list["result"].as_array().unwrap();
    let newest = mails.iter().filter(|mail| mail["to"] == address).max_by_key(|mail| mail["id"].as_i64());
    newest.unwrap_or_else(|| panic!("no mail for {address} in {list}")).clone()
}

fn asks(server: &Server, name: &str) -> (String, Value) {
    let client = server.anonymous();
    let first = client.get("selfservice/reset").ok();
    assert_eq!(first["type"], "parameters");
    let (body, token) = client.goes_on("reset", None, &json!({}));
    assert_eq!(body["type"], "userQuery");
    let (body, token) = client.goes_on("reset", Some(&token), &query("mail", &format!("{name}@example.test")));
    assert_eq!((&body["type"], &body["tag"]), (&json!("emailValidation"), &json!("validateCode")));
    (token, newest_mail(server, &format!("{name}@example.test")))
}

fn chooses(server: &Server, token: &str, proof: &Value) {
    let client = server.anonymous();
    let (body, token) = client.goes_on("reset", Some(token), proof);
    assert_eq!(body["type"], "resetStage");
    let end = client.submit("reset", Some(&token), &json!({ "password": NEW_PASSWORD })).ok();
    assert_eq!(end, json!({ "type": "resetStage", "tag": "end", "status": { "success": true }, "additions": {} }));
}

#[test]
fn a_newcomer_resets_a_password_by_link_and_by_code_and_finds_a_user_name() {
    let mut server = Server::default_project().start();
    let ping = server.anonymous().get("info/ping").ok();
    assert_eq!(ping["state"], "ACTIVE_READY");

    add(&server, "bjensen");
    assert!(server.signs_in("bjensen", PASSWORD), "a running server sees who was added");
    let (token, mail) = asks(&server, "bjensen");
    let link = Link::in_text(mail["body"].as_str().unwrap());
    assert!(link.url.starts_with(&format!("{}/selfservice/reset?&token=", server.url())), "{}", link.url);
    assert_eq!(link.token, token);
    chooses(&server, &link.token, &link.input());
    assert!(server.signs_in("bjensen", NEW_PASSWORD) && !server.signs_in("bjensen", PASSWORD));

    add(&server, "scarter");
    let (token, mail) = asks(&server, "scarter");
    let body = mail["body"].as_str().unwrap();
    let code = &body[body.find("<strong>").unwrap() + 8..body.find("</strong>").unwrap()];
    assert!(code.len() >= 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "typable: {code}");
    chooses(&server, &token, &json!({ "code": code }));
    assert!(server.signs_in("scarter", NEW_PASSWORD));

    let end = server.anonymous().submit("username", None, &query("mail", "bjensen@example.test")).ok();
    assert_eq!(end, json!({ "type": "emailUsername", "tag": "end", "status": { "success": true }, "additions": {} }));
    assert!(newest_mail(&server, "bjensen@example.test")["body"].as_str().unwrap().contains("<strong>bjensen</strong>"));

    assert_eq!(server.stop(), Some(0));
}

#[test]
fn mails_are_shown_only_to_who_brings_the_printed_secret_and_only_while_they_are_kept() {
    let server = Server::default_project().start();
    let address = server.mail_page();
    let html = || server.nobody().with("Accept", "text/html");
    let page = html().get(&address).expect(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.contains("; Path=/mail; HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    html().with("Cookie", cookie).get("/mail").expect(200);

    let (path, secret) = address.split_once("?key=").unwrap();
    assert!(secret.len() >= 43 && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{secret}");
    let wrong = format!("{path}?key={}", secret.chars().rev().collect::<String>());
    for shut in [path, &wrong, "/mail?key=", "/mail/1", "/mail?other=x"] {
        html().get(shut).expect(404);
    }
    for (name, value) in [
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Forwarded-Proto", "https"),
        ("X-Real-IP", "127.0.0.1"),
        ("Via", "1.1 proxy"),
        ("Forwarded", "for=203.0.113.9"),
        ("Host", "evil.example:80"),
    ] {
        assert_eq!(html().with(name, value).get(&address).status, 404, "{name}");
        assert_eq!(html().with(name, value).with("Cookie", cookie).get("/mail").status, 404, "{name}");
    }
    assert_eq!(crate::world::world().server.nobody().get("/mail").status, 404, "a project with a mail server shows nothing");
    assert_ne!(address, Server::default_project().start().mail_page(), "every start has a secret of its own");
}

#[test]
fn without_a_password_for_the_administrator_one_is_made_and_printed_once() {
    let mut server = Server::default_project().without_env("OPENIDM_ADMIN_PASSWORD").start();
    let line = |server: &Server| server.output_line("administrator: openidm-admin, password: ");
    let password = line(&server).expect("the password is printed");
    let password = password.split_whitespace().next().unwrap().to_owned();
    assert!(password.len() >= 20, "{password}");
    assert_eq!(server.user("openidm-admin", &password).get("managed/user?_queryFilter=true").status, 200);
    assert_eq!(server.user("openidm-admin", "openidm-admin").get("managed/user?_queryFilter=true").status, 401);
    assert_eq!(server.stop(), Some(0));
    server.start();
    assert_eq!(server.user("openidm-admin", &password).get("managed/user?_queryFilter=true").status, 200, "it is kept");
    assert_eq!(server.stop(), Some(0));
    assert!(!server.last_output().contains("password:"), "it is shown once");
}

#[test]
fn the_keys_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::default_project().own_keys().start();
    let mode = |path: std::path::PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(server.data().join("keys.json")), 0o600);
    assert_eq!(mode(server.data()), 0o700);
    assert_eq!(mode(server.data().join("audit")), 0o700, "whoever made the directory around it");
}
