//! Who is in the middle of a process, by the steps that the trail of this node holds. A stateless token leaves nothing else behind.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use process::Topic;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How many instances of each of these versions took a step since a moment, in seconds since 1970, and have not ended; `None` where no
/// step was ever recorded.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn in_flight<'v>(directory: &Path, since: i64, versions: &[&'v str]) -> io::Result<Option<BTreeMap<&'v str, usize>>> {
    let newest = super::path(directory, Topic::Process);
    let mut open: BTreeMap<&str, HashSet<String>> = versions.iter().map(|version| (*version, HashSet::new())).collect();
    let mut known = false;
    // The oldest file first: what ended is ended.
    let aside = (1..=super::KEPT).rev().map(|number| newest.with_extension(format!("json.{number}")));
    for path in aside.chain([newest.clone()]) {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        known = true;
        for line in BufReader::new(file).split(b'\n') {
            step(&line?, since, &mut open);
        }
    }
    Ok(known.then(|| open.into_iter().map(|(version, instances)| (version, instances.len())).collect()))
}

/// Takes one event into account; one that cannot be read says nothing.
fn step(line: &[u8], since: i64, open: &mut BTreeMap<&str, HashSet<String>>) {
    let Ok(event) = serde_json::from_slice::<Value>(line) else { return };
    let of = |name: &str| event.pointer(&format!("/detail/{name}"));
    let (Some(version), Some(instance)) = (of("version").and_then(Value::as_str), of("instance").and_then(Value::as_str)) else { return };
    let Some(instances) = open.get_mut(version) else { return };
    let time = event.get("timestamp").and_then(Value::as_str).and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok());
    if of("finished") == Some(&Value::Bool(true)) {
        instances.remove(instance);
    } else if time.is_some_and(|time| time.unix_timestamp() >= since) {
        instances.insert(instance.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_count_once_until_they_end_or_are_too_old() {
        let directory = tempfile::tempdir().unwrap();
        let line = |time: &str, version: &str, instance: &str, finished: bool| {
            format!(
                "{{\"timestamp\":\"{time}\",\"detail\":{{\"instance\":\"{instance}\",\"version\":\"{version}\",\"finished\":{finished}}}}}\n"
            )
        };
        let late = "2024-01-02T00:00:00Z";
        let older = [line("2024-01-01T00:00:00Z", "a", "old", false), line(late, "a", "done", false), line(late, "a", "open", false)];
        let newer = [line(late, "a", "open", false), line(late, "a", "done", true), line(late, "b", "other", false), "broken".to_owned()];
        assert_eq!(in_flight(directory.path(), 0, &["a"]).unwrap(), None);
        std::fs::write(directory.path().join("process.audit.json.1"), older.concat()).unwrap();
        std::fs::write(directory.path().join("process.audit.json"), newer.concat()).unwrap();
        let counted = in_flight(directory.path(), 1_704_100_000, &["a", "none"]).unwrap().unwrap();
        assert_eq!(counted.into_iter().collect::<Vec<_>>(), [("a", 1), ("none", 0)]);
    }
}
