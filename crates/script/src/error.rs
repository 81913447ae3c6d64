//! What can go wrong with a script, in the operator's words. Nothing here is for the person signing in: a failing condition is
//! audited and decided by `onScriptError`, never shown.

use std::time::Duration;

use serde_json::Value;

/// Why a script gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The source is not JavaScript. Found by [`Program::compile`](crate::Program::compile), before anything runs.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// Counted from 1.
        line: u32,
        /// Counted from 1.
        column: u32,
        /// What the parser expected.
        message: String,
    },
    /// The script threw, on purpose or by a mistake in it, an overflowing stack included.
    #[error("the script threw{}: {message}", line.map(|line| format!(" at line {line}")).unwrap_or_default())]
    Threw {
        /// The name and message of what was thrown, at most 512 bytes. May quote what the script was looking at.
        message: String,
        /// The innermost line of the script itself, counted from 1, where known.
        line: Option<u32>,
        /// What was thrown, where it was an object with members of its own: IDM's scripts throw `{code, message, detail}`. Else null.
        thrown: Value,
    },
    /// The script ran longer than [`Limits::time`](crate::Limits::time), or waited for its host longer than it has patience.
    #[error("the script was stopped after {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The script needed more than [`Limits::heap`](crate::Limits::heap).
    #[error("the script needs more memory than it is allowed")]
    OutOfMemory,
    /// Something is larger or deeper than allowed.
    #[error("{what} exceeds {limit}")]
    TooLarge {
        /// What is too large, with its unit.
        what: &'static str,
        /// The most that is allowed.
        limit: usize,
    },
    /// A condition gave something else than `true` or `false`. Truthiness is not asked: `"false"` would be true.
    #[error("the value of the last expression is of type {0}, a condition must give true or false")]
    NotBoolean(&'static str),
    /// The result has no JSON form, such as half of a surrogate pair.
    #[error("the result has no JSON form: {0}")]
    NotJson(String),
    /// The script uses promises or `async`. There is nothing to wait for in a sandbox, so nothing would ever continue it.
    #[error("the script is asynchronous, which is not supported")]
    Asynchronous,
    /// The sandbox takes no scripts now; the script is not at fault, or another one is.
    #[error("no script can be run now: {0}")]
    Unavailable(&'static str),
}

/// A run that no thread was free for in time.
pub(crate) const LATE: ScriptError = ScriptError::Unavailable("the script waited too long for a thread");

impl ScriptError {
    /// Whether nothing came of a run because its time was over, on a core or in the queue.
    pub(crate) fn is_of_time(&self) -> bool {
        matches!(self, Self::Timeout(_)) || *self == LATE
    }
}
