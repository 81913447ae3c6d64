//! Texts that must not be printed.

use std::fmt;

use serde_json::Value;

/// A secret in the clear; its `Debug` shows nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret as a configuration holds it: in the clear, or encrypted with a key of the operator's keystore (decision 22).
#[derive(Clone, PartialEq)]
pub enum SecretText {
    /// In the clear.
    Plain(Secret),
    /// A `$crypto` object, unreadable without the operator's keystore.
    Encrypted {
        /// The key's alias, or the purpose it is stored under in newer files.
        key: String,
        /// The whole object, for a server that has the keystore.
        crypto: Value,
    },
}

impl SecretText {
    /// The text, unless it is encrypted.
    #[must_use]
    pub fn plain(&self) -> Option<&Secret> {
        match self {
            Self::Plain(secret) => Some(secret),
            Self::Encrypted { .. } => None,
        }
    }

    /// Recognises a `$crypto` object of either layout: `key` in 4.5 to 6.5, `purpose` and `stableId` from 7.0.
    #[must_use]
    pub fn from_crypto(value: &Value) -> Option<Self> {
        let crypto = value.get("$crypto")?;
        let inner = crypto.get("value");
        let named = |name: &str| inner.and_then(|inner| inner.get(name)).or_else(|| crypto.get(name)).and_then(Value::as_str);
        let key = named("key").or_else(|| named("purpose")).or_else(|| named("stableId")).unwrap_or("unknown").to_owned();
        Some(Self::Encrypted { key, crypto: value.clone() })
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("Plain(…)"),
            Self::Encrypted { key, .. } => f.debug_struct("Encrypted").field("key", key).finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_layouts_of_encrypted_values_name_their_key() {
        let old = json!({"$crypto": {"type": "x-simple-encryption", "value": {"cipher": "AES/CBC/PKCS5Padding", "data": "x", "iv": "x", "key": "openidm-sym-default"}}});
        let new = json!({"$crypto": {"type": "x-simple-encryption", "value": {"data": "x", "purpose": "idm.config.encryption", "stableId": "openidm-sym-default"}}});
        for (value, expected) in [(old, "openidm-sym-default"), (new, "idm.config.encryption")] {
            let Some(SecretText::Encrypted { key, .. }) = SecretText::from_crypto(&value) else { panic!("{value}") };
            assert_eq!(key, expected);
        }
        assert_eq!(SecretText::from_crypto(&json!({"crypto": 1})), None);
    }

    #[test]
    fn debug_never_shows_a_secret() {
        let shown = format!("{:?} {:?}", Secret::new("hunter2"), SecretText::Plain(Secret::new("hunter2")));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
