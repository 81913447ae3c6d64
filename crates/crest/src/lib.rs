//! The vocabulary of the REST dialect that IDM clients speak ("Common REST"): JSON pointers, query filters, patches, field
//! selection, paging, revisions and the resource error; and the cells of tables that leave. Pure data and functions; no I/O.

mod ambient;
mod change;
mod error;
mod fields;
mod filter;
mod nearest;
mod patch;
mod pointer;
mod query;
pub mod reference;
mod severity;
mod spreadsheet;

pub use ambient::{Clock, Random, random_bytes};
pub use change::{Change, Guard};
pub use error::ResourceError;
pub use fields::Fields;
pub use filter::{Comparison, Filter, FilterError};
pub use nearest::nearest;
pub use patch::{Operation, Patch, PatchOperation};
pub use pointer::{Pointer, PointerError};
pub use query::{Page, Paging, Query, Resource, SortKey, TotalPolicy};
pub use severity::Severity;
pub use spreadsheet::{cell, harmless, meant};
