//! `vestibule import --follow`: rounds over a running IDM that take what has changed there since it came.
//!
//! Easiest to break: whoever was changed here stays as they are. The store itself says who that is: an object keeps the `lastChanged` that it came
//! with, and when it was written last. Beside it is kept who has come ([`Known`]), because of whoever was removed here the store says nothing. A round that
//! was ended is made again.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use identity::Objects as _;
use moving::{Form, ImportError, Imported, Mapping, Resolution, SignOff, SignedKinds, Source, SourceError};
use serde_json::Value;

use crate::far_end::{FarEnd, FarEndError, Page, Progress, line};
use crate::moving_in::MovingIn;
use crate::private_file;

mod known;

pub use known::Known;

/// What is asked of each object in a round.
const FIELDS: &str = "_id,_meta/lastChanged";
/// Ids that are listed of those that were changed at both servers, and of those that were left out.
const LISTED: usize = 20;

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
}

impl Round {
    /// Whether it saw anything but what was there before.
    #[must_use]
    pub fn saw_something(&self, before: &Self) -> bool {
        self.imported != Imported::default() || self.left > 0 || self.standing() != before.standing()
    }

    /// What one round after the other sees again.
    fn standing(&self) -> (u64, u64, u64) {
        (self.both, self.removed, self.undated)
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
fn kept_at(data: &Path, far: &FarEnd) -> PathBuf {
    data.join(format!("follow-{}.json", far.name()))
}

/// The kinds of losses that were signed when this far end was followed first.
#[must_use]
pub fn signed_kinds(data: &Path, far: &FarEnd) -> Option<SignedKinds> {
    serde_json::from_slice(&std::fs::read(kept_at(data, far)).ok()?).ok()
}

/// Keeps the kinds of losses that were signed.
///
/// # Errors
/// When the file cannot be written.
pub fn keep_signed_kinds(data: &Path, far: &FarEnd, kinds: &SignedKinds) -> Result<(), FollowError> {
    let path = kept_at(data, far);
    let written = serde_json::to_vec(kinds).map_err(std::io::Error::from).and_then(|text| private_file::write(&path, &text));
    written.map_err(|error| FollowError::Io { path, error })
}

impl MovingIn {
    /// One round over a far end: whatever is there and was never here comes, and what was changed there since it came is renewed, unless it was
    /// written here, too. Whose name another object has here is left out and counted. `signed` are the kinds of losses that somebody agreed to.
    ///
    /// # Errors
    /// [`FollowError`]. What was stored stays; the next round goes on.
    pub async fn follow(
        &self,
        far: &FarEnd,
        known: &mut Known,
        (mapping, resolution): (&Mapping, &Resolution),
        signed: &SignedKinds,
        skip_faulty: bool,
    ) -> Result<Round, FollowError> {
        let data = known.data.clone();
        let failed = |error| FollowError::Io { path: data.clone(), error };
        let mut file = tempfile::Builder::new().prefix(&known.prefix).suffix(".jsonl").tempfile_in(&data).map_err(failed)?;
        let (mut round, mut renews, mut at, mut wanted) = (Round::default(), BTreeMap::new(), Progress::default(), Vec::new());
        let mut reach = far.reach()?;
        while let Some(Page { collection, objects }) = far.next(&mut reach, FIELDS, &mut at).await? {
            for object in &objects {
                let Some(id) = object.get("_id").and_then(Value::as_str) else { continue };
                round.listed += 1;
                if !self.is_wanted((&collection, id, object), known, &mut round, &mut renews).await? {
                    continue;
                }
                if let Some(whole) = far.object(&mut reach, &collection, id).await? {
                    file.write_all(line(&collection, &whole).as_bytes()).map_err(failed)?;
                    wanted.push((collection.clone(), id.to_owned(), changed_at(object, "_meta").map(str::to_owned)));
                }
            }
        }
        known.save()?;
        if !wanted.is_empty() {
            let source = Source::new(&[file.path().to_owned()], Some(Form::JsonLines), mapping.clone())?.putting_aside(&data);
            let import = self.import(&source, resolution).over_rest().leaving_doubles().renewing(renews.clone());
            round.imported = import.run(SignOff::Kinds(signed), skip_faulty, |_| {}).await?;
            for (collection, id, changed) in wanted {
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
            known.save()?;
        }
        Ok(round)
    }

    /// Whether an object is to be read: it never was here, or has changed there since it came and not here.
    async fn is_wanted(
        &self,
        (collection, id, listed): (&str, &str, &Value),
        known: &mut Known,
        round: &mut Round,
        renews: &mut BTreeMap<(String, String), String>,
    ) -> Result<bool, FollowError> {
        let there = changed_at(listed, "_meta");
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
    let changed = object.get(meta)?.get("lastChanged")?;
    changed.get("date").or(Some(changed))?.as_str()
}

fn moment(seconds: i64) -> String {
    identity::timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}
