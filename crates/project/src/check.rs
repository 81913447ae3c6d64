//! Findings that need several files (decision 24).
//!
//! The rule easiest to break: a mismatch between files is a hint, never an error. Operators keep files they switched off, list
//! processes they do not have and leave files out on purpose.

pub(crate) mod listed;
mod stage_keys;

use identity::PEOPLE;
use process::Catalogue;
use serde_json::Value;
use stages::Services;

use crate::access::AccessRules;
use crate::companion::ui::Feature;
use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::loose::Node;
use crate::process_file::ProcessFile;
use crate::project::Project;
use crate::source::{Location, join};

pub(crate) fn run(project: &mut Project, sink: &Sink) {
    let catalogue = stages::catalogue();
    for process in project.processes.iter().filter(|process| listed::TAKEN.contains(&process.name.as_str())) {
        let message = format!("'selfservice/{0}' is a resource of its own, so nobody can reach the process '{0}'", process.name);
        sink.push(Diagnostic::new(Severity::Warning, "process-name-taken", process.file.locate(""), message).with_help("rename the file"));
    }
    switches(project, sink);
    rules(project, sink);
    companions_of_stages(project, &catalogue, sink);
    terms(project, sink);
    lifetimes(project, sink);
    stage_keys::run(project, &catalogue, sink);
    objects(project, sink);
    if let Some(providers) = &project.identity_providers {
        providers.root(sink).expect_some(&crate::keys::IDENTITY_PROVIDERS);
    }
    if let Some(kba) = &project.kba {
        kba.root(sink).expect(&crate::keys::QUESTIONS);
        kba.root(sink).get("vestibule").expect(&crate::keys::QUESTIONS_OPTIONS);
    }
}

/// Keys of `managed.json` and `policy.json` that nothing reads. Their values are read by `identity`.
fn objects(project: &Project, sink: &Sink) {
    use crate::keys::objects as keys;
    fn properties(node: &Node<'_>, depth: u32) {
        for (_, property) in node.members() {
            property.expect_some(&keys::PROPERTY);
            // Deeper than anybody nests, and as deep as they are read.
            if depth < 8 && property.get("properties").value().is_some_and(Value::is_object) {
                properties(&property.get("properties"), depth + 1);
            }
        }
    }
    for object in project.managed.iter().flat_map(|document| document.root(sink).get("objects").items()) {
        object.expect_some(&keys::OBJECT);
        object.get("meta").expect_some(&keys::META);
        let schema = object.get("schema");
        schema.expect_some(&keys::OBJECT_SCHEMA);
        if schema.get("properties").value().is_some_and(Value::is_object) {
            properties(&schema.get("properties"), 0);
        }
    }
    let Some(policy) = &project.policy else { return };
    let root = policy.root(sink);
    root.expect_some(&keys::POLICY_FILE);
    for resource in root.get("resources").items() {
        resource.expect_some(&keys::POLICY_RESOURCE);
        for property in resource.get("properties").items() {
            property.expect_some(&keys::POLICY_PROPERTY);
        }
    }
}

/// Switches of `ui-configuration.json` against process files.
fn switches(project: &mut Project, sink: &Sink) {
    const FILE: &str = "conf/ui-configuration.json";
    for feature in Feature::ALL {
        let flag = project.ui_configuration.flag(feature);
        let named = feature.processes().first().copied().unwrap_or_default();
        // Of a file that cannot be read something was said.
        let is_there = |name: &&str| project.process(name).is_some() || sink.has_errors_in(&format!("conf/selfservice-{name}.json"));
        if flag == Some(true) && !feature.processes().iter().any(is_there) {
            let message = format!("'{}' is on, but there is no conf/selfservice-{named}.json, so the feature stays off", feature.flag());
            let location = project.locate(FILE, &join("/configuration", feature.flag()));
            sink.push(Diagnostic::new(Severity::Hint, "switch-without-process", location, message));
        }
        if flag != Some(false) {
            continue;
        }
        for process in project.processes.iter_mut().filter(|process| feature.processes().contains(&process.name.as_str())) {
            process.switched_off = true;
            let message = format!("the process is switched off: '{}' is false in {FILE}", feature.flag());
            sink.push(Diagnostic::new(Severity::Hint, "process-switched-off", process.file.locate(""), message));
        }
    }
}

