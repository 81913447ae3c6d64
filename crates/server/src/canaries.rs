//! How next definitions stand that are tried: drawn for a share of those who begin, and ended by what was counted.
//!
//! Easiest to break: where nothing is known of a canary, everybody begins on the present definition. It is known only while the store says so.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use accounts::canary::{figures, look};
use accounts::{Accounts, Runtime, Trial};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crest::Random;
use jose::KeyRing;
use process::{AuditEvent, CanaryOutcome, CanaryPair, InstanceId, KeptCanary, LedgerError, Process, Topic};
use serde_json::{Value, json};
use stages::Services;
use store::Db;
use tokio::sync::watch;

use crate::canary::file_of;
use crate::config_files::ConfigFiles;
use crate::metrics;

/// How often a node asks how canaries stand.
const LOOK: Duration = Duration::from_secs(2);
/// A store that says nothing for so long is away.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the canaries stand that are served.
pub(crate) struct Canaries {
    db: Db,
    keys: Arc<KeyRing>,
    random: Arc<dyn Random>,
    /// By the last look at the store; nothing where it did not answer.
    known: RwLock<Option<HashMap<CanaryPair, Option<CanaryOutcome>>>>,
    /// Promoted ones whose files were written, or could not be. Each is tried once, or this and what manages the files would write in turns.
    written: Mutex<HashSet<CanaryPair>>,
}

impl Canaries {
    pub(crate) fn new(db: &Db, keys: &Arc<KeyRing>, random: &Arc<dyn Random>) -> Self {
        let (db, keys, random) = (db.clone(), Arc::clone(keys), Arc::clone(random));
        Self { db, keys, random, known: RwLock::default(), written: Mutex::default() }
    }

    /// The next definition for an instance that begins on it; nothing where it begins on the present one.
    pub(crate) fn drawn(&self, trial: &Trial, instance: &InstanceId) -> Option<Arc<Process<Services>>> {
        let (pair, next) = (trial.pair.as_ref()?, trial.next.as_ref()?);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let is_next = match known.as_ref()?.get(pair)? {
            None => pair.draws(&self.keys, instance, trial.options.share),
            Some(outcome) => *outcome == CanaryOutcome::Promoted,
        };
        is_next.then(|| Arc::clone(next))
    }

    /// Begins the canaries of a project that is about to be served, and withdraws others. Without a store none begins.
    pub(crate) async fn begin(&self, runtime: &Runtime, now: i64) {
        if let Err(error) = self.try_begin(runtime, now).await {
            tracing::error!(%error, "no next definition is tried: the store does not answer");
            self.know(None);
        }
    }

    async fn try_begin(&self, runtime: &Runtime, now: i64) -> Result<(), LedgerError> {
        let pairs: Vec<&CanaryPair> = runtime.canaries.values().filter_map(|trial| trial.pair.as_ref()).collect();
        let kept = self.db.canaries().await?;
        for pair in &pairs {
            let is_known = kept.iter().any(|kept| kept.pair == **pair && kept.outcome != Some(CanaryOutcome::Withdrawn));
            if !is_known {
                tracing::info!(process.name = pair.process, present = %pair.present, next = %pair.next, "a next definition of '{}' is tried", pair.process);
            }
            self.db.begin_canary(pair, now).await?;
        }
        for gone in kept.iter().filter(|kept| kept.outcome.is_none() && pairs.iter().all(|pair| pair.process != kept.pair.process)) {
            self.db.withdraw_canaries(&gone.pair.process, now).await?;
        }
        self.know(Some(&self.db.canaries().await?));
        Ok(())
    }

