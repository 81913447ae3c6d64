//! Consent: to which targets a person's data go only if they agree. The mappings of `sync.json` with `consentRequired` decide, and
//! nothing else of that file is looked at: a target whose connector is absent still needs consent (docs/protocol/clients.md, point 28).
//!
//! Easiest to break: `consent.json` was a switch up to 6.5 and is ignored since 7.0, and nothing tells which generation a project is.
//! So only a file that says `false` switches consent off; an absent one does not.

use std::time::SystemTime;

use crest::Filter;
use serde_json::{Map, Value, json};

use crate::loose;
use crate::managed::timestamp;
use crate::problem::{Problem, Problems, Severity, below};
use crate::schema::{ObjectSchema, Schemas};

const FILE: &str = "sync.json";
const MAPPINGS: &str = "mappings";
const CONSENT_REQUIRED: &str = "consentRequired";

/// The mappings that need consent, in the file's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consents {
    mappings: Vec<ConsentMapping>,
}

/// A mapping that needs consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentMapping {
    /// Its name, what is stored when somebody agrees.
    pub name: String,
    /// Whose data (`managed/user`).
    pub source: String,
    /// Where they go (`system/ldap/account`).
    pub target: String,
    /// What people read; the name where the file has nothing.
    pub display_name: String,
    /// An icon, as the file names it.
    pub icon: Option<String>,
    /// Properties of the source that are sent, each once.
    pub fields: Vec<String>,
}

impl Consents {
    /// Reads `sync.json` (or its list of mappings alone) and `consent.json`, each where there is one.
    #[must_use]
    pub fn read(sync: Option<&Value>, switch: Option<&Value>) -> (Self, Vec<Problem>) {
        let mut problems = Problems::of(FILE);
        let (listed, at) = match sync {
            Some(Value::Array(listed)) => (listed.as_slice(), String::new()),
            Some(file) => (file.get(MAPPINGS).and_then(Value::as_array).map_or(&[][..], Vec::as_slice), below("", MAPPINGS)),
            None => (&[][..], String::new()),
        };
        let mut mappings: Vec<ConsentMapping> = Vec::new();
        for (position, raw) in listed.iter().enumerate() {
            let pointer = below(&at, &position.to_string());
            if loose::flag(raw, CONSENT_REQUIRED) != Some(true) {
                if loose::member(raw, CONSENT_REQUIRED).is_some_and(|_| loose::flag(raw, CONSENT_REQUIRED).is_none()) {
                    let message = "must be true or false; the mapping counts as one that needs no consent";
                    problems.add(Severity::Warning, &below(&pointer, CONSENT_REQUIRED), message);
                }
                continue;
            }
            let Some(mapping) = ConsentMapping::read(raw) else {
                problems.add(
                    Severity::Error,
                    &pointer,
                    "a mapping that needs consent has a 'name' and a 'source'; nobody is asked about it",
                );
                continue;
            };
            if mappings.iter().any(|earlier| earlier.name == mapping.name) {
                let message = format!("there is a mapping '{}' already; one answer counts for both", mapping.name);
                problems.add(Severity::Warning, &below(&pointer, "name"), message);
            }
            mappings.push(mapping);
        }
        if switch.and_then(|file| loose::flag(file, "enabled")) == Some(false) && !mappings.is_empty() {
            let message = format!(
                "consent.json says \"enabled\": false, so nobody is asked, although {} of the mappings need consent. IDM obeys that file \
                 up to 6.5 and ignores it since 7.0",
                mappings.len()
            );
            problems.add(Severity::Warning, &at, message);
            mappings.clear();
        }
        (Self { mappings }, problems.into_vec())
    }

    /// The mappings that need the consent of people in `collection` (`managed/user`).
    pub fn of<'a>(&'a self, collection: &'a str) -> impl Iterator<Item = &'a ConsentMapping> {
        self.mappings.iter().filter(move |mapping| mapping.source == collection)
    }

    /// Whether people in `collection` are asked at all.
    #[must_use]
    pub fn required(&self, collection: &str) -> bool {
        self.of(collection).next().is_some()
    }

    /// The `result` of `GET consent?_queryFilter=/source eq "managed/user"`: `{name, displayName, icon, fields:[{name, title}]}` of the
    /// mappings that match; the filter sees `target` too.
    #[must_use]
    pub fn list(&self, filter: &Filter, schemas: &Schemas) -> Vec<Value> {
        let shown = self.mappings.iter().map(|mapping| mapping.to_client_value(schemas.get(&mapping.source)));
        shown.filter(|mapping| filter.matches(mapping)).collect()
    }
}

impl ConsentMapping {
    fn read(raw: &Value) -> Option<Self> {
        let filled = |key| loose::text(raw, key).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let name = filled("name")?;
        let source = filled("source")?.trim_matches('/').to_owned();
        let mut fields: Vec<String> = Vec::new();
        for property in raw.get("properties").and_then(Value::as_array).into_iter().flatten() {
            // A property that is computed, or set to a constant, has no source of its own.
            let field = loose::text(property, "source").map(|path| path.trim_matches('/').to_owned());
            fields.extend(field.filter(|field| !field.is_empty() && !fields.contains(field)));
        }
        let display_name = filled("displayName").unwrap_or_else(|| name.clone());
        Some(Self { name, source, target: filled("target").unwrap_or_default(), display_name, icon: filled("icon"), fields })
    }

