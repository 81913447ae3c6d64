//! What is answered to requests that the HTTP library would not read, or that say something nobody can honour (decision 33).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;

use crate::support::http::{PATIENCE, Response};
use crate::support::tls::rest;
use crate::support::{Client, Person};
use crate::world::world;

/// Sends bytes, says that nothing follows, and reads the one answer.
fn answered(bytes: &[u8]) -> Response {
    let mut stream = TcpStream::connect(world().server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that refuses early may close before it has read everything.
    let _ = stream.write_all(bytes);
    let all = rest(&mut stream);
    Response::parse(&all, false).unwrap_or_else(|| panic!("no answer to {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(100)])))
}

fn ping(line: &str, more: &str) -> Vec<u8> {
    let credentials =
        "X-OpenIDM-Username: anonymous\r\nX-OpenIDM-Password: anonymous\r\nX-OpenIDM-NoSession: true\r\nConnection: close\r\n";
    format!("{line}\r\n{credentials}{more}\r\n").into_bytes()
}

#[test]
fn a_request_that_cannot_be_read_is_refused_in_json() {
    let get = "GET /openidm/info/ping HTTP/1.1";
    let large = format!("X-Large: {}\r\nHost: x\r\n", "x".repeat(100_000));
    let many = format!("Host: x\r\n{}", "X-Many: x\r\n".repeat(200));
    let long = format!("GET /openidm/{} HTTP/1.1", "x".repeat(100_000));
    for (line, more, status) in [
        (get, "", 400),
        (get, "Host: x\r\nHost: x\r\n", 400),
        (get, "Host: x\r\nHost: y\r\n", 400),
        (get, "Host: x y\r\n", 400),
        (get, "Host: x\r\nno colon\r\n", 400),
        (get, "Host: x\r\nspace before : colon\r\n", 400),
        (get, "Host: x\r\nX: a\r\n folded\r\n", 400),
        (get, "Host: x\r\nX: \0\r\n", 400),
        (get, "Host: x\r\nContent-Length: x\r\n", 400),
        (get, "Host: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n", 400),
        (get, "Host: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400),
        (get, "Host: x\r\nTransfer-Encoding: gzip\r\n", 501),
        (get, &large, 431),
        (get, &many, 431),
        (&long, "Host: x\r\n", 414),
        ("GET /openidm/info/ping HTTP/2.0", "Host: x\r\n", 505),
        ("GET /openidm/info/ping HTTP/1.2", "Host: x\r\n", 505),
        ("GET /openidm/info/ping", "Host: x\r\n", 400),
        ("GET openidm/info/ping HTTP/1.1", "Host: x\r\n", 400),
        ("GET HTTP/1.1", "Host: x\r\n", 400),
        ("nonsense", "", 400),
        ("G<>T /openidm/info/ping HTTP/1.1", "Host: x\r\n", 400),
        ("CONNECT example.test:443 HTTP/1.1", "Host: x\r\n", 501),
        ("FETCH /openidm/info/ping HTTP/1.1", "Host: x\r\n", 501),
        ("TRACE /openidm/info/ping HTTP/1.1", "Host: x\r\n", 501),
        ("GET /openidm/%zz HTTP/1.1", "Host: x\r\n", 400),
        ("GET /openidm/\u{ff}%ff HTTP/1.1", "Host: x\r\n", 400),
        ("GET /vestibule/mail/%zz HTTP/1.1", "Host: x\r\n", 400),
        ("GET /%zz HTTP/1.1", "Host: x\r\n", 400),
        ("GET /%ff HTTP/1.1", "Host: x\r\n", 400),
        ("GET * HTTP/1.1", "Host: x\r\n", 400),
        ("GET /\u{1}openidm HTTP/1.1", "Host: x\r\n", 400),
    ] {
        let answer = answered(&ping(line, more));
        let shown: String = format!("{line} {more}").chars().take(100).collect();
        assert_eq!(answer.status, status, "{shown}: {}", answer.text());
        assert!(!answer.refused(status).is_empty(), "{shown}");
        assert_eq!(answer.header("content-type"), Some("application/json;charset=utf-8"), "{shown}");
    }
    let over_tls = answered(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n");
    over_tls.refused(400);
}

#[test]
fn a_browser_whose_address_cannot_be_read_is_told_on_a_page() {
    let long = format!("GET /reset?token={} HTTP/1.1", "x".repeat(62_000));
    let accept = "Host: x\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
    for (line, status) in [
        ("GET /%zz HTTP/1.1", 400),
        ("GET /selfservice/reset% HTTP/1.1", 400),
        ("GET /selfservice/%ff?token=a&code=b HTTP/1.1", 400),
        ("GET /\u{ff}%c3%28 HTTP/1.1", 400),
        ("GET /mail/%e2%82 HTTP/1.1", 400),
        ("POST /sign-in/%zz HTTP/1.1", 400),
        (long.as_str(), 414),
    ] {
        let answer = answered(&ping(line, accept));
        let shown: String = line.chars().take(100).collect();
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, Some("text/html; charset=utf-8")),
            "{shown}: {}",
            answer.text()
        );
        assert!(answer.text().contains("<h1>This address cannot be read</h1>"), "{shown}");
        assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), (Some("no-store"), Some("no-referrer")), "{shown}");
    }
    // Whoever speaks REST is told in its words, whatever they say that they accept.
    for line in ["GET /openidm/%zz HTTP/1.1", "GET /openidm/\u{ff} HTTP/1.1"] {
        assert_eq!(answered(&ping(line, accept)).header("content-type"), Some("application/json;charset=utf-8"), "{line}");
    }
}

#[test]
fn the_answer_to_a_head_request_that_cannot_be_read_has_no_body() {
    let mut stream = TcpStream::connect(world().server.address()).unwrap();
    stream.write_all(b"HEAD /openidm/info/ping HTTP/1.1\r\n\r\n").unwrap();
    let all = String::from_utf8(rest(&mut stream)).unwrap();
    assert!(all.starts_with("HTTP/1.1 400 ") && all.ends_with("\r\n\r\n"), "{all}");
}

#[test]
fn requests_before_the_one_that_cannot_be_read_are_answered_first() {
    let live = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut stream = TcpStream::connect(world().server.address()).unwrap();
    stream.write_all(&[live, live, &b"GET /health/live HTTP/1.1\r\n\r\n"[..], live].concat()).unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    let statuses: Vec<&str> = all.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "200", "400"]);
}

