//! Internal roles and the privileges they carry: `repo.init.json`, under `insert` → `internal/role` (delegated administration).
//!
//! The rule easiest to break: a privilege that is not understood gives nothing. A filter that cannot be read, a permission nobody knows
//! or an attribute that would let its holder promote himself closes, and the operator is told.

use crest::Filter;

use crate::diagnostic::{Severity, Sink, suggestion};
use crate::loose::{Document, Node};

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
}

impl InternalRole {
    pub(crate) fn read(document: &Document, sink: &Sink) -> Vec<Self> {
        let listed = document.root(sink).get("insert").get("internal/role").items();
        listed.iter().filter_map(Self::read_one).collect()
    }

    fn read_one(node: &Node<'_>) -> Option<Self> {
        let Some(id) = node.get_any(&["id", "_id"]).filled_text().or_else(|| node.get("name").filled_text()) else {
            node.report(Severity::Error, "missing-key", "a role without an id can be given to nobody", None);
            return None;
        };
        let privileges = node.get("privileges").items().iter().filter_map(privilege).collect();
        Some(Self {
            name: node.get("name").filled_text().unwrap_or_else(|| id.clone()),
            description: node.get("description").filled_text(),
            privileges,
            id,
        })
    }
}

fn privilege(node: &Node<'_>) -> Option<Privilege> {
    node.expect_keys(&["name", "path", "permissions", "filter", "accessFlags"], &["description", "actions"]);
    let Some(path) = node.get("path").filled_text() else {
        node.report(Severity::Error, "missing-key", "a privilege without a path is about nothing", None);
        return None;
    };
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
    let (mut readable, mut writable) = (Vec::new(), Vec::new());
    for flag in node.get("accessFlags").items() {
        let Some(attribute) = flag.get("attribute").filled_text() else { continue };
        let read_only = flag.get("readOnly").boolean().unwrap_or(true);
        if !read_only && PROMOTING.contains(&attribute.as_str()) {
            let message = format!("'{attribute}' decides what people may do; with this privilege it can be seen but not changed");
            flag.report(Severity::Warning, "promoting-privilege", message, Some("give roles as an administrator".to_owned()));
        } else if !read_only {
            writable.push(attribute.clone());
        }
        readable.push(attribute);
    }
    Some(Privilege {
        name: node.get("name").filled_text().unwrap_or_else(|| path.clone()),
        path: path.trim_matches('/').to_owned(),
        permissions,
        filter,
        readable,
        writable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn read(text: &str) -> (Vec<InternalRole>, Vec<&'static str>) {
        let document = Document::read(SourceFile::new("conf/repo.init.json", text), &|_: &str| None, &Sink::default()).unwrap();
        let sink = Sink::default();
        let roles = InternalRole::read(&document, &sink);
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
                {"path": "managed/user", "permissions": ["VIEW"], "filter": "city eq"}, {"permissions": ["VIEW"]}]}]}}"#,
        );
        assert_eq!(roles.len(), 1);
        assert_eq!(roles[0].privileges.len(), 1);
        assert!(roles[0].privileges[0].permissions.is_empty() && roles[0].privileges[0].writable.is_empty());
        let mut found = found;
        found.sort_unstable();
        assert_eq!(found, ["bad-filter", "missing-key", "missing-key", "promoting-privilege", "unknown-permission"]);
    }
}
