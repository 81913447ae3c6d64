//! `allInOneRegistration`: several stages shown as one form (docs/protocol/stages.md, "allInOneRegistration"). It is not a stage
//! of its own in any file: the flag of that name joins the members a process has.
//!
//! Easiest to break: a wrong part never loses the others. A refusal changes nothing, so the same token takes the whole form again;
//! parts that are only missing are asked for again, and the good ones are kept. A captcha's answer can be used once, so it is looked at
//! last, when everything else that came is right.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use crest::ResourceError;
use process::{AnyStage, FactKind, Joined, Merger, Need, Placed, Progress, Requirements, Stage, StageContext, StageFacts};
use serde_json::{Map, Value, json};

use crate::account::Cx;
use crate::stage::by_provider;
use crate::stage::idm_user_details::IdmUserDetails;
use crate::{Services, state};

/// The `type` of the joined form.
const NAME: &str = "allInOneRegistration";
/// How the flag `allInOneRegistration` joins stages; which ones, each of them says ([`process::Stage::JOINED`]). `parameters` stays a
/// step of its own: clients send it before they show a form.
pub(super) fn merger() -> Merger<Services> {
    Merger { merge, state: &[state::PARTS] }
}

fn merge(placed: Vec<Placed<Services>>) -> Placed<Services> {
    let gives: Vec<FactKind> = placed.iter().flat_map(|member| member.facts.gives.iter().copied()).collect();
    let may_give: Vec<FactKind> = placed.iter().flat_map(|member| member.facts.may_give.iter().copied()).collect();
    let needs: Vec<Need> = placed.iter().flat_map(|member| member.facts.needs.iter().cloned()).collect();
    let pointer = placed.first().map(|member| member.pointer.clone()).unwrap_or_default();
    let members = placed.into_iter().map(|member| member.stage).collect();
    Placed { stage: Arc::new(AllInOne { members }), facts: StageFacts { needs, gives, may_give, ..StageFacts::default() }, pointer }
}

/// The joined stages, in the order of the file.
struct AllInOne {
    members: Vec<Arc<dyn AnyStage<Services>>>,
}

/// A member that has something to ask.
struct Part<'m> {
    index: usize,
    stage: &'m dyn AnyStage<Services>,
    asked: Requirements,
}

impl Part<'_> {
    /// Whether the input says anything to it.
    fn is_answered(&self, input: &Map<String, Value>) -> bool {
        let given = |name: &str| input.get(name).is_some_and(|value| !value.is_null());
        // Whoever comes from an identity provider has said who they are.
        self.asked.property_names().any(given) || (self.stage.name() == <IdmUserDetails as Stage<Services>>::NAME && given("clientToken"))
    }
}

#[async_trait]
impl AnyStage<Services> for AllInOne {
    fn name(&self) -> &'static str {
        NAME
    }

    fn shown_as(&self) -> &str {
        NAME
    }

    fn asks(&self) -> bool {
        true
    }

    fn parts(&self) -> Vec<&'static str> {
        self.members.iter().map(|member| member.name()).collect()
    }

    fn mails(&self) -> bool {
        self.members.iter().any(|member| member.mails())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_static(&self) -> bool {
        false
    }

    async fn requirements(&self, cx: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        let done = done(cx);
        let mut parts = self.parts(cx).await?;
        parts.retain(|part| !done.contains(&part.index));
        Ok((!parts.is_empty()).then(|| form(parts)))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, tag: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let mut done = done(cx);
        let mut refusals = Vec::new();
        let mut parts = self.parts(cx).await?;
        parts.sort_by_key(|part| part.stage.joined() == Joined::Last);
        for part in parts.iter().filter(|part| part.is_answered(input)) {
            let once = part.stage.joined() == Joined::Last;
            if once && (done.contains(&part.index) || !refusals.is_empty()) {
                continue;
            }
            match part.stage.advance(cx, tag, input).await {
                Ok(Progress::Done) if !done.contains(&part.index) => done.push(part.index),
                Ok(Progress::Done) => {}
                // What is asked for again is not done, whatever was said before.
                Ok(Progress::Ask { .. }) => done.retain(|index| *index != part.index),
                Err(error) if error.code >= 500 => return Err(error),
                Err(error) => refusals.push((part.stage.name(), error)),
            }
        }
        if let Some(error) = joined(refusals) {
            return Err(error);
        }
        cx.put(state::PARTS, json!(done));
        if let Some(asked) = self.requirements(cx).await? {
            return Ok(Progress::Ask { tag: by_provider::tag(cx), requirements: asked, delivery: None });
        }
        cx.take(state::PARTS);
        Ok(Progress::Done)
    }
}

