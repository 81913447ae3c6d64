//! What an operator decides about people who share a name: written by a dry run as a proposal, edited, and read by the import.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::record::Record;

/// What becomes of one of the objects that share a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Choice {
    /// It keeps its name.
    Keep,
    /// It is not imported.
    LeaveOut,
    /// It gets another name.
    Rename {
        /// Which.
        to: String,
    },
}

/// An object among several that share a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its id.
    #[serde(rename = "_id")]
    pub id: String,
    /// The name as it is written there.
    pub name: String,
    /// Where it stands: a place in the source, or `the store`.
    pub place: String,
    /// When the person signed in last, or the object was changed last; empty where that is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seen: String,
    /// What becomes of it.
    #[serde(flatten)]
    pub choice: Choice,
}

/// Objects that share a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Their collection.
    pub collection: String,
    /// The property that holds the name.
    pub property: String,
    /// What the rule is.
    pub why: String,
    /// The objects.
    pub objects: Vec<Member>,
}

/// Decisions about shared names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolution {
    /// The groups that are decided.
    pub groups: Vec<Group>,
    #[serde(skip)]
    choices: BTreeMap<(String, String), Vec<(String, Choice)>>,
}

/// Why a resolution cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the resolution cannot be used: {0}")]
pub struct ResolutionError(#[from] serde_json::Error);

impl Resolution {
    /// Reads what an operator has edited.
    ///
    /// # Errors
    /// [`ResolutionError`], which says where it is no resolution.
    pub fn read(text: &str) -> Result<Self, ResolutionError> {
        let mut read: Self = serde_json::from_str(text)?;
        for group in &read.groups {
            for member in &group.objects {
                let choices = read.choices.entry((group.collection.clone(), member.id.clone())).or_default();
                choices.push((group.property.clone(), member.choice.clone()));
            }
        }
        Ok(read)
    }

    pub(crate) fn proposed(groups: Vec<Group>) -> Self {
        Self { groups, ..Self::default() }
    }

    /// The text of a proposal.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(&json!({ "groups": self.groups })).unwrap_or_default()
    }

    /// Applies what was decided of an object; says whether it is imported.
    pub(crate) fn apply(&self, record: &mut Record) -> bool {
        let Some(choices) = self.choices.get(&(record.collection.clone(), record.id.clone())) else { return true };
        for (property, choice) in choices {
            match choice {
                Choice::Keep => {}
                Choice::LeaveOut => return false,
                Choice::Rename { to } => {
                    record.content.insert(property.clone(), Value::String(to.clone()));
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Place;

    #[test]
    fn what_was_decided_is_done() {
        let text = r#"{"groups":[{"collection":"managed/user","property":"userName","why":"","objects":[
            {"_id":"1","name":"ann","place":"x:1","do":"keep"},{"_id":"2","name":"Ann","place":"x:2","do":"rename","to":"ann-2"},
            {"_id":"3","name":"ANN","place":"x:3","do":"leave-out"}]}]}"#;
        let resolution = Resolution::read(text).unwrap();
        assert_eq!(Resolution::read(&resolution.to_text()).unwrap(), resolution);
        let applied = |id: &str| {
            let place = Place { file: "x".into(), line: 1 };
            let (collection, content) = ("managed/user".to_owned(), serde_json::Map::new());
            let mut record = Record { place, collection, id: id.to_owned(), revision: None, content, lost: Vec::new() };
            let imported = resolution.apply(&mut record);
            (imported, record.content.get("userName").cloned())
        };
        assert_eq!(applied("1"), (true, None));
        assert_eq!(applied("2"), (true, Some(json!("ann-2"))));
        assert_eq!(applied("3"), (false, None));
        assert_eq!(applied("4"), (true, None));
        assert!(Resolution::read("{\"groups\":[{}]}").is_err());
    }
}
