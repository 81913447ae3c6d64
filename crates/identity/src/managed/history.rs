//! Earlier values of properties whose new value must be new: as many as the policy `is-new` says, in `fieldHistory`, where projects with a
//! script of their own keep them, too.
//!
//! Easiest to get wrong: what is remembered is kept no more readably than the value itself was.

use crest::{PatchOperation, Pointer, ResourceError};
use serde_json::Value;

use super::Managed;
use crate::policy::HISTORY;
use crate::schema::{ObjectSchema, Property};
use crate::secret::Secret;

impl Managed {
    /// What an update adds to the object so that the values it replaces are remembered. A script that wrote the history itself has its way.
    pub(super) async fn remember(
        &self,
        schema: &ObjectSchema,
        stored: &Value,
        content: &Value,
    ) -> Result<Vec<PatchOperation>, ResourceError> {
        let history = stored.get(HISTORY);
        let mut operations = Vec::new();
        if history != content.get(HISTORY) {
            return Ok(operations);
        }
        for (name, length) in self.policies.remembered(&schema.collection()) {
            let replaced = stored.get(name).filter(|value| !value.is_null() && content.get(name) != Some(value));
            let Some(replaced) = replaced else { continue };
            let entry = match (schema.property(name), replaced) {
                (Some(property), Value::String(text)) if Property::is_sealed(property) => self.hasher.hash(Secret::password(text)?).await?,
                (Some(property), _) if Property::is_sealed(property) => continue,
                _ => replaced.clone(),
            };
            let mut kept = history.and_then(|history| history.get(name)).and_then(Value::as_array).cloned().unwrap_or_default();
            kept.push(entry);
            kept.drain(..kept.len().saturating_sub(length));
            operations.push(PatchOperation::replace(Pointer::from_tokens([HISTORY, name]), Value::Array(kept)));
        }
        Ok(operations)
    }
}
