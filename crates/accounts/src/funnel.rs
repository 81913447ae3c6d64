//! The funnel as it is shown: how many begin each stage of a process, how many get through, who refuses, who leaves.
//!
//! Easiest to get wrong: what leaves the house must not tell of single people. Counts below ten are hidden in exports ([`csv`]), and with them
//! what they could be reckoned from: who entered a stage has completed it, left it or is there.

use std::collections::BTreeMap;

use process::Counted;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

/// Counts below it are hidden in exports.
const HIDDEN_BELOW: u64 = 10;

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

/// The rows as a table for a spreadsheet, a line each; a count below ten is `<10`, and one that would tell it by subtraction is `*`.
#[must_use]
pub fn csv(rows: &[Value]) -> String {
    let within = Counted::WITHIN.map(|(_, name)| name);
    let times = || within.into_iter().chain(["more"]);
    let mut lines = format!("process,version,day,language,index,stage,{},failed", PLAIN.join(","));
    for name in times() {
        lines.push_str(",within_");
        lines.push_str(name);
    }
    lines.push_str("\r\n");
    let shown = |number: u64| match number {
        0 => "0".to_owned(),
        1..HIDDEN_BELOW => format!("<{HIDDEN_BELOW}"),
        number => number.to_string(),
    };
    let secret = secret(rows);
    for (row, secret) in rows.iter().zip(secret) {
        let text =
            |name: &str| row.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default();
        let number = |pointer: &str| row.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        let mut cells: Vec<String> = ["process", "version", "day", "language", "index", "stage"].map(text).into();
        cells.extend(PLAIN.iter().zip(secret).map(|(what, secret)| match number(&format!("/{what}")) {
            HIDDEN_BELOW.. if secret => "*".to_owned(),
            number => shown(number),
        }));
        let failed = row.get("failed").and_then(Value::as_object).into_iter().flatten();
        cells.push(failed.map(|(why, count)| format!("{why}={}", shown(count.as_u64().unwrap_or_default()))).collect::<Vec<_>>().join(" "));
        cells.extend(times().map(|name| shown(number(&format!("/within/{name}")))));
        // Names of processes are those of files and may hold anything.
        let quoted = cells.iter().map(|cell| {
            let plain = !cell.contains([',', '"', '\r', '\n']) && !cell.starts_with(['=', '+', '-', '@']);
            if plain { cell.clone() } else { format!("\"'{}\"", cell.replace('"', "\"\"")) }
        });
        lines.push_str(&quoted.collect::<Vec<_>>().join(","));
        lines.push_str("\r\n");
    }
    lines
}

/// Which counts of [`PLAIN`] are not shown, row by row: those below ten; where these would follow from the others of their row, the next smallest
/// of it too; and what entered a stage where what completed the one before is not shown, for it is the same.
fn secret(rows: &[Value]) -> Vec<[bool; PLAIN.len()]> {
    let mut before: Option<(&Value, bool)> = None;
    let mut all = Vec::new();
    for row in rows {
        let numbers = PLAIN.map(|what| row.get(what).and_then(Value::as_u64).unwrap_or_default());
        let mut secret = numbers.map(|number| (1..HIDDEN_BELOW).contains(&number));
        let follows = |before: &Value| {
            let same = ["process", "version", "day", "language"].iter().all(|name| before.get(name) == row.get(name));
            same && before.get("index").and_then(Value::as_u64).map(|index| index + 1) == row.get("index").and_then(Value::as_u64)
        };
        if let Some((_, true)) = before.filter(|(before, _)| follows(before)) {
            secret[0] = true;
        }
        // What is hidden must be two counts at least, and not so few people together that they are single ones.
        loop {
            let hidden = || numbers.iter().zip(secret).filter(|(number, secret)| *secret && **number > 0).map(|(number, _)| *number);
            let together = if secret[0] { HIDDEN_BELOW } else { hidden().sum() };
            if hidden().count() == 0 || hidden().count() > 1 && together >= HIDDEN_BELOW {
                break;
            }
            let open = numbers.iter().zip(&mut secret).filter(|(number, secret)| !**secret && **number > 0);
            let Some((_, next)) = open.min_by_key(|(number, _)| **number) else { break };
            *next = true;
        }
        before = Some((row, secret[1]));
        all.push(secret);
    }
    all
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

    #[test]
    fn counts_below_ten_are_hidden_and_nothing_is_a_formula() {
        let counts =
            [(counted("=reset,1", 0, "entered"), 9), (counted("=reset,1", 0, "completed"), 10), (counted("=reset,1", 0, "failed:x"), 3)];
        let table = csv(&rows(&counts, false, false));
        let line = table.lines().nth(1).unwrap();
        assert_eq!(line, "\"'=reset,1\",v,,,0,userQuery,<10,*,0,0,x=<10,0,0,0,0,0,0,0,0,0");
    }

    #[test]
    fn what_is_hidden_does_not_follow_from_what_is_shown() {
        let shown = |stages: &[[u64; 4]]| {
            let of = |(place, numbers): (usize, &[u64; 4])| {
                let of = |(what, number): (&str, u64)| (Counted { place, ..counted("reset", 0, what) }, number);
                PLAIN.into_iter().zip(*numbers).map(of).collect::<Vec<_>>()
            };
            let counts: Vec<_> = stages.iter().enumerate().flat_map(of).collect();
            let table = csv(&rows(&counts, false, false));
            let line = |line: &str| line.split(',').skip(6).take(4).collect::<Vec<_>>().join(" ");
            table.lines().skip(1).map(line).collect::<Vec<_>>()
        };
        assert_eq!(shown(&[[20, 17, 3, 0]]), ["20 * <10 0"]);
        assert_eq!(shown(&[[60, 30, 27, 3]]), ["60 30 * <10"]);
        assert_eq!(shown(&[[20, 17, 2, 1]]), ["20 * <10 <10"], "three people are few");
        assert_eq!(shown(&[[60, 40, 20, 0]]), ["60 40 20 0"], "nothing is hidden for nothing");
        assert_eq!(shown(&[[7, 7, 0, 0], [7, 0, 7, 0]]), ["<10 <10 0 0", "<10 0 <10 0"]);
        // Who completed a stage is who entered the next.
        assert_eq!(shown(&[[20, 17, 3, 0], [17, 0, 17, 0]]), ["20 * <10 0", "* 0 * 0"]);
        assert_eq!(shown(&[[90, 87, 3, 0], [87, 50, 20, 17], [50, 50, 0, 0]]), ["90 * <10 0", "* 50 20 *", "50 50 0 0"]);
    }
}
