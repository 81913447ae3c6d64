//! The events of runs of processes, from wherever some are kept: rows of the store, and lines of this node's files.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use accounts::explain::{self, Sought};
use process::{LedgerError, MailId, OutboxEntry, Topic};
use serde_json::Value;
use store::{AuditQuery, Db};

/// Instances that are told of at most, the newest.
const RUNS: usize = 20;
/// Events that are taken at most, of the store and of the files each.
const EVENTS: u32 = 1000;

/// The runs that are looked for, with `directory` as this node's files.
///
/// # Errors
/// When the store does not answer or a file cannot be read.
pub(crate) async fn runs(db: &Db, directory: &Path, sought: &Sought) -> Result<Vec<Value>, LedgerError> {
    let query = AuditQuery { topic: Some(Topic::Process), limit: EVENTS, ..AuditQuery::default() };
    let (Sought::Named(named) | Sought::Person(named)) = sought;
    // Where it was named by its person or one transaction, everything else of the same instances is told too.
    let mut found = of_store(
        db,
        match sought {
            Sought::Named(name) => AuditQuery { transaction: Some(name.clone()), ..query.clone() },
            Sought::Person(object) => AuditQuery { object: Some(object.clone()), ..query.clone() },
        },
    )
    .await?;
    let in_files = of_files(directory, Wanted::Name(named.clone())).await?;
    found.extend(in_files.iter().cloned());
    found.retain(|event| is_of(event, named));
    let instance = |event: &Value| event.pointer("/detail/instance").and_then(Value::as_str).map(str::to_owned);
    found.sort_by_cached_key(|event| std::cmp::Reverse(time(event)));
    let mut instances: Vec<String> = Vec::new();
    for instance in found.iter().filter_map(instance).chain(matches!(sought, Sought::Named(_)).then(|| named.clone())) {
        if instances.len() < RUNS && !instances.contains(&instance) {
            instances.push(instance);
        }
    }
    let mut events: Vec<Value> = found.into_iter().filter(|event| instance(event).is_none()).collect();
    if !instances.is_empty() {
        let mut more = of_store(db, AuditQuery { instances: instances.clone(), ..query }).await?;
        let of_these = |event: &Value| instance(event).is_some_and(|instance| instances.contains(&instance));
        if instances == [named.as_str()] {
            // Every line of the instance holds its name: they were found.
            more.extend(in_files);
        } else {
            more.extend(of_files(directory, Wanted::Instances(instances.iter().cloned().collect())).await?);
        }
        more.retain(of_these);
        events.extend(more);
    }
    let mails = mails(db, &events).await?;
    // It takes a while for a thousand events, and others wait on this thread.
    tokio::task::spawn_blocking(move || explain::runs(events, &mails)).await.map_err(|error| LedgerError(error.to_string()))
}

async fn of_store(db: &Db, query: AuditQuery) -> Result<Vec<Value>, LedgerError> {
    Ok(db.audit(&query).await?.iter().map(super::of_record).collect())
}

