//! One `conf/selfservice-<name>.json`, read but not yet compiled.
//!
//! Compiling is the business of `process::compile`, which knows the stages; this file finds the processes, makes their substitutions
//! and carries findings back to lines. The rule easiest to break: only `selfservice-<name>.json` with `stageConfigs` is a process;
//! `selfservice-kbaConfig.json`, `selfservice.kba.json` and every copy with a second dot are not (docs/protocol/project-files.md, case 15).

use std::sync::Arc;

use process::{CanaryOptions, Catalogue, Companions, Issue, Process};
use serde_json::Value;

use crate::diagnostic::{Diagnostic, Severity, Sink};
use crate::loose::Document;
use crate::source::SourceFile;

/// Keys of pre-release and 4.x token settings that mean nothing today; `sharedKey` is a published constant and is never key material.
const OLD_TOKEN_KEYS: [&str; 3] = ["keyPairAlgorithm", "keyPairSize", "sharedKey"];
/// Stages that existed before the first release, with what they became.
const OLD_STAGES: [(&str, &str); 2] =
    [("kbaStage", "kbaSecurityAnswerDefinitionStage"), ("userIdValidation", "userQuery, followed by emailValidation")];

/// A process as it is written.
#[derive(Clone, Debug)]
pub struct ProcessFile {
    /// The name in the path, `reset` of `conf/selfservice-reset.json`.
    pub name: String,
    /// The file, for line and column.
    pub file: Arc<SourceFile>,
    /// Content after substitution.
    pub value: Value,
    /// Content as written.
    pub raw: Value,
    /// Did reading it find an error? Then the process is not served, whatever compiling says.
    pub broken: bool,
    /// Do its stages name what is not there? Then it is not served either, but what compiling finds is said all the same.
    pub refused: bool,
    /// Is it switched off in `ui-configuration.json`? Then it answers 403 `Access denied`.
    pub switched_off: bool,
    /// The next definition that is tried beside it; nothing where its file says nothing of one, or what cannot be read.
    pub canary: Option<Canary>,
}

/// The next definition of a process.
#[derive(Clone, Debug)]
pub struct Canary {
    /// What the process file says of it.
    pub options: CanaryOptions,
    /// Its file, by the name of the process; nothing where it cannot stand beside the present one.
    pub next: Option<Box<ProcessFile>>,
}

impl ProcessFile {
    /// The process name of a file name in `conf`.
    #[must_use]
    pub fn name_of(file_name: &str) -> Option<&str> {
        let name = file_name.strip_prefix("selfservice-")?.strip_suffix(".json")?;
        (!name.is_empty() && !name.contains('.')).then_some(name)
    }

    /// A process from its document; nothing for a file without `stageConfigs`.
    #[must_use]
    pub(crate) fn from_document(name: &str, document: Document, sink: &Sink) -> Option<Self> {
        document.raw.get("stageConfigs")?;
        document.report_flaws("", sink);
        let root = document.root(sink);
        let settings = root.get("snapshotToken");
        for key in OLD_TOKEN_KEYS.iter().filter(|key| settings.get(key).is_present()) {
            let text = if *key == "sharedKey" {
                "'sharedKey' is a published constant of old versions; it is never used as a key"
            } else {
                "the keys are made at first start, or imported; this old setting has no effect"
            };
            settings.get(key).report(Severity::Hint, "old-key", text, None);
        }
        for stage in root.get("stageConfigs").items() {
            if let Some((old, new)) =
                stage.get("name").value().and_then(Value::as_str).and_then(|name| OLD_STAGES.iter().find(|(old, _)| *old == name))
            {
                let message = format!("the stage '{old}' belongs to a version before the first release and is not served");
                stage.get("name").report(Severity::Error, "pre-release-stage", message, Some(format!("use {new}")));
            }
            if stage.get("email").object().is_some() {
                let help = "write its keys into the stage itself, as every release since 4.5 has them".to_owned();
                let message = "an 'email' object inside a stage belongs to a version before the first release and is not served";
                stage.get("email").report(Severity::Error, "pre-release-key", message, Some(help));
            }
        }
        let broken = sink.has_errors_in(document.path());
        let Document { file, value, raw, .. } = document;
        Some(Self { name: name.to_owned(), file, value, raw, broken, refused: false, switched_off: false, canary: None })
    }

