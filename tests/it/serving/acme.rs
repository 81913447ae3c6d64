//! Certificates that are ordered: a real authority issues them, looks at names over TLS, is away, and refuses.

use std::net::SocketAddr;

use store::testing::Postgres;

use crate::postgres::keys_are_made;
use crate::support::authority::{Authority, Place, served};
use crate::support::http::Request;
use crate::support::server::{ADMIN_PASSWORD, check, run};
use crate::support::tls::Tls;
use crate::support::{Project, Server};

const ISSUED: &str = "a certificate was issued";
const SERVED: &str = "the certificate that was ordered is served";
const FAILED: &str = "no certificate was issued, the next attempt is in";
const DAY: u64 = 24 * 3600;

fn project(place: &Place, domains: &[&str], more: &str) -> Project {
    let settings = format!("[limits]\nenabled = false\n[audit]\nrequired = false\n{more}\n{}", place.settings(domains));
    Project::new().file("vestibule.toml", settings).file("tls/authority.pem", place.ca())
}

fn ping() -> Request {
    let request = Request::new("GET", "/openidm/info/ping").header("X-OpenIDM-Username", "anonymous");
    request.header("X-OpenIDM-Password", "anonymous").header("X-OpenIDM-NoSession", "true")
}

fn status(client: &Tls, to: SocketAddr, target: &str) -> u16 {
    client.send(to, &Request::new("GET", target)).unwrap().status
}

fn metric(client: &Tls, server: &Server, begins: &str) -> f64 {
    let request = Request::new("GET", "/metrics").header("X-OpenIDM-Username", "openidm-admin");
    let text = client.send(server.address(), &request.header("X-OpenIDM-Password", ADMIN_PASSWORD)).unwrap().expect(200).text();
    let line = text.lines().find_map(|line| line.strip_prefix(begins)).unwrap_or_else(|| panic!("{begins}: {text}"));
    line.trim().parse().unwrap()
}

/// What `vestibule doctor` says of the certificate, and how it ends.
fn doctor(server: &Server) -> String {
    let (project, data) = (server.project().display().to_string(), server.data().display().to_string());
    let text = String::from_utf8(run(&["doctor", "--json", "--project", &project, "--data", &data], "").stdout).unwrap();
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = rows.as_array().unwrap().iter().filter(|row| row["check"] == "tls");
    rows.map(|row| format!("{}: {}\n", row["health"].as_str().unwrap(), row["found"].as_str().unwrap())).collect::<Vec<_>>().concat()
}

/// A server whose first certificate was issued.
fn certified(place: &Place, authority: &Authority, project: Project) -> (Server, Tls) {
    let server = Server::on(project).start();
    place.leads_to(&[server.address()]);
    server.logged(0, ISSUED);
    server.logged(0, SERVED);
    (server, authority.believed())
}

#[test]
fn a_certificate_is_ordered_served_kept_and_renewed() {
    let place = Place::new();
    let authority = place.start(0);
    // Before the first look, so that no attempt fails.
    let (mut server, client) = certified(&place, &authority, project(&place, &["localhost"], ""));
    let answer = client.send(server.address(), &ping()).unwrap();
    assert_eq!((answer.status, answer.header("strict-transport-security")), (200, Some("max-age=31536000")), "{}", answer.text());
    assert_eq!((status(&client, server.address(), "/health/ready"), authority.orders()), (200, 1));
    assert_eq!(metric(&client, &server, "vestibule_tls_orders_total{outcome=\"issued\"}"), 1.0);
    assert!(metric(&client, &server, "vestibule_tls_expires_timestamp_seconds ") > 1.7e9);
    let challenged = Tls::trusting_anybody().offering(&["acme-tls/1"]).connect(server.address());
    assert!(challenged.is_err(), "nothing is shown while no order is open");
    let said = doctor(&server);
    assert!(
        said.starts_with("good: the certificate is good for 89 days") || said.starts_with("good: the certificate is good for 90 days"),
        "{said}"
    );
    let first = served(&client, server.address()).unwrap();

    assert_eq!(server.stop(), Some(0));
    assert!(!server.last_log().contains("PRIVATE KEY"));
    for file in ["vestibule.db", "vestibule.db-wal"] {
        let bytes = std::fs::read(server.data().join(file)).unwrap_or_default();
        assert!(!bytes.windows(11).any(|text| text == b"PRIVATE KEY" || text == b"CERTIFICATE"), "{file} holds it in the clear");
    }
    server.start();
    assert_eq!(served(&client, server.address()), Some(first.clone()), "it is there from the first moment");
    assert_eq!(status(&client, server.address(), "/health/ready"), 200);

    place.leads_to(&[server.address()]);
    let mark = server.log_mark();
    server.advance(61 * DAY);
    server.logged(mark, ISSUED);
    server.logged(mark, SERVED);
    let second = served(&client, server.address()).unwrap();
    assert!(second != first && authority.orders() == 2, "the start ordered nothing");
    if authority.wants_renewal(&second) {
        let mark = server.log_mark();
        server.advance(DAY);
        server.logged(mark, "the authority wants the certificate to be renewed earlier");
        server.logged(mark, SERVED);
        assert!(served(&client, server.address()).unwrap() != second);
    }
    assert!(!authority.log().contains("POST /sign-me-up") || authority.log().matches("POST /sign-me-up ").count() == 1, "one account");
}

