//! The answer to a GET: what a process asks first.

use aws_lc_rs::digest;
use serde_json::{Map, Value, json};

use crate::{Requirements, Tag};

/// The answer to a GET.
#[derive(Clone, Debug, PartialEq)]
pub struct Initial {
    /// The body, `_id` and `_rev` included.
    pub body: Value,
    /// The body as text.
    pub text: String,
    /// The revision: a decimal hash of the content, also the `ETag`.
    pub revision: String,
}

impl Initial {
    /// What a stage of this name asks first.
    pub(crate) fn new(stage: &str, requirements: &Requirements) -> Self {
        let content = json!({ "type": stage, "tag": Tag::INITIAL.0, "requirements": requirements.to_value() });
        let revision = revision_of(&content.to_string());
        let mut body = Map::new();
        body.insert("_id".into(), json!("1"));
        body.insert("_rev".into(), json!(revision));
        if let Value::Object(content) = content {
            body.extend(content);
        }
        let body = Value::Object(body);
        let text = body.to_string();
        Self { body, text, revision }
    }
}

/// A decimal, possibly negative number, as stock servers print (decision 1): the first 32 bits of the content's SHA-256.
fn revision_of(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let bits = hash.as_ref().iter().take(4).fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
    bits.cast_signed().to_string()
}
