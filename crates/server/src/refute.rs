//! What is refuted when a project is loaded: a process that somebody gets through without the proofs that `[prove]` asks for is not served, whatever its
//! stages declare.
//!
//! What a person's open session alone is enough for is their own doing as far as a project from elsewhere knows: there it is said, and refused where
//! `[prove] at_load` says so. The rule easiest to break: an exploration that was cut off refutes nothing, and proves nothing either. It is said, and the process is served.

use std::sync::Arc;

use jose::KeyRing;
use project::{AtLoad, Diagnostic, Proofs, Severity};
use rehearsal::prove::{Attack, Cut, Finding, NoKeys, Prover};
use rehearsal::{Ground, Setting, in_parallel};
use tracing::subscriber::{NoSubscriber, with_default};

use crate::runtime::{Material, Source};

impl Material {
    /// Tries what an attacker can submit to each process, as far as a start can afford. `keys` are a pair that is there already.
    ///
    /// # Errors
    /// When there are no keys.
    pub(crate) fn refute(&mut self, source: &Source, keys: Option<Arc<KeyRing>>) -> Result<(), NoKeys> {
        let at_load = self.project.settings.prove.at_load;
        if at_load == AtLoad::Off || self.processes.iter().all(|(_, process)| process.is_none()) {
            return Ok(());
        }
        let setting: Setting = self.setting(source);
        let prover = match keys {
            Some(keys) => Prover::on(setting, Ground::with(keys)),
            None => Prover::new(setting)?,
        };
        let names: Vec<String> = self.processes.iter().filter(|(_, process)| process.is_some()).map(|(name, _)| name.clone()).collect();
        // What stages say on the way is about nobody, and no line for an operator.
        let unheard = |name: &String| with_default(NoSubscriber::default(), || prover.refute(name));
        for finding in in_parallel(&names, unheard) {
            if let Some(finding) = finding? {
                self.judge(&finding, at_load);
            }
        }
        Ok(())
    }

    fn judge(&mut self, finding: &Finding, at_load: AtLoad) {
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
            return;
        };
        let refuses = match at_load {
            AtLoad::Outsiders => !attack.has.contains(Proofs::SESSION),
            AtLoad::Refuse => true,
            AtLoad::Warn | AtLoad::Off => false,
        };
        let severity = if refuses { Severity::Error } else { Severity::Warning };
        let location = self.project.locate(&format!("conf/selfservice-{}.json", finding.process), "/stageConfigs");
        let help = format!("'vestibule prove {}' shows a script, and what closes it; [prove] says which proofs are asked", finding.process);
        self.diagnostics.push(Diagnostic::new(severity, "refuted", location, told(attack)).with_help(help));
        if refuses {
            for (_, process) in self.processes.iter_mut().filter(|(name, _)| *name == finding.process) {
                self.refuted.extend(process.take().map(|process| (finding.process.clone(), process.version)));
            }
        }
    }
}

/// An attack in a sentence.
fn told(attack: &Attack) -> String {
    let steps: Vec<String> =
        attack.steps.iter().enumerate().map(|(number, step)| format!("{}. {} ({})", number + 1, step.input, step.answer)).collect();
    format!("somebody with {} has {} of {}: {}", attack.has, attack.goal, attack.shape, steps.join(", "))
}
