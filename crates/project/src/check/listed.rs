//! The processes that `auth.profile.json` lists, and why somebody could never complete one of them.
//!
//! The rule easiest to break: a process that nobody can complete counts as completed, or nobody could finish signing in (decision 24). The same
//! function decides that and tells the operator, so that the two cannot disagree.

use identity::PEOPLE;
use process::{Audience, FactKind, Process};
use serde_json::Value;

use crate::access::{AccessRule, Condition};
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
    /// It has the name of a resource, which answers in its place.
    Taken,
    /// The access rules let nobody use it who has not completed it already.
    Forbidden,
    /// It mails a code, and there is no mail service.
    NoMail(&'static str, String),
    /// It wants an answer that nobody may give: the property, and where it is asked for.
    Unanswerable(String, String),
}

/// Resources below `selfservice` that a process of the same name would stand behind.
pub const TAKEN: [&str; 2] = ["kba", "terms"];
/// Where a role is withheld that the file does not name.
const AUTHORIZED: &str = "internal/role/openidm-authorized";

impl Unfit {
    /// Why nobody could ever complete a listed process that is served as `process`; `None` for one that can be due.
    #[must_use]
    pub fn of<S: Send + Sync + 'static>(project: &Project, mail: bool, name: &str, process: Option<&Process<S>>) -> Option<Self> {
        let file = project.process(name);
        if TAKEN.contains(&name) && file.is_some() {
            return Some(Self::Taken);
        }
        let Some(process) = process else { return Some(if file.is_some() { Self::Broken } else { Self::Missing }) };
        if file.is_some_and(|file| file.switched_off) {
            return Some(Self::SwitchedOff);
        }
        if process.options.audience == Some(Audience::Admin) {
            return Some(Self::Closed);
        }
        if process.binds_session() {
            return Self::of_personal(project, mail, name, process);
        }
        let who = [FactKind::Named, FactKind::NewUser, FactKind::Created];
        let asks = process.stages.iter().find(|placed| who.iter().any(|kind| placed.facts.gives.contains(kind)));
        Some(asks.map_or(Self::Impersonal, |placed| Self::AsksWho(placed.stage.name(), placed.pointer.clone())))
    }

    /// What keeps people from completing a process that works on them.
    fn of_personal<S: Send + Sync + 'static>(project: &Project, mail: bool, name: &str, process: &Process<S>) -> Option<Self> {
        if !may_be_used(project, name, process.options.audience.is_some()) {
            return Some(Self::Forbidden);
        }
        let mails = |placed: &&process::Placed<S>| {
            placed.facts.gives.contains(&FactKind::ControlsMail) || placed.facts.may_give.contains(&FactKind::ControlsMail)
        };
        if let Some(placed) = process.stages.iter().find(mails).filter(|_| !mail) {
            return Some(Self::NoMail(placed.stage.name(), placed.pointer.clone()));
        }
        unanswerable(project, name).map(|(property, pointer)| Self::Unanswerable(property, pointer))
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
                format!("the process '{name}' has errors and is not served, so it counts as done"),
                format!("correct {file}; its errors are reported there"),
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
                    "the process '{name}' asks whom it is about ('{stage}' at {pointer} of {file}), so the signed-in person cannot complete it; it counts as done"
                ),
                format!("take '{stage}' out of it, because the session says who it is; {off}"),
            ),
            Self::Impersonal => (
                Severity::Warning,
                "profile-process-not-personal",
                format!("no stage of the process '{name}' works on the signed-in person, so it can never be due; it counts as done"),
                format!("put its stages into 'conditionaluser', {off}"),
            ),
            Self::Closed => (
                Severity::Warning,
                "profile-process-closed",
                format!("the audience of the process '{name}' is 'admin', so the people it is for may not use it; it counts as done"),
                format!("say \"vestibule\": {{\"audience\": \"user\"}} in {file}, {off}"),
            ),
            Self::Taken => (
                Severity::Warning,
                "profile-process-taken",
                format!(
                    "'selfservice/{name}' is a resource of its own and not the process '{name}', which nobody can reach; it counts as done"
                ),
                format!("rename {file}, {off}"),
            ),
            Self::Forbidden => (
                Severity::Warning,
                "profile-process-forbidden",
                format!("the access rules let nobody use the process '{name}' who has not completed it already; it counts as done"),
                format!("let everybody read 'selfservice/{name}' and do 'submitRequirements', {off}"),
            ),
            Self::NoMail(stage, pointer) => (
                Severity::Warning,
                "profile-process-without-mail",
                format!(
                    "the process '{name}' mails a code ('{stage}' at {pointer} of {file}), and no mail service is configured, so nobody can complete it; it counts as done"
                ),
                format!("configure one in conf/external.email.json, {off}"),
            ),
            Self::Unanswerable(property, pointer) => (
                Severity::Warning,
                "profile-process-unanswerable",
                format!(
                    "the process '{name}' wants an answer for '{property}' (at {pointer} of {file}), which people may not edit; it counts as done"
                ),
                format!("make '{property}' 'userEditable', do not require it, {off}"),
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
    mail: bool,
    found: &[Diagnostic],
    process: impl Fn(&str) -> Option<&'p Process<S>>,
) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    for (index, path) in project.auth_profile.processes.iter().enumerate() {
        let name = AuthProfile::process_name(path);
        let Some(unfit) = Unfit::of(project, mail, name, process(name)) else { continue };
        let file = format!("conf/selfservice-{name}.json");
        let broken = found.iter().any(|found| found.is_error() && found.location.file == file);
        let at = project.locate(FILE, &format!("/profileEnhancementProcesses/{index}"));
        said.push(unfit.diagnostic(project, name, at, broken));
    }
    said
}

