//! What is refuted when a project is loaded: a process that somebody gets through without the proofs that `[prove]` asks for is not served, whatever its
//! stages declare.
//!
//! What a person's open session alone is enough for is their own doing as far as a project from elsewhere knows: there it is said, and refused where
//! `[prove] at_load` says so. The rule easiest to break: an exploration that was cut off refutes nothing, and proves nothing either. It is said, and the process is served.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use jose::KeyRing;
use process::Version;
use project::{AtLoad, Diagnostic, Proofs, Severity};
use rehearsal::prove::{Attack, Cut, Finding, NoKeys, Prover};
use rehearsal::{Ground, Setting, in_parallel, named};
use tracing::subscriber::{NoSubscriber, with_default};

use crate::canary::Canary;
use crate::private_file;
use crate::reread::Read;
use crate::runtime::{Material, Source};

/// In the data directory: what the last start tried and had nothing to say of.
const PROVED: &str = "proved";

/// Definitions that are remembered although nobody serves them, beside as many as are served.
const SPARE: usize = 256;

/// A definition of a process, by the process and its version.
type Definition = (String, Version);

/// How far a definition is explored.
type Exploration = fn(&Prover, &str) -> Result<Option<Finding>, NoKeys>;

/// By ground and definition; nothing where there was nothing to say.
type Known = HashMap<(String, Definition), Option<Arc<Finding>>>;

/// What was found about definitions, so that none is tried twice on the same ground: a ground is everything of a project but its processes, and of these
/// what the others are played by.
pub(crate) struct Tried {
    keys: Option<Arc<KeyRing>>,
    known: Mutex<Known>,
}

