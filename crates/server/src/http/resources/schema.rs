//! `schema/managed/<object>`: an object type as clients draw it (client-contract §9).

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::http::context::Context;
use crate::http::reply::Reply;
use crate::http::resource::{Answer, Resource};

/// One type.
pub(super) struct Schema {
    collection: String,
    value: Value,
}

impl Schema {
    /// The type of a collection.
    pub(super) fn find(cx: &Context<'_>, collection: &str) -> Option<Self> {
        let schema = cx.runtime.schemas.get(collection)?;
        Some(Self { collection: collection.to_owned(), value: schema.sanitized_value() })
    }
}

#[async_trait]
impl Resource for Schema {
    fn kind(&self) -> &'static str {
        "schema"
    }

    async fn read(&self, _cx: &Context<'_>, _known: Option<&str>) -> Answer {
        let mut body = Map::new();
        body.insert("_id".into(), Value::from(self.collection.clone()));
        if let Value::Object(members) = &self.value {
            body.extend(members.clone());
        }
        Ok(Reply::resource(Value::Object(body)))
    }
}
