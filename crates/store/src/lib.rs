//! The ports of `process` and `identity` on a database: managed objects, single use, counters, sessions, outbox and audit trail.
//! SQLite is the embedded default, PostgreSQL the engine of more than one node. Both stand behind the same [`Db`] and run the same
//! statements (`$1` placeholders, `ON CONFLICT`, `RETURNING`); what they say differently stands in `engine/dialect.rs`, what only one of
//! them has in `sqlite.rs` and `postgres.rs`.
//!
//! Easiest to break: what a configuration or a client says never becomes part of a statement's text; it is bound. The only names that are
//! written into one are labels of letters, digits and `_`.

mod audit;
mod bind;
mod canary;
mod change;
mod collections;
mod config;
mod config_versions;
mod confirmations;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(test)]
mod contract_decorated;
#[cfg(test)]
mod contract_on_postgres;
#[cfg(test)]
mod contract_on_sqlite;
mod cookie;
mod db;
mod definitions;
#[cfg(test)]
mod doctor_on_postgres;
mod engine;
mod error;
#[cfg(test)]
mod faults_on_postgres;
mod funnel;
mod in_flight;
mod inspect;
mod job;
mod kept;
#[cfg(test)]
mod keys_on_postgres;
mod ledger;
mod limit;
mod lookups;
mod moving;
mod nodes;
mod object;
mod objects;
mod old_repository;
mod order;
mod outbox;
mod pair;
mod place;
mod postgres;
mod put_back;
mod readers;
mod references;
mod rows;
mod scans;
mod sessions;
mod sql;
mod sql_filter;
mod sqlite;
mod sweep;
mod taking_in;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tls_on_postgres;
mod values;
mod writer;

pub use audit::{AuditQuery, AuditRecord};
pub use collections::Collections;
pub use config::KeptFile;
pub use config_versions::{ConfigVersion, MOST_VERSIONS, TakenUp};
pub use db::Db;
pub use error::{Doubled, OpenError};
pub use in_flight::InFlight;
pub use inspect::{Inspection, SharedName};
pub use moving::{MoveError, Moved, MovedTable, move_store};
pub use old_repository::{RepositoryError, TablePart, dump_repository};
pub use outbox::TextSeal;
pub use place::{SchemaSteps, all_steps, examine, is_sealed, migrate, missing_steps, name_of, schema_steps};
pub use postgres::{Finding, Health};
pub use sqlite::{CopyError, Enclosed, backup, read_enclosed, restore};
pub use taking_in::{Incoming, Renewal, TakenIn};
pub use values::{OpenedValue, ValueSeal};
