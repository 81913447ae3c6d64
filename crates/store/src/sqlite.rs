//! What only SQLite understands: how it is opened, how its plans are pinned, how it names what failed. Another engine brings a file
//! like this one; the statements elsewhere stay.
//!
//! Easiest to break: durability. `synchronous = FULL` in WAL mode writes the log through to the disk at every commit; anything less
//! loses the last writes on a power cut, although they were acknowledged. What may be lost says so ([`crate::writer::Kept`]).

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{OpenFlags, Transaction, ffi};
use rusqlite_migration::{HookResult, M, MigrationDefinitionError, Migrations};

use crate::OpenError;
use crate::error::Unavailable;

mod backup;
mod connection;

pub(crate) use backup::is_sealed;
pub use backup::{CopyError, Enclosed, backup, read_enclosed, restore};
pub(crate) use connection::{Connection, Damaged, bound, text};
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
/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const STATEMENT_CACHE: usize = 64;

/// The file a location names: a path, or a URL `sqlite:PATH` or `sqlite://PATH`.
pub(crate) fn file(location: &str) -> Result<PathBuf, OpenError> {
    let path = location.strip_prefix("sqlite:").map_or(location, |path| path.strip_prefix("//").unwrap_or(path));
    let foreign = path == location && scheme(location).is_some();
    let unknown = foreign || path.is_empty() || path.contains(":memory:") || path.contains("://") || path.contains('\0');
    if unknown { Err(OpenError::UnknownBackend(beginning(location))) } else { Ok(PathBuf::from(path)) }
}

/// The scheme of an address, also of one that is mistyped: a path with a colon in its first segment is written behind `sqlite:` or `./`.
fn scheme(location: &str) -> Option<&str> {
    let is_scheme = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let engine = location.get(..8).filter(|begin| begin.eq_ignore_ascii_case("postgres"));
    location.split_once(':').map(|(scheme, _)| scheme).filter(is_scheme).or(engine)
}

/// What a location begins with: the rest may hold a password.
pub(crate) fn beginning(location: &str) -> String {
    if let Some((scheme, _)) = location.split_once("://") {
        return format!("{scheme}://…");
    }
    scheme(location).filter(|scheme| *scheme != "sqlite").map_or_else(|| location.to_owned(), |scheme| format!("{scheme}:…"))
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
    open_as(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

fn open_as(file: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    // Every connection has one user at a time, so SQLite's own locks around it would be locks around nothing.
    let connection = rusqlite::Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
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

/// A connection that looks and leaves everything as it is: a log that a crash left is read and not written back, and where there is none, because
/// no server runs, none is made (`immutable`, "URI Filenames" of SQLite).
pub(crate) fn onlooker(file: &Path) -> Result<Connection, Error> {
    let log = file.as_os_str().as_encoded_bytes().iter().chain(b"-wal").copied().collect();
    if Path::new(&std::ffi::OsString::from_vec(log)).exists() {
        return open_as(file, OpenFlags::SQLITE_OPEN_READ_ONLY);
    }
    let mut uri = String::from("file:");
    for &byte in file.as_os_str().as_encoded_bytes() {
        // Writing into a text cannot fail.
        let _ = if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            uri.write_char(char::from(byte))
        } else {
            write!(uri, "%{byte:02X}")
        };
    }
    open_as(Path::new(&(uri + "?immutable=1")), OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

/// The steps that made the tables what they are, first to last. Forward only: a released step is never edited.
fn steps() -> Migrations<'static> {
    Migrations::new(vec![
        M::up(include_str!("../migrations/sqlite/0001_store.sql")),
        M::up(include_str!("../migrations/sqlite/0002_unfinished.sql")),
        M::up(include_str!("../migrations/sqlite/0003_identifier.sql")),
        M::up(include_str!("../migrations/sqlite/0004_audit_indexes.sql")),
        M::up(include_str!("../migrations/sqlite/0005_outbox.sql")),
        M::up_with_hook(include_str!("../migrations/sqlite/0006_lookup.sql"), drop_expression_indexes),
        M::up(include_str!("../migrations/sqlite/0007_references.sql")),
        M::up(include_str!("../migrations/sqlite/0008_put_back.sql")),
        M::up(include_str!("../migrations/sqlite/0009_moving.sql")),
        M::up(include_str!("../migrations/sqlite/0010_funnel.sql")),
        M::up(include_str!("../migrations/sqlite/0011_config_version.sql")),
        M::up(include_str!("../migrations/sqlite/0012_canary.sql")),
    ])
}

/// How many there are.
pub(crate) const STEPS: i64 = 12;

/// Earlier versions made indexes over expressions, by names that came from the configuration.
fn drop_expression_indexes(transaction: &Transaction<'_>) -> HookResult {
    let mut names =
        transaction.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'managed_object' AND sql IS NOT NULL")?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for name in names {
        transaction.execute(&format!("DROP INDEX \"{}\"", name.replace('"', "\"\"")), [])?;
    }
    Ok(())
}

/// Brings the tables up to date.
pub(crate) fn migrate(file: &Path, connection: &mut Connection) -> Result<(), OpenError> {
    let name = || file.display().to_string();
    let step = connection.0.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|error| open_error(file, &error))?;
    steps().to_latest(&mut connection.0).map_err(|error| match error {
        rusqlite_migration::Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            OpenError::Newer { file: name(), step }
        }
        rusqlite_migration::Error::RusqliteError { err, .. } if is_damage(&err) => open_error(file, &err),
        error => OpenError::Migration { file: name(), cause: error.to_string() },
    })
}

