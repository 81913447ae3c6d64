//! The project's files, changed by an administrator over REST (`config/*`).
//!
//! Easiest to get wrong: nothing is written that would not load. A change is read aside as the whole project with it, by the same loader
//! and compilers, and refused with their diagnostics; then it replaces the file in one step, the version before it kept beside it.

mod secrets;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::ResourceError;
use project::{Diagnostic, DirectoryFiles, Files, Project, Severity};
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::runtime::{Material, Runtime, Source};
pub(crate) use secrets::{mask, unmask};

/// Files that may be read and changed, without `.json`.
const FILES: [&str; 17] = [
    "access",
    "auth.profile",
    "authentication",
    "consent",
    "external.email",
    "identityProviders",
    "jsonstore",
    "managed",
    "policy",
    "repo.init",
    "selfservice.kba",
    "selfservice.terms",
    "sync",
    "ui-configuration",
    "ui-dashboard",
    "ui-themeconfig",
    "ui-themerealm",
];
/// Families of them.
const FAMILIES: [&str; 2] = ["selfservice-", "emailTemplate-"];
/// What says who may do what, and what people are kept as: without it the product's own rules would apply, unasked.
const NEEDED: [&str; 5] = ["access", "authentication", "managed", "policy", "repo.init"];
/// Diagnostics of one refusal.
const MOST: usize = 50;

/// Asks the task that reads the project to read it now, and hears whether it is being served.
pub(crate) type Reloads = mpsc::Sender<oneshot::Sender<bool>>;

/// Writes the project's files.
pub struct ConfigFiles {
    source: Source,
    listen: SocketAddr,
    reloads: Reloads,
    /// One change at a time.
    turn: Mutex<()>,
}

/// The file of `config/<id>`: `selfservice/reset` is `conf/selfservice-reset.json`, `external.email` is `conf/external.email.json`.
pub(crate) fn file_of(id: &str) -> Option<String> {
    let plain = |part: &str, also: &[u8]| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || also.contains(&byte);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(letter)
    };
    let name = match id.split_once('/') {
        None => Some(id.to_owned()).filter(|name| plain(name, b""))?,
        // Only what follows the first dash of a file's name may have more of them, so a file has one id.
        Some((family, rest)) => Some(format!("{family}-{rest}")).filter(|_| plain(family, b"") && plain(rest, b"-"))?,
    };
    let family = FAMILIES.iter().any(|family| name.strip_prefix(family).is_some_and(|rest| !rest.is_empty()));
    (family || FILES.contains(&name.as_str())).then(|| format!("conf/{name}.json"))
}

/// The content of a file as it is served, its secrets masked, and its revision.
pub(crate) fn shown(runtime: &Runtime, file: &str) -> Option<(Value, String)> {
    let source = runtime.project.sources.get(file)?;
    let content = source.parse().ok()?.value;
    Some((mask(&content), revision(source.text())))
}

/// The id of a file, if it is one that may be read: the way back from [`file_of`].
pub(crate) fn id_of(file: &str) -> Option<String> {
    let name = file.strip_prefix("conf/")?.strip_suffix(".json")?;
    let id = name.replacen('-', "/", 1);
    (file_of(&id).as_deref() == Some(file)).then_some(id)
}

/// What a change makes of a file.
pub(crate) enum Wanted {
    /// This content.
    Content(Value),
    /// No file.
    Nothing,
}

fn revision(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref().get(..12).unwrap_or_default())
}

impl ConfigFiles {
    /// Those of a project served at `listen`.
    #[must_use]
    pub(crate) fn new(source: Source, listen: SocketAddr, reloads: Reloads) -> Self {
        Self { source, listen, reloads, turn: Mutex::default() }
    }

