//! `conditionaluser`: asks a nested stage only of people for whom a condition holds, or does not (docs/protocol/stages.md,
//! "conditionaluser" and docs/protocol/progressive-profile.md, "Conditions").
//!
//! Easiest to break: the branch that asked is the one that gets the answer. A condition may turn while somebody types, so the choice
//! travels in the token. And what says *when* (the 25th sign-in) is decided at the sign-in and remembered; here only the record counts.

use async_trait::async_trait;
use crest::ResourceError;
use identity::conditions::{Condition, ScriptCondition, ScriptSource};
use identity::kba::KbaConfig;
use identity::metadata::{Keeper, Tracked};
use identity::terms::Terms;
use process::keys::{Collection, Needed, NestedStage, Text};
use process::{Compiling, Effect, Example, FactKind, Issue, Need, Placed, Progress, Requirements, Stage, StageContext, StageFacts, Tag};
use schemars::JsonSchema;
use script::Program;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::account::{self, Cx};
use crate::profile::judge::{Branch, Choice, Form, Moment, OnScriptError, Person, Rule};
use crate::{Services, state};

/// Configuration of `conditionaluser`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Config {
    /// The collection of accounts.
    #[serde(default)]
    identity_service_url: Collection,
    /// The condition: `type` and what belongs to it.
    #[serde(default)]
    condition: Needed<Value>,
    /// What the condition is about: `user`, the person; else a member of the process's state.
    #[serde(default)]
    evaluate_condition_on_field: Text,
    /// The stage for people for whom it holds.
    #[serde(default)]
    on_condition_true: NestedStage,
    /// The stage for everybody else.
    #[serde(default)]
    on_condition_false: NestedStage,
    /// Our own options.
    #[serde(default)]
    vestibule: Option<Options>,
}

/// Our own options of `conditionaluser`.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Options {
    /// What a script that fails means: `skip` asks nothing, `require` asks. Default: `skip`.
    #[serde(default)]
    on_script_error: Option<OnScriptError>,
}

/// The stage.
pub(crate) struct ConditionalUser {
    /// When which branch is taken.
    pub(crate) rule: Rule,
    on_true: Option<Placed<Services>>,
    on_false: Option<Placed<Services>>,
    /// Where the choice is kept while the nested stage asks.
    chosen: String,
}

