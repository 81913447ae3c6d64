//! `kbaSecurityAnswerVerificationStage`: asks security questions (docs/protocol/stages.md, "kbaSecurityAnswerVerificationStage"
//! and docs/protocol/companions.md, "Security questions", decisions 12 and 21).
//!
//! Easiest to break: attempts are counted before anything is compared (SEC-47), and somebody who has no answers is asked, counted and
//! refused exactly like somebody who has (SEC-01), and so is somebody whose answers were set by a session alone lately (SEC-20): a decoy has questions too, always the same ones, of which every
//! instance draws some. Which come is a keyed function of the instance, so a replayed token cannot draw anew.

use std::sync::Arc;

use async_trait::async_trait;
use crest::{Change, Guard, Patch, PatchOperation, Pointer, ResourceError};
use identity::kba::{self, KbaConfig, QuestionRef, StoredAnswer};
use identity::secret::Verdict;
use process::keys::{Collection, PropertyName};
use process::{
    CommitError, Compiling, Disclosure, Effect, Example, Fact, FactKind, Issue, Need, Progress, Requirements, Stage, StageContext,
    StageFacts, Tag, Unit, loose,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::{self, Account, Cx};
use crate::stage::attempts;
use crate::stage::questions::Questions;
use crate::{Refusal, Services, input, state};

/// Submissions after which an instance's questions are ended (SEC-11).
const MAX_PER_INSTANCE: u32 = 5;
/// Wrong submissions per account and day (SEC-11, NIST SP 800-63B-4 §3.2.2).
const MAX_PER_DAY: u32 = 100;
/// Seconds.
const DAY: i64 = 86_400;

/// The counter of an account's wrong submissions.
pub(super) fn counter(collection: &str, id: &str) -> String {
    format!("answers:{collection}/{id}")
}

/// Configuration of `kbaSecurityAnswerVerificationStage`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    /// The property that holds the answers; else the one of `selfservice.kba.json`.
    #[serde(default)]
    kba_property_name: PropertyName,
    /// The collection of accounts.
    #[serde(default)]
    identity_service_url: Collection,
    /// The questions; null takes `selfservice.kba.json`.
    #[serde(default, rename = "kbaConfig")]
    questions: Questions,
    /// How many questions are asked; else `minimumAnswersToVerify` of `selfservice.kba.json`.
    #[serde(default, deserialize_with = "loose::optional_number")]
    #[schemars(with = "Option<u32>")]
    number_of_questions_user_must_answer: Option<u32>,
}

/// The stage.
pub(super) struct KbaVerification {
    kba: Arc<KbaConfig>,
    property: Pointer,
    count: usize,
}

