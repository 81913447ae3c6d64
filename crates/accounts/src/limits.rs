//! Rate limits per client address and per account (`[limits]`). They answer 429 and say when to come back. Of wrong codes and answers they count
//! what one network gives; what one account and one instance are given is the store's business and cannot be switched off (SEC-11, SEC-47).
//!
//! Guesses have budgets of their own ([`guesses`]), and all of it goes by a time that is never set back ([`Steady`]).
//!
//! Easiest to get wrong: a limit must not tell known accounts from unknown ones, so accounts are counted by the name that was typed,
//! whether somebody has it or not (SEC-01), and then by the account that was found, or by what stands in for it: several names of one person are
//! one budget. And failures of others must not keep the owner out: a network from which somebody signed in lately, and a device that they signed in
//! on, are judged by their own failures. By hand and not by `governor`, because a guess takes a place that a right one gives back.

mod guesses;
#[cfg(test)]
mod tests;
mod told;

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use crest::ResourceError;

use self::guesses::{Budget, Guesses, Whose};
use self::told::Told;
use crate::network::network;
use crate::steady::Steady;

/// The limits of a server. Times are seconds since 1970.
pub struct Limits {
    keys: RandomState,
    rates: ArcSwap<Rates>,
    submissions: Debts,
    validations: Debts,
    sign_ins: Debts,
    registrations: Debts,
    guesses: Guesses,
    steady: Steady,
    told: Told,
    /// Until when a network is known to an account, in milliseconds.
    known: Debts,
}

/// Seconds for which an account remembers a network somebody signed in from.
const KNOWN_FOR: i64 = 30 * 24 * 3600;

/// A request that comes too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Too many requests, try again in {retry_after} seconds")]
pub struct Limited {
    /// Which limit, for metrics.
    pub limit: &'static str,
    /// Seconds until the next one is let through; at least 1.
    pub retry_after: u64,
}

/// The limit of answers and codes, which stages ask for.
const ANSWERS: &str = "answers";

impl Limited {
    /// The limit by which a stage was refused.
    pub(crate) fn of(refused: &ResourceError) -> Option<Self> {
        let retry_after = refused.retry_after.filter(|_| refused.code == 429 && refused.kind == Some(ANSWERS))?;
        Some(Self { limit: ANSWERS, retry_after })
    }
}

impl From<Limited> for ResourceError {
    fn from(limited: Limited) -> Self {
        Self::too_many_requests(limited.to_string()).with_retry_after(limited.retry_after).of_kind(limited.limit)
    }
}

#[derive(Clone, Copy)]
struct Rates {
    enabled: bool,
    submissions: Rate,
    sign_ins: Rate,
    registrations: Rate,
    /// Wrong passwords of an account in an hour.
    of_account: u32,
    /// Wrong passwords of a network in an hour, whatever the names.
    of_network: u32,
    /// See [`Limits::finding`].
    finding: Duration,
}

impl Rates {
    fn of(settings: &project::Limits) -> Self {
        const MINUTE: u64 = 60_000;
        Self {
            enabled: settings.enabled,
            submissions: Rate::new("submissions", settings.submissions_per_client_minute, MINUTE),
            sign_ins: Rate::new("signins", settings.signins_per_client_minute, MINUTE),
            registrations: Rate::new("registrations", settings.registrations_per_client_day, 24 * 60 * MINUTE),
            of_account: settings.signin_failures_per_account_hour,
            of_network: settings.signin_failures_per_client_hour,
            finding: Duration::from_millis(settings.finding_milliseconds.into()),
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
            registrations: Debts::default(),
            guesses: Guesses::default(),
            steady: Steady::default(),
            told: Told::default(),
            known: Debts::default(),
        }
    }

    /// Takes changed settings; what was counted stays counted.
    pub fn set(&self, settings: &project::Limits) {
        self.rates.store(Rates::of(settings).into());
    }

    /// The least time of an answer that goes by whether somebody has an account, also where rates are not kept (SEC-02).
    #[must_use]
    pub fn finding(&self) -> Duration {
        self.rates.load().finding
    }

