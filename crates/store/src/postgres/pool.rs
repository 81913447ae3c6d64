//! The connections, each on a thread of its own, and the queue of work they take from.
//!
//! Easiest to break: who waits and for how long. While no server can be written to, work waits in the queue and is done when one can be,
//! within a limit; nobody hears of a failure that the next server mends.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use process::LedgerError;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::address::Address;
use super::connect::Ways;
use super::connection::Connection as ServerConnection;
use super::faults::Fault;
use super::migrate;
use super::outcome::{self, Mark, Outcome};
use crate::OpenError;
use crate::engine::Connection;
use crate::error::Unavailable;
use crate::job::{Job, Kept, job};

/// Work that may wait for its turn; the next one hears that the store is not available.
const QUEUE: usize = 4096;
/// How long work waits for a server that can be written to, and for its turn.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long after its end it may still take to find out what became of a unit.
const DOUBT: Duration = Duration::from_secs(15);
/// Between two attempts to find the writer.
const PAUSE: Duration = Duration::from_millis(100);
/// How old a connection becomes: whatever leads to another server meanwhile is noticed by then.
const AGE: Duration = Duration::from_mins(10);
/// A thread that had nothing to do for so long ends, unless it is the last one.
const IDLE: Duration = Duration::from_mins(1);

/// The way to a store on a server. The threads end when it is closed or dropped.
pub(crate) struct Pool(Arc<Shared>);

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.woken.notify_all();
    }
}

struct Shared {
    ways: Ways,
    state: Mutex<State>,
    woken: Condvar,
    /// Grows when all connections are to be given up.
    generation: AtomicU64,
    /// A server that can be written to was there when it was last asked.
    writer: AtomicBool,
    /// A thread looks for it although there is no work.
    seeking: AtomicBool,
    /// Statements are not prepared under names.
    unnamed: AtomicBool,
}

#[derive(Default)]
struct State {
    orders: VecDeque<Order>,
    threads: usize,
    idle: usize,
    walks: usize,
    closed: bool,
    /// Who waits for the end of the last thread.
    closing: Vec<oneshot::Sender<()>>,
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Look,
    /// Looking that may take long.
    Walk,
    Write(Kept),
}

struct Order {
    purpose: Purpose,
    job: Box<dyn Job>,
    until: Instant,
}

/// What a thread does next.
enum Next {
    Work(Order),
    /// Looks for the server that can be written to: nobody else does, and there is no work.
    Seek,
    End,
}

/// A connection of a thread.
struct Held {
    connection: Connection,
    generation: u64,
    since: Instant,
}

