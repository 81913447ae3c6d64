//! The definitions in use: the current ones, and earlier ones kept in the store so that people finish a process under the version they
//! began, across restarts and nodes.
//!
//! The rule easiest to break: an earlier definition is served only as long as it would be served today. One that today's prover, or
//! today's options of its process, refuse is revoked, whoever began under it.

use std::collections::HashMap;
use std::sync::Arc;

use accounts::Runtime;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use crest::ResourceError;
use jose::{KeyRing, TokenForm};
use process::{
    Definitions, InstanceId, Ledger, LedgerError, Options, Process, Severity, SnapshotToken, StoredDefinition, Version, compile,
};
use serde_json::Value;
use stages::Services;
use tokio::sync::{Mutex, RwLock};

use crate::canaries::Canaries;
use crate::sealed;

/// Earlier definitions per process that are held ready; older ones are read from the store when somebody comes with one.
const READY: usize = 8;

/// Earlier definitions per process that are judged when definitions are taken up; older ones are when somebody comes with one.
const JUDGED: usize = 64;

/// What became of a kept definition.
enum Opened {
    /// It can be served.
    Good(Box<Process<Services>>),
    /// Today it would not be, for this reason.
    Refused(String),
    /// Nobody can read it, or no process uses it.
    Useless,
}

/// Opens what was kept. Easiest to get wrong: a newer program may compile the same file to another version; no process uses that one.
fn open(keys: &KeyRing, stored: &StoredDefinition, options: Option<&Options>) -> Opened {
    let source = sealed::open(keys, &stored.sealed).and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    let Some((file, companions)) = source.as_ref().and_then(Process::<Services>::unpack) else { return Opened::Useless };
    let catalogue = stages::catalogue();
    let compiled = compile(&stored.process, &file, &companions, &catalogue);
    let Some(process) = compiled.process else {
        let reason = compiled.issues.into_iter().find(|issue| issue.severity == Severity::Error).map(|issue| issue.message);
        return Opened::Refused(reason.unwrap_or_else(|| "it has a stage that is not offered".to_owned()));
    };
    if process.version != stored.version {
        return Opened::Useless;
    }
    match options.and_then(|options| process.refused_under(options, &catalogue)) {
        Some(issue) => Opened::Refused(issue.message),
        None => Opened::Good(Box::new(process)),
    }
}

/// The definitions that were served last of processes whose files are broken at start, as far as the store has good ones.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn last_good(
    ledger: &dyn Ledger,
    keys: &KeyRing,
    broken: &[String],
) -> Result<HashMap<String, Arc<Process<Services>>>, LedgerError> {
    let mut found = HashMap::new();
    for name in broken {
        let stored = ledger.definitions(name).await?;
        let good = stored.iter().filter(|stored| !stored.revoked).find_map(|stored| match open(keys, stored, None) {
            Opened::Good(process) => Some(process),
            Opened::Refused(_) | Opened::Useless => None,
        });
        if let Some(process) = good {
            tracing::warn!(process.name = name, "the file of '{name}' is broken, so the definition that was served last keeps serving");
            found.insert(name.clone(), Arc::from(process));
        }
    }
    Ok(found)
}

/// Finds definitions.
pub(crate) struct KeptDefinitions {
    runtime: Arc<ArcSwap<Runtime>>,
    ledger: Arc<dyn Ledger>,
    keys: Arc<KeyRing>,
    canaries: Arc<Canaries>,
    /// What was kept last, by process.
    kept: Mutex<HashMap<String, Kept>>,
    earlier: RwLock<HashMap<String, Earlier>>,
}

/// The versions of a process that were kept last.
#[derive(PartialEq, Eq)]
struct Kept {
    present: Version,
    /// The one that is tried beside it.
    next: Option<Version>,
}

/// Earlier definitions of a process.
#[derive(Clone, Default)]
struct Earlier {
    /// Those that are held ready, the one that came last first.
    ready: Vec<Arc<Process<Services>>>,
    /// How their tokens look, and those of others that were ready once.
    forms: Vec<TokenForm>,
}

