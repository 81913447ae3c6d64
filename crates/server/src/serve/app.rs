//! What outlives a reload of the project: what a reload, the sweep and the signs of life work on.

use std::sync::Arc;

use accounts::{Accounts, MailBudgets};
use mail::Courier;
use store::Db;

use crate::audit::Audit;
use crate::canaries::Canaries;
use crate::client_build::Kept;
use crate::config_versions::ConfigVersions;
use crate::definitions::KeptDefinitions;
use crate::metrics::Metrics;
use crate::nodes::Nodes;
use crate::processes::{self, ProcessState};
use crate::service::{self, Alive, Manager};

/// What a reload and the sweep work on.
#[derive(Clone)]
pub(super) struct App {
    pub(super) accounts: Arc<Accounts>,
    pub(super) definitions: Arc<KeptDefinitions>,
    pub(super) canaries: Arc<Canaries>,
    pub(super) db: Db,
    pub(super) courier: Arc<Courier>,
    pub(super) metrics: Metrics,
    pub(super) audit: Audit,
    pub(super) budget: Arc<MailBudgets>,
    pub(super) build: Arc<Kept>,
    pub(super) nodes: Arc<Nodes>,
    pub(super) versions: Arc<ConfigVersions>,
    pub(super) manager: Arc<Manager>,
}

impl App {
    /// One line for whoever asks the service manager.
    pub(super) fn status(&self) -> String {
        let statuses = processes::statuses(&self.accounts.runtime.load());
        let count = |state| statuses.iter().filter(|process| process.state == state).count();
        let (served, broken) = (count(ProcessState::Served), count(ProcessState::Broken));
        let broken = if broken == 0 { String::new() } else { format!(", {broken} broken and not served (see the log)") };
        format!("serving, processes: {served}{broken}")
    }

    /// Tells the service manager that the server lives, as long as tasks are run and the store gives an answer, of whichever kind.
    pub(super) async fn signs_of_life(self) {
        let (db, accounts) = (self.db.clone(), Arc::clone(&self.accounts));
        let look = move || {
            let (db, now) = (db.clone(), accounts.now());
            async move { if db.can_write(now).await.is_ok() { Alive::Well } else { Alive::WithoutStore } }
        };
        let status = |found| match found {
            Alive::Well => self.status(),
            Alive::WithoutStore => "the store cannot be written to: requests are answered with 503".to_owned(),
        };
        service::watch(Arc::clone(&self.manager), look, status).await;
    }

    /// Takes this node's share of limits.
    pub(super) fn share_limits(&self, limits: &project::Limits) {
        let share = self.nodes.share(limits);
        self.accounts.limits.set(&share);
        self.budget.set(&share);
    }
}
