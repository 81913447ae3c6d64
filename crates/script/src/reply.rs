//! The two ends of a run: a future that any executor may poll, or a thread may wait for. Dropping it gives the run up: if no
//! thread has taken it yet, none will.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use futures_channel::oneshot;
use serde_json::Value;

use crate::ScriptError;

/// What a run ends with.
pub(crate) type Outcome = Result<Value, ScriptError>;
/// Where it is sent.
pub(crate) type Reply = oneshot::Sender<Outcome>;

/// The result of a script to come, as JSON.
#[derive(Debug)]
#[must_use = "a run that nobody waits for is given up"]
pub struct Run(Pending);

#[derive(Debug)]
enum Pending {
    Running(oneshot::Receiver<Outcome>),
    Refused(Option<ScriptError>),
}

impl Run {
    pub(crate) fn running(receiver: oneshot::Receiver<Outcome>) -> Self {
        Self(Pending::Running(receiver))
    }

    pub(crate) fn refused(error: ScriptError) -> Self {
        Self(Pending::Refused(Some(error)))
    }
}

impl Future for Run {
    type Output = Result<Value, ScriptError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const GONE: ScriptError = ScriptError::Unavailable("the sandbox gave the run up");
        match &mut self.0 {
            Pending::Running(receiver) => Pin::new(receiver).poll(cx).map(|sent| sent.unwrap_or(Err(GONE))),
            Pending::Refused(error) => Poll::Ready(Err(error.take().unwrap_or(GONE))),
        }
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

/// Waits on this thread.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
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
