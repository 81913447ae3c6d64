//! Content encryption: one interface over AES-GCM and AES-CBC with HMAC (RFC 7518 §5).
//!
//! A key may serve any number of tokens because every initialisation vector is drawn anew; no caller outside the test
//! vectors may choose one.

use aws_lc_rs::aead::{AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::algorithms::Encryption;
use crate::cbc_hmac::CbcHmacKey;
use crate::error::{CryptoFailure, Error};
use crate::tag::Tag;

/// Longest content encryption key (A256CBC-HS512).
pub(crate) const MAX_KEY_LEN: usize = 64;
/// Longest initialisation vector.
pub(crate) const MAX_IV_LEN: usize = 16;

/// A content encryption key with its key schedule computed once.
pub struct ContentKey {
    encryption: Encryption,
    cipher: Cipher,
}

enum Cipher {
    Gcm(LessSafeKey),
    Cbc(Box<CbcHmacKey>),
}

/// A content encryption key or an initialisation vector on the stack, wiped when dropped.
pub(crate) struct RandomBytes<const MAX: usize> {
    bytes: Zeroizing<[u8; MAX]>,
    length: usize,
}

impl<const MAX: usize> RandomBytes<MAX> {
    /// Draws `length` bytes from the operating system's generator (SEC-05).
    pub(crate) fn draw(length: usize) -> Result<Self, CryptoFailure> {
        let mut drawn = Self { bytes: Zeroizing::new([0; MAX]), length };
        rand::fill(drawn.bytes.get_mut(..length).ok_or(CryptoFailure)?)?;
        Ok(drawn)
    }

    /// Takes over `bytes` when their number is the drawn one; else what was drawn stays.
    pub(crate) fn replace_if_fitting(&mut self, bytes: &[u8]) {
        if let Some(own) = self.bytes.get_mut(..self.length)
            && own.len() == bytes.len()
        {
            own.copy_from_slice(bytes);
        }
    }
}

impl<const MAX: usize> AsRef<[u8]> for RandomBytes<MAX> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl ContentKey {
    /// Prepares `key` for `encryption`.
    ///
    /// # Errors
    /// [`Error::Crypto`] when `key` does not have [`Encryption::key_len`] bytes.
    pub fn new(encryption: Encryption, key: &[u8]) -> Result<Self, Error> {
        Ok(Self::prepare(encryption, key)?)
    }

    /// As [`ContentKey::new`], for use inside the crate.
    pub(crate) fn prepare(encryption: Encryption, key: &[u8]) -> Result<Self, CryptoFailure> {
        if key.len() != encryption.key_len() {
            return Err(CryptoFailure);
        }
        let gcm = |algorithm| Ok::<_, CryptoFailure>(Cipher::Gcm(LessSafeKey::new(UnboundKey::new(algorithm, key)?)));
        let cipher = match encryption {
            Encryption::A128Gcm => gcm(&AES_128_GCM)?,
            Encryption::A192Gcm => gcm(&AES_192_GCM)?,
            Encryption::A256Gcm => gcm(&AES_256_GCM)?,
            Encryption::A128CbcHs256 | Encryption::A192CbcHs384 | Encryption::A256CbcHs512 => {
                Cipher::Cbc(Box::new(CbcHmacKey::new(encryption, key)?))
            }
        };
        Ok(Self { encryption, cipher })
    }

    /// The content encryption the key was prepared for.
    pub const fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// Encrypts `content` in place and returns the tag over it, `iv` and `aad`.
    pub(crate) fn seal(&self, iv: &[u8], aad: &[u8], content: &mut Vec<u8>) -> Result<Tag, CryptoFailure> {
        match &self.cipher {
            Cipher::Gcm(key) => {
                let nonce = Nonce::try_assume_unique_for_key(iv)?;
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), content)?;
                Tag::truncated(tag.as_ref(), self.encryption.tag_len())
            }
            Cipher::Cbc(key) => key.seal(iv, aad, content),
        }
    }

    /// Checks `tag` and decrypts `content` in place; on failure `content` holds nothing of use.
    pub(crate) fn open(&self, iv: &[u8], aad: &[u8], content: &mut Vec<u8>, tag: &[u8]) -> Result<(), CryptoFailure> {
        if tag.len() != self.encryption.tag_len() {
            return Err(CryptoFailure);
        }
        match &self.cipher {
            Cipher::Gcm(key) => {
                let nonce = Nonce::try_assume_unique_for_key(iv)?;
                key.open_in_place_separate_tag(nonce, Aad::from(aad), tag, content)?;
                Ok(())
            }
            Cipher::Cbc(key) => key.open(iv, aad, content, tag),
        }
    }
}

impl std::fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentKey").field("encryption", &self.encryption).finish_non_exhaustive()
    }
}
