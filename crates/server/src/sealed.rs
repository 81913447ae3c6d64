//! Texts at rest, sealed with the server's keys: definitions hold captcha secrets, mails hold links and codes (SEC-06).

use std::sync::Arc;

use jose::{KeyRing, SealError, TokenForm};
use store::TextSeal;

/// A text is cut into pieces of this many bytes: a token's envelope holds no more.
const PIECE: usize = 32 * 1024;

/// Seals a text of any length.
///
/// # Errors
/// When the cryptography fails.
pub(crate) fn seal(keys: &KeyRing, text: &[u8]) -> Result<String, SealError> {
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

/// Seals the mails of the outbox.
pub(crate) struct MailSeal(pub(crate) Arc<KeyRing>);

impl TextSeal for MailSeal {
    fn seal(&self, text: &str) -> Result<String, String> {
        seal(&self.0, text.as_bytes()).map_err(|error| error.to_string())
    }

    fn open(&self, sealed: &str) -> Option<String> {
        String::from_utf8(open(&self.0, sealed)?).ok()
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
            assert!(text.len() < 2 || !sealed.contains(&text));
            assert!(text.is_empty() || open(&others, &sealed).is_none());
        }
    }
}
