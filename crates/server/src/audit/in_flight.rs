//! Who is in the middle of a process, by the steps that the trail of this node holds. A stateless token leaves nothing else behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use process::Topic;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The instances of a version, by what a trail says of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Instances {
    /// They took a step and have not ended.
    pub(crate) open: BTreeSet<String>,
    /// They have ended.
    pub(crate) ended: BTreeSet<String>,
}

/// The instances of each of these versions that took a step since a moment, in seconds since 1970; `None` where no step was ever recorded.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn in_flight<'v>(directory: &Path, since: i64, versions: &[&'v str]) -> io::Result<Option<BTreeMap<&'v str, Instances>>> {
    let newest = super::path(directory, Topic::Process);
    let mut found: BTreeMap<&str, Instances> = versions.iter().map(|version| (*version, Instances::default())).collect();
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
            step(&line?, since, &mut found);
        }
    }
    Ok(known.then_some(found))
}

/// Takes one event into account; one that cannot be read says nothing.
fn step(line: &[u8], since: i64, found: &mut BTreeMap<&str, Instances>) {
    let Ok(event) = serde_json::from_slice::<Value>(line) else { return };
    let of = |name: &str| event.pointer(&format!("/detail/{name}"));
    let (Some(version), Some(instance)) = (of("version").and_then(Value::as_str), of("instance").and_then(Value::as_str)) else { return };
    let Some(instances) = found.get_mut(version) else { return };
    let time = event.get("timestamp").and_then(Value::as_str).and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok());
    if time.is_none_or(|time| time.unix_timestamp() < since) {
        return;
    }
    if of("finished") == Some(&Value::Bool(true)) {
        instances.open.remove(instance);
        instances.ended.insert(instance.to_owned());
    } else if !instances.ended.contains(instance) {
        instances.open.insert(instance.to_owned());
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
        let names = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(",");
        let shown: Vec<_> = counted.iter().map(|(version, found)| (*version, names(&found.open), names(&found.ended))).collect();
        assert_eq!(shown, [("a", "open".to_owned(), "done".to_owned()), ("none", String::new(), String::new())]);
    }
}