    fn to_client_value(&self, schema: Option<&ObjectSchema>) -> Value {
        let fields: Vec<Value> = self.fields.iter().map(|field| json!({"name": field, "title": title(schema, field)})).collect();
        json!({
            "_id": self.name,
            "name": self.name,
            "source": self.source,
            "target": self.target,
            "displayName": self.display_name,
            "icon": self.icon,
            "consentRequired": true,
            "fields": fields,
        })
    }
}

fn title<'a>(schema: Option<&'a ObjectSchema>, field: &'a str) -> &'a str {
    let top = field.split('/').next().unwrap_or(field);
    let property = schema.and_then(|schema| schema.property(top));
    property.and_then(|property| property.title.as_deref()).filter(|title| !title.is_empty()).unwrap_or(field)
}

/// What `consentedMappings` of a person who agreed holds: `[{mapping, consentDate}]`.
#[must_use]
pub fn consented_mappings<'a>(now: SystemTime, mappings: impl IntoIterator<Item = &'a ConsentMapping>) -> Value {
    let date = timestamp(now);
    let entry = |mapping: &ConsentMapping| {
        Value::Object(Map::from_iter([("mapping".to_owned(), json!(mapping.name)), ("consentDate".to_owned(), json!(date))]))
    };
    mappings.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync() -> Value {
        json!({"mappings": [
            {"name": "toLdap", "source": "managed/user", "target": "system/ldap/account", "consentRequired": "true",
             "displayName": "Directory", "icon": "ldap.png",
             "properties": [{"source": "mail", "target": "mail"}, {"source": "", "target": "cn"}, {"target": "dn"},
                            {"source": "mail", "target": "other"}, {"source": "/preferences/updates", "target": "u"}]},
            {"name": "toCsv", "source": "managed/user", "target": "system/csv/row", "consentRequired": false},
            {"name": "toHr", "source": "managed/user", "target": "system/hr/row"},
            {"name": "fromHr", "source": "system/hr/row", "target": "managed/user", "consentRequired": true, "displayName": null}
        ]})
    }

    fn names(consents: &Consents, collection: &str) -> Vec<String> {
        consents.of(collection).map(|mapping| mapping.name.clone()).collect()
    }

    #[test]
    fn only_mappings_that_say_so_need_consent_and_only_of_their_source() {
        let (consents, problems) = Consents::read(Some(&sync()), None);
        assert_eq!(problems, []);
        assert_eq!(names(&consents, "managed/user"), ["toLdap"]);
        assert!(consents.required("managed/user") && !consents.required("managed/role"));
        assert!(!Consents::read(None, None).0.required("managed/user"));
        assert_eq!(Consents::read(Some(&sync()["mappings"]), None).0, consents, "the list alone is as good as the file");
    }

    #[test]
    fn only_a_consent_file_that_says_false_switches_it_off_and_that_is_said() {
        for (switch, on) in [
            (None, true),
            (Some(json!({"enabled": true})), true),
            (Some(json!({"enabled": "true"})), true),
            (Some(json!({})), true),
            (Some(json!({"enabled": null})), true),
            (Some(json!({"enabled": false})), false),
            (Some(json!({"enabled": "false"})), false),
        ] {
            let (consents, problems) = Consents::read(Some(&sync()), switch.as_ref());
            assert_eq!((consents.required("managed/user"), problems.is_empty()), (on, on), "{switch:?}");
        }
    }

    #[test]
    fn the_list_has_the_names_and_titles_people_read() {
        let (consents, _) = Consents::read(Some(&sync()), None);
        let filter = Filter::parse("/source eq \"managed/user\"").unwrap();
        let list = consents.list(&filter, &Schemas::builtin());
        assert_eq!(list.len(), 1);
        assert_eq!(list[0]["displayName"], "Directory");
        assert_eq!(list[0]["icon"], "ldap.png");
        assert_eq!(list[0]["fields"][0], json!({"name": "mail", "title": "Email Address"}));
        assert_eq!(list[0]["fields"][1]["name"], "preferences/updates");
        assert_eq!(list[0]["fields"].as_array().map(Vec::len), Some(2));
        let other = consents.list(&Filter::parse("target eq \"managed/user\"").unwrap(), &Schemas::builtin());
        assert_eq!((other.len(), other[0]["displayName"].as_str(), &other[0]["icon"]), (1, Some("fromHr"), &Value::Null));
    }

    #[test]
    fn a_mapping_without_a_name_cannot_be_asked_about_and_is_named() {
        let file = json!({"mappings": [{"consentRequired": true, "source": "managed/user"}, {"consentRequired": "perhaps", "name": "x"},
                                       {"consentRequired": true, "name": "a", "source": "s"}, {"consentRequired": true, "name": "a", "source": "s"}]});
        let (consents, problems) = Consents::read(Some(&file), None);
        assert!(!consents.required("managed/user"));
        let pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(pointers, ["/mappings/0", "/mappings/1/consentRequired", "/mappings/3/name"]);
    }

    #[test]
    fn agreeing_stores_the_mapping_and_the_time() {
        let (consents, _) = Consents::read(Some(&sync()), None);
        let stored = consented_mappings(SystemTime::UNIX_EPOCH, consents.of("managed/user"));
        assert_eq!(stored, json!([{"mapping": "toLdap", "consentDate": "1970-01-01T00:00:00.000Z"}]));
    }
}
