//! Connections that a proxy of the transport layer passes on (PROXY protocol, version 2).

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::tls;
use crate::support::http::{PATIENCE, Request, Response, connected_from};
use crate::support::server::ADMIN_PASSWORD;
use crate::support::tls::{Pair, Tls, rest};
use crate::support::{Project, Server};

/// The header of a client at an IPv4 address; `more` are its values.
fn header(client: &str, more: &[u8]) -> Vec<u8> {
    let address: std::net::Ipv4Addr = client.parse().unwrap();
    let ends = [&address.octets()[..], &[10, 0, 0, 1, 0x30, 0x39, 0x01, 0xbb], more].concat();
    let length = u16::try_from(ends.len()).unwrap().to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11"[..], &length, &ends].concat()
}

fn from(address: &str, to: SocketAddr) -> TcpStream {
    connected_from(address, to, PATIENCE)
}

fn who() -> Request {
    let request = Request::new("GET", "/openidm/info/login").header("X-OpenIDM-Username", "openidm-admin");
    request.header("X-OpenIDM-Password", ADMIN_PASSWORD).header("X-OpenIDM-NoSession", "true")
}

fn address(answer: &Response) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["authorization"]["ipAddress"].clone()
}

const SETTINGS: &str = "[proxies]\ntrusted = [\"127.0.9.1\"]\nproxy_protocol = true\n";

