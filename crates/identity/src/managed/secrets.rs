//! Credentials and answers on their way into the store: hashed after the policies saw them, before anything else does.
//!
//! Easiest to break: a plain text is never taken for a hash, whatever it looks like. A process that hashed a secret early, so that no
//! clear text travels in its state, says so with [`sealed`]; no client can, because `$crypto` from a client is refused.

use crest::ResourceError;
use serde_json::{Map, Value, json};

use super::Managed;
use super::writer::Writer;
use crate::kba::{DefinitionRules, answer_secret, check_definition, hash_answers};
use crate::schema::ObjectSchema;
use crate::secret::{CRYPTO, Secret, StoredSecret, is_crypto_object};

/// The type of `$crypto` that only a process of this server makes.
const SEALED: &str = "stored-form";

/// Marks a value as already in its stored form: a password from [`crate::secret::Hasher::hash`], answers from
/// [`crate::kba::hash_answers`]. Accepted from [`Writer::Process`] for the properties it owns, and from nobody else.
#[must_use]
pub fn sealed(stored: Value) -> Value {
    let crypto = Map::from_iter([("type".to_owned(), json!(SEALED)), ("value".to_owned(), stored)]);
    Value::Object(Map::from_iter([(CRYPTO.to_owned(), Value::Object(crypto))]))
}

/// Whether a value was made by [`sealed`].
pub(super) fn is_sealed(value: &Value) -> bool {
    unsealed(value).is_some()
}

fn unsealed(value: &Value) -> Option<&Value> {
    let crypto = value.get(CRYPTO)?;
    if crypto.get("type").and_then(Value::as_str) == Some(SEALED) { crypto.get("value") } else { None }
}

impl Managed {
    /// Whether a property holds secrets: it is hashed when written and never shown.
    pub(super) fn is_secret(&self, schema: &ObjectSchema, name: &str) -> bool {
        name == self.kba.property
            || name == "password"
            || name == self.policies.password_property()
            || schema.property(name).is_some_and(crate::schema::Property::is_credential)
    }

    /// Whether a property never leaves through the API.
    pub(super) fn is_hidden(&self, schema: &ObjectSchema, name: &str) -> bool {
        let private = |property: &crate::schema::Property| property.scope == crate::schema::Scope::Private;
        self.is_secret(schema, name) || name == "fieldHistory" || schema.property(name).is_some_and(private)
    }

    /// `content` with its secrets hashed and marked by [`sealed`], ready to travel in a process's state.
    ///
    /// # Errors
    /// 404 for an unknown collection, 400 for answers or a password that cannot be used, those of the hasher.
    pub async fn seal(&self, collection: &str, mut content: Value) -> Result<Value, ResourceError> {
        let schema = self.schema(collection)?;
        if let Value::Object(members) = &mut content {
            for (name, value) in members.iter_mut().filter(|(name, _)| self.is_secret(schema, name)) {
                if !is_sealed(value) && !value.is_null() {
                    *value = sealed(self.stored_form(name, value, Writer::Process { owned: &[] }).await?);
                }
            }
        }
        Ok(content)
    }

    /// Puts every secret of an object into its stored form.
    pub(super) async fn harden(
        &self,
        schema: &ObjectSchema,
        content: &mut Map<String, Value>,
        by: Writer<'_>,
    ) -> Result<(), ResourceError> {
        let names: Vec<String> = content.keys().filter(|name| self.is_secret(schema, name)).cloned().collect();
        for name in names {
            let Some(value) = content.get(&name) else { continue };
            if value.is_null() {
                content.shift_remove(&name);
            } else {
                let stored = self.stored_form(&name, value, by).await?;
                content.insert(name, stored);
            }
        }
        Ok(())
    }

    /// The value to store for a secret. Whether `by` may bring a hash was decided before.
    pub(super) async fn stored_form(&self, name: &str, value: &Value, by: Writer<'_>) -> Result<Value, ResourceError> {
        if let (Writer::Process { .. }, Some(stored)) = (by, unsealed(value)) {
            return Ok(stored.clone());
        }
        if name == self.kba.property { self.stored_answers(value, by).await } else { self.stored_password(name, value).await }
    }

    async fn stored_password(&self, name: &str, value: &Value) -> Result<Value, ResourceError> {
        match value {
            Value::String(typed) => self.hasher.hash(Secret::password(typed)?).await,
            hashed if is_crypto_object(hashed) => match StoredSecret::recognise(hashed) {
                Some(stored) if stored.is_verifiable() => Ok(hashed.clone()),
                Some(StoredSecret::Unreadable { key }) => Err(ResourceError::bad_request(format!(
                    "The value of '{name}' is encrypted with the key '{key}' and cannot be read here"
                ))),
                _ => Err(ResourceError::bad_request(format!("The value of '{name}' is a hash that cannot be verified here"))),
            },
            _ => Err(ResourceError::bad_request(format!("The value of '{name}' must be text"))),
        }
    }

    async fn stored_answers(&self, value: &Value, by: Writer<'_>) -> Result<Value, ResourceError> {
        if !by.is_administrator() {
            let rules = DefinitionRules { minimum: 0, allow_hashed: false };
            let answers = check_definition(value, &self.kba, rules)?;
            return hash_answers(self.hasher.as_ref(), answers).await;
        }
        // An import may bring questions that were taken out since; they do no harm, and deleting answers would.
        let entries = value.as_array().ok_or_else(|| ResourceError::bad_request(format!("'{}' must be a list", self.kba.property)))?;
        if entries.len() > crate::kba::MAX_ANSWERS {
            return Err(ResourceError::bad_request(format!("'{}' has too many entries", self.kba.property)));
        }
        let mut stored = Vec::with_capacity(entries.len());
        for entry in entries {
            stored.push(self.stored_answer(entry).await?);
        }
        Ok(Value::Array(stored))
    }

    async fn stored_answer(&self, entry: &Value) -> Result<Value, ResourceError> {
        let wrong = |what: &str| ResourceError::bad_request(format!("Each entry of '{}' {what}", self.kba.property));
        let Some(members) = entry.as_object() else { return Err(wrong("must be an object")) };
        let mut kept = Map::new();
        for key in ["questionId", "customQuestion"] {
            if let Some(question) = members.get(key).and_then(Value::as_str).filter(|question| !question.trim().is_empty()) {
                kept.insert(key.into(), json!(question));
            }
        }
        if kept.is_empty() {
            return Err(wrong("must contain either a questionId or a customQuestion"));
        }
        let answer = match members.get("answer") {
            Some(Value::String(typed)) => self.hasher.hash(answer_secret(typed)?).await?,
            Some(hashed) if StoredSecret::recognise(hashed).is_some_and(|stored| is_crypto_object(hashed) && stored.is_verifiable()) => {
                hashed.clone()
            }
            Some(hashed) if is_crypto_object(hashed) => return Err(wrong("has a hash that cannot be verified here")),
            _ => return Err(wrong("must contain an answer")),
        };
        kept.insert("answer".into(), answer);
        Ok(Value::Object(kept))
    }
}
