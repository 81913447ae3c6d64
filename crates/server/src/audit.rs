//! The audit trail of things that belong to no transaction: access, authentication, steps of a process. One file per topic, one JSON
//! object per line, as log shippers read IDM's. Events of a write are rows of the store, committed with it.
//!
//! Recording never waits for the disk: a thread of its own writes, and what does not fit its queue is counted, not silently gone.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use process::AuditEvent;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

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
pub struct Audit {
    queue: SyncSender<AuditEvent>,
    lost: Arc<AtomicU64>,
}

/// The writing thread; joined at the end so that everything recorded is on disk.
pub struct AuditWriter {
    thread: Option<JoinHandle<()>>,
}

impl Audit {
    /// Opens the trail in `directory`.
    ///
    /// # Errors
    /// When the directory cannot be made or the thread not started.
    pub fn open(directory: &Path) -> io::Result<(Self, AuditWriter)> {
        fs::create_dir_all(directory)?;
        let (queue, events) = sync_channel(QUEUE);
        let mut trail = Trail { directory: directory.to_owned(), files: HashMap::new() };
        let thread = std::thread::Builder::new().name("audit".into()).spawn(move || trail.run(&events))?;
        Ok((Self { queue, lost: Arc::default() }, AuditWriter { thread: Some(thread) }))
    }

    /// Records an event.
    pub fn record(&self, event: AuditEvent) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.queue.try_send(event)
            && self.lost.fetch_add(1, Ordering::Relaxed) == 0
        {
            tracing::error!("the audit trail cannot keep up with the disk; events are being lost, see vestibule_audit_lost_total");
        }
    }

    /// Events lost since start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl AuditWriter {
    /// Waits until everything is written. Every [`Audit`] must have been dropped before.
    pub fn finish(mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the audit thread panicked");
        }
    }
}

struct Trail {
    directory: PathBuf,
    files: HashMap<&'static str, TopicFile>,
}

struct TopicFile {
    writer: BufWriter<File>,
    size: u64,
}

impl Trail {
    fn run(&mut self, events: &Receiver<AuditEvent>) {
        while let Ok(first) = events.recv() {
            // Nobody unparks this thread; waking early would only make the batch smaller.
            std::thread::park_timeout(GATHER);
            for event in std::iter::once(first).chain(events.try_iter()) {
                if let Err(error) = self.write(&event) {
                    tracing::error!(%error, audit.topic = event.topic, "an audit event cannot be written");
                    self.files.remove(event.topic);
                }
            }
            self.flush();
        }
    }

    fn write(&mut self, event: &AuditEvent) -> io::Result<()> {
        let mut line = to_value(event).to_string();
        line.push('\n');
        if self.files.get(event.topic).is_some_and(|file| file.size >= ROTATE_AT) {
            self.rotate(event.topic)?;
        }
        let file = match self.files.entry(event.topic) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(TopicFile::open(&path(&self.directory, event.topic))?),
        };
        file.size += line.len() as u64;
        file.writer.write_all(line.as_bytes())
    }

    fn rotate(&mut self, topic: &'static str) -> io::Result<()> {
        if let Some(mut file) = self.files.remove(topic) {
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

    fn flush(&mut self) {
        for (topic, file) in &mut self.files {
            if let Err(error) = file.writer.flush() {
                tracing::error!(%error, audit.topic = topic, "the audit trail cannot be written");
            }
        }
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

fn path(directory: &Path, topic: &str) -> PathBuf {
    directory.join(format!("{topic}.audit.json"))
}

/// The event as a line: names as in IDM's audit events where there is one.
#[must_use]
pub(crate) fn to_value(event: &AuditEvent) -> Value {
    let time = OffsetDateTime::from_unix_timestamp(event.time).ok().and_then(|time| time.format(&Rfc3339).ok());
    json!({
        "timestamp": time,
        "topic": event.topic,
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
    use super::*;

    fn event(name: &str) -> AuditEvent {
        AuditEvent {
            topic: "access",
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
    fn everything_recorded_is_on_disk_when_the_writer_has_finished() {
        let directory = tempfile::tempdir().unwrap();
        let (audit, writer) = Audit::open(directory.path()).unwrap();
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

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let mut trail = Trail { directory: directory.path().to_owned(), files: HashMap::new() };
        for round in 0..=KEPT {
            trail.write(&event(&format!("round-{round}"))).unwrap();
            trail.rotate("access").unwrap();
        }
        let kept = fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(kept, KEPT as usize);
        let newest = fs::read_to_string(directory.path().join("access.audit.json.1")).unwrap();
        assert!(newest.contains(&format!("round-{KEPT}")));
    }
}
