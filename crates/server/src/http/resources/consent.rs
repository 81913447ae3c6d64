//! `consent`: the mappings a person may agree to (idm-docs §5.4).

use async_trait::async_trait;
use project::Mapping;
use serde_json::{Value, json};

use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::request::QueryRequest;
use crate::http::resource::{Answer, Resource, unknown_action};

/// The resource.
pub(super) struct Consent;

#[async_trait]
impl Resource for Consent {
    fn kind(&self) -> &'static str {
        "consent"
    }

    async fn query(&self, cx: &Context<'_>, request: &QueryRequest) -> Answer {
        let matching = mappings(cx).filter(|mapping| request.query.filter.matches(mapping));
        Ok(Reply::list(matching.map(|mapping| cx.presentation.fields.select(&mapping)).collect()))
    }

    /// How clients of 5.5 to 6.5 asked.
    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        match name {
            "getConsentMappings" => Ok(Reply::Action(Some(Value::Array(mappings(cx).collect())))),
            other => Err(unknown_action(other)),
        }
    }
}

fn mappings<'a>(cx: &Context<'a>) -> impl Iterator<Item = Value> + 'a {
    let runtime = cx.runtime;
    runtime.project.sync.iter().filter(|mapping| mapping.consent_required).map(move |mapping| {
        json!({
            "_id": mapping.name,
            "name": mapping.name,
            "source": mapping.source,
            "target": mapping.target,
            "displayName": mapping.display_name.as_deref().unwrap_or(&mapping.name),
            "icon": mapping.icon.as_deref().unwrap_or_default(),
            "fields": fields(mapping, runtime.schemas.get(&mapping.source)),
        })
    })
}

/// The properties that would leave, with the titles people know.
fn fields(mapping: &Mapping, schema: Option<&identity::ObjectSchema>) -> Value {
    let leaving = mapping.properties.values().filter(|source| !source.is_empty());
    let titled = leaving.map(|source| {
        let title = schema.and_then(|schema| schema.property(source)).map_or_else(|| source.clone(), |property| property.label().into_owned());
        json!({"name": source, "title": title})
    });
    titled.collect()
}
