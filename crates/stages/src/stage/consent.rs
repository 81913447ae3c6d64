//! `consent`: asks new people whether their data may go to the targets of mappings that need consent (docs/protocol/stages.md,
//! "consent" and docs/protocol/companions.md, "Consent"). Where no mapping does, nobody is asked.

use async_trait::async_trait;
use crest::ResourceError;
use identity::consent::{Consents, consented_mappings};
use identity::html;
use process::keys::Collection;
use process::{Compiling, Example, Fact, FactKind, Issue, Joined, Progress, Requirements, Stage, StageContext, StageFacts, Tag};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::locale::Translations;
use crate::{Services, account, input, state};

/// What people read where the operator wrote nothing.
const DEFAULT_TEXT: [(&str, &str); 6] = [
    ("en", "Your personal data will be shared with the services named in the privacy policy. Do you agree?"),
    ("de", "Ihre personenbezogenen Daten werden an die in der Datenschutzerklärung genannten Dienste weitergegeben. Stimmen Sie zu?"),
    (
        "fr",
        "Vos données personnelles seront partagées avec les services indiqués dans la politique de confidentialité. Êtes-vous d’accord ?",
    ),
    ("es", "Sus datos personales se compartirán con los servicios indicados en la política de privacidad. ¿Está de acuerdo?"),
    ("ja", "個人情報が、プライバシーポリシーに記載されたサービスに提供されます。同意しますか？"),
    ("ar", "ستتم مشاركة بياناتك الشخصية مع الخدمات المذكورة في سياسة الخصوصية، ونطلب موافقتك على ذلك."),
];

/// Configuration of `consent`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The text by locale.
    #[serde(default)]
    consent_translations: Translations,
    /// The collection of accounts.
    #[serde(default)]
    identity_service_url: Collection,
}

/// The stage.
pub(super) struct Consent {
    collection: String,
    consents: Consents,
    text: Translations,
}

#[async_trait]
impl Stage<Services> for Consent {
    const NAME: &'static str = "consent";
    const SUMMARY: &'static str = "Asks for consent to the sharing of personal data.";
    const COMPANIONS: &'static [&'static str] = &["sync", "consent"];
    const STATE: &'static [&'static str] = &[state::CONSENTED];
    const JOINED: Joined = Joined::InOrder;

    type Config = Config;

    fn example() -> Example {
        let mapping = json!({
            "name": "managedUser_crm", "source": "managed/user", "target": "system/crm/account", "consentRequired": true,
            "displayName": "CRM", "properties": [{ "source": "mail", "target": "mail" }],
        });
        Example::new(json!({ "consentTranslations": { "en": "<p>May we share your data?</p>" } }))
            .with("sync", json!({ "mappings": [mapping] }))
            .with("consent", json!({ "enabled": true }))
            .answered(Tag::INITIAL, json!({ "consentGiven": "true" }))
            .or(json!({ "consentGiven": true }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { gives: vec![FactKind::Accepted], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let collection = account::collection(cx, &config.identity_service_url).map_err(|issue| vec![issue])?;
        let file = |value| Some(value).filter(|value: &&Value| !value.is_null());
        let (consents, _) = Consents::read(file(cx.companion("sync")), file(cx.companion("consent")));
        if !consents.required(&collection) {
            let message =
                format!("no mapping from {collection} has \"consentRequired\": true, or consent.json says false, so nobody is asked");
            cx.issues.push(Issue::hint(cx.pointer(), "no-consent-needed", message));
        }
        let text = if config.consent_translations.is_empty() {
            cx.issues.push(Issue::hint(cx.pointer(), "default-text", "'consentTranslations' is missing; people read a built-in text"));
            Translations::of(&DEFAULT_TEXT)
        } else {
            config.consent_translations.map(html::sanitise)
        };
        Ok(Self { collection, consents, text })
    }

    async fn requirements(&self, cx: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        if !self.consents.required(&self.collection) {
            return Ok(None);
        }
        let text = self.text.choose(&cx.caller.locales, &cx.services.default_locale).unwrap_or_default();
        let asked = Requirements::new("Consent").text("consentGiven", "Consent given");
        Ok(Some(asked.with("consent", json!(text)).with("consentEnabled", json!(true))))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        if !self.consents.required(&self.collection) {
            return Ok(Progress::Done);
        }
        if input::consent(input, "consentGiven") != Some(true) {
            return Err(ResourceError::bad_request("Must give consent"));
        }
        let consented = consented_mappings(input::moment(cx.now), self.consents.of(&self.collection));
        cx.put(state::CONSENTED, consented);
        cx.grant(Fact::Accepted { what: "consent".into(), version: String::new() })?;
        Ok(Progress::Done)
    }
}
