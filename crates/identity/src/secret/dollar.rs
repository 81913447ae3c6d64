//! `$name$…`: the family of crypt(3) and the PHC string format.

use super::kind::{Digest, HashError, Kind};
use super::{crypt, message_digest, modular};

/// `None` means: not a stored secret.
pub(super) fn parse(text: &str) -> Option<Result<Kind, HashError>> {
    let (name, rest) = text.strip_prefix('$')?.split_once('$')?;
    Some(match name {
        "argon2id" | "argon2i" | "argon2d" => modular::argon2(name, rest),
        "scrypt" => modular::scrypt(rest),
        "pbkdf2" | "pbkdf2-sha1" | "pbkdf2-sha256" | "pbkdf2-sha384" | "pbkdf2-sha512" => modular::pbkdf2(name, rest),
        "2a" | "2b" | "2y" => crypt::bcrypt(text),
        "5" => crypt::sha_crypt(Digest::Sha256, rest),
        "6" => crypt::sha_crypt(Digest::Sha512, rest),
        "1" => message_digest::parse_crypt("$1$", rest),
        "apr1" => message_digest::parse_crypt("$apr1$", rest),
        "2" | "2x" | "7" | "y" | "gy" | "sha1" | "md5" | "P" | "H" => Err(HashError::algorithm(&format!("crypt ${name}$"))),
        _ => return None,
    })
}
