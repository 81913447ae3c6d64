//! A captcha verifier: takes the form that reCAPTCHA, hCaptcha and Turnstile take, and judges by the response's text.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// What a verifier was sent: request line and form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) form: String,
}

/// A verifier on a port of its own. `good` is solved, `babble` is answered with no JSON, `fail` with 500, anything else is not solved.
pub(crate) struct Verifier {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Verifier {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let (mut line, mut length) = (String::new(), 0);
                if reader.read_line(&mut line).is_err() {
                    continue;
                }
                loop {
                    let mut header = String::new();
                    if reader.read_line(&mut header).unwrap_or(0) <= 2 {
                        break;
                    }
                    let header = header.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
                    length = header.map_or(length, |(_, value)| value.trim().parse().unwrap_or(0));
                }
                let mut form = vec![0; length];
                if reader.read_exact(&mut form).is_err() {
                    continue;
                }
                let form = String::from_utf8_lossy(&form).into_owned();
                let (status, body) = match form.split('&').find_map(|pair| pair.strip_prefix("response=")) {
                    Some("good") => ("200 OK", r#"{"success":true}"#),
                    Some("babble") => ("200 OK", "<html>"),
                    Some("fail") => ("500 Oops", "{}"),
                    _ => ("200 OK", r#"{"success":false,"error-codes":["invalid-input-response"]}"#),
                };
                kept.lock().unwrap().push(Asked { line: line.trim().to_owned(), form });
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = reader.into_inner().write_all(answer.as_bytes());
            }
        });
        Self { address, asked }
    }

    pub(crate) fn uri(&self) -> String {
        format!("http://{}/siteverify", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}
