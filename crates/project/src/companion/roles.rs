//! Internal roles and the privileges they carry: `repo.init.json`, under `insert` → `internal/role`, and what administrators send to
//! `internal/role/<id>` (delegated administration).
//!
//! The rule easiest to break: a privilege that is not understood gives nothing. A filter that cannot be read, a permission nobody knows
//! or an attribute that would let its holders promote themselves closes, and the operator is told.

use crest::Filter;
use identity::Schemas;
use serde_json::Value;

use crate::diagnostic::{Diagnostic, Severity, Sink, suggestion};
use crate::loose::{Document, Node};
use crate::source::SourceFile;

/// Attributes that decide what somebody may do; no privilege gives them to be written.
const PROMOTING: [&str; 3] = ["authzRoles", "roles", "effectiveRoles"];

/// What a privilege permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Reading and searching.
    View,
    /// Creating.
    Create,
    /// Changing.
    Update,
    /// Deleting.
    Delete,
}

impl Permission {
    /// Every permission, in the order clients list them.
    pub const ALL: [Self; 4] = [Self::View, Self::Create, Self::Update, Self::Delete];

    /// The name in files and in `privilege/*`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "VIEW",
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// One privilege of a role.
#[derive(Clone, Debug, PartialEq)]
pub struct Privilege {
    /// Its name.
    pub name: String,
    /// The collection it is about, `managed/user`.
    pub path: String,
    /// What it permits.
    pub permissions: Vec<Permission>,
    /// Which objects it is about.
    pub filter: Filter,
    /// Attributes that may be seen.
    pub readable: Vec<String>,
    /// Those of them that may be written.
    pub writable: Vec<String>,
}

impl Privilege {
    /// Does it permit that?
    #[must_use]
    pub fn permits(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }
}

/// A role of the project itself.
#[derive(Clone, Debug, PartialEq)]
pub struct InternalRole {
    /// Its id, the last part of `internal/role/<id>`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What its holders may do.
    pub privileges: Vec<Privilege>,
    /// It says under which condition, or for how long, it counts. Neither is known here, so nobody has it.
    pub is_limited: bool,
}

impl InternalRole {
    pub(crate) fn read(document: &Document, schemas: &Schemas, sink: &Sink) -> Vec<Self> {
        let listed = document.root(sink).get("insert").get("internal/role").items();
        listed.iter().filter_map(|node| Self::read_one(node, schemas)).collect()
    }

    /// Reads a role as it is sent to `internal/role/<id>`, by the rules of a file. Nothing in it is substituted. What comes back beside it
    /// is everything there is to say; pointers are those of `body`.
    #[must_use]
    pub fn of_value(id: &str, body: &Value, schemas: &Schemas) -> (Option<Self>, Vec<Diagnostic>) {
        let sink = Sink::default();
        let text = serde_json::to_string_pretty(body).unwrap_or_default();
        let file = SourceFile::new(format!("internal/role/{id}"), &text);
        let role = Document::as_written(file, &sink).and_then(|document| {
            let root = document.root(&sink);
            root.expect(&crate::keys::ROLE);
            Self::read_one(&root, schemas)
        });
        (role.map(|role| Self { id: id.to_owned(), ..role }), sink.into_sorted())
    }

    fn read_one(node: &Node<'_>, schemas: &Schemas) -> Option<Self> {
        let Some(id) = node.get_any(&["id", "_id"]).filled_text().or_else(|| node.get("name").filled_text()) else {
            node.report(Severity::Error, "missing-key", "a role without an id and a name can be given to nobody", None);
            return None;
        };
        let limits = [("condition", "roles are given by name, not by a condition"), ("temporalConstraints", "roles are given for good")];
        for (key, why) in limits {
            let limit = node.get(key);
            if limit.value().is_some_and(says_something) {
                let message = format!("'{key}' is not supported: {why}; with it nobody has the role");
                limit.report(Severity::Error, "unsupported-limit", message, None);
                return Some(Self { name: id.clone(), description: None, privileges: Vec::new(), is_limited: true, id });
            }
        }
        let privileges = node.get("privileges").items().iter().filter_map(|node| privilege(node, schemas)).collect();
        Some(Self {
            name: node.get("name").filled_text().unwrap_or_else(|| id.clone()),
            description: node.get("description").filled_text(),
            privileges,
            is_limited: false,
            id,
        })
    }
}

/// Neither null nor empty.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(elements) => !elements.is_empty(),
        Value::String(text) => !text.trim().is_empty(),
        _ => true,
    }
}

