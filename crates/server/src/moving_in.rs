//! `vestibule import` and `vestibule export`: the store of a project, open for the people of another server, and for whoever leaves.

mod configuration;

use std::collections::BTreeSet;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use accounts::rights;
use crest::Pointer;
use identity::grants::ROLES;
use identity::secret::HashParameters;
use identity::{PEOPLE, Schemas};
use jose::Keystore;
use moving::{ConfigurationSecret, ExportError, ExportForm, Exported, Import, Layout, NOTIFICATIONS, Resolution, Source};
use serde_json::Value;
use store::Db;
use tempfile::TempDir;

use crate::offline::{Offline, OfflineError, Opening, readable};
use crate::runtime::{Material, OperatorKeys};
use crate::{private_file, project_directory};

/// What is kept of an internal role, or why it cannot be.
type RoleJudge = dyn Fn(&str, Value) -> Result<Value, String> + Send + Sync;

/// The store of a project, open for an import. It may be that of a server that is running: whoever is imported signs in at once.
pub struct MovingIn {
    pub(crate) offline: Offline,
    parameters: HashParameters,
    names: Vec<(String, Pointer, bool)>,
    judges_role: Box<RoleJudge>,
    /// How the repository of the project keeps objects.
    layout: Layout,
    /// Secrets of the project that were encrypted.
    configuration: Vec<ConfigurationSecret>,
    /// Where what does not fit into memory is put aside.
    pub(crate) aside: PathBuf,
    /// An empty store for a look, where there is none yet.
    _for_a_look: Option<TempDir>,
}

impl MovingIn {
    /// Opens the store below `data` for the people of `project`, making both where they are missing. For a `look` nothing is made or written: where
    /// there is no store yet, an empty one elsewhere stands for it. Values that an IDM encrypted are opened with
    /// `keystore`, a file and its password, or else with the one that the project's `vestibule.toml` names.
    ///
    /// # Errors
    /// When there is no project, or the directory, the store or the keystore cannot be used; for a look also where the store has the tables of an
    /// earlier version.
    pub async fn open(project: Option<&Path>, data: &Path, keystore: Option<(&Path, &str)>, look: bool) -> Result<Self, OfflineError> {
        let source = project_directory::open(project)?;
        let project = source.read(None);
        readable(&project)?;
        let mut material = Material::compile(&source, project);
        let for_a_look = look.then(|| place_for_a_look(data)).transpose();
        let for_a_look = for_a_look.map_err(|error| OfflineError::Data { path: std::env::temp_dir(), error })?;
        let mut opening = Opening::Declares(material.collections());
        if look {
            let url = crate::serve::store_url(&material.project.settings, data);
            // The steps of a server are looked at by a connection of its own kind, which waits.
            let asked = url.clone();
            let missing = tokio::task::spawn_blocking(move || (store::missing_steps(&asked), store::all_steps(&asked))).await;
            let (missing, all) = missing.map_err(|error| OfflineError::Data { path: data.to_owned(), error: error.into() })?;
            material.project.settings.store_url = match missing? {
                0 => {
                    opening = Opening::Looks;
                    Some(url)
                }
                missing if missing == all => None,
                _ => return Err(OfflineError::Earlier(store::name_of(&url))),
            };
        }
        let data = for_a_look.as_ref().map_or(data, TempDir::path);
        let settings = &material.project.settings.keys;
        let own = settings.keystore.as_ref().zip(settings.password.as_ref());
        let own = own.map(|(name, password)| (source.place(name), password.expose().to_owned()));
        let keystore = keystore.map(|(path, password)| (path.to_owned(), password.to_owned())).or(own);
        let keystore = keystore
            .map(|(path, password)| {
                let opened = std::fs::read(&path).map_err(|error| error.to_string());
                let opened = opened.and_then(|file| Keystore::open(&file, &password).map_err(|error| error.to_string()));
                opened.map_err(|error| OfflineError::Keystore { path, error })
            })
            .transpose()?;
        let configuration = configuration::secrets(&source, keystore.as_ref());
        let layout = configuration::layout(&source, &material.project.schemas);
        let collections = material.collections();
        let unique: BTreeSet<(String, Pointer)> =
            collections.unique().map(|(collection, place)| (collection.to_owned(), place.clone())).collect();
        let names = material.names().into_iter().chain(unique.iter().cloned()).collect::<BTreeSet<_>>();
        let names =
            names.into_iter().map(|name| (unique.contains(&name), name)).map(|(unique, (collection, place))| (collection, place, unique));
        let (names, parameters) = (names.collect(), material.project.settings.hashing);
        let schemas = material.project.schemas.clone();
        let judges_role = Box::new(move |id: &str, content: Value| kept_role(id, &content, &schemas));
        let mut offline = Offline::open_project(&source, material.project, data, opening).await?;
        offline.managed.opens = keystore.map(|keystore| Arc::new(OperatorKeys(keystore)) as Arc<_>);
        let aside = data.to_owned();
        Ok(Self { offline, parameters, names, judges_role, layout, configuration, aside, _for_a_look: for_a_look })
    }

