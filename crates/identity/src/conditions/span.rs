//! Calendar spans: years and months have no fixed length.

use std::time::{Duration, SystemTime};

use time::{Date, Month, OffsetDateTime};

const MINUTES_OF_AN_HOUR: u64 = 60;
const MINUTES_OF_A_DAY: u64 = 24 * MINUTES_OF_AN_HOUR;
const MINUTES_OF_A_WEEK: u64 = 7 * MINUTES_OF_A_DAY;

/// A length of time as a calendar counts it: first the months, then the minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    months: u64,
    minutes: u64,
}

impl Span {
    /// The units of a condition, longest first.
    pub(super) const UNITS: [&'static str; 6] = ["years", "months", "weeks", "days", "hours", "minutes"];

    /// More of a unit; `None` for an unknown unit or more than can be counted.
    pub(super) fn plus(self, amount: u64, unit: &str) -> Option<Self> {
        let (months, minutes) = match unit {
            "years" => (12, 0),
            "months" => (1, 0),
            "weeks" => (0, MINUTES_OF_A_WEEK),
            "days" => (0, MINUTES_OF_A_DAY),
            "hours" => (0, MINUTES_OF_AN_HOUR),
            "minutes" => (0, 1),
            _ => return None,
        };
        let more = |present: u64, factor: u64| present.checked_add(amount.checked_mul(factor)?);
        Some(Self { months: more(self.months, months)?, minutes: more(self.minutes, minutes)? })
    }

    /// Whether it is no time at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.months == 0 && self.minutes == 0
    }

    /// The moment when it has passed, counted from `start` in UTC: a month after 31 January is the last day of February. `None` beyond
    /// the calendar (year 9999).
    #[must_use]
    pub fn after(&self, start: OffsetDateTime) -> Option<OffsetDateTime> {
        let start = start.to_offset(time::UtcOffset::UTC);
        let month = u64::from(u8::from(start.month())) - 1 + self.months % 12;
        let years = i32::try_from(self.months / 12 + month / 12).ok()?;
        let year = start.year().checked_add(years)?;
        let month = Month::try_from(u8::try_from(month % 12).ok()? + 1).ok()?;
        let date = Date::from_calendar_date(year, month, start.day().min(month.length(year))).ok()?;
        start.replace_date(date).checked_add(time::Duration::minutes(i64::try_from(self.minutes).ok()?.min(i64::MAX / 60)))
    }

    /// Whether at `now` at least this much time has passed since `start`; to the moment is enough.
    #[must_use]
    pub fn has_passed(&self, start: OffsetDateTime, now: SystemTime) -> bool {
        let Some(due) = self.after(start) else { return false };
        match u64::try_from(due.unix_timestamp()) {
            Ok(seconds) => {
                let due = SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, due.nanosecond()));
                due.is_some_and(|due| now >= due)
            }
            Err(_) => true,
        }
    }
}
