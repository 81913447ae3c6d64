//! An SMTP client (RFC 5321) for one server that relays: pipelined where the server can (RFC 2920), connections kept and bounded, every
//! wait limited.

mod connection;
mod login;
mod pool;
mod reply;
mod server;
#[cfg(test)]
mod tests;
mod tls;

pub use login::Login;
pub(crate) use pool::Pool;
pub use server::{Security, Server};
pub use tls::{Protocols, Tls};
