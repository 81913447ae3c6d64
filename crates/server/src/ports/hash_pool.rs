//! The hashing pool. Argon2id takes 19 MiB and tens of milliseconds, so jobs run beside the runtime, as many at a time as there are
//! cores, behind a bounded and fair queue ([`queue`]): a burst of sign-ins costs waiting, then 503, never memory (SEC-30), and most of that to whoever
//! caused it. Each running job has one of as many pieces of working memory, which stay until the pool has been idle for a while.

mod claim;
mod queue;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use crest::{Random, ResourceError, random_bytes};
use identity::secret::{HashParameters, Hasher, Scratch, Secret, Verdict, hash_in, verify_stored_in};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use tokio::sync::oneshot;
use tracing::Instrument as _;

pub(crate) use self::claim::{Claim, client, current, on_behalf_of};
use self::queue::{Kind, Queue, Ticket};

/// What a hash is taken to need while none was measured.
const USUAL: Duration = Duration::from_millis(20);
/// Whom the server's own hashes count for.
const OURSELVES: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// A bounded pool of hashing jobs.
pub struct HashPool {
    shared: Arc<Shared>,
    done: AtomicU64,
    refused: AtomicU64,
    /// Nanoseconds.
    cpu: Arc<AtomicU64>,
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

struct Shared {
    cores: usize,
    state: Mutex<State>,
}

struct State {
    running: usize,
    queue: Queue<oneshot::Sender<Turn>>,
}

/// The right to hash. Whoever drops it calls the next.
struct Turn(Arc<Shared>);

/// A job that waits; it leaves its line when its client has gone.
struct Waiting {
    shared: Arc<Shared>,
    ticket: Ticket,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running -= 1;
        let Some(next) = state.queue.next() else { return };
        state.running += 1;
        drop(state);
        // Whoever has gone hands the turn on by dropping it.
        let _ = next.send(Self(Arc::clone(&self.0)));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let left = self.shared.state().queue.leave(self.ticket);
        drop(left);
    }
}

impl HashPool {
    /// A pool for `cores` jobs at a time and `queue` more that wait; more are refused.
    #[must_use]
    pub fn new(cores: usize, queue: usize, random: Arc<dyn Random>, parameters: HashParameters) -> Self {
        let state = Mutex::new(State { running: 0, queue: Queue::new(queue) });
        Self {
            shared: Arc::new(Shared { cores: cores.max(1), state }),
            done: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            cpu: Arc::default(),
            memory: Arc::default(),
            done_before: AtomicU64::new(0),
            random,
            parameters,
        }
    }

