//! The algorithms of a token, and the headers that follow from them.
//!
//! Headers are written and compared as text, in IDM's order of members; nothing in them is interpreted (SEC-39).

use crate::algorithms::{Encryption, JweAlgorithm, JwsAlgorithm};
use crate::base64url;

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

    /// Every combination of algorithms.
    pub fn all() -> impl Iterator<Item = Self> {
        JweAlgorithm::ALL.iter().flat_map(|jwe| {
            Encryption::ALL
                .iter()
                .flat_map(move |encryption| JwsAlgorithm::ALL.iter().map(move |jws| Self { jwe: *jwe, encryption: *encryption, jws: *jws }))
        })
    }

    /// Text of the outer header, `{"typ":"JWT","cty":"JWT","alg":"…"}`.
    pub(crate) const fn outer_header(self) -> &'static str {
        match self.jws {
            JwsAlgorithm::Hs256 => "eyJ0eXAiOiJKV1QiLCJjdHkiOiJKV1QiLCJhbGciOiJIUzI1NiJ9",
            JwsAlgorithm::Hs384 => "eyJ0eXAiOiJKV1QiLCJjdHkiOiJKV1QiLCJhbGciOiJIUzM4NCJ9",
            JwsAlgorithm::Hs512 => "eyJ0eXAiOiJKV1QiLCJjdHkiOiJKV1QiLCJhbGciOiJIUzUxMiJ9",
        }
    }

    /// JSON of the inner header in pieces, in IDM's order of members.
    pub(crate) const fn inner_header(self) -> [&'static str; 5] {
        [r#"{"typ":"JWT","enc":""#, self.encryption.wire_name(), r#"","alg":""#, self.jwe.wire_name(), r#""}"#]
    }

    /// Whether `text` is the inner header of this form. base64url is read strictly, so equal bytes are equal texts.
    pub(crate) fn is_inner_header(self, text: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_those_of_idm() {
        for form in TokenForm::all() {
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
        let forms: Vec<_> = TokenForm::all().filter(|form| form.jws == JwsAlgorithm::Hs256).collect();
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