impl Earlier {
    fn add(&mut self, process: Arc<Process<Services>>) {
        self.note_form(&process);
        self.ready.retain(|known| known.version != process.version);
        self.ready.insert(0, process);
        self.ready.truncate(READY);
    }

    fn note_form(&mut self, process: &Process<Services>) {
        if let SnapshotToken::Stateless(form) = process.token.kind
            && !self.forms.contains(&form)
        {
            self.forms.push(form);
        }
    }

    fn without(mut self, version: &Version) -> Self {
        self.ready.retain(|known| known.version != *version);
        self
    }
}

/// Whether the same earlier definitions fit beside a process with these options as beside one with those.
fn judge_alike(left: &Options, right: &Options) -> bool {
    let without_canary = |options: &Options| Options { canary: None, ..options.clone() };
    without_canary(left) == without_canary(right)
}

impl KeptDefinitions {
    /// On top of what is being served.
    #[must_use]
    pub(crate) fn new(runtime: Arc<ArcSwap<Runtime>>, ledger: Arc<dyn Ledger>, keys: Arc<KeyRing>, canaries: Arc<Canaries>) -> Self {
        Self { runtime, ledger, keys, canaries, kept: Mutex::default(), earlier: RwLock::default() }
    }

    /// Keeps the definitions of `runtime` for the processes that will be begun under them, and makes earlier ones ready: of processes whose
    /// definitions are others than those that were kept last. Says how many definitions were kept. To be called before `runtime` is served.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn keep(&self, runtime: &Runtime) -> Result<usize, LedgerError> {
        let mut kept = self.kept.lock().await;
        let (mut changed, mut definitions) = (Vec::new(), Vec::new());
        for (name, process) in &runtime.processes {
            let next = runtime.canaries.get(name).and_then(|trial| trial.next.as_ref());
            let now = Kept { present: process.version.clone(), next: next.map(|next| next.version.clone()) };
            if kept.get(name) == Some(&now) {
                continue;
            }
            // The present one comes behind it: what was remembered last keeps serving where a file breaks.
            for process in next.into_iter().chain([process]) {
                let sealed = self.seal(&process.source)?;
                definitions.push(StoredDefinition { process: name.clone(), version: process.version.clone(), sealed, revoked: false });
            }
            changed.push((name, process, now));
        }
        let number = definitions.len();
        if number > 0 {
            self.ledger.remember_definitions(definitions).await?;
        }
        let mut made_ready = Vec::new();
        for (name, process, _) in &changed {
            let before = self.current(name).filter(|before| kept.get(*name).is_some_and(|kept| kept.present == before.version));
            made_ready.push(((*name).clone(), self.make_ready(process, before, self.next(name)).await?));
        }
        let mut earlier = self.earlier.write().await;
        earlier.retain(|name, _| runtime.processes.contains_key(name));
        earlier.extend(made_ready);
        kept.retain(|name, _| runtime.processes.contains_key(name));
        kept.extend(changed.into_iter().map(|(name, _, now)| (name.clone(), now)));
        Ok(number)
    }

    /// Earlier definitions that may be served beside a process. Where its options are those of the one that was served `before`, with its own
    /// `next`, they are what they were, and these two.
    async fn make_ready(
        &self,
        process: &Process<Services>,
        before: Option<Arc<Process<Services>>>,
        next: Option<Arc<Process<Services>>>,
    ) -> Result<Earlier, LedgerError> {
        if let Some(before) = before.filter(|before| judge_alike(&before.options, &process.options)) {
            let mut earlier = self.earlier.read().await.get(&process.name).cloned().unwrap_or_default();
            let catalogue = stages::catalogue();
            if let Some(next) = next.filter(|next| next.refused_under(&process.options, &catalogue).is_none()) {
                earlier.add(next);
            }
            earlier.add(before);
            return Ok(earlier.without(&process.version));
        }
        let mut earlier = Earlier::default();
        for stored in self.ledger.definitions(&process.name).await?.into_iter().filter(|stored| !stored.revoked).take(JUDGED) {
            if stored.version == process.version {
                continue;
            }
            if let Some(found) = self.fit(&stored, &process.options).await? {
                earlier.note_form(&found);
                if earlier.ready.len() < READY {
                    earlier.ready.push(Arc::new(found));
                }
            }
        }
        Ok(earlier)
    }

    /// Ends versions for whoever is in the middle of them: what was refuted now may have been kept by a server that did not try it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn revoke(&self, refuted: &[(String, Version)]) -> Result<(), LedgerError> {
        for (process, version) in refuted {
            self.ledger.revoke_definition(process, version).await?;
            // Whoever serves it again has proved it again, and it is kept again.
            self.kept.lock().await.remove(process);
            if let Some(earlier) = self.earlier.write().await.get_mut(process) {
                earlier.ready.retain(|known| known.version != *version);
            }
        }
        Ok(())
    }

    fn seal(&self, source: &Value) -> Result<String, LedgerError> {
        sealed::seal(&self.keys, source.to_string().as_bytes()).map_err(|error| LedgerError(error.to_string()))
    }

    /// A kept definition, if it may be served beside a current one with these options; one that may not is revoked.
    async fn fit(&self, stored: &StoredDefinition, options: &Options) -> Result<Option<Process<Services>>, LedgerError> {
        match open(&self.keys, stored, Some(options)) {
            Opened::Good(process) => Ok(Some(*process)),
            Opened::Useless => Ok(None),
            Opened::Refused(reason) => {
                let StoredDefinition { process, version, .. } = stored;
                self.ledger.revoke_definition(process, version).await?;
                tracing::warn!(process.name = process, %version, "an earlier definition of '{process}' is revoked: {reason}");
                Ok(None)
            }
        }
    }

    /// The definition that is tried beside the current one.
    fn next(&self, process: &str) -> Option<Arc<Process<Services>>> {
        self.runtime.load().canaries.get(process)?.next.clone()
    }

    async fn ready(&self, process: &str, version: &Version) -> Option<Arc<Process<Services>>> {
        self.earlier.read().await.get(process)?.ready.iter().find(|candidate| candidate.version == *version).cloned()
    }
}

