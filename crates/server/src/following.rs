//! `vestibule import --follow`: rounds over a running IDM, or its repository, that take what has changed there since it came.
//!
//! Easiest to break: whoever was changed here stays as they are. The store itself says who that is: an object keeps the `lastChanged` that it came
//! with, and when it was written last. Beside it is kept who has come ([`Known`]), because of whoever was removed here the store says nothing. A round that
//! was ended is made again.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use identity::Objects as _;
use moving::{Form, ImportError, Imported, Layout, Mapping, Read, Resolution, SignOff, SignedKinds, Source, SourceError};
use serde_json::Value;

use crate::far_end::{self, FarEnd, FarEndError, Page, Progress, Reach, line};
use crate::moving_in::MovingIn;
use crate::private_file;

mod known;
mod removals;

pub use known::Known;

/// What is asked of each object in a round.
const FIELDS: &str = "_id,_meta/lastChanged";
/// Ids that are listed of those that were changed at both servers, and of those that were left out.
const LISTED: usize = 20;

/// What is followed.
#[derive(Clone)]
pub enum Followed {
    /// A running server, over REST: what is private there it does not tell.
    Rest(FarEnd),
    /// The repository of one, with passwords and answers.
    Repository {
        /// Its address, `postgres://…`.
        address: String,
        /// How it keeps objects.
        layout: Layout,
        /// The collections that are followed.
        collections: Vec<String>,
    },
}

impl Followed {
    /// A name of files that belong to following it.
    fn name(&self) -> String {
        match self {
            Self::Rest(far) => far.name(),
            Self::Repository { address, .. } => far_end::name_of_repository(address),
        }
    }

    /// Its address, without a password.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Rest(far) => far.address.clone(),
            Self::Repository { address, .. } => store::name_of(address),
        }
    }

    fn collections(&self) -> &[String] {
        match self {
            Self::Rest(far) => &far.collections,
            Self::Repository { collections, .. } => collections,
        }
    }
}

/// How a round is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ways {
    /// Leave out what cannot be read or stored.
    pub skip_faulty: bool,
    /// Whoever came and was removed there is removed here, too, unless they were written here.
    pub remove: bool,
}

/// Why a round was not made.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The far end cannot be read.
    #[error(transparent)]
    FarEnd(#[from] FarEndError),
    /// What was read is not imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The store does not answer.
    #[error("the store: {0}")]
    Store(String),
    /// Somebody who was removed there cannot be removed here.
    #[error("{object}: {error}")]
    Remove {
        /// Whom it is about, by collection and id.
        object: String,
        /// Why.
        error: Box<crate::OfflineError>,
    },
    /// What was read cannot be kept for the moment.
    #[error("{path}: {error}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// What was read cannot be read again.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// What a round saw and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Objects that are there.
    pub listed: u64,
    /// What was imported and renewed.
    pub imported: Imported,
    /// Objects that were changed there and here, and are left as they are here.
    pub both: u64,
    /// The first of them, by collection and id.
    pub first_both: Vec<String>,
    /// Objects that had come and were removed here: they do not come again.
    pub removed: u64,
    /// Objects that were read and neither stored nor renewed. They are read again when they were changed there, or by another process.
    pub left: u64,
    /// The first of them, by collection and id.
    pub first_left: Vec<String>,
    /// Objects of which the far end does not say when they were changed: they are left as they came.
    pub undated: u64,
    /// Objects that had come and were removed there, and are still here.
    pub gone: u64,
    /// The first of them, by collection and id.
    pub first_gone: Vec<String>,
    /// Objects that were removed here because they were removed there.
    pub ended: u64,
}

impl Round {
    /// Whether it saw anything but what was there before.
    #[must_use]
    pub fn saw_something(&self, before: &Self) -> bool {
        self.imported != Imported::default() || self.left > 0 || self.ended > 0 || self.standing() != before.standing()
    }

    /// What one round after the other sees again.
    fn standing(&self) -> (u64, u64, u64, u64) {
        (self.both, self.removed, self.undated, self.gone)
    }
}

/// Adds an object to those that are listed.
fn list(first: &mut Vec<String>, collection: &str, id: &str) {
    if first.len() < LISTED {
        first.push(format!("{collection}/{id}"));
    }
}

fn lost(error: &dyn std::fmt::Display) -> FollowError {
    FollowError::Store(error.to_string())
}

/// Where the kinds of losses are kept that somebody has signed.
fn kept_at(data: &Path, far: &Followed) -> PathBuf {
    data.join(format!("follow-{}.json", far.name()))
}

