//! One way to talk to either engine: a [`Connection`] on which statements are built and run, and the [`Row`]s they give. Which engine it is
//! is decided here and in [`Dialect`], and nowhere else.
//!
//! Easiest to break: the same text must mean the same on both. What they say differently has a name in [`Dialect`]; a value is bound with
//! its type, because one engine reads types from the text and the other from the value.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use thiserror::Error;

use crate::bind::{Bound, Parameter};
use crate::error::Unavailable;
use crate::limit::Limit;
use crate::postgres::{Connection as ServerConnection, Failure, bound as bound_of_server};
use crate::sql::Values;
use crate::sqlite;

pub(crate) mod asked;
mod dialect;

pub(crate) use crate::postgres::Lock;
pub(crate) use dialect::{Dialect, Member};

/// What went wrong with a statement.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// What SQLite said.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// What PostgreSQL said, or the way to it.
    #[error(transparent)]
    Postgres(#[from] Failure),
    /// A row that must be there is not.
    #[error("a row that must be there is not")]
    NoRow,
    /// A column holds what was never written there.
    #[error("a column cannot be read: {0}")]
    Undecodable(String),
}

/// A connection. It is used by one thread at a time.
pub(crate) enum Connection {
    /// To a file.
    Sqlite(sqlite::Connection),
    /// To a server.
    Postgres(Box<ServerConnection>),
}

impl Connection {
    /// Begins a statement. `text` holds literals of this crate, checked labels and placeholders, nothing else.
    pub(crate) fn query<'c>(&'c self, text: impl Into<Cow<'c, str>>) -> Query<'c> {
        asked::note(1);
        Query { connection: self, text: text.into(), values: Vec::new(), prepared: true }
    }

    /// Runs a statement that takes no values and whose rows, if any, do not matter.
    pub(crate) fn run(&self, text: &str) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => Ok(connection.run(text)?),
            Self::Postgres(connection) => Ok(connection.run(text)?),
        }
    }

    /// Sends a statement as [`Self::run`] does, and goes on: what comes of it is seen with the next answer.
    pub(crate) fn send(&self, text: &str) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => Ok(connection.run(text)?),
            Self::Postgres(connection) => {
                connection.send(text);
                Ok(())
            }
        }
    }

    /// Waits for the answers to everything that was sent. Fails when one of them is a failure.
    pub(crate) fn settled(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(connection) => Ok(connection.settle()?),
        }
    }

    /// Whether SQLite has a transaction open: it ends one by itself when the disk is full or fails.
    pub(crate) fn in_transaction(&self) -> bool {
        matches!(self, Self::Sqlite(connection) if connection.in_transaction())
    }

    /// Whether the server has given up waiting for its standby, and said that it is done.
    pub(crate) fn is_unreplicated(&self) -> bool {
        matches!(self, Self::Postgres(connection) if connection.is_unreplicated())
    }

    /// Whether no node is connected to this store, and none can be until the end of this transaction.
    pub(crate) fn may_leave(&self) -> Result<bool, Error> {
        match self {
            Self::Sqlite(_) => Ok(true),
            Self::Postgres(connection) => {
                // The server takes a moment to hear that a connection was closed.
                for _ in 0..20 {
                    if connection.try_lock(&Lock::Serving)? {
                        return Ok(true);
                    }
                    connection.run("SELECT pg_sleep(0.1)")?;
                }
                Ok(connection.try_lock(&Lock::Serving)?)
            }
        }
    }

    /// How this engine says what they say differently.
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Waits until no other transaction has this lock, and keeps it to the end of this one.
    pub(crate) fn lock(&self, lock: &Lock<'_>) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(connection) => Ok(connection.lock(lock)?),
        }
    }

    /// Whether this transaction may remove what has expired: no other node does at this moment.
    pub(crate) fn may_sweep(&self, what: &str) -> Result<bool, Error> {
        match self {
            Self::Sqlite(_) => Ok(true),
            Self::Postgres(connection) => Ok(connection.try_lock(&Lock::Sweep(what))?),
        }
    }

    /// Does reading that is given up with an error (see [`is_interrupted`]) when it turns out to be long, where reading holds up the
    /// thread of its caller.
    pub(crate) fn briefly<T>(&self, work: impl FnOnce() -> T) -> T {
        match self {
            Self::Sqlite(connection) => connection.briefly(work),
            Self::Postgres(_) => work(),
        }
    }

    /// Does reading whose statements are given up with an error as soon as a limit is over.
    pub(crate) fn within<T>(&self, limit: &Limit, work: impl FnOnce() -> T) -> T {
        match self {
            Self::Sqlite(connection) => connection.within(limit, work),
            Self::Postgres(connection) => connection.within(limit, work),
        }
    }
}

