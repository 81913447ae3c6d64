//! HTTP/2: that it is spoken, and that nobody takes the server away with it.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::tls;
use crate::support::Server;
use crate::support::http::Request;
use crate::support::server::ADMIN_PASSWORD;
use crate::support::tls::{Pair, Stream, Tls, rest};

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const PRIORITY: u8 = 0x2;
const RESET: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const WINDOW: u8 = 0x8;
const CONTINUATION: u8 = 0x9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct World {
    server: Server,
    pair: Pair,
}

fn world() -> World {
    let pair = Pair::of("localhost");
    let server = Server::on(tls::project(&pair, "")).private("tls/key.pem").start();
    World { server, pair }
}

/// Clients have a second.
fn limited() -> World {
    let pair = Pair::of("localhost");
    let settings = tls::SETTINGS.replace("enabled = false\n", "enabled = false\nclient_seconds = 1\n");
    let files = tls::project(&pair, "").file("vestibule.toml", format!("{settings}[pages]\ndir = \"ui\"\n"));
    let server = Server::on(files.file("ui/large.bin", vec![b'x'; 8 << 20])).private("tls/key.pem").start();
    World { server, pair }
}

impl World {
    /// A connection on which both sides have said their settings.
    fn connect(&self, settings: &[u8]) -> Stream {
        let mut stream = Tls::trusting(&self.pair).offering(&["h2"]).connect(self.server.address()).unwrap();
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
        stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, settings)].concat()).unwrap();
        stream
    }

    fn serves_others(&self) {
        let request = Request::new("GET", "/openidm/info/ping").header("X-OpenIDM-Username", "anonymous");
        let request = request.header("X-OpenIDM-Password", "anonymous").header("X-OpenIDM-NoSession", "true");
        assert_eq!(Tls::trusting(&self.pair).send(self.server.address(), &request).unwrap().status, 200);
    }
}

fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), content].concat()
}

/// A header list without compression (RFC 7541 section 6.2.2).
fn list(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

fn get(path: &str) -> Vec<u8> {
    list(&[(":method", "GET"), (":scheme", "https"), (":path", path), (":authority", "localhost")])
}

/// The next frame: its kind, its flags, its stream and what is in it.
fn next(stream: &mut Stream) -> Option<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let mut content = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut content).ok()?;
    Some((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), content))
}

/// Sends the same again and again until the server ends the connection; whether it did within `most` times.
fn is_ended_by(stream: &mut Stream, most: u32, mut content: impl FnMut(u32) -> Vec<u8>) -> bool {
    (0..most).any(|turn| stream.write_all(&content(turn)).and_then(|()| stream.flush()).is_err())
}