/// Processes that the project's own access rules do not speak of.
fn rules(project: &Project, sink: &Sink) {
    // Rules that cannot be read are said where they stand, with what it means.
    if project.access == AccessRules::administrators_only() {
        return;
    }
    let has_audience = |process: &ProcessFile| process.value.pointer("/vestibule/audience").is_some_and(|audience| !audience.is_null());
    let unnamed = |process: &&ProcessFile| {
        project.access.decide_about(&process.name, has_audience(process)) && !project.access.speak_of(&process.name)
    };
    for process in project.processes.iter().filter(unnamed).filter(|process| !process.switched_off) {
        let message = format!("no access rule of the project speaks of 'selfservice/{}', so it is for administrators alone", process.name);
        let help =
            "write a rule into conf/access.json, or \"vestibule\": {\"audience\": …} into this file: \"anonymous\", \"user\" or \"admin\"";
        sink.push(Diagnostic::new(Severity::Warning, "process-without-rule", process.file.locate(""), message).with_help(help));
    }
}

/// Lifetimes that outlast the instance: what a file says is not what happens then.
fn lifetimes(project: &Project, sink: &Sink) {
    let longest = project.settings.longest_instance();
    let warn = |seconds: i64, key: &str, location: Location| {
        let hours = project.settings.max_instance_hours;
        let message = format!("'{key}' is {seconds} seconds, and an instance ends {hours} hours after it began all the same");
        let help = "set [tokens] max_instance_hours in vestibule.toml, or a shorter lifetime here";
        sink.push(Diagnostic::new(Severity::Warning, "instance-ends-first", location, message).with_help(help));
    };
    for process in project.definitions() {
        const POINTER: &str = "/snapshotToken/tokenExpiry";
        let seconds = process.value.pointer(POINTER).and_then(|value| value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()));
        if let Some(seconds) = seconds.filter(|seconds| *seconds > longest) {
            warn(seconds, "tokenExpiry", process.file.locate(POINTER));
        }
    }
    let entries = i64::try_from(project.jsonstore.entry_expire.as_secs()).unwrap_or(i64::MAX);
    if entries > longest {
        warn(entries, "entryExpireSeconds", project.locate("conf/jsonstore.json", "/entryExpireSeconds"));
    }
}

/// The stage objects of a process in order, each before those inside it, with their pointers and names. One that says its `class` has the
/// name of the stage that the class is.
pub(crate) fn placed<'v>(process: &'v ProcessFile, catalogue: &Catalogue<Services>) -> Vec<(String, &'v str, &'v Value)> {
    let mut found = Vec::new();
    for (index, stage) in process.value.get("stageConfigs").and_then(Value::as_array).into_iter().flatten().enumerate() {
        collect(stage, format!("/stageConfigs/{index}"), catalogue, &mut found);
    }
    found
}

fn collect<'v>(stage: &'v Value, pointer: String, catalogue: &Catalogue<Services>, found: &mut Vec<(String, &'v str, &'v Value)>) {
    let nested = catalogue.nested_in(stage).into_iter().map(|(below, inner)| (format!("{pointer}{below}"), inner)).collect::<Vec<_>>();
    let text = |key: &str| stage.get(key).and_then(Value::as_str);
    if let Some(name) = catalogue.of(stage).map(process::StageType::name).or_else(|| text("name")).or_else(|| text("class")) {
        found.push((pointer, name, stage));
    }
    for (pointer, inner) in nested {
        collect(inner, pointer, catalogue, found);
    }
}

