//! Empties the outbox. A submission hands its mail over in the moment it is committed; what is left in the store (a crash, a retry, a
//! backlog) is claimed from there. Both are leases: a node that dies in the middle of a delivery leaves the mail to the next one, so a mail
//! may arrive twice but never not at all. Except one whose attempts never end: it may be what kills the process, and is given up after
//! [`MAX_UNFINISHED`] of them.
//!
//! Easiest to break: no delivery waits for another one, but for a place. A withheld mail takes none (SEC-02): who waits for one waits as
//! long as for the last that was sent, and hears the same.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use crest::{Clock, ResourceError};
use process::{Handover, LedgerError, Mail, MailId, Outbox, OutboxEntry, OutboxState};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::desk::{Desk, Ended, Job};
use crate::failure::Failure;
use crate::transport::Transport;

/// Seconds after which another node may try a claimed mail.
const LEASE: i64 = 120;
/// Leases of what is in hand are renewed after this long.
const RENEW: Duration = Duration::from_secs(40);
/// Seconds before the second attempt; doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: i64 = 2;
/// Seconds between attempts at most.
const LONGEST_WAIT: i64 = 15 * 60;
/// Seconds that the clock may be read apart.
const APART: i64 = 5;
/// Seconds after which a mail is given up.
const GIVE_UP: i64 = 24 * 3600;
/// A mail is given up when this many attempts at it in a row never ended.
const MAX_UNFINISHED: u32 = 5;
/// How long a submission waits for a delivery result (`waitForCompletion`).
const WAIT_LIMIT: Duration = Duration::from_secs(30);
/// The loop looks again after this long even if nobody woke it: another node may have left something behind.
const IDLE: Duration = Duration::from_secs(30);
/// Idle connections are looked at this often.
const REST: Duration = Duration::from_secs(5);
/// Mails that are claimed at once.
const CLAIM: u32 = 256;
/// A delivery says how the mail server is for this long; after that it is asked.
const PULSE: Duration = Duration::from_secs(10);
/// Longest time that a withheld mail pretends to take.
const PRETENCE: Duration = Duration::from_secs(25);

/// What became of mails since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Delivered.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Given up.
    pub dead: u64,
    /// Withheld: for nobody, or over a budget.
    pub withheld: u64,
    /// Waiting for a place now.
    pub waiting: u64,
    /// On their way now.
    pub running: u64,
}

/// How the last real delivery went.
#[derive(Clone, Debug)]
struct Pulse {
    at: Instant,
    took: Duration,
    /// What went wrong, when the server could not be used.
    trouble: Option<String>,
}

/// Empties the outbox.
pub struct Courier {
    outbox: Arc<dyn Outbox>,
    transport: ArcSwap<Transport>,
    clock: Arc<dyn Clock>,
    desk: Mutex<Desk>,
    wake: Notify,
    pulse: Mutex<Option<Pulse>>,
    asking: tokio::sync::Mutex<()>,
    /// The loop ends when nothing is in hand.
    stopping: AtomicBool,
    delivered: AtomicU64,
    failed: AtomicU64,
    dead: AtomicU64,
    withheld: AtomicU64,
}

impl Courier {
    /// A courier that is not running yet.
    #[must_use]
    pub fn new(outbox: Arc<dyn Outbox>, transport: Transport, clock: Arc<dyn Clock>) -> Arc<Self> {
        let desk = Mutex::new(Desk::new(transport.connections()));
        Arc::new(Self {
            outbox,
            transport: ArcSwap::from_pointee(transport),
            clock,
            desk,
            wake: Notify::new(),
            pulse: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            stopping: AtomicBool::new(false),
            delivered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dead: AtomicU64::new(0),
            withheld: AtomicU64::new(0),
        })
    }

    /// Something was put into the outbox, or back.
    pub fn wake(&self) {
        self.desk().more = true;
        self.wake.notify_one();
    }

    /// Takes another mail service, after its configuration changed. What is on its way goes on as it began.
    pub fn set_transport(&self, transport: Transport) {
        self.desk().new_window(transport.connections());
        *self.pulse() = None;
        self.transport.swap(Arc::new(transport)).rest(true);
        self.wake();
    }

    /// The mail service in use.
    pub fn transport(&self) -> Arc<Transport> {
        self.transport.load_full()
    }

