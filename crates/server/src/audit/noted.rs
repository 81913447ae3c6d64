//! What this node knows of people on revoked definitions, noted in a store that several nodes share, for `check --store`.
//!
//! Easiest to get wrong: other nodes read a change some seconds later, and take steps until then. So each version is noted a few times, with the
//! pause of a sweep between; behind that nobody takes a step on it any more, and the trail is not read again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use process::LedgerError;
use store::{Db, InFlight};

use super::in_flight;

/// How often a version is noted.
const TIMES: u8 = 3;

/// The versions that were noted.
#[derive(Debug, Default)]
pub(crate) struct Noted(HashMap<String, u8>);

impl Noted {
    /// Notes what `directory` holds of revoked versions, of steps that were taken at most `longest` seconds before `now`.
    ///
    /// # Errors
    /// When the store does not answer; it is tried again.
    pub(crate) async fn note(&mut self, db: &Db, directory: &Path, now: i64, longest: i64) -> Result<(), LedgerError> {
        if !db.is_shared() {
            return Ok(());
        }
        let versions = db.revoked().await?.into_iter().map(|(_, version)| version);
        let versions: Vec<String> = versions.filter(|version| self.0.get(version).is_none_or(|times| *times < TIMES)).collect();
        if versions.is_empty() {
            return Ok(());
        }
        let (directory, wanted, since): (PathBuf, _, _) = (directory.to_owned(), versions.clone(), now.saturating_sub(longest));
        let read = tokio::task::spawn_blocking(move || {
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let found = in_flight(&directory, since, &wanted)?.unwrap_or_default();
            let of = |(version, instances): (&str, super::in_flight::Instances)| {
                let one = |ended: bool| {
                    let version = version.to_owned();
                    move |instance: String| InFlight { version: version.clone(), instance, ended }
                };
                instances.open.into_iter().map(one(false)).chain(instances.ended.into_iter().map(one(true))).collect::<Vec<_>>()
            };
            Ok::<_, std::io::Error>(found.into_iter().flat_map(of).collect::<Vec<_>>())
        });
        let found = match read.await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return Err(LedgerError(error.to_string())),
            Err(error) => return Err(LedgerError(error.to_string())),
        };
        db.note_in_flight(&found, now.saturating_add(longest)).await?;
        for version in versions {
            *self.0.entry(version).or_default() += 1;
        }
        tracing::info!(instances = found.len(), "who is on revoked definitions was noted in the store");
        Ok(())
    }
}
