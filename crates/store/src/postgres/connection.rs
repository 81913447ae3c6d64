//! One connection, used by one thread, which waits for the network itself. What needs no answer is sent and answered later: a unit takes as
//! few round trips as it has questions.
//!
//! Easiest to break: the order of answers. Everything sent is answered in its order; the first failure is the cause, and those behind it
//! only say that the transaction has failed (25P02).

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::Instant;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Row, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::faults::{Failure, Fault};
use super::locks::Lock;
use crate::bind::{Bound, Parameter};
use crate::limit::Limit;

/// How long a server may keep an answer, as a part of the time that it lets a statement run (`statement_timeout`, see `connect.rs`): longer, so
/// that what is merely slow is refused, and only what is silent is given up.
const ANSWER: (u32, u32) = (6, 5);
/// How long a server may take to hear that a statement is to be given up.
const GIVING_UP: Duration = Duration::from_secs(5);
/// Statements that are kept prepared.
const PREPARED: usize = 256;

type Driver = tokio_postgres::Connection<Socket, <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream>;
type Sent = Pin<Box<dyn Future<Output = Result<Reply, tokio_postgres::Error>> + Send>>;

/// What a statement answered.
enum Reply {
    Rows(Vec<Row>),
    Count(u64),
    Done,
}

/// A connection.
pub(crate) struct Connection {
    runtime: Runtime,
    client: Arc<Client>,
    driver: RefCell<Option<Driver>>,
    /// What was sent and is not answered, with a number where the answer is wanted.
    sent: RefCell<VecDeque<(Option<u64>, Sent)>>,
    /// Answers that are wanted.
    answers: RefCell<HashMap<u64, Vec<Row>>>,
    next: Cell<u64>,
    prepared: RefCell<HashMap<(String, Vec<Type>), Statement>>,
    /// Statements are not prepared under names: something between us and the server does not keep them.
    unnamed: Cell<bool>,
    /// The most serious failure since [`Self::forget`].
    fault: Cell<Option<Fault>>,
    /// The server gave up waiting for its standby.
    unreplicated: Cell<bool>,
    /// So often a statement was to be cancelled, and was answered otherwise: what asks for it may arrive at the next one.
    cancels: Cell<u32>,
    /// How long the server lets a statement run.
    statement: Duration,
    /// How long an answer is waited for.
    patience: Cell<Duration>,
    /// When statements are given up before that.
    limit: RefCell<Option<Limit>>,
    /// How to reach the server beside this connection.
    tls: MakeRustlsConnect,
    schema: String,
}

/// Takes the limit off again, however the work under it ends.
struct Limited<'c>(&'c Connection);

impl Drop for Limited<'_> {
    fn drop(&mut self) {
        *self.0.limit.borrow_mut() = None;
    }
}

impl Connection {
    pub(super) fn new(runtime: Runtime, client: Client, driver: Driver, address: &Address, tls: MakeRustlsConnect) -> Self {
        Self {
            runtime,
            client: Arc::new(client),
            driver: RefCell::new(Some(driver)),
            sent: RefCell::default(),
            answers: RefCell::default(),
            next: Cell::new(0),
            prepared: RefCell::default(),
            unnamed: Cell::new(address.pooled),
            fault: Cell::new(None),
            unreplicated: Cell::new(false),
            cancels: Cell::new(0),
            statement: address.statement,
            patience: Cell::new(address.statement * ANSWER.0 / ANSWER.1),
            limit: RefCell::new(None),
            tls,
            schema: address.schema.clone(),
        }
    }

    /// Does reading whose statements are given up, with an error, as soon as a limit is over.
    pub(crate) fn within<T>(&self, limit: &Limit, work: impl FnOnce() -> T) -> T {
        *self.limit.borrow_mut() = Some(limit.clone());
        let _limited = Limited(self);
        work()
    }

    /// Whether what is asked next may be cancelled in the place of what was asked before. The connection is not to be used again.
    pub(super) fn is_astray(&self) -> bool {
        self.cancels.get() > 0
    }

