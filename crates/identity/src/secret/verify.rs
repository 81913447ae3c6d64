//! Comparing and making hashes.
//!
//! Easiest to break: the time of a refusal. A missing account, an account with a cheap imported hash and one with our own hash must
//! cost about the same (SEC-02); use [`verify_stored`], which sees to it, wherever the account may be absent.

use argon2::{Algorithm, Version};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::kind::{Bytes, Hash, Kind, Salted};
use super::{HashParameters, Scratch, Secret, SecretError, StoredSecret, Verdict, crypt, message_digest, pbkdf2};

const DIGEST_BYTES: usize = 32;

/// Compares a secret with a stored one, in time that does not depend on where they differ.
///
/// The form we hash is tried first, then the forms a foreign system may have hashed.
#[must_use]
pub fn verify(stored: &StoredSecret, secret: &Secret, parameters: &HashParameters) -> Verdict {
    verify_in(&mut Scratch::new(), stored, secret, parameters)
}

fn verify_in(scratch: &mut Scratch, stored: &StoredSecret, secret: &Secret, parameters: &HashParameters) -> Verdict {
    let StoredSecret::Hash(Hash(kind)) = stored else { return Verdict::Unverifiable };
    for (index, form) in secret.forms().enumerate() {
        match matches(scratch, kind, form) {
            None => return Verdict::Unverifiable,
            Some(true) => return Verdict::Matches { rehash: index > 0 || needs_rehash(stored, parameters) },
            Some(false) => {}
        }
    }
    Verdict::Differs
}

/// [`verify`] for a value as the store holds it, or for an account that is not there: whatever the answer, at least the work of our
/// own hash is done.
#[must_use]
pub fn verify_stored(secret: &Secret, stored: Option<&Value>, parameters: &HashParameters) -> Verdict {
    verify_stored_in(&mut Scratch::new(), secret, stored, parameters)
}

/// [`verify_stored`] in memory that is kept.
#[must_use]
pub fn verify_stored_in(scratch: &mut Scratch, secret: &Secret, stored: Option<&Value>, parameters: &HashParameters) -> Verdict {
    let Some(value) = stored.filter(|value| !value.is_null()) else {
        waste(scratch, secret, parameters);
        return Verdict::Differs;
    };
    match StoredSecret::recognise(value) {
        Some(StoredSecret::Hash(hash)) => {
            if is_cheap(&hash.0, parameters) {
                waste(scratch, secret, parameters);
            }
            verify_in(scratch, &StoredSecret::Hash(hash), secret, parameters)
        }
        Some(StoredSecret::Unreadable { .. } | StoredSecret::Unsupported(_)) | None => {
            waste(scratch, secret, parameters);
            Verdict::Unverifiable
        }
    }
}

/// The work of refusing a wrong secret, for an account that does not exist (SEC-02).
pub fn dummy_verify(secret: &Secret, parameters: &HashParameters) {
    waste(&mut Scratch::new(), secret, parameters);
}

fn waste(scratch: &mut Scratch, secret: &Secret, parameters: &HashParameters) {
    for form in secret.forms() {
        let _ = std::hint::black_box(argon2id(scratch, form.as_bytes(), &[0; 16], parameters));
    }
}

/// The hash to store: argon2id version 1.3 as a PHC string. `salt` comes from [`crest::Random`] and is used once.
///
/// # Errors
/// [`SecretError::Empty`], and [`SecretError::Parameters`] where the memory is not to be had.
pub fn hash(secret: &Secret, salt: [u8; 16], parameters: &HashParameters) -> Result<String, SecretError> {
    hash_in(&mut Scratch::new(), secret, salt, parameters)
}

/// [`hash()`] in memory that is kept.
///
/// # Errors
/// As [`hash()`].
pub fn hash_in(scratch: &mut Scratch, secret: &Secret, salt: [u8; 16], parameters: &HashParameters) -> Result<String, SecretError> {
    if secret.is_empty() {
        return Err(SecretError::Empty);
    }
    let digest = argon2id(scratch, secret.expose().as_bytes(), &salt, parameters)?;
    Ok(format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        parameters.memory_kib(),
        parameters.passes(),
        parameters.lanes(),
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(*digest)
    ))
}

