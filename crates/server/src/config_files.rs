//! The project's files, changed by an administrator over REST (`config/*`).
//!
//! Easiest to get wrong: nothing is written that would not load. A change is read aside as the whole project with it, by the same loader
//! and compilers, and refused with their diagnostics; then it replaces the file in one step, the version before it kept beside it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use accounts::Runtime;
use accounts::config_files::{mask, revision, to_value, unmask};
use accounts::ports::{FileChange, ProjectFiles, Wanted};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use crest::ResourceError;
use process::CanaryPair;
use project::{Diagnostic, DirectoryFiles, Files};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::config_versions::ConfigVersions;
use crate::project_writes::{Reloads, keep, reload, remove, write};
use crate::refute::Tried;
use crate::reread;
use crate::runtime::{Material, Source};
use crate::shared_config::SharedConfig;

/// What says who may do what, and what people are kept as: without it the product's own rules would apply, unasked.
const NEEDED: [&str; 6] = ["access", "authentication", "managed", "policy", "repo.init", "router"];
/// Who takes the file of a canary that went well for that of the process, as former versions tell it.
const BY_ITSELF: &str = "canary";
/// Diagnostics of one refusal.
const MOST: usize = 50;

/// Writes the project's files.
pub(crate) struct ConfigFiles {
    runtime: Arc<ArcSwap<Runtime>>,
    source: Source,
    listen: SocketAddr,
    reloads: Reloads,
    /// Processes are tried before they are taken.
    tried: Arc<Tried>,
    /// Where other nodes hear of it.
    shared: Option<Arc<SharedConfig>>,
    /// Where it is noted who did it.
    versions: Arc<ConfigVersions>,
    /// One change at a time.
    turn: Mutex<()>,
}

impl ConfigFiles {
    /// Those of a project served at `listen`.
    pub(crate) fn new(
        runtime: Arc<ArcSwap<Runtime>>,
        source: Source,
        listen: SocketAddr,
        reloads: Reloads,
        tried: Arc<Tried>,
        shared: Option<Arc<SharedConfig>>,
        versions: Arc<ConfigVersions>,
    ) -> Self {
        Self { runtime, source, listen, reloads, tried, shared, versions, turn: Mutex::default() }
    }

    /// Has what was decided of a next definition taken up.
    pub(crate) async fn take_up(&self) {
        reload(&self.reloads).await;
    }

    /// Puts the file of a next definition, `conf/selfservice-reset.next.json`, in the place of the present one, as a change over REST does.
    ///
    /// # Errors
    /// 403 where the project is not in a directory, 409 where its files have changed meanwhile, 503 where it cannot be written.
    pub(crate) async fn promote(&self, pair: &CanaryPair, next: &str) -> Result<(), ResourceError> {
        let _turn = self.turn.lock().await;
        let current = self.runtime.load_full();
        let is_tried = current.canaries.get(&pair.process).is_some_and(|trial| trial.pair.as_ref() == Some(pair));
        let Some(text) = current.project.sources.get(next).filter(|_| is_tried).map(|source| source.text().to_owned()) else {
            return Err(ResourceError::conflict("The files have changed meanwhile"));
        };
        let file = format!("conf/selfservice-{}.json", pair.process);
        self.replace(&current, &file, BY_ITSELF, Some(text)).await
    }
}

#[async_trait]
impl ProjectFiles for ConfigFiles {
    async fn change(&self, file: &str, who: &str, change: FileChange<'_>) -> Result<(), ResourceError> {
        self.root()?;
        let _turn = self.turn.lock().await;
        let current = self.runtime.load_full();
        let present = current.project.sources.get(file).and_then(|source| Some((source.parse().ok()?.value, revision(source.text()))));
        let stored = present.as_ref().map(|(content, _)| content.clone()).unwrap_or_default();
        let wanted = change(present.map(|(content, revision)| (mask(&content), revision)))?;
        let text = match wanted {
            Wanted::Content(wanted) => {
                let content = unmask(wanted, &stored)?;
                Some(serde_json::to_string_pretty(&content).map_err(|error| ResourceError::internal(error.to_string()))? + "\n")
            }
            Wanted::Text(text) => Some(text),
            Wanted::Nothing if is_needed(file) => return Err(needed()),
            Wanted::Nothing => None,
        };
        self.replace(&current, file, who, text).await
    }
}

impl ConfigFiles {
    fn root(&self) -> Result<&Path, ResourceError> {
        let embedded = "The embedded project cannot be changed; start the server with --project and a directory";
        self.source.root().ok_or_else(|| ResourceError::forbidden(embedded))
    }

