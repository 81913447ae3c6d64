//! What stages about security questions have in common: whose questions they ask, and how many can be answered at all.
//!
//! Easiest to break: an empty or null `kbaConfig` is no configuration of its own; the questions of `selfservice.kba.json` serve then
//! (docs/protocol/project-files.md: it is null in 86 of 88 uses).

use identity::kba::{self, KbaConfig};
use process::{Compiling, Issue};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Services;

/// `kbaConfig`: the stage's own questions, if it has any.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct Questions(Option<Value>);

impl Questions {
    /// The stage's own questions, else those of the project. What is wrong with the stage's own is reported at its place; the
    /// project's file is reported on where it is read.
    pub(super) fn or_file(&self, cx: &mut Compiling<'_, Services>) -> KbaConfig {
        let Some(own @ Value::Object(_)) = &self.0 else { return of_file(cx) };
        let (kba, problems) = KbaConfig::read(own);
        let below = format!("{}/kbaConfig", cx.pointer());
        let issue = |problem: identity::Problem| Issue::warning(format!("{below}{}", problem.pointer), "kba-config", problem.message);
        cx.issues.extend(problems.into_iter().map(issue));
        kba
    }
}

/// The project's questions, `selfservice.kba.json`.
pub(super) fn of_file(cx: &Compiling<'_, Services>) -> KbaConfig {
    let file = cx.companion("kba");
    if file.is_null() { KbaConfig::default() } else { KbaConfig::read(file).0 }
}

/// Answers of a new person, as the examples send them: to a question of the administrator's, and to one of the person's own.
pub(super) fn example() -> Value {
    json!({ "kba": [
        { "questionId": "1", "answer": "street" },
        { "customQuestion": "What is your favourite tea?", "answer": "green" },
    ] })
}

/// An error where a form would ask for more answers than an account can have.
pub(super) fn too_many(cx: &Compiling<'_, Services>, minimum: u32) -> Option<Issue> {
    let message = || format!("nobody can give {minimum} answers: an account has at most {}", kba::MAX_ANSWERS);
    let too_many = usize::try_from(minimum).is_ok_and(|minimum| minimum > kba::MAX_ANSWERS);
    too_many.then(|| Issue::error(cx.pointer(), "wrong-value", message()))
}
