//! Taking connections: each gets a place in the crowd, and holds its conversation beside the others.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use project::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::conversation::{Conversations, Doors};
use super::crowd::Crowd;

/// Open files that are left for everything else: the store, mails, a client's build.
const OTHER_FILES: usize = 256;
/// Requests that run when the server stops have this long to finish.
const FINISH_WITHIN: Duration = Duration::from_secs(20);
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

/// Serves connections until `stop` becomes true, then finishes the requests that are running.
///
/// # Errors
/// None after start; the listener was bound by the caller, and a failing accept is tried again.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    room: Room,
    doors: Doors,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let Room { crowd, within } = room;
    let conversations = Arc::new(Conversations::new(router, doors, Arc::clone(&crowd), within));
    let graceful = GracefulShutdown::new();
    while !*stop.borrow() {
        let Some((stream, peer)) = accept(&listener, &mut stop).await else { continue };
        let Some(place) = crowd.enter(peer.ip(), conversations.trusts(peer.ip())) else {
            tracing::debug!("a connection was refused: its network holds too many that are being answered");
            continue;
        };
        tokio::spawn(Arc::clone(&conversations).hold(stream, peer.ip(), place, graceful.watcher(), stop.clone()));
    }
    drop(listener);
    if tokio::time::timeout(FINISH_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still running when the server stopped");
    }
    Ok(())
}

async fn accept(listener: &TcpListener, stop: &mut watch::Receiver<bool>) -> Option<(TcpStream, SocketAddr)> {
    let accepted = tokio::select! {
        accepted = listener.accept() => accepted,
        _ = stop.changed() => return None,
    };
    match accepted {
        Ok((stream, peer)) => {
            // Answers are one write each; waiting for more would only delay them.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection could not be set up");
            }
            Some((stream, peer))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}