    /// Replaces a file that is as `current` read it, or removes it. Whoever calls has the turn.
    async fn replace(&self, current: &Runtime, file: &str, who: &str, text: Option<String>) -> Result<(), ResourceError> {
        let root = self.root()?.to_owned();
        let before = current.project.sources.get(file).map(|source| source.text().to_owned());
        let kept = text.clone();
        let (source, listen, path) = (self.source.clone(), self.listen, file.to_owned());
        let tried = Arc::clone(&self.tried);
        let known = current.diagnostics.clone();
        let (versions, who) = (Arc::clone(&self.versions), who.to_owned());
        let replaced = tokio::task::spawn_blocking(move || {
            let overlay = Overlay { base: DirectoryFiles::new(root.clone()), path: path.clone(), text: text.clone() };
            refuse_broken(&source, &overlay, listen, &known, &tried)?;
            let place = root.join(&path);
            let on_disk = std::fs::read_to_string(&place).ok();
            if on_disk.as_deref().map(|text| text.trim_start_matches('\u{feff}')) != before.as_deref() {
                return Err(ResourceError::conflict("The file was changed on disk meanwhile, and is not served yet"));
            }
            // Whoever watches the directory may take the file up before it is asked to.
            versions.will_be(&path, text.as_deref(), &who);
            keep(&place, on_disk.as_deref(), text.as_deref()).map_err(|error| {
                tracing::error!(file = path, %error, "a configuration file cannot be written");
                ResourceError::unavailable("The file cannot be written")
            })?;
            Ok((place, on_disk))
        });
        let (place, on_disk) = replaced.await.map_err(|error| ResourceError::internal(error.to_string()))??;
        if reload(&self.reloads).await {
            let Some(shared) = &self.shared else { return Ok(()) };
            match shared.keep(file, kept.as_deref()).await {
                Ok(()) => return Ok(()),
                Err(error) => tracing::error!(%error, "a change of a configuration file could not be kept for the other nodes"),
            }
        }
        self.versions.will_not_be(file);
        if let Err(error) = on_disk.map_or_else(|| remove(&place), |text| write(&place, &text)) {
            tracing::error!(%error, "a configuration file that is not served could not be put back");
        }
        // What could not be kept for the others is served no longer here either.
        if self.shared.is_some() {
            reload(&self.reloads).await;
        }
        Err(ResourceError::unavailable("The change could not be taken up and was undone"))
    }
}

/// Reads the project as it would be, and refuses it for every error that is not there already: what a file was served with it may keep.
fn refuse_broken(source: &Source, overlay: &Overlay, listen: SocketAddr, known: &[Diagnostic], tried: &Tried) -> Result<(), ResourceError> {
    let (project, read) = reread::read_from(overlay, source, listen);
    let mut material = Material::compile(source, project);
    // Processes are tried where nothing else is wrong: what is refuted because something is broken would be said beside the cause.
    if new_errors(&material.diagnostics, known).is_empty() {
        let ground = material.ground(&read);
        material.refute(source, tried, &ground).map_err(|error| ResourceError::internal(error.to_string()))?;
    }
    let found = material.diagnostics;
    let new = new_errors(&found, known);
    if new.is_empty() {
        return Ok(());
    }
    let beside = |found: &&Diagnostic| found.location.file == overlay.path && !found.is_error();
    let diagnostics: Vec<Value> = new.into_iter().chain(found.iter().filter(beside)).take(MOST).map(to_value).collect();
    Err(ResourceError::bad_request("The configuration is not valid").with_detail(json!({ "diagnostics": diagnostics })))
}

/// The errors that were not found before. One that stands elsewhere in its file now, because something was put before it, is the same; what
/// was said once and is said twice is new.
fn new_errors<'d>(found: &'d [Diagnostic], known: &[Diagnostic]) -> Vec<&'d Diagnostic> {
    let times = |one: &Diagnostic| 1 + one.also.len();
    let same = |left: &Diagnostic, right: &Diagnostic| {
        (left.rule, &left.location.file, &left.message) == (right.rule, &right.location.file, &right.message)
    };
    let count =
        |all: &[Diagnostic], one: &Diagnostic| all.iter().filter(|other| other.is_error() && same(other, one)).map(times).sum::<usize>();
    found.iter().filter(|one| one.is_error() && count(found, one) > count(known, one)).collect()
}

fn is_needed(file: &str) -> bool {
    NEEDED.iter().any(|name| file.strip_prefix("conf/").and_then(|file| file.strip_suffix(".json")) == Some(name))
}

fn needed() -> ResourceError {
    ResourceError::forbidden("The server needs this configuration; replace it instead")
}

/// A project with one file changed, or gone.
pub(crate) struct Overlay {
    pub(crate) base: DirectoryFiles,
    pub(crate) path: String,
    pub(crate) text: Option<String>,
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
    fn what_is_broken_is_told_before_anything_is_tried() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let place = root.path().join(name);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, text).unwrap();
        };
        let query = json!({ "name": "userQuery", "validQueryFields": ["mail"], "identityIdField": "_id", "identityEmailField": "mail",
            "identityUsernameField": "userName", "identityServiceUrl": "managed/user" });
        let lookup = json!({ "stageConfigs": [query, { "name": "retrieveUsername" }] });
        write("conf/selfservice-lookup.json", &lookup.to_string());
        write("vestibule.toml", "[prove]\nname = [\"mail\"]\n");
        let source = Source::Directory(root.path().to_owned());
        let listen: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        let tried = Tried::with(None);
        let rules = |managed: Option<&str>| -> Vec<String> {
            let base = DirectoryFiles::new(root.path().to_owned());
            let overlay = Overlay { base, path: "conf/managed.json".to_owned(), text: managed.map(str::to_owned) };
            let refused = refuse_broken(&source, &overlay, listen, &[], &tried).unwrap_err();
            assert_eq!(refused.code, 400, "{refused:?}");
            let told = refused.detail.unwrap()["diagnostics"].as_array().unwrap().clone();
            told.iter().filter(|one| one["severity"] == "error").map(|one| one["rule"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(rules(None), ["refuted"]);
        let broken = rules(Some("{ \"objects\": 5 }"));
        assert!(!broken.is_empty() && !broken.contains(&"refuted".to_owned()), "{broken:?}");
    }
}
