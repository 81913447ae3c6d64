//! The project's files as configurations (`config/*`): which file an id means, and what of its content may leave.
//!
//! Easiest to get wrong: an id names one known file and never a path, and no secret leaves, not even to an administrator.

mod secrets;
mod versions;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::ResourceError;
use process::Topic;
use project::{Diagnostic, Project, Severity};
use serde_json::{Value, json};

use crate::attempt::Actor;
use crate::ports::{FileChange, ProjectFiles};
use crate::runtime::Runtime;

pub use secrets::{mask, unmask};
pub use versions::{Against, Compared, Difference, Listed, compare, list, restore};

/// Files that may be made, without `.json`: something is read in them here. Any other that a project has may be read and changed.
const FILES: [&str; 21] = [
    "access",
    "auth.profile",
    "authentication",
    "consent",
    "external.email",
    "identityProviders",
    "jsonstore",
    "managed",
    "notificationFactory",
    "policy",
    "repo.init",
    "router",
    "script",
    "selfservice.kba",
    "selfservice.propertymap",
    "selfservice.terms",
    "sync",
    "ui-configuration",
    "ui-dashboard",
    "ui-themeconfig",
    "ui-themerealm",
];
/// Families of them.
const FAMILIES: [&str; 7] =
    ["selfservice-", "emailTemplate-", "identityProvider-", "mapping-", "notification-", "servletfilter-", "ui.context-"];

/// Whether a project has a file, or may get it: what nothing here reads would be taken and mean nothing.
#[must_use]
pub fn is_known(project: &Project, file: &str) -> bool {
    project.sources.contains_key(file) || may_be_made(file)
}

fn may_be_made(file: &str) -> bool {
    let name = file.strip_prefix("conf/").and_then(|name| name.strip_suffix(".json")).unwrap_or_default();
    let of_family = |family: &&str| name.strip_prefix(*family).is_some_and(|rest| !rest.is_empty());
    FILES.contains(&name) || FAMILIES.iter().any(of_family)
}

/// The file of `config/<id>`: `selfservice/reset` is `conf/selfservice-reset.json`, `external.email` is `conf/external.email.json`.
#[must_use]
pub fn file_of(id: &str) -> Option<String> {
    let plain = |part: &str, also: &[u8]| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || also.contains(&byte);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(letter)
    };
    let name = match id.split_once('/') {
        None => Some(id.to_owned()).filter(|name| plain(name, b""))?,
        // Only what follows the first dash of a file's name may have more of them, so a file has one id.
        Some((family, rest)) => Some(format!("{family}-{rest}")).filter(|_| plain(family, b"") && plain(rest, b"-"))?,
    };
    Some(format!("conf/{name}.json"))
}

/// The content of a file as it is served, its secrets masked, and its revision.
#[must_use]
pub fn shown(runtime: &Runtime, file: &str) -> Option<(Value, String)> {
    let source = runtime.project.sources.get(file)?;
    let content = source.parse().ok()?.value;
    Some((mask(&content), revision(source.text())))
}

/// The id of a file in `conf`, if it can have one: the way back from [`file_of`].
#[must_use]
pub fn id_of(file: &str) -> Option<String> {
    let name = file.strip_prefix("conf/")?.strip_suffix(".json")?;
    let id = name.replacen('-', "/", 1);
    (file_of(&id).as_deref() == Some(file)).then_some(id)
}

/// Changes a file on behalf of somebody, and records the event under this name, with what else there is to say of it.
///
/// # Errors
/// What [`ProjectFiles::change`] says.
pub async fn change(
    actor: Actor<'_>,
    files: &dyn ProjectFiles,
    file: &str,
    (name, mut detail): (&str, Value),
    make: FileChange<'_>,
) -> Result<(), ResourceError> {
    let changed = files.change(file, &actor.principal.authentication_id, make).await;
    if let Some(members) = detail.as_object_mut() {
        members.insert("file".to_owned(), file.into());
    }
    let id = id_of(file).unwrap_or_default();
    let mut event = actor.event(Topic::Config, name, format!("config/{id}"), detail);
    event.successful = changed.is_ok();
    actor.attempt.accounts.trail.record(event);
    changed
}

/// What changes with every content of a file.
#[must_use]
pub fn revision(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref().get(..12).unwrap_or_default())
}

/// A finding, as a client reads it.
#[must_use]
pub fn to_value(diagnostic: &Diagnostic) -> Value {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    };
    json!({
        "severity": severity,
        "rule": diagnostic.rule,
        "file": diagnostic.location.file,
        "line": diagnostic.location.position.map(|at| at.line),
        "column": diagnostic.location.position.map(|at| at.column),
        "pointer": diagnostic.location.pointer,
        "message": diagnostic.message,
        "help": diagnostic.help,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_one_file_of_the_configuration_and_never_a_path() {
        for (id, file) in [
            ("selfservice/reset", "conf/selfservice-reset.json"),
            ("selfservice.kba", "conf/selfservice.kba.json"),
            ("ui/configuration", "conf/ui-configuration.json"),
            ("external.email", "conf/external.email.json"),
            ("emailTemplate/welcome", "conf/emailTemplate-welcome.json"),
            ("selfservice/two-words", "conf/selfservice-two-words.json"),
            ("router", "conf/router.json"),
            ("provisioner.openicf/ldap", "conf/provisioner.openicf-ldap.json"),
        ] {
            assert_eq!(file_of(id).as_deref(), Some(file), "{id}");
            assert_eq!(id_of(file).as_deref(), Some(id), "{file}");
        }
        for file in ["vestibule.toml", "conf/boot/x.json", "conf/selfservice-a b.json", "conf/access.json.previous", "script/access.json"] {
            assert_eq!(id_of(file), None, "{file}");
        }
        for (file, made) in
            [("conf/router.json", true), ("conf/notification-x.json", true), ("conf/notification-.json", false), ("conf/audit.json", false)]
        {
            assert_eq!(may_be_made(file), made, "{file}");
        }
        for id in [
            "",
            "..",
            "selfservice/..",
            "selfservice/../x",
            "../conf/access",
            "selfservice/",
            "a/b/c",
            "ui/configuration/x",
            "selfservice/a b",
            "selfservice-reset",
            "selfservice/a/b",
            ".previous",
        ] {
            assert_eq!(file_of(id), None, "{id}");
        }
    }
}