#[test]
fn a_client_of_http_2_is_served_as_one_of_http_1_is() {
    let world = world();
    let tls = Tls::trusting(&world.pair).offering(&["h2", "http/1.1"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ask = async |method: Method, path: &str, more: &[(&'static str, &str)], body: Option<Value>| {
        let socket = tokio::net::TcpStream::connect(world.server.address()).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(tls.config()));
        let stream = connector.connect("localhost".try_into().unwrap(), socket).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        let driving = tokio::spawn(connection);
        let mut client = client.ready().await.unwrap();
        let mut request = http::Request::builder().method(method).uri(format!("https://localhost{path}"));
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let (answer, mut sending) = client.send_request(request.body(()).unwrap(), body.is_none()).unwrap();
        if let Some(body) = body {
            sending.send_data(Bytes::from(body.to_string()), true).unwrap();
        }
        let answer = answer.await.unwrap();
        let (parts, mut body) = answer.into_parts();
        let mut bytes = Vec::new();
        while let Some(piece) = body.data().await {
            let piece = piece.unwrap();
            body.flow_control().release_capacity(piece.len()).unwrap();
            bytes.extend_from_slice(&piece);
        }
        drop(client);
        driving.abort();
        (parts.status.as_u16(), parts.headers, bytes)
    };
    let json_of = |(status, headers, bytes): (u16, HeaderMap, Vec<u8>)| (status, headers, serde_json::from_slice::<Value>(&bytes).unwrap());
    let admin = [("x-openidm-username", "openidm-admin"), ("x-openidm-password", ADMIN_PASSWORD), ("content-type", "application/json")];
    runtime.block_on(async {
        let person = json!({ "userName": "h2", "givenName": "Barbara", "sn": "Jensen", "mail": "h2@example.test", "password": "Passw0rd" });
        let (status, headers, body) = json_of(ask(Method::POST, "/openidm/managed/user?_action=create", &admin, Some(person)).await);
        assert_eq!((status, &body["userName"]), (201, &json!("h2")), "{body}");
        assert!(headers["location"].to_str().unwrap().starts_with("https://localhost/openidm/managed/user/"));
        assert!(headers["set-cookie"].to_str().unwrap().contains("; Secure") && headers.contains_key("strict-transport-security"));
        let cookie = headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        // In pieces, as HTTP/2 allows.
        let session = [("cookie", "a=b"), ("cookie", cookie.as_str())];
        let (status, _, body) = json_of(ask(Method::GET, "/openidm/info/login", &session, None).await);
        assert_eq!((status, &body["authenticationId"]), (200, &json!("openidm-admin")), "{body}");
        let (status, _, body) = json_of(ask(Method::GET, "/openidm/info/ping", &[], None).await);
        assert_eq!((status, &body["code"]), (401, &json!(401)));
        let (status, _, body) = json_of(ask(Method::GET, "/openidm/info/ping", &[("host", "evil.example")], None).await);
        assert_eq!((status, &body["code"]), (400, &json!(400)));
        let many: Vec<(&str, &str)> = vec![("x-many", "x"); 101];
        let (status, _, body) = json_of(ask(Method::GET, "/openidm/info/ping", &many, None).await);
        assert_eq!((status, &body["code"]), (431, &json!(431)));
        let (status, _, bytes) = ask(Method::GET, "/openidm/info/ping", &[("x-large", &"x".repeat(66_000))], None).await;
        assert_eq!(status, 431, "{}", String::from_utf8_lossy(&bytes));
    });
}

#[test]
fn sec_52_http_2_announces_its_limits() {
    let world = world();
    let mut stream = world.connect(&[]);
    let (kind, _, _, content) = next(&mut stream).unwrap();
    assert_eq!(kind, SETTINGS);
    let settings: Vec<(u16, u32)> =
        content.chunks(6).map(|one| (u16::from_be_bytes([one[0], one[1]]), u32::from_be_bytes([one[2], one[3], one[4], one[5]]))).collect();
    let of = |id: u16| settings.iter().find(|(have, _)| *have == id).map(|(_, value)| *value);
    assert_eq!((of(0x3), of(0x4), of(0x6)), (Some(100), Some(64 * 1024), Some(64 * 1024)), "streams, window and header list: {settings:?}");
    // A stream more than that is refused, whatever becomes of the others.
    let mut all = Vec::new();
    for turn in 0..150_u32 {
        let post = list(&[(":method", "POST"), (":scheme", "https"), (":path", "/x"), (":authority", "localhost")]);
        all.extend(frame(HEADERS, END_HEADERS, 2 * turn + 1, &post));
    }
    stream.write_all(&all).unwrap();
    let refused = std::iter::from_fn(|| next(&mut stream)).find(|(kind, _, _, content)| *kind == RESET && content[3] == 0x7);
    assert!(refused.is_some_and(|(_, _, stream, _)| stream > 200), "REFUSED_STREAM for one beyond the hundredth");
    world.serves_others();
}

#[test]
fn sec_52_rapid_resets_end_the_connection() {
    let world = world();
    let mut stream = world.connect(&[]);
    let request = get("/openidm/info/ping");
    let ended = is_ended_by(&mut stream, 100_000, |turn| {
        [frame(HEADERS, END_HEADERS | END_STREAM, 2 * turn + 1, &request), frame(RESET, 0, 2 * turn + 1, &[0, 0, 0, 8])].concat()
    });
    assert!(ended, "CVE-2023-44487");
    world.serves_others();
}

#[test]
fn sec_52_frames_without_work_end_the_connection() {
    let world = world();
    for (name, content) in [
        ("pings", frame(PING, 0, 0, &[0; 8])),
        ("settings", frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 1])),
        ("priorities", frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])),
        ("windows", frame(WINDOW, 0, 0, &[0, 0, 0, 1])),
        ("what nobody knows", frame(0xfa, 0, 0, &[])),
    ] {
        let mut stream = world.connect(&[]);
        assert!(is_ended_by(&mut stream, 1_000_000, |_| content.clone()), "{name}");
    }
    let mut stream = world.connect(&[]);
    stream.write_all(&frame(HEADERS, END_HEADERS, 1, &get("/x"))).unwrap();
    assert!(is_ended_by(&mut stream, 1_000_000, |_| frame(DATA, 0, 1, &[])), "empty pieces of a body");
    world.serves_others();
}

