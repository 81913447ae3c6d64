//! Judging one condition for one person: which branch of a `conditionaluser` stage is theirs.
//!
//! Easiest to break: a condition that says *when* is judged at the sign-in alone. Later only the record in the metadata tells whether
//! the form is due, or it would be lost at the next sign-in and come back right after it was skipped.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use crest::Resource;
use identity::conditions::{Condition, Interval, Outcome, ScriptCondition, Situation};
use identity::kba::KbaConfig;
use identity::metadata::Metadata;
use identity::terms::Terms;
use schemars::JsonSchema;
use script::{Bindings, Program};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Services;
use crate::scripts::{milliseconds, seen_by_script};

/// What a failing script means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnScriptError {
    /// Nothing is asked.
    #[default]
    Skip,
    /// The form is asked.
    Require,
}

/// A branch of a `conditionaluser` stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Branch {
    /// `onConditionTrue`.
    True,
    /// `onConditionFalse`.
    False,
}

impl Branch {
    /// How the state spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
        }
    }

    /// The branch the state spells so.
    pub(crate) fn named(text: &str) -> Option<Self> {
        [Self::True, Self::False].into_iter().find(|branch| branch.as_str() == text)
    }
}

/// Which branch is taken for whom.
pub(crate) struct Rule {
    /// The collection of the people it is about.
    pub(crate) collection: String,
    pub(crate) condition: Condition,
    /// The script of a script condition.
    pub(crate) program: Option<Program>,
    pub(crate) on_script_error: OnScriptError,
    /// What the condition looks at: the person, or a member of the state.
    pub(crate) field: String,
    /// The stage's place in its process, `0`.
    pub(crate) place: String,
    pub(crate) terms: Terms,
    pub(crate) kba: KbaConfig,
    /// The form of `onConditionTrue`; `None` where there is no such form.
    pub(crate) on_true: Option<Form>,
    /// The same of `onConditionFalse`.
    pub(crate) on_false: Option<Form>,
}

/// A form of a rule.
pub(crate) struct Form {
    /// What it is called in its process, whatever its place.
    pub(crate) name: String,
    /// Whether it asks by itself; a stage that only judges again does not, and can be neither completed nor skipped.
    pub(crate) asks: bool,
}

/// Whom or what a condition looks at.
pub(crate) struct Person<'a> {
    /// The stored form, with `_id`.
    object: Cow<'a, Value>,
    metadata: Metadata<'a>,
    /// What a script sees.
    seen: Seen<'a>,
}

enum Seen<'a> {
    /// A person of the store, viewed when a script asks.
    Stored(&'a str, &'a Resource),
    /// A value of the state.
    Value,
}

impl<'a> Person<'a> {
    /// A person of the store; `None` where there is none.
    pub(crate) fn stored(services: &'a Services, collection: &'a str, person: Option<&'a Resource>) -> Self {
        let schema = services.managed.schemas.get(collection);
        let (Some(person), Some(schema)) = (person, schema) else { return Self::in_state(Value::Null) };
        let mut object = person.content.clone();
        if let Value::Object(members) = &mut object {
            members.insert("_id".into(), json!(person.id));
        }
        Self { object: Cow::Owned(object), metadata: Metadata::of(schema, &person.content), seen: Seen::Stored(collection, person) }
    }

    /// A value of the process's state.
    pub(crate) fn in_state(object: Value) -> Self {
        Self { object: Cow::Owned(object), metadata: Metadata::none(), seen: Seen::Value }
    }

    /// What the record says.
    pub(crate) fn metadata(&self) -> Metadata<'a> {
        self.metadata
    }
}

/// When a condition is judged.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// For the randomness of scripts.
    pub(crate) seed: [u8; 32],
    /// The number of the sign-in that is going on.
    pub(crate) sign_in: Option<u64>,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The branch, if any.
    pub(crate) branch: Option<Branch>,
    /// The form that is due from this sign-in on, and was not before.
    pub(crate) begins: Option<(Branch, String)>,
    /// Forms that are due under their former name, and the name they have now.
    pub(crate) renamed: Vec<(String, String)>,
    /// What went wrong with a script.
    pub(crate) fault: Option<String>,
}

impl Rule {
    /// The name of a form in metadata and sessions, `profile/2Vq0sXcO1b7d`. An operator may put another form before it or mend its texts,
    /// and it is still this one that is due.
    pub(crate) fn form(&self, process: &str, branch: Branch) -> String {
        self.named(branch).map_or_else(|| self.former(process, branch), |form| format!("{process}/{}", form.name))
    }

    /// What the form was called when its place was its name: `profile/0`, `profile/0/false`. Marks under it still count.
    pub(crate) fn former(&self, process: &str, branch: Branch) -> String {
        match branch {
            Branch::True => self.place(process),
            Branch::False => format!("{}/false", self.place(process)),
        }
    }

    /// Where the stage stands, for people who look into the file: `profile/0`.
    pub(crate) fn place(&self, process: &str) -> String {
        format!("{process}/{}", self.place)
    }

    fn named(&self, branch: Branch) -> Option<&Form> {
        match branch {
            Branch::True => self.on_true.as_ref(),
            Branch::False => self.on_false.as_ref(),
        }
    }

    fn has(&self, branch: Branch) -> bool {
        self.named(branch).is_some()
    }

