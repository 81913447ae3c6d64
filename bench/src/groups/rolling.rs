//! Nodes on PostgreSQL as operators see them: how often a walk waits for the database, and what people notice while one node after the other is
//! replaced behind the balancer of the page *Two nodes*.
//!
//! Easiest to get wrong: a request that failed is counted and the load goes on, so that a second failure is seen too.

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::{JoinSet, spawn_blocking};

use crate::account::Stopwatch;
use crate::client::Connection;
use crate::counter::Counter;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::Bench;
use crate::groups::shared::{LANES, WALKS, walked};
use crate::postgres::{Store, free, url_at};
use crate::project::{self, AtSignIn, HASH_QUEUE};
use crate::server::{Launch, Server};
use crate::{Failure, people};

/// People in the store.
const POPULATION: u64 = 1_000;
/// Walks that are counted, and as many before them, by which every statement is prepared.
const COUNTED: u64 = 10;
const REST: Duration = Duration::from_secs(6);
/// How long a balancer may take to see that a node is there, and how long both serve before the next one goes.
const BOTH: Duration = Duration::from_secs(3);
const ATTEMPTS: u32 = 1_000;
const PAUSE: Duration = Duration::from_millis(10);
/// The balancer of the book.
const BALANCER: &str = include_str!("../../../docs/two-nodes/haproxy.cfg");

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let store = Store::start()?;
    people::fill_store(&store.url(), POPULATION).await?;
    let mut figures = trips(bench, &store).await?;
    figures.extend(replaced(bench, &store).await?);
    Ok(Group {
        title: "Nodes on PostgreSQL (default project): round trips to the database, and one node after the other replaced under load",
        figures,
    })
}

/// A project on the store at this address.
fn project(bench: &Bench, url: &str) -> Result<PathBuf, Failure> {
    let root = bench.data();
    project::write(&root, bench.mailbox.port(), AtSignIn::Nothing)?;
    let settings = format!("[limits]\nenabled = false\nhash_queue = {HASH_QUEUE}\ndrain_seconds = 2\n[store]\nurl = \"{url}\"\n");
    std::fs::write(root.join("vestibule.toml"), settings)?;
    Ok(root)
}

/// A directory for a node's data, with the keys of another one's.
fn data(bench: &Bench, keys: Option<&Path>) -> Result<PathBuf, Failure> {
    let data = bench.data();
    std::fs::create_dir_all(&data)?;
    if let Some(first) = keys {
        std::fs::copy(first.join("keys.json"), data.join("keys.json"))?;
    }
    Ok(data)
}

/// How often each walk waits for the database. What a node asks while nobody asks it anything is taken off.
async fn trips(bench: &Bench, store: &Store) -> Result<Vec<Figure>, Failure> {
    let counter = Counter::before(store.address()).await?;
    // On one connection statements are prepared once.
    let root = project(bench, &format!("{}&schema=trips&connections=1", url_at(counter.address)))?;
    people::fill_store(&format!("{}&schema=trips", store.url()), POPULATION).await?;
    let node = bench.launch.start(Some(&root), &data(bench, None)?)?;
    let mut connection = Connection::open(node.address()).await?;
    let (before, watch) = (counter.trips(), Stopwatch::of_time());
    tokio::time::sleep(REST).await;
    let rest = exact(counter.trips() - before)? / watch.elapsed().as_secs_f64();
    let mut figures = Vec::new();
    for (walk, name, _) in WALKS {
        for step in 0..COUNTED {
            walked(&mut connection, &bench.mailbox, walk, POPULATION, step).await?;
        }
        node.settle().await?;
        let (before, watch) = (counter.trips(), Stopwatch::of_time());
        for step in COUNTED..2 * COUNTED {
            walked(&mut connection, &bench.mailbox, walk, POPULATION, step).await?;
        }
        node.settle().await?;
        let trips = exact(counter.trips() - before)? - rest * watch.elapsed().as_secs_f64();
        figures.push(Figure::new(format!("{name}: round trips to the database"), Unit::Count, vec![trips / exact(COUNTED)?]));
    }
    node.stop()?;
    Ok(figures)
}

