//! The audit trail of things that belong to no transaction: access, authentication, steps of a process. One file per topic, one JSON
//! object per line, as log shippers read IDM's. Events of a write are rows of the store, committed with it.
//!
//! Recording never waits for the disk: a thread of its own writes, and what does not fit its queue is counted, not silently gone.

mod in_flight;
mod noted;
mod retention;
mod runs;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Seek as _, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use process::{AuditEvent, Topic};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(crate) use in_flight::in_flight;
pub(crate) use noted::Noted;
pub(crate) use runs::runs;

/// Events that may wait for the disk.
const QUEUE: usize = 16 * 1024;
/// A file is put aside when it has grown to this size.
const ROTATE_AT: u64 = 64 * 1024 * 1024;
/// Files put aside per topic.
const KEPT: u32 = 8;
/// How long the writing thread lets events gather once there is one: it wakes fifty times a second at most, not at every request.
const GATHER: Duration = Duration::from_millis(20);

/// Takes events.
#[derive(Clone)]
pub(crate) struct Audit {
    directory: Arc<Path>,
    queue: SyncSender<Order>,
    lost: Arc<AtomicU64>,
    enabled: Arc<AtomicBool>,
    failing: Arc<AtomicBool>,
    /// An event did not fit the queue, and the queue was not written since.
    full: Arc<AtomicBool>,
}

enum Order {
    Write(AuditEvent),
    /// Removes the events before this, in seconds since 1970.
    Forget(i64),
}

/// The writing thread; joined at the end so that everything recorded is on disk.
pub(crate) struct AuditWriter {
    thread: Option<JoinHandle<()>>,
}

impl Audit {
    /// Opens the trail in `directory`.
    ///
    /// # Errors
    /// When the directory cannot be made or the thread not started.
    pub(crate) fn open(directory: &Path, enabled: bool) -> io::Result<(Self, AuditWriter)> {
        // Who signed in and what they did is nobody else's business on this machine, wherever the data are kept.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let (queue, orders) = sync_channel(QUEUE);
        let (failing, full) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (failed, filled) = (Arc::clone(&failing), Arc::clone(&full));
        let mut trail = Trail { directory: directory.to_owned(), files: HashMap::new(), failing: failed, full: filled };
        let thread = std::thread::Builder::new().name("audit".into()).spawn(move || trail.run(&orders))?;
        let audit =
            Self { directory: directory.into(), queue, lost: Arc::default(), enabled: Arc::new(AtomicBool::new(enabled)), failing, full };
        Ok((audit, AuditWriter { thread: Some(thread) }))
    }

    /// The newest events of a topic that are in its files, with their times, in the form of [`to_value`], the newest first. Where the file
    /// that is written has not enough of them, the one that was put aside last is read too.
    pub(crate) async fn newest(&self, topic: Topic, most: usize) -> Vec<(i64, Value)> {
        let path = path(&self.directory, topic);
        let read = tokio::task::spawn_blocking(move || {
            // A trail that is not there yet has no events.
            let mut events = read_end(&path, most).unwrap_or_default();
            if events.len() < most {
                let mut earlier = read_end(&path.with_extension("json.1"), most - events.len()).unwrap_or_default();
                earlier.append(&mut events);
                events = earlier;
            }
            events.reverse();
            events
        });
        read.await.unwrap_or_default()
    }

    /// Where the files are.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether events are recorded from now on.
    pub(crate) fn enable(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
    }

    /// Removes the files that were put aside and hold nothing newer than `before`, in seconds since 1970.
    pub(crate) fn forget(&self, before: i64) {
        // A full queue has more to do than to forget; the next sweep asks again.
        let _ = self.queue.try_send(Order::Forget(before));
    }

    /// Events lost since start.
    #[must_use]
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl accounts::ports::Trail for Audit {
    fn is_failing(&self) -> bool {
        // A disk that hangs reports no error; events that find no place are lost all the same.
        (self.failing.load(Ordering::Relaxed) || self.full.load(Ordering::Relaxed)) && self.enabled.load(Ordering::Relaxed)
    }

    fn record(&self, event: AuditEvent) {
        if !self.enabled.load(Ordering::Relaxed) {
            return;
        }
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.queue.try_send(Order::Write(event)) {
            self.full.store(true, Ordering::Relaxed);
            if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::error!("the audit trail cannot keep up with the disk; events are being lost, see vestibule_audit_lost_total");
            }
        }
    }
}

