//! What goes over the wire.

/// A mail as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// The sender, its domain in A-labels.
    pub(crate) from: String,
    /// The recipient, its domain in A-labels.
    pub(crate) to: String,
    /// The message (RFC 5322), lines ended by CR LF.
    pub(crate) message: Vec<u8>,
    /// Whether an address or a header has letters that only SMTPUTF8 carries (RFC 6531).
    pub(crate) utf8: bool,
}
