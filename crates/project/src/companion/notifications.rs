//! Notifications in the person's own pages (docs/protocol/companions.md, "Notifications"): off unless the boot properties or the files
//! `notification-*.json` switch them on.
//!
//! Easiest to get wrong: a file says when it notifies by a script, of which the product's own is native here. A rule whose script is
//! another is not in force, and says so.

use crate::diagnostic::{Severity, Sink};
use crate::loose::Document;
use crate::substitution::{ProjectNames, expand};

/// The script of the product that watches properties.
const WATCHES: &str = "propertiesModifiedFilter";
/// Where a notification goes whose target is the object that was written.
const SELF: &str = "{{response/_id}}";

/// Which writes leave a notification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notifications {
    /// Is there any at all (`openidm.notifications`, or `enabled` of `notificationFactory.json`)?
    pub enabled: bool,
    /// The rules, in the order of their files.
    pub rules: Vec<NotificationRule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationRule {
    /// The name in its file's name: `passwordUpdate`.
    pub name: String,
    /// The collection whose objects it watches.
    pub collection: String,
    /// The operations it watches (`update`, `patch`, `create`); none means all.
    pub methods: Vec<String>,
    /// What must change.
    pub watched: Watched,
    /// `info`, `warning`, `error`.
    pub kind: String,
    /// The text, with `{{response/…}}` for members of the object.
    pub message: String,
    /// The file declares it, so that it counts whoever writes.
    pub declared: bool,
}

/// What must change for a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// A credential.
    Credentials,
    /// Anything, where no credential changes.
    Profile,
    /// One of these properties, or something inside of them.
    Properties(Vec<String>),
    /// Nothing in particular.
    Anything,
}

/// The name in the name of a notification's file.
pub(crate) fn name_of(file_name: &str) -> Option<&str> {
    let name = file_name.strip_prefix("notification-")?.strip_suffix(".json")?;
    (!name.is_empty() && !name.contains('.')).then_some(name)
}

impl Notifications {
    /// What the boot properties say of what the files do not.
    pub(crate) fn read(names: &ProjectNames<'_>, factory: Option<bool>, files: Vec<Option<NotificationRule>>, declared: &[&str]) -> Self {
        let on = |name: &str| expand(&format!("&{{{name}|false}}"), names).text.trim().eq_ignore_ascii_case("true");
        let enabled = factory.unwrap_or_else(|| on("openidm.notifications"));
        let own = |name: &str, watched: Watched, message: &str| {
            (!declared.contains(&name) && on(&format!("openidm.notifications.{name}"))).then(|| NotificationRule {
                name: name.to_owned(),
                collection: "managed/user".to_owned(),
                methods: vec!["update".to_owned(), "patch".to_owned()],
                watched,
                kind: "info".to_owned(),
                message: message.to_owned(),
                declared: false,
            })
        };
        let password = own("passwordUpdate", Watched::Credentials, "Your password has been updated.");
        let profile = own("profileUpdate", Watched::Profile, "Your profile has been updated.");
        Self { enabled, rules: [password, profile].into_iter().chain(files).flatten().collect() }
    }
}

/// `notificationFactory.json`: whether there are notifications at all.
pub(crate) fn read_factory(document: &Document, sink: &Sink) -> Option<bool> {
    let root = document.root(sink);
    root.expect(&crate::keys::NOTIFICATION_FACTORY);
    root.get("enabled").boolean()
}

