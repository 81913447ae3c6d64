//! How scripts of a project wait, in a process that serves.
//!
//! Easiest to get wrong: a script runs on a thread of its own and blocks there while it reads; it must never wait on a thread that
//! serves requests.

use std::pin::Pin;
use std::sync::Arc;

use identity::Waits;
use tokio::runtime::Handle;

use super::hash_pool::{self, Claim};

/// Waits on the runtime's behalf, on a thread of the sandbox.
pub(crate) struct OnRuntime {
    runtime: Handle,
    /// Whose script it is that waits: what it hashes counts as theirs.
    claim: Option<Arc<Claim>>,
}

impl OnRuntime {
    /// Must be called on a thread of the runtime.
    pub(crate) fn new() -> Self {
        Self { runtime: Handle::current(), claim: None }
    }
}

impl Waits for OnRuntime {
    fn wait(&self, future: Pin<Box<dyn Future<Output = ()> + Send + '_>>) {
        match &self.claim {
            Some(claim) => self.runtime.block_on(Arc::clone(claim).covers(future)),
            None => self.runtime.block_on(future),
        }
    }

    fn of_this_request(&self) -> Option<Arc<dyn Waits>> {
        let claim = hash_pool::current()?;
        Some(Arc::new(Self { runtime: self.runtime.clone(), claim: Some(claim) }))
    }
}
