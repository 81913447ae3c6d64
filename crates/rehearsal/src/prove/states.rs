//! States of an exploration, and what tells them apart.

use std::collections::BTreeSet;
use std::sync::Arc;

use identity::Everything;
use serde_json::{Value, json};

use super::Goal;
use super::finding::{AttackStep, Said};
use crate::ledger::Rows;

/// Everything stored, and what tells it apart.
pub(super) struct Stored {
    pub(super) objects: Everything,
    pub(super) rows: Arc<Rows>,
    /// How far randomness was.
    pub(super) drawn: u64,
    pub(super) name: usize,
}

/// What a token carries and leads to.
pub(super) struct Carried {
    pub(super) token: String,
    pub(super) stage: usize,
    pub(super) tag: String,
    /// The same for tokens that carry the same.
    pub(super) name: usize,
    pub(super) tried: Arc<Tried>,
}

/// What is tried with a question.
pub(super) struct Tried {
    /// Each input, and a number for it.
    pub(super) inputs: Vec<(Arc<Value>, usize)>,
    /// The same for questions with which the same is tried.
    pub(super) name: usize,
}

/// What a submission comes to.
pub(super) struct Came {
    pub(super) said: Said,
    /// What is stored then, and the token that was given; nothing where it was refused.
    pub(super) next: Option<(Arc<Stored>, Option<Arc<Carried>>)>,
    /// What was reached.
    pub(super) goals: Vec<Goal>,
    /// The answer has the user name in it.
    pub(super) names: bool,
}

/// A way as far as it went: the last submission, and the way before it.
pub(super) struct Way {
    pub(super) before: Option<Arc<Way>>,
    pub(super) token: Option<usize>,
    pub(super) input: Arc<Value>,
    pub(super) came: Arc<Came>,
}

impl Way {
    /// Its submissions in order.
    pub(super) fn steps(&self) -> Vec<AttackStep> {
        let mut steps = Vec::new();
        let mut at = Some(self);
        while let Some(way) = at {
            steps.push(AttackStep { token: way.token, input: way.input.as_ref().clone(), answer: way.came.said.clone() });
            at = way.before.as_deref();
        }
        steps.reverse();
        steps
    }
}

pub(super) struct State {
    pub(super) stored: Arc<Stored>,
    /// Tokens with the submissions that gave them, from 1.
    pub(super) held: Vec<(usize, Arc<Carried>)>,
    pub(super) way: Option<Arc<Way>>,
    /// How many submissions it is.
    pub(super) depth: usize,
    /// The attacker has used the user name themselves.
    pub(super) knows_name: bool,
}

/// What tells states apart. Of older tokens it is the question they lead to that counts: to tell all sets of them apart would be to try the same
/// over and over.
pub(super) fn key(state: &State) -> String {
    let newest = state.held.last().map(|(_, held)| held.name);
    let older: BTreeSet<(usize, &str)> = state.held.iter().map(|(_, held)| (held.stage, held.tag.as_str())).collect();
    json!([newest, older, state.stored.name, state.knows_name]).to_string()
}

/// Leaves out what is drawn or sealed anew each time: hashes with their salts, sealed texts, filling.
pub(super) fn settle(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("eyJ") || text.starts_with("$argon2") => "…".clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(members) => {
            members.retain(|name, _| name != "filler" && name != "credential");
            members.values_mut().for_each(settle);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_anew_does_not_tell_states_apart() {
        let mut value: Value = json!({ "password": "$argon2id$x", "filler": "xx", "list": ["eyJa.b", "kept"], "mail": "a" });
        settle(&mut value);
        assert_eq!(value, json!({ "password": "…", "list": ["…", "kept"], "mail": "a" }));
    }
}
