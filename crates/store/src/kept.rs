//! What servers keep for themselves in the store that they share: texts by name, and whose turn it is to do something.
//!
//! Easiest to break: a text is somebody's secret, so whoever keeps one has sealed it before. And a turn ends by itself: a node that dies in the middle
//! keeps the others from it for no longer than it said.

use process::LedgerError;

use crate::engine::{self, Connection};
use crate::job::Kept;
use crate::{Db, Inspection, OpenError};

/// Texts stand among contexts that are kept for tokens. No token has a space, so none finds them.
const TEXT: &str = "of servers: ";
/// Turns are counters.
const TURN: &str = "turn ";

fn read(connection: &Connection, name: &str) -> Result<Option<String>, engine::Error> {
    connection.query("SELECT sealed FROM jsonstorage WHERE token = $1").bind(format!("{TEXT}{name}")).first(|row| row.get("sealed"))
}

impl Db {
    /// The text that is kept under a name, as it was sealed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn kept_text(&self, name: &str) -> Result<Option<String>, LedgerError> {
        let name = name.to_owned();
        self.look(move |connection| read(connection, &name)).await
    }

    /// Keeps a sealed text under a name until a moment, in seconds since 1970, in the place of the one before.
    ///
    /// # Errors
    /// When the store does not answer; the one before is kept then.
    pub async fn keep_text(&self, name: &str, sealed: String, until: i64) -> Result<(), LedgerError> {
        let name = format!("{TEXT}{name}");
        self.run(Kept::Always, move |connection| {
            let query = connection.query(
                "INSERT INTO jsonstorage (token, sealed, expires) VALUES ($1, $2, $3) \
                 ON CONFLICT (token) DO UPDATE SET sealed = excluded.sealed, expires = excluded.expires",
            );
            query.bind(&name).bind(&sealed).bind(until).execute().map(drop)
        })
        .await
    }

    /// Keeps the text no longer.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_text(&self, name: &str) -> Result<(), LedgerError> {
        let name = format!("{TEXT}{name}");
        self.run(Kept::Always, move |connection| {
            connection.query("DELETE FROM jsonstorage WHERE token = $1").bind(&name).execute().map(drop)
        })
        .await
    }

    /// Takes the turn to do `what` from `now` until a moment, both in seconds since 1970, or goes on with it; whether it is this holder's. A holder is a
    /// number that no other server has.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn take_turn(&self, what: &str, holder: i64, now: i64, until: i64) -> Result<bool, LedgerError> {
        let name = format!("{TURN}{what}");
        self.run(Kept::Always, move |connection| {
            let query = connection.query(
                "INSERT INTO counter (name, value, expires) VALUES ($1, $2, $3) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value, expires = excluded.expires \
                 WHERE counter.value = excluded.value OR counter.expires <= $4",
            );
            Ok(query.bind(&name).bind(holder).bind(until).bind(now).execute()? == 1)
        })
        .await
    }

    /// Gives a turn back before its time.
    ///
    /// # Errors
    /// When the store does not answer; the turn ends by itself.
    pub async fn end_turn(&self, what: &str, holder: i64) -> Result<(), LedgerError> {
        let name = format!("{TURN}{what}");
        self.run(Kept::Always, move |connection| {
            connection.query("DELETE FROM counter WHERE name = $1 AND value = $2").bind(&name).bind(holder).execute().map(drop)
        })
        .await
    }
}

impl Inspection {
    /// The text that is kept under a name, as it was sealed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn kept_text(&self, name: &str) -> Result<Option<String>, OpenError> {
        self.read_of(|connection| read(connection, name))
    }
}
