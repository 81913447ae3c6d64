//! An import: what it is made of, and why it may not be done.

use std::collections::BTreeMap;

use crest::Pointer;
use identity::secret::{HashParameters, Scratch, Secret, SecretError, hash_in};
use identity::{Managed, ObjectsError, PEOPLE, Scope};
use process::{CommitError, LedgerError};
use serde_json::Value;
use store::Db;

use crate::report::{ConfigurationSecret, WithoutSignIn};
use crate::resolution::Resolution;
use crate::source::Source;

/// Why nothing, or not everything, was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Something of the source cannot be read or stored.
    #[error("{0} records cannot be read or stored, so nothing is; correct them, or leave them out with --skip-faulty")]
    Faults(u64),
    /// A source was not read to its end.
    #[error("{0} files cannot be read to their end, so nothing is imported, also not with --skip-faulty: who is missing cannot be told")]
    NotRead(u64),
    /// Names that must be unique are not.
    #[error(
        "{0} names that must be unique are not, so nothing is imported; have a resolution proposed with --propose FILE, read it, and name it \
         with --resolution FILE"
    )]
    Doubles(u64),
    /// Nobody has signed.
    #[error("something is lost, and nobody has signed it, so nothing is imported; read the report, and repeat with --sign-off {0}")]
    NotSigned(String),
    /// What was signed is another report.
    #[error("the report that was signed is not this one ({signed}); read it, and repeat with --sign-off {signature}")]
    SignedOther {
        /// What was signed.
        signed: String,
        /// What is to be signed.
        signature: String,
    },
    /// What comes later loses something else than what was signed.
    #[error(
        "something is lost that nobody has signed ({0}), so nothing of this round is imported; read the report of a --dry-run, and repeat with its \
         --sign-off"
    )]
    OtherLosses(String),
    /// The source was written meanwhile.
    #[error("the source has changed while it was read; what was stored stays, and the import goes on with the same command")]
    Changed,
    /// What waits for the end cannot be put aside.
    #[error("the temporary directory: {0}; what was stored stays, and the import goes on with the same command")]
    Aside(#[from] std::io::Error),
    /// The store does not do what it is asked.
    #[error("the store: {0}; what was stored stays, and the import goes on with the same command")]
    Store(String),
    /// A hash cannot be made.
    #[error("a password cannot be hashed: {0}; what was stored stays, and the import goes on with the same command")]
    Hash(#[from] SecretError),
}

impl From<LedgerError> for ImportError {
    fn from(error: LedgerError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<ObjectsError> for ImportError {
    fn from(error: ObjectsError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<CommitError> for ImportError {
    fn from(error: CommitError) -> Self {
        Self::Store(error.to_string())
    }
}

/// Judges an internal role by its id and content: what is kept of it, or why it cannot be. Shapes: those of `internal/role/{id}` over REST.
pub type JudgesRole<'i> = &'i (dyn Fn(&str, Value) -> Result<Value, String> + Sync);

/// Hears of somebody who could not sign in with a password.
pub type NamesWithout<'i> = &'i (dyn Fn(&WithoutSignIn) + Sync);

/// An import of one source into one store.
pub struct Import<'i> {
    pub(crate) source: &'i Source,
    pub(crate) managed: &'i Managed,
    pub(crate) db: &'i Db,
    pub(crate) resolution: &'i Resolution,
    pub(crate) parameters: HashParameters,
    pub(crate) judges_role: JudgesRole<'i>,
    /// The source was read over REST, which gives no private property.
    pub(crate) over_rest: bool,
    /// Objects whose unique name another one has are left out, and stop nothing.
    pub(crate) leaves_doubles: bool,
    /// Objects that are there and are replaced, by collection and id, with the revisions that they have here.
    pub(crate) renews: BTreeMap<(String, String), String>,
    /// The collection of people.
    pub(crate) people: String,
    /// Where their metadata is.
    pub(crate) meta: String,
    /// Names of objects: their collection, their place, and whether they are unique.
    pub(crate) names: Vec<(String, Pointer, bool)>,
    /// Who hears of everybody who cannot sign in.
    pub(crate) names_without: Option<NamesWithout<'i>>,
    /// Secrets of the configuration that were encrypted.
    pub(crate) configuration: Vec<ConfigurationSecret>,
    /// What comes with people, and where it stands.
    pub(crate) brought: Vec<(&'static str, Pointer)>,
}

impl<'i> Import<'i> {
    /// An import of `source` into `db`, which is open with the collections of the project. `names` are the places by which its objects are found,
    /// and whether no two may have one name there. `judges_role` says what becomes of an internal role.
    #[must_use]
    pub fn new(
        source: &'i Source,
        (managed, db): (&'i Managed, &'i Db),
        resolution: &'i Resolution,
        parameters: HashParameters,
        names: Vec<(String, Pointer, bool)>,
        judges_role: JudgesRole<'i>,
    ) -> Self {
        let people = PEOPLE.to_owned();
        let meta = managed.schemas.get(&people).map_or("_meta", |schema| schema.meta_property()).to_owned();
        let within = |member: &str| Pointer::from_tokens([meta.as_str(), member]);
        let brought = vec![
            ("answers to security questions", Pointer::from_tokens([managed.kba.property.as_str()])),
            ("accepted terms", within("termsAccepted")),
            ("sign-ins counted", within("loginCount")),
            ("stages completed", within("stagesCompleted")),
            ("consents", Pointer::from_tokens(["consentedMappings"])),
            ("preferences", Pointer::from_tokens(["preferences"])),
            ("roles", Pointer::from_tokens(["roles"])),
            ("aliases", Pointer::from_tokens(["aliasList"])),
        ];
        Self {
            source,
            managed,
            db,
            resolution,
            parameters,
            judges_role,
            over_rest: false,
            leaves_doubles: false,
            renews: BTreeMap::new(),
            people,
            meta,
            names,
            names_without: None,
            configuration: Vec::new(),
            brought,
        }
    }

    /// The same of a source that was read over REST: what is private there did not come, and counts as lost.
    #[must_use]
    pub fn over_rest(self) -> Self {
        Self { over_rest: true, ..self }
    }

    /// The same, but that whoever has a unique name of another object is left out and counted, where an import would be refused.
    #[must_use]
    pub fn leaving_doubles(self) -> Self {
        Self { leaves_doubles: true, ..self }
    }

    /// The same, but that this hears of everybody who could not sign in with a password, while the report is made.
    #[must_use]
    pub fn naming(self, hears: NamesWithout<'i>) -> Self {
        Self { names_without: Some(hears), ..self }
    }

    /// The same, with what is known of the secrets of the configuration, for the report.
    #[must_use]
    pub fn configured(self, configuration: Vec<ConfigurationSecret>) -> Self {
        Self { configuration, ..self }
    }

    /// The same, but that these objects are replaced, which are there with these revisions: by collection and id. What is private there stays.
    #[must_use]
    pub fn renewing(self, renews: BTreeMap<(String, String), String>) -> Self {
        Self { renews, ..self }
    }

    /// What of an object the other server does not tell, and stays here.
    pub(crate) fn private(&self, collection: &str) -> Vec<String> {
        let schema = self.managed.schemas.get(collection).filter(|_| self.over_rest);
        let properties = schema.into_iter().flat_map(|schema| &schema.properties).filter(|property| property.scope == Scope::Private);
        properties.map(|property| property.name.clone()).chain(["fieldHistory".to_owned()]).collect()
    }

    /// How long so many secrets take here.
    pub(crate) fn hashing_seconds(&self, secrets: u64) -> Result<u64, ImportError> {
        if secrets == 0 {
            return Ok(0);
        }
        let (mut scratch, secret) = (Scratch::new(), Secret::exact("how long does one take?")?);
        let began = self.managed.clock.now();
        for _ in 0..3 {
            hash_in(&mut scratch, &secret, crest::random_bytes(self.managed.random.as_ref()), &self.parameters)?;
        }
        let took = self.managed.clock.now().duration_since(began).unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
        let micros = u64::try_from(took.as_micros() / 3).unwrap_or(u64::MAX);
        Ok(micros.saturating_mul(secrets) / cores / 1_000_000)
    }
}
