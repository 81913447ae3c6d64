//! The lines a child process prints, kept and waited for.
//!
//! Easiest to get wrong: what a process printed before it answered must be seen by whoever looks after the answer. So nobody looks at what
//! a reading thread happens to have got to; whoever looks first takes what is in the pipe.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long anything may take to appear: a bound for what hangs, far above what a busy machine needs.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Lines in the order they were printed.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<(Mutex<Kept>, Condvar)>);

#[derive(Default)]
struct Kept {
    lines: Vec<String>,
    /// A line that has no end yet.
    begun: Vec<u8>,
    /// None when the process has closed it.
    pipe: Option<File>,
}

/// Whether a read would return at once, waiting for that as long as `limit` says, or until then.
fn readable(pipe: &impl AsFd, limit: Option<&Timespec>) -> bool {
    let mut asked = [PollFd::new(pipe, PollFlags::IN)];
    loop {
        match poll(&mut asked, limit) {
            Ok(ready) => return ready > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("a pipe cannot be waited for: {error}"),
        }
    }
}

impl Kept {
    /// Takes what is in the pipe at this moment.
    fn take(&mut self) {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut bytes = [0; 16 * 1024];
        while let Some(pipe) = self.pipe.as_mut().filter(|pipe| readable(*pipe, Some(&now))) {
            match pipe.read(&mut bytes) {
                Ok(read) if read > 0 => self.begun.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => self.pipe = None,
            }
        }
        let whole = self.begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let end = if self.pipe.is_none() { self.begun.len() } else { whole };
        let taken: Vec<u8> = self.begun.drain(..end).collect();
        self.lines.extend(String::from_utf8_lossy(&taken).lines().map(|line| line.trim_end().to_owned()));
    }
}

impl Lines {
    /// Reads a pipe until it ends.
    pub(crate) fn of(pipe: impl Into<OwnedFd>) -> Self {
        let pipe = File::from(pipe.into());
        let watched = pipe.try_clone().unwrap();
        let lines = Self(Arc::new((Mutex::new(Kept { pipe: Some(pipe), ..Kept::default() }), Condvar::new())));
        let kept = lines.clone();
        std::thread::spawn(move || {
            while readable(&watched, None) {
                let ended = kept.look().pipe.is_none();
                kept.0.1.notify_all();
                if ended {
                    return;
                }
            }
        });
        lines
    }

    /// What was printed up to this moment.
    fn look(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.0.0.lock().unwrap();
        kept.take();
        kept
    }

    /// Waits until `find` finds something among the lines from `from` on. Nothing when the process ended or the time is up.
    pub(crate) fn wait<T>(&self, from: usize, mut find: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let mut next = from;
        let mut found = None;
        let (_guard, _) = self
            .0
            .1
            .wait_timeout_while(self.look(), PATIENCE, |kept| {
                found = kept.lines.iter().skip(next).find_map(|line| find(line));
                next = kept.lines.len().max(next);
                found.is_none() && kept.pipe.is_some()
            })
            .unwrap();
        found
    }

    /// How many lines there are so far.
    pub(crate) fn count(&self) -> usize {
        self.look().lines.len()
    }

    /// Everything printed so far.
    pub(crate) fn text(&self) -> String {
        self.look().lines.join("\n")
    }

    /// Waits until the process has closed the pipe, and hands out everything it printed.
    pub(crate) fn all(&self) -> String {
        let (kept, _) = self.0.1.wait_timeout_while(self.look(), PATIENCE, |kept| kept.pipe.is_some()).unwrap();
        kept.lines.join("\n")
    }
}

#[test]
fn what_was_printed_before_the_look_is_seen_by_it() {
    use std::io::Write as _;
    let (reader, mut writer) = std::io::pipe().unwrap();
    let lines = Lines::of(reader);
    for number in 1..=2000 {
        writeln!(writer, "line {number}").unwrap();
        assert_eq!(lines.count(), number);
    }
    write!(writer, "no end yet").unwrap();
    assert_eq!(lines.count(), 2000);
    drop(writer);
    assert!(lines.all().ends_with("line 2000\nno end yet"));
}
