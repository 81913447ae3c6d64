//! RSA private keys in PEM (RFC 7468): `PRIVATE KEY` (PKCS #8) and `RSA PRIVATE KEY` (PKCS #1).
//!
//! Other blocks of the file, certificates for example, are skipped. An encrypted key is named as such, because "invalid
//! key" would send the operator looking in the wrong place.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::rsa::{RsaError, RsaPair};

/// Why no RSA private key could be read from a PEM file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// No `PRIVATE KEY` block.
    #[error("there is no `PRIVATE KEY` or `RSA PRIVATE KEY` block in the file")]
    NoPrivateKey,
    /// The private key is encrypted with a passphrase.
    #[error("the private key is encrypted; decrypt it first: openssl pkey -in FILE -out DECRYPTED")]
    Encrypted,
    /// The private key belongs to another algorithm.
    #[error("the private key is no RSA key")]
    OtherAlgorithm,
    /// A block that does not end, or whose text is not base64.
    #[error("the private key block is damaged")]
    Damaged,
    /// The key itself is refused.
    #[error(transparent)]
    Rsa(#[from] RsaError),
}

/// Reads the first private key of a PEM file.
///
/// # Errors
/// [`PemError`] naming what the file holds instead.
pub(crate) fn read_rsa(file: &[u8]) -> Result<RsaPair, PemError> {
    let mut rest = str::from_utf8(file).map_err(|_| PemError::NoPrivateKey)?;
    loop {
        let (_, begun) = rest.split_once("-----BEGIN ").ok_or(PemError::NoPrivateKey)?;
        let (label, body) = begun.split_once("-----").ok_or(PemError::Damaged)?;
        match label {
            "PRIVATE KEY" => return Ok(RsaPair::from_pkcs8(&decode(label, body)?)?),
            "RSA PRIVATE KEY" => return Ok(RsaPair::from_pkcs1(&decode(label, body)?)?),
            "ENCRYPTED PRIVATE KEY" => return Err(PemError::Encrypted),
            other if other.ends_with("PRIVATE KEY") => return Err(PemError::OtherAlgorithm),
            _ => rest = body,
        }
    }
}

fn decode(label: &str, body: &str) -> Result<Zeroizing<Vec<u8>>, PemError> {
    let (text, _) = body.split_once(&format!("-----END {label}-----")).ok_or(PemError::Damaged)?;
    if text.contains("Proc-Type:") {
        return Err(PemError::Encrypted);
    }
    let text: Zeroizing<String> = Zeroizing::new(text.split_ascii_whitespace().collect());
    STANDARD.decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| PemError::Damaged)
}
