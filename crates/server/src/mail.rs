//! Outgoing mail: from `external.email.json` to a way out, and the mails of a first run.

mod service;
mod viewer;

pub(crate) use service::{transport, way_out};
pub(crate) use viewer::{MailSecret, router as viewer};
