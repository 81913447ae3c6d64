//! Scripts at events of managed objects, around a write and a read (IDM 7.5 scripting guide, "Script triggers").
//!
//! What a script writes through `openidm` is part of the write that caused it: it is collected as [`Step`]s and committed with it. The
//! order is the product's: the object's own event, then `onValidate` of the properties and the object, then `onStore` of the properties
//! and the object; after the write its `post…` event.
//!
//! Easiest to break: a script that cannot be run, or that fails before the write, refuses the write; one that fails after it is logged
//! and undoes nothing.

use std::sync::Arc;

use crest::{Change, Resource, ResourceError};
use script::{Bindings, ScriptError};
use serde_json::{Map, Value, json};

use super::Managed;
use super::asking::{Asking, Passed, Work};
use super::marker;
use super::steps::Step;
use crate::events::{Event, Hook};
use crate::schema::ObjectSchema;
use crate::scripting::{Runner, Script, State};

/// One write, or read, of one object whose type has scripts.
pub(super) struct Occasion<'a> {
    schema: &'a ObjectSchema,
    runs: Option<Runs>,
    work: Arc<Work>,
    path: String,
    request: Value,
}

/// With what scripts run, where they do.
struct Runs {
    sandbox: Arc<script::Sandbox>,
    bindings: Bindings,
}

impl Managed {
    /// The same, writing on behalf of who asks: what scripts see as `context`.
    #[must_use]
    pub fn on_behalf(&self, context: Value) -> Self {
        Self { context: Some(Arc::new(context)), ..self.clone() }
    }

    /// Whether the project has scripts at events or as policies.
    #[must_use]
    pub fn runs_scripts(&self) -> bool {
        self.schemas.iter().any(|schema| schema.events.all.iter().any(|event| event.script.is_some()))
            || self.schemas.iter().any(|schema| self.policies.runs_scripts(&schema.collection()))
            || self.policies.guards().runs()
    }

    /// Whether a write of this kind runs scripts.
    pub(super) fn has_scripts(schema: &ObjectSchema, hooks: &[Hook]) -> bool {
        schema.events.any(hooks) || schema.events.any(&[Hook::OnValidate, Hook::OnStore])
    }

    /// An occasion; filters that stood in front of it worked on the same work.
    pub(super) fn occasion_after<'a>(
        &self,
        passed: Passed,
        schema: &'a ObjectSchema,
        id: &str,
        (method, content): (&str, &Value),
    ) -> Occasion<'a> {
        let occasion = self.occasion(schema, id, method, content);
        match passed {
            Some(work) => Occasion { work, ..occasion },
            None => occasion,
        }
    }

    fn occasion<'a>(&self, schema: &'a ObjectSchema, id: &str, method: &str, content: &Value) -> Occasion<'a> {
        let path = format!("{}/{id}", schema.collection());
        let request = json!({
            "method": method,
            "resourcePath": path,
            "newResourceId": if method == "create" { json!(id) } else { Value::Null },
            "content": content,
            "additionalParameters": {},
            "fields": [],
        });
        let runs = self.policies.scripting().sandbox.clone().map(|sandbox| Runs { sandbox, bindings: self.bindings_of_asker() });
        Occasion { schema, runs, work: Arc::new(Work::over(self)), path, request }
    }

    /// What every script of the project is given, with who asks as `context`.
    pub(super) fn bindings_of_asker(&self) -> Bindings {
        let asking = self.context.as_deref().cloned().unwrap_or_else(nobody);
        self.policies.scripting().bindings(self.clock.as_ref(), self.random.as_ref()).with("context", asking)
    }

    /// Runs policies that are scripts; nothing where a collection has none.
    pub(super) fn policy_runner(&self, collection: &str) -> Option<Runner> {
        if !self.policies.runs_scripts(collection) {
            return None;
        }
        let sandbox = self.policies.scripting().sandbox.clone()?;
        let bindings = self.bindings_of_asker().with("resource", json!(collection));
        let host = Asking { work: Arc::new(Work::reading(self)), event: "a policy".to_owned() };
        Some(Runner::new(sandbox, Arc::new(host), bindings))
    }

    /// What a script of the project says about something: whether it gave `true`, or what stands for it. It sees these variables, those that stand beside
    /// it, and objects to read.
    ///
    /// # Errors
    /// Why it said nothing, for the log.
    pub async fn says(&self, script: &Script, variables: Map<String, Value>) -> Result<bool, String> {
        let (State::Runs(program), Some(sandbox)) = (&script.state, self.policies.scripting().sandbox.clone()) else {
            return Err(script.obstacle().unwrap_or("scripts are not run here").to_owned());
        };
        let bindings = self.bindings_of_asker().with_all(script.variables.clone()).with_all(variables);
        let host = Asking { work: Arc::new(Work::reading(self)), event: script.name.clone() };
        let said = Runner::new(sandbox, Arc::new(host), bindings.clone()).run(program, bindings).await;
        said.map(|said| said.as_bool().unwrap_or(false)).map_err(|error| error.to_string())
    }

    /// An object as scripts at `onRetrieve` and `onRead` make it: what is shown of it afterwards is for [`Managed::show`] to decide. An
    /// object whose type has no such scripts comes back as it is.
    ///
    /// # Errors
    /// What such a script refuses; 403 where it cannot be run.
    pub async fn retrieved(&self, collection: &str, resource: Resource) -> Result<Resource, ResourceError> {
        let Some(schema) = self.schemas.get(collection).filter(|schema| schema.events.any(&[Hook::OnRetrieve, Hook::OnRead])) else {
            return Ok(resource);
        };
        let mut occasion = self.occasion(schema, &resource.id, "read", &Value::Null);
        occasion.work = Arc::new(Work::reading(self));
        let mut object = resource.to_value();
        for hook in [Hook::OnRetrieve, Hook::OnRead] {
            occasion.of_object(hook, &mut object, None).await?;
            for (event, script) in schema.events.of_properties(hook) {
                let name = event.property.as_deref().unwrap_or_default();
                if let State::Broken(reason) = &script.state {
                    tracing::error!(event = %event.shown(), collection, reason, "a script cannot be run; the property is left out");
                    object.as_object_mut().map(|members| members.shift_remove(name));
                    continue;
                }
                occasion.of_property(event, script, &mut object).await?;
            }
        }
        Ok(Resource { content: Value::Object(content_of(object)), ..resource })
    }
}