impl AuditWriter {
    /// Waits until everything is written. Every [`Audit`] must have been dropped before.
    pub(crate) fn finish(mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the audit thread panicked");
        }
    }
}

struct Trail {
    directory: PathBuf,
    files: HashMap<Topic, TopicFile>,
    failing: Arc<AtomicBool>,
    full: Arc<AtomicBool>,
}

struct TopicFile {
    writer: BufWriter<File>,
    size: u64,
}

impl Trail {
    fn run(&mut self, orders: &Receiver<Order>) {
        while let Ok(first) = orders.recv() {
            // Nobody unparks this thread; waking early would only make the batch smaller.
            std::thread::park_timeout(GATHER);
            let mut failed = false;
            for order in std::iter::once(first).chain(orders.try_iter()) {
                match order {
                    Order::Forget(before) => self.forget(before),
                    Order::Write(event) => {
                        if let Err(error) = self.write(&event) {
                            tracing::error!(%error, audit.topic = %event.topic, "an audit event cannot be written");
                            self.files.remove(&event.topic);
                            failed = true;
                        }
                    }
                }
            }
            failed |= !self.flush();
            self.failing.store(failed, Ordering::Relaxed);
            self.full.store(false, Ordering::Relaxed);
        }
    }

    fn forget(&mut self, before: i64) {
        self.flush();
        self.files.clear();
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if !name.contains(".audit.json") || name.starts_with('.') {
                continue;
            }
            match retention::forget(&path, before) {
                Ok(true) => {
                    tracing::info!(path = %path.display(), "events of the audit trail that are older than [audit] retain_days were removed");
                }
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, path = %path.display(), "old events of the audit trail cannot be removed"),
            }
        }
    }

    fn write(&mut self, event: &AuditEvent) -> io::Result<()> {
        let mut line = to_value(event).to_string();
        line.push('\n');
        if self.files.get(&event.topic).is_some_and(|file| file.size >= ROTATE_AT) {
            self.rotate(event.topic)?;
        }
        let file = match self.files.entry(event.topic) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(TopicFile::open(&path(&self.directory, event.topic))?),
        };
        file.size += line.len() as u64;
        file.writer.write_all(line.as_bytes())
    }

    fn rotate(&mut self, topic: Topic) -> io::Result<()> {
        if let Some(mut file) = self.files.remove(&topic) {
            file.writer.flush()?;
        }
        let path = path(&self.directory, topic);
        let numbered = |number: u32| path.with_extension(format!("json.{number}"));
        for number in (1..KEPT).rev() {
            if numbered(number).exists() {
                fs::rename(numbered(number), numbered(number + 1))?;
            }
        }
        fs::rename(&path, numbered(1))
    }

    fn flush(&mut self) -> bool {
        let mut broken = Vec::new();
        for (topic, file) in &mut self.files {
            if let Err(error) = file.writer.flush() {
                tracing::error!(%error, audit.topic = %topic, "the audit trail cannot be written");
                broken.push(*topic);
            }
        }
        for topic in &broken {
            self.files.remove(topic);
        }
        broken.is_empty()
    }
}

impl TopicFile {
    fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { writer: BufWriter::new(file), size })
    }
}

fn path(directory: &Path, topic: Topic) -> PathBuf {
    directory.join(format!("{topic}.audit.json"))
}

/// Most bytes that are read of the end of a file.
const END: u64 = 16 * 1024 * 1024;

fn read_end(path: &Path, most: usize) -> io::Result<Vec<(i64, Value)>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let begin = size.saturating_sub(END);
    file.seek(io::SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes)?;
    let mut events = Vec::new();
    let mut at = begin;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        // The first line may be the end of one; the last one may not be whole yet.
        if let Ok(Value::Object(mut event)) = serde_json::from_slice(line) {
            let time = event.get("timestamp").and_then(Value::as_str).and_then(|time| OffsetDateTime::parse(time, &Rfc3339).ok());
            event.insert("_id".to_owned(), json!(id_of(at, line)));
            events.push((time.map_or(0, OffsetDateTime::unix_timestamp), Value::Object(event)));
        }
        at += line.len() as u64;
    }
    Ok(events.split_off(events.len().saturating_sub(most)))
}

/// What an event of a file is called: by its place, which several files have, and by what it says.
fn id_of(at: u64, line: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, line.trim_ascii_end());
    format!("file-{at}-{}", URL_SAFE_NO_PAD.encode(digest.as_ref().get(..6).unwrap_or_default()))
}