#[async_trait]
impl Stage<Services> for ConditionalUser {
    const NAME: &'static str = "conditionaluser";
    const SUMMARY: &'static str = "Asks a nested stage of people for whom a condition holds, or does not.";
    const COMPANIONS: &'static [&'static str] = &["kba", "terms"];
    const STATE: &'static [&'static str] = &[state::SKIPPED];

    type Config = Config;

    fn example() -> Example {
        Example::new(json!({
            "identityServiceUrl": "managed/user", "condition": { "type": "queryFilter", "filter": "/userName pr" },
            "evaluateConditionOnField": "user",
            "onConditionTrue": { "name": "attributecollection", "attributes": [{ "name": "city", "isRequired": true }] },
            "onConditionFalse": null,
        }))
        .answered(Tag::INITIAL, json!({ "attributes": { "city": "Oslo" } }))
    }

    fn facts(_: &Config) -> StageFacts {
        StageFacts { wants_session: true, ..StageFacts::default() }
    }

    fn compile(config: Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        let collection = account::collection(cx, &config.identity_service_url);
        let condition = condition(&config.condition, cx);
        let (true_config, false_config) = (config.on_condition_true.get(), config.on_condition_false.get());
        let mut nested = |key: &str, value: Option<&Value>| cx.nested(key, value?).map_err(|found| issues.extend(found)).ok();
        let on_true = nested("onConditionTrue", true_config);
        let on_false = nested("onConditionFalse", false_config);
        if true_config.or(false_config).is_none() {
            let issue = Issue::warning(
                cx.pointer(),
                "no-branch",
                "there is neither 'onConditionTrue' nor 'onConditionFalse', so nobody is asked anything",
            );
            cx.issues.push(issue);
        }
        let program = condition.as_ref().ok().and_then(|condition| match condition {
            Condition::Script(script) => Some(program(script, cx)),
            _ => None,
        });
        let program = program.transpose().map_err(|issue| issues.push(issue)).unwrap_or_default();
        issues.extend(collection.as_ref().err().cloned());
        // That there is none is said already.
        issues.extend(condition.as_ref().err().filter(|_| !config.condition.is_null()).cloned());
        let (Ok(collection), Ok(condition), true) = (collection, condition, issues.is_empty()) else { return Err(issues) };
        let form = |cx: &mut Compiling<'_, Services>, branch: Branch, nested: Option<&Value>, placed: Option<&Placed<Services>>| {
            let (nested, placed) = nested.zip(placed)?;
            let name = cx.name_of(&json!({ "condition": config.condition.0, branch.as_str(): what_it_asks(nested) }));
            Some(Form { name, asks: placed.stage.asks() && !placed.stage.as_any().is::<Self>() })
        };
        let on_true_form = form(cx, Branch::True, true_config, on_true.as_ref());
        let on_false_form = form(cx, Branch::False, false_config, on_false.as_ref());
        let field = config.evaluate_condition_on_field.trim().trim_start_matches('/');
        let rule = Rule {
            collection,
            condition,
            program,
            on_script_error: config.vestibule.unwrap_or_default().on_script_error.unwrap_or_default(),
            field: if field.is_empty() { state::USER.to_owned() } else { field.to_owned() },
            place: cx.pointer().trim_start_matches("/stageConfigs/").to_owned(),
            terms: Terms::read(cx.companion("terms")).0,
            kba: match cx.companion("kba") {
                Value::Null => KbaConfig::default(),
                file => KbaConfig::read(file).0,
            },
            on_true: on_true_form,
            on_false: on_false_form,
        };
        let chosen = format!("{}{}", state::CHOSEN, cx.pointer());
        Ok(Self { rule, on_true, on_false, chosen })
    }

    /// Every branch's needs must be met; what it gives counts as given only where the other branch gives it too, and else on its path.
    fn compiled_facts(&self, mut facts: StageFacts) -> StageFacts {
        let branches: Vec<&StageFacts> = self.placed().map(|placed| &placed.facts).collect();
        for branch in &branches {
            let more: Vec<Need> = branch.needs.iter().filter(|need| !facts.needs.contains(need)).cloned().collect();
            facts.needs.extend(more);
            let gifts: Vec<FactKind> = branch.gives.iter().chain(&branch.may_give).copied().collect();
            for gift in gifts {
                let everywhere = branches.len() == 2 && branches.iter().all(|branch| branch.gives.contains(&gift));
                let list = if everywhere { &mut facts.gives } else { &mut facts.may_give };
                if !list.contains(&gift) {
                    list.push(gift);
                }
            }
            let paths = if branch.paths.is_empty() { vec![branch.gives.clone()] } else { branch.paths.clone() };
            if branches.len() == 2 {
                facts.paths.extend(paths);
            }
            facts.changes_credential |= branch.changes_credential;
            facts.discloses |= branch.discloses;
            facts.uses_password |= branch.uses_password;
            facts.after_commit |= branch.after_commit;
        }
        facts
    }

    fn branches(&self) -> Vec<(&'static str, bool, Option<&Placed<Services>>)> {
        vec![(BRANCHES[0], true, self.on_true.as_ref()), (BRANCHES[1], false, self.on_false.as_ref())]
    }

    fn asks(&self) -> bool {
        self.placed().any(|placed| placed.stage.asks())
    }

    async fn requirements(&self, cx: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        let choice = self.choose(cx).await?;
        let Some((branch, placed)) = choice.and_then(|branch| Some((branch, self.branch(branch)?))) else {
            cx.put(&self.chosen, json!(NONE));
            return Ok(None);
        };
        cx.put(&self.chosen, json!(branch.as_str()));
        placed.stage.requirements(cx).await
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, tag: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        let branch = match cx.text(&self.chosen).map(str::to_owned) {
            Some(chosen) => Branch::named(&chosen),
            // The first submission comes without a token (docs/protocol/progressive-profile.md), so nothing was chosen yet.
            None => self.choose(cx).await?,
        };
        let Some((branch, placed)) = branch.and_then(|branch| Some((branch, self.branch(branch)?))) else {
            cx.take(&self.chosen);
            return Ok(Progress::Done);
        };
        match placed.stage.advance(cx, tag, input).await? {
            Progress::Done => {
                cx.take(&self.chosen);
                self.settle(cx, branch);
                Ok(Progress::Done)
            }
            ask @ Progress::Ask { .. } => {
                cx.put(&self.chosen, json!(branch.as_str()));
                Ok(ask)
            }
        }
    }
}

/// What is kept when no branch was chosen.
const NONE: &str = "none";

impl ConditionalUser {
    /// The stage of a branch.
    pub(crate) fn branch(&self, branch: Branch) -> Option<&Placed<Services>> {
        match branch {
            Branch::True => self.on_true.as_ref(),
            Branch::False => self.on_false.as_ref(),
        }
    }

