//! What an operator works on, beside accounts.

use std::sync::Arc;

use accounts::ports::{FileVersions, Health, OtherNodes, ProjectFiles};
use process::Outbox;

/// What the console works on, beside accounts.
pub struct Operator {
    /// The outbox.
    pub outbox: Arc<dyn Outbox>,
    /// Whether the server can serve.
    pub health: Arc<dyn Health>,
    /// The other nodes.
    pub others: Arc<dyn OtherNodes>,
    /// The project's files.
    pub files: Arc<dyn ProjectFiles>,
    /// What these files said before.
    pub versions: Arc<dyn FileVersions>,
}