fn exact(number: u64) -> Result<f64, Failure> {
    Ok(f64::from(u32::try_from(number)?))
}

/// Everybody walks through the balancer while both nodes are replaced.
async fn replaced(bench: &Bench, store: &Store) -> Result<Vec<Figure>, Failure> {
    let root = project(bench, &store.url())?;
    let first = data(bench, None)?;
    let addresses = [free()?, free()?];
    let one = begins(&bench.launch, &root, &first, addresses[0]).await?;
    let second = data(bench, Some(&first))?;
    let other = begins(&bench.launch, &root, &second, addresses[1]).await?;
    let balancer = Balancer::before(&bench.data(), addresses).await?;
    let (walked_through, failed, over) = (Rc::new(Cell::new(0_u64)), Rc::new(Cell::new(0_u64)), Rc::new(Cell::new(false)));
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let (walks, failed, over, mailbox) = (Rc::clone(&walked_through), Rc::clone(&failed), Rc::clone(&over), Rc::clone(&bench.mailbox));
        let (address, mut step) = (balancer.address, u64::try_from(lane)?);
        lanes.spawn_local(async move {
            let mut connection = Connection::open_for_each(address).await?;
            while !over.get() {
                // Each of them resets and signs in as people whom nobody else is.
                let Some((walk, _, _)) = WALKS.get(usize::from(step % 2 == 0) * 2).copied() else { break };
                match walked(&mut connection, &mailbox, walk, POPULATION, step % (POPULATION / 2)).await {
                    Ok(()) => walks.set(walks.get() + 1),
                    Err(failure) => {
                        eprintln!("while a node was replaced: {failure}");
                        failed.set(failed.get() + 1);
                    }
                }
                step += u64::try_from(LANES)? + 1;
            }
            Ok::<(), Failure>(())
        });
    }
    tokio::time::sleep(BOTH).await;
    let mut serving = Vec::new();
    for (node, (data, address)) in [one, other].into_iter().zip([(&first, addresses[0]), (&second, addresses[1])]) {
        spawn_blocking(move || node.stop().map_err(|failure| failure.to_string())).await??;
        serving.push(begins(&bench.launch, &root, data, address).await?);
        tokio::time::sleep(BOTH).await;
    }
    over.set(true);
    while let Some(ended) = lanes.join_next().await {
        ended??;
    }
    serving.into_iter().try_for_each(Server::stop)?;
    Ok(vec![
        Figure::new("walks that failed while both nodes were replaced", Unit::Count, vec![exact(failed.get())?])
            .target(Target::AtMost(0.0)),
        Figure::new("walks that ended meanwhile", Unit::Count, vec![exact(walked_through.get())?]),
    ])
}

/// Starts a node at this address, while whoever walks goes on.
async fn begins(launch: &Launch, root: &Path, data: &Path, address: SocketAddr) -> Result<Server, Failure> {
    let (launch, root, data) = (launch.clone(), root.to_owned(), data.to_owned());
    Ok(spawn_blocking(move || launch.start_at(address, Some(&root), &data).map_err(|failure| failure.to_string())).await??)
}

struct Balancer {
    child: Child,
    address: SocketAddr,
}

impl Balancer {
    async fn before(place: &Path, nodes: [SocketAddr; 2]) -> Result<Self, Failure> {
        std::fs::create_dir_all(place)?;
        let (file, address) = (place.join("haproxy.cfg"), free()?);
        let [one, other] = nodes.map(|node| format!(" {node}"));
        let settings =
            BALANCER.replace("bind :8080", &format!("bind {address}")).replace(" node1:8080", &one).replace(" node2:8080", &other);
        std::fs::write(&file, settings)?;
        let mut command = Command::new("/usr/sbin/haproxy");
        let child = command.arg("-f").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let balancer = Self { child, address };
        for _ in 0..ATTEMPTS {
            if TcpStream::connect(address).await.is_ok() {
                return Ok(balancer);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err("HAProxy does not listen".into())
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
