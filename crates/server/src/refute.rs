//! What is refuted when a project is loaded: a process that somebody gets through without the proofs that `[prove]` asks for is not served, whatever its
//! stages declare.
//!
//! The rule easiest to break: an exploration that was cut off refutes nothing, and proves nothing either. It is said, and the process is served.

use std::sync::Arc;

use jose::KeyRing;
use project::{AtLoad, Diagnostic, Severity};
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
        let Some(attack) = finding.attacks.first() else {
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
        let severity = if at_load == AtLoad::Refuse { Severity::Error } else { Severity::Warning };
        let location = self.project.locate(&format!("conf/selfservice-{}.json", finding.process), "/stageConfigs");
        let help = format!("'vestibule prove {}' shows a script, and what closes it; [prove] says which proofs are asked", finding.process);
        self.diagnostics.push(Diagnostic::new(severity, "refuted", location, told(attack)).with_help(help));
        if at_load == AtLoad::Refuse {
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