#[async_trait]
impl Stage<Services> for KbaVerification {
    const NAME: &'static str = "kbaSecurityAnswerVerificationStage";
    const SUMMARY: &'static str = "Asks for answers to some of the account's security questions.";
    const WRITES: &'static [&'static str] = &["failed answers"];
    const COMPANIONS: &'static [&'static str] = &["kba"];
    const OVERRIDES: &'static [(&'static str, &'static str)] = &[("kba", "kbaConfig")];
    const CLASS: Option<&'static str> = Some("org.forgerock.selfservice.stages.kba.SecurityAnswerVerificationConfig");
    const STATE: &'static [&'static str] = &[state::ASKED];
    const USUAL_FOR: &'static [FactKind] = &[FactKind::KnowsAnswers];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({ "kbaPropertyName": "kbaInfo", "identityServiceUrl": "managed/user", "kbaConfig": null }))
            .answered(Tag::INITIAL, json!({ "answer1": "street" }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts {
            needs: vec![Need::any(&[FactKind::Named, FactKind::SignedIn])],
            gives: vec![FactKind::KnowsAnswers],
            ..StageFacts::default()
        }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let kba = config.questions.or_file(cx);
        let property = account::field(cx, "kbaPropertyName", &config.kba_property_name, &kba.property);
        let collection = account::collection(cx, &config.identity_service_url);
        let count = usize::try_from(kba.answers_to_verify(config.number_of_questions_user_must_answer)).unwrap_or(usize::MAX);
        let mut issues = Vec::new();
        if count > kba::MAX_ANSWERS {
            let message = format!("{count} questions can never be answered: an account has at most {}", kba::MAX_ANSWERS);
            issues.push(Issue::error(cx.pointer(), "wrong-value", message));
        }
        match (property, collection) {
            (Ok(property), Ok(_)) if issues.is_empty() => Ok(Self { kba: Arc::new(kba), property, count }),
            (property, collection) => {
                issues.extend(property.err());
                issues.extend(collection.err());
                Err(issues)
            }
        }
    }

    async fn requirements(&self, cx: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        let account = Account::read(cx).await?;
        let answers = self.answers(cx, &account);
        if answers.len() < self.count && cx.disclosure() == Disclosure::Reveal {
            return Err(ResourceError::bad_request(format!(
                "Insufficient number of questions. Minimum number of questions user must answer: {}, Questions available: {}",
                self.count,
                answers.len()
            )));
        }
        let asked = self.questions(cx, &account, &answers);
        let mut requirements = Requirements::new("Answer security questions");
        for (name, schema) in kba::verification_properties(&asked, &self.kba) {
            requirements = requirements.required(name, schema);
        }
        let names = asked.iter().zip(1..).map(|(question, number)| (format!("answer{number}"), json!(question.to_member().1)));
        let names = names.collect::<Map<_, _>>();
        cx.put(state::ASKED, names.into());
        Ok(Some(requirements))
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, _: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let asked = self.asked(cx);
        if asked.is_empty() {
            // A submission that nobody was asked for, as the first of a process that begins here.
            return match self.requirements(cx).await? {
                Some(requirements) => Ok(Progress::ask(requirements)),
                None => Err(Refusal::AnswersWrong.into()),
            };
        }
        let mut given = Vec::with_capacity(asked.len());
        for name in asked.keys() {
            given.push((name, input::text(input, name)?));
        }
        cx.services.guesses.take(&cx.caller.address, cx.now)?;
        let account = Account::read(cx).await?;
        let instance = cx.own_name("answers");
        let per_account = counter(&account.subject.collection, &account.subject.id);
        let keep = cx.now.saturating_add(DAY.max(cx.lifetime().saturating_mul(2)));
        let mut alive = cx.ledger().count(&instance, cx.now, keep).await? <= MAX_PER_INSTANCE;
        alive &= cx.ledger().count(&per_account, cx.now, cx.now.saturating_add(DAY)).await? <= MAX_PER_DAY;
        alive &= attempts::count(cx, &self.kba, &account).await?;

        let stored = self.answers(cx, &account);
        let mut right = true;
        let mut outdated = Vec::new();
        for (name, answer) in given {
            let question = asked.get(name).and_then(Value::as_str).unwrap_or_default();
            // What is refused anyhow is compared with nothing.
            let candidate = stored.iter().find(|candidate| candidate.question.to_member().1 == question).filter(|_| alive);
            // Each answer costs the same, and none is left out after a wrong one.
            let verdict = kba::verify_answer(cx.services.hasher.as_ref(), answer, candidate).await?;
            if verdict == Verdict::Unverifiable {
                tracing::warn!(object = %account.path(), "a stored security answer cannot be verified");
            }
            right &= verdict.matches();
            if let (Verdict::Matches { rehash: true }, Some(candidate)) = (verdict, candidate) {
                outdated.push((candidate.question.clone(), answer));
            }
        }
        if !(right & alive & account.stored.is_some()) {
            cx.because(
                if account.stored.is_none() {
                    "nobody-found"
                } else if alive {
                    "answers-differ"
                } else {
                    "too-many-answers"
                },
                Value::Null,
            );
            return Err(Refusal::AnswersWrong.into());
        }
        cx.services.guesses.give_back(&cx.caller.address);
        attempts::forget(cx, &self.kba, &account).await?;
        self.rehash(cx, &account, &outdated).await?;
        cx.effect(Effect::ResetCounter(instance));
        cx.effect(Effect::ResetCounter(per_account));
        cx.take(state::ASKED);
        cx.grant(Fact::KnowsAnswers { subject: account.subject })?;
        Ok(Progress::Done)
    }
}

