//! `idmUserDetails`: the form of a new person, built from the schema (docs/protocol/stages.md, "idmUserDetails" and
//! "allInOneRegistration"). Creates nothing.
//!
//! Easiest to break: every name in `required` is one in `properties`, or the stock client does not show the form
//! (docs/protocol/clients.md, "Processes in the client").

use std::sync::Arc;

use async_trait::async_trait;
use crest::ResourceError;
use identity::{JsonType, ObjectSchema, PEOPLE, Property, Schemas};
use process::keys::{Flag, PreferenceNames, PropertyNames};
use process::{
    Compiling, Example, FactKind, FormerToken, Issue, Joined, Progress, Requirements, Stage, StageContext, StageFacts, Tag, TakenOver,
    loose, nearest,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Services;
use crate::account::Cx;
use crate::links::{brought, by_token};
use crate::stage::by_provider::{self, NO_PROVIDER, is_askable, offered};
use crate::stage::details::{self, Details, Keys, PASSWORD, typed_user};

/// Configuration of `idmUserDetails`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// Where the details belong.
    #[serde(flatten, deserialize_with = "loose::shared_keys")]
    details: Keys,
    /// Whether an identity provider may fill in the form.
    #[serde(default)]
    social_registration_enabled: Flag,
    /// The properties that are asked for, in this order; else those the schema requires. The password always is.
    #[serde(default)]
    registration_properties: PropertyNames,
    /// The preferences that are asked for, in this order.
    #[serde(default)]
    registration_preferences: PreferenceNames,
}

/// The stage.
pub(super) struct IdmUserDetails {
    details: Details,
    properties: Vec<String>,
    preferences: Vec<String>,
    by_provider: bool,
}

#[async_trait]
impl Stage<Services> for IdmUserDetails {
    const NAME: &'static str = "idmUserDetails";
    const SUMMARY: &'static str = "Collects the details of a new person in a form made of the schema.";
    const STATE: &'static [&'static str] = details::STATE;
    const USUAL_FOR: &'static [FactKind] = &[FactKind::NewUser];
    const JOINED: Joined = Joined::InOrder;

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({
            "identityEmailField": "mail", "identityServiceUrl": "managed/user", "socialRegistrationEnabled": false,
            "registrationProperties": ["userName", "givenName", "sn", "mail"], "registrationPreferences": ["marketing", "updates"],
        }))
        .answered(Tag::INITIAL, json!({ "user": details::example() }))
    }

    fn facts(config: &Config) -> StageFacts {
        let may_give = if config.social_registration_enabled.0 { vec![FactKind::OwnsExternal] } else { Vec::new() };
        StageFacts { gives: vec![FactKind::NewUser, FactKind::Mail], may_give, ..StageFacts::default() }
    }

    fn compiled_facts(&self, mut declared: StageFacts) -> StageFacts {
        if !self.by_provider {
            declared.may_give.retain(|kind| *kind != FactKind::OwnsExternal);
        }
        declared
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let details = Details::compile(&config.details, true, cx)?;
        let by_provider = config.social_registration_enabled.0;
        if by_provider && details.collection != PEOPLE {
            let message = format!("accounts at identity providers are linked to people of {PEOPLE}, so nobody registers with one here");
            cx.issues.push(Issue::warning(cx.pointer(), "social-registration", message));
        }
        let by_provider = by_provider && details.collection == PEOPLE;
        let (properties, preferences) = (config.registration_properties.0, config.registration_preferences.0);
        let stage = Self { details, properties, preferences, by_provider };
        stage.compare_with_schema(cx);
        Ok(stage)
    }

    async fn requirements(&self, cx: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        let schema = cx.services.managed.schema(&self.details.collection)?;
        let mut shown = details::shown(cx, &self.details.mail);
        if let Value::Object(shown) = &mut shown {
            for (name, value) in offered(cx, schema) {
                shown.entry(name).or_insert(value);
            }
        }
        let user = json!({ "description": "User details", "type": "object", "default": shown });
        let mut asked = Requirements::new("New user details").required("user", user).with("registrationProperties", self.form(schema));
        if !self.preferences.is_empty() {
            asked = asked.with("registrationPreferences", self.preferences(schema));
        }
        Ok(Some(asked))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let given = |name: &str| input.get(name).is_some_and(|value| !value.is_null());
        if given("clientToken") {
            self.bring(cx, input).await?;
        }
        let managed = Arc::clone(&cx.services.managed);
        let schema = managed.schema(&self.details.collection)?;
        let offered = offered(cx, schema);
        // Whoever came from a provider gives the rest bit by bit. Everybody else is told what is missing: their clients keep the form.
        let asked: Vec<&str> = match brought(cx) {
            Some(_) => self.asked(schema).into_iter().map(|property| property.name.as_str()).collect(),
            None => Vec::new(),
        };
        if !given("user") {
            if offered.is_empty() || !given("clientToken") {
                return self.ask(cx).await;
            }
            return match self.details.take_some(cx, &offered, &[], &asked).await {
                Ok(_) => Ok(Progress::Done),
                // The provider does not say enough, or somebody else is called so: the person completes it.
                Err(error) if error.code == 403 => self.ask(cx).await,
                Err(error) => Err(error),
            };
        }
        let mut user = offered;
        // What is typed counts, also where it was emptied.
        user.extend(typed_user(input)?.clone());
        if self.details.take_some(cx, &user, &asked, &asked).await? {
            return Ok(Progress::Done);
        }
        by_provider::was_offered(cx);
        self.ask(cx).await
    }

    async fn take_over(&self, cx: &mut StageContext<'_, Services>, former: &FormerToken) -> Result<TakenOver, ResourceError> {
        self.details.take_over(cx, former).await
    }
}

