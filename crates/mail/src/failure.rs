//! Why a mail did not leave.

use crate::message::MessageError;

/// Why a mailbox cannot be written to (RFC 6531).
pub(crate) const NO_UTF8: &str = "the mail service does not take addresses with letters outside ASCII before the @ (it does not offer SMTPUTF8, or mail.mime.allowutf8 is not set)";

/// Why one mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It can never be sent.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The server refuses it for good.
    #[error("refused: {0}")]
    Refused(String),
    /// The server does not take it now, or broke off in the middle of it. Other mails may do better.
    #[error("not taken: {0}")]
    Deferred(String),
    /// No connection could be had: it is the server, not the mail.
    #[error("not reachable: {0}")]
    Unreachable(String),
    /// The server wants to be left alone for so many seconds (RFC 9110 §10.2.3): nothing is asked of it until then.
    #[error("too much for it: {said}, to be asked again in {seconds} s")]
    Busy {
        /// What it said.
        said: String,
        /// How long.
        seconds: u32,
    },
    /// There is no mail service.
    #[error("no mail service is configured")]
    NoService,
}

impl Failure {
    /// Whether trying again is pointless.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Refused(_))
    }
}
