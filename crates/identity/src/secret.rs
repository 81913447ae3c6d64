//! Secrets at rest: passwords, answers to security questions, codes. One slow hash of our own (argon2id), and every form an
//! imported account may carry, verified once and replaced at its next use (decision 11, ADR 0003).
//!
//! Easiest to break: a plain string is never a hash. A stored value that [`StoredSecret::recognise`] does not know is
//! *unverifiable*, not "compare it as it is".
//!
//! Everything here is synchronous, pure and expensive; servers call it through [`Hasher`], which bounds how many run at once.

mod bounds;
mod crypt;
mod dollar;
mod hasher;
mod idm;
mod kind;
mod ldap;
mod message_digest;
mod modular;
mod parameters;
mod pbkdf2;
mod scratch;
mod stored;
mod verify;

#[cfg(test)]
mod vectors;

use std::fmt;

use crest::ResourceError;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

#[cfg(test)]
pub(crate) use hasher::tests as hasher_tests;
pub use hasher::{Hasher, InlineHasher, OpensCrypto};
pub use kind::{HashError, StoredSecret};
pub use ldap::clear_text;
pub use parameters::HashParameters;
pub use scratch::Scratch;

pub use verify::{dummy_verify, hash, hash_in, needs_rehash, verify, verify_stored, verify_stored_in};

/// Longest secret accepted, in bytes of UTF-8 (SEC-24).
pub const MAX_SECRET_BYTES: usize = 1024;

/// A secret in clear, for as long as one submission needs it. Wiped on drop; never printed.
///
/// It holds the form we hash and, where they differ, other forms that foreign systems may have hashed.
#[derive(Clone)]
pub struct Secret {
    text: Zeroizing<String>,
    alternatives: Vec<Zeroizing<String>>,
}

impl Secret {
    /// A password: NFKC for our own hash (SEC-24, NIST SP 800-63B-4 §3.1.1.2), the typed form for foreign hashes.
    ///
    /// # Errors
    /// [`SecretError::TooLong`] past [`MAX_SECRET_BYTES`].
    pub fn password(typed: &str) -> Result<Self, SecretError> {
        Self::with_alternatives(nfkc(typed)?, &[typed])
    }

    /// A secret that is hashed as it stands: a code, a recovery token.
    ///
    /// # Errors
    /// [`SecretError::TooLong`] past [`MAX_SECRET_BYTES`].
    pub fn exact(text: &str) -> Result<Self, SecretError> {
        Self::with_alternatives(Zeroizing::new(text.to_owned()), &[])
    }

    /// `text` is what we hash; `alternatives` are tried too when verifying.
    pub(crate) fn with_alternatives(text: Zeroizing<String>, alternatives: &[&str]) -> Result<Self, SecretError> {
        if text.len() > MAX_SECRET_BYTES || alternatives.iter().any(|form| form.len() > MAX_SECRET_BYTES) {
            return Err(SecretError::TooLong);
        }
        let alternatives =
            alternatives.iter().filter(|form| **form != text.as_str()).map(|form| Zeroizing::new((*form).to_owned())).collect();
        Ok(Self { text, alternatives })
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The clear text in the form that is hashed, for what must see it (policies, a remote system). Do not store or log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// All forms, ours first: two secrets with the same ones are the same. As little to be stored or logged as [`Secret::expose`].
    pub fn forms(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.text.as_str()).chain(self.alternatives.iter().map(|form| form.as_str()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Why a secret cannot be used or hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Longer than [`MAX_SECRET_BYTES`].
    #[error("the value is longer than {MAX_SECRET_BYTES} bytes")]
    TooLong,
    /// An empty secret is never hashed: it would match an empty input.
    #[error("the value is empty")]
    Empty,
    /// Hash parameters out of bounds, or the memory they need is not to be had.
    #[error("the hash parameters cannot be used")]
    Parameters,
}

impl From<SecretError> for ResourceError {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::TooLong | SecretError::Empty => Self::bad_request(error.to_string()),
            SecretError::Parameters => Self::internal("Hashing failed"),
        }
    }
}

/// The outcome of comparing a secret with a stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the secret.
    Matches {
        /// The stored form is weaker than, or other than, what [`hash`] makes today: store a new one now.
        rehash: bool,
    },
    /// It is not the secret.
    Differs,
    /// The stored value cannot be compared: encrypted with a key we lack, a form we do not know, or too costly. To a client this is
    /// the same as [`Verdict::Differs`]; an operator must be told.
    Unverifiable,
}

impl Verdict {
    /// Whether the secret was right.
    #[must_use]
    pub fn matches(self) -> bool {
        matches!(self, Self::Matches { .. })
    }
}

/// Whether the value claims to be encrypted or hashed by IDM already: an object with a `$crypto` member. Such values from anybody but
/// an administrator are refused (decision 13): they would plant a secret the person never proved to know, or make the server
/// decrypt a ciphertext for its sender.
#[must_use]
pub fn is_crypto_object(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.contains_key(CRYPTO))
}

/// The member that marks an encrypted or hashed value of IDM.
pub(crate) const CRYPTO: &str = "$crypto";

/// NFKC, refusing what is too long before spending work on it.
pub(crate) fn nfkc(text: &str) -> Result<Zeroizing<String>, SecretError> {
    if text.len() > MAX_SECRET_BYTES {
        return Err(SecretError::TooLong);
    }
    let mut normal = Zeroizing::new(String::with_capacity(text.len() * 4));
    normal.extend(text.nfkc());
    Ok(normal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::password("hunter2").unwrap();
        assert!(!format!("{secret:?} {secret} {secret:#?}").contains("hunter2"));
    }

    /// SEC-25.
    #[test]
    fn sec_24_passwords_are_nfkc_and_at_most_1024_bytes() {
        assert_eq!(Secret::password("Ｐassword\u{a0}Å").unwrap().expose(), "Password \u{c5}");
        assert!(Secret::password(&"x".repeat(1024)).is_ok());
        assert_eq!(Secret::password(&"x".repeat(1025)).unwrap_err(), SecretError::TooLong);
        assert_eq!(Secret::password(&"\u{fdfa}".repeat(300)).unwrap_err(), SecretError::TooLong, "NFKC may make it longer");
        assert_eq!(Secret::exact(&"x".repeat(1025)).unwrap_err(), SecretError::TooLong);
    }

    #[test]
    fn a_typed_form_that_is_already_normal_is_not_tried_twice() {
        assert_eq!(Secret::password("plain").unwrap().forms().count(), 1);
        assert_eq!(Secret::password("Ｐ").unwrap().forms().count(), 2);
    }

    #[test]
    fn only_objects_with_crypto_are_crypto_objects() {
        assert!(is_crypto_object(&json!({"$crypto": {"type": "salted-hash"}})));
        assert!(is_crypto_object(&json!({"$crypto": null})), "a damaged one is refused as well");
        assert!(!is_crypto_object(&json!("$crypto")));
        assert!(!is_crypto_object(&json!({"crypto": 1})));
    }
}
