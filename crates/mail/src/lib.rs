//! Outgoing mail: a courier that empties the outbox, and the ways out it knows: SMTP and Microsoft Graph. Nothing here decides that a
//! mail is sent: submissions fill the outbox in their own transaction, so an acknowledged mail survives a crash and a refused submission
//! mails nobody.

mod courier;
mod desk;
mod failure;
mod graph;
mod http;
mod letter;
mod limits;
mod message;
mod queue;
pub mod sender_policy;
mod smtp;
mod token;
mod transport;
mod window;

pub use courier::{Courier, Totals};
pub use failure::Failure;
pub use graph::Graph;
pub use limits::Limits;
pub use message::MessageError;
pub use smtp::{Login, Protocols, Security, Server, Tls};
pub use token::{Credentials, Tokens};
pub use transport::{Transport, Tried, Unwritable};
