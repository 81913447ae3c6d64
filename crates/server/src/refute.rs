//! What is refuted when a project is loaded: a process that somebody gets through without the proofs that `[prove]` asks for is not served, whatever its
//! stages declare.
//!
//! What a person's open session alone is enough for is their own doing as far as a project from elsewhere knows: there it is said, and refused where
//! `[prove] at_load` says so. The rule easiest to break: an exploration that was cut off refutes nothing, and proves nothing either. It is said, and the process is served.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use jose::KeyRing;
use project::{AtLoad, Diagnostic, Proofs, Severity};
use rehearsal::prove::{Attack, Cut, Finding, NoKeys, Prover};
use rehearsal::{Ground, Setting, in_parallel};
use tracing::subscriber::{NoSubscriber, with_default};

use crate::canary::Canary;
use crate::private_file;
use crate::runtime::{Material, Source};

/// In the data directory: what the last start read and had nothing to say of.
const PROVED: &str = "proved";

impl Material {
    /// [`Self::refute`] at a start, unless the last one of this build on this data directory read the same and found nothing to say. `mark` is that of what
    /// was read.
    ///
    /// # Errors
    /// As [`Self::refute`].
    pub(crate) fn refute_once(&mut self, source: &Source, keys: Arc<KeyRing>, data: &Path, mark: &str) -> Result<(), NoKeys> {
        let (place, mark) = (data.join(PROVED), build().map(|build| format!("{mark} {build}\n")));
        if mark.as_ref().is_some_and(|mark| fs::read_to_string(&place).is_ok_and(|kept| kept == *mark)) {
            return Ok(());
        }
        if self.refute(source, Some(keys))?
            && let Some(mark) = mark
            && let Err(error) = private_file::write(&place, mark.as_bytes())
        {
            tracing::debug!(path = %place.display(), %error, "the next start tries all processes again");
        }
        Ok(())
    }

    /// Tries what an attacker can submit to each process, as far as a start can afford; whether nothing had to be said. `keys` are a pair that is there
    /// already.
    ///
    /// # Errors
    /// When there are no keys.
    pub(crate) fn refute(&mut self, source: &Source, keys: Option<Arc<KeyRing>>) -> Result<bool, NoKeys> {
        let at_load = self.project.settings.prove.at_load;
        if at_load == AtLoad::Off || self.processes.iter().all(|(_, process)| process.is_none()) {
            return Ok(false);
        }
        let setting: Setting = self.setting(source);
        let prover = match keys {
            Some(keys) => Prover::on(setting, Ground::with(keys)),
            None => Prover::new(setting)?,
        };
        let names: Vec<String> = self.processes.iter().filter(|(_, process)| process.is_some()).map(|(name, _)| name.clone()).collect();
        // What stages say on the way is about nobody, and no line for an operator.
        let unheard = |name: &String| with_default(NoSubscriber::default(), || prover.refute(name));
        let mut is_silent = true;
        for finding in in_parallel(&names, unheard) {
            if let Some(finding) = finding? {
                is_silent &= finding.attacks.is_empty() && finding.cut_off.is_empty();
                if self.judge(&finding, None, at_load) {
                    for (_, process) in self.processes.iter_mut().filter(|(name, _)| *name == finding.process) {
                        self.refuted.extend(process.take().map(|process| (finding.process.clone(), process.version)));
                    }
                }
            }
        }
        Ok(self.refute_next(&prover, at_load)? && is_silent)
    }

    /// The same for the next definitions that are tried beside present ones. What is refuted is tried on nobody, and neither is what nothing is proved
    /// about: it can wait, as a present definition cannot.
    fn refute_next(&mut self, prover: &Prover, at_load: AtLoad) -> Result<bool, NoKeys> {
        let names: Vec<String> = self.canaries.iter().filter(|canary| canary.next.is_some()).map(|canary| canary.process.clone()).collect();
        if names.is_empty() {
            return Ok(true);
        }
        let prover = prover.with_next();
        let unheard = |name: &String| with_default(NoSubscriber::default(), || prover.refute_further(name));
        let mut is_silent = true;
        for finding in in_parallel(&names, unheard) {
            let Some(finding) = finding? else { continue };
            is_silent &= finding.attacks.is_empty() && finding.cut_off.is_empty();
            let Some(place) = self.canaries.iter().position(|canary| canary.process == finding.process) else { continue };
            let file = self.canaries.get(place).map(Canary::file);
            if finding.attacks.is_empty() && !finding.cut_off.is_empty() {
                self.unproved(&finding, file.as_deref().unwrap_or_default());
                // Whoever is in the middle of it goes on: it was not refuted.
                if let Some(canary) = self.canaries.get_mut(place).filter(|_| at_load != AtLoad::Warn) {
                    canary.next = None;
                }
                continue;
            }
            if self.judge(&finding, file.as_deref(), at_load)
                && let Some(canary) = self.canaries.get_mut(place)
            {
                canary.refuse();
            }
        }
        Ok(is_silent)
    }

    /// Says that nothing is proved about a next definition.
    fn unproved(&mut self, finding: &Finding, file: &str) {
        let why = finding.cut_off.iter().map(Cut::to_string).collect::<Vec<_>>().join("; ");
        let message = format!("nothing is proved about this next definition of '{}', so nobody begins on it: {why}", finding.process);
        let help = format!(
            "put it in the place of the present one in a copy of the project, where 'vestibule prove {}' says more",
            finding.process
        );
        let location = self.project.locate(file, "/stageConfigs");
        self.diagnostics.push(Diagnostic::new(Severity::Warning, "canary-unproved", location, message).with_help(help));
    }

    /// Says what was found; whether it refuses. `next` is the file of a next definition.
    fn judge(&mut self, finding: &Finding, next: Option<&str>, at_load: AtLoad) -> bool {
        // One that needs no open session is the worse one.
        let Some(attack) = finding.attacks.iter().min_by_key(|attack| attack.has.contains(Proofs::SESSION)) else {
            if !finding.cut_off.is_empty() {
                let why = finding.cut_off.iter().map(Cut::to_string).collect::<Vec<_>>().join("; ");
                tracing::info!(
                    process.name = finding.process,
                    "nothing is proved about '{}' at load, and it is served: {why}; 'vestibule prove {}' goes on",
                    finding.process,
                    finding.process
                );
            }
            return false;
        };
        let refuses = match at_load {
            AtLoad::Outsiders => !attack.has.contains(Proofs::SESSION),
            AtLoad::Refuse => true,
            AtLoad::Warn | AtLoad::Off => false,
        };
        let severity = if refuses { Severity::Error } else { Severity::Warning };
        let present = format!("conf/selfservice-{}.json", finding.process);
        let location = self.project.locate(next.unwrap_or(&present), "/stageConfigs");
        let help = format!("'vestibule prove {}' shows a script, and what closes it; [prove] says which proofs are asked", finding.process);
        self.diagnostics.push(Diagnostic::new(severity, "refuted", location, told(attack)).with_help(help));
        refuses
    }
}

/// Which program this is: another build may know another attack. Nothing where the system does not say.
fn build() -> Option<String> {
    let program = fs::metadata(std::env::current_exe().ok()?).ok()?;
    let written = program.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {}", program.len(), written.as_nanos()))
}

/// An attack in a sentence.
fn told(attack: &Attack) -> String {
    let steps: Vec<String> =
        attack.steps.iter().enumerate().map(|(number, step)| format!("{}. {} ({})", number + 1, step.input, step.answer)).collect();
    format!("somebody with {} has {} of {}: {}", attack.has, attack.goal, attack.shape, steps.join(", "))
}