/// Whether the stored form should be replaced when the secret is next known. Costlier parameters than today's are left alone.
#[must_use]
pub fn needs_rehash(stored: &StoredSecret, parameters: &HashParameters) -> bool {
    match stored {
        StoredSecret::Hash(Hash(Kind::Argon2 {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            parameters: used,
            salt,
            digest,
        })) => !used.covers(parameters) || salt.len() < 16 || digest.len() < DIGEST_BYTES,
        _ => true,
    }
}

/// Clearly less work than our own hash, so that the difference would tell an imported account from an absent one.
fn is_cheap(kind: &Kind, parameters: &HashParameters) -> bool {
    match kind {
        Kind::Argon2 { parameters: used, .. } => !used.covers(parameters),
        Kind::Digest { .. } | Kind::Md5 { .. } | Kind::Md5Crypt { .. } => true,
        Kind::Bcrypt { cost, .. } => *cost < 9,
        Kind::Pbkdf2 { iterations, .. } => iterations.get() < 50_000,
        Kind::Scrypt { log_n, r, p, .. } => (u64::from(*r) * u64::from(*p)) << (*log_n).min(40) < 1 << 16,
        Kind::ShaCrypt { rounds, .. } => *rounds < 50_000,
    }
}

/// `None` when it cannot be computed.
fn matches(scratch: &mut Scratch, kind: &Kind, form: &str) -> Option<bool> {
    let text = form.as_bytes();
    match kind {
        Kind::Argon2 { algorithm, version, parameters, salt, digest } => {
            let mut computed = Zeroizing::new(vec![0; digest.len()]);
            scratch.argon2((*algorithm, *version), library(parameters).ok()?, text, salt, &mut computed).ok()?;
            Some(same(&computed, digest))
        }
        Kind::Bcrypt { cost, salt, digest } => {
            let computed = bcrypt::hash_with_salt(text, *cost, *salt).ok()?.to_string();
            Some(same(crypt::bcrypt_digest(&computed).as_bytes(), digest.as_bytes()))
        }
        Kind::Pbkdf2 { prf, iterations, layouts } => any(layouts, |salted| {
            let mut computed = Zeroizing::new(vec![0; salted.digest.len()]);
            pbkdf2::derive(*prf, *iterations, &salted.salt, text, &mut computed);
            Some(same(&computed, &salted.digest))
        }),
        Kind::Scrypt { log_n, r, p, layouts } => {
            let library = scrypt::Params::new(*log_n, *r, *p).ok()?;
            any(layouts, |salted| {
                let mut computed = Zeroizing::new(vec![0; salted.digest.len()]);
                scrypt::scrypt(text, &salted.salt, &library, &mut computed).ok()?;
                Some(same(&computed, &salted.digest))
            })
        }
        Kind::Digest { digest: algorithm, salted, bytes } => {
            let matches = |bytes: &[u8]| {
                let mut context = digest::Context::new(algorithm.algorithm());
                context.update(bytes);
                context.update(&salted.salt);
                same(context.finish().as_ref(), &salted.digest)
            };
            Some(whole_or_cut(form, *bytes, matches))
        }
        Kind::Md5 { salted, bytes } => {
            let matches = |bytes: &[u8]| same(&message_digest::digest(bytes, &salted.salt), &salted.digest);
            Some(whole_or_cut(form, *bytes, matches))
        }
        Kind::Md5Crypt { magic, salt, encoded } => {
            Some(same(message_digest::crypt_digest(magic, salt, text).as_bytes(), encoded.as_bytes()))
        }
        Kind::ShaCrypt { digest, rounds, salt, encoded } => {
            let computed = crypt::sha_crypt_digest(*digest, *rounds, salt, text)?;
            Some(same(computed.as_bytes(), encoded.as_bytes()))
        }
    }
}

