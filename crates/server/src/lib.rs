//! What serves: the listener around the REST interface and the pages, mail delivery, audit, metrics, and the life of a project from its
//! files to what is served. Only this crate and the command line know which store and which runtime are underneath.

mod administrator;
mod audit;
mod backup;
mod client_build;
mod config_files;
mod data_lock;
mod definitions;
mod direct;
mod embedded;
mod exposed;
mod fix;
mod keys;
mod listener;
mod mail;
mod metrics;
mod nodes;
mod offline;
mod ports;
mod processes;
mod project_directory;
mod project_writes;
pub mod reference;
mod reread;
mod runtime;
mod sealed;
mod serve;
mod shared_config;
mod store_copy;
mod watch;

pub use backup::{BackupError, KeysIn, PASSPHRASE, backup, restore};
pub use crest::nearest;
pub use fix::{Mended, fix};
pub use keys::{KeyFileError, rotate as rotate_keys};
pub use offline::{Offline, OfflineError, Person, asked, check, check_store, examine_store, maps, migrate, pages_of, prover, rehearsal};
pub use ports::{HashPool, OsRandom, SystemClock};
pub use process::ProcessMap;
pub use processes::{ProcessState, ProcessStatus};
pub use project_directory::NoProject;
pub use rehearsal::prove;
pub use rehearsal::{Asks, Outcome, Plan, Rehearsal, RehearsalError, Tested, Transcript, recorded};
pub use runtime::Source;
pub use serve::{Options, ServeError, Started, serve};
pub use store_copy::{StoreCopyError, copy_store};
