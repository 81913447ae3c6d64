//! What a project says, read whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use identity::kba::KbaConfig;
use process::{Companions, declaration_companion, file_companion};
use serde_json::Value;
use stages::MailTemplate;

use crate::access::AccessRules;
use crate::companion::auth_profile::AuthProfile;
use crate::companion::authentication::Authentication;
use crate::companion::cross_origin::CrossOrigin;
use crate::companion::email::Mailer;
use crate::companion::identity_providers::ProviderFile;
use crate::companion::mapping::Mapping;
use crate::companion::notifications::Notifications;
use crate::companion::roles::InternalRole;
use crate::companion::small::{Consent, JsonStore};
use crate::companion::ui::{Feature, UiConfiguration};
use crate::diagnostic::Diagnostic;
use crate::loose::Document;
use crate::process_file::ProcessFile;
use crate::settings::{Settings, StageKind};
use crate::source::{Location, SourceFile};

/// Everything a project says.
#[derive(Clone, Debug)]
pub struct Project {
    /// Processes by name, broken and switched-off ones included.
    pub processes: Vec<ProcessFile>,
    /// `vestibule.toml`.
    pub settings: Settings,
    /// Where people reach the server, without a slash at its end.
    pub public_url: String,
    /// `authentication.json`.
    pub authentication: Authentication,
    /// `access.json`, or the product's own rules.
    pub access: AccessRules,
    /// `ui-configuration.json`.
    pub ui_configuration: UiConfiguration,
    /// `auth.profile.json`.
    pub auth_profile: AuthProfile,
    /// `external.email.json`; nothing if there is no usable mail service.
    pub external_email: Option<Mailer>,
    /// `emailTemplate-*.json` by name.
    pub email_templates: BTreeMap<String, MailTemplate>,
    /// `jsonstore.json`.
    pub jsonstore: JsonStore,
    /// `consent.json`.
    pub consent: Consent,
    /// The mappings of `sync.json`, then those with files of their own.
    pub sync: Vec<Mapping>,
    /// Which pages of other origins may call: the CORS filters among `servletfilter-*.json`; the first that has a path answers for it.
    pub cross_origin: Vec<CrossOrigin>,
    /// `selfservice.kba.json`.
    pub kba: Option<Document>,
    /// `selfservice.terms.json`.
    pub terms: Option<Document>,
    /// `managed.json`.
    pub managed: Option<Document>,
    /// `policy.json`.
    pub policy: Option<Document>,
    /// `identityProviders.json`.
    pub identity_providers: Option<Document>,
    /// The providers of that file and of those of their own, templates included.
    pub providers: Vec<ProviderFile>,
    /// `selfservice.propertymap.json`.
    pub property_map: Option<Document>,
    /// `ui-dashboard.json`.
    pub dashboard: Option<Document>,
    /// `ui-themeconfig.json`.
    pub theme: Option<Document>,
    /// `ui-themerealm.json`.
    pub theme_realm: Option<Document>,
    /// Where the project mounts the end-user pages besides `/`: `/enduser`. Empty where no build is served.
    pub mounts: Vec<String>,
    /// The roles of `repo.init.json` with their privileges.
    pub internal_roles: Vec<InternalRole>,
    /// Which events leave a notification in the person's pages.
    pub notifications: Notifications,
    /// Managed object types, of `managed.json` or built in.
    pub schemas: identity::Schemas,
    /// Policies of `managed.json` and `policy.json`.
    pub policies: identity::Policies,
    /// Security questions, of `selfservice.kba.json` or built in.
    pub questions: KbaConfig,
    /// Texts of the scripts that processes and declared stages name, by path.
    pub scripts: BTreeMap<String, String>,
    /// Every file that was read, by path.
    pub sources: BTreeMap<String, Arc<SourceFile>>,
    /// Processes whose files are there and cannot be read, by name, and why. They are not among [`Self::processes`].
    pub unread: BTreeMap<String, String>,
    /// Everything there is to say, by file and place.
    pub diagnostics: Vec<Diagnostic>,
}

