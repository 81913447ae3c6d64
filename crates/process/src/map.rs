//! A compiled process as a picture of what runs: read from the same [`Process`] that serves, so that no picture differs from it.
//!
//! Easiest to break: whatever a stage holds inside itself, a branch or a part of a form, belongs on the map. A stage that forgets to name
//! them ([`Stage::branches`](crate::Stage::branches)) makes the map lie.

mod compare;
mod findings;
mod layout;
mod mermaid;
mod svg;

pub use findings::MapFinding;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Disclosure, FactKind, Need, Placed, Process, Severity, StageFacts};

/// A process, drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessMap {
    /// Its name, as in the path.
    pub process: String,
    /// Version of the definition: a hash of its content.
    pub version: String,
    /// Whether it tells which accounts exist.
    pub disclosure: Disclosure,
    /// Whether it belongs to a signed-in person from its beginning.
    pub wants_session: bool,
    /// Seconds that a token of it is good for.
    pub token_seconds: i64,
    /// What became of the process itself since the map that this one was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<MapChange>,
    /// What is otherwise beside its steps since then, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// What was found wrong with it and belongs to none of its steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<MapFinding>,
    /// Its steps in order.
    pub steps: Vec<MapStep>,
    /// What its file says beside its stages, by which two maps are compared.
    #[serde(skip)]
    pub(crate) settings: Map<String, Value>,
}

/// One stage in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MapStep {
    /// The type's name, as in the file.
    pub stage: String,
    /// The `type` in answers, where it is another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown_as: Option<String>,
    /// JSON Pointer into the file.
    pub pointer: String,
    /// What it asks for: tags of the protocol, in order; none for a stage that asks nothing.
    pub tags: Vec<&'static str>,
    /// Kinds of facts of which one of each list must have been earned.
    pub needs: Vec<&'static [FactKind]>,
    /// Kinds of facts that are earned when it is through.
    pub gives: Vec<FactKind>,
    /// Kinds of facts that are earned on some of its paths only.
    pub may_give: Vec<FactKind>,
    /// It sends mail.
    pub mails: bool,
    /// What it writes about a person, a word or two each.
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub writes: &'static [&'static str],
    /// It changes a credential.
    pub changes_credential: bool,
    /// It tells its caller something about an account by design.
    pub discloses: bool,
    /// What the stages before it wrote is committed before it runs.
    pub after_commit: bool,
    /// Its branches, for a stage that goes one way or another. A branch without steps asks nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<MapBranch>,
    /// The stages whose questions it puts into one form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<&'static str>,
    /// What became of it since the map that this one was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<MapChange>,
    /// What else is to be read at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What was found wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<MapFinding>,
    /// Its configuration, by which two maps are compared.
    #[serde(skip)]
    pub(crate) configuration: Value,
}

/// A way through a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MapBranch {
    /// The key of the file: `onConditionTrue`.
    pub name: String,
    /// When it is taken, as the file says it.
    pub when: String,
    /// What is asked on it.
    pub steps: Vec<MapStep>,
}

/// How a step differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MapChange {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It is configured in another way.
    Changed,
}

impl MapChange {
    /// The word for it, also the class that it is drawn with.
    fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

impl ProcessMap {
    /// The map of a process.
    #[must_use]
    pub fn of<S: Send + Sync + 'static>(process: &Process<S>) -> Self {
        let file = process.source.get("file").cloned().unwrap_or_default();
        Self {
            process: process.name.clone(),
            version: process.version.to_string(),
            disclosure: process.disclosure(),
            wants_session: process.binds_session(),
            token_seconds: process.token.lifetime,
            change: None,
            changes: Vec::new(),
            findings: Vec::new(),
            steps: process.stages.iter().map(|placed| step(placed, &file)).collect(),
            settings: settings(&file),
        }
    }

    /// The step at a pointer into the file, in whatever branch it is.
    #[must_use]
    pub fn find(&self, pointer: &str) -> Option<&MapStep> {
        fn within<'s>(steps: &'s [MapStep], pointer: &str) -> Option<&'s MapStep> {
            steps.iter().find_map(|step| {
                let inside = || step.branches.iter().find_map(|branch| within(&branch.steps, pointer));
                if step.pointer == pointer { Some(step) } else { inside() }
            })
        }
        within(&self.steps, pointer)
    }

    /// Whether a submission may go from one step to another: to the next, or to none behind the last. Steps are counted from 0.
    #[must_use]
    pub fn leads(&self, from: usize, to: Option<usize>) -> bool {
        let behind = Some(from + 1).filter(|next| *next < self.steps.len());
        from < self.steps.len() && to == behind
    }
}

