//! Definitions of processes, by name and version.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use crest::ResourceError;
use jose::TokenForm;
use process::{Definitions, Process, SnapshotToken, Version};
use vestibule_stages::Services;

type Definition = Arc<Process<Services>>;

#[derive(Default)]
pub(crate) struct Table {
    pub(super) current: Mutex<HashMap<String, Definition>>,
    pub(super) all: Mutex<HashMap<(String, Version), Definition>>,
}

impl Table {
    pub(crate) fn revoke(&self, name: &str) {
        self.all.lock().unwrap().retain(|(process, _), _| process != name);
    }
}

#[async_trait]
impl Definitions<Services> for Table {
    fn current(&self, process: &str) -> Option<Arc<Process<Services>>> {
        self.current.lock().unwrap().get(process).cloned()
    }

    async fn version(&self, process: &str, version: &Version) -> Result<Option<Arc<Process<Services>>>, ResourceError> {
        Ok(self.all.lock().unwrap().get(&(process.to_owned(), version.clone())).cloned())
    }

    async fn forms(&self, process: &str) -> Result<Vec<TokenForm>, ResourceError> {
        let all = self.all.lock().unwrap();
        let of = all.iter().filter(|((name, _), _)| name == process);
        Ok(of
            .map(|(_, process)| match process.token.kind {
                SnapshotToken::Stateless(form) => form,
                SnapshotToken::Local => TokenForm::DEFAULT,
            })
            .collect())
    }
}
