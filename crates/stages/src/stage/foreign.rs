//! Stages a project brings itself, declared in `vestibule.toml` as a script or an HTTP call (docs/custom-stages.md).
//!
//! Easiest to break: they are not trusted. They see views, they keep a state of their own, they end only with an explicit
//! `done`, and what they may give is declared; a proof of identity can never be (SEC-31).

mod answer;
mod declaration;

use std::time::Duration;

use async_trait::async_trait;
use crest::{Pointer, ResourceError};
use identity::Audience;
use process::{Compiling, Example, Fact, FactKind, Issue, Progress, Requirements, Stage, StageContext, StageFacts};
use script::Bindings;
use serde_json::{Map, Value, json};

use crate::account::{self, Account, Cx};
use crate::scripts::milliseconds;
use crate::stage::{attribute_collection, details};
use crate::{Services, state};
use answer::{Answer, Asked};
use declaration::{Declaration, Runs};

/// Longest state of such a stage, in bytes of JSON: it travels in the token.
const MAX_STATE: usize = 4096;

/// The stage.
pub(super) struct Foreign {
    declaration: Declaration,
    /// Its configuration in the process file.
    config: Map<String, Value>,
    /// Where its own state is kept.
    own: String,
}

#[async_trait]
impl Stage<Services> for Foreign {
    const NAME: &'static str = "foreign";
    const SUMMARY: &'static str = "A stage that the project declares itself, as a script or an HTTP call.";

    type Config = Map<String, Value>;

    /// What it asks, and what answers it, is the project's to say.
    fn example() -> Example {
        Example::default()
    }

    fn facts(_: &Self::Config) -> StageFacts {
        StageFacts::default()
    }

    fn compile(config: Self::Config, cx: &mut Compiling<'_, Services>) -> Result<Self, Vec<Issue>> {
        let whole = Value::Object(config);
        let found = cx.declaration(&whole);
        let Some((name, declared)) = found else {
            return Err(vec![Issue::error(cx.pointer(), "unknown-stage", "the project does not declare this stage")]);
        };
        let declaration = Declaration::read(name, declared, cx.pointer())?;
        let Value::Object(config) = whole else { return Err(Vec::new()) };
        Ok(Self { declaration, config, own: format!("{}{}", state::FOREIGN, cx.pointer()) })
    }

    fn compiled_facts(&self, _: StageFacts) -> StageFacts {
        self.declaration.facts.clone()
    }

    fn shown_as(&self) -> &str {
        &self.declaration.shown_as
    }

    fn writes(&self) -> &'static [&'static str] {
        if self.declaration.needs(FactKind::SignedIn) { &["attributes"] } else { &[] }
    }

    async fn requirements(&self, cx: &mut StageContext<'_, Services>) -> Result<Option<Requirements>, ResourceError> {
        if let Some(schema) = &self.declaration.requirements {
            return Ok(Some(answer::requirements(schema, &self.declaration.shown_as)));
        }
        let said = self.call(cx, "ask", "initial", &Map::new()).await?;
        let answer = Answer::read(&said, &self.declaration.shown_as)?;
        self.keep(cx, &answer)?;
        match answer.asked {
            Asked::Again(requirements) => Ok(Some(*requirements)),
            Asked::Nothing | Asked::Done => Ok(None),
        }
    }

    async fn advance(&self, cx: &mut StageContext<'_, Services>, tag: &str, input: &Map<String, Value>) -> Result<Progress, ResourceError> {
        self.declaration.check(input)?;
        let said = self.call(cx, "advance", tag, input).await?;
        let answer = Answer::read(&said, &self.declaration.shown_as)?;
        self.keep(cx, &answer)?;
        match answer.asked {
            Asked::Again(requirements) => return Ok(Progress::ask(*requirements)),
            Asked::Nothing => {
                let asked = self.requirements(cx).await?;
                return asked.map(Progress::ask).ok_or_else(|| self.broken("it neither asks nor says that it is done"));
            }
            Asked::Done => {}
        }
        self.give(cx, answer).await?;
        cx.take(&self.own);
        Ok(Progress::Done)
    }
}

