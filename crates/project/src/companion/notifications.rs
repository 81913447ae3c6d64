//! Notifications in the person's own pages (docs/protocol/companions.md, "Notifications"): off unless the boot properties or the files
//! `notification-*.json` switch them on.
//!
//! Easiest to get wrong: a file says when it notifies by a script. The product's own are native here, any other is run for each write; a rule whose
//! script cannot be run is not in force, and says so.

use identity::{Schemas, Script, ScriptFiles};

use crate::diagnostic::{Severity, Sink};
use crate::loose::Document;
use crate::substitution::{ProjectNames, expand};

/// The script of the product that watches properties.
const WATCHES: &str = "propertiesModifiedFilter";
/// Where a notification goes whose target is the object that was written.
const SELF: &str = "{{response/_id}}";

/// Which writes leave a notification.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notifications {
    /// Is there any at all (`openidm.notifications`, or `enabled` of `notificationFactory.json`)?
    pub enabled: bool,
    /// The rules, in the order of their files.
    pub rules: Vec<NotificationRule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
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
    /// The path of whom it goes to, with `{{response/…}}` for members of the object, relationships included; none for the object itself.
    pub target: Option<String>,
    /// The file declares it, so that it counts whoever writes.
    pub declared: bool,
}

/// What must change for a notification.
#[derive(Clone, Debug, PartialEq)]
pub enum Watched {
    /// A credential.
    Credentials,
    /// Anything, where no credential changes.
    Profile,
    /// One of these properties, or something inside of them.
    Properties(Vec<String>),
    /// Nothing in particular.
    Anything,
    /// What a script of the project says of the write, where it says `true`.
    Script(Box<Script>),
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
                target: None,
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
pub(crate) fn read(name: &str, document: &Document, schemas: &Schemas, scripts: &ScriptFiles, sink: &Sink) -> Option<NotificationRule> {
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
    let target = root.get("target").get("resource").filled_text().map(|target| target.trim_matches('/').to_owned());
    let target = target.filter(|target| *target != format!("{collection}/{SELF}"));
    if target.as_deref().is_some_and(|target| !is_target(target)) {
        refused(
            "target",
            format!(
                "a notification goes to one object, such as '{collection}/{SELF}' or 'managed/user/{{{{response/manager/_refResourceId}}}}'"
            ),
        );
        return None;
    }
    let unknown = target.as_deref().and_then(property_of).zip(schemas.get(&collection));
    if let Some((property, _)) = unknown.filter(|(property, schema)| schema.property(property).is_none()) {
        refused("target", format!("{collection} has no property '{property}'"));
        return None;
    }
    let condition = root.get("condition");
    let watched = if condition.is_present() {
        let file = condition.get("file").filled_text().unwrap_or_default();
        // That it cannot be read is said.
        let source = condition.get("source").script_text().ok()?;
        if let Some(property) = source.as_deref().and_then(watched_by) {
            Watched::Properties(vec![property])
        } else if file.contains(WATCHES) {
            Watched::Properties(condition.get("globals").get("propertiesToCheck").texts())
        } else {
            let script = document.value.get("condition").and_then(|condition| Script::read(condition, scripts));
            let obstacle = match &script {
                None => Some("it is no script"),
                Some(script) => script.obstacle(),
            };
            if let Some(reason) = obstacle {
                refused("condition", format!("the condition cannot be run: {reason}"));
                return None;
            }
            Watched::Script(Box::new(script?))
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
        target,
        declared: true,
    })
}

/// The property of the object that a target is made of.
fn property_of(target: &str) -> Option<&str> {
    let place = target.split_once("{{")?.1.split_once("}}")?.0.trim().strip_prefix("response")?;
    place.trim_start_matches(['/', '.']).split('/').next().filter(|name| *name != "_id")
}

/// Whether a text is the path of an object once its members are filled in: that of a collection as it is, and an id behind it, or a whole
/// reference.
fn is_target(target: &str) -> bool {
    let filled = |text: &str| {
        text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")).is_some_and(|place| {
            let place = place.trim().strip_prefix("response");
            place.is_some_and(|place| place.len() > 1 && place.starts_with(['/', '.']) && !place.contains(['{', '}']))
        })
    };
    if filled(target) {
        return target.trim_end_matches(['}', ' ']).ends_with("/_ref");
    }
    let Some(rest) = target.strip_prefix("managed/") else { return false };
    rest.split_once('/').is_some_and(|(name, id)| {
        let plain = !id.is_empty() && !id.contains(['/', '{', '}', '*']);
        !name.is_empty() && !name.contains(['{', '}', '*']) && (filled(id) || plain)
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
        let files = ScriptFiles::gather([&document.value], &|path| (path == "script/mine.js").then(|| "method === 'patch'".to_owned()));
        let rule = read("x", &document, &Schemas::builtin(), &files, &sink);
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
        let own = rule(&earlier.replace("=== 'patch'", "=== 'create'"));
        assert!(own.1 == 0 && matches!(own.0.unwrap().watched, Watched::Script(_)));
        let lines = rule(
            &earlier
                .replace("\"source\": \"(method === 'update' && ", "\"source\": [\"true &&\", \"(method === 'update' && ")
                .replace("length > 0)\"", "length > 0)\"]"),
        );
        assert!(lines.1 == 0 && matches!(lines.0.unwrap().watched, Watched::Script(_)));
        let by_file = r#"{"type": "text/javascript", "globals": {"x": 1}, "file": "mine.js"}"#;
        let with = |condition: &str| {
            let (before, rest) = shipped.split_once("\"condition\": ").unwrap();
            rule(&format!("{before}\"condition\": {condition}{}", &rest[rest.find(",\n            \"target\"").unwrap()..]))
        };
        let (found, problems) = with(by_file);
        let Watched::Script(script) = found.unwrap().watched else { panic!("it is a script") };
        assert_eq!((problems, script.name.as_str(), script.variables["x"].as_i64()), (0, "mine.js", Some(1)));
        for broken in [
            by_file.replace("mine.js", "nowhere.js"),
            by_file.replace("text/javascript", "groovy"),
            r#"{"type": "text/javascript", "source": "method ==="}"#.to_owned(),
            r#"{"type": "text/javascript", "source": "java.lang.System.exit(0)"}"#.to_owned(),
            r#"{"type": "text/javascript"}"#.to_owned(),
            r#"{"type": "text/javascript", "source": ["method === 'patch'", {}]}"#.to_owned(),
        ] {
            assert_eq!(with(&broken), (None, 1), "{broken}");
        }
        for broken in [
            shipped.replace("propertiesModifiedFilter", "mine"),
            shipped.replace("managed/user/{{response/_id}}", "managed/{{response/kind}}/x"),
            shipped.replace("managed/user/{{response/_id}}", "managed/user/*"),
            shipped.replace("managed/user/{{response/_id}}", "managed/user/{{request/manager}}"),
            shipped.replace("managed/user/{{response/_id}}", "{{response/manager}}"),
            shipped.replace("managed/user/{{response/_id}}", "managed/user/{{response/maneger/_refResourceId}}"),
            shipped.replace("managed/user/{{response/_id}}", "internal/user/{{response/_id}}"),
            shipped.replace("\"managed/user/*\"", "\"internal/role/*\""),
            shipped.replace("Changed, {{response/userName}}.", ""),
        ] {
            assert_eq!(rule(&broken), (None, 1), "{broken}");
        }
        assert_eq!(rule(&shipped.replace("|true", "|false")), (None, 0));
        assert_eq!(found_target(shipped), None);
        for target in ["managed/user/{{response/manager/_refResourceId}}", "{{response/manager/_ref}}", "managed/user/boss"] {
            assert_eq!(found_target(&shipped.replace("managed/user/{{response/_id}}", target)).as_deref(), Some(target));
        }
    }

    fn found_target(text: &str) -> Option<String> {
        let (found, problems) = rule(text);
        assert_eq!(problems, 0, "{text}");
        found.unwrap().target
    }
}
