//! The thread that writes. Work from all callers is done in the order of its arrival; what waits together is committed together, so
//! that one write-through to the disk serves many submissions.
//!
//! Easiest to break: no caller is told of success before the commit, and for work that is [`Kept::Always`] not before it is on the disk.
//! Work that fails is undone alone, behind a savepoint of its own; when the commit fails, all work of the batch has failed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tokio::sync::oneshot;

use crate::engine::Connection;
use crate::error::Unavailable;
use crate::job::{Job, Kept, job};
use crate::sqlite;

/// Submissions that may wait for their turn; the next one hears that the store is not available.
const QUEUE: usize = 4096;
/// Submissions of one transaction. More would make the first of them wait for the last without saving anything.
const BATCH: usize = 64;

/// The way to the thread. The thread ends when it is closed or the last handle is gone.
pub(crate) struct Writer(SyncSender<Order>);

enum Order {
    Work(Kept, Box<dyn Job>),
    Close(oneshot::Sender<Result<(), Unavailable>>),
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(connection: Connection) -> std::io::Result<Self> {
        let (orders, inbox) = sync_channel(QUEUE);
        thread::Builder::new().name("store-writer".to_owned()).spawn(move || serve(connection, &inbox))?;
        Ok(Self(orders))
    }

    /// Does work in a transaction, and commits it unless it fails. Work of a caller that gave up waiting before its turn is not done.
    pub(crate) async fn run<T, E, F>(&self, kept: Kept, work: F) -> Result<T, E>
    where
        F: FnMut(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        let (job, answer) = job(work);
        self.order(Order::Work(kept, job))?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::closed().into()))
    }

    /// Writes the log back into the main file and ends the thread, behind everything that was ordered before.
    pub(crate) async fn close(&self) -> Result<(), Unavailable> {
        let (caller, answer) = oneshot::channel();
        self.order(Order::Close(caller))?;
        answer.await.unwrap_or_else(|_| Err(Unavailable::closed()))
    }

    fn order(&self, order: Order) -> Result<(), Unavailable> {
        self.0.try_send(order).map_err(|error| match error {
            std::sync::mpsc::TrySendError::Full(_) => Unavailable(format!("{QUEUE} submissions are waiting to be written")),
            std::sync::mpsc::TrySendError::Disconnected(_) => Unavailable::closed(),
        })
    }
}

fn serve(connection: Connection, inbox: &Receiver<Order>) {
    let mut through = Kept::Always;
    while let Ok(first) = inbox.recv() {
        let mut batch = Vec::new();
        let mut closing = None;
        for order in std::iter::once(first).chain(inbox.try_iter()) {
            match order {
                Order::Work(kept, job) => batch.push((kept, job)),
                Order::Close(caller) => closing = Some(caller),
            }
            if batch.len() == BATCH || closing.is_some() {
                break;
            }
        }
        batch.retain(|(_, job)| job.is_wanted());
        if !batch.is_empty() {
            let wanted = if batch.iter().any(|(kept, _)| *kept == Kept::Always) { Kept::Always } else { Kept::ByProcess };
            commit(&connection, &mut through, wanted, batch.into_iter().map(|(_, job)| job).collect());
        }
        if let Some(caller) = closing {
            let done = connection.run(sqlite::CHECKPOINT).map_err(Unavailable::from);
            drop(connection);
            drop(caller.send(done));
            return;
        }
    }
}

/// Does a batch in one transaction. `through` is how the connection keeps what it commits.
fn commit(connection: &Connection, through: &mut Kept, wanted: Kept, mut batch: Vec<Box<dyn Job>>) {
    let committed = keep(connection, through, wanted).and_then(|()| transact(connection, &mut batch));
    if connection.in_transaction()
        && let Err(error) = connection.run("ROLLBACK")
    {
        tracing::error!(%error, "a transaction could not be rolled back");
    }
    for job in batch {
        job.answer(committed.clone());
    }
}

fn keep(connection: &Connection, through: &mut Kept, wanted: Kept) -> Result<(), Unavailable> {
    if *through != wanted {
        connection.run(if wanted == Kept::Always { sqlite::WRITE_THROUGH } else { sqlite::WRITE_BACK })?;
        *through = wanted;
    }
    Ok(())
}

fn transact(connection: &Connection, batch: &mut [Box<dyn Job>]) -> Result<(), Unavailable> {
    connection.run(sqlite::BEGIN_WRITE)?;
    if let [alone] = batch {
        return if attempt(connection, alone) { connection.run("COMMIT").map_err(Unavailable::from) } else { Ok(()) };
    }
    for job in batch {
        connection.run("SAVEPOINT job")?;
        if !attempt(connection, job) {
            connection.run("ROLLBACK TO job")?;
        }
        connection.run("RELEASE job")?;
    }
    connection.run("COMMIT").map_err(Unavailable::from)
}

/// A panic is a fault of ours: its caller gets no answer, and no other work is affected.
fn attempt(connection: &Connection, job: &mut Box<dyn Job>) -> bool {
    catch_unwind(AssertUnwindSafe(|| job.run(connection))).unwrap_or(false)
}
