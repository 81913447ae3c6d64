//! Outgoing mail. Nothing here decides that a mail is sent: it only empties the outbox, which submissions fill in their own
//! transaction, so an acknowledged mail survives a crash and a refused submission mails nobody.

mod courier;
mod message;
mod transport;
mod viewer;

pub(crate) use courier::Courier;
pub(crate) use transport::Transport;
pub(crate) use viewer::router as viewer;
