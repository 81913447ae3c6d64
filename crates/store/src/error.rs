//! Why a store cannot be opened. What fails later has the error type of its port.

use identity::ObjectsError;
use process::{CommitError, LedgerError};
use thiserror::Error;

/// Why [`crate::Db::open`] failed.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The location names a backend that is not built in. It may hold a password, so no more of it is said than what it begins with.
    #[error("a store at '{0}' is not supported: give the path of a file, sqlite:PATH, or postgres://USER@HOST/DATABASE")]
    UnknownBackend(String),
    /// The address of a server cannot be used as it is written.
    #[error("the address of the store: {0}")]
    Address(String),
    /// The server cannot be used.
    #[error("the store {store}: {cause}")]
    Server {
        /// Which server, without its password.
        store: String,
        /// Why not.
        cause: String,
    },
    /// The file cannot be created or opened.
    #[error("the store {file} cannot be opened: {cause}")]
    Unreachable {
        /// The file.
        file: String,
        /// What the system or the database said.
        cause: String,
    },
    /// The file is there but is no database, or a damaged one.
    #[error(
        "the store {file} is damaged or no database: {cause}; restore a backup with 'vestibule restore', or read what can still be read into a \
         new file with 'sqlite3 {file} .recover', which may leave out rows and keep others twice (see operations.md)"
    )]
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
    /// The file was written by an earlier version, and nothing may be changed in it now.
    #[error("the store {file} was last used by an earlier version; start the server once to bring it up to date")]
    Older {
        /// The file.
        file: String,
    },
    /// A copy into it was not ended.
    #[error(
        "the store {store} is not served: it is the unfinished copy of {source_store}; 'vestibule store copy' goes on with it, and ends it \
         when nobody uses {source_store} any more"
    )]
    Unfinished {
        /// The target of the copy.
        store: String,
        /// What is copied.
        source_store: String,
    },
    /// What it held has moved into another one.
    #[error("the store {store} is not served any more: what it held has moved to {target}")]
    Moved {
        /// The store.
        store: String,
        /// Where everything is.
        target: String,
    },
    /// The tables cannot be brought up to date.
    #[error("the tables of the store {file} cannot be brought up to date: {cause}")]
    Migration {
        /// The file.
        file: String,
        /// What the database said.
        cause: String,
    },
}

/// A unique property of which stored objects share a value already. No further object gets a value that another one has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{property} is unique in {collection}, but {values} of its values belong to more than one object: {first} and {second} share one; \
     no other object will get a value that is taken"
)]
pub struct Doubled {
    /// Collection path.
    pub collection: String,
    /// The property.
    pub property: String,
    /// How many values.
    pub values: u64,
    /// The id of an object with the first of them.
    pub first: String,
    /// The id of another.
    pub second: String,
}

/// No answer: the store is closed, full or out of reach. Every port has a variant for it.
#[derive(Clone, Debug)]
pub(crate) struct Unavailable(pub(crate) String);

impl Unavailable {
    pub(crate) fn closed() -> Self {
        Self("it is closed".to_owned())
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

/// What became of a commit when the engine failed.
pub(crate) fn unavailable(error: impl std::fmt::Display) -> CommitError {
    CommitError::Unavailable(error.to_string())
}
