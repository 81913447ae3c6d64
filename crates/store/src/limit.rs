//! How long reading goes on: until its time is over, or until nobody waits for it any more.
//!
//! Easiest to break: the time is that of the reading. What waits for its turn does not use it up.

use std::future::pending;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Until when reading goes on. Clones are the same limit.
#[derive(Clone)]
pub(crate) struct Limit {
    longest: Option<Duration>,
    begun: Arc<OnceLock<Instant>>,
    caller: watch::Receiver<()>,
}

/// Whoever waits for the reading. It is nobody's as soon as this is dropped.
pub(crate) struct Caller {
    _held: watch::Sender<()>,
}

/// The limit of reading that ends with its caller, and takes `longest` at most where that is given, from [`Limit::begin`] on.
pub(crate) fn limit(longest: Option<Duration>) -> (Limit, Caller) {
    let (held, caller) = watch::channel(());
    (Limit { longest, begun: Arc::default(), caller }, Caller { _held: held })
}

impl Limit {
    /// The reading begins, unless it has; gives when.
    pub(crate) fn begin(&self) -> Instant {
        *self.begun.get_or_init(Instant::now)
    }

    /// Whether reading is to end.
    pub(crate) fn is_over(&self) -> bool {
        self.is_left() || self.until().is_some_and(|until| Instant::now() >= until)
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_left(&self) -> bool {
        self.caller.has_changed().is_err()
    }

    /// Waits until reading that has begun is to end.
    pub(crate) async fn over(&self) {
        let mut caller = self.caller.clone();
        let late = async {
            match self.until() {
                Some(until) => sleep_until(until).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = late => {}
            // Nothing is ever sent: it ends when the caller is gone.
            _ = caller.changed() => {}
        }
    }

    fn until(&self) -> Option<Instant> {
        Some(*self.begun.get()? + self.longest?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_over_when_its_time_is_or_when_nobody_waits() {
        let (limit, caller) = limit(Some(Duration::ZERO));
        limit.begin();
        assert!(limit.is_over() && !limit.is_left());
        limit.over().await;
        drop(caller);
        let (limit, caller) = super::limit(None);
        limit.begin();
        assert!(!limit.is_over());
        drop(caller);
        assert!(limit.is_over() && limit.is_left());
        limit.over().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_its_turn_does_not_use_its_time_up() {
        let (limit, _caller) = limit(Some(Duration::from_secs(20)));
        tokio::time::advance(Duration::from_mins(1)).await;
        assert!(!limit.is_over());
        let begun = limit.begin();
        tokio::time::advance(Duration::from_secs(19)).await;
        assert!(!limit.is_over() && limit.begin() == begun, "what is done again has the time that is left");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(limit.is_over());
        limit.over().await;
    }
}