impl Occasion<'_> {
    /// Runs what comes before a write. `object` is the content as it is to be, secrets that are written in clear.
    pub(super) async fn before(&self, hook: Hook, content: &mut Map<String, Value>, old: Option<&Resource>) -> Result<(), ResourceError> {
        let id = self.path.rsplit('/').next().unwrap_or_default().to_owned();
        let mut members = std::mem::take(content);
        let marked = marker::open(&mut members);
        members.insert("_id".into(), Value::String(id));
        if let Some(old) = old {
            members.insert("_rev".into(), json!(old.revision));
        }
        let mut object = Value::Object(members);
        let old = old.map(Resource::to_value);
        self.of_object(hook, &mut object, old.as_ref()).await?;
        for (event, script) in self.schema.events.of_properties(Hook::OnValidate) {
            self.of_property(event, script, &mut object).await?;
        }
        self.of_object(Hook::OnValidate, &mut object, old.as_ref()).await?;
        for (event, script) in self.schema.events.of_properties(Hook::OnStore) {
            self.of_property(event, script, &mut object).await?;
        }
        self.of_object(Hook::OnStore, &mut object, old.as_ref()).await?;
        *content = content_of(object);
        marker::close(content, marked);
        Ok(())
    }

    /// Runs what comes before a deletion.
    pub(super) async fn before_deletion(&self, object: &Resource) -> Result<(), ResourceError> {
        let mut seen = object.to_value();
        self.of_object(Hook::OnDelete, &mut seen, Some(&object.to_value())).await
    }

    /// What the scripts did so far.
    pub(super) fn steps(&self) -> Vec<Step> {
        self.work.take()
    }

    /// Runs what comes after a write. What it does is attempted when the write is committed.
    pub(super) async fn after(
        &self,
        hook: Hook,
        change: &Change,
        after: &Resource,
        old: Option<&Resource>,
    ) -> Result<Option<Step>, ResourceError> {
        let Some((event, script)) = self.schema.events.of_object(hook) else { return Ok(None) };
        if let State::Broken(reason) = &script.state {
            return Err(self.cannot(event, reason));
        }
        self.work.push_change(change.clone());
        let mut object = after.to_value();
        if let Err(error) = self.of_object(hook, &mut object, old.map(Resource::to_value).as_ref()).await {
            let detail = error.detail.unwrap_or_default();
            tracing::error!(event = %event.shown(), object = %self.path, code = error.code, message = error.message, %detail, "a script failed after a write");
        }
        let steps = self.work.take();
        Ok((!steps.is_empty()).then_some(Step::Attempt(steps)))
    }

    /// Refuses a write whose `post…` event cannot be run, before anything is done.
    pub(super) fn check_after(&self, hook: Hook) -> Result<(), ResourceError> {
        match self.schema.events.of_object(hook) {
            Some((event, Script { state: State::Broken(reason), .. })) => Err(self.cannot(event, reason)),
            _ => Ok(()),
        }
    }

    async fn of_object(&self, hook: Hook, object: &mut Value, old: Option<&Value>) -> Result<(), ResourceError> {
        let Some((event, script)) = self.schema.events.of_object(hook) else { return Ok(()) };
        let bindings = self.bindings(script, object, old);
        let kept = self.run(event, script, bindings).await?;
        if let Some(changed) = kept.variables.get("object").filter(|changed| changed.is_object()) {
            *object = changed.clone();
        }
        Ok(())
    }

    /// The value of a property's script is the property's; without a value it is what the script made of the object's member.
    async fn of_property(&self, event: &Event, script: &Script, object: &mut Value) -> Result<(), ResourceError> {
        let name = event.property.as_deref().unwrap_or_default();
        let value = object.get(name).cloned().unwrap_or_default();
        let bindings = self.bindings(script, object, None).with("property", value).with("propertyName", json!(name));
        let kept = self.run(event, script, bindings).await?;
        if let Some(changed) = kept.variables.get("object").filter(|changed| changed.is_object()) {
            *object = changed.clone();
        }
        if event.hook != Hook::OnValidate
            && let (Some(value), Some(members)) = (kept.value, object.as_object_mut())
            && (!value.is_null() || members.contains_key(name))
        {
            members.insert(name.to_owned(), value);
        }
        Ok(())
    }

    fn bindings(&self, script: &Script, object: &Value, old: Option<&Value>) -> Bindings {
        let old = old.cloned().unwrap_or_else(|| json!({}));
        let runs = self.runs.as_ref().map_or_else(|| Bindings::new(0, [0; 32]), |runs| runs.bindings.clone());
        runs.with_all(script.variables.clone())
            .with("object", object.clone())
            .with_alias("newObject", "object")
            .with("oldObject", old)
            .with_alias("originalObject", "oldObject")
            .with("request", self.request.clone())
            .with("resourceName", json!(self.path))
            .keeping(["object"])
    }

    async fn run(&self, event: &Event, script: &Script, bindings: Bindings) -> Result<script::Kept, ResourceError> {
        let program = match &script.state {
            State::Runs(program) => program,
            State::Broken(reason) => return Err(self.cannot(event, reason)),
            State::Waived => return Ok(script::Kept::default()),
        };
        let Some(Runs { sandbox, .. }) = &self.runs else { return Err(self.cannot(event, "scripts are not run here")) };
        let host = Asking { work: Arc::clone(&self.work), event: event.shown() };
        let runner = Runner::new(Arc::clone(sandbox), Arc::new(host), Bindings::new(0, [0; 32]));
        runner.run_keeping(program, bindings).await.map_err(|error| self.failed(event, &error))
    }

    fn cannot(&self, event: &Event, reason: &str) -> ResourceError {
        let collection = self.schema.collection();
        tracing::error!(event = %event.shown(), collection, reason, "a script cannot be run; what would run it is refused");
        ResourceError::forbidden(format!("{} of '{collection}' cannot be run here", event.shown()))
    }

    /// What a failing script answers; 403 where it was to validate.
    fn failed(&self, event: &Event, error: &ScriptError) -> ResourceError {
        let otherwise = if event.hook == Hook::OnValidate { 403 } else { 500 };
        refusal(error, otherwise, &event.shown(), &self.path)
    }
}

