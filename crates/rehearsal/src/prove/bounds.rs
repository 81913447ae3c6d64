//! How much an exploration tries before it says that there is more.

use std::fmt;

use serde::Serialize;

/// Most inputs that one question is tried with.
pub(crate) const MOST_INPUTS: usize = 96;

/// What an exploration may cost.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Bounds {
    /// States of one kind of account with one set of proofs.
    pub states: usize,
    /// Submissions in a row.
    pub depth: usize,
    /// Submissions altogether.
    pub submissions: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { states: 600, depth: 24, submissions: 50_000 }
    }
}

impl Bounds {
    /// What a server can afford for one process when it starts.
    pub const AT_LOAD: Self = Self { states: 600, depth: 24, submissions: 900 };

    /// The same where that is not enough and can wait: a start waits for it.
    pub const AT_LOAD_FURTHER: Self = Self { submissions: 10 * Self::AT_LOAD.submissions, ..Self::AT_LOAD };

    /// For a process of so many stages, which cannot be ended in fewer submissions.
    #[must_use]
    pub(crate) fn of(self, stages: usize) -> Self {
        Self { depth: self.depth.max(stages * 2 + 4), ..self }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, depth, submissions } = self;
        write!(f, "bounds: {states} states of each, {submissions} submissions, {depth} in a row, {MOST_INPUTS} answers to a question")
    }
}
