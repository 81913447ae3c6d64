//! TLS in the process.

use std::io::Write as _;
use std::net::TcpStream;

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use crate::support::http::Request;
use crate::support::server::{ADMIN_PASSWORD, run};
use crate::support::tls::{Pair, Tls, rest};
use crate::support::{Project, Server};

static ONLY_TLS12: [&SupportedProtocolVersion; 1] = [&TLS12];
static ONLY_TLS13: [&SupportedProtocolVersion; 1] = [&TLS13];

pub(super) const SETTINGS: &str = "[limits]\nenabled = false\n[tls]\ncertificate = \"tls/cert.pem\"\nkey = \"tls/key.pem\"\n";

pub(super) fn project(pair: &Pair, more: &str) -> Project {
    let project = Project::new().file("vestibule.toml", format!("{SETTINGS}{more}"));
    project.file("tls/cert.pem", pair.certificate.as_str()).file("tls/key.pem", pair.key.as_str())
}

fn ping() -> Request {
    let request = Request::new("GET", "/openidm/info/ping").header("X-OpenIDM-Username", "anonymous");
    request.header("X-OpenIDM-Password", "anonymous").header("X-OpenIDM-NoSession", "true")
}

#[test]
fn with_a_certificate_tls_is_spoken_and_nothing_else() {
    let pair = Pair::of("localhost");
    let server = Server::on(project(&pair, "")).private("tls/key.pem").start();
    assert!(server.output_line("listening on https://").is_some());
    let client = Tls::trusting(&pair);
    for versions in [&ONLY_TLS12[..], &ONLY_TLS13] {
        for protocols in [&[][..], &["http/1.1"], &["spdy/3", "http/1.1"]] {
            let answer = client.clone().speaking(versions).offering(protocols).send(server.address(), &ping()).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
        }
    }
    assert!(client.clone().offering(&["spdy/3"]).connect(server.address()).is_err(), "a protocol that is not spoken is no connection");
    let mut plain = TcpStream::connect(server.address()).unwrap();
    plain.write_all(b"GET /openidm/info/ping HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let answer = rest(&mut plain);
    assert!(!answer.starts_with(b"HTTP/"), "plain HTTP was answered: {}", String::from_utf8_lossy(&answer));
}

#[test]
fn cookies_are_secure_and_addresses_are_https_where_the_connection_is() {
    let pair = Pair::of("localhost");
    let server = Server::on(project(&pair, "hsts_seconds = 0\n[proxies]\ntrusted = [\"127.0.0.1\"]\n")).private("tls/key.pem").start();
    let client = Tls::trusting(&pair);
    let sign_in = |name: &str, value: &str| {
        let request = Request::new("POST", "/openidm/authentication?_action=login").header("X-OpenIDM-Username", "openidm-admin");
        let request = request.header("X-OpenIDM-Password", ADMIN_PASSWORD).header(name, value).body("");
        let answer = client.send(server.address(), &request).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("strict-transport-security"), None, "it was switched off");
        answer.header("set-cookie").unwrap().contains("; Secure")
    };
    assert!(sign_in("X-Nothing", "x"));
    assert!(sign_in("X-Forwarded-Proto", "https"));
    let create = Request::new("POST", "/openidm/managed/user?_action=create").header("X-OpenIDM-Username", "openidm-admin");
    let create = create.header("X-OpenIDM-Password", ADMIN_PASSWORD).header("X-OpenIDM-NoSession", "true");
    let create = create
        .json(&serde_json::json!({ "userName": "tls", "givenName": "Barbara", "sn": "Jensen", "mail": "tls@example.test", "password": "Passw0rd" }));
    let created = client.send(server.address(), &create).unwrap();
    assert_eq!(created.status, 201, "{}", created.text());
    assert!(created.header("location").unwrap().starts_with("https://localhost/openidm/managed/user/"));
}

#[test]
fn files_that_cannot_be_used_refuse_the_start_with_one_sentence() {
    let (pair, other) = (Pair::of("localhost"), Pair::of("localhost"));
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("project");
    project(&pair, "").file("tls/other.pem", other.key.as_str()).file("tls/none.pem", "nothing").write_to(&root);
    let start = |certificate: &str, key: &str| {
        let settings = format!("[tls]\n{certificate}\n{key}\n");
        std::fs::write(root.join("vestibule.toml"), settings).unwrap();
        let (root, data) = (root.display().to_string(), work.path().join("data").display().to_string());
        let ended = run(&["serve", "--listen", "127.0.0.1:0", "--project", &root, "--data", &data], "");
        assert_eq!((ended.status.code(), ended.stdout.len()), (Some(1), 0), "{ended:?}");
        let said = String::from_utf8(ended.stderr).unwrap();
        let said: Vec<&str> = said.lines().filter(|line| line.contains("[tls] ")).collect();
        assert_eq!(said.len(), 1, "{said:?}");
        said[0].to_owned()
    };
    let good = ("certificate = \"tls/cert.pem\"", "key = \"tls/key.pem\"");
    assert!(start("certificate = \"tls/missing.pem\"", good.1).contains("tls/missing.pem' cannot be read"));
    assert!(start("certificate = \"tls/none.pem\"", good.1).contains("tls/none.pem' holds no certificate in PEM"));
    assert!(start(good.0, "key = \"tls/none.pem\"").contains("tls/none.pem' holds no private key in PEM"));
    assert!(start(good.0, "key = \"tls/other.pem\"").contains("tls/other.pem' is not the key of the certificate in"));
    assert!(start(good.0, "").contains("[tls] needs both keys"));
    assert!(start("hsts_seconds = 1", "").contains("[tls] needs both keys"));
}

#[test]
fn a_renewed_certificate_is_taken_up_and_a_broken_one_is_not() {
    let (first, second, third) = (Pair::of("localhost"), Pair::of("localhost"), Pair::of("localhost"));
    let server = Server::on(project(&first, "")).private("tls/key.pem").start();
    let is_served = |pair: &Pair| Tls::trusting(pair).send(server.address(), &ping()).is_ok_and(|answer| answer.status == 200);
    assert!(is_served(&first));
    let mark = server.log_mark();
    server.write("tls/cert.pem", &second.certificate);
    server.write("tls/key.pem", &second.key);
    server.logged(mark, "the certificate was read again");
    assert!(is_served(&second) && !is_served(&first));
    let mark = server.log_mark();
    server.write("tls/key.pem", "nothing");
    let said = server.logged(mark, "a renewed certificate is not taken up");
    assert!(said.contains("holds no private key in PEM"), "{said}");
    assert!(is_served(&second), "the one before keeps serving");
    let mark = server.log_mark();
    server.write("tls/key.pem", &third.key);
    server.write("tls/cert.pem", &third.certificate);
    server.logged(mark, "the certificate was read again");
    assert!(is_served(&third) && !is_served(&second));
}
