//! Patches. The operations are tried on a copy in which new secrets are in clear, for the policies; what is committed are the same
//! operations with the secrets hashed, so that two patches of different properties do not undo each other.

use crest::{Change, Operation, Patch, PatchOperation, Pointer, ResourceError};
use serde_json::{Map, Value, json};

use super::marker::is_sealed;
use super::writer::{self, Writer};
use super::{Expect, Managed, Prepared, effects, given, limits, relations};
use crate::events::Hook;
use crate::policy::{PATCH_MESSAGE, Validation, Which};
use crate::schema::ObjectSchema;

impl Managed {
    /// Changes parts of an object. Policies look at the properties that are touched; `_id` and `_rev` from an administrator are passed
    /// over, as they always were.
    ///
    /// # Errors
    /// 404 for an unknown collection or an object that is not there, 412 for a revision that is not current, 400 for operations that
    /// cannot be applied, 403 for what `by` may not change and for failed policies, 503 when the store or the hashing pool does not
    /// answer.
    pub async fn patch(
        &self,
        collection: &str,
        id: &str,
        patch: &Patch,
        by: Writer<'_>,
        expect: &Expect,
    ) -> Result<Prepared, ResourceError> {
        let schema = self.schema(collection)?;
        self.policies.guards().check(&format!("{collection}/{id}"), "patch")?;
        let stored = self.stored(collection, id).await?;
        expect.check(&stored)?;
        let mut allowed = self.allowed(schema, patch, by)?;
        let (changed, passed) = self.filtered_patch(schema, id, patch).await?;
        if let Some(changed) = &changed {
            allowed = self.allowed(schema, changed, Writer::Administrator)?;
        }
        let patch = changed.as_ref().unwrap_or(patch);
        let (deltas, operations) = relations::split(schema, allowed)?;
        let mut object = self.with_found(schema, id, &stored.content, &Patch::new(operations.clone())).await?;
        let operations = relations::patch_as_kept(schema, &object, operations);
        let mut steps = self.by_deltas(schema, id, &deltas).await?;
        let unchanged = |stored: crest::Resource| Prepared {
            id: id.to_owned(),
            content: stored.content.clone(),
            previous: Some(stored),
            ..Prepared::default()
        };

        let plain = Patch::new(operations.clone());
        if !plain.apply(&mut object)? {
            let before = passed.map(|work| work.take()).unwrap_or_default();
            return Ok(Prepared { before, after: steps, ..unchanged(stored) });
        }
        let touched: Vec<&str> = plain.touched().collect();
        for name in &touched {
            // Appending must not get past what may be set at once.
            object.get(*name).map_or(Ok(()), |value| limits::check_value(schema, name, value, Writer::Administrator, 1))?;
        }
        let request = Validation {
            which: Which::Named(&touched),
            id: Some(id),
            stored: Some(&stored.content),
            undisclosed: expect.undisclosed,
            ..Validation::new(collection, &object, self.clock.unix_seconds())
        };
        self.validated(request, PATCH_MESSAGE).await?;

        let scripts = passed.is_some() || Self::has_scripts(schema, &[Hook::OnUpdate, Hook::PostUpdate]);
        let occasion = scripts.then(|| self.occasion_after(passed, schema, id, ("patch", &json!(patch.to_value()))));
        let mut operations = operations;
        let Value::Object(mut members) = object else { return Err(super::not_an_object()) };
        if let Some(occasion) = &occasion {
            occasion.check_after(Hook::PostUpdate)?;
            let mut after = members.clone();
            let given = given::give(schema, id, &stored.revision, &mut after, true);
            occasion.before(Hook::OnUpdate, &mut after, Some(&given::given(schema, &stored))).await?;
            given.take_back(schema, &mut after);
            limits::check(schema, &Value::Object(after.clone()), Writer::Administrator)?;
            operations.extend(by_script(&members, after.clone()));
            members = after;
        }
        let touched: Vec<String> = operations.iter().flat_map(PatchOperation::written_tops).map(str::to_owned).collect();
        members.retain(|name, _| touched.contains(name));
        for name in &touched {
            // What was taken away whole is none.
            if schema.property(name).is_some_and(|property| property.relationship.is_some()) {
                members.entry(name.clone()).or_insert(Value::Null);
            }
        }
        relations::as_kept(schema, &mut members)?;
        steps.extend(self.relate(schema, id, &stored.content, &mut members).await?);
        let operations = relations::without_found(schema, operations, &members);

        let mut hardened = Vec::with_capacity(operations.len() + 1);
        let mut judged = false;
        for mut operation in operations {
            if let (Some(name), Some(value)) = (operation.field.top(), &mut operation.value)
                && operation.field.tokens().len() == 1
                && !self.is_secret(schema, name)
            {
                self.open_value(schema, name, value)?;
            }
            if let Some(name) = operation.field.top().filter(|name| self.is_secret(schema, name))
                && let Some(value) = operation.value.take()
            {
                judged |= name == self.kba.property && is_sealed(&value);
                operation.value = Some(self.hardened(schema, name, &operation, value, by).await?);
            }
            hardened.push(operation);
        }
        let mut content = stored.content.clone();
        Patch::new(hardened.clone()).apply(&mut content)?;
        if !judged {
            self.check_answers(&stored.content, &content, by)?;
        }
        let changed = differences(schema, &stored.content, &content);
        let history = self.remember(schema, &stored.content, &content).await?;
        Patch::new(history.clone()).apply(&mut content)?;
        hardened.extend(history);
        if self.notes_change(schema, &changed) {
            let notes: Vec<PatchOperation> = effects::changed(schema, self.clock.now()).collect();
            Patch::new(notes.clone()).apply(&mut content)?;
            hardened.extend(notes);
        }
        if content == stored.content {
            let before = occasion.as_ref().map(super::Occasion::steps).unwrap_or_default();
            return Ok(Prepared { before, after: steps, ..unchanged(stored) });
        }
        let edited = changed.iter().map(String::as_str).filter(|name| !self.is_secret(schema, name));
        let in_turn = limits::check_size(schema, (&stored.content, &content), edited, by)?;
        let change = Change::Patch {
            collection: collection.to_owned(),
            id: id.to_owned(),
            patch: Patch::new(hardened),
            expected: expect.revision.clone().or_else(|| in_turn.then(|| stored.revision.clone())),
            guard: expect.guard.clone(),
        };
        let previous = Some(stored);
        let mut prepared =
            Prepared { id: id.to_owned(), change: Some(change), content, previous, changed, after: steps, ..Prepared::default() };
        self.after(schema, occasion.as_ref(), Hook::PostUpdate, &mut prepared).await?;
        Ok(prepared)
    }

