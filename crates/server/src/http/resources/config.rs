//! `config/*`: what pages read of the configuration, and all of it for administrators, who may replace and patch it.
//!
//! Easiest to get wrong: an administrator edits what is in the file, pages read what counts. And no secret leaves, not even to him.

use async_trait::async_trait;
use crest::{Patch, ResourceError};
use project::Document;
use serde_json::{Map, Value, json};
use wire::conditions::{Expected, Put};

use super::info::configuration;
use crate::config_files::{file_of, shown};
use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource};

/// One configuration.
pub(super) struct Config {
    /// `ui/configuration`.
    pub(super) id: String,
}

fn of_file(document: Option<&Document>, default: fn() -> Value) -> Value {
    document.map_or_else(default, |document| document.value.clone())
}

fn default_theme() -> Value {
    json!({"path": "", "icon": "favicon.ico", "stylesheets": [], "settings": {}})
}

fn default_dashboard() -> Value {
    json!({"dashboard": {"widgets": [{"type": "Welcome", "size": "large"}]}})
}

fn stale() -> ResourceError {
    ResourceError::precondition_failed("The configuration has changed since it was read")
}

impl Config {
    fn missing(&self) -> ResourceError {
        ResourceError::not_found(format!("No configuration exists for id {}", self.id))
    }

    /// The file; a configuration without one cannot be written.
    fn file(&self) -> Result<String, ResourceError> {
        file_of(&self.id).ok_or_else(|| self.missing())
    }

    fn with_id(&self, content: Value) -> Value {
        let mut body = Map::from_iter([("_id".to_owned(), json!(self.id))]);
        if let Value::Object(content) = content {
            body.extend(content.into_iter().filter(|(name, _)| name != "_id"));
        }
        Value::Object(body)
    }

    fn answer(&self, cx: &Context<'_>, file: &str) -> Answer {
        let runtime = cx.app.runtime.load();
        let (content, revision) = shown(&runtime, file).ok_or_else(|| self.missing())?;
        Ok(Reply::Resource { body: self.with_id(content), revision: Some(revision), selected: false, created: None })
    }

    async fn change(&self, cx: &Context<'_>, make: impl FnOnce(Option<(Value, String)>) -> Result<Value, ResourceError> + Send) -> Answer {
        let file = self.file()?;
        let event = |successful: bool| {
            let mut event = cx.event("config", cx.call.operation.name(), format!("config/{}", self.id), json!({ "file": file }));
            event.successful = successful;
            cx.app.audit.record(event);
        };
        let changed = cx.app.config.change(&cx.app.runtime, &file, make).await;
        event(changed.is_ok());
        changed?;
        self.answer(cx, &file)
    }
}

#[async_trait]
impl Resource for Config {
    fn kind(&self) -> &'static str {
        "config"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        if cx.principal.is_administrator()
            && let Some(file) = file_of(&self.id)
            && cx.runtime.project.sources.contains_key(&file)
        {
            return self.answer(cx, &file);
        }
        let content: Value = match self.id.as_str() {
            "ui/configuration" => json!({ "configuration": configuration(cx) }),
            "ui/themeconfig" => of_file(cx.runtime.project.theme.as_ref(), default_theme),
            "ui/dashboard" => of_file(cx.runtime.project.dashboard.as_ref(), default_dashboard),
            _ => return Err(self.missing().into()),
        };
        Ok(Reply::resource(self.with_id(content)))
    }

    async fn put(&self, cx: &Context<'_>, put: &Put) -> Answer {
        let mut content = cx.body().clone();
        if let Value::Object(members) = &mut content {
            members.retain(|name, _| name != "_id" && name != "_rev");
        }
        self.change(cx, |present| match (put, present) {
            (Put::Create, Some(_)) => Err(ResourceError::precondition_failed("The configuration exists already")),
            (Put::Replace(_), None) => Err(self.missing()),
            (Put::Replace(Expected::Revision(expected)), Some((_, revision))) if *expected != revision => Err(stale()),
            _ => Ok(content),
        })
        .await
    }

    async fn patch(&self, cx: &Context<'_>, expected: &Expected) -> Answer {
        let patch = Patch::parse(cx.body())?;
        self.change(cx, |present| {
            let (mut content, revision) = present.ok_or_else(|| self.missing())?;
            if expected.revision().is_some_and(|expected| expected != revision) {
                return Err(stale());
            }
            patch.apply(&mut content)?;
            Ok(content)
        })
        .await
    }
}