/// Opens a file, making it where it is missing, and brings its tables up to date.
pub(crate) fn migrate_at(location: &str) -> Result<(), OpenError> {
    let path = file(location)?;
    let unreachable = |error: std::io::Error| OpenError::Unreachable { file: path.display().to_string(), cause: error.to_string() };
    create_private(&path).map_err(unreachable)?;
    let mut connection = writer(&path).map_err(|error| open_error(&path, &error))?;
    migrate(&path, &mut connection)
}

/// Whether the tables are those of this version.
pub(crate) fn check_version(file: &Path, connection: &Connection) -> Result<(), OpenError> {
    let step: i64 = connection.0.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|error| open_error(file, &error))?;
    let name = || file.display().to_string();
    match step.cmp(&STEPS) {
        std::cmp::Ordering::Less => Err(OpenError::Older { file: name() }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(OpenError::Newer { file: name(), step }),
    }
}

/// How many steps are still to be made in a file; all of them where it is missing.
pub(crate) fn missing_steps(location: &str) -> Result<i64, OpenError> {
    let path = file(location)?;
    if !path.exists() {
        return Ok(STEPS);
    }
    let failed = |error: Error| open_error(&path, &error);
    let step: i64 = onlooker(&path).and_then(|found| found.0.pragma_query_value(None, "user_version", |row| row.get(0))).map_err(failed)?;
    if step > STEPS { Err(OpenError::Newer { file: path.display().to_string(), step }) } else { Ok(STEPS - step) }
}

/// Sorts what went wrong at the opening.
pub(crate) fn open_error(file: &Path, error: &Error) -> OpenError {
    let (name, cause) = (file.display().to_string(), error.to_string());
    if is_damage(error) { OpenError::Corrupt { file: name, cause } } else { OpenError::Unreachable { file: name, cause } }
}

fn is_damage(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase))
}

impl From<Error> for Unavailable {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

/// Whether [`Connection::briefly`] gave a statement up.
pub(crate) fn is_interrupted(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ffi::ErrorCode::OperationInterrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_counted() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        steps().to_latest(&mut connection).unwrap();
        let reached: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(reached, STEPS);
    }

    #[test]
    fn locations_are_paths_or_urls_of_sqlite() {
        for (location, path) in [("a/b.db", "a/b.db"), ("sqlite:a.db", "a.db"), ("sqlite:///var/a.db", "/var/a.db")] {
            assert_eq!(file(location).unwrap(), PathBuf::from(path));
        }
        for location in ["", "sqlite:", "sqlite::memory:", ":memory:", "postgres://localhost/x"] {
            assert!(file(location).is_err(), "{location}");
        }
    }
}
