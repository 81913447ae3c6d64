//! REST over HTTP: from bytes to a resource and back.
//!
//! A request goes through [`dispatch`]: who is it, what does it want, may it, which resource, what is the answer. Easiest to
//! break: that order (docs/protocol/rest.md, "Order of checks"). A resource never judges credentials or access rules; it is
//! reached only by those who may. And nothing here knows which store or which mail server is underneath: what is needed of them
//! is a port ([`ports`], and those of `accounts`).

mod app;
mod authorise;
mod body;
mod call;
pub mod config_files;
mod context;
pub mod cross_origin;
mod csrf;
mod dispatch;
mod evidence;
mod listing;
mod openapi;
pub mod ports;
mod posted;
mod related;
mod reply;
mod resource;
mod resources;
mod routes;
mod unbelieved;

pub use app::App;
pub use dispatch::{Outcome, broken, dispatch, elsewhere, too_slow, uncertified};
pub use evidence::identify;
pub use openapi::openapi;
pub use posted::posted;
pub use reply::{Refusal, refuse};
pub use resources::operations;
pub use routes::{Body, Operation, Who};
pub use unbelieved::Unbelieved;
