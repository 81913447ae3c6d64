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
use super::connect::{Refusal, Ways};
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
/// Before a unit is done again that others were in the way of.
const AGAIN: Duration = Duration::from_millis(20);
/// How long no further connection is asked for after the server had no room for one more, while there are others.
const CROWDED: Duration = Duration::from_secs(1);
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
        self.0.closing.notify_all();
    }
}

struct Shared {
    ways: Ways,
    state: Mutex<State>,
    woken: Condvar,
    /// Wakes whoever pauses.
    closing: Condvar,
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
    /// Connections of the present generation, and the last one for which there was no room.
    connected: usize,
    crowded: Option<Instant>,
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
    since: Instant,
    counted: Counted,
}

/// A connection among those of its generation.
struct Counted {
    shared: Arc<Shared>,
    generation: u64,
}

impl Counted {
    fn new(shared: &Arc<Shared>, generation: u64) -> Self {
        let mut state = shared.state();
        // Those of a former generation are no longer counted.
        if shared.generation.load(Ordering::Acquire) == generation {
            state.connected += 1;
        }
        drop(state);
        Self { shared: Arc::clone(shared), generation }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if self.shared.generation.load(Ordering::Acquire) == self.generation {
            state.connected = state.connected.saturating_sub(1);
        }
    }
}

/// What became of an order.
enum Performed {
    /// Its caller hears this.
    Answered(Result<(), Unavailable>),
    /// It is for a thread that has a connection: this one gets none.
    HandedBack,
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
            closing: Condvar::new(),
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
        self.0.closing.notify_all();
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
    let connection = ways.connect().map_err(|refusal| failed(refusal.why))?;
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
            let crowded = state.connected > 0 && state.crowded.is_some_and(|since| since.elapsed() < CROWDED);
            if state.closed || crowded || state.threads >= self.ways.address().connections {
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
        let mut state = self.state();
        self.generation.fetch_add(1, Ordering::AcqRel);
        state.connected = 0;
        drop(state);
        self.writer.store(false, Ordering::Release);
    }

    /// A connection that is younger than what happened since, or why there is none.
    fn connected(self: &Arc<Self>, held: &mut Option<Held>) -> Result<(), Refusal> {
        let generation = self.generation.load(Ordering::Acquire);
        if held.as_ref().is_some_and(|held| held.counted.generation != generation || held.since.elapsed() > AGE) {
            *held = None;
        }
        if held.is_none() {
            let connection = self.ways.connect()?;
            if self.unnamed.load(Ordering::Relaxed) {
                connection.leave_unnamed();
            }
            self.found_writer();
            let connection = Connection::Postgres(Box::new(connection));
            *held = Some(Held { connection, since: Instant::now(), counted: Counted::new(self, generation) });
        }
        Ok(())
    }

    /// Whether a connection is of the present generation.
    fn counts(&self, held: &Held) -> bool {
        held.counted.generation == self.generation.load(Ordering::Acquire)
    }

    fn found_writer(&self) {
        if !self.writer.swap(true, Ordering::AcqRel) {
            tracing::info!(store = %self.ways.address(), "the server that can be written to was found again");
        }
    }

    /// Whether a thread that the server has no room for may leave its work to those that have a connection.
    fn is_crowded(&self, refusal: &Refusal) -> bool {
        let mut state = self.state();
        let crowded = refusal.is_full && state.connected > 0;
        if crowded {
            state.crowded = Some(Instant::now());
        }
        crowded
    }

    /// Gives an order back to those that have a connection.
    fn hand_back(&self, order: Order) {
        self.state().orders.push_front(order);
        self.woken.notify_one();
    }

    /// Waits a little, or until the store is closed. Whoever pauses takes no order, and is not woken by one.
    fn pause(&self, length: Duration) {
        let state = self.state();
        drop(self.closing.wait_timeout_while(state, length, |state| !state.closed).unwrap_or_else(PoisonError::into_inner));
    }

    fn find_out(self: &Arc<Self>, held: &mut Option<Held>, mark: Option<&Mark>, until: Instant) -> Option<bool> {
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
            self.pause(PAUSE);
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
                let performed = if order.job.is_wanted() { perform(shared, &mut held, &mut order) } else { Performed::Answered(Ok(())) };
                if server(held.as_ref()).is_some_and(ServerConnection::is_astray) {
                    held = None;
                }
                shared.finished(purpose);
                match performed {
                    Performed::Answered(done) => order.job.answer(done),
                    Performed::HandedBack => {
                        shared.hand_back(order);
                        return;
                    }
                }
            }
            Next::Seek => {
                seek(shared, &mut held);
                shared.seeking.store(false, Ordering::Release);
            }
            Next::End => return,
        }
    }
}

