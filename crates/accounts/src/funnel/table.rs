//! The funnel as a table that leaves the house.
//!
//! Easiest to get wrong: a count below ten must not follow from others. Who entered a stage has completed it, has left it or is there; who completed
//! it entered the next one; and who was timed completed it. So it is not enough that the count itself is hidden: what stands beside it in these sums is,
//! with zeros, and it looks the same, until so many people are in it that nobody is told apart.

use process::Counted;
use serde_json::Value;

use super::PLAIN;

/// Counts below it are hidden.
const HIDDEN_BELOW: u64 = 10;
/// Of so many people whose counts are hidden together the sum is told: whatever one of these counts is, it may be any below ten.
const TOGETHER: u64 = 2 * HIDDEN_BELOW;

/// The rows as a table for a spreadsheet, a line each; a count below ten is `<10`, or `*` as everything that it would follow from.
#[must_use]
pub fn csv(rows: &[Value]) -> String {
    let within = || Counted::WITHIN.map(|(_, name)| name).into_iter().chain(["more"]);
    let mut lines = format!("process,version,day,language,index,stage,{},failed", PLAIN.join(","));
    for name in within() {
        lines.push_str(",within_");
        lines.push_str(name);
    }
    lines.push_str("\r\n");
    let (mut before, mut hidden): (Option<&Value>, Option<Open>) = (None, None);
    for row in rows {
        let text =
            |name: &str| row.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default();
        let number = |pointer: &str| row.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        let counts = Counts {
            plain: PLAIN.map(|what| number(&format!("/{what}"))),
            within: within().map(|name| number(&format!("/within/{name}"))).collect(),
        };
        hidden = hidden.filter(|_| before.is_some_and(|before| follows(before, row)));
        let is_entry_hidden = hidden.is_some();
        let mut cells: Vec<String> = ["process", "version", "day", "language", "index", "stage"].map(text).into();
        let (plain, within) = counts.shown(&mut hidden);
        cells.extend(plain);
        let failed = row.get("failed").and_then(Value::as_object).into_iter().flatten();
        let failed = failed.map(|(why, count)| format!("{why}={}", if is_entry_hidden { STAR.to_owned() } else { count_of(count) }));
        cells.push(failed.collect::<Vec<_>>().join(" "));
        cells.extend(within);
        // Names of processes are those of files and may hold anything.
        lines.push_str(&cells.iter().map(|cell| crest::cell(cell, ',')).collect::<Vec<_>>().join(","));
        lines.push_str("\r\n");
        before = Some(row);
    }
    lines
}

/// What stands for a hidden count that others would tell.
const STAR: &str = "*";

/// Whether a row is that of the stage behind another one's.
fn follows(before: &Value, row: &Value) -> bool {
    let place = |row: &Value| row.get("index").and_then(Value::as_u64);
    ["process", "version", "day", "language"].iter().all(|name| before.get(name) == row.get(name))
        && place(before).map(|index| index + 1) == place(row)
}

fn is_small(number: u64) -> bool {
    (1..HIDDEN_BELOW).contains(&number)
}

fn shown(number: u64) -> String {
    if is_small(number) { format!("<{HIDDEN_BELOW}") } else { number.to_string() }
}

fn count_of(count: &Value) -> String {
    shown(count.as_u64().unwrap_or_default())
}

/// Rows of stages behind each other whose counts are hidden together.
struct Open {
    /// Who left at these stages, or is there.
    people: u64,
}

/// The counts of a row.
struct Counts {
    /// [`PLAIN`].
    plain: [u64; PLAIN.len()],
    within: Vec<u64>,
}

