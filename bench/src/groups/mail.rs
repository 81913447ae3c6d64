//! Mails: how many leave in a second, to a server that answers at once and to one that takes its time, and what one costs when many wait.
//!
//! Easiest to get wrong: what is measured is delivery. Mails are put into the outbox first, while the mail server holds back its word; then
//! it is let go, and what follows is timed.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use crate::Failure;
use crate::account::Stopwatch;
use crate::client::drive;
use crate::figure::{Figure, Group, Target, Unit};
use crate::groups::{Bench, grouped};
use crate::project::{self, AtSignIn};
use crate::server::{ADMINISTRATOR, Server};

/// Mails that one request of the administrator asks for.
const EACH: u64 = 50;
const CONNECTIONS: usize = 4;
/// Mails at a time whose cost the backlog's is set against.
const FEW: u64 = 10;
/// Mails that wait.
const MANY: u64 = 50_000;
/// Mails to a server that answers at once.
const FAST: u64 = 5_000;
/// Mails to a server that takes its time.
const SLOW: u64 = 2_000;
const FAR: Duration = Duration::from_millis(50);

/// A mail server that counts, says each word after a while, and lets mails go only while its gate is open.
struct Counter {
    address: SocketAddr,
    shared: Rc<Shared>,
}

struct Shared {
    delay: Duration,
    open: watch::Sender<bool>,
    count: Cell<u64>,
    /// The first mail and the last one, by the clock.
    span: RefCell<Option<(Stopwatch, f64)>>,
    arrived: Notify,
}

