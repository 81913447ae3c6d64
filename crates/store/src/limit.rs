//! How long reading goes on: until its time is over, or until nobody waits for it any more.

use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Until when reading goes on. Clones are the same limit.
#[derive(Clone)]
pub(crate) struct Limit {
    until: Option<Instant>,
    caller: watch::Receiver<()>,
}

/// Whoever waits for the reading. It is nobody's as soon as this is dropped.
pub(crate) struct Caller {
    _held: watch::Sender<()>,
}

/// The limit of reading that begins now, takes `longest` at most where that is given, and ends with its caller.
pub(crate) fn begin(longest: Option<Duration>) -> (Limit, Caller) {
    let (held, caller) = watch::channel(());
    (Limit { until: longest.map(|longest| Instant::now() + longest), caller }, Caller { _held: held })
}

impl Limit {
    /// Whether reading is to end.
    pub(crate) fn is_over(&self) -> bool {
        self.is_left() || self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_left(&self) -> bool {
        self.caller.has_changed().is_err()
    }

    /// Waits until reading is to end.
    pub(crate) async fn over(&self) {
        let mut caller = self.caller.clone();
        let late = async {
            match self.until {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_over_when_its_time_is_or_when_nobody_waits() {
        let (limit, caller) = begin(Some(Duration::ZERO));
        assert!(limit.is_over() && !limit.is_left());
        limit.over().await;
        drop(caller);
        let (limit, caller) = begin(None);
        assert!(!limit.is_over());
        drop(caller);
        assert!(limit.is_over() && limit.is_left());
        limit.over().await;
    }
}