/// Looks for the server that can be written to. Only a new connection says what a server is now; one that works is kept until there is one,
/// unless it takes the place of the new one.
fn seek(shared: &Arc<Shared>, held: &mut Option<Held>) {
    let before = held.take();
    if let Err(refusal) = shared.connected(held) {
        if !refusal.is_full {
            *held = before;
        }
        shared.pause(PAUSE);
    }
}

/// Does one order, as often as it takes.
fn perform(shared: &Arc<Shared>, held: &mut Option<Held>, order: &mut Order) -> Performed {
    loop {
        if let Err(refusal) = shared.connected(held) {
            if shared.is_crowded(&refusal) {
                return Performed::HandedBack;
            }
            shared.writer.store(false, Ordering::Release);
            if Instant::now() >= order.until {
                return Performed::Answered(Err(Unavailable(refusal.why)));
            }
            shared.pause(PAUSE);
            continue;
        }
        let reason = match once(shared, held, order) {
            Once::Settled(done) => return Performed::Answered(done),
            Once::Again(reason) => reason,
        };
        if Instant::now() >= order.until {
            return Performed::Answered(Err(Unavailable(reason)));
        }
    }
}

/// What became of one attempt.
enum Once {
    Settled(Result<(), Unavailable>),
    /// It was undone for this reason, and may be done again.
    Again(String),
}

fn once(shared: &Arc<Shared>, held: &mut Option<Held>, order: &mut Order) -> Once {
    let address = shared.ways.address();
    let Some(at) = held.as_ref() else { return Once::Again("there is no connection".to_owned()) };
    let outcome = match order.purpose {
        Purpose::Look | Purpose::Walk => outcome::look(&at.connection, address, &mut order.job),
        Purpose::Write(kept) => outcome::commit(&at.connection, address, kept, &mut order.job),
    };
    let failed = |reason: &str| Once::Settled(Err(Unavailable(reason.to_owned())));
    match outcome {
        Outcome::Done => {
            // Whatever was committed on a connection that counts says as much as a new one.
            if matches!(order.purpose, Purpose::Write(_)) && shared.counts(at) {
                shared.found_writer();
            }
            Once::Settled(Ok(()))
        }
        Outcome::Undone => Once::Settled(Ok(())),
        Outcome::Again(Fault::Full | Fault::Refused, reason) => failed(&reason),
        Outcome::Again(Fault::Repeat, reason) => {
            // Whoever is in the way needs a moment too.
            shared.pause(AGAIN);
            Once::Again(reason)
        }
        Outcome::Again(Fault::Unprepared, reason) => {
            tracing::warn!(store = %address, "statements are not prepared any more: something before the server does not keep them");
            shared.unnamed.store(true, Ordering::Relaxed);
            *held = None;
            Once::Again(reason)
        }
        Outcome::Again(Fault::Stale, reason) => {
            tracing::debug!(store = %address, "the tables have changed; statements are prepared anew");
            *held = None;
            Once::Again(reason)
        }
        Outcome::Again(Fault::Gone, reason) => {
            give_up(shared, held);
            Once::Again(reason)
        }
        Outcome::Unknown(mark, reason) => {
            give_up(shared, held);
            match shared.find_out(held, mark.as_ref(), order.until + DOUBT) {
                Some(true) => Once::Settled(Ok(())),
                Some(false) => Once::Again(reason),
                None => failed("it could not be found out whether it was done"),
            }
        }
        Outcome::Unreplicated(mark) => match shared.find_out(held, Some(&mark), order.until + DOUBT) {
            Some(true) => Once::Settled(Ok(())),
            Some(false) => Once::Again("the server that had done it was lost before its standby had it".to_owned()),
            None => failed("it is done, but the standby may not have it"),
        },
    }
}

/// The connection is broken: the others lead to the same server.
fn give_up(shared: &Shared, held: &mut Option<Held>) {
    let stale = held.take().is_some_and(|held| !shared.counts(&held));
    if !stale {
        shared.evict();
        tracing::warn!(store = %shared.ways.address(), "the connection to the server broke; the one that can be written to is looked for");
    }
}
