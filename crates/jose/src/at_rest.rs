//! Values at rest: AES-256-GCM (NIST SP 800-38D) under a key that is derived from the ring for nothing else.
//!
//! Easiest to break: a value is bound to its place. What is copied from one object or property to another does not open there.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::{Error, KeyRing};

const LABEL: &str = "values at rest";

/// A value that was opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The value.
    pub value: Zeroizing<Vec<u8>>,
    /// Whether the present keys sealed it; what former keys sealed is to be sealed again.
    pub is_current: bool,
}

/// Seals a value for its place.
///
/// # Errors
/// When the cryptography fails.
pub fn seal_at_rest(keys: &KeyRing, place: &str, value: &[u8]) -> Result<String, Error> {
    let key = key(&keys.keyed(LABEL, &[])).ok_or(Error::Crypto)?;
    let mut sealed = value.to_vec();
    let nonce = key.seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut sealed).map_err(|_| Error::Crypto)?;
    let mut whole = nonce.as_ref().to_vec();
    whole.append(&mut sealed);
    Ok(URL_SAFE_NO_PAD.encode(whole))
}

/// Opens a value at its place, with the present keys or with former ones. Nothing for what was sealed elsewhere, or altered.
pub fn open_at_rest(keys: &KeyRing, place: &str, sealed: &str) -> Option<Opened> {
    let whole = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (nonce, sealed) = whole.split_first_chunk::<NONCE_LEN>()?;
    keys.keyed_by_each(LABEL, &[]).iter().enumerate().find_map(|(age, bytes)| {
        let mut value = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = key(bytes)?.open_in_place(nonce, Aad::from(place.as_bytes()), &mut value).ok()?.len();
        value.truncate(length);
        // What is sealed with the next generation already is sealed by a node that is ahead of this one.
        Some(Opened { value, is_current: age == 0 || age == 1 && keys.is_prepared() })
    })
}

fn key(bytes: &[u8; 32]) -> Option<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-37.
    #[test]
    fn a_value_opens_at_its_place_only_and_with_former_keys_too() {
        let mut keys = KeyRing::generate().unwrap();
        let sealed = seal_at_rest(&keys, "managed/user/1/ssn", b"123-45-678").unwrap();
        assert!(!sealed.contains("123"));
        assert_ne!(sealed, seal_at_rest(&keys, "managed/user/1/ssn", b"123-45-678").unwrap(), "no two are alike");
        let opened = open_at_rest(&keys, "managed/user/1/ssn", &sealed).unwrap();
        assert_eq!((opened.value.as_slice(), opened.is_current), (&b"123-45-678"[..], true));
        assert!(open_at_rest(&keys, "managed/user/2/ssn", &sealed).is_none());
        assert!(open_at_rest(&KeyRing::generate().unwrap(), "managed/user/1/ssn", &sealed).is_none());
        keys.rotate().unwrap();
        let opened = open_at_rest(&keys, "managed/user/1/ssn", &sealed).unwrap();
        assert_eq!((opened.value.as_slice(), opened.is_current), (&b"123-45-678"[..], false));
        for broken in ["", "x", "AAAA", &sealed[1..], &format!("{sealed}A")] {
            assert!(open_at_rest(&keys, "managed/user/1/ssn", broken).is_none(), "{broken}");
        }
    }
}
