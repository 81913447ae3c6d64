//! `[mail]`: how long a mail server may take, and how many connections it gets.

use std::time::Duration;

use crate::loose::Node;
use crate::secret::Secret;

/// The section; what is not written is the courier's own default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mail {
    /// The mail server's password, or the client's secret.
    pub password: Option<Secret>,
    /// Until a connection stands.
    pub connect: Option<Duration>,
    /// Until the server has greeted.
    pub greeting: Option<Duration>,
    /// For the answer to a command.
    pub command: Option<Duration>,
    /// For the answer to `DATA`, and for each 64 KiB of a text.
    pub data: Option<Duration>,
    /// From the end of a text to the server's word that it has it.
    pub accepted: Option<Duration>,
    /// For a good-bye.
    pub quit: Option<Duration>,
    /// For everything about one mail.
    pub attempt: Option<Duration>,
    /// Connections at the same time.
    pub connections: Option<u32>,
}

/// Keys of the section.
pub(super) const KEYS: [&str; 9] = [
    "password",
    "connect_seconds",
    "greeting_seconds",
    "command_seconds",
    "data_seconds",
    "accepted_seconds",
    "quit_seconds",
    "attempt_seconds",
    "connections",
];

impl Mail {
    pub(super) fn read(node: &Node<'_>) -> Self {
        let seconds = |key: &str| {
            let seconds = node.get(key).integer_in(1..=3600).and_then(|seconds| u64::try_from(seconds).ok());
            seconds.map(Duration::from_secs)
        };
        Self {
            password: node.get("password").filled_text().map(Secret::new),
            connect: seconds("connect_seconds"),
            greeting: seconds("greeting_seconds"),
            command: seconds("command_seconds"),
            data: seconds("data_seconds"),
            accepted: seconds("accepted_seconds"),
            quit: seconds("quit_seconds"),
            attempt: seconds("attempt_seconds"),
            connections: node.get("connections").integer_in(1..=1000).and_then(|count| u32::try_from(count).ok()),
        }
    }
}
