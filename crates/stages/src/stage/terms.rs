//! `termsAndConditions`: asks a person to accept the terms in force (docs/protocol/stages.md, "termsAndConditions" and
//! docs/protocol/companions.md, "Terms and conditions"; `termsTranslations` of 5.5 and before).
//!
//! Easiest to break: the version recorded is the one that was shown, so both come from the definition the person began with.

use async_trait::async_trait;
use crest::ResourceError;
use identity::metadata::{Keeper, Tracked};
use identity::terms::{Terms, TermsVersion};
use identity::timestamp;
use process::{
    Compiling, Effect, Example, Fact, FactKind, FormerToken, Issue, Joined, Progress, Requirements, Stage, StageContext, StageFacts,
    Subject, Tag, TakenOver,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::Cx;
use crate::locale::Translations;
use crate::{Refusal, Services, input, state};

/// Configuration of `termsAndConditions`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The text by locale, where there is no `selfservice.terms.json` (5.5 and before).
    #[serde(default)]
    terms_translations: Option<Value>,
}

/// The stage.
pub(super) struct TermsAndConditions {
    /// None where there is nothing to accept.
    shown: Option<Shown>,
}

struct Shown {
    version: Option<String>,
    text: Translations,
    ui_config: Option<Value>,
}

impl Shown {
    fn of(active: &TermsVersion, ui_config: Option<Value>) -> Self {
        let texts: Vec<(&str, &str)> = active.texts().iter().map(|(locale, text)| (locale.as_str(), text.as_str())).collect();
        Self { version: active.version.clone(), text: Translations::of(&texts), ui_config }
    }
}

#[async_trait]
impl Stage<Services> for TermsAndConditions {
    const NAME: &'static str = "termsAndConditions";
    const SUMMARY: &'static str = "Asks for acceptance of the terms in force.";
    const WRITES: &'static [&'static str] = &["accepted terms"];
    const COMPANIONS: &'static [&'static str] = &["terms"];
    const OVERRIDES: &'static [(&'static str, &'static str)] = &[("terms", "termsTranslations")];
    const CLASS: Option<&'static str> = Some("org.forgerock.selfservice.stages.terms.TermsAndConditionsConfig");
    const STATE: &'static [&'static str] = &[state::TERMS_ACCEPTED, state::TERMS_DATE, state::TERMS_VERSION];
    const USUAL_FOR: &'static [FactKind] = &[FactKind::Accepted];
    const JOINED: Joined = Joined::InOrder;

    type Config = Config;

    fn example() -> Example {
        let terms = json!({
            "versions": [{
                "version": "1.0", "createDate": "2024-01-01T00:00:00.000Z", "termsTranslations": { "en": "<p>Be kind.</p>" },
            }],
            "active": "1.0",
            "uiConfig": { "displayName": "We've updated our terms", "purpose": "You must accept the updated terms", "buttonText": "Accept" },
        });
        Example::new(json!({})).with("terms", terms).answered(Tag::INITIAL, json!({ "accept": "true" })).or(json!({ "accept": true }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { gives: vec![FactKind::Accepted], ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let shown = if let Some(texts) = config.terms_translations.filter(|texts| !texts.is_null()) {
            let (terms, problems) = Terms::inline(&texts);
            let below = format!("{}/termsTranslations", cx.pointer());
            cx.issues.extend(
                problems.into_iter().map(|problem| Issue::warning(format!("{below}{}", problem.pointer), "terms", problem.message)),
            );
            terms.active().map(|active| Shown::of(active, None))
        } else {
            let (terms, _) = Terms::read(cx.companion("terms"));
            terms.active().map(|active| Shown::of(active, Some(terms.ui_config())))
        };
        if shown.is_none() {
            let issue = Issue::warning(cx.pointer(), "no-terms", "there are no terms in force, so nobody is asked to accept any");
            cx.issues.push(issue.with_help("write conf/selfservice.terms.json with 'versions' and 'active'"));
        }
        Ok(Self { shown })
    }

    async fn requirements(&self, cx: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        Ok(self.shown.as_ref().map(|shown| {
            let text = shown.text.choose(&cx.caller.locales, &cx.services.default_locale).unwrap_or_default();
            let asked = Requirements::new("Accept Terms and Condition").text("accept", "Accept").with("terms", json!(text));
            match &shown.ui_config {
                Some(ui_config) => asked.with("uiConfig", ui_config.clone()),
                None => asked,
            }
        }))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let Some(shown) = &self.shown else { return Ok(Progress::Done) };
        match input::consent(input, "accept") {
            None => {
                let asked = self.requirements(cx).await?.unwrap_or_else(Requirements::none);
                return Ok(Progress::ask(asked));
            }
            Some(false) => return Err(Refusal::AgreementMissing.into()),
            Some(true) => {}
        }
        record(cx, shown.version.as_deref())?;
        cx.grant(Fact::Accepted { what: TERMS.into(), version: shown.version.clone().unwrap_or_default() })?;
        Ok(Progress::Done)
    }

    /// Nobody was past it without having accepted them.
    async fn take_over(&self, cx: &mut StageContext<'_, Services>, _: &FormerToken) -> Result<TakenOver, ResourceError> {
        let accepted = Map::from_iter([("accept".to_owned(), json!(true))]);
        Ok(match self.advance(cx, Tag::INITIAL.0, &accepted).await? {
            Progress::Done => TakenOver::Passed,
            Progress::Ask { .. } => TakenOver::Never,
        })
    }
}

/// What was accepted, in [`Fact::Accepted`].
const TERMS: &str = "terms";

/// Puts the acceptance into the state for whoever creates or patches the person; a person created before gets it at once.
fn record(cx: &mut Cx<'_>, version: Option<&str>) -> Result<(), ResourceError> {
    cx.put(state::TERMS_ACCEPTED, json!(true));
    cx.put(state::TERMS_DATE, timestamp(input::moment(cx.now)).into());
    match version {
        Some(version) => cx.put(state::TERMS_VERSION, version.into()),
        None => {
            cx.take(state::TERMS_VERSION);
        }
    }
    let created = cx.facts().iter().find_map(|fact| match fact {
        Fact::Created { subject } => Some(subject.clone()),
        _ => None,
    });
    if let Some(Subject { collection, id, .. }) = created {
        let managed = std::sync::Arc::clone(&cx.services.managed);
        let schema = managed.schema(&collection)?;
        let tracked = Tracked::of(schema, []);
        let acceptance = identity::terms::acceptance(input::moment(cx.now), version);
        cx.effect(Effect::Change(Keeper { schema, tracked: &tracked }.accept_terms(&id, &acceptance)));
    }
    Ok(())
}

/// The acceptance that this process recorded, as metadata holds it; `None` where nothing was accepted.
pub(super) fn acceptance(cx: &Cx<'_>) -> Option<Value> {
    let accepted = cx.facts().iter().any(|fact| matches!(fact, Fact::Accepted { what, .. } if what == TERMS));
    let date = cx.text(state::TERMS_DATE).filter(|_| accepted)?;
    let mut acceptance = Map::from_iter([("acceptDate".to_owned(), json!(date))]);
    acceptance.extend(cx.text(state::TERMS_VERSION).map(|version| ("termsVersion".to_owned(), json!(version))));
    Some(acceptance.into())
}
