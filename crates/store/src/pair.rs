//! The two ends of a copy of a store, as both of them note it: a store that is not whole yet and one that has moved away are not served.
//!
//! Easiest to break: at no moment are both ends served. The old one is left before the new one is begun with.

use crate::OpenError;
use crate::engine::{self, Connection};

/// Which end of a copy a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It is copied from, and served.
    Leaving,
    /// It is copied to, and not served before it is whole.
    Coming,
    /// It was copied from to the end: the other one is served.
    Gone,
    /// It was copied to, to the end, and is served.
    Here,
}

impl Part {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Leaving, "leaving"), (Self::Coming, "coming"), (Self::Gone, "gone"), (Self::Here, "here")];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(part, _)| *part == self).map_or("", |(_, name)| name)
    }
}

/// What a store notes of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Both ends of one copy have the same.
    pub(crate) pair: String,
    pub(crate) part: Part,
    /// What the other end is called, without a password.
    pub(crate) other: String,
}

/// What the store notes.
pub(crate) fn read(connection: &Connection) -> Result<Option<End>, engine::Error> {
    connection.query("SELECT pair, part, other FROM moving").first(|row| {
        let name: String = row.get("part")?;
        let part = Part::ALL.iter().find(|(_, known)| *known == name).map(|(part, _)| *part);
        let part = part.ok_or_else(|| engine::Error::Undecodable(format!("there is no end of a copy called '{name}'")))?;
        Ok(End { pair: row.get("pair")?, part, other: row.get("other")? })
    })
}

/// Notes it at `now`, in seconds since 1970.
pub(crate) fn write(connection: &Connection, end: &End, now: i64) -> Result<(), engine::Error> {
    let query = connection.query(
        "INSERT INTO moving (only_row, pair, part, other, since) VALUES (1, $1, $2, $3, $4) ON CONFLICT (only_row) \
         DO UPDATE SET pair = excluded.pair, part = excluded.part, other = excluded.other, since = excluded.since",
    );
    query.bind(&end.pair).bind(end.part.name()).bind(&end.other).bind(now).execute().map(drop)
}

/// Whether a store may be served.
pub(crate) fn may_be_served(end: Option<End>, store: &str) -> Result<(), OpenError> {
    match end {
        Some(End { part: Part::Coming, other, .. }) => Err(OpenError::Unfinished { store: store.to_owned(), source_store: other }),
        Some(End { part: Part::Gone, other, .. }) => Err(OpenError::Moved { store: store.to_owned(), target: other }),
        _ => Ok(()),
    }
}
