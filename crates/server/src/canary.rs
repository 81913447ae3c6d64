//! Next definitions of processes, compiled beside the present ones as every definition is.
//!
//! Easiest to break: what is decided by the present definition before anybody is drawn (who may begin, whether accounts are made) must be right
//! for the next one, too.

use std::collections::HashMap;
use std::sync::Arc;

use accounts::Trial;
use process::{CanaryOptions, CanaryOutcome, CanaryPair, Catalogue, Companions, FactKind, KeptCanary, Process, Version};
use project::{Diagnostic, Project, Severity};
use stages::Services;

/// A next definition, compiled beside the present one.
pub(crate) struct Canary {
    pub(crate) process: String,
    options: CanaryOptions,
    /// The version of the present one; nothing where that is not served.
    present: Option<Version>,
    /// Nothing where it cannot be tried.
    pub(crate) next: Option<Process<Services>>,
    /// Its version, where it was refuted.
    pub(crate) refuted: Option<Version>,
    /// It was promoted: it stands in the place of the present one.
    promoted: Option<CanaryPair>,
}

/// Compiles the next definitions of a project.
pub(crate) fn compile(
    project: &Project,
    companions: &Companions,
    catalogue: &Catalogue<Services>,
    processes: &[(String, Option<Process<Services>>)],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Canary> {
    let mut canaries = Vec::new();
    for file in &project.processes {
        let Some(canary) = &file.canary else { continue };
        let present = processes.iter().find(|(name, _)| *name == file.name).and_then(|(_, process)| process.as_ref());
        let mut next = None;
        if let Some(file) = &canary.next {
            let (compiled, found) = file.compile(companions, catalogue);
            diagnostics.extend(found);
            next = compiled.filter(|next| {
                let fault = present.and_then(|present| differs(present, next));
                diagnostics.extend(fault.map(|message| {
                    let location = file.file.locate("/stageConfigs");
                    Diagnostic::new(Severity::Error, "canary-differs", location, message)
                        .with_help("change what follows on it, or make it a process")
                }));
                fault.is_none()
            });
        }
        canaries.push(Canary {
            process: file.name.clone(),
            options: canary.options.clone(),
            present: present.map(|present| present.version.clone()),
            next,
            refuted: None,
            promoted: None,
        });
    }
    canaries
}

/// What is decided by the present definition before anybody is drawn, and would be wrong for the next one.
fn differs(present: &Process<Services>, next: &Process<Services>) -> Option<&'static str> {
    let makes = |process: &Process<Services>| process.stages.iter().any(|placed| placed.facts.gives.contains(&FactKind::Created));
    if present.binds_session() != next.binds_session() {
        return Some("one of both definitions works on whoever is signed in, and the other does not");
    }
    (makes(present) != makes(next)).then_some("one of both definitions makes accounts, and the other does not")
}

impl Canary {
    /// Its file in the project.
    pub(crate) fn file(&self) -> String {
        file_of(&self.options)
    }

    /// Tries it on nobody: it was refuted.
    pub(crate) fn refuse(&mut self) {
        self.refuted = self.next.take().map(|next| next.version);
    }

    fn pair(&self) -> Option<CanaryPair> {
        let next = self.next.as_ref()?.version.clone();
        Some(CanaryPair { process: self.process.clone(), present: self.present.clone()?, next })
    }

    /// As it is served beside these processes.
    pub(crate) fn join(self, processes: &HashMap<String, Arc<Process<Services>>>) -> (String, Trial) {
        let serves = |version: &Version| processes.get(&self.process).is_some_and(|present| present.version == *version);
        let (pair, next) = match (&self.promoted, self.pair()) {
            (Some(pair), _) if serves(&pair.next) => (Some(pair.clone()), None),
            // A file that broke keeps its last good definition, and nothing is tried beside that.
            (None, Some(pair)) if serves(&pair.present) => (Some(pair), self.next),
            _ => (None, None),
        };
        (self.process, Trial { options: self.options, pair, next: next.map(Arc::new) })
    }
}

/// Puts definitions that were promoted in the places of the present ones.
pub(crate) fn promote(canaries: &mut [Canary], processes: &mut [(String, Option<Process<Services>>)], kept: &[KeptCanary]) {
    for canary in canaries {
        let Some(pair) = canary.pair() else { continue };
        if kept.iter().any(|kept| kept.pair == pair && kept.outcome == Some(CanaryOutcome::Promoted))
            && let Some((_, process)) = processes.iter_mut().find(|(name, _)| *name == canary.process)
        {
            *process = canary.next.take();
            canary.promoted = Some(pair);
        }
    }
}

/// The file of a next definition in the project.
pub(crate) fn file_of(options: &CanaryOptions) -> String {
    format!("conf/{}", options.file)
}
