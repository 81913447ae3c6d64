//! A captcha verifier: takes the form that reCAPTCHA, hCaptcha and Turnstile take, and judges by the response's text.

use std::net::SocketAddr;

use super::peer::{Asked, Peer};

/// A verifier. `good` is solved, `babble` is answered with no JSON, `fail` with 500, anything else is not solved.
pub(crate) struct Verifier(Peer);

impl Verifier {
    pub(crate) fn start() -> Self {
        Self(Peer::start(|asked| {
            let (status, body) = match asked.body.split('&').find_map(|pair| pair.strip_prefix("response=")) {
                Some("good") => ("200 OK", r#"{"success":true}"#),
                Some("babble") => ("200 OK", "<html>"),
                Some("fail") => ("500 Oops", "{}"),
                _ => ("200 OK", r#"{"success":false,"error-codes":["invalid-input-response"]}"#),
            };
            (status, body.to_owned())
        }))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    pub(crate) fn uri(&self) -> String {
        self.0.url("/siteverify")
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.0.asked()
    }
}