    /// Waits so long for each answer from now on.
    pub(super) fn wait_for(&self, patience: Duration) {
        self.patience.set(patience);
    }

    /// Prepares no statement under a name any more.
    pub(super) fn leave_unnamed(&self) {
        self.unnamed.set(true);
    }

    /// The failure of what was done since [`Self::forget`].
    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault.get()
    }

    /// Begins anew: what failed before is history, and so is what nobody waits for.
    pub(super) fn forget(&self) {
        self.fault.set(None);
        self.unreplicated.set(false);
        self.answers.borrow_mut().clear();
    }

    /// Whether the server said since then that it gave up waiting for its standby (`SyncRepWaitForLSN`): it then reports success.
    pub(crate) fn is_unreplicated(&self) -> bool {
        self.unreplicated.get()
    }

    /// Runs a statement that takes no values and whose rows, if any, do not matter.
    pub(crate) fn run(&self, text: &str) -> Result<(), Failure> {
        self.send(text);
        self.settle()
    }

    /// Sends such a statement.
    pub(crate) fn send(&self, text: &str) {
        let (client, text) = (Arc::clone(&self.client), text.to_owned());
        self.push(None, Box::pin(async move { client.batch_execute(&text).await.map(|()| Reply::Done) }));
    }

    /// Takes a lock to the end of the transaction. Whatever is sent behind it waits for it on the server.
    pub(crate) fn lock(&self, lock: &Lock<'_>) -> Result<(), Failure> {
        let text = if lock.is_shared() { "SELECT pg_advisory_xact_lock_shared($1)" } else { "SELECT pg_advisory_xact_lock($1)" };
        self.send_query(text, vec![Parameter::Integer(Some(lock.number(&self.schema)))], true)
    }

    /// Whether a lock is free; it is taken to the end of the transaction then.
    pub(crate) fn try_lock(&self, lock: &Lock<'_>) -> Result<bool, Failure> {
        let number = vec![Parameter::Integer(Some(lock.number(&self.schema)))];
        let rows = self.rows("SELECT pg_try_advisory_xact_lock($1) AS free", number, true)?;
        Ok(rows.first().and_then(|row| row.try_get("free").ok()).unwrap_or(false))
    }

    /// How many rows a statement changed.
    pub(crate) fn execute(&self, text: &str, values: Vec<Parameter>, prepared: bool) -> Result<u64, Failure> {
        let sent = self.begin(text, values, prepared, false)?;
        match self.reply(sent)? {
            Reply::Count(count) => Ok(count),
            _ => Ok(0),
        }
    }

    /// The rows a statement gives.
    pub(crate) fn rows(&self, text: &str, values: Vec<Parameter>, prepared: bool) -> Result<Vec<Row>, Failure> {
        let sent = self.begin(text, values, prepared, true)?;
        match self.reply(sent)? {
            Reply::Rows(rows) => Ok(rows),
            _ => Ok(Vec::new()),
        }
    }

    /// Sends a statement whose answer is seen later.
    pub(crate) fn send_query(&self, text: &str, values: Vec<Parameter>, prepared: bool) -> Result<(), Failure> {
        let sent = self.begin(text, values, prepared, false)?;
        self.push(None, sent);
        Ok(())
    }

    /// Sends a statement; its rows are had from [`Self::answer`].
    pub(crate) fn ask_query(&self, text: &str, values: Vec<Parameter>, prepared: bool) -> Result<u64, Failure> {
        let sent = self.begin(text, values, prepared, true)?;
        let place = self.next.get();
        self.next.set(place.wrapping_add(1));
        self.push(Some(place), sent);
        Ok(place)
    }

    /// The rows of a statement that was sent before.
    pub(crate) fn answer(&self, place: u64) -> Result<Vec<Row>, Failure> {
        if !self.answers.borrow().contains_key(&place) {
            self.settle()?;
        }
        Ok(self.answers.borrow_mut().remove(&place).unwrap_or_default())
    }

    /// Waits for the answers to everything that was sent; gives the first failure.
    pub(crate) fn settle(&self) -> Result<(), Failure> {
        let mut failed = None;
        loop {
            let Some((place, sent)) = self.sent.borrow_mut().pop_front() else { break };
            match self.wait(sent) {
                Ok(Reply::Rows(rows)) => {
                    if let Some(place) = place {
                        self.answers.borrow_mut().insert(place, rows);
                    }
                }
                Ok(_) => {}
                // Those behind the first only say that it failed.
                Err(failure) => failed = failed.or(Some(failure)),
            }
        }
        match failed {
            None => Ok(()),
            Some(failure) => Err(self.failed(failure)),
        }
    }

    fn reply(&self, sent: Sent) -> Result<Reply, Failure> {
        let mut sent = sent;
        // It goes out with everything before it.
        let early = poll_once(&mut sent);
        self.settle()?;
        let done = match early {
            Some(done) => done.map_err(Failure::from),
            None => self.wait(sent),
        };
        done.map_err(|failure| self.failed(failure))
    }

    fn push(&self, place: Option<u64>, mut sent: Sent) {
        let sent = match poll_once(&mut sent) {
            Some(done) => Box::pin(std::future::ready(done)),
            None => sent,
        };
        self.sent.borrow_mut().push_back((place, sent));
    }

    fn failed(&self, failure: Failure) -> Failure {
        let rank = |fault: Fault| match fault {
            Fault::Refused => 0,
            Fault::Full => 1,
            Fault::Unprepared | Fault::Stale => 2,
            Fault::Repeat => 3,
            Fault::Gone => 4,
        };
        if self.fault.get().is_none_or(|known| rank(known) < rank(failure.fault)) {
            self.fault.set(Some(failure.fault));
        }
        failure
    }

    /// A statement that is ready to be sent.
    fn begin(&self, text: &str, values: Vec<Parameter>, prepared: bool, rows: bool) -> Result<Sent, Failure> {
        let values: Vec<Parameter> = values.into_iter().map(kept).collect();
        let types: Vec<Type> = values.iter().map(type_of).collect();
        let client = Arc::clone(&self.client);
        if !prepared || self.unnamed.get() {
            let text = text.to_owned();
            return Ok(Box::pin(async move {
                let values: Vec<(&(dyn ToSql + Sync), Type)> = values.iter().map(as_sql).zip(types).collect();
                if rows {
                    client.query_typed(&text, &values).await.map(Reply::Rows)
                } else {
                    client.execute_typed(&text, &values).await.map(Reply::Count)
                }
            }));
        }
        let statement = self.statement(text, types)?;
        Ok(Box::pin(async move {
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(as_sql).collect();
            if rows {
                client.query(&statement, &values).await.map(Reply::Rows)
            } else {
                client.execute(&statement, &values).await.map(Reply::Count)
            }
        }))
    }

    fn statement(&self, text: &str, types: Vec<Type>) -> Result<Statement, Failure> {
        let key = (text.to_owned(), types);
        if let Some(known) = self.prepared.borrow().get(&key) {
            return Ok(known.clone());
        }
        let client = Arc::clone(&self.client);
        let mut preparing = Box::pin(async move {
            let made = client.prepare_typed(&key.0, &key.1).await;
            (key, made)
        });
        let early = poll_once(&mut preparing);
        // A transaction that has failed prepares nothing, and then it counts why it failed.
        self.settle()?;
        let (key, made) = match early {
            Some(done) => done,
            None => self.drive(preparing).map_err(|failure| self.failed(failure))?,
        };
        let made = made.map_err(|error| self.failed(error.into()))?;
        let mut prepared = self.prepared.borrow_mut();
        if prepared.len() >= PREPARED {
            prepared.clear();
        }
        prepared.insert(key, made.clone());
        Ok(made)
    }

    fn wait(&self, sent: Sent) -> Result<Reply, Failure> {
        let begun = Instant::now();
        let answered = self.drive(sent)?;
        let is_cancelled = answered.as_ref().is_err_and(|error| error.code() == Some(&SqlState::QUERY_CANCELED));
        // A server says the same of what has taken too long by its own rule.
        if is_cancelled && begun.elapsed() < self.statement {
            self.cancels.set(self.cancels.get().saturating_sub(1));
        }
        answered.map_err(Failure::from)
    }

    /// Works on the connection until something is done.
    fn drive<T>(&self, wanted: impl Future<Output = T>) -> Result<T, Failure> {
        let mut wanted = pin!(wanted);
        let mut driver = self.driver.borrow_mut();
        let work = poll_fn(|context| {
            if let Poll::Ready(done) = wanted.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            self.turn(&mut driver, context);
            wanted.as_mut().poll(context)
        });
        let limit = self.limit.borrow().clone();
        let answered = self.runtime.block_on(async {
            let mut work = pin!(tokio::time::timeout(self.patience.get(), work));
            if let Some(limit) = limit {
                tokio::select! {
                    biased;
                    answered = &mut work => return answered,
                    () = limit.over() => {}
                }
                // What counts is the answer to the statement: that it was cancelled, or what it found at the last moment.
                self.cancels.set(self.cancels.get().saturating_add(1));
                let statement = self.client.cancel_token();
                drop(tokio::time::timeout(GIVING_UP, statement.cancel_query(self.tls.clone())).await);
            }
            work.await
        });
        answered.map_err(|_| {
            // Nothing else is waited for on it: what was sent behind it hears that the connection is closed.
            *driver = None;
            Failure::gone("the server does not answer")
        })
    }

    /// Sends and receives what there is.
    fn turn(&self, driver: &mut Option<Driver>, context: &mut Context<'_>) {
        while let Some(connection) = driver {
            match connection.poll_message(context) {
                Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                    // The text of the notice is in the server's language; the place in its source is not.
                    if notice.routine() == Some("SyncRepWaitForLSN") {
                        self.unreplicated.set(true);
                    }
                }
                Poll::Ready(Some(Ok(_))) => {}
                // Whoever waits for an answer hears that the connection is closed.
                Poll::Ready(Some(Err(_)) | None) => *driver = None,
                Poll::Pending => return,
            }
        }
    }
}