/// What a file says beside its stages. What was switched off with an underscore says nothing.
fn settings(file: &Value) -> Map<String, Value> {
    let members = file.as_object().into_iter().flatten();
    let says = |name: &str| name != "stageConfigs" && !crate::config::is_disabled(name);
    members.filter(|(name, value)| says(name) && !value.is_null()).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn step<S: Send + Sync + 'static>(placed: &Placed<S>, file: &Value) -> MapStep {
    let configuration = file.pointer(&placed.pointer).cloned().unwrap_or_default();
    let StageFacts { needs, gives, may_give, changes_credential, discloses, after_commit, .. } = placed.facts.clone();
    let stage = placed.stage.as_ref();
    let branches = stage.branches().into_iter().map(|(name, holds, inside)| MapBranch {
        name: name.to_owned(),
        when: when(&configuration, holds),
        steps: inside.map(|placed| step(placed, file)).into_iter().collect(),
    });
    MapStep {
        stage: stage.name().to_owned(),
        shown_as: Some(stage.shown_as().to_owned()).filter(|shown| shown != stage.name()),
        pointer: placed.pointer.clone(),
        tags: if stage.asks() { stage.tags().iter().map(|tag| tag.0).collect() } else { Vec::new() },
        needs: needs.iter().map(|need| need.any_of).collect(),
        gives,
        may_give,
        mails: stage.mails(),
        writes: stage.writes(),
        changes_credential,
        discloses,
        after_commit,
        branches: branches.collect(),
        parts: stage.parts(),
        change: None,
        note: None,
        findings: Vec::new(),
        configuration,
    }
}

/// The condition of a branch in the file's own words, on one line.
fn when(configuration: &Value, holds: bool) -> String {
    let condition = configuration.get("condition").unwrap_or(&Value::Null);
    let text = |key: &str| condition.get(key).and_then(Value::as_str);
    let kind = text("type").unwrap_or_default();
    let said = text("filter").or_else(|| text("source")).or_else(|| text("file")).map_or_else(
        || {
            let members = condition.as_object().into_iter().flatten().filter(|(name, _)| *name != "type");
            members.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
        },
        str::to_owned,
    );
    let said = format!("{kind} {said}");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if holds { said } else { format!("not: {said}") }
}

impl ProcessMap {
    /// What is to be read where it begins.
    fn begins(&self) -> Vec<String> {
        let change = self.change.filter(|change| *change != MapChange::Changed).map(|change| format!(" ({})", change.word()));
        let mut lines = vec![format!("{} begins{}", self.process, change.unwrap_or_default())];
        lines.extend(self.changes.iter().cloned());
        lines
    }
}

impl MapStep {
    /// What it does beside asking, in a few words each.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        remarks.extend(self.needs.iter().map(|need| format!("needs {}", Need::any(need).phrase())));
        remarks.extend(self.gives.iter().map(|kind| format!("gives {}", kind.phrase())));
        remarks.extend(self.may_give.iter().map(|kind| format!("may give {}", kind.phrase())));
        remarks.extend((!self.writes.is_empty()).then(|| format!("writes {}", self.writes.join(", "))));
        for (does, said) in [
            (self.mails, "sends mail"),
            (self.changes_credential, "changes a credential"),
            (self.discloses, "tells about an account"),
            (self.after_commit, "after a commit"),
        ] {
            remarks.extend(does.then(|| said.to_owned()));
        }
        if !self.parts.is_empty() {
            remarks.push(format!("one form of {}", self.parts.join(", ")));
        }
        remarks.extend(self.note.clone());
        remarks
    }

    /// The name, with the tags that follow the first one.
    fn title(&self) -> String {
        let more: Vec<&str> = self.tags.iter().skip(1).copied().collect();
        let name = self.shown_as.as_deref().unwrap_or(&self.stage);
        if more.is_empty() { name.to_owned() } else { format!("{name} ({})", more.join(", ")) }
    }
}
