//! The funnel as it is shown: how many begin each stage of a process, how many get through, who refuses, who leaves.
//!
//! Easiest to get wrong: what leaves the house must not tell of single people, so exports are tables ([`csv`]) in which small counts are hidden.

mod table;

use std::collections::BTreeMap;

use process::Counted;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

pub use table::csv;

/// What is counted at each stage, in the order of a table.
const PLAIN: [&str; 4] = ["entered", "completed", "abandoned", "open"];

/// The first of the last `days` days, in days since 1970. Today is one of them; `now` in seconds since 1970.
#[must_use]
pub fn since(now: i64, days: u32) -> i64 {
    now.div_euclid(86_400).saturating_add(1).saturating_sub(i64::from(days))
}

/// A day as it is written, `2024-05-31`.
fn date(day: i64) -> String {
    OffsetDateTime::from_unix_timestamp(day.saturating_mul(86_400)).map(|time| time.date().to_string()).unwrap_or_default()
}

/// A row for each stage, in the order of process, version, day, language and place. What `by_day` and `by_language` leave out is added up.
#[must_use]
pub fn rows(counts: &[(Counted, u64)], by_day: bool, by_language: bool) -> Vec<Value> {
    let mut rows: BTreeMap<Counted, BTreeMap<&str, u64>> = BTreeMap::new();
    for (counted, number) in counts {
        let mut row = Counted { what: String::new(), ..counted.clone() };
        if !by_day {
            row.day = 0;
        }
        if !by_language {
            row.language.clear();
        }
        *rows.entry(row).or_default().entry(&counted.what).or_default() += number;
    }
    let row = |(counted, numbers): (Counted, BTreeMap<&str, u64>)| {
        let mut row = Map::new();
        row.insert("process".to_owned(), json!(counted.process));
        row.insert("version".to_owned(), json!(counted.version));
        if by_day {
            row.insert("day".to_owned(), json!(date(counted.day)));
        }
        if by_language {
            row.insert("language".to_owned(), json!(counted.language));
        }
        row.insert("index".to_owned(), json!(counted.place));
        row.insert("stage".to_owned(), json!(counted.stage));
        for what in PLAIN {
            row.insert(what.to_owned(), json!(numbers.get(what).copied().unwrap_or_default()));
        }
        for (member, prefix) in [("failed", "failed:"), ("within", "within:")] {
            let found = numbers.iter().filter_map(|(what, number)| Some((what.strip_prefix(prefix)?.to_owned(), json!(number))));
            row.insert(member.to_owned(), Value::Object(found.collect()));
        }
        row.insert("halfWithin".to_owned(), json!(half(&numbers)));
        Value::Object(row)
    };
    rows.into_iter().map(row).collect()
}

/// The seconds within which half of those who completed a stage did, as far as buckets tell: `30`, or `more`.
fn half(numbers: &BTreeMap<&str, u64>) -> Option<&'static str> {
    let buckets = Counted::WITHIN.map(|(_, name)| name).into_iter().chain(["more"]);
    let counted = buckets.map(|name| (name, numbers.get(format!("within:{name}").as_str()).copied().unwrap_or_default()));
    let all: u64 = counted.clone().map(|(_, number)| number).sum();
    let mut until = 0;
    counted.filter(|(_, number)| *number > 0).find_map(|(name, number)| {
        until += number;
        (until * 2 >= all).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(process: &str, day: i64, what: &str) -> Counted {
        let of = |text: &str| text.to_owned();
        Counted { process: of(process), version: of("v"), day, language: of("de"), place: 0, stage: of("userQuery"), what: of(what) }
    }

    #[test]
    fn days_are_added_up_unless_they_are_asked_for() {
        let counts =
            [(counted("reset", 19_000, "entered"), 7), (counted("reset", 19_001, "entered"), 5), (counted("reset", 19_001, "failed:x"), 2)];
        let all = rows(&counts, false, false);
        assert_eq!((all.len(), &all[0]["entered"], &all[0]["failed"]["x"]), (1, &json!(12), &json!(2)));
        let by_day = rows(&counts, true, true);
        assert_eq!((by_day.len(), &by_day[1]["day"], &by_day[1]["entered"]), (2, &json!("2022-01-09"), &json!(5)));
    }

    #[test]
    fn today_is_the_last_of_the_days_that_are_told_of() {
        let noon = 19_001 * 86_400 + 43_200;
        assert_eq!((since(noon, 1), since(noon, 30), since(noon, 0)), (19_001, 18_972, 19_002));
        assert_eq!(since(-1, 1), -1);
    }

    #[test]
    fn half_of_the_times_are_within_a_bucket() {
        let of = |times: &[(&str, u64)]| {
            let counts: Vec<_> = times.iter().map(|(name, number)| (counted("reset", 0, &format!("within:{name}")), *number)).collect();
            rows(&counts, false, false).first().map(|row| row["halfWithin"].clone())
        };
        assert_eq!(of(&[("5", 2), ("30", 2), ("more", 1)]), Some(json!("30")));
        assert_eq!((of(&[("more", 1)]), of(&[("5", 1), ("900", 1)])), (Some(json!("more")), Some(json!("5"))));
        assert_eq!(rows(&[(counted("reset", 0, "entered"), 1)], false, false)[0]["halfWithin"], json!(null));
    }
}
