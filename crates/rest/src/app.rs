//! Everything a resource reaches.

use std::sync::Arc;

use accounts::Accounts;
use process::Outbox;

use crate::ports::{FileVersions, Health, OtherNodes, ProjectFiles};
use crate::unbelieved::Unbelieved;

/// What all requests share, for the life of the process.
pub struct App {
    /// Accounts, and the project that is served.
    pub accounts: Arc<Accounts>,
    /// What became of outgoing mails.
    pub outbox: Arc<dyn Outbox>,
    /// The project's files, for administrators.
    pub files: Arc<dyn ProjectFiles>,
    /// What these files said before.
    pub versions: Arc<dyn FileVersions>,
    /// Whether requests can be served.
    pub health: Arc<dyn Health>,
    /// Hears of what is to end everywhere.
    pub others: Arc<dyn OtherNodes>,
    /// Peers whose word about clients does not count.
    pub unbelieved: Unbelieved,
}
