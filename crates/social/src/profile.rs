//! From what a provider says of a person to what is offered as the details of an account here: `propertyMap` makes the provider's profile a
//! common one, `selfservice.propertymap` a common one a person's.
//!
//! Easiest to break: nothing of it is believed. It fills in a form, or is compared with accounts; no property is set because a provider said so.

use async_trait::async_trait;
use crest::Filter;
use serde_json::{Map, Value, json};

/// Where the profile of a provider that names no map is found (OpenID Connect Core 1.0 §5.1).
const STANDARD: [(&str, &str); 9] = [
    ("sub", "id"),
    ("name", "displayName"),
    ("given_name", "givenName"),
    ("family_name", "familyName"),
    ("picture", "photoUrl"),
    ("email", "email"),
    ("email", "username"),
    ("locale", "locale"),
    ("phone_number", "phone"),
];

/// What an account is offered where there is no `selfservice.propertymap`: source, target, and whether it is left out when there is none.
const OFFERED: [(&str, &str); 10] = [
    ("givenName", "givenName"),
    ("familyName", "sn"),
    ("email", "mail"),
    ("postalAddress", "postalAddress"),
    ("addressLocality", "city"),
    ("addressRegion", "stateProvince"),
    ("postalCode", "postalCode"),
    ("country", "country"),
    ("phone", "telephoneNumber"),
    ("username", "userName"),
];

/// A script that makes a value of a map, or the whole of a common profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Scripted {
    /// The text of the script.
    pub script: String,
    /// The name of the value it is given: `source` for a member, `rawProfile` for the whole profile.
    pub name: &'static str,
    /// The value.
    pub source: Value,
}

/// Runs scripts of a `propertyMap`.
#[async_trait]
pub trait TransformScript: Send + Sync {
    /// The value a script makes.
    ///
    /// # Errors
    /// Why it made none, for the log.
    async fn run(&self, scripted: Scripted) -> Result<Value, String>;
}

struct Row {
    source: String,
    target: String,
    script: Option<String>,
}

/// A provider's `propertyMap`, and the script behind it.
pub(crate) struct PropertyMap {
    rows: Vec<Row>,
    /// `normalizationScript`: it is given the whole profile, and the members of what it gives count more than those of the rows.
    script: Option<String>,
}

impl PropertyMap {
    /// Reads the value of the key; the standard one where there is none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(value: Option<&Value>) -> Result<Self, String> {
        let rows = match value {
            None | Some(Value::Null) => return Ok(Self::standard()),
            Some(Value::Array(rows)) if rows.is_empty() => return Ok(Self::standard()),
            Some(Value::Array(rows)) => rows,
            Some(_) => return Err("a list of {source, target} is wanted".to_owned()),
        };
        let row = |row: &Value| {
            let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
            let script = row.get("transform").filter(|script| !script.is_null()).map(script).transpose()?;
            match (text("source"), text("target")) {
                (Some(source), Some(target)) if !target.is_empty() => Ok(Row { source, target, script }),
                _ => Err(format!("{row} has no source and target")),
            }
        };
        rows.iter().map(row).collect::<Result<_, _>>().map(Self::of)
    }

    fn of(rows: Vec<Row>) -> Self {
        Self { rows, script: None }
    }

    /// The same with a script behind it.
    pub(crate) fn with_script(self, script: Option<String>) -> Self {
        Self { script, ..self }
    }

    /// One that maps nothing.
    pub(crate) fn empty() -> Self {
        Self::of(Vec::new())
    }

    fn standard() -> Self {
        Self::of(
            STANDARD
                .iter()
                .map(|(source, target)| Row { source: (*source).to_owned(), target: (*target).to_owned(), script: None })
                .collect(),
        )
    }

    /// The members of a provider's profile that the map reads.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| row.source.trim_start_matches('/').split(['/', '.']).next().unwrap_or_default())
    }

    /// The texts of its scripts, each with the key it stands under.
    pub(crate) fn scripts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let of_rows = self.rows.iter().filter_map(|row| Some(("propertyMap", row.script.as_deref()?)));
        of_rows.chain(self.script.as_deref().map(|script| ("normalizationScript", script)))
    }

    /// The common profile of a provider's. A script that fails leaves its member out, and is told to the log.
    pub(crate) async fn apply(&self, profile: &Map<String, Value>, scripts: &dyn TransformScript) -> Map<String, Value> {
        let mut common = Map::new();
        for row in &self.rows {
            let found = found(profile, &row.source).filter(|value| !value.is_null());
            let value = match (&row.script, found) {
                (None, Some(value)) => Some(value.clone()),
                (Some(script), value) => {
                    let source =
                        value.cloned().unwrap_or_else(|| if row.source.is_empty() { Value::Object(profile.clone()) } else { Value::Null });
                    let made = scripts.run(Scripted { script: script.clone(), name: "source", source }).await;
                    made.inspect_err(|error| tracing::warn!(%error, property = row.target, "a transform of a propertyMap failed")).ok()
                }
                (None, None) => None,
            };
            if let Some(value) = value.filter(|value| !value.is_null()) {
                common.insert(row.target.clone(), value);
            }
        }
        if let Some(script) = &self.script {
            let whole = Scripted { script: script.clone(), name: "rawProfile", source: Value::Object(profile.clone()) };
            match scripts.run(whole).await {
                Ok(Value::Object(made)) => common.extend(made.into_iter().filter(|(_, value)| !value.is_null())),
                Ok(_) => tracing::warn!("a normalizationScript gives no object"),
                Err(error) => tracing::warn!(%error, "a normalizationScript failed"),
            }
        }
        common
    }
}

