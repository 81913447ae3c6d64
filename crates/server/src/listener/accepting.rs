//! Taking connections: each gets a place in the crowd, and holds its conversation beside the others.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use project::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::conversation::{Conversations, Doors};
use super::crowd::Crowd;

/// Open files that are left for everything else: the store, mails, a client's build.
const OTHER_FILES: usize = 256;
/// Requests that run when the server stops have this long to finish.
pub(crate) const FINISH_WITHIN: Duration = Duration::from_secs(20);
/// Connections that the system holds for us until they are accepted.
const BACKLOG: usize = 1024;
/// How long to wait after the system would not give us a connection (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How much room clients have, at all addresses that a process listens on together: its open files are no more for being asked at two.
#[derive(Clone)]
pub(crate) struct Room {
    crowd: Arc<Crowd>,
    /// How long a client may take to send a body or to take an answer.
    within: Duration,
}

impl Room {
    /// As many connections as configured, fewer where the system gives fewer open files.
    pub(crate) fn of(limits: &Limits) -> Self {
        let most = (limits.connections as usize).min(open_files().saturating_sub(OTHER_FILES)).max(1);
        let crowd = Crowd::new(most, (limits.connections_per_network as usize).min(most));
        Self { crowd, within: Duration::from_secs(limits.client_seconds.into()) }
    }
}

/// As many open files as the system allows, which is more than it gives unasked.
fn open_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let files = if raised.is_ok() { limit.maximum } else { limit.current };
    files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// The two ends of a listener. They are the same where nobody has to be led elsewhere in between.
#[derive(Clone)]
pub(crate) struct Stop {
    /// The server was told to stop: a connection is not kept for a further request.
    pub(crate) told: watch::Receiver<bool>,
    /// No more connections are taken, and those without a request are closed.
    pub(crate) closes: watch::Receiver<bool>,
}

/// Serves connections until `stop` closes them, then finishes the requests that are running, and those of whoever has already connected.
///
/// # Errors
/// What the system says of the listener when it is given back; a failing accept is tried again.
pub(super) async fn serve(listener: TcpListener, router: Router, room: Room, doors: Doors, stop: Stop) -> io::Result<()> {
    let Room { crowd, within } = room;
    let conversations = Arc::new(Conversations::new(router, doors, Arc::clone(&crowd), within, stop.told.clone()));
    let mut closes = stop.closes.clone();
    // Each conversation holds a sender; nobody ever sends.
    let (held, mut all_ended) = mpsc::channel::<()>(1);
    let take = |stream: TcpStream, peer: SocketAddr| {
        // Answers are one write each; waiting for more would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection could not be set up");
        }
        let Some(place) = crowd.enter(peer.ip(), conversations.trusts(peer.ip())) else {
            return tracing::debug!("a connection was refused: its network holds too many that are being answered");
        };
        let conversation = Arc::clone(&conversations).hold(stream, peer.ip(), place, stop.closes.clone());
        let held = held.clone();
        tokio::spawn(async move {
            conversation.await;
            drop(held);
        });
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = closes.wait_for(|closes| *closes) => break,
        };
        match accepted {
            Ok((stream, peer)) => take(stream, peer),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // Whoever has connected is served all the same: a balancer does not send a request again that it has sent. The system itself is asked, because
    // the runtime may not have heard of them yet.
    let listener = listener.into_std()?;
    for _ in 0..BACKLOG {
        let Ok((stream, peer)) = listener.accept() else { break };
        match stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
            Ok(stream) => take(stream, peer),
            Err(error) => tracing::debug!(%error, "a connection could not be set up"),
        }
    }
    drop((listener, held));
    if tokio::time::timeout(FINISH_WITHIN, all_ended.recv()).await.is_err() {
        tracing::warn!("some requests were still running when the server stopped");
    }
    Ok(())
}
