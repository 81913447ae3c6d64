//! Moving a store: everything that stands in one is copied into another, on either engine, while people are served by the first. A run
//! brings over what has changed since the one before; the run that finds the source used by nobody is the last, and ends the copy.
//!
//! Easiest to break: when a copy ends. The last run reads a source that nobody can write to, leaves it for good (it is not served any more),
//! and only then lets the target be served: whatever dies in between, the same command goes on, and never are both served.

mod rows;
mod side;
mod tables;

use std::cmp::Ordering;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::OpenError;
use crate::engine::{self, Connection, Dialect};
use crate::pair::Part::{Coming, Gone, Here, Leaving};
use crate::pair::{self, End, Part};
use rows::{Record, Stopped, Sum, Walk, bind};
use side::{Begin, Side};
use tables::{TABLES, Table};

/// Why a copy was not made, or not ended. What was copied stays, and the next run goes on from it.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// One of the stores cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// A store does not do what it is asked.
    #[error("the store {store}: {cause}")]
    Failed {
        /// Which.
        store: String,
        /// What it said.
        cause: String,
    },
    /// Both are one.
    #[error("{0} is both the store that is copied and the one that is copied to")]
    Same(String),
    /// There is something in the target.
    #[error("{store} holds something already ({what}); a store is copied into one that is empty, or that an earlier run began to fill")]
    Holds {
        /// The target.
        store: String,
        /// What is in it.
        what: String,
    },
    /// The source is half a copy itself, or was left.
    #[error("{store} cannot be copied: {cause}")]
    NoSource {
        /// The source.
        store: String,
        /// Why not.
        cause: String,
    },
    /// A row cannot be kept at the target.
    #[error("a key of the table {table} in {store} holds the character NUL, which PostgreSQL cannot keep; remove the row")]
    Nul {
        /// The source.
        store: String,
        /// Which table.
        table: &'static str,
    },
    /// The two are not the same after all.
    #[error(
        "the table {table} is not the same in both stores after it was copied ({source_rows} rows there, {target_rows} here): something else writes to the target"
    )]
    Differs {
        /// Which table.
        table: &'static str,
        /// Rows of the source.
        source_rows: u64,
        /// Rows of the target.
        target_rows: u64,
    },
}

/// What became of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedTable {
    /// Its name.
    pub name: &'static str,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 of them, the same at both ends.
    pub hash: String,
    /// Rows that were written by this run.
    pub written: u64,
    /// Rows that were removed by this run.
    pub removed: u64,
}

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The source, without a password.
    pub from: String,
    /// The target, without a password.
    pub to: String,
    /// Every table, compared.
    pub tables: Vec<MovedTable>,
    /// The copy is ended: the source is left, and the target may be served. Otherwise somebody uses the source, and one more run is needed.
    pub ended: bool,
}

/// Copies what stands in the store `from` into the store `to`; what an earlier run brought is compared, not copied again. `alone` says that
/// nobody else uses a source that is a file; of a server it is asked. `now` is in seconds since 1970. It waits for disks and networks, so it is
/// not for a task.
///
/// # Errors
/// As the variants of [`MoveError`] say.
pub fn move_store(from: &str, to: &str, alone: bool, now: i64) -> Result<Moved, MoveError> {
    let source = Side::source(from)?;
    let target = Side::target(to)?;
    if source.name == target.name {
        return Err(MoveError::Same(source.name));
    }
    let read = |side: &Side| pair::read(&side.connection).map_err(|error| side.failed(error));
    let (leaving, coming) = ends(&source, read(&source)?, &target, read(&target)?)?;
    if leaving.part == Leaving {
        source.write(|connection| pair::write(connection, &leaving, now))?;
    }
    target.write(|connection| pair::write(connection, &coming, now))?;
    let is_last = begin(&source, alone)?;
    let tables = copy_all(&source, &target)?;
    if is_last {
        target.write(|connection| go_on_counting(&source.connection, connection))?;
        pair::write(&source.connection, &End { part: Gone, ..leaving }, now).map_err(|error| source.failed(error))?;
        source.commit()?;
        target.write(|connection| pair::write(connection, &End { part: Here, ..coming }, now))?;
    } else {
        source.roll_back()?;
    }
    Ok(Moved { from: source.name, to: target.name, tables, ended: is_last })
}