    /// A source that is read for this store: as the project keeps objects, and with what does not fit into memory put aside where this may write.
    #[must_use]
    pub fn reads(&self, source: Source) -> Source {
        source.laid_out(self.layout.clone()).putting_aside(&self.aside)
    }

    /// The import of a source.
    #[must_use]
    pub fn import<'i>(&'i self, source: &'i Source, resolution: &'i Resolution) -> Import<'i> {
        let parts = (&self.offline.managed, &self.offline.db);
        let import = Import::new(source, parts, resolution, self.parameters, self.names.clone(), self.judges_role.as_ref());
        import.configured(self.configuration.clone())
    }

    /// Opens the store below `data`, which is there, for the people of `project`.
    ///
    /// # Errors
    /// As [`MovingIn::open`], and when there is no store. Nothing is made then.
    pub async fn open_there(project: Option<&Path>, data: &Path) -> Result<Self, OfflineError> {
        let source = project_directory::open(project)?;
        let file = Db::file(&crate::serve::store_url(&source.read(None).settings, data));
        if file.is_some_and(|file| !file.exists()) {
            return Err(OfflineError::NoStore(data.to_owned()));
        }
        Box::pin(Self::open(project, data, None, false)).await
    }

    /// Writes every object of these collections into a file that only its owner reads, in a form; without any, of all that are kept, or of people where
    /// the form holds one collection. The file has its name when it is whole.
    ///
    /// # Errors
    /// [`ExportError`], also for a collection that is not kept.
    pub async fn export(&self, file: &Path, collections: &[String], form: &ExportForm) -> Result<Exported, ExportError> {
        let kept: Vec<String> = self
            .offline
            .managed
            .schemas
            .iter()
            .map(identity::ObjectSchema::collection)
            .chain([ROLES.to_owned(), NOTIFICATIONS.to_owned()])
            .collect();
        if let Some(other) = collections.iter().find(|name| !kept.contains(name)) {
            return Err(ExportError::Collection(other.clone(), kept.join(", ")));
        }
        let people = [PEOPLE.to_owned()];
        let collections = match form {
            _ if !collections.is_empty() => collections,
            ExportForm::JsonLines => &kept,
            _ => &people,
        };
        let mut to = BufWriter::new(private_file::begin(file)?);
        let written = moving::export(&self.offline.db, collections, form, &mut to).await?;
        private_file::finish(to.into_inner().map_err(std::io::IntoInnerError::into_error)?, file)?;
        Ok(written)
    }

    /// Closes the store.
    pub async fn close(self) {
        self.offline.close().await;
    }
}

/// The collections of a project, people first, and internal roles.
///
/// # Errors
/// When there is no project.
pub fn collections_of(project: Option<&Path>) -> Result<Vec<String>, OfflineError> {
    let read = project_directory::open(project)?.read(None);
    let others = read.schemas.iter().map(identity::ObjectSchema::collection).filter(|collection| collection != PEOPLE);
    Ok(std::iter::once(PEOPLE.to_owned()).chain(others).chain([ROLES.to_owned()]).collect())
}

/// The tables of the repository of a project.
///
/// # Errors
/// When there is no project.
pub fn tables_of(project: Option<&Path>) -> Result<Layout, OfflineError> {
    Ok(configuration::tables(&project_directory::open(project)?))
}

/// A directory for a look, which is gone when the look ends: a temporary one, or, where no temporary file can be made (a system that is only read),
/// one below the data directory.
fn place_for_a_look(data: &Path) -> std::io::Result<TempDir> {
    let temporary = tempfile::tempdir();
    if temporary.is_ok() || !data.is_dir() {
        return temporary;
    }
    tempfile::Builder::new().prefix(".look-").tempdir_in(data)
}

/// What is kept of an internal role of another server, by the rules of `internal/role` over REST.
fn kept_role(id: &str, content: &Value, schemas: &Schemas) -> Result<Value, String> {
    if !rights::is_id(id) {
        return Err("the id of a role is of letters, digits, '-', '_' and '.'".to_owned());
    }
    rights::kept_of(id, content, schemas).map_err(|found| found.first().map(rights::said_of).unwrap_or_default())
}