    /// Gives the findings of the process engine their lines.
    #[must_use]
    pub fn diagnostics(&self, issues: impl IntoIterator<Item = Issue>) -> Vec<Diagnostic> {
        issues.into_iter().map(|issue| diagnostic_of(&self.file, issue)).collect()
    }

    /// Compiles the process with a catalogue of stages.
    ///
    /// There is no process if the file is broken or compiling found an error; the diagnostics hold what compiling found.
    #[must_use]
    pub fn compile<S: Send + Sync + 'static>(
        &self,
        companions: &Companions,
        catalogue: &Catalogue<S>,
    ) -> (Option<Process<S>>, Vec<Diagnostic>) {
        if self.broken {
            return (None, Vec::new());
        }
        let compiled = process::compile(&self.name, &self.value, companions, catalogue);
        (compiled.process.filter(|_| !self.refused), self.diagnostics(compiled.issues))
    }
}

/// An issue of the process engine with its place. What concerns a key is shown at the key, what concerns a value at the value.
fn diagnostic_of(file: &SourceFile, issue: Issue) -> Diagnostic {
    let location = if issue.rule == "unknown-key" { file.locate_key(&issue.pointer) } else { file.locate(&issue.pointer) };
    Diagnostic { help: issue.help, ..Diagnostic::new(issue.severity, issue.rule, location, issue.message) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Position;

    fn read(text: &str) -> (Option<ProcessFile>, Vec<Diagnostic>) {
        let sink = Sink::default();
        let document = Document::read(SourceFile::new("conf/selfservice-reset.json", text), &|_: &str| None, &sink);
        let file = document.and_then(|document| ProcessFile::from_document("reset", document, &sink));
        (file, sink.into_sorted())
    }

    #[test]
    fn only_a_plain_selfservice_file_is_a_process() {
        assert_eq!(ProcessFile::name_of("selfservice-reset.json"), Some("reset"));
        assert_eq!(ProcessFile::name_of("selfservice-my-own_process.json"), Some("my-own_process"));
        for name in [
            "selfservice.kba.json",
            "selfservice-reset.json.old",
            "selfservice-reset.json.patch",
            "selfservice-.json",
            "selfservice-a.b.json",
            "x.json",
        ] {
            assert_eq!(ProcessFile::name_of(name), None, "{name}");
        }
    }

    #[test]
    fn a_file_without_stage_configs_is_no_process() {
        let (file, found) = read("{\"questions\": {\"1\": {\"en\": \"&{nobody}\"}}}");
        assert!(file.is_none() && found.is_empty());
    }

    #[test]
    fn an_unresolved_name_breaks_the_process_that_uses_it() {
        let (file, found) =
            read("{\"stageConfigs\": [\n{\"name\": \"emailValidation\",\n\"verificationLink\": \"https://&{public.host}/#/\"}]}");
        assert!(file.unwrap().broken);
        assert_eq!(
            found[0].to_string().lines().next().unwrap(),
            "conf/selfservice-reset.json:3:21 error[unresolved-name] /stageConfigs/0/verificationLink: nothing defines 'public.host'"
        );
    }

    #[test]
    fn old_token_keys_are_hints_and_pre_release_stages_errors() {
        let (file, found) = read(
            "{\"snapshotToken\": {\"type\": \"jwt\", \"sharedKey\": \"x\"}, \"stageConfigs\": [{\"name\": \"kbaStage\"}, {\"name\": \"emailValidation\", \"email\": {}}]}",
        );
        assert!(file.unwrap().broken);
        let mut rules: Vec<_> = found.iter().map(|found| (found.severity, found.rule)).collect();
        rules.sort_unstable();
        assert_eq!(rules, [(Severity::Hint, "old-key"), (Severity::Error, "pre-release-key"), (Severity::Error, "pre-release-stage")]);
    }

    #[test]
    fn findings_of_the_engine_get_their_lines() {
        let (file, _) = read("{\n  \"stageConfigs\": [\n    {\"name\": \"userQuerry\"}\n  ]\n}");
        let issue = Issue::error("/stageConfigs/0/name", "unknown-stage", "there is no stage named 'userQuerry'")
            .with_help("did you mean 'userQuery'?");
        let found = file.unwrap().diagnostics([issue]);
        assert_eq!(found[0].location.position, Some(Position { line: 3, column: 14 }));
    }
}
