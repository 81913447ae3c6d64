//! The threads that run scripts, and the one that watches them.
//!
//! The rule that is easiest to break: a run is answered exactly once. The reply lies in [`State::running`] while a thread works on
//! it; whoever takes it out under the lock answers, the thread itself or the watchdog.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_channel::oneshot;
use serde_json::Value;
use tracing::Dispatch;
use tracing::dispatcher::{get_default, with_default};

use crate::deadline::{Allowance, Deadline};
use crate::error::LATE;
use crate::reply::{self, Outcome, Reply};
use crate::run::{self, Expected, Task};
use crate::turns::{Turns, Whose};
use crate::{Bindings, ConditionRun, Host, KeepingRun, Kept, Limits, Program, Run, ScriptError};

/// What a thread needs beyond the script's own stack: the engine's native functions and the host.
const STACK_RESERVE: usize = 2 << 20;
/// What each script inside another needs besides its own stack.
const NESTING_RESERVE: usize = 512 << 10;

const SATURATED: ScriptError = ScriptError::Unavailable("too many scripts that could not be stopped are still running");
const CROWDED: ScriptError = ScriptError::Unavailable("too many scripts are waiting");
const NO_THREAD: ScriptError = ScriptError::Unavailable("no thread could be started");

/// Runs scripts on a few threads of its own, started when first needed.
///
/// A script is stopped when its time on a core is over, or after several times as long where it waits. The engine cannot stop inside some of its native functions; such a run is answered
/// with [`ScriptError::Timeout`] after [`Limits::grace`], and its thread is given up and replaced. A thread that was given up ends
/// as soon as the engine looks up from its work. While [`Limits::abandoned`] of them are busy, scripts are refused.
///
/// What a host logs while a script asks it goes to the log of whoever started the script, not to that of the sandbox's threads: who tries something
/// unheard stays unheard.
///
/// Clients have their turns where it is known whose a script is ([`Sandbox::in_turns_of`]).
///
/// Dropping it refuses what waits, lets what runs come to its end and waits for nothing.
#[derive(Debug)]
pub struct Sandbox {
    threads: Arc<Threads>,
    /// Runs of this one that ran out of time.
    slow: Arc<AtomicUsize>,
    whose: fn() -> Whose,
}

/// The threads of sandboxes that share them. With the last of these they end.
#[derive(Debug)]
struct Threads(Arc<Pool>);

impl Sandbox {
    /// Starts nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let pool = Pool { limits: limits.clamped(), state: Mutex::default(), work: Condvar::new(), watch: Condvar::new() };
        Self { threads: Arc::new(Threads(Arc::new(pool))), slow: Arc::default(), whose: || None }
    }

    /// The same, with `whose` to ask on the thread that begins a run for which client that is; `None` is the server itself. No client keeps scripts of others
    /// waiting: they have their turns, and whoever has nothing running finds a thread, up to as many more as there are ([`Limits::workers`]).
    #[must_use]
    pub fn in_turns_of(self, whose: fn() -> Option<u64>) -> Self {
        Self { whose, ..self }
    }

    /// Another one on the same threads, which counts for itself.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { threads: Arc::clone(&self.threads), slow: Arc::default(), whose: self.whose }
    }

    /// How many runs of this sandbox were waited for and came to nothing because time ran out: on a core, while they waited for their host, or before a
    /// thread was free.
    #[must_use]
    pub fn slow(&self) -> usize {
        self.slow.load(Ordering::Relaxed)
    }

    /// Runs a script for its value. What JSON cannot express becomes what `JSON.stringify` makes of it; no value becomes null.
    ///
    /// The run is queued by this call; the future needs no particular executor, and dropping it gives the run up.
    pub fn run(&self, program: &Program, bindings: Bindings, host: Arc<dyn Host>) -> Run {
        self.submit(program, bindings, host, Expected::Json)
    }

    /// As [`Sandbox::run`], waiting on this thread. Not for threads of an asynchronous runtime.
    ///
    /// # Errors
    /// Any [`ScriptError`] but `Syntax` and `NotBoolean`.
    pub fn run_blocking(&self, program: &Program, bindings: Bindings, host: Arc<dyn Host>) -> Result<Value, ScriptError> {
        reply::wait(self.run(program, bindings, host))
    }

    /// Runs a script for `true` or `false`; anything else is [`ScriptError::NotBoolean`].
    pub fn run_condition(&self, program: &Program, bindings: Bindings, host: Arc<dyn Host>) -> ConditionRun {
        ConditionRun(self.submit(program, bindings, host, Expected::Boolean))
    }

    /// As [`Sandbox::run_condition`], waiting on this thread. Not for threads of an asynchronous runtime.
    ///
    /// # Errors
    /// Any [`ScriptError`] but `Syntax`.
    pub fn run_condition_blocking(&self, program: &Program, bindings: Bindings, host: Arc<dyn Host>) -> Result<bool, ScriptError> {
        reply::wait(self.run_condition(program, bindings, host))
    }

    /// As [`Sandbox::run`], and tells what became of the variables that [`Bindings::keeping`] names.
    pub fn run_keeping(&self, program: &Program, bindings: Bindings, host: Arc<dyn Host>) -> KeepingRun {
        KeepingRun(self.submit(program, bindings, host, Expected::Kept))
    }

    /// As [`Sandbox::run_keeping`], waiting on this thread. Not for threads of an asynchronous runtime.
    ///
    /// # Errors
    /// Any [`ScriptError`] but `Syntax` and `NotBoolean`.
    pub fn run_keeping_blocking(&self, program: &Program, bindings: Bindings, host: Arc<dyn Host>) -> Result<Kept, ScriptError> {
        reply::wait(self.run_keeping(program, bindings, host))
    }

    /// How many threads were given up and are still busy. A figure above 0 for long wants an operator's attention.
    pub fn abandoned(&self) -> usize {
        self.threads.0.lock().abandoned
    }

    fn submit(&self, program: &Program, bindings: Bindings, host: Arc<dyn Host>, expected: Expected) -> Run {
        let task = Task { program: program.clone(), bindings, host, expected };
        let pool = &self.threads.0;
        let slow = Arc::clone(&self.slow);
        if let Some(outcome) = run::evaluate_inside(&task, &pool.limits) {
            return Run::done(outcome, slow);
        }
        match pool.submit(task, (self.whose)()) {
            Ok(receiver) => Run::running(receiver, slow),
            Err(error) => Run::done(Err(error), slow),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.lock();
            state.closed = true;
            state.queue.clear()
        };
        self.0.work.notify_all();
        self.0.watch.notify_all();
        drop(waiting);
    }
}

