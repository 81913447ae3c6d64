//! What a project's runtime is put together from, in a server and in a rehearsal alike: so what is rehearsed is what is served.

use std::sync::Arc;

use crest::{Clock, Random};
use identity::Managed;
use jose::KeyRing;
use process::{Ledger, Process};
use project::{AuthProfile, Project, Unfit};
use stages::Services;
use stages::profile::Profile;

use crate::{Consequences, MailChanges, Notifications, Post};

/// The ports of what follows from a write.
pub struct Ports {
    /// People's objects.
    pub managed: Arc<Managed>,
    /// Commits.
    pub ledger: Arc<dyn Ledger>,
    /// Seals.
    pub keys: Arc<KeyRing>,
    /// Draws.
    pub random: Arc<dyn Random>,
    /// Tells time.
    pub clock: Arc<dyn Clock>,
    /// Writes mails.
    pub post: Arc<Post>,
}

impl Consequences {
    /// Those of a project.
    #[must_use]
    pub fn of(project: &Project, ports: Ports) -> Self {
        let Ports { managed, ledger, keys, random, clock, post } = ports;
        Self {
            settings: project.settings.profile,
            notifications: Notifications {
                settings: project.notifications.clone(),
                managed: Arc::clone(&managed),
                ledger: Arc::clone(&ledger),
                random: Arc::clone(&random),
                clock,
            },
            mail_changes: MailChanges {
                post: Arc::clone(&post),
                managed: Arc::clone(&managed),
                ledger,
                keys,
                random,
                public_url: project.public_url.clone(),
            },
            managed,
            post,
        }
    }
}

/// What is due at a sign-in: the listed processes that are served and fit to be. `served` finds one by its name.
#[must_use]
pub fn profile_of(project: &Project, mail_configured: bool, served: impl Fn(&str) -> Option<Arc<Process<Services>>>) -> Profile {
    let listed = project.auth_profile.processes.iter().filter_map(|path| {
        let name = AuthProfile::process_name(path);
        let process = served(name)?;
        Unfit::of(project, mail_configured, name, Some(&process)).is_none().then(|| (path.clone(), process))
    });
    Profile::new(listed)
}

/// The language of a project's texts when none of the reader's fits.
#[must_use]
pub fn default_locale(project: &Project) -> String {
    project.ui_configuration.language.clone().unwrap_or_else(|| "en".to_owned())
}
