//! IDM's reversibly encrypted configuration values (decision 22).
//!
//! Two layouts are read: AES directly under the secret key of the alias, and AES under a key of the value's own that is encrypted with the key pair
//! of the alias (`key` is an object then). Values with `salt` or `mac` come from later versions that derive a key in an undocumented way; they are
//! named and refused, never guessed at.
//!
//! Whoever holds the file and the keystore asks, once; there is nobody to whom a padding that fails in another way would say anything.

use aws_lc_rs::cipher::{AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::keystore::Keystore;
use crate::rsa::Padding;

/// The ciphers of the two layouts.
const CBC: &str = "AES/CBC/PKCS5Padding";
const ECB: &str = "AES/ECB/PKCS5Padding";

/// A value of type `x-simple-encryption`, not yet decrypted.
#[derive(Debug, Clone, Copy)]
pub struct CryptoValue<'v> {
    value: &'v Map<String, Value>,
}

impl<'v> CryptoValue<'v> {
    /// Recognises `{"$crypto":{"type":"x-simple-encryption","value":{…}}}`; hashes and everything else are `None`.
    pub fn recognise(json: &'v Value) -> Option<Self> {
        let crypto = json.get("$crypto")?;
        if crypto.get("type")?.as_str()? != "x-simple-encryption" {
            return None;
        }
        crypto.get("value")?.as_object().map(|value| Self { value })
    }

    /// Alias of the key the value needs, for the warning that names it.
    pub fn key_name(&self) -> Option<&'v str> {
        let key = self.value.get("key");
        key.and_then(Value::as_str).or_else(|| key?.get("key")?.as_str()).or_else(|| self.value.get("stableId")?.as_str())
    }

    /// Decrypts the value with its key from `keystore`; the plaintext is the JSON it stood for.
    ///
    /// # Errors
    /// One of the value variants of [`Error`], which name the key.
    pub fn decrypt(&self, keystore: &Keystore) -> Result<Value, Error> {
        let key = self.key_name().ok_or(Error::ValueWithoutKey)?;
        let named = || key.to_owned();
        if ["salt", "mac"].iter().any(|member| self.value.get(*member).is_some_and(|value| !value.is_null())) {
            return Err(Error::ValueKeyDerived { key: named() });
        }
        let cipher = self.value.get("cipher").and_then(Value::as_str).unwrap_or_default();
        let iv = match cipher {
            CBC => {
                let iv = self.bytes(key, "iv")?;
                Some(iv.as_slice().try_into().map_err(|_| Error::ValueMember { key: named(), member: "iv" })?)
            }
            ECB => None,
            other => return Err(Error::ValueCipher { key: named(), cipher: other.to_owned() }),
        };
        let mut data = self.bytes(key, "data")?;
        let opened = match self.value.get("key") {
            Some(Value::Object(wrapped)) => decrypt(&session_key(key, wrapped, keystore)?, iv, &mut data),
            _ => decrypt(keystore.secret_key(key).ok_or_else(|| Error::ValueKeyMissing { key: named() })?, iv, &mut data),
        };
        opened.ok_or_else(|| Error::ValueWrongKey { key: named() })
    }

    fn bytes(self, key: &str, member: &'static str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let text = self.value.get(member).and_then(Value::as_str);
        text.and_then(|text| STANDARD.decode(text).ok())
            .map(Zeroizing::new)
            .ok_or_else(|| Error::ValueMember { key: key.to_owned(), member })
    }
}

/// Recognises and decrypts in one step.
///
/// # Errors
/// One of the value variants of [`Error`], which name the key where there is one.
pub fn decrypt_idm_crypto(keystore: &Keystore, json: &Value) -> Result<Value, Error> {
    CryptoValue::recognise(json).ok_or(Error::ValueNotEncrypted)?.decrypt(keystore)
}

/// The key of the value's own, which the key pair of the alias wraps.
fn session_key(key: &str, wrapped: &Map<String, Value>, keystore: &Keystore) -> Result<Zeroizing<Vec<u8>>, Error> {
    let named = || key.to_owned();
    let cipher = wrapped.get("cipher").and_then(Value::as_str).unwrap_or_default();
    let padding = match cipher {
        "RSA/ECB/OAEPWithSHA1AndMGF1Padding" | "RSA/ECB/OAEPWithSHA-1AndMGF1Padding" | "RSA/ECB/OAEPPadding" => Padding::Oaep,
        "RSA/ECB/PKCS1Padding" | "RSA" => Padding::Pkcs1,
        other => return Err(Error::ValueKeyWrapped { key: named(), cipher: other.to_owned() }),
    };
    let pair = keystore.rsa(key).map_err(|fault| Error::RefusedKey { what: format!("the key pair `{key}`"), fault })?;
    let pair = pair.ok_or_else(|| Error::ValueKeyMissing { key: named() })?;
    let data = wrapped.get("data").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
    let data = data.ok_or_else(|| Error::ValueMember { key: named(), member: "key/data" })?;
    pair.opened(padding, &data).ok_or_else(|| Error::ValueWrongKey { key: named() })
}

fn decrypt(secret: &[u8], iv: Option<[u8; 16]>, data: &mut [u8]) -> Option<Value> {
    let cipher = match secret.len() {
        16 => &AES_128,
        24 => &AES_192,
        32 => &AES_256,
        _ => return None,
    };
    let key = UnboundCipherKey::new(cipher, secret).ok()?;
    let plaintext = match iv {
        Some(iv) => PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?.decrypt(data, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?,
        None => PaddedBlockDecryptingKey::ecb_pkcs7(key).ok()?.decrypt(data, DecryptionContext::None).ok()?,
    };
    serde_json::from_slice(plaintext).ok()
}
