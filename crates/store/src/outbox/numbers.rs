//! Numbers of mails: each is given once, and they grow, without a row that counts them.

use std::sync::Mutex;
use std::sync::PoisonError;

use process::MailId;

use crate::engine::{self, Connection, Dialect};

/// How many numbers a node takes at once where several give some (see `migrations/postgres`).
const BLOCK: i64 = 32;

/// What was given.
pub(crate) struct Numbers {
    /// The last number, and the last one that may be given without asking.
    given: Mutex<(i64, i64)>,
    found: Option<i64>,
}

fn highest(connection: &Connection) -> Result<i64, engine::Error> {
    connection.query("SELECT coalesce(max(id), 0) AS last FROM outbox").one(|row| row.get("last"))
}

impl Numbers {
    /// Goes on from what is in the store.
    pub(crate) fn read(connection: &Connection) -> Result<Self, engine::Error> {
        let found = match connection.dialect() {
            Dialect::Sqlite => Some(highest(connection)?),
            Dialect::Postgres => None,
        };
        let last = found.unwrap_or_default();
        Ok(Self { given: Mutex::new((last, last)), found })
    }

    /// The highest number at the opening, where this process is alone with the outbox: whatever it is, this process has not given it.
    pub(crate) fn found(&self) -> Option<i64> {
        self.found
    }

    /// A new one. Another process may have given some meanwhile. To be called inside a transaction that writes.
    pub(crate) fn next(&self, connection: &Connection) -> Result<MailId, engine::Error> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        match connection.dialect() {
            Dialect::Sqlite => given.0 = given.0.max(highest(connection)?),
            // Whoever asks first gets a block, and a unit that is done again takes new numbers of it.
            Dialect::Postgres if given.0 == given.1 => {
                let first: i64 = connection.query("SELECT nextval('outbox_number') AS first").one(|row| row.get("first"))?;
                *given = (first - 1, first - 1 + BLOCK);
            }
            Dialect::Postgres => {}
        }
        given.0 += 1;
        Ok(MailId(given.0))
    }
}