/// The kinds of losses that were signed when this far end was followed first.
#[must_use]
pub fn signed_kinds(data: &Path, far: &Followed) -> Option<SignedKinds> {
    serde_json::from_slice(&std::fs::read(kept_at(data, far)).ok()?).ok()
}

/// Keeps the kinds of losses that were signed.
///
/// # Errors
/// When the file cannot be written.
pub fn keep_signed_kinds(data: &Path, far: &Followed, kinds: &SignedKinds) -> Result<(), FollowError> {
    let path = kept_at(data, far);
    let written = serde_json::to_vec(kinds).map_err(std::io::Error::from).and_then(|text| private_file::write(&path, &text));
    written.map_err(|error| FollowError::Io { path, error })
}

/// What a round has read of those that are wanted.
struct Wanted {
    source: Source,
    over_rest: bool,
    /// Each by collection and id, with when it was changed last there.
    objects: Vec<(String, String, Option<String>)>,
    /// Those of them that are here already, with the revisions that they have here.
    renews: BTreeMap<(String, String), String>,
}

impl MovingIn {
    /// One round over a far end: whatever is there and was never here comes, and what was changed there since it came is renewed, unless it was
    /// written here, too. Whose name another object has here is left out and counted. `signed` are the kinds of losses that somebody agreed to.
    ///
    /// # Errors
    /// [`FollowError`]. What was stored stays; the next round goes on.
    pub async fn follow(
        &self,
        far: &Followed,
        known: &mut Known,
        (mapping, resolution): (&Mapping, &Resolution),
        signed: &SignedKinds,
        ways: Ways,
    ) -> Result<Round, FollowError> {
        let data = known.data.clone();
        let failed = |error| FollowError::Io { path: data.clone(), error };
        let suffix = if matches!(far, Followed::Rest(_)) { ".jsonl" } else { ".sql" };
        let mut file = tempfile::Builder::new().prefix(&known.prefix).suffix(suffix).tempfile_in(&data).map_err(failed)?;
        let mut round = Round::default();
        known.begin();
        let (wanted, mut reach) = match far {
            Followed::Rest(far) => {
                let mut reach = far.reach()?;
                let wanted = self.listed((far, &mut reach), &mut file, known, mapping, &mut round).await?;
                (wanted, Some((far, reach)))
            }
            Followed::Repository { address, layout, collections } => {
                let (address, layout, place) = (address.clone(), layout.clone(), file.path().to_owned());
                let read = tokio::task::spawn_blocking(move || far_end::dumped(&address, &layout, &place)).await;
                read.map_err(|error| failed(std::io::Error::other(error)))??;
                (self.dumped(file.path(), collections, known, mapping, (&mut round, ways)).await?, None)
            }
        };
        known.save()?;
        self.take(wanted, known, resolution, signed, (&mut round, ways)).await?;
        self.removals(far.collections(), known, reach.as_mut().map(|(far, reach)| (&**far, reach)), (&mut round, ways)).await?;
        Ok(round)
    }

    /// Lists what there is over REST, and reads whoever is wanted into `file`.
    async fn listed(
        &self,
        (far, reach): (&FarEnd, &mut Reach),
        file: &mut tempfile::NamedTempFile,
        known: &mut Known,
        mapping: &Mapping,
        round: &mut Round,
    ) -> Result<Wanted, FollowError> {
        let (mut renews, mut at, mut objects) = (BTreeMap::new(), Progress::default(), Vec::new());
        while let Some(Page { collection, objects: page }) = far.next(reach, FIELDS, &mut at).await? {
            for object in &page {
                let Some(id) = object.get("_id").and_then(Value::as_str) else { continue };
                round.listed += 1;
                let there = changed_at(object, "_meta");
                if !self.is_wanted((&collection, id, there), known, round, &mut renews).await? {
                    continue;
                }
                if let Some(whole) = far.object(reach, &collection, id).await? {
                    let written = file.write_all(line(&collection, &whole).as_bytes());
                    written.map_err(|error| FollowError::Io { path: known.data.clone(), error })?;
                    objects.push((collection.clone(), id.to_owned(), there.map(str::to_owned)));
                }
            }
        }
        let source = Source::new(&[file.path().to_owned()], Some(Form::JsonLines), mapping.clone())?.putting_aside(&known.data);
        Ok(Wanted { source, over_rest: true, objects, renews })
    }

