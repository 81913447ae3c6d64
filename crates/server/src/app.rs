//! Everything a request can reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use crest::{Clock, Random};
use identity::secret::Hasher;
use jose::KeyRing;
use store::Db;

use crate::accepted::Accepted;
use crate::administrator::Administrator;
use crate::audit::Audit;
use crate::config_files::ConfigFiles;
use crate::definitions::KeptDefinitions;
use crate::http::SignIns;
use crate::limits::Limits;
use crate::mail::Courier;
use crate::metrics::Metrics;
use crate::runtime::Runtime;

/// The server's state, shared by all requests.
pub struct App {
    /// The project being served; a request loads it once.
    pub runtime: Arc<ArcSwap<Runtime>>,
    /// Definitions by version.
    pub definitions: KeptDefinitions,
    /// The store.
    pub db: Db,
    /// The hashing pool.
    pub hasher: Arc<dyn Hasher>,
    /// The keys.
    pub keys: Arc<KeyRing>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The generator.
    pub random: Arc<dyn Random>,
    /// The audit trail.
    pub audit: Audit,
    /// The metrics.
    pub metrics: Metrics,
    /// The project's files, for administrators.
    pub config: ConfigFiles,
    /// Outgoing mail.
    pub mail: Arc<Courier>,
    /// Lets the sign-ins of one person follow one another.
    pub(crate) sign_ins: SignIns,
    /// Passwords verified lately.
    pub(crate) accepted: Accepted,
    /// Rate limits.
    pub limits: Limits,
    /// Who the administrator is.
    pub administrator: Arc<Administrator>,
    /// Whether requests can be served.
    pub ready: AtomicBool,
}

impl App {
    /// Whether requests can be served.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.unix_seconds()
    }
}
