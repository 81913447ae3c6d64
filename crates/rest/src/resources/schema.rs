//! `schema/managed/<object>`: an object type as clients draw it (docs/protocol/clients.md, "Profile page").

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{Route, Who, get, perhaps};
use accounts::INTERNAL;

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "schema/{*collection}",
    chapter: "Managed objects",
    resource: |cx, at| perhaps(Schema::find(cx, &at.join("/"))),
    operations: &[
        get("/schema/managed/{object}", Who::SignedIn, "The schema of an object type, as a client may see it."),
        get("/schema/internal/user", Who::SignedIn, "The schema of accounts of the configuration."),
    ],
}];

/// One type.
pub(super) struct Schema {
    collection: String,
    value: Value,
}

impl Schema {
    /// The type of a collection.
    pub(super) fn find(cx: &Context<'_>, collection: &str) -> Option<Self> {
        let value = match cx.runtime.schemas.get(collection) {
            Some(schema) => schema.sanitized_value(),
            None if collection == INTERNAL => internal_user(),
            None => return None,
        };
        Some(Self { collection: collection.to_owned(), value })
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

/// The type of accounts that are configured: stock clients do not open without one (docs/protocol/clients.md, "Start and route guard").
fn internal_user() -> Value {
    json!({
        "title": "Internal User",
        "icon": "",
        "type": "object",
        "order": ["_id", "userName", "preferences"],
        "required": [],
        "properties": {
            "_id": {"title": "Object ID", "description": "", "type": "string", "viewable": false, "userEditable": false, "searchable": false},
            "userName": {"title": "Username", "description": "", "type": "string", "viewable": true, "userEditable": false, "searchable": false},
            "preferences": {"title": "Preferences", "description": "", "type": "object", "viewable": false, "userEditable": false,
                            "searchable": false, "order": [], "properties": {}},
        },
    })
}
