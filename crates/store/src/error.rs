//! Why a store cannot be opened. What fails later has the error type of its port.

use identity::ObjectsError;
use process::{CommitError, LedgerError};
use thiserror::Error;

use crate::sqlite;

/// Why [`crate::Db::open`] failed.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The location names a backend that is not built in.
    #[error("the store '{0}' is not supported: give the path of a file, or sqlite:PATH")]
    UnknownBackend(String),
    /// The file cannot be created or opened.
    #[error("the store {file} cannot be opened: {cause}")]
    Unreachable {
        /// The file.
        file: String,
        /// What the system or the database said.
        cause: String,
    },
    /// The file is there but is no database, or a damaged one.
    #[error("the store {file} is damaged or no database: {cause}; restore it from a backup, or move it away to begin with an empty one")]
    Corrupt {
        /// The file.
        file: String,
        /// What the database said.
        cause: String,
    },
    /// The file was written by a newer version of this program.
    #[error("the store {file} was written by a newer version (its schema has step {step}, which this version does not know)")]
    Newer {
        /// The file.
        file: String,
        /// The step this version does not know.
        step: i64,
    },
    /// The tables cannot be brought up to date.
    #[error("the tables of the store {file} cannot be brought up to date: {cause}")]
    Migration {
        /// The file.
        file: String,
        /// What the database said.
        cause: String,
    },
    /// The declared indexes cannot be made.
    #[error(transparent)]
    Indexes(#[from] IndexError),
}

/// Why not all indexes can be made. Those that can be made are in force.
#[derive(Debug, Error)]
pub enum IndexError {
    /// Objects that are stored already share a value of a property that is to be unique. It is looked up through a plain index;
    /// nothing keeps it from being taken once more.
    #[error("{property} cannot be unique in {collection}: the objects {first} and {second} have the same value, and there may be more")]
    Duplicate {
        /// Collection path.
        collection: String,
        /// The property.
        property: String,
        /// The id of one of them.
        first: String,
        /// The id of another.
        second: String,
    },
    /// A collection or unique property has a name that no index can carry.
    #[error("{property} cannot be unique in {collection}: only names of letters, digits and '_' can be indexed")]
    Name {
        /// Collection path.
        collection: String,
        /// The property.
        property: String,
    },
    /// The store cannot be reached or is full; the indexes are as they were.
    #[error("the store is not available: {0}")]
    Unavailable(String),
}

/// No answer: the store is closed, full or out of reach. Every port has a variant for it.
#[derive(Clone, Debug)]
pub(crate) struct Unavailable(pub(crate) String);

impl Unavailable {
    pub(crate) fn closed() -> Self {
        Self("it is closed".to_owned())
    }
}

impl From<sqlite::Error> for Unavailable {
    fn from(error: sqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<Unavailable> for LedgerError {
    fn from(Unavailable(cause): Unavailable) -> Self {
        Self(cause)
    }
}

impl From<Unavailable> for CommitError {
    fn from(Unavailable(cause): Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

impl From<Unavailable> for ObjectsError {
    fn from(Unavailable(cause): Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

impl From<Unavailable> for IndexError {
    fn from(Unavailable(cause): Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}
