//! Whether requests can be served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use crest::Clock;
use rest::ports::Health;
use store::Db;

/// Ready between the end of the start and the beginning of the end, while the store takes what is written and the certificate is there.
pub(crate) struct StoreHealth {
    db: Db,
    clock: Arc<dyn Clock>,
    serving: AtomicBool,
    certified: AtomicBool,
}

impl StoreHealth {
    /// Of a process that is still starting.
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock, serving: AtomicBool::new(false), certified: AtomicBool::new(true) }
    }

    /// The start has ended, or the end begins.
    pub(crate) fn set_serving(&self, serving: bool) {
        self.serving.store(serving, Ordering::Release);
    }

    /// Whether the certificate of the listener is there that clients believe. Where none is ordered, it is from the start.
    pub(crate) fn set_certified(&self, certified: bool) {
        self.certified.store(certified, Ordering::Release);
    }
}

#[async_trait]
impl Health for StoreHealth {
    async fn is_ready(&self) -> bool {
        let can_serve = self.serving.load(Ordering::Acquire) && self.certified.load(Ordering::Acquire);
        can_serve && self.db.can_write(self.clock.unix_seconds()).await.is_ok()
    }
}
