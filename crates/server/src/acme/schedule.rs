//! When a certificate is renewed, and when a failed order is tried again: seconds since 1970, computed from what is given.
//!
//! Easiest to break: an authority counts failures by the hour and the week, over all nodes and restarts. So no attempt is sooner than this says.

/// Minutes from a failure to the next attempt, by how many there were one after the other. Four fall into the first hour, of the five that Let's
/// Encrypt allows a name and account.
const PAUSES: [i64; 8] = [1, 10, 30, 60, 120, 240, 480, 720];
/// The same for the attempts that the authority itself ends: no pause is longer.
const LONGEST: i64 = 24 * 3600;

/// When a certificate is renewed that is good from one moment to another: at two thirds of its life, or up to a twenty-fourth of it earlier, so that
/// those who began together do not ask together. `chance` is random.
pub(super) fn renewal(from: i64, to: i64, chance: u64) -> i64 {
    let life = to.saturating_sub(from).max(0);
    from.saturating_add(life / 3 * 2).saturating_sub(part_of(life / 24, chance))
}

/// When to try again after `failures` one after the other. The authority may want to be left alone for longer (`patience`, seconds).
pub(super) fn next_attempt(now: i64, failures: u32, patience: u64, chance: u64) -> i64 {
    let place = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    let pause = PAUSES.get(place).copied().unwrap_or(LONGEST) * 60;
    let wanted = i64::try_from(patience).unwrap_or(LONGEST).min(LONGEST);
    now.saturating_add(pause.saturating_add(part_of(pause / 10, chance)).max(wanted))
}

/// A moment of a window that the authority suggests (RFC 9773 section 4.2).
pub(super) fn within(start: i64, end: i64, chance: u64) -> i64 {
    start.saturating_add(part_of(end.saturating_sub(start).max(0), chance))
}

/// Some of `whole`.
fn part_of(whole: i64, chance: u64) -> i64 {
    let whole = u64::try_from(whole).unwrap_or_default();
    i64::try_from(chance % whole.saturating_add(1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 24 * 3600;

    #[test]
    fn a_certificate_of_ninety_days_is_renewed_a_month_before_its_end() {
        assert_eq!(renewal(0, 90 * DAY, 0), 60 * DAY);
        assert_eq!(renewal(0, 90 * DAY, u64::try_from(90 * DAY / 24).unwrap()), 60 * DAY - 90 * DAY / 24);
        assert_eq!(renewal(100, 50, 7), 100, "what has no life is renewed at once");
    }

    #[test]
    fn attempts_are_fewer_the_more_have_failed_and_never_sooner_than_the_authority_says() {
        let pause = |failures, patience| next_attempt(0, failures, patience, 0);
        let first_hour = (1..).scan(0, |at, failures| {
            *at += pause(failures, 0);
            (*at < 3600).then_some(*at)
        });
        assert_eq!(first_hour.collect::<Vec<_>>(), [60, 660, 2460]);
        assert_eq!((pause(8, 0), pause(u32::MAX, 0)), (12 * 3600, 12 * 3600));
        assert_eq!((pause(1, 7200), pause(1, u64::MAX)), (7200, DAY));
    }

    proptest! {
        #[test]
        fn chance_moves_a_moment_within_its_bounds(from in 0_i64..4_000_000_000, life in 0_i64..400 * DAY, chance: u64, failures in 1_u32..20) {
            let to = from + life;
            prop_assert!((from + life / 2..=from + life / 3 * 2).contains(&renewal(from, to, chance)) || life < 48);
            prop_assert!((from..=to).contains(&within(from, to, chance)));
            let pause = next_attempt(from, failures, 0, 0) - from;
            prop_assert!((from + pause..=from + pause + pause / 10).contains(&next_attempt(from, failures, 0, chance)));
        }
    }
}
