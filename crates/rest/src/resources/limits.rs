//! `vestibule/limits`: ends an exhausted budget before its time (administrators). An extension; IDM has nothing like it.
//!
//! `POST …?_action=clear` with `{"person": "bjensen"}` (a login name, or the path of an object such as `managed/user/<id>`), with `{"network": "192.0.2.7"}`
//! (an address stands for its network), or with both. Nodes that share a store hear of it within seconds.

use std::net::IpAddr;

use accounts::Cleared;
use async_trait::async_trait;
use crest::ResourceError;
use process::Topic;
use serde_json::{Value, json};

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource, unknown_action};
use crate::routes::{Body, Route, Who, action, found};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "vestibule/limits",
    chapter: "Server",
    resource: |_, _| found(Limits),
    operations: &[action("/vestibule/limits", "clear", Who::AdministratorsAlone, "Ends the exhausted budgets of a person or a network.")
        .carries(Body::Object)],
}];

/// Rates and budgets.
pub(super) struct Limits;

#[async_trait]
impl Resource for Limits {
    fn kind(&self) -> &'static str {
        "limits"
    }

    async fn action(&self, cx: &Context<'_>, name: &str) -> Answer {
        if name != "clear" {
            return Err(unknown_action(name));
        }
        let text = |name: &str| match cx.body().get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.trim())),
            Some(_) => Err(ResourceError::bad_request(format!("'{name}' is a text"))),
        };
        let (person, network) = (text("person")?, text("network")?);
        let address = network.map(str::parse::<IpAddr>).transpose();
        let address = address.map_err(|_| ResourceError::bad_request("'network' is an IP address, which stands for its network"))?;
        if person.is_none() && address.is_none() {
            return Err(ResourceError::bad_request("Name a 'person' or a 'network' whose limits are cleared").into());
        }
        let mut all: Vec<_> = address.map(Cleared::Network).into_iter().collect();
        if let Some(person) = person {
            all.extend(names(cx, person).await?.into_iter().map(Cleared::Account));
        }
        for cleared in &all {
            cx.app.accounts.limits.clear(cleared);
        }
        let detail = json!({ "person": person, "network": address });
        cx.app.accounts.trail.record(cx.event(Topic::Activity, "limits-cleared", "vestibule/limits".to_owned(), detail));
        for cleared in &all {
            cx.app.others.clear(cleared).await?;
        }
        Ok(Reply::Action(Some(json!({ "status": "OK" }))))
    }
}

/// The login names of a person: what was sent, or those of the object that it is the path of.
async fn names(cx: &Context<'_>, person: &str) -> Result<Vec<String>, ResourceError> {
    let Some((collection, id)) = person.trim_matches('/').rsplit_once('/').filter(|(collection, _)| collection.starts_with("managed/"))
    else {
        return Ok(vec![person.to_owned()]);
    };
    let found = cx.runtime.managed.objects.read(collection, id).await.map_err(ResourceError::from)?;
    let found = found.ok_or_else(|| ResourceError::not_found(format!("Object {id} not found in {collection}")))?;
    Ok(cx.runtime.login_names(collection, &found.content))
}