impl Counter {
    async fn start(delay: Duration) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Rc::new(Shared {
            delay,
            open: watch::Sender::new(false),
            count: Cell::new(0),
            span: RefCell::default(),
            arrived: Notify::new(),
        });
        let kept = Rc::clone(&shared);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Rc::clone(&kept);
                tokio::task::spawn_local(async move {
                    // A client that leaves in the middle tries again; whoever counts notices if not.
                    let _ = shared.talk(stream).await;
                });
            }
        });
        Ok(Self { address, shared })
    }

    /// Opens or shuts the gate, and begins to count.
    fn open(&self, open: bool) {
        self.shared.count.set(0);
        *self.shared.span.borrow_mut() = None;
        self.shared.open.send_replace(open);
    }

    /// Waits for so many mails; how many a second they were, from the first to the last.
    async fn rate(&self, mails: u64) -> Result<f64, Failure> {
        let wait = async {
            loop {
                let arrived = self.shared.arrived.notified();
                if self.shared.count.get() >= mails {
                    return;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(Duration::from_mins(5), wait)
            .await
            .map_err(|_| format!("{} of {mails} mails came", self.shared.count.get()))?;
        let span = self.shared.span.borrow().as_ref().map_or(f64::NAN, |(_, last)| *last);
        Ok(f64::from(u32::try_from(mails)?) / span)
    }
}

impl Shared {
    async fn talk(&self, mut stream: TcpStream) -> Result<(), Failure> {
        stream.set_nodelay(true)?;
        self.say(&mut stream, b"220 counter\r\n").await?;
        let (mut bytes, mut text) = (Vec::with_capacity(16 * 1024), false);
        loop {
            let end: &[u8] = if text { b"\r\n.\r\n" } else { b"\r\n" };
            let Some(at) = bytes.windows(end.len()).position(|window| window == end) else {
                if stream.read_buf(&mut bytes).await? == 0 {
                    return Ok(());
                }
                continue;
            };
            let line: Vec<u8> = bytes.drain(..at + end.len()).collect();
            if text {
                text = false;
                let mut open = self.open.subscribe();
                open.wait_for(|open| *open).await?;
                self.say(&mut stream, b"250 taken\r\n").await?;
                self.count.set(self.count.get() + 1);
                let mut span = self.span.borrow_mut();
                let (watch, last) = span.get_or_insert_with(|| (Stopwatch::of_time(), 0.0));
                *last = watch.elapsed().as_secs_f64();
                drop(span);
                self.arrived.notify_waiters();
                continue;
            }
            let reply: &[u8] = match line.get(..4).unwrap_or_default() {
                b"EHLO" => b"250-counter\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
                b"DATA" => {
                    text = true;
                    b"354 go on\r\n"
                }
                b"QUIT" => return Ok(()),
                _ => b"250 ok\r\n",
            };
            self.say(&mut stream, reply).await?;
        }
    }

    async fn say(&self, stream: &mut TcpStream, words: &[u8]) -> Result<(), Failure> {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        Ok(stream.write_all(words).await?)
    }
}

/// Puts so many mails into the outbox, each to somebody else.
async fn put(server: &Server, mails: u64) -> Result<(), Failure> {
    let each = EACH.min(mails);
    drive(server.address(), CONNECTIONS, 0..mails / each, async move |connection, number| {
        let to: Vec<String> = (0..each).map(|one| format!("p{}@d{}.example", number * each + one, one % 16)).collect();
        let body = json!({
            "from": "bench@bench.example", "to": to.join(","), "subject": "Your code", "type": "text/html", "body": "<p>Your code is 12345678</p>".repeat(20),
        });
        let (name, password) = ADMINISTRATOR;
        let headers = format!("X-OpenIDM-Username: {name}\r\nX-OpenIDM-Password: {password}\r\nX-OpenIDM-NoSession: true\r\n");
        let target = "/openidm/external/email?_action=send&waitForCompletion=false";
        connection.ask("POST", target, &headers, Some(&body.to_string())).await.map(drop)
    })
    .await
}

/// A server whose mails go to a counter.
async fn serve(bench: &Bench, delay: Duration) -> Result<(Server, Counter), Failure> {
    let counter = Counter::start(delay).await?;
    let root = bench.work.path().join(format!("mail{}", counter.address.port()));
    project::write(&root, counter.address.port(), AtSignIn::Nothing)?;
    let data = bench.data();
    std::fs::create_dir_all(&data)?;
    Ok((bench.launch.start(Some(&root), &data)?, counter))
}

/// Microseconds of CPU for one of so many mails, asking for it included, and how many left in a second.
async fn cost(server: &Server, counter: &Counter, mails: u64, times: u64) -> Result<(f64, f64), Failure> {
    server.settle().await?;
    let before = server.cpu()?;
    let mut rate = f64::NAN;
    for _ in 0..times {
        counter.open(false);
        put(server, mails).await?;
        counter.open(true);
        rate = counter.rate(mails).await?;
    }
    server.settle().await?;
    let cpu = server.cpu()?.saturating_sub(before);
    Ok((cpu.as_secs_f64() * 1e6 / f64::from(u32::try_from(mails * times)?), rate))
}

pub(super) async fn measure(bench: &Bench) -> Result<Group, Failure> {
    let (mut fast, mut slow) = (Vec::new(), Vec::new());
    let (near_server, near) = serve(bench, Duration::ZERO).await?;
    let (far_server, far) = serve(bench, FAR).await?;
    for _ in 0..bench.extent.rounds {
        fast.push(cost(&near_server, &near, FAST, 1).await?.1);
        slow.push(cost(&far_server, &far, SLOW, 1).await?.1);
    }
    far_server.stop()?;
    let few = cost(&near_server, &near, FEW, 100).await?.0;
    let (many, many_rate) = cost(&near_server, &near, MANY, 1).await?;
    near_server.stop()?;
    Ok(Group {
        title: "Mails (from the first to the last that the mail server takes; cost includes asking for them)",
        figures: vec![
            Figure::new("mails, a server that answers at once", Unit::Each, fast).target(Target::AtLeast(1500.0)),
            Figure::new("mails, a server that takes 50 ms for each answer", Unit::Each, slow).target(Target::AtLeast(400.0)),
            Figure::new(format!("a mail, {FEW} waiting"), Unit::CpuMicroseconds, vec![few]),
            Figure::new(format!("a mail, {} waiting", grouped(MANY)), Unit::CpuMicroseconds, vec![many]),
            Figure::new("the latter over the former", Unit::Ratio, vec![many / few]).target(Target::AtMost(1.2)),
            Figure::new(format!("mails, {} waiting", grouped(MANY)), Unit::Each, vec![many_rate]),
        ],
    })
}
