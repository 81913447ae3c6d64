//! What the command line does without a running server: checking a project, and adding, listing and removing people in its store. The
//! store allows both at once: a server that is running sees the change at its next request.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crest::{Change, Clock, Fields, Filter, Paging, Patch, PatchOperation, Pointer, Query, Random, ResourceError, SortKey, TotalPolicy};
use identity::secret::InlineHasher;
use identity::{Audience, Expect, Managed, Objects, PEOPLE, Parks, Writer};
use process::{Effect, Ledger, ProcessMap, Unit};
use project::{Diagnostic, Location, Severity};
use rehearsal::prove::Prover;
use rehearsal::{NoKeys, Rehearsal};
use script::{Limits, Sandbox};
use serde_json::{Map, Value};
use stages::of_scripts;
use store::{Collections, Db};

use crate::listener::{Certificate, CertificateError};
use crate::looking::Looking;
use crate::owing::{Owing, owing};
use crate::ports::{OsRandom, SystemClock};
use crate::project_directory::{self, NoProject};
use crate::refute::Tried;
use crate::runtime::{Material, Source};
use crate::sealed::PropertySeal;
use crate::unreached::unreached;

/// What is asked of each property of a project's objects, a line each; without a project the default one's.
#[must_use]
pub fn asked(project: Option<&Path>) -> Vec<String> {
    let source = source(project);
    let project = source.read(None);
    let line = |(collection, property, policies): (&str, &str, Vec<&str>)| format!("{collection}/{property}: {}", policies.join(", "));
    project.policies.asked().into_iter().filter(|(.., policies)| !policies.is_empty()).map(line).collect()
}

/// Everything there is to say about a project, without what follows from a first error.
#[must_use]
pub fn check(project: Option<&Path>) -> Vec<Diagnostic> {
    let source = source(project);
    let mut material = Material::compile(&source, source.read(None));
    // Without keys there is nothing to try with; what is served then is decided by a server, which has some.
    if let Err(error) = material.refute(&source, &Tried::with(None), "") {
        let location = Location::file("vestibule.toml");
        material.diagnostics.push(Diagnostic::new(Severity::Error, "refuted", location, format!("no process can be tried: {error}")));
    }
    let Material { project: read, mut diagnostics, .. } = material;
    diagnostics.extend(pages::check(project, &read));
    diagnostics.extend(read.settings.tls.as_ref().and_then(|tls| {
        // What is wrong with the section itself was reported where it stands.
        let reported = |error: &CertificateError| {
            matches!(error, CertificateError::Missing | CertificateError::Twice(_) | CertificateError::Order { .. })
        };
        let error = Certificate::open(source.root(), tls).err().filter(|error| !reported(error))?;
        let location = read.locate("vestibule.toml", &format!("/tls/{}", error.key().replace('.', "/")));
        Some(Diagnostic::new(Severity::Error, "tls", location, error.to_string()))
    }));
    project::first_causes(diagnostics)
}

/// Every page of a project in every state and language, and what they load: a path below one directory and the content of each.
#[must_use]
pub fn pages_of(project: Option<&Path>) -> Vec<(String, Vec<u8>)> {
    let source = source(project);
    pages::samples(project, &source.read(None))
}

/// Every process of a project with its map; nothing for one that is not served.
#[must_use]
pub fn maps(project: Option<&Path>) -> Vec<(String, Option<ProcessMap>)> {
    let source = source(project);
    Material::compile(&source, source.read(None)).maps()
}

/// The names of a project's processes, served or not.
#[must_use]
pub fn process_names(project: Option<&Path>) -> Vec<String> {
    source(project).read(None).processes.into_iter().map(|process| process.name).collect()
}

/// A project without a server, to walk through its processes in memory.
#[must_use]
pub fn rehearsal(project: Option<&Path>) -> Rehearsal {
    let source = source(project);
    Rehearsal::new(Material::compile(&source, source.read(None)).into_setting(&source))
}

