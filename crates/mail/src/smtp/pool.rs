//! Connections that are kept for the next mail. How many there are at a time is the courier's business: it sends no more mails at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::{Connection, Sent};
use super::server::{Security, Server};
use crate::failure::Failure;
use crate::letter::Letter;

/// An idle connection is kept this long; servers close them after minutes, and each costs the server something.
const IDLE: Duration = Duration::from_secs(15);
/// Mails on one connection; many servers allow no more.
const MAILS: u32 = 100;

/// Connections to one server.
pub(crate) struct Pool {
    server: Arc<Server>,
    idle: Mutex<Vec<(Connection, Instant)>>,
    /// Whether the server offered SMTPUTF8 when it was last asked.
    utf8: Mutex<Option<bool>>,
}

impl Pool {
    pub(crate) fn new(server: Server) -> Self {
        Self { server: Arc::new(server), idle: Mutex::default(), utf8: Mutex::default() }
    }

    /// Sends one mail over a kept connection, or a new one.
    pub(crate) async fn send(&self, letter: &Letter) -> Result<(), Failure> {
        let attempt = self.server.limits.attempt;
        let late = || Failure::Deferred("the mail took longer than a mail may".to_owned());
        tokio::time::timeout(attempt, self.attempt(letter)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn attempt(&self, letter: &Letter) -> Result<(), Failure> {
        loop {
            let kept = self.take();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.open().await?,
            };
            match connection.send(&self.server, letter).await {
                Sent::Taken => {
                    self.keep(connection);
                    return Ok(());
                }
                Sent::Not(failure) => {
                    self.keep(connection);
                    return Err(failure);
                }
                Sent::Broken(failure) => return Err(failure),
                // The server closed it while it was idle. A new connection is never stale.
                Sent::Stale => {}
            }
        }
    }

    async fn open(&self) -> Result<Connection, Failure> {
        let connection = Connection::open(&self.server).await?;
        *self.utf8.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.takes_utf8());
        Ok(connection)
    }

    /// Whether the operator lets mailboxes with letters outside ASCII be written to.
    pub(crate) fn lets_utf8(&self) -> bool {
        self.server.utf8
    }

    /// Whether the server takes them.
    pub(crate) async fn takes_utf8(&self) -> Result<bool, Failure> {
        let known = *self.utf8.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known {
            return Ok(known);
        }
        let connection = self.open().await?;
        let takes = connection.takes_utf8();
        self.keep(connection);
        Ok(takes)
    }

    /// Connects, or finds a connection, and sends nothing: does the server take mails at the moment?
    pub(crate) async fn probe(&self) -> Result<(), Failure> {
        let connection = match self.take() {
            Some(connection) => connection,
            None => self.open().await?,
        };
        self.keep(connection);
        Ok(())
    }

    /// Holds the conversation of this mail up to its recipient, on a connection of its own, and sends nothing.
    pub(crate) async fn would_take(&self, letter: &Letter) -> Result<(), Failure> {
        let mut connection = self.open().await?;
        let asked = connection.would_take(&self.server, letter).await;
        connection.quit(&self.server).await;
        asked
    }

    /// Name and port of the server, and how connections to it are protected.
    pub(crate) fn place(&self) -> (&str, u16, Security) {
        (&self.server.host, self.server.port, self.server.security)
    }

    /// Closes what has been idle for a while; `all` closes the others too.
    pub(crate) fn rest(&self, all: bool) {
        let now = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let old: Vec<_> = idle.extract_if(.., |(_, since)| all || now.duration_since(*since) > IDLE).collect();
        drop(idle);
        for (connection, _) in old {
            self.leave(connection);
        }
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let (connection, since) = idle.pop()?;
        // The newest is on top: when it is too old, all are, and the next rest closes them.
        if since.elapsed() > IDLE {
            idle.push((connection, since));
            return None;
        }
        Some(connection)
    }

    fn keep(&self, connection: Connection) {
        if connection.sent >= MAILS {
            self.leave(connection);
        } else {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
        }
    }

    fn leave(&self, connection: Connection) {
        let server = Arc::clone(&self.server);
        tokio::spawn(async move { connection.quit(&server).await });
    }
}