    /// Forgets whoever has nothing to wait for.
    pub fn sweep(&self, now: i64) {
        let now = self.steady.at(now);
        for debts in [&self.submissions, &self.validations, &self.sign_ins, &self.registrations, &self.known] {
            debts.sweep(milliseconds(now));
        }
        self.guesses.sweep(now);
        self.told.sweep(now);
    }

    /// Counts a submission to a process.
    ///
    /// # Errors
    /// When the client's network has used up its share.
    pub fn submission(&self, client: IpAddr, now: i64) -> Result<(), Limited> {
        let rates = self.rates.load();
        if rates.enabled { self.submissions.count(rates.submissions, self.key(&network(client)), self.steady.at(now)) } else { Ok(()) }
    }

    /// Counts a question whether values satisfy the policies, among them whether a name is free. As many as submissions, which say the
    /// same, but not out of their share: a page asks while somebody types.
    ///
    /// # Errors
    /// When the client's network has used up its share.
    pub fn validation(&self, client: IpAddr, now: i64) -> Result<(), Limited> {
        let rates = self.rates.load();
        let rate = Rate { name: "validations", ..rates.submissions };
        if rates.enabled { self.validations.count(rate, self.key(&network(client)), self.steady.at(now)) } else { Ok(()) }
    }

    /// Counts that whoever is signed in is told whether a value is one that they have or had. As many as wrong passwords, for it tells the same; and
    /// not out of their budget, because a page asks while somebody types a new password.
    ///
    /// # Errors
    /// When that was told of the object often enough for a while.
    pub fn recalled(&self, object: &str, now: i64) -> Result<(), Limited> {
        let rates = self.rates.load();
        if !rates.enabled {
            return Ok(());
        }
        let budget = Budget { whose: Whose::Recalled(self.object(object)), most: rates.of_account };
        self.guesses.take(&[budget], self.steady.at(now)).map_err(|limited| Limited { limit: "validations", ..limited })
    }

    /// Counts an account that a submission may make, before it makes it; [`Limits::not_registered`] takes it back. Counted afterwards,
    /// submissions that come at once would all pass.
    ///
    /// # Errors
    /// When the client's network has made enough accounts for a while.
    pub fn registration(&self, client: IpAddr, now: i64) -> Result<(), Limited> {
        let rates = self.rates.load();
        if rates.enabled { self.registrations.count(rates.registrations, self.key(&network(client)), self.steady.at(now)) } else { Ok(()) }
    }

    /// No account was made.
    pub fn not_registered(&self, client: IpAddr) {
        let rates = self.rates.load();
        if rates.enabled {
            self.registrations.take_back(rates.registrations, self.key(&network(client)));
        }
    }

    /// Whether the audit trail is told of a refusal, and for how many it stands: of each client and limit the first within an hour, and then
    /// the second, the fourth, the eighth.
    pub(crate) fn told(&self, client: IpAddr, limited: Limited, now: i64) -> Option<u64> {
        self.told.count(self.key(&network(client)), limited.limit, self.steady.at(now))
    }

    /// Counts a sign-in.
    ///
    /// # Errors
    /// When the client's network has used up its share.
    pub fn sign_in(&self, client: IpAddr, now: i64) -> Result<(), Limited> {
        let rates = self.rates.load();
        if rates.enabled { self.sign_ins.count(rates.sign_ins, self.key(&network(client)), self.steady.at(now)) } else { Ok(()) }
    }

