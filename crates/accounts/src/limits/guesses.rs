//! Budgets of guesses at passwords: for an account, for a network, and for an account from a network (SEC-11, SEC-47).
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

/// Whose budget it is. A budget without an account is the network's, one without a network the account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Whose {
    pub(super) account: Option<u64>,
    pub(super) network: Option<u128>,
}

/// A budget: so many guesses in any hour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) whose: Whose,
    pub(super) most: u32,
}

/// The times of guesses that were wrong or are being judged.
#[derive(Default)]
pub(super) struct Guesses(Mutex<HashMap<Whose, Vec<i64>>>);

impl Guesses {
    /// Takes a place in every budget, or in none.
    pub(super) fn take(&self, budgets: &[Budget], now: i64) -> Result<(), Limited> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= SWEEP_AT {
            sweep(&mut made, now);
        }
        for budget in budgets {
            let Some(times) = made.get_mut(&budget.whose) else { continue };
            times.retain(|time| is_counted(*time, now));
            if times.len() >= budget.most as usize {
                let oldest = times.iter().copied().min().unwrap_or(now);
                let wait = oldest.saturating_add(PERIOD).saturating_sub(now).max(1);
                return Err(Limited { limit: "signin_failures", retry_after: wait.unsigned_abs() });
            }
        }
        for budget in budgets {
            made.entry(budget.whose).or_default().push(now);
        }
        Ok(())
    }

    /// Gives a place back that was taken at `now`.
    pub(super) fn give_back(&self, budgets: &[Budget], now: i64) {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for Budget { whose, .. } in budgets {
            let Some(times) = made.get_mut(whose) else { continue };
            if let Some(index) = times.iter().position(|time| *time == now) {
                times.swap_remove(index);
            }
            if times.is_empty() {
                made.remove(whose);
            }
        }
    }

    /// Renews the budgets that are chosen.
    pub(super) fn clear(&self, chosen: impl Fn(&Whose) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|whose, _| !chosen(whose));
    }

    pub(super) fn sweep(&self, now: i64) {
        sweep(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), now);
    }
}

fn is_counted(time: i64, now: i64) -> bool {
    time > now.saturating_sub(PERIOD)
}

fn sweep(made: &mut HashMap<Whose, Vec<i64>>, now: i64) {
    made.retain(|_, times| times.iter().any(|time| is_counted(*time, now)));
}
