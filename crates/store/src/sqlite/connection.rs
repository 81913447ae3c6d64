//! A connection and the statements on it. A statement is built like a sentence: text, values, what to do with the rows.
//!
//! Easiest to break: placeholders. `$1` is the first bound value wherever it stands in the text, as PostgreSQL has it; SQLite alone
//! would number them by their first occurrence, so values are bound by name.

use std::borrow::Cow;

use rusqlite::types::{ToSql, ToSqlOutput, Type, Value as Owned, ValueRef};
use serde_json::Value;

use super::Error;
use crate::sql::Bound;

/// Steps of the engine's machine that brief reading may take: some milliseconds at most, hundreds of times a look into an index.
const BRIEF: std::ffi::c_int = 5_000;

pub(crate) type Row<'r> = rusqlite::Row<'r>;

/// A connection. It is used by one thread at a time.
pub(crate) struct Connection(pub(super) rusqlite::Connection);

impl Connection {
    /// Begins a statement. `text` holds literals of this crate, checked labels and placeholders, nothing else.
    pub(crate) fn query<'c>(&'c self, text: impl Into<Cow<'c, str>>) -> Query<'c> {
        Query { connection: &self.0, text: text.into(), values: Vec::new(), prepared: true }
    }

    /// Runs a statement that takes no values and whose rows, if any, do not matter.
    pub(crate) fn run(&self, text: &str) -> Result<(), Error> {
        self.0.prepare_cached(text)?.query([])?.next().map(drop)
    }

    /// Does reading that is given up with an error (see [`super::is_interrupted`]) when it turns out to be long.
    pub(crate) fn briefly<T>(&self, work: impl FnOnce() -> T) -> T {
        // Setting a handler fails on a closed connection only, whose statements fail too.
        let _ = self.0.progress_handler(BRIEF, Some(|| true));
        let done = work();
        let _ = self.0.progress_handler(0, None::<fn() -> bool>);
        done
    }

    /// Whether a transaction is open. The engine ends one by itself when the disk is full or fails.
    pub(crate) fn in_transaction(&self) -> bool {
        !self.0.is_autocommit()
    }
}

/// A statement under construction.
pub(crate) struct Query<'c> {
    connection: &'c rusqlite::Connection,
    text: Cow<'c, str>,
    values: Vec<Parameter>,
    prepared: bool,
}

/// A value to bind, or NULL.
pub(crate) struct Parameter(Option<Bound>);

impl<T: Into<Bound>> From<T> for Parameter {
    fn from(value: T) -> Self {
        Self(Some(value.into()))
    }
}

impl<T: Into<Bound>> From<Option<T>> for Parameter {
    fn from(value: Option<T>) -> Self {
        Self(value.map(Into::into))
    }
}

impl ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match &self.0 {
            None => ToSqlOutput::Owned(Owned::Null),
            Some(Bound::Text(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Some(Bound::Integer(integer)) => ToSqlOutput::Owned(Owned::Integer(*integer)),
            Some(Bound::Real(real)) => ToSqlOutput::Owned(Owned::Real(*real)),
        })
    }
}

impl Query<'_> {
    /// Binds the next value.
    pub(crate) fn bind(mut self, value: impl Into<Parameter>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Does not keep the statement prepared: it is too particular to come again.
    pub(crate) fn once(mut self) -> Self {
        self.prepared = false;
        self
    }

    /// Runs it and says how many rows it changed.
    pub(crate) fn execute(self) -> Result<u64, Error> {
        self.with(|statement| Ok(statement.raw_execute()? as u64))
    }

    /// Its first row, if it has one.
    pub(crate) fn first<T>(self, read: impl FnOnce(&Row<'_>) -> Result<T, Error>) -> Result<Option<T>, Error> {
        self.with(|statement| statement.raw_query().next()?.map(read).transpose())
    }

    /// Its first row, which it must have.
    pub(crate) fn one<T>(self, read: impl FnOnce(&Row<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.first(read)?.ok_or(Error::QueryReturnedNoRows)
    }

    /// All its rows.
    pub(crate) fn all<T>(self, mut read: impl FnMut(&Row<'_>) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        self.with(|statement| {
            let mut rows = statement.raw_query();
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(read(row)?);
            }
            Ok(all)
        })
    }

    fn with<T>(self, work: impl FnOnce(&mut rusqlite::Statement<'_>) -> Result<T, Error>) -> Result<T, Error> {
        if self.prepared {
            let mut statement = self.connection.prepare_cached(&self.text)?;
            bind(&mut statement, &self.values)?;
            work(&mut statement)
        } else {
            let mut statement = self.connection.prepare(&self.text)?;
            bind(&mut statement, &self.values)?;
            work(&mut statement)
        }
    }
}

/// A value that the text does not mention after all is no fault: conditions are bound first and may be widened afterwards.
fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Parameter]) -> Result<(), Error> {
    for (position, value) in values.iter().enumerate() {
        if let Some(index) = statement.parameter_index(&format!("${}", position + 1))? {
            statement.raw_bind_parameter(index, value)?;
        }
    }
    Ok(())
}

/// Reads a column of JSON text.
pub(crate) fn json(row: &Row<'_>, column: &str) -> Result<Value, Error> {
    let text = row.get_ref(column)?.as_str().map_err(undecodable)?;
    serde_json::from_str(text).map_err(undecodable)
}

fn undecodable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}

/// Reads a column that may hold anything but JSON trees; `None` for NULL.
pub(crate) fn bound(row: &Row<'_>, column: usize) -> Result<Option<Bound>, Error> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        ValueRef::Integer(integer) => Some(Bound::Integer(integer)),
        ValueRef::Real(real) => Some(Bound::Real(real)),
        ValueRef::Text(_) | ValueRef::Blob(_) => Some(Bound::Text(row.get_ref(column)?.as_str().map_err(undecodable)?.to_owned())),
    })
}
