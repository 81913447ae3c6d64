//! Two texts as a unified difference, as `diff -u` and `patch` have it.

use std::fmt::Write as _;

/// Pairs of lines that are compared at most. Beyond that, everything between the common start and the common end counts as changed.
const COMPARED: usize = 4_000_000;

/// Lines around a change.
const AROUND: usize = 3;

/// A stretch of lines that another stretch takes the place of.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    old: (usize, usize),
    new: (usize, usize),
}

/// The difference of a file's two texts; empty where they are equal.
#[must_use]
pub fn unified_difference(file: &str, before: &str, after: &str) -> String {
    let (old, new) = (lines(before), lines(after));
    let changes = changes(&old, &new);
    if changes.is_empty() {
        return String::new();
    }
    let mut out = format!("--- {file}\n+++ {file}\n");
    let mut rest = changes.as_slice();
    while let Some(first) = rest.first() {
        let together =
            1 + rest.windows(2).take_while(|pair| matches!(pair, [left, right] if right.old.0 - left.old.1 <= 2 * AROUND)).count();
        let (hunk, later) = rest.split_at(together);
        let last = hunk.last().unwrap_or(first);
        let (start, end) = (first.old.0.saturating_sub(AROUND), (last.old.1 + AROUND).min(old.len()));
        let (new_start, new_end) = (first.new.0 - (first.old.0 - start), last.new.1 + (end - last.old.1));
        let _ = writeln!(out, "@@ -{} +{} @@", range(start, end), range(new_start, new_end));
        let mut at = start;
        for change in hunk {
            put(&mut out, ' ', old.get(at..change.old.0));
            put(&mut out, '-', old.get(change.old.0..change.old.1));
            put(&mut out, '+', new.get(change.new.0..change.new.1));
            at = change.old.1;
        }
        put(&mut out, ' ', old.get(at..end));
        rest = later;
    }
    out
}

fn range(start: usize, end: usize) -> String {
    let first = if start == end { start } else { start + 1 };
    format!("{first},{}", end - start)
}

fn put(out: &mut String, sign: char, lines: Option<&[&str]>) {
    for line in lines.unwrap_or_default() {
        let _ = write!(out, "{sign}{line}");
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Stretches that differ, from the longest common subsequence of what is between the common start and the common end.
fn changes(old: &[&str], new: &[&str]) -> Vec<Change> {
    let start = old.iter().zip(new).take_while(|(left, right)| left == right).count();
    let (old_rest, new_rest) = (old.get(start..).unwrap_or_default(), new.get(start..).unwrap_or_default());
    let end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(left, right)| left == right).count();
    let old_rest = old_rest.get(..old_rest.len() - end).unwrap_or_default();
    let new_rest = new_rest.get(..new_rest.len() - end).unwrap_or_default();
    if old_rest.len().saturating_mul(new_rest.len()) > COMPARED {
        return vec![Change { old: (start, start + old_rest.len()), new: (start, start + new_rest.len()) }];
    }
    let width = new_rest.len() + 1;
    // At i * width + j: the length of the longest common subsequence of what begins at i and j.
    let mut common = vec![0_u32; (old_rest.len() + 1) * width];
    let length = |common: &[u32], i: usize, j: usize| common.get(i * width + j).copied().unwrap_or_default();
    let equal = |i: usize, j: usize| i < old_rest.len() && j < new_rest.len() && old_rest.get(i) == new_rest.get(j);
    for i in (0..old_rest.len()).rev() {
        for j in (0..new_rest.len()).rev() {
            let longest =
                if equal(i, j) { length(&common, i + 1, j + 1) + 1 } else { length(&common, i + 1, j).max(length(&common, i, j + 1)) };
            if let Some(place) = common.get_mut(i * width + j) {
                *place = longest;
            }
        }
    }
    let mut found: Vec<Change> = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < old_rest.len() || j < new_rest.len() {
        if equal(i, j) {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let (from_old, from_new) = (i, j);
        while (i < old_rest.len() || j < new_rest.len()) && !equal(i, j) {
            let removes = i < old_rest.len() && length(&common, i + 1, j) >= length(&common, i, j + 1);
            if j == new_rest.len() || removes {
                i += 1;
            } else {
                j += 1;
            }
        }
        found.push(Change { old: (start + from_old, start + i), new: (start + from_new, start + j) });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_are_far_apart_are_hunks_of_their_own() {
        let before = (1..=20).map(|number| number.to_string()).collect::<Vec<_>>().join("\n") + "\n";
        let after = before.replace("2\n3\n", "two\n3\n").replace("19\n20\n", "19\ntwenty");
        let after = after.replacen("1two", "12", 1);
        assert_eq!(
            unified_difference("a", &before, &after),
            "--- a\n+++ a\n@@ -1,5 +1,5 @@\n 1\n-2\n+two\n 3\n 4\n 5\n@@ -17,4 +17,4 @@\n 17\n 18\n 19\n-20\n+twenty\n\\ No newline at end of file\n"
        );
        assert_eq!(unified_difference("a", &before, &before), "");
    }

    #[test]
    fn what_is_too_long_to_be_compared_is_one_change() {
        let text = |word: &str| (0..2100).map(|number| format!("{word} {number}\n")).collect::<Vec<_>>().concat();
        let found = unified_difference("a", &format!("same\n{}end\n", text("old")), &format!("same\n{}end\n", text("new")));
        assert_eq!(found.matches("@@ -").count(), 1);
        assert_eq!((found.matches("\n-old").count(), found.matches("\n+new").count()), (2100, 2100));
    }

    #[test]
    fn lines_that_go_are_counted() {
        assert_eq!(
            unified_difference("a", "{\n\"a\",\n\"b\"\n}\n", "{\n\"b\"\n}\n"),
            "--- a\n+++ a\n@@ -1,4 +1,3 @@\n {\n-\"a\",\n \"b\"\n }\n"
        );
    }
}