    /// Whether the form of a branch can be completed.
    pub(crate) fn asks(&self, branch: Branch) -> bool {
        self.named(branch).is_some_and(|form| form.asks)
    }

    /// Judges. `settled` are the forms that were completed or skipped on the session. Of a process that people owe at sign-in (`listed`), a
    /// form that a filter or a script selects is asked until it was completed once; other processes may be gone through again and again.
    pub(crate) async fn choose(
        &self,
        services: &Services,
        process: &str,
        person: &Person<'_>,
        settled: &[String],
        (moment, listed): (Moment, bool),
    ) -> Choice {
        let known_as = |branch: Branch| [self.form(process, branch), self.former(process, branch)];
        let open = |branch: &Branch| self.has(*branch) && !known_as(*branch).iter().any(|name| settled.contains(name));
        if !self.condition.is_momentary() {
            let (holds, fault) = self.holds(services, person, moment).await;
            let branch = match holds {
                Some(true) => Some(Branch::True),
                Some(false) => Some(Branch::False),
                None => self.after_fault(),
            };
            let completed = if listed && self.condition.is_once() { person.metadata.stages_completed() } else { Vec::new() };
            let done = |branch: &Branch| self.asks(*branch) && known_as(*branch).iter().any(|name| completed.contains(name));
            return Choice { branch: branch.filter(open).filter(|branch| !done(branch)), fault, ..Choice::default() };
        }
        let due = person.metadata.stages_due();
        let recorded = |branch: &Branch| known_as(*branch).iter().any(|name| due.contains(name));
        let mut choice = Choice { branch: [Branch::True, Branch::False].into_iter().filter(recorded).find(open), ..Choice::default() };
        if moment.sign_in.is_some() {
            for branch in [Branch::True, Branch::False].into_iter().filter(|branch| self.has(*branch)) {
                let [form, former] = known_as(branch);
                if due.contains(&former) {
                    choice.renamed.push((former, form));
                }
            }
            let (holds, fault) = self.holds(services, person, moment).await;
            let branch = if holds == Some(true) { Branch::True } else { Branch::False };
            if open(&branch) && !recorded(&branch) {
                choice.begins = Some((branch, self.form(process, branch)));
                choice.branch = choice.branch.or(Some(branch));
            }
            choice.fault = fault;
        }
        choice
    }

    /// The branch that asks, where the operator wants a form asked although it could not be judged whether it is due.
    fn after_fault(&self) -> Option<Branch> {
        let required = self.on_script_error == OnScriptError::Require;
        required.then_some(if self.has(Branch::True) { Branch::True } else { Branch::False })
    }

    /// The condition in a few words, for the audit trail: `loginCount every 25`.
    pub(crate) fn asked(&self) -> String {
        match &self.condition {
            Condition::KbaQuestions => "kbaQuestions".to_owned(),
            Condition::Terms => "terms".to_owned(),
            Condition::LoginCount { interval: Interval::At, amount } => format!("loginCount at {amount}"),
            Condition::LoginCount { interval: Interval::Every, amount } => format!("loginCount every {amount}"),
            Condition::TimeSinceLogin(_) => "timesincelogin".to_owned(),
            Condition::QueryFilter(_) => "queryFilter".to_owned(),
            Condition::Script(_) => "script".to_owned(),
        }
    }

    /// What it was compared with, where that is a figure that the server keeps itself.
    pub(crate) fn compared(&self, person: &Person<'_>) -> Value {
        match &self.condition {
            Condition::LoginCount { .. } => json!(person.metadata.login_count()),
            Condition::TimeSinceLogin(_) => person.metadata.last_login().map_or(Value::Null, |time| time.unix_timestamp().into()),
            _ => Value::Null,
        }
    }

    async fn holds(&self, services: &Services, person: &Person<'_>, moment: Moment) -> (Option<bool>, Option<String>) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(moment.now).unwrap_or(0));
        let situation = Situation {
            object: &person.object,
            metadata: person.metadata,
            sign_in: moment.sign_in.unwrap_or_else(|| person.metadata.login_count()),
            now,
            terms: &self.terms,
            kba: &self.kba,
        };
        match self.condition.evaluate(&situation) {
            Outcome::Known(holds) => (Some(holds), None),
            Outcome::Ask(script) => match self.run(services, person, script, moment).await {
                Ok(holds) => (Some(holds), None),
                Err(fault) => {
                    tracing::warn!(stage.place = self.place, error = fault, "the script of a condition failed");
                    (None, Some(fault))
                }
            },
        }
    }

    async fn run(&self, services: &Services, person: &Person<'_>, script: &ScriptCondition, moment: Moment) -> Result<bool, String> {
        let Some(program) = &self.program else { return Err("the script was not read".to_owned()) };
        let object = match person.seen {
            Seen::Stored(collection, resource) => seen_by_script(&services.managed, collection, resource).await?,
            Seen::Value => {
                let resource = Resource { id: String::new(), revision: String::new(), content: person.object.clone().into_owned() };
                if resource.content.is_object() {
                    seen_by_script(&services.managed, &self.collection, &resource).await?
                } else {
                    Value::Null
                }
            }
        };
        let bindings = Bindings::new(milliseconds(moment.now), moment.seed)
            .with_all(script.globals.clone())
            .with(self.field.clone(), object.clone())
            .with("object", object);
        services.scripts.condition(program, bindings).await.map_err(|error| error.to_string())
    }
}
