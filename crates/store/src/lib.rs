//! The ports of `process` and `identity` on a database: managed objects, single use, counters, sessions, outbox and audit trail.
//! SQLite is the embedded default; the SQL is written so that PostgreSQL joins behind the same [`Db`] (`$1` placeholders, `ON
//! CONFLICT`, `RETURNING`), and what only SQLite understands stands in `sqlite.rs`.
//!
//! Easiest to break: values never become part of a statement's text. What is inlined (collection paths and property labels in index
//! expressions) passed [`Collections`]' check first; everything else is bound.

mod audit;
mod change;
mod collections;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(test)]
mod contract_on_sqlite;
mod cookie;
mod db;
mod error;
mod identifiers;
mod indexes;
mod ledger;
mod objects;
mod order;
mod outbox;
mod readers;
mod sessions;
mod sql;
mod sql_filter;
mod sqlite;
mod writer;

pub use audit::{AuditQuery, AuditRecord};
pub use collections::{Collections, Indexed};
pub use db::Db;
pub use error::{IndexError, OpenError};
pub use outbox::TextSeal;
