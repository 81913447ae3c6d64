//! The snapshot token's envelope: an HMAC-signed JWS around a JWE, encrypt then sign, as IDM builds it.
//!
//! Order is the rule: length, header text, MAC, and only then the inside. A form is chosen by the process file, never by
//! the token, and whatever fails is the one [`InvalidToken`] (SEC-39).

use crate::algorithms::{Encryption, JweAlgorithm, JwsAlgorithm};
use crate::base64url;
use crate::error::{InvalidToken, SealError};
use crate::jwe;
use crate::jws;
use crate::keys::KeyRing;

/// Characters of the longest token that is looked at.
pub const MAX_TOKEN_LEN: usize = 64 * 1024;

/// Bytes of the longest content that every form can seal into [`MAX_TOKEN_LEN`] characters.
///
/// Twice base64url makes 9 bytes of content 16 characters; headers, an encrypted key of 1024 bytes and the tags take the rest.
pub const MAX_CONTENT_LEN: usize = 34 * 1024;

/// Bytes of the longest inner header.
const MAX_INNER_HEADER_LEN: usize = 64;

/// The algorithms of one process's snapshot tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenForm {
    /// Key management of the inner JWE.
    pub jwe: JweAlgorithm,
    /// Content encryption of the inner JWE.
    pub encryption: Encryption,
    /// MAC of the outer JWS.
    pub jws: JwsAlgorithm,
}

impl TokenForm {
    /// What is used where the process file names no `snapshotToken`.
    pub const DEFAULT: Self = Self { jwe: JweAlgorithm::Direct, encryption: Encryption::A256Gcm, jws: JwsAlgorithm::Hs256 };

    /// Text of the outer header, `{"typ":"JWT","cty":"JWT","alg":"…"}`.
    const fn outer_header(self) -> &'static str {
        match self.jws {
            JwsAlgorithm::Hs256 => "eyJ0eXAiOiJKV1QiLCJjdHkiOiJKV1QiLCJhbGciOiJIUzI1NiJ9",
            JwsAlgorithm::Hs384 => "eyJ0eXAiOiJKV1QiLCJjdHkiOiJKV1QiLCJhbGciOiJIUzM4NCJ9",
            JwsAlgorithm::Hs512 => "eyJ0eXAiOiJKV1QiLCJjdHkiOiJKV1QiLCJhbGciOiJIUzUxMiJ9",
        }
    }

    /// JSON of the inner header in pieces, in IDM's order of members.
    const fn inner_header(self) -> [&'static str; 5] {
        [r#"{"typ":"JWT","enc":""#, self.encryption.wire_name(), r#"","alg":""#, self.jwe.wire_name(), r#""}"#]
    }

    /// Whether `text` is the inner header of this form. base64url is read strictly, so equal bytes are equal texts.
    fn is_inner_header(self, text: &str) -> bool {
        let mut buffer = [0; MAX_INNER_HEADER_LEN];
        base64url::decode_into(text, &mut buffer).is_ok_and(|json| {
            let strip = |rest: &'_ [u8], piece: &str| rest.starts_with(piece.as_bytes()).then_some(piece.len());
            let mut rest = &*json;
            for piece in self.inner_header() {
                match strip(rest, piece).and_then(|length| rest.get(length..)) {
                    Some(remaining) => rest = remaining,
                    None => return false,
                }
            }
            rest.is_empty()
        })
    }
}

