//! `config/*`: the configuration that pages read. The rest of the configuration is not served (its files are the operator's).

use async_trait::async_trait;
use crest::ResourceError;
use project::Document;
use serde_json::{Value, json};

use super::info::configuration;
use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource};

/// One configuration.
pub(super) struct Config {
    /// `ui/configuration`.
    pub(super) id: String,
}

fn of_file(config: &Config, document: Option<&Document>, default: fn() -> Value) -> Value {
    let mut body = json!({ "_id": config.id });
    let content = document.map_or_else(default, |document| document.value.clone());
    if let (Value::Object(body), Value::Object(content)) = (&mut body, content) {
        body.extend(content.into_iter().filter(|(name, _)| name != "_id"));
    }
    body
}

fn default_theme() -> Value {
    json!({"path": "", "icon": "favicon.ico", "stylesheets": [], "settings": {}})
}

fn default_dashboard() -> Value {
    json!({"dashboard": {"widgets": [{"type": "Welcome", "size": "large"}]}})
}

#[async_trait]
impl Resource for Config {
    fn kind(&self) -> &'static str {
        "config"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let body: Value = match self.id.as_str() {
            "ui/configuration" => json!({"_id": self.id, "configuration": configuration(cx)}),
            "ui/themeconfig" => of_file(self, cx.runtime.project.theme.as_ref(), default_theme),
            "ui/dashboard" => of_file(self, cx.runtime.project.dashboard.as_ref(), default_dashboard),
            id => return Err(ResourceError::not_found(format!("No configuration exists for id {id}")).into()),
        };
        Ok(Reply::resource(body))
    }
}
