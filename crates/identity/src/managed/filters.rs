//! Filters of a project's own that are run in front of its objects: what a script leaves of a request is what is done (IDM scripting guide,
//! "Router configuration").
//!
//! Easiest to break: a filter that cannot be asked refuses. And what it changes is judged by the policies like everything else, but not by
//! what the caller may set: the filter is the project's.

use std::sync::Arc;

use crest::{Patch, ResourceError};
use serde_json::{Map, Value, json};

use super::asking::{Asking, Passed, Work};
use super::occasions::refusal;
use super::{Managed, limits, marker, not_an_object, writer};
use crate::guards::OwnFilter;
use crate::policy::PolicyAction;
use crate::schema::ObjectSchema;
use crate::scripting::{Runner, Script, State};

impl Managed {
    /// Runs the filters in front of something that is no write of an object, in the order of their file.
    ///
    /// # Errors
    /// What a filter throws; 403 for one that cannot be run, and for one that changes the request, which nothing here could follow.
    pub async fn filter(&self, path: &str, method: &str, request: &Value) -> Result<(), ResourceError> {
        let work = Arc::new(Work::reading(self));
        let mut passed = request.clone();
        self.run_filters(path, method, &mut passed, &work).await?;
        if passed == *request {
            return Ok(());
        }
        tracing::error!(
            resource = path,
            method,
            "a filter of the project's own changes a request of a kind that cannot be changed here; it is refused"
        );
        Err(ResourceError::forbidden("Access denied"))
    }

    /// The body of an action of the policy service, as filters leave it.
    pub(super) async fn filtered_action(&self, resource: &str, action: PolicyAction, body: &Value) -> Result<Value, ResourceError> {
        let path = format!("policy/{}", resource.trim_matches('/'));
        if !self.policies.guards().runs_for(&path, "action") {
            return Ok(body.clone());
        }
        let mut request = request(&path, "action", Value::Null);
        insert(&mut request, "action", json!(action.name()));
        insert(&mut request, "content", body.clone());
        self.run_filters(&path, "action", &mut request, &Arc::new(Work::reading(self))).await?;
        Ok(request.get("content").cloned().unwrap_or_default())
    }

    /// The content of a new object, or of one that is replaced, as filters leave it.
    pub(super) async fn filtered(
        &self,
        schema: &ObjectSchema,
        id: &str,
        method: &str,
        content: &mut Map<String, Value>,
    ) -> Result<Passed, ResourceError> {
        let path = format!("{}/{id}", schema.collection());
        if !self.policies.guards().runs_for(&path, method) {
            return Ok(None);
        }
        let is_new = method == "create";
        let (place, new_id) = if is_new { (schema.collection(), json!(id)) } else { (path.clone(), Value::Null) };
        let mut request = request(&place, method, new_id);
        let marked = marker::open(content);
        insert(&mut request, "content", Value::Object(std::mem::take(content)));
        let work = Arc::new(Work::over(self));
        self.run_filters(&path, method, &mut request, &work).await?;
        let Some(Value::Object(left)) = request.get("content").cloned() else { return Err(not_an_object()) };
        *content = left;
        marker::close(content, marked);
        content.retain(|name, _| !writer::is_identity(name) && !schema.property(name).is_some_and(|property| property.is_virtual));
        limits::check(schema, &Value::Object(content.clone()), writer::Writer::Administrator)?;
        Ok(Some(work))
    }

    /// The operations of a patch as filters leave them; none where they are as they were.
    pub(super) async fn filtered_patch(
        &self,
        schema: &ObjectSchema,
        id: &str,
        patch: &Patch,
    ) -> Result<(Option<Patch>, Passed), ResourceError> {
        let path = format!("{}/{id}", schema.collection());
        if !self.policies.guards().runs_for(&path, "patch") {
            return Ok((None, None));
        }
        let mut request = request(&path, "patch", Value::Null);
        let operations = patch.to_value();
        insert(&mut request, "patchOperations", operations.clone());
        let work = Arc::new(Work::over(self));
        self.run_filters(&path, "patch", &mut request, &work).await?;
        let left = request.get("patchOperations").cloned().unwrap_or_default();
        let changed = (left != operations).then(|| Patch::parse(&left)).transpose()?;
        Ok((changed, Some(work)))
    }

    /// The same in front of a deletion.
    pub(super) async fn filtered_deletion(&self, schema: &ObjectSchema, id: &str) -> Result<Passed, ResourceError> {
        let path = format!("{}/{id}", schema.collection());
        if !self.policies.guards().runs_for(&path, "delete") {
            return Ok(None);
        }
        let work = Arc::new(Work::over(self));
        self.run_filters(&path, "delete", &mut request(&path, "delete", Value::Null), &work).await?;
        Ok(Some(work))
    }

    async fn run_filters(&self, path: &str, method: &str, request: &mut Value, work: &Arc<Work>) -> Result<(), ResourceError> {
        let filters: Vec<&OwnFilter> = self.policies.guards().run_for(path, method).collect();
        for filter in filters {
            if let Some(condition) = &filter.condition
                && !self.run_filter(filter, condition, request, work).await?.0
            {
                continue;
            }
            let (_, left) = self.run_filter(filter, &filter.script, request, work).await?;
            *request = left;
        }
        Ok(())
    }

    /// Whether a script gave something that stands for yes, and what became of the request.
    async fn run_filter(
        &self,
        filter: &OwnFilter,
        script: &Script,
        request: &Value,
        work: &Arc<Work>,
    ) -> Result<(bool, Value), ResourceError> {
        let place = filter.place();
        let (State::Runs(program), Some(sandbox)) = (&script.state, self.policies.scripting().sandbox.clone()) else {
            tracing::error!(
                filter = place,
                reason = script.obstacle().unwrap_or("scripts are not run here"),
                "a filter cannot be run; what it guards is refused"
            );
            return Err(ResourceError::forbidden("Access denied"));
        };
        let bindings = self.bindings_of_asker().with_all(script.variables.clone()).with("request", request.clone()).keeping(["request"]);
        let host = Asking { work: Arc::clone(work), event: place.to_owned() };
        let kept = Runner::new(sandbox, Arc::new(host), bindings.clone()).run_keeping(program, bindings).await;
        let kept =
            kept.map_err(|error| refusal(&error, 500, place, request.get("resourcePath").and_then(Value::as_str).unwrap_or_default()))?;
        let left = kept.variables.get("request").filter(|left| left.is_object()).cloned().unwrap_or_else(|| request.clone());
        Ok((kept.value.as_ref().is_some_and(script::is_truthy), left))
    }
}

fn request(path: &str, method: &str, new_id: Value) -> Value {
    let mut request = json!({ "method": method, "resourcePath": path, "additionalParameters": {}, "fields": [] });
    insert(&mut request, "newResourceId", new_id);
    request
}

fn insert(request: &mut Value, name: &str, value: Value) {
    if let Some(members) = request.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
