//! Managed objects, policies and security questions: read by `identity`, placed in files here.

use identity::kba::KbaConfig;
use identity::{Companions, Policies, Problem, Schemas, word_list};
use serde_json::Value;

use super::loader::Loader;
use crate::companion::admin;
use crate::companion::authentication::{Authentication, ModuleKind};
use crate::companion::mapping::Mapping;
use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::loose::Document;
use crate::process_file::ProcessFile;

/// What policies need to know of the other files; word lists follow when the policies are known.
pub(super) fn facts(authentication: &Authentication, sync: &[Mapping], processes: &[ProcessFile]) -> Companions {
    let mut internal_users = vec![admin::ADMINISTRATOR.to_owned(), authentication.admin.username.clone()];
    internal_users.extend(authentication.modules.iter().filter_map(|module| match &module.kind {
        ModuleKind::StaticUser { username, .. } => Some(username.clone()),
        _ => None,
    }));
    internal_users.sort_unstable();
    internal_users.dedup();
    let default = Companions::default();
    let of_stage = |process: &str, stage: &str, key: &str| {
        let file = processes.iter().find(|file| file.name == process)?;
        let stages = file.value.get("stageConfigs")?.as_array()?;
        let config = stages.iter().find(|config| config.get("name").and_then(Value::as_str) == Some(stage))?;
        config.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Companions {
        internal_users,
        mappings: sync.iter().map(|mapping| mapping.name.clone()).collect(),
        registration_collection: of_stage("registration", "selfRegistration", "identityServiceUrl")
            .unwrap_or(default.registration_collection),
        reset_collection: of_stage("reset", "resetStage", "identityServiceUrl").unwrap_or(default.reset_collection),
        password_property: of_stage("reset", "resetStage", "identityPasswordField").unwrap_or(default.password_property),
        ..Companions::default()
    }
}

/// Object types and their policies.
pub(super) fn read(
    managed: Option<&Document>,
    policy: Option<&Document>,
    mut facts: Companions,
    loader: &Loader<'_>,
    sink: &Sink,
) -> (Schemas, Policies) {
    let (schemas, problems) = managed.map_or_else(|| (Schemas::builtin(), Vec::new()), |document| Schemas::read(&document.value));
    report(problems, "managed-objects", managed, policy, sink);
    let resources = policy.map(|document| &document.value);
    let words = Policies::word_files(&schemas, resources);
    facts.word_lists = words.into_iter().filter_map(|path| Some((path.clone(), word_list(&loader.text(&path)?)))).collect();
    let (policies, problems) = Policies::read(resources, &schemas, facts);
    report(problems, "policies", managed, policy, sink);
    (schemas, policies)
}

/// The security questions.
pub(super) fn questions(kba: Option<&Document>, sink: &Sink) -> KbaConfig {
    let Some(document) = kba else { return KbaConfig::default() };
    let (config, problems) = KbaConfig::read(&document.value);
    for problem in problems {
        sink.push(diagnostic("security-questions", problem, document));
    }
    config
}

fn report(problems: Vec<Problem>, rule: &'static str, managed: Option<&Document>, policy: Option<&Document>, sink: &Sink) {
    for problem in problems {
        let document = [managed, policy].into_iter().flatten().find(|document| document.path().rsplit('/').next() == Some(problem.file));
        // Without a file there is only what is built in, and nobody but us could mend it.
        if let Some(document) = document {
            sink.push(diagnostic(rule, problem, document));
        }
    }
}

fn diagnostic(rule: &'static str, problem: Problem, document: &Document) -> Diagnostic {
    let severity = match problem.severity {
        identity::Severity::Hint => Severity::Hint,
        identity::Severity::Warning => Severity::Warning,
        identity::Severity::Error => Severity::Error,
    };
    Diagnostic::new(severity, rule, document.file.locate(&problem.pointer), problem.message)
}
