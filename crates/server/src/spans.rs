//! Spans for a collector: how long requests and their parts took (OTLP over HTTP, in JSON), where `[tracing]` names one.
//!
//! Crates make spans with the macros of `tracing` and the target [`TARGET`]; the layer here notes them and a task sends them. Easiest to break: nothing
//! that a client sent becomes an attribute. Values are words of closed lists, numbers, and names out of the configuration. And nothing waits for a
//! collector: what does not fit into the queue is dropped and counted.

mod json;
mod layer;
mod noted;
mod sender;

use std::sync::OnceLock;

use self::noted::Noted;
use self::sender::Queue;

pub use self::layer::{SpanLayer, layer};
pub(crate) use self::sender::Sending;

/// What spans are called among everything that `tracing` hears. The log leaves them out.
pub const TARGET: &str = "vestibule::spans";

/// Where spans go; nothing is noted before.
static QUEUE: OnceLock<Queue> = OnceLock::new();

/// Whether spans are noted at all.
fn is_on() -> bool {
    QUEUE.get().is_some()
}

fn end(noted: Noted) {
    if let Some(queue) = QUEUE.get() {
        queue.push(noted);
    }
}
