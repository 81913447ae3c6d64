//! Rows of either engine, walked in the order of their keys, a slice at a time.
//!
//! Easiest to break: the order. Text compares by its bytes on both engines and here, and numbers as numbers, so two walks can be held against
//! each other.

use std::collections::VecDeque;
use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};

use super::tables::{Column, Kind, Table};
use crate::bind::Parameter;
use crate::engine::{self, Connection, Query, Row};
use crate::postgres;

/// What one column of a row holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    Text(Option<String>),
    Integer(Option<i64>),
    Boolean(bool),
    Bytes(Vec<u8>),
}

impl Cell {
    fn read(row: &Row<'_>, (name, kind): Column) -> Result<Self, engine::Error> {
        Ok(match kind {
            Kind::Text => Self::Text(row.get(name)?),
            Kind::Integer => Self::Integer(row.get(name)?),
            Kind::Boolean => Self::Boolean(row.get(name)?),
            Kind::Bytes => Self::Bytes(row.bytes(name)?),
        })
    }

    fn bound(&self) -> Parameter {
        match self {
            Self::Text(text) => Parameter::Text(text.clone()),
            Self::Integer(integer) => Parameter::Integer(*integer),
            Self::Boolean(boolean) => Parameter::Boolean(*boolean),
            Self::Bytes(bytes) => Parameter::Bytes(bytes.clone()),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_ref().map(|text| text.clone().into_bytes()).unwrap_or_default(),
            Self::Integer(integer) => integer.map(|integer| integer.to_be_bytes().to_vec()).unwrap_or_default(),
            Self::Boolean(boolean) => vec![u8::from(*boolean)],
            Self::Bytes(bytes) => bytes.clone(),
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Text(None) | Self::Integer(None))
    }

    fn has_nul(&self) -> bool {
        matches!(self, Self::Text(Some(text)) if text.contains('\0'))
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.as_ref().map_or(0, String::len),
            Self::Bytes(bytes) => bytes.len(),
            Self::Integer(_) | Self::Boolean(_) => 8,
        }
    }
}

/// A row; the cells of its key come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record(pub(super) Vec<Cell>);

impl Record {
    pub(super) fn key(&self, table: &Table) -> &[Cell] {
        self.0.get(..table.key.len()).unwrap_or_default()
    }

    /// Its size in bytes, about.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Cell::len).sum()
    }

    /// As an engine without NUL in its text keeps it; `None` where its key cannot be kept at all.
    fn without_nul(mut self, table: &Table) -> Option<Self> {
        if self.key(table).iter().any(Cell::has_nul) {
            return None;
        }
        for cell in &mut self.0 {
            if let Cell::Text(Some(text)) = cell
                && let Some(kept) = postgres::without_nul(text)
            {
                *text = kept;
            }
        }
        Some(self)
    }
}

/// Binds cells.
pub(super) fn bind<'c>(query: Query<'c>, cells: &[Cell]) -> Query<'c> {
    cells.iter().fold(query, |query, cell| query.bind(cell.bound()))
}

/// Rows of one slice: few enough to be held, whatever they hold.
const SLICE: i64 = 2_000;
const FIRST_SLICE: i64 = 64;
/// What a slice may hold, in bytes, as far as the one before tells.
const SLICE_BYTES: usize = 8 * 1024 * 1024;

/// A walk over the rows of a table.
pub(super) struct Walk<'c> {
    connection: &'c Connection,
    table: &'static Table,
    /// Text without NUL is what the other engine can keep.
    no_nul: bool,
    read: VecDeque<Record>,
    last: Option<Vec<Cell>>,
    limit: i64,
    ended: bool,
}

/// Why a walk stopped.
pub(super) enum Stopped {
    Engine(engine::Error),
    /// A key that the other engine cannot keep.
    Nul,
}

impl From<engine::Error> for Stopped {
    fn from(error: engine::Error) -> Self {
        Self::Engine(error)
    }
}

impl<'c> Walk<'c> {
    pub(super) fn over(connection: &'c Connection, table: &'static Table, no_nul: bool) -> Self {
        Self { connection, table, no_nul, read: VecDeque::new(), last: None, limit: FIRST_SLICE, ended: false }
    }

    /// The next row, which stays the next one.
    pub(super) fn peek(&mut self) -> Result<Option<&Record>, Stopped> {
        if self.read.is_empty() && !self.ended {
            self.fill()?;
        }
        Ok(self.read.front())
    }

    /// The next row.
    pub(super) fn next(&mut self) -> Result<Option<Record>, Stopped> {
        self.peek()?;
        Ok(self.read.pop_front())
    }

    fn fill(&mut self) -> Result<(), Stopped> {
        let table = self.table;
        let names = |columns: &mut dyn Iterator<Item = Column>| columns.map(|(name, _)| name).collect::<Vec<_>>().join(", ");
        let (columns, keys) = (names(&mut table.columns()), names(&mut table.key.iter().copied()));
        let last = self.last.as_deref().unwrap_or_default();
        let after: Vec<String> = (1..=last.len()).map(|place| format!("${place}")).collect();
        let after = if last.is_empty() { String::new() } else { format!(" WHERE ({keys}) > ({})", after.join(", ")) };
        let text = format!("SELECT {columns} FROM {}{after} ORDER BY {keys} LIMIT ${}", table.name, last.len() + 1);
        let query = bind(self.connection.query(text), last).bind(self.limit);
        let rows = query.all(|row| table.columns().map(|column| Cell::read(row, column)).collect::<Result<_, _>>().map(Record))?;
        self.ended = i64::try_from(rows.len()).unwrap_or(i64::MAX) < self.limit;
        if let Some(row) = rows.last() {
            self.last = Some(row.key(table).to_vec());
        }
        let each = (rows.iter().map(Record::len).sum::<usize>() / rows.len().max(1)).max(1);
        self.limit = i64::try_from(SLICE_BYTES / each).unwrap_or(SLICE).clamp(4, SLICE);
        for row in rows {
            self.read.push_back(if self.no_nul { row.without_nul(table).ok_or(Stopped::Nul)? } else { row });
        }
        Ok(())
    }
}

/// Rows in their order, as a number and a hash.
pub(super) struct Sum {
    rows: u64,
    hash: Context,
}

impl Sum {
    pub(super) fn new() -> Self {
        Self { rows: 0, hash: Context::new(&SHA256) }
    }

    pub(super) fn add(&mut self, row: &Record) {
        self.rows += 1;
        for cell in &row.0 {
            let bytes = cell.bytes();
            self.hash.update(&[u8::from(cell.is_null())]);
            self.hash.update(&(bytes.len() as u64).to_be_bytes());
            self.hash.update(&bytes);
        }
    }

    /// How many rows, and their hash in hexadecimal digits.
    pub(super) fn finish(self) -> (u64, String) {
        let mut digits = String::new();
        for byte in self.hash.finish().as_ref() {
            // Writing to a string does not fail.
            let _ = write!(digits, "{byte:02x}");
        }
        (self.rows, digits)
    }
}
