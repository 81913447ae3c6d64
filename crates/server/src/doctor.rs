//! What an operator should know before a person finds it out. Nothing is written, and no mail is sent.
//!
//! A check is a row of [`CHECKS`]: its name, why it matters, the page that says more, and what looks. Easiest to get wrong: a check that cannot look
//! must say so, and not that all is well.

mod certificate;
mod machine;
mod network;
mod project;

use std::path::{Path, PathBuf};

use ::project::Project;
use crest::Clock as _;
use store::Health;
use tokio::runtime::Handle;

use crate::offline::OfflineError;
use crate::ports::SystemClock;
use crate::project_directory;
use crate::runtime::Source;

/// What a check found, with everything a person needs to act on it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The name of the check, such as `mail`.
    pub name: &'static str,
    /// How bad it is.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do; none where all is well.
    pub advice: Option<String>,
    /// Why it matters.
    pub why: &'static str,
    /// The page of the book that says more, with its section.
    pub page: &'static str,
}

/// What to look at.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The project's directory; none for the embedded one.
    pub project: Option<PathBuf>,
    /// Where the store, the keys and the audit trail are kept.
    pub data: PathBuf,
    /// The store, where it is not the project's own.
    pub store: Option<String>,
    /// Whom the mail server is asked about; none for the sender itself.
    pub mail_to: Option<String>,
}

/// What is looked at, read once.
struct Case {
    source: Source,
    project: Project,
    data: PathBuf,
    store: String,
    mail_to: Option<String>,
    /// Seconds since 1970.
    now: i64,
    /// What mail servers are spoken to on.
    runtime: Handle,
}

/// One thing that was found.
struct Found {
    health: Health,
    text: String,
    advice: Option<String>,
}

fn good(text: impl Into<String>) -> Found {
    Found { health: Health::Good, text: text.into(), advice: None }
}

fn doubtful(text: impl Into<String>, advice: impl Into<String>) -> Found {
    Found { health: Health::Doubtful, text: text.into(), advice: Some(advice.into()) }
}

fn bad(text: impl Into<String>, advice: impl Into<String>) -> Found {
    Found { health: Health::Bad, text: text.into(), advice: Some(advice.into()) }
}

/// A row of the table.
struct Check {
    name: &'static str,
    why: &'static str,
    page: &'static str,
    look: fn(&Case) -> Vec<Found>,
}

const CHECKS: [Check; 10] = [
    Check {
        name: "project",
        why: "a process with an error is not served, and a warning is something that surprises people later",
        page: "operations.md#changing-the-project",
        look: project::files,
    },
    Check {
        name: "choices",
        why: "what was made weaker on purpose stays weaker when its reason is gone",
        page: "configuration.md",
        look: project::choices,
    },
    Check {
        name: "data",
        why: "whoever reads the data directory has the keys, and a server that cannot write there does not start",
        page: "operations.md#the-data-directory",
        look: machine::data,
    },
    Check {
        name: "disk",
        why: "a store that cannot grow refuses everything that changes something",
        page: "operations/incidents.md#the-store-is-full",
        look: machine::disk,
    },
    Check {
        name: "clock",
        why: "tokens, codes and sessions live for minutes: a clock that is wrong ends them early or keeps them too long",
        page: "operations/incidents.md#the-clock-is-wrong",
        look: machine::clock,
    },
    Check {
        name: "keys",
        why: "without its keys a server opens no token, no waiting mail and no encrypted value",
        page: "operations/keys.md",
        look: machine::keys,
    },
    Check {
        name: "store",
        why: "everything that must not be lost is there",
        page: "operations.md#postgresql-and-several-nodes",
        look: machine::store,
    },
    Check {
        name: "mail",
        why: "nobody finishes a reset or a registration without their mail",
        page: "operations/incidents.md#mail-is-stuck",
        look: network::mail,
    },
    Check {
        name: "proxies",
        why: "limits go by the client's address, and cookies by whether its connection is encrypted: both come from the proxy",
        page: "operations/proxies.md",
        look: network::proxies,
    },
    Check { name: "tls", why: "on the day a certificate ends nobody gets in", page: "operations.md#tls", look: certificate::look },
];

/// Looks at everything, in the order of the table. It waits for disks and the network, so it is not for a task.
///
/// # Errors
/// When there is no project to look at.
pub fn examine(patient: &Patient, runtime: &Handle) -> Result<Vec<Checked>, OfflineError> {
    let source = project_directory::open(patient.project.as_deref())?;
    let project = source.read(None);
    let store = patient.store.clone().unwrap_or_else(|| crate::serve::store_url(&project.settings, &patient.data));
    let now = SystemClock::new().unix_seconds();
    let case = Case { source, project, data: patient.data.clone(), store, mail_to: patient.mail_to.clone(), now, runtime: runtime.clone() };
    let mut checked = Vec::new();
    for Check { name, why, page, look } in CHECKS {
        let rows = look(&case).into_iter();
        checked.extend(rows.map(|Found { health, text: found, advice }| Checked { name, health, found, advice, why, page }));
    }
    Ok(checked)
}

/// A directory that is there: this one, or the nearest above it.
fn nearest(path: &Path) -> &Path {
    path.ancestors().find(|above| above.is_dir()).unwrap_or(Path::new("."))
}
