//! Credentials and answers on their way into the store: hashed after the policies saw them, before anything else does.
//!
//! Easiest to break: a plain text is never taken for a hash, whatever it looks like. A process that hashed a secret early, so that no
//! clear text travels in its state, says so with [`sealed`]; no client can, because `$crypto` from a client is refused.

use crest::ResourceError;
use serde_json::{Map, Value, json};

use super::Managed;
use super::marker::{is_sealed, sealed, unsealed};
use super::writer::Writer;
use crate::kba::{DefinitionRules, KbaConfig, answer_secret, check_definition, check_stored, hash_answers, mark_changed};
use crate::policy::HISTORY;
use crate::schema::{ObjectSchema, Property};
use crate::secret::{Secret, StoredSecret, is_crypto_object};

impl Managed {
    /// Whether a property holds secrets: it is hashed when written and never shown.
    pub(super) fn is_secret(&self, schema: &ObjectSchema, name: &str) -> bool {
        name == self.kba.property
            || name == "password"
            || name == self.policies.password_property()
            || schema.property(name).is_some_and(crate::schema::Property::is_credential)
            || self.policies.signing_in_with(name).any(|collection| collection == schema.collection())
    }

    /// Names of the members of an object that hold secrets, as they travel in a process's state ([`Managed::seal`]).
    #[must_use]
    pub fn sealed_members<'c>(&self, collection: &str, content: &'c Map<String, Value>) -> Vec<&'c str> {
        let Some(schema) = self.schemas.get(collection) else { return Vec::new() };
        content.iter().filter(|(name, value)| self.is_secret(schema, name) && is_sealed(value)).map(|(name, _)| name.as_str()).collect()
    }

    /// Whether a property is what people of this collection sign in with.
    #[must_use]
    pub fn is_password(&self, collection: &str, name: &str) -> bool {
        self.policies.is_password(collection, name)
    }

    /// Whether a property never leaves through the API.
    pub(super) fn is_hidden(&self, schema: &ObjectSchema, name: &str) -> bool {
        let private = |property: &crate::schema::Property| property.scope == crate::schema::Scope::Private;
        self.is_secret(schema, name) || name == HISTORY || schema.property(name).is_some_and(private)
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
                    *value = sealed(self.stored_form(schema, name, value, Writer::Process { owned: &[name.as_str()] }).await?);
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
        for (name, value) in content.iter_mut().filter(|(name, _)| !self.is_secret(schema, name)) {
            self.open_value(schema, name, value)?;
        }
        let names: Vec<String> = content.keys().filter(|name| self.is_secret(schema, name)).cloned().collect();
        for name in names {
            let Some(value) = content.get(&name) else { continue };
            if value.is_null() {
                content.shift_remove(&name);
            } else {
                let stored = self.stored_form(schema, &name, value, by).await?;
                content.insert(name, stored);
            }
        }
        Ok(())
    }

    /// The value to store for a secret. Whether `by` may bring a hash was decided before.
    pub(super) async fn stored_form(
        &self,
        schema: &ObjectSchema,
        name: &str,
        value: &Value,
        by: Writer<'_>,
    ) -> Result<Value, ResourceError> {
        if let (Writer::Process { .. }, Some(stored)) = (by, unsealed(value)) {
            return Ok(stored.clone());
        }
        if name == self.kba.property {
            let rules = self.definition_rules(&schema.collection(), &self.kba, self.kba.answers_to_define(None));
            self.stored_answers(value, by, rules).await
        } else {
            self.stored_password(name, value).await
        }
    }

    /// One more answer for the list that is there.
    pub(super) async fn one_more_answer(&self, schema: &ObjectSchema, value: Value, by: Writer<'_>) -> Result<Value, ResourceError> {
        let rules = self.definition_rules(&schema.collection(), &self.kba, 0);
        Ok(match self.stored_answers(&Value::Array(vec![value]), by, rules).await? {
            Value::Array(mut entries) => entries.pop().unwrap_or_default(),
            other => other,
        })
    }

    /// What somebody of this collection has to keep to who defines answers to the questions of `kba`, in a process or elsewhere: the length
    /// that the schema (`minLength` or the policy `minimum-length` of the members `answer` and `customQuestion`) and the file of the questions want.
    #[must_use]
    pub fn definition_rules(&self, collection: &str, kba: &KbaConfig, minimum: u32) -> DefinitionRules {
        let property = self.schemas.get(collection).and_then(|schema| schema.property(&self.kba.property));
        let members = property.and_then(|property| property.items.as_deref()).map(|items| items.properties.as_slice()).unwrap_or_default();
        let least = |name: &str| {
            let member = members.iter().find(|member| member.name == name)?;
            let by_policy = member.policies.iter().filter(|policy| policy.id == "minimum-length" && !policy.waived);
            let by_policy = by_policy.filter_map(|policy| crate::loose::as_count(policy.params.as_ref()?.get("minLength")?));
            by_policy.chain(member.min_length).max()
        };
        DefinitionRules {
            minimum,
            allow_hashed: false,
            answer_length: least("answer").unwrap_or(0).max(kba.answer_length.into()),
            question_length: least("customQuestion").unwrap_or(0).max(kba.question_length.into()),
        }
    }

    /// Whether a person's list of answers, as it is going to be stored, is as a process would have made it. What a process brings was judged by
    /// the process, and an administrator may bring fewer.
    pub(super) fn check_answers(&self, before: &Value, after: &Value, by: Writer<'_>) -> Result<(), ResourceError> {
        let name = self.kba.property.as_str();
        let unchanged = before.get(name) == after.get(name);
        if by.is_administrator() || unchanged {
            return Ok(());
        }
        let list = after.get(name).unwrap_or(&Value::Null);
        Ok(check_stored(list, self.kba.answers_to_define(None))?)
    }

    async fn stored_password(&self, name: &str, value: &Value) -> Result<Value, ResourceError> {
        match value {
            Value::String(typed) => self.hasher.hash(Secret::password(typed)?).await,
            hashed if is_crypto_object(hashed) => match StoredSecret::recognise(hashed) {
                Some(stored) if stored.is_verifiable() => Ok(hashed.clone()),
                // Nobody needs to read it again, so it is not kept readable.
                Some(StoredSecret::Unreadable { key }) => match self.opened(name, &key, hashed)? {
                    Value::String(plain) => self.hasher.hash(Secret::password(&plain)?).await,
                    _ => Err(ResourceError::bad_request(format!("The encrypted value of '{name}' is no text"))),
                },
                _ => Err(ResourceError::bad_request(format!("The value of '{name}' is a hash that cannot be verified here"))),
            },
            _ => Err(ResourceError::bad_request(format!("The value of '{name}' must be text"))),
        }
    }

    /// Opens a value that is encrypted with the operator's keystore and is going to be sealed at rest.
    pub(super) fn open_value(&self, schema: &ObjectSchema, name: &str, value: &mut Value) -> Result<(), ResourceError> {
        if schema.property(name).is_some_and(Property::is_sealed)
            && is_crypto_object(value)
            && let Some(StoredSecret::Unreadable { key }) = StoredSecret::recognise(value)
        {
            *value = self.opened(name, &key, value)?;
        }
        Ok(())
    }

    /// What the operator's keystore encrypted.
    fn opened(&self, name: &str, key: &str, crypto: &Value) -> Result<Value, ResourceError> {
        let cannot = |why: &str| {
            ResourceError::bad_request(format!("The value of '{name}' is encrypted with the key '{key}' and cannot be read here{why}"))
        };
        let opens = self.opens.as_ref().ok_or_else(|| cannot(": name the keystore in vestibule.toml, [keys] keystore"))?;
        opens.open(crypto).map_err(|reason| {
            tracing::warn!(property = name, key, reason, "an encrypted value cannot be opened");
            cannot("")
        })
    }

    async fn stored_answers(&self, value: &Value, by: Writer<'_>, rules: DefinitionRules) -> Result<Value, ResourceError> {
        if !by.is_administrator() {
            let answers = check_definition(value, &self.kba, rules)?;
            let mut stored = hash_answers(self.hasher.as_ref(), answers).await?;
            // A form that asked for them and nothing else.
            if matches!(by, Writer::Process { owned } if !owned.contains(&self.kba.property.as_str())) {
                mark_changed(&mut stored, self.clock.unix_seconds());
            }
            return Ok(stored);
        }
        // An import may bring questions that were taken out since; they do no harm, and deleting answers would.
        let entries = value.as_array().ok_or_else(|| ResourceError::bad_request(format!("'{}' must be a list", self.kba.property)))?;
        if entries.len() > crate::kba::MAX_ANSWERS {
            return Err(ResourceError::bad_request(format!("'{}' has too many entries", self.kba.property)));
        }
        let mut stored = Vec::with_capacity(entries.len());
        for entry in entries {
            stored.push(self.stored_answer(entry, rules).await?);
        }
        Ok(Value::Array(stored))
    }

    async fn stored_answer(&self, entry: &Value, rules: DefinitionRules) -> Result<Value, ResourceError> {
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
            Some(Value::String(typed)) => {
                // What is typed here is no import: but for how many there are, it is as a process would take it.
                if members.get("questionId").is_none_or(|id| id.as_str().is_none_or(|id| self.kba.question(id).is_some())) {
                    check_definition(&json!([entry]), &self.kba, DefinitionRules { minimum: 0, ..rules })?;
                }
                self.hasher.hash(answer_secret(typed)?).await?
            }
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
