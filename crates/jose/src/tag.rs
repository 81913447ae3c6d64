//! The authentication tag of a content encryption.

use crate::error::CryptoFailure;

/// Longest authentication tag (A256CBC-HS512).
pub(crate) const MAX_TAG_LEN: usize = 32;

/// An authentication tag of any of the content encryptions.
pub(crate) struct Tag {
    bytes: [u8; MAX_TAG_LEN],
    length: usize,
}

impl Tag {
    /// The first `length` bytes of `bytes`.
    pub(crate) fn truncated(bytes: &[u8], length: usize) -> Result<Self, CryptoFailure> {
        let mut tag = Self { bytes: [0; MAX_TAG_LEN], length };
        let target = tag.bytes.get_mut(..length).ok_or(CryptoFailure)?;
        target.copy_from_slice(bytes.get(..length).ok_or(CryptoFailure)?);
        Ok(tag)
    }
}

impl AsRef<[u8]> for Tag {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}
