//! The delivery loop. It claims what is due, sends it, and writes down what became of it. A claim is a lease: a node that dies in the
//! middle of a delivery leaves the mail to the next one, so a mail may arrive twice but never not at all. Except one whose attempts
//! never end: it may be what kills the process, and is given up after [`MAX_UNFINISHED`] of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use crest::{Clock, ResourceError};
use process::{MailId, Outbox, OutboxEntry, OutboxState};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::transport::{SendError, Transport};

/// Mails that are on their way at the same time.
const PARALLEL: u32 = 4;
/// Seconds after which another node may try a claimed mail.
const LEASE: i64 = 120;
/// Seconds before the second attempt; doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: i64 = 2;
/// Seconds between attempts at most.
const LONGEST_WAIT: i64 = 15 * 60;
/// Seconds after which a mail is given up.
const GIVE_UP: i64 = 24 * 3600;
/// A mail is given up when this many attempts at it in a row never ended.
const MAX_UNFINISHED: u32 = 5;
/// How long a submission waits for a delivery result (`waitForCompletion`).
const WAIT_LIMIT: Duration = Duration::from_secs(30);
/// The loop looks again after this long even if nobody woke it: another node may have left something behind.
const IDLE: Duration = Duration::from_mins(1);

/// Wakes the loop. Cheap to clone and to call.
#[derive(Clone, Debug, Default)]
pub(super) struct Wake(Arc<Notify>);

impl Wake {
    /// Something was put into the outbox.
    pub(super) fn wake(&self) {
        self.0.notify_one();
    }
}

/// Empties the outbox.
pub struct Courier {
    outbox: Arc<dyn Outbox>,
    transport: ArcSwap<Transport>,
    clock: Arc<dyn Clock>,
    wake: Wake,
    /// Grows with every attempt that ended, so that waiting submissions look again.
    attempts: watch::Sender<u64>,
    /// How long the last real delivery took: a withheld mail takes as long (SEC-02).
    last_duration_ms: AtomicU64,
    delivered: AtomicU64,
    failed: AtomicU64,
    dead: AtomicU64,
}

