//! From a process file to a [`Process`], or to the list of everything that is wrong with it. Compiling never stops at the first
//! finding: an operator mends a file in one go.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use crate::catalogue::Catalogue;
use crate::compiling::{Compiling, NOT_OFFERED};
use crate::version::version_of;
use crate::{Companions, FactKind, Issue, Joined, Need, Options, Placed, Process, Severity, StageFacts, TokenSettings, config, proof};

/// Seconds for which a mailed code is good at most.
const DAY: i64 = 86_400;
/// Most stages of a process. A person is through with a handful; what many stages earn travels in every token.
const MOST_STAGES: usize = 100;

/// What became of a process file.
pub struct Compiled<S> {
    /// The process; `None` when an issue is an error, or when it has a stage that is not offered.
    pub process: Option<Process<S>>,
    /// Everything there is to say.
    pub issues: Vec<Issue>,
}

/// Top-level keys of a process file.
const TOP_LEVEL: [&str; 5] = ["stageConfigs", "snapshotToken", "storage", "allInOneRegistration", "vestibule"];

/// Compiles a process file.
#[must_use]
pub fn compile<S: Send + Sync + 'static>(name: &str, file: &Value, companions: &Companions, catalogue: &Catalogue<S>) -> Compiled<S> {
    let mut issues = Vec::new();
    let Value::Object(members) = file else {
        return Compiled { process: None, issues: vec![Issue::error("", "wrong-type", "a process file holds an object")] };
    };
    for key in members.keys().filter(|key| !TOP_LEVEL.contains(&key.as_str()) && !config::is_disabled(key)) {
        issues.push(config::unknown_key("", key, TOP_LEVEL));
    }
    let options: Options = match members.get("vestibule") {
        None | Some(Value::Null) => Options::default(),
        Some(value) => config::read("/vestibule", value).unwrap_or_else(|issue| {
            issues.push(issue);
            Options::default()
        }),
    };
    let (token, token_issues) = TokenSettings::read(members, companions);
    issues.extend(token_issues);
    let mut used = vec!["jsonstore".to_owned()];
    let stages = compile_stages(members, companions, catalogue, &mut issues, &mut used);
    let prevents = |issue: &Issue| issue.severity == Severity::Error || issue.rule == NOT_OFFERED;
    if !issues.iter().any(prevents) {
        issues.extend(proof::check(&stages, &options, catalogue));
        let mails_codes = stages.iter().any(|placed| placed.facts.gives.contains(&FactKind::ControlsMail));
        if mails_codes && token.lifetime > DAY {
            let message = format!("tokens live {} seconds; a code that was mailed ends after a day all the same (SEC-08)", token.lifetime);
            issues.push(Issue::hint("/snapshotToken/tokenExpiry", "code-ends-first", message));
        }
    }
    let failed = issues.iter().any(prevents);
    let process = (!failed).then(|| {
        let used: BTreeMap<String, Value> =
            used.iter().filter_map(|name| companions.0.get(name).map(|value| (name.clone(), value.clone()))).collect();
        let source = Process::<S>::pack(file, &used);
        let version = version_of(name, &source);
        let path = stages.iter().map(|placed| placed.stage.name()).collect::<Vec<_>>().join(",").into();
        Process { name: name.to_owned(), version, stages, token, options, source, path, initial: OnceLock::new() }
    });
    Compiled { process, issues }
}

fn compile_stages<S: Send + Sync + 'static>(
    members: &Map<String, Value>,
    companions: &Companions,
    catalogue: &Catalogue<S>,
    issues: &mut Vec<Issue>,
    used: &mut Vec<String>,
) -> Vec<Placed<S>> {
    let configs = match members.get("stageConfigs") {
        Some(Value::Array(configs)) if configs.len() > MOST_STAGES => {
            let message = format!("the process has {} stages; at most {MOST_STAGES} are run", configs.len());
            let issue = Issue::error(format!("/stageConfigs/{MOST_STAGES}"), "too-many-stages", message);
            issues.push(issue.with_help("make several processes of it"));
            return Vec::new();
        }
        Some(Value::Array(configs)) if !configs.is_empty() => configs,
        Some(Value::Array(_)) => {
            issues.push(Issue::error("/stageConfigs", "no-stages", "the process has no stages"));
            return Vec::new();
        }
        Some(_) => {
            issues.push(Issue::error("/stageConfigs", "wrong-type", "stageConfigs is a list of stages"));
            return Vec::new();
        }
        None => {
            issues.push(Issue::error("", "missing-key", "missing key 'stageConfigs'"));
            return Vec::new();
        }
    };
    let mut stages: Vec<Placed<S>> = Vec::with_capacity(configs.len());
    let mut named = BTreeMap::new();
    for (index, value) in configs.iter().enumerate() {
        let pointer = format!("/stageConfigs/{index}");
        let mut cx = Compiling::new(catalogue, companions, pointer, named);
        match cx.stage(value) {
            Ok(placed) => stages.push(placed),
            Err(errors) => issues.extend(errors),
        }
        issues.append(&mut cx.issues);
        used.append(&mut cx.used);
        named = cx.named;
    }
    let all_in_one = members
        .get("allInOneRegistration")
        .is_some_and(|flag| flag == true || flag.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true")));
    let mut stages = if all_in_one { merge(stages, catalogue, issues) } else { stages };
    bind_to_session(&mut stages);
    stages
}

/// A stage that works on whoever is there needs the signed-in person where no stage before it brings another.
fn bind_to_session<S>(stages: &mut [Placed<S>]) {
    let brings = |facts: &StageFacts| [FactKind::Named, FactKind::NewUser, FactKind::Created].iter().any(|kind| facts.gives.contains(kind));
    let mut somebody = false;
    for placed in stages {
        let session = Need::any(&[FactKind::SignedIn]);
        if placed.facts.wants_session && !somebody && !placed.facts.needs.contains(&session) {
            placed.facts.needs.push(session);
        }
        somebody |= brings(&placed.facts);
    }
}

/// Joins the members of one form at the place of the first of them; the others keep their order.
fn merge<S: Send + Sync + 'static>(stages: Vec<Placed<S>>, catalogue: &Catalogue<S>, issues: &mut Vec<Issue>) -> Vec<Placed<S>> {
    let Some(merger) = catalogue.merger() else { return stages };
    let is_member = |placed: &Placed<S>| placed.stage.joined() != Joined::Never;
    if stages.iter().filter(|placed| is_member(placed)).count() < 2 {
        let message = "allInOneRegistration joins several stages into one form; with fewer than two of them it has no effect";
        let members: Vec<&str> = catalogue.joined().collect();
        issues.push(
            Issue::warning("/allInOneRegistration", "all-in-one-alone", message).with_help(format!("it joins {}", members.join(", "))),
        );
        return stages;
    }
    let place = stages.iter().position(is_member).unwrap_or_default();
    let (joined, mut rest): (Vec<_>, Vec<_>) = stages.into_iter().partition(is_member);
    rest.insert(place, (merger.merge)(joined));
    rest
}
