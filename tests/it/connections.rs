//! Clients that hold connections: every one has its time, and no network takes the server away from the others (SEC-52).

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::json;

use crate::support::http::connected_from;
use crate::support::tls::{Pair, Tls};
use crate::support::{Client, Project, Server};
use crate::world::reset_by_mail;

/// How long a test waits for the end of a connection.
const PATIENCE: Duration = Duration::from_secs(20);

fn server(limits: &str) -> Server {
    Server::on(Project::new().file("vestibule.toml", format!("[limits]\nenabled = false\n{limits}\n"))).start()
}

fn from(address: &str, to: SocketAddr) -> TcpStream {
    connected_from(address, to, PATIENCE)
}

/// Whether the server has ended a connection; waits until it has, or gives up.
fn is_ended(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn sec_52_a_body_has_its_time_on_every_path() {
    let server = server("client_seconds = 1");
    for path in ["/openidm/selfservice/reset?_action=submitRequirements", "/vestibule/mail/x", "/elsewhere", "/mail"] {
        let mut stream = from("127.0.0.1", server.address());
        write!(stream, "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{")
            .unwrap();
        assert!(is_ended(&mut stream), "{path}");
    }
    assert_eq!(server.anonymous().get("info/ping").status, 200);
}

#[test]
fn sec_52_a_client_that_takes_nothing_loses_its_connection() {
    let files = Project::new()
        .file("vestibule.toml", "[limits]\nenabled = false\nclient_seconds = 1\n[pages]\ndir = \"ui\"\n")
        .file("ui/large.bin", vec![b'x'; 24 << 20]);
    let server = Server::on(files).start();
    let mut stream = from("127.0.0.1", server.address());
    write!(stream, "GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    // One more byte is read every time the server must have given up; what its system had buffered comes first.
    let mut all = 0;
    let mut part = vec![0; 4096];
    let waited = server.log_mark();
    server.logged(waited, "a client did not take its answer");
    while let Ok(bytes @ 1..) = stream.read(&mut part) {
        all += bytes;
    }
    assert!(all < 24 << 20, "the whole answer was still to be had");
}

#[test]
fn sec_52_one_network_does_not_take_the_server_away_from_others() {
    let server = server("connections = 24\nconnections_per_network = 8");
    let to = server.address();
    let mut hostile: Vec<TcpStream> = (0..40).map(|turn| from(&format!("127.0.9.{}", turn % 200 + 1), to)).collect();
    for stream in &mut hostile {
        // Some say nothing, some begin a head; those that were ended meanwhile cannot be written to.
        let _ = write!(stream, "GET /openidm/info/ping HTTP/1.1\r\nHost: loc");
    }
    for turn in 0..20 {
        let mut other = from(&format!("127.0.{}.1", turn + 20), to);
        write!(other, "GET /openidm/info/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-OpenIDM-Username: anonymous\r\nX-OpenIDM-Password: anonymous\r\n\r\n").unwrap();
        let mut answer = String::new();
        other.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "client {turn}: {answer}");
    }
    let ended = hostile.iter_mut().take(32).filter_map(|stream| is_ended(stream).then_some(())).count();
    assert_eq!(ended, 32, "of forty connections of one network the first thirty-two made room");
    assert_eq!(Client::new(to).get("/openidm/info/ping").status, 401);
}

/// Every way of holding a connection: what is sent, and never followed by anything.
const SHAPES: [(&str, &[u8]); 6] = [
    ("nothing at all", b""),
    ("a head", b"GET /openidm/info/ping HTTP/1.1\r\nHost: x\r\nX-Slow: "),
    ("a body", b"POST /openidm/selfservice/reset?_action=submitRequirements HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"),
    ("a body in chunks", b"POST /vestibule/mail/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"),
    ("an answer", b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("an answer, and then nothing", b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"),
];

const PING: &[u8] = b"GET /openidm/info/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-OpenIDM-Username: anonymous\r\nX-OpenIDM-Password: anonymous\r\n\r\n";

#[test]
fn sec_52_however_one_network_holds_its_connections_others_are_served() {
    let settings = "[limits]\nenabled = false\nconnections = 24\nconnections_per_network = 8\n[pages]\ndir = \"ui\"\n";
    let project = Project::new().file("vestibule.toml", settings).file("ui/large.bin", vec![b'x'; 24 << 20]);
    let server = Server::on(project).start();
    let mut held = Vec::new();
    for (number, (shape, bytes)) in SHAPES.iter().enumerate() {
        for turn in 0..40_usize {
            let mut stream = from(&format!("127.0.9.{}", turn + 1), server.address());
            // One that was ended meanwhile cannot be written to.
            let _ = stream.write_all(bytes);
            held.push(stream);
        }
        for turn in 0..20 {
            let mut other = from(&format!("127.0.{}.1", 20 + 20 * number + turn), server.address());
            other.write_all(PING).unwrap();
            let mut answer = String::new();
            other.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{shape}, client {turn}: {answer}");
        }
    }
}

/// Whether one of these connections was answered with 503 and these words; waits until one is, or gives up.
fn is_one_told(held: &mut [TcpStream], words: &str) -> bool {
    let mut all = vec![Vec::new(); held.len()];
    let mut part = [0; 4096];
    for _ in 0..20 {
        for (stream, answer) in held.iter_mut().zip(&mut all) {
            stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
            while let Ok(read @ 1..) = stream.read(&mut part) {
                answer.extend_from_slice(&part[..read]);
            }
            let answer = String::from_utf8_lossy(answer);
            if answer.starts_with("HTTP/1.1 503 ") && answer.contains(words) {
                return true;
            }
        }
    }
    false
}

/// Behind a proxy whose word counts, clients are told apart by what it says.
#[test]
fn sec_52_unfinished_bodies_of_one_client_behind_a_proxy_keep_no_other_out() {
    let settings = "[limits]\nenabled = false\n[proxies]\ntrusted = [\"127.0.0.0/8\"]\n";
    let server = Server::on(Project::new().process("reset", &reset_by_mail()).file("vestibule.toml", settings)).start();
    let body = |length: usize| {
        let head = "POST /openidm/selfservice/reset?_action=submitRequirements HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.1\r\n\
             X-OpenIDM-Username: anonymous\r\nX-OpenIDM-Password: anonymous\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n";
        [head.as_bytes(), &vec![b' '; length]].concat()
    };
    // All but a little of what all unfinished bodies may have.
    let lengths = std::iter::repeat_n(1_000_000, 16).chain([770_000]);
    let _held: Vec<TcpStream> = lengths
        .map(|length| {
            let mut stream = from("127.0.0.1", server.address());
            stream.write_all(&body(length)).unwrap();
            stream
        })
        .collect();
    let submits = |address: &str| {
        let input = json!({ "queryFilter": "userName eq \"nobody\"", "padding": "x".repeat(20_000) });
        server.anonymous().with("X-Forwarded-For", address).submit("reset", None, &input).status
    };
    assert!((0..1_000).any(|_| submits("203.0.113.1") == 503), "one client has no more than all have");
    assert_eq!(submits("198.51.100.9"), 200);
}

/// What a network is given is less than that many heads of 60 kB: 8 MiB.
const HEADS: usize = 175;

#[test]
fn sec_52_heads_that_are_not_whole_are_bounded_however_many_there_are() {
    let server = server("");
    let rest = server.most_memory();
    let head = [b"GET /x HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_vec(), vec![b'x'; 60_000]].concat();
    // No more than show it: all of them must have come before the first has had its time.
    let mut held: Vec<TcpStream> = (0..HEADS)
        .map(|turn| {
            let mut stream = from(&format!("127.0.9.{}", turn + 1), server.address());
            // One that was ended meanwhile cannot be written to.
            let _ = stream.write_all(&head);
            stream
        })
        .collect();
    for stream in &held {
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    }
    // Which of them came when the network had its share is nobody's to say: the server reads them side by side. They are looked at until it has
    // ended those.
    let mut looks = 0;
    while held.len() > 150 && looks < 100 {
        held.retain_mut(|stream| !is_ended(stream));
        looks += 1;
    }
    assert!((126..=150).contains(&held.len()), "{} of {HEADS} are kept", held.len());
    let ping = [&PING[..PING.len() - 2], b"Cookie: a=", &vec![b'x'; 20_000], b"\r\n\r\n"].concat();
    let mut other = from("127.0.20.1", server.address());
    other.write_all(&ping).unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "another network has its own: {answer}");
    let most = server.most_memory();
    assert!(most < rest + MORE, "{} MiB at rest, and {} MiB at most", rest >> 20, most >> 20);
}

/// More than it has at rest, in bytes: what all unfinished bodies may have, and as much again for connections, answers, and what the allocator keeps.
const MORE: u64 = 64 << 20;

#[test]
fn sec_52_memory_is_bounded_however_clients_hold_their_connections() {
    // What a start tries would be the most.
    let settings = "[limits]\nenabled = false\n[prove]\nat_load = \"off\"\n[pages]\ndir = \"ui\"\n";
    let project = || Project::new().file("vestibule.toml", settings).file("ui/large.bin", vec![b'x'; 24 << 20]);
    let body = |path: &str, kind: &str, begin: &str| {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 1000000\r\n\r\n{begin}");
        [head.into_bytes(), vec![b'x'; 900_000]].concat()
    };
    let form = "application/x-www-form-urlencoded";
    let submission = "/openidm/selfservice/reset?_action=submitRequirements";
    let shapes = [
        ("an answer", b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), ""),
        ("many answers", b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100), ""),
        ("a head", [b"GET /x HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_vec(), vec![b'x'; 60_000]].concat(), ""),
        ("a form", body("/sign-in", form, "user="), "The server is busy"),
        ("a form for nothing", body("/nosuch", form, "user="), ""),
        (
            "a submission",
            body(submission, "application/json\r\nX-OpenIDM-Username: anonymous\r\nX-OpenIDM-Password: anonymous", "{\"input\":\""),
            "Too many requests are not whole yet, try again later",
        ),
    ];
    for (shape, bytes, told) in shapes {
        // Each by itself: what the allocator keeps of one is no memory of the next.
        let server = Server::on(project()).start();
        assert_eq!(server.nobody().get("/large.bin").status, 200);
        let rest = server.most_memory();
        let mut held: Vec<TcpStream> = (0..200)
            .map(|turn| {
                let mut stream = from(&format!("127.0.9.{}", turn + 1), server.address());
                stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
                // One that is refused, or not read any further, takes no more of it.
                let _ = stream.write_all(&bytes);
                stream
            })
            .collect();
        // Where bodies have all that they may have, somebody is told.
        assert!(told.is_empty() || is_one_told(&mut held, told), "{shape}: nobody was told '{told}'");
        assert_eq!(server.anonymous().get("info/ping").status, 200, "{shape}: others are served");
        let most = server.most_memory();
        assert!(most < rest + MORE, "{shape}: {} MiB at rest, and {} MiB at most", rest >> 20, most >> 20);
        drop(held);
    }
}

#[test]
fn sec_52_handshakes_that_are_begun_and_not_ended_keep_nobody_out() {
    let pair = Pair::of("localhost");
    let settings =
        "[limits]\nenabled = false\nconnections = 24\nconnections_per_network = 8\n[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n";
    let project = Project::new().file("vestibule.toml", settings);
    let server = Server::on(project.file("c.pem", pair.certificate.as_str()).file("k.pem", pair.key.as_str())).private("k.pem").start();
    let mut held = Vec::new();
    for bytes in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        for turn in 0..40 {
            let mut stream = from(&format!("127.0.9.{}", turn + 1), server.address());
            let _ = stream.write_all(bytes);
            held.push(stream);
        }
    }
    for turn in 0..20 {
        let mut other = Tls::trusting(&pair).over(from(&format!("127.0.{}.1", turn + 20), server.address())).unwrap();
        other.write_all(PING).unwrap();
        let answer = crate::support::tls::rest(&mut other);
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "client {turn}");
    }
    let ended = held.iter_mut().take(72).filter_map(|stream| is_ended(stream).then_some(())).count();
    assert_eq!(ended, 72, "of eighty handshakes of one network the first seventy-two made room");
}

/// Behind a proxy that is not trusted everybody is one client, and limited as one.
#[test]
fn a_client_address_that_is_not_believed_is_told_once_per_peer() {
    let server = Server::on(Project::new()).start();
    let mark = server.log_mark();
    let words = "X-Forwarded-For from 127.0.0.1 is not believed; [proxies] trusted";
    for client in ["192.0.2.1", "192.0.2.2"] {
        server.anonymous().with("X-Forwarded-For", client).get("info/ping").expect(200);
    }
    server.logged(mark, words);
    assert_eq!(server.log().matches(words).count(), 1, "{}", server.log());
    let trusting =
        Server::on(Project::new().file("vestibule.toml", "[limits]\nenabled = false\n[proxies]\ntrusted = [\"127.0.0.0/8\"]\n")).start();
    trusting.anonymous().with("X-Forwarded-For", "192.0.2.1").get("info/ping").expect(200);
    assert!(!trusting.log().contains("is not believed"), "{}", trusting.log());
}