impl AllInOne {
    /// The members that ask something.
    async fn parts(&self, cx: &mut Cx<'_>) -> Result<Vec<Part<'_>>, ResourceError> {
        let mut parts = Vec::new();
        for (index, stage) in self.members.iter().map(AsRef::as_ref).enumerate() {
            parts.extend(stage.requirements(cx).await?.map(|asked| Part { index, stage, asked }));
        }
        Ok(parts)
    }
}

/// Members that are done, by their place.
fn done(cx: &Cx<'_>) -> Vec<usize> {
    let done = cx.value(state::PARTS).and_then(Value::as_array).into_iter().flatten();
    done.filter_map(|index| index.as_u64().and_then(|index| usize::try_from(index).ok())).collect()
}

/// The requirements of several members as one form.
fn form(parts: Vec<Part<'_>>) -> Requirements {
    let stages: Vec<&str> = parts.iter().map(|part| part.stage.name()).collect();
    let form = Requirements::new("All-in-one registration").with("stages", json!(stages)).with("consentEnabled", json!(false));
    parts.into_iter().fold(form, |form, part| form.merged_with(part.asked))
}

/// One refusal for several: a failed policy first, because clients show the first of its `detail`; all of them in `detail.parts`.
fn joined(mut refusals: Vec<(&'static str, ResourceError)>) -> Option<ResourceError> {
    let is_policy = |error: &ResourceError| error.detail.as_ref().is_some_and(|detail| detail.get("failedPolicyRequirements").is_some());
    if refusals.len() < 2 {
        return refusals.pop().map(|(_, error)| error);
    }
    let part = |(stage, error): &(&str, ResourceError)| match error.kind {
        Some(kind) => json!({ "stage": stage, "kind": kind, "error": error.to_value() }),
        None => json!({ "stage": stage, "error": error.to_value() }),
    };
    let all: Vec<Value> = refusals.iter().map(part).collect();
    let first = refusals.iter().position(|(_, error)| is_policy(error)).unwrap_or(0);
    let (_, mut error) = refusals.swap_remove(first);
    let mut detail = match error.detail.take() {
        Some(Value::Object(detail)) => detail,
        _ => Map::new(),
    };
    detail.insert("parts".into(), all.into());
    error.detail = Some(detail.into());
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Refusal;

    #[test]
    fn one_refusal_stays_as_it_is_and_of_several_the_policy_comes_first() {
        assert_eq!(joined(Vec::new()), None);
        let terms = || ("termsAndConditions", ResourceError::from(Refusal::AgreementMissing));
        assert_eq!(joined(vec![terms()]), Some(terms().1));
        let policy = identity::policy_error(identity::CREATE_MESSAGE, &[identity::PolicyFailure::new("sn", "REQUIRED")]);
        let error = joined(vec![terms(), ("idmUserDetails", policy)]).unwrap();
        assert_eq!((error.code, error.message.as_str()), (403, "Policy validation failed"));
        let detail = error.detail.unwrap();
        assert_eq!(detail["failedPolicyRequirements"][0]["property"], "sn");
        assert_eq!((&detail["parts"][0]["stage"], detail["parts"].as_array().map(Vec::len)), (&json!("termsAndConditions"), Some(2)));
        assert_eq!((&detail["parts"][0]["kind"], detail["parts"][1].get("kind")), (&json!("agreement-missing"), None));
    }
}
