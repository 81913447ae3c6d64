//! MD5, which only verifies what others hashed: IDM's own form, `{MD5}` and `{SMD5}` of directories, and the crypt of Unix that is made of it
//! (`$1$`, and `$apr1$` of web servers). At the next sign-in a hash of ours takes its place.

use md5::{Digest as _, Md5};

use super::crypt;
use super::kind::{Bytes, HashError, Kind, Salted, decode};

/// Bytes of a digest.
const BYTES: usize = 16;
/// Characters of a salt of crypt that count.
const CRYPT_SALT: usize = 8;

/// The digest of a text and the salt behind it.
pub(super) fn digest(text: &[u8], salt: &[u8]) -> [u8; BYTES] {
    of(&[text, salt])
}

fn of(parts: &[&[u8]]) -> [u8; BYTES] {
    let mut context = Md5::new();
    for part in parts {
        context.update(part);
    }
    context.finalize().into()
}

/// `base64(digest || salt)`.
pub(super) fn salted(data: &str, bytes: Bytes, form: &'static str) -> Result<Kind, HashError> {
    let salted = decode(data).and_then(|joined| Salted::split(&joined, BYTES)).filter(|split| split.digest.len() == BYTES);
    Ok(Kind::Md5 { salted: salted.ok_or(HashError::Malformed(form))?, bytes })
}

/// `base64(digest)`.
pub(super) fn plain(data: &str) -> Result<Kind, HashError> {
    match salted(data, Bytes::All, "{MD5}")? {
        Kind::Md5 { salted, .. } if !salted.salt.is_empty() => Err(HashError::Malformed("{MD5}")),
        plain => Ok(plain),
    }
}

/// `salt$digest` behind `$1$` or `$apr1$`.
pub(super) fn parse_crypt(magic: &'static str, rest: &str) -> Result<Kind, HashError> {
    const MALFORMED: HashError = HashError::Malformed("md5-crypt");
    let (salt, encoded) = rest.split_once('$').ok_or(MALFORMED)?;
    if salt.len() > CRYPT_SALT || encoded.len() != 22 || !crypt::is_encoded(encoded) {
        return Err(MALFORMED);
    }
    Ok(Kind::Md5Crypt { magic, salt: salt.as_bytes().to_vec(), encoded: encoded.to_owned() })
}

/// The text form of the digest.
pub(super) fn crypt_digest(magic: &str, salt: &[u8], text: &[u8]) -> String {
    let inner = of(&[text, salt, text]);
    let mut context = Md5::new();
    context.update(text);
    context.update(magic);
    context.update(salt);
    for part in text.chunks(BYTES) {
        context.update(inner.get(..part.len()).unwrap_or(&inner));
    }
    let mut left = text.len();
    while left > 0 {
        // The first byte of the text, or a zero, for each bit of its length.
        let bit: &[u8] = if left & 1 == 1 { &[0] } else { text.get(..1).unwrap_or_default() };
        context.update(bit);
        left >>= 1;
    }
    let mut last: [u8; BYTES] = context.finalize().into();
    for round in 0..1000_u32 {
        let (first, behind) = if round & 1 == 1 { (text, last.as_slice()) } else { (last.as_slice(), text) };
        let salt: &[u8] = if round % 3 == 0 { &[] } else { salt };
        let again: &[u8] = if round % 7 == 0 { &[] } else { text };
        last = of(&[first, salt, again, behind]);
    }
    crypt::encode_md5(&last)
}
