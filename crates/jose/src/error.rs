//! The failures of cryptographic operations.
//!
//! They carry no cause on purpose: a padding failure that can be told from a tag failure is an oracle (RFC 7516 §11.5).

use aws_lc_rs::error::Unspecified;

/// A token that was not made by this key ring in the expected form, whatever is wrong with it.
///
/// Wrong MAC, other headers, text that is not canonical, truncated, too long: one error for all (design decision 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid token")]
pub struct InvalidToken;

/// A cryptographic operation failed: a key of the wrong length, a source of randomness that gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic operation failed")]
pub struct CryptoFailure;

impl From<Unspecified> for CryptoFailure {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

impl From<CryptoFailure> for InvalidToken {
    fn from(_: CryptoFailure) -> Self {
        Self
    }
}

impl From<Unspecified> for InvalidToken {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

impl From<crate::base64url::NotCanonical> for InvalidToken {
    fn from(_: crate::base64url::NotCanonical) -> Self {
        Self
    }
}

/// Why a token could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The token would be longer than what opening accepts.
    #[error("the content is too long for a token: {length} bytes, at most {limit} fit")]
    TooLong {
        /// Bytes of content that were given.
        length: usize,
        /// Bytes of content that fit.
        limit: usize,
    },
    /// The operating system gave no randomness, or a key does not fit the form.
    #[error("the token could not be sealed")]
    Crypto(#[from] CryptoFailure),
}
