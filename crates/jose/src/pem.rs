//! RSA private keys in PEM (RFC 7468): `PRIVATE KEY` (PKCS #8) and `RSA PRIVATE KEY` (PKCS #1).
//!
//! Other blocks of the file, certificates for example, are skipped. An encrypted key is named as such, because "invalid
//! key" would send the operator looking in the wrong place.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::rsa::RsaPair;

/// Reads the first private key of a PEM file.
///
/// # Errors
/// One of the PEM variants of [`Error`], naming what the file holds instead, or [`Error::RefusedKey`].
pub(crate) fn read_rsa(file: &[u8]) -> Result<RsaPair, Error> {
    let refused = |fault| Error::RefusedKey { what: "the private key".to_owned(), fault };
    let mut rest = str::from_utf8(file).map_err(|_| Error::PemWithoutKey)?;
    loop {
        let (_, begun) = rest.split_once("-----BEGIN ").ok_or(Error::PemWithoutKey)?;
        let (label, body) = begun.split_once("-----").ok_or(Error::PemDamaged)?;
        match label {
            "PRIVATE KEY" => return RsaPair::from_pkcs8(&decode(label, body)?).map_err(refused),
            "RSA PRIVATE KEY" => return RsaPair::from_pkcs1(&decode(label, body)?).map_err(refused),
            "ENCRYPTED PRIVATE KEY" => return Err(Error::PemEncrypted),
            other if other.ends_with("PRIVATE KEY") => return Err(Error::PemOtherAlgorithm),
            _ => rest = body,
        }
    }
}

/// The PKCS #8 document of the first `PRIVATE KEY` of a PEM text; `None` where there is none in clear.
pub(crate) fn pkcs8(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    const LABEL: &str = "PRIVATE KEY";
    let (_, body) = text.split_once("-----BEGIN PRIVATE KEY-----")?;
    decode(LABEL, body).ok()
}

fn decode(label: &str, body: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (text, _) = body.split_once(&format!("-----END {label}-----")).ok_or(Error::PemDamaged)?;
    if text.contains("Proc-Type:") {
        return Err(Error::PemEncrypted);
    }
    let text: Zeroizing<String> = Zeroizing::new(text.split_ascii_whitespace().collect());
    STANDARD.decode(text.as_bytes()).map(Zeroizing::new).map_err(|_| Error::PemDamaged)
}