/// An event of the store, as one of a file is.
pub(crate) fn of_record(record: &store::AuditRecord) -> Value {
    let mut event = Map::new();
    event.insert("_id".to_owned(), json!(format!("store-{}", record.number)));
    if let Value::Object(members) = to_value(&record.event) {
        event.extend(members);
    }
    Value::Object(event)
}

/// The event as a line: names as in IDM's audit events where there is one.
#[must_use]
pub(crate) fn to_value(event: &AuditEvent) -> Value {
    let time = OffsetDateTime::from_unix_timestamp(event.time).ok().and_then(|time| time.format(&Rfc3339).ok());
    json!({
        "timestamp": time,
        "topic": event.topic.as_str(),
        "eventName": event.event,
        "transactionId": event.transaction,
        "userId": event.user,
        "objectId": event.object,
        "status": if event.successful { "SUCCESSFUL" } else { "FAILED" },
        "detail": event.detail,
    })
}

#[cfg(test)]
mod tests {
    use accounts::ports::Trail as _;

    use super::*;

    fn event(name: &str) -> AuditEvent {
        AuditEvent {
            topic: Topic::Access,
            event: name.into(),
            time: 1_700_000_000,
            transaction: "t".into(),
            user: "anonymous".into(),
            object: String::new(),
            successful: true,
            detail: Value::Null,
        }
    }

    #[test]
    fn the_newest_events_come_first_also_from_a_file_that_was_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let (audit, writer) = Audit::open(directory.path(), true).unwrap();
        (0..4).for_each(|number| audit.record(event(&number.to_string())));
        drop(audit);
        writer.finish();
        let newest = path(directory.path(), Topic::Access);
        fs::rename(&newest, newest.with_extension("json.1")).unwrap();
        let (audit, writer) = Audit::open(directory.path(), true).unwrap();
        (4..6).for_each(|number| audit.record(event(&number.to_string())));
        drop(audit);
        writer.finish();
        let (audit, _writer) = Audit::open(directory.path(), true).unwrap();
        let told = |most: usize| -> Vec<(String, String)> {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let events = runtime.block_on(audit.newest(Topic::Access, most));
            let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
            events.iter().map(|(_, event)| (text(event, "eventName"), text(event, "_id"))).collect()
        };
        let names = |most: usize| told(most).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(10), ["5", "4", "3", "2", "1", "0"]);
        assert_eq!(names(3), ["5", "4", "3"]);
        let ids: std::collections::HashSet<String> = told(10).into_iter().map(|(_, id)| id).collect();
        assert_eq!(ids.len(), 6, "places in two files are the same, and their events are not");
    }

    #[test]
    fn everything_recorded_is_on_disk_when_the_writer_has_finished() {
        let directory = tempfile::tempdir().unwrap();
        let (audit, writer) = Audit::open(directory.path(), true).unwrap();
        for number in 0..1000 {
            audit.record(event(&number.to_string()));
        }
        assert_eq!(audit.lost(), 0);
        drop(audit);
        writer.finish();
        let text = fs::read_to_string(directory.path().join("access.audit.json")).unwrap();
        assert_eq!(text.lines().count(), 1000);
        let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!((&first["eventName"], &first["timestamp"]), (&json!("0"), &json!("2023-11-14T22:13:20Z")));
    }

    /// A pipe that nobody reads: whoever opens it to write waits.
    #[test]
    fn a_trail_that_hangs_is_failing_until_it_is_written_again() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = path(directory.path(), Topic::Access);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (audit, writer) = Audit::open(directory.path(), true).unwrap();
        assert!(!audit.is_failing());
        // As many wait as fit, and one batch is with the thread.
        (0..3 * QUEUE).for_each(|number| audit.record(event(&number.to_string())));
        assert!(audit.is_failing() && audit.lost() > 0);
        let mut reader = File::open(&pipe).unwrap();
        let read = std::thread::spawn(move || io::copy(&mut reader, &mut io::sink()).unwrap());
        while audit.is_failing() {
            std::thread::yield_now();
        }
        drop(audit);
        writer.finish();
        assert!(read.join().unwrap() > 0);
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let mut trail =
            Trail { directory: directory.path().to_owned(), files: HashMap::new(), failing: Arc::default(), full: Arc::default() };
        for round in 0..=KEPT {
            trail.write(&event(&format!("round-{round}"))).unwrap();
            trail.rotate(Topic::Access).unwrap();
        }
        let kept = fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(kept, KEPT as usize);
        let newest = fs::read_to_string(directory.path().join("access.audit.json.1")).unwrap();
        assert!(newest.contains(&format!("round-{KEPT}")));
    }
}