/// The text of a script, `{type, source}`; its source may be a list of lines, of which none may be lost.
pub(crate) fn script(declared: &Value) -> Result<String, String> {
    let text = match declared.get("source") {
        Some(Value::Array(lines)) => lines.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|lines| lines.join("\n")),
        source => source.and_then(Value::as_str).map(str::to_owned),
    };
    let kind = declared.get("type").and_then(Value::as_str);
    let text = text.filter(|_| kind.is_none_or(|kind| kind.contains("javascript")));
    text.ok_or_else(|| "a script is {\"type\": \"text/javascript\", \"source\": …}".to_owned())
}

/// A member of a profile: by its name, by a pointer, or by names joined with dots.
pub(crate) fn found<'p>(profile: &'p Map<String, Value>, source: &str) -> Option<&'p Value> {
    if let Some(value) = profile.get(source) {
        return Some(value);
    }
    let mut parts = source.trim_start_matches('/').split(['/', '.']);
    let mut value = profile.get(parts.next()?)?;
    for part in parts {
        value = match value {
            Value::Object(members) => members.get(part)?,
            Value::Array(list) => list.get(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(value)
}

/// The details of a person that a common profile offers. `map` is the content of `selfservice.propertymap.json`, where the project has one;
/// a row whose `condition` cannot be read, or does not hold, is left out.
#[must_use]
pub(crate) fn fill(common: &Map<String, Value>, map: Option<&Value>) -> Map<String, Value> {
    let listed = map.map(|map| map.get("properties").unwrap_or(map)).and_then(Value::as_array);
    let mut user = Map::new();
    let mut put = |source: &str, target: &str| {
        if let Some(value) = found(common, source).filter(|value| !value.is_null() && **value != "") {
            user.insert(target.trim_start_matches('/').to_owned(), value.clone());
        }
    };
    let Some(rows) = listed else {
        for (source, target) in OFFERED {
            put(source, target);
        }
        return user;
    };
    let about = json!({ "object": common });
    for row in rows {
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        let (Some(source), Some(target)) = (text("source"), text("target")) else { continue };
        let holds = match row.get("condition") {
            None | Some(Value::Null) => true,
            Some(Value::String(filter)) => Filter::parse(filter).is_ok_and(|filter| filter.matches(&about)),
            Some(_) => false,
        };
        if holds {
            put(source, target);
        }
    }
    user
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Upper;

    #[async_trait]
    impl TransformScript for Upper {
        async fn run(&self, scripted: Scripted) -> Result<Value, String> {
            scripted.source.as_str().map(|text| text.to_uppercase().into()).ok_or_else(|| "no text".to_owned())
        }
    }

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[tokio::test]
    async fn a_map_finds_members_at_any_depth_and_runs_its_scripts() {
        let map = json!([
            {"source": "id", "target": "id"}, {"source": "picture.data.url", "target": "photoUrl"}, {"source": "emails/0/value", "target": "email"},
            {"source": "name", "target": "displayName", "transform": {"type": "text/javascript", "source": "x"}},
            {"source": "missing", "target": "locale", "transform": {"type": "text/javascript", "source": "x"}},
            {"source": "nothing", "target": "phone"},
        ]);
        let profile = object(
            &json!({"id": 7, "picture": {"data": {"url": "u"}}, "emails": [{"value": "a@b.example"}], "name": "jo", "nothing": null}),
        );
        let common = PropertyMap::read(Some(&map)).unwrap().apply(&profile, &Upper).await;
        assert_eq!(Value::Object(common), json!({"id": 7, "photoUrl": "u", "email": "a@b.example", "displayName": "JO"}));
    }

    #[test]
    fn a_row_counts_where_its_condition_holds() {
        let common = object(&json!({"email": "a@b.example", "country": "", "phone": "1", "familyName": "B"}));
        let map = json!({"properties": [
            {"source": "email", "target": "mail"}, {"source": "familyName", "target": "/sn"},
            {"source": "phone", "target": "telephoneNumber", "condition": "/object/phone  pr"},
            {"source": "phone", "target": "other", "condition": "/object/fax pr"},
            {"source": "phone", "target": "broken", "condition": "(("}, {"source": "country", "target": "country"},
        ]});
        assert_eq!(Value::Object(fill(&common, Some(&map))), json!({"mail": "a@b.example", "sn": "B", "telephoneNumber": "1"}));
        assert_eq!(Value::Object(fill(&common, None)), json!({"sn": "B", "mail": "a@b.example", "telephoneNumber": "1"}));
    }

    #[test]
    fn a_script_is_a_text_or_its_lines() {
        assert_eq!(script(&json!({"type": "text/javascript", "source": ["a;", "b"]})), Ok("a;\nb".to_owned()));
        assert_eq!(script(&json!({"source": "a"})), Ok("a".to_owned()));
        assert!(script(&json!({"source": ["a;", 1]})).is_err() && script(&json!({"source": {}})).is_err());
    }

    #[test]
    fn a_map_that_cannot_be_read_is_refused() {
        for bad in [
            json!({}),
            json!([{"source": "a", "target": "b", "transform": {"type": "groovy", "source": "x"}}]),
            json!([{"source": "a"}]),
            json!(["a"]),
            json!("x"),
        ] {
            assert!(PropertyMap::read(Some(&bad)).is_err(), "{bad}");
        }
    }
}
