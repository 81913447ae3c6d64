//! Rate limits per client address and per account (`[limits]`). They answer 429 and say when to come back; they never count wrong
//! codes or answers, which is the store's business and cannot be switched off (SEC-11, SEC-47).
//!
//! Easiest to get wrong: a limit must not tell known accounts from unknown ones, so accounts are counted by the name that was typed,
//! whether somebody has it or not (SEC-01). By hand and not by `governor`, because sign-in failures need a look without counting.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crest::{Clock, ResourceError};

/// The limits of a server.
pub struct Limits {
    clock: Arc<dyn Clock>,
    keys: RandomState,
    enabled: bool,
    submissions: Rate,
    sign_ins: Rate,
    failures: Rate,
}

/// A request that comes too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// Which limit, for metrics.
    pub limit: &'static str,
    /// Seconds until the next one is let through; at least 1.
    pub retry_after: u64,
}

impl From<Limited> for ResourceError {
    fn from(limited: Limited) -> Self {
        Self::too_many_requests(format!("Too many requests, try again in {} seconds", limited.retry_after))
    }
}

impl Limits {
    /// Limits as the operator set them.
    #[must_use]
    pub fn new(settings: &project::Limits, clock: Arc<dyn Clock>) -> Self {
        const MINUTE: u64 = 60;
        Self {
            clock,
            keys: RandomState::new(),
            enabled: settings.enabled,
            submissions: Rate::new("submissions", settings.submissions_per_client_minute, MINUTE),
            sign_ins: Rate::new("signins", settings.signins_per_client_minute, MINUTE),
            failures: Rate::new("signin_failures", settings.signin_failures_per_account_hour, 60 * MINUTE),
        }
    }

    /// Counts a submission to a process.
    ///
    /// # Errors
    /// When the client's network has used up its share.
    pub fn submission(&self, client: IpAddr) -> Result<(), Limited> {
        self.count(&self.submissions, &network(client))
    }

    /// Counts a password that is to be verified.
    ///
    /// # Errors
    /// When the client's network has used up its share, or the account has seen too many failures.
    pub fn sign_in(&self, client: IpAddr, account: &str) -> Result<(), Limited> {
        if self.enabled {
            self.failures.look(self.keys.hash_one(account), self.now())?;
        }
        self.count(&self.sign_ins, &network(client))
    }

    /// Counts a wrong password.
    pub fn sign_in_failed(&self, account: &str) {
        // That the limit is reached now is the next attempt's concern.
        let _ = self.count(&self.failures, &account);
    }

    fn count(&self, rate: &Rate, key: &impl std::hash::Hash) -> Result<(), Limited> {
        if self.enabled { rate.count(self.keys.hash_one(key), self.now()) } else { Ok(()) }
    }

    fn now(&self) -> u64 {
        let elapsed = self.clock.now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What counts as one client: an IPv4 address, or the /64 that one IPv6 subscriber has at least.
fn network(client: IpAddr) -> u128 {
    match client.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() & !u128::from(u64::MAX),
    }
}

/// The generic cell rate algorithm over hashed keys: `burst` at once, refilled evenly over `period`.
struct Rate {
    name: &'static str,
    /// Nanoseconds that one request costs.
    cost: u64,
    /// Nanoseconds a key may be ahead.
    allowance: u64,
    /// Per key, the time at which its debt is paid.
    debts: Mutex<HashMap<u64, u64>>,
}

/// Keys beyond which paid debts are dropped; what remains is bounded by the rate itself.
const SWEEP_AT: usize = 16 * 1024;

impl Rate {
    fn new(name: &'static str, burst: u32, period_seconds: u64) -> Self {
        let period = period_seconds.saturating_mul(1_000_000_000);
        let cost = period / u64::from(burst.max(1));
        Self { name, cost, allowance: period.saturating_sub(cost), debts: Mutex::default() }
    }

    fn count(&self, key: u64, now: u64) -> Result<(), Limited> {
        let mut debts = self.debts.lock().unwrap_or_else(PoisonError::into_inner);
        let debt = debts.get(&key).copied().unwrap_or(0).max(now);
        self.judge(debt, now)?;
        if debts.len() >= SWEEP_AT && !debts.contains_key(&key) {
            debts.retain(|_, debt| *debt > now);
        }
        debts.insert(key, debt.saturating_add(self.cost));
        Ok(())
    }

