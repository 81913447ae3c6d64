//! `config/*`: the configuration that pages read. The rest of the configuration is not served (its files are the operator's).

use async_trait::async_trait;
use crest::ResourceError;
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

#[async_trait]
impl Resource for Config {
    fn kind(&self) -> &'static str {
        "config"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let body: Value = match self.id.as_str() {
            "ui/configuration" => json!({"_id": self.id, "configuration": configuration(cx)}),
            "ui/themeconfig" => json!({"_id": self.id, "path": "", "icon": "favicon.ico", "stylesheets": [], "settings": {}}),
            "ui/dashboard" => json!({"_id": self.id, "dashboard": {"widgets": [{"type": "Welcome", "size": "large"}]}}),
            id => return Err(ResourceError::not_found(format!("No configuration exists for id {id}")).into()),
        };
        Ok(Reply::resource(body))
    }
}
