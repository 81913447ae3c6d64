//! The PHC string format (argon2, scrypt, PBKDF2) and passlib's PBKDF2, which differs from it in the parameters and the alphabet.

use std::num::NonZeroU32;

use super::kind::{Digest, HashError, Kind, Salted, decode, decode_adapted};
use super::{HashParameters, bounds};

/// `v=19$m=19456,t=2,p=1$salt$hash`; without `v` it is version 1.0.
pub(super) fn argon2(name: &str, rest: &str) -> Result<Kind, HashError> {
    const MALFORMED: HashError = HashError::Malformed("argon2");
    let algorithm = match name {
        "argon2id" => argon2::Algorithm::Argon2id,
        "argon2i" => argon2::Algorithm::Argon2i,
        _ => argon2::Algorithm::Argon2d,
    };
    let (version, rest) = match rest.strip_prefix("v=") {
        None => (argon2::Version::V0x10, rest),
        Some(rest) => match rest.split_once('$') {
            Some(("19", rest)) => (argon2::Version::V0x13, rest),
            Some(("16", rest)) => (argon2::Version::V0x10, rest),
            _ => return Err(MALFORMED),
        },
    };
    let [parameters, salt, digest] = fields(rest).ok_or(MALFORMED)?;
    let [memory, passes, lanes] = numbers(parameters, ["m", "t", "p"]).ok_or(MALFORMED)?;
    let parameters = HashParameters::stored(memory, passes, lanes);
    if !parameters.are_possible() {
        return Err(MALFORMED);
    }
    if !parameters.are_affordable() {
        return Err(HashError::TooCostly("argon2"));
    }
    let Salted { digest, salt } = Salted::derived(&decode(digest).ok_or(MALFORMED)?, &decode(salt).ok_or(MALFORMED)?).ok_or(MALFORMED)?;
    if salt.len() < argon2::MIN_SALT_LEN {
        return Err(MALFORMED);
    }
    Ok(Kind::Argon2 { algorithm, version, parameters, salt, digest })
}

/// `ln=15,r=8,p=1$salt$hash`.
pub(super) fn scrypt(rest: &str) -> Result<Kind, HashError> {
    const MALFORMED: HashError = HashError::Malformed("scrypt");
    let [parameters, salt, digest] = fields(rest).ok_or(MALFORMED)?;
    let [log_n, r, p] = numbers(parameters, ["ln", "r", "p"]).ok_or(MALFORMED)?;
    let log_n = u8::try_from(log_n).ok().filter(|log_n| bounds::scrypt(*log_n, r, p)).ok_or(HashError::TooCostly("scrypt"))?;
    let salted = Salted::derived(&decode(digest).ok_or(MALFORMED)?, &decode(salt).ok_or(MALFORMED)?).ok_or(MALFORMED)?;
    Ok(Kind::Scrypt { log_n, r, p, layouts: vec![salted] })
}

/// `i=29000,l=32$salt$hash` (PHC) or `29000$salt$hash` (passlib, for which `$pbkdf2$` means HMAC-SHA-1).
pub(super) fn pbkdf2(name: &str, rest: &str) -> Result<Kind, HashError> {
    let prf = match name {
        "pbkdf2-sha256" => Digest::Sha256,
        "pbkdf2-sha384" => Digest::Sha384,
        "pbkdf2-sha512" => Digest::Sha512,
        _ => Digest::Sha1,
    };
    iterated(prf, rest)
}

/// `<iterations>$salt$hash`.
pub(super) fn iterated(prf: Digest, rest: &str) -> Result<Kind, HashError> {
    const MALFORMED: HashError = HashError::Malformed("PBKDF2");
    let [parameters, salt, digest] = fields(rest).ok_or(MALFORMED)?;
    let iterations = match parameters.strip_prefix("i=") {
        Some(phc) => phc.split(',').next().unwrap_or_default(),
        None => parameters,
    };
    let salted = Salted::derived(&decode_adapted(digest).ok_or(MALFORMED)?, &decode_adapted(salt).ok_or(MALFORMED)?).ok_or(MALFORMED)?;
    pbkdf2_kind(prf, number(iterations).ok_or(MALFORMED)?, vec![salted])
}

/// Bounds checked.
pub(super) fn pbkdf2_kind(prf: Digest, iterations: u32, layouts: Vec<Salted>) -> Result<Kind, HashError> {
    let iterations = NonZeroU32::new(iterations).ok_or(HashError::Malformed("PBKDF2"))?;
    if !bounds::pbkdf2(iterations.get()) {
        return Err(HashError::TooCostly("PBKDF2"));
    }
    Ok(Kind::Pbkdf2 { prf, iterations, layouts })
}

fn fields(rest: &str) -> Option<[&str; 3]> {
    let mut parts = rest.split('$');
    let found = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(found)
}

/// `name=number` pairs, exactly these, in any order.
fn numbers<const N: usize>(text: &str, names: [&str; N]) -> Option<[u32; N]> {
    let pairs: Vec<_> = text.split(',').map(|pair| pair.split_once('=')).collect::<Option<_>>()?;
    if pairs.len() != N {
        return None;
    }
    let mut found = [0; N];
    for (slot, name) in found.iter_mut().zip(names) {
        let (_, value) = pairs.iter().find(|(key, _)| *key == name)?;
        *slot = number(value)?;
    }
    Some(found)
}

/// Digits only: `parse` would also take a sign.
pub(super) fn number(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}
