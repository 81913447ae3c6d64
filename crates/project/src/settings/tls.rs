//! `[tls]`: the certificate the server speaks TLS with, on its one listener. It lies in files, or is ordered (`acme`).

use super::acme::Acme;
use crate::diagnostic::Severity;
use crate::loose::Node;

/// Files and promises of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate with its chain, PEM; absolute or relative to the project. Empty where it is ordered.
    pub certificate: String,
    /// Its private key, PEM; absolute or relative to the project. Empty where it is ordered.
    pub key: String,
    /// Seconds for which browsers are to come by https alone (`Strict-Transport-Security`, RFC 6797); 0 leaves the header out.
    pub hsts_seconds: u32,
    /// `[tls.acme]`: from which authority the certificate is ordered, in the place of files.
    pub acme: Option<Acme>,
}

/// Keys of the section.
pub(super) const KEYS: [&str; 4] = ["certificate", "key", "hsts_seconds", "acme"];

/// A year.
const HSTS: u32 = 365 * 24 * 3600;

impl Tls {
    /// `None` without the section. One that lacks a key is an error, and no server without TLS: the name that is missing is empty, and no file has it.
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        let hsts = node.get("hsts_seconds").integer_in(0..=i64::from(u32::MAX)).and_then(|seconds| u32::try_from(seconds).ok());
        if node.members().is_empty() {
            return None;
        }
        let hsts_seconds = hsts.unwrap_or(HSTS);
        let acme = node.get("acme");
        let file = |name: &str, what: &str| {
            let written = node.get(name).filled_text();
            if written.is_none() && !acme.is_present() {
                node.report(Severity::Error, "missing-key", format!("missing key '{name}': which PEM file holds {what}?"), None);
            }
            written.unwrap_or_default()
        };
        let (certificate, key) = (file("certificate", "the certificate"), file("key", "the certificate's private key"));
        let tls = Self { certificate, key, hsts_seconds, acme: acme.is_present().then(|| Acme::read(&acme)) };
        if let Some(problem) = tls.twice() {
            node.report(Severity::Error, "wrong-value", problem, None);
        }
        Some(tls)
    }

    /// What is wrong where the certificate is to come from two places.
    #[must_use]
    pub fn twice(&self) -> Option<&'static str> {
        let files = !self.certificate.is_empty() || !self.key.is_empty();
        (files && self.acme.is_some()).then_some(
            "a certificate is named in files ('certificate', 'key'), and another is to be ordered ('acme'): leave one of them out",
        )
    }
}