    fn placed(&self) -> impl Iterator<Item = &Placed<Services>> {
        self.on_true.iter().chain(&self.on_false)
    }

    /// Judges the condition for the person of this instance, or for what the state holds under the configured name.
    async fn choose(&self, cx: &mut Cx<'_>) -> Result<Option<Branch>, ResourceError> {
        let process = cx.process().to_owned();
        let moment = Moment { now: cx.now, seed: cx.keyed("condition", &[]), sign_in: None };
        let moment = (moment, cx.services.listed.contains(&process));
        let settled = cx.caller.settled.clone();
        let (choice, is): (Choice, Value) = if let Some(object) = cx.value(&self.rule.field).cloned() {
            (self.rule.choose(cx.services, &process, &Person::in_state(object), &settled, moment).await, Value::Null)
        } else if self.rule.field == state::USER {
            let account = account::Account::read_if_named(cx).await?;
            let person = Person::stored(cx.services, &self.rule.collection, account.as_ref().and_then(|account| account.stored.as_ref()));
            (self.rule.choose(cx.services, &process, &person, &settled, moment).await, self.rule.compared(&person))
        } else {
            (self.rule.choose(cx.services, &process, &Person::in_state(Value::Null), &settled, moment).await, Value::Null)
        };
        let branch = choice.branch.map_or(NONE, Branch::as_str);
        let at = format!("/stageConfigs/{}", self.rule.place);
        cx.because("condition", json!({ "branch": branch, "condition": self.rule.asked(), "is": is, "at": at }));
        if let Some(fault) = &choice.fault {
            let detail = json!({ "form": self.rule.place(&process), "error": fault, "instance": cx.instance() });
            cx.audit("scriptError", String::new(), false, detail);
        }
        Ok(choice.branch)
    }

    /// The form is done, or was skipped: no longer due, and not asked again on this session. A stage that only judges again has no form
    /// that could be completed.
    fn settle(&self, cx: &mut Cx<'_>, branch: Branch) {
        let skipped = cx.take(state::SKIPPED).is_some() || !self.rule.asks(branch);
        let form = self.rule.form(cx.process(), branch);
        cx.settle(&form);
        let Some(subject) = cx.facts().signed_in().cloned() else { return };
        let managed = std::sync::Arc::clone(&cx.services.managed);
        let Some(schema) = managed.schemas.get(&subject.collection) else { return };
        let tracked = Tracked::of(schema, cx.services.needed_metadata.iter().copied());
        let keeper = Keeper { schema, tracked: &tracked };
        let known_as = [form, self.rule.former(cx.process(), branch)];
        let change = if skipped { keeper.skip(&subject.id, &known_as) } else { keeper.complete(&subject.id, &known_as) };
        cx.effect(Effect::Change(change));
    }
}

/// What a nested stage is, for the name of its form: its texts may be mended and it is still the same.
fn what_it_asks(nested: &Value) -> Value {
    let Value::Object(members) = nested else { return nested.clone() };
    let counts = |key: &str, value: &Value| !["uiConfig", "vestibule"].contains(&key) && !value.is_null();
    let kept = members.iter().filter(|(key, value)| counts(key, value));
    kept.map(|(key, value)| (key.clone(), if BRANCHES.contains(&key.as_str()) { what_it_asks(value) } else { value.clone() })).collect()
}

/// Members that hold a nested stage.
const BRANCHES: [&str; 2] = ["onConditionTrue", "onConditionFalse"];

fn condition(raw: &Value, cx: &Compiling<'_, Services>) -> Result<Condition, Issue> {
    Condition::read(raw).map_err(|problem| {
        let issue = Issue::error(format!("{}/condition{}", cx.pointer(), problem.pointer), "condition", problem.message);
        match problem.help {
            Some(help) => issue.with_help(help),
            None => issue,
        }
    })
}

/// Reads the text of a script condition, so that a mistake in it is found when the project is loaded.
fn program(script: &ScriptCondition, cx: &mut Compiling<'_, Services>) -> Result<Program, Issue> {
    let at = format!("{}/condition", cx.pointer());
    let (text, name) = match &script.source {
        ScriptSource::Inline(text) => (text.as_str(), "condition"),
        ScriptSource::File(path) => match cx.file(path) {
            Some(text) => (text, path.as_str()),
            None => return Err(Issue::error(at, "script-file", format!("there is no file '{path}' in the project"))),
        },
    };
    Program::compile(text, name).map_err(|error| Issue::error(at, "script", format!("the script '{name}' cannot be read: {error}")))
}