#[test]
fn sec_52_a_header_list_that_does_not_end_ends_the_connection() {
    let world = world();
    for piece in [list(&[("x-a", &"x".repeat(100))]), Vec::new()] {
        let mut stream = world.connect(&[]);
        stream.write_all(&frame(HEADERS, END_STREAM, 1, &get("/openidm/info/ping"))).unwrap();
        assert!(is_ended_by(&mut stream, 1_000_000, |_| frame(CONTINUATION, 0, 1, &piece)), "CONTINUATION without an end");
    }
    world.serves_others();
}

/// Whether one of these connections ends soon.
fn is_one_ended(held: &mut [Stream]) -> bool {
    let mut part = [0; 16 * 1024];
    (0..20).any(|_| {
        held.iter_mut().any(|stream| {
            stream.sock.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
            loop {
                match stream.read(&mut part) {
                    Ok(1..) => {}
                    Ok(0) => return true,
                    Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
                }
            }
        })
    })
}

#[test]
fn sec_52_memory_is_bounded_where_nobody_takes_many_answers() {
    let world = world();
    let request = get("/sign-in");
    assert_eq!(Tls::trusting(&world.pair).send(world.server.address(), &Request::new("GET", "/sign-in")).unwrap().status, 200);
    let rest = world.server.most_memory();
    let asked: Vec<u8> = (0..100_u32).flat_map(|turn| frame(HEADERS, END_HEADERS | END_STREAM, 2 * turn + 1, &request)).collect();
    let mut held: Vec<Stream> = (0..60)
        .map(|_| {
            // No window for any answer.
            let mut stream = world.connect(&[0, 4, 0, 0, 0, 0]);
            // One that was ended meanwhile cannot be written to.
            let _ = stream.write_all(&asked).and_then(|()| stream.flush());
            stream
        })
        .collect();
    assert!(is_one_ended(&mut held), "sooner than an answer has to be taken");
    world.serves_others();
    let most = world.server.most_memory();
    assert!(most < rest + (64 << 20), "{} MiB at rest, and {} MiB at most", rest >> 20, most >> 20);
}

#[test]
fn sec_52_an_answer_that_no_window_is_granted_for_ends_the_connection() {
    let world = limited();
    let mark = world.server.log_mark();
    // Streams begin with a window of one byte, and never get another.
    let mut stream = world.connect(&[0, 4, 0, 0, 0, 1]);
    stream.write_all(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &get("/large.bin"))).unwrap();
    world.server.logged(mark, "a client did not take its answer");
    let bytes = rest(&mut stream);
    assert!(bytes.len() < 4096, "one byte of the answer was to be had: {}", bytes.len());
    world.serves_others();
}
