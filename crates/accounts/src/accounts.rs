//! Everything a face reaches: the project that is served, the ports, and what is remembered between requests.

use std::sync::Arc;

use arc_swap::ArcSwap;
use crest::{Clock, Random, random_bytes};
use identity::secret::Hasher;
use jose::KeyRing;
use process::{Definitions, Ledger, Sessions};
use stages::Services;

use crate::accepted::Accepted;
use crate::administrator::Administrator;
use crate::limits::{Cleared, Limits};
use crate::ports::{Delivery, History, Meter, Trail};
use crate::runtime::Runtime;
use crate::turns::Turns;

/// What faces share, for the life of the process.
pub struct Accounts {
    /// The project being served; a request loads it once.
    pub runtime: Arc<ArcSwap<Runtime>>,
    /// Definitions by version.
    pub definitions: Arc<dyn Definitions<Services>>,
    /// Commits and counts.
    pub ledger: Arc<dyn Ledger>,
    /// Keeps sessions.
    pub sessions: Arc<dyn Sessions>,
    /// The hashing pool.
    pub hasher: Arc<dyn Hasher>,
    /// What tokens, codes and stored texts are sealed with.
    pub keys: Arc<KeyRing>,
    /// Where the time of requests comes from; a virtual one in tests.
    pub clock: Arc<dyn Clock>,
    /// The generator.
    pub random: Arc<dyn Random>,
    /// The audit trail.
    pub trail: Arc<dyn Trail>,
    /// What the trail and the funnel say.
    pub history: Arc<dyn History>,
    /// The metrics.
    pub meter: Arc<dyn Meter>,
    /// Outgoing mail.
    pub delivery: Arc<dyn Delivery>,
    /// Lets the sign-ins of one person follow one another.
    pub turns: Turns,
    /// Passwords verified lately.
    pub accepted: Accepted,
    /// Rate limits.
    pub limits: Arc<Limits>,
    /// Who the administrator is.
    pub administrator: Administrator,
}

impl Accounts {
    /// Seconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.unix_seconds()
    }

    /// Ends limits at this node before their time. What is counted in the store is ended there.
    pub fn clear(&self, cleared: &Cleared) {
        self.limits.clear(cleared);
        let budget = Arc::clone(&self.runtime.load().services.mail_budget);
        match cleared {
            Cleared::Recipient(address) => budget.clear_recipient(address),
            Cleared::Network(client) => budget.clear_client(*client),
            Cleared::Account(_) | Cleared::Object(_) => {}
        }
    }

    /// A name for one request, which joins its events: 128 random bits, base64url.
    #[must_use]
    pub fn transaction(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random_bytes::<16>(self.random.as_ref()))
    }
}
