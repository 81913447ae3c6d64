//! Whether a file of a build is still the one that was read.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// What tells a file from what it was: when it was written, how long it is, and which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Seconds and nanoseconds.
    pub(super) written: (i64, i64),
    /// Bytes.
    pub(super) length: u64,
    file: (u64, u64),
}

impl Mark {
    /// Of what the system says of it.
    pub(super) fn of(facts: &fs::Metadata) -> Self {
        Self { written: (facts.mtime(), facts.mtime_nsec()), length: facts.len(), file: (facts.ino(), facts.dev()) }
    }
}
