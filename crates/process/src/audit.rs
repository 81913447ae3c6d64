//! Events of the audit trail.

use std::fmt;

use serde_json::Value;

/// A part of the audit trail (`audit/<topic>`), by what its events are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Requests.
    Access,
    /// Sign-ins.
    Authentication,
    /// Writes to objects, and what else is done to accounts.
    Activity,
    /// Steps of processes.
    Process,
    /// Changes of the configuration.
    Config,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 5] = [Self::Access, Self::Authentication, Self::Activity, Self::Process, Self::Config];

    /// Its name, as it is stored and as it stands in paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Authentication => "authentication",
            Self::Activity => "activity",
            Self::Process => "process",
            Self::Config => "config",
        }
    }

    /// The topic of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == name)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An entry of the audit trail that belongs to a transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    /// Which part of the trail it belongs to.
    pub topic: Topic,
    /// What happened, `submitRequirements`, `PATCH`, ….
    pub event: String,
    /// Seconds since 1970.
    pub time: i64,
    /// Joins events of one request.
    pub transaction: String,
    /// Who did it; empty where no account is known.
    pub user: String,
    /// What it was done to, `managed/user/<id>`; empty for nothing.
    pub object: String,
    /// Whether it succeeded.
    pub successful: bool,
    /// Further facts, never secrets, codes, tokens or whole addresses.
    pub detail: Value,
}