    /// Takes a place for one guess at the password of `account`, whoever that is: a person, an account of the configuration, nobody. Nothing is
    /// compared without one (SEC-47). [`Guess::right`] gives it back; a wrong guess keeps it.
    ///
    /// A network from which somebody signed in lately has the account's budget for itself; all others share one. `device` is one that
    /// somebody with this name has signed in on, if it showed that: then its budget alone counts for them, whatever others did from the same network.
    ///
    /// # Errors
    /// When the account or the network has used up its budget.
    pub fn guess(&self, client: IpAddr, account: &str, device: Option<&OwnDevice<'_>>, now: i64) -> Result<Guess<'_>, Limited> {
        let own = device.map(|device| (self.key(device.id), self.object(&device.owner)));
        let now = self.steady.at(now);
        let mut guess = Guess { limits: self, network: network(client), own, budgets: Vec::new(), known: Vec::new(), wrong: false, now };
        guess.take(self.account(account), own.map(|(device, _)| device))?;
        Ok(guess)
    }

    /// Takes a place for one wrong answer or code of a network, whoever is asked. As many as wrong passwords, but not out of their budget.
    ///
    /// # Errors
    /// When the network has used up its budget.
    pub fn answer(&self, client: IpAddr, now: i64) -> Result<(), Limited> {
        let rates = self.rates.load();
        let budget = Budget { whose: Whose::Answers(network(client)), most: rates.of_network };
        if rates.enabled {
            self.guesses.take(&[budget], self.steady.at(now)).map_err(|limited| Limited { limit: ANSWERS, ..limited })?;
        }
        Ok(())
    }

    /// It was right: the place that was taken last is given back.
    pub fn answered(&self, client: IpAddr) {
        self.guesses.give_back_last(Whose::Answers(network(client)));
    }

    /// Gives an account its budgets back, or a network its budgets and rates: an administrator's decision.
    pub fn clear(&self, cleared: &Cleared) {
        match cleared {
            Cleared::Account(name) => self.clear_account(self.account(name)),
            Cleared::Object(path) => self.clear_account(self.object(path)),
            Cleared::Recipient(_) => {}
            Cleared::Network(client) => {
                let network = network(*client);
                self.guesses.clear(|whose| whose.is_of_network(network));
                for debts in [&self.submissions, &self.validations, &self.sign_ins, &self.registrations] {
                    debts.forget(self.key(&network));
                }
            }
        }
    }

    fn clear_account(&self, account: u64) {
        self.guesses.clear(|whose| whose.is_of_account(account));
    }

    /// One account in every spelling that signs in as it.
    fn account(&self, name: &str) -> u64 {
        self.key(&spelling(name))
    }

    /// An account by what it is, `managed/user/<id>`; no name that is typed is one.
    fn object(&self, path: &str) -> u64 {
        self.key(&("object", path))
    }

    fn key(&self, of: &(impl Hash + ?Sized)) -> u64 {
        self.keys.hash_one(of)
    }
}

/// What stands in for somebody whom nobody of a collection is: in every spelling of the name the same, as somebody who is there is. No object has this path.
pub(crate) fn nobody(collection: &str, name: &str) -> String {
    format!("{collection}?{}", spelling(name))
}

/// The same for all spellings of a name.
fn spelling(name: &str) -> String {
    identity::names::skeleton(&name.trim().to_lowercase())
}

/// Whose limits an administrator ends before their time. As text, for other nodes: `account bjensen`, `object managed/user/<id>`,
/// `recipient bjensen@example.com`, `network 192.0.2.7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cleared {
    /// By a login name.
    Account(String),
    /// By the path of an object.
    Object(String),
    /// By an address that mails go to.
    Recipient(String),
    /// By an address in it.
    Network(IpAddr),
}

impl fmt::Display for Cleared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(name) => write!(f, "account {name}"),
            Self::Object(path) => write!(f, "object {path}"),
            Self::Recipient(address) => write!(f, "recipient {address}"),
            Self::Network(address) => write!(f, "network {address}"),
        }
    }
}

impl FromStr for Cleared {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(' ') {
            Some(("account", name)) => Ok(Self::Account(name.to_owned())),
            Some(("object", path)) => Ok(Self::Object(path.to_owned())),
            Some(("recipient", address)) => Ok(Self::Recipient(address.to_owned())),
            Some(("network", address)) => address.parse().map(Self::Network).map_err(drop),
            _ => Err(()),
        }
    }
}

