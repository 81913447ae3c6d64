//! Rate limits per client address and per account (`[limits]`). They answer 429 and say when to come back; they never count wrong
//! codes or answers, which is the store's business and cannot be switched off (SEC-11, SEC-47).
//!
//! Easiest to get wrong: a limit must not tell known accounts from unknown ones, so accounts are counted by the name that was typed,
//! whether somebody has it or not (SEC-01). And that strangers fail must not keep the owner out: a network from which somebody signed in
//! lately is judged by its own failures. By hand and not by `governor`, because sign-in failures need a look without counting.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use arc_swap::ArcSwap;
use crest::ResourceError;

/// The limits of a server. Times are seconds since 1970.
pub struct Limits {
    keys: RandomState,
    rates: ArcSwap<Rates>,
    submissions: Debts,
    validations: Debts,
    sign_ins: Debts,
    failures: Debts,
    registrations: Debts,
    /// Until when a network is known to an account, in milliseconds.
    known: Debts,
}

/// Seconds for which an account remembers a network somebody signed in from.
const KNOWN_FOR: i64 = 30 * 24 * 3600;

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

#[derive(Clone, Copy)]
struct Rates {
    enabled: bool,
    submissions: Rate,
    sign_ins: Rate,
    failures: Rate,
    registrations: Rate,
}

impl Rates {
    fn of(settings: &project::Limits) -> Self {
        const MINUTE: u64 = 60_000;
        Self {
            enabled: settings.enabled,
            submissions: Rate::new("submissions", settings.submissions_per_client_minute, MINUTE),
            sign_ins: Rate::new("signins", settings.signins_per_client_minute, MINUTE),
            failures: Rate::new("signin_failures", settings.signin_failures_per_account_hour, 60 * MINUTE),
            registrations: Rate::new("registrations", settings.registrations_per_client_day, 24 * 60 * MINUTE),
        }
    }
}

impl Limits {
    /// Limits as the operator set them.
    #[must_use]
    pub fn new(settings: &project::Limits) -> Self {
        Self {
            keys: RandomState::new(),
            rates: ArcSwap::from_pointee(Rates::of(settings)),
            submissions: Debts::default(),
            validations: Debts::default(),
            sign_ins: Debts::default(),
            failures: Debts::default(),
            registrations: Debts::default(),
            known: Debts::default(),
        }
    }

    /// Takes changed settings; what was counted stays counted.
    pub fn set(&self, settings: &project::Limits) {
        self.rates.store(Rates::of(settings).into());
    }

    /// Forgets whoever has nothing to wait for.
    pub fn sweep(&self, now: i64) {
        for debts in [&self.submissions, &self.validations, &self.sign_ins, &self.failures, &self.registrations, &self.known] {
            debts.sweep(milliseconds(now));
        }
    }

    /// Counts a submission to a process.
    ///
    /// # Errors
    /// When the client's network has used up its share.
    pub fn submission(&self, client: IpAddr, now: i64) -> Result<(), Limited> {
        let rates = self.rates.load();
        if rates.enabled { self.submissions.count(rates.submissions, self.key(&network(client)), now) } else { Ok(()) }
    }

    /// Counts a question whether values satisfy the policies, among them whether a name is free. As many as submissions, which say the
    /// same, but not out of their share: a page asks while somebody types.
    ///
    /// # Errors
    /// When the client's network has used up its share.
    pub fn validation(&self, client: IpAddr, now: i64) -> Result<(), Limited> {
        let rates = self.rates.load();
        let rate = Rate { name: "validations", ..rates.submissions };
        if rates.enabled { self.validations.count(rate, self.key(&network(client)), now) } else { Ok(()) }
    }

    /// Counts an account that a submission may make, before it makes it; [`Limits::not_registered`] takes it back. Counted afterwards,
    /// submissions that come at once would all pass.
    ///
    /// # Errors
    /// When the client's network has made enough accounts for a while.
    pub fn registration(&self, client: IpAddr, now: i64) -> Result<(), Limited> {
        let rates = self.rates.load();
        if rates.enabled { self.registrations.count(rates.registrations, self.key(&network(client)), now) } else { Ok(()) }
    }

    /// No account was made.
    pub fn not_registered(&self, client: IpAddr) {
        let rates = self.rates.load();
        if rates.enabled {
            self.registrations.take_back(rates.registrations, self.key(&network(client)));
        }
    }

    /// Counts a password that is to be verified.
    ///
    /// # Errors
    /// When the client's network has used up its share, or the account has seen too many failures.
    pub fn sign_in(&self, client: IpAddr, account: &str, now: i64) -> Result<(), Limited> {
        let rates = self.rates.load();
        if !rates.enabled {
            return Ok(());
        }
        let own = self.key(&(account, network(client)));
        let judged = if self.known.is_ahead(own, now) { own } else { self.key(account) };
        self.failures.look(rates.failures, judged, now)?;
        self.sign_ins.count(rates.sign_ins, self.key(&network(client)), now)
    }

