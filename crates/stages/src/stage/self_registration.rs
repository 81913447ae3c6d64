//! `selfRegistration`: makes the account out of what was collected (docs/protocol/stages.md, "selfRegistration"). Asks nothing.
//!
//! Easiest to break: what a client typed was checked when it arrived, and is checked again here, because names are taken meanwhile and
//! parts came from several stages; and the address that was confirmed is the one the account gets (SEC-36).

use async_trait::async_trait;
use crest::{Fields, Pointer, Resource, ResourceError};
use identity::metadata::{Keeper, Tracked};
use identity::{Audience, Managed, ObjectSchema, PEOPLE, Prepared, Writer};
use process::keys::Collection;
use process::{
    Compiling, Effect, Example, Fact, FactKind, Issue, Mail, Need, Progress, Requirements, Stage, StageContext, StageFacts, Subject,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::{self, Cx};
use crate::links::brought;
use crate::stage::{details, letter, terms};
use crate::{Author, MailAddress, MailRequest, Services, distinct, of_scripts, state};

/// Configuration of `selfRegistration`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The collection of accounts.
    #[serde(default)]
    identity_service_url: Collection,
}

/// The stage.
pub(super) struct SelfRegistration {
    collection: String,
}

/// The project's mail to a new person.
const WELCOME: &str = "welcome";

#[async_trait]
impl Stage<Services> for SelfRegistration {
    const NAME: &'static str = "selfRegistration";
    const SUMMARY: &'static str = "Creates the account of a new person.";
    const WRITES: &'static [&'static str] = &["account"];
    const CLASS: Option<&'static str> = Some("org.forgerock.selfservice.stages.registration.UserRegistrationConfig");
    const STATE: &'static [&'static str] = &[state::USER_ID, state::USER];
    const USUAL_FOR: &'static [FactKind] = &[FactKind::Created];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({ "identityServiceUrl": "managed/user" }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { needs: vec![Need::any(&[FactKind::NewUser])], gives: vec![FactKind::Created], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let collection = account::collection(cx, &config.identity_service_url).map_err(|issue| vec![issue])?;
        Ok(Self { collection })
    }

    fn asks(&self) -> bool {
        false
    }

    async fn requirements(&self, _: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(None)
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, _: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let managed = account::on_behalf(cx);
        let schema = managed.schema(&self.collection)?;
        let mut content = details::collected(cx);
        let mail = account::mail_field(cx);
        let address = address_of(&content, &mail);
        if let Some(confirmed) = details::confirmed_address(cx) {
            details::agrees(&confirmed, address.as_deref().unwrap_or_default())?;
        }
        let meta = accepted(cx, schema);
        let consented = cx.value(state::CONSENTED).cloned().map(|mappings| (details::CONSENTED_MAPPINGS.to_owned(), mappings));
        content.extend(meta.clone());
        content.extend(consented.clone());
        let sealed = content.clone();
        let mut owned = vec![details::PASSWORD, managed.kba.property.as_str()];
        owned.retain(|name| content.contains_key(*name));
        owned.extend(managed.sealed_members(&self.collection, &sealed));
        owned.extend(meta.iter().chain(&consented).map(|(name, _)| name.as_str()));
        let by = Writer::Process { owned: &owned };
        let prepared = managed.create(&self.collection, None, Value::Object(content), by).await?;
        let id = prepared.id.clone();
        self.created(cx, prepared, &mail)?;
        self.link(cx, &managed, &id).await?;
        Ok(Progress::Done)
    }
}

impl SelfRegistration {
    /// Links the account at an identity provider that the person came with.
    async fn link(&self, cx: &mut Cx<'_>, managed: &Managed, id: &str) -> Result<(), ResourceError> {
        let Some(proven) = brought(cx).filter(|_| self.collection == PEOPLE) else { return Ok(()) };
        for effect in crate::link(managed, &proven, id).await? {
            cx.effect(effect);
        }
        cx.put(state::OAUTH_LOGIN, cx.services.social_sign_in.into());
        Ok(())
    }

    fn created(&self, cx: &mut Cx<'_>, prepared: Prepared, mail: &Pointer) -> Result<(), ResourceError> {
        let mut names = distinct(&cx.services.managed, &self.collection, &prepared, Author::Person);
        names.extend(of_scripts(&cx.services.managed, &prepared));
        let Prepared { id, change, content, .. } = prepared;
        let Some(change) = change else { return Err(ResourceError::internal("The account was not made")) };
        cx.effect(Effect::Change(change));
        for effect in names {
            cx.effect(effect);
        }
        let object = Resource { id: id.clone(), revision: String::new(), content };
        if let Some(address) = mail.get(&object.content).and_then(Value::as_str).map(str::to_owned) {
            let confirmed = details::confirmed_address(cx).is_some();
            cx.effect(Effect::Address { collection: self.collection.clone(), id: id.clone(), address, confirmed });
        }
        if let Some(mail) = self.welcome(cx, &object, mail) {
            cx.effect(Effect::Mail(mail));
        }
        cx.audit("register", format!("{}/{id}", self.collection), true, json!({ "process": cx.process(), "instance": cx.instance() }));
        forget_secrets(cx);
        cx.put(state::USER_ID, id.clone().into());
        cx.grant(Fact::Created { subject: Subject { collection: self.collection.clone(), id, decoy: false } })
    }

    /// The project's welcome, where it has one and the person has an address.
    fn welcome(&self, cx: &mut Cx<'_>, object: &Resource, mail: &Pointer) -> Option<Mail> {
        let address: MailAddress = mail.get(&object.content)?.as_str()?.parse().ok()?;
        if !cx.services.mail_configured {
            return None;
        }
        let shown = cx.services.managed.view(&self.collection, object, Audience::Owner, &Fields::all());
        let rendered = cx.services.templates.render(WELCOME, &cx.caller.locales, &shown)?;
        let allowed = cx.services.mail_budget.allow(&MailRequest::of(cx, address.as_str(), false), cx.now);
        letter::tell(cx, false, allowed);
        Some(Mail {
            to: address.into(),
            from: rendered.from,
            subject: rendered.subject,
            mime_type: rendered.mime_type,
            body: rendered.body,
            wait: false,
            withheld: allowed.is_err(),
            client: cx.services.mail_budget.client(&cx.caller.address),
        })
    }
}

fn address_of(content: &Map<String, Value>, mail: &Pointer) -> Option<String> {
    let (top, rest) = mail.tokens().split_first()?;
    Pointer::from_tokens(rest.iter().map(String::as_str)).get(content.get(top)?)?.as_str().map(str::to_owned)
}

/// The metadata of a person who accepted the terms.
fn accepted(cx: &Cx<'_>, schema: &ObjectSchema) -> Option<(String, Value)> {
    let tracked = Tracked::of(schema, []);
    terms::acceptance(cx).map(|acceptance| Keeper { schema, tracked: &tracked }.of_new(&acceptance))
}

/// The store has them now; the state needs them no longer. A sealed password stays for the stage that uses it.
fn forget_secrets(cx: &mut Cx<'_>) {
    let mut user = details::collected(cx);
    let kba = &cx.services.managed.kba.property;
    user.retain(|name, _| name != details::PASSWORD && name != kba);
    cx.put(state::USER, user.into());
}
