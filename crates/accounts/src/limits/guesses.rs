//! Budgets of guesses: for an account, for a network, and for an account from a network or on a device (SEC-11, SEC-47).
//!
//! Easiest to get wrong: the place is taken before anything is compared, in all budgets or in none, and given back only for a right guess. Whoever
//! judged first and counted afterwards would compare as many as come at once, and tell a right guess from a wrong one where both are refused.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Limited;

/// Seconds in which a budget is used up and renewed.
const PERIOD: i64 = 3600;
/// Budgets beyond which unused ones are dropped at once (SEC-52).
const SWEEP_AT: usize = 64 * 1024;
/// How often at most, in seconds.
const SWEEP_EVERY: i64 = 60;

/// Whose budget it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    /// An account's, from wherever it is not known.
    Account(u64),
    /// An account's from one network.
    There(u64, u128),
    /// An account's on a device that it was signed in on.
    Device(u64, u64),
    /// An account's, of questions whether a value is one that it has or had.
    Recalled(u64),
    /// A network's, of passwords.
    Network(u128),
    /// A network's, of codes and of answers to questions.
    Answers(u128),
}

impl Whose {
    pub(super) fn is_of_account(self, of: u64) -> bool {
        matches!(self, Self::Account(account) | Self::There(account, _) | Self::Device(account, _) | Self::Recalled(account) if account == of)
    }

    pub(super) fn is_of_network(self, of: u128) -> bool {
        matches!(self, Self::There(_, network) | Self::Network(network) | Self::Answers(network) if network == of)
    }
}

/// A budget: so many guesses in any hour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) whose: Whose,
    pub(super) most: u32,
}

/// The times of guesses that were wrong or are being judged.
#[derive(Default)]
pub(super) struct Guesses(Mutex<Made>);

#[derive(Default)]
struct Made {
    times: HashMap<Whose, Vec<i64>>,
    /// When unused budgets were dropped last because there were many.
    swept: i64,
}

impl Guesses {
    /// Takes a place in every budget, or in none.
    pub(super) fn take(&self, budgets: &[Budget], now: i64) -> Result<(), Limited> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Looking at all of them takes a while, and all guesses wait for it.
        if made.times.len() >= SWEEP_AT && now >= made.swept.saturating_add(SWEEP_EVERY) {
            made.sweep(now);
        }
        for budget in budgets {
            let Some(times) = made.times.get_mut(&budget.whose) else { continue };
            times.retain(|time| is_counted(*time, now));
            if times.len() >= budget.most as usize {
                let oldest = times.iter().copied().min().unwrap_or(now);
                let wait = oldest.saturating_add(PERIOD).saturating_sub(now).max(1);
                return Err(Limited { limit: "signin_failures", retry_after: wait.unsigned_abs() });
            }
        }
        for budget in budgets {
            made.times.entry(budget.whose).or_default().push(now);
        }
        Ok(())
    }

    /// Gives a place back that was taken at `now`.
    pub(super) fn give_back(&self, budgets: &[Budget], now: i64) {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for Budget { whose, .. } in budgets {
            let Some(times) = made.times.get_mut(whose) else { continue };
            if let Some(index) = times.iter().position(|time| *time == now) {
                times.swap_remove(index);
            }
            if times.is_empty() {
                made.times.remove(whose);
            }
        }
    }

    /// Gives the place back that was taken last.
    pub(super) fn give_back_last(&self, whose: Whose) {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(times) = made.times.get_mut(&whose) else { return };
        if let Some((index, _)) = times.iter().enumerate().max_by_key(|(_, time)| **time) {
            times.swap_remove(index);
        }
        if times.is_empty() {
            made.times.remove(&whose);
        }
    }

    /// Renews the budgets that are chosen.
    pub(super) fn clear(&self, chosen: impl Fn(Whose) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).times.retain(|whose, _| !chosen(*whose));
    }

    pub(super) fn sweep(&self, now: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sweep(now);
    }
}

impl Made {
    fn sweep(&mut self, now: i64) {
        self.times.retain(|_, times| times.iter().any(|time| is_counted(*time, now)));
        self.swept = now;
    }
}

fn is_counted(time: i64, now: i64) -> bool {
    time > now.saturating_sub(PERIOD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_52_many_budgets_are_looked_at_once_a_minute_and_not_at_every_guess() {
        let guesses = Guesses::default();
        let take = |account: u64, now: i64| guesses.take(&[Budget { whose: Whose::Account(account), most: 1 }], now).unwrap();
        let kept = || guesses.0.lock().unwrap().times.len();
        (0..SWEEP_AT as u64).for_each(|account| take(account, 0));
        take(u64::MAX, PERIOD - 1);
        assert_eq!(kept(), SWEEP_AT + 1, "all of them count still");
        take(u64::MAX - 1, PERIOD + 1);
        assert_eq!(kept(), SWEEP_AT + 2, "looked at two seconds ago");
        take(u64::MAX - 2, PERIOD - 1 + SWEEP_EVERY);
        assert_eq!(kept(), 3);
    }
}