impl From<Error> for Unavailable {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl sqlite::Damaged for Error {
    fn damage(&self) -> Option<&rusqlite::Error> {
        if let Self::Sqlite(error) = self { error.damage() } else { None }
    }
}

/// Whether [`Connection::briefly`] gave a statement up.
pub(crate) fn is_interrupted(error: &Error) -> bool {
    matches!(error, Error::Sqlite(error) if sqlite::is_interrupted(error))
}

/// A row of an answer.
pub(crate) enum Row<'r> {
    /// SQLite's.
    Sqlite(&'r rusqlite::Row<'r>),
    /// PostgreSQL's.
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// The value of a column.
    pub(crate) fn get<I, T>(&self, column: I) -> Result<T, Error>
    where
        I: rusqlite::RowIndex + tokio_postgres::row::RowIndex + fmt::Display,
        T: rusqlite::types::FromSql + for<'a> tokio_postgres::types::FromSql<'a>,
    {
        match self {
            Self::Sqlite(row) => Ok(row.get(column)?),
            Self::Postgres(row) => row.try_get(column).map_err(|error| Error::Undecodable(error.to_string())),
        }
    }

    /// The bytes of a column, which may have been written as text.
    pub(crate) fn bytes(&self, column: &str) -> Result<Vec<u8>, Error> {
        match self {
            Self::Sqlite(row) => Ok(row.get_ref(column)?.as_bytes().unwrap_or_default().to_vec()),
            Self::Postgres(row) => row.try_get(column).map_err(|error| Error::Undecodable(error.to_string())),
        }
    }
}

/// Reads a column of JSON text.
pub(crate) fn json(row: &Row<'_>, column: &str) -> Result<Value, Error> {
    let read = |text: &str| serde_json::from_str(text).map_err(|error| Error::Undecodable(error.to_string()));
    match row {
        Row::Sqlite(row) => read(sqlite::text(row, column)?),
        Row::Postgres(row) => read(row.try_get(column).map_err(|error| Error::Undecodable(error.to_string()))?),
    }
}

/// Reads a column that may hold anything but JSON trees; `None` for NULL.
pub(crate) fn bound(row: &Row<'_>, column: usize) -> Result<Option<Bound>, Error> {
    match row {
        Row::Sqlite(row) => Ok(sqlite::bound(row, column)?),
        Row::Postgres(row) => Ok(bound_of_server(row, column)?),
    }
}

/// A statement under construction.
pub(crate) struct Query<'c> {
    connection: &'c Connection,
    text: Cow<'c, str>,
    values: Vec<Parameter>,
    prepared: bool,
}