    /// Remembers from where somebody signed in: who fails elsewhere does not slow this network down.
    pub fn signed_in(&self, client: IpAddr, account: &str, now: i64) {
        self.known.put(self.key(&(account, network(client))), milliseconds(now.saturating_add(KNOWN_FOR)), milliseconds(now));
    }

    /// Looks whether a password of the configuration may be compared. Only failures count, and for each client by itself: nobody can
    /// lock the administrator out from elsewhere, and his scripts are not slowed down.
    ///
    /// # Errors
    /// When the client has failed too often.
    pub fn configured_sign_in(&self, client: IpAddr, account: &str, now: i64) -> Result<(), Limited> {
        let rates = self.rates.load();
        if rates.enabled { self.failures.look(rates.failures, self.key(&(account, network(client))), now) } else { Ok(()) }
    }

    /// Counts a wrong password.
    pub fn sign_in_failed(&self, client: IpAddr, account: &str, now: i64) {
        let rates = self.rates.load();
        if rates.enabled {
            // That a limit is reached now is the next attempt's concern.
            let _ = self.failures.count(rates.failures, self.key(account), now);
            let _ = self.failures.count(rates.failures, self.key(&(account, network(client))), now);
        }
    }

    fn key(&self, of: &(impl Hash + ?Sized)) -> u64 {
        self.keys.hash_one(of)
    }
}

/// What counts as one client: an IPv4 address, or the /64 that one IPv6 subscriber has at least.
fn network(client: IpAddr) -> u128 {
    match client.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() & !u128::from(u64::MAX),
    }
}

fn milliseconds(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or_default().saturating_mul(1000)
}

/// So many at once, refilled evenly: the generic cell rate algorithm.
#[derive(Clone, Copy)]
struct Rate {
    name: &'static str,
    /// Milliseconds that one request costs.
    cost: u64,
    /// Milliseconds a key may be ahead.
    allowance: u64,
}

impl Rate {
    fn new(name: &'static str, burst: u32, period: u64) -> Self {
        let cost = (period / u64::from(burst.max(1))).max(1);
        Self { name, cost, allowance: period.saturating_sub(cost) }
    }

    fn judge(self, debt: u64, now: u64) -> Result<(), Limited> {
        let ahead = debt.saturating_sub(now).saturating_sub(self.allowance);
        if ahead == 0 { Ok(()) } else { Err(Limited { limit: self.name, retry_after: ahead.div_ceil(1000).max(1) }) }
    }
}

/// Per hashed key, the time at which its debt is paid.
#[derive(Default)]
struct Debts(Mutex<HashMap<u64, u64>>);

/// Keys beyond which paid debts are dropped at once; what remains is bounded by the rate itself (SEC-52).
const SWEEP_AT: usize = 64 * 1024;

impl Debts {
    fn count(&self, rate: Rate, key: u64, now: i64) -> Result<(), Limited> {
        let now = milliseconds(now);
        let mut debts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let debt = debts.get(&key).copied().unwrap_or(0).max(now);
        rate.judge(debt, now)?;
        if debts.len() >= SWEEP_AT && !debts.contains_key(&key) {
            debts.retain(|_, debt| *debt > now);
        }
        debts.insert(key, debt.saturating_add(rate.cost));
        Ok(())
    }

    /// Sets the time, unless there are too many to remember one more.
    fn put(&self, key: u64, until: u64, now: u64) {
        let mut debts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if debts.len() >= SWEEP_AT && !debts.contains_key(&key) {
            debts.retain(|_, debt| *debt > now);
        }
        if debts.len() < SWEEP_AT || debts.contains_key(&key) {
            debts.insert(key, until);
        }
    }

    fn is_ahead(&self, key: u64, now: i64) -> bool {
        let debts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        debts.get(&key).is_some_and(|until| *until > milliseconds(now))
    }

