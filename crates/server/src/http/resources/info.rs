//! `info/*`: what a client asks before and after anything else.

use async_trait::async_trait;
use crest::ResourceError;
use project::Feature;
use serde_json::{Value, json};
use wire::request::QueryRequest;

use super::authentication::signed_in;
use crate::http::access::feature_enabled;
use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource};

/// One of the resources.
#[derive(Clone, Copy)]
pub(super) enum Info {
    /// Whether the server can serve.
    Ping,
    /// Who the caller is.
    Login,
    /// Which version this is.
    Version,
    /// What the pages need to know.
    UiConfig,
    /// Which features are on.
    Features,
}

impl Info {
    /// The resource of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ping" => Self::Ping,
            "login" => Self::Login,
            "version" => Self::Version,
            "uiconfig" => Self::UiConfig,
            "features" => Self::Features,
            _ => return None,
        })
    }
}

#[async_trait]
impl Resource for Info {
    fn kind(&self) -> &'static str {
        "info"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        match self {
            Self::Ping if cx.app.is_ready() && cx.app.db.ping().is_ok() => {
                Ok(Reply::resource(json!({"_id": "", "state": "ACTIVE_READY", "shortDesc": "OpenIDM ready"})))
            }
            Self::Ping => Ok(Reply::Unavailable(json!({"_id": "", "state": "ACTIVE_NOT_READY", "shortDesc": "OpenIDM not ready"}))),
            Self::Login => Ok(Reply::resource(signed_in(cx))),
            Self::Version => {
                Ok(Reply::resource(json!({"_id": "", "productVersion": env!("CARGO_PKG_VERSION"), "productRevision": "vestibule"})))
            }
            Self::UiConfig => Ok(Reply::resource(json!({"_id": "", "configuration": configuration(cx)}))),
            Self::Features => Err(ResourceError::bad_request("The resource collection info/features cannot be read").into()),
        }
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        if !matches!(self, Self::Features) {
            return Err(ResourceError::not_implemented("Queries are not supported for resource instances").into());
        }
        let all = features(cx).into_iter().filter(|feature| request.query.filter.matches(feature));
        Ok(Reply::list(all.map(|feature| cx.presentation.fields.select(&feature)).collect()))
    }

    async fn action(&self, _cx: &Context<'_>, _name: &str) -> Answer {
        Err(ResourceError::not_implemented("Actions are not supported for resource instances").into())
    }
}

/// `configuration` of `ui-configuration.json`, its switches as they count. Clients read booleans from it (client-contract §12).
pub(super) fn configuration(cx: &Context<'_>) -> Value {
    let ui = &cx.runtime.project.ui_configuration;
    let mut configuration = ui.configuration.clone();
    for feature in Feature::ALL {
        configuration.insert(feature.flag().to_owned(), Value::Bool(feature_enabled(cx.runtime, feature.name())));
    }
    configuration.entry("lang").or_insert_with(|| Value::from(ui.language.as_deref().unwrap_or("en")));
    Value::Object(configuration)
}

fn features(cx: &Context<'_>) -> Vec<Value> {
    let item =
        |name: &str, enabled: bool, endpoints: Vec<String>| json!({"_id": name, "name": name, "enabled": enabled, "endpoints": endpoints});
    let mut items: Vec<Value> = Feature::ALL
        .into_iter()
        .map(|feature| {
            let enabled = feature_enabled(cx.runtime, feature.name());
            let served = feature.processes().iter().filter(|process| cx.runtime.processes.contains_key(**process));
            item(feature.name(), enabled, served.map(|process| format!("selfservice/{process}")).collect())
        })
        .collect();
    items.push(item("kba", feature_enabled(cx.runtime, "kba"), vec!["selfservice/kba".into()]));
    items.push(item("workflow", false, Vec::new()));
    items
}
