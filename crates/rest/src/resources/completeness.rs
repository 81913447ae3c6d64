//! `selfservice/profile/completeness/<collection>/<id>`: how complete a profile is (decision 18, docs/protocol/progressive-profile.md).

use async_trait::async_trait;
use aws_lc_rs::digest;
use crest::ResourceError;
use identity::percentage;
use serde_json::json;

use crate::context::Context;
use crate::reply::Reply;
use crate::resource::{Answer, Resource};
use crate::routes::{CONDITIONAL, Route, Who, get, perhaps};

/// Its rows.
pub(super) const ROUTES: &[Route] = &[Route {
    path: "selfservice/profile/completeness/{*object}",
    chapter: "Profile",
    resource: |_, at| perhaps(Completeness::of(at)),
    operations: &[
        get("/selfservice/profile/completeness/managed/{object}/{id}", Who::Owner, "How complete one's profile is.").with(CONDITIONAL)
    ],
}];

/// The figure of one person.
pub(super) struct Completeness {
    collection: String,
    id: String,
}

impl Completeness {
    /// The person that a path below `completeness` names.
    pub(super) fn of(segments: &[&str]) -> Option<Self> {
        let (id, collection) = segments.split_last()?;
        (!collection.is_empty()).then(|| Self { collection: collection.join("/"), id: (*id).to_owned() })
    }
}

#[async_trait]
impl Resource for Completeness {
    fn kind(&self) -> &'static str {
        "selfservice"
    }

    async fn read(&self, cx: &Context<'_>, known: Option<&str>) -> Answer {
        let Self { collection, id } = self;
        let managed = &cx.runtime.managed;
        managed.schema(collection)?;
        let found = managed.objects.read(collection, id).await.map_err(ResourceError::from)?;
        let person = found.ok_or_else(|| ResourceError::not_found(format!("Object {id} not found in {collection}")))?;
        let path = format!("{collection}/{id}");
        let percent = managed.completeness(collection, &person)?;
        let revision = revision_of(&format!("{path} {percent}"));
        if known == Some(revision.as_str()) {
            return Ok(Reply::NotModified(revision));
        }
        let body = json!({ "_id": path, "_rev": revision, "completeness": percentage(percent) });
        Ok(Reply::Resource { body, revision: Some(revision), selected: false, created: None })
    }
}

/// Sixteen hexadecimal digits of which the first eight are zero, as the documented answer has them.
fn revision_of(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let bits = hash.as_ref().iter().take(4).fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    format!("{bits:016x}")
}