impl Query<'_> {
    /// Binds the next value.
    pub(crate) fn bind(mut self, value: impl Into<Parameter>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds bytes as the next value.
    pub(crate) fn bind_bytes(mut self, bytes: Vec<u8>) -> Self {
        self.values.push(Parameter::Bytes(bytes));
        self
    }

    /// Does not keep the statement prepared: it is too particular to come again.
    pub(crate) fn once(mut self) -> Self {
        self.prepared = false;
        self
    }

    /// Runs it and says how many rows it changed.
    pub(crate) fn execute(self) -> Result<u64, Error> {
        asked::stumble()?;
        match self.connection {
            Connection::Sqlite(connection) => Ok(connection
                .with(&self.text, &self.values, self.prepared, |statement| Ok::<_, rusqlite::Error>(statement.raw_execute()? as u64))?),
            Connection::Postgres(connection) => Ok(connection.execute(&self.text, self.values, self.prepared)?),
        }
    }

    /// Sends it and goes on: that it failed is seen with the next answer, and at the commit at the latest.
    pub(crate) fn send(self) -> Result<(), Error> {
        match self.connection {
            Connection::Sqlite(_) => self.execute().map(drop),
            Connection::Postgres(connection) => {
                asked::stumble().and_then(|()| Ok(connection.send_query(&self.text, self.values, self.prepared)?))
            }
        }
    }

    /// Its first row, if it has one.
    pub(crate) fn first<T>(self, read: impl FnOnce(&Row<'_>) -> Result<T, Error>) -> Result<Option<T>, Error> {
        asked::stumble()?;
        match self.connection {
            Connection::Sqlite(connection) => connection.with(&self.text, &self.values, self.prepared, |statement| {
                statement.raw_query().next()?.map(|row| read(&Row::Sqlite(row))).transpose()
            }),
            Connection::Postgres(connection) => {
                let rows = connection.rows(&self.text, self.values, self.prepared)?;
                rows.first().map(|row| read(&Row::Postgres(row))).transpose()
            }
        }
    }

    /// Its first row, which it must have.
    pub(crate) fn one<T>(self, read: impl FnOnce(&Row<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.first(read)?.ok_or(Error::NoRow)
    }

    /// All its rows.
    pub(crate) fn all<T>(self, mut read: impl FnMut(&Row<'_>) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        asked::stumble()?;
        match self.connection {
            Connection::Sqlite(connection) => connection.with(&self.text, &self.values, self.prepared, |statement| {
                let mut rows = statement.raw_query();
                let mut all = Vec::new();
                while let Some(row) = rows.next()? {
                    asked::note(1);
                    all.push(read(&Row::Sqlite(row))?);
                }
                Ok(all)
            }),
            Connection::Postgres(connection) => {
                let rows = connection.rows(&self.text, self.values, self.prepared)?;
                asked::note(rows.len());
                rows.iter().map(|row| read(&Row::Postgres(row))).collect()
            }
        }
    }

    /// Asks for one number, and goes on: it is had from what this gives, with the answers to whatever is asked until then.
    pub(crate) fn number_later(self, column: &'static str) -> Result<Later, Error> {
        match self.connection {
            Connection::Sqlite(_) => self.first(|row| row.get(column)).map(Later::Known),
            Connection::Postgres(connection) => {
                asked::stumble()?;
                let place = connection.ask_query(&self.text, self.values, self.prepared)?;
                Ok(Later::Asked { place, column })
            }
        }
    }
}

impl Values {
    /// The statement. `text` holds literals of this crate, checked labels and placeholders, nothing else. Statements that are too
    /// particular to come again are not kept prepared.
    pub(crate) fn query(self, connection: &Connection, text: String) -> Query<'_> {
        let values = self.into_bound();
        let query = connection.query(text);
        let query = if values.len() <= 16 { query } else { query.once() };
        values.into_iter().fold(query, Query::bind)
    }
}

/// A number that was asked for.
pub(crate) enum Later {
    /// It is here.
    Known(Option<i64>),
    /// It is on its way.
    Asked { place: u64, column: &'static str },
}

impl Later {
    /// The number; `None` where there was no row.
    pub(crate) fn get(self, connection: &Connection) -> Result<Option<i64>, Error> {
        match (self, connection) {
            (Self::Known(number), _) => Ok(number),
            (Self::Asked { place, column }, Connection::Postgres(connection)) => {
                let rows = connection.answer(place)?;
                rows.first().map(|row| Row::Postgres(row).get(column)).transpose()
            }
            (Self::Asked { .. }, Connection::Sqlite(_)) => Err(Error::NoRow),
        }
    }
}