/// A device that somebody has signed in on.
pub struct OwnDevice<'d> {
    /// Its id.
    pub id: &'d str,
    /// Whose it is, `managed/user/<id>`.
    pub owner: String,
}

/// A guess that has its place. Dropped, it counts as wrong.
#[must_use = "a right guess gives its place back"]
pub struct Guess<'a> {
    limits: &'a Limits,
    network: u128,
    /// A device, and the account that it is of.
    own: Option<(u64, u64)>,
    budgets: Vec<Budget>,
    /// Accounts in their networks.
    known: Vec<u64>,
    /// It was compared, and was wrong.
    wrong: bool,
    now: i64,
}

impl Guess<'_> {
    /// The guess is at this account, whatever the name was that was typed: `managed/user/<id>`, or what stands in for somebody who is not there. It takes
    /// a place there too.
    ///
    /// # Errors
    /// When the account has used up its budget.
    pub fn is_at(&mut self, object: &str) -> Result<(), Limited> {
        let object = self.limits.object(object);
        // Others may have the same name.
        let device = self.own.filter(|(_, owner)| *owner == object).map(|(device, _)| device);
        self.take(object, device)
    }

    fn take(&mut self, account: u64, device: Option<u64>) -> Result<(), Limited> {
        let rates = self.limits.rates.load();
        let network = self.network;
        let of = |whose| Budget { whose, most: rates.of_account };
        let known = self.limits.key(&(account, network));
        if self.known.contains(&known) {
            // Several modules know the same person, or nobody, by the name.
            return Ok(());
        }
        self.known.push(known);
        if !rates.enabled {
            return Ok(());
        }
        let mut budgets = match device {
            Some(device) => vec![of(Whose::Device(account, device))],
            None if self.limits.known.is_ahead(known, self.now) => vec![of(Whose::There(account, network))],
            None => vec![of(Whose::There(account, network)), of(Whose::Account(account))],
        };
        let of_network = Whose::Network(network);
        if device.is_none() && self.budgets.iter().all(|taken| taken.whose != of_network) {
            budgets.push(Budget { whose: of_network, most: rates.of_network });
        }
        self.limits.guesses.take(&budgets, self.now)?;
        self.budgets.extend(budgets);
        Ok(())
    }

    /// It was compared with a password, and was wrong there. It may be right elsewhere; but where that is not found out, it counts.
    pub fn was_wrong(&mut self) {
        self.wrong = true;
    }

    /// It was right: it does not count, and who fails elsewhere does not slow this network down.
    pub fn right(self) {
        self.give_back();
    }

    /// It was right, by somebody who is known here from now on.
    pub fn right_and_known(self) {
        let until = milliseconds(self.now.saturating_add(KNOWN_FOR));
        for known in &self.known {
            self.limits.known.put(*known, until, milliseconds(self.now));
        }
        self.give_back();
    }

    /// It could not be judged to the end: it does not count, unless it was wrong before that.
    pub fn not_judged(self) {
        if !self.wrong {
            self.give_back();
        }
    }

    fn give_back(self) {
        self.limits.guesses.give_back(&self.budgets, self.now);
    }
}

impl stages::GuessBudget for Limits {
    fn take(&self, client: &str, now: i64) -> Result<(), ResourceError> {
        let Ok(client) = client.parse() else { return Ok(()) };
        Ok(self.answer(client, now)?)
    }

    fn give_back(&self, client: &str) {
        if let Ok(client) = client.parse() {
            self.answered(client);
        }
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
/// Networks that are remembered as known, by the name and by the account.
const MOST_KNOWN: usize = 2 * SWEEP_AT;

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
        if debts.len() >= MOST_KNOWN && !debts.contains_key(&key) {
            debts.retain(|_, debt| *debt > now);
        }
        if debts.len() < MOST_KNOWN || debts.contains_key(&key) {
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

    fn forget(&self, key: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }

    fn sweep(&self, now: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, debt| *debt > now);
    }
}
