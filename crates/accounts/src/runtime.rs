//! A project, ready to serve: compiled processes, schemas, policies, access rules. Made aside and swapped in whole when a file changes,
//! so that whoever asks sees one project from the first line of a request to its last.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use identity::consent::Consents;
use identity::kba::KbaConfig;
use identity::terms::Terms;
use identity::{Managed, Policies, Schemas};
use process::{Engine, Process};
use project::{Diagnostic, Feature, Module, Project, RunAs};
use serde_json::Value;
use stages::Services;
use stages::profile::Profile;

use crate::consequences::Consequences;
use crate::principal::{SOCIAL_PROVIDERS, login_property};
use crate::trial::Trial;

/// A project that is being served.
pub struct Runtime {
    /// What was read.
    pub project: Arc<Project>,
    /// Object types.
    pub schemas: Arc<Schemas>,
    /// Their policies.
    pub policies: Arc<Policies>,
    /// Managed objects.
    pub managed: Arc<Managed>,
    /// Security questions.
    pub kba: Arc<KbaConfig>,
    /// The terms in force.
    pub terms: Terms,
    /// The mappings people may agree to.
    pub consents: Consents,
    /// What stages share.
    pub services: Arc<Services>,
    /// The identity providers.
    pub social: Arc<social::Providers>,
    /// What follows from writes to people's objects.
    pub consequences: Arc<Consequences>,
    /// Runs processes.
    pub engine: Engine<Services>,
    /// Which processes may be due at sign-in.
    pub profile: Profile,
    /// Processes that can be run, by name; switched-off ones included.
    pub processes: HashMap<String, Arc<Process<Services>>>,
    /// Next definitions that are tried beside them, by the names of the processes.
    pub canaries: HashMap<String, Trial>,
    /// Everything found, the loader's and the compilers'.
    pub diagnostics: Vec<Diagnostic>,
    /// The project's directory, where it has one; names in `vestibule.toml` are relative to it.
    pub root: Option<PathBuf>,
    /// The address that our own mails and pages use, without a slash at its end.
    pub public_url: String,
}

impl Runtime {
    /// Whether a feature of `info/features` is on: its process can be run and its flag, where there is one, is set (decision 24).
    #[must_use]
    pub fn feature_enabled(&self, name: &str) -> bool {
        let ui = &self.project.ui_configuration;
        if name == "kba" {
            return ui.kba_enabled.unwrap_or(self.project.kba.is_some());
        }
        Feature::ALL.into_iter().filter(|feature| feature.name() == name).any(|feature| {
            let runs = feature.processes().iter().any(|process| self.processes.contains_key(*process));
            runs && ui.flag(feature).unwrap_or(true)
        })
    }

    /// The module that signs the people of a collection in.
    #[must_use]
    pub fn module(&self, collection: &str) -> Option<&Module> {
        self.project.authentication.of_people().find(|module| module.collection() == collection)
    }

    /// The module that signs people in with identity providers, where it is on.
    #[must_use]
    pub fn social_module(&self) -> Option<&Module> {
        self.project.authentication.social()
    }

    /// The module that let somebody in, by the id that the session holds, as long as it is on.
    #[must_use]
    pub fn module_of(&self, collection: &str, id: &str) -> Option<&Module> {
        if id == SOCIAL_PROVIDERS { self.social_module() } else { self.module(collection) }
    }

    /// For whom somebody may act, by the module that let them in.
    #[must_use]
    pub fn run_as(&self, component: &str, id: &str) -> Option<&RunAs> {
        let authentication = &self.project.authentication;
        if component.starts_with("managed/") {
            return self.module(component)?.run_as.as_ref();
        }
        if let Some(module) = authentication.static_user(id) {
            return module.run_as.as_ref();
        }
        authentication.admin.run_as.as_ref().filter(|_| authentication.admin.username == id)
    }

    /// Whether a role counts at this moment for whoever has it by `grant`, or by the way they signed in: neither the grant nor the role
    /// itself is limited to something else.
    #[must_use]
    pub fn gives(&self, path: &str, grant: Option<&Value>) -> bool {
        let id = path.rsplit('/').next().unwrap_or(path);
        let limited = path.starts_with("internal/") && self.project.internal_roles.iter().any(|role| role.id == id && role.is_limited);
        !limited && grant.is_none_or(|grant| identity::grants::in_force(grant, self.managed.clock.unix_seconds()))
    }

    /// The names under which the owner of an object signs in.
    #[must_use]
    pub fn login_names(&self, collection: &str, content: &Value) -> Vec<String> {
        let names = self
            .project
            .authentication
            .of_people()
            .filter_map(|module| content.get(login_property(module, self.schemas.get(collection)))?.as_str());
        names.map(str::to_owned).collect()
    }

    /// Whether an address is a proxy that the project trusts to say where requests come from.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.project.settings.trusted_proxies.iter().any(|network| network.contains(address))
    }
}
