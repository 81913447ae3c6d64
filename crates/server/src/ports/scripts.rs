//! Scripts of a project, run in the sandbox, reading managed objects through views.
//!
//! Easiest to get wrong: a script runs on a thread of its own and blocks there while it reads; it must never wait on a thread that
//! serves requests, and what it reads is a view, whoever it is about.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use crest::{Fields, Filter, Query, ResourceError};
use identity::{Audience, Letter, Letters, Managed, Waits};
use script::{Bindings, Host, Level, Program, Sandbox, ScriptError};
use serde_json::{Value, json};
use stages::Scripts;
use tokio::runtime::Handle;

use super::hash_pool::{self, Claim};

/// Most objects that one query of a script gives.
const MAX_RESULTS: u64 = 100;

/// Runs scripts that see one project's objects.
pub(crate) struct SandboxScripts {
    sandbox: Arc<Sandbox>,
    host: Arc<Views>,
}

impl SandboxScripts {
    /// On a sandbox that every project of this process shares. Must be called on a thread of the runtime.
    pub(crate) fn new(sandbox: Arc<Sandbox>, managed: Arc<Managed>) -> Self {
        Self { sandbox, host: Arc::new(Views { managed, runtime: Handle::current() }) }
    }

    fn host(&self) -> Arc<dyn Host> {
        Arc::clone(&self.host) as Arc<dyn Host>
    }
}

#[async_trait]
impl Scripts for SandboxScripts {
    async fn condition(&self, program: &Program, bindings: Bindings) -> Result<bool, ScriptError> {
        self.sandbox.run_condition(program, bindings, self.host()).await
    }

    async fn value(&self, program: &Program, bindings: Bindings) -> Result<Value, ScriptError> {
        self.sandbox.run(program, bindings, self.host()).await
    }
}

/// The project's mail templates, for scripts.
pub(crate) struct TemplateLetters(pub(crate) Arc<dyn stages::MailTemplates>);

impl Letters for TemplateLetters {
    fn letter(&self, name: &str, locales: &[String], object: &Value) -> Option<Letter> {
        let stages::RenderedMail { from, subject, mime_type, body } = self.0.render(name, locales, object)?;
        Some(Letter { from, subject, mime_type, body })
    }
}

/// Waits on the runtime's behalf, on a thread of the sandbox.
pub(crate) struct OnRuntime {
    runtime: Handle,
    /// Whose script it is that waits: what it hashes counts as theirs.
    claim: Option<Arc<Claim>>,
}

impl OnRuntime {
    /// Must be called on a thread of the runtime.
    pub(crate) fn new() -> Self {
        Self { runtime: Handle::current(), claim: None }
    }
}

impl Waits for OnRuntime {
    fn wait(&self, future: Pin<Box<dyn Future<Output = ()> + Send + '_>>) {
        match &self.claim {
            Some(claim) => self.runtime.block_on(Arc::clone(claim).covers(future)),
            None => self.runtime.block_on(future),
        }
    }

    fn of_this_request(&self) -> Option<Arc<dyn Waits>> {
        let claim = hash_pool::current()?;
        Some(Arc::new(Self { runtime: self.runtime.clone(), claim: Some(claim) }))
    }
}

/// Managed objects as an administrator sees them: nothing hashed, nothing private.
struct Views {
    managed: Arc<Managed>,
    runtime: Handle,
}

impl Views {
    fn shown(&self, collection: &str, found: Vec<crest::Resource>) -> Result<Vec<Value>, String> {
        let all = Fields::all();
        let found = self.runtime.block_on(self.managed.all_with_effective(collection, found, Audience::Administrator, &all));
        let found = found.map_err(|error| error.message)?;
        Ok(found.iter().map(|resource| self.managed.show(collection, resource, Audience::Administrator, &all)).collect())
    }
}

impl Host for Views {
    fn read(&self, path: &str) -> Result<Value, String> {
        let (collection, id) = path.trim_matches('/').rsplit_once('/').ok_or("the path names no object")?;
        self.managed.schema(collection).map_err(|error| error.message)?;
        let found = self.runtime.block_on(self.managed.objects.read(collection, id)).map_err(|error| ResourceError::from(error).message)?;
        let Some(found) = found else { return Ok(Value::Null) };
        Ok(self.shown(collection, vec![found])?.into_iter().next().unwrap_or_default())
    }

    fn query(&self, path: &str, params: &Value) -> Result<Value, String> {
        let collection = path.trim_matches('/');
        let text = params.get("_queryFilter").and_then(Value::as_str).ok_or("'_queryFilter' is missing")?;
        let filter = Filter::parse(text).map_err(|error| error.to_string())?;
        self.managed.check_query(collection, &filter, &[], Audience::Administrator).map_err(|error| error.message)?;
        let page = self.runtime.block_on(self.managed.objects.query(collection, &Query::first(filter, MAX_RESULTS)));
        let page = page.map_err(|error| ResourceError::from(error).message)?;
        let result = self.shown(collection, page.result)?;
        Ok(json!({ "resultCount": result.len(), "result": result }))
    }

    fn log(&self, level: Level, message: &str) {
        match level {
            Level::Error | Level::Warn => tracing::warn!(script.message = message, "a script logged"),
            _ => tracing::debug!(script.message = message, "a script logged"),
        }
    }
}
