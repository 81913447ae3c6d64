//! RSA key pairs, parsed once and prepared for every padding.
//!
//! Of a token, the content encryption key is unwrapped, and it is never said whether the padding was good: the caller
//! goes on with a random key (RFC 7516 §11.5). Only what an operator brings is opened ([`RsaPair::opened`]).

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey,
};
use zeroize::Zeroizing;

use crate::content::RandomBytes;
use crate::error::{CryptoFailure, Error, KeyFault};

/// Bytes of the longest modulus.
pub(crate) const MAX_MODULUS_LEN: usize = KeyFault::MAX_RSA_BITS / 8;

/// How a content encryption key is padded before the RSA operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Padding {
    /// PKCS #1 v1.5.
    Pkcs1,
    /// OAEP with SHA-1 and MGF1 over SHA-1.
    Oaep,
    /// OAEP with SHA-256 and MGF1 over SHA-256.
    Oaep256,
}

impl From<KeyRejected> for KeyFault {
    fn from(rejected: KeyRejected) -> Self {
        match rejected.description_() {
            "TooSmall" => Self::SmallRsa,
            "TooLarge" => Self::LargeRsa,
            _ => Self::NotRsa,
        }
    }
}

impl From<aws_lc_rs::error::Unspecified> for KeyFault {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::NotRsa
    }
}

/// An RSA private key with its public half.
pub struct RsaPair {
    pkcs8: Zeroizing<Vec<u8>>,
    fingerprint: [u8; 32],
    pkcs1_public: Pkcs1PublicEncryptingKey,
    pkcs1_private: Pkcs1PrivateDecryptingKey,
    oaep_public: OaepPublicEncryptingKey,
    oaep_private: OaepPrivateDecryptingKey,
}

impl RsaPair {
    /// Generates a pair of 2048 bits.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(CryptoFailure::from)?;
        let pkcs8: Pkcs8V1Der<'static> = key.as_der().map_err(CryptoFailure::from)?;
        Self::from_pkcs8(pkcs8.as_ref()).map_err(|_| Error::Crypto)
    }

    /// Reads an unencrypted PKCS #8 document (RFC 5958).
    ///
    /// # Errors
    /// [`KeyFault`] when it is not an RSA key of 2048 to 8192 bits.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyFault> {
        let key = PrivateDecryptingKey::from_pkcs8(der)?;
        let public: PublicKeyX509Der<'static> = key.public_key().as_der()?;
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&digest::SHA256, public.as_ref()).as_ref());
        Ok(Self {
            pkcs8: Zeroizing::new(der.to_vec()),
            fingerprint,
            pkcs1_public: Pkcs1PublicEncryptingKey::new(key.public_key())?,
            oaep_public: OaepPublicEncryptingKey::new(key.public_key())?,
            pkcs1_private: Pkcs1PrivateDecryptingKey::new(key)?,
            oaep_private: OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(der)?)?,
        })
    }

    /// Reads an `RSAPrivateKey` structure (RFC 8017 §A.1.2, PEM label `RSA PRIVATE KEY`).
    ///
    /// # Errors
    /// As [`RsaPair::from_pkcs8`].
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, KeyFault> {
        let pkcs8: Pkcs8V1Der<'static> = KeyPair::from_der(der)?.as_der()?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// The PKCS #8 document of the pair.
    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// SHA-256 over the public key's SubjectPublicKeyInfo.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// Bits of the modulus.
    pub fn bits(&self) -> usize {
        self.pkcs1_private.key_size_bits()
    }

    /// Encrypts `content_key` into `buffer` with fresh padding.
    pub(crate) fn wrap_key<'b>(&self, padding: Padding, content_key: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], CryptoFailure> {
        Ok(match padding {
            Padding::Pkcs1 => self.pkcs1_public.encrypt(content_key, buffer)?,
            Padding::Oaep => self.oaep_public.encrypt(&OAEP_SHA1_MGF1SHA1, content_key, buffer, None)?,
            Padding::Oaep256 => self.oaep_public.encrypt(&OAEP_SHA256_MGF1SHA256, content_key, buffer, None)?,
        })
    }

    /// What an operator's own value wraps. Nobody who sends anything ever sees whether this fails.
    pub(crate) fn opened(&self, padding: Padding, encrypted: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut buffer = Zeroizing::new([0; MAX_MODULUS_LEN]);
        self.decrypt(padding, encrypted, buffer.as_mut_slice()).ok().map(|key| Zeroizing::new(key.to_vec()))
    }

    fn decrypt<'b>(&self, padding: Padding, encrypted: &[u8], buffer: &'b mut [u8]) -> Result<&'b mut [u8], aws_lc_rs::error::Unspecified> {
        match padding {
            Padding::Pkcs1 => self.pkcs1_private.decrypt(encrypted, buffer),
            Padding::Oaep => self.oaep_private.decrypt(&OAEP_SHA1_MGF1SHA1, encrypted, buffer, None),
            Padding::Oaep256 => self.oaep_private.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted, buffer, None),
        }
    }

    /// Puts the decrypted key into `content_key`; whatever fails, the random bytes drawn before stay there.
    pub(crate) fn unwrap_key<const MAX: usize>(&self, padding: Padding, encrypted: &[u8], content_key: &mut RandomBytes<MAX>) {
        let mut buffer = Zeroizing::new([0; MAX_MODULUS_LEN]);
        if let Ok(key) = self.decrypt(padding, encrypted, buffer.as_mut_slice()) {
            content_key.replace_if_fitting(key);
        }
    }
}

impl std::fmt::Debug for RsaPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RsaPair").field("bits", &self.bits()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::MAX_KEY_LEN;

    /// What is left in a drawn key after unwrapping `encrypted`, and what was drawn.
    fn unwrap(pair: &RsaPair, padding: Padding, encrypted: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut key = RandomBytes::<MAX_KEY_LEN>::draw(32).unwrap();
        let drawn = key.as_ref().to_vec();
        pair.unwrap_key(padding, encrypted, &mut key);
        (key.as_ref().to_vec(), drawn)
    }

    #[test]
    fn a_failed_unwrapping_goes_on_with_the_random_key() {
        let pair = RsaPair::generate().unwrap();
        for padding in [Padding::Pkcs1, Padding::Oaep, Padding::Oaep256] {
            let wrapped = |key: &[u8]| pair.wrap_key(padding, key, &mut [0; MAX_MODULUS_LEN]).unwrap().to_vec();
            let (found, _) = unwrap(&pair, padding, &wrapped(&[7; 32]));
            assert_eq!(found, [7; 32], "{padding:?}");
            let too_long: &[u8] = &wrapped(&[7; 33]);
            let too_short: &[u8] = &wrapped(&[7; 31]);
            for encrypted in [too_long, too_short, &[0; 256], &[1; 256], &[0xFF; 256], &[1; 255], &[1; 512], &[]] {
                let (found, drawn) = unwrap(&pair, padding, encrypted);
                assert_eq!(found, drawn, "{padding:?} {} bytes", encrypted.len());
            }
        }
    }
}
