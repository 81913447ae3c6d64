//! The way out: an SMTP server, Microsoft Graph, or none.

use identity::MailAddress;
use process::Mail;

use crate::failure::{Failure, NO_UTF8};
use crate::graph::Graph;
use crate::message::{MessageError, compose, sample};
use crate::smtp::{Pool, Security, Server};

/// Where mails go.
pub struct Transport {
    way: Way,
    connections: usize,
}

enum Way {
    Smtp { pool: Pool, from: String },
    Graph { graph: Graph, from: Option<String> },
    Keep,
    Missing,
}

/// What [`Transport::try_out`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// Mails are kept and shown.
    Kept,
    /// Microsoft Graph gave a token.
    Graph,
    /// A mail server would have taken a mail.
    Server {
        /// Its name.
        host: String,
        /// Its port.
        port: u16,
        /// How the connection is protected.
        security: Security,
        /// The address of the sender that was named, its domain in A-labels.
        from: String,
        /// That of the recipient.
        to: String,
    },
}

/// Why a well-formed address cannot be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwritable {
    /// It has letters outside ASCII before the at sign, which the operator has not allowed (`mail.mime.allowutf8`).
    NotAllowed,
    /// It has, and the mail server does not take them.
    NotTaken,
}

impl std::fmt::Display for Unwritable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotAllowed => "letters outside ASCII before the @ are not allowed (mail.mime.allowutf8)",
            Self::NotTaken => NO_UTF8,
        })
    }
}

/// Mails on their way at the same time, where no connection of ours limits them.
const AT_ONCE: usize = 32;

impl Transport {
    /// To a mail server. `from` is the sender of mails that name none.
    #[must_use]
    pub fn smtp(server: Server, from: String) -> Self {
        let connections = server.limits.connections.max(1);
        Self { way: Way::Smtp { pool: Pool::new(server), from }, connections }
    }

    /// To a mailbox behind Microsoft Graph. Without `from`, mails that name no sender are the mailbox's own.
    #[must_use]
    pub fn graph(graph: Graph, from: Option<String>) -> Self {
        Self { way: Way::Graph { graph, from }, connections: AT_ONCE }
    }

    /// Nowhere: they stay in the outbox, where `/mail` shows them. Only the embedded project does this, so that a first run needs no mail
    /// server.
    #[must_use]
    pub fn keep() -> Self {
        Self { way: Way::Keep, connections: AT_ONCE }
    }

    /// A project without `external.email.json`: processes that mail fail when they want to.
    #[must_use]
    pub fn missing() -> Self {
        Self { way: Way::Missing, connections: 1 }
    }

    /// Whether a mail put into the outbox now has a way out.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        !matches!(self.way, Way::Missing)
    }

    /// Whether mails are kept, to be shown.
    #[must_use]
    pub fn keeps(&self) -> bool {
        matches!(self.way, Way::Keep)
    }

    /// Most mails that are on their way at the same time.
    pub(crate) fn connections(&self) -> usize {
        self.connections
    }

    /// Sends one mail.
    pub(crate) async fn send(&self, mail: &Mail) -> Result<(), Failure> {
        match &self.way {
            Way::Keep => Ok(()),
            Way::Missing => Err(Failure::NoService),
            Way::Smtp { pool, from } => pool.send(&compose(mail, from)?).await,
            Way::Graph { graph, from } => graph.send(mail, from.as_deref()).await,
        }
    }

    /// Why mail cannot be written to an address that is well-formed; nothing when it can.
    ///
    /// # Errors
    /// When the mail server would have to be asked and cannot be.
    pub async fn refuses(&self, address: &MailAddress) -> Result<Option<Unwritable>, Failure> {
        match &self.way {
            Way::Smtp { pool, .. } if address.needs_utf8() => Ok(if !pool.lets_utf8() {
                Some(Unwritable::NotAllowed)
            } else if pool.takes_utf8().await? {
                None
            } else {
                Some(Unwritable::NotTaken)
            }),
            _ => Ok(None),
        }
    }

    /// Holds a conversation with the mail server up to the recipient (RFC 5321 section 3.3), and sends nothing; with Microsoft Graph, gets a token.
    /// Without `to`, the sender is the recipient. `Ok` says where mails go.
    ///
    /// # Errors
    /// What a mail would meet.
    pub async fn try_out(&self, to: Option<&str>) -> Result<Tried, Failure> {
        let to = to.map(|to| to.parse().map_err(|_| MessageError::Recipient)).transpose()?;
        match &self.way {
            Way::Keep => Ok(Tried::Kept),
            Way::Missing => Err(Failure::NoService),
            Way::Smtp { pool, from } => {
                let (host, port, security) = pool.place();
                let letter = sample(from, to)?;
                pool.would_take(&letter).await?;
                Ok(Tried::Server { host: host.to_owned(), port, security, from: letter.from, to: letter.to })
            }
            Way::Graph { graph, .. } => graph.probe().await.map(|()| Tried::Graph),
        }
    }

    /// Sends nothing, and says whether it could.
    pub(crate) async fn probe(&self) -> Result<(), Failure> {
        match &self.way {
            Way::Keep => Ok(()),
            Way::Missing => Err(Failure::NoService),
            Way::Smtp { pool, .. } => pool.probe().await,
            Way::Graph { graph, .. } => graph.probe().await,
        }
    }

    /// Closes connections that have been idle for a while; `all` closes the others too.
    pub(crate) fn rest(&self, all: bool) {
        if let Way::Smtp { pool, .. } = &self.way {
            pool.rest(all);
        }
    }
}
