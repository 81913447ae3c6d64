//! The mail services of `external.email.json`: logins by token, Microsoft Graph, templates, media types, and who can be written to.

use serde_json::{Value, json};

use crate::support::peer::Peer;
use crate::support::people::unused;
use crate::support::server::Setup;
use crate::support::sink::{Answer, Sink};
use crate::support::stages::{email_validation, with};
use crate::support::{Person, Project, Server, mailbox};
use crate::world::reset_by_mail;

fn address(name: &str) -> String {
    format!("{}@example.test", unused(name))
}

fn direct(to: &str) -> Value {
    json!({ "to": to, "subject": "Direct", "type": "text/html", "body": "<p>Hello</p>" })
}

/// A token endpoint that gives a token, and a different one each time it is asked.
fn token_endpoint() -> Peer {
    let count = std::sync::atomic::AtomicU32::new(1);
    Peer::start(move |asked| {
        let form: Vec<&str> = asked.body.split('&').collect();
        let known = ["grant_type=client_credentials", "client_id=client", "client_secret=s3cret", "scope=one+two"];
        if !known.iter().all(|pair| form.contains(pair)) {
            return ("401 Unauthorized", json!({ "error": "invalid_client", "error_description": "who are you" }).to_string());
        }
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        ("200 OK", json!({ "token_type": "Bearer", "access_token": format!("token-{number}"), "expires_in": 3600 }).to_string())
    })
}

fn oauth(tokens: &Peer, secret: &str) -> Value {
    json!({ "enable": true, "type": "oauth2", "username": "desk@example.test", "clientId": "client", "clientSecret": secret,
        "tokenEndpoint": tokens.url("/token"), "scope": ["one", "two"] })
}

/// A server whose environment names a proxy that nobody answers for.
fn behind_a_proxy(setup: Setup) -> Setup {
    ["HTTP_PROXY", "http_proxy", "ALL_PROXY"].into_iter().fold(setup, |setup, name| setup.env(name, "http://127.0.0.1:9"))
}

#[test]
fn an_smtp_server_is_logged_in_to_with_a_token_that_is_kept() {
    use base64::Engine as _;
    let tokens = token_endpoint();
    let sink = Sink::with(&["PIPELINING", "AUTH XOAUTH2"], |at| match at.name {
        "AUTH" => Answer::Say("235 welcome"),
        "MAIL" if at.connection == 0 => Answer::Close,
        _ => Answer::Usual,
    });
    let mut config = sink.config();
    config["auth"] = oauth(&tokens, "s3cret");
    // Nothing of this machine goes by way of a proxy, which would be given the secret in clear.
    let server = behind_a_proxy(Server::on(Project::new().json("conf/external.email.json", &config))).start();
    let log = server.log_mark();
    let (first, second) = (address("oauth"), address("oauth"));
    server.admin().post("external/email?_action=send&waitForCompletion=false", &direct(&first)).ok();
    server.logged(log, "a mail was not delivered");
    server.admin().post("external/email?_action=send", &direct(&second)).ok();
    let logins: Vec<String> =
        sink.commands().into_iter().filter_map(|(_, line)| line.strip_prefix("AUTH XOAUTH2 ").map(str::to_owned)).collect();
    let said = base64::prelude::BASE64_STANDARD.decode(&logins[0]).unwrap();
    assert_eq!(String::from_utf8(said).unwrap(), "user=desk@example.test\x01auth=Bearer token-1\x01\x01");
    assert_eq!((logins.len(), tokens.asked().len()), (2, 1), "one token serves until it ends");
    assert!(!server.log().contains("token-1") && !server.log().contains("s3cret"));
}

#[test]
fn a_refused_client_loses_no_mail_and_its_secret_is_told_to_nobody() {
    let tokens = token_endpoint();
    let sink = Sink::with(&["AUTH XOAUTH2"], |_| Answer::Usual);
    let mut config = sink.config();
    config["auth"] = oauth(&tokens, "wr0ng");
    let server = Server::on(Project::new().json("conf/external.email.json", &config)).start();
    let log = server.log_mark();
    let to = address("wrong");
    server.admin().post("external/email?_action=send&waitForCompletion=false", &direct(&to)).ok();
    let line = server.logged(log, "a mail was not delivered");
    assert!(line.contains("given_up=false") && line.contains("invalid_client") && !server.log().contains("wr0ng"), "{line}");
    let shown = server.admin().get("config/external.email").ok();
    assert!(!shown.to_string().contains("wr0ng"), "{shown}");
}

