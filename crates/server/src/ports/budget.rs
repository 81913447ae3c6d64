//! How much mail one recipient may get. Asking for resets never locks an account (SEC-04); it only stops writing to it for a while,
//! and the caller cannot tell (SEC-01).

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;

use stages::MailBudget;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Counts mails per recipient over sliding windows of an hour and a day.
pub(crate) struct RecipientBudget {
    per_hour: u32,
    per_day: u32,
    enabled: bool,
    sent: Mutex<HashMap<String, VecDeque<i64>>>,
}

impl RecipientBudget {
    /// A budget of so many mails; `enabled: false` counts nothing.
    #[must_use]
    pub(crate) fn new(enabled: bool, per_hour: u32, per_day: u32) -> Self {
        Self { per_hour, per_day, enabled, sent: Mutex::default() }
    }

    /// Forgets recipients that got nothing for a day.
    pub(crate) fn sweep(&self, now: i64) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.retain(|_, times| times.back().is_some_and(|last| *last > now - DAY));
    }
}

impl MailBudget for RecipientBudget {
    fn allow(&self, recipient: &str, now: i64) -> bool {
        if !self.enabled {
            return true;
        }
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let times = sent.entry(recipient.to_lowercase()).or_default();
        while times.front().is_some_and(|first| *first <= now - DAY) {
            times.pop_front();
        }
        let in_hour = times.iter().rev().take_while(|time| **time > now - HOUR).count();
        let allowed = in_hour < self.per_hour as usize && times.len() < self.per_day as usize;
        if allowed {
            times.push_back(now);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_and_the_day_are_counted_per_recipient() {
        let budget = RecipientBudget::new(true, 2, 3);
        assert!(budget.allow("a@example.org", 0));
        assert!(budget.allow("A@example.org", 1));
        assert!(!budget.allow("a@example.org", 2));
        assert!(budget.allow("b@example.org", 2));
        assert!(budget.allow("a@example.org", HOUR + 2));
        assert!(!budget.allow("a@example.org", 3 * HOUR), "the day is used up");
        assert!(budget.allow("a@example.org", DAY + 2));
    }

    #[test]
    fn a_disabled_budget_never_refuses() {
        let budget = RecipientBudget::new(false, 0, 0);
        assert!(budget.allow("a@example.org", 0));
    }
}