    /// Replaces, makes or removes a file, as `change` wants it that sees its present content, and serves the project without or with it.
    ///
    /// # Errors
    /// 403 for the embedded project and for the removal of what the server needs, 400 with diagnostics for what would not load, 409 when the
    /// file changed on disk meanwhile, and what `change` says.
    pub(crate) async fn change(
        &self,
        runtime: &arc_swap::ArcSwap<Runtime>,
        file: &str,
        change: impl FnOnce(Option<(Value, String)>) -> Result<Wanted, ResourceError> + Send,
    ) -> Result<(), ResourceError> {
        let Source::Directory(root) = &self.source else {
            return Err(ResourceError::forbidden(
                "The embedded project cannot be changed; start the server with --project and a directory",
            ));
        };
        let _turn = self.turn.lock().await;
        let current = runtime.load_full();
        let before = current.project.sources.get(file).map(|source| source.text().to_owned());
        let present = current.project.sources.get(file).and_then(|source| Some((source.parse().ok()?.value, revision(source.text()))));
        let stored = present.as_ref().map(|(content, _)| content.clone()).unwrap_or_default();
        let wanted = change(present.map(|(content, revision)| (mask(&content), revision)))?;
        let text = match wanted {
            Wanted::Content(wanted) => {
                let content = unmask(wanted, &stored)?;
                Some(serde_json::to_string_pretty(&content).map_err(|error| ResourceError::internal(error.to_string()))? + "\n")
            }
            Wanted::Nothing if is_needed(file) => return Err(needed()),
            Wanted::Nothing => None,
        };
        let (root, source, listen, path) = (root.clone(), self.source.clone(), self.listen, file.to_owned());
        let known = current.diagnostics.clone();
        let replaced = tokio::task::spawn_blocking(move || {
            let overlay = Overlay { base: DirectoryFiles::new(root.clone()), path: path.clone(), text: text.clone() };
            refuse_broken(&source, &overlay, listen, &known)?;
            let place = root.join(&path);
            let on_disk = std::fs::read_to_string(&place).ok();
            if on_disk.as_deref().map(|text| text.trim_start_matches('\u{feff}')) != before.as_deref() {
                return Err(ResourceError::conflict("The file was changed on disk meanwhile, and is not served yet"));
            }
            keep(&place, on_disk.as_deref(), text.as_deref()).map_err(|error| {
                tracing::error!(file = path, %error, "a configuration file cannot be written");
                ResourceError::unavailable("The file cannot be written")
            })?;
            Ok((place, on_disk))
        });
        let (place, on_disk) = replaced.await.map_err(|error| ResourceError::internal(error.to_string()))??;
        if self.reload().await {
            return Ok(());
        }
        if let Err(error) = on_disk.map_or_else(|| remove(&place), |text| write(&place, &text)) {
            tracing::error!(%error, "a configuration file that is not served could not be put back");
        }
        Err(ResourceError::unavailable("The change could not be taken up and was undone"))
    }

    async fn reload(&self) -> bool {
        let (answer, done) = oneshot::channel();
        self.reloads.send(answer).await.is_ok() && done.await.unwrap_or(false)
    }
}

/// Reads the project as it would be, and refuses it when this file, or anything that was good before, is broken.
fn refuse_broken(source: &Source, overlay: &Overlay, listen: SocketAddr, known: &[Diagnostic]) -> Result<(), ResourceError> {
    let project = Project::open_at(overlay, &|name: &str| std::env::var(name).ok(), Some(listen));
    let found = Material::compile(source, project).diagnostics;
    let broken = found.iter().any(|found| found.is_error() && (found.location.file == overlay.path || !known.contains(found)));
    if !broken {
        return Ok(());
    }
    let concerns = |found: &&Diagnostic| found.location.file == overlay.path || (found.is_error() && !known.contains(found));
    let diagnostics: Vec<Value> = found.iter().filter(concerns).take(MOST).map(to_value).collect();
    Err(ResourceError::bad_request("The configuration is not valid").with_detail(json!({ "diagnostics": diagnostics })))
}

