//! What was found wrong with a process, at the steps that it is about.

use crest::Severity;
use serde::Serialize;

use super::{MapStep, ProcessMap};

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MapFinding {
    /// How bad it is: `error`, `warning` or `hint`.
    #[serde(serialize_with = "in_a_word")]
    pub severity: Severity,
    /// The code of its rule.
    pub rule: String,
    /// What is wrong.
    pub message: String,
    /// Where the rule is explained; empty for nowhere.
    #[serde(skip)]
    pub explained: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn in_a_word<S: serde::Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word(*severity))
}

pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    }
}

impl MapFinding {
    /// `warning: unknown-key`.
    pub(super) fn said(&self) -> String {
        format!("{}: {}", word(self.severity), self.rule)
    }
}

impl ProcessMap {
    /// Marks the innermost step around a place of the file, a JSON pointer; the beginning where no step is around it. Says which step of the
    /// first level that is.
    pub fn mark(&mut self, pointer: &str, finding: MapFinding) -> Option<usize> {
        let top = self.steps.iter().position(|step| holds(step, pointer));
        match top.and_then(|index| self.steps.get_mut(index)) {
            Some(step) => put(step, pointer, finding),
            None => self.findings.push(finding),
        }
        top
    }
}

/// Whether a place is within a step.
fn holds(step: &MapStep, pointer: &str) -> bool {
    pointer.strip_prefix(step.pointer.as_str()).is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

fn put(step: &mut MapStep, pointer: &str, finding: MapFinding) {
    let inner = step.branches.iter_mut().flat_map(|branch| branch.steps.iter_mut()).find(|inner| holds(inner, pointer));
    match inner {
        Some(inner) => put(inner, pointer, finding),
        None => step.findings.push(finding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::MapBranch;

    fn step(pointer: &str, branches: Vec<MapBranch>) -> MapStep {
        MapStep {
            stage: "kba".into(),
            shown_as: None,
            pointer: pointer.into(),
            tags: Vec::new(),
            needs: Vec::new(),
            gives: Vec::new(),
            may_give: Vec::new(),
            mails: false,
            writes: &[],
            changes_credential: false,
            discloses: false,
            after_commit: false,
            branches,
            parts: Vec::new(),
            change: None,
            note: None,
            findings: Vec::new(),
            configuration: serde_json::Value::Null,
        }
    }

    fn map() -> ProcessMap {
        let inside = step("/stageConfigs/1/onConditionTrue", Vec::new());
        let branch = MapBranch { name: "onConditionTrue".into(), when: "x".into(), steps: vec![inside] };
        ProcessMap {
            process: "reset".into(),
            version: "v".into(),
            disclosure: crate::Disclosure::default(),
            wants_session: false,
            token_seconds: 1,
            change: None,
            changes: Vec::new(),
            settings: serde_json::Map::new(),
            findings: Vec::new(),
            steps: vec![step("/stageConfigs/0", Vec::new()), step("/stageConfigs/1", vec![branch]), step("/stageConfigs/10", Vec::new())],
        }
    }

    fn finding(severity: Severity, rule: &str) -> MapFinding {
        MapFinding { severity, rule: rule.into(), message: "a <message>".into(), explained: "/explained?a=1&b=2".into() }
    }

    #[test]
    fn a_finding_is_at_the_innermost_step_around_its_place() {
        let mut map = map();
        let mut mark = |pointer: &str| map.mark(pointer, finding(Severity::Warning, pointer));
        assert_eq!(mark("/stageConfigs/0/name"), Some(0));
        assert_eq!(mark("/stageConfigs/10"), Some(2));
        assert_eq!(mark("/stageConfigs/1/condition"), Some(1));
        assert_eq!(mark("/stageConfigs/1/onConditionTrue/x"), Some(1));
        assert_eq!((mark("/snapshotToken"), mark("")), (None, None));
        let rules = |found: &[MapFinding]| found.iter().map(|found| found.rule.clone()).collect::<Vec<_>>();
        assert_eq!(rules(&map.steps[0].findings), ["/stageConfigs/0/name"]);
        assert_eq!(rules(&map.steps[1].findings), ["/stageConfigs/1/condition"]);
        assert_eq!(rules(&map.steps[1].branches[0].steps[0].findings), ["/stageConfigs/1/onConditionTrue/x"]);
        assert_eq!(rules(&map.steps[2].findings), ["/stageConfigs/10"]);
        assert_eq!(rules(&map.findings), ["/snapshotToken", ""]);
    }

    #[test]
    fn a_finding_is_drawn_with_its_shape_its_words_and_where_it_is_explained() {
        let mut map = map();
        assert!(!map.svg().contains("<a "));
        for (severity, rule) in [(Severity::Error, "one"), (Severity::Warning, "two"), (Severity::Hint, "three")] {
            map.mark("/stageConfigs/0", finding(severity, rule));
        }
        map.mark("", finding(Severity::Hint, "four"));
        let svg = map.svg();
        for said in ["error: one", "warning: two", "hint: three", "hint: four"] {
            assert!(svg.contains(&format!(">{said}</text>")), "{said}: {svg}");
        }
        let shape = |word: &str| {
            let path = svg.split(&format!("class=\"shape {word}\" d=\"M")).nth(1).unwrap().split('"').next().unwrap();
            path.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ' ').to_owned()
        };
        let shapes: std::collections::BTreeSet<String> = ["error", "warning", "hint"].into_iter().map(shape).collect();
        assert_eq!(shapes.len(), 3, "a severity is told without its colour: {shapes:?}");
        assert!(svg.contains("<a href=\"/explained?a=1&amp;b=2\"><title>a &lt;message&gt;</title>"));
        assert!(svg.contains("warning: two"), "in words too");
        let value = serde_json::to_value(&map).unwrap();
        assert_eq!(value["steps"][0]["findings"][1], serde_json::json!({"severity": "warning", "rule": "two", "message": "a <message>"}));
        assert_eq!(value["steps"][1].get("findings"), None);
    }
}