fn time(event: &Value) -> String {
    event.get("timestamp").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Whether an event is of this instance, transaction or person.
fn is_of(event: &Value, named: &str) -> bool {
    let places = ["/detail/instance", "/transactionId", "/objectId", "/detail/object"];
    let found = places.iter().filter_map(|pointer| event.pointer(pointer).and_then(Value::as_str));
    found.into_iter().any(|found| found == named)
}

/// The mails that events tell of, as far as they are there.
async fn mails(db: &Db, events: &[Value]) -> Result<Vec<OutboxEntry>, LedgerError> {
    let numbers = events.iter().filter_map(|event| event.pointer("/detail/mails")?.as_array());
    let numbers: BTreeSet<i64> = numbers.flatten().filter_map(Value::as_i64).collect();
    db.mails(numbers.into_iter().map(MailId)).await
}

/// Which lines of a file.
enum Wanted {
    /// That hold this text anywhere.
    Name(String),
    /// Of one of these instances.
    Instances(HashSet<String>),
}

impl Wanted {
    /// Whether a line may be one: its event says it.
    fn holds(&self, line: &str) -> bool {
        const NAME: &str = "\"instance\":\"";
        match self {
            Self::Name(name) => line.contains(name.as_str()),
            // A line is looked through once, however many are looked for.
            Self::Instances(instances) => line.match_indices(NAME).any(|(at, _)| {
                line.get(at + NAME.len()..).and_then(|rest| rest.split('"').next()).is_some_and(|id| instances.contains(id))
            }),
        }
    }
}

async fn of_files(directory: &Path, wanted: Wanted) -> Result<Vec<Value>, LedgerError> {
    let newest = super::path(directory, Topic::Process);
    let read = tokio::task::spawn_blocking(move || lines(&newest, &wanted));
    match read.await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(LedgerError(error.to_string())),
        Err(error) => Err(LedgerError(error.to_string())),
    }
}

/// The newest of these lines of a topic's files, [`EVENTS`] at most.
fn lines(newest: &Path, wanted: &Wanted) -> io::Result<Vec<Value>> {
    let mut found = Vec::new();
    let aside = (1..=super::KEPT).map(|number| newest.with_extension(format!("json.{number}")));
    for path in std::iter::once(newest.to_path_buf()).chain(aside) {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut reader = BufReader::with_capacity(256 * 1024, file);
        // Lines are in the order of time: of too many the first ones go.
        let room = (EVENTS as usize).saturating_sub(found.len());
        let mut newest_of_file = VecDeque::new();
        let mut line = String::new();
        loop {
            line.clear();
            match reader.read_line(&mut line) {
                Ok(0) => break,
                Ok(_) => {}
                // A line that is no text is none of ours.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => continue,
                Err(error) => return Err(error),
            }
            if wanted.holds(&line) {
                if newest_of_file.len() == room {
                    newest_of_file.pop_front();
                }
                newest_of_file.push_back(line.clone());
            }
        }
        found.extend(newest_of_file.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok()));
        if found.len() >= EVENTS as usize {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_lines_the_newest_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let newest = directory.path().join("process.audit.json");
        let write = |path: &Path, numbers: std::ops::Range<u32>| {
            let lines: Vec<String> = numbers.map(|number| format!("{{\"of\":\"one\",\"number\":{number}}}\n")).collect();
            std::fs::write(path, lines.concat()).unwrap();
        };
        let numbers = || -> Vec<u64> {
            let mut found: Vec<u64> =
                lines(&newest, &Wanted::Name("one".to_owned())).unwrap().iter().map(|line| line["number"].as_u64().unwrap()).collect();
            found.sort_unstable();
            found
        };
        write(&newest, 5000..5000 + EVENTS / 2);
        write(&newest.with_extension("json.1"), 0..EVENTS + 7);
        let found = numbers();
        assert_eq!((found.len(), found[0]), (EVENTS as usize, u64::from(EVENTS / 2 + 7)));
        write(&newest, 5000..5000 + EVENTS * 3);
        let found = numbers();
        assert_eq!((found.len(), found[0]), (EVENTS as usize, u64::from(5000 + EVENTS * 2)));
    }

    #[test]
    fn lines_of_instances_are_those_that_say_so() {
        let wanted = Wanted::Instances(["three".to_owned(), "one".to_owned()].into());
        for (line, holds) in [
            ("{\"detail\":{\"code\":400,\"instance\":\"one\"}}", true),
            ("{\"instance\":\"two\",\"detail\":{\"instance\":\"one\"}}", true),
            ("{\"detail\":{\"instance\":\"one-more\"},\"transactionId\":\"one\"}", false),
            ("{\"detail\":{\"instance\":\"", false),
        ] {
            assert_eq!(wanted.holds(line), holds, "{line}");
        }
    }
}