/// A project without a server, to look for ways to an account.
///
/// # Errors
/// When the system gives no randomness for keys.
pub fn prover(project: Option<&Path>) -> Result<Prover, NoKeys> {
    let source = source(project);
    Prover::new(Material::compile(&source, source.read(None)).into_setting(&source))
}

/// Names that are listed by [`check_store`], of each place.
const LISTED: u32 = 20;

/// What there is to say about a store.
#[derive(Debug)]
pub struct InStore {
    /// What stands there against what the project says.
    pub found: Vec<Diagnostic>,
    /// Who owes what; nothing where no process can be due at a sign-in, or where it is not known, which was found then.
    pub owing: Option<Owing>,
}

/// What stands in a store against what its project says of names, and who owes what there; the store at `url`, or the project's own. Nothing is
/// written. It waits for the store on the thread that asks, so it is not for a task.
///
/// # Errors
/// When there is no store, or it cannot be read.
pub fn check_store(project: Option<&Path>, url: Option<&str>, data: &Path) -> Result<InStore, store::OpenError> {
    let source = source(project);
    let material = Material::compile(&source, source.read(None));
    let url = url.map_or_else(|| crate::serve::store_url(&material.project.settings, data), str::to_owned);
    let store = store::Inspection::open(&url)?;
    let unique: BTreeSet<(String, Pointer)> =
        material.collections().unique().map(|(collection, place)| (collection.to_owned(), place.clone())).collect();
    let mut found = Vec::new();
    for (file, changed) in store.changed_files()? {
        let written = project.map(|root| root.join(&file)).and_then(|place| crate::shared_config::written(&place));
        if written.is_some_and(|written| written > changed) {
            let message = "this file was written after it was changed over REST: here it counts, at other nodes what was changed does";
            found.push(Diagnostic::new(Severity::Warning, "store-config", project::Location::file(&file), message));
        }
    }
    found.extend(revoked(&store, &material.project.settings, data)?);
    for (collection, place) in material.names() {
        let location = || project::Location::file("conf/managed.json");
        let what = place.tokens().join("/");
        let Some(shared) = store.shared_names(&collection, &place, LISTED)? else {
            let message = format!("the store does not know yet that objects of {collection} are found by {what}: start the server once");
            found.push(Diagnostic::new(Severity::Hint, "store-unknown", location(), message));
            continue;
        };
        for name in shared {
            let objects = name.objects.join(", ");
            let (severity, rule, message) = match &name.owner {
                Some(owner) => (
                    Severity::Warning,
                    "store-shared",
                    format!("{what} of {objects} in {collection} is one name; {owner} is meant by it, whose address counts more"),
                ),
                None if unique.contains(&(collection.clone(), place.clone())) => (
                    Severity::Error,
                    "store-unique",
                    format!("{what} is unique in {collection}, but {objects} have one name, in one spelling or in several"),
                ),
                None => (
                    Severity::Error,
                    "store-ambiguous",
                    format!(
                        "{what} of {objects} in {collection} is one name: none of them is found by it, so that they cannot reset by it"
                    ),
                ),
            };
            found.push(Diagnostic::new(severity, rule, location(), message));
        }
    }
    let location = || project::Location::file("conf/managed.json");
    let unknown =
        |why: String| Diagnostic::new(Severity::Hint, "store-unknown", location(), format!("who cannot be helped is not known: {why}"));
    let store = Looking::open(&material, &source, store, data);
    let reached = store.as_ref().map_err(String::clone).and_then(|store| unreached(&material, store.objects()?));
    found.extend(reached.unwrap_or_else(|why| vec![unknown(why)]));
    let owing = owing(material, &source, store).unwrap_or_else(|why| {
        let location = project::Location::file("conf/auth.profile.json");
        found.push(Diagnostic::new(Severity::Hint, "store-owed", location, format!("who owes what is not known: {why}")));
        None
    });
    Ok(InStore { found, owing })
}