/// Tries the bytes that may have been hashed, each, so that the time does not tell which matched.
fn whole_or_cut(form: &str, bytes: Bytes, matches: impl Fn(&[u8]) -> bool) -> bool {
    let text = form.as_bytes();
    let all = matches(text);
    let cut = match bytes {
        Bytes::CutOrAll => matches(text.get(..form.encode_utf16().count()).unwrap_or(text)),
        Bytes::All => false,
    };
    all | cut
}

/// Tries every layout, so that the time does not tell which one matched.
fn any(layouts: &[Salted], mut matches: impl FnMut(&Salted) -> Option<bool>) -> Option<bool> {
    layouts.iter().try_fold(false, |found, salted| matches(salted).map(|matched| found | matched))
}

/// Constant time for slices of one length; different lengths are different at once, and never secret.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

fn argon2id(
    scratch: &mut Scratch,
    secret: &[u8],
    salt: &[u8],
    parameters: &HashParameters,
) -> Result<Zeroizing<[u8; DIGEST_BYTES]>, SecretError> {
    let mut digest = Zeroizing::new([0; DIGEST_BYTES]);
    scratch.argon2((Algorithm::Argon2id, Version::V0x13), library(parameters)?, secret, salt, digest.as_mut())?;
    Ok(digest)
}

fn library(parameters: &HashParameters) -> Result<argon2::Params, SecretError> {
    argon2::Params::new(parameters.memory_kib(), parameters.passes(), parameters.lanes(), None).map_err(|_| SecretError::Parameters)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sec_02_forms_that_verify_faster_than_our_own_get_its_work_as_well() {
        let digest = "JacPLLteDb61DrxzeVnt4cSni4aWKTG/isguY92B6qI";
        let today = HashParameters::default();
        for (stored, cheap) in [
            ("{SSHA}TUJSOZXEpsO0ugaXv1z4WCS+DMwAAQIDBAUGBw==".to_owned(), true),
            (format!("$argon2id$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw${digest}"), true),
            (format!("$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw${digest}"), false),
            (format!("$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw${digest}"), true),
            (format!("$pbkdf2-sha256$600000$AAECAwQFBgcICQoLDA0ODw${digest}"), false),
            (format!("$scrypt$ln=4,r=8,p=1$AAECAwQFBgcICQoLDA0ODw${digest}"), true),
            (format!("$scrypt$ln=15,r=8,p=1$AAECAwQFBgcICQoLDA0ODw${digest}"), false),
            ("$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e".to_owned(), true),
            ("$2b$12$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e".to_owned(), false),
            ("$5$saltstring$vc6YOOogU4kWVvwga8e9zTFgKcy4tb5LaPxIiPJzqEC".to_owned(), true),
            ("{MD5}PLTnMmMfR+brlh80VUt83g==".to_owned(), true),
            ("$1$saltstri$CVtlMpOHug1.jDUbVpFvB1".to_owned(), true),
        ] {
            match StoredSecret::recognise(&json!(stored)) {
                Some(StoredSecret::Hash(Hash(kind))) => assert_eq!(is_cheap(&kind, &today), cheap, "{stored}"),
                other => panic!("{stored}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_absent_a_null_and_an_unknown_value_are_answered_without_a_match() {
        let secret = Secret::password("x").unwrap();
        let parameters = HashParameters::cheap();
        assert_eq!(verify_stored(&secret, None, &parameters), Verdict::Differs);
        assert_eq!(verify_stored(&secret, Some(&Value::Null), &parameters), Verdict::Differs);
        assert_eq!(verify_stored(&secret, Some(&json!({"$crypto": {}})), &parameters), Verdict::Unverifiable);
        assert_eq!(hash(&Secret::password("").unwrap(), [0; 16], &parameters), Err(SecretError::Empty));
    }
}
