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
    /// The variables that the script's declaration gives it.
    pub globals: Map<String, Value>,
}

/// A script as a provider's file declares it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Script {
    text: String,
    globals: Map<String, Value>,
}

impl Script {
    fn on(&self, name: &'static str, source: Value) -> Scripted {
        Scripted { script: self.text.clone(), name, source, globals: self.globals.clone() }
    }
}

/// The text of a file of the project that a script names; nothing where there is none.
pub(crate) type ReadFile<'a> = &'a dyn Fn(&str) -> Option<String>;

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
    script: Option<Script>,
}

/// A provider's `propertyMap`, and the script behind it.
pub(crate) struct PropertyMap {
    rows: Vec<Row>,
    /// `normalizationScript`: it is given the whole profile, and the members of what it gives count more than those of the rows.
    script: Option<Script>,
}

impl PropertyMap {
    /// Reads the value of the key; the standard one where there is none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(value: Option<&Value>, files: ReadFile<'_>) -> Result<Self, String> {
        let rows = match value {
            None | Some(Value::Null) => return Ok(Self::standard()),
            Some(Value::Array(rows)) if rows.is_empty() => return Ok(Self::standard()),
            Some(Value::Array(rows)) => rows,
            Some(_) => return Err("a list of {source, target} is wanted".to_owned()),
        };
        let row = |row: &Value| {
            let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
            let script = row.get("transform").filter(|script| !script.is_null()).map(|declared| script(declared, files)).transpose()?;
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
    pub(crate) fn with_script(self, script: Option<Script>) -> Self {
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
        let of_rows = self.rows.iter().filter_map(|row| Some(("propertyMap", row.script.as_ref()?.text.as_str())));
        of_rows.chain(self.script.as_ref().map(|script| ("normalizationScript", script.text.as_str())))
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
                    let made = scripts.run(script.on("source", source)).await;
                    made.inspect_err(|error| tracing::warn!(%error, property = row.target, "a transform of a propertyMap failed")).ok()
                }
                (None, None) => None,
            };
            if let Some(value) = value.filter(|value| !value.is_null()) {
                common.insert(row.target.clone(), value);
            }
        }
        if let Some(script) = &self.script {
            match scripts.run(script.on("rawProfile", Value::Object(profile.clone()))).await {
                Ok(Value::Object(made)) => common.extend(made.into_iter().filter(|(_, value)| !value.is_null())),
                Ok(_) => tracing::warn!("a normalizationScript gives no object"),
                Err(error) => tracing::warn!(%error, "a normalizationScript failed"),
            }
        }
        common
    }
}

/// Keys of a script that are no variables.
const OF_SCRIPT: [&str; 4] = ["type", "source", "file", "globals"];

/// A script, `{type, source}` or `{type, file}`; its source may be a list of lines, of which none may be lost. As with every script of a project, members beside
/// these and those of `globals` are variables that it finds.
pub(crate) fn script(declared: &Value, files: ReadFile<'_>) -> Result<Script, String> {
    let said = |name: &str| declared.get(name).and_then(Value::as_str);
    let file = said("file").map(str::trim).filter(|file| !file.is_empty());
    let is_javascript = said("type").is_none_or(|kind| kind.contains("javascript")) && file.is_none_or(|file| !file.ends_with(".groovy"));
    let text = match (file, declared.get("source")) {
        (Some(file), None | Some(Value::Null)) => Some(files(file).ok_or_else(|| format!("there is no file '{file}'"))?),
        (_, Some(Value::Array(lines))) => lines.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|lines| lines.join("\n")),
        (_, source) => source.and_then(Value::as_str).map(str::to_owned),
    };
    let text = text.filter(|_| is_javascript);
    let text = text.ok_or_else(|| "a script is {\"type\": \"text/javascript\", \"source\": …}, or has a \"file\"".to_owned())?;
    let beside = declared.as_object().into_iter().flatten().filter(|(name, _)| !OF_SCRIPT.contains(&name.as_str()));
    let listed = declared.get("globals").and_then(Value::as_object).into_iter().flatten();
    let globals = beside.chain(listed).map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(Script { text, globals })
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
            let behind = scripted.globals.get("behind").and_then(Value::as_str).unwrap_or_default();
            scripted.source.as_str().map(|text| (text.to_uppercase() + behind).into()).ok_or_else(|| "no text".to_owned())
        }
    }

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[tokio::test]
    async fn a_map_finds_members_at_any_depth_and_runs_its_scripts() {
        let map = json!([
            {"source": "id", "target": "id"}, {"source": "picture.data.url", "target": "photoUrl"}, {"source": "emails/0/value", "target": "email"},
            {"source": "name", "target": "displayName", "transform": {"type": "text/javascript", "source": "x", "globals": {"behind": "!"}}},
            {"source": "missing", "target": "locale", "transform": {"type": "text/javascript", "source": "x"}},
            {"source": "nothing", "target": "phone"},
        ]);
        let profile = object(
            &json!({"id": 7, "picture": {"data": {"url": "u"}}, "emails": [{"value": "a@b.example"}], "name": "jo", "nothing": null}),
        );
        let common = PropertyMap::read(Some(&map), &|_| None).unwrap().apply(&profile, &Upper).await;
        assert_eq!(Value::Object(common), json!({"id": 7, "photoUrl": "u", "email": "a@b.example", "displayName": "JO!"}));
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
    fn a_script_is_a_text_its_lines_or_a_file_and_has_its_variables() {
        let files = |name: &str| (name == "script/x.js").then(|| "of the file".to_owned());
        let text = |declared: Value| script(&declared, &files).map(|script| script.text);
        assert_eq!(text(json!({"type": "text/javascript", "source": ["a;", "b"]})), Ok("a;\nb".to_owned()));
        assert_eq!(text(json!({"source": "a", "file": "script/x.js"})), Ok("a".to_owned()));
        assert_eq!(text(json!({"type": "text/javascript", "file": "script/x.js"})), Ok("of the file".to_owned()));
        assert!(text(json!({"file": "script/y.js"})).unwrap_err().contains("no file 'script/y.js'"));
        for bad in
            [json!({"source": ["a;", 1]}), json!({"source": {}}), json!({}), json!("x"), json!({"type": "groovy", "file": "script/x.js"})]
        {
            assert!(text(bad.clone()).is_err(), "{bad}");
        }
        let declared = json!({"source": "a", "behind": 1, "globals": {"before": 2, "behind": 3}, "type": "text/javascript"});
        assert_eq!(Value::Object(script(&declared, &files).unwrap().globals), json!({"behind": 3, "before": 2}));
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
            assert!(PropertyMap::read(Some(&bad), &|_| None).is_err(), "{bad}");
        }
    }
}
