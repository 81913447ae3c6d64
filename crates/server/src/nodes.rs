//! Which part of `[limits]` is this node's. Nodes count for themselves, so that no request waits for the store to be counted: each keeps its
//! share of a rate, by how many nodes said lately that they are there. What an administrator ends at one of them ends at all of them.
//!
//! Easiest to break: what holds when the store gives no answer. The number that was known last does: a store that is away opens no limit.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use accounts::{Accounts, Cleared};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use crest::{Clock, Random, ResourceError, random_bytes};
use process::LedgerError;
use rest::ports::OtherNodes;
use store::Db;
use tokio::sync::watch;

/// How often a node asks what others have said.
const LISTEN: Duration = Duration::from_secs(2);

/// This node among the others.
pub(crate) struct Nodes {
    id: String,
    alive: AtomicU32,
}

impl Nodes {
    /// Alone, until the store is asked.
    pub(crate) fn new(random: &dyn Random) -> Self {
        Self { id: BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<16>(random)), alive: AtomicU32::new(1) }
    }

    /// Says that this node is there and asks how many are: their number, when it has changed.
    ///
    /// # Errors
    /// When the store does not answer, which has been said.
    pub(crate) async fn look(&self, db: &Db, now: i64) -> Result<Option<u32>, LedgerError> {
        let asked = db.nodes(&self.id, now).await;
        let asked = asked.inspect_err(|error| {
            tracing::warn!(%error, "it is not known how many nodes there are; the limits stay as they were shared");
        });
        asked.map(|alive| (self.alive.swap(alive, Ordering::Relaxed) != alive).then_some(alive))
    }

    /// Whether the store gives no answer: asked once something could not be done there. Nobody waits a second time to hear it.
    pub(crate) async fn are_cut_off(&self, db: &Db, now: i64) -> bool {
        db.nodes(&self.id, now).await.is_err()
    }

    /// What this node may let through of these limits.
    pub(crate) fn share(&self, limits: &project::Limits) -> project::Limits {
        limits.share_of(self.alive.load(Ordering::Relaxed))
    }

    /// Says that this node goes.
    pub(crate) async fn leave(&self, db: &Db) {
        if let Err(error) = db.leave(&self.id).await {
            tracing::warn!(%error, "the other nodes hear only in a while that this one has gone");
        }
    }

    /// Does what others have done, until the end. What this node said is heard as well, and no harm: a budget that was just ended ends once more.
    pub(crate) async fn follow(db: Db, accounts: Arc<Accounts>, mut stop: watch::Receiver<bool>) {
        // Nothing that was said before is about a node that has just begun.
        let mut heard = told(&db).await.unwrap_or_default();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LISTEN) => {}
                _ = stop.changed() => return,
            }
            let Some(told) = told(&db).await else { continue };
            let mut ended = 0_usize;
            for (what, _) in told.iter().filter(|(what, times)| heard.get(*what) != Some(times)) {
                // A later version may say more.
                let Ok(cleared) = what.parse::<Cleared>() else {
                    tracing::debug!(what, "a node said something that this one does not know");
                    continue;
                };
                accounts.clear(&cleared);
                ended += 1;
            }
            // Whoever reads this may rely on all of it: what an administrator ends for a person is several budgets.
            if ended > 0 {
                tracing::info!(budgets = ended, "limits were ended at one of the nodes, and so at this one");
            }
            heard = told;
        }
    }
}

/// What nodes have said lately, and how often; nothing when it cannot be read.
async fn told(db: &Db) -> Option<HashMap<String, i64>> {
    match db.told().await {
        Ok(told) => Some(told.into_iter().collect()),
        Err(error) => {
            tracing::debug!(%error, "what nodes say could not be read");
            None
        }
    }
}

/// The nodes that share a store with this one.
pub(crate) struct Others {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl OtherNodes for Others {
    async fn clear(&self, cleared: &[Cleared]) -> Result<(), ResourceError> {
        let cleared: Vec<_> = cleared.iter().map(Cleared::to_string).collect();
        let told = self.db.tell(&cleared, self.clock.unix_seconds()).await;
        told.map_err(|error| {
            ResourceError::unavailable(format!("The limits are cleared at this node, and could not be at the others: {error}"))
        })
    }
}