impl IdmUserDetails {
    async fn ask(&self, cx: &mut Cx<'_>) -> Result<Progress, ResourceError> {
        let requirements = self.requirements(cx).await?.unwrap_or_else(Requirements::none);
        Ok(Progress::Ask { tag: by_provider::tag(cx), requirements, delivery: None })
    }

    /// Takes the account at an identity provider that the person comes with.
    async fn bring(&self, cx: &mut Cx<'_>, input: &Map<String, Value>) -> Result<(), ResourceError> {
        let refused = || ResourceError::bad_request(NO_PROVIDER);
        let text = input.get("clientToken").and_then(Value::as_str).filter(|_| self.by_provider).ok_or_else(refused)?;
        let proven = by_token(cx, text).await?.ok_or_else(refused)?;
        by_provider::bring(cx, proven).await
    }

    /// The properties that are shown: those configured, or required by the schema, as far as a person may set them. The password has a
    /// place of its own in every client.
    fn asked<'s>(&self, schema: &'s ObjectSchema) -> Vec<&'s Property> {
        let names = if self.properties.is_empty() { &schema.required } else { &self.properties };
        names.iter().filter_map(|name| schema.property(name)).filter(|property| is_askable(property) && property.name != PASSWORD).collect()
    }

    fn form(&self, schema: &ObjectSchema) -> Value {
        let asked = self.asked(schema);
        let required: Vec<&str> = asked.iter().map(|property| property.name.as_str()).filter(|name| schema.requires(name)).collect();
        let properties: Map<String, Value> = asked.iter().map(|property| (property.name.clone(), field(property))).collect();
        json!({ "properties": properties, "required": required })
    }

    fn preferences(&self, schema: &ObjectSchema) -> Value {
        let declared = schema.property("preferences").map(|property| property.properties.as_slice()).unwrap_or_default();
        let find = |name: &String| declared.iter().find(|property| property.name == *name);
        let shown = |property: &Property| {
            let description = property.description.clone().filter(|text| !text.is_empty()).unwrap_or_else(|| property.label().into_owned());
            json!({ "description": description, "type": kind(property) })
        };
        self.preferences.iter().filter_map(find).map(|property| (property.name.clone(), shown(property))).collect::<Map<_, _>>().into()
    }

    /// Says which names of the configuration have no effect. Only says: the schema that counts is the one that is in force when
    /// somebody registers.
    fn compare_with_schema(&self, cx: &mut Compiling<'_, Services>) {
        let file = cx.companion("managed");
        let schemas = if file.is_null() { Schemas::builtin() } else { Schemas::read(file).0 };
        let pointer = cx.pointer().to_owned();
        let Some(schema) = schemas.get(&self.details.collection) else {
            let message = format!("'{}' is no object type of managed.json; nobody can register", self.details.collection);
            cx.issues.push(Issue::warning(format!("{pointer}/identityServiceUrl"), "unknown-collection", message));
            return;
        };
        for (index, name) in self.properties.iter().enumerate() {
            let at = format!("{pointer}/registrationProperties/{index}");
            match schema.property(name) {
                None => {
                    let issue = Issue::warning(
                        at,
                        "unknown-property",
                        format!("there is no property '{name}' in managed.json; it is not asked for"),
                    );
                    let near = nearest(name, schema.properties.iter().map(|property| property.name.as_str()));
                    cx.issues.push(match near {
                        Some(near) => issue.with_help(format!("did you mean '{near}'?")),
                        None => issue,
                    });
                }
                Some(property) if !is_askable(property) => {
                    let message = format!("'{name}' is not userEditable, so a person cannot set it; it is not asked for");
                    cx.issues.push(Issue::warning(at, "not-editable", message));
                }
                Some(_) => {}
            }
        }
        let preferences = schema.property("preferences").map(|property| property.properties.as_slice()).unwrap_or_default();
        for (index, name) in self.preferences.iter().enumerate().filter(|(_, name)| !preferences.iter().any(|known| known.name == **name)) {
            let message = format!("there is no preference '{name}' in managed.json; it is not asked for");
            cx.issues.push(Issue::warning(format!("{pointer}/registrationPreferences/{index}"), "unknown-preference", message));
        }
        let given = |name: &String| self.properties.is_empty() || self.properties.contains(name) || name == PASSWORD;
        let missing = schema.required.iter().filter(|name| !given(name) && self.details.mail.top() != Some(name.as_str()));
        for name in missing {
            let has_default = schema.property(name).is_some_and(|property| property.default.is_some());
            if !has_default {
                let message =
                    format!("managed.json requires '{name}', which is not asked for: every registration fails unless the client sends it");
                cx.issues.push(Issue::warning(format!("{pointer}/registrationProperties"), "required-not-asked", message));
            }
        }
    }
}

