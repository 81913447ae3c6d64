//! What a script may use. The rule that is easiest to break: a figure that is too small must fail the script, never the server, so
//! figures below what the engine itself needs are raised.

use std::time::Duration;

/// Below this the engine cannot even start.
const MIN_HEAP: usize = 1 << 20;
/// Below this the host's own functions do not fit.
const MIN_STACK: usize = 64 << 10;
/// The engine ignores limits above this.
const MAX_STACK: usize = 16 << 20;

/// Each script has a stack of its own on the same thread.
const MAX_DEPTH: usize = 8;

/// Limits of one script and of the pool that runs scripts (SEC-52).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time of one run on a core. Default 100 ms.
    pub time: Duration,
    /// How many times [`Limits::time`] may pass on the wall while a run waits for its host or for its turn on a core. Default 10.
    pub patience: u32,
    /// Bytes the engine may allocate for one run. Default 16 MiB, at least 1 MiB.
    pub heap: usize,
    /// Bytes of stack one run may use. Default 512 KiB, from 64 KiB to 16 MiB.
    pub stack: usize,
    /// Bytes of JSON a result may have. Default 256 KiB.
    pub output: usize,
    /// Bytes of JSON that the variables a run keeps may have together. Default 4 MiB.
    pub kept: usize,
    /// Calls of the functions of `openidm` in one run. Default 32.
    pub host_calls: usize,
    /// Scripts that run while the script that caused them waits, one inside the other. Default 4, at most 8.
    pub depth: usize,
    /// Threads that run scripts, started when first needed. Default: one per core, at most 4.
    pub workers: usize,
    /// Time beyond [`Limits::longest`] in which a run must notice that it is over, before its thread is given up. Default 100 ms.
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
            patience: 10,
            heap: 16 << 20,
            stack: 512 << 10,
            output: 256 << 10,
            kept: 4 << 20,
            host_calls: 32,
            depth: 4,
            workers: std::thread::available_parallelism().map_or(1, usize::from).min(4),
            grace: Duration::from_millis(100),
            abandoned: 4,
            queue: 256,
            queue_time: Duration::from_secs(1),
        }
    }
}

impl Limits {
    /// What may pass on the wall during a run of `time` on a core.
    pub(crate) fn longest(&self, time: Duration) -> Duration {
        time.saturating_mul(self.patience)
    }

    /// The same with every figure in the range that works.
    pub(crate) fn clamped(self) -> Self {
        Self {
            heap: self.heap.max(MIN_HEAP),
            stack: self.stack.clamp(MIN_STACK, MAX_STACK),
            patience: self.patience.max(1),
            depth: self.depth.clamp(1, MAX_DEPTH),
            workers: self.workers.max(1),
            abandoned: self.abandoned.max(1),
            queue: self.queue.max(1),
            ..self
        }
    }
}
