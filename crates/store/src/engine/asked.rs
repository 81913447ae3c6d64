//! How much this thread asked of an engine: statements, and rows of lists that they answered. For tests of what must not grow with a store.

#[cfg(any(test, feature = "testing"))]
use std::cell::Cell;

#[cfg(any(test, feature = "testing"))]
thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Counts more.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn note(more: usize) {
    COUNT.set(COUNT.get() + more as u64);
}

/// Nobody counts in a server.
#[cfg(not(any(test, feature = "testing")))]
pub(crate) fn note(_: usize) {}

/// What was counted since the last call.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn take() -> u64 {
    COUNT.take()
}
