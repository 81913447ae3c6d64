//! `attributecollection`: asks signed-in people for attributes of their own and writes them (docs/protocol/stages.md,
//! "attributecollection", docs/protocol/progressive-profile.md).
//!
//! Easiest to break: an empty input is a person who skips, and only where nothing is required and the form was shown: pages send
//! an empty first submission on their own, after a fault too (docs/protocol/clients.md, "Progressive profile in the client").
//! Everything else that is no answer is asked again. Attributes outside the form, and those their owner may not edit, are refused
//! before anything is written (decision 13).

use async_trait::async_trait;
use crest::{Fields, Patch, PatchOperation, Pointer, ResourceError};
use identity::{Audience, Managed, ObjectSchema, Property};
use process::keys::{Collection, Flag, Needed, PropertyName};
use process::{Compiling, Example, FactKind, Issue, Need, Progress, Requirements, Stage, StageContext, StageFacts, Subject, Tag};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::{self, Account, Cx};
use crate::stage::form;
use crate::{Refusal, Services, state};

/// Configuration of `attributecollection`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The collection of accounts.
    #[serde(default)]
    identity_service_url: Collection,
    /// What the form says: `displayName`, `purpose`, `buttonText`.
    #[serde(default, rename = "uiConfig")]
    texts: Option<Value>,
    /// The attributes, in order.
    #[serde(default)]
    attributes: Needed<Vec<AttributeConfig>>,
}

/// One attribute of the form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AttributeConfig {
    /// The property.
    #[serde(default)]
    name: Needed<PropertyName>,
    /// Whether the form cannot be left without it.
    #[serde(default)]
    is_required: Flag,
}

/// The stage.
pub(super) struct AttributeCollection {
    collection: String,
    ui_config: Value,
    attributes: Vec<Attribute>,
}

struct Attribute {
    name: String,
    field: Pointer,
    required: bool,
}

/// The member of an input that holds the answers.
const ATTRIBUTES: &str = "attributes";

