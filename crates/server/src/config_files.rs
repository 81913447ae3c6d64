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
const FILES: [&str; 16] = [
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
];
/// Families of them.
const FAMILIES: [&str; 2] = ["selfservice-", "emailTemplate-"];
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
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'));
    let parts: Vec<&str> = id.split('/').collect();
    if parts.len() > 2 || !parts.iter().all(|part| plain(part) && !part.starts_with('.')) {
        return None;
    }
    let name = parts.join("-");
    let family = FAMILIES.iter().any(|family| name.strip_prefix(family).is_some_and(|rest| !rest.is_empty()));
    (family || FILES.contains(&name.as_str())).then(|| format!("conf/{name}.json"))
}

/// The content of a file as it is served, its secrets masked, and its revision.
pub(crate) fn shown(runtime: &Runtime, file: &str) -> Option<(Value, String)> {
    let source = runtime.project.sources.get(file)?;
    let content = source.parse().ok()?.value;
    Some((mask(&content), revision(source.text())))
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

    /// Replaces a file, or makes it, with what `change` makes of its present content, and serves it.
    ///
    /// # Errors
    /// 403 for the embedded project, 400 with diagnostics for what would not load, 409 when the file changed on disk meanwhile, and what
    /// `change` says.
    pub(crate) async fn change(
        &self,
        runtime: &arc_swap::ArcSwap<Runtime>,
        file: &str,
        change: impl FnOnce(Option<(Value, String)>) -> Result<Value, ResourceError> + Send,
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
        let content = unmask(wanted, &stored)?;
        let text = serde_json::to_string_pretty(&content).map_err(|error| ResourceError::internal(error.to_string()))? + "\n";
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
            keep(&place, on_disk.as_deref(), &text).map_err(|error| {
                tracing::error!(file = path, %error, "a configuration file cannot be written");
                ResourceError::unavailable("The file cannot be written")
            })?;
            Ok((place, on_disk))
        });
        let (place, on_disk) = replaced.await.map_err(|error| ResourceError::internal(error.to_string()))??;
        if self.reload().await {
            return Ok(());
        }
        if let Some(text) = on_disk
            && let Err(error) = write(&place, &text)
        {
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

fn to_value(diagnostic: &Diagnostic) -> Value {
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

/// Writes the new text, the old one kept as `<file>.previous`.
fn keep(place: &Path, before: Option<&str>, text: &str) -> io::Result<()> {
    if let Some(before) = before {
        let mut previous = place.as_os_str().to_owned();
        previous.push(".previous");
        write(&PathBuf::from(previous), before)?;
    }
    write(place, text)
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

/// A project with one file changed.
struct Overlay {
    base: DirectoryFiles,
    path: String,
    text: String,
}

impl Files for Overlay {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        if path == self.path { Ok(Some(self.text.clone().into_bytes())) } else { self.base.read(path) }
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let mut names = self.base.list(directory)?;
        if let Some(name) = self.path.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'))
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
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
        ] {
            assert_eq!(file_of(id).as_deref(), Some(file), "{id}");
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
            ".previous",
        ] {
            assert_eq!(file_of(id), None, "{id}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_the_version_before_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("a.json");
        keep(&place, None, "1").unwrap();
        keep(&place, Some("1"), "2").unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "2");
        assert_eq!(std::fs::read_to_string(directory.path().join("a.json.previous")).unwrap(), "1");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2, "nothing else is left");
    }
}
