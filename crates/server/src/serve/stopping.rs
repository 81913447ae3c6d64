//! The end. Its order matters: requests first, then the pass of the outbox they filled, then the audit trail, then the store.

use std::sync::Arc;
use std::time::Duration;

use accounts::Accounts;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::listener::{self, Stop};
use crate::ports::StoreHealth;
use crate::service::Manager;

/// The last pass over the outbox may take this long.
const LAST_PASS: Duration = Duration::from_secs(20);
/// The audit trail and the store are closed within this time.
pub(super) const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// From when it is told to stop until it takes no more connections a server has `drain_seconds`, in which it is not ready.
pub(super) fn drained(mut told: watch::Receiver<bool>, health: Arc<StoreHealth>, accounts: Arc<Accounts>, manager: Arc<Manager>) -> Stop {
    let (close, closes) = watch::channel(false);
    let stop = Stop { told: told.clone(), closes };
    tokio::spawn(async move {
        // Whoever could tell it is gone: that is the end as well.
        let _ = told.wait_for(|told| *told).await;
        health.set_serving(false);
        let drain = Duration::from_secs(accounts.runtime.load().project.settings.limits.drain_seconds.into());
        manager.stopping(drain + listener::FINISH_WITHIN + LAST_PASS + CLOSE_WITHIN);
        tokio::select! {
            () = tokio::time::sleep(drain) => {}
            // Told a second time.
            _ = told.changed() => {}
        }
        let _ = close.send(true);
    });
    stop
}

/// What runs beside the answering of requests.
pub(super) struct Tasks {
    pub(super) courier: JoinHandle<()>,
    /// Told after the last request has been answered, because that one may have filled the outbox.
    pub(super) stop_courier: watch::Sender<bool>,
    pub(super) others: Vec<JoinHandle<()>>,
}

impl Tasks {
    /// Has the courier make its last pass, and ends the rest.
    pub(super) async fn finish(self) {
        // The courier going first has logged why.
        let _ = self.stop_courier.send(true);
        match tokio::time::timeout(LAST_PASS, self.courier).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the outbox was not finished"),
            Err(_) => tracing::warn!("a mail server is slow; what is left is sent after the next start"),
        }
        for task in self.others {
            task.abort();
            // An aborted task is what we asked for; one that failed before has logged it.
            let _ = task.await;
        }
    }
}