impl Default for TokenForm {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Seals `content` into a token of `form` with the ring's current keys.
///
/// # Errors
/// [`SealError::TooLong`] past [`MAX_CONTENT_LEN`] bytes; [`SealError::Crypto`] when the system gives no randomness.
pub fn seal(ring: &KeyRing, form: TokenForm, content: &[u8]) -> Result<String, SealError> {
    if content.len() > MAX_CONTENT_LEN {
        return Err(SealError::TooLong { length: content.len(), limit: MAX_CONTENT_LEN });
    }
    let keys = ring.current();
    let header = form.inner_header().concat();
    let inner = jwe::encrypt(keys.key_management(form), form.encryption, &header, content)?;
    let mac = keys.mac(form.jws);
    let outer = form.outer_header();
    let length = outer.len() + base64url::text_len(inner.len()) + mac.mac_text_len() + 2;
    let mut token = String::with_capacity(length);
    token.push_str(outer);
    token.push('.');
    base64url::push(&mut token, &inner);
    mac.push_mac(&mut token);
    Ok(token)
}

/// Opens a token of `form`, sealed with the current keys or with any the ring still holds.
///
/// # Errors
/// [`InvalidToken`], whatever is wrong.
pub fn open(ring: &KeyRing, form: TokenForm, token: &str) -> Result<Vec<u8>, InvalidToken> {
    open_any(ring, &[form], token)
}

/// Opens a token of one of `forms`, for processes that changed their form while people were in flight.
///
/// # Errors
/// [`InvalidToken`], whatever is wrong.
pub fn open_any(ring: &KeyRing, forms: &[TokenForm], token: &str) -> Result<Vec<u8>, InvalidToken> {
    if token.len() > MAX_TOKEN_LEN {
        return Err(InvalidToken);
    }
    let outer = jws::Parts::split(token)?;
    let signed_as = forms.iter().find(|form| form.outer_header() == outer.header).ok_or(InvalidToken)?.jws;
    for keys in ring.generations() {
        if !outer.is_authentic(keys.mac(signed_as)) {
            continue;
        }
        let payload = base64url::decode(outer.payload)?;
        let inner = jwe::Parts::split(str::from_utf8(&payload).map_err(|_| InvalidToken)?)?;
        let mut candidates = forms.iter().filter(|form| form.jws == signed_as);
        let form = *candidates.find(|form| form.is_inner_header(inner.header)).ok_or(InvalidToken)?;
        // Imported keys may share the MAC secret with older ones, so a failure here leaves those to be tried.
        if let Ok(content) = inner.decrypt(keys.key_management(form), form.encryption) {
            return Ok(content);
        }
    }
    Err(InvalidToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_forms() -> impl Iterator<Item = TokenForm> {
        JweAlgorithm::ALL.iter().flat_map(|jwe| {
            Encryption::ALL.iter().flat_map(move |encryption| {
                JwsAlgorithm::ALL.iter().map(move |jws| TokenForm { jwe: *jwe, encryption: *encryption, jws: *jws })
            })
        })
    }

    #[test]
    fn headers_are_those_of_idm() {
        for form in all_forms() {
            let outer = format!(r#"{{"typ":"JWT","cty":"JWT","alg":"{}"}}"#, form.jws.wire_name());
            assert_eq!(form.outer_header(), base64url::encode(outer));
            let inner = format!(r#"{{"typ":"JWT","enc":"{}","alg":"{}"}}"#, form.encryption.wire_name(), form.jwe.wire_name());
            assert!(inner.len() <= MAX_INNER_HEADER_LEN);
            assert!(form.is_inner_header(&base64url::encode(&inner)));
            assert_eq!(form.inner_header().concat(), inner);
        }
    }

    #[test]
    fn an_inner_header_fits_exactly_one_form() {
        let forms: Vec<_> = all_forms().filter(|form| form.jws == JwsAlgorithm::Hs256).collect();
        for form in &forms {
            let text = base64url::encode(form.inner_header().concat());
            assert_eq!(forms.iter().filter(|other| other.is_inner_header(&text)).collect::<Vec<_>>(), [form]);
        }
    }

    #[test]
    fn a_header_in_other_words_is_another_header() {
        let form = TokenForm::DEFAULT;
        for json in [
            r#"{"enc":"A256GCM","alg":"dir","typ":"JWT"}"#,
            r#"{"typ":"JWT","enc":"A256GCM","alg":"dir" }"#,
            r#"{"typ":"JWT","enc":"A256GCM","alg":"dir"}}"#,
            r#"{"typ":"JWT","enc":"A256GCM","alg":"dir","zip":"DEF"}"#,
            r#"{"typ":"JWT","enc":"A256GCM","alg":"di"}"#,
            "",
        ] {
            assert!(!form.is_inner_header(&base64url::encode(json)), "{json}");
        }
    }
}