    fn look(&self, key: u64, now: u64) -> Result<(), Limited> {
        let debts = self.debts.lock().unwrap_or_else(PoisonError::into_inner);
        self.judge(debts.get(&key).copied().unwrap_or(0).max(now), now)
    }

    fn judge(&self, debt: u64, now: u64) -> Result<(), Limited> {
        let ahead = (debt - now).saturating_sub(self.allowance);
        if ahead == 0 { Ok(()) } else { Err(Limited { limit: self.name, retry_after: ahead.div_ceil(1_000_000_000).max(1) }) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    struct Hand(Mutex<SystemTime>);

    impl Clock for Hand {
        fn now(&self) -> SystemTime {
            *self.0.lock().unwrap()
        }
    }

    fn limits(settings: &project::Limits) -> (Limits, Arc<Hand>) {
        let hand = Arc::new(Hand(Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000))));
        (Limits::new(settings, Arc::clone(&hand) as Arc<dyn Clock>), hand)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_client_gets_its_share_at_once_and_then_one_at_a_time() {
        let (limits, hand) = limits(&project::Limits { submissions_per_client_minute: 6, ..Default::default() });
        let client = address("192.0.2.1");
        for _ in 0..6 {
            limits.submission(client).unwrap();
        }
        assert_eq!(limits.submission(client), Err(Limited { limit: "submissions", retry_after: 10 }));
        limits.submission(address("192.0.2.2")).unwrap();
        *hand.0.lock().unwrap() += Duration::from_secs(10);
        limits.submission(client).unwrap();
        assert!(limits.submission(client).is_err());
        *hand.0.lock().unwrap() += Duration::from_secs(3600);
        for _ in 0..6 {
            limits.submission(client).unwrap();
        }
    }

    #[test]
    fn an_office_signs_in_a_hundred_times_with_the_defaults() {
        let (limits, _) = limits(&project::Limits::default());
        for person in 0..100 {
            limits.sign_in(address("192.0.2.1"), &person.to_string()).unwrap();
        }
    }

    #[test]
    fn an_ipv6_subscriber_is_one_client() {
        let (limits, _) = limits(&project::Limits { submissions_per_client_minute: 1, ..Default::default() });
        limits.submission(address("2001:db8::1")).unwrap();
        assert!(limits.submission(address("2001:db8::ffff:2")).is_err());
        limits.submission(address("2001:db8:0:1::1")).unwrap();
        limits.submission(address("192.0.2.1")).unwrap();
        assert!(limits.submission(address("::ffff:192.0.2.1")).is_err());
    }

    #[test]
    fn failures_slow_an_account_down_and_successes_do_not() {
        let (limits, hand) = limits(&project::Limits { signin_failures_per_account_hour: 2, ..Default::default() });
        let client = address("192.0.2.1");
        for _ in 0..50 {
            limits.sign_in(client, "a").unwrap();
        }
        limits.sign_in_failed("a");
        limits.sign_in(client, "a").unwrap();
        limits.sign_in_failed("a");
        assert_eq!(limits.sign_in(client, "a"), Err(Limited { limit: "signin_failures", retry_after: 1800 }));
        limits.sign_in(client, "b").unwrap();
        *hand.0.lock().unwrap() += Duration::from_secs(1800);
        limits.sign_in(client, "a").unwrap();
    }

    #[test]
    fn switched_off_means_off() {
        let (limits, _) = limits(&project::Limits { enabled: false, submissions_per_client_minute: 1, ..Default::default() });
        for _ in 0..100 {
            limits.submission(address("192.0.2.1")).unwrap();
            limits.sign_in_failed("a");
            limits.sign_in(address("192.0.2.1"), "a").unwrap();
        }
    }

    #[test]
    fn sec_52_paid_debts_are_forgotten() {
        let rate = Rate::new("test", 10, 1);
        for key in 0..SWEEP_AT as u64 {
            rate.count(key, 0).unwrap();
        }
        rate.count(u64::MAX, 10_000_000_000).unwrap();
        assert_eq!(rate.debts.lock().unwrap().len(), 1);
    }
}