impl Tried {
    /// Nothing was tried so far. `keys` are a pair that is there already.
    pub(crate) fn with(keys: Option<Arc<KeyRing>>) -> Self {
        Self { keys, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that were not tried on this ground.
    fn unknown(&self, ground: &str, all: &[Definition]) -> HashSet<Definition> {
        let known = self.known();
        all.iter().filter(|definition| !known.contains_key(&(ground.to_owned(), (*definition).clone()))).cloned().collect()
    }

    fn finding(&self, ground: &str, definition: &Definition) -> Option<Arc<Finding>> {
        self.known().get(&(ground.to_owned(), definition.clone())).cloned().flatten()
    }

    fn explore(&self, ground: &str, prover: &Prover, definitions: &HashSet<Definition>, explore: Exploration) -> Result<(), NoKeys> {
        let definitions: Vec<&Definition> = definitions.iter().collect();
        // What stages say on the way is about nobody, and no line for an operator.
        let unheard = |(name, _): &&Definition| with_default(NoSubscriber::default(), || explore(prover, name));
        for (definition, finding) in definitions.iter().zip(in_parallel(&definitions, unheard)) {
            let said = finding?.filter(|finding| !finding.attacks.is_empty() || !finding.cut_off.is_empty());
            self.known().insert((ground.to_owned(), (*definition).clone()), said.map(Arc::new));
        }
        Ok(())
    }

    /// Forgets what is not among these where it has become much.
    fn forget(&self, ground: &str, used: &[Definition]) {
        let mut known = self.known();
        if known.len() > 2 * used.len() + SPARE {
            let used: HashSet<&Definition> = used.iter().collect();
            known.retain(|(of, definition), _| of == ground && used.contains(definition));
        }
    }

    /// Takes what [`Self::silent`] gave before.
    fn recall(&self, ground: &str, head: &str, text: &str) {
        let mut lines = text.lines();
        if lines.next() == Some(head) {
            let definitions = lines.filter_map(|line| line.split_once(' '));
            let silent = definitions.map(|(version, name)| ((ground.to_owned(), (name.to_owned(), Version(version.to_owned()))), None));
            self.known().extend(silent);
        }
    }

    /// Those of these that there was nothing to say of, a line each below `head`; nothing where there are none.
    fn silent(&self, ground: &str, head: &str, all: &[Definition]) -> Option<String> {
        let known = self.known();
        let is_silent = |definition: &&Definition| matches!(known.get(&(ground.to_owned(), (*definition).clone())), Some(None));
        let mut lines: Vec<String> = all
            .iter()
            .filter(|(name, _)| !name.contains('\n'))
            .filter(is_silent)
            .map(|(name, version)| format!("{version} {name}\n"))
            .collect();
        lines.sort_unstable();
        (!lines.is_empty()).then(|| format!("{head}\n{}", lines.concat()))
    }
}

impl Material {
    /// [`Self::refute`] at a start, for what the last one of this build on this data directory did not try on the same ground and find good.
    ///
    /// # Errors
    /// As [`Self::refute`].
    pub(crate) fn refute_once(&mut self, source: &Source, data: &Path, tried: &Tried, ground: &str) -> Result<(), NoKeys> {
        let all = [self.present(), self.next()].concat();
        let (place, head) = (data.join(PROVED), build().map(|build| format!("{ground} {build}")));
        let kept = fs::read_to_string(&place).unwrap_or_default();
        if let Some(head) = &head {
            tried.recall(ground, head, &kept);
        }
        self.refute(source, tried, ground)?;
        if let Some(silent) = head.and_then(|head| tried.silent(ground, &head, &all))
            && silent != kept
            && let Err(error) = private_file::write(&place, silent.as_bytes())
        {
            tracing::debug!(path = %place.display(), %error, "the next start tries all processes again");
        }
        Ok(())
    }

    /// Tries what an attacker can submit to each process, as far as a start can afford, unless it was tried on this ground; says how many were.
    ///
    /// # Errors
    /// When there are no keys.
    pub(crate) fn refute(&mut self, source: &Source, tried: &Tried, ground: &str) -> Result<usize, NoKeys> {
        let at_load = self.project.settings.prove.at_load;
        if at_load == AtLoad::Off {
            return Ok(0);
        }
        let (present, next) = (self.present(), self.next());
        let (new, new_next) = (tried.unknown(ground, &present), tried.unknown(ground, &next));
        if !new.is_empty() || !new_next.is_empty() {
            let setting: Setting = self.setting(source);
            let prover = match &tried.keys {
                Some(keys) => Prover::on(setting, Ground::with(Arc::clone(keys))),
                None => Prover::new(setting)?,
            };
            tried.explore(ground, &prover, &new, Prover::refute)?;
            if !new_next.is_empty() {
                tried.explore(ground, &prover.with_next(), &new_next, Prover::refute_further)?;
            }
        }
        for definition in &present {
            let Some(finding) = tried.finding(ground, definition) else { continue };
            if self.judge(&finding, None, at_load, new.contains(definition)) {
                for (name, process) in self.processes.iter_mut().filter(|(name, _)| *name == definition.0) {
                    self.refuted.extend(process.take().map(|process| (name.clone(), process.version)));
                }
            }
        }
        // What is refuted of next definitions is tried on nobody, and neither is what nothing is proved about: it can wait, as a present one cannot.
        for definition in &next {
            let Some(finding) = tried.finding(ground, definition) else { continue };
            let Some(place) = self.canaries.iter().position(|canary| canary.process == definition.0) else { continue };
            let file = self.canaries.get(place).map(Canary::file);
            if finding.attacks.is_empty() && !finding.cut_off.is_empty() {
                let begins = at_load == AtLoad::Warn;
                self.unproved(&finding, file.as_deref().unwrap_or_default(), begins);
                // Whoever is in the middle of it goes on: it was not refuted.
                if let Some(canary) = self.canaries.get_mut(place).filter(|_| !begins) {
                    canary.next = None;
                }
                continue;
            }
            if self.judge(&finding, file.as_deref(), at_load, new_next.contains(definition))
                && let Some(canary) = self.canaries.get_mut(place)
            {
                canary.refuse();
            }
        }
        tried.forget(ground, &[present, next].concat());
        Ok(new.len() + new_next.len())
    }

    /// A mark of what definitions stand on: of everything that was `read` but the definitions themselves, and of what these say of people for all of them.
    pub(crate) fn ground(&self, read: &Read) -> String {
        let names = self.project.processes.iter().map(|file| file.name.clone()).chain(self.broken());
        let present = names.map(|name| format!("conf/selfservice-{name}.json"));
        read.mark_besides(&present.chain(self.canaries.iter().map(Canary::file)).collect(), &named(&self.project))
    }

    /// The definitions that are served.
    fn present(&self) -> Vec<Definition> {
        let compiled = self.processes.iter().filter_map(|(name, process)| Some((name, process.as_ref()?)));
        compiled.map(|(name, process)| (name.clone(), process.version.clone())).collect()
    }

    /// Those that are tried beside them.
    fn next(&self) -> Vec<Definition> {
        let compiled = self.canaries.iter().filter_map(|canary| Some((canary, canary.next.as_ref()?)));
        compiled.map(|(canary, next)| (canary.process.clone(), next.version.clone())).collect()
    }

    /// Says that nothing is proved about a next definition, and whether somebody `begins` on it all the same.
    fn unproved(&mut self, finding: &Finding, file: &str, begins: bool) {
        let why = finding.cut_off.iter().map(Cut::to_string).collect::<Vec<_>>().join("; ");
        let so = if begins { "and people begin on it, as [prove] at_load is \"warn\"" } else { "so nobody begins on it" };
        let message = format!("nothing is proved about this next definition of '{}', {so}: {why}", finding.process);
        let help = format!(
            "put it in the place of the present one in a copy of the project, where 'vestibule prove {}' says more",
            finding.process
        );
        let location = self.project.locate(file, "/stageConfigs");
        self.diagnostics.push(Diagnostic::new(Severity::Warning, "canary-unproved", location, message).with_help(help));
    }

    /// Says what was found; whether it refuses. `next` is the file of a next definition. That nothing is proved is said where it `is_new`.
    fn judge(&mut self, finding: &Finding, next: Option<&str>, at_load: AtLoad, is_new: bool) -> bool {
        // One that needs no open session is the worse one.
        let Some(attack) = finding.attacks.iter().min_by_key(|attack| attack.has.contains(Proofs::SESSION)) else {
            if is_new && !finding.cut_off.is_empty() {
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::reread;

    #[test]
    fn only_what_changed_is_tried_again_and_all_of_it_on_another_ground() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        std::fs::create_dir_all(directory.path().join("conf")).unwrap();
        let form = |tag: u32| format!("{{\"stageConfigs\": [{{\"name\": \"parameters\", \"parameterNames\": [\"p{tag}\"]}}]}}");
        for name in ["one", "two", "three"] {
            write(&format!("conf/selfservice-{name}.json"), &form(0));
        }
        let source = Source::Directory(directory.path().to_owned());
        let tried = Tried::with(None);
        let refute = |tried: &Tried, once: bool| {
            let (project, read) = reread::read(&source, SocketAddr::from(([127, 0, 0, 1], 1)));
            let mut material = Material::compile(&source, project);
            assert!(material.processes.iter().all(|(_, process)| process.is_some()), "{:?}", material.diagnostics);
            let ground = material.ground(&read);
            if once {
                material.refute_once(&source, directory.path(), tried, &ground).unwrap();
            }
            material.refute(&source, tried, &ground).unwrap()
        };
        assert_eq!((refute(&tried, false), refute(&tried, false)), (3, 0));
        write("conf/selfservice-two.json", &form(1));
        assert_eq!(refute(&tried, false), 1);
        // The same definition, written otherwise.
        write("conf/selfservice-two.json", &format!("\n{}\n", form(1)));
        assert_eq!(refute(&tried, false), 0);
        // What one of them says of people holds for all: where their addresses are, for example.
        let query = "{\"name\": \"userQuery\", \"validQueryFields\": [\"userName\"], \"identityEmailField\": \"description\"}";
        write("conf/selfservice-two.json", &form(1).replace("]}]}", &format!("]}}, {query}]}}")));
        assert_eq!((refute(&tried, false), refute(&tried, false)), (3, 0));
        write("conf/selfservice-two.json", &form(1));
        assert_eq!(refute(&tried, false), 0, "this ground is known");
        write("vestibule.toml", "[profile]\nconfirm_mail = false\n");
        assert_eq!((refute(&tried, true), refute(&tried, false)), (0, 0), "a start has tried them");
        // The next start knows what this one found.
        let next = Tried::with(None);
        let ground_kept = std::fs::read_to_string(directory.path().join(PROVED)).unwrap();
        assert_eq!(ground_kept.lines().count(), 4, "{ground_kept}");
        assert_eq!(refute(&next, true), 0);
        assert_eq!(std::fs::read_to_string(directory.path().join(PROVED)).unwrap(), ground_kept);
        // However often a process changes, little is remembered.
        for tag in 0..3 * u32::try_from(SPARE).unwrap() {
            next.known().insert((format!("g{tag}"), ("gone".to_owned(), Version(tag.to_string()))), None);
        }
        refute(&next, false);
        assert_eq!(next.known().len(), 3);
    }
}
