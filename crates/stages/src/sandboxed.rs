//! Scripts of a project, run in the sandbox, reading managed objects through views: in a server and in a rehearsal alike.
//!
//! Easiest to get wrong: a script runs on a thread of its own and blocks there while it reads; how it waits is told from outside, since it must
//! never wait on a thread that serves requests. What it reads is a view, whoever it is about.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Fields, ResourceError};
use identity::{Audience, Letter, Letters, Managed, ScriptQuery, Waits};
use script::{Bindings, Host, Level, Program, Sandbox, ScriptError};
use serde_json::Value;

use crate::{MailTemplates, RenderedMail, Scripts};

/// Most objects that one query of a script gives.
const MAX_RESULTS: u64 = 100;

/// Runs scripts that see one project's objects.
pub struct SandboxScripts {
    sandbox: Arc<Sandbox>,
    host: Arc<Views>,
}

impl SandboxScripts {
    /// On a sandbox that may be shared by many projects. Its threads wait as `waits` says.
    #[must_use]
    pub fn new(sandbox: Arc<Sandbox>, managed: Arc<Managed>, waits: Arc<dyn Waits>) -> Self {
        Self { sandbox, host: Arc::new(Views { managed, waits }) }
    }

    /// What every script of the project finds.
    fn of_project(&self, bindings: Bindings) -> Bindings {
        let scripting = self.host.managed.policies.scripting();
        bindings.with_properties(Arc::clone(&scripting.properties)).with_modules(Arc::clone(&scripting.modules))
    }

    fn host(&self) -> Arc<dyn Host> {
        Arc::clone(&self.host) as Arc<dyn Host>
    }
}

#[async_trait]
impl Scripts for SandboxScripts {
    async fn condition(&self, program: &Program, bindings: Bindings) -> Result<bool, ScriptError> {
        self.sandbox.run_condition(program, self.of_project(bindings), self.host()).await
    }

    async fn value(&self, program: &Program, bindings: Bindings) -> Result<Value, ScriptError> {
        self.sandbox.run(program, self.of_project(bindings), self.host()).await
    }
}

/// The project's mail templates, for scripts.
pub struct TemplateLetters(pub Arc<dyn MailTemplates>);

impl Letters for TemplateLetters {
    fn letter(&self, name: &str, locales: &[String], object: &Value) -> Option<Letter> {
        let RenderedMail { from, subject, mime_type, body } = self.0.render(name, locales, object)?;
        Some(Letter { from, subject, mime_type, body })
    }
}

/// Managed objects as an administrator sees them: nothing hashed, nothing private.
struct Views {
    managed: Arc<Managed>,
    waits: Arc<dyn Waits>,
}

impl Views {
    /// What an asynchronous question gives, once it is answered.
    fn wait<T: Send>(&self, question: impl Future<Output = Result<T, ResourceError>> + Send) -> Result<T, String> {
        let mut answer = None;
        self.waits.wait(Box::pin(async { answer = Some(question.await) }));
        answer.ok_or("nothing was answered")?.map_err(|error| error.message)
    }

    fn shown(&self, collection: &str, found: Vec<crest::Resource>) -> Result<Vec<Value>, String> {
        let all = Fields::all();
        let found = self.wait(self.managed.all_with_effective(collection, found, Audience::Administrator, &all))?;
        Ok(found.iter().map(|resource| self.managed.show(collection, resource, Audience::Administrator, &all)).collect())
    }
}

impl Host for Views {
    fn read(&self, path: &str) -> Result<Value, String> {
        let (collection, id) = path.trim_matches('/').rsplit_once('/').ok_or("the path names no object")?;
        self.managed.schema(collection).map_err(|error| error.message)?;
        let found = self.wait(async { Ok(self.managed.objects.read(collection, id).await?) })?;
        let Some(found) = found else { return Ok(Value::Null) };
        Ok(self.shown(collection, vec![found])?.into_iter().next().unwrap_or_default())
    }

    fn query(&self, path: &str, params: &Value) -> Result<Value, String> {
        let collection = path.trim_matches('/');
        let asked = ScriptQuery::read(params, MAX_RESULTS)?;
        let query = &asked.query;
        self.managed.check_query(collection, &query.filter, &query.sort, Audience::Administrator).map_err(|error| error.message)?;
        let page = self.wait(async { Ok(self.managed.objects.query(collection, query).await?) })?;
        let found = self.shown(collection, asked.within(page.result)?)?;
        Ok(asked.answer(&found, page.cookie, page.total))
    }

    fn log(&self, level: Level, message: &str) {
        match level {
            Level::Error | Level::Warn => tracing::warn!(script.message = message, "a script logged"),
            _ => tracing::debug!(script.message = message, "a script logged"),
        }
    }
}