    /// The operations that `by` may do, in a form in which secrets are only ever set whole.
    fn allowed(&self, schema: &ObjectSchema, patch: &Patch, by: Writer<'_>) -> Result<Vec<PatchOperation>, ResourceError> {
        let secret = |name: &str| self.is_secret(schema, name);
        let mut allowed = Vec::with_capacity(patch.operations().len());
        for operation in patch.operations() {
            let Some(name) = operation.field.top() else {
                return Err(ResourceError::bad_request("The whole object cannot be patched"));
            };
            let source = operation.from.as_ref();
            if by.is_administrator() && (writer::is_identity(name) || source.and_then(Pointer::top).is_some_and(writer::is_identity)) {
                continue;
            }
            if schema.property(name).is_some_and(|property| property.is_virtual) && by.is_administrator() {
                return Err(ResourceError::bad_request(format!("The property '{name}' is computed and cannot be changed")));
            }
            writer::check_place(schema, &operation.field, operation.value.as_ref(), by, &secret)?;
            if let Some(value) = &operation.value {
                limits::check_value(schema, name, value, by, operation.field.tokens().len())?;
            }
            for token in operation.field.tokens().iter().skip(1) {
                limits::check_value(schema, name, &Value::from(token.as_str()), Writer::Owner, 0)?;
            }
            limits::check_name(name)?;
            if let Some(source) = source {
                self.check_source(schema, operation, source, by)?;
            }
            allowed.push(if secret(name) { self.of_secret(operation, name, by)? } else { operation.clone() });
        }
        Ok(allowed)
    }

