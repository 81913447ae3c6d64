//! Copies of a store: one file that holds a consistent state, made while others write, and a store made of such a file again.
//!
//! Easiest to break: a file has its name only when it is whole and on the disk, so that whatever dies in between leaves no half of one; and
//! a store is copied by the engine, never as bytes, because its last commits are in the log beside it.

use std::fs::File;
use std::io;
use std::path::Path;

use rusqlite::OpenFlags;

use super::{Error, check_version, file, is_damage, migrate, open, open_error};
use crate::{OpenError, put_back};

/// Why a copy was not made.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The store, or the copy, cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// The file is no backup.
    #[error("{0} is no backup of this program")]
    NoBackup(String),
    /// The store is on a server.
    #[error("the store is on a server: its own tools copy it and put it back (pg_basebackup, pg_dump; see operations.md)")]
    Server,
    /// The store is there already.
    #[error("{0} exists; a store is restored where there is none")]
    Exists(String),
}

/// A further file that a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosed {
    /// Its name in the data directory.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> CopyError + '_ {
    |error| CopyError::Io { path: path.display().to_string(), error }
}

fn here(location: &str) -> Result<std::path::PathBuf, CopyError> {
    if location.starts_with("postgres:") || location.starts_with("postgresql:") {
        return Err(CopyError::Server);
    }
    Ok(file(location)?)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// An empty file of its owner's beside `path`, to be given its name when it is whole.
fn beside(path: &Path) -> Result<tempfile::NamedTempFile, CopyError> {
    tempfile::Builder::new().prefix(".vestibule-").tempfile_in(directory_of(path)).map_err(io_error(path))
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Writes the state of the store at `location` to `target`, whoever else uses the store. A file of that name is replaced.
///
/// # Errors
/// As the variants of [`CopyError`] say; `target` is as it was then.
pub fn backup(location: &str, target: &Path, enclosed: &[Enclosed]) -> Result<(), CopyError> {
    let source = here(location)?;
    if !source.exists() {
        let cause = "there is no such file".to_owned();
        return Err(OpenError::Unreachable { file: source.display().to_string(), cause }.into());
    }
    let copy = beside(target)?;
    let said = |error: &Error| CopyError::from(open_error(if is_damage(error) { &source } else { copy.path() }, error));
    let connection = open(&source).map_err(|error| said(&error))?;
    check_version(&source, &connection)?;
    connection.0.execute("VACUUM INTO ?1", [copy.path().to_string_lossy()]).map_err(|error| said(&error))?;
    let made = rusqlite::Connection::open(copy.path()).map_err(|error| said(&error))?;
    let written = made.execute_batch("CREATE TABLE enclosed (name TEXT PRIMARY KEY, content BLOB NOT NULL)").and_then(|()| {
        enclosed
            .iter()
            .try_for_each(|one| made.execute("INSERT INTO enclosed (name, content) VALUES (?1, ?2)", (&one.name, &one.content)).map(drop))
    });
    written.map_err(|error| said(&error))?;
    drop(made);
    copy.as_file().sync_all().map_err(io_error(target))?;
    copy.persist(target).map_err(|error| io_error(target)(error.error))?;
    sync(directory_of(target)).map_err(io_error(target))
}

/// Makes the store at `location` of a backup, and gives what was enclosed in it. Nothing that was issued before `now`, in seconds since 1970, is
/// good there: what was used or ended after the backup must not be alive again.
///
/// # Errors
/// As the variants of [`CopyError`] say; there is no store then.
pub fn restore(source: &Path, location: &str, now: i64) -> Result<Vec<Enclosed>, CopyError> {
    let target = here(location)?;
    if target.exists() {
        return Err(CopyError::Exists(target.display().to_string()));
    }
    let enclosed = read_enclosed(source)?;
    let copy = beside(&target)?;
    std::fs::copy(source, copy.path()).map_err(io_error(source))?;
    let said = |error: &Error| CopyError::from(open_error(if is_damage(error) { source } else { copy.path() }, error));
    let mut connection = open(copy.path()).map_err(|error| said(&error))?;
    let work = format!("PRAGMA secure_delete = ON; DROP TABLE enclosed; {}", put_back::ENDED.join("; "));
    connection.0.execute_batch(&work).map_err(|error| said(&error))?;
    migrate(copy.path(), &mut connection)?;
    connection.0.execute(put_back::NOTE, [put_back::after(now)]).map_err(|error| said(&error))?;
    drop(connection);
    copy.as_file().sync_all().map_err(io_error(&target))?;
    copy.persist_noclobber(&target).map_err(|error| io_error(&target)(error.error))?;
    sync(directory_of(&target)).map_err(io_error(&target))?;
    Ok(enclosed)
}

/// Reads every page of a backup, and gives what is enclosed in it.
///
/// # Errors
/// As the variants of [`CopyError`] say.
pub fn read_enclosed(source: &Path) -> Result<Vec<Enclosed>, CopyError> {
    File::open(source).map_err(io_error(source))?;
    let said = |error: &Error| CopyError::from(open_error(source, error));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(source, flags).map_err(|error| said(&error))?;
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|error| said(&error))?;
    if found != "ok" {
        return Err(OpenError::Corrupt { file: source.display().to_string(), cause: found }.into());
    }
    let is_backup = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('enclosed', 'managed_object')";
    let tables: i64 = connection.query_row(is_backup, [], |row| row.get(0)).map_err(|error| said(&error))?;
    if tables != 2 {
        return Err(CopyError::NoBackup(source.display().to_string()));
    }
    let rows = connection.prepare("SELECT name, content FROM enclosed ORDER BY name").and_then(|mut statement| {
        let rows = statement.query_map([], |row| Ok(Enclosed { name: row.get(0)?, content: row.get(1)? }))?;
        rows.collect::<Result<Vec<_>, _>>()
    });
    rows.map_err(|error| said(&error))
}

/// Whether a file holds anything that was sealed with a server's keys. One that is not there holds nothing.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn is_sealed(location: &str) -> Result<bool, OpenError> {
    let path = file(location)?;
    if !path.exists() {
        return Ok(false);
    }
    let said = |error: &Error| open_error(&path, error);
    let connection = super::onlooker(&path).map_err(|error| said(&error))?;
    for table in ["sealing", "definition", "jsonstorage", "outbox"] {
        let known = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        let known: i64 = connection.0.query_row(known, [table], |row| row.get(0)).map_err(|error| said(&error))?;
        let holds = format!("SELECT EXISTS (SELECT 1 FROM {table})");
        if known > 0 && connection.0.query_row(&holds, [], |row| row.get(0)).map_err(|error| said(&error))? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use crest::Change;
    use identity::Objects as _;
    use process::{Effect, Ledger as _, Unit};
    use serde_json::json;

    use super::*;
    use crate::{Collections, Db};

    fn create(number: u32) -> Unit {
        let content = json!({ "userName": format!("u{number}") });
        let change = Change::Create { collection: "managed/user".into(), id: format!("id{number}"), content };
        Unit { now: 1, spend: None, effects: vec![Effect::Change(change)] }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_backup_of_a_store_in_use_holds_what_was_acknowledged_before_it() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let location = at("store.db").display().to_string();
        let users = || Collections::new().with("managed/user", ["userName"], []);
        let db = Db::open(&location, users()).await.unwrap();
        for number in 0..50 {
            db.commit(create(number)).await.unwrap();
        }
        let writing = tokio::spawn({
            let db = db.clone();
            async move {
                for number in 50..150 {
                    db.commit(create(number)).await.unwrap();
                }
            }
        });
        let enclosed = vec![Enclosed { name: "keys.json".into(), content: vec![0, 255, 7] }];
        let (from, target, with) = (location.clone(), at("backup"), enclosed.clone());
        tokio::task::spawn_blocking(move || backup(&from, &target, &with)).await.unwrap().unwrap();
        writing.await.unwrap();
        let restored = at("restored.db").display().to_string();
        assert_eq!(restore(&at("backup"), &restored, 1).unwrap(), enclosed);
        let copy = Db::open(&restored, users()).await.unwrap();
        let mut ends = false;
        for number in 0..150 {
            let there = copy.read("managed/user", &format!("id{number}")).await.unwrap().is_some();
            assert!(there || number >= 50, "{number} was acknowledged before");
            assert!(!(there && ends), "{number} is there and an earlier one is not");
            ends = !there;
        }
        assert!(matches!(copy.commit(create(0)).await, Err(process::CommitError::IdTaken { .. })));
        assert!(matches!(restore(&at("backup"), &restored, 1), Err(CopyError::Exists(_))));
        let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| !name.to_string_lossy().starts_with(".vestibule-")), "{names:?}");
    }

    #[tokio::test]
    async fn what_is_no_backup_and_what_is_damaged_is_refused_and_makes_no_store() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let (location, restored) = (at("store.db").display().to_string(), at("restored.db"));
        let target = restored.display().to_string();
        let db = Db::open(&location, Collections::new()).await.unwrap();
        for number in 0..200 {
            db.commit(create(number)).await.unwrap();
        }
        db.close().await.unwrap();
        backup(&location, &at("backup"), &[]).unwrap();
        std::fs::write(at("text"), "no database").unwrap();
        let mut bytes = std::fs::read(at("backup")).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].fill(0x55);
        std::fs::write(at("damaged"), bytes).unwrap();
        assert!(matches!(restore(&at("store.db"), &target, 1), Err(CopyError::NoBackup(_))));
        assert!(matches!(restore(&at("text"), &target, 1), Err(CopyError::Store(OpenError::Corrupt { .. }))));
        assert!(matches!(restore(&at("damaged"), &target, 1), Err(CopyError::Store(OpenError::Corrupt { .. }))));
        assert!(matches!(restore(&at("nothing"), &target, 1), Err(CopyError::Io { .. })));
        assert!(!restored.exists());
        assert!(matches!(backup(&target, &at("x"), &[]), Err(CopyError::Store(OpenError::Unreachable { .. }))));
        restore(&at("backup"), &target, 1).unwrap();
    }
}