    /// Looks who is wanted of a repository that was read.
    async fn dumped(
        &self,
        file: &Path,
        collections: &[String],
        known: &mut Known,
        mapping: &Mapping,
        (round, ways): (&mut Round, Ways),
    ) -> Result<Wanted, FollowError> {
        let source = self.reads(Source::new(&[file.to_owned()], Some(Form::Dump), mapping.clone())?);
        let (mut renews, mut objects, mut only, mut faults) = (BTreeMap::new(), Vec::new(), BTreeSet::new(), 0);
        for read in source.read() {
            let record = match read {
                Ok(Read::Record(record)) if collections.contains(&record.collection) => record,
                Ok(_) => continue,
                Err(fault) if fault.ends => return Err(ImportError::NotRead(1).into()),
                Err(_) => {
                    faults += 1;
                    continue;
                }
            };
            round.listed += 1;
            let there = record.content.get("_meta").and_then(last_changed);
            if self.is_wanted((&record.collection, &record.id, there), known, round, &mut renews).await? {
                only.insert((record.collection.clone(), record.id.clone()));
                objects.push((record.collection.clone(), record.id.clone(), there.map(str::to_owned)));
            }
        }
        if faults > 0 {
            if !ways.skip_faulty {
                return Err(ImportError::Faults(faults).into());
            }
            // Whoever cannot be read is there, and may be anybody.
            known.doubt();
        }
        Ok(Wanted { source: source.only(only), over_rest: false, objects, renews })
    }

    /// Imports what was read.
    async fn take(
        &self,
        wanted: Wanted,
        known: &mut Known,
        resolution: &Resolution,
        signed: &SignedKinds,
        (round, ways): (&mut Round, Ways),
    ) -> Result<(), FollowError> {
        let Wanted { source, over_rest, objects, renews } = wanted;
        if objects.is_empty() {
            return Ok(());
        }
        let import = self.import(&source, resolution).leaving_doubles().renewing(renews.clone());
        let import = if over_rest { import.over_rest() } else { import };
        round.imported = import.run(SignOff::Kinds(signed), ways.skip_faulty, |_| {}).await?;
        for (collection, id, changed) in objects {
            let here = self.offline.db.read(&collection, &id).await.map_err(|error| lost(&error))?;
            known.is_read(&collection, &id, changed);
            if here.is_some() {
                known.is_here(&collection, &id);
            }
            if here.is_none_or(|here| renews.get(&(collection.clone(), id.clone())) == Some(&here.revision)) {
                round.left += 1;
                list(&mut round.first_left, &collection, &id);
            }
        }
        known.save()
    }

    /// Whether an object is to be read: it never was here, or has changed there since it came and not here.
    async fn is_wanted(
        &self,
        (collection, id, there): (&str, &str, Option<&str>),
        known: &mut Known,
        round: &mut Round,
        renews: &mut BTreeMap<(String, String), String>,
    ) -> Result<bool, FollowError> {
        known.is_there(collection, id);
        let Some(here) = self.offline.db.read(collection, id).await.map_err(|error| lost(&error))? else {
            let was_here = known.was_here(collection, id);
            round.removed += u64::from(was_here);
            return Ok(!was_here && !known.was_read(collection, id, there));
        };
        known.is_here(collection, id);
        let schema = self.offline.managed.schemas.get(collection);
        let meta = schema.map_or("_meta", identity::ObjectSchema::meta_property);
        let Some(there) = there else {
            // Roles have no metadata.
            round.undated += 1;
            return Ok(false);
        };
        let came_with = changed_at(&here.content, meta);
        if came_with == Some(there) {
            return Ok(false);
        }
        let times = self.offline.db.times(collection, id).await.map_err(|error| lost(&error))?;
        let Some((came, written)) = times else { return Ok(false) };
        // Accepted terms, stages and references are written without another `lastChanged`.
        if written > came || came_with.is_some_and(|date| date > moment(came + 1).as_str()) {
            round.both += 1;
            list(&mut round.first_both, collection, id);
            return Ok(false);
        }
        if known.was_read(collection, id, Some(there)) {
            return Ok(false);
        }
        renews.insert((collection.to_owned(), id.to_owned()), here.revision);
        Ok(true)
    }
}

/// When an object says that it was changed last, as IDM writes times: texts of one form, which compare as times do.
fn changed_at<'v>(object: &'v Value, meta: &str) -> Option<&'v str> {
    object.get(meta).and_then(last_changed)
}

fn last_changed(meta: &Value) -> Option<&str> {
    let changed = meta.get("lastChanged")?;
    changed.get("date").or(Some(changed))?.as_str()
}

fn moment(seconds: i64) -> String {
    identity::timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}
