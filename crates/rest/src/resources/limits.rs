//! `vestibule/limits`: ends an exhausted budget before its time (administrators). An extension; IDM has nothing like it.
//!
//! `POST …?_action=clear` with `{"person": "bjensen"}` (a login name, or the path of an object such as `managed/user/<id>`), with `{"network": "192.0.2.7"}`
//! (an address stands for its network), or with both. Nodes that share a store hear of it within seconds.

use std::net::IpAddr;

use async_trait::async_trait;
use crest::ResourceError;
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
        cx.actor().clear_limits(cx.app.others.as_ref(), person, address).await?;
        Ok(Reply::Action(Some(json!({ "status": "OK" }))))
    }
}
