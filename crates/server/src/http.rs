//! REST over HTTP: from bytes to a resource and back.
//!
//! A request goes through [`dispatch`]: who is it, what does it want, may it, which resource, what is the answer. Easiest to break:
//! that order (openidm-wire §0). A resource never judges credentials or access rules; it is reached only by those who may.

mod access;
mod authenticate;
mod body;
mod client;
mod client_build;
mod conditions;
mod consequences;
mod context;
mod cookie;
mod credentials;
mod csrf;
mod delegated;
mod devices;
mod dispatch;
mod language;
mod mail_change;
mod newcomer;
mod notices;
mod pages;
mod parameters;
mod path;
mod principal;
mod profile;
mod reply;
mod request;
mod resource;
mod resources;
mod serve;
mod session;
mod version;

pub(crate) use profile::SignIns;
pub(crate) use resources::notifications::{COLLECTION as NOTIFICATIONS, TARGET as NOTIFICATION_TARGET};
pub(crate) use serve::serve;
