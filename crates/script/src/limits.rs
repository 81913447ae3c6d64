//! What a script may use. The rule that is easiest to break: a figure that is too small must fail the script, never the server, so
//! figures below what the engine itself needs are raised.

use std::time::Duration;

/// Below this the engine cannot even start.
const MIN_HEAP: usize = 1 << 20;
/// Below this the host's own functions do not fit.
const MIN_STACK: usize = 64 << 10;
/// The engine ignores limits above this.
const MAX_STACK: usize = 16 << 20;

/// Limits of one script and of the pool that runs scripts (SEC-52).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wall-clock time of one run, from the moment a thread takes it, calls to the host included. Default 100 ms.
    pub time: Duration,
    /// Bytes the engine may allocate for one run. Default 16 MiB, at least 1 MiB.
    pub heap: usize,
    /// Bytes of stack one run may use. Default 512 KiB, from 64 KiB to 16 MiB.
    pub stack: usize,
    /// Bytes of JSON a result may have. Default 256 KiB.
    pub output: usize,
    /// Calls of `openidm.read` and `openidm.query` in one run. Default 32.
    pub host_calls: usize,
    /// Threads that run scripts, started when first needed. Default: one per core, at most 4.
    pub workers: usize,
    /// Time beyond [`Limits::time`] in which a run must notice that it is over, before its thread is given up. Default 100 ms.
    pub grace: Duration,
    /// Threads given up and still busy, at which further scripts are refused until one of them ends. Default 4.
    pub abandoned: usize,
    /// Runs that may wait for a thread. Default 256.
    pub queue: usize,
    /// Time a run may wait for a thread before it is refused. Default 1 s.
    pub queue_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_millis(100),
            heap: 16 << 20,
            stack: 512 << 10,
            output: 256 << 10,
            host_calls: 32,
            workers: std::thread::available_parallelism().map_or(1, usize::from).min(4),
            grace: Duration::from_millis(100),
            abandoned: 4,
            queue: 256,
            queue_time: Duration::from_secs(1),
        }
    }
}

impl Limits {
    /// The same with every figure in the range that works.
    pub(crate) fn clamped(self) -> Self {
        Self {
            heap: self.heap.max(MIN_HEAP),
            stack: self.stack.clamp(MIN_STACK, MAX_STACK),
            workers: self.workers.max(1),
            abandoned: self.abandoned.max(1),
            queue: self.queue.max(1),
            ..self
        }
    }
}