    fn know(&self, kept: Option<&[KeptCanary]>) {
        let known = kept.map(|kept| kept.iter().map(|kept| (kept.pair.clone(), kept.outcome)).collect());
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Looks at the store and ends what has shown itself, until the end.
    pub(crate) async fn follow(self: Arc<Self>, accounts: Arc<Accounts>, files: Arc<ConfigFiles>, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stop.changed() => return,
            }
            let runtime = accounts.runtime.load_full();
            if runtime.canaries.values().all(|trial| trial.pair.is_none()) {
                continue;
            }
            match tokio::time::timeout(PATIENCE, self.look(&runtime, accounts.now())).await {
                Ok(Ok(promoted)) => self.serve(&files, promoted).await,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "how next definitions stand is not known, and nobody begins on one");
                    self.know(None);
                }
                Err(_) => {
                    tracing::warn!("how next definitions stand is not known, and nobody begins on one: the store says nothing");
                    self.know(None);
                }
            }
        }
    }

    /// Ends what has shown itself, and says what is promoted and still stands in a file of its own.
    async fn look(&self, runtime: &Runtime, now: i64) -> Result<Vec<(CanaryPair, String)>, LedgerError> {
        let mut kept = self.db.canaries().await?;
        let (mut has_ended, mut told) = (false, Vec::new());
        for canary in kept.iter().filter(|kept| kept.outcome.is_none()) {
            let Some(trial) = runtime.canaries.get(&canary.pair.process).filter(|trial| trial.pair.as_ref() == Some(&canary.pair)) else {
                continue;
            };
            let verdict = look(&trial.options, canary, now);
            let Some(outcome) = verdict.outcome else { continue };
            let process = &canary.pair.process;
            let mut detail = json!({
                "process": process,
                "outcome": outcome.as_str(),
                "file": file_of(&trial.options),
                "share": trial.options.share,
                "began": canary.began,
            });
            if let (Some(detail), Value::Object(figures)) = (detail.as_object_mut(), figures(canary, Some(&verdict))) {
                detail.extend(figures);
            }
            let event = AuditEvent {
                topic: Topic::Config,
                event: "canary".to_owned(),
                time: now,
                transaction: URL_SAFE_NO_PAD.encode(crest::random_bytes::<16>(self.random.as_ref())),
                user: "system".to_owned(),
                object: format!("config/selfservice/{process}"),
                successful: true,
                detail,
            };
            if self.db.end_canary(&canary.pair, outcome, event).await? {
                metrics::canary_ended(process, outcome);
                told.push((process.clone(), outcome, verdict.because));
            }
            has_ended = true;
        }
        if has_ended {
            // Another node may have been faster, and with another outcome.
            kept = self.db.canaries().await?;
        }
        self.know(Some(&kept));
        // Said when it holds: nobody begins on it any more.
        for (process, outcome, because) in told {
            tracing::warn!(process.name = process, outcome = outcome.as_str(), "the canary of '{process}' has ended: {because}");
        }
        let promoted = kept.into_iter().filter(|kept| kept.outcome == Some(CanaryOutcome::Promoted));
        let files = promoted.filter_map(|kept| {
            let trial = runtime.canaries.get(&kept.pair.process).filter(|trial| trial.pair.as_ref() == Some(&kept.pair))?;
            Some((kept.pair, file_of(&trial.options)))
        });
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(files.filter(|(pair, _)| written.insert(pair.clone())).collect())
    }

    /// Serves what is promoted in the place of the present definition. Its file takes the place of the other one, as a change over REST does;
    /// where the project cannot be written, the store says what is served.
    async fn serve(&self, files: &ConfigFiles, promoted: Vec<(CanaryPair, String)>) {
        for (pair, file) in promoted {
            match files.promote(&pair, &file).await {
                Ok(()) => tracing::info!(process.name = pair.process, "{file} is the definition of '{}' now", pair.process),
                Err(error) => {
                    tracing::warn!(
                        process.name = pair.process,
                        error = error.message,
                        "{file} is served as the definition of '{}', and its file could not be written: the store says so from now on",
                        pair.process
                    );
                    files.take_up().await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use process::{CanaryOptions, Companions, compile};
    use store::Collections;

    use super::*;
    use crate::ports::OsRandom;

    fn definition(kept: &str) -> Arc<Process<Services>> {
        let file = json!({ "stageConfigs": [{ "name": "parameters", "parameterNames": [kept] }] });
        Arc::new(compile("reset", &file, &Companions::default(), &stages::catalogue()).process.unwrap())
    }

    #[tokio::test]
    async fn nodes_draw_alike_while_the_store_says_that_it_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::open(directory.path().join("store.db").to_str().unwrap(), Collections::new()).await.unwrap();
        let keys = KeyRing::generate().unwrap();
        let random: Arc<dyn Random> = Arc::new(OsRandom::new());
        // Another node, or the same one after a restart: the keys are in their file.
        let restarted = KeyRing::from_json(&keys.to_json()).unwrap();
        let node = |keys: KeyRing| Canaries::new(&db, &Arc::new(keys), &random);
        let nodes = vec![node(keys), node(restarted)];
        let next = definition("next");
        let pair = CanaryPair { process: "reset".into(), present: definition("present").version.clone(), next: next.version.clone() };
        let options = json!({ "file": "selfservice-reset.next.json", "share": 0.25 });
        let options = CanaryOptions::read("", &options).unwrap();
        let trial = Trial { options, pair: Some(pair.clone()), next: Some(next) };
        let drawn = |node: &Canaries| {
            let is_next = |number: &u32| node.drawn(&trial, &InstanceId::from_stored(format!("instance {number}"))).is_some();
            (0..2000).filter(is_next).collect::<Vec<u32>>()
        };
        let look = || async {
            let kept = db.canaries().await.unwrap();
            for node in &nodes {
                node.know(Some(&kept));
            }
        };
        assert!(drawn(&nodes[0]).is_empty(), "nothing is known of it");
        look().await;
        assert!(drawn(&nodes[0]).is_empty(), "the store has no row of it");
        db.begin_canary(&pair, 1).await.unwrap();
        look().await;
        let first = drawn(&nodes[0]);
        // Five standard deviations of a binomial.
        assert!((403..=597).contains(&first.len()), "{} of 2000", first.len());
        assert_eq!(first, drawn(&nodes[1]));
        nodes[0].know(None);
        assert!(drawn(&nodes[0]).is_empty(), "the store is away");
        let ends = |outcome: CanaryOutcome| AuditEvent {
            topic: Topic::Config,
            event: "canary".into(),
            time: 2,
            transaction: String::new(),
            user: "system".into(),
            object: String::new(),
            successful: true,
            detail: json!({ "outcome": outcome.as_str() }),
        };
        assert!(db.end_canary(&pair, CanaryOutcome::Promoted, ends(CanaryOutcome::Promoted)).await.unwrap());
        look().await;
        assert_eq!(drawn(&nodes[0]).len(), 2000, "everybody begins on what was promoted");
        db.close().await.unwrap();
    }
}
