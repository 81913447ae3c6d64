//! Something between a node and its server that breaks, delays and silences connections where a test says, and counts what goes to and fro.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Where the next connection is cut, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// When the node has sent COMMIT, which never arrives.
    BeforeCommit,
    /// When COMMIT has arrived; its answer does not come back.
    AfterCommit,
    /// At the so-manieth thing that the node sends from now on, before it arrives.
    Before(usize),
    /// When it has arrived.
    After(usize),
}

#[derive(Default)]
struct State {
    server: u16,
    cut: Option<Cut>,
    sent: usize,
    trips: usize,
    /// The node had the last word.
    asked: bool,
    cuts: usize,
    connections: usize,
    bytes: u64,
    delay: Duration,
    silent: bool,
    /// What asks that a statement be cancelled waits.
    holds_cancels: bool,
    /// At which byte everything ends, and who wants to know.
    end: Option<(u64, Sender<()>)>,
    ended: bool,
}

/// A proxy on the loopback address. It lives as long as the test.
pub struct Proxy {
    port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Proxy {
    /// One in front of the server at this port.
    #[must_use]
    pub fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new((Mutex::new(State { server, ..State::default() }), Condvar::new()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for node in listener.incoming().map_while(Result::ok) {
                let server = {
                    let mut state = shared.0.lock().unwrap();
                    state.connections += 1;
                    if state.ended { None } else { Some(state.server) }
                };
                let Some(Ok(upstream)) = server.map(|server| TcpStream::connect(("127.0.0.1", server))) else { continue };
                // Small parts go at once, as they do without anybody between: else each waits for the acknowledgement of the one before.
                if [&node, &upstream].into_iter().any(|stream| stream.set_nodelay(true).is_err()) {
                    continue;
                }
                let (node_too, upstream_too) = (node.try_clone().unwrap(), upstream.try_clone().unwrap());
                let (up, down) = (Arc::clone(&shared), Arc::clone(&shared));
                std::thread::spawn(move || carry(&node, &upstream, &up, true));
                std::thread::spawn(move || carry(&upstream_too, &node_too, &down, false));
            }
        });
        Self { port, state }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state.0.lock().unwrap());
        self.state.1.notify_all();
        changed
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connections that were made to it.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.change(|state| state.connections)
    }

    /// Cuts a connection there, once.
    pub fn cut(&self, cut: Cut) {
        self.change(|state| {
            state.cut = Some(cut);
            state.sent = 0;
        });
    }

    /// Nothing is cut any more.
    pub fn leave(&self) {
        self.change(|state| state.cut = None);
    }

    /// Everything takes so much longer from now on, in each direction.
    pub fn delay(&self, delay: Duration) {
        self.change(|state| state.delay = delay);
    }

    /// Connections stay, and new ones are taken, and nothing gets through them (`true`), or the next ones work again. What was lost in silence
    /// is lost.
    pub fn silence(&self, silent: bool) {
        self.change(|state| state.silent = silent);
    }

    /// What asks that a statement be cancelled is taken and arrives when this is called again, with `false`.
    pub fn hold_cancels(&self, held: bool) {
        self.change(|state| state.holds_cancels = held);
    }

    /// Ends every connection, and takes no new one, when so many more bytes have gone to and fro: the last part arrives up to there. Whoever
    /// waits is told.
    #[must_use]
    pub fn end_after(&self, bytes: u64) -> Receiver<()> {
        let (told, ended) = channel();
        self.change(|state| state.end = Some((state.bytes + bytes, told)));
        ended
    }

    /// Ends that at once, where it was asked for and has not come to it.
    pub fn end(&self) {
        self.change(|state| {
            if state.end.is_some() {
                state.end();
            }
        });
    }

    /// Leads to the server at this port from now on.
    pub fn lead_to(&self, server: u16) {
        self.change(|state| (state.server, state.ended, state.end) = (server, false, None));
    }

    /// How many connections were cut.
    #[must_use]
    pub fn cuts(&self) -> usize {
        self.change(|state| state.cuts)
    }

    /// How many bytes went to and fro.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.change(|state| state.bytes)
    }

    /// How often the node has sent something and waited for an answer.
    #[must_use]
    pub fn round_trips(&self) -> usize {
        self.change(|state| state.trips)
    }
}

/// What becomes of bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Pass,
    /// They are lost, and the connection stays.
    Lose,
    /// So many of them arrive, and the connection is cut.
    Cut(usize),
}

impl State {
    fn end(&mut self) {
        self.ended = true;
        if let Some((_, told)) = self.end.take() {
            // Who waited may have gone.
            let _ = told.send(());
        }
    }

    fn fate(&mut self, bytes: &[u8], up: bool) -> Fate {
        if self.ended {
            return Fate::Cut(0);
        }
        self.bytes += bytes.len() as u64;
        if let Some((last, _)) = &self.end
            && self.bytes >= *last
        {
            let beyond = usize::try_from(self.bytes - last).unwrap_or_default();
            self.end();
            return Fate::Cut(bytes.len().saturating_sub(beyond));
        }
        if self.silent {
            return Fate::Lose;
        }
        if up {
            return self.goes_up(bytes);
        }
        self.asked = false;
        Fate::Pass
    }

    fn goes_up(&mut self, bytes: &[u8]) -> Fate {
        if !self.asked {
            self.asked = true;
            self.trips += 1;
        }
        self.sent += 1;
        let commits = bytes.windows(7).any(|window| window == b"COMMIT\0");
        let arrive = match self.cut {
            Some(Cut::BeforeCommit) if commits => 0,
            Some(Cut::AfterCommit) if commits => bytes.len(),
            Some(Cut::Before(number)) if self.sent == number => 0,
            Some(Cut::After(number)) if self.sent == number => bytes.len(),
            _ => return Fate::Pass,
        };
        self.cut = None;
        self.cuts += 1;
        Fate::Cut(arrive)
    }
}

/// Whether this is the request that the server cancels a statement (PostgreSQL documentation, "Message Formats", CancelRequest).
fn is_cancel(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(&80_877_102_u32.to_be_bytes())
}

/// How long everything takes now; a change of it is felt at once.
fn wait(state: &(Mutex<State>, Condvar)) {
    let guard = state.0.lock().unwrap();
    let delay = guard.delay;
    if !delay.is_zero() {
        drop(state.1.wait_timeout_while(guard, delay, |state| state.delay == delay).unwrap());
    }
}

fn carry(mut from: &TcpStream, mut to: &TcpStream, state: &(Mutex<State>, Condvar), up: bool) {
    let mut bytes = vec![0; 64 * 1024];
    let mut lost = false;
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        let part = bytes.get(..read).unwrap_or_default();
        wait(state);
        if up && is_cancel(part) {
            drop(state.1.wait_while(state.0.lock().unwrap(), |state| state.holds_cancels).unwrap());
        }
        let fate = state.0.lock().unwrap().fate(part, up);
        let arrive = match fate {
            // What comes behind something that was lost makes no sense to anybody.
            Fate::Pass if lost => break,
            Fate::Pass => read,
            Fate::Lose => {
                lost = true;
                continue;
            }
            Fate::Cut(arrive) => arrive,
        };
        // The way back is closed first, so that no answer slips through.
        if fate != Fate::Pass {
            let _ = from.shutdown(Shutdown::Both);
        }
        let written = to.write_all(part.get(..arrive).unwrap_or_default());
        if written.is_err() || fate != Fate::Pass {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Write);
}
