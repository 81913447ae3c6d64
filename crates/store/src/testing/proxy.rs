//! Something between a node and its server that breaks connections where a test says, and counts what goes to and fro.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

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
    cut: Option<Cut>,
    sent: usize,
    trips: usize,
    /// The node had the last word.
    asked: bool,
    cuts: usize,
}

/// A proxy on the loopback address. It lives as long as the test.
pub struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// One in front of the server at this port.
    #[must_use]
    pub fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for node in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let (node_too, upstream_too) = (node.try_clone().unwrap(), upstream.try_clone().unwrap());
                let (up, down) = (Arc::clone(&shared), Arc::clone(&shared));
                std::thread::spawn(move || carry(&node, &upstream, |bytes| up.lock().unwrap().goes_up(bytes)));
                std::thread::spawn(move || carry(&upstream_too, &node_too, |_| down.lock().unwrap().comes_down()));
            }
        });
        Self { port, state }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts a connection there, once.
    pub fn cut(&self, cut: Cut) {
        let mut state = self.state.lock().unwrap();
        state.cut = Some(cut);
        state.sent = 0;
    }

    /// Nothing is cut any more.
    pub fn leave(&self) {
        self.state.lock().unwrap().cut = None;
    }

    /// How many connections were cut.
    #[must_use]
    pub fn cuts(&self) -> usize {
        self.state.lock().unwrap().cuts
    }

    /// How often the node has sent something and waited for an answer.
    #[must_use]
    pub fn round_trips(&self) -> usize {
        self.state.lock().unwrap().trips
    }
}

/// What becomes of bytes.
#[derive(PartialEq, Eq)]
enum Fate {
    Pass,
    CutBefore,
    CutAfter,
}

impl State {
    fn goes_up(&mut self, bytes: &[u8]) -> Fate {
        if !self.asked {
            self.asked = true;
            self.trips += 1;
        }
        self.sent += 1;
        let commits = bytes.windows(7).any(|window| window == b"COMMIT\0");
        let fate = match self.cut {
            Some(Cut::BeforeCommit) if commits => Fate::CutBefore,
            Some(Cut::AfterCommit) if commits => Fate::CutAfter,
            Some(Cut::Before(number)) if self.sent == number => Fate::CutBefore,
            Some(Cut::After(number)) if self.sent == number => Fate::CutAfter,
            _ => return Fate::Pass,
        };
        self.cut = None;
        self.cuts += 1;
        fate
    }

    fn comes_down(&mut self) -> Fate {
        self.asked = false;
        Fate::Pass
    }
}

fn carry(mut from: &TcpStream, mut to: &TcpStream, mut fate: impl FnMut(&[u8]) -> Fate) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        let part = bytes.get(..read).unwrap_or_default();
        let fate = fate(part);
        // The way back is closed first, so that no answer slips through.
        if fate != Fate::Pass {
            let _ = from.shutdown(Shutdown::Both);
        }
        if fate != Fate::CutBefore && to.write_all(part).is_err() {
            break;
        }
        if fate != Fate::Pass {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Write);
}
