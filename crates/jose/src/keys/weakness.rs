//! Keys that others know or could guess are refused (SEC-40).
//!
//! What is printed in an RFC or shipped in a sample is no secret, however random it looks.

use aws_lc_rs::digest;

use crate::base64url;
use crate::error::KeyFault;
use crate::rsa::RsaPair;

/// Bytes of the shortest secret.
const MIN_SECRET_LEN: usize = KeyFault::MIN_SECRET_BITS / 8;
/// Fewer different bytes than this do not occur in 16 random ones (probability below 2⁻⁵⁰).
const MIN_DIFFERENT_BYTES: usize = 8;

/// Words of samples and installation guides; a secret that contains one was typed, not drawn.
const SAMPLE_WORDS: [&str; 8] = ["changeit", "changeme", "password", "secretkey", "openidm", "forgerock", "example", "vestibule"];

/// SHA-256, as base64url, of secrets that are printed in public documents.
const SAMPLE_SECRETS: [&str; 3] = [
    "yOzJNhoF4oXwTCb5VyExpt6rB-niuGUFPG91pNi9KzI", // RFC 7515 A.1
    "c-x0RYBZxwyuPwrehmP-DaHcSxFO2M2sdTZBQLRFikw", // RFC 7520 §3.5
    "LNbxAFbQjhBDCtVli1VlBWyT_N4EdWP35TpWRSRnwFA", // RFC 7520 §3.6
];

/// SHA-256, as base64url, over the SubjectPublicKeyInfo of RSA keys whose private half is printed in public documents.
const SAMPLE_RSA: [&str; 8] = [
    "b9E8JDWjYefFiM0X9V9a098Bd6ZsFyemogCEX016uIw", // RFC 7515 A.2
    "vwp6dPmvtu3aieur6CQkG_2ygdstpQ2q6Zc8bL6Z_pU", // RFC 7516 A.1
    "wd5wtPWukqU7hvanF147m4iy-BDVWrpTrKM0xZ_C6mA", // RFC 7516 A.2
    "rTIyDPbFltiEsFOBulc6uo3dV0m03o9KI6efmondrrI", // RFC 7517 A.2
    "pBCea6yAQ-wImlcGSusU0LX9UCW5WBBUHFKhaKpWU0Q", // RFC 7517 C.1
    "Yndx8l2kJtH5rjFeQhBtcAsVKYUO7hWSrPOWA5WdeV0", // RFC 7520 §3.4
    "Ipyrt0FEnZHXAxldTWmBT9yulr8vWJYK4nEc7dYeNRQ", // RFC 7520 §5.1
    "yFedjYePuOqypvHnFMkhGLmWDhR47ZBkliVe1AXbFjY", // RFC 7520 §5.2
];

/// Refuses secrets that are short, repetitive or known.
pub(crate) fn check_secret(secret: &[u8]) -> Result<(), KeyFault> {
    if secret.len() < MIN_SECRET_LEN {
        return Err(KeyFault::ShortSecret { bits: secret.len() * 8 });
    }
    let lower = secret.to_ascii_lowercase();
    let has_word = |word: &&str| lower.windows(word.len()).any(|window| window == word.as_bytes());
    if SAMPLE_WORDS.iter().any(has_word) || is_listed(&SAMPLE_SECRETS, digest::digest(&digest::SHA256, secret).as_ref()) {
        return Err(KeyFault::Sample);
    }
    let mut seen = [false; 256];
    for byte in secret {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    if seen.iter().filter(|seen| **seen).count() < MIN_DIFFERENT_BYTES { Err(KeyFault::Repetitive) } else { Ok(()) }
}

/// Refuses RSA keys whose private half is public.
pub(crate) fn check_rsa(pair: &RsaPair) -> Result<(), KeyFault> {
    if is_listed(&SAMPLE_RSA, &pair.fingerprint()) { Err(KeyFault::Sample) } else { Ok(()) }
}

fn is_listed(list: &[&str], digest: &[u8]) -> bool {
    list.contains(&base64url::encode(digest).as_str())
}