#[derive(Debug)]
struct Pool {
    limits: Limits,
    state: Mutex<State>,
    /// Something is queued, or the pool is closed.
    work: Condvar,
    /// Something runs after nothing did, or the pool is closed.
    watch: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: Turns<Queued>,
    /// By number of the thread.
    running: HashMap<u64, Running>,
    /// Threads that work or wait for work; not those given up.
    workers: usize,
    idle: usize,
    abandoned: usize,
    next_worker: u64,
    has_watchdog: bool,
    /// The watchdog waits for something to run, not for a moment.
    watchdog_rests: bool,
    closed: bool,
}

#[derive(Debug)]
struct Queued {
    task: Task,
    log: Dispatch,
    reply: Reply,
    until: Deadline,
}

#[derive(Debug)]
struct Running {
    whose: Whose,
    reply: Reply,
    give_up: Deadline,
    time: Duration,
}

impl State {
    fn running_of(&self, whose: Whose) -> usize {
        self.running.values().filter(|run| run.whose == whose).count()
    }

    /// Whether one more script of a client may run beside `workers`: a thread that is free of them, or the first of its own.
    fn may_run(&self, whose: Whose, workers: usize) -> bool {
        let own = self.running_of(whose);
        own < workers && (own == 0 || self.running.len() < workers)
    }

    /// The task whose turn it is.
    fn next(&mut self, workers: usize) -> Option<(Whose, Queued)> {
        let mut queue = std::mem::take(&mut self.queue);
        let next = queue.next(|whose| self.may_run(whose, workers) && self.running.len() < workers.saturating_mul(2));
        self.queue = queue;
        next
    }
}

