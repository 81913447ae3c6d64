//! A server, as it is configured and as it says it is.

use std::sync::Arc;

use super::login::Login;
use super::tls::Tls;
use crate::limits::Limits;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// STARTTLS (RFC 3207).
    StartTls {
        /// Whether a server that does not offer it gets no mail (SEC-46).
        required: bool,
    },
    /// TLS from the first byte (RFC 8314).
    Tls,
}

/// A server that takes mails.
#[derive(Clone)]
pub struct Server {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protection of the connection.
    pub security: Security,
    /// What TLS needs; nothing where `security` is none.
    pub tls: Option<Tls>,
    /// Whom we say we are.
    pub login: Option<Arc<Login>>,
    /// The name in `EHLO`; the connection's own address where there is none.
    pub greeting: Option<String>,
    /// Whether mailboxes with letters outside ASCII may be written to, where the server offers SMTPUTF8.
    pub utf8: bool,
    /// How long anything may take.
    pub limits: Limits,
}

/// What a server said it can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    pub(crate) pipelining: bool,
    pub(crate) eight_bit: bool,
    pub(crate) utf8: bool,
    pub(crate) start_tls: bool,
    /// Largest mail in bytes; 0 for no fixed limit.
    pub(crate) size: Option<u64>,
    /// Mechanisms of `AUTH`, in capitals.
    pub(crate) auth: Vec<String>,
}

impl Capabilities {
    /// Reads the lines of an answer to `EHLO`, the first of which is the server's name.
    pub(super) fn read(lines: &[String]) -> Self {
        let mut capabilities = Self::default();
        for line in lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("PIPELINING") => capabilities.pipelining = true,
                Some("8BITMIME") => capabilities.eight_bit = true,
                Some("SMTPUTF8") => capabilities.utf8 = true,
                Some("STARTTLS") => capabilities.start_tls = true,
                Some("SIZE") => capabilities.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0)),
                Some("AUTH") => capabilities.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        capabilities
    }
}