/// What a failing script answers: its own `{code, message, detail}`, or this code with its message.
pub(super) fn refusal(error: &ScriptError, otherwise: u16, event: &str, object: &str) -> ResourceError {
    let ScriptError::Threw { message, thrown, .. } = error else {
        tracing::error!(event, object, %error, "a script failed");
        let collection = object.rsplit_once('/').map_or(object, |(collection, _)| collection);
        return ResourceError::internal(format!("The script at {event} of '{collection}' failed"));
    };
    tracing::warn!(event, object, %error, "a script refused");
    let code = thrown.get("code").and_then(crate::loose::as_count).and_then(|code| u16::try_from(code).ok());
    let code = code.filter(|code| (400..600).contains(code)).unwrap_or(otherwise);
    let message = message.strip_prefix("Error: ").unwrap_or(message);
    let refusal = ResourceError::new(code, message);
    match thrown.get("detail").filter(|detail| !detail.is_null()) {
        Some(detail) => refusal.with_detail(detail.clone()),
        None => refusal,
    }
}

/// The content of an object that a script had in its hands.
fn content_of(object: Value) -> Map<String, Value> {
    let mut members = match object {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    members.shift_remove("_id");
    members.shift_remove("_rev");
    members
}

/// Where nobody asks: the server itself.
fn nobody() -> Value {
    json!({
        "current": {"name": "script"},
        "caller": {"external": false},
        "security": {"authenticationId": "system", "authorization": {"id": "system", "component": "", "roles": ["internal/role/openidm-admin"]}},
    })
}
