//! Locks that transactions take on what is no row yet.
//!
//! Easiest to break: order. Two transactions that take the same locks in different orders wait for each other; the engine ends one of them
//! (40P01), and it is done again. A unit takes the declaration's first and those of terms in the order of their spaces.

use aws_lc_rs::digest::{SHA256, digest};

/// What only one transaction at a time may do; whoever comes second waits for the end of the first one. SQLite has one writer at a time
/// and needs none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lock<'a> {
    /// Changes what is declared, when nobody writes objects.
    Declaration,
    /// Writes objects, when nobody changes what is declared.
    Objects,
    /// Numbers definitions.
    Definitions,
    /// Removes what has expired.
    Sweep(&'a str),
    /// Makes or changes the tables.
    Migration,
    /// Is connected to the store, for as long as the connection lasts; alone, whoever takes the store away.
    Serving,
    /// Has this term in this space.
    Term(i64, &'a str),
    /// Makes or removes the object of this name.
    Name(&'a str, &'a str),
}

impl Lock<'_> {
    /// Whether others may have it too.
    pub(super) fn is_shared(self) -> bool {
        matches!(self, Self::Objects)
    }

    /// The number of the engine's lock. Different things that have one number wait for each other without need, and no more than that.
    pub(super) fn number(self, schema: &str) -> i64 {
        let text = match self {
            Self::Declaration | Self::Objects => "declaration".to_owned(),
            Self::Definitions => "definitions".to_owned(),
            Self::Sweep(what) => format!("sweep {what}"),
            Self::Migration => "migration".to_owned(),
            Self::Serving => "serving".to_owned(),
            Self::Term(space, term) => format!("term {space} {term}"),
            Self::Name(collection, id) => format!("name {}:{collection} {id}", collection.len()),
        };
        let whole = digest(&SHA256, format!("vestibule {}:{schema} {text}", schema.len()).as_bytes());
        whole.as_ref().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
    }
}