/// One property of the form. Clients compare `type` with a single name, and take the last of several `description` and `title`.
fn field(property: &Property) -> Value {
    let mut field = Map::new();
    field.insert("title".into(), json!(property.label()));
    field.insert(
        "description".into(),
        json!(property.description.clone().filter(|text| !text.is_empty()).unwrap_or_else(|| property.label().into_owned())),
    );
    field.insert("type".into(), json!(kind(property)));
    let policies: Vec<Value> = property.policies.iter().map(identity::DeclaredPolicy::to_value).collect();
    field.insert("policies".into(), policies.into());
    let sanitised = property.sanitized_value();
    for key in ["minLength", "maxLength", "pattern", "enum", "options", "format", "items", "properties", "order"] {
        if let Some(value) = sanitised.get(key) {
            field.insert(key.into(), value.clone());
        }
    }
    field.into()
}

fn kind(property: &Property) -> &'static str {
    property.types.iter().find(|kind| **kind != JsonType::Null).map_or("string", |kind| kind.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_asked_for_with_everything_that_makes_its_control() {
        let colour = json!({
            "title": "Colour", "type": ["string", "null"], "maxLength": 2000, "enum": ["r", "g"], "options": {"enum_titles": ["Red", "Green"]},
            "userEditable": true, "viewable": true,
        });
        let declared = json!({"objects": [{"name": "user", "schema": {"properties": {"colour": colour}}}]});
        let schemas = Schemas::read(&declared).0;
        let asked = field(schemas.get(PEOPLE).unwrap().property("colour").unwrap());
        let wanted = json!({
            "title": "Colour", "description": "Colour", "type": "string", "policies": [], "maxLength": 2000, "enum": ["r", "g"],
            "options": {"enum_titles": ["Red", "Green"]},
        });
        assert_eq!(asked, wanted);
    }
}
