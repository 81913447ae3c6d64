//! What the project's files said each time they were taken up: noted in the store, sealed, and told.
//!
//! Easiest to get wrong: what is noted is what is served, whoever changed it and however. A store that does not answer at that moment keeps
//! nobody from a change; what could not be noted is with the next one.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};

use accounts::config_files::id_of;
use accounts::ports::{FileVersion, FileVersions, FormerText};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::{Clock, ResourceError};
use jose::KeyRing;
use process::LedgerError;
use project::Project;
use store::{ConfigVersion, Db, TakenUp};
use tokio::sync::Mutex;

use crate::runtime::Source;
use crate::sealed;

/// What marks of texts are keyed for.
const LABEL: &str = "version of a configuration file";

/// Notes versions, and tells them.
pub(crate) struct ConfigVersions {
    db: Db,
    keys: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    /// Nobody changes an embedded project, so there is nothing to go back to.
    is_changeable: bool,
    /// The marks of what this node noted last, by file: nodes whose files differ do not note each other's away at every change.
    noted: Mutex<HashMap<String, String>>,
    /// What administrators are about to make of files, by file: the mark, and who it is.
    coming: std::sync::Mutex<HashMap<String, (String, String)>>,
}

impl ConfigVersions {
    /// Those of a project.
    pub(crate) fn new(db: &Db, keys: &Arc<KeyRing>, clock: &Arc<dyn Clock>, source: &Source) -> Self {
        let is_changeable = source.root().is_some();
        Self {
            db: db.clone(),
            keys: Arc::clone(keys),
            clock: Arc::clone(clock),
            is_changeable,
            noted: Mutex::default(),
            coming: std::sync::Mutex::default(),
        }
    }

    /// Hears that somebody is about to make this of a file, or to remove it.
    pub(crate) fn will_be(&self, file: &str, text: Option<&str>, who: &str) {
        let mark = text.map(|text| self.mark(text)).unwrap_or_default();
        self.coming.lock().unwrap_or_else(PoisonError::into_inner).insert(file.to_owned(), (mark, who.to_owned()));
    }

    /// Hears that it was not done.
    pub(crate) fn will_not_be(&self, file: &str) {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner).remove(file);
    }

    fn mark(&self, text: &str) -> String {
        self.marks(text).into_iter().next().unwrap_or_default()
    }

    /// Who made this of a file, where it was somebody over REST.
    fn who(&self, file: &str, mark: &str) -> Option<String> {
        let mut coming = self.coming.lock().unwrap_or_else(PoisonError::into_inner);
        // Whatever else became of it, it is not what they wanted.
        coming.remove(file).filter(|(wanted, _)| wanted == mark).map(|(_, who)| who)
    }

    /// Notes what the files say that are served now.
    pub(crate) async fn note(&self, project: &Project) {
        if !self.is_changeable {
            return;
        }
        if let Err(error) = self.try_note(project).await {
            tracing::warn!(%error, "versions of the project's files could not be noted; they are with the next change");
        }
    }

    async fn try_note(&self, project: &Project) -> Result<(), LedgerError> {
        let mut noted = self.noted.lock().await;
        let is_first = noted.is_empty();
        // What is no JSON is no version: nobody could say what of it is secret.
        let texts: HashMap<&str, &str> = project
            .sources
            .iter()
            .filter(|(path, source)| id_of(path).is_some() && source.parse().is_ok())
            .map(|(path, source)| (path.as_str(), source.text()))
            .collect();
        let newest: HashMap<String, String> =
            self.db.newest_config().await?.into_iter().map(|version| (version.path, version.mark)).collect();
        let is_gone = |path: &&String| !project.sources.contains_key(path.as_str());
        let gone: BTreeSet<&String> = newest.iter().filter(|(_, mark)| !mark.is_empty()).map(|(path, _)| path).filter(is_gone).collect();
        let (mut taken_up, mut marks_now) = (Vec::new(), Vec::new());
        for (path, text) in texts {
            let marks = self.marks(text);
            let mark = marks.first().cloned().unwrap_or_default();
            if noted.get(path) == Some(&mark) {
                continue;
            }
            let who = self.who(path, &mark);
            marks_now.push((path.to_owned(), mark));
            if newest.get(path).is_none_or(|newest| !marks.contains(newest)) {
                let sealed = sealed::seal(&self.keys, text.as_bytes()).map_err(|error| LedgerError(error.to_string()))?;
                taken_up.push(TakenUp { path: path.to_owned(), marks, sealed: Some(sealed), who });
            }
        }
        for path in gone {
            // Another node may have a file that this one has never had.
            if !is_first && noted.get(path).is_none_or(String::is_empty) {
                continue;
            }
            marks_now.push((path.clone(), String::new()));
            taken_up.push(TakenUp { path: path.clone(), marks: Vec::new(), sealed: None, who: self.who(path, "") });
        }
        if !taken_up.is_empty() {
            taken_up.sort_by(|left, right| left.path.cmp(&right.path));
            self.db.note_config(taken_up, self.clock.unix_seconds()).await?;
        }
        noted.extend(marks_now);
        Ok(())
    }
}

fn told(version: ConfigVersion) -> FileVersion {
    let ConfigVersion { number, path, mark, noted, who } = version;
    FileVersion { number, file: path, mark, noted, who }
}

#[async_trait]
impl FileVersions for ConfigVersions {
    async fn list(&self, file: Option<&str>) -> Result<Vec<FileVersion>, ResourceError> {
        Ok(self.db.config_versions(file.map(str::to_owned)).await?.into_iter().map(told).collect())
    }

    async fn one(&self, number: i64) -> Result<Option<(FileVersion, FormerText)>, ResourceError> {
        let Some((version, sealed)) = self.db.config_version(number).await? else { return Ok(None) };
        let text = match sealed {
            None => FormerText::Gone,
            Some(sealed) => sealed::open(&self.keys, &sealed)
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .map_or(FormerText::Sealed, FormerText::Text),
        };
        Ok(Some((told(version), text)))
    }

    fn marks(&self, text: &str) -> Vec<String> {
        self.keys.keyed_by_each(LABEL, &[text.as_bytes()]).iter().map(|mark| URL_SAFE_NO_PAD.encode(mark)).collect()
    }
}