    /// What the pool is doing.
    #[must_use]
    pub fn status(&self) -> HashPoolStatus {
        let state = self.shared.state();
        HashPoolStatus {
            queued: state.running + state.queue.waiting(),
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

    /// Waits for a turn.
    async fn turn(&self, network: IpAddr, kind: Kind) -> Result<Turn, ResourceError> {
        let (sender, mut receiver) = oneshot::channel();
        let pushed = {
            let mut state = self.shared.state();
            if state.running < self.shared.cores && state.queue.waiting() == 0 {
                state.running += 1;
                return Ok(Turn(Arc::clone(&self.shared)));
            }
            state.queue.push(network, kind, sender)
        };
        let (ticket, put_out) = pushed;
        // Whoever lost their place for this one learns it by the end of the channel.
        drop(put_out);
        let refused = || {
            self.refused.fetch_add(1, Ordering::Relaxed);
            ResourceError::unavailable("Too many sign-ins at once, try again later").with_retry_after(self.wait())
        };
        let ticket = ticket.ok_or_else(refused)?;
        let waiting = Waiting { shared: Arc::clone(&self.shared), ticket };
        let turn = (&mut receiver).await.map_err(|_| refused());
        drop(waiting);
        turn
    }

    /// Seconds until everything that waits now is done.
    fn wait(&self) -> u64 {
        let status = self.status();
        let each = u32::try_from(status.done).ok().filter(|done| *done > 0).map_or(USUAL, |done| status.cpu / done);
        let all = each.saturating_mul(u32::try_from(status.queued).unwrap_or(u32::MAX)) / u32::try_from(self.shared.cores).unwrap_or(1);
        all.as_secs().saturating_add(1)
    }

    async fn run<T: Send + 'static>(&self, kind: Kind, job: impl FnOnce(&mut Scratch) -> T + Send + 'static) -> Result<T, ResourceError> {
        let network = claim::network()?.unwrap_or(OURSELVES);
        let turn = self.turn(network, kind).await?;
        let (cpu, memory) = (Arc::clone(&self.cpu), Arc::clone(&self.memory));
        let usual = self.parameters.memory_kib() as usize;
        let result = tokio::task::spawn_blocking(move || {
            let _held = turn;
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
        let span = tracing::info_span!(target: "vestibule::spans", "hash", kind = "new");
        let hashed = self.run(Kind::New, move |scratch| hash_in(scratch, &secret, salt, &parameters)).instrument(span).await?;
        Ok(Value::String(hashed?))
    }

    async fn verify(&self, secret: Secret, stored: Option<Value>) -> Result<Verdict, ResourceError> {
        let parameters = self.parameters;
        let span = tracing::info_span!(target: "vestibule::spans", "hash", kind = "check");
        self.run(Kind::Check, move |scratch| verify_stored_in(scratch, &secret, stored.as_ref(), &parameters)).instrument(span).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use identity::Waits as _;

    use super::*;
    use crate::ports::{OnRuntime, OsRandom};

    fn pool(queue: usize) -> Arc<HashPool> {
        Arc::new(HashPool::new(1, queue, Arc::new(OsRandom::new()), HashParameters::default()))
    }

    fn network(number: u8) -> IpAddr {
        IpAddr::from([192, 0, number, 0])
    }

    /// Jobs that write down when they ran, behind one that holds the only core until the gate opens.
    struct Gated {
        pool: Arc<HashPool>,
        gate: mpsc::Sender<()>,
        order: Arc<Mutex<Vec<String>>>,
        tasks: Vec<tokio::task::JoinHandle<Result<(), ResourceError>>>,
    }

    impl Gated {
        async fn new(queue: usize) -> Self {
            let (gate, opens) = mpsc::channel();
            let (began, begins) = oneshot::channel();
            let pool = pool(queue);
            let own = Arc::clone(&pool);
            let first = tokio::spawn(async move {
                let job = move |_: &mut Scratch| {
                    began.send(()).unwrap();
                    opens.recv().unwrap();
                };
                own.run(Kind::Check, job).await
            });
            begins.await.unwrap();
            Self { pool, gate, order: Arc::default(), tasks: vec![first] }
        }

        /// One more job, which waits when this returns, or was refused.
        async fn ask(&mut self, from: u8, kind: Kind, name: &str) {
            let (pool, order, name) = (Arc::clone(&self.pool), Arc::clone(&self.order), name.to_owned());
            let before = (self.pool.status().queued, self.pool.status().refused);
            let job = move |_: &mut Scratch| order.lock().unwrap().push(name);
            self.tasks.push(tokio::spawn(on_behalf_of(network(from), async move { pool.run(kind, job).await })));
            while (self.pool.status().queued, self.pool.status().refused) == before {
                tokio::task::yield_now().await;
            }
        }

        async fn open(self) -> (Vec<String>, Vec<ResourceError>) {
            self.gate.send(()).unwrap();
            let mut refused = Vec::new();
            for task in self.tasks {
                refused.extend(task.await.unwrap().err());
            }
            (self.order.lock().unwrap().clone(), refused)
        }
    }

    #[tokio::test]
    async fn sec_30_a_network_that_registers_en_masse_keeps_nobody_from_signing_in() {
        let mut gated = Gated::new(100).await;
        for turn in 0..20 {
            gated.ask(1, Kind::New, &format!("registration {turn}")).await;
        }
        gated.ask(2, Kind::Check, "sign-in").await;
        gated.ask(3, Kind::New, "another's registration").await;
        let (order, refused) = gated.open().await;
        assert_eq!(order[..3], ["sign-in", "registration 0", "another's registration"]);
        assert!(order.len() == 22 && refused.is_empty());
    }

    #[tokio::test]
    async fn sec_30_a_full_queue_refuses_whoever_filled_it_and_says_for_how_long() {
        let mut gated = Gated::new(50).await;
        for turn in 0..50 {
            gated.ask(1, Kind::New, &format!("registration {turn}")).await;
        }
        gated.ask(1, Kind::New, "one too many").await;
        gated.ask(2, Kind::Check, "sign-in").await;
        let (order, refused) = gated.open().await;
        assert_eq!((order.len(), order[0].as_str()), (50, "sign-in"));
        assert_eq!(refused.iter().map(|error| (error.code, error.retry_after)).collect::<Vec<_>>(), [(503, Some(2)), (503, Some(2))]);
    }

    #[tokio::test]
    async fn who_has_gone_while_waiting_is_not_hashed_for() {
        let mut gated = Gated::new(10).await;
        gated.ask(1, Kind::Check, "gone").await;
        gated.ask(1, Kind::Check, "stays").await;
        let gone = gated.tasks.remove(1);
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        assert_eq!(gated.pool.status().queued, 2);
        assert_eq!(gated.open().await.0, ["stays"]);
    }

    #[tokio::test]
    async fn sec_30_the_hashes_of_one_request_are_bounded() {
        let pool = pool(10);
        let work = async {
            let mut done = 0;
            loop {
                match pool.run(Kind::Check, |_| ()).await {
                    Ok(()) => done += 1,
                    Err(error) => return (done, error.code),
                }
            }
        };
        assert_eq!(on_behalf_of(network(1), work).await, (32, 400));
        assert!(pool.run(Kind::Check, |_| ()).await.is_ok(), "what the server does by itself is not counted");
    }

    #[tokio::test]
    async fn sec_30_what_a_script_hashes_counts_as_the_requests_whose_script_it_is() {
        let pool = pool(10);
        let waits = OnRuntime::new();
        assert!(waits.of_this_request().is_none(), "what the server does by itself is nobody's");
        let work = async {
            let waits = waits.of_this_request().unwrap();
            // A thread of the sandbox.
            let own = Arc::clone(&pool);
            let hashes = move || {
                waits.wait(Box::pin(async {
                    for _ in 0..30 {
                        own.run(Kind::Check, |_| ()).await.unwrap();
                    }
                }));
            };
            tokio::task::spawn_blocking(hashes).await.unwrap();
            let left = [(); 3].map(|()| pool.run(Kind::Check, |_| ()));
            let [first, second, third] = left;
            [first.await.is_ok(), second.await.is_ok(), third.await.is_ok()]
        };
        assert_eq!(on_behalf_of(network(1), work).await, [true, true, false]);
    }
}