#[test]
fn a_trusted_proxy_says_who_its_clients_are_and_nobody_else_does() {
    let server = Server::on(Project::new().file("vestibule.toml", format!("[limits]\nenabled = false\n{SETTINGS}"))).start();
    let asked = |own: &str, before: &[u8]| {
        let mut stream = from(own, server.address());
        stream.write_all(before).unwrap();
        who().try_send_over(&mut stream, "localhost")
    };
    assert_eq!(address(&asked("127.0.9.1", &header("192.0.2.7", &[])).unwrap()), "192.0.2.7");
    // The proxy's own check names nobody.
    assert_eq!(address(&asked("127.0.9.1", b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00").unwrap()), "127.0.9.1");
    assert_eq!(address(&asked("127.0.9.2", &[]).unwrap()), "127.0.9.2", "whoever comes directly is who they are");
    let foreign = asked("127.0.9.2", &header("192.0.2.7", &[]));
    assert!(foreign.as_ref().map_or(true, |answer| answer.status == 400), "a header of nobody's proxy: {foreign:?}");
    // What a client behind the proxy writes into headers is not believed.
    let mut stream = from("127.0.9.1", server.address());
    stream.write_all(&header("192.0.2.7", &[])).unwrap();
    let spoofed = who().header("X-Forwarded-For", "203.0.113.9").try_send_over(&mut stream, "localhost").unwrap();
    assert_eq!(address(&spoofed), "192.0.2.7");
}

#[test]
fn sec_12_the_console_is_open_to_whom_the_proxy_protocol_names_and_to_nobody_it_does_not() {
    let settings = format!("[limits]\nenabled = false\n{SETTINGS}[console]\nnetworks = [\"192.0.2.0/24\", \"127.0.0.0/8\"]\n");
    let server = Server::on(Project::new().file("vestibule.toml", settings)).start();
    let status = |before: &[u8], headers: &[(&str, &str)]| {
        let mut stream = from("127.0.9.1", server.address());
        stream.write_all(before).unwrap();
        let request = Request::new("GET", "/vestibule/console");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        request.try_send_over(&mut stream, "localhost").unwrap().status
    };
    // Whoever may be there is asked to sign in.
    assert_eq!(status(&header("192.0.2.7", &[]), &[]), 303);
    assert_eq!(status(&header("198.51.100.7", &[]), &[]), 404);
    assert_eq!(status(&header("198.51.100.7", &[]), &[("X-Forwarded-For", "192.0.2.7")]), 404);
    assert_eq!(status(&header("192.0.2.7", &[]), &[("Via", "1.1 proxy")]), 404, "there is somebody else in between");
    assert_eq!(status(b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00", &[]), 303, "the proxy itself, from its own network");
    assert_eq!(status(b"\r\n\r\n\0\r\nQUIT\n\x21\x00\x00\x00", &[]), 404, "the proxy cannot say who it is");
}

#[test]
fn a_trusted_proxy_without_a_whole_header_is_not_answered() {
    let server = Server::on(Project::new().file("vestibule.toml", format!("[limits]\nenabled = false\n{SETTINGS}"))).start();
    let mut udp = header("192.0.2.7", &[]);
    udp[13] = 0x12;
    let mut version = header("192.0.2.7", &[]);
    version[12] = 0x11;
    for before in [Vec::new(), b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(), udp, version, header("192.0.2.7", &[0x20, 0, 9])] {
        let mark = server.log_mark();
        let mut stream = from("127.0.9.1", server.address());
        let _ = stream.write_all(&[before.as_slice(), b"GET /openidm/info/ping HTTP/1.1\r\nHost: x\r\n\r\n"].concat());
        assert!(rest(&mut stream).is_empty(), "{before:?}");
        server.logged(mark, "a trusted proxy sent no header of the PROXY protocol");
    }
}

#[test]
fn the_header_stands_before_tls_and_tells_of_the_clients_own() {
    let pair = Pair::of("localhost");
    let server = Server::on(tls::project(&pair, SETTINGS)).private("tls/key.pem").start();
    let over = |own: &str, client: Tls| client.over(from(own, server.address()));
    let mut stream = over("127.0.9.1", Tls::trusting(&pair).after(&header("192.0.2.7", &[]))).unwrap();
    assert_eq!(address(&who().try_send_over(&mut stream, "localhost").unwrap()), "192.0.2.7");
    assert!(over("127.0.9.1", Tls::trusting(&pair)).is_err(), "TLS without a header");
    assert!(over("127.0.9.2", Tls::trusting(&pair).after(&header("192.0.2.7", &[]))).is_err(), "a header of nobody's proxy");

    let plain = Server::on(Project::new().file("vestibule.toml", format!("[limits]\nenabled = false\n{SETTINGS}"))).start();
    let is_secure = |tls: u8| {
        let mut stream = from("127.0.9.1", plain.address());
        stream.write_all(&header("192.0.2.7", &[0x20, 0, 5, tls, 0, 0, 0, 0])).unwrap();
        let request = Request::new("POST", "/openidm/authentication?_action=login").header("X-OpenIDM-Username", "openidm-admin");
        let answer = request.header("X-OpenIDM-Password", ADMIN_PASSWORD).body("").try_send_over(&mut stream, "localhost").unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.header("set-cookie").unwrap().contains("; Secure")
    };
    assert!(is_secure(0x01) && !is_secure(0x00));
}

#[test]
fn sec_52_the_clients_of_a_proxy_have_their_shares() {
    let settings = format!("[limits]\nenabled = false\nconnections = 100\nconnections_per_network = 2\n{SETTINGS}");
    let server = Server::on(Project::new().file("vestibule.toml", settings)).start();
    let mut held: Vec<TcpStream> = (1..=3)
        .map(|host| {
            let mut stream = from("127.0.9.1", server.address());
            stream.write_all(&header(&format!("192.0.2.{host}"), &[])).unwrap();
            // One after the other: an answer shows that the connection has its place.
            stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut first = [0; 12];
            std::io::Read::read_exact(&mut stream, &mut first).unwrap();
            assert_eq!(&first, b"HTTP/1.1 200");
            stream
        })
        .collect();
    rest(&mut held[0]);
    let mut other = from("127.0.9.1", server.address());
    other.write_all(&header("198.51.100.1", &[])).unwrap();
    assert_eq!(address(&who().try_send_over(&mut other, "localhost").unwrap()), "198.51.100.1");
}
