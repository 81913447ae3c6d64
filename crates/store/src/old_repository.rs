//! The repository of an IDM on PostgreSQL, read over a connection and written down as `pg_dump` writes it, so that there is one reader of both.
//!
//! Easiest to break: it is somebody else's database. One transaction that can only read sees one moment of it, and nothing is made or changed.

use std::io::{self, Write};

use crate::engine::{self, Connection};
use crate::{OpenError, postgres};

/// Rows that are fetched at once.
const BATCH: usize = 500;
/// Why a repository was not read.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The server cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No address of a server.
    #[error("a repository is read from an address that begins with postgres://; of another database, a dump is read")]
    NoServer,
    /// The server does not do what it is asked.
    #[error("the repository {store}: {cause}")]
    Failed {
        /// Which, without a password.
        store: String,
        /// What it said.
        cause: String,
    },
    /// There is no repository.
    #[error("the repository {store} has no table 'objecttypes' and none of a type: name the schema of the IDM with ?schema=")]
    Nothing {
        /// Which, without a password.
        store: String,
    },
    /// What was read cannot be written down.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What is read of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TablePart {
    /// Every column.
    Whole,
    /// The column `objectid` alone, where there is one.
    Ids,
}

/// Writes what is `wanted` of the tables of a repository as a dump, by their names, in the schema that the address names, `openidm` without one.
/// It waits for the network, so it is not for a task.
///
/// # Errors
/// [`RepositoryError`].
pub fn dump_repository(location: &str, wanted: &dyn Fn(&str) -> Option<TablePart>, to: &mut dyn Write) -> Result<(), RepositoryError> {
    let named = location.split_once('?').is_some_and(|(_, options)| options.split('&').any(|option| option.starts_with("schema=")));
    let between = if location.contains('?') { '&' } else { '?' };
    let location = if named { location.to_owned() } else { format!("{location}{between}schema=openidm") };
    let (store, connection) = postgres::open_to_read(&location).ok_or(RepositoryError::NoServer)??;
    let failed = |error: engine::Error| RepositoryError::Failed { store: store.clone(), cause: error.to_string() };
    connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0").map_err(failed)?;
    let columns = connection.query(
        "SELECT table_name::text AS of_table, column_name::text AS of_column FROM information_schema.columns \
         WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position",
    );
    let columns: Vec<(String, String)> = columns.all(|row| Ok((row.get("of_table")?, row.get("of_column")?))).map_err(failed)?;
    let mut found = false;
    for table in columns.chunk_by(|left, right| left.0 == right.0) {
        let Some((name, _)) = table.first() else { continue };
        let Some(part) = wanted(name) else { continue };
        let mut columns: Vec<&str> = table.iter().map(|(_, column)| column.as_str()).collect();
        if part == TablePart::Ids {
            columns.retain(|column| *column == "objectid");
        }
        if columns.is_empty() {
            continue;
        }
        found |= part == TablePart::Whole;
        copy(&connection, name, &columns, to).map_err(|error| match error {
            Stopped::Store(error) => failed(error),
            Stopped::Io(error) => RepositoryError::Io(error),
        })?;
    }
    connection.run("COMMIT").map_err(failed)?;
    if found { Ok(()) } else { Err(RepositoryError::Nothing { store }) }
}

enum Stopped {
    Store(engine::Error),
    Io(io::Error),
}

impl From<engine::Error> for Stopped {
    fn from(error: engine::Error) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// One table, as `COPY … FROM stdin` has it.
fn copy(connection: &Connection, table: &str, columns: &[&str], to: &mut dyn Write) -> Result<(), Stopped> {
    let quoted: Vec<String> = columns.iter().map(|column| postgres::quoted(column)).collect();
    let texts: Vec<String> = quoted.iter().enumerate().map(|(number, column)| format!("{column}::text AS c{number}")).collect();
    connection.run(&format!("DECLARE rows NO SCROLL CURSOR FOR SELECT {} FROM {}", texts.join(", "), postgres::quoted(table)))?;
    writeln!(to, "COPY {} ({}) FROM stdin;", postgres::quoted(table), quoted.join(", "))?;
    let names: Vec<String> = (0..columns.len()).map(|number| format!("c{number}")).collect();
    loop {
        let fetched = connection.query(format!("FETCH {BATCH} FROM rows")).once();
        let rows =
            fetched.all(|row| names.iter().map(|name| row.get(name.as_str())).collect::<Result<Vec<Option<String>>, engine::Error>>())?;
        for row in &rows {
            let values: Vec<String> = row.iter().map(|value| value.as_deref().map_or_else(|| "\\N".to_owned(), escaped)).collect();
            writeln!(to, "{}", values.join("\t"))?;
        }
        if rows.len() < BATCH {
            break;
        }
    }
    writeln!(to, "\\.")?;
    connection.run("CLOSE rows")?;
    Ok(())
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}
