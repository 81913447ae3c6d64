//! Recognising what a stored secret is. The answer never depends on the secret, and nothing costly is computed here.

use serde_json::Value;

use super::kind::{HashError, Kind, StoredSecret};
use super::{bounds, dollar, idm, ldap};

impl StoredSecret {
    /// What the stored value is; `None` for everything that is not known to be a stored secret, plain strings above all.
    #[must_use]
    pub fn recognise(value: &Value) -> Option<Self> {
        let recognised = match value {
            Value::String(text) if text.len() > bounds::STORED_BYTES => return None,
            Value::String(text) => Self::from_text(text)?,
            Value::Object(_) if super::is_crypto_object(value) => return Some(idm::recognise(value)),
            _ => return None,
        };
        Some(Self::from_result(recognised))
    }

    /// Text forms. `None` means: not a stored secret.
    fn from_text(text: &str) -> Option<Result<Kind, HashError>> {
        if text.starts_with('{') { ldap::parse(text) } else { dollar::parse(text) }
    }
}
