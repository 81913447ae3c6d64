//! The HTTP server around the engine: REST resources, authentication, mail delivery, audit, metrics, and the life of a project from
//! its files to what is served. Only this crate and the command line know which store and which runtime are underneath.

mod accepted;
mod administrator;
mod app;
mod audit;
mod config_files;
mod definitions;
mod embedded;
mod http;
mod keys;
mod limits;
mod mail;
mod metrics;
mod offline;
mod ports;
pub mod reference;
mod runtime;
mod sealed;
mod serve;
mod watch;

pub use administrator::Administrator;
pub use app::App;
pub use keys::KeyFileError;
pub use offline::{Offline, OfflineError, Person, check};
pub use ports::{HashPool, OsRandom, SystemClock};
pub use runtime::{Runtime, Source};
pub use serve::{Options, ServeError, Started, serve};