impl Foreign {
    /// Asks the script or the service.
    async fn call(&self, cx: &mut Cx<'_>, phase: &str, tag: &str, input: &Map<String, Value>) -> Result<Value, ResourceError> {
        let request = json!({
            "phase": phase,
            "tag": tag,
            "input": input,
            "config": self.config,
            "state": cx.value(&self.own).cloned().unwrap_or_else(|| json!({})),
            "user": self.person(cx).await?,
            "process": cx.process(),
            "locales": cx.caller.locales,
        });
        let limit = Duration::from_millis(self.declaration.time_limit_ms);
        match &self.declaration.runs {
            Runs::Script(program) => {
                let bindings = Bindings::new(milliseconds(cx.now), cx.keyed("foreign", &[])).within(limit).with("request", request);
                cx.services.scripts.value(program, bindings).await.map_err(|error| self.broken(&error.to_string()))
            }
            Runs::Http { url, token } => {
                let sent = cx.services.remote.call(url, token.as_deref(), &request, limit).await;
                sent.map_err(|error| self.broken(&error))
            }
        }
    }

    /// The person as the stage may see them: the signed-in one, or the details collected so far; never a secret.
    async fn person(&self, cx: &mut Cx<'_>) -> Result<Value, ResourceError> {
        let managed = std::sync::Arc::clone(&cx.services.managed);
        if self.declaration.needs(FactKind::SignedIn) {
            let account = Account::read(cx).await?;
            let fields = crest::Fields::all();
            let seen = account.stored.as_ref().map(|stored| managed.view(&account.subject.collection, stored, Audience::Owner, &fields));
            return Ok(seen.unwrap_or_default());
        }
        if !self.declaration.needs(FactKind::NewUser) {
            return Ok(Value::Null);
        }
        let mut user = details::collected(cx);
        user.retain(|name, value| name != details::PASSWORD && *name != managed.kba.property && !value.to_string().contains("$crypto"));
        Ok(Value::Object(user))
    }

    fn keep(&self, cx: &mut Cx<'_>, answer: &Answer) -> Result<(), ResourceError> {
        let Some(state) = &answer.state else { return Ok(()) };
        if state.to_string().len() > MAX_STATE {
            return Err(self.broken("its state is too long to travel in a token"));
        }
        cx.put(&self.own, state.clone());
        Ok(())
    }

    /// Does what the stage asked for when it was done, as far as it is declared.
    async fn give(&self, cx: &mut Cx<'_>, answer: Answer) -> Result<(), ResourceError> {
        if !answer.user.is_empty() {
            if !self.declaration.needs(FactKind::NewUser) && !self.declaration.gives(FactKind::NewUser) {
                return Err(self.broken("it gives details of a new person, which it does not declare"));
            }
            let details = details::Details {
                collection: account::registering_in(cx).to_owned(),
                mail: Pointer::from_tokens(["mail"]),
                empty_is_absent: false,
            };
            details.take(cx, &answer.user).await?;
        }
        if !answer.attributes.is_empty() {
            if !self.declaration.needs(FactKind::SignedIn) {
                return Err(self.broken("it writes attributes of a person, but does not need the signed-in one"));
            }
            attribute_collection::write(cx, &answer.attributes).await?;
        }
        for (key, value) in answer.additions {
            cx.add(&key, value);
        }
        for kind in answer.gives {
            if !self.declaration.gives(kind) {
                return Err(self.broken("it gives a fact that it does not declare"));
            }
            let fact = match kind {
                FactKind::Human => Fact::Human,
                FactKind::Parameters => Fact::Parameters,
                FactKind::NewUser => Fact::NewUser,
                _ => return Err(self.broken("it gives a fact that no project may vouch for")),
            };
            cx.grant(fact)?;
        }
        Ok(())
    }

    /// What the person is told is no more than that it did not work; the operator finds the reason in the log.
    fn broken(&self, reason: &str) -> ResourceError {
        tracing::warn!(stage.name = self.declaration.name, error = reason, "a stage of the project failed");
        ResourceError::unavailable("This step cannot be taken at the moment, try again later")
    }
}