#[async_trait]
impl Stage<Services> for AttributeCollection {
    const NAME: &'static str = "attributecollection";
    const SUMMARY: &'static str = "Asks the signed-in person for attributes and writes them.";
    const WRITES: &'static [&'static str] = &["attributes"];
    const STATE: &'static [&'static str] = &[state::NEW_MAIL, state::SKIPPED];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({
            "identityServiceUrl": "managed/user",
            "uiConfig": { "displayName": "About you", "purpose": "Help us to know you", "buttonText": "Save" },
            "attributes": [{ "name": "city", "isRequired": true }, { "name": "telephoneNumber", "isRequired": false }],
        }))
        .answered(Tag::INITIAL, json!({ "attributes": { "city": "Oslo" } }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { needs: vec![Need::any(&[FactKind::SignedIn])], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        let collection = account::collection(cx, &config.identity_service_url).map_err(|issue| issues.push(issue));
        let mut attributes: Vec<Attribute> = Vec::new();
        for (index, attribute) in config.attributes.0.into_iter().enumerate() {
            let key = format!("attributes/{index}/name");
            match account::field(cx, &key, &attribute.name, "") {
                Ok(field) if attributes.iter().any(|known| known.field == field) => {
                    issues.push(Issue::error(
                        format!("{}/{key}", cx.pointer()),
                        "duplicate",
                        format!("'{}' is asked for twice", attribute.name.trim()),
                    ));
                }
                Ok(field) => {
                    attributes.push(Attribute { name: attribute.name.trim().to_owned(), field, required: attribute.is_required.0 });
                }
                // That the name is missing is said already.
                Err(_) if attribute.name.trim().is_empty() => {}
                Err(issue) => issues.push(issue),
            }
        }
        let ui_config = form::ui_config(
            config.texts,
            &form::Texts { display_name: "Complete your profile", purpose: "Please fill in what is missing.", button_text: "Save" },
        );
        match collection {
            Ok(collection) if issues.is_empty() => Ok(Self { collection, ui_config, attributes }),
            _ => Err(issues),
        }
    }

    async fn requirements(&self, cx: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        let account = Account::read(cx).await?;
        if !cx.facts().proves(&account.subject) {
            return Err(ResourceError::forbidden("Access denied"));
        }
        let managed = &cx.services.managed;
        let schema = managed.schema(&account.subject.collection)?;
        let seen = account.stored.as_ref().map(|stored| managed.view(&account.subject.collection, stored, Audience::Owner, &self.fields()));
        let attributes: Vec<Value> = self.attributes.iter().map(|attribute| attribute.to_client_value(schema, seen.as_ref())).collect();
        let asked = Requirements::new("Attribute Details").with(ATTRIBUTES, attributes.into());
        Ok(Some(asked.with("uiConfig", self.ui_config.clone())))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let subject = cx.subject()?;
        if subject.collection != self.collection || !cx.facts().proves(&subject) {
            return Err(ResourceError::forbidden("Access denied"));
        }
        let given = match input.get(ATTRIBUTES) {
            Some(Value::Object(given)) => given,
            Some(value) if !value.is_null() => return Err(ResourceError::bad_request("attributes must be an object")),
            // The one exception to SEC-32, and it earns no fact: stock clients begin with a member, so only a person sends nothing at all.
            _ if input.is_empty() && !self.attributes.iter().any(|attribute| attribute.required) => {
                cx.put(state::SKIPPED, json!(true));
                return Ok(Progress::Done);
            }
            _ => return self.ask(cx).await,
        };
        let account = Account::read(cx).await?;
        let managed = std::sync::Arc::clone(&cx.services.managed);
        let schema = managed.schema(&subject.collection)?;
        let operations = self.operations(cx, &managed, schema, given)?;
        if self.attributes.iter().any(|attribute| attribute.is_missing(given, &account)) {
            cx.because("policy", json!({ "failed": "REQUIRED" }));
            return self.ask(cx).await;
        }
        commit(cx, &subject, operations).await?;
        Ok(Progress::Done)
    }
}

/// Writes attributes of the signed-in person for another stage, by the same rules.
///
/// # Errors
/// 403 for what the person may not edit and for failed policies.
pub(super) async fn write(cx: &mut Cx<'_>, given: &Map<String, Value>) -> Result<(), ResourceError> {
    let subject = cx.facts().signed_in().cloned().ok_or_else(|| ResourceError::forbidden("Access denied"))?;
    let managed = std::sync::Arc::clone(&cx.services.managed);
    let schema = managed.schema(&subject.collection)?;
    let by = Asker::of(cx);
    let operation =
        |(name, value): (&String, &Value)| operation(&managed, schema, name, (Pointer::from_tokens([name.as_str()]), value), &by);
    let operations = given.iter().map(operation).collect::<Result<Vec<_>, _>>()?;
    commit(cx, &subject, operations).await
}

/// What of whoever asks decides whether the present password is needed.
struct Asker {
    with_password: bool,
    roles: Vec<String>,
}

impl Asker {
    fn of(cx: &Cx<'_>) -> Self {
        let roles = cx.caller.authorization.get("roles").and_then(Value::as_array).into_iter().flatten();
        Self { with_password: cx.caller.reauthenticated, roles: roles.filter_map(Value::as_str).map(str::to_owned).collect() }
    }
}

/// One write; null and the empty text take a value away. What is protected needs the present password, as a patch does (SEC-20).
fn operation(
    managed: &Managed,
    schema: &ObjectSchema,
    name: &str,
    (field, value): (Pointer, &Value),
    by: &Asker,
) -> Result<PatchOperation, ResourceError> {
    let collection = schema.collection();
    let roles: Vec<&str> = by.roles.iter().map(String::as_str).collect();
    let asks = |top: &str| managed.is_password(&collection, top) || managed.policies.asks_password(&collection, top, &roles);
    if !by.with_password && (field.top().is_some_and(asks) || property(schema, &field).is_some_and(|property| property.is_protected)) {
        return Err(denied(name, "changing it needs the present password, in X-OpenIDM-Reauth-Password")
            .of_kind(Refusal::PresentPasswordMissing.kind()));
    }
    Ok(if is_empty(value) { PatchOperation::remove(field) } else { PatchOperation::replace(field, value.clone()) })
}

async fn commit(cx: &mut Cx<'_>, subject: &Subject, operations: Vec<PatchOperation>) -> Result<(), ResourceError> {
    if operations.is_empty() {
        return Ok(());
    }
    let credential = operations
        .iter()
        .filter_map(|operation| operation.field.top())
        .any(|top| cx.services.managed.is_password(&subject.collection, top));
    let changed = account::write(cx, account::Write { credential, ..account::Write::new(subject, Patch::new(operations)) }).await?;
    let object = format!("{}/{}", subject.collection, subject.id);
    cx.audit("updateProfile", object, true, json!({ "process": cx.process(), "changed": changed }));
    Ok(())
}

fn property<'s>(schema: &'s ObjectSchema, field: &Pointer) -> Option<&'s Property> {
    let (top, inner) = field.tokens().split_first()?;
    let found = schema.property(top);
    inner.iter().fold(found, |found, token| found?.properties.iter().find(|property| property.name == *token))
}