/// What both ends note from now on.
fn ends(source: &Side, left: Option<End>, target: &Side, right: Option<End>) -> Result<(End, End), MoveError> {
    let no_source = |cause: String| MoveError::NoSource { store: source.name.clone(), cause };
    let holds = |what: &str| MoveError::Holds { store: target.name.clone(), what: what.to_owned() };
    let of = |pair: &str, part: Part| {
        let end = |part, other: &Side| End { pair: pair.to_owned(), part, other: other.name.clone() };
        (end(part, target), end(Coming, source))
    };
    let is_pair = matches!((&left, &right), (Some(left), Some(right)) if left.pair == right.pair);
    match (left.map(|end| (end.part, end.pair, end.other)), right.map(|end| (end.part, end.other))) {
        (Some((Coming, _, other)), _) => Err(no_source(format!("it is the unfinished copy of {other}"))),
        // The last run died between its two ends.
        (Some((Gone, pair, _)), Some((Coming, _))) if is_pair => Ok(of(&pair, Gone)),
        (Some((Gone, _, other)), _) => Err(no_source(format!("its content has moved to {other}"))),
        (Some((Leaving | Here, pair, _)), Some((Coming, _))) if is_pair => Ok(of(&pair, Leaving)),
        // The way back.
        (Some((Here, pair, _)), Some((Gone, _))) if is_pair => Ok(of(&pair, Leaving)),
        (_, Some((Coming, other))) => Err(holds(&format!("the unfinished copy of {other}"))),
        (_, Some((Gone, other))) => Err(holds(&format!("what has moved to {other}"))),
        (_, Some(_)) => Err(holds("a store that is served")),
        (_, None) => {
            if let Some(table) = filled(target)? {
                return Err(holds(&format!("rows of {table}")));
            }
            let mut bytes = [0; 16];
            rand::fill(&mut bytes).map_err(|_| source.failed("the system gives no random bytes"))?;
            Ok(of(&URL_SAFE_NO_PAD.encode(bytes), Leaving))
        }
    }
}

/// A table with rows, in a store that notes no copy.
fn filled(target: &Side) -> Result<Option<&'static str>, MoveError> {
    let has_rows = |table: &Table| target.connection.query(format!("SELECT 1 AS one FROM {} LIMIT 1", table.name)).first(|_| Ok(()));
    for table in here(target.connection.dialect()).filter(|table| !table.begun) {
        if has_rows(table).map_err(|error| target.failed(error))?.is_some() {
            return Ok(Some(table.name));
        }
    }
    Ok(None)
}

fn here(dialect: Dialect) -> impl Iterator<Item = &'static Table> {
    TABLES.iter().filter(move |table| !table.shared || dialect == Dialect::Postgres)
}

/// Begins reading the source; whether nobody else uses it, or can until this is committed.
fn begin(source: &Side, alone: bool) -> Result<bool, MoveError> {
    let is_file = source.connection.dialect() == Dialect::Sqlite;
    if is_file && !alone {
        source.begin(Begin::Reading)?;
        return Ok(false);
    }
    source.begin(Begin::Writing)?;
    if is_file {
        return Ok(true);
    }
    let free = source.connection.may_leave().and_then(|free| {
        let tables: Vec<_> = here(Dialect::Postgres).map(|table| table.name).collect();
        if free { source.connection.run(&format!("LOCK TABLE {} IN SHARE MODE", tables.join(", "))).map(|()| true) } else { Ok(false) }
    });
    if free.map_err(|error| source.failed(error))? {
        return Ok(true);
    }
    source.roll_back()?;
    source.begin(Begin::Reading)?;
    Ok(false)
}

fn copy_all(source: &Side, target: &Side) -> Result<Vec<MovedTable>, MoveError> {
    let both = here(source.connection.dialect()).filter(|table| !table.shared || target.connection.dialect() == Dialect::Postgres);
    both.map(|table| copy(source, target, table)).collect()
}

/// What stops a walk, said of its store.
fn stopped(side: &Side, table: &Table) -> impl Fn(Stopped) -> MoveError {
    let (store, table) = (side.name.clone(), table.name);
    move |stopped| match stopped {
        Stopped::Engine(error) => MoveError::Failed { store: store.clone(), cause: error.to_string() },
        Stopped::Nul => MoveError::Nul { store: store.clone(), table },
    }
}

