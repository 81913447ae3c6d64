//! What is asked of a provider, and what it answers.

use async_trait::async_trait;
use zeroize::Zeroizing;

/// A question to a provider.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Where.
    pub url: String,
    /// The operator's file does not name that host, a document of the provider does: its name may lead to no address of this machine or its
    /// network ([`crate::is_inside`]).
    pub outside: bool,
    /// What is posted, form-encoded; a GET without.
    pub form: Option<Vec<(String, Zeroizing<String>)>>,
    /// Name and password for `Authorization: Basic`, already encoded as RFC 6749 §2.3.1 wants them.
    pub basic: Option<(String, Zeroizing<String>)>,
    /// The token for `Authorization: Bearer`.
    pub bearer: Option<Zeroizing<String>>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// Asks providers. An implementation follows no redirect, waits ten seconds at most and reads 256 KiB at most.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The answer, whatever its status.
    ///
    /// # Errors
    /// Why there is none, for the log: without the address, which may hold a secret.
    async fn fetch(&self, request: Request) -> Result<Answer, String>;
}