fn privilege(node: &Node<'_>, schemas: &Schemas) -> Option<Privilege> {
    node.expect(&crate::keys::PRIVILEGE);
    let Some(path) = node.get("path").filled_text().map(|path| path.trim_matches('/').to_owned()) else {
        node.report(Severity::Error, "missing-key", "a privilege without a path is about nothing", None);
        return None;
    };
    let schema = schemas.get(&path);
    if schema.is_none() {
        let collections: Vec<String> = schemas.iter().map(identity::ObjectSchema::collection).collect();
        let help = suggestion(&path, collections.iter().map(String::as_str));
        let message = format!("there are no objects '{path}', so the privilege gives nothing");
        node.get("path").report(Severity::Warning, "unknown-path", message, help);
    }
    let mut permissions = Vec::new();
    for written in node.get("permissions").comma_texts() {
        if let Some(permission) = Permission::ALL.into_iter().find(|permission| permission.as_str().eq_ignore_ascii_case(&written)) {
            permissions.push(permission);
        } else {
            let help = suggestion(&written, Permission::ALL.map(Permission::as_str));
            node.get("permissions").report(Severity::Error, "unknown-permission", format!("there is no permission '{written}'"), help);
        }
    }
    let filter = match node.get("filter").filled_text() {
        None => Filter::True,
        Some(text) => match Filter::parse(&text) {
            Ok(filter) => filter,
            Err(error) => {
                let message = format!("the filter cannot be read ({error}), so the privilege gives nothing");
                node.get("filter").report(Severity::Error, "bad-filter", message, None);
                return None;
            }
        },
    };
    if permissions.is_empty() && node.get("permissions").items().is_empty() {
        node.report(Severity::Warning, "nothing-permitted", "the privilege permits nothing", None);
    }
    let (mut readable, mut writable) = (Vec::new(), Vec::new());
    for flag in node.get("accessFlags").items() {
        flag.expect(&crate::keys::ACCESS_FLAG);
        let Some(attribute) = flag.get("attribute").filled_text() else {
            flag.report(Severity::Error, "missing-key", "which attribute is it about? 'attribute' is missing", None);
            continue;
        };
        if let Some(schema) = schema.filter(|schema| schema.property(&attribute).is_none() && attribute != "_id") {
            let help = suggestion(&attribute, schema.properties.iter().map(|property| property.name.as_str()));
            let message = format!("{path} has no attribute '{attribute}'");
            flag.get("attribute").report(Severity::Warning, "unknown-attribute", message, help);
        }
        let read_only = flag.get("readOnly").boolean().unwrap_or(true);
        if !read_only && PROMOTING.contains(&attribute.as_str()) {
            let message = format!("'{attribute}' decides what people may do; with this privilege it can be seen but not changed");
            flag.report(Severity::Warning, "promoting-privilege", message, Some("give roles as an administrator".to_owned()));
        } else if !read_only {
            writable.push(attribute.clone());
        }
        readable.push(attribute);
    }
    let writes = permissions.iter().any(|permission| matches!(permission, Permission::Create | Permission::Update));
    if writes && writable.is_empty() {
        let help = Some("set \"readOnly\": false for an attribute".to_owned());
        node.report(Severity::Warning, "nothing-writable", "CREATE and UPDATE need an attribute that may be written", help);
    }
    if !writes && !writable.is_empty() {
        let help = Some("add a permission, or set \"readOnly\": true".to_owned());
        node.report(Severity::Warning, "writes-nothing", "attributes that may be written need CREATE or UPDATE", help);
    }
    Some(Privilege { name: node.get("name").filled_text().unwrap_or_else(|| path.clone()), path, permissions, filter, readable, writable })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> (Vec<InternalRole>, Vec<&'static str>) {
        let document = Document::read(SourceFile::new("conf/repo.init.json", text), &|_: &str| None, &Sink::default()).unwrap();
        let sink = Sink::default();
        let roles = InternalRole::read(&document, &Schemas::builtin(), &sink);
        (roles, sink.into_sorted().into_iter().map(|found| found.rule).collect())
    }

    #[test]
    fn a_role_and_its_privileges_are_read() {
        let (roles, found) = read(
            r#"{"insert": {"internal/role": [
                {"id": "openidm-authorized", "name": "openidm-authorized", "description": "Basic"},
                {"id": "support", "privileges": [{"name": "help", "path": "managed/user", "permissions": ["VIEW", "update"], "actions": [],
                 "filter": "/city eq \"Bonn\"", "accessFlags": [{"attribute": "userName", "readOnly": true}, {"attribute": "city", "readOnly": false}]}]}]}}"#,
        );
        assert_eq!(found, Vec::<&str>::new());
        let privilege = &roles[1].privileges[0];
        assert_eq!((roles[1].id.as_str(), privilege.path.as_str()), ("support", "managed/user"));
        assert!(privilege.permits(Permission::View) && privilege.permits(Permission::Update) && !privilege.permits(Permission::Delete));
        assert_eq!((&privilege.readable, &privilege.writable), (&vec!["userName".to_owned(), "city".to_owned()], &vec!["city".to_owned()]));
    }

    #[test]
    fn what_is_not_understood_or_would_promote_gives_nothing_and_is_named() {
        let (roles, found) = read(
            r#"{"insert": {"internal/role": [{"description": "no id"}, {"id": "a", "privileges": [
                {"path": "managed/user", "permissions": ["VIEV"], "accessFlags": [{"attribute": "authzRoles", "readOnly": false}]},
                {"path": "managed/user", "permissions": ["VIEW"], "filter": "city eq"}, {"permissions": ["VIEW"]}]},
                {"id": "b", "condition": "/city pr", "privileges": [{"path": "managed/user", "permissions": ["VIEW"]}]}]}}"#,
        );
        assert_eq!(roles.len(), 2);
        assert_eq!((roles[0].privileges.len(), roles[1].privileges.len(), roles[0].is_limited, roles[1].is_limited), (1, 0, false, true));
        assert!(roles[0].privileges[0].permissions.is_empty() && roles[0].privileges[0].writable.is_empty());
        let mut found = found;
        found.sort_unstable();
        assert_eq!(found, ["bad-filter", "missing-key", "missing-key", "promoting-privilege", "unknown-permission", "unsupported-limit"]);
    }

    #[test]
    fn a_role_that_is_sent_is_read_by_the_rules_of_a_file() {
        let said = |body: Value| {
            let (role, found) = InternalRole::of_value("desk", &body, &Schemas::builtin());
            let found: Vec<(&str, String)> = found.into_iter().map(|found| (found.rule, found.location.pointer)).collect();
            (role, found)
        };
        let privilege = |member: &str, value: Value| {
            let mut privilege = json!({"name": "p", "path": "managed/user", "permissions": ["VIEW", "UPDATE"], "actions": [], "filter": null,
                "accessFlags": [{"attribute": "city", "readOnly": false}]});
            privilege[member] = value;
            json!({"name": "Desk", "privileges": [privilege]})
        };
        let (role, found) = said(privilege("path", json!("/managed/user/")));
        assert_eq!((role.unwrap().privileges[0].path.as_str(), found), ("managed/user", vec![]));
        for (member, value, rule, pointer) in [
            ("path", json!("managed/usr"), "unknown-path", "/privileges/0/path"),
            ("path", Value::Null, "missing-key", "/privileges/0"),
            ("permissions", json!(["VIEW", "CHANGE", "UPDATE"]), "unknown-permission", "/privileges/0/permissions"),
            ("permissions", json!([]), "nothing-permitted", "/privileges/0"),
            ("permissions", json!(["VIEW"]), "writes-nothing", "/privileges/0"),
            ("filter", json!("city eq"), "bad-filter", "/privileges/0/filter"),
            ("filter", json!({}), "wrong-type", "/privileges/0/filter"),
            ("accessFlags", json!([{"attribute": "city", "readOnly": true}]), "nothing-writable", "/privileges/0"),
            ("accessFlags", json!([{"attribute": "cty", "readOnly": false}]), "unknown-attribute", "/privileges/0/accessFlags/0/attribute"),
            ("accessFlags", json!([{"readOnly": false}]), "missing-key", "/privileges/0/accessFlags/0"),
            ("accessFlags", json!([{"attribute": "city", "readOnly": "maybe"}]), "wrong-type", "/privileges/0/accessFlags/0/readOnly"),
            ("accessFlag", json!([]), "unknown-key", "/privileges/0/accessFlag"),
        ] {
            let (_, found) = said(privilege(member, value.clone()));
            assert!(found.contains(&(rule, pointer.to_owned())), "{member} {value}: {found:?}");
        }
        let (_, found) = said(json!({"privileges": []}));
        assert_eq!(found[0].0, "missing-key");
        assert_eq!(said(json!({"name": "x", "filter": "&{y}"})).1[0].0, "unknown-key");
        assert_eq!(said(json!({"name": "&{y}"})).1, [], "nothing is substituted");
    }
}