#[test]
fn targets_as_people_write_them_are_answered() {
    let server = &world().server;
    let person = Person::create(server, "raw-target");
    let admin = |line: &str| {
        let password = crate::support::server::ADMIN_PASSWORD;
        answered(format!("{line} HTTP/1.1\r\nHost: x\r\nX-OpenIDM-Username: openidm-admin\r\nX-OpenIDM-Password: {password}\r\nX-OpenIDM-NoSession: true\r\nConnection: close\r\n\r\n").as_bytes())
    };
    for filter in [
        format!("userName eq \"{}\"", person.name),
        format!("(userName eq \"{0}\" and !(userName eq \"<>{{}}|^`\\\\\"))", person.name),
        format!("userName eq \"{}\" or sn eq \"\u{e9}\"", person.name),
    ] {
        let answer = admin(&format!("GET /openidm/managed/user?_queryFilter={filter}&_fields=userName"));
        assert_eq!((answer.status, &answer.json()["result"][0]["userName"]), (200, &json!(person.name)), "{filter}: {}", answer.text());
    }
    for path in ["/openidm/managed/user/a b", "/openidm/managed/user/<x>", "/openidm/managed/user/{x}|^`\"", "/openidm/managed/user/\u{e9}"]
    {
        admin(&format!("GET {path}")).refused(404);
    }
}

#[test]
fn a_body_in_an_encoding_that_nobody_reads_is_415() {
    let server = &world().server;
    let client = server.anonymous();
    let path = "selfservice/reset?_action=submitRequirements";
    let with = |encoding: &str| {
        let request = client.request("POST", path).header("Content-Type", "application/json").header("Content-Encoding", encoding);
        client.send(&request.body("{\"input\":{}}"))
    };
    for encoding in ["gzip", "br", "deflate, gzip", "nonsense", "identity, gzip"] {
        let answer = with(encoding);
        answer.refused(415);
        assert_eq!(answer.header("accept-encoding"), Some("identity"), "{encoding}");
    }
    for encoding in ["identity", "Identity, identity", ""] {
        assert_ne!(with(encoding).status, 415, "{encoding}");
    }
    // Who may not ask is told that first.
    let nobody = Client::new(server.address());
    let request = nobody.request("POST", "/openidm/selfservice/reset?_action=submitRequirements").header("Content-Encoding", "gzip");
    nobody.send(&request.body("x")).refused(401);
}
