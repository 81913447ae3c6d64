//! Compact JWS with an HMAC (RFC 7515 §7.1, RFC 7518 §3.2).
//!
//! The header is compared with the one the caller expects; its `alg` is never read (SEC-39).

use aws_lc_rs::hmac;

use crate::algorithms::JwsAlgorithm;
use crate::base64url;
use crate::error::InvalidToken;

/// Longest MAC (HS512).
const MAX_MAC_LEN: usize = 64;

/// A secret prepared for one HMAC algorithm.
pub struct MacKey {
    algorithm: JwsAlgorithm,
    key: hmac::Key,
}

impl MacKey {
    /// Prepares `secret` for `algorithm`. Whether the secret is long enough is decided where it enters the key ring.
    pub fn new(algorithm: JwsAlgorithm, secret: &[u8]) -> Self {
        let digest = match algorithm {
            JwsAlgorithm::Hs256 => hmac::HMAC_SHA256,
            JwsAlgorithm::Hs384 => hmac::HMAC_SHA384,
            JwsAlgorithm::Hs512 => hmac::HMAC_SHA512,
        };
        Self { algorithm, key: hmac::Key::new(digest, secret) }
    }

    /// The algorithm the secret was prepared for.
    pub const fn algorithm(&self) -> JwsAlgorithm {
        self.algorithm
    }

    /// Appends `.` and the MAC over everything in `signed`.
    pub(crate) fn push_mac(&self, signed: &mut String) {
        let mac = hmac::sign(&self.key, signed.as_bytes());
        signed.push('.');
        base64url::push(signed, mac.as_ref());
    }

    /// Characters of the MAC's text.
    pub(crate) const fn mac_text_len(&self) -> usize {
        base64url::text_len(match self.algorithm {
            JwsAlgorithm::Hs256 => 32,
            JwsAlgorithm::Hs384 => 48,
            JwsAlgorithm::Hs512 => MAX_MAC_LEN,
        })
    }
}

impl std::fmt::Debug for MacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MacKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// The three parts of a compact JWS, still as text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'t> {
    /// Protected header.
    pub(crate) header: &'t str,
    /// Payload.
    pub(crate) payload: &'t str,
    /// Header and payload with the dot between them: what the MAC is over.
    pub(crate) signed: &'t str,
    /// What is behind the last dot.
    pub(crate) mac: &'t str,
}

impl<'t> Parts<'t> {
    /// Splits at exactly two dots.
    pub(crate) fn split(token: &'t str) -> Result<Self, InvalidToken> {
        let (signed, mac) = token.rsplit_once('.').ok_or(InvalidToken)?;
        let (header, payload) = signed.split_once('.').ok_or(InvalidToken)?;
        if payload.contains('.') { Err(InvalidToken) } else { Ok(Self { header, payload, signed, mac }) }
    }

    /// Whether the MAC is `key`'s, compared in constant time.
    pub(crate) fn is_authentic(&self, key: &MacKey) -> bool {
        let mut buffer = [0; MAX_MAC_LEN];
        base64url::decode_into(self.mac, &mut buffer).is_ok_and(|mac| hmac::verify(&key.key, self.signed.as_bytes(), mac).is_ok())
    }
}

/// The compact JWS of `payload` under `header`, the exact text of the JSON header.
pub fn sign(key: &MacKey, header: &str, payload: &[u8]) -> String {
    let mut token = base64url::encode(header);
    token.push('.');
    base64url::push(&mut token, payload);
    key.push_mac(&mut token);
    token
}

/// The payload of `token` when its header is exactly `header` and its MAC is `key`'s.
///
/// # Errors
/// [`InvalidToken`] in every other case.
pub fn verify(key: &MacKey, header: &str, token: &str) -> Result<Vec<u8>, InvalidToken> {
    let parts = Parts::split(token)?;
    if base64url::decode(parts.header)? != header.as_bytes() || !parts.is_authentic(key) {
        return Err(InvalidToken);
    }
    Ok(base64url::decode(parts.payload)?)
}