    fn take_back(&self, rate: Rate, key: u64) {
        if let Some(debt) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&key) {
            *debt = debt.saturating_sub(rate.cost);
        }
    }

    fn look(&self, rate: Rate, key: u64, now: i64) -> Result<(), Limited> {
        let debts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rate.judge(debts.get(&key).copied().unwrap_or(0), milliseconds(now))
    }

    fn sweep(&self, now: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, debt| *debt > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_client_gets_its_share_at_once_and_then_one_at_a_time() {
        let limits = Limits::new(&project::Limits { submissions_per_client_minute: 6, ..Default::default() });
        let client = address("192.0.2.1");
        for _ in 0..6 {
            limits.submission(client, NOW).unwrap();
        }
        assert_eq!(limits.submission(client, NOW), Err(Limited { limit: "submissions", retry_after: 10 }));
        limits.submission(address("192.0.2.2"), NOW).unwrap();
        limits.submission(client, NOW + 10).unwrap();
        assert!(limits.submission(client, NOW + 10).is_err());
        for _ in 0..6 {
            limits.submission(client, NOW + 3600).unwrap();
        }
    }

    #[test]
    fn an_office_signs_in_a_hundred_times_with_the_defaults() {
        let limits = Limits::new(&project::Limits::default());
        for person in 0..100 {
            limits.sign_in(address("192.0.2.1"), &person.to_string(), NOW).unwrap();
        }
    }

    #[test]
    fn an_ipv6_subscriber_is_one_client() {
        let limits = Limits::new(&project::Limits { submissions_per_client_minute: 1, ..Default::default() });
        limits.submission(address("2001:db8::1"), NOW).unwrap();
        assert!(limits.submission(address("2001:db8::ffff:2"), NOW).is_err());
        limits.submission(address("2001:db8:0:1::1"), NOW).unwrap();
        limits.submission(address("192.0.2.1"), NOW).unwrap();
        assert!(limits.submission(address("::ffff:192.0.2.1"), NOW).is_err());
    }

    #[test]
    fn failures_slow_an_account_down_and_successes_do_not() {
        let limits = Limits::new(&project::Limits { signin_failures_per_account_hour: 2, ..Default::default() });
        let client = address("192.0.2.1");
        for _ in 0..50 {
            limits.sign_in(client, "a", NOW).unwrap();
        }
        limits.sign_in_failed(client, "a", NOW);
        limits.sign_in(client, "a", NOW).unwrap();
        limits.sign_in_failed(client, "a", NOW);
        assert_eq!(limits.sign_in(client, "a", NOW), Err(Limited { limit: "signin_failures", retry_after: 1800 }));
        assert!(limits.configured_sign_in(client, "a", NOW).is_err());
        limits.configured_sign_in(address("192.0.2.2"), "a", NOW).unwrap();
        limits.sign_in(client, "b", NOW).unwrap();
        limits.sign_in(client, "a", NOW + 1800).unwrap();
    }

    #[test]
    fn strangers_failures_do_not_keep_the_owner_out_of_where_he_signs_in() {
        let limits = Limits::new(&project::Limits { signin_failures_per_account_hour: 2, ..Default::default() });
        let (home, elsewhere, stranger) = (address("192.0.2.1"), address("192.0.2.2"), address("203.0.113.1"));
        limits.signed_in(home, "a", NOW);
        for _ in 0..5 {
            limits.sign_in_failed(stranger, "a", NOW);
        }
        limits.sign_in(home, "a", NOW).unwrap();
        assert!(limits.sign_in(elsewhere, "a", NOW).is_err() && limits.sign_in(stranger, "a", NOW).is_err());
        for _ in 0..2 {
            limits.sign_in_failed(home, "a", NOW);
        }
        assert!(limits.sign_in(home, "a", NOW).is_err(), "his own failures count");
        limits.sign_in(home, "b", NOW).unwrap();
        limits.sign_in_failed(stranger, "a", NOW + KNOWN_FOR);
        limits.sign_in_failed(stranger, "a", NOW + KNOWN_FOR);
        assert!(limits.sign_in(home, "a", NOW + KNOWN_FOR).is_err(), "a network that nobody signed in from for a month is a stranger's");
    }

    #[test]
    fn only_accounts_that_were_made_count_and_none_more_are_made_at_once() {
        let limits = Limits::new(&project::Limits { registrations_per_client_day: 2, ..Default::default() });
        let client = address("192.0.2.1");
        for _ in 0..1000 {
            limits.registration(client, NOW).unwrap();
            limits.not_registered(client);
        }
        limits.registration(client, NOW).unwrap();
        limits.registration(client, NOW).unwrap();
        assert_eq!(limits.registration(client, NOW), Err(Limited { limit: "registrations", retry_after: 12 * 3600 }));
        limits.registration(address("192.0.2.2"), NOW).unwrap();
        limits.not_registered(client);
        limits.registration(client, NOW).unwrap();
        limits.registration(client, NOW + 12 * 3600).unwrap();
        assert!(limits.registration(client, NOW + 12 * 3600).is_err());
    }

    #[test]
    fn switched_off_means_off_until_it_is_switched_on() {
        let limits = Limits::new(&project::Limits { enabled: false, submissions_per_client_minute: 1, ..Default::default() });
        let client = address("192.0.2.1");
        for _ in 0..1000 {
            limits.submission(client, NOW).unwrap();
            limits.sign_in_failed(client, "a", NOW);
            limits.sign_in(client, "a", NOW).unwrap();
        }
        limits.set(&project::Limits { submissions_per_client_minute: 1, ..Default::default() });
        limits.submission(client, NOW).unwrap();
        assert!(limits.submission(client, NOW).is_err());
    }

    #[test]
    fn sec_52_paid_debts_are_forgotten() {
        let debts = Debts::default();
        let rate = Rate::new("test", 10, 1000);
        for key in 0..SWEEP_AT as u64 {
            debts.count(rate, key, 0).unwrap();
        }
        debts.count(rate, u64::MAX, 10).unwrap();
        assert_eq!(debts.0.lock().unwrap().len(), 1);
    }
}
