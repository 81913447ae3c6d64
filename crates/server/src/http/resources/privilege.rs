//! `privilege`: delegated administration. Nobody has privileges here, which clients read as an empty menu (client-contract §11.2).

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource, unknown_action};

/// The privileges on a resource, or all of them.
pub(super) struct Privilege {
    /// `managed/user`.
    pub(super) of: Option<String>,
}

#[async_trait]
impl Resource for Privilege {
    fn kind(&self) -> &'static str {
        "privilege"
    }

    async fn read(&self, cx: &Context<'_>, _known: Option<&str>) -> Answer {
        if self.of.is_none() {
            return Err(cx.call.path.not_found(0).into());
        }
        // All four must be there; clients look for the names before they look at the values.
        let none = json!({"allowed": false, "properties": []});
        Ok(Reply::resource(json!({"VIEW": none, "CREATE": none, "UPDATE": none, "DELETE": {"allowed": false}})))
    }

    async fn action(&self, _cx: &Context<'_>, name: &str) -> Answer {
        match (name, &self.of) {
            ("listPrivileges", None) => Ok(Reply::Action(Some(Value::Array(Vec::new())))),
            (other, _) => Err(unknown_action(other)),
        }
    }
}
