//! The end of a server: whoever has connected is answered, and a balancer is told in time to lead people elsewhere.

use std::io::{Read as _, Write as _};

use crate::support::http::connected_from;
use crate::support::lines::PATIENCE;
use crate::support::{Client, Project, Server};

const PING: &str =
    "GET /openidm/info/ping HTTP/1.1\r\nHost: localhost\r\nX-OpenIDM-Username: anonymous\r\nX-OpenIDM-Password: anonymous\r\n\r\n";

/// A balancer does not send again what it has sent, so that a connection without an answer is an error that somebody sees.
#[test]
fn whoever_has_connected_before_the_end_is_answered() {
    let mut server = Server::on(Project::new()).start();
    // The system takes connections for a server that does nothing, and the end is what it hears of first.
    server.signal("STOP");
    let mut held: Vec<_> = (0..16).map(|_| connected_from("127.0.0.1", server.address(), PATIENCE)).collect();
    for stream in &mut held {
        stream.write_all(PING.as_bytes()).unwrap();
    }
    server.signal("TERM");
    server.signal("CONT");
    for mut stream in held {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.1 503 "), "{answer:?}");
    }
    assert_eq!(server.wait(), Some(0));
}

/// Not ready, and yet serving: for `drain_seconds`, or until it is told a second time.
#[test]
fn a_server_that_drains_is_not_ready_and_answers() {
    let mut server = Server::on(Project::new().file("vestibule.toml", "[limits]\ndrain_seconds = 600\n")).start();
    let mut kept = connected_from("127.0.0.1", server.address(), PATIENCE);
    let ready = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n";
    kept.write_all(ready).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut part = [0; 1024];
        let bytes = kept.read(&mut part).unwrap();
        assert!(bytes > 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..bytes]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    server.signal("TERM");
    // The signal is on its way.
    while Client::new(server.address()).get("/health/ready").status == 200 {
        std::thread::yield_now();
    }
    kept.write_all(ready).unwrap();
    let mut further = String::new();
    kept.read_to_string(&mut further).unwrap();
    assert!(
        further.starts_with("HTTP/1.1 503 ") && further.contains("connection: close\r\n"),
        "a kept connection is not kept for ever: {further}"
    );
    assert_eq!(Client::new(server.address()).get("/health/live").status, 200);
    assert_eq!(server.nobody().get("/openidm/selfservice/reset").status, 401, "requests are answered as ever");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}
