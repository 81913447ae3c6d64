//! The files beside the processes, each read into a type of its own with IDM's documented defaults.
//!
//! The rule easiest to break: a file that is missing means its default and is nothing to report; a file that cannot be read is an
//! error, and its default must not be more permissive than what the file may have said.

pub(crate) mod admin;
pub(crate) mod auth_profile;
pub(crate) mod authentication;
pub(crate) mod cross_origin;
pub(crate) mod email;
pub(crate) mod email_template;
pub(crate) mod identity_providers;
pub(crate) mod mapping;
pub(crate) mod notifications;
pub(crate) mod roles;
pub(crate) mod router;
pub(crate) mod security;
pub(crate) mod small;
pub(crate) mod ui;
pub(crate) mod ui_context;
