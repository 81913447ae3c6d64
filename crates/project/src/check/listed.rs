//! The processes that `auth.profile.json` lists, and why somebody could never complete one of them.
//!
//! The rule easiest to break: what nobody can complete is owed by nobody, or no one could ever finish signing in (decision 24). The same
//! function decides that and tells the operator, so that the two cannot disagree.

use process::{Audience, FactKind, Process};

use crate::companion::auth_profile::AuthProfile;
use crate::diagnostic::{Diagnostic, Severity, suggestion};
use crate::project::Project;
use crate::source::Location;

/// The file.
const FILE: &str = "conf/auth.profile.json";

/// Why a listed process counts as done for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// There is no such process.
    Missing,
    /// There is, and it is not served.
    Broken,
    /// It is switched off in `ui-configuration.json`.
    SwitchedOff,
    /// It asks whom it is about: the stage that does, and where it stands.
    AsksWho(&'static str, String),
    /// None of its stages works on the signed-in person.
    Impersonal,
    /// It is for administrators.
    Closed,
}

impl Unfit {
    /// Why nobody could ever complete a listed process that is served as `process`; `None` for one that can be owed.
    #[must_use]
    pub fn of<S: Send + Sync + 'static>(project: &Project, name: &str, process: Option<&Process<S>>) -> Option<Self> {
        let file = project.process(name);
        let Some(process) = process else { return Some(if file.is_some() { Self::Broken } else { Self::Missing }) };
        if file.is_some_and(|file| file.switched_off) {
            return Some(Self::SwitchedOff);
        }
        if process.options.audience == Some(Audience::Admin) {
            return Some(Self::Closed);
        }
        if process.binds_session() {
            return None;
        }
        let who = [FactKind::Named, FactKind::NewUser, FactKind::Created];
        let asks = process.stages.iter().find(|placed| who.iter().any(|kind| placed.facts.gives.contains(kind)));
        Some(asks.map_or(Self::Impersonal, |placed| Self::AsksWho(placed.stage.name(), placed.pointer.clone())))
    }

    fn diagnostic(&self, project: &Project, name: &str, at: Location, broken: bool) -> Diagnostic {
        let file = format!("conf/selfservice-{name}.json");
        let off = "or take it off the list";
        let (severity, rule, message, help) = match self {
            Self::Missing if broken => {
                return Self::Broken.diagnostic(project, name, at, false);
            }
            Self::Missing if project.sources.contains_key(&file) => (
                Severity::Warning,
                "profile-process-missing",
                format!("{file} has no 'stageConfigs', so there is no process '{name}'; it counts as done"),
                format!("write its stages, {off}"),
            ),
            Self::Missing => {
                let near = suggestion(name, project.processes.iter().map(|process| process.name.as_str()));
                let message = format!("there is no process '{name}'; it counts as done");
                (Severity::Hint, "profile-process-missing", message, near.unwrap_or_else(|| format!("write {file}, {off}")))
            }
            Self::Broken => (
                Severity::Warning,
                "profile-process-broken",
                format!("the process '{name}' has errors and is not served, so nobody owes it"),
                format!("mend {file}; what is wrong with it is said there"),
            ),
            Self::SwitchedOff => (
                Severity::Warning,
                "profile-process-switched-off",
                format!("the process '{name}' is switched off in conf/ui-configuration.json; it counts as done, because nobody may use it"),
                format!("switch it on, {off}"),
            ),
            Self::AsksWho(stage, pointer) => (
                Severity::Warning,
                "profile-process-not-personal",
                format!(
                    "the process '{name}' asks whom it is about ('{stage}' at {pointer} of {file}), so it is not the signed-in person's to complete; it counts as done"
                ),
                format!("take '{stage}' out of it, because the session says who it is; {off}"),
            ),
            Self::Impersonal => (
                Severity::Warning,
                "profile-process-not-personal",
                format!("no stage of the process '{name}' works on the signed-in person, so nobody can owe it; it counts as done"),
                format!("put its stages into 'conditionaluser', {off}"),
            ),
            Self::Closed => (
                Severity::Warning,
                "profile-process-closed",
                format!("the audience of the process '{name}' is 'admin', which keeps everybody out who would owe it; it counts as done"),
                format!("say \"vestibule\": {{\"audience\": \"user\"}} in {file}, {off}"),
            ),
        };
        Diagnostic::new(severity, rule, at, message).with_help(help)
    }
}

/// Says of every listed process that nobody can complete why that is so, at its place in the list. `process` finds what a process was
/// compiled to.
#[must_use]
pub fn check<'p, S: Send + Sync + 'static>(
    project: &Project,
    found: &[Diagnostic],
    process: impl Fn(&str) -> Option<&'p Process<S>>,
) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    for (index, path) in project.auth_profile.processes.iter().enumerate() {
        let name = AuthProfile::process_name(path);
        let Some(unfit) = Unfit::of(project, name, process(name)) else { continue };
        let file = format!("conf/selfservice-{name}.json");
        let broken = found.iter().any(|found| found.is_error() && found.location.file == file);
        let at = project.locate(FILE, &format!("/profileEnhancementProcesses/{index}"));
        said.push(unfit.diagnostic(project, name, at, broken));
    }
    said
}
