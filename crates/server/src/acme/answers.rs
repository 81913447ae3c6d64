//! What an authority is answered with that looks whether a name leads here (RFC 8737). Every node answers, whichever of them orders.
//!
//! Easiest to break: anybody may ask. So the store is asked once in a while, however often they do, and nothing is answered while no order is open.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use process::LedgerError;
use rustls::ServerConfig;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::kept::{Digests, Shelf};
use crate::listener::{Challenges, challenge};

/// What lies in the store is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After this every node knows of answers that were laid out.
pub(super) const FORGETS_WITHIN: Duration = Duration::from_secs(2);

/// What lay in the store, and when it was looked at.
#[derive(Default)]
struct Seen {
    at: Option<Instant>,
    digests: Digests,
}

/// The answers of an order.
pub(super) struct Answers {
    shelf: Shelf,
    seen: Mutex<Seen>,
}

impl Answers {
    pub(super) fn new(shelf: Shelf) -> Self {
        Self { shelf, seen: Mutex::default() }
    }

    /// Lays answers out for all nodes, until a moment in seconds since 1970.
    pub(super) async fn lay_out(&self, digests: Digests, until: i64) -> Result<(), LedgerError> {
        self.shelf.keep_challenges(&digests, until).await?;
        *self.seen.lock().await = Seen { at: Some(Instant::now()), digests };
        Ok(())
    }

    /// The order is over.
    pub(super) async fn take_away(&self) -> Result<(), LedgerError> {
        *self.seen.lock().await = Seen::default();
        self.shelf.forget_challenges().await
    }
}

#[async_trait]
impl Challenges for Answers {
    async fn answer(&self, name: &str) -> Option<Arc<ServerConfig>> {
        let digest = {
            let mut seen = self.seen.lock().await;
            if seen.at.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
                // A store that is away has no answers; whoever asks next asks later.
                let digests = self.shelf.challenges().await.unwrap_or_default();
                *seen = Seen { at: Some(Instant::now()), digests };
            }
            *seen.digests.get(name)?
        };
        match challenge(name, &digest) {
            Ok(config) => {
                tracing::info!(tls.name = name, "an authority looks whether this name leads here");
                Some(config)
            }
            Err(error) => {
                tracing::error!("an authority cannot be answered: {error}");
                None
            }
        }
    }
}
