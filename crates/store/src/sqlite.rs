//! What only SQLite understands: how it is opened, how its plans are pinned, how it names what failed. Another engine brings a file
//! like this one; the statements elsewhere stay.
//!
//! Easiest to break: durability. `synchronous = FULL` in WAL mode writes the log through to the disk at every commit; anything less
//! loses the last answers on a power cut, although they were acknowledged (principle 5 of the design). What may be lost says so
//! ([`crate::writer::Kept`]).

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{OpenFlags, ffi};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

use crate::OpenError;
use crate::collections::Index;

mod connection;

pub(crate) use connection::{Connection, Query, Row, bound, json};
pub(crate) type Error = rusqlite::Error;

/// Takes the write lock at once: a transaction that reads first and writes later could otherwise find the lock taken and fail
/// without having waited.
pub(crate) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// From now on commits are written through to the disk, with all that was committed before.
pub(crate) const WRITE_THROUGH: &str = "PRAGMA synchronous = FULL";
/// From now on commits are left to the operating system, which writes them in their order.
pub(crate) const WRITE_BACK: &str = "PRAGMA synchronous = NORMAL";
/// Writes the log back into the main file and empties it.
pub(crate) const CHECKPOINT: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
/// The column by which a row is found fastest.
pub(crate) const ROW: &str = "rowid";
/// Behind a table: rows are found by [`ROW`] and in no other way.
pub(crate) const BY_ROW: &str = " NOT INDEXED";
/// Behind a table: rows are found by collection and id.
pub(crate) const BY_ID: &str = " INDEXED BY sqlite_autoindex_managed_object_1";
/// Behind a read inside a write transaction. SQLite has one writer at a time and needs nothing.
pub(crate) const FOR_UPDATE: &str = "";

/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const STATEMENT_CACHE: usize = 64;

/// The file a location names: a path, or a URL `sqlite:PATH` or `sqlite://PATH`.
pub(crate) fn file(location: &str) -> Result<PathBuf, OpenError> {
    let path = location.strip_prefix("sqlite:").map_or(location, |path| path.strip_prefix("//").unwrap_or(path));
    let unknown = path.is_empty() || path.contains(":memory:") || path.contains("://") || path.contains('\0');
    if unknown { Err(OpenError::UnknownBackend(location.to_owned())) } else { Ok(PathBuf::from(path)) }
}

/// Makes an empty file that only its owner may read; the log files inherit its mode. A file that is there keeps its own.
pub(crate) fn create_private(file: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Its page cache is small: hot pages stay in the system's cache anyway.
fn open(file: &Path) -> Result<Connection, Error> {
    // Every connection has one user at a time, so SQLite's own locks around it would be locks around nothing.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA cache_size = -1024; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; \
         PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON",
    )?;
    Ok(Connection(connection))
}

/// The one connection that writes. The log is written back when it has 16 MiB: most of its pages are the same ones again and again. What is
/// deleted is zeroed in pages that are written anyway: codes and hashes do not linger in free
/// space.
pub(crate) fn writer(file: &Path) -> Result<Connection, Error> {
    let connection = open(file)?;
    connection.0.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST; PRAGMA wal_autocheckpoint = 4000; \
         PRAGMA journal_size_limit = 16777216",
    )?;
    Ok(connection)
}

/// A connection that reads.
pub(crate) fn reader(file: &Path) -> Result<Connection, Error> {
    let connection = open(file)?;
    connection.0.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

/// The steps that made the tables what they are, first to last. Forward only: a released step is never edited.
const STEPS: &[M<'_>] = &[
    M::up(include_str!("../migrations/sqlite/0001_store.sql")),
    M::up(include_str!("../migrations/sqlite/0002_unfinished.sql")),
    M::up(include_str!("../migrations/sqlite/0003_identifier.sql")),
    M::up(include_str!("../migrations/sqlite/0004_audit_indexes.sql")),
];

/// Brings the tables up to date.
pub(crate) fn migrate(file: &Path, connection: &mut Connection) -> Result<(), OpenError> {
    let name = || file.display().to_string();
    let step = connection.0.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|error| open_error(file, &error))?;
    Migrations::from_slice(STEPS).to_latest(&mut connection.0).map_err(|error| match error {
        rusqlite_migration::Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            OpenError::Newer { file: name(), step }
        }
        rusqlite_migration::Error::RusqliteError { err, .. } if is_damage(&err) => open_error(file, &err),
        error => OpenError::Migration { file: name(), cause: error.to_string() },
    })
}

/// Sorts what went wrong at the opening.
pub(crate) fn open_error(file: &Path, error: &Error) -> OpenError {
    let (name, cause) = (file.display().to_string(), error.to_string());
    if is_damage(error) { OpenError::Corrupt { file: name, cause } } else { OpenError::Unreachable { file: name, cause } }
}

fn is_damage(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase))
}

/// What the engine said, in its words.
fn message(error: &Error) -> &str {
    match error {
        Error::SqliteFailure(_, Some(message)) => message,
        Error::SqlInputError { msg, .. } => msg,
        _ => "",
    }
}

/// What a uniqueness violation was about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// The object's id.
    Id,
    /// A unique property.
    Property { collection: String, property: String },
}

/// The uniqueness violation behind an error, if it is one.
pub(crate) fn violation(error: &Error) -> Option<Violation> {
    let code = error.sqlite_error()?.extended_code;
    if !matches!(code, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) {
        return None;
    }
    // "UNIQUE constraint failed: index 'NAME'" for an expression index, "…: TABLE.COLUMN, …" for a key.
    let Some((_, name)) = message(error).split_once("index '") else { return Some(Violation::Id) };
    let (collection, property) = name.trim_end_matches('\'').strip_prefix("unique ")?.split_once(' ')?;
    Some(Violation::Property { collection: collection.to_owned(), property: property.to_owned() })
}