/// Who is on a definition that was revoked, by count: their tokens are refused, and they begin again. What the trail of this node holds counts,
/// and where several nodes share the store, what all of them noted there.
fn revoked(store: &store::Inspection, settings: &project::Settings, data: &Path) -> Result<Vec<Diagnostic>, store::OpenError> {
    let definitions = store.revoked()?;
    let versions: Vec<&str> = definitions.iter().map(|(_, version)| version.as_str()).collect();
    if versions.is_empty() {
        return Ok(Vec::new());
    }
    let now = SystemClock::new().unix_seconds();
    let here = crate::audit::in_flight(&data.join("audit"), now.saturating_sub(settings.longest_instance()), &versions);
    let mut here = here.ok().flatten();
    if here.is_none() && (!store.is_shared() || !settings.audit.enabled) {
        let message = "earlier definitions are revoked; how many people are on them is not known, because no steps are recorded here";
        let location = project::Location::file("vestibule.toml");
        return Ok(vec![Diagnostic::new(Severity::Hint, "store-revoked", location, message).with_help("switch [audit] enabled on")]);
    }
    let mut found = Vec::new();
    for (process, version) in &definitions {
        let own = here.as_mut().and_then(|here| here.remove(version.as_str())).unwrap_or_default();
        let (mut open, mut ended) = (own.open, own.ended);
        if store.is_shared() {
            let (others, others_ended) = store.in_flight(version, now)?;
            open.extend(others);
            ended.extend(others_ended);
        }
        let count = open.difference(&ended).count();
        if count == 0 {
            continue;
        }
        let (instances, are) = if count == 1 { ("instance", "is") } else { ("instances", "are") };
        let message = format!(
            "{count} {instances} of '{process}' {are} in flight on its revoked definition {version}: their tokens are refused, and these people begin again"
        );
        let location = project::Location::file(format!("conf/selfservice-{process}.json"));
        found.push(Diagnostic::new(Severity::Warning, "store-revoked", location, message));
    }
    Ok(found)
}

/// Makes the tables of the project's store, or brings them up to date, unless it is only to be `checked`; says how many steps there were to
/// make.
///
/// # Errors
/// When there is no project, the data directory cannot be used, or the store cannot.
pub fn migrate(project: Option<&Path>, data: &Path, checked: bool) -> Result<i64, OfflineError> {
    let source = project_directory::open(project)?;
    let url = crate::serve::store_url(&source.read(None).settings, data);
    let missing = store::missing_steps(&url)?;
    if missing > 0 && !checked {
        crate::serve::make_private_directory(data).map_err(|error| OfflineError::Data { path: data.to_owned(), error })?;
        store::migrate(&url)?;
    }
    Ok(missing)
}

fn source(project: Option<&Path>) -> Source {
    project.map_or(Source::Embedded, |root| Source::Directory(root.to_owned()))
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// There is no project of that name.
    #[error(transparent)]
    Project(#[from] NoProject),
    /// A file that says what protects people's data cannot be read.
    #[error("{}", crate::serve::unreadable(.0))]
    Unreadable(Box<Diagnostic>),
    /// There is no store, and the command has nothing to put into one.
    #[error("there is no store in '{}': name the data directory of the server with --data, or start the server once", .0.display())]
    NoStore(PathBuf),
    /// A look would have to bring the tables up to date.
    #[error("the store {0} has the tables of an earlier version: 'vestibule migrate' brings them up to date, and then a look can be taken")]
    Earlier(String),
    /// The data directory cannot be made.
    #[error("the data directory '{}' cannot be used: {error}", path.display())]
    Data {
        /// Which path.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The keys that seal values cannot be used.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeyFileError),
    /// The keystore cannot be used.
    #[error("the keystore '{}' cannot be opened: {error}", path.display())]
    Keystore {
        /// Which file.
        path: PathBuf,
        /// Why not.
        error: String,
    },
    /// Somebody with this name is not there.
    #[error("there is nobody with the user name '{0}'")]
    Nobody(String),
    /// No event of such a run is there.
    #[error("the audit trail tells of no such run")]
    NoRun,
    /// The write is refused.
    #[error("{}", refusal(.0))]
    Refused(ResourceError),
}

/// Refuses a project of which nobody knows what protects people's data.
///
/// # Errors
/// [`OfflineError::Unreadable`].
pub(crate) fn readable(project: &project::Project) -> Result<(), OfflineError> {
    project::unreadable(&project.diagnostics).map_or(Ok(()), |found| Err(OfflineError::Unreadable(Box::new(found.clone()))))
}

impl From<ResourceError> for OfflineError {
    fn from(error: ResourceError) -> Self {
        Self::Refused(error)
    }
}

/// The message, and for failed policies the requirements by property.
fn refusal(error: &ResourceError) -> String {
    let failures = error.detail.as_ref().and_then(|detail| detail.get("failedPolicyRequirements")).and_then(Value::as_array);
    let lines = failures.into_iter().flatten().map(|failure| {
        let property = failure.get("property").and_then(Value::as_str).unwrap_or_default();
        let requirement = failure.pointer("/policyRequirements/0/policyRequirement").and_then(Value::as_str).unwrap_or_default();
        let params =
            failure.pointer("/policyRequirements/0/params").filter(|params| params.as_object().is_some_and(|params| !params.is_empty()));
        format!("\n  {property}: {requirement}{}", params.map(|params| format!(" {params}")).unwrap_or_default())
    });
    format!("{}{}", error.message, lines.collect::<String>())
}

/// A person, as the command line shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// `_id`: the object's id.
    pub id: String,
    /// `userName`.
    pub name: String,
    /// `mail`: the mail address; empty where there is none.
    pub mail: String,
    /// `accountStatus`.
    pub status: String,
}

/// A session, as the command line shows it. Times are as IDM writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// Its public id, which gives no access.
    pub id: String,
    /// When it began.
    pub began: String,
    /// When it was used last, as far as that was written down.
    pub used: String,
    /// When it ends at the latest.
    pub ends: String,
}