#[test]
fn while_the_authority_is_away_only_the_servers_state_is_told_and_it_is_asked_again_later() {
    let place = Place::new();
    let mut server = Server::on(project(&place, &["localhost"], "")).start();
    let anybody = Tls::trusting_anybody();
    let said = server.logged(0, FAILED);
    assert!(said.contains("refused") && said.contains("tls.attempts=1"), "{said}");
    for (target, expected) in [("/health/live", 200), ("/health/ready", 503), ("/openidm/info/ping", 503), ("/reset", 503)] {
        assert_eq!(status(&anybody, server.address(), target), expected, "{target}");
    }
    let said = doctor(&server);
    assert!(said.contains("doubtful: no certificate was issued yet") && said.contains("bad: 1 attempts to order"), "{said}");
    // How long to wait is known after a start, too.
    server.kill();
    server.start();
    let mark = server.log_mark();
    server.advance(70);
    let said = server.logged(mark, FAILED);
    assert!(said.contains("attempts=2"), "{said}");
    let authority = place.start(0);
    place.leads_to(&[server.address()]);
    let mark = server.log_mark();
    server.advance(700);
    server.logged(mark, SERVED);
    assert_eq!(authority.believed().send(server.address(), &ping()).unwrap().status, 200);
    let said = doctor(&server);
    assert!(said.starts_with("good") && !said.contains("attempts"), "{said}");
}

#[test]
fn what_an_authority_refuses_is_said_in_its_words_and_tried_less_and_less() {
    let place = Place::new();
    let authority = place.start(0);
    let blocked = Server::on(project(&place, &["blocked.example"], "")).start();
    let said = blocked.logged(0, FAILED);
    assert!(said.contains("rejectedIdentifier"), "{said}");
    drop(blocked);
    // The name leads to somebody else, who speaks TLS too.
    let server = Server::on(project(&place, &["localhost"], "")).start();
    let other = Server::on(Project::new()).start();
    place.leads_to(&[other.address()]);
    let said = server.logged(0, FAILED);
    assert!(said.contains("the authority did not find this server at localhost"), "{said}");
    let mark = server.log_mark();
    place.leads_to(&[server.address()]);
    server.advance(70);
    server.logged(mark, SERVED);
    assert_eq!(authority.believed().send(server.address(), &ping()).unwrap().status, 200);
}

#[test]
fn an_authority_that_refuses_many_good_nonces_is_asked_again_with_others() {
    let place = Place::new();
    let authority = place.start(35);
    let server = Server::on(project(&place, &["localhost"], "")).start();
    place.leads_to(&[server.address()]);
    // Without a second try hardly any of a conversation's ten requests would be let through, all of them never.
    let mut mark = 0;
    for _ in 0..12 {
        if server.logged_any(mark, &[SERVED, FAILED]).contains(SERVED) {
            break;
        }
        mark = server.log_mark();
        server.advance(DAY);
    }
    server.logged(0, SERVED);
    assert_eq!(authority.believed().send(server.address(), &ping()).unwrap().status, 200);
}

#[test]
fn two_nodes_order_once_and_whichever_is_asked_answers() {
    let url = Postgres::shared().store_named("acme");
    keys_are_made();
    let place = Place::new();
    let node = || Server::on(project(&place, &["localhost"], &format!("[store]\nurl = \"{url}\"\n"))).start();
    let (first, second) = (node(), node());
    // The authority comes when both are there: what the first one could not order is everybody's next attempt.
    first.logged(0, FAILED);
    let authority = place.start(0);
    place.leads_to(&[first.address(), second.address()]);
    for node in [&first, &second] {
        node.advance(70);
    }
    for node in [&first, &second] {
        node.logged(0, SERVED);
    }
    let client = authority.believed();
    let shown = [&first, &second].map(|node| served(&client, node.address()).unwrap());
    assert_eq!((shown[0].clone(), authority.orders()), (shown[1].clone(), 1), "one certificate for both");
    let asked = [&first, &second].map(|node| node.log().matches("an authority looks whether this name leads here").count());
    assert!(asked.iter().all(|times| *times > 0), "{asked:?}");
    let third = node();
    assert_eq!(served(&client, third.address()), Some(shown[0].clone()), "a node that comes later has it");
}

#[test]
fn settings_that_cannot_be_used_refuse_the_start_and_check_says_where() {
    let place = Place::new();
    let good = place.settings(&["localhost"]);
    for (settings, words) in [
        (good.replace("terms_agreed = true\n", ""), "[tls.acme] terms_agreed: the authority's terms of service are not agreed to"),
        (good.replace("https:", "http:"), "[tls.acme] directory: 'http:"),
        (good.replace("\"localhost\"", "\"*.example.com\""), "write them one by one"),
        (good.replace("\"localhost\"", ""), "[tls.acme] domains: missing key 'domains'"),
        (good.replace("authority.pem", "missing.pem"), "tls/missing.pem' cannot be read"),
        (good.replace("authority.pem", "none.pem"), "tls/none.pem' holds no certificate in PEM"),
        (format!("[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n{good}"), "leave one of them out"),
    ] {
        let project = Project::new().file("vestibule.toml", settings).file("tls/authority.pem", place.ca()).file("tls/none.pem", "none");
        let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = work.path().join("project");
        project.write_to(&root);
        let (root, data) = (root.display().to_string(), work.path().join("data").display().to_string());
        let ended = run(&["serve", "--listen", "127.0.0.1:0", "--project", &root, "--data", &data], "");
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.code() == Some(1) && ended.stdout.is_empty(), "{words}: {said}");
        assert!(said.contains(words), "{words}: {said}");
        let (status, said) = check(&project);
        assert!(
            status == Some(1) && said.contains(words.split(": ").last().unwrap()) && said.contains("vestibule.toml:"),
            "{words}: {said}"
        );
    }
    assert_eq!(check(&project(&place, &["localhost"], "")).0, Some(0));
}