impl Courier {
    /// A courier that is not running yet.
    #[must_use]
    pub fn new(outbox: Arc<dyn Outbox>, transport: Transport, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            outbox,
            transport: ArcSwap::from_pointee(transport),
            clock,
            wake: Wake::default(),
            attempts: watch::Sender::new(0),
            last_duration_ms: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dead: AtomicU64::new(0),
        })
    }

    /// Wakes the loop.
    pub fn wake(&self) {
        self.wake.wake();
    }

    /// Takes another mail service, after its configuration changed.
    pub fn set_transport(&self, transport: Transport) {
        self.transport.store(Arc::new(transport));
        self.wake();
    }

    /// The mail service in use.
    pub fn transport(&self) -> Arc<Transport> {
        self.transport.load_full()
    }

    /// Mails delivered, attempts failed and mails given up since start, for `/metrics`.
    #[must_use]
    pub fn totals(&self) -> (u64, u64, u64) {
        (self.delivered.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed), self.dead.load(Ordering::Relaxed))
    }

    /// Runs until `stop` says so, and then finishes the pass it is in, so that everything that was due at that moment was tried once.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            let pause = match self.pass().await {
                Ok(()) => self.until_next().await,
                Err(error) => {
                    tracing::warn!(%error, "the outbox cannot be read");
                    Duration::from_secs(2)
                }
            };
            if *stop.borrow() {
                return;
            }
            tokio::select! {
                () = self.wake.0.notified() => {}
                () = tokio::time::sleep(pause) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Tries everything that is due.
    async fn pass(self: &Arc<Self>) -> Result<(), process::LedgerError> {
        loop {
            let now = self.clock.unix_seconds();
            let due = self.outbox.claim(now, now.saturating_add(LEASE), PARALLEL).await?;
            // Whatever is written from now on wakes the loop again; what comes alone may not be the last of its kind.
            let last = due.is_empty();
            let mut running = JoinSet::new();
            for entry in due {
                let courier = Arc::clone(self);
                running.spawn(async move { courier.attempt(entry).await });
            }
            while let Some(ended) = running.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a delivery did not finish");
                }
            }
            if last {
                return Ok(());
            }
        }
    }

    async fn until_next(&self) -> Duration {
        let now = self.clock.unix_seconds();
        match self.outbox.next_due().await {
            Ok(Some(due)) => {
                Duration::from_secs(u64::try_from(due.saturating_sub(now)).unwrap_or(0)).clamp(Duration::from_millis(200), IDLE)
            }
            Ok(None) => IDLE,
            Err(_) => Duration::from_secs(2),
        }
    }

    async fn attempt(&self, entry: OutboxEntry) {
        let transport = self.transport();
        let outcome = if entry.unfinished > MAX_UNFINISHED {
            Err(SendError::Refused(format!("{MAX_UNFINISHED} attempts to deliver it never ended; the process may have died of it")))
        } else if entry.mail.withheld {
            tokio::time::sleep(Duration::from_millis(self.last_duration_ms.load(Ordering::Relaxed))).await;
            Ok(())
        } else {
            let begun = tokio::time::Instant::now();
            let outcome = transport.send(&entry.mail).await;
            let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.last_duration_ms.store(took.min(5_000), Ordering::Relaxed);
            outcome
        };
        if let Err(error) = self.write_down(&entry, outcome).await {
            tracing::warn!(%error, mail.id = entry.id.0, "what became of a mail could not be written down; it may be sent again");
        }
        self.attempts.send_modify(|count| *count = count.wrapping_add(1));
    }

    async fn write_down(&self, entry: &OutboxEntry, outcome: Result<(), SendError>) -> Result<(), process::LedgerError> {
        let now = self.clock.unix_seconds();
        match outcome {
            Ok(()) => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
                self.outbox.delivered(entry.id, now).await
            }
            Err(error) => {
                let next = next_attempt(&error, entry, now);
                let written = self.outbox.failed(entry.id, &error.to_string(), next).await;
                self.failed.fetch_add(1, Ordering::Relaxed);
                if next.is_none() {
                    self.dead.fetch_add(1, Ordering::Relaxed);
                }
                tracing::warn!(mail.id = entry.id.0, attempt = entry.attempts, given_up = next.is_none(), %error, "a mail was not delivered");
                written
            }
        }
    }

    /// Waits until each mail was tried once.
    ///
    /// # Errors
    /// 400 when the mail server refuses a mail for good, 503 when it cannot be reached (the mail stays in the outbox) or takes too long.
    pub async fn wait(&self, mails: &[MailId]) -> Result<(), ResourceError> {
        if mails.is_empty() {
            return Ok(());
        }
        self.wake();
        let late = || ResourceError::unavailable("The mail was not delivered in time; it will be tried again");
        tokio::time::timeout(WAIT_LIMIT, self.wait_for_each(mails)).await.map_err(|_| late())?
    }

    async fn wait_for_each(&self, mails: &[MailId]) -> Result<(), ResourceError> {
        let mut attempts = self.attempts.subscribe();
        for id in mails {
            loop {
                attempts.mark_unchanged();
                match self.outbox.mail(*id).await? {
                    None => break,
                    Some(entry) => match entry.state {
                        OutboxState::Delivered => break,
                        OutboxState::Dead => return Err(ResourceError::bad_request("The mail server refuses to deliver the mail")),
                        OutboxState::Pending if entry.last_error.is_some() => {
                            return Err(ResourceError::unavailable("The mail server cannot be reached; the mail will be tried again"));
                        }
                        OutboxState::Pending => {}
                    },
                }
                if attempts.changed().await.is_err() {
                    return Err(ResourceError::unavailable("The server is stopping"));
                }
            }
        }
        Ok(())
    }
}

/// Doubling waits from two seconds to a quarter of an hour, for a day; a refusal for good is not tried again.
fn next_attempt(error: &SendError, entry: &OutboxEntry, now: i64) -> Option<i64> {
    if error.is_permanent() || now.saturating_sub(entry.created) >= GIVE_UP {
        return None;
    }
    let earlier = entry.attempts.saturating_sub(1);
    let wait = FIRST_WAIT.saturating_mul(2_i64.saturating_pow(earlier)).clamp(FIRST_WAIT, LONGEST_WAIT);
    Some(now.saturating_add(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attempts: u32, created: i64) -> OutboxEntry {
        let mail = process::Mail {
            to: "a@example.org".into(),
            from: None,
            subject: "x".into(),
            mime_type: "text/plain".into(),
            body: String::new(),
            wait: false,
            withheld: false,
        };
        OutboxEntry {
            id: MailId(1),
            mail,
            state: OutboxState::Pending,
            attempts,
            unfinished: 1,
            created,
            next_attempt: 0,
            last_error: None,
            detail: serde_json::Value::Null,
        }
    }

    #[test]
    fn waits_double_from_two_seconds_to_a_quarter_of_an_hour() {
        let unreachable = SendError::Unreachable("refused".into());
        let waits: Vec<_> =
            [1, 2, 3, 9, 10, 41, 64, 65, 201].iter().map(|attempts| next_attempt(&unreachable, &entry(*attempts, 0), 0)).collect();
        assert_eq!(waits, [2, 4, 8, 512, 900, 900, 900, 900, 900].map(Some));
    }

    #[test]
    fn a_refusal_for_good_and_a_day_of_failures_are_the_end() {
        assert_eq!(next_attempt(&SendError::Refused("550".into()), &entry(1, 0), 0), None);
        assert_eq!(next_attempt(&SendError::Unreachable("x".into()), &entry(5, 0), GIVE_UP), None);
    }
}
