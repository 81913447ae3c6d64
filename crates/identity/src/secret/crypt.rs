//! bcrypt and the SHA-2 crypt of Unix.

use super::bounds;
use super::kind::{Digest, HashError, Kind};

/// `$2b$12$` and 53 characters: 22 of salt, 31 of digest.
pub(super) fn bcrypt(text: &str) -> Result<Kind, HashError> {
    const MALFORMED: HashError = HashError::Malformed("bcrypt");
    let parts: bcrypt::HashParts = text.parse().map_err(|_| MALFORMED)?;
    if !bounds::bcrypt(parts.get_cost()) {
        return Err(if parts.get_cost() > 31 { MALFORMED } else { HashError::TooCostly("bcrypt") });
    }
    Ok(Kind::Bcrypt { cost: parts.get_cost(), salt: parts.get_salt_raw(), digest: bcrypt_digest(&parts.to_string()).to_owned() })
}

/// The digest part of a formatted bcrypt hash.
pub(super) fn bcrypt_digest(formatted: &str) -> &str {
    formatted.get(29..).unwrap_or_default()
}

/// `rounds=5000$salt$digest`, the rounds optional (Drepper, "Unix crypt using SHA-256 and SHA-512").
pub(super) fn sha_crypt(digest: Digest, rest: &str) -> Result<Kind, HashError> {
    const MALFORMED: HashError = HashError::Malformed("sha-crypt");
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        None => (5_000, rest),
        Some(rest) => {
            let (rounds, rest) = rest.split_once('$').ok_or(MALFORMED)?;
            (super::modular::number(rounds).ok_or(MALFORMED)?.max(1_000), rest)
        }
    };
    if !bounds::sha_crypt(rounds) {
        return Err(HashError::TooCostly("sha-crypt"));
    }
    let (salt, encoded) = rest.split_once('$').ok_or(MALFORMED)?;
    let length = if digest == Digest::Sha256 { 43 } else { 86 };
    if salt.len() > 16 || encoded.len() != length || !is_encoded(encoded) {
        return Err(MALFORMED);
    }
    Ok(Kind::ShaCrypt { digest, rounds, salt: salt.as_bytes().to_vec(), encoded: encoded.to_owned() })
}

/// The text form of the digest; `None` when the crate refuses the rounds.
pub(super) fn sha_crypt_digest(digest: Digest, rounds: u32, salt: &[u8], secret: &[u8]) -> Option<String> {
    let parameters = sha_crypt::Params::new(rounds).ok()?;
    Some(if digest == Digest::Sha256 {
        encode(&sha_crypt::sha256_crypt(secret, salt, parameters), 10, 2, &[31, 30])
    } else {
        encode(&sha_crypt::sha512_crypt(secret, salt, parameters), 21, 1, &[63])
    })
}

/// Whether a text is of crypt's own base64.
pub(super) fn is_encoded(text: &str) -> bool {
    text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// The text form of a digest of MD5: five groups of three bytes, and the one that is left.
pub(super) fn encode_md5(digest: &[u8; 16]) -> String {
    let byte = |index: usize| u32::from(digest.get(index).copied().unwrap_or_default());
    let mut text = String::with_capacity(22);
    for first in 0..5 {
        let last = if first == 4 { 5 } else { first + 12 };
        push(&mut text, byte(first) << 16 | byte(first + 6) << 8 | byte(last), 4);
    }
    push(&mut text, byte(11), 2);
    text
}

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Three bytes at a distance of `stride` make four characters; from one triple to the next the roles rotate by `turn`; `tail`, most
/// significant first, is what remains.
fn encode(digest: &[u8], stride: usize, turn: usize, tail: &[usize]) -> String {
    let byte = |index: usize| u32::from(digest.get(index).copied().unwrap_or_default());
    let mut text = String::new();
    for triple in 0..stride {
        let roles = [0, 1, 2].map(|role| (role + turn * triple) % 3 * stride + triple);
        let [high, middle, low] = roles.map(byte);
        push(&mut text, high << 16 | middle << 8 | low, 4);
    }
    push(&mut text, tail.iter().fold(0, |bits, index| bits << 8 | byte(*index)), tail.len() + 1);
    text
}

/// Six bits a character, least significant first.
fn push(text: &mut String, mut bits: u32, characters: usize) {
    for _ in 0..characters {
        let index = usize::try_from(bits & 0x3f).unwrap_or_default();
        text.push(ALPHABET.get(index).copied().map_or('.', char::from));
        bits >>= 6;
    }
}