impl Counts {
    /// What is shown of them, where `hidden` says that what entered the stage is not. It is hidden on from here as long as it says so.
    ///
    /// Of rows that are hidden together their first entry and their last completion are told, and so how many people left between them; nothing else
    /// is. A row begins some where one of its counts is small, and they end behind a row that may be told again.
    fn shown(&self, hidden: &mut Option<Open>) -> ([String; PLAIN.len()], Vec<String>) {
        let [entered, completed, abandoned, open] = self.plain;
        let star = || STAR.to_owned();
        let first = if hidden.is_some() { star() } else { shown(entered) };
        if hidden.is_none() && self.plain.into_iter().any(is_small) {
            *hidden = Some(Open { people: 0 });
        }
        let Some(together) = hidden else {
            let is_told = !self.within.iter().copied().any(is_small);
            let within = self.within.iter().map(|number| if is_told { number.to_string() } else { star() });
            return ([first, completed.to_string(), abandoned.to_string(), open.to_string()], within.collect());
        };
        together.people = together.people.saturating_add(abandoned).saturating_add(open);
        let is_told = together.people >= TOGETHER && !is_small(completed);
        if !is_told {
            return ([first, star(), star(), star()], self.within.iter().map(|_| star()).collect());
        }
        *hidden = None;
        let (_, within) = Self { plain: [completed, completed, 0, 0], within: self.within.clone() }.shown(hidden);
        ([first, completed.to_string(), star(), star()], within)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::json;

    use super::*;

    fn rows(stages: &[[u64; 4]]) -> Vec<Value> {
        let row = |(index, [entered, completed, abandoned, open]): (usize, &[u64; 4])| {
            json!({ "process": "reset", "index": index,
            "entered": entered, "completed": completed, "abandoned": abandoned, "open": open, "failed": { "x": entered / 2 } })
        };
        stages.iter().enumerate().map(row).collect()
    }

    /// What is told of stages; nothing was timed.
    fn told(stages: &[[u64; 4]]) -> Vec<String> {
        let table = csv(&rows(stages));
        table.lines().skip(1).map(|line| line.split(',').skip(6).take(4).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn what_is_hidden_does_not_follow_from_what_is_shown() {
        assert_eq!(told(&[[20, 17, 3, 0]]), ["20 * * *"]);
        assert_eq!(told(&[[11, 10, 1, 0]]), ["11 * * *"]);
        assert_eq!(told(&[[60, 30, 27, 3]]), ["60 30 * *"], "thirty are many, and three of them nobody");
        assert_eq!(told(&[[60, 40, 20, 0]]), ["60 40 20 0"], "nothing is hidden for nothing");
        assert_eq!(told(&[[7, 7, 0, 0], [7, 0, 7, 0]]), ["<10 * * *", "* * * *"]);
        // Who completed a stage is who entered the next.
        assert_eq!(told(&[[20, 17, 3, 0], [17, 0, 17, 0]]), ["20 * * *", "* 0 * *"]);
        assert_eq!(told(&[[90, 87, 3, 0], [87, 50, 20, 17], [50, 50, 0, 0]]), ["90 * * *", "* 50 * *", "50 50 0 0"]);
        let both = csv(&[rows(&[[90, 87, 3, 0]]), rows(&[[40, 40, 0, 0]])].concat());
        assert!(both.lines().nth(2).unwrap().contains(",40,40,0,0,x=20,"), "another process is another: {both}");
    }

    #[test]
    fn nothing_is_a_formula() {
        let mut row = rows(&[[12, 12, 0, 0]]).remove(0);
        row["process"] = json!("=reset,1");
        row["stage"] = json!("+1");
        let table = csv(&[row]);
        assert!(table.lines().nth(1).unwrap().starts_with("\"'=reset,1\",,,,0,'+1,12,12,0,0,x=<10,0"), "{table}");
    }

    /// Of tables that look the same, each count that is small in one is another in another one: so it is not known, whoever knows how they are made.
    fn nobody_is_told_apart(tables: impl Iterator<Item = (Vec<String>, Vec<u64>)>) {
        let mut alike: BTreeMap<Vec<String>, Vec<BTreeSet<u64>>> = BTreeMap::new();
        for (told, numbers) in tables {
            let seen = alike.entry(told).or_insert_with(|| vec![BTreeSet::new(); numbers.len()]);
            for (seen, number) in seen.iter_mut().zip(numbers) {
                seen.insert(number);
            }
        }
        for (told, seen) in alike {
            for numbers in seen {
                assert!(numbers.len() > 1 || !numbers.iter().copied().any(is_small), "{told:?} tells {numbers:?}");
            }
        }
    }

    /// All ways to share a number among so many.
    fn shared(number: u64, among: usize) -> Vec<Vec<u64>> {
        if among == 1 {
            return vec![vec![number]];
        }
        let with = |first: u64| shared(number - first, among - 1).into_iter().map(move |rest| [vec![first], rest].concat());
        (0..=number).flat_map(with).collect()
    }

    /// The lines of stages behind each other, made as [`csv`] makes them.
    fn lines(stages: &[Counts]) -> Vec<String> {
        let mut hidden = None;
        let line = |counts: &Counts| {
            let (plain, within) = counts.shown(&mut hidden);
            [plain.into(), within].concat()
        };
        stages.iter().map(line).collect::<Vec<_>>().concat()
    }

    #[test]
    fn no_small_count_of_two_stages_follows_from_the_whole_table() {
        for entered in (10..=12).chain(19..=22) {
            let ways = shared(entered, 5).into_iter().map(|left| {
                let ([abandoned, open, then_abandoned, then_open, through], second) =
                    (left.clone().try_into().unwrap(), entered - left[0] - left[1]);
                let first = Counts { plain: [entered, second, abandoned, open], within: Vec::new() };
                let next = Counts { plain: [second, through, then_abandoned, then_open], within: Vec::new() };
                let numbers = [first.plain, next.plain].concat();
                (lines(&[first, next]), numbers)
            });
            nobody_is_told_apart(ways);
        }
        nobody_is_told_apart((0..40).map(|entered| (told(&[[entered, entered, 0, 0]]), vec![entered, entered])));
    }

    #[test]
    fn no_small_count_of_times_follows_from_the_others_and_from_who_completed() {
        for completed in 10..=32 {
            let ways = shared(completed, 4).into_iter().map(|within| {
                let counts = Counts { plain: [completed, completed, 0, 0], within: within.clone() };
                (lines(&[counts]), within)
            });
            nobody_is_told_apart(ways);
        }
        // Where it is not told who completed, the times tell it no more.
        let hidden = Counts { plain: [20, 17, 3, 0], within: vec![17, 0] };
        assert_eq!(lines(&[hidden]), ["20", "*", "*", "*", "*", "*"]);
        let told = Counts { plain: [60, 30, 27, 3], within: vec![12, 18] };
        assert_eq!(lines(&[told]), ["60", "30", "*", "*", "12", "18"]);
        let few = Counts { plain: [30, 30, 0, 0], within: vec![12, 15, 3] };
        assert_eq!(lines(&[few]), ["30", "30", "0", "0", "*", "*", "*"]);
    }
}