impl Project {
    /// The processes whose files nothing came of, by what was said about them.
    pub(crate) fn find_unread(&self) -> BTreeMap<String, String> {
        let errors = self.diagnostics.iter().filter(|found| found.is_error());
        let named = errors.filter_map(|found| Some((ProcessFile::name_of(found.location.file.strip_prefix("conf/")?)?, found)));
        let mut unread = BTreeMap::new();
        for (name, found) in named.filter(|(name, _)| self.process(name).is_none()) {
            unread.entry(name.to_owned()).or_insert_with(|| found.with_place());
        }
        unread
    }

    /// The process of a name.
    #[must_use]
    pub fn process(&self, name: &str) -> Option<&ProcessFile> {
        self.processes.iter().find(|process| process.name == name)
    }

    /// Every definition of a process: the present ones, and the next ones that are tried beside them.
    pub fn definitions(&self) -> impl Iterator<Item = &ProcessFile> {
        definitions(&self.processes)
    }

    /// The companions stages may declare, by short name: `kba`, `terms`, `jsonstore`, `consent`, `sync`, `managed`, `policy`,
    /// `identityProviders`, the texts of scripts and the declarations of the project's own stages. Only what a process uses becomes part of its version.
    #[must_use]
    pub fn companions(&self) -> Companions {
        let documents = [("kba", &self.kba), ("terms", &self.terms), ("managed", &self.managed), ("policy", &self.policy)];
        let mut companions: BTreeMap<String, Value> =
            documents.into_iter().filter_map(|(name, document)| Some((name.to_owned(), document.as_ref()?.value.clone()))).collect();
        let providers = self.providers.iter().filter(|provider| provider.is_meant());
        let providers: Vec<Value> = providers.filter_map(|provider| Some(serde_json::json!({ "provider": provider.name()? }))).collect();
        if !providers.is_empty() {
            companions.insert("identityProviders".to_owned(), serde_json::json!({ "providers": providers }));
        }
        for (path, text) in &self.scripts {
            companions.insert(file_companion(path), Value::String(text.clone()));
        }
        for (name, declaration) in &self.settings.stages {
            let script = match &declaration.kind {
                StageKind::Script { file } => self.scripts.get(file).map(String::as_str),
                StageKind::Http { .. } => None,
            };
            companions.insert(declaration_companion(name), declaration.to_value(script));
        }
        companions.insert("jsonstore".to_owned(), self.jsonstore.to_value());
        if let Some(enabled) = self.consent.enabled {
            companions.insert("consent".to_owned(), serde_json::json!({ "enabled": enabled }));
        }
        companions.insert(
            "sync".to_owned(),
            Value::Array(self.sync.iter().filter(|mapping| mapping.consent_required).map(Mapping::to_value).collect()),
        );
        Companions(companions)
    }

    /// Where a value of a file stands, for whoever finds something wrong with it later.
    #[must_use]
    pub fn locate(&self, path: &str, pointer: &str) -> Location {
        let whole = || Location { pointer: pointer.to_owned(), ..Location::file(path) };
        self.sources.get(path).map_or_else(whole, |source| source.locate(pointer))
    }

    /// Is a feature on? It needs its process file and, where there is one, its switch (decision 24).
    #[must_use]
    pub fn feature_enabled(&self, feature: Feature) -> bool {
        let served = |name: &&str| self.process(name).is_some_and(|process| !process.broken);
        self.ui_configuration.flag(feature) != Some(false) && feature.processes().iter().any(served)
    }

    /// Is any diagnostic an error?
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// These, and the next definitions beside them.
pub(crate) fn definitions(processes: &[ProcessFile]) -> impl Iterator<Item = &ProcessFile> {
    processes.iter().flat_map(|process| {
        let next = process.canary.as_ref().and_then(|canary| canary.next.as_deref());
        std::iter::once(process).chain(next)
    })
}