    /// What became of mails since start, for `/metrics`.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let (waiting, running) = {
            let desk = self.desk();
            (desk.waiting() as u64, desk.running() as u64)
        };
        Totals {
            delivered: self.delivered.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            dead: self.dead.load(Ordering::Relaxed),
            withheld: self.withheld.load(Ordering::Relaxed),
            waiting,
            running,
        }
    }

    /// Runs until `stop` says so, and then until everything that was due at that moment was tried once. `alone` says that no other node
    /// empties this outbox: what a process that was killed had in hand is due at once, not when its lease ends.
    pub async fn run(self: Arc<Self>, alone: bool, mut stop: watch::Receiver<bool>) {
        let mut alone = alone;
        let mut renewed = Instant::now();
        let mut latest = i64::MIN;
        loop {
            let round = async {
                let now = self.clock.unix_seconds();
                if now < latest.saturating_sub(APART) {
                    // What nobody would wait for so long was written down before the clock was set back. What is in hand keeps its lease.
                    let brought = self.outbox.bring_forward(now, now.saturating_add(LONGEST_WAIT)).await?;
                    let held = self.desk().held();
                    self.outbox.renew(&held, now.saturating_add(LEASE)).await?;
                    tracing::info!(mails = brought, "the clock was set back; mails that waited for its former time are due");
                    latest = now;
                }
                latest = latest.max(now);
                if alone {
                    let freed = self.outbox.release(self.clock.unix_seconds()).await?;
                    if freed > 0 {
                        tracing::info!(mails = freed, "mails that were on their way when the server ended are sent again");
                    }
                }
                if renewed.elapsed() >= RENEW {
                    let held = self.desk().held();
                    self.outbox.renew(&held, self.clock.unix_seconds().saturating_add(LEASE)).await?;
                    renewed = Instant::now();
                }
                self.refill().await
            };
            let pause = match round.await {
                Ok(()) => {
                    alone = false;
                    self.until_next().await
                }
                Err(error) => {
                    tracing::warn!(%error, "the outbox cannot be read");
                    Duration::from_secs(2)
                }
            };
            let stopping = *stop.borrow();
            self.stopping.store(stopping, Ordering::Release);
            if stopping && self.desk().is_idle() {
                self.transport().rest(true);
                return;
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause.min(REST)) => self.transport().rest(false),
                _ = stop.changed(), if !stopping => {}
            }
        }
    }

    /// Claims what is due while there is room for it.
    async fn refill(self: &Arc<Self>) -> Result<(), LedgerError> {
        loop {
            let room = u32::try_from(self.desk().room()).unwrap_or(CLAIM).min(CLAIM);
            if room == 0 {
                break;
            }
            // Whoever writes one from now on says so again.
            self.desk().more = false;
            let now = self.clock.unix_seconds();
            let due = self.outbox.claim(now, now.saturating_add(LEASE), room).await;
            let mut desk = self.desk();
            match due {
                Ok(due) if due.is_empty() => break,
                Ok(due) => {
                    desk.more = true;
                    for entry in due {
                        desk.put(entry);
                    }
                }
                Err(error) => {
                    desk.more = true;
                    return Err(error);
                }
            }
            drop(desk);
            self.start();
        }
        self.start();
        Ok(())
    }

    async fn until_next(&self) -> Duration {
        let now = self.clock.unix_seconds();
        match self.outbox.next_due().await {
            Ok(Some(due)) => {
                if due <= now {
                    self.desk().more = true;
                }
                Duration::from_secs(u64::try_from(due.saturating_sub(now)).unwrap_or(0)).clamp(Duration::from_millis(200), IDLE)
            }
            Ok(None) => IDLE,
            Err(_) => Duration::from_secs(2),
        }
    }

    /// Begins as many deliveries as there are places for.
    fn start(self: &Arc<Self>) {
        loop {
            let Some(job) = self.desk().next() else { return };
            let running = Running { courier: Arc::clone(self), job: Some(job) };
            tokio::spawn(running.deliver());
        }
    }

    async fn attempt(&self, entry: &OutboxEntry) -> Result<(), Failure> {
        if entry.unfinished > MAX_UNFINISHED {
            return Err(Failure::Refused(format!("{MAX_UNFINISHED} attempts to deliver it never ended; the process may have died of it")));
        }
        let begun = Instant::now();
        let span = tracing::info_span!(target: "vestibule::spans", "mail", outcome = Empty, error = Empty);
        let outcome = self.transport().send(&entry.mail).instrument(span.clone()).await;
        // What a mail server says may repeat an address, so no more is told than how it went.
        span.record("outcome", if outcome.is_ok() { "delivered" } else { "failed" }).record("error", outcome.is_err());
        drop(span);
        let trouble = match &outcome {
            Err(Failure::Unreachable(error)) => Some(error.clone()),
            Err(busy @ Failure::Busy { .. }) => Some(busy.to_string()),
            Err(Failure::NoService) => Some(Failure::NoService.to_string()),
            // What is refused or deferred is the mail's own trouble; the server was there.
            _ => None,
        };
        *self.pulse() = Some(Pulse { at: Instant::now(), took: begun.elapsed(), trouble });
        outcome
    }

    /// Tells the store, and who waits.
    async fn write_down(&self, entry: &OutboxEntry, outcome: Result<(), Failure>) {
        let now = self.clock.unix_seconds();
        let (written, ended) = match outcome {
            Ok(()) => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
                (self.outbox.delivered(entry.id, now).await, Ended::Delivered)
            }
            Err(error) => {
                let next = next_attempt(&error, entry, now);
                self.failed.fetch_add(1, Ordering::Relaxed);
                if next.is_none() {
                    self.dead.fetch_add(1, Ordering::Relaxed);
                }
                let written = self.outbox.failed(entry.id, &error.to_string(), next).await;
                tracing::warn!(mail.id = entry.id.0, attempt = entry.attempts, given_up = next.is_none(), %error, "a mail was not delivered");
                (written, if next.is_none() { Ended::Refused } else { Ended::Later })
            }
        };
        if let Err(error) = written {
            tracing::warn!(%error, mail.id = entry.id.0, "what became of a mail could not be written down; it may be sent again");
        }
        self.desk().settle(entry.id, entry.mail.client, Some(ended));
    }

    /// Does for a mail that nobody reads what is seen of one that somebody does.
    async fn pretend(&self, entry: OutboxEntry) {
        self.withheld.fetch_add(1, Ordering::Relaxed);
        let trouble = if entry.mail.wait { self.take_as_long().await } else { None };
        let now = self.clock.unix_seconds();
        let (written, ended) = match trouble {
            None => (self.outbox.delivered(entry.id, now).await, Ended::Delivered),
            Some(trouble) => (self.outbox.failed(entry.id, &trouble, Some(i64::MAX)).await, Ended::Later),
        };
        if let Err(error) = written {
            tracing::warn!(%error, mail.id = entry.id.0, "a withheld mail could not be forgotten");
        }
        self.desk().settle(entry.id, None, Some(ended));
        if self.stopping.load(Ordering::Acquire) {
            self.wake.notify_one();
        }
    }

    /// Waits as long as the last delivery took, and says what was wrong with it.
    async fn take_as_long(&self) -> Option<String> {
        let fresh = || self.pulse().clone().filter(|pulse| pulse.at.elapsed() < PULSE);
        let begun = Instant::now();
        let known = fresh();
        let pulse = if let Some(pulse) = known { pulse } else { self.feel_pulse(fresh).await };
        tokio::time::sleep(pulse.took.min(PRETENCE).saturating_sub(begun.elapsed())).await;
        pulse.trouble
    }

    /// Asks the mail server how it does, one after the other; who waited for their turn may find the answer there.
    async fn feel_pulse(&self, fresh: impl Fn() -> Option<Pulse>) -> Pulse {
        let _turn = self.asking.lock().await;
        let known = fresh();
        if let Some(pulse) = known {
            return pulse;
        }
        let asked = Instant::now();
        let trouble = self.transport().probe().await.err().map(|error| error.to_string());
        let before = self.pulse().as_ref().filter(|before| before.trouble.is_none()).map(|before| before.took);
        let took = if trouble.is_some() { asked.elapsed() } else { before.unwrap_or_default().max(asked.elapsed()) };
        let pulse = Pulse { at: Instant::now(), took, trouble };
        *self.pulse() = Some(pulse.clone());
        pulse
    }

    /// Waits until each mail was tried once.
    ///
    /// # Errors
    /// 400 when the mail server refuses a mail for good, 503 when it cannot be reached (the mail stays in the outbox) or takes too long.
    pub async fn wait(&self, mails: &[MailId]) -> Result<(), ResourceError> {
        if mails.is_empty() {
            return Ok(());
        }
        let late = || ResourceError::unavailable("The mail was not delivered in time; it will be tried again");
        let waited = tokio::time::timeout(WAIT_LIMIT, self.wait_for_each(mails)).await;
        let mut desk = self.desk();
        for id in mails {
            desk.forget_gone(*id);
        }
        drop(desk);
        waited.map_err(|_| late())?
    }

    async fn wait_for_each(&self, mails: &[MailId]) -> Result<(), ResourceError> {
        for id in mails {
            let (ended, in_hand) = self.desk().watch(*id);
            let known = if in_hand { None } else { self.known(*id).await? };
            let ended = if let Some(ended) = known {
                ended
            } else {
                if !in_hand {
                    self.wake();
                }
                ended.await.map_err(|_| ResourceError::unavailable("The mail was not delivered; it will be tried again"))?
            };
            match ended {
                Ended::Delivered => {}
                Ended::Refused => return Err(ResourceError::bad_request("The mail server refuses to deliver the mail")),
                Ended::Later => return Err(ResourceError::unavailable("The mail server cannot be reached; the mail will be tried again")),
            }
        }
        Ok(())
    }

    /// What the store knows of a mail that is not in hand.
    async fn known(&self, id: MailId) -> Result<Option<Ended>, ResourceError> {
        Ok(match self.outbox.mail(id).await? {
            None => Some(Ended::Delivered),
            Some(entry) => match entry.state {
                OutboxState::Delivered => Some(Ended::Delivered),
                OutboxState::Dead => Some(Ended::Refused),
                OutboxState::Pending => entry.last_error.is_some().then_some(Ended::Later),
            },
        })
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pulse(&self) -> MutexGuard<'_, Option<Pulse>> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handover for Courier {
    fn lease(&self) -> i64 {
        LEASE
    }

    fn reserve(&self, mail: &Mail) -> bool {
        mail.withheld || self.desk().reserve(mail.client)
    }

    fn release(&self, mail: &Mail) {
        if !mail.withheld {
            self.desk().release();
        }
    }

    fn look(&self) {
        self.wake();
    }

    fn take(self: Arc<Self>, entry: OutboxEntry) {
        if entry.mail.withheld {
            self.desk().hold(entry.id);
            tokio::spawn(async move { self.pretend(entry).await });
            return;
        }
        {
            let mut desk = self.desk();
            desk.release();
            desk.put(entry);
        }
        self.start();
    }
}

