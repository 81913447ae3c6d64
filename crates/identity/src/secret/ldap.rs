//! `{SCHEME}…`: values of `userPassword` (RFC 2307, PingDS and OpenLDAP), as a user import from a directory brings them.
//!
//! Only known scheme names count: a password that merely begins with a brace is no hash.

use zeroize::Zeroizing;

use super::kind::{Bytes, Digest, HashError, Kind, Salted, decode};
use super::{dollar, message_digest, modular};

pub(super) fn parse(text: &str) -> Option<Result<Kind, HashError>> {
    let (scheme, rest) = text.strip_prefix('{')?.split_once('}')?;
    let scheme = scheme.to_ascii_uppercase();
    Some(match scheme.as_str() {
        "SHA" => plain(Digest::Sha1, rest),
        "SHA256" => plain(Digest::Sha256, rest),
        "SHA384" => plain(Digest::Sha384, rest),
        "SHA512" => plain(Digest::Sha512, rest),
        "SSHA" => salted(Digest::Sha1, rest),
        "SSHA256" => salted(Digest::Sha256, rest),
        "SSHA384" => salted(Digest::Sha384, rest),
        "SSHA512" => salted(Digest::Sha512, rest),
        "PBKDF2" | "PBKDF2-SHA1" | "PBKDF2-HMAC-SHA1" => pbkdf2(Digest::Sha1, rest),
        "PBKDF2-SHA256" | "PBKDF2-HMAC-SHA256" => pbkdf2(Digest::Sha256, rest),
        "PBKDF2-SHA512" | "PBKDF2-HMAC-SHA512" => pbkdf2(Digest::Sha512, rest),
        "BCRYPT" | "CRYPT" | "ARGON2" | "SCRYPT" => {
            dollar::parse(rest).unwrap_or_else(|| Err(HashError::algorithm(&format!("{{{scheme}}}"))))
        }
        "MD5" => message_digest::plain(rest),
        "SMD5" => message_digest::salted(rest, Bytes::All, "{SMD5}"),
        "CLEAR" | "BASE64" | "AES" | "3DES" | "BLOWFISH" | "RC4" | "SCRAM-SHA-256" | "SCRAM-SHA-512" | "SCRAM-SHA-1" | "SASL"
        | "PKCS5S2" => Err(HashError::algorithm(&format!("{{{scheme}}}"))),
        _ => return None,
    })
}

/// The password in a value that a directory keeps in clear, as `{CLEAR}` or `{BASE64}`; none in any other.
#[must_use]
pub fn clear_text(value: &str) -> Option<Zeroizing<String>> {
    let (scheme, rest) = value.strip_prefix('{')?.split_once('}')?;
    match scheme.to_ascii_uppercase().as_str() {
        "CLEAR" => Some(Zeroizing::new(rest.to_owned())),
        "BASE64" => String::from_utf8(decode(rest)?).ok().map(Zeroizing::new),
        _ => None,
    }
}

/// `base64(digest)`.
fn plain(digest: Digest, rest: &str) -> Result<Kind, HashError> {
    let bytes = decode(rest).filter(|bytes| bytes.len() == digest.bytes()).ok_or(HashError::Malformed("{SHA}"))?;
    Ok(Kind::Digest { digest, salted: Salted { digest: bytes, salt: Vec::new() }, bytes: Bytes::All })
}

/// `base64(digest || salt)`; salts of any length but none.
fn salted(digest: Digest, rest: &str) -> Result<Kind, HashError> {
    let joined = decode(rest).ok_or(HashError::Malformed("{SSHA}"))?;
    let salted = Salted::split(&joined, digest.bytes()).filter(|split| !split.salt.is_empty()).ok_or(HashError::Malformed("{SSHA}"))?;
    Ok(Kind::Digest { digest, salted, bytes: Bytes::All })
}

/// PingDS: `<iterations>:base64(digest || salt)`, the digest as long as the hash function's. OpenLDAP: `<iterations>$salt$digest`.
fn pbkdf2(prf: Digest, rest: &str) -> Result<Kind, HashError> {
    const MALFORMED: HashError = HashError::Malformed("PBKDF2");
    let Some((iterations, joined)) = rest.split_once(':') else { return modular::iterated(prf, rest) };
    let joined = decode(joined).ok_or(MALFORMED)?;
    let salted = Salted::split(&joined, prf.bytes()).ok_or(MALFORMED)?;
    modular::pbkdf2_kind(prf, modular::number(iterations).ok_or(MALFORMED)?, vec![salted])
}