/// A finding, as a client reads it.
pub(crate) fn to_value(diagnostic: &Diagnostic) -> Value {
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

fn is_needed(file: &str) -> bool {
    NEEDED.iter().any(|name| file.strip_prefix("conf/").and_then(|file| file.strip_suffix(".json")) == Some(name))
}

fn needed() -> ResourceError {
    ResourceError::forbidden("The server needs this configuration; replace it instead")
}

/// Writes the new text, or removes the file, the old one kept as `<file>.previous`.
fn keep(place: &Path, before: Option<&str>, text: Option<&str>) -> io::Result<()> {
    if let Some(before) = before {
        let mut previous = place.as_os_str().to_owned();
        previous.push(".previous");
        write(&PathBuf::from(previous), before)?;
    }
    text.map_or_else(|| remove(place), |text| write(place, text))
}

/// Removes a file, for good when this returns.
fn remove(place: &Path) -> io::Result<()> {
    let directory = place.parent().ok_or_else(|| io::Error::other("the file has no directory"))?;
    match std::fs::remove_file(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::File::open(directory)?.sync_all()
}

/// Replaces a file in one step, so that a reader finds the old one or the new one. It stays as readable as it was.
fn write(place: &Path, text: &str) -> io::Result<()> {
    let directory = place.parent().ok_or_else(|| io::Error::other("the file has no directory"))?;
    let mut beside = tempfile::Builder::new().prefix(".vestibule-").tempfile_in(directory)?;
    beside.write_all(text.as_bytes())?;
    if let Ok(facts) = place.metadata() {
        beside.as_file().set_permissions(facts.permissions())?;
    }
    beside.as_file().sync_all()?;
    beside.persist(place).map_err(|error| error.error)?;
    std::fs::File::open(directory)?.sync_all()
}

/// A project with one file changed, or gone.
struct Overlay {
    base: DirectoryFiles,
    path: String,
    text: Option<String>,
}

impl Files for Overlay {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        if path == self.path { Ok(self.text.clone().map(String::into_bytes)) } else { self.base.read(path) }
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let mut names = self.base.list(directory)?;
        if let Some(name) = self.path.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/')) {
            names.retain(|known| known != name);
            names.extend(self.text.as_ref().map(|_| name.to_owned()));
            names.sort_unstable();
        }
        Ok(names)
    }

    fn home(&self) -> String {
        self.base.home()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_one_known_file_and_never_a_path() {
        for (id, file) in [
            ("selfservice/reset", "conf/selfservice-reset.json"),
            ("selfservice.kba", "conf/selfservice.kba.json"),
            ("ui/configuration", "conf/ui-configuration.json"),
            ("external.email", "conf/external.email.json"),
            ("emailTemplate/welcome", "conf/emailTemplate-welcome.json"),
            ("selfservice/two-words", "conf/selfservice-two-words.json"),
        ] {
            assert_eq!(file_of(id).as_deref(), Some(file), "{id}");
            assert_eq!(id_of(file).as_deref(), Some(id), "{file}");
        }
        for file in ["vestibule.toml", "conf/boot.json", "conf/selfservice-a b.json", "conf/access.json.previous", "script/access.json"] {
            assert_eq!(id_of(file), None, "{file}");
        }
        for id in [
            "",
            "..",
            "selfservice/..",
            "selfservice/../x",
            "../conf/access",
            "selfservice/",
            "boot",
            "script",
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

    #[test]
    fn a_file_is_replaced_whole_and_the_version_before_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("a.json");
        keep(&place, None, Some("1")).unwrap();
        keep(&place, Some("1"), Some("2")).unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "2");
        assert_eq!(std::fs::read_to_string(directory.path().join("a.json.previous")).unwrap(), "1");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2, "nothing else is left");
        keep(&place, Some("2"), None).unwrap();
        assert!(!place.exists());
        assert_eq!(std::fs::read_to_string(directory.path().join("a.json.previous")).unwrap(), "2");
    }
}