/// What a command opens a store for.
pub(crate) enum Opening {
    /// To work on people.
    Works,
    /// For whatever a server of the project declares.
    Declares(Collections),
    /// To look at ids and names: nothing is declared, sealed or made.
    Looks,
}

/// A store opened for commands.
pub struct Offline {
    pub(crate) db: Db,
    pub(crate) managed: Managed,
    pub(crate) clock: Arc<dyn Clock>,
    /// Names may differ in their spelling alone.
    several_spellings: bool,
}

impl Offline {
    /// Opens the store below `data`, which is there, for the people of `project`.
    ///
    /// # Errors
    /// When there is no store, or it cannot be used. Nothing is made then.
    pub async fn open(project: Option<&Path>, data: &Path) -> Result<Self, OfflineError> {
        let source = project_directory::open(project)?;
        let project = source.read(None);
        let file = Db::file(&crate::serve::store_url(&project.settings, data));
        if file.is_some_and(|file| !file.exists()) {
            return Err(OfflineError::NoStore(data.to_owned()));
        }
        Box::pin(Self::open_project(&source, project, data, Opening::Works)).await
    }

    /// Opens the store below `data` for the people of `project`, making both where they are missing.
    ///
    /// # Errors
    /// When the directory or the store cannot be used.
    pub async fn open_or_make(project: Option<&Path>, data: &Path) -> Result<Self, OfflineError> {
        let source = project_directory::open(project)?;
        let project = source.read(None);
        Box::pin(Self::open_project(&source, project, data, Opening::Works)).await
    }

