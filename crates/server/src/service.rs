//! The service manager that started the server, where one did: what it hands over (`sd_listen_fds(3)`) and what it is told
//! (`sd_notify(3)`). Without one, nothing here does anything.
//!
//! Easiest to get wrong: the watchdog. It must say nothing while nobody is served, and must not have the server killed because a database is
//! away, which another start would not bring back.

mod inherited;
mod manager;
mod watchdog;

pub use self::inherited::{Inherited, InheritedError};
pub(crate) use self::manager::Manager;
pub(crate) use self::watchdog::{Alive, watch};