/// Stages whose companion is missing: each has a default, and the operator may not know. What a stage needs is what it declares.
fn companions_of_stages(project: &Project, catalogue: &Catalogue<Services>, sink: &Sink) {
    for process in project.definitions().filter(|process| !process.broken) {
        for (pointer, _, stage) in placed(process, catalogue) {
            let Some(declared) = catalogue.of(stage) else { continue };
            let say = |severity, rule, message: &str| sink.push(Diagnostic::new(severity, rule, process.file.locate(&pointer), message));
            if declared.mails(stage) && project.external_email.is_none() {
                let message = "no mail service is configured in conf/external.email.json; the stage fails when it has to send";
                say(Severity::Hint, "no-mail-service", message);
            }
            // A stage that has its own does without the file.
            let lacks = |companion: &str| {
                let overrides = declared.overrides().iter();
                overrides.filter(|(name, _)| *name == companion).any(|(_, key)| stage.get(key).is_none_or(Value::is_null))
            };
            if lacks("kba") && project.kba.is_none() {
                say(Severity::Hint, "default-questions", "there is no conf/selfservice.kba.json; the documented questions are asked");
            }
            if lacks("terms") && project.terms.is_none() {
                let message = "there is neither conf/selfservice.terms.json nor 'termsTranslations'; there are no terms to accept";
                say(Severity::Warning, "no-terms", message);
            }
            if declared.companions().contains(&"sync") && !project.sync.iter().any(|mapping| mapping.consent_required) {
                let message = "no mapping of conf/sync.json or conf/mapping-*.json needs consent; the stage asks nothing";
                say(Severity::Hint, "no-consent-needed", message);
            }
            if declared.name() == "attributecollection" {
                attributes_of_form(project, process, &pointer, stage, sink);
            }
        }
    }
}

/// Attributes that cannot be filled in: with a required one nobody gets past the form.
fn attributes_of_form(project: &Project, process: &ProcessFile, pointer: &str, stage: &Value, sink: &Sink) {
    let collection = stage.get("identityServiceUrl").and_then(Value::as_str).unwrap_or(PEOPLE).trim_matches('/');
    let Some(schema) = project.schemas.get(collection) else { return };
    let policies = &project.policies;
    let asks = |name: &str| {
        policies.is_password(collection, name) || policies.asks_password(collection, name, &["internal/role/openidm-authorized"])
    };
    for (index, attribute) in stage.get("attributes").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let Some(name) = attribute.get("name").and_then(Value::as_str) else { continue };
        let top = name.trim_start_matches('/').split('/').next().unwrap_or(name);
        let why = match schema.property(top) {
            Some(property) if !property.user_editable => format!("'{top}' is not 'userEditable', so an answer to it is refused"),
            Some(property) if property.is_protected || asks(&property.name) => {
                format!(
                    "'{top}' is changed with the present password only, in X-OpenIDM-Reauth-Password, which the stock page does not send"
                )
            }
            // One that is not there is an error, said where all names are read.
            None | Some(_) => continue,
        };
        let location = process.file.locate(&format!("{pointer}/attributes/{index}/name"));
        sink.push(Diagnostic::new(Severity::Warning, "not-editable", location, why));
    }
}

fn terms(project: &Project, sink: &Sink) {
    let Some(document) = &project.terms else { return };
    let root = document.root(sink);
    root.expect(&crate::keys::TERMS);
    let versions: Vec<String> = root.get("versions").items().iter().filter_map(|version| version.get("version").text()).collect();
    match root.get("active").text() {
        Some(active) if versions.contains(&active) => {}
        Some(active) => {
            let help = crate::diagnostic::suggestion(&active, versions.iter().map(String::as_str));
            root.get("active").report(Severity::Error, "unknown-terms", format!("there is no version '{active}' of the terms"), help);
        }
        None => root.report(Severity::Warning, "no-terms", "no version of the terms is active; there are none to accept", None),
    }
}
