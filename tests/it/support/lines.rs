//! The lines a child process prints, kept and waited for.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// How long anything may take to appear.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Lines in the order they were printed.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<(Mutex<Kept>, Condvar)>);

#[derive(Default)]
struct Kept {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    /// Reads a pipe on a thread of its own until it ends.
    pub(crate) fn of(pipe: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let kept = lines.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(pipe);
            let mut bytes = Vec::new();
            while matches!(reader.read_until(b'\n', &mut bytes), Ok(read) if read > 0) {
                let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
                kept.change(|kept| kept.lines.push(line));
                bytes.clear();
            }
            kept.change(|kept| kept.ended = true);
        });
        lines
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    /// Waits until `find` finds something among the lines from `from` on. Nothing when the process ended or the time is up.
    pub(crate) fn wait<T>(&self, from: usize, mut find: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let (mutex, condvar) = &*self.0;
        let mut next = from;
        let mut found = None;
        let kept = mutex.lock().unwrap();
        let (_guard, _) = condvar
            .wait_timeout_while(kept, PATIENCE, |kept| {
                found = kept.lines.iter().skip(next).find_map(|line| find(line));
                next = kept.lines.len().max(next);
                found.is_none() && !kept.ended
            })
            .unwrap();
        found
    }

    /// How many lines there are so far.
    pub(crate) fn count(&self) -> usize {
        self.0.0.lock().unwrap().lines.len()
    }

    /// Everything printed so far.
    pub(crate) fn text(&self) -> String {
        self.0.0.lock().unwrap().lines.join("\n")
    }

    /// Waits until the process has closed the pipe, and hands out everything it printed.
    pub(crate) fn all(&self) -> String {
        let (mutex, condvar) = &*self.0;
        let (kept, _) = condvar.wait_timeout_while(mutex.lock().unwrap(), PATIENCE, |kept| !kept.ended).unwrap();
        kept.lines.join("\n")
    }
}
