//! The hashing pool. Argon2id takes 19 MiB and tens of milliseconds, so jobs run beside the runtime, as many at a time as there are
//! cores, behind a bounded queue: a burst of sign-ins costs waiting, then 503, never memory (SEC-30). Each running job has one of as
//! many pieces of working memory, which stay until the pool has been idle for a while.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use crest::{Random, ResourceError, random_bytes};
use identity::secret::{HashParameters, Hasher, Scratch, Secret, Verdict, hash_in, verify_stored_in};
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
    memory: Arc<Mutex<Vec<Scratch>>>,
    /// [`HashPoolStatus::done`] when [`HashPool::rest`] last looked.
    done_before: AtomicU64,
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
            memory: Arc::default(),
            done_before: AtomicU64::new(0),
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

    /// Gives the working memory back if nothing was hashed since the last call.
    pub fn rest(&self) {
        let done = self.done.load(Ordering::Relaxed);
        if self.done_before.swap(done, Ordering::Relaxed) == done {
            self.memory.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce(&mut Scratch) -> T + Send + 'static) -> Result<T, ResourceError> {
        let before = self.queued.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(&self.queued));
        if before >= self.limit {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(ResourceError::unavailable("Too many sign-ins at once, try again later"));
        }
        let closed = |_| ResourceError::unavailable("The server is stopping");
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(closed)?;
        let (cpu, memory) = (Arc::clone(&self.cpu), Arc::clone(&self.memory));
        let usual = self.parameters.memory_kib() as usize;
        let result = tokio::task::spawn_blocking(move || {
            let _held = (permit, place);
            let began = thread_cpu();
            let mut scratch = memory.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let result = job(&mut scratch);
            // An imported account's hash may need much more than ours; that is not kept.
            if scratch.kib() <= usual {
                memory.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
            }
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
        let hashed = self.run(move |scratch| hash_in(scratch, &secret, salt, &parameters)).await?;
        Ok(Value::String(hashed?))
    }

    async fn verify(&self, secret: Secret, stored: Option<Value>) -> Result<Verdict, ResourceError> {
        let parameters = self.parameters;
        self.run(move |scratch| verify_stored_in(scratch, &secret, stored.as_ref(), &parameters)).await
    }
}
