//! Managed objects, policies and security questions: read by `identity`, placed in files here.

use identity::kba::KbaConfig;
use identity::{Companions, JsonType, PEOPLE, Password, Policies, Problem, Schemas, word_list};
use process::Catalogue;
use process::keys::{Named, Role};
use serde_json::Value;
use social::{Provider, with_links};
use stages::Services;

use super::loader::Loader;
use crate::check::placed;
use crate::companion::admin;
use crate::companion::authentication::{Authentication, Module, ModuleKind};
use crate::companion::identity_providers::ProviderFile;
use crate::companion::mapping::Mapping;
use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::loose::Document;
use crate::process_file::ProcessFile;
use crate::project::definitions;

/// What policies need to know of the other files; word lists follow when the policies are known.
pub(super) fn facts(
    authentication: &Authentication,
    sync: &[Mapping],
    processes: &[ProcessFile],
    initial: Option<&Document>,
) -> Companions {
    let mut internal_users = vec![admin::ADMINISTRATOR.to_owned(), authentication.admin.username.clone()];
    let declared = initial.and_then(|document| document.value.pointer("/insert/internal~1user")).and_then(Value::as_array);
    let id = |user: &Value| user.get("id").or_else(|| user.get("_id"))?.as_str().filter(|id| !id.trim().is_empty()).map(str::to_owned);
    internal_users.extend(declared.into_iter().flatten().filter_map(id));
    internal_users.extend(authentication.modules.iter().filter_map(|module| match &module.kind {
        ModuleKind::StaticUser { username, .. } => Some(username.clone()),
        _ => None,
    }));
    internal_users.sort_unstable();
    internal_users.dedup();
    let default = Companions::default();
    let mut internal_roles = default.internal_roles.clone();
    let declared = initial.and_then(|document| document.value.pointer("/insert/internal~1role")).and_then(Value::as_array);
    internal_roles.extend(declared.into_iter().flatten().filter_map(id));
    let of_module = |module: &Module| {
        let run_as = module.run_as.iter().flat_map(|run_as| [&run_as.admin_roles, &run_as.disallowed_roles, &run_as.roles]);
        run_as.chain([&module.roles]).flatten().filter_map(|role| role.rsplit('/').next().map(str::to_owned)).collect::<Vec<_>>()
    };
    internal_roles.extend(authentication.modules.iter().flat_map(of_module));
    let signs_in = authentication.modules.iter().filter(|module| module.kind == ModuleKind::ManagedUser);
    let mut login_names: Vec<(String, String)> =
        signs_in.map(|module| (module.collection().to_owned(), module.mapping.authentication_id.clone())).collect();
    login_names.extend(default.login_names.iter().cloned());
    let catalogue = stages::catalogue();
    let of_stage = |process: &str, stage: &str, key: &str| {
        let file = processes.iter().find(|file| file.name == process)?;
        let (_, _, config) = placed(file, &catalogue).into_iter().find(|(_, name, _)| *name == stage)?;
        config.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let plain = |name: &str| name.trim().trim_start_matches('/').to_owned();
    let of_modules = authentication.modules.iter().filter(|module| module.kind == ModuleKind::ManagedUser);
    let mut passwords: Vec<Password> = of_modules
        .map(|module| Password {
            collection: module.collection().to_owned(),
            property: plain(&module.mapping.user_credential),
            signs_in: true,
        })
        .collect();
    passwords.extend(definitions(processes).flat_map(|file| of_stages(file, &catalogue)));
    Companions {
        internal_users,
        internal_roles,
        login_names,
        mappings: sync.iter().map(|mapping| mapping.name.clone()).collect(),
        registration_collection: of_stage("registration", "selfRegistration", "identityServiceUrl")
            .unwrap_or(default.registration_collection),
        reset_collection: of_stage("reset", "resetStage", "identityServiceUrl").unwrap_or(default.reset_collection),
        password_property: of_stage("reset", "resetStage", "identityPasswordField").unwrap_or(default.password_property),
        passwords,
        ..Companions::default()
    }
}

/// The properties that the stages of a process take for passwords.
fn of_stages(file: &ProcessFile, catalogue: &Catalogue<Services>) -> Vec<Password> {
    // A stage inside another one is among them, and may be about other objects.
    let stages = placed(file, catalogue).into_iter().map(|(pointer, _, stage)| catalogue.own_names_in(&pointer, stage)).collect::<Vec<_>>();
    let collection = |named: &[Named]| named.iter().find(|named| named.role == Role::Collection).map(|named| named.text.clone());
    // A process is about one account, so a stage that does not say where it is means where the others say.
    let usual = stages.iter().find_map(|named| collection(named)).unwrap_or_else(|| PEOPLE.to_owned());
    let of_stage = |named: &Vec<Named>| {
        let collection = collection(named).unwrap_or_else(|| usual.clone()).trim_matches('/').to_owned();
        let fields = named.iter().filter(|named| named.role == Role::PasswordField);
        let property = |named: &Named| named.text.trim_start_matches('/').to_owned();
        fields.map(|named| Password { collection: collection.clone(), property: property(named), signs_in: false }).collect::<Vec<_>>()
    };
    stages.iter().flat_map(of_stage).collect()
}

/// Object types and their policies.
pub(super) fn read(
    managed: Option<&Document>,
    policy: Option<&Document>,
    mut facts: Companions,
    providers: &[ProviderFile],
    loader: &Loader<'_>,
    sink: &Sink,
) -> (Schemas, Policies) {
    let names: Vec<&str> = providers
        .iter()
        .filter(|provider| provider.is_meant())
        .filter_map(ProviderFile::name)
        .filter(|name| Provider::is_name(name))
        .collect();
    let (schemas, problems) = match managed {
        None if names.is_empty() => (Schemas::builtin(), Vec::new()),
        None => Schemas::read_with(&with_links(&Schemas::builtin_declaration(), PEOPLE, names), &facts.scripts),
        Some(document) => Schemas::read_with(&with_links(&document.value, PEOPLE, names), &facts.scripts),
    };
    report(problems, "managed-objects", managed, policy, sink);
    let schemas = schemas.with_passwords(&facts.passwords);
    let resources = policy.map(|document| &document.value);
    let words = Policies::word_files(&schemas, resources);
    facts.word_lists = words.into_iter().filter_map(|path| Some((path.clone(), word_list(&loader.text(&path)?)))).collect();
    let (policies, problems) = Policies::read(resources, &schemas, facts);
    report(problems, "policies", managed, policy, sink);
    (schemas, policies.with_properties(loader.properties()))
}

/// The security questions. Where the file names a property that holds something else, they are kept as if it had named none: nobody's answers
/// stand where their roles do.
pub(super) fn questions(kba: Option<&Document>, schemas: &Schemas, sink: &Sink) -> KbaConfig {
    let Some(document) = kba else { return KbaConfig::default() };
    let (mut config, problems) = KbaConfig::read(&document.value);
    for problem in problems {
        sink.push(diagnostic("security-questions", problem, document));
    }
    let unfit = |key: &str, message: String| {
        sink.push(Diagnostic::new(Severity::Error, "unfit-property", document.file.locate(&format!("/{key}")), message));
    };
    let default = KbaConfig::default().property;
    if config.property != default
        && let Some(reason) = unfit_for(&config.property, &[JsonType::Array], schemas)
    {
        unfit(
            "kbaPropertyName",
            format!("questions and answers cannot be kept in '{}': {reason}; they are kept in '{default}'", config.property),
        );
        config.property = default;
    }
    if let Some(name) = &config.attempts_property {
        let doubled = (*name == config.property).then(|| "it holds the questions".to_owned());
        if let Some(reason) = doubled.or_else(|| unfit_for(name, &[JsonType::Number, JsonType::Integer], schemas)) {
            unfit(
                "kbaAttemptsPropertyName",
                format!("wrong answers cannot be counted in '{name}': {reason}; the server counts them by itself"),
            );
            config.attempts_property = None;
        }
    }
    config
}

/// Properties that the server gives a meaning, declared or not.
const OF_THE_SERVER: [&str; 5] = ["_id", "_rev", "accountStatus", "authzRoles", "fieldHistory"];

/// Why people's property of that name cannot hold values of any of these types.
fn unfit_for(name: &str, kinds: &[JsonType], schemas: &Schemas) -> Option<String> {
    if OF_THE_SERVER.contains(&name) || schemas.iter().any(|schema| schema.meta_property() == name) {
        return Some("the server keeps something else there".to_owned());
    }
    let people = schemas.iter().filter(|schema| schema.credentials().next().is_some());
    people.filter_map(|schema| Some((schema, schema.property(name)?))).find_map(|(schema, property)| {
        let collection = schema.collection();
        if property.is_credential() {
            Some(format!("in {collection} it holds a password"))
        } else if property.relationship.is_some() {
            Some(format!("in {collection} it is a relationship"))
        } else if property.is_virtual {
            Some(format!("in {collection} it is computed"))
        } else if !kinds.iter().any(|kind| property.accepts(*kind)) {
            let wanted = kinds.first().map_or("", |kind| kind.name());
            Some(format!("in {collection} its type is no {wanted}"))
        } else {
            None
        }
    })
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
    Diagnostic::new(problem.severity, rule, document.file.locate(&problem.pointer), problem.message)
}
