//! Which part of `[limits]` is this node's. Nodes count for themselves, so that no request waits for the store to be counted: each keeps its
//! share of a rate, by how many nodes said lately that they are there.
//!
//! Easiest to break: what holds when the store gives no answer. The number that was known last does: a store that is away opens no limit.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use crest::{Random, random_bytes};
use store::Db;

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

    /// Says that this node is there and asks how many are; whether that has changed.
    pub(crate) async fn look(&self, db: &Db, now: i64) -> bool {
        match db.nodes(&self.id, now).await {
            Ok(alive) => {
                let changed = self.alive.swap(alive, Ordering::Relaxed) != alive;
                if changed {
                    tracing::info!(nodes = alive, "the number of nodes that share the limits has changed");
                }
                changed
            }
            Err(error) => {
                tracing::warn!(%error, "it is not known how many nodes there are; the limits stay as they were shared");
                false
            }
        }
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
}