/// Whether [`Connection::briefly`] gave a statement up.
pub(crate) fn is_interrupted(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ffi::ErrorCode::OperationInterrupted)
}

/// Whether a statement named an index that is not there (any more).
pub(crate) fn lacks_index(error: &Error) -> bool {
    message(error).contains("no such index") || message(error).contains("no query solution")
}

/// The value of a property, as SQL. Text is compared byte by byte, numbers by value; absent and null are NULL.
pub(crate) fn value(label: &str) -> String {
    format!("doc ->> '{label}'")
}

/// The name of a property's JSON type, as SQL.
pub(crate) fn kind(label: &str) -> String {
    format!("json_type(doc, '$.{label}')")
}

/// The elements of an array, as a table with columns `value` and `type`.
pub(crate) fn elements(label: &str) -> String {
    format!("json_each(doc, '$.{label}')")
}

/// [`value`], [`kind`] and [`elements`] of a place whose path is bound.
pub(crate) fn bound_place(placeholder: &str) -> (String, String, String) {
    (format!("json_extract(doc, {placeholder})"), format!("json_type(doc, {placeholder})"), format!("json_each(doc, {placeholder})"))
}

/// The path of a place, to be bound; `None` where SQLite's path language is too weak or reads the name in two ways.
pub(crate) fn path(tokens: &[String]) -> Option<String> {
    let mut path = String::from("$");
    for (position, token) in tokens.iter().enumerate() {
        let ambiguous = position > 0 && token.bytes().all(|byte| byte.is_ascii_digit());
        let unwritable = token.is_empty() || token.chars().any(|character| character == '"' || character == '\\' || character.is_control());
        if ambiguous || unwritable {
            return None;
        }
        path.push_str(".\"");
        path.push_str(token);
        path.push('"');
    }
    Some(path)
}

/// A table of the texts or numbers in a bound JSON array, with a column `value`.
pub(crate) fn list(placeholder: &str) -> String {
    format!("SELECT value FROM json_each({placeholder})")
}

/// Whether `text` contains the bound text.
pub(crate) fn contains(text: &str, placeholder: &str) -> String {
    format!("instr({text}, {placeholder}) > 0")
}

/// One key of ORDER BY: what is missing comes before everything else, and last where the order is reversed.
pub(crate) fn order_key(value: &str, ascending: bool) -> String {
    format!("{value} {}", if ascending { "ASC" } else { "DESC" })
}

/// Behind a table: rows are found through this index.
pub(crate) fn by_index(index: Index<'_>) -> String {
    format!(" INDEXED BY {}", index_name(index))
}

/// Behind a table: rows whose property is an array are found through the index of those.
pub(crate) fn by_arrays(index: Index<'_>) -> String {
    format!(" INDEXED BY {}", arrays_name(index))
}

/// Restricts a statement to the index's collection, literally: a partial index is only used where its condition can be seen.
pub(crate) fn within(index: Index<'_>) -> String {
    format!("collection = '{}'", index.collection)
}

fn index_name(index: Index<'_>) -> String {
    format!("\"{} {} {}\"", if index.unique { "unique" } else { "lookup" }, index.collection, index.label)
}

fn arrays_name(index: Index<'_>) -> String {
    format!("\"arrays {} {}\"", index.collection, index.label)
}

/// The statements that make an index, by the name of what they make. The second one holds only objects whose property is an array,
/// which is nearly none, so that a search need not look through all objects for them.
pub(crate) fn definitions(index: Index<'_>) -> [(String, String); 2] {
    let (value, kind, within) = (value(index.label), kind(index.label), within(index));
    let (name, arrays) = (index_name(index), arrays_name(index));
    let columns = if index.unique { format!("({value})") } else { format!("({value}), id") };
    let unique = if index.unique { "UNIQUE " } else { "" };
    [
        (name.trim_matches('"').to_owned(), format!("CREATE {unique}INDEX {name} ON managed_object ({columns}) WHERE {within}")),
        (arrays.trim_matches('"').to_owned(), format!("CREATE INDEX {arrays} ON managed_object (id) WHERE {within} AND {kind} = 'array'")),
    ]
}

/// Lists the declared indexes that are there: `name` and `sql`.
pub(crate) const DECLARED_INDEXES: &str =
    "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'managed_object' AND sql IS NOT NULL";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_paths_or_urls_of_sqlite() {
        for (location, path) in [("a/b.db", "a/b.db"), ("sqlite:a.db", "a.db"), ("sqlite:///var/a.db", "/var/a.db")] {
            assert_eq!(file(location).unwrap(), PathBuf::from(path));
        }
        for location in ["", "sqlite:", "sqlite::memory:", ":memory:", "postgres://localhost/x"] {
            assert!(file(location).is_err(), "{location}");
        }
    }

    #[test]
    fn a_path_is_refused_where_it_could_be_read_differently() {
        let path = |tokens: &[&str]| super::path(&tokens.iter().map(|token| (*token).to_owned()).collect::<Vec<_>>());
        assert_eq!(path(&["a b", "c.d"]).unwrap(), r#"$."a b"."c.d""#);
        assert_eq!(path(&["7"]).unwrap(), r#"$."7""#);
        for tokens in [&["a", "0"][..], &["a\"b"], &["a\\"], &[""], &["a\n"]] {
            assert_eq!(path(tokens), None, "{tokens:?}");
        }
    }
}