/// Lets something begin: a statement puts its bytes into the queue of the connection.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// Text of this engine holds no NUL. What objects hold is refused before; what somebody else said (a name in the audit trail, a token that is
/// none) is kept and looked for with the sign that stands for it. Nothing for text that is kept as it is.
pub(crate) fn without_nul(text: &str) -> Option<String> {
    text.contains('\0').then(|| text.replace('\0', "\u{2400}"))
}

fn kept(value: Parameter) -> Parameter {
    match value {
        Parameter::Text(Some(text)) => Parameter::Text(Some(without_nul(&text).unwrap_or(text))),
        other => other,
    }
}

fn type_of(value: &Parameter) -> Type {
    match value {
        Parameter::Text(_) => Type::TEXT,
        Parameter::Integer(_) => Type::INT8,
        Parameter::Real(_) => Type::FLOAT8,
        Parameter::Boolean(_) => Type::BOOL,
        Parameter::Bytes(_) => Type::BYTEA,
    }
}

fn as_sql(value: &Parameter) -> &(dyn ToSql + Sync) {
    match value {
        Parameter::Text(text) => text,
        Parameter::Integer(integer) => integer,
        Parameter::Real(real) => real,
        Parameter::Boolean(boolean) => boolean,
        Parameter::Bytes(bytes) => bytes,
    }
}

/// Reads a column that may hold text or a whole number; `None` for NULL.
pub(crate) fn bound(row: &Row, column: usize) -> Result<Option<Bound>, Failure> {
    let of = row.columns().get(column).map(tokio_postgres::Column::type_);
    let read = if of == Some(&Type::INT8) {
        row.try_get::<_, Option<i64>>(column).map(|found| found.map(Bound::Integer))
    } else {
        row.try_get::<_, Option<String>>(column).map(|found| found.map(Bound::Text))
    };
    read.map_err(|error| Failure::refused(error.to_string()))
}