impl Pool {
    /// A panic while the lock is held cannot leave the state half changed: nothing between two changes that belong together panics.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(self: &Arc<Self>, task: Task, whose: Whose) -> Result<oneshot::Receiver<Outcome>, ScriptError> {
        let (reply, receiver) = oneshot::channel();
        let mut state = self.lock();
        if state.abandoned >= self.limits.abandoned {
            return Err(SATURATED);
        }
        self.ensure_watchdog(&mut state)?;
        let until = Deadline::after(self.limits.queue_time);
        let queued = Queued { task, log: get_default(Dispatch::clone), reply, until };
        let put_out = state.queue.push(whose, queued, self.limits.queue);
        let refused = if self.ensure_workers(&mut state).is_err() && state.workers == 0 { state.queue.clear() } else { Vec::new() };
        drop(state);
        self.work.notify_one();
        // Whoever is put out is told so; that may be this one.
        for (Queued { reply, .. }, error) in
            put_out.into_iter().map(|out| (out, CROWDED)).chain(refused.into_iter().map(|out| (out, NO_THREAD)))
        {
            let _ = reply.send(Err(error));
        }
        Ok(receiver)
    }

    fn ensure_watchdog(self: &Arc<Self>, state: &mut State) -> Result<(), ScriptError> {
        if !state.has_watchdog {
            let pool = Arc::clone(self);
            let watchdog = std::thread::Builder::new().name("script-watchdog".to_owned());
            watchdog.spawn(move || pool.watch_over()).map_err(|_| NO_THREAD)?;
            state.has_watchdog = true;
        }
        Ok(())
    }

    /// Starts a thread when more is queued than threads wait; beyond the usual number only for a client that has nothing running.
    fn ensure_workers(self: &Arc<Self>, state: &mut State) -> std::io::Result<()> {
        let spare = state.workers < self.limits.workers.saturating_mul(2) && state.queue.has(|whose| state.running_of(whose) == 0);
        if state.idle < state.queue.waiting() && (state.workers < self.limits.workers || spare) {
            let pool = Arc::clone(self);
            let worker = state.next_worker;
            // Only touched pages of it are memory.
            let nested = self.limits.stack.saturating_add(NESTING_RESERVE).saturating_mul(self.limits.depth);
            let stack = STACK_RESERVE.saturating_add(nested);
            let thread = std::thread::Builder::new().name(format!("script-{worker}")).stack_size(stack);
            thread.spawn(move || pool.work(worker))?;
            state.next_worker += 1;
            state.workers += 1;
        }
        Ok(())
    }

    fn work(&self, worker: u64) {
        while let Some((task, log, until)) = self.take(worker) {
            let allowance = Allowance::new(task.bindings.time.unwrap_or(self.limits.time), until);
            let outcome = with_default(&log, || run::evaluate(&task, &self.limits, allowance));
            if !self.finish(worker, outcome) {
                return;
            }
        }
    }

    /// Waits for a task, with where its lines go and the moment at which it is over at the latest. Nothing once the pool is closed.
    fn take(&self, worker: u64) -> Option<(Task, Dispatch, Deadline)> {
        let mut state = self.lock();
        loop {
            while let Some((whose, Queued { task, log, reply, until })) = state.next(self.limits.workers) {
                if reply.is_canceled() {
                    continue;
                }
                let refusal = if state.abandoned >= self.limits.abandoned { Some(SATURATED) } else { until.has_passed().then_some(LATE) };
                if let Some(error) = refusal {
                    drop(state);
                    let _ = reply.send(Err(error));
                    state = self.lock();
                    continue;
                }
                let time = task.bindings.time.unwrap_or(self.limits.time);
                let longest = self.limits.longest(time);
                let until = Deadline::after(longest);
                let give_up = Deadline::after(longest.saturating_add(self.limits.grace));
                // The watchdog sleeps until the earliest moment it knew of; a shorter run must not wait for a longer one.
                let sleeps_too_long = state.running.values().any(|run| run.time > time);
                state.running.insert(worker, Running { whose, reply, give_up, time });
                if state.watchdog_rests || sleeps_too_long {
                    state.watchdog_rests = false;
                    self.watch.notify_one();
                }
                return Some((task, log, until));
            }
            if state.closed {
                state.workers -= 1;
                return None;
            }
            state.idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Answers; false when the watchdog did so before, and this thread has to end.
    fn finish(&self, worker: u64, outcome: Outcome) -> bool {
        let mut state = self.lock();
        let Some(Running { reply, .. }) = state.running.remove(&worker) else {
            state.abandoned -= 1;
            return false;
        };
        drop(state);
        let _ = reply.send(outcome);
        true
    }

    fn watch_over(self: Arc<Self>) {
        while let Some(overdue) = self.overdue() {
            for Running { reply, time, .. } in overdue {
                let _ = reply.send(Err(ScriptError::Timeout(time)));
            }
        }
    }

    /// Waits until threads have to be given up, gives them up and returns what they owe. Nothing once the pool is closed and idle.
    fn overdue(self: &Arc<Self>) -> Option<Vec<Running>> {
        let mut state = self.lock();
        loop {
            let stuck: Vec<u64> = state.running.iter().filter(|(_, run)| run.give_up.has_passed()).map(|(worker, _)| *worker).collect();
            if !stuck.is_empty() {
                let replies: Vec<Running> = stuck.iter().filter_map(|worker| state.running.remove(worker)).collect();
                state.abandoned += replies.len();
                state.workers -= replies.len();
                for _ in &replies {
                    if self.ensure_workers(&mut state).is_err() && state.workers == 0 {
                        // Nobody is left to serve the queue: refuse it rather than let it wait for the next submission.
                        drop(state.queue.clear());
                    }
                }
                // What waited for its client's share may run now, on a thread that rests.
                self.work.notify_all();
                return Some(replies);
            }
            if state.closed && state.running.is_empty() {
                return None;
            }
            state = match state.running.values().filter_map(|run| run.give_up.remaining()).min() {
                Some(left) => self.watch.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None if state.running.is_empty() => {
                    state.watchdog_rests = true;
                    self.watch.wait(state).unwrap_or_else(PoisonError::into_inner)
                }
                None => state,
            };
        }
    }
}
