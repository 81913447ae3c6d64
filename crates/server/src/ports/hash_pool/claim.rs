//! On whose behalf something is hashed. The port that hashes knows secrets and nothing of requests, so who asks travels beside it, with the task
//! that serves the request.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crest::ResourceError;

/// Hashes of one request. The largest legitimate one defines a dozen answers and a password.
const MOST: u32 = 32;

/// A request.
pub(crate) struct Claim {
    network: IpAddr,
    left: AtomicU32,
}

tokio::task_local! {
    static CLAIM: Arc<Claim>;
}

/// Runs a request's work for a client of this network.
pub(crate) async fn on_behalf_of<F: Future>(network: IpAddr, work: F) -> F::Output {
    CLAIM.scope(Arc::new(Claim { network, left: AtomicU32::new(MOST) }), work).await
}

/// The request that is served here.
pub(crate) fn current() -> Option<Arc<Claim>> {
    CLAIM.try_with(Arc::clone).ok()
}

impl Claim {
    /// Runs work for this request on another thread than its own. It counts as the request's.
    pub(crate) async fn covers<F: Future>(self: Arc<Self>, work: F) -> F::Output {
        CLAIM.scope(self, work).await
    }
}

/// A number for the client network whose request is served here; `None` for what the server does by itself.
pub(crate) fn client() -> Option<u64> {
    let network = CLAIM.try_with(|claim| claim.network).ok()?;
    Some(match network {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        // The network is what the first half says (RFC 4291 section 2.5.4).
        IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or_default(),
    })
}

/// Whose turn a hash counts as; `None` for what the server does by itself.
///
/// # Errors
/// 400 when one request wants more hashes than any needs.
pub(super) fn network() -> Result<Option<IpAddr>, ResourceError> {
    let claimed = CLAIM.try_with(|claim| {
        let left = claim.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map(|_| claim.network).map_err(|_| ResourceError::bad_request(format!("The request brings more than {MOST} secrets")))
    });
    claimed.map_or(Ok(None), |network| network.map(Some))
}
