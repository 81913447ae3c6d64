//! `vestibule import --follow`: rounds over a running IDM that take what has changed there since it came.
//!
//! Easiest to break: whoever was changed here stays as they are. The store itself says who that is: an object keeps the `lastChanged` that it came
//! with, and a write here gives it a later one than the moment in which it came. So a round needs nothing of the round before, and one that was ended is
//! made again.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use identity::Objects as _;
use moving::{Form, ImportError, Imported, Mapping, Resolution, SignOff, SignedKinds, Source, SourceError};
use serde_json::Value;

use crate::far_end::{FarEnd, FarEndError, Progress, line};
use crate::moving_in::MovingIn;
use crate::private_file;

/// What is asked of each object in a round.
const FIELDS: &str = "_id,_meta/lastChanged";
/// Ids that are listed of those that were changed at both servers.
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
    /// Objects of which the far end does not say when they were changed: they are left as they came.
    pub undated: u64,
}

impl Round {
    /// Whether it saw anything but what was there before.
    #[must_use]
    pub fn saw_something(&self, before: &Self) -> bool {
        self.imported != Imported::default() || (self.both, self.undated) != (before.both, before.undated)
    }
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
    /// One round over a far end: whatever is there and not here comes, and what was changed there since it came is renewed, unless it was changed here,
    /// too. What is read is kept below `data` for the moment. `signed` are the kinds of losses that somebody agreed to.
    ///
    /// # Errors
    /// [`FollowError`]. What was stored stays; the next round goes on.
    pub async fn follow(
        &self,
        far: &FarEnd,
        data: &Path,
        (mapping, resolution): (&Mapping, &Resolution),
        signed: &SignedKinds,
        skip_faulty: bool,
    ) -> Result<Round, FollowError> {
        let failed = |error| FollowError::Io { path: data.to_owned(), error };
        let mut file = tempfile::Builder::new().prefix(".import-").suffix(".jsonl").tempfile_in(data).map_err(failed)?;
        let (mut round, mut renews, mut at, mut wanted) = (Round::default(), BTreeMap::new(), Progress::default(), 0_u64);
        let mut reach = far.reach()?;
        while let Some(collection) = far.collections.get(at.collections) {
            let page = far.page(&mut reach, collection, FIELDS, &at).await?;
            let listed = page.get("result").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            for object in listed {
                let Some(id) = object.get("_id").and_then(Value::as_str) else { continue };
                round.listed += 1;
                if !self.is_wanted(collection, id, object, &mut round, &mut renews).await? {
                    continue;
                }
                if let Some(whole) = far.object(&mut reach, collection, id).await? {
                    file.write_all(line(collection, &whole).as_bytes()).map_err(failed)?;
                    wanted += 1;
                }
            }
            far.turn(&mut at, &page, listed.len());
        }
        if wanted > 0 {
            let source = Source::new(&[file.path().to_owned()], Some(Form::JsonLines), mapping.clone())?;
            let import = self.import(&source, resolution).over_rest().renewing(renews);
            round.imported = import.run(SignOff::Kinds(signed), skip_faulty, |_| {}).await?;
        }
        Ok(round)
    }

    /// Whether an object is to be read: it is not here, or has changed there since it came and not here.
    async fn is_wanted(
        &self,
        collection: &str,
        id: &str,
        listed: &Value,
        round: &mut Round,
        renews: &mut BTreeMap<(String, String), String>,
    ) -> Result<bool, FollowError> {
        let lost = |error: &dyn std::fmt::Display| FollowError::Store(error.to_string());
        let Some(here) = self.offline.db.read(collection, id).await.map_err(|error| lost(&error))? else { return Ok(true) };
        let schema = self.offline.managed.schemas.get(collection);
        let meta = schema.map_or("_meta", identity::ObjectSchema::meta_property);
        let Some(there) = changed_at(listed, "_meta") else {
            // Roles have no metadata.
            round.undated += 1;
            return Ok(false);
        };
        let came_with = changed_at(&here.content, meta);
        if came_with == Some(there) {
            return Ok(false);
        }
        let times = self.offline.db.times(collection, id).await.map_err(|error| lost(&error))?;
        let Some((came, written)) = times else { return Ok(true) };
        let was_written_here = match came_with {
            Some(date) => date > moment(came + 1).as_str(),
            None => written > came,
        };
        if was_written_here {
            round.both += 1;
            if round.first_both.len() < LISTED {
                round.first_both.push(format!("{collection}/{id}"));
            }
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
