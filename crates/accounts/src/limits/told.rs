//! Which refusals the audit trail is told of. A client that is refused goes on asking, and an event for each would be a way to fill a disk.
//!
//! Easiest to break: nothing is told twice. Each event says how many refusals it stands for, those since the one before; what comes behind the
//! last event of an hour is counted by the metric alone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Seconds after which a client is told of anew.
const WINDOW: i64 = 3600;
/// Clients and limits that are remembered; of more at once nothing is told.
const MOST: usize = 16 * 1024;

/// A client and a limit.
type Refused = (u64, &'static str);

/// How often a client was refused by a limit, and when that began.
#[derive(Default)]
pub(super) struct Told(Mutex<HashMap<Refused, (u64, i64)>>);

impl Told {
    /// Counts a refusal. The first one within an hour is told, and then the second, the fourth, the eighth; the number of refusals since the
    /// last one that was told.
    pub(super) fn count(&self, client: u64, limit: &'static str, now: i64) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= MOST && !told.contains_key(&(client, limit)) {
            told.retain(|_, (_, began)| began.saturating_add(WINDOW) > now);
            if told.len() >= MOST {
                return None;
            }
        }
        let (number, began) = told.entry((client, limit)).or_insert((0, now));
        if began.saturating_add(WINDOW) <= now {
            (*number, *began) = (0, now);
        }
        *number = number.saturating_add(1);
        number.is_power_of_two().then(|| *number - *number / 2)
    }

    /// Forgets whose hour is over.
    pub(super) fn sweep(&self, now: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, (_, began)| began.saturating_add(WINDOW) > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_refusals_are_ten_events_that_add_up() {
        let told = Told::default();
        let of = |client: u64, limit: &'static str, now: i64, times: u32| -> Vec<u64> {
            (0..times).filter_map(|_| told.count(client, limit, now)).collect()
        };
        let first = of(1, "submissions", 100, 1000);
        assert_eq!((first.len(), first.iter().sum::<u64>()), (10, 512), "the rest is told with the next");
        assert_eq!(of(1, "submissions", 100, 24), [512]);
        assert_eq!((of(2, "submissions", 100, 1), of(1, "registrations", 100, 1)), (vec![1], vec![1]), "each by itself");
        assert_eq!(of(1, "submissions", 100 + WINDOW, 3), [1, 1], "anew after an hour");
    }

    #[test]
    fn strangers_from_everywhere_do_not_fill_the_memory() {
        let told = Told::default();
        let known = (0..MOST as u64 + 10).filter(|client| told.count(*client, "submissions", 100).is_some()).count();
        assert_eq!((known, told.count(0, "submissions", 100)), (MOST, Some(1)));
        assert_eq!(told.count(u64::MAX, "submissions", 100 + WINDOW), Some(1), "an hour later there is room");
        told.sweep(100 + 2 * WINDOW);
        assert!(told.0.lock().unwrap().is_empty());
    }
}
