//! Sealed texts that this server issues and accepts again: for one purpose, until a given time, and (through [`Minted::spend`]) once. The
//! proof that a new person may sign in (`credentialJwt`, decision 15) is one; a password that a later stage must see again is another.
//!
//! Easiest to break: the purpose is part of what is sealed and compared, so that no text can be used for anything but what it was made
//! for, and a snapshot token for nothing at all.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::{Random, ResourceError, random_bytes};
use jose::{KeyRing, TokenForm};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{InstanceId, Spend, StageContext};

/// What is sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    purpose: String,
    id: String,
    /// 0 in texts of versions that did not say.
    #[serde(default)]
    issued: i64,
    expires: i64,
    payload: Value,
}

/// A text that came back and is genuine, meant for this and in time. Whether it comes back for the first time only the ledger knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Minted {
    /// What it says.
    pub payload: Value,
    purpose: String,
    id: String,
    expires: i64,
}

impl Minted {
    /// Commit this with whatever the text is good for: a second commit fails with [`crate::CommitError::Spent`].
    #[must_use]
    pub fn spend(&self) -> Spend {
        // A minute more than it is valid, for clocks that differ.
        let instance = InstanceId::from_stored(format!("{}:{}", self.purpose, self.id));
        Spend { instance, below: Spend::WHOLE, expires: self.expires.saturating_add(60) }
    }
}

/// Opens a text that [`StageContext::mint`] made for `purpose`. `None`, whatever is wrong with it. `now` and `not_before`,
/// [`Ledger::not_before`](crate::Ledger::not_before), in seconds since 1970.
#[must_use]
pub fn open_minted(keys: &KeyRing, purpose: &str, text: &str, now: i64, not_before: i64) -> Option<Minted> {
    let content = open(keys, purpose, text)?;
    let Content { purpose, id, issued, expires, payload } = content;
    (not_before <= issued && now <= expires).then_some(Minted { payload, purpose, id, expires })
}

/// Makes a text outside of a process, that is good for `purpose` for so many seconds. Opened by [`open_minted`].
///
/// # Errors
/// 500 when the system gives no randomness, or the payload is longer than a token can be.
pub fn mint(keys: &KeyRing, random: &dyn Random, purpose: &str, payload: Value, now: i64, seconds: i64) -> Result<String, ResourceError> {
    let id = URL_SAFE_NO_PAD.encode(random_bytes::<16>(random));
    seal(keys, &Content { purpose: purpose.to_owned(), id, issued: now, expires: now.saturating_add(seconds), payload })
}

fn open(keys: &KeyRing, purpose: &str, text: &str) -> Option<Content> {
    let plaintext = jose::open(keys, TokenForm::DEFAULT, text).ok()?;
    let content: Content = serde_json::from_slice(&plaintext).ok()?;
    (content.purpose == purpose).then_some(content)
}

fn seal(keys: &KeyRing, content: &Content) -> Result<String, ResourceError> {
    let sealed = serde_json::to_vec(content).map_err(|error| error.to_string());
    let sealed = sealed.and_then(|text| jose::seal(keys, TokenForm::DEFAULT, &text).map_err(|error| error.to_string()));
    sealed.map_err(|error| {
        tracing::error!(%error, purpose = content.purpose, "a text cannot be sealed");
        ResourceError::internal("Error constructing token")
    })
}

impl<S> StageContext<'_, S> {
    /// Makes a text that is good for `purpose` for so many seconds, and once. It is the same instance's, whenever the stage is
    /// repeated, so a repetition gives nothing away twice. Opened by [`open_minted`].
    ///
    /// # Errors
    /// 500 when the system gives no randomness.
    pub fn mint(&self, purpose: &str, payload: Value, seconds: i64) -> Result<String, ResourceError> {
        let id = self.keyed("minted", &[purpose.as_bytes()]);
        let id = URL_SAFE_NO_PAD.encode(id.get(..16).unwrap_or_default());
        let expires = self.now.saturating_add(seconds);
        seal(self.keys, &Content { purpose: purpose.to_owned(), id, issued: self.now, expires, payload })
    }

    /// Seals a text that a later stage of the same instance must see again, and nothing else may: it can travel in the state.
    ///
    /// # Errors
    /// 500 when the system gives no randomness, or the text is longer than a token can be.
    pub fn conceal(&self, purpose: &str, text: &str) -> Result<String, ResourceError> {
        let content = Content {
            purpose: purpose.to_owned(),
            id: self.instance().to_string(),
            issued: self.now,
            expires: i64::MAX,
            payload: text.into(),
        };
        seal(self.keys, &content)
    }

    /// Opens a text that was made for `purpose`, outside of this instance ([`mint`]). `None`, whatever is wrong with it.
    #[must_use]
    pub fn open_minted(&self, purpose: &str, text: &str) -> Option<Minted> {
        open_minted(self.keys, purpose, text, self.now, self.ledger.not_before())
    }

    /// What [`Self::conceal`] sealed in this instance.
    #[must_use]
    pub fn reveal(&self, purpose: &str, sealed: &str) -> Option<String> {
        let content = open(self.keys, purpose, sealed).filter(|content| content.id == self.instance().as_str())?;
        match content.payload {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(keys: &KeyRing, purpose: &str) -> String {
        let content = Content { purpose: purpose.into(), id: "1".into(), issued: 40, expires: 100, payload: json!({"who": "ann"}) };
        seal(keys, &content).unwrap()
    }

    #[test]
    fn a_text_is_good_for_its_purpose_until_its_moment_and_under_its_keys() {
        let keys = KeyRing::generate().unwrap();
        let text = text(&keys, "sign-in");
        let minted = open_minted(&keys, "sign-in", &text, 100, i64::MIN).unwrap();
        assert_eq!((minted.payload.clone(), minted.spend().instance.as_str()), (json!({"who": "ann"}), "sign-in:1"));
        assert_eq!(open_minted(&keys, "sign-in", &text, 101, i64::MIN), None);
        assert!(open_minted(&keys, "sign-in", &text, 100, 40).is_some());
        assert_eq!(open_minted(&keys, "sign-in", &text, 100, 41), None, "issued before the store was put back");
        assert_eq!(open_minted(&keys, "other", &text, 0, i64::MIN), None);
        assert_eq!(open_minted(&KeyRing::generate().unwrap(), "sign-in", &text, 0, i64::MIN), None);
        for altered in ["", "x", text.trim_end_matches(|c: char| c.is_ascii_alphanumeric()), &format!("{text}A")] {
            assert_eq!(open_minted(&keys, "sign-in", altered, 0, i64::MIN), None);
        }
    }

    #[test]
    fn nothing_else_that_the_server_sealed_is_such_a_text() {
        let keys = KeyRing::generate().unwrap();
        for other in [
            json!({"i": "x", "p": "reset", "s": 0}),
            json!({"purpose": "sign-in"}),
            json!([]),
            json!({"purpose": "sign-in", "id": "1", "expires": 100, "payload": 1, "more": 1}),
        ] {
            let sealed = jose::seal(&keys, TokenForm::DEFAULT, other.to_string().as_bytes()).unwrap();
            assert_eq!(open_minted(&keys, "sign-in", &sealed, 0, i64::MIN), None, "{other}");
        }
    }
}
