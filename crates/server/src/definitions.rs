//! The definitions people are on: the current ones, and earlier ones kept in the store so that whoever is in flight finishes what he
//! began, across restarts and nodes.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use crest::ResourceError;
use jose::{KeyRing, TokenForm};
use process::{Definitions, Ledger, LedgerError, Process, SnapshotToken, StoredDefinition, Version, compile};
use serde_json::Value;
use stages::Services;
use tokio::sync::RwLock;

use crate::runtime::Runtime;
use crate::sealed;

/// Earlier definitions per process that are held ready; older ones are read from the store when somebody comes with one.
const READY: usize = 8;

/// Finds definitions.
pub struct KeptDefinitions {
    runtime: Arc<ArcSwap<Runtime>>,
    ledger: Arc<dyn Ledger>,
    keys: Arc<KeyRing>,
    earlier: RwLock<HashMap<String, Vec<Arc<Process<Services>>>>>,
}

impl KeptDefinitions {
    /// On top of what is being served.
    #[must_use]
    pub fn new(runtime: Arc<ArcSwap<Runtime>>, ledger: Arc<dyn Ledger>, keys: Arc<KeyRing>) -> Self {
        Self { runtime, ledger, keys, earlier: RwLock::default() }
    }

    /// Keeps the definitions of `runtime` for people who will be in flight, and makes earlier ones ready. To be called before
    /// `runtime` is served.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn keep(&self, runtime: &Runtime) -> Result<(), LedgerError> {
        let mut earlier = HashMap::new();
        for (name, process) in &runtime.processes {
            let sealed = self.seal(&process.source)?;
            let definition = StoredDefinition { process: name.clone(), version: process.version.clone(), sealed, revoked: false };
            self.ledger.remember_definition(definition).await?;
            let mut ready = Vec::new();
            for stored in self.ledger.definitions(name).await?.into_iter().filter(|stored| !stored.revoked).take(READY) {
                if stored.version != process.version {
                    ready.extend(self.open(&stored).map(Arc::new));
                }
            }
            earlier.insert(name.clone(), ready);
        }
        *self.earlier.write().await = earlier;
        Ok(())
    }

    fn seal(&self, source: &Value) -> Result<String, LedgerError> {
        sealed::seal(&self.keys, source.to_string().as_bytes()).map_err(|error| LedgerError(error.to_string()))
    }

    fn open(&self, stored: &StoredDefinition) -> Option<Process<Services>> {
        let text = sealed::open(&self.keys, &stored.sealed)?;
        let source: Value = serde_json::from_slice(&text).ok()?;
        let (file, companions) = Process::<Services>::unpack(&source)?;
        let process = compile(&stored.process, &file, &companions, &stages::catalogue()).process;
        // A newer program may compile the same file to another version; then nobody can be on this one.
        process.filter(|process| process.version == stored.version)
    }

    async fn ready(&self, process: &str, version: &Version) -> Option<Arc<Process<Services>>> {
        self.earlier.read().await.get(process)?.iter().find(|candidate| candidate.version == *version).cloned()
    }
}

#[async_trait]
impl Definitions<Services> for KeptDefinitions {
    fn current(&self, process: &str) -> Option<Arc<Process<Services>>> {
        self.runtime.load().processes.get(process).cloned()
    }

    async fn version(&self, process: &str, version: &Version) -> Result<Option<Arc<Process<Services>>>, ResourceError> {
        if let Some(current) = self.current(process).filter(|current| current.version == *version) {
            return Ok(Some(current));
        }
        if let Some(ready) = self.ready(process, version).await {
            return Ok(Some(ready));
        }
        let stored = self.ledger.definitions(process).await?;
        let stored = stored.into_iter().find(|stored| stored.version == *version && !stored.revoked);
        let Some(found) = stored.and_then(|stored| self.open(&stored)).map(Arc::new) else { return Ok(None) };
        self.earlier.write().await.entry(process.to_owned()).or_default().push(Arc::clone(&found));
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
        if let Some(earlier) = self.earlier.read().await.get(process) {
            for process in earlier {
                add(process.token.kind);
            }
        }
        Ok(forms)
    }
}