/// Whether a rule lets somebody use a process of theirs while the role is withheld, where the rules decide about it. Conditions that look at
/// the request are left to the request.
fn may_be_used(project: &Project, name: &str, has_audience: bool) -> bool {
    if !project.access.decide_about(name, has_audience) {
        return true;
    }
    let path = format!("selfservice/{name}");
    let withheld = project.auth_profile.authorization_role.as_deref().unwrap_or(AUTHORIZED);
    let leaf = |role: &str| role.rsplit('/').next().unwrap_or_default().to_owned();
    let rules = &project.access.rules;
    let naming: Vec<&AccessRule> = rules.iter().filter(|rule| rule.pattern != "*" && rule.covers_resource(&path)).collect();
    let reachable =
        |rule: &&&AccessRule| rule.roles.iter().any(|role| leaf(role) != leaf(withheld)) && !rule.conditions.contains(&Condition::Never);
    let allows = |method: &str, action: Option<&str>| naming.iter().filter(reachable).any(|rule| rule.covers_request(method, action));
    allows("read", None) && allows("action", Some("submitRequirements"))
}

/// The first required attribute of a form that people may not edit, and where it stands.
fn unanswerable(project: &Project, name: &str) -> Option<(String, String)> {
    let file = project.process(name)?;
    let forms = super::placed(file, &stages::catalogue()).into_iter().filter(|(_, name, _)| *name == "attributecollection");
    forms.into_iter().find_map(|(pointer, _, stage)| {
        let collection = stage.get("identityServiceUrl").and_then(Value::as_str).unwrap_or(PEOPLE).trim_matches('/');
        let schema = project.schemas.get(collection)?;
        let attributes = stage.get("attributes").and_then(Value::as_array)?;
        attributes.iter().enumerate().find_map(|(index, attribute)| {
            let required = attribute
                .get("isRequired")
                .is_some_and(|value| value == true || value.as_str().is_some_and(|text| text.trim().eq_ignore_ascii_case("true")));
            let top = attribute.get("name")?.as_str()?.trim().trim_start_matches('/').split('/').next()?;
            let closed = schema.property(top).is_some_and(|property| !property.user_editable);
            (required && closed).then(|| (top.to_owned(), format!("{pointer}/attributes/{index}/name")))
        })
    })
}