/// A delivery. However it ends, its place is free afterwards.
struct Running {
    courier: Arc<Courier>,
    job: Option<Job>,
}

impl Running {
    async fn deliver(mut self) {
        let Some(job) = &self.job else { return };
        let outcome = self.courier.attempt(&job.entry).await;
        let Some(job) = self.job.take() else { return };
        let courier = Arc::clone(&self.courier);
        let job = {
            let mut desk = courier.desk();
            desk.ended(&job, Some(&outcome));
            if matches!(outcome, Err(Failure::Unreachable(_))) { desk.put_back(job) } else { Some(job) }
        };
        courier.start();
        if let Some(job) = job {
            courier.write_down(&job.entry, outcome).await;
        }
        let (low, idle) = {
            let desk = courier.desk();
            (desk.room() > 0, desk.is_idle())
        };
        if low || idle && courier.stopping.load(Ordering::Acquire) {
            courier.wake.notify_one();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            tracing::error!(mail.id = job.entry.id.0, "a delivery did not finish; the mail is tried again when its lease has ended");
            let mut desk = self.courier.desk();
            desk.ended(&job, None);
            desk.settle(job.entry.id, job.entry.mail.client, None);
            drop(desk);
            self.courier.wake();
        }
    }
}

/// Doubling waits from two seconds to a quarter of an hour, for a day, and no shorter ones than the server asks for; a refusal for good is not
/// tried again.
fn next_attempt(error: &Failure, entry: &OutboxEntry, now: i64) -> Option<i64> {
    if error.is_permanent() || now.saturating_sub(entry.created) >= GIVE_UP {
        return None;
    }
    let earlier = entry.attempts.saturating_sub(1);
    let wait = FIRST_WAIT.saturating_mul(2_i64.saturating_pow(earlier)).clamp(FIRST_WAIT, LONGEST_WAIT);
    let asked = if let Failure::Busy { seconds, .. } = error { i64::from(*seconds) } else { 0 };
    Some(now.saturating_add(wait.max(asked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attempts: u32, created: i64) -> OutboxEntry {
        let mail = Mail {
            to: "a@example.org".into(),
            from: None,
            subject: "x".into(),
            mime_type: "text/plain".into(),
            body: String::new(),
            wait: false,
            withheld: false,
            client: None,
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
        let unreachable = Failure::Unreachable("refused".into());
        let waits: Vec<_> =
            [1, 2, 3, 9, 10, 41, 64, 65, 201].iter().map(|attempts| next_attempt(&unreachable, &entry(*attempts, 0), 0)).collect();
        assert_eq!(waits, [2, 4, 8, 512, 900, 900, 900, 900, 900].map(Some));
        let busy = |seconds| Failure::Busy { said: "429".into(), seconds };
        assert_eq!(next_attempt(&busy(120), &entry(1, 0), 0), Some(120), "no sooner than the server says");
        assert_eq!(next_attempt(&busy(1), &entry(9, 0), 0), Some(512));
    }

    #[test]
    fn a_refusal_for_good_and_a_day_of_failures_are_the_end() {
        assert_eq!(next_attempt(&Failure::Refused("550".into()), &entry(1, 0), 0), None);
        assert_eq!(next_attempt(&Failure::Unreachable("x".into()), &entry(5, 0), GIVE_UP), None);
    }
}