fn copy(source: &Side, target: &Side, table: &'static Table) -> Result<MovedTable, MoveError> {
    let no_nul = target.connection.dialect() == Dialect::Postgres;
    let (at_source, at_target) = (stopped(source, table), stopped(target, table));
    let mut sum = Sum::new();
    let mut batch = Batch::new(target, table);
    let mut left = Walk::over(&source.connection, table, no_nul);
    let mut right = Walk::over(&target.connection, table, false);
    loop {
        let order = match (left.peek().map_err(&at_source)?, right.peek().map_err(&at_target)?) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => left.key(table).cmp(right.key(table)),
        };
        let there = if order == Ordering::Less { None } else { right.next().map_err(&at_target)? };
        let wanted = if order == Ordering::Greater { None } else { left.next().map_err(&at_source)? };
        if let Some(wanted) = &wanted {
            sum.add(wanted);
        }
        match (wanted, there) {
            (Some(wanted), there) if there.as_ref() != Some(&wanted) => batch.write(&wanted)?,
            (None, Some(there)) => batch.remove(&there)?,
            _ => {}
        }
    }
    let (written, removed) = batch.finish()?;
    let (rows, hash) = sum.finish();
    let mut found = Sum::new();
    let mut walk = Walk::over(&target.connection, table, false);
    while let Some(row) = walk.next().map_err(&at_target)? {
        found.add(&row);
    }
    let (target_rows, target_hash) = found.finish();
    if hash == target_hash {
        Ok(MovedTable { name: table.name, rows, hash, written, removed })
    } else {
        Err(MoveError::Differs { table: table.name, source_rows: rows, target_rows })
    }
}

/// What is committed together: rows, and bytes.
const TOGETHER: u64 = 2_000;
const TOGETHER_BYTES: usize = 8 * 1024 * 1024;

/// Writes to a table, many in one transaction.
struct Batch<'s> {
    target: &'s Side,
    table: &'static Table,
    write: String,
    remove: String,
    rows: u64,
    bytes: usize,
    written: u64,
    removed: u64,
}

impl<'s> Batch<'s> {
    fn new(target: &'s Side, table: &'static Table) -> Self {
        let names = |columns: &[tables::Column]| columns.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
        let (keys, rest) = (names(table.key), names(table.rest));
        let all = [keys.clone(), rest.clone()].concat();
        let places: Vec<String> = (1..=all.len()).map(|place| format!("${place}")).collect();
        let overriding = if table.numbered { target.connection.dialect().given_numbers() } else { "" };
        let set: Vec<String> = rest.iter().map(|name| format!("{name} = excluded.{name}")).collect();
        let set = if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {}", set.join(", ")) };
        let write = format!(
            "INSERT INTO {} ({}){overriding} VALUES ({}) ON CONFLICT ({}) DO {set}",
            table.name,
            all.join(", "),
            places.join(", "),
            keys.join(", "),
        );
        let which: Vec<String> = keys.iter().zip(&places).map(|(key, place)| format!("{key} = {place}")).collect();
        let remove = format!("DELETE FROM {} WHERE {}", table.name, which.join(" AND "));
        Self { target, table, write, remove, rows: 0, bytes: 0, written: 0, removed: 0 }
    }

    fn write(&mut self, row: &Record) -> Result<(), MoveError> {
        self.written += 1;
        self.add(&row.0, row.len(), true)
    }

    fn remove(&mut self, row: &Record) -> Result<(), MoveError> {
        self.removed += 1;
        self.add(row.key(self.table), row.len(), false)
    }

    fn add(&mut self, cells: &[rows::Cell], len: usize, write: bool) -> Result<(), MoveError> {
        if self.rows == 0 {
            self.target.begin(Begin::Writing)?;
        }
        let text = if write { &self.write } else { &self.remove };
        bind(self.target.connection.query(text.clone()), cells).send().map_err(|error| self.target.failed(error))?;
        self.rows += 1;
        self.bytes += len;
        if self.rows >= TOGETHER || self.bytes >= TOGETHER_BYTES { self.end() } else { Ok(()) }
    }

    fn end(&mut self) -> Result<(), MoveError> {
        if self.rows > 0 {
            self.target.commit()?;
        }
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    fn finish(mut self) -> Result<(u64, u64), MoveError> {
        self.end()?;
        Ok((self.written, self.removed))
    }
}

/// Numbers that an engine gives go on where they were, also those of rows that are gone.
fn go_on_counting(source: &Connection, target: &Connection) -> Result<(), engine::Error> {
    for table in TABLES.iter().filter(|table| table.numbered) {
        let last: Option<i64> = source.query(source.dialect().last_number(table.name)).first(|row| row.get("last"))?;
        for text in target.dialect().count_on(table.name) {
            target.query(text).bind(last.unwrap_or_default()).execute()?;
        }
    }
    target.dialect().count_mails_on().map_or(Ok(()), |text| target.run(text))
}

#[cfg(test)]
mod tests;