/// Graph takes mails with the newest token, refuses others, and says what of a mail it does not like.
#[test]
fn microsoft_graph_gets_a_message_and_a_new_token_when_the_old_one_is_refused() {
    let tokens = token_endpoint();
    let graph = Peer::start(|asked| match asked.header("authorization") {
        _ if asked.body.contains("refuse-") => {
            ("400 Bad Request", json!({ "error": { "code": "ErrorInvalidRecipients", "message": "no" } }).to_string())
        }
        Some("Bearer token-2") => ("202 Accepted", String::new()),
        _ => ("401 Unauthorized", json!({ "error": { "code": "InvalidAuthenticationToken" } }).to_string()),
    });
    let config = json!({ "type": "msgraph", "mailEndpoint": graph.url("/v1.0/users/desk/sendMail"), "from": "Desk <desk@example.test>",
        "auth": oauth(&tokens, "s3cret") });
    let project = Project::new().json("conf/external.email.json", &config).process("reset", &reset_by_mail());
    let server = behind_a_proxy(Server::on(project)).start();
    let to = address("graph");
    server.admin().post("external/email?_action=send", &direct(&to)).ok();
    let asked = graph.asked();
    let last = asked.last().unwrap();
    assert_eq!((asked.len(), last.line.as_str()), (2, "POST /v1.0/users/desk/sendMail HTTP/1.1"));
    assert_eq!(
        serde_json::from_str::<Value>(&last.body).unwrap(),
        json!({ "message": {
            "subject": "Direct", "body": { "contentType": "HTML", "content": "<p>Hello</p>" },
            "toRecipients": [{ "emailAddress": { "address": to } }],
            "from": { "emailAddress": { "address": "desk@example.test", "name": "Desk" } },
        }, "saveToSentItems": false })
    );
    let refused = server.admin().post("external/email?_action=send", &direct(&format!("refuse-{to}"))).refused(400);
    assert_eq!(refused, "The mail server refuses to deliver the mail");
    let person = Person::create(&server, "graph");
    server.anonymous().goes_on("reset", None, &person.query());
    let delivered = || server.mails_to(&person.mail).into_values().eq(["delivered"]);
    assert!((0..10_000).any(|_| delivered()), "{}", server.log());
    assert_eq!(server.metric("vestibule_mail_total", &["dead"]), 1.0, "{}", server.log());
}

/// Whatever is asked of a busy service counts against whoever asks, so it is left alone for as long as it says.
#[test]
fn a_service_that_is_too_busy_is_asked_again_when_it_says() {
    let tokens = token_endpoint();
    let graph =
        Peer::start(|_| ("429 Too Many Requests\r\nRetry-After: 300", json!({ "error": { "code": "TooManyRequests" } }).to_string()));
    let config =
        json!({ "type": "msgraph", "mailEndpoint": graph.url("/sendMail"), "from": "desk@example.test", "auth": oauth(&tokens, "s3cret") });
    let server = behind_a_proxy(Server::on(Project::new().json("conf/external.email.json", &config))).start();
    for said in ["429", "it said so of an earlier mail"] {
        let log = server.log_mark();
        server.admin().post("external/email?_action=send&waitForCompletion=false", &direct(&address("busy"))).ok();
        let line = server.logged(log, "a mail was not delivered");
        assert!(line.contains(said) && line.contains("given_up=false"), "{line}");
    }
    assert_eq!(graph.asked().len(), 1);
}

#[test]
fn a_mail_with_attachments_is_refused_and_a_sender_may_have_a_name() {
    let server = Server::on(Project::new()).start();
    let to = address("named");
    let mut mail = direct(&to);
    mail["from"] = json!("The desk <desk@example.test>");
    mail["attachments"] = json!([{ "filename": "a.pdf", "content": "AA==" }]);
    server.admin().post("external/email?_action=send", &mail).refused(400);
    mail["attachments"] = json!([]);
    server.admin().post("external/email?_action=send", &mail).ok();
    let sent = mailbox().wait_for(&to);
    assert_eq!((sent.from.as_str(), sent.header("From")), ("desk@example.test", "The desk <desk@example.test>"));
}

#[test]
fn a_template_is_sent_to_whom_the_administrator_says_about_what_they_say() {
    let template = json!({
        "enabled": true, "from": "Desk <desk@example.test>", "subject": { "en": "Hello {{object.givenName}}", "fr": "Bonjour {{object.givenName}}" },
        "message": { "en": "<p>{{object.sn}}</p>", "fr": "<p>fr {{object.sn}}</p>" }, "mimeType": "text/html; charset=ISO-8859-1", "defaultLocale": "en",
    });
    let off = json!({ "enabled": false, "subject": { "en": "x" }, "message": { "en": "x" } });
    let project = Project::new().json("conf/emailTemplate-hello.json", &template).json("conf/emailTemplate-off.json", &off);
    let server = Server::on(project).start();
    let send = |body: Value| server.admin().post("external/email?_action=sendTemplate", &body);
    let (to, copy) = (address("tpl"), address("tpl"));
    let object = json!({ "givenName": "Ann\r\nBcc: x@y.test", "sn": "<b>{{object.givenName}}" });
    let done = send(json!({ "templateName": "hello", "to": to, "cc": copy, "object": object })).ok();
    assert_eq!(done, json!({ "status": "OK", "message": "Email sent" }));
    let mail = mailbox().wait_for(&to);
    assert_eq!((mail.subject(), mail.body.trim()), ("Hello Ann Bcc: x@y.test", "<p>&lt;b&gt;{{object.givenName}}</p>"));
    assert_eq!((mail.from.as_str(), mail.header("From")), ("desk@example.test", "Desk <desk@example.test>"));
    assert_eq!(mail.header("Content-Type"), "text/html; charset=\"utf-8\"");
    assert_eq!(mailbox().wait_for(&copy).to, [copy], "everybody gets a mail of their own");
    let french = address("tpl");
    send(json!({ "templateName": "emailTemplate/hello", "to": french, "object": { "sn": "x" }, "_locale": "fr" })).ok();
    assert_eq!(mailbox().wait_for(&french).body.trim(), "<p>fr x</p>");
    for (body, status) in [
        (json!({ "templateName": "hello" }), 400),
        (json!({ "to": to }), 400),
        (json!({ "templateName": "hello", "to": to, "object": "x" }), 400),
        (json!({ "templateName": "hello", "to": "x" }), 400),
        (json!({ "templateName": "off", "to": to }), 404),
        (json!({ "templateName": "../hello", "to": to }), 404),
    ] {
        send(body).refused(status);
    }
    server.anonymous().post("external/email?_action=sendTemplate", &json!({ "templateName": "hello", "to": to })).refused(403);
}

