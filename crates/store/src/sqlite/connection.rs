//! A connection, and how statements are prepared on it, bound and run.
//!
//! Easiest to break: placeholders. `$1` is the first bound value wherever it stands in the text, as PostgreSQL has it; SQLite alone
//! would number them by their first occurrence, so values are bound by name.

use rusqlite::types::{ToSql, ToSqlOutput, Type, Value as Owned, ValueRef};

use super::Error;
use crate::bind::{Bound, Parameter};
use crate::limit::Limit;

/// Steps of the engine's machine that brief reading may take: some milliseconds at most, hundreds of times a look into an index.
const BRIEF: std::ffi::c_int = 5_000;
/// Steps of long reading, a millisecond or so, between two looks at whether it is to go on.
const LOOK: std::ffi::c_int = 20_000;

/// What the values of nearly every statement are called.
const NAMES: [&str; 16] = ["$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$16"];

/// A connection. It is used by one thread at a time.
pub(crate) struct Connection(pub(super) rusqlite::Connection);

impl Connection {
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

    /// Does reading whose statements are given up with an error as soon as a limit is over.
    pub(crate) fn within<T>(&self, limit: &Limit, work: impl FnOnce() -> T) -> T {
        let limit = limit.clone();
        // As above.
        let _ = self.0.progress_handler(LOOK, Some(move || limit.is_over()));
        let done = work();
        let _ = self.0.progress_handler(0, None::<fn() -> bool>);
        done
    }

    /// Whether a transaction is open. The engine ends one by itself when the disk is full or fails.
    pub(crate) fn in_transaction(&self) -> bool {
        !self.0.is_autocommit()
    }

    /// Prepares a statement, binds its values and does something with it. One that is not to be kept `prepared` is too particular to come
    /// again.
    pub(crate) fn with<T, E: From<Error> + Damaged>(
        &self,
        text: &str,
        values: &[Parameter],
        prepared: bool,
        work: impl FnOnce(&mut rusqlite::Statement<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.attempt(text, values, prepared, work).inspect_err(|error| {
            if let Some(damage) = error.damage() {
                tell_damage(&self.0, damage);
            }
        })
    }

    fn attempt<T, E: From<Error>>(
        &self,
        text: &str,
        values: &[Parameter],
        prepared: bool,
        work: impl FnOnce(&mut rusqlite::Statement<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if prepared {
            let mut statement = self.0.prepare_cached(text)?;
            bind(&mut statement, values)?;
            work(&mut statement)
        } else {
            let mut statement = self.0.prepare(text)?;
            bind(&mut statement, values)?;
            work(&mut statement)
        }
    }
}

/// What may be a report of a damaged file.
pub(crate) trait Damaged {
    /// What SQLite said, if it said that.
    fn damage(&self) -> Option<&Error>;
}

impl Damaged for Error {
    fn damage(&self) -> Option<&Error> {
        Some(self).filter(|error| super::is_damage(error))
    }
}

impl ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(None) | Self::Integer(None) => ToSqlOutput::Owned(Owned::Null),
            Self::Text(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Integer(Some(integer)) => ToSqlOutput::Owned(Owned::Integer(*integer)),
            Self::Real(real) => ToSqlOutput::Owned(Owned::Real(*real)),
            Self::Boolean(boolean) => ToSqlOutput::Owned(Owned::Integer((*boolean).into())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// A damaged page is nothing that the next attempt mends: the operator is told which file it is, and what to do.
fn tell_damage(connection: &rusqlite::Connection, error: &Error) {
    let file = std::path::Path::new(connection.path().unwrap_or_default());
    tracing::error!("{}", super::open_error(file, error));
}

/// A value that the text does not mention after all is no fault: conditions are bound first and may be widened afterwards.
fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Parameter]) -> Result<(), Error> {
    for (position, value) in values.iter().enumerate() {
        let index = match NAMES.get(position) {
            Some(name) => statement.parameter_index(name)?,
            None => statement.parameter_index(&format!("${}", position + 1))?,
        };
        if let Some(index) = index {
            statement.raw_bind_parameter(index, value)?;
        }
    }
    Ok(())
}

/// Reads a column of text.
pub(crate) fn text<'r>(row: &'r rusqlite::Row<'_>, column: &str) -> Result<&'r str, Error> {
    row.get_ref(column)?.as_str().map_err(undecodable)
}

fn undecodable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}

/// Reads a column that may hold anything but JSON trees; `None` for NULL.
pub(crate) fn bound(row: &rusqlite::Row<'_>, column: usize) -> Result<Option<Bound>, Error> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        ValueRef::Integer(integer) => Some(Bound::Integer(integer)),
        ValueRef::Real(real) => Some(Bound::Real(real)),
        ValueRef::Text(_) | ValueRef::Blob(_) => Some(Bound::Text(row.get_ref(column)?.as_str().map_err(undecodable)?.to_owned())),
    })
}