impl Pool {
    /// Connects, and makes the tables or brings them up to date.
    ///
    /// # Errors
    /// What is wrong with the address, the servers or the tables.
    pub(crate) async fn open(address: Address) -> Result<Self, OpenError> {
        let (opened, answer) = oneshot::channel();
        let name = address.to_string();
        let failed = move |cause: String| OpenError::Server { store: name.clone(), cause };
        let lost = failed.clone();
        let start = move || {
            let outcome = prepare(address, &failed);
            // Whoever asked has gone, and the connection with them.
            drop(opened.send(outcome));
        };
        std::thread::Builder::new().name("store-open".to_owned()).spawn(start).map_err(|error| lost(error.to_string()))?;
        let ways = answer.await.map_err(|_| lost("it was given up".to_owned()))??;
        let shared = Shared {
            ways,
            state: Mutex::default(),
            woken: Condvar::new(),
            generation: AtomicU64::new(0),
            writer: AtomicBool::new(true),
            seeking: AtomicBool::new(false),
            unnamed: AtomicBool::new(false),
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Fails while no server can be written to.
    pub(crate) fn has_writer(&self) -> Result<(), LedgerError> {
        if self.0.writer.load(Ordering::Acquire) {
            Ok(())
        } else {
            // Somebody has to look for it when nobody else does.
            self.0.begin_thread();
            self.0.woken.notify_all();
            Err(LedgerError("no server can be written to".to_owned()))
        }
    }

    pub(crate) async fn look<T, E, F>(&self, read: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        self.order(Purpose::Look, read).await
    }

    pub(crate) async fn walk<T, E, F>(&self, read: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        self.order(Purpose::Walk, read).await
    }

    pub(crate) async fn write<T, E, F>(&self, kept: Kept, work: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        self.order(Purpose::Write(kept), work).await
    }

    /// Waits for what is under way and closes the connections.
    pub(crate) async fn close(&self) {
        let ended = {
            let mut state = self.0.state();
            state.closed = true;
            let (sender, ended) = oneshot::channel();
            if state.threads > 0 {
                state.closing.push(sender);
            }
            ended
        };
        self.0.woken.notify_all();
        // The sender is dropped where no thread is left.
        drop(ended.await);
    }

    async fn order<T, E, F>(&self, purpose: Purpose, task: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        let (job, answer) = job(task);
        {
            let mut state = self.0.state();
            if state.closed {
                return Err(Unavailable::closed().into());
            }
            if state.orders.len() >= QUEUE {
                return Err(Unavailable(format!("{QUEUE} units of work are waiting for the server")).into());
            }
            state.orders.push_back(Order { purpose, job, until: Instant::now() + PATIENCE });
            // One that is idle may have been promised to another order; then one more begins.
            if state.orders.len() > state.idle {
                drop(state);
                self.0.begin_thread();
            }
        }
        self.0.woken.notify_one();
        answer.await.unwrap_or_else(|_| Err(Unavailable::closed().into()))
    }
}

/// What [`Pool::open`] does on a thread that may wait.
fn prepare(address: Address, failed: &dyn Fn(String) -> OpenError) -> Result<Ways, OpenError> {
    let ways = Ways::new(Arc::new(address)).map_err(failed)?;
    let connection = ways.connect().map_err(failed)?;
    migrate::ensure(&connection, ways.address())?;
    Ok(ways)
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One thread more, unless there are as many as there may be.
    fn begin_thread(self: &Arc<Self>) {
        {
            let mut state = self.state();
            if state.closed || state.threads >= self.ways.address().connections {
                return;
            }
            state.threads += 1;
        }
        let shared = Arc::clone(self);
        let begun = std::thread::Builder::new().name("store-server".to_owned()).spawn(move || {
            let leaving = Leaving(&shared);
            serve(leaving.0);
        });
        if let Err(error) = begun {
            tracing::error!(%error, "a thread for the store could not be started");
            self.state().threads -= 1;
        }
    }

    /// What this thread does next.
    fn next(&self) -> Next {
        let most = (self.ways.address().connections / 2).max(1);
        let mut state = self.state();
        loop {
            let free = state.walks < most;
            if let Some(place) = state.orders.iter().position(|order| free || order.purpose != Purpose::Walk) {
                let Some(order) = state.orders.remove(place) else { continue };
                state.walks += usize::from(order.purpose == Purpose::Walk);
                return Next::Work(order);
            }
            if state.closed && state.orders.is_empty() {
                return Next::End;
            }
            if !self.writer.load(Ordering::Acquire) && !self.seeking.swap(true, Ordering::AcqRel) {
                return Next::Seek;
            }
            state.idle += 1;
            let (guard, waited) = self.woken.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.idle -= 1;
            if waited.timed_out() && state.orders.is_empty() && state.threads > 1 {
                return Next::End;
            }
        }
    }

    fn finished(&self, purpose: Purpose) {
        if purpose == Purpose::Walk {
            self.state().walks -= 1;
            self.woken.notify_one();
        }
    }

    /// No connection is used again.
    fn evict(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.writer.store(false, Ordering::Release);
    }

    /// A connection that is younger than what happened since, or why there is none.
    fn connected(&self, held: &mut Option<Held>) -> Result<(), String> {
        let generation = self.generation.load(Ordering::Acquire);
        if held.as_ref().is_some_and(|held| held.generation != generation || held.since.elapsed() > AGE) {
            *held = None;
        }
        if held.is_none() {
            let connection = self.ways.connect()?;
            if self.unnamed.load(Ordering::Relaxed) {
                connection.leave_unnamed();
            }
            if !self.writer.swap(true, Ordering::AcqRel) {
                tracing::info!(store = %self.ways.address(), "the server that can be written to was found again");
            }
            *held = Some(Held { connection: Connection::Postgres(Box::new(connection)), generation, since: Instant::now() });
        }
        Ok(())
    }

    /// Waits a little, or until the store is closed.
    fn pause(&self) {
        let state = self.state();
        if !state.closed {
            drop(self.woken.wait_timeout(state, PAUSE).unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn find_out(&self, held: &mut Option<Held>, mark: Option<&Mark>, until: Instant) -> Option<bool> {
        // What may be forgotten may be done twice.
        let Some(mark) = mark else { return Some(false) };
        while Instant::now() < until {
            if self.connected(held).is_ok()
                && let Some(server) = server(held.as_ref())
            {
                match outcome::was_done(server, self.ways.address(), mark) {
                    None if server.fault() == Some(Fault::Gone) => {
                        *held = None;
                        self.evict();
                    }
                    None => {}
                    known => return known,
                }
            }
            self.pause();
        }
        None
    }
}

fn server(held: Option<&Held>) -> Option<&ServerConnection> {
    match &held?.connection {
        Connection::Postgres(connection) => Some(connection),
        Connection::Sqlite(_) => None,
    }
}

/// Says that a thread has ended, however it did.
struct Leaving<'a>(&'a Arc<Shared>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.threads -= 1;
        if state.threads == 0 {
            // Who waited may have gone.
            for waiting in state.closing.drain(..) {
                let _ = waiting.send(());
            }
        }
        // What was ordered while this one was on its way out.
        let is_waited_for = !state.orders.is_empty();
        drop(state);
        if is_waited_for {
            self.0.begin_thread();
        }
    }
}

fn serve(shared: &Arc<Shared>) {
    let mut held: Option<Held> = None;
    loop {
        match shared.next() {
            Next::Work(mut order) => {
                let purpose = order.purpose;
                if order.job.is_wanted() {
                    let done = perform(shared, &mut held, &mut order);
                    order.job.answer(done);
                }
                shared.finished(purpose);
            }
            Next::Seek => {
                // Only a new connection says what a server is now.
                held = None;
                if shared.connected(&mut held).is_err() {
                    shared.pause();
                }
                shared.seeking.store(false, Ordering::Release);
            }
            Next::End => return,
        }
    }
}

/// Does one order, as often as it takes.
fn perform(shared: &Shared, held: &mut Option<Held>, order: &mut Order) -> Result<(), Unavailable> {
    loop {
        if let Err(reason) = shared.connected(held) {
            shared.writer.store(false, Ordering::Release);
            if Instant::now() >= order.until {
                return Err(Unavailable(reason));
            }
            shared.pause();
            continue;
        }
        let Some(at) = held.as_ref() else { continue };
        let address = shared.ways.address();
        let outcome = match order.purpose {
            Purpose::Look | Purpose::Walk => outcome::look(&at.connection, address, &mut order.job),
            Purpose::Write(kept) => outcome::commit(&at.connection, address, kept, &mut order.job),
        };
        let reason = match outcome {
            Outcome::Done | Outcome::Undone => return Ok(()),
            Outcome::Again(Fault::Full | Fault::Refused, reason) => return Err(Unavailable(reason)),
            Outcome::Again(Fault::Repeat, reason) => reason,
            Outcome::Again(Fault::Unprepared, reason) => {
                tracing::warn!(store = %address, "statements are not prepared any more: something before the server does not keep them");
                shared.unnamed.store(true, Ordering::Relaxed);
                *held = None;
                reason
            }
            Outcome::Again(Fault::Gone, reason) => {
                give_up(shared, held);
                reason
            }
            Outcome::Unknown(mark, reason) => {
                give_up(shared, held);
                match shared.find_out(held, mark.as_ref(), order.until + DOUBT) {
                    Some(true) => return Ok(()),
                    Some(false) => reason,
                    None => return Err(Unavailable("it could not be found out whether it was done".to_owned())),
                }
            }
            Outcome::Unreplicated => {
                let until = order.until + DOUBT;
                while Instant::now() < until {
                    if shared.connected(held).is_ok() && server(held.as_ref()).is_some_and(|server| outcome::is_replicated(server, address))
                    {
                        return Ok(());
                    }
                    shared.pause();
                }
                return Err(Unavailable("it is done, but the standby may not have it".to_owned()));
            }
        };
        if Instant::now() >= order.until {
            return Err(Unavailable(reason));
        }
    }
}

/// The connection is broken: the others lead to the same server.
fn give_up(shared: &Shared, held: &mut Option<Held>) {
    let stale = held.take().is_some_and(|held| held.generation != shared.generation.load(Ordering::Acquire));
    if !stale {
        shared.evict();
        tracing::warn!(store = %shared.ways.address(), "the connection to the server broke; the one that can be written to is looked for");
    }
}