fn validation() -> Project {
    Project::new().process("confirm", &[with(email_validation(), "identityEmailField", json!("mail"))])
}

/// One rule at every door: what the policy takes can be mailed, or is refused with the reason.
#[test]
fn an_address_beyond_ascii_is_sent_where_the_server_takes_it_and_refused_where_it_does_not() {
    let (modern, old) = (Sink::start(|_| Answer::Usual), Sink::with(&["PIPELINING"], |_| Answer::Usual));
    let on = |sink: &Sink, properties: &Value| {
        let mut config = sink.config();
        config["smtpProperties"] = properties.clone();
        Server::on(validation().json("conf/external.email.json", &config)).start()
    };
    let umlaut = format!("jörg-{}@bücher.example", unused("u"));
    let allowed = json!(["mail.mime.allowutf8=true"]);
    let server = on(&modern, &allowed);
    server.anonymous().goes_on("confirm", None, &json!({ "mail": umlaut }));
    let wire = umlaut.replace("bücher", "xn--bcher-kva");
    let mail = modern.mail(&wire);
    assert!(mail.mail_line.ends_with(" SMTPUTF8"), "{}", mail.mail_line);
    assert!(mail.text.contains(&format!("To: {wire}\r\n")), "{}", mail.text);
    server.admin().post("external/email?_action=send", &direct(&format!("x{umlaut}"))).ok();
    Person::with(&server, "umlaut", &json!({ "mail": umlaut }));

    for (sink, properties, stage, service) in
        [(&old, allowed, "SMTPUTF8", "SMTPUTF8"), (&modern, json!([]), "mail is not a mail address", "Bad To: email address")]
    {
        let server = on(sink, &properties);
        let said = server.anonymous().submit("confirm", None, &json!({ "mail": umlaut })).refused(400);
        assert!(said.contains(stage), "{said}");
        let said = server.admin().post("external/email?_action=send", &direct(&umlaut)).refused(400);
        assert!(said.contains(service), "{said}");
        let domain = format!("{}@bücher.example", unused("d"));
        server.anonymous().goes_on("confirm", None, &json!({ "mail": domain }));
        let mail = sink.mail(&domain.replace("bücher", "xn--bcher-kva"));
        assert!(!mail.mail_line.contains("SMTPUTF8"), "{}", mail.mail_line);
    }
}

#[test]
fn the_policy_and_the_mail_stage_agree_on_what_an_address_is() {
    let server = Server::on(validation()).start();
    let policy = |address: &str| {
        let body = json!({ "object": { "mail": address }, "properties": { "mail": address } });
        let verdict = server.admin().post("policy/managed/user/-?_action=validateProperty", &body).ok();
        verdict["result"] == json!(true)
    };
    for (address, good) in [
        ("a.b+c@example.test", true),
        ("o'brien@example.test", true),
        ("a@xn--bcher-kva.example", true),
        ("info@bücher.example", true),
        ("a..b@example.test", false),
        (".a@example.test", false),
        ("a@-example.test", false),
        ("a@example..test", false),
        ("\"a b\"@example.test", false),
        ("a@[127.0.0.1]", false),
        ("a\u{200b}@example.test", false),
        ("a@exa\u{202e}mple.test", false),
        ("A <a@example.test>", false),
        ("a@example.test,b@example.test", false),
    ] {
        assert_eq!(policy(address), good, "policy: {address}");
        let answer = server.anonymous().submit("confirm", None, &json!({ "mail": address }));
        assert_eq!(answer.status == 200, good, "stage: {address}: {}", answer.text());
        let sent = server.admin().post("external/email?_action=send&waitForCompletion=false", &direct(address));
        // A comma parts recipients here.
        assert_eq!(sent.status == 200, good || address.contains(','), "service: {address}: {}", sent.text());
    }
}