#[async_trait]
impl Definitions<Services> for KeptDefinitions {
    fn current(&self, process: &str) -> Option<Arc<Process<Services>>> {
        self.runtime.load().processes.get(process).cloned()
    }

    fn begins(&self, process: &str, instance: &InstanceId) -> Option<Arc<Process<Services>>> {
        let runtime = self.runtime.load();
        let next = runtime.canaries.get(process).and_then(|trial| self.canaries.drawn(trial, instance));
        next.or_else(|| runtime.processes.get(process).cloned())
    }

    async fn version(&self, process: &str, version: &Version) -> Result<Option<Arc<Process<Services>>>, ResourceError> {
        if let Some(current) = self.current(process).filter(|current| current.version == *version) {
            return Ok(Some(current));
        }
        if let Some(next) = self.next(process).filter(|next| next.version == *version) {
            return Ok(Some(next));
        }
        if let Some(ready) = self.ready(process, version).await {
            return Ok(Some(ready));
        }
        let stored = self.ledger.definitions(process).await?;
        let stored = stored.into_iter().find(|stored| stored.version == *version && !stored.revoked);
        let (Some(stored), Some(current)) = (stored, self.current(process)) else { return Ok(None) };
        let Some(found) = self.fit(&stored, &current.options).await?.map(Arc::new) else { return Ok(None) };
        self.earlier.write().await.entry(process.to_owned()).or_default().add(Arc::clone(&found));
        Ok(Some(found))
    }

    async fn forms(&self, process: &str) -> Result<Vec<TokenForm>, ResourceError> {
        let mut forms = Vec::new();
        let mut add = |settings: SnapshotToken| {
            if let SnapshotToken::Stateless(form) = settings
                && !forms.contains(&form)
            {
                forms.push(form);
            }
        };
        if let Some(current) = self.current(process) {
            add(current.token.kind);
        }
        if let Some(next) = self.next(process) {
            add(next.token.kind);
        }
        if let Some(earlier) = self.earlier.read().await.get(process) {
            earlier.forms.iter().for_each(|form| add(SnapshotToken::Stateless(*form)));
        }
        Ok(forms)
    }
}
