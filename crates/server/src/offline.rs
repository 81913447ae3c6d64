//! What the command line does without a running server: checking a project, and adding, listing and removing people in its store. The
//! store allows both at once: a server that is running sees the change at its next request.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crest::{Change, Clock, Fields, Filter, Paging, Patch, PatchOperation, Pointer, Query, Random, ResourceError, SortKey, TotalPolicy};
use identity::secret::{HashParameters, InlineHasher};
use identity::{Audience, Expect, Managed, Objects, Writer};
use process::{Effect, Ledger, Unit};
use project::Diagnostic;
use serde_json::{Map, Value};
use store::{Collections, Db};

use crate::ports::{OsRandom, SystemClock};
use crate::runtime::{Material, Source};

/// Everything there is to say about a project.
#[must_use]
pub fn check(project: Option<&Path>) -> Vec<Diagnostic> {
    let source = source(project);
    Material::compile(&source, source.read(None)).diagnostics
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
    /// The data directory cannot be made.
    #[error("{path}: {error}")]
    Data {
        /// Which path.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Somebody with this name is not there.
    #[error("there is nobody with the user name '{0}'")]
    Nobody(String),
    /// The write is refused.
    #[error("{}", refusal(.0))]
    Refused(ResourceError),
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

/// A person, as the command line shows him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// `_id`.
    pub id: String,
    /// `userName`.
    pub name: String,
    /// `mail`.
    pub mail: String,
    /// `accountStatus`.
    pub status: String,
}

/// The collection the command line works on.
const PEOPLE: &str = "managed/user";

/// A store opened for commands.
pub struct Offline {
    db: Db,
    managed: Managed,
    clock: Arc<dyn Clock>,
}

impl Offline {
    /// Opens the store below `data` for the people of `project`.
    ///
    /// # Errors
    /// When the directory or the store cannot be used.
    pub async fn open(project: Option<&Path>, data: &Path) -> Result<Self, OfflineError> {
        crate::serve::make_private_directory(data).map_err(|error| OfflineError::Data { path: data.to_owned(), error })?;
        let source = source(project);
        let project = source.read(None);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let random: Arc<dyn Random> = Arc::new(OsRandom::new());
        let url = crate::serve::store_url(&project.settings, data);
        // A server that is running owns the indexes; here only those are asked for that a write must not get past.
        let unique = project.schemas.get(PEOPLE).into_iter().flat_map(identity::ObjectSchema::unique).map(str::to_owned);
        let db = Db::open(&url, Collections::new().with(PEOPLE, unique, ["userName".to_owned(), "mail".to_owned()])).await?;
        let managed = Managed {
            schemas: Arc::new(project.schemas),
            policies: Arc::new(project.policies),
            kba: Arc::new(project.questions),
            objects: Arc::new(db.clone()),
            hasher: Arc::new(InlineHasher::new(Arc::clone(&random), HashParameters::default())),
            random,
            clock: Arc::clone(&clock),
        };
        Ok(Self { db, managed, clock })
    }

    /// Adds a person; returns his id.
    ///
    /// # Errors
    /// What the policies or the store refuse.
    pub async fn add(&self, content: Map<String, Value>) -> Result<String, OfflineError> {
        let prepared = self.managed.create(PEOPLE, None, Value::Object(content), Writer::Administrator).await?;
        self.commit(prepared.change, Vec::new()).await?;
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

    /// Gives somebody a new password and ends his sessions.
    ///
    /// # Errors
    /// [`OfflineError::Nobody`], or what the policies refuse.
    pub async fn set_password(&self, name: &str, password: &str) -> Result<(), OfflineError> {
        let id = self.find(name).await?;
        let patch = Patch::new(vec![PatchOperation::replace(Pointer::from_tokens(["password"]), Value::String(password.to_owned()))]);
        let prepared = self.managed.patch(PEOPLE, &id, &patch, Writer::Administrator, &Expect::any()).await?;
        let end = Effect::EndSessions { collection: PEOPLE.to_owned(), id, except: None };
        self.commit(prepared.change, vec![end]).await
    }

    /// Removes somebody.
    ///
    /// # Errors
    /// [`OfflineError::Nobody`].
    pub async fn delete(&self, name: &str) -> Result<(), OfflineError> {
        let id = self.find(name).await?;
        let delete = Change::Delete { collection: PEOPLE.to_owned(), id: id.clone(), expected: None };
        let end = Effect::EndSessions { collection: PEOPLE.to_owned(), id, except: None };
        self.commit(Some(delete), vec![end]).await
    }

    /// Closes the store.
    pub async fn close(self) {
        if let Err(error) = self.db.close().await {
            tracing::warn!(%error, "the store was not closed cleanly; it recovers at the next start");
        }
    }

    async fn find(&self, name: &str) -> Result<String, OfflineError> {
        let query = Query::first(Filter::equals("userName", name), 1);
        let page = self.db.query(PEOPLE, &query).await.map_err(ResourceError::from)?;
        page.result.into_iter().next().map(|found| found.id).ok_or_else(|| OfflineError::Nobody(name.to_owned()))
    }

    async fn commit(&self, change: Option<Change>, mut effects: Vec<Effect>) -> Result<(), OfflineError> {
        effects.splice(0..0, change.map(Effect::Change));
        let unit = Unit { now: self.clock.unix_seconds(), spend: None, effects };
        self.db.commit(unit).await.map_err(ResourceError::from)?;
        Ok(())
    }
}
