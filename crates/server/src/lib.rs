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
mod far_end;
mod keys;
mod listener;
mod mail;
mod metrics;
mod moving_in;
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
mod token_inspection;
mod watch;

pub use backup::{BackupError, KeysIn, PASSPHRASE, backup, restore};
pub use crest::nearest;
pub use far_end::{FarEnd, FarEndError, Fetched, fetch_repository};
pub use keys::{HeldKey, KeyFileError, bring as bring_keys, list as list_keys, rotate as rotate_keys, take_out as take_out_keys};
pub use moving_in::MovingIn;
pub use offline::{Offline, OfflineError, OpenSession, Person, asked, check, check_store, examine_store, maps, migrate, pages_of};
pub use ports::{HashPool, OsRandom, SystemClock};
pub use process::ProcessMap;
pub use processes::{ProcessState, ProcessStatus};
pub use project_directory::NoProject;
pub use runtime::Source;
pub use serve::{Options, ServeError, Started, serve};
pub use store_copy::{StoreCopyError, copy_store};
pub use token_inspection::{TokenInspectionError, inspect_token};