    /// Opens the store of a project.
    pub(crate) async fn open_project(
        source: &Source,
        project: project::Project,
        data: &Path,
        opening: Opening,
    ) -> Result<Self, OfflineError> {
        readable(&project)?;
        crate::serve::make_private_directory(data).map_err(|error| OfflineError::Data { path: data.to_owned(), error })?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let random: Arc<dyn Random> = Arc::new(OsRandom::new());
        let url = crate::serve::store_url(&project.settings, data);
        // Whatever the server declared stays declared; this is for a store that no server has seen yet.
        let looks = matches!(opening, Opening::Looks);
        let mut collections = match opening {
            Opening::Declares(collections) => collections,
            Opening::Looks => Collections::new(),
            Opening::Works => {
                let unique: Vec<String> = project.policies.unique(PEOPLE).map(str::to_owned).collect();
                Collections::new().with(PEOPLE, unique, ["userName".to_owned(), "mail".to_owned()])
            }
        };
        for schema in project.schemas.iter() {
            collections.seal(&schema.collection(), schema.sealed().map(str::to_owned));
        }
        let db = Db::open(&url, collections).await?;
        if !looks && project.schemas.iter().any(|schema| schema.sealed().next().is_some()) {
            let keys = crate::keys::open(data, &project.settings.keys, source.root())?;
            db.seal_values(Arc::new(PropertySeal(Arc::new(keys)))).await.map_err(ResourceError::from)?;
        }
        let several_spellings = project.settings.names.several_spellings;
        let managed = Managed {
            schemas: Arc::new(project.schemas),
            policies: Arc::new(project.policies.with_scripting(Arc::new(Sandbox::new(Limits::default())), Arc::new(Parks))),
            kba: Arc::new(project.questions),
            objects: Arc::new(db.clone()),
            hasher: Arc::new(InlineHasher::new(Arc::clone(&random), project.settings.hashing)),
            random,
            clock: Arc::clone(&clock),
            opens: None,
            context: None,
            for_scripts: identity::ScriptPorts::default(),
        };
        Ok(Self { db, managed, clock, several_spellings })
    }