impl AttributeCollection {
    async fn ask(&self, cx: &mut Cx<'_>) -> Result<Progress, ResourceError> {
        Ok(Progress::ask(self.requirements(cx).await?.unwrap_or_else(Requirements::none)))
    }

    /// What must be readable to show the present values.
    fn fields(&self) -> Fields {
        let names: Vec<&str> = self.attributes.iter().filter_map(|attribute| attribute.field.top()).collect();
        Fields::parse(&names.join(",")).unwrap_or_default()
    }

    /// The writes that the answers ask for.
    fn operations(
        &self,
        cx: &Cx<'_>,
        managed: &Managed,
        schema: &ObjectSchema,
        given: &Map<String, Value>,
    ) -> Result<Vec<PatchOperation>, ResourceError> {
        let mut operations = Vec::new();
        let by = Asker::of(cx);
        for (name, value) in given {
            let named = |attribute: &&Attribute| attribute.name == *name || attribute.field.to_string() == *name;
            let Some(attribute) = self.attributes.iter().find(named) else { return Err(denied(name, "the form does not ask for it")) };
            let place = (attribute.field.clone(), value);
            operations.push(operation(managed, schema, name, place, &by)?);
        }
        Ok(operations)
    }
}

impl Attribute {
    /// `{name, isRequired, schema, value}`, as docs/protocol/progressive-profile.md shows it.
    fn to_client_value(&self, schema: &ObjectSchema, seen: Option<&Value>) -> Value {
        let schema = property(schema, &self.field).map_or_else(|| json!({}), shown);
        let value = seen.and_then(|seen| self.field.get(seen)).cloned().unwrap_or_default();
        json!({ "name": self.name, "isRequired": self.required, "schema": schema, "value": value })
    }

    /// Whether it is required, and neither given nor stored.
    fn is_missing(&self, given: &Map<String, Value>, account: &Account) -> bool {
        let sent = given.get(&self.name).or_else(|| given.get(&self.field.to_string()));
        let value = sent.or_else(|| account.value(&self.field));
        self.required && value.is_none_or(is_empty)
    }
}

/// Nothing that could count as an answer.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// A property's declaration as the documented answer has it: what the schema itself says, and no more of what is filled in elsewhere
/// than every client reads.
fn shown(property: &Property) -> Value {
    const ALWAYS: [&str; 6] = ["title", "description", "viewable", "userEditable", "encryption", "policies"];
    let mut value = property.sanitized_value();
    if let Value::Object(members) = &mut value {
        members.retain(|key, _| ALWAYS.contains(&key.as_str()) || property.raw.get(key).is_some());
    }
    value
}

fn denied(name: &str, reason: &str) -> ResourceError {
    ResourceError::forbidden("Access denied").with_detail(json!({ "property": name, "reason": reason }))
}
