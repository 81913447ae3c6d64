//! The mappings of `sync.json` and, since 7.0, of `mapping-<name>.json`, one each (synchronization guide, "Resource mapping"). A project
//! may have both; nothing here is synchronised, but consent is asked for what a mapping sends away.
//!
//! The rule easiest to break: a mapping that needs consent and is overlooked asks nobody. What cannot be read is an error then.

use serde_json::{Value, json};

use crate::diagnostic::{Severity, Sink};
use crate::loose::{Document, Node};

/// One mapping, as far as consent and policies need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Name, `managedUser_systemLdapAccounts`.
    pub name: String,
    /// Source, `managed/user`.
    pub source: String,
    /// Where the mapping writes to: `managed/<object>` or `system/<connector>/<type>`.
    pub target: String,
    /// Whether a person must agree before their data go there.
    pub consent_required: bool,
    /// Name shown to people.
    pub display_name: Option<String>,
    /// Icon shown to people.
    pub icon: Option<String>,
    /// Properties that leave, in the file's order: target and source property. The source is empty where a script or a constant makes
    /// the value.
    pub properties: Vec<(String, String)>,
}

/// The mapping's name in a file name in `conf`.
pub(crate) fn name_of(file_name: &str) -> Option<&str> {
    let name = file_name.strip_prefix("mapping-")?.strip_suffix(".json")?;
    (!name.is_empty() && !name.contains('.')).then_some(name)
}

impl Mapping {
    /// The keys as a file has them.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let properties: Vec<Value> = self.properties.iter().map(|(target, source)| json!({ "source": source, "target": target })).collect();
        json!({
            "name": self.name, "source": self.source, "target": self.target, "consentRequired": self.consent_required,
            "displayName": self.display_name, "icon": self.icon, "properties": properties,
        })
    }

    /// The mappings of `sync.json`.
    pub(crate) fn read_all(document: &Document, sink: &Sink) -> Vec<Self> {
        document.root(sink).get("mappings").items().iter().filter_map(|node| Self::read(node, None)).collect()
    }

    /// The mapping of a file of its own; without a `name` in it, it is called as the file is.
    pub(crate) fn read_one(document: &Document, file_name: &str, sink: &Sink) -> Option<Self> {
        Self::read(&document.root(sink), name_of(file_name))
    }

    /// Everything but what consent needs is left alone.
    fn read(node: &Node<'_>, file_name: Option<&str>) -> Option<Self> {
        let plain = |key: &str| node.get(key).value().and_then(Value::as_str).map(str::to_owned);
        let consent_required = node.get("consentRequired").boolean().unwrap_or_default();
        let name = plain("name").or_else(|| file_name.map(str::to_owned));
        let (Some(name), Some(source), Some(target)) = (name, plain("source"), plain("target")) else {
            if consent_required {
                node.report(Severity::Error, "missing-key", "a mapping that needs consent has a name, a source and a target", None);
            }
            return None;
        };
        let properties = node.get("properties").items();
        let properties = properties.iter().filter_map(|property| {
            let text = |key: &str| property.get(key).value().and_then(Value::as_str).map(str::to_owned);
            Some((text("target")?, text("source").unwrap_or_default()))
        });
        let (display_name, icon, properties) = (plain("displayName"), plain("icon"), properties.collect());
        Some(Self { name, source, target, consent_required, display_name, icon, properties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn document(text: &str) -> Document {
        Document::read(SourceFile::new("conf/x.json", text), &|_: &str| None, &Sink::default()).unwrap()
    }

    #[test]
    fn only_what_consent_needs_is_read_of_a_mapping() {
        let sink = Sink::default();
        let text = r#"{"mappings": [
            {"name": "a", "source": "managed/user", "target": "system/ldap/account", "consentRequired": "true", "displayName": "Directory",
             "properties": [{"source": "mail", "target": "mail"}, {"target": "cn"}], "policies": [{"x": "&{nobody}"}]},
            {"source": "x"}, {"consentRequired": true}]}"#;
        let mappings = Mapping::read_all(&document(text), &sink);
        assert_eq!(mappings.len(), 1);
        assert!(mappings[0].consent_required);
        assert_eq!(mappings[0].properties, [("mail".to_owned(), "mail".to_owned()), ("cn".to_owned(), String::new())]);
        let value = mappings[0].to_value();
        assert_eq!(value["properties"], json!([{"source": "mail", "target": "mail"}, {"source": "", "target": "cn"}]));
        let found = sink.into_sorted();
        assert_eq!((found.len(), found[0].location.pointer.as_str()), (1, "/mappings/2"));
    }

    #[test]
    fn a_file_of_its_own_names_the_mapping_that_does_not_name_itself() {
        let sink = Sink::default();
        let text = r#"{"_id": "mapping/a", "source": "managed/user", "target": "system/crm/account", "consentRequired": true}"#;
        let read = |name: &str| Mapping::read_one(&document(text), name, &sink);
        assert_eq!(read("mapping-managedUser_systemCrm.json").unwrap().name, "managedUser_systemCrm");
        assert_eq!(read("mapping-x.json").map(|mapping| mapping.consent_required), Some(true));
        assert_eq!((name_of("mapping-a.json.patch"), name_of("mapping-.json"), name_of("mappings.json")), (None, None, None));
        assert!(Mapping::read_one(&document(r#"{"consentRequired": true}"#), "mapping-x.json", &sink).is_none());
        let rules: Vec<_> = sink.into_sorted().iter().map(|found| found.rule).collect();
        assert_eq!(rules, ["missing-key"]);
    }
}
