//! Moving in: the people of another server, from its exports into a store of ours, and a report that somebody signs before anything is
//! written.
//!
//! Easiest to break: nothing half. A source is read to its end before the first object is stored; what is wrong with it is said with its place,
//! and what would be lost is counted. A run that died is begun again with the same command, and finds what it has stored ([`Import::run`]).

mod comparing;
mod entries;
mod exporting;
mod fingerprints;
mod hashing;
mod import;
mod joining;
mod layout;
mod mapping;
mod notifications;
mod record;
mod report;
mod repository;
mod resolution;
mod running;
mod sorting;
mod source;
mod sources;
mod survey;
mod tables;

pub use comparing::{Answer, Carried, Compared, Exchange, Needed, Recording, RecordingError};
pub use exporting::{ExportError, ExportForm, Exported, export};
pub use import::{Import, ImportError, JudgesRole, NamesWithout};
pub use layout::{Layout, Shape};
pub use mapping::{Mapping, MappingError};
pub use notifications::NOTIFICATIONS;
pub use record::{Fault, Place, Read, Record};
pub use report::{ConfigurationSecret, Doubles, LostCount, Report, SignInCount, SignedKinds, WithoutSignIn};
pub use resolution::{Choice, Resolution, ResolutionError};
pub use running::{Imported, SignOff};
pub use source::{Form, Reads, Source, SourceError};
pub use sources::csv::separator;
pub use tables::is_of_product as is_table_of_product;
