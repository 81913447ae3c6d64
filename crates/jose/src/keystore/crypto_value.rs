//! IDM's reversibly encrypted configuration values (design decision 22).
//!
//! Only the documented layout is read: AES-CBC directly under the key of the alias. Values with `salt` or `mac` come from
//! later versions that derive a key in an undocumented way; they are named and refused, never guessed at.

use aws_lc_rs::cipher::{AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::Keystore;

/// The one cipher of the documented layout.
const CIPHER: &str = "AES/CBC/PKCS5Padding";

/// Why an encrypted value could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CryptoValueError {
    /// Not an object `{"$crypto":{"type":"x-simple-encryption","value":{…}}}`.
    #[error("not an encrypted value of type x-simple-encryption")]
    NotEncrypted,
    /// Neither `key` nor `stableId` names a key.
    #[error("the encrypted value names no key")]
    Unnamed,
    /// `salt` or `mac` is present.
    #[error(
        "the value is encrypted with a key derived from `{key}` in a way that IDM does not document (it has a salt or a \
         mac); give it in clear or through the environment"
    )]
    DerivedKey {
        /// Alias of the key.
        key: String,
    },
    /// The key is itself wrapped with a key pair.
    #[error("the value is encrypted with a session key wrapped by `{key}`; only secret keys are supported")]
    SessionKey {
        /// Alias of the key pair.
        key: String,
    },
    /// Another cipher than AES-CBC.
    #[error("the value is encrypted with `{cipher}` under `{key}`; only `{CIPHER}` is supported")]
    Cipher {
        /// Alias of the key.
        key: String,
        /// The cipher named.
        cipher: String,
    },
    /// The keystore does not have the key.
    #[error("the keystore has no secret key `{key}`")]
    NoKey {
        /// Alias of the key.
        key: String,
    },
    /// A member is missing or is not Base64.
    #[error("member `{member}` of the value encrypted with `{key}` is missing or damaged")]
    Member {
        /// Alias of the key.
        key: String,
        /// Name of the member.
        member: &'static str,
    },
    /// The keystore's key is not the one the value was encrypted with.
    #[error("secret key `{key}` does not decrypt the value")]
    WrongKey {
        /// Alias of the key.
        key: String,
    },
}

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
    /// [`CryptoValueError`], which names the key.
    pub fn decrypt(&self, keystore: &Keystore) -> Result<Value, CryptoValueError> {
        let key = self.key_name().ok_or(CryptoValueError::Unnamed)?;
        let named = || key.to_owned();
        if ["salt", "mac"].iter().any(|member| self.value.get(*member).is_some_and(|value| !value.is_null())) {
            return Err(CryptoValueError::DerivedKey { key: named() });
        }
        if self.value.get("key").is_some_and(Value::is_object) {
            return Err(CryptoValueError::SessionKey { key: named() });
        }
        let cipher = self.value.get("cipher").and_then(Value::as_str).unwrap_or_default();
        if cipher != CIPHER {
            return Err(CryptoValueError::Cipher { key: named(), cipher: cipher.to_owned() });
        }
        let iv: [u8; 16] =
            self.bytes(key, "iv")?.as_slice().try_into().map_err(|_| CryptoValueError::Member { key: named(), member: "iv" })?;
        let mut data = self.bytes(key, "data")?;
        let secret = keystore.secret_key(key).ok_or_else(|| CryptoValueError::NoKey { key: named() })?;
        decrypt(secret, iv, &mut data).ok_or_else(|| CryptoValueError::WrongKey { key: named() })
    }

    fn bytes(self, key: &str, member: &'static str) -> Result<Zeroizing<Vec<u8>>, CryptoValueError> {
        let text = self.value.get(member).and_then(Value::as_str);
        text.and_then(|text| STANDARD.decode(text).ok())
            .map(Zeroizing::new)
            .ok_or_else(|| CryptoValueError::Member { key: key.to_owned(), member })
    }
}

/// Recognises and decrypts in one step.
///
/// # Errors
/// [`CryptoValueError`], which names the key where there is one.
pub fn decrypt_idm_crypto(keystore: &Keystore, json: &Value) -> Result<Value, CryptoValueError> {
    CryptoValue::recognise(json).ok_or(CryptoValueError::NotEncrypted)?.decrypt(keystore)
}

fn decrypt(secret: &[u8], iv: [u8; 16], data: &mut [u8]) -> Option<Value> {
    let cipher = match secret.len() {
        16 => &AES_128,
        24 => &AES_192,
        32 => &AES_256,
        _ => return None,
    };
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(cipher, secret).ok()?).ok()?;
    let plaintext = key.decrypt(data, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?;
    serde_json::from_slice(plaintext).ok()
}