/// `notification-<name>.json`; none for a rule that is switched off, or that cannot be in force.
pub(crate) fn read(name: &str, document: &Document, sink: &Sink) -> Option<NotificationRule> {
    let root = document.root(sink);
    root.expect(&crate::keys::NOTIFICATION);
    let refused = |key: &str, message: String| {
        root.get(key).report(Severity::Warning, "notification", format!("{message}; nobody is notified"), None);
    };
    if root.get("enabled").boolean() == Some(false) {
        return None;
    }
    let path = root.get("path").filled_text().unwrap_or_default();
    let collection = path.trim_matches('/').trim_end_matches("/*").to_owned();
    if collection.split('/').count() != 2 || !collection.starts_with("managed/") || collection.contains('*') {
        refused("path", format!("'{path}' is no collection of managed objects"));
        return None;
    }
    let target = root.get("target").get("resource").filled_text();
    if target.as_deref().is_some_and(|target| target.trim_matches('/') != format!("{collection}/{SELF}")) {
        refused("target", format!("a notification goes to the object that was written, '{collection}/{SELF}', and to no other"));
        return None;
    }
    let condition = root.get("condition");
    let watched = if condition.is_present() {
        let file = condition.get("file").filled_text().unwrap_or_default();
        if let Some(property) = condition.get("source").filled_text().as_deref().and_then(watched_by) {
            Watched::Properties(vec![property])
        } else if file.contains(WATCHES) {
            Watched::Properties(condition.get("globals").get("propertiesToCheck").texts())
        } else {
            refused(
                "condition",
                format!("the condition is a script of the project's own, and only the product's '{WATCHES}.groovy' is known"),
            );
            return None;
        }
    } else {
        Watched::Anything
    };
    let notification = root.get("notification");
    let message = notification.get("message").filled_text().unwrap_or_default();
    if message.is_empty() {
        refused("notification", "there is no 'message'".to_owned());
        return None;
    }
    Some(NotificationRule {
        name: name.to_owned(),
        collection,
        methods: root.get("methods").texts(),
        watched,
        kind: notification.get("notificationType").filled_text().unwrap_or_else(|| "info".to_owned()),
        message,
        declared: true,
    })
}

/// The property that the product's own expression watches, in files of the releases that had it in their text.
fn watched_by(source: &str) -> Option<String> {
    let plain: String = source.chars().filter(|c| !c.is_whitespace()).collect();
    let name = plain.split_once("content.")?.1.split_once("!==")?.0;
    let shipped = format!(
        "(method==='update'&&content.{name}!==undefined)||(method==='patch'&&patchOperations.filter(function(op){{returnop.field==='/{name}'}}).length>0)"
    );
    (plain == shipped).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    fn rule(text: &str) -> (Option<NotificationRule>, usize) {
        let document = Document::read(SourceFile::new("conf/notification-x.json", text), &|_: &str| None, &Sink::default()).unwrap();
        let sink = Sink::default();
        let rule = read("x", &document, &sink);
        (rule, sink.into_sorted().len())
    }

    #[test]
    fn the_shipped_form_is_in_force_and_what_cannot_be_says_so() {
        let shipped = r#"{"enabled": {"$bool": "&{no.such|true}"}, "path": "managed/user/*", "methods": ["update", "patch"],
            "condition": {"type": "groovy", "globals": {"propertiesToCheck": ["mail", "city"]}, "file": "propertiesModifiedFilter.groovy"},
            "target": {"resource": "managed/user/{{response/_id}}"},
            "notification": {"notificationType": "warning", "message": "Changed, {{response/userName}}."}}"#;
        let (found, problems) = rule(shipped);
        let found = found.unwrap();
        assert_eq!((problems, found.collection.as_str(), found.kind.as_str()), (0, "managed/user", "warning"));
        assert_eq!(found.watched, Watched::Properties(vec!["mail".to_owned(), "city".to_owned()]));
        let earlier = r#"{"path": "managed/user/*", "methods": ["update", "patch"], "target": {"resource": "managed/user/{{response/_id}}"},
            "condition": {"type": "text/javascript", "source": "(method === 'update' && content.password !== undefined) || (method === 'patch' && patchOperations.filter(function (op) { return op.field === '/password' }).length > 0)"},
            "notification": {"notificationType": "info", "message": "Changed."}}"#;
        let (found, problems) = rule(earlier);
        assert_eq!((found.unwrap().watched, problems), (Watched::Properties(vec!["password".to_owned()]), 0));
        assert_eq!(rule(&earlier.replace("=== 'patch'", "=== 'delete'")), (None, 1));
        for broken in [
            shipped.replace("propertiesModifiedFilter", "mine"),
            shipped.replace("managed/user/{{response/_id}}", "managed/user/boss"),
            shipped.replace("\"managed/user/*\"", "\"internal/role/*\""),
            shipped.replace("Changed, {{response/userName}}.", ""),
        ] {
            assert_eq!(rule(&broken), (None, 1), "{broken}");
        }
        assert_eq!(rule(&shipped.replace("|true", "|false")), (None, 0));
    }
}
