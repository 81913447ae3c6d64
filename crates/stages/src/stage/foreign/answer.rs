//! What such a stage says. Read strictly: a stage ends only with `"done": true`, and whatever else it says means that it is not.

use crest::ResourceError;
use process::{FactKind, Requirements};
use serde_json::{Map, Value};

/// Longest message that a person is shown, in characters.
const MAX_MESSAGE: usize = 500;

/// What it wants next.
pub(super) enum Asked {
    /// It said nothing.
    Nothing,
    /// It asks.
    Again(Box<Requirements>),
    /// It is through.
    Done,
}

/// What it said.
pub(super) struct Answer {
    pub(super) asked: Asked,
    /// Its own state from now on.
    pub(super) state: Option<Value>,
    /// Details for the new person.
    pub(super) user: Map<String, Value>,
    /// Attributes for the signed-in person.
    pub(super) attributes: Map<String, Value>,
    /// Members for the end of the process.
    pub(super) additions: Map<String, Value>,
    /// Facts it grants.
    pub(super) gives: Vec<FactKind>,
}

impl Answer {
    /// Reads it.
    ///
    /// # Errors
    /// The refusal that the stage itself pronounces: 400, 403, 404 or 409.
    pub(super) fn read(said: &Value, shown_as: &str) -> Result<Self, ResourceError> {
        if let Some(error) = said.get("error").filter(|error| !error.is_null()) {
            return Err(refusal(error));
        }
        let object = |key: &str| said.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
        let asked = match said.get("requirements") {
            _ if said.get("done") == Some(&Value::Bool(true)) => Asked::Done,
            Some(schema @ Value::Object(_)) => Asked::Again(Box::new(requirements(schema, shown_as))),
            _ => Asked::Nothing,
        };
        let gives = said.get("gives").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let gives = gives.map(|name| match name {
            "human" => FactKind::Human,
            "parameters" => FactKind::Parameters,
            "newUser" => FactKind::NewUser,
            // Whatever else it claims is nothing it could have declared, and is refused as that.
            _ => FactKind::SignedIn,
        });
        Ok(Self {
            asked,
            state: said.get("state").filter(|state| state.is_object()).cloned(),
            user: object("user"),
            attributes: object("attributes"),
            additions: object("additions"),
            gives: gives.collect(),
        })
    }
}

fn refusal(error: &Value) -> ResourceError {
    let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let code = code.filter(|code| [400, 403, 404, 409].contains(code)).unwrap_or(400);
    let message = error.as_str().or_else(|| error.get("message")?.as_str()).unwrap_or("The input was refused");
    ResourceError::new(code, message.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect::<String>())
}

/// A JSON Schema as requirements.
pub(super) fn requirements(schema: &Value, shown_as: &str) -> Requirements {
    let members = |key: &str| schema.get(key).and_then(Value::as_object).into_iter().flatten();
    let required: Vec<&str> = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let description = schema.get("description").and_then(Value::as_str).unwrap_or(shown_as);
    let mut asked = Requirements::new(description);
    for (name, property) in members("properties") {
        asked =
            if required.contains(&name.as_str()) { asked.required(name, property.clone()) } else { asked.optional(name, property.clone()) };
    }
    for (name, definition) in members("definitions") {
        asked = asked.definition(name, definition.clone());
    }
    const OURS: [&str; 6] = ["$schema", "description", "type", "required", "properties", "definitions"];
    for (key, value) in schema.as_object().into_iter().flatten().filter(|(key, _)| !OURS.contains(&key.as_str())) {
        asked = asked.with(key, value.clone());
    }
    asked
}
