//! Texts at rest, sealed with the server's keys: definitions hold captcha secrets, mails hold links and codes (SEC-06).

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jose::{KeyRing, TokenForm};
use store::{OpenedValue, TextSeal, ValueSeal};

/// What keys say of themselves, the generation that seals first: the mark of a store that they seal.
pub(crate) fn marks(ring: &KeyRing) -> Vec<String> {
    ring.keyed_by_each("store", &[b"sealed by"]).iter().map(|mark| URL_SAFE_NO_PAD.encode(mark)).collect()
}

/// Whether a store that has this mark was sealed by a node that seals already with what is only prepared here.
pub(crate) fn is_ahead(ring: &KeyRing, mark: &str) -> bool {
    ring.is_prepared() && marks(ring).get(1).is_some_and(|next| next == mark)
}

/// A text is cut into pieces of this many bytes: a token's envelope holds no more.
const PIECE: usize = 32 * 1024;

/// Seals a text of any length.
///
/// # Errors
/// When the cryptography fails.
pub(crate) fn seal(keys: &KeyRing, text: &[u8]) -> Result<String, jose::Error> {
    let pieces: Result<Vec<String>, _> = text.chunks(PIECE).map(|piece| jose::seal(keys, TokenForm::DEFAULT, piece)).collect();
    pieces.map(|pieces| pieces.join("\n"))
}

/// The text again; nothing when it was sealed with other keys.
pub(crate) fn open(keys: &KeyRing, sealed: &str) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for piece in sealed.split('\n').filter(|piece| !piece.is_empty()) {
        text.extend(jose::open(keys, TokenForm::DEFAULT, piece).ok()?);
    }
    Some(text)
}

/// Seals the mails of the outbox: a number that says how, a salt, and the text under AES-256-GCM with a key of its own, which the salt
/// draws from the ring. As bytes a mail needs a page or two less than as a token.
pub(crate) struct MailSeal(pub(crate) Arc<KeyRing>);

const MAIL_LABEL: &str = "mail text";
const SALTED: u8 = 1;
const SALT: usize = 16;

fn mail_key(key: &[u8; 32]) -> Result<LessSafeKey, Unspecified> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?))
}

/// Every key is used once.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

impl TextSeal for MailSeal {
    fn seal(&self, text: &str) -> Result<Vec<u8>, String> {
        let failed = |error: Unspecified| error.to_string();
        let mut salt = [0; SALT];
        aws_lc_rs::rand::fill(&mut salt).map_err(failed)?;
        let key = mail_key(&self.0.keyed(MAIL_LABEL, &[&salt])).map_err(failed)?;
        let mut sealed = text.as_bytes().to_vec();
        key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed).map_err(failed)?;
        Ok([&[SALTED][..], &salt, &sealed].concat())
    }

    fn open(&self, sealed: &[u8]) -> Option<String> {
        let Some((&SALTED, rest)) = sealed.split_first() else {
            // As former releases sealed.
            return String::from_utf8(open(&self.0, std::str::from_utf8(sealed).ok()?)?).ok();
        };
        let (salt, text) = rest.split_at_checked(SALT)?;
        self.0.keyed_by_each(MAIL_LABEL, &[salt]).iter().find_map(|key| {
            let mut text = text.to_vec();
            let opened = mail_key(key).ok()?.open_in_place(nonce(), Aad::empty(), &mut text).ok()?;
            String::from_utf8(opened.to_vec()).ok()
        })
    }
}

/// Seals the values of properties that a project declares to be encrypted.
pub(crate) struct PropertySeal(pub(crate) Arc<KeyRing>);

impl ValueSeal for PropertySeal {
    fn seal(&self, place: &str, text: &str) -> Result<String, String> {
        jose::seal_at_rest(&self.0, place, text.as_bytes()).map_err(|error| error.to_string())
    }

    fn open(&self, place: &str, sealed: &str) -> Option<OpenedValue> {
        let opened = jose::open_at_rest(&self.0, place, sealed)?;
        Some(OpenedValue { text: String::from_utf8(opened.value.to_vec()).ok()?, is_current: opened.is_current })
    }

    fn has_mark(&self, mark: &str) -> bool {
        marks(&self.0).iter().any(|own| own == mark)
    }
}

/// Seals what scripts ask to be encrypted. A value keeps no place: a script may put it wherever it likes.
pub(crate) struct ScriptSeal(pub(crate) Arc<KeyRing>);

const SCRIPT_PLACE: &str = "a value that a script encrypted";

impl identity::SealsValues for ScriptSeal {
    fn seal(&self, text: &str) -> Result<String, String> {
        jose::seal_at_rest(&self.0, SCRIPT_PLACE, text.as_bytes()).map_err(|error| error.to_string())
    }

    fn open(&self, sealed: &str) -> Option<String> {
        let opened = jose::open_at_rest(&self.0, SCRIPT_PLACE, sealed)?;
        String::from_utf8(opened.value.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_any_length_is_opened_with_the_same_keys_only() {
        let (keys, others) = (Arc::new(KeyRing::generate().unwrap()), KeyRing::generate().unwrap());
        for text in [String::new(), "x".to_owned(), "ü".repeat(PIECE), "z".repeat(3 * PIECE + 1)] {
            let mails = MailSeal(Arc::clone(&keys));
            let sealed = TextSeal::seal(&mails, &text).unwrap();
            assert_eq!(TextSeal::open(&mails, &sealed).as_deref(), Some(text.as_str()));
            assert!(text.len() < 2 || !sealed.windows(text.len()).any(|part| part == text.as_bytes()));
            assert_eq!(TextSeal::open(&MailSeal(Arc::new(KeyRing::generate().unwrap())), &sealed), None);
            let former = seal(&keys, text.as_bytes()).unwrap();
            assert_eq!(TextSeal::open(&mails, former.as_bytes()).unwrap_or_default(), text, "as former releases sealed");
            assert!(text.is_empty() || open(&others, &former).is_none());
        }
    }
}
