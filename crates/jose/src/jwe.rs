//! Compact JWE (RFC 7516 §7.1) with explicit keys.
//!
//! Key management and content encryption are the caller's; the header is compared with the expected one and never
//! interpreted (SEC-39). With RSA a failed unwrapping goes on with a random key, so that a padding failure ends in the
//! same tag failure as everything else (RFC 7516 §11.5).

use crate::algorithms::Encryption;
use crate::base64url;
use crate::content::{ContentKey, MAX_IV_LEN, MAX_KEY_LEN, RandomBytes};
use crate::error::{CryptoFailure, Error, InvalidToken};
use crate::key_wrap::{self, WrappingKey};
use crate::rsa::{MAX_MODULUS_LEN, Padding, RsaPair};
use crate::tag::MAX_TAG_LEN;

/// Most that CBC padding adds.
const BLOCK_LEN: usize = 16;

/// The key that protects the content encryption key, with the way it does so.
#[derive(Debug, Clone, Copy)]
pub enum KeyManagement<'k> {
    /// `RSA1_5` (RFC 7518 §4.2).
    RsaPkcs1(&'k RsaPair),
    /// `RSA-OAEP` (RFC 7518 §4.3).
    RsaOaep(&'k RsaPair),
    /// `RSA-OAEP-256` (RFC 7518 §4.3).
    RsaOaep256(&'k RsaPair),
    /// `A128KW`, `A192KW`, `A256KW` by the length of the key (RFC 7518 §4.4).
    AesKeyWrap(&'k WrappingKey),
    /// `dir` (RFC 7518 §4.5).
    Direct(&'k ContentKey),
}

/// The five parts of a compact JWE, still as text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'t> {
    /// Protected header; its text is the additional authenticated data.
    pub(crate) header: &'t str,
    encrypted_key: &'t str,
    iv: &'t str,
    ciphertext: &'t str,
    tag: &'t str,
}

impl<'t> Parts<'t> {
    /// Splits at exactly four dots.
    pub(crate) fn split(token: &'t str) -> Result<Self, InvalidToken> {
        let mut parts = token.split('.');
        let mut next = || parts.next().ok_or(InvalidToken);
        let split = Self { header: next()?, encrypted_key: next()?, iv: next()?, ciphertext: next()?, tag: next()? };
        if parts.next().is_some() { Err(InvalidToken) } else { Ok(split) }
    }

    /// The content, authenticated and decrypted.
    pub(crate) fn decrypt(&self, key: KeyManagement<'_>, encryption: Encryption) -> Result<Vec<u8>, InvalidToken> {
        let mut iv = [0; MAX_IV_LEN];
        let iv = base64url::decode_into(self.iv, &mut iv)?;
        let mut tag = [0; MAX_TAG_LEN];
        let tag = base64url::decode_into(self.tag, &mut tag)?;
        let mut content = base64url::decode(self.ciphertext)?;
        let unwrapped;
        let content_key = match key {
            KeyManagement::Direct(shared) if shared.encryption() == encryption && self.encrypted_key.is_empty() => shared,
            KeyManagement::Direct(_) => return Err(InvalidToken),
            _ => {
                unwrapped = self.unwrap_key(key, encryption)?;
                &unwrapped
            }
        };
        content_key.open(iv, self.header.as_bytes(), &mut content, tag)?;
        Ok(content)
    }

    fn unwrap_key(&self, key: KeyManagement<'_>, encryption: Encryption) -> Result<ContentKey, InvalidToken> {
        let mut encrypted = [0; MAX_MODULUS_LEN];
        let encrypted = base64url::decode_into(self.encrypted_key, &mut encrypted)?;
        let mut content_key = RandomBytes::<MAX_KEY_LEN>::draw(encryption.key_len())?;
        match key {
            KeyManagement::RsaPkcs1(pair) => pair.unwrap_key(Padding::Pkcs1, encrypted, &mut content_key),
            KeyManagement::RsaOaep(pair) => pair.unwrap_key(Padding::Oaep, encrypted, &mut content_key),
            KeyManagement::RsaOaep256(pair) => pair.unwrap_key(Padding::Oaep256, encrypted, &mut content_key),
            KeyManagement::AesKeyWrap(kek) => {
                let mut buffer = zeroize::Zeroizing::new([0; MAX_KEY_LEN]);
                content_key.replace_if_fitting(kek.unwrap(encrypted, buffer.as_mut_slice())?);
            }
            KeyManagement::Direct(_) => return Err(InvalidToken),
        }
        Ok(ContentKey::prepare(encryption, content_key.as_ref())?)
    }
}

/// Encrypts `content` under `header`, the exact text of the JSON header, with a fresh key and initialisation vector.
///
/// # Errors
/// [`Error::Crypto`] when the system gives no randomness or a direct key is not one for `encryption`.
pub fn encrypt(key: KeyManagement<'_>, encryption: Encryption, header: &str, content: &[u8]) -> Result<String, Error> {
    let iv = RandomBytes::<MAX_IV_LEN>::draw(encryption.iv_len())?;
    if let KeyManagement::Direct(shared) = key {
        let fits = shared.encryption() == encryption;
        return if fits { Ok(assemble(header, &[], shared, iv.as_ref(), content)?) } else { Err(Error::Crypto) };
    }
    let content_key = RandomBytes::<MAX_KEY_LEN>::draw(encryption.key_len())?;
    Ok(encrypt_with(key, encryption, header, content_key.as_ref(), iv.as_ref(), content)?)
}

/// Decrypts `token` when its header is exactly `header` and `key` is the one it was made with.
///
/// # Errors
/// [`InvalidToken`] in every other case.
pub fn decrypt(key: KeyManagement<'_>, encryption: Encryption, header: &str, token: &str) -> Result<Vec<u8>, InvalidToken> {
    let parts = Parts::split(token)?;
    if base64url::decode(parts.header)? != header.as_bytes() {
        return Err(InvalidToken);
    }
    parts.decrypt(key, encryption)
}

/// As [`encrypt`] with a given content encryption key and initialisation vector; a pair of them serves one token only.
pub(crate) fn encrypt_with(
    key: KeyManagement<'_>,
    encryption: Encryption,
    header: &str,
    content_key: &[u8],
    iv: &[u8],
    content: &[u8],
) -> Result<String, CryptoFailure> {
    let mut buffer = [0; MAX_MODULUS_LEN];
    let wrapped = wrap_key(key, content_key, &mut buffer)?;
    assemble(header, wrapped, &ContentKey::prepare(encryption, content_key)?, iv, content)
}

fn wrap_key<'b>(key: KeyManagement<'_>, content_key: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8], CryptoFailure> {
    match key {
        KeyManagement::RsaPkcs1(pair) => pair.wrap_key(Padding::Pkcs1, content_key, buffer),
        KeyManagement::RsaOaep(pair) => pair.wrap_key(Padding::Oaep, content_key, buffer),
        KeyManagement::RsaOaep256(pair) => pair.wrap_key(Padding::Oaep256, content_key, buffer),
        KeyManagement::AesKeyWrap(kek) => {
            let out = buffer.get_mut(..content_key.len() + key_wrap::OVERHEAD).ok_or(CryptoFailure)?;
            kek.wrap(content_key, out)?;
            Ok(out)
        }
        KeyManagement::Direct(_) => Err(CryptoFailure),
    }
}

/// Seals `content` and joins the five parts.
pub(crate) fn assemble(
    header: &str,
    encrypted_key: &[u8],
    content_key: &ContentKey,
    iv: &[u8],
    content: &[u8],
) -> Result<String, CryptoFailure> {
    let mut ciphertext = Vec::with_capacity(content.len() + BLOCK_LEN);
    ciphertext.extend_from_slice(content);
    let parts = [header.len(), encrypted_key.len(), iv.len(), ciphertext.capacity(), MAX_TAG_LEN];
    let mut token = String::with_capacity(parts.into_iter().map(|part| base64url::text_len(part) + 1).sum());
    base64url::push(&mut token, header);
    let tag = content_key.seal(iv, token.as_bytes(), &mut ciphertext)?;
    for part in [encrypted_key, iv, &ciphertext, tag.as_ref()] {
        token.push('.');
        base64url::push(&mut token, part);
    }
    Ok(token)
}
