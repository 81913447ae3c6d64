//! Work that has a caller: how it is begun by a thread of the store, and how the caller hears of it.

use tokio::sync::oneshot;

use crate::engine::Connection;
use crate::error::Unavailable;

/// What committed work survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Whatever happens: it is on the disk, and on a standby where one is declared, before its caller hears of it.
    Always,
    /// The end of the process, however it ends. After a power cut it may be as if it had not been done, unless something later was kept.
    /// For what only costs a little when it is forgotten: a counted attempt, a mail that is sent once more.
    ByProcess,
}

/// Work that has a caller.
pub(crate) trait Job: Send {
    /// Whether the caller is still there.
    fn is_wanted(&self) -> bool;
    /// Does the work; `false` when it failed and is to be undone. May be called again when it was undone.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Tells the caller what came of it. With a failure nothing of it was done.
    fn answer(self: Box<Self>, committed: Result<(), Unavailable>);
}

struct Work<F, T, E> {
    task: F,
    outcome: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

/// The work, and where its caller waits for what comes of it.
pub(crate) fn job<F, T, E>(task: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    F: FnMut(&Connection) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Unavailable> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(Work { task, outcome: None, caller }), answer)
}

impl<F, T, E> Job for Work<F, T, E>
where
    F: FnMut(&Connection) -> Result<T, E> + Send,
    T: Send,
    E: From<Unavailable> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.caller.is_closed()
    }

    fn run(&mut self, connection: &Connection) -> bool {
        // A panic leaves nothing of an earlier attempt.
        self.outcome = None;
        self.outcome = Some((self.task)(connection));
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: Result<(), Unavailable>) {
        let outcome = match (self.outcome, committed) {
            (Some(Err(refusal)), _) => Err(refusal),
            (Some(done), Ok(())) => done,
            (_, Err(error)) => Err(error.into()),
            (None, Ok(())) => Err(Unavailable("the work was given up".to_owned()).into()),
        };
        // A caller that has gone needs no answer.
        drop(self.caller.send(outcome));
    }
}
