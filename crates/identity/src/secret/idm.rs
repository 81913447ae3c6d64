//! `{"$crypto": {"type": …, "value": …}}`: how IDM stores what `secureHash` or `encryption` in `managed.json` asks for
//! (docs/protocol/managed-objects.md, "Secrets at rest"; for 7.x the page "Secure sensitive values" of the security guide and
//! `cli.sh secureHash`).
//!
//! For PBKDF2 and SCRYPT the documentation gives the members (`data`, `config`) and their lengths but not the order of digest and
//! salt inside `data`. SHA-2 puts the digest first; both orders are tried, which costs time and no safety.

use serde_json::Value;

use super::kind::{Bytes, Digest, HashError, Kind, Salted, StoredSecret, decode};
use super::{CRYPTO, bounds, dollar, message_digest, modular};
use crate::loose;

const MALFORMED: HashError = HashError::Malformed("$crypto");

/// `value` has a `$crypto` member.
pub(super) fn recognise(value: &Value) -> StoredSecret {
    let crypto = value.get(CRYPTO).unwrap_or(&Value::Null);
    let inner = crypto.get("value").unwrap_or(&Value::Null);
    match crypto.get("type").and_then(Value::as_str) {
        Some("salted-hash") => StoredSecret::from_result(salted_hash(inner)),
        Some("x-simple-encryption") => StoredSecret::Unreadable { key: key(inner) },
        Some(other) => StoredSecret::Unsupported(HashError::algorithm(other)),
        None => StoredSecret::Unsupported(MALFORMED),
    }
}

/// `key` is the alias up to 6.5, or an object around it for asymmetric keys; 7.x has `stableId` and `purpose`.
fn key(inner: &Value) -> String {
    let alias = match inner.get("key") {
        Some(Value::Object(asymmetric)) => asymmetric.get("key").and_then(Value::as_str),
        other => other.and_then(Value::as_str),
    };
    let named = alias.or_else(|| inner.get("stableId").and_then(Value::as_str)).or_else(|| inner.get("purpose").and_then(Value::as_str));
    named.unwrap_or("unknown").chars().take(100).collect()
}

fn salted_hash(inner: &Value) -> Result<Kind, HashError> {
    let algorithm = inner.get("algorithm").and_then(Value::as_str).ok_or(MALFORMED)?;
    let data = inner.get("data").and_then(Value::as_str).filter(|data| data.len() <= bounds::STORED_BYTES).ok_or(MALFORMED)?;
    let config = inner.get("config").unwrap_or(&Value::Null);
    match algorithm.to_ascii_uppercase().as_str() {
        "MD5" => message_digest::salted(data, Bytes::CutOrAll, "$crypto"),
        "SHA-1" => sha(Digest::Sha1, data),
        "SHA-256" => sha(Digest::Sha256, data),
        "SHA-384" => sha(Digest::Sha384, data),
        "SHA-512" => sha(Digest::Sha512, data),
        "BCRYPT" => bcrypt(data),
        "PBKDF2" => pbkdf2(data, config),
        "SCRYPT" => scrypt(data, config),
        _ => Err(HashError::algorithm(algorithm)),
    }
}

/// `base64(digest || salt)`.
fn sha(digest: Digest, data: &str) -> Result<Kind, HashError> {
    let joined = decode(data).ok_or(MALFORMED)?;
    let salted = Salted::split(&joined, digest.bytes()).ok_or(MALFORMED)?;
    Ok(Kind::Digest { digest, salted, bytes: Bytes::CutOrAll })
}

/// The page does not show the value. A bcrypt string says what it is; anything else is refused.
fn bcrypt(data: &str) -> Result<Kind, HashError> {
    let inside = decode(data).and_then(|bytes| String::from_utf8(bytes).ok());
    [Some(data), inside.as_deref()]
        .into_iter()
        .flatten()
        .filter(|text| text.starts_with("$2"))
        .find_map(dollar::parse)
        .unwrap_or_else(|| Err(HashError::algorithm("BCRYPT in a layout of IDM that is not documented")))
}

fn pbkdf2(data: &str, config: &Value) -> Result<Kind, HashError> {
    let hmac = loose::text(config, "hmac").unwrap_or_else(|| "SHA3-256".to_owned());
    let prf = match hmac.to_ascii_uppercase().as_str() {
        "SHA-224" => Digest::Sha224,
        "SHA-256" => Digest::Sha256,
        "SHA-384" => Digest::Sha384,
        "SHA-512" => Digest::Sha512,
        "SHA3-256" => Digest::Sha3_256,
        "SHA3-384" => Digest::Sha3_384,
        "SHA3-512" => Digest::Sha3_512,
        _ => return Err(HashError::algorithm(&format!("PBKDF2/{hmac}"))),
    };
    let iterations = count(config, "iterations", 20_000)?;
    modular::pbkdf2_kind(prf, u32::try_from(iterations).map_err(|_| HashError::TooCostly("PBKDF2"))?, layouts(data, config)?)
}

fn scrypt(data: &str, config: &Value) -> Result<Kind, HashError> {
    const TOO_COSTLY: HashError = HashError::TooCostly("scrypt");
    let n = count(config, "n", 32_768)?;
    if !n.is_power_of_two() {
        return Err(MALFORMED);
    }
    let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| TOO_COSTLY)?;
    let r = u32::try_from(count(config, "r", 8)?).map_err(|_| TOO_COSTLY)?;
    let p = u32::try_from(count(config, "p", 1)?).map_err(|_| TOO_COSTLY)?;
    if !bounds::scrypt(log_n, r, p) {
        return Err(TOO_COSTLY);
    }
    Ok(Kind::Scrypt { log_n, r, p, layouts: layouts(data, config)? })
}

/// Digest and salt in both orders, the likelier first.
fn layouts(data: &str, config: &Value) -> Result<Vec<Salted>, HashError> {
    let joined = decode(data).ok_or(MALFORMED)?;
    let digest_bytes = usize::try_from(count(config, "hashLength", 16)?).map_err(|_| MALFORMED)?;
    let salt_bytes = usize::try_from(count(config, "saltLength", 16)?).map_err(|_| MALFORMED)?;
    if digest_bytes.checked_add(salt_bytes) != Some(joined.len()) {
        return Err(MALFORMED);
    }
    let digest_first = joined.split_at_checked(digest_bytes).and_then(|(digest, salt)| Salted::derived(digest, salt));
    let salt_first = joined.split_at_checked(salt_bytes).and_then(|(salt, digest)| Salted::derived(digest, salt));
    digest_first.zip(salt_first).map(|(likelier, other)| vec![likelier, other]).ok_or(MALFORMED)
}

fn count(config: &Value, name: &str, default: u64) -> Result<u64, HashError> {
    match loose::member(config, name) {
        None => Ok(default),
        Some(value) => loose::as_count(value).ok_or(MALFORMED),
    }
}
