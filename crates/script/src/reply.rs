//! The two ends of a run: a future that any executor may poll, or a thread may wait for. Dropping it gives the run up: if no
//! thread has taken it yet, none will.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use futures_channel::oneshot;
use serde_json::{Map, Value};

use crate::ScriptError;

/// What a run ends with.
pub(crate) type Outcome = Result<Value, ScriptError>;
/// Where it is sent.
pub(crate) type Reply = oneshot::Sender<Outcome>;

/// The result of a script to come, as JSON.
#[derive(Debug)]
#[must_use = "a run that nobody waits for is given up"]
pub struct Run {
    pending: Pending,
    /// Counted where time ran out.
    slow: Arc<AtomicUsize>,
}

#[derive(Debug)]
enum Pending {
    Running(oneshot::Receiver<Outcome>),
    Done(Option<Outcome>),
}

impl Run {
    pub(crate) fn running(receiver: oneshot::Receiver<Outcome>, slow: Arc<AtomicUsize>) -> Self {
        Self { pending: Pending::Running(receiver), slow }
    }

    pub(crate) fn done(outcome: Outcome, slow: Arc<AtomicUsize>) -> Self {
        Self { pending: Pending::Done(Some(outcome)), slow }
    }
}

impl Future for Run {
    type Output = Result<Value, ScriptError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const GONE: ScriptError = ScriptError::Unavailable("the sandbox gave the run up");
        let polled = match &mut self.pending {
            Pending::Running(receiver) => Pin::new(receiver).poll(cx).map(|sent| sent.unwrap_or(Err(GONE))),
            Pending::Done(outcome) => Poll::Ready(outcome.take().unwrap_or(Err(GONE))),
        };
        if let Poll::Ready(Err(error)) = &polled
            && error.is_of_time()
        {
            self.slow.fetch_add(1, Ordering::Relaxed);
        }
        polled
    }
}

/// The answer of a condition to come.
#[derive(Debug)]
#[must_use = "a run that nobody waits for is given up"]
pub struct ConditionRun(pub(crate) Run);

impl Future for ConditionRun {
    type Output = Result<bool, ScriptError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|outcome| match outcome? {
            Value::Bool(answer) => Ok(answer),
            // The run was asked for a boolean, so it has refused everything else by its own name.
            _ => Err(ScriptError::NotBoolean("object")),
        })
    }
}

/// What a script gives, and what became of its variables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// The value of its last expression; `None` for `undefined`.
    pub value: Option<Value>,
    /// The variables that were to be kept.
    pub variables: Map<String, Value>,
}

/// A run that keeps variables, to come.
#[derive(Debug)]
#[must_use = "a run that nobody waits for is given up"]
pub struct KeepingRun(pub(crate) Run);

impl Future for KeepingRun {
    type Output = Result<Kept, ScriptError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|outcome| {
            let mut parts = match outcome? {
                Value::Array(parts) => parts,
                _ => Vec::new(),
            };
            let variables = match parts.pop() {
                Some(Value::Object(variables)) => variables,
                _ => Map::new(),
            };
            Ok(Kept { value: parts.pop(), variables })
        })
    }
}

/// Waits on this thread, for a host that has to do something asynchronous in the middle of a run. Not for threads of an asynchronous
/// runtime.
pub fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        std::thread::park();
    }
}
