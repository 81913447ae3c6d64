//! Scripts of a project, run in the sandbox, reading managed objects through views.
//!
//! Easiest to get wrong: a script runs on a thread of its own and blocks there while it reads; it must never wait on a thread that
//! serves requests, and what it reads is a view, whoever it is about.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Fields, Filter, Query, ResourceError};
use identity::{Audience, Managed};
use script::{Bindings, Host, Level, Program, Sandbox, ScriptError};
use serde_json::{Value, json};
use stages::Scripts;
use tokio::runtime::Handle;

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

/// Managed objects as an administrator sees them: nothing hashed, nothing private.
struct Views {
    managed: Arc<Managed>,
    runtime: Handle,
}

impl Host for Views {
    fn read(&self, path: &str) -> Result<Value, String> {
        let (collection, id) = path.trim_matches('/').rsplit_once('/').ok_or("the path names no object")?;
        self.managed.schema(collection).map_err(|error| error.message)?;
        let found = self.runtime.block_on(self.managed.objects.read(collection, id)).map_err(|error| ResourceError::from(error).message)?;
        Ok(found.map_or(Value::Null, |resource| self.managed.show(collection, &resource, Audience::Administrator, &Fields::all())))
    }

    fn query(&self, path: &str, params: &Value) -> Result<Value, String> {
        let collection = path.trim_matches('/');
        let text = params.get("_queryFilter").and_then(Value::as_str).ok_or("'_queryFilter' is missing")?;
        let filter = Filter::parse(text).map_err(|error| error.to_string())?;
        self.managed.check_query(collection, &filter, &[], Audience::Administrator).map_err(|error| error.message)?;
        let page = self.runtime.block_on(self.managed.objects.query(collection, &Query::first(filter, MAX_RESULTS)));
        let page = page.map_err(|error| ResourceError::from(error).message)?;
        let show = |resource: &crest::Resource| self.managed.show(collection, resource, Audience::Administrator, &Fields::all());
        let result: Vec<Value> = page.result.iter().map(show).collect();
        Ok(json!({ "resultCount": result.len(), "result": result }))
    }

    fn log(&self, level: Level, message: &str) {
        match level {
            Level::Error | Level::Warn => tracing::warn!(script.message = message, "a script logged"),
            _ => tracing::debug!(script.message = message, "a script logged"),
        }
    }
}
