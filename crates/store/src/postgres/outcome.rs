//! One unit in one transaction, and what became of it, whatever happens to the connection on the way.
//!
//! Every unit that must not be lost leaves a *mark* of its own in the table `unit`, in its transaction. When the answer to COMMIT is lost,
//! whoever asks writes the same mark as void: the engine lets only one of the two in, and makes the second wait until it is known what became
//! of the first. So either the unit's mark is there, and it is done; or the void one is, and it is not and never will be. Either way whoever asks
//! has written something, and has waited for the standby.
//!
//! Easiest to break: no success is told that a standby may not have. A server that gives up waiting for it says so in a notice, and
//! reports success; one that ends the connection meanwhile says nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::address::Address;
use super::connect::for_transaction;
use super::faults::{Failure, Fault};
use crate::bind::Parameter;
use crate::engine::Connection as AnyConnection;
use crate::job::{Job, Kept};

type Connection = super::connection::Connection;

/// What became of a unit.
pub(super) enum Outcome {
    /// It is done.
    Done,
    /// It was refused by itself, or failed for good; nothing of it is done.
    Undone,
    /// It was undone for a reason that is not its own.
    Again(Fault, String),
    /// It is done or not; the mark will tell.
    Unknown(Option<Mark>, String),
    /// It is done here, and perhaps not on the standby.
    Unreplicated(Mark),
}

/// What a unit leaves.
#[derive(Clone, Debug)]
pub(super) struct Mark(String);

impl Mark {
    fn new() -> Option<Self> {
        let mut bytes = [0; 16];
        rand::fill(&mut bytes).ok()?;
        Some(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }
}

/// Looks something up.
pub(super) fn look(connection: &AnyConnection, address: &Address, job: &mut Box<dyn Job>) -> Outcome {
    let AnyConnection::Postgres(server) = connection else { return Outcome::Undone };
    server.forget();
    if address.pooled {
        server.send(&format!("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; {}", for_transaction(address)));
    }
    let done = attempt(connection, job);
    let settled = if address.pooled { server.run(if done { "COMMIT" } else { "ROLLBACK" }) } else { server.settle() };
    match (done, settled, server.fault()) {
        (true, Ok(()), _) => Outcome::Done,
        (_, _, Some(fault @ (Fault::Gone | Fault::Repeat | Fault::Unprepared | Fault::Stale))) => {
            Outcome::Again(fault, "the connection broke".to_owned())
        }
        _ => Outcome::Undone,
    }
}

/// Does a unit.
pub(super) fn commit(connection: &AnyConnection, address: &Address, kept: Kept, job: &mut Box<dyn Job>) -> Outcome {
    let AnyConnection::Postgres(server) = connection else { return Outcome::Undone };
    server.forget();
    let mark = if kept == Kept::Always { Mark::new() } else { None };
    let done = begin(server, address, kept, mark.as_ref()).is_ok() && attempt(connection, job);
    // Whatever was sent and not answered counts too.
    let failure = if done { server.settle().err() } else { None };
    if !done || failure.is_some() {
        // A connection that is gone has nothing to roll back.
        let rolled_back = server.fault() == Some(Fault::Gone) || server.run("ROLLBACK").is_ok();
        let reason = failure.map_or_else(|| "the transaction was undone".to_owned(), |failure| failure.to_string());
        return match server.fault() {
            Some(fault @ (Fault::Gone | Fault::Repeat | Fault::Unprepared | Fault::Stale | Fault::Full)) => Outcome::Again(fault, reason),
            _ if !rolled_back => Outcome::Again(Fault::Gone, reason),
            Some(Fault::Refused) if done => Outcome::Again(Fault::Refused, reason),
            _ => Outcome::Undone,
        };
    }
    match server.run("COMMIT") {
        Ok(()) => match mark {
            Some(mark) if server.is_unreplicated() => Outcome::Unreplicated(mark),
            _ => Outcome::Done,
        },
        Err(Failure { fault: Fault::Gone, .. }) => Outcome::Unknown(mark, "the connection broke while the unit was committed".to_owned()),
        Err(failure) => Outcome::Again(failure.fault, failure.to_string()),
    }
}

/// A panic is a fault of ours: its caller gets no answer, and no other work is affected.
fn attempt(connection: &AnyConnection, job: &mut Box<dyn Job>) -> bool {
    catch_unwind(AssertUnwindSafe(|| job.run(connection))).unwrap_or(false)
}

fn begin(server: &Connection, address: &Address, kept: Kept, mark: Option<&Mark>) -> Result<(), Failure> {
    let how = if kept == Kept::Always { "on" } else { "off" };
    let session = if address.pooled { format!("; {}", for_transaction(address)) } else { String::new() };
    server.send(&format!("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = {how}{session}"));
    match mark {
        Some(mark) => write(server, mark, true).map(drop),
        None => Ok(()),
    }
}

/// Writes a mark without waiting.
fn write(server: &Connection, Mark(mark): &Mark, done: bool) -> Result<(), Failure> {
    let text = "INSERT INTO unit (mark, done, made) VALUES ($1, $2, extract(epoch FROM clock_timestamp())::bigint)";
    server.send_query(text, vec![Parameter::from(mark), Parameter::Boolean(done)], true)
}

/// Finds out whether the unit with this mark was done, on the standby too: `None` when that cannot be known now.
pub(super) fn was_done(server: &Connection, address: &Address, mark: &Mark) -> Option<bool> {
    server.forget();
    begin(server, address, Kept::Always, None).ok()?;
    // A mark that is there is written again: a transaction that changes nothing waits for no standby, and the unit's own wait may have
    // ended with its connection.
    let text = "INSERT INTO unit (mark, done, made) VALUES ($1, false, extract(epoch FROM clock_timestamp())::bigint) \
                ON CONFLICT (mark) DO UPDATE SET made = unit.made RETURNING done";
    match server.rows(text, vec![Parameter::from(&mark.0)], true) {
        Ok(rows) if server.run("COMMIT").is_ok() && !server.is_unreplicated() => rows.first().and_then(|row| row.try_get("done").ok()),
        _ => {
            // Whoever asks next finds a connection that works.
            drop(server.run("ROLLBACK"));
            None
        }
    }
}
