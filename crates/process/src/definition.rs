//! A compiled process definition. A person who is in the middle of a process goes on under the definition they began with.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use crest::ResourceError;
use jose::TokenForm;
use serde_json::{Value, json};

use crate::{Companions, Disclosure, FactKind, Initial, InstanceId, Options, Placed, TokenSettings, Version};

/// A process that can be run.
pub struct Process<S> {
    /// The name in the path, `reset`.
    pub name: String,
    /// Content hash.
    pub version: Version,
    /// The stages in order; never empty.
    pub stages: Vec<Placed<S>>,
    /// How tokens look and how long they live.
    pub token: TokenSettings,
    /// Our extensions.
    pub options: Options,
    /// What an unfinished process is compiled from again: the file and the companions it used.
    pub source: Value,
    /// The types of the stages in their order, with commas between: where people are counted.
    pub path: Arc<str>,
    pub(crate) initial: OnceLock<Arc<Initial>>,
}

impl<S> Process<S> {
    /// Whether the process tells which accounts exist: because its file says so, or because one of its stages does by design.
    #[must_use]
    pub fn disclosure(&self) -> Disclosure {
        if self.stages.iter().any(|placed| placed.facts.discloses) {
            return Disclosure::Reveal;
        }
        self.options.account_disclosure.unwrap_or_default()
    }

    /// Whether a stage works on the signed-in person, so that the whole instance belongs to one session's owner.
    #[must_use]
    pub fn binds_session(&self) -> bool {
        self.stages.iter().flat_map(|placed| &placed.facts.needs).any(|need| need.any_of == [FactKind::SignedIn])
    }

    /// The source as it is kept for unfinished processes.
    pub(crate) fn pack(file: &Value, companions: &BTreeMap<String, Value>) -> Value {
        json!({ "file": file, "companions": companions })
    }

    /// Takes a kept source apart again.
    #[must_use]
    pub fn unpack(source: &Value) -> Option<(Value, Companions)> {
        let companions = source.get("companions")?.as_object()?;
        let companions = companions.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Some((source.get("file")?.clone(), Companions(companions)))
    }
}

/// Compiled definitions by version.
#[async_trait]
pub trait Definitions<S>: Send + Sync {
    /// The definition new instances start with, unless another one is tried on them.
    fn current(&self, process: &str) -> Option<Arc<Process<S>>>;

    /// The definition that an instance begins with: the current one, or the one that is tried beside it.
    fn begins(&self, process: &str, _instance: &InstanceId) -> Option<Arc<Process<S>>> {
        self.current(process)
    }

    /// The definition of a version people may still be on; `None` when unknown or revoked.
    async fn version(&self, process: &str, version: &Version) -> Result<Option<Arc<Process<S>>>, ResourceError>;

    /// The token forms of all versions of the process, the current one's first.
    async fn forms(&self, process: &str) -> Result<Vec<TokenForm>, ResourceError>;
}