    /// A copy must not carry out what the API does not show, nor a move take away what the writer may not change.
    fn check_source(
        &self,
        schema: &ObjectSchema,
        operation: &PatchOperation,
        source: &Pointer,
        by: Writer<'_>,
    ) -> Result<(), ResourceError> {
        let name = source.top().unwrap_or("");
        let hidden = self.is_hidden(schema, name) || name == schema.meta_property();
        if hidden || operation.field.top().is_some_and(|target| self.is_secret(schema, target)) {
            return Err(writer::denied(&[name.to_owned()], "the property can be neither copied nor moved"));
        }
        if operation.operation == Operation::Move {
            writer::check_place(schema, source, None, by, &|name| self.is_secret(schema, name))?;
        }
        Ok(())
    }

    /// Secrets are set or removed as a whole; to the list of answers one may be added.
    fn of_secret(&self, operation: &PatchOperation, name: &str, by: Writer<'_>) -> Result<PatchOperation, ResourceError> {
        let whole = operation.field.tokens().len() == 1;
        let appends = name == self.kba.property && operation.field.tokens().len() == 2 && operation.field.leaf() == Some("-");
        match operation.operation {
            Operation::Add | Operation::Replace if whole => Ok(PatchOperation { operation: Operation::Replace, ..operation.clone() }),
            Operation::Add if appends => Ok(operation.clone()),
            Operation::Remove if whole && !by.is_administrator() && name != self.kba.property => {
                Err(writer::denied(&[name.to_owned()], "a credential can be replaced but not removed"))
            }
            Operation::Remove if whole && operation.value.is_none() => Ok(operation.clone()),
            _ => Err(ResourceError::bad_request(format!("The property '{name}' can only be replaced or removed as a whole"))),
        }
    }

    async fn hardened(
        &self,
        schema: &ObjectSchema,
        name: &str,
        operation: &PatchOperation,
        value: Value,
        by: Writer<'_>,
    ) -> Result<Value, ResourceError> {
        if operation.field.leaf() == Some("-") {
            return self.one_more_answer(schema, value, by).await;
        }
        self.stored_form(schema, name, &value, by).await
    }

    /// Counters and metadata are no change of the person's data.
    fn notes_change(&self, schema: &ObjectSchema, changed: &[String]) -> bool {
        let counter = self.kba.attempts_property.as_deref();
        changed.iter().any(|name| Some(name.as_str()) != counter && name != schema.meta_property())
    }
}

/// What a script made of an object, as operations after those that it was called for.
fn by_script(before: &Map<String, Value>, after: Map<String, Value>) -> Vec<PatchOperation> {
    let field = |name: &str| Pointer::from_tokens([name]);
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let mut operations: Vec<PatchOperation> =
        gone.map(|name| PatchOperation { operation: Operation::Remove, field: field(name), value: None, from: None }).collect();
    let changed = after.into_iter().filter(|(name, value)| before.get(name) != Some(value));
    operations.extend(changed.map(|(name, value)| PatchOperation::replace(field(&name), value)));
    operations
}

/// Names of the properties that differ, metadata excepted.
pub(super) fn differences(schema: &ObjectSchema, before: &Value, after: &Value) -> Vec<String> {
    let names = |value: &Value| value.as_object().map(|members| members.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let mut changed = Vec::new();
    for name in names(before).into_iter().chain(names(after)) {
        if name != schema.meta_property() && before.get(&name) != after.get(&name) && !changed.contains(&name) {
            changed.push(name);
        }
    }
    changed
}
