//! AES-CBC with HMAC as one authenticated encryption (RFC 7518 §5.2).
//!
//! The tag is compared before the first block is decrypted: a padding error behind a good tag is our own fault, never
//! an attacker's probe.

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use crate::algorithms::Encryption;
use crate::error::CryptoFailure;
use crate::tag::Tag;

/// Both halves of the key, prepared.
pub(crate) struct CbcHmacKey {
    tag_len: usize,
    mac: hmac::Key,
    encrypting: PaddedBlockEncryptingKey,
    decrypting: PaddedBlockDecryptingKey,
}

impl CbcHmacKey {
    /// The first half of `key` authenticates, the second encrypts (RFC 7518 §5.2.2.1, step 1).
    pub(crate) fn new(encryption: Encryption, key: &[u8]) -> Result<Self, CryptoFailure> {
        let (cipher, digest) = match encryption {
            Encryption::A128CbcHs256 => (&AES_128, hmac::HMAC_SHA256),
            Encryption::A192CbcHs384 => (&AES_192, hmac::HMAC_SHA384),
            Encryption::A256CbcHs512 => (&AES_256, hmac::HMAC_SHA512),
            Encryption::A128Gcm | Encryption::A192Gcm | Encryption::A256Gcm => return Err(CryptoFailure),
        };
        let (mac_half, cipher_half) = key.split_at_checked(encryption.key_len() / 2).ok_or(CryptoFailure)?;
        Ok(Self {
            tag_len: encryption.tag_len(),
            mac: hmac::Key::new(digest, mac_half),
            encrypting: PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(cipher, cipher_half)?)?,
            decrypting: PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(cipher, cipher_half)?)?,
        })
    }

    /// Pads and encrypts `content` in place; the tag is over `aad`, `iv` and the result.
    pub(crate) fn seal(&self, iv: &[u8], aad: &[u8], content: &mut Vec<u8>) -> Result<Tag, CryptoFailure> {
        let chaining = EncryptionContext::Iv128(FixedLength::from(block(iv)?));
        self.encrypting.less_safe_encrypt(content, chaining)?;
        Tag::truncated(self.mac(iv, aad, content)?.as_ref(), self.tag_len)
    }

    /// Compares the tag in constant time, then decrypts `content` in place and takes the padding off.
    pub(crate) fn open(&self, iv: &[u8], aad: &[u8], content: &mut Vec<u8>, tag: &[u8]) -> Result<(), CryptoFailure> {
        let iv = block(iv)?;
        let expected = Tag::truncated(self.mac(&iv, aad, content)?.as_ref(), self.tag_len)?;
        verify_slices_are_equal(expected.as_ref(), tag)?;
        let length = self.decrypting.decrypt(content, DecryptionContext::Iv128(FixedLength::from(iv)))?.len();
        content.truncate(length);
        Ok(())
    }

    /// The untruncated MAC over `aad`, `iv`, `ciphertext` and the number of bits in `aad` (RFC 7518 §5.2.2.1, step 5).
    fn mac(&self, iv: &[u8], aad: &[u8], ciphertext: &[u8]) -> Result<hmac::Tag, CryptoFailure> {
        let bits = u64::try_from(aad.len()).ok().and_then(|bytes| bytes.checked_mul(8)).ok_or(CryptoFailure)?;
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(aad);
        context.update(iv);
        context.update(ciphertext);
        context.update(&bits.to_be_bytes());
        Ok(context.sign())
    }
}

fn block(iv: &[u8]) -> Result<[u8; 16], CryptoFailure> {
    iv.try_into().map_err(|_| CryptoFailure)
}
