//! How long anything may take. Every wait has a limit: RFC 5321 §4.5.3.2 names minutes for each, which is what a person waits for a code;
//! the limits here are shorter, and the operator's.

use std::time::Duration;

/// Limits of one mail service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands, over all addresses of the server's name, and once more for TLS.
    pub connect: Duration,
    /// Until the server has greeted (RFC 5321: five minutes).
    pub greeting: Duration,
    /// For the whole answer to a command (RFC 5321: five minutes).
    pub command: Duration,
    /// For the answer to `DATA`, and for each 64 KiB of a text (RFC 5321: two and three minutes).
    pub data: Duration,
    /// From the end of a text to the server's word that it has it (RFC 5321: ten minutes). Too short a limit sends a mail twice.
    pub accepted: Duration,
    /// For a good-bye.
    pub quit: Duration,
    /// For everything about one mail.
    pub attempt: Duration,
    /// Connections to the server at the same time.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            greeting: Duration::from_secs(20),
            command: Duration::from_secs(20),
            data: Duration::from_secs(30),
            accepted: Duration::from_mins(1),
            quit: Duration::from_secs(2),
            attempt: Duration::from_mins(2),
            connections: 128,
        }
    }
}

impl Limits {
    /// No wait longer than `connect`, `read` and `write`, where they are given: the three limits that `external.email.json` knows.
    #[must_use]
    pub fn within(mut self, connect: Option<Duration>, read: Option<Duration>, write: Option<Duration>) -> Self {
        let cap = |limit: &mut Duration, most: Option<Duration>| *limit = most.map_or(*limit, |most| most.min(*limit));
        cap(&mut self.connect, connect);
        for limit in [&mut self.greeting, &mut self.command, &mut self.accepted] {
            cap(limit, read);
        }
        cap(&mut self.data, write);
        self
    }
}