    /// Notes that the store was put back from a copy: nothing that was issued before this moment is good any more.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn was_put_back(&self) -> Result<(), OfflineError> {
        Ok(self.db.was_put_back(self.clock.unix_seconds()).await.map_err(ResourceError::from)?)
    }

    /// Adds a person; returns their id.
    ///
    /// # Errors
    /// What the policies or the store refuse.
    pub async fn add(&self, content: Map<String, Value>) -> Result<String, OfflineError> {
        let prepared = self.managed.create(PEOPLE, None, Value::Object(content), Writer::Administrator).await?;
        let mut effects = of_scripts(&self.managed, &prepared);
        let author = if self.several_spellings { stages::Author::Administrator } else { stages::Author::Person };
        effects.extend(stages::distinct(&self.managed, PEOPLE, &prepared, author));
        self.commit(prepared.change, effects).await?;
        Ok(prepared.id)
    }

    /// Everybody, by user name.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list(&self) -> Result<Vec<Person>, OfflineError> {
        let sort = vec![SortKey { pointer: Pointer::from_tokens(["userName"]), ascending: true }];
        let query = Query { filter: Filter::True, sort, page_size: None, paging: Paging::Start, totals: TotalPolicy::None };
        let page = self.db.query(PEOPLE, &query).await.map_err(ResourceError::from)?;
        let text = |content: &Value, key: &str| content.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let people = page.result.into_iter().map(|found| {
            let shown = self.managed.show(PEOPLE, &found, Audience::Administrator, &Fields::all());
            Person { id: found.id, name: text(&shown, "userName"), mail: text(&shown, "mail"), status: text(&shown, "accountStatus") }
        });
        Ok(people.collect())
    }

    /// Sets the password of a person and ends their sessions.
    ///
    /// # Errors
    /// [`OfflineError::Nobody`], or what the policies refuse.
    pub async fn set_password(&self, name: &str, password: &str) -> Result<(), OfflineError> {
        let id = self.find(name).await?;
        let patch = Patch::new(vec![PatchOperation::replace(Pointer::from_tokens(["password"]), Value::String(password.to_owned()))]);
        let prepared = self.managed.patch(PEOPLE, &id, &patch, Writer::Administrator, &Expect::any()).await?;
        let end = Effect::EndSessions { collection: PEOPLE.to_owned(), id, except: None };
        let mut effects = of_scripts(&self.managed, &prepared);
        effects.push(end);
        self.commit(prepared.change, effects).await
    }

    /// What is kept of a person, as an administrator reads it: neither hashes nor private properties.
    ///
    /// # Errors
    /// [`OfflineError::Nobody`].
    pub async fn show(&self, name: &str) -> Result<Value, OfflineError> {
        let id = self.find(name).await?;
        let found = self.db.read(PEOPLE, &id).await.map_err(ResourceError::from)?;
        let found = found.ok_or_else(|| OfflineError::Nobody(name.to_owned()))?;
        Ok(self.managed.show(PEOPLE, &found, Audience::Administrator, &Fields::all()))
    }

    /// Says whether a person may sign in (`accountStatus`); whoever may not has no sessions any more.
    ///
    /// # Errors
    /// [`OfflineError::Nobody`], or what the policies refuse.
    pub async fn set_active(&self, name: &str, active: bool) -> Result<(), OfflineError> {
        let id = self.find(name).await?;
        let status = if active { "active" } else { "inactive" };
        let patch = Patch::new(vec![PatchOperation::replace(Pointer::from_tokens(["accountStatus"]), Value::String(status.to_owned()))]);
        let prepared = self.managed.patch(PEOPLE, &id, &patch, Writer::Administrator, &Expect::any()).await?;
        let mut effects = of_scripts(&self.managed, &prepared);
        if !active {
            effects.push(Effect::EndSessions { collection: PEOPLE.to_owned(), id, except: None });
        }
        self.commit(prepared.change, effects).await
    }

    /// The sessions of a person that have not expired, newest first.
    ///
    /// # Errors
    /// [`OfflineError::Nobody`].
    pub async fn sessions(&self, name: &str) -> Result<Vec<OpenSession>, OfflineError> {
        let id = self.find(name).await?;
        let sessions = process::Sessions::of(&self.db, PEOPLE, &id, self.clock.unix_seconds()).await.map_err(ResourceError::from)?;
        let time = |seconds: i64| {
            let since = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
            identity::timestamp(std::time::SystemTime::UNIX_EPOCH + since)
        };
        let shown = |session: process::Session| OpenSession {
            id: session.id,
            began: time(session.created),
            used: time(session.last_used),
            ends: time(session.expires),
        };
        Ok(sessions.into_iter().map(shown).collect())
    }

    /// Ends every session of a person; says how many there were.
    ///
    /// # Errors
    /// [`OfflineError::Nobody`].
    pub async fn end_sessions(&self, name: &str) -> Result<u64, OfflineError> {
        let id = self.find(name).await?;
        Ok(process::Sessions::end_all(&self.db, PEOPLE, &id, None).await.map_err(ResourceError::from)?)
    }

    /// Removes somebody.
    ///
    /// # Errors
    /// [`OfflineError::Nobody`].
    pub async fn delete(&self, name: &str) -> Result<(), OfflineError> {
        let id = self.find(name).await?;
        self.remove(PEOPLE, &id, &Expect::any()).await
    }

    /// Removes an object, and ends the sessions of whoever it is.
    ///
    /// # Errors
    /// [`OfflineError`], also where it is not there as expected.
    pub(crate) async fn remove(&self, collection: &str, id: &str, expect: &Expect) -> Result<(), OfflineError> {
        let prepared = self.managed.delete(collection, id, expect).await?;
        let mut effects = of_scripts(&self.managed, &prepared);
        effects.push(Effect::EndSessions { collection: collection.to_owned(), id: id.to_owned(), except: None });
        self.commit(prepared.change, effects).await
    }

    /// Closes the store.
    pub async fn close(self) {
        if let Err(error) = self.db.close().await {
            tracing::warn!(%error, "the store was not closed cleanly; it recovers at the next start");
        }
    }

    async fn find(&self, name: &str) -> Result<String, OfflineError> {
        let (filter, mail) = (Filter::equals("userName", name), Pointer::from_tokens([stages::MAIL]));
        let found = identity::find::person(&self.db, PEOPLE, &filter, &mail).await.map_err(ResourceError::from)?;
        found.person.map(|found| found.id).ok_or_else(|| OfflineError::Nobody(name.to_owned()))
    }

    async fn commit(&self, change: Option<Change>, mut effects: Vec<Effect>) -> Result<(), OfflineError> {
        effects.splice(0..0, change.map(Effect::Change));
        let unit = Unit { now: self.clock.unix_seconds(), spend: None, effects };
        self.db.commit(unit).await.map_err(ResourceError::from)?;
        Ok(())
    }
}
