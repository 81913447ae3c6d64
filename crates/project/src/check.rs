//! What only several files together show (decision 24).
//!
//! The rule easiest to break: a mismatch between files is a hint, never an error. Operators keep files they switched off, list
//! processes they do not have and leave files out on purpose.

pub(crate) mod listed;

use serde_json::Value;

use crate::companion::ui::Feature;
use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::process_file::ProcessFile;
use crate::project::Project;
use crate::source::join;

/// Keys of `selfservice.kba.json`; what they hold is read by `identity`.
const KBA_KEYS: [&str; 6] = [
    "kbaPropertyName",
    "questions",
    "minimumAnswersToDefine",
    "minimumAnswersToVerify",
    "numberOfAttemptsAllowed",
    "kbaAttemptsPropertyName",
];

pub(crate) fn run(project: &mut Project, sink: &Sink) {
    switches(project, sink);
    companions_of_stages(project, sink);
    terms(project, sink);
    if let Some(kba) = &project.kba {
        kba.root(sink).expect_keys(&KBA_KEYS, &[]);
    }
}

/// Switches of `ui-configuration.json` against process files.
fn switches(project: &mut Project, sink: &Sink) {
    const FILE: &str = "conf/ui-configuration.json";
    for feature in Feature::ALL {
        let flag = project.ui_configuration.flag(feature);
        let named = feature.processes().first().copied().unwrap_or_default();
        if flag == Some(true) && feature.processes().iter().all(|name| project.process(name).is_none()) {
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

/// The stage objects of a process, nested ones included, with their pointers.
fn stages<'a>(value: &'a Value, pointer: &str, found: &mut Vec<(String, &'a str, &'a Value)>) {
    if let Some(name) = value.get("name").and_then(Value::as_str) {
        found.push((pointer.to_owned(), name, value));
    }
    for key in ["onConditionTrue", "onConditionFalse"] {
        if let Some(inner) = value.get(key).filter(|inner| inner.is_object()) {
            stages(inner, &join(pointer, key), found);
        }
    }
}

/// Stages whose companion file is missing: each has a default, and the operator may not know.
fn companions_of_stages(project: &Project, sink: &Sink) {
    for process in project.processes.iter().filter(|process| !process.broken) {
        let mut found = Vec::new();
        for (index, stage) in process.value.get("stageConfigs").and_then(Value::as_array).into_iter().flatten().enumerate() {
            stages(stage, &format!("/stageConfigs/{index}"), &mut found);
        }
        for (pointer, name, stage) in found {
            let hint = |rule, message: String| sink.push(Diagnostic::new(Severity::Hint, rule, process.file.locate(&pointer), message));
            match name {
                "emailValidation" | "emailUsername" if project.external_email.is_none() => {
                    hint(
                        "no-mail-service",
                        "no mail service is configured in conf/external.email.json; the stage fails when it has to send".to_owned(),
                    );
                }
                "kbaSecurityAnswerDefinitionStage" | "kbaSecurityAnswerVerificationStage" | "kbaUpdateStage"
                    if project.kba.is_none() && stage.get("kbaConfig").is_none_or(Value::is_null) =>
                {
                    hint("default-questions", "there is no conf/selfservice.kba.json; the documented questions are asked".to_owned());
                }
                "termsAndConditions" if project.terms.is_none() && stage.get("termsTranslations").is_none() => {
                    let message = "there is neither conf/selfservice.terms.json nor 'termsTranslations'; there are no terms to accept";
                    sink.push(Diagnostic::new(Severity::Warning, "no-terms", process.file.locate(&pointer), message));
                }
                "attributecollection" => attributes_of_form(project, process, &pointer, stage, sink),
                "consent" if !project.sync.iter().any(|mapping| mapping.consent_required) => {
                    hint(
                        "no-consent-needed",
                        "no mapping of conf/sync.json or conf/mapping-*.json needs consent; the stage asks nothing".to_owned(),
                    );
                }
                _ => {}
            }
        }
    }
}

/// Attributes that nobody could ever fill in: a required one would keep everybody on the form for ever.
fn attributes_of_form(project: &Project, process: &ProcessFile, pointer: &str, stage: &Value, sink: &Sink) {
    let collection = stage.get("identityServiceUrl").and_then(Value::as_str).unwrap_or("managed/user").trim_matches('/');
    let Some(schema) = project.schemas.get(collection) else { return };
    for (index, attribute) in stage.get("attributes").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let Some(name) = attribute.get("name").and_then(Value::as_str) else { continue };
        let top = name.trim_start_matches('/').split('/').next().unwrap_or(name);
        let why = match schema.property(top) {
            None => format!("there is no property '{top}' in {collection}"),
            Some(property) if !property.user_editable => format!("'{top}' is not 'userEditable'"),
            Some(property) if property.is_protected || property.is_credential() => {
                format!("'{top}' is changed with the present password only")
            }
            Some(_) => continue,
        };
        let location = process.file.locate(&format!("{pointer}/attributes/{index}/name"));
        let message = format!("{why}, so an answer to it is refused");
        sink.push(Diagnostic::new(Severity::Warning, "not-editable", location, message));
    }
}

fn terms(project: &Project, sink: &Sink) {
    let Some(document) = &project.terms else { return };
    let root = document.root(sink);
    root.expect_keys(&["versions", "active", "uiConfig"], &[]);
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
