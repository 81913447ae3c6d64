//! The hashing pool. Argon2id takes 19 MiB and tens of milliseconds, so jobs run beside the runtime, as many at a time as there are
//! cores, behind a bounded queue: a burst of sign-ins costs waiting, then 503, never memory (SEC-30).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use crest::{Random, ResourceError, random_bytes};
use identity::secret::{HashParameters, Hasher, Secret, Verdict, hash, verify_stored};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use tokio::sync::Semaphore;

/// A bounded pool of hashing jobs.
pub struct HashPool {
    permits: Arc<Semaphore>,
    queued: Arc<AtomicUsize>,
    done: AtomicU64,
    refused: AtomicU64,
    /// Nanoseconds.
    cpu: Arc<AtomicU64>,
    limit: usize,
    random: Arc<dyn Random>,
    parameters: HashParameters,
}

/// What the pool is doing, for `/metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashPoolStatus {
    /// Jobs running or waiting.
    pub queued: usize,
    /// Jobs finished since start.
    pub done: u64,
    /// Jobs refused since start.
    pub refused: u64,
    /// Time of a core that the finished jobs took, as the system accounts it.
    pub cpu: Duration,
}

/// Gives the place in the queue back, also when the caller has gone away.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HashPool {
    /// A pool for `cores` jobs at a time and `queue` more that wait; newcomers beyond are refused.
    #[must_use]
    pub fn new(cores: usize, queue: usize, random: Arc<dyn Random>, parameters: HashParameters) -> Self {
        let cores = cores.max(1);
        Self {
            permits: Arc::new(Semaphore::new(cores)),
            queued: Arc::default(),
            done: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            cpu: Arc::default(),
            limit: cores.saturating_add(queue),
            random,
            parameters,
        }
    }

    /// What the pool is doing.
    #[must_use]
    pub fn status(&self) -> HashPoolStatus {
        HashPoolStatus {
            queued: self.queued.load(Ordering::Relaxed),
            done: self.done.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            cpu: Duration::from_nanos(self.cpu.load(Ordering::Relaxed)),
        }
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, ResourceError> {
        let before = self.queued.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(&self.queued));
        if before >= self.limit {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(ResourceError::unavailable("Too many sign-ins at once, try again later"));
        }
        let closed = |_| ResourceError::unavailable("The server is stopping");
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(closed)?;
        let cpu = Arc::clone(&self.cpu);
        let result = tokio::task::spawn_blocking(move || {
            let _held = (permit, place);
            let began = thread_cpu();
            let result = job();
            cpu.fetch_add(thread_cpu().saturating_sub(began), Ordering::Relaxed);
            result
        })
        .await;
        self.done.fetch_add(1, Ordering::Relaxed);
        result.map_err(|error| {
            tracing::error!(%error, "a hashing job did not finish");
            ResourceError::internal("The secret could not be checked")
        })
    }
}

/// Nanoseconds of a core that this thread has had.
fn thread_cpu() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |value: i64| u64::try_from(value).unwrap_or_default();
    part(time.tv_sec).saturating_mul(1_000_000_000).saturating_add(part(time.tv_nsec))
}

#[async_trait]
impl Hasher for HashPool {
    async fn hash(&self, secret: Secret) -> Result<Value, ResourceError> {
        let salt = random_bytes(self.random.as_ref());
        let parameters = self.parameters;
        let hashed = self.run(move || hash(&secret, salt, &parameters)).await?;
        Ok(Value::String(hashed?))
    }

    async fn verify(&self, secret: Secret, stored: Option<Value>) -> Result<Verdict, ResourceError> {
        let parameters = self.parameters;
        self.run(move || verify_stored(&secret, stored.as_ref(), &parameters)).await
    }
}
