//! `[tls]`: the certificate the server speaks TLS with, on its one listener.

use crate::diagnostic::Severity;
use crate::loose::Node;

/// Files and promises of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate with its chain, PEM; absolute or relative to the project.
    pub certificate: String,
    /// Its private key, PEM; absolute or relative to the project.
    pub key: String,
    /// Seconds for which browsers are to come by https alone (`Strict-Transport-Security`, RFC 6797); 0 leaves the header out.
    pub hsts_seconds: u32,
}

/// Keys of the section.
pub(super) const KEYS: [&str; 3] = ["certificate", "key", "hsts_seconds"];

/// A year.
const HSTS: u32 = 365 * 24 * 3600;

impl Tls {
    /// `None` without the section. One that lacks a key is an error, and no server without TLS: the name that is missing is empty, and no file has it.
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        let hsts = node.get("hsts_seconds").integer_in(0..=i64::from(u32::MAX)).and_then(|seconds| u32::try_from(seconds).ok());
        if node.members().is_empty() {
            return None;
        }
        let file = |name: &str, what: &str| {
            let written = node.get(name).filled_text();
            if written.is_none() {
                node.report(Severity::Error, "missing-key", format!("missing key '{name}': which PEM file holds {what}?"), None);
            }
            written.unwrap_or_default()
        };
        let (certificate, key) = (file("certificate", "the certificate"), file("key", "the certificate's private key"));
        Some(Self { certificate, key, hsts_seconds: hsts.unwrap_or(HSTS) })
    }
}
