//! What tests ask of statements: how many this thread asked of an engine, with the rows of lists that they answered, for what must not grow with a
//! store; and one that fails, for what a unit leaves when it is undone in its middle.

#[cfg(any(test, feature = "testing"))]
use std::cell::Cell;

use super::Error;

#[cfg(any(test, feature = "testing"))]
thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    /// Statements until one fails.
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
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

/// Does something of which the so-manieth statement fails; whether one did.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn stumbling<T>(statement: u64, work: impl FnOnce() -> T) -> (T, bool) {
    LEFT.set(Some(statement));
    let done = work();
    (done, LEFT.take() == Some(0))
}

/// Fails where a test says.
#[cfg(any(test, feature = "testing"))]
pub(super) fn stumble() -> Result<(), Error> {
    match LEFT.get() {
        None => Ok(()),
        // What comes behind a failure fails too, as in a transaction of PostgreSQL.
        Some(0 | 1) => {
            LEFT.set(Some(0));
            Err(Error::Undecodable("a statement fails because a test says so".to_owned()))
        }
        Some(left) => {
            LEFT.set(Some(left - 1));
            Ok(())
        }
    }
}

/// Nobody stumbles in a server.
#[cfg(not(any(test, feature = "testing")))]
#[expect(clippy::unnecessary_wraps, reason = "it is another function in tests")]
pub(super) fn stumble() -> Result<(), Error> {
    Ok(())
}