impl KbaVerification {
    /// The answers that count. Those that a session alone has set lately prove nothing where nothing else is proved: the account is asked
    /// as one without answers is.
    fn answers(&self, cx: &Cx<'_>, account: &Account) -> Vec<StoredAnswer> {
        let Some(property) = account.value(&self.property) else { return Vec::new() };
        let mailed = cx.facts().controls_mail_of(&account.subject) || cx.later_proves(FactKind::ControlsMail);
        if mailed {
            return kba::read_answers(property, &self.kba);
        }
        let latest = cx.now.saturating_sub(cx.services.questions_settle);
        kba::read_answers(&kba::settled(property, latest), &self.kba)
    }

    /// Some of the account's questions, or believable ones for an account that has too few or does not exist. An unproven caller
    /// is asked the administrator's questions where they suffice, because a question of somebody's own says that there is
    /// somebody; and always from as many as a decoy has.
    fn questions(&self, cx: &Cx<'_>, account: &Account, answers: &[StoredAnswer]) -> Vec<QuestionRef> {
        let subject = &account.subject;
        let mut own: Vec<QuestionRef> = answers.iter().map(|answer| answer.question.clone()).collect();
        let system: Vec<QuestionRef> = own.iter().filter(|question| matches!(question, QuestionRef::System(_))).cloned().collect();
        let seed = cx.keyed_for_long("decoy questions", &[subject.collection.as_bytes(), subject.id.as_bytes()]);
        if cx.disclosure() == Disclosure::Conceal && !cx.facts().proves(subject) && system.len() >= self.count {
            own = kba::draw(&system, kba::asked_from(&self.kba, self.count), &seed).into_iter().cloned().collect();
        }
        let decoys = kba::decoy_questions(&self.kba, self.count, &seed);
        let asked_of = if own.len() < self.count { decoys } else { own };
        kba::draw(&asked_of, self.count, &cx.keyed("questions", &[])).into_iter().cloned().collect()
    }

    /// Replaces answers in foreign or weaker forms, now that they are known (decision 12). In a transaction of its own, for the same
    /// reason as [`attempts::forget`]; somebody who changes the answers meanwhile wins.
    async fn rehash(&self, cx: &Cx<'_>, account: &Account, outdated: &[(QuestionRef, &str)]) -> Result<(), ResourceError> {
        let Some(mut property) = account.value(&self.property).filter(|_| !outdated.is_empty()).cloned() else { return Ok(()) };
        let before = property.clone();
        for (question, answer) in outdated {
            let (member, text) = question.to_member();
            let entries = property.as_array_mut().into_iter().flatten();
            let entry = entries.filter_map(Value::as_object_mut).find(|entry| entry.get(member).and_then(Value::as_str) == Some(text));
            if let Some(entry) = entry {
                entry.insert("answer".into(), kba::hash_answer(cx.services.hasher.as_ref(), answer).await?);
            }
        }
        let change = Change::Patch {
            collection: account.subject.collection.clone(),
            id: account.subject.id.clone(),
            patch: Patch::new(vec![PatchOperation::replace(self.property.clone(), property)]),
            expected: None,
            guard: Some(Guard::new(self.property.clone(), Some(before))),
        };
        let unit = Unit { now: cx.now, spend: None, effects: vec![Effect::Change(change)] };
        match cx.ledger().commit(unit).await {
            Ok(_) | Err(CommitError::GuardFailed | CommitError::Missing { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What was asked, `answer1` to the question's id or text.
    fn asked(&self, cx: &Cx<'_>) -> Map<String, Value> {
        let asked = cx.value(state::ASKED).and_then(Value::as_object).cloned().unwrap_or_default();
        if asked.len() == self.count { asked } else { Map::new() }
    }
}
