//! base64url without padding, read strictly (RFC 7515 §2, RFC 4648 §3.5).
//!
//! Every byte string has exactly one accepted text: unused trailing bits must be zero, padding and white space are
//! refused. Two texts of one token would be two keys wherever a token is remembered.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::error::InvalidToken;

const STRICT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(false),
);

/// The text is not the canonical base64url form of any bytes that fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotCanonical;

impl From<NotCanonical> for InvalidToken {
    fn from(_: NotCanonical) -> Self {
        Self
    }
}

/// Characters that `bytes` bytes take as text.
pub(crate) const fn text_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// The canonical text of `bytes`.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    STRICT.encode(bytes)
}

/// Appends the canonical text of `bytes` to `text`.
pub(crate) fn push(text: &mut String, bytes: impl AsRef<[u8]>) {
    STRICT.encode_string(bytes, text);
}

/// The bytes that `text` is the canonical form of.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, NotCanonical> {
    STRICT.decode(text).map_err(|_| NotCanonical)
}

/// As [`decode`], into `buffer`; a text whose bytes do not fit is refused.
pub(crate) fn decode_into<'b>(text: &str, buffer: &'b mut [u8]) -> Result<&'b mut [u8], NotCanonical> {
    let length = STRICT.decode_slice(text, buffer).map_err(|_| NotCanonical)?;
    buffer.get_mut(..length).ok_or(NotCanonical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unused_bits_padding_and_white_space_are_refused() {
        assert_eq!(decode("QQ"), Ok(b"A".to_vec()));
        for text in ["QR", "QQ==", "QQ=", "Q Q", "QQ\n", " QQ", "Q", "Q+", "Q/", "QQ.", "é"] {
            assert_eq!(decode(text), Err(NotCanonical), "{text:?}");
        }
        assert_eq!(decode("QUI"), Ok(b"AB".to_vec()));
        for text in ["QUJ", "QUK", "QUL", "QUI="] {
            assert_eq!(decode(text), Err(NotCanonical), "{text:?}");
        }
    }

    #[test]
    fn bytes_that_do_not_fit_are_refused() {
        let mut buffer = [0; 2];
        assert_eq!(decode_into("QUI", &mut buffer), Ok(b"AB".to_vec().as_mut_slice()));
        assert_eq!(decode_into("QUJD", &mut buffer), Err(NotCanonical));
    }

    proptest! {
        #[test]
        fn text_and_bytes_are_one_to_one(bytes: Vec<u8>) {
            let text = encode(&bytes);
            prop_assert_eq!(text.len(), text_len(bytes.len()));
            prop_assert_eq!(decode(&text), Ok(bytes));
        }

        #[test]
        fn an_accepted_text_is_the_text_of_its_bytes(text in "[A-Za-z0-9_=+/-]{0,12}") {
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(bytes), text);
            }
        }
    }
}
