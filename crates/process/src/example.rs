//! An example of a stage, as its declaration gives it. The reference shows it, and the tests of all stages run it: a stage without one
//! that works does not pass them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Tag;

/// A configuration that works, and what a client sends to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Example {
    /// The configuration, without `name`.
    pub config: Value,
    /// Companion files that it needs (`terms`), or files of the project (`file:conf/codes.txt`).
    pub companions: BTreeMap<String, Value>,
    /// The stage's questions in their order, with right answers. Empty for a stage that asks nothing.
    pub answers: Vec<Answer>,
    /// Any object is a right answer, by design.
    pub anything_passes: bool,
}

/// A right answer to one question.
///
/// A text of the form `{code}` in it stands for what only the run knows: `{code}` is the code that was mailed last, `{clientToken}` proves an account
/// at an identity provider that has the address `bjensen@example.test`. In the world of the
/// tests there is a person `bjensen`, with the address `bjensen@example.test`, the password `Passw0rd` and the answer `street` to every
/// security question; `newbie` is not known there.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The question.
    pub tag: Tag,
    /// The `input` of a right answer.
    pub input: Value,
    /// Further right answers that differ in their spelling.
    pub also: Vec<Value>,
}

impl Example {
    /// A stage with this configuration that asks nothing (yet).
    #[must_use]
    pub fn new(config: Value) -> Self {
        Self { config, ..Self::default() }
    }

    /// Adds a companion file.
    #[must_use]
    pub fn with(mut self, companion: impl Into<String>, content: Value) -> Self {
        self.companions.insert(companion.into(), content);
        self
    }

    /// Adds a question and a right answer to it.
    #[must_use]
    pub fn answered(mut self, tag: Tag, input: Value) -> Self {
        self.answers.push(Answer { tag, input, also: Vec::new() });
        self
    }

    /// Adds another spelling of the last right answer.
    #[must_use]
    pub fn or(mut self, input: Value) -> Self {
        if let Some(last) = self.answers.last_mut() {
            last.also.push(input);
        }
        self
    }

    /// Every object is a right answer to the last question.
    #[must_use]
    pub fn or_anything(mut self) -> Self {
        self.anything_passes = true;
        self
    }
}
