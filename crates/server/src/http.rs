//! REST over HTTP: from bytes to a resource and back.
//!
//! A request goes through [`dispatch`]: who is it, what does it want, may it, which resource, what is the answer. Easiest to break:
//! that order (openidm-wire §0). A resource never judges credentials or access rules; it is reached only by those who may.

mod access;
mod authenticate;
mod body;
mod call;
mod client_build;
mod consequences;
mod context;
mod cross_origin;
mod csrf;
mod delegated;
mod devices;
mod dispatch;
mod listing;
mod mail_change;
mod newcomer;
mod notices;
mod pages;
mod principal;
mod profile;
mod references;
mod reply;
mod resource;
mod resources;
mod rights;
mod serve;
mod session;

pub(crate) use consequences::Consequences;
pub(crate) use notices::Post;
pub(crate) use profile::SignIns;
pub(crate) use resources::notifications::{COLLECTION as NOTIFICATIONS, TARGET as NOTIFICATION_TARGET};
pub(crate) use serve::serve;
